"""What an account's credential may become, and what it says at an instant (R1-R6)."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds._text import MAX_CODE_LENGTH, is_code
from portalcreds.accounts import (
    INVITATION,
    Account,
    AccountStatus,
    Credential,
    CredentialOrigin,
    PasswordHash,
)
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import InvalidValueError, WrongStateError
from portalcreds.protocols import Change
from strategies import NOW, accounts, credentials, instants

NONE, ISSUED, CHOSEN, IMPORTED = CredentialOrigin
OLD_HASH = PasswordHash("$old$canary")
NEW_HASH = PasswordHash("$new$canary")
LATER = NOW + timedelta(days=14)
US = timedelta(microseconds=1)
CONTACT = Contact(contact_id=ContactId("c-1"), first_name="Rosa", last_name="Abbiatici")

Step = Callable[[Account], Account]


def credential(origin: CredentialOrigin, **changes: Any) -> Credential:
    """Return a credential of this origin, in epoch 7, changed as said."""
    parts: dict[str, Any] = {"origin": origin, "epoch": 7}
    if origin is not NONE:
        parts["password_hash"] = OLD_HASH
    if origin is ISSUED:
        parts |= {
            "strategy": "last-name-first-initial",
            "issue_id": "job-0",
            "issued_by": "clerk",
            "issued_at": NOW - timedelta(days=1),
            "expires_at": LATER,
        }
    return Credential(**parts | changes)


def account(origin: CredentialOrigin, *, is_active: bool = True, **changes: Any) -> Account:
    """Return an account at version 3 whose credential is of this origin."""
    return Account(
        contact=CONTACT, username="rosa", credential=credential(origin, **changes), is_active=is_active, version=3
    )


def issue(before: Account) -> Account:
    """Issue a default."""
    return before.issue(
        NEW_HASH, strategy="random", issue_id="job-1", issued_by="clerk", issued_at=NOW, expires_at=LATER
    )


def import_hash(before: Account) -> Account:
    """Import a hash whose owner must choose a new password."""
    return before.import_hash(
        NEW_HASH, import_id="import-1", imported_by="clerk", imported_at=NOW, change_required_by="moved"
    )


STEPS: dict[str, Step] = {
    "issue": issue,
    "import_hash": import_hash,
    "choose": lambda before: before.choose(NEW_HASH, changed_at=NOW),
    "require_change": lambda before: before.require_change("compromised"),
    "disable": lambda before: before.disable(),
    "erase": lambda before: before.erase(erased_at=NOW),
    "upgrade": lambda before: before.upgrade(NEW_HASH),
    "open_ticket": lambda before: before.open_ticket("cd" * 32, expires_at=NOW),
    "sign_in": lambda before: before.sign_in(at=NOW),
    "enable": lambda before: before.enable(),
    "rename": lambda before: before.rename("rosa.a"),
    "refresh": lambda before: before.refresh(attrs.evolve(CONTACT, last_name="Other"), username="rosa.other", at=NOW),
}

EPOCH_GROWS = {"issue", "import_hash", "choose", "require_change", "disable", "erase"}

# What each step refuses, apart from what only erased accounts refuse: (origin, active) by step.
REFUSED: dict[str, set[tuple[CredentialOrigin, bool]]] = {
    "issue": {(origin, False) for origin in CredentialOrigin},
    "import_hash": {(origin, False) for origin in CredentialOrigin},
    "choose": {(origin, False) for origin in CredentialOrigin} | {(NONE, True)},
    "require_change": {(NONE, True), (NONE, False)},
    "upgrade": {(origin, active) for origin in (NONE, ISSUED) for active in (True, False)},
    "open_ticket": {(origin, active) for origin in (NONE, CHOSEN, IMPORTED) for active in (True, False)},
    "sign_in": {(origin, False) for origin in CredentialOrigin} | {(NONE, True), (ISSUED, True)},
}


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("origin", CredentialOrigin)
@pytest.mark.parametrize("name", STEPS)
def test_each_step_is_taken_or_refused_as_the_table_says(name: str, origin: CredentialOrigin, is_active: bool) -> None:
    """Every step from every state: refused, or the next version in the epoch the table says (R3, R5, R6)."""
    before = account(origin, is_active=is_active)
    if (origin, is_active) in REFUSED.get(name, set()):
        with pytest.raises((WrongStateError, InvalidValueError)) as caught:
            STEPS[name](before)
        assert "canary" not in f"{caught.value!s}{caught.value!r}"
        return
    after = STEPS[name](before)
    assert after.version == before.version + 1
    assert after.credential.epoch == before.credential.epoch + (name in EPOCH_GROWS)
    assert after.contact_id == before.contact_id


@given(accounts(), st.sampled_from(sorted(STEPS)))
def test_every_step_of_any_account_makes_the_next_version(before: Account, name: str) -> None:
    """Whatever the state, a step adds one to the version, never lowers the epoch, and leaves the old value be."""
    copy = attrs.evolve(before)
    try:
        after = STEPS[name](before)
    except (WrongStateError, InvalidValueError):
        return
    finally:
        assert before == copy
    assert after.version == before.version + 1
    assert after.credential.epoch - before.credential.epoch == (name in EPOCH_GROWS)
    # A session, a ticket and a plan item are bound to the epoch, so that none outlives it.
    if name in EPOCH_GROWS:
        assert after.credential.ticket_digest is None
        assert after.credential.ticket_expires_at is None


# -- issuing and the forced change


@given(accounts())
def test_issuing_always_forces_a_change(before: Account) -> None:
    """From every active state the hash and the forced change come together, with who, when and until (R1, R5)."""
    after = issue(attrs.evolve(before, is_active=True))
    issued = after.credential
    assert issued.must_change
    assert issued.origin is ISSUED
    assert issued.password_hash == NEW_HASH
    assert (issued.strategy, issued.issue_id, issued.issued_by) == ("random", "job-1", "clerk")
    assert (issued.issued_at, issued.expires_at) == (NOW, LATER)
    assert issued.change_required_by is None
    assert issued.changed_at == before.credential.changed_at
    assert after.username == before.username


@given(accounts())
def test_importing_leaves_nothing_of_the_password_before(before: Account) -> None:
    """From every active state: the hash, who imported it and when, and the change if it is demanded (R6)."""
    after = import_hash(attrs.evolve(before, is_active=True))
    assert after.credential == Credential(
        password_hash=NEW_HASH,
        origin=IMPORTED,
        change_required_by="moved",
        issue_id="import-1",
        issued_by="clerk",
        issued_at=NOW,
        changed_at=before.credential.changed_at,
        epoch=before.credential.epoch + 1,
    )
    assert after.username == before.username
    free = before.enable().import_hash(NEW_HASH, import_id="i", imported_by="clerk", imported_at=NOW)
    assert not free.credential.must_change


@pytest.mark.parametrize("origin", CredentialOrigin)
def test_issuing_never_lifts_a_disablement(origin: CredentialOrigin) -> None:
    """A disabled account gets no default, whatever it had (R5)."""
    with pytest.raises(WrongStateError) as caught:
        issue(account(origin, is_active=False))
    assert (caught.value.contact_id, caught.value.step) == ("c-1", "issue")


@pytest.mark.parametrize(
    ("origin", "changes", "field"),
    [
        (ISSUED, {"expires_at": None}, "expires_at"),
        (ISSUED, {"strategy": None}, "expires_at"),
        (ISSUED, {"issue_id": None}, "issue_id"),
        (ISSUED, {"issued_by": None}, "issue_id"),
        (ISSUED, {"issued_at": None}, "issue_id"),
        (ISSUED, {"password_hash": None}, "password_hash"),
        (CHOSEN, {"password_hash": None}, "password_hash"),
        (IMPORTED, {"password_hash": None}, "password_hash"),
        (NONE, {"password_hash": OLD_HASH}, "password_hash"),
        (NONE, {"change_required_by": "compromised"}, "change_required_by"),
        (NONE, {"expires_at": LATER}, "expires_at"),
        (CHOSEN, {"expires_at": LATER}, "expires_at"),
        (IMPORTED, {"strategy": "random"}, "expires_at"),
        (ISSUED, {"ticket_digest": "ab"}, "ticket_expires_at"),
        (ISSUED, {"ticket_expires_at": LATER}, "ticket_expires_at"),
        (CHOSEN, {"ticket_digest": "ab", "ticket_expires_at": LATER}, "ticket_digest"),
        (NONE, {"ticket_digest": "ab", "ticket_expires_at": LATER}, "ticket_digest"),
    ],
)
def test_a_state_that_must_not_be_cannot_be_constructed(
    origin: CredentialOrigin, changes: dict[str, Any], field: str
) -> None:
    """No row can say what the services never mean, whoever wrote it (R1)."""
    with pytest.raises(InvalidValueError) as caught:
        credential(origin, **changes)
    assert caught.value.field == field
    assert "canary" not in f"{caught.value!s}{caught.value!r}"


def test_there_is_no_way_to_say_issued_and_no_change_needed() -> None:
    """The forced change is derived: there is no argument, no attribute and no step that takes it off (R1)."""
    assert "must_change" not in attrs.fields_dict(Credential)
    with pytest.raises(TypeError):
        credential(ISSUED, must_change=False)
    with pytest.raises(AttributeError):
        credential(ISSUED).must_change = False  # type: ignore[misc]  # Wrong on purpose.


@given(credentials())
def test_a_change_is_forced_exactly_when_issued_or_required(drawn: Credential) -> None:
    """Two reasons and no other force a change."""
    assert drawn.must_change is (drawn.origin is ISSUED or drawn.change_required_by is not None)


@pytest.mark.parametrize("before", [account(ISSUED), account(CHOSEN, change_required_by="compromised")])
def test_nobody_signs_in_while_a_change_is_required(before: Account) -> None:
    """The account itself is the last check before a sign-in could exist (R2)."""
    with pytest.raises(WrongStateError, match="sign in"):
        before.sign_in(at=NOW)


@pytest.mark.parametrize("origin", [CHOSEN, IMPORTED])
def test_signing_in_touches_only_the_time(origin: CredentialOrigin) -> None:
    """A sign-in is no change of the credential (R6)."""
    before = account(origin)
    assert before.sign_in(at=NOW) == attrs.evolve(before, last_sign_in_at=NOW, version=4)


@pytest.mark.parametrize("before", [account(ISSUED), account(CHOSEN), account(IMPORTED, change_required_by="x")])
def test_choosing_ends_the_default_the_demand_and_the_ticket(before: Account) -> None:
    """After a completed change nothing of the temporary state is left; who issued last is still known."""
    if before.credential.must_change:
        before = before.open_ticket("cd" * 32, expires_at=LATER)
    after = before.choose(NEW_HASH, changed_at=NOW)
    assert after.credential == credential(
        CHOSEN,
        password_hash=NEW_HASH,
        epoch=8,
        changed_at=NOW,
        issue_id=before.credential.issue_id,
        issued_by=before.credential.issued_by,
        issued_at=before.credential.issued_at,
    )
    assert not after.credential.must_change
    assert not after.credential.is_expired(LATER)


def test_a_required_change_keeps_the_password_and_says_why() -> None:
    """The demand stands beside the password, and a second one replaces the reason, unless others know the password."""
    after = account(CHOSEN).require_change("campaign-1")
    assert after.credential == credential(CHOSEN, epoch=8, change_required_by="campaign-1")
    assert after.require_change("campaign-2").credential.change_required_by == "campaign-2"
    known = after.require_change("compromised:list").require_change("campaign-2")
    assert known.credential == credential(CHOSEN, epoch=10, change_required_by="compromised:list")
    assert known.require_change("Compromised again").credential.change_required_by == "Compromised again"
    for reason in ("", "x" * (MAX_CODE_LENGTH + 1), "a\nb", "é", " a", cast(str, None)):
        with pytest.raises(InvalidValueError) as caught:
            account(CHOSEN).require_change(reason)
        assert caught.value.field == "reason"


@pytest.mark.parametrize("origin", [CHOSEN, IMPORTED])
def test_an_import_leaves_a_compromised_password_compromised(origin: CredentialOrigin) -> None:
    """The list of the old system, read once more, would otherwise let the thief in with the password that it has."""

    def imported(before: Account, reason: str | None) -> str | None:
        after = before.import_hash(
            NEW_HASH, import_id="again", imported_by="o", imported_at=NOW, change_required_by=reason
        )
        return after.credential.change_required_by

    known = account(origin, change_required_by="compromised:list")
    assert imported(known, None) == "compromised:list"
    assert imported(known, "moved") == "compromised:list"
    assert imported(known, "compromised again") == "compromised again"
    assert imported(account(origin, change_required_by="policy"), None) is None


# -- upgrades and tickets


@given(accounts(st.sampled_from([CHOSEN, IMPORTED])))
def test_an_upgrade_touches_only_the_hash(before: Account) -> None:
    """A better hash is not a change: no flag, date, epoch or ticket moves (R4)."""
    after = before.upgrade(NEW_HASH)
    assert after.credential == attrs.evolve(before.credential, password_hash=NEW_HASH)
    assert after == attrs.evolve(before, credential=after.credential, version=before.version + 1)


@pytest.mark.parametrize("origin", [NONE, ISSUED])
def test_an_issued_hash_is_never_upgraded(origin: CredentialOrigin) -> None:
    """What is worth nothing is not made costly, and nothing is not made something (R4)."""
    with pytest.raises(WrongStateError, match="upgrade"):
        account(origin).upgrade(NEW_HASH)


def test_a_newer_ticket_replaces_the_older_and_nothing_else() -> None:
    """One ticket at a time; opening it is no new epoch, or it would end itself (R2, R6)."""
    before = account(ISSUED)
    first = before.open_ticket("ab" * 32, expires_at=NOW)
    second = first.open_ticket("cd" * 32, expires_at=LATER)
    expected = attrs.evolve(before.credential, ticket_digest="cd" * 32, ticket_expires_at=LATER)
    assert second == attrs.evolve(before, credential=expected, version=5)


# -- disabling, erasing, naming


@pytest.mark.parametrize(
    ("held", "is_asked"),
    [
        (credential(ISSUED), True),
        (credential(ISSUED, change_required_by="compromised"), True),
        (credential(CHOSEN), False),
        (credential(CHOSEN, change_required_by="new rules"), False),
        (credential(CHOSEN, change_required_by="compromised"), True),
        (credential(IMPORTED, change_required_by="compromised"), True),
        (credential(ISSUED, strategy=INVITATION), False),
    ],
)
def test_a_proof_is_asked_for_where_others_may_know_the_password(held: Credential, is_asked: bool) -> None:
    """A default can be guessed and a compromised password is known; an invitation is what the school gave."""
    assert held.asks_for_proof is is_asked


@pytest.mark.parametrize("taken_from", [True, False])
def test_nothing_is_taken_over_by_or_from_an_erased_account(taken_from: bool) -> None:
    """An erased account stays empty, and what it was is not moved to anybody."""
    erased, other = account(NONE).erase(erased_at=NOW), account(CHOSEN).park()
    with pytest.raises(WrongStateError):
        _ = other.take_over(erased, at=NOW) if taken_from else erased.take_over(other, at=NOW)


def test_an_account_without_a_user_name_is_taken_over_without_one() -> None:
    """What stands in its place while the account is parked becomes nobody's user name."""
    left = attrs.evolve(account(CHOSEN), username=None)
    assert account(NONE).take_over(left.park(), at=NOW).username is None
    assert left.own_username is None
    assert attrs.evolve(left, username="rosa:2").own_username == "rosa:2"


