"""The default alone changes nothing: the family gives what the school gave them, and may guess a few times only."""

from __future__ import annotations

import string
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guessing import limits
from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, Portal, invited, issued, settled, ticket_of, watched
from portalcreds.accounts import Account, Credential, CredentialOrigin, PasswordHash
from portalcreds.administration import AccountChange
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import READABLE_ALPHABET
from portalcreds.exceptions import ConfigurationError, StoreUnavailableError
from portalcreds.hashers import KeyRing
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.secret import Secret
from portalcreds.sign_in import CODE_LENGTH, KnownValues, LetterCode
from portalcreds.sign_in.outcomes import (
    ClaimProofRefused,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordCompromised,
    PasswordRefused,
    SignInDenied,
    TicketInvalid,
    TryLater,
    Unavailable,
)
from portalcreds.throttle import Limit, ThrottleLimits
from races import HIGH, at_once, crowded
from strategies import NOW

NUMBERS: dict[str, list[str | None]] = {"c-1": ["S-10 24", "S-2048"], "c-2": ["S-4096", None, " - "]}
KEY, OLDER_KEY = b"k" * 32, b"o" * 32


def find_numbers(contact_ids: Sequence[ContactId]) -> Mapping[ContactId, Iterable[str | None]]:
    """Return the student numbers of the contacts' children, as a database would."""
    return {each: NUMBERS[each] for each in contact_ids if each in NUMBERS}


STUDENTS = KnownValues(find_numbers, kind="student_number")


def proving(portal: Portal, proof: Any = STUDENTS, **parts: Any) -> Portal:
    """Return the portal with a claim proof, and a default that waits for it."""
    with_proof = portal.with_parts(claim_proof=proof, **parts)
    issued(with_proof)
    return with_proof


def offer(portal: Portal, ticket: Secret, proof: object, *, new: str = GOOD_PASSWORD, source: str | None = None) -> Any:
    """Hand in a ticket with a claim proof."""
    return portal.sign_ins.complete_change(ticket, new, claim_proof=proof, source=source)  # type: ignore[arg-type]  # Also what is no text.


def account_of(contact_id: str, *, issue_id: str = "i-1", **credential: Any) -> Account:
    """Return an account with a default."""
    parts: dict[str, Any] = {
        "password_hash": PasswordHash("$x$"),
        "origin": "issued",
        "strategy": "s",
        "issue_id": issue_id,
        "issued_by": "office",
        "issued_at": NOW,
        "expires_at": NOW + timedelta(days=14),
    }
    return Account(contact=Contact(contact_id=ContactId(contact_id)), credential=Credential(**parts | credential))


# -- in the service, over every store


def test_a_default_is_changed_only_with_the_claim_proof(every_portal: Portal) -> None:
    """The page is told what to ask for; a wrong answer writes nothing and keeps the ticket, the right one goes on."""
    portal = proving(every_portal)
    demanded = portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR")
    assert isinstance(demanded, PasswordChangeRequired)
    assert demanded.claim_proof == "student_number"
    before = portal.account("c-1")
    for wrong in ("S-4096", "S-1", "AbbiaticiR"):
        assert offer(portal, demanded.ticket, wrong, source="192.0.2.7") == ClaimProofRefused()
    assert portal.account("c-1") == before
    assert portal.kinds("c-1")[-1] == "claim_proof_refused wrong_proof"
    assert portal.store.events()[-1].source == "192.0.2.7"
    assert isinstance(offer(portal, demanded.ticket, "s1024"), PasswordChanged)


def test_ten_wrong_claim_proofs_spend_the_credential(every_portal: Portal) -> None:
    """R9: after as many as a default allows, the right one and the right default are refused too, until an unlock."""
    portal = proving(every_portal, limits=limits())
    ticket = ticket_of(portal)
    for number in range(10):
        assert offer(portal, ticket, f"S-{number}") == ClaimProofRefused()
    assert portal.kinds("c-1")[-2:] == ["claim_proof_refused wrong_proof", "authn_login_lock claim_proof"]
    assert offer(portal, ticket, "S-2048") == ClaimProofRefused()
    assert portal.kinds("c-1")[-1] == "claim_proof_refused spent"
    assert portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR") == SignInDenied()
    assert portal.kinds("c-1")[-1] == "authn_login_fail spent"
    assert [limit.reason for limit in portal.accounts.limits_on("c-1", OFFICE)] == ["spent"]
    portal.accounts.unlock("c-1", OFFICE)
    assert portal.accounts.limits_on("c-1", OFFICE) == ()
    assert isinstance(offer(portal, ticket_of(portal), "S-2048"), PasswordChanged)


