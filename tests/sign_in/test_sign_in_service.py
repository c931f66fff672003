"""The forced change, one's own change, the hook, and upgrades of hashes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from portal import (
    FAMILY,
    GOOD_PASSWORD,
    OFFICE,
    OTHER_PASSWORD,
    Portal,
    PortalStore,
    issued,
    settled,
    ticket_of,
    watched,
)
from portalcreds.accounts import Account, CredentialOrigin
from portalcreds.audit import AuditEvent
from portalcreds.default_passwords.strategies import RandomReadable
from portalcreds.exceptions import (
    ConfigurationError,
    InvalidValueError,
    StoreError,
    StoreUnavailableError,
    TransactionAborted,
)
from portalcreds.hashers import Argon2Hasher, UpgradingHasher
from portalcreds.protocols import Change
from portalcreds.sign_in.outcomes import (
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TryLater,
)
from portalcreds.sign_in.service import SignInService
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from sign_in.writing import MICROSECOND, older_hash, write


def raising(store: PortalStore, error: Exception, name: str, *, phase: str = "before", nth: int = 1) -> PortalStore:
    """Return the store, whose *nth* call of a method raises before or after its work."""
    calls: list[str] = []

    def hook(at: str, called: str, _arguments: tuple[Any, ...]) -> None:
        if (at, called) == (phase, name):
            calls.append(called)
            if len(calls) == nth:
                raise error

    return watched(store, hook)


# -- the forced change


@pytest.mark.parametrize("late", [timedelta(0), MICROSECOND, timedelta(days=3650)])
def test_the_right_default_says_so_when_it_has_expired(portal: Portal, late: timedelta) -> None:
    """From the instant of expiry on the right default gives `DefaultExpired`, a microsecond before it a ticket (R5)."""
    default = issued(portal)
    expires_at = portal.account("c-1").credential.expires_at
    assert expires_at is not None
    portal.clock.now = expires_at - MICROSECOND
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), PasswordChangeRequired)
    before = portal.account("c-1")
    portal.clock.now = expires_at + late
    for _ in range(20):
        assert portal.sign_ins.sign_in("rabbiatici", default) == DefaultExpired()
        assert portal.sign_ins.change_password("rabbiatici", default, GOOD_PASSWORD) == DefaultExpired()
    assert portal.kinds()[-1] == "authn_login_fail default_expired"
    assert portal.account("c-1") == before


def test_a_demanded_change_keeps_the_old_password_from_signing_in(portal: Portal) -> None:
    """After `require_change` the right password gives a ticket and its reason, until another one is chosen (R2)."""
    settled(portal)
    portal.accounts.require_change("c-1", OFFICE, reason="policy")
    tickets = []
    for _ in range(3):
        demanded = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
        assert isinstance(demanded, PasswordChangeRequired)
        assert demanded.reason == "policy"
        assert portal.kinds()[-1] == "authn_token_created policy"
        tickets.append(demanded.ticket)
    ticket = tickets[-1]
    assert portal.account("c-1").last_sign_in_at is None
    refused = portal.sign_ins.complete_change(ticket, GOOD_PASSWORD)
    assert isinstance(refused, PasswordRefused)
    assert [violation.code for violation in refused.violations] == ["same_as_current"]
    changed = portal.sign_ins.complete_change(ticket, OTHER_PASSWORD)
    assert isinstance(changed, PasswordChanged)
    assert changed.account == portal.account("c-1")
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", OTHER_PASSWORD), SignedIn)


def test_the_form_for_ones_own_change_is_no_way_round_the_forced_one(portal: Portal) -> None:
    """Where a change is due, `change_password` says what `sign_in` says and writes no password (R2)."""
    default = issued(portal)
    outcome = portal.sign_ins.change_password("rabbiatici", default, GOOD_PASSWORD)
    assert isinstance(outcome, PasswordChangeRequired)
    assert portal.account("c-1").credential.origin is CredentialOrigin.ISSUED
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()
    assert isinstance(portal.sign_ins.complete_change(outcome.ticket, GOOD_PASSWORD), PasswordChanged)
    portal.accounts.require_change("c-1", OFFICE, reason="policy")
    demanded = portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD)
    assert isinstance(demanded, PasswordChangeRequired)
    assert portal.sign_ins.sign_in("rabbiatici", OTHER_PASSWORD) == SignInDenied()


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda default: default, id="as it is"),
        pytest.param(str.swapcase, id="other case"),
        pytest.param(str.upper, id="capitals"),
        pytest.param(lambda default: default.replace("É", "E\u0301"), id="decomposed"),
        pytest.param(lambda default: default + "2026!!!!!!", id="digits and marks after"),
        pytest.param(lambda default: " ".join(default), id="spaced"),
        pytest.param(lambda default: default * 3, id="three times"),
    ],
)
def test_the_default_cannot_be_chosen_in_any_writing(portal: Portal, written: Callable[[str], str]) -> None:
    """An issued default can never become a long-term password, in whatever form, case and clothing (R19)."""
    contact = attrs.evolve(FAMILY[0], last_name="Évangéliste-Abbiatici")
    portal.accounts.sync_contacts([contact], OFFICE)
    default = issued(portal)
    ticket = ticket_of(portal, password=default)
    outcome = portal.sign_ins.complete_change(ticket, written(default))
    assert isinstance(outcome, PasswordRefused)
    assert "derivable_from_contact" in [violation.code for violation in outcome.violations]
    assert portal.kinds()[-1] == f"authn_password_change_fail {outcome.violations[0].code}"


@pytest.mark.parametrize("form", [str, str.upper, str.swapcase], ids=["as it is", "capitals", "other case"])
def test_a_drawn_default_cannot_be_chosen_either(portal: Portal, form: Callable[[str], str]) -> None:
    """No strategy derives a drawn default again, so it is compared with its hash (R19)."""
    drawing = portal.with_parts(strategy=RandomReadable(length=20))
    plan = drawing.resets.plan(["c-1"], OFFICE, reveal=True)
    (result,) = drawing.resets.start(plan.confirm(OFFICE)).run()
    assert result.secret is not None
    default = result.secret.reveal()
    ticket = ticket_of(portal, password=default)
    outcome = portal.sign_ins.complete_change(ticket, form(default))
    assert isinstance(outcome, PasswordRefused)
    assert [violation.code for violation in outcome.violations] == ["same_as_current"]
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


# -- what a sign-in leaves on the record


@pytest.mark.parametrize(
    ("failures", "kind"),
    [(0, "authn_login_success"), (1, "authn_login_successafterfail"), (2, "authn_login_successafterfail")],
)
def test_the_record_tells_a_success_after_even_one_failure(portal: Portal, failures: int, kind: str) -> None:
    """Whoever reads the record sees that somebody guessed wrong first, even once, and not that where nobody did."""
    settled(portal)
    for _ in range(failures):
        assert portal.sign_ins.sign_in("rabbiatici", "wrong") == SignInDenied()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    assert portal.kinds("c-1")[-1] == kind


# -- one's own change


def test_a_change_needs_the_current_password_and_another_new_one(portal: Portal) -> None:
    """A wrong current one writes nothing, the same one again is refused, a new one replaces it at once (ASVS 6.2.3)."""
    before = settled(portal)
    assert portal.sign_ins.change_password("rabbiatici", "wrong", OTHER_PASSWORD) == SignInDenied()
    refused = portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, GOOD_PASSWORD)
    assert isinstance(refused, PasswordRefused)
    assert [violation.code for violation in refused.violations] == ["same_as_current"]
    assert portal.account("c-1") == before
    portal.clock.move(days=1)
    changed = portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD, source="home")
    assert isinstance(changed, PasswordChanged)
    after = portal.account("c-1")
    assert changed.account == after
    assert after.credential.epoch == before.credential.epoch + 1
    assert after.credential.changed_at == portal.clock()
    assert after.credential.must_change is False
    assert portal.kinds()[-1] == "authn_password_change chosen"
    assert portal.store.events()[-1].source == "home"
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", OTHER_PASSWORD), SignedIn)


def test_a_contact_who_is_signed_in_changes_the_password_by_contact_id(portal: Portal) -> None:
    """The session knows the id: no form asks for the user name again, and an account without one can change too."""
    before = settled(portal)
    sign_ins = portal.sign_ins
    assert sign_ins.change_password(None, "wrong", OTHER_PASSWORD, contact_id="c-1") == SignInDenied()
    assert sign_ins.change_password(None, GOOD_PASSWORD, OTHER_PASSWORD, contact_id="c-2") == SignInDenied()
    assert sign_ins.change_password(None, GOOD_PASSWORD, OTHER_PASSWORD, contact_id="nobody") == SignInDenied()
    assert portal.account("c-1") == before
    changed = sign_ins.change_password(None, GOOD_PASSWORD, OTHER_PASSWORD, contact_id="c-1")
    assert isinstance(changed, PasswordChanged)
    assert isinstance(sign_ins.sign_in("rabbiatici", OTHER_PASSWORD), SignedIn)
    portal.accounts.rename("c-1", OFFICE, username=None)
    again = sign_ins.change_password(None, OTHER_PASSWORD, GOOD_PASSWORD, contact_id="c-1")
    assert isinstance(again, PasswordChanged)


def test_a_change_by_contact_id_shares_the_limit_of_the_user_name(portal: Portal) -> None:
    """R9: a stolen session guesses the password no oftener than the sign-in form does."""
    settled(portal)
    for number in range(10):
        by_name = number % 2 == 0
        name, contact_id = ("rabbiatici", None) if by_name else (None, "c-1")
        portal.sign_ins.change_password(name, "wrong", OTHER_PASSWORD, contact_id=contact_id)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), TryLater)
    later = portal.sign_ins.change_password(None, GOOD_PASSWORD, OTHER_PASSWORD, contact_id="c-1")
    assert isinstance(later, TryLater)
    portal.accounts.rename("c-2", OFFICE, username=None)
    for _ in range(10):
        portal.sign_ins.change_password(None, "wrong", OTHER_PASSWORD, contact_id="c-2")
    nameless = portal.sign_ins.change_password(None, "wrong", OTHER_PASSWORD, contact_id="c-2")
    assert isinstance(nameless, TryLater)
    assert portal.sign_ins.sign_in("", "wrong") == SignInDenied()


def test_a_change_takes_a_user_name_or_a_contact_id(portal: Portal) -> None:
    """R23: both may be two people's and is refused; neither is a form field that is missing, and is denied."""
    settled(portal)
    with pytest.raises(InvalidValueError) as refused:
        portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD, contact_id="c-1")
    assert refused.value.field == "contact_id"
    assert portal.sign_ins.change_password(None, GOOD_PASSWORD, OTHER_PASSWORD) == SignInDenied()


