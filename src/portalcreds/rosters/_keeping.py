"""Choose the rows that are contacts, and insist on it where a column says that not all are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .._arguments import is_missing
from ..exceptions import InvalidValueError, UnreadableRosterError
from .columns import TELLING_HEADERS, folded, quoted

Keep = Callable[[Mapping[Any, Any]], bool] | Mapping[str, Iterable[Any] | None]
"""Which rows to take: a function of a row by header, or for columns the values whose rows are taken, None for any."""

_HINT = "pass a function of a row, or a mapping such as {'role': ['parent', 'guardian'], 'status': None}"


def keeper(
    headers: Sequence[str], used: Iterable[str], keep: Keep | None
) -> Callable[[Mapping[Any, Any]], bool] | None:
    """
    Return what tells whether a row is taken, or None if all are.

    Args:
        headers: The headers.
        used: Those under which a field was found.
        keep: What the caller says.

    Raises:
        InvalidValueError: A column says who is a contact or who has left, and the caller does not say what to do
            about it; or the caller names a column that is not there.
    """
    if isinstance(keep, type) or not (keep is None or callable(keep) or isinstance(keep, Mapping)):
        raise InvalidValueError("keep", _HINT)
    if callable(keep):
        return lambda row: bool(keep(row))
    wanted = {_header(headers, name): _values(values) for name, values in (keep or {}).items()}
    untold = [header for header in headers if folded(header) in TELLING_HEADERS and header not in {*used, *wanted}]
    if untold:
        columns = ", ".join(quoted(header) for header in dict.fromkeys(untold))
        raise UnreadableRosterError(
            "keep",
            f"the roster has {columns}, which may say who is no contact, or who has left; {_HINT}, where None takes "
            "any value. A users.csv of OneRoster is read by read_oneroster",
            "rows_not_chosen",
            {"columns": ", ".join(" ".join(header.split()) for header in dict.fromkeys(untold))},
        )
    told = {header: values for header, values in wanted.items() if values is not None}
    if not told:
        return None
    return lambda row: all(_plain(row.get(header)) in values for header, values in told.items())


def _header(headers: Sequence[str], name: object) -> str:
    if not isinstance(name, str):
        raise InvalidValueError("keep", _HINT)
    found = [header for header in headers if header == name] or [
        header for header in headers if folded(header) == folded(name)
    ]
    if len(found) != 1:
        what = "there twice" if found else "not there"
        hint = f"the column {quoted(name)} is {what}; name a header of the roster"
        reason = "doubtful_column" if found else "missing_column"
        raise UnreadableRosterError("keep", hint, reason, {"columns": name})
    return found[0]


def _values(values: object) -> frozenset[str] | None:
    if values is None:
        return None
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidValueError("keep", "pass several values for a column, also for one: {'role': ['parent']}")
    return frozenset(map(_plain, values))


def _plain(value: Any) -> str:
    """Return a value as it is compared: capitals and outer blanks do not count, and True is the text ``true``."""
    if is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().casefold()