def test_signing_in_between_takes_no_wrong_claim_proof_back(every_portal: Portal) -> None:
    """Whoever guesses claim proofs has the right default, so its success must not start them anew (R9)."""
    portal = proving(every_portal, limits=limits())
    for number in range(10):
        assert offer(portal, ticket_of(portal), f"S-{number}") == ClaimProofRefused()
    assert portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR") == SignInDenied()


def test_a_right_claim_proof_forgets_the_wrong_ones(portal: Portal) -> None:
    """Only consecutive ones count (SP 800-63B-4 §3.2.2), and a family that got in leaves no count behind (R9)."""
    portal = proving(portal, limits=limits())
    ticket = ticket_of(portal)
    for _ in range(3):
        for number in range(9):
            assert offer(portal, ticket, f"S-{number}") == ClaimProofRefused()
        assert isinstance(offer(portal, ticket, "S-2048", new="short"), PasswordRefused)
    assert isinstance(offer(portal, ticket, "S-2048"), PasswordChanged)


def test_a_reissue_starts_at_zero(portal: Portal) -> None:
    """R6: wrong claim proofs belong to one epoch, like wrong passwords."""
    portal = proving(portal, limits=limits())
    ticket = ticket_of(portal)
    for number in range(10):
        offer(portal, ticket, f"S-{number}")
    issued(portal)
    assert isinstance(offer(portal, ticket_of(portal), "S-2048"), PasswordChanged)


def test_parallel_guesses_are_no_more_than_the_cap(every_portal: Portal) -> None:
    """R9: of forty claim proofs at the same moment at most ten are answered; a right one beyond them opens nothing."""
    asked: list[str] = []
    everybody = threading.Barrier(40, timeout=60)

    class Counting:
        kind = "student_number"

        def verify(self, account: Account, given: Secret, tenant: str, /) -> bool:
            asked.append(given.reveal())
            everybody.wait()
            return False

        def find_missing(self, accounts: Sequence[Account], /) -> Sequence[ContactId]:
            return ()

    high = ThrottleLimits(per_username=HIGH, per_place=HIGH[0], per_source=HIGH, claims=HIGH[0], spray=HIGH[0])
    with crowded(proving(every_portal, Counting()), 40) as crowd:
        many = crowd.with_parts(limits=high)
        ticket = ticket_of(many)
        outcomes = at_once(*[partial(offer, many, ticket, f"S-{number}") for number in range(40)])
    assert set(map(repr, outcomes)) == {"ClaimProofRefused()"}
    verdicts = [kind for kind in many.kinds("c-1") if kind.startswith("claim_proof_refused")]
    assert 1 <= verdicts.count("claim_proof_refused wrong_proof") <= 10
    assert len(verdicts) == 40
    # Whether an answer counts is not told by the time it takes.
    assert len(asked) == 40


def test_one_source_tries_no_more_claim_proofs_than_passwords(portal: Portal) -> None:
    """Right defaults between the wrong claim proofs of one source do not take these back at the source (R9)."""
    few = limits(per_source=(Limit(5, timedelta(minutes=5)),))
    portal = portal.with_parts(claim_proof=STUDENTS, limits=few)
    tried = 0
    for username, contact_id, default in (
        ("rabbiatici", "c-1", "AbbiaticiR"),
        ("PObrien", "c-2", "O'BrienP"),
        ("avdberg", "c-3", "van der Berga"),
    ):
        issued(portal, contact_id)
        for number in range(3):
            demanded = portal.sign_ins.sign_in(username, default, source="192.0.2.7")
            if isinstance(demanded, PasswordChangeRequired):
                outcome = offer(portal, demanded.ticket, f"S-{number}", source="192.0.2.7")
                tried += outcome == ClaimProofRefused()
    assert tried == 5
    elsewhere = portal.sign_ins.sign_in("PObrien", "O'BrienP", source="198.51.100.1")
    assert isinstance(elsewhere, PasswordChangeRequired)


