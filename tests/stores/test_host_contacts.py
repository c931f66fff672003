"""
A store joined to the host's own contacts reads names there and nowhere else, and writes there nothing (R16, R20).

Each test has a host's table of its own, in whatever types, names and collations hosts have, and reaches it with the
driver alone and through SQLAlchemy.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from enum import StrEnum
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from portal import GOOD_PASSWORD, OFFICE, Portal, cheap_hasher
from portalcreds.account_queries import AccountPage, AccountQuery
from portalcreds.account_service import AccountService
from portalcreds.accounts import Account, AccountStatus
from portalcreds.audit import AuditKind
from portalcreds.contact_sync import SyncAction
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import default_password
from portalcreds.exceptions import ConfigurationError, StoreError, StoreUnavailableError
from portalcreds.outcomes import PasswordChanged, PasswordChangeRequired, PasswordRefused, SignInDenied
from portalcreds.privileges import Operator, Privilege
from portalcreds.protocols import ApplyResult, Change, utc_now
from portalcreds.reset_job import ResetOutcome
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore
from portalcreds.stores.host_contacts import Columns
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore
from portalcreds.testing import AccountStoreContract
from portalcreds.testing._store_samples import NOW, add, an_account, an_event, issued, step
from portalcreds.throttle import Throttle

from .backends import Backend, new_backend
from .hosts import DATABASES, engine_of

WAYS = ("dbapi", "sqlalchemy")

_TEXT = {"sqlite": "TEXT", "postgresql": "TEXT", "mariadb": "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"}
"""A column of a host's that tells texts apart by code point."""


@attrs.define
class School:
    """
    A host with a table of contacts, and the way in which a store reaches it.

    Attributes:
        backend: The database.
        way: One of `WAYS`.
        engine: Reaches the same database.
        admin: The host's own connection.
        table: What the host's table is called.
        tenant: Whose accounts.
        open: What is closed at the end.
    """

    backend: Backend
    way: str
    engine: sqlalchemy.Engine
    admin: Any
    table: str = attrs.field(factory=lambda: f"family_{uuid4().hex[:12]}")
    tenant: str = attrs.field(factory=lambda: uuid4().hex)
    open: ExitStack = attrs.field(factory=ExitStack)

    def execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Execute and commit a statement of the host's, with ``?`` for parameters, and return the rows."""
        cursor = self.admin.cursor()
        cursor.execute(self._marked(sql), parameters)
        rows = [] if cursor.description is None else [tuple(row) for row in cursor.fetchall()]
        self.admin.commit()
        return rows

    def _marked(self, sql: str) -> str:
        return sql if self.backend.database == "sqlite" else sql.replace("%", "%%").replace("?", "%s")

    def create(self, columns: str | None = None) -> None:
        """Create the host's table, with the columns that `Columns` expects unless others are said."""
        text = _TEXT[self.backend.database]
        plain = ", ".join(f"{name} {text}" for name in ("contact_id", "first_name", "last_name", "email"))
        self.execute(f"CREATE TABLE {self.table} ({columns or plain})")

    def insert(self, *rows: Sequence[object]) -> None:
        """Add rows to the host's table."""
        marks = ", ".join("?" * len(rows[0]))
        self.admin.cursor().executemany(self._marked(f"INSERT INTO {self.table} VALUES ({marks})"), rows)
        self.admin.commit()

    def write(self, contacts: Sequence[Contact]) -> None:
        """Put contacts into the host's table, in place of those with the same ids."""
        if contacts:
            ids = [(contact.contact_id,) for contact in contacts]
            deletion = self._marked(f"DELETE FROM {self.table} WHERE contact_id = ?")
            self.admin.cursor().executemany(deletion, ids)
            self.insert(*(attrs.astuple(contact) for contact in contacts))

    def rename(self, contact_id: str, last_name: str) -> None:
        """Change a last name, as the host does."""
        self.execute(f"UPDATE {self.table} SET last_name = ? WHERE contact_id = ?", last_name, contact_id)

    def store(self, **arguments: Any) -> Any:  # Any: the two have no common type but the protocol's.
        """Open a store; texts alone are arguments that both ways take."""
        arguments = {"tenant": self.tenant} | arguments
        if self.way == "sqlalchemy":
            return SQLAlchemyAccountStore(self.engine, **arguments)
        store = DBAPIAccountStore(self.connect, dialect=self.backend.database, **arguments)
        return self.open.enter_context(store)

    def connect(self) -> Any:
        """Return a connection that is closed at the end, if it is not by then."""
        connection = self.backend.connect()
        self.open.callback(_close, connection)
        return connection

    def joined(self, **arguments: Any) -> Any:
        """Open a store that is joined to the host's table."""
        return self.store(**{"contacts": self.table, "columns": Columns(email="email")} | arguments)

    def noted(self) -> list[tuple[Any, ...]]:
        """Return the names and addresses that our own table has."""
        return self.execute(
            "SELECT contact_id, first_name, last_name, email FROM portal_accounts WHERE tenant = ? ORDER BY contact_id",
            self.tenant,
        )


@pytest.fixture(params=DATABASES, scope="module")
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Return each database, with our tables."""
    with new_backend(request.param, tmp_path_factory.mktemp("school")) as backend:
        yield backend


_ONLY_POSTGRESQL = pytest.mark.parametrize("backend", ["postgresql"], indirect=True, scope="module")
_ONLY_MARIADB = pytest.mark.parametrize("backend", ["mariadb"], indirect=True, scope="module")


@pytest.fixture(params=WAYS)
def school(request: pytest.FixtureRequest, backend: Backend) -> Iterator[School]:
    """Return a host without a table yet."""
    with _school(backend, request.param) as school:
        yield school


@pytest.fixture
def alchemist(backend: Backend) -> Iterator[School]:
    """Return the same through SQLAlchemy only."""
    with _school(backend, "sqlalchemy") as school:
        yield school


@contextmanager
def _school(backend: Backend, way: str) -> Iterator[School]:
    engine = engine_of(backend)
    with closing(backend.connect()) as admin:
        school = School(backend, way, engine, admin)
        with school.open:
            yield school
        engine.dispose()


def _close(connection: Any) -> None:
    with suppress(Exception):  # PyMySQL's takes it amiss to be closed twice.
        connection.close()


def _account(contact_id: str, last_name: str = "Noted", username: str | None = None) -> Account:
    contact = Contact(contact_id=ContactId(contact_id), first_name="Rosa", last_name=last_name)
    return Account(contact=contact, username=username or f"user-{contact_id}")


def _names(account: Account | None) -> tuple[str | None, str | None, str | None]:
    assert account is not None
    return account.contact.first_name, account.contact.last_name, account.contact.email


# -- every rule of a store


class _Informed:
    """A store beside an SIS that writes what was applied into its own table, as an SIS knows it before we do."""

    def __init__(self, school: School) -> None:
        self._store = school.joined()
        self._school = school
        self._writing = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def apply(self, changes: Sequence[Change]) -> Sequence[ApplyResult]:
        """Apply, and write the names into the host's table."""
        results: Sequence[ApplyResult] = self._store.apply(changes)
        applied = [
            change.new.contact
            for change, result in zip(changes, results, strict=True)
            if result == ApplyResult.APPLIED and change.new.erased_at is None
        ]
        with self._writing:
            self._school.write(applied)
        return results


