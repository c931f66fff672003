"""Make contacts of rows, whatever they were read from, and tell which cannot be."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from ..accounts import Account
from ..contacts import MAX_CONTACT_TEXT, Contact, ContactId
from ..exceptions import InvalidValueError
from ._repairs import RowRefusedError, repaired
from .reading import LeftOut, RosterReading, RosterReason, RosterRefusal, RosterWarning

_T = TypeVar("_T")

_FIELDS: Final = ("first_name", "last_name", "email")


class Collector:
    """
    Takes rows one by one.

    Args:
        file: The file within a zip that they are in.
    """

    def __init__(self, file: str = "") -> None:
        self._file = file
        self._contacts: dict[ContactId, Contact] = {}
        self._lines: dict[ContactId, int] = {}
        self._usernames: dict[ContactId, str] = {}
        self._refusals: list[RosterRefusal] = []
        self._warnings: list[RosterWarning] = []
        self._left_out: dict[LeftOut, int] = {}

    def take(self, line: int, record: Mapping[str, Any]) -> None:
        """Take a row's values by field, or refuse it."""
        try:
            values, notes = repaired(record)
            contact, username = _contact(values)
        except RowRefusedError as error:
            self.refuse(line, error.field, error.reason)
            return
        contact_id = contact.contact_id
        known = self._lines.setdefault(contact_id, line)
        if known == line:
            self._contacts[contact_id] = contact
            if username is not None:
                self._usernames[contact_id] = username
            for field, reason in notes:
                self.warn(line, field, reason)
        # The same row once more, such as for each child of a family, is the same contact.
        elif self._contacts[contact_id] != contact or self._usernames.get(contact_id) != username:
            self.refuse(line, "contact_id", RosterReason.LISTED_TWICE, taken_line=known)

    def take_all(self, rows: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Take several rows."""
        for line, record in rows:
            self.take(line, record)

    def refuse(
        self, line: int, field: str, reason: RosterReason, *, file: str | None = None, taken_line: int | None = None
    ) -> None:
        """Tell that a row is not taken."""
        file = self._file if file is None else file
        self._refusals.append(RosterRefusal(line=line, field=field, reason=reason, file=file, taken_line=taken_line))

    def warn(self, line: int, field: str, reason: RosterReason, *, file: str | None = None) -> None:
        """Tell what to look at."""
        file = self._file if file is None else file
        self._warnings.append(RosterWarning(line=line, field=field, reason=reason, file=file))

    def leave_out(self, reason: LeftOut) -> None:
        """Count a row that is no contact."""
        self._left_out[reason] = self._left_out.get(reason, 0) + 1

    def reading(self, **known: Any) -> RosterReading:
        """Return what was taken, with what else is known of it."""
        return RosterReading(
            contacts=tuple(self._contacts.values()),
            refusals=tuple(sorted(self._refusals, key=operator.attrgetter("file", "line"))),
            warnings=tuple(self._warnings),
            left_out=dict(self._left_out),
            usernames=self._usernames,
            **known,
        )


def _contact(values: dict[str, Any]) -> tuple[Contact, str | None]:
    username = values.pop("username", None)
    if values.get("contact_id") is None:
        raise RowRefusedError("contact_id", RosterReason.MISSING_ID)
    unknown = frozenset(field for field in _FIELDS if field not in values)
    contact, refused = _made(Contact, **values, unknown=unknown)
    if contact is None:
        raise RowRefusedError(refused, _fault(refused, values[refused]))
    if username is None:
        return contact, None
    # Whatever an account will refuse is better known before it is synced.
    account, _ = _made(Account, contact=contact, username=username)
    if account is None:
        is_text = isinstance(username, str)
        raise RowRefusedError("username", RosterReason.USERNAME_INVALID if is_text else RosterReason.NOT_TEXT)
    return contact, account.username


def _made(kind: Callable[..., _T], **values: Any) -> tuple[_T | None, str]:
    """Return a value, or the field that it is refused for, without the error, which would come along (R14)."""
    try:
        return kind(**values), ""
    except InvalidValueError as error:
        return None, error.field


def _fault(field: str, value: object) -> RosterReason:
    """Return which of its rules `Contact` refuses a value for."""
    if not isinstance(value, str):
        return RosterReason.NOT_TEXT
    if len(value) > MAX_CONTACT_TEXT:
        return RosterReason.TOO_LONG
    if field == "contact_id" and value != value.strip():
        return RosterReason.OUTER_BLANKS
    return RosterReason.INVALID_TEXT
