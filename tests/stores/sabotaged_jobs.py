"""Job stores that each break one rule, as real ones would."""

# ruff: noqa: D102  Each class says what its method does wrong.
from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from portalcreds._memory_jobs import MemoryJobStore, _Chunk, _Job
from portalcreds.jobs import AddOutcome, JobAddition, JobChunk, JobProgress, StoredJob

_MICROSECOND = timedelta(microseconds=1)
_PAUSE = 0.0005


class DropsMicroseconds(MemoryJobStore):
    """A column that holds seconds."""

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        return super().add_job(attrs.evolve(job, started_at=job.started_at.replace(microsecond=0)), chunks, ceiling)


class CutsTexts(MemoryJobStore):
    """A TEXT that is cut where it is full."""

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        return super().add_job(job, [attrs.evolve(chunk, items=chunk.items[:65_000]) for chunk in chunks], ceiling)


class FoldsKeys(MemoryJobStore):
    """A collation that folds case and blanks at the end."""

    def find_job(self, key: str, /) -> StoredJob | None:
        return super().find_job(key.strip().lower())


class ReplacesJobs(MemoryJobStore):
    """INSERT OR REPLACE."""

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        outcome = AddOutcome.KEY_TAKEN if self._jobs.pop(job.key, None) else AddOutcome.ADDED
        super().add_job(job, chunks, ceiling)
        return JobAddition(outcome=outcome)


class AddsInTwoSteps(MemoryJobStore):
    """SELECT, and then INSERT of the job; the chunks of whoever comes last."""

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        if job.key in self._jobs:
            return JobAddition(outcome=AddOutcome.KEY_TAKEN)
        time.sleep(_PAUSE)
        self._jobs[job.key] = _Job(job, chunks)
        return JobAddition(outcome=AddOutcome.ADDED)


class CountsAndAdds(MemoryJobStore):
    """SELECT SUM, and then INSERT."""

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        planned = self._planned_beside(job)
        if ceiling is not None and planned + job.planned > ceiling:
            return JobAddition(outcome=AddOutcome.OVER_CEILING, planned=planned)
        time.sleep(_PAUSE)
        return super().add_job(job, chunks, None)


class SkipsOneBetweenPages(MemoryJobStore):
    """A page that begins one row too late."""

    def read_chunks(self, key: str, after: int, limit: int, /) -> Sequence[JobChunk]:
        return super().read_chunks(key, after + (after >= 0), limit)


class OffersTheFirstOnly(MemoryJobStore):
    """A LIMIT without a place to begin at."""

    def open_chunks(self, key: str, after: int, now: datetime, /) -> Sequence[int]:
        return [number for number in super().open_chunks(key, -1, now) if number > after]


class OffersWhatIsHeld(MemoryJobStore):
    """WHERE finished_at IS NULL, and nothing about leases."""

    def open_chunks(self, key: str, after: int, now: datetime, /) -> Sequence[int]:
        return super().open_chunks(key, after, now + timedelta(days=1))


class ClaimsWhatIsHeld(MemoryJobStore):
    """UPDATE without a condition."""

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        return super().claim_chunk(key, number, worker, now + timedelta(days=1), until)


class ReadsAndClaims(MemoryJobStore):
    """SELECT, and then UPDATE."""

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        job = self._jobs.get(key)
        at = None if job is None or job.stored.closed_at is not None else job.chunks.get(number)
        if at is None or at.finished_at is not None or not (at.worker == worker or at.is_free(now)):
            return None
        time.sleep(_PAUSE)
        at.worker, at.leased_until = worker, until
        return at.chunk


class RefusesItsOwn(MemoryJobStore):
    """A row count that is 0 where nothing changed, taken for a lost race."""

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        at = _at(self, key, number)
        if at is not None and (at.worker, at.leased_until) == (worker, until):
            return None
        return super().claim_chunk(key, number, worker, now, until)


class HoldsForEver(MemoryJobStore):
    """WHERE worker IS NULL."""

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        at = _at(self, key, number)
        if at is not None and at.worker not in (None, worker):
            return None
        return super().claim_chunk(key, number, worker, now, until)


