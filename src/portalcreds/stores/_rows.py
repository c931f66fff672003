"""Turn accounts and audit events into rows, and rows back into exactly what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from .._text import search_key
from ..account_queries import micros
from ..accounts import Account, Credential, PasswordHash
from ..audit import MAX_AUDIT_TEXT, AuditEvent
from ..contacts import Contact
from ..protocols import Change
from ._port import CorruptRowError

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

WRITTEN_COLUMNS: Final = (*ACCOUNT_COLUMNS, "last_name_key", "username_key", "change_id")
"""What is written: also what rows are found by."""

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

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_Value = TypeVar("_Value")


def is_storable(text: str) -> bool:
    """Return whether a database can hold *text*. What it cannot hold is not there, whoever asks for it."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text))


def account_row(change: Change) -> dict[str, object]:
    """Return the parameters that write what the change makes of its account."""
    account = change.new
    contact, credential = account.contact, account.credential
    return {
        "contact_id": contact.contact_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "username": account.username,
        "password_hash": None if credential.password_hash is None else credential.password_hash.encoded,
        "origin": credential.origin.value,
        "change_required_by": credential.change_required_by,
        "strategy": credential.strategy,
        "issue_id": credential.issue_id,
        "issued_by": credential.issued_by,
        "issued_at": _instant(credential.issued_at),
        "changed_at": _instant(credential.changed_at),
        "expires_at": _instant(credential.expires_at),
        "epoch": credential.epoch,
        "ticket_digest": credential.ticket_digest,
        "ticket_expires_at": _instant(credential.ticket_expires_at),
        "is_active": int(account.is_active),
        "name_changed_at": _instant(account.name_changed_at),
        "last_sign_in_at": _instant(account.last_sign_in_at),
        "erased_at": _instant(account.erased_at),
        "version": account.version,
        # An erased account has no place in the grid's order: with NULL it is outside every range that a page asks for.
        "last_name_key": None if account.erased_at is not None else search_key(contact.last_name or ""),
        "username_key": account.username_key,
        "change_id": change.change_id,
    }


def account_of(row: Sequence[Any]) -> Account:
    """
    Return the account that a row of `ACCOUNT_COLUMNS` holds.

    Raises:
        CorruptRowError: It holds none. A row is untrusted: a restore or a hand at a prompt may have written it.
    """
    account = _tried(_account, ACCOUNT_COLUMNS, row)
    if account is None:
        contact_id = row[0]
        raise CorruptRowError(f"corrupt row of contact_id {contact_id!a}")
    return account


def event_row(event: AuditEvent) -> dict[str, object]:
    """Return the parameters that record the event."""
    return {
        "event_id": event.event_id,
        "kind": event.kind.value,
        "at": micros(event.at),
        "operator_id": _recordable(event.operator_id),
        "contact_id": _recordable(event.contact_id),
        "reason": _recordable(event.reason),
        "operation_id": _recordable(event.operation_id),
        "affected": event.count,
        "confirmed_at": _instant(event.confirmed_at),
        "source": _recordable(event.source),
    }


def event_of(row: Sequence[Any]) -> AuditEvent:
    """
    Return the event that a row of `EVENT_COLUMNS` holds.

    Raises:
        CorruptRowError: It holds none.
    """
    event = _tried(_event, EVENT_COLUMNS, row)
    if event is None:
        raise CorruptRowError("corrupt row of the audit events")
    return event


def _tried(make: Callable[[Mapping[str, Any]], _Value], columns: Sequence[str], row: Sequence[Any]) -> _Value | None:
    # None, and not an exception chained to one that may quote what the row holds.
    try:
        return make(dict(zip(columns, row, strict=True)))
    except (ValueError, TypeError, OverflowError):
        return None


def _account(row: Mapping[str, Any]) -> Account:
    encoded = row["password_hash"]
    return Account(
        contact=Contact(
            contact_id=row["contact_id"],
            first_name=row["first_name"],
            last_name=row["last_name"],
            email=row["email"],
        ),
        username=row["username"],
        credential=Credential(
            password_hash=None if encoded is None else PasswordHash(encoded),
            origin=row["origin"],
            change_required_by=row["change_required_by"],
            strategy=row["strategy"],
            issue_id=row["issue_id"],
            issued_by=row["issued_by"],
            issued_at=_datetime(row["issued_at"]),
            changed_at=_datetime(row["changed_at"]),
            expires_at=_datetime(row["expires_at"]),
            epoch=int(row["epoch"]),
            ticket_digest=row["ticket_digest"],
            ticket_expires_at=_datetime(row["ticket_expires_at"]),
        ),
        is_active=bool(row["is_active"]),
        name_changed_at=_datetime(row["name_changed_at"]),
        last_sign_in_at=_datetime(row["last_sign_in_at"]),
        erased_at=_datetime(row["erased_at"]),
        version=int(row["version"]),
    )


def _event(row: Mapping[str, Any]) -> AuditEvent:
    return AuditEvent(
        kind=row["kind"],
        at=_EPOCH + timedelta(microseconds=row["at"]),
        operator_id=row["operator_id"],
        contact_id=row["contact_id"],
        reason=row["reason"],
        operation_id=row["operation_id"],
        count=row["affected"],
        confirmed_at=_datetime(row["confirmed_at"]),
        source=row["source"],
        event_id=row["event_id"],
    )


def _instant(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _datetime(instant: int | None) -> datetime | None:
    return None if instant is None else _EPOCH + timedelta(microseconds=instant)


def _recordable(text: str | None) -> str | None:
    # Recording must not fail over an odd character: what must be recorded and cannot be is refused altogether.
    if text is None or is_storable(text):
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")[:MAX_AUDIT_TEXT]
