"""Say what of a password can be guessed: from what others know of its owner, and from what everybody uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple

from ..accounts import Account
from ..exceptions import ConfigurationError
from ..protocols import DefaultPasswordStrategy
from ._calendar import word_rows
from ._common_passwords import common_passwords
from ._name_readings import Reading, contact_forms, forms
from ._predictable import PLAIN_WORD, POINT, WORD, Predicted, predictable
from ._skeletons import plain, skeletons
from ._words import Words

_PLAIN: Final = """
password welcome changeme letmein parent portal login admin qwerty abc passwort contrasena motdepasse senha пароль
"""
_PLAIN_WORDS: Final = frozenset(_PLAIN.split())
"""Words that people write first, or add to a name that is too short. Few: each makes the policy less precise."""

_SHORTEST_WORD: Final = 4
"""Letters of a name that counts as a word: shorter ones are in too many others."""

_GUESSABLE: Final = (
    "derivable_from_contact",
    "username",
    "context_word",
    "common",
    "repetition",
    "sequence",
    "keyboard_walk",
    "date",
    "telephone_number",
)
"""What can be guessed, in the order in which it is told."""


class Known(NamedTuple):
    """What others know of a password's owner, as skeletons: what can be made of the contact, and the user name."""

    contact: frozenset[str]
    username: frozenset[str]


class Guesser:
    """
    What somebody knows who guesses passwords of one portal.

    Args:
        context_words: Names of the school, the portal and the product.
        common: Passwords that too many people use there, beside those that ship.

    Raises:
        ConfigurationError: A context word has no letter and no digit.
    """

    def __init__(self, context_words: Iterable[str], common: Iterable[str]) -> None:
        if not all(any(plain(skeleton) for skeleton in skeletons(word)) for word in context_words):
            raise ConfigurationError("context_words", "leave out the words without a letter or digit")
        self._context = frozenset(form for word in context_words for form in forms(word, shortest_word=3))
        looks = {form for text in common for one in skeletons(text) for form in (one, plain(one))}
        self._words = (
            _long_words(self._context, "context_word"),
            Words(looks - {""}, worth=WORD, code="common", is_split=False),
        )

    def learn(self, account: Account, strategies: Iterable[DefaultPasswordStrategy]) -> Known:
        """Return what can be known of the owner of an account."""
        return Known(contact_forms(account, strategies), frozenset(forms(account.username or "")))

    def find(self, canonical: str, known: Known, *, minimum: int, needed: int) -> Iterator[tuple[str, dict[str, int]]]:
        """
        Yield why the password can be guessed, and in numbers how little of it cannot.

        Args:
            canonical: The password.
            known: What is known of its owner.
            minimum: Code points that a password must have.
            needed: What it must be worth, in unpredictable code points.
        """
        spellings = skeletons(canonical)
        codes = set(self._made_of(spellings, known))
        # From what is too short, no more than half of its own length is asked.
        predicted = self._predict(spellings, known, min(needed, len(canonical) // 2 + 1) * POINT)
        parameters = {}
        if predicted is not None:
            codes |= predicted.codes
            parameters = {"worth": predicted.worth // POINT, "needed": needed}
            if not codes and len(canonical) >= minimum:
                codes = {"repetition"}  # Of marks, between which too little stands.
        yield from ((code, parameters) for code in _GUESSABLE if code in codes)

    def _made_of(self, skeletons: tuple[str, ...], known: Known) -> Iterator[str]:
        """Yield whose names the password is made of, if of nothing else."""
        readings = [Reading(skeleton) for skeleton in skeletons]
        for code, words, padding in (
            ("derivable_from_contact", known.contact, known.username | self._context | _PLAIN_WORDS),
            ("username", known.username, self._context | _PLAIN_WORDS),
            ("context_word", self._context, _PLAIN_WORDS),
        ):
            if any(reading.is_made_of(words, padding) for reading in readings):
                yield code

    def _predict(self, skeletons: tuple[str, ...], known: Known, limit: int) -> Predicted | None:
        """Return the parts of the password that can be predicted, if too little of it cannot."""
        words = (
            _long_words(known.contact, "derivable_from_contact"),
            _long_words(known.username, "username"),
            *self._words,
            *_shipped_words(),
        )
        found = (predictable(skeleton, words, limit) for skeleton in skeletons)
        return min((each for each in found if each is not None), default=None)


def _long_words(forms: Iterable[str], code: str) -> Words:
    return Words((form for form in forms if len(form) >= _SHORTEST_WORD), worth=WORD, code=code)


@cache
def _shipped_words() -> tuple[Words, ...]:
    """Return the words that are everybody's; they are read when the first password is checked."""
    rows = {skeleton for row in word_rows() for skeleton in skeletons(row)}
    return (
        Words(_PLAIN_WORDS, worth=PLAIN_WORD, code="common", is_split=False),
        Words(common_passwords(), worth=WORD, code="common", is_split=False),
        Words(rows, worth=WORD, code="sequence"),
    )
