"""Sign contacts in, and make those on a default choose a password first."""

from __future__ import annotations

from .._lazy import found_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .breaches import BreachChecker
    from .claim_proofs import CODE_LENGTH, KnownValues, LetterCode
    from .outcomes import (
        ChangePasswordOutcome,
        ClaimProofRefused,
        CompleteChangeOutcome,
        DefaultExpired,
        PasswordChanged,
        PasswordChangeRequired,
        PasswordCompromised,
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
    "CODE_LENGTH",
    "MAX_TICKET_LIFETIME",
    "MIN_LENGTH_ALONE",
    "MIN_LENGTH_WITH_SECOND_FACTOR",
    "TICKET_BYTES",
    "BreachChecker",
    "ChangePasswordOutcome",
    "ChangeTicket",
    "ClaimProofRefused",
    "CompleteChangeOutcome",
    "DefaultExpired",
    "KnownValues",
    "LetterCode",
    "PasswordChangeRequired",
    "PasswordChanged",
    "PasswordCheck",
    "PasswordCompromised",
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
    ".claim_proofs": (
        "CODE_LENGTH",
        "KnownValues",
        "LetterCode",
    ),
    ".outcomes": (
        "ChangePasswordOutcome",
        "ClaimProofRefused",
        "CompleteChangeOutcome",
        "DefaultExpired",
        "PasswordChanged",
        "PasswordChangeRequired",
        "PasswordCompromised",
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
