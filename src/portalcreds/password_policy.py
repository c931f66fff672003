"""Say everything that is wrong with a chosen password, at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from ._name_readings import Reading, common_candidates, contact_forms, forms, plain, root, skeletons
from ._text import MAX_PASSWORD_INPUT, MAX_PASSWORD_LENGTH, TextFaultError, canonical_password
from .accounts import Account
from .exceptions import ConfigurationError
from .protocols import DefaultPasswordStrategy
from .secret import Secret

MIN_LENGTH_ALONE: Final = 15
"""Code points of a password that is the only factor (SP 800-63B-4 §3.1.1.2)."""

MIN_LENGTH_WITH_SECOND_FACTOR: Final = 8
"""Code points of a password that is always asked for together with another factor (SP 800-63B-4 §3.1.1.2)."""

MIN_MAX_LENGTH: Final = 64
"""Code points that a policy must at least let people use (SP 800-63B-4 §3.1.1.2, ASVS 6.2.9)."""

_COMMON: Final = """
password passwort iloveyou football baseball princess sunshine trustnoone administrator thisismypassword
passwordispassword correcthorsebatterystaple qwertyuiop qwertyuiopasdfgh qwertyuiopasdfghjkl
qwertyuiopasdfghjklzxcvbnm 1q2w3e4r5t6y7u8i 1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc4rfv abcdefgh abcdefghijklmno
abcdefghijklmnop abcdefghijklmnopqrstuvwxyz 12345678 123456789 1234567890 123456789012345 1234567890123456
12345678910111213 12345678987654321 987654321 0123456789 000000000000000 111111111111111
"""
COMMON_PASSWORDS: Final = frozenset(_COMMON.split())
"""What is common unless a policy is told otherwise: few, because few common passwords have 15 code points."""

_PADDING: Final = frozenset(
    ("password", "welcome", "changeme", "letmein", "parent", "portal", "login", "qwerty", "abc"),
)
"""What people put beside a name that is too short for the policy. Few, because each makes the policy less precise."""

_REFUSED_CATEGORIES: Final = {"Cc": "control_character", "Cs": "surrogate", "Cn": "unassigned_character"}

_TEXTS: Final = {
    "empty": "Type a password.",
    "control_character": "Leave out line breaks, tabs and other control characters.",
    "surrogate": "Type your password again: a part of it is not valid text.",
    "unassigned_character": "Leave out the characters that this portal does not know yet.",
    "too_short": "Use at least {minimum} characters. You may use several words, with spaces.",
    "too_long": "Use at most {maximum} characters.",
    "derivable_from_contact": "Choose something that nobody can make from your name or your e-mail address.",
    "username": "Choose something that nobody can make from your user name.",
    "context_word": "Choose something that nobody can make from the names of your school and this portal.",
    "common": "Choose something else: too many people use this password.",
}


def _copy(parameters: Mapping[str, int]) -> Mapping[str, int]:
    return dict(parameters)


@attrs.frozen(kw_only=True)
class Violation:
    """
    One rule that a chosen password breaks.

    Attributes:
        code: The rule: ``empty``, ``control_character``, ``surrogate``, ``unassigned_character``, ``too_short``,
            ``too_long``, ``derivable_from_contact``, ``username``, ``context_word`` or ``common``; a host's own policy
            may have others.
        parameters: What the text of a form needs besides, such as ``{"minimum": 15}``. Never the password.
        text: The same in English, to show to the person at the form.
    """

    code: str
    parameters: Mapping[str, int] = attrs.field(factory=dict, converter=_copy, hash=False)
    text: str


def _texts(name: str, values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        # Each of its letters would count as a word.
        raise ConfigurationError(name, "pass several texts, such as a tuple, and not one")
    texts = tuple(values)
    if not all(isinstance(text, str) for text in texts):
        raise ConfigurationError(name, "pass texts only")
    return texts


def _context_words(values: Iterable[str]) -> tuple[str, ...]:
    words = _texts("context_words", values)
    if not all(any(plain(skeleton) for skeleton in skeletons(word)) for word in words):
        raise ConfigurationError("context_words", "leave out the words without a letter or digit")
    return words


def _strategies(values: Iterable[DefaultPasswordStrategy]) -> tuple[DefaultPasswordStrategy, ...]:
    return tuple(values)


def _common_passwords(values: Iterable[str]) -> frozenset[str]:
    return frozenset(_texts("common_passwords", values))


@attrs.frozen(kw_only=True)
class PasswordPolicy:
    """
    What a password must satisfy that its owner chooses (R19). Issued and imported ones are exempt.

    There are no rules of composition and there is no ageing. Only the whole password is compared: a long one that
    contains a name is fine. What counts as made from the contact, the user name or a context word is a password of
    which nothing is left besides: any number of them in any order, perhaps with a word that everybody pads with. Case,
    width, diacritics, spaces, marks, digits around them and the usual look-alikes (``0`` for ``o``) make no difference.

    Attributes:
        second_factor: Whether every sign-in asks for another factor as well, which lowers the floor from 15 to 8 code
            points.
        min_length: Code points to ask for instead of the floor; never fewer.
        max_length: Code points to allow, from 64 to 256.
        context_words: Names of the school, the portal and the product.
        common_passwords: Passwords that too many people use; compared without case, marks and digits around them.
        strategies: How default passwords come about. What a derivable one derives is refused.

    Raises:
        ConfigurationError: A length is out of bounds, or the words are not several texts.
    """

    second_factor: bool = False
    min_length: int | None = None
    max_length: int = MAX_PASSWORD_LENGTH
    context_words: tuple[str, ...] = attrs.field(default=(), converter=_context_words)
    common_passwords: frozenset[str] = attrs.field(default=COMMON_PASSWORDS, converter=_common_passwords, repr=False)
    strategies: tuple[DefaultPasswordStrategy, ...] = attrs.field(default=(), converter=_strategies)
    _context_forms: frozenset[str] = attrs.field(init=False, repr=False, eq=False)
    _common_forms: frozenset[str] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if type(self.max_length) is not int or not MIN_MAX_LENGTH <= self.max_length <= MAX_PASSWORD_LENGTH:
            raise ConfigurationError(
                "max_length", f"pass a whole number from {MIN_MAX_LENGTH} to {MAX_PASSWORD_LENGTH} code points"
            )
        floor = self._floor
        if type(self.minimum) is not int or not floor <= self.minimum <= self.max_length:
            raise ConfigurationError("min_length", f"pass a whole number from {floor} to max_length, or None")

    @_context_forms.default
    def _(self) -> frozenset[str]:
        return frozenset(form for word in self.context_words for form in forms(word, shortest_word=3))

    @_common_forms.default
    def _(self) -> frozenset[str]:
        found = (skeleton for text in self.common_passwords for skeleton in skeletons(text))
        return frozenset(root(plain(skeleton)) for skeleton in found) - {""}

    @property
    def minimum(self) -> int:
        """Code points that a password must have: *min_length*, or the floor."""
        return self._floor if self.min_length is None else self.min_length

    @property
    def _floor(self) -> int:
        return MIN_LENGTH_WITH_SECOND_FACTOR if self.second_factor else MIN_LENGTH_ALONE

    def violations(self, password: Secret, account: Account, /) -> tuple[Violation, ...]:
        """
        Return everything that is wrong with a password as its owner's choice; nothing if it may be taken.

        Whether it equals the password it replaces is not asked here: that takes the hash, and is the service's work.

        Args:
            password: The password as typed.
            account: Whose it would be.

        Returns:
            The rules it breaks, in a fixed order. None of them carries the password or a name.
        """
        # Made before the password is revealed: a strategy that fails must not find it in the frames above.
        own = contact_forms(account, self.strategies), frozenset(forms(account.username or ""))
        return tuple(
            Violation(code=code, parameters=parameters, text=_TEXTS[code].format_map(parameters))
            for code, parameters in self._broken(password.reveal(), *own)
        )

    def _broken(
        self, text: str, contact: frozenset[str], username: frozenset[str]
    ) -> Iterator[tuple[str, dict[str, int]]]:
        too_long = "too_long", {"maximum": self.max_length}
        if not text:
            yield "empty", {}
            return
        if len(text) > MAX_PASSWORD_INPUT:
            # Nothing else may touch it (R8).
            yield too_long
            return
        categories = [unicodedata.category(char) for char in text]
        for category, code in _REFUSED_CATEGORIES.items():
            if category in categories:
                yield code, {}
        # The rest is judged as if those had been left out already, so that the next attempt brings no new surprise.
        kept = "".join(char for char, cat in zip(text, categories, strict=True) if cat not in _REFUSED_CATEGORIES)
        try:
            canonical = canonical_password(kept)
        except TextFaultError as error:
            yield too_long if error.fault == "too_long" else ("too_short", {"minimum": self.minimum})
            return
        if len(canonical) < self.minimum:
            yield "too_short", {"minimum": self.minimum}
        if len(canonical) > self.max_length:
            yield too_long
        for code in self._guessable(skeletons(canonical), contact, username):
            yield code, {}

    def _guessable(
        self, skeletons: tuple[str, ...], contact: frozenset[str], username: frozenset[str]
    ) -> Iterator[str]:
        readings = [Reading(skeleton) for skeleton in skeletons]
        context = self._context_forms
        for code, words, padding in (
            ("derivable_from_contact", contact, username | context | _PADDING),
            ("username", username, context | _PADDING),
            ("context_word", context, _PADDING),
        ):
            if any(reading.is_made_of(words, padding) for reading in readings):
                yield code
        listed = any(form in self._common_forms for skeleton in skeletons for form in common_candidates(skeleton))
        if listed or any(reading.is_made_of(_PADDING, frozenset()) for reading in readings):
            yield "common"
