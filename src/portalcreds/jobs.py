"""A confirmed plan, stored under its key: any process can go on with it, and tell how far it is (R12)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Self

import attrs

from ._spoken import Code
from ._table import ShownRow
from ._time import in_utc, utc, utc_or_none
from ._value import Value

MAX_JOB_TERMS: Final = 4_096
"""ASCII characters of a job's terms, at most."""

MAX_JOB_TEXT: Final = 65_535
"""ASCII characters of a chunk's items, and of its results, at most: what a ``TEXT`` of MariaDB's holds."""

LATELY: Final = timedelta(minutes=2)
"""How far back the work is looked at to tell how long the rest will take."""

CEILING_SPAN: Final = timedelta(days=1)
"""How far back the jobs of an operator are added up: a ceiling for each 24 hours, wherever a day begins."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StoredJob(Value):
    """
    A job as it is stored. It holds no name, no user name, no password and no hash.

    Attributes:
        key: Identifies the job.
        operator_id: Who pressed OK.
        terms: What was confirmed besides the contacts, as ASCII text that only the service reads.
        digest: Tells whether another plan under the same key has the same contacts and terms.
        total: How many contacts it is about.
        planned: How many of them were to be set.
        confirmed_at: When OK was pressed.
        started_at: When it was stored.
        closed_at: When the last chunk was finished or the job was cancelled; None while there is work.
    """

    key: str
    operator_id: str
    terms: str
    digest: str
    total: int
    planned: int
    confirmed_at: datetime = attrs.field(converter=in_utc, validator=utc)
    started_at: datetime = attrs.field(converter=in_utc, validator=utc)
    closed_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobChunk(Value):
    """
    A few dozen contacts of a job, which one worker does at a time.

    Attributes:
        number: Its place in the job: 0, 1, 2 and so on.
        size: How many contacts.
        items: What was planned for each, as ASCII text that only the service reads.
        results: What became of each so far, likewise; None before anything did.
    """

    number: int
    size: int
    items: str
    results: str | None = None


class AddOutcome(Code):
    """What became of a job that was to be stored."""

    ADDED = "added"
    """It is stored, and can be run."""

    KEY_TAKEN = "key_taken"
    """There is a job under its key; nothing was stored."""

    OVER_CEILING = "over_ceiling"
    """The operator's jobs would set more than they may; nothing was stored."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobAddition(Value):
    """
    The answer to whoever stores a job.

    Attributes:
        outcome: What became of it.
        planned: If it was over the ceiling, how many the operator's other jobs of the 24 hours were to set; else 0.
    """

    outcome: AddOutcome
    planned: int = 0


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobProgress(ShownRow, Value):
    """
    How far a job is, whoever works on it.

    Attributes:
        done: Contacts whose chunk is finished.
        total: Contacts of the job.
        held: Contacts whose chunk a worker has now.
        eta: How long the rest will take at the speed of the last two minutes; None if nothing was finished in them.
        is_cancelled: Whether somebody cancelled it before it was finished.
    """

    done: int
    total: int
    held: int = 0
    eta: timedelta | None = None
    is_cancelled: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether every contact was reached."""
        return self.done >= self.total

    def to_record(self) -> dict[str, str | int | None]:
        """Return it as a plain record, with the seconds that are left."""
        return {
            "done": self.done,
            "total": self.total,
            "held": self.held,
            "eta_seconds": None if self.eta is None else round(self.eta.total_seconds()),
            "is_cancelled": "yes" if self.is_cancelled else "no",
        }

    @classmethod
    def of(cls, job: StoredJob, *, done: int, held: int, lately: int, now: datetime) -> Self:
        """
        Return the progress of a job, for a store that counted.

        Args:
            job: The job.
            done: Contacts whose chunk is finished.
            held: Contacts in chunks that are claimed and whose lease has not ended.
            lately: Contacts whose chunk was finished in the last two minutes.
            now: The time.
        """
        left = job.total - done
        span = max(timedelta(), min(LATELY, now - job.started_at))
        return cls(
            done=done,
            total=job.total,
            held=held,
            eta=timedelta() if not left else span * left / lately if lately else None,
            is_cancelled=job.closed_at is not None and left > 0,
        )
