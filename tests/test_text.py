"""The canonical forms of passwords and user names (R8, R18)."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portalcreds._text import (
    MAX_PASSWORD_INPUT,
    MAX_PASSWORD_LENGTH,
    TextFaultError,
    canonical_password,
    character_fault,
    is_default_ignorable,
    looks_damaged,
    username_key,
)
from strategies import names

any_text = st.text(st.characters(categories=None), max_size=30) | names()
passwords = any_text.filter(lambda text: character_fault(text) is None and text != "")

SPACES = [chr(code) for code in range(0x80, 0x3001) if unicodedata.category(chr(code)) == "Zs"]


def fault_of(error: pytest.ExceptionInfo[TextFaultError]) -> str:
    """Return the code, having seen that the error says nothing else."""
    assert str(error.value) == error.value.fault
    assert error.value.__context__ is None
    return error.value.fault


# -- passwords


@pytest.mark.parametrize(
    "text",
    ["a", " a ", "  ", "Ab Cd", "é", "😀", "❤️", "👨\u200d👩\u200d👧", "\ue000", "\u0378", "\u1112\u1161", "x" * 256],
)
def test_a_password_is_let_be(text: str) -> None:
    """Nothing is trimmed, no case changes; emoji, joiners, private use and the unassigned are passwords too."""
    assert canonical_password(text) == unicodedata.normalize("NFC", text)


def test_there_are_seventeen_spaces_the_ordinary_one_among_them() -> None:
    """The table below has every character of category Zs but U+0020."""
    assert len(SPACES) == 17 - 1


@pytest.mark.parametrize("space", SPACES, ids=lambda space: f"U+{ord(space):04X}")
def test_every_other_space_is_the_same_as_the_ordinary_one(space: str) -> None:
    """A phone's no-break space and a desk's space make the same password, also doubled and outside."""
    assert canonical_password(f"{space}a{space}{space}b{space}") == " a  b "


def is_one_password_in_every_form(text: str) -> None:
    """Assert that a text is the same password composed, decomposed, and when it is one already."""
    canonical = canonical_password(text)
    assert canonical_password(unicodedata.normalize("NFD", text)) == canonical
    assert canonical_password(unicodedata.normalize("NFC", text)) == canonical
    assert canonical_password(canonical) == canonical
    assert unicodedata.is_normalized("NFC", canonical)


@given(passwords)
def test_composed_and_decomposed_are_the_same_password(text: str) -> None:
    """Keyboards that compose and keyboards that do not make the same password, and twice is once."""
    is_one_password_in_every_form(text)


@pytest.mark.whole
@settings(max_examples=10_000)
@given(passwords)
def test_10000_composed_and_decomposed_are_the_same_passwords(text: str) -> None:
    """Likewise, in 10,000 texts."""
    is_one_password_in_every_form(text)


@pytest.mark.parametrize(("one", "other"), [("ﬁ", "fi"), ("１", "1"), ("²", "2"), ("Ⅳ", "IV"), ("ſ", "s"), ("A", "a")])
def test_what_only_looks_alike_stays_another_password(one: str, other: str) -> None:
    """Compatibility forms and cases differ: folding them would make passwords easier to guess."""
    assert canonical_password(one) != canonical_password(other)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("a\tb", "control_character"),
        ("\n", "control_character"),
        ("a\0", "control_character"),
        ("\x7f", "control_character"),
        ("é\x85", "control_character"),
        ("a\ud800b", "surrogate"),
        ("\udfff", "surrogate"),
        ("x" * 257, "too_long"),
        ("é" * 257, "too_long"),
        ("\ufb2c" * 86, "too_long"),
        ("e\u0301" * 257, "too_long"),
        ("e\u0301" * 513, "too_long"),
    ],
)
def test_a_text_without_a_canonical_form_is_refused_by_code(text: str, fault: str) -> None:
    """Controls, surrogates, nothing at all and too much of it are refused, never cut or cleaned (R18)."""
    with pytest.raises(TextFaultError) as caught:
        canonical_password(text)
    assert fault_of(caught) == fault


def test_length_is_counted_after_normalising() -> None:
    """256 letters typed on a keyboard that decomposes are a password as much as composed ones."""
    assert canonical_password("e\u0301" * 256) == "é" * 256


@pytest.mark.parametrize(
    "bomb",
    ["a" + "\u0300\u0327" * 50_000, "\ufdfa" * 100_000, "\ud800" * 1_000_000, "a" * (MAX_PASSWORD_INPUT + 1)],
    ids=["marks", "expanding", "surrogates", "just over"],
)
def test_a_bomb_is_refused_before_anything_touches_it(bomb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cap comes first: normalising 100,000 combining marks takes seconds (R8)."""

    def touched(*arguments: object) -> str:
        raise AssertionError("normalised or looked at before the cap")

    monkeypatch.setattr(
        "portalcreds._text.unicodedata", type("Tables", (), {"normalize": touched, "category": touched})
    )
    for step in (canonical_password, username_key):
        with pytest.raises(TextFaultError) as caught:
            step(bomb)
        assert fault_of(caught) == "too_long"


def test_the_cap_on_input_lets_every_canonical_password_through() -> None:
    """A password of the greatest length is taken in its longest spelling that four code points each allow."""
    assert len(canonical_password("\u1fb7" * MAX_PASSWORD_LENGTH)) == MAX_PASSWORD_LENGTH
    decomposed = unicodedata.normalize("NFD", "\u1f82" * MAX_PASSWORD_LENGTH)
    assert len(decomposed) == MAX_PASSWORD_INPUT
    assert canonical_password(decomposed) == "\u1f82" * MAX_PASSWORD_LENGTH


