"""A confirmed plan at work: left, cancelled, killed, raced and failing, and applied again."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import GOOD_PASSWORD, OFFICE, USERNAMES, Portal, issued, open_portal, ticket_of, watched
from portalcreds.accounts import AccountStatus, CredentialOrigin
from portalcreds.audit import AuditKind
from portalcreds.contacts import ContactId
from portalcreds.default_passwords import RandomReadable, default_password
from portalcreds.exceptions import (
    HashingUnavailableError,
    PortalCredsError,
    StoreError,
    StoreUnavailableError,
    TransactionAborted,
)
from portalcreds.outcomes import PasswordChanged, PasswordChangeRequired, SignedIn, SignInDenied
from portalcreds.reset_job import _CHUNK, ResetJob, ResetOutcome, ResetReport, ResetResult
from portalcreds.reset_plan import ConfirmedPlan, Decision, DecisionReason
from portalcreds.secret import Secret

CHUNK = _CHUNK


def confirmed(portal: Portal, contact_ids: list[Any], **options: Any) -> ConfirmedPlan:
    """Plan, and press OK."""
    return portal.resets.plan(contact_ids, OFFICE, **options).confirm(OFFICE)


def outcomes(report: ResetReport) -> Counter[tuple[str, str | None]]:
    """Count the outcomes with their reasons."""
    return Counter((result.outcome.value, result.reason) for result in report)


def issues_of(portal: Portal) -> Counter[str | None]:
    """Count the events of issuing by contact."""
    return Counter(event.contact_id for event in portal.store.events() if event.kind is AuditKind.PASSWORD_ISSUED)


def epochs(portal: Portal, contact_ids: list[ContactId]) -> list[int]:
    """Return the contacts' epochs."""
    return [portal.account(contact_id).credential.epoch for contact_id in contact_ids]


# -- following it


def test_a_job_does_nothing_before_it_is_followed(portal: Portal) -> None:
    """R12: applying returns a job; each step of the iteration commits a little more."""
    school = portal.add_school(CHUNK + 1)
    job = portal.resets.apply(confirmed(portal, [*school]))

    assert len(job) == CHUNK + 1
    assert epochs(portal, school) == [0] * (CHUNK + 1)
    assert repr(job) == f"<ResetJob {job.confirmed.key}: 0 of 65 contacts done>"
    first = next(iter(job))
    assert first.outcome is ResetOutcome.SET
    assert epochs(portal, school) == [1] * CHUNK + [0]
    assert job.report().count(ResetOutcome.NOT_REACHED) == 1, "what is committed is reported, told in the loop or not"
    assert not job.report().is_complete
    assert job.run().is_complete
    assert epochs(portal, school) == [1] * (CHUNK + 1)


def test_results_come_in_the_order_selected(portal: Portal) -> None:
    """R12: one result for each contact of the plan, in its order, whatever is set and whatever is not."""
    portal.accounts.disable("c-2", OFFICE)
    selected = ["c-9", *reversed(portal.add_school(2 * CHUNK)), "c-2", "c-1", "c-4"]
    told: list[ResetResult] = []

    report = portal.resets.apply(confirmed(portal, selected)).run(told.append)

    assert [result.contact_id for result in report] == selected
    assert tuple(told) == report.results
    assert len(report) == 2 * CHUNK + 4
    assert [(r.outcome, r.reason) for r in (report.results[0], *report.results[-3:])] == [
        (ResetOutcome.CANNOT, DecisionReason.NO_ACCOUNT),
        (ResetOutcome.SKIPPED, DecisionReason.DISABLED),
        (ResetOutcome.SET, None),
        (ResetOutcome.CANNOT, DecisionReason.NOT_DERIVABLE),
    ]
    assert [report.count(outcome) for outcome in ResetOutcome] == [2 * CHUNK + 1, 0, 0, 1, 2, 0, 0]


def test_a_loop_that_is_left_goes_on_where_it_was(portal: Portal) -> None:
    """R12: a second loop, or a run, over the same job continues; nobody is told twice and nobody is left out."""
    school = portal.add_school(CHUNK + 10)
    job = portal.resets.apply(confirmed(portal, [*school]))
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
    job = portal.resets.apply(confirmed(portal, ["c-1", "c-2"]))

    def broken(result: ResetResult) -> None:
        raise OSError("the terminal went away")

    with pytest.raises(OSError, match="terminal"):
        job.run(broken)
    assert outcomes(job.run()) == {("set", None): 2}


