"""Describe a stored hash's scheme as one row: how it is read, within which bounds, and what is computed."""

from __future__ import annotations

import hmac
import re
import sys
from collections.abc import Callable
from typing import Final

import attrs

MAX_ENCODED_LENGTH: Final = 512
"""Characters of a whole stored hash. The longest that any grammar lets through has fewer than 300."""


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Stored:
    """
    What a stored hash says once it is within bounds.

    Attributes:
        salt: The salt, as it is hashed.
        digest: What the computation must come to.
        cost: The numbers that it gives for it, such as the iterations.
    """

    salt: bytes
    digest: bytes
    cost: tuple[int, ...] = ()


Compute = Callable[[bytes, Stored], bytes]
"""Returns the digest of a password's bytes under a stored hash's salt and cost."""

Decode = Callable[[str], bytes | None]


def _nothing(stored: Stored) -> int:
    return 0


def _any_length(stored: Stored) -> int:
    # As long as passwords may be, which whoever reads the password sees to (R8).
    return sys.maxsize


@attrs.frozen(kw_only=True, eq=False)
class Scheme:
    """
    One scheme: a row of a table.

    Attributes:
        name: Its name, also in what `tagged` writes.
        read: Returns what a stored hash says, or None if it is not of this scheme or out of bounds (R10).
        compute: Returns the digest of a password's bytes.
        known: A hash of the bytes of ``password``, for the self-test.
        is_slow: Whether one verification takes long enough to be told apart from another by the clock.
        memory_bytes: Returns how much memory one computation takes, in bytes.
        longest: Returns how long a password may be, in bytes, where its length adds to the work; a longer one does not
            match, and nothing is computed (R10).
    """

    name: str
    read: Callable[[str], Stored | None]
    compute: Compute
    known: str
    is_slow: bool = False
    memory_bytes: Callable[[Stored], int] = _nothing
    longest: Callable[[Stored], int] = _any_length


@attrs.frozen
class Part:
    """
    How a part of a hash is decoded, and how many bytes may come of it.

    Attributes:
        decode: Returns the bytes, or None if the text is not in canonical form.
        least: Bytes at least.
        most: Bytes at most.
    """

    decode: Decode
    least: int
    most: int

    def read(self, text: str) -> bytes | None:
        """Return the bytes, or None."""
        content = self.decode(text)
        return content if content is not None and self.least <= len(content) <= self.most else None


def reader(
    pattern: str, *, salt: Part, digest: Part, cost: Callable[..., bool] = lambda: True, default: tuple[int, ...] = ()
) -> Callable[[str], Stored | None]:
    """
    Return a `Scheme.read` that goes by a regular expression.

    Args:
        pattern: Of the whole hash, with the groups ``salt`` and ``digest``; every other group is a decimal number.
        salt: How the salt is decoded.
        digest: How the digest is decoded.
        cost: Takes the numbers in order, and returns whether they are within bounds.
        default: The numbers, where the hash may leave them out.
    """
    grammar = re.compile(pattern, re.ASCII)

    def read(encoded: str) -> Stored | None:
        match = grammar.fullmatch(encoded)
        if match is None:
            return None
        parts = match.groupdict()
        salt_bytes, digest_bytes = salt.read(parts.pop("salt")), digest.read(parts.pop("digest"))
        numbers = tuple(int(digits) for digits in parts.values() if digits is not None) or default
        if salt_bytes is None or digest_bytes is None or not cost(*numbers):
            return None
        return Stored(salt=salt_bytes, digest=digest_bytes, cost=numbers)

    return read


def is_match(scheme: Scheme, content: bytes, stored: Stored) -> bool:
    """Return whether the digest of a password's bytes is the stored one, in constant time."""
    if len(content) > scheme.longest(stored):
        return False
    return hmac.compare_digest(scheme.compute(content, stored), stored.digest)


def passes_self_test(scheme: Scheme) -> bool:
    """Return whether the installed backends take the right password for the known hash, and a wrong one not."""
    stored = scheme.read(scheme.known)
    if stored is None:
        return False
    try:
        return is_match(scheme, b"password", stored) is True and is_match(scheme, b"passwore", stored) is False
    except Exception:  # noqa: BLE001  Whatever a broken backend raises, it is broken.
        return False
