"""Count attempts in SQL, so that no two of them are ever counted as one (R9)."""

# ruff: noqa: S608  Tables have a checked prefix; every value is a parameter.
from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

from ..account_queries import micros
from ..protocols import Clock
from ._dialects import Dialect
from ._port import Port, Statements, run
from ._schema import attempt_tables, table_names
from ._sql import checked_tenant, create

_MICROSECOND: Final = timedelta(microseconds=1)


class SQLAttemptCounter:
    """
    An `AttemptCounter` in a table of our own, shared by all processes that reach it.

    A count may be one too high after a connection was lost at COMMIT, and never too low, except by what was counted in
    the last moment before a power failure.

    Args:
        port: Reaches the database.
        dialect: What is said differently there.
        tenant: Which portal's counts; it is in every key.
        prefix: What the table's name begins with.
        clock: Tells when windows end.

    Raises:
        ConfigurationError: The tenant or the prefix cannot be used.
    """

    def __init__(self, port: Port, dialect: Dialect, *, tenant: str, prefix: str, clock: Clock) -> None:
        _, _, table = table_names(prefix)
        self._tenant = checked_tenant(tenant)
        self._port = port
        self._dialect = dialect
        self._prefix = prefix
        self._clock = clock
        has_ended = f"{table}.expires_at <= :now"
        # The count first: MariaDB assigns in this order and would show the second assignment the first one's result.
        assignments = (
            f"n = CASE WHEN {has_ended} THEN 1 ELSE {table}.n + 1 END, "
            f"expires_at = CASE WHEN {has_ended} THEN :expires_at ELSE {table}.expires_at END"
        )
        self._hit = (
            f"INSERT INTO {table} (tenant, attempt_key, n, expires_at) VALUES (:tenant, :key, 1, :expires_at) "
            + dialect.upsert("tenant, attempt_key", assignments)
        )
        of_key = f"FROM {table} WHERE tenant = :tenant AND attempt_key = :key"
        self._read = f"SELECT n {of_key}"
        self._counts = (
            f"SELECT attempt_key, n FROM {table} "
            "WHERE tenant = :tenant AND (expires_at IS NULL OR expires_at > :now) AND attempt_key IN "
        )
        self._clear = f"DELETE {of_key}"
        self._purge = f"DELETE FROM {table} WHERE tenant = :tenant AND expires_at <= :now"

    def hit(self, key: str, window: timedelta | None, /) -> int:
        """Add one and return the new count; the first hit decides when it is forgotten."""
        now = micros(self._clock())
        mine: dict[str, object] = {"tenant": self._tenant, "key": key}
        ends = {"now": now, "expires_at": None if window is None else now + window // _MICROSECOND}

        def work(statements: Statements, _: bool) -> int:
            statements.execute(self._hit, {**mine, **ends})
            # The row is locked by this transaction, so that this is its own count and nobody else's.
            return int(statements.execute(self._read, mine)[0][0][0])

        return run("hit", work, self._transaction)

    def counts(self, keys: Sequence[str], /) -> tuple[int, ...]:
        """Return the count of each key, 0 where there is none or it was forgotten."""
        if not keys:
            return ()
        parameters: dict[str, object] = {f"key{number}": key for number, key in enumerate(keys)}
        sql = f"{self._counts} ({', '.join(f':{name}' for name in parameters)})"
        parameters |= {"tenant": self._tenant, "now": micros(self._clock())}
        rows = run("counts", lambda statements, _: statements.execute(sql, parameters)[0], self._port.reading)
        found = {key: int(n) for key, n in rows}
        return tuple(found.get(key, 0) for key in keys)

    def clear(self, key: str, /) -> None:
        """Forget the count."""
        parameters = {"tenant": self._tenant, "key": key}
        run("clear", lambda statements, _: statements.execute(self._clear, parameters), self._transaction)

    def purge(self) -> int:
        """Remove the counts whose windows ended, and return how many."""
        parameters = {"tenant": self._tenant, "now": micros(self._clock())}
        return run("purge", lambda statements, _: statements.execute(self._purge, parameters)[1], self._transaction)

    def create_tables(self) -> None:
        """Create the table, if it is absent."""
        create("create_tables", self._port, attempt_tables(self._dialect, self._prefix))

    def _transaction(self) -> AbstractContextManager[Statements]:
        # Nobody who guesses can cut the power; a wait for the disk at every guess would be a cost to everybody.
        return self._port.transaction(durable=False)
