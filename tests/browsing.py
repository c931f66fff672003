"""A screen: the page to copy from, served, and a browser that somebody sits at who looks for what shuts people out."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import attrs
import pytest

from portalcreds import Contact, Portal, read_contacts_csv
from portalcreds.contacts import ContactId
from stores.hosts import need

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
STAFF_PASSWORD = "of-this-test"
PUBLIC = "https://portal.example.org/invited"
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
        links: The addresses in them, by to whom the mail was.
        broken: Why no mail is sent; empty while they are.
    """

    address: str
    portal: Portal
    mails: list[tuple[str, str]]
    links: dict[str, str]
    broken: list[str]


@contextmanager
def served(database: str, made_up: int, printers: tuple[str, ...] = ("office",)) -> Iterator[Site]:
    """Serve the pages over a database with the sample's contacts and two with long or Arabic names."""
    need("flask")
    from docs.examples.portal.__main__ import SAMPLE, open_portal, take_over
    from docs.examples.portal.app import create_app
    from docs.examples.portal.mail import send_invitation
    from docs.examples.portal.sample import made_up_contacts
    from werkzeug.serving import make_server

    mails: list[tuple[str, str]] = []
    links: dict[str, str] = {}
    broken: list[str] = []

    def send(to: str, subject: str, body: str) -> None:
        if broken:
            raise OSError(broken[0])
        mails.append((to, subject))
        if found := re.search(r"https?://\S+", body):
            links[to] = found[0]

    with open_portal(database, "office", send) as portal:
        reading = read_contacts_csv(SAMPLE)
        take_over(portal, [*reading.contacts, LONG, ARABIC, *made_up_contacts(made_up)], reading.usernames)
        app = create_app(
            portal,
            secret_key="of-this-test",
            staff_passwords=dict.fromkeys(("office", "clerk"), STAFF_PASSWORD),
            printers=printers,
            invite=partial(send_invitation, page=PUBLIC, send=send),
        )
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Site(f"http://127.0.0.1:{server.server_port}", portal, mails, links, broken)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


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


@contextmanager
def started_chromium() -> Iterator[Any]:
    """Start a browser, or skip the test where there is none."""
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