_SAMPLE = ("sqlalchemy", "postgresql")
"""Of which every run tries the whole contract."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(pair, id="-".join(pair), marks=[] if pair == _SAMPLE else [pytest.mark.whole])
        for pair in product(WAYS, DATABASES)
    ],
)
def joined(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Backend]]:
    """A way, and a database of its own."""
    way, database = request.param
    with new_backend(database, tmp_path_factory.mktemp("joined")) as backend:
        yield way, backend


class TestJoinedStore(AccountStoreContract):
    """The store's contract, with every name read from the host's table."""

    @pytest.fixture
    def store(self, joined: tuple[str, Backend]) -> Iterator[_Informed]:
        """A store that is empty to its tenant, beside a table that is empty."""
        way, backend = joined
        with _school(backend, way) as school:
            school.create()
            yield _Informed(school)

    def test_every_field_of_an_account_comes_back(self, store: Any) -> None:
        """The same, but for the address: of an erased account, whose names are not the host's, our table has none."""
        account = attrs.evolve(_account("1"), is_active=False, last_sign_in_at=NOW, erased_at=NOW, name_changed_at=NOW)
        add(store, account)
        assert store.find(account.contact_id) == account


# -- names


def test_names_are_the_hosts_at_once(school: School) -> None:
    """R20: from the next call on, by every way to an account; what our table noted is for sorting only."""
    school.create()
    school.insert(("1", "Rosa", "Noted", "old@example.org"), ("2", "Pat", "Other", None))
    store = school.joined()
    add(store, _account("1"), _account("2"))
    school.execute(f"UPDATE {school.table} SET first_name = 'Rose', last_name = 'New', email = 'new@example.org'")
    expected = ("Rose", "New", "new@example.org")
    assert _names(store.find(ContactId("1"))) == expected
    assert _names(store.find_by_username("user-1")) == expected
    assert [_names(account) for account in store.find_many([ContactId("1"), ContactId("2")]).values()] == [expected] * 2
    assert [_names(account) for account in store.search(AccountQuery(now=NOW)).accounts] == [expected] * 2
    assert school.noted() == [("1", "Rosa", "Noted", None), ("2", "Rosa", "Noted", None)]


def test_addresses_are_kept_out_of_our_table(school: School) -> None:
    """R20: what is the host's and of no use here is not copied, by adding, changing or noting."""
    school.create()
    school.insert(("1", "Rosa", "Noted", "rosa@example.org"))
    store = school.joined()
    account = an_account("1", "rosa", last_name="Noted")
    assert account.contact.email is not None
    add(store, account)
    step(store, account, issued(account))
    school.rename("1", "New")
    assert store.note_names() == 1
    assert school.noted() == [("1", "Rosa", "New", None)]
    assert _names(store.find(ContactId("1"))) == ("Rosa", "New", "rosa@example.org")
    without = school.joined(columns=None)
    assert _names(without.find(ContactId("1"))) == ("Rosa", "New", None)


def test_a_contact_that_left_keeps_the_names_last_noted(school: School) -> None:
    """R20: whom the host has no more is neither disabled nor nameless; who was never there has the names as added."""
    school.create()
    school.insert(("1", "Rosa", "Noted", "rosa@example.org"))
    store = school.joined()
    add(store, _account("1"), _account("2", "Never"))
    school.rename("1", "Married")
    store.note_names()
    school.execute(f"DELETE FROM {school.table}")
    found = store.find(ContactId("1"))
    assert _names(found) == ("Rosa", "Married", None)
    assert found.is_active
    assert _names(store.find(ContactId("2"))) == ("Rosa", "Never", None)
    assert store.note_names() == 0
    assert [account.contact_id for account in store.search(AccountQuery(now=NOW)).accounts] == ["1", "2"]
    assert step(store, found, issued(found)).contact == found.contact


def test_an_erased_contact_has_no_names_though_the_host_has_them(school: School) -> None:
    """R20: erasing is of what we keep and show; a sync that restores brings the host's names back."""
    school.create()
    school.insert(("1", "Rosa", "Noted", "rosa@example.org"))
    store = school.joined()
    account = _account("1")
    add(store, account)
    erased = step(store, account, account.erase(erased_at=NOW))
    assert erased == account.erase(erased_at=NOW)
    assert store.note_names() == 0
    assert school.noted() == [("1", None, None, None)]
    restored = step(store, erased, erased.restore(account.contact, "rosa"))
    assert _names(restored) == ("Rosa", "Noted", "rosa@example.org")


@contextmanager
def _portal(store: Any) -> Iterator[Portal]:
    # The very clock by which the store says when it saw a name change.
    clock: Any = utc_now
    with cheap_hasher() as hasher:
        yield Portal(store, MemoryAttemptCounter(clock=clock), clock, hasher)


def test_defaults_are_made_of_the_hosts_names(school: School) -> None:
    """R5, R11, R20: the default is that of the name that the host has when it is set; the old one goes on working."""
    school.create()
    school.insert(("1", "Rosa", "Abbiatici", None))
    store = school.joined()
    with _portal(store) as portal:
        contact = Contact(contact_id=ContactId("1"), first_name="Rosa", last_name="Abbiatici")
        portal.accounts.sync_contacts([contact], OFFICE, usernames={"1": "rosa"})
        assert portal.resets.reset_password("1", OFFICE).outcome == ResetOutcome.SET
        school.rename("1", "Neumann")
        # Nothing was noted yet, and the grid tells all the same.
        assert portal.account("1").has_default_of_old_name
        (record,) = portal.accounts.search(OFFICE).to_records(utc_now())
        assert (record["last_name"], record["warning"]) == ("Neumann", "default_of_old_name")
        assert "default_of_old_name" in portal.resets.plan(["1"], OFFICE).items[0].warnings
        assert store.note_names() == 1
        assert portal.account("1").has_default_of_old_name
        assert isinstance(portal.sign_ins.sign_in("rosa", "AbbiaticiR"), PasswordChangeRequired)
        # The name is changed again between the plan and OK.
        plan = portal.resets.plan(["1"], OFFICE)
        school.rename("1", "Olsen")
        (result,) = portal.resets.apply(plan.confirm(OFFICE))
        assert (result.outcome, "name_changed" in result.warnings) == (ResetOutcome.SET, True)
        assert not portal.account("1").has_default_of_old_name
        assert school.noted()[0][2] == "Olsen"
        for old in ("AbbiaticiR", "NeumannR"):
            assert isinstance(portal.sign_ins.sign_in("rosa", old), SignInDenied)
        demanded = portal.sign_ins.sign_in("rosa", "OlsenR")
        assert isinstance(demanded, PasswordChangeRequired)
        # What is derived from the host's name is no password to choose (R19).
        school.rename("1", "Wintergardens Petersen")
        refused = portal.sign_ins.complete_change(demanded.ticket, "Wintergardens PetersenR")
        assert isinstance(refused, PasswordRefused)
        assert isinstance(portal.sign_ins.complete_change(demanded.ticket, GOOD_PASSWORD), PasswordChanged)


