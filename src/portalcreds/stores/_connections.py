"""Lend connections of a PEP 249 driver of our own, one transaction each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..exceptions import ConfigurationError, PortalCredsError
from ._cursors import CursorStatements
from ._dialects import Dialect
from ._paramstyle import Styled
from ._port import DatabaseFailure, FailureKind
from ._write_queue import WriteQueue

Connect = Callable[[], Any]
"""Returns a new connection of a PEP 249 driver. Any: they have no common type."""


class ConnectionPort:
    """
    A `Port` over connections that are opened when needed, kept while idle, and dropped after any error of their own.

    Args:
        connect: Returns a new connection.
        dialect: What is said differently by this database.
        paramstyle: How the driver marks parameters.
        max_idle: Connections kept open between uses.

    Raises:
        ConfigurationError: *connect* is no function.
    """

    is_borrowed = False

    def __init__(self, connect: Connect, dialect: Dialect, *, paramstyle: str, max_idle: int) -> None:
        if not callable(connect):
            raise ConfigurationError(
                "connect", "pass a function that returns a new connection; for a file use DBAPIAccountStore.open_sqlite"
            )
        self._connect = connect
        self._dialect = dialect
        self._max_idle = max_idle
        self._paramstyle = paramstyle
        self._compiled: dict[str, Styled] = {}
        self._queue = WriteQueue(serial=dialect.serial_writes)
        self._inherited: list[_Idle] = []
        self._idle = _Idle()

    @contextmanager
    def reading(self) -> Iterator[CursorStatements]:
        """Lend statements that only read."""
        with self._lent() as statements:
            yield statements

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[CursorStatements]:
        """Lend statements that are committed together when the block ends, or undone together when it raises."""
        with self._queue.turn(), self._lent() as statements:
            durability = self._dialect.durability(durable=durable)
            if durability is not None:
                statements.execute(durability, {})
            statements.execute(self._dialect.begin, {})
            yield statements
            try:
                statements.execute("COMMIT", {})
            except DatabaseFailure as failure:
                failure.committing = True
                raise

    def close(self) -> None:
        """Close the idle connections. Those in use are closed when they come back."""
        idle = self._own_idle()
        idle.is_closed = True
        idle.drop()

    @contextmanager
    def _lent(self) -> Iterator[CursorStatements]:
        idle = self._own_idle()
        if idle.is_closed:
            raise DatabaseFailure(FailureKind.OTHER, "closed")
        connection = idle.take()
        if connection is None:
            connection = self._open()
        try:
            yield CursorStatements(connection.cursor, self._dialect, self._paramstyle, self._compiled)
        except BaseException as error:
            # Closing undoes what was begun, and what state a failed connection is in is anybody's guess.
            _close(connection)
            if isinstance(error, DatabaseFailure) and error.kind == FailureKind.UNAVAILABLE:
                # Those that wait were made before this: after a server's restart all are dead, and each would cost an
                # attempt, until none is left for a new connection.
                idle.drop()
            raise
        idle.give_back(connection, self._max_idle)

    def _own_idle(self) -> _Idle:
        idle = self._idle
        if idle.pid != os.getpid():
            # After a fork these are the parent's. They are kept and never closed: closing one here would end the
            # parent's session, or have SQLite clean up a file that the parent is writing.
            self._inherited.append(idle)
            idle = self._idle = _Idle(is_closed=idle.is_closed)
        return idle

    def _open(self) -> Any:
        try:
            connection = self._connect()
            self._dialect.prepare(connection)
        except PortalCredsError:
            raise
        except Exception as error:  # noqa: BLE001  Drivers share no class, and none of their texts may get out (R14).
            kind, code = self._dialect.failure(error)
        else:
            return connection
        raise DatabaseFailure(kind, code)


class _Idle:
    """The idle connections of one process."""

    def __init__(self, *, is_closed: bool = False) -> None:
        self.pid = os.getpid()
        self.is_closed = is_closed
        self.connections: list[Any] = []

    def take(self) -> Any | None:
        # Not "if connections": another thread may take the last one in between.
        try:
            return self.connections.pop()
        except IndexError:
            return None

    def drop(self) -> None:
        while (connection := self.take()) is not None:
            _close(connection)

    def give_back(self, connection: Any, max_idle: int) -> None:
        if self.is_closed or len(self.connections) >= max_idle:
            _close(connection)
        else:
            self.connections.append(connection)


def _close(connection: Any) -> None:
    with suppress(Exception):
        connection.close()
