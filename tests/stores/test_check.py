"""Tables that would cost data are found before they do, each fault with what mends it (R20, G1, G3, G4)."""

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

from portalcreds.exceptions import ConfigurationError, InvalidValueError, StoreError
from portalcreds.protocols import AccountStore, ApplyResult, Change
from portalcreds.stores._ddl import creation_of
from portalcreds.stores._dialects import dialect_named
from portalcreds.stores._probe_rows import Row, probe_rows_of
from portalcreds.stores._schema import Layout, Table, layout_of
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.stores.table_faults import TableFault, TableFaultKind
from portalcreds.testing._store_samples import add, an_account, an_event
from servers import SERVERS, own_database

DATABASES: Final = ("sqlite", *SERVERS)

Kind = TableFaultKind

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
        return DBAPIAccountStore(self.connect, dialect=self.name, prefix=prefix, schema=layout.accounts.schema)

    def creation(self, *tables: Table) -> list[str]:
        """Return the statements that create the tables."""
        return [statement for table in tables for statement in creation_of(table, dialect_named(self.name))]


@contextmanager
def _place(name: str, folder: Path) -> Iterator[Place]:
    if name == "sqlite":
        yield Place(name, lambda: sqlite3.connect(folder / "portal.db", check_same_thread=False))
    else:
        with own_database(name) as database:
            yield Place(name, database)


