"""Write the letters and slips that tell families how to sign in."""

from __future__ import annotations

from .._lazy import found_in, names_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .letter import Letter as Letter
    from .letter import LetterOutcome as LetterOutcome
    from .letter import LetterReason as LetterReason
    from .letter import Letters as Letters
    from .service import LetterService as LetterService
    from .style import LetterStyle as LetterStyle

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
    __all__ = names_in(_HOMES)
