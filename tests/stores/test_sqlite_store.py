"""The SQLite file: opened with one line, shared by threads and processes, safe from power failures and folding."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from portalcreds.account_queries import AccountOrder, AccountQuery
from portalcreds.accounts import Account, AccountStatus
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import ContactId
from portalcreds.exceptions import ConfigurationError, InvalidValueError, StoreError, StoreUnavailableError
from portalcreds.protocols import ApplyResult, AttemptCounter, AuditSink, Change
from portalcreds.stores.dbapi import DBAPIAccountStore, DBAPIAttemptCounter
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.stores.tables import Tables
from portalcreds.testing._store_samples import NOW, add, an_account, an_event, issued, step
from stores.backends import BRIEF

_WINDOW = timedelta(minutes=10)


_WRITTEN = Path("/proc/self/io")


def _bytes_written() -> int:
    return int(_WRITTEN.read_text().partition("wchar: ")[2].partition("\n")[0])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a fresh file."""
    return tmp_path / "portal.db"


@pytest.fixture
def store(file: Path) -> Iterator[DBAPIAccountStore]:
    """Return the store of that file."""
    with DBAPIAccountStore.open_sqlite(file) as store:
        yield store


# -- opening


def test_accounts_are_there_after_reopening(file: Path) -> None:
    """A file keeps what was committed."""
    with DBAPIAccountStore.open_sqlite(file) as store:
        add(store, an_account("1", "rosa"))
    with DBAPIAccountStore.open_sqlite(str(file)) as store:
        assert store.find_by_username("rosa") == an_account("1", "rosa")


@pytest.mark.parametrize("path", [":memory:", ""])
def test_accounts_in_memory_are_refused(path: str) -> None:
    """Each connection would have a database of its own; the error names what to use instead."""
    with pytest.raises(ConfigurationError, match="MemoryAccountStore"):
        DBAPIAccountStore.open_sqlite(path)


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    """R21: what is no file but a folder is an unavailable store."""
    with pytest.raises(StoreUnavailableError, match="SQLITE_CANTOPEN"):
        DBAPIAccountStore.open_sqlite(tmp_path, timeouts=BRIEF)


def test_a_file_that_is_no_database_is_refused(file: Path) -> None:
    """Another file by mistake is neither overwritten nor read."""
    file.write_text("accounts of another kind\n" * 100)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="SQLITE_NOTADB"):
        DBAPIAccountStore.open_sqlite(file)
    assert file.read_bytes() == before


def test_what_folding_columns_find_is_compared_again(file: Path) -> None:
    """R18: even over a table that folds, only the very key and the very id find an account."""
    DBAPIAccountStore.open_sqlite(file).close()
    with sqlite3.connect(file) as connection:
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'portal_accounts'").fetchone()
        connection.execute("DROP TABLE portal_accounts")
        connection.execute(sql.replace("COLLATE BINARY", "COLLATE NOCASE"))
    connection.close()
    with DBAPIAccountStore(lambda: sqlite3.connect(file)) as store:
        account = an_account("c1", "rosa")
        add(store, account)
        assert store.find_by_username("ROSA") is None
        assert store.find(ContactId("C1")) is None
        assert store.find_epoch(ContactId("C1")) is None
        assert dict(store.find_many([ContactId("C1")])) == {}
        assert store.find(ContactId("c1")) == store.find_by_username("rosa") == account


