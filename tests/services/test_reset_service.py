"""What applying a confirmed plan sets, for whom, on whose word, and what goes on the record."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import attrs
import pytest

from portal import (
    GOOD_PASSWORD,
    NOBODY,
    OFFICE,
    START,
    Portal,
    issued,
    settled,
    ticket_of,
    watched,
)
from portalcreds.accounts import Account, AccountStatus, CredentialOrigin
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import Derived, LastNameFirstInitial, NameTemplate, Passphrase, RandomReadable
from portalcreds.exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
    StoreUnavailableError,
    TransactionAborted,
    UnderivableError,
)
from portalcreds.outcomes import (
    DefaultExpired,
    PasswordChangeRequired,
    SignedIn,
    SignInDenied,
    TicketInvalid,
)
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import ApplyResult, Change
from portalcreds.reset_job import ResetOutcome, ResetReport
from portalcreds.reset_plan import ConfirmedPlan, Decision, DecisionReason
from portalcreds.reset_service import DEFAULT_LIFETIME, MAX_LIFETIME, ResetService
from portalcreds.secret import Secret

ROSA_ID = ContactId("c-1")


def confirmed(portal: Portal, contact_ids: Sequence[str], operator: Operator = OFFICE, **options: Any) -> ConfirmedPlan:
    """Plan, and press OK."""
    return portal.resets.plan(contact_ids, OFFICE, **options).confirm(operator)


def outcomes(report: ResetReport) -> list[tuple[ResetOutcome, DecisionReason | None]]:
    """Return the outcomes with their reasons, in order."""
    return [(result.outcome, result.reason) for result in report]


def write(portal: Portal, step: Callable[[Account], Account], contact_id: str = "c-1") -> None:
    """Store an account's next step, as another part of the system would."""
    account = portal.account(contact_id)
    assert list(portal.store.apply([Change(old=account, new=step(account))])) == [ApplyResult.APPLIED]


SET = (ResetOutcome.SET, None)
CHANGED = (ResetOutcome.SKIPPED, DecisionReason.CHANGED_MEANWHILE)

# -- what may be applied


@pytest.mark.parametrize("what", ["plan", "items", "nothing"])
def test_only_a_confirmed_plan_is_applied(portal: Portal, what: str) -> None:
    """Design 6: pressing OK cannot be left out, also where no type checker looks."""
    plan = portal.resets.plan(["c-1"], OFFICE)
    handed: Any = {"plan": plan, "items": plan.items, "nothing": None}[what]

    with pytest.raises(ConfigurationError) as caught:
        portal.resets.apply(handed)
    assert caught.value.argument == "confirmed"


def test_a_plan_is_applied_with_the_strategy_it_was_made_with(portal: Portal) -> None:
    """R11: what was confirmed is what is set, and not another rule's password."""
    ok = confirmed(portal, ["c-1"])
    with pytest.raises(ConfigurationError) as caught:
        portal.with_parts(strategy=NameTemplate(template="{last_name}")).resets.apply(ok)
    assert caught.value.argument == "strategy"


class OddStrategy:
    """A strategy that lacks something."""

    is_derivable: Any = True

    def __init__(self, strategy_id: Any, is_derivable: Any = True) -> None:
        """Take anything."""
        self.id = strategy_id
        self.is_derivable = is_derivable

    def derive(self, contact: Contact, /) -> Derived:
        """Never asked."""
        raise NotImplementedError


@pytest.mark.parametrize(
    ("parts", "argument"),
    [
        ({"strategy": OddStrategy("x" * 65)}, "strategy"),
        ({"strategy": OddStrategy("")}, "strategy"),
        ({"strategy": OddStrategy(None)}, "strategy"),
        ({"strategy": OddStrategy("mine", "yes")}, "strategy"),
        ({"strategy": object()}, "strategy"),
        ({"lifetime": timedelta(0)}, "lifetime"),
        ({"lifetime": -timedelta(days=1)}, "lifetime"),
        ({"lifetime": MAX_LIFETIME + timedelta(microseconds=1)}, "lifetime"),
    ],
)
def test_parts_that_cannot_work_are_refused_at_once(
    memory_portal: Portal, parts: dict[str, Any], argument: str
) -> None:
    """R23: a service that could not write what it sets is not made."""
    with pytest.raises(ConfigurationError) as caught:
        _ = memory_portal.with_parts(**parts).resets
    assert caught.value.argument.strip("_") == argument


