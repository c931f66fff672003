"""What the tests of the pool share: work that lasts, and a count of places."""

from __future__ import annotations

import threading

from portalcreds.hashers import HashingPool


class Gate:
    """Work that lasts until the test lets it end."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self) -> str:
        """Say that it has begun, and wait."""
        self.entered.release()
        assert self.opened.wait(20)
        return threading.current_thread().name


def places_left(pool: HashingPool) -> int:
    """Count the places by taking them, and give them back."""
    taken = []
    while (place := pool.admit()) is not None:
        taken.append(place)
    for place in taken:
        place.give_back()
    return len(taken)
