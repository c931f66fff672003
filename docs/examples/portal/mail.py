"""Tell contacts that their password was set or changed, so that nobody does so unnoticed, and send invitations."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from portalcreds import Account, AuditKind, Secret
from portalcreds.audit import AuditEvent

Send = Callable[[str, str, str], None]
"""Sends a mail: the address, the subject and the text."""

_MAILS = {
    AuditKind.PASSWORD_ISSUED: (
        "Your password was set",
        "The school set your parent portal password to a default. Sign in and choose one of your own. "
        "If you did not ask for this, call the office.",
    ),
    AuditKind.PASSWORD_CHANGED: (
        "Your password was changed",
        "The password of your parent portal account was changed. If it was not you, call the office.",
    ),
}


def tell_owner(account: Account, event: AuditEvent, send: Send) -> None:
    """
    Send the mail for a change, if there is one for it and an address. It has no password and no user name.

    ASVS 5.0 6.3.7 asks for it. An invitation has a mail of its own.
    """
    mail = _MAILS.get(event.kind)
    if mail is not None and account.contact.email:
        send(account.contact.email, *mail)


def send_invitation(account: Account, ticket: Secret, page: str, send: Send) -> None:
    """Send an invitation, which *page* opens. Behind a # the ticket is in no server's log."""
    if account.contact.email:
        text = (
            "The school invites you to choose a password for the parent portal. Your user name is "
            f"{account.username}. Open this address, and choose one: {page}#{quote(ticket.reveal(), safe='')} "
            "It works once. A password that you had works no more."
        )
        send(account.contact.email, "Your invitation to the parent portal", text)
