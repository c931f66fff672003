"""Many changes are written with a few statements, over every way to every database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import attrs
import pytest

from portalcreds.accounts import Account
from portalcreds.administration.service import AccountService
from portalcreds.contacts import Contact, ContactId
from portalcreds.privileges import Operator
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores._drivers.cursors import CursorStatements
from portalcreds.stores._drivers.row_writer import Row, RowWriter
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.testing._store_samples import NOW, add, an_account, an_event, issued
from portalcreds.throttle import Throttle

from .backends import BACKENDS, new_backend
from .drivers import DRIVERS, driven

MANY: Final = 500
"""As many as the services hand in at most."""

_TAKEN, _STALE, _APPLIED = ApplyResult.USERNAME_TAKEN, ApplyResult.STALE, ApplyResult.APPLIED

_ENDS: Final = ("BEGIN", "COMMIT", "SET ", "PRAGMA")
"""What begins and ends a transaction, whatever is written in it."""


@pytest.fixture(scope="module", params=[*BACKENDS, *(f"driver-{name}" for name in DRIVERS)])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a store over each backend, and over each driver."""
    folder = tmp_path_factory.mktemp("sets")
    kind, _, name = request.param.partition("-")
    if kind == "driver":
        with (
            driven(name, folder) as (database, connect),
            DBAPIAccountStore(connect, dialect=database) as store,
        ):
            store.create_tables()
            yield store
        return
    with new_backend(request.param, folder) as backend, backend.open() as store:
        yield store


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield the statements that are executed, one prepared for many rows being one, but for the transaction's ends."""
    executed: list[str] = []

    def recording(execute: Callable[..., Any]) -> Callable[..., Any]:
        def record(self: CursorStatements, sql: str, *arguments: Any) -> Any:
            if not sql.startswith(_ENDS):
                executed.append(sql)
            return execute(self, sql, *arguments)

        return record

    with monkeypatch.context() as patched:
        for name in ("execute", "execute_rows", "execute_each"):
            patched.setattr(CursorStatements, name, recording(getattr(CursorStatements, name)))
        yield executed


def _new(prefix: str, count: int) -> list[Account]:
    return [an_account(f"{prefix}{number:03}", f"{prefix}.{number}") for number in range(count)]


def _add(account: Account) -> Change:
    return Change(old=None, new=account, events=(an_event(account.contact_id),))


def _step(old: Account, new: Account) -> Change:
    return Change(old=old, new=new, events=(an_event(old.contact_id), an_event(old.contact_id, "too")))


def _refresh(old: Account) -> Account:
    contact = attrs.evolve(old.contact, first_name="Ruth", email=None)
    return old.refresh(contact, username=f"new.{old.username}", at=NOW)


