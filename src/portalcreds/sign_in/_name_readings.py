"""Read a password as what can be made of somebody's names, whatever is written around them and instead of letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ..accounts import Account
from ..exceptions import UnderivableError
from ..protocols import DefaultPasswordStrategy
from ._skeletons import is_letter_or_digit, plain, skeletons

_LOOKALIKES: Final = {"a": "4@", "e": "3", "i": "1!|", "l": "1|", "o": "0", "s": "5$", "t": "7"}
"""The characters that people write for a letter."""


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
        # Most are nowhere in the text, and need not be tried at each of its words.
        words, padding = self._in_it(words), self._in_it(padding)
        if not words:
            return False
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
            ends |= self._after(positions, word)
        return _past(ends, ignored)

    def _in_it(self, words: frozenset[str]) -> frozenset[str]:
        everywhere = 2 * self._end - 1
        return frozenset(word for word in words if self._after(everywhere, word))

    def _after(self, positions: int, word: str) -> int:
        for char in word:
            positions = _past((positions & self._at.get(char, 0)) << 1, self._marks)
            if not positions:
                break
        return positions


def _past(positions: int, ignored: int) -> int:
    # Adding a position to the run of ignored ones that it stands in carries to the first one behind the run, and flips
    # all in between.
    return positions | ((ignored + (positions & ignored)) ^ ignored)


def _words(skeleton: str) -> list[str]:
    return "".join(char if is_letter_or_digit(char) else " " for char in skeleton).split()


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
