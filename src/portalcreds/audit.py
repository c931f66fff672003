"""Record who did what, for whom and when, in the words of the OWASP logging vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from ._ids import digest, new_event_id, new_id
from ._spoken import Code
from ._text import one_line
from ._time import in_utc, utc, utc_or_none
from ._value import Value
from .exceptions import InvalidValueError

MAX_AUDIT_TEXT: Final = 255
"""Characters of each text of an event. Longer texts are cut, so that recording never fails."""


class AuditKind(Code):
    """
    What happened. The value is the name in the OWASP logging vocabulary, with a suffix where that has one for several.

    These names have no OWASP counterpart: ``spray_suspected``, ``mass_claim_suspected``, ``notification_failed``,
    ``claim_proof_refused``, ``credential_imported``, ``authn_password_issue``, ``authn_hash_upgrade``,
    ``authn_password_change_required``, ``plan_changed``, ``operation_cancelled`` and ``events_purged``.
    """

    SIGN_IN_SUCCEEDED = "authn_login_success"
    SIGN_IN_SUCCEEDED_AFTER_FAILURES = "authn_login_successafterfail"
    SIGN_IN_FAILED = "authn_login_fail"
    CREDENTIAL_SPENT = "authn_login_lock"
    UNLOCKING_BEGUN = "authn_login_unlock.begun"
    CREDENTIAL_UNLOCKED = "authn_login_unlock"
    RATE_LIMITED = "excess_rate_limit_exceeded"
    SPRAY_SUSPECTED = "spray_suspected"
    MASS_CLAIM_SUSPECTED = "mass_claim_suspected"
    SESSIONS_ENDED = "session_expired"
    CHANGE_REQUIRED = "authn_password_change_required"
    TICKET_OPENED = "authn_token_created"
    TICKET_REFUSED = "authn_token_refused"
    INVITED = "authn_token_created.invitation"
    CLAIM_PROOF_REFUSED = "claim_proof_refused"
    PASSWORD_ISSUED = "authn_password_issue"
    CREDENTIAL_IMPORTED = "credential_imported"
    PASSWORD_CHANGED = "authn_password_change"
    PASSWORD_CHANGE_FAILED = "authn_password_change_fail"
    HASH_UPGRADED = "authn_hash_upgrade"
    NOTIFICATION_FAILED = "notification_failed"
    PRIVILEGE_DENIED = "authz_fail"
    USERNAME_VIEWED = "sensitive_read.username"
    CONTACTS_SHOWN = "sensitive_read.contacts"
    PASSWORD_REVEALED = "sensitive_read.password"
    DEFAULTS_TRIED = "sensitive_read.default"
    CLAIM_CODE_REVEALED = "sensitive_read.claim_code"
    ACCOUNT_ADDED = "user_created"
    ACCOUNT_REFRESHED = "user_updated.refresh"
    ACCOUNT_RENAMED = "user_updated.rename"
    RENAME_REFUSED = "user_updated.rename_refused"
    ACCOUNT_RESTORED = "user_updated.restore"
    ACCOUNT_REKEYED = "user_updated.rekey"
    ACCOUNT_MERGED = "user_updated.merge"
    ACCOUNT_ENABLED = "user_updated.enable"
    ACCOUNT_DISABLED = "user_archived"
    ACCOUNT_ERASED = "user_deleted"
    PLAN_CHANGED = "plan_changed"
    OPERATION_CANCELLED = "operation_cancelled"
    EVENTS_PURGED = "events_purged"


_MARK_LENGTH: Final = 4
"""Characters for each contact that was shown: 24 bits of a digest, in the alphabet of base64url."""

_SHOWN_IN_ONE: Final = MAX_AUDIT_TEXT // _MARK_LENGTH
"""Contacts of one event: 63."""


def _kind(kind: AuditKind | str) -> AuditKind:
    try:
        return AuditKind(kind)
    except ValueError:
        raise InvalidValueError("kind", "pass an AuditKind, such as AuditKind.PASSWORD_ISSUED") from None


def _cut(text: str | None) -> str | None:
    if text is not None and not isinstance(text, str):
        raise InvalidValueError("event", "pass its texts as text or None")
    # Before and after: escaping makes a text longer, and must not have to look at all of an endless one.
    return None if text is None else one_line(text[:MAX_AUDIT_TEXT])[:MAX_AUDIT_TEXT]


def _identifier(event_id: str) -> str:
    if not isinstance(event_id, str):
        raise InvalidValueError("event_id", "pass it as text, or leave it out")
    return one_line(event_id)


def _count(event: object, attribute: attrs.Attribute[int | None], value: object) -> None:
    if value is not None and type(value) is not int:
        raise InvalidValueError(attribute.name, "pass a whole number or None")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class AuditEvent(Value):
    """
    One thing that happened. It never contains a password, a hash, a ticket, a name, an e-mail address or a user name.

    Texts are one line each: control characters and line separators in them are escaped, and what is long is cut.

    Attributes:
        kind: What happened.
        at: When, in UTC.
        operator_id: The staff member or system that acted; None for the contact or an unknown person.
        contact_id: Whose account; None if there is none.
        reason: Why, as a code.
        operation_id: The issue, sync or request it belongs to, or None.
        count: How many contacts it was about; None for one.
        confirmed_at: When the operator pressed OK, or None.
        source: Where the request came from, such as an IP address, as the host says; None if it did not say.
        event_id: Identifies the event, so that a duplicate can be recognised.
    """

    kind: AuditKind = attrs.field(converter=_kind)
    at: datetime = attrs.field(converter=in_utc, validator=utc)
    operator_id: str | None = attrs.field(default=None, converter=_cut)
    contact_id: str | None = attrs.field(default=None, converter=_cut)
    reason: str | None = attrs.field(default=None, converter=_cut)
    operation_id: str | None = attrs.field(default=None, converter=_cut)
    count: int | None = attrs.field(default=None, validator=_count)
    confirmed_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    source: str | None = attrs.field(default=None, converter=_cut)
    event_id: str = attrs.field(factory=new_event_id, converter=_identifier)

    def line(self) -> str:
        """Return the event as one line of printable ASCII, whatever its texts contain (CWE-117)."""
        at, kind, *rest = self.to_record().items()
        return " ".join([str(at[1]), str(kind[1]), *(f"{name}={_one_word(str(value))}" for name, value in rest)])

    def to_record(self) -> dict[str, str | int]:
        """Return what there is of the event as a plain record, such as for a log: texts, and the count."""
        record: dict[str, str | int] = {"at": _instant(self.at), "kind": self.kind.value}
        for name in _LINE_FIELDS:
            value: str | int | datetime | None = getattr(self, name)
            if value is not None:
                record[name] = _instant(value) if isinstance(value, datetime) else value
        return record


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


def with_shown(event: AuditEvent, contact_ids: Iterable[str]) -> list[AuditEvent]:
    """
    Return an event that says that several contacts were shown, and after it those that tell whom.

    A district that is shown in a plan takes a row for each 63 contacts, and not one for each. The marks are made with
    the operation's id, so that contacts who share one mark share no other.
    """
    event = attrs.evolve(event, operation_id=event.operation_id or new_id())
    marks = [_mark(event, contact_id) for contact_id in contact_ids]
    some = [marks[at : at + _SHOWN_IN_ONE] for at in range(0, len(marks), _SHOWN_IN_ONE)]
    told = [
        attrs.evolve(
            event, kind=AuditKind.CONTACTS_SHOWN, reason="".join(each), count=len(each), event_id=new_event_id()
        )
        for each in some
    ]
    return [event, *told]


def showing(contact_id: str, events: Iterable[AuditEvent]) -> Iterator[AuditEvent]:
    """
    Yield those of the events that say that this contact's account was shown, looked up alone or among others.

    Of those that tell of others too (``sensitive_read.contacts``), a *no* is certain. A *yes* is wrong for one contact
    in 260,000 who was not among the 63 of an event.

    Args:
        contact_id: Whose account.
        events: What is on the record, such as of one operator or operation.
    """
    for event in events:
        if event.kind == AuditKind.USERNAME_VIEWED and event.contact_id == contact_id:
            yield event
        elif event.kind == AuditKind.CONTACTS_SHOWN and event.reason is not None:
            marks = range(0, len(event.reason), _MARK_LENGTH)
            if _mark(event, contact_id) in {event.reason[at : at + _MARK_LENGTH] for at in marks}:
                yield event


def _mark(event: AuditEvent, contact_id: str) -> str:
    # Here: importing the package does not need it.
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(bytes.fromhex(digest(f"{event.operation_id}:{contact_id}")[:6])).decode()


def purged(count: int) -> list[AuditEvent]:
    """Return what a store puts on the record for so many events that it removed; nothing for none."""
    return [AuditEvent(kind=AuditKind.EVENTS_PURGED, at=datetime.now(UTC), count=count)] if count else []
