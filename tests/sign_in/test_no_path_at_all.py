"""Nobody is let in without a right to it, on whatever path."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, ROSA, Portal, issued, open_portal, settled, ticket_of, watched
from portalcreds.accounts import PasswordHash
from portalcreds.default_passwords.strategies import RandomReadable
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.protocols import ApplyResult, Change
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import (
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordCompromised,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
    Unavailable,
)
from portalcreds.sign_in.service import SignInService
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import Limit, ThrottleLimits
from sign_in.writing import MICROSECOND, TIGHT, older_hash


@attrs.define
class Known:
    """What an account is expected to be, told without looking at it."""

    password: str | None = None
    reason: str | None = None
    epoch: int = 0
    is_active: bool = True
    is_erased: bool = False
    is_issued: bool = False
    expires_at: Any = None
    ticket: str | None = None
    ticket_ends: Any = None
    username: str = "rabbiatici"
    last_name: str = "Abbiatici"
    has_old_hash: bool = False
    failures: int = 0

    @property
    def must_change(self) -> bool:
        """Whether nothing but a change is allowed."""
        return self.is_issued or self.reason is not None

    def start_epoch(self, **changes: Any) -> None:
        """Grow the epoch, which takes the ticket and the failures away."""
        self.epoch += 1
        self.ticket = self.ticket_ends = None
        self.failures = 0
        for name, value in changes.items():
            setattr(self, name, value)


NOBODY_KNOWS = "\0"
"""Stands for the password of somebody who was invited."""

GOOD = (GOOD_PASSWORD, OTHER_PASSWORD, "vier müde Igel am Bach", "an unlikely umbrella 77 stand")
CAP = 4


class SignInMachine(RuleBasedStateMachine):
    """One contact, one office, one attacker, in any order: what comes out is compared with what should."""

    def __init__(self) -> None:
        """Open a portal in memory."""
        super().__init__()
        self.open = ExitStack()
        self.known = Known()
        self.tickets: list[str] = ["c-1.never drawn"]
        self.portal: Portal

    @initialize()
    def open_a_portal(self) -> None:
        """Begin with a contact that was never issued a password."""
        opened = self.open.enter_context(open_portal("memory", Path()))
        high = (Limit(10**6, timedelta(days=31)),)
        self.portal = opened.with_parts(
            limits=ThrottleLimits(
                default_failures=CAP,
                chosen_failures=CAP,
                per_username=high,
                per_place=high[0],
                per_source=high,
                claims=high[0],
                spray=high[0],
            )
        )

    def teardown(self) -> None:
        """Close it."""
        self.open.close()

    # What the office does.

    @rule()
    def issue(self) -> None:
        """Have the default set."""
        known = self.known
        result = self.portal.resets.reset_password("c-1", OFFICE)
        if known.is_active:
            assert result.outcome == "set"
            known.start_epoch(
                password=f"{known.last_name}R",
                reason=None,
                is_issued=True,
                expires_at=self.portal.clock() + timedelta(days=14),
                has_old_hash=False,
            )
        else:
            assert result.outcome == ("cannot" if known.is_erased else "skipped")

    @rule()
    @precondition(lambda self: not self.known.is_erased)
    def disable(self) -> None:
        """Disable the account; disabled already, it stays as it is."""
        self.portal.accounts.disable("c-1", OFFICE)
        if self.known.is_active:
            self.known.start_epoch(is_active=False)

    @rule()
    @precondition(lambda self: not self.known.is_active and not self.known.is_erased)
    def enable(self) -> None:
        """Enable it."""
        self.portal.accounts.enable("c-1", OFFICE)
        self.known.is_active = True

    @rule(reason=st.sampled_from(["compromised", "policy"]))
    @precondition(lambda self: self.known.password is not None)
    def require_change(self, reason: str) -> None:
        """Demand a change; that others may know the password is not taken back by another reason."""
        self.portal.accounts.require_change("c-1", OFFICE, reason=reason)
        self.known.start_epoch(reason="compromised" if self.known.reason == "compromised" else reason)

    @rule()
    @precondition(lambda self: self.known.is_active)
    def invite(self) -> None:
        """Invite the contact: the ticket is the only way in."""
        invitation = self.portal.resets.invite("c-1", OFFICE)
        self.known.start_epoch(
            password=NOBODY_KNOWS,
            reason=None,
            is_issued=True,
            expires_at=invitation.expires_at,
            has_old_hash=False,
        )
        self.known.ticket, self.known.ticket_ends = invitation.ticket.reveal(), invitation.expires_at
        self.tickets.append(self.known.ticket)

    @rule()
    @precondition(lambda self: not self.known.is_erased)
    def erase(self) -> None:
        """Erase the account."""
        self.portal.accounts.erase("c-1", OFFICE)
        self.known.start_epoch(
            password=None,
            reason=None,
            is_issued=False,
            expires_at=None,
            is_active=False,
            is_erased=True,
            has_old_hash=False,
        )

    @rule()
    @precondition(lambda self: self.known.is_erased)
    def restore(self) -> None:
        """Bring the contact back."""
        contact = attrs.evolve(ROSA, last_name=self.known.last_name)
        usernames = {"c-1": self.known.username}
        self.portal.accounts.sync_contacts([contact], OFFICE, usernames=usernames, restore_erased=True)
        self.known.is_active, self.known.is_erased = True, False

    @rule(last_name=st.sampled_from(["Abbiatici", "Rossi", "O’Hara"]))
    @precondition(lambda self: not self.known.is_erased)
    def sync(self, last_name: str) -> None:
        """Let the SIS have another name: a live default goes on working."""
        self.portal.accounts.sync_contacts([attrs.evolve(ROSA, last_name=last_name)], OFFICE)
        self.known.last_name = last_name

    @rule(username=st.sampled_from(["rabbiatici", "Rosa.A", "rossi"]))
    @precondition(lambda self: not self.known.is_erased)
    def rename(self, username: str) -> None:
        """Give the account another user name."""
        self.portal.accounts.rename("c-1", OFFICE, username=username)
        self.known.username = username

    @rule()
    @precondition(lambda self: not self.known.is_erased)
    def unlock(self) -> None:
        """Forget the failures."""
        self.portal.accounts.unlock("c-1", OFFICE)
        self.known.failures = 0

    @rule(by=st.sampled_from([MICROSECOND, timedelta(minutes=9), timedelta(minutes=10), timedelta(days=5)]))
    def move_time(self, by: timedelta) -> None:
        """Let time go on."""
        self.portal.clock.now += by

    @rule()
    @precondition(lambda self: self.known.password is not None and not self.known.is_issued)
    def age_the_hash(self) -> None:
        """Let the hash be one of some years ago."""
        assert self.known.password is not None
        old = self.portal.account("c-1")
        assert list(self.portal.store.apply([Change(old=old, new=old.upgrade(older_hash(self.known.password)))])) == [
            ApplyResult.APPLIED
        ]
        self.known.has_old_hash = True

    # What whoever sits at the form does.

    def prove(self, password: str, attempt: Callable[[], object]) -> type:
        """Make the attempt, and return what it should be; the outcome is in `outcome`."""
        known = self.known
        self.outcome = attempt()
        if known.is_erased or not known.is_active or known.password is None:
            return SignInDenied
        if known.failures >= CAP:
            return SignInDenied
        if password != known.password:
            known.failures += 1
            return SignInDenied
        known.failures = 0
        if not known.must_change:
            return SignedIn
        if known.is_issued and self.portal.clock() >= known.expires_at:
            return DefaultExpired
        if known.reason == "compromised":
            return PasswordCompromised
        assert isinstance(self.outcome, PasswordChangeRequired)
        assert self.outcome.reason == (known.reason or "issued")
        known.ticket = self.outcome.ticket.reveal()
        known.ticket_ends = self.portal.clock() + timedelta(minutes=10)
        self.tickets.append(known.ticket)
        return PasswordChangeRequired

    def guesses(self) -> list[str]:
        """Return what may be typed: everything there ever was, and the right one."""
        known = self.known.password
        right = "never issued" if known in (None, NOBODY_KNOWS) else str(known)
        return [right, right.swapcase(), "AbbiaticiR", "RossiR", "O’HaraR", *GOOD, *self.tickets[-2:], ""]

    @rule(data=st.data())
    def sign_in(self, data: st.DataObject) -> None:
        """Sign in with anything."""
        guess = data.draw(st.sampled_from(self.guesses()))
        before = self.portal.account("c-1").last_sign_in_at
        expected = self.prove(guess, lambda: self.portal.sign_ins.sign_in(self.known.username.upper(), guess))
        assert type(self.outcome) is expected
        account = self.portal.account("c-1")
        if isinstance(self.outcome, SignedIn):
            assert not self.known.must_change
            assert self.outcome.account == account
            assert account.last_sign_in_at == self.portal.clock()
            self.known.has_old_hash = False
        else:
            assert account.last_sign_in_at == before

    @rule()
    @precondition(lambda self: self.known.password not in (None, NOBODY_KNOWS))
    def sign_in_right(self) -> None:
        """Sign in with the right password, without waiting for chance to find it."""
        right = self.known.password
        assert right is not None
        expected = self.prove(right, lambda: self.portal.sign_ins.sign_in(self.known.username, right))
        assert type(self.outcome) is expected
        if isinstance(self.outcome, SignedIn):
            self.known.has_old_hash = False

    @rule(guess=st.sampled_from(GOOD), name=st.sampled_from(["nobody", "c-1", "rabbiatici\x00"]))
    def sign_in_as_nobody(self, guess: str, name: str) -> None:
        """Sign in under a name that nobody has."""
        assert self.portal.sign_ins.sign_in(name, guess) == SignInDenied()

    def expect_choice(self, new: str, outcome: object) -> None:
        """Compare what became of a new password, which somebody was entitled to choose."""
        known = self.known
        if new not in GOOD or new == known.password:
            assert isinstance(outcome, PasswordRefused)
            return
        assert isinstance(outcome, PasswordChanged)
        known.start_epoch(password=new, reason=None, is_issued=False, expires_at=None, has_old_hash=False)
        assert outcome.account == self.portal.account("c-1")

    @rule(data=st.data())
    def complete_change(self, data: st.DataObject) -> None:
        """Hand in any ticket there ever was, with anything as the new password."""
        ticket = data.draw(st.sampled_from([self.known.ticket or "", *self.tickets[-3:], self.tickets[-1] + "x"]))
        new = data.draw(st.sampled_from([*GOOD, "short", f"{self.known.last_name}R", self.known.password or ""]))
        outcome = self.portal.sign_ins.complete_change(ticket, new)
        if ticket == self.known.ticket and self.portal.clock() < self.known.ticket_ends:
            self.expect_choice(new, outcome)
        else:
            assert outcome == TicketInvalid()

    @rule(data=st.data(), new=st.sampled_from([*GOOD, "short"]))
    def change_password(self, data: st.DataObject, new: str) -> None:
        """Change the password, with anything as the current one."""
        guess = data.draw(st.sampled_from(self.guesses()))
        expected = self.prove(guess, lambda: self.portal.sign_ins.change_password(self.known.username, guess, new))
        if expected is SignedIn:
            self.expect_choice(new, self.outcome)
        else:
            assert type(self.outcome) is expected

    # What holds at any time.

    @invariant()
    def it_is_as_it_is_known(self) -> None:
        """The stored account is what the steps make of it."""
        if not hasattr(self, "portal"):
            return
        known, account = self.known, self.portal.account("c-1")
        credential = account.credential
        assert (account.is_active, account.erased_at is not None) == (known.is_active, known.is_erased)
        assert (credential.epoch, credential.must_change) == (known.epoch, known.must_change)
        assert (credential.ticket_digest is None) == (known.ticket is None)
        assert (credential.password_hash is None) == (known.password is None)
        assert credential.expires_at == known.expires_at


def test_no_path_signs_in_while_a_change_is_required() -> None:
    """In whatever order, `SignedIn` comes of an active account's own password and of nothing else (R2, R5, R6)."""
    run_state_machine_as_test(SignInMachine, settings=settings(max_examples=25, stateful_step_count=40))


@pytest.mark.whole
def test_no_path_at_all_signs_in_while_a_change_is_required() -> None:
    """The same over 2,000 stories of 50 steps."""
    run_state_machine_as_test(SignInMachine, settings=settings(max_examples=2000, stateful_step_count=50))


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