def test_a_hasher_that_does_not_write_issued_hashes_is_refused(memory_portal: Portal) -> None:
    """R23: a single hasher is easily passed for the pair of them."""
    with pytest.raises(ConfigurationError, match="UpgradingHasher"):
        ResetService(memory_portal.store, hasher=object(), authorizer=memory_portal.authorizer)  # type: ignore[arg-type]  # The mistake.


def test_the_longest_lifetime_is_taken(memory_portal: Portal) -> None:
    """R5: the bound itself is inside."""
    assert memory_portal.with_parts(lifetime=MAX_LIFETIME).resets.plan([], OFFICE).lifetime == MAX_LIFETIME
    assert memory_portal.resets.plan([], OFFICE).lifetime == DEFAULT_LIFETIME == timedelta(days=14)


# -- from which states


def disable(portal: Portal) -> None:
    """Disable Rosa's account."""
    portal.accounts.disable("c-1", OFFICE)


def expire(portal: Portal) -> None:
    """Let Rosa's default expire."""
    issued(portal)
    portal.clock.move(days=15)


def demand(portal: Portal) -> None:
    """Demand a change of a password that Rosa chose."""
    settled(portal)
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")


def demand_of_default(portal: Portal) -> None:
    """Demand a change of Rosa's default besides."""
    issued(portal)
    portal.accounts.require_change("c-1", OFFICE, reason="campaign")


def half_way(portal: Portal) -> None:
    """Leave Rosa's forced change after its first half."""
    ticket_of(portal, "rabbiatici", issued(portal))


def spend(portal: Portal) -> None:
    """Guess until Rosa's default is denied even to herself."""
    default = issued(portal)
    for _ in range(10):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    portal.clock.move(hours=2)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)


def enable_again(portal: Portal) -> None:
    """Disable and enable Rosa's account."""
    disable(portal)
    portal.accounts.enable("c-1", OFFICE)


def bring_back(portal: Portal) -> None:
    """Erase Rosa, and bring her back."""
    contact = portal.account("c-1").contact
    portal.accounts.erase("c-1", OFFICE)
    portal.accounts.sync_contacts([contact], OFFICE, usernames={"c-1": "rabbiatici"}, restore_erased=True)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda portal: None,
        issued,
        expire,
        half_way,
        spend,
        settled,
        demand,
        demand_of_default,
        enable_again,
        bring_back,
    ],
    ids=[
        "never issued",
        "live",
        "expired",
        "half-way",
        "spent",
        "chosen",
        "demanded",
        "demanded of a default",
        "enabled",
        "restored",
    ],
)
def test_a_default_is_set_from_every_state(portal: Portal, prepare: Callable[[Portal], object]) -> None:
    """R1, R5, R6, features 7: whatever the state, the default then works, is live, must be changed, in a new epoch."""
    prepare(portal)
    epoch = portal.account("c-1").credential.epoch

    assert portal.resets.reset_password("c-1", OFFICE).outcome is ResetOutcome.SET

    account = portal.account("c-1")
    assert account.status(portal.clock()) is AccountStatus.DEFAULT_LIVE
    assert account.credential.must_change
    assert account.credential.epoch == epoch + 1
    assert account.credential.expires_at == portal.clock() + DEFAULT_LIFETIME
    assert account.credential.change_required_by is None
    assert account.credential.ticket_digest is None
    portal.choose("c-1", "another walk to the lighthouse")


@pytest.mark.parametrize("prepare", [disable, lambda p: p.accounts.erase("c-1", OFFICE)], ids=["disabled", "erased"])
def test_disabled_stays_disabled(portal: Portal, prepare: Callable[[Portal], object]) -> None:
    """R5: setting a password lifts nothing, alone, in a bulk, and told to replace."""
    settled(portal)
    prepare(portal)
    before = portal.account("c-1")

    assert portal.resets.reset_password("c-1", OFFICE).reason is DecisionReason.DISABLED
    report = portal.resets.apply(confirmed(portal, ["c-1", "c-2"], replace_chosen=True)).run()

    assert outcomes(report) == [(ResetOutcome.SKIPPED, DecisionReason.DISABLED), SET]
    assert portal.account("c-1") == before


