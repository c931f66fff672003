"""What a chosen password must satisfy."""

from __future__ import annotations

import json
import pickle
import random
import traceback
import unicodedata
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.accounts import Account
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import Derived
from portalcreds.exceptions import ConfigurationError, UnderivableError
from portalcreds.secret import Secret
from portalcreds.sign_in.password_policy import PasswordPolicy, Violation

POLICY = PasswordPolicy(context_words=("Lincoln High School", "Sunny Portal"))
WITH_SECOND_FACTOR = PasswordPolicy(second_factor=True)


def account(
    first_name: str | None = "Rosella",
    last_name: str | None = "Abbiatici",
    email: str | None = None,
    username: str | None = None,
) -> Account:
    """Return an account that nothing was ever issued for."""
    contact = Contact(contact_id=ContactId("1"), first_name=first_name, last_name=last_name, email=email)
    return Account(contact=contact, username=username)


ROSELLA = account(email="r.abbiatici77@example.com", username="parent77x")


def codes(password: str, owner: Account = ROSELLA, policy: PasswordPolicy = POLICY) -> list[str]:
    """Return the codes of everything that is wrong with *password*."""
    return [violation.code for violation in policy.violations(Secret(password), owner)]


@attrs.frozen
class HouseRule:
    """A strategy of a host's own: the word ``Otter`` and the last three characters of the last name."""

    is_derivable: bool = True
    id: str = "house-rule"

    def derive(self, contact: Contact, /) -> Derived:
        """Return the default, or refuse without a last name."""
        if contact.last_name is None:
            raise UnderivableError(contact.contact_id, "last_name", "missing")
        return Derived(secret=Secret("Otter" + contact.last_name[-3:]))


# -- length and characters


@pytest.mark.parametrize(("policy", "minimum"), [(PasswordPolicy(), 15), (WITH_SECOND_FACTOR, 8)])
def test_length_floor(policy: PasswordPolicy, minimum: int) -> None:
    """A password has 15 code points alone and 8 with a second factor (R19, SP 800-63B-4 §3.1.1.2)."""
    text = "mfvzhgkqwdjnbtx"

    assert policy.minimum == minimum
    assert codes(text[: minimum - 1], policy=policy) == ["too_short"]
    assert codes(text[:minimum], policy=policy) == []


def test_length_is_counted_in_code_points_of_the_canonical_form() -> None:
    """A decomposed letter and an astral one count as one each (R18)."""
    decomposed = unicodedata.normalize("NFD", "éèêëàâùûüôöîïçñ")
    emoji = "".join(chr(0x1F400 + index) for index in range(15))

    assert len(decomposed) == 30
    assert codes(decomposed) == []
    assert codes(decomposed[:-2]) == ["too_short"]
    assert codes(emoji) == []
    assert codes(emoji[:-1]) == ["too_short"]


def test_longest_password() -> None:
    """What is too long is refused, never cut, and 64 code points are always allowed (R8, R19)."""
    text = "".join(chr(0x4E00 + index) for index in range(257))

    assert codes(text[:256]) == []
    assert codes(text[:257]) == ["too_long"]
    assert codes(text[:64], policy=PasswordPolicy(max_length=64)) == []
    assert codes(text[:65], policy=PasswordPolicy(max_length=64)) == ["too_long"]


@pytest.mark.parametrize("text", ["\u0301" * 100_000, "a\u0301\u0316" * 50_000, "\0" * 1_025])
def test_over_long_input_is_not_looked_at(text: str) -> None:
    """Input beyond the cap is too long and nothing else: nothing touches it, not even a look at its characters (R8)."""
    assert codes(text) == ["too_long"]


@pytest.mark.parametrize(
    ("character", "code"),
    [
        ("\0", "control_character"),
        ("\n", "control_character"),
        ("\x85", "control_character"),
        ("\ud800", "surrogate"),
        ("\U000e0fff", "unassigned_character"),
        ("\uffff", "unassigned_character"),
    ],
)
def test_refused_characters(character: str, code: str) -> None:
    """Control characters, surrogates and, when a password is set, unassigned ones are refused (R18)."""
    assert codes(f"mfvzhgkq{character}wdjnbtx") == [code]


@pytest.mark.parametrize("character", [*(chr(code) for code in range(0x20, 0x7F)), "\u3000", "\u200d", "\ue000", "ß"])
def test_every_other_character_is_taken(character: str) -> None:
    """All of printing ASCII, spaces and Unicode may be used (SP 800-63B-4 §3.1.1.2)."""
    assert codes(f"mfvzhgk{character}wdjnbtx") == []