def test_many_defaults_are_made_of_the_hosts_names(school: School) -> None:
    """R12, R20: in bulk too, of names that nobody noted."""
    school.create()
    rows = [(f"{number:03}", "Kim", f"Parent{number:03}", None) for number in range(60)]
    school.insert(*rows)
    store = school.joined()
    add(store, *(_account(row[0], "Old") for row in rows))
    with _portal(store) as portal:
        plan = portal.resets.plan([row[0] for row in rows], OFFICE, reveal=True)
        results = list(portal.resets.apply(plan.confirm(OFFICE)))
        assert {result.outcome for result in results} == {ResetOutcome.SET}
        assert [result.secret.reveal() for result in results if result.secret] == [f"{row[2]}K" for row in rows]
        for account in store.find_many([ContactId(row[0]) for row in rows]).values():
            assert not account.has_default_of_old_name
            assert default_password(account.contact).reveal() == f"Parent{account.contact_id}K"


def test_a_sync_beside_the_hosts_contacts(school: School) -> None:
    """R20: a sync is how accounts are added; what it says of names is noted, and the host's are shown all the same."""
    school.create()
    school.insert(("1", "Rosa", "Abbiatici", None), ("2", "Pat", "O'Brien", None))
    store = school.joined()
    with _portal(store) as portal:
        contacts = [
            Contact(contact_id=ContactId(row[0]), first_name=row[1], last_name=row[2])
            for row in school.execute(f"SELECT * FROM {school.table} ORDER BY contact_id")
        ]

        def synced() -> list[SyncAction]:
            return [
                item.action for item in portal.accounts.sync_contacts(contacts, OFFICE, usernames=lambda c: c.last_name)
            ]

        assert synced() == [SyncAction.ADD] * 2
        assert synced() == [SyncAction.UNCHANGED] * 2
        version = portal.account("1").version
        # The extract is older than the host's table: nothing of it is shown.
        school.rename("1", "Neumann")
        assert synced() == [SyncAction.REFRESH, SyncAction.UNCHANGED]
        assert portal.account("1").version == version + 1
        assert _names(portal.account("1"))[:2] == ("Rosa", "Neumann")
        portal.accounts.erase("2", OFFICE)
        report = portal.accounts.sync_contacts(contacts[1:], OFFICE, restore_erased=True)
        assert [item.action for item in report] == [SyncAction.RESTORE]
        assert _names(portal.account("2"))[:2] == ("Pat", "O'Brien")


# -- noting names, and the grid


def test_noting_names_is_for_order_and_prefixes(school: School) -> None:
    """R20: the grid is in the order that was noted; each noting is one step of the account, with its event."""
    school.create()
    school.insert(*((str(number), "Kim", name, None) for number, name in enumerate(("Abel", "Berg", "Cole"))))
    store = school.joined()
    accounts = [_account(str(number), name) for number, name in enumerate(("Abel", "Berg", "Cole"))]
    add(store, *accounts)
    assert store.note_names() == 3  # The first name differs.
    school.rename("0", "Zimmer")

    def listed(**filters: Any) -> list[tuple[str, str | None]]:
        page = store.search(AccountQuery(now=NOW, **filters))
        assert store.count(AccountQuery(now=NOW, **filters)) == len(page.accounts)
        return [(account.contact_id, account.contact.last_name) for account in page.accounts]

    assert listed() == [("0", "Zimmer"), ("1", "Berg"), ("2", "Cole")]
    assert listed(last_name_prefix="abel") == [("0", "Zimmer")]
    assert listed(last_name_prefix="zim") == []
    before = store.find(ContactId("0"))
    recorded = len(store.events())
    assert store.note_names() == 1
    assert store.note_names() == 0
    assert listed() == [("1", "Berg"), ("2", "Cole"), ("0", "Zimmer")]
    assert listed(last_name_prefix="zim") == [("0", "Zimmer")]
    after = store.find(ContactId("0"))
    assert (after.version, after.credential) == (before.version + 1, before.credential)
    (event,) = store.events()[recorded:]
    assert (event.kind, event.contact_id) == (AuditKind.ACCOUNT_REFRESHED, "0")


def test_noting_many_names(school: School) -> None:
    """R20: however many there are, by their ids and not by pages that the noting itself would move."""
    school.create()
    count = 603
    rows = [(f"{number:04}", "Kim", f"New{count - number:04}", None) for number in range(0, count, 2)]
    school.insert(*rows)
    store = school.joined()
    add(store, *(_account(f"{number:04}", f"Old{number:04}") for number in range(count)))
    assert store.note_names() == len(rows)
    assert store.note_names() == 0
    assert [row[2] for row in school.noted()[::2]] == [row[2] for row in rows]
    # A long page asks the host for as many contacts.
    assert len(store.search(AccountQuery(now=NOW, limit=1000)).accounts) == count


def test_noting_names_while_accounts_change(school: School) -> None:
    """R3: noting is compare-and-set like all else: whom somebody else wrote meanwhile is left for the next time."""
    school.create()
    school.insert(("1", "Rosa", "New", None), ("2", "Rosa", "New", None))
    store, other = school.joined(), school.joined()
    first, second = _account("1"), _account("2")
    add(store, first, second)
    apply = store.apply

    def late(changes: Sequence[Change]) -> Sequence[ApplyResult]:
        if changes:
            assert list(other.apply([Change(old=first, new=first.disable())])) == [ApplyResult.APPLIED]
            store.apply = apply
        return apply(changes)  # type: ignore[no-any-return]

    store.apply = late
    assert store.note_names() == 1
    assert not store.find(ContactId("1")).is_active
    assert store.note_names() == 1


def _stale_school(school: School) -> tuple[Any, list[str]]:
    """Return a store of twelve accounts whose last names all changed since, backwards, and their ids in noted order."""
    school.create()
    letters = "abcdefghijkl"
    school.insert(*((f"{number:02}", "Kim", f"{letters[-1 - number]}-now", None) for number in range(12)))
    store = school.joined()
    add(store, *(_account(f"{number:02}", f"{letters[number]}-noted") for number in range(12)))
    return store, [f"{number:02}" for number in range(12)]


def test_pages_with_stale_names_have_no_repeats_and_no_gaps(school: School) -> None:
    """R20: a page begins where the last one ended in the noted order, whatever that contact is called by now."""
    store, expected = _stale_school(school)
    for limit in (1, 5, 11, 12):
        assert _turned(lambda after: store.search(AccountQuery(now=NOW, limit=limit, after=after))) == expected  # noqa: B023


