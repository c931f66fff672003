"""Tables, columns, keys, CHECKs and indexes that are missing are found (R20)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from portalcreds.stores._sql.schema import Layout, Table, lay_out
from portalcreds.stores.table_faults import TableFaultKind
from portalcreds.stores.tables import Tables

from .places import Place, find, fix, leave_out, sampled, sum_up, without

Kind = TableFaultKind


def _damages() -> Iterator[tuple[int, Table, str, TableFaultKind]]:
    """Yield the number of a table, the table without something, what it is, and what that is called."""
    for number, table in enumerate(lay_out(Tables(prefix=""))):
        if table.primary_key:
            yield number, attrs.evolve(table, primary_key=()), "primary_key", Kind.MISSING_KEY
        for name in table.unique:
            yield number, attrs.evolve(table, unique=without(table.unique, name)), name, Kind.MISSING_KEY
        for name in table.checks:
            yield number, attrs.evolve(table, checks=without(table.checks, name)), name, Kind.MISSING_CHECK
            # Of that name, and too weak.
            yield number, attrs.evolve(table, checks={**table.checks, name: "1 = 1"}), name, Kind.MISSING_CHECK
        for name, columns in table.indexes.items():
            yield number, attrs.evolve(table, indexes=without(table.indexes, name)), name, Kind.MISSING_INDEX
            # Of that name, and of the same columns, but it begins with the wrong one.
            turned = {**table.indexes, name: columns[::-1]}
            yield number, attrs.evolve(table, indexes=turned), name, Kind.MISSING_INDEX
        for column in table.columns:
            # What is part of a primary key is never NULL to the servers, whatever is said.
            if column.required and column.length is not None and column.name not in table.primary_key:
                nullable = tuple(
                    attrs.evolve(each, required=each.required and each != column) for each in table.columns
                )
                yield number, attrs.evolve(table, columns=nullable), column.name, Kind.NULLABLE


def rename(table: Table, prefix: str) -> Table:
    """Return the table with the prefix, which its constraints and indexes have too."""
    return attrs.evolve(
        table,
        name=f"{prefix}{table.name}",
        unique={f"{prefix}{name}": columns for name, columns in table.unique.items()},
        checks={f"{prefix}{name}": condition for name, condition in table.checks.items()},
        indexes={f"{prefix}{name}": columns for name, columns in table.indexes.items()},
    )


@pytest.mark.parametrize(
    ("number", "damaged", "part", "kind"),
    [
        pytest.param(
            *damage,
            id=f"{damage[3].value}-{damage[2]}",
            marks=[] if damage[2] in ("accounts_ticket", "accounts_by_expiry") else pytest.mark.whole,
        )
        for damage in _damages()
    ],
)
def test_what_is_missing_is_found(
    place: Place, layout: Layout, number: int, damaged: Table, part: str, kind: TableFaultKind
) -> None:
    """R1, R20: keys, CHECKs, NOT NULLs and indexes are there, or the error says which are not."""
    tables = list(layout)
    tables[number] = rename(damaged, prefix := layout.accounts.name.removesuffix("accounts"))
    place.execute(place.creation(*tables))
    faults = find(place, layout)
    is_named = part != "primary_key" and kind != Kind.NULLABLE
    assert sum_up(faults) == {(tables[number].path, f"{prefix}{part}" if is_named else part, kind)}
    fix(place, layout, faults)


@pytest.mark.parametrize(
    ("number", "column"),
    [
        pytest.param(
            number, column.name, marks=[] if column.name in ("username_key", "seq", "n") else pytest.mark.whole
        )
        for number, table in enumerate(lay_out(Tables(prefix="")))
        for column in table.columns
    ],
)
def test_a_missing_column_is_found_with_what_is_about_it(
    place: Place, layout: Layout, number: int, column: str
) -> None:
    """R20: a column that is not there, and the key, the CHECKs and the indexes that cannot be there without it."""
    tables = list(layout)
    table = tables[number]
    tables[number] = leave_out(table, column)
    place.execute(place.creation(*tables))
    faults = find(place, layout)
    assert (table.path, column, Kind.MISSING_COLUMN) in sum_up(faults)
    fix(place, layout, faults)


@pytest.mark.parametrize("number", sampled([0], [1, 2]))
def test_a_missing_table_is_found(place: Place, layout: Layout, number: int) -> None:
    """R20: with the very statements that create_tables would have executed."""
    tables = list(layout)
    missing = tables.pop(number)
    place.execute(place.creation(*tables))
    faults = find(place, layout)
    assert sum_up(faults) == {(missing.path, None, Kind.MISSING_TABLE)}
    fix(place, layout, faults)
