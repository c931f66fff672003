"""Bring accounts into the states that a plan decides about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal import FAMILY, OFFICE, Portal
from portalcreds.contacts import ContactId
from portalcreds.resets.plan import Decision, ResetPlanItem

EVERYBODY = [contact.contact_id for contact in FAMILY]


def snapshot(portal: Portal, contact_ids: Sequence[str] = EVERYBODY) -> tuple[Any, ...]:
    """Return all that is stored of these contacts, and the record."""
    return portal.store.find_many([ContactId(contact_id) for contact_id in contact_ids]), portal.store.events()


def issue(portal: Portal) -> None:
    """Set Rosa's default."""
    portal.resets.reset_password("c-1", OFFICE)


def choose(portal: Portal) -> None:
    """Let Rosa have a password of her own."""
    issue(portal)
    portal.choose("c-1")


def row(portal: Portal, contact_id: str = "c-1", **options: Any) -> ResetPlanItem:
    """Return one contact's row in a plan for two, which is a bulk."""
    items = portal.resets.plan([contact_id, "nobody-there"], OFFICE, **options).items
    assert items[1].decision is Decision.CANNOT
    return items[0]
