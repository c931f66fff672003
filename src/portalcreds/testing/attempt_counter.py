"""Find out whether a counter of attempts can be relied on: inherit from one class and say how your counter is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import ClassVar, Final

from ..protocols import AttemptCounter

_WINDOW: Final = timedelta(minutes=10)
_MICROSECOND: Final = timedelta(microseconds=1)
_THREADS: Final = 8
_HITS: Final = 25
"""Hits of each thread; a counter that reads, adds and writes loses most of them."""


class ManualClock:
    """A clock that stands still until it is set: hand it to the counter under test as its clock."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 15, 8, 30, 0, 123_457, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the instant that it was set to."""
        return self.now


class AttemptCounterContract:
    """
    The rules that every `AttemptCounter` must keep, as tests for pytest.

    Inherit from it under a name that begins with ``Test``, and override the fixtures ``clock`` and ``counter`` so that
    they give a `ManualClock` and a fresh counter that goes by it::

        class TestMyCounter(AttemptCounterContract):
            @pytest.fixture
            def clock(self):
                return ManualClock()

            @pytest.fixture
            def counter(self, clock):
                return MyCounter(clock=clock)

    Attributes:
        keeps_ended: Whether counts whose windows ended take room until `purge`. Set it to False for a counter over a
            storage that drops them by itself, as Redis does: its `purge` finds none, and says so.
    """

    keeps_ended: ClassVar[bool] = True

    def test_nothing_was_counted_yet(self, counter: AttemptCounter) -> None:
        """A key that was never hit has the count 0."""
        assert counter.counts(["key"])[0] == 0

    def test_a_hit_returns_the_new_count(self, counter: AttemptCounter) -> None:
        """Each hit adds one and says so."""
        assert [counter.hit("key", _WINDOW) for _ in range(3)] == [1, 2, 3]
        assert counter.counts(["key"])[0] == 3

    def test_counting_does_not_hit(self, counter: AttemptCounter) -> None:
        """Asking changes nothing."""
        counter.hit("key", _WINDOW)
        assert [counter.counts(["key"])[0] for _ in range(3)] == [1, 1, 1]

    def test_of_no_keys_there_are_no_counts(self, counter: AttemptCounter) -> None:
        """Asking for nothing returns nothing, and is no error: a portal may have no limits on sources."""
        counter.hit("key", _WINDOW)
        assert list(counter.counts([])) == []

    def test_keys_are_counted_apart(self, counter: AttemptCounter) -> None:
        """A hit counts for its own key: case and trailing blanks make another one."""
        keys = ("key", "KEY", "key ", "key2", "k", "k" * 99, "k" * 100, "%", "_")
        for number, key in enumerate(keys, start=1):
            for _ in range(number):
                counter.hit(key, _WINDOW)
        assert list(counter.counts(keys)) == list(range(1, len(keys) + 1))

    def test_the_count_is_forgotten_when_the_window_ends(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """A microsecond before the end it stands, at the end it is gone."""
        counter.hit("key", _WINDOW)
        clock.now += _WINDOW - _MICROSECOND
        assert counter.counts(["key"])[0] == 1
        clock.now += _MICROSECOND
        assert counter.counts(["key"])[0] == 0

    def test_the_first_hit_decides_when_the_window_ends(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """Later hits do not prolong the window, or whoever keeps guessing would lock the owner out for ever."""
        counter.hit("key", _WINDOW)
        clock.now += _WINDOW / 2
        assert counter.hit("key", _WINDOW) == 2
        clock.now += _WINDOW / 2
        assert counter.counts(["key"])[0] == 0

    def test_a_hit_after_the_window_begins_anew(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """The count starts from one, with a window of its own."""
        counter.hit("key", _WINDOW)
        counter.hit("key", _WINDOW)
        clock.now += _WINDOW
        assert counter.hit("key", _WINDOW) == 1
        clock.now += _WINDOW - _MICROSECOND
        assert counter.counts(["key"])[0] == 1

    def test_without_a_window_the_count_stays(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """None keeps the count until it is cleared: 100 consecutive failures may take years."""
        counter.hit("key", None)
        clock.now += timedelta(days=20_000)
        assert counter.hit("key", None) == 2
        assert counter.purge() == 0
        assert counter.counts(["key"])[0] == 2

    def test_clear_forgets(self, counter: AttemptCounter) -> None:
        """A cleared key starts from one, and no other key is cleared."""
        for key in ("key", "key", "other"):
            counter.hit(key, None)
        counter.clear("key")
        assert counter.counts(["key"])[0] == 0
        assert counter.counts(["other"])[0] == 1
        assert counter.hit("key", None) == 1

    def test_clear_of_nothing_does_nothing(self, counter: AttemptCounter) -> None:
        """Clearing a key that was never hit is no error."""
        counter.clear("key")
        assert counter.counts(["key"])[0] == 0

    def test_purge_removes_what_ended(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """Purging removes the ended counts, says how many, and touches no other."""
        counter.hit("short", _WINDOW)
        counter.hit("short too", _WINDOW)
        counter.hit("long", 2 * _WINDOW)
        counter.hit("kept", None)
        clock.now += _WINDOW
        assert counter.purge() == (2 if self.keeps_ended else 0)
        assert counter.purge() == 0
        assert list(counter.counts(["short", "short too", "long", "kept"])) == [0, 0, 1, 1]

    def test_no_hit_is_lost(self, counter: AttemptCounter) -> None:
        """Hits at the same time are all counted, and no two of them are told the same number (R9)."""
        told = _hit_at_once(lambda: counter.hit("key", _WINDOW))
        assert sorted(told) == list(range(1, _THREADS * _HITS + 1))
        assert counter.counts(["key"])[0] == _THREADS * _HITS


def _hit_at_once(hit: Callable[[], int]) -> list[int]:
    start = Barrier(_THREADS)
    told: list[int] = []

    def some() -> None:
        start.wait()
        told.extend([hit() for _ in range(_HITS)])

    threads = [Thread(target=some) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told
