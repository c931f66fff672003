"""Tell what came of a step at a form: frozen classes for ``match``, none of which can be taken for true."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import NoReturn

import attrs

from .accounts import Account
from .password_policy import Violation
from .secret import Secret


class _Outcome:
    __slots__ = ()

    def __bool__(self) -> NoReturn:
        # `if sign_in(...)` would let everything in, a denial included.
        raise TypeError(f"{type(self).__name__} is neither true nor false; use match or isinstance")


@attrs.frozen(kw_only=True)
class SignedIn(_Outcome):
    """
    The only outcome that lets anybody in.

    Attributes:
        account: Who. Bind the session to `contact_id` and ``credential.epoch``, and end it when the epoch moves.
    """

    account: Account


@attrs.frozen(kw_only=True)
class PasswordChangeRequired(_Outcome):
    """
    The password is right and opens one door: choose your own. Make no session.

    Attributes:
        ticket: What `SignInService.complete_change` wants with the new password. Keep it in the form, not in a log.
        reason: Why: ``issued``, or the code handed to `AccountService.require_change`.
    """

    ticket: Secret
    reason: str


@attrs.frozen(kw_only=True)
class DefaultExpired(_Outcome):
    """The default password is right and too old; the school has to set it again. Told to nobody else."""


@attrs.frozen(kw_only=True)
class SignInDenied(_Outcome):
    """No. It has no fields, because every reason must look the same; the reason goes on the record only (R7)."""


@attrs.frozen(kw_only=True)
class TryLater(_Outcome):
    """
    Too many attempts, or too much work at once; whether there is such an account makes no difference (R7).

    Attributes:
        retry_after: How long to wait.
    """

    retry_after: timedelta

    @property
    def seconds(self) -> int:
        """How long to wait in whole seconds, rounded up, as the Retry-After header wants it."""
        return math.ceil(self.retry_after.total_seconds())


@attrs.frozen(kw_only=True)
class Unavailable(_Outcome):
    """The store cannot be reached, or hashing failed for want of memory; nobody was let in."""


@attrs.frozen(kw_only=True)
class PasswordChanged(_Outcome):
    """
    The new password is stored. The contact is not signed in: let them sign in with it.

    Attributes:
        account: Whose it is.
    """

    account: Account


@attrs.frozen(kw_only=True)
class PasswordRefused(_Outcome):
    """
    The new password breaks the policy; nothing was written, and the ticket goes on working.

    Attributes:
        violations: Everything that is wrong with it, at once.
    """

    violations: tuple[Violation, ...]


@attrs.frozen(kw_only=True)
class TicketInvalid(_Outcome):
    """The ticket is not, or no longer, good for anything; sign in again to get another. It has no fields (R7)."""


@attrs.frozen(kw_only=True)
class Renamed(_Outcome):
    """
    The account has the new user name.

    Attributes:
        account: The account as it is now.
    """

    account: Account


@attrs.frozen(kw_only=True)
class UsernameTaken(_Outcome):
    """Another account has that user name, or one that is matched by the same key; nothing was written."""


SignInOutcome = SignedIn | PasswordChangeRequired | DefaultExpired | SignInDenied | TryLater | Unavailable
"""What `SignInService.sign_in` returns."""

CompleteChangeOutcome = PasswordChanged | PasswordRefused | TicketInvalid | TryLater | Unavailable
"""What `SignInService.complete_change` returns."""

ChangePasswordOutcome = (
    PasswordChanged | PasswordRefused | PasswordChangeRequired | DefaultExpired | SignInDenied | TryLater | Unavailable
)
"""What `SignInService.change_password` returns."""
