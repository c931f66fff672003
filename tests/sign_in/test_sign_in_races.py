"""Whatever comes in between, and whatever fails, the owner's password survives and nobody is let in by accident."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import (
    GOOD_PASSWORD,
    OFFICE,
    OTHER_PASSWORD,
    Portal,
    is_spent,
    issued,
    open_portal,
    settled,
    ticket_of,
    watched,
)
from portalcreds.accounts import CredentialOrigin
from portalcreds.audit import AuditKind
from portalcreds.exceptions import StoreUnavailableError, TransactionAborted
from portalcreds.protocols import Change
from portalcreds.sign_in.outcomes import (
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
    TryLater,
    Unavailable,
)
from races import LENIENT, age_the_hash, at_once, crowded, works

THIRD_PASSWORD = "an unlikely umbrella 77 stand"


# -- with threads; more of these, over every store, are in stores/test_race_stories.py


def test_one_ticket_handed_in_many_times_at_once_works_once(portal: Portal) -> None:
    """Single use holds against a form that is sent sixteen times in the same moment (R2)."""
    issued(portal)
    ticket = ticket_of(portal)
    with crowded(portal, 16) as many:
        passwords = [f"form number {number} came through" for number in range(16)]
        outcomes = at_once(
            *(partial(many.sign_ins.complete_change, ticket, new) for new in passwords),
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PasswordChanged"] + ["TicketInvalid"] * 15
        (winner,) = [
            new for new, outcome in zip(passwords, outcomes, strict=True) if isinstance(outcome, PasswordChanged)
        ]
        assert works(many, winner)


def test_many_sign_ins_at_once_all_go_in(portal: Portal) -> None:
    """Sign-ins of one account are no rivals: each is written, and none is told that it lost (R3)."""
    settled(portal)
    age_the_hash(portal)
    with crowded(portal, 16) as many:
        outcomes = at_once(*[lambda: many.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)] * 16)
    assert {type(outcome) for outcome in outcomes} == {SignedIn}
    assert sum(kind.startswith("authn_login_success") for kind in portal.kinds()) == 16
    assert portal.kinds().count("authn_hash_upgrade") >= 1


def test_disabling_during_a_sign_in_leaves_no_session_that_counts(portal: Portal) -> None:
    """Either the sign-in is refused, or it came first and its epoch has ended since (R6, ASVS 7.4.2)."""
    settled(portal)
    with crowded(portal, 8) as both:
        for _ in range(15):
            signed_in, disabled = at_once(
                lambda: both.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD),
                lambda: both.accounts.disable("c-1", OFFICE),
            )
            if isinstance(signed_in, SignedIn):
                assert signed_in.account.credential.epoch < disabled.epoch
            else:
                assert signed_in == SignInDenied()
            assert both.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()
            portal.accounts.enable("c-1", OFFICE)
            assert works(both, GOOD_PASSWORD)


# -- between any two calls


INTERFERING: dict[str, Callable[[Portal], object]] = {
    "disable": lambda portal: portal.accounts.disable("c-1", OFFICE),
    "disable and enable": lambda portal: (
        portal.accounts.disable("c-1", OFFICE),
        portal.accounts.enable("c-1", OFFICE),
    ),
    "erase": lambda portal: portal.accounts.erase("c-1", OFFICE),
    "issue": issued,
    "require change": lambda portal: portal.accounts.require_change("c-1", OFFICE, reason="policy"),
    "settle": lambda portal: settled(portal, password=THIRD_PASSWORD),
    "rename": lambda portal: portal.accounts.rename("c-1", OFFICE, username="rossi"),
    "sync": lambda portal: portal.accounts.sync_contacts(
        [attrs.evolve(portal.account("c-1").contact, last_name="Rossi")], OFFICE
    ),
    "another sign-in": lambda portal: portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD),
    "another ticket": lambda portal: portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"),
}
WITHIN_THE_EPOCH = {"rename", "sync", "another sign-in", "another ticket"}


def interrupted(portal: Portal, at: int, step: Callable[[], object]) -> tuple[Portal, list[str]]:
    """Return the portal with a store that takes *step* once, before its call number *at*, and the calls it saw."""
    calls: list[str] = []

    def hook(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if phase == "before":
            calls.append(name)
            if len(calls) == at + 1:
                step()

    return attrs.evolve(portal, store=watched(portal.store, hook)), calls


@pytest.mark.parametrize("between", INTERFERING)
def test_nothing_between_two_calls_of_a_sign_in_lets_anybody_in(tmp_path: Path, between: str) -> None:
    """A step of somebody else's at any point of a sign-in: it was written before that step, or is none (R2, R3)."""
    signed_in_first = []
    for at in count():
        with open_portal("memory", tmp_path) as opened:
            portal = opened.with_parts(limits=LENIENT)
            settled(portal)
            age_the_hash(portal)
            other, calls = interrupted(portal, at, partial(INTERFERING[between], portal))
            outcome = other.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
            stepped = len(calls) > at
            account = portal.account("c-1")
            if isinstance(outcome, SignedIn):
                # The host ends the session of an epoch that has ended; a later one was never handed out.
                assert outcome.account.credential.epoch <= account.credential.epoch
                assert not outcome.account.credential.must_change
                assert [kind for kind in portal.kinds() if kind.startswith("authn_login_success")]
                if stepped and outcome.account.credential.epoch < account.credential.epoch:
                    signed_in_first.append(at)
            elif between == "require change":
                assert isinstance(outcome, PasswordChangeRequired)
                assert account.last_sign_in_at is None
            else:
                assert outcome == SignInDenied()
                assert between not in ("sync", "another sign-in", "another ticket")
            if stepped and between == "settle":
                assert works(portal, THIRD_PASSWORD)
            if stepped and between not in {*WITHIN_THE_EPOCH, "disable and enable"}:
                assert not works(portal, GOOD_PASSWORD)
        if not stepped:
            assert isinstance(outcome, SignedIn)
            break
    assert at == 3
    # Only before the write of the upgrade, when the sign-in itself was written already.
    assert signed_in_first == ([] if between in WITHIN_THE_EPOCH else [2])