def test_a_job_can_be_cancelled_between_chunks(portal: Portal) -> None:
    """R12: cancel is asked before each chunk; what is not reached says so, and another application does it."""
    school = portal.add_school(2 * CHUNK + 1)
    asked = []

    def cancel() -> bool:
        asked.append(sum(epochs(portal, school)))
        return len(asked) == 2

    ok = confirmed(portal, [*school])
    job = portal.resets.apply(ok, cancel=cancel)
    report = job.run()

    assert asked == [0, CHUNK]
    assert [result.contact_id for result in report] == school
    assert outcomes(report) == {("set", None): CHUNK, ("not_reached", None): CHUNK + 1}
    again = portal.resets.apply(ok, cancel=lambda: False).run()
    assert outcomes(again) == {("already_set", None): CHUNK, ("set", None): CHUNK + 1}


def test_what_is_cancelled_at_once_writes_nothing(portal: Portal) -> None:
    """R12: the first question comes before the first hash."""
    report = portal.resets.apply(confirmed(portal, ["c-1"]), cancel=lambda: True).run()
    assert outcomes(report) == {("not_reached", None): 1}
    assert portal.account("c-1").status(portal.clock()) is AccountStatus.NEVER_ISSUED


def test_a_report_shows_names_on_purpose_and_passwords_never(portal: Portal) -> None:
    """R14, R24: records and the notebook's table have names and outcomes; a repr has neither."""
    report = portal.resets.apply(confirmed(portal, ["c-1", "c-4"], reveal=True)).run()

    assert report.results[0].secret is not None
    assert report.to_records() == [
        {
            "contact_id": "c-1",
            "first_name": "Rosa",
            "last_name": "Abbiatici",
            "username": "rabbiatici",
            "outcome": "set",
            "reason": None,
            "warnings": "",
        },
        {
            "contact_id": "c-4",
            "first_name": None,
            "last_name": "Suharto",
            "username": "suharto",
            "outcome": "cannot",
            "reason": "not_derivable",
            "warnings": "",
        },
    ]
    assert "<td>Abbiatici</td>" in report._repr_html_()
    assert repr(report) == "<ResetReport of 2 contacts (set: 1, cannot: 1)>"
    assert repr(ResetReport(key="k", results=())) == "<ResetReport of 0 contacts (nothing)>"
    assert "Abbiatici" not in repr(report.results)
    assert "AbbiaticiR" not in f"{report.to_records()}{report._repr_html_()}{attrs.asdict(report)}"


# -- applied again


def test_applying_again_sets_nothing_twice(portal: Portal) -> None:
    """R12, F7: the same confirmed plan on another service finds each password set; nothing moves, no line is added."""
    ok = confirmed(portal, ["c-1", "c-2"])
    assert outcomes(portal.resets.apply(ok).run()) == {("set", None): 2}
    before = [portal.account(contact_id) for contact_id in ("c-1", "c-2")], portal.store.events()

    report = portal.with_parts().resets.apply(ok).run()

    assert outcomes(report) == {("already_set", None): 2}
    assert ([portal.account(contact_id) for contact_id in ("c-1", "c-2")], portal.store.events()) == before
    assert all(result.secret is None for result in report)


def test_applying_again_leaves_a_chosen_password_be(portal: Portal) -> None:
    """R12, F3: a job that is resumed after its default was used does not take the contact's own password away."""
    ok = confirmed(portal, ["c-1"])
    portal.resets.apply(ok).run()
    portal.choose("c-1")

    assert outcomes(portal.resets.apply(ok).run()) == {("already_set", None): 1}
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_a_job_survives_the_process_that_planned_it(portal: Portal) -> None:
    """R12: a confirmed plan can be kept and resumed elsewhere, and so can its key with a plan made anew."""
    school = portal.add_school(CHUNK + 6)
    ok = confirmed(portal, [*school])
    next(iter(portal.resets.apply(ok)))

    kept = pickle.loads(pickle.dumps(ok))  # noqa: S301  Its own bytes.
    assert outcomes(portal.with_parts().resets.apply(kept).run()) == {("already_set", None): CHUNK, ("set", None): 6}

    anew = portal.resets.plan(school, OFFICE, replace_chosen=True).confirm(OFFICE, key=ok.key)
    assert outcomes(portal.resets.apply(anew).run()) == {("already_set", None): CHUNK + 6}
    assert set(issues_of(portal).values()) == {1}


