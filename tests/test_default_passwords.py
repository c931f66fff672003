"""What a default password is, for which contacts there is none, and what an operator is told of it."""

from __future__ import annotations

import math
import pickle
import traceback
import unicodedata
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portalcreds._grapheme import MAX_GRAPHEME_LENGTH, first_grapheme, is_extender, is_invisible
from portalcreds._name_parts import LAST_NAME_FIRST_INITIAL, composed
from portalcreds._text import MAX_PASSWORD_LENGTH, canonical_password, character_fault
from portalcreds._words import WORDS
from portalcreds.accounts import is_code
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import (
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
from strategies import contacts, name_characters, names

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


def contact(last_name: str | None, first_name: str | None) -> Contact:
    """Return a contact with these names."""
    return Contact(contact_id=ContactId("c-1"), last_name=last_name, first_name=first_name)


def fake(last_name: str | None, first_name: str | None) -> Contact:
    """Return a contact of another vendored copy, whose class refused nothing."""
    return cast(Contact, SimpleNamespace(contact_id="c-1", last_name=last_name, first_name=first_name))


NAMES = [
    # As most are.
    ("Abbiatici", "Rosa", "AbbiaticiR"),
    ("Smith", "John", "SmithJ"),
    ("Li", "Bo", "LiB"),
    ("O", "Jo", "OJ"),
    ("X", "Y", "XY"),
    ("Nguyen", "T", "NguyenT"),
    # The case is the SIS's.
    ("abbiatici", "rosa", "abbiaticir"),
    ("McDONALD", "RITA", "McDONALDR"),
    ("MacDonald", "rita", "MacDonaldr"),
    ("DE LA CRUZ", "Maria", "DE LA CRUZM"),
    ("d'Angelo", "Ugo", "d'AngeloU"),
    # Spaces, apostrophes, hyphens and dots within stay.
    ("van der Berg", "anna", "van der Berga"),
    ("Mc Donald", "Luis", "Mc DonaldL"),
    ("De  Leon", "Ana", "De  LeonA"),
    ("de la\u00a0Cruz", "Ana", "de la\u00a0CruzA"),
    ("O'Brien", "Pat", "O'BrienP"),
    ("O’Brien", "Pat", "O’BrienP"),
    ("Oʻahu", "Kai", "OʻahuK"),
    ("O`Neil", "Kim", "O`NeilK"),
    ("Ng-Sung", "Amy", "Ng-SungA"),
    ("Smith–Jones", "Al", "Smith–JonesA"),
    ("St. John", "Eva", "St. JohnE"),
    ("Smith, Jr.", "Bob", "Smith, Jr.B"),
    ("Smith", "Mary Ann", "SmithM"),
    ("Smith", "J.", "SmithJ"),
    ("Smith3", "Al", "Smith3A"),
    # Diacritics stay as the code points they are.
    ("Núñez", "Éva", "NúñezÉ"),
    ("Nu\u0301n\u0303ez", "E\u0301va", "Nu\u0301n\u0303ezE\u0301"),
    ("Nguyễn", "Ân", "NguyễnÂ"),
    ("Tra\u0302\u0300n", "A\u0302\u0301n", "Tra\u0302\u0300nA\u0302\u0301"),
    ("Łukasiewicz", "Żaneta", "ŁukasiewiczŻ"),
    ("Strauß", "ßa", "Straußß"),
    ("Yılmaz", "İbrahim", "Yılmazİ"),
    ("Jović", "ǆoja", "Jovićǆ"),
    ("Jović", "ǅoja", "Jovićǅ"),
    ("ﬁsher", "ﬀrench", "ﬁsherﬀ"),
    ("Ångström", "\u212bsa", "Ångström\u212b"),
    ("Smith", "\uff32ita", "Smith\uff32"),
    # Other scripts, in the order of the code points and not of the page.
    ("Щербакова", "Юлия", "ЩербаковаЮ"),
    ("Παπαδοπούλου", "Άννα", "ΠαπαδοπούλουΆ"),
    ("Գրիգորյան", "Արամ", "ԳրիգորյանԱ"),
    ("ბერიძე", "ნინო", "ბერიძენ"),
    ("עמית", "דוד", "עמיתד"),
    ("כהן", "ש\u05c2\u05b8רה", "כהןש\u05c2\u05b8"),
    ("العلي", "محمد", "العليم"),
    ("العلي", "م\u064fحمد", "العليم\u064f"),
    ("ခိုင်", "မမ", "ခိုင်မ"),
    ("李", "明", "李明"),
    ("欧阳", "小明", "欧阳小"),
    ("田中", "ゆき", "田中ゆ"),
    ("田中", "か\u3099く", "田中か\u3099"),
    ("タナカ", "ｶﾞｸ", "タナカｶﾞ"),
    ("\U00020bb7野", "\U00020bb7子", "\U00020bb7野\U00020bb7"),
    # Hangul: a syllable, however it is written.
    ("김", "민준", "김민"),
    ("김", "\u1106\u1175\u11ab\u110c\u116e\u11ab", "김\u1106\u1175\u11ab"),
    ("김", "\u1106미", "김\u1106미"),
    ("김", "미\u11ab준", "김미\u11ab"),
    ("김", "민\u11ab준", "김민\u11ab"),
    ("김", "\ua960\ud7b0\ud7cb\u1100", "김\ua960\ud7b0\ud7cb"),
    ("김", "\u1175\u1175\u1106", "김\u1175\u1175"),
    # Indic: a consonant with its signs, a conjunct with all of its consonants; Tamil has none.
    ("शर्मा", "प\u093fयुष", "शर्माप\u093f"),
    ("शर्मा", "क\u094dषमा", "शर्माक\u094dष"),
    ("शर्मा", "क\u094d\u200dषमा", "शर्माक\u094d\u200dष"),
    ("शर्मा", "क\u094dA", "शर्माक\u094d"),
    ("குமார்", "க\u0bcdரி", "குமார்க\u0bcd"),
    ("ใจดี", "น\u0e33ชัย", "ใจดีน\u0e33"),
    # Symbols: joined, modified, flagged, capped.
    ("Smith", "\U0001f600 Joy", "Smith\U0001f600"),
    ("Smith", FAMILY + "x", "Smith" + FAMILY),
    ("Smith", "\U0001f469\U0001f3fd\u200d\U0001f680!", "Smith\U0001f469\U0001f3fd\u200d\U0001f680"),
    ("Smith", "\u2764\ufe0f\u200d\U0001f525", "Smith\u2764\ufe0f\u200d\U0001f525"),
    ("Smith", "\U0001f1eb\U0001f1f7\U0001f1ee\U0001f1f9", "Smith\U0001f1eb\U0001f1f7"),
    ("Smith", "\U0001f1ebR", "Smith\U0001f1eb"),
    ("Smith", "A\U0001f1eb", "SmithA"),
    ("Smith", SCOTLAND + "!", "Smith" + SCOTLAND),
    ("Smith", "1\ufe0f\u20e3st", "Smith1\ufe0f\u20e3"),
    ("Smith", "A\u200dB", "SmithA\u200d"),
    ("Smith", "A\u200d\U0001f469", "SmithA\u200d"),
    ("Smith", "\u00a9\u200d\u00ae", "Smith\u00a9\u200d"),
    ("Smith", "\U0001f469\u200dB", "Smith\U0001f469\u200d"),
    # An initial that is no letter is the SIS's word too.
    ("Petrenko", "ʻOlena", "Petrenkoʻ"),
    ("Smith", "'Ana", "Smith'"),
    ("Smith", "3rd", "Smith3"),
    ("Smith", "-", "Smith-"),
    ("Smith", "\ue000x", "Smith\ue000"),
    # Outer white space goes, of whatever kind, and nothing else does.
    (" Li ", " Bo ", "LiB"),
    ("Li ", "Bo", "LiB"),
    (" Li", "Bo", "LiB"),
    ("Li", " Bo", "LiB"),
    ("Li", "Bo ", "LiB"),
    ("Li\t", "Bo\r\n", "LiB"),
    ("\u00a0Li\u3000", "\u2003Bo", "LiB"),
    ("\u200bLi", "Bo", "\u200bLiB"),
    ("\u0301Li", "Bo", "\u0301LiB"),
]


@pytest.mark.parametrize(("last_name", "first_name", "expected"), NAMES)
def test_a_default_is_the_last_name_and_the_first_grapheme_untouched(
    last_name: str, first_name: str, expected: str
) -> None:
    """No character and no case is altered, nothing is normalised, twice the same: C8 of the acceptance tests."""
    given_contact = contact(last_name, first_name)
    assert default_password(given_contact).reveal() == expected
    assert default_password(given_contact).reveal() == expected
    assert LastNameFirstInitial().derive(given_contact).secret.reveal() == expected


def test_the_table_of_names_is_as_long_as_the_contract_asks() -> None:
    """At least sixty names stand in the table, no two of them the same (C8)."""
    assert len({(last, first) for last, first, _ in NAMES}) == len(NAMES) >= 60


REFUSALS = [
    (None, "Rosa", "last_name", "missing"),
    ("Abbiatici", None, "first_name", "missing"),
    (None, None, "last_name", "missing"),
    ("", "Rosa", "last_name", "blank"),
    ("Abbiatici", "", "first_name", "blank"),
    ("Abbiatici", " \t\u00a0", "first_name", "blank"),
    ("\u3000", "Rosa", "last_name", "blank"),
    ("\u200b\ufeff", "Rosa", "last_name", "blank"),
    ("\u3164", "Rosa", "last_name", "blank"),
    ("Abbi\tatici", "Rosa", "last_name", "control_character"),
    ("Abbiatici", "Ro\x07sa", "first_name", "control_character"),
    ("Abbiatici", "Rosa\x7fx", "first_name", "control_character"),
    ("Abbiatici\x9f", "Rosa", "last_name", "control_character"),
    ("Abbiatici", "\u0301Eva", "first_name", "leading_mark"),
    ("Abbiatici", "\u0903a", "first_name", "leading_mark"),
    ("Abbiatici", "\u20e3a", "first_name", "leading_mark"),
    ("Abbiatici", "\u200dRosa", "first_name", "leading_mark"),
    ("Abbiatici", "\u200d", "first_name", "leading_mark"),
    ("Abbiatici", "\ufe0fRosa", "first_name", "leading_mark"),
    ("Abbiatici", "\U000e0100Rosa", "first_name", "leading_mark"),
    ("Abbiatici", "\U0001f3fd", "first_name", "leading_mark"),
    ("Abbiatici", "\ufeffRosa", "first_name", "leading_mark"),
    ("Abbiatici", "\u200fRosa", "first_name", "leading_mark"),
    ("Abbiatici", "\u00adRosa", "first_name", "leading_mark"),
    ("Abbiatici", "\u3164Rosa", "first_name", "leading_mark"),
    ("Abbiatici", " \u0301Eva", "first_name", "leading_mark"),
    ("Abbiatici", "a" + "\u0301" * 32, "first_name", "too_long"),
    ("\ufb2c" * 86, "Rosa", "last_name", "too_long"),
]

UNCHECKED_REFUSALS = [
    ("a" * 256, "Rosa", "last_name", "too_long"),
    ("Abbiatici", "a" * 256, "first_name", "too_long"),
    (" " * 1_000_000, "Rosa", "last_name", "too_long"),
    ("Abbi\ud800", "Rosa", "last_name", "surrogate"),
    ("Abbiatici", "\udfffRosa", "first_name", "surrogate"),
    ("Abbi\0atici", "Rosa", "last_name", "control_character"),
]


@pytest.mark.parametrize(("last_name", "first_name", "field", "reason"), REFUSALS)
def test_a_contact_without_a_default_is_refused_by_field_and_reason(
    last_name: str | None, first_name: str | None, field: str, reason: str
) -> None:
    """What cannot be derived is a typed refusal for that contact, never a guess (C8)."""
    for derive in (default_password, LastNameFirstInitial().derive):
        with pytest.raises(UnderivableError) as caught:
            derive(contact(last_name, first_name))
        assert (caught.value.contact_id, caught.value.field, caught.value.reason) == ("c-1", field, reason)


@pytest.mark.parametrize(("last_name", "first_name", "field", "reason"), UNCHECKED_REFUSALS)
def test_names_are_checked_again_when_the_contact_is_of_another_class(
    last_name: str, first_name: str, field: str, reason: str
) -> None:
    """A contact is read by attribute: what this copy's `Contact` refuses, another's may hold."""
    with pytest.raises(UnderivableError) as caught:
        default_password(fake(last_name, first_name))
    assert (caught.value.field, caught.value.reason) == (field, reason)


@pytest.mark.parametrize("length", [MAX_GRAPHEME_LENGTH - 1, MAX_GRAPHEME_LENGTH, MAX_GRAPHEME_LENGTH + 1])
def test_an_initial_has_at_most_thirty_two_code_points(length: int) -> None:
    """Stream-safe text has thirty non-starters at most; past thirty-two the initial is refused."""
    odd = contact("Smith", "a" + "\u0301" * (length - 1))
    if length <= MAX_GRAPHEME_LENGTH:
        assert default_password(odd).reveal() == "Smith" + "a" + "\u0301" * (length - 1)
    else:
        with pytest.raises(UnderivableError, match="too_long"):
            default_password(odd)


def test_the_longest_names_that_the_sis_can_have_still_make_a_default() -> None:
    """A part of 255 code points is taken, and so is a text of exactly the longest password there is."""
    assert len(default_password(contact("a" * 255, "b" * 255)).reveal()) == MAX_PASSWORD_LENGTH
    # 85 letters of three code points each make 255 and one more; the next letter would not fit.
    assert default_password(contact("\ufb2c" * 85, "b")).reveal() == "\ufb2c" * 85 + "b"


@pytest.mark.parametrize(("last_name", "first_name", "field", "reason"), [*REFUSALS, *UNCHECKED_REFUSALS])
def test_a_refusal_carries_no_name(last_name: str | None, first_name: str | None, field: str, reason: str) -> None:
    """Neither the error, nor its context, its pickle or a local variable of the library's frames holds a name (R14)."""
    strategies = (LastNameFirstInitial(), NameTemplate(template="{last_name}.{first_initial}"))
    for derive in (default_password, *(strategy.derive for strategy in strategies)):
        with pytest.raises(UnderivableError) as info:
            derive(fake(last_name, first_name))
        caught = info.value
        assert caught.__cause__ is None
        assert caught.__context__ is None
        told = traceback.TracebackException.from_exception(caught, capture_locals=True)
        frames = [frame for frame in told.stack if "portalcreds" in frame.filename]
        texts = [str(caught), repr(caught), repr(caught.args), ascii(pickle.dumps(caught))]
        # The fake prints its names, which a Contact does not; here it stands for the contact and not for a leak.
        texts += [str({k: v for k, v in (frame.locals or {}).items() if k != "contact"}) for frame in frames]
        assert len(frames) >= 2
        for name in (last_name, first_name):
            if name and name.strip():
                for text in texts:
                    assert name[:40] not in text
                    assert ascii(name)[1:-1][:40] not in text


@given(contacts(name=names() | names(max_size=255)))
def test_every_default_that_is_derived_can_be_signed_in_with(drawn: Contact) -> None:
    """No default is longer, or otherwise other, than what a sign-in takes (R18)."""
    try:
        text = default_password(drawn).reveal()
    except UnderivableError:
        return
    assert 0 < len(canonical_password(text)) <= MAX_PASSWORD_LENGTH


@given(st.sampled_from(["\ufb2c", "\u0958", "\U0001d160", "a\u0301", "é", "x"]), st.integers(1, 255), names())
def test_defaults_at_the_edge_of_the_longest_password_can_be_signed_in_with(
    unit: str, length: int, first_name: str
) -> None:
    """The bound holds where normalising makes a text longer or shorter: exactly those that fit are derived (R18)."""
    last_name = (unit * length)[:255]
    try:
        text = default_password(contact(last_name, first_name)).reveal()
    except UnderivableError as error:
        if (error.field, error.reason) == ("last_name", "too_long"):
            assert len(unicodedata.normalize("NFC", last_name)) + MAX_GRAPHEME_LENGTH * 3 > MAX_PASSWORD_LENGTH
    else:
        assert len(canonical_password(text)) <= MAX_PASSWORD_LENGTH


@given(contacts())
def test_the_short_way_and_the_long_way_agree(drawn: Contact) -> None:
    """The fast path for ordinary names is only that: it derives and refuses the same as the general rule."""

    def outcome(derive: Any) -> object:
        try:
            return derive()
        except UnderivableError as error:
            return error.field, error.reason

    expected = outcome(lambda: composed(drawn, LAST_NAME_FIRST_INITIAL))
    assert outcome(lambda: default_password(drawn).reveal()) == expected
    assert outcome(lambda: LastNameFirstInitial().derive(drawn).secret.reveal()) == expected
    template = NameTemplate(template="{last_name}{first_initial}")
    assert outcome(lambda: template.derive(drawn).secret.reveal()) == expected


@given(st.text(st.characters(categories=("Lu", "Ll", "Lt", "Lo", "Mn", "Mc", "Cf", "So")), min_size=1, max_size=6))
def test_the_letters_of_the_fast_path_are_never_half_of_an_initial(first_name: str) -> None:
    """For any two letters the fast path takes the same initial as the general rule."""
    drawn = contact("Smith", first_name)
    try:
        expected = composed(drawn, LAST_NAME_FIRST_INITIAL)
    except UnderivableError:
        return
    assert default_password(drawn).reveal() == expected


@given(names().filter(lambda name: name.strip()), names().filter(lambda name: name.strip()))
def test_a_default_is_made_of_the_source_s_code_points_in_order(last_name: str, first_name: str) -> None:
    """The text is the trimmed last name and a beginning of the trimmed first name, and nothing else."""
    try:
        text = default_password(contact(last_name, first_name)).reveal()
    except UnderivableError:
        assume(False)  # Refusals have tests of their own.
    assert text.startswith(last_name.strip())
    initial = text.removeprefix(last_name.strip())
    assert initial
    assert first_name.strip().startswith(initial)


@given(st.text(name_characters, min_size=1, max_size=50))
def test_a_grapheme_does_not_depend_on_what_follows_it(text: str) -> None:
    """Cutting a text after its first grapheme leaves that grapheme as it is, whole marks included."""
    initial = first_grapheme(text)
    assert text.startswith(initial)
    assert first_grapheme(initial) == initial
    following = text[len(initial) : len(initial) + 1]
    if following and len(initial) <= MAX_GRAPHEME_LENGTH:
        assert unicodedata.category(following) not in ("Mn", "Mc", "Me")


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
    ("\u2764\ufe0f", "Al", ["invisible_character"]),
    ("Щукин", "Al", ["non_latin_script"]),
    ("Smith", "李", ["non_latin_script"]),
    ("\uff33mith", "Al", ["non_latin_script"]),
    ("Smith", "3rd", ["initial_is_not_a_letter"]),
    ("Petrenko", "ʻOlena", ["typographic_apostrophe", "initial_is_not_a_letter"]),
    ("Smith", "\U0001f600", ["initial_is_not_a_letter"]),
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
    with pytest.raises(UnderivableError, match="leading_mark"):
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
            with pytest.raises(UnderivableError, match="blank" if char.isspace() else "leading_mark"):
                default_password(contact("Smith", char))
        else:
            assert default_password(contact("Smith", char)).reveal() == "Smith" + char
            assert unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf", "Zs", "Zl", "Zp"), hex(code)
