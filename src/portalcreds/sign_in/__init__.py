"""Sign contacts in, and make those on a default choose a password first."""

from __future__ import annotations

from .._lazy import found_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .breaches import BreachChecker
    from .outcomes import (
        ChangePasswordOutcome,
        CompleteChangeOutcome,
        DefaultExpired,
        PasswordChanged,
        PasswordChangeRequired,
        PasswordRefused,
        SignedIn,
        SignInDenied,
        SignInOutcome,
        TicketInvalid,
        TryLater,
        Unavailable,
    )
    from .password_policy import (
        MIN_LENGTH_ALONE,
        MIN_LENGTH_WITH_SECOND_FACTOR,
        PasswordCheck,
        PasswordPolicy,
        Violation,
    )
    from .service import SignInService
    from .tickets import MAX_TICKET_LIFETIME, TICKET_BYTES, ChangeTicket

__all__ = [
    "MAX_TICKET_LIFETIME",
    "MIN_LENGTH_ALONE",
    "MIN_LENGTH_WITH_SECOND_FACTOR",
    "TICKET_BYTES",
    "BreachChecker",
    "ChangePasswordOutcome",
    "ChangeTicket",
    "CompleteChangeOutcome",
    "DefaultExpired",
    "PasswordChangeRequired",
    "PasswordChanged",
    "PasswordCheck",
    "PasswordPolicy",
    "PasswordRefused",
    "SignInDenied",
    "SignInOutcome",
    "SignInService",
    "SignedIn",
    "TicketInvalid",
    "TryLater",
    "Unavailable",
    "Violation",
]

_HOMES = {
    ".breaches": ("BreachChecker",),
    ".outcomes": (
        "ChangePasswordOutcome",
        "CompleteChangeOutcome",
        "DefaultExpired",
        "PasswordChanged",
        "PasswordChangeRequired",
        "PasswordRefused",
        "SignedIn",
        "SignInDenied",
        "SignInOutcome",
        "TicketInvalid",
        "TryLater",
        "Unavailable",
    ),
    ".password_policy": (
        "MIN_LENGTH_ALONE",
        "MIN_LENGTH_WITH_SECOND_FACTOR",
        "PasswordCheck",
        "PasswordPolicy",
        "Violation",
    ),
    ".service": ("SignInService",),
    ".tickets": (
        "MAX_TICKET_LIFETIME",
        "TICKET_BYTES",
        "ChangeTicket",
    ),
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = found_in(__name__, _HOMES)
