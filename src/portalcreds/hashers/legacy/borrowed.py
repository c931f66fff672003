"""Verify with code of the host's own: its passlib context, or two functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import attrs

from ...accounts import PasswordHash
from ...exceptions import ConfigurationError, HashingUnavailableError
from ...secret import Secret
from ._context_bounds import Demand, demand_of
from ._digests import password_bytes
from ._scheme import MAX_ENCODED_LENGTH

_NO_HASHES: Final = ("password", "correct horse battery staple")
"""What no scheme that hides a password has among its hashes."""


class CryptContext(Protocol):
    """**Protocol:** What is used of passlib's, or libpass's, ``CryptContext``."""

    def identify(self, encoded: str, /) -> object:
        """Return the name of the hash's scheme, or None."""
        ...

    def handler(self, scheme: Any, /) -> Any:
        """Return the class that handles the scheme, as the context configured it."""
        ...

    def verify(self, password: str, encoded: str, /) -> bool:
        """Return whether the password is the hash's."""
        ...


@attrs.frozen(kw_only=True)
class CallableVerifier:
    """
    Verify hashes of the host's own make, by two functions.

    Bounds on what a hash may ask for are theirs to keep (R10). What they raise counts as no match.

    Attributes:
        identifies: Takes a hash, and returns whether it is well-formed, within bounds, and of this scheme.
        verifies: Takes a password and a hash, and returns whether the one is the other's. Compare digests with
            ``hmac.compare_digest``.
        is_slow: Whether a clock can tell its work from that of other hashes (R7). True unless you know better.

    Raises:
        ConfigurationError: It identifies plain text as a hash.
    """

    identifies: Callable[[str], object]
    verifies: Callable[[str, str], bool]
    is_slow: bool = True

    def __attrs_post_init__(self) -> None:
        if any(_identified(self.identifies, text) for text in _NO_HASHES):
            raise ConfigurationError("identifies", "let it refuse plain text: stored plain text would let anybody in")

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return what the function says; False for what is too long or no ASCII. Never raises."""
        return _identified(self.identifies, password_hash.encoded)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's. False for a hash that `identify` refuses.

        Raises:
            HashingUnavailableError: Memory ran out: nothing is known about the password.
        """
        plaintext = password.reveal()
        if password_bytes(plaintext, "utf-8") is None or not self.identify(password_hash):
            return False
        answer = None
        try:
            answer = self.verifies(plaintext, password_hash.encoded) is True
        except MemoryError:
            pass
        except Exception:  # noqa: BLE001  A host's code may quote what it was given.
            answer = False
        # Raised here and not where it was caught: an error's context holds the frames that hold the plaintext.
        if answer is None:
            raise HashingUnavailableError("out_of_memory")
        return answer


@attrs.frozen
class CryptContextVerifier:
    """
    Verify with the ``CryptContext`` that the host has, from passlib or libpass, whichever of the two it installed.

    A context bounds what it writes, and verifies whatever a hash asks for. Here a hash may ask for what the context
    would write itself, or for what the verifier of the same scheme in this package lets through, whichever is more.
    scrypt has the latter bound alone. Argon2 is refused: what is within bounds is verified without a context, and
    Django's form of it by `Django`. So are passlib's schemes that hide no password.

    Attributes:
        context: The context. Its schemes must not have ``plaintext`` among them.

    Raises:
        ConfigurationError: The context identifies plain text as a hash.
    """

    context: CryptContext

    def __attrs_post_init__(self) -> None:
        if any(_identified(self.context.identify, text) for text in _NO_HASHES):
            raise ConfigurationError("context", "take plaintext out of its schemes: stored plain text lets anybody in")

    @property
    def is_slow(self) -> bool:
        """Whether a clock can tell its work from that of other hashes (R7): taken to be so."""
        return True

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the context knows the hash's scheme, and the hash is within bounds. Never raises."""
        return _identified(self._demand_of, password_hash.encoded)

    def memory_bytes_for(self, password_hash: PasswordHash, /) -> int:
        """Return how much memory verifying this hash takes, in bytes; 0 for what is not worth counting."""
        demand = self._demand_of(password_hash.encoded) if self.identify(password_hash) else None
        return 0 if demand is None else demand.memory_bytes

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return what the context says; False for what it raises, such as for 73 bytes under bcrypt 5.

        Raises:
            HashingUnavailableError: Memory ran out: nothing is known about the password.
        """
        verifier = CallableVerifier(identifies=self.context.identify, verifies=self._verifies)
        return self.identify(password_hash) and verifier.verify(password, password_hash)

    def _verifies(self, plaintext: str, encoded: str) -> bool:
        demand = self._demand_of(encoded)
        if demand is None or len(plaintext.encode("utf-8")) > demand.longest:
            return False
        return self.context.verify(plaintext, encoded)

    def _demand_of(self, encoded: str) -> Demand | None:
        return demand_of(self.context, encoded)


def _identified(identify: Callable[[str], object], encoded: str) -> bool:
    if len(encoded) > MAX_ENCODED_LENGTH or not encoded.isascii():
        return False
    try:
        return bool(identify(encoded))
    except Exception:  # noqa: BLE001  A host's code may quote what it was given.
        return False
