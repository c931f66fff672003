"""Test your own job store: inherit from one class and make your store in a fixture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final

import attrs

from ..accounts import MAX_OPERATOR_ID_LENGTH
from ..jobs import CEILING_SPAN, LATELY, MAX_JOB_TERMS, MAX_JOB_TEXT, AddOutcome, JobChunk, StoredJob
from ..protocols import JobStore
from ._optional_fixtures import Fixtures, fixture_or_skip
from ._store_failing import assert_says_unavailable
from ._threads import at_once

_NOW: Final = datetime(2026, 1, 15, 8, 30, 0, 123_457, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LEASE: Final = timedelta(seconds=30)
_UNTIL: Final = _NOW + _LEASE
_WORKERS: Final = 6
_MANY: Final = 700
"""Chunks of one job: more than fit into one answer, or one statement."""

_SECOND_PROCESS: Final = "what two processes over one place see"


class JobStoreContract:
    """
    The rules that every `JobStore` must keep, as tests for pytest.

    Inherit from it in a class whose name begins with ``Test``, and override the fixture ``jobs``. It must return a new,
    empty store for each test::

        class TestMyJobs(JobStoreContract):
            @pytest.fixture
            def jobs(self):
                return MyJobStore()

    Two more fixtures are optional. Without one, the tests that need it are skipped with a line that names it:
    ``another_jobs`` is a second store over the same storage, as another process has it; ``unreachable_jobs`` is one
    whose server is not there.

    Attributes:
        has_threads: Whether threads may share the store. Set it to False for one that works in the host's transaction;
            the calls of each race are then made one after the other.
    """

    has_threads: ClassVar[bool] = True

    # -- keeping

    def test_a_job_comes_back_exactly(self, jobs: JobStore) -> None:
        """Every field of a job is kept, instants to the microsecond, and no two are swapped."""
        job = attrs.evolve(a_job("k"), started_at=_NOW + _MICROSECOND, total=3, planned=2)
        assert add(jobs, job, [a_chunk(0, 2), a_chunk(1)])
        assert jobs.find_job("k") == job
        empty = attrs.evolve(a_job("empty"), total=0, planned=0, closed_at=_NOW + 2 * _MICROSECOND)
        assert add(jobs, empty, [])
        assert jobs.find_job("empty") == empty
        assert list(jobs.read_chunks("empty", -1, 9)) == []

    def test_chunks_come_back_exactly(self, jobs: JobStore) -> None:
        """What is stored of each contact comes back as it was, in the order of the job."""
        chunks = [a_chunk(0, 64), a_chunk(1, 64, items='["\\u00e9 \\ud800", "\\\\", "%s :now ? %"]'), a_chunk(2, 3)]
        assert add(jobs, a_job("k", total=131), chunks)
        assert list(jobs.read_chunks("k", -1, 9)) == chunks

    def test_the_longest_texts_are_not_cut(self, jobs: JobStore) -> None:
        """Terms, items and results of the greatest length are kept whole: a cut one could not be read any more."""
        longest = "x" * MAX_JOB_TEXT
        job = attrs.evolve(
            a_job("k" * 64), operator_id="é" * MAX_OPERATOR_ID_LENGTH, terms="x" * MAX_JOB_TERMS, digest="d" * 64
        )
        assert add(jobs, job, [a_chunk(0, items=longest)])
        assert jobs.find_job(job.key) == job
        assert claim(jobs, job.key, 0, "w" * 32) is not None
        assert jobs.save_chunk(job.key, 0, "w" * 32, longest, False, _NOW)
        assert list(jobs.read_chunks(job.key, -1, 1)) == [a_chunk(0, items=longest, results=longest)]

    def test_nothing_is_there_of_a_job_that_is_not(self, jobs: JobStore) -> None:
        """Of a key that was never used, or that differs in case, there is nothing, and nothing fails."""
        assert add(jobs, a_job("key"), [a_chunk(0)])
        for key in ("KEY", "key ", "other"):
            assert jobs.find_job(key) is None
            assert list(jobs.open_chunks(key, -1, _NOW)) == []
            assert claim(jobs, key, 0, "w") is None
            assert jobs.save_chunk(key, 0, "w", "[]", True, _NOW) is False
            assert list(jobs.read_chunks(key, -1, 9)) == []
            assert jobs.job_progress(key, _NOW) is None
            assert jobs.cancel_job(key, _NOW) is False
        assert claim(jobs, "key", 1, "w") is None

    def test_a_key_is_used_once(self, jobs: JobStore) -> None:
        """A second OK does not replace the job of the first one, nor add to it."""
        first = a_job("k")
        assert add(jobs, first, [a_chunk(0)])
        assert add(jobs, a_job("k", operator_id="other", total=2), [a_chunk(0, items="[9]"), a_chunk(1)]) is False
        assert jobs.find_job("k") == first
        assert list(jobs.read_chunks("k", -1, 9)) == [a_chunk(0)]

    def test_pages_have_no_repeats_and_no_gaps(self, jobs: JobStore) -> None:
        """All chunks of a large job are read, a few at a time, in order."""
        chunks = [a_chunk(number) for number in range(_MANY)]
        assert add(jobs, a_job("k", total=_MANY), chunks)
        read: list[JobChunk] = []
        while page := jobs.read_chunks("k", read[-1].number if read else -1, 64):
            assert len(page) <= 64
            read += page
        assert read == chunks

    # -- claiming

    def test_chunks_are_offered_in_order(self, jobs: JobStore) -> None:
        """What is offered first comes first in the job, and with *after* each one is offered in the end."""
        assert add(jobs, a_job("k", total=_MANY), [a_chunk(number) for number in range(_MANY)])
        offered: list[int] = []
        while numbers := jobs.open_chunks("k", offered[-1] if offered else -1, _NOW):
            offered += numbers
        assert offered == list(range(_MANY))

    def test_a_claimed_chunk_is_nobody_else_s(self, jobs: JobStore) -> None:
        """One worker has a chunk; others are not offered it and cannot claim it."""
        two_chunks(jobs)
        assert claim(jobs, "k", 0, "one") == a_chunk(0, 64)
        assert list(jobs.open_chunks("k", -1, _NOW)) == [1]
        assert claim(jobs, "k", 0, "two") is None

    def test_a_worker_can_claim_again_what_it_has(self, jobs: JobStore) -> None:
        """A lease is prolonged by claiming again, also to the same instant."""
        two_chunks(jobs)
        for until in (_UNTIL, _UNTIL, _UNTIL + _LEASE):
            assert jobs.claim_chunk("k", 0, "one", _NOW, until) == a_chunk(0, 64)
        assert jobs.claim_chunk("k", 0, "two", _UNTIL, _UNTIL + _LEASE) is None
        assert jobs.claim_chunk("k", 0, "two", _UNTIL + _LEASE, _UNTIL + 2 * _LEASE) is not None

    def test_what_a_dead_worker_had_is_free_after_the_lease(self, jobs: JobStore) -> None:
        """Up to the instant a chunk is held, and from it on it is free: else a kill would stop a job for ever."""
        two_chunks(jobs)
        claim(jobs, "k", 0, "dead")
        before = _UNTIL - _MICROSECOND
        assert list(jobs.open_chunks("k", -1, before)) == [1]
        assert jobs.claim_chunk("k", 0, "two", before, _UNTIL + _LEASE) is None
        assert list(jobs.open_chunks("k", -1, _UNTIL)) == [0, 1]
        assert jobs.claim_chunk("k", 0, "two", _UNTIL, _UNTIL + _LEASE) == a_chunk(0, 64)

    def test_a_finished_chunk_is_claimed_no_more(self, jobs: JobStore) -> None:
        """However late it is, and whoever asks, its contacts are done."""
        two_chunks(jobs)
        finish(jobs, "k", 0, "one")
        for worker in ("one", "two"):
            assert jobs.claim_chunk("k", 0, worker, _UNTIL + _LEASE, _UNTIL + 2 * _LEASE) is None
        assert list(jobs.open_chunks("k", -1, _UNTIL + _LEASE)) == [1]

    def test_what_was_given_back_can_be_claimed_at_once(self, jobs: JobStore) -> None:
        """What failed is tried again by anybody, who is told what became of it so far."""
        two_chunks(jobs)
        claim(jobs, "k", 0, "one")
        assert jobs.save_chunk("k", 0, "one", "[1]", False, _NOW)
        assert list(jobs.open_chunks("k", -1, _NOW)) == [0, 1]
        assert claim(jobs, "k", 0, "two") == a_chunk(0, 64, results="[1]")
        assert list(jobs.read_chunks("k", -1, 1)) == [a_chunk(0, 64, results="[1]")]

    # -- saving

    def test_results_are_kept(self, jobs: JobStore) -> None:
        """What became of the contacts of a chunk is there for whoever reads the report."""
        two_chunks(jobs)
        finish(jobs, "k", 1, "one", results="[1]")
        assert list(jobs.read_chunks("k", -1, 9)) == [a_chunk(0, 64), a_chunk(1, 6, results="[1]")]

    def test_whoever_lost_a_chunk_keeps_nothing(self, jobs: JobStore) -> None:
        """A worker that was frozen beyond its lease does not write over what another one did meanwhile."""
        two_chunks(jobs)
        claim(jobs, "k", 0, "frozen")
        assert jobs.claim_chunk("k", 0, "two", _UNTIL, _UNTIL + _LEASE) is not None
        for is_finished in (False, True):
            assert jobs.save_chunk("k", 0, "frozen", "[0]", is_finished, _UNTIL) is False
        assert jobs.claim_chunk("k", 0, "two", _UNTIL, _UNTIL + _LEASE) == a_chunk(0, 64)
        assert jobs.save_chunk("k", 0, "two", "[2]", True, _UNTIL)
        assert jobs.save_chunk("k", 0, "frozen", "[0]", True, _UNTIL) is False
        assert jobs.save_chunk("k", 0, "two", "[3]", True, _UNTIL) is False
        assert list(jobs.read_chunks("k", -1, 1)) == [a_chunk(0, 64, results="[2]")]
        assert done(jobs, "k") == 64

    def test_what_nobody_claimed_is_not_saved(self, jobs: JobStore) -> None:
        """Nobody finishes a chunk that they do not have."""
        two_chunks(jobs)
        assert jobs.save_chunk("k", 0, "one", "[1]", True, _NOW) is False
        claim(jobs, "k", 0, "one")
        assert jobs.save_chunk("k", 0, "two", "[1]", True, _NOW) is False
        assert list(jobs.read_chunks("k", -1, 1)) == [a_chunk(0, 64)]

    def test_a_late_worker_is_heard_if_nobody_took_over(self, jobs: JobStore) -> None:
        """Work that took longer than the lease is not thrown away."""
        two_chunks(jobs)
        claim(jobs, "k", 0, "slow")
        assert jobs.save_chunk("k", 0, "slow", "[1]", True, _UNTIL + _LEASE)
        assert done(jobs, "k") == 64

    # -- the end

    def test_the_last_chunk_closes_the_job(self, jobs: JobStore) -> None:
        """A job is finished when all its contacts are, and from then on it is none that somebody should go on with."""
        two_chunks(jobs)
        finish(jobs, "k", 1, "one")
        assert [job.key for job in jobs.unfinished_jobs()] == ["k"]
        later = _NOW + _MICROSECOND
        claim(jobs, "k", 0, "two")
        assert jobs.save_chunk("k", 0, "two", "[]", True, later)
        closed = jobs.find_job("k")
        assert closed is not None
        assert closed.closed_at == later
        assert list(jobs.unfinished_jobs()) == []
        progress = jobs.job_progress("k", later)
        assert progress is not None
        assert (progress.done, progress.total, progress.is_finished, progress.is_cancelled) == (70, 70, True, False)
        assert jobs.cancel_job("k", later) is False

    def test_a_cancelled_job_offers_nothing(self, jobs: JobStore) -> None:
        """From the next chunk on, all workers stop, also one that was offered it before."""
        two_chunks(jobs)
        assert jobs.cancel_job("k", _NOW + _MICROSECOND) is True
        assert list(jobs.open_chunks("k", -1, _NOW)) == []
        assert claim(jobs, "k", 0, "one") is None
        assert list(jobs.unfinished_jobs()) == []
        assert jobs.cancel_job("k", _NOW + 2 * _MICROSECOND) is False
        closed = jobs.find_job("k")
        assert closed is not None
        assert closed.closed_at == _NOW + _MICROSECOND
        progress = jobs.job_progress("k", _NOW)
        assert progress is not None
        assert (progress.done, progress.is_cancelled, progress.is_finished) == (0, True, False)

    def test_what_was_under_way_is_kept_though_the_job_is_cancelled(self, jobs: JobStore) -> None:
        """The passwords are set: that must be in the report."""
        two_chunks(jobs)
        claim(jobs, "k", 0, "one")
        jobs.cancel_job("k", _NOW)
        assert claim(jobs, "k", 0, "one") is None
        assert jobs.save_chunk("k", 0, "one", "[1]", True, _NOW)
        assert list(jobs.read_chunks("k", -1, 1)) == [a_chunk(0, 64, results="[1]")]
        assert done(jobs, "k") == 64

    def test_unfinished_jobs_come_in_the_order_of_their_start(self, jobs: JobStore) -> None:
        """Whoever waits longest is first; each job comes back whole."""
        started = [attrs.evolve(a_job(key), started_at=_NOW + n * _MICROSECOND) for n, key in enumerate("cab")]
        for job in reversed(started):
            assert add(jobs, job, [a_chunk(0)])
        assert list(jobs.unfinished_jobs()) == started

    # -- how far it is

    def test_progress_counts_contacts(self, jobs: JobStore) -> None:
        """Done are the contacts of finished chunks; held those of claimed ones, up to the end of the lease."""
        two_chunks(jobs)
        assert told(jobs, _NOW) == (0, 0, None)
        claim(jobs, "k", 0, "one")
        assert told(jobs, _NOW) == (0, 64, None)
        assert told(jobs, _UNTIL) == (0, 0, None)
        assert jobs.save_chunk("k", 0, "one", "[]", False, _NOW)
        assert told(jobs, _NOW) == (0, 0, None)

    def test_the_rest_takes_as_long_as_lately(self, jobs: JobStore) -> None:
        """64 contacts in 32 seconds: six take three more; after two minutes in which nothing was done nobody knows."""
        two_chunks(jobs)
        at = _NOW + timedelta(seconds=32)
        assert jobs.claim_chunk("k", 0, "one", _NOW, _UNTIL) is not None
        assert jobs.save_chunk("k", 0, "one", "[]", True, at)
        assert told(jobs, at) == (64, 0, timedelta(seconds=3))
        assert told(jobs, at + LATELY - _MICROSECOND)[2] is not None
        assert told(jobs, at + LATELY) == (64, 0, None)
        finish(jobs, "k", 1, "one")
        assert told(jobs, at + LATELY) == (70, 0, timedelta(0))

    # -- the ceiling

    def test_a_ceiling_is_reached_and_not_passed(self, jobs: JobStore) -> None:
        """As many as there is room for are added; beyond it nothing is, and there is still room for a smaller one."""
        assert add(jobs, a_job("two", planned=2), [a_chunk(0)], ceiling=5)
        refused = jobs.add_job(a_job("large", planned=4, total=2), [a_chunk(0), a_chunk(1)], 5)
        assert (refused.outcome, refused.planned) == (AddOutcome.OVER_CEILING, 2)
        assert jobs.find_job("large") is None
        assert list(jobs.read_chunks("large", -1, 9)) == []
        assert claim(jobs, "large", 0, "one") is None
        assert [job.key for job in jobs.unfinished_jobs()] == ["two"]
        assert add(jobs, a_job("small", planned=3), [a_chunk(0)], ceiling=5)
        assert planned_before(jobs, _NOW) == 5
        # Its key is free.
        assert add(jobs, a_job("large", planned=4), [a_chunk(0, items="[7]")])
        assert list(jobs.read_chunks("large", -1, 9)) == [a_chunk(0, items="[7]")]

    def test_without_a_ceiling_all_are_added_and_count(self, jobs: JobStore) -> None:
        """A service without a ceiling is not held up; what it adds counts for the one that has one."""
        for key in "abc":
            assert add(jobs, a_job(key, planned=1000), [a_chunk(0)])
        assert planned_before(jobs, _NOW) == 3000

    def test_a_key_that_is_there_is_not_over_the_ceiling(self, jobs: JobStore) -> None:
        """A second OK at the ceiling finds the job of the first one, and counts once."""
        for outcome in (AddOutcome.ADDED, AddOutcome.KEY_TAKEN, AddOutcome.KEY_TAKEN):
            assert jobs.add_job(a_job("k", planned=3), [a_chunk(0)], 3).outcome == outcome
        assert planned_before(jobs, _NOW) == 3

    def test_planned_are_counted_by_operator_and_time(self, jobs: JobStore) -> None:
        """The ceiling is each operator's own, and counts what was started less than 24 hours before, to the instant."""
        for number, (operator_id, planned) in enumerate([("a", 1), ("a", 20), ("b", 300), ("a", 4000), ("A", 50000)]):
            at = _NOW + number * _MICROSECOND
            job = attrs.evolve(a_job(f"k{number}", operator_id=operator_id, planned=planned), started_at=at)
            assert add(jobs, job, [a_chunk(0)], ceiling=50000)
        later = _NOW + CEILING_SPAN
        assert planned_before(jobs, later - _MICROSECOND, "a") == 4021
        assert planned_before(jobs, later, "a") == 4020
        assert planned_before(jobs, later, "b") == 300
        assert planned_before(jobs, later, "nobody") == 0
        # By the clock of a machine that is behind, others were started in the future.
        assert planned_before(jobs, _NOW - _MICROSECOND, "a") == 4021

    def test_no_midnight_begins_anew(self, jobs: JobStore) -> None:
        """Whoever sets all that they may before midnight, and of a month at that, may set none after it."""
        midnight = datetime(2026, 2, 1, tzinfo=UTC)
        assert add(jobs, attrs.evolve(a_job("late", planned=3), started_at=midnight - _MICROSECOND), [a_chunk(0)], 3)
        assert planned_before(jobs, midnight) == 3

    def test_what_ended_still_counts(self, jobs: JobStore) -> None:
        """Neither cancelling, by whatever clock, nor finishing gives anything back: passwords may have been set."""
        for key in ("cancelled", "at once", "behind", "done"):
            assert add(jobs, a_job(key), [a_chunk(0)], ceiling=4)
        jobs.cancel_job("cancelled", _NOW + _MICROSECOND)
        jobs.cancel_job("at once", _NOW)
        jobs.cancel_job("behind", _NOW - _MICROSECOND)
        finish(jobs, "done", 0, "one")
        assert planned_before(jobs, _NOW) == 4

    def test_purging_removes_what_is_old(self, jobs: JobStore) -> None:
        """Jobs from before an instant are gone, finished or not, with their chunks, and their keys are free."""
        for key, at in (("old", _NOW - _MICROSECOND), ("older", _NOW - _LEASE), ("new", _NOW)):
            job = attrs.evolve(a_job(key, total=_MANY), started_at=at)
            assert add(jobs, job, [a_chunk(number) for number in range(_MANY)])
        assert jobs.purge_jobs(_NOW) == 2
        assert jobs.purge_jobs(_NOW) == 0
        assert [jobs.find_job(key) is None for key in ("old", "older", "new")] == [True, True, False]
        assert list(jobs.read_chunks("old", -1, 9)) == []
        assert len(jobs.read_chunks("new", -1, _MANY)) == _MANY
        assert add(jobs, a_job("old"), [a_chunk(0, items="[7]")])
        assert list(jobs.read_chunks("old", -1, 9)) == [a_chunk(0, items="[7]")]

    # -- several at once

    def test_of_racing_claims_one_wins(self, jobs: JobStore) -> None:
        """Of several workers that claim a chunk at the same moment, one has it."""
        add(jobs, a_job("k", total=5), [a_chunk(number) for number in range(5)])
        for number in range(5):
            asked = [partial(claim, jobs, "k", number, f"w{worker}") for worker in range(_WORKERS)]
            won = [chunk for chunk in at_once(asked, threads=self.has_threads) if chunk is not None]
            assert won == [a_chunk(number)]

    def test_workers_share_a_job(self, jobs: JobStore) -> None:
        """Several workers at once do each chunk, and each of them once, and every contact is counted."""
        add(jobs, a_job("k", total=40), [a_chunk(number) for number in range(40)])
        working = [partial(_work, jobs, f"w{worker}") for worker in range(_WORKERS)]
        finished = sorted(number for numbers in at_once(working, threads=self.has_threads) for number in numbers)
        assert finished == list(range(40))
        assert done(jobs, "k") == 40
        assert list(jobs.unfinished_jobs()) == []

    def test_of_racing_additions_one_wins(self, jobs: JobStore) -> None:
        """OK pressed twice at the same moment is one job, with the chunks of one."""
        for number in range(5):
            key = f"k{number}"
            adding = [
                partial(add, jobs, a_job(key, operator_id=f"op{n}", total=2), [a_chunk(0, items=f"[{n}]"), a_chunk(1)])
                for n in range(_WORKERS)
            ]
            results = at_once(adding, threads=self.has_threads)
            assert sorted(results) == [False] * (_WORKERS - 1) + [True]
            winner = results.index(True)
            found = jobs.find_job(key)
            assert found is not None
            assert found.operator_id == f"op{winner}"
            assert list(jobs.read_chunks(key, -1, 9)) == [a_chunk(0, items=f"[{winner}]"), a_chunk(1)]

    def test_racing_jobs_stay_within_the_ceiling(self, jobs: JobStore) -> None:
        """Of jobs that each operator starts at the same moment, as many are added as there is room for, no fewer."""
        _race_for_room([jobs], rounds=3, threads=self.has_threads)

    def test_jobs_in_two_stores_stay_within_the_ceiling(self, jobs: JobStore, request: Fixtures) -> None:
        """A lock in the process is not enough: what two processes add is added up."""
        another: JobStore = fixture_or_skip(request, "another_jobs", _SECOND_PROCESS)
        _race_for_room([jobs, another], rounds=6)

    def test_another_store_sees_each_step(self, jobs: JobStore, request: Fixtures) -> None:
        """Nothing of a job is kept in a process: the page that polls, and the next worker, are elsewhere."""
        another: JobStore = fixture_or_skip(request, "another_jobs", _SECOND_PROCESS)
        assert another.find_job("k") is None
        two_chunks(jobs)
        assert another.find_job("k") == jobs.find_job("k")
        assert add(another, a_job("k"), [a_chunk(0)]) is False
        claim(jobs, "k", 0, "one")
        assert claim(another, "k", 0, "two") is None
        assert list(another.open_chunks("k", -1, _NOW)) == [1]
        assert told(another, _NOW) == (0, 64, None)
        assert jobs.save_chunk("k", 0, "one", "[1]", True, _NOW)
        assert list(another.read_chunks("k", -1, 1)) == [a_chunk(0, 64, results="[1]")]
        assert done(another, "k") == 64
        assert another.cancel_job("k", _NOW)
        assert claim(jobs, "k", 1, "one") is None
        assert list(jobs.unfinished_jobs()) == []
        assert another.purge_jobs(_UNTIL) == 1
        assert jobs.find_job("k") is None

    def test_of_claims_in_two_stores_one_wins(self, jobs: JobStore, request: Fixtures) -> None:
        """A lock in the process is not enough: two processes do not have one chunk."""
        another: JobStore = fixture_or_skip(request, "another_jobs", _SECOND_PROCESS)
        add(jobs, a_job("k", total=40), [a_chunk(number) for number in range(40)])
        finished = at_once([partial(_work, at, f"w{n}") for n, at in enumerate((jobs, another, jobs, another))])
        assert sorted(number for numbers in finished for number in numbers) == list(range(40))
        assert done(another, "k") == 40

    def test_a_store_that_is_not_reached_says_so(self, request: Fixtures) -> None:
        """Where jobs cannot be asked for, nobody takes them for finished or absent."""
        jobs: JobStore = fixture_or_skip(request, "unreachable_jobs", "what is raised without a server")
        for ask in (
            lambda: jobs.add_job(a_job("k"), [a_chunk(0)], None),
            lambda: jobs.add_job(a_job("k"), [a_chunk(0)], 1),
            lambda: jobs.find_job("k"),
            lambda: jobs.open_chunks("k", -1, _NOW),
            lambda: jobs.claim_chunk("k", 0, "w", _NOW, _UNTIL),
            lambda: jobs.save_chunk("k", 0, "w", "[]", True, _NOW),
            lambda: jobs.read_chunks("k", -1, 9),
            lambda: jobs.job_progress("k", _NOW),
            lambda: jobs.cancel_job("k", _NOW),
            lambda: jobs.unfinished_jobs(),
            lambda: jobs.purge_jobs(_NOW),
        ):
            assert_says_unavailable(ask, ())


