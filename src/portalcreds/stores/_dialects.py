"""Say the few things that databases and their drivers say differently."""

from __future__ import annotations

import re
from typing import Any, Final, Protocol

from ..exceptions import ConfigurationError
from ._port import FailureKind

_SQLITE_UNAVAILABLE: Final = (
    "SQLITE_CANTOPEN",
    "SQLITE_FULL",
    "SQLITE_INTERRUPT",
    "SQLITE_IOERR",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)
"""Beginnings of result codes: out of reach, short of room, or stopped by the host's own time limit."""

_POSTGRESQL_UNAVAILABLE: Final = (
    "08",  # Connection lost.
    "25006",  # A standby that only reads.
    "25P03",  # Idle in the transaction for too long.
    "25P04",  # The transaction took too long.
    "40003",  # Nobody knows whether the statement was completed.
    "53",  # Resources short: memory, disk, connections.
    "57",  # Cancelled, such as by a statement's time limit; shutting down, starting up, idle for too long.
    "58000",  # System error.
    "58030",  # Input or output failed.
)
"""SQLSTATEs, or the classes they begin with (PostgreSQL documentation, appendix A)."""

_MARIADB_UNAVAILABLE: Final = frozenset(
    (
        *(0, 1152, 1158, 1159, 1160, 1161, 1184, 1927),  # Connection closed, aborted, cut off between packets, killed.
        *(1042, 1043, 1047, 1053, 1129),  # Host not resolved, bad handshake, node not ready, shutting down, blocked.
        *(1040, 1135, 1203, 1226),  # Too many connections, no thread for one, a user's share of them spent.
        *(1021, 1037, 1041, 1114),  # Disk full, memory short, table full.
        *(1290, 1836),  # A server that only reads.
        *(1317, 1969),  # Interrupted, or stopped by a statement's time limit.
        1180,  # COMMIT failed.
    )
)
"""Error numbers (MariaDB documentation, error codes)."""

_PARAMETER: Final = re.compile(r":([a-z_][a-z0-9_]*)")


class Dialect(Protocol):
    """**Protocol:** One database behind one style of drivers."""

    @property
    def begin(self) -> str:
        """The statement that begins a transaction which will write."""
        ...

    @property
    def serial_writes(self) -> bool:
        """Whether writers of one process should queue here, because the database would let them poll instead."""
        ...

    @property
    def identity(self) -> str:
        """The type and key clause of a column that numbers rows in the order they were added."""
        ...

    @property
    def integer(self) -> str:
        """The type of a whole number of 64 bits."""
        ...

    @property
    def table_options(self) -> str:
        """What follows the column list of CREATE TABLE."""
        ...

    def text(self, length: int) -> str:
        """Return the type of text of *length* code points, compared and sorted by code point, blanks included."""
        ...

    def compiled(self, sql: str) -> str:
        """Return *sql* with ``:name`` parameters in the driver's style."""
        ...

    def upsert(self, keys: str, assignments: str) -> str:
        """Return the clause after an INSERT that makes the *assignments* if the row of *keys* is already there."""
        ...

    def after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        """Return the condition that a pair of columns sorts behind a pair of parameters, so that an index serves it."""
        ...

    def prepare(self, connection: Any) -> None:  # Any: connections of PEP 249 have no common type.
        """Make a new connection leave transactions to our own BEGIN and COMMIT."""
        ...

    def durability(self, *, durable: bool) -> str | None:
        """Return the statement that sets how much a commit survives, or None if that is for the database's owner."""
        ...

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        """Return what a driver's error means, and its code."""
        ...


class _Standard:
    begin = "BEGIN"
    serial_writes = False
    integer = "BIGINT"
    table_options = ""

    def upsert(self, keys: str, assignments: str) -> str:
        return f"ON CONFLICT ({keys}) DO UPDATE SET {assignments}"

    def after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        return f"({', '.join(columns)}) > (:{parameters[0]}, :{parameters[1]})"

    def compiled(self, sql: str) -> str:
        return _PARAMETER.sub(r"%(\1)s", sql)

    def durability(self, *, durable: bool) -> str | None:
        return None


