"""The bound on hashing: places, memory, interruptions, forks and the end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from types import FrameType
from typing import Any, NoReturn

import pytest

from portalcreds.exceptions import ConfigurationError, InvalidValueError, PortalCredsError
from portalcreds.hashers import HashingPool, HashingUnavailableError
from portalcreds.hashers._bulk import outcome

from .pools import Gate, places_left

MIB = 1024 * 1024


@pytest.fixture
def pool() -> Iterator[HashingPool]:
    """Two threads, and room for three callers."""
    with HashingPool(max_memory_bytes=10 * MIB, slot_memory_bytes=MIB, workers=2, queue_limit=3) as pool:
        yield pool


@pytest.mark.parametrize(
    ("memory_mib", "slot_mib", "workers", "expected"),
    [(128, 64, 8, 2), (128, 64, 1, 1), (64, 64, 8, 1), (127, 64, 8, 1), (256, 19, 4, 4), (5, 0, 4, 4)],
)
def test_memory_bounds_the_threads(memory_mib: int, slot_mib: int, workers: int, expected: int) -> None:
    """Never more threads than memory holds hashes of the most expensive profile."""
    pool = HashingPool(max_memory_bytes=memory_mib * MIB, slot_memory_bytes=slot_mib * MIB, workers=workers)

    assert pool.workers == expected
    assert pool.max_memory_bytes == memory_mib * MIB
    assert pool.queue_limit == 16 * expected


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"max_memory_bytes": 64 * MIB - 1}, "max_memory_bytes"),
        ({"max_memory_bytes": 0, "slot_memory_bytes": 0}, "max_memory_bytes"),
        ({"workers": -1}, "workers"),
        ({"queue_limit": 0}, "queue_limit"),
        ({"patience": timedelta(seconds=-1)}, "patience"),
        ({"patience": timedelta(minutes=2)}, "patience"),
        ({"patience": 2}, "patience"),
    ],
)
def test_a_pool_that_could_do_nothing_is_refused(arguments: dict[str, Any], argument: str) -> None:
    """Rather at construction than on the first day of school."""
    with pytest.raises(ConfigurationError) as caught:
        HashingPool(**arguments)

    assert caught.value.argument == argument


@pytest.mark.parametrize(("cores", "expected"), [(3, 3), (None, 1)])
def test_by_default_there_is_a_thread_for_each_core(
    cores: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R13: on all cores, and on one where nobody knows how many there are."""
    monkeypatch.setattr(os, "process_cpu_count", lambda: cores, raising=False)

    assert HashingPool().workers == expected


def test_work_runs_on_a_named_thread_of_the_pool(pool: HashingPool) -> None:
    """Nothing hashes on the caller's thread, where a signal handler could be swallowed."""
    place = pool.admit()
    assert place is not None

    assert place.run(lambda: threading.current_thread().name).startswith("hashing")


def test_a_full_queue_says_no_at_once(pool: HashingPool) -> None:
    """As many as may run and wait are let in; the next gets None, without waiting for anybody."""
    gate = Gate()
    places = [pool.admit() for _ in range(3)]

    with ThreadPoolExecutor(3) as callers:
        working = [callers.submit(place.run, gate) for place in places if place is not None]
        assert gate.entered.acquire(timeout=60)
        assert pool.admit() is None
        gate.opened.set()
        names = {caller.result() for caller in working}

    assert len(working) == 3
    assert len(names) <= 2
    assert pool.admit() is None
    for place in places:
        assert place is not None
        place.give_back()
        place.give_back()
    assert places_left(pool) == 3


def test_a_place_belongs_to_the_work_under_way(pool: HashingPool) -> None:
    """A caller who gives up gives the place back only when the work has ended."""
    gate = Gate()
    place = pool.admit()
    assert place is not None
    with ThreadPoolExecutor(1) as caller:
        working = caller.submit(place.run, gate)
        assert gate.entered.acquire(timeout=60)

        place.give_back()

        assert places_left(pool) == 2
        gate.opened.set()
        working.result()
    # The pool tells the caller first and then the place: another piece of work on each thread comes after both.
    for done in [pool.submit(str), pool.submit(str)]:
        outcome(done)
    assert places_left(pool) == 3


def test_work_that_has_not_begun_gives_its_place_back_at_once(pool: HashingPool) -> None:
    """Nobody waits for it any more, so it is not done at all."""
    gate = Gate()
    done: list[str] = []
    place = pool.admit()
    assert place is not None
    blockers = [pool.submit(gate), pool.submit(gate)]
    assert gate.entered.acquire(timeout=60)
    assert gate.entered.acquire(timeout=60)
    with ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(place.run, lambda: done.append("done"))
        while place._work is None:
            assert not waiting.done()

        place.give_back()

        assert places_left(pool) == 3
        with pytest.raises(HashingUnavailableError):
            waiting.result()
    gate.opened.set()
    for blocker in blockers:
        outcome(blocker)
    assert done == []


def test_a_place_that_is_dropped_comes_back(pool: HashingPool) -> None:
    """An interruption between taking a place and entering it does not lose it for good."""
    assert pool.admit() is not None
    assert places_left(pool) == 3


