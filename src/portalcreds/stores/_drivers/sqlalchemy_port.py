"""
Reach a database through SQLAlchemy; needs the extra ``sqlalchemy``.

SQLAlchemy lends the connection, begins and commits. The statements run on the driver's own cursors, so that an engine
that echoes logs neither them nor their parameters (R14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from ...exceptions import ConfigurationError, MissingDependencyError, PortalCredsError
from .borrowed_cursor import BorrowedCursorPort
from .cursors import CursorStatements
from .dialect import Dialect
from .outage import Outage
from .paramstyle import ParamStyle
from .port import DatabaseFailure, FailureKind
from .write_queue import WriteQueue

try:
    from sqlalchemy import Connection, Engine
except ImportError:
    raise MissingDependencyError("sqlalchemy") from None

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import SingletonThreadPool, StaticPool

_OWN_CONNECTIONS: Final = "let each have its own, as a QueuePool or a NullPool does; SQLite needs a file for that"

_AUTOCOMMIT: Final = "pass an engine without AUTOCOMMIT: a change and its audit event must commit together"


def refuse_engine(engine: Engine) -> None:
    """
    Refuse an engine that our transactions cannot be run on.

    Raises:
        ConfigurationError: Its pool shares a connection, or an option changes what a statement means.
    """
    refuse_pool(engine)
    if isinstance(engine.pool, SingletonThreadPool):
        # It hands a thread that is in a transaction of the host's the connection of that, for us to commit.
        raise ConfigurationError("bind", f"SingletonThreadPool lends a thread one connection; {_OWN_CONNECTIONS}")
    refuse_options(engine)
    options = engine.get_execution_options()
    level = str(options.get("isolation_level", "")).upper().replace("_", " ")
    if level == "READ UNCOMMITTED":
        raise ConfigurationError("bind", "pass an engine without READ UNCOMMITTED: what is undone would be believed")
    if options.get("postgresql_readonly"):
        raise ConfigurationError("bind", "pass an engine without postgresql_readonly: the store writes")


def refuse_pool(engine: Engine) -> None:
    """
    Refuse a pool that lends one connection to all: what one commits or undoes, it does for the others too.

    Raises:
        ConfigurationError: It is one.
    """
    if isinstance(engine.pool, StaticPool):
        raise ConfigurationError("bind", f"StaticPool lends one connection to all; {_OWN_CONNECTIONS}")


def refuse_options(bind: Engine | Connection) -> None:
    """
    Refuse an option that changes what a statement means: ours are run without SQLAlchemy, and it would be ignored.

    Raises:
        ConfigurationError: There is one.
    """
    translated = bind.get_execution_options().get("schema_translate_map")
    if translated and any(named != meant for named, meant in translated.items()):
        raise ConfigurationError(
            "bind", "leave out schema_translate_map, which is not applied here; say Tables(schema=…) instead"
        )


class EnginePort:
    """
    A `Port` over an engine of the host's: connections of its pool, and short transactions of our own on them.

    Args:
        engine: The engine.
        dialect: What is said differently by its database.
    """

    is_borrowed = False
    at_once = Dialect.at_once

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        self._engine = engine
        self._dialect = dialect
        self._style = ParamStyle(engine.dialect.paramstyle)
        self._queue = WriteQueue(serial=dialect.serial_writes, patience=dialect.timeouts.lock)
        self._outage = Outage(dialect.timeouts.outage)
        self._relaxation = dialect.relaxation
        self._in_use: dict[int, object] = {}

    @contextmanager
    def reading(self) -> Iterator[CursorStatements]:
        """Lend statements that only read."""
        with self._connected() as (_, statements):
            limits = self._dialect.limit_transaction_sql()
            if limits is not None:
                statements.execute(limits, {})
            yield statements

    @contextmanager
    def transaction(self, *, durable: bool = True, changes: int = 1) -> Iterator[CursorStatements]:
        """Lend statements that are committed together when the block ends, or undone together when it raises."""
        with self._queue.turn(), self._connected() as (connection, statements):
            raw = connection.connection.dbapi_connection
            if _commits_by_itself(raw):
                raise ConfigurationError("bind", _AUTOCOMMIT)
            if self._dialect.serial_writes and not getattr(raw, "in_transaction", True):
                # The driver would begin one that reads first and may then not be allowed to write.
                statements.execute(self._dialect.begin, {})
            self._set_terms(statements)
            yield statements
            self._commit(connection)

    def _set_terms(self, statements: CursorStatements) -> None:
        """Set the level and the time-outs of a transaction that the driver began, in one journey."""
        limits = self._dialect.limit_transaction_sql()
        if limits is None:
            return
        if self._relaxation is None:
            statements.execute(limits, {})
            return
        try:
            statements.execute(f"{self._relaxation}; {limits}", {})
        except DatabaseFailure as failure:
            if failure.kind == FailureKind.OTHER:
                # A hook of the host's has already asked something, and then it is too late to set the level. This
                # transaction is spoilt; the next keeps the host's own level.
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
    def _connected(self) -> Iterator[tuple[Connection, CursorStatements]]:
        try:
            with _converted(self._dialect):
                connection = self._engine.connect()
            try:
                refuse_options(connection)
                with _converted(self._dialect):
                    cursor = _begin(connection)
                with self._claimed(connection), _telling_sqlalchemy(lambda: connection):
                    yield connection, CursorStatements(cursor, self._dialect, self._style, is_limited=True)
            finally:
                # Rolls back what was not committed. A connection that cannot even do that is dropped by the pool.
                with suppress(Exception):
                    connection.close()
        except DatabaseFailure as failure:
            if failure.kind == FailureKind.UNAVAILABLE:
                failure.retry_until = self._outage.note()
            raise
        self._outage.end()

    @contextmanager
    def _claimed(self, connection: Connection) -> Iterator[None]:
        raw, claim = id(connection.connection.dbapi_connection), object()
        # In one step of the interpreter, because two threads may be handed the same one at once.
        if self._in_use.setdefault(raw, claim) is not claim:
            raise ConfigurationError("bind", f"its pool lends one connection to several at once; {_OWN_CONNECTIONS}")
        try:
            yield
        finally:
            del self._in_use[raw]


class BorrowedConnectionPort(BorrowedCursorPort):
    """
    A `Port` over a connection or a session of the host's.

    Args:
        connection: Returns the connection that the host's transaction runs on.
        dialect: What is said differently by its database.
        style: How its driver marks parameters.
    """

    def __init__(self, connection: Callable[[], Connection], dialect: Dialect, style: ParamStyle) -> None:
        def cursor() -> Any:
            with _converted(dialect):
                lent = connection()
                refuse_options(lent)
                return _begin(lent)()

        super().__init__(cursor, dialect, style)
        self._connection = connection

    @contextmanager
    def reading(self) -> Iterator[CursorStatements]:
        """Lend statements that only read."""
        with super().reading() as statements, _telling_sqlalchemy(self._connection):
            yield statements


def _begin(connection: Connection) -> Callable[[], Any]:
    """Begin a transaction if there is none, and return what returns the driver's cursors in it."""
    if not connection.in_transaction():
        # Through SQLAlchemy, so that an engine that says BEGIN by an event of its own, as for SQLite, has said it.
        connection.begin()
    return connection.connection.cursor


