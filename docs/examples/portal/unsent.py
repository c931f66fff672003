"""Keep the invitations that no mail takes until their letters are printed: in this process alone, and for an hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from portalcreds.resets import ResetResult

KEPT_SECONDS = 3600
"""How long after the last one of a job; printing takes minutes, and a jam of the printer some more."""


class Unsent:
    """
    What jobs drew for contacts whom no mail reached, by the key of the job.

    Nothing else has it: after a restart those contacts are invited again. Where several processes serve the pages, have
    the process that carries the jobs out write the letters.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, list[ResetResult]]] = {}

    def keep(self, key: str, result: ResetResult) -> None:
        """Keep one, and drop what is too old."""
        with self._lock:
            self._drop_old()
            _, results = self._kept.get(key, (0.0, []))
            results.append(result)
            self._kept[key] = (time.monotonic(), results)

    def of(self, key: str) -> Sequence[ResetResult]:
        """Return those of a job; none once they are too old."""
        with self._lock:
            self._drop_old()
            return tuple(self._kept.get(key, (0.0, []))[1])

    def _drop_old(self) -> None:
        oldest = time.monotonic() - KEPT_SECONDS
        self._kept = {key: each for key, each in self._kept.items() if each[0] > oldest}
