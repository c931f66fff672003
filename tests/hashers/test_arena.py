"""Memory that is kept from one hash to the next: the same tags, nothing left behind, and the plain call without it."""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import attrs
import pytest
from argon2 import low_level
from argon2.exceptions import HashingError
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.hashers import CHOSEN, ISSUED, Argon2Hasher, HashingPool, KeyRing, UpgradingHasher, _arena
from portalcreds.hashers._arena import Arena, MemoryBudget, arenas_work, raw_tag
from portalcreds.hashers.pool import outcome
from portalcreds.protocols import HashCheck
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_ISSUED

KIB = 1024
CANARY = b"canary in a coal mine"
SALT = b"sixteen byte slt"
STAND_IN = Argon2Hasher(CHEAPEST_ISSUED)


@pytest.fixture
def arena() -> Iterator[Arena]:
    """Half a MiB."""
    arena = Arena(512 * KIB)
    yield arena
    arena.close()


def on_a_thread(work: Callable[[], None]) -> None:
    """Run it where signal handlers do not run."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@given(
    st.binary(max_size=300),
    st.binary(min_size=16, max_size=64),
    st.integers(1, 3),
    st.integers(1, 16),
    st.integers(8, 30),
    st.sampled_from([16, 32, 64]),
)
def test_an_arena_gives_the_plain_tag(
    content: bytes, salt: bytes, time_cost: int, lanes: int, blocks: int, tag_bytes: int
) -> None:
    """A1: for every cost and length, with one thread in reused memory as with as many threads as lanes in fresh."""
    small = Arena(512 * KIB)
    memory_kib = blocks * lanes

    plain = low_level.hash_secret_raw(content, salt, time_cost, memory_kib, lanes, tag_bytes, low_level.Type.ID)
    tags = [
        raw_tag(
            content,
            salt,
            memory_kib=memory_kib,
            time_cost=time_cost,
            lanes=lanes,
            tag_bytes=tag_bytes,
            arena=where,
        )
        for where in (small, small, None)
    ]
    small.close()

    assert tags == [plain] * 3


# RFC 9106 §5.3.
RFC_TAG = bytes.fromhex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")


@pytest.mark.parametrize("reused", [False, True], ids=["plain memory", "an arena"])
def test_the_vector_of_the_standard(reused: bool, arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """A1: RFC 9106's own Argon2id tag, of its secret and its associated data, from the call that we make."""
    associated = low_level.ffi.new("uint8_t[]", bytes([4]) * 12)
    real = low_level.core

    def with_associated_data(context: Any, kind: int) -> int:
        # No PHC string has any, so the call knows none.
        context.ad, context.adlen = associated, 12
        return real(context, kind)

    monkeypatch.setattr(low_level, "core", with_associated_data)
    tags = [
        raw_tag(
            bytes([1]) * 32,
            bytes([2]) * 16,
            memory_kib=32,
            time_cost=3,
            lanes=4,
            tag_bytes=32,
            key=bytes([3]) * 8,
            arena=arena if reused else None,
        )
        for _ in range(2)
    ]

    assert tags == [RFC_TAG] * 2


