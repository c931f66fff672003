"""
The host's transactions stay the host's (R20).

What it undoes is undone with its audit events, what it commits is kept, and neither is ever done for it; a conflict is
told, and running the transaction again succeeds.
"""

from __future__ import annotations

import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Barrier
from typing import Any, overload
from uuid import uuid4

import attrs
import pytest

from portal import FAMILY, NOBODY, OFFICE, USERNAMES, cheap_hasher
from portalcreds.account_queries import AccountQuery
from portalcreds.account_service import AccountService
from portalcreds.accounts import Account, CredentialOrigin
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contact_sync import SyncAction
from portalcreds.contacts import ContactId
from portalcreds.exceptions import (
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
    StoreError,
    TransactionAborted,
)
from portalcreds.hashers import UpgradingHasher
from portalcreds.outcomes import Renamed, UsernameTaken
from portalcreds.privileges import Grants, Privilege
from portalcreds.protocols import ApplyResult, Change
from portalcreds.reset_job import ResetOutcome
from portalcreds.reset_plan import DecisionReason
from portalcreds.reset_service import ResetService
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.testing._store_samples import HASH, NOW, add, an_account, an_event, issued, step
from portalcreds.throttle import Throttle
from races import at_once
from stores.backends import SNAPSHOT, Backend, new_backend
from stores.hosts import DATABASES, DRIVERS, KINDS, Host, Work, django_alias, engine_of, need, rows_of, sqlalchemy_store

ROSA, PAT = ContactId("c-1"), ContactId("c-2")

AUTHORIZER = Grants(privileges={OFFICE.operator_id: set(Privilege)})


