"""Verify the hashes of other systems, by their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, Final

import attrs

from ..._text import MAX_PASSWORD_LENGTH
from ..._value import Value
from ...accounts import PasswordHash
from ...exceptions import ConfigurationError, HashingUnavailableError
from ...protocols import HashDescription
from ...secret import Secret
from .._codecs import encode
from ..details import UNKNOWN
from ._scheme import MAX_ENCODED_LENGTH, Scheme, Stored, is_match, passes_self_test
from ._table import SYSTEMS

ENCODINGS: Final = ("utf-8", "utf-16-le", "latin-1", "cp1252")
"""How the systems of an installed base turn passwords into bytes."""

MAX_PEPPERS: Final = 22
"""Moodle knew one salt of the site's, up to twenty that it had before, and none."""

MAX_PEPPER_LENGTH: Final = 1024
"""Characters of a pepper, which some schemes hash in each of many rounds. The longest in use has 128."""

_PEPPERS_HINT: Final = (
    "pass 1 to 22 texts of up to 1,024 ASCII characters without a NUL, '' for hashes made without one"
)


def is_possible(password: str) -> bool:
    """
    Return whether it can be anybody's password.

    A NUL is refused: HMAC pads its key with NULs, so that under PBKDF2 ``abc`` and ``abc`` with a NUL after it have the
    same digest, and C code stops at a NUL.
    """
    return 1 <= len(password) <= MAX_PASSWORD_LENGTH and "\0" not in password


