"""What the tests do with a site."""

from __future__ import annotations

import re
from importlib import import_module
from io import StringIO
from typing import Any, Final

from portal import GOOD_PASSWORD
from portalcreds import Operator, Portal
from portalcreds.contacts import ContactId

OLD_PASSWORD: Final = "kept since 2019"
STAFF_PASSWORD: Final = "the office has this"
OFFICE: Final = Operator(operator_id="mreyes")


class Site:
    """A Django site, its portal, and a parent and a member of staff who had passwords before."""

    def __init__(self) -> None:
        """Add both users."""
        users = self.users
        self.rosa = users.create_user("rabbiatici", "rosa@example.org", OLD_PASSWORD)
        self.rosa.first_name, self.rosa.last_name = "Rosa", "Abbiatici"
        self.rosa.save()
        self.contact_id = str(self.rosa.pk)
        users.create_superuser("mreyes", "", STAFF_PASSWORD)

    @property
    def key(self) -> ContactId:
        """Rosa's primary key, as an id."""
        return ContactId(str(self.rosa.pk))

    @property
    def users(self) -> Any:
        """The users that there are."""
        return import_module("django.contrib.auth").get_user_model().objects

    @property
    def portal(self) -> Portal:
        """The site's."""
        portal: Portal = import_module("portalcreds.django.configuration").get_portal()
        return portal

    @property
    def connection(self) -> Any:
        """Django's default one."""
        return import_module("django.db").connection

    def manage(self, *command: str) -> str:
        """Run a command of ``manage.py``, and return what it says."""
        said = StringIO()
        import_module("django.core.management").call_command(*command, stdout=said, stderr=said)
        return said.getvalue()

    def move(self) -> None:
        """Sync, and close the old door."""
        self.manage("portalcreds_sync", "--from-users")
        self.manage("portalcreds_close_old_door", "--confirm")

    def reset(self) -> None:
        """Set Rosa's default."""
        self.portal.resets.reset_password(self.contact_id, OFFICE)

    def browser(self, **options: Any) -> Any:
        """Return Django's test client."""
        return import_module("django.test").Client(**options)

    def sign_in(self, browser: Any, username: str, password: str) -> Any:
        """Send the form of the page to sign in."""
        return browser.post(
            "/portal/sign-in/", {"username": username, "password": password, "next": "/portal/sign-in/"}
        )

    def choose(self, browser: Any, page: Any, new: str = GOOD_PASSWORD, **fields: str) -> Any:
        """Send the form of the page to choose a password, with the ticket that is on it."""
        found = re.search(r'name="ticket" value="([^"]+)"', page.content.decode())
        assert found is not None
        return browser.post("/portal/choose/", {"ticket": found[1], "new": new, **fields})

    def settle(self, browser: Any) -> None:
        """Go the whole way to a password of Rosa's own, and sign in with it."""
        self.reset()
        self.choose(browser, self.sign_in(browser, "rabbiatici", "AbbiaticiR"))
        assert self.sign_in(browser, "rabbiatici", GOOD_PASSWORD).status_code == 302

    def who(self, browser: Any) -> str | None:
        """Return whose session the browser has: as the next request finds out."""
        browser.get("/portal/sign-in/")
        request = import_module("django.http").HttpRequest()
        request.session = browser.session
        user = import_module("django.contrib.auth").get_user(request)
        return None if user.is_anonymous else str(user.pk)

    def found(self, *databases: str) -> list[str]:
        """Return the ids of what the system checks find, without the names of those that are Django's."""
        messages = import_module("django.core.checks").run_checks(databases=list(databases))
        return [message.id.partition(".")[2] for message in messages if message.id.startswith("portalcreds.")]
