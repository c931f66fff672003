"""A Django site with the app in it, as the page on Django says; a process has one, because settings are global."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final

from recipes import new_module
from stores.hosts import need

PAGE: Final = Path(__file__).resolve().parents[1] / "docs/how-to/django.md"


def shown(marker: str) -> str:
    """Return the page's block after a marker, on the lines where it stands on the page."""
    text = PAGE.read_text("utf-8")
    block = re.search(rf"^<!-- {marker} -->\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None, f"the page has no block after <!-- {marker} -->"
    return "\n" * text[: block.start(1)].count("\n") + block[1]


def page_module(name: str, marker: str) -> ModuleType:
    """Return a block of the page as the module that a site has it in."""
    module = sys.modules[name] = new_module(name)
    exec(compile(shown(marker), str(PAGE), "exec"), module.__dict__)  # noqa: S102  That is what is tested.
    return module


def configured() -> Any:
    """Return ``django.db`` with an alias for each kind of database, and without a trace of PyMySQL's other name."""
    # Of racing hosts the first configures it, and the others wait.
    with _CONFIGURING:
        return _configured()


_CONFIGURING = Lock()


@cache
def _configured() -> Any:
    # Where the server is, as tests/servers.py has it; which database is said for each test.
    server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    postgresql = {names[part[0]]: part[2] for part in (part.partition("=") for part in server.split())}
    mariadb = {"HOST": os.environ.get("PORTALCREDS_MARIADB", "127.0.0.1"), "USER": "root"}
    # What `startproject` writes, as far as it matters here.
    settings: dict[str, Any] = {
        "SECRET_KEY": "not a secret",
        "ALLOWED_HOSTS": ["testserver"],
        "USE_TZ": True,
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],  # Quick.
        "INSTALLED_APPS": [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages")],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.contrib.messages.context_processors.messages"]},
            }
        ],
        "ROOT_URLCONF": "school_urls",
        "DATABASES": {
            "default": {},
            "sqlite": {"ENGINE": "django.db.backends.sqlite3"},
            "postgresql": {"ENGINE": "django.db.backends.postgresql", **postgresql},
            # What Django before 5.2 takes by itself carries no character beyond three bytes.
            "mariadb": {"ENGINE": "django.db.backends.mysql", "OPTIONS": {"charset": "utf8mb4"}, **mariadb},
        },
    }
    exec(shown("settings"), settings)  # noqa: S102  The page's.
    import_module("django.conf").settings.configure(**{key: settings[key] for key in settings if key.isupper()})
    import_module("django.apps").apps.populate(settings["INSTALLED_APPS"])
    _meet_mariadb()
    return import_module("django.db")


def _meet_mariadb() -> None:
    there = set(sys.modules)
    need("pymysql").install_as_MySQLdb()
    import_module("django.db.backends.mysql.base")
    for name in set(sys.modules) - there:
        if name.partition(".")[0] == "MySQLdb":
            del sys.modules[name]
