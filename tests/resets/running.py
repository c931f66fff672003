"""Confirm a plan, and count what came of running it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from portal import OFFICE, Portal
from portalcreds.audit import AuditKind
from portalcreds.contacts import ContactId
from portalcreds.plans import ConfirmedPlan
from portalcreds.resets._stored import CHUNK_SIZE
from portalcreds.resets.plan import ResetPlan
from portalcreds.resets.report import ResetReport

CHUNK = CHUNK_SIZE


def confirmed(portal: Portal, contact_ids: list[Any], **options: Any) -> ConfirmedPlan[ResetPlan]:
    """Plan, and press OK."""
    return portal.resets.plan(contact_ids, OFFICE, **options).confirm(OFFICE)


def outcomes(report: ResetReport) -> Counter[tuple[str, str | None]]:
    """Count the outcomes with their reasons."""
    return Counter((result.outcome.value, result.reason) for result in report)


def issues_of(portal: Portal, kind: AuditKind = AuditKind.PASSWORD_ISSUED) -> Counter[str | None]:
    """Count the events of issuing, or of another kind, by contact."""
    return Counter(event.contact_id for event in portal.store.events() if event.kind is kind)


def epochs(portal: Portal, contact_ids: list[ContactId]) -> list[int]:
    """Return the contacts' epochs."""
    return [portal.account(contact_id).credential.epoch for contact_id in contact_ids]
