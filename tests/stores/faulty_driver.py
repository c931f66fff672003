"""An SQLite driver whose statements fail as drivers fail: with the parameters in the error's text."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

CANARY = "canary-7f3a"
"""Stands in every driver error's text, as parameters do."""


class DriverError(Exception):
    """What a driver raises."""

    def __init__(self, sqlite_errorname: str, parameters: object = None) -> None:
        super().__init__(f"{sqlite_errorname}: {CANARY} {parameters!r}")
        self.sqlite_errorname = sqlite_errorname


class FaultyDriver:
    """
    Connects to a file, and fails on demand.

    Attributes:
        before: Called with each statement before it is executed; what it raises is the driver's error.
        after: The same after it was executed.
        statements: What was executed.
        connections: How many were opened.
        dead: How many of these, the first ones, the server has forgotten.
        closed: How many were closed.
        opened: The file's own connections behind them.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.before: Callable[[str], None] = lambda sql: None
        self.after: Callable[[str], None] = lambda sql: None
        self.refuses: str | None = None
        self.statements: list[str] = []
        self.connections = self.dead = self.closed = 0
        self.rowcount: int | None = None
        self.opened: list[sqlite3.Connection] = []

    def __call__(self) -> _Connection:
        """Return a connection, or refuse it."""
        if self.refuses is not None:
            raise DriverError(self.refuses)
        self.connections += 1
        return _Connection(self)

    def fail_once(self, beginning: str, code: str, *, done: bool, times: int = 1) -> None:
        """Fail the next statements that begin so, before or after they are *done*."""
        left = [times]

        def fault(sql: str) -> None:
            if left[0] and sql.startswith(beginning):
                left[0] -= 1
                raise DriverError(code)

        if done:
            self.after = fault
        else:
            self.before = fault

    def end(self) -> None:
        """Close the file's connections that are still open, as the process's end would."""
        for connection in self.opened:
            connection.close()


class _Connection:
    isolation_level: str | None = ""

    def __init__(self, driver: FaultyDriver) -> None:
        self._driver = driver
        self._number = driver.connections
        self._real = sqlite3.connect(driver.file, isolation_level=None, check_same_thread=False, timeout=0.05)
        driver.opened.append(self._real)

    def cursor(self) -> _Cursor:
        return _Cursor(self._driver, self._real.cursor(), self._number)

    def close(self) -> None:
        self._driver.closed += 1
        self._real.close()
        raise DriverError("closing may fail too")


class _Cursor:
    def __init__(self, driver: FaultyDriver, real: sqlite3.Cursor, number: int) -> None:
        self._driver = driver
        self._real = real
        self._number = number

    def execute(self, sql: str, parameters: Any) -> None:
        self._run(sql, lambda: self._real.execute(sql, parameters))

    def executemany(self, sql: str, parameters: Any) -> None:
        self._run(sql, lambda: self._real.executemany(sql, parameters))

    def _run(self, sql: str, execute: Callable[[], object]) -> None:
        self._driver.statements.append(sql)
        if self._number <= self._driver.dead:
            raise DriverError("SQLITE_IOERR_READ")
        self._driver.before(sql)
        execute()
        self._driver.after(sql)

    @property
    def description(self) -> object:
        return self._real.description

    @property
    def rowcount(self) -> int:
        return self._real.rowcount if self._driver.rowcount is None else self._driver.rowcount

    def fetchall(self) -> list[Any]:
        return self._real.fetchall()