@pytest.fixture(params=DATABASES, scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Each database."""
    with _place(request.param, tmp_path_factory.mktemp("check")) as place:
        yield place


@pytest.fixture
def layout() -> Layout:
    """Tables whose names nobody else has."""
    return layout_of(f"t{next(_PREFIXES)}_")


# -- damage


def _defined(statements: Sequence[str], table: Table, column: str, definition: str) -> list[str]:
    """Return the statements with another definition of one column."""
    defined = []
    for statement in statements:
        if statement.startswith(f"CREATE TABLE IF NOT EXISTS {table.path} "):
            statement, changed = re.subn(rf"(?m)^  {column} .*?(,?)$", rf"  {column} {definition}\1", statement)
            assert changed == 1
        defined.append(statement)
    return defined


def _without(table: Table, column: str) -> Table:
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
    )


def _found(place: Place, layout: Layout, *, rows: int = 0) -> tuple[TableFault, ...]:
    """Return the faults, which the error names too; nothing is left of looking for them."""
    with place.store(layout) as store:
        faults = store.find_faults()
        with pytest.raises(ConfigurationError) as caught:
            store.check()
    for fault in faults:
        assert fault.subject in caught.value.mend
        assert fault.detail in caught.value.mend
        assert all(f"{statement};" in caught.value.mend for statement in fault.mend)
    missing = {fault.table for fault in faults if fault.kind == Kind.MISSING_TABLE}
    for table in layout.tables:
        expected = rows if table == layout.accounts else 0
        assert table.path in missing or place.execute([f"SELECT COUNT(*) FROM {table.path}"]) == [(expected,)]
    return faults


def _mend(place: Place, layout: Layout, faults: Sequence[TableFault]) -> None:
    """Execute what each fault says, once, and find that nothing is left to be said."""
    for mend in dict.fromkeys(fault.mend for fault in faults):
        assert mend
        place.execute(mend)
    with place.store(layout) as store:
        assert store.find_faults() == ()
        store.check()
        add(store, an_account("1", "rosa"))
        store.record([an_event("1")])
        assert store.counter().hit("key", None) == 1


def _told(faults: Sequence[TableFault]) -> set[tuple[str, str | None, TableFaultKind]]:
    return {(fault.table, fault.part, fault.kind) for fault in faults}


_UNFIT: Final[dict[str, list[tuple[str, str, str, TableFaultKind, str]]]] = {
    "sqlite": [
        ("accounts", "username_key", "TEXT COLLATE NOCASE", Kind.FOLDS, "folds case"),
        ("accounts", "contact_id", "TEXT COLLATE RTRIM NOT NULL", Kind.FOLDS, "folds blanks at the end"),
        ("audit_events", "contact_id", "TEXT COLLATE NOCASE", Kind.FOLDS, "folds case"),
        ("attempts", "attempt_key", "TEXT COLLATE NOCASE NOT NULL", Kind.FOLDS, "folds case"),
        ("accounts", "email", "TEXT CHECK (LENGTH(email) <= 100)", Kind.TOO_NARROW, "refuses texts of 255 characters"),
        ("accounts", "origin", "TEXT NOT NULL CHECK (LENGTH(origin) <= 6)", Kind.TOO_NARROW, "refuses 'imported'"),
        ("accounts", "issued_at", "REAL", Kind.LOSSY, "rounds or changes numbers (it is REAL)"),
        ("accounts", "expires_at", "TEXT", Kind.LOSSY, "changes numbers (it is TEXT)"),
        ("audit_events", "at", "REAL NOT NULL", Kind.LOSSY, "(it is REAL)"),
    ],
    "postgresql": [
        ("accounts", "username_key", "VARCHAR(255) COLLATE folding", Kind.FOLDS, "folds case"),
        ("accounts", "username_key", 'VARCHAR(255) COLLATE "en-x-icu"', Kind.MISSORTS, "sort by code point"),
        ("accounts", "last_name_key", 'VARCHAR(255) COLLATE "en-x-icu"', Kind.MISSORTS, "sort by code point"),
        ("accounts", "email", "VARCHAR(100)", Kind.TOO_NARROW, "refuses texts of 255 characters"),
        ("accounts", "password_hash", "VARCHAR(255)", Kind.TOO_NARROW, "refuses texts of 1024 characters"),
        ("accounts", "tenant", "VARCHAR(10) NOT NULL", Kind.TOO_NARROW, "refuses texts of 64 characters"),
        ("accounts", "tenant", "VARCHAR(40) NOT NULL", Kind.TOO_NARROW, "refuses texts of 64 characters"),
        ("accounts", "origin", "VARCHAR(7) NOT NULL", Kind.TOO_NARROW, "refuses 'imported'"),
        ("accounts", "first_name", "CHAR(255)", Kind.LOSSY, "adds or drops blanks"),
        ("accounts", "issued_at", "INTEGER", Kind.TOO_NARROW, "refuses numbers of 64 bits (it is integer)"),
        ("accounts", "issued_at", "TIMESTAMPTZ DEFAULT now()", Kind.TOO_NARROW, "timestamp with time zone"),
        ("accounts", "expires_at", "DOUBLE PRECISION", Kind.LOSSY, "rounds"),
        ("accounts", "changed_at", "NUMERIC(30)", Kind.LOSSY, "numeric"),
        ("accounts", "erased_at", "REAL", Kind.LOSSY, "rounds"),
        ("accounts", "version", "INTEGER NOT NULL", Kind.TOO_NARROW, "refuses numbers"),
        ("audit_events", "confirmed_at", "TIMESTAMP", Kind.TOO_NARROW, "timestamp without time zone"),
        ("audit_events", "reason", "VARCHAR(64)", Kind.TOO_NARROW, "refuses texts of 255 characters"),
        ("audit_events", "seq", "INTEGER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", Kind.TOO_NARROW, "integer"),
        ("attempts", "n", "SMALLINT NOT NULL", Kind.TOO_NARROW, "smallint"),
    ],
    "mariadb": [
        ("accounts", "username_key", "VARCHAR(255) COLLATE utf8mb4_general_ci", Kind.FOLDS, "emoji"),
        ("accounts", "username_key", "VARCHAR(255) COLLATE utf8mb4_unicode_520_ci", Kind.FOLDS, "the sharp s"),
        ("accounts", "last_name_key", "VARCHAR(255) COLLATE utf8mb4_bin", Kind.FOLDS, "folds blanks at the end"),
        ("accounts", "password_hash", "VARCHAR(1024) COLLATE utf8mb4_general_ci", Kind.FOLDS, "folds case"),
        ("accounts", "username_key", "VARCHAR(255) CHARACTER SET latin1", Kind.TOO_NARROW, "character set"),
        ("accounts", "first_name", "VARCHAR(255) CHARACTER SET utf8mb3", Kind.TOO_NARROW, "character set"),
        ("accounts", "email", "VARCHAR(100)", Kind.TOO_NARROW, "refuses texts of 255 characters"),
        ("accounts", "password_hash", "VARCHAR(255)", Kind.TOO_NARROW, "refuses texts of 1024 characters"),
        ("accounts", "tenant", "VARCHAR(10) NOT NULL", Kind.TOO_NARROW, "refuses texts of 64 characters"),
        ("accounts", "origin", "VARCHAR(7) NOT NULL", Kind.TOO_NARROW, "refuses 'imported'"),
        ("accounts", "first_name", "CHAR(255)", Kind.LOSSY, "adds or drops blanks"),
        ("accounts", "last_name", "VARBINARY(1020)", Kind.LOSSY, "changes texts"),
        ("accounts", "issued_at", "INT", Kind.TOO_NARROW, "refuses numbers of 64 bits (it is int"),
        ("accounts", "issued_at", "DATETIME(6)", Kind.TOO_NARROW, "datetime"),
        ("accounts", "ticket_expires_at", "TIMESTAMP NULL", Kind.TOO_NARROW, "timestamp"),
        ("accounts", "expires_at", "FLOAT", Kind.LOSSY, "rounds"),
        ("accounts", "expires_at", "DOUBLE", Kind.LOSSY, "rounds"),
        ("accounts", "changed_at", "DECIMAL(30)", Kind.LOSSY, "decimal"),
        ("accounts", "erased_at", "BIGINT UNSIGNED", Kind.TOO_NARROW, "unsigned"),
        ("audit_events", "at", "INT NOT NULL", Kind.TOO_NARROW, "refuses numbers"),
        ("audit_events", "seq", "INT NOT NULL AUTO_INCREMENT PRIMARY KEY", Kind.TOO_NARROW, "it is int"),
        ("attempts", "n", "SMALLINT NOT NULL", Kind.TOO_NARROW, "smallint"),
    ],
}


def _sampled(sample: Sequence[int], others: Sequence[int]) -> list[Any]:
    """Return the numbers as parameters, the others as part of the whole."""
    return [*sample, *(pytest.param(number, marks=pytest.mark.whole) for number in others)]


_SAMPLE: Final = ("username_key", "expires_at", "first_name")
"""The columns that every run tries; the others are part of the whole."""


@pytest.mark.parametrize(
    ("name", "suffix", "column", "definition", "kind", "words"),
    [
        pytest.param(
            name,
            *case,
            id=f"{name}-{case[1]}-{case[2]}",
            marks=[] if case[1] in _SAMPLE else pytest.mark.whole,
        )
        for name in DATABASES
        for case in _UNFIT[name]
    ],
)
def test_a_column_that_costs_data_is_found_and_mended(
    tmp_path: Path, name: str, suffix: str, column: str, definition: str, kind: TableFaultKind, words: str
) -> None:
    """G1, G3, G4: a collation that folds, pads or missorts, a column too short, and a clock that rounds."""
    layout = layout_of("portal_")
    table = next(table for table in layout.tables if table.name.endswith(suffix))
    with _place(name, tmp_path) as place:
        if "folding" in definition:
            options = "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
            place.execute([f"CREATE COLLATION folding {options}"])
        place.execute(_defined(place.creation(*layout.tables), table, column, definition))
        faults = _found(place, layout)
        assert _told(faults) == {(table.name, column, kind)}
        assert words in faults[0].detail
        _mend(place, layout, faults)


def _damages() -> Iterator[tuple[int, Table, str, TableFaultKind]]:
    """Yield the number of a table, the table without something, what it is, and what that is called."""
    for number, table in enumerate(layout_of("").tables):
        if table.primary_key:
            yield number, attrs.evolve(table, primary_key=()), "primary_key", Kind.MISSING_KEY
        for name in table.unique:
            yield number, attrs.evolve(table, unique=_besides(table.unique, name)), name, Kind.MISSING_KEY
        for name in table.checks:
            yield number, attrs.evolve(table, checks=_besides(table.checks, name)), name, Kind.MISSING_CHECK
            # Of that name, and too weak.
            yield number, attrs.evolve(table, checks={**table.checks, name: "1 = 1"}), name, Kind.MISSING_CHECK
        for name, columns in table.indexes.items():
            yield number, attrs.evolve(table, indexes=_besides(table.indexes, name)), name, Kind.MISSING_INDEX
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


def _besides(named: dict[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in named.items() if other != name}


def _renamed(table: Table, prefix: str) -> Table:
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
def test_what_is_missing_is_found_and_mended(
    place: Place, layout: Layout, number: int, damaged: Table, part: str, kind: TableFaultKind
) -> None:
    """R1, R20: keys, CHECKs, NOT NULLs and indexes are there, or the error says which are not."""
    tables = list(layout.tables)
    tables[number] = _renamed(damaged, prefix := layout.accounts.name.removesuffix("accounts"))
    place.execute(place.creation(*tables))
    faults = _found(place, layout)
    is_named = part != "primary_key" and kind != Kind.NULLABLE
    assert _told(faults) == {(tables[number].path, f"{prefix}{part}" if is_named else part, kind)}
    _mend(place, layout, faults)


def test_all_that_is_wrong_is_told_at_once(place: Place, layout: Layout) -> None:
    """R23: one error for one evening's work: every fault of every table, and each can be mended beside the others."""
    accounts, events, attempts = layout.tables
    check, index = next(iter(accounts.checks)), list(accounts.indexes)[1]
    worse = attrs.evolve(
        accounts,
        columns=tuple(
            attrs.evolve(each, required=each.required and each.name != "change_id") for each in accounts.columns
        ),
        unique={},
        checks=_besides(accounts.checks, check),
        indexes=_besides(accounts.indexes, index),
    )
    creation = place.creation(worse, attrs.evolve(events, unique={}), attempts)
    expected = {
        (accounts.path, next(iter(accounts.unique)), Kind.MISSING_KEY),
        (accounts.path, "change_id", Kind.NULLABLE),
        (accounts.path, check, Kind.MISSING_CHECK),
        (accounts.path, index, Kind.MISSING_INDEX),
        (events.path, next(iter(events.unique)), Kind.MISSING_KEY),
    }
    seen = {"username_key", "tenant", "seq", "issued_at", "n"}  # Each once; and instants that are dates hide the rest.
    for suffix, column, definition, kind, _ in _UNFIT[place.name]:
        table = next(table for table in layout.tables if table.name.endswith(suffix))
        if column not in seen and table == accounts and "TIME" not in definition:
            seen.add(column)
            creation = _defined(creation, table, column, definition)
            expected.add((table.path, column, kind))
    place.execute(creation)
    faults = _found(place, layout)
    assert _told(faults) == expected
    assert len(expected) > 6
    _mend(place, layout, faults)


@pytest.mark.parametrize(
    ("number", "column"),
    [
        pytest.param(
            number, column.name, marks=[] if column.name in ("username_key", "seq", "n") else pytest.mark.whole
        )
        for number, table in enumerate(layout_of("").tables)
        for column in table.columns
    ],
)
def test_a_missing_column_is_found_with_what_is_about_it(
    place: Place, layout: Layout, number: int, column: str
) -> None:
    """R20: a column that is not there, and the key, the CHECKs and the indexes that cannot be there without it."""
    tables = list(layout.tables)
    table = tables[number]
    tables[number] = _without(table, column)
    place.execute(place.creation(*tables))
    faults = _found(place, layout)
    assert (table.path, column, Kind.MISSING_COLUMN) in _told(faults)
    _mend(place, layout, faults)


@pytest.mark.parametrize("number", _sampled([0], [1, 2]))
def test_a_missing_table_is_found_and_mended(place: Place, layout: Layout, number: int) -> None:
    """R20: with the very statements that create_tables would have executed."""
    tables = list(layout.tables)
    missing = tables.pop(number)
    place.execute(place.creation(*tables))
    faults = _found(place, layout)
    assert _told(faults) == {(missing.path, None, Kind.MISSING_TABLE)}
    _mend(place, layout, faults)


_TO_FILL_IN: Final = {
    "sqlite": [
        ("accounts", "state", "TEXT", {"state": Kind.NOT_COMPUTED}),
        ("accounts", "state", "TEXT AS (CASE WHEN is_active = 0 THEN 'disabled' END)", {"state": Kind.NOT_COMPUTED}),
        ("audit_events", "seq", "BIGINT PRIMARY KEY", {"seq": Kind.NOT_COMPUTED}),
        ("audit_events", "seq", "INTEGER", {"seq": Kind.NOT_COMPUTED, "primary_key": Kind.MISSING_KEY}),
    ],
    "postgresql": [
        ("accounts", "state", "VARCHAR(64)", {"state": Kind.NOT_COMPUTED}),
        ("audit_events", "seq", "BIGINT PRIMARY KEY", {"seq": Kind.NOT_COMPUTED}),
        ("audit_events", "seq", "BIGINT GENERATED BY DEFAULT AS IDENTITY", {"primary_key": Kind.MISSING_KEY}),
        ("audit_events", "seq", "BIGINT", {"seq": Kind.NOT_COMPUTED, "primary_key": Kind.MISSING_KEY}),
    ],
    "mariadb": [
        ("accounts", "state", "VARCHAR(64)", {"state": Kind.NOT_COMPUTED}),
        ("audit_events", "seq", "BIGINT PRIMARY KEY", {"seq": Kind.NOT_COMPUTED}),
        ("audit_events", "seq", "BIGINT NOT NULL AUTO_INCREMENT, KEY (seq)", {"primary_key": Kind.MISSING_KEY}),
        ("audit_events", "seq", "BIGINT", {"seq": Kind.NOT_COMPUTED, "primary_key": Kind.MISSING_KEY}),
    ],
}


@pytest.mark.parametrize("case", _sampled([0, 3], [1, 2]))
def test_a_column_that_the_database_does_not_fill_in_is_found_and_mended(
    place: Place, layout: Layout, case: int
) -> None:
    """R17, R20: a state that disagrees with its row, and events without an order."""
    suffix, column, definition, expected = _TO_FILL_IN[place.name][case]
    table = next(table for table in layout.tables if table.name.endswith(suffix))
    place.execute(_defined(place.creation(*layout.tables), table, column, definition))
    faults = _found(place, layout)
    assert _told(faults) == {(table.path, part, kind) for part, kind in expected.items()}
    _mend(place, layout, faults)


# -- what is sound


def _made_otherwise(table: Table) -> Table:
    """Return the table as another tool may make it: other names, another order, and indexes that go on."""
    more = next(name for name in ("version", "at", "n") if name in {column.name for column in table.columns})
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
    tables = [_made_otherwise(table) for table in layout.tables]
    definition = _NUMBERED[place.name][min(case, len(_NUMBERED[place.name]) - 1)]
    creation = _defined(place.creation(*tables), layout.events, "seq", definition)
    if place.name == "postgresql":
        # Looked up, and never sorted by.
        creation = _defined(creation, layout.events, "contact_id", 'VARCHAR(255) COLLATE "en-x-icu"')
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
    creation = place.creation(accounts, layout.events, layout.attempts)
    creation[0] = creation[0].replace("(\n", f"(\n  id {ids},\n", 1)
    place.execute(creation)
    faults = _found(place, layout)
    assert _told(faults) == {(accounts.path, "primary_key", Kind.MISSING_KEY)}
    _mend(place, layout, faults)


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
    place.execute(place.creation(attrs.evolve(layout.accounts, checks=checks), layout.events))
    prefix = layout.accounts.name.removesuffix("accounts")
    with closing(place.connect()) as connection:
        cursor = connection.cursor()
        if place.name == "sqlite":
            connection.isolation_level = None
        cursor.execute("BEGIN")
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect=place.name, prefix=prefix)
        store.record([an_event("1")])
        without = set() if is_sound else {(layout.accounts.path, missing, Kind.MISSING_CHECK)}
        assert _told(store.find_faults()) == {(layout.attempts.path, None, Kind.MISSING_TABLE), *without}
        store.record([an_event("2")])
        connection.commit()
    assert place.execute([f"SELECT COUNT(*) FROM {layout.events.path}"])[0][0] == 2
    assert place.execute([f"SELECT COUNT(*) FROM {layout.accounts.path}"])[0][0] == 0


