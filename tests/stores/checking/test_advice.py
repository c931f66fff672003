"""No advice of the check's loses a row, whatever the rows are and whoever executes it (R20)."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from portalcreds.stores._checking.probe_rows import Row, make_probe_rows
from portalcreds.stores._sql.schema import Layout, Table
from portalcreds.stores.table_faults import TableFaultKind, write_report

from .places import DATABASES, Place, define, find, open_place, without

Kind = TableFaultKind

_LOSING: Final = ("DROP", "RENAME", "DELETE", "TRUNCATE", "REPLACE", "UPDATE", "INSERT", "MODIFY", "ALTER COLUMN")
"""Words of statements that change what is there."""


def _fill(place: Place, layout: Layout, table: Table, count: int, **odd: object) -> list[Any]:
    """Write rows into a table of accounts, the last of which is odd, and return all that is in it."""
    row: Row = dict(make_probe_rows(layout, layout.accounts, "q").states["imported"])
    names = [name for name in row if name in {column.name for column in table.columns}]
    marks = ", ".join("?" if place.name == "sqlite" else "%s" for _ in names)
    rows = [row | {"contact_id": f"c-{number}"} for number in range(count)]
    rows[-1] |= odd
    with closing(place.connect()) as connection:
        sql = f"INSERT INTO {table.path} ({', '.join(names)}) VALUES ({marks})"
        connection.cursor().executemany(sql, [tuple(each[name] for name in names) for each in rows])
        connection.commit()
    return _read(place, table)


def _read(place: Place, table: Table) -> list[Any]:
    names = [column.name for column in table.columns if column.computed is None]
    return sorted(place.execute([f"SELECT {', '.join(names)} FROM {table.path}"]), key=repr)


def _damage(layout: Layout, what: str) -> tuple[Table, dict[str, object]]:
    """Return the table of accounts with something missing, and a row that stands in its way."""
    accounts = layout.accounts
    if what == "a check":
        name = f"{accounts.name}_version"
        return attrs.evolve(accounts, checks=without(accounts.checks, name)), {"version": 0}
    if what == "a key":
        return attrs.evolve(accounts, primary_key=()), {"contact_id": "c-0"}
    if what == "not null":
        columns = tuple(
            attrs.evolve(each, required=each.required and each.name != "epoch") for each in accounts.columns
        )
        return attrs.evolve(accounts, columns=columns), {"epoch": None}
    missing = {"a required column": "epoch", "a column": "email"}[what]
    return attrs.evolve(accounts, columns=tuple(each for each in accounts.columns if each.name != missing)), {}


@pytest.mark.parametrize("what", ["a check", "a key", "not null", "a required column", "a column"])
def test_rows_that_stand_in_the_way_stay(place: Place, layout: Layout, what: str) -> None:
    """R20: each statement of the advice, executed after the one before failed, leaves each row as it was."""
    damaged, odd = _damage(layout, what)
    place.execute(place.creation(damaged, layout.events, layout.attempts))
    before = _fill(place, layout, damaged, 100, **odd)
    faults = find(place, layout, rows=100)
    assert faults
    for statement in (statement for fault in faults for statement in fault.statements):
        with suppress(Exception):  # The drivers' errors share no class.
            place.execute([statement])
        assert _read(place, damaged) == before


@pytest.mark.parametrize("what", ["a check", "a key", "not null", "a required column", "a column"])
def test_a_report_that_is_pasted_into_a_shell_loses_nothing(tmp_path: Path, layout: Layout, what: str) -> None:
    """R20: a shell goes on after an error, and whoever pastes the report pastes all of it."""
    damaged, odd = _damage(layout, what)
    with open_place("sqlite", tmp_path) as place:
        place.execute(place.creation(damaged, layout.events, layout.attempts))
        before = _fill(place, layout, damaged, 100, **odd)
        report = write_report(find(place, layout, rows=100))
        with closing(sqlite3.connect(tmp_path / "portal.db", isolation_level=None)) as connection:
            for line in report.replace("\n", " ").split(";"):
                with suppress(sqlite3.Error):
                    connection.execute(line)
        assert _read(place, damaged) == before


@pytest.mark.parametrize("name", DATABASES)
def test_no_advice_changes_what_is_there(name: str, tmp_path: Path, layout: Layout) -> None:
    """R20: for a table with every kind of fault, no statement drops, renames, deletes, copies, retypes or fills in."""
    accounts = layout.accounts
    worse = attrs.evolve(accounts, primary_key=(), unique={}, checks={}, indexes={})
    with open_place(name, tmp_path) as place:
        creation = place.creation(worse)
        for column, definition in (("username_key", "VARCHAR(20)"), ("issued_at", "FLOAT"), ("origin", "VARCHAR(64)")):
            creation = define(creation, worse, column, definition)
        place.execute(creation)
        faults = find(place, layout)
        assert {Kind.MISSING_TABLE, Kind.MISSING_KEY, Kind.MISSING_INDEX} < {fault.kind for fault in faults}
        statements = [statement for fault in faults for statement in fault.statements]
        assert len(statements) > 6
        for statement in statements:
            if statement.startswith(f"INSERT INTO {layout.version.path} "):
                continue  # Into a table that holds nothing but the version.
            assert not any(word in statement.upper() for word in _LOSING), statement
            assert "SELECT" not in statement.upper()


def test_a_name_that_is_taken_is_left_alone(place: Place, layout: Layout) -> None:
    """R20: an index that has our name and does something else stays; ours gets the next name."""
    accounts = layout.accounts
    name = f"{accounts.name}_by_expiry"
    place.execute(place.creation(attrs.evolve(accounts, indexes=without(accounts.indexes, name)), *layout[1:]))
    place.execute([f"CREATE INDEX {name} ON {accounts.name} (version)"])
    (fault,) = find(place, layout)
    (statement,) = fault.statements
    assert f"{name}_2 ON" in statement
    place.execute([statement])
    with place.store(layout) as store:
        store.check()
