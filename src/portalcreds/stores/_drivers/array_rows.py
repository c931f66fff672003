"""Write many rows as one array for each column, in PostgreSQL."""

# ruff: noqa: S608  Tables and columns are ours; every value is a parameter.
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .port import DatabaseFailure, FailureKind, Statements
from .row_writer import Columns, Row, RowWriter, Written, tell_written


class ArrayRows(RowWriter):
    """
    Writes rows of one table.

    A statement has a parameter for each column and not for each value: it is the same however many rows there are.
    The arrays are written as text, which drivers hand on as it is; what they make of a list takes them ten times as
    long.
    """

    def _prepare(self) -> None:
        super()._prepare()
        rows, given = self._unnest(self._columns), self._new(self._columns)
        self._returning = f"RETURNING {self._id}"
        self._insert_many = f"INSERT INTO {self._table} ({self._names}) SELECT * FROM {rows}"
        self._delete_many = (
            f"DELETE FROM {self._table} USING {self._find(rows, given)} WHERE {self._table}.ctid = place"
        )

    def _unnest(self, columns: Columns) -> str:
        """Return the rows as the FROM of a statement has them."""
        types = {name: "VARCHAR" if text else "BIGINT" for name, text in columns.items()}
        # To a driver that asks what a parameter is, such as asyncpg, it is a text.
        arrays = [f"CAST(CAST(:new_{name} AS TEXT) AS {type_}[])" for name, type_ in types.items()]
        return f"unnest({', '.join(arrays)}) new ({', '.join(f'new_{name}' for name in columns)})"

    def _new(self, columns: Columns) -> dict[str, str]:
        """Return what stands for each column of them."""
        return {
            name: f'new_{name} COLLATE "C"' if text and name in self._key else f"new_{name}"
            for name, text in columns.items()
        }

    def _find(self, rows: str, given: Mapping[str, str], before: str = "") -> str:
        """
        Return the rows with the places of those that are there, which are locked in the order given.

        What must hold of a row *before* is asked here, so that nothing but its place joins it to what is written: by
        version, the planner joined a small table first, and then looked for each of 500 rows 500 times.
        """
        # Of a table that was never analysed, the planner would read all of the tenant's rows by whatever index begins
        # with it. Asked for a range of one key and for its order, only the index of keys serves.
        first, *others = self._key
        range_of_one = f"{first} >= {given[first]} AND {first} <= {given[first]}"
        conditions = " AND ".join([range_of_one, *(f"{name} = {given[name]}" for name in others)])
        found = f"FROM {self._table}{self._within} AND {conditions}{before}"
        held = f"SELECT ctid {found} ORDER BY {first} LIMIT 1 FOR UPDATE"
        return f"(SELECT new.*, place FROM {rows} CROSS JOIN LATERAL ({held}) held (place)) new"

    def _insert(self, statements: Statements, rows: Sequence[Row]) -> None:
        if len(rows) == 1:
            super()._insert(statements, rows)  # Which is planned in half the time.
            return
        self._execute(statements, self._insert_many, self._columns, rows)

    def _insert_new(self, statements: Statements, rows: Sequence[Row]) -> Written:
        sql = f"{self._insert_many} ON CONFLICT DO NOTHING {self._returning}"
        told = self._execute(statements, sql, self._columns, rows)
        return [is_new or None for is_new in tell_written(self._ids(self._columns, rows), told)]

    def _update(self, statements: Statements, columns: Columns, rows: Sequence[Row], *, may_clash: bool) -> Written:
        if len(rows) == 1 and not may_clash:
            return super()._update(statements, columns, rows, may_clash=may_clash)
        given = self._new(columns)
        found = self._find(self._unnest(columns), given, self._before(given))
        settings = f"SET {self._settings(given)} FROM {found} WHERE {self._table}.ctid = place"
        if may_clash:
            # An error spoils a transaction up to its last savepoint. This one ends with the transaction.
            statements.execute("SAVEPOINT update_rows", {})
        try:
            sql = f"UPDATE {self._table} {settings} {self._returning}"
            told = self._execute(statements, sql, columns, rows)
        except DatabaseFailure as failure:
            if not may_clash or failure.kind != FailureKind.DUPLICATE:
                raise
            statements.execute("ROLLBACK TO SAVEPOINT update_rows", {})
            return [None] * len(rows)
        return [*tell_written(self._ids(columns, rows), told)]

    def _delete(self, statements: Statements, rows: Sequence[Row]) -> None:
        self._execute(statements, self._delete_many, self._columns, rows)

    def _execute(self, statements: Statements, sql: str, columns: Columns, rows: Sequence[Row]) -> Sequence[Row]:
        arrays = {
            f"new_{name}": write_array(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)
        }
        return statements.execute(sql, {**self._parameters, **arrays})[0]


def write_array(values: Iterable[object]) -> str:
    """Return the text of an array as PostgreSQL reads it (its documentation, 8.15.6)."""
    return "{" + ",".join(["NULL" if value is None else _write_element(value) for value in values]) + "}"


def _write_element(value: object) -> str:
    if type(value) is int:
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
