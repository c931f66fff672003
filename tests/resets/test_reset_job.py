"""A confirmed plan at work: followed, left, cancelled, killed, and applied again."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import (
    GOOD_PASSWORD,
    NOBODY,
    OFFICE,
    ROSA,
    START,
    USERNAMES,
    Portal,
    issued,
    open_portal,
    ticket_of,
    watched,
)
from portalcreds.accounts import AccountStatus, CredentialOrigin
from portalcreds.audit import AuditKind
from portalcreds.default_passwords.strategies import RandomReadable
from portalcreds.exceptions import ConfigurationError, StoreUnavailableError, TransactionAborted
from portalcreds.plans import ConfirmedPlan
from portalcreds.privileges import Operator
from portalcreds.resets.plan import DecisionReason, ResetPlan
from portalcreds.resets.report import ResetOutcome, ResetReport, ResetResult
from portalcreds.sign_in.outcomes import PasswordChanged, SignedIn
from resets.running import CHUNK, confirmed, epochs, issues_of, outcomes

# -- following it


def test_a_job_does_nothing_before_it_is_followed(portal: Portal) -> None:
    """R12: applying returns a job; each step of the iteration commits a little more."""
    school = portal.add_school(CHUNK + 1)
    job = portal.resets.start(confirmed(portal, [*school]))

    assert len(job) == CHUNK + 1
    assert epochs(portal, school) == [0] * (CHUNK + 1)
    assert repr(job) == f"<ResetJob {job.key} of 65 contacts: nothing has run here yet>"
    first = next(iter(job))
    assert first.outcome is ResetOutcome.SET
    assert epochs(portal, school) == [1] * CHUNK + [0]
    assert job.report().count(ResetOutcome.NOT_REACHED) == 1, "what is committed is reported, told in the loop or not"
    assert not job.report().is_complete
    assert repr(job) == f"<ResetJob {job.key} of 65 contacts: 64 done here>"
    assert job.run().is_complete
    assert epochs(portal, school) == [1] * (CHUNK + 1)


def test_results_come_in_the_order_selected(portal: Portal) -> None:
    """R12: one result for each contact of the plan, in its order, whatever is set and whatever is not."""
    portal.accounts.disable("c-2", OFFICE)
    selected = ["c-9", *reversed(portal.add_school(2 * CHUNK)), "c-2", "c-1", "c-4"]
    told: list[ResetResult] = []

    report = portal.resets.start(confirmed(portal, selected)).run(told.append)

    assert [result.contact_id for result in report] == selected
    assert tuple(told) == report.items
    assert len(report) == 2 * CHUNK + 4
    assert [(r.outcome, r.reason) for r in (report.items[0], *report.items[-3:])] == [
        (ResetOutcome.CANNOT, DecisionReason.NO_ACCOUNT),
        (ResetOutcome.SKIPPED, DecisionReason.DISABLED),
        (ResetOutcome.SET, None),
        (ResetOutcome.CANNOT, DecisionReason.NOT_DERIVABLE),
    ]
    assert [report.count(outcome) for outcome in ResetOutcome] == [2 * CHUNK + 1, 0, 1, 2, 0, 0]


def test_a_loop_that_is_left_goes_on_where_it_was(portal: Portal) -> None:
    """R12: a second loop, or a run, over the same job continues; nobody is told twice and nobody is left out."""
    school = portal.add_school(CHUNK + 10)
    job = portal.resets.start(confirmed(portal, [*school]))
    seen = []
    for result in job:
        seen.append(result.contact_id)
        if len(seen) == 3:
            break
    assert job.report().count(ResetOutcome.SET) == CHUNK

    seen += [result.contact_id for result in job]

    assert seen == school
    assert job.run() == job.report()
    assert set(issues_of(portal).values()) == {1}


def test_a_progress_that_fails_loses_no_result(portal: Portal) -> None:
    """R12: what the host's progress bar raises comes out, and the job can be gone on with."""
    job = portal.resets.start(confirmed(portal, ["c-1", "c-2"]))

    def broken(result: ResetResult) -> None:
        raise OSError("the terminal went away")

    with pytest.raises(OSError, match="terminal"):
        job.run(broken)
    assert outcomes(job.run()) == {("set", None): 2}


