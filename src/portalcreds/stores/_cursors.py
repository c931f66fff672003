"""Execute statements on cursors of a PEP 249 driver, without its errors' texts getting out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..exceptions import ConfigurationError
from ._dialects import Dialect
from ._paramstyle import Styled, styled
from ._port import DatabaseFailure


class CursorStatements:
    """
    The statements of one transaction.

    Args:
        cursor: Returns a cursor in it.
        dialect: What is said differently by this database.
        paramstyle: How the driver marks parameters.
        compiled: Statements in the driver's style, kept by the port.
    """

    def __init__(
        self, cursor: Callable[[], Any], dialect: Dialect, paramstyle: str, compiled: dict[str, Styled]
    ) -> None:
        self._cursor = cursor
        self._dialect = dialect
        self._paramstyle = paramstyle
        self._compiled = compiled

    def join(self) -> None:
        """Make sure that there is a transaction of the host's to take part in."""
        try:
            connection = getattr(self._cursor(), "connection", None)
        except Exception as error:  # noqa: BLE001  Drivers share no class, and none of their texts may get out (R14).
            kind, code = self._dialect.failure(error)
        else:
            self._dialect.join(self, connection)
            return
        raise DatabaseFailure(kind, code)

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> tuple[Sequence[Sequence[Any]], int]:
        """Return the rows, and the number of rows found or changed."""
        statement = self._in_style(sql)
        try:
            cursor = self._cursor()
            cursor.execute(statement.sql, statement.bound(parameters))
            rows = () if cursor.description is None else cursor.fetchall()
        except Exception as error:  # noqa: BLE001  The same.
            kind, code = self._dialect.failure(error)
        else:
            if rows and isinstance(rows[0], Mapping):
                # Taken apart as tuples are, one would give its keys for values.
                raise ConfigurationError(
                    "cursor", "let rows be plain tuples; without DictCursor, dict_row and the like"
                )
            return rows, cursor.rowcount
        raise DatabaseFailure(kind, code)

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, object]], /) -> None:
        """Execute for each of the parameters."""
        statement = self._in_style(sql)
        try:
            self._cursor().executemany(statement.sql, [statement.bound(each) for each in parameters])
        except Exception as error:  # noqa: BLE001  The same.
            kind, code = self._dialect.failure(error)
        else:
            return
        raise DatabaseFailure(kind, code)

    def _in_style(self, sql: str) -> Styled:
        compiled = self._compiled.get(sql)
        if compiled is None:
            compiled = self._compiled[sql] = styled(sql, self._paramstyle)
        return compiled
