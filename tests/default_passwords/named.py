"""A contact of a name."""

from __future__ import annotations

from portalcreds.contacts import Contact, ContactId


def contact(last_name: str | None, first_name: str | None) -> Contact:
    """Return a contact with these names."""
    return Contact(contact_id=ContactId("c-1"), last_name=last_name, first_name=first_name)