def test_every_violation_is_told_at_once(portal: Portal) -> None:
    """A contact is not sent round the form once for each rule (R19)."""
    settled(portal)
    outcome = portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, "rosa\t")
    assert isinstance(outcome, PasswordRefused)
    assert [violation.code for violation in outcome.violations] == [
        "control_character",
        "too_short",
        "derivable_from_contact",
    ]


# -- the hook


def test_the_hook_is_told_once_of_each_committed_change(portal: Portal) -> None:
    """Only what was committed is told, with the account as it is and the event as it was recorded (ASVS 6.3.7)."""
    told: list[tuple[Account, AuditEvent]] = []
    portal = portal.with_parts(on_change=lambda account, event: told.append((account, event)))
    issued(portal)
    told.clear()
    ticket = ticket_of(portal)
    portal.sign_ins.complete_change(ticket, "short")
    portal.sign_ins.complete_change("c-1.x", GOOD_PASSWORD)
    portal.sign_ins.sign_in("rabbiatici", "wrong")
    assert told == []
    portal.sign_ins.complete_change(ticket, GOOD_PASSWORD)
    assert told == [(portal.account("c-1"), portal.store.events()[-1])]
    portal.sign_ins.complete_change(ticket, OTHER_PASSWORD)
    portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    portal.sign_ins.change_password("rabbiatici", "wrong", OTHER_PASSWORD)
    assert len(told) == 1
    portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD)
    assert told[1:] == [(portal.account("c-1"), portal.store.events()[-1])]


