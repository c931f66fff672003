"""
Read a password as a row of parts that can be predicted, and count what they are worth.

There is one rule. A part that can be predicted costs a guesser about the same however long it is: a run of twenty
letters, the second half of ``summersummer``, a word that many people use. So a part has a worth that does not depend on
its length. What is no part of anything has its own: one for a letter, less for a digit, little for a blank or mark
between them, and less for each where there are few different ones. A password can be read in many ways; the one that is
worth least counts, because a guesser finds it.

The parts are:

- what was said before, forwards or backwards;
- what goes on as it went before: by the same step along an alphabet, the digits or a keyboard, again and again
  (``abcd``, ``9876``, ``qwert``), or by the steps of a few characters ago (``qazwsxedc``, ``1a2b3c``);
- dates, years and telephone numbers;
- words: those of common passwords, of names and of the context, and rows such as ``onetwothree``.

Worth is counted in quarters of an unpredictable code point. The figures were chosen so that the two lists of passwords
in the tests lie far apart. They are a floor under the worst choices, not a measure of the best ones.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, NamedTuple

from ._calendar import date_end, telephone_number_end, year_end
from ._skeletons import is_letter_or_digit, plain, unit
from ._steps import STAY, known_steps
from ._words import Words, one_look

POINT: Final = 4
"""An unpredictable code point, in the quarters that worth is counted in."""

WORD: Final = 14
"""One of thousands."""

PLAIN_WORD: Final = 6
"""One that is tried first."""

_DIGIT: Final = 3
_MARK: Final = 2
_MARK_AGAIN: Final = 1
_STRETCH: Final = 6
_DATE: Final = 12
_YEAR: Final = 5
_TELEPHONE_NUMBER: Final = 15

_LONGEST_LAG: Final = 5
"""Characters between one and the one that it follows from; in ``1qaz2wsx`` there are four."""

_SHORTEST_COPY: Final = 3
_ROOM_FOR_SEVERAL: Final = 8
_LONGEST_DATE: Final = 32

# What groups the digits of dates and telephone numbers.
_IN_A_NUMBER: Final = re.compile(r"(?<=\d)[ ./()+-]+(?=\d)|[(+]+(?=\d)")


class Predicted(NamedTuple):
    """
    The parts of a password that can be predicted.

    Attributes:
        worth: What all of it is worth, in quarters of an unpredictable code point.
        codes: Why: of what kind the parts are.
    """

    worth: int
    codes: frozenset[str]


def predictable(skeleton: str, words: Sequence[Words], limit: int) -> Predicted | None:
    """
    Return the reading of a password that is worth least.

    Args:
        skeleton: The password without what makes no difference, such as case.
        words: What counts as a word.
        limit: What a password has to be worth, in quarters of an unpredictable code point.

    Returns:
        The reading, or None if there is none below *limit*.
    """
    most = _most_alone(skeleton)
    joined = _IN_A_NUMBER.sub("", skeleton)
    readings = [_Row(text, words, limit, most).read() for text in dict.fromkeys((skeleton, joined))]
    readings.append(_read_without_marks(joined, words, limit, most))
    return min((reading for reading in readings if reading is not None), default=None)


def _read_without_marks(skeleton: str, words: Sequence[Words], limit: int, most: int) -> Predicted | None:
    kept: list[str] = []
    marks, breaks = 0, set()
    for at, char in enumerate(skeleton):
        if is_letter_or_digit(char):
            kept.append(char)
        else:
            marks += _worth_alone(skeleton, at)
            breaks.add(len(kept))
            if marks >= limit:
                return None
    if len(kept) in (0, len(skeleton)):
        return None
    return _Row("".join(kept), words, limit, most, start=marks, breaks=breaks).read()


def _most_alone(skeleton: str) -> int:
    """Return what a character is worth at most: less where a text has few different ones, or is only said again."""
    most = POINT
    if len(skeleton) >= _ROOM_FOR_SEVERAL:
        distinct = len(set(skeleton))
        most = 1 if distinct < 5 else min(most, distinct - 2)
    core = plain(skeleton).strip("0123456789")
    is_repeated = len(unit(core)) < len(core)
    return min(most, POINT // 2) if is_repeated else most


def _worth_alone(text: str, at: int) -> int:
    """Return what a character is worth that is no part of anything."""
    char, before = text[at], text[at - 1 : at]
    if is_letter_or_digit(char):
        return _DIGIT if char.isdigit() else POINT
    stands_alone = not before or is_letter_or_digit(before)
    if char.isspace() and not stands_alone and before != char:
        return 0  # As behind a comma.
    if unicodedata.category(char) == "So" or not (stands_alone or before == char):
        return POINT  # An emoji, or beside another kind of mark: that is no punctuation.
    return _MARK_AGAIN if char in text[:at] else _MARK


class _Row:
    """
    The cheapest row of parts up to each position of a text.

    Two things make it quick. No row is gone on with that is worth the limit, so most passwords are done with soon. And
    within a stretch, such as a copy, nothing is looked for that ends in it.
    """

    def __init__(
        self, text: str, words: Sequence[Words], limit: int, most: int, *, start: int = 0, breaks: Collection[int] = ()
    ) -> None:
        self._text = text
        self._one_look = one_look(text)
        self._words = words
        self._most = most
        self._limit = limit
        self._breaks = frozenset(breaks)
        self._finders = _FINDERS if any(map(str.isdigit, text)) else ()
        self._longest = max(_LONGEST_DATE, *(some.longest for some in words))
        self._least = [start, *[limit] * len(text)]
        self._came: list[tuple[int, str]] = [(0, "")] * (len(text) + 1)
        self._reached = 0
        # By the worth of the row with it: the stretch that reaches furthest, where it began, and its code.
        self._stretches: dict[int, tuple[int, int, str]] = {}

    def read(self) -> Predicted | None:
        at, end = 0, len(self._text)
        while at < end:
            until = self._end_stretches(at)
            if at > self._reached:
                return None
            if until - at > self._longest:
                at = until - self._longest
                continue
            if self._least[at] < self._limit:
                self._add_parts(at, until)
                if at >= until:
                    self._add_stretches(at)
            at += 1
        self._end_stretches(end)
        return None if self._least[end] >= self._limit else Predicted(self._least[end], self._codes())

    def _end_stretches(self, end: int) -> int:
        """Let the stretches end here, where that is cheaper, and return how far the cheapest one could go on."""
        furthest = end
        for worth in sorted(self._stretches):
            until, at, code = self._stretches[worth]
            if until >= end and worth <= self._least[end]:
                self._least[end], self._came[end], furthest = worth, (at, code), until
        return furthest

    def _add_parts(self, at: int, until: int) -> None:
        text, here = self._text, self._least[at]
        if at >= until:
            worth = _worth_alone(text, at)
            self._add(at, at + 1, here + min(worth, self._most), "repetition" if worth > self._most else "")
        if until - at < _LONGEST_DATE:
            for find_end, worth, code in self._finders:
                self._add(at, find_end(text, at), here + worth, code)
        for words in self._words:
            worth = here + words.worth
            if at + words.longest <= until or worth >= self._limit:
                continue
            for end in words.ends(self._one_look, at):
                if worth < self._least[end] and end > until and (words.is_split or self._is_one_word(at, end)):
                    self._add(at, end, worth, words.code)

    def _add_stretches(self, at: int) -> None:
        worth = self._least[at] + _STRETCH
        if worth < self._limit:
            for until, code in _stretches(self._text, at):
                if until > self._stretches.get(worth, (at + 1,))[0]:
                    self._stretches[worth] = until, at, code
                    self._reached = max(self._reached, until)

    def _add(self, at: int, end: int, worth: int, code: str) -> None:
        if worth < self._least[end]:
            self._least[end] = worth
            self._came[end] = at, code
            self._reached = max(self._reached, end)

    def _codes(self) -> frozenset[str]:
        codes, at = set(), len(self._text)
        while at:
            at, code = self._came[at]
            codes.add(code)
        return frozenset(codes - {""})

    def _is_one_word(self, start: int, end: int) -> bool:
        # "black cat" is two words, unless it is all there is; "p a s s" is one, spelt.
        breaks = len(self._breaks.intersection(range(start + 1, end)))
        around = self._text[:start] + self._text[end:]
        return not breaks or breaks == end - start - 1 or not around.strip("0123456789")


_FINDERS: Final[tuple[tuple[Callable[[str, int], int], int, str], ...]] = (
    (date_end, _DATE, "date"),
    (year_end, _YEAR, "date"),
    (telephone_number_end, _TELEPHONE_NUMBER, "telephone_number"),
)


def _stretches(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Yield how far a text goes on from *start* in a way that can be predicted, and the code; it may end before."""
    yield _copied_until(text, start), "repetition"
    if start:
        yield _walk(text, start)
    for lag in range(2, _LONGEST_LAG + 1):
        if start >= 2 * lag:
            yield _walk_in_step(text, start, lag)


