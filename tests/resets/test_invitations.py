"""An invitation is the only way in, once, until its day, and nobody but its holder can use it up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import attrs
import pytest

from portal import FAMILY, GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, USERNAMES, Portal, invited, issued, settled, ticket_of
from portalcreds.accounts import INVITATION, AccountStatus, CredentialOrigin, PasswordHash
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import LastNameFirstInitial
from portalcreds.exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
    WrongStateError,
)
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.resets import DecisionReason
from portalcreds.sign_in import KnownValues, SignedIn
from portalcreds.sign_in.outcomes import PasswordChanged, PasswordRefused, SignInDenied, TicketInvalid
from races import at_once, crowded

MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize("before", ["never issued", "default", "chosen", "compromised"])
def test_an_invitation_is_the_only_way_in(every_portal: Portal, before: str) -> None:
    """Whatever signed in before does so no more, and only the digest of the ticket is stored (R2)."""
    portal = every_portal
    if before == "default":
        issued(portal)
    elif before != "never issued":
        settled(portal)
    if before == "compromised":
        portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    epoch = portal.account("c-1").credential.epoch
    ticket = invited(portal)
    account = portal.account("c-1")
    assert account.credential.expires_at == portal.clock() + timedelta(days=14)
    assert (account.credential.epoch, account.credential.is_invited) == (epoch + 1, True)
    assert ticket.reveal() not in str(attrs.asdict(account.credential))
    for guess in ("AbbiaticiR", GOOD_PASSWORD, "", ticket):
        assert portal.sign_ins.sign_in("rabbiatici", guess) == SignInDenied()
    portal.clock.move(days=13)
    assert isinstance(portal.sign_ins.complete_change(ticket.reveal(), OTHER_PASSWORD), PasswordChanged)
    assert portal.kinds("c-1")[-1] == "authn_password_change invitation"
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", OTHER_PASSWORD), SignedIn)
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()


def test_no_sign_in_takes_an_invitation_away(every_portal: Portal) -> None:
    """Old passwords, guesses beyond the cap and refused new passwords leave it as it is."""
    portal = every_portal
    settled(portal)
    ticket = invited(portal)
    before = portal.account("c-1")
    for guess in (GOOD_PASSWORD, "AbbiaticiR", *(f"guess {n}" for n in range(20))):
        portal.sign_ins.sign_in("rabbiatici", guess)
        portal.sign_ins.change_password("rabbiatici", guess, OTHER_PASSWORD)
    assert isinstance(portal.sign_ins.complete_change(ticket, "short"), PasswordRefused)
    assert portal.account("c-1") == before
    assert isinstance(portal.sign_ins.complete_change(ticket, OTHER_PASSWORD), PasswordChanged)


def test_no_ticket_can_be_opened_beside_an_invitation(memory_portal: Portal) -> None:
    """Not even by whoever knew the password that nobody was told: the step does not exist."""
    memory_portal.resets.invite("c-1", OFFICE)
    with pytest.raises(WrongStateError):
        memory_portal.account("c-1").open_ticket("ab" * 32, expires_at=memory_portal.clock() + timedelta(minutes=9))


def test_no_default_passes_for_an_invitation(memory_portal: Portal) -> None:
    """A strategy that had its id would make tickets that live for days and need no claim proof."""

    class Impostor(LastNameFirstInitial):
        id = INVITATION

    with pytest.raises(ConfigurationError, match="strategy"):
        _ = memory_portal.with_parts(strategy=Impostor()).resets
    now = memory_portal.clock()
    with pytest.raises(InvalidValueError):
        memory_portal.account("c-1").issue(
            PasswordHash("$x$"), strategy=INVITATION, issue_id="i", issued_by="o", issued_at=now, expires_at=now
        )


Step = Callable[[Portal], object]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda portal: portal.resets.invite("c-1", OFFICE), id="a newer one"),
        pytest.param(lambda portal: issued(portal), id="a reset"),
        pytest.param(lambda portal: portal.accounts.disable("c-1", OFFICE), id="disabled"),
        pytest.param(lambda portal: portal.accounts.end_sessions("c-1", OFFICE), id="sessions ended"),
        pytest.param(
            lambda portal: portal.accounts.require_change("c-1", OFFICE, reason="policy"), id="change required"
        ),
        pytest.param(lambda portal: portal.accounts.erase("c-1", OFFICE), id="erased"),
    ],
)
def test_what_starts_an_epoch_ends_an_invitation(portal: Portal, step: Step) -> None:
    """It is bound to account and epoch, like every ticket (R6)."""
    ticket = invited(portal)
    step(portal)
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()


@pytest.mark.parametrize("lifetime", [timedelta(minutes=1), timedelta(days=14), timedelta(days=366)])
def test_an_invitation_ends_at_the_instant_it_says(portal: Portal, lifetime: timedelta) -> None:
    """A microsecond before its end it works, at its end and for years after it does not; the grid says so."""
    start = portal.clock()
    ticket = invited(portal, expires_at=start + lifetime)
    for late in (lifetime, timedelta(days=3650)):
        portal.clock.now = start + late
        assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()
        assert portal.account("c-1").status(portal.clock()) is AccountStatus.DEFAULT_EXPIRED
    portal.clock.now = start - timedelta(hours=2)
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()
    portal.clock.now = start + lifetime - MICROSECOND
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


def test_an_invitation_opens_no_other_account(portal: Portal) -> None:
    """Neither under another contact's id, nor after the account went to another id (R2)."""
    ticket, other = invited(portal), invited(portal, "c-2")
    secret = ticket.reveal().partition(".")[2]
    assert portal.sign_ins.complete_change(f"c-2.{secret}", GOOD_PASSWORD) == TicketInvalid()
    portal.accounts.rekey("c-1", "c-9", OFFICE)
    for moved in (ticket.reveal(), f"c-9.{secret}"):
        assert portal.sign_ins.complete_change(moved, GOOD_PASSWORD) == TicketInvalid()
    assert isinstance(portal.sign_ins.complete_change(other, GOOD_PASSWORD), PasswordChanged)


