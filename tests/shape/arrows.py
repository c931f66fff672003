"""
Tell every import that points the wrong way.

The rule of the house, in four points:

1. The flat modules are the kernel. It imports no package.
2. A package imports the kernel, and of other packages only those that `PACKAGES` names for it.
3. It never imports another package's private modules.
4. Only `portal`, the front door, and `testing` see everything, and a framework's app the front door.
   Nothing imports the root.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

ROOT: Final = ""
"""The package's own ``__init__``. Every other module is named by its path below it, such as ``stores.memory``."""

FRONT_DOOR: Final = "portal"
"""The flat module that puts the parts together; it is not of the kernel."""

APPS: Final = frozenset({"django"})
"""The packages that have the front door in a framework."""

_EVERYTHING_BELOW: Final = frozenset(
    {"administration", "default_passwords", "hashers", "letters", "resets", "rosters", "sign_in", "stores"}
)

PACKAGES: Final[Mapping[str, frozenset[str]]] = {
    # what it does
    "default_passwords": frozenset(),
    "rosters": frozenset(),
    "administration": frozenset(),
    "resets": frozenset({"default_passwords"}),
    "sign_in": frozenset(),
    "letters": frozenset(),
    # what it stands on
    "hashers": frozenset(),
    "stores": frozenset(),
    # what has it in a framework
    "django": frozenset({"rosters", "sign_in", "stores"}),
    # what others try their parts with
    "testing": _EVERYTHING_BELOW,
}
"""The packages, and the other packages that each may import."""

EXTRAS: Final[Mapping[str, str]] = {
    "django.apps": "django",
    "django.backends": "django",
    "django.checks": "django",
    "django.configuration": "django",
    "django.management.commands.portalcreds_close_old_door": "django",
    "django.management.commands.portalcreds_sync": "django",
    "django.migrations.0001_initial": "django",
    "django.operations": "django",
    "django.sessions": "django",
    "django.signing_in": "django",
    "django.urls": "django",
    "django.views": "django",
    "letters.qr": "segno",
    "sign_in.zxcvbn": "zxcvbn",
    "stores._drivers.django_port": "django",
    "stores._drivers.sqlalchemy_port": "sqlalchemy",
    "stores._sql.sqlalchemy_selects": "sqlalchemy",
    "stores._sql.sqlalchemy_tables": "sqlalchemy",
    "stores.django": "django",
    "stores.limits": "limits",
    "stores.sqlalchemy": "sqlalchemy",
}
"""The modules that need an extra, and what they import of it. Nothing else imports them while it is imported."""

OPTIONAL: Final = frozenset({*EXTRAS.values(), "pytest", "tqdm"})
"""What any module may import inside a function, where the host has it."""

REQUIRED: Final[Mapping[str, str]] = {"attrs": "", "argon2": "hashers", "_argon2_cffi_bindings": "hashers"}
"""The two dependencies by import name, with the bindings of one, and the package that alone may import it, if any."""

NEVER: Final[Mapping[str, str]] = {
    "importlib.metadata": "a vendored copy has no metadata",
    "pkg_resources": "a vendored copy has no entry points",
}


@attrs.frozen(kw_only=True)
class Module:
    """One file of a package: its name below the package, its text, and whether it is an ``__init__``."""

    name: str
    source: str
    is_package: bool = False


@attrs.frozen(kw_only=True)
class Import:
    """
    One import statement's target.

    Attributes:
        line: Where it is.
        target: What is imported: a module below the package if *is_inside*, else an absolute name.
        is_inside: Whether it was written as a relative import.
        is_typing_only: Whether it is under ``if TYPE_CHECKING``.
        is_deferred: Whether it runs only when a function is called.
    """

    line: int
    target: str
    is_inside: bool
    is_typing_only: bool
    is_deferred: bool

    @property
    def runs_at_import(self) -> bool:
        """Whether importing the module imports the target."""
        return not self.is_typing_only and not self.is_deferred


def imports_of(module: Module, known: Iterable[str]) -> list[Import]:
    """Return every import in *module*; *known* tells ``from . import x`` of a module from that of a name."""
    found: list[Import] = []
    names = frozenset(known)

    def targets(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names)
            return
        base = node.module or ""
        if node.level:
            parts = module.name.split(".") if module.name else []
            climbed = node.level - (1 if module.is_package else 0)
            parts = parts[: len(parts) - climbed] if climbed else parts
            base = ".".join([*parts, *([base] if base else [])])
        for alias in node.names:
            below = f"{base}.{alias.name}" if base else alias.name
            is_module = below in (names if node.level else NEVER)
            yield (below if is_module else base), bool(node.level)

    def walk(node: ast.AST, *, typing_only: bool, deferred: bool) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target, inside in targets(node):
                found.append(
                    Import(
                        line=node.lineno,
                        target=target,
                        is_inside=inside,
                        is_typing_only=typing_only,
                        is_deferred=deferred,
                    )
                )
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for guarded in node.body:
                walk(guarded, typing_only=True, deferred=deferred)
            for other in node.orelse:
                walk(other, typing_only=typing_only, deferred=deferred)
        else:
            inner = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                walk(child, typing_only=typing_only, deferred=inner)

    walk(ast.parse(module.source), typing_only=False, deferred=False)
    return found


