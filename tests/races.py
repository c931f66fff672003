"""Let many do something at the same moment, and make the portals in which they do it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs

from portal import GOOD_PASSWORD, Portal
from portalcreds.accounts import Account
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.protocols import Change
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import SignedIn
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import Limit, ThrottleLimits

HIGH = (Limit(10**6, timedelta(days=31)),)
LENIENT = ThrottleLimits(
    default_failures=100, per_username=HIGH, per_place=HIGH[0], per_source=HIGH, claims=HIGH[0], spray=HIGH[0]
)
"""Limits that no race meets."""


def at_once(*steps: Callable[[], Any]) -> list[Any]:
    """
    Take the steps on a thread each, all from the same moment, and return what came of them in order.

    Raises:
        Exception: What the first step to fail, in order, failed with.
    """
    barrier = threading.Barrier(len(steps))

    def take(step: Callable[[], Any]) -> Any:
        barrier.wait()
        return step()

    with ThreadPoolExecutor(len(steps)) as executor:
        return list(executor.map(take, steps))


@contextmanager
def crowded(portal: Portal, places: int) -> Iterator[Portal]:
    """Lend the portal with a queue for so many callers, and with limits that nobody meets."""
    chosen, issued = Argon2Hasher(CHEAPEST_CHOSEN), Argon2Hasher(CHEAPEST_ISSUED)
    with (
        HashingPool(queue_limit=places) as pool,
        UpgradingHasher(chosen=chosen, issued=issued, pool=pool) as hasher,
    ):
        yield portal.with_parts(limits=LENIENT, sign_in_hasher=hasher)


def age_the_hash(portal: Portal, password: str = GOOD_PASSWORD) -> Account:
    """Let the stored hash be one of some years ago, and return the account."""
    older = Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, memory_kib=24)).hash(Secret(password))
    old = portal.account("c-1")
    new = old.upgrade(older)
    portal.store.apply([Change(old=old, new=new)])
    return new


def works(portal: Portal, password: str, username: str = "rabbiatici") -> bool:
    """Return whether the password signs in, with nothing in the way."""
    return isinstance(portal.sign_ins.sign_in(username, password), SignedIn)
