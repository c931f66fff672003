"""The page to copy from, in a real browser: the office sets passwords, a parent chooses one, and axe finds no fault."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from browsing import LONG, PUBLIC, ROOT, STAFF_PASSWORD, Client, Reader, Site, at_a_screen, served, staff_at
from portal import GOOD_PASSWORD, OTHER_PASSWORD
from portalcreds import Operator
from portalcreds._outcome import Outcome
from portalcreds.sign_in import outcomes
from portalcreds.texts import ENGLISH
from servers import Database, own_database
from stores.hosts import need


def sign_in(reader: Reader, password: str) -> None:
    """Sign Rosa in, or try to."""
    reader.fill(username="rabbiatici", password=password)
    reader.page.locator("button.main").click()  # in whatever language it is


def test_the_whole_story(site: Site, chromium: Any, pictures: Path) -> None:
    """The office finds a user name, sets one password and then all, a parent has to choose, and axe finds no fault."""
    office = staff_at(site, at_a_screen(chromium, pictures))
    asked: list[str] = []
    office.page.on("request", lambda request: asked.append(request.url))
    office.look()

    # As somebody types, without pressing anything.
    office.page.type("input[name=words]", "abbia")
    found = office.page.locator("#rows").get_by_text("1 account", exact=True)
    found.wait_for()
    assert "rabbiatici" in office.page.inner_text("table")

    office.press("Set Password of Abbiatici, Rosa")
    assert "Set the password of Rosa Abbiatici (user name rabbiatici)" in office.page.inner_text("main")
    office.look("confirm-one")
    office.press("OK")
    office.page.get_by_role("heading", name="Done").wait_for()
    office.look()
    assert "1 Set" in office.page.inner_text("ul.counts")
    assert ("rosa.abbiatici@example.org", "Your password was set") in site.mails

    # The parent: no way in but to choose.
    parent = at_a_screen(chromium, pictures)
    parent.page.goto(site.address)
    parent.look()
    sign_in(parent, "AbbiaticiR2")
    assert "is wrong" in parent.page.inner_text("[role=alert]")
    sign_in(parent, "AbbiaticiR")
    assert parent.heading == "Choose a password"
    parent.look()
    parent.fill(new="AbbiaticiR")
    parent.press("Choose a password")
    assert parent.page.get_attribute("#new", "aria-invalid") == "true"
    assert "at least 15 characters" in parent.page.inner_text("#reasons")
    parent.look("choose")
    parent.fill(new=GOOD_PASSWORD)
    parent.press("Choose a password")
    assert "Sign in with the new one" in parent.page.inner_text("[role=status]")
    sign_in(parent, GOOD_PASSWORD)
    assert parent.heading == "Rosa Abbiatici"
    parent.look()
    parent.fill(current=OTHER_PASSWORD, new=OTHER_PASSWORD)
    parent.press("Change password")
    assert parent.page.inner_text("[role=alert]") == "The current password is wrong."
    assert parent.page.evaluate("document.activeElement.id") == "current"
    parent.look()
    parent.fill(current=GOOD_PASSWORD, new=OTHER_PASSWORD)
    parent.press("Change password")
    assert "You stay signed in here" in parent.page.inner_text("[role=status]")
    assert ("rosa.abbiatici@example.org", "Your password was changed") in site.mails

    # Everybody at once, also after a search. Whom it cannot be done for stands first.
    office.page.get_by_role("link", name="Back to the accounts").click()
    assert office.page.input_value("#words") == "abbia"
    office.page.fill("#words", "")
    office.page.get_by_text("All 194 that match").wait_for()
    office.page.check("input[name=all]")
    office.press("Set Passwords")
    assert office.heading == "Set these passwords?"
    assert "Cannot be set" in office.page.inner_text("tbody tr:first-child")
    office.look("confirm-many")
    office.press("OK")
    office.page.get_by_role("heading", name="Setting passwords").wait_for()
    while office.page.locator("[data-done]").is_visible() and office.page.inner_text("[data-done]") == "0":
        office.page.wait_for_timeout(50)
    office.look("job" if office.heading == "Setting passwords" else None)
    address = office.page.url
    office.page.reload()
    office.page.locator("progress, ul.counts").first.wait_for()
    office.page.get_by_role("heading", name="Done").wait_for()
    assert office.page.url == address
    office.look("results")
    assert "Chose a password, which is kept." in office.page.inner_text("main")
    assert "Set" in office.page.inner_text("tbody tr:last-child")
    # No name is in an address, where servers log it.
    assert "abb" not in "".join(asked)
    office.page.get_by_role("link", name="Back to the accounts").click()
    office.look("accounts")
    office.page.set_viewport_size({"width": 390, "height": 844})
    office.look("accounts-small")
    office.page.set_viewport_size({"width": 1100, "height": 720})

    # Rosa kept hers, until it is set once more: then her session is over.
    parent.page.reload()
    assert parent.heading == "Rosa Abbiatici"
    office.page.goto(f"{site.address}/staff/")
    office.press("Set Password of Abbiatici, Rosa")
    assert "The password that the contact chose will stop working." in office.page.inner_text("main")
    office.press("OK")
    office.page.get_by_role("heading", name="Done").wait_for()
    parent.page.reload()
    assert parent.heading == "Sign in"
    assert "you were signed out" in parent.page.inner_text("[role=status]")


def test_a_parent_is_invited(site: Site, chromium: Any, pictures: Path) -> None:
    """The office ticks some and invites, by mail or by letter; each opens a form once, with no ticket in a log."""
    office = staff_at(site, at_a_screen(chromium, pictures))
    for words, name in (("abbia", "Abbiatici, Rosa"), ("suharto", "Suharto")):
        office.page.fill("#words", words)
        office.page.get_by_label(f"Tick {name}", exact=True).click()
    office.press("Invite")
    assert "Invite 2 of 2 contacts to choose a password?" in office.page.inner_text("main")
    assert "1 by letter, which you print when it is done. 1 by mail." in office.page.inner_text("main")
    assert "Will be invited" in office.page.inner_text("tbody")
    office.look()
    office.press("OK")
    office.page.get_by_role("heading", name="Done").wait_for()
    assert "2 Invited" in office.page.inner_text("ul.counts")
    assert "AbbiaticiR" not in office.page.inner_text("main")
    office.look()
    assert site.mails == [("rosa.abbiatici@example.org", "Your invitation to the parent portal")]

    # Whom no mail reaches gets a letter, which nobody else does, and which opens the same form.
    with office.page.expect_popup() as opened:
        office.press("Letters")
    letter = Reader(opened.value, pictures)
    assert "1 letter to print." in letter.page.inner_text("aside")
    assert "Abbiatici" not in letter.page.inner_text("main")
    letter.look()
    address = letter.page.inner_text(".address .typed")
    letter.page.set_viewport_size({"width": 390, "height": 844})
    letter.look()
    letter.page.goto(address)
    letter.page.set_viewport_size({"width": 390, "height": 844})
    letter.fill(new=GOOD_PASSWORD)
    letter.press("Choose a password")
    assert letter.heading == "Sign in"
    assert "Sign in with the new one" in letter.page.inner_text("[role=status]")

    link = site.links["rosa.abbiatici@example.org"].replace(PUBLIC, f"{site.address}/invited")
    parent = at_a_screen(chromium, pictures)
    asked: list[str] = []
    parent.page.on("request", lambda request: asked.append(request.url))
    parent.page.goto(link)
    parent.look()
    parent.fill(new="short")
    parent.press("Choose a password")
    assert "at least 15 characters" in parent.page.inner_text("#reasons")
    parent.fill(new=GOOD_PASSWORD)
    parent.press("Choose a password")
    sign_in(parent, GOOD_PASSWORD)
    assert parent.heading == "Rosa Abbiatici"
    ticket = link.partition("#")[2]
    assert ticket not in "".join(url for url in asked if url != link) + parent.page.url
    parent.page.goto(link)
    parent.fill(new=OTHER_PASSWORD)
    parent.press("Choose a password")
    assert parent.heading == "Sign in"
    assert "no longer valid" in parent.page.inner_text("[role=alert]")


def test_an_invitation_that_no_mail_takes_is_printed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail server that is away costs nobody the invitation: it is a letter, for an hour and for this job alone."""
    site.broken.append("the mail server is away")
    office = Client(site.address)
    office.post("/staff/sign-in", username="office", password=STAFF_PASSWORD)
    _, page = office.post("/staff/plan", ids="P-1001", invite="on")
    assert "<strong>1</strong> by mail." in page
    plan = dict(re.findall(r'name="(selection|fingerprint|key)" value="([^"]*)"', page))
    plan["selection"] = plan["selection"].replace("&#34;", '"')
    office.post("/staff/jobs", **plan, invite="on")
    job = site.portal.resets.find_job(plan["key"])
    assert job is not None
    for _ in range(600):
        if job.progress().is_finished:
            break
        time.sleep(0.05)
    letters = f"/staff/jobs/{plan['key']}/letters"
    assert "No mail reaches 1 of them. Print the letter" in office.get(f"/staff/jobs/{plan['key']}")[1]
    assert "/invited#P-1001." in office.post(letters)[1]
    assert "/invited#P-1001." in office.post(letters, layout="slips")[1]
    assert "Invited" in office.get(f"/staff/jobs/{plan['key']}")[1]
    assert 'default_live">Invited<' in office.get("/staff/")[1]
    assert 'default_live">Invited<' in office.post("/staff/plan", ids="P-1001")[1]
    _, grid = office.post("/staff/", words="", status="default_live")
    assert "selected>Default set or invited</option>" in grid
    assert 'default_live">Invited<' in grid
    assert "Letter to" not in office.get("/staff/")[1], "there is no default to print"

    monkeypatch.setattr("docs.examples.portal.unsent.KEPT_SECONDS", -1)
    assert "no longer here" in office.post(letters)[1]
    assert "No mail reaches" not in office.get(f"/staff/jobs/{plan['key']}")[1]