def test_empty() -> None:
    """Nothing typed is said as that."""
    assert codes("") == ["empty"]


def test_nothing_but_refused_characters() -> None:
    """What is left out does not count towards the length."""
    assert codes("\0" * 20) == ["control_character", "too_short"]


def test_all_violations_at_once() -> None:
    """A person learns everything at the first attempt (R19)."""
    found = codes("\0Abbi\ud800atici\uffff!")

    assert found == [
        "control_character",
        "surrogate",
        "unassigned_character",
        "too_short",
        "derivable_from_contact",
    ]


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_text_gets_an_answer(text: str) -> None:
    """Whatever is typed, the answer is a value (R23)."""
    assert set(codes(text)) <= {
        *("empty", "control_character", "surrogate", "unassigned_character", "too_short", "too_long"),
        *("derivable_from_contact", "username", "context_word", "common"),
        *("repetition", "sequence", "keyboard_walk", "date", "telephone_number"),
    }


@given(st.text(alphabet=st.sampled_from("li1!|@4a s5$0o\u0301.\ufdfa9"), max_size=1024))
def test_ambiguous_text_gets_an_answer(text: str) -> None:
    """Text that can be read in very many ways is read in all of them at once; else this test would not end (R8)."""
    owner = account("l i" * 85, "a" * 255, "l.i" * 80, "1i" * 100)

    assert codes(text, owner) is not None


@pytest.mark.parametrize("text", ["@" * 256, "1!|l" * 64, "a" * 255 + "b", "4" * 256, "\ufdfa" * 256])
def test_adversarial_text_ends(text: str) -> None:
    """The readings of a text are never tried one after the other: there are more than 2**200 here (R8)."""
    assert "too_short" not in codes(text, account("a" * 255, "l" * 255))


# -- no rules of composition


@pytest.mark.parametrize(
    "alphabet", ["bcdfghjkmn", "BCDFGHJKMN", "0123456789", "bcdf ghjk ", "!#%&()*+,-", "жзийклмнпр"]
)
def test_no_composition_rules(alphabet: str) -> None:
    """Passwords of one class of characters are as good as others (SP 800-63B-4 §3.1.1.2)."""
    draw = random.Random(alphabet)  # noqa: S311  Reproducible samples, not secrets.
    refused = [
        text
        for text in ("".join(draw.choice(alphabet) for _ in range(20)) for _ in range(40))
        if codes(text, policy=PasswordPolicy())
    ]

    assert refused == []


# -- made from the contact


def variants(text: str) -> Iterator[str]:
    """Yield ways to write *text* that nobody would call a different password."""
    leet = text.translate(str.maketrans("oeastOEAST", "0345703457"))
    mixed = text.translate(str.maketrans("aisAIS", "@1$@!5"))
    wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)
    cased = text, text.lower(), text.upper(), text.swapcase(), text.capitalize()
    for form in (*cased, wide, leet, mixed, " ".join(text), "-".join(text), text[::-1]):
        for before, after in [("", ""), ("", "1"), ("", "2024"), ("", "!"), ("", "123!"), ("12", ""), ("*", " #7")]:
            yield before + form + after
    yield text + text
    yield f"{text} {text} {text}"
    yield f"{text}2024{text}!"
    yield f"password{text}"
    yield f"{text} Lincoln"


CANDIDATES = [
    *("AbbiaticiR", "RAbbiatici", "RosellaAbbiatici", "AbbiaticiRosella", "RosellaA", "ARosella", "Abbiatici"),
    *("Rosella", "r.abbiatici77@example.com", "r.abbiatici77", "r.abbiatici", "abbiatici77", "OtterIci"),
]
VARIANTS = sorted({variant for candidate in CANDIDATES for variant in variants(candidate)})


def test_variants_of_what_the_contact_gives_away() -> None:
    """No variant of a password derivable from the contact may be chosen (R19)."""
    policy = PasswordPolicy(strategies=(HouseRule(),), context_words=("Lincoln",))

    assert len(VARIANTS) >= 500
    assert [text for text in VARIANTS if "derivable_from_contact" not in codes(text, policy=policy)] == []


WORD_LIST = (
    "acorn barrel candle dolphin engine feather garden hammer island jacket kitchen lantern meadow needle orchard "
    "pepper quarry ribbon saddle timber umbrella velvet walnut yellow zebra river the and loves family school my"
)
WORDS = WORD_LIST.split()


