"""Reading contacts from CSV files and records."""

from __future__ import annotations

import csv
import io
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.contact_columns import KNOWN_HEADERS, ContactColumns
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import InvalidValueError
from portalcreds.rosters import (
    RosterReading,
    RosterRefusal,
    contacts_from_records,
    read_contacts_csv,
)


def contact(contact_id: str, first_name: str | None, last_name: str | None, email: str | None = None) -> Contact:
    """Return a contact, briefly."""
    return Contact(contact_id=ContactId(contact_id), first_name=first_name, last_name=last_name, email=email)


def read(text: str, **options: Any) -> RosterReading:
    """Read a file that holds *text*."""
    return read_contacts_csv(io.BytesIO(text.encode()), **options)


def faults(reading: RosterReading) -> list[tuple[int, str]]:
    """Return where each refusal is and what it is about."""
    return [(refusal.line, refusal.field) for refusal in reading.refusals]


ANN = contact("1", "Ann", "Woods")
BOB = contact("2", "Bob", "Dyer")


# -- CSV as it comes


def test_ed_fi_headers() -> None:
    """An Ed-Fi export is read as it is; columns of no use are left alone."""
    reading = read(
        "ContactUniqueId,FirstName,MiddleName,LastSurname,ElectronicMailAddress\r\n"
        "77,Mary Jane,Q,Mc Donald,mj@example.com\r\n"
        "78,Ivo,,De Leon,\r\n"
    )

    assert reading.contacts == (
        contact("77", "Mary Jane", "Mc Donald", "mj@example.com"),
        contact("78", "Ivo", "De Leon"),
    )
    assert reading.refusals == ()
    assert reading.usernames == {}
    assert reading.columns == ContactColumns(
        contact_id="ContactUniqueId",
        first_name="FirstName",
        last_name="LastSurname",
        email="ElectronicMailAddress",
        username="",
    )


def test_one_roster_headers() -> None:
    """A OneRoster users.csv is read as it is, user names included."""
    reading = read(
        '"sourcedId","status","enabledUser","orgSourcedIds","role","username","userIds","givenName","familyName",'
        '"middleName","identifier","email"\n'
        '"u1","active","true","o1","parent","awoods","","Ann","Woods","","",""\n'
        '"u2","active","true","o1","parent","","","Bob","Dyer","","",""\n'
    )

    assert reading.contacts == (contact("u1", "Ann", "Woods"), contact("u2", "Bob", "Dyer"))
    assert reading.usernames == {"u1": "awoods"}


@pytest.mark.parametrize(("field", "synonym"), [(f, s) for f, names in KNOWN_HEADERS.items() for s in names])
def test_known_headers(field: str, synonym: str) -> None:
    """Every known header is found by itself, whatever its case, spaces, underscores and hyphens."""
    for written in (synonym, synonym.upper(), f" {synonym[:2]}_{synonym[2:]}-", " ".join(synonym)):
        headers = {name: written if name == field else synonyms[0] for name, synonyms in KNOWN_HEADERS.items()}
        reading = read(f"{','.join(headers.values())}\n1,Ann,Woods,a@example.com,ann\n")

        assert reading.contacts == (contact("1", "Ann", "Woods", "a@example.com"),)
        assert reading.usernames == {"1": "ann"}
        assert getattr(reading.columns, field) == written


def test_synonyms_are_in_the_form_they_are_compared_in() -> None:
    """No header is known for two fields, and none is written in a way that nothing folds to."""
    synonyms = [synonym for names in KNOWN_HEADERS.values() for synonym in names]

    assert len(set(synonyms)) == len(synonyms)
    assert all(synonym.isalnum() and synonym == synonym.casefold() for synonym in synonyms)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_separators_line_breaks_and_marks(delimiter: str, line_break: str, mark: str) -> None:
    """The header line tells what separates cells; each kind of line break and the byte order mark are taken."""
    rows = ["id", "First, Name; and\tmore", "last name"], ["1", "Ann", "Woods"], ["2", "Bob", "Dyer"]
    text = mark + line_break.join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)

    assert read(text, columns=ContactColumns(first_name="First, Name; and\tmore")).contacts == (ANN, BOB)


