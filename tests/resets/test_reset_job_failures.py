"""A job whose store, hasher or host fails."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from portal import MONONYM, OFFICE, USERNAMES, Portal, issued, ticket_of, watched
from portalcreds.default_passwords.strategies import RandomReadable
from portalcreds.exceptions import (
    CorruptRowError,
    HashingUnavailableError,
    PortalCredsError,
    StoreError,
    StoreUnavailableError,
    TransactionAborted,
)
from portalcreds.resets.job import ResetJob
from portalcreds.resets.plan import Decision, DecisionReason
from portalcreds.resets.report import ResetOutcome
from resets.running import CHUNK, confirmed, epochs, issues_of, outcomes


class Broken:
    """Raises at the calls told, of those to one method of the store."""

    def __init__(self, error: Exception, method: str, *calls: int, when: str = "before") -> None:
        """Raise *error* before, or after, the so manieth calls."""
        self.error = error
        self.point = when, method
        self.calls = calls
        self.seen = 0

    def __call__(self, when: str, name: str, arguments: tuple[Any, ...]) -> None:
        """Raise, if it is time."""
        if (when, name) == self.point:
            self.seen += 1
            if self.seen in self.calls:
                raise self.error


UNAVAILABLE = StoreUnavailableError("apply", "57P01")


@pytest.mark.parametrize("method", ["find_many", "apply"])
def test_a_store_that_is_away_for_a_while_costs_one_chunk(portal: Portal, method: str) -> None:
    """R12, R21: the contacts of that chunk failed and say why, the others are set, and applying again fixes it."""
    school = portal.add_school(3 * CHUNK)
    ok = confirmed(portal, [*school])
    away = attrs.evolve(portal, store=watched(portal.store, Broken(UNAVAILABLE, method, 2)))

    report = away.resets.start(ok).run()

    assert outcomes(report) == {("set", None): 2 * CHUNK, ("failed", "store_unavailable"): CHUNK}
    assert {r.contact_id for r in report if r.outcome is ResetOutcome.FAILED} == set(school[CHUNK : 2 * CHUNK])
    assert report.is_complete
    assert outcomes(portal.resets.start(ok).run()) == {("set", None): 3 * CHUNK}
    assert issues_of(portal) == dict.fromkeys(school, 1)


def test_a_commit_whose_answer_was_lost_is_not_written_again(portal: Portal) -> None:
    """R12: the store committed and could not say so: reported as failed now, as set by another application."""
    ok = confirmed(portal, ["c-1", "c-2"])
    away = attrs.evolve(portal, store=watched(portal.store, Broken(UNAVAILABLE, "apply", 1, when="after")))

    assert outcomes(away.resets.start(ok).run()) == {("failed", "store_unavailable"): 2}
    assert outcomes(portal.resets.start(ok).run()) == {("set", None): 2}
    assert issues_of(portal) == {"c-1": 1, "c-2": 1}


def refuse_one(contact_id: str, error: Exception) -> Callable[[str, str, tuple[Any, ...]], None]:
    """Return a hook that refuses each writing in which the contact is, as a trigger of the database would."""

    def refuse(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and any(c.new.contact_id == contact_id for c in arguments[0]):
            raise error

    return refuse


def test_a_row_that_the_database_refuses_costs_that_row_only(portal: Portal) -> None:
    """R12: a trigger that refuses one account does not keep its neighbours or later accounts from a password."""
    school = portal.add_school(CHUNK + 5)
    refusing = attrs.evolve(portal, store=watched(portal.store, refuse_one(school[7], StoreError("apply", "23514"))))

    report = refusing.resets.start(confirmed(portal, [*school])).run()

    assert outcomes(report) == {("set", None): CHUNK + 4, ("failed", "store_refused"): 1}
    assert report.items[7].outcome is ResetOutcome.FAILED
    assert issues_of(portal) == {contact_id: 1 for contact_id in school if contact_id != school[7]}


def test_a_store_that_goes_away_while_rows_are_tried_one_by_one(portal: Portal) -> None:
    """R12: what was written stays reported as set, the rest as not to be had now."""
    broken = Broken(UNAVAILABLE, "apply", 3)

    def both(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        broken(when, name, arguments)
        if (when, name) == ("before", "apply") and len(arguments[0]) > 1:
            raise StoreError("apply", "23514")

    report = (
        attrs.evolve(portal, store=watched(portal.store, both))
        .resets.start(confirmed(portal, ["c-1", "c-2", "c-3"]))
        .run()
    )

    assert [(result.outcome, result.reason) for result in report] == [
        (ResetOutcome.SET, None),
        (ResetOutcome.FAILED, DecisionReason.STORE_UNAVAILABLE),
        (ResetOutcome.FAILED, DecisionReason.STORE_UNAVAILABLE),
    ]


def test_a_reading_that_the_database_refuses_is_a_result(portal: Portal) -> None:
    """R12: one row that cannot be read is a failed one, and its neighbours are read without it."""

    def unreadable(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "find_many") and "c-1" in arguments[0]:
            raise CorruptRowError("find_many", "corrupt")

    broken = attrs.evolve(portal, store=watched(portal.store, unreadable))
    report = broken.resets.start(confirmed(portal, ["c-1", "c-2"])).run()
    assert outcomes(report) == {("failed", "store_refused"): 1, ("set", None): 1}
    plan = broken.resets.plan(["c-1", "c-2"], OFFICE)
    assert [item.reason for item in plan] == [DecisionReason.STORE_REFUSED, None]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_a_transaction_of_the_host_s_that_is_gone_comes_out(portal: Portal, one_by_one: bool) -> None:
    """R20: the host has to roll back and run it again; going on would write outside of its transaction."""

    def abort(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            raise StoreError("apply") if one_by_one and len(arguments[0]) > 1 else TransactionAborted("apply", "40001")

    broken = attrs.evolve(portal, store=watched(portal.store, abort))
    with pytest.raises(TransactionAborted):
        broken.resets.start(confirmed(portal, ["c-1", "c-2"])).run()


def test_hashing_that_fails_costs_one_chunk(portal: Portal) -> None:
    """R12: want of memory is a result of the contacts it hit, and nothing of them is written."""
    school = portal.add_school(2 * CHUNK)
    ok = confirmed(portal, [*school])
    hasher = watched(portal.hasher, Broken(HashingUnavailableError("out_of_memory"), "hash_issued", 1))

    report = attrs.evolve(portal, hasher=hasher).resets.start(ok).run()

    assert outcomes(report) == {("failed", "hashing_unavailable"): CHUNK, ("set", None): CHUNK}
    assert epochs(portal, school) == [0] * CHUNK + [1] * CHUNK
    assert outcomes(portal.resets.start(ok).run()) == {("set", None): 2 * CHUNK}


def test_a_failure_in_a_later_round_keeps_what_was_written(portal: Portal) -> None:
    """R12: of a chunk in which one lost a race and the store then went away, the others stay reported as set."""
    default = issued(portal)
    broken = Broken(UNAVAILABLE, "find_many", 2)

    def race(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        broken(when, name, arguments)
        if (when, name) == ("before", "apply"):
            ticket_of(portal, "rabbiatici", default)

    ok = confirmed(portal, ["c-1", "c-2"])
    report = attrs.evolve(portal, store=watched(portal.store, race)).resets.start(ok).run()

    assert [(result.outcome, result.reason) for result in report] == [
        (ResetOutcome.FAILED, DecisionReason.STORE_UNAVAILABLE),
        (ResetOutcome.SET, None),
    ]


def test_what_is_no_failure_of_the_store_comes_out_and_is_not_the_end(portal: Portal) -> None:
    """R12, R23: a bug of the host's own parts is not swallowed; the report still tells what was set before it."""
    school = portal.add_school(2 * CHUNK)
    ok = confirmed(portal, [*school])
    broken = attrs.evolve(portal, store=watched(portal.store, Broken(ZeroDivisionError(), "find_many", 2)))

    job: ResetJob = broken.resets.start(ok)
    with pytest.raises(ZeroDivisionError):
        job.run()

    assert outcomes(job.report()) == {("set", None): CHUNK, ("not_reached", None): CHUNK}
    assert outcomes(portal.resets.start(ok).run()) == {("set", None): 2 * CHUNK}