@contextmanager
def _telling_sqlalchemy(connection: Callable[[], Connection]) -> Iterator[None]:
    """If the database is lost, let SQLAlchemy find out too, so that it drops the connections that were made before."""
    try:
        yield
    except DatabaseFailure as failure:
        if failure.kind == FailureKind.UNAVAILABLE:
            # Any error: one that SQLAlchemy does not take for the driver's would get out with its text (R14).
            with suppress(Exception):
                connection().exec_driver_sql("SELECT 1")
        raise


@contextmanager
def _converted(dialect: Dialect) -> Iterator[None]:
    try:
        yield
        return
    except (DatabaseFailure, PortalCredsError):
        raise
    except PoolTimeoutError:
        failure = DatabaseFailure(FailureKind.UNAVAILABLE, "pool_timeout")
    except DBAPIError as error:
        failure = dialect.classify(error)
        if error.connection_invalidated:
            failure.kind = FailureKind.UNAVAILABLE
    except Exception as error:  # noqa: BLE001  A creator or a hook of the host's may fail in any way.
        failure = dialect.classify(error)
    # Raised outside the except clauses: the error's __context__ would carry statement and parameters along (R14).
    raise failure


def _commits_by_itself(raw: Any) -> bool:
    asked = getattr(raw, "get_autocommit", None)
    if callable(asked):
        return bool(asked())
    # To sqlite3 it is a connection that begins nothing, if nobody has begun anything on it yet.
    begins_nothing = getattr(raw, "isolation_level", "") is None and not getattr(raw, "in_transaction", True)
    return begins_nothing or getattr(raw, "autocommit", None) is True
