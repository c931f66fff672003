"""Whatever made the tables, sound ones pass the check, and it leaves nothing behind (R20)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import attrs
import pytest

from portalcreds.stores._sql.schema import Layout, Table, lay_out
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore
from portalcreds.stores.table_faults import TableFaultKind
from portalcreds.stores.tables import Tables
from portalcreds.testing._store_samples import add, an_account, an_event
from servers import SERVERS

from .places import DATABASES, Place, define, find, fix, sum_up, without

Kind = TableFaultKind


def _made_otherwise(table: Table) -> Table:
    """Return the table as another tool may make it: other names, another order, and indexes that go on."""
    names = {column.name for column in table.columns}
    more = next(name for name in ("version", "at", "n", "words", "total", "size") if name in names)
    return attrs.evolve(
        table,
        columns=tuple(reversed(table.columns)),
        unique={f"{table.name}_u{n}": columns for n, columns in enumerate(table.unique.values())},
        checks={f"{table.name}_c{n}": condition for n, condition in enumerate(table.checks.values())},
        indexes={f"{table.name}_i{n}": (*columns, more) for n, columns in enumerate(table.indexes.values())},
    )


_NUMBERED: Final = {
    "sqlite": ["INTEGER PRIMARY KEY"],
    "postgresql": ["BIGSERIAL PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"],
    "mariadb": ["BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY", "BIGINT AUTO_INCREMENT, UNIQUE (seq)"],
}


@pytest.mark.parametrize("case", range(2))
def test_a_table_may_be_made_by_any_tool(place: Place, layout: Layout, case: int) -> None:
    """R20: what constraints and indexes are called, and how events are numbered, is for the host to choose."""
    tables = [_made_otherwise(table) for table in layout]
    definition = _NUMBERED[place.name][min(case, len(_NUMBERED[place.name]) - 1)]
    creation = define(place.creation(*tables), layout.events, "seq", definition)
    if place.name == "postgresql":
        # Looked up, and never sorted by.
        creation = define(creation, layout.events, "contact_id", 'VARCHAR(255) COLLATE "en-x-icu"')
    creation.append(f"ALTER TABLE {layout.accounts.name} ADD COLUMN note VARCHAR(20) DEFAULT 'new' NOT NULL")
    place.execute(creation)
    with place.store(layout) as store:
        assert store.find_faults() == ()
        store.check()


def test_a_surrogate_key_is_a_key_too(place: Place, layout: Layout) -> None:
    """R20: a framework's own id may be the primary key, as long as something keeps our keys unique."""
    ids = {
        "sqlite": "INTEGER PRIMARY KEY",
        "postgresql": "BIGSERIAL PRIMARY KEY",
        "mariadb": "BIGINT AUTO_INCREMENT PRIMARY KEY",
    }[place.name]
    accounts = attrs.evolve(layout.accounts, primary_key=())
    creation = place.creation(accounts, *layout[1:])
    creation[0] = creation[0].replace("(\n", f"(\n  id {ids},\n", 1)
    place.execute(creation)
    faults = find(place, layout)
    assert sum_up(faults) == {(accounts.path, "primary_key", Kind.MISSING_KEY)}
    fix(place, layout, faults)


def test_nothing_is_left_behind(place: Place, layout: Layout) -> None:
    """R17: no row, no event, and no gap in the numbers of events; only MariaDB leaves one number out."""
    with place.store(layout) as store:
        store.create_tables()
        store.record([an_event("1")])
        for _ in range(3):
            store.check()
        store.record([an_event("2")])
        add(store, an_account("1", "rosa"))
        store.check()
    following = 3 if place.name == "mariadb" else 2
    assert sorted(place.execute([f"SELECT seq FROM {layout.events.path}"])) == [(1,), (following,)]
    assert place.execute([f"SELECT COUNT(*) FROM {layout.accounts.path}"])[0][0] == 1
    assert place.execute([f"SELECT COUNT(*) FROM {layout.attempts.path}"])[0][0] == 0


@pytest.mark.parametrize("is_sound", [True, False])
def test_the_hosts_transaction_is_as_it_was(place: Place, layout: Layout, is_sound: bool) -> None:
    """R20: in a borrowed transaction all is undone and nothing of the host's is, and the host can go on and commit."""
    missing = next(iter(layout.accounts.checks))
    checks = {name: condition for name, condition in layout.accounts.checks.items() if is_sound or name != missing}
    there = [table for table in layout if table not in (layout.accounts, layout.attempts)]
    place.execute(place.creation(attrs.evolve(layout.accounts, checks=checks), *there))
    prefix = layout.accounts.name.removesuffix("accounts")
    with closing(place.connect()) as connection:
        cursor = connection.cursor()
        if place.name == "sqlite":
            connection.isolation_level = None
        cursor.execute("BEGIN")
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect=place.name, tables=Tables(prefix=prefix))
        store.record([an_event("1")])
        without = set() if is_sound else {(layout.accounts.path, missing, Kind.MISSING_CHECK)}
        assert sum_up(store.find_faults()) == {(layout.attempts.path, None, Kind.MISSING_TABLE), *without}
        store.record([an_event("2")])
        connection.commit()
    assert place.execute([f"SELECT COUNT(*) FROM {layout.events.path}"])[0][0] == 2
    assert place.execute([f"SELECT COUNT(*) FROM {layout.accounts.path}"])[0][0] == 0