def _turned(search: Callable[[str | None], AccountPage]) -> list[str]:
    turned: list[str] = []
    after = None
    while True:
        page = search(after)
        turned += [account.contact_id for account in page.accounts]
        after = page.next
        # A page that begins before its place would be turned over for ever.
        if after is None or len(turned) > 99:
            return turned


def test_the_services_pages_with_stale_names(school: School) -> None:
    """R16, R20: the same through the service, which leaves out whom the operator may not see."""
    store, everybody = _stale_school(school)
    hidden: set[str] = set()

    def authorizer(_operator: Operator, _privilege: Privilege, accounts: Sequence[Account]) -> list[bool]:
        return [account.contact_id not in hidden for account in accounts]

    service = AccountService(store, authorizer=authorizer, throttle=Throttle(MemoryAttemptCounter()))
    for number in (None, "03", "04", "05", "11"):
        hidden |= {number} if number else set()
        expected = [contact_id for contact_id in everybody if contact_id not in hidden]
        assert _turned(lambda after: service.search(OFFICE, limit=3, after=after)) == expected


# -- the host's table as it is


def test_whole_numbers_as_ids(school: School) -> None:
    """R20: a number is known by its digits; what is no number, or is written in another way, is no contact."""
    school.create("id BIGINT, first_name VARCHAR(9), last_name VARCHAR(9), email VARCHAR(9)")
    school.insert((7, "Rosa", "Seven", None), (-2, "Rosa", "Minus", None), (10**17, "Rosa", "Large", None))
    columns = Columns(contact_id="id", contact_id_type="integer")
    store = school.joined(columns=columns)
    ids = ("7", "-2", str(10**17), "007", "7.0", "+7", " 7x", "٧", "-0", "1" * 30, "x")
    add(store, *(_account(contact_id.strip()) for contact_id in ids))
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
            _names(school.store(contacts=reflected, columns=Columns(contact_id="id")).find(ContactId("7")))[1]
            == "Seven"
        )


def test_ids_of_another_type_than_was_said(school: School) -> None:
    """R20: found at construction, with the mend: PostgreSQL would refuse every look-up, and MariaDB find too much."""
    school.create("contact_id BIGINT, first_name VARCHAR(9), last_name VARCHAR(9), email VARCHAR(9)")
    school.insert((7, "Rosa", "Seven", None))
    with pytest.raises(ConfigurationError, match='pass contact_id_type="integer"'):
        school.joined()
    school.execute(f"DROP TABLE {school.table}")
    school.create()
    school.insert(("7", "Rosa", "Seven", None))
    with pytest.raises(ConfigurationError, match='pass contact_id_type="text"'):
        school.joined(columns=Columns(contact_id_type="integer"))


@pytest.mark.parametrize("kind", ["DECIMAL(9, 1)", "CHAR(9)"])
def test_ids_that_are_no_plain_text(school: School, kind: str) -> None:
    """R20: found at construction too: a number with a point, and a text that is filled up with blanks."""
    school.create(f"contact_id {kind}, first_name VARCHAR(9), last_name VARCHAR(9), email VARCHAR(9)")
    school.insert(("7", "Rosa", "Seven", None))
    if (kind, school.backend.database) in {("CHAR(9)", "sqlite"), ("CHAR(9)", "mariadb")}:
        add(school.joined(), _account("7"))  # Neither fills up.
        assert _names(school.joined().find(ContactId("7")))[1] == "Seven"
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
    columns = Columns(contact_id=names[0], first_name=names[1], last_name=names[2], email=names[3])
    store = school.joined(columns=columns)
    add(store, _account("1"))
    assert _names(store.find(ContactId("1"))) == ("Rosa", "Abbiatici", "rosa")
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
    add(store, *(_account(contact_id, username=f"user-{number}") for number, contact_id in enumerate(ids)))
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
    add(whole, *(_account(contact_id, username=f"user-{number}") for number, contact_id in enumerate(ids)))
    scoped = school.store(scope=f"SELECT contact_id FROM {school.table}")
    assert list(scoped.find_many(ids)) == ["A1"]
    assert scoped.count(AccountQuery(now=NOW)) == 1


@pytest.mark.parametrize(
    "collation", ["latin1 COLLATE latin1_swedish_ci", "utf8mb3 COLLATE utf8mb3_unicode_ci", "ascii COLLATE ascii_bin"]
)
@_ONLY_MARIADB
def test_a_host_of_another_character_set(school: School, collation: str) -> None:
    """R20: MariaDB compares texts of different character sets, or refuses with an illegal mix of collations."""
    kind = f"VARCHAR(99) CHARACTER SET {collation}"
    school.create(f"contact_id {kind} PRIMARY KEY, first_name {kind}, last_name {kind}, email {kind}")
    school.insert(("a1", "Rosa", "Host", None))
    school.insert(("b1", "Rosa", "Host", None))
    store = school.joined()
    add(store, _account("a1"), _account("A1", username="other"), _account("b1"))
    assert store.find(ContactId("a1")).contact.last_name == "Host"
    assert store.note_names() == 2
    scoped = school.joined(scope=f"SELECT contact_id FROM {school.table} WHERE contact_id LIKE 'a%'")
    assert list(scoped.find_many([ContactId("a1"), ContactId("A1"), ContactId("b1")])) == ["a1"]
    found = scoped.find(ContactId("a1"))
    assert step(scoped, found, issued(found)).contact.last_name == "Host"
    assert list(scoped.apply([Change(old=None, new=_account("c1"))])) == [ApplyResult.STALE]


@_ONLY_POSTGRESQL
def test_a_host_of_another_collation(school: School) -> None:
    """R20: PostgreSQL could not determine which collation to use for two columns that each have one of their own."""
    kind = 'TEXT COLLATE "en-x-icu"'
    school.create(f"contact_id {kind}, first_name {kind}, last_name {kind}, email {kind}")
    school.insert(("a1", "Rosa", "Host", None))
    store = school.joined(scope=f"SELECT contact_id FROM {school.table}")
    add(store, _account("a1"))
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
    add(store, _account("1"), _account("2"))
    assert store.find(ContactId("1")).contact.last_name == "Same"
    school.insert(("1", "Rosa", "Canary", None))
    with pytest.raises(StoreError) as caught:
        store.find(ContactId("1"))
    assert "'1'" in str(caught.value)
    assert "Canary" not in str(caught.value)
    assert store.find(ContactId("2")).contact.last_name == "Same"
    with _portal(store) as portal:
        plan = portal.resets.plan(["1", "2"], OFFICE)
        results = list(portal.resets.apply(plan.confirm(OFFICE)))
        assert [result.outcome for result in results] == [ResetOutcome.CANNOT, ResetOutcome.SET]
    school.execute(f"DROP VIEW {view}")


def test_a_name_that_no_contact_can_have(school: School) -> None:
    """R14, R20: a name that is too long is told of by the contact's id."""
    text = {"mariadb": "TEXT"}.get(school.backend.database, "TEXT")
    school.create(f"contact_id VARCHAR(99), first_name {text}, last_name {text}, email {text}")
    school.insert(("1", "Canary" * 60, "Same", None))
    store = school.joined()
    add(store, _account("1"))
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
            "contacts": school.table,
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
        with _portal(store) as portal:
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
    ours = ["portal_accounts", "portal_audit_events", "portal_attempts"]
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