@pytest.mark.parametrize(
    ("first_name", "last_name"), [("Rosella", "Abbiatici"), ("An", "Li"), ("Mary Jane", "van der Berg"), ("J", "Ng")]
)
def test_passphrases_that_contain_a_name(first_name: str, last_name: str) -> None:
    """Only the whole password is compared: a passphrase may contain any name (SP 800-63B-4 §3.1.1.2)."""
    draw = random.Random(last_name)  # noqa: S311  Reproducible samples, not secrets.
    phrases = []
    for index in range(250):
        words = [*draw.sample(WORDS, 4), (first_name, last_name, last_name + first_name[0], "Lincoln")[index % 4]]
        draw.shuffle(words)
        phrases.append((" ", "", "-", "7")[index % 3].join(words))

    assert [text for text in phrases if codes(text, account(first_name, last_name))] == []


@pytest.mark.parametrize(
    ("first_name", "last_name", "password"),
    [
        ("Mary Jane", "van der Berg", "Berg M 2024 0815 4711"),
        ("Mary Jane", "van der Berg", "vanderBergMJ12345"),
        ("Mary Jane", "van der Berg", "der Berg van Jane"),
        ("Pat", "O’Brien", "OBRIENP!!!!!!!!!!"),
        ("Pat", "O'Brien", "o’brien/o’brien/p"),
        ("Éloïse", "Müller", "MULLERE 12345678"),
        ("Éloïse", "Müller", "mueller-eloise-99"),
        ("Jörg", "Mueller", "MüllerJoerg 1999"),
        ("Bjørn", "Łukasz", "bjorn lukasz bjorn"),
        ("Bjoern", "Weiß", "WEISS bjørn 12345"),
        ("Işıl", "Yıldız", "ISIL YILDIZ 12345"),
        ("小龙", "李", "李小李小龙李小李小龙李小李小龙"),
        ("민수", "김", "김민123456789012345"),
        ("Ana", "Pérez", "Pe\u0301rezA٢٠٢٤٢٠٢٤٢٠"),
        ("Rosella", None, "rosella rosella 1"),
        (None, "Abbiatici", "abbiatici abbiatici"),
    ],
)
def test_names_of_other_shapes(first_name: str | None, last_name: str | None, password: str) -> None:
    """Words of a name, initials, apostrophes, diacritics, spellings and scripts make no difference (R19)."""
    assert "derivable_from_contact" in codes(password, account(first_name, last_name))


def test_contact_without_names() -> None:
    """A contact of whom nothing is known gives nothing away."""
    assert codes("mfvzhgkqwdjnbtx", account(None, None)) == []
    assert codes("mfvzhgkqwdjnbtx", account("’", " ", "@")) == []


def test_single_letters_give_nothing_away() -> None:
    """A name of one letter does not make every password with that letter derivable."""
    assert codes("48151 x 62342 9173", account("X", None)) == []


def test_part_of_a_row_of_names_is_not_enough() -> None:
    """Something of the owner's own must be left out of account for a password to be derivable."""
    assert codes("Abbiatici eats Rosella") == []
    assert codes("RosellaAbbiaticixyz") == []
    assert codes("xyzRosellaAbbiatici") == []


# -- strategies


@pytest.mark.parametrize("password", ["OtterIci", "otter ici 12345678", "0TTER1C10TTER1C1", "Rosella OtterIci"])
def test_what_a_strategy_derives(password: str) -> None:
    """No default of any derivable strategy may be chosen, whichever the contact was issued (R19)."""
    assert "derivable_from_contact" in codes(password, policy=PasswordPolicy(strategies=[HouseRule()]))
    assert "derivable_from_contact" not in codes(password)


def test_strategies_that_draw_are_not_asked() -> None:
    """What a strategy draws anew each time says nothing about the one issued."""
    policy = PasswordPolicy(strategies=(HouseRule(is_derivable=False),))

    assert codes("otter ici 12345678", policy=policy) == []


def test_contact_without_a_default() -> None:
    """A contact from whom nothing can be derived may still choose."""
    owner = account("Rosella", None)
    policy = PasswordPolicy(strategies=(HouseRule(),))

    assert codes("mfvzhgkqwdjnbtx", owner, policy) == []


