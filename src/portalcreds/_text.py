"""The canonical forms of passwords and user names, and which characters are allowed in text (R8, R18)."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
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

MAX_CODE_LENGTH: Final = 64
"""Characters of a reason, a strategy id, an issue id and the like; what every store can hold."""


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
    Return the form in which a password is hashed: OpaqueString of RFC 8265, with more characters allowed.

    Control characters and surrogates are refused, non-ASCII spaces become U+0020, and the result is NFC. Nothing is
    trimmed and no case changes. Unlike in OpaqueString, unassigned code points, emoji sequences and private use are
    allowed: what they are depends on the version of Python, and a password must verify on every one.

    Raises:
        TextFaultError: It has no such form. The error does not contain the text.
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
    Return the key by which a user name is unique and found.

    Characters that show nothing and outer blanks are left out, the rest goes through NFKC and casefold, all of it until
    nothing changes. Once is not enough: folding a folded name can change it again, and then one person can take
    another's name (Spotify, 2013).

    Raises:
        TextFaultError: It has no key. The error does not contain the user name.
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


def is_code(value: object) -> bool:
    """Return whether *value* can be stored as a reason, a strategy id or an issue id."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_CODE_LENGTH
        and value.isascii()
        and value.isprintable()
        and value == value.strip()
    )


def same_text(one: str, other: str) -> bool:
    """Return whether two texts are equal, in a time that does not tell where they differ."""
    # Loading OpenSSL costs more than all of the kernel.
    import hmac

    # A lone surrogate must not raise: UnicodeEncodeError carries the whole text.
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def has_surrogate(text: str) -> bool:
    """Return whether *text* has a surrogate, which is not valid in any encoding of Unicode."""
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def is_default_ignorable(char: str) -> bool:
    """Return whether *char* shows nothing: the Unicode property Default_Ignorable_Code_Point, as of Unicode 16.0."""
    code = ord(char)
    at = bisect_right(_IGNORABLE_STARTS, code) - 1
    return at >= 0 and code <= _IGNORABLE_ENDS[at]


def has_default_ignorable(text: str) -> bool:
    """Return whether *text* has a character that shows nothing, such as a zero-width space."""
    return not text.isascii() and any(map(is_default_ignorable, text))


def looks_damaged(text: str) -> bool:
    """
    Return whether *text* was probably read or written in a wrong encoding.

    That is so if it has U+FFFD, a private use character, or UTF-8 that was read as Windows-1252 (``MÃ¼ller``).
    """
    if text.isascii():
        return False
    return any(char == "\ufffd" or unicodedata.category(char) == "Co" for char in text) or _is_mojibake(text)


def character_fault(text: str) -> str | None:
    """Return why *text* has a character that is never allowed in stored text, as a code, or None."""
    for char in text:
        category = unicodedata.category(char)
        if category == "Cc":
            return "control_character"
        if category == "Cs":
            return "surrogate"
    return None


def one_line(text: str) -> str:
    """Return *text* with each control character, line separator, bidi control and surrogate escaped (CWE-117)."""
    if text.isprintable():
        return text
    return "".join(ascii(char)[1:-1] if _breaks_a_line(char) else char for char in text)


def _breaks_a_line(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in _BIDI_CONTROLS


def _folded(text: str) -> str:
    # Casefolding can undo NFKC and the other way round. Two rounds are enough for each single code point of Unicode 14;
    # some sequences need more.
    folded = _folded_once(text)
    while folded != text:
        text, folded = folded, _folded_once(folded)
    return folded


def _folded_once(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Nobody sees these, so they must not tell two user names apart.
    return "".join(char for char in folded if not is_default_ignorable(char)).strip()


def _is_mojibake(text: str) -> bool:
    for encoding in ("cp1252", "latin-1"):
        try:
            text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False


_BIDI_CONTROLS: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that show nothing and turn the rest of a line around (CVE-2021-42574)."""

# DerivedCoreProperties.txt of Unicode 16.0: the property is stable but for what is assigned to it anew.
_IGNORABLE_STARTS: Final = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x17B4, 0x180B, 0x200B, 0x202A, 0x2060, 0x3164, 0xFE00, 0xFEFF, 0xFFA0, 0xFFF0),
    *(0x1BCA0, 0x1D173, 0xE0000),
)
_IGNORABLE_ENDS: Final = (
    *(0x00AD, 0x034F, 0x061C, 0x1160, 0x17B5, 0x180F, 0x200F, 0x202E, 0x206F, 0x3164, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF8),
    *(0x1BCA3, 0x1D17A, 0xE0FFF),
)
