"""Take the first letter of a name as its owner sees it."""

from __future__ import annotations

import unicodedata
from typing import Final

from .._text import is_default_ignorable

MAX_GRAPHEME_LENGTH: Final = 32
"""Code points of one grapheme: UAX #15 section 13 has at most 30 non-starters in a row in stream-safe text."""

_ZWJ: Final = "\u200d"

_MARKS: Final = frozenset(("Mn", "Mc", "Me"))

# Extend their base without being marks: ZWNJ and ZWJ, the Thai and Lao AM, the half-width sound marks, the emoji
# modifiers (skin tones), and the tags (the flags of Scotland and Wales).
_OTHER_EXTENDERS: Final = frozenset(
    "\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
) | {chr(tag) for tag in range(0xE0020, 0xE0080)}

# Indic_Conjunct_Break=Linker as of Unicode 16.0, which joins consonants (UAX #29, rule GB9c): the viramas, stackers and
# coengs of Devanagari, Bengali, Gujarati, Oriya, Telugu, Malayalam, Myanmar, Khmer, Tai Tham, Balinese, Sundanese,
# Javanese, Meetei Mayek, Kharoshthi, Chakma, Tulu-Tigalari, Dives Akuru, Zanabazar Square, Soyombo and Kawi.
_CONJUNCT_LINKERS: Final = frozenset(
    "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2\u1a60\u1b44\u1bab\ua9c0\uaaf6"
    "\U00010a3f\U00011133\U000113d0\U0001193e\U00011a47\U00011a99\U00011f42"
)


def first_grapheme(text: str) -> str:
    """
    Return the first grapheme of *text*, code points untouched; it is longer than the maximum if it was cut there.

    An approximation of UAX #29's extended grapheme clusters, from the interpreter's own tables: combining marks of all
    kinds, joiners, variation selectors, emoji modifiers, tags and ZWJ sequences, pairs of regional indicators, Hangul
    syllables, and conjuncts of the Indic scripts and their relatives, such as Khmer. Unlike there, every spacing mark
    extends (also Myanmar's), every symbol counts as a pictograph, and prepended signs stand alone.

    Args:
        text: A name without control characters; not empty.
    """
    end = 1
    for char in text[1 : MAX_GRAPHEME_LENGTH + 1]:
        if char < "\u0300":
            break  # Nothing below the first combining mark extends anything; most names end here.
        if char not in _OTHER_EXTENDERS:
            category = unicodedata.category(char)
            if category not in _MARKS and not _joins(text, end, category):
                break
        end += 1
    return text[:end]


def is_extender(char: str) -> bool:
    """Return whether *char* belongs to the character before it, so that no grapheme begins with it."""
    return char >= "\u0300" and (unicodedata.category(char) in _MARKS or char in _OTHER_EXTENDERS)


def is_invisible(char: str) -> bool:
    """Return whether *char* is one that is not blank and yet shows nothing of its own."""
    return is_default_ignorable(char) or unicodedata.category(char) == "Cf"


def _joins(text: str, at: int, category: str) -> bool:
    char, before = text[at], text[at - 1]
    if category == "Lo":
        return _hangul_type(char) in _HANGUL_JOINS[_hangul_type(before)] or _follows_linker(text, at)
    if _is_regional_indicator(char):
        return at == 1 and _is_regional_indicator(before)
    return before == _ZWJ and _is_pictograph(char) and _is_pictograph(text[0])


def _follows_linker(text: str, at: int) -> bool:
    # Marks may stand around the linker, such as a nukta; a ZWNJ takes the consonants apart.
    while at > 1 and (text[at - 1] == _ZWJ or unicodedata.category(text[at - 1]) in ("Mn", "Mc")):
        at -= 1
        if text[at] in _CONJUNCT_LINKERS:
            return unicodedata.category(text[0]) == "Lo"
    return False


def _is_pictograph(char: str) -> bool:
    # "So" with some "Sm" arrows; unassigned ones too, because the emoji of the next Unicode are among them.
    return (
        char > "\u203b" and unicodedata.category(char) in ("So", "Sm", "Cn") and not _is_regional_indicator(char)
    ) or char in "\u00a9\u00ae\u203c\u2049\u3030\u303d"


def _is_regional_indicator(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


# What each Hangul syllable type joins with: UAX #29, rules GB6 to GB8. The empty type is everything else.
_HANGUL_JOINS: Final = {
    "": (),
    "L": ("L", "V", "LV", "LVT"),
    "V": ("V", "T"),
    "LV": ("V", "T"),
    "T": ("T",),
    "LVT": ("T",),
}


def _hangul_type(char: str) -> str:
    if "\uac00" <= char <= "\ud7a3":
        return "LVT" if (ord(char) - 0xAC00) % 28 else "LV"
    if "\u1100" <= char <= "\u115f" or "\ua960" <= char <= "\ua97c":
        return "L"
    if "\u1160" <= char <= "\u11a7" or "\ud7b0" <= char <= "\ud7c6":
        return "V"
    if "\u11a8" <= char <= "\u11ff" or "\ud7cb" <= char <= "\ud7fb":
        return "T"
    return ""