# -- what may stand for the host's contacts


class _Base(DeclarativeBase):
    """The host's own classes."""


class _House(_Base):
    __tablename__ = "houses"
    id: Mapped[int] = mapped_column(primary_key=True)


class _Person(_Base):
    __tablename__ = "Persons"
    key: Mapped[int] = mapped_column("PersonID", primary_key=True)
    kind: Mapped[str] = mapped_column(sqlalchemy.String(9))
    given: Mapped[str] = mapped_column("Given Name", sqlalchemy.String(40))
    house_id: Mapped[int | None] = mapped_column(sqlalchemy.ForeignKey("houses.id"))
    house: Mapped[_House | None] = relationship()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}  # noqa: RUF012

    @property
    def nickname(self) -> str:
        """Said by Python alone."""
        return self.given


class _Guardian(_Person):
    __tablename__ = "Guardians"
    number: Mapped[str] = mapped_column(sqlalchemy.String(20), unique=True)
    family: Mapped[str] = mapped_column(sqlalchemy.String(40))
    school: Mapped[str] = mapped_column("SchoolID", sqlalchemy.String(40))
    person_id: Mapped[int] = mapped_column(sqlalchemy.ForeignKey("Persons.PersonID"), primary_key=True)
    __mapper_args__ = {"polymorphic_identity": "guardian"}  # noqa: RUF012


@pytest.fixture
def guardians(alchemist: School) -> Iterator[School]:
    """Return a host with classes, one of which has its names in two tables."""
    _Base.metadata.create_all(alchemist.engine)
    with Session(alchemist.engine) as session:
        for number, (name, school) in enumerate((("Abel", "North"), ("Berg", "North"), ("Cole", "South 50%"))):
            session.add(_Guardian(key=number + 100, given="Kim", number=f"g{number}", family=name, school=school))
        session.commit()
    yield alchemist
    _Base.metadata.drop_all(alchemist.engine)


_GUARDIAN = Columns(contact_id="number", first_name="given", last_name="family")

_SOURCES: dict[str, Callable[[School], tuple[Any, Columns | None]]] = {
    "a mapped class": lambda school: (_Guardian, _GUARDIAN),
    "an alias of it": lambda school: (sqlalchemy.orm.aliased(_Guardian), _GUARDIAN),
    "a select of it": lambda school: (
        sqlalchemy.select(
            _Guardian.number.label("contact_id"),
            _Guardian.given.label("first_name"),
            _Guardian.family.label("last_name"),
        ).where(_Guardian.school.in_(["North", "South 50%"]), _Guardian.given.like("%m")),
        None,
    ),
    "a union": lambda school: (
        sqlalchemy.union_all(
            *(
                sqlalchemy.select(
                    _Guardian.number.label("contact_id"),
                    _Guardian.given.label("first_name"),
                    _Guardian.family.label("last_name"),
                ).where(condition)
                for condition in (_Guardian.school == "North", _Guardian.school != "North")
            )
        ),
        None,
    ),
    "a table": lambda school: (_reflected_view(school), None),
    "a subquery": lambda school: (sqlalchemy.select(_reflected_view(school)).subquery(), None),
    "the name of a view": lambda school: (school.table, None),
    "a name with its schema": lambda school: (_qualified(school), None),
    "the text of a select": lambda school: (
        f"SELECT contact_id, first_name, last_name FROM {school.table} WHERE first_name LIKE '%m' AND last_name <> ':x'"
        " ORDER BY 1",
        None,
    ),
}


def _reflected_view(school: School) -> sqlalchemy.Table:
    return sqlalchemy.Table(school.table, sqlalchemy.MetaData(), autoload_with=school.engine)


def _qualified(school: School) -> str:
    return f"main.{school.table}" if school.backend.database == "sqlite" else f"{school.backend.place}.{school.table}"


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
    add(store, *(_account(f"g{number}") for number in range(4)))
    found = store.search(AccountQuery(now=NOW)).accounts
    assert [_names(account)[:2] for account in found] == [
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
    store = school.store(contacts=source.format(table=school.table, qualified=_qualified(school)))
    add(store, _account("1"))
    assert store.find(ContactId("1")).contact.last_name == "Host"


# -- what is wrong is said at construction


def test_missing_columns_are_one_error(school: School) -> None:
    """R20, R23: all that are missing, in one error, before anything else is done."""
    school.create("contact_id VARCHAR(9), given VARCHAR(9), last_name VARCHAR(9)")
    with pytest.raises(ConfigurationError, match=r"have no column first_name, email$"):
        school.joined()
    with pytest.raises(ConfigurationError, match=r"have no column 0$"):
        school.joined(columns=Columns(first_name="given", email="0"))
    if school.way == "sqlalchemy":
        for contacts in (_reflected_view(school), sqlalchemy.select(_reflected_view(school))):
            with pytest.raises(ConfigurationError, match=r"have no column first_name, email$"):
                school.store(contacts=contacts, columns=Columns(email="email"))
    assert school.joined(columns=Columns(first_name="given")).find(ContactId("1")) is None


def test_contacts_that_cannot_be_read(school: School) -> None:
    """R20, R23: a name that names nothing, and what is no select, is one error with the mend."""
    for contacts in ("nowhere", "a.b.c.d", "SELECT 1 FROM", "x; DROP TABLE portal_accounts", "é' \" ` %s"):
        with pytest.raises(
            ConfigurationError, match=r"^contacts: name a table, a view or a select that this connection"
        ):
            school.store(contacts=contacts)
    assert school.store().find(ContactId("1")) is None


def test_columns_without_contacts(school: School) -> None:
    """R23: whose columns they are must be said."""
    with pytest.raises(ConfigurationError, match=r"^contacts: "):
        school.store(columns=Columns())


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        (Columns(contact_id="house", first_name="given", last_name="family"), "house"),
        (Columns(contact_id="number", first_name="nickname", last_name="family"), "nickname"),
        (Columns(contact_id="number", first_name="nickname", last_name="nowhere"), "nickname, nowhere"),
    ],
    ids=["a relationship", "a property", "nothing"],
)
def test_attributes_that_are_no_columns(guardians: School, columns: Columns, missing: str) -> None:
    """R23: what a class has besides columns cannot be selected, and is told of by its name."""
    with pytest.raises(ConfigurationError, match=f"have no column {missing}$"):
        guardians.store(contacts=_Guardian, columns=columns)


