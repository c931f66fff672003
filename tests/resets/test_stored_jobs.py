"""A job is found, followed, shared, refused and cancelled by its key, in whatever process (R12)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import FAMILY, OFFICE, Portal, issued, open_portal, watched
from portalcreds.accounts import Account
from portalcreds.contacts import ContactId
from portalcreds.default_passwords import LastNameFirstInitial, NameTemplate, RandomReadable
from portalcreds.derived import Derived
from portalcreds.exceptions import (
    ConfigurationError,
    CorruptRowError,
    InvalidValueError,
    JobNotFoundError,
    StoreUnavailableError,
)
from portalcreds.jobs import MAX_JOB_TEXT
from portalcreds.plans import PlanChanged
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.resets import DecisionReason, ResetOutcome
from portalcreds.secret import Secret
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.testing._threads import at_once
from resets.running import CHUNK, confirmed, issues_of, outcomes

LEASE = {"seconds": 31}

# -- what is stored


@pytest.mark.parametrize("is_drawn", [False, True])
def test_a_stored_job_holds_no_name_and_no_secret(tmp_path: Path, is_drawn: bool) -> None:
    """R14: whoever erases a contact need not look there; of passwords and hashes there is nothing before or after."""
    with open_portal("sqlite", tmp_path) as portal:
        portal = portal.with_parts(strategy=RandomReadable()) if is_drawn else portal
        ok = confirmed(portal, ["c-1", "c-2", "c-4"], reveal=True)
        portal.resets.start(ok)
        before = _texts(tmp_path)
        portal.accounts.rename("c-1", OFFICE, username="rosa.new")
        report = portal.resets.start(ok).run()
        after = _texts(tmp_path)
    assert "c-1" in before
    assert "username_changed" in after
    secrets = [result.secret.reveal() for result in report if result.secret is not None]
    assert len(secrets) == (3 if is_drawn else 2)
    names = [text for contact in FAMILY for text in (contact.first_name, contact.last_name, contact.email) if text]
    for text in (*secrets, *names, "rabbiatici", "rosa.new", "argon2"):
        assert text not in before
        assert text not in after


def _texts(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "portal.db")) as connection:
        rows = [
            row
            for table in ("portal_jobs", "portal_job_chunks")
            for row in connection.execute(f"SELECT * FROM {table}").fetchall()
        ]
    assert rows
    return json.dumps(rows)


class Wordy(LastNameFirstInitial):
    """A host's strategy that warns in words, at length."""

    def derive(self, contact: Any) -> Derived:
        """Warn of all that there is."""
        warned = ("of Rosa Abbiatici, é", *(f"code-{n}-" + "x" * 50 for n in range(99)))
        return Derived(secret=Secret("abcABC123"), warnings=warned)


def test_a_chunk_is_never_longer_than_a_store_can_keep(memory_portal: Portal) -> None:
    """R12: long ids, and a host's strategy that warns without end, make more chunks and not larger ones."""
    portal = memory_portal.with_parts(strategy=Wordy())
    ids = [ContactId(f"{n:03}" + "😀" * 252) for n in range(70)]
    portal.accounts.sync_contacts(
        [attrs.evolve(FAMILY[0], contact_id=each) for each in ids],
        OFFICE,
        usernames=lambda contact: contact.contact_id[:3],
    )
    job = portal.resets.start(confirmed(portal, [*ids]))
    chunks = portal.store.read_chunks(job.key, -1, 99)  # type: ignore[attr-defined]  # Of the stores that keep jobs.
    assert len(chunks) > 2
    assert outcomes(job.run()) == {("set", None): 70}
    for chunk in portal.store.read_chunks(job.key, -1, 99):  # type: ignore[attr-defined]  # Of the stores that keep jobs.
        assert len(chunk.items) <= MAX_JOB_TEXT
        assert len(chunk.results) <= MAX_JOB_TEXT
        assert "Rosa" not in chunk.items + chunk.results
    with pytest.raises(InvalidValueError, match="255 characters"):
        portal.resets.plan(["x" * 256], OFFICE)