@pytest.mark.parametrize(("invite", "told"), [(False, "no password was set"), (True, "nobody was invited")])
def test_there_are_no_letters_where_nobody_was_set(site: Site, invite: bool, told: str) -> None:
    """Whoever asks for the letters of a job that set nobody is told that, and not to invite somebody again."""
    office = Client(site.address)
    office.post("/staff/sign-in", username="office", password=STAFF_PASSWORD)
    operator = Operator(operator_id="office")
    job = site.portal.resets.start(site.portal.resets.plan(["P-1001"], operator, invite=invite).confirm(operator))
    job.cancel()
    _, page = office.post(f"/staff/jobs/{job.key}/letters")
    assert f"There are no letters: {told}." in page
    assert "nvite again" not in page


def test_a_small_screen_and_right_to_left(site: Site, chromium: Any, pictures: Path) -> None:
    """On a telephone nothing is cut or scrolls sideways, however long a name is, and Arabic runs from the right."""
    office = staff_at(site, at_a_screen(chromium, pictures, 390, 844))
    office.look()
    office.page.fill("#words", "keihanai")
    office.page.get_by_text("1 account", exact=True).first.wait_for()
    office.look()
    office.page.set_viewport_size({"width": 1100, "height": 400})
    office.look()
    office.press(f"Set Password of {LONG.last_name}, {LONG.first_name}")
    office.page.set_viewport_size({"width": 390, "height": 844})
    office.look()
    office.press("OK")
    office.page.get_by_role("heading", name="Done").wait_for()
    office.look()

    parent = at_a_screen(chromium, pictures, 390, 844)
    parent.page.goto(f"{site.address}/?lang=ar")
    assert parent.page.get_attribute("html", "dir") == "rtl"
    sign_in(parent, "x")
    assert "غير صحيحة" in parent.page.inner_text("[role=alert]")
    parent.look("sign-in-arabic")
    for code in ("en", "de", "es", "ar"):
        parent.page.goto(f"{site.address}/?lang={code}")
        assert parent.page.get_attribute("html", "lang") == code
        parent.look()