def test_tables_in_an_attached_file_are_made_and_checked(tmp_path: Path) -> None:
    """R20: to SQLite a schema is a file that the connection attached; what is missing there is mended there."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(tmp_path / "host.db", check_same_thread=False)
        connection.execute("ATTACH DATABASE ? AS school", [str(tmp_path / "school.db")])
        return connection

    place, there = Place("sqlite", connect), layout_of("portal_", "school")
    with place.store(there) as store:
        assert {fault.kind for fault in store.find_faults()} == {Kind.MISSING_TABLE}
        for fault in store.find_faults():
            place.execute(fault.mend)
        store.check()
        place.execute(["DROP INDEX school.portal_accounts_by_expiry"])
        (fault,) = store.find_faults()
        place.execute(fault.mend)
        store.create_tables()
        store.check()
        add(store, an_account("1", "rosa"))
        assert store.find_by_username("rosa") == an_account("1", "rosa")
    assert place.execute(["SELECT COUNT(*) FROM main.sqlite_master"]) == [(0,)]


@pytest.mark.parametrize("place", SERVERS, indirect=True)
def test_tables_in_a_schema_are_checked(place: Place, layout: Layout) -> None:
    """R20: faults are found and mended where the tables are, and not where others of the same names are."""
    prefix = layout.accounts.name.removesuffix("accounts")
    place.execute(place.creation(*layout.tables))
    created = {"postgresql": "CREATE SCHEMA elsewhere_{}", "mariadb": "CREATE DATABASE elsewhere_{}"}[place.name]
    dropped = {"postgresql": "DROP SCHEMA elsewhere_{} CASCADE", "mariadb": "DROP DATABASE elsewhere_{}"}[place.name]
    own = f"{id(layout) % 10**9}"
    place.execute([created.format(own)])
    try:
        there = layout_of(prefix, f"elsewhere_{own}")
        table = attrs.evolve(
            there.accounts,
            primary_key=(),
            unique={},
            checks=dict(list(there.accounts.checks.items())[1:]),
            indexes=dict(list(there.accounts.indexes.items())[1:]),
        )
        creation = place.creation(table, there.events, there.attempts)
        place.execute(_defined(creation, table, "email", "VARCHAR(10)"))
        faults = _found(place, there)
        assert {fault.table for fault in faults} == {there.accounts.path}
        assert {fault.kind for fault in faults} == {
            Kind.TOO_NARROW,
            Kind.MISSING_KEY,
            Kind.MISSING_CHECK,
            Kind.MISSING_INDEX,
        }
        _mend(place, there, faults)
    finally:
        place.execute([dropped.format(own)])


_NOT_SERVING: Final = {
    "sqlite": ["({}) WHERE is_active = 1", "(tenant, last_name_key DESC, contact_id)"],
    "postgresql": [
        "({}) WHERE is_active = 1",
        "(tenant, last_name_key DESC, contact_id)",
        '(tenant, last_name_key COLLATE "en-x-icu", contact_id)',
        "(tenant, lower(last_name_key), contact_id)",
    ],
    "mariadb": ["(tenant, last_name_key(10), contact_id)", "(tenant, contact_id, last_name_key)"],
}


@pytest.mark.parametrize(
    ("place", "indexed"),
    [(name, indexed) for name in DATABASES for indexed in _NOT_SERVING[name]],
    indirect=["place"],
)
def test_an_index_that_serves_nothing_is_none(place: Place, layout: Layout, indexed: str) -> None:
    """R20: pages are not read from an index of a part of the rows, of a part of a column, or in another order."""
    accounts = layout.accounts
    name = next(name for name in accounts.indexes if name.endswith("_by_last_name"))
    without = attrs.evolve(accounts, indexes=_besides(accounts.indexes, name))
    creation = place.creation(without, layout.events, layout.attempts)
    columns = ", ".join(accounts.indexes[name])
    place.execute([*creation, f"CREATE INDEX {name} ON {accounts.name} {indexed.format(columns)}"])
    faults = _found(place, layout)
    assert _told(faults) == {(accounts.path, name, Kind.MISSING_INDEX)}
    _mend(place, layout, faults)


# -- what only one database does


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[Place]:
    """A database on MariaDB."""
    with _place("mariadb", tmp_path) as place:
        yield place


def test_a_lenient_connection_is_found_and_mended(mariadb: Place, layout: Layout) -> None:
    """G3: in a mode in which what is too long is cut, that is told beside the column that is too short."""
    prefix = layout.accounts.name.removesuffix("accounts")
    creation = _defined(mariadb.creation(*layout.tables), layout.accounts, "password_hash", "VARCHAR(255)")
    mariadb.execute(_defined(creation, layout.accounts, "issued_at", "INT"))
    with closing(mariadb.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SET sql_mode = ''")
        cursor.execute("BEGIN")
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="mariadb", prefix=prefix)
        faults = store.find_faults()
        assert _told(faults) == {
            (layout.accounts.path, None, Kind.LENIENT),
            (layout.accounts.path, "password_hash", Kind.TOO_NARROW),
            (layout.accounts.path, "issued_at", Kind.LOSSY),
        }
        for fault in faults:
            for statement in fault.mend:
                cursor.execute(statement)
        cursor.execute("BEGIN")
        store.check()
        cursor.execute("SET sql_mode = ''")
        cursor.execute("SET sql_mode = 'ANSI'")
        assert _told(store.find_faults()) == {(layout.accounts.path, None, Kind.LENIENT)}


def test_a_tenant_that_is_cut_is_found_where_it_went(mariadb: Place, layout: Layout) -> None:
    """R16, G3: cut without an error, a tenant would be another's."""
    mariadb.execute(_defined(mariadb.creation(*layout.tables), layout.accounts, "tenant", "VARCHAR(10) NOT NULL"))
    with closing(mariadb.connect()) as connection:
        connection.cursor().execute("SET sql_mode = ''")
        connection.begin()
        prefix = layout.accounts.name.removesuffix("accounts")
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="mariadb", prefix=prefix)
        assert (layout.accounts.path, "tenant", Kind.TOO_NARROW) in _told(store.find_faults())
        connection.rollback()
    assert mariadb.execute([f"SELECT COUNT(*) FROM {layout.accounts.name}"])[0][0] == 0


