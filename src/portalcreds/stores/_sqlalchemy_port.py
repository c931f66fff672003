"""Reach a database through SQLAlchemy; needs the extra ``sqlalchemy``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from ..exceptions import ConfigurationError, MissingDependencyError, PortalCredsError
from ._borrowed_cursor import tried_once
from ._dialects import Dialect
from ._port import DatabaseFailure, FailureKind
from ._savepoints import savepoint
from ._write_queue import WriteQueue

try:
    from sqlalchemy import Connection, Engine, TextClause, text
except ImportError:
    raise MissingDependencyError("sqlalchemy") from None

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_COLON: Final = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|(?<![:\w]):[A-Za-z_][A-Za-z0-9_]*|:""", re.ASCII)


class EnginePort:
    """
    A `Port` over an engine of the host's: connections of its pool, and short transactions of our own on them.

    Args:
        engine: The engine.
        dialect: What is said differently by its database.
    """

    is_borrowed = False

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        self._engine = engine
        self._dialect = dialect
        self._prepared: dict[str, TextClause] = {}
        self._queue = WriteQueue(serial=dialect.serial_writes)
        self._is_strict = False
        self._relaxation = dialect.relaxation

    @contextmanager
    def reading(self) -> Iterator[ConnectionStatements]:
        """Lend statements that only read."""
        with self._connected() as connection:
            yield ConnectionStatements(connection, self._dialect, self._prepared)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[ConnectionStatements]:
        """Lend statements that are committed together when the block ends, or undone together when it raises."""
        with self._queue.turn(), self._connected() as connection:
            with _converted(self._dialect):
                # Now, so that an engine that says BEGIN by an event of its own, as for SQLite, has said it.
                connection.begin()
                raw = _raw(connection)
            if _commits_by_itself(raw):
                raise ConfigurationError(
                    "bind", "pass an engine without AUTOCOMMIT: what belongs together must commit so"
                )
            statements = ConnectionStatements(connection, self._dialect, self._prepared)
            if self._dialect.serial_writes and not raw.in_transaction:
                # The driver would begin one that reads first and may then not be allowed to write.
                statements.execute(self._dialect.begin, {})
            if self._is_strict:
                self._relax(statements)
            try:
                yield statements
                self._commit(connection)
            except DatabaseFailure as failure:
                # The host's engine has a stricter level than is needed. Learnt from the first failure of its kind, so
                # that nobody else pays for a statement more.
                self._is_strict = self._is_strict or failure.code == self._dialect.strictness
                raise

    def _relax(self, statements: ConnectionStatements) -> None:
        relaxation = self._relaxation
        if relaxation is None:
            return
        try:
            statements.execute(relaxation, {})
        except DatabaseFailure as failure:
            if failure.kind == FailureKind.OTHER:
                # A hook of the host's has asked something by now, and then it is too late to say the level. The host's
                # own will have to do; this transaction is spoilt, and the next begins without.
                self._relaxation = None
                failure.kind = FailureKind.RETRYABLE
            raise

    def _commit(self, connection: Connection) -> None:
        try:
            with _converted(self._dialect):
                connection.commit()
        except DatabaseFailure as failure:
            failure.committing = True
            raise

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with _converted(self._dialect):
            connection = self._engine.connect()
        try:
            yield connection
        finally:
            # Rolls back what was not committed. A connection that cannot even do that is dropped by the pool.
            with suppress(SQLAlchemyError):
                connection.close()


