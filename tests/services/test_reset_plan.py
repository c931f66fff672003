"""What a plan says, what it hides, and what pressing OK takes."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import FAMILY, GOOD_PASSWORD, NOBODY, OFFICE, START, Portal, cheap_hasher
from portalcreds._html import records_as_html
from portalcreds.accounts import Account, AccountStatus
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import NameTemplate, RandomReadable
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.outcomes import PasswordChangeRequired
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.reset_job import ResetOutcome
from portalcreds.reset_plan import (
    ConfirmedPlan,
    Decision,
    DecisionReason,
    PlanChanged,
    ResetPlan,
    ResetPlanItem,
)
from portalcreds.reset_service import ResetService
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore
from portalcreds.testing._store_samples import add, an_account

EVERYBODY = [contact.contact_id for contact in FAMILY]
SECRETS = ("AbbiaticiR", "O'BrienP", "van der Berga", GOOD_PASSWORD, "argon2")


def snapshot(portal: Portal, contact_ids: Sequence[str] = EVERYBODY) -> tuple[Any, ...]:
    """Return all that is stored of these contacts, and the record."""
    return portal.store.find_many([ContactId(contact_id) for contact_id in contact_ids]), portal.store.events()


def disable(portal: Portal) -> None:
    """Disable Rosa's account."""
    portal.accounts.disable("c-1", OFFICE)


def issue(portal: Portal) -> None:
    """Set Rosa's default."""
    portal.resets.reset_password("c-1", OFFICE)


def choose(portal: Portal) -> None:
    """Let Rosa have a password of her own."""
    issue(portal)
    portal.choose("c-1")


def demand(portal: Portal) -> None:
    """Demand a change of Rosa's password."""
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")


def expire(portal: Portal) -> None:
    """Let Rosa's default expire."""
    issue(portal)
    portal.clock.move(days=14)


def row(portal: Portal, contact_id: str = "c-1", **options: Any) -> ResetPlanItem:
    """Return one contact's row in a plan for two, which is a bulk."""
    items = portal.resets.plan([contact_id, "nobody-there"], OFFICE, **options).items
    assert items[1].decision is Decision.CANNOT
    return items[0]


# -- what is decided


def test_a_plan_writes_nothing(portal: Portal) -> None:
    """R11: no account is another one for having planned, whatever the plan says; that somebody looked is on record."""
    choose(portal)
    portal.accounts.disable("c-2", OFFICE)
    accounts, events = snapshot(portal)

    plan = portal.resets.plan([*EVERYBODY, "c-9"], OFFICE, replace_chosen=True, reveal=True)
    assert plan.count(Decision.WILL_SET) == 2
    _ = plan.confirmation, plan.fingerprint, plan.to_records(), plan._repr_html_(), repr(plan)
    plan.confirm(OFFICE)
    plan.confirm(OFFICE, fingerprint="another")

    assert snapshot(portal)[0] == accounts
    (looked,) = snapshot(portal)[1][len(events) :]
    assert (looked.kind, looked.operator_id, looked.count, looked.reason, looked.at) == (
        AuditKind.USERNAME_VIEWED,
        "office",
        4,
        "plan",
        START,
    )


def test_a_plan_that_shows_no_user_name_is_no_look_up(portal: Portal) -> None:
    """R17: what was not seen is not on the record as seen."""
    portal.accounts.rename("c-1", OFFICE, username=None)
    before = portal.store.events()

    portal.resets.plan(["c-1", "c-9"], OFFICE)

    assert portal.store.events() == before


def test_a_plan_keeps_the_order_selected(portal: Portal) -> None:
    """R11: the rows are the operator's selection, in the operator's order, over more than one reading."""
    school = portal.add_school(501)
    selected = [*reversed(school), "c-9", "c-2", "c-1"]

    plan = portal.resets.plan(iter(selected), OFFICE)

    assert [item.contact_id for item in plan] == selected
    assert len(plan) == len(plan.items) == 504
    assert [plan.count(decision) for decision in Decision] == [503, 0, 1]


