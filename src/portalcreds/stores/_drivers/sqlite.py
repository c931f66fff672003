"""SQLite through the standard library's driver, or another that was made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


_DUPLICATES: Final = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")


class SQLite(Dialect):
    """SQLite: one writer at a time, types by affinity."""

    # A deferred transaction that writes after reading fails at once when another wrote meanwhile; this one waits.
    begin = "BEGIN IMMEDIATE"
    serial_writes = True
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
