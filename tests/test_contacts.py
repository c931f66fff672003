"""A contact is as the SIS has it, or refused without quoting it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given

from portalcreds.contacts import MAX_CONTACT_TEXT, Contact, ContactId
from portalcreds.exceptions import InvalidValueError
from strategies import contacts, names


@given(names(max_size=MAX_CONTACT_TEXT))
def test_names_are_kept_exactly_as_they_are(name: str) -> None:
    """No trimming, no change of case, no normalising: whatever the SIS has is what a store gets."""
    contact = Contact(contact_id=ContactId("c"), first_name=name, last_name=name, email=name)
    assert (contact.first_name, contact.last_name, contact.email) == (name, name, name)


@given(contacts(name=names().filter(lambda name: len(name) > 3)))
def test_a_contact_prints_its_id_and_nothing_else(contact: Contact) -> None:
    """The default password is the name, so a name in a log is a password in a log (R14)."""
    assert repr(contact) == f"Contact(contact_id={contact.contact_id!r})"
    assert str(contact) == repr(contact)


@pytest.mark.parametrize(
    "contact_id", ["", " ", " 7", "7 ", "7\n", "\u00a07", "a\tb", "a\0b", "a\x85b", "a\ud800", "x" * 256]
)
def test_an_id_that_stores_would_alter_is_refused(contact_id: str) -> None:
    """An identifier without content, with blanks around it, with controls or too long is no key."""
    with pytest.raises(InvalidValueError) as caught:
        Contact(contact_id=ContactId(contact_id))
    assert caught.value.field == "contact_id"
    assert caught.value.contact_id is None


@pytest.mark.parametrize("contact_id", [7, None, b"7"])
def test_an_id_that_is_not_text_is_refused(contact_id: Any) -> None:
    """A number is not guessed to be its text: 7 and 007 may be two contacts."""
    with pytest.raises(InvalidValueError, match="as text"):
        Contact(contact_id=contact_id)


@pytest.mark.parametrize("contact_id", ["7", "a b", "é", "x" * 255, "00000000-0000-0000-0000-000000000000"])
def test_any_other_text_is_an_id(contact_id: str) -> None:
    """Identifiers are the SIS's own and of no form of ours."""
    assert Contact(contact_id=ContactId(contact_id)).contact_id == contact_id


@pytest.mark.parametrize("field", ["first_name", "last_name", "email"])
@pytest.mark.parametrize("value", ["canary" * 43, "canary\0", "canary\ud800", b"canary", 5])
def test_a_value_no_store_can_hold_is_refused_without_quoting_it(field: str, value: Any) -> None:
    """The refusal names the contact, the field and the hint; the value is in no part of it (R14)."""
    with pytest.raises(InvalidValueError) as caught:
        Contact(contact_id=ContactId("c-1"), **{field: value})
    error = caught.value
    assert (error.field, error.contact_id) == (field, "c-1")
    assert error.hint in str(error)
    assert "canary" not in f"{error!s}{error!r}{error.args!r}"
    assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize("field", ["first_name", "last_name", "email"])
@pytest.mark.parametrize("value", [None, "", " ", "a\tb", "x" * 255])
def test_an_odd_name_is_still_a_contact(field: str, value: str | None) -> None:
    """Whether a default can be derived is for a strategy to say, and not for the contact."""
    names: dict[str, Any] = {field: value}
    contact = Contact(contact_id=ContactId("c"), **names)
    assert getattr(contact, field) == value


def test_a_contact_is_frozen_and_equal_by_value() -> None:
    """Values are compared and never changed in place."""
    one = Contact(contact_id=ContactId("c"), first_name="a")
    assert one == Contact(contact_id=ContactId("c"), first_name="a")
    assert one != attrs.evolve(one, first_name="b")
    assert len({one, attrs.evolve(one)}) == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.first_name = "b"  # type: ignore[misc]  # Wrong on purpose.


@pytest.mark.parametrize("contact_id", ["P1\u200b", "\ufeffP1", "P\u00ad1", "\u2060"])
def test_an_identifier_has_no_characters_that_show_nothing(contact_id: str) -> None:
    """Two contacts that look like one are a mistake of an export, and are told before they are two accounts."""
    with pytest.raises(InvalidValueError, match="invisible"):
        Contact(contact_id=ContactId(contact_id))


@pytest.mark.parametrize("unknown", ["email", None, 5, {"contact_id"}, {"phone"}, {"first_name"}])
def test_only_fields_without_a_value_are_unknown(unknown: Any) -> None:
    """R23: what a source says nothing about is named by field, and cannot have a value."""
    with pytest.raises(InvalidValueError) as refused:
        Contact(contact_id=ContactId("c"), first_name="Rosa", unknown=unknown)
    assert refused.value.field == "unknown"


def test_a_contact_is_completed_from_what_was_known() -> None:
    """The unknown fields are taken over and nothing else; without anything known they stay None."""
    known = Contact(contact_id=ContactId("c"), first_name="Rosa", last_name="Abbiatici", email="r@example.com")
    told = Contact(contact_id=ContactId("c"), first_name="Rosie", unknown=("email",))
    done = told.completed(known)
    assert (done.first_name, done.last_name, done.email, done.unknown) == ("Rosie", None, "r@example.com", ())
    assert told.completed(None).email is None
    assert known.completed(told) is known
