"""Keep accounts in a database that SQLAlchemy reaches; needs the extra ``sqlalchemy``."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final

from ..exceptions import ConfigurationError, MissingDependencyError
from ..protocols import Clock, utc_now
from ._drivers.dialect import Dialect
from ._drivers.dialects import get_dialect
from ._drivers.paramstyle import ParamStyle
from ._drivers.port import Port
from ._drivers.sqlalchemy_port import BorrowedConnectionPort, EnginePort, refuse_engine, refuse_options, refuse_pool
from ._sql.account_store import SQLAccountStore
from ._sql.attempt_counter import SQLAttemptCounter
from ._sql.schema import lay_out
from ._sql.sqlalchemy_selects import compile_contacts, compile_scope
from ._sql.sqlalchemy_tables import describe_table
from .host_contacts import HostContacts, HostSelect
from .tables import DEFAULT_TABLES, Tables
from .timeouts import DEFAULT_TIMEOUTS, Timeouts

try:
    import sqlalchemy
except ImportError:
    raise MissingDependencyError("sqlalchemy") from None

from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, scoped_session

    Bind = Engine | Connection | Session | scoped_session[Any]

_DIALECTS: Final = {"sqlite": "sqlite", "postgresql": "postgresql", "mariadb": "mariadb", "mysql": "mariadb"}
"""What SQLAlchemy calls a database, and what it is called here. A MariaDB may be reached as a "mysql" too."""


_ASYNC_DRIVERS: Final = ("asyncpg", "psycopg")
"""The drivers for asyncio whose transactions and errors we know, for a session in ``AsyncSession.run_sync``."""

_NOT_ASYNC: Final = (
    "pass an engine of create_engine(...), and call the services in a thread; or in ``await session.run_sync(work)`` "
    "the session that *work* is called with"
)
_UNKNOWN_ASYNC: Final = (
    "for asyncio, use asyncpg or psycopg; others, such as aiosqlite, do not say whether a transaction has begun: "
    "pass an engine of create_engine(...), and call the services in a thread"
)


class SQLAlchemyAccountStore(SQLAccountStore):
    """
    An `AccountStore` and `AuditSink` in tables of its own, over SQLAlchemy 2.0 or 2.1.

    Given an engine, the store owns short transactions on connections of its pool. Given a connection or a session, it
    works in the host's transaction (R20): it never commits and never rolls back, the host's rollback undoes what was
    written together with its audit events, and a lost conflict comes out as `TransactionAborted`, for the host to run
    its transaction again. What must be committed by itself is then refused: counters, and setting many passwords. A
    hook that is told of a change is told when it is written; that it is committed only the host knows.

    With asyncio, pass the session that ``AsyncSession.run_sync`` hands to its function, over asyncpg or psycopg.

    SQLAlchemy lends the connection, begins and commits, so hooks for these run. The statements run on the driver's own
    cursors: they and their parameters reach neither errors nor the log of an engine that echoes (R14), and hooks for
    statements, such as ``before_cursor_execute``, do not see them.

    Args:
        bind: An `Engine`; or a `Connection`, a `Session` or a `scoped_session`, such as Flask-SQLAlchemy's
            ``db.session``.
        tenant: Which portal's accounts, as at most 64 printable ASCII characters. It is in every key, so that several
            portals share the tables without seeing each other.
        tables: Where our tables are, if not under the usual names.
        contacts: The host's own contacts, from which names are read. Ours then note names only to find and
            sort people by; see `note_names`.
        scope: A ``select()`` of the contact ids, as text, that the store is opened for, such as those of one school.
            Outside it nothing is there: what is looked for is not found, and what is to be added is stale.
        bind_arguments: What `Session.connection` is given to choose among several databases.
        timeouts: How long it waits in transactions of its own, if not as usual.

    Raises:
        ConfigurationError: An argument cannot be used, or *contacts* lack a column.
        StoreUnavailableError: There are *contacts* or a *scope*, and the database cannot be reached to try them.
    """

    def __init__(
        self,
        bind: Bind,
        *,
        tenant: str = "",
        tables: Tables = DEFAULT_TABLES,
        contacts: HostContacts | None = None,
        scope: str | HostSelect | sqlalchemy.SelectBase | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        if bind_arguments is not None and not isinstance(bind_arguments, Mapping):
            raise ConfigurationError("bind_arguments", "pass a mapping, such as {'mapper': Guardian}, or None")
        port, dialect, spoken = _reach(bind, dict(bind_arguments or {}), timeouts)
        super().__init__(
            port,
            dialect,
            tables,
            tenant=tenant,
            contacts=None if contacts is None else compile_contacts(contacts, spoken),
            scope=compile_scope(scope, spoken),
        )


class SQLAlchemyAttemptCounter(SQLAttemptCounter):
    """
    An `AttemptCounter` in a table of its own: for a portal whose accounts are elsewhere, or in the host's transactions.

    Args:
        engine: The engine. A connection or a session would not do: each count is committed at once (R9).
        tenant: Which portal's counts; it is in every key.
        tables: Where the table is.
        timeouts: How long it waits, if not as usual.
        clock: Tells when windows end.

    Raises:
        ConfigurationError: An argument cannot be used.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tenant: str = "",
        tables: Tables = DEFAULT_TABLES,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        clock: Clock = utc_now,
    ) -> None:
        port, dialect, _ = _reach(engine, {}, timeouts)
        super().__init__(port, dialect, lay_out(tables).attempts, tenant=tenant, clock=clock)


