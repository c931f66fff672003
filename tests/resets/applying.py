"""Confirm a plan, change accounts beside it, and read its outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal import OFFICE, Portal
from portalcreds.contacts import ContactId
from portalcreds.plans import ConfirmedPlan
from portalcreds.privileges import Operator
from portalcreds.resets.plan import DecisionReason, ResetPlan
from portalcreds.resets.report import ResetOutcome, ResetReport

ROSA_ID = ContactId("c-1")


def confirmed(
    portal: Portal, contact_ids: Sequence[str], operator: Operator = OFFICE, **options: Any
) -> ConfirmedPlan[ResetPlan]:
    """Plan, and press OK."""
    return portal.resets.plan(contact_ids, OFFICE, **options).confirm(operator)


def outcomes(report: ResetReport) -> list[tuple[ResetOutcome, DecisionReason | None]]:
    """Return the outcomes with their reasons, in order."""
    return [(result.outcome, result.reason) for result in report]


SET = (ResetOutcome.SET, None)


def disable(portal: Portal) -> None:
    """Disable Rosa's account."""
    portal.accounts.disable("c-1", OFFICE)
