"""Counters that each break one rule, as real ones have."""

# ruff: noqa: D102  Each class says what its method does wrong.
from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

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
