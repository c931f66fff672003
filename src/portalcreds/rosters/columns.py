"""Find the columns of a roster by their headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from .._value import Value
from ..exceptions import InvalidValueError, UnreadableRosterError

KNOWN_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "contact_id": (
        *("contactid", "id", "sourcedid", "contactuniqueid", "contactsourcedid", "contactnumber", "personid", "userid"),
        *("guardianid", "guardianuniqueid", "parentid", "parentuniqueid"),
    ),
    "first_name": ("firstname", "givenname", "forename", "first", "contactfirstname", "guardianfirstname"),
    "last_name": ("lastname", "familyname", "lastsurname", "surname", "last", "contactlastname", "guardianlastname"),
    "email": ("email", "emailaddress", "mail", "electronicmailaddress", "contactemail", "guardianemail"),
    "username": ("username", "login", "loginid", "loginname", "userlogin", "portalusername", "signinname"),
}
"""
The headers that are found by themselves, by the field that they hold; compared without case, spaces, ``_`` and ``-``.

From OneRoster 1.1 and 1.2 (``users.csv``), the Ed-Fi data standard (``Contact``) and what SIS exports use besides.
"""

TELLING_HEADERS: Final = frozenset(
    (
        *("role", "roles", "roletype", "userrole", "usertype", "persontype", "contacttype", "accounttype", "type"),
        *("status", "userstatus", "contactstatus", "accountstatus", "recordstatus", "state", "enrollmentstatus"),
        *("enabled", "enableduser", "isenabled", "disabled", "isdisabled", "active", "isactive", "inactive"),
        *("deleted", "isdeleted", "tobedeleted", "archived", "isarchived", "suspended", "deceased", "left", "leaver"),
        *("enddate", "exitdate", "leavingdate", "leftdate", "dateleft", "withdrawaldate", "deletedat", "archivedat"),
    )
)
"""
The headers of columns that may say who is no contact, or who has left; compared as `KNOWN_HEADERS` are.

A roster with one of them is read only if *keep* says what to do about it. Headers in other languages are not known.
"""

REQUIRED: Final = ("contact_id", "first_name", "last_name")
"""The fields that a roster has a column for, unless it is said that there is none."""


def _header(columns: object, attribute: attrs.Attribute[str | None], value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise InvalidValueError(attribute.name, "pass the header's text, '' for no such column, or None to look for it")
    if value == "" and attribute.name == "contact_id":
        raise InvalidValueError(attribute.name, "pass its header; without identifiers contacts cannot be told apart")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ContactColumns(Value):
    """
    Which header each field is under. Name only those that are not found by themselves (see `KNOWN_HEADERS`).

    Attributes:
        contact_id: The header of the SIS's identifier. None to look for it.
        first_name: The header of the first name. None to look for it, an empty text if there is no such column.
        last_name: The same for the last name.
        email: The same for the e-mail address.
        username: The same for the user name.

    Raises:
        InvalidValueError: A header is not text, or there is none for the identifier.
    """

    contact_id: str | None = attrs.field(default=None, validator=_header)
    first_name: str | None = attrs.field(default=None, validator=_header)
    last_name: str | None = attrs.field(default=None, validator=_header)
    email: str | None = attrs.field(default=None, validator=_header)
    username: str | None = attrs.field(default=None, validator=_header)


def positions(headers: Sequence[str], columns: ContactColumns, *, below: Sequence[str]) -> dict[str, int]:
    """
    Return where in the header line each field's column is, for the fields that have one.

    Args:
        headers: The header line.
        columns: Which header each field is under.
        below: The row below it. An error shows headers, and no row that may be somebody's.

    Raises:
        InvalidValueError: A column that is needed is not there, or several might be it.
    """
    if not isinstance(columns, ContactColumns):
        raise InvalidValueError("columns", "pass a ContactColumns, such as ContactColumns(contact_id='Parent no.')")
    at: dict[str, int] = {}
    faults: list[str] = []
    missing: list[str] = []
    doubtful: list[str] = []
    for field, synonyms in KNOWN_HEADERS.items():
        named = getattr(columns, field)
        if named == "":
            continue
        exact = [index for index, header in enumerate(headers) if header == named]
        wanted = synonyms if named is None else (folded(named),)
        found = exact or [index for index, header in enumerate(headers) if folded(header) in wanted]
        if len(found) == 1:
            at[field] = found[0]
        elif found:
            several = ", ".join(quoted(headers[index]) for index in found)
            faults.append(f"{field} may be any of {several}")
            doubtful.append(field)
        elif named is not None or field in REQUIRED:
            looked_for = ", ".join(synonyms) if named is None else quoted(named)
            faults.append(f"{field} is under none of {looked_for}")
            missing.append(named or field)
    if faults:
        is_header = _is_header(headers, below, columns)
        there = ", ".join(quoted(header) for header in headers[:64]) if is_header else "none that is known"
        reason = "no_headers" if not is_header else "missing_column" if missing else "doubtful_column"
        raise UnreadableRosterError(
            "columns",
            f"{'; '.join(faults)}. The headers are: {there}. "
            "Pass columns=ContactColumns(...) with the header of each, '' for a name or address that has no column, "
            "and see that each header is there once",
            reason,
            {} if reason == "no_headers" else {"columns": ", ".join(missing or doubtful)},
        )
    return at


def _is_header(headers: Sequence[str], below: Sequence[str], columns: ContactColumns) -> bool:
    # A file without a header line begins with somebody's name.
    known = {synonym for synonyms in KNOWN_HEADERS.values() for synonym in synonyms}
    telling = {*KNOWN_HEADERS["contact_id"], *(folded(header) for header in attrs.astuple(columns) if header)}
    there = [folded(header) for header in headers]
    if any(header in telling for header in there) or sum(header in known for header in there) > 1:
        return True
    # Names of columns above a row with a number: in a file without headers the first row has its number there too.
    has_number = any(char.isdigit() or char == "@" for header in headers for char in header)
    return not has_number and len(below) == len(headers) and any(cell.strip().isdecimal() for cell in below)


def folded(header: str) -> str:
    """Return a header as it is compared."""
    return "".join(char for char in header.casefold() if char not in "_-" and not char.isspace())


def quoted(header: str) -> str:
    """Return a header as an error shows it: cut, and in ASCII."""
    return ascii(header if len(header) <= 64 else header[:64] + "...")