def test_an_invitation_asks_for_no_claim_proof(portal: Portal) -> None:
    """It is itself what the school gave the family; nothing else is asked for, and none is told."""
    proved = portal.with_parts(claim_proof=KnownValues(lambda ids: {}, kind="number"))
    ticket = invited(proved)
    assert isinstance(proved.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


# -- who may invite, and whom


def test_inviting_takes_its_own_privilege_and_is_on_the_record(portal: Portal) -> None:
    """R16, R17: not one's own account, nobody of a higher rank, and each refusal is an event."""
    portal.resets.invite("c-1", OFFICE)
    event = portal.store.events(ContactId("c-1"))[-1]
    assert (event.kind, event.operator_id) == (AuditKind.INVITED, "office")
    assert event.operation_id == portal.account("c-1").credential.issue_id
    before = portal.account("c-1")
    without = Grants(privileges={"office": set(Privilege) - {Privilege.INVITE}})
    above = Grants(privileges={"office": list(Privilege)}, outranks=lambda account: True)
    own = Operator(operator_id="office", contact_id=ContactId("c-1"))
    for refused, operator in (
        (portal.with_parts(authorizer=without), OFFICE),
        (portal.with_parts(authorizer=above), OFFICE),
        (portal, own),
    ):
        with pytest.raises(PrivilegeDeniedError):
            refused.resets.invite("c-1", operator)
        assert portal.kinds("c-1")[-1] == "authz_fail invite"
    assert portal.account("c-1") == before


def test_who_cannot_be_invited(portal: Portal) -> None:
    """R23: no account is an error; a disabled or erased one, or one without a user name, is a result that says why."""
    nameless = Contact(contact_id=ContactId("c-9"), first_name="No", last_name="Name")
    portal.accounts.sync_contacts([nameless], OFFICE)
    portal.accounts.disable("c-1", OFFICE)
    portal.accounts.erase("c-2", OFFICE)
    with pytest.raises(AccountNotFoundError):
        portal.resets.invite("absent", OFFICE)
    reasons = {"c-1": DecisionReason.DISABLED, "c-2": DecisionReason.ERASED, "c-9": DecisionReason.NO_USERNAME}
    for contact_id, reason in reasons.items():
        before = portal.account(contact_id)
        result = portal.resets.invite(contact_id, OFFICE)
        assert (result.reason, result.secret) == (reason, None)
        assert portal.account(contact_id) == before


@pytest.mark.parametrize(
    "ends", [datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), datetime(2026, 9, 1), "tomorrow"]
)
def test_an_expiry_that_is_none_is_refused(memory_portal: Portal, ends: Any) -> None:
    """R5, R23: an invitation ends, and within a school year."""
    with pytest.raises(InvalidValueError, match="expires_at"):
        memory_portal.resets.invite("c-1", OFFICE, expires_at=ends)
    assert memory_portal.account("c-1").credential.origin is CredentialOrigin.NONE


