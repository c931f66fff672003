"""Guessing is limited on every path, by what the caller sent or by the credential's own count, and every limit ends."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import attrs
import pytest

from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, Portal, issued, settled, ticket_of, watched
from portalcreds.accounts import PasswordHash
from portalcreds.audit import AuditKind
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers import Argon2Hasher, HashingPool, KeyRing, UpgradingHasher
from portalcreds.outcomes import (
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
    TryLater,
    Unavailable,
)
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import MAX_CONSECUTIVE_FAILURES, Limit, ThrottleLimits

MICROSECOND = timedelta(microseconds=1)
UNLIMITED = (Limit(10**9, timedelta(days=1)),)
ONLY_CREDENTIALS = ThrottleLimits(per_username=UNLIMITED, per_source=UNLIMITED, spray=Limit(10**9, timedelta(days=1)))
"""The defaults, with nothing in the way of whoever guesses at one account."""


def limits(**only: Any) -> ThrottleLimits:
    """Return limits of which only those named can be met."""
    parts: dict[str, Any] = {"per_username": UNLIMITED, "per_source": UNLIMITED, "spray": UNLIMITED[0]}
    return ThrottleLimits(**parts | only)


def unlimited(portal: Portal) -> Portal:
    """Return the portal with the limits per credential alone."""
    return portal.with_parts(limits=ONLY_CREDENTIALS)


def guess(portal: Portal, times: int, username: str = "rabbiatici", source: str | None = None) -> set[str]:
    """Guess wrong so often, and return the different outcomes."""
    return {repr(portal.sign_ins.sign_in(username, f"wrong {n}", source=source)) for n in range(times)}


# -- what can be configured


def test_the_limits_that_ship_are_the_ones_of_the_standards() -> None:
    """Out of the box 10 guesses at a default and 100 at a chosen password, which nobody can raise (R9, §3.2.2)."""
    shipped = ThrottleLimits()
    assert (shipped.default_failures, shipped.chosen_failures, MAX_CONSECUTIVE_FAILURES) == (10, 100, 100)
    assert max(limit.window for limit in (*shipped.per_username, *shipped.per_source, shipped.spray)) <= timedelta(
        hours=1
    )


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
        assert portal.sign_ins.sign_in(name, typed) == TryLater(retry_after=timedelta(minutes=5))  # type: ignore[arg-type]
        assert portal.sign_ins.change_password(name, typed, OTHER_PASSWORD) == TryLater(  # type: ignore[arg-type]
            retry_after=timedelta(minutes=5)
        )
    assert set(calls) == {"counts"}


def test_the_back_off_ends_by_itself(portal: Portal) -> None:
    """One has to wait exactly as long as one is told, and then the right password goes in (R9)."""
    portal = portal.with_parts(limits=limits(per_username=(Limit(3, timedelta(minutes=5)),)))
    settled(portal)
    portal.clock.move(minutes=1, seconds=7)
    guess(portal, 3)
    told = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
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
    assert portal.kinds() == recorded
    assert recorded.count("excess_rate_limit_exceeded username") == 1
    assert not portal.throttle.is_spent(portal.account("c-1"))


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
        memory_portal.sign_ins.sign_in(typed, "guess", source="192.0.2.7")
    assert {key.partition(":")[0] for key in keys} == {"username", "source", "spray", "decoy", "account", "withdrawn"}
    assert all(key.isascii() and len(key) <= 100 for key in keys)
    assert not [key for key in keys if any(word in key for word in ("correct", "rabbiatici", "guess", "192", "c-1"))]
    typed_names = {key.split(":")[1] for key in keys if key.startswith("username:")}
    assert {len(digest) for digest in typed_names} == {6}


def test_a_full_queue_says_try_later_and_counts_nothing(portal: Portal, calls: list[str]) -> None:
    """Too much work at once is nobody's failure: no count grows, nothing is looked up or recorded (R7, B6)."""
    settled(portal)
    portal.counter = watched(
        portal.counter, lambda phase, name, _arguments: calls.append(name) if phase == "before" else None
    )
    pool = HashingPool(queue_limit=1, workers=1)
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
        assert set(calls) == {"counts"}
        assert portal.kinds() == recorded
        with place:
            pass
        assert isinstance(busy.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


# -- the count on the credential


def test_a_live_default_is_spent_after_ten_wrong_guesses(portal: Portal) -> None:
    """After ten the right default is denied like a wrong one, for good, until it is issued again (R9, E7)."""
    portal = unlimited(portal)
    default = issued(portal)
    assert guess(portal, 9) == {"SignInDenied()"}
    assert not portal.throttle.is_spent(portal.account("c-1"))
    assert guess(portal, 1) == {"SignInDenied()"}
    assert portal.throttle.is_spent(portal.account("c-1"))
    assert portal.kinds()[-2:] == ["authn_login_fail wrong_password", "authn_login_lock default"]
    for _ in range(3):
        assert portal.sign_ins.sign_in("rabbiatici", default) == SignInDenied()
        assert portal.sign_ins.change_password("rabbiatici", default, GOOD_PASSWORD) == SignInDenied()
        assert portal.kinds()[-1] == "authn_login_fail spent"
        portal.clock.move(days=4)
    assert portal.kinds().count("authn_login_lock default") == 1
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", issued(portal)), PasswordChangeRequired)


def test_a_chosen_password_is_spent_after_a_hundred_wrong_guesses(portal: Portal) -> None:
    """At a hundred consecutive failures the credential is spent, and ninety-nine do not reach it (§3.2.2)."""
    portal = unlimited(portal)
    settled(portal)
    guess(portal, 99)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    guess(portal, 99)
    assert "authn_login_lock chosen" not in portal.kinds()
    guess(portal, 1)
    assert portal.kinds()[-1] == "authn_login_lock chosen"
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()
    portal.clock.move(days=3650)
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()


def test_a_success_starts_the_count_anew(portal: Portal) -> None:
    """Failures count only in a row; the sign-in after them is on the record as such (R9)."""
    portal = portal.with_parts(limits=limits(chosen_failures=3, per_username=(Limit(3, timedelta(hours=1)),)))
    settled(portal)
    for _ in range(5):
        guess(portal, 2)
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
        assert portal.kinds()[-1] == "authn_login_successafterfail"
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    assert portal.kinds()[-1] == "authn_login_success"


@pytest.mark.parametrize("was_chosen", [False, True], ids=["default", "chosen"])
def test_unlocking_gives_a_spent_credential_back(portal: Portal, was_chosen: bool) -> None:
    """An operator's `unlock` clears the credential's count and its name's, and the password stays what it was (R9)."""
    portal = portal.with_parts(
        limits=limits(chosen_failures=3, default_failures=3, per_username=ThrottleLimits().per_username)
    )
    if was_chosen:
        settled(portal)
    else:
        issued(portal)
    guess(portal, 10)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "x"), TryLater)
    portal.accounts.unlock("c-1", OFFICE)
    outcome = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD if was_chosen else "AbbiaticiR")
    assert isinstance(outcome, SignedIn if was_chosen else PasswordChangeRequired)