def test_ticks_are_kept_while_the_search_goes_on(site: Site, chromium: Any, pictures: Path) -> None:
    """Whoever was ticked before the rows changed is in the plan, and a tick that was taken back is not."""
    office = staff_at(site, at_a_screen(chromium, pictures))
    for words, name, told in (
        ("abbia", "Abbiatici, Rosa", "1 ticked"),
        ("keihanai", f"{LONG.last_name}, {LONG.first_name}", "2 ticked"),
        ("suharto", "Suharto", "3 ticked"),
        ("abbia", "Abbiatici, Rosa", "2 ticked"),
    ):
        office.page.fill("#words", words)
        office.page.get_by_label(f"Tick {name}", exact=True).click()
        assert told in office.page.inner_text("[data-count]")
    office.press("Set Passwords")
    assert "1 of 2 contacts" in office.page.inner_text("main")
    assert "Rosa Abbiatici" not in office.page.inner_text("table")


@pytest.mark.parametrize("box", ["Tick Abbiatici, Rosa", "Tick all on this page", "All 194 that match"])
def test_what_asks_for_a_tick_goes_with_one(site: Site, chromium: Any, pictures: Path, box: str) -> None:
    """Whoever ticked nobody is told so until there is a tick, of whatever kind, and no row moves away under it."""
    office = staff_at(site, at_a_screen(chromium, pictures))
    office.press("Set Passwords")
    asked = office.page.get_by_text("Tick at least one contact first.")
    assert asked.is_visible()
    ticking = office.page.get_by_label(box, exact=True)
    place = ticking.bounding_box()
    ticking.check()
    assert not asked.is_visible()
    assert ticking.bounding_box() == place


