"""Work on Django's connections: in the ``atomic`` block that is open, or in a transaction of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...exceptions import MissingDependencyError
from .connections import ConnectionPort
from .cursors import CursorStatements
from .dialect import Dialect
from .paramstyle import ParamStyle
from .port import DatabaseFailure, FailureKind, Statements

try:
    from django.db import Error, connections, transaction
except ImportError:
    raise MissingDependencyError("django") from None


class DjangoPort:
    """
    A `Port` over the connection that Django has for the current thread.

    Inside an ``atomic`` block it takes part in it, with a savepoint. Outside of one, what it does is committed when it
    is done. The statements run on the driver's own cursors, so ``connection.queries`` has no hash in it (R14).

    Args:
        alias: Which of Django's databases.
        dialect: What is said differently by it.
        is_apart: Whether what it does stands although the ``atomic`` block around it is rolled back. It then takes a
            connection of its own where there is such a block. The block of a ``TestCase`` is none: nobody else sees
            what is in it. Nor is one in SQLite, which has one writer at a time: there it stands and falls with it.
    """

    at_once = Dialect.at_once

    def __init__(self, alias: str, dialect: Dialect, *, is_apart: bool = False) -> None:
        style = ParamStyle(None, usual=dialect.paramstyle)
        self._alias = alias
        self._dialect = dialect
        self._statements = CursorStatements(self._open_cursor, dialect, style)
        self._apart = (
            ConnectionPort(self._connect, dialect, style, max_idle=0, give_back=self._give_back) if is_apart else None
        )

    @property
    def is_borrowed(self) -> bool:
        """Whether the transaction may be the host's."""
        return self._apart is None

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """Lend statements that only read."""
        if self._apart is not None and self._is_in_block():
            with self._apart.reading() as statements:
                yield statements
            return
        with self._told():
            yield self._statements

    @contextmanager
    def transaction(self, *, durable: bool = True, changes: int = 1) -> Iterator[Statements]:
        """Lend statements that are kept or undone together."""
        if self._apart is not None and self._is_in_block():
            with self._apart.transaction(durable=durable) as statements:
                yield statements
            return
        with self._told() as is_ours, transaction.atomic(using=self._alias):
            limits = self._dialect.limit_transaction_sql() if is_ours else None
            if limits is not None:
                self._statements.execute(limits, {})
            yield self._statements

    @contextmanager
    def _told(self) -> Iterator[bool]:
        """Lend whether there is no ``atomic`` block yet, and raise what fails as a `DatabaseFailure`."""
        connection = connections[self._alias]
        is_ours = not connection.in_atomic_block
        try:
            yield is_ours
            return
        except DatabaseFailure as error:
            failure = error
        except Error as error:  # Of BEGIN and COMMIT, which are Django's.
            failure = self._dialect.classify(error)
            failure.committing = is_ours
        failure.is_final = not is_ours  # Only the owner of a transaction can begin it again.
        if is_ours and failure.kind == FailureKind.UNAVAILABLE:
            connection.close()  # The next attempt connects anew.
        raise failure

    def _is_in_block(self) -> bool:
        connection = connections[self._alias]
        # Django marks the block of a TestCase, and says so nowhere; its own `durable` goes by the mark.
        in_test = any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
        return connection.in_atomic_block and not in_test and connection.vendor != "sqlite"

    def _open_cursor(self) -> Any:
        connection = connections[self._alias]
        connection.ensure_connection()
        return connection.connection.cursor()

    def _connect(self) -> Any:
        connection = connections[self._alias]
        return connection.get_new_connection(connection.get_connection_params())

    def _give_back(self, raw: Any) -> None:
        pool = getattr(connections[self._alias], "pool", None)
        raw.close() if pool is None else pool.putconn(raw)