def test_the_file_is_its_owners_only(file: Path, store: DBAPIAccountStore) -> None:
    """Names and hashes are not for everybody who has an account on the machine."""
    add(store, an_account("1"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert set(modes) >= {"portal.db", "portal.db-wal"}
    assert set(modes.values()) == {0o600}


def test_the_file_stays_the_same_when_the_folder_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is taken once, not for each connection."""
    monkeypatch.chdir(tmp_path)
    with DBAPIAccountStore.open_sqlite("portal.db") as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        store._connections._idle.connections.pop().connection.close()
        add(store, an_account("1"))
    assert list(Path.cwd().iterdir()) == []


def test_a_closed_store_is_closed(file: Path) -> None:
    """After closing, nothing is opened again behind anybody's back; closing twice is no error."""
    store = DBAPIAccountStore.open_sqlite(file)
    counter = store.counter()
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.find(ContactId("1"))
    with pytest.raises(StoreError, match="closed"):
        counter.hit("key", None)


@pytest.mark.skipif(not _WRITTEN.exists(), reason="only Linux tells how much a process has written")
def test_a_first_fill_writes_each_page_once(file: Path, store: DBAPIAccountStore) -> None:
    """Additions in no order touch every page of the indexes: out of the box each was written many times."""

    def shuffled(first: int, end: int) -> list[Account]:
        keys = [[number * factor % 100_003 for factor in (7_919, 104_729, 15_485_863)] for number in range(first, end)]
        return [an_account(str(one), f"u{other}", last_name=f"n{third}") for one, other, third in keys]

    with closing(sqlite3.connect(file)) as connection:
        add(store, *shuffled(0, 20_000))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = _bytes_written()
        add(store, *shuffled(20_000, 28_000))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # Once into the log, and once from there.
    assert _bytes_written() - before < 2 * file.stat().st_size


def test_the_room_for_a_first_fill_is_given_back(file: Path) -> None:
    """Connections wait in a pool: one that kept 64 MB for each thread would be the host's memory."""
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(sqlite3.connect(file, check_same_thread=False))
        return opened[-1]

    def room() -> list[int]:
        return [opened[0].execute(f"PRAGMA {name}").fetchone()[0] for name in ("cache_size", "wal_autocheckpoint")]

    with DBAPIAccountStore(connect) as store:
        store.create_tables()
        before = room()
        add(store, *[an_account(f"c{number}") for number in range(600)])
        assert len(opened) == 1
        assert room() == before


def test_commits_survive_power_failures(file: Path, store: DBAPIAccountStore) -> None:
    """A committed password change waits for the disk; a count does not."""
    account = an_account("1")
    connection = store._connections._idle.connections[-1].connection
    for write, synchronous in (
        (lambda: add(store, account), 2),
        (lambda: store.counter().hit("key", None), 1),
        (lambda: step(store, account, issued(account)), 2),
    ):
        write()
        assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("tenant", "x" * 65),
        ("tenant", "école"),
        ("tenant", " q"),
        ("dialect", "oracle"),
        ("paramstyle", "percent"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(argument: str, value: str) -> None:
    """R23: at construction, by name, with the hint and without the value."""
    for made in (DBAPIAccountStore, DBAPIAttemptCounter):
        with pytest.raises(ConfigurationError) as caught:
            made(sqlite3.connect, **{argument: value})  # type: ignore[arg-type]  # Wrong on purpose.
        assert caught.value.argument == argument
        assert value not in str(caught.value)


@pytest.mark.parametrize("argument", ["prefix", "schema"])
@pytest.mark.parametrize("value", ["a bc", "Portal_", "1abc", 'a"; DROP TABLE x; --', "a\n", "x" * 31])
def test_names_that_cannot_be_used_are_refused(argument: str, value: str) -> None:
    """R23: what would have to be quoted in a statement is no beginning of a table's name, and no schema."""
    with pytest.raises(ConfigurationError) as caught:
        Tables(**{argument: value})
    assert caught.value.argument == argument
    assert value not in str(caught.value)


@pytest.mark.parametrize("made", [DBAPIAccountStore, DBAPIAttemptCounter])
def test_a_path_is_no_connect(made: Callable[..., object]) -> None:
    """R23: who passes the file itself is told at construction what to call instead."""
    with pytest.raises(ConfigurationError) as caught:
        made("portal.db")
    assert caught.value.argument == "connect"
    assert caught.value.hint == (
        "pass a function that returns a new connection; for a file use DBAPIAccountStore.open_sqlite"
    )


def test_a_connection_with_its_own_transactions_is_refused(file: Path) -> None:
    """Autocommit=False of Python 3.12 would begin transactions that nobody ends."""

    class Connection(sqlite3.Connection):
        autocommit = False

    store = DBAPIAccountStore(lambda: sqlite3.connect(file, factory=Connection))
    with pytest.raises(ConfigurationError, match="autocommit"):
        store.create_tables()


def test_a_plain_connection_factory_will_do(file: Path) -> None:
    """A host's own factory, with sqlite3's own default transactions, over tables that it creates itself."""
    with DBAPIAccountStore(lambda: sqlite3.connect(file, check_same_thread=False), max_idle=0) as store:
        store.create_tables()
        store.create_tables()
        store.check()
        account = an_account("1", "rosa")
        add(store, account)
        assert step(store, account, issued(account)) == issued(account)
    with DBAPIAttemptCounter(lambda: sqlite3.connect(file)) as counter:
        counter.create_tables()
        assert [counter.hit("key", _WINDOW), counter.hit("key", _WINDOW)] == [1, 2]


# -- tenants and prefixes


def test_tenants_do_not_see_each_other(file: Path) -> None:
    """R16: the same ids, user names, counters and events in two tenants of one file are two of each."""
    with DBAPIAccountStore.open_sqlite(file, tenant="a") as a, DBAPIAccountStore.open_sqlite(file, tenant="b") as b:
        add(a, an_account("1", "rosa"))
        a.record([an_event("1")])
        a.counter().hit("key", None)
        assert b.find(ContactId("1")) is None
        assert b.find_by_username("rosa") is None
        assert b.find_epoch(ContactId("1")) is None
        assert dict(b.find_many([ContactId("1")])) == {}
        assert b.search(AccountQuery(now=NOW)).accounts == ()
        assert b.count(AccountQuery(now=NOW)) == 0
        assert b.events() == ()
        assert b.counter().counts(["key"])[0] == 0
        assert b.counter().hit("key", None) == 1
        other = an_account("1", "rosa", last_name="Other")
        assert list(b.apply([Change(old=an_account("1"), new=issued(other))])) == [ApplyResult.STALE]
        add(b, other)
        assert a.find(ContactId("1")) == an_account("1", "rosa")
        b.counter().clear("key")
        assert a.counter().counts(["key"])[0] == 1


def test_prefixes_are_tables_of_their_own(file: Path) -> None:
    """Two prefixes in one file share nothing."""
    with (
        DBAPIAccountStore.open_sqlite(file, tables=Tables(prefix="")) as a,
        DBAPIAccountStore.open_sqlite(file, tables=Tables(prefix="b_")) as b,
    ):
        add(a, an_account("1", "rosa"))
        assert b.find(ContactId("1")) is None
    with sqlite3.connect(file) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert {"accounts", "audit_events", "attempts", "b_accounts", "b_audit_events", "b_attempts"} <= names


# -- the record


@pytest.fixture(params=["memory", "sqlite"])
def sink(request: pytest.FixtureRequest, store: DBAPIAccountStore) -> MemoryAccountStore | DBAPIAccountStore:
    """Return either store as an audit sink."""
    return store if request.param == "sqlite" else MemoryAccountStore()


def test_events_without_a_change_are_recorded(sink: MemoryAccountStore | DBAPIAccountStore) -> None:
    """R17: denials and look-ups go on record in order, and can be read back for one contact, or the last few."""
    recorder: AuditSink = sink
    events = [an_event(contact_id, f"r{n}") for n, contact_id in enumerate("12122")]
    recorder.record([])
    recorder.record(events[:2])
    recorder.record(tuple(events[2:]))
    assert list(sink.events()) == events
    assert list(sink.events(ContactId("1"))) == [events[0], events[2]]
    assert list(sink.events(ContactId("2"), limit=2)) == events[3:]
    assert list(sink.events(limit=3)) == events[2:]
    assert list(sink.events(limit=0)) == []
    assert list(sink.events(ContactId("3"))) == []


def test_odd_text_does_not_prevent_a_record(store: DBAPIAccountStore) -> None:
    """R17: what cannot be stored is written as an escape, because what cannot be recorded is refused altogether."""
    store.record([AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, source="a\ud800b\0é", operator_id="\0" * 255)])
    (event,) = store.events()
    assert event.source == "a\\ud800b\\x00é"
    assert event.operator_id == ("\\x00" * 255)[:255]


def test_recording_needs_no_right_but_insert(file: Path, store: DBAPIAccountStore) -> None:
    """R17: events are only ever inserted; what reads, changes or removes them is not needed to record."""
    statements: list[str] = []
    connection = store._connections._idle.connections[-1].connection
    connection.set_trace_callback(statements.append)
    store.record([an_event("1")])
    store.apply([Change(old=None, new=an_account("1"), events=(an_event("1"),))])
    connection.set_trace_callback(None)
    about_events = [sql for sql in statements if "portal_audit_events" in sql]
    assert len(about_events) == 2
    assert all(sql.startswith("INSERT INTO portal_audit_events ") for sql in about_events)


# -- what the database itself refuses


@pytest.mark.parametrize(
    "setting",
    [
        "origin = 'chosen'",
        "origin = 'other'",
        "expires_at = NULL",
        "strategy = NULL",
        "issue_id = NULL",
        "issued_by = NULL",
        "issued_at = NULL",
        "password_hash = NULL",
        "origin = 'none', password_hash = NULL, expires_at = NULL, strategy = NULL, change_required_by = 'x'",
        "ticket_digest = 'ab'",
        "ticket_expires_at = 1",
        "origin = 'chosen', expires_at = NULL, strategy = NULL, ticket_digest = 'ab', ticket_expires_at = 1",
        "username_key = NULL",
        "name_key = NULL",
        "is_active = 2",
        "version = 0",
        "version = NULL",
        "contact_id = NULL",
        "tenant = NULL",
    ],
)
def test_states_that_must_not_be_are_refused_by_the_database(
    file: Path, store: DBAPIAccountStore, setting: str
) -> None:
    """R1, R20: not even a hand at a prompt can write "issued" without its expiry, or a hash without its origin."""
    account = an_account("1", "rosa")
    add(store, account)
    step(store, account, issued(account))
    with sqlite3.connect(file) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(f"UPDATE portal_accounts SET {setting}")
    connection.close()


def test_an_account_that_breaks_a_check_is_an_error(store: DBAPIAccountStore) -> None:
    """A defect of the caller is told as such, and is neither stale nor taken."""
    account = an_account("1")
    add(store, account)
    bad = attrs.evolve(account, credential=attrs.evolve(account.credential), version=2)
    object.__setattr__(bad.credential, "ticket_digest", "ab")
    with pytest.raises(StoreError, match="SQLITE_CONSTRAINT_CHECK"):
        store.apply([Change(old=account, new=bad)])


# -- forged positions


def _token(position: object) -> str:
    import base64
    import json

    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


@pytest.mark.parametrize("key", [2**80, -(2**80), 2**63, 0])
def test_a_forged_position_is_a_position(store: DBAPIAccountStore, key: int) -> None:
    """R21: numbers beyond the database's own make an empty or a full page, and no error."""
    account = an_account("1")
    add(store, account)
    step(store, account, issued(account))
    query = AccountQuery(
        now=NOW, order=AccountOrder.EXPIRY, status=AccountStatus.DEFAULT_LIVE, after=_token(("expiry", key, ""))
    )
    assert len(store.search(query).accounts) == (key <= 0)


def test_a_forged_text_position_is_a_position(store: DBAPIAccountStore) -> None:
    """A position before what is found excludes nothing, one behind it everything."""
    add(store, an_account("1", last_name="mm"))
    for key, found in (("a", 1), ("m", 1), ("mm\trosa", 0), ("z", 0)):
        for words in ("", "m"):
            query = AccountQuery(now=NOW, words=words, after=_token(("name", key, "9")))
            assert len(store.search(query).accounts) == found
    with pytest.raises(InvalidValueError):
        AccountQuery(now=NOW, after="forged")


# -- importing


def test_importing_the_stores_imports_no_database() -> None:
    """R22: sqlite3 is loaded when a file is opened, the checker when it checks, and asyncio, logging, pytest never."""
    unwanted = ("sqlite3", "asyncio", "concurrent.futures", "logging", "sqlalchemy", "pandas", "tqdm", "pytest")
    program = (
        "import sys; import portalcreds.stores, portalcreds.testing; "
        f"print([name for name in sys.modules if name in {unwanted!r} or '_checking' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_counter_is_an_attempt_counter(store: DBAPIAccountStore) -> None:
    """What `counter` returns fits the protocol, counts to the end of windows of no length, and no keys too."""
    counter: AttemptCounter = store.counter()
    assert counter.hit("key", timedelta(0)) == 1
    assert counter.counts(["key"])[0] == 0
    assert list(counter.counts([])) == []
