"""Accounts that get another contact id, and two that become one."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from administration.steps import last_event
from portal import (
    FAMILY,
    GOOD_PASSWORD,
    NOBODY,
    OFFICE,
    OTHER_PASSWORD,
    ROSA,
    Portal,
    issued,
    settled,
    ticket_of,
    watched,
)
from portalcreds.accounts import Account
from portalcreds.administration.sync import SyncReason
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import AccountNotFoundError, InvalidValueError, PrivilegeDeniedError, WrongStateError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn, SignInDenied, TicketInvalid

NEW_ROSA = attrs.evolve(ROSA, contact_id=ContactId("n-9"))


def signs_in(portal: Portal, password: str = GOOD_PASSWORD) -> str | None:
    """Return the contact id of who is let in with Rosa's user name, or None."""
    outcome = portal.sign_ins.sign_in("rabbiatici", password)
    return outcome.account.contact_id if isinstance(outcome, SignedIn) else None


@pytest.mark.parametrize("synced", [False, True])
def test_a_renumbered_contact_keeps_user_name_and_password(portal: Portal, synced: bool) -> None:
    """Whether or not a sync added the new id before: one account signs in, sessions end, both ids have it on record."""
    before = settled(portal)
    if synced:
        (item,) = portal.accounts.sync_contacts([NEW_ROSA], OFFICE, usernames={"n-9": "rabbiatici"})
        assert item.reason is SyncReason.USERNAME_TAKEN

    told = portal.accounts.rekey("c-1", "n-9", OFFICE)

    after = portal.account("n-9")
    assert told == portal.summary("n-9")
    assert (after.contact, after.username) == (NEW_ROSA, "rabbiatici")
    assert after.credential == attrs.evolve(before.credential, epoch=after.credential.epoch)
    assert after.credential.epoch > before.credential.epoch
    assert signs_in(portal) == "n-9"
    left = portal.account("c-1")
    assert left.erased_at is not None
    assert left.credential.epoch > before.credential.epoch
    assert portal.kinds("c-1")[-2:] == ["user_updated.rekey n-9", "user_deleted n-9"]
    assert "user_updated.rekey c-1" in portal.kinds("n-9")
    assert portal.accounts.rekey("c-1", "n-9", OFFICE) == portal.summary("n-9")


class Killed(Exception):  # noqa: N818  It stands for a process that ends.
    """The process ended."""


