"""Find words in a text, whatever is written instead of their letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

# Those of a letter that look like others: digits and marks, i and l, and some of the Cyrillic alphabet.
_ONE_LOOK: Final = str.maketrans("4@3!1|l05$7аеорсхуі", "aaeiiiiosstaeopcxyi")


def one_look(text: str) -> str:
    """Return a skeleton with the characters that are written for one another made the same, each in its place."""
    return text.translate(_ONE_LOOK)


class Words:
    """
    Words to be found in skeletons.

    Attributes:
        worth: What each of them is worth, at most, in a password.
        code: Why they are predictable.
        longest: Characters of the longest.
        is_split: Whether they are also found with marks or blanks in them.
    """

    def __init__(self, words: Iterable[str], *, worth: int, code: str, is_split: bool = True) -> None:
        self.worth = worth
        self.code = code
        self.is_split = is_split
        self._words = frozenset(map(one_look, words))
        lengths: dict[str, set[int]] = {}
        for word in self._words:
            lengths.setdefault(word[:_STEM], set()).add(len(word))
        self.longest = max(map(len, self._words), default=0)
        self._lengths = {stem: tuple(each) for stem, each in lengths.items()}

    def __contains__(self, word: str) -> bool:
        return one_look(word) in self._words

    def ends(self, text: str, start: int) -> Iterator[int]:
        """Yield where the words that begin at *start* end in a text of one look."""
        for length in self._lengths.get(text[start : start + _STEM], ()):
            end = start + length
            if end <= len(text) and text[start:end] in self._words:
                yield end


_STEM: Final = 3
