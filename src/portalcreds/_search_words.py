"""Fold names and user names to the words that people are found by, and names to the key that they are sorted by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from ._text import is_default_ignorable

MAX_TYPED: Final = 255
"""Code points of what is typed into a search field; the rest is not looked at (R8)."""

MAX_TYPED_WORDS: Final = 8
"""Words of what is typed; more would find nobody else."""

MAX_WORD_LENGTH: Final = 48
"""Code points of a word. Longer ones are cut on both sides, so that they are found all the same."""

MAX_WORDS_LENGTH: Final = 240
"""Code points of all the words of an account, with a blank before each. What finds no room is not kept."""

MAX_NAME_KEY_LENGTH: Final = 80
"""Code points of the key by which names are sorted."""

_NOBODY: Final = "\x7f"
"""A word that nobody is found by: those that are kept have no controls."""

_APOSTROPHES: Final = dict.fromkeys(map(ord, "`´‘’‛ʹʻʼʽʾʿˈ′"), "'")
"""Signs that stand for an apostrophe. Some would be taken apart into a blank and a mark."""

_LETTERS: Final = {
    **dict(zip("łøđıðħŧŋĸə", "lodidhtnke", strict=True)),
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ß": "ss",
    "\u0640": "",
}
"""Letters that no normal form takes apart, and the Arabic stroke that only makes a word longer."""

_SEPARATORS: Final = frozenset(',;/()[]{}<>"|')

_SIGN: Final = r"!-/:-@\[-`{-~"
_PART: Final = re.compile(f"(?<=[{_SIGN}])[^{_SIGN}]|(?<=-)[^-]")
"""Where each part of a word but the first begins: at a letter after a sign, and after a hyphen at whatever follows."""


def typed_words(text: str) -> tuple[str, ...]:
    """
    Return the words that were typed, each of which must begin one of an account's `search_words`.

    Words that say nothing more, because another begins with them, are left out. Of blanks there are none; text such as
    ``...`` that no word is left of finds nobody, and not everybody.
    """
    words = list(filter(None, (word.rstrip(".")[:MAX_WORD_LENGTH] for word in _split(text))))
    if not words and text.strip():
        return (_NOBODY,)
    return _without_beginnings(words[:MAX_TYPED_WORDS])


def search_words(texts: Iterable[str | None]) -> tuple[str, ...]:
    """
    Return the words by which an account is found.

    A word is kept from each of its parts on, so that the beginning of any part finds it: D’Angelo is ``dangelo`` and
    ``angelo``, and rosa.m@example.org is that, ``m@example.org`` and ``example.org``.

    Args:
        texts: Names, user name and address; what comes first has the first claim to the room there is.
    """
    kept: dict[str, None] = {}
    room = MAX_WORDS_LENGTH
    for text in texts:
        for chunk in fold(text or "").split():
            for start in _find_parts(chunk):
                word = chunk[start:].replace("'", "").replace("-", "")[:MAX_WORD_LENGTH]
                if word and word not in kept and len(word) < room:
                    kept[word] = None
                    room -= len(word) + 1
    return _without_beginnings(kept)


def name_key(last_name: str | None, first_name: str | None) -> str:
    """Return the key that sorts people by last name and then by first name, as a person would: Łoś under L."""
    # A tab sorts before all that a folded name has, so that every Garcia comes before the first Garcia Lopez.
    return "\t".join(" ".join(_split(name or "")) for name in (last_name, first_name))[:MAX_NAME_KEY_LENGTH]


def fold(text: str) -> str:
    """
    Return *text* without case, accents, width and invisible characters, and with one form of each sign.

    An apostrophe of any kind is ``'``, a hyphen or dash of any kind ``-``, and blanks, commas, brackets and quotation
    marks are a blank. Nothing is refused: characters that are not allowed are left out, and what is too long is cut.
    """
    text = text[:MAX_TYPED]
    if text.isascii():
        return text.translate(_ASCII)
    # Casefolding can undo a normal form and the other way round.
    folded = _fold_once(text)
    while folded != text:
        text, folded = folded, _fold_once(folded)
    return folded


def _fold_once(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    return "".join(map(_fold_char, unicodedata.normalize("NFKD", decomposed)))


@lru_cache(4096)
def _fold_char(char: str) -> str:
    if char in _LETTERS:
        return _LETTERS[char]
    category = unicodedata.category(char)
    if char.isspace() or char in _SEPARATORS or category in ("Zs", "Zl", "Zp", "Ps", "Pe", "Pi", "Pf"):
        return " "
    if category == "Pd":
        return "-"
    # Some marks are letters of their own: those of Indic vowels and nuktas, and of voiced kana.
    if category in ("Cc", "Cs") or is_default_ignorable(char) or unicodedata.combining(char) not in (0, 7, 8, 9):
        return ""
    return char


_ASCII: Final = {code: "'" if chr(code) == "`" else _fold_char(chr(code).lower()) for code in range(128)}


def _split(text: str) -> list[str]:
    return fold(text).replace("'", "").replace("-", " ").split()


def _find_parts(chunk: str) -> Iterator[int]:
    """Yield where the parts of a word begin; a domain is one part, but for hyphens, which split what is typed."""
    yield 0
    if chunk.isalnum():
        return
    domain = chunk.find("@")
    for found in _PART.finditer(chunk):
        start = found.start()
        if domain in (-1, start - 1) or start < domain or chunk[start - 1] == "-":
            yield start


def _without_beginnings(words: Iterable[str]) -> tuple[str, ...]:
    # In order, whatever begins with a word comes right after it.
    ordered = sorted(set(words))
    following = [*ordered[1:], ""]
    return tuple(
        word for word, after in zip(ordered, following[: len(ordered)], strict=True) if not after.startswith(word)
    )
