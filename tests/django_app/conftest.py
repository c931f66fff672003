"""A site whose database is migrated, with a user whose old password still works."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from django_site import page_module
from portal import cheap_hasher
from portalcreds.testing import ManualClock
from servers import own_database
from stores.backends import Backend
from stores.hosts import DATABASES, django_alias

from .site import Site


def _backends(database: str, folder: Path) -> Iterator[Backend]:
    if database == "sqlite":
        yield Backend("sqlite", str(folder / "site.db"))
        return
    with own_database(database) as place:
        yield Backend(database, place.name)


def _sites(database: str, folder: Path) -> Iterator[Site]:
    for backend in _backends(database, folder):
        with django_alias(backend, "default"), cheap_hasher() as hasher:
            for name, marker in (("school_urls", "urls"), ("school.portal", "rule")):
                page_module(name, marker)
            override: Any = import_module("django.test").override_settings
            # Its clock stands, so that no window of the limits ends between the guesses of a test.
            setting = import_module("django.conf").settings.PORTALCREDS | {"hasher": hasher, "clock": ManualClock()}
            with override(PORTALCREDS=setting):
                import_module("django.core.management").call_command("migrate", verbosity=0)
                yield Site()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a site over SQLite."""
    yield from _sites("sqlite", tmp_path)


@pytest.fixture(params=DATABASES)
def every_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Return a site over each database."""
    yield from _sites(request.param, tmp_path)


@pytest.fixture(params=("postgresql", "mariadb"))
def server_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Return a site over each database that several can write to at once."""
    yield from _sites(request.param, tmp_path)
