"""Keep accounts in a database that SQLAlchemy reaches; needs the extra ``sqlalchemy``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final

from ..exceptions import ConfigurationError, MissingDependencyError
from ..protocols import Clock, utc_now
from ._contact_source import ContactSource, Select, checked_columns
from ._dialects import Dialect, dialect_named
from ._port import Port
from ._schema import layout_of
from ._sql import SQLAccountStore
from ._sql_counter import SQLAttemptCounter
from ._sqlalchemy_port import BorrowedConnectionPort, EnginePort
from ._sqlalchemy_tables import table_of
from .host_contacts import Columns

try:
    import sqlalchemy
except ImportError:
    raise MissingDependencyError("sqlalchemy") from None

from sqlalchemy import Connection, Engine, FromClause, MetaData
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import NullType, TypeEngine

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, scoped_session

    Bind = Engine | Connection | Session | scoped_session[Any]

_DIALECTS: Final = {"sqlite": "sqlite", "postgresql": "postgresql", "mariadb": "mariadb", "mysql": "mariadb"}
"""What SQLAlchemy calls a database, and what it is called here. A MariaDB may be reached as a "mysql" too."""


class SQLAlchemyAccountStore(SQLAccountStore):
    """
    An `AccountStore` and `AuditSink` in tables of its own, over SQLAlchemy 2.0 or 2.1.

    Given an engine, the store owns short transactions on connections of its pool. Given a connection or a session, it
    works in the host's transaction (R20): it never commits and never rolls back, the host's rollback undoes what was
    written together with its audit events, and a lost conflict comes out as `TransactionAborted`, for the host to run
    its transaction again. What must be committed by itself is then not to be had: no `counter`, and no setting of many
    passwords. A hook that is told of a change is told when it is written; that it is committed only the host knows.

    Texts and parameters of statements reach neither errors nor the log of an engine that echoes (R14).

    Args:
        bind: An `Engine`; or a `Connection`, a `Session` or a `scoped_session`, such as Flask-SQLAlchemy's
            ``db.session``.
        tenant: Which portal's accounts, as at most 64 printable ASCII characters. It is in every key, so that several
            portals share the tables without seeing each other.
        prefix: What the tables' names begin with, as small ASCII letters, digits and underscores.
        schema: The schema that the tables are in; None for the connection's own.
        contacts: The host's own contacts, from which names are read and to which nothing is written: a mapped class, a
            `Table`, a view or a ``select()``, or the name of one. Our table then notes names only to sort and filter
            by; see `note_names`.
        columns: What the columns of *contacts*, or the attributes of the mapped class, are called, where that differs
            from `Columns`.
        scope: A ``select()`` of the contact ids, as text, that the store is opened for, such as those of one school.
            Beyond it nothing is there: what is looked for is not found, and what is to be added is stale.
        bind_arguments: What `Session.connection` is given to choose among several databases.

    Raises:
        ConfigurationError: An argument cannot be used, or *contacts* lack a column.
        StoreUnavailableError: There are *contacts*, and the database cannot be reached to look at them.
    """

    def __init__(
        self,
        bind: Bind,
        *,
        tenant: str = "",
        prefix: str = "portal_",
        schema: str | None = None,
        contacts: str | FromClause | sqlalchemy.SelectBase | type[Any] | None = None,
        columns: Columns | None = None,
        scope: str | sqlalchemy.SelectBase | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        port, dialect, compiled = _reached(bind, dict(bind_arguments or {}))
        super().__init__(
            port,
            dialect,
            layout_of(prefix, schema),
            tenant=tenant,
            contacts=_source(contacts, checked_columns(columns, contacts), dialect, compiled),
            scope=_scope(scope, compiled),
        )

    def counter(self, *, clock: Clock = utc_now) -> SQLAttemptCounter:
        """
        Return an `AttemptCounter` in the same database, on connections of the same engine.

        Args:
            clock: Tells when windows end.

        Raises:
            ConfigurationError: The store works in the host's transactions.
        """
        return SQLAttemptCounter(
            self._port, self._dialect, self._layout.attempts, tenant=self._view.tenant, clock=clock
        )


class SQLAlchemyAttemptCounter(SQLAttemptCounter):
    """
    An `AttemptCounter` in a table of its own: for a portal whose accounts are elsewhere, or in the host's transactions.

    Args:
        engine: The engine. A connection or a session would not do: each count is committed at once (R9).
        tenant: Which portal's counts; it is in every key.
        prefix: What the table's name begins with.
        schema: The schema that the table is in.
        clock: Tells when windows end.

    Raises:
        ConfigurationError: An argument cannot be used.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tenant: str = "",
        prefix: str = "portal_",
        schema: str | None = None,
        clock: Clock = utc_now,
    ) -> None:
        port, dialect, _ = _reached(engine, {})
        super().__init__(port, dialect, layout_of(prefix, schema).attempts, tenant=tenant, clock=clock)


