"""One operator sets no more passwords in 24 hours than the service allows, whatever happens at once (R12)."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import OFFICE, MovingClock, Portal, cheap_hasher, watched
from portalcreds.contacts import ContactId
from portalcreds.default_passwords import RandomReadable
from portalcreds.exceptions import ConfigurationError, DailyCeilingError
from portalcreds.plans import ConfirmedPlan
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.resets import ResetOutcome, ResetService
from portalcreds.resets.plan import ResetPlan
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.testing._threads import at_once
from resets.running import confirmed, epochs, outcomes
from stores.backends import Backend, new_backend
from stores.hosts import DATABASES


def test_one_ceiling_holds_for_all_plans_of_an_operator(portal: Portal) -> None:
    """R12: many small plans are one large one; after 24 hours, or for another operator, there is room again."""
    portal = portal.with_parts(max_per_day=3)
    assert outcomes(portal.resets.start(confirmed(portal, ["c-1", "c-2"])).run()) == {("set", None): 2}
    with pytest.raises(DailyCeilingError) as refused:
        portal.resets.start(confirmed(portal, ["c-1", "c-3"]))
    assert (refused.value.operator_id, refused.value.ceiling, refused.value.planned) == ("office", 3, 2)
    assert portal.kinds()[-1] == "operation_cancelled daily_ceiling"
    assert epochs(portal, [ContactId("c-3")]) == [0]
    assert portal.resets.unfinished() == ()
    portal.resets.start(confirmed(portal, ["c-3", "c-4"])).run()  # Of whom one can be set.
    with pytest.raises(DailyCeilingError):
        portal.resets.reset_password("c-1", OFFICE)
    portal.clock.move(hours=24)
    assert portal.resets.reset_password("c-1", OFFICE).outcome is ResetOutcome.SET


def test_the_ceiling_counts_who_pressed_ok(portal: Portal) -> None:
    """R12, R16: each operator has their own, whoever made the plan."""
    boss = Operator(operator_id="boss")
    portal = portal.with_parts(max_per_day=1, authorizer=Grants(privileges={"office": Privilege, "boss": Privilege}))
    portal.resets.start(confirmed(portal, ["c-1"]))
    portal.resets.start(portal.resets.plan(["c-2"], OFFICE).confirm(boss))
    with pytest.raises(DailyCeilingError, match="'office'"):
        portal.resets.start(portal.resets.plan(["c-3"], boss).confirm(OFFICE))


def test_a_second_ok_is_not_counted_twice(portal: Portal) -> None:
    """R12: at the ceiling, the page that is loaded again still finds its job."""
    portal = portal.with_parts(max_per_day=2)
    ok = confirmed(portal, ["c-1", "c-2"])
    portal.resets.start(ok)
    assert outcomes(portal.resets.start(ok).run()) == {("set", None): 2}


def test_no_job_can_be_run_before_it_is_counted(portal: Portal) -> None:
    """R12: nobody who runs each job that there is, or sends a form again, at any moment, sets one too many."""
    plans = [confirmed(portal, [contact_id]) for contact_id in ("c-1", "c-2", "c-3")]
    guarded = portal.with_parts(max_per_day=1)
    waiting = [1]

    def interfere(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if "job" not in name:
            return
        if (when, name) == ("before", "add_job") and waiting:
            waiting.pop()
            guarded.resets.start(plans[1])
        for key in portal.resets.unfinished():
            portal.resets.resume(key).run()

    late = attrs.evolve(guarded, store=watched(portal.store, interfere))
    with pytest.raises(DailyCeilingError) as refused:
        late.resets.start(plans[0])
    assert refused.value.planned == 1
    assert epochs(portal, [ContactId("c-1"), ContactId("c-2")]) == [0, 1]
    # What was refused is not there, and does not count.
    assert portal.resets.find_job(plans[0].key) is None
    assert outcomes(portal.with_parts(max_per_day=2).resets.start(plans[2]).run()) == {("set", None): 1}


def test_cancelling_gives_nothing_back(portal: Portal) -> None:
    """R12: whoever takes the passwords of a job and cancels it at once has used up what it was to set."""
    portal = portal.with_parts(strategy=RandomReadable(), max_per_day=3)
    job = portal.resets.start(confirmed(portal, ["c-1", "c-2", "c-3"], reveal=True))
    assert next(iter(job)).secret is not None  # All three are set, and nobody has come for the others.
    job.cancel()
    assert epochs(portal, [ContactId(f"c-{number}") for number in (1, 2, 3)]) == [1, 1, 1]
    with pytest.raises(DailyCeilingError):
        portal.resets.reset_password("c-2", OFFICE, reveal=True)


def test_a_clock_that_is_behind_gives_nothing_back(portal: Portal) -> None:
    """R12: nor does cancelling from a machine whose clock says that the job was not started yet."""
    portal = portal.with_parts(strategy=RandomReadable(), max_per_day=3)
    job = portal.resets.start(confirmed(portal, ["c-1", "c-2", "c-3"], reveal=True))
    next(iter(job))
    portal.clock.move(seconds=-2)
    there = portal.resets.find_job(job.key)
    assert there is not None
    there.cancel()
    with pytest.raises(DailyCeilingError):
        portal.resets.reset_password("c-2", OFFICE, reveal=True)


def test_many_small_plans_at_once_reach_it_and_do_not_pass_it(every_portal: Portal) -> None:
    """R12: one contact each, at the same moment: as many are set as may be, and none is refused for another's sake."""
    portal = every_portal.with_parts(max_per_day=3)
    school = portal.add_school(8)

    def reset(contact_id: ContactId) -> bool:
        try:
            return portal.resets.reset_password(contact_id, OFFICE).outcome is ResetOutcome.SET
        except DailyCeilingError:
            return False

    assert sum(at_once([partial(reset, each) for each in school])) == sum(epochs(portal, school)) == 3


