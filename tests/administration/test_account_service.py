"""Disabling, enabling, renaming, erasing and unlocking accounts: who may, and what is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from administration.steps import PARENT, ROSA_ID, STEPS, WRITING, Step, ids, last_event, of
from portal import GOOD_PASSWORD, OFFICE, Portal, issued, settled, ticket_of
from portalcreds.accounts import AccountStatus, CredentialOrigin
from portalcreds.administration import AccountChange, Renamed, UsernameTaken
from portalcreds.administration.service import AccountService
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact
from portalcreds.exceptions import (
    AccountNotFoundError,
    InvalidValueError,
    PrivilegeDeniedError,
    StoreUnavailableError,
    WrongStateError,
)
from portalcreds.privileges import Grants, Privilege
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn, SignInDenied, TicketInvalid
from portalcreds.throttle import Throttle

# -- who may


@pytest.mark.parametrize("privilege", STEPS)
def test_each_step_takes_its_own_privilege(portal: Portal, privilege: Privilege) -> None:
    """R16: all other privileges together do not allow it; refused, on the record, with nothing written."""
    settled(portal)
    others = Grants(privileges={"office": [other for other in Privilege if other is not privilege]})
    before = portal.account("c-1")

    with pytest.raises(PrivilegeDeniedError) as caught:
        STEPS[privilege](portal.with_parts(authorizer=others).accounts, OFFICE)

    assert (caught.value.privilege, caught.value.contact_ids) == (privilege, ("c-1",))
    assert portal.account("c-1") == before
    assert last_event(portal) == (AuditKind.PRIVILEGE_DENIED, "office", privilege.value)

    alone = Grants(privileges={"office": [privilege]})
    assert STEPS[privilege](portal.with_parts(authorizer=alone).accounts, OFFICE) is not None


def test_enabling_takes_the_privilege_of_disabling(portal: Portal) -> None:
    """R16: whoever locks out lets in again."""
    portal.accounts.disable("c-1", OFFICE)
    others = Grants(privileges={"office": [other for other in Privilege if other is not Privilege.DISABLE]})
    with pytest.raises(PrivilegeDeniedError):
        portal.with_parts(authorizer=others).accounts.enable("c-1", OFFICE)
    alone = Grants(privileges={"office": [Privilege.DISABLE]})
    assert portal.with_parts(authorizer=alone).accounts.enable("c-1", OFFICE).status is AccountStatus.NEVER_ISSUED


@pytest.mark.parametrize("privilege", STEPS)
def test_nobody_does_it_to_their_own_account(portal: Portal, privilege: Privilege) -> None:
    """R16: refused by default, whatever is held; allowed where the host said so."""
    settled(portal)
    with pytest.raises(PrivilegeDeniedError):
        STEPS[privilege](portal.accounts, PARENT)
    assert STEPS[privilege](of(portal, allow_own_account=True), PARENT) is not None


@pytest.mark.parametrize(
    "step",
    [
        lambda service: service.disable("c-9", OFFICE),
        lambda service: service.enable("c-9", OFFICE),
        lambda service: service.erase("c-9", OFFICE),
        lambda service: service.unlock("c-9", OFFICE),
        lambda service: service.rename("c-9", OFFICE, username="x"),
        lambda service: service.require_change("c-9", OFFICE, reason="x"),
    ],
    ids=["disable", "enable", "erase", "unlock", "rename", "require_change"],
)
def test_a_contact_without_account_is_an_error(portal: Portal, step: Callable[[AccountService], object]) -> None:
    """R23: there is nothing to be done to; nothing is on the record."""
    before = portal.store.events()
    with pytest.raises(AccountNotFoundError):
        step(portal.accounts)
    assert portal.store.events() == before


# -- disable and enable


def test_a_disabled_account_lets_nobody_in(portal: Portal) -> None:
    """R6, R7: from that instant the password, and an open ticket, are worth nothing, and sessions end by the epoch."""
    default = issued(portal)
    ticket = ticket_of(portal, "rabbiatici", default)
    epoch = portal.account("c-1").credential.epoch

    account = portal.accounts.disable("c-1", OFFICE)

    assert account == portal.summary("c-1")
    assert account.status is AccountStatus.DISABLED
    assert account.epoch == epoch + 1
    assert last_event(portal) == (AuditKind.ACCOUNT_DISABLED, "office", None)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), TicketInvalid)


def test_an_enabled_account_has_the_credential_it_had(portal: Portal) -> None:
    """Enabling gives back what was there, and neither the sessions nor another password."""
    settled(portal)
    portal.accounts.disable("c-1", OFFICE)
    disabled = portal.account("c-1")

    enabled = portal.accounts.enable("c-1", OFFICE)

    assert enabled == portal.summary("c-1")
    assert portal.account("c-1") == attrs.evolve(disabled, is_active=True, version=disabled.version + 1)
    assert last_event(portal) == (AuditKind.ACCOUNT_ENABLED, "office", None)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_disabling_does_not_lift_a_forced_change(portal: Portal) -> None:
    """R2: what had to be changed before still has to be."""
    default = issued(portal)
    portal.accounts.disable("c-1", OFFICE)
    portal.accounts.enable("c-1", OFFICE)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), PasswordChangeRequired)


@pytest.mark.parametrize(
    ("prepare", "step"),
    [
        ("disable", WRITING["disable"]),
        (None, WRITING["enable"]),
        ("erase", WRITING["erase"]),
        ("erase", WRITING["disable"]),
        ("rename", WRITING["rename"]),
        (None, lambda service, operator: service.rename("c-1", operator, username="rabbiatici")),
    ],
    ids=["disable", "enable", "erase", "disable erased", "rename", "same name"],
)
def test_what_is_so_already_is_not_written_again(portal: Portal, prepare: str | None, step: Step) -> None:
    """R17: a second click moves no version, ends no session and adds no line."""
    settled(portal)
    if prepare is not None:
        WRITING[prepare](portal.accounts, OFFICE)
    before = portal.account("c-1"), portal.store.events()

    told = step(portal.accounts, OFFICE)

    assert (portal.account("c-1"), portal.store.events()) == before
    assert (told.account if isinstance(told, Renamed) else told) == portal.summary("c-1")


# -- require a change


def test_a_demanded_change_holds_whoever_signs_in(portal: Portal) -> None:
    """R2, R6: the right password opens the one door, the reason reaches the form, and sessions end."""
    before = settled(portal)

    account = portal.accounts.require_change("c-1", OFFICE, reason="policy")

    assert account.epoch == before.credential.epoch + 1
    assert last_event(portal) == (AuditKind.CHANGE_REQUIRED, "office", "policy")
    outcome = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(outcome, PasswordChangeRequired)
    assert outcome.reason == "policy"


def test_a_change_can_be_demanded_anew(portal: Portal) -> None:
    """R6: another demand ends what began since the first; the later reason counts."""
    settled(portal)
    first = portal.accounts.require_change("c-1", OFFICE, reason="policy")
    second = portal.accounts.require_change("c-1", OFFICE, reason="again")
    assert second.epoch == first.epoch + 1
    assert portal.account("c-1").credential.change_required_by == "again"


@pytest.mark.parametrize("reason", [None, "", " ", "two\nlines", "é", "x" * 65, 7])
def test_a_demand_needs_a_reason_and_never_loses_one(portal: Portal, reason: Any) -> None:
    """R2: what is no code is refused; above all, a missing form field does not take a demand away."""
    settled(portal)
    portal.accounts.require_change("c-1", OFFICE, reason="policy")
    demanded = portal.account("c-1")

    with pytest.raises(InvalidValueError) as caught:
        portal.accounts.require_change("c-1", OFFICE, reason=reason)

    assert caught.value.field in ("reason", "change_required_by")
    assert portal.account("c-1") == demanded


def test_without_a_password_there_is_none_to_change(portal: Portal) -> None:
    """R23: never issued, and erased, are states in which the step does not exist."""
    with pytest.raises(WrongStateError):
        portal.accounts.require_change("c-1", OFFICE, reason="policy")
    portal.accounts.erase("c-1", OFFICE)
    with pytest.raises(WrongStateError):
        portal.accounts.require_change("c-1", OFFICE, reason="policy")


# -- rename


def test_a_new_user_name_is_what_signs_in(portal: Portal) -> None:
    """Password, epoch and forced change stay; the old user name is free for somebody else."""
    before = settled(portal)

    renamed = portal.accounts.rename("c-1", OFFICE, username="Rosa.A")

    assert renamed == Renamed(account=portal.summary("c-1"))
    assert portal.account("c-1") == attrs.evolve(before, username="Rosa.A", version=before.version + 1)
    assert last_event(portal) == (AuditKind.ACCOUNT_RENAMED, "office", None)
    assert isinstance(portal.sign_ins.sign_in("rosa.a", GOOD_PASSWORD), SignedIn)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignInDenied)
    assert isinstance(portal.accounts.rename("c-2", OFFICE, username="rabbiatici"), Renamed)


def test_a_user_name_may_change_in_case_only(portal: Portal) -> None:
    """R18: an account's own key is not taken by itself."""
    assert isinstance(portal.accounts.rename("c-1", OFFICE, username="RAbbiatici"), Renamed)
    assert portal.account("c-1").username == "RAbbiatici"


