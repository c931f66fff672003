"""Decode the spellings of bytes that stored hashes use, each in its one canonical form."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Final

_ITOA64: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The alphabet of crypt(3), sha-crypt and phpass, in order of value."""


def from_ascii(text: str) -> bytes | None:
    """Return the characters themselves: for salts and digests that are hashed or compared as they are written."""
    return text.encode("ascii") if text.isascii() else None


def from_hex(text: str) -> bytes | None:
    """Return the bytes of hexadecimal digits, all in lower or all in upper case: each digest has two spellings."""
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


def to_unpadded_base64(content: bytes) -> str:
    """Return base64 without padding."""
    return b64encode(content).rstrip(b"=").decode("ascii")


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
    """Return what one character of that alphabet stands for, or -1 if it is not of it."""
    return _ITOA64.find(character)


def _canonical(written: str, padded: str) -> bytes | None:
    try:
        content = b64decode(padded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    # The last character may carry bits that no byte holds: without this each hash would have several spellings.
    return content if b64encode(content).decode("ascii") == padded and len(written) <= len(padded) else None