@pytest.mark.parametrize("between", [name for name in INTERFERING if name != "another sign-in"])
def test_nothing_between_two_calls_of_a_forced_change_is_overwritten(tmp_path: Path, between: str) -> None:
    """A step of somebody else's at any point of a forced change: what it said holds, or the change came first (R3)."""
    for at in count():
        with open_portal("memory", tmp_path) as opened:
            portal = opened.with_parts(limits=LENIENT)
            issued(portal)
            ticket = ticket_of(portal)
            other, calls = interrupted(portal, at, partial(INTERFERING[between], portal))
            outcome = other.sign_ins.complete_change(ticket, OTHER_PASSWORD)
            stepped = len(calls) > at
            if not stepped or between in ("rename", "sync"):
                assert isinstance(outcome, PasswordChanged)
                name = "rossi" if stepped and between == "rename" else "rabbiatici"
                assert isinstance(portal.sign_ins.sign_in(name, OTHER_PASSWORD), SignedIn)
            else:
                assert outcome == TicketInvalid()
                assert not works(portal, OTHER_PASSWORD)
        if not stepped:
            break
    assert at == 2


@pytest.mark.parametrize("between", [name for name in INTERFERING if name != "another ticket"])
def test_nothing_between_two_calls_of_an_own_change_is_overwritten(tmp_path: Path, between: str) -> None:
    """A step of somebody else's at any point of one's own change is decided upon anew (R3)."""
    for at in count():
        with open_portal("memory", tmp_path) as opened:
            portal = opened.with_parts(limits=LENIENT)
            settled(portal)
            other, calls = interrupted(portal, at, partial(INTERFERING[between], portal))
            outcome = other.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD)
            stepped = len(calls) > at
            account = portal.account("c-1")
            if isinstance(outcome, PasswordChanged):
                assert not stepped or between in WITHIN_THE_EPOCH or between == "disable and enable"
                assert account == outcome.account
                assert account.credential.origin is CredentialOrigin.CHOSEN
            else:
                assert stepped
                # After a demand of the office's the current password still proves its owner, who gets a ticket.
                assert isinstance(outcome, PasswordChangeRequired if between == "require change" else SignInDenied)
                assert not works(portal, OTHER_PASSWORD)
        if not stepped:
            break
    assert at == 2