def test_values_are_exactly_as_written() -> None:
    """Nothing is trimmed, folded, unified or taken for a missing value: the default password is made of it (R18)."""
    names = [
        "Null",
        "NaN",
        "NA",
        " Ann ",
        "\u00a0",
        "McDONALD",
        "O'Brien",
        "O’Brien",
        "=1+1",
        "E\u0301va",
        "Éva",
        "0",
        "-",
    ]
    rows = "".join(f"{index},{name},x\n" for index, name in enumerate(names))

    assert [taken.first_name for taken in read("id,first,last\n" + rows).contacts] == names


def test_quoted_cells() -> None:
    """Quoted separators, line breaks and quotation marks belong to the value."""
    reading = read('id,first,last\r\n1,"Ann, ""Annie""","Wo\r\nods"\r\n2,Bob,Dyer\r\n')

    assert reading.contacts == (contact("1", 'Ann, "Annie"', "Wo\r\nods"), BOB)


def test_empty_cells_and_blank_lines() -> None:
    """An empty cell is None, and a line without anything in it is no row."""
    reading = read("\n \nid,first,last,email\n\n1,Ann,,\n,,,\n  \n2,,Dyer,d@example.com\n\n")

    assert reading.contacts == (contact("1", "Ann", None), contact("2", None, "Dyer", "d@example.com"))
    assert reading.refusals == ()


TEXTS = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
NAMES = TEXTS.map(lambda text: text or None)
IDS = st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@given(
    rows=st.lists(st.tuples(IDS, NAMES, NAMES, NAMES), unique_by=lambda row: row[0], max_size=20),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_what_is_written_is_read(
    rows: list[tuple[str, str | None, str | None, str | None]], delimiter: str, encoding: str
) -> None:
    """Whatever contacts are written as CSV come back equal and in order."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(["contact_id", "first_name", "last_name", "email"])
    writer.writerows(rows)
    text = file.getvalue()

    expected = tuple(contact(*row) for row in rows)
    assert read_contacts_csv(io.BytesIO(text.encode(encoding))).contacts == expected
    assert read_contacts_csv(io.StringIO(text, newline="")).contacts == expected


@given(st.binary(max_size=200))
def test_any_rows_get_an_answer(rows: bytes) -> None:
    """Whatever follows the header line is taken or refused, never an error."""
    reading = read_contacts_csv(io.BytesIO(b"id,first,last\n1,Ann,Woods\n" + rows))

    assert reading.contacts[0] == ANN


# -- sources and encodings


def test_sources(tmp_path: Path) -> None:
    """A path, open text and open bytes are read alike, and what was handed in stays open (R24)."""
    path = tmp_path / "contacts.csv"
    path.write_text("id,first,last\n1,Ann,Woods\n")

    assert read_contacts_csv(path).contacts == (ANN,)
    assert read_contacts_csv(str(path)).contacts == (ANN,)
    with path.open(newline="") as text, path.open("rb") as binary:
        assert read_contacts_csv(text).contacts == (ANN,)
        assert read_contacts_csv(binary).contacts == (ANN,)
        assert not text.closed
        assert not binary.closed


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """A path that leads nowhere is the operating system's error."""
    with pytest.raises(FileNotFoundError):
        read_contacts_csv(tmp_path / "none.csv")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8"])
def test_encoding_that_is_asked_for(encoding: str) -> None:
    """A file is read in the encoding that the caller names."""
    data = "id,first,last\n1,Éloïse,Müller\n".encode(encoding)

    assert read_contacts_csv(io.BytesIO(data), encoding=encoding).contacts == (contact("1", "Éloïse", "Müller"),)


def test_encoding_is_not_guessed() -> None:
    """Bytes that are not UTF-8 spoil their own row and no other; no name is read in a guessed encoding."""
    data = "id,first,middle,last\n1,Ann,é,Woods\n3,Éloïse,,Petit\n4é,Eve,,Petit\n2,Bob,,Dyer\n".encode("cp1252")
    reading = read_contacts_csv(io.BytesIO(data))

    assert reading.contacts == (ANN, BOB)
    assert faults(reading) == [(3, "first_name"), (4, "contact_id")]
    assert "encoding" in reading.refusals[0].mend


@pytest.mark.parametrize(
    ("data", "encoding", "field"),
    [
        (b"", None, "source"),
        (b"\xef\xbb\xbf\r\n \r\n", None, "source"),
        (b'id,first,"last"x\nAnn,Woods,1\n', None, "source"),
        (b'"id,first,last\n1,Ann,Woods\n', None, "source"),
        (b'"' + b"x" * 200_000, None, "source"),
        (b"PK\x03\x04\x14\x00", None, "source"),
        ("id,first,last\n".encode("utf-16"), None, "encoding"),
        (b"\xfe\xff\0i\0d", None, "encoding"),
        (b"id,first,last\n1,Ann,Woods\n", "utf-99", "encoding"),
        (b"id,first,last\n1,Ann,Woods\n", "rot13", "encoding"),
        (b"\xff\xfei\0d", "utf-16-", "encoding"),
        (b"\xff\xfei\0d\0,", "utf-16", "encoding"),
    ],
)
def test_file_that_cannot_be_read(data: bytes, encoding: str | None, field: str) -> None:
    """A file as a whole that is no roster is one error, which says the mend (R23)."""
    with pytest.raises(InvalidValueError) as caught:
        read_contacts_csv(io.BytesIO(data), encoding=encoding)

    assert caught.value.field == field
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("source", "encoding", "field"),
    [(7, None, "source"), (b"id,first,last", None, "source"), (io.StringIO("id,first,last"), "utf-8", "encoding")],
)
def test_source_that_cannot_be_read(source: Any, encoding: str | None, field: str) -> None:
    """What is neither a path nor an open file is refused, and so is an encoding for what is decoded already."""
    with pytest.raises(InvalidValueError) as caught:
        read_contacts_csv(source, encoding=encoding)

    assert caught.value.field == field