def test_an_earlier_ticket_does_not_outlive_a_reset(portal: Portal) -> None:
    """R2, R6: whoever held a ticket when the default was set again has to come back with the default."""
    ticket = ticket_of(portal, "rabbiatici", issued(portal))
    issued(portal)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), TicketInvalid)


# -- what happened between OK and apply


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (lambda p: p.choose("c-1"), CHANGED),
        (disable, CHANGED),
        (enable_again, CHANGED),
        (lambda p: p.accounts.erase("c-1", OFFICE), CHANGED),
        (bring_back, CHANGED),
        (issued, CHANGED),
        (lambda p: p.accounts.require_change("c-1", OFFICE, reason="compromised"), CHANGED),
        (lambda p: p.accounts.rename("c-1", OFFICE, username=None), (ResetOutcome.CANNOT, DecisionReason.NO_USERNAME)),
        (
            lambda p: p.accounts.sync_contacts([Contact(contact_id=ROSA_ID, last_name="Abbiatici")], OFFICE),
            (ResetOutcome.CANNOT, DecisionReason.NOT_DERIVABLE),
        ),
        (lambda p: ticket_of(p), SET),
        (lambda p: p.sign_ins.sign_in("rabbiatici", "wrong"), SET),
        (lambda p: p.accounts.rename("c-1", OFFICE, username="rosa.a"), SET),
        (lambda p: p.clock.move(days=30), SET),
    ],
    ids=[
        "chose",
        "disabled",
        "enabled again",
        "erased",
        "restored",
        "issued",
        "demanded",
        "lost user name",
        "lost first name",
        "opened a ticket",
        "failed to sign in",
        "renamed",
        "time passed",
    ],
)
def test_what_moved_the_epoch_since_ok_is_left_be(
    portal: Portal,
    meanwhile: Callable[[Portal], object],
    expected: tuple[ResetOutcome, DecisionReason | None],
) -> None:
    """R11, F3: each contact is read and decided anew; what happened since wins, and what did not matter does not."""
    issued(portal)
    ok = confirmed(portal, ["c-1", "c-2"])
    meanwhile(portal)
    before = portal.account("c-1")

    report = portal.resets.apply(ok).run()

    assert outcomes(report) == [expected, SET]
    assert (portal.account("c-1") == before) is (expected != SET)


def test_the_contact_s_own_password_survives_the_bulk(portal: Portal) -> None:
    """F3: chosen between OK and apply, it is what signs in afterwards, and the default is not."""
    issued(portal)
    ok = confirmed(portal, ["c-1", "c-2"])
    portal.choose("c-1")
    portal.resets.apply(ok).run()

    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), SignInDenied)


def test_a_contact_that_is_gone_is_a_result(memory_portal: Portal) -> None:
    """R11: a host's store may lose a row between OK and apply."""
    ok = confirmed(memory_portal, ["c-1", "c-2"])
    del memory_portal.store._accounts[ROSA_ID]  # type: ignore[attr-defined]  # No service removes a row.

    report = memory_portal.resets.apply(ok).run()
    assert outcomes(report) == [(ResetOutcome.CANNOT, DecisionReason.NO_ACCOUNT), SET]


def test_a_new_name_makes_the_new_name_s_default_and_says_so(portal: Portal) -> None:
    """R5, R11: the default is derived from the name as it is now, with a warning, and the new name's own warnings."""
    issued(portal)
    ok = confirmed(portal, ["c-1", "c-2"])
    married = Contact(contact_id=ROSA_ID, first_name="Rosa", last_name=" de Vries")
    portal.accounts.sync_contacts([married], OFFICE)

    report = portal.resets.apply(ok).run()

    assert outcomes(report) == [SET, SET]
    assert report.results[0].warnings == (
        "outer_blanks_removed",
        "contains_space",
        "replaces_live_default",
        "name_changed",
    )
    assert report.results[1].warnings == ()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), SignInDenied)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "de VriesR"), PasswordChangeRequired)


def test_a_new_address_is_no_new_name(portal: Portal) -> None:
    """R11: what does not make the default is not warned about."""
    ok = confirmed(portal, ["c-1"])
    portal.accounts.sync_contacts([attrs.evolve(portal.account("c-1").contact, email="r@example.org")], OFFICE)
    assert portal.resets.apply(ok).run().results[0].warnings == ()


