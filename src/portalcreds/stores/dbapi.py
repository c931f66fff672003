"""Keep accounts in a database that any PEP 249 driver reaches; in an SQLite file with one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from .._arguments import path_in
from .._closing import Closing
from ..exceptions import ConfigurationError
from ..protocols import Clock, utc_now
from ._sql.account_store import SQLAccountStore
from ._sql.attempt_counter import SQLAttemptCounter
from ._sql.in_list import list_parameters
from ._sql.retries import run
from .tables import DEFAULT_TABLES, Tables
from .timeouts import DEFAULT_TIMEOUTS, Timeouts

if TYPE_CHECKING:
    from ._drivers.connections import Connect, ConnectionPort, GiveBack
    from ._drivers.dialect import Dialect
    from ._drivers.port import Statements
    from .host_contacts import HostContacts, HostSelect

MAX_IDLE: Final = 8
"""Connections kept open between uses."""


class _OwnsConnections(Closing):
    """What has connections of its own, and closes them."""

    _connections: ConnectionPort

    def _connect_by(
        self, connect: Connect, spoken: Dialect, paramstyle: str | None, max_idle: int, give_back: GiveBack | None
    ) -> None:
        # What speaks to drivers is imported with the first store, and not by those who only name its class.
        from ._drivers.connections import ConnectionPort
        from ._drivers.paramstyle import ParamStyle

        style = ParamStyle(paramstyle, usual=spoken.paramstyle)
        self._connections = ConnectionPort(connect, spoken, style, max_idle=max_idle, give_back=give_back)

    def close(self) -> None:
        """Close the connections. The store and its counters cannot be used any more."""
        self._connections.close()


class DBAPIAccountStore(_OwnsConnections, SQLAccountStore):
    """
    An `AccountStore` and `AuditSink` in tables of its own, over any driver of PEP 249 and the standard library alone.

    It opens connections when it needs them, runs short transactions of its own on them, and keeps a few for the next
    use. Several threads may use it and, after a fork, the child too. Errors of the driver come out as
    `StoreUnavailableError` or `StoreError` with a code and without texts, parameters, cause or context (R14).

    Args:
        connect: Returns a new connection whose rows are plain tuples. The store owns it: it begins and ends
            transactions on it, passes it between threads (sqlite3 needs ``check_same_thread=False``) and closes it.
        dialect: The database: ``"sqlite"`` (sqlite3, pysqlite3, sqlcipher3), ``"postgresql"`` (psycopg, psycopg2,
            pg8000) or ``"mariadb"`` (PyMySQL, mysqlclient, MariaDB's and MySQL's own connectors).
        tenant: Which portal's accounts, as at most 64 printable ASCII characters. It is in every key, so that several
            portals share the tables without seeing each other.
        tables: Where our tables are, if not under the usual names.
        contacts: The host's own contacts, from which names are read. Ours then note names only to find and
            sort people by; see `note_names`.
        scope: A SELECT of the contact ids, as text, that the store is opened for, such as those of one school. Outside
            it nothing is there: what is looked for is not found, and what is to be added is stale.
        paramstyle: How the driver marks parameters, in the words of PEP 249, where its module does not say so.
        max_idle: Connections kept open between uses; 0 if *connect* takes them from a pool to which closing one gives
            it back.
        give_back: What a pool's connection goes back to after each use, such as ``pool.putconn`` where *connect* is
            ``pool.getconn``. None is kept then.
        timeouts: How long it waits, if not as usual.

    Raises:
        ConfigurationError: An argument cannot be used, or *contacts* lack a column.
        StoreUnavailableError: There are *contacts* or a *scope*, and the database cannot be reached to try them.
            Without them nothing is connected yet.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        dialect: str = "sqlite",
        tenant: str = "",
        tables: Tables = DEFAULT_TABLES,
        contacts: HostContacts | None = None,
        scope: str | HostSelect | None = None,
        paramstyle: str | None = None,
        max_idle: int = MAX_IDLE,
        give_back: GiveBack | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        from ._drivers.dialects import get_dialect

        spoken = get_dialect(dialect, timeouts)
        self._connect_by(connect, spoken, paramstyle, max_idle, give_back)
        try:
            super().__init__(self._connections, spoken, tables, tenant=tenant, contacts=contacts, scope=scope)
        except BaseException:
            # What was opened to try the contacts; nobody has the store to close it.
            self._connections.close()
            raise

    @classmethod
    def open_sqlite(
        cls,
        path: str | os.PathLike[str],
        *,
        tenant: str = "",
        tables: Tables = DEFAULT_TABLES,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> Self:
        """
        Open an SQLite file, created with its tables if absent and readable by its owner only.

        Several threads and processes of one machine may use it at once: readers never wait, writers wait for each
        other. What is committed survives a power failure.

        Args:
            path: The file, on a local disk. Two more with its name and ``-wal`` and ``-shm`` belong to it.
            tenant: Which portal's accounts; it is in every key.
            tables: What the tables' names begin with; a schema would be an attached file, which this one has none of.
            timeouts: How long a writer waits for the others, if not as usual.

        Raises:
            ConfigurationError: The folder is not there, the path is no file's, or such tables in it have other columns.
            StoreUnavailableError: The file cannot be opened, or not written.
            StoreError: It is not a database.
        """
        file = path_in("path", path, ConfigurationError)
        if file in ("", ":memory:"):
            raise ConfigurationError("path", "name a file; for accounts in memory use MemoryAccountStore")
        file = os.path.abspath(file)  # The working directory may change before the next connection is opened.
        if not os.path.isdir(os.path.dirname(file)):
            raise ConfigurationError("path", "make the folder first; SQLite makes the file and no folders")
        from ._drivers.dialects import get_dialect

        get_dialect("sqlite", timeouts)
        seconds = timeouts.lock.total_seconds()

        def connect() -> Any:
            import sqlite3

            return sqlite3.connect(file, timeout=seconds, isolation_level=None, check_same_thread=False)

        # SQLite gives the file's mode to its companions too. Whoever wants to share it with a group changes its mode.
        with suppress(OSError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        store = cls(connect, tenant=tenant, tables=tables, timeouts=timeouts)
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
        listed, names = list_parameters([table.name for table in self._layout])
        rows, _rowcount = statements.execute(f"SELECT COUNT(*) FROM sqlite_master WHERE name IN {listed}", names)  # noqa: S608  No values.
        return bool(rows[0][0] == len(self._layout))


class BorrowedDBAPIAccountStore(SQLAccountStore):
    """
    An `AccountStore` and `AuditSink` in the host's own transaction (R20), over any driver of PEP 249 or what wraps one.

    It never commits and never rolls back: the host's rollback undoes what was written together with its audit events.
    Nothing is tried again here. A lost conflict comes out as `TransactionAborted`, for the host to run its transaction
    again. What must be committed by itself is refused: counters, and setting many passwords.

    A hook that is told of a change is told when the change is written; that it is committed only the host knows.

    Args:
        cursor: Returns a cursor in the host's transaction, such as ``connection.cursor`` of a driver,
            ``lambda: connection.cursor()`` with Django, where each thread has its own, or ``lambda: env.cr``. Rows are
            plain tuples.
        dialect: The database, as for `DBAPIAccountStore`.
        paramstyle: How parameters are marked, in the words of PEP 249; ``"pyformat"`` for Django over any database.
        tenant: Which portal's accounts, as for `DBAPIAccountStore`; so are the other arguments.
        tables: Where our tables are.
        contacts: The host's own contacts.
        scope: A SELECT of the contact ids that the store is opened for.

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
        tables: Tables = DEFAULT_TABLES,
        contacts: HostContacts | None = None,
        scope: str | HostSelect | None = None,
    ) -> None:
        from ._drivers.borrowed_cursor import BorrowedCursorPort
        from ._drivers.dialects import get_dialect
        from ._drivers.paramstyle import ParamStyle

        spoken = get_dialect(dialect)
        port = BorrowedCursorPort(cursor, spoken, ParamStyle(paramstyle, usual=spoken.paramstyle))
        super().__init__(port, spoken, tables, tenant=tenant, contacts=contacts, scope=scope)


class DBAPIAttemptCounter(_OwnsConnections, SQLAttemptCounter):
    """
    An `AttemptCounter` in a table of its own, over any driver of PEP 249: for a portal whose accounts are elsewhere.

    Beside a `DBAPIAccountStore` take its `counter`, which shares the connections.

    Args:
        connect: Returns a new connection, as for `DBAPIAccountStore`.
        dialect: The database, as for `DBAPIAccountStore`.
        tenant: Which portal's counts; it is in every key.
        tables: Where the table is.
        paramstyle: How the driver marks parameters, where its module does not say so.
        max_idle: Connections kept open between uses.
        give_back: What a pool's connection goes back to after each use, as for `DBAPIAccountStore`.
        timeouts: How long it waits, if not as usual.
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
        tables: Tables = DEFAULT_TABLES,
        paramstyle: str | None = None,
        max_idle: int = MAX_IDLE,
        give_back: GiveBack | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        clock: Clock = utc_now,
    ) -> None:
        from ._drivers.dialects import get_dialect
        from ._sql.schema import lay_out

        spoken = get_dialect(dialect, timeouts)
        self._connect_by(connect, spoken, paramstyle, max_idle, give_back)
        super().__init__(self._connections, spoken, lay_out(tables).attempts, tenant=tenant, clock=clock)


def _use_write_ahead_log(statements: Statements, _: bool) -> None:
    # Kept in the file. Where it cannot be had (some network disks), SQLite stays as safe and readers wait.
    statements.execute("PRAGMA journal_mode = WAL", {})
