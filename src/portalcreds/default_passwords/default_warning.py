"""Tell an operator what makes a default password hard to type."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from .._spoken import Code
from .._text import looks_damaged
from ._grapheme import is_invisible
from ._name_parts import NamePart, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contacts import Contact


class DefaultWarning(Code):
    """What makes a default password hard to type or to tell. Codes come in this order, each at most once."""

    OUTER_BLANKS_REMOVED = "outer_blanks_removed"
    """The SIS has white space around a name that is not in the password."""

    CONTAINS_SPACE = "contains_space"
    """There is white space within, as in ``van der Berg``, that must be typed too."""

    UNUSUAL_SPACE = "unusual_space"
    """Two or more blanks in a row, or one that is no ordinary space: it cannot be seen in print."""

    TYPOGRAPHIC_APOSTROPHE = "typographic_apostrophe"
    """An apostrophe, or what looks like one, that is not the straight one of keyboards."""

    TYPOGRAPHIC_HYPHEN = "typographic_hyphen"
    """A hyphen or dash that is not the one of keyboards."""

    INVISIBLE_CHARACTER = "invisible_character"
    """A character that shows nothing, such as a zero-width space or a direction mark."""

    DAMAGED_TEXT = "damaged_text"
    """A name was probably read in a wrong encoding, such as ``MÃ¼ller``: correct the file or the SIS first."""

    EMOJI = "emoji"
    """A symbol or an emoji, which keyboards type in different ways."""

    NON_LATIN_SCRIPT = "non_latin_script"
    """A letter that is not Latin, or not in its ordinary width: the keyboard at hand may not have it."""

    INITIAL_IS_NOT_A_LETTER = "initial_is_not_a_letter"
    """What stands for the initial is an apostrophe, a digit, a symbol or an emoji."""


def name_warnings(contact: Contact, pieces: Sequence[NamePart | str], text: str) -> tuple[DefaultWarning, ...]:
    """Return what makes *text* hard to type, and what about the names that *pieces* took it from."""
    found = set(text_warnings(text))
    for piece in pieces:
        if isinstance(piece, NamePart):
            raw = name_of(contact, piece.field)
            name = raw.strip()
            if looks_damaged(name):
                # Here too: the initial alone may be half of what is damaged.
                found.add(DefaultWarning.DAMAGED_TEXT)
            if name != raw:
                found.add(DefaultWarning.OUTER_BLANKS_REMOVED)
            # Modifier letters are apostrophes of their own, such as the ʻ of Hawaiian.
            if piece.is_initial and unicodedata.category(name[0]) not in ("Lu", "Ll", "Lt", "Lo"):
                found.add(DefaultWarning.INITIAL_IS_NOT_A_LETTER)
    return _in_order(found)


def text_warnings(text: str) -> tuple[DefaultWarning, ...]:
    """Return what makes *text* hard to type or to tell, wherever it came from."""
    if text.isascii() and text.isalnum():
        return ()
    found = set()
    if any(map(str.isspace, text)):
        found.add(DefaultWarning.CONTAINS_SPACE)
        if "  " in text or any(char.isspace() and char != " " for char in text):
            found.add(DefaultWarning.UNUSUAL_SPACE)
    if not _APOSTROPHES.isdisjoint(text):
        found.add(DefaultWarning.TYPOGRAPHIC_APOSTROPHE)
    if not _HYPHENS.isdisjoint(text):
        found.add(DefaultWarning.TYPOGRAPHIC_HYPHEN)
    if not text.isascii():
        if any(map(is_invisible, text)):
            found.add(DefaultWarning.INVISIBLE_CHARACTER)
        if looks_damaged(text):
            found.add(DefaultWarning.DAMAGED_TEXT)
        if any(unicodedata.category(char) == "So" and char != "\ufffd" for char in text):
            found.add(DefaultWarning.EMOJI)
        if any(map(_is_foreign_letter, text)):
            found.add(DefaultWarning.NON_LATIN_SCRIPT)
    return _in_order(found)


def _in_order(found: set[DefaultWarning]) -> tuple[DefaultWarning, ...]:
    return tuple(warning for warning in _ORDER if warning in found) if found else ()


def _is_foreign_letter(char: str) -> bool:
    # Python has no table of scripts, but the names of letters begin with theirs. Below U+0250 all are Latin.
    return (
        char > "\u024f"
        and unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo")
        and not unicodedata.name(char, "").startswith("LATIN ")
    )


# Iterating over an enumeration is slow, and a plan does so for each contact.
_ORDER: Final = tuple(DefaultWarning)

_APOSTROPHES: Final = frozenset("`´‘’‛′ʹʻʼʽˈ＇")

# Hyphens and dashes, the minus sign and the full-width hyphen; not U+002D.
_HYPHENS: Final = frozenset("\u00ad\u058a\u05be\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d")
