"""
Read an Argon2 hash, which is untrusted input, before any hashing code sees it (R10).

``argon2.extract_parameters`` is not strict enough: it reads Arabic-Indic digits, signs, blanks and fields out of order,
which the C code then reads in another way or not at all. The C code is not safe enough: it obeys a hash that asks for
4 GiB. And neither knows the ``keyid`` of the PHC string format.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ._codecs import from_unpadded_base64, to_unpadded_base64

MAX_ENCODED_LENGTH: Final = 256
"""Characters of a whole hash. The longest within the other bounds has 224."""

MAX_MEMORY_KIB: Final = 256 * 1024
"""
Kibibytes. Four times the chosen profile, and libsodium's MODERATE. A hash of 1 GiB would keep a thread busy for 2.6 s
and need a quarter of a small server. RFC 9106's first choice, 2 GiB, is not for a portal.
"""

MAX_TIME_COST: Final = 32
"""Passes. No published profile asks for more than 10 (RFC 9106 §4, OWASP); `MAX_WORK_KIB` bounds the cost."""

MAX_LANES: Final = 16
"""Lanes; the C code starts a thread for each. Published profiles ask for 1 to 8."""

MAX_WORK_KIB: Final = 768 * 1024
"""
Kibibytes times passes: the cost of one hash. At this ceiling, libsodium's MODERATE, it takes half a second. The
ceilings of memory and passes alone would allow ten times as much.
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
# 64 bytes of base64 are 22 to 86 characters, and 1 to 8 bytes are 2 to 11. Compiled with the first hash that is read.
_GRAMMAR: Final = (
    r"\$argon2id\$v=19"
    r"\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]{0,2}),p=([1-9][0-9]{0,2})(?:,keyid=([A-Za-z0-9+/]{2,11}))?"
    r"\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{22,86})"
)


class StoredArgon2(NamedTuple):
    """
    What a hash within the bounds says.

    Attributes:
        cost: Memory in kibibytes, passes over it, and lanes.
        salt: The salt.
        tag: What hashing the password with that salt must give.
        key_id: The name of the key that was used besides, or None.
    """

    cost: tuple[int, int, int]
    salt: bytes
    tag: bytes
    key_id: bytes | None

    @property
    def memory_bytes(self) -> int:
        """The memory that verifying the hash takes, in bytes."""
        return self.cost[0] * 1024


def parse(encoded: str) -> StoredArgon2 | None:
    """Return what an Argon2id hash says, or None if it is not one, or not within the bounds. Never raises."""
    if len(encoded) > MAX_ENCODED_LENGTH:
        return None
    match = re.fullmatch(_GRAMMAR, encoded, re.ASCII)
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
    return StoredArgon2((memory_kib, time_cost, lanes), salt, tag, key_id)


def write(stored: StoredArgon2) -> str:
    """Return what `parse` reads."""
    memory_kib, time_cost, lanes = stored.cost
    key_id = "" if stored.key_id is None else f",keyid={to_unpadded_base64(stored.key_id)}"
    salt, tag = to_unpadded_base64(stored.salt), to_unpadded_base64(stored.tag)
    return f"{PREFIX}id$v=19$m={memory_kib},t={time_cost},p={lanes}{key_id}${salt}${tag}"


def within_ceilings(memory_kib: int, time_cost: int, lanes: int) -> bool:
    """Return whether a portal can afford one hash of these parameters."""
    return (
        8 * lanes <= memory_kib <= MAX_MEMORY_KIB  # RFC 9106 §3.1: at least 8 blocks for each lane
        and 1 <= time_cost <= MAX_TIME_COST
        and 1 <= lanes <= MAX_LANES
        and memory_kib * time_cost <= MAX_WORK_KIB
    )


def _decoded(unpadded: str, least: int, most: int) -> bytes | None:
    content = from_unpadded_base64(unpadded)
    return content if content is not None and least <= len(content) <= most else None
