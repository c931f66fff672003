"""A roster that has more than contacts in it is not taken whole in silence."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.exceptions import InvalidValueError
from portalcreds.rosters import TELLING_HEADERS, LeftOut, contacts_from_records, read_contacts_csv
from rosters.reading_rosters import ANN, BOB, faults, read

MIXED = (
    "id,first,last,role,status\n"
    "1,Ann,Woods,Guardian,active\n"
    "2,Bob,Dyer,parent,\n"
    "3,Cy,Roe,student,active\n"
    "4,Di,Foe,guardian,tobedeleted\n"
)
RECORDS = [
    {"id": "1", "first": "Ann", "last": "Woods", "role": "parent", "is_active": True},
    {"id": "2", "first": "Bob", "last": "Dyer", "role": "student", "is_active": True},
    {"id": "3", "first": "Cy", "last": "Roe", "role": "parent", "is_active": False},
    {"id": "4", "first": "Di", "last": "Foe", "role": float("nan"), "is_active": True},
]


def test_a_guardian_a_student_and_a_leaver_are_not_all_taken() -> None:
    """A column that says who is what is named in the refusal, with the argument to pass, and no cell of it."""
    with pytest.raises(InvalidValueError) as refused:
        read(MIXED)
    assert refused.value.field == "keep"
    assert "'role', 'status'" in refused.value.hint
    assert "{'role': ['parent', 'guardian'], 'status': None}" in refused.value.hint
    assert "tobedeleted" not in refused.value.hint
    with pytest.raises(InvalidValueError, match="'role', 'is_active'"):
        contacts_from_records(RECORDS)


def test_rows_are_chosen_by_their_values() -> None:
    """Capitals do not count, an empty cell is one of the values, and whoever is left out is counted."""
    reading = read(MIXED, keep={"role": ["guardian", "parent"], "Status": ["active", ""]})
    assert reading.contacts == (ANN, BOB)
    assert reading.left_out == {LeftOut.NOT_KEPT: 2}
    assert reading.refusals == ()


def test_each_column_has_to_be_told() -> None:
    """A role that is told says nothing of the status; None says that it does not matter."""
    with pytest.raises(InvalidValueError) as refused:
        read(MIXED, keep={"role": ["guardian"]})
    assert "'status'" in refused.value.hint
    assert "has 'role'" not in refused.value.hint
    assert len(read(MIXED, keep={"role": ["guardian"], "status": None}).contacts) == 2
    assert len(read(MIXED, keep={"role": None, "status": None}).contacts) == 4


def test_rows_are_chosen_by_a_function() -> None:
    """It gets the whole row by header, cells that were left out at its end included, and tells of all columns."""
    seen: list[Mapping[str, Any]] = []

    def keep(row: Mapping[str, Any]) -> bool:
        seen.append(row)
        return bool(row["status"] != "tobedeleted" and row["role"] != "student")

    assert read(MIXED.replace("parent,", "parent"), keep=keep).contacts == (ANN, BOB)
    assert seen[1] == {"id": "2", "first": "Bob", "last": "Dyer", "role": "parent", "status": ""}


def test_records_are_chosen_by_their_values() -> None:
    """True is what a database has for the text of a file, and NaN is an empty cell."""
    keep: dict[str, Any] = {"role": ["parent"], "is_active": [True]}
    assert contacts_from_records(RECORDS, keep=keep).contacts == (ANN,)
    assert contacts_from_records(RECORDS, keep={"role": [None], "is_active": ["true"]}).contacts[0].contact_id == "4"
    assert contacts_from_records(RECORDS, keep=lambda row: row["id"] == "1").left_out == {LeftOut.NOT_KEPT: 3}
    numbers = [{**record, "is_active": float(bool(record["is_active"]))} for record in RECORDS]
    assert contacts_from_records(numbers, keep={"role": None, "is_active": [1]}).left_out == {LeftOut.NOT_KEPT: 1}


def test_a_row_that_is_not_kept_is_not_refused() -> None:
    """What is wrong with a student's row is nobody's concern here."""
    reading = read("id,first,last,type\n,Cy,#REF!,student\n,Cy,Roe,parent\n", keep={"type": ["parent"]})
    assert faults(reading) == [(3, "contact_id")]


@pytest.mark.parametrize("header", [*sorted(TELLING_HEADERS), "User Role", "is-active", "ENABLED_USER"])
def test_every_telling_header_is_seen(header: str) -> None:
    """However it is written, such a column is not passed over."""
    with pytest.raises(InvalidValueError, match="None takes any value"):
        read(f"id,first,last,{header}\n1,Ann,Woods,\n")
    assert read(f"id,first,last,{header}\n1,Ann,Woods,\n", keep={header: None}).contacts == (ANN,)


@pytest.mark.parametrize(
    "keep",
    [5, "parent", [], str, {"role": "parent"}, {"role": 5}, {5: ["parent"]}, {"rolle": ["parent"]}],
    ids=repr,
)
def test_a_rule_that_cannot_be_meant_is_refused(keep: Any) -> None:
    """R23: one text where several values belong would be taken letter by letter, and a slip takes nobody or all."""
    with pytest.raises(InvalidValueError) as refused:
        read(MIXED, keep=keep)
    assert refused.value.field == "keep"


def test_a_header_that_is_there_twice_cannot_be_chosen_by() -> None:
    """Which of two columns is meant is not guessed."""
    with pytest.raises(InvalidValueError, match="there twice"):
        read("id,first,last,role,Role\n1,Ann,Woods,parent,x\n", keep={"ROLE": ["parent"]})


@given(st.lists(st.sampled_from(["parent", "student", "", " Parent "]), max_size=30))
def test_everybody_is_either_taken_or_counted(roles: list[str]) -> None:
    """No row is lost, as a file and as records."""
    rows = [{"id": str(number), "first": "A", "last": "B", "role": role} for number, role in enumerate(roles)]
    text = "id,first,last,role\n" + "".join(",".join(row.values()) + "\n" for row in rows)
    parents = sum(role.strip().casefold() == "parent" for role in roles)
    for reading in (
        read_contacts_csv(io.StringIO(text), keep={"role": ["parent"]}),
        contacts_from_records(rows, keep={"role": ["parent"]}),
    ):
        assert len(reading.contacts) == parents
        assert sum(reading.left_out.values()) == len(roles) - parents
