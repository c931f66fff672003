"""A contact's story, from never issued to re-issued, on every store."""

from datetime import timedelta

import attrs

from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, Portal
from portalcreds.accounts import Account, AccountStatus
from portalcreds.contacts import ContactId
from portalcreds.plans import ConfirmedPlan
from portalcreds.protocols import ApplyResult, Change
from portalcreds.resets.plan import Decision
from portalcreds.resets.report import ResetOutcome
from portalcreds.sign_in.outcomes import (
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
)

ROSA_ID = ContactId("c-1")


def test_the_whole_story_of_a_contact(every_portal: Portal) -> None:
    """A default opens one door, is worth nothing once a password is chosen, and can be set again (R1-R6)."""
    portal = every_portal
    accounts, resets, sign_ins = portal.accounts, portal.resets, portal.sign_ins

    def rosa() -> Account:
        return accounts.get(ROSA_ID, OFFICE)

    # Never issued, and nobody signs in.
    assert rosa().status(portal.clock()) is AccountStatus.NEVER_ISSUED
    assert isinstance(sign_ins.sign_in("rabbiatici", "AbbiaticiR"), SignInDenied)

    # The plan shows it, OK is pressed, the default is set, and the plan itself wrote nothing.
    plan = resets.plan([ROSA_ID], OFFICE)
    assert [(item.decision, item.status) for item in plan] == [(Decision.WILL_SET, AccountStatus.NEVER_ISSUED)]
    assert "Rosa Abbiatici" in plan.confirmation.text
    assert rosa().credential.epoch == 0
    confirmed = plan.confirm(OFFICE, fingerprint=resets.plan([ROSA_ID], OFFICE).fingerprint)
    assert isinstance(confirmed, ConfirmedPlan)
    report = resets.start(confirmed).run()
    assert [result.outcome for result in report] == [ResetOutcome.SET]
    issued = rosa()
    assert issued.status(portal.clock()) is AccountStatus.DEFAULT_LIVE
    assert issued.credential.must_change
    assert issued.credential.expires_at == portal.clock() + timedelta(days=14)

    # Passwords are case sensitive; the default gives a ticket and nothing else.
    for wrong in ("abbiaticir", "ABBIATICIR", "Abbiaticir", "AbbiaticiR "):
        assert isinstance(sign_ins.sign_in("rabbiatici", wrong), SignInDenied)
    demanded = sign_ins.sign_in("RAbbiatici", "AbbiaticiR")
    assert isinstance(demanded, PasswordChangeRequired)
    assert demanded.reason == "issued"
    assert rosa().last_sign_in_at is None
    ticket = demanded.ticket

    # The policy refuses the default, its variants and a short one, and the ticket goes on working.
    for refused in ("AbbiaticiR", "abbiatici r", "AbbiaticiR2026!!!!!", "Rosa Abbiatici 123", "short"):
        outcome = sign_ins.complete_change(ticket, refused)
        assert isinstance(outcome, PasswordRefused)
        assert outcome.violations

    # A good one is accepted, once; the default and the ticket are gone with it.
    assert isinstance(sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)
    assert isinstance(sign_ins.complete_change(ticket, OTHER_PASSWORD), TicketInvalid)
    assert isinstance(sign_ins.sign_in("rabbiatici", "AbbiaticiR"), SignInDenied)
    signed_in = sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(signed_in, SignedIn)
    assert signed_in.account == rosa()
    assert rosa().status(portal.clock()) is AccountStatus.SELF_CHOSEN
    assert rosa().last_sign_in_at == portal.clock()

    # A bulk leaves her be; a second reset for her alone arms the forced change again and grows the epoch.
    epoch = rosa().credential.epoch
    assert resets.plan([ROSA_ID, "c-2"], OFFICE).items[0].decision is Decision.SKIP
    assert resets.reset_password(ROSA_ID, OFFICE).outcome is ResetOutcome.SET
    assert rosa().credential.epoch == epoch + 1
    assert isinstance(sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignInDenied)
    again = sign_ins.sign_in("rabbiatici", "AbbiaticiR")
    assert isinstance(again, PasswordChangeRequired)
    assert isinstance(sign_ins.complete_change(again.ticket, OTHER_PASSWORD), PasswordChanged)

    # An upgrade of the hash in between changes the hash, and nothing else.
    before = rosa()
    upgraded = before.upgrade(portal.chosen_hash(OTHER_PASSWORD))
    assert list(portal.store.apply([Change(old=before, new=upgraded)])) == [ApplyResult.APPLIED]
    unchanged = attrs.evolve(
        rosa(),
        version=before.version,
        credential=attrs.evolve(rosa().credential, password_hash=before.credential.password_hash),
    )
    assert unchanged == before
    assert isinstance(sign_ins.sign_in("rabbiatici", OTHER_PASSWORD), SignedIn)

    # A default that is not used expires; then the right one says so, a wrong one does not, and re-issue helps.
    assert resets.reset_password(ROSA_ID, OFFICE).outcome is ResetOutcome.SET
    portal.clock.move(days=14)
    assert rosa().status(portal.clock()) is AccountStatus.DEFAULT_EXPIRED
    assert isinstance(sign_ins.sign_in("rabbiatici", "AbbiaticiR"), DefaultExpired)
    assert isinstance(sign_ins.sign_in("rabbiatici", "abbiaticir"), SignInDenied)
    assert resets.reset_password(ROSA_ID, OFFICE).outcome is ResetOutcome.SET
    assert isinstance(sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)
