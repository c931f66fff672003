"""Write the letters and slips that tell families how to sign in."""

from __future__ import annotations

from .._lazy import found_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .letter import Letter, LetterOutcome, LetterReason, Letters
    from .service import LetterService
    from .style import LetterStyle

__all__ = [
    "Letter",
    "LetterOutcome",
    "LetterReason",
    "LetterService",
    "LetterStyle",
    "Letters",
]

_HOMES = {
    ".letter": (
        "Letter",
        "LetterOutcome",
        "LetterReason",
        "Letters",
    ),
    ".service": ("LetterService",),
    ".style": ("LetterStyle",),
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = found_in(__name__, _HOMES)
