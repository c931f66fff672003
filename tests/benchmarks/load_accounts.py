"""
Fill a database with a district's accounts, a million of them if not told otherwise, as fast as its driver can.

Names, user names and states have the skew of a real portal: a few surnames are many people's, prefixes and hyphens
occur, most accounts were never issued or have a password of their own, and some states are rare. The rows are what
the store itself would write, made by the same code; they go in before the indexes are made. Numbers are drawn from a
seed, so that each database gets the same accounts.
"""

# ruff: noqa: S311, SIM905  Nothing secret is drawn, and lists of words are easier to read as words.
from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any, Final

import attrs

from portalcreds.accounts import Account, Credential, CredentialOrigin, PasswordHash
from portalcreds.contacts import Contact, ContactId
from portalcreds.protocols import Change
from portalcreds.stores._drivers.dialects import get_dialect
from portalcreds.stores._sql.ddl import create_table_sql
from portalcreds.stores._sql.rows import WORD_COLUMNS, WRITTEN_COLUMNS, account_rows, word_rows
from portalcreds.stores._sql.schema import lay_out
from portalcreds.stores.tables import DEFAULT_TABLES

NOW: Final = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
"""The instant that the states hold at."""

STATES: Final = {
    "never_issued": 0.40,
    "self_chosen": 0.4164,
    "imported": 0.10,
    "default_live": 0.05,
    "default_expired": 0.02,
    "erased": 0.012,
    "change_required": 0.0006,
    "disabled": 0.001,
}
"""The share of accounts that are in each state; they add up to one."""

_COMMON: Final = tuple(
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
    "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson "
    "Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell "
    "Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales "
    "Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson "
    "Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price Alvarez Castillo Sanders Patel Myers Long "
    "Ross Foster Jimenez O'Brien O'Connor McDonald MacLeod Núñez Müller Søndergaard Şahin Li Wu Ng Østergård".split()
)
_BEGINNINGS: Final = (
    "Ab Al An Ar Ba Be Bl Bo Bra Bu Ca Che Co Da De Do Dr Du El Es Fa Fi Fo Fra Ga Ge Go Gra Ha He Hi Ho Hu Ja Je Jo "
    "Ka Ke Ki Ko Kra La Le Li Lo Lu Ma Me Mi Mo Mu Na Ne No Ol Or Pa Pe Pi Po Pra Ra Re Ri Ro Ru Sa Sch Se Sh Si So St "
    "Su Ta Te Th To Tr Ul Va Ve Vi Vo Wa We Wi Wo Ya Yo Za Ze Zi"
).split()
_MIDDLES: Final = (
    "ba ber bi ca chi da del di do fa ga gi la le li lo ma mi na ne ni no ra re ri ro sa si ta ti to va".split()
)
_ENDINGS: Final = "n s ski son sen man berg ez er i o a tt ck ler ner lin ton ley wicz ova ini escu oğlu".split()
_PARTICLES: Final = ("van der ", "de la ", "von ", "De ", "Mc", "O'", "El-", "St. ", "di ", "Al ")
_FIRST_NAMES: Final = (
    "Maria James Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan José "
    "Jessica Thomas Sarah Carlos Karen Rosa Ana Luis Carmen Juan Wei Mohammed Fatima Olga Ivan Anna Peter Chloé Zoë "
    "Jean-Luc Mary Ann Lee Kim Duc Linh Aisha Omar Priya Raj Yuki Kenji Abigail Noah Emma Liam Olivia Ethan Sofía Diego"
).split()

_ISSUED_FOR: Final = timedelta(days=14)
_ROWS_AT_ONCE: Final = 2000
_COLUMNS: Final = ("tenant", *WRITTEN_COLUMNS)

Connect = Callable[[], Any]


def accounts(count: int, *, seed: int = 1, shares: Mapping[str, float] = STATES) -> Iterator[Account]:
    """
    Yield accounts by contact id.

    Args:
        count: How many.
        seed: For the same one they are the same.
        shares: How large a part of them is in each state of `STATES`.
    """
    draw = random.Random(seed)
    surnames = _surnames(draw)
    # The n-th most common of many surnames is about one n-th as common as the first.
    weights = list(accumulate(1 / (rank + 12) for rank in range(len(surnames))))
    taken: Counter[str] = Counter()
    states, upto = list(shares), list(accumulate(shares.values()))
    for number in range(count):
        first_name = draw.choice(_FIRST_NAMES)
        last_name = draw.choices(surnames, cum_weights=weights)[0]
        if draw.random() < 0.04:
            last_name += "-" + draw.choices(surnames, cum_weights=weights)[0]
        state = draw.choices(states, cum_weights=upto)[0]
        username = _username(draw, first_name, last_name, taken)
        contact = Contact(
            contact_id=ContactId(str(700_000 + number)),
            first_name=first_name,
            last_name=last_name,
            email=None if draw.random() < 0.3 else f"{username.lower().replace(' ', '')}@example.org",
        )
        account = Account(
            contact=contact,
            username=None if state == "never_issued" and draw.random() < 0.03 else username,
            credential=_credential(draw, state),
            is_active=state != "disabled",
            last_sign_in_at=_ago(draw, 300) if state in ("self_chosen", "change_required") else None,
        )
        if state == "erased":
            account = attrs.evolve(account.erase(erased_at=_ago(draw, 300)), version=1)
        yield account


