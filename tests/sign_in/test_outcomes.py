"""What a service says cannot be taken for something else."""

import copy
from datetime import timedelta
from typing import assert_never

import attrs
import pytest

from portal import GOOD_PASSWORD, Portal, issued, settled, ticket_of
from portalcreds.accounts import Account
from portalcreds.contacts import Contact, ContactId
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import (
    ChangePasswordOutcome,
    ClaimProofRefused,
    CompleteChangeOutcome,
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordCompromised,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    SignInOutcome,
    TicketInvalid,
    TryLater,
    Unavailable,
)

ACCOUNT = Account(contact=Contact(contact_id=ContactId("c-1"), first_name="Rosa", last_name="Abbiatici"), username="ra")
OUTCOMES = (
    SignedIn(account=ACCOUNT),
    PasswordChangeRequired(ticket=Secret("c-1.canary"), reason="issued"),
    DefaultExpired(),
    SignInDenied(),
    TryLater(retry_after=timedelta(seconds=1)),
    Unavailable(),
    PasswordChanged(account=ACCOUNT),
    PasswordRefused(violations=()),
    TicketInvalid(),
)
WITHOUT_FIELDS = (DefaultExpired, SignInDenied, TicketInvalid, Unavailable)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_an_outcome_is_neither_true_nor_false(outcome: object) -> None:
    """Whoever writes ``if sign_in(...)`` finds out at the first call, not when a denial lets somebody in."""
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(outcome)
    with pytest.raises(TypeError, match=type(outcome).__name__):
        assert not outcome


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_an_outcome_is_compared_with_its_like_alone(outcome: object) -> None:
    """Whoever writes ``if outcome != SignInDenied()`` finds out before somebody is let in who has to wait (R23)."""
    assert outcome == copy.copy(outcome)
    others = [other for other in OUTCOMES if type(other) is not type(outcome)]
    for other in (*others, type(outcome), SignInDenied, None, True, "SignInDenied"):
        with pytest.raises(TypeError, match="use match or isinstance"):
            assert outcome != other
        with pytest.raises(TypeError, match="use match or isinstance"):
            assert outcome in (other,)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_an_outcome_cannot_be_turned_into_another(outcome: SignInOutcome) -> None:
    """Outcomes are frozen, so that nothing between the service and the session can rewrite one."""
    for name in (*(field.name for field in attrs.fields(type(outcome))), "account"):
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            setattr(outcome, name, ACCOUNT)


def test_no_class_is_a_kind_of_another() -> None:
    """``isinstance(outcome, SignedIn)`` is true of `SignedIn` alone."""
    assert [
        (type(outcome).__name__, other.__name__)
        for outcome in OUTCOMES
        for other in {type(outcome) for outcome in OUTCOMES} - {type(outcome)}
        if isinstance(outcome, other)
    ] == []


@pytest.mark.parametrize("kind", WITHOUT_FIELDS)
def test_what_must_not_tell_a_reason_has_no_place_for_one(kind: type) -> None:
    """`SignInDenied` and its like have no fields and compare equal, whatever lies behind them (R7)."""
    assert attrs.fields(kind) == ()
    assert kind() == kind()
    assert repr(kind()) == f"{kind.__name__}()"
    assert not hasattr(kind(), "__dict__") or vars(kind()) == {}


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_printing_an_outcome_shows_no_ticket_and_no_name(outcome: object) -> None:
    """Somebody prints an outcome sooner or later (R14)."""
    for text in (repr(outcome), str(outcome), f"{outcome}"):
        assert not {word for word in ("canary", "Rosa", "Abbiatici", "'ra'") if word in text}


def page_for_sign_in(outcome: SignInOutcome) -> str:
    """Stand for a host's view: that it is complete is for the type checker to see."""
    match outcome:
        case SignedIn(account=account):
            return f"welcome {account.contact_id}"
        case PasswordChangeRequired(reason=reason):
            return f"choose your own: {reason}"
        case DefaultExpired():
            return "ask the school"
        case PasswordCompromised():
            return "ask the school for an invitation"
        case SignInDenied():
            return "no"
        case TryLater(retry_after=wait):
            return f"wait {wait}"
        case Unavailable():
            return "later"
        case _:
            assert_never(outcome)


def page_for_forced_change(outcome: CompleteChangeOutcome) -> str:
    """Stand for the view behind the ticket."""
    match outcome:
        case PasswordChanged():
            return "done"
        case PasswordRefused(violations=violations):
            return " ".join(violation.code for violation in violations)
        case ClaimProofRefused():
            return "look at the letter again"
        case TicketInvalid():
            return "sign in again"
        case TryLater():
            return "wait"
        case Unavailable():
            return "later"
        case _:
            assert_never(outcome)


def page_for_own_change(outcome: ChangePasswordOutcome) -> str:
    """Stand for the view of a contact's own settings."""
    match outcome:
        case PasswordChanged() | PasswordRefused() | TryLater() | Unavailable():
            return type(outcome).__name__
        case PasswordChangeRequired() | PasswordCompromised() | DefaultExpired() | SignInDenied():
            return page_for_sign_in(outcome)
        case _:
            assert_never(outcome)


def test_a_match_over_every_outcome_is_complete(memory_portal: Portal) -> None:
    """A host's ``match`` is checked for completeness by its type checker, and takes what really comes out (R23)."""
    sign_ins = memory_portal.sign_ins
    assert page_for_sign_in(sign_ins.sign_in("rabbiatici", "AbbiaticiR")) == "no"
    issued(memory_portal)
    assert page_for_sign_in(sign_ins.sign_in("rabbiatici", "AbbiaticiR")) == "choose your own: issued"
    assert page_for_forced_change(sign_ins.complete_change("c-1.no", GOOD_PASSWORD)) == "sign in again"
    assert page_for_forced_change(sign_ins.complete_change(ticket_of(memory_portal), "short")) == "too_short"
    assert page_for_own_change(sign_ins.change_password("rabbiatici", "AbbiaticiR", "x")) == "choose your own: issued"
    settled(memory_portal)
    assert page_for_sign_in(sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)) == "welcome c-1"
    assert page_for_own_change(sign_ins.change_password("rabbiatici", GOOD_PASSWORD, "x")) == "PasswordRefused"
    assert page_for_own_change(sign_ins.change_password("rabbiatici", "wrong", "x")) == "no"


def test_try_later_counts_whole_seconds_upwards() -> None:
    """R7: the Retry-After header takes whole seconds, of which a day has 86,400; waiting too short is refused again."""
    assert TryLater(retry_after=timedelta(milliseconds=1)).seconds == 1
    assert TryLater(retry_after=timedelta(days=2, seconds=3)).seconds == 172_803
