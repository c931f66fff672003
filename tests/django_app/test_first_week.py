"""A school's first week with the app: from Django's passwords to the portal's, by the pages of the app."""

from __future__ import annotations

from portal import GOOD_PASSWORD, OTHER_PASSWORD

from .site import OLD_PASSWORD, STAFF_PASSWORD, Site


def test_from_the_old_door_to_a_session_that_ends(every_site: Site) -> None:
    """After the move, the old password opens nothing, a default one page, a chosen one a session, until a reset."""
    site, browser = every_site, every_site.browser()
    assert site.found("default") == []
    site.manage("portalcreds_sync", "--from-users")
    assert site.found("default") == ["E007"]
    site.manage("portalcreds_close_old_door", "--confirm")
    assert site.found("default") == []

    assert b"enter a correct username" in site.sign_in(browser, "rabbiatici", OLD_PASSWORD).content
    site.reset()
    page = site.sign_in(browser, "rabbiatici", "AbbiaticiR")
    assert site.who(browser) is None
    assert b"errorlist" in site.choose(browser, page, "AbbiaticiR").content
    assert site.choose(browser, page).status_code == 302
    assert site.who(browser) is None
    assert b"no longer valid" in browser.get(site.choose(browser, page).url).content

    assert site.sign_in(browser, "rabbiatici", GOOD_PASSWORD).url == "/portal/sign-in/"
    assert site.who(browser) == site.contact_id
    site.reset()
    assert site.who(browser) is None
    assert b"enter a correct username" in site.sign_in(browser, "rabbiatici", GOOD_PASSWORD).content

    assert site.sign_in(browser, "mreyes", STAFF_PASSWORD).status_code == 302


def test_the_pages_under_atomic_requests(every_site: Site) -> None:
    """The two pages work where each request is a transaction."""
    site = every_site
    site.move()
    site.connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        browser = site.browser()
        site.settle(browser)
        assert site.who(browser) == site.contact_id
        assert b"correct username" in site.sign_in(browser, "rabbiatici", OTHER_PASSWORD).content
    finally:
        site.connection.settings_dict["ATOMIC_REQUESTS"] = False