def load(connect: Connect, dialect: str, some: Iterable[Account], *, tenant: str = "") -> None:
    """
    Create the tables and fill in the accounts, and have the database look at what it holds.

    Args:
        connect: Returns a new connection to an empty database.
        dialect: Which database, as `DBAPIAccountStore` names it.
        some: The accounts.
        tenant: Whose accounts they are.
    """
    spoken = get_dialect(dialect)
    layout = lay_out(DEFAULT_TABLES)
    table = layout.accounts.path
    ddl = [statement for each in layout for statement in create_table_sql(each, spoken)]
    connection = connect()
    try:
        spoken.leave_transactions(connection)
        cursor = connection.cursor()
        # Indexes afterwards: sorting a million keys once is faster than finding a place for each.
        for statement in (each for each in ddl if each.startswith("CREATE TABLE")):
            cursor.execute(statement)
        fill = {"sqlite": _fill_sqlite, "postgresql": _fill_postgresql, "mariadb": _fill_mariadb}[dialect]
        words: list[tuple[object, ...]] = []
        fill(connection, table, _COLUMNS, _rows(some, tenant, words))
        # In the order of their key, which they are kept in.
        words.sort()
        fill(connection, layout.words.path, ("tenant", *WORD_COLUMNS), iter(words))
        for statement in ddl:
            cursor.execute(statement)
        if dialect == "postgresql":
            # As autovacuum does within minutes; without it the first reader of each page would write to it.
            cursor.execute(f"VACUUM ANALYZE {table}")
            cursor.execute(f"VACUUM ANALYZE {layout.words.path}")
        elif dialect == "mariadb":
            cursor.execute(f"ANALYZE TABLE {table}, {layout.words.path}")
    finally:
        connection.close()


def _fill_sqlite(connection: Any, table: str, columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
    cursor = connection.cursor()
    # Each answer is read: a statement that was not finished keeps a later COMMIT from being done.
    cursor.execute("PRAGMA journal_mode = WAL").fetchall()
    cursor.execute("PRAGMA synchronous = OFF").fetchall()
    cursor.execute("BEGIN")
    cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows)
    cursor.execute("COMMIT")
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _fill_postgresql(connection: Any, table: str, columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
    with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _fill_mariadb(connection: Any, table: str, columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
    cursor = connection.cursor()
    cursor.execute("SET unique_checks = 0")
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        cursor.executemany(insert, batch)


def _rows(some: Iterable[Account], tenant: str, words: list[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of accounts, and keep those of their words."""
    for account in some:
        words += word_rows(tenant, account)
        for row in account_rows([Change(old=None, new=account)]):
            yield (tenant, *row)


def _surnames(draw: random.Random) -> list[str]:
    rare = {
        "".join((draw.choice(_BEGINNINGS), *draw.choices(_MIDDLES, k=draw.randint(0, 2)), draw.choice(_ENDINGS)))
        for _ in range(60_000)
    }
    rare |= {draw.choice(_PARTICLES) + name for name in draw.sample(sorted(rare), 4_000)}
    others = sorted(rare - set(_COMMON))
    draw.shuffle(others)
    return [*_COMMON, *others]


def _username(draw: random.Random, first_name: str, last_name: str, taken: Counter[str]) -> str:
    style = draw.random()
    if style < 0.6:
        base = (first_name[0] + last_name).replace(" ", "").replace("'", "")
    elif style < 0.9:
        base = f"{first_name}.{last_name}".replace(" ", "")
    else:
        base = last_name.replace(" ", "")
    base = base.lower()
    taken[base] += 1
    # A full stop, so that no numbered one is another's base.
    return base if taken[base] == 1 else f"{base}.{taken[base]}"


def _credential(draw: random.Random, state: str) -> Credential:
    if state in ("never_issued", "erased"):
        return Credential()
    if state.startswith("default_") or (state == "disabled" and draw.random() < 0.3):
        # Set for some hundreds at a time, in office hours; those of one chunk expire at one instant.
        days = draw.randrange(0, 14) if state == "default_live" else draw.randrange(15, 200)
        job = draw.randrange(20)
        issued_at = NOW - timedelta(days=days, minutes=13 * job, microseconds=draw.randrange(60) * 50_000)
        return Credential(
            password_hash=_hash(draw, "m=19456,t=2,p=1"),
            origin=CredentialOrigin.ISSUED,
            strategy="last-name-first-initial",
            issue_id=f"{days:016x}{job:016x}",
            issued_by=f"staff-{job}",
            issued_at=issued_at,
            expires_at=issued_at + _ISSUED_FOR,
            epoch=draw.randint(1, 4),
        )
    return Credential(
        password_hash=_hash(draw, "m=65536,t=3,p=4"),
        origin=CredentialOrigin.IMPORTED if state == "imported" else CredentialOrigin.CHOSEN,
        change_required_by="compromised" if state == "change_required" else None,
        changed_at=None if state == "imported" else _ago(draw, 900),
        epoch=draw.randint(1, 6),
    )


def _hash(draw: random.Random, parameters: str) -> PasswordHash:
    # As long and as random as a real one, which takes a hundred milliseconds.
    salt, tag = (base64.b64encode(draw.randbytes(size)).decode().rstrip("=") for size in (16, 32))
    return PasswordHash(f"$argon2id$v=19${parameters}${salt}${tag}")


def _ago(draw: random.Random, days: int) -> datetime:
    return NOW - timedelta(days=draw.random() * days)