@pytest.mark.parametrize("error", [ValueError("rosa@example.org"), StoreUnavailableError("mail"), RecursionError()])
def test_a_failing_hook_goes_on_record_and_changes_nothing(portal: Portal, error: Exception) -> None:
    """The change is committed already: what the mail server says is noted by its class's name alone (R14)."""

    def fail(_account: Account, _event: AuditEvent) -> None:
        raise error

    settled(portal)
    failing = portal.with_parts(on_change=fail)
    assert isinstance(failing.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD), PasswordChanged)
    assert portal.kinds()[-2:] == ["authn_password_change chosen", f"notification_failed {type(error).__name__}"]
    assert "rosa@example.org" not in "".join(event.line() for event in portal.store.events())
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", OTHER_PASSWORD), SignedIn)


def test_a_hook_that_fails_on_a_record_that_fails_changes_nothing(memory_portal: Portal) -> None:
    """Not even both failures at once take the outcome of a committed change back."""
    settled(memory_portal)

    def fail(_account: Account, _event: AuditEvent) -> None:
        raise ValueError

    failing = attrs.evolve(memory_portal, store=raising(memory_portal.store, StoreUnavailableError("record"), "record"))
    sign_ins = failing.with_parts(on_change=fail).sign_ins
    assert isinstance(sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD), PasswordChanged)


