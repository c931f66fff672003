"""
Read contacts from the resources of an Ed-Fi API, which a program of yours has fetched.

Source: Ed-Fi Data Standard 5, Resources API (``contacts``, ``studentContactAssociations``), and 3 and 4, where they are
called ``parents`` and ``studentParentAssociations``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from .._arguments import several_in
from ..exceptions import InvalidValueError, UnreadableRosterError
from .columns import ContactColumns
from .reading import LeftOut, RosterReading, RosterReason
from .relations import RosterClass, day_in, relations_of

_Resource = Mapping[str, Any]

_SECTION_KEY = ("schoolId", "schoolYear", "sessionName", "localCourseCode", "sectionIdentifier")
"""What identifies a section."""


def contacts_from_edfi(
    contacts: Iterable[_Resource],
    *,
    associations: Iterable[_Resource] | None = None,
    sections: Iterable[_Resource] | None = None,
    keep: Callable[[_Resource], bool] | None = None,
    on: date | None = None,
) -> RosterReading:
    """
    Read contacts from the JSON of an Ed-Fi API.

    The e-mail address is the one with ``primaryEmailAddressIndicator``, or the only one. The user name is ``loginId``.

    Args:
        contacts: What ``/ed-fi/contacts`` returned, or ``/ed-fi/parents`` before version 5.
        associations: What ``/ed-fi/studentContactAssociations`` returned, or ``/ed-fi/studentParentAssociations``. They
            say whose contacts they are.
        sections: What ``/ed-fi/studentSectionAssociations`` returned. They say who is in which class.
        keep: Tells of an association whether it makes somebody a contact, such as
            ``lambda association: association.get("legalGuardian") is True``. Contacts without one that is kept are left
            out. Needed if an association says that somebody is no legal guardian, or restricts the contact.
        on: The day on which being in a section must not have ended; None for today in UTC.

    Returns:
        The contacts, the refusals by position, and who belongs to whom if *associations* were passed.

    Raises:
        UnreadableRosterError: *keep* is needed.
        InvalidValueError: An argument is not a list of resources.
    """
    from ._collecting import Collector  # Here: importing the package does not need it.

    day = day_in(on)
    rows = _resources("contacts", contacts)
    links = None if associations is None else _resources("associations", associations)
    kept = links
    if keep is not None:
        if links is None or not callable(keep):
            raise InvalidValueError("keep", "pass a function of an association, and the associations with it")
        kept = [link for link in links if keep(link)]
    elif any(link.get("legalGuardian") is False or link.get("contactRestrictions") for link in links or ()):
        raise UnreadableRosterError(
            "keep",
            "legalGuardian or contactRestrictions of an association say that not every contact may see everything; "
            "pass a function of an association that tells who is to have an account",
            "rows_not_chosen",
            {"columns": "legalGuardian, contactRestrictions"},
        )
    pairs = [(_text(link, "studentReference", "studentUniqueId"), _contact_of(link)) for link in kept or ()]
    wanted = None if keep is None else {contact for _, contact in pairs}
    collector = Collector()
    for line, row in enumerate(rows, start=1):
        record = {
            field: row[name]
            for field, names in _NAMES.items()
            for name in names
            if name in row and (field != "contact_id" or row[name] is not None)
        }
        if wanted is not None and record.get("contact_id") not in wanted:
            collector.leave_out(LeftOut.NOT_KEPT)
            continue
        emails = _emails(row)
        if len(emails) > 1:
            collector.warn(line, "email", RosterReason.SEVERAL_EMAILS)
        elif "electronicMails" in row:
            record["email"] = emails[0] if emails else None
        collector.take(line, record)
    relations = None
    if links is not None:
        members = _members(_resources("sections", () if sections is None else sections), day)
        classes = {each.class_id: each for each, _ in members}.values()
        ids = [(each.class_id, student) for each, student in members]
        relations = relations_of(collector.reading().contacts, pairs, classes, ids)
    return collector.reading(relations=relations, columns=_COLUMNS)


_NAMES = {
    "contact_id": ("contactUniqueId", "parentUniqueId"),
    "first_name": ("firstName",),
    "last_name": ("lastSurname",),
    "username": ("loginId",),
}
_COLUMNS = ContactColumns(
    contact_id="contactUniqueId",
    first_name="firstName",
    last_name="lastSurname",
    email="electronicMails",
    username="loginId",
)


def _resources(name: str, resources: Iterable[_Resource]) -> Sequence[_Resource]:
    hint = "pass the list of resources that the API returned, as json.loads makes it"
    return several_in(name, resources, hint, lambda row: isinstance(row, Mapping))


def _emails(contact: _Resource) -> list[Any]:
    """Return the primary e-mail address, or all if none is."""
    mails = [mail for mail in contact.get("electronicMails") or () if isinstance(mail, Mapping)]
    primary = [mail for mail in mails if mail.get("primaryEmailAddressIndicator") is True]
    return list(dict.fromkeys(mail.get("electronicMailAddress") for mail in primary or mails))


def _contact_of(association: _Resource) -> str:
    return _text(association, "contactReference", "contactUniqueId") or _text(
        association, "parentReference", "parentUniqueId"
    )


def _text(resource: _Resource, reference: str, name: str) -> str:
    """Return what a reference within a resource names, or empty."""
    found = resource.get(reference)
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, str) else ""


def _members(sections: Iterable[_Resource], day: str) -> list[tuple[RosterClass, str]]:
    """Return the class and the student of each association with a section that is not over."""
    members = []
    for each in sections:
        end = each.get("endDate")
        key = each.get("sectionReference")
        student = _text(each, "studentReference", "studentUniqueId")
        if isinstance(key, Mapping) and student and not (isinstance(end, str) and end[:10] < day):
            class_id = "/".join(str(key.get(name, "")) for name in _SECTION_KEY)
            title, school_id = str(key.get("sectionIdentifier", "")), str(key.get("schoolId", ""))
            members.append((RosterClass(class_id=class_id, title=title, school_id=school_id), student))
    return members