def test_text_file_opened_in_another_encoding(tmp_path: Path) -> None:
    """The decoder's error, which holds the bytes, does not come along (R14)."""
    path = tmp_path / "contacts.csv"
    path.write_bytes("id,first,last\n1,Éloïse,Petit\n".encode("cp1252"))
    with path.open(encoding="utf-8") as file, pytest.raises(InvalidValueError) as caught:
        read_contacts_csv(file)
    printed = "".join(traceback.format_exception(caught.value))

    assert caught.value.field == "encoding"
    assert caught.value.__context__ is None
    assert "Petit" not in printed


# -- headers


def test_missing_headers() -> None:
    """One error says everything that was looked for, which headers are there, and the mend."""
    with pytest.raises(InvalidValueError) as caught:
        read("ID,Vorname,Nachname,Nachname\n1,Ann,Woods,Woods\n")
    message = str(caught.value)

    assert caught.value.field == "columns"
    assert "first_name is under none of firstname, givenname," in message
    assert "last_name is under none of lastname, familyname," in message
    assert "'ID', 'Vorname', 'Nachname', 'Nachname'" in message
    assert "columns=ContactColumns(" in message
    assert "contact_id is" not in message
    assert "email is" not in message


def test_ambiguous_headers() -> None:
    """Between two headers of one field nothing is guessed; naming one settles it."""
    text = "id,Contact ID,first,last,email,E-Mail\n9,1,Ann,Woods,,a@example.com\n"
    with pytest.raises(InvalidValueError) as caught:
        read(text)
    message = str(caught.value)
    reading = read(text, columns=ContactColumns(contact_id="Contact ID", email="E-Mail"))

    assert "contact_id may be any of 'id', 'Contact ID'" in message
    assert "email may be any of 'email', 'E-Mail'" in message
    assert reading.contacts == (contact("1", "Ann", "Woods", "a@example.com"),)


def test_header_is_named_in_any_spelling_that_is_clear() -> None:
    """A header is named exactly, or folded where that leaves no doubt."""
    text = "id,first,last,E-Mail,email\n1,Ann,Woods,a@example.com,\n"

    assert read(text, columns=ContactColumns(email="E-Mail", last_name=" LAST ")).contacts[0].email == "a@example.com"
    with pytest.raises(InvalidValueError, match="email may be any of 'E-Mail', 'email'"):
        read(text, columns=ContactColumns(email="e_mail"))


def test_header_that_is_named_and_there_twice() -> None:
    """The same header twice cannot be settled by naming it."""
    with pytest.raises(InvalidValueError, match="first_name may be any of 'Name', 'Name'"):
        read("id,Name,Name,last\n1,Ann,Anna,Woods\n", columns=ContactColumns(first_name="Name"))


def test_header_that_is_named_and_not_there() -> None:
    """A column that was named is missed, also where the field itself may be missing."""
    with pytest.raises(InvalidValueError, match="email is under none of 'Courriel'"):
        read("id,first,last,email\n", columns=ContactColumns(email="Courriel"))


