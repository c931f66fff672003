"""
Print how long a page of the grid takes at a million accounts: ``python tests/benchmarks/bench_grid.py``.

Each database is filled by `load_accounts` and asked through ``search`` of a store over its driver, then of one over
SQLAlchemy, on connections that they keep, so that building the accounts is included. Pages are drawn at random: a deep
page begins after an account drawn from all that match, and what is typed are beginnings of somebody's words.
Each round asks every kind of page in turn; p95 is the median of the rounds', with the least and the greatest beside it,
because what else the machine does falls on single rounds. CPU is p95 of this process's own time, on which it does not
fall: all there is with SQLite, all but the server's with the others. The peer asks for the same page as it is usually
written: OFFSET over the same index for a deep one, LIKE over LOWER() for words, through the driver only. The floor,
``SELECT 1``, is asked over the same connections. The budget is 10 ms at p95 for a page of 50 on SQLite and PostgreSQL,
and 20 ms on MariaDB.

With ``--write`` it prints instead how many defaults a second the store sets, and how many accounts it adds, with all
the indexes and without one of them.
"""

# ruff: noqa: S311  Nothing secret is drawn.
from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load_accounts import NOW, accounts, load
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account, AccountStatus, PasswordHash
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import ContactId
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores._drivers.dialects import get_dialect
from portalcreds.stores._sql.account_store import SQLAccountStore
from portalcreds.stores._sql.ddl import create_index_sql
from portalcreds.stores._sql.rows import read_account
from portalcreds.stores._sql.schema import lay_out
from portalcreds.stores._sql.search import order_by
from portalcreds.stores.tables import DEFAULT_TABLES
from servers import SERVERS, own_database
from stores.backends import Backend

DATABASES: Final = ("sqlite", *SERVERS)
WAYS: Final = ("driver", "sqlalchemy")

SAMPLED: Final = 400
"""Accounts of each status to draw positions from."""

_LARGE: Final = 200
_PEER_SECONDS: Final = 2
_CHUNK: Final = 50
_CHUNKS: Final = 20
_PLAIN_STATUSES: Final = {
    "never_issued": "is_active = 1 AND origin = 'none'",
    "default_live": f"is_active = 1 AND origin = 'issued' AND expires_at > {NOW.timestamp() * 1e6:.0f}",
    "default_expired": f"is_active = 1 AND origin = 'issued' AND expires_at <= {NOW.timestamp() * 1e6:.0f}",
    "self_chosen": "is_active = 1 AND origin = 'chosen' AND change_required_by IS NULL",
    "change_required": "is_active = 1 AND origin IN ('chosen', 'imported') AND change_required_by IS NOT NULL",
    "imported": "is_active = 1 AND origin = 'imported' AND change_required_by IS NULL",
    "disabled": "is_active = 0 AND erased_at IS NULL",
}

Drawer = Callable[[random.Random], AccountQuery]


