"""What is promised to whoever installs the package, and what a visitor of the repository finds."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import portalcreds

REPOSITORY = Path(__file__).parents[2]
PACKAGE = Path(portalcreds.__file__).parent
VISIBLE = frozenset({"LICENSE", "README.md", "docs", "pyproject.toml", "src", "tests"})
HIDDEN = frozenset({".ci", ".github", ".gitignore"})

Table = dict[str, Any]  # TOML, of any shape.


@pytest.fixture(scope="module")
def pyproject() -> Table:
    """Return pyproject.toml as it is read by build tools."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def _distribution(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def test_there_are_two_dependencies(pyproject: Table) -> None:
    """Design §1: argon2-cffi and attrs at run time and nothing else, without upper bounds."""
    dependencies: list[str] = pyproject["project"]["dependencies"]
    assert sorted(map(_distribution, dependencies)) == ["argon2-cffi", "attrs"]
    assert [one for one in dependencies if "<" in one or "==" in one or "~=" in one] == []


def test_everything_further_is_an_extra(pyproject: Table) -> None:
    """What the extras bring is not brought in by the core, under whatever name."""
    extras: dict[str, list[str]] = pyproject["project"]["optional-dependencies"]
    optional = {_distribution(requirement) for requirements in extras.values() for requirement in requirements}
    assert {"pytest", "tqdm"} <= optional
    assert optional & {"argon2-cffi", "attrs"} == set()


def test_every_extra_is_explained(pyproject: Table) -> None:
    """A page says of each extra what it is for, and of no other."""
    page = (REPOSITORY / "docs/how-to/three-ways-in.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(explained) == sorted(pyproject["project"]["optional-dependencies"])


def test_the_description_leads_nowhere_that_is_not_there(pyproject: Table) -> None:
    """Where the package is shown without its repository, no link or picture of the README is broken."""
    hook = pyproject["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for substitution in hook["substitutions"]:
        text = re.sub(substitution["pattern"], substitution["replacement"], text)
    relative = re.compile(r"\]\((?!https?:)")
    assert relative.search(readme)
    assert relative.search(text) is None
    # The words of the links are still there, and the commands.
    assert "what that means, and what is stronger" in text
    assert "pip install -q -e '.[test]'" in text


def test_the_version_has_one_place(pyproject: Table) -> None:
    """The build reads the literal of the package's root; nothing derives it from a checkout's history."""
    assert "version" in pyproject["project"]["dynamic"]
    assert pyproject["tool"]["hatch"]["version"] == {"path": f"src/{portalcreds.__name__}/__init__.py"}
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", portalcreds.__version__)


def test_the_oldest_python_is_the_one_that_tools_check(pyproject: Table) -> None:
    """Python 3.11 is promised, linted for, typed for and named first among the classifiers."""
    assert pyproject["project"]["requires-python"] == ">=3.11"
    assert pyproject["tool"]["ruff"]["target-version"] == "py311"
    assert pyproject["tool"]["mypy"]["python_version"] == "3.11"
    named = [one for one in pyproject["project"]["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert named[0].endswith(":: 3.11")


def test_the_licence_is_said_once_and_shipped(pyproject: Table) -> None:
    """PEP 639: an SPDX expression and the files, and no classifier that could contradict them."""
    assert pyproject["project"]["license"] == "MIT AND BSD-3-Clause"
    for path in pyproject["project"]["license-files"]:
        assert (REPOSITORY / path).is_file()
    assert (REPOSITORY / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")
    assert [one for one in pyproject["project"]["classifiers"] if one.startswith("License")] == []


def test_the_package_says_that_it_is_typed() -> None:
    """PEP 561: type checkers of other projects read the annotations only beside this file."""
    assert (PACKAGE / "py.typed").is_file()


def test_warnings_are_errors_and_coverage_has_a_floor(pyproject: Table) -> None:
    """What the checks rest on cannot be loosened without this test being changed too."""
    tool = pyproject["tool"]
    assert tool["pytest"]["ini_options"]["filterwarnings"][0] == "error"
    assert tool["pytest"]["ini_options"]["xfail_strict"] is True
    assert tool["coverage"]["report"]["fail_under"] >= 99
    assert tool["mypy"]["strict"] is True


# -- the top level


def _tracked(repository: Path) -> set[str]:
    # What is new and not ignored counts: it would be committed next.
    command = ["git", "-C", str(repository), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return {path.partition("/")[0] for path in listed.split("\0") if path}


def _listed(repository: Path) -> set[str]:
    # An unpacked archive, where tools have left hidden caches and what .gitignore names.
    ignored = (repository / ".gitignore").read_text(encoding="utf-8").split()
    return {
        path.name
        for path in repository.iterdir()
        if not path.name.startswith(".") and not any(fnmatch.fnmatch(path.name, name.rstrip("/")) for name in ignored)
    }


def _unexpected(repository: Path) -> set[str]:
    found = _tracked(repository) if (repository / ".git").exists() else _listed(repository)
    return found - VISIBLE - HIDDEN


def test_the_top_level_holds_nothing_else() -> None:
    """Design §3: a visitor sees the sources, the tests, the documentation and three files."""
    assert _unexpected(REPOSITORY) == set()


def test_something_else_on_the_top_level_is_told(tmp_path: Path) -> None:
    """The check of the top level can fail, in a checkout and in an unpacked archive."""
    (tmp_path / ".gitignore").write_text("dist/\n*.db\n", encoding="utf-8")
    for name in ("README.md", "notes.txt", "try.db", ".coverage"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert _unexpected(tmp_path) == {"notes.txt"}

    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=60)
    assert _unexpected(tmp_path) == {"notes.txt", ".coverage"}