def test_many_changes_take_six_statements(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A district is synced and reset in minutes although its server is a journey away, and each statement is one."""
    there = _new("a", MANY)
    kinds: dict[str, Sequence[Change]] = {
        "additions": list(map(_add, there)),
        "defaults": [_step(account, issued(account)) for account in there],
    }
    there = [change.new for change in kinds["defaults"]]
    kinds["new names"] = [_step(account, _refresh(account)) for account in there]
    there = [change.new for change in kinds["new names"]]
    mixed = [_step(each, _refresh(each)) for each in there[::3]] + [_step(each, issued(each)) for each in there[1::3]]
    kinds["of every kind"] = mixed + list(map(_add, _new("b", MANY - len(mixed))))
    for kind, changes in kinds.items():
        with counted(monkeypatch) as executed:
            assert set(store.apply(changes)) == {_APPLIED}, kind
        assert len(executed) <= 6, (kind, executed)
        assert dict(store.find_many([change.new.contact_id for change in changes])) == {
            change.new.contact_id: change.new for change in changes
        }
        events = [event for change in changes for event in change.events]
        assert list(store.events(limit=len(events))) == events


def test_a_conflict_costs_a_few_statements_more(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of the changes meet one, what is in their way is asked once for all of them."""
    add(store, *_new("t", 20), *_new("s", 10))
    there = _new("c", MANY // 2)
    store.apply(list(map(_add, there)))
    moved = [account.disable() for account in there[::25]]
    store.apply([Change(old=old, new=new) for old, new in zip(there[::25], moved, strict=True)])
    changes = [_step(account, _refresh(account)) for account in there]
    for number in range(10):
        changes[3 + 25 * number] = _step(there[3 + 25 * number], there[3 + 25 * number].rename(f"t.{number}"))
    changes += [_add(account) for account in _new("d", MANY // 2)]
    for number in range(10):
        changes[-1 - 20 * number] = _add(an_account(f"s{number:03}", f"s.{number}"))
        changes[-2 - 20 * number] = _add(an_account(f"e{number:03}", f"t.{10 + number}"))
    with counted(monkeypatch) as executed:
        results = store.apply(changes)
    expected = [_APPLIED] * len(changes)
    for number in range(10):
        expected[25 * number], expected[3 + 25 * number] = _STALE, _TAKEN
        expected[-1 - 20 * number], expected[-2 - 20 * number] = _STALE, _TAKEN
    assert list(results) == expected
    assert len(executed) <= 12, executed
    stored = store.find_many([change.new.contact_id for change in changes])
    for change, result in zip(changes, results, strict=True):
        if result == _APPLIED:
            assert stored[change.new.contact_id] == change.new
    events = [
        event for change, result in zip(changes, results, strict=True) if result == _APPLIED for event in change.events
    ]
    assert list(store.events(limit=len(events))) == events


def test_user_names_are_asked_for_together(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has each of 500 wanted user names, and what namesakes get instead, is asked in a few statements for all."""
    add(store, *[an_account(f"n{number:03}", f"n.{number}") for number in range(50)])
    people = [attrs.evolve(each.contact, contact_id=ContactId(f"w{at:03}")) for at, each in enumerate(_new("w", MANY))]

    def usernames(contact: Contact) -> Iterator[str]:
        name = f"n.{int(contact.contact_id[1:]) // 2}"
        yield name
        yield from (f"{name}.{number}" for number in range(2, 9))

    def let_all(operator: object, privilege: object, accounts: Sequence[Account]) -> list[bool]:
        return [True] * len(accounts)

    service = AccountService(store, authorizer=let_all, throttle=Throttle(store.counter()))
    with counted(monkeypatch) as executed:
        plan = service.plan_sync(people, Operator(operator_id="office"), usernames=usernames)
    assert len(executed) <= 6, executed
    first = ["n.0.2", "n.0.3", "n.1.2", "n.1.3"]
    assert [item.username for item in plan.items[:4]] == first
    assert [item.username for item in plan.items[-2:]] == ["n.249", "n.249.2"]


def test_one_change_takes_no_more_than_it_needs(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign-in writes its row and its event, and asks nothing before."""
    account = an_account("one", "one")
    add(store, account)
    with counted(monkeypatch) as executed:
        store.apply([_step(account, issued(account))])
    assert [sql.split()[0] for sql in executed] == ["UPDATE", "INSERT"]


def test_a_column_that_stays_as_it_is_is_not_written(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash for each of a district leaves the indexes of names alone, whose pages are most of what is written."""
    there = _new("h", MANY)
    store.apply(list(map(_add, there)))
    changes = [_step(account, account.disable()) for account in there]
    with counted(monkeypatch) as executed:
        assert set(store.apply(changes)) == {_APPLIED}
    (update,) = [sql for sql in executed if sql.startswith("UPDATE")]
    assert "is_active = " in update
    assert not any(f"{column} = " in update for column in ("name_key", "username_key", "last_sign_in_at"))
    assert list(store.find_many([account.contact_id for account in there]).values()) == [each.new for each in changes]


def test_rows_are_locked_in_one_order(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls with the same people the other way round wait for each other; else each would hold what one needs."""
    people = [an_account(f"order-{number}") for number in range(3)]
    add(store, *people)
    locked: list[object] = []
    update = RowWriter.update

    def recorded(self: RowWriter, statements: Any, names: Sequence[str], rows: Sequence[Row], **how: Any) -> Any:
        locked.extend(row[0] for row in rows)
        return update(self, statements, names, rows, **how)

    monkeypatch.setattr(RowWriter, "update", recorded)
    changes = [Change(old=each, new=each.disable()) for each in reversed(people)]
    assert list(store.apply(changes)) == [_APPLIED] * 3
    assert locked == ["order-0", "order-1", "order-2"]


def test_texts_that_a_list_of_rows_might_mistake(store: Any) -> None:
    """What quotes, ends or stands for nothing in a list or an array of values is text like any other."""
    texts = ('"', "\\", '\\"', "{}", "{NULL}", "NULL", "null", ",", "a,b", "(", "'", "''", "%s", "?", ":rows", "")
    accounts = [
        Account(contact=attrs.evolve(an_account(f"x{number}").contact, first_name=text, last_name=None, email=text))
        for number, text in enumerate(texts)
    ]
    add(store, *accounts)
    assert list(store.find_many([account.contact_id for account in accounts]).values()) == accounts
    steps = []
    for old, text in zip(accounts, reversed(texts), strict=True):
        contact = attrs.evolve(old.contact, last_name=text)
        steps.append(Change(old=old, new=old.refresh(contact, username=f"{old.contact_id}{text}", at=NOW)))
    assert set(store.apply(steps)) == {_APPLIED}
    assert list(store.find_many([account.contact_id for account in accounts]).values()) == [step.new for step in steps]