def a_job(key: str, *, total: int = 1, planned: int = 1, operator_id: str = "op") -> StoredJob:
    """Return a job that has just been started."""
    return StoredJob(
        key=key,
        operator_id=operator_id,
        terms='["terms"]',
        digest="d1",
        total=total,
        planned=planned,
        confirmed_at=_NOW - _LEASE,
        started_at=_NOW,
    )


def a_chunk(number: int, size: int = 1, **fields: Any) -> JobChunk:
    """Return a chunk of it."""
    return JobChunk(number=number, size=size, **{"items": f"[{number}]", **fields})


def add(jobs: JobStore, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None = None) -> bool:
    """Add a job, and return whether it is there now and was not before."""
    return jobs.add_job(job, chunks, ceiling).outcome == AddOutcome.ADDED


def planned_before(jobs: JobStore, at: datetime, operator_id: str = "op") -> int:
    """Return how many an operator has planned in the 24 hours up to an instant."""
    refused = jobs.add_job(attrs.evolve(a_job("one more", operator_id=operator_id), started_at=at), [a_chunk(0)], 0)
    assert refused.outcome == AddOutcome.OVER_CEILING
    return refused.planned


def two_chunks(jobs: JobStore) -> None:
    """Add a job of two chunks, of 64 contacts and of 6."""
    assert add(jobs, a_job("k", total=70), [a_chunk(0, 64), a_chunk(1, 6)])


