"""Count attempts in SQL, so that no two of them are ever counted as one (R9)."""

# ruff: noqa: S608  Tables have a checked prefix; every value is a parameter.
from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

from ..._arguments import attempt_key_in, attempt_keys_in, window_in
from ..._time import micros
from ...exceptions import ConfigurationError
from ...protocols import Clock
from .._drivers.port import DatabaseFailure, Port, Statements
from .._tenant import check_tenant
from .in_list import list_parameters
from .retries import run

if TYPE_CHECKING:
    from .._drivers.dialect import Dialect
    from .schema import Table

_MICROSECOND: Final = timedelta(microseconds=1)

_SWEEP_EVERY: Final = 256
"""
Hits of one counter between two looks for counts that ended. Each hit adds one row at most, and each look removes up to
twice as many: so there are hardly more rows than were alive at the busiest time, and these few for each process.
"""

_BATCH: Final = 512
"""
Rows removed in one transaction, so that nobody waits long for their locks. SQLite before 3.32 takes 999 parameters, and
MariaDB makes a subquery of a longer list.
"""


class SQLAttemptCounter:
    """
    An `AttemptCounter` in a table of our own, shared by all processes that reach it.

    A count may be one too high after a connection was lost at COMMIT, and never too low, except by what was counted in
    the last moment before a power failure.

    The first hit and every 256th remove up to 512 counts whose windows ended. Counts that nobody hits any more stay
    until `purge`.

    Args:
        port: Reaches the database.
        dialect: What is said differently there.
        tenant: Which portal's counts; it is in every key.
        attempts: The table.
        clock: Tells when windows end.

    Raises:
        ConfigurationError: The tenant cannot be used, or the transactions are the host's.
    """

    def __init__(self, port: Port, dialect: Dialect, attempts: Table, *, tenant: str, clock: Clock) -> None:
        if port.is_borrowed:
            # A count that the host's rollback takes back is a guess that nobody counted (R9).
            raise ConfigurationError("counter", "pass an engine or a connection factory; counts are committed at once")
        table = attempts.path
        self.tenant: str = check_tenant(tenant)
        self._port = port
        self._dialect = dialect
        self._attempts = attempts
        self._clock = clock
        # No lock around a number: one that is held while the process forks stays so in the child.
        self._hits = count()
        has_ended = f"{table}.expires_at <= :now"
        # The count first: MariaDB assigns in this order and would show the second assignment the first one's result.
        assignments = (
            f"n = CASE WHEN {has_ended} THEN 1 ELSE {table}.n + 1 END, "
            f"expires_at = CASE WHEN {has_ended} THEN :expires_at ELSE {table}.expires_at END"
        )
        self._hit = (
            f"INSERT INTO {table} (tenant, attempt_key, n, expires_at) VALUES (:tenant, :key, 1, :expires_at) "
            + dialect.update_existing("tenant, attempt_key", assignments)
        )
        of_key = f"FROM {table} WHERE tenant = :tenant AND attempt_key = :key"
        self._read = f"SELECT n {of_key}"
        self._counts = (
            f"SELECT attempt_key, n FROM {table} "
            "WHERE tenant = :tenant AND (expires_at IS NULL OR expires_at > :now) AND attempt_key IN "
        )
        self._clear = f"DELETE {of_key}"
        self._ended = (
            f"SELECT attempt_key FROM {table} WHERE tenant = :tenant AND expires_at <= :now "
            "ORDER BY expires_at LIMIT :limit"
        )
        # The expiry is asked again, because a hit may have begun a new window since. As a sum, which no index serves:
        # MariaDB would lock the index on expires_at before the rows, and a hit locks them the other way round.
        self._remove = f"DELETE FROM {table} WHERE tenant = :tenant AND expires_at + 0 <= :now AND attempt_key IN "

    def hit(self, key: str, window: timedelta | None, /) -> int:
        """Add one and return the new count; the first hit decides when it is forgotten."""
        key = attempt_key_in(key)
        window_in(window)
        now = micros(self._clock())
        mine: dict[str, object] = {"tenant": self.tenant, "key": key}
        ends = {"now": now, "expires_at": None if window is None else now + window // _MICROSECOND}

        def work(statements: Statements, _: bool) -> int:
            statements.execute(self._hit, {**mine, **ends})
            # The row is locked by this transaction, so that this is its own count and nobody else's.
            return int(statements.execute(self._read, mine)[0][0][0])

        n = run("hit", work, self._transaction)
        if next(self._hits) % _SWEEP_EVERY == 0:
            # In transactions of its own and not tried again: the hit is counted, and its caller waits.
            with suppress(DatabaseFailure):
                self._sweep(now)
        return n

    def counts(self, keys: Sequence[str], /) -> tuple[int, ...]:
        """Return the count of each key, 0 where there is none or it was forgotten."""
        keys = attempt_keys_in(keys)
        if not keys:
            return ()
        listed, parameters = list_parameters(keys)
        sql = self._counts + listed
        parameters |= {"tenant": self.tenant, "now": micros(self._clock())}
        rows = run("counts", lambda statements, _: statements.execute(sql, parameters)[0], self._port.reading)
        found = {key: int(n) for key, n in rows}
        return tuple(found.get(key, 0) for key in keys)

    def clear(self, key: str, /) -> None:
        """Forget the count."""
        key = attempt_key_in(key)
        parameters = {"tenant": self.tenant, "key": key}
        run("clear", lambda statements, _: statements.execute(self._clear, parameters), self._transaction)

    def purge(self) -> int:
        """
        Remove the counts whose windows ended, and return how many.

        In batches that each hold their locks for some milliseconds, so that sign-ins go on meanwhile.
        """
        now = micros(self._clock())
        removed = 0
        stuck: list[str] = []
        while True:
            keys = run("purge", lambda statements, _: self._ended_keys(statements, now), self._port.reading)
            # Found again though none was removed: something prevents it, such as a policy on rows.
            if not keys or keys == stuck:
                return removed
            gone = self._purge(keys, now)
            removed += gone
            # None at all, because a hit's own cleaning took the same ones? Then there may be more behind them.
            stuck = [] if gone else keys

    def create_tables(self) -> None:
        """Create the table, if it is absent."""
        from .ddl import create_tables

        create_tables(self._port, self._dialect, self._attempts)

    def _sweep(self, now: int) -> None:
        with self._port.reading() as statements:
            keys = self._ended_keys(statements, now)
        if keys:
            with self._transaction() as statements:
                self._delete(statements, keys, now)

    def _purge(self, keys: list[str], now: int) -> int:
        return run("purge", lambda statements, _: self._delete(statements, keys, now), self._transaction)

    def _ended_keys(self, statements: Statements, now: int) -> list[str]:
        parameters = {"tenant": self.tenant, "now": now, "limit": _BATCH}
        return [key for (key,) in statements.execute(self._ended, parameters)[0]]

    def _delete(self, statements: Statements, keys: list[str], now: int) -> int:
        # By key and in order, so that those who remove the same rows at once wait for each other and do not deadlock.
        listed, parameters = list_parameters(sorted(keys))
        return statements.execute(self._remove + listed, {**parameters, "tenant": self.tenant, "now": now})[1]

    def _transaction(self) -> AbstractContextManager[Statements]:
        # A guesser cannot cut the power, and to wait for the disk at every guess would cost everybody.
        return self._port.transaction(durable=False)
