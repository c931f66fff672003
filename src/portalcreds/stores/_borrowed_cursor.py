"""Work in a transaction that the host began and will end (R20), over any PEP 249 driver or what wraps one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..exceptions import ConfigurationError
from ._cursors import CursorStatements
from ._dialects import Dialect
from ._paramstyle import Styled
from ._port import DatabaseFailure
from ._savepoints import savepoint


class BorrowedCursorPort:
    """
    A `Port` over somebody else's cursors: never commits, never rolls back further than what it did itself.

    Args:
        cursor: Returns a cursor in the host's transaction.
        dialect: What is said differently by this database.
        paramstyle: How the driver, or what wraps it, marks parameters.

    Raises:
        ConfigurationError: *cursor* is no function.
    """

    is_borrowed = True

    def __init__(self, cursor: Callable[[], Any], dialect: Dialect, *, paramstyle: str) -> None:
        if not callable(cursor):
            raise ConfigurationError("cursor", "pass a function that returns a cursor, such as connection.cursor")
        self._cursor = cursor
        self._dialect = dialect
        self._paramstyle = paramstyle
        self._compiled: dict[str, Styled] = {}

    @contextmanager
    def reading(self) -> Iterator[CursorStatements]:
        """Lend statements that only read."""
        with tried_once():
            yield CursorStatements(self._cursor, self._dialect, self._paramstyle, self._compiled)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[CursorStatements]:
        """Lend statements that the host commits, and that are undone together when the block raises."""
        with self.reading() as statements:
            statements.join()
            # Whatever the host makes of our error, no hash is left without its audit event (R1).
            with savepoint(statements, "portal_work"):
                yield statements


@contextmanager
def tried_once() -> Iterator[None]:
    """Mark failures as the host's to deal with: only who ends a transaction can begin it again."""
    try:
        yield
    except DatabaseFailure as failure:
        failure.is_final = True
        raise
