"""Tables say which version they are, and the check compares it with the one that this release needs (R20)."""

from __future__ import annotations

import pytest

from portalcreds.stores._sql.schema import SCHEMA_VERSION, Layout
from portalcreds.stores.table_faults import TableFaultKind

from .places import Place, find, fix, sum_up


def test_tables_without_a_version_are_told(place: Place, layout: Layout) -> None:
    """A migration that makes tables and no rows is found out, and the advice puts it right."""
    place.execute([*place.creation(*layout), f"DELETE FROM {layout.version.path}"])
    with place.store(layout) as store:
        faults = store.find_faults()
    assert sum_up(faults) == {(layout.version.path, "version", TableFaultKind.VERSION)}
    fix(place, layout, faults)


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
def test_tables_of_another_release_are_told(place: Place, layout: Layout, version: int) -> None:
    """Neither newer nor older tables are used, and no statement is advised that would only change the number."""
    place.execute([*place.creation(*layout), f"UPDATE {layout.version.path} SET version = {version}"])
    (fault,) = find(place, layout)
    assert (fault.table, fault.kind, fault.statements) == (layout.version.path, TableFaultKind.VERSION, ())
    assert str(version) in fault.detail
    assert str(SCHEMA_VERSION) in fault.detail


def test_making_tables_again_keeps_their_version(place: Place, layout: Layout) -> None:
    """An older release that makes what is absent does not take newer tables for its own."""
    place.execute([*place.creation(*layout), f"UPDATE {layout.version.path} SET version = 7"])
    with place.store(layout) as store:
        store.create_tables()
    assert place.execute([f"SELECT version FROM {layout.version.path}"]) == [(7,)]
