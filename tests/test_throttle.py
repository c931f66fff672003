"""What the limits can be, and those that go by what the caller sent."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from guessing import guess, limits
from portal import GOOD_PASSWORD, OTHER_PASSWORD, Portal, is_spent, settled, watched
from portalcreds.exceptions import ConfigurationError, StoreUnavailableError
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.sign_in.outcomes import SignedIn, SignInDenied, TicketInvalid, TryLater
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import MAX_CONSECUTIVE_FAILURES, Limit, ThrottleLimits

MICROSECOND = timedelta(microseconds=1)

# -- what can be configured


def test_the_limits_that_ship_are_the_ones_of_the_standards() -> None:
    """Out of the box 10 guesses at a default and 100 at a chosen password, which nobody can raise (R9, §3.2.2)."""
    shipped = ThrottleLimits()
    assert (shipped.default_failures, shipped.chosen_failures, MAX_CONSECUTIVE_FAILURES) == (10, 100, 100)
    single = (shipped.per_place, shipped.claims, shipped.spray)
    assert max(limit.window for limit in (*shipped.per_username, *shipped.per_source, *single)) <= timedelta(hours=1)


@pytest.mark.parametrize("name", ["default_failures", "chosen_failures"])
@pytest.mark.parametrize("value", [0, -1, 101, 10**9])
def test_a_cap_cannot_be_configured_away(name: str, value: int) -> None:
    """A cap on a credential is at least one and at most a hundred failures (§3.2.2)."""
    with pytest.raises(ConfigurationError, match=name):
        ThrottleLimits(**{name: value})  # type: ignore[arg-type]  # The name is one of two that take an int.


@pytest.mark.parametrize(
    ("attempts", "window", "argument"),
    [
        (0, timedelta(minutes=1), "attempts"),
        (1, timedelta(0), "window"),
        (1, timedelta(milliseconds=999), "window"),
        (1, timedelta(days=31) + MICROSECOND, "window"),
        (1, timedelta.max, "window"),
    ],
)
def test_a_limit_bears_something_and_ends(attempts: int, window: timedelta, argument: str) -> None:
    """Back-off always ends, so that nobody is locked out for good by somebody else (R9)."""
    with pytest.raises(ConfigurationError, match=argument):
        Limit(attempts, window)


# -- what depends on the caller alone


@pytest.fixture
def calls() -> list[str]:
    """What was called, in order."""
    return []


@pytest.fixture
def traced(portal: Portal, calls: list[str]) -> Iterator[Portal]:
    """The portal with every call of a store, a counter and a hash function listed."""

    def note(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if phase == "before":
            calls.append(name)

    portal.store = watched(portal.store, note)
    portal.counter = watched(portal.counter, note)
    chosen, issued_ = watched(Argon2Hasher(CHEAPEST_CHOSEN), note), watched(Argon2Hasher(CHEAPEST_ISSUED), note)
    with UpgradingHasher(chosen=chosen, issued=issued_) as hasher:
        yield portal.with_parts(sign_in_hasher=hasher)


@pytest.mark.parametrize("name", ["rabbiatici", "RABBIATICI ", "nobody", "", "a\x00b", "\ud800", "x" * 300, None])
def test_trying_later_costs_neither_a_look_up_nor_a_hash(traced: Portal, calls: list[str], name: Any) -> None:
    """`TryLater` is decided before anything is looked up or hashed, and alike for names that exist or not (R7)."""
    portal = traced.with_parts(limits=limits(per_username=(Limit(3, timedelta(minutes=5)),)))
    settled(portal)
    assert {repr(portal.sign_ins.sign_in(name, "wrong")) for _ in range(3)} == {"SignInDenied()"}
    calls.clear()
    for typed in ("wrong", GOOD_PASSWORD, None):
        # Half past seven is a whole multiple of five minutes.
        assert portal.sign_ins.sign_in(name, typed) == TryLater(retry_after=timedelta(minutes=5))  # type: ignore[arg-type]  # Also what is no text.
        assert portal.sign_ins.change_password(name, typed, OTHER_PASSWORD) == TryLater(  # type: ignore[arg-type]  # Also what is no text.
            retry_after=timedelta(minutes=5)
        )
    # The first one goes on the record, and is counted so that the others do not.
    assert [call for call in calls if call != "counts"] == ["hit", "hit", "record"]


def test_a_flood_that_is_told_to_try_later_is_on_the_record_and_does_not_fill_it(memory_portal: Portal) -> None:
    """R17: once for each source in five minutes, and for all sources no more than failures are a spray."""
    spray = Limit(7, timedelta(minutes=10))
    portal = memory_portal.with_parts(limits=limits(per_username=(Limit(1, timedelta(minutes=5)),), spray=spray))
    guess(portal, 1)

    def told() -> list[str | None]:
        return [event.source for event in portal.store.events() if event.reason == "try_later"]

    for source in ("192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::2", None, None):
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", "x", source=source), TryLater)
    assert told() == ["192.0.2.1", "2001:db8::1", None]
    for number in range(40):
        portal.sign_ins.sign_in("rabbiatici", "x", source=f"198.51.100.{number}")
    assert len(told()) == 7
    portal.clock.move(minutes=10)
    guess(portal, 1)
    portal.sign_ins.sign_in("rabbiatici", "x", source="192.0.2.1")
    assert len(told()) == 8


def test_who_is_told_to_try_later_is_told_so_without_a_record_too(memory_portal: Portal) -> None:
    """R21: where nothing can be recorded the answer is the same, and not an error."""
    portal = memory_portal.with_parts(limits=limits(per_username=(Limit(1, timedelta(minutes=5)),)))
    guess(portal, 1)

    class Full:
        def record(self, events: object, /) -> None:
            raise StoreUnavailableError("record", "disk_full")

    assert isinstance(portal.with_parts(audit=Full()).sign_ins.sign_in("rabbiatici", "x"), TryLater)


def test_the_back_off_ends_by_itself(portal: Portal) -> None:
    """One has to wait exactly as long as one is told, and then the right password goes in (R9)."""
    portal = portal.with_parts(limits=limits(per_username=(Limit(3, timedelta(minutes=5)),)))
    settled(portal)
    portal.clock.move(minutes=1, seconds=7)
    guess(portal, 3)
    told = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(told, TryLater)
    assert told == TryLater(retry_after=timedelta(minutes=3, seconds=53))
    portal.clock.now += told.retry_after - MICROSECOND
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == TryLater(retry_after=MICROSECOND)
    portal.clock.now += MICROSECOND
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_of_several_limits_the_longest_wait_counts(memory_portal: Portal) -> None:
    """The second limit of a name is the back-off: guesses spread over several windows meet it."""
    portal = memory_portal.with_parts(
        limits=limits(per_username=(Limit(2, timedelta(minutes=5)), Limit(4, timedelta(hours=1))))
    )
    guess(portal, 2)
    assert portal.sign_ins.sign_in("rabbiatici", "x") == TryLater(retry_after=timedelta(minutes=5))
    portal.clock.move(minutes=5)
    guess(portal, 2)
    # It is 7:35, and the hour ends at 8.
    assert portal.sign_ins.sign_in("rabbiatici", "x") == TryLater(retry_after=timedelta(minutes=25))


def test_waiting_is_not_counted_as_failing(memory_portal: Portal) -> None:
    """Whoever hammers on while told to wait neither prolongs the wait nor fills the record (R9)."""
    portal = memory_portal.with_parts(limits=limits(per_username=(Limit(3, timedelta(minutes=5)),)))
    settled(portal)
    guess(portal, 3)
    recorded = portal.kinds()
    assert guess(portal, 500) == {repr(TryLater(retry_after=timedelta(minutes=5)))}
    assert portal.kinds() == [*recorded, "excess_rate_limit_exceeded try_later"]
    assert recorded.count("excess_rate_limit_exceeded username") == 1
    assert not is_spent(portal.throttle, portal.account("c-1"))


def test_a_source_meets_its_limit_across_names(portal: Portal) -> None:
    """One source that tries name after name is told to wait; the others, and the host that names none, are not."""
    portal = portal.with_parts(limits=limits(per_source=(Limit(4, timedelta(minutes=5)),)))
    settled(portal)
    for name in ("a", "b", "rabbiatici", "c"):
        assert guess(portal, 1, name, source="192.0.2.7") == {"SignInDenied()"}
    for name in ("rabbiatici", "d"):
        assert isinstance(portal.sign_ins.sign_in(name, GOOD_PASSWORD, source="192.0.2.7"), TryLater)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="192.0.2.8"), SignedIn)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    assert portal.kinds().count("excess_rate_limit_exceeded source") == 1


def test_ones_own_success_does_not_buy_a_source_more_guesses(memory_portal: Portal) -> None:
    """Signing in to an account of one's own between the guesses does not reset the source's count (R9)."""
    portal = memory_portal.with_parts(limits=limits(per_source=(Limit(4, timedelta(minutes=5)),)))
    settled(portal)
    for _ in range(4):
        guess(portal, 1, "PObrien", source="s")
        portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="s")
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="s"), TryLater)


@pytest.mark.parametrize("source", ["\ud800", "a\x00b", "x" * 100_000, "", "fe80::1%\u2028eth0\r\n"])
def test_any_text_can_be_a_source(portal: Portal, source: str) -> None:
    """A source comes from a header that a client may have written: it is counted, recorded on one line, never fatal."""
    assert portal.sign_ins.sign_in("nobody", "x", source=source) == SignInDenied()
    assert portal.sign_ins.complete_change("c-1.x", "x", source=source) == TicketInvalid()
    assert all(len(event.line().splitlines()) == 1 for event in portal.store.events())


def test_all_writings_of_a_user_name_share_a_limit(memory_portal: Portal) -> None:
    """Case, width and blanks do not give a guesser fresh attempts (R18)."""
    portal = memory_portal.with_parts(limits=limits(per_username=(Limit(3, timedelta(minutes=5)),)))
    for written in ("rabbiatici", "RABBIATICI", " Ｒabbiatici "):
        assert guess(portal, 1, written) == {"SignInDenied()"}
    assert isinstance(portal.sign_ins.sign_in("rAbbiatici", "x"), TryLater)


def test_a_counters_keys_do_not_tell_what_was_typed(memory_portal: Portal) -> None:
    """People type passwords into the user name's field, so keys hold 24 bits of a digest and no more (R7, R14)."""
    keys: list[str] = []

    def note(_phase: str, _name: str, arguments: tuple[Any, ...]) -> None:
        asked = arguments[0]
        keys.extend([asked] if isinstance(asked, str) else asked)

    memory_portal.counter = watched(memory_portal.counter, note)
    settled(memory_portal)
    for typed in ("correct horse battery", "rabbiatici", "x" * 4000, "\ud800"):
        memory_portal.sign_ins.sign_in(typed, "guess", source="192.0.2.7", device="the cookie")
    kinds = {"username", "source", "place", "spray", "decoy", "account", "begun", "ended", "change", "lifted"}
    kinds |= {"known", "forgiven", "arrivals", "families", "pace", "claim_proof"}
    assert {key.partition(":")[0] for key in keys} == kinds
    assert all(key.isascii() and len(key) <= 100 for key in keys)
    told = ("correct", "rabbiatici", "guess", "192", "c-1", "cookie")
    assert not [key for key in keys if any(word in key for word in told)]
    typed_names = {key.split(":")[1] for key in keys if key.startswith("username:")}
    assert {len(digest) for digest in typed_names} == {6}


def test_a_full_queue_says_try_later_and_counts_nothing(portal: Portal, calls: list[str]) -> None:
    """R7, R17: too much work at once is nobody's failure, and nothing is looked up; it is on the record once."""
    settled(portal)
    portal.counter = watched(
        portal.counter, lambda phase, name, _arguments: calls.append(name) if phase == "before" else None
    )
    pool = HashingPool(queue_limit=1, workers=1, patience=timedelta(0))
    with (
        pool,
        UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool
        ) as hasher,
    ):
        busy = portal.with_parts(sign_in_hasher=hasher)
        place = hasher.admit()
        assert place is not None
        recorded = portal.kinds()
        full = TryLater(retry_after=timedelta(seconds=1))
        for _ in range(200):
            for name in ("rabbiatici", "nobody"):
                assert busy.sign_ins.sign_in(name, "wrong") == full
        assert busy.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD) == full
        assert busy.sign_ins.complete_change("c-1.x", OTHER_PASSWORD) == full
        assert sorted(set(calls)) == ["counts", "hit"]
        assert calls.count("hit") == 2
        assert portal.kinds() == [*recorded, "excess_rate_limit_exceeded queue_full"]
        with place:
            pass
        assert isinstance(busy.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
