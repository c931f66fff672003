"""A parent portal in small, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import attrs

import portalcreds
from portalcreds.accounts import Account, PasswordHash
from portalcreds.administration.outcomes import AccountSummary
from portalcreds.administration.service import AccountService
from portalcreds.audit import AuditEvent
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import default_password
from portalcreds.hashers import Argon2Hasher, UpgradingHasher
from portalcreds.letters import LetterService
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import AccountStore, AttemptCounter, AuditSink, CredentialHasher
from portalcreds.resets.report import ResetOutcome
from portalcreds.resets.service import ResetService
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import PasswordChanged, PasswordChangeRequired
from portalcreds.sign_in.service import SignInService
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import Throttle, ThrottleLimits
from servers import own_database

OFFICE = Operator(operator_id="office")
NOBODY = Operator(operator_id="nobody")
START = datetime(2026, 8, 24, 7, 30, tzinfo=UTC)
GOOD_PASSWORD = "a long walk on the beach"
OTHER_PASSWORD = "seven quiet green bicycles"

ROSA = Contact(contact_id=ContactId("c-1"), first_name="Rosa", last_name="Abbiatici", email="rosa@example.org")
PAT = Contact(contact_id=ContactId("c-2"), first_name="Pat", last_name="O'Brien")
ANNA = Contact(contact_id=ContactId("c-3"), first_name="anna", last_name="van der Berg")
MONONYM = Contact(contact_id=ContactId("c-4"), last_name="Suharto")
FAMILY = (ROSA, PAT, ANNA, MONONYM)
USERNAMES = {"c-1": "rabbiatici", "c-2": "PObrien", "c-3": "avdberg", "c-4": "suharto"}


class MovingClock:
    """Tells the time that the test says."""

    def __init__(self) -> None:
        """Begin at the start of a school year."""
        self.now = START

    def __call__(self) -> datetime:
        """Return it."""
        return self.now

    def move(self, **by: float) -> None:
        """Go on by a timedelta's keywords."""
        self.now += timedelta(**by)


def is_spent(throttle: Throttle, account: Account) -> bool:
    """Return whether failures have spent the account's credential."""
    return any(limit.reason == "spent" for limit in throttle.reached(account))


class PortalStore(AccountStore, AuditSink, Protocol):
    """What the stores that ship are."""

    def events(self, contact_id: ContactId | None = None, *, limit: int | None = None) -> tuple[AuditEvent, ...]:
        """Return what is on the record."""
        ...


def cheap_hasher() -> UpgradingHasher:
    """Return the real hasher at costs that only a test may use."""
    return UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED))


@attrs.define
class Portal:
    """A portal whose parts a test may look at; `with_parts` makes it anew with others."""

    store: PortalStore
    counter: AttemptCounter
    clock: MovingClock
    hasher: UpgradingHasher
    parts: dict[str, Any] = attrs.field(factory=dict)

    @property
    def authorizer(self) -> Any:
        """Who may do what: the office everything."""
        return self.parts.get("authorizer", Grants(privileges={"office": list(Privilege)}))

    @property
    def throttle(self) -> Throttle:
        """The limits."""
        return Throttle(self.counter, limits=self.parts.get("limits", ThrottleLimits()), clock=self.clock)

    @property
    def accounts(self) -> AccountService:
        """The service for accounts."""
        return self._over(self.hasher).accounts

    @property
    def resets(self) -> ResetService:
        """The service for resets."""
        return self._over(self.hasher).resets

    @property
    def letters(self) -> LetterService:
        """The service for letters."""
        return self._over(self.hasher).letters

    @property
    def sign_ins(self) -> SignInService:
        """The service for sign-ins."""
        return self._over(self.parts.get("sign_in_hasher", self.hasher)).sign_ins

    def _over(self, hasher: CredentialHasher) -> portalcreds.Portal:
        optional = {name: part for name, part in self.parts.items() if name not in ("authorizer", "sign_in_hasher")}
        return portalcreds.Portal.over(
            self.store,
            authorizer=self.authorizer,
            hasher=hasher,
            counter=self.counter,
            clock=self.clock,
            **({"context_words": ("Grand Bend",)} | optional),
        )

    def with_parts(self, **parts: Any) -> Portal:
        """Return the same portal with other parts."""
        return attrs.evolve(self, parts=self.parts | parts)

    def chosen_hash(self, password: str) -> PasswordHash:
        """Return a password's hash, written anew."""
        permit = self.hasher.admit()
        assert permit is not None
        with permit:
            return permit.hash_chosen(Secret(password))

    def account(self, contact_id: str) -> Account:
        """Return what is stored of a contact."""
        found = self.store.find(ContactId(contact_id))
        assert found is not None
        return found

    def summary(self, contact_id: str) -> AccountSummary:
        """Return what any operator may know of a contact's account."""
        found = self.account(contact_id)
        return AccountSummary(
            contact_id=found.contact_id, status=found.status(self.clock()), epoch=found.credential.epoch
        )

    def choose(self, contact_id: str, password: str = GOOD_PASSWORD) -> None:
        """Let a contact sign in with the default and choose a password."""
        account = self.account(contact_id)
        assert account.username is not None
        demanded = self.sign_ins.sign_in(account.username, default_password(account.contact))
        assert isinstance(demanded, PasswordChangeRequired)
        assert isinstance(self.sign_ins.complete_change(demanded.ticket, password), PasswordChanged)

    def add_school(self, count: int) -> list[ContactId]:
        """Add so many contacts more, and return their ids in order."""
        school = [
            Contact(contact_id=ContactId(f"s-{n:04}"), first_name="Kim", last_name=f"Parent{n:04}")
            for n in range(count)
        ]
        self.accounts.sync_contacts(school, OFFICE, usernames=lambda contact: f"user.{contact.contact_id}")
        return [contact.contact_id for contact in school]

    def kinds(self, contact_id: str | None = None) -> list[str]:
        """Return the kinds on the record, with reasons, in order."""
        return [
            event.kind.value if event.reason is None else f"{event.kind.value} {event.reason}"
            for event in self.store.events(None if contact_id is None else ContactId(contact_id))
        ]


