"""Make the QR code of an address; needs the extra ``letters``, which is the package segno."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from ..exceptions import MissingDependencyError

try:
    import segno
except ImportError:
    raise MissingDependencyError("letters") from None

_QUIET: Final = 4
"""Units of white around it: what ISO/IEC 18004 asks for."""


def draw_qr(text: str) -> tuple[int, str]:
    """Return how many units wide and high the code is, and what to draw: the ``d`` of an SVG path."""
    # Error correction M: 15 %, for a fold or a stain.
    rows = segno.make(text, micro=False, error="m").matrix
    drawn = []
    for y, row in enumerate(rows):
        x = 0
        for is_dark, run in groupby(row):
            width = len(list(run))
            if is_dark:
                drawn.append(f"M{x + _QUIET} {y + _QUIET}h{width}v1h-{width}z")
            x += width
    return len(rows) + 2 * _QUIET, "".join(drawn)
