"""Check a chosen password, and return all that is wrong with it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from .._arguments import has, is_flag, is_text, part_in, several_in
from .._spoken import Spoken
from .._text import MAX_PASSWORD_INPUT, MAX_PASSWORD_LENGTH, TextFaultError, canonical_password
from .._value import Value
from ..accounts import Account
from ..exceptions import ConfigurationError
from ..protocols import DefaultPasswordStrategy
from ..secret import Secret

if TYPE_CHECKING:
    from ..texts import Message
    from ._guessing import Guesser, Known

MIN_LENGTH_ALONE: Final = 15
"""Code points of a password that is the only factor (SP 800-63B-4 §3.1.1.2)."""

MIN_LENGTH_WITH_SECOND_FACTOR: Final = 8
"""Code points of a password that is always asked for together with another factor (SP 800-63B-4 §3.1.1.2)."""

MIN_MAX_LENGTH: Final = 64
"""Code points that a policy must at least let people use (SP 800-63B-4 §3.1.1.2, ASVS 6.2.9)."""

_REFUSED_CATEGORIES: Final = {"Cc": "control_character", "Cs": "surrogate", "Cn": "unassigned_character"}


def _copy(parameters: Mapping[str, int]) -> Mapping[str, int]:
    return dict(parameters)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Violation(Spoken, Value):
    """
    One rule that a chosen password breaks.

    Attributes:
        code: The rule: ``empty``, ``control_character``, ``surrogate``, ``unassigned_character``, ``too_short``,
            ``too_long``, or what can be guessed: ``derivable_from_contact``, ``username``, ``context_word``,
            ``common``, ``repetition``, ``sequence``, ``keyboard_walk``, ``date`` or ``telephone_number``; a check or
            policy of a host's own may have others.
        parameters: The values for the text of a form: *minimum* or *maximum*, in code points. For a password that is
            too easy to predict, what it is *worth* and what is *needed*, in unpredictable code points. Never the
            password.
        text: The same in English, to show to the person at the form; `texts.text_of` says it in other languages. A
            host's own check passes it.
    """

    code: str
    parameters: Mapping[str, int] = attrs.field(factory=dict, converter=_copy, hash=False)
    text: str = attrs.field()

    @text.default
    def _(self) -> str:
        from ..texts import text_of

        return text_of(self)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says: one sentence."""
        from ..texts import Message

        count = self.parameters.get("minimum", self.parameters.get("maximum"))
        return (Message(f"Violation.{self.code}", self.parameters, count, getattr(self, "text", self.code)),)


_TEXTS: Final = "pass several texts, such as a tuple, and not one"


def _context_words(values: Iterable[str]) -> tuple[str, ...]:
    return several_in("context_words", values, _TEXTS, is_text, ConfigurationError)


def _strategies(values: Iterable[DefaultPasswordStrategy]) -> tuple[DefaultPasswordStrategy, ...]:
    hint = "pass several strategies, such as (LastNameFirstInitial(),)"
    return several_in("strategies", values, hint, has("derive"), ConfigurationError)


def _checks(values: Iterable[PasswordCheck]) -> tuple[PasswordCheck, ...]:
    hint = "pass several checks, such as (BreachChecker(...),)"
    return several_in("checks", values, hint, has("violations"), ConfigurationError)


def _common_passwords(values: Iterable[str]) -> frozenset[str]:
    return frozenset(several_in("common_passwords", values, _TEXTS, is_text, ConfigurationError))


