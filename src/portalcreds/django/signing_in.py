"""The steps of a form in a view: each returns the portal's outcome, and keeps Django's session in step with it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login

from ..sign_in import ChangePasswordOutcome, CompleteChangeOutcome, PasswordChanged, SignInOutcome
from .backends import PortalBackend
from .configuration import contact_id_of, find_source, find_user, get_portal

_BACKEND = f"{PortalBackend.__module__}.{PortalBackend.__qualname__}"


def sign_in(request: Any, username: str, password: str) -> SignInOutcome:
    """
    Verify a password, and make a session if the outcome is `SignedIn`.

    Other backends are not asked. Returns what `SignInService.sign_in` does; `SignInDenied` also for a contact who is no
    active user of the site's.
    """
    outcome, user = PortalBackend().prove(request, username, password)
    if user is not None:
        login(request, user, backend=_BACKEND)
    return outcome


def complete_change(request: Any, ticket: str, new: str, *, claim_proof: str | None = None) -> CompleteChangeOutcome:
    """Exchange a change ticket for a password of the contact's own; see `SignInService.complete_change`."""
    return get_portal().sign_ins.complete_change(ticket, new, claim_proof=claim_proof, source=find_source(request))


def change_password(request: Any, current: str, new: str) -> ChangePasswordOutcome:
    """
    Change the password of the user who is signed in. All sessions end but this one, which goes on under a new key.

    Returns what `SignInService.change_password` does.
    """
    outcome = get_portal().sign_ins.change_password(
        None, current, new, contact_id=contact_id_of(request.user) or "", source=find_source(request)
    )
    if isinstance(outcome, PasswordChanged):
        user = find_user(outcome.account.contact_id)
        if user is not None:
            user.portal_epoch = outcome.account.credential.epoch
            request.session.cycle_key()
            login(request, user, backend=_BACKEND)
    return outcome
