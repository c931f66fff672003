"""On whose word passwords are set, what goes on the record, and what the host is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from portal import NOBODY, OFFICE, START, Portal, watched
from portalcreds.accounts import Account
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import Passphrase, RandomReadable
from portalcreds.exceptions import StoreUnavailableError, TransactionAborted
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import Change
from portalcreds.resets.plan import DecisionReason
from portalcreds.resets.report import ResetOutcome
from portalcreds.resets.service import ResetService
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignInDenied
from resets.applying import ROSA_ID, SET, confirmed, outcomes

# -- on whose word


def test_privileges_count_when_the_plan_is_applied(portal: Portal) -> None:
    """R16: what was taken away between OK and apply is gone, account by account, and on the record."""
    ok = confirmed(portal, ["c-1", "c-2"])

    def not_rosa(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id != "c-1" for account in accounts]

    report = portal.with_parts(authorizer=not_rosa).resets.start(ok).run()

    assert outcomes(report) == [(ResetOutcome.CANNOT, DecisionReason.NOT_PERMITTED), SET]
    assert portal.kinds("c-1")[-1] == "authz_fail set_many"
    assert portal.account("c-1").credential.epoch == 0


def test_the_one_who_pressed_ok_is_asked_about(portal: Portal) -> None:
    """R16, R17: the privileges, and the name on the record, are those of who pressed OK, and not of who planned."""
    boss = Operator(operator_id="boss")
    portal = portal.with_parts(authorizer=Grants(privileges={"office": Privilege, "boss": [Privilege.SET_ONE]}))

    assert outcomes(portal.resets.start(confirmed(portal, ["c-1"], NOBODY)).run()) == [
        (ResetOutcome.CANNOT, DecisionReason.NOT_PERMITTED)
    ]
    assert outcomes(portal.resets.start(confirmed(portal, ["c-1"], boss)).run()) == [SET]
    assert portal.account("c-1").credential.issued_by == "boss"
    assert (
        outcomes(portal.resets.start(confirmed(portal, ["c-1", "c-2"], boss)).run())
        == [(ResetOutcome.CANNOT, DecisionReason.NOT_PERMITTED)] * 2
    )


def test_nobody_sets_their_own_by_pressing_ok_on_a_colleague_s_plan(portal: Portal) -> None:
    """R16: the refusal of one's own account holds at apply too, unless the host said otherwise."""
    parent = Operator(operator_id="office", contact_id=ROSA_ID)
    ok = confirmed(portal, ["c-1", "c-2"], parent)

    report = portal.resets.start(ok).run()
    assert outcomes(report) == [(ResetOutcome.CANNOT, DecisionReason.NOT_PERMITTED), SET]

    own = ResetService(
        portal.store, hasher=portal.hasher, authorizer=portal.authorizer, clock=portal.clock, allow_own_account=True
    )
    assert own.reset_password("c-1", parent).outcome is ResetOutcome.SET


