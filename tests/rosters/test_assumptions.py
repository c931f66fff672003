"""What is assumed of a file, what a caller says instead, and what is never guessed."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.contacts import MAX_CONTACT_TEXT
from portalcreds.exceptions import InvalidValueError
from portalcreds.rosters import ContactColumns, RosterReason, read_contacts_csv
from portalcreds.rosters._csv_rows import table_of
from portalcreds.rosters.columns import positions
from rosters.reading_rosters import ANN, BOB, contact, faults, read

# -- what separates cells


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_what_was_found_is_said(delimiter: str) -> None:
    """A reading tells what separated its cells, so that a page can show what was assumed."""
    reading = read(delimiter.join(("id", "first", "last")) + "\n" + delimiter.join(("1", "Ann", "Woods")) + "\n")
    assert reading.contacts == (ANN,)
    assert (reading.delimiter, reading.encoding) == (delimiter, "utf-8")


def test_what_is_told_holds() -> None:
    """Any one character may separate cells, also against what the first line tells Excel."""
    reading = read("sep=;\nid~first~last\n1~Ann~Woods\n", delimiter="~")
    assert (reading.contacts, reading.delimiter) == ((ANN,), "~")
    with pytest.raises(InvalidValueError, match="contact_id is under none of"):
        read("id;first;last\n1;Ann;Woods\n", delimiter=",")


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\0", 5, b";"], ids=repr)
def test_what_can_separate_nothing_is_refused(delimiter: Any) -> None:
    """R23: the quotation mark and the line break have another meaning."""
    with pytest.raises(InvalidValueError) as refused:
        read("id,first,last\n", delimiter=delimiter)
    assert refused.value.field == "delimiter"


def test_headers_that_can_be_taken_apart_in_two_ways_are_refused() -> None:
    """Where two separators both find the columns that are asked for, neither is guessed."""
    text = "id;x,id\n1;2,3\n"
    columns = ContactColumns(contact_id="id", first_name="", last_name="", email="", username="")
    with pytest.raises(InvalidValueError) as refused:
        read(text, columns=columns)
    assert refused.value.field == "delimiter"
    assert read(text, columns=columns, delimiter=",").contacts[0].contact_id == "3"


def test_a_file_of_one_column_needs_no_separator() -> None:
    """Identifiers alone, one on a line, are a roster too."""
    columns = ContactColumns(first_name="", last_name="")
    assert [each.contact_id for each in read("id\n1\n2\n", columns=columns).contacts] == ["1", "2"]


def test_rows_are_bounded() -> None:
    """What is held in memory has a bound, which is told in the error."""
    lines = iter(["id,first,last", *["1,Ann,Woods"] * 4])
    table = table_of(lines, lambda headers, below: positions(headers, ContactColumns(), below=below), max_rows=3)
    with pytest.raises(InvalidValueError, match="more than 3 rows"):
        list(table.rows)


# -- what it is written in


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_a_mark_is_read_and_said(name: str) -> None:
    """Excel's Unicode text begins with a mark that nothing else has."""
    mark = "" if name == "utf-16" else "\ufeff"
    reading = read_contacts_csv(io.BytesIO(f"{mark}id\tfirst\tlast\r\n1\tÉva\tNguyễn\r\n".encode(name)))
    assert reading.contacts == (contact("1", "Éva", "Nguyễn"),)
    assert (reading.encoding, reading.delimiter) == ("utf-16", "\t")


def test_utf_16_that_is_cut_is_refused() -> None:
    """Half a character at the end is a file that did not arrive whole."""
    with pytest.raises(InvalidValueError) as refused:
        read_contacts_csv(io.BytesIO("id,first,last\n1,Ann,Woods".encode("utf-16")[:-1]))
    assert refused.value.field == "encoding"


def test_an_encoding_that_is_told_is_said_back() -> None:
    """Text that was opened by the caller has no encoding that is known here."""
    data = "id,first,last\n1,Éva,Woods\n"
    assert read_contacts_csv(io.BytesIO(data.encode("cp1252")), encoding="cp1252").encoding == "cp1252"
    assert read_contacts_csv(io.StringIO(data)).encoding == ""


@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(exclude_characters="\0\r\n#=", exclude_categories=["C"]), max_size=9)] * 2),
        max_size=8,
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_break=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_is_written_is_read(
    rows: list[tuple[str, str]], encoding: str, delimiter: str, quoting: Any, line_break: str
) -> None:
    """Every encoding that is found by itself, separator, way of quoting and line break brings back the same names."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_break)
    writer.writerows([("id", "first", "last"), *((f"P{at}", *row) for at, row in enumerate(rows))])
    reading = read_contacts_csv(io.BytesIO(text.getvalue().encode(encoding)))
    assert [(each.first_name, each.last_name) for each in reading.contacts] == [
        (first or None, last or None) for first, last in rows
    ]
    assert reading.refusals == ()


# -- what a refusal says


def test_a_refusal_says_its_reason_as_a_code() -> None:
    """Each row is refused for what is wrong with it, as a code that a page can translate."""
    reading = read(
        "id,first,last,username\n"
        f"1,{'x' * (MAX_CONTACT_TEXT + 1)},L,u\n 2,F,L,u\n3,F\x00,L,u\n4,F,L,u\tv\n1E+11,F,L,u\n5.0,F,L,u\n6,#N/A,L,u\n"
        '7,F\n8,F,L,u,x\n9,"F"F,L,u\n10,"F,L,u\n'
    )
    assert [refusal.reason for refusal in reading.refusals] == [
        RosterReason.TOO_LONG,
        RosterReason.OUTER_BLANKS,
        RosterReason.INVALID_TEXT,
        RosterReason.USERNAME_INVALID,
        RosterReason.NUMBER_CUT,
        RosterReason.READ_AS_NUMBER,
        RosterReason.SPREADSHEET_ERROR,
        RosterReason.TOO_FEW_CELLS,
        RosterReason.TOO_MANY_CELLS,
        RosterReason.STRAY_QUOTE,
        RosterReason.OPEN_QUOTE,
    ]
    assert faults(reading)[0] == (2, "first_name")
    assert reading.refusals[0].hint == f"Shorten it in the SIS to at most {MAX_CONTACT_TEXT} characters."
    assert reading.refusals[0].text == f"Line 2, first_name: {reading.refusals[0].hint}"


def test_a_warning_says_its_reason_as_a_code() -> None:
    """What was repaired and what looks damaged are codes too."""
    reading = read('id,first,last\n"=""1""",Ann,Woods\n2,Bob,MÃ¼ller\n')
    assert [(told.line, told.reason) for told in reading.warnings] == [
        (2, RosterReason.MARKS_REMOVED),
        (3, RosterReason.DAMAGED_TEXT),
    ]
    assert (reading.contacts[0], BOB.first_name) == (ANN, reading.contacts[1].first_name)
