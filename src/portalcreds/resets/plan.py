"""Show what setting passwords, or inviting, would do: only a confirmed plan becomes a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from .._spoken import Code, Spoken
from .._table import ShownRow
from .._text import one_line
from .._value import Value
from ..accounts import INVITATION, AccountStatus
from ..contacts import ContactId
from ..plans import Plan, PlanRecord
from ..privileges import Operator
from ..protocols import Clock
from ..texts import Message


class Decision(Code):
    """What a plan does with one contact."""

    WILL_SET = "will_set"
    SKIP = "skip"
    CANNOT = "cannot"


class DecisionReason(Code):
    """Why a password is not set, or a contact not invited."""

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


class ResetWarning(Code):
    """What to look at before pressing OK, or in the result."""

    REPLACES_CHOSEN = "replaces_chosen"
    """The contact chose the password that goes, or brought it from another system."""

    REPLACES_LIVE_DEFAULT = "replaces_live_default"
    """A default, or an invitation, still works, and goes."""

    DEFAULT_OF_OLD_NAME = "default_of_old_name"
    """The live default is made of names that changed since."""

    USERNAME_GIVES_DEFAULT_AWAY = "username_gives_default_away"
    """The default is in the user name."""

    NO_CLAIM_PROOF = "no_claim_proof"
    """The contact has nothing that the form for a new password will ask for."""

    NAME_CHANGED = "name_changed"
    """In the result, which shows the new name. A default that is derived is made of it."""

    USERNAME_CHANGED = "username_changed"
    """In the result, which shows the new user name."""

    LIMITS_NOT_LIFTED = "limits_not_lifted"
    """In the result: after too many failures the owner may have to wait."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ResetPlanItem(Value):
    """
    One contact's row.

    Attributes:
        contact_id: Whose account.
        decision: What will be done.
        reason: Why it is not set; None if it will be set.
        warnings: What to look at before pressing OK, as codes: those of `ResetWarning`, and a strategy's own, such as
            those of `DefaultWarning`. `texts.text_of` says them.
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
class Confirmation(Spoken, ShownRow, Value):
    """
    The message that the operator confirms with OK, as data.

    Attributes:
        code: ``confirm_set_one``, ``confirm_set_many``, ``confirm_invite_one``, ``confirm_invite_many`` or
            ``nothing_to_set``, for a text of the portal's own.
        parameters: The values for such a text. They include names and are hidden from ``repr``; never a password.
        messages: What it says, a sentence each, in one line: control characters and line separators in a name are
            escaped.
    """

    code: str
    parameters: Mapping[str, str | int] = attrs.field(repr=False)
    messages: tuple[Message, ...] = attrs.field(repr=False)

    @property
    def _summary(self) -> str:
        return self.text

    def to_record(self) -> dict[str, str | int]:
        """Return the code and the parameters as a plain record, names included."""
        return {"code": self.code, **self.parameters}


@attrs.frozen(kw_only=True, repr=False, eq=False)
class ResetPlan(Plan[ResetPlanItem, Decision]):
    """
    What setting passwords, or inviting, would do to a frozen list of contacts; nothing is written (R11).

    Iterate over it for its items, in the order selected.

    Attributes:
        items: One row for each contact.
        operator: Who asked.
        strategy: The id of the strategy that makes the defaults, or `portalcreds.accounts.INVITATION`.
        lifetime: How long a default or an invitation will work, counted from when it is set.
        expires_at: When they stop working instead, if the operator said so, or None.
        reveal: Whether the results will carry the passwords, or the tickets of the invitations.
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
    invites = plan.strategy == INVITATION
    left_out = {"skipped": plan.count(Decision.SKIP), "cannot": plan.count(Decision.CANNOT)}
    replaced, live = (
        sum(warning in item.warnings for item in to_set)
        for warning in (ResetWarning.REPLACES_CHOSEN, ResetWarning.REPLACES_LIVE_DEFAULT)
    )
    parameters: dict[str, str | int] = {
        "selected": len(plan.items),
        "set": len(to_set),
        **left_out,
        "replaces_chosen": replaced,
        "replaces_live_default": live,
        "strategy": plan.strategy,
        "lifetime_seconds": int(plan.lifetime.total_seconds()),
        "reveal": int(plan.reveal),
    }
    if plan.expires_at is not None:
        parameters["expires_at"] = plan.expires_at.isoformat()
    codes = {"skipped": "skipped", "cannot": "cannot_invite" if invites else "cannot"}
    told_left_out = [_message(codes[name], {name: count}, count) for name, count in left_out.items() if count]
    if not to_set:
        messages = [_message("nothing_to_set"), *told_left_out] if plan.items else [_message("nobody_selected")]
        return Confirmation(code="nothing_to_set", parameters=parameters, messages=tuple(messages))
    is_one = len(plan.items) == 1
    if is_one:
        (item,) = to_set
        parameters |= {"contact_id": item.contact_id, "name": item.name, "username": item.username or ""}
        names = {"name": item.name, "username": item.username}
        code = "confirm_invite_one" if invites else "confirm_set_one"
        messages = [_message(code if item.username else f"{code}.no_username", names)]
    else:
        counts = {"set": len(to_set), "total": len(plan.items)}
        code = "confirm_invite_many" if invites else "confirm_set_many"
        messages = [_message(code, counts, len(plan.items))]
    messages.append(_works(plan, "invitation_works" if invites else "works"))
    if plan.reveal and not invites:
        messages.append(_message("reveals_one" if is_one else "reveals_many"))
    if replaced:
        replacing = _message("replaces_chosen", {"count": replaced}, replaced)
        messages.append(_message("replaces_own") if is_one else replacing)
    if live and not is_one:
        messages.append(_message("replaces_live_default", {"count": live}, live))
    return Confirmation(
        code=code,
        parameters=parameters,
        messages=(*messages, *told_left_out),
    )


def _works(plan: ResetPlan, code: str) -> Message:
    """Say how long it works, in the largest unit of which there are at least two, rounded down."""
    if plan.expires_at is not None:
        return _message(f"{code}_until", {"until": plan.expires_at.isoformat(sep=" ", timespec="minutes")})
    units = {"days": timedelta(days=1), "hours": timedelta(hours=1), "minutes": timedelta(minutes=1)}
    unit = next((unit for unit, length in units.items() if plan.lifetime >= 2 * length), "minutes")
    count = max(1, plan.lifetime // units[unit])
    return _message(f"{code}_{unit}", {unit: count}, count)


def _message(code: str, parameters: Mapping[str, object] | None = None, count: int | None = None) -> Message:
    told = {name: one_line(value) if isinstance(value, str) else value for name, value in (parameters or {}).items()}
    return Message(f"{Confirmation.__name__}.{code}", told, count)
