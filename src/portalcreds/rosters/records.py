"""Read contacts from records or from a table of pandas."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .._arguments import is_missing, several_in
from ..contacts import MAX_CONTACT_TEXT

if TYPE_CHECKING:
    from ._keeping import Keep
    from .columns import ContactColumns
    from .reading import RosterReading

_MAX_EXACT_FLOAT = 2**53
"""From here on a float may stand for several whole numbers (IEEE 754 binary64)."""

_HINT = "pass a DataFrame, or mappings by header, such as frame.to_dict('records')"


class DataFrame(Protocol):
    """What is read of a DataFrame of pandas."""

    @property
    def columns(self) -> Iterable[Any]:
        """Its headers."""
        ...

    def itertuples(self, index: bool = ..., name: None = ...) -> Iterable[tuple[Any, ...]]:
        """Return its rows."""
        ...


def contacts_from_records(
    records: Iterable[Mapping[Any, Any]] | DataFrame, *, columns: ContactColumns | None = None, keep: Keep | None = None
) -> RosterReading:
    """
    Read contacts from mappings by header, or straight from a DataFrame of pandas.

    None, NaN, NaT, ``pandas.NA`` and an empty text are missing values; a key that is absent says nothing about its
    field. Records without any value are skipped. Identifiers and user names that are whole numbers become text. So do
    floats: ``12345.0`` is ``"12345"``, because pandas reads a column of numbers with gaps so, and a warning says it
    once for each column. A float with a fraction, or so large that it may stand for several numbers, is refused.

    pandas drops leading zeros, and takes names such as ``NA`` and ``None`` for missing ones. Read the file with
    ``pandas.read_csv(path, dtype=str, keep_default_na=False)``, or with `read_contacts_csv`.

    Args:
        records: A DataFrame, whose index is not looked at; or the mappings.
        columns: The keys that are not found by themselves.
        keep: Which rows are contacts, as for `read_contacts_csv`; a function is called with a record. Needed if there
            is a key such as ``role`` or ``status``.

    Returns:
        The contacts, the records that were refused, and what to look at.

    Raises:
        UnreadableRosterError: A key is missing or there twice, or *keep* does not say what to do about one.
        InvalidValueError: A record is not a mapping.
    """
    # Here: importing the package needs none of them.
    from ._collecting import Collector
    from ._keeping import keeper
    from .columns import KNOWN_HEADERS, ContactColumns, positions
    from .reading import LeftOut, RosterReading, RosterReason

    headers, rows = _rows(records)
    if not rows:
        return RosterReading()
    below = [value if isinstance(value, str) else "0" if isinstance(value, int) else "" for value in rows[0].values()]
    indexes = positions(headers, ContactColumns() if columns is None else columns, below=below)
    found = {field: headers[index] for field, index in indexes.items()}
    is_kept = keeper(headers, found.values(), keep)
    collector = Collector()
    floats: set[str] = set()

    def kept() -> Iterator[tuple[int, dict[str, Any]]]:
        for line, row in enumerate(rows, start=1):
            record = {field: _plain(field, row[header]) for field, header in found.items() if header in row}
            if not any(map(_is_filled, record.values())):
                continue
            if is_kept is not None and not is_kept(row):
                collector.leave_out(LeftOut.NOT_KEPT)
                continue
            for field, value in record.items():
                if isinstance(value, str) and field not in floats and _is_float(row[found[field]]):
                    floats.add(field)
                    collector.warn(line, field, RosterReason.WAS_FLOAT)
            yield line, record

    collector.take_all(kept())
    return collector.reading(columns=ContactColumns(**dict.fromkeys(KNOWN_HEADERS, "") | found))


def _rows(records: Any) -> tuple[list[str], list[Mapping[Any, Any]]]:
    """Return the headers and the records, whatever holds them."""
    if callable(getattr(records, "itertuples", None)) and hasattr(records, "columns"):
        # pandas: column by column, so that whole numbers stay whole beside a column with gaps.
        names = list(records.columns)
        rows: list[Any] = [
            dict(zip(names, values, strict=True)) for values in records.itertuples(index=False, name=None)
        ]
    else:
        rows = list(several_in("records", records, _HINT, lambda row: isinstance(row, Mapping)))
        names = list(dict.fromkeys(key for row in rows for key in row))
    return [name for name in names if isinstance(name, str)], rows


def _is_filled(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _is_float(value: object) -> bool:
    return not isinstance(value, (str, int)) and not hasattr(value, "__index__") and hasattr(value, "is_integer")


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
