"""Put a slow hash over imported fast digests, so that nothing weak stays at rest until its owner signs in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

import attrs

from ...accounts import PasswordHash
from ...exceptions import ConfigurationError, InvalidValueError
from ...protocols import PasswordHasher
from ...secret import Secret
from .._arena import Arena, worthwhile
from .._bulk import in_order
from .._phc import parse
from ..argon2 import Argon2Hasher
from ..pool import HashingPool, outcome
from ._codecs import from_unpadded_base64, to_unpadded_base64
from ._scheme import MAX_ENCODED_LENGTH, Scheme, Stored
from ._table_verifier import TableVerifier
from ._tagged import TAG, WRAPPED

_AHEAD_PER_WORKER: Final = 2
"""Hashes in the pool for each thread: one that runs and one to go on with."""


@attrs.frozen
class Wrapping:
    """
    Wrap the fast digests of one verifier, and verify what was wrapped: a `LegacyVerifier` like another.

    What is stored names the scheme and has its salt, then the slow hash of the digest; the digest itself is nowhere.
    Verifying computes the digest of the password and asks the hasher for it, so the legacy hash does not open what was
    made of it. The first sign-in writes an ordinary hash of the password in its place.

    A guess costs one slow hash, and another one where the password was typed in a form that is not canonical. Under
    `Moodle` each of these is one for each salt and one for none, twice as many with a quote or a backslash in the
    password: wrap those with a cheap hasher, such as ``Argon2Hasher(ISSUED)``, if the site had more than two salts.

    Attributes:
        verifier: Whose fast schemes are wrapped.
        hasher: Writes and verifies the slow hash, such as an `Argon2Hasher`.
    """

    verifier: TableVerifier
    hasher: PasswordHasher

    @property
    def is_slow(self) -> bool:
        """Whether a clock can tell its work from that of other hashes (R7): it hashes once more than others do."""
        return True

    @property
    def claims(self) -> tuple[str, ...]:
        """Names of what it takes, so that no verifier declared after it is meant to take any of these."""
        return tuple(f"wrapped-{scheme.name}" for scheme in self.verifier.schemes if not scheme.is_slow)

    def wrap(self, password_hash: PasswordHash, /) -> PasswordHash:
        """
        Return what to store in place of a legacy hash: on import, before the hash is written anywhere.

        Raises:
            InvalidValueError: The verifier does not identify the hash, or its scheme is a slow one already.
            HashingUnavailableError: Hashing failed.
        """
        return self._wrap_in(None, password_hash)

    def wrap_all(self, password_hashes: Iterable[PasswordHash], /, *, pool: HashingPool) -> Iterator[PasswordHash]:
        """
        Yield what `wrap` makes of each hash of a whole table, in order, on all cores.

        Closing the iterator, or an error, cancels what has not begun.

        Args:
            password_hashes: The hashes; taken from the iterable only a little ahead of what was yielded.
            pool: Where to hash, and within how much memory; borrowed, not closed.

        Raises:
            ConfigurationError: One hash takes more memory than the pool has.
            InvalidValueError: While iterating, in the place of the hash: as for `wrap`.
            HashingUnavailableError: While iterating: hashing failed, or the pool is closed.
        """
        memory_bytes = int(getattr(self.hasher, "memory_bytes", 0))
        if memory_bytes > pool.max_memory_bytes:
            raise ConfigurationError("pool", "allow for at least one hash of the hasher's")
        # Of a class made from it, nobody knows what the host changed.
        in_arena = type(self.hasher) is Argon2Hasher and worthwhile(memory_bytes)

        def work(password_hash: PasswordHash) -> PasswordHash:
            with pool.memory(memory_bytes, in_arena=in_arena) as arena:
                return self._wrap_in(arena, password_hash)

        return in_order(
            password_hashes,
            lambda one: pool.submit(partial(work, one)),
            outcome,
            ahead=_AHEAD_PER_WORKER * pool.workers,
        )

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether it was wrapped, with one of the verifier's fast schemes in a hash of the hasher's."""
        return self._read(password_hash) is not None

    def memory_bytes_for(self, password_hash: PasswordHash, /) -> int:
        """Return how much memory verifying this hash takes, in bytes, as far as it or the hasher tells."""
        found = self._read(password_hash)
        if found is None:
            return 0
        # What it takes is what it was written with, and not what the hasher would write today.
        slow = parse(found[2].encoded)
        return int(getattr(self.hasher, "memory_bytes", 0)) if slow is None else slow.memory_kib * 1024

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's. False for a hash that `identify` refuses.

        Raises:
            HashingUnavailableError: Hashing failed: nothing is known about the password.
        """
        found = self._read(password_hash)
        if found is None:
            return False
        scheme, stored, slow = found
        # All of them, without stopping: how long it takes must not tell which of them matched.
        matches = [
            self.hasher.verify(_inner(scheme, scheme.compute(content, stored)), slow)
            for content in self.verifier.contents(password)
        ]
        return any(matches)

    def _wrap_in(self, arena: Arena | None, password_hash: PasswordHash) -> PasswordHash:
        found = self.verifier.find(password_hash)
        if found is None:
            raise InvalidValueError("password_hash", "pass a hash that the verifier identifies")
        scheme, stored = found
        if scheme.is_slow:
            raise InvalidValueError("password_hash", f"import it as it is: {scheme.name} is slow without being wrapped")
        inner = _inner(scheme, stored.digest)
        if arena is not None and isinstance(self.hasher, Argon2Hasher):
            slow = self.hasher._hash_in(arena, inner, None)
        else:
            slow = self.hasher.hash(inner)
        return PasswordHash(f"{TAG}wrapped-{scheme.name}${to_unpadded_base64(stored.salt)}{slow.encoded}")

    def _read(self, password_hash: PasswordHash) -> tuple[Scheme, Stored, PasswordHash] | None:
        encoded = password_hash.encoded
        match = WRAPPED.fullmatch(encoded) if len(encoded) <= MAX_ENCODED_LENGTH and encoded.isascii() else None
        if match is None:
            return None
        name, salt_text, slow_text = match.groups()
        scheme = next((one for one in self.verifier.schemes if one.name == name and not one.is_slow), None)
        salt, slow = from_unpadded_base64(salt_text), PasswordHash(slow_text)
        if scheme is None or salt is None or not self.hasher.identify(slow):
            return None
        return scheme, Stored(salt=salt, digest=b""), slow


def _inner(scheme: Scheme, digest: bytes) -> Secret:
    # With the scheme's name, so that no digest counts as another scheme's.
    return Secret(f"{scheme.name}:{digest.hex()}")
