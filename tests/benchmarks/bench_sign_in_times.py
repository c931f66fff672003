"""
Print how well denials can be told apart by their time: ``python tests/benchmarks/bench_sign_in_times.py``.

A real service over a store in memory, at full cost. The ways to be denied take turns, so that what else the machine
does falls on all alike. Each is compared with an absent user name: the ratio of the medians, and the area under the
curve (AUC), which is how often the one of a pair that took longer is the one with an account. Nobody can tell them
apart at 1.000 and 0.500; 0.98 to 1.02 and 0.45 to 0.55 is what 300 pairs on a busy machine show of that. The time of
the hashing threads' CPU stands beside that of the clock.

The second table is that of a portal which imported a slow scheme, Django's 600,000 rounds of PBKDF2: no denial comes
before the floor, and the CPU, which nobody sees from outside, may differ.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from datetime import timedelta
from itertools import count
from typing import Self

from portalcreds.accounts import Account, PasswordHash
from portalcreds.administration.service import AccountService
from portalcreds.contacts import Contact, ContactId
from portalcreds.hashers import UpgradingHasher
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import AccountStore, AttemptCounter, Change, HashCheck, utc_now
from portalcreds.resets.service import ResetService
from portalcreds.secret import Secret
from portalcreds.sign_in.service import SignInService
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.throttle import Limit, Throttle, ThrottleLimits

PASSWORD = "a long walk on the beach"
OFFICE = Operator(operator_id="office")
KINDS = ("chosen", "disabled", "spent", "issued")
LEGACY = "legacy"
EACH = 8
"""Accounts of a kind, because a hundred failures spend a credential."""

ADDRESS = "192.0.2.1"
"""Where each sign-in comes from; a portal passes it, and it is counted."""

NEVER = Limit(10**9, timedelta(days=1))

FLOOR = timedelta(milliseconds=600)
"""Longer than a hash of `SLOW` takes beside the two of Argon2."""

# Both of another password than the one that is tried.
FAST = PasswordHash("{SSHA}qlqIIK5v3B2ltLXPPB7roDXvG19zZWxmdGVzdA==")
SLOW = PasswordHash("pbkdf2_sha256$600000$2VsZnRlc3Rz$" + "A" * 43 + "=")


class NeverMatching:
    """A hasher, and a permit of it, that says no without any work: to fail a hundred times in no time."""

    @property
    def denial_floor(self) -> timedelta:
        """None."""
        return timedelta(0)

    def admit(self, _caller: str | None = None, /) -> Self:
        """Let everybody in."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self, _password: Secret, _password_hash: PasswordHash | None, /) -> HashCheck:
        """Say no."""
        return HashCheck(matched=False)

    def matches(self, _password: Secret, _password_hash: PasswordHash, /) -> bool:
        """Say no."""
        return False

    def hash_chosen(self, _password: Secret, /) -> PasswordHash:
        """Refuse: there is nothing to write with."""
        raise NotImplementedError

    def hash_issued(
        self, passwords: Iterable[Secret], /, *, executor: Executor | None = None, may_leave_process: bool = False
    ) -> Iterator[PasswordHash]:
        """Refuse: there is nothing to write with."""
        raise NotImplementedError