class Sample:
    """Some accounts of each status, each as likely as the others of its status."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._seen: dict[str, int] = {}
        self.of_status: dict[str, list[Account]] = {}

    def watching(self, some: Iterable[Account]) -> Iterator[Account]:
        """Yield the accounts, and keep some of them."""
        for account in some:
            if account.erased_at is None:
                status = account.status(NOW).value
                kept = self.of_status.setdefault(status, [])
                seen = self._seen[status] = self._seen.get(status, 0) + 1
                place = len(kept) if len(kept) < SAMPLED else self._draw.randrange(seen)
                if place < SAMPLED:
                    kept[place : place + 1] = [account]
            yield account

    def any_of(self, draw: random.Random, status: str | None = None) -> Account:
        """Return one account with a user name, of that status or of any in their proportions."""
        while True:
            if status is None:
                account = draw.choice(self.of_status[draw.choices(list(self._seen), list(self._seen.values()))[0]])
            else:
                account = draw.choice(self.of_status[status])
            if account.username is not None:
                return account


def cases(sample: Sample) -> dict[str, Drawer]:
    """Return what is asked for, by its name: how to draw the query of a page."""

    def any_page(status: str | None = None, limit: int = 50, order: str = "name") -> Drawer:
        def drawn(draw: random.Random) -> AccountQuery:
            query = AccountQuery(now=NOW, status=status, limit=limit, order=order)
            return attrs.evolve(query, after=query.after_account(sample.any_of(draw, status)))

        return drawn

    def first_page(status: str | None = None) -> Drawer:
        return lambda draw: AccountQuery(now=NOW, status=status)

    def by(
        *beginnings: tuple[str, Sequence[int]],
        status: str | None = None,
        deep: bool = False,
        limit: int = 50,
        **filters: Any,
    ) -> Drawer:
        def drawn(draw: random.Random) -> AccountQuery:
            account = sample.any_of(draw)
            texts = {"last": account.contact.last_name, "first": account.contact.first_name, "user": account.username}
            texts["address"] = account.contact.email
            typed = " ".join((texts[field] or "")[: draw.choice(lengths)] for field, lengths in beginnings)
            query = AccountQuery(now=NOW, status=status, limit=limit, words=typed, **filters)
            return attrs.evolve(query, after=query.after_account(sample.any_of(draw))) if deep else query

        return drawn

    few, whole = (1, 2, 3, 4), (99,)
    found: dict[str, Drawer] = {"first page": first_page(), "any page": any_page()}
    found |= {f"{status}, first page": first_page(status) for status in _PLAIN_STATUSES}
    found |= {f"{status}, any page": any_page(status) for status in _PLAIN_STATUSES}
    for field, title in (("last", "last name"), ("first", "first name"), ("user", "user name")):
        found |= {f"{title} {length} letters": by((field, (length,))) for length in few}
        found[f"{title}, whole"] = by((field, whole))
    found["last name, any page"] = by(("last", few), deep=True)
    found["address, whole"] = by(("address", whole))
    found["first name, last name 3 letters"] = by(("first", whole), ("last", (3,)))
    found["first name 3, last name 3 letters"] = by(("first", (3,)), ("last", (3,)))
    found["first name 1, last name 1 letter"] = by(("first", (1,)), ("last", (1,)))
    found["first name 3, last name 3, any page"] = by(("first", (3,)), ("last", (3,)), deep=True)
    found |= {f"{status} + last name 3 letters": by(("last", (3,)), status=status) for status in _PLAIN_STATUSES}
    found["without user name"] = by(without_username=True)
    found["never signed in, any page"] = by(never_signed_in=True, deep=True)
    found["issued before, any page"] = by(issued_before=NOW - timedelta(days=100), deep=True)
    found["by expiry, any page"] = any_page("default_live", order="expiry")
    found["by last sign-in, any page"] = any_page("self_chosen", order="last_sign_in")
    found["any page of 200"] = any_page(limit=_LARGE)
    found["default_live, any page of 200"] = any_page("default_live", limit=_LARGE)
    found["last name, 200"] = by(("last", few), limit=_LARGE)
    return found


class Asked:
    """One database, asked ours and the usual way."""

    def __init__(self, store: SQLAccountStore, dialect: str) -> None:
        self._store = store
        self._dialect = get_dialect(dialect)
        self._totals: dict[AccountQuery, int] = {}

    def floor(self) -> tuple[float, float]:
        """Return the seconds of a statement that reads nothing, on the clock and of CPU."""
        begin, cpu = time.perf_counter(), time.thread_time()
        with self._store._port.reading() as statements:
            statements.execute("SELECT 1", {})
        return time.perf_counter() - begin, time.thread_time() - cpu

    def ours(self, query: AccountQuery) -> tuple[float, float]:
        """Return the seconds of one page, on the clock and of CPU."""
        begin, cpu = time.perf_counter(), time.thread_time()
        self._store.search(query)
        return time.perf_counter() - begin, time.thread_time() - cpu

    def peer(self, query: AccountQuery, draw: random.Random) -> float:
        """Return the seconds of the same page as it is usually written."""
        sql, parameters = self._usual(query, draw)
        begin = time.perf_counter()
        with self._store._port.reading() as lent:
            rows, _ = lent.execute(sql, parameters)
        for row in rows:
            read_account(row)
        return time.perf_counter() - begin

    def total(self, query: AccountQuery) -> float:
        """Return the seconds of counting all pages."""
        begin = time.perf_counter()
        self._store.count(query)
        return time.perf_counter() - begin

    def _usual(self, query: AccountQuery, draw: random.Random) -> tuple[str, dict[str, object]]:
        # Without accents, which a plain LIKE does not fold.
        condition = "erased_at IS NULL"
        parameters: dict[str, object] = {}
        for number, word in enumerate(query.typed):
            columns = ("first_name", "last_name", "username", "email")
            parameters[f"pattern{number}"] = f"{word}%"
            condition += f" AND ({' OR '.join(f'LOWER({column}) LIKE :pattern{number}' for column in columns)})"
        if query.status is not None:
            condition += f" AND {_PLAIN_STATUSES[query.status.value]}"
        order = order_by(attrs.evolve(query, status=None, after=None))
        offset = 0
        if query.after is not None:
            whole = attrs.evolve(query, after=None)
            if whole not in self._totals:
                self._totals[whole] = self._store.count(whole)
            offset = draw.randrange(max(1, self._totals[whole]))
        sql = f"{self._store._reader._select}{condition} ORDER BY {order} LIMIT :limit OFFSET :offset"
        return sql, self._store._view.bind({**parameters, "limit": query.limit + 1, "offset": offset})


def main() -> None:
    """Fill each database, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--pages", type=int, default=60, help="pages of each kind in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=int, default=5, help="pages of each kind asked the usual way; 0 for none")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--write", action="store_true", help="measure writing instead, with each index left out")
    options = parser.parse_args()
    for database in options.databases:
        sample = Sample(random.Random(0))
        with own(database) as backend:
            if backend is None:
                say(f"\n{database} is not here")
                continue
            begin = time.perf_counter()
            load(backend.connect, database, sample.watching(accounts(options.accounts)))
            seconds = time.perf_counter() - begin
            say(f"\n{database} {facts(backend)}: {options.accounts:,} accounts, loaded in {seconds:.0f} s")
            if options.write:
                with opened(backend) as store:
                    measure_writes(store, backend, options.accounts, options.rounds)
                continue
            for way in options.ways:
                before = os.getloadavg()[0]
                peers = options.peers if way == "driver" else 0
                with opened(backend if way == "driver" else attrs.evolve(backend, name=f"{way}-{database}")) as store:
                    store.check()
                    say(f"\nover {'its driver' if way == 'driver' else 'SQLAlchemy'}")
                    measure_pages(Asked(store, database), sample, options.pages, options.rounds, peers)
                say(f"{os.cpu_count()} cores, load {before:.2f} before and {os.getloadavg()[0]:.2f} after")