@pytest.mark.parametrize("column", ["terms", "items", "results"])
@pytest.mark.parametrize("text", ["", "{", "[]", '[["Abbiatici"]]', "5", '[[["c-1", null], 1, 2, 3, 4, 5, 6]]'])
def test_a_row_that_somebody_damaged_is_told(tmp_path: Path, column: str, text: str) -> None:
    """R14, R23: an error of the library's own, without what the row holds; nothing is set by it."""
    with open_portal("sqlite", tmp_path) as portal:
        job = portal.resets.start(confirmed(portal, ["c-1", "c-2"]))
        table = "portal_jobs" if column == "terms" else "portal_job_chunks"
        with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
            connection.execute(f"UPDATE {table} SET {column} = ?", [text])
            connection.commit()
        with pytest.raises(CorruptRowError) as caught:
            portal.resets.resume(job.key).run()
        assert "Abbiatici" not in f"{caught.value!r}{caught.value.__context__!r}"
        assert portal.account("c-1").credential.epoch == 0


@pytest.mark.parametrize("column", ["items", "results"])
def test_a_damaged_row_keeps_nobody_else_from_a_password(tmp_path: Path, column: str) -> None:
    """R12: a job goes on behind it, in each new process as well, and tells of it at the end."""
    with open_portal("sqlite", tmp_path) as portal:
        school = portal.add_school(3 * CHUNK)
        job = portal.resets.start(confirmed(portal, school))
        _damage(tmp_path, "portal_job_chunks", column, "number = 0")
        with pytest.raises(CorruptRowError):
            portal.resets.resume(job.key).run()
        assert issues_of(portal) == dict.fromkeys(school[CHUNK:], 1)
        assert portal.resets.unfinished() == (job.key,)
        assert job.progress().held == 0


def test_a_damaged_job_hides_no_other(tmp_path: Path) -> None:
    """R12: the line in the cron table goes on with all jobs but this one, which its key tells of."""
    with open_portal("sqlite", tmp_path) as portal:
        damaged, sound = (portal.resets.start(confirmed(portal, [each])) for each in ("c-1", "c-2"))
        _damage(tmp_path, "portal_jobs", "terms", f"job_key = '{damaged.key}'")
        assert portal.resets.unfinished() == (sound.key,)
        with pytest.raises(CorruptRowError):
            portal.resets.find_job(damaged.key)


def _damage(folder: Path, table: str, column: str, where: str) -> None:
    with closing(sqlite3.connect(folder / "portal.db")) as connection:
        connection.execute(f"UPDATE {table} SET {column} = '[[' WHERE {where}")
        connection.commit()


# -- one key, one job


def test_two_who_press_ok_at_once_start_one_job(portal: Portal) -> None:
    """R12: of two requests with one key, both get the same job, and each contact is set once."""
    school = portal.add_school(CHUNK + 3)
    ok = confirmed(portal, [*school])
    jobs = at_once([lambda: portal.with_parts().resets.start(ok) for _ in range(4)])
    assert {job.key for job in jobs} == {ok.key}
    reports = at_once([job.run for job in jobs])
    assert all(report == reports[0] for report in reports)
    assert outcomes(reports[0]) == {("set", None): CHUNK + 3}
    assert issues_of(portal) == dict.fromkeys(school, 1)


def test_ok_pressed_twice_on_a_page_finds_the_job_of_the_first(portal: Portal) -> None:
    """R12: the plan that the second request makes has changed by the first one's job, which is found under the key."""
    fingerprint = portal.resets.plan(["c-1", "c-2"], OFFICE).fingerprint

    def press_ok() -> Any:
        plan = portal.resets.plan(["c-1", "c-2"], OFFICE).confirm(OFFICE, fingerprint=fingerprint, key="form-1")
        return portal.resets.find_job("form-1") if isinstance(plan, PlanChanged) else portal.resets.start(plan)

    first = press_ok().run()
    second = press_ok()
    assert list(second) == []
    assert second.report() == first
    assert set(issues_of(portal).values()) == {1}


