"""
Hash fast in tests, and count the hashing: never for passwords of people.

The costs here are a thousandth of OWASP's minimum. Whoever reads such a hash can guess the password.
"""

from __future__ import annotations

import threading
from typing import Final

from ..accounts import PasswordHash
from ..hashers import Argon2Parameters
from ..hashers.details import costs_the_same, key_ring_of
from ..protocols import PasswordHasher
from ..secret import Secret

CHEAPEST_CHOSEN: Final = Argon2Parameters(memory_kib=16, time_cost=1, lanes=1, insecure_for_tests=True)
"""Instead of `CHOSEN`. Not equal to `CHEAPEST_ISSUED`, so that a test can tell the two costs apart."""

CHEAPEST_ISSUED: Final = Argon2Parameters(memory_kib=8, time_cost=1, lanes=1, insecure_for_tests=True)
"""Instead of `ISSUED`."""


class CountingHasher:
    """
    A `PasswordHasher` that counts the calls of another one. It can be used from many threads.

    Args:
        hasher: Does the work.

    Attributes:
        hashes: How often it hashed.
        verifies: How often it verified.
    """

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._lock = threading.Lock()
        self.hashes: int = 0
        self.verifies: int = 0

    @property
    def work(self) -> int:
        """How often it did one or the other; both cost the same."""
        return self.hashes + self.verifies

    def reset(self) -> None:
        """Count from 0 again."""
        with self._lock:
            self.hashes = self.verifies = 0

    @property
    def key_ring(self) -> object | None:
        """What the hasher says."""
        return key_ring_of(self._hasher)

    def costs_the_same(self, password_hash: PasswordHash, /) -> bool:
        """Return what the hasher says."""
        return costs_the_same(self._hasher, password_hash)

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return what the hasher says."""
        return self._hasher.identify(password_hash)

    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """Count, and return the password's hash."""
        with self._lock:
            self.hashes += 1
        return self._hasher.hash(password, salt=salt)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Count, and return whether the password is the hash's."""
        with self._lock:
            self.verifies += 1
        return self._hasher.verify(password, password_hash)

    def needs_rehash(self, password_hash: PasswordHash, /) -> bool:
        """Return what the hasher says."""
        return self._hasher.needs_rehash(password_hash)