def portal_tables(metadata: MetaData, tables: Tables = DEFAULT_TABLES) -> tuple[sqlalchemy.Table, ...]:
    """
    Return our tables, with their keys, checks and indexes, as part of the host's own metadata.

    Nothing is created: that is for ``metadata.create_all`` or a migration. Only types of SQLAlchemy's own are used, so
    that a migration made from them runs without this library.

    Args:
        metadata: The host's metadata.
        tables: Where the tables are, as for `SQLAlchemyAccountStore`.
    """
    return tuple(describe_table(table, metadata) for table in lay_out(tables))


def _reach(bind: Any, bind_arguments: dict[str, Any], timeouts: Timeouts) -> tuple[Port, Dialect, sqlalchemy.Dialect]:
    # By their module: importing SQLAlchemy's asyncio is slow.
    if any(kind.__module__.startswith("sqlalchemy.ext.asyncio") for kind in type(bind).__mro__):
        raise ConfigurationError("bind", _NOT_ASYNC)
    if isinstance(bind, Engine):
        if bind.dialect.is_async:
            raise ConfigurationError("bind", _NOT_ASYNC)
        refuse_engine(bind)
        dialect = _get_dialect(bind.dialect, timeouts)
        return EnginePort(bind, dialect), dialect, bind.dialect
    if isinstance(bind, Connection):
        bound: Engine | Connection = bind
        connection = lambda: bind  # noqa: E731  Two in a row read best so.
    elif _is_session(bind):
        bound = _find_bind_of_session(bind, bind_arguments)
        # A copy each time: the session takes what it needs out of it.
        connection = lambda: bind.connection(bind_arguments=dict(bind_arguments))  # noqa: E731  Two in a row read best so.
    else:
        raise ConfigurationError("bind", "pass an Engine; or a Connection, a Session or a scoped_session")
    if bound.dialect.is_async and bound.dialect.driver not in _ASYNC_DRIVERS:
        raise ConfigurationError("bind", _UNKNOWN_ASYNC)
    refuse_pool(bound.engine)
    refuse_options(bound)
    dialect = _get_dialect(bound.dialect, timeouts)
    return BorrowedConnectionPort(connection, dialect, ParamStyle(bound.dialect.paramstyle)), dialect, bound.dialect


def _is_session(bind: Any) -> bool:
    # Or what stands for the session of the moment. Asked by its methods: importing the ORM is slow.
    connection = getattr(bind, "connection", None)
    return callable(getattr(bind, "get_bind", None)) and callable(connection) and not iscoroutinefunction(connection)


def _find_bind_of_session(bind: Any, bind_arguments: dict[str, Any]) -> Engine | Connection:
    try:
        bound: Engine | Connection = bind.get_bind(**bind_arguments)
    except SQLAlchemyError:
        pass
    else:
        return bound
    raise ConfigurationError("bind_arguments", "say which of the session's databases, such as {'mapper': Guardian}")


def _get_dialect(spoken: sqlalchemy.Dialect, timeouts: Timeouts) -> Dialect:
    if spoken.name not in _DIALECTS:
        raise ConfigurationError("bind", f"pass an engine for one of: {', '.join(_DIALECTS)}")
    return get_dialect(_DIALECTS[spoken.name], timeouts)