def test_an_account_without_a_user_name_is_unlocked_too(portal: Portal) -> None:
    """The credential's count is not the name's: it is cleared where the name was taken away meanwhile (R9)."""
    portal = portal.with_parts(limits=limits(default_failures=3))
    issued(portal)
    guess(portal, 3)
    portal.accounts.rename("c-1", OFFICE, username=None)
    portal.accounts.unlock("c-1", OFFICE)
    portal.accounts.rename("c-1", OFFICE, username="rossi")
    assert isinstance(portal.sign_ins.sign_in("rossi", "AbbiaticiR"), PasswordChangeRequired)


def test_a_spent_account_leaves_its_neighbours_be(portal: Portal) -> None:
    """The count is one account's own."""
    portal = unlimited(portal)
    settled(portal, "c-1")
    settled(portal, "c-2")
    guess(portal, 100)
    assert isinstance(portal.sign_ins.sign_in("pobrien", GOOD_PASSWORD), SignedIn)


def test_wrong_current_passwords_count_on_the_same_throttle(portal: Portal) -> None:
    """Changing a password is no second door to guess at: both paths fill one count (R9, F6)."""
    portal = portal.with_parts(limits=limits(chosen_failures=4))
    settled(portal)
    for n in range(2):
        assert portal.sign_ins.sign_in("rabbiatici", f"wrong {n}") == SignInDenied()
        assert portal.sign_ins.change_password("rabbiatici", f"wrong {n}", OTHER_PASSWORD) == SignInDenied()
    assert portal.kinds()[-1] == "authn_login_lock chosen"
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()
    assert portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD) == SignInDenied()


def test_wrong_current_passwords_meet_the_limits_of_name_and_source(memory_portal: Portal) -> None:
    """The windows of name and source are shared by both paths too (R9, F6)."""
    portal = memory_portal.with_parts(limits=limits(per_username=(Limit(2, timedelta(minutes=5)),)))
    assert portal.sign_ins.change_password("rabbiatici", "x", OTHER_PASSWORD) == SignInDenied()
    assert portal.sign_ins.sign_in("rabbiatici", "x") == SignInDenied()
    assert isinstance(portal.sign_ins.change_password("rabbiatici", "x", OTHER_PASSWORD), TryLater)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "x"), TryLater)