@pytest.mark.parametrize("username", ["PObrien", "pobrien", " ｐobrien "])
def test_a_taken_user_name_is_a_value(portal: Portal, username: str) -> None:
    """R17, R18, R23: matched by its key; nothing is written, and who asked is on the record, without the name."""
    before = portal.account("c-1")
    assert portal.accounts.rename("c-1", OFFICE, username=username) == UsernameTaken()
    assert portal.account("c-1") == before
    assert last_event(portal) == (AuditKind.RENAME_REFUSED, "office", "username_taken")


def test_a_user_name_can_be_taken_away(portal: Portal) -> None:
    """An account without a user name is kept, and nobody signs in with nothing."""
    settled(portal)
    assert portal.accounts.rename("c-1", OFFICE, username=None) == Renamed(account=portal.summary("c-1"))
    for username in ("", " ", "None", "rabbiatici"):
        assert isinstance(portal.sign_ins.sign_in(username, GOOD_PASSWORD), SignInDenied)


@pytest.mark.parametrize("username", ["", " ", "a\tb", "nul\0", "x" * 256, 7])
def test_a_user_name_that_cannot_be_one_is_refused(portal: Portal, username: Any) -> None:
    """R17, R18, R23: the error names the field and the hint, and not what was typed; the refusal is on the record."""
    before = portal.account("c-1")
    with pytest.raises(InvalidValueError) as caught:
        portal.accounts.rename("c-1", OFFICE, username=username)
    assert caught.value.field == "username"
    assert portal.account("c-1") == before
    refused = (AuditKind.RENAME_REFUSED, "office", "username_invalid")
    # A number is a mistake of a program's, and of nobody at a form.
    assert (last_event(portal) == refused) is isinstance(username, str)


