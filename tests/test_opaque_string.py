"""The canonical form of a password, beside another implementation of the standard that it comes from (R18)."""

from __future__ import annotations

import random
import sys
import unicodedata
from typing import Final

from precis_i18n import get_profile

from portalcreds._text import TextFaultError, canonical_password

PASSWORDS: Final = 20_000
OPAQUE_STRING: Final = get_profile("OpaqueString")


def _theirs(text: str) -> str | None:
    try:
        return OPAQUE_STRING.enforce(text)
    except UnicodeEncodeError:
        return None


def _ours(text: str) -> str | None:
    try:
        return canonical_password(text)
    except TextFaultError:
        return None


def test_what_opaque_string_takes_has_the_same_form_here() -> None:
    """Of so many texts each that RFC 8265 takes has its very form, and what it refuses besides are no controls."""
    draw = random.Random(8265)  # noqa: S311  The same texts each time.
    letters = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char)[0] in "LMNPSZ"]
    others = [char for char in map(chr, range(0x3000)) if unicodedata.category(char)[0] == "C"]
    taken = refused = 0
    for _ in range(PASSWORDS):
        text = "".join(draw.choices(letters, k=draw.randrange(1, 4)))
        if draw.random() < 0.1:
            text += draw.choice(others)
        theirs, ours = _theirs(text), _ours(text)
        if theirs is not None:
            taken += 1
            assert ours == theirs
        elif ours is not None:
            refused += 1
            # Joiners, private use and the unassigned are passwords here, and so are old Hangul and the like.
            assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in text)
            assert ours == unicodedata.normalize("NFC", "".join(map(_space, text)))
    assert taken > PASSWORDS / 2
    assert refused > 0


def _space(char: str) -> str:
    return " " if unicodedata.category(char) == "Zs" else char
