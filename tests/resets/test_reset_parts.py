"""Lifetimes, strategies and executors of the host's, and the reset of one contact."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import attrs
import pytest

from portal import GOOD_PASSWORD, NOBODY, OFFICE, START, Portal, issued, settled
from portalcreds.accounts import CredentialOrigin
from portalcreds.contacts import Contact
from portalcreds.default_passwords.strategies import Derived, LastNameFirstInitial
from portalcreds.exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
    UnderivableError,
)
from portalcreds.privileges import Grants, Privilege
from portalcreds.resets.plan import Decision, DecisionReason
from portalcreds.resets.report import ResetOutcome
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import DefaultExpired, PasswordChangeRequired, SignedIn, SignInDenied
from resets.applying import SET, confirmed, disable, outcomes

# -- expiry


def test_a_default_works_for_a_lifetime_from_when_it_is_set(portal: Portal) -> None:
    """R5: counted from the writing and not from the plan; up to the instant before, and from it on no more."""
    portal = portal.with_parts(lifetime=timedelta(hours=5))
    ok = confirmed(portal, ["c-1"])
    portal.clock.move(hours=1)
    portal.resets.start(ok).run()

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
    school = portal.add_school(64)
    until = START + timedelta(hours=1)
    ok = confirmed(portal, [*school, "c-1"], replace_chosen=True, expires_at=until)
    next(iter(portal.resets.start(ok)))
    portal.clock.move(hours=1)

    report = portal.resets.start(ok).run()

    assert outcomes(report) == [SET] * 64 + [(ResetOutcome.CANNOT, DecisionReason.EXPIRY_PASSED)]
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
    """R12: what a host's rule cannot make, or makes badly, is refused for that contact; others go on."""
    portal = portal.with_parts(strategy=HouseRule(Rosa=made))
    plan = portal.resets.plan(["c-2", "c-1", "c-3"], OFFICE)
    assert [item.decision for item in plan] == [Decision.WILL_SET, Decision.CANNOT, Decision.WILL_SET]

    # As if the rule had begun to fail after OK.
    items = [attrs.evolve(item, decision=Decision.WILL_SET, reason=None) for item in plan]
    ok = attrs.evolve(plan, items=tuple(items), clock=portal.clock).confirm(OFFICE)
    report = portal.resets.start(ok).run()

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
        report = portal.resets.start(confirmed(portal, school), executor=threads).run()
        assert threads.submit(str, 1).result() == "1"

    assert outcomes(report) == [SET] * 70
    assert threads.submitted == 71
    assert isinstance(portal.sign_ins.sign_in("user.s-0069", "Parent0069K"), PasswordChangeRequired)


def test_plaintexts_leave_the_process_only_if_the_host_says_so(memory_portal: Portal) -> None:
    """R13: a process pool is refused, with nothing written and nothing sent, until the host allows it."""
    ok = confirmed(memory_portal, ["c-1", "c-2"])
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        with pytest.raises(ConfigurationError) as caught:
            memory_portal.resets.start(ok, executor=processes).run()
        assert caught.value.argument == "may_leave_process"
        assert not processes._processes
        assert memory_portal.account("c-1").credential.epoch == 0

        report = memory_portal.resets.start(ok, executor=processes, may_leave_process=True).run()

    assert outcomes(report) == [SET, SET]
    assert isinstance(memory_portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)


def test_what_is_no_executor_is_refused(memory_portal: Portal) -> None:
    """R23: a multiprocessing.Pool, say, is refused by name before anything is written."""
    with pytest.raises(ConfigurationError, match="executor"):
        memory_portal.resets.start(confirmed(memory_portal, ["c-1"]), executor=object()).run()  # type: ignore[arg-type]  # The mistake.
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
        report = memory_portal.resets.start(ok, executor=dying).run()

    assert outcomes(report) == [
        (ResetOutcome.FAILED, DecisionReason.HASHING_UNAVAILABLE),
        (ResetOutcome.CANNOT, DecisionReason.NOT_DERIVABLE),
    ]
    assert outcomes(memory_portal.resets.start(ok).run())[0] == SET


# -- one contact, in one call


def test_one_call_for_one_contact(portal: Portal) -> None:
    """Plan, OK and apply in one, for where OK was pressed already."""
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