@pytest.mark.parametrize("engine", ["MyISAM", "Aria"])
def test_a_table_that_undoes_nothing_is_found_before_it_is_written_to(
    mariadb: Place, layout: Layout, engine: str
) -> None:
    """R1: without transactions a hash could be there without its event, and the check's own rows would stay."""
    creation = [sql.replace("ENGINE=InnoDB", f"ENGINE={engine}") for sql in mariadb.creation(*layout.tables)]
    # Its keys are shorter than those of ours.
    creation = [re.sub(r"VARCHAR\((255|64)\)", "VARCHAR(60)", sql) for sql in creation if "CREATE TABLE" in sql]
    mariadb.execute(creation)
    faults = [fault for fault in _found(mariadb, layout) if fault.kind == Kind.NOT_TRANSACTIONAL]
    assert {fault.table for fault in faults} == {table.path for table in layout.tables}
    for fault in faults:
        mariadb.execute(fault.mend)
    with mariadb.store(layout) as store:
        assert Kind.NOT_TRANSACTIONAL not in {fault.kind for fault in store.find_faults()}


def test_columns_of_the_hosts_are_not_lost_by_a_mend(tmp_path: Path, layout: Layout) -> None:
    """R23: where SQLite would have to make the table again, and not all of it is ours, the error says so in words."""
    with _place("sqlite", tmp_path) as place:
        creation = _defined(place.creation(*layout.tables), layout.accounts, "username_key", "TEXT COLLATE NOCASE")
        place.execute([*creation, f"ALTER TABLE {layout.accounts.name} ADD COLUMN note TEXT"])
        (fault,) = _found(place, layout)
        assert fault.mend == ()
        assert "columns of your own" in fault.advice
        assert fault.advice in str(fault)


