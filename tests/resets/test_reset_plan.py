"""What a plan decides, who may make one, and what it refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import NOBODY, OFFICE, START, Portal, cheap_hasher
from portalcreds.accounts import Account, AccountStatus
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import RandomReadable
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.resets.plan import Decision, DecisionReason, ResetPlanItem
from portalcreds.resets.report import ResetOutcome
from portalcreds.resets.service import ResetService
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore
from portalcreds.testing._store_samples import add, an_account
from resets.planning import EVERYBODY, choose, issue, row, snapshot


def disable(portal: Portal) -> None:
    """Disable Rosa's account."""
    portal.accounts.disable("c-1", OFFICE)


def demand(portal: Portal) -> None:
    """Demand a change of Rosa's password."""
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")


def expire(portal: Portal) -> None:
    """Let Rosa's default expire."""
    issue(portal)
    portal.clock.move(days=14)


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
    looked, whom, changed = snapshot(portal)[1][len(events) :]
    assert whom.kind is AuditKind.CONTACTS_SHOWN
    assert (changed.kind, changed.operator_id, changed.count, changed.reason) == (
        AuditKind.PLAN_CHANGED,
        "office",
        5,
        "ResetPlan",
    )
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
            Decision.CANNOT,
            DecisionReason.ERASED,
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
    """R11: each row of a bulk says what will be done, why not, and the state the contact is in."""
    prepare(portal)
    before = snapshot(portal)[0]

    item = row(portal)

    assert (item.decision, item.reason, item.warnings, item.status) == (decision, reason, warnings, status)
    assert item.epoch == portal.account("c-1").credential.epoch
    assert snapshot(portal)[0] == before


def test_a_contact_without_an_account_is_a_row_and_not_an_error(portal: Portal) -> None:
    """Who was never added is reported among the others, with nothing to show but the id."""
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
    """A bulk leaves chosen passwords be unless told; one contact was picked because it was forgotten."""
    choose(portal)

    item = portal.resets.plan(["c-1", "c-2"] if many else ["c-1"], OFFICE, replace_chosen=replace).items[0]

    assert item.decision is expected
    assert item.warnings == (("replaces_chosen",) if expected is Decision.WILL_SET else ())


def test_an_imported_password_is_left_be_like_a_chosen_one(memory_portal: Portal) -> None:
    """A hash from another system is a password that its owner knows."""
    account = memory_portal.account("c-1")
    credential = attrs.evolve(account.credential, origin="imported", password_hash=memory_portal.chosen_hash("x" * 20))
    memory_portal.store._accounts[ContactId("c-1")] = attrs.evolve(account, credential=credential)  # type: ignore[attr-defined]  # No service imports yet.

    assert row(memory_portal).reason is DecisionReason.CHOSE_OWN
    assert row(memory_portal, replace_chosen=True).warnings == ("replaces_chosen",)
    assert row(memory_portal).status is AccountStatus.IMPORTED


def test_a_strategy_s_warnings_stand_in_the_row(portal: Portal) -> None:
    """What makes a default hard to type is said before OK, beside the plan's own warnings."""
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
    ("contact_ids", "hint"),
    [
        ("c-1", "list of ids"),
        ("", "list of ids"),
        (["c-1", "c-2", "c-1"], "once"),
        (["c-1", 7], "text"),
        ([None], "text"),
        ([b"c-1"], "text"),
        (b"c-1", "list of ids"),
        ([["c-1"]], "text"),
    ],
)
def test_a_selection_that_cannot_be_meant_is_refused(portal: Portal, contact_ids: Any, hint: str) -> None:
    """R23: no contact twice, no text taken for a list of letters, no number for an id."""
    with pytest.raises(InvalidValueError, match=hint) as caught:
        portal.resets.plan(contact_ids, OFFICE)
    assert caught.value.field == "contact_ids"


def test_max_affected_bounds_the_selection(portal: Portal) -> None:
    """R12: the bound itself is inside, one more is refused before anything is read."""
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
        bounded.start(portal.resets.plan(EVERYBODY[:3], OFFICE).confirm(OFFICE))
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
    assert plan._repr_html_() == "<p>0 contacts (nothing)</p>"
    assert portal.resets.start(plan.confirm(OFFICE)).run().is_complete
