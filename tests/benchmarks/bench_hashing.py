"""
Print what hashing costs beside plain argon2-cffi, in one run: ``python tests/benchmarks/bench_hashing.py``.

Nothing is asserted: a shared machine has no exact times. Ours and the peer's take turns, and the medians are compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import argon2

from portalcreds.hashers import CHOSEN, ISSUED, Argon2Hasher, Argon2Parameters, HashingPool, UpgradingHasher
from portalcreds.secret import Secret

PASSWORD = "Correct Horse Battery"


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns for each single call")
    parser.add_argument("--bulk", type=int, default=24, help="chosen hashes in a bulk; issued: four times as many")
    options = parser.parse_args()
    say(f"argon2-cffi {argon2_version()}, {os.cpu_count()} cores; milliseconds, medians of {options.rounds}")
    say(f"{'':42}{'ours':>10}{'argon2-cffi':>13}{'ratio':>8}")
    for name, parameters in (("chosen", CHOSEN), ("issued", ISSUED)):
        ours, peer = Argon2Hasher(parameters), peer_of(parameters)
        stored = ours.hash(Secret(PASSWORD))
        hash_pair = (partial(ours.hash, Secret(PASSWORD)), partial(peer.hash, PASSWORD))
        verify_pair = (partial(ours.verify, Secret(PASSWORD), stored), partial(peer.verify, stored.encoded, PASSWORD))
        row(f"{name}: hash, CPU", *medians(hash_pair, time.process_time, options.rounds))
        row(f"{name}: hash, wall", *medians(hash_pair, time.perf_counter, options.rounds))
        row(f"{name}: verify, CPU", *medians(verify_pair, time.process_time, options.rounds))
    for name, parameters, count in (("chosen", CHOSEN, options.bulk), ("issued", ISSUED, 4 * options.bulk)):
        in_bulk(name, parameters, count)
    refusals(options.rounds)


Pair = tuple[Callable[[], object], Callable[[], object]]


def medians(pair: Pair, clock: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Return the median milliseconds of both, which take turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, kept in zip(pair, times, strict=True):
            begin = clock()
            work()
            kept.append(1000 * (clock() - begin))
    return statistics.median(times[0]), statistics.median(times[1])


def in_bulk(name: str, parameters: Argon2Parameters, count: int) -> None:
    """Compare hashing many on two threads with a loop over the peer, in three turns."""
    peer = peer_of(parameters)
    pool = HashingPool(workers=2)
    with pool:
        hasher = UpgradingHasher(issued=Argon2Hasher(parameters), pool=pool)
        pair: Pair = (
            lambda: [*hasher.hash_issued(Secret(PASSWORD) for _ in range(count))],
            lambda: [peer.hash(PASSWORD) for _ in range(count)],
        )
        ours, theirs = medians(pair, time.perf_counter, 3)
    row(f"{name}: {count} in bulk on 2 threads, each", ours / count, theirs / count)
    say(f"{'':6}= {1000 * count / ours:.1f} per second, {theirs / ours:.2f} times a loop")


def refusals(rounds: int) -> None:
    """Compare what the refusals cost with each other (R7): no hash, a wrong chosen one, a wrong issued one."""
    with UpgradingHasher() as hasher:
        permit = hasher.admit()
        if permit is None:
            return
        with permit:
            chosen = permit.hash_chosen(Secret(PASSWORD))
            issued = next(hasher.hash_issued([Secret(PASSWORD)]))
            for name, stored in (("refusal: wrong chosen", chosen), ("refusal: wrong issued", issued)):
                pair = (
                    partial(permit.check, Secret("wrong"), stored),
                    partial(permit.check, Secret("wrong"), None),
                )
                row(f"{name} : no hash, wall", *medians(pair, time.perf_counter, rounds))


def peer_of(parameters: Argon2Parameters) -> argon2.PasswordHasher:
    """Return argon2-cffi's own hasher with the same parameters."""
    return argon2.PasswordHasher(parameters.time_cost, parameters.memory_kib, parameters.lanes)


def argon2_version() -> str:
    """Return the version of the peer."""
    from importlib.metadata import version

    return version("argon2-cffi")


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def row(name: str, ours: float, peer: float) -> None:
    """Print one comparison."""
    say(f"{name:42}{ours:10.2f}{peer:13.2f}{ours / peer:8.3f}")


if __name__ == "__main__":
    main()
