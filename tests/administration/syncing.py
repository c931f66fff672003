"""Contacts to sync, and what tests read of a sync."""

from __future__ import annotations

from typing import Any

from portal import OFFICE, Portal
from portalcreds.administration.sync import SyncAction, SyncPlan, SyncReason, SyncReport
from portalcreds.contacts import Contact, ContactId

MIA = Contact(contact_id=ContactId("n-1"), first_name="Mia", last_name="Li", email="mia@example.org")
BO = Contact(contact_id=ContactId("n-2"), first_name="Bo", last_name="Li")


def rows(report: SyncPlan | SyncReport) -> list[tuple[SyncAction, SyncReason | None]]:
    """Return what is done, and why, in order."""
    return [(item.action, item.reason) for item in report]


def sync(portal: Portal, *contacts: Contact, **options: Any) -> list[tuple[SyncAction, SyncReason | None]]:
    """Plan and apply, check that the report says what the plan said, and return it."""
    plan = portal.accounts.plan_sync(contacts, OFFICE, **options)
    report = portal.accounts.apply_sync(plan)
    assert rows(report) == rows(plan)
    assert [item.contact_id for item in report] == [contact.contact_id for contact in contacts]
    return rows(report)


ADD = (SyncAction.ADD, None)
REFRESH = (SyncAction.REFRESH, None)


def cannot(reason: SyncReason) -> tuple[SyncAction, SyncReason]:
    """Return a row that nothing is done about."""
    return SyncAction.CANNOT, reason
