"""Both backends, and the sessions that they open: who is let in, by what, and until when."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from django_site import page_module, shown
from portal import GOOD_PASSWORD, OTHER_PASSWORD
from portalcreds import (
    Account,
    Grants,
    MemoryAccountStore,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    Privilege,
    SignedIn,
    SignInDenied,
    StoreUnavailableError,
    TryLater,
)
from portalcreds.sign_in import KnownValues

from .site import OFFICE, OLD_PASSWORD, STAFF_PASSWORD, Site

BACKENDS = "portalcreds.django.backends"


def _request(browser: Any = None) -> Any:
    """Return a request, with the browser's session if there is one."""
    request = import_module("django.test").RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.session = import_module("django.contrib.sessions.backends.db").SessionStore()
    if browser is not None:
        request.session = browser.session
        request.user = import_module("django.contrib.auth").get_user(request)
    return request


def _authenticate(**credentials: Any) -> Any:
    return import_module("django.contrib.auth").authenticate(**credentials)


@pytest.fixture
def moved(site: Site) -> Site:
    """Return a site after the move, where Rosa has a password of her own."""
    site.move()
    site.settle(site.browser())
    return site


def test_who_is_let_in(moved: Site) -> None:
    """`authenticate` gives a user for `SignedIn` alone, and the request the outcome; permissions are as before."""
    request = _request()
    user = _authenticate(request=request, username="RABBIATICI", password=GOOD_PASSWORD)
    assert user == moved.rosa
    assert isinstance(request.portal_outcome, SignedIn)
    assert user.has_perm("auth.change_user") is False
    assert _authenticate(request=None, username="rabbiatici", password=OTHER_PASSWORD) is None
    assert _authenticate(request=request, username="mreyes", password=STAFF_PASSWORD).is_superuser
    assert _authenticate(request=request, token="none of ours") is None
    moved.reset()
    assert _authenticate(request=request, username="rabbiatici", password="AbbiaticiR") is None
    assert isinstance(request.portal_outcome, PasswordChangeRequired)


def test_a_user_that_django_does_not_have(moved: Site) -> None:
    """A contact who is no user, or no active one, is denied like anybody, with the right password."""
    moved.users.filter(pk=moved.rosa.pk).update(is_active=False)
    assert _authenticate(request=None, username="rabbiatici", password=GOOD_PASSWORD) is None
    moved.users.filter(pk=moved.rosa.pk).delete()
    request = _request()
    assert _authenticate(request=request, username="rabbiatici", password=GOOD_PASSWORD) is None
    assert isinstance(request.portal_outcome, SignInDenied)
    assert import_module("portalcreds.django.configuration").find_user("no number") is None


def test_after_too_many_guesses_no_backend_is_asked(moved: Site) -> None:
    """R9: the limits hold for staff too, whom the portal does not know."""
    for _ in range(10):
        assert _authenticate(request=None, username="mreyes", password="a guess") is None
    request = _request()
    assert _authenticate(request=request, username="mreyes", password=STAFF_PASSWORD) is None
    assert isinstance(request.portal_outcome, TryLater)
    assert b"Try again in" in moved.sign_in(moved.browser(), "mreyes", STAFF_PASSWORD).content


@pytest.mark.parametrize("disabled", [False, True])
def test_staff_who_are_contacts(site: Site, disabled: bool) -> None:
    """The old column lets in nobody who has an account, however the portal stands to it."""
    site.manage("portalcreds_sync", "--from-users")
    if disabled:
        settings = import_module("django.conf").settings
        may = {"authorizer": Grants(privileges={OFFICE.operator_id: [Privilege.DISABLE]})}
        with import_module("django.test").override_settings(PORTALCREDS=settings.PORTALCREDS | may):
            site.portal.accounts.disable(site.contact_id, OFFICE)
    backend = import_module(BACKENDS).StaffBackend()
    assert backend.authenticate(None, "rabbiatici", OLD_PASSWORD) is None
    assert backend.authenticate(None, "mreyes", STAFF_PASSWORD) is not None


