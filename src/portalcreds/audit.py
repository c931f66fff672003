"""Record who did what, for whom, when: events in the words of the OWASP logging vocabulary, one per line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

import attrs

from .exceptions import InvalidValueError

MAX_AUDIT_TEXT: Final = 255
"""Characters of each text of an event, what every store can hold; more is cut, so that recording never fails."""


class AuditKind(StrEnum):
    """
    What happened. The value is the OWASP logging vocabulary's name, with a suffix where it has one name for several.

    The names without an OWASP counterpart are ``spray_suspected``, ``notification_failed``, ``authn_password_issue``,
    ``authn_hash_upgrade`` and ``authn_password_change_required``.
    """

    SIGN_IN_SUCCEEDED = "authn_login_success"
    SIGN_IN_SUCCEEDED_AFTER_FAILURES = "authn_login_successafterfail"
    SIGN_IN_FAILED = "authn_login_fail"
    CREDENTIAL_SPENT = "authn_login_lock"
    CREDENTIAL_UNLOCKED = "authn_login_unlock"
    RATE_LIMITED = "excess_rate_limit_exceeded"
    SPRAY_SUSPECTED = "spray_suspected"
    CHANGE_REQUIRED = "authn_password_change_required"
    TICKET_OPENED = "authn_token_created"
    TICKET_REFUSED = "authn_token_refused"
    PASSWORD_ISSUED = "authn_password_issue"
    PASSWORD_CHANGED = "authn_password_change"
    PASSWORD_CHANGE_FAILED = "authn_password_change_fail"
    HASH_UPGRADED = "authn_hash_upgrade"
    NOTIFICATION_FAILED = "notification_failed"
    PRIVILEGE_DENIED = "authz_fail"
    USERNAME_VIEWED = "sensitive_read.username"
    PASSWORD_REVEALED = "sensitive_read.password"
    ACCOUNT_ADDED = "user_created"
    ACCOUNT_REFRESHED = "user_updated.refresh"
    ACCOUNT_RENAMED = "user_updated.rename"
    ACCOUNT_RESTORED = "user_updated.restore"
    ACCOUNT_ENABLED = "user_updated.enable"
    ACCOUNT_DISABLED = "user_archived"
    ACCOUNT_ERASED = "user_deleted"


def _in_utc(at: Any) -> Any:  # Any: for attributes with and without None.
    return at if at is None or at.utcoffset() is None else at.astimezone(UTC)


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:MAX_AUDIT_TEXT]


def _utc(event: object, attribute: Any, value: Any) -> None:  # Any: for attributes with and without None.
    if value is not None and value.utcoffset() != timedelta(0):
        raise InvalidValueError(attribute.name, "pass an aware datetime in UTC, such as datetime.now(timezone.utc)")


def _new_event_id() -> str:
    return uuid4().hex


@attrs.frozen(kw_only=True)
class AuditEvent:
    """
    One thing that happened. Never holds a password, a hash, a ticket, a name, an e-mail address or a user name.

    Attributes:
        kind: What happened.
        at: When, in UTC.
        operator_id: The staff member or system that acted; None if the contact did, or somebody unknown.
        contact_id: For whom; None if for nobody that is known.
        reason: Why, as a code.
        operation_id: The issue, sync or request it belongs to, or None.
        count: How many it was about; None for one.
        confirmed_at: When the operator pressed OK, or None.
        source: Where it came from, as the host calls it, such as an address; None if the host did not say.
        event_id: Its own identifier, so that recording it twice can be told.
    """

    kind: AuditKind = attrs.field(converter=AuditKind)
    at: datetime = attrs.field(converter=_in_utc, validator=_utc)
    operator_id: str | None = attrs.field(default=None, converter=_cut)
    contact_id: str | None = attrs.field(default=None, converter=_cut)
    reason: str | None = attrs.field(default=None, converter=_cut)
    operation_id: str | None = attrs.field(default=None, converter=_cut)
    count: int | None = None
    confirmed_at: datetime | None = attrs.field(default=None, converter=_in_utc, validator=_utc)
    source: str | None = attrs.field(default=None, converter=_cut)
    event_id: str = attrs.field(factory=_new_event_id)

    def line(self) -> str:
        """Return the event on one line of printable ASCII, whatever its texts hold (CWE-117)."""
        parts = [_instant(self.at), self.kind.value]
        for name in _LINE_FIELDS:
            value: object = getattr(self, name)
            if value is not None:
                text = _instant(value) if isinstance(value, datetime) else str(value)
                parts.append(f"{name}={_one_word(text)}")
        return " ".join(parts)


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


_LINE_FIELDS: Final = (
    "contact_id",
    "operator_id",
    "reason",
    "operation_id",
    "count",
    "confirmed_at",
    "source",
    "event_id",
)


def _one_word(text: str) -> str:
    if text.isascii() and text.isprintable() and not any(char in text for char in ' ="\\'):
        return text
    # ascii() escapes every control, line separator and non-ASCII character; double quotes keep the word whole.
    return '"' + ascii(text)[1:-1].replace('"', '\\"') + '"'
