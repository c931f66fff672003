"""How far a district is from its defaults: the numbers, whose they are, and who has not changed yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import attrs
import pytest

from portal import NOBODY, OFFICE, Portal, issued, settled, watched
from portalcreds.accounts import Account, AccountStatus
from portalcreds.contacts import ContactId
from portalcreds.exceptions import InvalidValueError
from portalcreds.privileges import Grants, Operator, Privilege

BY_STATUS = {
    AccountStatus.NEVER_ISSUED: 2,
    AccountStatus.DEFAULT_LIVE: 2,
    AccountStatus.DEFAULT_EXPIRED: 1,
    AccountStatus.SELF_CHOSEN: 1,
    AccountStatus.CHANGE_REQUIRED: 0,
    AccountStatus.IMPORTED: 0,
    AccountStatus.DISABLED: 1,
}


def by_each(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
    """Let the office do everything, as a rule that has to be asked about each account."""
    return [operator.operator_id == "office"] * len(accounts)


def weeks_later(portal: Portal) -> list[ContactId]:
    """Let some weeks pass in which a small school is given defaults, and return its ids."""
    school = portal.add_school(3)
    issued(portal, school[0])
    portal.clock.move(days=10)
    issued(portal, school[1])
    portal.clock.move(days=4)
    settled(portal, "c-1")
    issued(portal, school[2])
    portal.accounts.disable("c-2", OFFICE)
    portal.clock.move(hours=25)
    return school


@pytest.mark.parametrize("authorizer", [Grants(privileges={"office": Privilege}), by_each], ids=["all", "each"])
def test_the_office_sees_how_far_it_is(every_portal: Portal, authorizer: Any) -> None:
    """One query or account by account: statuses, ages, expiries and the days of the chart are the same."""
    portal = every_portal
    start = portal.clock()
    weeks_later(portal)
    census = portal.with_parts(authorizer=authorizer).accounts.status_census(OFFICE, since=start)
    assert (census.by_status, census.accounts, census.hidden) == (BY_STATUS, 7, 0)
    assert census.live_by_age == {1: 1, 5: 1}
    assert census.live_by_days_left == {8: 1, 12: 1}
    assert [(each.day - start.date(), each.issued, each.changed) for each in census.days] == [
        (timedelta(days=day), count, changed)
        for day, (count, changed) in enumerate([(1, 0)] * 10 + [(2, 0)] * 4 + [(4, 1)] * 2)
    ]
    assert census.chart == {
        "day": [each.day.isoformat() for each in census.days],
        "issued": [each.issued for each in census.days],
        "changed": [each.changed for each in census.days],
    }
    assert census.to_records()[1:4] == [
        {"status": "default_live", "age_days": 1, "days_left": 12, "accounts": 1},
        {"status": "default_live", "age_days": 5, "days_left": 8, "accounts": 1},
        {"status": "default_expired", "age_days": None, "days_left": None, "accounts": 1},
    ]
    assert "default_live: 2" in repr(census)
    assert "<td>default_expired</td>" in census._repr_html_()


def test_a_day_begins_at_the_schools_midnight(memory_portal: Portal) -> None:
    """What was issued before midnight UTC is of that day, or of the next one where it is next day at the school."""
    portal = memory_portal
    portal.clock.now = portal.clock.now.replace(hour=23)
    today = portal.clock.now.date()
    issued(portal)
    portal.clock.move(hours=2)

    def first_day(hours: int) -> date:
        census = portal.accounts.status_census(OFFICE, utc_offset=timedelta(hours=hours))
        return next(each.day for each in census.days if each.issued)

    assert [first_day(hours) - today for hours in (0, 1, -8)] == [timedelta(days=day) for day in (0, 1, 0)]


def test_who_sees_every_account_costs_one_query_and_nobody_else(memory_portal: Portal) -> None:
    """R16: sums over all are for whoever may see all; an authorizer that does not say so is asked about each."""
    calls: list[str] = []
    portal = attrs.evolve(memory_portal, store=watched(memory_portal.store, lambda when, name, _: calls.append(name)))

    def asked(authorizer: Any, operator: Operator = OFFICE) -> set[str]:
        calls.clear()
        portal.with_parts(authorizer=authorizer).accounts.status_census(operator)
        return set(calls)

    class OneSchool(Grants):
        def __call__(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> Sequence[bool]:
            return [account.contact_id == "c-1" for account in accounts]

    table = {"office": Privilege}
    assert asked(Grants(privileges=table)) == {"count_statuses"}
    assert asked(Grants(privileges=table, outranks=lambda account: account.contact_id == "c-1")) == {"search"}
    assert asked(OneSchool(privileges=table)) == {"search"}
    assert asked(by_each) == {"search"}
    assert "count_statuses" not in asked(Grants(privileges=table), NOBODY)


def test_the_hidden_are_told_as_a_number_alone(portal: Portal) -> None:
    """R16: as in the census of hashes, an operator learns how many are hidden, and none of their statuses."""
    issued(portal, "c-1")
    grants = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact_id == "c-1")
    census = portal.with_parts(authorizer=grants).accounts.status_census(OFFICE)
    assert (census.by_status[AccountStatus.DEFAULT_LIVE], census.accounts, census.hidden) == (0, 3, 1)
    assert portal.accounts.status_census(NOBODY).hidden == 4


@pytest.mark.parametrize(
    "wrong", [{"since": "monday"}, {"since": date(2026, 1, 1)}, {"utc_offset": 8}, {"utc_offset": timedelta(days=1)}]
)
def test_a_census_of_no_such_days_is_refused(portal: Portal, wrong: dict[str, Any]) -> None:
    """R23: what is no instant and no offset, and what is longer ago than a year, whose days nobody could draw."""
    with pytest.raises(InvalidValueError) as caught:
        portal.accounts.status_census(OFFICE, **wrong)
    assert caught.value.field in wrong
    with pytest.raises(InvalidValueError, match="366 days"):
        portal.accounts.status_census(OFFICE, since=portal.clock() - timedelta(days=367))


# -- who has not changed yet


def test_who_has_not_changed_is_one_filter(every_portal: Portal) -> None:
    """Live and expired defaults since an instant, and on request whoever never had one; in pages, with notes."""
    portal = every_portal
    start = portal.clock()
    school = weeks_later(portal)
    accounts = portal.accounts
    assert set(accounts.select_all(OFFICE, unchanged_since=start)) == set(school)
    assert set(accounts.select_all(OFFICE, unchanged_since=start + timedelta(days=10))) == set(school[1:])
    never = accounts.select_all(OFFICE, status=AccountStatus.NEVER_ISSUED)
    both = accounts.select_all(OFFICE, unchanged_since=start, or_never_issued=True)
    assert set(both) == {*school, *never}
    assert accounts.count(OFFICE, unchanged_since=start, or_never_issued=True) == len(both) == 5
    page = accounts.search(OFFICE, unchanged_since=start, limit=2)
    rest = accounts.search(OFFICE, unchanged_since=start, limit=2, after=page.next)
    records = [*page.to_records(), *rest.to_records()]
    assert [each["status"] for each in records] == ["default_expired", "default_live", "default_live"]
    assert records[0]["issued_at"] == start.isoformat(timespec="seconds")
    assert records[0]["expires_at"] == (start + timedelta(days=14)).isoformat(timespec="seconds")


def test_the_note_of_a_name_that_changed_is_on_the_page(portal: Portal) -> None:
    """R5: whoever still has the default of an old name is told apart before a slip with the new one is printed."""
    start = portal.clock()
    (contact_id,) = portal.add_school(1)
    issued(portal, contact_id)
    portal.clock.move(hours=1)
    contact = attrs.evolve(portal.account(contact_id).contact, last_name="Neu")
    portal.accounts.sync_contacts([contact], OFFICE)
    (record,) = portal.accounts.search(OFFICE, unchanged_since=start).to_records()
    assert record["warning"] == "default_of_old_name"


def test_never_issued_alone_is_a_status(portal: Portal) -> None:
    """R23: the addition without what it is added to would filter nothing."""
    with pytest.raises(InvalidValueError, match="unchanged_since"):
        portal.accounts.search(OFFICE, or_never_issued=True)


def test_those_who_have_not_changed_are_issued_again(portal: Portal) -> None:
    """What a how-to shows: select, plan, start; whoever chose a password in the meantime keeps it."""
    start = portal.clock()
    school = weeks_later(portal)
    unchanged = portal.accounts.select_all(OFFICE, unchanged_since=start)
    job = portal.resets.start(portal.resets.plan(unchanged, OFFICE).confirm(OFFICE))
    portal.choose(school[2])
    told = {result.item.contact_id: result.outcome.value for result in job.run()}
    assert told == {school[0]: "set", school[1]: "set", school[2]: "skipped"}
