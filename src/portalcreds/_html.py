"""Show records in a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Final

ROWS_SHOWN: Final = 20
"""Rows of a table in a notebook; the rest is counted."""


def records_as_html(records: Sequence[Mapping[str, str | None]]) -> str:
    """Return records as an HTML table of at most 20 rows, escaped."""
    if not records:
        return "<p>nothing</p>"
    cells = [
        "<tr>" + "".join(f"<td>{html.escape(value or '')}</td>" for value in record.values()) + "</tr>"
        for record in records[:ROWS_SHOWN]
    ]
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in records[0])
    more = f"<p>… {len(records) - ROWS_SHOWN} more</p>" if len(records) > ROWS_SHOWN else ""
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(cells)}</tbody></table>{more}"
