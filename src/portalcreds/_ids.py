"""Draw identifiers, and digest texts that must be told apart and not be read."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .secret import Secret

TICKET_BYTES: Final = 32
"""Random bytes of a ticket: 256 bits, where ASVS 5.0 11.5.1 asks for 128."""


def new_id() -> str:
    """Return 128 random bits in 32 hexadecimal digits."""
    return os.urandom(16).hex()


def new_event_id() -> str:
    """
    Return the time and 80 random bits in 32 hexadecimal digits, which sort after those of an earlier millisecond.

    Events are kept in an index of their ids. New ones are beside each other there, and not each in a page of its own
    that has to be read and written.
    """
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


def new_ticket(contact_id: str) -> str:
    """Return a ticket for a contact, in the form ``contact_id.secret``."""
    import secrets

    return f"{contact_id}.{secrets.token_urlsafe(TICKET_BYTES)}"


def digest(text: str) -> str:
    """Return the SHA-256 of a text in 64 hexadecimal digits; surrogates are texts too."""
    # Loading OpenSSL costs more than all of the kernel.
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_digest(key: Secret, text: str) -> str:
    """Return the HMAC-SHA-256 of a text, under a key of hexadecimal digits, in 64 hexadecimal digits."""
    import hmac

    return hmac.new(bytes.fromhex(key.reveal()), text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
