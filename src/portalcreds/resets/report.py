"""What became of each contact of a job."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from .._spoken import Code
from .._table import Table
from .._time import text_of_instant
from .._value import Value
from ..accounts import Account, CredentialOrigin
from ..contacts import ContactId
from ..secret import Secret

if TYPE_CHECKING:
    from .plan import DecisionReason, ResetPlanItem


class ResetOutcome(Code):
    """What happened to one contact's password, or invitation."""

    SET = "set"

    UNDELIVERED = "undelivered"
    """
    The job set it, and the run that drew the password or the invitation ended before it was handed over. Make a new
    plan for this contact.
    """

    SKIPPED = "skipped"
    CANNOT = "cannot"
    """It cannot be set: the plan said so, or the state of the account did when its turn came."""

    FAILED = "failed"
    """Something went wrong; look at the reason. Where it says so, run the job again."""

    NOT_REACHED = "not_reached"
    """The job has not come to this contact, or was cancelled before it did."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ResetResult(Value):
    """
    One contact's result.

    Attributes:
        item: The row of the plan it belongs to, with the names that the account has now.
        outcome: What happened.
        reason: Why it was not set; None if it was.
        warnings: What to look at, as codes; see `ResetPlanItem.warnings`.
        issued_at: When the default was set, or the contact invited; None if it was not, or the account has another
            password by now.
        expires_at: When it stops working; None likewise.
        secret: The password, if the plan reveals and this job object set it. Of a plan that invites, the ticket of the
            invitation, in the form ``contact_id.secret``: what `SignInService.complete_change` takes. Only the job
            object and its report keep it, until you drop them.
    """

    item: ResetPlanItem
    outcome: ResetOutcome
    reason: DecisionReason | None = None
    warnings: tuple[str, ...] = ()
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    secret: Secret | None = None

    @property
    def contact_id(self) -> ContactId:
        """Whose account."""
        return self.item.contact_id

    @property
    def kind(self) -> ResetOutcome:
        """What rows are counted by: the outcome."""
        return self.outcome

    @property
    def may_be_tried_again(self) -> bool:
        """Whether it failed for a reason that may pass by itself; the next run of the job tries it again."""
        from .plan import DecisionReason

        passing = (DecisionReason.KEPT_CHANGING, DecisionReason.STORE_UNAVAILABLE, DecisionReason.HASHING_UNAVAILABLE)
        return self.outcome == ResetOutcome.FAILED and self.reason in passing

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record, names included, the password never."""
        return {
            "contact_id": self.contact_id,
            "first_name": self.item.first_name,
            "last_name": self.item.last_name,
            "username": self.item.username,
            "outcome": self.outcome.value,
            "reason": None if self.reason is None else self.reason.value,
            "warnings": ", ".join(self.warnings),
            "issued_at": text_of_instant(self.issued_at),
            "expires_at": text_of_instant(self.expires_at),
        }

    def dated(self, account: Account | None, key: str) -> ResetResult:
        """Return the result with the dates of the default, if *account* has the one that the job *key* set."""
        credential = None if account is None else account.credential
        if credential is None or credential.issue_id != key or credential.origin != CredentialOrigin.ISSUED:
            return self
        return attrs.evolve(self, issued_at=credential.issued_at, expires_at=credential.expires_at)


@attrs.frozen(kw_only=True, repr=False, eq=False)
class ResetReport(Table[ResetResult, ResetOutcome]):
    """
    What a job did so far.

    Attributes:
        key: The job's key.
        items: One result for each contact of the plan, in the order selected.
    """

    key: str
    items: tuple[ResetResult, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every contact was reached."""
        return not self.count(ResetOutcome.NOT_REACHED)


def not_planned(item: ResetPlanItem) -> ResetResult:
    """Return the result of a contact that the plan left out."""
    from .plan import Decision

    outcome = ResetOutcome.SKIPPED if item.decision == Decision.SKIP else ResetOutcome.CANNOT
    return ResetResult(item=item, outcome=outcome, reason=item.reason, warnings=item.warnings)
