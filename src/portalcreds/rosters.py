"""Read contacts from a CSV file or from records, as a SIS exports them; what cannot be taken is told, row by row."""

from __future__ import annotations

import csv
import io
import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

import attrs

from .accounts import Account
from .contact_columns import KNOWN_HEADERS, ContactColumns, positions
from .contacts import MAX_CONTACT_TEXT, Contact, ContactId
from .exceptions import InvalidValueError

_DELIMITERS: Final = (",", ";", "\t")

_SIGNATURES: Final = {
    b"PK\x03\x04": ("source", "it is a workbook; save the sheet as CSV (UTF-8) and read that"),
    b"\xff\xfe": ("encoding", "the file is UTF-16; pass encoding='utf-16' or save it as CSV (UTF-8)"),
    b"\xfe\xff": ("encoding", "the file is UTF-16; pass encoding='utf-16' or save it as CSV (UTF-8)"),
}

_MAX_EXACT_FLOAT: Final = 2**53
"""From here on a float may stand for several whole numbers (IEEE 754 binary64)."""


@attrs.frozen(kw_only=True)
class RosterRefusal:
    """
    A row that was not taken, without anything that stands in it.

    Attributes:
        line: The line of the file that the row begins on, or the record's position; both from 1.
        field: The field at fault, such as ``last_name``, or ``row`` for the row as a whole.
        mend: What to do about it.
    """

    line: int
    field: str
    mend: str


@attrs.frozen(kw_only=True, repr=False)
class RosterReading:
    """
    What was read. The names are hidden from ``repr``, which counts only.

    Attributes:
        contacts: The contacts, in order, exactly as written.
        refusals: The rows that were not taken, in order.
        usernames: The user names by contact id, of those contacts that the roster has one for; what
            `AccountService.sync_contacts` takes.
        columns: The header that each field was found under; empty for a field without a column.
    """

    contacts: tuple[Contact, ...] = ()
    refusals: tuple[RosterRefusal, ...] = ()
    usernames: Mapping[ContactId, str] = attrs.field(factory=dict, hash=False)
    columns: ContactColumns = attrs.field(factory=ContactColumns)

    def __repr__(self) -> str:
        counts = len(self.contacts), len(self.refusals), len(self.usernames)
        return "RosterReading({} contacts, {} refusals, {} user names)".format(*counts)


def read_contacts_csv(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    *,
    columns: ContactColumns | None = None,
    encoding: str | None = None,
) -> RosterReading:
    """
    Read contacts from a CSV file with a header line, separated by commas, semicolons or tabs.

    Values are taken exactly as written: no blanks are trimmed, no case changes, ``NA`` and ``Null`` are names. An empty
    cell is None. Blank lines are skipped. A row that cannot be taken is refused by itself and the others go on, but for
    a quotation mark that is never closed: where that row ends cannot be told, so reading ends before it.

    Args:
        source: A path, or an open file, which is read to its end and stays open. Open text with ``newline=""``, or line
            breaks within quoted names are altered.
        columns: The headers of the columns that are not found by themselves.
        encoding: What the file is written in; None for UTF-8, with or without a byte order mark. No other is guessed,
            because a wrong guess alters names: pass ``"cp1252"`` for what older Excel on Windows saves as CSV.

    Returns:
        The contacts, and the rows that were refused.

    Raises:
        InvalidValueError: The file has no header line, or a column is missing or not to be told from another; it is a
            workbook; or it is not in the encoding given.
        OSError: The file cannot be read.
    """
    text = _text(source, encoding).removeprefix("\ufeff")
    refusals: list[RosterRefusal] = []
    rows = _rows(text, refusals)
    _, headers = next(rows, (0, []))
    # Were the header line refused as a row, the next line's names would stand in the message as headers.
    if refusals or not headers:
        raise InvalidValueError("source", "pass a file whose first line holds the headers, each well quoted")
    indexes = positions(headers, columns or ContactColumns())
    records = (
        (line, {field: cells[index] for field, index in indexes.items()})
        for line, cells in rows
        if _has_shape(cells, len(headers), line, refusals)
    )
    found = ContactColumns(**{field: headers[indexes[field]] if field in indexes else "" for field in KNOWN_HEADERS})
    return _reading(records, refusals, found)


def contacts_from_records(
    records: Iterable[Mapping[Any, Any]], *, columns: ContactColumns | None = None
) -> RosterReading:
    """
    Read contacts from mappings by header, such as ``frame.to_dict("records")`` gives them.

    None, NaN, ``pandas.NA``, an empty text and an absent key are missing. Identifiers and user names that are whole
    numbers become text, also as floats: ``1.0`` is ``"1"``, which is how pandas reads a column of numbers with gaps.
    It drops leading zeros as it does so; read the file with ``dtype=str``, or with `read_contacts_csv`, to keep them.

    Args:
        records: The mappings.
        columns: The keys that are not found by themselves.

    Returns:
        The contacts, and the records that were refused.

    Raises:
        InvalidValueError: A key is missing or not to be told from another, or a record is not a mapping.
    """
    rows = list(records)
    if not all(isinstance(row, Mapping) for row in rows):
        raise InvalidValueError("records", "pass mappings by header, such as frame.to_dict('records')")
    headers = list(dict.fromkeys(key for row in rows for key in row if isinstance(key, str)))
    if not rows:
        return RosterReading()
    indexes = positions(headers, columns or ContactColumns())
    found = {field: headers[index] for field, index in indexes.items()}
    values = (
        (line, {field: _plain(field, row.get(header)) for field, header in found.items()})
        for line, row in enumerate(rows, start=1)
    )
    return _reading(values, [], ContactColumns(**dict.fromkeys(KNOWN_HEADERS, "") | found))


