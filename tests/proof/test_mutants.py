"""The mistakes that `mutate` makes are small, always the same, and seen by a test that looks."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from proof.mutants import mutants_of

SOURCE = '''
from __future__ import annotations

LIMIT: int = 3

def may_enter(age: int | None, tickets: list[int]) -> bool:
    """Say it."""
    if age is None or not tickets:
        return False
    tickets.append(0)
    return age + 1 >= LIMIT and all(ticket > 0 for ticket in tickets[:-1])
'''


def enters(source: str) -> list[Any]:
    """Return what the function says of a few people."""
    names: dict[str, Any] = {}
    exec(compile(source, "mutant", "exec"), names)  # noqa: S102  A mutant of the text above.
    answers: list[Any] = []
    for age, tickets in ((None, [1]), (5, []), (1, [1]), (2, [1]), (2, [0, 1]), (2, [1, 0])):
        try:
            answers.append((names["may_enter"](age, tickets), len(tickets)))
        except TypeError:
            answers.append(None)
    return answers


def test_a_test_that_looks_sees_every_mistake() -> None:
    """Each mutant of a small function gives another answer to somebody, apart from the two that are not asked for."""
    seen = enters(SOURCE)
    unseen = [mutant.mistake for mutant in mutants_of(SOURCE) if enters(mutant.source) == seen]
    assert unseen == ["tickets.append(0) -> tickets.append(1)", "tickets.append(0) -> tickets.append(-1)"]


@pytest.mark.parametrize(
    "mistake",
    [
        "LIMIT: int = 3 -> LIMIT: int = 4",
        "if age is None or not tickets: return False -> if age is None and (not tickets): return False",
        "if age is None or not tickets: return False -> if age is None: return False",
    ],
)
def test_each_mistake_is_told(mistake: str) -> None:
    """Whoever reads the list of survivors sees what was changed, and where."""
    assert mistake in {mutant.mistake for mutant in mutants_of(SOURCE)}


def test_mistakes_are_one_at_a_time_and_always_the_same() -> None:
    """Each leaves the rest as it was; types and docstrings have none."""
    mutants = list(mutants_of(SOURCE))
    assert [mutant.source for mutant in mutants] == [mutant.source for mutant in mutants_of(SOURCE)]
    assert len({mutant.source for mutant in mutants} | {ast.unparse(ast.parse(SOURCE))}) == len(mutants) + 1
    assert all('"""Say it."""' in mutant.source and "int | None" in mutant.source for mutant in mutants)


def test_what_guards_against_ourselves_is_left_alone() -> None:
    """`strict` finds two lists of ours that differ in length; without it nobody gets another answer."""
    assert list(mutants_of("pairs = zip(names, ages, strict=True)")) == []