def test_columns_that_are_named() -> None:
    """Fields are read from the headers that the caller names; one column may serve two."""
    reading = read(
        "Nr;Vorname;Nachname;Post;login\n1;Ann;Woods;a@example.com;2024-01-01\n",
        columns=ContactColumns(
            contact_id="Nr", first_name="Vorname", last_name="NACHNAME", email="Post", username="Post"
        ),
    )

    assert reading.contacts == (contact("1", "Ann", "Woods", "a@example.com"),)
    assert reading.usernames == {"1": "a@example.com"}
    assert reading.columns.last_name == "Nachname"


def test_columns_that_are_not_there() -> None:
    """An empty text says that there is no such column, and none is looked for."""
    reading = read(
        "id,last,email,login\n1,Woods,a@example.com,2024-01-01\n",
        columns=ContactColumns(first_name="", email="", username=""),
    )

    assert reading.contacts == (contact("1", None, "Woods"),)
    assert reading.usernames == {}


def test_file_without_a_header_line() -> None:
    """Somebody's name at the place of the headers is not repeated in the error (R14)."""
    with pytest.raises(InvalidValueError) as caught:
        read("778393,Carmen,Quuxworth\n779017,Manuel,Dyer\n")

    assert "none that is known" in str(caught.value)
    assert "Quuxworth" not in str(caught.value)
    assert "Carmen" not in str(caught.value)


def test_headers_are_quoted_safely() -> None:
    """A header of any length and with any characters makes one line of the error."""
    with pytest.raises(InvalidValueError) as caught:
        read('id,"a\nb",\u2028\u202e,' + "x" * 10_000 + "\n")
    message = str(caught.value)

    assert message.isprintable()
    assert len(message) < 1_000
    assert "'a\\nb', '\\u2028\\u202e'" in message


@pytest.mark.parametrize("columns", [{"contact_id": ""}, {"email": 4}, {"contact_id": b"id"}])
def test_columns_that_cannot_be(columns: dict[str, Any]) -> None:
    """Headers are text, and the identifier always has one."""
    with pytest.raises(InvalidValueError) as caught:
        ContactColumns(**columns)

    assert caught.value.field in columns


# -- rows that are refused


def test_rows_that_cannot_be_taken() -> None:
    """Each row that cannot be taken is told with its line and field, and the others go on."""
    reading = read(
        "id,first,last,email,username\n"
        "1,Ann,Woods,,ann\n"
        ",Carl,Quux,,carl\n"  # 3: no identifier
        '1,Annie,"Wo\nods",,annie\n'  # 4 and 5: the same identifier again
        "3,Dan\n"  # 6: fewer cells
        "4,Eve,Quux,Dr,,eve\n"  # 7: more cells
        f"5,{'x' * 256},Quux,,\n"  # 8: too long
        " 6,Fay,Quux,,\n"  # 9: blanks around the identifier
        "7,Gus\0,Quux,,\n"  # 10: NUL
        "8,Hal,Quux,,h\tal\n"  # 11: no user name
        '9,"Ida" I.,Quux,,\n'  # 12: quotation marks that are not doubled
        "10,Joe,Quux,,   \n"  # 13: a blank user name
        "2,Bob,Dyer,,,,\n"  # 14: more cells, and all of them empty
    )

    assert reading.contacts == (ANN, BOB)
    assert reading.usernames == {"1": "ann"}
    assert faults(reading) == [
        (3, "contact_id"),
        (4, "contact_id"),
        (6, "row"),
        (7, "row"),
        (8, "first_name"),
        (9, "contact_id"),
        (10, "first_name"),
        (11, "username"),
        (12, "row"),
        (13, "username"),
    ]
    assert "identifier in the SIS" in reading.refusals[0].mend
    assert "line 2" in reading.refusals[1].mend


def test_refusals_carry_no_values() -> None:
    """A refusal says where and what to do, and repeats nothing of the row (R14)."""
    rows = [
        '9,"Quux" I.,Quux,',
        ",Quux,Quux,",
        "1,Quux\0,Quux,",
        f"2,Quux,Quux{'x' * 300},",
        "3,Quux",
        "4,Q,Quux,,Quux",
    ]
    reading = read("id,first,last,username\n" + "\n".join(rows))

    assert len(reading.refusals) == len(rows)
    assert "Quux" not in repr(reading.refusals)
    assert all(refusal.mend for refusal in reading.refusals)


