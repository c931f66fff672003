"""Show values in a notebook, as records and as a table: what is said there is said here once (R24)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Generic, Protocol, TypeVar

from ._value import Value

ROWS_SHOWN: Final = 20
"""Rows of a table in a notebook; the rest is counted."""

_PROBLEMS: Final = frozenset({"failed", "undelivered", "cannot"})
"""What a decision, an action or an outcome is called where somebody has to do something."""

_RowT_co = TypeVar("_RowT_co", bound="ShownRow", covariant=True)
_KindT = TypeVar("_KindT", bound=StrEnum)
_KindT_co = TypeVar("_KindT_co", bound=StrEnum, covariant=True)
_RowT = TypeVar("_RowT", bound="Row[StrEnum]")
_Records = Sequence[Mapping[str, str | int | None]]


class Shown:
    """Is shown in a notebook: the counts, then a table that begins with the problems. ``repr`` has no names (R24)."""

    __slots__ = ()

    @property
    def _summary(self) -> str:
        """What is said above the table, without names; empty for nothing."""
        return ""

    def to_records(self) -> _Records:
        """Return plain records, such as for a DataFrame; never with a password or a hash."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """Return it for a notebook, with the names that the operator may see."""
        return said_as_html(self._summary) + records_as_html(self.to_records())


class Counted(Shown):
    """Shown in ``repr`` by its counts alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._summary}>"


class ShownRow(Shown):
    """One row, shown as a table of one."""

    __slots__ = ()

    def to_record(self) -> Mapping[str, str | int | None]:
        """Return it as a plain record; never with a password or a hash."""
        raise NotImplementedError

    def to_records(self) -> _Records:
        """Return it as a list of one record, such as for a DataFrame."""
        return [self.to_record()]


class Rows(Shown, tuple[_RowT_co, ...]):
    """A tuple whose items are rows of a table in a notebook."""

    __slots__ = ()

    @property
    def _summary(self) -> str:
        return f"{len(self)} in all"

    def to_records(self) -> _Records:
        """Return one plain record for each item, such as for a DataFrame; never with a password or a hash."""
        return [item.to_record() for item in self]


# Any: it serves attributes of any kind of rows.
def rows_of(items: Iterable[Any]) -> Rows[Any]:
    """Return the items as rows, as a converter of attrs."""
    return Rows(items)


class Row(Protocol[_KindT_co]):
    """One contact's row."""

    @property
    def kind(self) -> _KindT_co:
        """What rows are counted by."""
        ...

    @property
    def reason(self) -> StrEnum | None:
        """Why, if there is something to say."""
        ...

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record with names, and never a password."""
        ...


class Table(Counted, Value, Generic[_RowT, _KindT]):
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

    @property
    def reasons(self) -> dict[str, int]:
        """How many contacts each reason is given for, the commonest first."""
        return counted(row.reason.value for row in self.items if row.reason is not None)

    def to_records(self) -> list[dict[str, str | None]]:
        """Return the rows as plain records with names and user names and without passwords, such as for a DataFrame."""
        return [row.to_record() for row in self.items]

    @property
    def _summary(self) -> str:
        counts: dict[str, int] = {kind.value: 0 for row in self.items[:1] for kind in type(row.kind)}
        for row in self.items:
            counts[row.kind.value] += 1
        return summed_up(counts, self.reasons)


def counted(codes: Iterable[str]) -> dict[str, int]:
    """Return how often each of the codes is there, the commonest first."""
    return dict(Counter(sorted(codes)).most_common())


def summed_up(counts: Mapping[str, int], reasons: Mapping[str, int]) -> str:
    """Return in a few words how many contacts there are of each kind, and why."""
    listed = f"{told(counts)}; {told(reasons)}" if reasons else told(counts)
    return f"{how_many(sum(counts.values()), 'contact')} ({listed})"


def how_many(count: int, what: str) -> str:
    """Return a number of things, such as ``1 contact`` and ``2 contacts``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def told(counts: Mapping[str, int]) -> str:
    """Return the counts as a text, without those of which there are none."""
    return ", ".join(f"{name}: {count}" for name, count in counts.items() if count) or "nothing"


def said_as_html(text: str) -> str:
    """Return a text as a paragraph, escaped; an empty one as nothing."""
    import html

    return f"<p>{html.escape(text)}</p>" if text else ""


def records_as_html(records: _Records) -> str:
    """
    Return records as an HTML table of at most 20 rows, escaped, the problems first; the rest is counted.

    It sets no colour and no font, so that it looks like the notebook's own tables, on a dark page too.
    """
    import html

    if not records:
        return ""
    rows = [
        "".join(f"<td>{html.escape('' if each is None else str(each))}</td>" for each in record.values())
        for record in sorted(records, key=_rank)[:ROWS_SHOWN]
    ]
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in records[0])
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    more = len(records) - ROWS_SHOWN
    rest = f"<p>… {more} more; to_records() has them all</p>" if more > 0 else ""
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    # A wide one scrolls by itself, and not the page around it.
    return f'<div style="overflow-x: auto">{table}</div>{rest}'


def _rank(record: Mapping[str, str | int | None]) -> int:
    """Return the place of a row: what is wrong, what is left out, what to look at, and then all others."""
    if _PROBLEMS.intersection(filter(None, map(record.get, ("outcome", "decision", "action")))):
        return 0
    if record.get("reason") or record.get("fault"):
        return 1
    return 2 if record.get("warnings") or record.get("warning") else 3
