"""The host's table is taken as it is, and nothing is written to it (R20)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy

from portal import OFFICE
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import AccountStatus
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import ConfigurationError, StoreError
from portalcreds.protocols import ApplyResult, Change, utc_now
from portalcreds.resets.report import ResetOutcome
from portalcreds.stores._sql.schema import lay_out
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.host_contacts import HostContacts
from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore
from portalcreds.stores.tables import Tables
from portalcreds.testing._store_samples import NOW, add, issued, step

from .schools import (
    ONLY_MARIADB,
    ONLY_POSTGRESQL,
    School,
    account_of,
    names_of,
    open_portal,
)


def test_whole_numbers_as_ids(school: School) -> None:
    """R20: a number is known by its digits; what is no number, or is written in another way, is no contact."""
    school.create("id BIGINT, first_name VARCHAR(9), last_name VARCHAR(9), email VARCHAR(9)")
    school.insert((7, "Rosa", "Seven", None), (-2, "Rosa", "Minus", None), (10**17, "Rosa", "Large", None))
    columns = {"contact_id": "id", "contact_id_type": "integer"}
    store = school.joined(columns=columns)
    ids = ("7", "-2", str(10**17), "007", "7.0", "+7", " 7x", "٧", "-0", "1" * 30, "x")
    add(store, *(account_of(contact_id.strip()) for contact_id in ids))
    found = store.find_many([ContactId(contact_id.strip()) for contact_id in ids])
    named = {contact_id: account.contact.last_name for contact_id, account in found.items()}
    assert named == {contact_id.strip(): "Noted" for contact_id in ids} | {
        "7": "Seven",
        "-2": "Minus",
        str(10**17): "Large",
    }
    assert store.note_names() == 3
    if school.way == "sqlalchemy":
        # The type is the column's, whatever was said.
        reflected = sqlalchemy.Table(school.table, sqlalchemy.MetaData(), autoload_with=school.engine)
        assert (
            names_of(school.store(contacts=reflected, columns={"contact_id": "id"}).find(ContactId("7")))[1] == "Seven"
        )


def test_ids_of_another_type_than_was_said(school: School) -> None:
    """R20: found at construction, with the hint: PostgreSQL would refuse every look-up, and MariaDB find too much."""
    school.create("contact_id BIGINT, first_name VARCHAR(9), last_name VARCHAR(9), email VARCHAR(9)")
    school.insert((7, "Rosa", "Seven", None))
    with pytest.raises(ConfigurationError, match=r'contact_id_type: .*; pass "integer"'):
        school.joined()
    school.execute(f"DROP TABLE {school.table}")
    school.create()
    school.insert(("7", "Rosa", "Seven", None))
    with pytest.raises(ConfigurationError, match=r'contact_id_type: .*; pass "text"'):
        school.joined(columns={"contact_id_type": "integer"})


@pytest.mark.parametrize("kind", ["DECIMAL(9, 1)", "CHAR(9)"])
def test_ids_that_are_no_plain_text(school: School, kind: str) -> None:
    """R20: found at construction too: a number with a point, and a text that is filled up with blanks."""
    school.create(f"contact_id {kind}, first_name VARCHAR(9), last_name VARCHAR(9), email VARCHAR(9)")
    school.insert(("7", "Rosa", "Seven", None))
    if (kind, school.backend.database) in {("CHAR(9)", "sqlite"), ("CHAR(9)", "mariadb")}:
        add(school.joined(), account_of("7"))  # Neither fills up.
        assert names_of(school.joined().find(ContactId("7")))[1] == "Seven"
        return
    if (kind, school.backend.database) == ("DECIMAL(9, 1)", "sqlite"):
        school.execute(f"UPDATE {school.table} SET contact_id = 7.5")
    with pytest.raises(ConfigurationError, match="casts or trims"):
        school.joined()


def test_columns_with_names_of_any_kind(school: School) -> None:
    """R20: reserved, mixed in case, with blanks, quotes, percent signs and colons: a name is taken as it is."""
    names = ("Order", "First Name %s", "Last:name", "e`m\"a'il %")
    quote = "`" if school.backend.database == "mariadb" else '"'
    quoted = [f"{quote}{name.replace(quote, quote * 2)}{quote}" for name in names]
    school.create(", ".join(f"{name} VARCHAR(20)" for name in quoted))
    school.insert(("1", "Rosa", "Abbiatici", "rosa"))
    columns = {"contact_id": names[0], "first_name": names[1], "last_name": names[2], "email": names[3]}
    store = school.joined(columns=columns)
    add(store, account_of("1"))
    assert names_of(store.find(ContactId("1"))) == ("Rosa", "Abbiatici", "rosa")
    assert store.note_names() == 1


_FOLDING = {
    "sqlite": "TEXT COLLATE NOCASE",
    "postgresql": "TEXT COLLATE {}_ci",
    "mariadb": "VARCHAR(99) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
}


def _create_folding(school: School) -> None:
    if school.backend.database == "postgresql":
        school.execute(
            f"CREATE COLLATION {school.table}_ci (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
        )
    kind = _FOLDING[school.backend.database].format(school.table)
    school.create(f"contact_id {kind}, first_name VARCHAR(9), last_name VARCHAR(9), email VARCHAR(9)")


def test_a_column_of_ids_that_folds(school: School) -> None:
    """R18, R20: to the host 'a1', 'A1' and 'á1' may be one; here each has the name of its own row or none."""
    _create_folding(school)
    school.insert(("A1", "Rosa", "Capital", None))
    store = school.joined()
    ids = [ContactId(contact_id) for contact_id in ("a1", "A1", "á1", "ａ1")]
    add(store, *(account_of(contact_id, username=f"user-{number}") for number, contact_id in enumerate(ids)))
    assert [store.find(contact_id).contact.last_name for contact_id in ids] == ["Noted", "Capital", "Noted", "Noted"]
    assert [account.contact.last_name for account in store.find_many(ids).values()].count("Capital") == 1
    school.insert(("a1", "Rosa", "Small", None))
    assert [store.find(contact_id).contact.last_name for contact_id in ids] == ["Small", "Capital", "Noted", "Noted"]
    # What is wrong with the row of one is no fault of the other's.
    school.insert(("A1", "Rosa", "Other", None))
    assert store.find(ids[0]).contact.last_name == "Small"


def test_a_scope_that_folds(school: School) -> None:
    """R16, R20: nor does a folding column let somebody else's account into a scope."""
    _create_folding(school)
    school.insert(("A1", "Rosa", "Capital", None))
    whole = school.store()
    ids = [ContactId(contact_id) for contact_id in ("a1", "A1", "á1")]
    add(whole, *(account_of(contact_id, username=f"user-{number}") for number, contact_id in enumerate(ids)))
    scoped = school.store(scope=f"SELECT contact_id FROM {school.table}")
    assert list(scoped.find_many(ids)) == ["A1"]
    assert scoped.count(AccountQuery(now=NOW)) == 1


