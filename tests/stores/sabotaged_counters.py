"""Counters that each break one rule, as real ones have."""

# ruff: noqa: D102  Each class says what its method does wrong.
from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock

from portalcreds.protocols import Clock, utc_now
from portalcreds.stores.memory import MemoryAttemptCounter


class LosesHits(MemoryAttemptCounter):
    """SELECT n, then UPDATE ... SET n = ?."""

    def hit(self, key: str, window: timedelta | None, /) -> int:
        (n,) = self.counts([key])
        time.sleep(0.0005)
        ends_at = None if window is None else self._clock() + window
        self._counts[key] = n + 1, self._counts.get(key, (0, ends_at))[1]
        return n + 1


class ProlongsTheWindow(MemoryAttemptCounter):
    """Each hit starts the window anew."""

    def hit(self, key: str, window: timedelta | None, /) -> int:
        n = super().hit(key, window)
        self._counts[key] = n, None if window is None else self._clock() + window
        return n


class NeverForgets(MemoryAttemptCounter):
    """A window that nobody looks at."""

    def _live(self, key: str, now: datetime) -> tuple[int, datetime | None] | None:
        return self._counts.get(key)


class ForgetsLate(MemoryAttemptCounter):
    """expires_at < now instead of <=."""

    def _live(self, key: str, now: datetime) -> tuple[int, datetime | None] | None:
        return super()._live(key, now - timedelta(microseconds=1)) if key in self._counts else None


class FoldsKeys(MemoryAttemptCounter):
    """A collation on the counter's key."""

    def hit(self, key: str, window: timedelta | None, /) -> int:
        return super().hit(key.casefold().rstrip(), window)

    def counts(self, keys: Sequence[str], /) -> tuple[int, ...]:
        return super().counts([key.casefold().rstrip() for key in keys])


class ReturnsAllForNone(MemoryAttemptCounter):
    """A condition that is left out where it would be empty."""

    def counts(self, keys: Sequence[str], /) -> tuple[int, ...]:
        return super().counts(list(keys) or list(self._counts))


class PurgesEverything(MemoryAttemptCounter):
    """TRUNCATE."""

    def purge(self) -> int:
        n = super().purge()
        self._counts.clear()
        return n


class CountsEachKeyOnce(MemoryAttemptCounter):
    """WHERE key IN (...), which returns a row for each key that is there."""

    def counts(self, keys: Sequence[str], /) -> tuple[int, ...]:
        rows = {key: n for key, n in zip(keys, super().counts(keys), strict=True) if n}
        return (*rows.values(), *[0 for _ in range(len(keys) - len(rows))])


class CountsTheFirst100(MemoryAttemptCounter):
    """A limit on the parameters of a statement, met by leaving some out."""

    def counts(self, keys: Sequence[str], /) -> tuple[int, ...]:
        return (*super().counts(keys[:100]), *[0 for _ in keys[100:]])


class TheLastHitDecides(MemoryAttemptCounter):
    """EXPIRE with each hit that has a window."""

    def hit(self, key: str, window: timedelta | None, /) -> int:
        n = super().hit(key, window)
        self._counts[key] = n, self._counts[key][1] if window is None else self._clock() + window
        return n


class PurgesInTwoSteps(MemoryAttemptCounter):
    """SELECT what ended, then DELETE it by its keys."""

    def purge(self) -> int:
        ended = [key for key in list(self._counts) if self._live(key, self._clock()) is None]
        time.sleep(0.002)
        for key in ended:
            self._counts.pop(key, None)
        return len(ended)


class Shares(MemoryAttemptCounter):
    """Two counters over one place, and nothing the matter with them."""

    def another(self) -> MemoryAttemptCounter:
        """Return another counter over the same place."""
        other = type(self)(clock=self._clock)
        other._lock, other._counts, other._ends = self._lock, self._counts, self._ends
        return other


class CountsForItself(Shares):
    """A counter in the process's memory, where several processes serve one portal."""

    def another(self) -> MemoryAttemptCounter:
        return type(self)(clock=self._clock)


class LocksInTheProcess(Shares):
    """Reads, adds and writes under a lock that no other process knows."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        super().__init__(clock=clock)
        self._own = Lock()

    def hit(self, key: str, window: timedelta | None, /) -> int:
        with self._own:
            (n,) = self.counts([key])
            time.sleep(0.0005)
            self._counts[key] = n + 1, self._counts.get(key, (0, None))[1]
            return n + 1
