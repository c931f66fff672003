"""Bend valid texts a little, as broken exports, old browsers and attackers do."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

_ODD: Final = "\0\t\r\n\"'`,;|.:$%{}[]()\\/+-=_ \u00a0\u200b\u2028\ufeff\ud800\uffff٣３²é\u0301İßﬁ\U0001f468\u200d"
"""Characters at which readers stumble: separators, quotes, blanks, controls, digits of other scripts, a surrogate."""

_NUMBERS: Final = ("0", "-1", "+8_0", "00", "4294967296", "9" * 20, "1e9", "٣", "0x10")
"""What may stand for a number."""

odd_characters = st.sampled_from(_ODD) | st.characters(categories=None)
"""Any character, the odd ones more often."""


@st.composite
def bent(draw: st.DrawFn, valid: st.SearchStrategy[str], *, repeats: int = 2_000) -> str:
    """
    Return a valid text with up to three changes.

    Args:
        draw: Hypothesis's.
        valid: What may be bent.
        repeats: How often a piece may be repeated, so that some texts are far too long.
    """
    text = draw(valid)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 6)))
        change = draw(st.sampled_from(("replace", "insert", "remove", "repeat", "cut", "swap", "number")))
        if change == "replace":
            text = text[:start] + draw(st.text(odd_characters, min_size=1, max_size=4)) + text[end:]
        elif change == "insert":
            text = text[:start] + draw(odd_characters) + text[start:]
        elif change == "remove":
            text = text[:start] + text[end:]
        elif change == "repeat":
            text = text[:start] + text[start:end] * draw(st.integers(2, repeats)) + text[end:]
        elif change == "cut":
            text = text[:start]
        elif change == "swap":
            text = text[end:] + text[:start] + text[start:end]
        else:
            while end < len(text) and text[end].isdigit():
                end += 1
            text = text[:start] + draw(st.sampled_from(_NUMBERS)) + text[end:]
    return text