# -- user names


@pytest.mark.parametrize(
    ("username", "key"),
    [
        ("rosa", "rosa"),
        ("  Rosa.Abbiatici ", "rosa.abbiatici"),
        ("\u3000Rosa\u00a0", "rosa"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ᴮᴵᴳᴮᴵᴿᴰ", "bigbird"),
        ("ﬁona", "fiona"),
        ("Ｒosa", "rosa"),
        ("Ångström", "ångström"),
        ("A\u030angström", "ångström"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("İ", "i̇"),
        ("rosa maria", "rosa maria"),
        ("rosa@example.org", "rosa@example.org"),
    ],
)
def test_user_names_that_people_take_for_one_have_one_key(username: str, key: str) -> None:
    """Outer blanks, case, width, ligatures and decomposition do not make another person (R18)."""
    assert username_key(username) == key


@pytest.mark.parametrize(("one", "other"), [("rosa", "rоsa"), ("ros a", "rosa"), ("o'brien", "o’brien"), ("e", "é")])
def test_other_user_names_stay_apart(one: str, other: str) -> None:
    """Accents, inner blanks, apostrophes and other scripts are not folded away."""
    assert username_key(one) != username_key(other)


@pytest.mark.parametrize(
    ("username", "fault"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\u3000", "empty"),
        ("a\tb", "control_character"),
        ("rosa\n", "control_character"),
        ("a\0b", "control_character"),
        ("é\x9f", "control_character"),
        ("a\ud800", "surrogate"),
        ("x" * 256, "too_long"),
        ("\ufdfa" * 15, "too_long"),
        ("ß" * 128, "too_long"),
    ],
)
def test_a_user_name_without_a_key_is_refused_by_code(username: str, fault: str) -> None:
    """What cannot be matched safely is refused, also when only folding makes it too long (R18)."""
    with pytest.raises(TextFaultError) as caught:
        username_key(username)
    assert fault_of(caught) == fault


@given(any_text)
def test_a_key_is_the_key_of_itself(username: str) -> None:
    """A key that is not a fixed point lets one person take another's name."""
    try:
        key = username_key(username)
    except TextFaultError:
        return
    assert username_key(key) == key
    assert key == key.strip()


@pytest.mark.parametrize("username", ["ß\u0301", "\u0124\u0331", "\u0130\u0316", "J\u030c", "A\u0345\u0301"])
def test_a_key_is_a_fixed_point_where_one_round_of_folding_is_not(username: str) -> None:
    """Folding ß sets a mark free to compose: one round would make a key whose key is another."""
    key = username_key(username)
    assert username_key(key) == key


def _keys_are_fixed_points(codes: range) -> int:
    refused = 0
    for code in codes:
        if 0xD800 <= code <= 0xDFFF:
            continue
        try:
            key = username_key(chr(code))
        except TextFaultError:
            refused += 1
            continue
        assert username_key(key) == key, hex(code)
    return refused


def test_the_key_of_a_character_is_the_key_of_itself() -> None:
    """A sample of all scalar values, with every one below U+3000 that folding and composing are about."""
    assert _keys_are_fixed_points(range(0x3000)) > 65
    _keys_are_fixed_points(range(0xF900, 0x10000))
    _keys_are_fixed_points(range(0x3000, sys.maxunicode + 1, 97))


@pytest.mark.whole
def test_the_key_of_every_character_is_the_key_of_itself() -> None:
    """All 1,112,064 scalar values."""
    refused = _keys_are_fixed_points(range(sys.maxunicode + 1))
    # 65 controls, 19 blanks, and some 4,174 that show nothing, which are nothing when they are alone.
    assert 4_200 < refused < 4_300


@pytest.mark.parametrize(
    ("text", "fault"), [("", None), ("aé😀", None), ("a\x80\ud800", "control_character"), ("\ud800\n", "surrogate")]
)
def test_the_first_fault_in_a_text_is_told(text: str, fault: str | None) -> None:
    """The code is that of the first character at fault."""
    assert character_fault(text) == fault


@pytest.mark.parametrize("invisible", "\u00ad\u034f\u115f\u180e\u200b\u200d\u2060\u3164\ufe0f\ufeff\U000e0041")
def test_characters_that_show_nothing_are_no_part_of_a_user_name_s_key(invisible: str) -> None:
    """R18: who cannot tell two user names apart by looking does not get two accounts."""
    for hidden in (f"ann.lee{invisible}", f"{invisible}ann.lee", f"ann{invisible}.lee"):
        assert username_key(hidden) == "ann.lee"
    with pytest.raises(TextFaultError, match="empty"):
        username_key(invisible)


def test_default_ignorable_is_the_property_of_unicode() -> None:
    """Unicode 16.0 counts 4,174 default-ignorable code points, and no letter that people see is one."""
    found = [char for char in map(chr, range(0x110000)) if is_default_ignorable(char)]
    assert len(found) == 4174
    assert {unicodedata.category(char) for char in found} <= {"Cf", "Mn", "Lo", "Cn"}


@pytest.mark.parametrize("text", ["MÃ¼ller", "Ã‰va", "Ã\u0089va", "M\ufffdller", "Li\ue000"])
def test_text_in_a_wrong_encoding_looks_damaged(text: str) -> None:
    """A replacement character, a private one, and UTF-8 read as Windows-1252 are told."""
    assert looks_damaged(text)


@pytest.mark.parametrize("text", ["Müller", "Ângela", "São", "Ångström", "Щербакова", "李", "Núñez", "José", "Ann"])
def test_names_as_people_have_them_do_not_look_damaged(text: str) -> None:
    """No warning cries wolf over an accent."""
    assert not looks_damaged(text)
