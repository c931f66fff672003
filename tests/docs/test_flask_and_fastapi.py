"""The recipes for frameworks do what the page says: a session for the right password alone, until the epoch moves."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import portalcreds
from portal import GOOD_PASSWORD, OFFICE, Portal, issued, settled
from stores.hosts import need

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/how-to/flask-and-fastapi.md"


def _page(marker: str) -> dict[str, Any]:
    text = PAGE.read_text("utf-8")
    block = re.search(rf"^<!-- {marker} -->\n```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    namespace: dict[str, Any] = {"__name__": "page"}
    code = "\n" * text[: block.start(1)].count("\n") + block[1]
    # As in a file of its own: FastAPI cannot read annotations that are texts where they name what is local.
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), namespace)  # noqa: S102  That is what is tested.
    return namespace


def _front_door(portal: Portal, **parts: Any) -> portalcreds.Portal:
    return portalcreds.Portal.over(
        portal.store,
        authorizer=portal.authorizer,
        hasher=portal.hasher,
        counter=portal.counter,
        clock=portal.clock,
        **parts,
    )


# Flask-Login makes a text of bytes, which only an interpreter started with -bb refuses.
pytestmark = pytest.mark.filterwarnings("ignore::BytesWarning")

Send = Callable[[str, str, dict[str, str] | None], tuple[int, str]]


def _flask(app: Any) -> Send:
    client = app.test_client()

    def send(method: str, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        response = client.open(path, method=method, data=data)
        return response.status_code, response.text

    return send


def _asgi(app: Any) -> Send:
    cookies: list[bytes] = []

    async def call(method: str, path: str, data: dict[str, str] | None) -> tuple[int, str]:
        sent: list[dict[str, Any]] = []
        body = [{"type": "http.request", "body": json.dumps(data).encode(), "more_body": False}]
        headers = [(b"content-type", b"application/json"), *((b"cookie", cookie) for cookie in cookies)]
        scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
        scope |= {"client": ("192.0.2.7", 50000), "scheme": "https", "server": ("school", 443), "root_path": ""}

        async def receive() -> dict[str, Any]:
            return body.pop() if body else {"type": "http.disconnect"}

        async def keep(message: dict[str, Any]) -> None:
            sent.append(message)

        await app(scope, receive, keep)
        new = [value.partition(b";")[0] for name, value in sent[0]["headers"] if name == b"set-cookie"]
        cookies[:] = new or cookies
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()

    def send(method: str, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        return asyncio.run(call(method, path, data))

    return send


@pytest.mark.parametrize("recipe", ["flask-login", "fastapi"])
def test_a_first_day(portal: Portal, recipe: str) -> None:
    """A default gives a ticket and no session, a password of one's own a session, and a reset ends it."""
    for package in ("flask", "flask_login") if recipe == "flask-login" else ("fastapi", "itsdangerous"):
        need(package)
    app = _page(recipe)["create_app"](_front_door(portal), "not a secret")
    send = (_flask if recipe == "flask-login" else _asgi)(app)
    default = issued(portal)
    assert send("GET", "/me", None)[0] == 401
    assert send("POST", "/sign-in", {"username": "rabbiatici", "password": "a guess"})[0] == 403
    status, said = send("POST", "/sign-in", {"username": "rabbiatici", "password": default})
    assert status == 200
    ticket = json.loads(said)["ticket"]
    assert send("GET", "/me", None)[0] == 401
    assert send("POST", "/choose", {"ticket": ticket, "new": default})[0] == 400
    assert send("POST", "/choose", {"ticket": ticket, "new": GOOD_PASSWORD})[0] == 200
    assert send("GET", "/me", None)[0] == 401
    assert send("POST", "/sign-in", {"username": "rabbiatici", "password": GOOD_PASSWORD})[0] == 200
    status, said = send("GET", "/me", None)
    assert (status, "c-1" in said) == (200, True)
    issued(portal)
    assert send("GET", "/me", None)[0] == 401


def test_fastapi_says_when_to_try_again(portal: Portal) -> None:
    """Too many guesses are 429 with the seconds to wait."""
    need("fastapi")
    send = _asgi(_page("fastapi")["create_app"](_front_door(portal), "not a secret"))
    for _ in range(10):
        send("POST", "/sign-in", {"username": "rabbiatici", "password": "a guess"})
    assert send("POST", "/sign-in", {"username": "rabbiatici", "password": "a guess"})[0] == 429


def test_flask_security(portal: Portal, tmp_path: Path) -> None:
    """Its form lets in by the portal alone, and a change ends the sessions that it made."""
    flask, security, alchemy = need("flask"), need("flask_security"), need("flask_sqlalchemy")
    fsqla = need("flask_security.models.fsqla_v3")
    app = flask.Flask(__name__)
    app.config |= {
        "SECRET_KEY": "not a secret",
        "SECURITY_PASSWORD_SALT": "146585145368132386173505678016728509634",
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'users.db'}",
        "SECURITY_PASSWORD_HASH": "plaintext",
        "SECURITY_PASSWORD_SCHEMES": ["plaintext"],
        "SECURITY_USE_VERIFY_PASSWORD_CACHE": False,
        "WTF_CSRF_ENABLED": False,
    }
    db = alchemy.SQLAlchemy(app)
    fsqla.FsModels.set_db_info(db)

    class Role(db.Model, fsqla.FsRoleMixin):  # type: ignore[misc, name-defined]  # Flask-Security's own way.
        pass

    class User(db.Model, fsqla.FsUserMixin):  # type: ignore[misc, name-defined]  # As above.
        pass

    datastore, page = security.SQLAlchemyUserDatastore(db, User, Role), _page("flask-security")

    def on_change(account: Any, event: Any) -> None:
        with app.app_context():
            page["end_sessions"](datastore, account, event)

    door = _front_door(portal, on_change=on_change)
    page["secure"](app, datastore, door)

    @app.get("/me")  # type: ignore[untyped-decorator]  # Of a package that may be absent.
    @security.auth_required("session")  # type: ignore[untyped-decorator]  # As above.
    def me() -> str:
        return str(security.current_user.username)

    with app.app_context():
        db.create_all()
        datastore.create_user(email="rosa@example.org", username="rabbiatici", password="kept since 2019")
        datastore.commit()
    settled(portal)
    send = _flask(app)
    signed_in = []
    for password in ("kept since 2019", "AbbiaticiR", GOOD_PASSWORD):
        send("POST", "/login", {"email": "rabbiatici", "password": password})
        signed_in.append(send("GET", "/me", None)[0] == 200)
    assert signed_in == [False, False, True]
    door.resets.reset_password("c-1", OFFICE)
    assert send("GET", "/me", None)[0] != 200
    with app.app_context():
        db.engine.dispose()
