"""Read contacts from a CSV file, as a SIS exports them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import zip_longest
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._keeping import Keep
    from .columns import ContactColumns
    from .reading import RosterReading, RosterReason


def read_contacts_csv(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    *,
    columns: ContactColumns | None = None,
    keep: Keep | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> RosterReading:
    """
    Read contacts from a CSV file with a header line, separated by commas, semicolons, tabs or ``|``.

    Values are taken exactly as written: no blanks are trimmed, no case changes, ``NA`` and ``Null`` are names. An empty
    cell is None. Blank lines, a title above the headers and Excel's ``sep=;`` are skipped. A row that cannot be taken
    is refused, with its line, and the others are read; so is each row in which a quotation mark is left open, and each
    name with a line break.

    A file with a column such as ``role`` or ``status`` (see `TELLING_HEADERS`) is not taken whole in silence: students
    and people who have left would get accounts. Say with *keep* which rows are contacts.

    Args:
        source: A path, or an open file, which is read to its end and stays open.
        columns: The headers of the columns that are not found by themselves.
        keep: Which rows are contacts: a function of a row, which is a mapping of its cells by header; or for columns
            the values of which one must be there, such as ``{"role": ["parent"], "status": ["active", ""]}``. Capitals
            and outer blanks do not count; None for a column means that it may hold anything.
        delimiter: The one character that separates cells; None to find it by the headers.
        encoding: What the file is written in; None for UTF-8, with or without a byte order mark, or UTF-16 with one.
            Nothing else is guessed, because a wrong guess changes names: pass ``"cp1252"`` for plain CSV from Excel
            on Windows.

    Returns:
        The contacts, the rows that were refused, and what to look at.

    Raises:
        UnreadableRosterError: The file as a whole cannot be read: it has no header line, or a column is missing or
            there twice, or *keep* does not say what to do about one; it is a workbook; it is not in the encoding given;
            what separates its cells is in doubt; a line is longer than 1,000,000 characters, or it has more than
            2,000,000 rows.
        InvalidValueError: An argument is not what it should be.
        OSError: The file cannot be read.
    """
    # Here: importing the package needs none of them.
    from ._collecting import Collector
    from ._csv_rows import table_of
    from ._keeping import keeper
    from ._lines import RosterLines
    from .columns import KNOWN_HEADERS, REQUIRED, ContactColumns, positions
    from .reading import LeftOut

    wanted = ContactColumns() if columns is None else columns
    lines = RosterLines(source, encoding)
    table = table_of(lines, lambda headers, below: positions(headers, wanted, below=below), delimiter=delimiter)
    found = {field: table.headers[index] for field, index in table.indexes.items()}
    is_kept = keeper(table.headers, found.values(), keep)
    collector, width = Collector(), len(table.headers)

    def refuse(line: int, reason: RosterReason) -> None:
        collector.refuse(line, "row", reason)

    def kept() -> Iterator[tuple[int, dict[str, Any]]]:
        for line, cells, record in table.records(REQUIRED, refuse):
            # Cells that Excel left out at the end of a row were empty.
            if is_kept is None or is_kept(dict(zip_longest(table.headers, cells[:width], fillvalue=""))):
                yield line, record
            else:
                collector.leave_out(LeftOut.NOT_KEPT)

    collector.take_all(kept())
    return collector.reading(
        columns=ContactColumns(**dict.fromkeys(KNOWN_HEADERS, "") | found),
        delimiter=table.delimiter,
        encoding=lines.encoding,
    )