@pytest.mark.parametrize(
    ("prepare", "decision", "reason", "warnings", "status"),
    [
        (lambda p: None, Decision.WILL_SET, None, (), AccountStatus.NEVER_ISSUED),
        (issue, Decision.WILL_SET, None, ("replaces_live_default",), AccountStatus.DEFAULT_LIVE),
        (
            expire,
            Decision.WILL_SET,
            None,
            (),
            AccountStatus.DEFAULT_EXPIRED,
        ),
        (choose, Decision.SKIP, DecisionReason.CHOSE_OWN, (), AccountStatus.SELF_CHOSEN),
        (
            lambda p: [step(p) for step in (choose, demand)],
            Decision.SKIP,
            DecisionReason.CHOSE_OWN,
            (),
            AccountStatus.CHANGE_REQUIRED,
        ),
        (disable, Decision.SKIP, DecisionReason.DISABLED, (), AccountStatus.DISABLED),
        (
            lambda p: p.accounts.erase("c-1", OFFICE),
            Decision.SKIP,
            DecisionReason.DISABLED,
            (),
            AccountStatus.DISABLED,
        ),
        (
            lambda p: p.accounts.rename("c-1", OFFICE, username=None),
            Decision.CANNOT,
            DecisionReason.NO_USERNAME,
            (),
            AccountStatus.NEVER_ISSUED,
        ),
        (
            lambda p: p.accounts.sync_contacts([Contact(contact_id=ContactId("c-1"), last_name="Li")], OFFICE),
            Decision.CANNOT,
            DecisionReason.NOT_DERIVABLE,
            (),
            AccountStatus.NEVER_ISSUED,
        ),
    ],
    ids=[
        "never issued",
        "live",
        "expired",
        "chosen",
        "change required",
        "disabled",
        "erased",
        "no user name",
        "mononym",
    ],
)
def test_each_state_has_its_decision(
    portal: Portal,
    prepare: Callable[[Portal], object],
    decision: Decision,
    reason: DecisionReason | None,
    warnings: tuple[str, ...],
    status: AccountStatus,
) -> None:
    """R11, features 9 and 13: each row of a bulk says what will be done, why not, and the state the contact is in."""
    prepare(portal)
    before = snapshot(portal)[0]

    item = row(portal)

    assert (item.decision, item.reason, item.warnings, item.status) == (decision, reason, warnings, status)
    assert item.epoch == portal.account("c-1").credential.epoch
    assert snapshot(portal)[0] == before


def test_a_contact_without_an_account_is_a_row_and_not_an_error(portal: Portal) -> None:
    """Features 15: who was never added is reported among the others, with nothing to show but the id."""
    (item,) = portal.resets.plan(["c-9"], OFFICE)

    assert item == ResetPlanItem(
        contact_id=ContactId("c-9"), decision=Decision.CANNOT, reason=DecisionReason.NO_ACCOUNT
    )
    assert item.name == "c-9"


@pytest.mark.parametrize(
    ("replace", "many", "expected"),
    [
        (None, False, Decision.WILL_SET),
        (True, False, Decision.WILL_SET),
        (False, False, Decision.SKIP),
        (None, True, Decision.SKIP),
        (True, True, Decision.WILL_SET),
        (False, True, Decision.SKIP),
    ],
)
def test_whether_a_chosen_password_is_replaced(
    portal: Portal, replace: bool | None, many: bool, expected: Decision
) -> None:
    """Features 10: a bulk leaves chosen passwords be unless told; one contact was picked because it was forgotten."""
    choose(portal)

    item = portal.resets.plan(["c-1", "c-2"] if many else ["c-1"], OFFICE, replace_chosen=replace).items[0]

    assert item.decision is expected
    assert item.warnings == (("replaces_chosen",) if expected is Decision.WILL_SET else ())


def test_an_imported_password_is_left_be_like_a_chosen_one(memory_portal: Portal) -> None:
    """Features 10: a hash from another system is a password that its owner knows."""
    account = memory_portal.account("c-1")
    credential = attrs.evolve(account.credential, origin="imported", password_hash=memory_portal.chosen_hash("x" * 20))
    memory_portal.store._accounts[ContactId("c-1")] = attrs.evolve(account, credential=credential)  # type: ignore[attr-defined]  # No service imports yet.

    assert row(memory_portal).reason is DecisionReason.CHOSE_OWN
    assert row(memory_portal, replace_chosen=True).warnings == ("replaces_chosen",)
    assert row(memory_portal).status is AccountStatus.IMPORTED