class _Reversed(sqlalchemy.types.TypeDecorator[str]):
    """A type of the host's that has another text in the database than in Python, as one that encrypts."""

    impl = sqlalchemy.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else value[::-1]

    def process_result_value(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else value[::-1]


class _Kind(StrEnum):
    """A host's enumeration, which SQLAlchemy stores by its names."""

    NORTH = "the north"
    SOUTH = "the south"


def test_types_that_convert_in_python_are_refused(alchemist: School) -> None:
    """R20: rows are the driver's own, so that a default would be made of the encrypted name, and of no other."""
    table = sqlalchemy.Table(
        alchemist.table,
        sqlalchemy.MetaData(),
        sqlalchemy.Column("contact_id", sqlalchemy.Uuid()),
        sqlalchemy.Column("first_name", _Reversed(40)),
        sqlalchemy.Column("last_name", sqlalchemy.Enum(_Kind)),
    )
    table.create(alchemist.engine)
    key = uuid4()
    with alchemist.engine.begin() as connection:
        row = {"contact_id": key, "first_name": "Rosa", "last_name": _Kind.NORTH}
        connection.execute(table.insert().values(row))
    with pytest.raises(ConfigurationError, match="that of contact_id, first_name, last_name makes something else"):
        alchemist.store(contacts=table)
    mended = sqlalchemy.select(
        sqlalchemy.cast(table.c.contact_id, sqlalchemy.String(40)).label("contact_id"),
        sqlalchemy.literal("Rosa").label("first_name"),
        sqlalchemy.cast(table.c.last_name, sqlalchemy.String(40)).label("last_name"),
    )
    store = alchemist.store(contacts=mended)
    ((contact_id,),) = alchemist.execute(f"SELECT CAST(contact_id AS CHAR(40)) FROM {alchemist.table}")
    contact_id = contact_id.strip()
    assert contact_id in (str(key), key.hex)
    add(store, _account(contact_id))
    assert _names(store.find(ContactId(contact_id)))[:2] == ("Rosa", "NORTH")
    table.drop(alchemist.engine)


def test_ids_of_no_known_type(alchemist: School) -> None:
    """R20: of what is written by hand SQLAlchemy knows no type, and what was said of the ids holds."""
    alchemist.create("id BIGINT, first_name VARCHAR(9), last_name VARCHAR(9)")
    alchemist.insert((7, "Rosa", "Seven"))
    named = (("id", "contact_id"), ("first_name", "first_name"), ("last_name", "last_name"))
    columns: list[sqlalchemy.Label[Any]] = [sqlalchemy.literal_column(name).label(label) for name, label in named]
    contacts = sqlalchemy.select(*columns).select_from(sqlalchemy.table(alchemist.table))
    store = alchemist.store(contacts=contacts, columns=Columns(contact_id_type="integer"))
    add(store, _account("7"))
    assert store.find(ContactId("7")).contact.last_name == "Seven"
    with pytest.raises(ConfigurationError, match='pass contact_id_type="integer"'):
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
        return SQLAlchemyAccountStore(sqlalchemy.create_engine(school.engine.url, creator=connect), **arguments)

    for argument, text in (("contacts", school.table), ("scope", "SELECT 'x'")):
        with pytest.raises(StoreUnavailableError):
            opened(**{argument: text})


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
                return SQLAlchemyAccountStore(connection, tenant=school.tenant, contacts=school.table, **arguments)
        else:
            raw = stack.enter_context(closing(school.backend.connect()))
            if not begun:
                _commit_by_itself(raw)

            def execute(sql: str) -> object:
                return raw.cursor().execute(sql)

            def borrowed(**arguments: Any) -> Any:
                dialect = school.backend.database
                tenant, contacts = school.tenant, school.table
                return BorrowedDBAPIAccountStore(
                    raw.cursor, dialect=dialect, tenant=tenant, contacts=contacts, **arguments
                )

        if begun:
            execute(f"UPDATE {school.table} SET last_name = 'Uncommitted'")
        with pytest.raises(ConfigurationError, match=r"no column email$"):
            borrowed(columns=Columns(email="email"))
        with pytest.raises(ConfigurationError, match=r"^scope: "):
            borrowed(scope="SELECT nothing FROM nowhere")
        store = borrowed(scope=f"SELECT contact_id FROM {school.table}")
        assert store.find(ContactId("1")) is None
        if begun:
            add(store, _account("1"))
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


# -- the scope


def _two_schools(school: School) -> tuple[list[Account], Any]:
    """Return two accounts of each of two schools, and a store without a scope."""
    school.create(f"contact_id {_TEXT[school.backend.database]}, school VARCHAR(20)")
    school.insert(("n1", "North"), ("n2", "North"), ("s1", "South 50%"), ("s2", "South 50%"), (None, None))
    whole = school.store()
    accounts = [_account(contact_id) for contact_id in ("n1", "n2", "s1", "s2")]
    add(whole, *accounts)
    whole.record([an_event(account.contact_id) for account in accounts])
    return accounts, whole


def _scope(school: School, name: str) -> dict[str, Any]:
    """Return the arguments that open a store for one school."""
    if school.way == "sqlalchemy":
        table = sqlalchemy.table(school.table, sqlalchemy.column("contact_id"), sqlalchemy.column("school"))
        return {"scope": sqlalchemy.select(table.c.contact_id).where(table.c.school == name)}
    scope = f"SELECT contact_id FROM {school.table} WHERE school = :school"
    return {"scope": scope, "scope_parameters": {"school": name}}


def test_beyond_the_scope_there_is_nothing(school: School) -> None:
    """R16: what is not of this school is neither found nor counted, listed, changed, added or told of."""
    (n1, n2, s1, _), whole = _two_schools(school)
    north = school.store(**_scope(school, "North"))
    assert [north.find(account.contact_id) for account in (n1, s1)] == [n1, None]
    assert [north.find_by_username(f"user-{contact_id}") for contact_id in ("n2", "s1")] == [n2, None]
    assert [north.find_epoch(contact_id) for contact_id in ("n1", "s1")] == [0, None]
    assert list(north.find_many([ContactId(key) for key in ("s1", "n2", "n1", "s2", "x")])) == ["n2", "n1"]
    for query in (AccountQuery(now=NOW), AccountQuery(now=NOW, username_prefix="user")):
        assert list(north.search(query).accounts) == [n1, n2]
        assert north.count(query) == 2
    assert [event.contact_id for event in north.events()] == ["n1", "n2"]
    assert north.events("s1") == ()
    changes = [Change(old=account, new=issued(account), events=(an_event(account.contact_id),)) for account in (s1, n1)]
    assert list(north.apply(changes)) == [ApplyResult.STALE, ApplyResult.APPLIED]
    assert whole.find(s1.contact_id) == s1
    assert [event.contact_id for event in whole.events()] == ["n1", "n2", "s1", "s2", "n1"]


def test_nobody_is_added_beyond_the_scope(school: School) -> None:
    """R16: neither whom another school has nor whom nobody has; whom the host adds can be added at once."""
    _two_schools(school)
    north = school.store(**_scope(school, "North"))
    changes = [Change(old=None, new=_account(contact_id, username=contact_id)) for contact_id in ("s1", "s3", "n3")]
    assert list(north.apply(changes)) == [ApplyResult.STALE] * 3
    school.insert(("n3", "North"), ("s3", "South 50%"))
    assert list(north.apply(changes)) == [ApplyResult.STALE, ApplyResult.STALE, ApplyResult.APPLIED]
    assert north.find(ContactId("n3")) == changes[2].new


def test_user_names_are_unique_across_scopes(school: School) -> None:
    """R16, R18: a user name of another school's is taken, though its owner is not to be seen."""
    (n1, _, _, s2), whole = _two_schools(school)
    north = school.store(**_scope(school, "North"))
    school.insert(("n3", "North"))
    taken = [Change(old=n1, new=n1.rename("USER-S1")), Change(old=None, new=_account("n3", username="User-s2"))]
    assert list(north.apply(taken)) == [ApplyResult.USERNAME_TAKEN] * 2
    step(whole, s2, s2.rename(None))
    assert list(north.apply(taken)) == [ApplyResult.USERNAME_TAKEN, ApplyResult.APPLIED]


def test_tenant_and_scope_hold_together(school: School) -> None:
    """R16: a scope takes away from a tenant's accounts, and adds nobody else's."""
    _two_schools(school)
    other = school.store(**_scope(school, "North"), tenant=uuid4().hex)
    assert other.count(AccountQuery(now=NOW)) == 0
    assert other.events() == ()
    account = _account("n1", username="user-s1")
    add(other, account)
    assert step(other, account, issued(account)) == issued(account)
    assert school.store(**_scope(school, "North")).find(ContactId("n1")) == _account("n1")


def test_a_scope_beside_the_hosts_contacts(school: School) -> None:
    """R16, R20: both at once; noting names leaves other schools be."""
    school.create()
    school.insert(*((contact_id, "Rosa", "Host", school_of) for contact_id, school_of in (("n1", "N"), ("s1", "S"))))
    whole = school.joined()
    add(whole, _account("n1"), _account("s1"))
    north = school.joined(scope=f"SELECT contact_id FROM {school.table} WHERE email = 'N'")
    assert _names(north.find(ContactId("n1")))[:2] == ("Rosa", "Host")
    assert north.find(ContactId("s1")) is None
    assert north.note_names() == 1
    assert [row[2] for row in school.noted()] == ["Host", "Noted"]


def test_a_scope_moves_with_the_host(school: School) -> None:
    """R16: who changes school between two calls changes scope."""
    (n1, *_), _whole = _two_schools(school)
    north = school.store(**_scope(school, "North"))
    assert north.find(n1.contact_id) == n1
    school.execute(f"UPDATE {school.table} SET school = 'South' WHERE contact_id = 'n1'")
    assert list(north.apply([Change(old=n1, new=issued(n1))])) == [ApplyResult.STALE]
    assert north.find(n1.contact_id) is None


_OURS = (
    "tenant",
    "contact_id",
    "value",
    "id0",
    "limit",
    "position",
    "tie",
    "key_low",
    "state",
    "old_version",
    "after",
    "event_id",
)


def test_parameters_of_a_scope_with_the_names_of_ours(school: School) -> None:
    """R16: they are the scope's own, whatever they are called."""
    (n1, n2, _, _), _whole = _two_schools(school)
    if school.way == "sqlalchemy":
        table = sqlalchemy.table(school.table, sqlalchemy.column("contact_id"), sqlalchemy.column("school"))
        listed = [sqlalchemy.bindparam(name, "North", type_=sqlalchemy.String) for name in _OURS]
        arguments: dict[str, Any] = {"scope": sqlalchemy.select(table.c.contact_id).where(table.c.school.in_(listed))}
    else:
        listed_here = ", ".join(f":{name}" for name in _OURS)
        arguments = {
            "scope": f"SELECT contact_id FROM {school.table} WHERE school IN ({listed_here})",
            "scope_parameters": dict.fromkeys(_OURS, "North"),
        }
    north = school.store(**arguments)
    query = AccountQuery(now=NOW, limit=1)
    first = north.search(query)
    assert first.accounts == (n1,)
    assert north.search(attrs.evolve(query, after=first.next)).accounts == (n2,)
    assert list(north.find_many([n1.contact_id, ContactId("s1")])) == ["n1"]
    assert step(north, n1, issued(n1)) == issued(n1)


_SCOPES = (
    ("school LIKE 'South 50%'", 2),
    ("school LIKE '%:school%' OR school = '%s' OR school = '%(a)' OR school = ':tenant'", 0),
    ("school <> ':nobody' AND school NOT LIKE '%%%' || ':'", 4),
    ("contact_id NOT IN (SELECT contact_id FROM {table} WHERE school = 'South 50%')", 2),
    ("contact_id NOT IN (SELECT contact_id FROM {table} WHERE school IS NULL)", 0),
    ("contact_id IS NULL", 0),
    ("1 = 0", 0),
    ("school = 'North' UNION SELECT contact_id FROM {table} WHERE contact_id = 's2'", 3),
    ("school = 'North' ORDER BY contact_id", 2),
)
"""Conditions of scopes, and how many of the two schools are in them."""


def test_the_text_of_a_scope(school: School) -> None:
    """R16: percent signs, colons and what reads like a parameter stay text; a NULL in NOT IN leaves nobody in scope."""
    _two_schools(school)
    for condition, found in _SCOPES:
        if school.backend.database == "mariadb":
            condition = condition.replace("'%%%' || ':'", "CONCAT('%%%', ':')")
        scope = f"SELECT contact_id FROM {school.table} WHERE {condition}".replace("{table}", school.table)
        store = school.store(scope=scope)
        assert store.count(AccountQuery(now=NOW)) == found, condition
        assert len(store.find_many([ContactId(key) for key in ("n1", "n2", "s1", "s2")])) == found, condition
        assert list(store.apply([Change(old=None, new=_account("x"))])) == [ApplyResult.STALE], condition


@_ONLY_POSTGRESQL
def test_a_cast_in_a_scope(school: School) -> None:
    """R16: PostgreSQL's colons are no parameters."""
    _two_schools(school)
    scope = (
        f"SELECT contact_id::text FROM {school.table} WHERE (ARRAY['North'::varchar])[1:1] @> ARRAY[school::varchar]"
    )
    assert school.store(scope=scope).count(AccountQuery(now=NOW)) == 2


_NO_SCOPES = (
    "SELECT username_key FROM {table}",
    "SELECT contact_id FROM nowhere",
    "SELECT contact_id, school FROM {table}",
    "SELECT contact_id FROM {table} WHERE school = :school",
    "SELECT contact_id FROM {table};",
    "SELECT contact_id FROM {table} -- all",
    "SELECT 7",
    "{table}",
    "",
)


def test_a_scope_that_is_none(school: School) -> None:
    """R16: refused at construction, above all one that names a column of ours: it would be true of everybody."""
    _two_schools(school)
    for scope in _NO_SCOPES:
        with pytest.raises(ConfigurationError, match=r"^scope: pass a select that this connection can run by itself"):
            school.store(scope=scope.format(table=school.table))


def test_a_misspelt_scope_lets_nobody_in(school: School) -> None:
    """R16: ``contact_id IN (SELECT contact_id ...)`` without such a column is SQL for everybody, and is refused."""
    _two_schools(school)
    school.execute(f"ALTER TABLE {school.table} RENAME COLUMN contact_id TO guardian_id")
    with pytest.raises(ConfigurationError, match="can run by itself"):
        school.store(**_scope(school, "North"))


@pytest.mark.parametrize("scope", [7, object(), sqlalchemy.text("SELECT 'x'"), sqlalchemy.table("t"), _Guardian])
def test_what_is_no_scope(scope: Any) -> None:
    """R23: a select or its text, and nothing else."""
    with pytest.raises(ConfigurationError, match=r"^scope: pass a select\(\) of contact ids"):
        SQLAlchemyAccountStore(sqlalchemy.create_engine("sqlite://"), scope=scope)


class _Pupil(_Base):
    __tablename__ = "Pupils"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sqlalchemy.String(20))
    school: Mapped[str] = mapped_column("School ID", sqlalchemy.String(20))
    größe: Mapped[str] = mapped_column("größe (%)", sqlalchemy.String(20))
    kind: Mapped[_Kind] = mapped_column(sqlalchemy.Enum(_Kind, native_enum=False))
    key: Mapped[UUID] = mapped_column(sqlalchemy.Uuid())
    since: Mapped[dt.datetime] = mapped_column(sqlalchemy.DateTime())
    day: Mapped[dt.date] = mapped_column(sqlalchemy.Date())
    is_here: Mapped[bool] = mapped_column(sqlalchemy.Boolean())


