"""Letters in a real browser: the office prints them, and nothing is cut whatever people are called."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from browsing import LONG, STAFF_PASSWORD, Client, Reader, Site, at_a_screen, served, staff_at
from portal import OFFICE
from portalcreds.contacts import ContactId
from portalcreds.letters import Letter, LetterOutcome, Letters, LetterStyle
from portalcreds.resets import ResetOutcome
from portalcreds.secret import Secret

NAMES = [
    ("Rosa", "Abbiatici"),
    ("Pat", "O'Brien"),
    ("Thị Lan", "Nguyễn"),
    ("نور", "الحسن"),
    ("小龍", "李"),
    ("Anna", "van der Berg"),
    (str(LONG.first_name), str(LONG.last_name)),
    ("Ian", "Lloyd-Ilić"),
    ("X" * 255, "Wide 0O1lI " * 23),
]
"""Those of the pictures, eight on a page; and the longest that a store keeps, on the next."""


def letters() -> Letters:
    """Return a letter to each."""
    return Letters(items=tuple(_letter(number, *name) for number, name in enumerate(NAMES, 1)))


def _letter(number: int, first_name: str, last_name: str) -> Letter:
    last_name = last_name.strip()
    username = last_name if len(last_name) > 200 else f"{last_name.split()[-1]}{number}".lower().replace("'", "")
    return Letter(
        contact_id=ContactId(f"P-{number}"),
        outcome=LetterOutcome.WRITTEN,
        first_name=first_name,
        last_name=last_name,
        username=username,
        password=Secret(f"{last_name}{first_name[0]}"),
        code=Secret("x7kdb-33vnf"),
        expires_at=datetime(2026, 9, 7, 7, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize(("layout", "pages"), [("letters", len(NAMES) + 1), ("slips", 2)])
def test_nothing_is_cut(
    chromium: Any, pictures: Path, layout: Literal["letters", "slips"], pages: int, paper: Literal["A4", "Letter"]
) -> None:
    """Every letter is whole on its page or slip, on either paper, and there is no page too many."""
    # The longest letter goes on on a second one.
    style = LetterStyle(
        address="https://portal.grandbend.example.org",
        school="Grand Bend Public School",
        layout=layout,
        paper=paper,
        date_text=lambda at: f"{at.day} {at:%B %Y}",
    )
    reader = at_a_screen(chromium, pictures, 880, 1200)
    reader.page.set_content(letters().to_html(style).reveal())
    reader.look()
    printed = reader.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", printed)) == pages
    reader.page.emulate_media(media="print")
    cut = "each => each.scrollHeight > each.clientHeight + 1 || each.scrollWidth > each.clientWidth + 1"
    parts = ".letter, .box, dl, dd"
    assert reader.page.evaluate(f"[...document.querySelectorAll('{parts}')].filter({cut}).map(e => e.outerHTML)") == []
    if paper == "A4":
        alone = ".letter:not(:nth-of-type(2)) { display: none } main { padding: 30px 50px }"
        if layout == "letters":
            reader.page.add_style_tag(content=alone)
        shown = reader.page.locator("main" if layout == "letters" else ".sheet").first
        shown.screenshot(path=pictures / f"{layout}.png")


def test_letters_are_read_from_the_right(chromium: Any, pictures: Path) -> None:
    """In Arabic the text begins at the right, and a user name in Latin letters is not turned round."""
    style = LetterStyle(address="https://portal.example.org", lang="ar", direction="rtl", layout="slips")
    reader = at_a_screen(chromium, pictures, 880, 1200)
    reader.page.set_content(letters().to_html(style).reveal())
    reader.look()
    box = reader.page.locator(".letter dl").first.bounding_box()
    qr = reader.page.locator(".letter figure").first.bounding_box()
    assert box["x"] > qr["x"]


def opened(reader: Reader, name: str) -> Reader:
    """Press a button that opens a page of its own, and return that."""
    with reader.page.context.expect_page() as found:
        reader.press(name)
    page = found.value
    page.wait_for_load_state()
    return Reader(page, reader.pictures)


def test_the_office_prints_letters(site: Site, chromium: Any, pictures: Path) -> None:
    """One contact's letter from its row, and slips for all of a job; who chose a password has none."""
    office = staff_at(site, at_a_screen(chromium, pictures))
    assert office.page.get_by_role("button", name=re.compile("^Letter to")).count() == 0
    office.page.fill("#words", "abb")
    office.page.locator("#rows").get_by_text(re.compile(r"^\d accounts$")).wait_for()
    office.page.check("input[name=all]")
    office.press("Set Passwords")
    office.press("OK")
    office.page.get_by_role("heading", name="Done").wait_for()
    office.look()
    slips = opened(office, "Slips, eight on a page")
    slips.look()
    assert "rabbiatici" in slips.page.inner_text("main")
    assert "AbbiaticiR" in slips.page.inner_text("main")
    assert slips.page.locator(".sheet figure svg").first.bounding_box()["width"] > 50
    assert slips.page.evaluate("getComputedStyle(document.querySelector('.letter')).display") == "grid"

    office.page.get_by_role("link", name="Back to the accounts").click()
    office.look()
    letter = opened(office, "Letter to Abbiatici, Rosa")
    letter.look()
    assert letter.page.locator(".letter").count() == 1
    assert "1 letter to print." in letter.page.inner_text("aside")
    kinds = [f"{event.kind} {event.reason}" for event in site.portal.store.events(ContactId("P-1001"))]  # type: ignore[attr-defined]  # A protocol of three methods does not have it.
    assert kinds.count("sensitive_read.password letter") == 2


def test_letters_take_their_privilege_and_a_form_of_the_page(tmp_path: Path) -> None:
    """Who lacks the privilege sees no buttons and gets no password by asking, and no other site's form prints one."""
    with served(str(tmp_path / "portal.db"), made_up=0) as site:
        office, clerk = Client(site.address), Client(site.address)
        office.post("/staff/sign-in", username="office", password=STAFF_PASSWORD)
        clerk.post("/staff/sign-in", username="clerk", password=STAFF_PASSWORD)
        assert site.portal.resets.reset_password("P-1001", OFFICE).outcome == ResetOutcome.SET
        assert "Letter to Abbiatici, Rosa" in office.get("/staff/")[1]
        _, page = office.post("/staff/letters", one="P-1001")
        assert "AbbiaticiR" in page
        _, page = clerk.post("/staff/letters", one="P-1001")
        assert "You may not see this password." in page
        assert "bbiatici" not in page
        assert office.post("/staff/letters", one="P-1001", token="of another site")[0] == 400
        assert office.get("/staff/letters")[0] == 405
    with served(str(tmp_path / "portal.db"), made_up=0, printers=()) as site:
        office = Client(site.address)
        office.post("/staff/sign-in", username="office", password=STAFF_PASSWORD)
        assert "Letter to" not in office.get("/staff/")[1]
