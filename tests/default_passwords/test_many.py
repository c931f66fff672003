"""The defaults of many contacts at once, to look at: what could be derived, what could not, and why."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import (
    DefaultPasswords,
    DerivedDefault,
    NameTemplate,
    RandomReadable,
    RefusedDefault,
    default_passwords_for,
)
from portalcreds.exceptions import InvalidValueError


def contact(contact_id: str, first_name: str | None, last_name: str | None) -> Contact:
    """Return a contact, briefly."""
    return Contact(contact_id=ContactId(contact_id), first_name=first_name, last_name=last_name)


ROSA = contact("1", "Rosa", "Abbiatici")
MONONYM = contact("2", None, "Madonna")
MARKED = contact("3", "\u0301va", "Li")
DUTCH = contact("4", "Anna", "van der <Berg>")
NOBODY = contact("5", None, "\x07")


def defaults() -> DefaultPasswords:
    """Return the defaults of five contacts, two of whom have one."""
    return default_passwords_for([ROSA, MONONYM, MARKED, DUTCH, NOBODY])


def test_each_contact_has_a_row_in_order() -> None:
    """A contact without a default is a row that says why, and the others go on."""
    rows = list(defaults())
    assert len(defaults()) == 5
    assert [row.contact for row in rows] == [ROSA, MONONYM, MARKED, DUTCH, NOBODY]
    assert [(row.contact, row.secret.reveal(), row.warnings) for row in rows if isinstance(row, DerivedDefault)] == [
        (ROSA, "AbbiaticiR", ()),
        (DUTCH, "van der <Berg>A", ("contains_space",)),
    ]
    assert [row[:3] for row in rows if isinstance(row, RefusedDefault)] == [
        (MONONYM, "first_name", "missing"),
        (MARKED, "first_name", "leading_mark"),
        (NOBODY, "last_name", "control_character"),
    ]
    assert "begins with a mark" in defaults().refused[1].hint


def test_counts() -> None:
    """What was derived, what was refused, and how often for which reason can be counted."""
    assert [len(defaults().derived), len(defaults().refused)] == [2, 3]
    twice = default_passwords_for([MONONYM, MARKED, MARKED])
    assert list(twice.reasons.items()) == [("leading_mark", 2), ("missing", 1)]
    why = "control_character: 1, leading_mark: 1, missing: 1"
    assert repr(defaults()) == f"<DefaultPasswords of 5 contacts (derived: 2, refused: 3; {why})>"


def test_records_have_passwords_only_on_purpose() -> None:
    """R15: the records have names and reasons; the plaintext only if it is asked for."""
    records = defaults().to_records()
    assert records[1] == {
        "contact_id": "2",
        "first_name": None,
        "last_name": "Madonna",
        "reason": "missing",
        "hint": "first_name is missing; correct the name in the SIS or use a strategy that draws a password",
        "warnings": None,
    }
    assert "AbbiaticiR" not in str(records)
    revealed = defaults().to_records(reveal=True)
    assert [record["password"] for record in revealed] == ["AbbiaticiR", None, None, "van der <Berg>A", None]
    # What is merely true-like may have come from anywhere.
    assert "AbbiaticiR" not in str(defaults().to_records(reveal="no"))  # type: ignore[arg-type]  # Wrong on purpose.


def test_a_notebook_shows_counts_and_problems_first_and_no_password() -> None:
    """R24: counts, then the refused, then the warned; names as given, escaped; passwords masked."""
    html = defaults()._repr_html_()
    assert html.startswith(
        "<p>5 contacts (derived: 2, refused: 3; control_character: 1, leading_mark: 1, missing: 1)</p>"
    )
    order = ["Madonna", "van der &lt;Berg&gt;", "Abbiatici"]
    assert sorted(order, key=html.index) == order
    assert "AbbiaticiR" not in html
    assert html.count("********") == 2
    problem_after_many = default_passwords_for([ROSA] * 50 + [MONONYM])
    assert "Madonna" in problem_after_many._repr_html_()
    assert "0 contacts" in default_passwords_for([])._repr_html_()


def test_passwords_do_not_leak() -> None:
    """R14: neither rows nor the whole show a password or a name, or can be pickled or copied with one."""
    for value in (defaults(), *defaults()):
        assert "Abbiatici" not in repr(value)
        assert "Abbiatici" not in f"{value}"
    with pytest.raises(TypeError):
        pickle.dumps(defaults())
    with pytest.raises(TypeError):
        copy.deepcopy(defaults())


def test_another_strategy() -> None:
    """Any strategy can be tried on the contacts."""
    made = default_passwords_for([ROSA, MONONYM], strategy=NameTemplate(template="{last_name}-2026"))
    assert [record["password"] for record in made.to_records(reveal=True)] == ["Abbiatici-2026", "Madonna-2026"]
    assert len(default_passwords_for([MONONYM, NOBODY], strategy=RandomReadable()).derived) == 2


@pytest.mark.parametrize("contacts", [None, ROSA, "abc", {"id": "1"}, [{"id": "1"}], [None], [ROSA, "x"], 5])
def test_what_are_no_contacts_is_refused(contacts: Any) -> None:
    """R23: a frame's records or a single contact in place of contacts is told with the hint."""
    with pytest.raises(InvalidValueError, match="contacts_from_records"):
        default_passwords_for(contacts)