def test_an_active_account_is_not_parked_whatever_its_name() -> None:
    """A user name that only looks like a parked account's is taken over whole."""
    named = attrs.evolve(account(CHOSEN), username="moving:rosa")
    assert not named.is_parked
    assert account(NONE).take_over(named, at=NOW).username == "moving:rosa"


def test_versions_and_epochs_are_counted_up_from_the_first() -> None:
    """R3: one below the first is refused, so that no store can hold what no change leads to."""
    Account(contact=CONTACT, credential=Credential(epoch=0), version=1)
    with pytest.raises(InvalidValueError, match="version"):
        Account(contact=CONTACT, version=0)
    with pytest.raises(InvalidValueError, match="epoch"):
        Credential(epoch=-1)


@pytest.mark.parametrize("value", [None, 0, 1, "false"])
def test_whether_an_account_is_active_is_yes_or_no(value: Any) -> None:
    """A row whose "false" is text is refused, or a disabled account would let somebody in."""
    with pytest.raises(InvalidValueError) as caught:
        Account(contact=CONTACT, is_active=value)
    assert (caught.value.field, caught.value.contact_id) == ("is_active", "c-1")


def test_a_record_is_of_the_instant_that_was_asked_for() -> None:
    """A list that is printed later says what was so then, and of the present unless another time is given."""
    held = account(ISSUED)
    assert held.to_record(LATER - US)["status"] == AccountStatus.DEFAULT_LIVE
    assert held.to_record(LATER)["status"] == AccountStatus.DEFAULT_EXPIRED
    assert held.to_record()["status"] == held.status(datetime.now(UTC))


