"""The page on the layout of the package names files and functions that are there."""

from __future__ import annotations

import importlib
import re
from functools import reduce
from pathlib import Path

import pytest

import portalcreds
from django_site import configured
from shape.arrows import EXTRAS
from stores.hosts import need

PACKAGE = Path(portalcreds.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/explanation/structure.md").read_text("utf-8")
FILES = re.findall(r"`([\w/]+\.py)`", PAGE)
# | what | `Name` and `Class.method` in `file.py` |
ROWS = [re.findall(r"`([\w./]+)`", cells) for cells in re.findall(r"^\|[^|]*\| (.*`.*) \|$", PAGE, re.MULTILINE)]


def _module(file: str) -> object:
    name = file.removesuffix(".py").replace("/", ".")
    if name in EXTRAS:
        need(EXTRAS[name])
    if name.startswith("django."):
        configured()  # Django imports models only once there is a site.
    return importlib.import_module(f".{name}", portalcreds.__name__)


def test_every_file_is_there() -> None:
    """No file of the page was moved or removed since."""
    assert len(FILES) > 30
    assert [file for file in FILES if not ((PACKAGE / file).is_file() or (ROOT / file).is_file())] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_function_is_in_its_file(row: list[str]) -> None:
    """What a row names is in the file, or in one of the two files, that the row names."""
    places = [_module(name) for name in row if name.endswith(".py")]
    names = [name for name in row if not name.endswith(".py")]
    assert places
    assert names
    assert [name for name in names if not any(_has(place, name) for place in places)] == []


def test_the_walk_and_the_questions_are_read() -> None:
    """The rows are found as they are written, so that none goes unchecked."""
    assert len(ROWS) == len(re.findall(r"^\| (?!Question|What happens)", PAGE, re.MULTILINE))


def test_the_tree_shows_every_package_and_public_module() -> None:
    """A new package or kernel module is in the tree, and nothing else is."""
    shown = set(re.findall(r"[├└]── ([\w/.]+)", PAGE))
    there = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")} | {
        path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("_")
    }
    assert shown == there


def _has(place: object, name: str) -> bool:
    try:
        reduce(getattr, name.split("."), place)
    except AttributeError:
        return False
    return True
