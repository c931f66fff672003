"""A store takes queries and changes of another vendored copy of the package, whose classes are not its own (R22)."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

import portalcreds
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import AccountStatus
from portalcreds.protocols import AccountStore, ApplyResult
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.testing._store_samples import NOW, add, an_account, an_event, chosen, issued, step

_NAME = "another_copy"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Return a function that imports a module of a second copy."""
    shutil.copytree(Path(portalcreds.__file__).parent, tmp_path / _NAME, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name: importlib.import_module(f"{_NAME}.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == _NAME]:
        del sys.modules[name]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryAccountStore | DBAPIAccountStore]:
    """Return our store, with an account in each status and an erased one."""
    made = MemoryAccountStore() if request.param == "memory" else DBAPIAccountStore.open_sqlite(tmp_path / "portal.db")
    with made as store:
        accounts = [an_account(str(number), f"user{number}", last_name=f"n{number}") for number in range(7)]
        accounts[3], accounts[4] = chosen(accounts[3]), attrs.evolve(chosen(accounts[4]), is_active=False)
        add(store, *accounts)
        step(store, accounts[1], issued(accounts[1], expires_at=NOW))
        step(store, accounts[2], issued(accounts[2], expires_at=NOW + timedelta(days=1)))
        step(store, accounts[5], accounts[5].erase(erased_at=NOW))
        step(store, accounts[6], issued(accounts[6], expires_at=NOW + timedelta(days=2)))
        yield store


@pytest.mark.parametrize("by_name", [{}, {"words": "u"}, {"words": "rosa n"}, {"order": "last_sign_in"}])
def test_a_query_of_another_copy_finds_the_same(
    store: AccountStore, copy: Callable[[str], ModuleType], by_name: dict[str, Any]
) -> None:
    """R22: every status and order, page after page; its enums are equal to ours and not identical."""
    foreign: Any = copy("account_queries").AccountQuery
    assert foreign is not AccountQuery
    for status in (None, *AccountStatus):
        ours = AccountQuery(now=NOW, status=status, limit=2, **by_name)
        theirs = foreign(now=NOW, status=status and status.value, limit=2, **by_name)
        assert store.count(theirs) == store.count(ours)
        while True:
            page, foreign_page = store.search(ours), store.search(theirs)
            assert list(foreign_page.accounts) == list(page.accounts)
            assert foreign_page.next == page.next
            if page.next is None:
                break
            ours, theirs = attrs.evolve(ours, after=page.next), attrs.evolve(theirs, after=foreign_page.next)


def test_a_change_of_another_copy_is_applied(
    store: MemoryAccountStore | DBAPIAccountStore, copy: Callable[[str], ModuleType]
) -> None:
    """R22: accounts and events of another copy are stored as if they were ours, each by its values."""
    accounts, contacts, audit = copy("accounts"), copy("contacts"), copy("audit")
    contact = contacts.Contact(contact_id="new", first_name="Rosa", last_name="Abbiatici")
    account = accounts.Account(contact=contact, username="rosa")
    mine = an_event("new")
    event = audit.AuditEvent(kind=mine.kind.value, at=mine.at, event_id=mine.event_id, reason=mine.reason)
    change = copy("protocols").Change(old=None, new=account, events=(event,))
    assert list(store.apply([change, change])) == [ApplyResult.APPLIED, ApplyResult.STALE]
    found = store.find_by_username("rosa")
    assert found is not None
    assert found.contact.last_name == "Abbiatici"
    assert [recorded.event_id for recorded in store.events()] == [mine.event_id]