def claim(jobs: JobStore, key: str, number: int, worker: str) -> JobChunk | None:
    """Claim a chunk for half a minute."""
    return jobs.claim_chunk(key, number, worker, _NOW, _UNTIL)


def finish(jobs: JobStore, key: str, number: int, worker: str, *, results: str = "[]") -> None:
    """Claim a chunk and finish it."""
    assert claim(jobs, key, number, worker) is not None
    assert jobs.save_chunk(key, number, worker, results, True, _NOW)


def done(jobs: JobStore, key: str) -> int:
    """Return how many contacts are done."""
    progress = jobs.job_progress(key, _NOW)
    assert progress is not None
    return progress.done


def told(jobs: JobStore, now: datetime) -> tuple[int, int, timedelta | None]:
    """Return what is done, what is held and how long the rest takes."""
    progress = jobs.job_progress("k", now)
    assert progress is not None
    return progress.done, progress.held, progress.eta


def _race_for_room(stores: Sequence[JobStore], *, rounds: int, threads: bool = True) -> None:
    for number in range(rounds):
        names = (f"one{number}", f"two{number}")
        adding = [
            partial(add, store, a_job(f"{name}-{n}", planned=2, operator_id=name), [a_chunk(0)], 5)
            for n, store in enumerate([*stores, *stores] if len(stores) > 1 else [*stores] * 4)
            for name in names
        ]
        added = at_once(adding, threads=threads)
        assert [sum(added[place :: len(names)]) for place in range(len(names))] == [2, 2]
        assert [planned_before(stores[-1], _NOW, name) for name in names] == [4, 4]


def _work(jobs: JobStore, worker: str) -> Sequence[int]:
    finished: list[int] = []
    while numbers := jobs.open_chunks("k", -1, _NOW):
        for number in numbers:
            if claim(jobs, "k", number, worker) is not None:
                assert jobs.save_chunk("k", number, worker, "[]", True, _NOW)
                finished.append(number)
                break
    return finished
