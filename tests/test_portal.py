"""The front door: every part reaches each service that needs it, and what was opened is closed (R24)."""

from __future__ import annotations

import inspect
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import GOOD_PASSWORD, NOBODY, OFFICE, ROSA, USERNAMES, MovingClock, cheap_hasher
from portalcreds import (
    Account,
    AuditKind,
    ConfigurationError,
    DBAPIAccountStore,
    DefaultExpired,
    Grants,
    MemoryAccountStore,
    NameTemplate,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordPolicy,
    PasswordRefused,
    Portal,
    Privilege,
    PrivilegeDeniedError,
    RandomReadable,
    ResetOutcome,
    SignedIn,
    SignInDenied,
    TryLater,
    UpgradingHasher,
)
from portalcreds.audit import AuditEvent
from portalcreds.exceptions import HashingUnavailableError
from portalcreds.portal import PortalParts
from portalcreds.throttle import Limit, ThrottleLimits

EVERYTHING = Grants(privileges={"office": Privilege})


@pytest.fixture
def hasher() -> Any:
    """A hasher of the test's own."""
    with cheap_hasher() as made:
        yield made


def ready(portal: Portal) -> Portal:
    """Add Rosa and set her default."""
    portal.accounts.sync_contacts([ROSA], OFFICE, usernames=USERNAMES)
    assert portal.resets.reset_password("c-1", OFFICE).outcome == ResetOutcome.SET
    return portal


def test_one_call_makes_a_working_portal(tmp_path: Path) -> None:
    """The whole way, from an empty file to a password of the contact's own, needs one import of parts."""
    with Portal.open_sqlite(tmp_path / "portal.db", authorizer=EVERYTHING) as portal:
        ready(portal)
        demanded = portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR")
        assert isinstance(demanded, PasswordChangeRequired)
        assert isinstance(portal.sign_ins.complete_change(demanded.ticket, GOOD_PASSWORD), PasswordChanged)
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_the_strategy_reaches_the_resets_and_the_policy(hasher: UpgradingHasher) -> None:
    """R19: what a house rule derives is set as the default, and refused as the password of the contact's own."""
    rule = NameTemplate(template="{first_name} of the house {last_name}")
    portal = ready(Portal.over(MemoryAccountStore(), authorizer=EVERYTHING, hasher=hasher, strategy=rule))
    default = rule.derive(ROSA).secret
    demanded = portal.sign_ins.sign_in("rabbiatici", default)
    assert isinstance(demanded, PasswordChangeRequired)
    refused = portal.sign_ins.complete_change(demanded.ticket, default.reveal() + "!!")
    assert isinstance(refused, PasswordRefused)
    assert [violation.code for violation in refused.violations] == ["derivable_from_contact"]


def test_words_and_strategies_are_added_to_the_policy(hasher: UpgradingHasher) -> None:
    """A policy that was handed in keeps its own words, strategies and lengths."""
    policy = PasswordPolicy(
        min_length=20, context_words=("Grand Bend",), strategies=(NameTemplate(template="{last_name}"),)
    )
    portal = Portal.over(
        MemoryAccountStore(), authorizer=EVERYTHING, hasher=hasher, policy=policy, context_words=["Parent Portal"]
    )
    assert portal.policy.minimum == 20
    assert portal.policy.context_words == ("Grand Bend", "Parent Portal")
    assert [strategy.id for strategy in portal.policy.strategies] == [
        "name-template:{last_name}",
        "last-name-first-initial",
    ]


def test_the_clock_and_the_lifetimes_reach_every_service(hasher: UpgradingHasher) -> None:
    """R5: a default expires by the portal's clock and lifetime, and so does a ticket."""
    clock = MovingClock()
    portal = ready(
        Portal.over(
            MemoryAccountStore(),
            authorizer=EVERYTHING,
            hasher=hasher,
            clock=clock,
            lifetime=timedelta(hours=2),
            ticket_lifetime=timedelta(minutes=1),
        )
    )
    demanded = portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR")
    assert isinstance(demanded, PasswordChangeRequired)
    clock.move(minutes=2)
    assert not isinstance(portal.sign_ins.complete_change(demanded.ticket, GOOD_PASSWORD), PasswordChanged)
    clock.move(hours=2)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), DefaultExpired)


def test_the_limits_are_shared_by_signing_in_and_unlocking(hasher: UpgradingHasher) -> None:
    """R9: one throttle serves every path, so that what locks at a sign-in is what `unlock` opens."""
    limits = ThrottleLimits(per_username=(Limit(2, timedelta(hours=1)),))
    portal = ready(Portal.over(MemoryAccountStore(), authorizer=EVERYTHING, hasher=hasher, limits=limits))
    for _ in range(2):
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", "wrong"), SignInDenied)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), TryLater)
    portal.accounts.unlock("c-1", OFFICE)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)