def test_a_refused_new_password_is_no_failure(portal: Portal) -> None:
    """Whoever knows the current password does not lock themselves out while looking for a good new one."""
    portal = portal.with_parts(
        limits=limits(chosen_failures=3, default_failures=3, per_username=(Limit(3, timedelta(hours=1)),))
    )
    issued(portal)
    ticket = ticket_of(portal)
    for _ in range(8):
        assert isinstance(portal.sign_ins.complete_change(ticket, "short"), PasswordRefused)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)
    for _ in range(8):
        assert isinstance(portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, "short"), PasswordRefused)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


@pytest.mark.parametrize("threads", [64])
@pytest.mark.parametrize("was_chosen", [False, True], ids=["default", "chosen"])
def test_parallel_guesses_never_get_beyond_the_cap(portal: Portal, threads: int, was_chosen: bool) -> None:
    """However many guess at once, no more guesses are looked at than the cap says, and it is noted once (R9, F4)."""
    cap = 20 if was_chosen else 10
    portal = portal.with_parts(limits=limits(default_failures=10, chosen_failures=20))
    if was_chosen:
        settled(portal)
    else:
        issued(portal)
    stored = portal.account("c-1").credential.password_hash
    looked_at: list[PasswordHash] = []

    def note(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if phase == "before" and name == "verify" and arguments[1] == stored:
            looked_at.append(arguments[1])

    profiles = {"chosen": CHEAPEST_CHOSEN, "issued": CHEAPEST_ISSUED}
    hashers: dict[str, Any] = {name: watched(Argon2Hasher(cost), note) for name, cost in profiles.items()}
    barrier = threading.Barrier(threads)

    def guess_at_once(number: int) -> str:
        barrier.wait()
        return repr(attacked.sign_ins.sign_in("rabbiatici", f"wrong {number}"))

    with HashingPool(queue_limit=threads) as pool, UpgradingHasher(**hashers, pool=pool) as hasher:
        attacked = portal.with_parts(sign_in_hasher=hasher)
        with ThreadPoolExecutor(threads) as executor:
            assert set(executor.map(guess_at_once, range(threads))) == {"SignInDenied()"}
        assert len(looked_at) == cap
        right = GOOD_PASSWORD if was_chosen else "AbbiaticiR"
        assert attacked.sign_ins.sign_in("rabbiatici", right) == SignInDenied()
    assert sum(kind.startswith("authn_login_lock") for kind in portal.kinds()) == 1
    assert portal.kinds().count("authn_login_fail wrong_password") == cap


def test_a_success_does_not_unlock_what_was_spent_meanwhile(portal: Portal) -> None:
    """A right password that was still being verified when the cap was reached does not undo it (R9, F5)."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    guesses = [throttle.begin(account, "rabbiatici", None) for _ in range(10)]
    right, capping = guesses[8], guesses[9]
    noted = throttle.record_failure(account, capping, "rabbiatici", None)
    assert noted == [(AuditKind.CREDENTIAL_SPENT, "default")]
    throttle.record_success(account, right, "rabbiatici")
    assert throttle.is_spent(account)
    assert throttle.begin(account, "rabbiatici", None).refusal == "spent"


def test_a_success_at_the_cap_does_not_lock_its_owner_out(portal: Portal) -> None:
    """Guesses refused unseen while the last one, the right one, was verified are no failures of the owner (F5)."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    guesses = [throttle.begin(account, "rabbiatici", None) for _ in range(12)]
    assert [guess.refusal for guess in guesses[9:]] == [None, "spent", "spent"]
    throttle.record_success(account, guesses[9], "rabbiatici")
    assert not throttle.is_spent(account)
    assert throttle.begin(account, "rabbiatici", None).refusal is None


# -- the whole tenant


def sprayed(portal: Portal) -> Portal:
    """Return the portal after guesses at two live defaults have met the tenant's limit; Rosa has chosen before."""
    settled(portal, "c-1")
    issued(portal, "c-2")
    issued(portal, "c-3")
    portal = portal.with_parts(limits=limits(spray=Limit(3, timedelta(minutes=10))))
    for username in ("PObrien", "avdberg", "PObrien"):
        guess(portal, 1, username)
    return portal


def test_a_spray_denies_live_defaults_and_lets_chosen_passwords_on(portal: Portal) -> None:
    """One guess on each account trips the tenant's limit: defaults are denied silently, owners go on (R9)."""
    portal = sprayed(portal)
    assert portal.kinds().count("spray_suspected tenant") == 1
    assert portal.sign_ins.sign_in("avdberg", "van der Berga") == SignInDenied()
    assert portal.kinds()[-1] == "authn_login_fail spray"
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    guess(portal, 10, "PObrien")
    assert portal.kinds().count("spray_suspected tenant") == 1
    portal.clock.move(minutes=10)
    assert isinstance(portal.sign_ins.sign_in("avdberg", "van der Berga"), PasswordChangeRequired)


def test_failures_at_names_that_do_not_exist_or_chose_are_no_spray(portal: Portal) -> None:
    """Nobody can switch a school's defaults off by typing invented names, nor at accounts that chose (R9)."""
    portal = portal.with_parts(limits=limits(spray=Limit(3, timedelta(minutes=10))))
    settled(portal, "c-1")
    issued(portal, "c-2")
    guess(portal, 10, "nobody")
    guess(portal, 10, "rabbiatici")
    assert "spray_suspected tenant" not in portal.kinds()
    assert isinstance(portal.sign_ins.sign_in("PObrien", "O'BrienP"), PasswordChangeRequired)


def test_a_spray_does_not_spend_the_defaults_it_switches_off(portal: Portal) -> None:
    """What was never looked at is no failure: whoever tries in vain during a spray goes in after it (R9)."""
    portal = sprayed(portal)
    for _ in range(10):
        assert portal.sign_ins.sign_in("avdberg", "van der Berga") == SignInDenied()
    portal.clock.move(minutes=10)
    assert isinstance(portal.sign_ins.sign_in("avdberg", "van der Berga"), PasswordChangeRequired)


def test_guesses_at_a_disabled_account_do_not_spend_what_is_enabled_again(portal: Portal) -> None:
    """Enabling gives the credential back as it was, whatever was typed meanwhile (R5, R9)."""
    portal = portal.with_parts(limits=limits(chosen_failures=5))
    settled(portal)
    portal.accounts.disable("c-1", OFFICE)
    guess(portal, 5)
    portal.accounts.enable("c-1", OFFICE)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_a_shortage_of_memory_gives_no_guesses_away(portal: Portal) -> None:
    """R9: failures counted while an attempt waited for memory stay counted when it is taken back."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    short_of_memory = throttle.begin(account, "rabbiatici", None)
    for _ in range(8):
        throttle.record_failure(account, throttle.begin(account, "rabbiatici", None), "rabbiatici", None)
    throttle.withdraw(account, short_of_memory, "rabbiatici", "out_of_memory")
    assert throttle.begin(account, "rabbiatici", None).failures_before == 8


def test_what_could_not_be_verified_spends_nothing(portal: Portal) -> None:
    """R9, R23: one mistake, then a key that is missing for a hundred right tries: the owner still gets in after it."""
    keys = {"old": bytes(range(16)), "new": bytes(range(16, 32))}
    both, one = KeyRing(current="old", keys=keys), KeyRing(current="new", keys={"new": keys["new"]})

    def with_keys(ring: KeyRing) -> UpgradingHasher:
        chosen, issued = (Argon2Hasher(cost, key_ring=ring) for cost in (CHEAPEST_CHOSEN, CHEAPEST_ISSUED))
        return UpgradingHasher(chosen=chosen, issued=issued)

    with with_keys(both) as whole, with_keys(one) as lacking:
        portal = attrs.evolve(portal, hasher=whole)
        settled(portal)
        guess(portal, 1)
        without_key = portal.with_parts(sign_in_hasher=lacking)
        for _ in range(105):
            assert without_key.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == Unavailable()
        assert portal.kinds("c-1").count("authn_login_fail missing_key") == 10
        assert not portal.throttle.is_spent(portal.account("c-1"))
        assert portal.throttle.begin(portal.account("c-1"), "rabbiatici", None).failures_before == 1
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
        assert portal.throttle.begin(portal.account("c-1"), "rabbiatici", None).failures_before == 0


def test_what_is_withdrawn_late_gives_no_guesses_away(portal: Portal) -> None:
    """R9: attempts withdrawn while others fail never let more failures through than the cap."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    waiting = [throttle.begin(account, "rabbiatici", None) for _ in range(5)]
    verified = [throttle.begin(account, "rabbiatici", None) for _ in range(5)]
    assert throttle.begin(account, "rabbiatici", None).refusal == "spent"
    for one in waiting:
        throttle.withdraw(account, one, "rabbiatici", "out_of_memory")
    verified += [throttle.begin(account, "rabbiatici", None) for _ in range(20)]
    # The one refused as spent counts on: it was never looked at, and is not withdrawn either.
    assert [one.refusal for one in verified].count(None) == 9
    assert throttle.is_spent(account)


def test_invalid_tickets_fill_no_record(portal: Portal) -> None:
    """R9, R17: beyond the first limit a flood of tickets that are no good is counted and not written down."""
    for number in range(40):
        portal.sign_ins.complete_change(f"c-1.guess{number}", "a long walk on the beach")
    assert portal.kinds("c-1").count("authn_token_refused ticket_invalid") == 10
