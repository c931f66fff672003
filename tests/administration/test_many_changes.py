"""Steps on many accounts: planned, confirmed, carried out, and resumed by their key."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from portal import FAMILY, GOOD_PASSWORD, NOBODY, OFFICE, USERNAMES, Portal, settled, watched
from portalcreds.administration import AccountChange, ChangeOutcome, ChangePlan
from portalcreds.administration.steps import STEPS
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.plans import PlanChanged
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn

ALL = [contact.contact_id for contact in FAMILY]


def plan(portal: Portal, change: AccountChange, ids: list[ContactId] | None = None, **options: Any) -> ChangePlan:
    """Return the plan of the office."""
    return portal.accounts.plan_change(ALL if ids is None else ids, OFFICE, change=change, **options)


def rows(table: Any) -> list[tuple[str, str | None]]:
    """Return what is, or was, done with each contact, and why."""
    return [(row.kind.value, None if row.reason is None else row.reason.value) for row in table]


@pytest.mark.parametrize("change", AccountChange)
def test_a_plan_writes_nothing_and_the_report_says_what_the_plan_said(portal: Portal, change: AccountChange) -> None:
    """R11, R17: each account is changed once, with one event that names the key, the count and the time of OK."""
    for contact_id in ALL:
        settled(portal, contact_id) if contact_id in ("c-1", "c-2") else None
    if change is AccountChange.ENABLE:
        for contact_id in ALL:
            portal.accounts.disable(contact_id, OFFICE)
    reason = "compromised" if change is AccountChange.REQUIRE_CHANGE else None
    before = portal.store.find_many(ALL), len(portal.store.events())
    made = plan(portal, change, reason=reason)
    assert (portal.store.find_many(ALL), len(portal.store.events())) == before

    confirmed = made.confirm(OFFICE, fingerprint=made.fingerprint, key="k-1")
    assert not isinstance(confirmed, PlanChanged)
    seen: list[str] = []
    report = portal.accounts.apply_change(confirmed, progress=lambda result: seen.append(result.item.contact_id))

    if change is AccountChange.REQUIRE_CHANGE:
        no_password = ("cannot", "no_password")
        assert rows(made) == [("will_change", None)] * 2 + [no_password] * 2
        assert rows(report) == [("changed", None)] * 2 + [no_password] * 2
    else:
        assert rows(made) == [("will_change", None)] * 4
        assert rows(report) == [("changed", None)] * 4
    assert report.is_complete
    assert seen == ALL
    changed = ALL[: report.count(ChangeOutcome.CHANGED)]
    done = STEPS[change].kind
    events = [event for event in portal.store.events() if event.operation_id == "k-1" and event.kind is done]
    assert [event.contact_id for event in events] == changed
    assert {(event.count, event.confirmed_at, event.reason) for event in events} == {
        (len(changed), portal.clock(), reason)
    }
    again = plan(portal, change, reason=reason).confirm(OFFICE, key="k-1")
    versions = portal.store.find_many(ALL)
    resumed = portal.accounts.apply_change(again)
    assert not resumed.count(ChangeOutcome.CHANGED)
    assert portal.store.find_many(ALL) == versions


def test_what_each_change_does_is_what_the_single_step_does(portal: Portal) -> None:
    """Disabled is disabled, a demanded change is demanded, and the password that is kept is kept."""
    settled(portal)
    portal.accounts.apply_change(plan(portal, AccountChange.END_SESSIONS, ALL[:1]).confirm(OFFICE))
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    demand = plan(portal, AccountChange.REQUIRE_CHANGE, ALL[:1], reason="leaked")
    portal.accounts.apply_change(demand.confirm(OFFICE))
    demanded = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(demanded, PasswordChangeRequired)
    assert demanded.reason == "leaked"
    for _ in range(12):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    assert portal.accounts.limits_on("c-1", OFFICE)
    portal.accounts.apply_change(plan(portal, AccountChange.UNLOCK, ALL[:1]).confirm(OFFICE))
    assert portal.accounts.limits_on("c-1", OFFICE) == ()
    portal.accounts.apply_change(plan(portal, AccountChange.DISABLE).confirm(OFFICE))
    assert not any(account.is_active for account in portal.store.find_many(ALL).values())


def test_an_account_that_changed_since_the_plan_is_left_alone(portal: Portal) -> None:
    """R11: what the operator saw is no more; a page that was shown before says so at OK."""
    made = plan(portal, AccountChange.DISABLE)
    settled(portal, "c-1")
    assert isinstance(plan(portal, AccountChange.DISABLE).confirm(OFFICE, fingerprint=made.fingerprint), PlanChanged)
    report = portal.accounts.apply_change(made.confirm(OFFICE))
    assert rows(report) == [("skipped", "changed_meanwhile")] + [("changed", None)] * 3
    assert portal.account("c-1").is_active


def test_what_is_so_already_or_cannot_be_is_said(portal: Portal) -> None:
    """Nobody, the erased and the disabled are rows with a reason, and no account of theirs is written."""
    portal.accounts.disable("c-1", OFFICE)
    portal.accounts.erase("c-2", OFFICE)
    ids = [*ALL[:3], ContactId("nobody")]
    said = [("skip", "already_so"), ("cannot", "erased"), ("will_change", None), ("cannot", "no_account")]
    assert rows(plan(portal, AccountChange.DISABLE, ids)) == said
    assert rows(plan(portal, AccountChange.ERASE, ids))[1] == ("skip", "already_so")


@pytest.mark.parametrize("change", AccountChange)
def test_each_account_takes_its_privilege_in_the_plan_and_at_ok(portal: Portal, change: AccountChange) -> None:
    """R16: one's own, a higher-ranked one's, and without the privilege: refused row by row, asked again at the end."""
    parent = Operator(operator_id="office", contact_id=ContactId("c-1"))
    ranked = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact_id == "c-2")
    reason = "x" if change is AccountChange.REQUIRE_CHANGE else None
    there = portal.with_parts(authorizer=ranked).accounts
    told = rows(there.plan_change(ALL, parent, change=change, reason=reason))
    assert told[:2] == [("cannot", "not_permitted")] * 2
    assert ("cannot", "not_permitted") not in told[2:]
    made = portal.accounts.plan_change(ALL, OFFICE, change=change, reason=reason)
    before = portal.store.find_many(ALL)
    report = portal.accounts.apply_change(made.confirm(NOBODY))
    assert not report.count(ChangeOutcome.CHANGED)
    assert portal.store.find_many(ALL) == before


def test_a_plan_of_wrong_terms_is_refused(portal: Portal) -> None:
    """R23: a reason where none belongs, none where one does, an id twice, and a plan that somebody altered."""
    with pytest.raises(InvalidValueError):
        plan(portal, AccountChange.DISABLE, reason="x")
    with pytest.raises(InvalidValueError):
        plan(portal, AccountChange.REQUIRE_CHANGE)
    with pytest.raises(InvalidValueError):
        plan(portal, AccountChange.DISABLE, [*ALL, ALL[0]])
    confirmed = plan(portal, AccountChange.UNLOCK).confirm(OFFICE)
    altered = attrs.evolve(confirmed, plan=attrs.evolve(confirmed.plan, change=AccountChange.ERASE))
    with pytest.raises(ConfigurationError):
        portal.accounts.apply_change(altered)


def test_a_row_that_fails_and_a_cancel_are_told(memory_portal: Portal) -> None:
    """R12: who was not reached is said, and a plan that ran out is not complete."""
    made = plan(memory_portal, AccountChange.DISABLE)
    report = memory_portal.accounts.apply_change(made.confirm(OFFICE), cancel=lambda: True)
    assert rows(report) == [("not_reached", None)] * 4
    assert not report.is_complete
    last = memory_portal.store.events()[-1]
    assert (last.kind, last.operator_id, last.count, last.operation_id) == (
        "operation_cancelled",
        "office",
        4,
        report.key,
    )

    def touch(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            count.append(name)
            email = attrs.evolve(FAMILY[0], email=f"{len(count)}@example.org")
            memory_portal.accounts.sync_contacts([email], OFFICE)

    count: list[str] = []
    racing = attrs.evolve(memory_portal, store=watched(memory_portal.store, touch)).accounts
    assert rows(racing.apply_change(made.confirm(OFFICE)))[0] == ("failed", "kept_changing")


def test_who_is_absent_from_a_roster(portal: Portal) -> None:
    """Whoever was in the roster is present, even if the row could not be synced; the erased and hidden are left out."""
    portal.accounts.erase("c-3", OFFICE)
    newcomer = Contact(contact_id=ContactId("n-1"), last_name="Li")
    synced = portal.accounts.sync_contacts([FAMILY[0], newcomer], OFFICE, usernames={"n-1": ""})
    assert set(portal.accounts.select_absent(synced, OFFICE)) == {"c-2", "c-4"}
    assert "sensitive_read.username selection" in portal.kinds(None)
    assert portal.accounts.select_absent(synced, NOBODY) == ()
    with pytest.raises(InvalidValueError) as refused:
        portal.accounts.select_absent(synced, OFFICE, at_most=1)
    assert refused.value.field == "at_most"


def test_no_plan_of_a_change_and_no_report_shows_what_takes_a_privilege_to_see(portal: Portal) -> None:
    """R14, R16: neither names nor user names nor hashes are in a plan, its records, its report, or the record."""
    kept = settled(portal).credential.password_hash
    assert kept is not None
    made = plan(portal, AccountChange.DISABLE)
    report = portal.accounts.apply_change(made.confirm(OFFICE))
    events = [event.line() for event in portal.store.events()]
    shown = f"{made!r}{made.to_records()}{list(made)}{report!r}{report.to_records()}{list(report)}{events}"
    for text in (*USERNAMES.values(), "Abbiatici", "rosa@", kept.encoded):
        assert text not in shown
