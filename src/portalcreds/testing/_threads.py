"""Do several things at the same time, as the threads and processes of a portal do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from threading import Barrier
from typing import Final, TypeVar

_T = TypeVar("_T")

_SECONDS: Final = 0.15
"""How long to write while somebody reads; a store in memory writes hundreds of times in it."""

_PAUSE: Final = 0.0002
_WRITER, _READER = "writer", "reader"

_WRITES: Final = 20
"""How often to write at least, however slow the store is."""


def at_once(calls: Sequence[Callable[[], _T]], *, threads: bool = True) -> list[_T]:
    """
    Make the calls at the same time, a thread each, and return what they returned, in the order of the calls.

    Args:
        calls: What to call.
        threads: False to make the calls one after the other instead, for what one thread has to itself.
    """
    if not threads:
        return [call() for call in calls]
    start = Barrier(len(calls))

    def one(call: Callable[[], _T]) -> _T:
        start.wait()
        return call()

    # Imported here because it is slow, and importing a contract runs no race.
    from concurrent.futures import ThreadPoolExecutor

    with _switching_often(), ThreadPoolExecutor(len(calls)) as pool:
        racing = [pool.submit(one, call) for call in calls]
    for error in filter(None, [future.exception() for future in racing]):
        # Raised here, because an error in a thread would go unseen.
        raise AssertionError(f"{type(error).__name__} in a race; losing one is a result, not an error") from error
    return [future.result() for future in racing]


def read_while_writing(
    prepare: Callable[[int], Callable[[], None]], read: Callable[[], _T], *, threads: bool = True
) -> list[_T]:
    """
    Read again and again while another thread writes, and return what was read; of equal values in a row, one.

    Args:
        prepare: Returns what writes the first, second, third time and so on. It has done all that can be done before.
        read: Reads once, in the thread of the caller.
        threads: False to read after each write instead.
    """
    seen: list[_T] = []

    def look() -> None:
        value = read()
        if not seen or seen[-1] != value:
            seen.append(value)

    numbers = count(1)
    if not threads:
        for number in islice(numbers, _WRITES):
            prepare(number)()
            look()
        return seen

    # Imported here for the same reason as above.
    from concurrent.futures import ThreadPoolExecutor

    # Whoever wakes up interrupts the other, wherever that is just then: first the writer the reader, then the other way
    # around. Without a pause the two would take turns in the same places.
    for pauses in (_WRITER, _READER):
        with _switching_often(), ThreadPoolExecutor(1) as pool:
            writing = pool.submit(_write, map(prepare, numbers), pauses)
            while not writing.done():
                if pauses is _READER:
                    time.sleep(_PAUSE)
                look()
        look()
        if (error := writing.exception()) is not None:
            raise AssertionError(f"{type(error).__name__} while another thread was reading") from error
    return seen


def _write(writes: Iterator[Callable[[], None]], pauses: str) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        # Prepared beforehand, so that most of the time is spent in the store.
        for write in list(islice(writes, _WRITES)):
            if pauses is _WRITER:
                time.sleep(_PAUSE)
            write()


@contextmanager
def _switching_often() -> Iterator[None]:
    # Between two statements of a store in Python there is no time for another thread, unless it is given some.
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
