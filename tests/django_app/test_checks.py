"""The system checks find what would keep contacts out, or let in whom the portal denies."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from .site import OLD_PASSWORD, Site

PORTAL = "portalcreds.django.backends.PortalBackend"
MODEL = "django.contrib.auth.backends.ModelBackend"
GIVEN = {"authorizer": "school.portal.may"}


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        pytest.param({}, [], id="as on the page"),
        pytest.param({"PORTALCREDS": None}, ["E001"], id="no setting"),
        pytest.param({"PORTALCREDS": {}}, ["E001"], id="no rule"),
        pytest.param({"PORTALCREDS": {"authorizer": "school.portal.absent"}}, ["E001"], id="no such rule"),
        pytest.param({"PORTALCREDS": GIVEN | {"sources": "x"}}, ["E001"], id="no such key"),
        pytest.param({"PORTALCREDS": GIVEN | {"using": "nowhere"}}, ["E001"], id="no such database"),
        pytest.param({"AUTHENTICATION_BACKENDS": [MODEL]}, ["E002", "W003"], id="nobody asks the portal"),
        pytest.param({"AUTHENTICATION_BACKENDS": [PORTAL, MODEL]}, ["W003"], id="an old door"),
        pytest.param({"AUTHENTICATION_BACKENDS": [PORTAL]}, [], id="no staff"),
        pytest.param({"MIDDLEWARE": []}, ["E004"], id="sessions that do not end"),
    ],
)
def test_settings(site: Site, settings: dict[str, Any], found: list[str]) -> None:
    """Each fault of the settings is found, and nothing else."""
    with import_module("django.test").override_settings(**settings):
        assert site.found() == found


def test_each_fault_of_the_tables(site: Site) -> None:
    """What `find_faults` finds is an error, with how to fix it."""
    site.connection.cursor().execute("DROP INDEX portal_attempts_by_expiry")
    store: Any = site.portal.store
    assert site.found("default") == ["E006"] * len(store.find_faults())
    site.connection.cursor().execute("DROP TABLE portal_attempts")
    assert "E006" in site.found("default")


def test_no_check_asks_another_database(site: Site) -> None:
    """The database is asked only where Django says that it may be."""
    site.manage("portalcreds_sync", "--from-users")
    assert site.found() == site.found("sqlite") == []


def test_the_old_door_opens_again(site: Site) -> None:
    """Whoever sets the old column again is found, and the staff's backend still lets nobody in by it."""
    site.move()
    assert site.found("default") == []
    site.rosa.set_password(OLD_PASSWORD)
    site.rosa.save()
    assert site.found("default") == ["E007"]
    site.sign_in(browser := site.browser(), "rabbiatici", OLD_PASSWORD)
    assert site.who(browser) is None
    with import_module("django.test").override_settings(AUTHENTICATION_BACKENDS=[PORTAL, MODEL]):
        assert sorted(site.found("default")) == ["E007", "W003"]
        site.sign_in(browser, "rabbiatici", OLD_PASSWORD)
        assert site.who(browser) == site.contact_id  # What the warning is about.
