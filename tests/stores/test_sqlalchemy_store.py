"""The SQLAlchemy store passes the contract that every store passes, and takes an engine as the host has it (R20)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import QueuePool

from portalcreds.contacts import ContactId
from portalcreds.exceptions import ConfigurationError, StoreError, StoreUnavailableError
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores._drivers.port import Statements
from portalcreds.stores._drivers.row_writer import Row, RowWriter
from portalcreds.stores.sqlalchemy import (
    SQLAlchemyAccountStore,
    SQLAlchemyAttemptCounter,
)
from portalcreds.stores.tables import Tables
from portalcreds.stores.timeouts import Timeouts
from portalcreds.testing import (
    AccountStoreContract,
    AttemptCounterContract,
    AuditSinkContract,
    JobStoreContract,
    ManualClock,
)
from portalcreds.testing._store_samples import add, an_account, an_event, issued

from .backends import BRIEF, Backend, new_backend
from .hosts import DATABASES, DRIVERS, engine_of, need

ROSA = an_account("1", "rosa")


@contextmanager
def _reached(name: str, folder: Path) -> Iterator[tuple[sqlalchemy.Engine, Callable[[], Any]]]:
    """
    Yield an engine over a database with our tables, and what connects to it besides.

    Args:
        name: The database's, and a driver's where it is not the usual one.
        folder: Where files go.
    """
    database, _, driver = name.partition("-")
    if driver:
        need(driver)
    with new_backend(f"sqlalchemy-{database}", folder) as backend:
        connect = partial(_psycopg2, backend) if driver else backend.connect
        url = "postgresql+psycopg2://" if driver else f"{DRIVERS[database]}://"
        engine = sqlalchemy.create_engine(url, creator=connect, poolclass=QueuePool)
        try:
            yield engine, connect
        finally:
            engine.dispose()


def _psycopg2(backend: Backend) -> Any:
    server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
    return need("psycopg2").connect(server, options=f"-c search_path={backend.place}")


@pytest.fixture(params=[*DATABASES, pytest.param("postgresql-psycopg2", marks=pytest.mark.whole)], scope="module")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    """Return an engine over each database, and over PostgreSQL by both of its drivers."""
    with _reached(request.param, tmp_path_factory.mktemp("engine")) as (engine, _):
        yield engine


@pytest.fixture(params=DATABASES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return a database that the test may spoil."""
    with new_backend(f"sqlalchemy-{request.param}", tmp_path) as backend:
        yield backend


def _store(engine: sqlalchemy.Engine) -> SQLAlchemyAccountStore:
    return SQLAlchemyAccountStore(engine, tenant=uuid4().hex)


@pytest.fixture
def tenant() -> str:
    """A tenant of the test's own."""
    return uuid4().hex


class TestSQLAlchemyStore(AccountStoreContract):
    """The store's contract; each test has a tenant of its own."""

    @pytest.fixture
    def store(self, engine: sqlalchemy.Engine, tenant: str) -> SQLAlchemyAccountStore:
        """A store that is empty to its tenant."""
        return SQLAlchemyAccountStore(engine, tenant=tenant)

    another_store = store


class TestSQLAlchemySink(AuditSinkContract):
    """The audit sink's contract."""

    @pytest.fixture
    def sink(self, engine: sqlalchemy.Engine, tenant: str) -> SQLAlchemyAccountStore:
        """A sink that is empty to its tenant."""
        return SQLAlchemyAccountStore(engine, tenant=tenant)

    another_sink = sink


class TestSQLAlchemyJobs(JobStoreContract):
    """The job store's contract."""

    @pytest.fixture
    def jobs(self, engine: sqlalchemy.Engine, tenant: str) -> SQLAlchemyAccountStore:
        """A store that is empty to its tenant."""
        return SQLAlchemyAccountStore(engine, tenant=tenant)

    another_jobs = jobs