def package_of(name: str) -> str:
    """Return the package that a module is in; empty for a flat one."""
    head = name.partition(".")[0]
    return head if head in PACKAGES else ""


def unknown_packages(modules: Iterable[Module]) -> list[str]:
    """Tell each package that `PACKAGES` does not name."""
    heads = {module.name.partition(".")[0] for module in modules if "." in module.name or module.is_package}
    return [
        f"the package {head} is not in PACKAGES of tests/shape/arrows.py; say there what it may import"
        for head in sorted(heads - {ROOT, *PACKAGES})
    ]


def upward(modules: Iterable[Module]) -> list[str]:
    """Tell each import inside the package that breaks the rule of the house, or brings an extra in unasked."""
    modules = list(modules)
    names = [module.name for module in modules]
    faults = []
    for module in modules:
        for arrow in imports_of(module, names):
            if not arrow.is_inside or module.name == ROOT:
                continue
            fault = _fault_of(module.name, arrow)
            if fault is not None:
                faults.append(f"{_place(module, arrow)} imports {arrow.target or 'the root'}: {fault}")
            extra = EXTRAS.get(arrow.target)
            if extra is not None and arrow.runs_at_import and extra != EXTRAS.get(module.name):
                faults.append(
                    f"{_place(module, arrow)} imports {arrow.target}, which needs an extra; do so in a function"
                )
    return faults


def _fault_of(name: str, arrow: Import) -> str | None:
    here, there = package_of(name), package_of(arrow.target)
    if arrow.target == ROOT:
        return "only users import the root"
    if arrow.target == FRONT_DOOR:
        return None if here in APPS else "only the root and apps import the front door"
    if not there or here == there or name == FRONT_DOOR:
        is_private = "._" in arrow.target and here != there
        return "another package's private module" if is_private else None
    if "._" in arrow.target:
        return "another package's private module"
    if not here:
        return "the kernel imports no package"
    return None if there in PACKAGES[here] else f"{here} may not import {there}"


def cycles(modules: Iterable[Module]) -> list[str]:
    """Tell each way around in a circle that importing the package would go."""
    modules = list(modules)
    names = {module.name for module in modules}
    below = {
        module.name: [
            arrow.target
            for arrow in imports_of(module, names)
            if arrow.is_inside and arrow.runs_at_import and arrow.target in names and arrow.target != module.name
        ]
        for module in modules
    }
    faults: list[str] = []
    settled: set[str] = set()

    def descend(name: str, path: list[str]) -> None:
        if name in path:
            faults.append(" -> ".join(step or "the root" for step in [*path[path.index(name) :], name]))
        elif name not in settled:
            for target in below[name]:
                descend(target, [*path, name])
            settled.add(name)

    for name in below:
        descend(name, [])
    return faults


def strangers(modules: Iterable[Module], own_name: str) -> list[str]:
    """Tell each import from outside that the package cannot count on, or that a vendored copy cannot have (R22)."""
    modules = list(modules)
    names = [module.name for module in modules]
    faults = []
    for module in modules:
        for arrow in imports_of(module, names):
            if arrow.is_inside:
                continue
            head = arrow.target.partition(".")[0]
            reason = next((why for name, why in NEVER.items() if f"{arrow.target}.".startswith(f"{name}.")), None)
            if head == own_name:
                reason = "a vendored copy has another name; import relatively"
            elif reason is None and not _may_import(module.name, head, arrow):
                reason = "it is no dependency here; see REQUIRED, EXTRAS and OPTIONAL in tests/shape/arrows.py"
            if reason is not None:
                faults.append(f"{_place(module, arrow)} imports {arrow.target}: {reason}")
    return faults


def _may_import(module: str, head: str, arrow: Import) -> bool:
    if head in sys.stdlib_module_names or EXTRAS.get(module) == head:
        return True
    if head in REQUIRED:
        return REQUIRED[head] in ("", package_of(module))
    return head in OPTIONAL and not arrow.runs_at_import


def _place(module: Module, arrow: Import) -> str:
    return f"{module.name or '__init__'}:{arrow.line}"
