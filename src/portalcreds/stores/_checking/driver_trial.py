"""Try whether a driver says what became of a statement: a row count, a duplicate, a lock that somebody else has."""

# ruff: noqa: S608  Tables have a checked prefix; every value is a parameter.
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .._drivers.dialect import Dialect
from .._drivers.port import DatabaseFailure, FailureKind, Port, Statements
from .._drivers.savepoints import savepoint
from .._sql.schema import Layout
from ..table_faults import TableFault, TableFaultKind
from .probe_rows import make_tenant

_LOCKED = (FailureKind.RETRYABLE, FailureKind.UNAVAILABLE)
"""A pool that has no second connection to lend proves nothing."""


def find_driver_faults(statements: Statements, port: Port, dialect: Dialect, layout: Layout) -> tuple[TableFault, ...]:
    """
    Return what is wrong with the driver. What is written to find out is undone.

    Args:
        statements: Of a transaction, over tables that are sound.
        port: Lends another connection, if the transactions are not the host's.
        dialect: What is said differently by this database.
        layout: The tables.

    Raises:
        DatabaseFailure: The table of attempts may not be written, or the database is out of reach.
    """
    path = layout.attempts.path
    row: dict[str, object] = {"tenant": make_tenant(), "attempt_key": "driver", "n": 1, "expires_at": None}
    insert = f"INSERT INTO {path} (tenant, attempt_key, n, expires_at) VALUES (:tenant, :attempt_key, :n, :expires_at)"
    update = f"UPDATE {path} SET n = n + 1 WHERE tenant = :tenant AND attempt_key = :attempt_key AND n = :n"
    details = []
    with _undone(statements):
        statements.execute(insert, row)
        counts = [statements.execute(update, row)[1] for _ in range(2)]
        if counts != [1, 0]:
            details.append(f"counts {counts[0]} and {counts[1]} rows where an UPDATE changed one, and then none")
        told = _told(statements, insert, row)
        if told is None or told.kind != FailureKind.DUPLICATE:
            details.append(f"tells a key that is there already as {_code(told)}")
        told = None if port.is_borrowed else _told_of_lock(port, dialect, insert, row)
        if not port.is_borrowed and (told is None or told.kind not in _LOCKED):
            details.append(f"tells a lock that somebody else has as {_code(told)}")
    return tuple(
        TableFault(
            table=f"the driver {statements.driver}",
            part=None,
            kind=TableFaultKind.DRIVER,
            detail=detail,
            hint="take one of the drivers that the page on databases names",
        )
        for detail in details
    )


@contextmanager
def _undone(statements: Statements) -> Iterator[None]:
    statements.execute("SAVEPOINT driver", {})
    try:
        yield
    finally:
        with suppress(DatabaseFailure):
            statements.execute("ROLLBACK TO SAVEPOINT driver", {})


def _told(statements: Statements, insert: str, row: dict[str, object]) -> DatabaseFailure | None:
    try:
        with savepoint(statements, "one_change"):
            statements.execute(insert, row)
    except DatabaseFailure as failure:
        return failure
    return None


def _told_of_lock(port: Port, dialect: Dialect, insert: str, row: dict[str, object]) -> DatabaseFailure | None:
    """Return how another connection is told that the row is being written."""
    try:
        with port.reading() as others, dialect.hurried(others) as hurry:
            others.execute(hurry(insert), row)
            # Whatever was written there goes with the connection.
            raise DatabaseFailure(FailureKind.OTHER, "nothing")
    except DatabaseFailure as failure:
        return failure


def _code(failure: DatabaseFailure | None) -> str:
    return "nothing" if failure is None else failure.code