def test_a_mend_keeps_what_refers_to_the_rows(tmp_path: Path, layout: Layout) -> None:
    """R20: while SQLite makes the table again, rows of the host's that refer to it are not deleted with the old one."""
    table = layout.accounts
    row: Row = dict(probe_rows_of(layout, table, "q").states["imported"], contact_id="c-1")
    with _place("sqlite", tmp_path) as place, closing(place.connect()) as connection:
        connection.isolation_level = None
        for statement in (
            "PRAGMA foreign_keys = ON",
            *_defined(place.creation(*layout.tables), table, "username_key", "TEXT COLLATE NOCASE"),
            "CREATE TABLE child (tenant TEXT, contact_id TEXT, FOREIGN KEY (tenant, contact_id) "
            f"REFERENCES {table.name} (tenant, contact_id) ON DELETE CASCADE)",
        ):
            connection.execute(statement)
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({marks})", row)
        connection.execute("INSERT INTO child VALUES ('q', 'c-1')")
        (fault,) = _found(place, layout, rows=1)
        for statement in fault.mend:
            connection.execute(statement)
        assert connection.execute("SELECT * FROM child").fetchall() == [("q", "c-1")]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_mend_keeps_the_rows(place: Place, layout: Layout) -> None:
    """R20: what can be kept is kept: the accounts, and instants that were not written as numbers."""
    lossy = {
        "sqlite": ("REAL", "1768465800123456"),
        "postgresql": ("TIMESTAMPTZ DEFAULT now()", "'2026-01-15 08:30:00.123456+00'"),
        "mariadb": ("DATETIME(6)", "'2026-01-15 08:30:00.123456'"),
    }
    definition, value = lossy[place.name]
    table = layout.accounts
    row: Row = dict(probe_rows_of(layout, table, "q").filled[1], contact_id="c-1", name_changed_at=None)
    names = ", ".join(row)
    values = ", ".join("NULL" if each is None else repr(each) for each in row.values())
    place.execute(
        [
            *_defined(place.creation(*layout.tables), table, "name_changed_at", definition),
            f"INSERT INTO {table.name} ({names}) VALUES ({values})",
            f"UPDATE {table.name} SET name_changed_at = {value}",
        ]
    )
    with place.store(layout) as store:
        for fault in store.find_faults():
            place.execute(fault.mend)
        store.check()
    kept = place.execute([f"SELECT contact_id, name_changed_at FROM {table.name}"])
    assert list(kept) == [("c-1", 1_768_465_800_123_456)]


