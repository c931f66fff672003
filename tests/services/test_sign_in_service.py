"""Nobody is let in without a right to it, and nobody who is denied learns why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

from portal import (
    FAMILY,
    GOOD_PASSWORD,
    OFFICE,
    OTHER_PASSWORD,
    ROSA,
    USERNAMES,
    Portal,
    PortalStore,
    issued,
    open_portal,
    settled,
    ticket_of,
    watched,
)
from portalcreds.accounts import Account, Credential, CredentialOrigin, PasswordHash
from portalcreds.audit import AuditEvent
from portalcreds.default_passwords import RandomReadable
from portalcreds.exceptions import ConfigurationError, StoreError, StoreUnavailableError, TransactionAborted
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.outcomes import (
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
    Unavailable,
)
from portalcreds.protocols import ApplyResult, Change
from portalcreds.secret import Secret
from portalcreds.sign_in_service import SignInService
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher
from portalcreds.throttle import Limit, ThrottleLimits

MICROSECOND = timedelta(microseconds=1)
ONE = (Limit(10**9, timedelta(days=1)),)
TIGHT = ThrottleLimits(
    default_failures=2, chosen_failures=2, per_username=ONE, per_source=ONE, spray=Limit(4, timedelta(minutes=10))
)
"""A cap of two guesses, and four guesses at live defaults for a spray."""


def write(
    portal: Portal, password_hash: str | PasswordHash, origin: str = "chosen", contact_id: str = "c-1"
) -> Account:
    """Put a hash into an account's row, past every service: an import, or somebody who can write to the database."""
    old = portal.account(contact_id)
    stored = PasswordHash(password_hash) if isinstance(password_hash, str) else password_hash
    credential = Credential(password_hash=stored, origin=origin, epoch=old.credential.epoch + 1)
    new = attrs.evolve(old, credential=credential, version=old.version + 1)
    assert list(portal.store.apply([Change(old=old, new=new)])) == [ApplyResult.APPLIED]
    return new


def stored_hash(portal: Portal, contact_id: str = "c-1") -> str:
    """Return the stored hash's text."""
    stored = portal.account(contact_id).credential.password_hash
    assert stored is not None
    return stored.encoded


def raising(store: PortalStore, error: Exception, name: str, *, phase: str = "before", nth: int = 1) -> PortalStore:
    """Return the store, whose *nth* call of a method raises before or after its work."""
    calls: list[str] = []

    def hook(at: str, called: str, _arguments: tuple[Any, ...]) -> None:
        if (at, called) == (phase, name):
            calls.append(called)
            if len(calls) == nth:
                raise error

    return watched(store, hook)


# -- every denial looks the same

Typed = tuple[Any, Any]
"""A user name and a password as they were typed; Any, for what a form sends may be of any type."""


def guess_wrong(portal: Portal, username: str, times: int) -> None:
    """Guess wrong so often."""
    for _ in range(times):
        portal.sign_ins.sign_in(username, "a wrong password")


def _wrong_for_chosen(portal: Portal) -> Typed:
    settled(portal)
    return "rabbiatici", "not the password"


def _wrong_for_default(portal: Portal) -> Typed:
    issued(portal)
    return "rabbiatici", "abbiaticir"


def _disabled(portal: Portal) -> Typed:
    settled(portal)
    portal.accounts.disable("c-1", OFFICE)
    return "rabbiatici", GOOD_PASSWORD


def _disabled_default(portal: Portal) -> Typed:
    issued(portal)
    portal.accounts.disable("c-1", OFFICE)
    return "rabbiatici", "AbbiaticiR"


def _erased(portal: Portal) -> Typed:
    settled(portal)
    portal.accounts.erase("c-1", OFFICE)
    return "rabbiatici", GOOD_PASSWORD


def _restored(portal: Portal) -> Typed:
    _erased(portal)
    portal.accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES, restore_erased=True)
    return "rabbiatici", GOOD_PASSWORD


def _spent_default(portal: Portal) -> Typed:
    issued(portal)
    guess_wrong(portal, "rabbiatici", 2)
    return "rabbiatici", "AbbiaticiR"


def _spent_chosen(portal: Portal) -> Typed:
    settled(portal)
    guess_wrong(portal, "rabbiatici", 2)
    return "rabbiatici", GOOD_PASSWORD


