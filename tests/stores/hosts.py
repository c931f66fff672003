"""
Play the host: an application that begins a transaction, lets a borrowed store work in it, and ends it (R20).

A kind of host is one line in `_KINDS`. Where a server or a package is missing, tests that need it are skipped by name;
with PORTALCREDS_REQUIRE_BACKENDS set, as in CI, that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any

import attrs
import pytest

from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore
from stores.backends import Backend

DATABASES = ("sqlite", "postgresql", "mariadb")

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
"""What SQLAlchemy's addresses begin with."""


@attrs.frozen
class Work:
    """
    One transaction of the host's, while it is open.

    Attributes:
        store: Works in it.
        execute: Executes the host's own statement in it, and returns the rows.
        raw: The driver's connection underneath.
        bind: What the store was made from.
    """

    store: Any  # Any: of the two borrowed stores, one is behind an extra.
    execute: Callable[[str], list[tuple[Any, ...]]]
    raw: Any
    bind: Any


@attrs.frozen
class Host:
    """
    One kind of host, over one database.

    Attributes:
        kind: One of `KINDS`.
        backend: The database, with the tables.
        tenant: Whose accounts.
    """

    kind: str
    backend: Backend
    tenant: str = ""

    @property
    def database(self) -> str:
        """Which database it is."""
        return self.backend.database

    def transaction(self, *, commit: bool) -> AbstractContextManager[Work]:
        """Begin a transaction that ends as said, or is rolled back if the block raises."""
        return _KINDS[self.kind](self.backend, commit, self.tenant)

    def seen(self) -> DBAPIAccountStore:
        """Return a store with connections of its own: to see what is committed, and to be somebody else."""
        return DBAPIAccountStore(self.backend.connect, dialect=self.database, tenant=self.tenant)


def need(package: str) -> Any:  # Any: so that types can be checked where it is not installed.
    """Return a package, or skip by name where it is not."""
    try:
        return import_module(package)
    except ImportError:
        if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
            raise
        pytest.skip(f"{package} is not here")


def engine_of(backend: Backend, **options: Any) -> Any:
    """Return an engine over the backend's database."""
    sqlalchemy = need("sqlalchemy")
    # In a file SQLAlchemy would share one connection between threads, or open one for each use: both by version.
    options = {"poolclass": sqlalchemy.pool.QueuePool} | options
    return sqlalchemy.create_engine(f"{DRIVERS[backend.database]}://", creator=backend.connect, **options)


def sqlalchemy_store(bind: Any, **arguments: Any) -> Any:
    """Return a store over an engine, a connection or a session."""
    need("sqlalchemy")
    # Here, because it is an extra.
    from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore

    return SQLAlchemyAccountStore(bind, **arguments)


def rows_of(cursor: Any, sql: str) -> list[tuple[Any, ...]]:
    """Execute a statement and return the rows, of which there may be none."""
    cursor.execute(sql)
    return [] if cursor.description is None else [tuple(row) for row in cursor.fetchall()]


@contextmanager
def django_alias(backend: Backend, alias: str | None = None) -> Iterator[str]:
    """Yield the alias of a Django connection to the backend, by default the database's name."""
    connections = _django().connections
    places: dict[str, dict[str, Any]] = {
        "sqlite": {"NAME": backend.place},
        "postgresql": {"OPTIONS": {"options": f"-c search_path={backend.place}"}},
        "mariadb": {"NAME": backend.place},
    }
    alias = alias or backend.database
    connections.databases[alias] = connections.databases[backend.database] | places[backend.database]
    # This thread's; any other makes its own when it asks.
    connection = connections[alias] = connections.create_connection(alias)
    try:
        with connection.cursor() as cursor:
            for setting in backend.settings:
                cursor.execute(setting)
        yield alias
    finally:
        connection.close()


# -- the kinds


@contextmanager
def _plain(backend: Backend, commit: bool, tenant: str) -> Iterator[Work]:
    connection = backend.connect()
    store = BorrowedDBAPIAccountStore(connection.cursor, dialect=backend.database, tenant=tenant)
    try:
        yield Work(store, lambda sql: rows_of(connection.cursor(), sql), connection, connection)
        (connection.commit if commit else connection.rollback)()
    finally:
        connection.close()  # Which rolls back what was not committed.


@contextmanager
def _connection(backend: Backend, commit: bool, tenant: str) -> Iterator[Work]:
    engine = engine_of(backend)
    try:
        with engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            store = sqlalchemy_store(connection, tenant=tenant)
            yield Work(store, lambda sql: _executed(connection, sql), raw, connection)
            (connection.commit if commit else connection.rollback)()
    finally:
        engine.dispose()


@contextmanager
def _session(backend: Backend, commit: bool, tenant: str) -> Iterator[Work]:
    engine = engine_of(backend)
    try:
        with need("sqlalchemy.orm").Session(engine) as session:
            raw = session.connection().connection.dbapi_connection
            store = sqlalchemy_store(session, tenant=tenant)
            yield Work(store, lambda sql: _executed(session, sql), raw, session)
            (session.commit if commit else session.rollback)()
    finally:
        engine.dispose()


@contextmanager
def _atomic(backend: Backend, commit: bool, tenant: str) -> Iterator[Work]:
    with django_alias(backend) as alias:
        transaction = need("django.db.transaction")
        connection = _django().connections[alias]
        store = BorrowedDBAPIAccountStore(
            connection.cursor, dialect=backend.database, paramstyle="pyformat", tenant=tenant
        )
        with transaction.atomic(using=alias):
            yield Work(store, lambda sql: rows_of(connection.cursor(), sql), connection.connection, connection)
            transaction.set_rollback(not commit, using=alias)


def _executed(bind: Any, sql: str) -> list[tuple[Any, ...]]:
    result = bind.execute(need("sqlalchemy").text(sql))
    return [tuple(row) for row in result] if result.returns_rows else []


_KINDS: dict[str, Callable[[Backend, bool, str], AbstractContextManager[Work]]] = {
    "plain": _plain,
    "connection": _connection,
    "session": _session,
    "django": _atomic,
}

KINDS = tuple(_KINDS)
"""A connection of the driver's, one of SQLAlchemy's, a session, and Django's ``transaction.atomic()``."""


def _django() -> Any:
    need("django")
    # Here, because it is an extra.
    from django_site import configured

    return configured()
