"""Let a real connection of a real driver fail as databases fail: at a statement, before or after its work."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from stores.backends import Backend

CANARY = "canary-7f3a"
"""Stands in every error's text together with the parameters, as drivers put them there."""

CODES: dict[str, dict[str, object]] = {
    "connection lost": {"sqlite": "SQLITE_IOERR_READ", "postgresql": "08006", "mariadb": 2013},
    "serialization failure": {"sqlite": "SQLITE_BUSY_SNAPSHOT", "postgresql": "40001", "mariadb": 1020},
    "deadlock": {"sqlite": "SQLITE_BUSY", "postgresql": "40P01", "mariadb": 1213},
    "lock wait": {"sqlite": "SQLITE_LOCKED", "postgresql": "55P03", "mariadb": 1205},
    "time-out": {"sqlite": "SQLITE_INTERRUPT", "postgresql": "57014", "mariadb": 1969},
    "disk full": {"sqlite": "SQLITE_FULL", "postgresql": "53100", "mariadb": 1021},
    "memory short": {"sqlite": "SQLITE_IOERR_NOMEM", "postgresql": "53200", "mariadb": 1037},
    "input or output failed": {"sqlite": "SQLITE_IOERR_FSYNC", "postgresql": "58030", "mariadb": 1180},
    "shutting down": {"sqlite": "SQLITE_CANTOPEN", "postgresql": "57P01", "mariadb": 1053},
    "read only": {"sqlite": "SQLITE_READONLY", "postgresql": "25006", "mariadb": 1290},
    "too many connections": {"sqlite": "SQLITE_CANTOPEN", "postgresql": "53300", "mariadb": 1040},
    "interrupted": {"sqlite": "SQLITE_PROTOCOL", "postgresql": "57P05", "mariadb": 1317},
}
"""What each database says, as a code of its own."""

KILLED = "killed by the server"
REFUSED = "no connection"
FAULTS = (*CODES, KILLED, REFUSED)
"""All faults. Two are no errors that are made up: a session that the server ends, and a connection that is refused."""


@attrs.define
class FaultyBackend:
    """
    Opens connections of which one statement fails.

    Attributes:
        backend: Whose connections.
        fault: One of `FAULTS`, or None for none.
        at: Which statement fails, counted from 0; SAVEPOINTs and COMMITs count too.
        done: Whether it has done its work when it fails: what is lost is the acknowledgement.
        lasts: Whether all that follow fail as well.
        seen: How many statements there were.
        struck: How many of them failed.
    """

    backend: Backend
    fault: str | None = None
    at: int = 0
    done: bool = False
    lasts: bool = False
    seen: int = 0
    struck: int = 0

    def arm(self, fault: str, at: int, *, done: bool, lasts: bool) -> None:
        """Let the next statement but *at* fail."""
        self.fault, self.at, self.done, self.lasts = fault, at, done, lasts
        self.seen = self.struck = 0

    def disarm(self) -> None:
        """Let nothing fail any more; what was counted stays."""
        self.fault = None

    def connect(self) -> Any:
        """Return a new connection, or refuse it."""
        if self.struck and self.lasts and self.fault == REFUSED:
            raise ConnectionRefusedError(111, CANARY)
        if self.backend.database == "sqlite":
            return self._sqlite()
        connection = self.backend.connect()
        if self.backend.database == "postgresql":
            connection.cursor_factory = self._cursor_class(connection.cursor_factory, connection)
        else:
            connection.cursorclass = self._cursor_class(connection.cursorclass, connection)
        commit = connection.commit
        connection.commit = lambda: self._execute(connection, None, commit)
        return connection

    def _sqlite(self) -> sqlite3.Connection:
        faults = self

        class Connection(sqlite3.Connection):
            def cursor(self, factory: Any = None) -> Any:
                return super().cursor(faults._cursor_class(factory or sqlite3.Cursor, self))

            def commit(self) -> None:
                faults._execute(self, None, super().commit)

        return sqlite3.connect(self.backend.place, timeout=5, check_same_thread=False, factory=Connection)

    def _cursor_class(self, base: Any, connection: Any) -> Any:
        faults = self

        class Cursor(base):  # type: ignore[misc]  # Whatever class the driver has.
            def execute(self, sql: Any, parameters: Any = (), *args: Any, **keywords: Any) -> Any:
                work = partial(super().execute, sql, parameters, *args, **keywords)
                return faults._execute(connection, parameters, work)

            def executemany(self, sql: Any, parameters: Any, *args: Any, **keywords: Any) -> Any:
                work = partial(super().executemany, sql, parameters, *args, **keywords)
                return faults._execute(connection, parameters, work)

        return Cursor

    def _execute(self, connection: Any, parameters: Any, work: Callable[[], Any]) -> Any:
        number = self.seen
        self.seen += 1
        is_due = self.fault is not None and (number == self.at or (self.lasts and number > self.at))
        if is_due and not self.done:
            self._strike(connection, parameters)
        result = work()
        if is_due and self.done:
            self._strike(connection, parameters)
        return result

    def _strike(self, connection: Any, parameters: Any) -> None:
        assert self.fault is not None
        self.struck += 1
        if self.fault == KILLED and self.backend.database != "sqlite":
            self._kill(connection)
            if not self.done:
                return  # The statement itself finds out.
        code = CODES.get(self.fault, CODES["connection lost"])[self.backend.database]
        raise _error(self.backend.database, code, f"{CANARY} {parameters!r}")

    def _kill(self, connection: Any) -> None:
        admin = self.backend.connect()
        try:
            cursor = admin.cursor()
            if self.backend.database == "postgresql":
                # Waits until it is gone.
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
            else:
                cursor.execute("KILL %s", [connection.thread_id()])
        except Exception as error:
            # It may be dead already, and has no number any more.
            if "thread" not in str(error) and "closed" not in str(error):
                raise
        finally:
            admin.close()


def _error(database: str, code: Any, text: str) -> Exception:
    if database == "sqlite":
        error = sqlite3.OperationalError(text)
        error.sqlite_errorname = code  # type: ignore[attr-defined, unused-ignore]  # As the driver does.
        return error
    if database == "postgresql":
        import psycopg.errors

        return psycopg.errors.lookup(code)(text)
    import pymysql

    return pymysql.err.OperationalError(code, text)