def test_a_trigger_that_changes_what_is_written_is_found(place: Place, layout: Layout) -> None:
    """G4: whatever it is that rounds; no type is at fault, so that only SQLite, by making the table again, mends it."""
    table = layout.accounts.name
    rounding = {
        "sqlite": [
            f"CREATE TRIGGER {table}_rounding AFTER INSERT ON {table} BEGIN UPDATE {table} "
            "SET issued_at = issued_at / 1000000 * 1000000 WHERE contact_id = new.contact_id; END"
        ],
        "postgresql": [
            f"CREATE FUNCTION {table}_round() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN NEW.issued_at := NEW.issued_at / 1000000 * 1000000; RETURN NEW; END'",
            f"CREATE TRIGGER rounding BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_round()",
        ],
        "mariadb": [
            f"CREATE TRIGGER {table}_rounding BEFORE INSERT ON {table} FOR EACH ROW "
            "SET NEW.issued_at = NEW.issued_at DIV 1000000 * 1000000"
        ],
    }
    place.execute([*place.creation(*layout.tables), *rounding[place.name]])
    (fault,) = _found(place, layout)
    assert (fault.part, fault.kind) == ("issued_at", Kind.LOSSY)
    assert "trigger" in fault.advice
    assert bool(fault.mend) is (place.name == "sqlite")


