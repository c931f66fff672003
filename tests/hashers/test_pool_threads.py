"""The pool's threads: too few of them, none at all, forks, and the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest

from portalcreds.hashers import Argon2Hasher, Argon2Parameters, HashingPool, HashingUnavailableError, UpgradingHasher
from portalcreds.hashers._bulk import outcome
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_ISSUED

from .pools import Gate, places_left

MIB = 1024 * 1024


@pytest.fixture
def pool() -> Iterator[HashingPool]:
    """Two threads, and room for three callers."""
    with HashingPool(max_memory_bytes=10 * MIB, slot_memory_bytes=MIB, workers=2, queue_limit=3) as pool:
        yield pool


def test_too_few_threads_are_not_a_closed_pool(pool: HashingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: a process at its limit of threads is told so, and its place comes back."""
    place = pool.admit()
    assert place is not None

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(HashingUnavailableError) as caught:
            place.run(str)
    assert caught.value.code == "no_thread"
    assert place.run(str) == ""


def test_work_that_finds_no_thread_is_not_done_later(pool: HashingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """R14: an executor keeps such work, with the password in it, until it has a thread; by then nobody waits for it."""
    done: list[str] = []

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(HashingUnavailableError):
            pool.submit(lambda: done.append("late"))
    assert outcome(pool.submit(str)) == ""
    assert done == []


@pytest.mark.parametrize("platform", ["emscripten", "wasi", "linux"])
def test_where_there_are_no_threads_the_caller_s_thread_hashes(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pyodide starts no thread: everything works, on the thread that calls, within the same bounds and in no arena."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr(sys, "platform", platform)
    workers = 0 if platform == "linux" else None
    hasher = Argon2Hasher(Argon2Parameters(memory_kib=4096, time_cost=1, lanes=1, insecure_for_tests=True))
    with (
        HashingPool(workers=workers, queue_limit=1) as alone,
        UpgradingHasher(chosen=hasher, issued=hasher, pool=alone) as upgrading,
    ):
        permit = upgrading.admit()
        assert permit is not None
        assert upgrading.admit() is None
        with permit:
            stored = permit.hash_chosen(Secret("password"))
            assert permit.check(Secret("password"), stored).matched
            assert not permit.check(Secret("wrong"), None).matched
        assert len(list(upgrading.hash_issued([Secret("password")] * 3))) == 3
        assert upgrading.admit() is not None
        assert alone._state.budget._arenas_work is None
    with pytest.raises(HashingUnavailableError, match="closed"):
        alone.submit(str)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_on_the_caller_s_thread_is_the_caller_s(interruption: type[BaseException]) -> None:
    """Without threads Ctrl-C stops the program, not one hash of many; it shows no plaintext and keeps no place."""

    def job() -> None:
        plaintext = "AbbiaticiR"
        raise interruption(plaintext[:0]) from ValueError(plaintext)

    with HashingPool(workers=0, queue_limit=1) as alone:
        place = alone.admit()
        assert place is not None
        with pytest.raises(interruption) as caught:
            place.run(job)
        place.give_back()

        assert "AbbiaticiR" not in repr([entry.locals for entry in caught.traceback[1:]])
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert alone.admit() is not None


def test_an_interruption_beside_the_work_keeps_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without threads it may come between two steps of the pool's own: the place comes back all the same."""
    monkeypatch.setattr("portalcreds.hashers.pool._result_of", Mock(side_effect=KeyboardInterrupt))
    with HashingPool(workers=0, queue_limit=1) as alone:
        place = alone.admit()
        assert place is not None
        with pytest.raises(KeyboardInterrupt):
            place.run(str)
        place.give_back()

        assert alone.admit() is not None


def test_a_hasher_can_be_made_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: at the limit of threads a hasher is made, and each use says what is missing, with a typed error."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with UpgradingHasher(issued=Argon2Hasher(CHEAPEST_ISSUED)) as hasher:
        permit = hasher.admit()
        assert permit is not None
        with permit, pytest.raises(HashingUnavailableError, match="thread") as caught:
            permit.check(Secret("password"), None)
        assert caught.value.code == "no_thread"
        with pytest.raises(HashingUnavailableError, match="thread"):
            next(hasher.hash_issued([Secret("password")]))


def test_a_closed_pool_says_so() -> None:
    """R23: after close there are no places and no work, and closing again does nothing."""
    pool = HashingPool()
    place = pool.admit()
    assert place is not None
    pool.close()
    pool.close()

    for attempt in (pool.admit, lambda: place.run(str), lambda: pool.submit(str)):
        with pytest.raises(HashingUnavailableError) as caught:
            attempt()
        assert caught.value.code == "closed"
        assert caught.value.__context__ is None


def test_closing_waits_for_what_runs_and_drops_what_waits() -> None:
    """What has begun ends properly; what has not tells its caller."""
    gate = Gate()
    pool = HashingPool(workers=1)
    running = pool.submit(gate)
    waiting = pool.submit(str)
    assert gate.entered.acquire(timeout=60)
    with ThreadPoolExecutor(1) as closer:
        closing = closer.submit(pool.close)
        while not waiting.cancelled():
            assert not closing.done()
        gate.opened.set()
        closing.result()

    assert outcome(running).startswith("hashing")
    with pytest.raises(HashingUnavailableError):
        outcome(waiting)


def test_no_thread_is_started_before_there_is_work() -> None:
    """A server that loads the application and then forks must not fork with threads."""
    before = threading.active_count()

    assert HashingPool().admit() is not None
    assert threading.active_count() == before


def run_python(program: str) -> str:
    """Run a program in a process of its own, which ends by itself, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


FORK = """
import os, sys, threading
from portalcreds.hashers import HashingPool, HashingUnavailableError

pool = HashingPool(workers=1, queue_limit=1)
entered, opened = threading.Event(), threading.Event()
place = pool.admit()
work = pool.submit(lambda: (entered.set(), opened.wait(30)))
entered.wait(30)
closed = HashingPool()
closed.close()
child = os.fork()
if child == 0:
    # The parent's only thread is busy and its only place is out.
    own = pool.admit()
    said = [own.run(lambda: "worked"), place.run(lambda: "inherited"), str(pool.admit())]
    try:
        closed.submit(str)
    except HashingUnavailableError as error:
        said.append(error.code)
    place.give_back()
    said.append(str(pool.admit()))
    own.give_back()
    said.append(str(pool.admit() is not None))
    print(*said, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(pool.admit())
opened.set()
"""


def test_a_forked_child_waits_for_nobody() -> None:
    """Places and threads of the parent are not the child's: it has its own, whatever was under way."""
    assert run_python(FORK).splitlines() == ["worked inherited None closed None True", "None"]


def test_another_process_id_means_threads_and_places_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without a fork: all places are back, and a pool that was closed is closed."""
    open_pool, closed = HashingPool(queue_limit=2, workers=1), HashingPool()
    place = open_pool.admit()
    closed.close()

    monkeypatch.setattr(os, "getpid", lambda: -1)

    assert places_left(open_pool) == 2
    assert place is not None
    place.give_back()
    assert places_left(open_pool) == 2
    with pytest.raises(HashingUnavailableError):
        closed.submit(str)
    open_pool.close()


def test_an_idle_pool_does_not_keep_a_program_from_ending() -> None:
    """A program that never closes its pool ends nevertheless, without a word."""
    program = "from portalcreds.hashers import HashingPool\npool = HashingPool()\npool.admit().run(str)\nprint('end')"

    assert run_python(program) == "end\n"


def test_importing_the_hashers_imports_no_executor() -> None:
    """R22: concurrent.futures is imported by who makes a pool."""
    program = (
        "import sys, portalcreds.hashers\n"
        "print(sorted({'asyncio', 'concurrent.futures', 'logging', 'sqlite3', 'multiprocessing'} & set(sys.modules)))"
    )

    assert run_python(program) == "[]\n"
