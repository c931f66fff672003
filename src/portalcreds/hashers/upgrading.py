"""Verify whatever is stored at one and the same cost, and hash what is written anew, one password or a district's."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import attrs

from .._text import TextFaultError, canonical_password
from ..accounts import PasswordHash
from ..exceptions import ConfigurationError, InvalidValueError
from ..protocols import HashCheck, LegacyVerifier, PasswordHasher
from ..secret import Secret
from ._arena import Arena, worthwhile
from ._bulk import in_order, receive_from_elsewhere, send_elsewhere
from ._phc import PREFIX, parse
from .argon2 import CHOSEN, ISSUED, SALT_BYTES, Argon2Hasher
from .pool import HashingPool, JobResult, PoolPlace, outcome

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_AHEAD_PER_WORKER: Final = 2
"""Issued hashes in the pool for each thread: one that runs and one to go on with. Sign-ins queue behind no more."""

_AHEAD_ELSEWHERE: Final = 64
"""The same on an executor that was handed in, which cannot be asked for its size: enough for 32 cores."""


class UpgradingHasher:
    """
    Hash at two costs, verify these and older hashes, and let every refusal cost the same (R7).

    The one place where passwords are capped and brought to their canonical form. To make it costs one hash of each
    profile: make one for each process, or before it forks.

    Args:
        chosen: Writes the hashes of passwords that their owners chose; by default `Argon2Hasher` with `CHOSEN`.
        issued: Writes the hashes of issued ones; by default `Argon2Hasher` with `ISSUED`.
        legacy: Verify what neither of the two identifies. The first that identifies a hash is taken, and no other.
        pool: Where to hash, or None for a pool of its own. A pool handed in is borrowed, and not closed.
        denial_floor: How long every denial takes at least by the clock. Needed with a slow legacy scheme, whose work no
            other denial does: longer than it takes on this machine, such as two seconds.

    Raises:
        ConfigurationError: One hash of a profile takes more memory than the pool has; a legacy scheme is slow and
            *denial_floor* is missing, or that is not more than zero; or a legacy verifier would never be asked, because
            one before it takes its hashes.
    """

    def __init__(
        self,
        *,
        chosen: PasswordHasher | None = None,
        issued: PasswordHasher | None = None,
        legacy: Iterable[LegacyVerifier] = (),
        pool: HashingPool | None = None,
        denial_floor: timedelta | None = None,
    ) -> None:
        legacy = tuple(legacy)
        _refuse_shadowed(legacy)
        # Typed, but a number of seconds is what people pass, and it would fail at the first denial and not here.
        floor: object = denial_floor
        if floor is not None and not (isinstance(floor, timedelta) and floor > timedelta(0)):
            raise ConfigurationError("denial_floor", "pass a timedelta of more than zero, such as timedelta(seconds=2)")
        # What does not say that it is fast counts as slow.
        if denial_floor is None and any(getattr(verifier, "is_slow", True) for verifier in legacy):
            mend = "pass how long every denial takes at least, such as timedelta(seconds=2): a legacy scheme is slow"
            raise ConfigurationError("denial_floor", mend)
        chosen = Argon2Hasher(CHOSEN) if chosen is None else chosen
        issued = Argon2Hasher(ISSUED) if issued is None else issued
        largest = max(_memory_bytes(chosen), _memory_bytes(issued))
        if pool is not None and pool.max_memory_bytes < largest:
            raise ConfigurationError("pool", "allow for at least one hash of the most expensive profile")
        self._owns_pool: Final = pool is None
        self._pool: Final = HashingPool(slot_memory_bytes=largest) if pool is None else pool
        self._chosen: Final = _profile(chosen)
        self._issued: Final = _profile(issued)
        self._legacy: Final = legacy
        self._denial_floor: Final = timedelta(0) if denial_floor is None else denial_floor

    @property
    def denial_floor(self) -> timedelta:
        """How long every denial takes at least by the clock; zero for as long as its work takes."""
        return self._denial_floor

    def admit(self) -> Permit | None:
        """
        Return a place in the queue, or None at once if it is full.

        Raises:
            HashingUnavailableError: The pool is closed.
        """
        place = self._pool.admit()
        return None if place is None else Permit(self, place)

    def hash_issued(
        self, passwords: Iterable[Secret], /, *, executor: Executor | None = None, may_leave_process: bool = False
    ) -> Iterator[PasswordHash]:
        """
        Yield the hashes of issued passwords in order, each with a salt of its own, on all cores (R13).

        Closing the iterator, or an error, cancels what has not begun. An executor is borrowed: of it, only ``submit``
        is used, and of its futures ``result`` and ``cancel``.

        Args:
            passwords: The plaintexts; taken from the iterable only a little ahead of what was yielded.
            executor: Where to hash instead of on the pool's threads.
            may_leave_process: Whether the plaintexts may be sent to an executor that is not of this process's threads.

        Raises:
            ConfigurationError: *executor* is none, or plaintexts or the keys of a pepper would leave the process
                without permission (for the keys, the `KeyRing` gives it).
            InvalidValueError: While iterating: a password has no canonical form.
            HashingUnavailableError: While iterating: hashing failed, or the pool is closed.
        """
        if executor is None:
            return in_order(passwords, self._send_issued, outcome, ahead=_AHEAD_PER_WORKER * self._pool.workers)
        if not callable(getattr(executor, "submit", None)):
            raise ConfigurationError(
                "executor", "pass a concurrent.futures.Executor; a multiprocessing.Pool, for one, has no submit()"
            )
        from concurrent.futures import ThreadPoolExecutor

        if not may_leave_process and not isinstance(executor, ThreadPoolExecutor):
            raise ConfigurationError(
                "may_leave_process", "pass True if plaintexts may be sent to this executor, or a ThreadPoolExecutor"
            )
        if not isinstance(executor, ThreadPoolExecutor) and not self._issued.may_leave_process:
            raise ConfigurationError(
                "executor", "make the KeyRing with may_leave_process=True if its keys may be sent to this executor"
            )
        send = partial(self._send_issued_elsewhere, executor)
        return in_order(passwords, send, receive_from_elsewhere, ahead=_AHEAD_ELSEWHERE)

    def close(self) -> None:
        """Close the pool, unless it was handed in."""
        if self._owns_pool:
            self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, typed: _Typed, password_hash: PasswordHash | None) -> HashCheck:
        due = [self._chosen, self._issued]
        fault = None if typed.fault is None else f"password_{typed.fault}"
        if fault is None and password_hash is not None:
            route = self._route(password_hash)
            if isinstance(route, str):
                fault = route
            elif self._is_match(route, typed, password_hash):
                needs_upgrade = self._chosen.verifier.needs_rehash(password_hash)
                return HashCheck(matched=True, needs_upgrade=needs_upgrade)
            elif isinstance(route, _Profile):
                due.remove(route)
        for profile in due:
            with self._pool.memory(profile.memory_bytes, in_arena=profile.in_arena) as arena:
                # Work for the clock: whatever it says is not a match.
                profile.verify(arena, typed.canonical, profile.decoy)
        return HashCheck(matched=False, fault=fault)

    def _matches(self, typed: _Typed, password_hash: PasswordHash) -> bool:
        route = self._route(password_hash)
        return typed.fault is None and not isinstance(route, str) and self._is_match(route, typed, password_hash)

    def _is_match(self, route: _Route, typed: _Typed, password_hash: PasswordHash) -> bool:
        with self._pool.memory(route.memory_bytes, in_arena=route.in_arena) as arena:
            if route.verify(arena, typed.canonical, password_hash):
                return True
            if isinstance(route, _Profile) or typed.raw is None:
                return False
            # Whoever wrote it may have hashed what was typed as it was (R18).
            return route.verify(arena, typed.raw, password_hash)

    def _route(self, password_hash: PasswordHash) -> _Route | str:
        """Return what verifies the hash, or as str the code for why nothing does."""
        profiles = (self._chosen, self._issued)
        for profile in profiles:
            if profile.verifier.identify(password_hash) and profile.costs_the_same(password_hash):
                return profile
        for profile in profiles:
            if profile.verifier.identify(password_hash):
                stored = parse(password_hash.encoded)
                memory_bytes = profile.memory_bytes if stored is None else stored.memory_kib * 1024
                if memory_bytes > self._pool.max_memory_bytes:
                    return "hash_refused"
                return _Route(verifier=profile.verifier, memory_bytes=memory_bytes)
        for verifier in self._legacy:
            if verifier.identify(password_hash):
                measure = getattr(verifier, "memory_bytes_for", None)
                memory_bytes = int(measure(password_hash)) if callable(measure) else 0
                if memory_bytes > self._pool.max_memory_bytes:
                    return "hash_refused"
                return _Route(verifier=verifier, memory_bytes=memory_bytes)
        return "hash_refused" if password_hash.encoded.startswith(PREFIX) else "hash_unknown"

    def _hash_chosen(self, canonical: Secret) -> PasswordHash:
        with self._pool.memory(self._chosen.memory_bytes, in_arena=self._chosen.in_arena) as arena:
            return self._chosen.hash(arena, canonical)

    def _hash_issued(self, canonical: Secret, salt: bytes) -> PasswordHash:
        with self._pool.memory(self._issued.memory_bytes, in_arena=self._issued.in_arena) as arena:
            return self._issued.hash(arena, canonical, salt)

    def _send_issued(self, password: Secret) -> Future[JobResult[PasswordHash]]:
        return self._pool.submit(partial(self._hash_issued, _canonical(password), secrets.token_bytes(SALT_BYTES)))

    def _send_issued_elsewhere(self, executor: Executor, password: Secret) -> Future[tuple[str, str]]:
        return send_elsewhere(executor, self._issued.verifier, _canonical(password), secrets.token_bytes(SALT_BYTES))


class Permit:
    """A place in the queue of an `UpgradingHasher`: what `HashingPermit` says."""

    def __init__(self, hasher: UpgradingHasher, place: PoolPlace) -> None:
        self._hasher = hasher
        self._place = place

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self._place.give_back()

    def check(self, password: Secret, password_hash: PasswordHash | None, /) -> HashCheck:
        """
        Verify at the same cost whatever is wrong; see `HashingPermit.check`.

        Returns:
            With a fault, if the password or the hash was not looked at: ``password_empty``, ``password_too_long``,
            ``password_control_character``, ``password_surrogate``, ``hash_refused`` (an Argon2 hash out of bounds) or
            ``hash_unknown``.

        Raises:
            HashingUnavailableError: Nothing is known about the password.
        """
        return self._place.run(partial(self._hasher._check, _read(password), password_hash))

    def matches(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's, at the cost of that hash alone.

        Raises:
            HashingUnavailableError: Nothing is known about the password.
        """
        return self._place.run(partial(self._hasher._matches, _read(password), password_hash))

    def hash_chosen(self, password: Secret, /) -> PasswordHash:
        """
        Return the hash of a password its owner chose.

        Raises:
            InvalidValueError: The password has no canonical form.
            HashingUnavailableError: Hashing failed.
        """
        return self._place.run(partial(self._hasher._hash_chosen, _canonical(password)))


