"""The judge of the limits on guessing, in small: ten minutes of attack on thirty families."""

from __future__ import annotations

import pytest

from benchmarks.simulate_guessing import COLUMNS, MINUTE, SCENARIOS, School, cells, simulate

ATTACK = 10 * MINUTE + 5
"""Until the flood has begun."""


def _day(scenario: str, *, families: int = 30, capacity: float = 57) -> School:
    return simulate(scenario, "30 min", "their own", families=families, capacity=capacity, attack=ATTACK)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_judge_understands_what_each_scenario_comes_to(scenario: str) -> None:
    """Each scenario runs over the services as they are now, fills every column, and comes to the same twice."""
    first, second = cells(_day(scenario)), cells(_day(scenario))
    assert len(first) == len(COLUMNS) - 2
    assert first == second


def test_a_quiet_day_passes() -> None:
    """Without an attack, families with addresses of their own are all let in, and nothing misses its target."""
    school = _day("none")
    assert [person for person in school.people if person.was_refused or person.minutes is None] == []
    assert [cell for cell in cells(school) if cell.endswith("!")] == []


def test_what_the_limits_cost_families_is_told() -> None:
    """Families who are told to come later, and are not done in two hours, are counted and marked."""
    # By a queue that takes ten minutes for a check, so that it does not depend on the limits.
    refused, later, not_done, *_ = cells(_day("none", families=60, capacity=1 / 600))
    assert refused.endswith("!")
    assert later != "0.0/0.0"
    assert not_done.endswith("!")


def test_what_an_attacker_gets_is_told() -> None:
    """Accounts that an attacker claims are counted, and their owners are not among the honest ones refused."""
    school = _day("claims")
    claimed = school.attacker.claimed
    assert claimed
    assert school.attacker.verified >= len(claimed)
    assert not any(person.was_refused for person in school.people if person.username in claimed)