def accounts_table(
    metadata: MetaData, *, prefix: str = "portal_", schema: str | None = None, nulls_are_equal: bool = False
) -> sqlalchemy.Table:
    """
    Return the table of accounts, with its keys, checks and indexes, as part of the host's own metadata.

    Nothing is created: that is for ``metadata.create_all`` or a migration. Only types of SQLAlchemy's own are used, so
    that a migration made from it runs without this library.

    Args:
        metadata: The host's metadata.
        prefix: What the table's name begins with, as for `SQLAlchemyAccountStore`.
        schema: The schema that it is in.
        nulls_are_equal: Whether the database takes two NULLs for the same, as SQL Server and Oracle do: the user name
            is then kept unique by an index that leaves out who has none.

    Raises:
        ConfigurationError: The prefix or the schema cannot be part of a name.
    """
    return table_of(layout_of(prefix, schema).accounts, metadata, nulls_are_equal=nulls_are_equal)


def audit_events_table(metadata: MetaData, *, prefix: str = "portal_", schema: str | None = None) -> sqlalchemy.Table:
    """Return the table of audit events as part of the host's own metadata; see `accounts_table`."""
    return table_of(layout_of(prefix, schema).events, metadata, nulls_are_equal=False)


def attempts_table(metadata: MetaData, *, prefix: str = "portal_", schema: str | None = None) -> sqlalchemy.Table:
    """Return the table of counted attempts as part of the host's own metadata; see `accounts_table`."""
    return table_of(layout_of(prefix, schema).attempts, metadata, nulls_are_equal=False)


_NAME: Final = r"""'[^']*'|"[^"]*"|`[^`]*`|(?<![:\w]):({})(?!\w)"""
"""A parameter of a compiled statement; quoted text is passed over."""

_Compile = Callable[["sqlalchemy.SelectBase", str], Select]


def _reached(bind: Any, bind_arguments: dict[str, Any]) -> tuple[Port, Dialect, _Compile]:
    port: Port
    if isinstance(bind, Engine):
        spoken = bind.dialect
        dialect = _dialect(spoken.name)
        port = EnginePort(bind, dialect)
    elif isinstance(bind, Connection):
        spoken = bind.dialect
        dialect = _dialect(spoken.name)
        port = BorrowedConnectionPort(lambda: bind, dialect)
    elif _is_session(bind):
        spoken = _dialect_of_session(bind, bind_arguments)
        dialect = _dialect(spoken.name)
        # A copy each time: the session takes what it needs out of it.
        port = BorrowedConnectionPort(lambda: bind.connection(bind_arguments=dict(bind_arguments)), dialect)
    else:
        raise ConfigurationError("bind", "pass an Engine; or a Connection, a Session or a scoped_session")
    return port, dialect, lambda select, argument: _compiled(select, spoken, argument)


def _is_session(bind: Any) -> bool:
    # Or what stands for the session of the moment. Asked by its methods: importing the ORM is slow.
    connection = getattr(bind, "connection", None)
    return callable(getattr(bind, "get_bind", None)) and callable(connection) and not iscoroutinefunction(connection)


def _dialect_of_session(bind: Any, bind_arguments: dict[str, Any]) -> sqlalchemy.Dialect:
    try:
        dialect: sqlalchemy.Dialect = bind.get_bind(**bind_arguments).dialect
    except SQLAlchemyError:
        pass
    else:
        return dialect
    raise ConfigurationError("bind_arguments", "say which of the session's databases, such as {'mapper': Guardian}")