def test_who_takes_over_has_the_dates_of_the_account_that_was_left() -> None:
    """When the names changed and when somebody signed in go along; a default of other names is told of from now on."""
    before = NOW - timedelta(days=30)
    left = attrs.evolve(account(ISSUED), name_changed_at=before, last_sign_in_at=before)
    taken = account(NONE).take_over(left, at=NOW)
    assert (taken.name_changed_at, taken.last_sign_in_at) == (before, before)
    other = attrs.evolve(account(NONE), contact=attrs.evolve(CONTACT, last_name="Verdi")).take_over(left, at=NOW)
    assert other.name_changed_at == NOW


def test_an_account_without_a_password_is_asked_for_no_other() -> None:
    """The refusal names the account and the step, as a host shows it."""
    with pytest.raises(WrongStateError) as caught:
        account(NONE).require_change("policy")
    assert (caught.value.contact_id, caught.value.step) == ("c-1", "require a change")


def test_an_erased_account_is_not_parked_and_does_not_say_when_its_name_changed() -> None:
    """Nothing of it is moved, and no date tells of the person."""
    erased = attrs.evolve(account(CHOSEN), name_changed_at=NOW).erase(erased_at=NOW)
    assert erased.name_changed_at is None
    with pytest.raises(WrongStateError, match="erased"):
        erased.park()


