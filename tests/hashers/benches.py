"""Hashers that count what they do, and the hashes that are tried on them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, cast

import attrs

from portalcreds.accounts import PasswordHash
from portalcreds.hashers import (
    Argon2Hasher,
    HashingPool,
    UpgradingHasher,
)
from portalcreds.hashers.upgrading import Permit
from portalcreds.protocols import HashCheck
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher

PASSWORD = "Correct Horse Ñ"
DECOMPOSED = unicodedata.normalize("NFD", PASSWORD)
OTHER = Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, memory_kib=32))


class Reversed:
    """A legacy scheme that is written by hand: ``reversed$`` and the password backwards. It counts what it does."""

    is_slow = False

    def __init__(self) -> None:
        self.verifies = 0

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether it is of this scheme."""
        return password_hash.encoded.startswith("reversed$")

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Count, and return whether it matches."""
        self.verifies += 1
        return password_hash.encoded == "reversed$" + password.reveal()[::-1]


class Broken(Reversed):
    """A legacy scheme whose verifier quotes the password in what it raises."""

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Fail as an encoder does."""
        raise UnicodeError(f"cannot encode {password.reveal()}")


@attrs.define
class Bench:
    """A hasher with counters on all it can do."""

    chosen: CountingHasher = attrs.field(factory=lambda: CountingHasher(Argon2Hasher(CHEAPEST_CHOSEN)))
    issued: CountingHasher = attrs.field(factory=lambda: CountingHasher(Argon2Hasher(CHEAPEST_ISSUED)))
    legacy: Reversed = attrs.field(factory=Reversed)
    pool: HashingPool = attrs.field(factory=lambda: HashingPool(workers=4, queue_limit=128))
    hasher: UpgradingHasher = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.hasher = UpgradingHasher(chosen=self.chosen, issued=self.issued, legacy=[self.legacy], pool=self.pool)
        self.reset()

    def reset(self) -> None:
        """Count from 0 again."""
        self.chosen.reset()
        self.issued.reset()
        self.legacy.verifies = 0

    @property
    def work(self) -> tuple[int, int, int]:
        """What was done since, by chosen, issued and legacy."""
        return self.chosen.work, self.issued.work, self.legacy.verifies

    def check(self, password: str, password_hash: PasswordHash | None) -> HashCheck:
        """Check in a place of its own."""
        permit = self.hasher.admit("bench")
        assert permit is not None
        with permit:
            return permit.check(Secret(password), password_hash)


def chosen_hash(password: str = PASSWORD) -> PasswordHash:
    """Write a hash at the chosen cost."""
    return Argon2Hasher(CHEAPEST_CHOSEN).hash(Secret(password))


def issued_hash(password: str = PASSWORD) -> PasswordHash:
    """Write a hash at the issued cost."""
    return Argon2Hasher(CHEAPEST_ISSUED).hash(Secret(password))


def other_hash(password: str = PASSWORD) -> PasswordHash:
    """Write a hash at neither cost."""
    return OTHER.hash(Secret(password))


def legacy_hash(password: str = PASSWORD) -> PasswordHash:
    """Write a hash of the old scheme."""
    return PasswordHash("reversed$" + password[::-1])


def admitted(hasher: UpgradingHasher) -> Permit:
    """Return a place that there must be."""
    permit = hasher.admit()
    assert permit is not None
    return permit


class Elsewhere:
    """An executor with nothing but ``submit``, that keeps what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.futures: list[Future[Any]] = []
        self.runs = True

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Run it at once, or never."""
        self.calls.append((function, *args))
        future: Future[Any] = Future()
        self.futures.append(future)
        if self.runs:
            future.set_result(function(*args))
        return future


def elsewhere() -> tuple[Elsewhere, Executor]:
    """Return the same twice: as what it is, and as what it has to pass for."""
    executor = Elsewhere()
    return executor, cast("Executor", executor)


def numbered(count: int) -> list[Secret]:
    """Return passwords that tell their place."""
    return [Secret(f"password {number}") for number in range(count)]


def assert_in_order(hashes: list[PasswordHash], count: int) -> None:
    """Check that each hash is that of the password of its place, at the issued cost."""
    issued = Argon2Hasher(CHEAPEST_ISSUED)
    assert len(hashes) == count
    assert all(issued.verify(secret, stored) for secret, stored in zip(numbered(count), hashes, strict=True))
    assert not any(issued.needs_rehash(stored) for stored in hashes)
