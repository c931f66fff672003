"""Bring passwords and user names to their canonical forms, each in one place (R8, R18)."""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_PASSWORD_LENGTH: Final = 256
"""Code points of a password after NFC; more is refused, never cut (SP 800-63B-4 §3.1.1.2 asks for at least 64)."""

MAX_PASSWORD_INPUT: Final = 4 * MAX_PASSWORD_LENGTH
"""
Code points of a password as typed. Checked before anything else touches the text: normalising 100,000 combining marks
takes seconds (CPython gh-149079), 1,024 less than a millisecond. A decomposed letter is rarely more than four.
"""

MAX_USERNAME_LENGTH: Final = 255
"""Code points of a user name, and of its key, which folding can make longer."""


class TextFaultError(ValueError):
    """
    A text has no canonical form.

    Attributes:
        fault: Why, as a code: ``empty``, ``too_long``, ``control_character`` or ``surrogate``.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


def canonical_password(text: str) -> str:
    """
    Return the form of a password that is hashed: RFC 8265's OpaqueString, as far as it lets people be.

    Control characters and surrogates are refused, non-ASCII spaces become U+0020, the whole becomes NFC. Nothing is
    trimmed and no case changes. Unlike in OpaqueString, unassigned code points, emoji sequences and private use are
    let through: they depend on the interpreter's tables, and a password set on one must verify on the other.

    Raises:
        TextFaultError: It has none. The error does not carry the text.
    """
    if len(text) > MAX_PASSWORD_INPUT:
        raise TextFaultError("too_long")
    if text.isascii() and text.isprintable():
        canonical = text
    else:
        fault = character_fault(text)
        if fault is not None:
            raise TextFaultError(fault)
        spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in text)
        canonical = unicodedata.normalize("NFC", spaced)
    if not canonical:
        raise TextFaultError("empty")
    if len(canonical) > MAX_PASSWORD_LENGTH:
        raise TextFaultError("too_long")
    return canonical


def username_key(username: str) -> str:
    """
    Return what a user name is unique and matched by: outer blanks off, NFKC and casefold to a fixed point.

    To a fixed point, because one pass is not idempotent, and a key that is not lets one person take another's name
    (Spotify, 2013).

    Raises:
        TextFaultError: It has none. The error does not carry the user name.
    """
    if len(username) > MAX_USERNAME_LENGTH:
        raise TextFaultError("too_long")
    if username.isascii() and username.isprintable():
        key = username.strip(" ").lower()
    else:
        fault = character_fault(username)
        if fault is not None:
            raise TextFaultError(fault)
        key = _folded(username)
    if not key:
        raise TextFaultError("empty")
    if len(key) > MAX_USERNAME_LENGTH:
        raise TextFaultError("too_long")
    return key


def search_key(text: str) -> str:
    """
    Return what a name or a typed prefix is searched and sorted by; the same folding as `username_key`.

    It is for finding only, so nothing is refused: what cannot be folded is left out, what is too long is cut.
    """
    if text.isascii() and text.isprintable():
        return text.strip(" ").lower()[:MAX_USERNAME_LENGTH]
    kept = "".join(char for char in text[:MAX_USERNAME_LENGTH] if unicodedata.category(char) not in ("Cc", "Cs"))
    return _folded(kept)[:MAX_USERNAME_LENGTH]


def has_surrogate(text: str) -> bool:
    """Return whether *text* holds half of a surrogate pair, which no encoding of Unicode can write."""
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def character_fault(text: str) -> str | None:
    """Return why *text* holds a character that no stored text may hold, as a code, or None if it holds none."""
    for char in text:
        category = unicodedata.category(char)
        if category == "Cc":
            return "control_character"
        if category == "Cs":
            return "surrogate"
    return None


def _folded(text: str) -> str:
    # Casefolding can undo NFKC and the other way round. Two rounds settle every single code point of Unicode 14, some
    # sequences take more.
    folded = _folded_once(text)
    while folded != text:
        text, folded = folded, _folded_once(folded)
    return folded


def _folded_once(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()
