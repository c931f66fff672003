"""A job keeps to the terms that its plan was confirmed with."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from portal import FAMILY, OFFICE, Portal
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import default_passwords_for
from portalcreds.default_passwords.strategies import LastNameFirstInitial
from portalcreds.derived import Derived
from portalcreds.exceptions import ConfigurationError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.resets.plan import DecisionReason
from portalcreds.resets.report import ResetOutcome
from resets.applying import SET, confirmed, outcomes


class _OfTenant:
    """A store that says which tenant it is of."""

    def __init__(self, store: Any, tenant: str) -> None:
        self._store, self.tenant = store, tenant

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_plan_over_one_tenant_does_not_start_over_another(memory_portal: Portal) -> None:
    """R11: OK for one school's contact is not OK for the contact with the same id in another school."""
    a, b = (attrs.evolve(memory_portal, store=_OfTenant(memory_portal.store, tenant)) for tenant in "ab")
    ok = confirmed(a, ["c-1"])
    assert a.resets.plan(["c-1"], OFFICE).fingerprint != b.resets.plan(["c-1"], OFFICE).fingerprint
    with pytest.raises(ConfigurationError, match="tenant"):
        b.resets.start(ok)
    assert outcomes(a.resets.start(ok).run()) == [SET]


def test_a_job_replaces_an_imported_password_only_if_its_plan_does(memory_portal: Portal) -> None:
    """R11: a password that was imported after OK, at the same epoch, is left alone."""
    ok = confirmed(memory_portal, ["c-1", "c-2"], replace_chosen=False)
    account = memory_portal.account("c-1")
    credential = attrs.evolve(account.credential, origin="imported", password_hash=memory_portal.chosen_hash("x" * 20))
    memory_portal.store._accounts[ContactId("c-1")] = attrs.evolve(account, credential=credential)  # type: ignore[attr-defined]  # Of the store in memory.
    report = memory_portal.resets.start(ok).run()
    assert outcomes(report) == [(ResetOutcome.SKIPPED, DecisionReason.CHOSE_OWN), SET]


class _Failing(LastNameFirstInitial):
    """A host's strategy that one contact breaks."""

    def derive(self, contact: Contact) -> Derived:
        if contact.contact_id == "c-1":
            raise KeyError(contact.last_name)
        return super().derive(contact)


def test_a_contact_that_the_strategy_fails_on_stops_nobody_else(memory_portal: Portal) -> None:
    """R12, R14: the contact is one result, without the text of the host's error; the others get their default."""
    portal = memory_portal.with_parts(strategy=_Failing())
    plan = portal.resets.plan(["c-1", "c-2"], OFFICE)
    assert plan.items[0].reason is DecisionReason.STRATEGY_FAILED
    report = portal.resets.start(plan.confirm(OFFICE)).run()
    assert outcomes(report) == [(ResetOutcome.CANNOT, DecisionReason.STRATEGY_FAILED), SET]


def test_a_preview_goes_on_after_a_contact_that_the_strategy_fails_on() -> None:
    """R14: the preview says so in that contact's row, without the text of the host's error."""
    preview = default_passwords_for(FAMILY, strategy=_Failing())
    assert preview.reasons["strategy_failed"] == 1
    assert preview.derived
    assert "Abbiatici" not in preview.refused[0].hint


def test_a_user_name_that_changed_since_ok_is_the_one_reported(memory_portal: Portal) -> None:
    """R12: a letter printed from the report carries the user name that signs in, and the row says that it changed."""
    ok = confirmed(memory_portal, ["c-1"])
    memory_portal.accounts.rename("c-1", OFFICE, username="emil")
    (result,) = memory_portal.resets.start(ok).run()
    assert (result.item.username, result.outcome) == ("emil", ResetOutcome.SET)
    assert "username_changed" in result.warnings


@pytest.mark.parametrize("reached", [True, False])
@pytest.mark.parametrize("maker_sees", [True, False])
@pytest.mark.parametrize("confirmer_sees", [True, False])
def test_a_report_shows_the_user_names_that_the_confirming_operator_may_see(
    portal: Portal, maker_sees: bool, confirmer_sees: bool, reached: bool
) -> None:
    """R16: whoever made the plan, and whether or not the job came to the row."""
    held = set(Privilege) - {Privilege.VIEW_USERNAMES}
    privileges = {
        name: held | ({Privilege.VIEW_USERNAMES} if sees else set())
        for name, sees in (("maker", maker_sees), ("boss", confirmer_sees))
    }
    portal = portal.with_parts(authorizer=Grants(privileges=privileges))
    plan = portal.resets.plan(["c-1", "nobody", "c-2"], Operator(operator_id="maker"))
    assert [item.username is not None for item in plan] == [maker_sees, False, maker_sees]
    job = portal.resets.start(plan.confirm(Operator(operator_id="boss")))
    if not reached:
        job.cancel()
    report = job.run()
    assert [result.outcome is not ResetOutcome.NOT_REACHED for result in report] == [reached] * 3
    expected = ["rabbiatici", None, "PObrien"] if confirmer_sees else [None] * 3
    assert [result.item.username for result in report] == expected
    assert portal.kinds().count("sensitive_read.username job") == confirmer_sees