@attrs.frozen(init=False, eq=False, repr=False)
class SystemVerifier(Value):
    """
    Verify the hashes that the named systems wrote: a `LegacyVerifier`, and a value.

    Each name stands for rows of one table. How each hash is stored, how much it may ask for and what it does not accept
    is in the how-to on hashing. Declare what you import, and nothing else.

    What is tried for one password is every encoding with every spelling that the systems had and every pepper. The
    number goes by what was typed, and not by what matches.

    It can be pickled and copied unless it has peppers: a process that needs one makes it itself.

    Args:
        systems: Their names, such as ``"wordpress"`` and ``"moodle"``.
        encodings: How they turned passwords into bytes, of `ENCODINGS`: two for a site that went to UTF-8 one day, such
            as ``("utf-8", "cp1252")``. By default what each system does. ``utf-16-le`` is for bare digests alone.
        peppers: The site's secret, and those it had before: Devise's pepper, Moodle's ``passwordsaltmain`` and
            ``passwordpeppers``, Flask-Security's ``SECURITY_PASSWORD_SALT``; each as text or as a `Secret`. An empty
            text is for hashes that were made without. Kept as secrets.

    Raises:
        ConfigurationError: There is no such system or encoding, a system needs a pepper, a pepper cannot be one or
            there are too many, or a backend fails its self-test.
        MissingDependencyError: A system wrote bcrypt, and the extra ``bcrypt`` is not installed.
    """

    systems: tuple[str, ...]
    encodings: tuple[str, ...]
    peppers: tuple[Secret, ...] = attrs.field(repr=False, hash=False)

    def __init__(self, *systems: str, encodings: Iterable[str] = (), peppers: Iterable[str | Secret] = ("",)) -> None:
        self.__attrs_init__(
            _names_in("systems", systems, SYSTEMS), _names_in("encodings", encodings, ENCODINGS), _peppers_in(peppers)
        )

    def __attrs_post_init__(self) -> None:
        if not self.systems:
            raise ConfigurationError("systems", _names_hint(SYSTEMS))
        if "utf-16-le" in self.encodings and not all(scheme.is_weak for scheme in self.schemes):
            raise ConfigurationError("encodings", "pass utf-16-le for digests alone: its NULs would end a password")
        needs_pepper = any(SYSTEMS[name].needs_pepper for name in self.systems)
        if needs_pepper and not all(pepper.reveal() for pepper in self.peppers):
            raise ConfigurationError("peppers", "pass the site's SECURITY_PASSWORD_SALT: each of the hashes needs it")
        # A broken backend is found here, and not in a school's records.
        failed = [scheme.name for scheme in self.schemes if not passes_self_test(scheme)]
        if failed:
            raise ConfigurationError(
                failed[0], "reinstall what computes it: hashlib, argon2 or bcrypt fails its self-test"
            )

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """The rows, of which at most one reads a given hash."""
        return _rows_of(self.systems)

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

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """Return the scheme of a hash that it identifies, and the numbers in it; for another, ``hash_unknown``."""
        found = self.find(password_hash)
        if found is None:
            return HashDescription(fault=UNKNOWN)
        scheme, stored = found
        return _described(scheme.name, scheme.is_weak, stored.cost, scheme.memory_bytes(stored))

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's. False for a hash that `identify` refuses.

        Raises:
            HashingUnavailableError: Memory ran out or the backend failed: nothing is known about the password.
        """
        # First of all: the code behind this works for as long as the hash asks for (R10).
        found = self.find(password_hash)
        if found is None:
            return False
        scheme, stored = found
        matches, failure = [], None
        try:
            # All of them, without stopping: the time must not tell which of them matched.
            matches = [is_match(scheme, content, stored) for content in self.contents(password, scheme)]
        except MemoryError:
            failure = "out_of_memory"
        except Exception as error:  # noqa: BLE001  OpenSSL's, Argon2's or bcrypt's own troubles.
            failure = type(error).__name__
        # Raised here, and not where it was caught: the context of an error holds the frames that hold the plaintext.
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
            if stored is not None:
                return scheme, stored
        return None

    def contents(self, password: Secret, scheme: Scheme, /) -> tuple[bytes, ...]:
        """Return the bytes that the systems may have hashed under a scheme. In plaintext."""
        typed = password.reveal()
        if not is_possible(typed):
            return ()
        spellings = dict.fromkeys(text for name in self.systems for text in SYSTEMS[name].spellings(typed))
        written = [encode(text, name) for name in self.encodings or (scheme.encoding,) for text in spellings]
        peppers = [pepper.reveal().encode("ascii") for pepper in self.peppers]
        found = (scheme.season(content, pepper) for content in written if content is not None for pepper in peppers)
        return tuple(dict.fromkeys(found))

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        if any(pepper.reveal() for pepper in self.peppers):
            raise TypeError("a SystemVerifier with peppers is not pickled or copied; make one where it is needed")
        return _restored, (self.systems, self.encodings)

    def __reduce__(self) -> tuple[object, ...]:
        return self.__reduce_ex__(0)


@lru_cache(maxsize=64)
def _rows_of(systems: tuple[str, ...]) -> tuple[Scheme, ...]:
    rows = {scheme.name: scheme for name in systems for scheme in SYSTEMS[name].schemes}
    return tuple(rows.values())


@lru_cache(maxsize=256)
def _described(scheme: str, is_weak: bool, cost: tuple[int, ...], memory_bytes: int) -> HashDescription:
    # One for all hashes of a table that say the same: a plan holds what each of them says.
    told = ",".join(map(str, cost))
    return HashDescription(scheme=scheme, cost=told, is_fast=is_weak, memory_bytes=memory_bytes)


def _restored(systems: tuple[str, ...], encodings: tuple[str, ...]) -> SystemVerifier:
    return SystemVerifier(*systems, encodings=encodings)


def _names_in(argument: str, names: object, known: Collection[str]) -> tuple[str, ...]:
    given = _in_order(argument, names, _names_hint(known))
    if not all(isinstance(name, str) and name in known for name in given):
        raise ConfigurationError(argument, _names_hint(known))
    return given


def _names_hint(known: Iterable[str]) -> str:
    return "pass some of " + ", ".join(known)


def _peppers_in(peppers: object) -> tuple[Secret, ...]:
    given = _in_order("peppers", peppers, _PEPPERS_HINT)
    try:
        secrets = tuple(map(Secret, given))
    except TypeError:
        raise ConfigurationError("peppers", _PEPPERS_HINT) from None
    if not 1 <= len(secrets) <= MAX_PEPPERS or not all(_is_pepper(secret.reveal()) for secret in secrets):
        raise ConfigurationError("peppers", _PEPPERS_HINT)
    return secrets


def _is_pepper(text: str) -> bool:
    # A NUL would end what is hashed, as in a password.
    return len(text) <= MAX_PEPPER_LENGTH and text.isascii() and "\0" not in text


def _in_order(argument: str, values: Any, hint: str) -> tuple[Any, ...]:
    # A text is an iterable of texts, too, and would be taken for its letters.
    if isinstance(values, str):
        return (values,)
    try:
        return tuple(values)
    except TypeError:
        raise ConfigurationError(argument, hint) from None
