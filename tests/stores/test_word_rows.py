"""Whoever has a typed word is found by one row: that of a name which it sorts, or that of another word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds._search_words import MAX_NAME_KEY_LENGTH, MAX_WORD_LENGTH
from portalcreds.accounts import Account
from portalcreds.contacts import Contact, ContactId
from portalcreds.stores._sql.rows import MAX_SHARED, word_rows
from portalcreds.stores._sql.word_finder import follow

_TEXT = st.none() | st.text(st.sampled_from("abcÁßø -'.@"), max_size=9)


def test_each_row_says_how_much_its_word_shares_with_the_name() -> None:
    """A word that the name begins with has no row: who types a beginning of it is led to the name."""
    contact = Contact(contact_id=ContactId("c-1"), first_name="Ga", last_name="García López")
    rows = word_rows("t", Account(contact=contact, username="garciag"))
    words = " garciag lopez"
    assert [(shared, word) for _, shared, word, *_ in rows] == [(0, ""), (6, "garciag"), (0, "lopez")]
    assert {row[3:] for row in rows} == {("garcia lopez\tga", "c-1", words)}


def test_no_more_is_said_than_is_asked_for() -> None:
    """What a long word shares is written up to the most that a search looks at."""
    contact = Contact(contact_id=ContactId("c-1"), last_name="Papadimitrakopoulos")
    rows = word_rows("t", Account(contact=contact, username="papadimitrakopoulosk"))
    assert [(shared, word) for _, shared, word, *_ in rows] == [(0, ""), (MAX_SHARED, "papadimitrakopoulosk")]


@given(first=_TEXT, last=_TEXT, username=st.none() | st.sampled_from(["abc", "b.a@c", "ca"]), email=_TEXT)
def test_each_beginning_of_a_word_leads_to_one_kind_of_row(
    first: str | None, last: str | None, username: str | None, email: str | None
) -> None:
    """The name begins with what was typed, or a row that shares less with the name has a word that does; never both."""
    account = Account(
        contact=Contact(contact_id=ContactId("c-1"), first_name=first, last_name=last, email=email), username=username
    )
    (_, _, _, key, _, all_words), *_ = rows = word_rows("t", account)
    for word in str(all_words).split():
        for length in range(1, len(word) + 1):
            typed = word[:length]
            by_word = [row for row in rows if str(row[2]).startswith(typed) and int(str(row[1])) < length]
            assert str(key).startswith(typed) != bool(by_word)


@pytest.mark.parametrize("last", ["a", "\ud7ff", "\ue000", "\U0010ffff"])
@pytest.mark.parametrize("length", [1, 2, MAX_WORD_LENGTH])
def test_whatever_begins_with_a_word_sorts_before_what_follows_it(last: str, length: int) -> None:
    """A name may be longer than any word, and all of it the last character that there is."""
    for word in (last * length, "a" * (length - 1) + last):
        key = word.ljust(MAX_NAME_KEY_LENGTH, "\U0010ffff")
        assert word <= key < follow(word)
