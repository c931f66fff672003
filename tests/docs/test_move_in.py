"""
What the page on moving in shows is so: each recipe imports the users of a real table, and all of them sign in.

The tables are made by the systems themselves, in processes of their own; ASP.NET Identity's as its source does it.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import re
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from portalcreds import Contact, Portal, SignedIn, SignInDenied, UpgradingHasher
from portalcreds.contacts import ContactId
from portalcreds.hashers import Argon2Hasher
from portalcreds.hashers.legacy import Wrapping
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from stores.hosts import need

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/how-to/move-in.md"
MOST_LINES: Final = 15

SALT: Final = "146585145368132386173505678016728509634"
"""Flask-Security's own example of a SECURITY_PASSWORD_SALT, which the page has."""

DJANGO: Final = """
import json, sys
import django
from django.conf import settings
from django.contrib.auth import hashers as h
class P(h.PBKDF2PasswordHasher): iterations = 2000
class P1(h.PBKDF2SHA1PasswordHasher): iterations = 2000
class B(h.BCryptPasswordHasher): rounds = 4
class BS(h.BCryptSHA256PasswordHasher): rounds = 4
class A(h.Argon2PasswordHasher): time_cost, memory_cost, parallelism = 1, 64, 1
class S(h.ScryptPasswordHasher): work_factor = 2
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    PASSWORD_HASHERS=[f"__main__.{c}" for c in ("P", "P1", "B", "BS", "A", "S")] + [
        "django.contrib.auth.hashers.MD5PasswordHasher"],
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
algorithms = ["pbkdf2_sha256"] * 4 + ["pbkdf2_sha1", "bcrypt", "bcrypt_sha256", "argon2", "scrypt"]
for n, (name, password) in enumerate(json.load(sys.stdin)):
    user = User(username=name)
    if n % 50 == 49:
        user.set_unusable_password()
    else:
        user.password = h.make_password(password, hasher="md5" if n % 25 == 0 else algorithms[n % 9])
    user.save()
"""

FLASK_SECURITY: Final = """
import json, sys
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
import flask_security
from flask_security.models import fsqla_v3
app = Flask(__name__)
db = SQLAlchemy()
app.config |= dict(SECRET_KEY="x", SECURITY_PASSWORD_SALT=sys.argv[2], SECURITY_PASSWORD_HASH=sys.argv[3],
    SQLALCHEMY_DATABASE_URI="sqlite:///" + sys.argv[1],
    SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={"argon2__time_cost": 1, "argon2__memory_cost": 64, "bcrypt__rounds": 4,
        "pbkdf2_sha512__rounds": 1000, "sha512_crypt__rounds": 1000})
db.init_app(app)
fsqla_v3.FsModels.set_db_info(db)
class Role(db.Model, fsqla_v3.FsRoleMixin): pass
class User(db.Model, fsqla_v3.FsUserMixin): pass
store = flask_security.SQLAlchemyUserDatastore(db, User, Role)
flask_security.Security(app, store)
with app.app_context():
    db.create_all()
    for name, password in json.load(sys.stdin):
        store.create_user(email=name, password=flask_security.hash_password(password))
    db.session.commit()
"""

Known = list[tuple[str, str]]


def shown(marker: str) -> str:
    """Return the block that follows a marker, on the lines where it stands on the page."""
    text = PAGE.read_text("utf-8")
    block = re.search(rf"^<!-- {marker} -->\n```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None, f"the page has no block after <!-- {marker} -->"
    return "\n" * text[: block.start(1)].count("\n") + block[1]


def run_script(script: str, known: Known, *arguments: str) -> None:
    """Make rows in a process of their own, whose settings are nobody else's."""
    command = [sys.executable, "-W", "ignore", "-c", script, *arguments]
    ran = subprocess.run(command, input=json.dumps(known), text=True, capture_output=True, timeout=300)
    assert ran.returncode == 0, ran.stderr[-2000:]


def django(old: Path, known: Known) -> None:
    """Have Django make its users."""
    need("django")
    run_script(DJANGO, known, str(old))


def flask_security(old: Path, known: Known) -> None:
    """Have Flask-Security make its users, with each of four schemes."""
    need("flask_security")
    for n, scheme in enumerate(("argon2", "bcrypt", "pbkdf2_sha512", "sha512_crypt")):
        run_script(FLASK_SECURITY, known[n::4], str(old), SALT, scheme)
    # What somebody wrote into the table by hand.
    connection = sqlite3.connect(old)
    with connection:
        connection.executemany(
            "UPDATE user SET password = 'odd' WHERE email = ?", [(name,) for name, _ in known[49::50]]
        )
    connection.close()


def aspnet_identity(old: Path, known: Known) -> None:
    """Lay out rows as Microsoft's PasswordHasher.cs does: a marker, and for version 3 the numbers before the salt."""
    rows = []
    for n, (name, password) in enumerate(known):
        salt = hashlib.sha256(name.encode()).digest()[:16]
        if n % 3 == 0:
            subkey = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, 1000, 32)
            payload = b"\0" + salt + subkey
        else:
            prf, algorithm = ((1, "sha256"), (2, "sha512"))[n % 2]
            payload = b"\1" + struct.pack(">III", prf, 1000 + n, len(salt)) + salt
            payload += hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, 1000 + n, 32)
        rows.append((name, base64.b64encode(payload).decode()))
    insert(old, "CREATE TABLE AspNetUsers (UserName TEXT, PasswordHash TEXT)", "AspNetUsers", rows)


