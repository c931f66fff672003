"""Verify with code of the host's own: its passlib context, or two functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import attrs

from ..._arguments import has_methods, is_callable, is_flag
from ...accounts import PasswordHash
from ...exceptions import ConfigurationError, HashingUnavailableError
from ...protocols import HashDescription
from ...secret import Secret
from .._codecs import encode
from ..details import UNKNOWN
from ._context_bounds import REFUSED, Demand, demand_of, unwrapped
from ._scheme import MAX_ENCODED_LENGTH
from .systems import is_possible

_NO_HASHES: Final = ("password", "correct horse battery staple")
"""Text that is a hash in no scheme that hides a password."""

_WRONG: Final = "not the known password"


class CryptContext(Protocol):
    """**Protocol:** What is used of passlib's, or libpass's, ``CryptContext``."""

    def schemes(self) -> Iterable[str]:
        """Return the names of its schemes."""
        ...

    def identify(self, encoded: str, /) -> object:
        """Return the name of the hash's scheme, or None."""
        ...

    def handler(self, scheme: Any, /) -> Any:
        """Return the class that handles the scheme, as the context configured it."""
        ...

    def verify(self, password: str | bytes, encoded: str, /) -> bool:
        """Return whether the password is the hash's."""
        ...


def _two_texts(verifier: object, attribute: attrs.Attribute[tuple[str, str]], value: object) -> None:
    if not (isinstance(value, tuple) and len(value) == 2 and all(isinstance(text, str) for text in value)):
        raise ConfigurationError("known", "pass a password and its hash, as two texts in a tuple")


@attrs.frozen(kw_only=True, eq=False)
class CallableVerifier:
    """
    Verify hashes of the host's own make, by two functions.

    The functions themselves must bound what a hash may ask for (R10). If *identifies* raises, it counts as a no. If
    *verifies* raises, nothing is known about the password: the sign-in is unavailable, and nobody is counted as a
    guesser. So let it return False, and not raise, for any password that a person can type.

    Attributes:
        identifies: Takes a hash, and returns whether it is well-formed, within bounds, and of this scheme.
        verifies: Takes a password and a hash, and returns whether the password is the hash's. Compare digests with
            ``hmac.compare_digest``.
        known: A password and its hash as the other system writes it, of no real account: the self-test.
        is_slow: Whether a clock can tell its work from that of other hashes (R7). True unless you know better.

    Raises:
        ConfigurationError: An argument cannot be used, it identifies plain text as a hash, or fails its self-test.
    """

    identifies: Callable[[str], object] = attrs.field(validator=is_callable(hint="pass a function of a hash"))
    verifies: Callable[[str, str], bool] = attrs.field(
        validator=is_callable(hint="pass a function of a password and a hash")
    )
    known: tuple[str, str] = attrs.field(repr=False, validator=_two_texts)
    is_slow: bool = attrs.field(default=True, validator=is_flag)

    def __attrs_post_init__(self) -> None:
        if any(_identified(self.identifies, text) for text in _NO_HASHES):
            raise ConfigurationError("identifies", "refuse plain text: stored plain text would let anybody in")
        if not _passes_self_test(self, *self.known):
            raise ConfigurationError(
                "verifies", "return True for the known password and its hash, False for any other, and raise nothing"
            )

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return what the function says; False for what is too long or not ASCII. Never raises."""
        return _identified(self.identifies, password_hash.encoded)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's. False for a hash that `identify` refuses.

        Raises:
            HashingUnavailableError: The function raised something, whose class is the code.
        """
        plaintext = password.reveal()
        if _utf8(plaintext) is None or not self.identify(password_hash):
            return False
        return _answer(lambda: self.verifies(plaintext, password_hash.encoded))


