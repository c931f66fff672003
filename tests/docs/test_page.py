"""The page to copy from, in a real browser: the office sets passwords, a parent chooses one, and axe finds no fault."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import attrs
import pytest

from portal import GOOD_PASSWORD, OTHER_PASSWORD
from portalcreds import Contact, Operator, Portal, read_contacts_csv
from portalcreds.contacts import ContactId
from portalcreds.texts import ENGLISH
from servers import Database, own_database
from stores.hosts import need

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
STAFF_PASSWORD = "of-this-test"
LONG = Contact(
    contact_id=ContactId("L-1"),
    first_name="Wolfeschlegelsteinhausenbergerdorff-María-Guadalupe",
    last_name="Keihanaikukauakahihuliheekahaunaele-Featherstonehaugh",
)
ARABIC = Contact(contact_id=ContactId("L-2"), first_name="نور", last_name="الحسن")
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@attrs.frozen
class Site:
    """
    The application, served.

    Attributes:
        address: Where.
        portal: What it works on.
        mails: The mails it sent: to whom, and the subject.
    """

    address: str
    portal: Portal
    mails: list[tuple[str, str]]


@contextmanager
def served(database: str, made_up: int) -> Iterator[Site]:
    """Serve the pages over a database with the sample's contacts and two with long or Arabic names."""
    need("flask")
    from docs.examples.portal.__main__ import SAMPLE, open_portal, take_over
    from docs.examples.portal.app import create_app
    from docs.examples.portal.sample import made_up_contacts
    from werkzeug.serving import make_server

    mails: list[tuple[str, str]] = []
    with open_portal(database, "office", lambda to, subject, body: mails.append((to, subject))) as portal:
        reading = read_contacts_csv(SAMPLE)
        take_over(portal, [*reading.contacts, LONG, ARABIC, *made_up_contacts(made_up)], reading.usernames)
        app = create_app(portal, secret_key="of-this-test", staff_passwords={"office": STAFF_PASSWORD})
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Site(f"http://127.0.0.1:{server.server_port}", portal, mails)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve the pages over SQLite."""
    with served(str(tmp_path / "portal.db"), made_up=180) as site:
        yield site


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Any]:
    """Start a browser of this test's own."""
    playwright = need("playwright.sync_api")
    need("axe_playwright_python")
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
            pytest.fail("chromium is not here; install Debian's package")
        pytest.skip("chromium is not here")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


@attrs.define
class Reader:
    """Somebody at a screen, who looks at each page for what shuts people out."""

    page: Any
    pictures: Path

    def look(self, picture: str | None = None) -> None:
        """Check the page, and take a picture of it where one is wanted."""
        found = need("axe_playwright_python.sync_playwright").Axe().run(self.page).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        # A code such as will_set is for programs; sets_one would be a user name.
        assert re.findall(r"\b[a-z]+_[a-z_]+\b", self.page.inner_text("body")) == []
        if picture is not None:
            self.page.screenshot(path=self.pictures / f"{picture}.png")

    def fill(self, **fields: str) -> None:
        """Fill fields in by their names."""
        for name, value in fields.items():
            self.page.fill(f"input[name={name}]", value)

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    @property
    def heading(self) -> str:
        """What the page is about."""
        return str(self.page.inner_text("h1"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return where pictures go: into the documentation if PORTALCREDS_PICTURES is set, else they are dropped."""
    folder = PICTURES if os.environ.get("PORTALCREDS_PICTURES") else tmp_path / "pictures"
    folder.mkdir(exist_ok=True)
    return folder


def at_a_screen(chromium: Any, pictures: Path, width: int = 1100, height: int = 720, **options: Any) -> Reader:
    """Return somebody at a new browser, with no session yet."""
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="en", **options)
    context.set_default_timeout(20_000)
    return Reader(context.new_page(), pictures)


def staff_at(site: Site, reader: Reader) -> Reader:
    """Sign the office in."""
    reader.page.goto(f"{site.address}/staff/")
    reader.look()
    reader.fill(username="office", password=STAFF_PASSWORD)
    reader.press("Sign in")
    assert reader.heading == "Manage Parent Portal/Accounts"
    return reader


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


class Client:
    """A browser without a screen: keeps cookies, and sends the token of the last page along."""

    def __init__(self, address: str, start: str = "/staff/sign-in") -> None:
        """Load the first page, if there is to be one."""
        self._address = address
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self._token = ""
        if start:
            self.get(start)

    def get(self, path: str) -> tuple[int, str]:
        """Return the status and the page."""
        return self._open(path, None)

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Send a form; return the status and the page it leads to."""
        return self._open(path, urlencode({"token": self._token, **fields}).encode())

    def _open(self, path: str, data: bytes | None) -> tuple[int, str]:
        try:
            answer = self._opener.open(self._address + path, data)
        except HTTPError as error:
            answer = error
        with answer:
            page = answer.read().decode()
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
        found = re.search(r'name="token" value="([^"]+)"', page)
        self._token = found[1] if found else self._token
        return answer.status, page


def test_the_languages_of_the_page_are_whole() -> None:
    """Each language has each text of the pages, and says the codes that a parent meets most."""
    need("flask")
    from docs.examples.portal.languages import LANGUAGES

    met = [key for key in LANGUAGES["de"].texts._texts if key in ENGLISH]
    for code in ("de", "es", "ar"):
        assert LANGUAGES[code].words.keys() == LANGUAGES["de"].words.keys()
        assert all(LANGUAGES[code].words.values())
        assert set(met) & set(LANGUAGES[code].texts.missing()) == set()
