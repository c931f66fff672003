"""Keep jobs in SQL, over any `Port`."""

# ruff: noqa: S608  Tables have a checked prefix; every value is a parameter.
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ..._arguments import ceiling_in, chunk_in, instant_in, job_chunks_in, job_in, job_key_in, page_in
from ..._chunks import chunks as split
from ..._ids import digest
from ..._text import same_text
from ..._time import from_micros, micros
from ...exceptions import CorruptRowError, InvalidValueError
from .._drivers.port import Port, Statements
from .._drivers.savepoints import execute_unless_duplicate
from .retries import run
from .rows import is_storable

if TYPE_CHECKING:
    from ...jobs import AddOutcome, JobAddition, JobChunk, JobProgress, StoredJob
    from .._drivers.dialect import Dialect
    from .schema import Layout

_AT_ONCE: Final = 16
"""Numbers of chunks in one answer: enough for as many workers, each of which takes the first that is still there."""

_ADDED: Final = 100
"""Chunks added by one statement: a few hundred kB, far from what servers take at most."""

_BATCH: Final = 500
"""Chunks removed in one transaction, so that nobody waits long for their locks."""

_JOB: Final = "job_key, operator_id, terms, digest, total, planned, confirmed_at, started_at, closed_at"


class SQLJobStore:
    """
    A `JobStore` in two tables of our own.

    In a transaction of the host's it works in that: its job is there when the host commits, with what it set.

    Args:
        port: Reaches the database.
        dialect: What is said differently by this database.
        layout: The tables.
        tenant: Which portal's jobs; it is in every key.
    """

    def __init__(self, port: Port, dialect: Dialect, layout: Layout, *, tenant: str) -> None:
        self._job_port = port
        self._job_tenant = tenant
        self._job_sql = _JobSQL(layout, dialect, is_borrowed=port.is_borrowed)
        self._job_chunks = dialect.row_writer(
            layout.job_chunks.path,
            layout.job_chunks.holding_text(("tenant", "job_key", "number", "size", "items")),
            key=("job_key", "number"),
            within=" WHERE tenant = :tenant",
            parameters={"tenant": tenant},
        )

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        """Store a job with its chunks, unless its key is there or its operator would be over the ceiling."""
        # Here and below: importing a store is also for those who run no jobs.
        from ...jobs import AddOutcome, JobAddition

        job, chunks, ceiling = job_in(job), job_chunks_in(chunks), ceiling_in(ceiling)
        row = _bind_job(job)

        def work(statements: Statements, may_be_stored: bool) -> AddOutcome:
            if ceiling is not None:
                self._take_turn(statements, job)
            if execute_unless_duplicate(statements, self._job_sql.insert_job, self._of_job(job.key, row)) is None:
                # The acknowledgement of an earlier COMMIT may have been lost; then this is the job.
                found = self._find_job(statements, job.key) if may_be_stored else None
                is_stored = found is not None and _is_same(found, job)
                return AddOutcome.ADDED if is_stored else AddOutcome.KEY_TAKEN
            for some in split(chunks, _ADDED):
                rows = [(self._job_tenant, job.key, each.number, each.size, each.items) for each in some]
                self._job_chunks.insert(statements, rows)
            if ceiling is not None:
                self._refuse_beyond(statements, job, ceiling)
            return AddOutcome.ADDED

        try:
            return JobAddition(outcome=run("add_job", work, self._job_port.transaction))
        except _OverCeiling as over:
            return JobAddition(outcome=AddOutcome.OVER_CEILING, planned=over.planned)

    def find_job(self, key: str, /) -> StoredJob | None:
        """Return the job, or None."""
        key = job_key_in(key)
        if not is_storable(key):
            return None
        return run("find_job", lambda statements, _: self._find_job(statements, key), self._job_port.reading)

    def open_chunks(self, key: str, after: int, now: datetime, /) -> Sequence[int]:
        """Return the numbers of the first few chunks above *after* that can be claimed, in order."""
        page_in(after, _AT_ONCE)
        asked = self._of_job(key, {"after": after, "now": _instant("now", now), "limit": _AT_ONCE})
        rows = self._read_jobs("open_chunks", self._job_sql.select_open, asked)
        return tuple(int(number) for (number,) in rows)

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        """Give the chunk to the worker until an instant if nobody else has it; otherwise return None."""
        chunk_in(number, worker)
        lease: dict[str, object] = {"worker": worker, "until": _instant("until", until)}
        claimed = self._of_job(key, {"number": number} | lease)
        claim = claimed | {"now": _instant("now", now)}

        def work(statements: Statements, _: bool) -> JobChunk | None:
            statements.execute(self._job_sql.claim, claim)
            # Read, and not counted: MariaDB counts no row that was so before, as that of a worker that asks again.
            rows = statements.execute(self._job_sql.select_claimed, claimed)[0]
            return _read_chunk(rows[0]) if rows else None

        # A lease that a power failure takes back is a chunk that nobody works on.
        return run("claim_chunk", work, lambda: self._job_port.transaction(durable=False))

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        """Keep a chunk's results and give it back, if the worker still has it; return whether that was so."""
        chunk_in(number, worker, results, is_finished)
        at = _instant("now", now)
        mine = self._of_job(key, {"number": number})
        end: dict[str, object] = {"finished": at, "left_to": worker} if is_finished else _GIVEN_BACK
        saved = mine | {"worker": worker, "results": results} | end

        def work(statements: Statements, may_be_stored: bool) -> bool:
            is_mine = statements.execute(self._job_sql.save, saved)[1] == 1
            if is_mine and not is_finished:
                return True
            ((size, finisher),) = statements.execute(self._job_sql.select_finished, mine)[0] or [(0, None)]
            if is_mine:
                statements.execute(self._job_sql.count_done, self._of_job(key, {"size": int(size), "now": at}))
            # If the acknowledgement of an earlier COMMIT was lost, it is finished by this worker and counted.
            return is_mine or (may_be_stored and finisher == worker)

        # What a power failure takes back is found again on the accounts.
        return run("save_chunk", work, lambda: self._job_port.transaction(durable=False))

    def read_chunks(self, key: str, after: int, limit: int, /) -> Sequence[JobChunk]:
        """Return the first *limit* chunks above *after*, in order."""
        page_in(after, limit)
        rows = self._read_jobs("read_chunks", self._job_sql.page, self._of_job(key, {"after": after, "limit": limit}))
        return tuple(_read_chunk(row) for row in rows)

    def job_progress(self, key: str, now: datetime, /) -> JobProgress | None:
        """Return how far the job is, or None without one."""
        now = instant_in("now", now)
        from ...jobs import LATELY, JobProgress

        asked = self._of_job(key, {"now": micros(now), "since": micros(now - LATELY)})
        for row in self._read_jobs("job_progress", self._job_sql.progress, asked):
            *job, done, held, lately = row
            return JobProgress.of(_read_job(job), done=int(done), held=int(held or 0), lately=int(lately or 0), now=now)
        return None

    def cancel_job(self, key: str, now: datetime, /) -> bool:
        """Close the job, so that no chunk can be claimed; return whether it was open."""
        asked = self._of_job(key, {"now": _instant("now", now)})

        def work(statements: Statements, _: bool) -> bool:
            return statements.execute(self._job_sql.cancel, asked)[1] == 1

        return run("cancel_job", work, self._job_port.transaction)

    def unfinished_jobs(self) -> Sequence[StoredJob]:
        """Return the jobs that are not closed, the oldest first."""
        rows = self._read_jobs("unfinished_jobs", self._job_sql.unfinished, {"tenant": self._job_tenant})
        return tuple(_read_job(row) for row in rows)

    def purge_jobs(self, before: datetime, /) -> int:
        """
        Remove the jobs that were started before an instant, finished or not, and return how many.

        In batches that each hold their locks for some milliseconds.
        """
        old: dict[str, object] = {"before": _instant("before", before), "limit": _BATCH}
        removed = 0
        while rows := self._read_jobs("purge_jobs", self._job_sql.old, {"tenant": self._job_tenant} | old):
            gone = sum(self._purge_job(key) for (key,) in rows)
            removed += gone
            if not gone:
                break  # Something prevents it, such as a policy on rows; or somebody else removed the same ones.
        return removed

    def _take_turn(self, statements: Statements, job: StoredJob) -> None:
        """Keep the operator's other jobs from being added until this transaction ends."""
        from ...jobs import CEILING_SPAN

        # A row that is written, and not only locked: in a transaction of the host's that began before the last job was
        # added, a database that reads from a snapshot then says so, instead of adding up what was there at that time.
        turn = {"turn": f"jobs:{digest(job.operator_id)}", "expires_at": micros(job.started_at + CEILING_SPAN)}
        statements.execute(self._job_sql.take_turn, turn | {"tenant": self._job_tenant})

    def _refuse_beyond(self, statements: Statements, job: StoredJob, ceiling: int) -> None:
        from ...jobs import CEILING_SPAN

        asked: dict[str, object] = {"operator_id": job.operator_id, "since": micros(job.started_at - CEILING_SPAN)}
        rows = statements.execute(self._job_sql.planned, asked | {"tenant": self._job_tenant})[0]
        planned = sum(int(planned) for (planned,) in rows)
        if planned > ceiling:
            raise _OverCeiling(planned - job.planned)

    def _purge_job(self, key: str) -> bool:
        mine = self._of_job(key, {})
        ((last,),) = self._read_jobs("purge_jobs", self._job_sql.last, mine)
        # From the end on, and the job itself last: whoever is killed in between leaves a job that is purged again.
        while last is not None and last >= 0:
            last -= _BATCH
            self._write_jobs("purge_jobs", self._job_sql.remove_chunks, mine | {"after": last})
        return self._write_jobs("purge_jobs", self._job_sql.remove_job, mine) == 1

    def _find_job(self, statements: Statements, key: str) -> StoredJob | None:
        rows = statements.execute(self._job_sql.select_job, self._of_job(key, {}))[0]
        return _read_job(rows[0]) if rows else None

    def _read_jobs(self, operation: str, sql: str, parameters: dict[str, object]) -> Sequence[Sequence[Any]]:
        return run(operation, lambda statements, _: statements.execute(sql, parameters)[0], self._job_port.reading)

    def _write_jobs(self, operation: str, sql: str, parameters: dict[str, object]) -> int:
        return run(operation, lambda statements, _: statements.execute(sql, parameters)[1], self._job_port.transaction)

    def _of_job(self, key: str, parameters: dict[str, object]) -> dict[str, object]:
        key = job_key_in(key)
        if not is_storable(key):
            raise InvalidValueError("key", "pass the key of a job, which is printable ASCII")
        return parameters | {"tenant": self._job_tenant, "key": key}