def test_cell_beyond_the_limit() -> None:
    """A cell of any size is one refused row."""
    big = "x" * (csv.field_size_limit() + 1)
    reading = read(f"id,first,last\n1,Ann,Woods\n3,{big},Quux\n2,Bob,Dyer\n")

    assert reading.contacts == (ANN, BOB)
    assert faults(reading) == [(3, "row")]


@pytest.mark.parametrize("rest", ["", "4,Dan,Quux\n" * 20_000, '4,Dan,"Quux"\n'])
def test_quotation_mark_that_is_never_closed(rest: str) -> None:
    """Where such a row ends cannot be told, so nothing from it on is read, and the operator knows it."""
    reading = read(f'id,first,last\n1,Ann,Woods\n3,"Carl,Quux\n2,Bob,Dyer\n{rest}')

    assert reading.contacts == (ANN,)
    assert faults(reading) == [(3, "row")]
    assert "nothing from here on was read" in reading.refusals[0].mend


def test_quotation_mark_that_opens_on_the_last_line() -> None:
    """A file that was cut off within a cell loses that row only."""
    reading = read('id,first,last\n1,Ann,Woods\n2,Bob,"Dy')

    assert reading.contacts == (ANN,)
    assert faults(reading) == [(3, "row")]


def test_refused_identifier_is_not_taken() -> None:
    """A row that was refused does not keep a later one from being taken."""
    reading = read("id,first,last\n1,A\0nn,Woods\n1,Ann,Woods\n")

    assert reading.contacts == (ANN,)
    assert faults(reading) == [(2, "first_name")]


# -- records


class NotAvailable:
    """What pandas has for a missing value: its comparisons are neither true nor false."""

    def __ne__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


class Array:
    """What compares element by element."""

    def __eq__(self, other: object) -> Any:
        return self

    def __ne__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array is ambiguous")


@attrs.frozen
class Int64:
    """A whole number that is no int, as numpy has them."""

    number: int

    def __index__(self) -> int:
        return self.number


@attrs.frozen
class Float32:
    """A number that is no float, as numpy has them."""

    number: float

    def is_integer(self) -> bool:
        """Return whether it is whole."""
        return self.number.is_integer()

    def __int__(self) -> int:
        return int(self.number)


class Text(str):
    """Text that is more than its characters, as numpy has it."""

    __slots__ = ()


@pytest.mark.parametrize("missing", [None, float("nan"), Decimal("NaN"), NotAvailable(), ""])
def test_missing_values_of_records(missing: object) -> None:
    """None, NaN, pandas.NA and an empty text are missing values, and so is an absent key."""
    reading = contacts_from_records(
        [
            {"id": "1", "first_name": missing, "last_name": "Woods", "email": missing, "username": missing},
            {"id": "2", "last_name": "Dyer"},
            {"id": missing, "first_name": "Carl", "last_name": "Quux"},
        ]
    )

    assert reading.contacts == (contact("1", None, "Woods"), contact("2", None, "Dyer"))
    assert reading.usernames == {}
    assert faults(reading) == [(3, "contact_id")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("007", "007"),
        (7, "7"),
        (7.0, "7"),
        (-7, "-7"),
        (0, "0"),
        (Int64(2**63 - 1), "9223372036854775807"),
        (Float32(7.0), "7"),
        (2.0**53 - 1, "9007199254740991"),
        (Text("007"), "007"),
    ],
)
def test_numbers_as_identifiers(value: object, expected: str) -> None:
    """A whole number is the text of it, also as the float that pandas makes of a column with gaps."""
    reading = contacts_from_records([{"id": value, "first": "Ann", "last": "Woods", "login": value}])

    assert reading.contacts == (contact(expected, "Ann", "Woods"),)
    assert type(reading.contacts[0].contact_id) is str
    assert reading.usernames == {expected: expected}


@pytest.mark.parametrize(
    "value",
    [
        7.5,
        2.0**53,
        float("inf"),
        10**255,
        pytest.param(10**5_000, id="huge"),
        True,
        b"7",
        Decimal("sNaN"),
        Float32(7.5),
        Array(),
        ["7"],
    ],
)
def test_values_that_are_no_identifiers(value: object) -> None:
    """What may stand for another identifier, or is none, is refused for that record alone."""
    reading = contacts_from_records(
        [{"id": value, "first": "Carl", "last": "Quux"}, {"id": 1, "first": "Ann", "last": "Woods"}]
    )

    assert reading.contacts == (ANN,)
    assert faults(reading) == [(1, "contact_id")]