class Portal:
    """
    A portal with some accounts of each kind, whose limits by name and source never trip.

    Args:
        store: An empty one, or None for one in memory.
        counter: Where attempts are counted, or None for memory.
        hasher: Another one than at full cost.
        imported: The hash of an account more of each number, from another system.
    """

    def __init__(
        self,
        store: AccountStore | None = None,
        counter: AttemptCounter | None = None,
        hasher: UpgradingHasher | None = None,
        imported: PasswordHash | None = None,
    ) -> None:
        """Add the accounts, which costs a second or two."""
        self.hasher = UpgradingHasher() if hasher is None else hasher
        self.store = MemoryAccountStore() if store is None else store
        limits = ThrottleLimits(
            per_username=(NEVER,), per_place=NEVER, per_source=(NEVER,), claims=NEVER, spray=NEVER, default_failures=100
        )
        self.throttle = Throttle(MemoryAttemptCounter() if counter is None else counter, limits=limits)
        authorizer = Grants(privileges={"office": list(Privilege)})
        accounts = AccountService(self.store, authorizer=authorizer, throttle=self.throttle)
        resets = ResetService(self.store, hasher=self.hasher, authorizer=authorizer)
        self.sign_ins = SignInService(self.store, hasher=self.hasher, throttle=self.throttle)
        self._uncosted = SignInService(self.store, hasher=NeverMatching(), throttle=self.throttle)
        contacts = [
            Contact(contact_id=ContactId(f"{kind}-{number}"), first_name="Kim", last_name="Parent")
            for kind in (KINDS if imported is None else (*KINDS, LEGACY))
            for number in range(EACH)
        ]
        accounts.sync_contacts(contacts, OFFICE, usernames=lambda contact: contact.contact_id)
        for contact in contacts:
            kind = contact.contact_id.partition("-")[0]
            resets.reset_password(contact.contact_id, OFFICE)
            if kind != "issued":
                self._choose(contact.contact_id, imported if kind == LEGACY else None)
            if kind == "disabled":
                accounts.disable(contact.contact_id, OFFICE)
        self._turn = count()

    def deny(self, kind: str) -> None:
        """Sign in with a wrong password to the next account of that kind, or to none."""
        self.sign_in(f"{kind}-{next(self._turn) % EACH}", "AbbiaticiR")

    def sign_in(self, username: str, password: str) -> str:
        """Sign in, and return the outcome's name."""
        return type(self.sign_ins.sign_in(username, password, source=ADDRESS)).__name__

    def spend(self) -> None:
        """Fail at the accounts that are to be spent, until they are."""
        for number in range(EACH):
            for _ in range(100):
                self._uncosted.sign_in(f"spent-{number}", "AbbiaticiR", source=ADDRESS)

    def _choose(self, contact_id: str, imported: PasswordHash | None) -> None:
        old = self._account(contact_id)
        stored = self._hash() if imported is None else imported
        self.store.apply([Change(old=old, new=old.choose(stored, changed_at=utc_now()))])

    def _hash(self) -> PasswordHash:
        permit = self.hasher.admit()
        if permit is None:
            raise RuntimeError("the queue is full, and nobody else hashes")
        with permit:
            return permit.hash_chosen(Secret(PASSWORD))

    def _account(self, contact_id: str) -> Account:
        account = self.store.find(ContactId(contact_id))
        if account is None:
            raise LookupError(contact_id)
        return account


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=300)
    pairs = parser.parse_args().pairs
    load = os.getloadavg()[0]
    say(f"{os.cpu_count()} cores, load {load:.2f} before; {pairs} pairs")
    portal = Portal(hasher=UpgradingHasher(legacy=[SystemVerifier("ldap")]), imported=FAST)
    portal.spend()
    measure(portal, (*KINDS, LEGACY), pairs, title="denied")
    portal = Portal(hasher=UpgradingHasher(legacy=[SystemVerifier("django")], denial_floor=FLOOR), imported=SLOW)
    measure(portal, ("chosen", LEGACY), pairs, title="with a floor")
    say(f"load {os.getloadavg()[0]:.2f} after")


def measure(portal: Portal, kinds: tuple[str, ...], pairs: int, *, title: str) -> None:
    """Measure that many denials of each kind, and print one table."""
    kinds = ("absent", *kinds, "absent again")
    walls: dict[str, list[float]] = {kind: [] for kind in kinds}
    cpus: dict[str, list[float]] = {kind: [] for kind in kinds}
    with portal.hasher:
        for turn in range(pairs):
            # Each takes each place in the turn, because what came before has left its traces in caches.
            for kind in (*kinds[turn % len(kinds) :], *kinds[: turn % len(kinds)]):
                wall, cpu = time.perf_counter(), time.process_time()
                portal.deny(kind.split()[0])
                walls[kind].append(time.perf_counter() - wall)
                cpus[kind].append(time.process_time() - cpu)
    say(f"\n{title:16}{'median ms':>11}{'ratio':>8}{'AUC':>8}{'CPU ms':>9}{'ratio':>8}{'AUC':>8}")
    for kind in kinds:
        cells = ""
        for taken, width in ((walls, 11), (cpus, 9)):
            median, base = statistics.median(taken[kind]), statistics.median(taken["absent"])
            cells += f"{1000 * median:{width}.1f}{median / base:8.3f}{auc(taken[kind], taken['absent']):8.3f}"
        say(f"{kind:16}{cells}")


def auc(some: list[float], others: list[float]) -> float:
    """Return how often one of *some* took longer than one of the *others*; a tie counts half."""
    return statistics.fmean((one > other) + (one == other) / 2 for one in some for other in others)


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
