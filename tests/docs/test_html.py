"""The documentation as it is read: built without a warning, whole, and no wider than the screen."""

from __future__ import annotations

import html
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import portalcreds
from portalcreds.accounts import AccountStatus
from stores.hosts import need

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(portalcreds.__file__).parent
WIDTHS = (1280, 390)
"""Pixels: how wide the screens of a small laptop and of most telephones are."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the pages, built once for all tests. A warning is a failure, such as a link that leads nowhere."""
    for package in ("sphinx", "furo", "myst_parser", "sphinx_copybutton", "django"):
        need(package)
    folder = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(ROOT / "docs"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr
    return folder


def _garbled(page: str) -> list[str]:
    # Napoleon makes a type of what stands before the first colon, unless it is kept from it.
    return re.findall(r'<dt class="field-\w+">Type.*?</dd>', page, re.DOTALL)


def test_no_entry_of_the_reference_is_garbled(built: Path) -> None:
    """A sentence with a colon in it is not read as a type and a text."""
    pages = sorted((built / "reference").glob("*.html"))
    assert len(pages) > 10
    assert [found for page in pages for found in _garbled(page.read_text("utf-8"))] == []


def test_a_garbled_entry_is_found() -> None:
    """The check can fail: this is what Sphinx writes of ``Told of a change: the account``."""
    assert _garbled('<dl><dt class="field-odd">Type<span class="colon">:</span></dt><dd>Told of a change</dd></dl>')


def _undescribed(page: str) -> list[str]:
    return re.findall(r'<dt class="sig sig-object py" id="([^"]+)">(?:(?!</dt>).)*</dt>\s*<dd></dd>', page, re.DOTALL)


def test_every_entry_of_the_reference_is_described(built: Path) -> None:
    """Each class, function, field and code has at least a sentence; a code, what it says to people."""
    pages = (built / "reference").glob("*.html")
    assert [name for page in pages for name in _undescribed(page.read_text("utf-8"))] == []


def test_every_public_name_can_be_linked_to_by_its_public_path(built: Path) -> None:
    """Another project's page finds ``portalcreds.Contact``, and every name that a package offers."""
    from sphinx.util.inventory import InventoryFile

    listed = InventoryFile.loads((built / "objects.inv").read_bytes(), uri="").data
    paths = {name for kind, names in listed.items() if kind.startswith("py:") for name in names}
    packages = [
        "",
        *(f".{path.parent.name}" for path in PACKAGE.glob("[!_]*/__init__.py") if path.parent.name != "django"),
    ]
    missing = [
        f"portalcreds{package}.{name}"
        for package in packages
        for name in importlib.import_module(f"portalcreds{package}").__all__
        if f"portalcreds{package}.{name}" not in paths
    ]
    # The version is a text, and not described.
    assert missing == ["portalcreds.__version__"]


def test_the_landing_page_is_the_readme(built: Path) -> None:
    """There is one text for the repository and for the site, and on the site its links lead to pages."""
    page = (built / "index.html").read_text("utf-8")
    for heading in re.findall(r"^## (.+)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE):
        assert f"<h2>{html.escape(heading)}<" in page
    links = re.findall(r'href="([^"#:]+)', page)
    assert "how-to/run-the-page.html" in links
    assert [link for link in links if link.endswith(".md")] == []


def _too_wide(page: Any) -> list[int]:
    """Return the screens on which the whole page scrolls sideways."""
    wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(width)
    return wide


def test_no_page_scrolls_sideways(built: Path, chromium: Any) -> None:
    """What is too wide for a laptop or a telephone scrolls by itself, such as a table, and code has a copy button."""
    page = chromium.new_page()
    found = {}
    for path in sorted(built.rglob("*.html")):
        page.goto(path.as_uri())
        found[str(path.relative_to(built))] = _too_wide(page)
    assert len(found) > 40
    assert {name: widths for name, widths in found.items() if widths} == {}
    page.goto((built / "tutorials/first_day.html").as_uri())
    assert page.locator("button.copybtn").count() > 10


def test_a_page_that_scrolls_sideways_is_found(chromium: Any) -> None:
    """The check can fail, for one screen and for both."""
    page = chromium.new_page()
    for width, screens in ((300, []), (500, [390]), (2000, [1280, 390])):
        page.set_content(f"<p style='width: {width}px'>wide</p>")
        assert _too_wide(page) == screens


def _names(picture: str, kind: str) -> set[str]:
    drawn = (ROOT / f"docs/pictures/{picture}.svg").read_text("utf-8")
    return set(re.findall(rf'<text class="name {kind}"[^>]*>(\w+)</text>', drawn))


def test_the_picture_of_the_states_has_every_state() -> None:
    """The picture shows the statuses that an account can have, and no other."""
    assert _names("states", "status") == {status.value for status in AccountStatus}


def test_the_picture_of_the_house_has_every_package() -> None:
    """The picture shows the packages that there are, and no other."""
    assert _names("house", "package") == {path.parent.name for path in PACKAGE.glob("[!_]*/__init__.py")}


@pytest.mark.parametrize("picture", ["flow", "states", "house"])
def test_a_picture_can_be_read_by_everybody(picture: str) -> None:
    """Each drawing says in words what it shows, is one for light and dark screens, and asks nobody for anything."""
    drawn = (ROOT / f"docs/pictures/{picture}.svg").read_text("utf-8")
    assert re.search(r"<title id=\"title\">[^<]+</title>\s*<desc id=\"desc\">[^<]{60,}</desc>", drawn)
    assert "prefers-color-scheme: dark" in drawn
    assert re.findall(r"(?:href|src|url)\s*[=(]\s*[\"']?(?!#)\S+", drawn) == []
    pages = "".join(page.read_text("utf-8") for page in ROOT.glob("docs/explanation/*.md"))
    assert re.search(rf"!\[[^\]]{{60,}}\]\(\.\./pictures/{picture}\.svg\)", pages)