def test_a_family_that_mistypes_fills_no_limit_of_its_source(portal: Portal) -> None:
    """R9: what failed before the right claim proof counts at the source no more."""
    few = limits(per_source=(Limit(4, timedelta(minutes=5)),))
    portal = portal.with_parts(claim_proof=STUDENTS, limits=few)
    for username, contact_id, default, right in (
        ("rabbiatici", "c-1", "AbbiaticiR", "S-1024"),
        ("PObrien", "c-2", "O'BrienP", "S-4096"),
    ):
        issued(portal, contact_id)
        demanded = portal.sign_ins.sign_in(username, default, source="school")
        assert isinstance(demanded, PasswordChangeRequired)
        for number in range(3):
            assert offer(portal, demanded.ticket, f"S-{number}", source="school") == ClaimProofRefused()
        assert isinstance(offer(portal, demanded.ticket, right, source="school"), PasswordChanged)


def test_a_flood_of_claim_proofs_waits_before_anybody_is_asked(portal: Portal) -> None:
    """R7: beyond a limit of its place a caller is told to wait, right or wrong."""
    portal = proving(portal, limits=limits(per_place=Limit(2, timedelta(hours=1))))
    demanded = portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR", source="192.0.2.7")
    assert isinstance(demanded, PasswordChangeRequired)
    # Known there, since the default was right: twice as many.
    for number in range(4):
        assert offer(portal, demanded.ticket, f"S-{number}", source="192.0.2.7") == ClaimProofRefused()
    assert isinstance(offer(portal, demanded.ticket, "S-2048", source="192.0.2.7"), TryLater)


@pytest.mark.parametrize("blank", [None, "", "  ", 7, b"S-2048", ["S-2048"]])
def test_a_missing_claim_proof_is_refused_and_is_no_guess(portal: Portal, blank: object) -> None:
    """R23: a form that was sent too early spends nothing, and a field of another type is no answer."""
    portal = proving(portal)
    ticket, before = ticket_of(portal), len(portal.store.events())
    for _ in range(20):
        assert offer(portal, ticket, blank) == ClaimProofRefused()
    assert len(portal.store.events()) == before
    assert isinstance(offer(portal, ticket, "S-2048"), PasswordChanged)


def test_without_the_claim_proof_nobody_learns_what_the_policy_says(portal: Portal) -> None:
    """The claim proof comes first, and a refused password does not spend the right one."""
    portal = proving(portal)
    ticket = ticket_of(portal)
    assert offer(portal, ticket, "S-1", new="short") == ClaimProofRefused()
    assert isinstance(offer(portal, ticket, "S-2048", new="short"), PasswordRefused)
    assert isinstance(offer(portal, ticket, "S-2048"), PasswordChanged)


def test_one_contacts_claim_proof_is_none_for_anothers_ticket(portal: Portal) -> None:
    """A ticket and a claim proof are of one contact; and a ticket that does not work asks nothing."""
    portal = proving(portal)
    issued(portal, "c-2")
    rosas, pats = ticket_of(portal), ticket_of(portal, "PObrien", "O'BrienP")
    assert offer(portal, pats, "S-2048") == ClaimProofRefused()
    assert offer(portal, rosas, "S-4096") == ClaimProofRefused()
    assert offer(portal, Secret("c-1.invented"), "S-2048") == TicketInvalid()
    assert isinstance(offer(portal, pats, "S-4096"), PasswordChanged)


def test_a_contact_without_a_value_is_refused_like_a_wrong_one(portal: Portal) -> None:
    """Nothing that anybody types is right for a contact of whom the school knows nothing; the plan says so before."""
    portal = portal.with_parts(claim_proof=STUDENTS)
    plan = portal.resets.plan(["c-1", "c-2", "c-3"], OFFICE)
    assert ["no_claim_proof" in item.warnings for item in plan] == [False, False, True]
    issued(portal, "c-3")
    ticket = ticket_of(portal, "avdberg", "van der Berga")
    for given_ in ("-", "\0", "None", "S-2048"):
        assert offer(portal, ticket, given_) == ClaimProofRefused()
    assert portal.kinds("c-3")[-1] == "claim_proof_refused wrong_proof"


@pytest.mark.parametrize("answer", [1, "yes", object(), None, 0])
def test_only_true_is_a_yes(memory_portal: Portal, answer: object) -> None:
    """A host's function that returns a row, a coroutine or a text has not said yes."""

    class Odd:
        kind = "odd"

        def verify(self, account: Account, given: Secret, tenant: str, /) -> Any:
            return answer

        def find_missing(self, accounts: Sequence[Account], /) -> Sequence[ContactId]:
            return ()

    portal = proving(memory_portal, Odd())
    assert offer(portal, ticket_of(portal), "x") == ClaimProofRefused()


