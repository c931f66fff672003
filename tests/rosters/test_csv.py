"""Reading contacts from CSV files: as they come, their encodings and their headers."""

from __future__ import annotations

import csv
import io
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds._text import has_default_ignorable
from portalcreds.exceptions import InvalidValueError
from portalcreds.protocols import Usernames
from portalcreds.rosters import contacts_from_records, read_contacts_csv
from portalcreds.rosters.columns import KNOWN_HEADERS, ContactColumns
from rosters.reading_rosters import ANN, BOB, contact, faults, read

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
    """A OneRoster users.csv is read under its own headers as well, once it is said who is a contact."""
    text = (
        '"sourcedId","status","enabledUser","orgSourcedIds","role","username","userIds","givenName","familyName",'
        '"middleName","identifier","email"\n'
        '"u1","active","true","o1","parent","awoods","","Ann","Woods","","",""\n'
        '"u2","active","true","o1","parent","","","Bob","Dyer","","",""\n'
    )
    reading = read(text, keep={"role": ["parent"], "status": ["active"], "enabledUser": ["true"]})

    assert reading.contacts == (contact("u1", "Ann", "Woods"), contact("u2", "Bob", "Dyer"))
    usernames: Usernames = reading.usernames  # What a sync takes, to type checkers too.
    assert usernames == {"u1": "awoods"}


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


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
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
    """Quoted separators and quotation marks belong to the value; a line break belongs to no name."""
    reading = read('id,first,last\r\n1,"Ann, ""Annie""",Woods\r\n2,Bob,Dyer\r\n3,"Ca\r\nrl",Quux\r\n')

    assert reading.contacts == (contact("1", 'Ann, "Annie"', "Woods"), BOB)
    assert faults(reading) == [(4, "row"), (5, "row")]


def test_empty_cells_and_blank_lines() -> None:
    """An empty cell is None, and a line without anything in it is no row."""
    reading = read("\n \nid,first,last,email\n\n1,Ann,,\n,,,\n  \n2,,Dyer,d@example.com\n\n")

    assert reading.contacts == (contact("1", "Ann", None), contact("2", None, "Dyer", "d@example.com"))
    assert reading.refusals == ()


TEXTS = st.text(alphabet=st.characters(exclude_characters="\0\r\n#=", exclude_categories=["Cs"]), max_size=20)
NAMES = TEXTS.map(lambda text: text or None)
# Without what a spreadsheet may have put there.
IDS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="#='.,+"), min_size=1, max_size=8).filter(
    lambda text: not has_default_ignorable(text)
)


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
    """Whatever follows the header line is taken or refused, but for what is not in the encoding at all."""
    try:
        reading = read_contacts_csv(io.BytesIO(b"id,first,last\n1,Ann,Woods\n" + rows))
    except InvalidValueError as error:
        told = error.field
    else:
        told = reading.contacts[0].contact_id
    assert told in ("encoding", "1")


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
    """Bytes that are not UTF-8 are one error that says the line and the cure, and not a file without its accents."""
    rows = "1,Ann,Woods\n" * 10_000
    data = f"id,first,last\n{rows}3,Éloïse,Petit\n".encode("cp1252")
    with pytest.raises(InvalidValueError, match=r"line 10002 is not UTF-8.*cp1252") as caught:
        read_contacts_csv(io.BytesIO(data))
    assert caught.value.field == "encoding"


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told(name: str) -> None:
    """The error names the encoding to pass."""
    data = "id,first,last\n1,Ann,Woods\n".encode(name)
    with pytest.raises(InvalidValueError, match=name):
        read_contacts_csv(io.BytesIO(data))
    assert read_contacts_csv(io.BytesIO(data), encoding=name).contacts == (ANN,)


@pytest.mark.parametrize(
    "above",
    ["sep=;\n", '"sep=;"\n', "Parents 2026\n", "Parents 2026;;\n\nas of today;;\n", "\ufeffsep=;\r\n"],
)
def test_what_stands_above_the_headers_is_skipped(above: str) -> None:
    """Excel's separator line and a title are no headers, and lines are still counted from the first."""
    reading = read(f"{above}id;first;last\n1;Ann;Woods\n;x;y\n")
    assert reading.contacts == (ANN,)
    assert faults(reading) == [(above.count("\n") + 3, "contact_id")]


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    """No more of a file than a line at its longest is held, whatever its size."""

    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size: int = -1) -> bytes:
            self.taken += size
            return b"x" * size

    endless = Endless()
    with pytest.raises(InvalidValueError, match="longer than"):
        read_contacts_csv(endless)  # type: ignore[arg-type]  # Wrong on purpose.
    assert endless.taken < 2_000_000


def test_too_many_columns_are_refused_at_once() -> None:
    """A header line of thousands of cells is none."""
    with pytest.raises(InvalidValueError, match="1,000 columns"):
        read("id,first,last" + ",x" * 100_000 + "\n")


def test_an_upload_that_is_read_asynchronously_is_told() -> None:
    """R23: what an asynchronous framework hands over is refused with the hint, and nobody is warned of a coroutine."""

    class Upload:
        async def read(self, size: int = -1) -> bytes:
            return b""

    with pytest.raises(InvalidValueError, match="BytesIO"):
        read_contacts_csv(Upload())  # type: ignore[arg-type]  # Wrong on purpose.


@pytest.mark.parametrize(
    ("data", "encoding", "field"),
    [
        (b"", None, "source"),
        (b"\xef\xbb\xbf\r\n \r\n", None, "source"),
        (b'id,first,"last"x\nAnn,Woods,1\n', None, "source"),
        (b'"id,first,last\n1,Ann,Woods\n', None, "source"),
        (b'"' + b"x" * 200_000, None, "source"),
        (b"PK\x03\x04\x14\x00", None, "source"),
        ("id,first,last\n".encode("utf-32"), None, "encoding"),
        (b"\xfe\xff\0i\0d\0", None, "encoding"),
        (b"id,first,last\n1,Ann,Woods\n", "utf-99", "encoding"),
        (b"id,first,last\n1,Ann,Woods\n", "rot13", "encoding"),
        (b"\xff\xfei\0d", "utf-16-", "encoding"),
        (b"\xff\xfei\0d\0,", "utf-16", "encoding"),
    ],
)
def test_file_that_cannot_be_read(data: bytes, encoding: str | None, field: str) -> None:
    """A file as a whole that is no roster is one error, which says the hint (R23)."""
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
    """One error says everything that was looked for, which headers are there, and the hint."""
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


def test_headers_of_which_none_is_known_are_said() -> None:
    """Another language's headers stand in the error, cut and in ASCII; a first row of somebody's does not (R14)."""
    with pytest.raises(InvalidValueError) as caught:
        read(f"Nr;Vorname;Näme;{'x' * 99}\n17;Ann;Woods;a\n")
    assert f"The headers are: 'Nr', 'Vorname', 'N\\xe4me', '{'x' * 64}...'." in str(caught.value)
    for headless in ("17,Ann,Woods\n18,Bo,Li\n", "Ann,Woods,x\nBo,Li,y\n", "Ann,Woods\n18,Bo,Li\n", "Ann,Woods,17\n"):
        with pytest.raises(InvalidValueError) as caught:
            read(headless)
        assert "Woods" not in str(caught.value)
    with pytest.raises(InvalidValueError, match="'Nr', 'Vorname'"):
        contacts_from_records([{"Nr": 17, "Vorname": "Ann"}])
    with pytest.raises(InvalidValueError) as caught:
        contacts_from_records([{"17": 18, "Woods": "Li"}])
    assert "Woods" not in str(caught.value)


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