def test_everything_works_without_scripts(site: Site, chromium: Any, pictures: Path) -> None:
    """With scripts off the office searches, ticks, confirms and sees the results, a press or two more."""
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    office = Reader(context.new_page(), pictures)
    office.page.goto(f"{site.address}/staff/")
    office.fill(username="office", password=STAFF_PASSWORD)
    office.press("Sign in")
    office.press("Set Passwords")
    assert "Tick at least one contact first." in office.page.inner_text("main")
    office.fill(words="abb")
    office.press("Search")
    for box in office.page.locator("input[name=ids]").all()[:2]:
        box.check()
    office.press("Set Passwords")
    assert "2 of 2 contacts" in office.page.inner_text("main")
    office.press("OK")
    office.page.get_by_role("heading", name="Done").wait_for()
    assert "2 Set" in office.page.inner_text("ul.counts")


# -- without a browser


def test_one_command_starts_it(tmp_path: Path) -> None:
    """What the documentation says to type serves the pages, and prints how to sign in."""
    need("flask")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "docs.examples.portal", "--made-up", "3", "--port", str(port)]
    options = [f"--database={tmp_path / 'portal.db'}"]
    with subprocess.Popen(
        [*command, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started:
        try:
            assert started.stdout is not None
            staff, parents = started.stdout.readline(), started.stdout.readline()
            assert re.search(r"user name office    password \S{12}$", staff)
            assert "rabbiatici with AbbiaticiR, once it is set" in parents
            _wait_for(port)
            assert "Admin portal" in Client(f"http://127.0.0.1:{port}").get("/staff/sign-in")[1]
        finally:
            started.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_same_over_each_database(database: str, tmp_path: Path) -> None:
    """One command opens a file or a PostgreSQL database, and a job is carried out on either."""
    if database == "sqlite":
        _walk(str(tmp_path / "portal.db"))
        return
    need("psycopg")
    with own_database("postgresql") as found:
        _walk(url_of(found))


def url_of(database: Database) -> str:
    """Return the address of a schema on the server of the tests, as the command takes it."""
    from psycopg.conninfo import conninfo_to_dict

    server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
    parts = {**conninfo_to_dict(server), "options": f"-c search_path={database.name}"}
    return f"postgresql:///?{urlencode(parts, quote_via=quote)}"


def _walk(database: str) -> None:
    with served(database, made_up=0) as site:
        office = Client(site.address)
        assert office.post("/staff/sign-in", username="office", password="wrong")[0] == 403
        office.post("/staff/sign-in", username="office", password=STAFF_PASSWORD)
        _, page = office.post("/staff/plan", all="on", words="", status="")
        plan = dict(re.findall(r'name="(selection|fingerprint|key)" value="([^"]*)"', page))
        plan["selection"] = plan["selection"].replace("&#34;", '"')

        # The plan that was seen is the one that is carried out, and only from the page itself.
        assert office.post("/staff/jobs", **{**plan, "fingerprint": "0" * 64})[0] == 409
        assert office.post("/staff/jobs", **{**plan, "token": "guessed"})[0] == 400
        assert Client(site.address, start="").post("/sign-in", token="", username="x")[0] == 400
        assert site.portal.resets.find_job(plan["key"]) is None
        office.post("/staff/jobs", **plan)
        office.post("/staff/jobs", **plan)  # pressed twice: the same job
        job = site.portal.resets.find_job(plan["key"])
        assert job is not None
        assert job.run().is_complete
        status, page = office.get(f"/staff/jobs/{plan['key']}")
        assert status == 200
        assert "No default can be made of the name" in page

        # What was started and left, such as by an outage, goes on when somebody says so.
        again = site.portal.resets.plan(["P-1001"], Operator(operator_id="office"))
        left = site.portal.resets.start(again.confirm(Operator(operator_id="office")))
        assert "Go on" in office.get(f"/staff/jobs/{left.key}")[1]
        assert office.post(f"/staff/jobs/{left.key}/go-on")[0] == 200
        for _ in range(600):
            if left.progress().is_finished:
                break
            time.sleep(0.05)
        assert left.progress().is_finished
        assert "Go on" not in office.get(f"/staff/jobs/{left.key}")[1]
        assert Client(site.address).get(f"/staff/jobs/{plan['key']}")[1].count("Admin portal: sign in") == 1


def test_the_languages_of_the_page_are_whole() -> None:
    """Each language has each text of the pages, and each that signing in or choosing a password may say."""
    need("flask")
    from docs.examples.portal.languages import LANGUAGES

    kinds = {name for name, each in vars(outcomes).items() if isinstance(each, type) and issubclass(each, Outcome)}
    met = {key for key in ENGLISH if key.partition(".")[0] in {*kinds, "Violation"}}
    assert len(met) > 30
    for code in ("de", "es", "ar"):
        assert LANGUAGES[code].words.keys() == LANGUAGES["de"].words.keys()
        assert all(LANGUAGES[code].words.values())
        assert met & set(LANGUAGES[code].texts.missing()) == set()