def test_a_transaction_lost_while_noting_a_failing_hook_is_the_hosts_to_run_again(memory_portal: Portal) -> None:
    """In the host's own transaction the change is gone with the note, and must not be reported (R20)."""
    settled(memory_portal)

    def fail(_account: Account, _event: AuditEvent) -> None:
        raise ValueError

    aborting = attrs.evolve(memory_portal, store=raising(memory_portal.store, TransactionAborted("record"), "record"))
    with pytest.raises(TransactionAborted):
        aborting.with_parts(on_change=fail).sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD)


# -- upgrades


@pytest.mark.parametrize("origin", ["imported", "chosen"])
def test_an_older_hash_is_upgraded_once(portal: Portal, origin: str) -> None:
    """The first sign-in writes the hash anew and touches nothing else but the version; the next one does not (R4)."""
    before = write(portal, older_hash(), origin)
    first = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(first, SignedIn)
    after = portal.account("c-1")
    assert first.account == after
    assert after.credential.password_hash != before.credential.password_hash
    untouched = attrs.evolve(after.credential, password_hash=before.credential.password_hash)
    assert untouched == before.credential
    assert after.version == before.version + 2
    assert after.last_sign_in_at == portal.clock()
    assert portal.kinds()[-2:] == ["authn_login_success", "authn_hash_upgrade"]
    again = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(again, SignedIn)
    assert again.account.credential == after.credential
    assert portal.kinds().count("authn_hash_upgrade") == 1


def test_a_wrong_password_upgrades_nothing(portal: Portal) -> None:
    """Only whoever proved to know the password has its hash written anew."""
    before = write(portal, older_hash())
    assert portal.sign_ins.sign_in("rabbiatici", "wrong") == SignInDenied()
    assert portal.account("c-1") == before


def test_an_issued_hash_is_never_upgraded(portal: Portal) -> None:
    """A default of an older, or of the chosen, cost stays what it is: it is worth nothing and soon gone (R4)."""
    issued(portal)
    old = portal.account("c-1")
    new = attrs.evolve(
        old, credential=attrs.evolve(old.credential, password_hash=older_hash("AbbiaticiR")), version=old.version + 1
    )
    portal.store.apply([Change(old=old, new=new)])
    ticket_of(portal)
    portal.clock.move(days=30)
    assert portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR") == DefaultExpired()
    assert portal.account("c-1").credential.password_hash == new.credential.password_hash
    assert "authn_hash_upgrade" not in portal.kinds()