def test_tables_in_an_attached_file_are_made_and_checked(tmp_path: Path) -> None:
    """R20: to SQLite a schema is a file that the connection attached; what is missing there is added there."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(tmp_path / "host.db", check_same_thread=False)
        connection.execute("ATTACH DATABASE ? AS school", [str(tmp_path / "school.db")])
        return connection

    place, there = Place("sqlite", connect), lay_out(Tables(schema="school"))
    with place.store(there) as store:
        assert {fault.kind for fault in store.find_faults()} == {Kind.MISSING_TABLE}
        for fault in store.find_faults():
            place.execute(fault.statements)
        store.check()
        place.execute(["DROP INDEX school.portal_accounts_by_expiry"])
        (fault,) = store.find_faults()
        place.execute(fault.statements)
        store.create_tables()
        store.check()
        add(store, an_account("1", "rosa"))
        assert store.find_by_username("rosa") == an_account("1", "rosa")
    assert place.execute(["SELECT COUNT(*) FROM main.sqlite_master"]) == [(0,)]


@pytest.mark.parametrize("place", SERVERS, indirect=True)
def test_tables_in_a_schema_are_checked(place: Place, layout: Layout) -> None:
    """R20: faults are found and fixed where the tables are, and not where others of the same names are."""
    prefix = layout.accounts.name.removesuffix("accounts")
    place.execute(place.creation(*layout))
    created = {"postgresql": "CREATE SCHEMA elsewhere_{}", "mariadb": "CREATE DATABASE elsewhere_{}"}[place.name]
    dropped = {"postgresql": "DROP SCHEMA elsewhere_{} CASCADE", "mariadb": "DROP DATABASE elsewhere_{}"}[place.name]
    own = f"{id(layout) % 10**9}"
    place.execute([created.format(own)])
    try:
        there = lay_out(Tables(prefix=prefix, schema=f"elsewhere_{own}"))
        table = attrs.evolve(
            there.accounts,
            primary_key=(),
            unique={},
            checks=dict(list(there.accounts.checks.items())[1:]),
            indexes=dict(list(there.accounts.indexes.items())[1:]),
        )
        creation = place.creation(table, *there[1:])
        place.execute(define(creation, table, "email", "VARCHAR(10)"))
        faults = find(place, there)
        assert {fault.table for fault in faults} == {there.accounts.path}
        assert {fault.kind for fault in faults} == {
            Kind.TOO_NARROW,
            Kind.MISSING_KEY,
            Kind.MISSING_CHECK,
            Kind.MISSING_INDEX,
        }
        fix(place, there, faults)
    finally:
        place.execute([dropped.format(own)])


_NOT_SERVING: Final = {
    "sqlite": ["({}) WHERE is_active = 1", "(tenant, name_key DESC, contact_id)"],
    "postgresql": [
        "({}) WHERE is_active = 1",
        "(tenant, name_key DESC, contact_id)",
        '(tenant, name_key COLLATE "en-x-icu", contact_id)',
        "(tenant, lower(name_key), contact_id)",
    ],
    "mariadb": ["(tenant, name_key(10), contact_id)", "(tenant, contact_id, name_key)"],
}


@pytest.mark.parametrize(
    ("place", "indexed"),
    [(name, indexed) for name in DATABASES for indexed in _NOT_SERVING[name]],
    indirect=["place"],
)
def test_an_index_that_serves_nothing_is_none(place: Place, layout: Layout, indexed: str) -> None:
    """R20: pages are not read from an index of a part of the rows, of a part of a column, or in another order."""
    accounts = layout.accounts
    name = next(name for name in accounts.indexes if name.endswith("_by_name"))
    lacking = attrs.evolve(accounts, indexes=without(accounts.indexes, name))
    creation = place.creation(lacking, *layout[1:])
    columns = ", ".join(accounts.indexes[name])
    place.execute([*creation, f"CREATE INDEX {name} ON {accounts.name} {indexed.format(columns)}"])
    faults = find(place, layout)
    assert sum_up(faults) == {(accounts.path, name, Kind.MISSING_INDEX)}
    fix(place, layout, faults)