def test_no_failure_says_a_name(portal: Portal) -> None:
    """R14: a failed row is told by its id; neither errors nor their reprs hold names, user names or passwords."""
    broken = attrs.evolve(portal, store=watched(portal.store, Broken(TransactionAborted("apply", "1"), "apply", 1)))
    with pytest.raises(PortalCredsError) as caught:
        broken.resets.start(confirmed(portal, ["c-1"])).run()

    told = f"{caught.value!r}{caught.value}{caught.value.__cause__!r}{caught.value.__context__!r}"
    for text in ("Rosa", "Abbiatici", USERNAMES["c-1"], "argon2"):
        assert text not in told


def test_a_plan_that_sets_nothing_writes_no_account(portal: Portal) -> None:
    """R11: what the plan left out is reported as the plan said it, without another look at what it is now."""
    calls: list[str] = []
    ok = confirmed(portal, ["c-4", "c-9"])
    assert ok.plan.count(Decision.WILL_SET) == 0
    portal.accounts.sync_contacts([attrs.evolve(MONONYM, first_name="Hadji")], OFFICE)
    hearing = attrs.evolve(portal, store=watched(portal.store, lambda when, name, arguments: calls.append(name)))

    report = hearing.resets.start(ok).run()

    assert outcomes(report) == {("cannot", "not_derivable"): 1, ("cannot", "no_account"): 1}
    assert report.items[0].item.first_name == "Hadji"
    assert "apply" not in calls


