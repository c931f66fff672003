"""Show what setting passwords would do: only a confirmed plan becomes a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import attrs

from .._text import one_line
from .._value import Value
from ..accounts import AccountStatus
from ..contacts import ContactId
from ..plans import Plan, PlanRecord
from ..privileges import Operator
from ..protocols import Clock


class Decision(StrEnum):
    """What a plan does with one contact."""

    WILL_SET = "will_set"
    SKIP = "skip"
    CANNOT = "cannot"


class DecisionReason(StrEnum):
    """Why a password is not set."""

    CHOSE_OWN = "chose_own"
    """Skipped: the contact chose the password, or brought it from another system; pass ``replace_chosen=True``."""

    DISABLED = "disabled"
    """Skipped: setting a password never lifts that; enable the account first."""

    CHANGED_MEANWHILE = "changed_meanwhile"
    """Skipped: the credential changed after the plan was made; look again."""

    NO_ACCOUNT = "no_account"
    """Cannot: add the contact with a sync first."""

    ERASED = "erased"
    """Cannot: the contact's data was erased; sync with ``restore_erased=True`` to bring the contact back."""

    NO_USERNAME = "no_username"
    """Cannot: nobody can sign in without a user name; give the account one first."""

    NOT_PERMITTED = "not_permitted"
    """Cannot: the operator lacks the privilege on this account, or it is their own."""

    REVEAL_NOT_PERMITTED = "reveal_not_permitted"
    """Cannot: the plan reveals passwords, and the operator lacks the privilege to see this one."""

    STRATEGY_FAILED = "strategy_failed"
    """Cannot: the strategy raised an error of its own; try it with this contact's names."""

    NOT_DERIVABLE = "not_derivable"
    """Cannot: no default can be made of the contact's names; correct them in the SIS or draw a password."""

    EXPIRY_PASSED = "expiry_passed"
    """Cannot: the plan's own expiry passed before this contact's turn; make a new plan."""

    KEPT_CHANGING = "kept_changing"
    """Failed: others kept changing the account; start the same confirmed plan again."""

    STORE_UNAVAILABLE = "store_unavailable"
    """Failed: the store could not be reached; start the same confirmed plan again."""

    STORE_REFUSED = "store_refused"
    """Failed: the database refused this row, such as by a trigger, or it is not a valid account; see its own log."""

    HASHING_UNAVAILABLE = "hashing_unavailable"
    """Failed: there was no memory to hash with; start the same confirmed plan again."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ResetPlanItem(Value):
    """
    One contact's row.

    Attributes:
        contact_id: Whose account.
        decision: What will be done.
        reason: Why it is not set; None if it will be set.
        warnings: What to look at before pressing OK, as codes: a strategy's (see `DefaultWarning`),
            ``replaces_chosen``, ``replaces_live_default``, ``default_of_old_name`` (the live one is made of names that
            changed since), ``username_gives_default_away`` (the default is in the user name), ``no_claim_proof`` (the
            contact has nothing that the sign-in form will ask for). In the result also
            ``name_changed`` (the default is made of the new name), ``username_changed`` (the result shows the new user
            name) and ``limits_not_lifted`` (after too many failures the owner may have to wait).
        first_name: The first name in the SIS, for showing.
        last_name: The last name in the SIS, for showing.
        username: The user name, for showing; None also if the operator may not see it.
        status: The account's status when the plan was made; None without an account, or a privilege on it.
        epoch: The credential's generation when the plan was made; None likewise.
    """

    contact_id: ContactId
    decision: Decision
    reason: DecisionReason | None = None
    warnings: tuple[str, ...] = ()
    first_name: str | None = attrs.field(default=None, repr=False)
    last_name: str | None = attrs.field(default=None, repr=False)
    username: str | None = attrs.field(default=None, repr=False)
    status: AccountStatus | None = None
    epoch: int | None = None

    @property
    def name(self) -> str:
        """First and last name, or the contact's id where there is neither."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.contact_id

    @property
    def kind(self) -> Decision:
        """What rows are counted by: the decision."""
        return self.decision

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record, names included."""
        return {
            "contact_id": self.contact_id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "username": self.username,
            "status": None if self.status is None else self.status.value,
            "decision": self.decision.value,
            "reason": None if self.reason is None else self.reason.value,
            "warnings": ", ".join(self.warnings),
        }


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Confirmation(Value):
    """
    The message that the operator confirms with OK, as data.

    Attributes:
        code: ``confirm_set_one``, ``confirm_set_many`` or ``nothing_to_set``, for a text of the portal's own.
        parameters: The values for such a text. They include names and are hidden from ``repr``; never a password.
        text: The same in English, in one line: control characters and line separators in a name are escaped.
    """

    code: str
    parameters: Mapping[str, str | int] = attrs.field(repr=False)
    text: str = attrs.field(repr=False, converter=one_line)


@attrs.frozen(kw_only=True, repr=False, eq=False)
class ResetPlan(Plan[ResetPlanItem, Decision]):
    """
    What setting passwords would do to a frozen list of contacts; nothing is written (R11).

    Iterate over it for its items, in the order selected.

    Attributes:
        items: One row for each contact.
        operator: Who asked.
        strategy: The id of the strategy that makes the defaults.
        lifetime: How long a default will work, counted from when it is set.
        expires_at: When the defaults stop working instead, if the operator said so, or None.
        reveal: Whether the results will carry the passwords.
        replace_chosen: Whether passwords that contacts chose, or that were imported, are replaced.
        tenant: The tenant of the store that the plan was made over; empty for a store without one, and then nothing
            tells whether it is carried out over the same database.
    """

    items: tuple[ResetPlanItem, ...]
    operator: Operator
    strategy: str
    lifetime: timedelta
    expires_at: datetime | None = None
    reveal: bool = False
    replace_chosen: bool = False
    tenant: str = ""
    _clock: Clock = attrs.field(alias="clock", eq=False)
    _record: PlanRecord = attrs.field(factory=PlanRecord, alias="record", eq=False, repr=False)

    @property
    def terms(self) -> Sequence[object]:
        """What the operator confirms besides the rows."""
        expiry = None if self.expires_at is None else self.expires_at.isoformat()
        return self.strategy, self.lifetime.total_seconds(), expiry, self.reveal, self.replace_chosen

    @property
    def confirmation(self) -> Confirmation:
        """The message to confirm with OK."""
        return _confirmation(self)


def _confirmation(plan: ResetPlan) -> Confirmation:
    to_set = [item for item in plan.items if item.decision == Decision.WILL_SET]
    replaced, live = (
        sum(warning in item.warnings for item in to_set) for warning in ("replaces_chosen", "replaces_live_default")
    )
    expiry = f"for {_in_words(plan.lifetime)}"
    if plan.expires_at is not None:
        expiry = f"until {plan.expires_at.isoformat(sep=' ', timespec='minutes')}"
    parameters: dict[str, str | int] = {
        "selected": len(plan.items),
        "set": len(to_set),
        "skipped": plan.count(Decision.SKIP),
        "cannot": plan.count(Decision.CANNOT),
        "replaces_chosen": replaced,
        "replaces_live_default": live,
        "strategy": plan.strategy,
        "lifetime_seconds": int(plan.lifetime.total_seconds()),
        "reveal": int(plan.reveal),
    }
    if plan.expires_at is not None:
        parameters["expires_at"] = plan.expires_at.isoformat()
    if not to_set:
        return Confirmation(
            code="nothing_to_set",
            parameters=parameters,
            text=f"No password can be set: {_left_out(plan)}." if plan.items else "Nobody is selected.",
        )
    after = f"The default works {expiry} and must be changed at the next sign-in."
    if plan.reveal:
        after += " The passwords will be shown once, now." if len(plan.items) > 1 else " It will be shown once, now."
    if len(plan.items) == 1:
        (item,) = to_set
        parameters |= {"contact_id": item.contact_id, "name": item.name, "username": item.username or ""}
        own = " The password that the contact chose will stop working." if replaced else ""
        username = f" (user name {item.username})" if item.username else ""
        text = f"Set the password of {item.name}{username} to the default? {after}{own}"
        return Confirmation(code="confirm_set_one", parameters=parameters, text=text)
    text = f"Set the passwords of {len(to_set)} of {len(plan.items)} contacts to the default? {after}"
    if replaced:
        text += f" {replaced} of them chose a password, which will stop working."
    if live:
        text += f" {live} of them have a default that works, and will have a new one."
    if len(to_set) < len(plan.items):
        text += f" Left out: {_left_out(plan)}."
    return Confirmation(code="confirm_set_many", parameters=parameters, text=text)


def _left_out(plan: ResetPlan) -> str:
    return ", ".join(f"{plan.count(decision)} {words}" for decision, words in _LEFT_OUT if plan.count(decision))


def _in_words(lifetime: timedelta) -> str:
    """Return a span of time in the largest unit of which there are at least two, rounded down."""
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if lifetime >= 2 * length:
            return f"{lifetime // length} {unit}s"
    return "a minute"


_LEFT_OUT: Final = ((Decision.SKIP, "skipped"), (Decision.CANNOT, "cannot be set"))
