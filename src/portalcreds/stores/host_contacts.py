"""Tell a store where the host keeps its contacts, so that names are read there and nowhere else (R20)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from .._arguments import one_of, refused_unless
from .._value import Value

_name: Final = refused_unless(
    lambda value: isinstance(value, str) and value and "\0" not in value, "name a column of the host's contacts"
)


@attrs.frozen(eq=False, repr=False)
class HostSelect(Value):
    """
    A SELECT of the host's.

    Attributes:
        sql: Its text, with ``:name`` parameters.
        parameters: Their values.
    """

    sql: str
    parameters: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(eq=False, repr=False)
class HostContacts(Value):
    """
    The host's own contacts: names are read from them, and nothing is ever written to them.

    Attributes:
        source: The name of a table or view, or a SELECT, as text or as a `HostSelect`. `SQLAlchemyAccountStore` also
            takes a mapped class, a `Table` or a ``select()``.
        contact_id: The column, or the attribute of a mapped class, with the id that a contact is known by; unique.
        first_name: The column with the first name, exactly as the SIS has it.
        last_name: The column with the last name, likewise.
        email: The column with the e-mail address, or None if there is none or it is not wanted. Addresses are noted
            beside the names, so that people are found by them too; without the column none is kept.
        contact_id_type: Whether the ids are ``"text"`` or ``"integer"``. A number is known here by its digits.

    Raises:
        ConfigurationError: A name is empty, or no text.
    """

    source: Any  # Any: what SQLAlchemy selects from has no type without SQLAlchemy.
    contact_id: str = attrs.field(default="contact_id", validator=_name, kw_only=True)
    first_name: str = attrs.field(default="first_name", validator=_name, kw_only=True)
    last_name: str = attrs.field(default="last_name", validator=_name, kw_only=True)
    email: str | None = attrs.field(default=None, validator=attrs.validators.optional(_name), kw_only=True)
    contact_id_type: Literal["text", "integer"] = attrs.field(
        default="text", validator=one_of("text", "integer", hint='pass "text" or "integer"'), kw_only=True
    )