@pytest.mark.parametrize(
    "collation", ["latin1 COLLATE latin1_swedish_ci", "utf8mb3 COLLATE utf8mb3_unicode_ci", "ascii COLLATE ascii_bin"]
)
@ONLY_MARIADB
def test_a_host_of_another_character_set(school: School, collation: str) -> None:
    """R20: MariaDB compares texts of different character sets, or refuses with an illegal mix of collations."""
    kind = f"VARCHAR(99) CHARACTER SET {collation}"
    school.create(f"contact_id {kind} PRIMARY KEY, first_name {kind}, last_name {kind}, email {kind}")
    school.insert(("a1", "Rosa", "Host", None))
    school.insert(("b1", "Rosa", "Host", None))
    store = school.joined()
    add(store, account_of("a1"), account_of("A1", username="other"), account_of("b1"))
    assert store.find(ContactId("a1")).contact.last_name == "Host"
    assert store.note_names() == 2
    scoped = school.joined(scope=f"SELECT contact_id FROM {school.table} WHERE contact_id LIKE 'a%'")
    assert list(scoped.find_many([ContactId("a1"), ContactId("A1"), ContactId("b1")])) == ["a1"]
    found = scoped.find(ContactId("a1"))
    assert step(scoped, found, issued(found)).contact.last_name == "Host"
    assert list(scoped.apply([Change(old=None, new=account_of("c1"))])) == [ApplyResult.STALE]


@ONLY_POSTGRESQL
def test_a_host_of_another_collation(school: School) -> None:
    """R20: PostgreSQL could not determine which collation to use for two columns that each have one of their own."""
    kind = 'TEXT COLLATE "en-x-icu"'
    school.create(f"contact_id {kind}, first_name {kind}, last_name {kind}, email {kind}")
    school.insert(("a1", "Rosa", "Host", None))
    store = school.joined(scope=f"SELECT contact_id FROM {school.table}")
    add(store, account_of("a1"))
    assert store.find(ContactId("a1")).contact.last_name == "Host"
    found = store.find(ContactId("a1"))
    assert step(store, found, issued(found)).contact.last_name == "Host"


