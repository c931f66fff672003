"""Put a text together from a contact's names, or say which name does not allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from .._text import MAX_PASSWORD_LENGTH, TextFaultError, canonical_password, character_fault
from ..contacts import MAX_CONTACT_TEXT, Contact
from ..exceptions import InvalidValueError, UnderivableError
from ._grapheme import MAX_GRAPHEME_LENGTH, first_grapheme, is_extender, is_invisible

if TYPE_CHECKING:
    from collections.abc import Sequence

# NFC makes at most three code points of one (UAX #15 and the Unicode FAQ: U+FB2C and its like), so what is no longer
# than this needs no look at its canonical form.
_SURELY_SHORT: Final = MAX_PASSWORD_LENGTH // 3


class NamePart(NamedTuple):
    """A whole name or its initial, as a piece of a text."""

    field: str
    is_initial: bool


FIELDS: Final = {
    "last_name": NamePart("last_name", is_initial=False),
    "first_name": NamePart("first_name", is_initial=False),
    "last_initial": NamePart("last_name", is_initial=True),
    "first_initial": NamePart("first_name", is_initial=True),
}
"""The fields of a template, by name."""

LAST_NAME_FIRST_INITIAL: Final = (FIELDS["last_name"], FIELDS["first_initial"])
"""The pieces of the default rule."""


class _Fault(NamedTuple):
    field: str
    reason: str


def composed(contact: Contact, pieces: Sequence[NamePart | str]) -> str:
    """
    Return the text that *pieces*, names and literal text, make for the contact; a password that can be signed in with.

    Raises:
        UnderivableError: They make none.
    """
    # By attribute and not by class: a contact of another vendored copy is one too.
    if not isinstance(contact, Contact) and not all(hasattr(contact, name) for name in ("first_name", "last_name")):
        raise InvalidValueError("contact", "pass a Contact")
    # Raised out here, where neither a local variable nor a context holds a name: error trackers print both (R14).
    made = _attempt(contact, pieces)
    if isinstance(made, _Fault):
        raise UnderivableError(contact.contact_id, made.field, made.reason)
    return made


def name_of(contact: Contact, field: str) -> str:
    """Return a name of the contact as the SIS has it; empty if it has none."""
    name: str | None = contact.last_name if field == "last_name" else contact.first_name
    return "" if name is None else name


def _attempt(contact: Contact, pieces: Sequence[NamePart | str]) -> str | _Fault:
    texts = []
    for piece in pieces:
        made = _part(contact, piece) if isinstance(piece, NamePart) else piece
        if isinstance(made, _Fault):
            return made
        texts.append(made)
    text = "".join(texts)
    if len(text) > _SURELY_SHORT:
        try:
            canonical_password(text)
        except TextFaultError as error:
            names = [piece.field for piece in pieces if isinstance(piece, NamePart)]
            return _Fault(max(names, key=lambda field: len(name_of(contact, field))), error.fault)
    return text


def _part(contact: Contact, part: NamePart) -> str | _Fault:
    field, is_initial = part
    raw = contact.last_name if field == "last_name" else contact.first_name
    if raw is None:
        return _Fault(field, "missing")
    if len(raw) > MAX_CONTACT_TEXT:
        return _Fault(field, "too_long")
    name = raw.strip()
    if not name:
        return _Fault(field, "blank")
    if not name.isprintable():
        fault = character_fault(name)
        if fault is not None:
            return _Fault(field, fault)
    if name.isascii():
        return name[0] if is_initial else name
    if is_initial:
        # Half a letter, or one that nobody sees: what the first letter is would be a guess.
        if is_extender(name[0]) or is_invisible(name[0]):
            return _Fault(field, "leading_mark")
        initial = first_grapheme(name)
        return initial if len(initial) <= MAX_GRAPHEME_LENGTH else _Fault(field, "too_long")
    return name if not all(map(is_invisible, name)) else _Fault(field, "blank")