@pytest.mark.parametrize("field", ["first_name", "last_name", "email"])
def test_names_are_not_made_of_numbers(field: str) -> None:
    """Only identifiers and user names are numbers now and then; a name that is one was misread."""
    record: dict[str, object] = {"id": 1, "first_name": "Ann", "last_name": "Woods", field: 1.0}

    assert faults(contacts_from_records([record])) == [(1, field)]


def test_records_are_read_like_rows() -> None:
    """Records know the same headers, columns, duplicates and limits, and take other keys along unread."""
    reading = contacts_from_records(
        (
            {"sourcedId": "1", "Vorname": "Ann", "familyName": "Woods", 0: "unnamed"},
            {"sourcedId": 1.0, "Vorname": "Anna", "familyName": "Woods", "extra": object()},
            {"sourcedId": "2", "Vorname": "Bob", "familyName": "Dyer", "login": "bob"},
            {"sourcedId": "3", "Vorname": "Car\0l", "familyName": "Quux"},
        ),
        columns=ContactColumns(first_name="Vorname"),
    )

    assert reading.contacts == (ANN, BOB)
    assert reading.usernames == {"2": "bob"}
    assert faults(reading) == [(2, "contact_id"), (4, "first_name")]
    assert reading.columns == ContactColumns(
        contact_id="sourcedId", first_name="Vorname", last_name="familyName", email="", username="login"
    )


def test_no_records() -> None:
    """No records are no contacts, and no error about their headers."""
    assert contacts_from_records([]) == RosterReading()


@pytest.mark.parametrize("records", [["id", "first"], [("1", "Ann", "Woods")], "id", [{"id": 1}, None]])
def test_records_that_are_none(records: Any) -> None:
    """A frame itself, which iterates over its column names, is told from its records."""
    with pytest.raises(InvalidValueError, match="to_dict"):
        contacts_from_records(records)


def test_records_without_headers() -> None:
    """Records are asked for the same headers as files."""
    with pytest.raises(InvalidValueError, match="last_name is under none of"):
        contacts_from_records([{"id": 1, "first": "Ann"}])


# -- the reading


def test_reading_hides_names() -> None:
    """A reading shows counts, whoever prints it (R14, R24)."""
    reading = read("id,first,last,username\n1,Quuxanne,Quuxworth,quux\n,Q,Quux,\n")

    assert repr(reading) == "RosterReading(1 contacts, 1 refusals, 1 user names)"
    assert str(reading) == repr(reading)
    assert reading == read("id,first,last,username\n1,Quuxanne,Quuxworth,quux\n,Q,Quux,\n")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        reading.contacts = ()  # type: ignore[misc]  # That it is refused is the point.


def test_refusal_is_a_value() -> None:
    """A refusal can be compared, kept in a set and shown."""
    refusal = RosterRefusal(line=3, field="row", mend="quote it")

    assert {refusal, RosterRefusal(line=3, field="row", mend="quote it")} == {refusal}


def test_columns_of_another_kind_are_refused() -> None:
    """R23: a dict where ContactColumns belong is told with the mend."""
    with pytest.raises(InvalidValueError) as refused:
        read("id,first_name,last_name\n1,a,b\n", columns={"contact_id": "id"})
    assert refused.value.field == "columns"


def test_text_handed_in_as_a_path_stands_in_no_error() -> None:
    """R14: a whole roster given instead of its path is refused without being quoted."""
    with pytest.raises(InvalidValueError) as refused:
        read_contacts_csv("contact_id,first_name,last_name\n1,Rosa,Abbiatici\n")
    assert refused.value.field == "source"
    assert "Rosa" not in str(refused.value)


def test_a_first_row_of_names_is_not_quoted_as_headers() -> None:
    """R14: a file without a header line begins with somebody's name, even if one of them is also a known header."""
    for first_row in ("P1,Rosa,Abbiatici,", "P1,Rosa,Mail"):
        with pytest.raises(InvalidValueError) as refused:
            read(first_row + "\n", columns=ContactColumns(contact_id="nr", email=""))
        assert "Rosa" not in str(refused.value)