# -- erase


def test_an_erased_account_holds_no_personal_data(portal: Portal, tmp_path: Path) -> None:
    """R14: no name, address, user name or hash is left, in the row, in what searches it, or on the record."""
    before = settled(portal)
    assert before.credential.password_hash is not None
    portal.accounts.rename("c-1", OFFICE, username="rosa.abbia")
    moved = Contact(contact_id=ROSA_ID, first_name="Rosanna", last_name="Abbiati", email="rosanna@example.org")
    portal.accounts.sync_contacts([moved], OFFICE)
    portal.clock.move(hours=1)

    assert portal.accounts.erase("c-1", OFFICE) == portal.summary("c-1")

    erased = portal.account("c-1")
    assert erased.contact == Contact(contact_id=ROSA_ID)
    assert (erased.username, erased.last_sign_in_at, erased.is_active) == (None, None, False)
    assert erased.erased_at == portal.clock()
    assert erased.credential.origin is CredentialOrigin.NONE
    assert erased.credential.epoch == before.credential.epoch + 1
    assert last_event(portal) == (AuditKind.ACCOUNT_ERASED, "office", None)
    assert portal.store.find_by_username("rosa.abbia") is None
    assert ids(portal.accounts.search(OFFICE, words="abb")) == []

    told = "\n".join(event.line() for event in portal.store.events())
    if (tmp_path / "portal.db").exists():
        with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
            told += "\n".join(connection.iterdump())
    for text in ("Rosa", "Abbia", "rosa", "abbia", before.credential.password_hash.encoded):
        assert text not in told
    # The record of what was done stays.
    assert "authn_password_issue last-name-first-initial" in portal.kinds("c-1")


