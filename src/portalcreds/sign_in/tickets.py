"""Make and read change tickets: secrets that allow a forced change and nothing else (R2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from .._ids import TICKET_BYTES as _TICKET_BYTES
from .._ids import digest, new_ticket
from .._text import same_text
from .._value import Value
from ..accounts import Account
from ..contacts import MAX_CONTACT_TEXT
from ..secret import Secret

TICKET_BYTES: Final = _TICKET_BYTES
"""Random bytes of a ticket: 256 bits, where ASVS 5.0 11.5.1 asks for 128."""

MAX_TICKET_LIFETIME: Final = timedelta(minutes=10)
"""How long a ticket may work at most: enough to think of a password, too short to be worth stealing."""

_MAX_TICKET_LENGTH: Final = MAX_CONTACT_TEXT + 1 + 2 * TICKET_BYTES


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ChangeTicket(Value):
    """
    A change ticket, or an invitation, in the form ``contact_id.secret``, and its digest. Only the digest is stored.

    Attributes:
        contact_id: Whose it is.
        secret: The ticket as the contact gets it.
        digest: What is stored, in hexadecimal; nobody can compute the ticket from it.
    """

    contact_id: str
    secret: Secret
    digest: str = attrs.field(repr=False)

    @classmethod
    def draw(cls, contact_id: str) -> ChangeTicket:
        """Return a new ticket for a contact."""
        text = new_ticket(contact_id)
        return cls(contact_id=contact_id, secret=Secret(text), digest=digest(text))

    @classmethod
    def read(cls, secret: Secret) -> ChangeTicket | None:
        """Return the ticket that was sent in, or None if it does not have the form of one."""
        text = secret.reveal()
        contact_id, dot, random = text.rpartition(".") if len(text) <= _MAX_TICKET_LENGTH else ("", "", "")
        if not (contact_id and dot and random):
            return None
        return cls(contact_id=contact_id, secret=secret, digest=digest(text))

    def opens(self, account: Account, now: datetime) -> bool:
        """Return whether this is the account's open ticket, and still works at the instant *now*."""
        credential = account.credential
        kept = credential.ticket_digest or ""
        # The epoch needs no comparing: every step that grows it takes the ticket away (R6).
        return (
            same_text(kept, self.digest)
            and credential.ticket_expires_at is not None
            and now < credential.ticket_expires_at
            # A ticket that was drawn while the clock was far ahead must not work until then. An invitation lives for
            # days; whether it is from ahead, its issue tells.
            and (credential.is_invited or credential.ticket_expires_at <= now + MAX_TICKET_LIFETIME)
            and account.is_active
            and credential.must_change
            and not credential.is_expired(now)
            and not credential.is_from_ahead(now)
            and account.contact_id == self.contact_id
        )