def test_a_later_reset_is_not_undone_by_an_earlier_job(portal: Portal) -> None:
    """R11, R12: what somebody else issued since is another epoch, and stays."""
    ok = confirmed(portal, ["c-1"])
    assert portal.resets.reset_password("c-1", OFFICE).outcome is ResetOutcome.SET
    theirs = portal.account("c-1")

    assert outcomes(portal.resets.apply(ok).run()) == {("skipped", "changed_meanwhile"): 1}
    assert portal.account("c-1") == theirs


def test_drawn_passwords_that_were_never_handed_over_are_reported(portal: Portal) -> None:
    """R12: a drawn password that was committed when its job died is lost; it says so, and only a new plan helps."""
    drawing = portal.with_parts(strategy=RandomReadable())
    school = portal.add_school(CHUNK + 2)
    ok = confirmed(drawing, [*school], reveal=True)
    first = next(iter(drawing.resets.apply(ok)))
    assert first.secret is not None

    resumed = drawing.resets.apply(ok).run()

    assert outcomes(resumed) == {("undelivered", None): CHUNK, ("set", None): 2}
    assert [result.secret is not None for result in resumed] == [False] * CHUNK + [True] * 2
    assert epochs(portal, school) == [1] * (CHUNK + 2)
    lost = [result.contact_id for result in resumed if result.outcome is ResetOutcome.UNDELIVERED]
    anew = drawing.resets.apply(confirmed(drawing, lost, reveal=True)).run()
    assert outcomes(anew) == {("set", None): CHUNK}


def test_a_drawn_password_that_was_used_was_handed_over(portal: Portal) -> None:
    """R12: who chose a password of their own since got the drawn one; nobody has to look after them."""
    drawing = portal.with_parts(strategy=RandomReadable())
    ok = confirmed(drawing, ["c-1"], reveal=True)
    (result,) = drawing.resets.apply(ok).run()
    assert result.secret is not None
    ticket = ticket_of(portal, "rabbiatici", result.secret.reveal())
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)

    assert outcomes(drawing.resets.apply(ok).run()) == {("already_set", None): 1}