class PasswordCheck(Protocol):
    """A check of a host's own, such as a list of stolen passwords, for the passwords that a policy allows."""

    def violations(self, password: Secret, account: Account, /) -> Iterable[Violation]:
        """
        Return what is wrong with a password as its owner's choice.

        Args:
            password: The password as typed. It has a canonical form, and its length is allowed.
            account: Whose it would be.

        Returns:
            What to tell the person at the form, or nothing. None of it carries the password or a name.
        """
        ...


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PasswordPolicy(Value):
    """
    What a password must satisfy that its owner chooses (R19). Issued and imported ones are exempt.

    There are no composition rules and there is no ageing. Case, width, diacritics, marks between letters and the usual
    look-alikes (``0`` for ``o``) make no difference to what can be guessed, and that is two questions:

    - Is it made of what others know of its owner? It is if it holds nothing but names, the e-mail address, the user
      name, context words and what *strategies* derive, in any order, with digits and a few padding words among them.
      A long one that contains a name is fine.
    - How much of it can nobody predict? Repetitions, runs, keyboard walks, dates, telephone numbers, common passwords
      and names count as a few code points each, however long they are. What all of it is worth has to be more than half
      of the minimum length, or of 15.

    Attributes:
        second_factor: Whether every sign-in also asks for another factor; then 8 code points are enough instead of 15.
        min_length: Code points to ask for, if more than the minimum.
        shorter_than_recommended: Code points to ask for, from 8 to 14, without a second factor. It is for a written
            rule that you cannot change: SP 800-63B-4 §3.1.1.2 does not allow it. All other checks stay.
        max_length: Code points to allow, from 64 to 256.
        context_words: Names of the school, the portal and the product.
        common_passwords: Passwords that too many people use where you are, beside those that ship.
        strategies: How default passwords are made. What a derivable one derives is refused.
        checks: What is asked about a password that is allowed so far.

    Raises:
        ConfigurationError: A length is out of bounds, or an argument is of the wrong type.
    """

    second_factor: bool = attrs.field(default=False, validator=is_flag)
    min_length: int | None = None
    shorter_than_recommended: int | None = None
    max_length: int = MAX_PASSWORD_LENGTH
    context_words: tuple[str, ...] = attrs.field(default=(), converter=_context_words)
    common_passwords: frozenset[str] = attrs.field(default=(), converter=_common_passwords, repr=False)
    strategies: tuple[DefaultPasswordStrategy, ...] = attrs.field(default=(), converter=_strategies)
    checks: tuple[PasswordCheck, ...] = attrs.field(default=(), converter=_checks)
    _guesser: Guesser = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if type(self.max_length) is not int or not MIN_MAX_LENGTH <= self.max_length <= MAX_PASSWORD_LENGTH:
            raise ConfigurationError(
                "max_length", f"pass a whole number from {MIN_MAX_LENGTH} to {MAX_PASSWORD_LENGTH} code points"
            )
        if self.shorter_than_recommended is not None:
            self._check_shorter(self.shorter_than_recommended)
        elif type(self.minimum) is not int or not self._floor <= self.minimum <= self.max_length:
            raise ConfigurationError("min_length", f"pass a whole number from {self._floor} to max_length, or None")

    def _check_shorter(self, length: int) -> None:
        if self.second_factor or self.min_length is not None:
            raise ConfigurationError(
                "shorter_than_recommended", "pass it without min_length; with second_factor=True pass min_length alone"
            )
        if type(length) is not int or not MIN_LENGTH_WITH_SECOND_FACTOR <= length < MIN_LENGTH_ALONE:
            raise ConfigurationError(
                "shorter_than_recommended",
                f"pass a whole number from {MIN_LENGTH_WITH_SECOND_FACTOR} to {MIN_LENGTH_ALONE - 1}, or None",
            )

    @_guesser.default
    def _(self) -> Guesser:
        # What guesses passwords is imported with the first policy, and not by those who only name the class.
        from ._guessing import Guesser

        return Guesser(self.context_words, self.common_passwords)

    @property
    def minimum(self) -> int:
        """Code points that a password must have: *min_length*, *shorter_than_recommended*, or the floor."""
        chosen = self.shorter_than_recommended if self.min_length is None else self.min_length
        return self._floor if chosen is None else chosen

    @property
    def needed(self) -> int:
        """What a password must be worth, in unpredictable code points: more than half of *minimum*, or of 15."""
        return min(self.minimum, MIN_LENGTH_ALONE) // 2 + 1

    @property
    def _floor(self) -> int:
        return MIN_LENGTH_WITH_SECOND_FACTOR if self.second_factor else MIN_LENGTH_ALONE

    def violations(self, password: Secret, account: Account, /) -> tuple[Violation, ...]:
        """
        Return all that is wrong with a password as its owner's choice; nothing if it is allowed.

        It does not compare it with the current password: that takes the hash, so the service does it.

        Args:
            password: The password as typed.
            account: Whose it would be.

        Returns:
            The rules it breaks, in a fixed order. None of them carries the password or a name.
        """
        part_in("password", password, ("reveal",), "pass a Secret")
        part_in("account", account, ("contact", "username"), "pass the Account")
        # Made before the password is revealed: if a strategy fails, no frame above it holds the plaintext.
        known = self._guesser.learn(account, self.strategies)
        found = tuple(
            Violation(code=code, parameters=parameters) for code, parameters in self._broken(password.reveal(), known)
        )
        return found or tuple(violation for check in self.checks for violation in check.violations(password, account))

    def _broken(self, text: str, known: Known) -> Iterator[tuple[str, dict[str, int]]]:
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
        # The rest is checked as if those had been left out already, so that the next attempt brings no surprise.
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
        yield from self._guesser.find(canonical, known, minimum=self.minimum, needed=self.needed)
