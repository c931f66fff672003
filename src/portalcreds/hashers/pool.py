"""Bound how much is hashed at once, in memory and in waiting callers, and keep hashing off the caller's thread."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .._arguments import whole
from .._closing import Closing
from ..exceptions import ConfigurationError, HashingUnavailableError, PortalCredsError
from ._arena import Arena, MemoryBudget
from ._bulk import outcome
from ._waiting_room import WaitingRoom
from .argon2 import CHOSEN

if TYPE_CHECKING:
    from concurrent.futures import Future

_T = TypeVar("_T")
_Error = TypeVar("_Error", bound=BaseException)

_DEFAULT_MEMORY_BYTES: Final = 256 * 1024 * 1024
"""Four hashes of the chosen profile, or one of the largest that a stored hash may ask for."""

_PLACES_PER_WORKER: Final = 16
"""Running and waiting. A denial costs about 0.2 s of a core, so the last one waits for about 3 s at worst."""

_PLACES_AT_WORK: Final = 2
"""For each thread, so that it never waits for the next caller. More would be served in the order in which they came."""

_PATIENCE: Final = timedelta(seconds=4)
"""With the hashing itself, about as long as a person waits for a page."""

_MOST_PATIENCE: Final = timedelta(minutes=1)

_MOST_PLACES: Final = 100_000
"""More callers than any server has threads."""

_WITHOUT_THREADS: Final = ("emscripten", "wasi")
"""Platforms on which Python can start no thread, such as Pyodide's."""