def _spray(portal: Portal) -> Typed:
    for contact_id, username in (("c-2", "PObrien"), ("c-3", "avdberg")):
        issued(portal, contact_id)
        guess_wrong(portal, username, 2)
    return "rabbiatici", issued(portal)


def _expired_and_wrong(portal: Portal) -> Typed:
    issued(portal)
    portal.clock.move(days=14)
    return "rabbiatici", "wrong"


def _replaced_default(portal: Portal) -> Typed:
    settled(portal)
    return "rabbiatici", "AbbiaticiR"


def _with_hash(encoded: str, password: str = GOOD_PASSWORD) -> Callable[[Portal], Typed]:
    def prepare(portal: Portal) -> Typed:
        write(portal, encoded)
        return "rabbiatici", password

    return prepare


def _passing_the_hash(portal: Portal) -> Typed:
    settled(portal)
    return "rabbiatici", stored_hash(portal)


def _typed(username: Any, password: Any) -> Callable[[Portal], Typed]:
    def prepare(portal: Portal) -> Typed:
        settled(portal)
        return username, password

    return prepare


_SALT_AND_TAG = "MDEyMzQ1Njc4OWFiY2RlZg$dxM42BlXPGcRaznheIro4EsOsM+d+7/i5tdGzz5GT8c"
DENIALS: dict[str, tuple[Callable[[Portal], Typed], str]] = {
    "absent": (_typed("nobody", GOOD_PASSWORD), "no_account"),
    "never issued": (lambda portal: ("rabbiatici", "AbbiaticiR"), "never_issued"),
    "wrong for chosen": (_wrong_for_chosen, "wrong_password"),
    "wrong for default": (_wrong_for_default, "wrong_password"),
    "disabled": (_disabled, "disabled"),
    "disabled default": (_disabled_default, "disabled"),
    "erased": (_erased, "no_account"),
    "restored": (_restored, "never_issued"),
    "spent default": (_spent_default, "spent"),
    "spent chosen": (_spent_chosen, "spent"),
    "spray": (_spray, "spray"),
    "expired and wrong": (_expired_and_wrong, "wrong_password"),
    "replaced default": (_replaced_default, "wrong_password"),
    "pass the hash": (_passing_the_hash, "wrong_password"),
    "corrupt hash": (_with_hash("corrupt"), "hash_unknown"),
    "empty hash": (_with_hash(""), "hash_unknown"),
    "plaintext hash": (_with_hash(GOOD_PASSWORD), "hash_unknown"),
    "legacy hash": (_with_hash("5f4dcc3b5aa765d61d8327deb882cf99", "password"), "hash_unknown"),
    "surrogate in hash": (_with_hash("$argon2id$é"), "hash_refused"),
    "memory bomb": (_with_hash(f"$argon2id$v=19$m=4194304,t=3,p=4${_SALT_AND_TAG}"), "hash_refused"),
    "time bomb": (_with_hash(f"$argon2id$v=19$m=8,t=4294967295,p=1${_SALT_AND_TAG}"), "hash_refused"),
    "lanes bomb": (_with_hash(f"$argon2id$v=19$m=65536,t=1,p=16777215${_SALT_AND_TAG}"), "hash_refused"),
    "password too long": (_typed("rabbiatici", "x" * 1_000_000), "password_too_long"),
    "marks too many": (_typed("rabbiatici", "a" + "\u0301\u0323" * 100_000), "password_too_long"),
    "password empty": (_typed("rabbiatici", ""), "password_empty"),
    "password with control": (_typed("rabbiatici", GOOD_PASSWORD + "\x00"), "password_control_character"),
    "password with surrogate": (_typed("rabbiatici", "\ud800" + GOOD_PASSWORD), "password_surrogate"),
    "password None": (_typed("rabbiatici", None), "password_empty"),
    "password int": (_typed("rabbiatici", 0), "password_empty"),
    "password bytes": (_typed("rabbiatici", GOOD_PASSWORD.encode()), "password_empty"),
    "password list": (_typed("rabbiatici", [GOOD_PASSWORD]), "password_empty"),
    "password object": (_typed("rabbiatici", object()), "password_empty"),
    "name too long": (_typed("rabbiatici" + " " * 1_000_000, GOOD_PASSWORD), "no_account"),
    "name of marks": (_typed("\ufdfa" * 100_000, GOOD_PASSWORD), "no_account"),
    "name empty": (_typed("", GOOD_PASSWORD), "no_account"),
    "name blank": (_typed(" \u3000", GOOD_PASSWORD), "no_account"),
    "name with control": (_typed("rabbiatici\x00", GOOD_PASSWORD), "no_account"),
    "name with surrogate": (_typed("rabbiatici\udc80", GOOD_PASSWORD), "no_account"),
    "name None": (_typed(None, GOOD_PASSWORD), "no_account"),
    "name int": (_typed(1, GOOD_PASSWORD), "no_account"),
    "name bytes": (_typed(b"rabbiatici", GOOD_PASSWORD), "no_account"),
    "name is SQL": (_typed("' OR 1=1 --", GOOD_PASSWORD), "no_account"),
    "name is a pattern": (_typed("rabbiatic_", GOOD_PASSWORD), "no_account"),
    "name is the id": (_typed("c-1", GOOD_PASSWORD), "no_account"),
    "confusable name": (_typed("rabbıatici", GOOD_PASSWORD), "no_account"),
}


