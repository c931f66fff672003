"""Compute what the schemes of other systems compute, with nothing but the standard library and Argon2."""

from __future__ import annotations

import hashlib
from typing import Final

from argon2 import low_level

from ..._text import MAX_PASSWORD_LENGTH
from .._phc import within_ceilings
from ._scheme import Compute, Stored

MAX_ITERATIONS: Final = {"sha1": 2_000_000, "sha256": 2_000_000, "sha512": 1_000_000}
"""
PBKDF2 iterations for each block of the digest: about half a second of one core, of which SHA-512 does half as many.
Django 5.2 writes 1,000,000 of SHA-256 and adds a fifth with each release, Werkzeug 3.1 as many of whichever it is told;
Odoo 600,000 of SHA-512, ASP.NET Core 100,000; OWASP asks for 1,400,000 of SHA-1.
"""

MAX_STRETCHED_BYTES: Final = 2**26
"""
Rounds times bytes of the password, of schemes that hash the whole password again in each round: 1,024 bytes, which is
every password, up to 65,536 rounds, and 102 with the 656,000 that passlib writes. Half a second of one core.
"""

MAX_SCRYPT_BLOCKS: Final = 2**20
"""
N · r · p of one scrypt hash: every row of OWASP's table and Django's 2^14 · 8 · 5 are within it. About 0.4 s, and
where p is 1 the memory is this times 128 bytes: 128 MiB.
"""

MAX_SCRYPT_LANES: Final = 16
"""p of one scrypt hash. OWASP's table ends at 10."""

_SCRYPT_BLOCK: Final = 128
"""Bytes of memory for each of N · r (RFC 7914 §5)."""

_BLOCK: Final = {"sha1": 20, "sha256": 32, "sha512": 64}
"""Bytes of one digest, and so of one block of PBKDF2."""


def iterations(algorithm: str, digest_bytes: int) -> range:
    """Return the numbers of PBKDF2 iterations that are within bounds for a digest of so many bytes."""
    # Each block is computed for itself: 64 bytes of SHA-1 cost what four times the iterations would.
    blocks = -(-digest_bytes // _BLOCK[algorithm])
    return range(1, MAX_ITERATIONS[algorithm] // blocks + 1)


def longest_stretched(stored: Stored) -> int:
    """Return how many bytes the password may have that goes into each round, of which the hash asks for so many."""
    return MAX_STRETCHED_BYTES // stored.cost[0]


def plain_digest(algorithm: str, content: bytes) -> bytes:
    """Return one digest. On a FIPS build MD5 is refused for security, and this is not what makes a hash secure."""
    return hashlib.new(algorithm, content, usedforsecurity=False).digest()


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


def pbkdf2(algorithm: str) -> Compute:
    """Return a computation of PBKDF2 (RFC 8018) with HMAC, of so many bytes as are stored."""

    def compute(content: bytes, stored: Stored) -> bytes:
        return hashlib.pbkdf2_hmac(algorithm, content, stored.salt, stored.cost[0], len(stored.digest))

    return compute


def scrypt_within_bounds(n: int, r: int, p: int) -> bool:
    """Return whether one scrypt hash of this cost is something that a portal can bear (and RFC 7914 §2 allows)."""
    # Of small r, N must be less than 2^(16 r); with r >= 2 the bound on the work sees to it.
    return n >= 2 and n & (n - 1) == 0 and r >= 2 and 1 <= p <= MAX_SCRYPT_LANES and n * r * p <= MAX_SCRYPT_BLOCKS


def scrypt(content: bytes, stored: Stored) -> bytes:
    """Compute scrypt (RFC 7914), of so many bytes as are stored."""
    n, r, p = stored.cost
    # OpenSSL counts a little more than the formula does; twice as much is still bounded.
    limit = 2 * scrypt_memory(stored) + _SCRYPT_BLOCK * r * (p + 2)
    return hashlib.scrypt(content, salt=stored.salt, n=n, r=r, p=p, maxmem=limit, dklen=len(stored.digest))


def scrypt_memory(stored: Stored) -> int:
    """Return the memory of one scrypt hash, in bytes."""
    n, r, _ = stored.cost
    return _SCRYPT_BLOCK * n * r


def argon2_within_bounds(memory_kib: int, time_cost: int, lanes: int) -> bool:
    """Return whether one Argon2 hash of this cost is something that a portal can bear."""
    return within_ceilings(memory_kib, time_cost, lanes)


def argon2id(content: bytes, stored: Stored) -> bytes:
    """Compute Argon2id (RFC 9106), of so many bytes as are stored."""
    memory_kib, time_cost, lanes = stored.cost
    return low_level.hash_secret_raw(
        content,
        stored.salt,
        time_cost=time_cost,
        memory_cost=memory_kib,
        parallelism=lanes,
        hash_len=len(stored.digest),
        type=low_level.Type.ID,
    )


def argon2_memory(stored: Stored) -> int:
    """Return the memory of one Argon2 hash, in bytes."""
    return stored.cost[0] * 1024


def password_bytes(password: str, encoding: str) -> bytes | None:
    """
    Return the bytes that another system hashed, or None where no password of anybody can be meant.

    NUL never gets through: HMAC pads its key with NULs, so that under PBKDF2 ``abc`` and ``abc`` with a NUL after it
    have one digest, and code in C stops at it.
    """
    if not 1 <= len(password) <= MAX_PASSWORD_LENGTH or "\0" in password:
        return None
    try:
        return password.encode(encoding)
    except UnicodeEncodeError:
        # Swallowed: the error holds the plaintext.
        return None
