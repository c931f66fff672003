"""What importing the package costs, counted in modules and never in time, and what its root offers (R22)."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import portalcreds
from portalcreds import exceptions, outcomes, protocols

from .arrows import EXTRAS

PACKAGE = Path(portalcreds.__file__).parent
UNWANTED = ("asyncio", "concurrent.futures", "logging", "pandas", "pytest", "sqlalchemy", "sqlite3", "tqdm")

# Imports the modules in order, and tells of each which unwanted ones came in with it.
PROBE = """
import importlib, json, sys
places, modules, unwanted = json.loads(sys.argv[1])
sys.path[:0] = places
seen, told = set(), {}
for module in modules:
    importlib.import_module(module)
    new = set(unwanted) & set(sys.modules) - seen
    seen |= new
    if new:
        told[module] = sorted(new)
print(json.dumps(told))
"""


def pulled_in(*modules: str, places: tuple[Path, ...] = ()) -> dict[str, list[str]]:
    """Import *modules* in an interpreter of their own and return what each pulled in that it must not."""
    arguments = json.dumps([[str(place) for place in places], modules, UNWANTED])
    command = [sys.executable, "-W", "error", "-I", "-c", PROBE, arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, list[str]] = json.loads(ran.stdout)
    return told


def importable() -> list[str]:
    """Return the absolute name of every module that needs no extra, the root first."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        below = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if below not in EXTRAS:
            names.append(f"{portalcreds.__name__}.{below}".rstrip("."))
    return names


def test_importing_the_root_is_cheap() -> None:
    """R22: ``import portalcreds`` pulls in nothing that its users pay for and may never use."""
    assert pulled_in(portalcreds.__name__) == {}


def test_importing_any_module_is_cheap() -> None:
    """R22: nor does any other module that needs no extra, the contract suites included."""
    modules = importable()
    assert modules[0] == portalcreds.__name__
    assert f"{portalcreds.__name__}.accounts" in modules
    assert pulled_in(*modules) == {}


@pytest.mark.parametrize("unwanted", ["asyncio", "concurrent.futures", "logging", "sqlite3", "pytest"])
def test_what_is_pulled_in_is_told(tmp_path: Path, unwanted: str) -> None:
    """The check can fail, and names the module that is to blame."""
    (tmp_path / "cheap.py").write_text("import json\n", encoding="utf-8")
    (tmp_path / "dear.py").write_text(f"import {unwanted}\n", encoding="utf-8")
    told = pulled_in("cheap", "dear", places=(tmp_path,))
    assert list(told) == ["dear"]
    assert unwanted in told["dear"]


# -- what the root offers


def _order(name: str) -> tuple[int, str]:
    # Constants, classes, functions: the order that the linter keeps in __all__.
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def _reexported() -> set[str]:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }


def test_all_is_sorted_and_without_repetition() -> None:
    """A reader finds a public name where the alphabet has it."""
    names = list(portalcreds.__all__)
    assert names == sorted(set(names), key=_order)


def test_all_is_what_the_root_imports() -> None:
    """What the root imports is public, and what is public can be imported."""
    assert set(portalcreds.__all__) - {"__version__"} == _reexported()
    assert [name for name in portalcreds.__all__ if not hasattr(portalcreds, name)] == []


def test_all_has_what_callers_catch_match_and_implement() -> None:
    """R23: each exception, each outcome and each protocol can be named by whoever meets it."""
    met = {
        name
        for module in (exceptions, outcomes, protocols)
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert {"PortalCredsError", "SignedIn", "AccountStore"} <= met
    assert sorted(met - set(portalcreds.__all__)) == []


def test_version_is_a_literal() -> None:
    """R22: the version is read from the file, by people and by build tools, without running anything."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
    ]
    assert [ast.literal_eval(value) for value in values] == [portalcreds.__version__]
