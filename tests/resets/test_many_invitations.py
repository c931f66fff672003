"""Many are invited as many defaults are set: plan, look, OK, job; and whoever drew a ticket is the only one told."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import attrs
import pytest

from portal import FAMILY, GOOD_PASSWORD, OFFICE, START, Portal, invited, settled, ticket_of, watched
from portalcreds._ids import digest
from portalcreds.accounts import INVITATION
from portalcreds.audit import AuditKind
from portalcreds.contacts import ContactId
from portalcreds.default_passwords import RandomReadable
from portalcreds.exceptions import DailyCeilingError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.resets import ResetJob, ResetOutcome, ResetReport, ResetResult
from portalcreds.sign_in import KnownValues, PasswordChanged, SignedIn, SignInDenied
from races import at_once, crowded
from resets.planning import EVERYBODY
from resets.running import CHUNK, confirmed, epochs, issues_of, outcomes


def tickets(report: ResetReport) -> dict[str, str]:
    """Return the tickets that a report has, by contact."""
    return {result.contact_id: result.secret.reveal() for result in report if result.secret is not None}


def test_each_gets_a_ticket_that_works_once(every_portal: Portal) -> None:
    """R2, R11: the plan shows whom, nothing is written before OK, and each ticket opens its own account, once."""
    plan = every_portal.resets.plan(EVERYBODY, OFFICE, invite=True)
    assert [item.decision for item in plan] == ["will_set"] * 4  # The mononym too: nothing is derived.
    assert epochs(every_portal, EVERYBODY) == [0] * 4
    report = every_portal.resets.start(plan.confirm(OFFICE)).run()
    told = tickets(report)
    assert list(told) == EVERYBODY
    for contact_id, ticket in told.items():
        account = every_portal.account(contact_id)
        assert (account.credential.epoch, account.credential.is_invited) == (1, True)
        assert account.credential.ticket_digest == digest(ticket)
        assert isinstance(every_portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)
        assert not isinstance(every_portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)
        assert isinstance(every_portal.sign_ins.sign_in(account.username or "", GOOD_PASSWORD), SignedIn)


def test_the_hash_beside_an_invitation_is_of_what_nobody_was_told(portal: Portal) -> None:
    """R1: neither the ticket, nor its secret part, nor the usual default signs in; no two hashes are the same."""
    told = tickets(portal.resets.start(confirmed(portal, EVERYBODY, invite=True)).run())
    for guess in (told["c-1"], told["c-1"].partition(".")[2], "AbbiaticiR", ""):
        assert portal.sign_ins.sign_in("rabbiatici", guess) == SignInDenied()
    assert len({portal.account(each).credential.password_hash for each in told}) == 4


def test_who_chose_a_password_keeps_it_unless_the_operator_says_so(portal: Portal) -> None:
    """R11: as for defaults; the plan tells it before OK, and so does its message."""
    settled(portal)
    invited(portal, "c-2")
    plan = portal.resets.plan(["c-1", "c-2", "c-9"], OFFICE, invite=True)
    assert [(item.decision, item.reason) for item in plan] == [
        ("skip", "chose_own"),
        ("will_set", None),
        ("cannot", "no_account"),
    ]
    assert plan.items[1].warnings == ("replaces_live_default",)
    assert plan.confirmation.code == "confirm_invite_many"
    assert plan.confirmation.text == (
        "Invite 1 of 3 contacts to choose a password? "
        "The invitation works once, for 14 days. Until it is used, no password signs in. "
        "1 of them has a default or an invitation that works, which will stop working. "
        "Skipped: 1. Cannot be invited: 1."
    )
    (item,) = portal.resets.plan(["c-1"], OFFICE, invite=True, replace_chosen=True)
    assert (item.decision, item.warnings) == ("will_set", ("replaces_chosen",))


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, "for 14 days."),
        ({"expires_at": START + timedelta(days=3)}, "until 2026-08-27 07:30+00:00."),
    ],
)
def test_the_message_for_one(portal: Portal, terms: dict[str, Any], said: str) -> None:
    """R5: whom, and how long; that only digests are stored needs no words about passwords that are shown."""
    confirmation = portal.resets.plan(["c-1"], OFFICE, invite=True, **terms).confirmation
    assert confirmation.code == "confirm_invite_one"
    assert confirmation.text.startswith("Invite Rosa Abbiatici (user name rabbiatici) to choose a password?")
    assert said in confirmation.text
    assert "shown" not in confirmation.text


def test_a_missing_claim_proof_is_no_worry(portal: Portal) -> None:
    """An invitation asks for none, so the plan does not warn of it."""
    proved = portal.with_parts(claim_proof=KnownValues(lambda ids: {}, kind="number"))
    assert [item.warnings for item in proved.resets.plan(["c-1"], OFFICE)] == [("no_claim_proof",)]
    assert [item.warnings for item in proved.resets.plan(["c-1"], OFFICE, invite=True)] == [()]


def test_the_strategy_of_the_service_is_not_asked(portal: Portal) -> None:
    """A service whose strategy draws, or fails, invites all the same, and another one goes on with the job."""
    ok = confirmed(portal.with_parts(strategy=RandomReadable()), EVERYBODY, invite=True)
    assert ok.plan.strategy == INVITATION
    portal.resets.start(ok)
    assert outcomes(portal.resets.resume(ok.key).run()) == {("set", None): 4}


def test_an_id_as_long_as_it_gets_is_no_obstacle(portal: Portal) -> None:
    """A ticket begins with the id and is no password, so no rule about passwords holds for it."""
    longest = attrs.evolve(FAMILY[0], contact_id=ContactId("x" * 255))
    portal.accounts.sync_contacts([longest], OFFICE, usernames={"x" * 255: "rosa.too"})
    assert isinstance(portal.sign_ins.complete_change(invited(portal, "x" * 255), GOOD_PASSWORD), PasswordChanged)


# -- who may, and what is on the record


def test_inviting_many_takes_its_own_privilege_alone(portal: Portal) -> None:
    """R16: neither setting nor revealing is needed, nor enough; each refusal is on the record."""
    inviter, setter = Operator(operator_id="inviter"), Operator(operator_id="setter")
    privileges = {"inviter": [Privilege.INVITE], "setter": set(Privilege) - {Privilege.INVITE}}
    portal = portal.with_parts(authorizer=Grants(privileges=privileges))
    refused = portal.resets.plan(["c-1", "c-2"], setter, invite=True)
    assert [item.reason for item in refused] == ["not_permitted"] * 2
    assert portal.kinds("c-2")[-1] == "authz_fail invite"
    plan = portal.resets.plan(["c-1", "c-2"], inviter, invite=True)
    report = portal.resets.start(plan.confirm(inviter)).run()
    assert len(tickets(report)) == 2
    assert [result.item.username for result in report] == [None, None]


def test_a_privilege_that_was_taken_away_since_ok_counts(portal: Portal) -> None:
    """R16: each contact is asked about again when its turn comes."""
    ok = confirmed(portal, ["c-1", "c-2"], invite=True)
    without = Grants(privileges={"office": set(Privilege) - {Privilege.INVITE}})
    report = portal.with_parts(authorizer=without).resets.start(ok).run()
    assert outcomes(report) == {("cannot", "not_permitted"): 2}
    assert epochs(portal, EVERYBODY[:2]) == [0, 0]


def test_each_invitation_is_on_the_record_and_the_host_is_told(every_portal: Portal) -> None:
    """R17, ASVS 6.3.7: who, for whom, how many, confirmed when, under which key; once each, and no reveal beside it."""
    told: list[tuple[str, str]] = []
    hooked = every_portal.with_parts(on_change=lambda account, event: told.append((account.contact_id, event.kind)))
    ok = confirmed(hooked, EVERYBODY, invite=True)
    hooked.resets.start(ok).run()
    events = [event for event in every_portal.store.events() if event.operation_id == ok.key]
    assert [event.contact_id for event in events] == EVERYBODY
    for event in events:
        assert (event.kind, event.reason, event.count) == (AuditKind.INVITED, None, 4)
        assert (event.operator_id, event.confirmed_at) == ("office", ok.confirmed_at)
    assert told == [(contact_id, "authn_token_created.invitation") for contact_id in EVERYBODY]


def test_invitations_count_for_the_ceiling(portal: Portal) -> None:
    """R12: an operator who may set three a day invites no fourth."""
    portal = portal.with_parts(max_per_day=3)
    portal.resets.start(confirmed(portal, ["c-1", "c-2"]))
    with pytest.raises(DailyCeilingError):
        portal.resets.start(confirmed(portal, ["c-1", "c-2"], invite=True))
    invited(portal, "c-3")
    with pytest.raises(DailyCeilingError):
        portal.resets.invite("c-4", OFFICE)
    assert portal.account("c-4").credential.epoch == 0


# -- nothing tells a ticket but the run that drew it


def _shown(job: ResetJob, report: ResetReport) -> str:
    several = (job, report, *report, *(result.item for result in report))
    records = (report.to_records(), job.to_records(), [result.to_record() for result in report])
    return " ".join(
        [*map(repr, several), *map(str, several), *map(str, records), report._repr_html_(), job._repr_html_()]
    )


def test_no_ticket_is_stored_or_shown(every_portal: Portal) -> None:
    """R14, R15, R24: not in the job, the record, the account, a repr, a notebook, a record or a pickle."""
    portal = every_portal
    ok = confirmed(portal, EVERYBODY, invite=True)
    job = portal.resets.start(ok)
    report = job.run()
    jobs: Any = portal.store
    stored = [jobs.find_job(ok.key), *jobs.read_chunks(ok.key, -1, 99), *portal.store.events()]
    kept = [attrs.asdict(each, recurse=False) for each in stored]
    accounts = [attrs.asdict(portal.account(each)) for each in EVERYBODY]
    text = " ".join(map(str, (kept, accounts))) + _shown(job, report)
    for contact_id, ticket in tickets(report).items():
        assert ticket.partition(".")[2] not in text
        # The digest is with the account alone: who reads the job store cannot tell whether a ticket is right.
        assert digest(ticket) not in f"{kept}{_shown(job, report)}"
        assert portal.account(contact_id).credential.ticket_digest == digest(ticket)


def test_another_run_is_told_no_ticket(every_portal: Portal) -> None:
    """R12: the report of any other process says who was invited, and has none of the tickets."""
    ok = confirmed(every_portal, EVERYBODY, invite=True)
    first = every_portal.resets.start(ok).run()
    for other in (every_portal.resets.resume(ok.key), every_portal.resets.start(ok)):
        assert outcomes(other.run()) == {("set", None): 4}
        assert tickets(other.report()) == {}
    assert len(tickets(first)) == 4
    assert issues_of(every_portal, AuditKind.INVITED) == dict.fromkeys(EVERYBODY, 1)


def test_what_was_never_delivered_is_told(every_portal: Portal) -> None:
    """R12: tickets that were committed when their run ended are lost and say so; a new plan invites these again."""
    portal = every_portal
    school = portal.add_school(CHUNK + 2)
    ok = confirmed(portal, [*school], invite=True)
    first = next(iter(portal.resets.start(ok)))
    assert first.secret is not None
    # The family is faster than whoever looks after the job: that one was delivered.
    assert isinstance(portal.sign_ins.complete_change(first.secret, GOOD_PASSWORD), PasswordChanged)
    portal.clock.move(seconds=31)

    resumed = portal.resets.resume(ok.key).run()

    assert outcomes(resumed) == {("undelivered", None): CHUNK - 1, ("set", None): 3}
    assert list(tickets(resumed)) == school[-2:]
    assert epochs(portal, school) == [2] + [1] * (CHUNK + 1)
    lost = [result.contact_id for result in resumed if result.outcome is ResetOutcome.UNDELIVERED]
    anew = portal.resets.start(confirmed(portal, lost, invite=True)).run()
    assert list(tickets(anew)) == lost


def test_a_second_ok_is_the_same_job(every_portal: Portal) -> None:
    """R12: pressed twice, it invites once; the key of a job that set defaults does for no invitations."""
    plan = every_portal.resets.plan(EVERYBODY, OFFICE, invite=True)
    every_portal.resets.start(plan.confirm(OFFICE, key="k-1")).run()
    again = every_portal.resets.start(plan.confirm(OFFICE, key="k-1"))
    assert outcomes(again.run()) == {("set", None): 4}
    assert issues_of(every_portal, AuditKind.INVITED) == dict.fromkeys(EVERYBODY, 1)


def test_a_plan_to_invite_is_another_plan(portal: Portal) -> None:
    """R11: OK that was pressed on defaults is no OK to invitations."""
    shown = portal.resets.plan(["c-1", "c-2"], OFFICE, reveal=True)
    now = portal.resets.plan(["c-1", "c-2"], OFFICE, invite=True)
    assert shown.fingerprint != now.fingerprint


# -- races


def test_who_changed_since_the_plan_is_left_alone(every_portal: Portal) -> None:
    """R11: a contact who got a password of their own meanwhile keeps it, and has no ticket."""
    ok = confirmed(every_portal, EVERYBODY, invite=True)
    settled(every_portal, "c-2")
    report = every_portal.resets.start(ok).run()
    assert outcomes(report) == {("set", None): 3, ("skipped", "changed_meanwhile"): 1}
    assert "c-2" not in tickets(report)
    assert isinstance(every_portal.sign_ins.sign_in("PObrien", GOOD_PASSWORD), SignedIn)


def test_a_sign_in_between_reading_and_writing(every_portal: Portal) -> None:
    """R3: a ticket that a default opened while the invitation was hashed is replaced; the one that is told works."""
    portal = every_portal
    portal.resets.reset_password("c-1", OFFICE)
    ok = confirmed(portal, ["c-1", "c-2"], invite=True)
    opened: list[Any] = []

    def sign_in(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not opened:
            opened.append(None)
            opened.append(ticket_of(portal))

    report = attrs.evolve(portal, store=watched(portal.store, sign_in)).resets.start(ok).run()

    assert outcomes(report) == {("set", None): 2}
    assert not isinstance(portal.sign_ins.complete_change(opened[1], GOOD_PASSWORD), PasswordChanged)
    for ticket in tickets(report).values():
        assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


def test_two_run_it_while_families_use_their_tickets(every_portal: Portal) -> None:
    """R3, R12: each is invited once and told once, by one of the two; and what a family chose meanwhile stays."""
    school = [ContactId(each) for each in every_portal.add_school(3 * CHUNK)]
    key = every_portal.resets.start(confirmed(every_portal, [*school], invite=True)).key
    with crowded(every_portal, 64) as many:

        def work() -> list[ResetResult]:
            told = []
            for result in many.resets.resume(key):
                told.append(result)
                # Every eighth family opens the mail at once, while the job goes on.
                if result.secret is not None and len(told) % 8 == 0:
                    assert isinstance(many.sign_ins.complete_change(result.secret, GOOD_PASSWORD), PasswordChanged)
            return told

        both = at_once(work, work)
        told = [result for each in both for result in each]
        assert Counter(result.contact_id for result in told) == dict.fromkeys(school, 1)
        assert {result.outcome for result in told} == {ResetOutcome.SET}
        assert issues_of(many, AuditKind.INVITED) == dict.fromkeys(school, 1)
        chosen = {result.contact_id for each in both for result in each[7::8]}
        states = {each: many.account(each).credential.origin for each in school}
        assert {each for each, origin in states.items() if origin == "chosen"} == chosen
        waiting = [each for each in told if each.contact_id not in chosen][:8]
        uses = [partial(many.sign_ins.complete_change, each.secret, GOOD_PASSWORD) for each in waiting]
        assert all(isinstance(each, PasswordChanged) for each in at_once(*uses))


def test_the_family_is_named_nowhere_in_a_job(memory_portal: Portal) -> None:
    """R14: what is stored of a job that invites has ids and decisions, as any other has."""
    ok = confirmed(memory_portal, EVERYBODY, invite=True)
    memory_portal.resets.start(ok).run()
    jobs: Any = memory_portal.store
    text = "".join(f"{chunk.items}{chunk.results}" for chunk in jobs.read_chunks(ok.key, -1, 9))
    assert "c-1" in text
    assert not [contact for contact in FAMILY if contact.last_name is not None and contact.last_name in text]