_AT = dt.datetime(2026, 1, 2)  # Without a zone, as hosts have them.

_CONDITIONS: dict[str, Callable[[], Any]] = {
    "a name with a blank": lambda: _Pupil.school == "North",
    "a name with more than letters": lambda: _Pupil.größe == "50 %",
    "a list": lambda: _Pupil.school.in_(["North", "West"]),
    "a list of several": lambda: sqlalchemy.tuple_(_Pupil.school, _Pupil.größe).in_([("North", "50 %"), ("x", "y")]),
    "no list": lambda: sqlalchemy.or_(_Pupil.school.in_([]), _Pupil.school == "North"),
    "a percent sign": lambda: _Pupil.größe.like("50%"),
    "a remainder": lambda: _Pupil.id % 2 == 1,
    "an enumeration": lambda: _Pupil.kind == _Kind.NORTH,
    "enumerations": lambda: _Pupil.kind.in_([_Kind.NORTH]),
    "a UUID": lambda: _Pupil.key == UUID(int=1),
    "UUIDs": lambda: _Pupil.key.in_([UUID(int=1), UUID(int=9)]),
    "an instant": lambda: _Pupil.since <= _AT,
    "instants": lambda: _Pupil.since.in_([_AT]),
    "a day": lambda: _Pupil.day == _AT.date(),
    "a truth": lambda: _Pupil.is_here == sqlalchemy.literal(True),
    "a literal with a colon": lambda: sqlalchemy.and_(_Pupil.id == 1, sqlalchemy.literal_column("':x_1'") != "y"),
    "a text with marks": lambda: sqlalchemy.and_(_Pupil.id == 1, _Pupil.school != ":school_1 %s ? %(x)s '\"`\\"),
}


