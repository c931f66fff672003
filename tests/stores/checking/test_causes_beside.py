"""What is wrong with the database or the driver is told by its name, and not as a fault of each column."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from portal import FAMILY, OFFICE
from portalcreds.administration.service import AccountService
from portalcreds.exceptions import ConfigurationError, TablesMissingError
from portalcreds.privileges import Grants, Privilege
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.stores.table_faults import TableFaultKind
from portalcreds.testing._store_samples import add, an_account
from portalcreds.throttle import Throttle
from servers import SERVERS, own_database
from stores.hosts import need


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_in_another_encoding(encoding: str) -> None:
    """PostgreSQL made it so for all its tables: one fault, and no advice about columns."""
    psycopg = need("psycopg")
    with own_database("postgresql") as there, closing(there()) as admin:
        admin.autocommit = True
        name = f"portalcreds_{uuid4().hex}"
        admin.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        info = admin.info
        try:
            with DBAPIAccountStore(
                lambda: psycopg.connect(
                    host=info.host, port=info.port, user=info.user, password=info.password or None, dbname=name
                ),
                dialect="postgresql",
            ) as store:
                store.create_tables()
                (fault,) = store.find_faults()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert (fault.kind, fault.statements) == (TableFaultKind.ENCODING, ())
    assert encoding in str(fault)
    assert "ENCODING 'UTF8'" in str(fault)


def test_a_connection_in_another_encoding() -> None:
    """What MariaDB's client says it sends; the tables may be as they should be."""
    with own_database("mariadb") as there:
        with DBAPIAccountStore(there, dialect="mariadb") as store:
            store.create_tables()

        def connect() -> Any:
            connection = there()
            connection.set_character_set("latin1")
            return connection

        with DBAPIAccountStore(connect, dialect="mariadb") as store:
            (fault,) = store.find_faults()
    assert (fault.kind, fault.table) == (TableFaultKind.ENCODING, "the connection")
    assert "charset=utf8mb4" in str(fault)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    """SQLite in UTF-16 sorts by its bytes, in which pages of the grid would begin in the wrong place."""
    with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")
        connection.execute("CREATE TABLE theirs (a)")
    with pytest.raises(ConfigurationError, match="UTF-16le"):
        DBAPIAccountStore.open_sqlite(tmp_path / "portal.db")


class Wrapper:
    """A connection of sqlite3's behind something that hides what became of a statement."""

    isolation_level: str | None = ""

    def __init__(self, file: Path, *, counts: bool, tells: bool) -> None:
        self._real = sqlite3.connect(file, timeout=0.05, isolation_level=None, check_same_thread=False)
        self.counts, self.tells = counts, tells

    def cursor(self) -> _Cursor:
        """Return a cursor of the same kind."""
        return _Cursor(self, self._real.cursor())

    def close(self) -> None:
        """Close it."""
        self._real.close()


class _Cursor:
    def __init__(self, wrapper: Wrapper, real: sqlite3.Cursor) -> None:
        self._wrapper, self._real = wrapper, real
        self.fetchall = real.fetchall

    @property
    def description(self) -> object:
        return self._real.description

    @property
    def rowcount(self) -> int:
        return self._real.rowcount if self._wrapper.counts else -1

    def execute(self, sql: str, parameters: Any) -> None:
        try:
            self._real.execute(sql, parameters)
            return
        except sqlite3.Error:
            if self._wrapper.tells:
                raise
        raise RuntimeError("something failed")


@pytest.mark.parametrize(
    ("hides", "told"),
    [
        ({"counts": False, "tells": True}, ["counts -1 and -1 rows"]),
        (
            {"counts": True, "tells": False},
            [
                "a key that is there already as RuntimeError",
                "a lock that somebody else has as RuntimeError",
            ],
        ),
        ({"counts": True, "tells": True}, []),
    ],
)
def test_a_driver_that_hides_what_became_of_a_statement(
    hides: dict[str, bool], told: list[str], tmp_path: Path
) -> None:
    """It passed the check, and then raised for each user name that is taken."""
    DBAPIAccountStore.open_sqlite(tmp_path / "portal.db").close()
    with DBAPIAccountStore(lambda: Wrapper(tmp_path / "portal.db", **hides)) as store:
        faults = store.find_faults()
        assert [fault.kind for fault in faults] == [TableFaultKind.DRIVER] * len(told)
        for fault, what in zip(faults, told, strict=True):
            assert what in str(fault)
            assert fault.table == f"the driver {__name__.partition('.')[0]}"


@pytest.mark.parametrize("database", ["sqlite", *SERVERS])
def test_tables_that_nobody_made(database: str, tmp_path: Path) -> None:
    """The error says what to call; it is no fault of a row."""
    asks: list[Callable[[Any], object]] = [
        lambda store: store.find(an_account("1").contact_id),
        lambda store: add(store, an_account("1")),
        lambda store: store.events(),
    ]
    if database == "sqlite":
        with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
            store = BorrowedDBAPIAccountStore(connection.cursor, dialect="sqlite")
            for ask in asks:
                with pytest.raises(TablesMissingError, match=r"create_tables\(\)"):
                    ask(store)
        return
    with own_database(database) as connect, DBAPIAccountStore(connect, dialect=database) as owned:
        for ask in asks:
            with pytest.raises(TablesMissingError, match=r"create_tables\(\)"):
                ask(owned)
        with pytest.raises(TablesMissingError):
            owned.counter().hit("key", None)


def test_a_sync_without_tables_says_so(tmp_path: Path) -> None:
    """It returned a row for each contact that said "cannot", and what to do nowhere."""
    with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="sqlite")
        authorizer = Grants(privileges={OFFICE.operator_id: list(Privilege)})
        accounts = AccountService(store, authorizer=authorizer, throttle=Throttle(MemoryAttemptCounter()))
        with pytest.raises(TablesMissingError, match=r"create_tables\(\)"):
            accounts.sync_contacts(FAMILY, OFFICE)