@pytest.fixture(scope="module", params=DATABASES)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Return a database with our tables and one of the host's."""
    with new_backend(request.param, tmp_path_factory.mktemp("host")) as backend:
        with closing(backend.connect()) as connection:
            connection.cursor().execute("CREATE TABLE notes (tenant VARCHAR(64) NOT NULL, note VARCHAR(64) NOT NULL)")
            connection.commit()
        yield backend


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.whole if kind == "connection" else ()) for kind in KINDS])
def host(request: pytest.FixtureRequest, backend: Backend) -> Host:
    """Return a host with a tenant of its own. A connection is reached as a session is, so that the sample has one."""
    return Host(request.param, backend, f"t{uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def hasher() -> Iterator[UpgradingHasher]:
    """Return the real hasher at a cost that only a test may use."""
    with cheap_hasher() as hasher:
        yield hasher


@pytest.fixture
def family(host: Host) -> Host:
    """Return the host with the family's accounts, each with a default, and with an event."""
    with host.seen() as store:
        accounts = [Account(contact=contact, username=USERNAMES[contact.contact_id]) for contact in FAMILY]
        add(store, *accounts)
        for account in accounts:
            step(store, account, issued(account))
        store.record([an_event(ROSA)])
    return host


# -- the end of a transaction is the host's


def test_a_rollback_undoes_all_of_it(host: Host, hasher: UpgradingHasher) -> None:
    """What the services wrote and put on the record goes with what the host wrote, and was never to be seen outside."""
    with host.transaction(commit=False) as work:
        _note(host, work, "before")
        _add_and_reset(work, hasher)
        _note(host, work, "after")
        assert _seen(host) == Seen()
    assert _seen(host) == Seen()


def test_a_commit_keeps_all_of_it(host: Host, hasher: UpgradingHasher) -> None:
    """What the services wrote is there together with its record and with what the host wrote."""
    with host.transaction(commit=True) as work:
        _note(host, work, "before")
        _add_and_reset(work, hasher)
        inside = work.store.events()
        assert _seen(host) == Seen()
    seen = _seen(host)
    assert (seen.notes, seen.events) == (("before",), inside)
    assert {account.contact_id: account.credential.origin.value for account in seen.accounts} == {
        ROSA: "issued",
        PAT: "none",
    }
    assert [event.contact_id for event in inside if event.kind == AuditKind.PASSWORD_ISSUED] == [ROSA]


def test_an_error_of_the_hosts_undoes_all_of_it(host: Host, hasher: UpgradingHasher) -> None:
    """An exception that leaves the host's block takes everything along."""

    def fail() -> None:
        with host.transaction(commit=True) as work:
            _add_and_reset(work, hasher)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _seen(host) == Seen()


def test_the_first_statement_may_be_ours(host: Host) -> None:
    """Nothing of the host's comes before: the release of our savepoint is no commit, though it was the outermost."""
    with host.transaction(commit=False) as work:
        add(work.store, an_account("1"))
        if host.database == "sqlite":
            assert work.raw.in_transaction
        assert _seen(host) == Seen()
    assert _seen(host) == Seen()
    with host.transaction(commit=True) as work:
        work.store.record([an_event("1")])
    assert len(_seen(host).events) == 1


def test_it_is_one_and_the_same_transaction(family: Host) -> None:
    """R20: the server counts no other transaction, whatever comes of our work: applied, stale, taken, failed."""
    with family.transaction(commit=False) as work:
        _note(family, work, "before")
        began = _number(family, work)
        account = work.store.find(ROSA)
        changes = [
            Change(old=account, new=account.disable()),
            Change(old=account, new=account.disable()),
            Change(old=None, new=an_account("9", USERNAMES[PAT])),
            Change(old=None, new=an_account("9", "free")),
        ]
        with _ends(work) as ends:
            assert list(work.store.apply(changes)) == ["applied", "stale", "username_taken", "applied"]
            work.store.record([an_event("1")])
            with suppress(StoreError):
                work.store.apply([_with_an_event_of_before(work.store)])
        assert ends == []
        assert _number(family, work) == began


@pytest.mark.parametrize("kind", ["connection", "session"])
def test_sqlalchemy_sees_no_end(kind: str, backend: Backend) -> None:
    """R20: of the engine's events there is none that commits or rolls back before the host does."""
    event = need("sqlalchemy").event
    host = Host(kind, backend, uuid4().hex)
    ends: list[str] = []
    engine = need("sqlalchemy").Engine
    told = {name: lambda *_, name=name: ends.append(name) for name in ("commit", "rollback")}
    for name, listener in told.items():
        event.listen(engine, name, listener)
    try:
        with host.transaction(commit=True) as work:
            add(work.store, an_account("1", "rosa"))
            work.store.apply([Change(old=None, new=an_account("2", "rosa"))])
            assert ends == []
    finally:
        for name, listener in told.items():
            event.remove(engine, name, listener)
    assert ends[0] == "commit"


@pytest.mark.parametrize("outer", [True, False], ids=["kept", "undone"])
def test_an_inner_rollback_undoes_the_inner_part(host: Host, outer: bool) -> None:
    """A savepoint of the host's takes our work inside it, and leaves what was before and comes after."""
    with host.transaction(commit=outer) as work:
        work.store.apply([Change(old=None, new=an_account("1"), events=(an_event("1"),))])
        with _inner(host, work, commit=False):
            work.store.apply([Change(old=None, new=an_account("2"), events=(an_event("2"),))])
        with _inner(host, work, commit=True):
            work.store.apply([Change(old=None, new=an_account("3"), events=(an_event("3"),))])
    seen = _seen(host)
    assert [account.contact_id for account in seen.accounts] == (["1", "3"] if outer else [])
    assert [event.contact_id for event in seen.events] == (["1", "3"] if outer else [])


# -- an error in the middle of our work


def test_nothing_is_left_of_work_that_failed(family: Host) -> None:
    """R1: no hash without its event, also where the host swallows the error, goes on and commits."""
    before = _seen(family)
    with family.transaction(commit=True) as work:
        _note(family, work, "before")
        account = work.store.find(PAT)
        fine = Change(old=account, new=account.disable(), events=(an_event("2"),))
        with pytest.raises(StoreError) as caught:
            # Events come last: by then both accounts are written.
            work.store.apply([fine, _with_an_event_of_before(work.store)])
        assert not isinstance(caught.value, TransactionAborted)
        _assert_tells_nothing(caught.value)
        _note(family, work, "after")
    assert _seen(family) == attrs.evolve(before, notes=("before", "after"))


def test_nothing_is_left_of_work_that_was_interrupted(family: Host) -> None:
    """Ctrl-C between two changes leaves neither, whatever the host does then."""
    before = _seen(family)
    with family.transaction(commit=True) as work:
        account = work.store.find(ROSA)
        with pytest.raises(KeyboardInterrupt):
            work.store.apply(Interrupted([Change(old=account, new=account.disable(), events=(an_event("1"),))]))
        _note(family, work, "after")
    assert _seen(family) == attrs.evolve(before, notes=("after",))


# -- conflicts


@pytest.mark.parametrize(
    ("backend", "level", "code"),
    [
        ("sqlite", "SERIALIZABLE", "SQLITE_BUSY_SNAPSHOT"),
        ("postgresql", "REPEATABLE READ", "40001"),
        ("postgresql", "SERIALIZABLE", "40001"),
        ("mariadb", SNAPSHOT, "1020"),
    ],
    indirect=["backend"],
)
def test_a_serialization_failure_is_told_and_mended_by_running_again(family: Host, level: str, code: str) -> None:
    """What another committed since this transaction looked is a conflict that only its owner can settle."""
    host = attrs.evolve(family, backend=family.backend.at_level(level))

    def disable(work: Work, meanwhile: Callable[[], object]) -> ApplyResult:
        _begin(host, work)
        account = work.store.find(ROSA)
        meanwhile()
        (result,) = work.store.apply([Change(old=account, new=account.disable(), events=(an_event("1"),))])
        return ApplyResult(result)

    with pytest.raises(TransactionAborted) as caught, host.transaction(commit=True) as work:
        disable(work, lambda: _rename(family))
    assert caught.value.code == code
    _assert_tells_nothing(caught.value)
    with host.transaction(commit=True) as work:
        assert disable(work, lambda: None) == ApplyResult.APPLIED
    (rosa,) = (account for account in _seen(family).accounts if account.contact_id == ROSA)
    assert (rosa.username, rosa.is_active) == ("elsewhere", False)


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_a_deadlock_is_told_and_mended_by_running_again(family: Host) -> None:
    """Of two transactions that wait for each other, one goes on, and the other succeeds when it is run again."""
    host = attrs.evolve(family, backend=_impatient(family.backend))
    both_hold = Barrier(2)

    def rename_both(first: ContactId, second: ContactId, wait: Callable[[], object]) -> None:
        with host.transaction(commit=True) as work:
            for contact_id, then in ((first, wait), (second, lambda: None)):
                account = work.store.find(contact_id)
                new = account.rename(f"{account.username}.")
                assert list(work.store.apply([Change(old=account, new=new)])) == [ApplyResult.APPLIED]
                then()

    def attempt(first: ContactId, second: ContactId) -> TransactionAborted | None:
        try:
            rename_both(first, second, both_hold.wait)
        except TransactionAborted as error:
            return error
        return None

    ways = ((ROSA, PAT), (PAT, ROSA))
    outcomes = at_once(*(lambda way=way: attempt(*way) for way in ways))
    ((loser, error),) = ((way, error) for way, error in zip(ways, outcomes, strict=True) if error is not None)
    assert error.code == {"postgresql": "40P01", "mariadb": "1213"}[host.database]
    _assert_tells_nothing(error)
    rename_both(*loser, lambda: None)
    names = {account.contact_id: account.username for account in _seen(family).accounts}
    assert (names[ROSA], names[PAT]) == (f"{USERNAMES[ROSA]}..", f"{USERNAMES[PAT]}..")


def test_a_lock_that_stays_held_is_told_and_mended_by_running_again(family: Host) -> None:
    """Nothing is left of the work that waited in vain, and what the host wrote before it is the host's to keep."""
    before = _seen(family)
    codes = {"sqlite": "SQLITE_BUSY", "postgresql": "55P03", "mariadb": "1205"}
    impatience = {
        "sqlite": "PRAGMA busy_timeout = 50",
        "postgresql": "SET LOCAL lock_timeout = '50ms'",
        "mariadb": f"SET innodb_lock_wait_timeout = {int(family.kind == 'plain')}",  # 0 is 1 without the waiting.
    }
    with family.transaction(commit=True) as work:
        account = work.store.find(ROSA)
        work.execute(impatience[family.database])
        if family.database != "sqlite":
            _note(family, work, "before")
        change = Change(old=account, new=account.disable(), events=(an_event("1"),))
        with _holding_the_lock(family, ROSA), pytest.raises(TransactionAborted) as caught:
            work.store.apply([change])
        assert caught.value.code == codes[family.database]
        _assert_tells_nothing(caught.value)
    assert _seen(family) == attrs.evolve(before, notes=() if family.database == "sqlite" else ("before",))
    with family.transaction(commit=True) as work:
        assert list(work.store.apply([change])) == [ApplyResult.APPLIED]


@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.whole)])
def test_of_racing_hosts_one_wins(host: Host, rounds: int) -> None:
    """Transactions on connections of their own change one account: one is applied, and the others learn of it."""
    with host.seen() as store:
        for number in range(rounds):
            account = an_account(str(number))
            add(store, account)
            ways = [account.disable(), issued(account), account.rename(f"n{number}"), account.erase(erased_at=NOW)]
            changes = [Change(old=account, new=way, events=(an_event(str(number)),)) for way in ways]
            results = at_once(*(lambda change=change: _until_committed(host, change) for change in changes))
            assert sorted(results) == ["applied", "stale", "stale", "stale"]
            assert store.find(account.contact_id) == ways[results.index("applied")]
            assert len(store.events(account.contact_id)) == 1