class _JobSQL:
    """The statements; each is about one tenant's job, unless it says otherwise."""

    def __init__(self, layout: Layout, dialect: Dialect, *, is_borrowed: bool) -> None:
        jobs, chunks, attempts = layout.jobs.path, layout.job_chunks.path, layout.attempts.path
        this_job = f"FROM {jobs} WHERE tenant = :tenant AND job_key = :key"
        its_chunks = f"FROM {chunks} WHERE tenant = :tenant AND job_key = :key"
        is_open = f"EXISTS (SELECT 1 {this_job} AND closed_at IS NULL)"
        is_free = "finished_at IS NULL AND (leased_until IS NULL OR leased_until <= :now)"
        self.insert_job = (
            f"INSERT INTO {jobs} (tenant, {_JOB}, done) VALUES (:tenant, :key, :operator_id, :terms, :digest, :total, "
            ":planned, :confirmed_at, :started_at, :closed_at, 0)"
        )
        self.take_turn = (
            f"INSERT INTO {attempts} (tenant, attempt_key, n, expires_at) VALUES (:tenant, :turn, 1, :expires_at) "
            + dialect.update_existing("tenant, attempt_key", f"n = {attempts}.n + 1, expires_at = :expires_at")
        )
        # The job itself is among them. A transaction of our own reads here for the first time, and so whatever was
        # committed before its turn. In one of the host's, MariaDB reads what was there when that began, unless it
        # locks; PostgreSQL locks no sums, so these are rows. Locked without need, operators would wait for each other.
        lock = dialect.lock if is_borrowed else ""
        self.planned = (
            f"SELECT planned FROM {jobs} WHERE tenant = :tenant AND operator_id = :operator_id "
            f"AND started_at > :since{lock}"
        )
        self.select_job = f"SELECT {_JOB} {this_job}"
        self.select_open = (
            f"SELECT number {its_chunks} AND {is_free} AND number > :after AND {is_open} ORDER BY number LIMIT :limit"
        )
        # What is compared and set is the one row; of two that ask at once, the later one finds it taken.
        self.claim = (
            f"UPDATE {chunks} SET worker = :worker, leased_until = :until WHERE tenant = :tenant AND job_key = :key "
            f"AND number = :number AND finished_at IS NULL "
            f"AND (worker = :worker OR leased_until IS NULL OR leased_until <= :now) AND {is_open}"
        )
        self.select_claimed = (
            f"SELECT number, size, items, results {its_chunks} AND number = :number AND finished_at IS NULL "
            f"AND worker = :worker AND leased_until = :until AND {is_open}"
        )
        # With a lock, which is held already if it is ours: after a plain SELECT, MariaDB from 11.6 on refuses to count
        # it in a job that another worker has counted one in meanwhile.
        self.select_finished = (
            f"SELECT size, worker {its_chunks} AND number = :number AND finished_at IS NOT NULL{dialect.lock}"
        )
        self.save = (
            f"UPDATE {chunks} SET results = :results, worker = :left_to, leased_until = NULL, finished_at = :finished "
            "WHERE tenant = :tenant AND job_key = :key AND number = :number AND finished_at IS NULL "
            "AND worker = :worker"
        )
        # Closed first: MariaDB assigns in this order, and would have the condition see the new count.
        self.count_done = (
            f"UPDATE {jobs} SET closed_at = CASE WHEN closed_at IS NULL AND done + :size >= total THEN :now "
            "ELSE closed_at END, done = done + :size WHERE tenant = :tenant AND job_key = :key"
        )
        self.page = f"SELECT number, size, items, results {its_chunks} AND number > :after ORDER BY number LIMIT :limit"
        self.progress = (
            f"SELECT {_JOB}, done, "
            f"(SELECT SUM(size) {its_chunks} AND finished_at IS NULL AND leased_until > :now), "
            f"(SELECT SUM(size) {its_chunks} AND finished_at > :since) {this_job}"
        )
        self.cancel = (
            f"UPDATE {jobs} SET closed_at = :now WHERE tenant = :tenant AND job_key = :key AND closed_at IS NULL"
        )
        self.unfinished = (
            f"SELECT {_JOB} FROM {jobs} WHERE tenant = :tenant AND closed_at IS NULL ORDER BY started_at, job_key"
        )
        self.old = f"SELECT job_key FROM {jobs} WHERE tenant = :tenant AND started_at < :before LIMIT :limit"
        self.last = f"SELECT MAX(number) {its_chunks}"
        self.remove_chunks = f"DELETE {its_chunks} AND number > :after"
        self.remove_job = f"DELETE {this_job}"


