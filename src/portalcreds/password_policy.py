"""Say everything that is wrong with a chosen password, at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from ._text import MAX_PASSWORD_INPUT, MAX_PASSWORD_LENGTH, TextFaultError, canonical_password
from .accounts import Account
from .exceptions import ConfigurationError, UnderivableError
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

_LOOKALIKES: Final = {"a": "4@", "e": "3", "i": "1!|", "l": "1|", "o": "0", "s": "5$", "t": "7"}
"""The characters that people write for a letter."""

_LOOKALIKES_READ: Final = tuple(
    str.maketrans({mark: letter for letter, marks in _LOOKALIKES.items() if letter != other for mark in marks})
    for other in "li"  # A 1 is read as an i where the l is left out, and the other way round.
)

# NFKD leaves these letters whole.
_WITHOUT_STROKE: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
)
# How the same letters are written where a keyboard lacks them: Müller is Muller to some and Mueller to others.
_SPELT_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

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
    if not all(any(_plain(skeleton) for skeleton in _skeletons(word)) for word in words):
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
        return frozenset(form for word in self.context_words for form in _forms(word, shortest_word=3))

    @_common_forms.default
    def _(self) -> frozenset[str]:
        skeletons = (skeleton for text in self.common_passwords for skeleton in _skeletons(text))
        return frozenset(_root(_plain(skeleton)) for skeleton in skeletons) - {""}

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
        own = _contact_forms(account, self.strategies), frozenset(_forms(account.username or ""))
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
        for code in self._guessable(_skeletons(canonical), contact, username):
            yield code, {}

    def _guessable(
        self, skeletons: tuple[str, ...], contact: frozenset[str], username: frozenset[str]
    ) -> Iterator[str]:
        readings = [_Reading(skeleton) for skeleton in skeletons]
        context = self._context_forms
        for code, words, padding in (
            ("derivable_from_contact", contact, username | context | _PADDING),
            ("username", username, context | _PADDING),
            ("context_word", context, _PADDING),
        ):
            if any(reading.is_made_of(words, padding) for reading in readings):
                yield code
        listed = any(form in self._common_forms for skeleton in skeletons for form in _common_candidates(skeleton))
        if listed or any(reading.is_made_of(_PADDING, frozenset()) for reading in readings):
            yield "common"


class _Reading:
    """
    All the ways at once in which a skeleton can be read as a row of words.

    A mark may be skipped or stand for a letter, a digit may pad or stand for a letter: trying one way after the other
    is exponential for a text such as ``@@@@…``. So a set of positions, as the bits of an int, moves through it in
    step; one pass is linear in the length of the words.
    """

    def __init__(self, skeleton: str) -> None:
        self._end = 1 << len(skeleton)
        self._at: dict[str, int] = {}
        self._marks = self._digits = 0
        for index, char in enumerate(skeleton):
            self._at[char] = self._at.get(char, 0) | 1 << index
            if not char.isalnum():
                self._marks |= 1 << index
            elif char.isdigit():
                self._digits |= 1 << index
        for letter, lookalikes in _LOOKALIKES.items():
            for char in lookalikes:
                self._at[letter] = self._at.get(letter, 0) | self._at.get(char, 0)

    def is_made_of(self, words: frozenset[str], padding: frozenset[str]) -> bool:
        """Return whether it is read whole as one or more of *words*, with any of *padding* among them."""
        # Digits beside a number would leave it to chance whether a number is in there somewhere.
        numbers = frozenset(word for word in words if word.isdigit())
        return self._is_read_as(words - numbers, padding, self._marks | self._digits) or self._is_read_as(
            numbers, padding, self._marks
        )

    def _is_read_as(self, words: frozenset[str], padding: frozenset[str], ignored: int) -> bool:
        before = self._after_any(_past(1, ignored), padding, ignored)
        after_one = self._after_one(before, words, ignored)
        return bool(self._after_any(after_one, words | padding, ignored) & self._end)

    def _after_any(self, positions: int, words: frozenset[str], ignored: int) -> int:
        fresh = positions
        while fresh:
            fresh = self._after_one(fresh, words, ignored) & ~positions
            positions |= fresh
        return positions

    def _after_one(self, positions: int, words: frozenset[str], ignored: int) -> int:
        ends = 0
        for word in words:
            reached = positions
            for char in word:
                reached = _past((reached & self._at.get(char, 0)) << 1, self._marks)
                if not reached:
                    break
            ends |= reached
        return _past(ends, ignored)


def _past(positions: int, ignored: int) -> int:
    # Adding a position to the run of ignored ones that it stands in carries to the first one behind the run, and flips
    # all in between.
    return positions | ((ignored + (positions & ignored)) ^ ignored)


def _skeletons(text: str) -> tuple[str, ...]:
    """Return what is left of a text without case, width and diacritics: one form, or two where spellings differ."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple(dict.fromkeys(_bare(spelling) for spelling in (folded, folded.translate(_SPELT_OUT))))