def test_a_ticket_does_not_move_to_another_account() -> None:
    """What somebody holds for the account that was left opens nothing where its password goes."""
    left = account(ISSUED).open_ticket("ab" * 32, expires_at=LATER)
    taken = account(NONE).take_over(left, at=NOW).credential
    assert taken == credential(ISSUED, epoch=8)
    assert (taken.ticket_digest, taken.ticket_expires_at) == (None, None)


@pytest.mark.parametrize(("part", "value"), [("contact", "c-1"), ("credential", OLD_HASH)])
def test_an_account_is_of_a_contact_and_a_credential(part: str, value: Any) -> None:
    """Something else in their place is refused by its name, and not where it is used first."""
    with pytest.raises(InvalidValueError) as caught:
        Account(**{"contact": CONTACT, "credential": credential(CHOSEN)} | {part: value})
    assert caught.value.field == part


def test_disabling_closes_what_is_open_and_enabling_gives_the_credential_back() -> None:
    """A disabled account keeps its password for the day it is enabled, but no ticket and no session."""
    before = account(ISSUED).open_ticket("ab" * 32, expires_at=LATER)
    disabled = before.disable()
    assert not disabled.is_active
    assert disabled.credential == credential(ISSUED, epoch=8)
    enabled = disabled.enable()
    assert enabled.is_active
    assert enabled.credential == disabled.credential


