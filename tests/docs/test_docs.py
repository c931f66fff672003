"""The documentation is true: its code runs, its figures are the code's, and its links and names lead somewhere."""

import codeop
import importlib
import pkgutil
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

import portalcreds
from django_site import configured
from portal import FAMILY, OFFICE, Portal
from portalcreds.administration import AccountChange
from portalcreds.contacts import ContactId
from portalcreds.resets.service import DEFAULT_LIFETIME
from portalcreds.rosters import contacts_from_records
from portalcreds.sign_in.tickets import MAX_TICKET_LIFETIME
from portalcreds.throttle import Limit, ThrottleLimits
from stores.hosts import need

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(portalcreds.__file__).parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
# A block fenced as ``py`` is not run here: it needs something else, such as a server or a copy of the package.
# A block of text right below one is what it prints.
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if BLOCK.search(page.read_text("utf-8"))], ids=lambda p: p.name
)
def test_code_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python blocks of a page run one after the other, as a reader would type them, and print what it shows."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    text = page.read_text("utf-8")
    try:
        for block in BLOCK.finditer(text):
            # Blank lines in front, so that a failure names the line of the page.
            code = "\n" * text[: block.start(1)].count("\n") + block[1]
            exec(compile(code, str(page), "exec"), namespace)  # noqa: S102  That is what is tested.
            printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
            assert block[2] is None or printed == block[2].splitlines(), f"what is printed below {block[1]!r}"
    finally:
        for name in ("portal", "hasher", "store"):
            close = getattr(namespace.get(name), "close", None)
            if callable(close):
                close()


def _typed(block: str) -> None:
    """Raise SyntaxError where a prompt would, to which the lines of a block are pasted."""
    waiting: list[str] = []
    for line in [*block.splitlines(), ""]:
        waiting.append(line)
        if codeop.compile_command("\n".join(waiting), symbol="single") is not None:
            waiting.clear()
    assert waiting == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/tutorials/*.md")), ids=lambda page: page.name)
def test_a_tutorial_can_be_typed(page: Path) -> None:
    """Each block can be pasted to Python's own prompt, which wants an empty line after a loop."""
    blocks = BLOCK.findall(page.read_text("utf-8"))
    assert blocks
    for code, _ in blocks:
        _typed(code)


def test_a_block_that_a_prompt_refuses_is_found() -> None:
    """The check of tutorials can fail."""
    _typed("for n in ():\n    pass\n\nprint(1)\n")
    with pytest.raises(SyntaxError):
        _typed("for n in ():\n    pass\nprint(1)\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_resolve(page: Path) -> None:
    """A name in backticks such as ``portalcreds.resets.ResetJob`` is there, under that path."""
    names = re.findall(r"`(portalcreds(?:\.\w+)+)`", page.read_text("utf-8"))
    if any(name.startswith("portalcreds.django.") for name in names):
        need("django")
        configured()
    assert [name for name in names if not _is_there(name)] == []


def test_a_wrong_name_is_found() -> None:
    """The check of names can fail: for a module, a class and a method that are not there."""
    names = ["nothing", "resets.Nothing", "resets.ResetJob.nothing", "resets.ResetJob.run"]
    assert [_is_there(f"portalcreds.{name}") for name in names] == [False, False, False, True]


def test_reference_lists_the_names_of_the_root() -> None:
    """Each name that an application types is on the first page of the reference, and no other."""
    text = (ROOT / "docs/reference/portalcreds.md").read_text("utf-8")
    table = [row for row in text.splitlines() if row.startswith("| ")][1:]
    listed = [name for row in table for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted({*vars(portalcreds)["__all__"]} - {"__version__"})


def test_reference_describes_every_public_module() -> None:
    """Each module that is not private has a place in the reference."""
    text = "".join(page.read_text("utf-8") for page in ROOT.glob("docs/reference/*.md"))
    described = set(re.findall(r":: portalcreds\.([\w.]+)", text))
    flat = {path.stem for path in PACKAGE.glob("*.py")}
    packages = {
        path.parent.relative_to(PACKAGE).as_posix().replace("/", ".") for path in PACKAGE.glob("*/**/__init__.py")
    }
    public = {name for name in flat | packages if not any(part.startswith("_") for part in name.split("."))}
    # The front door is described as portalcreds.Portal, and each store in its own module. What is below the app is
    # where Django looks for it.
    assert {name for name in public if not name.startswith("django.")} - {"portal", "stores"} <= described
    stores = {f"stores.{path.stem}" for path in (PACKAGE / "stores").glob("[!_]*.py")}
    assert stores <= described


