"""Who gets a letter, with what in it, and what goes on the record (R15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from portal import FAMILY, GOOD_PASSWORD, NOBODY, OFFICE, ROSA, USERNAMES, Portal, invited, issued, settled
from portalcreds.accounts import Account
from portalcreds.audit import AuditEvent, AuditKind, showing
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import LastNameFirstInitial, NameTemplate, RandomReadable
from portalcreds.derived import Derived
from portalcreds.exceptions import ConfigurationError, InvalidValueError, StoreUnavailableError, UnderivableError
from portalcreds.hashers import KeyRing
from portalcreds.letters import Letter, LetterOutcome, LetterReason, Letters
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import HashMatch
from portalcreds.secret import Secret
from portalcreds.sign_in import LetterCode, PasswordChanged, PasswordChangeRequired
from resets.applying import disable
from resets.running import confirmed

IDS = ["c-1", "c-2", "c-3", "c-4"]


def reasons(letters: Letters) -> list[tuple[str, LetterReason | None]]:
    """Return why there is no letter, by contact."""
    return [(letter.contact_id, letter.reason) for letter in letters]


def only(letters: Letters) -> Letter:
    """Return the one letter."""
    (letter,) = letters
    return letter


def test_a_derived_default_is_printed_as_it_is_stored(every_portal: Portal) -> None:
    """Each contact with a live default gets it, and signs in with what the letter says."""
    portal = every_portal
    portal.resets.start(confirmed(portal, IDS)).run()
    letters = portal.letters.write([*IDS, "c-9"], OFFICE)
    assert reasons(letters) == [
        ("c-1", None),
        ("c-2", None),
        ("c-3", None),
        ("c-4", LetterReason.NO_PASSWORD),
        ("c-9", LetterReason.NO_ACCOUNT),
    ]
    assert letters.count(LetterOutcome.WRITTEN) == 3
    for letter in list(letters)[:3]:
        assert letter.username is not None
        assert letter.password is not None
        assert letter.expires_at == portal.account(letter.contact_id).credential.expires_at
        assert isinstance(portal.sign_ins.sign_in(letter.username, letter.password), PasswordChangeRequired)


def _default_was_changed(portal: Portal) -> None:
    settled(portal)


def _name_moved(portal: Portal) -> None:
    issued(portal)
    portal.clock.move(minutes=1)
    married = attrs.evolve(ROSA, last_name="Bianchi")
    portal.accounts.sync_contacts([married, *FAMILY[1:]], OFFICE)


def _expired(portal: Portal) -> None:
    issued(portal)
    portal.clock.move(days=14)


def _disabled(portal: Portal) -> None:
    issued(portal)
    disable(portal)


def _erased(portal: Portal) -> None:
    issued(portal)
    portal.accounts.erase("c-1", OFFICE)


def _imported(portal: Portal) -> None:
    plan = portal.accounts.plan_import([("c-1", portal.chosen_hash("AbbiaticiR"))], OFFICE)
    portal.accounts.apply_import(plan.confirm(OFFICE))


def _other_rule(portal: Portal) -> None:
    issued(portal.with_parts(strategy=NameTemplate(template="{first_name}{last_name}")))


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (_default_was_changed, LetterReason.CHOSE_OWN),
        (_name_moved, LetterReason.NAME_CHANGED),
        (_expired, LetterReason.EXPIRED),
        (_disabled, LetterReason.DISABLED),
        (_erased, LetterReason.ERASED),
        (invited, LetterReason.INVITED),
        (_imported, LetterReason.IMPORTED),
        (_other_rule, LetterReason.OTHER_STRATEGY),
        (lambda portal: None, LetterReason.NO_PASSWORD),
    ],
)
def test_what_does_not_work_is_not_printed(
    portal: Portal, before: Callable[[Portal], None], reason: LetterReason
) -> None:
    """R15: no letter says what signs nobody in, and each says why; nothing is recorded as revealed."""
    before(portal)
    letter = only(portal.letters.write(["c-1"], OFFICE))
    assert (letter.outcome, letter.reason) == (LetterOutcome.REFUSED, reason)
    assert (letter.password, letter.ticket, letter.code, letter.username) == (None, None, None, None)
    assert AuditKind.PASSWORD_REVEALED not in [event.kind for event in portal.store.events()]


def test_a_contact_without_a_user_name_gets_no_letter(portal: Portal) -> None:
    """There would be nothing to sign in with."""
    portal.accounts.sync_contacts([Contact(contact_id=ContactId("c-5"), first_name="A", last_name="B")], OFFICE)
    assert reasons(portal.letters.write(["c-5"], OFFICE)) == [("c-5", LetterReason.NO_USERNAME)]


class Fails(LastNameFirstInitial):
    """The usual rule, with a fault."""

    def __init__(self, error: Exception | None = None) -> None:
        """Remember what to raise; None for another password."""
        object.__setattr__(self, "error", error)

    def derive(self, contact: Contact, /) -> Derived:
        """Raise it."""
        error: Exception | None = vars(self)["error"]
        if error is not None:
            raise error
        return Derived(Secret("something else"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, LetterReason.OTHER_PASSWORD),
        (UnderivableError("c-1", "last_name", "blank"), LetterReason.NOT_DERIVABLE),
        (RuntimeError("Abbiatici"), LetterReason.STRATEGY_FAILED),
    ],
)
def test_a_rule_that_fails_costs_one_letter(
    memory_portal: Portal, error: Exception | None, reason: LetterReason
) -> None:
    """R15: what the rule makes now is compared with what is stored, and a fault of the rule's is a reason."""
    issued(memory_portal)
    assert only(memory_portal.with_parts(strategy=Fails(error)).letters.write(["c-1"], OFFICE)).reason == reason