# A child that applies the confirmed plan it is handed and kills itself, with no chance to clean up, at one point.
KILLED = """
import os, pickle, signal, sqlite3, sys
import attrs
from pathlib import Path
from portal import open_portal
from portalcreds.stores.dbapi import DBAPIAccountStore

folder, kind, point = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ok = pickle.loads(Path(folder / "confirmed").read_bytes())
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
    portal.resets.apply(ok).run(count if kind == "result" else None)
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
    """F7, F8, R12: killed between results or within a transaction, each contact is issued once and on record once."""
    with open_portal("sqlite", tmp_path) as portal:
        school = portal.add_school(2 * CHUNK + 10)
        ok = confirmed(portal, [*school])
        (tmp_path / "confirmed").write_bytes(pickle.dumps(ok))

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
            # F8: hash, forced change and expiry are there together or not at all, and so is the record.
            expected = CredentialOrigin.ISSUED if account.contact_id in half else CredentialOrigin.NONE
            assert account.credential.origin is expected
        assert issues_of(portal) == dict.fromkeys(half, 1)

        report = portal.resets.apply(ok).run()

        done = {result.contact_id for result in report if result.outcome is ResetOutcome.ALREADY_SET}
        assert done == half
        assert report.count(ResetOutcome.SET) == len(school) - len(half)
        assert issues_of(portal) == dict.fromkeys(school, 1)
        assert epochs(portal, school) == [1] * len(school)


# -- raced


def test_a_password_chosen_while_the_bulk_hashes_survives(portal: Portal) -> None:
    """F3, R3, R11: between reading and writing each chunk, some contacts finish their own change; all keep it."""
    school = portal.add_school(4 * CHUNK)
    portal.resets.apply(confirmed(portal, [*school])).run()
    chosen: list[ContactId] = []
    pool = ThreadPoolExecutor(4)

    def interfere(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and len(arguments[0]) == CHUNK:
            quick = [change.new.contact_id for change in arguments[0][::8]]
            chosen.extend(quick)
            list(pool.map(portal.choose, quick))

    raced = attrs.evolve(portal, store=watched(portal.store, interfere))
    with pool:
        report = raced.resets.apply(confirmed(portal, [*school])).run()

    assert len(chosen) == 4 * CHUNK // 8
    assert outcomes(report) == {
        ("set", None): len(school) - len(chosen),
        ("skipped", "changed_meanwhile"): len(chosen),
    }
    skipped = [result.contact_id for result in report if result.outcome is ResetOutcome.SKIPPED]
    assert skipped == chosen
    for contact_id in school:
        account = portal.account(contact_id)
        origin = CredentialOrigin.CHOSEN if contact_id in chosen else CredentialOrigin.ISSUED
        assert account.credential.origin is origin
        assert account.credential.epoch == 2
    for contact_id in chosen:
        assert isinstance(portal.sign_ins.sign_in(f"user.{contact_id}", GOOD_PASSWORD), SignedIn)


def test_a_bulk_beside_people_who_choose(tmp_path: Path) -> None:
    """F3: whoever of some dozens finishes a change, before, during or after the bulk, has that password at the end."""
    with open_portal("sqlite", tmp_path) as portal:
        school = portal.add_school(3 * CHUNK)
        portal.resets.apply(confirmed(portal, [*school])).run()
        ok = confirmed(portal, [*school])
        quick = school[::5]
        changed_at_epoch: dict[str, int] = {}

        def choose(contact_id: ContactId) -> None:
            outcome = portal.sign_ins.sign_in(
                f"user.{contact_id}", default_password(portal.account(contact_id).contact)
            )
            if isinstance(outcome, PasswordChangeRequired):
                changed = portal.sign_ins.complete_change(outcome.ticket, GOOD_PASSWORD)
                if isinstance(changed, PasswordChanged):
                    changed_at_epoch[contact_id] = changed.account.credential.epoch

        with ThreadPoolExecutor(4) as pool:
            changes = [pool.submit(choose, contact_id) for contact_id in quick]
            report = portal.resets.apply(ok).run()
            for change in changes:
                change.result()

        skipped = {result.contact_id for result in report if result.reason is DecisionReason.CHANGED_MEANWHILE}
        assert skipped == {contact_id for contact_id, epoch in changed_at_epoch.items() if epoch == 2}
        assert report.count(ResetOutcome.SET) == len(school) - len(skipped)
        for contact_id in changed_at_epoch:
            assert isinstance(portal.sign_ins.sign_in(f"user.{contact_id}", GOOD_PASSWORD), SignedIn)
        assert changed_at_epoch


def test_a_race_within_the_epoch_is_written_over(portal: Portal) -> None:
    """R3, R11: a sign-in that only opened a ticket moved the version and not the epoch: read anew, and set."""
    default = issued(portal)
    ok = confirmed(portal, ["c-1"])
    tickets: list[Secret] = []

    def open_ticket(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and len(tickets) < 3:
            tickets.append(ticket_of(portal, "rabbiatici", default))

    report = attrs.evolve(portal, store=watched(portal.store, open_ticket)).resets.apply(ok).run()

    assert len(tickets) == 3
    assert outcomes(report) == {("set", None): 1}
    assert portal.account("c-1").credential.ticket_digest is None
    assert issues_of(portal) == {"c-1": 2}


def test_an_account_that_keeps_changing_is_given_up(portal: Portal) -> None:
    """R3: a contact that loses every race is one failed row; the others of the chunk are set, and once only."""
    default = issued(portal)
    ok = confirmed(portal, ["c-2", "c-1", "c-3"])
    rounds = []

    def open_ticket(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            rounds.append(len(arguments[0]))
            ticket_of(portal, "rabbiatici", default)

    report = attrs.evolve(portal, store=watched(portal.store, open_ticket)).resets.apply(ok).run()

    assert rounds == [3, 1, 1, 1]
    assert [(result.outcome, result.reason) for result in report] == [
        (ResetOutcome.SET, None),
        (ResetOutcome.FAILED, DecisionReason.KEPT_CHANGING),
        (ResetOutcome.SET, None),
    ]
    assert issues_of(portal) == {"c-1": 1, "c-2": 1, "c-3": 1}


def test_a_lost_race_for_a_drawn_password_yields_the_one_that_is_stored(portal: Portal) -> None:
    """R12, R15: the password on the result is the one whose hash was written, though each round drew anew."""
    drawing = portal.with_parts(strategy=RandomReadable())
    portal.resets.apply(confirmed(portal, ["c-1"])).run()
    ok = confirmed(drawing, ["c-1"], reveal=True)
    lost: list[str] = []

    def refresh(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and len(lost) < 2:
            lost.append(name)
            contact = attrs.evolve(portal.account("c-1").contact, email=f"{len(lost)}@example.org")
            portal.accounts.sync_contacts([contact], OFFICE)

    (result,) = attrs.evolve(drawing, store=watched(portal.store, refresh)).resets.apply(ok).run()

    assert len(lost) == 2
    assert result.secret is not None
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", result.secret), PasswordChangeRequired)


def test_a_password_drawn_before_a_lost_race_is_the_one_that_is_handed_over(portal: Portal) -> None:
    """R15: where the contact stayed the same, the first drawing is written and told, and not a later one."""
    default = issued(portal)
    drawing = portal.with_parts(strategy=RandomReadable())
    ok = confirmed(drawing, ["c-1"], reveal=True)
    tickets: list[Secret] = []

    def open_ticket(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not tickets:
            tickets.append(ticket_of(portal, "rabbiatici", default))

    (result,) = attrs.evolve(drawing, store=watched(portal.store, open_ticket)).resets.apply(ok).run()

    assert tickets
    assert result.secret is not None
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", result.secret), PasswordChangeRequired)


def test_a_name_that_changes_while_its_default_is_hashed(portal: Portal) -> None:
    """R11: the loser of the race derives again: the new name's default is set, and the warning says so."""
    ok = confirmed(portal, ["c-1"])
    moved: list[str] = []

    def move(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not moved:
            moved.append(name)
            portal.accounts.sync_contacts([attrs.evolve(portal.account("c-1").contact, last_name="Vries")], OFFICE)

    (result,) = attrs.evolve(portal, store=watched(portal.store, move)).resets.apply(ok).run()

    assert (result.outcome, result.warnings) == (ResetOutcome.SET, ("name_changed",))
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "VriesR"), PasswordChangeRequired)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), SignInDenied)