class BorrowedConnectionPort:
    """
    A `Port` over a connection or a session of the host's: never commits, never rolls back further than its own work.

    Args:
        connection: Returns the connection that the host's transaction runs on.
        dialect: What is said differently by its database.
    """

    is_borrowed = True

    def __init__(self, connection: Callable[[], Connection], dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect
        self._prepared: dict[str, TextClause] = {}

    @contextmanager
    def reading(self) -> Iterator[ConnectionStatements]:
        """Lend statements that only read."""
        with tried_once():
            with _converted(self._dialect):
                connection = self._connection()
            yield ConnectionStatements(connection, self._dialect, self._prepared)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[ConnectionStatements]:
        """Lend statements that the host commits, and that are undone together when the block raises."""
        with self.reading() as statements:
            statements.join()
            # Whatever the host makes of our error, no hash is left without its audit event (R1).
            with savepoint(statements, "portal_work"):
                yield statements


class ConnectionStatements:
    """
    The statements of one transaction.

    Args:
        connection: The connection that it runs on.
        dialect: What is said differently by its database.
        prepared: Statements as SQLAlchemy takes them, kept by the port.
    """

    def __init__(self, connection: Connection, dialect: Dialect, prepared: dict[str, TextClause]) -> None:
        self._connection = connection
        self._dialect = dialect
        self._prepared = prepared

    def join(self) -> None:
        """Make sure that there is a transaction of the host's to take part in."""
        with _converted(self._dialect):
            if not self._connection.in_transaction():
                # Now, so that an engine that says BEGIN by an event of its own, as for SQLite, has said it.
                self._connection.begin()
            raw = _raw(self._connection)
        self._dialect.join(self, raw)

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> tuple[Sequence[Sequence[Any]], int]:
        """Return the rows, and the number of rows found or changed."""
        with _converted(self._dialect):
            result = self._connection.execute(self._text(sql), _masked(parameters))
            if not result.returns_rows or result.cursor is None:
                return (), result.rowcount
            # The driver's own rows: SQLAlchemy would log its own where an engine echoes for debugging (R14).
            rows = result.cursor.fetchall()
            result.close()
            return rows, len(rows)

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, object]], /) -> None:
        """Execute for each of the parameters."""
        with _converted(self._dialect):
            self._connection.execute(self._text(sql), [_masked(each) for each in parameters])

    def _text(self, sql: str) -> TextClause:
        prepared = self._prepared.get(sql)
        if prepared is None:
            prepared = self._prepared[sql] = text(_COLON.sub(_escaped, sql))
        return prepared


class _Masked(str):
    """Text that an engine which echoes writes to its log as stars (R14)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def _masked(parameters: Mapping[str, object]) -> dict[str, object]:
    return {name: _Masked(value) if isinstance(value, str) else value for name, value in parameters.items()}


def _escaped(match: re.Match[str]) -> str:
    # To SQLAlchemy every colon before a word marks a parameter, in quotes and in PostgreSQL's "::type" too.
    found = match[0]
    return found if found[0] == ":" and len(found) > 1 else found.replace(":", r"\:")


@contextmanager
def _converted(dialect: Dialect) -> Iterator[None]:
    # Raised outside the except clause: the error's __context__ would carry statement and parameters along (R14).
    try:
        yield
        return
    except DBAPIError as error:
        kind, code = (FailureKind.OTHER, type(error).__name__)
        if isinstance(error.orig, Exception):
            kind, code = dialect.failure(error.orig)
        if error.connection_invalidated:
            kind = FailureKind.UNAVAILABLE
    except PoolTimeoutError:
        kind, code = FailureKind.UNAVAILABLE, "pool_timeout"
    except SQLAlchemyError as error:
        kind, code = FailureKind.OTHER, type(error).__name__
    except (DatabaseFailure, PortalCredsError):
        raise
    except Exception as error:  # noqa: BLE001  A creator of the host's, or its hook, may fail in any way.
        kind, code = dialect.failure(error)
    raise DatabaseFailure(kind, code)


def _raw(connection: Connection) -> Any:  # Any: connections of PEP 249 have no common type.
    return connection.connection.dbapi_connection


def _commits_by_itself(raw: Any) -> bool:
    asked = getattr(raw, "get_autocommit", None)
    if callable(asked):
        return bool(asked())
    # To sqlite3 it is a connection that begins nothing, if by now nobody has begun anything on it.
    begins_nothing = getattr(raw, "isolation_level", "") is None and not getattr(raw, "in_transaction", True)
    return begins_nothing or getattr(raw, "autocommit", None) is True
