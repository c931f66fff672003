"""
Print how long a sign-in takes, whole and all but the hash: ``python tests/benchmarks/bench_sign_in.py``.

A real service at full cost over a store and a counter in one SQLite file, as `DBAPIAccountStore.open_sqlite` opens it,
which is told the client's address. The outcomes take turns. All but the hash is the whole less what the hasher was busy
with: the look-ups, the counters, the ticket, the audit events and the commits, of which each waits until the file is on
the disk. Beside it stands argon2-cffi's plain verification at the same parameters. The last two columns are the CPU of
the calling thread, which hashes nothing: what is left without the wait for the disk and for others. A hash of 64 MiB
leaves nothing else in the processor's caches; ``--cheap`` shows the same code without that. Nothing is asserted: a
shared machine has no exact times.

The budget: all but the hash within 1 ms at the 95th percentile, ticket write included.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import quantiles
from typing import Self, TypeVar

import argon2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_sign_in_times import ADDRESS, EACH, NEVER, PASSWORD, Portal
from portalcreds.accounts import PasswordHash
from portalcreds.hashers import CHOSEN, Argon2Hasher, UpgradingHasher
from portalcreds.protocols import AttemptCounter, Clock, CredentialHasher, HashCheck, HashingPermit, utc_now
from portalcreds.secret import Secret
from portalcreds.sign_in.service import SignInService
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import Limit, Throttle, ThrottleLimits

DEFAULT_PASSWORD = "ParentK"
"""What the accounts of a `Portal` are issued."""

WRONG = "AbbiaticiR"
PEER = "argon2-cffi, verify"

Work = Callable[[], object]
T = TypeVar("T")


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=100, help="of each kind; a turn of all takes about a second")
    parser.add_argument("--folder", type=Path, help="on which disk to put the file; a temporary folder by default")
    parser.add_argument("--cheap", action="store_true", help="hash at next to no cost, so that caches stay warm")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        DBAPIAccountStore.open_sqlite(Path(folder, "portal.db")) as store,
    ):
        portal = Portal(store, store.counter(), cheap_hasher() if options.cheap else None)
        with portal.hasher:
            watch = Stopwatch(portal.hasher)
            figures = measured(kinds_of(portal, store.counter, watch), watch, options.turns)
    load = f"load {before:.2f} before and {os.getloadavg()[0]:.2f} after"
    say(f"{os.cpu_count()} cores, {load}; ms, of {options.turns} each")
    say(f"\n{'':40}{'the whole':>20}{'all but the hash':>20}{'of it CPU':>20}")
    say(f"{'':40}" + f"{'p50':>11}{'p95':>9}" * 3)
    for label, columns in figures.items():
        told = [at(column) for column in (columns[:1] if label == PEER else columns)]
        say(f"{label:40}" + "".join(f"{1000 * p50:11.2f}{1000 * p95:9.2f}" for p50, p95 in told))


def cheap_hasher() -> UpgradingHasher:
    """Return one whose hashes cost next to nothing."""
    return UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED))


class Stopwatch:
    """A hasher, and a permit of it, that lets another one work and counts the seconds."""

    def __init__(self, hasher: CredentialHasher) -> None:
        """Start at none."""
        self.seconds = 0.0
        self._hasher = hasher
        self._permits: list[HashingPermit] = []

    @property
    def denial_floor(self) -> timedelta:
        """As the other one has it."""
        return self._hasher.denial_floor

    def admit(self, caller: str | None = None, /) -> Self | None:
        """Take a place at the other one."""
        permit = self._hasher.admit(caller)
        if permit is None:
            return None
        self._permits.append(permit)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._permits.pop().__exit__(None, None, None)

    def check(self, password: Secret, password_hash: PasswordHash | None, /) -> HashCheck:
        """Have it checked."""
        return self._timed(lambda permit: permit.check(password, password_hash))

    def matches(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Have it compared."""
        return self._timed(lambda permit: permit.matches(password, password_hash))

    def hash_chosen(self, password: Secret, /) -> PasswordHash:
        """Have it hashed."""
        return self._timed(lambda permit: permit.hash_chosen(password))

    def hash_issued(
        self, passwords: Iterable[Secret], /, *, executor: Executor | None = None, may_leave_process: bool = False
    ) -> Iterator[PasswordHash]:
        """Have them hashed, which no sign-in does."""
        return self._hasher.hash_issued(passwords, executor=executor, may_leave_process=may_leave_process)

    def _timed(self, work: Callable[[HashingPermit], T]) -> T:
        began = time.perf_counter()
        try:
            return work(self._permits[-1])
        finally:
            self.seconds += time.perf_counter() - began


