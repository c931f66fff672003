"""Tell what no file of the package may do, by reading its syntax: one function for each habit, all over text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

_DIGEST_NAME: Final = re.compile(r"(?:^|_)(?:hex)?digest$|(?:^|_)hash$", re.IGNORECASE)
_MEMBER_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_CLASS_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
_MARK: Final = re.compile(r"# (?:noqa(?:: *[A-Z]+[0-9]+(?:, *[A-Z]+[0-9]+)*)?|type: ignore(?:\[[a-z, -]+\])?)")
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_SENTENCE_END: Final = re.compile(r"[a-z0-9)`*\]][.!?]\s+[A-Z]")


def own_names(source: str, own_name: str) -> list[str]:
    """Tell each string in which the package names itself; docstrings and comments are read by people only (R22)."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in prose:
            text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
            if isinstance(text, str) and own_name in text:
                faults.append(f"line {node.lineno} names the package in a string; a vendored copy has another name")
    return faults


def asserts(source: str) -> list[str]:
    """Tell each ``assert``: ``python -O`` takes it away, so nothing may rest on it."""
    return [
        f"line {node.lineno} asserts; raise a typed error instead"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assert)
    ]


def prints(source: str) -> list[str]:
    """Tell each ``print``: a library returns what is worth telling."""
    return [
        f"line {node.lineno} prints; return a value or call a hook instead"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and node.id == "print"
    ]


def unexplained_marks(source: str) -> list[str]:
    """Tell each mark that silences a checker without saying why on its line."""
    return [
        f"line {number} silences a checker; say why behind it"
        for number, line in enumerate(source.splitlines(), 1)
        if (mark := _MARK.search(line)) and not _MARK.sub("", line[mark.start() :]).strip(" #")
    ]


def digest_comparisons(source: str) -> list[str]:
    """Tell each comparison of a digest or hash that stops at the first difference; identity with None is none."""
    faults = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        operands = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
            named = next((name for name in (_last_name(left), _last_name(right)) if _DIGEST_NAME.search(name)), None)
            if isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn) and named is not None:
                faults.append(f"line {node.lineno} compares {named} directly; use hmac.compare_digest")
    return faults


def enum_identities(source: str) -> list[str]:
    """
    Tell each ``is`` beside a member of an enum: where two vendored copies meet, theirs is equal and another (R22).

    An enum whose name begins with an underscore never leaves its module, so no other copy's can come in.
    """
    faults = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        operands = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
            member = next((operand for operand in (left, right) if _is_enum_member(operand)), None)
            if isinstance(operator, ast.Is | ast.IsNot) and member is not None:
                faults.append(f"line {node.lineno} asks whether something is {ast.unparse(member)}; compare with ==")
    return faults


def undocumented(source: str) -> list[str]:
    """
    Tell the module, and each public class, function and method in it, without a docstring.

    A method of a base class or of a protocol in the same file is explained there.
    """
    tree = ast.parse(source)
    faults = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def visit(owner: ast.Module | ast.ClassDef, prefix: str) -> None:
        explained = _documented_elsewhere(owner, classes) if isinstance(owner, ast.ClassDef) else set()
        for node in owner.body:
            if not isinstance(node, (ast.ClassDef, *_FUNCTIONS)):
                continue
            if node.name.startswith("_") or node.name in explained or _stands_for_another(node):
                continue
            if not ast.get_docstring(node):
                faults.append(f"line {node.lineno}: {prefix}{node.name} has no docstring")
            if isinstance(node, ast.ClassDef):
                visit(node, f"{prefix}{node.name}.")

    visit(tree, "")
    return faults


def unexplained_tests(source: str) -> list[str]:
    """Tell each test without a docstring of one sentence, which is the rule that it guards."""
    faults = []
    for node in _tests(ast.parse(source)):
        docstring = " ".join((ast.get_docstring(node) or "").split())
        if not docstring:
            faults.append(f"line {node.lineno}: {node.name} does not say which rule it guards")
        elif not docstring.endswith((".", "?")) or _SENTENCE_END.search(docstring):
            faults.append(f"line {node.lineno}: {node.name} should say its rule in one sentence")
    return faults


def root_statements(source: str) -> list[str]:
    """Tell each statement of the root that does work, or imports something, when the root is imported (R22)."""
    faults = []
    for position, node in enumerate(ast.parse(source).body):
        is_docstring = position == 0 and isinstance(node, ast.Expr)
        is_for_typing = isinstance(node, ast.ImportFrom) and node.module in ("__future__", "typing")
        is_guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        is_fact = isinstance(node, ast.Assign) and _is_literal(node.value)
        is_lookup = isinstance(node, ast.FunctionDef) and node.name in ("__getattr__", "__dir__")
        if not (is_docstring or is_for_typing or is_guarded or is_fact or is_lookup):
            faults.append(f"line {node.lineno} does more than name; move it to the module that it belongs to")
    return faults


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Call():
            return _last_name(node.func)
        case ast.Subscript() | ast.Starred() | ast.Await():
            return _last_name(node.value)
        case ast.NamedExpr():
            return _last_name(node.target)
        case _:
            return ""


def _is_enum_member(node: ast.expr) -> bool:
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name | ast.Attribute):
        return False
    return bool(_MEMBER_NAME.fullmatch(node.attr) and _CLASS_NAME.fullmatch(_last_name(node.value)))


def _documented_elsewhere(owner: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> set[str]:
    bases = {base.id for base in owner.bases if isinstance(base, ast.Name)}
    names: set[str] = set()
    for name, other in classes.items():
        is_protocol = "Protocol" in {ast.unparse(base).partition("[")[0] for base in other.bases}
        if other is not owner and (name in bases or is_protocol):
            names |= {node.name for node in other.body if isinstance(node, _FUNCTIONS) and ast.get_docstring(node)}
        if name in bases:
            names |= _documented_elsewhere(other, classes)
    return names


def _stands_for_another(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    # An overload's text is on the implementation, a setter's on the property.
    return any(ast.unparse(decorator).rpartition(".")[2] in ("overload", "setter") for decorator in node.decorator_list)


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS) and node.name.startswith("test_"):
            yield node


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True
