"""The documentation says what is so: its code runs, its figures are the code's, its links lead somewhere."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from portalcreds.reset_service import DEFAULT_LIFETIME
from portalcreds.throttle import Limit, ThrottleLimits
from portalcreds.tickets import MAX_TICKET_LIFETIME

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
# A block fenced as ``py`` needs what a test has not, such as a server: it is shown and not run.
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if BLOCK.search(page.read_text("utf-8"))], ids=lambda p: p.name
)
def test_code_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page run one after the other, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    text = page.read_text("utf-8")
    try:
        for block in BLOCK.finditer(text):
            # Blank lines in front, so that a failure names the line of the page.
            code = "\n" * text[: block.start(1)].count("\n") + block[1]
            exec(compile(code, str(page), "exec"), namespace)  # noqa: S102  That is what is tested.
    finally:
        for name in ("hasher", "store"):
            close = getattr(namespace.get(name), "close", None)
            if callable(close):
                close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_rules_page_has_every_rule_that_is_cited() -> None:
    """Whoever meets a rule's number in the source finds it on the page of rules, once."""
    sources = [path.read_text("utf-8") for path in ROOT.glob("src/**/*.py")]
    cited = {int(number) for text in sources for number in re.findall(r"\bR(\d+)\b", text)}
    stated = re.findall(r"^- \*\*R(\d+)\*\*", (ROOT / "docs/explanation/rules.md").read_text("utf-8"), re.MULTILINE)
    assert [int(number) for number in stated] == list(range(1, 25))
    assert cited <= set(range(1, 25))


def test_security_page_states_every_limit() -> None:
    """The page on security states the brute-force controls with the values that the code has (ASVS 5.0 6.1.1)."""
    limits = ThrottleLimits()
    text = (ROOT / "docs/explanation/security.md").read_text("utf-8")
    table = text[text.index("<!-- limits -->") : text.index("<!-- end -->")]
    stated = [row.rsplit("|", 2)[1].strip() for row in table.splitlines() if row.startswith("|")][2:]
    assert stated == [
        str(limits.default_failures),
        str(limits.chosen_failures),
        _several(limits.per_username),
        _several(limits.per_source),
        _several((limits.spray,)),
        f"{DEFAULT_LIFETIME // timedelta(days=1)} days",
        f"{MAX_TICKET_LIFETIME // timedelta(minutes=1)} minutes",
    ]


def _several(limits: tuple[Limit, ...]) -> str:
    return ", ".join(f"{limit.attempts} in {limit.window // timedelta(minutes=1)} minutes" for limit in limits)
