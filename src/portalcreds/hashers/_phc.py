"""
Read an Argon2 hash that somebody else may have written, before any hashing code sees it (R10).

``argon2.extract_parameters`` will not do: it reads Arabic-Indic digits, signs, blanks and fields out of order, which
the C code then reads differently or not at all. And the C code will not do: it obeys a hash that asks for 4 GiB, and
does not know the ``keyid`` of the PHC string format.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from typing import Final

import attrs

MAX_ENCODED_LENGTH: Final = 256
"""Characters of a whole hash. The longest that the other bounds let through has 224."""

MAX_MEMORY_KIB: Final = 256 * 1024
"""
Kibibytes. Four times the chosen profile and libsodium's MODERATE; a hash of 1 GiB would keep a thread for 2.6 s and
need a quarter of a small server. RFC 9106's first choice, 2 GiB, is not for a portal.
"""

MAX_TIME_COST: Final = 32
"""Passes. No published profile asks for more than 10 (RFC 9106 §4, OWASP); the cost is bounded by `MAX_WORK_KIB`."""

MAX_LANES: Final = 16
"""Lanes, each of which the C code gives a thread of its own. Published profiles ask for 1 to 8."""

MAX_WORK_KIB: Final = 768 * 1024
"""
Kibibytes times passes: what one hash costs, half a second at the ceiling, which is libsodium's MODERATE. By the
ceilings of each part alone, ten times as much would get through.
"""

MIN_BYTES: Final = 16
"""Bytes of a salt and of a tag (RFC 9106 §3.1 recommends 16 for both). A tag of 4 bytes is matched by chance."""

MAX_BYTES: Final = 64
"""Bytes of a salt and of a tag."""

MAX_KEY_ID_BYTES: Final = 8
"""Bytes of the name of a key (PHC string format, Argon2's ``keyid``)."""

PREFIX: Final = "$argon2"
"""What every Argon2 hash begins with, ours or not."""

# ASCII only, and without backtracking: no two neighbouring parts can match the same character. Without padding, 16 to
# 64 bytes of base64 are 22 to 86 characters, and 1 to 8 bytes 2 to 11.
_GRAMMAR: Final = re.compile(
    r"\$argon2id\$v=19"
    r"\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]{0,2}),p=([1-9][0-9]{0,2})(?:,keyid=([A-Za-z0-9+/]{2,11}))?"
    r"\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{22,86})",
    re.ASCII,
)


@attrs.frozen(kw_only=True)
class StoredArgon2:
    """
    What a hash within the bounds says of itself.

    Attributes:
        memory_kib: Memory in kibibytes.
        time_cost: Passes over it.
        lanes: Lanes.
        salt: The salt.
        tag: What hashing the password with that salt has to give.
        key_id: The name of the key that went in besides, or None.
    """

    memory_kib: int
    time_cost: int
    lanes: int
    salt: bytes = attrs.field(repr=False)
    tag: bytes = attrs.field(repr=False)
    key_id: bytes | None = None


def parse(encoded: str) -> StoredArgon2 | None:
    """Return the parameters of an Argon2id hash, or None if it is not one, or not within bounds. Never raises."""
    if len(encoded) > MAX_ENCODED_LENGTH:
        return None
    match = _GRAMMAR.fullmatch(encoded)
    if match is None:
        return None
    memory_kib, time_cost, lanes = (int(digits) for digits in match.group(1, 2, 3))
    names_key = match.group(4) is not None
    key_id = _decoded(match.group(4), 1, MAX_KEY_ID_BYTES) if names_key else None
    salt, tag = (_decoded(text, MIN_BYTES, MAX_BYTES) for text in match.group(5, 6))
    if salt is None or tag is None or (names_key and key_id is None):
        return None
    if not within_ceilings(memory_kib, time_cost, lanes):
        return None
    return StoredArgon2(memory_kib=memory_kib, time_cost=time_cost, lanes=lanes, salt=salt, tag=tag, key_id=key_id)


def write(stored: StoredArgon2) -> str:
    """Return what `parse` reads."""
    key_id = "" if stored.key_id is None else f",keyid={_encoded(stored.key_id)}"
    return (
        f"{PREFIX}id$v=19$m={stored.memory_kib},t={stored.time_cost},p={stored.lanes}{key_id}"
        f"${_encoded(stored.salt)}${_encoded(stored.tag)}"
    )


def within_ceilings(memory_kib: int, time_cost: int, lanes: int) -> bool:
    """Return whether one hash of these parameters is something that a portal can bear."""
    return (
        8 * lanes <= memory_kib <= MAX_MEMORY_KIB  # RFC 9106 §3.1: at least 8 blocks for each lane
        and 1 <= time_cost <= MAX_TIME_COST
        and 1 <= lanes <= MAX_LANES
        and memory_kib * time_cost <= MAX_WORK_KIB
    )


def _decoded(unpadded: str, least: int, most: int) -> bytes | None:
    """Return the bytes that the base64 text holds, or None if it is not canonical or of another length."""
    try:
        content = b64decode(unpadded + "=" * (-len(unpadded) % 4))
    except binascii.Error:
        return None
    # The last character may carry bits that no byte holds: without this there would be up to 16 spellings of each tag.
    return content if least <= len(content) <= most and _encoded(content) == unpadded else None


def _encoded(content: bytes) -> str:
    return b64encode(content).rstrip(b"=").decode("ascii")
