"""The pool's bytes: in the order asked for, with idle arenas that count, give way and are released."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import attrs
import pytest

from portalcreds.hashers import Argon2Hasher, HashingPool, _arena
from portalcreds.hashers._arena import Arena, MemoryBudget
from portalcreds.hashers._bulk import outcome
from portalcreds.testing.hashers import CHEAPEST_ISSUED

KIB = 1024
CANARY = b"canary in a coal mine"
SALT = b"sixteen byte slt"
STAND_IN = Argon2Hasher(CHEAPEST_ISSUED)
LARGE = Argon2Hasher(attrs.evolve(CHEAPEST_ISSUED, memory_kib=4 * KIB))
"""Just large enough for an arena."""


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
    """What is kept is a part of the bytes, the oldest goes first, and none that is too small is handed out."""
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
    """A small hash takes a large arena before new memory, and leaves it to large ones while there is a small."""
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
    """An arena that comes back while somebody waits for one is handed on, and not made anew."""
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