@given(accounts())
def test_an_erased_account_keeps_its_key_and_its_epoch_only(before: Account) -> None:
    """Personal data is gone, and whoever comes back starts beyond every session there was (R6)."""
    after = before.erase(erased_at=NOW)
    assert after == Account(
        contact=Contact(contact_id=before.contact_id),
        credential=Credential(epoch=before.credential.epoch + 1),
        is_active=False,
        erased_at=NOW,
        version=before.version + 1,
    )
    for step in ("enable", "rename", "refresh", "issue", "import_hash", "choose", "sign_in", "upgrade"):
        with pytest.raises(WrongStateError):
            STEPS[step](after)


def test_restoring_gives_an_erased_account_back_without_a_password() -> None:
    """The epoch goes on from where it was, and the password does not come back."""
    erased = account(CHOSEN).erase(erased_at=NOW)
    restored = erased.restore(CONTACT, "rosa")
    assert restored == Account(contact=CONTACT, username="rosa", credential=Credential(epoch=8), version=5)
    with pytest.raises(WrongStateError, match="not erased"):
        account(CHOSEN).restore(CONTACT, "rosa")


@pytest.mark.parametrize("origin", CredentialOrigin)
def test_a_name_change_leaves_the_credential_alone(origin: CredentialOrigin) -> None:
    """Neither a new user name nor a new surname touches a live default (R5)."""
    before = account(origin)
    married = attrs.evolve(CONTACT, last_name="Verdi")
    refreshed = before.refresh(married, username="rosa.v", at=NOW)
    assert refreshed == attrs.evolve(before, contact=married, username="rosa.v", version=4, name_changed_at=NOW)
    assert refreshed.credential is before.credential
    assert refreshed.refresh(married, username="rosa.v", at=LATER).name_changed_at == NOW
    assert before.rename("rosa.verdi") == attrs.evolve(before, username="rosa.verdi", version=4)
    assert before.rename(None).username_key is None


