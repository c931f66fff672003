"""Make the accounts that the contract of `AccountStore` tests with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from ..accounts import Account, Credential, CredentialOrigin, PasswordHash
from ..audit import AuditEvent, AuditKind
from ..contacts import Contact, ContactId
from ..protocols import AccountStore, ApplyResult, Change

NOW: Final = datetime(2026, 1, 15, 8, 30, 0, 123_457, tzinfo=UTC)
"""A time that a clock with milliseconds would round."""

HASH: Final = PasswordHash("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaEhBU0hoYXNoSEFTSGhhc2hIQVNI")
OTHER_HASH: Final = PasswordHash("$argon2id$v=19$m=19456,t=2,p=1$U0FMVHNhbHRzYWx0$aGFzaEhBU0hoYXNoSEFTSGhhc2hIQVNI")

CODE_POINTS: Final = 255
"""The longest text of a contact."""


def a_contact(contact_id: str, *, last_name: str | None = "Abbiatici") -> Contact:
    """Return a contact."""
    return Contact(contact_id=ContactId(contact_id), first_name="Rosa", last_name=last_name, email="rosa@example.org")


def an_account(contact_id: str, username: str | None = None, *, last_name: str | None = "Abbiatici") -> Account:
    """Return a new account without a password."""
    return Account(contact=a_contact(contact_id, last_name=last_name), username=username)


def issued(
    account: Account, *, expires_at: datetime = NOW + timedelta(days=14), password: PasswordHash = HASH
) -> Account:
    """Return the account with a default."""
    return account.issue(
        password,
        strategy="last-name-first-initial",
        issue_id="issue-1",
        issued_by="staff-1",
        issued_at=NOW,
        expires_at=expires_at,
    )


def chosen(account: Account) -> Account:
    """Return a new account whose owner chose the password."""
    credential = Credential(password_hash=HASH, origin=CredentialOrigin.CHOSEN, changed_at=NOW, epoch=7)
    return attrs.evolve(account, credential=credential)


def an_event(contact_id: str, reason: str = "because") -> AuditEvent:
    """Return an event about a contact."""
    return AuditEvent(kind=AuditKind.ACCOUNT_ADDED, at=NOW, contact_id=contact_id, reason=reason, operator_id="staff-1")


def events_of(keeper: object) -> Sequence[AuditEvent]:
    """Return all events that a store or a sink has recorded."""
    events = getattr(keeper, "events", None)
    assert callable(events), "override recorded_events: return every recorded event, oldest first"
    recorded: Sequence[AuditEvent] = events()
    return recorded


def add(store: AccountStore, *accounts: Account) -> None:
    """Add the accounts, which are at their first version, to the store."""
    results = store.apply([Change(old=None, new=account) for account in accounts])
    assert list(results) == [ApplyResult.APPLIED] * len(accounts)


def step(store: AccountStore, old: Account, new: Account) -> Account:
    """Apply one change and return the account as stored."""
    assert list(store.apply([Change(old=old, new=new)])) == [ApplyResult.APPLIED]
    return stored(store, new)


def stored(store: AccountStore, account: Account) -> Account:
    """Return the account as stored."""
    found = store.find(account.contact_id)
    assert found is not None
    return found
