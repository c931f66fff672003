"""Compute sha-crypt, which the standard library cannot do any more since Python 3.13."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import islice
from typing import Final

from ._codecs import to_crypt64

Digest = Callable[[bytes], bytes]

_PERIOD: Final = 42
"""Rounds after which what is mixed in repeats: it goes by the number of the round modulo 2, 3 and 7."""


def sha256_crypt(password: bytes, salt: bytes, rounds: int) -> str:
    """Return the digest of ``$5$``, in 43 characters."""
    digest = _stretched(lambda content: hashlib.sha256(content).digest(), password, salt, rounds)
    order: list[int] = []
    group = (0, 10, 20)
    for _ in range(10):
        order += reversed(group)
        group = (group[2] + 1, group[0] + 1, group[1] + 1)
    return to_crypt64(bytes(digest[place] for place in (*order, 30, 31)))


def sha512_crypt(password: bytes, salt: bytes, rounds: int) -> str:
    """Return the digest of ``$6$``, in 86 characters."""
    digest = _stretched(lambda content: hashlib.sha512(content).digest(), password, salt, rounds)
    order: list[int] = []
    group = (0, 21, 42)
    for _ in range(21):
        order += reversed(group)
        group = (group[1] + 1, group[2] + 1, group[0] + 1)
    return to_crypt64(bytes(digest[place] for place in (*order, 63)))


def _stretched(digest: Digest, password: bytes, salt: bytes, rounds: int) -> bytes:
    # The steps and letters are those of Drepper's "Unix crypt using SHA-256 and SHA-512", version 0.6.
    b = digest(password + salt + password)
    bits = []
    length = len(password)
    while length:
        bits.append(b if length & 1 else password)
        length >>= 1
    a = digest(password + salt + _repeated(b, len(password)) + b"".join(bits))
    p = _repeated(digest(password * len(password)), len(password))
    s = _repeated(digest(salt * (16 + a[0])), len(salt))

    # Each round but for the digest before it is one of 42, which are put together once.
    mixed_in = [(s if number % 3 else b"") + (p if number % 7 else b"") for number in range(_PERIOD)]
    before = [p + mixed_in[number] for number in range(1, _PERIOD, 2)]
    after = [mixed_in[number] + p for number in range(0, _PERIOD, 2)]
    pairs = list(zip(after, before, strict=True))
    current = a
    for _ in range(rounds // _PERIOD):
        for even, odd in pairs:
            current = digest(odd + digest(current + even))
    left = rounds % _PERIOD
    for even, odd in islice(pairs, left // 2):
        current = digest(odd + digest(current + even))
    return digest(current + pairs[left // 2][0]) if left % 2 else current


def _repeated(content: bytes, length: int) -> bytes:
    return (content * (length // len(content) + 1))[:length]
