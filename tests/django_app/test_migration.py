"""The app's migration makes the tables that the stores ask for, and nothing else knows of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from portalcreds.stores.tables import Tables

from .site import Site


def _tables(site: Site) -> list[str]:
    names: list[str] = site.connection.introspection.table_names()
    return sorted(name for name in names if name.startswith("portal_"))


def test_up_and_down(every_site: Site) -> None:
    """Up, the tables are sound, and Django finds nothing to add; down, they are gone; up again, they are there."""
    site = every_site
    store: Any = site.portal.store
    store.check()
    assert "No changes detected" in site.manage("makemigrations", "--check", "--dry-run", "portalcreds")
    there = _tables(site)
    site.manage("migrate", "portalcreds", "zero")
    assert _tables(site) == []
    assert site.found("default") == ["W005"]
    site.manage("migrate", "portalcreds")
    assert _tables(site) == there
    store.check()


def test_it_shows_its_statements(every_site: Site) -> None:
    """`sqlmigrate` prints what will be executed, for who runs it by hand."""
    assert "CREATE TABLE IF NOT EXISTS portal_accounts" in every_site.manage("sqlmigrate", "portalcreds", "0001")


def test_tables_of_another_name(site: Site) -> None:
    """The migration makes the tables where the setting says that they are."""
    site.manage("migrate", "portalcreds", "zero")
    settings = import_module("django.conf").settings
    tables = {"tables": Tables(prefix="portal_south_")}
    with import_module("django.test").override_settings(PORTALCREDS=settings.PORTALCREDS | tables):
        site.manage("migrate", "portalcreds")
        assert all(name.startswith("portal_south_") for name in _tables(site))
        site.move()
        site.reset()


def test_a_router_decides_where(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a database that the site's routers do not allow, nothing is made."""
    site.manage("migrate", "portalcreds", "zero")
    router = import_module("django.db").router
    monkeypatch.setattr(type(router), "allow_migrate", lambda *args, **hints: False)
    site.manage("migrate", "portalcreds")
    assert _tables(site) == []
