"""
Print how a flood of sign-ins delays families: ``python tests/benchmarks/bench_flood.py``.

One process, one `UpgradingHasher`, at full cost over a store in memory, and no limit on guessing, so that the hashing
queue alone stands between the flood and the families. The flood signs in with invented names at a steady rate, several
times what two cores can hash, from so many addresses in turn. Each family signs in once, from an address of its own,
with the right default; whoever is told to try later does so, as a page would. Told is how many were answered within
five seconds, with the queue that shares places out by address and with one that refuses at once. Nothing is asserted.

The budget: 95 in 100 families. It can be kept as far as addresses of the flood come again. Where each call has an
address of its own, nothing tells it from a family before its password is verified, and the queue shares out to both.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_sign_in_times import EACH, Portal
from portalcreds.hashers import HashingPool, UpgradingHasher
from portalcreds.sign_in import PasswordChangeRequired, TryLater

SOON = 5.0
"""Seconds within which a family is to be answered."""


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="of each flood")
    parser.add_argument("--rate", type=int, default=40, help="calls a second of the flood")
    parser.add_argument("--families", type=int, default=25, help="in each flood")
    options = parser.parse_args()
    load = f"{os.getloadavg()[0]:.2f}"
    say(f"{os.cpu_count()} cores, load {load}; {options.rate} calls a second, {options.families} families")
    say(f"\n{'flood from':24}{'in turn':>12}{'at once':>12}   answered within {SOON:.0f} s")
    for addresses in (10, 100, 400, 0):
        shares = []
        for patience in (None, timedelta(0)):
            with new_pool(patience) as pool, UpgradingHasher(pool=pool) as hasher:
                shares.append(answered(Portal(hasher=hasher), addresses, options))
        label = f"{addresses} addresses" if addresses else "an address for each"
        say(f"{label:24}{shares[0]:12.0%}{shares[1]:12.0%}")


def new_pool(patience: timedelta | None) -> HashingPool:
    """Return a pool with that patience, or the usual one."""
    return HashingPool() if patience is None else HashingPool(patience=patience)


def answered(portal: Portal, addresses: int, options: argparse.Namespace) -> float:
    """Return the share of families that are answered soon."""
    calls = count()

    def guess() -> None:
        number = next(calls)
        of = number % addresses if addresses else number
        portal.sign_ins.sign_in(
            f"nobody {number}", "a wrong password", source=f"10.{of >> 16}.{of >> 8 & 255}.{of & 255}"
        )

    families: list[Future[bool]] = []
    began = time.monotonic()
    with ThreadPoolExecutor(400) as threads:
        for tick in range(options.seconds * options.rate):
            time.sleep(max(0.0, began + tick / options.rate - time.monotonic()))
            threads.submit(guess)
            # The first seconds are for the flood to fill the queue.
            if tick >= (len(families) + 3) * options.seconds * options.rate / (options.families + 6):
                families.append(threads.submit(is_answered, portal, len(families)))
        return sum(family.result() for family in families) / len(families)


def is_answered(portal: Portal, number: int) -> bool:
    """Sign a family in, and return whether they were answered soon."""
    began = time.monotonic()
    while time.monotonic() - began < SOON:
        outcome = portal.sign_ins.sign_in(f"issued-{number % EACH}", "ParentK", source=f"192.0.2.{number}")
        if isinstance(outcome, PasswordChangeRequired):
            return time.monotonic() - began < SOON
        if not isinstance(outcome, TryLater):
            raise TypeError(outcome)
        time.sleep(outcome.retry_after.total_seconds())
    return False


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
