"""Names are read from the host's table at once, and noted for the grid's order (R20)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")


from portal import GOOD_PASSWORD, OFFICE
from portalcreds.account_queries import AccountPage, AccountQuery
from portalcreds.accounts import Account
from portalcreds.administration.service import AccountService
from portalcreds.administration.sync import SyncAction
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import default_password
from portalcreds.privileges import Operator, Privilege
from portalcreds.protocols import ApplyResult, Change
from portalcreds.resets.report import ResetOutcome
from portalcreds.sign_in.outcomes import PasswordChanged, PasswordChangeRequired, PasswordRefused, SignInDenied
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.testing._store_samples import NOW, add, an_account, issued, step
from portalcreds.throttle import Throttle

from .schools import (
    School,
    account_of,
    names_of,
    open_portal,
)


def test_names_are_the_hosts_at_once(school: School) -> None:
    """R20: from the next call on, by every way to an account; what our table noted is for sorting only."""
    school.create()
    school.insert(("1", "Rosa", "Noted", "old@example.org"), ("2", "Pat", "Other", None))
    store = school.joined()
    add(store, account_of("1"), account_of("2"))
    school.execute(f"UPDATE {school.table} SET first_name = 'Rose', last_name = 'New', email = 'new@example.org'")
    expected = ("Rose", "New", "new@example.org")
    assert names_of(store.find(ContactId("1"))) == expected
    assert names_of(store.find_by_username("user-1")) == expected
    assert [names_of(account) for account in store.find_many([ContactId("1"), ContactId("2")]).values()] == [
        expected
    ] * 2
    assert [names_of(account) for account in store.search(AccountQuery(now=NOW)).accounts] == [expected] * 2
    assert school.noted() == [("1", "Rosa", "Noted", None), ("2", "Rosa", "Noted", None)]


def test_addresses_are_noted_like_names(school: School) -> None:
    """R20: people are found by the address that was noted last; one that is not wanted is kept nowhere."""
    school.create()
    school.insert(("1", "Rosa", "Noted", "rosa@example.org"))
    store = school.joined()
    add(store, account_of("1"))
    assert store.note_names() == 1
    assert school.noted() == [("1", "Rosa", "Noted", "rosa@example.org")]
    (found,) = store.search(AccountQuery(now=NOW, words="rosa@ex")).accounts
    assert found.contact.email == "rosa@example.org"
    without = school.joined(columns={})
    assert names_of(without.find(ContactId("1"))) == ("Rosa", "Noted", None)
    add(without, an_account("2", "rosa"))
    assert without.note_names() == 1  # Of the address that was noted before.
    assert [row[3] for row in school.noted()] == [None, None]
    assert list(without.search(AccountQuery(now=NOW, words="rosa@ex")).accounts) == []
    assert school.execute("SELECT COUNT(*) FROM portal_words WHERE tenant = ? AND words LIKE '%@%'", school.tenant) == [
        (0,)
    ]


def test_a_contact_that_left_keeps_the_names_last_noted(school: School) -> None:
    """R20: whom the host has no more is neither disabled nor nameless; who was never there has the names as added."""
    school.create()
    school.insert(("1", "Rosa", "Noted", "rosa@example.org"))
    store = school.joined()
    add(store, account_of("1"), account_of("2", "Never"))
    school.rename("1", "Married")
    store.note_names()
    school.execute(f"DELETE FROM {school.table}")
    found = store.find(ContactId("1"))
    assert names_of(found) == ("Rosa", "Married", "rosa@example.org")
    assert found.is_active
    assert names_of(store.find(ContactId("2"))) == ("Rosa", "Never", None)
    assert store.note_names() == 0
    assert [account.contact_id for account in store.search(AccountQuery(now=NOW)).accounts] == ["1", "2"]
    assert step(store, found, issued(found)).contact == found.contact


def test_an_erased_contact_has_no_names_though_the_host_has_them(school: School) -> None:
    """R20: erasing is of what we keep and show; a sync that restores brings the host's names back."""
    school.create()
    school.insert(("1", "Rosa", "Noted", "rosa@example.org"))
    store = school.joined()
    account = account_of("1")
    add(store, account)
    erased = step(store, account, account.erase(erased_at=NOW))
    assert erased == account.erase(erased_at=NOW)
    assert store.note_names() == 0
    assert school.noted() == [("1", None, None, None)]
    restored = step(store, erased, erased.restore(account.contact, "rosa"))
    assert names_of(restored) == ("Rosa", "Noted", "rosa@example.org")