@pytest.mark.parametrize("username", ["", "  ", "a\tcanary", "a\0", "canary\ud800", "x" * 256, "ß" * 128, 5, b"canary"])
def test_a_user_name_that_cannot_be_matched_is_refused_without_quoting_it(username: Any) -> None:
    """The refusal says the hint; the user name is in no part of it, its context included (R14, R18)."""
    with pytest.raises(InvalidValueError) as caught:
        account(CHOSEN).rename(username)
    assert caught.value.field == "username"
    assert "canary" not in f"{caught.value!s}{caught.value!r}{caught.value.__context__!r}"


def test_a_user_name_is_shown_as_given_and_matched_by_its_key() -> None:
    """What a person typed is what they see; what is compared is the folded form (R18)."""
    named = account(CHOSEN).rename(" Rosa.ABBIATICI ")
    assert (named.username, named.username_key) == (" Rosa.ABBIATICI ", "rosa.abbiatici")


# -- status


def test_a_default_is_live_until_the_instant_it_expires() -> None:
    """One microsecond before it works; at the instant and ever after it does not, nor long before by mistake."""
    live = account(ISSUED)
    for at, expected in (
        (LATER - US, AccountStatus.DEFAULT_LIVE),
        (LATER, AccountStatus.DEFAULT_EXPIRED),
        (LATER + US, AccountStatus.DEFAULT_EXPIRED),
        (LATER + timedelta(days=3650), AccountStatus.DEFAULT_EXPIRED),
        (LATER - timedelta(days=3650), AccountStatus.DEFAULT_LIVE),
    ):
        assert live.status(at) is expected
        assert live.credential.is_expired(at) is (expected is AccountStatus.DEFAULT_EXPIRED)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (account(NONE), AccountStatus.NEVER_ISSUED),
        (account(ISSUED), AccountStatus.DEFAULT_LIVE),
        (account(ISSUED).require_change("x"), AccountStatus.DEFAULT_LIVE),
        (account(CHOSEN), AccountStatus.SELF_CHOSEN),
        (account(IMPORTED), AccountStatus.IMPORTED),
        (account(CHOSEN, change_required_by="x"), AccountStatus.CHANGE_REQUIRED),
        (account(IMPORTED, change_required_by="x"), AccountStatus.CHANGE_REQUIRED),
        *((account(origin, is_active=False), AccountStatus.DISABLED) for origin in CredentialOrigin),
        (account(CHOSEN, change_required_by="x").disable(), AccountStatus.DISABLED),
        (account(CHOSEN).erase(erased_at=NOW), AccountStatus.DISABLED),
    ],
)
def test_a_status_is_derived_from_the_state(before: Account, expected: AccountStatus) -> None:
    """What an operator sees first is what matters most: disabled, then the default, then a demand."""
    assert before.status(NOW) is expected


