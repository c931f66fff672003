"""Declare which room each module of the package belongs to, and tell every import that points the wrong way."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

ROOT: Final = ""
"""The package's own ``__init__``. Every other module is named by its path below it, such as ``stores.memory``."""


@attrs.frozen(kw_only=True)
class Room:
    """
    A part of the package whose modules answer one kind of question.

    Attributes:
        answers: The question, for whoever looks for the place of a new file.
        modules: The modules in it; of a package, everything below counts too.
        may_import: The rooms below it. A room may always import itself.
    """

    answers: str
    modules: frozenset[str]
    may_import: frozenset[str] = frozenset()


ROOMS: Final[Mapping[str, Room]] = {
    "values": Room(
        answers="what a thing is, and how it may change; no input, no output",
        modules=frozenset(
            {
                "_chunks",
                "_default_warnings",
                "_grapheme",
                "_html",
                "_name_parts",
                "_text",
                "_words",
                "account_queries",
                "accounts",
                "audit",
                "contact_columns",
                "contacts",
                "default_passwords",
                "exceptions",
                "privileges",
                "rosters",
                "secret",
                "tickets",
            }
        ),
    ),
    "contracts": Room(
        answers="what a host may implement, what a chosen password must satisfy, what a step came to",
        modules=frozenset(
            {"_name_readings", "contact_sync", "outcomes", "password_policy", "protocols", "reset_job", "reset_plan"}
        ),
        may_import=frozenset({"values"}),
    ),
    "services": Room(
        answers="what is done, step by step, over anything that fits the protocols",
        modules=frozenset(
            {
                "_one_by_one",
                "_committed",
                "_contact_syncer",
                "_privilege_check",
                "_reset_decider",
                "_reset_runner",
                "account_service",
                "reset_service",
                "sign_in_service",
                "throttle",
            }
        ),
        may_import=frozenset({"values", "contracts"}),
    ),
    "hashers": Room(
        answers="how a password is hashed or verified under one scheme",
        modules=frozenset({"hashers"}),
        may_import=frozenset({"values", "contracts"}),
    ),
    "stores": Room(
        answers="where accounts, events and counts are kept",
        modules=frozenset({"stores"}),
        may_import=frozenset({"values", "contracts"}),
    ),
    "testing": Room(
        answers="what somebody else's store, hasher or counter must pass",
        modules=frozenset({"testing"}),
        may_import=frozenset({"values", "contracts", "services", "hashers", "stores"}),
    ),
    "root": Room(
        answers="which names are public",
        modules=frozenset({ROOT}),
        may_import=frozenset({"values", "contracts", "services", "hashers", "stores"}),
    ),
}

EXTRAS: Final[Mapping[str, str]] = {
    "hashers.bcrypt": "bcrypt",
    "stores._sqlalchemy_port": "sqlalchemy",
    "stores._sqlalchemy_tables": "sqlalchemy",
    "stores.limits": "limits",
    "stores.sqlalchemy": "sqlalchemy",
}
"""The modules that need an extra, and what they import of it. Nothing else imports them while it is imported."""

OPTIONAL: Final = frozenset({*EXTRAS.values(), "pytest", "tqdm"})
"""What any module may import inside a function, where the host has it."""

REQUIRED: Final[Mapping[str, frozenset[str]]] = {
    "attrs": frozenset(ROOMS),
    "argon2": frozenset({"hashers"}),
    "_argon2_cffi_bindings": frozenset({"hashers"}),
}
"""The two dependencies by import name, with the bindings that come with one, and the rooms that may import them."""

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


def room_of(name: str) -> str | None:
    """Return the room that a module was declared to be in, or None."""
    head = name.partition(".")[0]
    return next((room for room, declared in ROOMS.items() if head in declared.modules), None)


def homeless(modules: Iterable[Module]) -> list[str]:
    """Tell each module that no room declares, and what the rooms are for."""
    rooms = "; ".join(f"{name}: {room.answers}" for name, room in ROOMS.items())
    return [
        f"{module.name} is in no room; add it to ROOMS in tests/shape/arrows.py, where it belongs ({rooms})"
        for module in modules
        if room_of(module.name) is None
    ]


def upward(modules: Iterable[Module]) -> list[str]:
    """
    Tell each import inside the package from a room that must not know the other.

    An import for typing only is an arrow like any other. It cannot fail at run time, but a value that has to name a
    service's type stands in the wrong room, and a reader has to go up the stairs all the same.
    """
    modules = list(modules)
    names = [module.name for module in modules]
    faults = []
    for module in modules:
        here = room_of(module.name)
        for arrow in imports_of(module, names):
            if here is None or not arrow.is_inside:
                continue
            there = room_of(arrow.target)
            if there is not None and there != here and there not in ROOMS[here].may_import:
                faults.append(f"{_place(module, arrow)} of {here} imports {arrow.target or 'the root'} of {there}")
            extra = EXTRAS.get(arrow.target)
            if extra is not None and arrow.runs_at_import and extra != EXTRAS.get(module.name):
                faults.append(
                    f"{_place(module, arrow)} imports {arrow.target}, which needs an extra; do so in a function"
                )
    return faults


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
                reason = "it is no dependency of this room; see REQUIRED, EXTRAS and OPTIONAL in tests/shape/arrows.py"
            if reason is not None:
                faults.append(f"{_place(module, arrow)} imports {arrow.target}: {reason}")
    return faults


def _may_import(module: str, head: str, arrow: Import) -> bool:
    if head in sys.stdlib_module_names or EXTRAS.get(module) == head:
        return True
    if head in REQUIRED:
        # A module without a room is told of by `homeless`, and once is enough.
        return room_of(module) in (None, *REQUIRED[head])
    return head in OPTIONAL and not arrow.runs_at_import


def _place(module: Module, arrow: Import) -> str:
    return f"{module.name or '__init__'}:{arrow.line}"
