"""Which way leads from one character to another, and that a way goes on (R19)."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise, starmap
from operator import and_

import pytest

from portalcreds.sign_in._steps import STAY, known_steps

STEPS = known_steps()


def common(text: str) -> int:
    """Return the ways that all steps of a text go."""
    return reduce(and_, starmap(STEPS.ways, pairwise(text)))


@pytest.mark.parametrize("distance", [1, 2, 3, -1, -2, -3])
def test_alphabets_go_round(distance: int) -> None:
    """Letters at one distance go one way, which is a line's, also from the last to the first."""
    for line in ("abcdefghijklmnopqrstuvwxyz", "αβγδεζηθικλμνξοπρστυφχψω", "אבגדהוזחטיכלמנסעפצקרשת"):
        ways = common("".join(line[index * distance % len(line)] for index in range(len(line))))
        assert STEPS.is_line(ways), line


@pytest.mark.parametrize("distance", range(1, 10))
def test_digits_go_round(distance: int) -> None:
    """Digits at one distance go one way, whichever it is."""
    assert STEPS.is_line(common("".join(str(index * distance % 10) for index in range(11))))


@pytest.mark.parametrize("text", ["acb", "147036", "aei", "abd"])
def test_other_distances_go_other_ways(text: str) -> None:
    """Where the distance changes, or is too long for anybody to follow, no line goes on."""
    assert STEPS.is_line(common(text)) is (text == "147036")


@pytest.mark.parametrize(
    "text", ["qwe", "ewq", "qaz", "zaq", "qsc", "csq", "zse", "esz", "\"'(", "opas", "sapo", "ölk", "löä"]
)
def test_keyboards_go_in_eight_directions(text: str) -> None:
    """Along a row and on into the next, down and up a column, and across: each is one way, and none is a line's."""
    plain = text.replace("ö", "o").replace("ä", "a")
    assert common(plain) != 0
    assert not STEPS.is_line(common(plain))


@pytest.mark.parametrize("text", ["qwa", "qaw", "qap", "wax", "esx"])
def test_a_way_turns_nowhere(text: str) -> None:
    """Neighbours in two directions are not one way."""
    assert common(text) == 0


@pytest.mark.parametrize("text", ["ql", "qm", "0j", "1\\"])
def test_keyboards_end_at_their_edges(text: str) -> None:
    """What stands at the other end of the row above or below is no neighbour."""
    assert STEPS.ways(text[0], text[1]) == 0


def test_a_character_to_itself() -> None:
    """To stay is a way of its own, which no other step goes."""
    assert STEPS.ways("q", "q") == STAY
    assert common("qqw") == 0
