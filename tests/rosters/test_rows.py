"""Rows that are refused, records instead of a file, and what a reading tells."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any

import attrs
import pytest

from portalcreds.exceptions import InvalidValueError
from portalcreds.rosters import RosterReason, RosterRefusal, contacts_from_records, read_contacts_csv
from portalcreds.rosters.columns import ContactColumns
from rosters.reading_rosters import ANN, BOB, contact, faults, read

# -- rows that are refused


def test_rows_that_cannot_be_taken() -> None:
    """Each row that cannot be taken is told with its line and field, and the others go on."""
    reading = read(
        "id,first,last,email,username\n"
        "1,Ann,Woods,,ann\n"
        ",Carl,Quux,,carl\n"  # 3: no identifier
        "1,Annie,Woods,,annie\n"  # 4: the same identifier again
        "\n"
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
    assert "identifier in the SIS" in reading.refusals[0].hint
    assert reading.refusals[1].reason is RosterReason.LISTED_TWICE
    assert reading.refusals[1].text.endswith("Line 2 was taken.")


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
    assert all(refusal.hint for refusal in reading.refusals)


def test_cell_beyond_the_limit() -> None:
    """A cell of any size is one refused row."""
    big = "x" * (csv.field_size_limit() + 1)
    reading = read(f"id,first,last\n1,Ann,Woods\n3,{big},Quux\n2,Bob,Dyer\n")

    assert reading.contacts == (ANN, BOB)
    assert faults(reading) == [(3, "row")]


@pytest.mark.parametrize("rest", ["", "4,Dan,Quux\n" * 2_000, '4,Dan,"Quux"\n'])
def test_quotation_mark_that_is_never_closed(rest: str) -> None:
    """Where such a row ends cannot be told, so it is refused, and the rows after it are read."""
    reading = read(f'id,first,last\n1,Ann,Woods\n3,"Carl,Quux\n2,Bob,Dyer\n{rest}')

    assert reading.contacts[:2] == (ANN, BOB)
    assert faults(reading) == [(3, "row")]
    assert "not closed" in reading.refusals[0].hint


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


SWALLOWING = [
    ('2,"Bo,Poe\n3,Cy,Roe\n5,Ed",Toe\n', ["3"], [2, 4]),
    ('2,"Bo,Poe\n3,Cy,Roe\n', ["3"], [2]),
    ('2,Bo,"Poe\n3,Cy,Roe"\n4,Di,Foe\n', ["4"], [2, 3]),
    ('2,Bo,Poe"\n3,Cy,Roe\n', ["3"], [2]),
    ('2,"Bo,Poe\n' + "3,Cy,Roe\n" * 150 + '5,Ed",Toe\n', ["3"], [2, 153]),
]


@pytest.mark.parametrize(("rows", "taken", "refused"), SWALLOWING)
def test_a_stray_quotation_mark_swallows_no_row(rows: str, taken: list[str], refused: list[int]) -> None:
    """Each line is a contact or a refusal of its own, and no name has two lines."""
    reading = read("id,first,last\n" + rows)
    assert [contact.contact_id for contact in reading.contacts] == taken
    assert [refusal.line for refusal in reading.refusals] == refused


def test_a_stray_quotation_mark_in_an_unused_column_swallows_no_row_either() -> None:
    """A line that looks like a row of its own is one; a line of an address is not."""
    reading = read('id,first,last,note\n2,Bo,Poe,"a\n3,Cy,Roe,b"\n4,Di,Foe,c\n')
    assert [contact.contact_id for contact in reading.contacts] == ["4"]
    assert [refusal.line for refusal in reading.refusals] == [2, 3]
    address = read('id,address,first,last\n1,"12 Main St\nSpring, field",Ann,Woods\n2,"a\nb\n\nc",Bob,Dyer\n')
    assert address.contacts == (ANN, BOB)
    assert address.refusals == ()


def test_cells_that_excel_left_out_at_the_end() -> None:
    """Absent optional cells say nothing; absent names are a refusal."""
    reading = read("id,first,last,email,username\n1,Ann,Woods\n2,Bob\n")
    assert reading.contacts == (ANN,)
    assert reading.contacts[0].unknown == ("email",)
    assert faults(reading) == [(3, "row")]


def test_a_column_that_is_absent_is_unknown_and_an_empty_cell_is_not() -> None:
    """A sync can tell "no address any more" from "this file has no addresses"."""
    assert read("id,first,last\n1,Ann,Woods\n").contacts[0].unknown == ("email",)
    assert read("id,first,last,email\n1,Ann,Woods,\n").contacts[0].unknown == ()
    assert contacts_from_records([{"id": 1, "first": "Ann", "last": "Woods"}]).contacts[0].unknown == ("email",)
    record = {"id": 1, "first": "Ann", "last": "Woods", "email": float("nan")}
    assert contacts_from_records([record]).contacts[0].unknown == ()


def test_the_same_row_again_is_the_same_contact() -> None:
    """A parent of two children is on two rows; only rows that differ are told."""
    reading = read("id,first,last,child\n1,Ann,Woods,Eva\n1,Ann,Woods,Max\n1,Anne,Woods,Max\n")
    assert reading.contacts == (ANN,)
    assert faults(reading) == [(4, "contact_id")]


@pytest.mark.parametrize(
    ("damaged", "expected"),
    [('="0013"', "0013"), ('"=""0013"""', "0013"), ("'0012", "0012"), ("\ufeffP1", "P1"), ("12E4", "12E4")],
)
def test_identifiers_that_can_be_repaired(damaged: str, expected: str) -> None:
    """What a spreadsheet put around an identifier is taken off, and told; the leading zeros stay."""
    reading = read(f"first,id,last\nAnn,{damaged},Woods\n")
    assert [contact.contact_id for contact in reading.contacts] == [expected]
    assert [(warning.line, warning.field) for warning in reading.warnings] == [(2, "contact_id")] * (
        damaged != expected
    )


