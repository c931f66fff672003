"""Remember since when a database is out of reach."""

from __future__ import annotations

import time
from datetime import timedelta


class Outage:
    """
    The patience with a database that is out of reach.

    It is spent once for an outage and not once for each call: the calls that notice a restart wait until it is over,
    and those that come to a database that stays dead do not.

    Args:
        patience: How long to go on trying after an outage was first noticed.
    """

    def __init__(self, patience: timedelta) -> None:
        self._patience = patience.total_seconds()
        self._ends_at: float | None = None

    def note(self) -> float:
        """Note that the database is out of reach, and return until when to go on trying, by the monotonic clock."""
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self._patience
        return self._ends_at

    def end(self) -> None:
        """Note that the database answers."""
        self._ends_at = None
