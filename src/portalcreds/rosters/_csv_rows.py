"""Take the lines of a CSV file apart into rows, without ever letting a stray quotation mark swallow one."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from ..exceptions import InvalidValueError, UnreadableRosterError
from .reading import RosterReason

_DELIMITERS: Final = (",", ";", "\t", "|")

_MAX_LINES_OF_ROW: Final = 100
"""Lines that one quoted cell may span, such as an address; a mark that is closed further on was never meant to."""

_MAX_CELL: Final = 131_072
"""Characters of a cell; the csv module's own limit."""

_MAX_COLUMNS: Final = 1_000
"""Columns of a roster; a header line with more is no header line."""

_MAX_LINES_ABOVE: Final = 10
"""Lines among which the headers are looked for: some exports put a title above them."""

_SEPARATOR: Final = re.compile(r'"?sep=(.)"?[,;\t|]*')
"""The first line with which a file tells Excel what separates its cells."""

_NO_HEADERS: Final = "pass a file whose first line holds the headers, each well quoted"

_SEVERAL: Final = "the headers can be taken apart in several ways; pass delimiter= with what separates cells"

MAX_ROWS: Final = 2_000_000
"""Rows of a file, at most, unless the caller says otherwise: contacts are held in memory."""

Find = Callable[[Sequence[str], Sequence[str]], dict[str, int]]
"""Tells where in a header line each field's column is, given the row below as well; the identifier first."""


class Row(NamedTuple):
    """
    One row.

    Attributes:
        line: The line of the file that it begins on, from 1.
        cells: Its cells.
        reason: Why it cannot be taken, or None if it can.
    """

    line: int
    cells: list[str]
    reason: RosterReason | None = None


class Table(NamedTuple):
    """
    A CSV file.

    Attributes:
        headers: Its headers.
        indexes: Where each field's column is.
        rows: The rows below the headers that are not blank.
        delimiter: What separates its cells.
    """

    headers: list[str]
    indexes: dict[str, int]
    rows: Iterator[Row]
    delimiter: str

    def records(
        self, needed: Iterable[str], refuse: Callable[[int, RosterReason], None]
    ) -> Iterator[tuple[int, list[str], dict[str, str]]]:
        """
        Yield each row's line, its cells, and those by field.

        Args:
            needed: The fields without which a row is refused. Excel leaves empty cells out at the end of a row; of
                other fields such a row says nothing.
            refuse: Told of each row that has not the shape of the headers.
        """
        width = len(self.headers)
        least = 1 + max(self.indexes[field] for field in needed if field in self.indexes)
        for line, cells, reason in self.rows:
            if reason is not None:
                refuse(line, reason)
            elif len(cells) < least:
                refuse(line, RosterReason.TOO_FEW_CELLS)
            elif any(cells[width:]):
                refuse(line, RosterReason.TOO_MANY_CELLS)
            else:
                yield (
                    line,
                    cells,
                    {field: cells[index] for field, index in self.indexes.items() if index < len(cells)},
                )


def table_of(lines: Iterable[str], find: Find, *, delimiter: str | None = None, max_rows: int = MAX_ROWS) -> Table:
    """
    Find the headers within the first lines, and what separates cells.

    Raises:
        InvalidValueError: There are none, or they lack a column.
    """
    if delimiter is not None and not _separates(delimiter):
        raise InvalidValueError("delimiter", "pass the one character that separates cells, such as ';' or '\\t'")
    source = _Lines(lines)
    above = [(number, line) for number, line in source.peek(_MAX_LINES_ABOVE) if line.strip()]
    told = _SEPARATOR.fullmatch(above[0][1].strip()) if above else None
    delimiters: Sequence[str] = _DELIMITERS if told is None else (told[1],)
    if delimiter is not None:
        delimiters = (delimiter,)
    refused: InvalidValueError | None = None
    for number, line in above[0 if told is None else 1 :]:
        source.skip_to(number)
        firsts = [(each, _first_two(source.fork(), each)) for each in delimiters]
        fits: list[tuple[str, list[str], dict[str, int]]] = []
        # First the one that makes most cells: what it lacks is worth telling.
        for each, (row, below) in sorted(firsts, key=lambda pair: -_width(pair[1][0], line, pair[0])):
            if row is None or row.reason is not None:
                # Were the line taken apart otherwise, somebody's name might stand in the error as a header.
                refused = refused or UnreadableRosterError("source", _NO_HEADERS, "no_headers")
                continue
            if len(row.cells) > _MAX_COLUMNS:
                hint = f"pass a file with at most {_MAX_COLUMNS:,} columns"
                raise UnreadableRosterError("columns", hint, "too_many_columns", {"most": _MAX_COLUMNS})
            try:
                fits.append((each, row.cells, find(row.cells, below)))
            except InvalidValueError as error:
                refused = refused or error
        if sum(len(headers) > 1 for _, headers, _ in fits) > 1:
            raise UnreadableRosterError("delimiter", _SEVERAL, "doubtful_delimiter")
        if fits:
            found, headers, indexes = fits[0]
            rows = _rows(source, found, _suspicion(len(headers), indexes, found))
            next(rows)
            return Table(headers, indexes, _bounded(rows, max_rows), found)
    raise refused or UnreadableRosterError("source", _NO_HEADERS, "no_headers")