def test_an_exception_at_any_line_loses_no_place(pool: HashingPool) -> None:
    """A place that is taken for nobody would be missing for good: 32 of them, and everybody is told to try later."""

    class StopError(Exception):
        pass

    for line in count():
        left = line

        def trace(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal left
            if not frame.f_code.co_filename.endswith("pool.py") or frame.f_code.co_name in ("__del__", "give_back"):
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    raise StopError
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            place = pool.admit()
        except StopError:
            place = None
        finally:
            sys.settrace(before)
        ended = place is not None
        del place
        assert places_left(pool) == 3
        if ended:
            break
    assert line > 5


def test_256_callers_leave_no_place_behind(pool: HashingPool) -> None:
    """No deadlock, and as many places as before, however callers come and go."""
    shed = threading.Semaphore(0)

    def call(number: int) -> int:
        while (place := pool.admit()) is None:
            shed.release()
        try:
            return place.run(partial(hold, pool, number))
        finally:
            place.give_back()

    with ThreadPoolExecutor(32) as callers:
        assert list(callers.map(call, range(256))) == list(range(256))
    assert shed.acquire(blocking=False)
    assert places_left(pool) == 3


def hold(pool: HashingPool, number: int) -> int:
    """Take some memory, and give it back."""
    with pool.memory((number % 10 + 1) * MIB):
        return number


def test_memory_is_never_handed_out_twice() -> None:
    """What runs at once stays within the bytes of the pool, also if it is larger than a slot."""
    running = 0
    seen: list[int] = []
    lock = threading.Lock()

    def job(amount: int) -> None:
        nonlocal running
        with small.memory(amount):
            with lock:
                running += amount
                seen.append(running)
            with lock:
                running -= amount

    with HashingPool(max_memory_bytes=10, slot_memory_bytes=1, workers=6, queue_limit=1) as small:
        works = [small.submit(partial(job, amount)) for _ in range(100) for amount in (1, 4, 7, 10)]
        for work in works:
            outcome(work)

    assert len(seen) == 400
    assert max(seen) <= 10


def test_a_large_hash_does_not_starve_behind_small_ones() -> None:
    """Memory is handed out in the order asked for; a small one that came later waits."""
    order: list[str] = []
    gate = Gate()
    asked = threading.Event()

    def small_one() -> None:
        with small.memory(6):
            gate()
            order.append("first")

    def large() -> None:
        asked.set()
        with small.memory(10):
            order.append("large")

    def late() -> None:
        with small.memory(1):
            order.append("late")

    with HashingPool(max_memory_bytes=10, slot_memory_bytes=1, workers=3) as small:
        works = [small.submit(small_one)]
        assert gate.entered.acquire(timeout=60)
        works.append(small.submit(large))
        assert asked.wait(20)
        while not small._state.budget._door.locked():
            pass
        works.append(small.submit(late))
        gate.opened.set()
        for work in works:
            outcome(work)

    assert order == ["first", "large", "late"]


def test_memory_comes_back_after_an_error(pool: HashingPool) -> None:
    """A failing hash does not keep its bytes."""

    def fail() -> None:
        with pool.memory(10 * MIB):
            raise MemoryError

    with pytest.raises(HashingUnavailableError):
        outcome(pool.submit(fail))

    assert outcome(pool.submit(lambda: hold(pool, 9))) == 9


def raise_encode_error() -> None:
    """Fail as a verifier does that encodes what it was given."""
    "canary\ud800".encode()


def raise_out_of_memory() -> None:
    """Fail as CFFI does."""
    raise MemoryError("canary")


class PanicError(BaseException):
    """What an extension may raise: pyo3's PanicException is no `Exception` either."""


def raise_panic() -> None:
    """Fail as a Rust extension does."""
    raise PanicError("canary")


def raise_our_own() -> None:
    """Fail on purpose, with a cause that quotes the password."""
    raise InvalidValueError("password", "do it") from ValueError("canary")


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (raise_encode_error, HashingUnavailableError("UnicodeEncodeError")),
        (raise_out_of_memory, HashingUnavailableError("out_of_memory")),
        (raise_panic, HashingUnavailableError("PanicError")),
        (sys.exit, HashingUnavailableError("SystemExit")),
        (raise_our_own, InvalidValueError("password", "do it")),
    ],
)
def test_nothing_of_the_password_leaves_with_an_error(
    pool: HashingPool, job: Callable[[], None], expected: PortalCredsError
) -> None:
    """R14: neither text nor frames nor context of what a job raised; only the class is told."""
    place = pool.admit()
    assert place is not None

    with pytest.raises(type(expected)) as caught:
        place.run(job)

    assert str(caught.value) == str(expected)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert job.__name__ not in {entry.name for entry in caught.traceback}


def test_a_thread_that_is_interrupted_leaves_nobody_waiting(pool: HashingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: an exception thrown into the pool's thread between two lines of ours still becomes an answer."""

    def interrupted(job: Callable[[], str]) -> NoReturn:
        raise PanicError(job())

    monkeypatch.setattr("portalcreds.hashers.pool._result_of", interrupted)
    work = pool.submit(str)
    # Not `outcome`, which would wait for ever if this were not so.
    assert str(work.exception(timeout=60)) == str(HashingUnavailableError("interrupted"))


def test_a_place_given_back_hashes_no_more(pool: HashingPool) -> None:
    """R13: nobody hashes beyond the queue's limit with a place that somebody else may have by now."""
    place = pool.admit()
    assert place is not None
    assert place.run(str) == ""
    place.give_back()
    with pytest.raises(HashingUnavailableError, match="with block"):
        place.run(str)
