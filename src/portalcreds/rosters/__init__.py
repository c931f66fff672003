"""Read contacts as a SIS exports them: OneRoster, Ed-Fi, CSV files, records and tables of pandas."""

from __future__ import annotations

from .._lazy import found_in, names_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .columns import KNOWN_HEADERS as KNOWN_HEADERS
    from .columns import TELLING_HEADERS as TELLING_HEADERS
    from .columns import ContactColumns as ContactColumns
    from .csv_files import read_contacts_csv as read_contacts_csv
    from .edfi import contacts_from_edfi as contacts_from_edfi
    from .oneroster import CONTACT_ROLES as CONTACT_ROLES
    from .oneroster import read_oneroster as read_oneroster
    from .reading import LeftOut as LeftOut
    from .reading import RosterReading as RosterReading
    from .reading import RosterReason as RosterReason
    from .reading import RosterRefusal as RosterRefusal
    from .reading import RosterWarning as RosterWarning
    from .records import contacts_from_records as contacts_from_records
    from .relations import MAX_LINKS as MAX_LINKS
    from .relations import RosterClass as RosterClass
    from .relations import RosterRelations as RosterRelations
    from .relations import relate as relate

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
    __all__ = names_in(_HOMES)
