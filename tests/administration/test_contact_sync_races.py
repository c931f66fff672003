"""Syncs of many contacts, raced and failing, and what their outcomes show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from administration.syncing import ADD, BO, MIA, REFRESH, cannot, rows
from portal import OFFICE, PAT, ROSA, Portal, issued, watched
from portalcreds.accounts import Account
from portalcreds.administration.sync import SyncAction, SyncItem, SyncPlan, SyncReason, SyncReport
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import StoreError, StoreUnavailableError, TransactionAborted
from portalcreds.privileges import Operator, Privilege

UNAVAILABLE = StoreUnavailableError("apply", "57P01")

# -- many


def test_a_district_is_read_and_written_in_pieces(portal: Portal) -> None:
    """Over two borders each contact has one row in order and one account; who may is asked of 500 at most."""
    contacts = [Contact(contact_id=ContactId(f"m-{n}"), last_name=f"M{n}") for n in range(1_200)]
    calls: Counter[tuple[str, int]] = Counter()
    asked: list[int] = []

    def counting(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        asked.append(len(accounts))
        return [True] * len(accounts)

    def count(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if when == "before" and name in ("find_many", "apply"):
            calls[name, len(arguments[0])] += 1

    watching = attrs.evolve(portal, store=watched(portal.store, count)).with_parts(authorizer=counting)
    report = watching.accounts.sync_contacts(iter(contacts), OFFICE, usernames=lambda contact: contact.contact_id)

    assert rows(report) == [ADD] * 1_200
    assert [item.contact for item in report] == contacts
    assert len(portal.store.find_many([contact.contact_id for contact in contacts])) == 1_200
    assert asked == [500, 500, 200] * 2
    at_once = getattr(portal.store, "at_once", 500)
    applied = {("apply", 500): 2, ("apply", 200): 1} if at_once == 500 else {("apply", 500): 1, ("apply", 700): 1}
    assert calls == {("find_many", 500): 4, ("find_many", 200): 2} | applied


# -- races and failures


def test_two_syncs_at_once_add_each_contact_once(portal: Portal) -> None:
    """R3: who was added by somebody else in between is found there, and refreshed or left as they are."""
    raced: list[str] = []

    def add_first(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not raced:
            raced.append(name)
            portal.accounts.sync_contacts([MIA, attrs.evolve(BO, email="old@example.org")], OFFICE)

    report = attrs.evolve(portal, store=watched(portal.store, add_first)).accounts.sync_contacts([MIA, BO], OFFICE)

    assert [item.action.value for item in report] == ["unchanged", "refresh"]
    assert portal.account("n-2").contact == BO
    assert portal.kinds("n-1") == ["user_created no_username"]


def test_a_user_name_taken_in_between_is_one_row_s_result(portal: Portal) -> None:
    """R18: the store has the last word on user names; who lost one since the plan is added without it, flagged."""
    plan = portal.accounts.plan_sync([MIA, BO], OFFICE, usernames={"n-1": "mia", "n-2": "bo"})
    portal.accounts.rename("c-1", OFFICE, username="MIA")
    assert rows(portal.accounts.apply_sync(plan)) == [(SyncAction.ADD, SyncReason.USERNAME_TAKEN), ADD]
    assert (portal.account("n-1").contact, portal.account("n-1").username) == (MIA, None)
    assert portal.kinds("n-1") == ["user_created username_taken"]


def test_a_sign_in_in_between_is_not_undone(portal: Portal) -> None:
    """R3, R6: a name is refreshed on the account as it is now, its new ticket included."""
    default = issued(portal)
    raced: list[str] = []

    def sign_in(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not raced:
            raced.append(name)
            portal.sign_ins.sign_in("rabbiatici", default)

    moved = attrs.evolve(ROSA, email="new@example.org")
    report = attrs.evolve(portal, store=watched(portal.store, sign_in)).accounts.sync_contacts([moved], OFFICE)

    assert rows(report) == [REFRESH]
    assert portal.account("c-1").credential.ticket_digest is not None
    assert portal.account("c-1").contact == moved


def test_an_account_that_keeps_changing_is_given_up(portal: Portal) -> None:
    """R3: one row says so, and the others are written."""
    rounds: list[int] = []

    def move(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            rounds.append(len(arguments[0]))
            portal.accounts.rename("c-1", OFFICE, username=f"rosa{len(rounds)}")

    moved = attrs.evolve(ROSA, email="new@example.org")
    report = attrs.evolve(portal, store=watched(portal.store, move)).accounts.sync_contacts([moved, MIA], OFFICE)

    assert rows(report) == [cannot(SyncReason.KEPT_CHANGING), (SyncAction.ADD, SyncReason.NO_USERNAME)]
    assert rounds == [2, 1, 1, 1]


@pytest.mark.parametrize("method", ["find_many", "apply"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [(UNAVAILABLE, SyncReason.STORE_UNAVAILABLE), (StoreError("x", "42501"), SyncReason.STORE_REFUSED)],
    ids=["away", "refusing"],
)
def test_a_store_that_fails_costs_a_row_or_the_rest(
    portal: Portal, method: str, error: Exception, reason: SyncReason
) -> None:
    """R21: one bad row costs that row; after an outage the store is not asked again; another sync does the rest."""
    asked: list[str] = []
    contacts = [Contact(contact_id=ContactId(f"m-{n}"), last_name="M") for n in range(501)]
    plan = portal.accounts.plan_sync(contacts, OFFICE)

    def is_first(each: Any) -> bool:
        return (each if isinstance(each, str) else each.new.contact_id) == "m-0"

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if when == "before":
            asked.append(name)
        if (when, name) == ("before", method) and any(is_first(each) for each in arguments[0]):
            raise error

    report = attrs.evolve(portal, store=watched(portal.store, fail)).accounts.apply_sync(plan)

    told = rows(report)
    one_by_one = reason is SyncReason.STORE_REFUSED
    assert told[0] == cannot(reason)
    assert told[1:500] == ([(SyncAction.ADD, SyncReason.NO_USERNAME)] if one_by_one else [cannot(reason)]) * 499
    assert told[500] == ((SyncAction.ADD, SyncReason.NO_USERNAME) if one_by_one else cannot(reason))
    if not one_by_one:
        assert asked == ["find_many", "apply"][: 1 if method == "find_many" else 2]
    again = portal.accounts.sync_contacts(contacts, OFFICE)
    assert again.count(SyncAction.CANNOT) == 0


def test_a_transaction_of_the_host_s_that_is_gone_comes_out(portal: Portal) -> None:
    """R20: the host has to roll back and run the sync again."""

    def abort(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "apply":
            raise TransactionAborted("apply", "40001")

    with pytest.raises(TransactionAborted):
        attrs.evolve(portal, store=watched(portal.store, abort)).accounts.sync_contacts([MIA], OFFICE)


# -- what is shown


def test_rows_are_counted_and_listed(portal: Portal) -> None:
    """R24: records have names for a table; reprs have counts and none."""
    plan = portal.accounts.plan_sync([MIA, PAT, MIA], OFFICE, usernames={"n-1": "mia.li"})

    assert len(plan) == 3
    assert plan.count(SyncAction.ADD) == 1
    assert plan.to_records()[0] == {
        "contact_id": "n-1",
        "first_name": "Mia",
        "last_name": "Li",
        "username": "mia.li",
        "action": "add",
        "reason": None,
    }
    assert plan.to_records()[2]["reason"] == "listed_twice"
    assert repr(plan) == "<SyncPlan of 3 contacts (add: 1, unchanged: 1, cannot: 1; listed_twice: 1)>"
    assert repr(portal.accounts.sync_contacts([], OFFICE)) == "<SyncReport of 0 contacts (nothing)>"


@pytest.mark.parametrize("of", [SyncPlan, SyncReport, SyncItem])
def test_no_repr_says_a_name(portal: Portal, of: type) -> None:
    """R14, R24: neither plan, report nor row prints a name, an address or a user name."""
    made: dict[type, Callable[[], object]] = {
        SyncPlan: lambda: portal.accounts.plan_sync([MIA], OFFICE, usernames={"n-1": "mia.li"}),
        SyncReport: lambda: portal.accounts.sync_contacts([MIA], OFFICE, usernames={"n-1": "mia.li"}),
        SyncItem: lambda: portal.accounts.plan_sync([MIA], OFFICE, usernames={"n-1": "mia.li"}).items,
    }
    told = repr(made[of]())
    for text in ("Mia", "Li'", "mia.li", "example.org"):
        assert text not in told


def test_the_record_of_a_sync_holds_no_personal_data(portal: Portal) -> None:
    """R14, R17: adding and refreshing are on record by id."""
    portal.accounts.sync_contacts([MIA], OFFICE, usernames={"n-1": "mia.li"})
    portal.accounts.sync_contacts([attrs.evolve(MIA, last_name="Moved")], OFFICE)
    lines = "\n".join(event.line() for event in portal.store.events(MIA.contact_id))
    for text in ("Mia", "Li", "mia.li", "example.org", "Moved"):
        assert text not in lines


def test_a_notebook_shows_a_sync(portal: Portal) -> None:
    """R24: plan and report are tables with the names that the operator synced."""
    plan = portal.accounts.plan_sync([MIA], OFFICE)
    assert str(MIA.last_name) in plan._repr_html_()
    assert str(MIA.last_name) not in repr(plan)
