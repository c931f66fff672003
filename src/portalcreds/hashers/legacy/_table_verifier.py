"""Verify stored hashes by a table of schemes: what all verifiers of legacy hashes have in common."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ...accounts import PasswordHash
from ...exceptions import ConfigurationError, HashingUnavailableError
from ...secret import Secret
from ._digests import password_bytes
from ._scheme import MAX_ENCODED_LENGTH, Scheme, Stored, is_match, passes_self_test

ENCODINGS: Final = ("utf-8", "utf-16-le", "latin-1", "cp1252")
"""How the systems of an installed base turn passwords into bytes."""


@attrs.frozen(kw_only=True)
class TableVerifier:
    """
    A `LegacyVerifier` whose subclasses name the schemes that it verifies. A value: it can be pickled.

    Attributes:
        schemes: The rows, of which at most one reads a given hash.
        encoding: How the system turned passwords into bytes: one of `ENCODINGS`. PHP before 5.6, and databases of that
            time, often had ``cp1252`` or ``latin-1``.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = ()
    encoding: str = "utf-8"

    def __attrs_post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise ConfigurationError("encoding", "pass one of " + ", ".join(ENCODINGS))
        # A backend that says yes to everything, or no, shows itself here and not in a school's records.
        failed = [scheme.name for scheme in self.schemes if not passes_self_test(scheme)]
        if failed:
            raise ConfigurationError(
                failed[0], "reinstall what computes it: hashlib, argon2 or bcrypt fails its self-test"
            )

    @property
    def is_slow(self) -> bool:
        """Whether a clock can tell its work from that of other hashes, so that denials need a floor (R7)."""
        return any(scheme.is_slow for scheme in self.schemes)

    @property
    def claims(self) -> tuple[str, ...]:
        """Names of what it takes, so that no verifier declared after it is meant to take any of these."""
        return tuple(scheme.name for scheme in self.schemes)

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is well-formed, within bounds, and of one of the schemes. Never raises."""
        return self.find(password_hash) is not None

    def memory_bytes_for(self, password_hash: PasswordHash, /) -> int:
        """Return how much memory verifying this hash takes, in bytes; 0 for what is not worth counting."""
        found = self.find(password_hash)
        return 0 if found is None else found[0].memory_bytes(found[1])

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's. False for a hash that `identify` refuses.

        Raises:
            HashingUnavailableError: Memory ran out or the backend failed: nothing is known about the password.
        """
        # The gate comes first: behind it is code that works as long as the hash asks for (R10).
        found = self.find(password_hash)
        if found is None:
            return False
        matches, failure = [], None
        try:
            # All of them, without stopping: how long it takes must not tell which of them matched.
            matches = [is_match(found[0], content, found[1]) for content in self.contents(password)]
        except MemoryError:
            failure = "out_of_memory"
        except Exception as error:  # noqa: BLE001  OpenSSL's, Argon2's or bcrypt's own troubles.
            failure = type(error).__name__
        # Raised here and not where it was caught: an error's context holds the frames that hold the plaintext.
        if failure is not None:
            raise HashingUnavailableError(failure)
        return any(matches)

    def find(self, password_hash: PasswordHash, /) -> tuple[Scheme, Stored] | None:
        """Return the scheme of a hash and what the hash says, or None."""
        encoded = password_hash.encoded
        if len(encoded) > MAX_ENCODED_LENGTH or not encoded.isascii():
            return None
        for scheme in self.schemes:
            stored = scheme.read(encoded)
            if stored is not None and self.is_allowed(scheme, stored):
                return scheme, stored
        return None

    def is_allowed(self, scheme: Scheme, stored: Stored, /) -> bool:
        """Return whether a hash within the scheme's bounds is within this verifier's own; a subclass may narrow it."""
        return True

    def contents(self, password: Secret, /) -> tuple[bytes, ...]:
        """Return the bytes that the system may have hashed; more than one where it tried several. In plaintext."""
        content = password_bytes(password.reveal(), self.encoding)
        return () if content is None else (content,)