def _separates(delimiter: object) -> bool:
    return isinstance(delimiter, str) and len(delimiter) == 1 and delimiter not in '"\r\n\0'


def _bounded(rows: Iterator[Row], most: int) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if number > most:
            hint = f"the file has more than {most:,} rows; split it"
            raise UnreadableRosterError("source", hint, "too_many_rows", {"most": most})
        yield row


def _first_two(source: _Lines, delimiter: str) -> tuple[Row | None, list[str]]:
    rows = _rows(source, delimiter, lambda _: False)
    first, second = next(rows, None), next(rows, None)
    return first, [] if second is None else second.cells


def _width(row: Row | None, line: str, delimiter: str) -> int:
    return 0 if row is None else len(row.cells) if row.reason is None else 1 + line.count(delimiter)


class _Lines:
    """Numbered lines that can be looked at before they are taken."""

    def __init__(self, lines: Iterable[str], number: int = 1) -> None:
        self._lines = iter(lines)
        self._ahead: deque[str] = deque()
        self.number = number

    def peek(self, count: int) -> list[tuple[int, str]]:
        """Return up to *count* of the next lines, which stay."""
        self._ahead.extend(islice(self._lines, max(0, count - len(self._ahead))))
        return list(enumerate(islice(self._ahead, count), start=self.number))

    def get(self, at: int) -> str | None:
        """Return the line that is *at* lines ahead, or None beyond the last."""
        self._ahead.extend(islice(self._lines, max(0, at + 1 - len(self._ahead))))
        return self._ahead[at] if at < len(self._ahead) else None

    def drop(self, count: int) -> None:
        """Take the next *count* lines."""
        for _ in range(count):
            self._ahead.popleft()
        self.number += count

    def skip_to(self, number: int) -> None:
        """Take all lines before this one."""
        self.drop(number - self.number)

    def fork(self) -> _Lines:
        """Return lines of its own: those that were looked at, and a few more."""
        return _Lines([line for _, line in self.peek(_MAX_LINES_ABOVE + _MAX_LINES_OF_ROW)], self.number)


def _rows(lines: _Lines, delimiter: str, is_suspicious: Callable[[list[str]], bool]) -> Iterator[Row]:
    """Yield the rows that are not blank, each line that belongs to none as a row that cannot be taken."""
    while (line := lines.get(0)) is not None:
        number = lines.number
        if '"' not in line:
            lines.drop(1)
            split = line.split(delimiter)
            is_long = len(line) > _MAX_CELL and max(map(len, split)) > _MAX_CELL
            if any(map(str.strip, split)):
                yield Row(number, split, RosterReason.CELL_TOO_LONG if is_long else None)
            continue
        count = _lines_of_row(lines)
        cells: list[str] = []
        reason: RosterReason | None = RosterReason.OPEN_QUOTE
        if count:
            cells, reason = _parsed("\n".join([lines.get(at) or "" for at in range(count)]), delimiter)
        if reason is None and (count == 1 or not is_suspicious(cells)):
            lines.drop(count)
            if any(map(str.strip, cells)):
                yield Row(number, cells)
        else:
            # The lines after this one are rows of their own until they prove otherwise.
            lines.drop(1)
            yield Row(number, [], reason if count == 1 and reason else RosterReason.OPEN_QUOTE)


def _lines_of_row(lines: _Lines) -> int:
    """Return how many lines the next row spans, or 0 if its quotation mark is never closed."""
    marks = 0
    for at in range(_MAX_LINES_OF_ROW):
        line = lines.get(at)
        if line is None:
            return 0
        marks += line.count('"')
        if marks % 2 == 0:
            return at + 1
    return 0


def _parsed(text: str, delimiter: str) -> tuple[list[str], RosterReason | None]:
    """Return the cells of one row, or why it is none."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return [], RosterReason.CELL_TOO_LONG if len(text) > _MAX_CELL else RosterReason.STRAY_QUOTE
    return (rows[0], None) if len(rows) == 1 else ([], RosterReason.OPEN_QUOTE)


def _suspicion(width: int, indexes: dict[str, int], delimiter: str) -> Callable[[list[str]], bool]:
    """Return what tells whether a row over several lines has probably swallowed others."""
    used = frozenset(indexes.values())
    key = next(iter(indexes.values()))

    def is_suspicious(cells: list[str]) -> bool:
        if len(cells) != width or any("\n" in cells[at] for at in used):
            return True
        for at, cell in enumerate(cells):
            for number, piece in enumerate(cell.split("\n")[1:], start=2):
                parts = piece.split(delimiter)
                last = number == cell.count("\n") + 1
                columns = len(parts) + (width - 1 - at if last else 0)
                # A line of an address may have as many commas; what stands for the identifier then looks otherwise.
                if columns >= width and len(parts) > key and _shape(parts[key]) == _shape(cells[key]):
                    return True
        return False

    return is_suspicious


def _shape(identifier: str) -> tuple[bool, bool, bool]:
    return any(map(str.isdigit, identifier)), any(map(str.isalpha, identifier)), " " in identifier.strip()
