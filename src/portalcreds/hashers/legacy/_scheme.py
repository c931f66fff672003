"""Describe a stored hash's scheme as one row: how it is read, within which bounds, and what is computed."""

from __future__ import annotations

import hmac
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from ...exceptions import MissingDependencyError
from .._codecs import (
    crypt64_value,
    from_adapted_base64,
    from_ascii,
    from_base64,
    from_hex,
    from_unpadded_base64,
)

MAX_ENCODED_LENGTH: Final = 512
"""Characters of a whole stored hash. The longest that any grammar allows has fewer than 300."""

TAG: Final = "$pc$"
"""What the stored form of a hash begins with that does not say by itself what it is."""


class Stored:
    """
    What a stored hash says once it is within bounds.

    Attributes:
        salt: The salt, as it is hashed.
        digest: What the computation must give.
        cost: The numbers of the hash, such as the iterations.
    """

    __slots__ = ("cost", "digest", "salt")

    def __init__(self, *, salt: bytes, digest: bytes, cost: tuple[int, ...] = ()) -> None:
        self.salt: Final = salt
        self.digest: Final = digest
        self.cost: Final = cost


Compute = Callable[[bytes, Stored], bytes]
"""Returns the digest of a password's bytes under a stored hash's salt and cost."""

Read = Callable[[str], Stored | None]
"""Returns what a stored hash says, or None if it is of another scheme or out of bounds (R10)."""


def _appended(content: bytes, pepper: bytes) -> bytes:
    return content + pepper


class Scheme(NamedTuple):
    """
    One scheme: a row of the table.

    Attributes:
        name: Its name, also in the stored form of hashes that do not name their scheme.
        read: Reads a stored hash.
        compute: Returns the digest of a password's bytes.
        known: A hash of the bytes of ``password`` without a pepper, for the self-test.
        is_slow: Whether one verification takes long enough to be told apart from another by the clock.
        is_weak: Whether a graphics card tries so many a second that it is wrapped on import. It has no *cost* then.
        encoding: How the system turned passwords into bytes.
        season: Returns what is hashed, from a password's bytes and the site's pepper.
        memory_bytes: Returns how much memory one computation takes, in bytes.
        longest: Returns how long a password may be, in bytes, where its length adds to the work. A longer one does not
            match, and nothing is computed (R10).
    """

    name: str
    read: Read
    compute: Compute
    known: str
    is_slow: bool = True
    is_weak: bool = False
    encoding: str = "utf-8"
    season: Callable[[bytes, bytes], bytes] = _appended
    memory_bytes: Callable[[Stored], int] = lambda stored: 0
    # Without it as long as passwords may be, which is checked when the password is read (R8).
    longest: Callable[[Stored], int] = lambda stored: sys.maxsize


_NUMBERS: Final[Mapping[str, tuple[str, Callable[[str], int]]]] = {
    "number": ("[1-9][0-9]{0,6}", int),
    "two digits": ("[0-9]{2}", int),
    "exponent": ("[./0-9A-Za-z]", lambda character: 1 << crypt64_value(character)),
}
"""How the numbers of a cost are written: what a regular expression sees of them, and how they are read."""

_BYTES: Final[Mapping[str, tuple[str, int, Callable[[str], bytes | None]]]] = {
    # Any printable ASCII but the dollar. Django has written 5, 12 and 22 letters and digits, Werkzeug 8 and 16.
    "text": ("[!-#%-~]", 8, from_ascii),
    # The same without the colon of passwd files, and without the equals sign: "rounds=..." is no salt.
    "crypt salt": ("[!-#%-9;<>-~]", 8, from_ascii),
    "crypt64": ("[./0-9A-Za-z]", 8, from_ascii),
    "hex": ("[0-9a-f]", 4, from_hex),
    "HEX": ("[0-9A-F]", 4, from_hex),
    "base64": ("[A-Za-z0-9+/]", 6, from_unpadded_base64),
    "base64=": ("[A-Za-z0-9+/=]", 6, from_base64),
    "base64.": ("[A-Za-z0-9./]", 6, from_adapted_base64),
}
"""How bytes are written: the characters, the bits in each, and how they are decoded, in canonical form alone."""