def test_a_job_can_be_cancelled_between_chunks(portal: Portal) -> None:
    """R12: whoever cancels, in whatever process, stops all that work on it before their next few dozen, for good."""
    school = portal.add_school(2 * CHUNK + 1)
    ok = confirmed(portal, [*school])
    job = portal.resets.start(ok)

    def cancel(result: ResetResult) -> None:
        elsewhere = portal.with_parts().resets.find_job(ok.key)
        assert elsewhere is not None
        elsewhere.cancel()

    report = job.run(cancel)

    assert [result.contact_id for result in report] == school
    assert outcomes(report) == {("set", None): CHUNK, ("not_reached", None): CHUNK + 1}
    assert not report.is_complete
    progress = job.progress()
    assert (progress.done, progress.is_cancelled, progress.is_finished) == (CHUNK, True, False)
    assert portal.resets.unfinished() == ()
    assert outcomes(portal.resets.start(ok).run()) == outcomes(portal.resets.resume(ok.key).run()) == outcomes(report)
    assert epochs(portal, school) == [1] * CHUNK + [0] * (CHUNK + 1)


def test_what_is_cancelled_at_once_writes_nothing(portal: Portal) -> None:
    """R12, R17: the question comes before the first hash; who cancelled is on the record, once."""
    job = portal.resets.start(confirmed(portal, ["c-1"]))
    job.cancel(NOBODY)
    job.cancel(OFFICE)
    cancelled = [each for each in portal.store.events() if each.kind is AuditKind.OPERATION_CANCELLED]
    assert [(each.operator_id, each.operation_id, each.count) for each in cancelled] == [("nobody", job.key, 1)]
    assert outcomes(job.run()) == {("not_reached", None): 1}
    assert portal.account("c-1").status(portal.clock()) is AccountStatus.NEVER_ISSUED


def test_what_is_finished_cannot_be_cancelled(portal: Portal) -> None:
    """R12: a page that cancels too late shows a finished job."""
    job = portal.resets.start(confirmed(portal, ["c-1"]))
    job.run()
    job.cancel()
    assert (job.progress().is_finished, job.progress().is_cancelled) == (True, False)
    assert AuditKind.OPERATION_CANCELLED not in portal.kinds()


def test_a_report_shows_names_on_purpose_and_passwords_never(portal: Portal) -> None:
    """R14, R24: records and the notebook's table have names and outcomes; a repr has neither."""
    report = portal.resets.start(confirmed(portal, ["c-1", "c-4"], reveal=True)).run()

    assert report.items[0].secret is not None
    assert report.to_records() == [
        {
            "contact_id": "c-1",
            "first_name": "Rosa",
            "last_name": "Abbiatici",
            "username": "rabbiatici",
            "outcome": "set",
            "reason": None,
            "warnings": "",
            "issued_at": START.isoformat(),
            "expires_at": (START + timedelta(days=14)).isoformat(),
        },
        {
            "contact_id": "c-4",
            "first_name": None,
            "last_name": "Suharto",
            "username": "suharto",
            "outcome": "cannot",
            "reason": "not_derivable",
            "warnings": "",
            "issued_at": None,
            "expires_at": None,
        },
    ]
    assert "<td>Abbiatici</td>" in report._repr_html_()
    assert repr(report) == "<ResetReport of 2 contacts (set: 1, cannot: 1; not_derivable: 1)>"
    assert repr(ResetReport(key="k", items=())) == "<ResetReport of 0 contacts (nothing)>"
    assert "Abbiatici" not in repr(report.items)
    assert "AbbiaticiR" not in f"{report.to_records()}{report._repr_html_()}{attrs.asdict(report)}"


# -- applied again


def test_a_second_ok_is_the_same_job(portal: Portal) -> None:
    """R12: the same confirmed plan on another service is the same job, done: nothing moves, no line is added."""
    ok = confirmed(portal, ["c-1", "c-2"])
    report = portal.resets.start(ok).run()
    assert outcomes(report) == {("set", None): 2}
    before = [portal.account(contact_id) for contact_id in ("c-1", "c-2")], portal.store.events()

    again = portal.with_parts().resets.start(ok)

    assert list(again) == []
    assert again.report() == again.run() == report
    assert ([portal.account(contact_id) for contact_id in ("c-1", "c-2")], portal.store.events()) == before


