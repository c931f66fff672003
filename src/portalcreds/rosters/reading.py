"""Read contacts from a CSV file or from records, as a SIS exports them; what cannot be taken is told, row by row."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from .._arguments import is_missing
from ..accounts import Account
from ..contacts import MAX_CONTACT_TEXT, Contact, ContactId
from ..exceptions import InvalidValueError
from ..texts import Message, text_of
from .columns import KNOWN_HEADERS, ContactColumns, positions

if TYPE_CHECKING:
    from ._csv_rows import Row

_MAX_EXACT_FLOAT: Final = 2**53
"""From here on a float may stand for several whole numbers (IEEE 754 binary64)."""


class RosterRefusal(NamedTuple):
    """
    A row that was not taken, without anything that stands in it.

    Attributes:
        line: The line of the file that the row begins on, or the record's position; both from 1.
        field: The field at fault, such as ``last_name``, or ``row`` for the row as a whole.
        hint: What to do about it.
    """

    line: int
    field: str
    hint: str

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says to whoever keeps the roster. The hint is in English, unless a translation has its words."""
        hint = Message(f"{type(self).__name__}.hint", english=self.hint)
        return (Message(type(self).__name__, {**self._asdict(), "hint": hint}),)

    @property
    def text(self) -> str:
        """What it says in English."""
        return text_of(self)


class RosterWarning(NamedTuple):
    """
    A row that was taken, and should be looked at; without anything that stands in it.

    Attributes:
        line: The line of the file that the row begins on, or the record's position; both from 1.
        field: The field that it is about, such as ``contact_id``.
        hint: What was repaired, or what is probably wrong.
    """

    line: int
    field: str
    hint: str

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says to whoever keeps the roster. The hint is in English, unless a translation has its words."""
        hint = Message(f"{type(self).__name__}.hint", english=self.hint)
        return (Message(type(self).__name__, {**self._asdict(), "hint": hint}),)

    @property
    def text(self) -> str:
        """What it says in English."""
        return text_of(self)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RosterReading:
    """
    What was read. The names are hidden from ``repr``, which only counts.

    Attributes:
        contacts: The contacts, in order, exactly as written. Each knows the fields that the roster has no column for,
            so that a sync keeps what the account has there.
        refusals: The rows that were not taken, in order.
        warnings: What to look at before a sync: repaired identifiers and names that look damaged, in order.
        usernames: The user names by contact id, of the contacts who have one in the roster; pass them to
            `AccountService.sync_contacts`.
        columns: The header that each field was found under; empty for a field without a column.
    """

    contacts: tuple[Contact, ...] = ()
    refusals: tuple[RosterRefusal, ...] = ()
    warnings: tuple[RosterWarning, ...] = ()
    usernames: Mapping[ContactId, str] = attrs.field(factory=dict)
    columns: ContactColumns = attrs.field(factory=ContactColumns)

    def __repr__(self) -> str:
        counts = len(self.contacts), len(self.refusals), len(self.warnings), len(self.usernames)
        return "RosterReading({} contacts, {} refusals, {} warnings, {} user names)".format(*counts)


def read_contacts_csv(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    *,
    columns: ContactColumns | None = None,
    encoding: str | None = None,
) -> RosterReading:
    """
    Read contacts from a CSV file with a header line, separated by commas, semicolons, tabs or ``|``.

    Values are taken exactly as written: no blanks are trimmed, no case changes, ``NA`` and ``Null`` are names. An empty
    cell is None. Blank lines, a title above the headers and Excel's ``sep=;`` are skipped. A row that cannot be taken
    is refused, with its line, and the others are read; so is each row in which a quotation mark is left open, and each
    name with a line break.

    Args:
        source: A path, or an open file, which is read to its end and stays open.
        columns: The headers of the columns that are not found by themselves.
        encoding: What the file is written in; None for UTF-8, with or without a byte order mark. Nothing else is
            guessed, because a wrong guess changes names: pass ``"cp1252"`` for plain CSV from Excel on Windows.

    Returns:
        The contacts, the rows that were refused, and what to look at.

    Raises:
        InvalidValueError: The file as a whole cannot be read: it has no header line, or a column is missing or there
            twice; it is a workbook; it is not in the encoding given; or a line is longer than 1,000,000 characters.
        OSError: The file cannot be read.
    """
    # Here: importing the package needs neither.
    from ._csv_rows import table_of
    from ._lines import lines_of

    table = table_of(lines_of(source, encoding), columns or ContactColumns())
    refusals: list[RosterRefusal] = []
    width, indexes = len(table.headers), table.indexes
    found = ContactColumns(**{f: table.headers[indexes[f]] if f in indexes else "" for f in KNOWN_HEADERS})
    return _reading(_cells(table.rows, width, indexes, refusals), refusals, found)


def contacts_from_records(
    records: Iterable[Mapping[Any, Any]], *, columns: ContactColumns | None = None
) -> RosterReading:
    """
    Read contacts from mappings by header, such as ``frame.to_dict("records")``.

    None, NaN, ``pandas.NA`` and an empty text are missing values; a key that is absent says nothing about its field.
    Records without any value are skipped. Identifiers and user names that are whole numbers become text, also as
    floats: ``1.0`` is ``"1"``, which is how pandas reads a column of numbers with gaps.

    pandas drops leading zeros, and takes names such as ``NA`` and ``None`` for missing ones. Read the file with
    ``pandas.read_csv(path, dtype=str, keep_default_na=False)``, or with `read_contacts_csv`.

    Args:
        records: The mappings.
        columns: The keys that are not found by themselves.

    Returns:
        The contacts, the records that were refused, and what to look at.

    Raises:
        InvalidValueError: A key is missing or there twice, or a record is not a mapping.
    """
    hint = "pass mappings by header, such as frame.to_dict('records')"
    if isinstance(records, (str, bytes, Mapping)) or not isinstance(records, Iterable):
        raise InvalidValueError("records", hint)
    rows = list(records)
    if not all(isinstance(row, Mapping) for row in rows):
        raise InvalidValueError("records", hint)
    headers = list(dict.fromkeys(key for row in rows for key in row if isinstance(key, str)))
    if not rows:
        return RosterReading()
    below = [value if isinstance(value, str) else "0" if isinstance(value, int) else "" for value in rows[0].values()]
    indexes = positions(headers, columns or ContactColumns(), below=below)
    found = {field: headers[index] for field, index in indexes.items()}
    values = (
        (line, {field: _plain(field, row[header]) for field, header in found.items() if header in row})
        for line, row in enumerate(rows, start=1)
    )
    filled = ((line, record) for line, record in values if any(map(_is_filled, record.values())))
    return _reading(filled, [], ContactColumns(**dict.fromkeys(KNOWN_HEADERS, "") | found))


def _is_filled(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _cells(
    rows: Iterable[Row], width: int, indexes: Mapping[str, int], refusals: list[RosterRefusal]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row's cells by field; a row that has not the shape of the headers is refused."""
    needed = 1 + max(indexes[field] for field in _NEEDED if field in indexes)
    for line, cells, hint in rows:
        if hint is None and (len(cells) < needed or any(cells[width:])):
            what = "fewer" if len(cells) < needed else "more"
            hint = f"the row has {what} cells than there are headers; quote cells that hold a separator or a line break"
        if hint is not None:
            refusals.append(RosterRefusal(line=line, field="row", hint=hint))
        else:
            # Excel leaves cells out at the end of a row; of those the row says nothing.
            yield line, {field: cells[index] for field, index in indexes.items() if index < len(cells)}


