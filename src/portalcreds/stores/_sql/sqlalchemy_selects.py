"""Turn what SQLAlchemy selects from into text and values for a driver; needs the extra ``sqlalchemy``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ...exceptions import ConfigurationError, MissingDependencyError
from ..host_contacts import HostContacts, HostSelect

try:
    import sqlalchemy
except ImportError:
    raise MissingDependencyError("sqlalchemy") from None

from sqlalchemy import FromClause
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import NullType, TypeEngine

_NAME: Final = r"""'[^']*'|"[^"]*"|`[^`]*`|(?<![:\w]):({})(?!\w)"""
"""A parameter of a compiled statement; quoted text is passed over."""


def compile_scope(scope: Any, spoken: sqlalchemy.Dialect) -> str | HostSelect | None:
    """
    Return the select of a scope as a driver takes it.

    Raises:
        ConfigurationError: It is no select of contact ids, or lacks the value of a parameter.
    """
    if scope is None or isinstance(scope, str | HostSelect):
        return scope
    if not isinstance(scope, sqlalchemy.SelectBase):
        raise ConfigurationError("scope", "pass a select() of contact ids, or its text")
    (selected, *others) = scope.selected_columns
    if isinstance(selected.type, sqlalchemy.Integer) and not others:
        # Our ids are text. Databases that compare text with numbers take "007" for 7.
        (selected,) = scope.subquery().c
        scope = sqlalchemy.select(sqlalchemy.cast(selected, sqlalchemy.String))
    return _compile(scope, spoken, "scope")


def compile_contacts(contacts: HostContacts, spoken: sqlalchemy.Dialect) -> HostContacts:
    """
    Return the host's contacts with a source that a driver takes.

    Raises:
        ConfigurationError: The source lacks a column, or makes something else of a column than the database has.
    """
    source = getattr(contacts, "source", "")
    if isinstance(source, str | HostSelect):
        return contacts  # Nothing to compile. If they are no HostContacts, what reads them says so.
    named = {"contact_id": contacts.contact_id, "first_name": contacts.first_name, "last_name": contacts.last_name}
    if contacts.email is not None:
        named["email"] = contacts.email
    if isinstance(source, sqlalchemy.SelectBase):
        source = source.subquery()
    found: dict[str, Any] = {
        ours: source.c.get(theirs) if isinstance(source, FromClause) else getattr(source, theirs, None)
        for ours, theirs in named.items()
    }
    missing = [named[ours] for ours, column in found.items() if not isinstance(_type(column), TypeEngine)]
    if missing:
        raise ConfigurationError("contacts", f"they have no column {', '.join(missing)}")
    converted = [named[ours] for ours, column in found.items() if _converts(column.type)]
    if converted:
        raise ConfigurationError(
            "contacts",
            f"rows are read without SQLAlchemy's types, and that of {', '.join(converted)} makes something else of "
            "what the database has; pass a select() with a cast to String, or a view",
        )
    is_integer = isinstance(found["contact_id"].type, sqlalchemy.Integer)
    select = sqlalchemy.select(*(column.label(ours) for ours, column in found.items()))
    return HostContacts(
        _compile(select, spoken, "contacts"),
        email=None if contacts.email is None else "email",
        contact_id_type="integer" if is_integer else contacts.contact_id_type,
    )


def _compile(select: sqlalchemy.SelectBase, spoken: sqlalchemy.Dialect, argument: str) -> HostSelect:
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
        return HostSelect(sql, {ours[name]: value for name, value in values.items()})
    raise ConfigurationError(argument, "pass a select() whose parameters all have values")


def _type(column: Any) -> Any:
    # A relationship has none, and neither has a property of Python's.
    return getattr(column, "type", None)


def _converts(type_: TypeEngine[Any]) -> bool:
    plain = isinstance(type_, sqlalchemy.String | sqlalchemy.Integer | NullType)
    return not plain or isinstance(type_, sqlalchemy.Enum)
