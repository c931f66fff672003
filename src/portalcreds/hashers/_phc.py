"""
Read an Argon2 hash that somebody else may have written, before any hashing code sees it (R10).

``argon2.extract_parameters`` will not do: it reads Arabic-Indic digits, signs, blanks and fields out of order, which
the C code then reads differently or not at all. And the C code will not do: it obeys a hash that asks for 4 GiB.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from typing import Final

import attrs

MAX_ENCODED_LENGTH: Final = 256
"""Characters of a whole hash. The longest that the other bounds let through has 207."""

MAX_MEMORY_KIB: Final = 256 * 1024
"""
Kibibytes. Four times the chosen profile and libsodium's MODERATE; a hash of 1 GiB would keep a thread for 2.6 s and
need a quarter of a small server. RFC 9106's first choice, 2 GiB, is not for a portal.
"""

MAX_TIME_COST: Final = 32
"""Passes. No published profile asks for more than 10 (RFC 9106 §4, OWASP); the cost is bounded by `MAX_WORK_KIB`."""

MAX_LANES: Final = 16
"""Lanes, each of which the C code gives a thread of its own. Published profiles ask for 1 to 8."""

MAX_WORK_KIB: Final = 1024 * 1024
"""
Kibibytes times passes: what one hash costs, about 1 s at the ceiling. Above the ceilings of each part alone, four
times as much would get through.
"""

MIN_BYTES: Final = 16
"""Bytes of a salt and of a tag (RFC 9106 §3.1 recommends 16 for both). A tag of 4 bytes is matched by chance."""

MAX_BYTES: Final = 64
"""Bytes of a salt and of a tag."""

PREFIX: Final = "$argon2"
"""What every Argon2 hash begins with, ours or not."""

# ASCII only, and without backtracking: no two neighbouring parts can match the same character. Without padding, 16 to
# 64 bytes of base64 are 22 to 86 characters.
_GRAMMAR: Final = re.compile(
    r"\$argon2id\$v=19"
    r"\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]{0,2}),p=([1-9][0-9]{0,2})"
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
        salt_bytes: Length of the salt.
        tag_bytes: Length of the tag.
    """

    memory_kib: int
    time_cost: int
    lanes: int
    salt_bytes: int
    tag_bytes: int


def parse(encoded: str) -> StoredArgon2 | None:
    """Return the parameters of an Argon2id hash, or None if it is not one, or not within bounds. Never raises."""
    if len(encoded) > MAX_ENCODED_LENGTH:
        return None
    match = _GRAMMAR.fullmatch(encoded)
    if match is None:
        return None
    memory_kib, time_cost, lanes = (int(digits) for digits in match.group(1, 2, 3))
    salt_bytes, tag_bytes = (_length_of(text) for text in match.group(4, 5))
    if within_ceilings(memory_kib, time_cost, lanes) and salt_bytes and tag_bytes:
        return StoredArgon2(
            memory_kib=memory_kib, time_cost=time_cost, lanes=lanes, salt_bytes=salt_bytes, tag_bytes=tag_bytes
        )
    return None


def within_ceilings(memory_kib: int, time_cost: int, lanes: int) -> bool:
    """Return whether one hash of these parameters is something that a portal can bear."""
    return (
        8 * lanes <= memory_kib <= MAX_MEMORY_KIB  # RFC 9106 §3.1: at least 8 blocks for each lane
        and 1 <= time_cost <= MAX_TIME_COST
        and 1 <= lanes <= MAX_LANES
        and memory_kib * time_cost <= MAX_WORK_KIB
    )


def _length_of(unpadded: str) -> int:
    """Return how many bytes the base64 text holds, or 0 if the text is not canonical."""
    try:
        content = b64decode(unpadded + "=" * (-len(unpadded) % 4))
    except binascii.Error:
        return 0
    # The last character may carry bits that no byte holds: without this there would be up to 16 spellings of each tag.
    if b64encode(content).rstrip(b"=") != unpadded.encode("ascii"):
        return 0
    return len(content)