def test_a_strategy_s_warnings_stand_in_the_row(portal: Portal) -> None:
    """Features 3: what makes a default hard to type is said before OK, beside the plan's own warnings."""
    blank = Contact(contact_id=ContactId("c-1"), first_name="Rosa ", last_name=" Abbiatici")
    portal.accounts.sync_contacts([blank], OFFICE)
    issue(portal)

    assert row(portal).warnings == ("outer_blanks_removed", "replaces_live_default")


# -- who may see and set what


def test_what_is_not_permitted_shows_nothing(portal: Portal) -> None:
    """R16: a plan tells whoever may not set a password no name, no user name, and not whether a default is live."""
    issue(portal)

    plan = portal.resets.plan(EVERYBODY, NOBODY)

    assert plan.items == tuple(
        ResetPlanItem(contact_id=contact_id, decision=Decision.CANNOT, reason=DecisionReason.NOT_PERMITTED)
        for contact_id in EVERYBODY
    )


def test_refusals_of_a_plan_are_on_the_record(portal: Portal) -> None:
    """R16, R17: one line for each account refused, and no other, and nothing about contacts without an account."""
    before = len(portal.store.events())
    portal.resets.plan(["c-2", "c-9", "c-1"], NOBODY)

    events = portal.store.events()[before:]
    assert sorted(str(event.contact_id) for event in events) == ["c-1", "c-2"]
    assert {(e.kind, e.operator_id, e.reason) for e in events} == {(AuditKind.PRIVILEGE_DENIED, "nobody", "set_many")}


def test_setting_one_and_setting_many_are_two_privileges(portal: Portal) -> None:
    """R16: a class teacher who may set one password may not set the school's."""
    teacher, batch = Operator(operator_id="teacher"), Operator(operator_id="batch")
    grants = Grants(privileges={"teacher": [Privilege.SET_ONE], "batch": [Privilege.SET_MANY]})
    resets = portal.with_parts(authorizer=grants).resets

    def decided(contact_ids: list[str], operator: Operator) -> set[DecisionReason | None]:
        return {item.reason for item in resets.plan(contact_ids, operator)}

    assert decided(["c-1"], teacher) == decided(["c-1", "c-2"], batch) == {None}
    assert decided(["c-1"], batch) == decided(["c-1", "c-2"], teacher) == {DecisionReason.NOT_PERMITTED}


def test_a_user_name_is_shown_to_who_may_see_user_names(portal: Portal) -> None:
    """R16: who may set passwords without seeing user names gets names and no user name, in no place."""
    grants = Grants(privileges={"office": [Privilege.SET_ONE, Privilege.SET_MANY]})
    plan = portal.with_parts(authorizer=grants).resets.plan(["c-1"], OFFICE)

    assert plan.items[0].username is None
    assert plan.items[0].name == "Rosa Abbiatici"
    assert plan.confirmation.parameters["username"] == ""
    shown = f"{plan.to_records()}{plan._repr_html_()}{plan.confirmation.text}{plan.confirmation.parameters}"
    assert "rabbiatici" not in shown
    assert "rabbiatici" in portal.resets.plan(["c-1"], OFFICE).confirmation.text