def test_a_default_after_a_name_change_alters_no_chosen_password(portal: Portal) -> None:
    """E9: running the formula again after a name change never reactivates an account that chose its own password."""
    settled(portal)
    married = Contact(contact_id=ROSA_ID, first_name="Rosa", last_name="de Vries")
    portal.accounts.sync_contacts([married], OFFICE)
    before = portal.account("c-1").credential

    report = portal.resets.apply(confirmed(portal, ["c-1", "c-2"])).run()

    assert outcomes(report) == [(ResetOutcome.SKIPPED, DecisionReason.CHOSE_OWN), SET]
    assert portal.account("c-1").credential == before
    for default in ("AbbiaticiR", "de VriesR"):
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)


# -- on whose word


def test_privileges_count_when_the_plan_is_applied(portal: Portal) -> None:
    """R16: what was taken away between OK and apply is gone, account by account, and on the record."""
    ok = confirmed(portal, ["c-1", "c-2"])

    def not_rosa(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id != "c-1" for account in accounts]

    report = portal.with_parts(authorizer=not_rosa).resets.apply(ok).run()

    assert outcomes(report) == [(ResetOutcome.CANNOT, DecisionReason.NOT_PERMITTED), SET]
    assert portal.kinds("c-1")[-1] == "authz_fail set_many"
    assert portal.account("c-1").credential.epoch == 0


def test_the_one_who_pressed_ok_is_asked_about(portal: Portal) -> None:
    """R16, R17: the privileges, and the name on the record, are those of who pressed OK, and not of who planned."""
    boss = Operator(operator_id="boss")
    portal = portal.with_parts(authorizer=Grants(privileges={"office": Privilege, "boss": [Privilege.SET_ONE]}))

    assert outcomes(portal.resets.apply(confirmed(portal, ["c-1"], NOBODY)).run()) == [
        (ResetOutcome.CANNOT, DecisionReason.NOT_PERMITTED)
    ]
    assert outcomes(portal.resets.apply(confirmed(portal, ["c-1"], boss)).run()) == [SET]
    assert portal.account("c-1").credential.issued_by == "boss"
    assert (
        outcomes(portal.resets.apply(confirmed(portal, ["c-1", "c-2"], boss)).run())
        == [(ResetOutcome.CANNOT, DecisionReason.NOT_PERMITTED)] * 2
    )


def test_nobody_sets_their_own_by_pressing_ok_on_a_colleague_s_plan(portal: Portal) -> None:
    """R16: the refusal of one's own account holds at apply too, unless the host said otherwise."""
    parent = Operator(operator_id="office", contact_id=ROSA_ID)
    ok = confirmed(portal, ["c-1", "c-2"], parent)

    report = portal.resets.apply(ok).run()
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

    portal.with_parts(authorizer=counting).resets.apply(ok).run()

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
    before = len(portal.store.events())
    portal.resets.apply(ok).run()

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
    portal.resets.apply(confirmed(portal, ["c-1", "c-2", "c-4"], reveal=True)).run()

    lines = "\n".join(event.line() for event in portal.store.events())
    for text in ("Rosa", "Abbiatici", "rabbiatici", "Brien", "argon2", "example.org"):
        assert text not in lines


def test_a_reveal_is_on_the_record_with_the_password(portal: Portal) -> None:
    """R15: each revealed password has a line of its own, in the same change as its hash."""
    (result,) = portal.resets.apply(confirmed(portal, ["c-1"], reveal=True)).run()

    assert result.secret is not None
    assert result.secret.reveal() == "AbbiaticiR"
    issue, reveal = portal.store.events(ROSA_ID)[-2:]
    assert (issue.kind, reveal.kind) == (AuditKind.PASSWORD_ISSUED, AuditKind.PASSWORD_REVEALED)
    assert reveal == attrs.evolve(issue, kind=reveal.kind, event_id=reveal.event_id)
    assert reveal.event_id != issue.event_id


