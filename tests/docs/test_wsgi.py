"""The application without a framework does what the page says, over a real server."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from portal import GOOD_PASSWORD, Portal, issued
from recipes import front_door, names_of

KEY: Final = b"k" * 32


class Browser:
    """Sends requests, and keeps the cookie."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cookie = ""

    def send(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        """Return the status and the page."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        connection.request(method, path, body, {"Cookie": self.cookie, **headers})
        answer = connection.getresponse()
        self.cookie = (answer.headers["Set-Cookie"] or self.cookie).partition(";")[0]
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def post(self, path: str, **form: str) -> tuple[int, str]:
        """Send a form."""
        return self.send("POST", path, urlencode(form))

    @property
    def is_signed_in(self) -> bool:
        """Whether the first page says so."""
        return self.send("GET", "/")[1] == "Signed in: c-1"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  The name is the base class's.
        pass


@pytest.fixture
def browser(portal: Portal) -> Iterator[Browser]:
    """A browser before the application, which wsgiref serves."""
    app = names_of("wsgi.md", "wsgi")["create_app"](front_door(portal), KEY)
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Browser(server.server_port)
        finally:
            server.shutdown()
            thread.join()


def _settle(portal: Portal, browser: Browser) -> None:
    status, page = browser.post("/sign-in", username="rabbiatici", password=issued(portal))
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert status == 200
    assert found is not None
    assert not browser.is_signed_in
    status, page = browser.post("/choose", ticket=found[1], new="AbbiaticiR")
    assert (status, found[1] in page) == (400, True)
    assert browser.post("/choose", ticket=found[1], new=GOOD_PASSWORD)[0] == 303
    assert not browser.is_signed_in
    assert browser.post("/sign-in", username="rabbiatici", password=GOOD_PASSWORD)[0] == 303


def test_a_first_day(portal: Portal, browser: Browser) -> None:
    """A default gives a form and no session, a password of one's own a session, and a reset ends it."""
    assert browser.send("GET", "/")[0] == 200
    assert browser.post("/sign-in", username="rabbiatici", password="a guess")[0] == 403
    _settle(portal, browser)
    assert browser.is_signed_in
    issued(portal)
    assert not browser.is_signed_in


def test_a_cookie_of_somebody_else_opens_nothing(portal: Portal, browser: Browser) -> None:
    """What is not signed with the key, or was changed, is no session and no error."""
    _settle(portal, browser)
    name, _, value = browser.cookie.partition("=")
    text, _, signed = value.partition(".")
    for forged in ("", "x", ".", f"{text}.", f"{text}.{signed[:-1]}", f"{text[:-4]}AAA=.{signed}", "\xe9.x"):
        browser.cookie = f"{name}={forged}"
        assert not browser.is_signed_in
    browser.cookie = f"{name}={value}"
    assert browser.is_signed_in


def test_a_form_that_is_too_long_is_not_read(browser: Browser) -> None:
    """R8: what is sent has a bound before anything is made of it."""
    assert browser.send("POST", "/sign-in", "", **{"Content-Length": "10001"})[0] == 413
    assert browser.send("POST", "/elsewhere")[0] == 404


def test_too_many_guesses_wait(browser: Browser) -> None:
    """The answer says for how long."""
    assert [browser.post("/sign-in", username="rabbiatici", password="a guess")[0] for _ in range(11)][-1] == 429
