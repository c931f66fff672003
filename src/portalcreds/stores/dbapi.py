"""Keep accounts in a database that any PEP 249 driver reaches; in an SQLite file with one line."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from ..exceptions import ConfigurationError
from ..protocols import Clock, utc_now
from ._connections import Connect, ConnectionPort
from ._dialects import dialect_named
from ._port import Statements, run
from ._schema import table_names
from ._sql import SQLAccountStore
from ._sql_counter import SQLAttemptCounter

MAX_IDLE: Final = 8
"""Connections kept open between uses."""

_BUSY_TIMEOUT: Final = timedelta(seconds=5)
"""How long a writer waits for another process's transaction, which takes milliseconds."""


class DBAPIAccountStore(SQLAccountStore):
    """
    An `AccountStore` and `AuditSink` in tables of its own, over any driver of PEP 249 and the standard library alone.

    It opens connections when it needs them, runs short transactions of its own on them, keeps a few for the next use,
    and may be used by several threads and, after a fork, by the child too. Errors of the driver come out as
    `StoreUnavailableError` or `StoreError` with a code and without texts, parameters, cause or context (R14).

    Args:
        connect: Returns a new connection whose rows are plain tuples. The store owns it: it begins and ends
            transactions on it, passes it between threads (sqlite3 needs ``check_same_thread=False``) and closes it.
        dialect: The database: ``"sqlite"``, ``"postgresql"`` (psycopg) or ``"mariadb"`` (PyMySQL).
        tenant: Which portal's accounts, as at most 64 printable ASCII characters. It is in every key, so that several
            portals share the tables without seeing each other.
        prefix: What the tables' names begin with, as small ASCII letters, digits and underscores.
        max_idle: Connections kept open between uses; 0 if *connect* takes them from a pool that you have.

    Raises:
        ConfigurationError: An argument cannot be used. Nothing is connected yet.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        dialect: str = "sqlite",
        tenant: str = "",
        prefix: str = "portal_",
        max_idle: int = MAX_IDLE,
    ) -> None:
        spoken = dialect_named(dialect)
        self._connections = ConnectionPort(connect, spoken, max_idle=max_idle)
        super().__init__(self._connections, spoken, tenant=tenant, prefix=prefix)

    @classmethod
    def open_sqlite(
        cls,
        path: str | os.PathLike[str],
        *,
        tenant: str = "",
        prefix: str = "portal_",
        busy_timeout: timedelta = _BUSY_TIMEOUT,
    ) -> Self:
        """
        Open an SQLite file, created with its tables if absent and readable by its owner only.

        Several threads and processes of one machine may use it at once: readers never wait, writers wait for each
        other. What is committed survives a power failure.

        Args:
            path: The file, on a local disk. Two more with its name and ``-wal`` and ``-shm`` belong to it.
            tenant: Which portal's accounts; it is in every key.
            prefix: What the tables' names begin with.
            busy_timeout: How long a writer waits for the others.

        Raises:
            ConfigurationError: The path is no file's, or the file has such tables with other columns.
            StoreUnavailableError: The file cannot be opened, or not written.
            StoreError: It is not a database.
        """
        file = os.fspath(path)
        if file in ("", ":memory:"):
            raise ConfigurationError("path", "name a file; for accounts in memory use MemoryAccountStore")
        file = os.path.abspath(file)  # The working directory may change before the next connection is opened.
        seconds = busy_timeout.total_seconds()

        def connect() -> Any:
            import sqlite3

            return sqlite3.connect(file, timeout=seconds, isolation_level=None, check_same_thread=False)

        # SQLite gives the file's mode to its companions too. Whoever wants to share it with a group changes its mode.
        with suppress(OSError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        store = cls(connect, tenant=tenant, prefix=prefix)
        try:
            run("open_sqlite", _use_write_ahead_log, store._connections.reading)
            if not run("open_sqlite", store._has_tables, store._connections.reading):
                store.create_tables()
            store.check()
        except BaseException:
            store.close()
            raise
        return store

    def _has_tables(self, statements: Statements, _: bool) -> bool:
        # Creating indexes on a table that lacks columns would fail before the check could say what is wrong with it.
        sql = "SELECT COUNT(*) FROM sqlite_master WHERE name IN (:a, :b, :c)"
        rows, _rowcount = statements.execute(sql, dict(zip("abc", table_names(self._prefix), strict=True)))
        return bool(rows[0][0] == 3)

    def counter(self, *, clock: Clock = utc_now) -> SQLAttemptCounter:
        """
        Return an `AttemptCounter` in the same database, on the same connections.

        Args:
            clock: Tells when windows end.
        """
        return SQLAttemptCounter(
            self._connections, self._dialect, tenant=self._tenant, prefix=self._prefix, clock=clock
        )

    def close(self) -> None:
        """Close the connections. The store and its counters cannot be used any more."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class DBAPIAttemptCounter(SQLAttemptCounter):
    """
    An `AttemptCounter` in a table of its own, over any driver of PEP 249: for a portal whose accounts are elsewhere.

    Beside a `DBAPIAccountStore` take its `counter`, which shares the connections.

    Args:
        connect: Returns a new connection, as for `DBAPIAccountStore`.
        dialect: The database, as for `DBAPIAccountStore`.
        tenant: Which portal's counts; it is in every key.
        prefix: What the table's name begins with.
        max_idle: Connections kept open between uses.
        clock: Tells when windows end.

    Raises:
        ConfigurationError: An argument cannot be used. Nothing is connected yet.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        dialect: str = "sqlite",
        tenant: str = "",
        prefix: str = "portal_",
        max_idle: int = MAX_IDLE,
        clock: Clock = utc_now,
    ) -> None:
        spoken = dialect_named(dialect)
        self._connections = ConnectionPort(connect, spoken, max_idle=max_idle)
        super().__init__(self._connections, spoken, tenant=tenant, prefix=prefix, clock=clock)

    def close(self) -> None:
        """Close the connections. The counter cannot be used any more."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _use_write_ahead_log(statements: Statements, _: bool) -> None:
    # Kept in the file. Where it cannot be had (some network disks), SQLite stays as safe and readers wait.
    statements.execute("PRAGMA journal_mode = WAL", {})
