"""Follow a confirmed plan as it is applied, contact by contact, and read what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from threading import Lock
from typing import Final

import attrs

from ._html import records_as_html
from .contacts import ContactId
from .reset_plan import ConfirmedPlan, Decision, DecisionReason, ResetPlanItem
from .secret import Secret

_CHUNK: Final = 64
"""Contacts read, hashed and committed at a time: what a kill can interrupt, a second or so of hashing."""


class ResetOutcome(StrEnum):
    """What became of one contact's password."""

    SET = "set"
    ALREADY_SET = "already_set"
    """By this job, in an earlier run; nothing was written again."""

    UNDELIVERED = "undelivered"
    """Set by this job in an earlier run; the password was drawn and cannot be had back, so only a new plan helps."""

    SKIPPED = "skipped"
    CANNOT = "cannot"
    """It cannot be set, whenever it is tried: the plan said so, or it turned out so when it was applied."""

    FAILED = "failed"
    """It could have been set, and something went wrong; apply the same confirmed plan again, or look at the reason."""

    NOT_REACHED = "not_reached"
    """The job was cancelled or left before it came here; apply the same confirmed plan again."""


@attrs.frozen(kw_only=True)
class ResetResult:
    """
    One contact's result.

    Attributes:
        item: The row of the plan it belongs to.
        outcome: What became of it.
        reason: Why it was not set; None if it was.
        warnings: What to look at, as codes; see `ResetPlanItem.warnings`.
        secret: The password, if the plan reveals and it was set now. Kept by the job and its report only, until you
            drop them.
    """

    item: ResetPlanItem
    outcome: ResetOutcome
    reason: DecisionReason | None = None
    warnings: tuple[str, ...] = ()
    secret: Secret | None = None

    @property
    def contact_id(self) -> ContactId:
        """Whose account."""
        return self.item.contact_id


@attrs.frozen(kw_only=True, repr=False)
class ResetReport:
    """
    What came of a job so far.

    Attributes:
        key: The job's key.
        results: One for each contact of the plan, in the order selected.
    """

    key: str
    results: tuple[ResetResult, ...]

    def __iter__(self) -> Iterator[ResetResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def count(self, outcome: ResetOutcome) -> int:
        """Return how many contacts it became of."""
        return sum(result.outcome == outcome for result in self.results)

    @property
    def is_complete(self) -> bool:
        """Whether every contact was reached."""
        return not self.count(ResetOutcome.NOT_REACHED)

    def to_records(self) -> list[dict[str, str | None]]:
        """Return the rows as plain records with names and user names and without passwords."""
        return [
            {
                "contact_id": result.contact_id,
                "first_name": result.item.first_name,
                "last_name": result.item.last_name,
                "username": result.item.username,
                "outcome": result.outcome.value,
                "reason": None if result.reason is None else result.reason.value,
                "warnings": ", ".join(result.warnings),
            }
            for result in self.results
        ]

    def __repr__(self) -> str:
        counts = ", ".join(f"{outcome.value}: {self.count(outcome)}" for outcome in ResetOutcome if self.count(outcome))
        return f"<ResetReport of {len(self)} contacts ({counts or 'nothing'})>"

    def _repr_html_(self) -> str:
        """Return the first rows as a table for a notebook."""
        return records_as_html(self.to_records())


class ResetJob:
    """
    A confirmed plan at work: each step of the iteration hashes and commits a little more (R12).

    ``len()`` is the number of contacts, so any progress bar can be wrapped around it. Leaving the loop stops after what
    is committed; going on with another loop, or with `run`, continues there, also after an error that came out of it.
    Several threads may share the loop. Applying the same confirmed plan again, in this process or another, sets nothing
    twice.

    Args:
        confirmed: The plan.
        settle: Does the work for a few items, and puts each one's result into the dict, by contact id.
        cancel: Asked before each few; True stops the loop there.
    """

    def __init__(
        self,
        confirmed: ConfirmedPlan,
        settle: Callable[[Sequence[ResetPlanItem], dict[ContactId, ResetResult]], None],
        cancel: Callable[[], bool] | None = None,
    ) -> None:
        self.confirmed = confirmed
        self._settle = settle
        self._cancel = cancel
        self._settled: dict[ContactId, ResetResult] = {}
        self._told = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.confirmed.plan)

    def __iter__(self) -> Iterator[ResetResult]:
        while (result := self._next()) is not None:
            yield result

    def run(self, progress: Callable[[ResetResult], object] | None = None) -> ResetReport:
        """Do all that is left, tell *progress* of each result, and return the report."""
        for result in self:
            if progress is not None:
                progress(result)
        return self.report()

    def report(self) -> ResetReport:
        """Return what came of it so far, told in the loop or not; contacts that were not reached say so."""
        results = (
            self._settled.get(item.contact_id)
            or ResetResult(item=item, outcome=ResetOutcome.NOT_REACHED, warnings=item.warnings)
            for item in self.confirmed.plan.items
        )
        return ResetReport(key=self.confirmed.key, results=tuple(results))

    def __repr__(self) -> str:
        return f"<ResetJob {self.confirmed.key}: {len(self._settled)} of {len(self)} contacts done>"

    def _next(self) -> ResetResult | None:
        with self._lock:
            if self._told == len(self):
                return None
            chunk = self.confirmed.plan.items[self._told : self._told + _CHUNK]
            if chunk[0].contact_id not in self._settled:
                if self._cancel is not None and self._cancel():
                    return None
                self._settle([item for item in chunk if item.contact_id not in self._settled], self._settled)
            self._told += 1
            return self._settled[chunk[0].contact_id]


def not_planned(item: ResetPlanItem) -> ResetResult:
    """Return the result of a contact that the plan left out."""
    outcome = ResetOutcome.SKIPPED if item.decision == Decision.SKIP else ResetOutcome.CANNOT
    return ResetResult(item=item, outcome=outcome, reason=item.reason, warnings=item.warnings)
