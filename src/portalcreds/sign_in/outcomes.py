"""The outcomes of a step at a form: frozen classes to ``match`` on, none of which is true or false."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

from .._outcome import Outcome
from ..accounts import Account
from ..secret import Secret
from .password_policy import Violation

if TYPE_CHECKING:
    from ..texts import Message


@attrs.frozen(kw_only=True, eq=False, repr=False)
class SignedIn(Outcome):
    """
    The only outcome that lets anybody in.

    Attributes:
        account: Whose. Bind the session to `contact_id` and ``credential.epoch``, and end it when the epoch moves.
        device: What to keep in a cookie of this browser and pass to `SignInService.sign_in` next time, so that guessing
            elsewhere does not keep the owner out. It lets nobody in. None if no *device* was passed.
    """

    account: Account
    device: Secret | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PasswordChangeRequired(Outcome):
    """
    The password is right, but the contact must choose a new one first. Make no session.

    Attributes:
        ticket: What `SignInService.complete_change` wants with the new password. Keep it in the form, not in a log.
        reason: Why: ``issued``, or the code passed to `AccountService.require_change`.
        claim_proof: What the form must ask for besides, as a code (`ClaimProof.kind`), or None for nothing.
    """

    ticket: Secret
    reason: str
    claim_proof: str | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says, by the reason where the catalogue has a text for it."""
        from ..texts import ENGLISH, Message

        key = f"{type(self).__name__}.{self.reason}"
        return (Message(key if key in ENGLISH else type(self).__name__),)


class DefaultExpired(Outcome):
    """
    The default password is right, but it has expired; the school has to set it again.

    So is one that was set by a clock that was more than an hour ahead, until that hour has come.
    """

    __slots__ = ()


class PasswordCompromised(Outcome):
    """
    The password is right, but the school says that others may know it; the school has to send an invitation.

    Or it sets a default. Nobody was let in, and there is no ticket: it would be the thief's as well.
    """

    __slots__ = ()


class SignInDenied(Outcome):
    """Nobody is let in. It has no fields: every reason must look the same, and only the record tells it (R7)."""

    __slots__ = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TryLater(Outcome):
    """
    Too many attempts, or too much work at once. It says nothing about whether there is such an account (R7).

    Attributes:
        retry_after: How long to wait.
    """

    retry_after: timedelta

    @property
    def seconds(self) -> int:
        """How long to wait, in whole seconds rounded up, as in the Retry-After header."""
        return math.ceil(self.retry_after.total_seconds())

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says, in minutes where that is at least two."""
        from ..texts import Message

        unit, length = ("minutes", 60) if self.seconds >= 120 else ("seconds", 1)
        count = math.ceil(self.seconds / length)
        return (Message(f"{type(self).__name__}.{unit}", {unit: count}, count),)


class Unavailable(Outcome):
    """The store cannot be reached, or there is no memory to hash with. Nobody was let in."""

    __slots__ = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PasswordChanged(Outcome):
    """
    The new password is stored. The contact is not signed in yet: let them sign in with it.

    Attributes:
        account: Whose it is.
    """

    account: Account


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PasswordRefused(Outcome):
    """
    The policy refuses the new password. Nothing was written, and the ticket still works.

    Attributes:
        violations: All that is wrong with it.
    """

    violations: tuple[Violation, ...]


class ClaimProofRefused(Outcome):
    """
    The claim proof is missing or wrong, or too many were wrong. It has no fields (R7).

    Nothing was written, and the ticket still works.
    """

    __slots__ = ()


class TicketInvalid(Outcome):
    """The ticket does not work, or no longer; sign in again to get another. It has no fields (R7)."""

    __slots__ = ()


SignInOutcome = (
    SignedIn | PasswordChangeRequired | PasswordCompromised | DefaultExpired | SignInDenied | TryLater | Unavailable
)
"""What `SignInService.sign_in` returns."""

CompleteChangeOutcome = PasswordChanged | PasswordRefused | ClaimProofRefused | TicketInvalid | TryLater | Unavailable
"""What `SignInService.complete_change` returns."""

ChangePasswordOutcome = (
    PasswordChanged
    | PasswordRefused
    | PasswordChangeRequired
    | PasswordCompromised
    | DefaultExpired
    | SignInDenied
    | TryLater
    | Unavailable
)
"""What `SignInService.change_password` returns."""
