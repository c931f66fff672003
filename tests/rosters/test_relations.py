"""Which contacts belong to which class, from lists of a host's own, and what the office does with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import OFFICE, Portal
from portalcreds.contacts import ContactId
from portalcreds.exceptions import InvalidValueError
from portalcreds.resets import Decision
from portalcreds.rosters import RosterReading, relate, relations
from rosters.reading_rosters import contact, read

READING = read("id,first,last\n1,Ann,Woods\n2,Bob,Dyer\n3,Cy,Roe\n")


def test_lists_of_a_host_s_own_make_relations() -> None:
    """A student may have the same number as somebody's parent, and a link to a contact who was not read is none."""
    reading = relate(
        READING,
        students=[("1", "2"), ("1", "3"), ("2", "2"), ("2", "99"), ("1", "2")],
        classes=[("7B", "1"), ("7B", "2"), ("8A", "3")],
    )
    assert reading.contacts == READING.contacts
    assert READING.relations is None
    assert reading.contacts_of_class("7b") == ("2", "3")
    assert reading.contacts_of_class("8A") == ()
    assert reading.contacts_of_student("2") == ("2",)
    assert reading.contacts_of_student("77") == ()


def test_a_roster_that_does_not_tell_is_refused() -> None:
    """Nobody is taken for the parents of a class because nothing is known of it."""
    for ask in (READING.contacts_of_class, READING.contacts_of_student):
        with pytest.raises(InvalidValueError, match="relate") as refused:
            ask("7B")
        assert refused.value.field == "relations"


def test_links_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are held in memory, so there is an end to them."""
    monkeypatch.setattr(relations, "MAX_LINKS", 2)
    relate(READING, students=[("s", "1")], classes=[("7B", "s")])
    with pytest.raises(InvalidValueError, match="at most 2 links"):
        relate(READING, students=[("s", "1"), ("s", "2")], classes=[("7B", "s")])


@pytest.mark.parametrize("pairs", [5, "ab", [("S-1",)], [("S-1", 5)], ["ab"], [None]], ids=repr)
def test_what_is_no_pair_is_refused(pairs: Any) -> None:
    """R23: a text of two letters is no pair."""
    with pytest.raises(InvalidValueError, match="pairs"):
        relate(READING, students=pairs)
    with pytest.raises(InvalidValueError, match="pairs"):
        relate(READING, students=[], classes=pairs)


def test_relations_show_no_names() -> None:
    """R14: what is printed counts, and the ids of children stay out of logs."""
    reading = relate(READING, students=[("child-1", "1")], classes=[("7B", "child-1")])
    assert "child-1" not in repr(reading)
    assert reading.relations is not None
    assert repr(reading.relations) == "RosterRelations(1 students, 1 classes)"
    assert "child-1" not in repr(reading.relations.classes)


def test_all_parents_of_a_class_are_planned(memory_portal: Portal) -> None:
    """The contacts of a class are a selection as any other, and nobody else is in the plan."""
    accounts = [contact("c-1", "Rosa", "Abbiatici"), contact("c-2", "Pat", "O'Brien")]
    reading = relate(
        RosterReading(contacts=tuple(accounts)), students=[("s", "c-1"), ("s", "c-99")], classes=[("7B", "s")]
    )
    plan = memory_portal.resets.plan(reading.contacts_of_class("7B"), OFFICE)
    assert [item.contact_id for item in plan] == ["c-1"]
    assert len(plan) == plan.count(Decision.WILL_SET) + plan.count(Decision.SKIP) + plan.count(Decision.CANNOT)


@given(
    students=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("1239"))),
    classes=st.lists(st.tuples(st.sampled_from(["7A", "7B"]), st.sampled_from("abc"))),
)
def test_relations_are_those_of_the_lists(students: list[tuple[str, str]], classes: list[tuple[str, str]]) -> None:
    """A contact is of a class exactly if one of the lists has a student between them."""
    reading = relate(READING, students=students, classes=classes)
    known: set[ContactId] = {each.contact_id for each in READING.contacts}
    for name in {name for name, _ in classes}:
        expected = {who for student, who in students if (name, student) in classes and ContactId(who) in known}
        assert set(reading.contacts_of_class(name)) == expected
        assert len(reading.contacts_of_class(name)) == len(expected)
