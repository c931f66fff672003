"""The DB-API store over real servers passes the contract that every store passes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from portalcreds.contacts import ContactId
from portalcreds.exceptions import StoreUnavailableError
from portalcreds.stores._drivers.port import Statements
from portalcreds.stores._sql.retries import run
from portalcreds.stores.dbapi import MAX_IDLE, DBAPIAccountStore, DBAPIAttemptCounter
from portalcreds.testing import (
    AccountStoreContract,
    AttemptCounterContract,
    AuditSinkContract,
    JobStoreContract,
    ManualClock,
)
from portalcreds.testing._store_samples import add, an_account
from servers import SERVERS, Connect, own_database

from .backends import BRIEF


@pytest.fixture(params=SERVERS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Connect]]:
    """Each server, with the tables in a database of their own."""
    with own_database(request.param) as connect:
        with DBAPIAccountStore(connect, dialect=request.param) as store:
            store.create_tables()
            store.check()
        yield request.param, connect


@pytest.fixture
def tenant() -> str:
    """A tenant of the test's own."""
    return uuid4().hex


class TestServerStore(AccountStoreContract):
    """The store's contract; each test has a tenant of its own."""

    @pytest.fixture
    def store(self, server: tuple[str, Connect], tenant: str) -> Iterator[DBAPIAccountStore]:
        """A store that is empty to its tenant."""
        dialect, connect = server
        with DBAPIAccountStore(connect, dialect=dialect, tenant=tenant) as store:
            yield store

    @pytest.fixture
    def another_store(self, server: tuple[str, Connect], tenant: str) -> Iterator[DBAPIAccountStore]:
        """Another store of the same tenant, with connections of its own."""
        dialect, connect = server
        with DBAPIAccountStore(connect, dialect=dialect, tenant=tenant) as another:
            yield another


class TestServerSink(AuditSinkContract):
    """The audit sink's contract."""

    @pytest.fixture
    def sink(self, server: tuple[str, Connect], tenant: str) -> Iterator[DBAPIAccountStore]:
        """A sink that is empty to its tenant."""
        dialect, connect = server
        with DBAPIAccountStore(connect, dialect=dialect, tenant=tenant) as sink:
            yield sink

    @pytest.fixture
    def another_sink(self, server: tuple[str, Connect], tenant: str) -> Iterator[DBAPIAccountStore]:
        """Another sink of the same tenant, with connections of its own."""
        dialect, connect = server
        with DBAPIAccountStore(connect, dialect=dialect, tenant=tenant) as another:
            yield another


class TestServerJobs(JobStoreContract):
    """The job store's contract."""

    @pytest.fixture
    def jobs(self, server: tuple[str, Connect], tenant: str) -> Iterator[DBAPIAccountStore]:
        """A store that is empty to its tenant."""
        dialect, connect = server
        with DBAPIAccountStore(connect, dialect=dialect, tenant=tenant) as jobs:
            yield jobs

    @pytest.fixture
    def another_jobs(self, server: tuple[str, Connect], tenant: str) -> Iterator[DBAPIAccountStore]:
        """Another store of the same tenant, with connections of its own."""
        dialect, connect = server
        with DBAPIAccountStore(connect, dialect=dialect, tenant=tenant) as another:
            yield another


class TestServerCounter(AttemptCounterContract):
    """The counter's contract."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        """A clock that the test moves."""
        return ManualClock()

    @pytest.fixture
    def counter(self, server: tuple[str, Connect], tenant: str, clock: ManualClock) -> Iterator[DBAPIAttemptCounter]:
        """A counter that is empty to its tenant."""
        dialect, connect = server
        with DBAPIAttemptCounter(connect, dialect=dialect, tenant=tenant, clock=clock) as counter:
            yield counter

    @pytest.fixture
    def another_counter(
        self, server: tuple[str, Connect], tenant: str, clock: ManualClock
    ) -> Iterator[DBAPIAttemptCounter]:
        """Another counter of the same tenant, with connections of its own."""
        dialect, connect = server
        with DBAPIAttemptCounter(connect, dialect=dialect, tenant=tenant, clock=clock) as another:
            yield another


@pytest.mark.parametrize("ask", [lambda store: store.find(ContactId("1")), lambda store: add(store, an_account("2"))])
def test_a_restarted_server_is_not_noticed(
    server: tuple[str, Connect], ask: Callable[[DBAPIAccountStore], object]
) -> None:
    """R21: though every idle connection is dead, and there are more of them than attempts, the next call succeeds."""
    dialect, connect = server
    with DBAPIAccountStore(connect, dialect=dialect, tenant=uuid4().hex) as store:
        add(store, an_account("1"))
        with ExitStack() as lent:
            for _ in range(MAX_IDLE):
                lent.enter_context(store._connections.reading())
        idle = [lent.connection for lent in store._connections._idle.connections]
        assert len(idle) == MAX_IDLE
        _end(dialect, connect, idle)
        ask(store)
        assert len(store._connections._idle.connections) == 1
        assert store.find(ContactId("1")) == an_account("1")


def test_a_database_that_takes_too_long_is_unavailable(server: tuple[str, Connect]) -> None:
    """R21: the server's own time limit is a reason to try again later, and no defect of the program."""
    dialect, connect = server
    limits = {
        "postgresql": ("SET statement_timeout = 20", "SELECT pg_sleep(5)", "57014"),
        # Not SLEEP, which a time limit ends without an error.
        "mariadb": (
            "SET max_statement_time = 0.02",
            "SELECT COUNT(*) FROM seq_1_to_100000 a, seq_1_to_100000 b WHERE a.seq * b.seq = 0",
            "1969",
        ),
    }
    limit, slow, code = limits[dialect]

    def work(statements: Statements, _: bool) -> None:
        statements.execute(limit, {})
        statements.execute(slow, {})

    with (
        DBAPIAccountStore(connect, dialect=dialect, timeouts=BRIEF) as store,
        pytest.raises(StoreUnavailableError) as caught,
    ):
        run("find", work, store._connections.reading)
    assert caught.value.code == code


def _end(dialect: str, connect: Connect, connections: list[Any]) -> None:
    # As a restart does: on the server's side, without a word to the driver.
    admin = connect()
    cursor = admin.cursor()
    for connection in connections:
        if dialect == "postgresql":
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        else:
            cursor.execute("KILL %s", [connection.thread_id()])
    admin.close()