# -- failing


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
    """R12, R21: the contacts of that chunk failed and say why, the others are set, and another application mends it."""
    school = portal.add_school(3 * CHUNK)
    ok = confirmed(portal, [*school])
    away = attrs.evolve(portal, store=watched(portal.store, Broken(UNAVAILABLE, method, 2)))

    report = away.resets.apply(ok).run()

    assert outcomes(report) == {("set", None): 2 * CHUNK, ("failed", "store_unavailable"): CHUNK}
    assert {r.contact_id for r in report if r.outcome is ResetOutcome.FAILED} == set(school[CHUNK : 2 * CHUNK])
    assert report.is_complete
    assert outcomes(portal.resets.apply(ok).run()) == {("already_set", None): 2 * CHUNK, ("set", None): CHUNK}
    assert issues_of(portal) == dict.fromkeys(school, 1)


def test_a_commit_whose_answer_was_lost_is_not_written_again(portal: Portal) -> None:
    """R12, F9: the store committed and could not say so: reported as failed now, as set by another application."""
    ok = confirmed(portal, ["c-1", "c-2"])
    away = attrs.evolve(portal, store=watched(portal.store, Broken(UNAVAILABLE, "apply", 1, when="after")))

    assert outcomes(away.resets.apply(ok).run()) == {("failed", "store_unavailable"): 2}
    assert outcomes(portal.resets.apply(ok).run()) == {("already_set", None): 2}
    assert issues_of(portal) == {"c-1": 1, "c-2": 1}