# -- what others committed meanwhile


mariadb = pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
"""Elsewhere a change of what one does not see is an error, or what others committed is seen."""


@pytest.fixture
def stale(family: Host) -> Iterator[tuple[Host, Work]]:
    """Return a transaction that goes on seeing what it saw first."""
    host = attrs.evolve(family, backend=family.backend.at_level("REPEATABLE READ"))
    with host.transaction(commit=True) as work:
        assert work.store.find(ROSA).username == USERNAMES[ROSA]
        yield host, work


@mariadb
def test_a_step_is_decided_on_what_is_committed(stale: tuple[Host, Work]) -> None:
    """R3: who lost reads again, and sees what won, also in a transaction that began before."""
    host, work = stale
    _rename(host)
    disabled = _accounts(work.store).disable(ROSA, OFFICE)
    assert (disabled.username, disabled.is_active) == ("elsewhere", False)


@mariadb
def test_a_reset_is_decided_on_what_is_committed(stale: tuple[Host, Work], hasher: UpgradingHasher) -> None:
    """A default that another request took over meanwhile is not set again over the contact's own password."""
    host, work = stale
    with host.seen() as store:
        account = store.find(ROSA)
        assert account is not None
        step(store, account, account.choose(HASH, changed_at=NOW))
    result = _resets(work.store, hasher).reset_password(ROSA, OFFICE)
    assert (result.outcome, result.reason) == (ResetOutcome.SKIPPED, DecisionReason.CHANGED_MEANWHILE)