def _copied_until(text: str, start: int) -> int:
    """Return how far a text says again, forwards or backwards, what it said before."""
    backwards, end = text[::-1], len(text)

    def is_copied(until: int) -> bool:
        part = text[start:until]
        return text.find(part, 0, until - 1) >= 0 or backwards.find(part, end - start) >= 0

    # What is said again is so in each shorter part, too. Two characters are so by chance.
    until = bisect_left(range(start + 1, end + 1), True, key=lambda until: not is_copied(until)) + start
    return until if until - start >= _SHORTEST_COPY else start


def _walk(text: str, start: int) -> tuple[int, str]:
    """Return how far a text goes on by one step."""
    steps = known_steps()
    until, kept = start, 0
    on = steps.ways(text[start - 1], text[start]) & ~STAY
    while on:
        until, kept = until + 1, on
        on = on & steps.ways(text[until - 1], text[until]) if until < len(text) else 0
    return until, _code(kept)


def _walk_in_step(text: str, start: int, lag: int) -> tuple[int, str]:
    """Return how far each character follows from the one *lag* before it as that one did from the one before it."""
    steps = known_steps()
    until, met = start, 0
    while until < len(text):
        before, here = text[until - 2 * lag], text[until - lag]
        same = steps.ways(before, here) & steps.ways(here, text[until])
        if not same:
            break
        until, met = until + 1, met | same
    return until, _code(met & ~STAY)


def _code(ways: int) -> str:
    if not ways:
        return "repetition"
    return "sequence" if known_steps().is_line(ways) else "keyboard_walk"