def test_failing_strategy_does_not_find_the_password() -> None:
    """The plaintext is in no frame that a strategy's own defect could print (R14)."""

    class Broken(HouseRule):
        def derive(self, contact: Contact, /) -> Derived:
            raise ZeroDivisionError

    policy = PasswordPolicy(strategies=(Broken(),))
    password = Secret("-".join(("mfvzhgkq", "wdjnbtx")))
    with pytest.raises(ZeroDivisionError) as caught:
        policy.violations(password, ROSELLA)
    printed = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())

    assert "Broken" in printed
    assert "mfvzhgkq-wdjnbtx" not in printed


# -- user names, context words and common passwords


@pytest.mark.parametrize("username", ["parent77x", "Tulip", "tulip1990", "778393"])
@pytest.mark.parametrize("pattern", ["{0}{0}{0}", "# {0} {0} {0}!", "{0}-password-{0}", "Welcome {0} Lincoln"])
def test_user_name(username: str, pattern: str) -> None:
    """The user name is the first thing that is tried (R19)."""
    password = pattern.format(username.upper())

    assert "username" in codes(password, account(username=username))


def test_user_name_that_is_a_number_inside_a_longer_number() -> None:
    """Digits around a number are digits of another number, not decoration."""
    assert codes("4778393815162342", account(username="778393")) == []


def test_user_name_and_name_together() -> None:
    """What is made of names and the user name is made from the contact."""
    assert codes("Tulip Abbiatici 1", account(username="tulip")) == ["derivable_from_contact"]


CONTEXT = [
    text
    for name in ("LincolnHighSchool", "SunnyPortal")
    for text in variants(name)
    if text not in (f"{name} Lincoln",) and not text.startswith("password")
]


def test_context_words() -> None:
    """The names of school, portal and product are no passwords (R19, ASVS 6.2.11)."""
    assert len(CONTEXT) >= 50
    assert [text for text in CONTEXT if "context_word" not in codes(text)] == []
    assert [text for text in CONTEXT if codes(text, policy=WITH_SECOND_FACTOR)] == []


@pytest.mark.parametrize(
    "password", ["lincoln lincoln 1", "Sunny School 2024!", "p0rtal-high-sch00l", "welcomeLincoln1"]
)
def test_words_of_a_context_name(password: str) -> None:
    """Each word of such a name counts, in any order."""
    assert "context_word" in codes(password)


@pytest.mark.parametrize(
    "password",
    [
        "p@$$w0rd12345678",
        "P4SSW0RDP4SSW0RD",
        "2024password2024",
        "password welcome",
        "1LOVEY0U 1LOVEY0U",
        "$unsh1ne2024!!!!",
        "p-a-s-s-w-o-r-d 1",
        "  CORRECT-horse-battery-STAPLE!!",
    ],
)
def test_decorated_common_passwords(password: str) -> None:
    """Look-alikes, repetition, digits and marks do not make a common password a rare one (R19)."""
    assert "common" in codes(password)


def test_common_passwords_of_a_host() -> None:
    """A host's list is read beside the built-in one, however it is written."""
    policy = PasswordPolicy(common_passwords=["Blue-Penguin 1", "!!!", "Crème Brûlée"])

    assert codes("bluepenguin1 2024") == []
    assert codes("bluepenguin1 2024", policy=policy) == ["common", "date"]
    assert codes("BLUE PENGUIN 1...", policy=policy) == ["common"]
    assert codes("creme brulee 2024", policy=policy) == ["common", "date"]
    assert codes("iloveyou iloveyou", policy=policy) == ["common", "repetition"]


# -- construction


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"min_length": 14}, "min_length"),
        ({"min_length": 7, "second_factor": True}, "min_length"),
        ({"min_length": 257}, "min_length"),
        ({"min_length": 65, "max_length": 64}, "min_length"),
        ({"min_length": 16.0}, "min_length"),
        ({"min_length": True}, "min_length"),
        ({"max_length": 63}, "max_length"),
        ({"max_length": 257}, "max_length"),
        ({"max_length": None}, "max_length"),
        ({"context_words": "Lincoln"}, "context_words"),
        ({"context_words": ("Lincoln", "-")}, "context_words"),
        ({"context_words": (1,)}, "context_words"),
        ({"common_passwords": "password"}, "common_passwords"),
        ({"common_passwords": (b"password",)}, "common_passwords"),
        ({"shorter_than_recommended": 7}, "shorter_than_recommended"),
        ({"shorter_than_recommended": 15}, "shorter_than_recommended"),
        ({"shorter_than_recommended": True}, "shorter_than_recommended"),
        ({"shorter_than_recommended": 12, "min_length": 12}, "shorter_than_recommended"),
        ({"shorter_than_recommended": 12, "second_factor": True}, "shorter_than_recommended"),
        ({"checks": (object(),)}, "checks"),
        ({"checks": None}, "checks"),
    ],
)
def test_policy_that_cannot_be(arguments: dict[str, object], argument: str) -> None:
    """A policy is never laxer than the floor, and a mistake is said when it is made (R19, R23)."""
    with pytest.raises(ConfigurationError) as caught:
        PasswordPolicy(**arguments)  # type: ignore[arg-type]  # What is wrong on purpose.

    assert caught.value.argument == argument