@attrs.frozen(kw_only=True, eq=False)
class _Route:
    """What verifies a hash that is of neither profile, and the memory that this takes."""

    verifier: LegacyVerifier | PasswordHasher
    memory_bytes: int = 0
    in_arena: bool = False

    def verify(self, arena: Arena | None, password: Secret, password_hash: PasswordHash) -> bool:
        if arena is not None and isinstance(self.verifier, Argon2Hasher):
            return self.verifier._verify_in(arena, password, password_hash)
        return self.verifier.verify(password, password_hash)


@attrs.frozen(kw_only=True, eq=False)
class _Profile(_Route):
    """One of the two costs, and a hash of that cost of which nobody knows the password."""

    verifier: PasswordHasher
    decoy: PasswordHash

    @property
    def may_leave_process(self) -> bool:
        key_ring = getattr(self.verifier, "key_ring", None)
        return key_ring is None or bool(key_ring.may_leave_process)

    def costs_the_same(self, password_hash: PasswordHash) -> bool:
        # Not in the protocol. A hash with an older key is to be written anew, but costs what the others cost (R7).
        says = getattr(self.verifier, "costs_the_same", None)
        return bool(says(password_hash)) if callable(says) else not self.verifier.needs_rehash(password_hash)

    def hash(self, arena: Arena | None, password: Secret, salt: bytes | None = None) -> PasswordHash:
        if arena is not None and isinstance(self.verifier, Argon2Hasher):
            return self.verifier._hash_in(arena, password, salt)
        return self.verifier.hash(password, salt=salt)