@mariadb
def test_a_rename_is_decided_on_what_is_committed(stale: tuple[Host, Work]) -> None:
    """A user name that somebody took meanwhile is taken."""
    host, work = stale
    with host.seen() as store:
        add(store, an_account("9", "newcomer"))
    assert isinstance(_accounts(work.store).rename(ROSA, OFFICE, username="newcomer"), UsernameTaken)
    assert isinstance(_accounts(work.store).rename(ROSA, OFFICE, username="free"), Renamed)


@mariadb
def test_a_sync_is_decided_on_what_is_committed(stale: tuple[Host, Work]) -> None:
    """A contact whom another sync added meanwhile is refreshed, and not added twice."""
    host, work = stale
    newcomer = an_account("9").contact
    with host.seen() as store:
        add(store, Account(contact=attrs.evolve(newcomer, last_name="Before")))
    (row,) = _accounts(work.store).sync_contacts([newcomer], OFFICE)
    assert row.action == SyncAction.REFRESH


@pytest.mark.parametrize(("backend", "host"), [("postgresql", "plain")], indirect=True)
def test_who_lost_locks_no_more_than_what_was_lost(family: Host) -> None:
    """A store that lives as long as the thread looks others up without a lock, also where none can be had."""
    with closing(family.backend.connect()) as connection:
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="postgresql", tenant=family.tenant)

        def begin_to_read() -> None:
            connection.rollback()
            connection.execute("SET TRANSACTION READ ONLY")

        assert isinstance(_accounts(store).rename(ROSA, OFFICE, username=USERNAMES[PAT]), UsernameTaken)
        begin_to_read()
        assert store.find(ROSA) is not None
        connection.rollback()
        assert list(store.apply([Change(old=None, new=an_account(ROSA))])) == [ApplyResult.STALE]
        begin_to_read()
        assert store.find(PAT) is not None
        assert store.find_by_username(USERNAMES[PAT].casefold()) is not None
        assert len(store.find_many([PAT, ContactId("c-3")])) == 2
        connection.rollback()
        with pytest.raises(StoreError):
            store.apply([_with_an_event_of_before(store)])
        begin_to_read()
        assert store.find(ROSA) is not None


# -- where there is no transaction


