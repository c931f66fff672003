"""Show what a step on many accounts would do, and confirm it with OK: nothing is written before (R11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Final, Generic, Protocol, Self, TypeVar, overload

import attrs

from ._arguments import operator_in
from ._chunks import chunks
from ._ids import new_id
from ._spoken import Spoken
from ._table import Row, Shown, Table
from ._text import is_code, same_text
from ._time import CLOCK_TOLERANCE
from ._value import Value
from .audit import AuditEvent, AuditKind
from .exceptions import ConfigurationError, InvalidValueError
from .privileges import Operator, actor
from .protocols import AuditSink, Clock

MAX_WAIT: Final = timedelta(hours=24)
"""How long after OK a plan may be started; what was shown to the operator grows old. A started one may be resumed."""

_KindT = TypeVar("_KindT", bound=StrEnum)
_KindT_co = TypeVar("_KindT_co", bound=StrEnum, covariant=True)
_RowT = TypeVar("_RowT", bound="PlanRow[StrEnum]")
_DoneT = TypeVar("_DoneT", bound="Row[StrEnum]")
_PlanT = TypeVar("_PlanT", bound="Plan[Any, Any]")
_ItemT = TypeVar("_ItemT")
_ResultT = TypeVar("_ResultT")


class PlanRow(Row[_KindT_co], Protocol[_KindT_co]):
    """One row of a plan."""

    @property
    def epoch(self) -> int | None:
        """The credential's generation when the plan was made, or None."""
        ...


class _NotSent(Enum):
    """Not None: that is what a web form gives for a missing field."""

    NOT_SENT = "not sent"


class PlanRecord:
    """
    Where it is recorded that a plan changed before OK.

    Args:
        audit: The sink; None for a plan that was pickled, because a sink stays where its store is.
    """

    def __init__(self, audit: AuditSink | None = None) -> None:
        self._audit = audit

    def __reduce__(self) -> tuple[object, ...]:
        return PlanRecord, ()

    def note(self, event: AuditEvent) -> None:
        """Record the event."""
        if self._audit is not None:
            self._audit.record([event])


class Plan(Table[_RowT, _KindT]):
    """What a step would do to a frozen list of rows; nothing is written (R11)."""

    __slots__ = ()

    operator: Operator
    tenant: str
    _clock: Clock
    _record: PlanRecord

    @property
    def terms(self) -> Sequence[object]:
        """What the operator confirms besides the rows, as values that JSON can write."""
        raise NotImplementedError

    @property
    def unseen(self) -> Iterable[str]:
        """What is written besides and not shown. In the seal, because it never leaves the process."""
        return ()

    @property
    def fingerprint(self) -> str:
        """
        All that the operator saw, in 64 hexadecimal digits: each row as it is shown, and the terms of the plan.

        A web page sends it along with OK. It is no proof of anything; it only tells whether something changed.
        """
        # Here: importing the package needs neither.
        import hashlib
        import json

        seen = hashlib.sha256()
        seen.update(json.dumps([*self.terms, self.tenant]).encode())
        for item in self.items:
            row = [item.epoch, *item.to_record().values()]
            # JSON on a line of its own: no two rows run into each other.
            seen.update(b"\n" + json.dumps(row).encode())
        return seen.hexdigest()

    @overload
    def confirm(self, operator: Operator, *, key: str | None = None) -> ConfirmedPlan[Self]: ...

    @overload
    def confirm(
        self, operator: Operator, *, fingerprint: str | None, key: str | None = None
    ) -> ConfirmedPlan[Self] | PlanChanged[Self]: ...

    def confirm(
        self, operator: Operator, *, fingerprint: str | _NotSent | None = _NotSent.NOT_SENT, key: str | None = None
    ) -> ConfirmedPlan[Self] | PlanChanged[Self]:
        """
        Confirm the plan: the operator pressed OK.

        Args:
            operator: Who pressed OK. What follows runs with their privileges.
            fingerprint: Where OK arrives in another request, the fingerprint of the plan that the operator saw. Make
                the plan again there; it is confirmed only if its fingerprint is the same. None, as for a form field
                that is missing, is never the same.
            key: Identifies what is carried out, so that you can resume it; drawn if None. At most 64 printable ASCII
                characters. Never use a key for two jobs: the second would skip what the first did.

        Returns:
            The confirmed plan, or `PlanChanged` with this plan, to be shown again; that it changed is on the record.

        Raises:
            InvalidValueError: *key* cannot be one.
        """
        operator = operator_in(operator)
        if key is not None and not is_code(key):
            raise InvalidValueError(
                "key", "pass 1 to 64 printable ASCII characters without blanks around them, or None"
            )
        if fingerprint is not _NotSent.NOT_SENT and (type(fingerprint) is not str or fingerprint != self.fingerprint):
            changed = AuditEvent(
                kind=AuditKind.PLAN_CHANGED,
                at=self._clock(),
                **actor(operator),
                reason=type(self).__name__,
                operation_id=key,
                count=len(self),
            )
            self._record.note(changed)
            return PlanChanged(plan=self)
        confirmed = ConfirmedPlan(
            plan=self,
            operator=operator,
            confirmed_at=self._clock(),
            key=key or new_id(),
            is_new_key=key is None,
        )
        return attrs.evolve(confirmed, seal=_seal_of(confirmed))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PlanChanged(Spoken, Shown, Value, Generic[_PlanT]):
    """
    Something changed between showing the plan and OK, so the operator confirmed another plan. Nothing was written.

    Attributes:
        plan: The plan as it is now, to be shown again.
    """

    plan: _PlanT

    @property
    def _summary(self) -> str:
        return self.text

    def to_records(self) -> list[dict[str, str | None]]:
        """Return the rows of the plan as it is now."""
        return self.plan.to_records()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ConfirmedPlan(Shown, Value, Generic[_PlanT]):
    """
    A plan that an operator confirmed with OK. Only `Plan.confirm` makes one.

    Attributes:
        plan: What was confirmed.
        operator: Who pressed OK.
        confirmed_at: When.
        key: Identifies what is carried out. It is on each credential that is written, so that nothing is set twice.
        is_new_key: Whether the key was drawn for this plan. If not, an earlier plan may have used it, and what it set
            is read in the record.
        seal: What `Plan.confirm` makes of all the rest, so that a change made by mistake afterwards is found.
    """

    plan: _PlanT
    operator: Operator
    confirmed_at: datetime
    key: str
    is_new_key: bool = False
    seal: str = attrs.field(default="", repr=False)

    @property
    def _summary(self) -> str:
        at = self.confirmed_at.isoformat(sep=" ", timespec="minutes")
        return f"{self.plan._summary}, confirmed by {self.operator.operator_id} at {at}"

    def to_records(self) -> list[dict[str, str | None]]:
        """Return the rows of the plan."""
        return self.plan.to_records()