def _refuse_shadowed(legacy: tuple[LegacyVerifier, ...]) -> None:
    """Refuse a verifier that would never be asked: accounts that only it can let in would be denied without a word."""
    claimed: set[str] = set()
    for verifier in legacy:
        # Not in the protocol: of what does not say what it takes, nobody knows whether another one takes it too.
        claims = set(getattr(verifier, "claims", ()))
        if claims & claimed:
            raise ConfigurationError(
                "legacy", f"declare {type(verifier).__name__} once, with all that it needs to know"
            )
        claimed |= claims


def _profile(hasher: PasswordHasher) -> _Profile:
    memory_bytes = _memory_bytes(hasher)
    return _Profile(
        verifier=hasher,
        memory_bytes=memory_bytes,
        # Of a class made from it, nobody knows what the host changed.
        in_arena=type(hasher) is Argon2Hasher and worthwhile(memory_bytes),
        # A real hash and not a made-up one, so that verifying it goes the same way through any hasher.
        decoy=hasher.hash(Secret(secrets.token_urlsafe(32))),
    )


def _memory_bytes(hasher: PasswordHasher) -> int:
    # Not in the protocol: a host's hasher that does not say what it takes is bounded by the number of threads alone.
    return int(getattr(hasher, "memory_bytes", 0))


@attrs.frozen(kw_only=True)
class _Typed:
    """
    A password as read.

    Attributes:
        canonical: What is hashed; a stand-in if there is a fault, so that the same work can be done.
        raw: What was typed, if that is something else.
        fault: Why it has no canonical form, or None.
    """

    canonical: Secret
    raw: Secret | None = None
    fault: str | None = None


_STAND_IN: Final = Secret("stand-in")


def _read(password: Secret) -> _Typed:
    raw = Secret(password)
    try:
        canonical = Secret(canonical_password(raw.reveal()))
    except TextFaultError as error:
        return _Typed(canonical=_STAND_IN, fault=error.fault)
    return _Typed(canonical=canonical, raw=None if canonical == raw else raw)


def _canonical(password: Secret) -> Secret:
    typed = _read(password)
    if typed.fault is not None:
        raise InvalidValueError(
            "password", f"pass 1 to 256 characters, none of them a control or a surrogate (this is {typed.fault})"
        )
    return typed.canonical