@pytest.mark.parametrize("way", ["plain", "connection", "session", "django"])
def test_without_a_transaction_nothing_is_written(way: str, backend: Backend) -> None:
    """Where each statement would be committed by itself, a hash could stay without its event; so none is written."""
    tenant = uuid4().hex
    with _committing_by_itself(way, backend, tenant) as store:
        assert store.find(ROSA) is None
        writes: tuple[Callable[[], object], ...] = (
            lambda: store.apply([Change(old=None, new=an_account("1"), events=(an_event("1"),))]),
            lambda: store.record([an_event("1")]),
        )
        for write in writes:
            with pytest.raises(StoreError) as caught:
                write()
            assert caught.value.code == "no_transaction"
            _assert_tells_nothing(caught.value)
        assert store.find(ContactId("1")) is None
        assert store.events() == ()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sqlite3 has it from Python 3.12 on")
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_other_way_to_have_no_transactions_in_a_file(backend: Backend) -> None:
    """There the connection's commit does nothing, so that what we began would never be ended."""
    by_itself: dict[str, Any] = {"autocommit": True}
    with closing(sqlite3.connect(backend.place, **by_itself)) as connection:
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="sqlite", tenant=uuid4().hex)
        with pytest.raises(StoreError, match="no_transaction"):
            store.apply([Change(old=None, new=an_account("1"))])
        assert not connection.in_transaction


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_cursor_that_hides_its_connection(backend: Backend) -> None:
    """R20: whether SQLite's transaction has begun only the connection tells, so a wrapper without it is refused."""

    class Wrapped:
        """What a tool that counts statements makes of a cursor."""

        def __init__(self, cursor: sqlite3.Cursor) -> None:
            self.execute, self.fetchall = cursor.execute, cursor.fetchall

    with closing(sqlite3.connect(backend.place)) as connection:
        store = BorrowedDBAPIAccountStore(lambda: Wrapped(connection.cursor()), dialect="sqlite", tenant=uuid4().hex)
        with pytest.raises(ConfigurationError, match="cursor"):
            store.apply([Change(old=None, new=an_account("1"))])
        assert not connection.in_transaction


@contextmanager
def _committing_by_itself(way: str, backend: Backend, tenant: str) -> Iterator[Any]:
    if way == "plain":
        with closing(backend.connect()) as connection:
            by_itself: dict[str, Callable[[], object]] = {
                "sqlite": lambda: setattr(connection, "isolation_level", None),
                "postgresql": lambda: connection.set_autocommit(True),
                "mariadb": lambda: connection.autocommit(True),
            }
            by_itself[backend.database]()
            yield BorrowedDBAPIAccountStore(connection.cursor, dialect=backend.database, tenant=tenant)
    elif way == "django":
        with django_alias(backend) as alias:
            connection = need("django.db").connections[alias]
            yield BorrowedDBAPIAccountStore(
                connection.cursor, dialect=backend.database, paramstyle="pyformat", tenant=tenant
            )
    else:
        engine = engine_of(backend).execution_options(isolation_level="AUTOCOMMIT")
        try:
            opened = engine.connect() if way == "connection" else need("sqlalchemy.orm").Session(engine)
            with opened as bind:
                yield sqlalchemy_store(bind, tenant=tenant)
        finally:
            engine.dispose()


# -- what a borrowed store refuses


@pytest.mark.parametrize("kind", ["connection", "session"])
def test_no_counter_in_the_hosts_transaction(kind: str, backend: Backend) -> None:
    """R9: a count that a rollback takes back is a guess that nobody counted, so it is refused before there is one."""
    need("sqlalchemy")
    # Here, because it is an extra.
    from portalcreds.stores.sqlalchemy import SQLAlchemyAttemptCounter

    with Host(kind, backend).transaction(commit=False) as work:
        with pytest.raises(ConfigurationError, match="engine or a connection factory"):
            work.store.counter()
        with pytest.raises(ConfigurationError, match="engine or a connection factory"):
            SQLAlchemyAttemptCounter(work.bind)


@pytest.mark.parametrize("max_affected", [None, 2])
def test_no_setting_of_many_passwords(host: Host, hasher: UpgradingHasher, max_affected: int | None) -> None:
    """R12: what commits a few at a time cannot do so in the host's transaction, and says so at construction."""
    with host.transaction(commit=False) as work:
        with pytest.raises(ConfigurationError, match="max_affected=1"):
            ResetService(work.store, hasher=hasher, authorizer=AUTHORIZER, max_affected=max_affected)
        one_by_one = _resets(work.store, hasher)
        with pytest.raises(InvalidValueError, match="at most 1"):
            one_by_one.plan([ROSA, PAT], OFFICE)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_is_no_session(backend: Backend) -> None:
    """A factory of sessions is in no transaction, and what has to be awaited cannot be used; both are told apart."""
    engine = engine_of(backend)
    binds = [need("sqlalchemy.orm").sessionmaker(engine), backend]
    with suppress(ImportError):  # It needs a package that SQLAlchemy 2.1 does not bring along.
        binds.append(import_module("sqlalchemy.ext.asyncio").AsyncSession())
    try:
        for bind in binds:
            with pytest.raises(ConfigurationError, match="pass an Engine; or a Connection, a Session"):
                sqlalchemy_store(bind)
    finally:
        engine.dispose()
    with closing(backend.connect()) as connection:
        cursor: Any = connection.cursor()
        with pytest.raises(ConfigurationError, match="function that returns a cursor"):
            BorrowedDBAPIAccountStore(cursor, dialect="sqlite")