@given(accounts(), instants)
def test_every_account_has_a_status_at_every_instant(drawn: Account, at: datetime) -> None:
    """A grid never fails, and only what is issued and active is a default."""
    is_default = drawn.status(at) in (AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED)
    assert is_default is (drawn.is_active and drawn.credential.origin is ISSUED)


# -- the parts


@pytest.mark.parametrize("field", ["issued_at", "changed_at", "expires_at", "ticket_expires_at"])
def test_a_naive_time_is_refused(field: str) -> None:
    """A naive time would move an expiry by hours."""
    with pytest.raises(InvalidValueError, match="UTC") as caught:
        credential(ISSUED, **{field: datetime(2026, 3, 1)})
    assert caught.value.field == field
    for name in ("last_sign_in_at", "erased_at"):
        with pytest.raises(InvalidValueError) as caught:
            attrs.evolve(account(CHOSEN), **cast(Any, {name: datetime(2026, 3, 1)}))
        assert caught.value.field == name


@pytest.mark.parametrize("value", ["a canary", b"canary", 5])
def test_nothing_but_a_hash_is_taken_for_a_hash(value: Any) -> None:
    """Plaintext cannot be stored by mistake: a str is no hash."""
    with pytest.raises(InvalidValueError) as caught:
        credential(CHOSEN, password_hash=value)
    assert caught.value.field == "password_hash"
    assert "canary" not in f"{caught.value!s}{caught.value!r}"


def test_a_hash_of_another_copy_of_the_package_is_taken() -> None:
    """Two vendored copies meet: a hash is read by attribute and not by class."""
    foreign = cast(PasswordHash, SimpleNamespace(encoded="$x$"))
    assert credential(CHOSEN, password_hash=foreign).password_hash is foreign
    assert Credential(origin="none").origin is NONE
    with pytest.raises(ValueError, match="pass a CredentialOrigin"):
        Credential(origin="borrowed")


@pytest.mark.parametrize("way", [repr, str, format, "{:>50}".format, "%s".__mod__, ascii])
def test_a_hash_is_masked_wherever_python_prints_it(way: Callable[[object], str]) -> None:
    """A hash in a log is a password to be guessed offline (R14)."""
    assert "canary" not in way(OLD_HASH)
    assert "canary" not in repr([OLD_HASH])


def test_an_account_prints_no_hash_no_name_no_user_name_and_no_ticket() -> None:
    """The repr of an account in a notebook or a log gives nobody away (R14, R24)."""
    text = repr(account(ISSUED).open_ticket("cd" * 32, expires_at=LATER))
    for hidden in ("canary", "Rosa", "Abbiatici", "rosa", "cdcd"):
        assert hidden not in text
    assert "c-1" in text


def test_a_hash_is_a_value_that_is_no_text() -> None:
    """Hashes compare by content, with each other only, surrogates included; they pickle for a pool of processes."""
    assert PasswordHash("a") == PasswordHash("a")
    assert PasswordHash("a") != PasswordHash("b")
    assert (PasswordHash("a") == "a") is False
    assert PasswordHash("a\ud800") == PasswordHash("a\ud800")
    assert len({PasswordHash("a"), PasswordHash("a"), PasswordHash("b")}) == 2
    assert pickle.loads(pickle.dumps(OLD_HASH)) == OLD_HASH  # noqa: S301  Its own pickle.
    for value in (None, b"a", 5, PasswordHash("a")):
        with pytest.raises(TypeError, match=type(value).__name__):
            PasswordHash(cast(str, value))


