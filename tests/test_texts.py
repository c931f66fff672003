"""Every code and outcome says what it means, in English and in other languages."""

from __future__ import annotations

import gettext
import importlib
import io
import pickle
import pkgutil
from datetime import timedelta
from enum import StrEnum
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import portalcreds
from portal import OFFICE, Portal
from portalcreds._outcome import Outcome
from portalcreds._spoken import Code, Spoken
from portalcreds.administration import ChangeReason
from portalcreds.default_passwords import DefaultWarning
from portalcreds.exceptions import (
    ConfigurationError,
    DailyCeilingError,
    InvalidValueError,
    MissingDependencyError,
    PrivilegeDeniedError,
    UnderivableError,
)
from portalcreds.plans import PlanChanged
from portalcreds.resets import Decision, DecisionReason, ResetOutcome, ResetWarning
from portalcreds.rosters import contacts_from_records
from portalcreds.secret import Secret
from portalcreds.sign_in import PasswordChangeRequired, PasswordRefused, SignInDenied, TryLater
from portalcreds.sign_in.password_policy import Violation
from portalcreds.texts import ENGLISH, Message, TextTable, Translation, text_of
from resets.planning import EVERYBODY
from stores.hosts import need

GERMAN = TextTable(
    {
        "SignInDenied": "Benutzername oder Passwort ist falsch.",
        "Decision.will_set": "Wird gesetzt",
        "DecisionReason.disabled": "Das Konto ist gesperrt.",
        "ResetWarning.replaces_chosen": "Ersetzt ein eigenes Passwort",
        "Violation.too_short": ("Nehmen Sie mindestens {minimum} Zeichen.", "Nehmen Sie mindestens {minimum} Zeichen."),
        "Violation.mascot": "Lassen Sie unser Maskottchen weg.",
        "TryLater.minutes": ("Versuchen Sie es in {minutes} Minute.", "Versuchen Sie es in {minutes} Minuten."),
        "Confirmation.confirm_set_many": ("{set} von {total} Kontakt?", "Passwörter von {set} der {total} Kontakte?"),
        "Confirmation.works_days": ("Gilt {days} Tag.", "Gilt {days} Tage."),
        "Confirmation.cannot": "Nicht möglich: {cannot}.",
        "PrivilegeDeniedError": "Das dürfen Sie nicht: {privilege}.",
        "Privilege.set_one": "ein Passwort setzen",
    }
)
SPANISH = TextTable(
    {
        "SignInDenied": "El usuario o la contraseña no es correcto.",
        "TryLater.minutes": ("Inténtelo en {minutes} minuto.", "Inténtelo en {minutes} minutos."),
        "Confirmation.works_days": ("Vale {days} día.", "Vale {days} días."),
    }
)


def arabic_form(n: int) -> int:
    """Return which of the six forms of Arabic is for a number, as its gettext catalogues say."""
    if n < 3:
        return n
    return 3 if 3 <= n % 100 <= 10 else 4 if n % 100 >= 11 else 5


ARABIC = TextTable(
    {
        "SignInDenied": "اسم المستخدم أو كلمة المرور غير صحيحة.",
        "TryLater.minutes": (
            "حاول الآن.",
            "حاول بعد دقيقة.",
            "حاول بعد دقيقتين.",
            "حاول بعد {minutes} دقائق.",
            "حاول بعد {minutes} دقيقة.",
            "حاول بعد {minutes} دقيقة كاملة.",
        ),
    },
    plural_form=arabic_form,
)


def _modules() -> list[Any]:
    modules = []
    for found in pkgutil.walk_packages(portalcreds.__path__, f"{portalcreds.__name__}."):
        if ".django" not in found.name:
            try:
                modules.append(importlib.import_module(found.name))
            except MissingDependencyError:
                continue
    return modules


def _public(base: type) -> list[type]:
    # Whatever stands in a module of that name, once; private modules too, whose classes a public one may return.
    found = {
        each
        for module in _modules()
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, base) and each.__module__ == module.__name__
        if not name.startswith("_") and each is not base
    }
    return sorted(found, key=lambda each: each.__name__)


def test_every_enumeration_of_codes_speaks() -> None:
    """A new enumeration cannot be shown to people before it has texts; those of private modules are never shown."""
    silent = {each.__name__ for each in _public(StrEnum) if not issubclass(each, Code) and each is not Code}
    assert silent == {"FailureKind", "Kind"}
    assert len(_public(Code)) > 20


@pytest.mark.parametrize("kind", _public(Code), ids=lambda kind: kind.__name__)
def test_every_code_has_a_text(kind: type[Code]) -> None:
    """No member of an enumeration is shown to people as ``will_set``."""
    for code in kind:
        assert f"{kind.__name__}.{code.value}" in ENGLISH
        assert code.text == text_of(code)
        assert code.text[0].isupper()
        assert "_" not in code.text