def test_a_host_that_cannot_be_asked_changes_nothing_and_counts_nothing(memory_portal: Portal) -> None:
    """R21: an outage is `Unavailable`; another error comes out; no guess is spent, however often."""
    errors: list[Exception] = []

    def fail(contact_ids: Sequence[ContactId]) -> Mapping[ContactId, Iterable[str]]:
        if errors:
            raise errors[0]
        return {each: ["S-1"] for each in contact_ids}

    portal = proving(memory_portal, KnownValues(fail, kind="number"), limits=limits())
    ticket = ticket_of(portal)
    errors.append(StoreUnavailableError("find"))
    for _ in range(12):
        assert offer(portal, ticket, "S-1") == Unavailable()
    errors[0] = LookupError("the SIS is away")
    for _ in range(12):
        with pytest.raises(LookupError):
            offer(portal, ticket, "S-1")
    errors.clear()
    assert isinstance(offer(portal, ticket, "S-1"), PasswordChanged)


def test_a_change_of_ones_own_asks_for_no_claim_proof(portal: Portal) -> None:
    """Who knows a password of their own, and is told to choose another, has shown enough."""
    portal = proving(portal)
    assert isinstance(offer(portal, ticket_of(portal), "S-2048"), PasswordChanged)
    portal.accounts.require_change("c-1", OFFICE, reason="policy")
    demanded = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(demanded, PasswordChangeRequired)
    assert demanded.claim_proof is None
    assert isinstance(portal.sign_ins.complete_change(demanded.ticket, OTHER_PASSWORD), PasswordChanged)


# -- compromised


@pytest.mark.parametrize("reason", ["compromised", "Compromised", "compromised:phishing"])
def test_a_thief_with_the_old_password_gets_no_ticket(every_portal: Portal, reason: str) -> None:
    """The right password that others know gives neither a session nor a ticket, and the reason is on the record."""
    portal = every_portal
    settled(portal)
    portal.accounts.require_change("c-1", OFFICE, reason=reason)
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == PasswordCompromised()
    assert portal.sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD) == PasswordCompromised()
    assert portal.kinds("c-1")[-1] == "authn_login_fail compromised"
    assert portal.account("c-1").credential.ticket_digest is None
    assert portal.sign_ins.sign_in("rabbiatici", OTHER_PASSWORD) == SignInDenied()
    ticket = invited(portal)
    assert isinstance(portal.sign_ins.complete_change(ticket, OTHER_PASSWORD), PasswordChanged)


def test_a_compromised_password_is_changed_with_the_claim_proof(portal: Portal) -> None:
    """With a claim proof the family goes on by itself, and the thief does not."""
    settled(portal)
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    proved = portal.with_parts(claim_proof=STUDENTS)
    demanded = proved.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(demanded, PasswordChangeRequired)
    assert (demanded.reason, demanded.claim_proof) == ("compromised", "student_number")
    assert offer(proved, demanded.ticket, "S-4096", new=OTHER_PASSWORD) == ClaimProofRefused()
    # A process that has no claim proof does not do without it.
    assert portal.sign_ins.complete_change(demanded.ticket, OTHER_PASSWORD) == ClaimProofRefused()
    assert isinstance(offer(proved, demanded.ticket, "S-2048", new=OTHER_PASSWORD), PasswordChanged)


def test_ten_wrong_claim_proofs_spend_a_compromised_password_too(portal: Portal) -> None:
    """A chosen password allows a hundred guesses, but its claim proof only ten."""
    settled(portal)
    portal = portal.with_parts(claim_proof=STUDENTS, limits=limits())
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    ticket = ticket_of(portal, password=GOOD_PASSWORD)
    for number in range(10):
        assert offer(portal, ticket, f"S-{number}") == ClaimProofRefused()
    assert offer(portal, ticket, "S-2048") == ClaimProofRefused()
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == SignInDenied()