def kinds_of(
    portal: Portal, counter: Callable[..., AttemptCounter], watch: Stopwatch, source: str | None = ADDRESS
) -> dict[str, Work]:
    """Return a sign-in that comes to each outcome, after having seen that it does, and the peer."""

    def a_fortnight_later() -> datetime:
        return utc_now() + timedelta(days=15)

    def service(hasher: CredentialHasher = watch, *, clock: Clock = utc_now, limit: Limit = NEVER) -> SignInService:
        limits = ThrottleLimits(
            per_username=(limit,), per_place=NEVER, per_source=(NEVER,), claims=NEVER, spray=NEVER, default_failures=100
        )
        throttle = Throttle(counter(clock=clock), limits=limits, clock=clock)
        return SignInService(portal.store, hasher=hasher, throttle=throttle, clock=clock)

    closed = UpgradingHasher()
    closed.close()
    usual, later, strict = service(), service(clock=a_fortnight_later), service(limit=Limit(1, timedelta(days=31)))
    strict.sign_in("often", WRONG, source=source)
    turn = count()
    works: dict[str, Work] = {}
    for label, asked, username, password in (
        ("SignedIn", usual, "chosen", PASSWORD),
        ("PasswordChangeRequired, its ticket", usual, "issued", DEFAULT_PASSWORD),
        ("DefaultExpired", later, "issued", DEFAULT_PASSWORD),
        ("SignInDenied, wrong password", usual, "chosen", WRONG),
        ("SignInDenied, wrong default", usual, "issued", WRONG),
        ("SignInDenied, disabled", usual, "disabled", PASSWORD),
        ("SignInDenied, no such user name", usual, "absent", WRONG),
        ("TryLater, too many for one user name", strict, "often", WRONG),
        ("Unavailable, hashing closed", service(closed), "chosen", PASSWORD),
    ):

        def work(asked: SignInService = asked, username: str = username, password: str = password) -> object:
            # Wrong passwords at accounts of their own, or the right ones would have failures to clear.
            number = next(turn) % (EACH // 2) + (EACH // 2 if password == WRONG else 0)
            username = username if username == "often" else f"{username}-{number}"
            return asked.sign_in(username, password, source=source)

        came = type(work()).__name__
        if came != label.partition(",")[0]:
            raise LookupError(f"{label}: came to {came}")
        works[label] = work
    peer = argon2.PasswordHasher(CHOSEN.time_cost, CHOSEN.memory_kib, CHOSEN.lanes)
    stored = peer.hash(PASSWORD)
    return {**works, PEER: lambda: peer.verify(stored, PASSWORD)}


def measured(works: dict[str, Work], watch: Stopwatch, turns: int) -> dict[str, list[list[float]]]:
    """Return the seconds of each: whole, without the hasher's, and of CPU. They take turns, in each order."""
    figures: dict[str, list[list[float]]] = {label: [[], [], []] for label in works}
    labels = list(works)
    for turn in range(turns):
        first = turn % len(labels)
        for label in (*labels[first:], *labels[:first]):
            watch.seconds = 0.0
            cpu, began = time.thread_time(), time.perf_counter()
            works[label]()
            seconds = time.perf_counter() - began
            taken = seconds, seconds - watch.seconds, time.thread_time() - cpu
            for column, value in zip(figures[label], taken, strict=True):
                column.append(value)
    return figures


def at(seconds: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    cuts = quantiles(seconds, n=20, method="inclusive")
    return cuts[9], cuts[18]


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
