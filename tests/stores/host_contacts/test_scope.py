"""Outside the scope that a store is opened for there is nothing (R16)."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy.orm import Mapped, Session, mapped_column

from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account
from portalcreds.administration import AccountService, SyncAction, SyncReason
from portalcreds.contacts import ContactId
from portalcreds.exceptions import ConfigurationError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores.host_contacts import HostSelect
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore
from portalcreds.testing._store_samples import NOW, add, an_event, issued, step
from portalcreds.throttle import Throttle

from .schools import (
    ONLY_POSTGRESQL,
    TEXT_TYPES,
    Base,
    Guardian,
    Kind,
    School,
    account_of,
    names_of,
)


def _two_schools(school: School) -> tuple[list[Account], Any]:
    """Return two accounts of each of two schools, and a store without a scope."""
    school.create(f"contact_id {TEXT_TYPES[school.backend.database]}, school VARCHAR(20)")
    school.insert(("n1", "North"), ("n2", "North"), ("s1", "South 50%"), ("s2", "South 50%"), (None, None))
    whole = school.store()
    accounts = [account_of(contact_id) for contact_id in ("n1", "n2", "s1", "s2")]
    add(whole, *accounts)
    whole.record([an_event(account.contact_id) for account in accounts])
    return accounts, whole


def _scope(school: School, name: str) -> dict[str, Any]:
    """Return the arguments that open a store for one school."""
    if school.way == "sqlalchemy":
        table = sqlalchemy.table(school.table, sqlalchemy.column("contact_id"), sqlalchemy.column("school"))
        return {"scope": sqlalchemy.select(table.c.contact_id).where(table.c.school == name)}
    scope = f"SELECT contact_id FROM {school.table} WHERE school = :school"
    return {"scope": HostSelect(scope, {"school": name})}


def test_beyond_the_scope_there_is_nothing(school: School) -> None:
    """R16: what is not of this school is neither found nor counted, listed, changed, added or told of."""
    (n1, n2, s1, _), whole = _two_schools(school)
    north = school.store(**_scope(school, "North"))
    assert [north.find(account.contact_id) for account in (n1, s1)] == [n1, None]
    assert [north.find_by_username(f"user-{contact_id}") for contact_id in ("n2", "s1")] == [n2, None]
    assert [north.find_epoch(contact_id) for contact_id in ("n1", "s1")] == [0, None]
    assert list(north.find_many([ContactId(key) for key in ("s1", "n2", "n1", "s2", "x")])) == ["n2", "n1"]
    for query in (AccountQuery(now=NOW), AccountQuery(now=NOW, words="user")):
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
    changes = [Change(old=None, new=account_of(contact_id, username=contact_id)) for contact_id in ("s1", "s3", "n3")]
    assert list(north.apply(changes)) == [ApplyResult.STALE] * 3
    school.insert(("n3", "North"), ("s3", "South 50%"))
    assert list(north.apply(changes)) == [ApplyResult.STALE, ApplyResult.STALE, ApplyResult.APPLIED]
    assert north.find(ContactId("n3")) == changes[2].new


def test_user_names_are_unique_across_scopes(school: School) -> None:
    """R16, R18: a user name of another school's is taken, though its owner is not to be seen."""
    (n1, _, _, s2), whole = _two_schools(school)
    north = school.store(**_scope(school, "North"))
    school.insert(("n3", "North"))
    taken = [Change(old=n1, new=n1.rename("USER-S1")), Change(old=None, new=account_of("n3", username="User-s2"))]
    assert list(north.apply(taken)) == [ApplyResult.USERNAME_TAKEN] * 2
    step(whole, s2, s2.rename(None))
    assert list(north.apply(taken)) == [ApplyResult.USERNAME_TAKEN, ApplyResult.APPLIED]


def test_tenant_and_scope_hold_together(school: School) -> None:
    """R16: a scope takes away from a tenant's accounts, and adds nobody else's."""
    _two_schools(school)
    other = school.store(**_scope(school, "North"), tenant=uuid4().hex)
    assert other.count(AccountQuery(now=NOW)) == 0
    assert other.events() == ()
    account = account_of("n1", username="user-s1")
    add(other, account)
    assert step(other, account, issued(account)) == issued(account)
    assert school.store(**_scope(school, "North")).find(ContactId("n1")) == account_of("n1")


def test_a_scope_beside_the_hosts_contacts(school: School) -> None:
    """R16, R20: both at once; noting names leaves other schools be."""
    school.create()
    school.insert(*((contact_id, "Rosa", "Host", school_of) for contact_id, school_of in (("n1", "N"), ("s1", "S"))))
    whole = school.joined()
    add(whole, account_of("n1"), account_of("s1"))
    north = school.joined(scope=f"SELECT contact_id FROM {school.table} WHERE email = 'N'")
    assert names_of(north.find(ContactId("n1")))[:2] == ("Rosa", "Host")
    assert north.find(ContactId("s1")) is None
    assert north.note_names() == 1
    assert [row[2] for row in school.noted()] == ["Host", "Noted"]