def test_reference_describes_every_constant() -> None:
    """A constant that a package exports has a place of its own: Sphinx passes over what is only imported there."""
    text = "".join(page.read_text("utf-8") for page in ROOT.glob("docs/reference/*.md"))
    missing = [
        f"portalcreds.{package}.{name}"
        for package in (
            "default_passwords",
            "rosters",
            "administration",
            "resets",
            "sign_in",
            "letters",
            "hashers",
            "testing",
        )
        for module in [importlib.import_module(f"portalcreds.{package}")]
        for name in module.__all__
        if not callable(getattr(module, name)) and f":: portalcreds.{package}.{name}\n" not in text
    ]
    assert missing == []


def test_rules_page_has_every_rule_that_is_cited() -> None:
    """Each rule that the source cites is in the file that ships beside it, once, also in a vendored copy."""
    sources = [path.read_text("utf-8") for path in ROOT.glob("src/**/*.py")]
    cited = {int(number) for text in sources for number in re.findall(r"\bR(\d+)\b", text)}
    rules = (PACKAGE / "RULES.md").read_text("utf-8")
    stated = re.findall(r"^- \*\*R(\d+)\*\*", rules, re.MULTILINE)
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
        _several((limits.per_place,)),
        _several(limits.per_source),
        _several((limits.claims,)),
        _several((limits.spray,)),
        f"{DEFAULT_LIFETIME // timedelta(days=1)} days",
        f"{MAX_TICKET_LIFETIME // timedelta(minutes=1)} minutes",
    ]


def test_the_page_of_benchmarks_has_every_program() -> None:
    """A program that measures something has a line, and a figure has the commit at which it was written down."""
    text = (ROOT / "docs/meta/benchmarks.md").read_text("utf-8")
    table = text[text.index("<!-- figures -->") : text.index("<!-- end -->")]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if row.startswith("| ")][1:]
    programs = {
        path.name for pattern in ("bench_*.py", "simulate_*.py") for path in ROOT.glob(f"tests/benchmarks/{pattern}")
    }
    assert {row[1].strip("`") for row in rows} == programs
    assert [
        row for row in rows if not re.fullmatch(r"`[0-9a-f]{7}`", row[3]) and row[2:] != ["not on a page yet", ""]
    ] == []


def test_the_keys_of_records_are_those_on_the_page(memory_portal: Portal) -> None:
    """A host that builds its grid from the page finds the columns that are there."""
    portal = memory_portal
    plan = portal.resets.plan(["c-1"], OFFICE)
    sync = portal.accounts.plan_sync(FAMILY, OFFICE)
    moving = portal.accounts.plan_import([("c-2", portal.chosen_hash("x"))], OFFICE)
    changing = portal.accounts.plan_change([ContactId("c-4")], OFFICE, change=AccountChange.END_SESSIONS)
    job = portal.resets.start(plan.confirm(OFFICE))
    made: dict[str, Sequence[Mapping[str, object]]] = {
        "Contact": FAMILY[0].to_records(),
        "RosterReading": contacts_from_records([{"id": "1", "first": "Rosa", "last": "Abbiatici"}]).to_records(),
        "Account": portal.accounts.get("c-1", OFFICE).to_records(),
        "AccountSummary": portal.accounts.disable("c-4", OFFICE).to_records(),
        "ChangePlan": changing.to_records(),
        "ChangeReport": portal.accounts.apply_change(changing.confirm(OFFICE)).to_records(),
        "ImportPlan": moving.to_records(),
        "ImportReport": portal.accounts.apply_import(moving.confirm(OFFICE)).to_records(),
        "HashCensus": portal.accounts.hash_census(OFFICE).to_records(),
        "StatusCensus": portal.accounts.status_census(OFFICE).to_records(),
        "ResetPlan": plan.to_records(),
        "ResetReport": job.run().to_records(),
        "ResetJob": job.to_records(),
        "JobProgress": job.progress().to_records(),
        "Letters": portal.letters.write(["c-1"], OFFICE).to_records(),
        "SyncPlan": sync.to_records(),
        "SyncReport": portal.accounts.apply_sync(sync).to_records(),
        "AccountPage": portal.accounts.search(OFFICE).to_records(),
    }
    text = (ROOT / "docs/reference/administration.md").read_text("utf-8")
    table = text[text.index("<!-- records -->") : text.index("<!-- end -->")]
    stated: dict[str, list[str]] = {}
    for row in table.splitlines()[3:]:
        names, keys = (re.findall(r"`(\w+)`", cell) for cell in row.split("|")[1:3])
        stated |= dict.fromkeys(names, keys)
    assert stated == {name: list(records[0]) for name, records in made.items()}


def _is_there(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def _several(limits: tuple[Limit, ...]) -> str:
    return ", ".join(f"{limit.attempts} in {limit.window // timedelta(minutes=1)} minutes" for limit in limits)