def test_a_hash_that_cannot_be_verified_is_told_as_such(memory_portal: Portal) -> None:
    """A missing key is no other password."""

    class Faulty:
        """Verifies nothing."""

        def match_each(self, tries: Any, /) -> Any:
            """Say so of each."""
            return (HashMatch(fault="missing_key") for _ in tries)

    issued(memory_portal)
    service = attrs.evolve(memory_portal.letters, hasher=Faulty())
    assert only(service.write(["c-1"], OFFICE)).reason == LetterReason.NOT_VERIFIED


def test_a_hasher_that_cannot_verify_many_is_refused(memory_portal: Portal) -> None:
    """The refusal names what the hasher has to be (R23)."""
    with pytest.raises(ConfigurationError, match="HashMatcher"):
        attrs.evolve(memory_portal.letters, hasher=object())  # type: ignore[arg-type]  # Wrong on purpose.


# -- drawn passwords


def test_a_drawn_password_comes_from_its_run_alone(portal: Portal) -> None:
    """R15: without the results of the run nobody knows it, and of an older run it is not the one that works."""
    drawn = portal.with_parts(strategy=RandomReadable())
    report = drawn.resets.start(confirmed(drawn, IDS[:2], reveal=True)).run()
    assert [each.reason for each in drawn.letters.write(IDS[:2], OFFICE)] == [LetterReason.DRAWN] * 2
    letters = drawn.letters.write(IDS[:2], OFFICE, results=report)
    for letter, result in zip(letters, report, strict=True):
        assert letter.password is not None
        assert result.secret is not None
        assert letter.password == result.secret
    drawn.resets.reset_password("c-1", OFFICE, reveal=True)
    again = drawn.letters.write(IDS[:2], OFFICE, results=report)
    assert [each.reason for each in again] == [LetterReason.OTHER_PASSWORD, None]


def test_results_without_a_password_leave_it_to_the_rule(portal: Portal) -> None:
    """The report of a job that reveals nothing may be passed too; its defaults are derived again."""
    report = portal.resets.start(confirmed(portal, IDS)).run()
    assert only(portal.letters.write(["c-1"], OFFICE, results=report)).password == Secret("AbbiaticiR")