class HashingPool(Closing):
    """
    Run hashing on a few threads of its own, within a bound on memory and on callers.

    Threads start with the first work. After a fork the child gets threads and places of its own. Hand one pool to
    several hashers to bound them together; whoever made it closes it.

    The memory of large hashes is kept for the next ones, within the same bound, and released after 10 s without work.

    Args:
        max_memory_bytes: What all hashes that run at once may take together, with what is kept.
        slot_memory_bytes: What one hash of the most expensive profile takes.
        workers: Number of threads, or None for one for each core. Fewer if memory holds fewer hashes. 0 hashes on the
            thread that calls, which is what None means where Python has no threads (Pyodide).
        queue_limit: How many callers may run and wait together, or None for 16 for each thread.
        patience: How long callers wait at most. Those come first who had the fewest places lately, so that a flood
            delays itself and not a family that comes once. Zero to serve them in the order in which they came, however
            long that takes.

    Attributes:
        max_memory_bytes: As given.
        workers: Number of threads.
        queue_limit: How many callers may run and wait together.
        patience: As given.

    Raises:
        ConfigurationError: Memory holds not even one hash, or a number is too small.
    """

    def __init__(
        self,
        *,
        max_memory_bytes: int = _DEFAULT_MEMORY_BYTES,
        slot_memory_bytes: int = CHOSEN.memory_bytes,
        workers: int | None = None,
        queue_limit: int | None = None,
        patience: timedelta = _PATIENCE,
    ) -> None:
        whole("max_memory_bytes", max_memory_bytes, least=1)
        whole("slot_memory_bytes", slot_memory_bytes, least=0)
        for argument, number in {"workers": workers, "queue_limit": queue_limit}.items():
            if number is not None:
                whole(argument, number, least=0)
        slot_memory_bytes = max(slot_memory_bytes, 1)
        if max_memory_bytes < slot_memory_bytes:
            raise ConfigurationError("max_memory_bytes", "allow for at least one hash of the most expensive profile")
        if workers is None:
            workers = 0 if sys.platform in _WITHOUT_THREADS else _cores()
        if workers < 0:
            raise ConfigurationError("workers", "pass a number of threads, or None for one for each core")
        self.max_memory_bytes: Final = max_memory_bytes
        self.workers: Final[int] = min(workers, max_memory_bytes // slot_memory_bytes)
        self.queue_limit: Final = _PLACES_PER_WORKER * max(self.workers, 1) if queue_limit is None else queue_limit
        if not 1 <= self.queue_limit <= _MOST_PLACES:
            raise ConfigurationError("queue_limit", f"let from one to {_MOST_PLACES} callers in, or pass None")
        given: object = patience
        if not isinstance(given, timedelta) or not timedelta(0) <= given <= _MOST_PATIENCE:
            raise ConfigurationError("patience", "pass a timedelta of at most a minute; zero to refuse at once")
        self.patience: Final = patience
        self._is_closed = False
        self._state = _State(self)

    def admit(self, caller: str | None = None, /) -> PoolPlace | None:
        """
        Return a place, or None if the queue is full, or was not passed in time.

        Args:
            caller: Who asks, such as a digest of an address, to wait in turn; None for an answer at once.

        Raises:
            HashingUnavailableError: The pool is closed.
        """
        if self._is_closed:
            raise HashingUnavailableError("closed")
        place = PoolPlace(self)
        return place if place.take(self._current().room, caller) else None

    def submit(self, job: Callable[[], _T], /) -> Future[_T]:
        """
        Have the job run on a thread of the pool, without a place; `outcome` returns its result.

        Raises:
            HashingUnavailableError: The pool is closed, or no thread can be started.
        """
        from concurrent.futures import Future

        work: Future[_T] = Future()
        self._start(work, job)
        return work

    def memory(self, amount: int, *, in_arena: bool = False) -> AbstractContextManager[Arena | None]:
        """
        Wait for so many bytes of the pool's memory, and hold them. Only inside a job, and never one in another.

        Args:
            amount: How many bytes.
            in_arena: Whether the work uses an arena, which is then lent to its thread. There may be none.
        """
        # A thread of a caller may be the main one, whose signal handlers an arena's callbacks would swallow.
        return self._current().budget.hold(amount, in_arena=in_arena and self.workers > 0)

    def close(self) -> None:
        """Take no more work, drop what has not begun, and wait for what runs."""
        self._is_closed = True
        state = self._current()
        state.executor.shutdown(wait=True, cancel_futures=True)
        state.budget.close()

    def _start(self, work: Future[_T], job: Callable[[], _T]) -> None:
        if self.workers == 0 and not self._is_closed:
            try:
                interruption = _run(work, job)
            finally:
                # An interruption may come outside of the job too, and the place comes back when the work has ended.
                _settle(work)
            if interruption is not None:
                raise interruption
            return
        try:
            started = self._current().executor.submit(_run, work, job)
        except RuntimeError:
            # The pool or the interpreter shuts down, or the system gives this process no more threads. In that case the
            # executor keeps the work for later, when nobody waits for it.
            started = None
            work.cancel()
        if started is None:
            raise HashingUnavailableError("closed" if self._is_closed else "no_thread")
        started.add_done_callback(lambda _started: _settle(work))

    def _current(self) -> _State:
        state = self._state
        if state.process_id != os.getpid():
            # The parent's threads are not in this process, and what it had running never ends here. Two threads may get
            # here at once, and the later state wins; a lock could be one that a thread of the parent held at the fork.
            state = self._state = _State(self)
            if self._is_closed:
                state.executor.shutdown()
        return state


class PoolPlace:
    """
    A place in the queue of a pool, for one piece of work after the other.

    It belongs to the work: a caller who gives up gives it back only when the work under way has ended, or at once if
    that has not begun.
    """

    def __init__(self, pool: HashingPool) -> None:
        self._pool = pool
        self._room: WaitingRoom | None = None
        self._work: Future[Any] | None = None
        self._held: deque[None] = deque()

    def take(self, room: WaitingRoom, caller: str | None) -> bool:
        """Take one of the room's places, and return whether there was one."""
        self._room = room
        return room.take(self._held, caller, self._pool.patience.total_seconds())

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

        work: Future[_T] = Future()
        # Set before it is started: an interruption may come as soon as it is, and the place belongs to the work.
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
        # A caller who is interrupted between taking a place and entering it would keep it for good. Without this
        # attribute, the constructor was interrupted.
        if hasattr(self, "_held"):
            self.give_back()

    def _return(self, _work: object = None) -> None:
        if self._room is not None:
            self._room.give_back(self._held)


def _run(work: Future[_T], job: Callable[[], _T]) -> BaseException | None:
    """Do the work, and return what interrupted it, such as Ctrl-C: it is for the caller, if this is their thread."""
    if not work.set_running_or_notify_cancel():
        return None
    results, error, interruption = _result_of(job)
    if error is None:
        work.set_result(results[0])
    else:
        work.set_exception(error)
    return interruption


def _settle(work: Future[_T]) -> None:
    """See to it that whoever waits for the work gets an answer, whatever happened to the thread that did it."""
    # Closing the pool cancels what the executor knows of; and an exception can be thrown into a thread from outside.
    if not work.cancel() and not work.done():
        work.set_exception(HashingUnavailableError("interrupted"))


def _result_of(job: Callable[[], _T]) -> tuple[tuple[_T, ...], PortalCredsError | None, BaseException | None]:
    """Return what the job returned, or what is to be raised, with nothing of the job in it, and what interrupted it."""
    # The frames of a job hold plaintext, and so may the text of what a host's verifier raises, such as
    # UnicodeEncodeError. Neither leaves this thread: our errors lose frames and context, of others the name is kept.
    try:
        return (job(),), None, None
    except PortalCredsError as error:
        return (), _without_frames(error), None
    except MemoryError:
        return (), HashingUnavailableError("out_of_memory"), None
    except Exception as error:  # noqa: BLE001  A host's verifier may raise anything, and somebody waits.
        return (), HashingUnavailableError(type(error).__name__), None
    except BaseException as error:  # noqa: BLE001  The same; and it must not end a thread of the pool.
        return (), HashingUnavailableError(type(error).__name__), _without_frames(error)


def _without_frames(error: _Error) -> _Error:
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _cores() -> int:
    # 3.13 counts the cores that this process may use; before, there is only the number of all.
    return getattr(os, "process_cpu_count", os.cpu_count)() or 1


class _State:
    """What belongs to one process."""

    def __init__(self, pool: HashingPool) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self.process_id: Final = os.getpid()
        self.executor: Final = ThreadPoolExecutor(max(pool.workers, 1), thread_name_prefix="hashing")
        at_work = _PLACES_AT_WORK * max(pool.workers, 1) if pool.patience else pool.queue_limit
        places = min(at_work, pool.queue_limit)
        self.room: Final = WaitingRoom(places, seats=pool.queue_limit - places)
        self.budget: Final = MemoryBudget(pool.max_memory_bytes)
