"""OneRoster: who of its users is a contact, and of whom."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.exceptions import InvalidValueError
from portalcreds.rosters import LeftOut, RosterReading, RosterReason, read_oneroster
from rosters.making_oneroster import FILES_1_1, USERS_1_1, files_1_2, zipped
from rosters.reading_rosters import contact, faults

DAY = date(2026, 11, 28)
ANN = contact("p1", "Ann", "Woods", "ann@example.org")
BOB = contact("p2", "Bob", "Dyer")


def read(files: Any, **options: Any) -> RosterReading:
    """Read a zip of files on the day of these tests."""
    return read_oneroster(zipped(files), on=DAY, **options)


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """Return the files of 1.1 with one text in one of them replaced."""
    assert old in FILES_1_1[name]
    return FILES_1_1 | {name: FILES_1_1[name].replace(old, new)}


def test_guardians_parents_and_relatives_are_contacts() -> None:
    """OneRoster 1.1 names the role in users.csv; names and user names are taken as they are, and no password is."""
    reading = read(FILES_1_1)
    assert reading.contacts == (ANN, BOB, contact("p3", "Éva", "O'Brien, Jr."))
    assert reading.usernames == {"p1": "awoods", "p2": "bdyer"}
    assert (reading.refusals, reading.warnings) == ((), ())
    assert (reading.delimiter, reading.encoding, reading.columns.contact_id) == (",", "utf-8", "sourcedId")


def test_everybody_else_is_counted_with_the_reason() -> None:
    """Students, staff, leavers, disabled users and those with no known role get no account, and none is lost."""
    reading = read(FILES_1_1)
    assert reading.left_out == {
        LeftOut.TO_BE_DELETED: 2,
        LeftOut.NOT_ENABLED: 1,
        LeftOut.STUDENT: 3,
        LeftOut.STAFF: 1,
        LeftOut.OTHER_ROLE: 1,
        LeftOut.NO_ROLE: 1,
    }
    assert len(reading.contacts) + sum(reading.left_out.values()) == USERS_1_1.count("\n") - 1


def test_the_roles_of_1_2_are_in_a_file_of_their_own() -> None:
    """A teacher who is also a guardian is a contact; a role that is over or to be deleted makes nobody one."""
    reading = read(files_1_2())
    assert reading.contacts == (ANN, BOB, contact("p3", "Éva", "O'Brien"))
    assert reading.left_out == {
        LeftOut.TO_BE_DELETED: 2,
        LeftOut.NOT_ENABLED: 1,
        LeftOut.STUDENT: 3,
        LeftOut.STAFF: 1,
        LeftOut.OTHER_ROLE: 1,
        LeftOut.NO_ROLE: 1,
    }
    assert reading.contacts_of_class("c7b") == ("p1",)


def test_users_alone_are_enough_where_they_have_roles() -> None:
    """The single users.csv of 1.1 is read; that of 1.2 does not say who is a parent, and is refused."""
    assert read_oneroster(io.BytesIO(USERS_1_1.encode())).contacts == read(FILES_1_1).contacts
    with pytest.raises(InvalidValueError, match=r"pass a zip with roles\.csv"):
        read_oneroster(io.BytesIO(files_1_2()["users.csv"].encode()))


def test_parents_of_a_class(tmp_path: Path) -> None:
    """The contacts of a class are those of its students now, from either side's agents, each once."""
    path = tmp_path / "export.zip"
    path.write_bytes(zipped(FILES_1_1).read())
    reading = read_oneroster(path, on=DAY)
    assert reading.contacts_of_class("c7b") == ("p1",)
    assert reading.contacts_of_class("8B") == ("p2", "p3")
    assert reading.contacts_of_class(" math-7b") == ("p1",)
    assert reading.contacts_of_class("7B", school_id="o1") == ("p1",)
    assert reading.contacts_of_class("7B", school_id="o2") == ()
    assert reading.contacts_of_student("s1") == ("p1",)
    assert reading.contacts_of_student("s4") == ()
    assert reading.relations is not None
    assert reading.relations.classes[0].student_ids == ("s1", "s2")
    assert read_oneroster(path, on=date(2026, 6, 30)).contacts_of_class("c7b")[0] == "p1"
    assert len(read_oneroster(path, on=date(2026, 6, 30)).contacts_of_class("c7b")) == 3


def test_a_class_that_is_not_clear_is_refused() -> None:
    """The parents of another school's 7B are never among those whose passwords are set, and a slip selects nobody."""
    reading = read(FILES_1_1)
    for name, hint in (("7B", "2 classes are called so"), ("9Z", "no such class"), ("", "no such class")):
        with pytest.raises(InvalidValueError, match=hint) as refused:
            reading.contacts_of_class(name)
        assert refused.value.field == "name"