def test_a_contact_that_is_listed_twice(school: School) -> None:
    """R20: a view that lists one twice with different names is told of by the id, and by no name; others go on."""
    school.create()
    school.insert(*((contact_id, "Rosa", "Same", None) for contact_id in ("1", "1", "2", "3")))
    view = f"{school.table}_v"
    school.execute(f"CREATE VIEW {view} AS SELECT * FROM {school.table}")
    store = school.store(contacts=view)
    add(store, account_of("1"), account_of("2"))
    assert store.find(ContactId("1")).contact.last_name == "Same"
    school.insert(("1", "Rosa", "Canary", None))
    with pytest.raises(StoreError) as caught:
        store.find(ContactId("1"))
    assert "'1'" in str(caught.value)
    assert "Canary" not in str(caught.value)
    assert store.find(ContactId("2")).contact.last_name == "Same"
    with open_portal(store) as portal:
        plan = portal.resets.plan(["1", "2"], OFFICE)
        results = list(portal.resets.start(plan.confirm(OFFICE)))
        assert [result.outcome for result in results] == [ResetOutcome.CANNOT, ResetOutcome.SET]
    school.execute(f"DROP VIEW {view}")


def test_a_name_that_no_contact_can_have(school: School) -> None:
    """R14, R20: a name that is too long is told of by the contact's id."""
    text = {"mariadb": "TEXT"}.get(school.backend.database, "TEXT")
    school.create(f"contact_id VARCHAR(99), first_name {text}, last_name {text}, email {text}")
    school.insert(("1", "Canary" * 60, "Same", None))
    store = school.joined()
    add(store, account_of("1"))
    with pytest.raises(StoreError) as caught:
        store.find(ContactId("1"))
    assert "contact_id '1'" in str(caught.value)
    assert "Canary" not in repr(caught.value)


# -- nothing is written


def test_the_hosts_rows_are_only_read(school: School) -> None:
    """R20: the right to read them is enough for all that a store does, in transactions of its own."""
    school.create()
    school.insert(("1", "Rosa", "Host", "rosa@example.org"), ("2", "Pat", "Host", None))
    before = school.execute(f"SELECT * FROM {school.table} ORDER BY contact_id")
    with _reader(school) as connect:
        arguments: dict[str, Any] = {
            "tenant": school.tenant,
            "contacts": HostContacts(school.table),
            "scope": f"SELECT contact_id FROM {school.table}",
        }
        if school.way == "sqlalchemy":
            url = school.engine.url
            engine = sqlalchemy.create_engine(url, creator=connect, poolclass=type(school.engine.pool))
            school.open.callback(engine.dispose)
            store: Any = SQLAlchemyAccountStore(engine, **arguments)
        else:
            reached = DBAPIAccountStore(connect, dialect=school.backend.database, **arguments)
            store = school.open.enter_context(reached)
        with open_portal(store) as portal:
            contacts = [Contact(contact_id=ContactId(row[0]), first_name=row[1], last_name="Csv") for row in before]
            portal.accounts.sync_contacts(contacts, OFFICE, usernames={"1": "rosa", "2": "pat"})
            portal.resets.reset_password("1", OFFICE)
            portal.choose("1")
            portal.accounts.rename("2", OFFICE, username="patricia")
            portal.accounts.erase("2", OFFICE)
            portal.accounts.search(OFFICE)
            store.note_names()
            account = portal.account("1")
            assert account.contact.last_name == "Host"
            assert account.status(utc_now()) == AccountStatus.SELF_CHOSEN
        school.open.close()
    assert school.execute(f"SELECT * FROM {school.table} ORDER BY contact_id") == before


@contextmanager
def _reader(school: School) -> Iterator[Callable[[], Any]]:
    """Yield what connects as somebody who may write to our tables, and read the host's."""
    backend, role = school.backend, f"reader_{uuid4().hex[:12]}"
    if backend.database == "sqlite":
        # It has no users: whoever writes there is told.
        for event in ("INSERT", "UPDATE", "DELETE"):
            school.execute(
                f"CREATE TRIGGER {role}_{event} BEFORE {event} ON {school.table} BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        yield backend.connect
        return
    ours = [table.path for table in lay_out(Tables())]
    if backend.database == "postgresql":
        import psycopg

        school.execute(f"CREATE ROLE {role} LOGIN")
        school.execute(f"GRANT USAGE ON SCHEMA {backend.place} TO {role}")
        school.execute(f"GRANT SELECT ON {school.table} TO {role}")
        school.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(ours)} TO {role}")
        server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
        try:
            yield lambda: psycopg.connect(server, user=role, options=f"-c search_path={backend.place}")
        finally:
            school.execute(f"DROP OWNED BY {role}")
            school.execute(f"DROP ROLE {role}")
        return
    import pymysql

    host = os.environ.get("PORTALCREDS_MARIADB", "127.0.0.1")
    school.execute(f"CREATE USER {role}")
    school.execute(f"GRANT SELECT ON {backend.place}.{school.table} TO {role}")
    for name in ours:
        school.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {backend.place}.{name} TO {role}")
    try:
        yield lambda: pymysql.connect(host=host, user=role, database=backend.place, charset="utf8mb4")
    finally:
        school.execute(f"DROP USER {role}")
