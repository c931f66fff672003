"""Bound how much is hashed at once, in memory and in waiting callers, and keep hashing off the caller's thread."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

import attrs

from ..exceptions import ConfigurationError, HashingUnavailableError, PortalCredsError
from ._arena import Arena, MemoryBudget
from .argon2 import CHOSEN

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_T = TypeVar("_T")

_DEFAULT_MEMORY_BYTES: Final = 256 * 1024 * 1024
"""Four hashes of the chosen profile, or one of the largest that the gate lets through."""

_PLACES_PER_WORKER: Final = 16
"""Running and waiting. A denial costs about 0.2 s of a core, so whoever is let in waits for about 3 s at worst."""


class HashingPool:
    """
    Run hashing on a few threads of its own, within a bound on memory and on callers.

    Threads start with the first work. After a fork the child gets threads and places of its own. Hand one pool to
    several hashers to bound them together; whoever made it closes it.

    The memory of large hashes is kept for the next ones, within the same bound, and released after 10 s without work.

    Args:
        max_memory_bytes: What all hashes that run at once may take together, with what is kept.
        slot_memory_bytes: What one hash of the most expensive profile takes.
        workers: Number of threads, or None for one for each core. Fewer if memory holds fewer hashes.
        queue_limit: How many callers may run and wait together, or None for 16 for each thread.

    Attributes:
        max_memory_bytes: As given.
        workers: Number of threads.
        queue_limit: How many callers may run and wait together.

    Raises:
        ConfigurationError: Memory holds not even one hash, or a number is not positive.
    """

    def __init__(
        self,
        *,
        max_memory_bytes: int = _DEFAULT_MEMORY_BYTES,
        slot_memory_bytes: int = CHOSEN.memory_bytes,
        workers: int | None = None,
        queue_limit: int | None = None,
    ) -> None:
        slot_memory_bytes = max(slot_memory_bytes, 1)
        if max_memory_bytes < slot_memory_bytes:
            raise ConfigurationError("max_memory_bytes", "allow for at least one hash of the most expensive profile")
        if workers is None:
            # 3.13 counts the cores that this process may use; before, there is only the number of all.
            workers = getattr(os, "process_cpu_count", os.cpu_count)() or 1
        if workers < 1:
            raise ConfigurationError("workers", "take at least one thread, or None for one for each core")
        self.max_memory_bytes: Final = max_memory_bytes
        self.workers: Final[int] = min(workers, max_memory_bytes // slot_memory_bytes)
        self.queue_limit: Final = _PLACES_PER_WORKER * self.workers if queue_limit is None else queue_limit
        if self.queue_limit < 1:
            raise ConfigurationError("queue_limit", "let at least one caller in, or pass None")
        self._is_closed = False
        self._state = self._new_state()

    def admit(self) -> PoolPlace | None:
        """
        Return a place, or None at once if as many as may are running and waiting already.

        Raises:
            HashingUnavailableError: The pool is closed.
        """
        if self._is_closed:
            raise HashingUnavailableError("closed")
        places = self._current().places
        try:
            places.pop()
        except IndexError:
            return None
        return PoolPlace(self, places)

    def submit(self, job: Callable[[], _T], /) -> Future[JobResult[_T]]:
        """
        Have the job run on a thread of the pool, without a place; `outcome` tells what became of it.

        Raises:
            HashingUnavailableError: The pool is closed, or no thread can be started.
        """
        from concurrent.futures import Future

        work: Future[JobResult[_T]] = Future()
        self._start(work, job)
        return work

    def memory(self, amount: int, *, in_arena: bool = False) -> AbstractContextManager[Arena | None]:
        """
        Hold so many bytes of the pool's memory once they are free. Only inside a job, and never one in another.

        Args:
            amount: How many bytes.
            in_arena: Whether they may be memory that is kept for the next who asks for no more. There may be none.
        """
        return self._current().budget.hold(amount, in_arena=in_arena)

    def close(self) -> None:
        """Take no more work, drop what has not begun, and wait for what runs."""
        self._is_closed = True
        state = self._current()
        state.executor.shutdown(wait=True, cancel_futures=True)
        state.budget.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, work: Future[JobResult[_T]], job: Callable[[], _T]) -> None:
        try:
            started = self._current().executor.submit(_run, work, job)
        except RuntimeError:
            # The pool or the interpreter shuts down, or the system gives this process no more threads.
            started = None
        if started is None:
            raise HashingUnavailableError("closed" if self._is_closed else "no_thread")
        started.add_done_callback(lambda _started: _settle(work))

    def _current(self) -> _State:
        state = self._state
        if state.process_id != os.getpid():
            # The parent's threads did not come along, and what it had running will never end here. Two threads may get
            # here at once, and the later state wins; a lock could be one that a thread of the parent held at the fork.
            state = self._state = self._new_state()
            if self._is_closed:
                state.executor.shutdown()
        return state

    def _new_state(self) -> _State:
        from concurrent.futures import ThreadPoolExecutor

        return _State(
            process_id=os.getpid(),
            executor=ThreadPoolExecutor(self.workers, thread_name_prefix="hashing"),
            places=deque([None] * self.queue_limit),
            budget=MemoryBudget(self.max_memory_bytes),
        )


class PoolPlace:
    """
    A place in the queue of a pool, for one piece of work after the other.

    It belongs to the work: a caller who gives up gives it back only when the work under way has ended, or at once if
    that has not begun.
    """

    def __init__(self, pool: HashingPool, places: deque[None]) -> None:
        self._pool = pool
        self._places = places
        self._held: deque[None] = deque([None])
        self._work: Future[Any] | None = None

    def run(self, job: Callable[[], _T], /) -> _T:
        """
        Return what the job returns.

        Raises:
            PortalCredsError: What the job raised, or `HashingUnavailableError` if that was anything else, if the pool
                is closed, or if the place was given back already.
        """
        from concurrent.futures import Future

        if not self._held:
            raise HashingUnavailableError("given_back")

        work: Future[JobResult[_T]] = Future()
        # Known here before it is started: an interruption may come as soon as it is, and the place is the work's.
        self._work = work
        self._pool._start(work, job)
        return outcome(work)

    def give_back(self) -> None:
        """Give the place back once the work under way has ended. More than once is once."""
        if self._work is None:
            self._return()
        else:
            self._work.cancel()
            self._work.add_done_callback(self._return)

    def __del__(self) -> None:
        # A caller who is interrupted between taking a place and entering it would take it along for good.
        self.give_back()

    def _return(self, _work: object = None) -> None:
        # Deques and no lock, because a finaliser runs in the middle of whatever its thread was doing.
        try:
            self._held.pop()
        except IndexError:
            return
        self._places.append(None)


@attrs.frozen(kw_only=True)
class JobResult(Generic[_T]):
    """
    What became of a job.

    Attributes:
        values: What it returned, alone, or nothing if it raised.
        error: What is to be raised, without the frames of the job, or None.
    """

    values: tuple[_T, ...] = ()
    error: PortalCredsError | None = None


def outcome(work: Future[JobResult[_T]]) -> _T:
    """Wait for a job, and return what it returned, or raise what `JobResult` says."""
    from concurrent.futures import CancelledError

    try:
        done = work.result()
    except CancelledError:
        done = JobResult(error=HashingUnavailableError("closed"))
    if done.error is not None:
        raise done.error
    return done.values[0]


def _run(work: Future[JobResult[_T]], job: Callable[[], _T]) -> None:
    if work.set_running_or_notify_cancel():
        work.set_result(_result_of(job))


def _settle(work: Future[JobResult[_T]]) -> None:
    """See to it that whoever waits for the work gets an answer, whatever became of the thread that did it."""
    # Closing the pool cancels what the executor knows of; and an exception can be thrown into a thread from outside.
    if not work.cancel() and not work.done():
        work.set_result(JobResult(error=HashingUnavailableError("interrupted")))


def _result_of(job: Callable[[], _T]) -> JobResult[_T]:
    # The frames of a job hold plaintext, and so may the text of what a host's verifier raises, UnicodeEncodeError
    # before all. So neither leaves this thread: ours are stripped of frames and context, of others the name is told.
    try:
        return JobResult(values=(job(),))
    except PortalCredsError as error:
        error.__cause__ = error.__context__ = None
        return JobResult(error=error.with_traceback(None))
    except MemoryError:
        return JobResult(error=HashingUnavailableError("out_of_memory"))
    except BaseException as error:  # noqa: BLE001  What a host's verifier raises is not ours to know, and somebody waits.
        return JobResult(error=HashingUnavailableError(type(error).__name__))


@attrs.frozen(kw_only=True)
class _State:
    """What belongs to one process."""

    process_id: int
    executor: ThreadPoolExecutor
    places: deque[None]
    budget: MemoryBudget
