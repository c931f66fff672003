"""Lend connections of a PEP 249 driver of our own, one transaction each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ...exceptions import ConfigurationError, PortalCredsError
from .cursors import CursorStatements
from .dialect import Dialect
from .outage import Outage
from .paramstyle import ParamStyle
from .port import DatabaseFailure, FailureKind
from .write_queue import WriteQueue

Connect = Callable[[], Any]
"""Returns a connection of a PEP 249 driver. Any: they have no common type."""

GiveBack = Callable[[Any], object]
"""Takes a connection back."""


class ConnectionPort:
    """
    A `Port` over connections that are opened when needed, kept while idle, and dropped after any error of their own.

    Args:
        connect: Returns a connection.
        dialect: What is said differently by this database.
        style: How the driver marks parameters.
        max_idle: Connections kept open between uses.
        give_back: Takes back the connections of somebody else's pool, of which none is kept here.

    Raises:
        ConfigurationError: *connect* is no function, or one of a pool that nothing would be given back to.
    """

    is_borrowed = False

    def __init__(
        self,
        connect: Connect,
        dialect: Dialect,
        style: ParamStyle,
        *,
        max_idle: int,
        give_back: GiveBack | None = None,
    ) -> None:
        if not callable(connect):
            raise ConfigurationError(
                "connect", "pass a function that returns a new connection; for a file use DBAPIAccountStore.open_sqlite"
            )
        if give_back is None and hasattr(getattr(connect, "__self__", None), "putconn"):
            raise ConfigurationError("give_back", "pass the pool's putconn, or its connections are never free again")
        if give_back is not None and not callable(give_back):
            raise ConfigurationError("give_back", "pass a function that takes a connection, such as a pool's putconn")
        self._connect = connect
        self._give_back = give_back
        self._dialect = dialect
        self._max_idle = max_idle if give_back is None else 0
        self._style = style
        self._queue = WriteQueue(serial=dialect.serial_writes, patience=dialect.timeouts.lock)
        self._outage = Outage(dialect.timeouts.outage)
        self._inherited: list[_Idle] = []
        self._idle = _Idle()

    @property
    def at_once(self) -> int:
        """How many changes one transaction writes best."""
        return self._dialect.at_once

    @contextmanager
    def reading(self) -> Iterator[CursorStatements]:
        """Lend statements that only read."""
        with self._lent() as lent:
            limits = None if lent.is_limited else self._dialect.limit_transaction_sql()
            if limits is None:
                yield lent.statements
                return
            # Only a transaction can be told how long to wait, where the session is not ours.
            lent.statements.execute(f"BEGIN; {limits}", {})
            yield lent.statements
            lent.statements.execute("COMMIT", {})

    @contextmanager
    def transaction(self, *, durable: bool = True, changes: int = 1) -> Iterator[CursorStatements]:
        """Lend statements that are committed together when the block ends, or undone together when it raises."""
        with self._queue.turn(), self._lent() as lent, self._dialect.room_for(lent.statements, changes):
            statements = lent.statements
            durability = self._dialect.set_durability_sql(durable=durable)
            if durability is not None:
                statements.execute(durability, {})
            limits = self._dialect.limit_transaction_sql()
            statements.execute(self._dialect.begin if limits is None else f"{self._dialect.begin}; {limits}", {})
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
    def _lent(self) -> Iterator[_Lent]:
        idle = self._own_idle()
        if idle.is_closed:
            raise DatabaseFailure(FailureKind.OTHER, "closed")
        lent = None
        try:
            lent = idle.take() or self._open(idle)
            yield lent
        except BaseException as error:
            # Closing undoes what was begun, and what state a failed connection is in is anybody's guess.
            if lent is not None:
                self._drop(lent.connection, idle)
            if isinstance(error, DatabaseFailure) and error.kind == FailureKind.UNAVAILABLE:
                error.retry_until = self._outage.note()
                # Those that wait were made before this: after a server's restart all are dead, and each would cost an
                # attempt, until none is left for a new connection.
                idle.drop()
            raise
        self._outage.end()
        self._put_back(lent, idle)

    def _own_idle(self) -> _Idle:
        idle = self._idle
        if idle.pid != os.getpid():
            # After a fork these are the parent's. They are kept and never closed: closing one here would end the
            # parent's session, or have SQLite clean up a file that the parent is writing.
            self._inherited.append(idle)
            idle = self._idle = _Idle(is_closed=idle.is_closed)
        return idle

    def _open(self, idle: _Idle) -> _Lent:
        connection, is_ours = None, False
        try:
            connection = self._connect()
            if not callable(getattr(connection, "cursor", None)):
                raise ConfigurationError("connect", "return a connection of a driver, which has cursors")
            is_ours = idle.claim(connection)
            if not is_ours:
                raise ConfigurationError(
                    "connect", "return another connection each time: what shares one shares its commits and rollbacks"
                )
            undo = self._dialect.leave_transactions(connection)
            # What goes back to somebody else has nothing set on it for good: there, statements say their limits.
            is_limited = self._max_idle == 0
            statements = CursorStatements(connection.cursor, self._dialect, self._style, is_limited=is_limited)
            lent = _Lent(connection, statements, undo)
            if self._max_idle > 0:
                lent.is_limited = self._dialect.settle(statements, connection)
            return lent
        except DatabaseFailure as error:
            failure: DatabaseFailure | PortalCredsError = error
        except PortalCredsError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  Drivers share no class, and none of their texts may get out (R14).
            failure = self._dialect.classify(error)
        if is_ours:
            self._drop(connection, idle)
        raise failure

    def _put_back(self, lent: _Lent, idle: _Idle) -> None:
        if not idle.is_closed and idle.count < self._max_idle:
            idle.keep(lent)
            return
        if self._max_idle == 0:
            with suppress(Exception):
                # As it was: a pool would hand it on with every statement committed by itself.
                lent.undo()
        if self._give_back is None:
            self._drop(lent.connection, idle)
            return
        idle.forget(lent.connection)
        with suppress(Exception):
            self._give_back(lent.connection)

    def _drop(self, connection: Any, idle: _Idle) -> None:
        idle.forget(connection)
        _close(connection)
        if self._give_back is not None:
            # A pool counts those that are closed too.
            with suppress(Exception):
                self._give_back(connection)


class _Lent:
    """A connection with its statements."""

    def __init__(self, connection: Any, statements: CursorStatements, undo: Callable[[], None]) -> None:
        self.connection = connection
        self.statements = statements
        self.undo = undo
        self.is_limited = False


class _Idle:
    """The connections of one process: those in use, and those that wait."""

    def __init__(self, *, is_closed: bool = False) -> None:
        self.pid = os.getpid()
        self.is_closed = is_closed
        self.connections: list[_Lent] = []
        self._claims: dict[int, object] = {}

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self.connections)

    def claim(self, connection: Any) -> bool:
        """Return whether nobody else has it; then it is claimed until it is forgotten."""
        # In one step of the interpreter, because two threads may be handed the same one at once.
        claim = object()
        return self._claims.setdefault(id(connection), claim) is claim

    def forget(self, connection: Any) -> None:
        self._claims.pop(id(connection), None)

    def take(self) -> _Lent | None:
        # Not "if connections": another thread may take the last one in between.
        try:
            return self.connections.pop()
        except IndexError:
            return None

    def keep(self, lent: _Lent) -> None:
        self.connections.append(lent)

    def drop(self) -> None:
        while (lent := self.take()) is not None:
            self.forget(lent.connection)
            _close(lent.connection)


def _close(connection: Any) -> None:
    with suppress(Exception):
        connection.close()
