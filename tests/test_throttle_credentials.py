"""Guessing is limited by the credential's own count and in the whole tenant, and every limit ends."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import attrs
import pytest

from guessing import guess, limits, somebody
from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, Portal, is_spent, issued, settled, ticket_of, watched
from portalcreds.accounts import PasswordHash
from portalcreds.hashers import Argon2Hasher, HashingPool, KeyRing, UpgradingHasher
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.sign_in.outcomes import (
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TryLater,
    Unavailable,
)
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import Limit, ThrottleLimits
from sign_in.writing import write

ONLY_CREDENTIALS = limits()
"""The defaults, with nothing in the way of whoever guesses at one account."""


def unlimited(portal: Portal) -> Portal:
    """Return the portal with the limits per credential alone."""
    return portal.with_parts(limits=ONLY_CREDENTIALS)


# -- the count on the credential


def test_a_live_default_is_spent_after_ten_wrong_guesses(portal: Portal) -> None:
    """After ten the right default is denied like a wrong one, for good, until it is issued again (R9)."""
    portal = unlimited(portal)
    default = issued(portal)
    assert guess(portal, 9) == {"SignInDenied()"}
    assert not is_spent(portal.throttle, portal.account("c-1"))
    assert guess(portal, 1) == {"SignInDenied()"}
    assert is_spent(portal.throttle, portal.account("c-1"))
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
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home"), SignedIn)
    for _ in range(2):
        assert "authn_login_lock chosen" not in portal.kinds()
        guess(portal, 99, source="home")
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home"), SignedIn)
    guess(portal, 100, source="home")
    assert portal.kinds()[-1] == "authn_login_lock chosen"
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home") == SignInDenied()
    portal.clock.move(days=3650)
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home") == SignInDenied()


def test_the_last_tenth_is_kept_for_places_that_were_right_before(portal: Portal) -> None:
    """Guessers elsewhere cannot spend a chosen password: its owner goes on at home, and the office sees why (R9)."""
    portal = unlimited(portal)
    settled(portal)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home"), SignedIn)
    for number in range(100):
        guess(portal, 1, source=f"elsewhere {number}")
    assert portal.kinds().count("authn_login_fail wrong_password") == 90
    assert portal.kinds().count("excess_rate_limit_exceeded unknown_places") == 1
    assert [limit.reason for limit in portal.accounts.limits_on("c-1", OFFICE)] == ["unknown_places"]
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="elsewhere 1") == SignInDenied()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home"), SignedIn)
    assert portal.accounts.limits_on("c-1", OFFICE) == ()


def test_a_success_starts_the_count_anew(portal: Portal) -> None:
    """Failures count only in a row; the sign-in after them is on the record as such (R9)."""
    portal = portal.with_parts(limits=limits(chosen_failures=3, per_place=Limit(3, timedelta(hours=1))))
    settled(portal)
    for _ in range(5):
        guess(portal, 2, source="home")
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home"), SignedIn)
        assert portal.kinds()[-1] == "authn_login_successafterfail"
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home"), SignedIn)
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
    """Changing a password is no second door to guess at: both paths fill one count (R9)."""
    portal = portal.with_parts(limits=limits(chosen_failures=4))
    settled(portal)
    for n in range(2):
        assert portal.sign_ins.sign_in("rabbiatici", f"wrong {n}") == SignInDenied()
        assert portal.sign_ins.change_password("rabbiatici", f"wrong {n}", OTHER_PASSWORD) == SignInDenied()
    assert portal.kinds()[-1] == "authn_login_lock chosen"
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()
    assert portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD) == SignInDenied()


def test_wrong_current_passwords_meet_the_limits_of_name_and_source(memory_portal: Portal) -> None:
    """The windows of name and source are shared by both paths too (R9)."""
    portal = memory_portal.with_parts(limits=limits(per_username=(Limit(2, timedelta(minutes=5)),)))
    assert portal.sign_ins.change_password("rabbiatici", "x", OTHER_PASSWORD) == SignInDenied()
    assert portal.sign_ins.sign_in("rabbiatici", "x") == SignInDenied()
    assert isinstance(portal.sign_ins.change_password("rabbiatici", "x", OTHER_PASSWORD), TryLater)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "x"), TryLater)


def test_a_refused_new_password_is_no_failure(portal: Portal) -> None:
    """Whoever knows the current password is not locked out while looking for a good new one."""
    portal = portal.with_parts(
        limits=limits(chosen_failures=3, default_failures=3, per_username=(Limit(3, timedelta(hours=1)),))
    )
    issued(portal)
    ticket = ticket_of(portal)
    for _ in range(2):
        assert isinstance(portal.sign_ins.complete_change(ticket, "short"), PasswordRefused)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)
    for _ in range(8):
        outcome = portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, "short")
        assert isinstance(outcome, (PasswordRefused, TryLater))
    assert not is_spent(portal.throttle, portal.account("c-1"))
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


@pytest.mark.parametrize("threads", [64])
@pytest.mark.parametrize("was_chosen", [False, True], ids=["default", "chosen"])
def test_parallel_guesses_never_get_beyond_the_cap(portal: Portal, threads: int, was_chosen: bool) -> None:
    """R9: however many guess at once, and then one by one, as many are looked at as the cap says; it is noted once."""
    # Of a chosen password's, a tenth is not for them.
    cap = 18 if was_chosen else 10
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
        # The refused are under way for a moment too, so how many are looked at is chance; one always is.
        assert 1 <= len(looked_at) <= cap
        guess(attacked, cap)
        assert len(looked_at) == cap
        right = GOOD_PASSWORD if was_chosen else "AbbiaticiR"
        assert attacked.sign_ins.sign_in("rabbiatici", right) == SignInDenied()
    spent = "excess_rate_limit_exceeded unknown_places" if was_chosen else "authn_login_lock default"
    assert portal.kinds().count(spent) == 1
    assert portal.kinds().count("authn_login_fail wrong_password") == cap


def test_guesses_at_a_disabled_account_do_not_spend_what_is_enabled_again(portal: Portal) -> None:
    """Enabling gives the credential back as it was, whatever was typed meanwhile (R5, R9)."""
    portal = portal.with_parts(limits=limits(chosen_failures=5))
    settled(portal)
    portal.accounts.disable("c-1", OFFICE)
    guess(portal, 5)
    portal.accounts.enable("c-1", OFFICE)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


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
        assert not is_spent(portal.throttle, portal.account("c-1"))
        assert portal.throttle.begin(portal.account("c-1"), somebody(portal.throttle), None).failures_before == 1
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
        assert portal.throttle.begin(portal.account("c-1"), somebody(portal.throttle), None).failures_before == 0


def test_right_passwords_at_a_full_queue_spend_nothing(portal: Portal) -> None:
    """R9: twenty-one tabs with the right default at once, all places taken: the owner still gets in after it."""
    portal = unlimited(portal)
    issued(portal)
    all_of_them = threading.Barrier(21)
    counted: set[int] = set()
    taken: list[Any] = []

    def keep_step(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        # The place is taken once all were let in, and nobody goes on before all are counted.
        if (phase, name) == ("after", "find_by_username"):
            if all_of_them.wait() == 0:
                taken.append(hasher.admit())
            all_of_them.wait()
        elif (phase, name) == ("after", "hit") and threading.get_ident() not in counted:
            counted.add(threading.get_ident())
            all_of_them.wait()

    with (
        HashingPool(queue_limit=1, workers=1, patience=timedelta(0)) as pool,
        UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool
        ) as hasher,
    ):
        busy = portal.with_parts(sign_in_hasher=hasher)
        busy.store, busy.counter = watched(portal.store, keep_step), watched(portal.counter, keep_step)

        def sign_in(_: int) -> str:
            return type(busy.sign_ins.sign_in("rabbiatici", "AbbiaticiR")).__name__

        with ThreadPoolExecutor(21) as executor:
            assert set(executor.map(sign_in, range(21))) == {"TryLater"}
        with taken[0]:
            pass
    assert not is_spent(portal.throttle, portal.account("c-1"))
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)


def test_a_hash_that_nobody_verifies_spends_nothing(portal: Portal) -> None:
    """R9: a verifier that was forgotten on the first day denies its families, and they get in once it is declared."""
    portal = unlimited(portal)
    write(portal, "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", "imported")
    assert guess(portal, 105) == {"SignInDenied()"}
    assert portal.kinds()[-1] == "authn_login_fail hash_unknown"
    with UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), legacy=[SystemVerifier("mysql")]
    ) as hasher:
        declared = portal.with_parts(sign_in_hasher=hasher)
        assert isinstance(declared.sign_ins.sign_in("rabbiatici", "password"), SignedIn)


@pytest.mark.parametrize("typed", ["", "x" * 300, "a\x00b", None])
def test_what_can_be_nobodys_password_spends_nothing(portal: Portal, typed: Any) -> None:
    """R9: a form that sends an empty field is no guesser: only passwords that were looked at are failures."""
    portal = unlimited(portal)
    default = issued(portal)
    for _ in range(12):
        assert portal.sign_ins.sign_in("rabbiatici", typed) == SignInDenied()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), PasswordChangeRequired)


def test_invalid_tickets_fill_no_record(portal: Portal) -> None:
    """R9, R17: beyond the first limit a flood of tickets that are no good is counted and not written down."""
    for number in range(40):
        portal.sign_ins.complete_change(f"c-1.guess{number}", "a long walk on the beach")
    assert portal.kinds("c-1").count("authn_token_refused ticket_invalid") == 10