def refuse_one(contact_id: str, error: Exception) -> Callable[[str, str, tuple[Any, ...]], None]:
    """Return a hook that refuses each writing in which the contact is, as a trigger of the database would."""

    def refuse(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and any(c.new.contact_id == contact_id for c in arguments[0]):
            raise error

    return refuse


def test_a_row_that_the_database_refuses_costs_that_row_only(portal: Portal) -> None:
    """R12: a trigger that refuses one account does not keep its neighbours, nor who comes after, from a password."""
    school = portal.add_school(CHUNK + 5)
    refusing = attrs.evolve(portal, store=watched(portal.store, refuse_one(school[7], StoreError("apply", "23514"))))

    report = refusing.resets.apply(confirmed(portal, [*school])).run()

    assert outcomes(report) == {("set", None): CHUNK + 4, ("failed", "store_refused"): 1}
    assert report.results[7].outcome is ResetOutcome.FAILED
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
        .resets.apply(confirmed(portal, ["c-1", "c-2", "c-3"]))
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
            raise StoreError("find_many", "corrupt")

    broken = attrs.evolve(portal, store=watched(portal.store, unreadable))
    report = broken.resets.apply(confirmed(portal, ["c-1", "c-2"])).run()
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
        broken.resets.apply(confirmed(portal, ["c-1", "c-2"])).run()


def test_hashing_that_fails_costs_one_chunk(portal: Portal) -> None:
    """R12: want of memory is a result of the contacts it hit, and nothing of them is written."""
    school = portal.add_school(2 * CHUNK)
    ok = confirmed(portal, [*school])
    hasher = watched(portal.hasher, Broken(HashingUnavailableError("out_of_memory"), "hash_issued", 1))

    report = attrs.evolve(portal, hasher=hasher).resets.apply(ok).run()

    assert outcomes(report) == {("failed", "hashing_unavailable"): CHUNK, ("set", None): CHUNK}
    assert epochs(portal, school) == [0] * CHUNK + [1] * CHUNK
    assert outcomes(portal.resets.apply(ok).run()) == {("set", None): CHUNK, ("already_set", None): CHUNK}


def test_a_failure_in_a_later_round_keeps_what_was_written(portal: Portal) -> None:
    """R12: of a chunk in which one lost a race and the store then went away, the others stay reported as set."""
    default = issued(portal)
    broken = Broken(UNAVAILABLE, "find_many", 2)

    def race(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        broken(when, name, arguments)
        if (when, name) == ("before", "apply"):
            ticket_of(portal, "rabbiatici", default)

    ok = confirmed(portal, ["c-1", "c-2"])
    report = attrs.evolve(portal, store=watched(portal.store, race)).resets.apply(ok).run()

    assert [(result.outcome, result.reason) for result in report] == [
        (ResetOutcome.FAILED, DecisionReason.STORE_UNAVAILABLE),
        (ResetOutcome.SET, None),
    ]


def test_what_is_no_failure_of_the_store_comes_out_and_is_not_the_end(portal: Portal) -> None:
    """R12, R23: a bug of the host's own parts is not swallowed; the report still tells what was set before it."""
    school = portal.add_school(2 * CHUNK)
    ok = confirmed(portal, [*school])
    broken = attrs.evolve(portal, store=watched(portal.store, Broken(ZeroDivisionError(), "find_many", 2)))

    job: ResetJob = broken.resets.apply(ok)
    with pytest.raises(ZeroDivisionError):
        job.run()

    assert outcomes(job.report()) == {("set", None): CHUNK, ("not_reached", None): CHUNK}
    assert outcomes(portal.resets.apply(ok).run()) == {("already_set", None): CHUNK, ("set", None): CHUNK}


def test_no_failure_says_a_name(portal: Portal) -> None:
    """R14: a failed row is told by its id; neither errors nor their reprs hold names, user names or passwords."""
    broken = attrs.evolve(portal, store=watched(portal.store, Broken(TransactionAborted("apply", "1"), "apply", 1)))
    with pytest.raises(PortalCredsError) as caught:
        broken.resets.apply(confirmed(portal, ["c-1"])).run()

    told = f"{caught.value!r}{caught.value}{caught.value.__cause__!r}{caught.value.__context__!r}"
    for text in ("Rosa", "Abbiatici", USERNAMES["c-1"], "argon2"):
        assert text not in told


def test_a_plan_that_sets_nothing_reads_and_writes_nothing(portal: Portal) -> None:
    """R11: what the plan left out is reported as the plan said it, without another look."""
    calls: list[str] = []
    ok = confirmed(portal, ["c-4", "c-9"])
    assert ok.plan.count(Decision.WILL_SET) == 0
    silent = attrs.evolve(portal, store=watched(portal.store, lambda when, name, arguments: calls.append(name)))

    assert outcomes(silent.resets.apply(ok).run()) == {("cannot", "not_derivable"): 1, ("cannot", "no_account"): 1}
    assert calls == []


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

    job = portal.with_parts(strategy=RandomReadable(), authorizer=sometimes).resets.apply(ok)
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
    job = portal.resets.apply(confirmed(portal, [*school]))
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
    assert outcomes(broken.resets.apply(ok).run()) == {("failed", "store_unavailable"): 2}
