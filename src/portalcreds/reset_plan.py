"""See what setting passwords would do, and press OK: only a confirmed plan can be applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final, overload
from uuid import uuid4

import attrs

from ._html import records_as_html
from .accounts import AccountStatus, is_code
from .contacts import ContactId
from .exceptions import InvalidValueError
from .privileges import Operator
from .protocols import Clock


class Decision(StrEnum):
    """What a plan has for one contact."""

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

    NO_USERNAME = "no_username"
    """Cannot: a password without a user name is of no use; give the account one first."""

    NOT_PERMITTED = "not_permitted"
    """Cannot: the operator lacks the privilege on this account, or it is their own."""

    REVEAL_NOT_PERMITTED = "reveal_not_permitted"
    """Cannot: the plan reveals passwords, and the operator lacks the privilege to see this one."""

    NOT_DERIVABLE = "not_derivable"
    """Cannot: the contact's names make no default; correct them in the SIS or draw a password."""

    EXPIRY_PASSED = "expiry_passed"
    """Cannot: the plan's own expiry passed before it was applied; make a new plan."""

    KEPT_CHANGING = "kept_changing"
    """Cannot: the account kept changing while it was written; try again."""

    STORE_UNAVAILABLE = "store_unavailable"
    """Cannot: the store could not be reached; apply the same confirmed plan again."""

    STORE_REFUSED = "store_refused"
    """Cannot: the database refused this row, such as by a trigger, or gave what no account can be; see its own log."""

    HASHING_UNAVAILABLE = "hashing_unavailable"
    """Cannot: hashing failed for want of memory; apply the same confirmed plan again."""


@attrs.frozen(kw_only=True)
class ResetPlanItem:
    """
    One contact's row.

    Attributes:
        contact_id: Whose account.
        decision: What will be done.
        reason: Why it is not set; None if it will be.
        warnings: What to look at before pressing OK, as codes: a strategy's (see `DefaultWarning`),
            ``replaces_chosen``, ``replaces_live_default``, ``default_of_old_name`` (the live one is made of names that
            changed since), and after applying ``name_changed``.
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


@attrs.frozen(kw_only=True)
class Confirmation:
    """
    The message that the operator presses OK on, as data.

    Attributes:
        code: ``confirm_set_one``, ``confirm_set_many`` or ``nothing_to_set``, for a text of the portal's own.
        parameters: What such a text needs. Holds names, hence hidden from ``repr``; never a password.
        text: The same in English.
    """

    code: str
    parameters: Mapping[str, str | int] = attrs.field(repr=False)
    text: str = attrs.field(repr=False)


class _NotSent(Enum):
    """Told apart from None, which is what a web form's missing field gives."""

    NOT_SENT = "not sent"


