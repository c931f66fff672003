"""Read what hashers and verifiers may say besides, by its name alone: `HasherDetails` and `VerifierDetails`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from ..accounts import PasswordHash
from ..exceptions import ConfigurationError
from ..protocols import HashDescription, LegacyVerifier, PasswordHasher

UNKNOWN: Final = "hash_unknown"
"""The fault of a hash that nobody identifies."""


def require(argument: str, part: object, *names: str) -> None:
    """
    Refuse a part of which a method is missing, or a class in place of an object.

    Raises:
        ConfigurationError: It cannot be used.
    """
    if isinstance(part, type) or not all(hasattr(part, name) for name in names):
        raise ConfigurationError(argument, "pass an object with " + ", ".join(names))


def memory_of(hasher: PasswordHasher) -> int:
    """Return the memory of one hash, in bytes."""
    return int(getattr(hasher, "memory_bytes", 0))


def key_ring_of(hasher: PasswordHasher) -> object | None:
    """Return the keys of the hasher's pepper, or None."""
    ring: object | None = getattr(hasher, "key_ring", None)
    return ring


def costs_the_same(hasher: PasswordHasher, password_hash: PasswordHash) -> bool:
    """Return whether verifying the hash costs what hashing costs."""
    says = getattr(hasher, "costs_the_same", None)
    return not hasher.needs_rehash(password_hash) if says is None else bool(says(password_hash))


def claims_of(verifier: LegacyVerifier) -> set[str]:
    """Return the names of the schemes that it takes."""
    return set(getattr(verifier, "claims", ()))


def describe(part: LegacyVerifier | PasswordHasher, password_hash: PasswordHash) -> HashDescription:
    """Return what a hash says that the part identifies, or could wrap; for any other, the fault ``hash_unknown``."""
    says = getattr(part, "describe", None)
    if says is not None:
        said: HashDescription = says(password_hash)
        return said
    if part.identify(password_hash):
        return HashDescription(scheme=name_of(part), is_fast=not getattr(part, "is_slow", True))
    return HashDescription(fault=UNKNOWN)


def name_of(part: LegacyVerifier | PasswordHasher) -> str:
    """Return what a hasher or verifier is called where hashes are counted: its class, and what it is of."""
    inner = getattr(part, "verifier", None)
    told = ", ".join(getattr(part, "systems", ())) if inner is None else name_of(inner)
    return f"{type(part).__name__}({told})" if told else type(part).__name__


class Wrapper(LegacyVerifier, Protocol):
    """A verifier that also puts slow hashes over fast digests, as `Wrapping` does."""

    def wrap(self, password_hash: PasswordHash, /) -> PasswordHash:
        """Return what to store in place of the digest."""
        ...


def wrappers_in(verifiers: Iterable[LegacyVerifier]) -> tuple[Wrapper, ...]:
    """Return those of the verifiers that are one."""
    # By attribute, like all that a verifier may do besides.
    return tuple(verifier for verifier in verifiers if callable(getattr(verifier, "wrap", None)))  # type: ignore[misc]  # Each has wrap.


def memory_to_wrap(wrapper: Wrapper) -> int:
    """Return the memory that one wrap takes, in bytes: that of a hash of its hasher."""
    return memory_of(getattr(wrapper, "hasher", wrapper))  # type: ignore[arg-type]  # By attribute, whatever it is.


def only_wrapped(verifier: LegacyVerifier) -> tuple[PasswordHash, ...]:
    """Return a hash of each weak scheme that it takes only when it is wrapped."""
    return tuple(getattr(verifier, "only_wrapped", ()))