@contextmanager
def own(database: str) -> Iterator[Backend | None]:
    """Yield an empty database, reached by its driver and removed afterwards, or None where its server is missing."""
    if database == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield Backend(database, str(Path(folder) / "portal.db"))
        return
    with ExitStack() as stack:
        try:
            place = stack.enter_context(own_database(database)).name
        except pytest.skip.Exception:
            yield None
        else:
            yield Backend(database, place)


@contextmanager
def opened(backend: Backend) -> Iterator[SQLAccountStore]:
    """Yield a store."""
    with backend.open() as store:
        if not isinstance(store, SQLAccountStore):
            raise TypeError(f"{backend.name} opens no store over SQL")
        yield store


def facts(backend: Backend) -> str:
    """Return the database's version, and how much of it it keeps in memory."""
    asking = {
        "sqlite": "SELECT sqlite_version(), -cache_size || ' KiB' FROM pragma_cache_size",
        "postgresql": "SELECT current_setting('server_version'), current_setting('shared_buffers')",
        "mariadb": "SELECT VERSION(), CONCAT(@@innodb_buffer_pool_size DIV 1048576, ' MiB')",
    }
    connection = backend.connect()
    cursor = connection.cursor()
    cursor.execute(asking[backend.database])
    version, memory = cursor.fetchone()
    connection.close()
    return f"{version}, {memory} of cache"