class KeptBuffers:
    """Stands in for the foreign function interface, and keeps the buffers that are made of bytes."""

    def __init__(self, ffi: Any) -> None:
        self._ffi = ffi
        self.buffers: list[tuple[bytes, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ffi, name)

    def new(self, kind: str, content: Any) -> Any:
        """Make it, and keep it."""
        made = self._ffi.new(kind, content)
        if isinstance(content, bytes):
            self.buffers.append((content, made))
        return made

    def contents(self, content: bytes) -> list[bytes]:
        """Return what is now in the buffers that were made of *content*."""
        return [bytes(self._ffi.buffer(made)) for source, made in self.buffers if source == content]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_of_a_password_stays_behind(arena: Arena, fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """R14: neither in the arena, which the C code wipes, nor in the copies of password and key that we make."""
    key = b"another canary, a key"
    kept = KeptBuffers(low_level.ffi)
    monkeypatch.setattr(low_level, "ffi", kept)
    seen = []
    real = low_level.core

    def spy(context: Any, kind: int) -> int:
        seen.append((kept.contents(CANARY), kept.contents(key)))
        return -22 if fails else real(context, kind)

    monkeypatch.setattr(low_level, "core", spy)

    def work() -> None:
        try:
            raw_tag(CANARY, SALT, memory_kib=512, time_cost=2, lanes=4, tag_bytes=32, key=key, arena=arena)
        except HashingError:
            assert fails

    on_a_thread(work)

    assert seen == [([CANARY + b"\0"], [key + b"\0"])]
    assert not any(b"".join(kept.contents(CANARY) + kept.contents(key)))
    assert arena.memory[:] == bytes(arena.size)


def test_a_hash_that_is_larger_than_its_arena_runs_out_of_memory(arena: Arena) -> None:
    """R10: the C code never gets fewer bytes than it asked for."""
    with pytest.raises(HashingError, match="Memory allocation error"):
        raw_tag(CANARY, SALT, memory_kib=516, time_cost=1, lanes=1, tag_bytes=32, arena=arena)


def test_an_arena_is_of_one_process(arena: Arena) -> None:
    """What a child does in its copy of the memory is not seen by the parent."""
    child = os.fork()
    if child == 0:
        arena.memory[:4] = b"mine"
        os._exit(0)
    os.waitpid(child, 0)

    assert arena.memory[:4] == bytes(4)


@pytest.mark.parametrize("obstacle", ["not known", "not taken"])
def test_huge_pages_are_no_condition(obstacle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not know the advice, or the kernel does not take it, there is an arena all the same."""
    if obstacle == "not known":
        monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    else:
        monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 2**20)

    assert arenas_work()


# -- the plain call serves


class WithoutCallbacks(KeptBuffers):
    """A hardened kernel: memory for callbacks may be written or run, but not both."""

    def __init__(self, ffi: Any, error: type[Exception]) -> None:
        super().__init__(ffi)
        self._error = error

    def callback(self, *_args: object) -> None:
        """Fail as CFFI does there."""
        raise self._error("Cannot allocate write+execute memory for ffi.callback()")


def no_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse callbacks as libffi's allocator does."""
    monkeypatch.setattr(low_level, "ffi", WithoutCallbacks(low_level.ffi, MemoryError))


def no_closures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse callbacks as libffi's preparation does."""
    monkeypatch.setattr(low_level, "ffi", WithoutCallbacks(low_level.ffi, SystemError))


def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system refuse the mapping."""

    def refuse(*_args: object, **_kwargs: object) -> mmap.mmap:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)


def no_private_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a platform without them."""
    monkeypatch.delattr(mmap, "MAP_ANONYMOUS")


def another_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the core another idea of the hash than the plain call has."""
    real = low_level.core

    def wrong(context: Any, kind: int) -> int:
        context.t_cost += 1
        return real(context, kind)

    monkeypatch.setattr(low_level, "core", wrong)


def another_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a release without the core, whose documentation reserves the right."""
    monkeypatch.delattr(low_level, "core")


def unwiped_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave something in the arena after the last pass, as a core without wiping would."""
    real = Arena.__init__

    def dirty(arena: Arena, size: int) -> None:
        real(arena, size)
        allocate, _ = arena.callbacks
        start = low_level.ffi.cast("uint8_t *", arena._buffer)

        def free(_place: Any, _amount: int) -> None:
            start[size - 1] = 1

        # Final for readers; this stands in for C code that behaves in another way.
        arena.callbacks = (allocate, low_level.ffi.callback("void(uint8_t *, size_t)", free))  # type: ignore[misc]

    monkeypatch.setattr(Arena, "__init__", dirty)


OBSTACLES = [
    no_callbacks,
    no_closures,
    no_memory,
    no_private_maps,
    another_tag,
    another_context,
    unwiped_memory,
]


def test_arenas_work_here() -> None:
    """Without an obstacle there is an arena: or all that follows would show nothing."""
    assert arenas_work()


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_an_obstacle_is_found_at_construction(
    obstacle: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R23: arenas are optional; whatever is against them, the plain call serves, with the same hashes."""
    obstacle(monkeypatch)
    assert not arenas_work()
    asked: list[bool] = []
    real = MemoryBudget.hold

    def spy(budget: MemoryBudget, amount: int, *, in_arena: bool) -> AbstractContextManager[Arena | None]:
        asked.append(in_arena)
        return real(budget, amount, in_arena=in_arena)

    monkeypatch.setattr(MemoryBudget, "hold", spy)
    with UpgradingHasher(issued=STAND_IN) as hasher:
        permit = hasher.admit()
        assert permit is not None
        with permit:
            stored = permit.hash_chosen(Secret("password"))
            assert permit.check(Secret("password"), stored) == HashCheck(matched=True)
    assert asked == [False, False]
    assert Argon2Hasher(CHOSEN).verify(Secret("password"), stored)


@pytest.mark.parametrize("obstacle", [no_callbacks, no_closures, no_memory])
def test_an_obstacle_that_comes_later_is_no_failure(
    obstacle: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R23: also when memory or permission is gone after construction, the plain call serves."""
    with UpgradingHasher(issued=STAND_IN) as hasher:
        obstacle(monkeypatch)
        permit = hasher.admit()
        assert permit is not None
        with permit:
            stored = permit.hash_chosen(Secret("password"))
    assert Argon2Hasher(CHOSEN).verify(Secret("password"), stored)


def test_the_trial_runs_where_no_signal_handler_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that runs inside a callback is swallowed: not even the trial at construction is on the main thread."""
    threads = []
    real = Arena.__init__

    def spy(arena: Arena, size: int) -> None:
        threads.append(threading.current_thread())
        real(arena, size)

    monkeypatch.setattr(Arena, "__init__", spy)
    with UpgradingHasher(issued=STAND_IN) as hasher:
        assert not any(thread.is_alive() for thread in threads)
        next(hasher.hash_issued([Secret("password")]))
        permit = hasher.admit()
        assert permit is not None
        with permit:
            permit.check(Secret("password"), None)

    assert len(threads) == 2
    assert threading.main_thread() not in threads


# -- who gets one


@pytest.mark.parametrize("key_ring", [None, KeyRing(current="k", keys={"k": bytes(16)})], ids=["plain", "pepper"])
def test_all_that_is_large_is_done_in_one_arena(key_ring: KeyRing | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing, verifying, the decoy and a bulk share one slot's arena, and what comes of it is what a host gets."""
    arenas: list[Any] = []
    real = low_level.core

    def spy(context: Any, kind: int) -> int:
        arenas.append((context.m_cost, context.threads, context.allocate_cbk))
        return real(context, kind)

    plain = Argon2Hasher(attrs.evolve(CHOSEN, time_cost=2, memory_kib=32 * KIB), key_ring=key_ring)
    pool = HashingPool(workers=1)
    with pool:
        hasher = UpgradingHasher(chosen=plain, issued=plain, pool=pool)
        monkeypatch.setattr(low_level, "core", spy)
        permit = hasher.admit()
        assert permit is not None
        with permit:
            stored = permit.hash_chosen(Secret("password"))
            assert permit.check(Secret("password"), stored) == HashCheck(matched=True)
            assert permit.check(Secret("wrong"), None) == HashCheck(matched=False)
            hashes = list(hasher.hash_issued([Secret("password")] * 3))
    monkeypatch.undo()

    assert len(arenas) == 7
    assert len({str(entry[2]) for entry in arenas}) == 1
    assert {entry[:2] for entry in arenas} == {(32 * KIB, 1)}
    assert all(plain.verify(Secret("password"), written) for written in [stored, *hashes])
    assert not any(plain.needs_rehash(written) for written in [stored, *hashes])


class Louder(Argon2Hasher):
    """A host's own, made from ours."""

    def verify(self, password: Secret, password_hash: Any, /) -> bool:
        """Match whatever case was typed."""
        return super().verify(Secret(password.reveal().lower()), password_hash)


def test_a_class_made_from_ours_is_called_as_it_is() -> None:
    """What a host changed in a class of its own is not gone around."""
    with UpgradingHasher(chosen=Louder(CHOSEN), issued=STAND_IN) as hasher:
        permit = hasher.admit()
        assert permit is not None
        with permit:
            stored = permit.hash_chosen(Secret("password"))
            assert permit.check(Secret("PASSWORD"), stored).matched


def test_both_profiles_are_worth_an_arena() -> None:
    """B5: what the allocator keeps of a plain call's memory is in no budget, so both costs go through arenas."""
    assert _arena.WORTHWHILE_BYTES <= ISSUED.memory_bytes < CHOSEN.memory_bytes


def test_both_hashes_of_a_denial_share_one_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    """B5, R7: whichever of the two costs comes first, the second takes no memory besides that of the larger."""
    sizes: list[int] = []
    costs: list[int] = []
    real_init, real_core = Arena.__init__, low_level.core

    def making(arena: Arena, size: int) -> None:
        sizes.append(size)
        real_init(arena, size)

    def hashing(context: Any, kind: int) -> int:
        costs.append(context.m_cost)
        return real_core(context, kind)

    issued = Argon2Hasher(attrs.evolve(ISSUED, memory_kib=4 * KIB, insecure_for_tests=True))
    chosen = Argon2Hasher(attrs.evolve(ISSUED, memory_kib=8 * KIB, insecure_for_tests=True))
    with HashingPool(workers=1) as pool:
        hasher = UpgradingHasher(chosen=chosen, issued=issued, pool=pool)
        stored = issued.hash(Secret("password"))
        monkeypatch.setattr(Arena, "__init__", making)
        monkeypatch.setattr(low_level, "core", hashing)
        permit = hasher.admit()
        assert permit is not None
        with permit:
            assert not permit.check(Secret("wrong"), None).matched
            assert not permit.check(Secret("wrong"), stored).matched

    assert sizes == [8 * KIB * KIB]
    assert costs == [8 * KIB, 4 * KIB, 4 * KIB, 8 * KIB]


# -- the budget


def test_a_slot_gets_its_arena_again() -> None:
    """One after the other use the same memory; two at once do not."""
    budget = MemoryBudget(3 * KIB)
    with budget.hold(KIB, in_arena=True) as first, budget.hold(KIB, in_arena=True) as second:
        assert first is not second
    with budget.hold(KIB, in_arena=True) as third, budget.hold(KIB, in_arena=False) as none:
        assert third is first
        assert none is None
    budget.close()


def test_idle_arenas_count_and_give_way() -> None:
    """B5: what is kept is a part of the bytes, the oldest goes first, and none that is too small is handed out."""
    budget = MemoryBudget(8 * KIB)
    with budget.hold(KIB, in_arena=True) as small, budget.hold(4 * KIB, in_arena=True) as large:
        pass
    assert small is not None
    assert large is not None

    with budget.hold(4 * KIB, in_arena=False):
        # Only as much as was asked for, and not by the timer, which releases both.
        assert (large.memory.closed, small.memory.closed) == (True, False)
        with budget.hold(4 * KIB, in_arena=True) as next_one:
            assert next_one not in (small, large)
            assert small.memory.closed
    budget.close()


def test_the_smallest_that_will_do_is_handed_out() -> None:
    """B5: a small hash takes a large arena before new memory, and leaves it to large ones while there is a small."""
    budget = MemoryBudget(8 * KIB)
    with (
        budget.hold(2 * KIB, in_arena=True) as small,
        budget.hold(4 * KIB, in_arena=True) as large,
        budget.hold(2 * KIB, in_arena=True) as smaller,
    ):
        pass
    with (
        budget.hold(KIB, in_arena=True) as first,
        budget.hold(KIB, in_arena=True) as second,
        budget.hold(KIB, in_arena=True) as third,
    ):
        assert {first, second} == {small, smaller}
        assert third is large
        # Of the same size the one that was given back last.
        assert first is small
    with budget.hold(4 * KIB, in_arena=True) as again:
        assert again is large
    budget.close()


def test_who_waits_gets_what_is_given_back() -> None:
    """B5: an arena that comes back while somebody waits for one is handed on, and not made anew."""
    with HashingPool(max_memory_bytes=4 * KIB, slot_memory_bytes=1, workers=2) as pool:
        entered, opened = threading.Event(), threading.Event()
        seen: list[Arena | None] = []

        def first() -> None:
            with pool.memory(4 * KIB, in_arena=True) as arena:
                seen.append(arena)
                entered.set()
                opened.wait(20)

        def second() -> None:
            with pool.memory(4 * KIB, in_arena=True) as arena:
                seen.append(arena)

        works = [pool.submit(first)]
        assert entered.wait(20)
        works.append(pool.submit(second))
        while not pool._state.budget._door.locked():
            pass
        opened.set()
        for work in works:
            outcome(work)

    assert seen[0] is not None
    assert seen[0] is seen[1]
    assert seen[0].memory.closed


def test_an_idle_arena_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is left in peace gives the memory back, the older arena first, and uses a new one afterwards."""
    now = [100.0]
    timers: list[Timer] = []

    class Timer:
        def __init__(self, interval: float, function: Callable[[], None]) -> None:
            self.interval, self.function = interval, function
            self.daemon = False
            self.ended = ""
            timers.append(self)

        def start(self) -> None:
            assert self.daemon

        def cancel(self) -> None:
            self.ended += "cancelled "

        def join(self) -> None:
            self.ended += "joined"

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(threading, "Timer", Timer)
    budget = MemoryBudget(4 * KIB)
    with budget.hold(KIB, in_arena=True) as late, budget.hold(2 * KIB, in_arena=True) as early:
        pass
    now[0] = 106.0
    with budget.hold(KIB, in_arena=True) as again:
        assert again is late
    assert early is not None
    assert late is not None
    assert [timer.interval for timer in timers] == [10.0]

    now[0] = 110.0
    timers[0].function()
    assert (early.memory.closed, late.memory.closed) == (True, False)
    assert [timer.interval for timer in timers] == [10.0, 6.0]

    budget.close()
    assert late.memory.closed
    assert timers[1].ended == "cancelled joined"
    with budget.hold(4 * KIB, in_arena=True) as last:
        assert last is not None
    assert last.memory.closed
    budget.close()
    assert len(timers) == 2


def test_an_idle_arena_is_released_by_a_real_clock_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer is a thread that runs, once, and is gone when nothing is kept any more."""
    monkeypatch.setattr(_arena, "IDLE_SECONDS", 0.01)
    budget = MemoryBudget(KIB)
    with budget.hold(KIB, in_arena=True) as arena:
        assert arena is not None
    while not arena.memory.closed or budget._timer is not None:
        pass
    with budget.hold(KIB, in_arena=False):
        pass
    budget.close()


def test_without_a_thread_for_the_timer_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit of threads, and while the interpreter ends, hashing goes on and keeps no memory."""

    def refuse(_timer: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", refuse)
    budget = MemoryBudget(KIB)
    for _ in range(2):
        with budget.hold(KIB, in_arena=True) as arena:
            assert arena is not None
        assert arena.memory.closed
    budget.close()