def test_without_the_portal_nobody_gets_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody can say who has an account, the old column opens to nobody."""

    def fail(self: object, contact_id: str) -> None:
        raise StoreUnavailableError("find_epoch", "OperationalError")

    monkeypatch.setattr(import_module("portalcreds.stores.django").DjangoAccountStore, "find_epoch", fail)
    assert import_module(BACKENDS).StaffBackend().authenticate(None, "mreyes", STAFF_PASSWORD) is None


def test_a_session_is_of_the_epoch_that_was_let_in(moved: Site) -> None:
    """A reset between the password and the session ends the session before it begins."""
    request = _request()
    user = _authenticate(request=request, username="rabbiatici", password=GOOD_PASSWORD)
    moved.reset()
    import_module("django.contrib.auth").login(request, user)
    request.session.save()
    browser = moved.browser()
    browser.cookies["sessionid"] = request.session.session_key
    assert moved.who(browser) is None


def test_a_session_from_before_the_middleware(moved: Site) -> None:
    """One that says no epoch is ended if it is a contact's, and goes on if it is of staff."""
    for name, backend, goes_on in (("rabbiatici", "PortalBackend", False), ("mreyes", "StaffBackend", True)):
        browser = moved.browser()
        browser.force_login(moved.users.get(username=name), f"{BACKENDS}.{backend}")
        session = browser.session
        session.pop("portal_epoch", None)
        session.save()
        assert (moved.who(browser) is not None) == goes_on


def test_a_changed_password_ends_the_other_sessions(moved: Site) -> None:
    """The session that asked goes on under a new key, and the other one ends (ASVS 5.0 7.4.3)."""
    here, there = moved.browser(), moved.browser()
    for browser in (here, there):
        moved.sign_in(browser, "rabbiatici", GOOD_PASSWORD)
    change = import_module("portalcreds.django.signing_in").change_password
    request = _request(here)
    assert isinstance(change(request, "a guess", OTHER_PASSWORD), SignInDenied)
    assert isinstance(change(request, GOOD_PASSWORD, "AbbiaticiR"), PasswordRefused)
    assert isinstance(change(request, GOOD_PASSWORD, OTHER_PASSWORD), PasswordChanged)
    request.session.save()
    old = here.cookies["sessionid"].value
    here.cookies["sessionid"] = request.session.session_key
    assert request.session.session_key != old
    assert moved.who(here) == moved.contact_id
    assert moved.who(there) is None