def measure_pages(asked: Asked, sample: Sample, pages: int, rounds: int, peers: int) -> None:
    """Print one line for each kind of page."""
    heads = "".join(f"{head:>8}" for head in ("p50", "p95", "least", "most", "p99", "CPU"))
    say(f"{'milliseconds':34}{heads}{'peer p50':>11}{'ratio':>8}")
    drawers = cases(sample)
    taken: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in ("SELECT 1", *drawers)}
    # The first round warms the caches, as the people before have done in life.
    for turn in range(rounds + 1):
        draw = random.Random(turn)
        times = {"SELECT 1": [asked.floor() for _ in range(pages)]}
        times |= {name: [asked.ours(drawn(draw)) for _ in range(pages)] for name, drawn in drawers.items()}
        if turn:
            for name, each in times.items():
                taken[name].append(each)
    for name, of_rounds in taken.items():
        walls = [wall for times in of_rounds for wall, _ in times]
        cpus = [cpu for times in of_rounds for _, cpu in times]
        p95s = sorted(percentile([wall for wall, _ in times], 95) for times in of_rounds)
        p50, p99, cpu = percentile(walls, 50), percentile(walls, 99), percentile(cpus, 95)
        cells = (p50, statistics.median(p95s), p95s[0], p95s[-1], p99, cpu)
        line = f"{name:34}" + "".join(f"{1000 * cell:8.2f}" for cell in cells)
        if name in drawers and "first page" not in name and peers:
            draw = random.Random(0)
            usual: list[float] = []
            # Some of these take seconds, and one is enough to tell.
            while len(usual) < peers and sum(usual) < _PEER_SECONDS:
                usual.append(asked.peer(drawers[name](draw), draw))
            line += f"{1000 * statistics.median(usual):11.2f}{statistics.median(usual) / p50:8.1f}"
        say(line)
    draw = random.Random(0)
    for name, query in {
        "count of all": AccountQuery(now=NOW),
        "count of default_live": AccountQuery(now=NOW, status=AccountStatus.DEFAULT_LIVE),
        "count of 2 letters": AccountQuery(now=NOW, words="sm"),
    }.items():
        say(f"{name:34}{1000 * statistics.median(asked.total(query) for _ in range(3)):8.2f}")


def measure_writes(store: SQLAccountStore, backend: Backend, count: int, rounds: int) -> None:
    """Print how many accounts a second are issued a default, and added, with all indexes and without each."""
    table = lay_out(DEFAULT_TABLES).accounts
    dialect = get_dialect(backend.database)
    creation = [create_index_sql(table, name, columns, dialect) for name, columns in table.indexes.items()]
    taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ("none", *table.indexes)}
    draw = random.Random(0)
    some = accounts(10**9, seed=2)
    admin = backend.connect()
    dialect.leave_transactions(admin)
    cursor = admin.cursor()
    for _ in range(rounds):
        for left_out, (issuing, adding) in taken.items():
            if left_out != "none":
                cursor.execute(f"DROP INDEX {left_out}{f' ON {table.path}' if backend.database == 'mariadb' else ''}")
            for _ in range(_CHUNKS):
                ids = [ContactId(str(700_000 + draw.randrange(count))) for _ in range(_CHUNK)]
                issuing.append(timed(store, [issue(old) for old in store.find_many(ids).values() if old.is_active]))
                adding.append(timed(store, [add(new) for new in islice(some, _CHUNK)]))
            for statement in creation:
                cursor.execute(statement)
    admin.close()
    say(f"{'accounts a second':38}{'issued':>9}{'ratio':>8}{'added':>9}{'ratio':>8}")
    base = [statistics.median(each) for each in taken["none"]]
    for left_out, both in taken.items():
        cells = "".join(
            f"{1 / statistics.median(each):9,.0f}{first / statistics.median(each):8.2f}"
            for each, first in zip(both, base, strict=True)
        )
        say(f"{f'without {left_out}' if left_out != 'none' else 'with all':38}{cells}")


def timed(store: SQLAccountStore, changes: Sequence[Change]) -> float:
    """Return the seconds that each of the changes took, in one transaction."""
    begin = time.perf_counter()
    results = store.apply(changes)
    seconds = time.perf_counter() - begin
    if set(results) != {ApplyResult.APPLIED}:
        raise RuntimeError("not all of the changes were applied")
    return seconds / len(changes)


def issue(old: Account) -> Change:
    """Return what sets a default, as a reset does."""
    issued = old.issue(
        PasswordHash("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaEhBU0hoYXNoSEFTSGhhc2hIQVNI"),
        strategy="last-name-first-initial",
        issue_id="0" * 32,
        issued_by="staff-1",
        issued_at=NOW,
        expires_at=NOW + timedelta(days=14),
    )
    return Change(old=old, new=issued, events=(event(AuditKind.PASSWORD_ISSUED, old.contact_id),))


def add(new: Account) -> Change:
    """Return what adds an account, as a sync does."""
    contact = attrs.evolve(new.contact, contact_id=ContactId(f"new-{new.contact_id}"))
    username = f"{contact.last_name or 'x'}-{contact.contact_id}"
    return Change(
        old=None,
        new=Account(contact=contact, username=username),
        events=(event(AuditKind.ACCOUNT_ADDED, contact.contact_id),),
    )


def event(kind: AuditKind, contact_id: ContactId) -> AuditEvent:
    """Return what goes on the record."""
    return AuditEvent(kind=kind, at=NOW, contact_id=contact_id, operator_id="staff-1")


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the least of the values that so many percent do not exceed."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