def test_a_sync_with_the_hosts_contacts(school: School) -> None:
    """R16, R20: whoever is new in scope gets an account, others' names are noted, and no other school is touched."""
    school.create()
    people = [(f"n{number}", "Rosa", f"Host {number}", "N") for number in range(502)]
    school.insert(*people, ("s1", "Rosa", "South", "S"))
    north = school.joined(scope=f"SELECT contact_id FROM {school.table} WHERE email = 'N'")
    add(north, account_of("n1"))
    grants = Grants(privileges={"office": [Privilege.SYNC]})
    accounts = AccountService(north, authorizer=grants, throttle=Throttle(MemoryAttemptCounter()))
    report = accounts.sync_from_host(Operator(operator_id="office"), usernames=lambda contact: contact.contact_id)
    assert (len(report), report.count(SyncAction.ADD)) == (502, 501)
    assert north.count(AccountQuery(now=NOW)) == 502
    assert north.count(AccountQuery(now=NOW, words="host")) == 502
    assert school.joined().find(ContactId("s1")) is None


def test_a_sync_with_the_hosts_contacts_takes_the_privilege(school: School) -> None:
    """R16: who may not sync adds nobody, and does not have names noted either."""
    school.create()
    school.insert(("n1", "Rosa", "Host", "N"), ("n2", "Ann", "Lee", "N"))
    store = school.joined()
    add(store, account_of("n1"))
    noted = [row[2] for row in school.noted()]
    accounts = AccountService(store, authorizer=Grants(privileges={}), throttle=Throttle(MemoryAttemptCounter()))
    report = accounts.sync_from_host(Operator(operator_id="somebody"))
    assert [item.reason for item in report.items] == [SyncReason.NOT_PERMITTED] * 2
    assert [row[2] for row in school.noted()] == noted
    assert store.find(ContactId("n2")) is None


def test_a_store_without_contacts_of_the_hosts_says_so(school: School) -> None:
    """R23: there is nobody to sync with, which is not the same as nobody to add."""
    grants = Grants(privileges={"office": [Privilege.SYNC]})
    for store in (MemoryAccountStore(), school.store()):
        accounts = AccountService(store, authorizer=grants, throttle=Throttle(MemoryAttemptCounter()))
        with pytest.raises(ConfigurationError) as caught:
            accounts.sync_from_host(Operator(operator_id="office"))
        assert caught.value.argument == "store"


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
            "scope": HostSelect(
                f"SELECT contact_id FROM {school.table} WHERE school IN ({listed_here})", dict.fromkeys(_OURS, "North")
            )
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
        assert list(store.apply([Change(old=None, new=account_of("x"))])) == [ApplyResult.STALE], condition


@ONLY_POSTGRESQL
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


@pytest.mark.parametrize("scope", [7, object(), sqlalchemy.text("SELECT 'x'"), sqlalchemy.table("t"), Guardian])
def test_what_is_no_scope(scope: Any) -> None:
    """R23: a select or its text, and nothing else."""
    with pytest.raises(ConfigurationError, match=r"^scope: pass a select\(\) of contact ids"):
        SQLAlchemyAccountStore(sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.NullPool), scope=scope)


class _Pupil(Base):
    __tablename__ = "Pupils"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sqlalchemy.String(20))
    school: Mapped[str] = mapped_column("School ID", sqlalchemy.String(20))
    größe: Mapped[str] = mapped_column("größe (%)", sqlalchemy.String(20))
    kind: Mapped[Kind] = mapped_column(sqlalchemy.Enum(Kind, native_enum=False))
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
    "an enumeration": lambda: _Pupil.kind == Kind.NORTH,
    "enumerations": lambda: _Pupil.kind.in_([Kind.NORTH]),
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
    Base.metadata.create_all(alchemist.engine)
    with Session(alchemist.engine) as session:
        for number, name, size, kind in ((1, "North", "50 %", Kind.NORTH), (2, "South", "60 %", Kind.SOUTH)):
            since = _AT + dt.timedelta(days=number - 1)
            pupil = _Pupil(id=number, number=f"p{number}", school=name, kind=kind, key=UUID(int=number), since=since)
            pupil.größe, pupil.day, pupil.is_here = size, since.date(), number == 1
            session.add(pupil)
        session.commit()
    add(alchemist.store(), *(account_of(contact_id) for contact_id in ("p1", "p2", "p3", "1", "2", "01")))
    yield alchemist
    Base.metadata.drop_all(alchemist.engine)


def test_values_in_a_select_that_is_a_scope(pupils: School) -> None:
    """R16: they are bound as SQLAlchemy would bind them: by type, and whatever the columns are called."""
    for name, condition in _CONDITIONS.items():
        store = pupils.store(scope=sqlalchemy.select(_Pupil.number).where(condition()))
        accounts = store.find_many([ContactId(contact_id) for contact_id in ("p1", "p2", "p3")])
        assert list(accounts) == ["p1"], name
        first = accounts[ContactId("p1")]
        assert list(store.apply([Change(old=None, new=account_of("p2"))])) == [ApplyResult.STALE], name
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
    store = school.store(scope=HostSelect(scope, {"SchoolName": "North", "School_Name": "West"}))
    assert store.count(AccountQuery(now=NOW)) == 2
