"""Compute what the schemes of other systems compute: the standard library, Argon2, and bcrypt where it is installed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from importlib import import_module
from typing import Final

from argon2 import low_level

from ...exceptions import MissingDependencyError
from .._arena import raw_tag
from .._codecs import to_base64
from ._scheme import Compute, Stored

DIGEST_BYTES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
"""Bytes of one digest, and so of one block of PBKDF2."""

MAX_ITERATIONS: Final = {"sha1": 2_000_000, "sha256": 2_000_000, "sha512": 1_000_000}
"""
PBKDF2 iterations for each block of the digest, about half a second of one core; SHA-512 does half as many in that time.
Django 5.2 writes 1,000,000 of SHA-256 and adds a fifth with each release, Werkzeug 3.1 the same number by default, Odoo
600,000 of SHA-512, ASP.NET Core 100,000. OWASP asks for 1,400,000 of SHA-1.
"""

MAX_BCRYPT_COST: Final = 13
"""
The power of two of the rounds, half a second of one core. bcrypt allows 31, which would take a day; PHP and Rails write
10 to 12, Django 12, Yii 13.
"""

BCRYPT_BYTES: Final = 72
"""Bytes of a password that bcrypt looks at; it ignores what follows them."""

MAX_SCRYPT_BLOCKS: Final = 2**20
"""
N · r · p of one scrypt hash, about half a second: every row of OWASP's table and Django's 2^14 · 8 · 5 are within it.
Where p is 1 the memory is this times 128 bytes: 128 MiB.
"""

MAX_SCRYPT_BLOCK_SIZE: Final = 32
"""
r of one scrypt hash; every known system writes 8. With a large one, N · r · p says nothing any more: RFC 7914 first
derives 128 · r · p bytes with PBKDF2, which alone took a second and 64 MiB for r = 2^19.
"""

MAX_SCRYPT_LANES: Final = 16
"""p of one scrypt hash. OWASP's table ends at 10."""

_SCRYPT_BLOCK: Final = 128
"""Bytes of a block of r = 1 (RFC 7914 §2)."""


def iterations(algorithm: str, digest_bytes: int) -> Callable[[int], bool]:
    """Return what tells whether so many PBKDF2 iterations are within bounds, for a digest of so many bytes."""
    # Each block is computed by itself: 64 bytes of SHA-1 cost as much as four times the iterations.
    blocks = -(-digest_bytes // DIGEST_BYTES[algorithm])
    return range(1, MAX_ITERATIONS[algorithm] // blocks + 1).__contains__


def plain_digest(algorithm: str, content: bytes) -> bytes:
    """Return one digest, of MD5 too where a FIPS build refuses it for security: the security is not in this digest."""
    return hashlib.new(algorithm, content, usedforsecurity=False).digest()


def sha1_twice(content: bytes, _stored: Stored) -> bytes:
    """Compute SHA-1 of SHA-1, which is MySQL's ``PASSWORD()``."""
    return plain_digest("sha1", plain_digest("sha1", content))


def salt_before(algorithm: str) -> Compute:
    """Return a computation of one digest over the salt and the password."""

    def compute(content: bytes, stored: Stored) -> bytes:
        return plain_digest(algorithm, stored.salt + content)

    return compute


def salt_after(algorithm: str) -> Compute:
    """Return a computation of one digest over the password and the salt."""

    def compute(content: bytes, stored: Stored) -> bytes:
        return plain_digest(algorithm, content + stored.salt)

    return compute


def salt_as_key(algorithm: str) -> Compute:
    """Return a computation of one HMAC over the password, keyed as ASP.NET does with the salt repeated to one block."""
    block_bytes = hashlib.new(algorithm, usedforsecurity=False).block_size

    def compute(content: bytes, stored: Stored) -> bytes:
        key = (stored.salt * block_bytes)[:block_bytes]
        return hmac.new(key, content, algorithm).digest()

    return compute


def hex_first(algorithm: str, compute: Compute) -> Compute:
    """Return a computation over the hexadecimal digest of the password, instead of the password."""

    def of_digest(content: bytes, stored: Stored) -> bytes:
        return compute(plain_digest(algorithm, content).hex().encode("ascii"), stored)

    return of_digest


def keyed(algorithm: str, key: bytes, content: bytes) -> bytes:
    """Return the base64 of an HMAC: what is hashed by systems that hide from bcrypt how long a password is."""
    return to_base64(hmac.new(key, content, algorithm).digest()).encode("ascii")


def bcrypt(content: bytes, stored: Stored) -> bytes:
    """
    Compute bcrypt.

    Raises:
        MissingDependencyError: The extra is not installed.
    """
    try:
        # By its name: a host that has it not can still check its copy of this package with a type checker.
        module = import_module("bcrypt")
    except ImportError:
        raise MissingDependencyError("bcrypt") from None
    # Cut here, as the systems that wrote the hash did: bcrypt 5 raises for more.
    setting = b"$2b$%02d$" % stored.cost[0] + stored.salt
    written: bytes = module.hashpw(content[:BCRYPT_BYTES], setting)
    return written[len(setting) :]


def pbkdf2(algorithm: str) -> Compute:
    """Return a computation of PBKDF2 (RFC 8018) with HMAC, of as many bytes as are stored."""

    def compute(content: bytes, stored: Stored) -> bytes:
        return hashlib.pbkdf2_hmac(algorithm, content, stored.salt, stored.cost[0], len(stored.digest))

    return compute


def scrypt_within_bounds(n: int, r: int, p: int) -> bool:
    """Return whether a portal can afford one scrypt hash of this cost, and RFC 7914 §2 allows it."""
    # RFC 7914 asks for N < 2^(16 r) and p · r < 2^30; with r from 2 the other bounds imply both.
    return (
        n >= 2
        and n & (n - 1) == 0
        and 2 <= r <= MAX_SCRYPT_BLOCK_SIZE
        and 1 <= p <= MAX_SCRYPT_LANES
        and n * r * p <= MAX_SCRYPT_BLOCKS
    )


def scrypt(content: bytes, stored: Stored) -> bytes:
    """Compute scrypt (RFC 7914), of as many bytes as are stored."""
    n, r, p = stored.cost
    limit = scrypt_memory(stored)
    return hashlib.scrypt(content, salt=stored.salt, n=n, r=r, p=p, maxmem=limit, dklen=len(stored.digest))


def scrypt_memory(stored: Stored) -> int:
    """Return the memory of one scrypt hash, in bytes: N blocks of V, p of B and two to mix them, as OpenSSL counts."""
    n, r, p = stored.cost
    return _SCRYPT_BLOCK * r * (n + p + 2)


def argon2id(content: bytes, stored: Stored) -> bytes:
    """Compute Argon2id (RFC 9106), of as many bytes as are stored."""
    memory_kib, time_cost, lanes = stored.cost
    return raw_tag(
        content, stored.salt, memory_kib=memory_kib, time_cost=time_cost, lanes=lanes, tag_bytes=len(stored.digest)
    )


def argon2i(content: bytes, stored: Stored) -> bytes:
    """Compute Argon2i (RFC 9106), of as many bytes as are stored; never in an arena."""
    memory_kib, time_cost, lanes = stored.cost
    return low_level.hash_secret_raw(
        content, stored.salt, time_cost, memory_kib, lanes, len(stored.digest), low_level.Type.I
    )


def argon2_memory(stored: Stored) -> int:
    """Return the memory of one Argon2 hash, in bytes."""
    return stored.cost[0] * 1024
