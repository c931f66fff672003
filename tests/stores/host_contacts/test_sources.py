"""What may stand for the host's contacts, and what is refused at construction (R20, R23)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy

from portalcreds.account_queries import AccountQuery
from portalcreds.contacts import ContactId
from portalcreds.exceptions import ConfigurationError, StoreUnavailableError
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore
from portalcreds.stores.host_contacts import HostContacts
from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore
from portalcreds.testing._store_samples import NOW, add

from ..backends import BRIEF, Backend
from ..hosts import engine_of
from .schools import (
    GUARDIAN,
    Guardian,
    Kind,
    Names,
    School,
    account_of,
    close,
    names_of,
    qualify,
    reflect_view,
)

_SOURCES: dict[str, Callable[[School], tuple[Any, Names | None]]] = {
    "a mapped class": lambda school: (Guardian, GUARDIAN),
    "an alias of it": lambda school: (sqlalchemy.orm.aliased(Guardian), GUARDIAN),
    "a select of it": lambda school: (
        sqlalchemy.select(
            Guardian.number.label("contact_id"),
            Guardian.given.label("first_name"),
            Guardian.family.label("last_name"),
        ).where(Guardian.school.in_(["North", "South 50%"]), Guardian.given.like("%m")),
        None,
    ),
    "a union": lambda school: (
        sqlalchemy.union_all(
            *(
                sqlalchemy.select(
                    Guardian.number.label("contact_id"),
                    Guardian.given.label("first_name"),
                    Guardian.family.label("last_name"),
                ).where(condition)
                for condition in (Guardian.school == "North", Guardian.school != "North")
            )
        ),
        None,
    ),
    "a table": lambda school: (reflect_view(school), None),
    "a subquery": lambda school: (sqlalchemy.select(reflect_view(school)).subquery(), None),
    "the name of a view": lambda school: (school.table, None),
    "a name with its schema": lambda school: (qualify(school), None),
    "the text of a select": lambda school: (
        f"SELECT contact_id, first_name, last_name FROM {school.table} WHERE first_name LIKE '%m' AND last_name <> ':x'"
        " ORDER BY 1",
        None,
    ),
}


@pytest.mark.parametrize("source", _SOURCES)
def test_what_may_stand_for_the_hosts_contacts(guardians: School, source: str) -> None:
    """R20: a class with its columns in two tables, a table, a view, a select or the name of one."""
    q = "`" if guardians.backend.database == "mariadb" else '"'
    guardians.execute(
        f"CREATE VIEW {guardians.table} AS SELECT g.number AS contact_id, p.{q}Given Name{q} AS first_name, "
        f"g.family AS last_name FROM {q}Guardians{q} g JOIN {q}Persons{q} p ON p.{q}PersonID{q} = g.person_id"
    )
    contacts, columns = _SOURCES[source](guardians)
    store = guardians.store(contacts=contacts, columns=columns)
    add(store, *(account_of(f"g{number}") for number in range(4)))
    found = store.search(AccountQuery(now=NOW)).accounts
    assert [names_of(account)[:2] for account in found] == [
        ("Kim", "Abel"),
        ("Kim", "Berg"),
        ("Kim", "Cole"),
        ("Rosa", "Noted"),
    ]
    assert store.note_names() == 3
    guardians.execute(f"DROP VIEW {guardians.table}")


@pytest.mark.parametrize(
    "source", ["{table}", "{qualified}", "SELECT * FROM {table}", "WITH f AS (SELECT * FROM {table}) SELECT * FROM f"]
)
def test_what_may_stand_for_them_as_text(school: School, source: str) -> None:
    """R20: with the driver alone it is the name of a table or view, with its schema or without, or a select."""
    school.create()
    school.insert(("1", "Rosa", "Host", None))
    store = school.store(contacts=source.format(table=school.table, qualified=qualify(school)))
    add(store, account_of("1"))
    assert store.find(ContactId("1")).contact.last_name == "Host"


# -- what is wrong is said at construction


def test_missing_columns_are_one_error(school: School) -> None:
    """R20, R23: all that are missing, in one error, before anything else is done."""
    school.create("contact_id VARCHAR(9), given VARCHAR(9), last_name VARCHAR(9)")
    with pytest.raises(ConfigurationError, match=r"have no column first_name, email$"):
        school.joined()
    with pytest.raises(ConfigurationError, match=r"have no column 0$"):
        school.joined(columns={"first_name": "given", "email": "0"})
    if school.way == "sqlalchemy":
        for contacts in (reflect_view(school), sqlalchemy.select(reflect_view(school))):
            with pytest.raises(ConfigurationError, match=r"have no column first_name, email$"):
                school.store(contacts=contacts, columns={"email": "email"})
    assert school.joined(columns={"first_name": "given"}).find(ContactId("1")) is None


def test_contacts_that_cannot_be_read(school: School) -> None:
    """R20, R23: a name that names nothing, and what is no select, is one error with the hint."""
    for contacts in ("nowhere", "a.b.c.d", "SELECT 1 FROM", "x; DROP TABLE portal_accounts", "é' \" ` %s"):
        with pytest.raises(
            ConfigurationError, match=r"^contacts: name a table, a view or a select that this connection"
        ):
            school.store(contacts=contacts)
    assert school.store().find(ContactId("1")) is None


@pytest.mark.parametrize("source", [7, None, object(), Guardian])
def test_what_a_driver_cannot_read(backend: Backend, source: object) -> None:
    """R23: what only SQLAlchemy could select from, or nobody, is refused before anything is connected."""
    with pytest.raises(ConfigurationError, match=r"^contacts: name a table or a view, or pass a SELECT"):
        DBAPIAccountStore(backend.connect, dialect=backend.database, contacts=HostContacts(source))


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        ({"contact_id": "house", "first_name": "given", "last_name": "family"}, "house"),
        ({"contact_id": "number", "first_name": "nickname", "last_name": "family"}, "nickname"),
        ({"contact_id": "number", "first_name": "nickname", "last_name": "nowhere"}, "nickname, nowhere"),
    ],
    ids=["a relationship", "a property", "nothing"],
)
def test_attributes_that_are_no_columns(guardians: School, columns: Names, missing: str) -> None:
    """R23: what a class has besides columns cannot be selected, and is told of by its name."""
    with pytest.raises(ConfigurationError, match=f"have no column {missing}$"):
        guardians.store(contacts=Guardian, columns=columns)


class _Reversed(sqlalchemy.types.TypeDecorator[str]):
    """A type of the host's that has another text in the database than in Python, as one that encrypts."""

    impl = sqlalchemy.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else value[::-1]

    def process_result_value(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else value[::-1]


def test_types_that_convert_in_python_are_refused(alchemist: School) -> None:
    """R20: rows are the driver's own, so that a default would be made of the encrypted name, and of no other."""
    table = sqlalchemy.Table(
        alchemist.table,
        sqlalchemy.MetaData(),
        sqlalchemy.Column("contact_id", sqlalchemy.Uuid()),
        sqlalchemy.Column("first_name", _Reversed(40)),
        sqlalchemy.Column("last_name", sqlalchemy.Enum(Kind)),
    )
    table.create(alchemist.engine)
    key = uuid4()
    with alchemist.engine.begin() as connection:
        row = {"contact_id": key, "first_name": "Rosa", "last_name": Kind.NORTH}
        connection.execute(table.insert().values(row))
    with pytest.raises(ConfigurationError, match="that of contact_id, first_name, last_name makes something else"):
        alchemist.store(contacts=table)
    cast = sqlalchemy.select(
        sqlalchemy.cast(table.c.contact_id, sqlalchemy.String(40)).label("contact_id"),
        sqlalchemy.literal("Rosa").label("first_name"),
        sqlalchemy.cast(table.c.last_name, sqlalchemy.String(40)).label("last_name"),
    )
    store = alchemist.store(contacts=cast)
    ((contact_id,),) = alchemist.execute(f"SELECT CAST(contact_id AS CHAR(40)) FROM {alchemist.table}")
    contact_id = contact_id.strip()
    assert contact_id in (str(key), key.hex)
    add(store, account_of(contact_id))
    assert names_of(store.find(ContactId(contact_id)))[:2] == ("Rosa", "NORTH")
    table.drop(alchemist.engine)


def test_ids_of_no_known_type(alchemist: School) -> None:
    """R20: of what is written by hand SQLAlchemy knows no type, and what was said of the ids holds."""
    alchemist.create("id BIGINT, first_name VARCHAR(9), last_name VARCHAR(9)")
    alchemist.insert((7, "Rosa", "Seven"))
    named = (("id", "contact_id"), ("first_name", "first_name"), ("last_name", "last_name"))
    columns: list[sqlalchemy.Label[Any]] = [sqlalchemy.literal_column(name).label(label) for name, label in named]
    contacts = sqlalchemy.select(*columns).select_from(sqlalchemy.table(alchemist.table))
    store = alchemist.store(contacts=contacts, columns={"contact_id_type": "integer"})
    add(store, account_of("7"))
    assert store.find(ContactId("7")).contact.last_name == "Seven"
    with pytest.raises(ConfigurationError, match=r'contact_id_type: .*; pass "integer"'):
        alchemist.store(contacts=contacts)


@pytest.mark.parametrize("argument", ["contacts", "scope"])
def test_a_select_without_all_its_values(alchemist: School, argument: str) -> None:
    """R23: a parameter that has no value is found at construction, and by no error of SQLAlchemy's."""
    missing: Any = sqlalchemy.bindparam("missing", type_=sqlalchemy.String)
    select = sqlalchemy.select(missing.label("contact_id"), missing.label("first_name"), missing.label("last_name"))
    with pytest.raises(ConfigurationError, match=f"{argument}: pass a select\\(\\) whose parameters all have values"):
        alchemist.store(**{argument: select})


def test_a_database_that_is_away_is_no_missing_table(school: School) -> None:
    """R21, R23: at construction too, what cannot be reached is unavailable and not misconfigured."""

    def connect() -> Any:
        raise ConnectionRefusedError(111, "refused")

    def opened(**arguments: Any) -> object:
        if school.way == "dbapi":
            return DBAPIAccountStore(connect, dialect=school.backend.database, **arguments)
        pool = type(school.engine.pool)
        engine = sqlalchemy.create_engine(school.engine.url, creator=connect, poolclass=pool)
        return SQLAlchemyAccountStore(engine, **arguments)

    for arguments in ({"contacts": HostContacts(school.table)}, {"scope": "SELECT 'x'"}):
        with pytest.raises(StoreUnavailableError):
            opened(timeouts=BRIEF, **arguments)


@pytest.mark.parametrize("begun", [False, True], ids=["outside a transaction", "in a transaction"])
def test_looking_at_contacts_spoils_no_transaction_of_the_hosts(school: School, begun: bool) -> None:
    """R20: a missing column is found without ending or spoiling what the host began, and also if it began nothing."""
    school.create("contact_id VARCHAR(20), first_name VARCHAR(20), last_name VARCHAR(20)")
    school.insert(("1", "Rosa", "Host"))
    with ExitStack() as stack:
        if school.way == "sqlalchemy":
            engine = school.engine if begun else school.engine.execution_options(isolation_level="AUTOCOMMIT")
            connection = stack.enter_context(engine.connect())

            def execute(sql: str) -> object:
                return connection.exec_driver_sql(sql)

            def borrowed(**arguments: Any) -> Any:
                return SQLAlchemyAccountStore(connection, tenant=school.tenant, **arguments)
        else:
            raw = stack.enter_context(closing(school.backend.connect()))
            if not begun:
                _commit_by_itself(raw)

            def execute(sql: str) -> object:
                return raw.cursor().execute(sql)

            def borrowed(**arguments: Any) -> Any:
                dialect = school.backend.database
                return BorrowedDBAPIAccountStore(raw.cursor, dialect=dialect, tenant=school.tenant, **arguments)

        if begun:
            execute(f"UPDATE {school.table} SET last_name = 'Uncommitted'")
        with pytest.raises(ConfigurationError, match=r"no column email$"):
            borrowed(contacts=HostContacts(school.table, email="email"))
        with pytest.raises(ConfigurationError, match=r"^scope: "):
            borrowed(contacts=HostContacts(school.table), scope="SELECT nothing FROM nowhere")
        store = borrowed(contacts=HostContacts(school.table), scope=f"SELECT contact_id FROM {school.table}")
        assert store.find(ContactId("1")) is None
        if begun:
            add(store, account_of("1"))
            assert store.find(ContactId("1")).contact.last_name == "Uncommitted"
    assert school.execute(f"SELECT last_name FROM {school.table}") == [("Host",)]
    assert school.noted() == []


def _commit_by_itself(raw: Any) -> None:
    if isinstance(raw, sqlite3.Connection):
        raw.isolation_level = None
    elif callable(raw.autocommit):
        raw.autocommit(True)
    else:
        raw.autocommit = True


def test_what_is_no_value_for_contacts_or_tables(backend: Backend) -> None:
    """R23: a bare name where a value belongs is refused with the value to pass."""
    engine = engine_of(backend)
    for argument, made in (("contacts", "HostContacts"), ("tables", "Tables")):
        wrong: dict[str, Any] = {argument: "guardians"}
        for open_store in (
            partial(DBAPIAccountStore, backend.connect, dialect=backend.database),
            partial(BorrowedDBAPIAccountStore, lambda: None, dialect=backend.database),
            partial(SQLAlchemyAccountStore, engine),
        ):
            with pytest.raises(ConfigurationError, match=rf"^{argument}: pass {made}\("):
                open_store(**wrong)
    engine.dispose()


def test_a_store_that_was_refused_keeps_no_connection(backend: Backend) -> None:
    """R23: nobody has it to close it; what it opened to look at the host's contacts is closed."""
    opened: list[Any] = []

    def connect() -> Any:
        opened.append(_Closable(backend.connect()))
        return opened[-1]

    nowhere: dict[str, Any] = {"contacts": HostContacts("nowhere")}
    for arguments in (nowhere, {"scope": "SELECT 7"}):
        with pytest.raises(ConfigurationError):
            DBAPIAccountStore(connect, dialect=backend.database, **arguments)
    assert opened
    assert [connection for connection in opened if not connection.closed_by_us] == []


class _Closable:
    """A connection that knows whether it was closed."""

    def __init__(self, connection: Any) -> None:
        vars(self).update(connection=connection, closed_by_us=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.connection, name, value)

    def __del__(self) -> None:
        close(self.connection)

    def close(self) -> None:
        """Close it."""
        vars(self)["closed_by_us"] = True
        self.connection.close()