@pytest.mark.parametrize(("second_factor", "min_length"), [(False, 20), (True, 8), (True, 12)])
def test_floor_may_be_raised(second_factor: bool, min_length: int) -> None:
    """A host may ask for more."""
    policy = PasswordPolicy(second_factor=second_factor, min_length=min_length)

    assert policy.violations(Secret("mfvzhgkqwdjnbtxrlpsc"[: min_length - 1]), ROSELLA) == (
        Violation(
            code="too_short",
            parameters={"minimum": min_length},
            text=f"Use at least {min_length} characters. You may use several words, with spaces.",
        ),
    )


@pytest.mark.parametrize("length", [8, 10, 12])
def test_written_rule_of_fewer_code_points(length: int) -> None:
    """A district's own rule can be followed under a name that warns, and every other check stays (R19)."""
    policy = PasswordPolicy(shorter_than_recommended=length, context_words=("Lincoln High School",))

    assert policy.minimum == length
    assert codes("mfvzhgkqwdjnbtx"[:length], policy=policy) == []
    assert codes("mfvzhgkqwdjnbtx"[: length - 1], policy=policy) == ["too_short"]
    assert "derivable_from_contact" in codes("Abbiatici123", policy=policy)
    assert "context_word" in codes("lincoln12345", policy=policy)
    for password in ("princess2026", "abcabcabcabc", "qwertyuiopas", "555-123-45678", "12.05.1990 !!"):
        assert codes(password, policy=policy) != []
    assert "shorter_than_recommended=" in repr(policy)


def test_policy_is_a_value() -> None:
    """Equal arguments make equal policies, which cannot be changed."""
    assert PasswordPolicy(context_words=("Lincoln",)) == PasswordPolicy(context_words=("Lincoln",))
    assert PasswordPolicy() != PasswordPolicy(second_factor=True)
    assert "correcthorse" not in repr(PasswordPolicy())
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        POLICY.max_length = 64  # type: ignore[misc]  # That it is refused is the point.


# -- violations


def test_violations_say_what_to_do_and_name_nobody() -> None:
    """A violation carries a code, numbers and English: no password, no name (R14)."""
    owner = account("Zyxelinda", "Quuxworth", "zyxelinda@quux.example", "quuxmom")
    found = [
        *POLICY.violations(Secret("\0QuuxworthZ\ud800\uffff"), owner),
        *POLICY.violations(Secret("quuxmom quuxmom"), owner),
        *POLICY.violations(Secret("lincoln lincoln"), owner),
        *POLICY.violations(Secret("welcome welcome"), owner),
        *POLICY.violations(Secret("x" * 257), owner),
        *POLICY.violations(Secret(""), owner),
    ]
    printed = repr(found).casefold()

    assert len({violation.code for violation in found}) == 11
    assert not any(word in printed for word in ("zyxel", "quux", "lincoln", "welcome"))
    assert all(violation.text.endswith(".") and "{" not in violation.text for violation in found)


def test_violations_travel() -> None:
    """A violation can be hashed, pickled and sent as JSON to a form."""
    violation = POLICY.violations(Secret("mfvzhgkq"), ROSELLA)[0]

    assert {violation, pickle.loads(pickle.dumps(violation))} == {violation}  # noqa: S301  Our own bytes.
    assert json.loads(json.dumps(attrs.asdict(violation))) == {
        "code": "too_short",
        "parameters": {"minimum": 15},
        "text": "Use at least 15 characters. You may use several words, with spaces.",
    }


def test_parameters_are_the_violation_s_own() -> None:
    """Changing what was handed in does not change the violation."""
    parameters = {"minimum": 15}
    violation = Violation(code="too_short", parameters=parameters, text="Use more.")
    parameters["minimum"] = 8

    assert violation.parameters == {"minimum": 15}