def test_a_contact_who_is_enrolled_is_in_the_class() -> None:
    """Some SIS enroll the parents themselves."""
    files = changed("enrollments.csv", "e6,,,c7b,o1,t1,teacher,true,,", "e6,,,c7b,o1,p2,guardian,,,")
    assert read(files).contacts_of_class("c7b") == ("p1", "p2")


def test_changes_alone_tell_no_relations() -> None:
    """Of a delta the contacts are taken; who belongs to a class would be wrong, and is refused."""
    reading = read(changed("manifest.csv", "file.users,bulk", "file.users,delta"))
    assert len(reading.contacts) == 3
    assert [(told.reason, told.file, told.line) for told in reading.warnings] == [
        (RosterReason.ONLY_CHANGES, "manifest.csv", 4)
    ]
    with pytest.raises(InvalidValueError, match="one that lists changes"):
        reading.contacts_of_class("c7b")
    assert read(changed("manifest.csv", "file.enrollments,bulk", "file.enrollments,delta")).relations is None


def test_a_value_that_onerosters_do_not_have_is_refused() -> None:
    """Whether somebody has left is not guessed; the row is told with its file."""
    files = changed("users.csv", "p1,,,true", "p1,pending,,true")
    reading = read(files | {"users.csv": files["users.csv"].replace("p2,,,true", "p2,,,maybe")})
    assert faults(reading) == [(2, "status"), (3, "enabledUser")]
    assert reading.refusals[0].text == (
        "users.csv, line 2, status: It is not one of the values that OneRoster has. Correct the export."
    )


def test_rows_of_every_file_are_refused_with_its_name() -> None:
    """A row that is torn in any of the files is told, and not only that somebody is missing."""
    files = changed("enrollments.csv", "e2,,,c7b", 'e2,"x,,c7b')
    reading = read(files | {"users.csv": USERS_1_1.replace("p2,,,true", ",,,true")})
    assert [(told.file, told.line, told.reason) for told in reading.refusals] == [
        ("enrollments.csv", 3, RosterReason.OPEN_QUOTE),
        ("users.csv", 3, RosterReason.MISSING_ID),
    ]


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        (changed("manifest.csv", "oneroster.version,1.1", "oneroster.version,1.0"), "OneRoster 1.1 or 1.2"),
        (changed("manifest.csv", "file.users,bulk", "file.users,absent"), "with a users.csv"),
        (changed("manifest.csv", "file.orgs,absent", "file.roles,bulk"), r"lists roles\.csv"),
        (changed("users.csv", "givenName", "vorname"), r"column givenName of users\.csv is not there"),
        (changed("users.csv", "identifier", "Given Name"), r"column givenName of users\.csv is twice"),
        (changed("enrollments.csv", "classSourcedId", "class"), r"classSourcedId of enrollments\.csv"),
        ({"orgs.csv": "sourcedId\n"}, "with a users.csv"),
    ],
)
def test_a_zip_that_is_no_export_is_refused(files: dict[str, str], hint: str) -> None:
    """R23: what is missing is named, with its file."""
    with pytest.raises(InvalidValueError, match=hint) as refused:
        read(files)
    assert refused.value.field == "source"
    assert refused.value.__context__ is None or isinstance(refused.value.__context__, InvalidValueError)


def test_a_file_that_is_listed_as_absent_is_not_read() -> None:
    """What the manifest says is not part of the export may be left from another one."""
    files = changed("manifest.csv", "file.orgs,absent", "file.roles,absent") | {"roles.csv": "no roles at all"}
    assert len(read(files).contacts) == 3
    with pytest.raises(InvalidValueError, match=r"roles\.csv"):
        read(FILES_1_1 | {"roles.csv": "no roles at all"})


NAMES = st.text(st.characters(exclude_characters="\0\r\n#=", exclude_categories=["C"]), min_size=1, max_size=12)


@given(
    users=st.lists(
        st.tuples(NAMES, NAMES, st.sampled_from(["parent", "guardian", "student", "teacher", ""])), max_size=12
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_is_read(users: list[tuple[str, str, str]], encoding: str) -> None:
    """Whoever has a contact's role comes back with the names as written, whatever needs quoting, from a zip."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["sourcedId", "role", "givenName", "familyName", "agentSourcedIds"])
    writer.writerows([f"u{at}", role, given, family, "s"] for at, (given, family, role) in enumerate(users))
    reading = read({"users.csv": text.getvalue().encode(encoding)})
    assert [(each.contact_id, each.first_name, each.last_name) for each in reading.contacts] == [
        (f"u{at}", given, family) for at, (given, family, role) in enumerate(users) if role in ("parent", "guardian")
    ]
    assert reading.refusals == ()
