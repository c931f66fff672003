"""Keep accounts in a database that any PEP 249 driver reaches; in an SQLite file with one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from ..exceptions import ConfigurationError
from ..protocols import Clock, utc_now
from ._borrowed_cursor import BorrowedCursorPort
from ._connections import Connect, ConnectionPort
from ._contact_source import ContactSource, Select, checked_columns
from ._dialects import Dialect, dialect_named
from ._paramstyle import checked_paramstyle
from ._port import Statements, run
from ._schema import layout_of
from ._sql import SQLAccountStore
from ._sql_counter import SQLAttemptCounter
from .host_contacts import Columns

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
        schema: The schema that the tables are in; None for the connection's own.
        contacts: The host's own contacts, from which names are read and to which nothing is written: the name of a
            table or a view, or a select. Our table then notes names only to sort and filter by; see `note_names`.
        columns: What the columns of *contacts* are called, where that differs from `Columns`.
        scope: A select of the contact ids, as text, that the store is opened for, such as those of one school, with
            ``:name`` parameters. Beyond it nothing is there: what is looked for is not found, and what is to be added
            is stale.
        scope_parameters: What the parameters of *scope* are.
        paramstyle: How the driver marks parameters, in the words of PEP 249, where that is not as usual.
        max_idle: Connections kept open between uses; 0 if *connect* takes them from a pool that you have.

    Raises:
        ConfigurationError: An argument cannot be used, or *contacts* lack a column.
        StoreUnavailableError: There are *contacts*, and the database cannot be reached to look at them. Without them
            nothing is connected yet.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        dialect: str = "sqlite",
        tenant: str = "",
        prefix: str = "portal_",
        schema: str | None = None,
        contacts: str | None = None,
        columns: Columns | None = None,
        scope: str | None = None,
        scope_parameters: Mapping[str, object] | None = None,
        paramstyle: str | None = None,
        max_idle: int = MAX_IDLE,
    ) -> None:
        spoken = dialect_named(dialect)
        self._connections = ConnectionPort(
            connect, spoken, paramstyle=checked_paramstyle(paramstyle or spoken.paramstyle), max_idle=max_idle
        )
        try:
            super().__init__(
                self._connections,
                spoken,
                layout_of(prefix, schema),
                tenant=tenant,
                contacts=_source(contacts, columns, spoken),
                scope=_scope(scope, scope_parameters),
            )
        except BaseException:
            # What was opened to look at the contacts; nobody has the store to close it.
            self._connections.close()
            raise

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
        names = dict(zip("abc", (table.name for table in self._layout.tables), strict=True))
        rows, _rowcount = statements.execute(sql, names)
        return bool(rows[0][0] == 3)

    def counter(self, *, clock: Clock = utc_now) -> SQLAttemptCounter:
        """
        Return an `AttemptCounter` in the same database, on the same connections.

        Args:
            clock: Tells when windows end.
        """
        return SQLAttemptCounter(
            self._connections, self._dialect, self._layout.attempts, tenant=self._view.tenant, clock=clock
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


class BorrowedDBAPIAccountStore(SQLAccountStore):
    """
    An `AccountStore` and `AuditSink` in the host's own transaction (R20), over any driver of PEP 249 or what wraps one.

    It never commits and never rolls back: the host's rollback undoes what was written together with its audit events.
    Nothing is tried again here. A lost conflict comes out as `TransactionAborted`, for the host to run its transaction
    again. What must be committed by itself is not to be had: no counter, and no setting of many passwords.

    A hook that is told of a change is told when the change is written; that it is committed only the host knows.

    Args:
        cursor: Returns a cursor in the host's transaction, such as ``connection.cursor`` of a driver,
            ``lambda: connection.cursor()`` with Django, where each thread has its own, or ``lambda: env.cr``. Rows are
            plain tuples.
        dialect: The database, as for `DBAPIAccountStore`.
        paramstyle: How parameters are marked, in the words of PEP 249; ``"pyformat"`` for Django over any database.
        tenant: Which portal's accounts, as for `DBAPIAccountStore`; so are the other arguments.
        prefix: What the tables' names begin with.
        schema: The schema that the tables are in.
        contacts: The host's own contacts.
        columns: What their columns are called.
        scope: A select of the contact ids that the store is opened for.
        scope_parameters: What its parameters are.

    Raises:
        ConfigurationError: An argument cannot be used, or *contacts* lack a column.
    """

    def __init__(
        self,
        cursor: Callable[[], Any],
        *,
        dialect: str,
        paramstyle: str | None = None,
        tenant: str = "",
        prefix: str = "portal_",
        schema: str | None = None,
        contacts: str | None = None,
        columns: Columns | None = None,
        scope: str | None = None,
        scope_parameters: Mapping[str, object] | None = None,
    ) -> None:
        spoken = dialect_named(dialect)
        super().__init__(
            BorrowedCursorPort(cursor, spoken, paramstyle=checked_paramstyle(paramstyle or spoken.paramstyle)),
            spoken,
            layout_of(prefix, schema),
            tenant=tenant,
            contacts=_source(contacts, columns, spoken),
            scope=_scope(scope, scope_parameters),
        )


class DBAPIAttemptCounter(SQLAttemptCounter):
    """
    An `AttemptCounter` in a table of its own, over any driver of PEP 249: for a portal whose accounts are elsewhere.

    Beside a `DBAPIAccountStore` take its `counter`, which shares the connections.

    Args:
        connect: Returns a new connection, as for `DBAPIAccountStore`.
        dialect: The database, as for `DBAPIAccountStore`.
        tenant: Which portal's counts; it is in every key.
        prefix: What the table's name begins with.
        schema: The schema that the table is in; None for the connection's own.
        paramstyle: How the driver marks parameters, where that is not as usual.
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
        schema: str | None = None,
        paramstyle: str | None = None,
        max_idle: int = MAX_IDLE,
        clock: Clock = utc_now,
    ) -> None:
        spoken = dialect_named(dialect)
        self._connections = ConnectionPort(
            connect, spoken, paramstyle=checked_paramstyle(paramstyle or spoken.paramstyle), max_idle=max_idle
        )
        super().__init__(self._connections, spoken, layout_of(prefix, schema).attempts, tenant=tenant, clock=clock)

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


def _source(contacts: str | None, columns: Columns | None, dialect: Dialect) -> ContactSource | None:
    named = checked_columns(columns, contacts)
    return None if contacts is None else ContactSource(contacts, named, dialect)


def _scope(scope: str | None, parameters: Mapping[str, object] | None) -> Select | None:
    return None if scope is None else Select(sql=scope, parameters=dict(parameters or {}))