def test_the_host_is_told_of_an_invitation(portal: Portal) -> None:
    """ASVS 6.3.7: the contact whose password stopped working can be notified."""
    told: list[str] = []
    hooked = portal.with_parts(on_change=lambda account, event: told.append(f"{account.contact_id} {event.kind}"))
    settled(portal)
    hooked.resets.invite("c-1", OFFICE)
    assert told == ["c-1 authn_token_created.invitation"]


def test_an_invited_contact_can_be_invited_whatever_the_names(portal: Portal) -> None:
    """Unlike a default it is derived of nothing: a contact without names gets one, and a new name changes nothing."""
    portal.resets.invite("c-4", OFFICE)
    ticket = invited(portal)
    portal.clock.move(hours=1)
    portal.accounts.sync_contacts([attrs.evolve(FAMILY[0], last_name="Rossi")], OFFICE, usernames=USERNAMES)
    assert not portal.account("c-1").has_default_of_old_name
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


# -- races


def test_two_uses_at_once_are_one(every_portal: Portal) -> None:
    """Single use holds against a link that is opened in sixteen tabs: one password is set (R3)."""
    ticket = invited(every_portal)
    with crowded(every_portal, 16) as many:
        passwords = [f"tab number {number} came through" for number in range(16)]
        outcomes = at_once(*(partial(many.sign_ins.complete_change, ticket, new) for new in passwords))
        assert sorted(type(each).__name__ for each in outcomes) == ["PasswordChanged"] + ["TicketInvalid"] * 15
        (winner,) = [new for new, each in zip(passwords, outcomes, strict=True) if isinstance(each, PasswordChanged)]
        assert isinstance(many.sign_ins.sign_in("rabbiatici", winner), SignedIn)


def test_an_invitation_beside_a_reset(every_portal: Portal) -> None:
    """R3: whichever is written last is the way in, and the other one is none."""
    with crowded(every_portal, 8) as many:
        for _ in range(6):
            invitation, result = at_once(
                lambda: many.resets.invite("c-1", OFFICE), lambda: many.resets.reset_password("c-1", OFFICE)
            )
            account = many.account("c-1")
            assert "set" in (invitation.outcome, result.outcome)
            used = many.sign_ins.complete_change(invitation.secret or "none", OTHER_PASSWORD)
            assert isinstance(used, PasswordChanged) is account.credential.is_invited
            if isinstance(used, TicketInvalid):
                assert result.outcome == "set"
                ticket_of(many)


def test_two_invitations_at_once_leave_one(every_portal: Portal) -> None:
    """R3: of many that are sent at the same moment, the one that is stored works; those that were not set have none."""
    with crowded(every_portal, 8) as many:
        sent = at_once(*[partial(many.resets.invite, "c-1", OFFICE)] * 6)
        works = [
            isinstance(many.sign_ins.complete_change(each.secret, f"a password for {at} of them"), PasswordChanged)
            for at, each in enumerate(sent)
            if each.secret is not None
        ]
        assert works.count(True) == 1
