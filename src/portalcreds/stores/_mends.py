"""Write the statements that mend a table, in a database's own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from ._catalog import Catalog
from ._ddl import creation_of, definition_of, index_of
from ._dialects import Dialect, MariaDB, PostgreSQL
from ._schema import Column, Kind, Table

_TEMPORAL: Final = ("date", "time")
"""Beginnings of the types of instants that are not numbers: DATETIME, TIMESTAMP, "timestamp with time zone"."""

_LOOK_FOR_OTHERS: Final = (
    "no statement mends it; look for a trigger, a foreign key, a CHECK or a column of your own that must be filled in"
)

_REBUILD_BY_HAND: Final = (
    "SQLite changes no column and adds no constraint: make the table again under another name, with the columns of "
    "your own, copy the rows, drop this one and rename that one"
)

_REBUILT: Final = "triggers, indexes and views of your own on the table are to be made again"


@attrs.frozen
class Mend:
    """
    What mends a fault.

    Attributes:
        statements: The statements, in order.
        advice: What to do besides or instead.
    """

    statements: tuple[str, ...] = ()
    advice: str = ""


class Mends(Protocol):
    """**Protocol:** What mends one table."""

    def column(self, column: Column) -> Mend:
        """Return what gives a column its type and its collation."""
        ...

    def missing_column(self, column: Column) -> Mend:
        """Return what adds a column."""
        ...

    def required(self, column: Column) -> Mend:
        """Return what keeps NULL out of a column."""
        ...

    def computed(self, column: Column) -> Mend:
        """Return what makes the database compute or number a column."""
        ...

    def key(self, name: str | None, columns: tuple[str, ...]) -> Mend:
        """Return what keeps columns unique, under that name, or as the primary key."""
        ...

    def check(self, name: str) -> Mend:
        """Return what adds the CHECK of that name."""
        ...

    def index(self, name: str) -> Mend:
        """Return what adds the index of that name."""
        ...

    def together(self, mends: Sequence[Mend]) -> list[Mend]:
        """Return the mends of several faults, each the one that mends the others too, if there is such a one."""
        ...


def mends_of(dialect: Dialect, table: Table, catalog: Catalog) -> Mends:
    """Return what mends that table, which is as the catalog says."""
    if isinstance(dialect, PostgreSQL):
        return _MendsOfPostgreSQL(dialect, table, catalog)
    if isinstance(dialect, MariaDB):
        return _MendsOfMariaDB(dialect, table, catalog)
    return _MendsOfSQLite(dialect, table, catalog)


def mend_of_missing(dialect: Dialect, table: Table) -> Mend:
    """Return what creates the table."""
    return Mend(tuple(creation_of(table, dialect)))


def mend_of_others() -> Mend:
    """Return what to do about that which is nothing of ours."""
    return Mend(advice=_LOOK_FOR_OTHERS)


def mentions(expression: str, column: str) -> bool:
    """Return whether an expression is about the column."""
    return re.search(rf"\b{column}\b", expression) is not None


@attrs.frozen
class _MendsOfSQLite:
    """SQLite changes no column and adds no constraint: the table is made again, and its rows are copied."""

    _dialect: Dialect
    _table: Table
    _catalog: Catalog

    def column(self, column: Column) -> Mend:
        return self._rebuilding()

    def missing_column(self, column: Column) -> Mend:
        return self._rebuilding()

    def required(self, column: Column) -> Mend:
        return self._rebuilding()

    def computed(self, column: Column) -> Mend:
        return self._rebuilding()

    def check(self, name: str) -> Mend:
        return self._rebuilding()

    def key(self, name: str | None, columns: tuple[str, ...]) -> Mend:
        if any(column.kind == Kind.SEQUENCE for column in self._table.columns if column.name in columns):
            # Only as INTEGER PRIMARY KEY is the column another name of the row's number.
            return self._rebuilding()
        name = name or f"{self._table.name}_key"
        created = f"CREATE UNIQUE INDEX {self._within(name)} ON {self._table.name} ({', '.join(columns)})"
        return Mend((*self._dropped(name), created))

    def index(self, name: str) -> Mend:
        return Mend((*self._dropped(name), index_of(self._table, name, self._dialect)))

    def together(self, mends: Sequence[Mend]) -> list[Mend]:
        # Made again, the table has its keys and indexes too.
        rebuilt = next((mend for mend in mends if mend.advice == _REBUILT), None)
        return [rebuilt if rebuilt is not None and mend.statements else mend for mend in mends]

    def _dropped(self, name: str) -> tuple[str, ...]:
        return (f"DROP INDEX {self._within(name)}",) if _has_index(self._catalog, name) else ()

    def _within(self, name: str) -> str:
        # The schema is said of the index, which is in that of its table.
        return name if self._table.schema is None else f"{self._table.schema}.{name}"

    def _rebuilding(self) -> Mend:
        table, there = self._table, self._catalog.types
        if any(name not in {column.name for column in table.columns} for name in there):
            return Mend(advice=_REBUILD_BY_HAND)
        made = attrs.evolve(table, name=f"{table.name}_new", indexes={})
        names = ", ".join(column.name for column in table.columns if column.computed is None and column.name in there)
        return Mend(
            (
                # Else the rows that refer to this table's might go with it.
                "PRAGMA foreign_keys = OFF",
                "BEGIN IMMEDIATE",
                *creation_of(made, self._dialect),
                f"INSERT INTO {made.path} ({names}) SELECT {names} FROM {table.path}",  # noqa: S608  No values.
                f"DROP TABLE {table.path}",
                f"ALTER TABLE {made.path} RENAME TO {table.name}",
                *(index_of(table, name, self._dialect) for name in table.indexes),
                "COMMIT",
            ),
            _REBUILT,
        )


class _Altering:
    """What the databases that can alter a table have in common."""

    def __init__(self, dialect: Dialect, table: Table, catalog: Catalog) -> None:
        self._dialect = dialect
        self._table = table
        self._catalog = catalog

    def key(self, name: str | None, columns: tuple[str, ...]) -> Mend:
        listed = ", ".join(columns)
        if name is not None:
            return Mend((*self._dropped(name), self._alter(f"ADD CONSTRAINT {name} UNIQUE ({listed})")))
        # A host's own table may have a primary key of its own.
        return Mend((self._alter(f"ADD {'UNIQUE' if self._has_primary_key else 'PRIMARY KEY'} ({listed})"),))

    def check(self, name: str) -> Mend:
        added = self._alter(f"ADD CONSTRAINT {name} CHECK ({self._table.checks[name]})")
        return Mend((*self._dropped(name), added))

    def index(self, name: str) -> Mend:
        return Mend((*self._dropped(name), index_of(self._table, name, self._dialect)))

    def together(self, mends: Sequence[Mend]) -> list[Mend]:
        return list(mends)

    @property
    def _has_primary_key(self) -> bool:
        return any(index.is_primary for index in self._catalog.indexes)

    def _dropped(self, name: str) -> tuple[str, ...]:
        """Return what drops the constraint or index that has the name and does not do what it should."""
        if name in self._catalog.constraints:
            return (self._alter(f"DROP CONSTRAINT {name}"),)
        return (self._drop_index(name),) if _has_index(self._catalog, name) else ()

    def _drop_index(self, name: str) -> str:
        return self._alter(f"DROP INDEX {name}")

    def _alter(self, action: str) -> str:
        return f"ALTER TABLE {self._table.path} {action}"


class _MendsOfPostgreSQL(_Altering):
    def column(self, column: Column) -> Mend:
        now = self._catalog.types.get(column.name, "")
        if now == ("bigint" if column.length is None else f"character varying({column.length}) C"):
            return mend_of_others()
        # What another column is computed from does not change its type.
        computed = [other for other in self._table.columns if mentions(other.computed or "", column.name)]
        return Mend(
            (
                *(self._alter(f"DROP COLUMN {other.name}") for other in computed),
                *self._retyped(column, now),
                *(statement for other in computed for statement in self.missing_column(other).statements),
            )
        )

    def missing_column(self, column: Column) -> Mend:
        added = self._alter(f"ADD COLUMN {definition_of(column, self._dialect)}")
        if column.computed is None:
            return Mend((added,))
        # If it was dropped, its indexes were too.
        indexes = [name for name, columns in self._table.indexes.items() if column.name in columns]
        return Mend((added, *(index_of(self._table, name, self._dialect) for name in indexes)))

    def required(self, column: Column) -> Mend:
        return Mend((self._alter(f"ALTER COLUMN {column.name} SET NOT NULL"),))

    def computed(self, column: Column) -> Mend:
        name, path = column.name, self._table.path
        if column.kind != Kind.SEQUENCE:
            return Mend((self._alter(f"DROP COLUMN {name}"), *self.missing_column(column).statements))
        return Mend(
            (
                *self.required(column).statements,
                self._alter(f"ALTER COLUMN {name} ADD GENERATED BY DEFAULT AS IDENTITY"),
                f"SELECT setval(pg_get_serial_sequence('{path}', '{name}'), "  # noqa: S608  No values.
                f"(SELECT COALESCE(MAX({name}), 0) + 1 FROM {path}), false)",
            )
        )

    def _retyped(self, column: Column, now: str) -> tuple[str, ...]:
        name = column.name
        if column.length is not None:
            using = "" if now.startswith(("character", "text")) else f" USING CAST({name} AS TEXT)"
            return (self._alter(f"ALTER COLUMN {name} TYPE {self._dialect.text(column.length)}{using}"),)
        number = name if now != "boolean" else f"CAST({name} AS INTEGER)"
        if now.startswith(_TEMPORAL):
            number = f"EXTRACT(EPOCH FROM {name}) * 1000000"
        retyped = f"ALTER COLUMN {name} TYPE {self._dialect.integer} USING CAST({number} AS {self._dialect.integer})"
        if name in self._catalog.filled and name not in self._catalog.numbered:
            # A default of the old type, such as now(), is in the way.
            return self._alter(f"ALTER COLUMN {name} DROP DEFAULT"), self._alter(retyped)
        return (self._alter(retyped),)

    def _drop_index(self, name: str) -> str:
        return f"DROP INDEX {name}" if self._table.schema is None else f"DROP INDEX {self._table.schema}.{name}"


class _MendsOfMariaDB(_Altering):
    def column(self, column: Column) -> Mend:
        name, now = column.name, self._catalog.types.get(column.name, "")
        if now in ("bigint", "bigint(20)", f"varchar({column.length}) utf8mb4_nopad_bin"):
            return mend_of_others()
        if column.length is None and now.startswith(_TEMPORAL):
            # Made a number at once, it would be the digits of the date.
            since = f"TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {name})"
            return Mend(
                (
                    "SET time_zone = '+00:00'",
                    self._alter(f"MODIFY COLUMN {name} VARCHAR(40)"),
                    f"UPDATE {self._table.path} SET {name} = {since}",  # noqa: S608  No values.
                    self._modified(column),
                )
            )
        return Mend((self._modified(column),))

    def missing_column(self, column: Column) -> Mend:
        return Mend((self._alter(f"ADD COLUMN {definition_of(column, self._dialect)}"),))

    def required(self, column: Column) -> Mend:
        return Mend((self._modified(column),))

    def computed(self, column: Column) -> Mend:
        is_keyed = any(index.columns[:1] == (column.name,) for index in self._catalog.indexes)
        if column.kind == Kind.SEQUENCE and self._has_primary_key and not is_keyed:
            # Only a column with a key can be numbered.
            return Mend((self._alter(f"ADD UNIQUE ({column.name})"), self._modified(column)))
        return Mend((self._modified(column),))

    def key(self, name: str | None, columns: tuple[str, ...]) -> Mend:
        for column in self._table.columns:
            if column.kind == Kind.SEQUENCE and columns == (column.name,) and not self._has_primary_key:
                return self.computed(column)
        return super().key(name, columns)

    def _modified(self, column: Column) -> str:
        definition = definition_of(column, self._dialect)
        if self._has_primary_key:
            definition = definition.removesuffix(" PRIMARY KEY")
        return self._alter(f"MODIFY COLUMN {definition}")


def _has_index(catalog: Catalog, name: str) -> bool:
    return any(index.name == name for index in catalog.indexes)
