"""Nobody who reads the counts learns whose they are, if their names are digested with a key."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from portal import Portal, settled
from portalcreds._ids import digest
from portalcreds.exceptions import ConfigurationError
from portalcreds.sign_in.outcomes import SignedIn, TryLater
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.throttle import Throttle

KEY = bytes(range(32))


def found_by_trying(portal: Portal) -> set[str]:
    """Return which of all addresses of a /16, of some contact ids and user names a reader of the counts finds."""
    assert isinstance(portal.counter, MemoryAttemptCounter)
    parts = {part for key in portal.counter._counts for part in key.split(":")}
    addresses = (f"192.0.{high}.{low}" for high in range(256) for low in range(256))
    guesses = {guess: digest(guess)[:32] for guess in (*addresses, "c-1", "c-2")}
    names = {guess: digest(guess)[:6] for guess in ("rabbiatici", "pobrien")}
    pairs = {
        f"{name} at {where}": digest(f"{names[name]}:{guesses[where]}")[:32] for name in names for where in guesses
    }
    return {guess for guess, digested in (guesses | names | pairs).items() if digested in parts}


def test_the_names_of_counts_cannot_be_reversed_with_a_key(memory_portal: Portal) -> None:
    """Without one, trying all addresses of a /16 takes a fraction of a second; the same trying finds nothing then."""
    settled(memory_portal)
    for key, found in ((None, {"192.0.2.7", "c-1", "rabbiatici", "rabbiatici at 192.0.2.7"}), (KEY, set())):
        portal = memory_portal.with_parts(counter_key=key)
        portal.counter = MemoryAttemptCounter(clock=portal.clock)
        portal.sign_ins.sign_in("rabbiatici", "wrong", source="192.0.2.7")
        assert len(portal.counter._counts) > 5
        assert found_by_trying(portal) == found


def test_limits_hold_with_a_key_for_all_who_have_it(memory_portal: Portal) -> None:
    """R9: another process with the same key sees the same counts; one with another key begins anew."""
    settled(memory_portal)
    here = memory_portal.with_parts(counter_key=KEY)
    for _ in range(10):
        here.sign_ins.sign_in("rabbiatici", "wrong")
    there = memory_portal.with_parts(counter_key=KEY)
    assert isinstance(there.sign_ins.sign_in("rabbiatici", "a long walk on the beach"), TryLater)
    other = memory_portal.with_parts(counter_key=KEY[::-1])
    assert isinstance(other.sign_ins.sign_in("rabbiatici", "a long walk on the beach"), SignedIn)


def test_a_changed_copy_counts_under_the_same_names() -> None:
    """A throttle made from another one keeps its key, so that its limits see the failures that were counted before."""
    throttle = Throttle(MemoryAttemptCounter(), key=KEY)
    copy = attrs.evolve(throttle, shared_sources=("192.0.2.7",))
    first, second = (each.admit("rabbiatici", "192.0.2.8", None) for each in (throttle, copy))
    assert first.username == second.username != Throttle(MemoryAttemptCounter()).admit("rabbiatici", "x", None).username


@pytest.mark.parametrize("key", [b"", b"x" * 31, "x" * 32, 32, bytearray(32)])
def test_a_key_that_is_none_is_refused_and_not_told(key: Any) -> None:
    """R14, R23: named by its part, and never by its value."""
    with pytest.raises(ConfigurationError) as caught:
        Throttle(MemoryAttemptCounter(), key=key)
    assert "xx" not in str(caught.value)


def test_a_key_is_in_no_repr() -> None:
    """R14: whoever prints a throttle prints no key."""
    throttle = Throttle(MemoryAttemptCounter(), key=b"K" * 32)
    assert "KK" not in repr(throttle)
    assert "4b4b" not in repr(throttle)
