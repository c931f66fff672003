"""From where an operator acted is on the record of all they did (R17)."""

from __future__ import annotations

from typing import Any

import pytest

from administration.steps import STEPS
from portal import NOBODY, OFFICE, ROSA, Portal, issued
from portalcreds.administration import AccountChange
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import InvalidValueError, PrivilegeDeniedError
from portalcreds.privileges import Operator, Privilege, actor

HERE = Operator(operator_id="office", source="198.51.100.9")


def test_all_that_an_operator_does_says_from_where(portal: Portal) -> None:
    """Looking, changing, planning, being refused: whatever names the operator names the place."""
    issued(portal)
    before = len(portal.store.events())
    accounts, resets = portal.accounts, portal.resets
    accounts.get("c-2", HERE)
    accounts.search(HERE)
    accounts.select_all(HERE)
    accounts.sync_contacts([Contact(contact_id=ContactId("c-9"), last_name="Neu")], HERE)
    accounts.rename("c-2", HERE, username="rabbiatici")
    accounts.rekey("c-2", "c-8", HERE)
    resets.invite("c-3", HERE)
    seen = resets.plan(["c-1"], OFFICE, reveal=True)
    seen.confirm(HERE, fingerprint="another")
    resets.start(seen.confirm(HERE)).run()
    resets.start(seen.confirm(HERE)).cancel(HERE)
    resets.start(resets.plan(["c-3"], OFFICE).confirm(HERE)).cancel(HERE)
    change = accounts.plan_change([ROSA.contact_id], HERE, change=AccountChange.DISABLE)
    accounts.apply_change(change.confirm(HERE))
    for privilege in sorted(STEPS, key=lambda each: each is Privilege.ERASE):
        STEPS[privilege](accounts, HERE)
    with pytest.raises(PrivilegeDeniedError):
        accounts.get("c-1", Operator(operator_id="nobody", source=HERE.source))

    recorded = [event for event in portal.store.events()[before:] if event.operator_id is not None]
    # The plans are of an operator who said no place; what marks whom they showed goes with them.
    plans = {event.operation_id for event in recorded if event.reason == "plan" and event.source is None}
    assert len(plans) == 2
    planned = [event for event in recorded if event.operation_id in plans]
    assert len({event.kind for event in recorded}) > 15
    assert {event.source for event in recorded if event not in planned} == {"198.51.100.9"}
    assert {event.source for event in planned} == {None}


def test_a_job_that_another_process_resumes_says_where_ok_was_pressed(portal: Portal) -> None:
    """R12, R17: and OK that is pressed again from elsewhere is the same OK."""
    plan = portal.resets.plan(["c-1"], OFFICE)
    portal.resets.start(plan.confirm(HERE, key="k-1"))
    again = Operator(operator_id="office", source="203.0.113.1")
    assert len(portal.resets.start(plan.confirm(again, key="k-1"))) == 1
    portal.with_parts().resets.resume("k-1").run()
    (event,) = [event for event in portal.store.events() if event.kind is AuditKind.PASSWORD_ISSUED]
    assert event.source == "198.51.100.9"


def test_a_source_as_long_as_it_gets_fits_into_a_job(portal: Portal) -> None:
    """R12: no text of the host's keeps a confirmed plan from being stored."""
    who = Operator(operator_id="office", contact_id=ContactId("\U0001f600" * 200), source="\U0001f600" * 1000)
    job = portal.resets.start(portal.resets.plan(["c-1"], who).confirm(who))
    assert job.run().is_complete


def test_an_operator_elsewhere_is_the_same_operator() -> None:
    """R16: what holds for the one holds for the other."""
    assert Operator(operator_id="office") == HERE != NOBODY
    assert hash(Operator(operator_id="office")) == hash(HERE)


def test_an_operator_is_known_by_its_attributes() -> None:
    """R22: one of an earlier copy, which has no source, is one too."""

    class Earlier:
        operator_id = "office"
        contact_id = None

    earlier: Any = Earlier()
    assert actor(earlier) == {"operator_id": "office", "source": None}


@pytest.mark.parametrize("source", [5, b"192.0.2.1", ["a"]])
def test_a_source_that_is_no_text_is_refused(source: Any) -> None:
    """R23: named by its field."""
    with pytest.raises(InvalidValueError) as caught:
        Operator(operator_id="office", source=source)
    assert caught.value.field == "source"
