"""A person as the SIS knows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NewType

import attrs

from ._table import ShownRow
from ._text import character_fault, has_default_ignorable, has_surrogate
from ._value import Value
from .exceptions import InvalidValueError

ContactId = NewType("ContactId", str)
"""The SIS's own identifier of a contact, as text. It stays the same when names change."""

MAX_CONTACT_TEXT: Final = 255
"""Code points of an identifier, a name or an e-mail address, at most; every store can keep that many."""


def _storable(contact: Contact, attribute: attrs.Attribute[str | None], value: object) -> None:
    if value is None or (
        type(value) is str and len(value) <= MAX_CONTACT_TEXT and value.isascii() and "\0" not in value
    ):
        return
    # The validators of attrs put the rejected value into the message; this one names only the field (R14).
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
    if value.isascii() and value.isprintable():
        return
    if character_fault(value) is not None or len(value.splitlines()) > 1:
        hint = "pass an identifier without control characters, line separators or surrogates"
        raise InvalidValueError(attribute.name, hint)
    if has_default_ignorable(value):
        hint = "pass an identifier without invisible characters, such as a zero-width space or a byte order mark"
        raise InvalidValueError(attribute.name, hint)


def _fields(unknown: Iterable[str]) -> tuple[str, ...]:
    if unknown == () or (isinstance(unknown, list | set | frozenset) and not unknown):
        return ()
    names = [] if isinstance(unknown, str) or not isinstance(unknown, Iterable) else list(unknown)
    if not names or not all(isinstance(name, str) for name in names):
        raise InvalidValueError("unknown", "pass several names of fields, such as ['email']")
    # A tuple and not a set, so that a contact can be written as JSON and read back.
    return tuple(sorted(set(names)))


def _unknown(contact: Contact, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    if value and (not _OPTIONAL.issuperset(value) or any(getattr(contact, field) is not None for field in value)):
        raise InvalidValueError("unknown", "pass names of fields that are None", contact.contact_id)


_OPTIONAL: Final = frozenset(("first_name", "last_name", "email"))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Contact(ShownRow, Value):
    """
    A person the SIS knows, such as a parent or a guardian.

    Names are exactly as the SIS has them: no trimming, no change of case. They are hidden from ``repr``, because the
    default password *is* the name. A contact may have a missing or unusual name; whether a default password can be
    derived from it is up to the strategy.

    Attributes:
        contact_id: The SIS's identifier, unique in a tenant.
        first_name: The first name, or None.
        last_name: The last name, or None.
        email: The e-mail address, or None.
        unknown: The fields that its source says nothing about, such as ``("email",)`` for a file without such a column.
            A sync keeps what the account has there. They are None, and contacts are compared without this.

    Raises:
        InvalidValueError: A value is not text, too long for a store, or not valid text. Names the field, not the value.
    """

    contact_id: ContactId = attrs.field(validator=_identifier, converter=ContactId)
    first_name: str | None = attrs.field(default=None, repr=False, validator=_storable)
    last_name: str | None = attrs.field(default=None, repr=False, validator=_storable)
    email: str | None = attrs.field(default=None, repr=False, validator=_storable)
    unknown: tuple[str, ...] = attrs.field(default=(), repr=False, eq=False, converter=_fields, validator=_unknown)

    def to_record(self) -> dict[str, str | None]:
        """Return the contact as a plain record, names included."""
        return {
            "contact_id": self.contact_id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "email": self.email,
        }

    def completed(self, known: Contact | None) -> Contact:
        """Return this contact with what *known*, the contact as it was, has in the fields that are unknown."""
        if not self.unknown:
            return self
        names: dict[str, str | None] = {
            field: getattr(known if field in self.unknown else self, field, None) for field in _OPTIONAL
        }
        return Contact(contact_id=self.contact_id, **names)  # type: ignore[arg-type]  # None of them is unknown.
