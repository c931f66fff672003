"""Make mutants of a module: the same source with one small mistake each, such as a forgotten ``not``."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

_SWAPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COUNTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
_LEFT_OUT: Final = ("annotation", "returns", "type_params", "bases", "decorator_list")
"""Fields of a node in which there are types, which no run evaluates, and what makes a class or function what it is."""

_SHOWN: Final = 90
"""Characters of a mutant's line that are shown."""


@attrs.frozen
class Mutant:
    """
    A module with one mistake.

    Attributes:
        place: The function or class it is in, such as ``Throttle.admit``.
        line: The line of the module as it is.
        mistake: What it is: the source before and after.
        source: The module with it.
    """

    place: str
    line: int
    mistake: str
    source: str


@attrs.frozen
class _Change:
    """Another value for a field of a node."""

    node: ast.AST
    field: str
    value: Any


def mutants_of(source: str) -> Iterator[Mutant]:
    """Yield the mutants of a module's source, always the same ones in the same order."""
    tree = ast.parse(source)
    for place, statement, node in _nodes(tree, "", tree):
        for change in _changes(node):
            kept, before = getattr(change.node, change.field), _text(statement)
            setattr(change.node, change.field, change.value)
            mistake = _difference(before, _text(statement))
            mutated = ast.unparse(ast.fix_missing_locations(tree))
            setattr(change.node, change.field, kept)
            yield Mutant(place, getattr(node, "lineno", 0), mistake, mutated)


def _nodes(
    node: ast.AST, place: str, statement: ast.AST, *, in_field: bool = False
) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    """Yield each node, with where it is and the statement that it is part of."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.keyword) and node.arg == "strict":
        # What it guards is a mistake of ours, which no caller can make.
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        place = f"{place}.{node.name}".lstrip(".")
    if isinstance(node, ast.stmt):
        statement = node
    # The fields of a class are declarations, of which only the numbers are looked at.
    in_field = in_field or isinstance(node, ast.AnnAssign)
    if not in_field or (isinstance(node, ast.Constant) and type(node.value) is int):
        yield place, statement, node
    for field, value in ast.iter_fields(node):
        if field in _LEFT_OUT:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _nodes(child, place, statement, in_field=in_field)


def _changes(node: ast.AST) -> Iterator[_Change]:
    """Yield what could be wrong with this one node."""
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            yield _Change(node, "ops", _with(node.ops, at, _SWAPPED[type(operator)]()))
    elif isinstance(node, ast.BoolOp):
        yield _Change(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for at in range(len(node.values)):
            # One condition of several is forgotten.
            yield _Change(node, "values", node.values[:at] + node.values[at + 1 :])
    elif isinstance(node, ast.BinOp) and type(node.op) in _COUNTED:
        yield _Change(node, "op", _COUNTED[type(node.op)]())
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node)
    elif isinstance(node, ast.Call):
        for at, keyword in enumerate(node.keywords):
            if keyword.arg != "strict":
                yield _Change(node, "keywords", node.keywords[:at] + node.keywords[at + 1 :])
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield _Change(node, "value", ast.Constant(None))
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield _Change(node, "test", _not(node.test))
    if isinstance(node, ast.comprehension):
        for at in range(len(node.ifs)):
            yield _Change(node, "ifs", node.ifs[:at] + node.ifs[at + 1 :])
    for field in ("body", "orelse", "finalbody"):
        statements = getattr(node, field, None)
        if isinstance(statements, list):
            yield from _without_statements(node, field, statements)


def _other_constants(node: ast.Constant) -> Iterator[_Change]:
    if isinstance(node.value, bool):
        yield _Change(node, "value", not node.value)
    elif isinstance(node.value, int):
        yield _Change(node, "value", node.value + 1)
        yield _Change(node, "value", node.value - 1)


def _without_statements(node: ast.AST, field: str, statements: list[ast.stmt]) -> Iterator[_Change]:
    for at, statement in enumerate(statements):
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        # Without an assignment the next line fails; with one that adds, or a call, it may not.
        if isinstance(statement, ast.Expr | ast.AugAssign | ast.Raise | ast.Continue | ast.Break) and not is_docstring:
            yield _Change(node, field, _with(statements, at, ast.copy_location(ast.Pass(), statement)))


def _with(items: Iterable[Any], at: int, item: object) -> list[Any]:
    changed = list(items)
    changed[at] = item
    return changed


def _not(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _difference(before: str, after: str) -> str:
    """Return both without what they begin and end with alike, apart from a few words around."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    start = max(0, start - _SHOWN // 3)
    return f"{before[start : start + _SHOWN]} -> {after[start : start + _SHOWN]}"
