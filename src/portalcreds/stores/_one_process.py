"""Tell when counts that one process keeps in its memory are used in another one."""

from __future__ import annotations

import os
import warnings

from ..exceptions import PortalCredsWarning


class OneProcess:
    """The process that something was made in; another one, after a fork, has a copy of its own."""

    def __init__(self) -> None:
        self._process_id = os.getpid()

    def check(self) -> None:
        """Warn if this is another process, once in each."""
        if self._process_id != os.getpid():
            self._process_id = os.getpid()
            warnings.warn(
                "counter: it was made before this process was forked and is not shared with it, so that a guesser has "
                "as many guesses in each; count in a database or in Redis",
                PortalCredsWarning,
                stacklevel=2,
            )
