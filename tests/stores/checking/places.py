"""Databases with tables that are damaged in one way, and what the check says of them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from portalcreds.exceptions import ConfigurationError
from portalcreds.stores._drivers.dialects import get_dialect
from portalcreds.stores._sql.ddl import create_table_sql
from portalcreds.stores._sql.schema import Layout, Table, lay_out
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.table_faults import TableFault, TableFaultKind
from portalcreds.stores.tables import Tables
from portalcreds.testing._store_samples import add, an_account, an_event
from servers import SERVERS, own_database

DATABASES: Final = ("sqlite", *SERVERS)

_PREFIXES = count()


@attrs.frozen
class Place:
    """A database in which each test has tables of its own, told by their prefix."""

    name: str
    connect: Callable[[], Any]

    def execute(self, statements: Sequence[str]) -> list[Any]:
        """Execute the statements one by one, as a prompt does, and return the rows of the last."""
        with closing(self.connect()) as connection:
            if self.name == "sqlite":
                connection.isolation_level = None
            elif self.name == "postgresql":
                connection.autocommit = True
            else:
                connection.autocommit(True)
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def store(self, layout: Layout) -> DBAPIAccountStore:
        """Return a store over those tables."""
        prefix = layout.accounts.name.removesuffix("accounts")
        return DBAPIAccountStore(
            self.connect, dialect=self.name, tables=Tables(prefix=prefix, schema=layout.accounts.schema)
        )

    def creation(self, *tables: Table) -> list[str]:
        """Return the statements that create the tables; without a key, no rows are kept in its order."""
        keyed = [attrs.evolve(table, is_its_key=table.is_its_key and bool(table.primary_key)) for table in tables]
        return [statement for table in keyed for statement in create_table_sql(table, get_dialect(self.name))]


@contextmanager
def open_place(name: str, folder: Path) -> Iterator[Place]:
    """Yield a database of that kind; a file goes into the folder."""
    if name == "sqlite":
        yield Place(name, lambda: sqlite3.connect(folder / "portal.db", check_same_thread=False))
    else:
        with own_database(name) as database:
            yield Place(name, database)


def new_layout() -> Layout:
    """Return tables whose names nobody else has."""
    return lay_out(Tables(prefix=f"t{next(_PREFIXES)}_"))


def define(statements: Sequence[str], table: Table, column: str, definition: str) -> list[str]:
    """Return the statements with another definition of one column."""
    defined = []
    for statement in statements:
        if statement.startswith(f"CREATE TABLE IF NOT EXISTS {table.path} "):
            statement, changed = re.subn(rf"(?m)^  {column} .*?(,?)$", rf"  {column} {definition}\1", statement)
            assert changed == 1
        defined.append(statement)
    return defined


def leave_out(table: Table, column: str) -> Table:
    """Return the table without the column and without all that is about it."""
    is_about = re.compile(rf"\b{column}\b")
    gone = {column} | {other.name for other in table.columns if is_about.search(other.computed or "")}
    return attrs.evolve(
        table,
        columns=tuple(each for each in table.columns if each.name not in gone),
        primary_key=() if column in table.primary_key else table.primary_key,
        unique={name: columns for name, columns in table.unique.items() if column not in columns},
        checks={name: condition for name, condition in table.checks.items() if not is_about.search(condition)},
        indexes={name: columns for name, columns in table.indexes.items() if not gone.intersection(columns)},
        first_row=None if table.first_row is None or column in table.first_row else table.first_row,
    )


def find(place: Place, layout: Layout, *, rows: int = 0) -> tuple[TableFault, ...]:
    """Return the faults, which the error names too; no row is left of looking for them, and no advice risks one."""
    with place.store(layout) as store:
        faults = store.find_faults()
        with pytest.raises(ConfigurationError) as caught:
            store.check()
    for fault in faults:
        assert fault.subject in caught.value.hint
        assert fault.detail in caught.value.hint
        assert fault.intended in caught.value.hint
        assert fault.hint in caught.value.hint
        assert all(f"{statement};" in caught.value.hint for statement in fault.statements)
        assert all(ADDITION.fullmatch(statement) for statement in fault.statements), fault.statements
        is_advised = fault.kind not in (TableFaultKind.REFUSES, TableFaultKind.VERSION) or bool(fault.statements)
        assert bool(fault.statements) + bool(fault.intended) == is_advised, fault
        assert fault.statements or fault.hint
    missing = {fault.table for fault in faults if fault.kind == TableFaultKind.MISSING_TABLE}
    damaged = {fault.table for fault in faults if fault.kind == TableFaultKind.MISSING_COLUMN}
    for table in layout:
        # Its one row has every column.
        numbered = table == layout.version and table.path not in damaged
        expected = rows if table == layout.accounts else int(numbered)
        assert table.path in missing or place.execute([f"SELECT COUNT(*) FROM {table.path}"]) == [(expected,)]
    return faults


ADDITION: Final = re.compile(
    r"CREATE TABLE IF NOT EXISTS [^;]*"
    r"|INSERT INTO [\w.]+ \(tenant, version\) SELECT '', \d+ WHERE NOT EXISTS [^;]*"
    r"|CREATE (UNIQUE )?INDEX IF NOT EXISTS [^;]*"
    r"|ALTER TABLE [\w.]+ ADD COLUMN \w+ (?!.*(NOT NULL|DEFAULT|IDENTITY|AUTO_INCREMENT))[^;]*"
    r"|ALTER TABLE [\w.]+ ADD COLUMN state [^;]* GENERATED ALWAYS AS [^;]* STORED"
    r"|ALTER TABLE [\w.]+ ADD CONSTRAINT \w+ CHECK [^;]*"
    r"|SET SESSION sql_mode = CONCAT\(@@sql_mode, ',STRICT_ALL_TABLES'\)"
)
"""All that may be advised: what adds something, and works or fails and changes nothing."""


def fix(place: Place, layout: Layout, faults: Sequence[TableFault]) -> None:
    """Execute what each fault advises; then only those are left that are shown as intended, in the right words."""
    for fault in faults:
        place.execute(fault.statements)
    left = [fault for fault in faults if not fault.statements]
    creation = "\n".join(place.creation(*layout))
    for fault in left:
        if fault.kind not in (TableFaultKind.MISSING_KEY, TableFaultKind.MISSING_INDEX):
            assert fault.intended in creation, fault
    with place.store(layout) as store:
        now, told = sum_up(store.find_faults()), sum_up(left)
        # As long as a column is missing, no row can be tried that a CHECK must refuse.
        is_hidden = any(kind == TableFaultKind.MISSING_COLUMN for _, _, kind in now)
        assert now == told or (is_hidden and now < told)
        if not left:
            store.check()
            add(store, an_account("1", "rosa"))
            store.record([an_event("1")])
            assert store.counter().hit("key", None) == 1


def sum_up(faults: Sequence[TableFault]) -> set[tuple[str, str | None, TableFaultKind]]:
    """Return what is wrong with what."""
    return {(fault.table, fault.part, fault.kind) for fault in faults}


def without(named: dict[str, Any], name: str) -> dict[str, Any]:
    """Return all but the one of that name."""
    return {other: value for other, value in named.items() if other != name}


def sampled(sample: Sequence[int], others: Sequence[int]) -> list[Any]:
    """Return the numbers as parameters, the others as part of the whole."""
    return [*sample, *(pytest.param(number, marks=pytest.mark.whole) for number in others)]
