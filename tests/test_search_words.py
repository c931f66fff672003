"""The words that people are found by: the same folding of what is stored and of what is typed."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds._search_words import (
    MAX_NAME_KEY_LENGTH,
    MAX_TYPED,
    MAX_TYPED_WORDS,
    MAX_WORD_LENGTH,
    MAX_WORDS_LENGTH,
    fold,
    name_key,
    search_words,
    typed_words,
)
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account
from portalcreds.contacts import Contact, ContactId
from portalcreds.testing._store_samples import NOW
from strategies import names

any_text = st.text(st.characters(categories=None), max_size=30)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Núñez", "nunez"),
        ("ÖZTÜRK", "ozturk"),
        ("Łódź Øre Đuro", "lodz ore duro"),
        ("Straße STRASSE ẞ", "strasse strasse ss"),
        ("Æsir Œuvre", "aesir oeuvre"),
        ("IŞIK ışık İ i I", "isik isik i i i"),
        ("Ðorleifur þór", "dorleifur thor"),
        ("Ａｂｃ１", "abc1"),
        ("O'Brien O’Brien O´Brien OʼBrien O`Brien", "o'brien o'brien o'brien o'brien o'brien"),
        ("Smith\u2010Jones Smith–Jones Smith-Jones", "smith-jones smith-jones smith-jones"),
        ("a\tb\u00a0c\u3000d,e;f(g)“h”", "a b c d e f g  h "),
        ("e\u0301 é", "e e"),
        ("a\u200bb\u00adc\0d\ud800e", "abcde"),
        ("أحمد أَحْمَد", "احمد احمد"),
        ("張偉", "張偉"),
        ("हिन्दी", "हिन्दी"),
        ("％_\\", "%_\\"),
    ],
)
def test_text_is_folded_as_people_type_it(text: str, folded: str) -> None:
    """Case, accents, width and signs do not matter; letters of another script, and their vowels, do."""
    assert fold(text) == unicodedata.normalize("NFKD", folded)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rosa abb", ("abb", "rosa")),
        ("d'a", ("da",)),
        ("smith-j", ("j", "smith")),
        ("Abbiatici, Rosa", ("abbiatici", "rosa")),
        ("R. Abb.", ("abb", "r")),
        ("ro rosa ros", ("rosa",)),
        ("rosa@ex", ("rosa@ex",)),
        ("  ", ()),
        ("  - ' . ", ("\x7f",)),
        ("x" * 500, ("x" * MAX_WORD_LENGTH,)),
        (" ".join("abcdefghij"), tuple("abcdefgh")),
    ],
)
def test_what_is_typed_is_split_into_words(text: str, words: tuple[str, ...]) -> None:
    """Blanks, commas and hyphens split; apostrophes do not count; what another word says already is left out."""
    assert typed_words(text) == words


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("D’Angelo",), ("angelo", "dangelo")),
        (("Smith-Jones", "Jean-Luc"), ("jeanluc", "jones", "luc", "smithjones")),
        (("van der Berg",), ("berg", "der", "van")),
        (("Smith", "John", "john.smith", "john.smith@a.example.org"),
         ("a.example.org", "john.smith@a.example.org", "smith@a.example.org")),
        (("Li", None, "", "li@school-south.org"), ("li@schoolsouth.org", "schoolsouth.org", "south.org")),
    ],
)  # fmt: skip
def test_a_word_is_kept_from_each_of_its_parts_on(texts: tuple[str | None, ...], words: tuple[str, ...]) -> None:
    """So the beginning of any part finds it; what begins another word is not kept twice."""
    assert search_words(texts) == words


@given(names(), st.integers(0, 30))
def test_whoever_is_typed_as_they_are_called_is_found(name: str, length: int) -> None:
    """What is typed is folded like what is stored: the beginning of a name, or all of it, finds it."""
    words = search_words([name])
    for typed in (name, name[:length], name.upper(), f" {name} "):
        for typed_word in typed_words(typed) if words else ():
            assert typed_word == "\x7f" or any(word.startswith(typed_word) for word in words)


@given(any_text)
def test_folding_never_fails_and_is_final(text: str) -> None:
    """What a person types finds or does not find, and is never an error; what is folded stays as it is."""
    assert fold(fold(text)) == fold(text)[:MAX_TYPED]
    assert all(0 < len(word) <= MAX_WORD_LENGTH and not set(word) & set(" -'\0") for word in typed_words(text))
    assert len(typed_words(text)) <= MAX_TYPED_WORDS


@given(st.lists(st.none() | any_text, max_size=6))
def test_words_are_bounded_and_name_keys_too(texts: list[str | None]) -> None:
    """R8: whatever names are made of, an account has a row's room of words, and no column overflows."""
    words = search_words([text and text * 9 for text in texts])
    assert sum(len(word) + 1 for word in words) <= MAX_WORDS_LENGTH
    assert all(0 < len(word) <= MAX_WORD_LENGTH and not set(word) & set(" -'\0") for word in words)
    assert list(words) == sorted(set(words))
    assert len(name_key("".join(map(str, texts)), "x" * 300)) <= MAX_NAME_KEY_LENGTH


def test_a_bomb_is_cut_before_it_is_folded() -> None:
    """R8: normalising 100,000 marks takes seconds."""
    assert len(fold("a" + "\u0300\u0327" * 50_000)) <= MAX_TYPED


@pytest.mark.parametrize("step", [97, pytest.param(1, marks=pytest.mark.whole)])
def test_every_character_is_folded_for_good(step: int) -> None:
    """One more folding changes nothing, for each character of Unicode; no folded text has a control character."""
    for code in range(0, sys.maxunicode + 1, step):
        folded = fold(chr(code))
        assert fold(folded) == folded, hex(code)
        assert "\0" not in folded


@pytest.mark.parametrize("invisible", "\u00ad\u034f\u115f\u180e\u200b\u200d\u2060\u3164\ufe0f\ufeff\U000e0041")
def test_characters_that_show_nothing_are_no_part_of_a_word(invisible: str) -> None:
    """Who cannot see a character does not type it."""
    for hidden in (f"ann.lee{invisible}", f"{invisible}ann.lee", f"ann{invisible}.lee"):
        assert fold(hidden) == "ann.lee"


@pytest.mark.parametrize("text", ["...", "'", "-", "\u200b", "\0", "\u0301" * 300, "\u202e", "\ud800"])
def test_text_without_a_word_finds_nobody(text: str) -> None:
    """What a stray key typed must not select everybody; a blank field filters nothing."""
    query = AccountQuery(now=NOW, words=text)
    assert not query.matches(Account(contact=Contact(contact_id=ContactId("1"), last_name="Abbiatici")))
    assert typed_words("  \t ") == ()
