"""Say how long a store waits for its database."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from .._arguments import lasts
from .._value import Value

_bounded: Final = lasts(
    timedelta(milliseconds=1), timedelta(hours=1), hint="pass a timedelta from a millisecond to an hour"
)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Timeouts(Value):
    """
    How long a store with transactions of its own waits for its database (R21).

    In a transaction of the host's, the host's own time-outs hold.

    Attributes:
        lock: For a lock that somebody else has. MariaDB takes whole seconds, and it is rounded up.
        statement: For one statement, locks included. SQLite has no such limit.
        outage: For a database that is out of reach, such as one that restarts, counted from the first call that
            noticed. Calls made later than that try a few times within 0.14 seconds.

    Raises:
        ConfigurationError: One is no time from a millisecond to an hour.
    """

    lock: timedelta = attrs.field(default=timedelta(seconds=5), validator=_bounded)
    statement: timedelta = attrs.field(default=timedelta(seconds=15), validator=_bounded)
    outage: timedelta = attrs.field(default=timedelta(seconds=5), validator=_bounded)


DEFAULT_TIMEOUTS: Final = Timeouts()
"""Five seconds for a lock, fifteen for a statement, five for a restart."""
