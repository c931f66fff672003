"""Read the rows of an old table of accounts: whose they are, and the hash as it is in the old column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from .._arguments import is_missing, items_in
from ..accounts import PasswordHash
from ..contacts import ContactId
from ..exceptions import InvalidValueError
from .imports import ImportReason

_HINT: Final = (
    "pass pairs of contact id and hash, or mappings or records with password_hash and with contact_id or username"
)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ReadRow:
    """
    One row as read.

    Attributes:
        row: Its number, from 1.
        contact_id: The contact's id, or None.
        username: The user name, or None.
        password_hash: The hash, or None.
        fault: Why there is no hash, or no owner; None if there are both.
    """

    row: int
    contact_id: ContactId | None
    username: str | None
    password_hash: PasswordHash | None
    fault: ImportReason | None


def read_rows(rows: Iterable[Any]) -> Iterator[ReadRow]:
    """
    Yield the rows; what stands in a cell is one row's fault, what is no row at all is raised.

    Raises:
        InvalidValueError: A value is no row.
    """
    numbered = enumerate(items_in("rows", rows, _HINT), 1)
    # The frames of an error show no hash (R14).
    del rows
    for number, row in numbered:
        cells = _cells(row)
        del row
        if cells is None:
            raise InvalidValueError("rows", _HINT)
        contact_id, username, stored = cells
        owner, username = _identifier(contact_id), _identifier(username)
        password_hash, fault = _hash(stored)
        if owner is None and username is None:
            fault = ImportReason.OWNER_MISSING
        yield ReadRow(
            row=number,
            contact_id=None if owner is None else ContactId(owner),
            username=username,
            password_hash=password_hash,
            fault=fault,
        )


def _cells(row: Any) -> tuple[object, object, object] | None:
    if callable(getattr(row, "keys", None)):
        # By name: a mapping, or a driver's row such as sqlite3.Row, which is a sequence of its values besides.
        names = set(row.keys())
        if "password_hash" in names and names & {"contact_id", "username"}:
            contact_id, username = (row[each] if each in names else None for each in ("contact_id", "username"))
            return contact_id, username, row["password_hash"]
    elif hasattr(row, "password_hash") and (hasattr(row, "contact_id") or hasattr(row, "username")):
        return getattr(row, "contact_id", None), getattr(row, "username", None), row.password_hash
    elif isinstance(row, Iterable) and not isinstance(row, (str, bytes)):
        cells = list(row)
        if len(cells) == 2:
            return cells[0], None, cells[1]
    return None


def _identifier(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _hash(value: Any) -> tuple[PasswordHash | None, ImportReason | None]:
    # By attribute, because a PasswordHash of another vendored copy is one too; `digest_hash` makes some.
    encoded = getattr(value, "encoded", value)
    if is_missing(encoded):
        return None, ImportReason.HASH_MISSING
    if not isinstance(encoded, str):
        return None, ImportReason.HASH_NOT_TEXT
    # A column of fixed length is filled up with blanks; no scheme has blanks at its ends.
    encoded = str.__str__(encoded).strip()
    return (PasswordHash(encoded), None) if encoded else (None, ImportReason.HASH_MISSING)
