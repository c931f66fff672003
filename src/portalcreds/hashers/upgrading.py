"""Verify every stored hash at one and the same cost, and hash new passwords, one or those of a district."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from .._arguments import items_in
from .._closing import Closing
from .._text import TextFaultError, canonical_password
from ..accounts import PasswordHash
from ..exceptions import ConfigurationError, HashingUnavailableError, InvalidValueError
from ..protocols import HashCheck, HashDescription, HashMatch, LegacyVerifier, PasswordHasher
from ..secret import Secret
from ._arena import works_in_arena
from ._bulk import in_order, outcome, receive_from_elsewhere, send_elsewhere
from ._phc import PREFIX, parse
from .argon2 import CHOSEN, ISSUED, SALT_BYTES, Argon2Hasher
from .details import (
    UNKNOWN,
    Wrapper,
    claims_of,
    costs_the_same,
    describe,
    key_ring_of,
    memory_of,
    memory_to_wrap,
    name_of,
    only_wrapped,
    require,
    wrappers_in,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from .pool import HashingPool, PoolPlace

_OUTAGES: Final = frozenset({"closed", "interrupted", "no_thread", "out_of_memory"})
"""Codes of what keeps every hash from being verified."""

_AHEAD_PER_WORKER: Final = 2
"""Issued hashes in the pool for each thread: one that runs and one to go on with. Sign-ins wait behind no more."""

_AHEAD_ELSEWHERE: Final = 64
"""The same on an executor that was handed in, whose size nobody can ask for: enough for 32 cores."""


class UpgradingHasher(Closing):
    """
    Hash at two costs, verify these and older hashes, and make every refusal cost the same (R7).

    This is the one place that bounds the length of passwords and brings them to their canonical form. Making one costs
    one hash of each profile: make one for each process, or one before the process forks.

    Args:
        chosen: Writes the hashes of passwords that their owners chose; by default `Argon2Hasher` with `CHOSEN`.
        issued: Writes the hashes of issued ones; by default `Argon2Hasher` with `ISSUED`.
        legacy: Verify what neither of the two identifies. The first that identifies a hash verifies it, and no other.
        pool: Where to hash, or None for a pool of its own. A pool handed in is borrowed, and not closed.
        denial_floor: How long every denial takes at least by the clock. Needed with a slow legacy scheme, because no
            other denial does its work. Make it longer than that work takes on this machine, such as two seconds.

    Raises:
        ConfigurationError: One of these:

            - a part lacks a method of its protocol;
            - the profiles have different keys, or only one of them has any;
            - one hash of a profile, or of a wrapping, takes more memory than the pool has;
            - a legacy scheme is slow and there is no *denial_floor*, or it is not more than zero;
            - a legacy verifier would never be asked, because one before it takes its hashes;
            - beside a `Wrapping`, a legacy verifier takes the weak hashes that were to be wrapped.
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
        chosen = Argon2Hasher(CHOSEN) if chosen is None else chosen
        issued = Argon2Hasher(ISSUED) if issued is None else issued
        hint = "pass several verifiers, also for one: [SystemVerifier('django')]"
        legacy = tuple(items_in("legacy", legacy, hint, ConfigurationError))
        for argument, hasher in {"chosen": chosen, "issued": issued}.items():
            require(argument, hasher, "identify", "hash", "verify", "needs_rehash")
        for verifier in legacy:
            require("legacy", verifier, "is_slow", "identify", "verify")
        if key_ring_of(chosen) != key_ring_of(issued):
            raise ConfigurationError("issued", "pass the same KeyRing to both: each may meet a hash of the other")
        _refuse_shadowed(legacy)
        _refuse_unwrapped(legacy)
        # A number of seconds is what people pass in spite of the type, and it would fail at the first denial only.
        floor: object = denial_floor
        if floor is not None and not (isinstance(floor, timedelta) and floor > timedelta(0)):
            raise ConfigurationError("denial_floor", "pass a timedelta of more than zero, such as timedelta(seconds=2)")
        if denial_floor is None and any(verifier.is_slow for verifier in legacy):
            hint = "pass how long every denial takes at least, such as timedelta(seconds=2): a legacy scheme is slow"
            raise ConfigurationError("denial_floor", hint)
        wrappers = wrappers_in(legacy)
        largest = max(memory_of(chosen), memory_of(issued), *map(memory_to_wrap, wrappers))
        if pool is not None:
            require("pool", pool, "admit", "submit", "memory", "max_memory_bytes", "workers")
        if pool is not None and pool.max_memory_bytes < largest:
            raise ConfigurationError("pool", "allow for at least one hash of the most expensive profile")
        self._owns_pool: Final = pool is None
        if pool is None:
            from .pool import HashingPool

            pool = HashingPool(slot_memory_bytes=largest)
        self._pool: Final = pool
        self._chosen: Final = _Profile(chosen)
        self._issued: Final = _Profile(issued)
        self._legacy: Final = legacy
        self._wrappers: Final = wrappers
        self._denial_floor: Final = timedelta(0) if denial_floor is None else denial_floor

    @property
    def denial_floor(self) -> timedelta:
        """How long every denial takes at least by the clock; zero for as long as its work takes."""
        return self._denial_floor

    def admit(self, caller: str | None = None, /) -> Permit | None:
        """
        Return a place in the queue, or None if it is full; see `HashingPool.admit`.

        Raises:
            HashingUnavailableError: The pool is closed.
        """
        place = self._pool.admit(caller)
        return None if place is None else Permit(self, place)

    def hash_issued(
        self, passwords: Iterable[Secret], /, *, executor: Executor | None = None, may_leave_process: bool = False
    ) -> Iterator[PasswordHash]:
        """
        Yield the hashes of issued passwords in order, each with a salt of its own, on all cores (R13).

        Closing the iterator, or an error, cancels what has not begun. An executor is borrowed. It needs ``submit``, and
        its futures need ``result`` and ``cancel``.

        Args:
            passwords: The plaintexts; taken from the iterable only a little ahead of what was yielded.
            executor: Where to hash instead of on the pool's threads.
            may_leave_process: Whether the plaintexts may be sent to an executor outside this process. A
                ``ThreadPoolExecutor`` is inside.

        Raises:
            ConfigurationError: *executor* is not one, or plaintexts or the keys of a pepper would leave the process
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
        ring = key_ring_of(self._issued.verifier)
        if not isinstance(executor, ThreadPoolExecutor) and not getattr(ring, "may_leave_process", ring is None):
            raise ConfigurationError(
                "executor", "make the KeyRing with may_leave_process=True if its keys may be sent to this executor"
            )
        send = partial(self._send_issued_elsewhere, executor)
        return in_order(passwords, send, receive_from_elsewhere, ahead=_AHEAD_ELSEWHERE)

    @property
    def verifiers(self) -> tuple[str, ...]:
        """The legacy verifiers by class, each once."""
        return tuple(dict.fromkeys(name_of(verifier) for verifier in self._legacy))

    @property
    def old_key_ids(self) -> tuple[str, ...]:
        """The names of the keys on the ring, without the current one; empty without a pepper."""
        ring = key_ring_of(self._chosen.verifier)
        current = getattr(ring, "current", None)
        return tuple(name for name in getattr(ring, "names", ()) if name != current)

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """Return what a stored hash says, and whether a password can be verified against it. It costs no hashing."""
        route, said = self._look_up(password_hash)
        if not isinstance(route, str):
            # Of one of the hasher's own, it says all there is.
            return describe(route.verifier, password_hash) if said is None else said
        # Here: a portal without legacy hashes need not import their schemes.
        from .legacy._scheme import MAX_ENCODED_LENGTH

        is_too_long = route == UNKNOWN and len(password_hash.encoded) > MAX_ENCODED_LENGTH
        return attrs.evolve(said or HashDescription(), fault="hash_too_long" if is_too_long else route)

    def wrap_all(self, hashes: Iterable[PasswordHash], /) -> Iterator[PasswordHash]:
        """
        Yield what the verifiers of *legacy* that wrap make of each hash, in order, on all cores.

        Closing the iterator, or an error, cancels what has not begun.

        Args:
            hashes: Such as `describe` says can be wrapped; taken from the iterable only a little ahead of what was
                yielded.

        Raises:
            InvalidValueError: While iterating: a hash cannot be wrapped.
            HashingUnavailableError: While iterating: hashing failed, or the pool is closed.
        """
        return in_order(hashes, self._send_wrapped, outcome, ahead=_AHEAD_PER_WORKER * self._pool.workers)

    def match_each(self, tries: Iterable[tuple[PasswordHash, Sequence[Secret]]], /) -> Iterator[HashMatch]:
        """
        Yield for each hash which of its passwords is the one, in order, on all cores.

        Each hash costs what it costs to verify, for each password until one is right. Closing the iterator, or an
        error, cancels what has not begun.

        Args:
            tries: Hashes, and what to try on each; taken from the iterable only a little ahead of what was yielded.

        Raises:
            HashingUnavailableError: While iterating: there is no memory or no thread, or the pool is closed.
        """
        return in_order(tries, self._send_tries, _match_of, ahead=_AHEAD_PER_WORKER * self._pool.workers)

    def close(self) -> None:
        """Close the pool, unless it was handed in."""
        if self._owns_pool:
            self._pool.close()

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
            with self._pool.memory(profile.memory_bytes, in_arena=profile.in_arena):
                # Work for the clock: whatever it says is not a match.
                profile.verifier.verify(typed.canonical, profile.decoy)
        return HashCheck(matched=False, fault=fault)

    def _matches(self, typed: _Typed, password_hash: PasswordHash) -> bool:
        route = self._route(password_hash)
        return typed.fault is None and not isinstance(route, str) and self._is_match(route, typed, password_hash)

    def _is_match(self, route: _Route, typed: _Typed, password_hash: PasswordHash) -> bool:
        with self._pool.memory(route.memory_bytes, in_arena=route.in_arena):
            if route.verifier.verify(typed.canonical, password_hash):
                return True
            if isinstance(route, _Profile) or typed.raw is None:
                return False
            # The system that wrote it may have hashed what was typed as it was (R18).
            return route.verifier.verify(typed.raw, password_hash)

    def _route(self, password_hash: PasswordHash) -> _Route | str:
        """Return what verifies the hash, or as str the code for why nothing does."""
        return self._look_up(password_hash)[0]

    def _look_up(self, password_hash: PasswordHash) -> tuple[_Route | str, HashDescription | None]:
        """Return that, and what a legacy hash says; or what one says that could be wrapped."""
        profiles = [each for each in (self._chosen, self._issued) if each.verifier.identify(password_hash)]
        for profile in profiles:
            if costs_the_same(profile.verifier, password_hash):
                return profile, None
        if profiles:
            stored = parse(password_hash.encoded)
            memory_bytes = profiles[0].memory_bytes if stored is None else stored.memory_bytes
            return self._route_within(profiles[0].verifier, memory_bytes), None
        wrappable = None
        for verifier in self._legacy:
            said = describe(verifier, password_hash)
            if said.can_be_wrapped:
                wrappable = wrappable or said
            elif said.fault != UNKNOWN:
                said = _of_verifier(said, said.memory_bytes, name_of(verifier))
                return self._route_within(verifier, said.memory_bytes), said
        return "hash_refused" if password_hash.encoded.startswith(PREFIX) else UNKNOWN, wrappable

    def _route_within(self, verifier: LegacyVerifier | PasswordHasher, memory_bytes: int) -> _Route | str:
        return "hash_refused" if memory_bytes > self._pool.max_memory_bytes else _Route(verifier, memory_bytes)

    def _first_match(self, password_hash: PasswordHash, passwords: Sequence[_Typed]) -> HashMatch:
        route = self._route(password_hash)
        if isinstance(route, str):
            return HashMatch(fault=route)
        for place, typed in enumerate(passwords):
            if typed.fault is None and self._is_match(route, typed, password_hash):
                return HashMatch(place)
        return HashMatch()

    def _wrapper_of(self, password_hash: PasswordHash) -> Wrapper | None:
        return next((one for one in self._wrappers if describe(one, password_hash).can_be_wrapped), None)

    def _send_wrapped(self, password_hash: PasswordHash) -> Future[PasswordHash]:
        wrapper = self._wrapper_of(password_hash)
        if wrapper is None:
            raise InvalidValueError("password_hash", "pass one of which describe() says that it can be wrapped")
        memory_bytes = memory_to_wrap(wrapper)
        in_arena = works_in_arena(getattr(wrapper, "hasher", None), memory_bytes)

        def wrap() -> PasswordHash:
            with self._pool.memory(memory_bytes, in_arena=in_arena):
                return wrapper.wrap(password_hash)

        return self._pool.submit(wrap)

    def _send_tries(self, tried: tuple[PasswordHash, Sequence[Secret]]) -> Future[HashMatch]:
        password_hash, passwords = tried
        return self._pool.submit(partial(self._first_match, password_hash, [_read(each) for each in passwords]))

    def _hash(self, profile: _Profile, canonical: Secret, salt: bytes | None = None) -> PasswordHash:
        with self._pool.memory(profile.memory_bytes, in_arena=profile.in_arena):
            return profile.verifier.hash(canonical, salt=salt)

    def _send_issued(self, password: Secret) -> Future[PasswordHash]:
        return self._pool.submit(partial(self._hash, self._issued, _canonical(password)))

    def _send_issued_elsewhere(self, executor: Executor, password: Secret) -> Future[tuple[str, str]]:
        return send_elsewhere(executor, self._issued.verifier, _canonical(password), os.urandom(SALT_BYTES))


@lru_cache(maxsize=256)
def _of_verifier(said: HashDescription, memory_bytes: int, name: str) -> HashDescription:
    # One for all hashes of a table that say the same. With the memory, which descriptions are not compared by.
    return attrs.evolve(said, verifier=name)


class Permit(Closing):
    """A place in the queue of an `UpgradingHasher`; see `HashingPermit`."""

    def __init__(self, hasher: UpgradingHasher, place: PoolPlace) -> None:
        self._hasher = hasher
        self._place = place

    def close(self) -> None:
        """Give the place back, once the work under way has ended."""
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
        return self._place.run(partial(self._hasher._hash, self._hasher._chosen, _canonical(password)))


class _Route:
    """What verifies a hash that is of neither profile, and the memory that this takes."""

    def __init__(self, verifier: LegacyVerifier | PasswordHasher, memory_bytes: int) -> None:
        self.verifier = verifier
        self.memory_bytes = memory_bytes
        self.in_arena = False


class _Profile(_Route):
    """One of the two costs, and a hash of that cost whose password nobody knows."""

    verifier: PasswordHasher

    def __init__(self, hasher: PasswordHasher) -> None:
        super().__init__(hasher, memory_of(hasher))
        self.in_arena = works_in_arena(hasher, self.memory_bytes)
        # A real hash and not a made-up one, so that verifying it takes the same path in any hasher.
        self.decoy = hasher.hash(Secret(os.urandom(32).hex()))


def _refuse_shadowed(legacy: tuple[LegacyVerifier, ...]) -> None:
    """Refuse a verifier that would never be asked: accounts that only it can let in would be denied silently."""
    claimed: set[str] = set()
    for verifier in legacy:
        claims = claims_of(verifier)
        if claims & claimed:
            raise ConfigurationError(
                "legacy", f"declare {type(verifier).__name__} once, with all that it needs to know"
            )
        claimed |= claims


def _refuse_unwrapped(legacy: tuple[LegacyVerifier, ...]) -> None:
    """Refuse a verifier that takes what another takes only wrapped: a stolen digest that was stored would sign in."""
    weak = [password_hash for verifier in legacy for password_hash in only_wrapped(verifier)]
    for verifier in legacy:
        if any(verifier.identify(password_hash) for password_hash in weak):
            raise ConfigurationError(
                "legacy", f"leave {type(verifier).__name__} out: the Wrapping beside it verifies all that it should"
            )


def _match_of(work: Future[HashMatch]) -> HashMatch:
    try:
        return outcome(work)
    except HashingUnavailableError as error:
        # Of this process, and not of this hash: the next one would fare no better.
        if error.code in _OUTAGES:
            raise
        fault = error.code
    return HashMatch(fault=fault)


class _Typed(NamedTuple):
    """A password as read: what is hashed, what was typed if that is something else, and why it has no such form."""

    canonical: Secret
    raw: Secret | None = None
    fault: str | None = None


def _read(password: Secret) -> _Typed:
    raw = Secret(password)
    try:
        canonical = Secret(canonical_password(raw.reveal()))
    except TextFaultError as error:
        # With a stand-in, so that the same work can be done.
        return _Typed(Secret("stand-in"), fault=error.fault)
    return _Typed(canonical, None if canonical == raw else raw)


def _canonical(password: Secret) -> Secret:
    typed = _read(password)
    if typed.fault is not None:
        raise InvalidValueError(
            "password", f"pass 1 to 256 characters, none of them a control or a surrogate (this is {typed.fault})"
        )
    return typed.canonical
