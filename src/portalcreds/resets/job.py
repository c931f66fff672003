"""Carry out a stored job, contact by contact, beside others who do, and report the results (R12)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import attrs

from .._arguments import function_in, operator_in
from .._ids import new_id
from .._ledger import Accounts, Ledger
from .._table import Shown, records_as_html, said_as_html
from ..audit import AuditEvent, AuditKind
from ..contacts import ContactId
from ..exceptions import (
    ConfigurationError,
    CorruptRowError,
    InvalidValueError,
    JobNotFoundError,
    StoreError,
    TransactionAborted,
)
from ..jobs import JobChunk, JobProgress
from ..privileges import Operator, actor
from ..protocols import Clock, JobStore
from ._runner import ResetRun, ResetRunner
from ._stored import CHUNK_SIZE, StoredItem, read_chunk, write_results
from .plan import ResetPlanItem
from .report import ResetOutcome, ResetReport, ResetResult

_PAUSE: Final = 0.5
"""Seconds between two looks whether others are done with the last chunks."""

_PATIENCE: Final = 2
"""Leases for which nobody finished anything before the loop waits no longer, such as for a clock that stands still."""

_PAGE: Final = 7
"""Chunks read at a time for a report: what one look-up of accounts takes."""


class ResetJob(Shown):
    """
    A confirmed plan that is stored under its key: call `run`, or iterate. Nothing is set before (R12).

    Each step of the iteration claims a few dozen contacts for itself, hashes and commits them. It yields what it did
    itself, in the order selected; other processes may do the rest at the same time, and `report` has all of it.
    ``len()`` is the number of contacts.

    Leaving the loop stops after what is committed. Another loop, or `run`, goes on there, also after an error and from
    any other process: see `ResetService.resume`. Several threads may share the loop. When nothing is left but what
    other processes have in their hands, the loop waits for them: what a killed or frozen one had is free after the
    lease.
    """

    def __init__(
        self,
        run: ResetRun,
        *,
        jobs: JobStore,
        runner: ResetRunner,
        ledger: Ledger,
        clock: Clock,
        lease: timedelta,
    ) -> None:
        self._run = run
        self._jobs = jobs
        self._runner = runner
        self._ledger = ledger
        self._clock = clock
        self._lease = lease
        # Nobody could work these out again: they count as handed over only once the caller comes for the next one.
        self._is_drawn = run.terms.reveal and not runner.decider.strategy.is_derivable
        self._worker = new_id()
        self._lock = Lock()
        self._work: _Work | None = None
        self._known: dict[ContactId, ResetResult] = {}
        self._finished_here = 0
        self._failed: set[int] = set()
        self._damage: CorruptRowError | None = None
        self._after = -1
        self._has_claimed = False

    @property
    def key(self) -> str:
        """What the job is stored, found and resumed under."""
        return self._run.job.key

    @property
    def strategy(self) -> str:
        """The id of the strategy that its plan was made with, or `portalcreds.accounts.INVITATION`."""
        return self._run.terms.strategy

    def __len__(self) -> int:
        return self._run.job.total

    def __iter__(self) -> Iterator[ResetResult]:
        while (result := self._next()) is not None:
            yield result

    def run(self, progress: Callable[[ResetResult], object] | None = None) -> ResetReport:
        """
        Do all that is left, and return the report once every contact was reached, by whomever.

        What failed and may succeed later, such as after an outage, is not tried twice in one run: run it again.

        Args:
            progress: Called with each result of this run.
        """
        function_in("progress", progress)
        for result in self:
            if progress is not None:
                progress(result)
        return self.report()

    def progress(self) -> JobProgress:
        """
        Return how far the job is, whoever works on it; also in a process that only looks.

        Raises:
            JobNotFoundError: It was purged.
        """
        progress = self._jobs.job_progress(self.key, self._clock())
        if progress is None:
            raise JobNotFoundError(self.key)
        return progress

    def cancel(self, operator: Operator | None = None) -> None:
        """
        Have nobody begin another few dozen contacts, in whatever process. What is under way is committed.

        It is on the record, unless the job was at its end before.

        Args:
            operator: Who cancels it, for the record; None for a program.
        """
        if operator is not None:
            operator_in(operator)
        now = self._clock()
        # Never at the instant of its start, which says that it was refused and set nothing, so that it does not count.
        earliest = self._run.job.started_at + timedelta(microseconds=1)
        if self._jobs.cancel_job(self.key, max(now, earliest)):
            cancelled = AuditEvent(
                kind=AuditKind.OPERATION_CANCELLED,
                at=now,
                operation_id=self.key,
                count=self._run.job.planned,
                confirmed_at=self._run.job.confirmed_at,
            )
            by_whom = cancelled if operator is None else attrs.evolve(cancelled, **actor(operator))
            self._ledger.audit.record([by_whom])

    def report(self) -> ResetReport:
        """
        Return all results so far, whoever set them, in the order selected. The rest are ``not_reached``.

        Names are those that the accounts have now, and absent where these cannot be read. User names are those that the
        operator who confirmed may see. Passwords are only there if this object drew or derived them.

        Raises:
            JobNotFoundError: The job was purged.
            StoreError: The store could not be read.
        """
        results: list[ResetResult] = []
        after = -1
        while chunks := self._jobs.read_chunks(self.key, after, _PAGE):
            after = chunks[-1].number
            told = [each for chunk in chunks for each in read_chunk(chunk)]
            accounts = self._read_named([stored.contact_id for stored, _ in told if stored.names_mark is not None])
            for stored, result in told:
                known = self._known.get(stored.contact_id)
                account = accounts.get(stored.contact_id)
                item = stored.shown(account)
                done = _not_reached(item) if result is None else attrs.evolve(result, item=item)
                results.append(known or done.dated(account, self.key))
        if len(results) < len(self):
            raise JobNotFoundError(self.key)
        return ResetReport(key=self.key, items=tuple(results))

    def to_records(self) -> list[dict[str, str | None]]:
        """Return the records of `report`: all results so far, whoever set them."""
        return self.report().to_records()

    def _repr_html_(self) -> str:
        """Return how far it is, for a notebook. It is asked of the store; the results take as long as `report`."""
        try:
            progress = self.progress()
        except (StoreError, JobNotFoundError):
            return said_as_html(repr(self))
        said = f"job {self.key} of {len(self)} contacts; report() has the results, problems first"
        return said_as_html(said) + records_as_html(progress.to_records())

    def __repr__(self) -> str:
        here = f"{self._finished_here} done here" if self._finished_here else "nothing has run here yet"
        return f"<ResetJob {self.key} of {len(self)} contacts: {here}>"

    def _read_named(self, contact_ids: Sequence[ContactId]) -> Accounts:
        try:
            return self._ledger.read(contact_ids)[0] if contact_ids else {}
        except TransactionAborted:
            raise
        except StoreError:
            # What was done is worth more than how people are called.
            return {}

    # -- one step

    def _next(self) -> ResetResult | None:
        with self._lock:
            while self._work is not None or self._claim():
                work = self._work
                if work is None:
                    break
                if not work.is_settled:
                    self._settle(work)
                if work.untold:
                    if self._is_drawn:
                        self._prolong(work)
                    return work.untold.popleft()
                if not work.is_saved:
                    self._save(work)
                self._work = None
            return None

    def _claim(self) -> bool:
        """Claim the next chunk, waiting for others where nothing else is left; return whether there is one."""
        if self._runner.decider.strategy.id != self._run.terms.strategy:
            raise ConfigurationError("strategy", "run the job with the strategy that its plan was made with")
        done, give_up_at = -1, 0.0
        while self._finished_here < len(self):
            if self._claim_next():
                return True
            progress = self._jobs.job_progress(self.key, self._clock())
            if progress is None or progress.is_finished or progress.is_cancelled:
                break
            # Others may have left behind what this one passed by. If it claimed nothing on its way, they still may.
            if not self._has_claimed:
                if progress.done != done:
                    done, give_up_at = progress.done, time.monotonic() + _PATIENCE * self._lease.total_seconds()
                if not progress.held or time.monotonic() > give_up_at:
                    break
                time.sleep(_PAUSE)
            self._after, self._has_claimed = -1, False
        # Whoever runs it again wants to try again what failed.
        self._failed.clear()
        self._after, self._has_claimed = -1, False
        damage, self._damage = self._damage, None
        if damage is not None:
            raise damage
        return False

    def _claim_next(self) -> bool:
        now = self._clock()
        while numbers := self._jobs.open_chunks(self.key, self._after, now):
            for number in numbers:
                self._after = number
                if number in self._failed:
                    continue
                now = self._clock()
                chunk = self._jobs.claim_chunk(self.key, number, self._worker, now, now + self._lease)
                work = None if chunk is None else self._read_work(chunk, until=now + self._lease)
                if work is not None:
                    self._work = work
                    self._has_claimed = True
                    return True
        return False

    def _read_work(self, chunk: JobChunk, *, until: datetime) -> _Work | None:
        """Return what there is to do; None for a damaged row, which is told when all others are done."""
        try:
            return _Work(chunk, until=until)
        except CorruptRowError as damage:
            self._damage = damage.with_traceback(None)
        # Otherwise every run would end here, and nobody would get to what comes after it.
        self._failed.add(chunk.number)
        text = chunk.results or write_results([None] * min(chunk.size, CHUNK_SIZE))
        with suppress(StoreError, InvalidValueError):
            self._jobs.save_chunk(self.key, chunk.number, self._worker, text, False, self._clock())
        return None

    def _settle(self, work: _Work) -> None:
        if work.was_interrupted and not self._prolong(work, at_once=True):
            # Another worker took it over. What was set before is told all the same: nobody else has the passwords.
            work.is_saved = True
        else:
            try:
                self._runner.settle(self._run, work.pending, work.results)
            except BaseException:
                work.was_interrupted = True
                self._known.update(work.results)
                with suppress(StoreError):
                    self._give_back(work)
                raise
        self._known.update(work.results)
        work.untold.extend(work.results[each.contact_id] for each in work.items if each.contact_id in work.results)
        work.is_settled = True
        if not (self._is_drawn or work.is_saved):
            self._save(work)

    def _prolong(self, work: _Work, *, at_once: bool = False) -> bool:
        """Prolong the lease of the chunk, if half of it is over; return False if another worker has it."""
        now = self._clock()
        if not at_once and now < work.until - self._lease / 2:
            return True
        work.until = now + self._lease
        return self._jobs.claim_chunk(self.key, work.number, self._worker, now, work.until) is not None

    def _save(self, work: _Work) -> None:
        """Keep the results; the chunk is finished, unless the next run should try some of it again."""
        again = any(result.may_be_tried_again for result in work.results.values())
        is_mine = self._keep(work, work.results, is_finished=not again)
        work.is_saved = True
        if again:
            self._failed.add(work.number)
        elif is_mine:
            self._finished_here += len(work.items)
        for contact_id, result in work.results.items():
            if result.secret is None:
                self._known.pop(contact_id, None)

    def _give_back(self, work: _Work) -> None:
        """Let others have the chunk at once. Drawn passwords that were not handed over they shall tell as such."""
        self._keep(work, {} if self._is_drawn else work.results, is_finished=False)

    def _keep(self, work: _Work, results: Mapping[ContactId, ResetResult], *, is_finished: bool) -> bool:
        text = write_results(work.earlier.get(each.contact_id) or results.get(each.contact_id) for each in work.items)
        return self._jobs.save_chunk(self.key, work.number, self._worker, text, is_finished, self._clock())


class _Work:
    """
    A chunk that this process has claimed.

    Attributes:
        items: Its contacts.
        earlier: What an earlier run did to them for good.
        results: What this run did.
        untold: What of it the caller has not come for yet.
    """

    def __init__(self, chunk: JobChunk, *, until: datetime) -> None:
        told = read_chunk(chunk)
        self.number = chunk.number
        self.until = until
        self.items = [stored for stored, _ in told]
        self.earlier = {
            stored.contact_id: result for stored, result in told if result is not None and not result.may_be_tried_again
        }
        self.results: dict[ContactId, ResetResult] = {}
        self.untold: deque[ResetResult] = deque()
        self.was_interrupted = False
        self.is_settled = False
        self.is_saved = False

    @property
    def pending(self) -> list[StoredItem]:
        """The contacts without a result."""
        return [each for each in self.items if each.contact_id not in {**self.earlier, **self.results}]


def _not_reached(item: ResetPlanItem) -> ResetResult:
    return ResetResult(item=item, outcome=ResetOutcome.NOT_REACHED, warnings=item.warnings)