@pytest.fixture
def pupils(alchemist: School) -> Iterator[School]:
    """Return a host with two pupils, and a store with an account for each and for a third."""
    _Base.metadata.create_all(alchemist.engine)
    with Session(alchemist.engine) as session:
        for number, name, size, kind in ((1, "North", "50 %", _Kind.NORTH), (2, "South", "60 %", _Kind.SOUTH)):
            since = _AT + dt.timedelta(days=number - 1)
            pupil = _Pupil(id=number, number=f"p{number}", school=name, kind=kind, key=UUID(int=number), since=since)
            pupil.größe, pupil.day, pupil.is_here = size, since.date(), number == 1
            session.add(pupil)
        session.commit()
    add(alchemist.store(), *(_account(contact_id) for contact_id in ("p1", "p2", "p3", "1", "2", "01")))
    yield alchemist
    _Base.metadata.drop_all(alchemist.engine)


def test_values_in_a_select_that_is_a_scope(pupils: School) -> None:
    """R16: they are bound as SQLAlchemy would bind them: by type, and whatever the columns are called."""
    for name, condition in _CONDITIONS.items():
        store = pupils.store(scope=sqlalchemy.select(_Pupil.number).where(condition()))
        accounts = store.find_many([ContactId(contact_id) for contact_id in ("p1", "p2", "p3")])
        assert list(accounts) == ["p1"], name
        first = accounts[ContactId("p1")]
        assert list(store.apply([Change(old=None, new=_account("p2"))])) == [ApplyResult.STALE], name
        again = attrs.evolve(first, version=9)
        assert list(store.apply([Change(old=again, new=issued(again))])) == [ApplyResult.STALE], name


def test_whole_numbers_in_a_scope(pupils: School) -> None:
    """R16, R20: a select of whole numbers is one of their digits: "01" is not 1, whatever a database thinks."""
    ids = [ContactId(contact_id) for contact_id in ("1", "2", "01", "p1")]
    for scope in (
        sqlalchemy.select(_Pupil.id),
        sqlalchemy.select(_Pupil.id).where(_Pupil.school.in_(["North", "South"])).order_by(_Pupil.id).limit(5),
        sqlalchemy.union(sqlalchemy.select(_Pupil.id), sqlalchemy.select(_Pupil.id)),
    ):
        assert list(pupils.store(scope=scope).find_many(ids)) == ["1", "2"]
    assert list(pupils.store(scope=sqlalchemy.select(_Pupil.id).where(_Pupil.id > 2)).find_many(ids)) == []


@pytest.mark.parametrize("school", ["dbapi"], indirect=True)
def test_parameters_of_a_scope_in_any_case(school: School) -> None:
    """R16: a parameter may be called as the host's column is, with capitals."""
    _two_schools(school)
    scope = f"SELECT contact_id FROM {school.table} WHERE school = :SchoolName OR school = :School_Name"
    store = school.store(scope=scope, scope_parameters={"SchoolName": "North", "School_Name": "West"})
    assert store.count(AccountQuery(now=NOW)) == 2


def test_a_store_that_was_refused_keeps_no_connection(backend: Backend) -> None:
    """R23: nobody has it to close it; what it opened to look at the host's contacts is closed."""
    opened: list[Any] = []

    def connect() -> Any:
        opened.append(_Closable(backend.connect()))
        return opened[-1]

    for argument, text in (("contacts", "nowhere"), ("scope", "SELECT 7")):
        with pytest.raises(ConfigurationError):
            DBAPIAccountStore(connect, dialect=backend.database, **{argument: text})  # type: ignore[arg-type]
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
        _close(self.connection)

    def close(self) -> None:
        """Close it."""
        vars(self)["closed_by_us"] = True
        self.connection.close()
