"""Compute the schemes that hash the password again in each of many rounds, as crypt(3), phpass and Symfony do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Final

from .._codecs import to_crypt64
from ._digests import plain_digest
from ._scheme import Compute, Stored

MAX_STRETCHED_BYTES: Final = 2**26
"""
Rounds times bytes of the password; half a second of one core. Up to 65,536 rounds that allows 1,024 bytes, which is
every password, and 102 bytes with passlib's 656,000 rounds.
"""

_PERIOD: Final = 42
"""Rounds after which what is mixed in repeats: it goes by the number of the round modulo 2, 3 and 7."""

_MD5_CRYPT_ROUNDS: Final = 1000
"""Of Poul-Henning Kamp's md5crypt; it has no cost to set."""

_SYMFONY_ROUNDS: Final = 5000
"""What Symfony's ``MessageDigestPasswordHasher`` does unless it is told otherwise."""


def longest_stretched(stored: Stored) -> int:
    """Return how many bytes a password may have that goes into each of the hash's rounds."""
    return MAX_STRETCHED_BYTES // stored.cost[0]


def repeated(algorithm: str, characters: int) -> Compute:
    """Return a computation of phpass's rounds, which Drupal does too, cut to so many characters as Drupal does."""

    def compute(content: bytes, stored: Stored) -> bytes:
        digest = plain_digest(algorithm, stored.salt + content)
        for _ in range(stored.cost[0]):
            digest = plain_digest(algorithm, digest + content)
        return to_crypt64(digest)[:characters].encode("ascii")

    return compute


def symfony(content: bytes, stored: Stored) -> bytes:
    """Compute Symfony's SHA-512 of the password with the salt in braces after it."""
    salted = content + b"{" + stored.salt + b"}"
    digest = b""
    for _ in range(_SYMFONY_ROUNDS):
        digest = plain_digest("sha512", digest + salted)
    return digest


def md5_crypt(magic: bytes) -> Compute:
    """Return a computation of md5crypt, whose tag is hashed as well: ``$1$``, or Apache's ``$apr1$``."""
    digest = partial(plain_digest, "md5")

    def compute(content: bytes, stored: Stored) -> bytes:
        salt = stored.salt
        mixed = content + magic + salt + _cut(digest(content + salt + content), len(content))
        length = len(content)
        while length:
            mixed += b"\0" if length & 1 else content[:1]
            length >>= 1
        found = _rounds(digest, digest(mixed), content, salt, _MD5_CRYPT_ROUNDS)
        order = [place for first in range(4) for place in (first + 12, first + 6, first)] + [5, 10, 4, 11]
        return to_crypt64(bytes(found[place] for place in order)).encode("ascii")

    return compute


def sha256_crypt(content: bytes, stored: Stored) -> bytes:
    """Compute the digest of ``$5$``, in 43 characters."""
    # Called by name, so that what a test puts in its place is what is called.
    found = _sha_crypt(lambda text: hashlib.sha256(text).digest(), content, stored)
    order: list[int] = []
    group = (0, 10, 20)
    for _ in range(10):
        order += reversed(group)
        group = (group[2] + 1, group[0] + 1, group[1] + 1)
    return to_crypt64(bytes(found[place] for place in (*order, 30, 31))).encode("ascii")


def sha512_crypt(content: bytes, stored: Stored) -> bytes:
    """Compute the digest of ``$6$``, in 86 characters."""
    found = _sha_crypt(lambda text: hashlib.sha512(text).digest(), content, stored)
    order: list[int] = []
    group = (0, 21, 42)
    for _ in range(21):
        order += reversed(group)
        group = (group[1] + 1, group[2] + 1, group[0] + 1)
    return to_crypt64(bytes(found[place] for place in (*order, 63))).encode("ascii")


def _sha_crypt(digest: Callable[[bytes], bytes], password: bytes, stored: Stored) -> bytes:
    # Steps and letters as in Drepper's "Unix crypt using SHA-256 and SHA-512", version 0.6.
    salt = stored.salt
    b = digest(password + salt + password)
    bits = []
    length = len(password)
    while length:
        bits.append(b if length & 1 else password)
        length >>= 1
    a = digest(password + salt + _cut(b, len(password)) + b"".join(bits))
    p = _cut(digest(password * len(password)), len(password))
    s = _cut(digest(salt * (16 + a[0])), len(salt))
    return _rounds(digest, a, p, s, stored.cost[0])


def _rounds(digest: Callable[[bytes], bytes], current: bytes, p: bytes, s: bytes, rounds: int) -> bytes:
    # Each round but for the digest before it is one of 42, which are put together once.
    mixed_in = [(s if number % 3 else b"") + (p if number % 7 else b"") for number in range(_PERIOD)]
    before = [p + mixed_in[number] for number in range(1, _PERIOD, 2)]
    after = [mixed_in[number] + p for number in range(0, _PERIOD, 2)]
    pairs = list(zip(after, before, strict=True))
    for _ in range(rounds // _PERIOD):
        for even, odd in pairs:
            current = digest(odd + digest(current + even))
    left = rounds % _PERIOD
    for even, odd in islice(pairs, left // 2):
        current = digest(odd + digest(current + even))
    return digest(current + pairs[left // 2][0]) if left % 2 else current


def _cut(content: bytes, length: int) -> bytes:
    return (content * (length // len(content) + 1))[:length]