def check_confirmed(
    confirmed: Any,  # Any: what a program without type checks passes.
    plan: type[Plan[Any, Any]],
    row: type,
    now: datetime,
    is_sound: Callable[[ConfirmedPlan[Any]], bool],
) -> None:
    """
    Refuse what `Plan.confirm` cannot have returned: nothing else can be carried out.

    Args:
        confirmed: The confirmed plan.
        plan: What its plan must be.
        row: What each row of it must be.
        now: The time.
        is_sound: Tells whether the plan's terms are such as the service makes.

    Raises:
        ConfigurationError: It was changed, or is something else.
    """
    if not isinstance(confirmed, ConfirmedPlan) or not isinstance(confirmed.plan, plan):
        raise ConfigurationError(
            "confirmed", f"pass what {plan.__name__}.confirm returned; nothing else can be started"
        )
    operator_in(confirmed.operator)
    items: Any = confirmed.plan.items
    confirmed_at: Any = confirmed.confirmed_at
    if not (
        isinstance(items, tuple)
        and all(isinstance(item, row) for item in items)
        and is_code(confirmed.key)
        and isinstance(confirmed_at, datetime)
        and confirmed_at.utcoffset() == timedelta(0)
        # Clocks of two machines differ a little. A time far ahead would make the plan last for ever.
        and confirmed_at - now <= CLOCK_TOLERANCE
        and is_sound(confirmed)
        and _is_sealed(confirmed)
    ):
        raise ConfigurationError("confirmed", f"pass what {plan.__name__}.confirm returned, unchanged")


class Report(Table[_DoneT, _KindT]):
    """
    What was done to the rows of a confirmed plan.

    Attributes:
        key: The key that the plan was confirmed under, on each of its audit events.
        items: One result for each row of the plan, in their order.
    """

    __slots__ = ()

    key: str

    @property
    def is_complete(self) -> bool:
        """Whether every row was reached, and none failed."""
        return not any(row.kind.value in ("not_reached", "failed") for row in self.items)


def carry_out(
    items: Sequence[_ItemT],
    settle: Callable[[Sequence[_ItemT]], Iterable[_ResultT]],
    not_reached: Callable[[_ItemT], _ResultT],
    *,
    at_a_time: int,
    progress: Callable[[_ResultT], object] | None,
    cancel: Callable[[], bool] | None,
) -> tuple[_ResultT, ...]:
    """
    Return one result for each row of a plan, in their order, the rows that nothing is done with included.

    Args:
        items: The rows.
        settle: Does the work for a few rows, and returns one result for each.
        not_reached: Returns a row's result after a stop.
        at_a_time: How many rows are a few.
        progress: Called with each result once it is final, so that it counts up to the number of rows.
        cancel: Called before each few; True stops there.
    """
    results: list[_ResultT] = []
    for chunk in chunks(items, at_a_time):
        if cancel is not None and cancel():
            break
        for result in settle(chunk):
            results.append(result)
            if progress is not None:
                progress(result)
    return (*results, *map(not_reached, items[len(results) :]))


def _seal_of(confirmed: ConfirmedPlan[Any]) -> str:
    """Return what a confirmed plan's seal must be: a digest of all that the operator said yes to."""
    # Here: importing the package needs neither.
    import hashlib
    import json

    plan, operator = confirmed.plan, confirmed.operator
    parts = [plan.fingerprint, plan.operator.operator_id, operator.operator_id, operator.contact_id]
    sealed = hashlib.sha256()
    sealed.update(
        json.dumps([*parts, confirmed.confirmed_at.isoformat(), confirmed.key, confirmed.is_new_key]).encode()
    )
    # One after the other, and with its length before it: a district's hashes together are megabytes.
    for text in plan.unseen:
        sealed.update(f"\n{len(text)} {text}".encode("utf-8", "surrogatepass"))
    return sealed.hexdigest()


def _is_sealed(confirmed: ConfirmedPlan[Any]) -> bool:
    try:
        return same_text(confirmed.seal, _seal_of(confirmed))
    except (AttributeError, TypeError, ValueError):  # A part of it is not of its type.
        return False