@pytest.mark.parametrize("kind", _public(Outcome), ids=lambda kind: kind.__name__)
def test_every_outcome_has_a_text(kind: type[Outcome]) -> None:
    """No outcome of a form is silent."""
    keys = [key for key in ENGLISH if key == kind.__name__ or key.startswith(f"{kind.__name__}.")]
    assert keys


def test_the_catalogue_has_nothing_else() -> None:
    """A text whose code was taken away is taken away with it."""
    kinds = {kind.__name__: {code.value for code in kind} for kind in _public(Code) if issubclass(kind, Code)}
    for key in ENGLISH:
        kind, _, code = key.partition(".")
        if kind in kinds:
            assert code in kinds[kind], key
    others = {key.partition(".")[0] for key in ENGLISH} - kinds.keys()
    spoken = {each.__name__ for each in _public(Spoken)}
    assert others <= spoken


def test_a_text_is_a_sentence_or_a_word_with_values_that_are_there(portal: Portal) -> None:
    """What fills a text is given wherever it is said, so that nobody reads an open brace."""
    denied = PrivilegeDeniedError("office", "set_one", ("c-1",))
    (refusal,) = contacts_from_records([{"contact_id": "", "first_name": "A", "last_name": "B"}]).refusals
    plan = portal.resets.plan(EVERYBODY, OFFICE, replace_chosen=True)
    for each, words in (
        (TryLater(retry_after=timedelta(seconds=90)), "in 90 seconds."),
        (TryLater(retry_after=timedelta(seconds=1)), "in 1 second."),
        (TryLater(retry_after=timedelta(seconds=121)), "in 3 minutes."),
        (PasswordChangeRequired(ticket=Secret("t"), reason="issued"), "set by the school"),
        (PasswordChangeRequired(ticket=Secret("t"), reason="moved"), "Choose a new password"),
        (PasswordRefused(violations=()), "cannot be used"),
        (denied, "You may not do this: Set the password of one contact."),
        (DailyCeilingError("office", 1, 7), "1 password, and have planned 7"),
        (UnderivableError("c-1", "first_name", "blank"), "first name"),
        (refusal, "Line 1, contact_id: "),
        (PlanChanged(plan=plan), "press OK once more"),
        (plan.confirmation, "the passwords of"),
    ):
        assert words in each.text
        assert "{" not in each.text


def test_a_code_that_lost_its_class_has_its_text() -> None:
    """Warnings that come back from a database as plain text say the same, and a strategy's own shows no underscore."""
    assert text_of("replaces_chosen") == ResetWarning.REPLACES_CHOSEN.text
    assert text_of("emoji") == DefaultWarning.EMOJI.text
    assert text_of("too_many_vowels") == "too many vowels"


def test_a_violation_of_the_host_s_own_keeps_its_text() -> None:
    """What a check of a host's says is said as it is, whatever is in it, and translated under its code."""
    own = Violation(code="mascot", text="Leave out {our} mascot.")
    assert own.text == text_of(own) == "Leave out {our} mascot."
    assert text_of(own, GERMAN) == "Lassen Sie unser Maskottchen weg."
    assert pickle.loads(pickle.dumps(own)) == own  # noqa: S301  Our own bytes.


def test_a_table_says_what_it_has_and_english_for_the_rest() -> None:
    """A portal can begin with the texts that parents meet most."""
    assert text_of(SignInDenied(), GERMAN) == "Benutzername oder Passwort ist falsch."
    assert text_of(SignInDenied(), SPANISH).startswith("El usuario")
    assert text_of(SignInDenied(), ARABIC).startswith("اسم")
    assert text_of(Decision.WILL_SET, GERMAN) == "Wird gesetzt"
    assert text_of("replaces_chosen", GERMAN) == "Ersetzt ein eigenes Passwort"
    assert text_of(ResetOutcome.SET, GERMAN) == "Set"
    assert text_of(Violation(code="too_short", parameters={"minimum": 15}), SPANISH).startswith("Use at least 15")
    assert "SignInDenied" not in SPANISH.missing()
    assert "ResetOutcome.set" in SPANISH.missing()


def test_what_is_named_in_a_text_is_in_its_language() -> None:
    """A refusal does not say in English, in the middle of German, what is refused."""
    error = PrivilegeDeniedError("office", "set_one", ("c-1",))
    assert text_of(error, GERMAN) == "Das dürfen Sie nicht: ein Passwort setzen."