def test_a_reset_beside_a_changed_password(moved: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reset right after the change ends the session that asked for it too."""
    signing_in = import_module("portalcreds.django.signing_in")
    moved.sign_in(browser := moved.browser(), "rabbiatici", GOOD_PASSWORD)
    request, find = _request(browser), signing_in.find_user

    def meddle(contact_id: str) -> Any:
        moved.reset()
        return find(contact_id)

    monkeypatch.setattr(signing_in, "find_user", meddle)
    assert isinstance(signing_in.change_password(request, GOOD_PASSWORD, OTHER_PASSWORD), PasswordChanged)
    request.session.save()
    browser.cookies["sessionid"] = request.session.session_key
    assert moved.who(browser) is None


def test_a_user_model_with_the_epoch(moved: Site) -> None:
    """With the page's mixin, Django itself ends the session, and old keys of the site's verify as ever."""
    models = import_module("django.contrib.auth.models")
    mixin = import_module("portalcreds.django.sessions").SessionEpochMixin

    class Parent(mixin, models.User):  # type: ignore[misc, valid-type, name-defined]  # Django has no types.
        class Meta:
            proxy = True
            app_label = "auth"

    middleware = [name for name in import_module("django.conf").settings.MIDDLEWARE if "Epoch" not in name]
    with import_module("django.test").override_settings(AUTH_USER_MODEL="auth.Parent", MIDDLEWARE=middleware):
        assert moved.found() == []
        moved.sign_in(browser := moved.browser(), "rabbiatici", GOOD_PASSWORD)
        assert moved.who(browser) == moved.contact_id
        with import_module("django.test").override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["not a secret"]):
            assert moved.who(browser) == moved.contact_id
        moved.sign_in(browser, "rabbiatici", GOOD_PASSWORD)
        moved.reset()
        assert moved.who(browser) is None


def test_where_a_request_came_from(moved: Site) -> None:
    """The limits on a source are by the address, or by what the site's own function says."""
    find = import_module("portalcreds.django.configuration").find_source
    settings = import_module("django.conf").settings
    assert find(_request()) == "192.0.2.7"
    assert find(None) is None
    own = settings.PORTALCREDS | {"source": lambda request: "198.51.100.1"}
    with import_module("django.test").override_settings(PORTALCREDS=own):
        assert find(_request()) == "198.51.100.1"


@pytest.mark.parametrize(
    ("outcome", "message"),
    [("DefaultExpired", b"has expired"), ("Unavailable", b"at the moment")],
)
def test_messages(moved: Site, monkeypatch: pytest.MonkeyPatch, outcome: str, message: bytes) -> None:
    """The page says what the portal says, where it says more than that somebody is denied."""
    outcomes, service = import_module("portalcreds.sign_in.outcomes"), import_module("portalcreds.sign_in.service")
    given = getattr(outcomes, outcome)()
    for method in ("sign_in", "complete_change"):
        monkeypatch.setattr(service.SignInService, method, lambda *arguments, **others: given)
    assert message in moved.sign_in(moved.browser(), "rabbiatici", GOOD_PASSWORD).content
    assert message in moved.browser().post("/portal/choose/", {"ticket": "1.x", "new": "y"}).content


def test_too_many_passwords_that_are_refused(moved: Site) -> None:
    """The page to choose a password says how long to wait."""
    moved.reset()
    browser = moved.browser()
    page = moved.sign_in(browser, "rabbiatici", "AbbiaticiR")
    for _ in range(10):
        moved.choose(browser, page, "AbbiaticiR")
    assert b"Try again in" in moved.choose(browser, page, GOOD_PASSWORD).content


# -- the page


def test_the_settings_are_few() -> None:
    """The settings and the addresses take at most 15 lines."""
    lines = [line for marker in ("settings", "urls") for line in shown(marker).splitlines() if line.strip()]
    assert len(lines) <= 15


def test_the_views_of_the_page(moved: Site) -> None:
    """A view of the site's own makes the session, or shows the form to choose a password; staff set a default."""
    view = page_module("school_view", "view").sign_in_page
    staff = page_module("school_staff", "staff").reset
    page_module("school_user", "rule")
    factory = import_module("django.test").RequestFactory()

    def asked(username: str, password: str) -> Any:
        request = factory.post("/", {"username": username, "password": password})
        request.session = _request().session
        return request, view(request)

    request, response = asked("rabbiatici", GOOD_PASSWORD)
    assert (response.status_code, request.session["_auth_user_id"]) == (302, moved.contact_id)
    request, response = asked("rabbiatici", "a guess")
    assert (response.status_code, [*request.session.keys()]) == (403, [])
    request = factory.post("/")
    request.user = moved.users.get(username="mreyes")
    assert staff(request, moved.contact_id).content == b"set"
    request, response = asked("rabbiatici", "AbbiaticiR")
    assert b'name="ticket"' in response.content
    assert [*request.session.keys()] == []


def test_the_rule_of_the_page(moved: Site) -> None:
    """Staff with Django's permission may set passwords, commands may sync, and parents, or anybody else, nothing."""
    may = page_module("school_rule", "rule").may
    account = moved.portal.store.find(moved.key)
    assert isinstance(account, Account)
    operator = type(OFFICE)
    asked = [operator(operator_id=name) for name in ("mreyes", "rabbiatici", "nobody", "manage.py")]
    for privilege, allowed in (
        (Privilege.SET_ONE, [True, False, False, False]),
        (Privilege.SYNC, [False, False, False, True]),
        (Privilege.REVEAL, [False, False, False, False]),
        (Privilege.ERASE, [False, False, False, False]),
    ):
        assert [may(each, privilege, [account]) for each in asked] == [[answer] for answer in allowed]


def test_a_portal_that_is_made_anew(site: Site) -> None:
    """Other settings in a test make another portal, and closing them brings the first ones back."""
    first = site.portal
    settings = import_module("django.conf").settings
    with import_module("django.test").override_settings(PORTALCREDS=settings.PORTALCREDS | {"tenant": "south"}):
        assert site.portal is not first
        store: Any = site.portal.store
        assert store.tenant == "south"
    assert not isinstance(site.portal.store, MemoryAccountStore)


def test_the_page_asks_for_the_claim_proof(moved: Site) -> None:
    """The form has the field only where it is asked for, says that it is wrong, and goes on with the right one."""
    settings = import_module("django.conf").settings
    proof = KnownValues(lambda ids: {each: ["S-1024"] for each in ids}, kind="student_number")
    with import_module("django.test").override_settings(PORTALCREDS=settings.PORTALCREDS | {"claim_proof": proof}):
        moved.reset()
        browser = moved.browser()
        page = moved.sign_in(browser, "rabbiatici", "AbbiaticiR")
        assert b'name="asks" value="student_number"' in page.content
        assert b'name="claim_proof"' in page.content
        wrong = moved.choose(browser, page, asks="student_number", claim_proof="S-9")
        assert b"This is not what the school gave you." in wrong.content
        # Whoever takes the field out of the form is back at the start.
        assert moved.choose(browser, page).status_code == 302
        assert moved.choose(browser, page, asks="student_number", claim_proof="s1024").status_code == 302
        assert moved.sign_in(browser, "rabbiatici", GOOD_PASSWORD).status_code == 302
        moved.portal.accounts.require_change(moved.contact_id, OFFICE, reason="compromised")
    page = moved.sign_in(moved.browser(), "rabbiatici", GOOD_PASSWORD)
    assert b"Others may know this password." in page.content
