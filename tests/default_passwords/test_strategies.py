"""Templates and drawn passwords, what all strategies have in common, and warnings of guessable ones."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from typing import Any, cast

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from default_passwords.named import contact
from portalcreds._text import MAX_PASSWORD_LENGTH, canonical_password, character_fault, is_code
from portalcreds.contacts import Contact
from portalcreds.default_passwords._grapheme import is_extender, is_invisible
from portalcreds.default_passwords._words import WORDS
from portalcreds.default_passwords.strategies import (
    MAX_DRAWN_LENGTH,
    MIN_DRAWN_BITS,
    READABLE_ALPHABET,
    DefaultWarning,
    LastNameFirstInitial,
    NameTemplate,
    Passphrase,
    RandomReadable,
    default_password,
)
from portalcreds.exceptions import InvalidValueError, UnderivableError
from portalcreds.protocols import DefaultPasswordStrategy
from strategies import contacts

# -- warnings


WARNINGS: list[tuple[str, str, list[str]]] = [
    ("Abbiatici", "Rosa", []),
    ("Núñez", "Éva", []),
    ("O'Brien", "Pat", []),
    ("Ng-Sung", "Amy", []),
    ("Nu\u0301n\u0303ez", "E\u0301va", []),
    ("Nguyễn", "Ân", []),
    (" Li", "Bo", ["outer_blanks_removed"]),
    ("Li", "Bo ", ["outer_blanks_removed"]),
    ("van der Berg", "Anna", ["contains_space"]),
    ("Smith", "Mary Ann", []),
    ("De  Leon", "Ana", ["contains_space", "unusual_space"]),
    ("De\u00a0Leon", "Ana", ["contains_space", "unusual_space"]),
    ("O’Brien", "Pat", ["typographic_apostrophe"]),
    ("O`Brien", "Pat", ["typographic_apostrophe"]),
    ("Smith–Jones", "Al", ["typographic_hyphen"]),
    ("Smith\u200b", "Al", ["invisible_character"]),
    ("Smi\u00adth", "Al", ["typographic_hyphen", "invisible_character"]),
    ("\u2764\ufe0f", "Al", ["invisible_character", "emoji"]),
    ("Щукин", "Al", ["non_latin_script"]),
    ("MÃ¼ller", "Al", ["damaged_text"]),
    ("M\ufffdller", "Al", ["damaged_text"]),
    ("Smith", "Ã‰va", ["damaged_text"]),
    ("Li\ue000", "Al", ["damaged_text"]),
    ("Smith\u2740", "Al", ["emoji"]),
    ("Smith", "李", ["non_latin_script"]),
    ("\uff33mith", "Al", ["non_latin_script"]),
    ("Smith", "3rd", ["initial_is_not_a_letter"]),
    ("Petrenko", "ʻOlena", ["typographic_apostrophe", "initial_is_not_a_letter"]),
    ("Smith", "\U0001f600", ["emoji", "initial_is_not_a_letter"]),
    (
        " Ծ’–\u200b  x",
        "\U0001f600",
        [
            "outer_blanks_removed",
            "contains_space",
            "unusual_space",
            "typographic_apostrophe",
            "typographic_hyphen",
            "invisible_character",
            "emoji",
            "non_latin_script",
            "initial_is_not_a_letter",
        ],
    ),
]


@pytest.mark.parametrize(("last_name", "first_name", "expected"), WARNINGS)
def test_warnings_say_what_is_hard_to_type_in_a_fixed_order(
    last_name: str, first_name: str, expected: list[str]
) -> None:
    """An operator is told what a contact will stumble over, once each and always in the order of the enumeration."""
    assert list(LastNameFirstInitial().derive(contact(last_name, first_name)).warnings) == expected


def test_every_warning_comes_up_in_the_table() -> None:
    """No code is documented that no name gets."""
    assert {code for _, _, codes in WARNINGS for code in codes} == set(DefaultWarning)


# -- templates


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{last_name}{first_initial}", "van der BergE\u0301"),
        ("{first_name}.{last_name}", "E\u0301va Lu.van der Berg"),
        ("{first_initial}{last_initial}-2026", "E\u0301v-2026"),
        ("{last_name}{last_name}", "van der Bergvan der Berg"),
        (" {first_name} ", " E\u0301va Lu "),
        ("Écolé:{last_initial}", "Écolé:v"),
    ],
)
def test_a_template_puts_names_and_text_together_as_they_are(template: str, expected: str) -> None:
    """A house rule fills in the four fields and alters nothing, its own text included."""
    strategy = NameTemplate(template=template)
    assert strategy.derive(contact(" van der Berg", "E\u0301va Lu")).secret.reveal() == expected


@pytest.mark.parametrize(
    "template",
    [
        "",
        "portal2026",
        "{}",
        "{last_name",
        "last_name}",
        "{{last_name}}",
        "{last_name!r}",
        "{last_name:>20}",
        "{last_name.upper}",
        "{email}",
        "{LAST_NAME}",
        "{last_name}{0}",
        "{ last_name }",
        "{last_name}\n",
        "{last_name}\x00",
        "{last_name}\ud800",
        "{last_name}" + "x" * MAX_PASSWORD_LENGTH,
        5,
        None,
        b"{last_name}",
    ],
)
def test_a_template_with_anything_else_is_refused_when_it_is_made(template: Any) -> None:
    """The fields are a closed set, parsed once: no format language, and no password that is the same for everybody."""
    with pytest.raises(InvalidValueError) as caught:
        NameTemplate(template=template)
    assert caught.value.field == "template"


def test_a_template_checks_only_the_names_it_uses() -> None:
    """A mononym has a default where the house rule asks for no first name."""
    assert NameTemplate(template="{last_name}1").derive(contact("Sukarno", None)).secret.reveal() == "Sukarno1"
    with pytest.raises(UnderivableError) as caught:
        NameTemplate(template="{first_name}1").derive(contact("Sukarno", None))
    assert caught.value.field == "first_name"


@pytest.mark.parametrize(("first_name", "field"), [("b", "last_name"), ("b" * 255, "first_name")])
def test_a_template_whose_text_is_too_long_names_the_longest_part(first_name: str, field: str) -> None:
    """What exceeds the longest password is refused, at the name that is most worth shortening."""
    strategy = NameTemplate(template="{last_name}{last_name}{first_name}")
    with pytest.raises(UnderivableError) as caught:
        strategy.derive(contact("a" * 130, first_name))
    assert (caught.value.field, caught.value.reason) == (field, "too_long")


def test_a_mark_only_matters_where_an_initial_is_taken() -> None:
    """A name that begins with a mark has no initial, and is still a name."""
    assert NameTemplate(template="{first_name}").derive(contact(None, "\u0301a")).secret.reveal() == "\u0301a"
    with pytest.raises(UnderivableError, match="begins with a mark"):
        NameTemplate(template="{last_initial}x").derive(contact("\u0301a", None))


@given(
    st.lists(st.sampled_from(["{last_name}", "{first_name}", "{last_initial}", "{first_initial}", "-", "é", " "])),
    contacts(),
)
def test_every_default_of_a_template_can_be_signed_in_with(parts: list[str], drawn: Contact) -> None:
    """Whatever the house rule, what is derived is a password that a sign-in takes (R18)."""
    assume(any("{" in part for part in parts))
    template = "".join(parts)
    assume(len(template) <= MAX_PASSWORD_LENGTH)
    try:
        text = NameTemplate(template=template).derive(drawn).secret.reveal()
    except UnderivableError:
        return
    assert canonical_password(text)


# -- drawn passwords


def test_a_readable_password_is_drawn_from_an_alphabet_without_look_alikes() -> None:
    """Nothing that is mistaken for something else, one case, no vowels; 16 of 19 characters are at least 64 bits."""
    strategy = RandomReadable()
    drawn = [strategy.derive(contact(None, None)).secret.reveal() for _ in range(300)]
    assert all(len(text) == 19 and text[4] == text[9] == text[14] == "-" for text in drawn)
    assert set("".join(drawn)) == set(READABLE_ALPHABET) | {"-"}
    assert len(set(READABLE_ALPHABET)) == len(READABLE_ALPHABET) == 19
    assert set(READABLE_ALPHABET).isdisjoint("0oO1iIlL2zZ5sS6BqQ9mwWaeu")
    assert READABLE_ALPHABET.lower() == READABLE_ALPHABET
    assert strategy.bits == pytest.approx(67.97, abs=0.01)
    assert strategy.bits >= 64
    assert len(set(drawn)) == len(drawn)


def test_every_character_is_about_as_likely_as_the_others() -> None:
    """The bits are what they are said to be: no character is drawn far more or less often than its share."""
    strategy = RandomReadable(length=64, group=0)
    counts = Counter("".join(strategy.derive(contact(None, None)).secret.reveal() for _ in range(300)))
    expected = 64 * 300 / len(READABLE_ALPHABET)
    # Ten standard deviations: a fair draw fails once in more than 10**20 runs.
    assert all(abs(count - expected) < 10 * math.sqrt(expected) for count in counts.values())
    assert len(counts) == len(READABLE_ALPHABET)


@pytest.mark.parametrize(("length", "group", "shape"), [(10, 0, [10]), (10, 10, [10]), (10, 3, [3, 3, 3, 1])])
def test_groups_are_as_long_as_asked_for(length: int, group: int, shape: list[int]) -> None:
    """Hyphens stand after each group and never at the end."""
    text = RandomReadable(length=length, group=group).derive(contact("a", "b")).secret.reveal()
    assert [len(part) for part in text.split("-")] == shape


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"length": 9}, "length"),
        ({"length": MAX_DRAWN_LENGTH + 1}, "length"),
        ({"length": True}, "length"),
        ({"length": 16.0}, "length"),
        ({"group": -1}, "group"),
        ({"group": MAX_DRAWN_LENGTH + 1}, "group"),
        ({"group": None}, "group"),
    ],
)
def test_readable_passwords_with_too_few_bits_are_refused(arguments: dict[str, Any], field: str) -> None:
    """A weak drawing is refused when the strategy is made, and not when it is guessed."""
    with pytest.raises(InvalidValueError) as caught:
        RandomReadable(**arguments)
    assert caught.value.field == field


def test_a_passphrase_is_five_of_256_words() -> None:
    """The default draws five words out of 256, which is 40 bits and said to be."""
    strategy = Passphrase()
    drawn = [strategy.derive(contact(None, None)).secret.reveal().split("-") for _ in range(2000)]
    assert all(len(words) == 5 for words in drawn)
    # Ten thousand draws miss one of 256 words once in 10**14 runs.
    assert {word for words in drawn for word in words} == set(WORDS)
    assert strategy.bits == MIN_DRAWN_BITS == 40
    assert len(drawn) == len({tuple(words) for words in drawn})


def test_the_words_are_hard_to_mistake_for_each_other() -> None:
    """256 lower-case ASCII words, sorted, none the beginning of another or one letter away from it."""
    assert len(set(WORDS)) == len(WORDS) == 256
    assert list(WORDS) == sorted(WORDS)
    assert all(word.isascii() and word.isalpha() and word.islower() and 4 <= len(word) <= 9 for word in WORDS)
    for at, word in enumerate(WORDS):
        for other in WORDS[at + 1 :]:
            assert not other.startswith(word)
            assert len(other) != len(word) or sum(a != b for a, b in zip(word, other, strict=True)) > 1


def test_a_passphrase_takes_the_caller_s_words_and_separator() -> None:
    """Words of any language are drawn as they are, and what is hard to type in them is said."""
    strategy = Passphrase(words=["café", "über", *(f"слово{n}" for n in range(30))], count=9, separator=" ")
    derived = strategy.derive(contact("a", "b"))
    assert set(derived.secret.reveal().split(" ")) <= set(strategy.words)
    assert strategy.bits == 45
    assert "contains_space" in derived.warnings


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"words": "abcdefghij"}, "words"),
        ({"words": set(WORDS)}, "words"),
        ({"words": ["only"]}, "words"),
        ({"words": ["same", "same"], "count": 40}, "words"),
        ({"words": ["caf\u00e9", "cafe\u0301"], "count": 40}, "words"),
        ({"words": ["", "b"], "count": 40}, "words"),
        ({"words": ["a\n", "b"], "count": 40}, "words"),
        ({"words": ["\u0301a", "b"], "count": 40}, "words"),
        ({"words": ["a", 5], "count": 40}, "words"),
        ({"words": ["a", "b"], "count": 39}, "count"),
        ({"words": ["a", "b"], "count": MAX_DRAWN_LENGTH + 1}, "count"),
        ({"words": ["a" * 200, "b"], "count": 40}, "count"),
        ({"count": 4}, "count"),
        ({"count": 5.0}, "count"),
        ({"count": 29}, "count"),
        ({"separator": ""}, "separator"),
        ({"separator": "--"}, "separator"),
        ({"separator": "–"}, "separator"),
        ({"separator": "\t"}, "separator"),
        ({"separator": "a"}, "separator"),
        ({"separator": None}, "separator"),
    ],
)
def test_words_that_make_fewer_bits_than_said_are_refused(arguments: dict[str, Any], field: str) -> None:
    """Repeated words, separators within words and too few of them would make the stated bits a lie."""
    with pytest.raises(InvalidValueError) as caught:
        Passphrase(**arguments)
    assert caught.value.field == field


def test_the_longest_passphrase_can_be_signed_in_with() -> None:
    """The most words that are allowed make a text of at most the longest password (R18)."""
    strategy = Passphrase(words=["a" * 9, "b" * 9, *map(str, range(254))], count=25)
    assert len(strategy.derive(contact("a", "b")).secret.reveal()) <= MAX_PASSWORD_LENGTH
    worst = Passphrase(words=["a" * 5, "b" * 5], count=42)
    assert len(canonical_password(worst.derive(contact("a", "b")).secret.reveal())) == 42 * 6 - 1


# -- what all strategies have in common


STRATEGIES: list[DefaultPasswordStrategy] = [
    LastNameFirstInitial(),
    NameTemplate(template="{last_name}{first_initial}"),
    NameTemplate(template="{last_name}{first_initial} "),
    NameTemplate(template="{last_name}.{first_initial}"),
    NameTemplate(template="{last_name}é"),
    NameTemplate(template="{last_name}e\u0301"),
    NameTemplate(template="{last_name}" * 5),
    NameTemplate(template="{last_name}" * 6),
    RandomReadable(),
    RandomReadable(group=0),
    RandomReadable(length=20),
    Passphrase(),
    Passphrase(count=6),
    Passphrase(separator=" "),
    Passphrase(words=WORDS[::-1]),
    Passphrase(words=[*WORDS, "another"]),
]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.id)
def test_a_strategy_s_id_can_stand_in_a_record(strategy: DefaultPasswordStrategy) -> None:
    """An id is 1 to 64 printable ASCII characters, and the same for an equal strategy."""
    assert is_code(strategy.id)
    assert attrs.evolve(cast(Any, strategy)) == strategy
    assert attrs.evolve(cast(Any, strategy)).id == strategy.id


def test_ids_differ_where_parameters_differ() -> None:
    """The record tells one house rule, one length and one list of words from another."""
    assert len({strategy.id for strategy in STRATEGIES}) == len(STRATEGIES)


def test_only_names_can_be_worked_out() -> None:
    """A strategy says itself whether whoever knows the contact knows the password (R19 asks)."""
    drawn = {type(strategy) for strategy in STRATEGIES if not strategy.is_derivable}
    assert drawn == {RandomReadable, Passphrase}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.id)
def test_a_derived_password_is_not_in_its_repr(strategy: DefaultPasswordStrategy) -> None:
    """Neither `Derived` nor the strategy prints a password (R14)."""
    derived = strategy.derive(contact("Abbiatici", "Rosa"))
    assert derived.secret.reveal() not in repr(derived)
    assert len(repr(strategy)) < 120
    assert "Abbiatici" not in repr(strategy)


@pytest.mark.parametrize("strategy", [s for s in STRATEGIES if s.is_derivable], ids=lambda strategy: strategy.id)
def test_a_derivable_password_is_the_same_every_time(strategy: DefaultPasswordStrategy) -> None:
    """A resumed job and a printed slip derive what was issued."""
    person = contact("Abbiatici", "Rosa")
    assert strategy.derive(person) == strategy.derive(person)


@pytest.mark.whole
def test_every_code_point_as_an_initial_is_taken_or_refused_as_the_rules_say() -> None:
    """Over all of Unicode: white space is blank, marks and the invisible are refused, others stand for themselves."""
    for code in range(0x110000):
        char = chr(code)
        if character_fault(char) is not None:
            continue
        refused = char.isspace() or is_extender(char) or is_invisible(char)
        if refused:
            with pytest.raises(UnderivableError, match="blank" if char.isspace() else "begins with a mark"):
                default_password(contact("Smith", char))
        else:
            assert default_password(contact("Smith", char)).reveal() == "Smith" + char
            assert unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf", "Zs", "Zl", "Zp"), hex(code)
