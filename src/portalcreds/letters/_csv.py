"""Write letters as CSV that no spreadsheet runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .letter import Letter
from .style import LetterStyle

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet runs: OWASP's list, full-width signs included."""


def make_csv(letters: Iterable[Letter], style: LetterStyle) -> str:
    """Return a row for each contact who has a letter."""
    import csv
    import io

    text = io.StringIO(newline="")
    # All in quotes: blanks at the end of a password are a part of it.
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    heads = ("contact_id", "first_name", "last_name", "username", "password", "letter_code", "address", "works_until")
    writer.writerow((*heads, "defused"))
    for letter in letters:
        if letter.expires_at is not None:
            cells = (
                letter.contact_id,
                letter.first_name or "",
                letter.last_name or "",
                letter.username or "",
                "" if letter.password is None else letter.password.reveal(),
                "" if letter.code is None else letter.code.reveal(),
                style.address_for(letter.ticket),
                style.date_text(letter.expires_at),
            )
            defused = [head for head, cell in zip(heads, cells, strict=True) if cell.startswith(_FORMULAS)]
            shown = [f"'{cell}" if head in defused else cell for head, cell in zip(heads, cells, strict=True)]
            writer.writerow((*shown, " ".join(defused)))
    return text.getvalue()