@contextmanager
def open_portal(kind: str, folder: Path) -> Iterator[Portal]:
    """Open a portal over a store of that kind, with the family in it."""
    clock = MovingClock()
    with cheap_hasher() as hasher:
        if kind == "memory":
            yield _filled(Portal(MemoryAccountStore(), MemoryAttemptCounter(clock=clock), clock, hasher))
        elif kind == "sqlite":
            with DBAPIAccountStore.open_sqlite(folder / "portal.db") as store:
                yield _filled(Portal(store, store.counter(clock=clock), clock, hasher))
        else:
            with own_database(kind) as connect, DBAPIAccountStore(connect, dialect=kind) as store:
                store.create_tables()
                yield _filled(Portal(store, store.counter(clock=clock), clock, hasher))


def _filled(portal: Portal) -> Portal:
    portal.accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES)
    return portal


def issued(portal: Portal, contact_id: str = "c-1") -> str:
    """Have a default set, and return it."""
    assert portal.resets.reset_password(contact_id, OFFICE).outcome is ResetOutcome.SET
    return default_password(portal.account(contact_id).contact).reveal()


def invited(portal: Portal, contact_id: str = "c-1", **terms: Any) -> Secret:
    """Have a contact invited, and return the ticket."""
    result = portal.resets.invite(contact_id, OFFICE, **terms)
    assert result.outcome is ResetOutcome.SET
    assert result.secret is not None
    return result.secret


def ticket_of(portal: Portal, username: str = "rabbiatici", password: str = "AbbiaticiR") -> Secret:
    """Sign in where a change is due, and return the ticket."""
    outcome = portal.sign_ins.sign_in(username, password)
    assert isinstance(outcome, PasswordChangeRequired)
    return outcome.ticket


def settled(portal: Portal, contact_id: str = "c-1", password: str = GOOD_PASSWORD) -> Account:
    """Go the whole way from a default to a password of the contact's own, and return the account."""
    ticket = ticket_of(portal, USERNAMES[contact_id], issued(portal, contact_id))
    outcome = portal.sign_ins.complete_change(ticket, password)
    assert isinstance(outcome, PasswordChanged)
    return outcome.account


CallHook = Callable[[str, str, tuple[Any, ...]], None]
"""Told ``before`` or ``after``, the method's name, and its arguments."""

_Part = TypeVar("_Part")


def watched(part: _Part, hook: CallHook) -> _Part:
    """Return the part with *hook* told of each call of a method; what the hook raises comes out of the call."""
    return cast(_Part, _Watched(part, hook))


class _Watched:
    def __init__(self, part: object, hook: CallHook) -> None:
        self._part = part
        self._hook = hook

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)
        if not callable(method):
            return method

        def call(*args: Any, **keywords: Any) -> Any:
            self._hook("before", name, args)
            result = method(*args, **keywords)
            self._hook("after", name, args)
            return result

        return call
