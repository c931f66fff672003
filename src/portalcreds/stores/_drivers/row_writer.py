"""Write many rows of a table at once."""

# ruff: noqa: S608  Tables and columns are ours; every value is a parameter.
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ..._chunks import chunks
from .port import DatabaseFailure, FailureKind, Statements

Row = Sequence[object]

Columns = Mapping[str, bool]
"""The columns of a row in order, and whether each holds text."""

Written = list[bool | None]
"""What became of each row: whether it was written, or None if it was not because of a key that is there already."""

_VALUES: Final = 60_000
"""Values in one statement; where they are sent apart from it, servers take 65,535."""


class RowWriter:
    """
    Writes rows of one table.

    Here each row is a statement that was prepared once, which nothing beats where the database is a file. A database
    that is a journey away takes many rows in one statement.

    Args:
        table: The table's path.
        columns: What each row holds.
        key: The columns by which a row is found; the first one tells those of a call apart.
        within: The condition of all that may be changed, from WHERE on.
        parameters: What *within* is bound to.
    """

    def __init__(
        self, table: str, columns: Columns, *, key: Sequence[str], within: str, parameters: Mapping[str, object]
    ) -> None:
        self._table = table
        self._columns = columns
        self._key = key
        self._id = key[0]
        self._within = within
        self._parameters = parameters
        self._at_once = _VALUES // len(columns)
        self._prepare()

    def insert(self, statements: Statements, rows: Sequence[Row]) -> None:
        """Insert rows, none of which may be there."""
        for some in chunks(rows, self._at_once):
            self._insert(statements, some)

    def insert_new(self, statements: Statements, rows: Sequence[Row]) -> Written:
        """Insert the rows whose keys are not there; if some are, perhaps none."""
        return [told for some in chunks(rows, self._at_once) for told in self._insert_new(statements, some)]

    def update(self, statements: Statements, names: Sequence[str], rows: Sequence[Row], *, may_clash: bool) -> Written:
        """
        Update the rows that are at the version before, if versions are given; if one clashes, perhaps none.

        Args:
            statements: The transaction's.
            names: The columns of the key, and those to be written. Each one less leaves the indexes that it is in as
                they are: a database may write an entry anew without a look at whether it becomes another one.
            rows: What they become there. They are locked in this order.
            may_clash: Whether one may get a key that another one has.
        """
        columns = {name: self._columns[name] for name in names}
        return [
            told
            for some in chunks(rows, self._at_once)
            for told in self._update(statements, columns, some, may_clash=may_clash)
        ]

    def delete(self, statements: Statements, rows: Sequence[Row]) -> None:
        """Delete those of the rows that are there."""
        for some in chunks(rows, self._at_once):
            self._delete(statements, some)

    # -- in standard SQL, row by row

    def _prepare(self) -> None:
        given = self._marks(self._columns)
        self._insert_one = f"INSERT INTO {self._table} ({self._names}) VALUES ({', '.join(given.values())})"
        self._delete_one = f"DELETE FROM {self._table}{self._within} AND {self._same(given)}"

    def _insert(self, statements: Statements, rows: Sequence[Row]) -> None:
        if None in self._each(statements, self._insert_one, self._columns, rows):
            raise DatabaseFailure(FailureKind.DUPLICATE, "rows")

    def _insert_new(self, statements: Statements, rows: Sequence[Row]) -> Written:
        return [
            None if count is None else True for count in self._each(statements, self._insert_one, self._columns, rows)
        ]

    def _update(self, statements: Statements, columns: Columns, rows: Sequence[Row], *, may_clash: bool) -> Written:
        given = self._marks(columns)
        same = f"{self._within} AND {self._same(given)}{self._before(given)}"
        counts = self._each(statements, f"UPDATE {self._table} SET {self._settings(given)}{same}", columns, rows)
        if not {0, 1, None}.issuperset(counts):
            # A driver that does not count, or a key that holds several rows: nothing could be relied on.
            raise DatabaseFailure(FailureKind.OTHER, "rowcount")
        return [None if count is None else count == 1 for count in counts]

    def _delete(self, statements: Statements, rows: Sequence[Row]) -> None:
        self._each(statements, self._delete_one, self._columns, rows)

    def _each(self, statements: Statements, sql: str, columns: Columns, rows: Sequence[Row]) -> list[int | None]:
        others = {name: value for name, value in self._parameters.items() if name not in columns}
        if others:
            rows = [(*row, *others.values()) for row in rows]
        return statements.execute_each(sql, (*columns, *others), rows)

    # -- the parts of statements; *given* is what stands for each column of a row

    def _marks(self, columns: Columns) -> dict[str, str]:
        return {name: f":{name}" for name in columns}

    @property
    def _names(self) -> str:
        return ", ".join(self._columns)

    def _ids(self, columns: Columns, rows: Sequence[Row]) -> list[object]:
        place = list(columns).index(self._id)
        return [row[place] for row in rows]

    def _settings(self, given: Mapping[str, str]) -> str:
        return ", ".join(f"{name} = {value}" for name, value in given.items() if name not in self._key)

    def _same(self, given: Mapping[str, str]) -> str:
        """Return the condition that a row has the key that was given."""
        return " AND ".join(f"{name} = {given[name]}" for name in self._key)

    def _before(self, given: Mapping[str, str]) -> str:
        """Return the further condition that it is at the version before, if the rows have versions."""
        return f" AND version = {given['version']} - 1" if "version" in given else ""


def tell_written(ids: Iterable[object], told: Sequence[Row]) -> list[bool]:
    """Return for each of the ids whether a statement told it."""
    written = {told_id for (told_id,) in told}
    return [one in written for one in ids]