def _reading(
    records: Iterable[tuple[int, Mapping[str, Any]]], refusals: list[RosterRefusal], columns: ContactColumns
) -> RosterReading:
    contacts: dict[ContactId, Contact] = {}
    lines: dict[ContactId, int] = {}
    usernames: dict[ContactId, str] = {}
    for line, record in records:
        values = {field: None if isinstance(value, str) and not value else value for field, value in record.items()}
        try:
            contact, username = _contact(values)
        except InvalidValueError as error:
            refusals.append(RosterRefusal(line=line, field=error.field, mend=error.mend))
            continue
        known = lines.setdefault(contact.contact_id, line)
        if known != line:
            mend = f"keep one row for each contact; the one that was taken is on line {known}"
            refusals.append(RosterRefusal(line=line, field="contact_id", mend=mend))
            continue
        contacts[contact.contact_id] = contact
        if username is not None:
            usernames[contact.contact_id] = username
    return RosterReading(
        contacts=tuple(contacts.values()), refusals=tuple(refusals), usernames=usernames, columns=columns
    )


def _contact(values: dict[str, Any]) -> tuple[Contact, str | None]:
    username = values.pop("username", None)
    if values["contact_id"] is None:
        raise InvalidValueError("contact_id", "give the contact an identifier in the SIS; names are not unique")
    contact = Contact(**values)
    # Whatever an account will refuse is better known before it is synced.
    return contact, Account(contact=contact, username=username).username


def _text(source: str | os.PathLike[str] | IO[str] | IO[bytes], encoding: str | None) -> str:
    text, fault = _decoded(source, encoding)
    # Not within a handler: a UnicodeDecodeError holds the whole file, and would be this error's context (R14).
    if fault is not None:
        raise InvalidValueError(*fault)
    return text


def _decoded(
    source: str | os.PathLike[str] | IO[str] | IO[bytes], encoding: str | None
) -> tuple[str, tuple[str, str] | None]:
    try:
        if isinstance(source, str) and ("\n" in source or "\r" in source):
            # Opened as a path it would stand in the error, with every name in it.
            return "", ("source", "wrap text in io.StringIO, or pass a path")
        if isinstance(source, (str, os.PathLike)):
            with open(source, "rb") as file:
                data: str | bytes = file.read()
        elif callable(getattr(source, "read", None)):
            data = source.read()
        else:
            return "", ("source", "pass a path or an open file")
        if isinstance(data, str):
            return data, None if encoding is None else ("encoding", "leave it out for a file opened as text")
        for signature, fault in _SIGNATURES.items():
            if encoding is None and data.startswith(signature):
                return "", fault
        # What does not decode spoils the cell it stands in and no other: as surrogates, which are refused there.
        return data.decode(encoding or "utf-8", "surrogateescape"), None
    except LookupError:
        return "", ("encoding", "pass the name of an encoding that Python knows, such as 'utf-8' or 'cp1252'")
    except UnicodeError:
        return "", ("encoding", "pass the encoding that the file was written in")


def _rows(text: str, refusals: list[RosterRefusal]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if reader.line_num != line:
                mend = "close the quotation mark that opens here and read the file again; nothing from here on was read"
                refusals.append(RosterRefusal(line=line, field="row", mend=mend))
                return
            mend = (
                f"double quotation marks within quoted cells, and keep cells under {csv.field_size_limit()} characters"
            )
            refusals.append(RosterRefusal(line=line, field="row", mend=mend))
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _delimiter(text: str) -> str:
    """Return what separates most cells of the header line; the first of those that tie."""

    def width(delimiter: str) -> int:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            return next((len(cells) for cells in reader if cells), 0)
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=width)


def _has_shape(cells: Sequence[str], width: int, line: int, refusals: list[RosterRefusal]) -> bool:
    if len(cells) >= width and not any(cells[width:]):
        return True
    what = "fewer" if len(cells) < width else "more"
    mend = f"the row has {what} cells than there are headers; quote cells that hold a separator or a line break"
    refusals.append(RosterRefusal(line=line, field="row", mend=mend))
    return False


# -- records


def _plain(field: str, value: object) -> object:
    """Return a record's value as a cell would hold it, or as it is if that is for `Contact` to refuse."""
    if isinstance(value, str):
        # Read through str, so that a subclass such as numpy's does not live on in a contact.
        return str.__str__(value)
    if value is None or _is_nan(value):
        return None
    if field not in ("contact_id", "username") or isinstance(value, bool):
        return value
    number, bound = _whole(value)
    return value if number is None or abs(number) >= bound else str(number)


def _whole(value: object) -> tuple[int | None, int]:
    """Return the whole number that a value is, or None, and the bound below which it is one and no other."""
    try:
        return operator.index(value), 10**MAX_CONTACT_TEXT  # type: ignore[arg-type]  # The TypeError is the question.
    except TypeError:
        is_integer = getattr(value, "is_integer", None)
        whole = callable(is_integer) and is_integer()
        return int(value) if whole else None, _MAX_EXACT_FLOAT  # type: ignore[call-overload]  # It says that it is one.


def _is_nan(value: object) -> bool:
    try:
        return bool(value != value)
    except TypeError:
        # pandas.NA: its comparisons are neither true nor false.
        return True
    except (ValueError, ArithmeticError):
        return False
