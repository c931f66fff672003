"""Say the few things that databases and their drivers say differently."""

from __future__ import annotations

from typing import Any, Final, Protocol

from ..exceptions import ConfigurationError
from ._port import DatabaseFailure, FailureKind, Statements

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


class Dialect(Protocol):
    """**Protocol:** One database behind one style of drivers."""

    @property
    def begin(self) -> str:
        """The statement that begins a transaction which will write."""
        ...

    @property
    def relaxation(self) -> str | None:
        """The statement that gives a transaction begun by somebody else the level of *begin*, or None without one."""
        ...

    @property
    def strictness(self) -> str | None:
        """The code of the failure that only a level stricter than that of *begin* has, or None without one."""
        ...

    @property
    def serial_writes(self) -> bool:
        """Whether writers of one process should queue here, because the database would let them poll instead."""
        ...

    @property
    def creation_commits(self) -> bool:
        """Whether CREATE TABLE commits the transaction around it."""
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

    @property
    def paramstyle(self) -> str:
        """How its driver marks parameters, in the words of PEP 249."""
        ...

    @property
    def lock(self) -> str:
        """What follows a SELECT that must see what is committed, and keep it so until its transaction ends."""
        ...

    def limited(self, sql: str) -> str:
        """Return a SELECT of no more than ``:limit`` rows."""
        ...

    def exact(self, column: str) -> str:
        """Return the column so that it is compared code point by code point with a column of somebody else's table."""
        ...

    def quoted(self, name: str) -> str:
        """Return a name of somebody else's table or column as it is, whatever characters it has."""
        ...

    def upsert(self, keys: str, assignments: str) -> str:
        """Return the clause after an INSERT that makes the *assignments* if the row of *keys* is already there."""
        ...

    def after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        """Return the condition that a pair of columns sorts behind a pair of parameters, so that an index serves it."""
        ...

    def index_on(self, schema: str, table: str, index: str) -> str:
        """Return an index and its table as CREATE INDEX takes them, where both are in a schema that is named."""
        ...

    def pinned(self, column: str, parameter: str) -> str:
        """Return the condition that a column which leads the order equals a parameter, so that an index serves both."""
        ...

    def prepare(self, connection: Any) -> None:  # Any: connections of PEP 249 have no common type.
        """Make a new connection leave transactions to our own BEGIN and COMMIT."""
        ...

    def join(self, statements: Statements, connection: Any) -> None:
        """
        Make sure that what is written next belongs to a transaction that the connection's owner will end.

        Raises:
            DatabaseFailure: There is none, and each statement would be committed by itself.
        """
        ...

    def durability(self, *, durable: bool) -> str | None:
        """Return the statement that sets how much a commit survives, or None if that is for the database's owner."""
        ...

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        """Return what a driver's error means, and its code."""
        ...


class _Standard:
    begin = "BEGIN"
    relaxation: str | None = None
    strictness: str | None = None
    serial_writes = False
    creation_commits = False
    integer = "BIGINT"
    table_options = ""
    paramstyle = "pyformat"
    lock = " FOR UPDATE"

    def limited(self, sql: str) -> str:
        return f"{sql} LIMIT :limit"

    def exact(self, column: str) -> str:
        return column

    def quoted(self, name: str) -> str:
        doubled = name.replace('"', '""')
        return f'"{doubled}"'

    def upsert(self, keys: str, assignments: str) -> str:
        return f"ON CONFLICT ({keys}) DO UPDATE SET {assignments}"

    def after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        return f"({', '.join(columns)}) > (:{parameters[0]}, :{parameters[1]})"

    def index_on(self, schema: str, table: str, index: str) -> str:
        return f"{index} ON {schema}.{table}"

    def pinned(self, column: str, parameter: str) -> str:
        return f"{column} = :{parameter}"

    def durability(self, *, durable: bool) -> str | None:
        return None


class SQLite(_Standard):
    """SQLite through the standard library's driver."""

    # A deferred transaction that writes after reading fails at once when another wrote meanwhile; this one waits.
    begin = "BEGIN IMMEDIATE"
    serial_writes = True
    identity = "INTEGER PRIMARY KEY AUTOINCREMENT"
    integer = "INTEGER"
    paramstyle = "named"
    # A transaction that has written is the only one that writes; one that read an older state cannot write at all.
    lock = ""

    def text(self, length: int) -> str:
        return "TEXT COLLATE BINARY"

    def index_on(self, schema: str, table: str, index: str) -> str:
        # The schema, an attached file, is said of the index.
        return f"{schema}.{index} ON {table}"

    def prepare(self, connection: Any) -> None:
        if getattr(connection, "autocommit", None) is False:
            raise ConfigurationError("connect", "leave out autocommit=False; the store begins its own transactions")
        connection.isolation_level = None

    def join(self, statements: Statements, connection: Any) -> None:
        if not hasattr(connection, "in_transaction"):
            raise ConfigurationError("cursor", "let it have its sqlite3 connection: that tells whether one has begun")
        if connection.in_transaction:
            return
        # From Python 3.12 on there is another way to have none, in which the connection's own commit does nothing.
        if connection.isolation_level is None or getattr(connection, "autocommit", None) is True:
            raise DatabaseFailure(FailureKind.OTHER, "no_transaction")
        # The driver would begin one at the first INSERT, after our savepoint: whose release would be a commit.
        statements.execute(self.begin, {})

    def durability(self, *, durable: bool) -> str | None:
        return f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}"

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        cause = _original(error, "sqlite_errorname")
        code = getattr(cause, "sqlite_errorname", None) or type(cause).__name__
        if code in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
            return FailureKind.DUPLICATE, code
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return FailureKind.RETRYABLE, code
        if code.startswith(_SQLITE_UNAVAILABLE):
            return FailureKind.UNAVAILABLE, code
        return _other(cause, code)