@attrs.define
class Expense:
    """What a service did: hashing at each cost, and its calls of the store and the counter in order."""

    chosen: CountingHasher
    issued: CountingHasher
    calls: list[str] = attrs.field(factory=list)

    def reset(self) -> None:
        """Count from 0 again."""
        self.chosen.reset()
        self.issued.reset()
        self.calls.clear()


@pytest.fixture
def expense() -> Expense:
    """Nothing done yet."""
    return Expense(CountingHasher(Argon2Hasher(CHEAPEST_CHOSEN)), CountingHasher(Argon2Hasher(CHEAPEST_ISSUED)))


@pytest.fixture
def measured(portal: Portal, expense: Expense) -> Iterator[Portal]:
    """A portal over each store, of which every hash and every call is counted, and two guesses spend a credential."""

    def note(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if phase == "before":
            expense.calls.append(name)

    portal.store = watched(portal.store, note)
    portal.counter = watched(portal.counter, note)
    with UpgradingHasher(chosen=expense.chosen, issued=expense.issued) as hasher:
        yield portal.with_parts(limits=TIGHT, sign_in_hasher=hasher)


@pytest.mark.parametrize("reason", DENIALS)
def test_every_denial_looks_and_costs_the_same(measured: Portal, expense: Expense, reason: str) -> None:
    """One outcome, one chosen-cost and one issued-cost hash, the same calls of store and counter (R7, D1, D2, D5)."""
    measured.sign_ins.sign_in("somebody else", "guess", source="192.0.2.7")
    absent = list(expense.calls)
    prepare, recorded = DENIALS[reason]
    username, password = prepare(measured)
    for path in ("sign in", "change"):
        expense.reset()
        if path == "sign in":
            outcome: object = measured.sign_ins.sign_in(username, password, source="192.0.2.7")
        else:
            outcome = measured.sign_ins.change_password(username, password, OTHER_PASSWORD, source="192.0.2.7")
        assert repr(outcome) == "SignInDenied()"
        assert outcome == SignInDenied()
        assert (expense.chosen.work, expense.issued.work) == (1, 1)
        assert (expense.chosen.hashes, expense.issued.hashes) == (0, 0)
        assert expense.calls == absent
        # The second wrong guess may be the one that spends the credential: then it was the cap that was looked at.
        (failed, *_) = [kind for kind in measured.kinds()[-3:] if kind.startswith("authn_login_fail")][-1:]
        assert failed == f"authn_login_fail {recorded}"
        assert measured.store.events()[-1].source == "192.0.2.7"


def test_a_hash_of_other_parameters_is_denied_like_any_other(measured: Portal, expense: Expense) -> None:
    """A slow hash cannot cost the same, but it hides nothing behind less than what everybody costs (R7)."""
    other = attrs.evolve(CHEAPEST_CHOSEN, memory_kib=32)
    write(measured, Argon2Hasher(other).hash(Secret(GOOD_PASSWORD)), "imported")
    expense.reset()
    assert repr(measured.sign_ins.sign_in("rabbiatici", "wrong")) == "SignInDenied()"
    assert expense.chosen.work >= 1
    assert expense.issued.work == 1


def test_a_success_costs_one_hash(measured: Portal, expense: Expense) -> None:
    """Only denials are made equal: a right password stops early (R7)."""
    settled(measured)
    expense.reset()
    assert isinstance(measured.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    assert (expense.chosen.work, expense.issued.work) == (1, 0)
    issued(measured)
    expense.reset()
    assert isinstance(measured.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)
    assert (expense.chosen.work, expense.issued.work) == (0, 1)


@pytest.mark.parametrize("typed", ["nobody", "my secret password", "a\x00b", ""])
def test_nothing_typed_for_an_absent_user_name_is_on_the_record(portal: Portal, typed: str) -> None:
    """People type passwords into the field above: the record says that somebody failed, and no more (R7, R17)."""
    before = len(portal.store.events())
    portal.sign_ins.sign_in(typed, "guess", source="192.0.2.7")
    (event,) = portal.store.events()[before:]
    assert event == AuditEvent(
        kind="authn_login_fail",
        at=portal.clock(),
        reason="no_account",
        source="192.0.2.7",
        event_id=event.event_id,
    )


def test_a_store_that_folds_more_than_we_do_finds_nobody(portal: Portal) -> None:
    """What a collation matched is compared again here, and denied like an absent name (R18, G2)."""
    settled(portal)
    rosa = portal.account("c-1")

    class Folding:
        def __getattr__(self, name: str) -> Any:
            return getattr(portal.store, name)

        def find_by_username(self, username_key: str, /) -> Account | None:
            return rosa if username_key == "rabbiaticí" else portal.store.find_by_username(username_key)

    store: Any = Folding()
    folding = attrs.evolve(portal, store=store)
    assert folding.sign_ins.sign_in("rabbiaticí", GOOD_PASSWORD) == SignInDenied()
    assert portal.kinds()[-1] == "authn_login_fail no_account"
    assert isinstance(folding.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


@pytest.mark.parametrize("typed", ["rabbiatici", "RABBIATICI", "  Rabbiatici ", "ｒａｂｂｉａｔｉｃｉ"])
def test_a_user_name_is_matched_by_its_key(portal: Portal, typed: str) -> None:
    """Case, width and outer blanks of a user name make no difference (R18)."""
    settled(portal)
    assert isinstance(portal.sign_ins.sign_in(typed, GOOD_PASSWORD), SignedIn)


@pytest.mark.parametrize("secret", [False, True])
def test_a_password_is_verified_whole_and_as_typed(portal: Portal, secret: bool) -> None:
    """No case, blank or character of a password is overlooked; only its normal form is (R18, ASVS 6.2.8)."""
    chosen = "  Ünder the Ångström bridge " + "x" * 200
    settled(portal, password=chosen)
    wrong = [chosen[:i] + chosen[i].swapcase() + chosen[i + 1 :] for i in range(len(chosen)) if chosen[i].isalpha()]
    for guess in (*wrong[:6], *wrong[-3:], chosen.strip(), chosen[:-1], chosen + " ", chosen + "x"):
        portal.accounts.unlock("c-1", OFFICE)
        assert portal.sign_ins.sign_in("rabbiatici", Secret(guess) if secret else guess) == SignInDenied()
    portal.accounts.unlock("c-1", OFFICE)
    for same in (chosen, chosen.replace("Å", "A\u030a"), chosen.replace(" ", "\u00a0")):
        outcome = portal.sign_ins.sign_in("rabbiatici", Secret(same) if secret else same)
        assert isinstance(outcome, SignedIn)


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
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    tickets = []
    for _ in range(3):
        demanded = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
        assert isinstance(demanded, PasswordChangeRequired)
        assert demanded.reason == "compromised"
        assert portal.kinds()[-1] == "authn_token_created compromised"
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
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")
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
    """An issued default can never become a long-term password, in whatever form, case and clothing (R19, E4)."""
    contact = attrs.evolve(FAMILY[0], last_name="Évangéliste-Abbiatici")
    portal.accounts.sync_contacts([contact], OFFICE)
    default = issued(portal)
    ticket = ticket_of(portal, password=default)
    outcome = portal.sign_ins.complete_change(ticket, written(default))
    assert isinstance(outcome, PasswordRefused)
    assert "derivable_from_contact" in [violation.code for violation in outcome.violations]
    assert portal.kinds()[-1].startswith("authn_password_change_fail ")


@pytest.mark.parametrize("form", [str, str.upper, str.swapcase], ids=["as it is", "capitals", "other case"])
def test_a_drawn_default_cannot_be_chosen_either(portal: Portal, form: Callable[[str], str]) -> None:
    """No strategy derives a drawn default again, so it is compared with its hash (R19, E4)."""
    drawing = portal.with_parts(strategy=RandomReadable(length=20))
    plan = drawing.resets.plan(["c-1"], OFFICE, reveal=True)
    (result,) = drawing.resets.apply(plan.confirm(OFFICE)).run()
    assert result.secret is not None
    default = result.secret.reveal()
    ticket = ticket_of(portal, password=default)
    outcome = portal.sign_ins.complete_change(ticket, form(default))
    assert isinstance(outcome, PasswordRefused)
    assert [violation.code for violation in outcome.violations] == ["same_as_current"]
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


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


def older_hash(password: str = GOOD_PASSWORD) -> PasswordHash:
    """Return a hash of the parameters of some years ago."""
    return Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, memory_kib=24)).hash(Secret(password))


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
    """Only whoever proved to know the password has its hash written anew (A10)."""
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
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    before = portal.account("c-1").credential
    ticket_of(portal, password=GOOD_PASSWORD)
    assert portal.account("c-1").credential.password_hash == before.password_hash
    assert portal.account("c-1").credential.must_change


@pytest.mark.parametrize("error", [StoreUnavailableError("apply"), StoreError("apply", "disk_full")])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_failing_upgrade_does_not_fail_the_sign_in(portal: Portal, error: StoreError, phase: str) -> None:
    """A full disk must not turn a right password into a denial (R4, F9)."""
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
        find = memory_portal.store.find
        find_by_username = memory_portal.store.find_by_username
        apply = memory_portal.store.apply

    store: Any = OnlyAccounts()
    parts: dict[str, Any] = {"hasher": memory_portal.hasher, "throttle": memory_portal.throttle}
    with pytest.raises(ConfigurationError, match="audit"):
        SignInService(store, **parts)
    before = len(memory_portal.store.events())
    SignInService(store, **parts, audit=memory_portal.store).sign_in("nobody", "x")
    assert len(memory_portal.store.events()) == before + 1


# -- no path at all


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
                default_failures=CAP, chosen_failures=CAP, per_username=high, per_source=high, spray=high[0]
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
            assert result.outcome == "skipped"

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
        """Demand a change."""
        self.portal.accounts.require_change("c-1", OFFICE, reason=reason)
        self.known.start_epoch(reason=reason)

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
        assert isinstance(self.outcome, PasswordChangeRequired)
        assert self.outcome.reason == (known.reason or "issued")
        known.ticket = self.outcome.ticket.reveal()
        known.ticket_ends = self.portal.clock() + timedelta(minutes=10)
        self.tickets.append(known.ticket)
        return PasswordChangeRequired

    def guesses(self) -> list[str]:
        """Return what may be typed: everything there ever was, and the right one."""
        right = self.known.password or "never issued"
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
    @precondition(lambda self: self.known.password is not None)
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
    """In whatever order, `SignedIn` comes of an active account's own password and of nothing else (R2, R5, R6, E1)."""
    run_state_machine_as_test(SignInMachine, settings=settings(max_examples=25, stateful_step_count=40))


@pytest.mark.whole
def test_no_path_at_all_signs_in_while_a_change_is_required() -> None:
    """The same over 2,000 stories of 50 steps (E1, I2)."""
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
    with HashingPool(queue_limit=1, workers=1) as pool:
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
    """R19, E4: what the policy cannot know, because it was drawn, the hash tells."""
    drawing = portal.with_parts(strategy=RandomReadable())
    secret = drawing.resets.reset_password("c-1", OFFICE, reveal=True).secret
    assert secret is not None
    ticket = ticket_of(portal, password=secret.reveal())
    for kept in (around.format(secret.reveal()), around.format(secret.reveal().upper())):
        outcome = portal.sign_ins.complete_change(ticket, kept)
        assert isinstance(outcome, PasswordRefused)
        assert [violation.code for violation in outcome.violations] == ["same_as_current"]


def test_a_ticket_ends_with_the_default_that_opened_it(portal: Portal) -> None:
    """R5, E3: from the instant of its expiry a default allows nothing more, also what it had begun."""
    issued(portal)
    portal.clock.move(days=14, seconds=-1)
    ticket = ticket_of(portal)
    portal.clock.move(seconds=1)
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()
    assert portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR") == DefaultExpired()


def test_a_hook_finds_the_place_in_the_queue_given_back(portal: Portal) -> None:
    """R7: a host's slow mail server keeps nobody else from hashing."""
    free: list[bool] = []
    with HashingPool(queue_limit=1, workers=1) as pool:
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
