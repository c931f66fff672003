"""Read contacts as a SIS exports them: OneRoster, Ed-Fi, CSV files, records and tables of pandas."""

from __future__ import annotations

from .columns import KNOWN_HEADERS, TELLING_HEADERS, ContactColumns
from .csv_files import read_contacts_csv
from .edfi import contacts_from_edfi
from .oneroster import CONTACT_ROLES, read_oneroster
from .reading import LeftOut, RosterReading, RosterReason, RosterRefusal, RosterWarning
from .records import contacts_from_records
from .relations import MAX_LINKS, RosterClass, RosterRelations, relate

__all__ = [
    "CONTACT_ROLES",
    "KNOWN_HEADERS",
    "MAX_LINKS",
    "TELLING_HEADERS",
    "ContactColumns",
    "LeftOut",
    "RosterClass",
    "RosterReading",
    "RosterReason",
    "RosterRefusal",
    "RosterRelations",
    "RosterWarning",
    "contacts_from_edfi",
    "contacts_from_records",
    "read_contacts_csv",
    "read_oneroster",
    "relate",
]
