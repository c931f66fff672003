"""The package read as text: which way imports point, and what no file of it may do (R14, R22)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import portalcreds

from . import arrows, habits
from .arrows import Module

PACKAGE = Path(portalcreds.__file__).parent
OWN_NAME = portalcreds.__name__
TESTS = Path(__file__).parents[1]


def _module(path: Path) -> Module:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return Module(name=name, source=path.read_text(encoding="utf-8"), is_package=is_package)


MODULES = [_module(path) for path in sorted(PACKAGE.rglob("*.py"))]
# The contract suites are tests: they assert, and what they compare is no secret.
OUTSIDE_TESTING = [module for module in MODULES if arrows.package_of(module.name) != "testing"]

Habit = Callable[[str], list[str]]


def _own_names(source: str) -> list[str]:
    return habits.own_names(source, OWN_NAME)


def _faults(check: Habit, modules: list[Module]) -> list[str]:
    return [f"{module.name or '__init__'}: {fault}" for module in modules for fault in check(module.source)]


# -- the package


def test_every_package_is_declared() -> None:
    """A new package says what it may import before it is let in."""
    assert arrows.unknown_packages(MODULES) == []


def test_no_import_points_up_or_across() -> None:
    """Packages point down to the kernel and never across services, and the kernel imports no package."""
    assert arrows.upward(MODULES) == []


def test_no_import_goes_in_a_circle() -> None:
    """Each module can be read, and imported, after those that it imports."""
    assert arrows.cycles(MODULES) == []


def test_imports_are_relative_or_of_a_declared_dependency() -> None:
    """R22: no import of the package by its name, none of metadata, and none of an extra but where it is needed."""
    assert arrows.strangers(MODULES, OWN_NAME) == []


@pytest.mark.parametrize(
    ("check", "modules"),
    [
        pytest.param(_own_names, MODULES, id="no own name in strings"),
        pytest.param(habits.asserts, OUTSIDE_TESTING, id="no assert outside testing"),
        pytest.param(habits.prints, MODULES, id="no print"),
        pytest.param(habits.unexplained_marks, MODULES, id="a reason beside each mark"),
        pytest.param(habits.digest_comparisons, OUTSIDE_TESTING, id="digests through hmac.compare_digest"),
        pytest.param(habits.enum_identities, MODULES, id="members of enums through =="),
        pytest.param(habits.undocumented, MODULES, id="public things have docstrings"),
        pytest.param(habits.root_statements, [MODULES[0]], id="the root only names"),
    ],
)
def test_no_file_of_the_package_has_a_bad_habit(check: Habit, modules: list[Module]) -> None:
    """What a vendored copy, ``python -O``, a timing attack or a reader would trip over is in no file (R14, R22)."""
    assert _faults(check, modules) == []


def test_every_test_says_the_rule_it_guards() -> None:
    """A test that fails tells by its docstring, in one sentence, what was broken."""
    faults = [
        f"{path.relative_to(TESTS)} {fault}"
        for path in sorted(TESTS.rglob("*.py"))
        for fault in habits.unexplained_tests(path.read_text(encoding="utf-8"))
    ]
    assert faults == []


def test_every_mark_in_tests_and_documentation_has_its_reason() -> None:
    """Who silences a checker says why on the line, outside the package too."""
    faults = [
        f"{path.name} {fault}"
        for folder in (TESTS, TESTS.parent / "docs")
        for path in sorted(folder.rglob("*.py"))
        # Its samples are marks without a reason.
        if path != Path(__file__)
        for fault in habits.unexplained_marks(path.read_text(encoding="utf-8"))
    ]
    assert faults == []


def test_the_package_is_seen_whole() -> None:
    """The checks above read the files that are installed, the root first and those below packages too."""
    names = {module.name for module in MODULES}
    assert MODULES[0].name == arrows.ROOT
    assert {"accounts", "protocols"} <= names


# -- the checks themselves, on files that are wrong in one way


def _package(**sources: str) -> list[Module]:
    packages = {name.partition("__")[0] for name in sources if "__" in name}
    return [
        *(Module(name=name, source="", is_package=True) for name in sorted(packages)),
        *(Module(name=name.replace("__", "."), source=source) for name, source in sources.items()),
    ]


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        pytest.param(
            _package(throttle="from .hashers import X", hashers__argon2=""), "hashers", id="kernel to package"
        ),
        pytest.param(
            _package(protocols="if TYPE_CHECKING:\n    from .resets import Plan", resets__plan=""),
            "resets",
            id="kernel to package, for typing only",
        ),
        pytest.param(
            _package(throttle="def f():\n    from .stores import memory", stores__memory=""),
            "stores.memory",
            id="kernel to package in a function",
        ),
        pytest.param(
            _package(resets__service="from ..sign_in import X", sign_in__service=""), "sign_in", id="across services"
        ),
        pytest.param(
            _package(sign_in__service="from ..stores.memory import X", stores__memory=""),
            "stores",
            id="service to adapter",
        ),
        pytest.param(
            _package(stores__memory="from ..resets import X", resets__plan=""), "resets", id="adapter to service"
        ),
        pytest.param(
            _package(stores__memory="from ..hashers import X", hashers__argon2=""), "hashers", id="across adapters"
        ),
        pytest.param(
            _package(resets__service="from ..testing import X", testing__fakes=""), "testing", id="service to testing"
        ),
        pytest.param(
            _package(resets__plan="from ..default_passwords._words import X", default_passwords___words=""),
            "private module",
            id="another's private module",
        ),
        pytest.param(
            _package(portal="from .resets._runner import X", resets___runner=""),
            "private module",
            id="a private module, from the front door",
        ),
        pytest.param(_package(throttle="from . import __version__"), "the root", id="kernel to root"),
        pytest.param(
            _package(resets__service="from ..portal import Portal", portal=""), "front door", id="service to front door"
        ),
        pytest.param(
            [
                Module(name="stores", source="from .sqlalchemy import Store", is_package=True),
                Module(name="stores.sqlalchemy", source=""),
            ],
            "needs an extra",
            id="extra",
        ),
    ],
)
def test_an_arrow_that_points_up_is_told(modules: list[Module], told: str) -> None:
    """The check of directions can fail, and names what was imported."""
    faults = arrows.upward(modules)
    assert len(faults) == 1
    assert told in faults[0]


def test_arrows_that_point_down_are_let_be() -> None:
    """The check of directions lets pass what the structure allows, extras inside functions included."""
    modules = _package(
        accounts="from .secret import Secret",
        secret="",
        protocols="from .accounts import Account\nimport attrs",
        throttle="from .protocols import X\nfrom . import accounts",
        resets__service="from ..default_passwords import X\nfrom .plan import Y",
        resets__plan="",
        default_passwords__strategies="",
        portal="from .resets import X\nfrom .stores.memory import Y",
        stores__memory="from ..protocols import X\nfrom ._sql import Y",
        stores___sql="def f():\n    from .sqlalchemy import Z",
        stores__sqlalchemy="import sqlalchemy\nfrom sqlalchemy import text",
        testing__contracts="from ..stores.memory import X\nfrom ..throttle import Y",
    )
    assert arrows.upward(modules) == []
    assert arrows.cycles(modules) == []
    assert arrows.strangers(modules, OWN_NAME) == []


def test_a_package_that_is_not_declared_is_told() -> None:
    """The check of packages can fail, and its message names the file to edit."""
    (fault,) = arrows.unknown_packages(_package(helpers__text=""))
    assert "helpers" in fault
    assert "tests/shape/arrows.py" in fault


def test_a_circle_is_told_unless_it_is_for_typing() -> None:
    """The check of circles can fail, and leaves out imports that never run."""
    circle = _package(
        accounts="from .contacts import X", contacts="from .secret import Y", secret="from . import accounts"
    )
    assert arrows.cycles(circle) == ["accounts -> contacts -> secret -> accounts"]
    typed = _package(accounts="from .contacts import X", contacts="if TYPE_CHECKING:\n    from . import accounts")
    assert arrows.cycles(typed) == []


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param(_package(accounts=f"import {OWN_NAME}"), id="own name"),
        pytest.param(_package(accounts=f"from {OWN_NAME}.secret import Secret"), id="own name, from"),
        pytest.param(_package(accounts="import importlib.metadata"), id="metadata"),
        pytest.param(_package(accounts="def f():\n    from importlib import metadata"), id="metadata, from"),
        pytest.param(_package(accounts="from importlib.metadata import version"), id="version"),
        pytest.param(_package(accounts="import pkg_resources"), id="entry points"),
        pytest.param(_package(accounts="import requests"), id="undeclared"),
        pytest.param(_package(accounts="import argon2"), id="argon2 outside hashers"),
        pytest.param(_package(stores__dbapi="import sqlalchemy"), id="extra at import"),
        pytest.param(_package(testing__stores="import pytest"), id="pytest at import"),
        pytest.param(_package(accounts="def f():\n    import pandas"), id="undeclared in a function"),
    ],
)
def test_a_stranger_is_told(modules: list[Module]) -> None:
    """The check of outside imports can fail (R22)."""
    assert len(arrows.strangers(modules, OWN_NAME)) == 1


@pytest.mark.parametrize(
    ("check", "source"),
    [
        pytest.param(_own_names, f'name = "{OWN_NAME}.stores"', id="own name"),
        pytest.param(_own_names, f'def f(x):\n    return f"{OWN_NAME}.{{x}}"', id="own name in an f-string"),
        pytest.param(_own_names, f'label = b"{OWN_NAME} ticket"', id="own name in bytes"),
        pytest.param(habits.asserts, "assert 1 == 1", id="assert"),
        pytest.param(habits.prints, "print(1)", id="print"),
        pytest.param(habits.prints, "report = print", id="print handed on"),
        pytest.param(habits.unexplained_marks, "x = f()  # noqa: S608, E731", id="noqa"),
        pytest.param(habits.unexplained_marks, "x = f()  # type: ignore[arg-type]  # noqa: S608", id="two marks"),
        pytest.param(habits.digest_comparisons, "ok = ticket_digest == other", id="digest"),
        pytest.param(habits.digest_comparisons, "ok = a != row.password_hash", id="hash"),
        pytest.param(habits.digest_comparisons, "ok = sha256(a).hexdigest() == b", id="hexdigest"),
        pytest.param(habits.digest_comparisons, "ok = digest[:8] == b", id="part of a digest"),
        pytest.param(habits.digest_comparisons, "ok = digest in digests", id="among digests"),
        pytest.param(habits.digest_comparisons, "ok = 1 < 2 == self._hash", id="in a chain"),
        pytest.param(habits.digest_comparisons, "ok = (digest := f()) == other", id="named on the way"),
        pytest.param(habits.enum_identities, "ok = query.status is AccountStatus.DISABLED", id="member"),
        pytest.param(habits.enum_identities, "ok = Kind.OTHER_2 is not kind", id="member on the left"),
        pytest.param(habits.enum_identities, "ok = a is accounts.AccountStatus.DISABLED", id="member through a module"),
        pytest.param(habits.enum_identities, "ok = a == b is Kind.A", id="member in a chain"),
        pytest.param(habits.undocumented, "x = 1", id="module without docstring"),
        pytest.param(habits.undocumented, '"""M."""\ndef f(): ...', id="function without docstring"),
        pytest.param(habits.undocumented, '"""M."""\nclass C:\n    x = 1', id="class without docstring"),
        pytest.param(habits.undocumented, '"""M."""\nclass C:\n    """C."""\n    def f(self): ...', id="method"),
        pytest.param(
            habits.undocumented,
            '"""M."""\nclass B:\n    """B."""\nclass C(B):\n    """C."""\n    def f(self): ...',
            id="method that overrides nothing",
        ),
        pytest.param(habits.unexplained_tests, "def test_x(): ...", id="test without docstring"),
        pytest.param(habits.unexplained_tests, 'def test_x():\n    """No full stop"""', id="test without a sentence"),
        pytest.param(
            habits.unexplained_tests, 'def test_x():\n    """One rule. Two rules."""', id="test with two rules"
        ),
        pytest.param(habits.unexplained_tests, "class TestX:\n    def test_x(self): ...", id="test method"),
        pytest.param(habits.root_statements, '"""M."""\nfrom .a import B', id="root that imports at once"),
        pytest.param(habits.root_statements, '"""M."""\nimport os', id="root with an outside import"),
        pytest.param(habits.root_statements, '"""M."""\n__version__ = read()', id="root with a computed version"),
        pytest.param(habits.root_statements, '"""M."""\ndef helper(name): ...', id="root with a function"),
    ],
)
def test_a_bad_habit_is_told_once(check: Habit, source: str) -> None:
    """Each of the checks of habits can fail."""
    assert len(check(source)) == 1


def test_a_bad_habit_is_told_with_its_file_and_line() -> None:
    """Whoever has to fix it is led to the place, for one file as for many."""
    modules = _package(accounts="", stores__memory='"""M."""\n\nok = status is AccountStatus.DISABLED')
    (fault,) = _faults(habits.enum_identities, modules)
    assert fault == "stores.memory: line 3 asks whether something is AccountStatus.DISABLED; compare with =="


@pytest.mark.parametrize(
    ("check", "source"),
    [
        pytest.param(_own_names, f'"""{OWN_NAME} is here."""  # {OWN_NAME}\nX = 1\n"""Of {OWN_NAME}."""', id="prose"),
        pytest.param(habits.unexplained_marks, "x = f()  # noqa: S608  No values.", id="noqa with its reason"),
        pytest.param(habits.unexplained_marks, "x = 1  # type: ignore[misc]  # One by its method.", id="ignore"),
        pytest.param(habits.digest_comparisons, "ok = digest is None or len(digest) == 64", id="no digest compared"),
        pytest.param(habits.digest_comparisons, "ok = needs_rehash == other.hash_length", id="other names"),
        pytest.param(habits.enum_identities, "ok = status == Kind.A and a in (Kind.A, Kind.B)", id="member, equal"),
        pytest.param(habits.enum_identities, "ok = answer is not _NotSent.NOT_SENT", id="member of a private enum"),
        pytest.param(habits.enum_identities, "ok = a is None or a is A_B.C or a is Kind.name", id="no member"),
        pytest.param(habits.undocumented, '"""M."""\ndef _f(): ...\nclass _C:\n    def f(self): ...', id="private"),
        pytest.param(
            habits.undocumented,
            '"""M."""\n@overload\ndef f(): ...\nclass C:\n    """C."""\n    @x.setter\n    def x(self, v): ...',
            id="stands for another",
        ),
        pytest.param(
            habits.undocumented,
            '"""M."""\nclass A:\n    """A."""\n    def f(self):\n        """F."""\n'
            'class B(A):\n    """B."""\nclass C(B):\n    """C."""\n    def f(self): ...',
            id="overrides what is explained",
        ),
        pytest.param(
            habits.undocumented,
            '"""M."""\nclass A(Protocol):\n    """A."""\n    def f(self):\n        """F."""\n'
            'class B:\n    """B."""\n    def f(self): ...',
            id="answers to a protocol",
        ),
        pytest.param(habits.unexplained_tests, 'def test_x():\n    """R7: every denial looks the same."""', id="test"),
        pytest.param(
            habits.root_statements,
            '"""M."""\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import B\n'
            '__all__ = ["B"]\n__version__ = "1"\ndef __dir__(): ...',
            id="root",
        ),
    ],
)
def test_what_only_looks_like_a_bad_habit_is_let_be(check: Habit, source: str) -> None:
    """The checks of habits leave alone what is allowed beside what is not."""
    assert check(source) == []