def test_a_second_ok_leaves_a_chosen_password_be(portal: Portal) -> None:
    """R12: a job that is resumed after its default was used does not take the contact's own password away."""
    ok = confirmed(portal, ["c-1"])
    portal.resets.start(ok).run()
    portal.choose("c-1")

    assert outcomes(portal.resets.start(ok).run()) == {("set", None): 1}
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_a_job_survives_the_process_that_planned_it(portal: Portal) -> None:
    """R12: whoever knows the key goes on; so does a confirmed plan that was kept."""
    school = portal.add_school(2 * CHUNK + 6)
    ok = confirmed(portal, [*school])
    next(iter(portal.resets.start(ok)))

    resumed = portal.with_parts().resets.resume(ok.key)
    next(iter(resumed))
    assert resumed.progress().done == 2 * CHUNK
    kept = pickle.loads(pickle.dumps(ok))  # noqa: S301  Its own bytes.
    assert [result.contact_id for result in portal.with_parts().resets.start(kept)] == school[2 * CHUNK :]
    assert outcomes(resumed.report()) == {("set", None): 2 * CHUNK + 6}
    assert set(issues_of(portal).values()) == {1}


@pytest.mark.parametrize("later", ["reset", "erased", "chosen"])
def test_a_resumed_job_sets_nobody_twice_whatever_came_between(portal: Portal, later: str) -> None:
    """R12: set by the job that was killed then, by others, then chosen: whoever resumes it leaves that alone."""
    ok = confirmed(portal, ["c-1", "c-2"])
    job = portal.resets.start(ok)
    # Killed after its commit, before it could say so.
    lost = attrs.evolve(portal, store=watched(portal.store, _lose_savings))
    with pytest.raises(ZeroDivisionError):
        lost.resets.start(ok).run()
    if later == "erased":
        portal.accounts.erase("c-1", OFFICE)
        portal.accounts.sync_contacts([ROSA], OFFICE, usernames=USERNAMES, restore_erased=True)
    else:
        issued(portal)
    if later == "chosen":
        portal.choose("c-1")
    between = portal.account("c-1")
    portal.clock.move(seconds=31)

    report = job.run()

    expected = (ResetOutcome.SKIPPED, DecisionReason.CHANGED_MEANWHILE), (ResetOutcome.SET, None)
    assert tuple((result.outcome, result.reason) for result in report) == expected
    assert portal.account("c-1") == between
    assert issues_of(portal)["c-2"] == 1


def _lose_savings(when: str, name: str, arguments: tuple[Any, ...]) -> None:
    if name == "save_chunk":
        raise ZeroDivisionError


def test_a_confirmed_plan_grows_old(portal: Portal) -> None:
    """R11: what the operator saw yesterday is not started today; a job that was started goes on."""
    school = portal.add_school(CHUNK + 2)
    fresh, started = confirmed(portal, [*school]), confirmed(portal, [*school])
    portal.clock.move(hours=24)
    portal.resets.start(started)
    portal.clock.move(seconds=1)

    with pytest.raises(ConfigurationError, match="24 hours ago"):
        portal.resets.start(fresh)
    assert portal.resets.find_job(fresh.key) is None
    assert outcomes(portal.resets.start(started).run()) == {("set", None): CHUNK + 2}


@pytest.mark.parametrize(
    "forge",
    [
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, expires_at=datetime(2040, 1, 1, tzinfo=UTC))),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, expires_at=datetime(2026, 1, 1, tzinfo=UTC))),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, expires_at="2026-09-01")),
        lambda ok: attrs.evolve(ok, confirmed_at=ok.confirmed_at + timedelta(days=300)),
        lambda ok: attrs.evolve(ok, confirmed_at="today"),
        lambda ok: attrs.evolve(ok, plan=None),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, lifetime=14)),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, items=ok.plan.items * 2)),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, replace_chosen=not ok.plan.replace_chosen)),
        lambda ok: attrs.evolve(ok, operator=Operator(operator_id="somebody else")),
        lambda ok: attrs.evolve(ok, key="autumn"),
        lambda ok: attrs.evolve(ok, is_new_key=not ok.is_new_key),
        lambda ok: attrs.evolve(ok, confirmed_at=ok.confirmed_at - timedelta(minutes=1)),
    ],
    ids=[
        "2040",
        "past",
        "text",
        "from the future",
        "no instant",
        "no plan",
        "no lifetime",
        "items",
        "chosen",
        "operator",
        "key",
        "new key",
        "earlier",
    ],
)
def test_a_plan_that_was_changed_after_ok_is_refused(
    memory_portal: Portal, forge: Callable[[ConfirmedPlan[ResetPlan]], ConfirmedPlan[ResetPlan]]
) -> None:
    """R5, R11: a default that works for years was shown to nobody, whoever wrote the date into the plan."""
    with pytest.raises(ConfigurationError, match="pass what ResetPlan"):
        memory_portal.resets.start(forge(confirmed(memory_portal, ["c-1"])))


