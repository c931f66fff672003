"""Nobody is let in without a right to it, on whatever path."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, Portal, issued, settled, ticket_of, watched
from portalcreds.accounts import PasswordHash
from portalcreds.default_passwords.strategies import RandomReadable
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import (
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
    Unavailable,
)
from portalcreds.sign_in.service import SignInService
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from sign_in.writing import TIGHT


def test_hashing_that_cannot_be_done_is_nobodys_denial(portal: Portal) -> None:
    """A closed pool makes every step `Unavailable`, and no right password counts as a failure (R21)."""
    settled(portal)
    with UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED)) as hasher:
        closed = portal.with_parts(sign_in_hasher=hasher).sign_ins
    for _ in range(150):
        assert closed.sign_in("rabbiatici", GOOD_PASSWORD) == Unavailable()
    assert closed.sign_in("nobody", GOOD_PASSWORD) == Unavailable()
    assert closed.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD) == Unavailable()
    assert closed.complete_change("c-1.x", OTHER_PASSWORD) == Unavailable()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


@pytest.mark.parametrize("was_chosen", [False, True], ids=["default", "chosen"])
def test_a_shortage_of_memory_spends_no_credential(portal: Portal, was_chosen: bool) -> None:
    """An attempt that could not be verified is `Unavailable` and counts for nothing, however often (R9, R21)."""
    portal = portal.with_parts(limits=TIGHT)
    right = GOOD_PASSWORD if was_chosen else "AbbiaticiR"
    if was_chosen:
        settled(portal)
    else:
        issued(portal)

    def fail(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if phase == "before" and name == "verify":
            raise MemoryError

    profiles = {"chosen": CHEAPEST_CHOSEN, "issued": CHEAPEST_ISSUED}
    hashers: dict[str, Any] = {name: watched(Argon2Hasher(cost), fail) for name, cost in profiles.items()}
    with UpgradingHasher(**hashers) as hasher:
        for _ in range(10):
            outcome = portal.with_parts(sign_in_hasher=hasher).sign_ins.sign_in("rabbiatici", right)
            assert outcome == Unavailable()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", right), SignedIn if was_chosen else PasswordChangeRequired)


@pytest.mark.parametrize("username", ["rabbiatici", "nobody", "PObrien", "avdberg"])
def test_a_denial_waits_for_the_floor_and_holds_no_place(memory_portal: Portal, username: str) -> None:
    """R7: with a slow scheme configured every denial takes as long by the clock, and the wait keeps nobody out."""
    portal = memory_portal
    settled(portal)
    issued(portal, "c-2")
    waited: list[float] = []
    seconds = iter([100.0, 100.25])
    with HashingPool(queue_limit=1, workers=1, patience=timedelta(0)) as pool:
        hasher = UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN),
            issued=Argon2Hasher(CHEAPEST_ISSUED),
            pool=pool,
            denial_floor=timedelta(seconds=1),
        )

        def sleep(left: float) -> None:
            place = hasher.admit()
            assert place is not None, "the one place of the queue is free while somebody waits"
            with place:
                waited.append(left)

        service = SignInService(
            portal.store,
            hasher=hasher,
            throttle=portal.throttle,
            clock=portal.clock,
            monotonic=lambda: next(seconds),
            sleep=sleep,
        )
        assert service.sign_in(username, "a wrong password") == SignInDenied()
    assert waited == [0.75]


def test_nobody_waits_who_is_not_denied_or_took_longer(memory_portal: Portal) -> None:
    """R7: a right password goes on at once, and a denial that took as long as the floor waits no more."""
    portal = memory_portal
    settled(portal)
    seconds = iter([0.0, 0.0, 2.0])
    with UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN),
        issued=Argon2Hasher(CHEAPEST_ISSUED),
        denial_floor=timedelta(seconds=1),
    ) as hasher:
        service = SignInService(
            portal.store,
            hasher=hasher,
            throttle=portal.throttle,
            clock=portal.clock,
            monotonic=lambda: next(seconds),
            sleep=lambda left: pytest.fail("nobody should wait"),
        )
        assert isinstance(service.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
        assert service.sign_in("rabbiatici", "wrong") == SignInDenied()


def test_a_slow_scheme_needs_a_floor() -> None:
    """R7: what takes a time of its own cannot be configured without the floor that hides it; a fast one can."""

    class Legacy:
        def __init__(self, is_slow: bool) -> None:
            self.is_slow = is_slow

        def identify(self, password_hash: PasswordHash, /) -> bool:
            return False

        def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
            return False

    chosen, issued_ = Argon2Hasher(CHEAPEST_CHOSEN), Argon2Hasher(CHEAPEST_ISSUED)
    with pytest.raises(ConfigurationError) as refused:
        UpgradingHasher(chosen=chosen, issued=issued_, legacy=[Legacy(is_slow=True)])
    assert refused.value.argument == "denial_floor"
    UpgradingHasher(chosen=chosen, issued=issued_, legacy=[Legacy(is_slow=False)]).close()
    with UpgradingHasher(
        chosen=chosen, issued=issued_, legacy=[Legacy(is_slow=True)], denial_floor=timedelta(seconds=1)
    ) as hasher:
        assert hasher.denial_floor == timedelta(seconds=1)


@pytest.mark.parametrize("around", ["{}1", "{}!", "{} ", "12{}", "{}2026!!", "  {}"])
def test_a_drawn_default_is_not_kept_by_putting_something_around_it(portal: Portal, around: str) -> None:
    """R19: what the policy cannot know, because it was drawn, the hash tells."""
    drawing = portal.with_parts(strategy=RandomReadable())
    secret = drawing.resets.reset_password("c-1", OFFICE, reveal=True).secret
    assert secret is not None
    ticket = ticket_of(portal, password=secret.reveal())
    for kept in (around.format(secret.reveal()), around.format(secret.reveal().upper())):
        outcome = portal.sign_ins.complete_change(ticket, kept)
        assert isinstance(outcome, PasswordRefused)
        assert [violation.code for violation in outcome.violations] == ["same_as_current"]


def test_a_ticket_ends_with_the_default_that_opened_it(portal: Portal) -> None:
    """R5: from the instant of its expiry a default allows nothing more, also what it had begun."""
    issued(portal)
    portal.clock.move(days=14, seconds=-1)
    ticket = ticket_of(portal)
    portal.clock.move(seconds=1)
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()
    assert portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR") == DefaultExpired()


def test_a_hook_finds_the_place_in_the_queue_given_back(portal: Portal) -> None:
    """R7: a host's slow mail server keeps nobody else from hashing."""
    free: list[bool] = []
    with HashingPool(queue_limit=1, workers=1, patience=timedelta(0)) as pool:
        hasher = UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool)

        def hook(_account: object, _event: object) -> None:
            place = hasher.admit()
            free.append(place is not None)
            if place is not None:
                with place:
                    pass

        issued(portal)
        told = portal.with_parts(sign_in_hasher=hasher, on_change=hook)
        assert isinstance(told.sign_ins.complete_change(ticket_of(told), GOOD_PASSWORD), PasswordChanged)
        changed = told.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD)
        assert isinstance(changed, PasswordChanged)
    assert free == [True, True]
