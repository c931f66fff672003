"""End a session when the contact's epoch moves: when the password is set, changed or disabled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY, load_backend, logout

from .backends import PortalBackend
from .configuration import User, contact_id_of, find_epoch, get_portal

_KEPT: Final = "portal_epoch"
"""The key in a session under which contact id and epoch are kept."""


class SessionEpochMixin:
    """
    For a user model of the site's own: sessions are bound to the epoch as Django binds them to the password.

    Put it first: ``class User(SessionEpochMixin, AbstractUser)``. With Django's own `User`, take the middleware.
    """

    def get_session_auth_hash(self) -> str:
        """Return what must stay the same while a session lives."""
        return self._with_epoch(super().get_session_auth_hash())  # type: ignore[misc]  # The user model's.

    def get_session_auth_fallback_hash(self) -> Iterable[str]:
        """Return the same under each older SECRET_KEY."""
        return map(self._with_epoch, super().get_session_auth_fallback_hash())  # type: ignore[misc]  # As above.

    def _with_epoch(self, auth_hash: str) -> str:
        return f"{auth_hash}.{_epoch_of(self)}"


class SessionEpochMiddleware:
    """Ends a session whose epoch has moved, with one query each time. Put it after ``AuthenticationMiddleware``."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: Any) -> Any:
        """Answer the request, as nobody's if its session has ended."""
        if SESSION_KEY in request.session and not _is_current(request.session):
            logout(request)
        return self._get_response(request)


def keep_epoch(sender: object, request: Any, user: User, **others: Any) -> None:
    """Keep in a new session what `SessionEpochMiddleware` compares: a receiver of ``user_logged_in``."""
    epoch = _epoch_of(user)
    if epoch is not None and request is not None:
        request.session[_KEPT] = [contact_id_of(user), epoch]


def _is_current(session: Any) -> bool:
    kept = session.get(_KEPT)
    if kept is not None:
        return bool(get_portal().store.find_epoch(kept[0]) == kept[1])
    # One that was made before the middleware was there.
    return not isinstance(load_backend(session[BACKEND_SESSION_KEY]), PortalBackend)


def _epoch_of(user: User) -> int | None:
    epoch: int | None = getattr(user, "portal_epoch", None)
    return find_epoch(user) if epoch is None else epoch