@pytest.mark.parametrize("kind", ["plain", "session"])
def test_tables_are_created_only_where_that_is_no_commit(kind: str, backend: Backend) -> None:
    """R20: in MariaDB, CREATE TABLE commits what the host has begun; elsewhere the host's rollback takes it back."""
    host = Host(kind, backend, uuid4().hex)
    with host.transaction(commit=False) as work:
        _note(host, work, "before")
        if host.kind == "plain":
            store: Any = BorrowedDBAPIAccountStore(work.bind.cursor, dialect=host.database, prefix=f"{kind}_")
        else:
            store = sqlalchemy_store(work.bind, prefix=f"{kind}_")
        if host.database == "mariadb":
            with pytest.raises(ConfigurationError, match="ends a transaction"):
                store.create_tables()
        else:
            store.create_tables()
            add(store, an_account("1"))
    assert _seen(host) == Seen()
    with closing(backend.connect()) as connection:
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect=host.database, prefix=f"{kind}_")
        with pytest.raises(StoreError):
            store.find(ROSA)


# -- what hosts hand over


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_is_gone(kind: str, backend: Backend) -> None:
    """R14: reading and writing fail as a store fails, without the driver's error, also where no cursor can be had."""
    with ExitStack() as opened:
        work = opened.enter_context(Host(kind, backend).transaction(commit=False))
        assert work.store.find(ROSA) is None
        work.raw.close()
        asked: tuple[Callable[[], object], ...] = (
            lambda: work.store.find(ROSA),
            lambda: work.store.apply([Change(old=None, new=an_account("1"))]),
            lambda: work.store.record([an_event("1")]),
        )
        for ask in asked:
            with pytest.raises(StoreError) as caught:
                ask()
            _assert_tells_nothing(caught.value)
        # Hosts meet the same at the end of their transaction, each with an error of its own.
        with suppress(Exception):
            opened.close()


@pytest.mark.parametrize(("backend", "host"), [(database, "django") for database in DATABASES], indirect=True)
def test_djangos_connection_is_one_threads(host: Host) -> None:
    """A cursor of another thread's connection is refused by Django; one that is asked for each time is had."""
    connections = need("django.db").connections
    with django_alias(host.backend) as alias:
        cursor = connections[alias].cursor

        def find(cursor: Callable[[], Any]) -> object:
            store = BorrowedDBAPIAccountStore(cursor, dialect=host.database, paramstyle="pyformat")
            try:
                return store.find(ROSA)
            except StoreError as error:
                return error.code
            finally:
                connections[alias].close()

        with ThreadPoolExecutor(1) as other:
            assert other.submit(find, cursor).result() == "DatabaseError"
            assert other.submit(find, lambda: connections[alias].cursor()).result() is None


def test_rows_are_no_mappings(backend: Backend) -> None:
    """A row that is taken apart into the names of its columns would pass for a transaction where there is none."""
    with closing(backend.connect()) as connection:
        if backend.database == "sqlite":
            connection.row_factory = lambda cursor, row: {"row": row}
            cursor = connection.cursor
        elif backend.database == "postgresql":
            connection.row_factory = need("psycopg.rows").dict_row
            cursor = connection.cursor
        else:
            connection.autocommit(True)

            def cursor() -> Any:
                return connection.cursor(need("pymysql.cursors").DictCursor)

        tenant = uuid4().hex
        store = BorrowedDBAPIAccountStore(cursor, dialect=backend.database, tenant=tenant)
        with pytest.raises(ConfigurationError, match="plain tuples"):
            store.apply([Change(old=None, new=an_account("1", "a")), Change(old=None, new=an_account("2", "a"))])
        connection.rollback()
        assert _seen(Host("plain", backend, tenant)) == Seen()


@pytest.mark.parametrize("kind", ["connection", "session"])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_engine_that_says_begin_itself(kind: str, backend: Backend) -> None:
    """SQLAlchemy's own recipe for SQLite begins by an event: then the transaction is the host's from the first word."""
    sqlalchemy = need("sqlalchemy")
    engine = engine_of(backend)
    sqlalchemy.event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    sqlalchemy.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    host = Host(kind, backend, uuid4().hex)
    try:
        for commit in (False, True):
            with engine.connect() if kind == "connection" else need("sqlalchemy.orm").Session(engine) as bind:
                add(sqlalchemy_store(bind, tenant=host.tenant), an_account("1"))
                assert _seen(host) == Seen()
                (bind.commit if commit else bind.rollback)()
            assert len(_seen(host).accounts) == commit
    finally:
        engine.dispose()