def test_applying_asks_the_authorizer_once_for_a_chunk(portal: Portal) -> None:
    """R16: of a bulk, one question for each privilege and chunk."""
    ok = confirmed(portal, portal.add_school(70), reveal=True)
    asked: list[tuple[Privilege, int]] = []

    def counting(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        asked.append((privilege, len(accounts)))
        return [True] * len(accounts)

    portal.with_parts(authorizer=counting).resets.start(ok).run()

    kinds = (Privilege.SET_MANY, Privilege.REVEAL)
    assert asked == [(kind, 64) for kind in kinds] + [(kind, 6) for kind in kinds]


# -- what goes on the record


def test_an_issue_says_who_for_whom_what_how_many_and_confirmed_when(portal: Portal) -> None:
    """R1, R17: each default has one line, written with it; the row says the same."""
    plan = portal.resets.plan(["c-1", "c-4", "c-2"], OFFICE)
    portal.clock.move(minutes=1)
    ok = plan.confirm(Operator(operator_id="boss"), key="job-1")
    portal = portal.with_parts(authorizer=Grants(privileges={"boss": Privilege}))
    portal.clock.move(minutes=1)
    job = portal.resets.start(ok)
    before = len(portal.store.events())
    job.run()

    events = portal.store.events()[before:]
    assert [event.contact_id for event in events] == ["c-1", "c-2"]
    for event in events:
        assert attrs.asdict(event, filter=attrs.filters.exclude("event_id", "contact_id")) == {
            "kind": AuditKind.PASSWORD_ISSUED,
            "at": START + timedelta(minutes=2),
            "operator_id": "boss",
            "reason": "last-name-first-initial",
            "operation_id": "job-1",
            "count": 2,
            "confirmed_at": START + timedelta(minutes=1),
            "source": None,
        }
        credential = portal.account(str(event.contact_id)).credential
        assert (credential.issue_id, credential.issued_by, credential.issued_at, credential.strategy) == (
            "job-1",
            "boss",
            START + timedelta(minutes=2),
            "last-name-first-initial",
        )


def test_no_event_of_a_reset_holds_a_name_or_a_password(portal: Portal) -> None:
    """R14, R17: the record of setting and revealing is about ids."""
    portal.resets.start(confirmed(portal, ["c-1", "c-2", "c-4"], reveal=True)).run()

    lines = "\n".join(event.line() for event in portal.store.events())
    for text in ("Rosa", "Abbiatici", "rabbiatici", "Brien", "argon2", "example.org"):
        assert text not in lines


def test_a_reveal_is_on_the_record_with_the_password(portal: Portal) -> None:
    """R15: each revealed password has a line of its own, in the same change as its hash."""
    (result,) = portal.resets.start(confirmed(portal, ["c-1"], reveal=True)).run()

    assert result.secret is not None
    assert result.secret.reveal() == "AbbiaticiR"
    issue, reveal = portal.store.events(ROSA_ID)[-2:]
    assert (issue.kind, reveal.kind) == (AuditKind.PASSWORD_ISSUED, AuditKind.PASSWORD_REVEALED)
    assert reveal == attrs.evolve(issue, kind=reveal.kind, event_id=reveal.event_id)
    assert reveal.event_id != issue.event_id


def test_nothing_is_revealed_that_nobody_asked_to_see(portal: Portal) -> None:
    """R15: without a reveal in the plan there is no plaintext on any result, and no line about one."""
    (result,) = portal.resets.start(confirmed(portal, ["c-1"])).run()
    assert result.secret is None
    assert not any(kind.startswith("sensitive_read.password") for kind in portal.kinds())


def test_a_reveal_that_cannot_be_recorded_does_not_happen(portal: Portal) -> None:
    """R1, R15: the store writes password and record in one change or neither, and the result has no plaintext."""
    changes: list[Change] = []

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            changes.extend(arguments[0])
            raise StoreUnavailableError("apply", "disk_full")

    ok = confirmed(portal, ["c-1"], reveal=True)
    before = portal.account("c-1"), portal.store.events()
    (result,) = attrs.evolve(portal, store=watched(portal.store, fail)).resets.start(ok).run()

    assert (result.outcome, result.reason) == (ResetOutcome.FAILED, DecisionReason.STORE_UNAVAILABLE)
    assert result.secret is None
    assert (portal.account("c-1"), portal.store.events()) == before
    (change,) = changes
    assert [event.kind for event in change.events] == [AuditKind.PASSWORD_ISSUED, AuditKind.PASSWORD_REVEALED]
    assert change.new.credential.must_change


def test_a_privilege_to_reveal_that_is_gone_at_apply_sets_nothing(portal: Portal) -> None:
    """R15, R16: a password that could not be handed over is not set."""
    ok = confirmed(portal, ["c-1"], reveal=True)
    only_set = Grants(privileges={"office": [Privilege.SET_ONE]})

    (result,) = portal.with_parts(authorizer=only_set).resets.start(ok).run()

    assert (result.outcome, result.reason, result.secret) == (
        ResetOutcome.CANNOT,
        DecisionReason.REVEAL_NOT_PERMITTED,
        None,
    )
    assert portal.account("c-1").credential.epoch == 0


@pytest.mark.parametrize("strategy", [RandomReadable(), Passphrase()], ids=lambda strategy: str(strategy.id)[:10])
def test_drawn_passwords_are_all_different_and_each_opens_its_own_door(portal: Portal, strategy: Any) -> None:
    """What was drawn is on the result and nowhere else, works for that contact, and must be changed."""
    drawing = portal.with_parts(strategy=strategy)
    report = drawing.resets.start(confirmed(drawing, ["c-1", "c-2", "c-4"], reveal=True)).run()

    assert outcomes(report) == [SET] * 3
    secrets = [result.secret for result in report]
    texts = [secret.reveal() for secret in secrets if secret is not None]
    assert len(set(texts)) == 3
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", texts[1]), SignInDenied)
    for username, text in zip(("rabbiatici", "pobrien", "suharto"), texts, strict=True):
        assert isinstance(portal.sign_ins.sign_in(username, text), PasswordChangeRequired)
    record = "\n".join(event.line() for event in portal.store.events())
    assert not any(text in record or text in repr(report.items) for text in texts)
    assert portal.account("c-4").credential.strategy == strategy.id


def test_equal_defaults_never_share_a_hash(portal: Portal) -> None:
    """R13: a family has one default and as many hashes as members."""
    family = [Contact(contact_id=ContactId(f"f-{n}"), first_name="Mia", last_name="Li") for n in range(40)]
    portal.accounts.sync_contacts(family, OFFICE, usernames=lambda contact: contact.contact_id)

    portal.resets.start(confirmed(portal, [contact.contact_id for contact in family])).run()

    hashes = [portal.account(contact.contact_id).credential.password_hash for contact in family]
    assert len({stored.encoded for stored in hashes if stored is not None}) == 40
    assert isinstance(portal.sign_ins.sign_in("f-39", "LiM"), PasswordChangeRequired)


# -- hooks


def test_the_host_is_told_of_each_password_set_and_of_nothing_else(portal: Portal) -> None:
    """ASVS 6.3.7: once for each commit, after it, with the account as it is and what happened."""
    told: list[tuple[Account, AuditEvent]] = []
    portal.accounts.disable("c-3", OFFICE)
    hooked = portal.with_parts(on_change=lambda account, event: told.append((account, event)))
    ok = confirmed(portal, ["c-1", "c-3", "c-2", "c-9"], reveal=True)
    hooked.resets.start(ok).run()
    hooked.resets.start(ok).run()

    assert [account for account, _ in told] == [portal.account("c-1"), portal.account("c-2")]
    assert {event.kind for _, event in told} == {AuditKind.PASSWORD_ISSUED}
    assert [event.contact_id for _, event in told] == ["c-1", "c-2"]


def test_a_hook_that_fails_changes_nothing_but_the_record(portal: Portal) -> None:
    """The password is set already; that nobody was told is on the record, without the error's text."""

    def broken(account: Account, event: AuditEvent) -> None:
        raise ConnectionError("to rosa@example.org: mailbox of Abbiatici full")

    hooked = portal.with_parts(on_change=broken)
    assert outcomes(hooked.resets.start(confirmed(hooked, ["c-1", "c-2"])).run()) == [SET, SET]
    assert portal.kinds("c-1")[-1] == "notification_failed ConnectionError"
    assert "rosa" not in portal.store.events(ROSA_ID)[-1].line().lower()


def test_a_hook_and_a_sink_that_both_fail_end_no_job(portal: Portal) -> None:
    """R12: what is committed is reported, with its secrets, though the host's mail and the host's log are down."""

    class Full:
        def record(self, events: Sequence[AuditEvent], /) -> None:
            if any(event.kind is AuditKind.NOTIFICATION_FAILED for event in events):
                raise OSError("disk full")

    def broken(account: Account, event: AuditEvent) -> None:
        raise ConnectionError

    resets = ResetService(
        portal.store,
        hasher=portal.hasher,
        authorizer=portal.authorizer,
        audit=Full(),
        clock=portal.clock,
        on_change=broken,
        strategy=RandomReadable(),
    )
    report = resets.start(resets.plan(["c-1", "c-2"], OFFICE, reveal=True).confirm(OFFICE)).run()
    assert outcomes(report) == [SET, SET]
    assert all(result.secret is not None for result in report)


def test_a_transaction_that_is_gone_when_a_hook_failed_comes_out(portal: Portal) -> None:
    """R20: the host's transaction, and the password in it, have to be written again."""

    class Gone:
        def record(self, events: Sequence[AuditEvent], /) -> None:
            if any(event.kind is AuditKind.NOTIFICATION_FAILED for event in events):
                raise TransactionAborted("record", "40001")

    def broken(account: Account, event: AuditEvent) -> None:
        raise ConnectionError

    resets = ResetService(
        portal.store,
        hasher=portal.hasher,
        authorizer=portal.authorizer,
        audit=Gone(),
        clock=portal.clock,
        on_change=broken,
    )
    with pytest.raises(TransactionAborted):
        resets.reset_password("c-1", OFFICE)