# -- when the store or the counter fails


def _sign_in_chosen(portal: Portal) -> Callable[[Portal], object]:
    settled(portal)
    age_the_hash(portal)
    return lambda failing: failing.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="s")


def _sign_in_wrong(portal: Portal) -> Callable[[Portal], object]:
    settled(portal)
    return lambda failing: failing.sign_ins.sign_in("rabbiatici", "wrong", source="s")


def _sign_in_default(portal: Portal) -> Callable[[Portal], object]:
    issued(portal)
    return lambda failing: failing.sign_ins.sign_in("rabbiatici", "AbbiaticiR", source="s")


def _sign_in_nobody(portal: Portal) -> Callable[[Portal], object]:
    return lambda failing: failing.sign_ins.sign_in("nobody", GOOD_PASSWORD, source="s")


def _complete_change(portal: Portal) -> Callable[[Portal], object]:
    issued(portal)
    ticket = ticket_of(portal)
    return lambda failing: failing.sign_ins.complete_change(ticket, OTHER_PASSWORD, source="s")


def _complete_change_refused(portal: Portal) -> Callable[[Portal], object]:
    issued(portal)
    ticket = ticket_of(portal)
    return lambda failing: failing.sign_ins.complete_change(ticket, "short", source="s")


def _complete_change_invalid(portal: Portal) -> Callable[[Portal], object]:
    issued(portal)
    ticket_of(portal)
    return lambda failing: failing.sign_ins.complete_change("c-1.x", OTHER_PASSWORD, source="s")


def _change_password(portal: Portal) -> Callable[[Portal], object]:
    settled(portal)
    return lambda failing: failing.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD, source="s")


SCENARIOS: dict[str, tuple[Callable[[Portal], Callable[[Portal], object]], type]] = {
    "sign in": (_sign_in_chosen, SignedIn),
    "sign in, wrong": (_sign_in_wrong, SignInDenied),
    "sign in, default": (_sign_in_default, PasswordChangeRequired),
    "sign in, nobody": (_sign_in_nobody, SignInDenied),
    "complete change": (_complete_change, PasswordChanged),
    "complete change, refused": (_complete_change_refused, PasswordRefused),
    "complete change, no ticket": (_complete_change_invalid, TicketInvalid),
    "change password": (_change_password, PasswordChanged),
}