def test_a_counter_that_is_away_leaves_the_limits_and_says_so(memory_portal: Portal) -> None:
    """R9, R12: the default is set all the same; the operator learns that its owner may have to wait."""

    def away(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        raise StoreUnavailableError(name, "57P01")

    portal = attrs.evolve(memory_portal, counter=watched(memory_portal.counter, away))
    (result,) = portal.resets.start(confirmed(portal, ["c-1"])).run()
    assert (result.outcome, result.warnings) == (ResetOutcome.SET, ("limits_not_lifted",))


@pytest.mark.parametrize("error", [TransactionAborted("counts", "40001"), ZeroDivisionError()])
def test_what_a_counter_raises_besides_comes_out(memory_portal: Portal, error: Exception) -> None:
    """R20, R23: a transaction of the host's that is gone, and a bug of the host's, are not swallowed."""

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        raise error

    portal = attrs.evolve(memory_portal, counter=watched(memory_portal.counter, fail))
    with pytest.raises(type(error)):
        portal.resets.start(confirmed(portal, ["c-1"])).run()
    assert portal.account("c-1").credential.epoch == 0


def test_a_job_lifts_the_limits_of_many_in_one_question(memory_portal: Portal) -> None:
    """R9, R21: a chunk costs the counter one query, and a write only for who met a failure."""
    school = memory_portal.add_school(CHUNK)
    memory_portal.sign_ins.sign_in(f"user.{school[3]}", "wrong")
    asked: list[str] = []

    def hear(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if when == "before":
            asked.append(name)

    portal = attrs.evolve(memory_portal, counter=watched(memory_portal.counter, hear))
    portal.resets.start(confirmed(portal, [*school])).run()
    assert asked == ["counts", "clear", "clear", "hit"]


def test_a_later_reset_is_not_undone_by_an_earlier_job(portal: Portal) -> None:
    """R11, R12: what somebody else issued since is another epoch, and stays."""
    ok = confirmed(portal, ["c-1"])
    assert portal.resets.reset_password("c-1", OFFICE).outcome is ResetOutcome.SET
    theirs = portal.account("c-1")

    assert outcomes(portal.resets.start(ok).run()) == {("skipped", "changed_meanwhile"): 1}
    assert portal.account("c-1") == theirs


def test_drawn_passwords_that_were_never_handed_over_are_reported(portal: Portal) -> None:
    """R12: a drawn password that was committed when its job died is lost; it says so, and only a new plan helps."""
    drawing = portal.with_parts(strategy=RandomReadable())
    school = portal.add_school(CHUNK + 2)
    ok = confirmed(drawing, [*school], reveal=True)
    first = next(iter(drawing.resets.start(ok)))
    assert first.secret is not None
    portal.clock.move(seconds=31)

    resumed = drawing.resets.start(ok).run()

    assert outcomes(resumed) == {("undelivered", None): CHUNK, ("set", None): 2}
    assert [result.secret is not None for result in resumed] == [False] * CHUNK + [True] * 2
    assert epochs(portal, school) == [1] * (CHUNK + 2)
    lost = [result.contact_id for result in resumed if result.outcome is ResetOutcome.UNDELIVERED]
    anew = drawing.resets.start(confirmed(drawing, lost, reveal=True)).run()
    assert outcomes(anew) == {("set", None): CHUNK}


def test_a_drawn_password_that_was_used_was_handed_over(portal: Portal) -> None:
    """R12: who chose a password of their own since got the drawn one; nobody has to look after them."""
    drawing = portal.with_parts(strategy=RandomReadable())
    ok = confirmed(drawing, ["c-1"], reveal=True)
    result = next(iter(drawing.resets.start(ok)))
    assert result.secret is not None
    ticket = ticket_of(portal, "rabbiatici", result.secret.reveal())
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)
    portal.clock.move(seconds=31)

    assert outcomes(drawing.resets.start(ok).run()) == {("set", None): 1}


def test_whoever_hands_over_slowly_keeps_what_they_have(portal: Portal) -> None:
    """R12: while the passwords of a few dozen are being printed, no other worker tells them as lost."""
    drawing = portal.with_parts(strategy=RandomReadable())
    ok = confirmed(drawing, [*portal.add_school(10)], reveal=True)
    printing = drawing.resets.start(ok)
    for _ in printing:
        portal.clock.move(seconds=20)
        assert drawing.resets.start(ok).progress().held == 10
    assert outcomes(drawing.resets.start(ok).report()) == {("set", None): 10}


def test_what_was_told_as_lost_is_still_handed_over(portal: Portal) -> None:
    """R12: a worker that was frozen beyond its lease has passwords that nobody else knows, and yields them."""
    drawing = portal.with_parts(strategy=RandomReadable())
    school = portal.add_school(3)
    ok = confirmed(drawing, [*school], reveal=True)
    frozen = drawing.resets.start(ok)
    first = next(iter(frozen))
    portal.clock.move(seconds=31)
    other = drawing.resets.start(ok)
    assert outcomes(other.run()) == {("undelivered", None): 3}

    handed = [first, *frozen]

    assert [result.contact_id for result in handed] == school
    assert all(result.secret is not None for result in handed)
    assert outcomes(frozen.report()) == {("set", None): 3}
    assert outcomes(other.report()) == {("undelivered", None): 3}


# A child that resumes the job whose key it is handed and kills itself, with no chance to clean up, at one point.
KILLED = """
import os, signal, sqlite3, sys
import attrs
from pathlib import Path
from portal import open_portal
from portalcreds.stores.dbapi import DBAPIAccountStore

folder, kind, point = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
key = Path(folder / "key").read_text()
seen = 0

def count(*_):
    global seen
    seen += 1
    if seen == point:
        os.kill(os.getpid(), signal.SIGKILL)

def connect():
    connection = sqlite3.connect(folder / "portal.db", isolation_level=None, check_same_thread=False)
    if kind == "statement":
        connection.set_trace_callback(count)
    return connection

with open_portal("memory", folder) as parts, DBAPIAccountStore(connect) as store:
    portal = attrs.evolve(parts, store=store)
    portal.resets.resume(key).run(count if kind == "result" else None)
"""


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        ("result", 1),
        ("result", CHUNK),
        ("result", CHUNK + 1),
        ("statement", 1),
        ("statement", 4),
        ("statement", 40),
        ("statement", CHUNK + 20),
        ("statement", 2 * CHUNK + 6),
    ],
)
def test_a_killed_job_is_resumed_without_loss_or_double(tmp_path: Path, kind: str, point: int) -> None:
    """R12: killed between results or within a transaction, each contact is issued once and on record once."""
    with open_portal("sqlite", tmp_path) as portal:
        school = portal.add_school(2 * CHUNK + 10)
        ok = confirmed(portal, [*school])
        portal.resets.start(ok)
        (tmp_path / "key").write_text(ok.key)

        child = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path), kind, str(point)],
            cwd=Path(__file__).parents[1],
            check=False,
            capture_output=True,
            timeout=60,
        )

        assert child.returncode == -signal.SIGKILL, child.stderr.decode()
        accounts = portal.store.find_many(school).values()
        half = {account.contact_id for account in accounts if account.credential.epoch}
        assert len(half) % CHUNK == 0
        assert len(half) < len(school)
        for account in accounts:
            # Hash, forced change and expiry are there together or not at all, and so is the record.
            expected = CredentialOrigin.ISSUED if account.contact_id in half else CredentialOrigin.NONE
            assert account.credential.origin is expected
        assert issues_of(portal) == dict.fromkeys(half, 1)

        portal.clock.move(seconds=31)
        job = portal.resets.resume(ok.key)
        report = job.run()

        assert outcomes(report) == {("set", None): len(school)}
        assert job.progress().is_finished
        assert issues_of(portal) == dict.fromkeys(school, 1)
        assert epochs(portal, school) == [1] * len(school)
