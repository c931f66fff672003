"""Show what a step on many accounts would do, such as to disable them, and what it did."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from .._spoken import Code
from .._value import Value
from ..accounts import AccountStatus
from ..contacts import ContactId
from ..plans import Plan, PlanRecord, Report
from ..privileges import Operator
from ..protocols import Clock
from .steps import AccountChange


class ChangeDecision(Code):
    """What a plan does with one contact."""

    WILL_CHANGE = "will_change"
    SKIP = "skip"
    CANNOT = "cannot"


class ChangeReason(Code):
    """Why an account is not changed."""

    ALREADY_SO = "already_so"
    """Skipped: it is disabled, enabled or erased already."""

    CHANGED_MEANWHILE = "changed_meanwhile"
    """Skipped: the credential changed after the plan was made; look again."""

    NO_ACCOUNT = "no_account"
    """Cannot: the contact has no account."""

    NO_PASSWORD = "no_password"
    """Cannot: there is no password that could be changed."""

    ERASED = "erased"
    """Cannot: the contact's data was erased."""

    BEING_MOVED = "being_moved"
    """Cannot: an interrupted `AccountService.rekey` has to go on first."""

    NOT_PERMITTED = "not_permitted"
    """Cannot: the operator lacks the privilege on this account, or it is their own."""

    KEPT_CHANGING = "kept_changing"
    """Failed: others kept changing the account; plan again."""

    STORE_UNAVAILABLE = "store_unavailable"
    """Failed: the store could not be reached; plan again."""

    STORE_REFUSED = "store_refused"
    """Failed: the database refused this row, such as by a trigger, or it is not a valid account; see its own log."""


class ChangeOutcome(Code):
    """What became of one contact's account."""

    CHANGED = "changed"
    ALREADY_CHANGED = "already_changed"
    """An earlier run under the same key did it."""

    SKIPPED = "skipped"
    CANNOT = "cannot"
    FAILED = "failed"
    NOT_REACHED = "not_reached"
    """It was cancelled before."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ChangeItem(Value):
    """
    One contact's row. It has no names: the step does not depend on them, and takes no privilege to see them.

    Attributes:
        contact_id: Whose account.
        decision: What will be done.
        reason: Why it is not changed; None if it will be.
        status: What the account's status is; None without an account, or where the operator may not.
        epoch: The credential's generation when the plan was made; None likewise.
    """

    contact_id: ContactId
    decision: ChangeDecision
    reason: ChangeReason | None = None
    status: AccountStatus | None = None
    epoch: int | None = None

    @property
    def kind(self) -> ChangeDecision:
        """What rows are counted by: the decision."""
        return self.decision

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record."""
        return {
            "contact_id": self.contact_id,
            "status": None if self.status is None else self.status.value,
            "decision": self.decision.value,
            "reason": None if self.reason is None else self.reason.value,
        }


@attrs.frozen(kw_only=True, repr=False, eq=False)
class ChangePlan(Plan[ChangeItem, ChangeDecision]):
    """
    What a step on many accounts would do; nothing is written (R11).

    Attributes:
        items: One for each contact, in their order.
        operator: Who asked.
        change: What is done.
        reason: Why a new password is demanded, as a code; None for any other change.
        tenant: The tenant of the store that the plan was made over; empty for a store without one, and then nothing
            tells whether it is carried out over the same database.
    """

    items: tuple[ChangeItem, ...]
    operator: Operator
    change: AccountChange
    reason: str | None = None
    tenant: str = ""
    _clock: Clock = attrs.field(alias="clock", eq=False)
    _record: PlanRecord = attrs.field(factory=PlanRecord, alias="record", eq=False, repr=False)

    @property
    def terms(self) -> Sequence[object]:
        """What the operator confirms besides the rows."""
        return self.change, self.reason


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ChangeResult(Value):
    """
    One contact's result.

    Attributes:
        item: The row of the plan.
        outcome: What happened.
        reason: Why it was not changed; None if it was.
    """

    item: ChangeItem
    outcome: ChangeOutcome
    reason: ChangeReason | None = None

    @property
    def kind(self) -> ChangeOutcome:
        """What rows are counted by: the outcome."""
        return self.outcome

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record."""
        return {
            "contact_id": self.item.contact_id,
            "outcome": self.outcome.value,
            "reason": None if self.reason is None else self.reason.value,
        }


@attrs.frozen(kw_only=True, repr=False, eq=False)
class ChangeReport(Report[ChangeResult, ChangeOutcome]):
    """
    What a step on many accounts did.

    Attributes:
        key: Its key, on each of its audit events.
        items: One result for each row of the plan, in their order.
    """

    key: str
    items: tuple[ChangeResult, ...]