# -- invitations and letter codes


def test_an_invitation_is_printed_while_it_works(portal: Portal) -> None:
    """The letter has the ticket and no password, and none once another one took its place."""
    invitation = portal.resets.invite("c-1", OFFICE)
    letter = only(portal.letters.write(["c-1"], OFFICE, results=[invitation]))
    assert (letter.password, letter.ticket, letter.expires_at) == (None, invitation.secret, invitation.expires_at)
    assert portal.kinds("c-1")[-1] == "authn_token_created.invitation"
    newer = portal.resets.invite("c-1", OFFICE)
    older = only(portal.letters.write(["c-1"], OFFICE, results=[invitation]))
    assert older.reason == LetterReason.INVITED
    portal.clock.move(days=14)
    assert only(portal.letters.write(["c-1"], OFFICE, results=[newer])).reason == LetterReason.EXPIRED
    issued(portal)
    assert only(portal.letters.write(["c-1"], OFFICE, results=[newer])).reason == LetterReason.OTHER_PASSWORD


def test_many_are_invited_and_each_gets_a_letter(every_portal: Portal) -> None:
    """The report of the run that drew the tickets is all that letters take; another run's has none, and says so."""
    job = every_portal.resets.start(confirmed(every_portal, IDS, invite=True))
    letters = every_portal.letters.write(IDS, OFFICE, results=job.run())
    assert letters.count(LetterOutcome.WRITTEN) == len(IDS)
    for letter in letters:
        assert letter.ticket is not None
        assert isinstance(every_portal.sign_ins.complete_change(letter.ticket, GOOD_PASSWORD), PasswordChanged)
    every_portal.resets.start(confirmed(every_portal, IDS, invite=True, replace_chosen=True)).run()
    told = every_portal.letters.write(IDS, OFFICE, results=job.report())
    assert [letter.reason for letter in told] == [LetterReason.INVITED] * len(IDS)


def test_the_letter_has_the_code_that_the_form_asks_for(portal: Portal) -> None:
    """A family goes the whole way with its letter alone, and the code is on the record."""
    proved = portal.with_parts(claim_proof=LetterCode(KeyRing(current="k1", keys={"k1": b"k" * 32})))
    issued(proved)
    letter = only(proved.letters.write(["c-1"], OFFICE))
    assert letter.username is not None
    assert letter.password is not None
    demanded = proved.sign_ins.sign_in(letter.username, letter.password)
    assert isinstance(demanded, PasswordChangeRequired)
    changed = proved.sign_ins.complete_change(demanded.ticket, "a long walk on the beach", claim_proof=letter.code)
    assert isinstance(changed, PasswordChanged)
    assert "sensitive_read.claim_code letter" in proved.kinds("c-1")


# -- who may, and what is recorded


def test_each_reveal_is_on_the_record(every_portal: Portal) -> None:
    """R15: who printed whose password, of which issue, and whose user names were seen."""
    issued(every_portal)
    every_portal.letters.write(["c-1", "c-2"], OFFICE)
    *_, revealed, viewed, shown = every_portal.store.events()
    assert (revealed.kind, revealed.contact_id, revealed.reason) == (AuditKind.PASSWORD_REVEALED, "c-1", "letter")
    assert revealed.operation_id == every_portal.account("c-1").credential.issue_id
    assert (viewed.kind, viewed.count, viewed.operator_id) == (AuditKind.USERNAME_VIEWED, 1, "office")
    assert list(showing("c-1", [shown]))
    assert not list(showing("c-2", [shown]))