def test_a_row_that_is_refused_for_reasons_of_the_hosts_is_told(place: Place, layout: Layout) -> None:
    """R23: a required column of the host's own would fail each addition; the error says where to look."""
    creation = place.creation(*layout.tables)
    creation[0] = creation[0].replace("(\n", "(\n  school INTEGER NOT NULL,\n", 1)
    place.execute(creation)
    (fault,) = _found(place, layout)
    assert (fault.part, fault.kind, fault.mend) == (None, Kind.REFUSES, ())
    assert "column of your own" in fault.advice


@pytest.mark.parametrize(
    ("condition", "part", "words"),
    [
        ("is_active = 1", None, "refuses an account in a state that can be"),
        ("CHAR_LENGTH(first_name) + CHAR_LENGTH(last_name) < 400", None, "all of whose texts are as long as can be"),
        ("password_hash NOT LIKE '% ss %'", "password_hash", "refuses characters"),
        ("contact_id <> 'x'", None, "refuses a row that is as it should be"),
    ],
)
def test_a_check_of_the_hosts_that_refuses_too_much_is_told(
    place: Place, layout: Layout, condition: str, part: str | None, words: str
) -> None:
    """R23: what an account may be, and this table never holds, is told before somebody is that account."""
    if place.name == "sqlite":
        condition = condition.replace("CHAR_LENGTH", "LENGTH")
    stricter = {**layout.accounts.checks, f"{layout.accounts.name}_more": condition}
    accounts = attrs.evolve(layout.accounts, checks=stricter)
    place.execute(place.creation(accounts, layout.events, layout.attempts))
    (fault,) = _found(place, layout)
    assert fault.part == part
    assert words in fault.detail
    if place.name != "sqlite":
        assert "CHECK" in fault.advice


def test_a_state_of_a_column_that_is_missing_is_told_too(place: Place, layout: Layout) -> None:
    """R20: a state that is there without what it is computed from cannot be what it should be."""
    accounts = _without(layout.accounts, "change_required_by")
    place.execute(place.creation(accounts, layout.events, layout.attempts))
    place.execute([f"ALTER TABLE {accounts.name} ADD COLUMN state VARCHAR(64)"])
    faults = _found(place, layout)
    assert {(accounts.path, "state", Kind.NOT_COMPUTED)} < _told(faults)
    _mend(place, layout, faults)


