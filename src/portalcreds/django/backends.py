"""Let users in by the portal's rules; and by Django's old column only those who have no account in the portal."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied

from ..exceptions import StoreError
from ..sign_in import SignedIn, SignInDenied, SignInOutcome, TryLater, Unavailable
from .configuration import User, find_epoch, find_source, find_user, get_portal


class PortalBackend(ModelBackend):
    """
    An authentication backend that lets in who the portal lets in. Permissions are as in Django's own.

    ``authenticate`` returns a user for `SignedIn` and nothing else. What the outcome was stands in
    ``request.portal_outcome``, for a form that can show more than *wrong password*. After `TryLater` and `Unavailable`
    no further backend is asked, so that the limits on guessing hold for all of them (R9).
    """

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        """Return the user whom the portal lets in, or None."""
        if username is None:
            username = credentials.get(get_user_model().USERNAME_FIELD)
        if username is None or password is None:
            return None
        outcome, user = self.prove(request, username, password)
        if request is not None:
            request.portal_outcome = outcome
        if isinstance(outcome, TryLater | Unavailable):
            raise PermissionDenied
        return user

    def prove(self, request: Any, username: str, password: str) -> tuple[SignInOutcome, User | None]:
        """Return the outcome of a sign-in, and the user if it is `SignedIn`."""
        outcome = get_portal().sign_ins.sign_in(username, password, source=find_source(request))
        if not isinstance(outcome, SignedIn):
            return outcome, None
        user = find_user(outcome.account.contact_id)
        if user is None or not self.user_can_authenticate(user):
            return SignInDenied(), None
        # The session is bound to the epoch that was let in, and not to one that a reset has begun meanwhile.
        user.portal_epoch = outcome.account.credential.epoch
        return outcome, user


class StaffBackend(ModelBackend):
    """
    Django's own backend, for users who have no account in the portal, such as staff.

    In its place, Django's `ModelBackend` would let in by the old column whom the portal denies.
    """

    def user_can_authenticate(self, user: User) -> bool:
        """Return whether the user is active and has no account in the portal, however that was disabled or spent."""
        try:
            return bool(super().user_can_authenticate(user)) and find_epoch(user) is None
        except StoreError:
            return False
