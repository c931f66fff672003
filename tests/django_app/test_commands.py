"""The commands of ``manage.py``: sync, and close the old door."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from portal import cheap_hasher
from portalcreds import SignedIn, UpgradingHasher
from portalcreds.contacts import ContactId
from portalcreds.hashers import Argon2Hasher
from portalcreds.hashers.legacy import SystemVerifier, Wrapping
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

from .site import OFFICE, OLD_PASSWORD, Site


def _set(**changes: Any) -> Any:
    settings = import_module("django.conf").settings
    return import_module("django.test").override_settings(PORTALCREDS=settings.PORTALCREDS | changes)


def test_users_become_contacts(site: Site) -> None:
    """Each user who is not staff gets an account with the names, the address and the user name that Django has."""
    assert "nothing was written" in site.manage("portalcreds_sync", "--from-users", "--dry-run")
    assert site.portal.store.find_many([site.key]) == {}
    assert site.manage("portalcreds_sync", "--from-users") == "add: 1\n"
    account = site.portal.accounts.get(site.contact_id, OFFICE)
    contact = account.contact
    told = account.username, contact.first_name, contact.last_name, contact.email
    assert told == ("rabbiatici", "Rosa", "Abbiatici", "rosa@example.org")


def test_a_file_of_contacts(site: Site, tmp_path: Path) -> None:
    """A row that cannot be taken is told by its line, without what stands in it, and the others are synced."""
    file = tmp_path / "contacts.csv"
    file.write_text("contact_id,first_name,last_name,username\n7,Pat,O'Brien,pobrien\n,Kim,Nobody,kim\n", "utf-8")
    said = site.manage("portalcreds_sync", str(file))
    assert "add: 1" in said
    assert "Line 3, contact_id: " in said
    assert "Nobody" not in said
    assert site.portal.accounts.find_by_username("pobrien", OFFICE) is not None


def test_a_file_with_more_than_contacts(site: Site, tmp_path: Path) -> None:
    """Who is a contact is said on the command line, or by the roles of a OneRoster zip; the others are counted."""
    file = tmp_path / "people.csv"
    file.write_text("id,first,last,role,status\n7,Pat,O'Brien,parent,\n8,Eva,O'Brien,student,\n", "utf-8")
    error = import_module("django.core.management.base").CommandError
    with pytest.raises(error, match="keep: the roster has 'role', 'status'"):
        site.manage("portalcreds_sync", str(file))
    said = site.manage("portalcreds_sync", str(file), "--keep", "role=parent,guardian", "--keep", "status")
    assert "left out, not_kept: 1\nadd: 1\n" in said
    zipped = tmp_path / "export.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("users.csv", "sourcedId,role,givenName,familyName\n9,parent,Kim,Lee\n10,student,Jo,Lee\n")
    assert "left out, student: 1\nadd: 1\n" in site.manage("portalcreds_sync", str(zipped))


def test_a_file_that_cannot_be_read(site: Site, tmp_path: Path) -> None:
    """It is an error of the command, and not a traceback."""
    error = import_module("django.core.management.base").CommandError
    (tmp_path / "empty.csv").write_text("", "utf-8")
    for name in ("absent.csv", "empty.csv"):
        with pytest.raises(error):
            site.manage("portalcreds_sync", str(tmp_path / name))


def test_a_function_says_who_is_a_contact(site: Site) -> None:
    """Ids are the site's own where it says so, in both directions; a user without one is no contact."""
    ids = {"rabbiatici": "P-1"}
    names = {contact_id: name for name, contact_id in ids.items()}
    with _set(
        contact_id=lambda user: ids.get(user.get_username()),
        get_user=lambda contact_id: site.users.filter(username=names[contact_id]).first(),
    ):
        site.users.create_user("kim", "", "kim's own")
        site.contact_id = "P-1"
        site.move()
        assert [*site.portal.store.find_many([ContactId("P-1"), site.key])] == ["P-1"]
        site.settle(browser := site.browser())
        assert site.who(browser) == str(site.rosa.pk)
        site.sign_in(other := site.browser(), "kim", "kim's own")
        assert site.who(other) is not None  # By the old column, of which kim is nobody's contact.
        site.reset()
        assert site.who(browser) is None


def test_it_says_what_it_would_close(site: Site) -> None:
    """Without OK nothing is written; with it, nobody gets in by the old column."""
    site.manage("portalcreds_sync", "--from-users")
    said = site.manage("portalcreds_close_old_door")
    assert "to be closed: 1" in said
    assert "without a password in the portal: 1" in said
    site.rosa.refresh_from_db()
    assert site.rosa.check_password(OLD_PASSWORD)
    assert "closed: 1" in site.manage("portalcreds_close_old_door", "--confirm")
    site.rosa.refresh_from_db()
    assert not site.rosa.has_usable_password()
    assert site.users.get(username="mreyes").has_usable_password()
    assert site.manage("portalcreds_close_old_door", "--confirm") == ""


@pytest.fixture
def moving() -> Iterator[UpgradingHasher]:
    """Return a hasher that verifies Django's hashes, the fast ones wrapped."""
    issued = Argon2Hasher(CHEAPEST_ISSUED)
    with UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN),
        issued=issued,
        legacy=[Wrapping(SystemVerifier("django"), issued)],
        denial_floor=timedelta(milliseconds=1),
    ) as hasher:
        yield hasher


def test_old_passwords_move_in(site: Site, moving: UpgradingHasher) -> None:
    """With their hashes in the portal, contacts go on with their old passwords, by the portal alone."""
    with _set(hasher=moving):
        site.manage("portalcreds_sync", "--from-users")
        assert "import: will_import: 1" in site.manage("portalcreds_close_old_door", "--import")
        said = site.manage("portalcreds_close_old_door", "--import", "--confirm")
        assert "import: imported: 1" in said
        assert "without a password" not in said
        assert isinstance(site.portal.sign_ins.sign_in("rabbiatici", OLD_PASSWORD), SignedIn)
        site.sign_in(browser := site.browser(), "rabbiatici", OLD_PASSWORD)
        assert site.who(browser) == site.contact_id


def test_what_the_portal_refuses_is_an_error(site: Site) -> None:
    """A portal whose parts cannot work together ends a command with a message."""
    error = import_module("django.core.management.base").CommandError
    site.manage("portalcreds_sync", "--from-users")
    with cheap_hasher() as hasher, _set(hasher=hasher), pytest.raises(error, match="operator_id"):
        site.manage("portalcreds_close_old_door", "--import", "--operator", "")