def test_a_confirmation_is_said_sentence_by_sentence(portal: Portal) -> None:
    """The message that is confirmed with OK is translated as a whole, numbers and names included."""
    many = portal.resets.plan(EVERYBODY, OFFICE)
    assert text_of(many.confirmation, GERMAN) == (
        f"Passwörter von {many.count(Decision.WILL_SET)} der 4 Kontakte? Gilt 14 Tage. Nicht möglich: 1."
    )
    one = portal.resets.plan(["c-1"], OFFICE).confirmation
    assert text_of(one, SPANISH).endswith("Vale 14 días.")


@pytest.mark.parametrize(
    ("minutes", "german", "spanish", "arabic"),
    [
        (2, "2 Minuten", "2 minutos", "دقيقتين"),
        (3, "3 Minuten", "3 minutos", "3 دقائق"),
        (11, "11 Minuten", "11 minutos", "11 دقيقة."),
        (100, "100 Minuten", "100 minutos", "100 دقيقة كاملة"),
        (103, "103 Minuten", "103 minutos", "103 دقائق"),
    ],
)
def test_plurals_follow_the_language(minutes: int, german: str, spanish: str, arabic: str) -> None:
    """Two forms or six: the language says which is for a number."""
    outcome = TryLater(retry_after=timedelta(minutes=minutes))
    for table, words in ((GERMAN, german), (SPANISH, spanish), (ARABIC, arabic)):
        assert words in text_of(outcome, table)


@given(st.integers(0, 10_000))
def test_every_number_has_a_form(n: int) -> None:
    """A table with fewer forms than its rule asks for still says something."""
    few = TextTable({"TryLater.minutes": ("{minutes} m",)}, plural_form=arabic_form)
    assert few.npgettext("TryLater.minutes", "a", "b", n) == "{minutes} m"
    assert ARABIC.npgettext("TryLater.seconds", "one", "several", n) == ("one" if n == 1 else "several")


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param({"TryLater.minutes": "In {minutes} Minuten"}, id="one form for several"),
        pytest.param({"SignInDenied": ("a", "b")}, id="several for one"),
        pytest.param({"SignInDenied": "Hallo {username}"}, id="value that is not there"),
        pytest.param({"SignInDenied": "Hallo {"}, id="open brace"),
        pytest.param({"Confirmation.cannot": "{cannot.__class__}"}, id="attribute"),
    ],
)
def test_a_table_with_a_mistake_is_refused_when_it_is_made(texts: dict[str, Any]) -> None:
    """A translator's slip is found when the portal starts, and not by a parent."""
    with pytest.raises(ConfigurationError, match=next(iter(texts))):
        TextTable(texts)


class Slipped(gettext.NullTranslations):
    """A catalogue with a value that is not there."""

    def pgettext(self, context: str, message: str) -> str:
        """Return it."""
        return "{nothing} {0}"

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """Return it."""
        return "{"


def test_a_catalogue_with_a_mistake_falls_back_to_english(portal: Portal) -> None:
    """What gettext hands over cannot be checked before, and must not take the sign-in page down."""
    outcome = TryLater(retry_after=timedelta(minutes=3))
    assert text_of(SignInDenied(), Slipped()) == SignInDenied().text
    assert text_of(outcome, Slipped()) == outcome.text


def test_a_gettext_catalogue_translates_by_key_and_with_its_own_plurals() -> None:
    """What gettext reads from a compiled catalogue is a translation, whose plural rule is its own."""
    need("babel")
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    catalog = Catalog(locale="ar")
    minutes = ENGLISH["TryLater.minutes"]
    assert isinstance(minutes, tuple)
    catalog.add(minutes, list(ARABIC._texts["TryLater.minutes"]), context="TryLater.minutes")
    catalog.add(ENGLISH["DecisionReason.disabled"], "أ", context="DecisionReason.disabled")
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    arabic: Translation = gettext.GNUTranslations(compiled)

    assert "103 دقائق" in text_of(TryLater(retry_after=timedelta(minutes=103)), arabic)
    assert text_of(DecisionReason.DISABLED, arabic) == "أ"
    assert text_of(ChangeReason.ERASED, arabic) == ChangeReason.ERASED.text


def test_names_in_english_braces_are_simple() -> None:
    """A text of the catalogue names its values and reaches into none of them."""
    for english in ENGLISH.values():
        for text in (english,) if isinstance(english, str) else english:
            names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
            assert all(name.isidentifier() for name in names)


def test_a_message_of_another_copy_is_said() -> None:
    """A code of a second, vendored copy of the package has its text as well."""

    class Theirs:
        messages = (Message("SignInDenied"),)

    assert text_of(Theirs(), GERMAN) == "Benutzername oder Passwort ist falsch."


def test_an_invalid_value_is_for_developers() -> None:
    """An error that only a program causes has no text for people."""
    assert not isinstance(InvalidValueError("a", "b"), Spoken)
