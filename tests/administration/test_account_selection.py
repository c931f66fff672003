"""Counting and selecting all that match: what is counted, whom nobody learns of, and what goes on the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from portal import NOBODY, OFFICE, Portal, issued
from portalcreds.account_queries import MAX_PAGE_SIZE
from portalcreds.accounts import Account, AccountStatus
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import InvalidValueError
from portalcreds.privileges import Grants, Operator, Privilege


def some(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
    """Let everybody see and change the contacts whose ids end so."""
    return [account.contact_id[-1] in "258" for account in accounts]


def test_a_selection_is_all_that_match_on_all_pages(memory_portal: Portal) -> None:
    """R11: what is planned for is what was counted and what the pages show, in their order, however many there are."""
    memory_portal.add_school(MAX_PAGE_SIZE + 30)
    everybody = memory_portal.accounts.select_all(OFFICE, words="user.")
    assert len(everybody) == memory_portal.accounts.count(OFFICE, words="user.") == MAX_PAGE_SIZE + 30
    page = memory_portal.accounts.search(OFFICE, words="user.", limit=MAX_PAGE_SIZE)
    assert everybody[:MAX_PAGE_SIZE] == tuple(account.contact_id for account in page.accounts)
    assert len(memory_portal.resets.plan(everybody[:10], OFFICE)) == 10


def test_a_selection_is_frozen_and_on_the_record(portal: Portal) -> None:
    """R17: who selected how many; a contact added afterwards is not in it."""
    portal.add_school(3)
    selected = portal.accounts.select_all(OFFICE, words="user", status=AccountStatus.NEVER_ISSUED)
    event = portal.store.events()[-2]
    assert (event.kind, event.operator_id, event.reason) == (AuditKind.USERNAME_VIEWED, "office", "selection")
    assert event.count == len(selected) == 3
    issued(portal, selected[0])
    assert portal.accounts.count(OFFICE, words="user", status=AccountStatus.NEVER_ISSUED) == 2
    assert len(selected) == 3


def test_a_selection_that_is_too_large_is_refused(portal: Portal) -> None:
    """R23: nobody plans for part of what they selected; a count stops at its bound instead."""
    portal.add_school(5)
    before = portal.store.events()
    with pytest.raises(InvalidValueError) as caught:
        portal.accounts.select_all(OFFICE, words="user", at_most=4)
    assert caught.value.field == "at_most"
    assert portal.store.events() == before
    assert len(portal.accounts.select_all(OFFICE, words="user", at_most=5)) == 5
    assert portal.accounts.count(OFFICE, words="user", at_most=4) == 4


def test_the_hidden_are_neither_counted_nor_selected(portal: Portal) -> None:
    """R16: nobody learns from a number that a user name exists; who may see nobody is on the record."""
    portal.add_school(25)
    accounts = portal.with_parts(authorizer=some).accounts
    assert accounts.count(OFFICE, words="user.") == len(accounts.select_all(OFFICE, words="user.")) == 7
    for ask in (portal.accounts.count, portal.accounts.select_all):
        before = len(portal.store.events())
        assert ask(NOBODY, words="rabb") in (0, ())
        (event,) = portal.store.events()[before:]
        assert (event.kind, event.operator_id, event.count) == (AuditKind.PRIVILEGE_DENIED, "nobody", 1)


@pytest.mark.parametrize("typed", ["rabbiatici", "rosa@example", "abb"])
def test_no_word_finds_who_may_not_be_seen(portal: Portal, typed: str) -> None:
    """R16: without the privilege a search by a user name or an address tells as little as one by nothing at all."""
    contact = Contact(contact_id=ContactId("c-1"), first_name="Rosa", last_name="Abbiatici", email="rosa@example.org")
    portal.accounts.sync_contacts([contact], OFFICE)
    assert portal.accounts.count(OFFICE, words=typed) == 1
    others = Grants(privileges={"nobody": [p for p in Privilege if p is not Privilege.VIEW_USERNAMES]})
    blind = portal.with_parts(authorizer=others).accounts
    assert blind.search(NOBODY, words=typed) == blind.search(NOBODY, words="zzz")
    assert blind.count(NOBODY, words=typed) == blind.count(NOBODY, words="zzz") == 0
    assert blind.select_all(NOBODY, words=typed) == ()


def test_those_of_a_page_who_are_locked_are_told(portal: Portal) -> None:
    """R9: the counts are not the store's, so a page is asked about; who may not unlock learns nothing."""
    portal.add_school(3)
    issued(portal, "c-1")
    account = portal.account("c-1")
    for _ in range(20):
        portal.sign_ins.sign_in(str(account.username), "wrong")
    ids = [each.contact_id for each in portal.accounts.search(OFFICE).accounts]
    locked = portal.accounts.find_locked(ids, OFFICE)
    assert list(locked) == ["c-1"]
    assert locked[ContactId("c-1")] == portal.accounts.limits_on("c-1", OFFICE)
    assert portal.accounts.find_locked([*ids, "c-99"], NOBODY) == {}
    portal.accounts.unlock("c-1", OFFICE)
    assert portal.accounts.find_locked(ids, OFFICE) == {}
    with pytest.raises(InvalidValueError):
        portal.accounts.find_locked(map(str, range(MAX_PAGE_SIZE + 1)), OFFICE)


@pytest.mark.parametrize("filters", [{"words": 7}, {"at_most": 0}, {"at_most": True}, {"hashed": "Django"}], ids=str)
def test_filters_that_cannot_be_taken_are_refused(portal: Portal, filters: dict[str, Any]) -> None:
    """R23: by the same error, before anything is looked at."""
    before = portal.store.events()
    for ask in (portal.accounts.count, portal.accounts.select_all):
        with pytest.raises(InvalidValueError):
            ask(OFFICE, **filters)
    assert portal.store.events() == before
