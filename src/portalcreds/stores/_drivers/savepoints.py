"""Undo a part of a transaction, and leave the rest of it as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from .port import DatabaseFailure, FailureKind, Statements


@contextmanager
def savepoint(statements: Statements, name: str) -> Iterator[None]:
    """Undo what the block did if it raises."""
    statements.execute(f"SAVEPOINT {name}", {})
    try:
        yield
    except BaseException:
        # If even this fails, the transaction or the connection is gone, and the error at hand is the one to tell.
        with suppress(DatabaseFailure):
            _undo(statements, name)
        raise
    statements.execute(f"RELEASE SAVEPOINT {name}", {})


def execute_unless_duplicate(statements: Statements, sql: str, parameters: Mapping[str, object]) -> int | None:
    """
    Return the number of rows that a statement changed, or None, and nothing changed, if a key was there already.

    Without the savepoint, a constraint would undo the neighbours too, or, as PostgreSQL would have it, leave the whole
    transaction good for nothing.
    """
    try:
        with savepoint(statements, "one_change"):
            return statements.execute(sql, parameters)[1]
    except DatabaseFailure as failure:
        if failure.kind != FailureKind.DUPLICATE:
            raise
    return None


def _undo(statements: Statements, name: str) -> None:
    statements.execute(f"ROLLBACK TO SAVEPOINT {name}", {})
    statements.execute(f"RELEASE SAVEPOINT {name}", {})