class TestSQLAlchemyCounter(AttemptCounterContract):
    """The counter's contract."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        """A clock that the test moves."""
        return ManualClock()

    @pytest.fixture
    def counter(self, engine: sqlalchemy.Engine, tenant: str, clock: ManualClock) -> SQLAlchemyAttemptCounter:
        """A counter that is empty to its tenant."""
        return SQLAlchemyAttemptCounter(engine, tenant=tenant, clock=clock)

    another_counter = counter


def test_a_counter_of_the_store_and_one_by_itself_count_together(engine: sqlalchemy.Engine) -> None:
    """R9: they are one table; two tenants, or two prefixes, are two counts."""
    store = _store(engine)
    assert store.counter().hit("key", None) == 1
    assert SQLAlchemyAttemptCounter(engine, tenant=store._view.tenant).hit("key", None) == 2
    assert _store(engine).counter().hit("key", None) == 1
    other = SQLAlchemyAttemptCounter(engine, tenant=store._view.tenant, tables=Tables(prefix=f"c{uuid4().hex[:8]}_"))
    other.create_tables()
    assert other.hit("key", None) == 1


# -- which engines


@pytest.mark.parametrize("level", ["AUTOCOMMIT of the engine", "AUTOCOMMIT of a copy of it"])
def test_an_engine_that_commits_by_itself_is_refused(backend: Backend, level: str) -> None:
    """R1: such an engine would commit a hash without its events, so nothing is written through it; it can be read."""
    plain = engine_of(backend)
    add(_plain_store(plain), ROSA)
    if level == "AUTOCOMMIT of the engine":
        engine = engine_of(backend, isolation_level="AUTOCOMMIT")
    else:
        engine = plain.execution_options(isolation_level="AUTOCOMMIT")
    store = SQLAlchemyAccountStore(engine)
    with pytest.raises(ConfigurationError, match="AUTOCOMMIT"):
        store.apply([Change(old=ROSA, new=issued(ROSA), events=(an_event("1"),))])
    with pytest.raises(ConfigurationError, match="AUTOCOMMIT"):
        store.record([an_event("1")])
    with pytest.raises(ConfigurationError, match="AUTOCOMMIT"):
        store.counter().hit("key", None)
    assert store.find(ROSA.contact_id) == ROSA
    assert store.events() == ()
    assert store.counter().counts(["key"])[0] == 0
    engine.dispose()
    plain.dispose()


def _plain_store(engine: sqlalchemy.Engine) -> SQLAlchemyAccountStore:
    return SQLAlchemyAccountStore(engine)


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_an_engine_that_says_begin_by_itself(tmp_path: Path, begin: str) -> None:
    """R20: SQLAlchemy's pages have hosts say BEGIN in an event, because the driver of SQLite says it too late."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")

    @event.listens_for(engine, "connect")
    def _silence(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(begin)

    store = SQLAlchemyAccountStore(engine, timeouts=BRIEF)
    store.create_tables()
    store.check()
    add(store, ROSA, an_account("2", "rose"))
    new = issued(ROSA)
    assert list(store.apply([Change(old=ROSA, new=new, events=(an_event("1"),))])) == [ApplyResult.APPLIED]
    assert list(store.apply([Change(old=None, new=an_account("3", "ROSE"))])) == [ApplyResult.USERNAME_TAKEN]
    assert store.counter().hit("key", None) == 1
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no_more BEFORE INSERT ON portal_audit_events BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    with pytest.raises(StoreError):
        store.apply([Change(old=new, new=new.disable(), events=(an_event("1"),))])
    assert store.find(ROSA.contact_id) == new
    assert len(store.events()) == 1
    engine.dispose()


class _Unfinished:
    """A session of SQLAlchemy's asyncio extension, in so far as it is asked."""

    def get_bind(self) -> object:
        return None

    async def connection(self) -> object:
        return None


@pytest.mark.parametrize(
    "bind",
    [
        "sqlite:///portal.db",
        None,
        sqlalchemy.MetaData(),
        sessionmaker(),
        _Unfinished(),
        sqlite3.connect(":memory:").cursor(),
        sqlalchemy.create_mock_engine("sqlite://", print),
    ],
    ids=lambda bind: type(bind).__name__,
)
def test_what_is_no_bind_is_refused(bind: Any) -> None:
    """R23: an address, a factory or something of the asyncio extension is refused at construction, with the hint."""
    for make in (SQLAlchemyAccountStore, SQLAlchemyAttemptCounter):
        with pytest.raises(ConfigurationError, match="pass an Engine; or a Connection, a Session or a scoped_session"):
            make(bind)


def test_a_database_that_is_not_spoken_is_refused() -> None:
    """R23: neither at the first statement, nor with an error of SQLAlchemy's."""
    engine = sqlalchemy.create_engine("sqlite://", poolclass=QueuePool)
    engine.dialect.name = "cockroachdb"
    with pytest.raises(ConfigurationError, match="sqlite, postgresql, mariadb, mysql"):
        SQLAlchemyAccountStore(engine)


def test_a_session_without_a_bind_is_refused(tmp_path: Path) -> None:
    """R23: which database the session means is said with *bind_arguments*."""
    with Session() as session, pytest.raises(ConfigurationError, match="bind_arguments: "):
        SQLAlchemyAccountStore(session)
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")
    SQLAlchemyAccountStore(engine).create_tables()
    with Session() as session:
        store = SQLAlchemyAccountStore(session, bind_arguments={"bind": engine})
        assert store.find(ROSA.contact_id) is None
    engine.dispose()


def test_counts_are_not_for_the_hosts_transactions(tmp_path: Path) -> None:
    """R9, R20: a count that the host's rollback takes back is a guess that nobody counted."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")
    with engine.connect() as connection, Session(engine) as session:
        for bind in (connection, session, scoped_session(sessionmaker(engine))):
            bound: Any = bind
            assert SQLAlchemyAccountStore(bound).is_borrowed
            for make in (SQLAlchemyAccountStore(bound).counter, lambda: SQLAlchemyAttemptCounter(bound)):  # noqa: B023  Called in the same round.
                with pytest.raises(ConfigurationError, match="counter: "):
                    make()
    engine.dispose()


# -- what an engine may do at any moment


def test_a_pool_without_a_connection_to_spare_is_unavailable(backend: Backend) -> None:
    """R21: who waited in vain may try later; and when the pool has one again, everything works."""
    engine = engine_of(backend, pool_size=1, max_overflow=0, pool_timeout=0.02)
    store = SQLAlchemyAccountStore(engine, timeouts=Timeouts(outage=timedelta(milliseconds=1)))
    ways: list[Callable[[], object]] = [
        lambda: store.find(ContactId("1")),
        lambda: store.apply([Change(old=None, new=ROSA)]),
        lambda: store.counter().hit("key", None),
    ]
    with engine.connect():
        for way in ways:
            with pytest.raises(StoreUnavailableError) as caught:
                way()
            assert caught.value.code == "pool_timeout"
    for way in ways:
        way()
    assert store.find(ContactId("1")) == ROSA
    engine.dispose()


@pytest.mark.parametrize("ask", [lambda store: store.find(ROSA.contact_id), lambda store: add(store, an_account("2"))])
@pytest.mark.parametrize("name", ["postgresql", "mariadb", "postgresql-psycopg2"])
def test_a_restarted_server_is_not_noticed(
    name: str, tmp_path: Path, ask: Callable[[SQLAlchemyAccountStore], object]
) -> None:
    """R21: though every connection of the pool is dead, and there are more of them than attempts."""
    with _reached(name, tmp_path) as (engine, connect):
        store = SQLAlchemyAccountStore(engine)
        add(store, ROSA)
        with ExitStack() as lent:
            connections = [lent.enter_context(engine.connect()) for _ in range(5)]
            asked = "SELECT pg_backend_pid()" if engine.name == "postgresql" else "SELECT CONNECTION_ID()"
            idle = [connection.exec_driver_sql(asked).scalar_one() for connection in connections]
        kill = "SELECT pg_terminate_backend({}, 5000)" if engine.name == "postgresql" else "KILL {}"
        with closing(connect()) as admin:
            for number in idle:
                admin.cursor().execute(kill.format(number))
        ask(store)
        assert store.find(ROSA.contact_id) == ROSA


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "refused"), sqlite3.OperationalError("no such host")])
def test_a_server_that_is_away_is_unavailable(tmp_path: Path, error: Exception) -> None:
    """R21: whatever a creator of the host's raises is an error of the store's; and then it works."""
    away = [True]

    def connect() -> Any:
        if away:
            raise error
        return sqlite3.connect(tmp_path / "portal.db")

    engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=QueuePool)
    store = SQLAlchemyAccountStore(engine, timeouts=Timeouts(outage=timedelta(milliseconds=1)))
    with pytest.raises(StoreError) as caught:
        store.create_tables()
    assert isinstance(caught.value, StoreUnavailableError) is isinstance(error, OSError)
    away.clear()
    store.create_tables()
    assert store.find(ROSA.contact_id) is None
    engine.dispose()


def test_an_interrupted_change_leaves_nothing_behind(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """R1: who presses Ctrl-C between the hash and its events has written neither."""
    engine = engine_of(backend, pool_size=1, max_overflow=0)
    store = SQLAlchemyAccountStore(engine)
    add(store, ROSA)
    change = Change(old=ROSA, new=issued(ROSA), events=(an_event("1"),))

    insert = RowWriter.insert

    def interrupt(writer: RowWriter, statements: Statements, rows: Sequence[Row]) -> None:
        if "portal_audit_events" in writer._table:
            raise KeyboardInterrupt
        insert(writer, statements, rows)

    with monkeypatch.context() as patched:
        patched.setattr(RowWriter, "insert", interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.apply([change])
    assert store.find(ROSA.contact_id) == ROSA
    assert store.events() == ()
    assert list(store.apply([change])) == [ApplyResult.APPLIED]
    engine.dispose()


def test_statements_are_few(engine: sqlalchemy.Engine) -> None:
    """Lists of every length take a handful of statements, for drivers to prepare and for us to keep."""
    store = _store(engine)
    for length in range(1, 130):
        store.find_many([ContactId(str(number)) for number in range(length)])
    marked = store._port._style._marked  # type: ignore[attr-defined]  # Of stores over drivers and engines.
    assert len([sql for sql, _ in marked if "contact_id IN (" in sql or "VALUES (" in sql]) == 9
