"""Keep jobs in this process's memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Final

import attrs

from ._arguments import (
    ceiling_in,
    chunk_in,
    instant_in,
    job_chunks_in,
    job_in,
    job_key_in,
    page_in,
)

if TYPE_CHECKING:
    from .jobs import JobAddition, JobChunk, JobProgress, StoredJob

_AT_ONCE: Final = 16
"""Numbers of chunks in one answer."""

_KEPT: Final = timedelta(days=31)
"""How long a job is kept where nobody purges."""


class MemoryJobStore:
    """
    A `JobStore` in memory: everything is gone when the process ends, and no other process sees it.

    Each job that is added removes those that were started more than 31 days before it.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}
        self._jobs_lock = Lock()

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        """Store a job with its chunks, unless its key is there or its operator would be over the ceiling."""
        from .jobs import AddOutcome, JobAddition

        job, chunks, ceiling = job_in(job), job_chunks_in(chunks), ceiling_in(ceiling)
        self.purge_jobs(job.started_at - _KEPT)
        with self._jobs_lock:
            if job.key in self._jobs:
                return JobAddition(outcome=AddOutcome.KEY_TAKEN)
            planned = self._planned_beside(job)
            if ceiling is not None and planned + job.planned > ceiling:
                return JobAddition(outcome=AddOutcome.OVER_CEILING, planned=planned)
            self._jobs[job.key] = _Job(job, chunks)
            return JobAddition(outcome=AddOutcome.ADDED)

    def find_job(self, key: str, /) -> StoredJob | None:
        """Return the job, or None."""
        key = job_key_in(key)
        with self._jobs_lock:
            job = self._jobs.get(key)
            return None if job is None else job.stored

    def open_chunks(self, key: str, after: int, now: datetime, /) -> Sequence[int]:
        """Return the numbers of the first few chunks above *after* that can be claimed, in order."""
        key, now = job_key_in(key), instant_in("now", now)
        page_in(after, _AT_ONCE)
        with self._jobs_lock:
            job = self._jobs.get(key)
            if job is None or job.stored.closed_at is not None:
                return ()
            free = (number for number, at in job.chunks.items() if number > after and at.is_free(now))
            return tuple(islice(free, _AT_ONCE))

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        """Give the chunk to the worker until an instant if nobody else has it; otherwise return None."""
        key, now, until = job_key_in(key), instant_in("now", now), instant_in("until", until)
        chunk_in(number, worker)
        with self._jobs_lock:
            job = self._jobs.get(key)
            at = None if job is None or job.stored.closed_at is not None else job.chunks.get(number)
            if at is None or at.finished_at is not None or not (at.worker == worker or at.is_free(now)):
                return None
            at.worker, at.leased_until = worker, until
            return at.chunk

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        """Keep a chunk's results and give it back, if the worker still has it; return whether that was so."""
        key, now = job_key_in(key), instant_in("now", now)
        chunk_in(number, worker, results, is_finished)
        with self._jobs_lock:
            job = self._jobs.get(key)
            at = None if job is None else job.chunks.get(number)
            if job is None or at is None or at.finished_at is not None or at.worker != worker:
                return False
            at.chunk = attrs.evolve(at.chunk, results=results)
            at.worker = at.leased_until = None
            if is_finished:
                at.finished_at = now
                job.done += at.chunk.size
                if job.done == job.stored.total and job.stored.closed_at is None:
                    job.stored = attrs.evolve(job.stored, closed_at=now)
            return True

    def read_chunks(self, key: str, after: int, limit: int, /) -> Sequence[JobChunk]:
        """Return the first *limit* chunks above *after*, in order."""
        key = job_key_in(key)
        page_in(after, limit)
        with self._jobs_lock:
            job = self._jobs.get(key)
            chunks = {} if job is None else job.chunks
            return tuple([at.chunk for number, at in chunks.items() if number > after][:limit])

    def job_progress(self, key: str, now: datetime, /) -> JobProgress | None:
        """Return how far the job is, or None without one."""
        from .jobs import LATELY, JobProgress

        key, now = job_key_in(key), instant_in("now", now)
        with self._jobs_lock:
            job = self._jobs.get(key)
            if job is None:
                return None
            since = now - LATELY
            chunks = job.chunks.values()
            held = [at for at in chunks if at.finished_at is None and not at.is_free(now)]
            lately = [at for at in chunks if at.finished_at is not None and at.finished_at > since]
            return JobProgress.of(job.stored, done=job.done, held=_size(held), lately=_size(lately), now=now)

    def cancel_job(self, key: str, now: datetime, /) -> bool:
        """Close the job, so that no chunk can be claimed; return whether it was open."""
        key, now = job_key_in(key), instant_in("now", now)
        with self._jobs_lock:
            job = self._jobs.get(key)
            if job is None or job.stored.closed_at is not None:
                return False
            job.stored = attrs.evolve(job.stored, closed_at=now)
            return True

    def unfinished_jobs(self) -> Sequence[StoredJob]:
        """Return the jobs that are not closed, the oldest first."""
        with self._jobs_lock:
            open_jobs = [job.stored for job in self._jobs.values() if job.stored.closed_at is None]
        return tuple(sorted(open_jobs, key=lambda job: (job.started_at, job.key)))

    def purge_jobs(self, before: datetime, /) -> int:
        """Remove the jobs that were started before an instant, finished or not, and return how many."""
        before = instant_in("before", before)
        with self._jobs_lock:
            old = [key for key, job in self._jobs.items() if job.stored.started_at < before]
            for key in old:
                del self._jobs[key]
            return len(old)

    def _planned_beside(self, job: StoredJob) -> int:
        from .jobs import CEILING_SPAN

        others = (each.stored for each in self._jobs.values() if each.stored.operator_id == job.operator_id)
        return sum(other.planned for other in others if other.started_at > job.started_at - CEILING_SPAN)


class _Job:
    def __init__(self, stored: StoredJob, chunks: Sequence[JobChunk]) -> None:
        self.stored = stored
        self.chunks = {chunk.number: _Chunk(chunk) for chunk in chunks}
        self.done = 0


class _Chunk:
    def __init__(self, chunk: JobChunk) -> None:
        self.chunk = chunk
        self.worker: str | None = None
        self.leased_until: datetime | None = None
        self.finished_at: datetime | None = None

    def is_free(self, now: datetime) -> bool:
        return self.finished_at is None and (self.leased_until is None or self.leased_until <= now)


def _size(chunks: Sequence[_Chunk]) -> int:
    return sum(at.chunk.size for at in chunks)