@attrs.frozen(eq=False)
class CryptContextVerifier:
    """
    Verify with the ``CryptContext`` that the host has, from passlib or libpass, whichever of the two it installed.

    A context bounds what it writes, but verifies whatever a hash asks for. Here a hash may ask for what the context
    would write itself, or for what the verifier of the same scheme in this package allows, whichever is more. scrypt
    has the latter bound alone. Argon2 is refused: hashes within bounds are verified without a context, and Django's
    form of them by `SystemVerifier`. passlib's schemes that hide no password are refused too.

    Each scheme hashes and verifies one password when the verifier is made, so that a backend that does not work, such
    as bcrypt 5 under passlib 1.7.4, is found here and not by a school's parents.

    Attributes:
        context: The context. Its schemes must not have ``plaintext`` among them, nor one that needs a user name.

    Raises:
        ConfigurationError: It is no context, identifies plain text as a hash, or a scheme fails its self-test.
    """

    context: CryptContext = attrs.field(
        validator=has_methods("schemes", "identify", "handler", "verify", hint="pass a CryptContext of passlib's")
    )

    def __attrs_post_init__(self) -> None:
        if any(_identified(self.context.identify, text) for text in _NO_HASHES):
            raise ConfigurationError("context", "take plaintext out of its schemes: stored plain text lets anybody in")
        failed = [scheme for scheme in self.context.schemes() if not self._scheme_works(scheme)]
        if failed:
            hint = "take it out of the context, or install a backend that works with this passlib: its self-test fails"
            raise ConfigurationError(f"context, scheme {failed[0]}", hint)

    @property
    def is_slow(self) -> bool:
        """Whether a clock can tell its work from that of other hashes (R7): assumed to be so."""
        return True

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the context knows the hash's scheme, and the hash is within bounds. Never raises."""
        return _identified(self._demand_of, password_hash.encoded)

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """Return the scheme of a hash that it identifies, as the context calls it; for another, ``hash_unknown``."""
        demand = self._demand_of(password_hash.encoded) if self.identify(password_hash) else None
        if demand is None:
            return HashDescription(fault=UNKNOWN)
        scheme = f"passlib-{self.context.identify(password_hash.encoded)}"
        return HashDescription(scheme=scheme, memory_bytes=demand.memory_bytes)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return what the context says. False for a hash that `identify` refuses.

        Raises:
            HashingUnavailableError: The context raised something, whose class is the code.
        """
        content = _utf8(password.reveal())
        demand = self._demand_of(password_hash.encoded) if self.identify(password_hash) else None
        if content is None or demand is None or len(content) > demand.longest:
            return False
        typed: str | bytes = password.reveal()
        if demand.significant is not None and len(content) > demand.significant:
            # The scheme ignores the rest, but bcrypt 5 raises for it.
            typed = content[: demand.significant]
        return _answer(lambda: self.context.verify(typed, password_hash.encoded))

    def _scheme_works(self, scheme: str) -> bool:
        try:
            handler = self.context.handler(scheme)
            inner = unwrapped(handler)
            if inner.name in REFUSED or getattr(inner, "is_disabled", False):
                return True
            if "rounds" in inner.setting_kwds:
                handler = handler.using(rounds=max(inner.min_rounds, 1))
            known = handler.hash("password")
        except Exception:  # noqa: BLE001  No backend, a broken one, or a scheme that needs more than a password.
            return False
        return _passes_self_test(self, "password", known)

    def _demand_of(self, encoded: str) -> Demand | None:
        return demand_of(self.context, encoded)


def _utf8(password: str) -> bytes | None:
    return encode(password) if is_possible(password) else None


def _identified(identify: Callable[[str], object], encoded: str) -> bool:
    if len(encoded) > MAX_ENCODED_LENGTH or not encoded.isascii():
        return False
    try:
        return bool(identify(encoded))
    except Exception:  # noqa: BLE001  A host's code may quote what it was given.
        return False


def _answer(verify: Callable[[], object]) -> bool:
    """Return whether a host's code says True, and raise only what quotes nothing."""
    try:
        return verify() is True
    except MemoryError:
        code = "out_of_memory"
    except Exception as error:  # noqa: BLE001  A host's code may quote what it was given.
        # passlib's word for a password that cannot be anybody's, such as one that is too long for the scheme.
        if any(base.__name__ == "PasswordValueError" for base in type(error).__mro__):
            return False
        code = type(error).__name__
    # Raised here, and not where it was caught: the context of an error holds the frames that hold the plaintext.
    raise HashingUnavailableError(code)


def _passes_self_test(verifier: CallableVerifier | CryptContextVerifier, password: str, encoded: str) -> bool:
    stored = PasswordHash(encoded)
    try:
        return verifier.verify(Secret(password), stored) and not verifier.verify(Secret(_WRONG), stored)
    except HashingUnavailableError:
        return False