class FreesTooLate(MemoryJobStore):
    """A lease that ends after its end."""

    def open_chunks(self, key: str, after: int, now: datetime, /) -> Sequence[int]:
        return super().open_chunks(key, after, now - _MICROSECOND)


class ClaimsWhatIsFinished(MemoryJobStore):
    """A finished chunk that its worker still has."""

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        at = _at(self, key, number)
        if at is not None and at.finished_at is not None:
            return at.chunk
        return super().claim_chunk(key, number, worker, now, until)


class ForgetsWhatFailed(MemoryJobStore):
    """Gives a chunk back as it was."""

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        at = _at(self, key, number)
        before = None if at is None else at.chunk
        is_saved = super().save_chunk(key, number, worker, results, is_finished, now)
        if at is not None and before is not None and not is_finished:
            at.chunk = before
        return is_saved


class SavesWhatItLost(MemoryJobStore):
    """UPDATE without the worker."""

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        at = _at(self, key, number)
        if at is not None and at.worker is not None:
            at.worker = worker
        return super().save_chunk(key, number, worker, results, is_finished, now)


class SavesWhatNobodyClaimed(MemoryJobStore):
    """Takes whoever comes first for whoever has it."""

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        at = _at(self, key, number)
        if at is not None and at.worker is None:
            at.worker = worker
        return super().save_chunk(key, number, worker, results, is_finished, now)


class RefusesTheLate(MemoryJobStore):
    """Throws away what took longer than the lease, though nobody else has it."""

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        at = _at(self, key, number)
        if at is not None and at.leased_until is not None and at.leased_until <= now:
            return False
        return super().save_chunk(key, number, worker, results, is_finished, now)


class SavesNothingOfACancelledJob(MemoryJobStore):
    """Throws away what was under way."""

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        job = self._jobs.get(key)
        if job is not None and job.stored.closed_at is not None:
            return False
        return super().save_chunk(key, number, worker, results, is_finished, now)


class NeverCloses(MemoryJobStore):
    """A job that is finished and stays on the list."""

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        is_saved = super().save_chunk(key, number, worker, results, is_finished, now)
        job = self._jobs.get(key)
        if job is not None:
            job.stored = attrs.evolve(job.stored, closed_at=None)
        return is_saved


class ClaimsOfACancelledJob(MemoryJobStore):
    """Asks for the job only where chunks are offered."""

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        job = self._jobs.get(key)
        if job is None:
            return None
        before = job.stored
        job.stored = attrs.evolve(before, closed_at=None)
        try:
            return super().claim_chunk(key, number, worker, now, until)
        finally:
            job.stored = before


class CancelsAgain(MemoryJobStore):
    """UPDATE without a look at what was closed before."""

    def cancel_job(self, key: str, now: datetime, /) -> bool:
        job = self._jobs.get(key)
        if job is None:
            return False
        job.stored = attrs.evolve(job.stored, closed_at=now)
        return True


class ListsTheNewestFirst(MemoryJobStore):
    """No order, or the wrong one."""

    def unfinished_jobs(self) -> Sequence[StoredJob]:
        return tuple(reversed(super().unfinished_jobs()))


class CountsChunks(MemoryJobStore):
    """COUNT(*) and not the sum of their sizes."""

    def job_progress(self, key: str, now: datetime, /) -> JobProgress | None:
        progress = super().job_progress(key, now)
        held = sum(at.finished_at is None and not at.is_free(now) for at in _chunks(self, key))
        return None if progress is None else attrs.evolve(progress, held=held)


class HoldsWhatIsDead(MemoryJobStore):
    """Counts the leases that ended too."""

    def job_progress(self, key: str, now: datetime, /) -> JobProgress | None:
        progress = super().job_progress(key, now)
        held = sum(at.chunk.size for at in _chunks(self, key) if at.worker is not None and at.finished_at is None)
        return None if progress is None else attrs.evolve(progress, held=held)


class HopesForEver(MemoryJobStore):
    """Reckons with what was done long ago."""

    def job_progress(self, key: str, now: datetime, /) -> JobProgress | None:
        progress = super().job_progress(key, now)
        if progress is None or progress.eta is not None or not progress.done:
            return progress
        return attrs.evolve(progress, eta=timedelta(seconds=3))