def test_another_reason_does_not_hand_the_door_back(portal: Portal) -> None:
    """A demand of everybody, a week later, leaves those whose passwords are known to others as they are."""
    settled(portal)
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    plan = portal.accounts.plan_change([ContactId("c-1")], OFFICE, change=AccountChange.REQUIRE_CHANGE, reason="policy")
    portal.accounts.apply_change(plan.confirm(OFFICE))
    assert portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD) == PasswordCompromised()


def test_a_denial_costs_the_same_whatever_claim_proofs_failed(memory_portal: Portal) -> None:
    """R7: the counter is asked and told as often for a credential spent by claim proofs as for an absent one."""
    calls: list[str] = []

    def note(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if phase == "before":
            calls.append(name)

    portal = proving(memory_portal, limits=limits())
    ticket = ticket_of(portal)
    for number in range(10):
        offer(portal, ticket, f"S-{number}")
    measured = attrs.evolve(portal, counter=watched(portal.counter, note), store=watched(portal.store, note))
    assert measured.sign_ins.sign_in("nobody at all", "AbbiaticiR") == SignInDenied()
    absent = list(calls)
    calls.clear()
    assert measured.sign_ins.sign_in("rabbiatici", "AbbiaticiR") == SignInDenied()
    assert calls == absent


def test_a_reissue_while_the_claim_proof_is_verified_wins(every_portal: Portal) -> None:
    """R3: what was proven for one epoch changes nothing in the next, however the two overlap."""

    class Racing:
        kind = "number"

        def verify(self, account: Account, given: Secret, tenant: str, /) -> bool:
            issued(every_portal)
            return True

        def find_missing(self, accounts: Sequence[Account], /) -> Sequence[ContactId]:
            return ()

    portal = proving(every_portal, Racing())
    assert offer(portal, ticket_of(portal), "x") == TicketInvalid()
    assert portal.account("c-1").credential.origin is CredentialOrigin.ISSUED


def test_an_error_of_the_host_shows_nothing_that_was_typed(memory_portal: Portal) -> None:
    """R14: no frame of ours has the claim proof, the password or the ticket in the clear while the host is asked."""

    def fail(contact_ids: Sequence[ContactId]) -> Mapping[ContactId, Iterable[str]]:
        raise LookupError

    portal = proving(memory_portal)
    ticket = ticket_of(portal)
    failing = portal.with_parts(claim_proof=KnownValues(fail, kind="number"))
    with pytest.raises(LookupError) as caught:
        failing.sign_ins.complete_change(ticket.reveal(), "canary for a password", claim_proof="canary 4711")
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    # Without the frames of this file.
    variables = "".join(str(frame.locals) for frame in shown if frame.filename != __file__)
    assert "Secret" in variables
    assert "canary" not in variables
    assert ticket.reveal().partition(".")[2] not in variables


# -- values that the school knows


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
    st.lists(st.sampled_from([" ", "-", "\u2013", "\u00a0", "\u200b", "\t"]), max_size=6),
    st.sampled_from([str.upper, str.lower, str.title, str]),
)
def test_a_value_is_found_as_people_type_it(value: str, fill: list[str], case: Callable[[str], str]) -> None:
    """Blanks, hyphens and case make no difference, wherever they are and in any script."""
    typed = case(value) if case(value).casefold() == value.casefold() else value
    typed = typed[:1] + "".join(fill) + typed[1:]
    proof = KnownValues(lambda ids: {each: ["other", value] for each in ids}, kind="number")
    has_any = not proof.find_missing([account_of("c-1")])
    alone = KnownValues(lambda ids: {each: [value] for each in ids}, kind="number")
    assert has_any
    blank = bool(alone.find_missing([account_of("c-1")]))
    assert proof.verify(account_of("c-1"), Secret(typed), "") is not blank


@given(st.text(string.ascii_letters + string.digits, min_size=1), st.text(string.ascii_letters + string.digits))
def test_another_value_is_not_found(value: str, typed: str) -> None:
    """A part, a longer one, or nothing at all is no value."""
    proof = KnownValues(lambda ids: {each: [value] for each in ids}, kind="number")
    assert proof.verify(account_of("c-1"), Secret(typed), "") is (value.casefold() == typed.casefold())


@pytest.mark.parametrize(
    ("value", "typed"), [("S-1024", "Ｓ１０２４"), ("1024", "١٠٢٤"), ("Straße 7", "STRASSE7"), ("é1", "e\u03011")]
)
def test_a_value_is_found_in_another_width_and_script(value: str, typed: str) -> None:
    """A telephone in Arabic or Japanese types its own digits."""
    assert KnownValues(lambda ids: {each: [value] for each in ids}, kind="n").verify(account_of("c"), Secret(typed), "")


