"""
Print how long sign-ins wait while a district's passwords are set: ``python tests/benchmarks/bench_fairness.py``.

One process, one `UpgradingHasher`, at full cost over stores in memory: on one thread sign-ins, one after the other, on
another a job that sets the passwords of everybody. Sign-ins with nothing beside them and sign-ins beside the job take
turns in blocks. The job keeps no more in the pool than each thread can go on with, so that a sign-in waits for what is
under way and not for the district. Beside its rate stands what it sets while nobody signs in. Nothing is asserted: a
shared machine has no exact times.

The job runs in the process of the sign-ins, on the same hasher; in another process, with a hasher on all cores of its
own; and there with the lowest priority, as from a line in a cron table that begins with ``nice``.

The budget: beside the job, the 95th percentile of sign-ins is within twice that without it.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import quantiles

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_sign_in_times import EACH, OFFICE, PASSWORD, Portal
from portalcreds.administration.service import AccountService
from portalcreds.contacts import Contact, ContactId
from portalcreds.hashers import UpgradingHasher
from portalcreds.privileges import Grants, Privilege
from portalcreds.resets.report import ResetOutcome
from portalcreds.resets.service import ResetService
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.throttle import Throttle

AUTHORIZER = Grants(privileges={"office": list(Privilege)})


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=5, help="of each kind, in turns")
    parser.add_argument("--sign-ins", type=int, default=40, help="in each block")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    portal = Portal()
    with portal.hasher as hasher:
        district = District(hasher)
        alone = district.rate_alone()
        beside: dict[str, District | Elsewhere] = {
            "the job in the process": district,
            "the job in another": Elsewhere(),
            "the job in another, nice": Elsewhere(nice=19),
        }
        seconds: dict[str, list[float]] = {label: [] for label in ("nothing beside them", *beside)}
        rates = []
        for _ in range(options.blocks):
            seconds["nothing beside them"] += sign_ins(portal, options.sign_ins)
            for label, job in beside.items():
                with job:
                    seconds[label] += sign_ins(portal, options.sign_ins)
            rates.append(district.rate)
    load = f"load {before:.2f} before and {os.getloadavg()[0]:.2f} after"
    say(f"{os.cpu_count()} cores, {load}; {options.blocks * options.sign_ins} sign-ins of each kind")
    say(f"\n{'sign-ins':24}{'p50 ms':>10}{'p95 ms':>10}{'p95, ratio':>12}")
    _, idle = at(seconds["nothing beside them"])
    for label, taken in seconds.items():
        p50, p95 = at(taken)
        say(f"{label:26}{1000 * p50:10.1f}{1000 * p95:10.1f}{p95 / idle:12.2f}")
    say(f"\nthe job: {alone:.1f} accounts a second alone, {sum(rates) / len(rates):.1f} beside sign-ins")


@attrs.define
class District:
    """A job over accounts without end, which runs inside a ``with`` block on a thread of its own."""

    hasher: UpgradingHasher
    rate: float = 0.0
    _store: MemoryAccountStore = attrs.field(init=False, factory=MemoryAccountStore)
    _contacts: list[ContactId] = attrs.field(init=False)
    _over: threading.Event = attrs.field(init=False, factory=threading.Event)
    _thread: threading.Thread | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        """Add the accounts."""
        contacts = [
            Contact(contact_id=ContactId(f"d-{number}"), first_name="Kim", last_name="Parent") for number in range(5000)
        ]
        throttle = Throttle(MemoryAttemptCounter())
        accounts = AccountService(self._store, authorizer=AUTHORIZER, throttle=throttle)
        accounts.sync_contacts(contacts, OFFICE, usernames=lambda contact: contact.contact_id)
        self._contacts = [contact.contact_id for contact in contacts]

    def __enter__(self) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._set_passwords)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def rate_alone(self) -> float:
        """Return how many accounts a second it sets while nobody signs in."""
        with self:
            time.sleep(5)
        return self.rate

    def _set_passwords(self) -> None:
        resets = ResetService(self._store, hasher=self.hasher, authorizer=AUTHORIZER)
        job = resets.start(resets.plan(self._contacts, OFFICE).confirm(OFFICE))
        began, done = time.perf_counter(), 0
        for result in job:
            done += result.outcome is ResetOutcome.SET
            if self._over.is_set():
                break
        self.rate = done / (time.perf_counter() - began)


class Elsewhere:
    """
    A job in another process, which runs inside a ``with`` block.

    Args:
        nice: By how much its priority is lower.
    """

    def __init__(self, *, nice: int = 0) -> None:
        self._nice = nice

    def __enter__(self) -> None:
        context = get_context("spawn")
        begun, self._over = context.Event(), context.Event()
        self._process = context.Process(target=set_elsewhere, args=(self._nice, begun, self._over))
        self._process.start()
        begun.wait()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._process.join()


def set_elsewhere(nice: int, begun: Event, over: Event) -> None:
    """Set passwords until told to stop."""
    os.nice(nice)
    with UpgradingHasher() as hasher, District(hasher):
        time.sleep(1)
        begun.set()
        over.wait()


def sign_ins(portal: Portal, number: int) -> list[float]:
    """Return the seconds of so many right sign-ins, one after the other."""
    seconds = []
    for turn in range(number):
        began = time.perf_counter()
        portal.sign_in(f"chosen-{turn % EACH}", PASSWORD)
        seconds.append(time.perf_counter() - began)
    return seconds


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
