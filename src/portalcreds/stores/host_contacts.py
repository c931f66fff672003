"""Tell a store where the host keeps its contacts, so that names are read there and nowhere else (R20)."""

from __future__ import annotations

from typing import Literal

import attrs

from ..exceptions import ConfigurationError


def _name(columns: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigurationError(attribute.name, "name a column of the host's contacts")


def _identifier_type(columns: object, attribute: attrs.Attribute[Literal["text", "integer"]], value: object) -> None:
    if value not in ("text", "integer"):
        raise ConfigurationError("contact_id_type", 'pass "text" or "integer"')


@attrs.frozen(kw_only=True)
class Columns:
    """
    What the columns of the host's contacts are called; name only those that differ.

    Attributes:
        contact_id: What the contact is known by; unique.
        first_name: The first name, exactly as the SIS has it.
        last_name: The last name, likewise.
        email: The e-mail address, or None if there is none or it is not wanted.
        contact_id_type: Whether the ids are ``"text"`` or ``"integer"``. A number is known here by its digits.

    Raises:
        ConfigurationError: A name is none.
    """

    contact_id: str = attrs.field(default="contact_id", validator=_name)
    first_name: str = attrs.field(default="first_name", validator=_name)
    last_name: str = attrs.field(default="last_name", validator=_name)
    email: str | None = attrs.field(default=None, validator=attrs.validators.optional(_name))
    contact_id_type: Literal["text", "integer"] = attrs.field(default="text", validator=_identifier_type)
