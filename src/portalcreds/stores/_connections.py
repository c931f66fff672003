"""Lend connections of a PEP 249 driver, one transaction each, without its errors' texts getting out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from ..exceptions import ConfigurationError, PortalCredsError
from ._dialects import Dialect
from ._port import PATIENCE, DatabaseFailure, FailureKind

Connect = Callable[[], Any]
"""Returns a new connection of a PEP 249 driver. Any: they have no common type."""


class ConnectionPort:
    """
    A `Port` over connections that are opened when needed, kept while idle, and dropped after any error of their own.

    Args:
        connect: Returns a new connection.
        dialect: What is said differently by this database.
        max_idle: Connections kept open between uses.

    Raises:
        ConfigurationError: *connect* is no function.
    """

    def __init__(self, connect: Connect, dialect: Dialect, *, max_idle: int) -> None:
        if not callable(connect):
            raise ConfigurationError(
                "connect", "pass a function that returns a new connection; for a file use DBAPIAccountStore.open_sqlite"
            )
        self._connect = connect
        self._dialect = dialect
        self._max_idle = max_idle
        self._compiled: dict[str, str] = {}
        self._inherited: list[_Idle] = []
        self._idle = _Idle()

    @contextmanager
    def reading(self) -> Iterator[ConnectionStatements]:
        """Lend statements that only read."""
        with self._lent() as statements:
            yield statements

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[ConnectionStatements]:
        """Lend statements that are committed together when the block ends, or undone together when it raises."""
        with self._turn(), self._lent() as statements:
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
    def _lent(self) -> Iterator[ConnectionStatements]:
        idle = self._own_idle()
        if idle.is_closed:
            raise DatabaseFailure(FailureKind.OTHER, "closed")
        connection = idle.take()
        if connection is None:
            connection = self._open()
        try:
            yield ConnectionStatements(connection, self._dialect, self._compiled)
        except BaseException as error:
            # Closing undoes what was begun, and what state a failed connection is in is anybody's guess.
            _close(connection)
            if isinstance(error, DatabaseFailure) and error.kind == FailureKind.UNAVAILABLE:
                # Those that wait were made before this: after a server's restart all are dead, and each would cost an
                # attempt, until none is left for a new connection.
                idle.drop()
            raise
        idle.give_back(connection, self._max_idle)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._dialect.serial_writes:
            yield
            return
        writing = self._own_idle().writing
        if not writing.acquire(timeout=PATIENCE):
            raise DatabaseFailure(FailureKind.RETRYABLE, "busy")
        try:
            yield
        finally:
            writing.release()

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


class ConnectionStatements:
    """
    The statements of one transaction on one connection.

    Args:
        connection: The connection.
        dialect: What is said differently by this database.
        compiled: Statements in the driver's style, kept by the port.
    """

    def __init__(self, connection: Any, dialect: Dialect, compiled: dict[str, str]) -> None:
        self._connection = connection
        self._dialect = dialect
        self._compiled = compiled

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> tuple[Sequence[Sequence[Any]], int]:
        """Return the rows, and the number of rows found or changed."""
        try:
            cursor = self._connection.cursor()
            cursor.execute(self._in_style(sql), parameters)
            rows = () if cursor.description is None else cursor.fetchall()
        except Exception as error:  # noqa: BLE001  The same.
            kind, code = self._dialect.failure(error)
        else:
            return rows, cursor.rowcount
        raise DatabaseFailure(kind, code)

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, object]], /) -> None:
        """Execute for each of the parameters."""
        try:
            self._connection.cursor().executemany(self._in_style(sql), parameters)
        except Exception as error:  # noqa: BLE001  The same.
            kind, code = self._dialect.failure(error)
        else:
            return
        raise DatabaseFailure(kind, code)

    def _in_style(self, sql: str) -> str:
        compiled = self._compiled.get(sql)
        if compiled is None:
            compiled = self._compiled[sql] = self._dialect.compiled(sql)
        return compiled


class _Idle:
    """The idle connections of one process."""

    def __init__(self, *, is_closed: bool = False) -> None:
        self.pid = os.getpid()
        self.is_closed = is_closed
        self.connections: list[Any] = []
        self.writing = Lock()

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