def test_a_job_goes_on_after_an_error_that_came_out_of_it(portal: Portal) -> None:
    """R12: what was committed before a host's part failed is reported, passwords too; running again does the rest."""
    school = portal.add_school(CHUNK + 2)
    ok = confirmed(portal.with_parts(strategy=RandomReadable()), [*school], reveal=True)
    asked: list[int] = []

    def sometimes(_operator: object, _privilege: object, accounts: list[object]) -> list[bool]:
        asked.append(len(accounts))
        if len(asked) == 3:
            raise ConnectionError("the roles are elsewhere")
        return [True] * len(accounts)

    job = portal.with_parts(strategy=RandomReadable(), authorizer=sometimes).resets.start(ok)
    with pytest.raises(ConnectionError):
        job.run()
    assert job.report().count(ResetOutcome.SET) == CHUNK
    report = job.run()
    assert [result.outcome for result in report] == [ResetOutcome.SET] * (CHUNK + 2)
    assert all(result.secret is not None for result in report)
    assert set(issues_of(portal).values()) == {1}


def test_several_threads_share_a_job(portal: Portal) -> None:
    """R12: each result is told once, whoever takes it."""
    school = portal.add_school(CHUNK + 30)
    job = portal.resets.start(confirmed(portal, [*school]))
    with ThreadPoolExecutor(4) as executor:
        told = [result.contact_id for part in executor.map(lambda _: list(job), range(4)) for result in part]
    assert sorted(told) == sorted(school)
    assert job.report().is_complete


def test_a_store_that_goes_away_between_two_rows_is_no_row_s_fault(portal: Portal) -> None:
    """R21: while rows are read one by one, a lost connection is said to be one."""

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "find_many"):
            raise StoreError("find_many", "corrupt") if len(arguments[0]) > 1 else StoreUnavailableError("find_many")

    ok = confirmed(portal, ["c-1", "c-2"])
    broken = attrs.evolve(portal, store=watched(portal.store, fail))
    assert outcomes(broken.resets.start(ok).run()) == {("failed", "store_unavailable"): 2}