def test_seeing_user_names_is_asked_account_by_account(portal: Portal) -> None:
    """R16: of a bulk, each user name is shown or not by itself."""

    def only_pat(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [privilege is not Privilege.VIEW_USERNAMES or account.contact_id == "c-2" for account in accounts]

    plan = portal.with_parts(authorizer=only_pat).resets.plan(["c-3", "c-2", "c-1"], OFFICE)
    assert [item.username for item in plan] == [None, "PObrien", None]


def test_one_s_own_account_is_refused(portal: Portal) -> None:
    """R16: an operator who is a parent too cannot set their own password, alone or in a bulk."""
    parent = Operator(operator_id="office", contact_id=ContactId("c-1"))

    assert portal.resets.plan(["c-1"], parent).items[0].reason is DecisionReason.NOT_PERMITTED
    plan = portal.resets.plan(["c-1", "c-2"], parent)
    assert [item.decision for item in plan] == [Decision.CANNOT, Decision.WILL_SET]


def test_a_bulk_asks_the_authorizer_once_for_many(portal: Portal) -> None:
    """R16: one question for each privilege and reading, not for each contact."""
    school = portal.add_school(501)
    asked: list[tuple[Privilege, int]] = []

    def counting(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        asked.append((privilege, len(accounts)))
        return [True] * len(accounts)

    portal.with_parts(authorizer=counting).resets.plan(school, OFFICE, reveal=True)

    kinds = (Privilege.SET_MANY, Privilege.REVEAL, Privilege.VIEW_USERNAMES)
    assert asked == [(kind, 500) for kind in kinds] + [(kind, 1) for kind in kinds]


def test_revealing_takes_a_privilege_of_its_own(portal: Portal) -> None:
    """R15, R16: who may set but not see passwords gets a refusal for the reveal, on the record."""
    grants = Grants(privileges={"office": [Privilege.SET_ONE]})
    resets = portal.with_parts(authorizer=grants).resets

    assert resets.plan(["c-1"], OFFICE).items[0].decision is Decision.WILL_SET
    (item,) = resets.plan(["c-1"], OFFICE, reveal=True)
    assert (item.decision, item.reason) == (Decision.CANNOT, DecisionReason.REVEAL_NOT_PERMITTED)
    assert portal.kinds("c-1")[-1] == "authz_fail reveal"


# -- what is refused


@pytest.mark.parametrize(
    ("contact_ids", "mend"),
    [
        ("c-1", "list of ids"),
        ("", "list of ids"),
        (["c-1", "c-2", "c-1"], "once"),
        (["c-1", 7], "text"),
        ([None], "text"),
        ([b"c-1"], "text"),
        (b"c-1", "text"),
        ([["c-1"]], "text"),
    ],
)
def test_a_selection_that_cannot_be_meant_is_refused(portal: Portal, contact_ids: Any, mend: str) -> None:
    """Features 10, R23: no contact twice, no text taken for a list of letters, no number for an id."""
    with pytest.raises(InvalidValueError, match=mend) as caught:
        portal.resets.plan(contact_ids, OFFICE)
    assert caught.value.field == "contact_ids"


def test_max_affected_bounds_the_selection(portal: Portal) -> None:
    """R12, features 10: the bound itself is inside, one more is refused before anything is read."""
    assert len(portal.resets.plan(EVERYBODY, OFFICE, max_affected=4)) == 4
    with pytest.raises(InvalidValueError, match="at most 3"):
        portal.resets.plan(EVERYBODY, OFFICE, max_affected=3)
    with pytest.raises(InvalidValueError, match="at most 0"):
        portal.resets.plan(["c-9"], OFFICE, max_affected=0)


def test_the_services_own_bound_cannot_be_raised(memory_portal: Portal) -> None:
    """R12: what the service was constructed with bounds every plan, and every confirmed plan from elsewhere."""
    portal = memory_portal
    bounded = attrs.evolve(portal.resets, max_affected=2)
    assert len(bounded.plan(EVERYBODY[:2], OFFICE, max_affected=9)) == 2
    with pytest.raises(InvalidValueError, match="at most 2"):
        bounded.plan(EVERYBODY[:3], OFFICE, max_affected=9)
    with pytest.raises(InvalidValueError, match="at most 1"):
        bounded.plan(EVERYBODY[:2], OFFICE, max_affected=1)
    with pytest.raises(ConfigurationError, match="at most 2"):
        bounded.apply(portal.resets.plan(EVERYBODY[:3], OFFICE).confirm(OFFICE))
    with pytest.raises(ConfigurationError, match="at least 1"):
        attrs.evolve(portal.resets, max_affected=0)


def test_many_need_a_store_that_commits(tmp_path: Path) -> None:
    """R20: a store in the host's transaction is refused at construction, unless one password at a time is all."""
    file = tmp_path / "portal.db"
    with DBAPIAccountStore.open_sqlite(file) as store, closing(sqlite3.connect(file)) as host:
        borrowed = BorrowedDBAPIAccountStore(host.cursor, dialect="sqlite")
        parts: dict[str, Any] = {"hasher": cheap_hasher(), "authorizer": Grants(privileges={"office": list(Privilege)})}
        for bound in (None, 2):
            with pytest.raises(ConfigurationError, match="max_affected=1"):
                ResetService(borrowed, max_affected=bound, **parts)
        add(store, an_account("1", "rosa"))
        resets = ResetService(borrowed, max_affected=1, **parts)
        assert resets.reset_password("1", OFFICE).outcome == ResetOutcome.SET
        host.rollback()
        assert store.events() == ()
        assert resets.reset_password("1", OFFICE).outcome == ResetOutcome.SET
        host.commit()
        assert store.events("1")[-1].kind == AuditKind.PASSWORD_ISSUED


@pytest.mark.parametrize(
    "expires_at",
    [
        START,
        START - timedelta(microseconds=1),
        START.replace(tzinfo=None) + timedelta(days=1),
        datetime.fromisoformat("2026-09-01T00:00:00+02:00"),
        START + timedelta(days=366, microseconds=1),
    ],
    ids=["now", "past", "naive", "not UTC", "more than a year"],
)
def test_an_expiry_has_to_be_an_instant_to_come(portal: Portal, expires_at: datetime) -> None:
    """R5: a default that is dead when it is set, dies at a time nobody can tell, or lives for good, is refused."""
    with pytest.raises(InvalidValueError) as caught:
        portal.resets.plan(["c-1"], OFFICE, expires_at=expires_at)
    assert caught.value.field == "expires_at"


def test_a_drawing_strategy_takes_a_reveal(portal: Portal) -> None:
    """R15: passwords that nobody could ever know are not set."""
    resets = portal.with_parts(strategy=RandomReadable()).resets

    with pytest.raises(InvalidValueError) as caught:
        resets.plan(["c-1"], OFFICE)
    assert caught.value.field == "reveal"
    assert resets.plan(["c-1"], OFFICE, reveal=True).items[0].decision is Decision.WILL_SET


def test_nobody_selected_is_a_plan_with_nothing_to_set(portal: Portal) -> None:
    """R11: an empty selection is a value, with a message that says so."""
    plan = portal.resets.plan([], OFFICE)

    assert len(plan) == 0
    assert plan.confirmation.code == "nothing_to_set"
    assert plan._repr_html_() == "<p>nothing</p>"
    assert portal.resets.apply(plan.confirm(OFFICE)).run().is_complete


# -- what is shown, and what is not


def test_names_are_shown_on_purpose_only(portal: Portal) -> None:
    """R14, R24: no name and no user name in any repr; in records and in a notebook, what the operator may see."""
    choose(portal)
    plan = portal.resets.plan(["c-1", "c-2"], OFFICE, replace_chosen=True)
    stale = plan.confirm(OFFICE, fingerprint="other")
    reprs = f"{plan!r}{plan}{plan.items!r}{plan.confirm(OFFICE)!r}{plan.confirmation!r}{stale!r}"

    for text in ("Rosa", "Abbiatici", "rabbiatici", "Brien"):
        assert text not in reprs
    assert repr(plan) == "<ResetPlan of 2 contacts (will_set: 2, skip: 0, cannot: 0)>"
    assert plan.to_records()[0] == {
        "contact_id": "c-1",
        "first_name": "Rosa",
        "last_name": "Abbiatici",
        "username": "rabbiatici",
        "status": "self_chosen",
        "decision": "will_set",
        "reason": None,
        "warnings": "replaces_chosen",
    }
    for text in ("Rosa", "Abbiatici", "rabbiatici", "O&#x27;Brien"):
        assert text in plan._repr_html_()


def test_no_password_is_anywhere_in_a_plan(portal: Portal) -> None:
    """R14, features 11: a plan and its message hold no plaintext and no hash, though they say what will be set."""
    choose(portal)
    plan = portal.resets.plan(EVERYBODY, OFFICE, replace_chosen=True, reveal=True)
    one = portal.resets.plan(["c-1"], OFFICE, reveal=True)

    told = [plan._repr_html_(), one._repr_html_()]
    for each in (plan, one):
        told += [repr(attrs.asdict(each)), repr(each.to_records()), each.confirmation.text, each.fingerprint]
        told += [repr(attrs.asdict(each.confirmation)), repr(attrs.asdict(each.confirm(OFFICE)))]
        told.append(pickle.dumps(each.confirm(OFFICE)).decode("latin-1"))
    for secret in SECRETS:
        assert not [text for text in told if secret in text]


def test_a_name_is_no_markup(portal: Portal) -> None:
    """R24: what a contact is called is shown, and not run, in a notebook."""
    evil = Contact(contact_id=ContactId("<b>1"), first_name='"><img src=x>', last_name="<script>alert(1)</script>")
    portal.accounts.sync_contacts([evil], OFFICE, usernames={"<b>1": "<i>u&amp;"})

    shown = portal.resets.plan(["<b>1"], OFFICE)._repr_html_()

    for tag in ("<script", "<img", "<b>", "<i>"):
        assert tag not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "&lt;i&gt;u&amp;amp;" in shown


def test_a_notebook_shows_the_first_rows_and_says_how_many_more(portal: Portal) -> None:
    """R24: a district's plan does not fill the page."""
    shown = portal.resets.plan(portal.add_school(23), OFFICE)._repr_html_()

    assert shown.count("<tr>") == 21
    assert "Parent0019" in shown
    assert "Parent0020" not in shown
    assert "3 more" in shown
    assert "more" not in records_as_html([{"a": None}] * 20)


# -- the message


def test_the_message_for_one(portal: Portal) -> None:
    """Features 11: whom, until when, and that a password of their own goes: what OK is pressed on, as data too."""
    choose(portal)
    message = portal.resets.plan(["c-1"], OFFICE).confirmation

    assert message.code == "confirm_set_one"
    assert message.parameters == {
        "set": 1,
        "skipped": 0,
        "cannot": 0,
        "replaces_chosen": 1,
        "reveal": 0,
        "strategy": "last-name-first-initial",
        "lifetime_seconds": 14 * 86_400,
        "contact_id": "c-1",
        "name": "Rosa Abbiatici",
        "username": "rabbiatici",
    }
    for words in ("Rosa Abbiatici (user name rabbiatici)", "14 days", "chose will stop working", "changed"):
        assert words in message.text


def test_the_message_for_one_without_a_password_of_their_own(portal: Portal) -> None:
    """Features 11: nothing is said to stop working that does not."""
    assert "stop working" not in portal.resets.plan(["c-1"], OFFICE).confirmation.text


def test_the_message_for_many(portal: Portal) -> None:
    """Features 10 and 11: how many of how many, how many own passwords go, how many are left out and why; no names."""
    choose(portal)
    portal.accounts.disable("c-3", OFFICE)
    message = portal.resets.plan(EVERYBODY, OFFICE, replace_chosen=True).confirmation

    assert message.code == "confirm_set_many"
    assert {name: message.parameters[name] for name in ("set", "skipped", "cannot", "replaces_chosen")} == {
        "set": 2,
        "skipped": 1,
        "cannot": 1,
        "replaces_chosen": 1,
    }
    assert "2 of 4 contacts" in message.text
    assert "1 of them chose" in message.text
    assert "1 skipped, 1 cannot be set" in message.text
    assert "Rosa" not in f"{message.text}{message.parameters}"


def test_the_message_says_that_passwords_will_be_shown(portal: Portal) -> None:
    """R15: whoever presses OK knows that the screen will show what nobody else may see."""
    one, many = (portal.resets.plan(ids, OFFICE, reveal=True).confirmation for ids in (["c-1"], ["c-1", "c-2"]))
    assert "It will be shown once, now." in one.text
    assert "The passwords will be shown once, now." in many.text
    assert one.parameters["reveal"] == 1
    assert portal.resets.plan([], OFFICE).confirmation.text == "Nobody is selected."


def test_the_message_for_many_says_nothing_of_what_is_not(portal: Portal) -> None:
    """Features 11: with nobody left out and nothing replaced the message is short."""
    text = portal.resets.plan(["c-1", "c-2"], OFFICE).confirmation.text
    assert "Left out" not in text
    assert "chose" not in text


@pytest.mark.parametrize("contact_ids", [["c-4"], ["c-4", "c-9"], ["c-9"]])
def test_the_message_if_nothing_can_be_set(portal: Portal, contact_ids: list[str]) -> None:
    """Features 11: a portal can tell that there is nothing to press OK on, whether for one or for many."""
    message = portal.resets.plan(contact_ids, OFFICE).confirmation

    assert message.code == "nothing_to_set"
    assert f"{len(contact_ids)} cannot" in message.text
    assert message.parameters["set"] == 0


def test_the_message_with_an_absolute_expiry(portal: Portal) -> None:
    """R5: where the operator gave an instant, the message says the instant and not the lifetime."""
    expires_at = START + timedelta(days=3)
    message = portal.resets.plan(["c-1"], OFFICE, expires_at=expires_at).confirmation

    assert "until 2026-08-27 07:30+00:00" in message.text
    assert "days" not in message.text
    assert message.parameters["expires_at"] == expires_at.isoformat()


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        (timedelta(days=14), "for 14 days"),
        (timedelta(days=2), "for 2 days"),
        (timedelta(days=1), "for 24 hours"),
        (timedelta(hours=36), "for 36 hours"),
        (timedelta(hours=1), "for 60 minutes"),
        (timedelta(minutes=1), "for a minute"),
    ],
    ids=str,
)
def test_the_message_says_a_lifetime_that_is_so(portal: Portal, lifetime: timedelta, words: str) -> None:
    """Features 11: no default "works for 0 days"."""
    text = portal.with_parts(lifetime=lifetime).resets.plan(["c-1"], OFFICE).confirmation.text

    assert words in text
    assert "for 0" not in text