@pytest.mark.parametrize(
    "other", ["operator", "own contact", "contacts", "order", "chosen", "reveal", "invite", "expiry"]
)
def test_a_key_is_good_for_what_was_confirmed_and_nothing_else(memory_portal: Portal, other: str) -> None:
    """R12: another OK under the same key is refused, and neither job nor accounts change."""
    portal = memory_portal
    portal.resets.start(portal.resets.plan(["c-1", "c-2"], OFFICE).confirm(OFFICE, key="k"))
    ids = {"contacts": ["c-1", "c-2", "c-3"], "order": ["c-2", "c-1"]}.get(other, ["c-1", "c-2"])
    terms: dict[str, dict[str, Any]] = {
        "chosen": {"replace_chosen": True},
        "reveal": {"reveal": True},
        "invite": {"invite": True},
        "expiry": {"expires_at": portal.clock() + timedelta(days=3)},
    }
    operators = {
        "operator": Operator(operator_id="boss"),
        "own contact": Operator(operator_id="office", contact_id=ContactId("c-3")),
    }
    plan = portal.resets.plan(ids, OFFICE, **terms.get(other, {}))
    with pytest.raises(InvalidValueError, match="key") as refused:
        portal.resets.start(plan.confirm(operators.get(other, OFFICE), key="k"))
    assert refused.value.field == "key"
    job = portal.resets.resume("k")
    assert len(job) == 2
    assert outcomes(job.run()) == {("set", None): 2}


def test_an_empty_plan_is_a_finished_job(portal: Portal) -> None:
    """R11: nobody is selected, nobody is set, and no job is left for a cron line."""
    job = portal.resets.start(confirmed(portal, []))
    assert (len(job), list(job), len(job.run())) == (0, [], 0)
    assert job.progress().is_finished
    assert portal.resets.unfinished() == ()


# -- found by its key


def test_a_job_that_was_never_started_is_not_found(portal: Portal) -> None:
    """R23: `find_job` returns nothing, and `resume` says what to do."""
    assert portal.resets.find_job("nothing") is None
    with pytest.raises(JobNotFoundError, match="'nothing'"):
        portal.resets.resume("nothing")


def test_a_job_that_was_purged_is_told_as_gone(portal: Portal) -> None:
    """R23: whoever still holds it learns so, and nobody is set any more."""
    job = portal.resets.start(confirmed(portal, ["c-1"]))
    portal.clock.move(days=40)
    assert portal.store.purge_jobs(portal.clock()) == 1  # type: ignore[attr-defined]  # Of the store in memory.
    assert list(job) == []
    for ask in (job.progress, job.report):
        with pytest.raises(JobNotFoundError):
            ask()
    assert portal.account("c-1").credential.epoch == 0


def test_a_job_keeps_to_its_strategy(portal: Portal) -> None:
    """R11: what was confirmed is what is set; another strategy may look, and not set."""
    ok = confirmed(portal, ["c-1"])
    portal.resets.start(ok)
    other = portal.with_parts(strategy=NameTemplate(template="{last_name}!"))
    with pytest.raises(ConfigurationError, match="strategy"):
        other.resets.resume(ok.key)
    looked = other.resets.find_job(ok.key)
    assert looked is not None
    assert (looked.progress().done, looked.report().count(ResetOutcome.NOT_REACHED)) == (0, 1)
    with pytest.raises(ConfigurationError, match="strategy"):
        looked.run()
    assert other.resets.unfinished() == ()
    assert outcomes(portal.resets.resume(ok.key).run()) == {("set", None): 1}


def test_a_job_is_found_in_its_scope_alone(memory_portal: Portal) -> None:
    """R16: for a store that sees one school, another school's job is not there; it could not see its contacts."""

    class OfScope:
        def __init__(self, scope: str) -> None:
            self.scope_digest = scope

        def __getattr__(self, name: str) -> Any:
            return getattr(memory_portal.store, name)

    stores: list[Any] = [OfScope("north"), OfScope("south"), memory_portal.store]
    north, south, whole = (attrs.evolve(memory_portal, store=store) for store in stores)
    ok = north.resets.plan(["c-1"], OFFICE).confirm(OFFICE, key="k")
    north.resets.start(ok)
    for elsewhere in (south, whole):
        assert elsewhere.resets.find_job("k") is None
        assert elsewhere.resets.unfinished() == ()
        with pytest.raises(JobNotFoundError):
            elsewhere.resets.resume("k")
        with pytest.raises(InvalidValueError, match="key"):
            elsewhere.resets.start(ok)
    assert north.resets.unfinished() == ("k",)
    assert outcomes(north.resets.resume("k").run()) == {("set", None): 1}


