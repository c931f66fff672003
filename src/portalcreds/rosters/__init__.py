"""Read contacts as a SIS exports them."""

from __future__ import annotations

from .columns import KNOWN_HEADERS, ContactColumns
from .reading import RosterReading, RosterRefusal, RosterWarning, contacts_from_records, read_contacts_csv

__all__ = [
    "KNOWN_HEADERS",
    "ContactColumns",
    "RosterReading",
    "RosterRefusal",
    "RosterWarning",
    "contacts_from_records",
    "read_contacts_csv",
]