# -- the fingerprint and OK


def test_a_fingerprint_is_the_same_for_the_same_plan(portal: Portal) -> None:
    """Design 6: a plan made anew in another request, at another time, of the same world has the same."""
    choose(portal)
    first = portal.resets.plan(EVERYBODY, OFFICE).fingerprint
    portal.clock.move(hours=1)

    assert portal.with_parts().resets.plan(tuple(EVERYBODY), OFFICE).fingerprint == first
    assert len(first) == 64
    assert int(first, 16) >= 0


def test_a_fingerprint_tells_what_the_operator_did_not_see(portal: Portal) -> None:
    """Design 6: ids, order, epochs, decisions, reasons, strategy, expiry and reveal each make another fingerprint."""
    portal.resets.reset_password("c-3", OFFICE)
    resets = portal.resets
    later = START + timedelta(days=1)
    seen = {
        resets.plan(["c-1", "c-2"], OFFICE).fingerprint,
        resets.plan(["c-2", "c-1"], OFFICE).fingerprint,
        resets.plan(["c-1"], OFFICE).fingerprint,
        resets.plan(["c-1", "c-2", "c-9"], OFFICE).fingerprint,
        resets.plan(["c-1", "c-2"], OFFICE, reveal=True).fingerprint,
        resets.plan(["c-1", "c-2"], OFFICE, expires_at=later).fingerprint,
        resets.plan(["c-1", "c-2"], OFFICE, expires_at=later + timedelta(seconds=1)).fingerprint,
        portal.with_parts(lifetime=timedelta(days=7)).resets.plan(["c-1", "c-2"], OFFICE).fingerprint,
        portal.with_parts(strategy=NameTemplate(template="{last_name}1"))
        .resets.plan(["c-1", "c-2"], OFFICE)
        .fingerprint,
    }
    assert len(seen) == 9
    portal.resets.reset_password("c-1", OFFICE)
    seen.add(resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    portal.accounts.rename("c-2", OFFICE, username=None)
    seen.add(resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    portal.accounts.disable("c-2", OFFICE)
    seen.add(resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    assert len(seen) == 12


plans = st.builds(
    ResetPlan,
    items=st.lists(
        st.builds(
            ResetPlanItem,
            contact_id=st.text(st.sampled_from('ab",[]\n\\ é'), max_size=4).map(ContactId),
            decision=st.sampled_from(Decision),
            reason=st.none() | st.sampled_from(DecisionReason),
            epoch=st.none() | st.integers(0, 3),
        ),
        max_size=4,
    ).map(tuple),
    operator=st.just(OFFICE),
    strategy=st.sampled_from(("a", 'a", 1')),
    lifetime=st.sampled_from((timedelta(1), timedelta(2))),
    expires_at=st.none() | st.just(datetime(2027, 1, 1, tzinfo=UTC)),
    reveal=st.booleans(),
    clock=st.just(lambda: START),
)


@given(plans, plans)
def test_two_plans_share_a_fingerprint_only_if_they_say_the_same(one: ResetPlan, other: ResetPlan) -> None:
    """Design 6: whatever ids hold, no two rows run into each other to look like another selection."""
    assert (one.fingerprint == other.fingerprint) == (one == other)


def test_ok_on_what_was_seen_is_taken(portal: Portal) -> None:
    """Features 11: who pressed OK, when, and on what, with a key of its own."""
    seen = portal.resets.plan(["c-1"], OFFICE)
    portal.clock.move(minutes=3)
    fresh = portal.resets.plan(["c-1"], OFFICE)
    boss = Operator(operator_id="boss")

    confirmed = fresh.confirm(boss, fingerprint=seen.fingerprint)

    assert isinstance(confirmed, ConfirmedPlan)
    assert (confirmed.plan, confirmed.operator) == (fresh, boss)
    assert confirmed.confirmed_at == START + timedelta(minutes=3)
    assert len({confirmed.key, fresh.confirm(boss).key, fresh.confirm(boss).key}) == 3
    assert fresh.confirm(boss, key="job-7").key == "job-7"


def test_ok_on_what_is_no_longer_so_shows_the_plan_again(portal: Portal) -> None:
    """Design 6: the contact chose a password between showing and OK; the operator looks again, and nothing is set."""
    issue(portal)
    seen = portal.resets.plan(["c-1", "c-2"], OFFICE)
    portal.choose("c-1")
    before = snapshot(portal)[0]

    fresh = portal.resets.plan(["c-1", "c-2"], OFFICE)
    answer = fresh.confirm(OFFICE, fingerprint=seen.fingerprint)

    assert answer == PlanChanged(plan=fresh)
    assert fresh.items[0].reason is DecisionReason.CHOSE_OWN
    assert snapshot(portal)[0] == before


@pytest.mark.parametrize("sent", ["", "0" * 64, None], ids=["empty", "other", "form field missing"])
def test_a_fingerprint_that_is_not_the_plan_s_confirms_nothing(portal: Portal, sent: Any) -> None:
    """Design 6: a form that lost its hidden field does not press OK on whatever is there now."""
    assert isinstance(portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE, fingerprint=sent), PlanChanged)


@pytest.mark.parametrize("key", ["", " ", "a b\n", "é", "x" * 65, " a", 7])
def test_a_key_can_stand_in_a_row(portal: Portal, key: Any) -> None:
    """R12: a key that no store could keep is refused at OK, and not when the first password is written."""
    with pytest.raises(InvalidValueError) as caught:
        portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE, key=key)
    assert caught.value.field == "key"


def test_a_default_of_an_old_name_is_told_before_ok(portal: Portal) -> None:
    """R5: a sync that changed the name left the live default working, and the plan and the grid say so."""
    issue(portal)
    portal.clock.move(days=1)
    married = Contact(contact_id=ContactId("c-1"), first_name="Rosa", last_name="Rossi")
    portal.accounts.sync_contacts([married], OFFICE)

    assert row(portal).warnings == ("replaces_live_default", "default_of_old_name")
    (shown,) = portal.accounts.search(OFFICE, username_prefix="rabb").to_records(portal.clock())
    assert shown["warning"] == "default_of_old_name"
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)


@pytest.mark.parametrize(
    "forged",
    [
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, lifetime=timedelta(days=36_500))),
        lambda ok: attrs.evolve(ok, key="a key of\nmany lines"),
        lambda ok: attrs.evolve(ok, confirmed_at=datetime(2026, 8, 24)),
    ],
    ids=["for a century", "no key", "at no instant"],
)
def test_a_confirmed_plan_that_was_altered_is_refused(portal: Portal, forged: Any) -> None:
    """R5, R12: what no confirmation makes is refused before anything is read or written."""
    ok = portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE)
    with pytest.raises(ConfigurationError) as refused:
        portal.resets.apply(forged(ok))
    assert refused.value.argument == "confirmed"
