"""Who waits for a place in the hashing queue gets one in turn, and no place is ever lost."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.hashers import HashingPool
from portalcreds.hashers._waiting_room import WaitingRoom

LONG = 20.0
"""Seconds that no test waits for, unless something is broken."""


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


class Asking:
    """Callers on threads of their own."""

    def __init__(self, room: WaitingRoom) -> None:
        self.room = room
        self.threads = ThreadPoolExecutor(40)
        self.served: list[str] = []

    def ask(self, caller: str, patience: float = LONG) -> Future[bool]:
        """Have a caller take a place and keep it; return once they wait, or were served."""
        held: deque[None] = deque()

        def take() -> bool:
            got = self.room.take(held, caller, patience)
            if got:
                self.served.append(caller)
            return got

        future = self.threads.submit(take)
        until(lambda: future.done() or any(waiter.held is held for waiter in self.room._waiting.copy()))
        return future

    def give_back(self) -> None:
        """Give a place back that somebody held, and wait until whoever is next was served."""
        served = len(self.served)
        waits = bool(self.room._waiting)
        self.room.give_back(deque([None]))
        until(lambda: not waits or len(self.served) > served)


@pytest.fixture
def asking() -> Asking:
    """A room with one place, which is taken, and four seats."""
    room = WaitingRoom(1, seats=4)
    assert room.take(deque(), None, 0)
    return Asking(room)


def test_who_came_first_is_served_first(asking: Asking) -> None:
    """Among callers who had as many places lately."""
    answers = [asking.ask(caller) for caller in "abc"]
    for _ in answers:
        asking.give_back()
    assert [answer.result() for answer in answers] == [True] * 3
    assert asking.served == ["a", "b", "c"]


def test_who_had_fewer_places_is_served_before(asking: Asking) -> None:
    """R9: a flood from one address waits behind a family that comes once, although it came before."""
    for _ in range(2):
        asking.ask("flood")
        asking.give_back()
    for caller in ("flood", "flood", "family"):
        asking.ask(caller)
    for _ in range(3):
        asking.give_back()
    assert asking.served == ["flood", "flood", "family", "flood", "flood"]


def test_who_had_most_places_leaves_a_full_room(asking: Asking) -> None:
    """A full room refuses the flood, and not the family; and of equals whoever comes last."""
    asking.ask("flood")
    asking.give_back()
    flood = [asking.ask("flood") for _ in range(4)]
    family = asking.ask("family")
    assert flood.pop().result(1) is False
    assert asking.ask("flood").result(1) is False
    for _ in range(4):
        asking.give_back()
    assert family.result(1) is True
    assert asking.served == ["flood", "family", "flood", "flood", "flood"]


def test_waiting_ends(asking: Asking) -> None:
    """R21: whoever is not served in time is told so, and gets no place later."""
    assert asking.ask("a", patience=0.01).result() is False
    asking.room.give_back(deque([None]))
    assert asking.ask("b", patience=0.01).result() is True


def test_places_that_were_had_long_ago_are_forgotten(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """A family that signed in this morning is not behind a flood for that."""
    now = time.monotonic()
    for _ in range(5):
        asking.ask("family")
        asking.give_back()
    assert asking.room._count_of("family") == 5
    for later in (61, 122):
        monkeypatch.setattr(time, "monotonic", lambda later=later: now + later)
        asking.ask("other")
        asking.give_back()
    assert asking.room._count_of("family") == 0


def test_callers_are_counted_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood from ever new addresses does not fill the memory."""
    monkeypatch.setattr("portalcreds.hashers._waiting_room._MOST_CALLERS", 10)
    room = WaitingRoom(1, seats=1)
    for number in range(100):
        held: deque[None] = deque()
        assert room.take(held, f"caller {number}", 0)
        room.give_back(held)
    assert len(room._lately) + len(room._before) <= 20


@pytest.mark.parametrize("patience", [0.0, 0.0005, LONG])
def test_no_place_is_lost_or_made(patience: float) -> None:
    """R21: whatever threads do at once, no more places are held than there are, and all come back."""
    places, threads = 3, 12
    room = WaitingRoom(places, seats=threads)
    held_now = 0
    most = 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal held_now, most
        got = 0
        for turn in range(200):
            held: deque[None] = deque()
            if room.take(held, f"caller {(number + turn) % 5}", patience):
                with lock:
                    held_now += 1
                    most = max(most, held_now)
                got += 1
                if turn % 7 == 0:
                    time.sleep(0)
                with lock:
                    held_now -= 1
                room.give_back(held)
                room.give_back(held)
        return got

    with ThreadPoolExecutor(threads) as executor:
        got = list(executor.map(work, range(threads)))
    assert most <= places
    assert len(room._free) == places
    assert not room._waiting
    if patience == LONG:
        assert got == [200] * threads


def test_a_burst_waits_behind_a_family(asking: Asking) -> None:
    """R9: of a flood that fills the room in its first second one is served, and then a family that comes later."""
    flood = [asking.ask("flood") for _ in range(4)]
    asking.ask("family")
    assert flood.pop().result(1) is False
    for _ in range(4):
        asking.give_back()
    assert asking.served == ["flood", "family", "flood", "flood"]


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=30))
def test_turns_are_shared_out(asked: list[str]) -> None:
    """R9: whoever is served has had no more places before than anybody who still waits."""
    room = WaitingRoom(1, seats=len(asked))
    assert room.take(deque(), None, 0)
    asking = Asking(room)
    for caller in asked:
        asking.ask(caller)
    left = list(asked)
    had: Counter[str] = Counter()
    while left:
        asking.give_back()
        served = asking.served[-1]
        assert had[served] == min(had[caller] for caller in left)
        had[served] += 1
        left.remove(served)
    asking.threads.shutdown()


def test_a_pool_refuses_at_once_who_does_not_wait() -> None:
    """R21: without a caller, or without patience, a full queue answers at once."""
    with HashingPool(workers=1, queue_limit=2, patience=timedelta(minutes=1)) as pool:
        places = [pool.admit("a"), pool.admit("b")]
        assert None not in places
        assert pool.admit() is None
    with HashingPool(workers=1, queue_limit=3, patience=timedelta(0)) as pool:
        places = [pool.admit("a"), pool.admit("b"), pool.admit("c")]
        assert None not in places
        assert pool.admit("d") is None


def test_a_pool_hands_a_place_on_to_who_waits() -> None:
    """A place that is given back goes to who waits for it, and so does one that is dropped."""
    with HashingPool(workers=1, queue_limit=3, patience=timedelta(minutes=1)) as pool, ThreadPoolExecutor(1) as other:
        room = pool._state.room
        places = [pool.admit("a"), pool.admit("b")]
        waiting = other.submit(pool.admit, "c")
        until(lambda: bool(room._waiting))
        # The room is full.
        assert pool.admit("d") is None
        places.pop().give_back()  # type: ignore[union-attr]  # There is one.
        assert waiting.result(5) is not None
        another = other.submit(pool.admit, "d")
        until(lambda: bool(room._waiting))
        places.clear()
        assert another.result(5) is not None
        del waiting, another
        assert len(room._free) == 2
