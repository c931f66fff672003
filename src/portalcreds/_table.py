"""Count, list and show the rows of a plan or a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

from ._value import Value

ROWS_SHOWN: Final = 20
"""Rows of a table in a notebook; the rest is counted."""

_KindT = TypeVar("_KindT", bound=StrEnum)
_KindT_co = TypeVar("_KindT_co", bound=StrEnum, covariant=True)
_RowT = TypeVar("_RowT", bound="Row[StrEnum]")


class Row(Protocol[_KindT_co]):
    """One contact's row."""

    @property
    def kind(self) -> _KindT_co:
        """What rows are counted by."""
        ...

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record with names, and never a password."""
        ...


class Table(Value, Generic[_RowT, _KindT]):
    """Rows to iterate over, to count, and to show in a notebook: in a table with names, in ``repr`` without (R24)."""

    __slots__ = ()

    items: tuple[_RowT, ...]

    def __iter__(self) -> Iterator[_RowT]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def count(self, kind: _KindT) -> int:
        """Return how many contacts are of this kind."""
        return sum(row.kind == kind for row in self.items)

    def to_records(self) -> list[dict[str, str | None]]:
        """Return the rows as plain records with names and user names and without passwords, such as for a DataFrame."""
        return [row.to_record() for row in self.items]

    def __repr__(self) -> str:
        counts: dict[str, int] = {kind.value: 0 for row in self.items[:1] for kind in type(row.kind)}
        for row in self.items:
            counts[row.kind.value] += 1
        told = ", ".join(f"{kind}: {count}" for kind, count in counts.items() if count) or "nothing"
        return f"<{type(self).__name__} of {len(self)} contacts ({told})>"

    def _repr_html_(self) -> str:
        """Return the first rows as a table for a notebook, with the names that the operator may see."""
        return records_as_html(self.to_records())


def records_as_html(records: Sequence[Mapping[str, str | None]]) -> str:
    """Return records as an HTML table of at most 20 rows, escaped; the rest is counted."""
    import html

    if not records:
        return "<p>nothing</p>"
    cells = [
        "<tr>" + "".join(f"<td>{html.escape(value or '')}</td>" for value in record.values()) + "</tr>"
        for record in records[:ROWS_SHOWN]
    ]
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in records[0])
    more = f"<p>… {len(records) - ROWS_SHOWN} more</p>" if len(records) > ROWS_SHOWN else ""
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(cells)}</tbody></table>{more}"
