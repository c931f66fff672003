"""What importing the package costs, counted in modules and never in time, and what its root offers (R22)."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import portalcreds
from portalcreds import administration
from portalcreds.sign_in import outcomes

from .arrows import EXTRAS

PACKAGE = Path(portalcreds.__file__).parent
LAZY = [path.parent.name for path in sorted(PACKAGE.glob("*/__init__.py")) if "_HOMES" in path.read_text("utf-8")]
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


def _imported_for_typing(package: ModuleType) -> dict[str, str]:
    """Return where a package imports each public name from, in the branch that type checkers read."""
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    (guarded,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {
        alias.name: f"{'.' * node.level}{node.module}"
        for node in guarded.body
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


@pytest.mark.parametrize("name", ["", *LAZY])
def test_what_is_imported_late_is_what_type_checkers_see(name: str) -> None:
    """The names that a checker sees, those in ``__all__`` and those that are found when asked for are the same."""
    package = importlib.import_module(f"{portalcreds.__name__}.{name}".rstrip("."))
    found = {name: home for home, names in package._HOMES.items() for name in names}
    assert found == _imported_for_typing(package)
    assert sorted(found) == sorted({*package.__all__} - {"__version__"})
    for name, home in found.items():
        module = importlib.import_module(home, package.__name__)
        assert getattr(package, name) is getattr(module, name)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="Misspelt"):
        package.Misspelt  # noqa: B018  Looking it up is what fails.


def test_the_root_names_its_packages() -> None:
    """``portalcreds.resets`` can be typed without another import, and so can each package that a copy must have."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"django", "testing"}
    assert set(portalcreds._PACKAGES) == packages
    for name in packages:
        assert getattr(portalcreds, name).__name__ == f"{portalcreds.__name__}.{name}"


def test_the_root_lists_its_names_and_refuses_others() -> None:
    """Completion in a notebook shows every public name, and a misspelt one is told by a type checker too."""
    assert {*vars(portalcreds)["__all__"], *portalcreds._PACKAGES} <= set(dir(portalcreds))
    with pytest.raises(AttributeError, match="Acount"):
        portalcreds.Acount  # type: ignore[attr-defined]  # noqa: B018  Misspelt, for a checker to see it too.
    with pytest.raises(AttributeError, match="AcountService"):
        administration.AcountService  # type: ignore[attr-defined]  # noqa: B018  The same in a package.


def test_the_root_imports_nothing_until_it_is_asked() -> None:
    """R22: ``import portalcreds`` loads none of its own modules and neither of its dependencies."""
    probe = f"import sys, {portalcreds.__name__}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    loaded = ran.stdout.split()
    assert portalcreds.__name__ in loaded
    assert [name for name in loaded if name.startswith((f"{portalcreds.__name__}.", "attr", "argon2"))] == []


# Touches every name of the root. Tells which modules that took, and which values have methods that attrs wrote.
TOUCH_ALL = """
import sys
from argon2 import low_level
import attrs
before = set(sys.modules)
import {name} as root
for name in root.__all__:
    getattr(root, name)
print(*sorted(set(sys.modules) - before))
classes = {{value for key, module in sys.modules.items() if key.startswith("{name}.")
    for value in vars(module).values() if isinstance(value, type) and attrs.has(value)}}
print(*sorted(cls.__name__ for cls in classes
    if {{"__eq__", "__repr__"}} <= vars(cls).keys() and cls.__name__ != "Value"))
print(len(classes))
"""

MOST_MODULES = 90
MOST_ATTRS_CLASSES = 55


def test_touching_every_name_stays_within_a_budget() -> None:
    """R22: all names together take few modules, and no class has attrs write what `Value` says once."""
    probe = TOUCH_ALL.format(name=portalcreds.__name__)
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    loaded, written, classes = (line.split() for line in ran.stdout.splitlines())
    assert {"base64", "csv", "decimal", "hashlib", "json", "random", "secrets"} & set(loaded) == set()
    assert written == []
    assert len(loaded) <= MOST_MODULES
    assert int(classes[0]) <= MOST_ATTRS_CLASSES


def test_every_outcome_is_in_the_root() -> None:
    """R23: whatever comes out of a form can be matched on by a name that an application has at hand."""
    met = {
        name
        for name, value in vars(outcomes).items()
        if isinstance(value, type) and value.__module__ == outcomes.__name__
    }
    assert "SignedIn" in met
    assert sorted(met - set(vars(portalcreds)["__all__"])) == []


@pytest.mark.parametrize("package", portalcreds._PACKAGES)
def test_what_a_package_offers_can_be_imported_from_it(package: str) -> None:
    """Each name in a package's ``__all__`` is there, and its users never need the modules within."""
    offered = importlib.import_module(f"{portalcreds.__name__}.{package}")
    assert sorted(offered.__all__) == sorted(set(offered.__all__))
    assert [name for name in offered.__all__ if not hasattr(offered, name)] == []


def test_version_is_a_literal() -> None:
    """R22: the version is read from the file, by people and by build tools, without running anything."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
    ]
    assert [ast.literal_eval(value) for value in values] == [portalcreds.__version__]
