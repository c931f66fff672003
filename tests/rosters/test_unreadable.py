"""A roster that is refused as a whole says why to whoever brought it, as a code and in their language."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest

from portalcreds.exceptions import UnreadableRosterError
from portalcreds.rosters import (
    ContactColumns,
    RosterReading,
    contacts_from_edfi,
    contacts_from_records,
    read_contacts_csv,
    read_oneroster,
)
from portalcreds.texts import ENGLISH, TextTable, text_of
from rosters.making_oneroster import USERS_1_1, zipped
from rosters.reading_rosters import read

ROWS = "1,Ann,Woods\n"
ID_ALONE = ContactColumns(contact_id="id", first_name="", last_name="", email="", username="")


def csv(data: bytes, **options: Any) -> Callable[[], RosterReading]:
    """Return what reads a CSV file."""
    return lambda: read_contacts_csv(io.BytesIO(data), **options)


def oneroster(*names: str, users: str = USERS_1_1, more: dict[str, str] | None = None) -> Callable[[], RosterReading]:
    """Return what reads a zip that has users.csv under these names."""
    return lambda: read_oneroster(zipped({**dict.fromkeys(names, users), **(more or {})}))


def changed(*spots: tuple[bytes, int, bytes]) -> Callable[[], RosterReading]:
    """Return what reads a zip with other bytes a way behind each signature."""
    data = bytearray(zipped({"users.csv": USERS_1_1}).read())
    for signature, offset, other in spots:
        at = data.index(signature) + offset
        data[at : at + len(other)] = other
    return lambda: read_oneroster(io.BytesIO(data))


WRONG: list[tuple[str, str, Callable[[], RosterReading]]] = [
    ("no_headers", "Export it with headers", csv(ROWS.encode())),
    ("no_headers", "Export it with headers", csv(b"")),
    ("missing_column", "for contact_id, last_name.", csv(b"first,mail\nAnn,a@b.org\n" * 2)),
    ("missing_column", "for Nr.", lambda: read("id,first,last\n1,A,B\n", columns=ContactColumns(contact_id="Nr"))),
    ("missing_column", "for Rolle.", lambda: read("id,first,last\n1,A,B\n", keep={"Rolle": ["Eltern"]})),
    ("missing_column", "role (roles.csv)", oneroster("users.csv", more={"roles.csv": "sourcedId,userSourcedId\n"})),
    ("missing_column", "for contact_id, ", lambda: contacts_from_records([{"first": "Ann", "email": "1"}])),
    ("doubtful_column", "may be contact_id.", csv(b"id,contact id,first,last\n1,1,Ann,Woods\n")),
    ("doubtful_delimiter", "with commas", csv(b"id;x,id\n1;2,3\n", columns=ID_ALONE)),
    ("rows_not_chosen", "say it by: Role, status.", csv(b"id,first,last,Role,status\n1,Ann,Woods,parent,left\n")),
    ("rows_not_chosen", "legalGuardian", lambda: contacts_from_edfi([], associations=[{"legalGuardian": False}])),
    ("not_utf_8", "Line 3 is", csv("id,first,last\n1,Ann,Woods\n2,Éva,Dyer\n".encode("cp1252"))),
    ("other_encoding", "CSV UTF-8", csv("id,first,last\n1,Éva,Dyer\n".encode("cp1252"), encoding="ascii")),
    ("other_encoding", "CSV UTF-8", csv("id,first,last\n1,Ann,Woods\n".encode("utf-16-le"))),
    ("other_encoding", "CSV UTF-8", csv("id,first,last\n1,Ann,Woods\n".encode("utf-32"))),
    ("workbook", "Save the sheet", csv(zipped({"xl/workbook.xml": ""}).read())),
    ("workbook", "Save the sheet", csv(zipped({}).read())),
    ("workbook", "Save the sheet", csv(b"\xd0\xcf\x11\xe0")),
    ("compressed", "Unpack it", csv(b"\x1f\x8b")),
    ("line_too_long", "one row on each line", csv(b"x" * 1_000_001)),
    ("too_many_rows", "more than 3 rows", lambda: read_oneroster(zipped({"users.csv": USERS_1_1}), max_rows=3)),
    ("too_many_columns", "more than 1000 columns", csv(b"id,first,last" + b",x" * 1_000)),
    ("missing_file", "file users.csv is not", oneroster(more={"classes.csv": ""})),
    ("missing_file", "file users.csv is not", oneroster()),
    (
        "missing_file",
        "file roles.csv is not",
        oneroster("users.csv", more={"manifest.csv": "propertyName,value\nfile.roles,bulk\n"}),
    ),
    ("missing_roles", "with roles.csv", oneroster("users.csv", users=USERS_1_1.replace(",role,", ",rank,"))),
    ("other_version", "1.1 or 1.2", oneroster(more={"manifest.csv": "propertyName,value\noneroster.version,1.0\n"})),
    ("damaged_zip", "is damaged", lambda: read_oneroster(io.BytesIO(b"PK\x03\x04"))),
    ("too_many_files", "those of OneRoster alone", changed((b"PK\x05\x06", 12, struct.pack("<I", 2**21)))),
    ("doubtful_file", "called users.csv", oneroster("a/users.csv", "b/users.csv")),
    ("zip_password", "Export it without", changed((b"PK\x03\x04", 6, b"\1"), (b"PK\x01\x02", 8, b"\1"))),
    ("file_too_large", "users.csv in the zip", changed((b"PK\x01\x02", 24, struct.pack("<I", 2**31)))),
]


@pytest.mark.parametrize(("reason", "told", "reading"), WRONG)
def test_a_refused_file_says_why(reason: str, told: str, reading: Callable[[], RosterReading]) -> None:
    """A page can show a clerk what is wrong with the file, translate it, and show nothing of any row."""
    with pytest.raises(UnreadableRosterError) as caught:
        reading()
    error = caught.value
    assert error.reason == reason
    assert told in error.text
    assert "{" not in error.text
    assert "Ann" not in error.text
    key = f"UnreadableRosterError.{reason}"
    assert text_of(error, TextTable({key: "Nein."})) == "Nein."


def test_every_reason_is_one_that_a_file_meets() -> None:
    """A text that no file leads to is taken away, and a new one is shown here with its file."""
    keys = {key.partition(".")[2] for key in ENGLISH if key.startswith("UnreadableRosterError.")}
    assert keys == {reason for reason, _, _ in WRONG}
