"""Read a text without case, width, diacritics and styles of digits, so that spellings of one thing are the same."""

from __future__ import annotations

import unicodedata
from typing import Final

# NFKD leaves these letters whole.
_WITHOUT_STROKE: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
)
# How the same letters are written where a keyboard lacks them: Müller is Muller to some and Mueller to others.
_SPELT_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

# Accents, the points of Hebrew and Arabic, and what shows nothing, such as the joiners of emoji.
# The vowel signs of other scripts are as good as letters.
_LEFT_OUT: Final = dict.fromkeys(
    code
    for first, last in (
        *((0x300, 0x36F), (0x483, 0x489), (0x591, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670)),
        *((0x6D6, 0x6ED), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F)),
        *((0xAD, 0xAD), (0x200B, 0x200F), (0x2060, 0x2060), (0xFEFF, 0xFEFF)),
    )
    for code in range(first, last + 1)
)


_LONGEST: Final = 512
"""Code points of a skeleton: normalizing can make one into eighteen, and what many of those say is known from a few."""


def skeletons(text: str) -> tuple[str, ...]:
    """Return what is left of a text without these: one form, or two where spellings differ."""
    if text.isascii():  # As most are; nothing but the case of it can change.
        return (text.lower(),)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())[:_LONGEST]
    return tuple(dict.fromkeys(_bare(spelling) for spelling in (folded, folded.translate(_SPELT_OUT))))


def _bare(folded: str) -> str:
    apart = unicodedata.normalize("NFKD", folded.translate(_WITHOUT_STROKE)).translate(_LEFT_OUT)
    # Composed again, so that a Hangul syllable is one letter and an initial.
    composed = unicodedata.normalize("NFC", apart)
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in composed)


def plain(skeleton: str) -> str:
    """Return the letters and digits of a skeleton."""
    return "".join(filter(is_letter_or_digit, skeleton))


def is_letter_or_digit(char: str) -> bool:
    """Return whether a character of a skeleton is one, or a vowel sign, which is as good as a letter."""
    return char.isalnum() or unicodedata.category(char)[0] == "M"


def unit(text: str) -> str:
    """Return the shortest text of which *text* is a repetition: up to where it first finds itself again."""
    return text[: (text + text).find(text, 1)]
