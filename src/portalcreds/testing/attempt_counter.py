"""Test your own counter of attempts: inherit from one class and make your counter in a fixture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import ClassVar, Final

from ..protocols import AttemptCounter
from ._optional_fixtures import Fixtures, fixture_or_skip
from ._store_failing import assert_says_unavailable
from ._threads import at_once

_WINDOW: Final = timedelta(minutes=10)
_MICROSECOND: Final = timedelta(microseconds=1)
_THREADS: Final = 8
_HITS: Final = 25
"""Hits of each thread. A counter that reads, adds and writes separately loses most of them."""

_ROUNDS: Final = 5


class ManualClock:
    """A clock that stands still until you set ``now``. Pass it to the counter under test."""

    def __init__(self) -> None:
        self.now: datetime = datetime(2026, 1, 15, 8, 30, 0, 123_457, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time that it was set to."""
        return self.now


class AttemptCounterContract:
    """
    The rules that every `AttemptCounter` must keep, as tests for pytest.

    Inherit from it in a class whose name begins with ``Test``, and override the fixtures ``clock`` and ``counter``.
    They must return a `ManualClock` and a new counter that uses it::

        class TestMyCounter(AttemptCounterContract):
            @pytest.fixture
            def clock(self):
                return ManualClock()

            @pytest.fixture
            def counter(self, clock):
                return MyCounter(clock=clock)

    Two more fixtures are optional. Without one, the tests that need it are skipped with a line that names it:
    ``another_counter`` is a second counter over the same storage, as another process has it; ``unreachable_counter`` is
    one whose server is not there.

    Attributes:
        keeps_ended: Whether counts stay in storage after their window until `purge`. Set it to False if the storage
            drops them by itself, as Redis does; `purge` then returns 0.
    """

    keeps_ended: ClassVar[bool] = True

    def test_nothing_was_counted_yet(self, counter: AttemptCounter) -> None:
        """A key without hits has the count 0."""
        assert counter.counts(["key"])[0] == 0

    def test_a_hit_returns_the_new_count(self, counter: AttemptCounter) -> None:
        """Each hit adds one and returns the new count."""
        assert [counter.hit("key", _WINDOW) for _ in range(3)] == [1, 2, 3]
        assert counter.counts(["key"])[0] == 3

    def test_counting_does_not_hit(self, counter: AttemptCounter) -> None:
        """Reading a count does not change it."""
        counter.hit("key", _WINDOW)
        assert [counter.counts(["key"])[0] for _ in range(3)] == [1, 1, 1]

    def test_of_no_keys_there_are_no_counts(self, counter: AttemptCounter) -> None:
        """An empty list of keys is not an error: a portal may have no limits per source."""
        counter.hit("key", _WINDOW)
        assert list(counter.counts([])) == []

    def test_counts_are_in_the_order_of_the_keys(self, counter: AttemptCounter) -> None:
        """One count for each key, also for one that was never hit or is asked twice: a limit met is not another's."""
        for key in ("b", "b", "a"):
            counter.hit(key, _WINDOW)
        assert list(counter.counts(["x", "b", "a", "b", "y"])) == [0, 2, 1, 2, 0]

    def test_many_keys_in_one_question(self, counter: AttemptCounter) -> None:
        """The number of keys has no limit that the caller must know: a source's last count would be taken for 0."""
        keys = [f"key-{number}" for number in range(300)]
        for key in keys[::50]:
            counter.hit(key, _WINDOW)
        assert list(counter.counts(keys)) == [int(number % 50 == 0) for number in range(300)]

    def test_keys_are_counted_apart(self, counter: AttemptCounter) -> None:
        """A hit counts only for its own key; case and trailing blanks make a different key."""
        keys = ("key", "KEY", "key ", "key2", "k", "k" * 99, "k" * 100, "%", "_")
        for number, key in enumerate(keys, start=1):
            for _ in range(number):
                counter.hit(key, _WINDOW)
        assert list(counter.counts(keys)) == list(range(1, len(keys) + 1))

    def test_the_count_is_forgotten_when_the_window_ends(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """The count is there a microsecond before the window ends, and gone at its end."""
        counter.hit("key", _WINDOW)
        clock.now += _WINDOW - _MICROSECOND
        assert counter.counts(["key"])[0] == 1
        clock.now += _MICROSECOND
        assert counter.counts(["key"])[0] == 0

    def test_the_first_hit_decides_when_the_window_ends(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """Later hits do not extend the window, or somebody who keeps guessing could lock the owner out for ever."""
        counter.hit("key", _WINDOW)
        clock.now += _WINDOW / 2
        assert counter.hit("key", _WINDOW) == 2
        clock.now += _WINDOW / 2
        assert counter.counts(["key"])[0] == 0

    def test_a_hit_after_the_window_begins_anew(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """After the window, the next hit starts from one with a new window."""
        counter.hit("key", _WINDOW)
        counter.hit("key", _WINDOW)
        clock.now += _WINDOW
        assert counter.hit("key", _WINDOW) == 1
        clock.now += _WINDOW - _MICROSECOND
        assert counter.counts(["key"])[0] == 1

    def test_without_a_window_the_count_stays(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """Without a window the count stays until it is cleared: 100 consecutive failures may take years."""
        counter.hit("key", None)
        clock.now += timedelta(days=20_000)
        assert counter.hit("key", None) == 2
        assert counter.purge() == 0
        assert counter.counts(["key"])[0] == 2

    def test_the_first_hit_decides_whether_there_is_a_window(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """A hit without a window prolongs none, and one with a window ends none: no guess is forgotten too early."""
        counter.hit("ends", _WINDOW)
        counter.hit("ends", None)
        counter.hit("stays", None)
        counter.hit("stays", _WINDOW)
        clock.now += _WINDOW
        assert list(counter.counts(["ends", "stays"])) == [0, 2]

    def test_clear_forgets(self, counter: AttemptCounter) -> None:
        """A cleared key starts from one again; other keys keep their counts."""
        for key in ("key", "key", "other"):
            counter.hit(key, None)
        counter.clear("key")
        assert counter.counts(["key"])[0] == 0
        assert counter.counts(["other"])[0] == 1
        assert counter.hit("key", None) == 1

    def test_clear_of_nothing_does_nothing(self, counter: AttemptCounter) -> None:
        """Clearing a key without hits is not an error."""
        counter.clear("key")
        assert counter.counts(["key"])[0] == 0

    def test_purge_removes_what_ended(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """`purge` removes the counts whose windows ended, returns how many, and keeps all others."""
        counter.hit("short", _WINDOW)
        counter.hit("short too", _WINDOW)
        counter.hit("long", 2 * _WINDOW)
        counter.hit("kept", None)
        clock.now += _WINDOW
        assert counter.purge() == (2 if self.keeps_ended else 0)
        assert counter.purge() == 0
        assert list(counter.counts(["short", "short too", "long", "kept"])) == [0, 0, 1, 1]

    def test_no_hit_is_lost(self, counter: AttemptCounter) -> None:
        """Hits at the same time are all counted, and no two get the same number (R9)."""
        told = at_once([partial(_hits, counter)] * _THREADS)
        assert sorted(chain(*told)) == list(range(1, _THREADS * _HITS + 1))
        assert counter.counts(["key"])[0] == _THREADS * _HITS

    def test_no_hit_is_lost_to_a_purge(self, counter: AttemptCounter, clock: ManualClock) -> None:
        """A count that begins anew while the ended ones are removed stays, or a guesser starts from none each time."""
        for _ in range(_ROUNDS):
            keys = [f"key-{number}" for number in range(10)]
            for key in keys:
                counter.hit(key, _WINDOW)
            clock.now += _WINDOW
            purges = [partial(_purge, counter)] * 2
            told = at_once([partial(_hit_each, counter, keys), *purges])
            assert told[0] == [1] * len(keys)
            assert list(counter.counts(keys)) == [1] * len(keys)
            clock.now += _WINDOW

    def test_another_counter_counts_on(self, counter: AttemptCounter, request: Fixtures) -> None:
        """Two processes count together: apart, a guesser would have as many tries again for each of them."""
        another: AttemptCounter = fixture_or_skip(request, "another_counter", "what two processes count together")
        assert [counter.hit("key", None), another.hit("key", None), counter.hit("key", None)] == [1, 2, 3]
        assert list(another.counts(["key"])) == [3]
        another.clear("key")
        assert list(counter.counts(["key"])) == [0]
        assert counter.hit("key", None) == 1

    def test_no_hit_is_lost_between_two_counters(self, counter: AttemptCounter, request: Fixtures) -> None:
        """A lock in the process is not enough: hits in two processes are all counted, each with a number of its own."""
        another: AttemptCounter = fixture_or_skip(request, "another_counter", "what two processes count together")
        told = at_once([partial(_hits, at) for at in (counter, another, counter, another)])
        assert sorted(chain(*told)) == list(range(1, 4 * _HITS + 1))
        assert list(counter.counts(["key"])) == list(another.counts(["key"])) == [4 * _HITS]

    def test_a_counter_that_is_not_reached_says_so(self, request: Fixtures) -> None:
        """A counter that cannot count says that it is unavailable, or everybody may guess for as long as it is down."""
        counter: AttemptCounter = fixture_or_skip(request, "unreachable_counter", "what is raised without a server")
        for ask in (
            lambda: counter.hit("key", _WINDOW),
            lambda: counter.counts(["key"]),
            lambda: counter.clear("key"),
            lambda: counter.purge(),
        ):
            assert_says_unavailable(ask, ())


def _hits(counter: AttemptCounter) -> list[int]:
    return [counter.hit("key", _WINDOW) for _ in range(_HITS)]


def _hit_each(counter: AttemptCounter, keys: Sequence[str]) -> list[int]:
    return [counter.hit(key, _WINDOW) for key in keys]


def _purge(counter: AttemptCounter) -> list[int]:
    return [counter.purge() for _ in range(3)]
