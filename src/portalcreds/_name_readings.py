"""Read a password as what can be made of somebody's names, whatever is written around them and instead of letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from .accounts import Account
from .exceptions import UnderivableError
from .protocols import DefaultPasswordStrategy

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


class Reading:
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


def skeletons(text: str) -> tuple[str, ...]:
    """Return what is left of a text without case, width and diacritics: one form, or two where spellings differ."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple(dict.fromkeys(_bare(spelling) for spelling in (folded, folded.translate(_SPELT_OUT))))


def _bare(folded: str) -> str:
    apart = unicodedata.normalize("NFKD", folded.translate(_WITHOUT_STROKE))
    # Composed again, so that a Hangul syllable is one letter and an initial.
    return unicodedata.normalize("NFC", "".join(char for char in apart if unicodedata.category(char)[0] != "M"))


def plain(skeleton: str) -> str:
    """Return the letters and digits of a skeleton."""
    return "".join(filter(str.isalnum, skeleton))


def _words(skeleton: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in skeleton).split()


def forms(text: str, *, shortest_word: int | None = None) -> Iterator[str]:
    """Yield a text's own forms: whole, without the digits around it, and its words if *shortest_word* says so."""
    for skeleton in skeletons(text):
        forms = {plain(skeleton), plain(skeleton).strip("0123456789")}
        if shortest_word is not None:
            forms.update(word for word in _words(skeleton) if len(word) >= shortest_word)
        yield from _both_ways(forms)


def _both_ways(forms: Iterable[str]) -> Iterator[str]:
    for form in forms:
        # A single letter among digits and marks says nothing of where it is from.
        if len(form) > 1:
            yield form
            yield form[::-1]


def contact_forms(account: Account, strategies: Iterable[DefaultPasswordStrategy]) -> frozenset[str]:
    """Return what can be made of a contact's names, address and derivable defaults, as skeletons."""
    contact = account.contact
    found: set[str] = set()
    # The names one after the other need no form: a password is read as any row of forms.
    for name, other in (contact.last_name, contact.first_name), (contact.first_name, contact.last_name):
        initials = {form for skeleton in skeletons(other or "") for form in _initials(skeleton)}
        for skeleton in skeletons(name or ""):
            names = {plain(skeleton), *_words(skeleton)} - {""}
            found.update(_both_ways(names))
            found.update(_both_ways(name + initial for name in names for initial in initials))
            found.update(_both_ways(initial + name for name in names for initial in initials))
    if contact.email is not None:
        found.update(forms(contact.email))
        found.update(forms(contact.email.partition("@")[0], shortest_word=2))
    for strategy in strategies:
        if strategy.is_derivable:
            try:
                derived = strategy.derive(contact).secret
            except UnderivableError:
                continue
            found.update(forms(derived.reveal()))
    return frozenset(found)


def _initials(skeleton: str) -> set[str]:
    initials = "".join(word[0] for word in _words(skeleton))
    return {initials[:1], initials} - {""}


def common_candidates(skeleton: str) -> Iterator[str]:
    """Yield what a skeleton may be listed as: with or without what is around it, look-alikes read or not, said once."""
    ignored = "".join({char for char in skeleton if char.isdigit() or not char.isalnum()})
    for core in skeleton, skeleton.strip(ignored), skeleton.lstrip(ignored), skeleton.rstrip(ignored):
        for form in core, *(core.translate(table) for table in _LOOKALIKES_READ):
            yield root(plain(form))


def root(plain: str) -> str:
    """Return the shortest text of which *plain* is a repetition: up to where it first finds itself again."""
    return plain[: (plain + plain).find(plain, 1)]
