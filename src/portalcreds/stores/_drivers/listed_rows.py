"""Write many rows as one list of values, in MariaDB."""

# ruff: noqa: S608  Tables and columns are ours; every value is a parameter.
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from .port import DatabaseFailure, FailureKind, Statements
from .row_writer import Columns, Row, RowWriter, Written, tell_written

_BETWEEN: Final = " UNION ALL SELECT "

_FEW: Final = 30
"""
Rows that are deleted one by one, such as the words of a few people. A DELETE takes no list as its first table, and with
the list behind, MariaDB 11 reads all of a small table, and waits for whoever else has changed anything in it. More rows
are worth that: one by one, each would be a journey.
"""


class ListedRows(RowWriter):
    """
    Writes rows of one table.

    A statement that fails has changed nothing and leaves the transaction as it was, so nothing needs a savepoint.
    """

    def _prepare(self) -> None:
        super()._prepare()
        self._insert_many = f"INSERT INTO {self._table} ({self._names}) VALUES (:rows)"
        same = f"{self._within} AND {self._same(self._new(self._columns))}"
        self._delete_many = f"DELETE {self._table} FROM {self._table} JOIN {_list_rows(self._columns)}{same}"

    def _new(self, columns: Columns) -> dict[str, str]:
        """Return what stands for each column of a row."""
        return {
            name: f"new_{name} COLLATE utf8mb4_nopad_bin" if text and name in self._key else f"new_{name}"
            for name, text in columns.items()
        }

    def _insert(self, statements: Statements, rows: Sequence[Row]) -> None:
        statements.execute_rows(self._insert_many, "), (", {}, rows)

    def _insert_new(self, statements: Statements, rows: Sequence[Row]) -> Written:
        try:
            self._insert(statements, rows)
        except DatabaseFailure as failure:
            if failure.kind != FailureKind.DUPLICATE:
                raise
            return [None] * len(rows)
        return [True] * len(rows)

    def _update(self, statements: Statements, columns: Columns, rows: Sequence[Row], *, may_clash: bool) -> Written:
        if len(rows) == 1:
            return super()._update(statements, columns, rows, may_clash=may_clash)
        given = self._new(columns)
        compared = [name for name in columns if name in (*self._key, "version")]
        # Row by row in the order given, and each by its key: any other way might lock what is beside it.
        among = f"STRAIGHT_JOIN {self._table}"
        same = f"{self._within} AND {self._same(given)}{self._before(given)}"
        # An UPDATE does not tell which rows it has changed, so it is found out before which it will.
        places = [list(columns).index(name) for name in compared]
        told, _ = statements.execute_rows(
            f"SELECT {self._id} FROM {_list_rows(compared)} {among}{same} FOR UPDATE",
            _BETWEEN,
            self._parameters,
            [[row[place] for place in places] for row in rows],
        )
        current = tell_written(self._ids(columns, rows), told)
        updated = [row for row, is_current in zip(rows, current, strict=True) if is_current]
        if not updated:
            return [*current]
        sql = f"UPDATE {_list_rows(columns)} {among} SET {self._settings(given)}{same}"
        try:
            _, count = statements.execute_rows(sql, _BETWEEN, self._parameters, updated)
        except DatabaseFailure as failure:
            if failure.kind != FailureKind.DUPLICATE:
                raise
            return [None if is_current else False for is_current in current]
        if count != len(updated):
            raise DatabaseFailure(FailureKind.OTHER, "rowcount")
        return [*current]

    def _delete(self, statements: Statements, rows: Sequence[Row]) -> None:
        if len(rows) <= _FEW:
            super()._delete(statements, rows)
        else:
            statements.execute_rows(self._delete_many, _BETWEEN, self._parameters, rows)


def _list_rows(names: Iterable[str]) -> str:
    # Not VALUES: where a driver prepares the statement, the server takes the first row's types for those of all.
    new = ", ".join(f"new_{name}" for name in names)
    return f"(WITH new ({new}) AS (SELECT :rows) SELECT * FROM new) new"