def test_nothing_is_revealed_that_nobody_asked_to_see(portal: Portal) -> None:
    """R15: without a reveal in the plan there is no plaintext on any result, and no line about one."""
    (result,) = portal.resets.apply(confirmed(portal, ["c-1"])).run()
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
    (result,) = attrs.evolve(portal, store=watched(portal.store, fail)).resets.apply(ok).run()

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

    (result,) = portal.with_parts(authorizer=only_set).resets.apply(ok).run()

    assert (result.outcome, result.reason, result.secret) == (
        ResetOutcome.CANNOT,
        DecisionReason.REVEAL_NOT_PERMITTED,
        None,
    )
    assert portal.account("c-1").credential.epoch == 0


@pytest.mark.parametrize("strategy", [RandomReadable(), Passphrase()], ids=lambda strategy: str(strategy.id)[:10])
def test_drawn_passwords_are_all_different_and_each_opens_its_own_door(portal: Portal, strategy: Any) -> None:
    """Features 19: what was drawn is on the result and nowhere else, works for that contact, and must be changed."""
    drawing = portal.with_parts(strategy=strategy)
    report = drawing.resets.apply(confirmed(drawing, ["c-1", "c-2", "c-4"], reveal=True)).run()

    assert outcomes(report) == [SET] * 3
    secrets = [result.secret for result in report]
    texts = [secret.reveal() for secret in secrets if secret is not None]
    assert len(set(texts)) == 3
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", texts[1]), SignInDenied)
    for username, text in zip(("rabbiatici", "pobrien", "suharto"), texts, strict=True):
        assert isinstance(portal.sign_ins.sign_in(username, text), PasswordChangeRequired)
    record = "\n".join(event.line() for event in portal.store.events())
    assert not any(text in record or text in repr(report.results) for text in texts)
    assert portal.account("c-4").credential.strategy == strategy.id


def test_equal_defaults_never_share_a_hash(portal: Portal) -> None:
    """R13: a family has one default and as many hashes as members."""
    family = [Contact(contact_id=ContactId(f"f-{n}"), first_name="Mia", last_name="Li") for n in range(40)]
    portal.accounts.sync_contacts(family, OFFICE, usernames=lambda contact: contact.contact_id)

    portal.resets.apply(confirmed(portal, [contact.contact_id for contact in family])).run()

    hashes = [portal.account(contact.contact_id).credential.password_hash for contact in family]
    assert len({stored.encoded for stored in hashes if stored is not None}) == 40
    assert isinstance(portal.sign_ins.sign_in("f-39", "LiM"), PasswordChangeRequired)


# -- hooks


def test_the_host_is_told_of_each_password_set_and_of_nothing_else(portal: Portal) -> None:
    """Features 17, ASVS 6.3.7: once for each commit, after it, with the account as it is and what happened."""
    told: list[tuple[Account, AuditEvent]] = []
    portal.accounts.disable("c-3", OFFICE)
    hooked = portal.with_parts(on_change=lambda account, event: told.append((account, event)))
    ok = confirmed(portal, ["c-1", "c-3", "c-2", "c-9"], reveal=True)
    hooked.resets.apply(ok).run()
    hooked.resets.apply(ok).run()

    assert [account for account, _ in told] == [portal.account("c-1"), portal.account("c-2")]
    assert {event.kind for _, event in told} == {AuditKind.PASSWORD_ISSUED}
    assert [event.contact_id for _, event in told] == ["c-1", "c-2"]


def test_a_hook_that_fails_changes_nothing_but_the_record(portal: Portal) -> None:
    """Features 17: the password is set already; that nobody was told is on the record, without the error's text."""

    def broken(account: Account, event: AuditEvent) -> None:
        raise ConnectionError("to rosa@example.org: mailbox of Abbiatici full")

    hooked = portal.with_parts(on_change=broken)
    assert outcomes(hooked.resets.apply(confirmed(hooked, ["c-1", "c-2"])).run()) == [SET, SET]
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
    report = resets.apply(resets.plan(["c-1", "c-2"], OFFICE, reveal=True).confirm(OFFICE)).run()
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


# -- expiry


def test_a_default_works_for_a_lifetime_from_when_it_is_set(portal: Portal) -> None:
    """R5: counted from the writing and not from the plan; up to the instant before, and from it on no more."""
    portal = portal.with_parts(lifetime=timedelta(hours=5))
    ok = confirmed(portal, ["c-1"])
    portal.clock.move(hours=1)
    portal.resets.apply(ok).run()

    assert portal.account("c-1").credential.expires_at == START + timedelta(hours=6)
    portal.clock.move(hours=5, microseconds=-1)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)
    portal.clock.move(microseconds=1)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), DefaultExpired)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiX"), SignInDenied)


