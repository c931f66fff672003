"""The recipes for Flask do what the page says: a session for the right password alone, until the epoch moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portal import GOOD_PASSWORD, OFFICE, Portal, issued, settled
from recipes import front_door, names_of
from stores.hosts import need

# Flask-Login makes a text of bytes, which only an interpreter started with -bb refuses.
pytestmark = pytest.mark.filterwarnings("ignore::BytesWarning")

Send = Callable[[str, str, dict[str, str] | None], tuple[int, str]]


def _flask(app: Any) -> Send:
    client = app.test_client()

    def send(method: str, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        response = client.open(path, method=method, data=data)
        return response.status_code, response.text

    return send


def test_a_first_day(portal: Portal) -> None:
    """A default gives a ticket and no session, a password of one's own a session, and a reset ends it."""
    need("flask"), need("flask_login")
    send = _flask(names_of("flask.md", "flask-login")["create_app"](front_door(portal), "not a secret"))
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

    datastore, page = security.SQLAlchemyUserDatastore(db, User, Role), names_of("flask.md", "flask-security")

    def on_change(account: Any, event: Any) -> None:
        with app.app_context():
            page["end_sessions"](datastore, account, event)

    door = front_door(portal, on_change=on_change)
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
