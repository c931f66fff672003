"""Make and read change tickets: the one-purpose secrets that allow a forced change (R2)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

import attrs

from .accounts import Account
from .contacts import MAX_CONTACT_TEXT
from .secret import Secret

TICKET_BYTES: Final = 32
"""Random bytes of a ticket: 256 bits, where ASVS 5.0 11.5.1 asks for 128."""

MAX_TICKET_LIFETIME: Final = timedelta(minutes=10)
"""The longest a ticket may work: time enough to think of a password, too short to be worth stealing."""

_MAX_TICKET_LENGTH: Final = MAX_CONTACT_TEXT + 1 + 2 * TICKET_BYTES


@attrs.frozen(kw_only=True)
class ChangeTicket:
    """
    A change ticket, in the form ``contact_id.secret`` that is handed out, and its digest, which is kept.

    Attributes:
        contact_id: Whose it is.
        secret: What is handed out.
        digest: What is kept, in hexadecimal; the ticket cannot be had back from it.
    """

    contact_id: str
    secret: Secret
    digest: str = attrs.field(repr=False)

    @classmethod
    def draw(cls, contact_id: str) -> ChangeTicket:
        """Return a new ticket for a contact."""
        text = f"{contact_id}.{secrets.token_urlsafe(TICKET_BYTES)}"
        return cls(contact_id=contact_id, secret=Secret(text), digest=_digest(text))

    @classmethod
    def read(cls, secret: Secret) -> ChangeTicket | None:
        """Return what was handed in as a ticket, or None if it has not even the form of one."""
        text = secret.reveal()
        contact_id, dot, random = text.rpartition(".") if len(text) <= _MAX_TICKET_LENGTH else ("", "", "")
        if not (contact_id and dot and random):
            return None
        return cls(contact_id=contact_id, secret=secret, digest=_digest(text))

    def opens(self, account: Account, now: datetime) -> bool:
        """Return whether this is the account's open ticket, and still good at the instant *now*."""
        credential = account.credential
        kept = credential.ticket_digest or ""
        # The epoch needs no comparing: every step that grows it takes the ticket away (R6).
        return (
            hmac.compare_digest(kept.encode("utf-8", "surrogatepass"), self.digest.encode())
            and credential.ticket_expires_at is not None
            and now < credential.ticket_expires_at
            and account.is_active
            and credential.must_change
            and not credential.is_expired(now)
            and account.contact_id == self.contact_id
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