def test_a_plan_s_own_expiry_goes_before_the_lifetime(portal: Portal) -> None:
    """R5: "until the first day of school" is an instant, whenever the plan is applied."""
    until = START + timedelta(days=100)
    assert portal.resets.reset_password("c-1", OFFICE, expires_at=until).outcome is ResetOutcome.SET
    assert portal.account("c-1").credential.expires_at == until


def test_a_plan_whose_expiry_passed_takes_no_password_away(portal: Portal) -> None:
    """R5: applied too late, it would set what is dead at once; what it set in time stays reported as set."""
    settled(portal)
    ok = confirmed(portal, ["c-2", "c-1"], replace_chosen=True, expires_at=START + timedelta(hours=1))
    only_pat = attrs.evolve(ok.plan, items=ok.plan.items[:1], clock=portal.clock)
    assert outcomes(portal.resets.apply(attrs.evolve(ok, plan=only_pat)).run()) == [SET]
    portal.clock.move(hours=1)

    report = portal.resets.apply(ok).run()

    assert outcomes(report) == [(ResetOutcome.ALREADY_SET, None), (ResetOutcome.CANNOT, DecisionReason.EXPIRY_PASSED)]
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


# -- strategies of the host's


class HouseRule:
    """A strategy of the host's: an id, and what it makes of each contact."""

    id = "house-rule"
    is_derivable = True

    def __init__(self, **made: str | Exception) -> None:
        """Make these passwords, by first name; others as usual."""
        self.made = made

    def derive(self, contact: Contact, /) -> Derived:
        """Return it, or raise it."""
        made = self.made.get(contact.first_name or "")
        if isinstance(made, Exception):
            raise made
        return LastNameFirstInitial().derive(contact) if made is None else Derived(secret=Secret(made))


@pytest.mark.parametrize(
    "made",
    [
        UnderivableError("c-1", "last_name", "house_rule"),
        "",
        "tab\there",
        "bell\x07",
        "line\u0085",
        "half \ud800",
        "x" * 257,
        "é" * 100_000,
    ],
    ids=["underivable", "empty", "tab", "bell", "c1", "surrogate", "long", "very long"],
)
def test_a_default_that_nobody_could_type_is_one_contact_s_result(portal: Portal, made: str | Exception) -> None:
    """R12, features 4: what a host's rule cannot make, or makes badly, is refused for that contact; others go on."""
    portal = portal.with_parts(strategy=HouseRule(Rosa=made))
    plan = portal.resets.plan(["c-2", "c-1", "c-3"], OFFICE)
    assert [item.decision for item in plan] == [Decision.WILL_SET, Decision.CANNOT, Decision.WILL_SET]

    # As if the rule had begun to fail after OK.
    items = [attrs.evolve(item, decision=Decision.WILL_SET, reason=None) for item in plan]
    ok = attrs.evolve(plan, items=tuple(items), clock=portal.clock).confirm(OFFICE)
    report = portal.resets.apply(ok).run()

    assert outcomes(report) == [SET, (ResetOutcome.CANNOT, DecisionReason.NOT_DERIVABLE), SET]
    assert portal.account("c-1").credential.epoch == 0


def test_a_default_is_hashed_in_its_canonical_form(portal: Portal) -> None:
    """R18: a decomposed name's default opens the door however the keyboard composes it."""
    portal = portal.with_parts(strategy=HouseRule(Rosa="Mu\u0308ller\u3000R"))
    issued(portal, "c-1")
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "Müller R"), PasswordChangeRequired)


# -- executors


class CountingThreads(ThreadPoolExecutor):
    """Counts what is submitted."""

    submitted = 0

    def submit(self, *args: Any, **keywords: Any) -> Future[Any]:
        """Count."""
        self.submitted += 1
        return super().submit(*args, **keywords)


def test_hashing_runs_on_the_host_s_threads(portal: Portal) -> None:
    """R13: an executor handed in does the hashing, and is borrowed: it goes on working after the job."""
    school = portal.add_school(70)
    with CountingThreads(2) as threads:
        report = portal.resets.apply(confirmed(portal, school), executor=threads).run()
        assert threads.submit(str, 1).result() == "1"

    assert outcomes(report) == [SET] * 70
    assert threads.submitted == 71
    assert isinstance(portal.sign_ins.sign_in("user.s-0069", "Parent0069K"), PasswordChangeRequired)


