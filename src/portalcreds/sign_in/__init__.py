"""Sign contacts in, and make those on a default choose a password first."""

from __future__ import annotations

from .._lazy import found_in, names_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .breaches import BreachChecker as BreachChecker
    from .claim_proofs import CODE_LENGTH as CODE_LENGTH
    from .claim_proofs import KnownValues as KnownValues
    from .claim_proofs import LetterCode as LetterCode
    from .outcomes import ChangePasswordOutcome as ChangePasswordOutcome
    from .outcomes import ClaimProofRefused as ClaimProofRefused
    from .outcomes import CompleteChangeOutcome as CompleteChangeOutcome
    from .outcomes import DefaultExpired as DefaultExpired
    from .outcomes import PasswordChanged as PasswordChanged
    from .outcomes import PasswordChangeRequired as PasswordChangeRequired
    from .outcomes import PasswordCompromised as PasswordCompromised
    from .outcomes import PasswordRefused as PasswordRefused
    from .outcomes import SignedIn as SignedIn
    from .outcomes import SignInDenied as SignInDenied
    from .outcomes import SignInOutcome as SignInOutcome
    from .outcomes import TicketInvalid as TicketInvalid
    from .outcomes import TryLater as TryLater
    from .outcomes import Unavailable as Unavailable
    from .password_policy import MIN_LENGTH_ALONE as MIN_LENGTH_ALONE
    from .password_policy import MIN_LENGTH_WITH_SECOND_FACTOR as MIN_LENGTH_WITH_SECOND_FACTOR
    from .password_policy import PasswordCheck as PasswordCheck
    from .password_policy import PasswordPolicy as PasswordPolicy
    from .password_policy import Violation as Violation
    from .service import SignInService as SignInService
    from .tickets import MAX_TICKET_LIFETIME as MAX_TICKET_LIFETIME
    from .tickets import TICKET_BYTES as TICKET_BYTES
    from .tickets import ChangeTicket as ChangeTicket

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
    __all__ = names_in(_HOMES)
