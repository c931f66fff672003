"""Tell what a text looks like that somebody has to type: marks for what is not seen, and a word on what looks alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from html import escape
from typing import Final

from .._text import canonical_password, is_default_ignorable
from ..secret import Secret
from ._texts import LetterText

_MOST: Final = 12
"""Characters that one hint lists; more are not told one by one."""

_LOOK_ALIKE: Final = {"0": "zero", "O": "capital_o", "1": "one", "l": "small_l", "I": "capital_i"}
"""What is taken for another character, and the sentence that tells it."""

_BLANK: Final = "\u2423"
"""Stands for the mark of a blank in a sentence, before it is put there: the open box."""

_UNSEEN: Final = "\u25cc"
"""The same for an invisible character: the dotted circle."""

_BLANK_MARK: Final = '<span class="blank"> </span>'
_UNSEEN_MARK: Final = '<span class="unseen">{}</span>'


def mark(secret: Secret) -> str:
    """Return a password as HTML, with marks for blanks and for what is not seen, in the form in which it is hashed."""
    return "".join(_marked(char) for char in canonical_password(secret.reveal()))


def hints_for_password(secret: Secret) -> Iterator[LetterText]:
    """Yield what helps to type a password, where case counts."""
    text = canonical_password(secret.reveal())
    capitals = [char for char in text if char.isupper() or char.istitle()]
    has_small = any(map(str.islower, text))
    if capitals and has_small:
        yield LetterText("capitals", len(capitals), letters=_listed(capitals))
    elif capitals:
        yield LetterText("capitals_only")
    elif has_small:
        yield LetterText("small_only")
    if " " in text:
        yield LetterText("blanks", text.count(" "), mark=_BLANK, count=text.count(" "))
    yield from hints_for_username(text)
    if "'" in text:
        yield LetterText("apostrophe")
    accented = [char for char in text if len(unicodedata.normalize("NFD", char)) > 1 and _is_latin_letter(char)]
    if accented:
        yield LetterText("accents", letters=_listed(accented))
    unusual = [char for char in text if _is_unusual(char)]
    if unusual:
        yield LetterText("unusual", characters=_listed(unusual))
    unseen = [f"U+{ord(char):04X}" for char in text if is_default_ignorable(char)]
    if unseen:
        yield LetterText("unseen", mark=_UNSEEN, characters=_listed(unseen))


def hints_for_username(text: str) -> Iterator[LetterText]:
    """Yield which characters of a user name look like others; its case does not count."""
    for char, key in _LOOK_ALIKE.items():
        if char in text:
            yield LetterText(key)


def with_marks(html: str) -> str:
    """Return a sentence with the marks put where it names them."""
    return html.replace(_BLANK, _BLANK_MARK).replace(_UNSEEN, _UNSEEN_MARK.format(""))


# Modifier letters that are taken for an apostrophe.
_LETTERS: Final = frozenset("ʹʻʼʽˈ")


def _marked(char: str) -> str:
    if char == " ":
        return _BLANK_MARK
    return _UNSEEN_MARK.format(escape(char)) if is_default_ignorable(char) else escape(char)


def _is_unusual(char: str) -> bool:
    # Curved apostrophes, dashes, symbols.
    return char in _LETTERS or (not char.isascii() and unicodedata.category(char)[0] in "PS")


def _is_latin_letter(char: str) -> bool:
    # Python has no table of scripts, but the names of letters begin with theirs.
    return unicodedata.name(char, "").startswith("LATIN ")


def _listed(characters: list[str]) -> str:
    told = list(dict.fromkeys(characters))
    return ", ".join([*told[:_MOST], *(["…"] if len(told) > _MOST else [])])
