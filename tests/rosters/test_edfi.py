"""Contacts from the resources of an Ed-Fi API, before and since version 5."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from portalcreds.exceptions import InvalidValueError
from portalcreds.rosters import LeftOut, RosterReason, contacts_from_edfi
from rosters.reading_rosters import contact, faults

DAY = date(2026, 11, 28)


def person(contact_id: str, first: str, last: str, *mails: tuple[str, bool | None], **more: Any) -> dict[str, Any]:
    """Return a contact as the API has it."""
    return {
        "id": "00000000000000000000000000000000",
        "contactUniqueId": contact_id,
        "firstName": first,
        "lastSurname": last,
        "addresses": [],
        "electronicMails": [
            {
                "electronicMailTypeDescriptor": "uri://ed-fi.org/ElectronicMailTypeDescriptor#Home/Personal",
                "electronicMailAddress": address,
                **({} if primary is None else {"primaryEmailAddressIndicator": primary}),
            }
            for address, primary in mails
        ],
        "_etag": "1",
        **more,
    }


def association(contact_id: str, student_id: str, **more: Any) -> dict[str, Any]:
    """Return whose contact somebody is."""
    return {
        "contactReference": {"contactUniqueId": contact_id, "link": {"rel": "Contact", "href": "/ed-fi/contacts/0"}},
        "studentReference": {"studentUniqueId": student_id},
        "relationDescriptor": "uri://ed-fi.org/RelationDescriptor#Mother",
        **more,
    }


def in_section(student_id: str, section: str, school_id: int = 255901107, **more: Any) -> dict[str, Any]:
    """Return that a student is in a section."""
    return {
        "beginDate": "2026-08-23",
        "sectionReference": {
            "localCourseCode": "MATH-7",
            "schoolId": school_id,
            "schoolYear": 2027,
            "sectionIdentifier": section,
            "sessionName": "2026-2027 Fall Semester",
        },
        "studentReference": {"studentUniqueId": student_id},
        **more,
    }


ROSA = person("778393", "Rosa", "De Leon", ("rosa@example.org", None), loginId="rdeleon")
IVO = person("779017", "Ivo", "Mc Donald")


def test_contacts_since_version_5() -> None:
    """Names, login and the only e-mail address are taken as they are; no address is none, and not unknown."""
    reading = contacts_from_edfi([ROSA, IVO])
    assert reading.contacts == (
        contact("778393", "Rosa", "De Leon", "rosa@example.org"),
        contact("779017", "Ivo", "Mc Donald"),
    )
    assert reading.usernames == {"778393": "rdeleon"}
    assert reading.contacts[1].unknown == ()
    assert reading.relations is None


def test_parents_before_version_5() -> None:
    """The same person was a parent, with the same fields, and so was the association."""
    parent = {("parentUniqueId" if name == "contactUniqueId" else name): value for name, value in ROSA.items()}
    link = {
        "parentReference": {"parentUniqueId": "778393"},
        "studentReference": {"studentUniqueId": "604822"},
        "legalGuardian": True,
    }
    reading = contacts_from_edfi([parent], associations=[link])
    assert reading.contacts == (contact("778393", "Rosa", "De Leon", "rosa@example.org"),)
    assert reading.contacts_of_student("604822") == ("778393",)


def test_the_primary_address_is_taken_and_none_is_guessed() -> None:
    """Of several addresses without a primary one none is taken, and what the account has is kept."""
    two = person("1", "A", "B", ("work@example.org", False), ("home@example.org", True))
    doubtful = person("2", "C", "D", ("a@example.org", None), ("b@example.org", None))
    same = person("3", "E", "F", ("a@example.org", None), ("a@example.org", None))
    absent = {name: value for name, value in person("4", "G", "H").items() if name != "electronicMails"}
    reading = contacts_from_edfi([two, doubtful, same, absent])
    assert [each.email for each in reading.contacts] == ["home@example.org", None, "a@example.org", None]
    assert [each.unknown for each in reading.contacts] == [(), ("email",), (), ("email",)]
    assert [(told.line, told.reason) for told in reading.warnings] == [(2, RosterReason.SEVERAL_EMAILS)]


def test_parents_of_a_section() -> None:
    """A section is found by its identifier; who has left it, or is in another school's, is not among its students."""
    links = [association("778393", "s1"), association("779017", "s2"), association("779017", "s3")]
    sections = [
        in_section("s1", "7B"),
        in_section("s2", "7B", endDate="2026-10-01"),
        in_section("s3", "7B", school_id=255901044),
        in_section("s3", "8A", endDate="2026-12-18"),
    ]
    reading = contacts_from_edfi([ROSA, IVO], associations=links, sections=sections, on=DAY)
    assert reading.contacts_of_class("7B", school_id="255901107") == ("778393",)
    assert reading.contacts_of_class("8a") == ("779017",)
    with pytest.raises(InvalidValueError, match="2 classes"):
        reading.contacts_of_class("7B")


@pytest.mark.parametrize("telling", [{"legalGuardian": False}, {"contactRestrictions": "no pickup"}], ids=str)
def test_a_contact_who_may_not_see_everything_is_not_taken_in_silence(telling: dict[str, Any]) -> None:
    """Somebody whom a court keeps from a child is in the SIS too; who gets an account has to be said."""
    links = [association("778393", "s1", legalGuardian=True), association("779017", "s1", **telling)]
    with pytest.raises(InvalidValueError) as refused:
        contacts_from_edfi([ROSA, IVO], associations=links)
    assert refused.value.field == "keep"
    kept = contacts_from_edfi([ROSA, IVO], associations=links, keep=lambda link: link.get("legalGuardian") is True)
    assert [each.contact_id for each in kept.contacts] == ["778393"]
    assert kept.left_out == {LeftOut.NOT_KEPT: 1}
    assert kept.contacts_of_student("s1") == ("778393",)


def test_resources_that_cannot_be_taken_are_told_by_position() -> None:
    """A number where text belongs, no identifier, and somebody listed twice are refusals without values."""
    reading = contacts_from_edfi(
        [person("1", "A", "B"), {**person("2", "C", "D"), "lastSurname": 5}, {"firstName": "E"}, person("1", "X", "B")]
    )
    assert faults(reading) == [(2, "last_name"), (3, "contact_id"), (4, "contact_id")]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"contacts": {"value": []}}, "contacts"),
        ({"contacts": ["778393"]}, "contacts"),
        ({"contacts": [], "associations": [5]}, "associations"),
        ({"contacts": [], "associations": [], "sections": "x"}, "sections"),
        ({"contacts": [], "keep": bool}, "keep"),
        ({"contacts": [], "associations": [], "keep": "x"}, "keep"),
        ({"contacts": [], "on": "2026-11-28"}, "on"),
    ],
)
def test_what_is_no_list_of_resources_is_refused(arguments: dict[str, Any], field: str) -> None:
    """R23: the wrapper around a page of results, or ids instead of resources, are told."""
    with pytest.raises(InvalidValueError) as refused:
        contacts_from_edfi(**arguments)
    assert refused.value.field == field


def test_references_that_lead_nowhere_are_passed_over() -> None:
    """An association without a reference, or with a contact who was not read, makes no link."""
    links: list[dict[str, Any]] = [{}, {"contactReference": None}, association("5", "s1"), association("778393", "s1")]
    reading = contacts_from_edfi([ROSA], associations=links, sections=[{}, in_section("s1", "7B")], on=DAY)
    assert reading.contacts_of_class("7B") == ("778393",)
