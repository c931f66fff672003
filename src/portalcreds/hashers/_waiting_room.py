"""Let callers wait for a place in the hashing queue, and share the places out among them."""

from __future__ import annotations

import time
from collections import Counter, deque
from itertools import count, islice
from threading import Lock
from typing import Final

_LATELY: Final = 60.0
"""Seconds. A place counts against its caller for so long, and at most for twice as long."""

_MOST_CALLERS: Final = 10_000
"""Callers whose places are counted; with more of them, a place counts for less time."""


class WaitingRoom:
    """
    Places, and who waits for one.

    A flood takes many turns, and a family comes once. So what a caller asks for has a number: how many places they had
    lately, and how many they wait for already. The lowest number is served first, and the highest has to leave the room
    when it is full. A flood delays itself, as far as it comes from fewer callers than it makes calls.

    Nothing here is under a lock. A place comes back in the middle of whatever a thread was doing, as a finaliser runs
    there; and a caller may be interrupted between any two steps, which must lose no place. So whatever counts is one
    step of the interpreter, and a place is always in one deque.

    Args:
        places: How many there are.
        seats: How many may wait.
    """

    def __init__(self, places: int, seats: int) -> None:
        self._free: Final[deque[None]] = deque([None] * places)
        self._seats: Final = seats
        self._waiting: Final[dict[Waiter, None]] = {}
        self._turns: Final = count()
        self._lately: dict[str, int] = {}
        self._before: dict[str, int] = {}
        self._counted_from = time.monotonic()

    def take(self, held: deque[None], caller: str | None, patience: float) -> bool:
        """
        Move a place to *held*, and return whether there was one.

        Args:
            held: The caller's own deque.
            caller: Who asks, or None for somebody who does not wait.
            patience: How many seconds to wait at most.
        """
        if caller is None:
            return _move(self._free, held)
        if not self._waiting and _move(self._free, held):
            self._count(caller)
            return True
        return self._has_seat(caller) and self._wait(Waiter(held, caller, next(self._turns)), patience)

    def give_back(self, held: deque[None]) -> None:
        """Move the place back, for whoever is next. More than once is once."""
        if _move(held, self._free):
            self._serve()

    def _wait(self, waiter: Waiter, patience: float) -> bool:
        is_served = False
        self._waiting[waiter] = None
        try:
            # Only now: a place that came back before was given to nobody, and one that comes later sees who waits.
            self._serve()
            waiter.woken.acquire(timeout=patience)
            is_served = bool(waiter.held)
        finally:
            if not is_served:
                # A place that is just being handed over goes back, here or there.
                waiter.has_left = True
                self._waiting.pop(waiter, None)
                self.give_back(waiter.held)
        return is_served

    def _serve(self) -> None:
        """Give free places to those who wait."""
        while self._free and (line := self._line()):
            _, _, first = line[0]
            # Who takes the waiter out is the one who serves them; others look again.
            if self._waiting.pop(first, first) is first:
                continue
            if _move(self._free, first.held):
                self._count(first.caller)
                first.woken.release()
                if first.has_left:
                    _move(first.held, self._free)
            else:
                # Another thread was faster. Back in line; and a place that comes back meanwhile is seen above.
                self._waiting[first] = None
                if first.has_left:
                    self._waiting.pop(first, None)

    def _has_seat(self, caller: str) -> bool:
        """Return whether there is a seat, which somebody else may have to give up."""
        line = self._line()
        if len(line) < self._seats:
            return True
        mine = self._count_of(caller) + sum(waiter.caller == caller for _, _, waiter in line)
        if not line or line[-1][0] <= mine:
            return False
        _, _, last = line[-1]
        if self._waiting.pop(last, last) is not last:
            last.woken.release()
        return True

    def _line(self) -> list[tuple[int, int, Waiter]]:
        """Return who waits, each with their number and turn, in the order in which they are served."""
        asked: Counter[str] = Counter()
        line = []
        # A copy: a finaliser may give a place back at any time.
        for waiter in self._waiting.copy():
            line.append((self._count_of(waiter.caller) + asked[waiter.caller], waiter.turn, waiter))
            asked[waiter.caller] += 1
        return sorted(line)

    def _count_of(self, caller: str) -> int:
        return self._lately.get(caller, 0) + self._before.get(caller, 0)

    def _count(self, caller: str) -> None:
        now = time.monotonic()
        if now - self._counted_from > _LATELY or len(self._lately) >= _MOST_CALLERS:
            self._before, self._lately, self._counted_from = self._lately, {}, now
        # Two at once may be counted as one, which is no harm.
        self._lately[caller] = self._lately.get(caller, 0) + 1


class Waiter:
    """One who waits."""

    def __init__(self, held: deque[None], caller: str, turn: int) -> None:
        self.held = held
        self.caller = caller
        self.turn = turn
        self.has_left = False
        self.woken = Lock()
        self.woken.acquire()


def _move(source: deque[None], target: deque[None]) -> bool:
    """Move a place, and return whether there was one."""
    try:
        # In one step of the interpreter: an interruption between taking and holding would lose the place.
        target.extend(islice(iter(source.pop, ...), 1))
    except IndexError:
        return False
    return True