def failing_at(portal: Portal, at: int, phase: str, error: Exception) -> tuple[Portal, list[str]]:
    """Return the portal of which one call of the store or the counter raises, and the calls there were."""
    calls: list[str] = []

    def hook(now: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if now == phase:
            calls.append(name)
            if len(calls) == at + 1:
                raise error

    return attrs.evolve(portal, store=watched(portal.store, hook), counter=watched(portal.counter, hook)), calls


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_store_that_fails_at_any_call_lets_nobody_in_unwritten(tmp_path: Path, scenario: str, phase: str) -> None:
    """At every call, before or after its work: `Unavailable` or what is right, and all go on after it (R21)."""
    prepare, right = SCENARIOS[scenario]
    for at in count():
        with open_portal("memory", tmp_path) as opened:
            portal = opened.with_parts(limits=LENIENT)
            attempt = prepare(portal)
            before = portal.account("c-1")
            start = len(portal.store.events())
            failing, calls = failing_at(portal, at, phase, StoreUnavailableError("x", "lost"))
            outcome = attempt(failing)
            failed = len(calls) > at
            after = portal.account("c-1")
            kinds = [event.kind for event in portal.store.events()[start:]]
            assert isinstance(outcome, right) or (failed and outcome == Unavailable())
            if isinstance(outcome, SignedIn):
                assert AuditKind.SIGN_IN_SUCCEEDED in kinds
                assert after.last_sign_in_at == portal.clock()
            # A change and its event are stored together or not at all, whatever was told about it.
            changed = after.credential.epoch != before.credential.epoch
            assert changed == (AuditKind.PASSWORD_CHANGED in kinds)
            assert after.credential.must_change == (before.credential.must_change and not changed)
            # Told of once more, without the failure.
            again = attempt(portal)
            if changed:
                assert isinstance(again, TicketInvalid | SignInDenied)
                assert works(portal, OTHER_PASSWORD)
            else:
                assert isinstance(again, right)
        if not failed:
            assert isinstance(outcome, right)
            break
    assert at >= 3


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_lost_transaction_of_the_hosts_is_the_hosts_to_run_again(tmp_path: Path, scenario: str) -> None:
    """`TransactionAborted` gets through from every call, because nothing of the step is left (R20)."""
    prepare, _ = SCENARIOS[scenario]
    for at in count():
        with open_portal("memory", tmp_path) as opened:
            portal = opened.with_parts(limits=LENIENT)
            attempt = prepare(portal)
            failing, calls = failing_at(portal, at, "before", TransactionAborted("x", "40001"))
            try:
                attempt(failing)
            except TransactionAborted:
                # After it, attempts under way are ended: counts are in no transaction of the host's.
                assert set(calls[at + 1 :]) <= {"hit"}
            else:
                assert len(calls) == at
                break
    assert at >= 3


def test_a_credential_that_is_replaced_again_and_again_is_unavailable_in_the_end(memory_portal: Portal) -> None:
    """A sign-in that loses to the office every time gives up as `Unavailable`, and never goes on with an old proof."""
    portal = memory_portal.with_parts(limits=LENIENT)
    issued(portal)

    def hook(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply"):
            (change,) = arguments[0]
            if any(event.kind is AuditKind.TICKET_OPENED for event in change.events):
                issued(portal)

    racing = attrs.evolve(portal, store=watched(portal.store, hook))
    assert racing.sign_ins.sign_in("rabbiatici", "AbbiaticiR") == Unavailable()
    assert portal.account("c-1").credential.ticket_digest is None
    assert portal.kinds().count("authn_token_created issued") == 0


def test_an_account_that_never_keeps_still_is_unavailable_in_the_end(memory_portal: Portal) -> None:
    """A row that another step changes before each write ends a sign-in and a change as `Unavailable`, not in a loop."""
    portal = memory_portal.with_parts(limits=LENIENT)
    settled(portal)
    applied: list[object] = []

    def hook(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply"):
            applied.append(arguments)
            old = portal.account("c-1")
            portal.store.apply([Change(old=old, new=old.rename(f"name{len(applied)}"))])
            moved = portal.account("c-1")
            portal.store.apply([Change(old=moved, new=moved.rename("rabbiatici"))])

    racing = attrs.evolve(portal, store=watched(portal.store, hook))
    assert racing.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == Unavailable()
    assert racing.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD) == Unavailable()
    assert portal.account("c-1").last_sign_in_at is None
    portal.accounts.require_change("c-1", OFFICE, reason="policy")
    ticket = ticket_of(portal, password=GOOD_PASSWORD)
    assert racing.sign_ins.complete_change(ticket, OTHER_PASSWORD) == Unavailable()
    assert isinstance(portal.sign_ins.complete_change(ticket, OTHER_PASSWORD), PasswordChanged)
    assert len(applied) < 1000


def test_an_account_that_leaves_the_scope_meanwhile_is_not_let_in(
    memory_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R3: who is read again after a lost race, and is not among the store's accounts any more, has no sign-in."""
    settled(memory_portal)

    def hook(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply"):
            old = memory_portal.account("c-1")
            moved = old.rename("other")
            memory_portal.store.apply([Change(old=old, new=moved), Change(old=moved, new=moved.rename("rabbiatici"))])

    monkeypatch.setattr(type(memory_portal.store), "find_many", lambda _, contact_ids: {})
    racing = attrs.evolve(memory_portal, store=watched(memory_portal.store, hook))
    assert racing.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == Unavailable()
    assert memory_portal.account("c-1").last_sign_in_at is None


def test_more_callers_than_places_are_told_to_come_back(portal: Portal) -> None:
    """A crowd beyond the queue is told `TryLater` and counts for nothing; the others go in (R7)."""
    settled(portal)
    with crowded(portal, 4) as many:
        outcomes = at_once(*[lambda: many.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)] * 24)
        assert {type(outcome) for outcome in outcomes} <= {SignedIn, TryLater}
        assert works(many, GOOD_PASSWORD)
    assert not is_spent(portal.throttle, portal.account("c-1"))