def _bare(folded: str) -> str:
    apart = unicodedata.normalize("NFKD", folded.translate(_WITHOUT_STROKE))
    # Composed again, so that a Hangul syllable is one letter and an initial.
    return unicodedata.normalize("NFC", "".join(char for char in apart if unicodedata.category(char)[0] != "M"))


def _plain(skeleton: str) -> str:
    return "".join(filter(str.isalnum, skeleton))


def _words(skeleton: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in skeleton).split()


def _forms(text: str, *, shortest_word: int | None = None) -> Iterator[str]:
    """Yield a text's own forms: whole, without the digits around it, and its words if *shortest_word* says so."""
    for skeleton in _skeletons(text):
        forms = {_plain(skeleton), _plain(skeleton).strip("0123456789")}
        if shortest_word is not None:
            forms.update(word for word in _words(skeleton) if len(word) >= shortest_word)
        yield from _both_ways(forms)


def _both_ways(forms: Iterable[str]) -> Iterator[str]:
    for form in forms:
        # A single letter among digits and marks says nothing of where it is from.
        if len(form) > 1:
            yield form
            yield form[::-1]


def _contact_forms(account: Account, strategies: Iterable[DefaultPasswordStrategy]) -> frozenset[str]:
    contact = account.contact
    forms: set[str] = set()
    # The names one after the other need no form: a password is read as any row of forms.
    for name, other in (contact.last_name, contact.first_name), (contact.first_name, contact.last_name):
        initials = {form for skeleton in _skeletons(other or "") for form in _initials(skeleton)}
        for skeleton in _skeletons(name or ""):
            names = {_plain(skeleton), *_words(skeleton)} - {""}
            forms.update(_both_ways(names))
            forms.update(_both_ways(name + initial for name in names for initial in initials))
            forms.update(_both_ways(initial + name for name in names for initial in initials))
    if contact.email is not None:
        forms.update(_forms(contact.email))
        forms.update(_forms(contact.email.partition("@")[0], shortest_word=2))
    for strategy in strategies:
        if strategy.is_derivable:
            try:
                derived = strategy.derive(contact).secret
            except UnderivableError:
                continue
            forms.update(_forms(derived.reveal()))
    return frozenset(forms)


def _initials(skeleton: str) -> set[str]:
    initials = "".join(word[0] for word in _words(skeleton))
    return {initials[:1], initials} - {""}


def _common_candidates(skeleton: str) -> Iterator[str]:
    """Yield what a skeleton may be listed as: with or without what is around it, look-alikes read or not, said once."""
    ignored = "".join({char for char in skeleton if char.isdigit() or not char.isalnum()})
    for core in skeleton, skeleton.strip(ignored), skeleton.lstrip(ignored), skeleton.rstrip(ignored):
        for form in core, *(core.translate(table) for table in _LOOKALIKES_READ):
            yield _root(_plain(form))


def _root(plain: str) -> str:
    """Return the shortest text of which *plain* is a repetition: up to where it first finds itself again."""
    return plain[: (plain + plain).find(plain, 1)]
