"""Work in a transaction that the host began and will end (R20), over any PEP 249 driver or what wraps one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...exceptions import ConfigurationError
from .cursors import CursorStatements
from .dialect import Dialect
from .paramstyle import ParamStyle
from .port import DatabaseFailure
from .savepoints import savepoint


class BorrowedCursorPort:
    """
    A `Port` over the host's cursors: it never commits, and rolls back nothing but its own work.

    Args:
        cursor: Returns a cursor in the host's transaction.
        dialect: What is said differently by this database.
        style: How the driver, or what wraps it, marks parameters.

    Raises:
        ConfigurationError: *cursor* is no function.
    """

    is_borrowed = True
    at_once = Dialect.at_once

    def __init__(self, cursor: Callable[[], Any], dialect: Dialect, style: ParamStyle) -> None:
        if not callable(cursor):
            raise ConfigurationError("cursor", "pass a function that returns a cursor, such as connection.cursor")
        self._statements = CursorStatements(cursor, dialect, style)

    @contextmanager
    def reading(self) -> Iterator[CursorStatements]:
        """Lend statements that only read."""
        try:
            yield self._statements
        except DatabaseFailure as failure:
            failure.is_final = True  # Only the owner of a transaction can begin it again.
            raise

    @contextmanager
    def transaction(self, *, durable: bool = True, changes: int = 1) -> Iterator[CursorStatements]:
        """Lend statements that the host commits, and that are undone together when the block raises."""
        with self.reading() as statements:
            statements.join()
            # Whatever the host makes of our error, no hash is left without its audit event (R1).
            with savepoint(statements, "portal_work"):
                yield statements