def test_stores_of_different_scopes_say_so(tmp_path: Path) -> None:
    """R16: by what they select, and by what it is bound to."""
    with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as whole:
        with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
            connection.execute("CREATE TABLE people (id TEXT, school TEXT)")
        connect = lambda: sqlite3.connect(tmp_path / "portal.db", check_same_thread=False)  # noqa: E731  Shorter than a function.
        digests = []
        for school in ("north", "south", "north"):
            with DBAPIAccountStore(connect, scope=f"SELECT id FROM people WHERE school = '{school}'") as store:
                digests.append(store.scope_digest)
        assert whole.scope_digest == ""
    assert digests[0] == digests[2] != digests[1]


def test_a_cron_line_is_told_what_it_can_do(portal: Portal) -> None:
    """R12, R15: the oldest first; one that reveals or invites is for whoever hands that over, and left out."""
    keys = []
    for options in ({}, {"reveal": True}, {}, {"invite": True}):
        ok = confirmed(portal, ["c-1", "c-2"], **options)
        portal.resets.start(ok)
        portal.clock.move(minutes=1)
        keys.append(ok.key)
    assert portal.resets.unfinished() == (keys[0], keys[2])
    for key in portal.resets.unfinished():
        portal.resets.resume(key).run()
    assert portal.resets.unfinished() == ()
    assert outcomes(portal.resets.resume(keys[2]).report()) == {("skipped", "changed_meanwhile"): 2}
    assert set(issues_of(portal).values()) == {1}