def test_a_hash_whose_change_is_demanded_is_not_upgraded(portal: Portal) -> None:
    """A password that has to go is not worth a better hash, and the demand stays (R4)."""
    write(portal, older_hash())
    portal.accounts.require_change("c-1", OFFICE, reason="policy")
    before = portal.account("c-1").credential
    ticket_of(portal, password=GOOD_PASSWORD)
    assert portal.account("c-1").credential.password_hash == before.password_hash
    assert portal.account("c-1").credential.must_change


@pytest.mark.parametrize("error", [StoreUnavailableError("apply"), StoreError("apply", "disk_full")])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_failing_upgrade_does_not_fail_the_sign_in(portal: Portal, error: StoreError, phase: str) -> None:
    """A full disk must not turn a right password into a denial (R4)."""
    write(portal, older_hash())
    store = raising(portal.store, error, "apply", phase=phase, nth=2)
    outcome = attrs.evolve(portal, store=store).sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(outcome, SignedIn)
    assert outcome.account.last_sign_in_at == portal.clock()
    assert portal.account("c-1").last_sign_in_at == portal.clock()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_a_hasher_that_cannot_write_the_upgrade_does_not_fail_the_sign_in(portal: Portal) -> None:
    """Nor does a shortage of memory between verifying and writing anew (R4)."""
    write(portal, older_hash())

    def fail(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if armed and phase == "before" and name == "hash":
            raise MemoryError

    armed = False
    chosen = watched(Argon2Hasher(CHEAPEST_CHOSEN), fail)
    with UpgradingHasher(chosen=chosen, issued=Argon2Hasher(CHEAPEST_ISSUED)) as hasher:
        armed = True
        outcome = portal.with_parts(sign_in_hasher=hasher).sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(outcome, SignedIn)
    assert "authn_hash_upgrade" not in portal.kinds()


def test_a_lost_transaction_takes_the_upgrade_and_the_sign_in_along(memory_portal: Portal) -> None:
    """In the host's own transaction nothing is left of the sign-in, so it must not be reported (R20)."""
    write(memory_portal, older_hash())
    aborting = attrs.evolve(
        memory_portal, store=raising(memory_portal.store, TransactionAborted("apply"), "apply", nth=2)
    )
    with pytest.raises(TransactionAborted):
        aborting.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)


# -- parts that do not fit


@pytest.mark.parametrize("hasher", [None, Argon2Hasher(CHEAPEST_CHOSEN), "argon2"])
def test_a_hasher_that_cannot_admit_is_found_at_construction(memory_portal: Portal, hasher: Any) -> None:
    """A single scheme's hasher in place of a `CredentialHasher` fails when it is handed in (R23)."""
    with pytest.raises(ConfigurationError, match="UpgradingHasher"):
        SignInService(memory_portal.store, hasher=hasher, throttle=memory_portal.throttle)


def test_a_store_that_is_no_sink_needs_one_beside_it(memory_portal: Portal) -> None:
    """Denials have to go somewhere: without a sink there is no service (R17)."""

    class OnlyAccounts:
        is_of_one_process = True
        find = memory_portal.store.find
        find_many = memory_portal.store.find_many
        find_by_username = memory_portal.store.find_by_username
        apply = memory_portal.store.apply

    store: Any = OnlyAccounts()
    parts: dict[str, Any] = {"hasher": memory_portal.hasher, "throttle": memory_portal.throttle}
    with pytest.raises(ConfigurationError, match="audit"):
        SignInService(store, **parts)
    before = len(memory_portal.store.events())
    SignInService(store, **parts, audit=memory_portal.store).sign_in("nobody", "x")
    assert len(memory_portal.store.events()) == before + 1
