"""What is wrong for reasons of the host's, or in one database only, is told as what it is (R20, R23)."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from portalcreds.exceptions import ConfigurationError, StoreError
from portalcreds.stores._sql.schema import Layout, lay_out
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore
from portalcreds.stores.table_faults import TableFaultKind
from portalcreds.stores.tables import Tables

from .places import Place, define, find, fix, leave_out, open_place, sum_up

Kind = TableFaultKind


def test_a_lenient_connection_is_found(mariadb: Place, layout: Layout) -> None:
    """R20: in a mode in which what is too long is cut, that is told beside the column that is too short."""
    prefix = layout.accounts.name.removesuffix("accounts")
    creation = define(mariadb.creation(*layout), layout.accounts, "password_hash", "VARCHAR(255)")
    mariadb.execute(define(creation, layout.accounts, "issued_at", "INT"))
    with closing(mariadb.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SET sql_mode = ''")
        cursor.execute("BEGIN")
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="mariadb", tables=Tables(prefix=prefix))
        faults = store.find_faults()
        assert sum_up(faults) == {
            (layout.accounts.path, None, Kind.LENIENT),
            (layout.accounts.path, "password_hash", Kind.TOO_NARROW),
            (layout.accounts.path, "issued_at", Kind.LOSSY),
        }
        for fault in faults:
            for statement in fault.statements:
                cursor.execute(statement)
        cursor.execute("BEGIN")
        assert {fault.kind for fault in store.find_faults()} == {Kind.TOO_NARROW}
        cursor.execute("SET sql_mode = ''")
        cursor.execute("SET sql_mode = 'ANSI'")
        assert (layout.accounts.path, None, Kind.LENIENT) in sum_up(store.find_faults())


def test_a_tenant_that_is_cut_is_found_where_it_went(mariadb: Place, layout: Layout) -> None:
    """R16: cut without an error, a tenant would be another's."""
    mariadb.execute(define(mariadb.creation(*layout), layout.accounts, "tenant", "VARCHAR(10) NOT NULL"))
    with closing(mariadb.connect()) as connection:
        connection.cursor().execute("SET sql_mode = ''")
        connection.begin()
        prefix = layout.accounts.name.removesuffix("accounts")
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="mariadb", tables=Tables(prefix=prefix))
        assert (layout.accounts.path, "tenant", Kind.TOO_NARROW) in sum_up(store.find_faults())
        connection.rollback()
    assert mariadb.execute([f"SELECT COUNT(*) FROM {layout.accounts.name}"])[0][0] == 0


@pytest.mark.parametrize("engine", ["MyISAM", "Aria"])
def test_a_table_that_undoes_nothing_is_found_before_it_is_written_to(
    mariadb: Place, layout: Layout, engine: str
) -> None:
    """R1: without transactions a hash could be there without its event, and the check's own rows would stay."""
    creation = [sql.replace("ENGINE=InnoDB", f"ENGINE={engine}") for sql in mariadb.creation(*layout)]
    # Its keys are shorter than those of ours.
    creation = [re.sub(r"VARCHAR\(\d+\)", "VARCHAR(40)", sql) for sql in creation if "INDEX" not in sql]
    mariadb.execute(creation)
    faults = [fault for fault in find(mariadb, layout) if fault.kind == Kind.NOT_TRANSACTIONAL]
    assert {fault.table for fault in faults} == {table.path for table in layout}
    assert {fault.intended for fault in faults} == {"ENGINE=InnoDB"}


def test_a_trigger_that_changes_what_is_written_is_found(place: Place, layout: Layout) -> None:
    """R20: whatever it is that rounds; where no type is at fault, the hint says what else to look for."""
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
    place.execute([*place.creation(*layout), *rounding[place.name]])
    (fault,) = find(place, layout)
    assert (fault.part, fault.kind) == ("issued_at", Kind.LOSSY)
    assert "trigger" in fault.hint


def test_a_row_that_is_refused_for_reasons_of_the_hosts_is_told(place: Place, layout: Layout) -> None:
    """R23: a required column of the host's own would fail each addition; the error says where to look."""
    creation = place.creation(*layout)
    creation[0] = creation[0].replace("(\n", "(\n  school INTEGER NOT NULL,\n", 1)
    place.execute(creation)
    (fault,) = find(place, layout)
    assert (fault.part, fault.kind, fault.statements) == (None, Kind.REFUSES, ())
    assert "column of your own" in fault.hint


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
    place.execute(place.creation(accounts, *layout[1:]))
    (fault,) = find(place, layout)
    assert fault.part == part
    assert words in fault.detail
    assert "CHECK" in fault.hint


def test_a_state_of_a_column_that_is_missing_is_told_too(place: Place, layout: Layout) -> None:
    """R20: a state that is there without what it is computed from cannot be what it should be."""
    accounts = leave_out(layout.accounts, "change_required_by")
    place.execute(place.creation(accounts, *layout[1:]))
    place.execute([f"ALTER TABLE {accounts.name} ADD COLUMN state VARCHAR(64)"])
    faults = find(place, layout)
    assert {(accounts.path, "state", Kind.NOT_COMPUTED)} < sum_up(faults)
    fix(place, layout, faults)


def test_a_right_that_is_missing_is_no_fault_of_the_tables(tmp_path: Path, layout: Layout) -> None:
    """R23: who may not read the tables is told that, and not that they are missing."""
    with open_place("postgresql", tmp_path) as place:
        role, prefix = f"{layout.accounts.name}_{id(layout) % 10**9}", layout.accounts.name.removesuffix("accounts")
        place.execute([*place.creation(*layout), f"CREATE ROLE {role}"])

        def connect() -> Any:
            connection = place.connect()
            connection.execute(f"SET ROLE {role}")
            connection.commit()
            return connection

        try:
            schema = place.execute(["SELECT current_schema()"])[0][0]
            place.execute([f"GRANT USAGE ON SCHEMA {schema} TO {role}"])
            store = DBAPIAccountStore(connect, dialect="postgresql", tables=Tables(prefix=prefix))
            with store, pytest.raises(StoreError, match="42501"):
                store.check()
        finally:
            place.execute([f"DROP OWNED BY {role}", f"DROP ROLE {role}"])


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
        assert f"portal_audit_events.{column} is not there" in caught.value.hint


def test_a_file_that_folds_is_refused(tmp_path: Path) -> None:
    """R20: at opening, before it costs data; nobody has to think of calling the check."""
    file, layout = tmp_path / "portal.db", lay_out(Tables())
    with open_place("sqlite", tmp_path) as place:
        creation = place.creation(*layout)
        place.execute(define(creation, layout.accounts, "username_key", "TEXT COLLATE NOCASE"))
    with pytest.raises(ConfigurationError, match=r"portal_accounts\.username_key folds case"):
        DBAPIAccountStore.open_sqlite(file)