class _OverCeiling(Exception):  # noqa: N818  Undoes a transaction, and goes no further.
    def __init__(self, planned: int) -> None:
        super().__init__(planned)
        self.planned = planned


_GIVEN_BACK: Final[dict[str, object]] = {"finished": None, "left_to": None}


def _instant(name: str, at: datetime) -> int:
    return micros(instant_in(name, at))


def _is_same(one: StoredJob, other: StoredJob) -> bool:
    return (one.operator_id, one.terms, one.started_at) == (
        other.operator_id,
        other.terms,
        other.started_at,
    ) and same_text(one.digest, other.digest)


def _bind_job(job: StoredJob) -> dict[str, object]:
    return {
        "operator_id": job.operator_id,
        "terms": job.terms,
        "digest": job.digest,
        "total": job.total,
        "planned": job.planned,
        "confirmed_at": micros(job.confirmed_at),
        "started_at": micros(job.started_at),
        "closed_at": None if job.closed_at is None else micros(job.closed_at),
    }


def _read_job(row: Sequence[Any]) -> StoredJob:
    from ...jobs import StoredJob

    key, operator_id, terms, digest, total, planned, confirmed_at, started_at, closed_at = row
    try:
        return StoredJob(
            key=key,
            operator_id=operator_id,
            terms=terms,
            digest=digest,
            total=int(total),
            planned=int(planned),
            confirmed_at=from_micros(confirmed_at),
            started_at=from_micros(started_at),
            closed_at=None if closed_at is None else from_micros(closed_at),
        )
    except (ValueError, TypeError, OverflowError):
        pass
    # Outside the except clause: the error's __context__ may quote what the row holds (R14).
    raise CorruptRowError("find_job", "corrupt row of a job")


def _read_chunk(row: Sequence[Any]) -> JobChunk:
    from ...jobs import JobChunk

    number, size, items, results = row
    return JobChunk(number=int(number), size=int(size), items=items, results=results)
