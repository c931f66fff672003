"""A host's pool gets its connections back as they were, and one that shares a connection is refused (R20)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool, SingletonThreadPool, StaticPool

from portalcreds.contacts import ContactId
from portalcreds.exceptions import ConfigurationError, StoreUnavailableError
from portalcreds.stores._drivers.port import DatabaseFailure
from portalcreds.stores.dbapi import (
    BorrowedDBAPIAccountStore,
    DBAPIAccountStore,
    DBAPIAttemptCounter,
)
from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore, SQLAlchemyAttemptCounter
from portalcreds.stores.timeouts import Timeouts
from portalcreds.testing._store_samples import add, an_account, issued, step
from stores.backends import Backend, new_backend
from stores.hosts import need

ROSA = an_account("1", "rosa")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"], scope="module")
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Each database, with empty tables."""
    with new_backend(request.param, tmp_path_factory.mktemp("pool")) as backend:
        yield backend


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[Backend]:
    """PostgreSQL, with empty tables."""
    with new_backend("postgresql", tmp_path) as backend:
        yield backend


class SmallPool:
    """
    A pool of two, as psycopg2 has it: what is not handed back is gone.

    Attributes:
        free: What may be lent.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.free = [backend.connect(), backend.connect()]

    def getconn(self) -> Any:
        """Lend one."""
        if not self.free:
            raise RuntimeError("exhausted")
        return self.free.pop()

    def putconn(self, connection: Any) -> None:
        """Take one back; for one that was closed there is another."""
        try:
            connection.rollback()
        except Exception:  # noqa: BLE001  Whatever a driver calls a connection that is closed.
            connection = self._backend.connect()
        self.free.append(connection)


def _state(connection: Any) -> tuple[object, ...]:
    asked = connection.get_autocommit if hasattr(connection, "get_autocommit") else lambda: connection.autocommit
    if isinstance(connection, sqlite3.Connection):
        return (connection.isolation_level,)
    cursor = connection.cursor()
    if type(connection).__module__.startswith("psycopg"):
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
    else:
        cursor.execute("SELECT @@sql_mode, @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@max_statement_time")
    state = (asked(), *cursor.fetchone())
    connection.rollback()
    return state


def test_a_pool_gets_its_connections_back_as_they_were(backend: Backend) -> None:
    """R20: after more uses than it has connections there is still one, which commits and waits as the host has it."""
    pool = SmallPool(backend)
    before = _state(pool.free[0])
    with DBAPIAccountStore(
        pool.getconn, give_back=pool.putconn, dialect=backend.database, tenant="given back"
    ) as store:
        add(store, ROSA)
        for _ in range(4):
            assert store.find(ROSA.contact_id) == ROSA
        with pytest.raises(DatabaseFailure), store._connections.reading() as statements:
            statements.execute("SELECT nonsense FROM nowhere", {})
        assert step(store, ROSA, issued(ROSA)) == issued(ROSA)
    assert [_state(connection) for connection in pool.free] == [before, before]
    for connection in pool.free:
        connection.close()


def test_a_pool_that_nothing_is_given_back_to_is_refused(backend: Backend) -> None:
    """R23: closed connections never come back to it, and it would be exhausted after as many uses as it has."""
    pool = SmallPool(backend)
    for make in (DBAPIAccountStore, DBAPIAttemptCounter):
        with pytest.raises(ConfigurationError, match=r"give_back: .*putconn"):
            make(pool.getconn, dialect=backend.database, max_idle=0)
        with pytest.raises(ConfigurationError, match="give_back: "):
            make(pool.getconn, dialect=backend.database, give_back=pool)  # type: ignore[arg-type]  # Wrong on purpose.
    for connection in pool.free:
        connection.close()


def test_psycopgs_own_pool(postgresql: Backend) -> None:
    """R20: of `psycopg_pool`, whose connections are counted though they were closed; an exhausted one is an outage."""
    psycopg_pool = need("psycopg_pool")
    with closing(postgresql.connect()) as connection:
        conninfo = connection.info.dsn
    with psycopg_pool.ConnectionPool(conninfo, min_size=1, max_size=2, timeout=0.05, open=True) as pool:
        options = {"options": f"-c search_path={postgresql.place}"}
        pool.kwargs = options
        pool.drain()
        brief = Timeouts(outage=Timeouts().outage / 1000)
        store = DBAPIAccountStore(pool.getconn, give_back=pool.putconn, dialect="postgresql", timeouts=brief)
        add(store, ROSA)
        for _ in range(5):
            assert store.find(ROSA.contact_id) == ROSA
        with pool.connection() as one, pool.connection() as other:
            assert not one.autocommit
            assert not other.autocommit
            with pytest.raises(StoreUnavailableError, match="PoolTimeout"):
                store.find(ROSA.contact_id)
        assert store.find(ROSA.contact_id) == ROSA
    with pytest.raises(StoreUnavailableError, match="PoolClosed"):
        store.find(ROSA.contact_id)


def test_what_is_no_connection_is_refused() -> None:
    """R23: a context manager that lends one, such as ``pool.connection`` of psycopg, is told from a connection."""
    with pytest.raises(ConfigurationError, match="connect: "):
        DBAPIAccountStore(lambda: closing(sqlite3.connect(":memory:"))).find(ROSA.contact_id)


def test_a_connection_that_is_in_use_is_not_lent_again(backend: Backend) -> None:
    """R20: whatever shares a connection shares its commits; writes that were told as applied would be undone."""
    shared = backend.connect()
    store = DBAPIAccountStore(lambda: shared, dialect=backend.database)
    with store._connections.transaction(), pytest.raises(ConfigurationError, match=r"connect: .*another connection"):
        store.find(ROSA.contact_id)
    shared.close()


def test_a_creator_that_returns_one_connection_to_all_is_found_out(backend: Backend) -> None:
    """R20: behind a pool of the right kind, too."""
    names = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
    shared = backend.connect()
    engine = sqlalchemy.create_engine(f"{names[backend.database]}://", creator=lambda: shared, poolclass=QueuePool)
    store = SQLAlchemyAccountStore(engine)
    with store._port.reading(), pytest.raises(ConfigurationError, match="lends one connection to several"):
        store.find(ROSA.contact_id)
    engine.dispose()


_MAKERS: list[Callable[[Any], object]] = [
    SQLAlchemyAccountStore,
    SQLAlchemyAttemptCounter,
    lambda engine: SQLAlchemyAccountStore(engine.connect()),
    lambda engine: SQLAlchemyAccountStore(Session(engine)),
]


@pytest.mark.parametrize("make", _MAKERS)
def test_a_static_pool_is_refused_by_name(make: Callable[[Any], object]) -> None:
    """R20: it is what Flask-SQLAlchemy takes for ``sqlite://``; 12 of 456 writes told as applied were lost."""
    engine = sqlalchemy.create_engine("sqlite://", poolclass=StaticPool)
    with pytest.raises(ConfigurationError, match="StaticPool"):
        make(engine)


