"""
Name every way to reach a database, in one place: each race, fault and kill is tried on all of them.

A way is one line in `_WAYS`. Where its server, or what it is reached through, is missing, `new_backend` skips by name;
with PORTALCREDS_REQUIRE_BACKENDS set, as in CI, that is a failure.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import attrs
import pytest

from portal import PortalStore
from portalcreds.protocols import AttemptCounter, Clock, JobStore, utc_now
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.timeouts import Timeouts
from servers import Database, own_database

BRIEF = Timeouts(
    lock=timedelta(milliseconds=100), statement=timedelta(milliseconds=1500), outage=timedelta(milliseconds=1)
)
"""For tests in which nothing comes back by itself, so that waiting for it would show nothing."""

SNAPSHOT = "SNAPSHOT"
"""What MariaDB calls REPEATABLE READ from 11.6 on: a row that others changed since the snapshot is error 1020."""

ISOLATION_LEVELS: dict[str, tuple[str, ...]] = {
    "sqlite": ("SERIALIZABLE",),
    "postgresql": ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"),
    "mariadb": ("REPEATABLE READ", "READ COMMITTED", "SERIALIZABLE", SNAPSHOT),
}
"""The levels of each database; what it has out of the box comes first."""

_SET_LEVEL = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {}",
    "mariadb": "SET SESSION TRANSACTION ISOLATION LEVEL {}",
}


class OwnedStore(PortalStore, JobStore, Protocol):
    """What a backend opens: a store that owns its transactions and has a counter in the same database."""

    def counter(self, *, clock: Clock = utc_now) -> AttemptCounter:
        """Return a counter in the same database."""
        ...

    def create_tables(self) -> None:
        """Create the tables, if they are absent."""
        ...

    def check(self) -> None:
        """Find what would cost data."""
        ...


@attrs.frozen
class Backend:
    """
    One way to reach one database that has the tables.

    Attributes:
        name: One of `BACKENDS`.
        place: Where the database is: the file, or the schema or database on its server.
        settings: Statements that each connection begins with.
    """

    name: str
    place: str
    settings: tuple[str, ...] = ()

    @classmethod
    def at(cls, address: str) -> Backend:
        """Return the backend of that address, in whatever process."""
        name, _, place = address.partition(":")
        return cls(name, place)

    @property
    def address(self) -> str:
        """One argument from which another process gets here; its connections are as the server makes them."""
        return f"{self.name}:{self.place}"

    @property
    def database(self) -> str:
        """Which database it is, however it is reached: ``sqlite``, ``postgresql`` or ``mariadb``."""
        return self.name.rpartition("-")[2]

    def at_level(self, level: str) -> Backend:
        """Return the same with that isolation level on each connection."""
        if self.database not in _SET_LEVEL:
            return self
        setting = _SET_LEVEL[self.database].format("REPEATABLE READ" if level == SNAPSHOT else level)
        snapshot = (f"SET SESSION innodb_snapshot_isolation = {'ON' if level == SNAPSHOT else 'OFF'}",)
        return attrs.evolve(self, settings=(*self.settings, setting, *(snapshot if self.database == "mariadb" else ())))

    def connect(self) -> Any:
        """Return a new connection of the driver: to look at rows, or for a store to own."""
        if self.database == "sqlite":
            return sqlite3.connect(self.place, timeout=5, check_same_thread=False)
        return Database(self.database, self.place, self.settings)()

    def open(self, tenant: str = "", *, connections: int = 8) -> AbstractContextManager[OwnedStore]:
        """
        Open a store, which is closed when the block ends.

        Args:
            tenant: Whose accounts.
            connections: How many are kept open between uses; as many as there are threads spares them opening more.
        """
        return _WAYS[self.name](self, tenant, connections)


@contextmanager
def backend_or_memory(name: str, folder: Path) -> Iterator[Backend | None]:
    """Yield a backend likewise, or None for ``memory``: each of `STORES` in turn."""
    if name == "memory":
        yield None
    else:
        with new_backend(name, folder) as backend:
            yield backend


@contextmanager
def new_backend(name: str, folder: Path) -> Iterator[Backend]:
    """Yield a backend over a database of its own, with empty tables; it is gone afterwards."""
    database = Backend(name, "").database
    if name.startswith("sqlalchemy-"):
        _need("sqlalchemy")
    if database == "sqlite":
        yield _with_tables(Backend(name, str(folder / "portal.db")))
    else:
        with own_database(database) as there:
            yield _with_tables(Backend(name, there.name))


def _with_tables(backend: Backend) -> Backend:
    with backend.open() as store:
        store.create_tables()
    return backend


def _need(package: str) -> None:
    try:
        import_module(package)
    except ImportError:
        if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
            raise
        pytest.skip(f"{package} is not here")


# -- the ways


@contextmanager
def _sqlite_file(backend: Backend, tenant: str, connections: int) -> Iterator[OwnedStore]:
    with DBAPIAccountStore.open_sqlite(backend.place, tenant=tenant) as store:
        yield store


@contextmanager
def _driver(backend: Backend, tenant: str, connections: int) -> Iterator[OwnedStore]:
    connect, dialect = backend.connect, backend.database
    with DBAPIAccountStore(connect, dialect=dialect, tenant=tenant, max_idle=connections) as store:
        yield store


@contextmanager
def _engine(backend: Backend, tenant: str, connections: int) -> Iterator[OwnedStore]:
    # Here, because it is an extra.
    from sqlalchemy import create_engine
    from sqlalchemy.pool import QueuePool

    from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore

    drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
    engine = create_engine(
        f"{drivers[backend.database]}://", creator=backend.connect, poolclass=QueuePool, pool_size=connections
    )
    try:
        yield SQLAlchemyAccountStore(engine, tenant=tenant)
    finally:
        engine.dispose()


_WAYS: dict[str, Callable[[Backend, str, int], AbstractContextManager[OwnedStore]]] = {
    "sqlite": _sqlite_file,
    "postgresql": _driver,
    "mariadb": _driver,
    "sqlalchemy-sqlite": _engine,
    "sqlalchemy-postgresql": _engine,
    "sqlalchemy-mariadb": _engine,
}

BACKENDS = tuple(_WAYS)
"""The names of all; each is ``database`` over its driver, or ``something-database``."""

STORES = ("memory", *BACKENDS)
"""The same, and the store in memory."""
