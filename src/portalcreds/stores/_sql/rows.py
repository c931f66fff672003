"""Turn accounts and audit events into rows, and rows back into exactly what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, TypeVar

import attrs

from ..._search_words import MAX_WORDS_LENGTH, name_key
from ..._text import has_surrogate
from ..._time import from_micros, micros
from ...account_queries import words_of
from ...accounts import Account, Credential, PasswordHash
from ...audit import AuditEvent
from ...contacts import Contact
from ...exceptions import CorruptRowError
from ...protocols import Change

ACCOUNT_COLUMNS: Final = (
    "contact_id",
    "first_name",
    "last_name",
    "email",
    "username",
    "password_hash",
    "origin",
    "change_required_by",
    "strategy",
    "issue_id",
    "issued_by",
    "issued_at",
    "changed_at",
    "expires_at",
    "epoch",
    "ticket_digest",
    "ticket_expires_at",
    "is_active",
    "name_changed_at",
    "last_sign_in_at",
    "erased_at",
    "version",
)
"""What is read back, in the order that `account_of` takes it."""

WRITTEN_COLUMNS: Final = (*ACCOUNT_COLUMNS, "name_key", "username_key", "change_id")
"""What is written besides the tenant: also what rows are found by."""

EVENT_COLUMNS: Final = (
    "event_id",
    "kind",
    "at",
    "operator_id",
    "contact_id",
    "reason",
    "operation_id",
    "affected",
    "confirmed_at",
    "source",
)

WORD_COLUMNS: Final = ("shared", "word", "name_key", "contact_id", "words")
"""What is written of each word by which an account is found."""

MAX_SHARED: Final = 12
"""The most that is written of how much a word has in common with a name; few names begin with a longer word."""

NO_USERNAME: Final = "-username"
"""Stands among the words of an account that has no user name. No typed word has a hyphen."""

MAX_ALL_WORDS: Final = MAX_WORDS_LENGTH + 16
"""Characters of all of an account's words together, and of what stands among them."""

Row = tuple[object, ...]

_Value = TypeVar("_Value")


def is_storable(text: str) -> bool:
    """Return whether a database can hold *text*. What it cannot hold is not found."""
    return "\0" not in text and not has_surrogate(text)


def account_rows(changes: Sequence[Change], columns: Sequence[str] = WRITTEN_COLUMNS) -> list[Row]:
    """Return those of the `WRITTEN_COLUMNS` of what each of the changes makes of its account."""
    return list(zip(*(_cells(name, changes) for name in columns), strict=True))


def changed_columns(changes: Sequence[Change]) -> tuple[str, ...]:
    """Return those of the `WRITTEN_COLUMNS` that one of the changes makes another, and what every change writes."""
    changed = {"contact_id", "version", "change_id"}
    before = zip(*(_HELD(change.old) for change in changes), strict=True)
    after = zip(*(_HELD(change.new) for change in changes), strict=True)
    changed.update(name for name, old, new in zip(ACCOUNT_COLUMNS, before, after) if old != new)  # noqa: B905  May be none.
    if not changed.isdisjoint(("first_name", "last_name", "erased_at")):
        changed.add("name_key")
    if "username" in changed:
        changed.add("username_key")
    return tuple(name for name in WRITTEN_COLUMNS if name in changed)


def word_rows(tenant: str, account: Account) -> list[Row]:
    """
    Return the tenant and the `WORD_COLUMNS` of each word by which an account is found; none of one that was erased.

    Each has all of the account's words beside it, so that an account with several typed words is known without a look
    at another row. One more, of no word, is there to walk all accounts by name.

    How much of a word the name begins with as well is its first column: whoever types no more than that finds the
    account by its name, and need not meet this row. So a word that is a beginning of the name needs none.
    """
    if account.erased_at is not None:
        return []
    words = words_of(account)
    if account.username is None:
        words = (*words, NO_USERNAME)
    contact = account.contact
    key = name_key(contact.last_name, contact.first_name)
    all_words = "".join(f" {word}" for word in words)
    shared = [(_count_shared(word, key), word) for word in words]
    kept = [(0, ""), *((min(count, MAX_SHARED), word) for count, word in shared if count < len(word))]
    return [(tenant, count, word, key, contact.contact_id, all_words) for count, word in kept]


def shows_as(account: Account) -> tuple[object, ...]:
    """Return what an account's words are made from."""
    contact = account.contact
    return contact.first_name, contact.last_name, contact.email, account.username, account.erased_at is None


def read_account(row: Sequence[Any]) -> Account:
    """
    Return the account that a row of `ACCOUNT_COLUMNS` holds.

    Raises:
        CorruptRowError: It holds none. A row is untrusted input: a restore or a manual UPDATE may have written it.
    """
    account = _tried(_account, row)
    if account is None:
        contact_id = row[0]
        raise CorruptRowError("read", f"corrupt row of contact_id {contact_id!a}")
    return account