@pytest.mark.parametrize("missing", [Privilege.REVEAL, Privilege.VIEW_USERNAMES])
def test_it_takes_the_privileges_on_each_account(portal: Portal, missing: Privilege) -> None:
    """R16: of an account that the operator may not see there is no letter and no name, and it is on the record."""
    portal.resets.start(confirmed(portal, IDS)).run()

    def authorizer(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [privilege != missing or account.contact_id == "c-2" for account in accounts]

    letters = portal.with_parts(authorizer=authorizer).letters.write(["c-1", "c-2"], OFFICE)
    assert reasons(letters) == [("c-1", LetterReason.NOT_PERMITTED), ("c-2", None)]
    assert (letters.items[0].first_name, letters.items[0].last_name) == (None, None)
    assert portal.kinds("c-1")[-1] == f"authz_fail {missing.value}"


def test_an_invitation_takes_the_privilege_to_invite(portal: Portal) -> None:
    """Whoever may only reveal prints no invitation of somebody else's."""
    invitation = portal.resets.invite("c-1", OFFICE)
    may = Grants(privileges={"office": [Privilege.REVEAL, Privilege.VIEW_USERNAMES]})
    letters = portal.with_parts(authorizer=may).letters.write(["c-1"], OFFICE, results=[invitation])
    assert only(letters).reason == LetterReason.NOT_PERMITTED


def test_nobody_prints_a_letter_to_themselves(portal: Portal) -> None:
    """R16: an operator who is a parent too asks a colleague."""
    issued(portal)
    rosa = Operator(operator_id="office", contact_id=ContactId("c-1"))
    assert only(portal.letters.write(["c-1"], rosa)).reason == LetterReason.NOT_PERMITTED
    assert only(portal.letters.write(["c-1"], NOBODY)).reason == LetterReason.NOT_PERMITTED


def test_what_cannot_be_recorded_is_not_told(memory_portal: Portal) -> None:
    """R15: where the record cannot be written, there are no letters at all."""
    memory_portal.resets.start(confirmed(memory_portal, IDS)).run()

    class Full:
        """A record that takes nothing more."""

        def record(self, events: Sequence[AuditEvent], /) -> None:
            """Refuse reveals."""
            if any(event.kind == AuditKind.PASSWORD_REVEALED for event in events):
                raise StoreUnavailableError("record")

    with pytest.raises(StoreUnavailableError):
        memory_portal.with_parts(audit=Full()).letters.write(IDS, OFFICE)


# -- what is held


def test_letters_show_no_password_by_accident(memory_portal: Portal) -> None:
    """R14, R24: neither a notebook nor a record has a password, and a log has no name either."""
    issued(memory_portal)
    letters = memory_portal.letters.write(["c-1", "c-9"], OFFICE)
    assert repr(letters) == "<Letters of 2 contacts (written: 1, refused: 1; no_account: 1)>"
    for text in (repr(letters), repr(letters.items), letters._repr_html_(), str(letters.to_records())):
        assert "AbbiaticiR" not in text
    assert "bbiatici" not in repr(letters.items)
    assert letters.to_records()[0] == {
        "contact_id": "c-1",
        "first_name": "Rosa",
        "last_name": "Abbiatici",
        "username": USERNAMES["c-1"],
        "outcome": "written",
        "reason": None,
        "expires_at": "2026-09-07T07:30:00+00:00",
    }


def test_many_are_written_in_the_order_asked_for(memory_portal: Portal) -> None:
    """More than are read at a time, each once, also if an id is there twice."""
    ids = memory_portal.add_school(501)
    memory_portal.resets.start(confirmed(memory_portal, ids)).run()
    asked = [*reversed(ids), ids[0]]
    letters = memory_portal.letters.write(asked, OFFICE)
    assert [letter.contact_id for letter in letters] == asked[:-1]
    assert letters.count(LetterOutcome.WRITTEN) == 501


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("contact_ids", {"contact_ids": "c-1"}),
        ("results", {"results": ["AbbiaticiR"]}),
    ],
)
def test_wrong_arguments_are_named(memory_portal: Portal, field: str, arguments: dict[str, Any]) -> None:
    """R23: the refusal says which argument, and no value."""
    with pytest.raises(InvalidValueError, match=f"^{field}: "):
        memory_portal.letters.write(**{"contact_ids": ["c-1"], "operator": OFFICE, **arguments})