@pytest.mark.parametrize("state", ["chosen", "default", "disabled", "nameless"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_kill_at_any_step_loses_nothing_and_is_settled_by_the_same_call(
    portal: Portal, state: str, when: str, at: int
) -> None:
    """At no step do two sign in, and after the second call one account has all that the first had."""
    if state == "default":
        issued(portal)
    else:
        settled(portal)
    if state == "disabled":
        portal.accounts.disable("c-1", OFFICE)
    if state == "nameless":
        portal.accounts.rename("c-1", OFFICE, username=None)
    before = portal.account("c-1")
    calls: list[str] = []

    def kill(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "apply" and phase == when:
            calls.append(name)
            if len(calls) == at:
                raise Killed

    try:
        attrs.evolve(portal, store=watched(portal.store, kill)).accounts.rekey("c-1", "n-9", OFFICE)
    except Killed:
        both = [portal.store.find(ContactId(each)) for each in ("c-1", "n-9")]
        usable = [each for each in both if each is not None and each.is_active and each.username is not None]
        assert len(usable) <= 1
        portal.accounts.rekey("c-1", "n-9", OFFICE)

    after = portal.account("n-9")
    assert (after.username, after.is_active) == (before.username, before.is_active)
    assert after.credential == attrs.evolve(before.credential, epoch=after.credential.epoch)
    assert portal.account("c-1").erased_at is not None
    if state == "chosen":
        assert signs_in(portal) == "n-9"


def test_a_ticket_of_the_old_id_is_void(portal: Portal) -> None:
    """R2, R6: what was opened before the move opens nothing; the default does, under the same user name."""
    default = issued(portal)
    ticket = ticket_of(portal)
    portal.accounts.rekey("c-1", "n-9", OFFICE)
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), PasswordChangeRequired)


def test_a_user_name_given_away_in_between_is_settled_by_renaming(portal: Portal) -> None:
    """An interrupted move whose user name somebody else got is refused with the way out, and nothing is lost."""
    settled(portal)

    def kill(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("after", "apply"):
            raise Killed

    with pytest.raises(Killed):
        attrs.evolve(portal, store=watched(portal.store, kill)).accounts.rekey("c-1", "n-9", OFFICE)
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()
    with pytest.raises(WrongStateError):
        portal.accounts.enable("c-1", OFFICE)
    portal.accounts.rename("c-2", OFFICE, username="rabbiatici")
    with pytest.raises(WrongStateError):
        portal.accounts.rekey("c-1", "n-9", OFFICE)
    portal.accounts.rename("c-1", OFFICE, username="rosa")
    portal.accounts.rekey("c-1", "n-9", OFFICE)
    portal.accounts.enable("n-9", OFFICE)
    assert isinstance(portal.sign_ins.sign_in("rosa", GOOD_PASSWORD), SignedIn)


@pytest.mark.parametrize("kept", ["c-1", "c-2"])
def test_two_records_of_one_person_become_one(portal: Portal, kept: str) -> None:
    """The caller says whose user name and password stay; the other's let nobody in, and both ids say so."""
    settled(portal)
    settled(portal, "c-2", OTHER_PASSWORD)

    told = portal.accounts.merge("c-1", "c-2", OFFICE, credential_of=kept)

    assert told == portal.summary("c-2")
    assert signs_in(portal) == ("c-2" if kept == "c-1" else None)
    pat = portal.sign_ins.sign_in("pobrien", OTHER_PASSWORD)
    assert isinstance(pat, SignedIn if kept == "c-2" else SignInDenied)
    assert portal.account("c-2").contact == FAMILY[1]
    assert portal.account("c-1").erased_at is not None
    assert "user_updated.merge c-1" in portal.kinds("c-2")
    assert portal.kinds("c-1")[-1] == "user_deleted c-2"
    assert portal.accounts.merge("c-1", "c-2", OFFICE, credential_of=kept) == portal.summary("c-2")


def test_what_cannot_be_moved_writes_nothing(portal: Portal) -> None:
    """R23: nobody, oneself, somebody with a password, the erased: refused before the first step."""
    settled(portal)
    settled(portal, "c-2")
    portal.accounts.erase("c-3", OFFICE)
    before = portal.store.find_many([ContactId(f"c-{n}") for n in range(1, 5)])
    rekey, merge = portal.accounts.rekey, portal.accounts.merge
    with pytest.raises(AccountNotFoundError):
        rekey("nobody", "n-9", OFFICE)
    with pytest.raises(InvalidValueError):
        rekey("c-1", "c-1", OFFICE)
    with pytest.raises(InvalidValueError):
        rekey("c-1", " n-9", OFFICE)
    with pytest.raises(InvalidValueError):
        merge("c-1", "c-2", OFFICE, credential_of="c-4")
    for old, new in (("c-1", "c-2"), ("c-1", "c-3"), ("c-3", "n-9")):
        with pytest.raises(WrongStateError):
            rekey(old, new, OFFICE)
    with pytest.raises(AccountNotFoundError):
        merge("c-1", "n-9", OFFICE, credential_of="n-9")
    with pytest.raises(AccountNotFoundError):
        merge("c-1", "n-9", OFFICE, credential_of="c-1")
    assert portal.store.find_many([ContactId(f"c-{n}") for n in range(1, 5)]) == before
    assert portal.store.find(ContactId("n-9")) is None


@pytest.mark.parametrize("own", ["c-1", "n-9"])
def test_moving_takes_its_privilege_on_both_accounts(portal: Portal, own: str) -> None:
    """R16: not one's own, whichever of the two it is, not a higher-ranked one's, and not without the privilege."""
    portal.accounts.sync_contacts([Contact(contact_id=ContactId("n-9"), last_name="Head")], OFFICE)
    before = portal.account("c-1"), portal.account("n-9")

    def outranks(account: Account) -> bool:
        return account.contact_id == own

    ranked = Grants(privileges={"office": Privilege}, outranks=outranks)
    refusing = {
        "nobody": (portal, NOBODY),
        "own": (portal, Operator(operator_id="office", contact_id=ContactId(own))),
        "ranked": (portal.with_parts(authorizer=ranked), OFFICE),
    }
    for there, operator in refusing.values():
        with pytest.raises(PrivilegeDeniedError):
            there.accounts.rekey("c-1", "n-9", operator)
        for kept in ("c-1", "n-9"):
            with pytest.raises(PrivilegeDeniedError):
                there.accounts.merge("c-1", "n-9", operator, credential_of=kept)
    assert (portal.account("c-1"), portal.account("n-9")) == before
    assert "authz_fail move" in portal.kinds()


def test_sessions_end_and_nothing_else_changes(portal: Portal) -> None:
    """R6: a new epoch, on the record; the password goes on working."""
    before = settled(portal)
    assert portal.accounts.end_sessions("c-1", OFFICE).epoch == before.credential.epoch + 1
    credential = attrs.evolve(before.credential, epoch=before.credential.epoch + 1)
    assert portal.account("c-1") == attrs.evolve(before, credential=credential, version=before.version + 1)
    assert last_event(portal) == (AuditKind.SESSIONS_ENDED, "office", None)
    assert signs_in(portal) == "c-1"