class PostgreSQL(_Standard):
    """PostgreSQL through psycopg."""

    identity = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"

    # Each change compares its version, which is all that it needs. At a stricter level of the host's, of many who
    # change one row at once all but one would begin anew, again and again.
    begin = "BEGIN ISOLATION LEVEL READ COMMITTED"
    relaxation = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
    strictness = "40001"  # Serialization failure.

    def exact(self, column: str) -> str:
        # Of two columns that have a collation of their own each, it cannot tell by which to compare.
        return f'{column} COLLATE "C"'

    def text(self, length: int) -> str:
        # "C" compares bytes, and the bytes of UTF-8 sort as code points do.
        return f'VARCHAR({length}) COLLATE "C"'

    def prepare(self, connection: Any) -> None:
        connection.autocommit = True

    def join(self, statements: Statements, connection: Any) -> None:
        """Nothing: outside a transaction, PostgreSQL refuses the savepoint that comes next."""

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        cause = _original(error, "sqlstate", "pgcode")
        code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""
        if code == "23505":  # Unique violation.
            return FailureKind.DUPLICATE, code
        if code == "25P01":  # A savepoint outside a transaction.
            return FailureKind.OTHER, "no_transaction"
        # Serialization failure, deadlock, lock not available.
        if code in ("40001", "40P01", "55P03"):
            return FailureKind.RETRYABLE, code
        if code.startswith(_POSTGRESQL_UNAVAILABLE):
            return FailureKind.UNAVAILABLE, code
        if not code and type(cause).__name__ in ("OperationalError", "InterfaceError"):
            return FailureKind.UNAVAILABLE, type(cause).__name__
        return _other(cause, code or type(cause).__name__)


class MariaDB(_Standard):
    """MariaDB through PyMySQL."""

    creation_commits = True
    identity = "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"
    table_options = " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

    def text(self, length: int) -> str:
        # Every other collation folds something; even utf8mb4_bin drops trailing blanks when it compares.
        return f"VARCHAR({length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

    def exact(self, column: str) -> str:
        # Said of one side, it holds for both; unsaid, two columns of different collations cannot be compared at all.
        return f"{column} COLLATE utf8mb4_nopad_bin"

    def quoted(self, name: str) -> str:
        doubled = name.replace("`", "``")
        return f"`{doubled}`"

    def upsert(self, keys: str, assignments: str) -> str:
        return f"ON DUPLICATE KEY UPDATE {assignments}"

    def after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        # Pairs are compared, but not looked up in an index; this form is.
        (first, second), (key, tie) = columns, parameters
        return f"({first} > :{key} OR ({first} = :{key} AND {second} > :{tie}))"

    def pinned(self, column: str, parameter: str) -> str:
        # Told that a column equals a value, it forgets that it sorts by it, and then either walks the index of all
        # states or enters the right one where the state begins and reads up to the page: 0.1 s at a million accounts.
        # Told a range of one value it keeps the order, and only the index of that order serves it, entered at the page.
        return f"{column} >= :{parameter} AND {column} <= :{parameter}"

    def prepare(self, connection: Any) -> None:
        connection.autocommit(True)
        with connection.cursor() as cursor:
            # Without a strict mode, what is too long is cut and stored.
            cursor.execute("SET SESSION sql_mode = 'TRADITIONAL,NO_BACKSLASH_ESCAPES'")

    def join(self, statements: Statements, connection: Any) -> None:
        # Outside a transaction a savepoint means nothing to it, and is no error either.
        ((in_transaction,),) = statements.execute("SELECT @@autocommit = 0 OR @@in_transaction", {})[0]
        if not in_transaction:
            raise DatabaseFailure(FailureKind.OTHER, "no_transaction")

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


def _original(error: BaseException, *attributes: str) -> BaseException:
    # Django raises an error of its own from the driver's, which has the code.
    while error.__cause__ is not None and not any(hasattr(error, attribute) for attribute in attributes):
        error = error.__cause__
    return error


def _other(error: BaseException, code: str) -> tuple[FailureKind, str]:
    # A refused or reset connection may come out of a driver as what the operating system said.
    return (FailureKind.UNAVAILABLE if isinstance(error, OSError) else FailureKind.OTHER), code
