"""Signals, forks and long runs at full cost: nobody's Ctrl-C is lost, nobody waits for the dead, nothing grows."""

from __future__ import annotations

import subprocess
import sys

import pytest

INTERRUPTS = """
import os, random, signal, sys, threading
from portalcreds.hashers import CHOSEN, ISSUED, Argon2Hasher, Argon2Parameters, UpgradingHasher
from portalcreds.secret import Secret

class Interrupted(BaseException):
    pass

handled = 0

def handle(*_):
    global handled
    handled += 1
    raise Interrupted

def send(number):
    working.wait()
    threading.Event().wait(random.random() * 0.15)
    os.kill(os.getpid(), number)

# In an arena at both costs.
LARGE = Argon2Parameters(memory_kib=32 * 1024, time_cost=1, lanes=4, insecure_for_tests=True)

def make():
    chosen, issued = (CHOSEN, ISSUED) if sys.argv[3] == "full" else (LARGE, LARGE)
    return UpgradingHasher(chosen=Argon2Hasher(chosen), issued=Argon2Hasher(issued))

def check():
    with hasher.admit() as permit:
        permit.check(Secret("password"), None)

def bulk():
    list(hasher.hash_issued([Secret("password")] * 50))

def construct():
    with make():
        pass

def told_of(number):
    sender = threading.Thread(target=send, args=[number])
    sender.start()
    before = handled
    try:
        working.set()
        # A handler that a callback swallowed has been called, and nobody was told.
        while handled == before:
            work()
    except Interrupted:
        return True
    finally:
        working.clear()
        sender.join()
    return False

work, rounds = globals()[sys.argv[1]], int(sys.argv[2])
working = threading.Event()
hasher = make()
check()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, handle)
    print(sum(told_of(number) for _ in range(rounds)), "of", rounds)
check()
"""

FORKS = """
import os, signal, sys, threading
from portalcreds.hashers import CHOSEN, Argon2Hasher, Argon2Parameters, HashingPool, UpgradingHasher
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_ISSUED

def refused(hasher):
    with hasher.admit() as permit:
        return not permit.check(Secret("wrong"), None).matched

pool = HashingPool(workers=2, queue_limit=3)
large = Argon2Parameters(memory_kib=32 * 1024, time_cost=1, lanes=4, insecure_for_tests=True)
chosen = Argon2Hasher(CHOSEN if sys.argv[2] == "full" else large)
hasher = UpgradingHasher(chosen=chosen, issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool)
stop = threading.Event()

def call():
    while not stop.is_set():
        refused(hasher)

callers = [threading.Thread(target=call) for _ in range(2)]
held = hasher.admit()
refused(hasher)
for caller in callers:
    caller.start()
statuses = []
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        # Of the parent, a place is out, threads are in the middle of a hash, and arenas are in use or idle.
        signal.alarm(40)
        with hasher.admit() as first, hasher.admit() as second, hasher.admit() as third:
            done = [hasher.admit() is None]
            done += [not permit.check(Secret("wrong"), None).matched for permit in (first, second, third, held)]
        pool.close()
        os._exit(0 if all(done) else 1)
    statuses.append(os.waitpid(child, 0)[1])
stop.set()
for caller in callers:
    caller.join()
print(set(statuses))
pool.close()
"""

GROWTH = """
import resource, sys, threading
from portalcreds.accounts import PasswordHash
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.hashers._arena import Arena, MemoryBudget
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

def sign_in():
    with hasher.admit() as permit:
        stored = permit.hash_chosen(Secret("password"))
        assert permit.check(Secret("password"), stored).matched
        assert not permit.check(Secret("wrong"), stored).matched

def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

def use_arena():
    with budget.hold(2**20, in_arena=True) as arena:
        assert arena is not None
    budget._release_until(float("inf"))

pool = HashingPool(workers=2)
hasher = UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool)
budget = MemoryBudget(2**20)
count = int(sys.argv[1])
for _ in range(200):
    sign_in()
    use_arena()
before = peak_mib()
for _ in range(count // 4):
    sign_in()
for _ in range(count // 20):
    use_arena()
# This one, the pool's, and a timer, which on a slow machine has ended already.
print(threading.active_count() <= 1 + pool.workers + 1, peak_mib() - before < 4)
print(len(pool._state.room._free) == 2 * pool.workers)
pool.close()
budget.close()
print(threading.active_count())
"""


def run_python(program: str, *arguments: str) -> list[str]:
    """Run a program in a process of its own, and return the lines that it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("work", ["check", "bulk", "construct"])
def test_a_signal_reaches_the_program_while_it_waits_for_hashing(work: str) -> None:
    """A handler that raises is neither swallowed by a callback nor kept waiting for good: a sample."""
    assert run_python(INTERRUPTS, work, "2", "in an arena") == ["2 of 2"] * 2


@pytest.mark.whole
@pytest.mark.parametrize("work", ["check", "bulk", "construct"])
def test_each_of_twenty_signals_reaches_the_program(work: str) -> None:
    """SIGINT and SIGTERM, 20 of 20, wherever in the work they come."""
    assert run_python(INTERRUPTS, work, "20", "full") == ["20 of 20"] * 2


def test_a_child_of_a_busy_parent_hashes_at_full_cost() -> None:
    """Places, threads and arenas of the parent are not the child's, whatever was under way: a sample."""
    assert run_python(FORKS, "2", "in an arena") == ["{0}"]


@pytest.mark.whole
def test_many_children_of_a_busy_parent_hash_at_full_cost() -> None:
    """The same, at 20 moments."""
    assert run_python(FORKS, "20", "full") == ["{0}"]


def test_hashing_leaves_nothing_behind() -> None:
    """Neither threads nor memory nor places out, after many sign-ins and many arenas: a sample."""
    assert run_python(GROWTH, "2000") == ["True True", "True", "1"]


@pytest.mark.whole
def test_hashing_20000_times_leaves_nothing_behind() -> None:
    """The same for 20,000 cheap hashes."""
    assert run_python(GROWTH, "20000") == ["True True", "True", "1"]