def test_whoever_resumes_sets_in_the_name_of_who_pressed_ok(portal: Portal) -> None:
    """R16, R17: the authorizer is asked about that operator, own contact and all, and that one is on the record."""
    boss = Operator(operator_id="boss", contact_id=ContactId("c-2"))
    asked: list[Operator] = []

    def authorizer(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        asked.append(operator)
        return [True] * len(accounts)

    portal.resets.start(portal.resets.plan(["c-1", "c-2"], OFFICE).confirm(boss, key="k"))
    report = portal.with_parts(authorizer=authorizer).resets.resume("k").run()
    assert [(result.outcome, result.reason) for result in report] == [
        (ResetOutcome.SET, None),
        (ResetOutcome.CANNOT, DecisionReason.NOT_PERMITTED),
    ]
    assert set(asked) == {boss}
    assert portal.account("c-1").credential.issued_by == "boss"


def test_a_report_read_elsewhere_is_the_same(portal: Portal) -> None:
    """R12, R16: names as they are now, user names that the operator may see, warnings of what changed since OK."""
    maker = Grants(privileges={"office": set(Privilege), "boss": set(Privilege) - {Privilege.VIEW_USERNAMES}})
    portal = portal.with_parts(authorizer=maker)
    portal.accounts.disable("c-3", OFFICE)
    ids = ["c-1", "c-2", "c-3", "c-4", "nobody"]
    seeing = portal.resets.start(portal.resets.plan(ids, OFFICE).confirm(OFFICE, key="seeing"))
    portal.accounts.sync_contacts([attrs.evolve(FAMILY[0], last_name="Vries")], OFFICE)
    portal.accounts.rename("c-2", OFFICE, username="pat")
    seeing.run()
    elsewhere = portal.with_parts().resets.resume("seeing").report()
    assert elsewhere == seeing.report()
    assert [(r.item.name, r.item.username, r.outcome.value, r.warnings) for r in elsewhere] == [
        ("Rosa Vries", "rabbiatici", "set", ("name_changed",)),
        ("Pat O'Brien", "pat", "set", ("username_changed",)),
        ("anna van der Berg", "avdberg", "skipped", ()),
        ("Suharto", "suharto", "cannot", ()),
        ("nobody", None, "cannot", ()),
    ]
    blind = portal.resets.plan(ids, OFFICE).confirm(Operator(operator_id="boss"), key="blind")
    portal.resets.start(blind).run()
    report = portal.with_parts().resets.resume("blind").report()
    assert [result.item.username for result in report] == [None] * 5
    assert "username_changed" not in {code for result in report for code in result.warnings}


def test_what_the_operator_was_not_shown_is_not_in_the_report(portal: Portal) -> None:
    """R16: no name of somebody whom the operator may not touch."""

    def not_rosa(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id != "c-1" for account in accounts]

    portal = portal.with_parts(authorizer=not_rosa)
    report = portal.resets.start(confirmed(portal, ["c-1", "c-2"])).run()
    assert [(result.item.last_name, result.outcome.value) for result in report] == [
        (None, "cannot"),
        ("O'Brien", "set"),
    ]


def test_a_report_without_its_accounts_is_better_than_none(portal: Portal) -> None:
    """R21: what was done is told although the names cannot be read just now."""
    job = portal.resets.start(confirmed(portal, ["c-1"]))
    job.run()

    def away(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "find_many":
            raise StoreUnavailableError(name, "57P01")

    found = attrs.evolve(portal, store=watched(portal.store, away)).resets.find_job(job.key)
    assert found is not None
    assert [(result.item.name, result.outcome) for result in found.report()] == [("c-1", ResetOutcome.SET)]


# -- where it is kept


class Plain:
    """A store of the host's that keeps accounts and events, and no jobs."""

    def __init__(self, store: Any) -> None:
        """Keep them there."""
        self._store = store

    def __getattr__(self, name: str) -> Any:
        """Return its methods."""
        if "job" in name or "chunk" in name:
            raise AttributeError(name)
        return getattr(self._store, name)


def test_a_store_without_jobs_has_them_kept_in_memory(memory_portal: Portal) -> None:
    """R12: a host's store is as good as ever; its jobs are this service's, and end with the process."""
    plain: Any = Plain(memory_portal.store)
    resets = attrs.evolve(memory_portal, store=plain).resets
    ok = resets.plan(["c-1", "c-2"], OFFICE).confirm(OFFICE)
    next(iter(resets.start(ok)))
    assert outcomes(resets.resume(ok.key).run()) == {("set", None): 2}
    assert memory_portal.resets.find_job(ok.key) is None


def test_jobs_may_be_kept_elsewhere(memory_portal: Portal) -> None:
    """R24: in any `JobStore` that is passed, shared by all processes that are passed it."""
    jobs, plain = MemoryAccountStore(), Plain(memory_portal.store)
    one, two = (attrs.evolve(memory_portal, store=plain).with_parts(jobs=jobs) for _ in range(2))
    ok = confirmed(one, ["c-1"])
    one.resets.start(ok)
    assert outcomes(two.resets.resume(ok.key).run()) == {("set", None): 1}
    assert jobs.find_job(ok.key) is not None


def test_memory_forgets_old_jobs_by_itself(memory_portal: Portal) -> None:
    """R24: a portal that runs for months does not keep each reset for ever."""
    portal = memory_portal
    issued(portal, "c-1")
    portal.clock.move(days=31)
    issued(portal, "c-2")
    jobs = portal.store._jobs  # type: ignore[attr-defined]  # Of the store in memory.
    assert len(jobs) == 2
    portal.clock.move(microseconds=1)
    issued(portal, "c-3")
    assert len(jobs) == 2


# -- beside others


def test_workers_share_a_job_and_each_yields_its_own(portal: Portal) -> None:
    """R12: two processes take turns; nobody is set twice, each result is yielded once, and both report all of it."""
    school = portal.add_school(3 * CHUNK)
    ok = confirmed(portal, [*school])
    one, two = portal.resets.start(ok), portal.with_parts().resets.resume(ok.key)
    first, second = iter(one), iter(two)
    told = [next(first).contact_id, next(second).contact_id]
    assert told == [school[0], school[CHUNK]]
    assert (one.progress().done, one.progress().total) == (2 * CHUNK, 3 * CHUNK)
    told += [result.contact_id for result in first]
    told += [result.contact_id for result in second]
    assert sorted(told) == school
    assert one.report() == two.report()
    assert [result.contact_id for result in one.report()] == school
    assert issues_of(portal) == dict.fromkeys(school, 1)


def test_what_an_error_interrupted_is_free_at_once(portal: Portal) -> None:
    """R12: whoever pressed Ctrl-C does not wait for a lease of their own."""
    school = portal.add_school(CHUNK)
    ok = confirmed(portal, [*school])
    asked: list[int] = []

    def interrupted(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("after", "apply") and not asked:
            asked.append(1)
            raise KeyboardInterrupt

    stopped = attrs.evolve(portal, store=watched(portal.store, interrupted)).resets.start(ok)
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    assert stopped.progress().held == 0
    assert outcomes(portal.resets.resume(ok.key).run()) == {("set", None): CHUNK}
    assert issues_of(portal) == dict.fromkeys(school, 1)
    assert outcomes(stopped.run()) == {("set", None): CHUNK}


def test_drawn_passwords_that_an_error_kept_back_are_told_by_others_as_lost(portal: Portal) -> None:
    """R12: they are set, and only the job object that drew them could still hand them over."""
    drawing = portal.with_parts(strategy=RandomReadable())
    ok = confirmed(drawing, ["c-1", "c-2"], reveal=True)

    def fails(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("after", "apply"):
            raise ZeroDivisionError

    broken = attrs.evolve(drawing, store=watched(portal.store, fails)).resets.start(ok)
    with pytest.raises(ZeroDivisionError):
        broken.run()
    assert outcomes(drawing.resets.start(ok).run()) == {("undelivered", None): 2}


def test_what_failed_is_tried_again_by_the_next_run(portal: Portal) -> None:
    """R12, R21: not twice in one run, and not for ever; the same job object may be run again too."""
    school = portal.add_school(2 * CHUNK)
    ok = confirmed(portal, [*school])
    is_away = True
    tried: list[int] = []

    def away(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and school[0] in {each.new.contact_id for each in arguments[0]}:
            tried.append(1)
            if is_away:
                raise StoreUnavailableError("apply", "57P01")

    job = attrs.evolve(portal, store=watched(portal.store, away)).resets.start(ok)
    told = list(job)
    assert [result.contact_id for result in told] == school
    assert len(tried) == 1
    assert outcomes(job.report()) == {("failed", "store_unavailable"): CHUNK, ("set", None): CHUNK}
    assert portal.resets.resume(ok.key).report() == job.report()
    assert portal.resets.unfinished() == (ok.key,)
    is_away = False
    again = list(job)
    assert [result.contact_id for result in again] == school[:CHUNK]
    assert outcomes(job.report()) == {("set", None): 2 * CHUNK}
    assert job.progress().is_finished
    assert issues_of(portal) == dict.fromkeys(school, 1)


def test_what_the_database_refuses_for_good_does_not_keep_a_job_open(portal: Portal) -> None:
    """R12: a row that a trigger refuses fails once; the job is finished, and a new plan may be made for it."""

    def refuse(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and "c-1" in {each.new.contact_id for each in arguments[0]}:
            raise CorruptRowError("apply")

    job = attrs.evolve(portal, store=watched(portal.store, refuse)).resets.start(confirmed(portal, ["c-1", "c-2"]))
    assert outcomes(job.run()) == {("failed", "store_refused"): 1, ("set", None): 1}
    assert job.progress().is_finished


def test_a_clock_that_stands_still_holds_nobody_for_ever(memory_portal: Portal) -> None:
    """R21: where a lease never ends, waiting does, and the report says what was not reached."""
    portal = memory_portal.with_parts(strategy=RandomReadable())
    ok = confirmed(portal, ["c-1"], reveal=True)
    abandoned = attrs.evolve(portal.resets, lease=timedelta(seconds=1)).start(ok)
    next(iter(abandoned))
    report = attrs.evolve(portal.resets, lease=timedelta(seconds=1)).start(ok).run()
    assert outcomes(report) == {("not_reached", None): 1}


def test_a_long_lease_is_the_host_s_choice(memory_portal: Portal) -> None:
    """R24: slow hashing may take longer than half a minute for a few dozen."""
    resets = attrs.evolve(memory_portal.resets, lease=timedelta(minutes=5))
    drawing = attrs.evolve(resets, strategy=RandomReadable())
    ok = drawing.plan(["c-1"], OFFICE, reveal=True).confirm(OFFICE)
    job = drawing.start(ok)
    next(iter(job))
    memory_portal.clock.move(minutes=5, microseconds=-1)
    assert job.progress().held == 1
    memory_portal.clock.move(microseconds=1)
    assert job.progress().held == 0