@pytest.mark.parametrize("found", ["S-1024", {"c-1": "S-1024"}, {"c-1": [1024]}, {"c-1": 7}, ["S-1024"], None])
def test_what_holds_no_texts_is_refused_without_its_value(found: Any) -> None:
    """A text in place of a list would make each of its characters a right answer; the hint shows no value (R14)."""
    proof = KnownValues(lambda ids: found, kind="number")
    with pytest.raises(ConfigurationError) as caught:
        proof.verify(account_of("c-1"), Secret("S"), "")
    assert "1024" not in str(caught.value) + repr(proof)


def test_a_long_text_is_not_looked_at() -> None:
    """R8: normalising a hundred thousand marks takes seconds."""
    proof = KnownValues(lambda ids: {each: ["a" * 255, "b" * 256] for each in ids}, kind="number")
    assert not proof.verify(account_of("c-1"), Secret("a" + "\u0301\u0323" * 100_000), "")
    assert proof.verify(account_of("c-1"), Secret("a" * 255), "")
    assert not proof.verify(account_of("c-1"), Secret("b" * 256), "")


@pytest.mark.parametrize("value", ["", " ", " - ", "\u200b", "\u2013", None, "c" * 256])
def test_a_value_that_says_nothing_is_none(value: str | None) -> None:
    """A NULL or a dash in a column would make an empty field the right answer; the plan warns of that contact."""
    proof = KnownValues(lambda ids: {each: [value] for each in ids}, kind="number")
    assert list(proof.find_missing([account_of("c-1")])) == ["c-1"]
    for typed in ("", "-", " ", "\u200b", "None", "c" * 256):
        assert not proof.verify(account_of("c-1"), Secret(typed), "")


@pytest.mark.parametrize("parts", [{"kind": ""}, {"kind": "é"}, {"kind": None}, {"find_values": "no function"}])
def test_a_claim_proof_that_cannot_work_is_refused(parts: dict[str, Any]) -> None:
    """R23: by a hint, when it is made."""
    right: dict[str, Any] = {"find_values": find_numbers, "kind": "number"}
    with pytest.raises(ConfigurationError):
        KnownValues(**right | parts)


@pytest.mark.parametrize("odd", [object(), KnownValues, "student_number", find_numbers])
def test_what_is_no_claim_proof_is_refused(memory_portal: Portal, odd: object) -> None:
    """R23: a function in its place would be found out by the first family."""
    with pytest.raises(ConfigurationError) as caught:
        _ = memory_portal.with_parts(claim_proof=odd).sign_ins
    assert caught.value.argument == "claim_proof"


# -- letter codes


def ring(**keys: bytes) -> KeyRing:
    """Return a ring whose first key is the current one."""
    return KeyRing(current=next(iter(keys)), keys=keys)


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20), st.text(max_size=10), st.text(max_size=10))
def test_a_code_is_of_one_contact_issue_and_tenant(one: str, other: str, tenant: str, another: str) -> None:
    """No two of them share a code, whatever is in their names, and each verifies its own."""
    proof = LetterCode(ring(k1=KEY))

    def named(text: str) -> str:
        # Blanks around an id are refused.
        return f"c{text.encode('unicode-escape').decode()}."

    ours, theirs = account_of(named(one)), account_of(named(other))
    code = proof.code_of(ours, tenant)
    assert proof.verify(ours, code, tenant)
    assert proof.verify(theirs, code, tenant) is (one == other)
    assert proof.verify(ours, code, another) is (tenant == another)
    assert not proof.verify(account_of(named(one), issue_id="i-2"), code, tenant)
    assert not proof.verify(account_of(named(one), changed_at=NOW), code, tenant)
    assert not LetterCode(ring(k1=OLDER_KEY)).verify(ours, code, tenant)