def test_a_pickled_credential_keeps_whether_there_is_a_hash_and_not_which() -> None:
    """R14: a session of the host's that holds an account holds no hash, and one without a password stays so."""
    for before in (credential(CHOSEN), credential(NONE)):
        after = pickle.loads(pickle.dumps(before))  # noqa: S301  Its own pickle.
        assert (after.password_hash is None) is (before.password_hash is None)
        assert after.password_hash != OLD_HASH
        assert attrs.evolve(after, password_hash=before.password_hash) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", True),
        ("a b:c/d-{e}", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        (" a", False),
        ("a ", False),
        ("a\n", False),
        ("a\tb", False),
        ("é", False),
        (None, False),
        (5, False),
        (b"a", False),
    ],
)
def test_a_code_is_what_every_store_can_hold(value: object, expected: bool) -> None:
    """Reasons, strategy ids and issue ids are 1 to 64 printable ASCII characters without blanks around them."""
    assert is_code(value) is expected
    if not expected and value is not None:
        for field in ("strategy", "issue_id", "change_required_by"):
            with pytest.raises(InvalidValueError) as caught:
                credential(ISSUED, **{field: value})
            assert caught.value.field == field


@given(instants)
def test_an_instant_in_utc_is_kept_to_the_microsecond(at: datetime) -> None:
    """Nothing rounds a time, or an expiry would be checked against another instant than the one stored."""
    assert credential(ISSUED, expires_at=at).expires_at == at
    assert at.tzinfo is UTC


def test_a_time_of_another_zone_is_taken_to_utc() -> None:
    """A clock in a zone with summer time is right all year, and what it told is kept in UTC."""
    summer = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    assert credential(ISSUED, issued_at=summer).issued_at == datetime(2026, 7, 1, 11, tzinfo=UTC)
    assert str(credential(ISSUED, issued_at=summer).issued_at).endswith("+00:00")


def test_a_default_of_an_old_name_is_known() -> None:
    """R5: the grid says that a live default is still made of the names before; nothing else is said to be."""
    issued = account(ISSUED)
    married = attrs.evolve(CONTACT, last_name="Verdi")
    later = (issued.credential.issued_at or NOW) + timedelta(seconds=1)
    refreshed = issued.refresh(married, username="rosa", at=later)
    assert refreshed.has_default_of_old_name
    assert not issued.has_default_of_old_name
    again = attrs.evolve(refreshed, name_changed_at=NOW - timedelta(days=1))
    assert not issue(again).has_default_of_old_name
    assert not account(CHOSEN).refresh(married, username="rosa", at=later).has_default_of_old_name
    assert refreshed.choose(NEW_HASH, changed_at=NOW).has_default_of_old_name is False
    at_once = issued.refresh(married, username="rosa", at=issued.credential.issued_at or NOW)
    assert not at_once.has_default_of_old_name
    assert refreshed.to_record(NOW)["warning"] == "default_of_old_name"
    assert issued.to_record(NOW)["warning"] is None


def test_a_change_is_one_step() -> None:
    """R3: a change that skips a version, or is another contact's, cannot be made."""
    old = account(CHOSEN)
    for new in (old, old.disable().enable(), attrs.evolve(old.disable(), contact=Contact(contact_id="other"))):
        with pytest.raises(InvalidValueError) as refused:
            Change(old=old, new=new)
        assert refused.value.field == "new"


def test_nothing_is_kept_to_help_a_guesser() -> None:
    """No account has a hint, a question or an answer to one (SP 800-63B-4 §3.1.1.2, ASVS 6.4.2)."""
    kept = [field.name for kind in (Account, Credential, Contact) for field in attrs.fields(kind)]
    assert len(kept) > 20
    assert [name for name in kept if any(word in name for word in ("hint", "question", "answer", "reminder"))] == []


@given(credentials(st.sampled_from((CHOSEN, IMPORTED))), instants)
def test_no_password_of_ones_own_grows_old(credential: Credential, now: datetime) -> None:
    """Time alone demands no change and ends no password but a default (SP 800-63B-4 §3.1.1.2, ASVS 6.2.10)."""
    assert credential.expires_at is None
    assert not credential.is_expired(now)
    assert credential.must_change is (credential.change_required_by is not None)
