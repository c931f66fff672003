"""Put a slow hash over imported weak ones, so that nothing weak is stored until its owner signs in."""

from __future__ import annotations

import re
from typing import Final

import attrs

from ..._arguments import has_methods
from ...accounts import PasswordHash
from ...exceptions import InvalidValueError
from ...protocols import HashDescription, PasswordHasher
from ...secret import Secret
from .._codecs import from_unpadded_base64, to_unpadded_base64
from .._phc import parse
from ..details import describe, memory_of
from ._scheme import MAX_ENCODED_LENGTH, TAG, Scheme, Stored
from .systems import SystemVerifier

_WRAPPED: Final = re.compile(r"\$pc\$wrapped-([a-z0-9-]{1,40})\$([A-Za-z0-9+/]{0,86})(\$.{1,400})", re.ASCII)
"""The scheme's name, its salt, and the whole of the other hash."""


@attrs.frozen(eq=False)
class Wrapping:
    """
    Wrap the weak hashes of one verifier, and verify what was wrapped: a `LegacyVerifier` like any other.

    The stored form has the name of the scheme, its salt, and a slow hash of the digest. The digest itself is not in it.
    Verifying computes the digest of the password and verifies that with the hasher, so the weak hash does not open the
    account. The first sign-in replaces it with an ordinary hash of the password.

    The verifier's other schemes are verified as they are. So this takes the place of the verifier: a host that declares
    both would let a weak hash in that was not wrapped, and an `UpgradingHasher` refuses that.

    A guess costs one slow hash for each of what the verifier tries for a password: each encoding, spelling and pepper.
    Where that is many, wrap with a cheap hasher, such as ``Argon2Hasher(ISSUED)``.

    Attributes:
        verifier: Whose weak schemes are wrapped.
        hasher: Writes and verifies the slow hash, such as an `Argon2Hasher`.

    Raises:
        ConfigurationError: The verifier or the hasher is none.
    """

    verifier: SystemVerifier = attrs.field(
        validator=has_methods("find", "contents", hint="pass a SystemVerifier, such as SystemVerifier('digests')")
    )
    hasher: PasswordHasher = attrs.field(
        validator=has_methods("identify", "hash", "verify", hint="pass a PasswordHasher, such as Argon2Hasher()")
    )

    @property
    def is_slow(self) -> bool:
        """Whether a clock can tell its work from that of other hashes (R7): it computes one hash more than others."""
        return True

    @property
    def claims(self) -> tuple[str, ...]:
        """Names of what it takes, so that no verifier declared after it is meant to take any of these."""
        return tuple(f"wrapped-{scheme.name}" if scheme.is_weak else scheme.name for scheme in self.verifier.schemes)

    @property
    def only_wrapped(self) -> tuple[PasswordHash, ...]:
        """A hash of each weak scheme, as it was before it was wrapped: no verifier beside this one may take it."""
        return tuple(PasswordHash(scheme.known) for scheme in self.verifier.schemes if scheme.is_weak)

    def wrap(self, password_hash: PasswordHash, /) -> PasswordHash:
        """
        Return what to store in place of a legacy hash. Do so on import, before the hash is written anywhere.

        `AccountService.plan_import` does it for a whole table, on all cores.

        Returns:
            The wrapped hash; the hash itself if it is not weak.

        Raises:
            InvalidValueError: The verifier does not identify the hash.
            HashingUnavailableError: Hashing failed.
        """
        # A table may hold NULLs and bare text, in spite of the type.
        is_hash = isinstance(getattr(password_hash, "encoded", None), str)
        found = self.verifier.find(password_hash) if is_hash else None
        if found is None:
            raise InvalidValueError("password_hash", "pass a PasswordHash that the verifier identifies")
        scheme, stored = found
        if not scheme.is_weak:
            return password_hash
        slow = self.hasher.hash(_inner(scheme, stored.digest))
        return PasswordHash(f"{TAG}wrapped-{scheme.name}${to_unpadded_base64(stored.salt)}{slow.encoded}")

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether it was wrapped, or is of a scheme of the verifier's that is not weak."""
        return self._read(password_hash) is not None or self._is_strong(password_hash)

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """Return what a wrapped hash says, or a digest that `wrap` takes; for any other, ``hash_unknown``."""
        found = self._read(password_hash)
        if found is None:
            said = self.verifier.describe(password_hash)
            return attrs.evolve(said, can_be_wrapped=True) if said.is_fast else said
        scheme, _, slow = found
        # It takes what it was written with, and not what the hasher would write today.
        stored = parse(slow.encoded)
        return attrs.evolve(
            describe(self.hasher, slow),
            scheme=f"wrapped-{scheme.name}",
            is_wrapped=True,
            memory_bytes=memory_of(self.hasher) if stored is None else stored.memory_bytes,
        )

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's. False for a hash that `identify` refuses.

        Raises:
            HashingUnavailableError: Hashing failed: nothing is known about the password.
        """
        found = self._read(password_hash)
        if found is None:
            return self._is_strong(password_hash) and self.verifier.verify(password, password_hash)
        scheme, stored, slow = found
        # All of them, without stopping: the time must not tell which of them matched.
        matches = [
            self.hasher.verify(_inner(scheme, scheme.compute(content, stored)), slow)
            for content in self.verifier.contents(password, scheme)
        ]
        return any(matches)

    def _is_strong(self, password_hash: PasswordHash) -> bool:
        found = self.verifier.find(password_hash)
        return found is not None and not found[0].is_weak

    def _read(self, password_hash: PasswordHash) -> tuple[Scheme, Stored, PasswordHash] | None:
        encoded = password_hash.encoded
        match = _WRAPPED.fullmatch(encoded) if len(encoded) <= MAX_ENCODED_LENGTH and encoded.isascii() else None
        if match is None:
            return None
        name, salt_text, slow_text = match.groups()
        scheme = next((one for one in self.verifier.schemes if one.name == name and one.is_weak), None)
        salt, slow = from_unpadded_base64(salt_text), PasswordHash(slow_text)
        if scheme is None or salt is None or not self.hasher.identify(slow):
            return None
        return scheme, Stored(salt=salt, digest=b""), slow


def _inner(scheme: Scheme, digest: bytes) -> Secret:
    # With the scheme's name, so that a digest is never taken for one of another scheme.
    return Secret(f"{scheme.name}:{digest.hex()}")