_PLACE: Final = re.compile(r"<([A-Za-z0-9=. ]+?)(?: ([0-9]+)(?:-([0-9]+))?)?>")
"""A part of a grammar: how it is written, and how many bytes it has if it is no number."""


def reader(pattern: str, cost: Callable[..., bool] = lambda: True, *, default: tuple[int, ...] = ()) -> Read:
    """
    Return a `Scheme.read` for a grammar.

    Args:
        pattern: A regular expression of the whole hash, without groups. In it ``<number>`` and its like stand for the
            numbers of the cost, and ``<hex 20>`` or ``<base64 8-64>`` for so many bytes: the last are the digest, and
            those before it the salt.
        cost: Takes the numbers in order, and returns whether they are within bounds.
        default: The numbers, where the hash may leave them out.
    """
    places: list[tuple[Callable[[str], Any], range | None]] = []

    def group(place: re.Match[str]) -> str:
        kind, least, most = place.groups()
        if kind in _NUMBERS:
            digits, convert = _NUMBERS[kind]
            places.append((convert, None))
            return f"({digits})"
        characters, bits, decode = _BYTES[kind]
        places.append((decode, range(int(least), int(most or least) + 1)))
        fewest, many = (-(-8 * int(size) // bits) for size in (least, most or least))
        # Three for the padding at most; the bytes are counted when they are decoded.
        return f"({characters}{{{fewest},{many + 3}}})" if kind == "base64=" else f"({characters}{{{fewest},{many}}})"

    grammar = _PLACE.sub(group, pattern)

    @cache
    def compiled() -> re.Pattern[str]:
        # When the first hash is read: the whole table would take longer than importing all the rest.
        return re.compile(grammar, re.ASCII)

    def read(encoded: str) -> Stored | None:
        match = compiled().fullmatch(encoded)
        if match is None:
            return None
        numbers: list[int] = []
        contents: list[bytes] = []
        for (convert, sizes), text in zip(places, match.groups(), strict=True):
            value = None if text is None else convert(text)
            if sizes is None:
                numbers += [] if value is None else [value]
            elif value is None or len(value) not in sizes:
                return None
            else:
                contents.append(value)
        asked = tuple(numbers) or default
        return Stored(salt=b"".join(contents[:-1]), digest=contents[-1], cost=asked) if cost(*asked) else None

    return read


def behind(tags: tuple[str, ...], scheme: Scheme, name: str) -> Scheme:
    """
    Return the row for another scheme's hashes with a tag before them.

    Args:
        tags: What may be before them; the same in upper and lower case, for example.
        scheme: The row of the hashes without it.
        name: The name of the new row.
    """

    def read(encoded: str) -> Stored | None:
        found = next((tag for tag in tags if encoded.startswith(tag)), None)
        return None if found is None else scheme.read(encoded[len(found) :])

    return scheme._replace(name=name, read=read, known=tags[0] + scheme.known)


def is_match(scheme: Scheme, content: bytes, stored: Stored) -> bool:
    """Return whether the digest of what is hashed is the stored one, in constant time."""
    if len(content) > scheme.longest(stored):
        return False
    return hmac.compare_digest(scheme.compute(content, stored), stored.digest)


def passes_self_test(scheme: Scheme) -> bool:
    """
    Return whether the installed backends accept the right password for the known hash, and refuse a wrong one.

    Raises:
        MissingDependencyError: A backend is not installed.
    """
    stored = scheme.read(scheme.known)
    if stored is None:
        return False
    try:
        right, wrong = (scheme.season(content, b"") for content in (b"password", b"passwore"))
        return is_match(scheme, right, stored) is True and is_match(scheme, wrong, stored) is False
    except MissingDependencyError:
        raise
    except Exception:  # noqa: BLE001  Whatever a broken backend raises, it is broken.
        return False
