"""Turn text into bytes and back, as stored hashes write them, each in its one canonical form."""

from __future__ import annotations

import binascii
from typing import Final

_ITOA64: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The alphabet of crypt(3), sha-crypt and phpass, in order of value."""


def encode(text: str, encoding: str = "utf-8") -> bytes | None:
    """Return the bytes of a text, or None if it has none, such as a lone surrogate."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        # Not raised: the error would carry the text, which may be a password.
        return None


def from_ascii(text: str) -> bytes | None:
    """Return the characters themselves, for salts and digests that are hashed or compared as they are written."""
    return encode(text, "ascii")


def from_hex(text: str) -> bytes | None:
    """Return the bytes of hexadecimal digits, all in lower case or all in upper case."""
    if text not in (text.lower(), text.upper()):
        return None
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        return None


def from_base64(text: str) -> bytes | None:
    """Return the bytes of padded base64."""
    return _canonical(text, text)


def from_unpadded_base64(text: str) -> bytes | None:
    """Return the bytes of base64 without padding, as in PHC strings."""
    return None if "=" in text else _canonical(text, text + "=" * (-len(text) % 4))


def from_adapted_base64(text: str) -> bytes | None:
    """Return the bytes of passlib's base64: without padding, and with a full stop in place of the plus sign."""
    return None if "+" in text else from_unpadded_base64(text.replace(".", "+"))


def to_base64(content: bytes) -> str:
    """Return padded base64."""
    # The same as in the module base64, which costs an import of its own.
    return binascii.b2a_base64(content, newline=False).decode("ascii")


def to_unpadded_base64(content: bytes) -> str:
    """Return base64 without padding."""
    return to_base64(content).rstrip("=")


def to_crypt64(content: bytes) -> str:
    """Return bytes as crypt(3) writes them: three at a time, the lowest six bits first."""
    characters = []
    for start in range(0, len(content), 3):
        group = content[start : start + 3]
        value = int.from_bytes(group, "little")
        for _ in range(len(group) + 1):
            characters.append(_ITOA64[value & 63])
            value >>= 6
    return "".join(characters)


def crypt64_value(character: str) -> int:
    """Return the value of one character of that alphabet, or -1 if it is not in it."""
    return _ITOA64.find(character)


def _canonical(written: str, padded: str) -> bytes | None:
    try:
        content = binascii.a2b_base64(padded.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        return None
    # It passes over what is no base64, and the last character may carry bits that no byte holds. Without this check a
    # hash would have several spellings.
    return content if to_base64(content) == padded and len(written) <= len(padded) else None
