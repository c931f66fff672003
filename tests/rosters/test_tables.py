"""Contacts straight from a table of pandas."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest

from portalcreds.exceptions import InvalidValueError
from portalcreds.rosters import LeftOut, RosterReason, contacts_from_records
from rosters.reading_rosters import ANN, BOB, contact, faults
from stores.hosts import need

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("pandas")
pd = need("pandas")


def frame(**columns: Any) -> Any:
    """Return a table with an id, a first and a last name, and what else is passed."""
    return pd.DataFrame({"id": ["1", "2"], "first": ["Ann", "Bob"], "last": ["Woods", "Dyer"]} | columns)


def test_a_table_is_taken_as_it_is() -> None:
    """Straight from the DataFrame, whatever its index; the table stays as it was."""
    table = frame(email=["a@example.com", None]).set_index(pd.Index([7, 7]))
    before = table.copy()
    reading = contacts_from_records(table)
    assert reading.contacts == (contact("1", "Ann", "Woods", "a@example.com"), BOB)
    assert (reading.warnings, reading.refusals) == ((), ())
    pd.testing.assert_frame_equal(table, before)
    assert contacts_from_records(table.to_dict("records")).contacts == reading.contacts


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT], ids=str)
@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_what_is_missing_is_none(missing: object, dtype: str) -> None:
    """None, NaN, NA and NaT are no texts, in whatever kind of column."""
    table = frame(email=pd.Series(["a@example.com", missing], dtype="object"))
    table["email"] = (
        table["email"].where(table["email"].notna(), None).astype(dtype) if dtype != "object" else table["email"]
    )
    assert [each.email for each in contacts_from_records(table).contacts] == ["a@example.com", None]


def test_numbers_become_the_text_of_them() -> None:
    """Whole numbers of any kind of column are exact, also beside a column with gaps."""
    for dtype in ("int64", "Int64", "uint8", "object"):
        reading = contacts_from_records(frame(id=pd.Series([1, 2], dtype=dtype), grade=[1.5, float("nan")]))
        assert reading.contacts == (ANN, BOB)
        assert reading.warnings == ()
    big = contacts_from_records(frame(id=pd.Series([2**53 + 1, 2**63 - 1])))
    assert [each.contact_id for each in big.contacts] == ["9007199254740993", "9223372036854775807"]


def test_floats_become_whole_numbers_and_it_is_said() -> None:
    """A column with a gap is read as floats; 12345.0 is 12345, and the reader is warned once that zeros are lost."""
    table = pd.read_csv(io.StringIO("id,first,last,login\n12345,Ann,Woods,77\n,Bob,Dyer,\n12346,Cy,Roe,78\n"))
    assert table["id"].dtype == "float64"
    reading = contacts_from_records(table)
    assert [each.contact_id for each in reading.contacts] == ["12345", "12346"]
    assert reading.usernames == {"12345": "77", "12346": "78"}
    assert faults(reading) == [(2, "contact_id")]
    assert [(told.line, told.field, told.reason) for told in reading.warnings] == [
        (1, "contact_id", RosterReason.WAS_FLOAT),
        (1, "username", RosterReason.WAS_FLOAT),
    ]


@pytest.mark.parametrize("value", [12345.5, 2.0**53, float("inf"), True, pd.Timestamp("2026-01-01")], ids=str)
def test_what_is_no_identifier_is_refused(value: object) -> None:
    """A number that may stand for another one, or is none, is refused for that row alone."""
    reading = contacts_from_records(frame(id=pd.Series([value, "2"], dtype="object")))
    assert reading.contacts == (BOB,)
    assert [(told.field, told.reason) for told in reading.refusals] == [("contact_id", RosterReason.NOT_TEXT)]


def test_a_role_column_of_a_table_is_seen() -> None:
    """A table is no more taken whole in silence than a file."""
    table = frame(Role=pd.Series(["parent", "student"], dtype="category"))
    with pytest.raises(InvalidValueError, match="'Role'"):
        contacts_from_records(table)
    reading = contacts_from_records(table, keep={"role": ["parent"]})
    assert (reading.contacts, reading.left_out) == ((ANN,), {LeftOut.NOT_KEPT: 1})


def test_a_column_that_is_there_twice_is_refused() -> None:
    """A table may have two columns of a name, as a join makes them; one of them is not lost in silence."""
    table = frame(email=["a@example.com", None])
    table.columns = pd.Index(["id", "first", "last", "last"])
    with pytest.raises(InvalidValueError, match="last_name may be any of 'last', 'last'"):
        contacts_from_records(table)


def test_columns_without_a_name_are_passed_over() -> None:
    """Numbers and tuples are names of columns too; a table with no rows has no contacts."""
    table = frame().assign(x=1).rename(columns={"x": 0})
    assert contacts_from_records(table).contacts == (ANN, BOB)
    assert contacts_from_records(table.iloc[:0]).contacts == ()
