"""Let the writers of one process take turns where the database would let them poll."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock

from .port import DatabaseFailure, FailureKind


class WriteQueue:
    """
    A queue in front of a database that one writer at a time may write to.

    Args:
        serial: Whether it is such a database; if not, nobody waits here.
        patience: The longest that a writer waits for its turn.
    """

    def __init__(self, *, serial: bool, patience: timedelta) -> None:
        self._serial = serial
        self._patience = patience.total_seconds()
        self._pid = os.getpid()
        self._writing = Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """
        Wait for a turn, and have it until the block ends.

        Raises:
            DatabaseFailure: Those before did not end in time.
        """
        if not self._serial:
            yield
            return
        if self._pid != os.getpid():
            # A fork may have copied it while somebody held it, who is not here to give it back.
            self._writing, self._pid = Lock(), os.getpid()
        writing = self._writing
        if not writing.acquire(timeout=self._patience):
            raise DatabaseFailure(FailureKind.RETRYABLE, "busy")
        try:
            yield
        finally:
            writing.release()