def _dialect(name: str) -> Dialect:
    if name not in _DIALECTS:
        raise ConfigurationError("bind", f"pass an engine for one of: {', '.join(_DIALECTS)}")
    return dialect_named(_DIALECTS[name])


def _compiled(select: sqlalchemy.SelectBase, spoken: sqlalchemy.Dialect, argument: str) -> Select:
    """Return the text of a select, and its values as the driver takes them."""
    kind: Callable[..., sqlalchemy.Dialect] = type(spoken)
    named = kind(paramstyle="named", dbapi=getattr(spoken, "dbapi", None))
    try:
        statement = select.compile(dialect=named)
        expanded = statement.construct_expanded_state()
        processors = dict(expanded.processors)
        for name, bound in statement.binds.items():
            processor = bound.type.dialect_impl(named).bind_processor(named)
            if processor is not None and not bound.expanding:
                processors[statement.escaped_bind_names.get(name, name)] = processor
        values = {
            name: processors[name](value) if name in processors else value
            for name, value in expanded.parameters.items()
        }
    except SQLAlchemyError:
        pass
    else:
        # Under names of our own: theirs come from those of columns, and may have any characters.
        ours = {name: f"p{number}" for number, name in enumerate(values)}
        mark = re.compile(_NAME.format("|".join(sorted(map(re.escape, ours), key=len, reverse=True))))
        sql = mark.sub(lambda found: f":{ours[found[1]]}" if found[1] else found[0], expanded.statement)
        return Select(sql=sql, parameters={ours[name]: value for name, value in values.items()})
    raise ConfigurationError(argument, "pass a select() whose parameters all have values")


def _scope(scope: Any, compiled: _Compile) -> Select | None:
    if scope is None or isinstance(scope, str):
        return None if scope is None else Select(sql=scope)
    if not isinstance(scope, sqlalchemy.SelectBase):
        raise ConfigurationError("scope", "pass a select() of contact ids, or its text")
    (selected, *others) = scope.selected_columns
    if isinstance(selected.type, sqlalchemy.Integer) and not others:
        # Our ids are text. Databases that compare text with numbers take "007" for 7.
        (selected,) = scope.subquery().c
        scope = sqlalchemy.select(sqlalchemy.cast(selected, sqlalchemy.String))
    return compiled(scope, "scope")


def _source(contacts: Any, columns: Columns, dialect: Dialect, compiled: _Compile) -> ContactSource | None:
    if contacts is None:
        return None
    if isinstance(contacts, str):
        return ContactSource(contacts, columns, dialect)
    named = {"contact_id": columns.contact_id, "first_name": columns.first_name, "last_name": columns.last_name}
    if columns.email is not None:
        named["email"] = columns.email
    if isinstance(contacts, sqlalchemy.SelectBase):
        contacts = contacts.subquery()
    found: dict[str, Any] = {
        ours: contacts.c.get(theirs) if isinstance(contacts, FromClause) else getattr(contacts, theirs, None)
        for ours, theirs in named.items()
    }
    missing = [named[ours] for ours, column in found.items() if not isinstance(_type(column), TypeEngine)]
    if missing:
        raise ConfigurationError("columns", f"the host's contacts have no column {', '.join(missing)}")
    converted = [named[ours] for ours, column in found.items() if _converts(column.type)]
    if converted:
        raise ConfigurationError(
            "columns",
            f"rows are read without SQLAlchemy's types, and that of {', '.join(converted)} makes something else of "
            "what the database has; pass a select() with a cast to String, or a view",
        )
    is_integer = isinstance(found["contact_id"].type, sqlalchemy.Integer)
    return ContactSource(
        compiled(sqlalchemy.select(*(column.label(ours) for ours, column in found.items())), "contacts"),
        Columns(
            email=None if columns.email is None else "email",
            contact_id_type="integer" if is_integer else columns.contact_id_type,
        ),
        dialect,
    )


def _type(column: Any) -> Any:
    # A relationship has none, and neither has a property of Python's.
    return getattr(column, "type", None)


def _converts(type_: TypeEngine[Any]) -> bool:
    plain = isinstance(type_, sqlalchemy.String | sqlalchemy.Integer | NullType)
    return not plain or isinstance(type_, sqlalchemy.Enum)