@attrs.frozen(kw_only=True, repr=False)
class ResetPlan:
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
    """

    items: tuple[ResetPlanItem, ...]
    operator: Operator
    strategy: str
    lifetime: timedelta
    expires_at: datetime | None = None
    reveal: bool = False
    _clock: Clock = attrs.field(alias="clock", eq=False)

    def __iter__(self) -> Iterator[ResetPlanItem]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def count(self, decision: Decision) -> int:
        """Return how many contacts the decision is about."""
        return sum(item.decision == decision for item in self.items)

    @property
    def fingerprint(self) -> str:
        """
        What the operator saw, in 64 hexadecimal digits: ids, epochs, decisions, reasons, strategy and expiry.

        A web page sends it along with OK. It holds nothing secret and proves nothing; it tells that the world moved.
        """
        digest = hashlib.sha256()
        expiry = None if self.expires_at is None else self.expires_at.isoformat()
        head = [self.strategy, self.lifetime.total_seconds(), expiry, self.reveal]
        digest.update(json.dumps(head).encode())
        for item in self.items:
            row = [item.contact_id, item.epoch, item.decision, item.reason]
            # JSON on a line of its own: no two rows run into each other.
            digest.update(b"\n" + json.dumps(row).encode())
        return digest.hexdigest()

    @property
    def confirmation(self) -> Confirmation:
        """The message to press OK on."""
        return _confirmation(self)

    @overload
    def confirm(self, operator: Operator, *, key: str | None = None) -> ConfirmedPlan: ...

    @overload
    def confirm(
        self, operator: Operator, *, fingerprint: str | None, key: str | None = None
    ) -> ConfirmedPlan | PlanChanged: ...

    def confirm(
        self, operator: Operator, *, fingerprint: str | _NotSent | None = _NotSent.NOT_SENT, key: str | None = None
    ) -> ConfirmedPlan | PlanChanged:
        """
        Press OK.

        Args:
            operator: Who pressed it. Their privileges count when the plan is applied.
            fingerprint: The fingerprint of the plan that the operator saw, where OK arrives in another request: make
                the plan anew there, and it is confirmed only if it is still the same. None, as for a form field that
                is missing, is never the same.
            key: What identifies the job, to resume it by; drawn if None. At most 64 printable ASCII characters, and
                never the same for two jobs: the second would take what the first did for its own.

        Returns:
            The confirmed plan, or `PlanChanged` with this plan, to be shown again.

        Raises:
            InvalidValueError: *key* cannot be one.
        """
        if key is not None and not is_code(key):
            raise InvalidValueError(
                "key", "pass 1 to 64 printable ASCII characters without blanks around them, or None"
            )
        if fingerprint is not _NotSent.NOT_SENT and fingerprint != self.fingerprint:
            return PlanChanged(plan=self)
        return ConfirmedPlan(plan=self, operator=operator, confirmed_at=self._clock(), key=key or uuid4().hex)

    def to_records(self) -> list[dict[str, str | None]]:
        """Return the rows as plain records with names and user names, for a table or a DataFrame."""
        return [
            {
                "contact_id": item.contact_id,
                "first_name": item.first_name,
                "last_name": item.last_name,
                "username": item.username,
                "status": None if item.status is None else item.status.value,
                "decision": item.decision.value,
                "reason": None if item.reason is None else item.reason.value,
                "warnings": ", ".join(item.warnings),
            }
            for item in self.items
        ]

    def __repr__(self) -> str:
        counts = ", ".join(f"{decision.value}: {self.count(decision)}" for decision in Decision)
        return f"<ResetPlan of {len(self)} contacts ({counts})>"

    def _repr_html_(self) -> str:
        """Return the first rows as a table for a notebook, with the names that the operator may see."""
        return records_as_html(self.to_records())


@attrs.frozen(kw_only=True)
class PlanChanged:
    """
    OK was pressed on something else: the world moved between showing and confirming. Nothing was written.

    Attributes:
        plan: The plan as it is now, to be shown again.
    """

    plan: ResetPlan


@attrs.frozen(kw_only=True)
class ConfirmedPlan:
    """
    A plan that somebody pressed OK on; made by `ResetPlan.confirm` and by nothing else.

    Attributes:
        plan: What was confirmed.
        operator: Who pressed OK.
        confirmed_at: When.
        key: What identifies the job; kept on each credential it issues, so that applying again sets nothing twice.
    """

    plan: ResetPlan
    operator: Operator
    confirmed_at: datetime
    key: str


def _confirmation(plan: ResetPlan) -> Confirmation:
    to_set = [item for item in plan.items if item.decision == Decision.WILL_SET]
    replaced = sum("replaces_chosen" in item.warnings for item in to_set)
    expiry = f"for {_in_words(plan.lifetime)}"
    if plan.expires_at is not None:
        expiry = f"until {plan.expires_at.isoformat(sep=' ', timespec='minutes')}"
    parameters: dict[str, str | int] = {
        "set": len(to_set),
        "skipped": plan.count(Decision.SKIP),
        "cannot": plan.count(Decision.CANNOT),
        "replaces_chosen": replaced,
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
    if len(to_set) < len(plan.items):
        text += f" Left out: {_left_out(plan)}."
    return Confirmation(code="confirm_set_many", parameters=parameters, text=text)


def _left_out(plan: ResetPlan) -> str:
    return ", ".join(f"{plan.count(decision)} {words}" for decision, words in _LEFT_OUT if plan.count(decision))


def _in_words(lifetime: timedelta) -> str:
    """Return a span of time in the largest unit of which it is at least two, rounded down."""
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if lifetime >= 2 * length:
            return f"{lifetime // length} {unit}s"
    return "a minute"


_LEFT_OUT: Final = ((Decision.SKIP, "skipped"), (Decision.CANNOT, "cannot be set"))