def test_a_session_over_several_databases(backend: Backend, tmp_path: Path) -> None:
    """The database that was said is the one of each statement, and not only of the first."""
    engine = engine_of(backend)
    other = need("sqlalchemy").create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    try:
        with need("sqlalchemy.orm").Session(other) as session:
            store = sqlalchemy_store(session, tenant=uuid4().hex, bind_arguments={"bind": engine})
            account = an_account("1")
            add(store, account)
            assert step(store, account, account.disable()) == account.disable()
    finally:
        engine.dispose()
        other.dispose()


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_a_refusal_outlives_the_rollback_that_it_leads_to(family: Host) -> None:
    """R16: recorded by a sink of its own, it is there though the host gave up over it; in its transaction it is not."""
    with family.seen() as own:
        for audit in (None, own):
            recorded = len(own.events())

            def refused(audit: Any = audit) -> None:
                with family.transaction(commit=True) as work:
                    accounts = AccountService(
                        work.store,
                        authorizer=AUTHORIZER,
                        throttle=Throttle(MemoryAttemptCounter()),
                        audit=audit or work.store,
                    )
                    accounts.disable(ROSA, NOBODY)

            with pytest.raises(PrivilegeDeniedError):
                refused()
            assert [event.operator_id for event in own.events()[recorded:]] == ([] if audit is None else ["nobody"])


# -- Flask


@pytest.mark.parametrize("end", ["commit", "rollback", "forget", "fail"])
def test_a_request_of_flask(backend: Backend, hasher: UpgradingHasher, end: str) -> None:
    """A route that resets a password keeps it, its event and a row of its own by a commit, and else none of them."""
    host = Host("flask", backend, uuid4().hex)
    account = Account(contact=FAMILY[0], username=USERNAMES[ROSA])
    with host.seen() as store:
        add(store, account)
    app, dispose = _flask(host, hasher)
    try:
        told = app.test_client().post(f"/reset/{ROSA}/{end}")
    finally:
        dispose()
    assert told.status_code == (500 if end == "fail" else 200)
    seen = _seen(host)
    if end == "commit":
        assert told.text == "set"
        assert [found.credential.origin for found in seen.accounts] == [CredentialOrigin.ISSUED]
        assert AuditKind.PASSWORD_ISSUED in [event.kind for event in seen.events]
        assert seen.notes == ("reset",)
    else:
        assert seen == Seen(accounts=(account,))


def _flask(host: Host, hasher: UpgradingHasher) -> tuple[Any, Callable[[], None]]:
    """Return an application, and what ends it."""
    flask, sqlalchemy = need("flask"), need("sqlalchemy")
    app = flask.Flask("school")
    app.config["SQLALCHEMY_ENGINES"] = {}
    app.config["SQLALCHEMY_DATABASE_URI"] = f"{DRIVERS[host.database]}://"
    options = {"creator": host.backend.connect, "poolclass": sqlalchemy.pool.QueuePool}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db = need("flask_sqlalchemy").SQLAlchemy(app)
    with app.app_context():
        # Once, at start: each request's session is asked for when it is needed.
        resets = _resets(sqlalchemy_store(db.session, tenant=host.tenant), hasher)
        engine = db.engine

    def reset(contact_id: str, end: str) -> str:
        db.session.execute(sqlalchemy.text(f"INSERT INTO notes VALUES ('{host.tenant}', 'reset')"))
        outcome = resets.reset_password(contact_id, OFFICE).outcome.value
        if end == "fail":
            flask.abort(500)
        if end != "forget":
            (db.session.commit if end == "commit" else db.session.rollback)()
        return str(outcome)

    app.add_url_rule("/reset/<contact_id>/<end>", view_func=reset, methods=["POST"])
    return app, engine.dispose


# -- what the tests are made of


@attrs.frozen
class Seen:
    """What others see of a tenant: the host's own rows, and ours."""

    notes: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    events: tuple[AuditEvent, ...] = ()


class Interrupted(Sequence[Change]):
    """Changes, after which somebody presses Ctrl-C."""

    def __init__(self, changes: Sequence[Change]) -> None:
        """Take the changes."""
        self._changes = changes

    def __len__(self) -> int:
        return len(self._changes) + 1

    @overload
    def __getitem__(self, place: int) -> Change: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Change]: ...
    def __getitem__(self, place: int | slice) -> Change | Sequence[Change]:
        if place == len(self._changes):
            raise KeyboardInterrupt
        return self._changes[place]


def _seen(host: Host) -> Seen:
    with closing(host.backend.connect()) as connection:
        notes = rows_of(connection.cursor(), f"SELECT note FROM notes WHERE tenant = '{host.tenant}'")
    with host.seen() as store:
        page = store.search(AccountQuery(now=NOW, limit=100))
        return Seen(tuple(note for (note,) in notes), page.accounts, store.events())


