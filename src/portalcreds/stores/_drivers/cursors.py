"""Execute statements on cursors of a PEP 249 driver, and keep the texts of its errors in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ...exceptions import ConfigurationError, PortalCredsError
from .dialect import Dialect
from .paramstyle import ParamStyle
from .port import DatabaseFailure, FailureKind

_Result = TypeVar("_Result")


class CursorStatements:
    """
    The statements of one transaction.

    Args:
        cursor: Returns a cursor in it.
        dialect: What is said differently by this database.
        style: How the driver marks parameters.
        is_limited: Whether each statement is to say by itself how long it waits.
    """

    def __init__(
        self, cursor: Callable[[], Any], dialect: Dialect, style: ParamStyle, *, is_limited: bool = False
    ) -> None:
        self._cursor = cursor
        self._dialect = dialect
        self._style = style
        self._is_limited = is_limited

    @property
    def driver(self) -> str:
        """The name of the driver's module."""
        return self._use(lambda cursor: type(cursor).__module__.partition(".")[0])

    def join(self) -> None:
        """Make sure that there is a transaction of the host's to take part in."""
        self._dialect.join(self, self._use(lambda cursor: cursor))

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> tuple[Sequence[Sequence[Any]], int]:
        """Return the rows, and the number of rows found or changed."""

        def fill(cursor: Any) -> tuple[str, Any]:
            marked = self._style.mark(self._limited(sql), cursor)
            return marked.sql, marked.bind(parameters)

        return self._execute(fill)

    def execute_rows(
        self, sql: str, between: str, parameters: Mapping[str, object], rows: Sequence[Sequence[object]], /
    ) -> tuple[Sequence[Sequence[Any]], int]:
        """Execute with rows of values in the place of ``:rows``."""
        return self._execute(
            lambda cursor: self._style.fill_rows(self._limited(sql), between, cursor, parameters, rows)
        )

    def execute_each(self, sql: str, names: Sequence[str], rows: Sequence[Sequence[object]], /) -> list[int | None]:
        """Execute once for each row of values."""
        counts: list[int | None] = []

        def work(cursor: Any) -> None:
            marked = self._style.mark(self._limited(sql), cursor)
            bind = marked.bind_rows(names)
            for row in rows[len(counts) :]:
                cursor.execute(marked.sql, bind(row))
                counts.append(cursor.rowcount)

        while len(counts) < len(rows):
            try:
                self._use(work)
            except DatabaseFailure as failure:
                if failure.kind != FailureKind.DUPLICATE:
                    raise
                counts.append(None)
        return counts

    def _limited(self, sql: str) -> str:
        return self._dialect.limit_sql(sql) if self._is_limited else sql

    def _execute(self, fill: Callable[[Any], tuple[str, Any]]) -> tuple[Sequence[Sequence[Any]], int]:
        def work(cursor: Any) -> tuple[Sequence[Sequence[Any]], int]:
            cursor.execute(*fill(cursor))
            return () if cursor.description is None else cursor.fetchall(), cursor.rowcount

        rows, count = self._use(work)
        if rows and isinstance(rows[0], Mapping):
            # Unpacked as tuples are, one would give its keys for values.
            raise ConfigurationError("cursor", "let rows be plain tuples; without DictCursor, dict_row and the like")
        return rows, count

    def _use(self, work: Callable[[Any], _Result]) -> _Result:
        try:
            # Under no name here: the failure's traceback would keep the cursor, and SQLite a transaction with it.
            return work(self._open_cursor())
        except (DatabaseFailure, PortalCredsError):
            raise
        except Exception as error:  # noqa: BLE001  Drivers share no class, and none of their texts may get out (R14).
            failure = self._dialect.classify(error)
        # Raised outside the except clause: the error's __context__ would carry statement and parameters along (R14).
        raise failure

    def _open_cursor(self) -> Any:
        cursor = self._cursor()
        self._dialect.look_at(cursor)
        return cursor
