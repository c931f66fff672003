"""The tables of tests on the page about security name tests that are there, and leave none of the sixty out."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs/explanation/security.md").read_text("utf-8")
# | A1 | what it asks for | what holds it | size | result |
ROWS: Final = re.findall(r"^\| ([A-I]\d+(?:–H8)?) \|(.*)\|$", PAGE, re.MULTILINE)
_PART: Final = PAGE[PAGE.index("## What standards ask for") :]
# | where | what it asks for | what holds it |
STANDARDS: Final = re.findall(r"^\| ((?:SP|§|ASVS|RFC|CWE)[^|]*) \|(.*)\|$", _PART, re.MULTILINE)
SERIES: Final = {"A": 12, "B": 8, "C": 8, "D": 5, "E": 9, "F": 11, "G": 4, "I": 2}
IDS: Final = [f"{letter}{n}" for letter, count in SERIES.items() for n in range(1, count + 1)]
_TEST: Final = re.compile(r"`([\w/]+\.py)::` `(\w+)`")
_PROGRAM: Final = re.compile(r"`((?:benchmarks|hashers)/\w+\.py)`")


@cache
def _tests_in(file: str) -> dict[str, bool]:
    """Return the tests of a file, and whether only the whole of all checks runs them."""
    path = next((place / file for place in (ROOT / "tests", ROOT / "src") if (place / file).is_file()), None)
    if path is None:
        return {}
    return {
        node.name: any(ast.unparse(each) == "pytest.mark.whole" for each in node.decorator_list)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _missing(row: str) -> list[str]:
    programs = [file for file in _PROGRAM.findall(row) if not (ROOT / "tests" / file).is_file()]
    return programs + [f"{file}::{name}" for file, name in _TEST.findall(row) if name not in _tests_in(file)]


@pytest.mark.parametrize("row", [row for _, row in ROWS + STANDARDS], ids=[name for name, _ in ROWS + STANDARDS])
def test_every_row_names_tests_that_are_there(row: str) -> None:
    """Whoever looks for what a row says finds it: under that name, in that file."""
    assert _missing(row) == []


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[name for name, _ in ROWS])
def test_every_row_says_what_holds_it(row: str) -> None:
    """A row has a test or a program, or says that it was not reached; what only the whole runs is said to be so."""
    asked, held, size, result = (cell.strip() for cell in row.split("|"))
    assert asked
    assert result
    assert _TEST.search(held) or _PROGRAM.search(held) or held == "not reached"
    if any(_tests_in(file).get(name) for file, name in _TEST.findall(held)):
        assert ".ci/whole" in size


def test_none_of_the_sixty_is_left_out() -> None:
    """Each has one row, in order; eight about leaks share theirs."""
    assert len(IDS) + 1 == 60
    wanted = IDS.copy()
    wanted.insert(wanted.index("I1"), "H1–H8")
    assert [name for name, _ in ROWS] == wanted


@pytest.mark.parametrize("row", [row for _, row in STANDARDS], ids=[name for name, _ in STANDARDS])
def test_every_row_of_a_standard_leads_to_tests(row: str) -> None:
    """What a standard asks for is held by a test or by rows above, or is said to be the host's."""
    held = row.rpartition("|")[2]
    named = [re.sub("^H1$", "H1–H8", name) for name in re.findall(r"\b([A-I]\d+)\b(?!`)", _TEST.sub("", held))]
    assert _TEST.search(held) or named or held.strip().startswith("yours")
    assert set(named) - {"H8"} <= {name for name, _ in ROWS}


def test_a_test_that_is_not_there_is_found() -> None:
    """The check can fail: for a file, a test and a program that are not there."""
    row = (
        "`nothing.py::` `test_nothing` `test_text.py::` `test_nothing` `test_text.py::` `test_a_password_is_let_be` "
        "`benchmarks/nothing.py`"
    )
    assert _missing(row) == ["benchmarks/nothing.py", "nothing.py::test_nothing", "test_text.py::test_nothing"]
