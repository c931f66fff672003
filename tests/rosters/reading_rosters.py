"""Read a roster, and what tests expect of it."""

from __future__ import annotations

import io
from typing import Any

from portalcreds.contacts import Contact, ContactId
from portalcreds.rosters import RosterReading, read_contacts_csv


def contact(contact_id: str, first_name: str | None, last_name: str | None, email: str | None = None) -> Contact:
    """Return a contact, briefly."""
    return Contact(contact_id=ContactId(contact_id), first_name=first_name, last_name=last_name, email=email)


def read(text: str, **options: Any) -> RosterReading:
    """Read a file that holds *text*."""
    return read_contacts_csv(io.BytesIO(text.encode()), **options)


def faults(reading: RosterReading) -> list[tuple[int, str]]:
    """Return where each refusal is and what it is about."""
    return [(refusal.line, refusal.field) for refusal in reading.refusals]


ANN = contact("1", "Ann", "Woods")
BOB = contact("2", "Bob", "Dyer")