def test_plaintexts_leave_the_process_only_if_the_host_says_so(memory_portal: Portal) -> None:
    """R13: a process pool is refused, with nothing written and nothing sent, until the host allows it."""
    ok = confirmed(memory_portal, ["c-1", "c-2"])
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        with pytest.raises(ConfigurationError) as caught:
            memory_portal.resets.apply(ok, executor=processes).run()
        assert caught.value.argument == "may_leave_process"
        assert not processes._processes
        assert memory_portal.account("c-1").credential.epoch == 0

        report = memory_portal.resets.apply(ok, executor=processes, may_leave_process=True).run()

    assert outcomes(report) == [SET, SET]
    assert isinstance(memory_portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)


def test_what_is_no_executor_is_refused(memory_portal: Portal) -> None:
    """R23: a multiprocessing.Pool, say, is refused by name before anything is written."""
    with pytest.raises(ConfigurationError, match="executor"):
        memory_portal.resets.apply(confirmed(memory_portal, ["c-1"]), executor=object()).run()  # type: ignore[arg-type]  # The mistake.
    assert memory_portal.account("c-1").credential.epoch == 0


@pytest.mark.parametrize("when", ["submitting", "running"])
def test_an_executor_that_breaks_is_a_result(memory_portal: Portal, when: str) -> None:
    """R12: workers die of the host's memory limits; their contacts are failed ones, and the job reaches its end."""

    class Dying(ThreadPoolExecutor):
        def submit(self, *args: Any, **keywords: Any) -> Future[Any]:
            if when == "submitting":
                raise RuntimeError("cannot schedule AbbiaticiR")
            future: Future[Any] = Future()
            future.set_exception(RuntimeError("a worker died of AbbiaticiR"))
            return future

    ok = confirmed(memory_portal, ["c-1", "c-4"])
    with Dying(1) as dying:
        report = memory_portal.resets.apply(ok, executor=dying).run()

    assert outcomes(report) == [
        (ResetOutcome.FAILED, DecisionReason.HASHING_UNAVAILABLE),
        (ResetOutcome.CANNOT, DecisionReason.NOT_DERIVABLE),
    ]
    assert outcomes(memory_portal.resets.apply(ok).run())[0] == SET


# -- one contact, in one call


def test_one_call_for_one_contact(portal: Portal) -> None:
    """Design 6: plan, OK and apply in one, for where OK was pressed already."""
    result = portal.resets.reset_password("c-1", OFFICE, reveal=True)

    assert (result.outcome, result.contact_id, result.item.epoch) == (ResetOutcome.SET, "c-1", 0)
    assert result.secret == Secret("AbbiaticiR")
    assert portal.account("c-1").credential.origin is CredentialOrigin.ISSUED


def test_one_call_says_by_error_what_only_a_program_causes(portal: Portal) -> None:
    """R16, R23: no account and no privilege are errors; nothing was set."""
    setting = portal.with_parts(authorizer=Grants(privileges={"office": [Privilege.SET_ONE]}))

    with pytest.raises(AccountNotFoundError):
        portal.resets.reset_password("c-9", OFFICE)
    with pytest.raises(PrivilegeDeniedError) as refused:
        portal.resets.reset_password("c-1", NOBODY)
    with pytest.raises(PrivilegeDeniedError) as unseen:
        setting.resets.reset_password("c-1", OFFICE, reveal=True)
    with pytest.raises(InvalidValueError):
        portal.resets.reset_password("c-1", OFFICE, expires_at=START)

    assert (refused.value.operator_id, refused.value.privilege, refused.value.contact_ids) == (
        "nobody",
        "set_one",
        ("c-1",),
    )
    assert unseen.value.privilege == "reveal"
    assert portal.account("c-1").credential.epoch == 0


def test_one_call_says_by_outcome_what_a_contact_causes(portal: Portal) -> None:
    """R23: a mononym and a disabled account are results."""
    disable(portal)
    assert portal.resets.reset_password("c-1", OFFICE).reason is DecisionReason.DISABLED
    assert portal.resets.reset_password("c-4", OFFICE).reason is DecisionReason.NOT_DERIVABLE