@pytest.mark.parametrize("damaged", ["1.00E+11", "1E+11", "1001.0", "\u200bP1", "P1\u200b", "#N/A", "########"])
def test_identifiers_that_cannot_be_repaired(damaged: str) -> None:
    """What the identifier was cannot be told, so the row is refused with its reason, as a file and as a record."""
    assert faults(read(f"id,first,last\n{damaged},Ann,Woods\n")) == [(2, "contact_id")]
    assert faults(contacts_from_records([{"id": damaged, "first": "Ann", "last": "Woods"}])) == [(1, "contact_id")]


def test_an_apostrophe_that_belongs_to_a_name_stays() -> None:
    """Only before digits of an identifier does a spreadsheet put one."""
    reading = read("id,first,last\n1,'Ann,'t Hooft\n")
    assert reading.contacts == (contact("1", "'Ann", "'t Hooft"),)
    assert reading.warnings == ()


@pytest.mark.parametrize("name", ["MÃ¼ller", "M\ufffdller", "Li\ue000"])
def test_names_that_look_damaged_are_told(name: str) -> None:
    """The contact is taken as written, and the operator knows before a sync."""
    reading = read(f"id,first,last\n1,Ann,{name}\n")
    assert reading.contacts == (contact("1", "Ann", name),)
    assert [(warning.line, warning.field) for warning in reading.warnings] == [(2, "last_name")]
    assert name not in repr(reading.warnings)


def test_a_spreadsheet_s_error_is_no_name() -> None:
    """``#REF!`` where a name was is refused."""
    assert faults(read("id,first,last\n1,#REF!,Woods\n")) == [(2, "first_name")]


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
        (Decimal("1001"), "1001"),
        (Decimal("7.0"), "7"),
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
        Decimal("7.5"),
        Decimal("1E+400000"),
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
    reading = contacts_from_records([])
    assert (reading.contacts, reading.refusals) == ((), ())


def test_records_without_values_are_skipped() -> None:
    """A row of NaN or blanks is a blank line of the sheet."""
    blank = {"id": float("nan"), "first": None, "last": " ", "other": "x"}
    reading = contacts_from_records([blank, {"id": 1, "first": "Ann", "last": "Woods"}, dict.fromkeys(blank)])
    assert reading.contacts == (ANN,)
    assert reading.refusals == ()


class Frame:
    """What iterates over its columns' names, as pandas has it."""

    def __iter__(self) -> Any:
        return iter(["id", "first", "last"])


@pytest.mark.parametrize(
    "records", [None, 5, Frame(), {"id": 1}, b"x", ["id", "first"], [("1", "Ann", "Woods")], "id", [{"id": 1}, None]]
)
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

    assert repr(reading) == "RosterReading(1 contact, 1 refusal, 0 warnings, 1 user name, 0 left out)"
    assert str(reading) == repr(reading)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        reading.contacts = ()  # type: ignore[assignment, misc]  # That it is refused is the point.


def test_refusal_is_a_value() -> None:
    """A refusal can be compared, kept in a set and shown."""
    refusal = RosterRefusal(line=3, field="row", reason=RosterReason.OPEN_QUOTE)

    assert {refusal, RosterRefusal(line=3, field="row", reason=RosterReason.OPEN_QUOTE)} == {refusal}


def test_columns_of_another_kind_are_refused() -> None:
    """R23: a dict where ContactColumns belong is told with the hint."""
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
