"""SQLite through the standard library's driver, or another that was made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from ...exceptions import ConfigurationError
from .dialect import Dialect, classify_other, find_driver_error
from .port import DatabaseFailure, FailureKind, Statements

_UNAVAILABLE: Final = (
    "SQLITE_CANTOPEN",
    "SQLITE_FULL",
    "SQLITE_INTERRUPT",
    "SQLITE_IOERR",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)
"""Beginnings of result codes: out of reach, short of room, or stopped by the host's own time limit."""


_ROOM: Final = -(1 << 16)
"""What a large transaction may keep in memory, in KiB: enough for the pages of about 60,000 accounts."""

_LOGGED: Final = 20_000
"""Pages in the log before they are copied into the file: as many as there is room for, and a few more."""

_DUPLICATES: Final = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")


class SQLite(Dialect):
    """SQLite: one writer at a time, types by affinity."""

    # A deferred transaction that writes after reading fails at once when another wrote meanwhile; this one waits.
    begin = "BEGIN IMMEDIATE"
    serial_writes = True
    at_once = 16_000
    adds_constraints = False
    identity = "INTEGER PRIMARY KEY AUTOINCREMENT"
    integer = "INTEGER"
    keyed_table_options = " WITHOUT ROWID"
    paramstyle = "named"
    # A transaction that has written is the only writer; one that has read an older state cannot write at all.
    lock = ""

    def declare_text(self, length: int) -> str:
        """Return the type of text; SQLite keeps no lengths."""
        return "TEXT COLLATE BINARY"

    def place_index(self, schema: str, table: str, index: str) -> str:
        """Return the index with its schema, an attached file, and the table without one."""
        return f"{schema}.{index} ON {table}"

    def set_durability_sql(self, *, durable: bool) -> str | None:
        """Return the statement that has a commit wait for the disk, or not."""
        return f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}"

    def leave_transactions(self, connection: Any) -> Callable[[], None]:
        """Have the driver begin no transactions."""
        if getattr(connection, "autocommit", None) is False:
            raise ConfigurationError("connect", "leave out autocommit=False; the store begins its own transactions")
        was = connection.isolation_level
        connection.isolation_level = None

        def undo() -> None:
            connection.isolation_level = was

        return undo

    def settle(self, statements: Statements, connection: Any) -> bool:
        """Limit how long it waits for another writer, if its own limit is a longer one."""
        longest = round(self.timeouts.lock.total_seconds() * 1000)
        ((waits,),) = statements.execute("PRAGMA busy_timeout", {})[0]
        if waits > longest:
            statements.execute(f"PRAGMA busy_timeout = {longest}", {})
        return True

    @contextmanager
    def room_for(self, statements: Statements, changes: int) -> Iterator[None]:
        """Keep what is changed in memory until COMMIT, and have the log hold all of it."""
        if changes <= Dialect.at_once:
            yield
            return
        # Words, names and user names are in no order, so many additions touch nearly every page. Out of the box there
        # is room for 2 MB: the rest would be written to the log several times, and from there into the file as often.
        room = {"cache_size": _ROOM, "wal_autocheckpoint": _LOGGED}
        was = {name: statements.execute(f"PRAGMA {name}", {})[0][0][0] for name in room}
        for name, value in room.items():
            statements.execute(f"PRAGMA {name} = {value}", {})
        yield
        # Of those that fail the connection is closed. What is committed is not undone by what fails here.
        with suppress(DatabaseFailure):
            for name, value in was.items():
                statements.execute(f"PRAGMA {name} = {value}", {})

    @contextmanager
    def hurried(self, statements: Statements) -> Iterator[Callable[[str], str]]:
        """Set the time-out, and put the old one back: the connection may be one of the host's pool."""
        ((waits,),) = statements.execute("PRAGMA busy_timeout", {})[0]
        statements.execute("PRAGMA busy_timeout = 0", {})
        try:
            yield str
        finally:
            statements.execute(f"PRAGMA busy_timeout = {waits}", {})

    def join(self, statements: Statements, cursor: Any) -> None:
        """Begin a transaction where the driver would, but before our savepoint."""
        connection: Any = getattr(cursor, "connection", None)
        if not hasattr(connection, "in_transaction"):
            raise ConfigurationError(
                "cursor", "pass cursors that know their sqlite3 connection: it knows whether a transaction has begun"
            )
        if connection.in_transaction:
            return
        # From Python 3.12 on there is another way to have none, in which the connection's own commit does nothing.
        if connection.isolation_level is None or getattr(connection, "autocommit", None) is True:
            raise DatabaseFailure(FailureKind.OTHER, "no_transaction")
        # The driver would begin one at the first INSERT, after our savepoint: whose release would be a commit.
        statements.execute(self.begin, {})

    def classify(self, error: BaseException) -> DatabaseFailure:
        """Return what the name of the result code means."""
        cause = find_driver_error(error, "sqlite_errorname")
        code = getattr(cause, "sqlite_errorname", None)
        if code is None:
            return classify_other(cause, type(cause).__name__)  # A database that is a file has nobody to be away.
        # Some drivers tell the general code only. The text is looked at, and goes no further (R14).
        text = str(cause)
        if code in _DUPLICATES or (code == "SQLITE_CONSTRAINT" and text.startswith("UNIQUE ")):
            return DatabaseFailure(FailureKind.DUPLICATE, code)
        if code == "SQLITE_ERROR" and text.startswith("no such table"):
            return DatabaseFailure(FailureKind.NO_TABLE, "no_such_table")
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return DatabaseFailure(FailureKind.RETRYABLE, code)
        if code.startswith(_UNAVAILABLE):
            return DatabaseFailure(FailureKind.UNAVAILABLE, code)
        return classify_other(cause, code)