def passlib(old: Path, known: Known) -> None:
    """Have libpass hash with what its contexts mostly have."""
    # Without types: its stubs leave some of them out.
    schemes: Any = importlib.import_module("passlib.hash")
    algorithms = [
        schemes.pbkdf2_sha512.using(rounds=1000),
        schemes.pbkdf2_sha256.using(rounds=1000),
        schemes.sha512_crypt.using(rounds=1000),
        schemes.bcrypt.using(rounds=4),
        schemes.phpass.using(rounds=7),
        schemes.argon2.using(rounds=1, memory_cost=64, type="ID"),
    ]
    # Few are weak: each of them is wrapped at the full cost.
    rows = [
        (_contact_id(n), (schemes.md5_crypt if n % 25 == 0 else algorithms[n % 6]).hash(password))
        for n, (_, password) in enumerate(known)
    ]
    insert(old, "CREATE TABLE users (contact_id TEXT, hash TEXT)", "users", rows)


def insert(old: Path, create: str, table: str, rows: list[tuple[str, str]]) -> None:
    """Make a table of two columns."""
    connection = sqlite3.connect(old)
    with connection:
        connection.execute(create)
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)
    connection.close()


def _contact_id(n: int) -> str:
    return f"P-{n}"


RECIPES: Final[dict[str, Callable[[Path, Known], None]]] = {
    "django": django,
    "flask-security": flask_security,
    "aspnet-identity": aspnet_identity,
    "passlib": passlib,
}

LEFT_OUT: Final = {"django": "hash_unusable", "flask-security": "hash_unknown"}
"""Why every fiftieth user of a table is left out."""


@pytest.mark.parametrize("users", [50, pytest.param(500, marks=pytest.mark.whole)])
@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # The recipe leaves its connection to the end of the process.
def test_a_recipe_moves_a_real_table_in(name: str, users: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In at most 15 lines all users are imported, and each signs in with the old password and no other."""
    monkeypatch.chdir(tmp_path)
    known = [(f"user{n}@example.org", f"Passwort {n} für Ñandú") for n in range(users)]
    RECIPES[name](tmp_path / "old.db", known)
    namespace: dict[str, Any] = {"__name__": "page"}
    exec(compile(shown("portal"), str(PAGE), "exec"), namespace)  # noqa: S102  That is what is tested.
    with namespace["store"] as store:
        office = namespace["it"]
        with Portal.over(store, authorizer=namespace["authorizer"]) as new:
            contacts = [
                Contact(contact_id=ContactId(_contact_id(n)), first_name="Kim", last_name=f"Parent{n}")
                for n in range(users)
            ]
            usernames = {_contact_id(n): user for n, (user, _) in enumerate(known)}
            new.accounts.sync_contacts(contacts, office, usernames=usernames)
        recipe = shown(name)
        assert len([line for line in recipe.splitlines() if line.strip()]) <= MOST_LINES
        exec(compile(recipe, str(PAGE), "exec"), namespace)  # noqa: S102  That is what is tested.
        namespace["hasher"].close()
        unusable = set(range(49, users, 50)) if name in LEFT_OUT else set()
        left_out = [result for result in namespace["report"] if result.outcome.value != "imported"]
        assert {result.item.username for result in left_out} == {known[n][0] for n in unusable}
        assert {result.reason.value for result in left_out} == ({LEFT_OUT[name]} if unusable else set())

        cheap = UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN),
            issued=Argon2Hasher(CHEAPEST_ISSUED),
            legacy=namespace["legacy"],
            denial_floor=timedelta(microseconds=1),
        )
        with cheap, Portal.over(store, authorizer=namespace["authorizer"], hasher=cheap) as portal:
            for n, (user, password) in enumerate(known):
                signed_in = portal.sign_ins.sign_in(user, password)
                assert isinstance(signed_in, SignInDenied if n in unusable else SignedIn)
            assert isinstance(portal.sign_ins.sign_in(known[0][0], known[1][1]), SignInDenied)
            census = portal.accounts.hash_census(office)
        assert [(each.hash.scheme, each.hash.cost, each.accounts, each.never_signed_in) for each in census] == [
            ("argon2id", "m=16,t=1,p=1", users - len(unusable), 0)
        ]
        assert census.unused_verifiers == census.verifiers
    wraps = [each for each in namespace["legacy"] if isinstance(each, Wrapping)]
    assert bool(wraps) is (name in ("django", "passlib"))


def test_the_table_states_the_lines_of_each_recipe() -> None:
    """What the page says a recipe takes is what stands in it, blank lines aside."""
    text = PAGE.read_text("utf-8")
    stated = [int(number) for number in re.findall(r"^\| [^|]+\| (\d+) \|", text, re.MULTILINE)]
    assert stated == [len([line for line in shown(name).splitlines() if line.strip()]) for name in RECIPES]
