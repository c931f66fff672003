"""The databases that are supported. Another one is a `Dialect` in a file of its own, named here."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ..._text import is_code
from ...exceptions import ConfigurationError
from ..timeouts import DEFAULT_TIMEOUTS, Timeouts
from .dialect import Dialect
from .mariadb import MariaDB
from .postgresql import PostgreSQL
from .sqlite import SQLite

DIALECTS: Final[dict[str, type[Dialect]]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "mariadb": MariaDB}


def get_dialect(name: str, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> Dialect:
    """
    Return the dialect of that name, with the time-outs that it is to set.

    Raises:
        ConfigurationError: There is none, or the time-outs are none.
    """
    if not all(isinstance(getattr(timeouts, part, None), timedelta) for part in ("lock", "statement", "outage")):
        raise ConfigurationError("timeouts", "pass Timeouts, such as Timeouts(lock=timedelta(seconds=5))")
    if not is_code(name) or name not in DIALECTS:
        raise ConfigurationError("dialect", f"pass one of: {', '.join(DIALECTS)}")
    return DIALECTS[name](timeouts)