def test_the_hook_and_the_sink_reach_every_service(hasher: UpgradingHasher) -> None:
    """R17: each committed change is told once, and what happens without a change is recorded where the host says."""
    told: list[AuditKind] = []
    recorded: list[AuditEvent] = []

    class Sink:
        def record(self, events: Sequence[AuditEvent], /) -> None:
            recorded.extend(events)

    def hook(account: Account, event: AuditEvent) -> None:
        told.append(event.kind)

    portal = ready(
        Portal.over(MemoryAccountStore(), authorizer=EVERYTHING, hasher=hasher, audit=Sink(), on_change=hook)
    )
    demanded = portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR")
    assert isinstance(demanded, PasswordChangeRequired)
    portal.sign_ins.complete_change(demanded.ticket, GOOD_PASSWORD)
    portal.accounts.disable("c-1", OFFICE)
    portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert told == [AuditKind.PASSWORD_ISSUED, AuditKind.PASSWORD_CHANGED, AuditKind.ACCOUNT_DISABLED]
    assert AuditKind.SIGN_IN_FAILED in [event.kind for event in recorded]


def test_the_authorizer_is_asked_by_both_services_of_the_office(hasher: UpgradingHasher) -> None:
    """R16: nobody without privileges looks at accounts or sets passwords."""
    portal = ready(Portal.over(MemoryAccountStore(), authorizer=EVERYTHING, hasher=hasher))
    with pytest.raises(PrivilegeDeniedError):
        portal.accounts.get("c-1", NOBODY)
    with pytest.raises(PrivilegeDeniedError):
        portal.resets.reset_password("c-1", NOBODY)


def test_what_was_handed_in_stays_open(tmp_path: Path, hasher: UpgradingHasher) -> None:
    """R24: closing a portal closes neither the store nor the hasher that the host handed in."""
    with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as store:
        with Portal.over(store, authorizer=EVERYTHING, hasher=hasher) as portal:
            ready(portal)
        assert store.find(ROSA.contact_id) is not None
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)


def test_what_was_opened_is_closed(tmp_path: Path) -> None:
    """A portal over a file gives back its threads and connections."""
    with Portal.open_sqlite(tmp_path / "portal.db", authorizer=EVERYTHING) as portal:
        ready(portal)
    assert isinstance(portal.hasher, UpgradingHasher)
    with pytest.raises(HashingUnavailableError):
        portal.hasher.admit()
    with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
        # An exclusive lock is to be had only when nobody else has the file open in this mode.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")


def test_a_part_that_does_not_fit_leaves_nothing_open(tmp_path: Path) -> None:
    """A refused part closes what was opened for it: the unclosed file would warn, and a warning fails this test."""
    with pytest.raises(ConfigurationError, match="lifetime"):
        Portal.open_sqlite(tmp_path / "portal.db", authorizer=EVERYTHING, lifetime=timedelta(0))


def test_a_misspelt_or_missing_part_names_what_was_called(tmp_path: Path) -> None:
    """Who calls `open_sqlite` is told about `open_sqlite`, before there is a file, and may pass it all of `over`."""
    opened: Any = Portal.open_sqlite
    for parts, told in (({}, "'authorizer'"), ({"authorizer": EVERYTHING, "strategie": None}, "strategie")):
        with pytest.raises(TypeError, match=told) as caught:
            opened(tmp_path / "portal.db", **parts)
        assert re.match(r"(Portal\.)?open_sqlite\b", str(caught.value))
    assert not list(tmp_path.iterdir())
    taken = inspect.signature(Portal.over).parameters.keys() - {"store", "authorizer"}
    assert taken == PortalParts.__annotations__.keys()


def test_a_store_without_a_counter_needs_one(hasher: UpgradingHasher) -> None:
    """R9: where attempts are counted is never left to chance."""

    class Bare:
        def record(self, events: Sequence[AuditEvent], /) -> None: ...

    bare: Any = Bare()
    with pytest.raises(ConfigurationError, match="counter: pass an AttemptCounter"):
        Portal.over(bare, authorizer=EVERYTHING, hasher=hasher)


def test_a_strategy_that_is_none_is_named(hasher: UpgradingHasher) -> None:
    """R23: the refusal names the argument that was passed, not the part that it was handed on to."""
    with pytest.raises(ConfigurationError, match=r"^strategy: "):
        Portal.over(MemoryAccountStore(), authorizer=EVERYTHING, hasher=hasher, strategy=object())  # type: ignore[arg-type]  # Wrong on purpose.


def test_a_strategy_s_class_is_told_from_an_instance(hasher: UpgradingHasher) -> None:
    """R23: forgetting the parentheses has a hint of its own, not an error at the first contact."""
    with pytest.raises(ConfigurationError, match=r"pass an instance, such as RandomReadable\(\)"):
        Portal.over(MemoryAccountStore(), authorizer=EVERYTHING, hasher=hasher, strategy=RandomReadable)  # type: ignore[arg-type]  # Wrong on purpose.


def test_one_text_is_no_list_of_words(hasher: UpgradingHasher) -> None:
    """A single text would become its letters, none of which is a context word."""
    with pytest.raises(ConfigurationError, match="context_words"):
        Portal.over(MemoryAccountStore(), authorizer=EVERYTHING, hasher=hasher, context_words="Grand Bend")


def test_a_portal_shows_no_part_of_it() -> None:
    """R14: printing a portal in a notebook shows what it is over and no account, key or path."""
    with Portal.over(MemoryAccountStore(), authorizer=EVERYTHING) as portal:
        assert repr(portal) == "<Portal over MemoryAccountStore>"
