"""Describe a person as the SIS knows them."""

from __future__ import annotations

from typing import Final, NewType

import attrs

from ._text import character_fault, has_surrogate
from .exceptions import InvalidValueError

ContactId = NewType("ContactId", str)
"""The SIS's own identifier of a contact, as text. It outlives every change of name."""

MAX_CONTACT_TEXT: Final = 255
"""Code points of an identifier, a name or an e-mail address; what every store can hold."""


def _storable(contact: Contact, attribute: attrs.Attribute[str | None], value: object) -> None:
    if value is None:
        return
    # Stock validators put the rejected value into the message; this one names the field only (R14).
    field = attribute.name
    who = contact.contact_id if field != "contact_id" else None
    if not isinstance(value, str):
        raise InvalidValueError(field, "pass text exactly as the SIS has it, or None where it has none", who)
    if len(value) > MAX_CONTACT_TEXT:
        raise InvalidValueError(field, f"shorten it in the SIS to at most {MAX_CONTACT_TEXT} characters", who)
    if "\0" in value or has_surrogate(value):
        raise InvalidValueError(field, "read it with the encoding it was written in; it is not valid text", who)


def _identifier(contact: Contact, attribute: attrs.Attribute[ContactId], value: object) -> None:
    if not isinstance(value, str):
        raise InvalidValueError(attribute.name, "pass the SIS's identifier as text, such as str(row.id)")
    if not value or value != value.strip():
        raise InvalidValueError(attribute.name, "pass the SIS's identifier without blanks around it")
    if len(value) > MAX_CONTACT_TEXT:
        raise InvalidValueError(attribute.name, f"pass an identifier of at most {MAX_CONTACT_TEXT} characters")
    if character_fault(value) is not None:
        raise InvalidValueError(attribute.name, "pass an identifier without control characters or surrogates")


@attrs.frozen(kw_only=True)
class Contact:
    """
    A person the SIS knows, such as a parent or a guardian.

    Names are exactly as the SIS has them: no trimming, no change of case. They are hidden from ``repr``, because the
    default password *is* the name. A contact with a missing or odd name is still a contact; whether a default password
    can be derived is for a strategy to say.

    Attributes:
        contact_id: The SIS's identifier, unique in a tenant.
        first_name: The first name, or None.
        last_name: The last name, or None.
        email: The e-mail address, or None.

    Raises:
        InvalidValueError: A value is not text, too long for a store, or not valid text. Names the field, not the value.
    """

    contact_id: ContactId = attrs.field(validator=_identifier, converter=ContactId)
    first_name: str | None = attrs.field(default=None, repr=False, validator=_storable)
    last_name: str | None = attrs.field(default=None, repr=False, validator=_storable)
    email: str | None = attrs.field(default=None, repr=False, validator=_storable)
