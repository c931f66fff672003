"""The documentation grants an operator what its own code needs, and no more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from portalcreds.privileges import Privilege

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = [
    path
    for path in sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/**/*.py")])
    if re.search(r"\b(Grants|Privilege)\b", path.read_text("utf-8"))
]
# ``{"office": Privilege}`` and ``list(Privilege)`` grant all there are; so does an answer that looks at no privilege.
ALL: Final = re.compile(r"(\": *|\(|\bin |(?<!\*)\*)Privilege\b(?![.,\]])|\[True\]|return \[\w+ or ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_example_grants_every_privilege(page: Path) -> None:
    """What readers copy lets nobody reveal passwords or erase people by the way (R16)."""
    assert _granting_all(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_does_most_harm_is_granted_where_it_is_used(page: Path) -> None:
    """An example grants `reveal`, `erase`, `move` or `rename` only if it does that (R16)."""
    text = page.read_text("utf-8")
    uses = {
        Privilege.REVEAL: r"reveal=True|\.reveal_claim_codes\(|\.letters\b|printers=",
        Privilege.ERASE: r"\.erase\(",
        Privilege.MOVE: r"\.rekey\(",
        Privilege.RENAME: r"\.rename\(",
    }
    assert [held for held, use in uses.items() if f"Privilege.{held.name}" in text and not re.search(use, text)] == []


def test_an_example_that_grants_every_privilege_is_found() -> None:
    """The check can fail: for the ways to write it that were seen, and not for what grants a few."""
    for code in (
        'Grants(privileges={"it": Privilege})',
        'Grants(privileges={"it": list(Privilege)})',
        "return [True] * len(accounts)",
        "return [is_office or known for account in accounts]",
        "{held for held in Privilege}",
    ):
        assert _granting_all(code), code
    for code in (
        'Grants(privileges={"it": {Privilege.SYNC}})',
        "from portalcreds import Grants, Privilege",
        "def may(operator: Operator, privilege: Privilege, accounts: Sequence[Account]) -> list[bool]:",
    ):
        assert _granting_all(code) == [], code


def _granting_all(text: str) -> list[str]:
    return [line for line in text.splitlines() if ALL.search(line)]
