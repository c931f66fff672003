"""Read contacts as a SIS exports them: OneRoster, Ed-Fi, CSV files, records and tables of pandas."""

from __future__ import annotations

from .._lazy import found_in

TYPE_CHECKING = False

if TYPE_CHECKING:
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

_HOMES = {
    ".columns": (
        "KNOWN_HEADERS",
        "TELLING_HEADERS",
        "ContactColumns",
    ),
    ".csv_files": ("read_contacts_csv",),
    ".edfi": ("contacts_from_edfi",),
    ".oneroster": (
        "CONTACT_ROLES",
        "read_oneroster",
    ),
    ".reading": (
        "LeftOut",
        "RosterReading",
        "RosterReason",
        "RosterRefusal",
        "RosterWarning",
    ),
    ".records": ("contacts_from_records",),
    ".relations": (
        "MAX_LINKS",
        "RosterClass",
        "RosterRelations",
        "relate",
    ),
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = found_in(__name__, _HOMES)
