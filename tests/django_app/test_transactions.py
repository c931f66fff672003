"""The store on the connection of a request: in an ``atomic`` block, in a ``TestCase`` and outside of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest

from portal import GOOD_PASSWORD
from portalcreds import SignedIn, SignInDenied
from portalcreds.accounts import Account
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.exceptions import ConfigurationError, PrivilegeDeniedError
from portalcreds.privileges import Operator
from stores.hosts import rows_of

from .site import OFFICE, Site


class _UndoneError(Exception):
    """Has a block rolled back."""


@pytest.fixture
def atomic(every_site: Site) -> Any:
    """Return what begins a block that is rolled back when an error leaves it."""
    every_site.move()
    return import_module("django.db.transaction").atomic


def _epoch(site: Site) -> int | None:
    return site.portal.store.find_epoch(site.contact_id)


def test_a_rollback_undoes_what_was_written(every_site: Site, atomic: Any) -> None:
    """R20: a password that is set in a block is set with the block, and with it its event."""
    with suppress(_UndoneError), atomic():
        every_site.reset()
        assert _epoch(every_site) == 1
        raise _UndoneError
    assert _epoch(every_site) == 0
    with atomic():
        every_site.reset()
    assert _epoch(every_site) == 1


def test_an_inner_rollback_leaves_the_outer_block(every_site: Site, atomic: Any) -> None:
    """R20: what was written before the inner block is kept."""
    with atomic():
        every_site.reset()
        with suppress(_UndoneError), atomic():
            every_site.reset()
            raise _UndoneError
    assert _epoch(every_site) == 1


def test_counts_and_refusals_outlive_a_rollback(server_site: Site) -> None:
    """R9, R16: a guess stays counted, and a refusal on the record, although the request is rolled back."""
    site = server_site
    site.move()
    site.reset()
    atomic = import_module("django.db.transaction").atomic
    for _ in range(10):
        with suppress(_UndoneError), atomic():
            assert isinstance(site.portal.sign_ins.sign_in("rabbiatici", "a guess"), SignInDenied)
            raise _UndoneError
    assert {limit.reason for limit in site.portal.accounts.limits_on(site.contact_id, OFFICE)} == {"spent", "username"}
    with pytest.raises(PrivilegeDeniedError), atomic():
        site.portal.resets.reset_password(site.contact_id, Operator(operator_id="rabbiatici"))
    store: Any = site.portal.store
    kinds = [event.kind for event in store.events()]
    assert AuditKind.PRIVILEGE_DENIED in kinds
    assert kinds.count(AuditKind.SIGN_IN_FAILED) == 10


def test_a_hook_is_told_on_commit(every_site: Site, atomic: Any) -> None:
    """What is rolled back tells nobody, what is committed tells once, outside of a block at once."""
    told: list[str] = []

    def hook(account: Account, event: AuditEvent) -> None:
        told.append(event.kind.value)

    settings = import_module("django.conf").settings
    override = import_module("django.test").override_settings
    with override(PORTALCREDS=settings.PORTALCREDS | {"on_change": hook}):
        with suppress(_UndoneError), atomic():
            every_site.reset()
            raise _UndoneError
        assert told == []
        with atomic():
            every_site.reset()
            assert told == []
        assert len(told) == 1
        every_site.reset()
        assert len(told) == 2


def _counts(site: Site) -> list[tuple[Any, ...]]:
    with site.connection.cursor() as cursor:
        return rows_of(cursor, "SELECT attempt_key, n FROM portal_attempts ORDER BY attempt_key")


@pytest.fixture
def in_test_case(every_site: Site) -> Iterator[Site]:
    """Return a site in the midst of a test of a ``TestCase``."""
    every_site.move()
    base = import_module("django.test").TestCase

    class _Case(base):  # type: ignore[misc, valid-type]  # Django has no types.
        def runTest(self) -> None:  # noqa: N802  unittest's name.
            """Do nothing; the fixture does."""

    before = _counts(every_site)
    _Case.setUpClass()
    case = _Case()
    case._pre_setup()
    yield every_site
    case._post_teardown()
    _Case.tearDownClass()
    _Case.doClassCleanups()
    assert _epoch(every_site) == 0
    assert _counts(every_site) == before


def test_it_works_in_a_test_case(in_test_case: Site) -> None:
    """Everything works on the one connection of a ``TestCase``, which undoes all of it, counts included."""
    site, browser = in_test_case, in_test_case.browser()
    site.settle(browser)
    assert site.who(browser) == site.contact_id
    for _ in range(10):
        site.portal.sign_ins.sign_in("rabbiatici", "a guess")
    assert site.portal.accounts.limits_on(site.contact_id, OFFICE) != ()
    with import_module("django.db.transaction").atomic():
        site.portal.accounts.unlock(site.contact_id, OFFICE)
        assert isinstance(site.portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_no_hash_is_kept_while_debugging(every_site: Site) -> None:
    """R14: with DEBUG, Django keeps the statements of its own cursors, and the store's are none."""
    every_site.move()
    every_site.connection.force_debug_cursor = True
    every_site.reset()
    assert "portal_accounts" not in str(every_site.connection.queries)


def test_a_database_that_is_not_there(site: Site) -> None:
    """The alias of a store is one of the settings'."""
    store = import_module("portalcreds.stores.django").DjangoAccountStore
    with pytest.raises(ConfigurationError, match="key of DATABASES"):
        store("nowhere")