def test_defaults_are_made_of_the_hosts_names(school: School) -> None:
    """R5, R11, R20: the default is that of the name that the host has when it is set; the old one goes on working."""
    school.create()
    school.insert(("1", "Rosa", "Abbiatici", None))
    store = school.joined()
    with open_portal(store) as portal:
        contact = Contact(contact_id=ContactId("1"), first_name="Rosa", last_name="Abbiatici")
        portal.accounts.sync_contacts([contact], OFFICE, usernames={"1": "rosa"})
        assert portal.resets.reset_password("1", OFFICE).outcome == ResetOutcome.SET
        school.rename("1", "Neumann")
        # Nothing was noted yet, and the grid tells all the same.
        assert portal.account("1").has_default_of_old_name
        (record,) = portal.accounts.search(OFFICE).to_records()
        assert (record["last_name"], record["warning"]) == ("Neumann", "default_of_old_name")
        assert "default_of_old_name" in portal.resets.plan(["1"], OFFICE).items[0].warnings
        assert store.note_names() == 1
        assert portal.account("1").has_default_of_old_name
        assert isinstance(portal.sign_ins.sign_in("rosa", "AbbiaticiR"), PasswordChangeRequired)
        # The name is changed again between the plan and OK.
        plan = portal.resets.plan(["1"], OFFICE)
        school.rename("1", "Olsen")
        (result,) = portal.resets.start(plan.confirm(OFFICE))
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
    add(store, *(account_of(row[0], "Old") for row in rows))
    with open_portal(store) as portal:
        plan = portal.resets.plan([row[0] for row in rows], OFFICE, reveal=True)
        results = list(portal.resets.start(plan.confirm(OFFICE)))
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
    with open_portal(store) as portal:
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
        assert names_of(portal.account("1"))[:2] == ("Rosa", "Neumann")
        portal.accounts.erase("2", OFFICE)
        report = portal.accounts.sync_contacts(contacts[1:], OFFICE, restore_erased=True)
        assert [item.action for item in report] == [SyncAction.RESTORE]
        assert names_of(portal.account("2"))[:2] == ("Pat", "O'Brien")


# -- noting names, and the grid


def test_noting_names_is_for_order_and_words(school: School) -> None:
    """R20: the grid is in the order that was noted; each noting is one step of the account, with its event."""
    school.create()
    school.insert(*((str(number), "Kim", name, None) for number, name in enumerate(("Abel", "Berg", "Cole"))))
    store = school.joined()
    accounts = [account_of(str(number), name) for number, name in enumerate(("Abel", "Berg", "Cole"))]
    add(store, *accounts)
    assert store.note_names() == 3  # The first name differs.
    school.rename("0", "Zimmer")

    def listed(**filters: Any) -> list[tuple[str, str | None]]:
        page = store.search(AccountQuery(now=NOW, **filters))
        assert store.count(AccountQuery(now=NOW, **filters)) == len(page.accounts)
        return [(account.contact_id, account.contact.last_name) for account in page.accounts]

    assert listed() == [("0", "Zimmer"), ("1", "Berg"), ("2", "Cole")]
    assert listed(words="abel") == [("0", "Zimmer")]
    assert listed(words="zim") == []
    before = store.find(ContactId("0"))
    recorded = len(store.events())
    assert store.note_names() == 1
    assert store.note_names() == 0
    assert listed() == [("1", "Berg"), ("2", "Cole"), ("0", "Zimmer")]
    assert listed(words="zim") == [("0", "Zimmer")]
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
    add(store, *(account_of(f"{number:04}", f"Old{number:04}") for number in range(count)))
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
    first, second = account_of("1"), account_of("2")
    add(store, first, second)
    apply = store.apply

    def late(changes: Sequence[Change]) -> Sequence[ApplyResult]:
        if changes:
            assert list(other.apply([Change(old=first, new=first.disable())])) == [ApplyResult.APPLIED]
            store.apply = apply
        return apply(changes)  # type: ignore[no-any-return]  # A store of any kind.

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
    add(store, *(account_of(f"{number:02}", f"{letters[number]}-noted") for number in range(12)))
    return store, [f"{number:02}" for number in range(12)]


def test_pages_with_stale_names_have_no_repeats_and_no_gaps(school: School) -> None:
    """R20: a page begins where the last one ended in the noted order, whatever that contact is called by now."""
    store, expected = _stale_school(school)
    for limit in (1, 5, 11, 12):
        assert _turned(lambda after: store.search(AccountQuery(now=NOW, limit=limit, after=after))) == expected  # noqa: B023  Called in the same round.


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