def _note(host: Host, work: Work, note: str) -> None:
    work.execute(f"INSERT INTO notes VALUES ('{host.tenant}', '{note}')")


def _accounts(store: Any) -> AccountService:
    return AccountService(store, authorizer=AUTHORIZER, throttle=Throttle(MemoryAttemptCounter()))


def _resets(store: Any, hasher: UpgradingHasher) -> ResetService:
    return ResetService(store, hasher=hasher, authorizer=AUTHORIZER, max_affected=1)


def _add_and_reset(work: Work, hasher: UpgradingHasher) -> None:
    synced = _accounts(work.store).sync_contacts(FAMILY[:2], OFFICE, usernames=USERNAMES)
    assert [row.action.value for row in synced] == ["add", "add"]
    assert _resets(work.store, hasher).reset_password(ROSA, OFFICE).outcome == ResetOutcome.SET


def _with_an_event_of_before(store: Any) -> Change:
    """Return a change whose event is on the record already, which the database refuses."""
    account = store.find(ROSA)
    return Change(old=account, new=account.disable(), events=(store.events()[0],))


def _rename(host: Host) -> None:
    """Let somebody else change an account, without a change of its epoch."""
    with host.seen() as store:
        account = store.find(ROSA)
        assert account is not None
        step(store, account, account.rename("elsewhere"))


def _until_committed(host: Host, change: Change) -> ApplyResult:
    """Run a transaction again until it is committed, as a host has to."""
    while True:
        try:
            with host.transaction(commit=True) as work:
                (result,) = work.store.apply([change])
        except TransactionAborted:
            continue
        return ApplyResult(result)


def _begin(host: Host, work: Work) -> None:
    """Begin where the driver would only do so at the first change: in a file, outside Django."""
    if host.database == "sqlite" and not work.raw.in_transaction:
        work.execute("BEGIN")


@contextmanager
def _inner(host: Host, work: Work, *, commit: bool) -> Iterator[None]:
    """Lend a transaction within the transaction, by the host's own means."""
    if host.kind == "django":
        transaction = need("django.db.transaction")
        with transaction.atomic(using=host.database):
            yield
            transaction.set_rollback(not commit, using=host.database)
    elif host.kind == "plain":
        work.execute("SAVEPOINT theirs")
        yield
        if not commit:
            work.execute("ROLLBACK TO SAVEPOINT theirs")
        work.execute("RELEASE SAVEPOINT theirs")
    else:
        nested = work.bind.begin_nested()
        yield
        (nested.commit if commit else nested.rollback)()


def _number(host: Host, work: Work) -> object:
    """Return what the server calls this transaction; a file has no such number."""
    asked = {
        "postgresql": "SELECT pg_current_xact_id()",
        "mariadb": "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = CONNECTION_ID()",
    }
    return work.execute(asked[host.database]) if host.database in asked else None


@contextmanager
def _ends(work: Work) -> Iterator[list[str]]:
    """Yield the statements that end a transaction, as a file sees them."""
    ends: list[str] = []
    if not isinstance(work.raw, sqlite3.Connection):
        yield ends
        return

    def listen(sql: str) -> None:
        if sql.split()[0].upper() in ("BEGIN", "COMMIT", "END") or sql.upper().strip() == "ROLLBACK":
            ends.append(sql)

    work.raw.set_trace_callback(listen)
    yield ends
    work.raw.set_trace_callback(None)


def _impatient(backend: Backend) -> Backend:
    # A deadlock costs a second otherwise. MariaDB sees it at once.
    settings = {"postgresql": ("SET deadlock_timeout = '50ms'",)}
    return attrs.evolve(backend, settings=(*backend.settings, *settings.get(backend.database, ())))


@contextmanager
def _holding_the_lock(host: Host, contact_id: ContactId) -> Iterator[None]:
    """Be a transaction that has changed an account and does not end."""
    with closing(host.backend.connect()) as connection:
        connection.cursor().execute(
            f"UPDATE portal_accounts SET change_id = 'x' WHERE tenant = '{host.tenant}' AND contact_id = '{contact_id}'"
        )
        yield
        connection.rollback()


def _assert_tells_nothing(error: BaseException) -> None:
    """R14: neither the driver's error nor a word of its text comes along."""
    assert error.__cause__ is None
    assert error.__context__ is None
    told = "".join(traceback.format_exception_only(error)) + repr(error)
    for word in (HASH.encoded, "rabbiatici", "Abbiatici", "portal_accounts", "serialize", "could not", "locked"):
        assert word not in told