def test_a_right_that_is_missing_is_no_fault_of_the_tables(tmp_path: Path, layout: Layout) -> None:
    """R23: who may not read the tables is told that, and not that they are missing."""
    with _place("postgresql", tmp_path) as place:
        role, prefix = f"{layout.accounts.name}_{id(layout) % 10**9}", layout.accounts.name.removesuffix("accounts")
        place.execute([*place.creation(*layout.tables), f"CREATE ROLE {role}"])

        def connect() -> Any:
            connection = place.connect()
            connection.execute(f"SET ROLE {role}")
            connection.commit()
            return connection

        try:
            schema = place.execute(["SELECT current_schema()"])[0][0]
            place.execute([f"GRANT USAGE ON SCHEMA {schema} TO {role}"])
            store = DBAPIAccountStore(connect, dialect="postgresql", prefix=prefix)
            with store, pytest.raises(StoreError, match="42501"):
                store.check()
        finally:
            place.execute([f"DROP OWNED BY {role}", f"DROP ROLE {role}"])


# -- user names that are easily confused

_CONFUSABLE: Final = [
    ("adams", "Adams", True),
    ("baker", " baker ", True),
    ("clark", "ｃｌａｒｋ", True),
    ("dávila", "da\u0301vila", True),
    ("ﬁona", "fiona", True),
    ("gray2", "gray²", True),
    ("karl", "\u212aarl", True),
    ("hauß", "hauss", True),
    ("jose", "josé", False),
    ("smith", "smıth", False),
    ("ivan", "İvan", False),
    ("lee", "l\u200dee", False),
    ("moon😀", "moon😁", False),
    ("nora", "nоra", False),
    ("olsen", "olsen\0", None),
]
"""Pairs that databases have been seen to take for the same, and whether they are: None where one is no user name."""


@pytest.fixture(params=["memory", *DATABASES])
def accounts(request: pytest.FixtureRequest, layout: Layout, tmp_path: Path) -> Iterator[AccountStore]:
    """Each store that comes with the library, empty."""
    if request.param == "memory":
        yield MemoryAccountStore()
        return
    with _place(request.param, tmp_path) as place, place.store(layout) as store:
        store.create_tables()
        yield store


def test_confusable_user_names_stay_apart_or_are_refused(accounts: AccountStore) -> None:
    """G1: in every store two user names are one if, and only if, their keys are; the second is then refused."""
    assert len(_CONFUSABLE) == 15
    for number, (one, other, are_same) in enumerate(_CONFUSABLE):
        first = an_account(f"{number}-1", one)
        add(accounts, first)
        if are_same is None:
            with pytest.raises(InvalidValueError):
                an_account(f"{number}-2", other)
            continue
        second = an_account(f"{number}-2", other)
        assert (first.username_key == second.username_key) is are_same
        (result,) = accounts.apply([Change(old=None, new=second)])
        assert result == (ApplyResult.USERNAME_TAKEN if are_same else ApplyResult.APPLIED)
        assert accounts.find_by_username(first.username_key or "") == first
        assert accounts.find_by_username(second.username_key or "") == (first if are_same else second)


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin"])
def test_on_a_table_that_folds_nobody_is_taken_for_another(mariadb: Place, layout: Layout, collation: str) -> None:
    """R18: should nobody have called the check, the second is refused, and is never found as the first."""
    pinned = f"VARCHAR(255) COLLATE {collation}"
    mariadb.execute(_defined(mariadb.creation(*layout.tables), layout.accounts, "username_key", pinned))
    with mariadb.store(layout) as store:
        for number, (one, other, are_same) in enumerate(_CONFUSABLE):
            if are_same is not False:
                continue
            store.apply([Change(old=None, new=an_account(f"{number}-1", one))])
            second = an_account(f"{number}-2", other)
            (result,) = store.apply([Change(old=None, new=second)])
            found = store.find_by_username(second.username_key or "")
            assert found == (second if result == ApplyResult.APPLIED else None)


# -- opening a file


def test_a_file_whose_tables_lack_columns_is_refused(tmp_path: Path) -> None:
    """R20: one error at opening names the table and all that it lacks."""
    file = tmp_path / "portal.db"
    DBAPIAccountStore.open_sqlite(file).close()
    lacking = "CREATE TABLE portal_audit_events (seq INTEGER, tenant TEXT, event_id TEXT, kind TEXT, at TEXT)"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"DROP TABLE portal_audit_events; {lacking}")
    with pytest.raises(ConfigurationError) as caught:
        DBAPIAccountStore.open_sqlite(file)
    for column in ("operator_id", "contact_id", "reason"):
        assert f"portal_audit_events.{column} is not there" in caught.value.mend


def test_a_file_that_folds_is_refused(tmp_path: Path) -> None:
    """G1: at opening, before it costs data; nobody has to think of calling the check."""
    file, layout = tmp_path / "portal.db", layout_of("portal_")
    with _place("sqlite", tmp_path) as place:
        creation = place.creation(*layout.tables)
        place.execute(_defined(creation, layout.accounts, "username_key", "TEXT COLLATE NOCASE"))
    with pytest.raises(ConfigurationError, match=r"portal_accounts\.username_key folds case"):
        DBAPIAccountStore.open_sqlite(file)
