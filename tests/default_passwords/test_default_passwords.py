"""What a default password is, and for which contacts there is none."""

from __future__ import annotations

import pickle
import traceback
import unicodedata
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from default_passwords.named import contact
from portalcreds._text import MAX_PASSWORD_LENGTH, canonical_password
from portalcreds.contacts import Contact
from portalcreds.default_passwords._grapheme import MAX_GRAPHEME_LENGTH, first_grapheme
from portalcreds.default_passwords.strategies import LastNameFirstInitial, NameTemplate, default_password
from portalcreds.exceptions import UnderivableError
from strategies import contacts, name_characters, names

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


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
    """No character and no case is altered, nothing is normalised, twice the same."""
    given_contact = contact(last_name, first_name)
    assert default_password(given_contact).reveal() == expected
    assert default_password(given_contact).reveal() == expected
    assert LastNameFirstInitial().derive(given_contact).secret.reveal() == expected


def test_the_table_of_names_is_as_long_as_the_contract_asks() -> None:
    """At least sixty names stand in the table, no two of them the same."""
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
    """What cannot be derived is a typed refusal for that contact, never a guess."""
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
        with pytest.raises(UnderivableError, match="too long"):
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


@pytest.mark.parametrize(
    ("first_name", "initial"),
    [
        ("ខ្មែរ", "ខ្មែ"),  # Khmer coeng
        ("ស្ត្រី", "ស្ត្រី"),  # two of them
        ("\u1000\u1039\u1000\u102c", "\u1000\u1039\u1000\u102c"),  # Myanmar stacker
        ("\ua98f\ua9c0\ua98f\ua9b6\ua98f", "\ua98f\ua9c0\ua98f\ua9b6"),  # Javanese pangkon
        ("\u1b13\u1b44\u1b13\u1b13", "\u1b13\u1b44\u1b13"),  # Balinese adeg adeg
        ("\u1a20\u1a60\u1a20\u1a20", "\u1a20\u1a60\u1a20"),  # Tai Tham sakot
        # From GraphemeBreakTest.txt: conjuncts with joiners and marks, and none over Tamil's virama or a Latin letter.
        ("\u0915\u094d\u0924", "\u0915\u094d\u0924"),
        ("\u0915\u094d\u094d\u0924", "\u0915\u094d\u094d\u0924"),
        ("\u0915\u094d\u200d\u0924", "\u0915\u094d\u200d\u0924"),
        ("\u0915\u093c\u200d\u094d\u0924", "\u0915\u093c\u200d\u094d\u0924"),
        ("\u0915\u093c\u094d\u200d\u0924", "\u0915\u093c\u094d\u200d\u0924"),
        ("\u0915\u094d\u0924\u094d\u092f", "\u0915\u094d\u0924\u094d\u092f"),
        ("\u0915\u0924", "\u0915"),
        ("\u0915\u094da", "\u0915\u094d"),
        ("a\u094d\u0924", "a\u094d"),
        ("\u0b95\u0bcd\u0ba4", "\u0b95\u0bcd"),
    ],
)
def test_conjuncts_are_one_letter(first_name: str, initial: str) -> None:
    """UAX #29, GB9c: consonants that a virama, stacker or coeng joins are never cut apart, in any script."""
    assert first_grapheme(first_name) == initial
    assert default_password(contact("Sok", first_name)).reveal() == "Sok" + initial


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
def test_the_function_the_strategy_and_a_template_agree(drawn: Contact) -> None:
    """There is one rule: each way to it derives and refuses the same."""

    def outcome(derive: Any) -> object:
        try:
            return derive()
        except UnderivableError as error:
            return error.field, error.reason

    expected = outcome(lambda: default_password(drawn).reveal())
    assert outcome(lambda: LastNameFirstInitial().derive(drawn).secret.reveal()) == expected
    template = NameTemplate(template="{last_name}{first_initial}")
    assert outcome(lambda: template.derive(drawn).secret.reveal()) == expected


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
