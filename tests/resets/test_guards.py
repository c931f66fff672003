"""What keeps one operator from doing too much, and ways that somebody may try around it."""

from __future__ import annotations

from functools import partial

import pytest

from portal import OFFICE, Portal
from portalcreds import default_passwords
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import LastNameFirstInitial, NameTemplate, Passphrase, RandomReadable
from portalcreds.exceptions import ConfigurationError, DailyCeilingError, InvalidValueError, PrivilegeDeniedError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import DefaultPasswordStrategy
from portalcreds.resets import Decision, DecisionReason, ResetOutcome, ResetService
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.testing._threads import at_once
from resets.running import confirmed, epochs, outcomes

PARENT = Operator(operator_id="office", contact_id=ContactId("c-1"))

# -- the ceiling of a day


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


def test_many_small_plans_at_once_stay_below_it(every_portal: Portal) -> None:
    """R12: one contact each, from several threads, as from several processes: no more are set than may be."""
    portal = every_portal.with_parts(max_per_day=3)
    school = portal.add_school(8)

    def reset(contact_id: ContactId) -> bool:
        try:
            return portal.resets.reset_password(contact_id, OFFICE).outcome is ResetOutcome.SET
        except DailyCeilingError:
            return False

    was_set = at_once([partial(reset, each) for each in school])
    assert sum(was_set) == sum(epochs(portal, school)) <= 3
    # Those who met each other may all have been refused; what is left of the ceiling is there for the next one.
    left = 3 - sum(was_set)
    assert [reset(each) for each in school[:left]] == [True] * left
    assert not reset(school[-1])


def test_a_ceiling_needs_a_place_where_all_count(memory_portal: Portal) -> None:
    """R12: over a store without jobs each process, and each service, would have a ceiling of its own."""
    portal = memory_portal

    class AccountsOnly:
        def __getattr__(self, name: str) -> object:
            if "job" in name or "chunk" in name or name == "count_planned":
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


# -- one's own account, and those above


def test_one_s_own_password_is_set_by_no_detour(portal: Portal) -> None:
    """R16: not alone, not in a bulk, not by a plan that somebody else made, and not by resuming in another process."""
    boss = Operator(operator_id="boss")
    portal = portal.with_parts(authorizer=Grants(privileges={"office": Privilege, "boss": Privilege}))
    with pytest.raises(PrivilegeDeniedError):
        portal.resets.reset_password("c-1", PARENT)
    plan = portal.resets.plan(["c-1", "c-2"], boss)
    assert plan.count(Decision.WILL_SET) == 2
    job = portal.resets.start(plan.confirm(PARENT))
    assert outcomes(portal.resets.resume(job.key).run()) == {
        ("cannot", DecisionReason.NOT_PERMITTED): 1,
        ("set", None): 1,
    }
    assert epochs(portal, [ContactId("c-1"), ContactId("c-2")]) == [0, 1]


def test_who_outranks_is_set_by_no_detour(portal: Portal) -> None:
    """R16: a principal's account stays as it is, also if it becomes one between the plan and the job."""
    above: set[str] = set()
    grants = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact_id in above)
    portal = portal.with_parts(authorizer=grants)
    job = portal.resets.start(confirmed(portal, ["c-1", "c-2"]))
    above.add("c-1")
    with pytest.raises(PrivilegeDeniedError):
        portal.resets.reset_password("c-1", OFFICE)
    assert outcomes(job.run()) == {("cannot", DecisionReason.NOT_PERMITTED): 1, ("set", None): 1}


# -- one password for everybody


def test_no_strategy_makes_one_password_for_everybody() -> None:
    """R19: whatever ships, two people with nothing in common have two passwords; a rule without a name is refused."""
    ken = Contact(contact_id=ContactId("1"), first_name="Ken", last_name="Sato")
    rosa = Contact(contact_id=ContactId("2"), first_name="Rosa", last_name="Abbiatici")
    made: list[DefaultPasswordStrategy] = [
        LastNameFirstInitial(),
        NameTemplate(template="Welcome-{first_initial}"),
        Passphrase(),
        RandomReadable(),
    ]
    shipped = {
        each
        for name in default_passwords.__all__
        if isinstance(each := getattr(default_passwords, name), type) and hasattr(each, "derive")
    }
    assert {type(strategy) for strategy in made} == shipped
    for strategy in made:
        assert strategy.derive(ken).secret != strategy.derive(rosa).secret
    for template in ("Welcome1", "", "{{last_name}}"):
        with pytest.raises(InvalidValueError):
            NameTemplate(template=template)
