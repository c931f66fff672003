"""
Say how a fault of a table is fixed without a risk to its rows.

Statements are advised only if they add something: they work, or they fail and change nothing. For all else the intended
definition is shown, for the host's migration tool to bring about. Making a table again, changing a column's type or
filling a required column are decisions about rows that the check knows nothing of.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import attrs

from .._drivers.dialect import Dialect
from .._sql.ddl import create_index_sql, create_table_sql, define_column, insert_first_row_sql
from .._sql.schema import Column, Table
from .catalog import Catalog

_MIGRATE: Final = (
    "changing what has rows is for your migration tool: back up, bring about what it should be, and check again"
)

_FILL: Final = "the column is required, and only you know what belongs into the rows that are there; " + _MIGRATE

_LOOK_FOR_OTHERS: Final = (
    "look for a trigger, a foreign key, a CHECK or a required column of your own on the table, and take care of it"
)


@attrs.frozen(kw_only=True, eq=False)
class Hint:
    """
    How a fault is fixed.

    Attributes:
        statements: Statements that add what is missing, in order.
        intended: What it should be, as in CREATE TABLE.
        text: What to do besides or instead.
    """

    statements: tuple[str, ...] = ()
    intended: str = ""
    text: str = ""


CHANGE_ENGINE: Final = Hint(intended="ENGINE=InnoDB", text=_MIGRATE)
"""What keeps rows in a way that can undo a change."""

OTHER_RELEASE: Final = Hint(
    text="take the release that the tables are of, or migrate them; "
    "the page on migrations says what each version changed"
)

BE_STRICT: Final = Hint(
    statements=("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",),
    text="on each connection, or for all of them in the server's configuration",
)
"""What has MariaDB refuse what is too long."""

LOOK_FOR_OTHERS: Final = Hint(text=_LOOK_FOR_OTHERS)
"""What to do about what is none of ours."""


class Hints:
    """
    How the faults of one table are fixed.

    Args:
        dialect: What is said differently by this database.
        table: The table.
        catalog: What the database says of it.
    """

    def __init__(self, dialect: Dialect, table: Table, catalog: Catalog) -> None:
        self._dialect = dialect
        self._table = table
        self._taken = catalog.names

    def add_table(self) -> Hint:
        """Return what creates the table."""
        return Hint(statements=tuple(create_table_sql(self._table, self._dialect)))

    def add_column(self, column: Column, *, missing: Collection[str]) -> Hint:
        """Return what adds a column; *missing* are the columns that are not there."""
        definition = define_column(column, self._dialect)
        if not self.is_addable(column, missing):
            return Hint(intended=definition, text=_FILL if column.required else _MIGRATE)
        return Hint(statements=(f"ALTER TABLE {self._table.path} ADD COLUMN {definition}",))

    def is_addable(self, column: Column, missing: Collection[str]) -> bool:
        """Return whether a statement can add the column without a decision about the rows that are there."""
        if column.computed is None:
            return not column.required
        return self._dialect.adds_constraints and not self._blocked(column.computed, missing)

    def change_column(self, column: Column) -> Hint:
        """Return what a column should be that is there and unfit."""
        text = f"{_MIGRATE}; if it is so already, {_LOOK_FOR_OTHERS}"
        return Hint(intended=define_column(column, self._dialect), text=text)

    def add_key(self, name: str | None, columns: tuple[str, ...], *, missing: Collection[str] = ()) -> Hint:
        """Return what keeps the columns unique, by an index that does so: no column becomes NOT NULL by it."""
        if self._blocked(" ".join(columns), missing):
            listed = ", ".join(columns)
            return Hint(intended=f"UNIQUE ({listed})" if name else f"PRIMARY KEY ({listed})", text=_MIGRATE)
        free = self._find_free_name(name or f"{self._table.name}_key")
        return Hint(statements=(create_index_sql(self._table, free, columns, self._dialect, unique=True),))

    def add_check(self, name: str, *, missing: Collection[str] = ()) -> Hint:
        """Return what adds the CHECK of that name."""
        condition = self._table.checks[name]
        if not self._dialect.adds_constraints or self._blocked(condition, missing):
            return Hint(intended=f"CONSTRAINT {name} CHECK ({condition})", text=_MIGRATE)
        added = f"ADD CONSTRAINT {self._find_free_name(name)} CHECK ({condition})"
        return Hint(statements=(f"ALTER TABLE {self._table.path} {added}",))

    def add_index(self, name: str, *, missing: Collection[str] = ()) -> Hint:
        """Return what adds the index of that name."""
        columns = self._table.indexes[name]
        if self._blocked(" ".join(columns), missing):
            return Hint(intended=f"INDEX ({', '.join(columns)})", text=_MIGRATE)
        return Hint(statements=(create_index_sql(self._table, self._find_free_name(name), columns, self._dialect),))

    def add_first_row(self, row: Mapping[str, str | int]) -> Hint:
        """Return what says of which version the tables are, where nothing does."""
        text = "if they were made by this release, such as by a migration that forgot it; else migrate them first"
        return Hint(statements=(insert_first_row_sql(self._table, row),), text=text)

    def _blocked(self, expression: str, missing: Collection[str]) -> bool:
        """Return whether the expression is about a column that is missing and that no statement adds."""
        columns = (column for column in self._table.columns if column.name in missing)
        return any(mentions(expression, [column.name]) and not self.is_addable(column, missing) for column in columns)

    def _find_free_name(self, name: str) -> str:
        # One that has the name and does something else stays, for the host to look at.
        names = (name, *(f"{name}_{number}" for number in range(2, len(self._taken) + 3)))
        return next(free for free in names if free not in self._taken)


def mentions(expression: str, columns: Iterable[str]) -> bool:
    """Return whether an expression is about one of the columns."""
    return any(re.search(rf"\b{column}\b", expression) for column in columns)