@pytest.mark.parametrize("make", _MAKERS[:2])
def test_a_pool_of_one_connection_for_each_thread_is_refused_by_name(make: Callable[[Any], object]) -> None:
    """R20: our commit would commit what the host has begun in the same thread."""
    engine = sqlalchemy.create_engine("sqlite://", poolclass=SingletonThreadPool)
    with pytest.raises(ConfigurationError, match="SingletonThreadPool"):
        make(engine)


@pytest.mark.parametrize("make", _MAKERS)
def test_a_translated_schema_is_refused(make: Callable[[Any], object], tmp_path: Path) -> None:
    """R20: it is not applied to statements of ours, and the store for the south would find the north's contacts."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")
    with pytest.raises(ConfigurationError, match=r"schema_translate_map.*Tables"):
        make(engine.execution_options(schema_translate_map={None: "south"}))
    make(engine.execution_options(schema_translate_map={None: None}))


def test_a_schema_that_is_translated_later_is_refused_then(tmp_path: Path) -> None:
    """R20: a connection's and an engine's options can change after the store was made."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")
    store = SQLAlchemyAccountStore(engine)
    with engine.connect() as connection:
        borrowed = SQLAlchemyAccountStore(connection)
        connection.execution_options(schema_translate_map={None: "south"})
        with pytest.raises(ConfigurationError, match="schema_translate_map"):
            borrowed.find(ROSA.contact_id)
    engine.update_execution_options(schema_translate_map={None: "south"})
    with pytest.raises(ConfigurationError, match="schema_translate_map"):
        store.find(ROSA.contact_id)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"isolation_level": "read_uncommitted"}, "READ UNCOMMITTED"),
        ({"postgresql_readonly": True}, "postgresql_readonly"),
    ],
)
def test_options_that_change_what_a_transaction_is_are_refused(
    options: dict[str, Any], told: str, tmp_path: Path
) -> None:
    """R20: at construction, and by name."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")
    for make in (SQLAlchemyAccountStore, SQLAlchemyAttemptCounter):
        with pytest.raises(ConfigurationError, match=told):
            make(engine.execution_options(**options))


def test_options_that_are_about_results_change_nothing(tmp_path: Path) -> None:
    """R20: they are for statements of SQLAlchemy's, and an engine that has them serves."""
    engine = sqlalchemy.create_engine(
        f"sqlite:///{tmp_path / 'portal.db'}",
        execution_options={
            "stream_results": True,
            "yield_per": 1,
            "max_row_buffer": 1,
            "no_parameters": True,
            "compiled_cache": None,
            "logging_token": "token",
            "preserve_rowcount": True,
        },
    )
    store = SQLAlchemyAccountStore(engine)
    store.create_tables()
    accounts = [an_account(str(number)) for number in range(5)]
    add(store, *accounts)
    assert len(store.find_many([ContactId(str(number)) for number in range(5)])) == 5
    engine.dispose()


def test_a_pipeline_is_refused(postgresql: Backend) -> None:
    """R20: in psycopg's pipeline mode a statement is not answered when it is executed, and nobody would be found."""
    with closing(postgresql.connect()) as connection:
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="postgresql")
        add(store, ROSA)
        with connection.pipeline():
            with pytest.raises(ConfigurationError, match="pipeline"):
                store.find(ROSA.contact_id)
            with pytest.raises(ConfigurationError, match="pipeline"):
                add(store, an_account("2"))
        assert store.find(ROSA.contact_id) == ROSA