class CountsEverybody(MemoryJobStore):
    """One ceiling for all operators."""

    def _planned_beside(self, job: StoredJob) -> int:
        return sum(super(CountsEverybody, self)._planned_beside(attrs.evolve(job, operator_id=each)) for each in "abA")


class CountsTheInstant(MemoryJobStore):
    """Counts what was started 24 hours before too."""

    def _planned_beside(self, job: StoredJob) -> int:
        return super()._planned_beside(attrs.evolve(job, started_at=job.started_at - _MICROSECOND))


class CountsSinceMidnight(MemoryJobStore):
    """A new day, a new ceiling."""

    def _planned_beside(self, job: StoredJob) -> int:
        midnight = job.started_at.replace(hour=0, minute=0, second=0, microsecond=0)
        others = (each.stored for each in self._jobs.values() if each.stored.operator_id == job.operator_id)
        return sum(other.planned for other in others if other.started_at >= midnight)


class GivesBackWhatWasCancelled(MemoryJobStore):
    """Sums up the jobs that are open."""

    def _planned_beside(self, job: StoredJob) -> int:
        closed = sum(each.stored.planned for each in self._jobs.values() if each.stored.closed_at is not None)
        return super()._planned_beside(job) - closed


class KeepsWhatItRefused(MemoryJobStore):
    """Stores, counts, and closes the job that was one too many."""

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        addition = super().add_job(job, chunks, ceiling)
        if addition.outcome == AddOutcome.OVER_CEILING:
            super().add_job(attrs.evolve(job, planned=0), chunks, None)
            self.cancel_job(job.key, job.started_at)
        return addition


class RefusesTheSecondOK(MemoryJobStore):
    """Looks at the ceiling before it looks at the key."""

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        planned = self._planned_beside(job)
        if ceiling is not None and planned + job.planned > ceiling:
            return JobAddition(outcome=AddOutcome.OVER_CEILING, planned=planned)
        return super().add_job(job, chunks, ceiling)


class CountsWithCeilingsOnly(MemoryJobStore):
    """What was added without a ceiling counts for nobody."""

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        return super().add_job(job if ceiling is not None else attrs.evolve(job, planned=0), chunks, ceiling)


class PurgesFinishedOnly(MemoryJobStore):
    """What nobody finished stays for ever."""

    def purge_jobs(self, before: datetime, /) -> int:
        kept = {key: job for key, job in self._jobs.items() if job.stored.closed_at is None}
        purged = super().purge_jobs(before)
        missing = {key: job for key, job in kept.items() if key not in self._jobs}
        self._jobs.update(missing)
        return purged - len(missing)


class Shares(MemoryJobStore):
    """Two stores over one place, and nothing the matter with them."""

    def another(self) -> MemoryJobStore:
        """Return another store over the same place."""
        other = type(self)()
        other._jobs, other._jobs_lock = self._jobs, self._jobs_lock
        return other


class CachesJobs(Shares):
    """Asks once for each job, and knows it from then on."""

    def __init__(self) -> None:
        super().__init__()
        self._cached: dict[str, StoredJob | None] = {}

    def find_job(self, key: str, /) -> StoredJob | None:
        if key not in self._cached:
            self._cached[key] = super().find_job(key)
        return self._cached[key]


class LocksInTheProcess(Shares):
    """Reads, and then claims or adds, under a lock that no other process knows."""

    def another(self) -> MemoryJobStore:
        other: Any = super().another()
        other._jobs_lock = type(self)()._jobs_lock
        return other  # type: ignore[no-any-return]  # Of the same kind as this one.

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        with self._jobs_lock:
            return ReadsAndClaims.claim_chunk(self, key, number, worker, now, until)  # type: ignore[arg-type]  # Not of that class, and with all that it uses.

    def _planned_beside(self, job: StoredJob) -> int:
        planned = super()._planned_beside(job)
        time.sleep(_PAUSE)
        return planned


def _chunks(jobs: MemoryJobStore, key: str) -> list[_Chunk]:
    job = jobs._jobs.get(key)
    return [] if job is None else list(job.chunks.values())


def _at(jobs: MemoryJobStore, key: str, number: int) -> _Chunk | None:
    job = jobs._jobs.get(key)
    return None if job is None else job.chunks.get(number)
