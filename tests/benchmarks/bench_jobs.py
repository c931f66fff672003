"""
Print what a job costs besides hashing, and how processes share one: ``python tests/benchmarks/bench_jobs.py``.

One job in each database, at the full cost of issued defaults, is shared by one process and then by two, each of which
hashes on one core as if it were a machine of its own. Beside that stands what is left of the work when hashing costs
next to nothing: it is what the database and one core do for each few dozen accounts, whatever machines there are. From
the two the last table is reckoned, for a district of a million. Nothing is asserted: a shared machine has no exact
times.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from portal import OFFICE, MovingClock, Portal
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.hashers.argon2 import ISSUED
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from stores.backends import Backend, new_backend

CHUNK = 64
MILLION = 1_000_000


class RealClock(MovingClock):
    """Tells the time."""

    def __call__(self) -> Any:
        """Return it."""
        from portalcreds.protocols import utc_now

        return utc_now()


@contextmanager
def at_work(backend: Backend, *, costs: bool) -> Iterator[Portal]:
    """Open a portal that hashes on one core, at full cost or at next to none."""
    issued = Argon2Hasher(ISSUED if costs else CHEAPEST_ISSUED)
    with (
        backend.open() as store,
        HashingPool(workers=1) as pool,
        UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=issued, pool=pool) as hasher,
    ):
        clock = RealClock()
        yield Portal(store, store.counter(clock=clock), clock, hasher)


def work(address: str, key: str, costs: bool, barrier: Barrier, told: Any) -> None:
    """Share a job, and tell how many results were one's own, and in how many seconds."""
    with at_work(Backend.at(address), costs=costs) as portal:
        list(portal.hasher.hash_issued([]))
        barrier.wait()
        began = time.perf_counter()
        done = sum(1 for _ in portal.resets.resume(key))
        told.put((done, time.perf_counter() - began))


def run(backend: Backend, contacts: list[Any], workers: int, *, costs: bool) -> float:
    """Return the seconds that so many processes take for a job over the contacts."""
    with at_work(backend, costs=False) as portal:
        ok = portal.resets.plan(contacts, OFFICE).confirm(OFFICE)
        key = portal.resets.start(ok).key
    context = get_context("spawn")
    barrier, told = context.Barrier(workers), context.Queue()
    processes = [
        context.Process(target=work, args=(backend.address, key, costs, barrier, told)) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    results = [told.get() for _ in processes]
    for process in processes:
        process.join()
    assert sum(done for done, _ in results) == len(contacts)
    return float(max(seconds for _, seconds in results))


@attrs.frozen
class Parts:
    """What one database was measured to take."""

    database: str
    hashing: float
    rest: float


def measure(database: str, folder: Path, count: int) -> Parts:
    """Measure one database, and print its row."""
    with new_backend(database, folder) as backend:
        with at_work(backend, costs=False) as portal:
            school = portal.add_school(count)
            plan = portal.resets.plan(school, OFFICE).confirm(OFFICE)
            began = time.perf_counter()
            portal.resets.start(plan).cancel()
            started = time.perf_counter() - began
        some = school[: count // 4 // CHUNK * CHUNK]
        one, two = run(backend, some, 1, costs=True), run(backend, some, 2, costs=True)
        light = run(backend, school, 1, costs=False)
    chunk = one / (len(some) / CHUNK)
    rest = light / (count / CHUNK)
    say(
        f"{database:12}{len(some) / one:10.1f}{len(some) / two:10.1f}{one / two:8.2f}"
        f"{1000 * rest:14.1f}{rest / chunk:9.1%}{1e6 * started / count:16.0f}"
    )
    return Parts(database, chunk - rest, rest)


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=2048)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    say(f"{os.cpu_count()} cores, load {load:.2f} before; accounts a second with one process and with two\n")
    say(f"{'database':12}{'one':>10}{'two':>10}{'ratio':>8}{'rest ms/chunk':>14}{'share':>9}{'start µs each':>16}")
    with tempfile.TemporaryDirectory() as folder:
        parts = [measure(database, Path(folder), options.contacts) for database in ("sqlite", "postgresql", "mariadb")]
    say(f"\nreckoned: hours for {MILLION:,} accounts, each machine with four cores")
    machines = (1, 4, 16)
    say(f"{'database':12}" + "".join(f"{n:>6} machines" for n in machines) + f"{'database busy, 16':>20}")
    for part in parts:
        chunks = MILLION / CHUNK
        hours = []
        for n in machines:
            # Each machine hashes a chunk on four cores and then does the rest, in which the database serves one after
            # the other at worst.
            alone = part.hashing / 4 + part.rest
            hours.append(max(alone / n, part.rest) * chunks / 3600)
        busy = min(1.0, 16 * part.rest / (part.hashing / 4 + part.rest))
        say(f"{part.database:12}" + "".join(f"{each:15.2f}" for each in hours) + f"{busy:20.0%}")


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