_NEEDED: Final = ("contact_id", "first_name", "last_name")
_FIELDS: Final = ("first_name", "last_name", "email")


def _reading(
    records: Iterable[tuple[int, Mapping[str, Any]]], refusals: list[RosterRefusal], columns: ContactColumns
) -> RosterReading:
    from ._repairs import repaired  # Here: importing the package does not need it.

    contacts: dict[ContactId, Contact] = {}
    lines: dict[ContactId, int] = {}
    usernames: dict[ContactId, str] = {}
    warnings: list[RosterWarning] = []
    for line, record in records:
        try:
            values, notes = repaired(record)
            contact, username = _contact(values)
        except InvalidValueError as error:
            refusals.append(RosterRefusal(line=line, field=error.field, hint=error.hint))
            continue
        contact_id = contact.contact_id
        known = lines.setdefault(contact_id, line)
        if known == line:
            contacts[contact_id] = contact
            if username is not None:
                usernames[contact_id] = username
            warnings.extend(RosterWarning(line, field, hint) for field, hint in notes)
        # The same row once more, such as for each child of a family, is the same contact.
        elif contacts[contact_id] != contact or usernames.get(contact_id) != username:
            hint = f"keep one row for each contact; the one that was taken is on line {known}"
            refusals.append(RosterRefusal(line=line, field="contact_id", hint=hint))
    refusals.sort(key=operator.attrgetter("line"))
    return RosterReading(
        contacts=tuple(contacts.values()),
        refusals=tuple(refusals),
        warnings=tuple(warnings),
        usernames=usernames,
        columns=columns,
    )


def _contact(values: dict[str, Any]) -> tuple[Contact, str | None]:
    username = values.pop("username", None)
    if values.get("contact_id") is None:
        raise InvalidValueError("contact_id", "give the contact an identifier in the SIS; names are not unique")
    unknown = frozenset(field for field in _FIELDS if field not in values)
    contact = Contact(**values, unknown=unknown)
    if username is None:
        return contact, None
    # Whatever an account will refuse is better known before it is synced.
    return contact, Account(contact=contact, username=username).username


# -- records


def _plain(field: str, value: object) -> object:
    """Return a record's value as a cell would hold it, or as it is if that is for `Contact` to refuse."""
    if isinstance(value, str):
        # Read through str, so that a subclass such as numpy's does not live on in a contact.
        return str.__str__(value)
    if is_missing(value):
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
        integral = getattr(value, "to_integral_value", None)
        if callable(integral):
            return _whole_decimal(value), 10**MAX_CONTACT_TEXT
        is_integer = getattr(value, "is_integer", None)
        whole = callable(is_integer) and is_integer()
        return int(value) if whole else None, _MAX_EXACT_FLOAT  # type: ignore[call-overload]  # It says that it is one.


def _whole_decimal(value: Any) -> int | None:
    try:
        # It is exact, but its text could have any length.
        return int(value) if value == value.to_integral_value() and abs(value) < 10**MAX_CONTACT_TEXT else None
    except ArithmeticError:
        return None
