"""
Print what hashing costs beside plain argon2-cffi, in one run: ``python tests/benchmarks/bench_hashing.py``.

Nothing is asserted: a shared machine has no exact times. All take turns, and medians are compared. A single call is
measured right after one that is not: memory that others have pushed out of the caches costs a tenth more, and in a
fixed order it would always be the same works that find theirs so. CPU is that of the whole process, because
argon2-cffi hashes four lanes on four threads. pwdlib and Django stand in the table where they are installed.

The budgets: CPU 0.75 of argon2-cffi's for the chosen profile and 1.03 for the issued one; in bulk on 2 cores 1.5 and
1.6 times the rate of a loop.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import argon2

from portalcreds.hashers import CHOSEN, ISSUED, Argon2Hasher, Argon2Parameters, HashingPool, UpgradingHasher
from portalcreds.secret import Secret

PASSWORD = "Correct Horse Battery"
PROFILES = {"chosen": CHOSEN, "issued": ISSUED}

Work = Callable[[], object]


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns for each single call")
    parser.add_argument("--bulk", type=int, default=16, help="chosen hashes in a bulk; issued: four times as many")
    parser.add_argument("--bulk-rounds", type=int, default=3, help="turns for each bulk")
    options = parser.parse_args()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    say(f"{os.cpu_count()} cores, load {load}; ms, medians of {options.rounds}; in brackets against argon2-cffi")
    say(f"\n{'one hash':34}{'CPU':>18}{'wall':>18}")
    for name, parameters in PROFILES.items():
        one_hash(name, parameters, options.rounds)
    say(f"\n{'in bulk':34}{'per second':>18}{'CPU each':>18}")
    for name, parameters in PROFILES.items():
        in_bulk(name, parameters, options.bulk * (4 if name == "issued" else 1), options.bulk_rounds)


def one_hash(name: str, parameters: Argon2Parameters, rounds: int) -> None:
    """Compare single calls: in the pool, and on the caller's thread."""
    with ExitStack() as stack:
        hasher, permit = stack.enter_context(one_slot(parameters))
        stored = hasher.hash(Secret(PASSWORD))
        works: dict[str, Work] = {
            "argon2-cffi": partial(peer_of(parameters).hash, PASSWORD),
            "in the pool": lambda: permit.hash_chosen(Secret(PASSWORD)),
            "in the pool, verifying": lambda: permit.matches(Secret(PASSWORD), stored),
            "on the caller's thread": lambda: hasher.hash(Secret(PASSWORD)),
            **others(parameters),
        }
        figures = measured(works, rounds, warm=True)
        table(name, figures, lambda taken, peer: f"{1000 * taken:8.1f} ({taken / peer:5.3f})")


def in_bulk(name: str, parameters: Argon2Parameters, count: int, rounds: int) -> None:
    """Compare hashing many on two threads with a loop over each peer."""
    with HashingPool(workers=2) as pool:
        hasher = UpgradingHasher(issued=Argon2Hasher(parameters), pool=pool)
        works: dict[str, Work] = {
            "argon2-cffi, a loop": partial(loop, partial(peer_of(parameters).hash, PASSWORD), count),
            "in the pool, 2 threads": lambda: [*hasher.hash_issued(Secret(PASSWORD) for _ in range(count))],
            **{f"{other}, a loop": partial(loop, work, count) for other, work in others(parameters).items()},
        }
        figures = {
            label: (taken[1], taken[0]) for label, taken in measured(works, rounds, warm=False).items()
        }  # The wall clock first: it is what a bulk is for.
    say_rate = True

    def told(taken: float, peer: float) -> str:
        nonlocal say_rate
        say_rate, is_rate = not say_rate, say_rate
        if is_rate:
            return f"{count / taken:8.1f} ({peer / taken:4.2f} x)"
        return f"{1000 * taken / count:8.1f} ({taken / peer:5.3f})"

    table(name, figures, told)


def measured(works: dict[str, Work], rounds: int, *, warm: bool) -> dict[str, tuple[float, float]]:
    """Return the median seconds of CPU and of the clock of each; they take turns, in each order of them."""
    times: dict[str, list[tuple[float, float]]] = {label: [] for label in works}
    labels = list(works)
    for work in works.values():
        work()
    for turn in range(rounds):
        first = turn % len(labels)
        for label in (*labels[first:], *labels[:first]):
            work = works[label]
            if warm:
                work()
            cpu, wall = time.process_time(), time.perf_counter()
            work()
            times[label].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {
        label: (statistics.median(cpu for cpu, _ in taken), statistics.median(wall for _, wall in taken))
        for label, taken in times.items()
    }


@contextmanager
def one_slot(parameters: Argon2Parameters) -> Iterator[tuple[Argon2Hasher, Any]]:
    """Lend a hasher of that cost, and a place in a pool of one thread that hashes at it."""
    hasher = Argon2Hasher(parameters)
    with HashingPool(workers=1) as pool:
        permit = UpgradingHasher(chosen=hasher, issued=Argon2Hasher(ISSUED), pool=pool).admit()
        if permit is not None:
            with permit:
                yield hasher, permit


def peer_of(parameters: Argon2Parameters) -> argon2.PasswordHasher:
    """Return argon2-cffi's own hasher with the same parameters."""
    return argon2.PasswordHasher(parameters.time_cost, parameters.memory_kib, parameters.lanes)


def others(parameters: Argon2Parameters) -> dict[str, Work]:
    """Return what else is installed, at the same cost."""
    found: dict[str, Work] = {}
    try:
        from pwdlib.hashers.argon2 import Argon2Hasher as Pwdlib  # type: ignore[import-not-found,unused-ignore]  # The peers are not in the environment of the checks.
    except ImportError:
        pass
    else:
        theirs = Pwdlib(time_cost=parameters.time_cost, memory_cost=parameters.memory_kib, parallelism=parameters.lanes)
        found["pwdlib"] = partial(theirs.hash, PASSWORD)
    try:
        from django.conf import settings  # type: ignore[import-not-found,unused-ignore]  # The same.
        from django.contrib.auth.hashers import (  # type: ignore[import-not-found,unused-ignore]  # The same.
            Argon2PasswordHasher,
        )
    except ImportError:
        pass
    else:
        if not settings.configured:
            settings.configure()
        django = Argon2PasswordHasher()
        django.time_cost, django.memory_cost = parameters.time_cost, parameters.memory_kib
        django.parallelism = parameters.lanes
        found["Django"] = lambda: django.encode(PASSWORD, django.salt())
    return found


def loop(work: Work, count: int) -> None:
    """Do it so many times."""
    for _ in range(count):
        work()


def table(name: str, figures: dict[str, tuple[float, float]], told: Callable[[float, float], str]) -> None:
    """Print a row for each, compared with the first."""
    peer = next(iter(figures.values()))
    for label, taken in figures.items():
        cells = "".join(f"{told(mine, theirs):>18}" for mine, theirs in zip(taken, peer, strict=True))
        say(f"{name + ': ' + label:34}{cells}")


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