class SQLite(_Standard):
    """SQLite through the standard library's driver."""

    # A deferred transaction that writes after reading fails at once when another wrote meanwhile; this one waits.
    begin = "BEGIN IMMEDIATE"
    serial_writes = True
    identity = "INTEGER PRIMARY KEY AUTOINCREMENT"
    integer = "INTEGER"

    def text(self, length: int) -> str:
        return "TEXT COLLATE BINARY"

    def compiled(self, sql: str) -> str:
        return sql

    def prepare(self, connection: Any) -> None:
        if getattr(connection, "autocommit", None) is False:
            raise ConfigurationError("connect", "leave out autocommit=False; the store begins its own transactions")
        connection.isolation_level = None

    def durability(self, *, durable: bool) -> str | None:
        return f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}"

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        code = getattr(error, "sqlite_errorname", None) or type(error).__name__
        if code in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
            return FailureKind.DUPLICATE, code
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return FailureKind.RETRYABLE, code
        if code.startswith(_SQLITE_UNAVAILABLE):
            return FailureKind.UNAVAILABLE, code
        return _other(error, code)


class PostgreSQL(_Standard):
    """PostgreSQL through psycopg."""

    identity = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"

    def text(self, length: int) -> str:
        # "C" compares bytes, and the bytes of UTF-8 sort as code points do.
        return f'VARCHAR({length}) COLLATE "C"'

    def prepare(self, connection: Any) -> None:
        connection.autocommit = True

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
        if code == "23505":  # Unique violation.
            return FailureKind.DUPLICATE, code
        # Serialization failure, deadlock, lock not available.
        if code in ("40001", "40P01", "55P03"):
            return FailureKind.RETRYABLE, code
        if code.startswith(_POSTGRESQL_UNAVAILABLE):
            return FailureKind.UNAVAILABLE, code
        if not code and type(error).__name__ in ("OperationalError", "InterfaceError"):
            return FailureKind.UNAVAILABLE, type(error).__name__
        return _other(error, code or type(error).__name__)


class MariaDB(_Standard):
    """MariaDB through PyMySQL."""

    identity = "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"
    table_options = " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

    def text(self, length: int) -> str:
        # Every other collation folds something; even utf8mb4_bin drops trailing blanks when it compares.
        return f"VARCHAR({length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

    def upsert(self, keys: str, assignments: str) -> str:
        return f"ON DUPLICATE KEY UPDATE {assignments}"

    def after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        # Pairs are compared, but not looked up in an index; this form is.
        (first, second), (key, tie) = columns, parameters
        return f"({first} > :{key} OR ({first} = :{key} AND {second} > :{tie}))"

    def prepare(self, connection: Any) -> None:
        connection.autocommit(True)
        with connection.cursor() as cursor:
            # Without a strict mode, what is too long is cut and stored.
            cursor.execute("SET SESSION sql_mode = 'TRADITIONAL,NO_BACKSLASH_ESCAPES'")

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else None
        code = type(error).__name__ if number is None else str(number)
        if number == 1062:  # Duplicate entry.
            return FailureKind.DUPLICATE, code
        if number in (1020, 1205, 1213):  # Record changed, lock wait timeout, deadlock.
            return FailureKind.RETRYABLE, code
        if number in _MARIADB_UNAVAILABLE or (number is not None and 2000 <= number < 3000):  # 2000s: the client's own.
            return FailureKind.UNAVAILABLE, code
        return _other(error, code)


def dialect_named(name: str) -> Dialect:
    """
    Return the dialect of that name.

    Raises:
        ConfigurationError: There is none.
    """
    dialects: dict[str, type[SQLite | PostgreSQL | MariaDB]] = {
        "sqlite": SQLite,
        "postgresql": PostgreSQL,
        "mariadb": MariaDB,
    }
    if name not in dialects:
        raise ConfigurationError("dialect", f"pass one of: {', '.join(dialects)}")
    return dialects[name]()


def _other(error: Exception, code: str) -> tuple[FailureKind, str]:
    # A refused or reset connection may come out of a driver as what the operating system said.
    return (FailureKind.UNAVAILABLE if isinstance(error, OSError) else FailureKind.OTHER), code