def test_each_portal_has_ceilings_of_its_own(tmp_path: Path) -> None:
    """R12: the same operator of another tenant in the same tables starts at none."""
    with new_backend("sqlite", tmp_path) as backend, cheap_hasher() as hasher:
        clock = MovingClock()
        for tenant in ("north", "south"):
            with backend.open(tenant) as store:
                portal = Portal(store, store.counter(clock=clock), clock, hasher, {"max_per_day": 2})
                school = portal.add_school(3)
                portal.resets.start(confirmed(portal, school[:2]))
                with pytest.raises(DailyCeilingError):
                    portal.resets.start(confirmed(portal, school[2:]))


def race_beside_workers(backend: Backend, turns: int) -> None:
    """Let forms be sent, and sent again, while workers run whatever job is there; so often."""
    clock = MovingClock()
    with ExitStack() as stack:
        hasher = stack.enter_context(cheap_hasher())
        # As so many processes have it: each with connections, and a queue of writers, of its own.
        stores = [stack.enter_context(backend.open()) for _ in range(6)]
        places = [Portal(store, store.counter(clock=clock), clock, hasher, {"max_per_day": 4}) for store in stores]
        school = places[0].add_school(6)
        for turn in range(1, turns + 1):
            plans = [confirmed(places[0], school[n : n + 2], replace_chosen=True) for n in (0, 2, 4)] * 2
            pressed = [partial(_press, place, plan) for place, plan in zip(places, plans, strict=True)]
            at_once([*pressed, *(partial(_run_all, place) for place in places[:3])])
            _run_all(places[0])
            assert sum(epochs(places[0], school)) == 4 * turn
            clock.move(hours=24)


@pytest.mark.parametrize("database", DATABASES)
def test_whoever_runs_jobs_meanwhile_sets_nobody_beyond_it(database: str, tmp_path: Path) -> None:
    """R12: plans started at once, each form sent twice, beside workers that run whatever job is there."""
    with new_backend(database, tmp_path) as backend:
        race_beside_workers(backend, turns=4)


@pytest.mark.whole
@pytest.mark.parametrize("database", DATABASES)
def test_in_30_turns_nobody_is_set_beyond_it(database: str, tmp_path: Path) -> None:
    """The same 30 times over."""
    with new_backend(database, tmp_path) as backend:
        race_beside_workers(backend, turns=30)


def _press(portal: Portal, plan: ConfirmedPlan[ResetPlan]) -> None:
    with suppress(DailyCeilingError):
        portal.resets.start(plan).run()


def _run_all(portal: Portal) -> None:
    for _ in range(10):
        for key in portal.resets.unfinished():
            portal.resets.resume(key).run()


def test_a_ceiling_needs_a_place_where_all_count(memory_portal: Portal) -> None:
    """R12: over a store without jobs each process, and each service, would have a ceiling of its own."""
    portal = memory_portal

    class AccountsOnly:
        def __getattr__(self, name: str) -> object:
            if "job" in name or "chunk" in name:
                raise AttributeError(name)
            return getattr(portal.store, name)

    def service(max_per_day: int | None, jobs: MemoryAccountStore | None) -> ResetService:
        return ResetService(
            AccountsOnly(),  # type: ignore[arg-type]  # One by its methods.
            hasher=portal.hasher,
            authorizer=portal.authorizer,
            max_per_day=max_per_day,
            jobs=jobs,
        )

    with pytest.raises(ConfigurationError, match="max_per_day"):
        service(5, None)
    service(None, None)
    service(5, MemoryAccountStore())