def event_row(tenant: str, event: AuditEvent) -> Row:
    """Return the tenant and the `EVENT_COLUMNS` of an event."""
    return (
        tenant,
        event.event_id,
        event.kind.value,
        micros(event.at),
        event.operator_id,
        event.contact_id,
        event.reason,
        event.operation_id,
        event.count,
        _instant(event.confirmed_at),
        event.source,
    )


def read_event(row: Sequence[Any]) -> AuditEvent:
    """
    Return the event that a row of `EVENT_COLUMNS` holds.

    Raises:
        CorruptRowError: It holds none.
    """
    event = _tried(_event, row)
    if event is None:
        raise CorruptRowError("read", "corrupt row of the audit events")
    return event


def _tried(make: Callable[[Sequence[Any]], _Value], row: Sequence[Any]) -> _Value | None:
    # None, and not an exception chained to one that may quote what the row holds.
    try:
        return make(row)
    except (ValueError, TypeError, OverflowError):
        return None


def _account(row: Sequence[Any]) -> Account:
    contact_id, first_name, last_name, email, username, *of_credential, active, renamed, seen, erased, version = row
    return Account(
        contact=Contact(contact_id=contact_id, first_name=first_name, last_name=last_name, email=email),
        username=username,
        credential=_credential(of_credential),
        is_active=bool(active),
        name_changed_at=_datetime(renamed),
        last_sign_in_at=_datetime(seen),
        erased_at=_datetime(erased),
        version=int(version),
    )


def _credential(row: list[Any]) -> Credential:
    encoded, origin, required_by, strategy, issue_id, issued_by, issued, changed, expires, epoch, ticket, ends = row
    if origin == "none" and row.count(None) == _NOTHING_ISSUED:
        return _without_password(int(epoch))
    return Credential(
        password_hash=None if encoded is None else PasswordHash(encoded),
        origin=origin,
        change_required_by=required_by,
        strategy=strategy,
        issue_id=issue_id,
        issued_by=issued_by,
        issued_at=_datetime(issued),
        changed_at=_datetime(changed),
        expires_at=_datetime(expires),
        epoch=int(epoch),
        ticket_digest=ticket,
        ticket_expires_at=_datetime(ends),
    )


_NOTHING_ISSUED: Final = 10
"""Columns of a credential that are NULL where no password was ever set: all but its origin and its epoch."""


@lru_cache(maxsize=64)
def _without_password(epoch: int) -> Credential:
    # One for all of a new roster: it is frozen, and the same for each of them.
    return Credential(epoch=epoch)


def _event(row: Sequence[Any]) -> AuditEvent:
    event_id, kind, at, operator_id, contact_id, reason, operation_id, affected, confirmed_at, source = row
    return AuditEvent(
        kind=kind,
        at=from_micros(at),
        operator_id=operator_id,
        contact_id=contact_id,
        reason=reason,
        operation_id=operation_id,
        count=affected,
        confirmed_at=_datetime(confirmed_at),
        source=source,
        event_id=event_id,
    )


def _count_shared(word: str, key: str) -> int:
    """Return how many characters a word and the key of a name begin with alike."""
    count = 0
    for one, other in zip(word, key, strict=False):
        if one != other:
            break
        count += 1
    return count


def _cells(column: str, changes: Iterable[Change]) -> list[object]:
    if column == "change_id":
        return [change.change_id for change in changes]
    read, write = _READ[column], _WRITE.get(column)
    values = [read(change.new) for change in changes]
    return values if write is None else [None if value is None else write(value) for value in values]


def _name_key(account: Account) -> str | None:
    # An erased account has no place in the grid's order: with NULL it is outside every range that a page asks for.
    contact = account.contact
    return None if account.erased_at is not None else name_key(contact.last_name, contact.first_name)


def _path(column: str) -> str:
    """Return where an account has what is in a column of that name."""
    for part, kind in (("contact.", Contact), ("credential.", Credential)):
        if column in attrs.fields_dict(kind):
            return part + column
    return column


_HELD: Final = attrgetter(*map(_path, ACCOUNT_COLUMNS))
"""Returns what an account has of each of the `ACCOUNT_COLUMNS`."""

_READ: Final[Mapping[str, Callable[[Account], Any]]] = {
    **{column: attrgetter(_path(column)) for column in (*ACCOUNT_COLUMNS, "username_key")},
    "name_key": _name_key,
}
"""Returns what an account has of a column."""

_WRITE: Final[Mapping[str, Callable[[Any], object]]] = {
    "password_hash": attrgetter("encoded"),
    "origin": attrgetter("value"),
    "is_active": int,
    **dict.fromkeys(
        (
            "issued_at",
            "changed_at",
            "expires_at",
            "ticket_expires_at",
            "name_changed_at",
            "last_sign_in_at",
            "erased_at",
        ),
        micros,
    ),
}
"""Returns what is stored of it, where that is something else."""


def _instant(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _datetime(instant: int | None) -> datetime | None:
    return None if instant is None else from_micros(instant)