def test_the_erased_can_be_neither_enabled_nor_renamed(portal: Portal) -> None:
    """No step brings personal data back by the side door; a sync does, if it is told to."""
    portal.accounts.erase("c-1", OFFICE)
    erased = portal.account("c-1")
    with pytest.raises(WrongStateError):
        portal.accounts.enable("c-1", OFFICE)
    with pytest.raises(WrongStateError):
        portal.accounts.rename("c-1", OFFICE, username="rabbiatici")
    assert portal.account("c-1") == erased
    assert last_event(portal) == (AuditKind.RENAME_REFUSED, "office", "erased")


# -- unlock


def test_an_unlocked_account_lets_its_owner_in(portal: Portal) -> None:
    """R9: the failures are forgotten, the credential stays, and so does the version."""
    default = issued(portal)
    for _ in range(10):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    portal.clock.move(hours=2)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)
    before = portal.account("c-1")

    assert portal.accounts.unlock("c-1", OFFICE) == portal.summary("c-1")

    assert portal.account("c-1") == before
    assert last_event(portal) == (AuditKind.CREDENTIAL_UNLOCKED, "office", None)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), PasswordChangeRequired)


def test_an_unlocking_that_cannot_be_recorded_does_not_happen(portal: Portal) -> None:
    """R17: on the record first."""
    default = issued(portal)
    for _ in range(10):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    portal.clock.move(hours=2)

    class Full:
        def record(self, events: Sequence[AuditEvent], /) -> None:
            raise StoreUnavailableError("record", "disk_full")

    with pytest.raises(StoreUnavailableError):
        of(portal, audit=Full()).unlock("c-1", OFFICE)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)


def test_an_unlocking_that_failed_is_on_the_record_as_begun_only(portal: Portal) -> None:
    """R17: the record says that an account was unlocked if -- and only if -- it was."""

    class Broken:
        def __getattr__(self, name: str) -> Any:
            return getattr(portal.counter, name)

        def clear(self, key: str, /) -> None:
            raise StoreUnavailableError("clear", "unreachable")

    throttle = Throttle(Broken(), clock=portal.clock)
    with pytest.raises(StoreUnavailableError):
        of(portal, throttle=throttle).unlock("c-1", OFFICE)
    assert last_event(portal) == (AuditKind.UNLOCKING_BEGUN, "office", None)
    assert AuditKind.CREDENTIAL_UNLOCKED not in portal.kinds("c-1")

    made = portal.accounts.plan_change([ROSA_ID], OFFICE, change=AccountChange.UNLOCK)
    report = of(portal, throttle=throttle).apply_change(made.confirm(OFFICE))
    assert [(row.outcome, row.reason) for row in report] == [("failed", "store_unavailable")]
    assert AuditKind.CREDENTIAL_UNLOCKED not in portal.kinds("c-1")

    portal.accounts.unlock("c-1", OFFICE)
    assert portal.kinds("c-1")[-2:] == ["authn_login_unlock.begun", "authn_login_unlock"]


def test_an_account_without_a_user_name_can_be_unlocked(portal: Portal) -> None:
    """R9: there is no user name's count to forget then."""
    portal.accounts.rename("c-1", OFFICE, username=None)
    assert portal.accounts.unlock("c-1", OFFICE) == portal.summary("c-1")