def test_a_code_is_short_and_has_no_look_alikes() -> None:
    """It is typed from paper: two groups of characters that nobody mistakes, in any case and with any hyphens."""
    proof, account = LetterCode(ring(k1=KEY)), account_of("c-1")
    code = proof.code_of(account, "").reveal()
    assert len(code) == CODE_LENGTH + 1
    codes = [proof.code_of(account_of(f"c-{n}"), "").reveal() for n in range(500)]
    assert {char for each in codes for char in each} == {*READABLE_ALPHABET, "-"}
    assert len(set(codes)) == 500
    for typed in (code.upper(), code.replace("-", " "), code.replace("-", ""), f"  {code}\n"):
        assert proof.verify(account, Secret(typed), "")
    assert not any(proof.verify(account, Secret(code[:at] + code[at + 1 :]), "") for at in range(len(code)) if at != 5)


def test_a_code_outlives_a_rotation_while_its_key_is_kept() -> None:
    """Letters that are on their way work until their key is taken away."""
    account = account_of("c-1")
    code = LetterCode(ring(k1=OLDER_KEY)).code_of(account, "")
    assert LetterCode(ring(k2=KEY, k1=OLDER_KEY)).verify(account, code, "")
    assert not LetterCode(ring(k2=KEY)).verify(account, code, "")


def test_an_old_letter_is_worth_nothing_after_a_reissue(every_portal: Portal) -> None:
    """A re-issue gives a new code; so does a chosen password; disabling and enabling keeps the one in the mail."""
    portal = proving(every_portal, LetterCode(ring(k1=KEY)))
    (old,) = portal.accounts.reveal_claim_codes(["c-1"], OFFICE).values()
    issued(portal)
    assert offer(portal, ticket_of(portal), old) == ClaimProofRefused()
    (code,) = portal.accounts.reveal_claim_codes(["c-1"], OFFICE).values()
    portal.accounts.disable("c-1", OFFICE)
    portal.accounts.enable("c-1", OFFICE)
    assert isinstance(offer(portal, ticket_of(portal), code), PasswordChanged)
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    ticket = ticket_of(portal, password=GOOD_PASSWORD)
    assert offer(portal, ticket, code, new=OTHER_PASSWORD) == ClaimProofRefused()


def test_codes_are_told_on_purpose_and_on_the_record(portal: Portal) -> None:
    """R15, R16: it takes the privilege to reveal, each is an event, and whoever is asked for none has none."""
    portal = proving(portal, LetterCode(ring(k1=KEY)))
    issued(portal, "c-2")
    settled(portal.with_parts(claim_proof=None), "c-2")
    codes = portal.accounts.reveal_claim_codes(["c-1", "c-2", "c-3", "absent"], OFFICE)
    assert list(codes) == ["c-1"]
    assert "********" in repr(codes)
    (event,) = [each for each in portal.store.events() if each.kind == AuditKind.CLAIM_CODE_REVEALED]
    assert (event.contact_id, event.operator_id) == ("c-1", "office")
    blind = portal.with_parts(authorizer=Grants(privileges={"office": set(Privilege) - {Privilege.REVEAL}}))
    assert blind.accounts.reveal_claim_codes(["c-1"], OFFICE) == {}
    assert blind.kinds()[-1] == "authz_fail reveal"
    own = Operator(operator_id="office", contact_id=ContactId("c-1"))
    assert portal.accounts.reveal_claim_codes(["c-1"], own) == {}


@pytest.mark.parametrize("proof", [None, STUDENTS])
def test_a_claim_proof_without_codes_tells_none(memory_portal: Portal, proof: Any) -> None:
    """R23: what the school's own tables know is not told here."""
    with pytest.raises(ConfigurationError):
        memory_portal.with_parts(claim_proof=proof).accounts.reveal_claim_codes(["c-1"], OFFICE)


def test_no_claim_proof_is_on_the_record_or_in_a_repr(portal: Portal) -> None:
    """R14: neither the typed ones nor the right one, nor the code, are kept or shown anywhere."""
    portal = proving(portal, LetterCode(ring(k1=KEY)))
    (code,) = portal.accounts.reveal_claim_codes(["c-1"], OFFICE).values()
    ticket = ticket_of(portal)
    wrong = "canary 77 canary"
    outcomes = [offer(portal, ticket, wrong), offer(portal, ticket, code)]
    shown = repr(outcomes) + "".join(event.line() for event in portal.store.events()) + repr(portal.account("c-1"))
    shown += repr(portal.sign_ins) + repr(portal.accounts) + repr(LetterCode(ring(k1=KEY))) + repr(STUDENTS)
    for canary in (wrong, code.reveal(), code.reveal().replace("-", ""), KEY.decode()):
        assert canary not in shown
