"""Through the services, over every store: what their owners chose survives whoever else writes."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest

from portal import (
    FAMILY,
    GOOD_PASSWORD,
    OFFICE,
    OTHER_PASSWORD,
    USERNAMES,
    MovingClock,
    Portal,
    cheap_hasher,
    issued,
    open_portal,
    settled,
    watched,
)
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account, AccountStatus, CredentialOrigin
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import default_password
from portalcreds.protocols import AccountStore, ApplyResult, Change
from portalcreds.resets.plan import DecisionReason
from portalcreds.resets.report import ResetOutcome
from portalcreds.sign_in.outcomes import PasswordChanged, PasswordChangeRequired, SignedIn, SignInDenied, TicketInvalid
from portalcreds.stores._sql.account_reader import AccountReader
from portalcreds.stores._sql.word_finder import Places
from portalcreds.testing._store_samples import NOW
from races import age_the_hash, at_once, crowded, works
from stores.backends import BACKENDS, STORES, Backend, backend_or_memory

AT_ONCE = 64
"""Threads at most; each may need a connection."""


@pytest.fixture(scope="module", params=STORES)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend | None]:
    """Each backend, and None for the store in memory; each test is a tenant of its own."""
    with backend_or_memory(request.param, tmp_path_factory.mktemp("backend")) as backend:
        yield backend


@pytest.fixture
def portal(backend: Backend | None, tmp_path: Path) -> Iterator[Portal]:
    """A portal over each store, with the family in it."""
    if backend is None:
        with open_portal("memory", tmp_path) as opened:
            yield opened
        return
    clock = MovingClock()
    with backend.open(uuid4().hex, connections=AT_ONCE) as store, cheap_hasher() as hasher:
        opened = Portal(store, store.counter(clock=clock), clock, hasher)
        opened.accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES)
        yield opened


def whole(backend: Backend | None, full: int, some: int) -> int:
    """Return the full number, or some where what is behind the same database is tried in full already."""
    return some if backend is not None and backend.name.startswith("sqlalchemy-") else full


# -- many claim one default


def race_of_claimants(portal: Portal, claimants: int, rounds: int) -> None:
    """Let so many who know one default each try to make the account their own, so often."""
    told: list[Account] = []
    claims: list[tuple[str, Any]] = []
    won: list[str] = []

    def claim(number: int) -> tuple[str, Any]:
        password = f"claimant number {number} was here"
        outcome: Any = sign_ins.sign_in("rabbiatici", default)
        while isinstance(outcome, PasswordChangeRequired):
            outcome = sign_ins.complete_change(outcome.ticket, password)
        return password, outcome

    with crowded(portal, claimants) as many:
        sign_ins = many.with_parts(on_change=lambda account, _event: told.append(account)).sign_ins
        for number in range(rounds):
            default = issued(portal)
            epoch = portal.account("c-1").credential.epoch
            told.clear()
            claims = at_once(*(partial(claim, number) for number in range(claimants)))
            won = [password for password, outcome in claims if isinstance(outcome, PasswordChanged)]
            assert len(won) == 1
            assert {type(outcome) for _, outcome in claims} <= {PasswordChanged, TicketInvalid, SignInDenied}
            assert [each.credential.epoch for each in told] == [epoch + 1]
            assert portal.account("c-1").credential.epoch == epoch + 1
            assert works(many, won[0])
        assert portal.kinds("c-1").count("authn_password_change issued") == rounds
        assert [works(many, password) for password, _ in claims] == [password in won for password, _ in claims]


def test_of_many_claimants_of_one_default_exactly_one_wins(portal: Portal) -> None:
    """All with the same default at the same moment: one password, one event, one call of the hook."""
    race_of_claimants(portal, claimants=12, rounds=1)


@pytest.mark.whole
def test_of_64_claimants_of_one_default_exactly_one_wins(portal: Portal, backend: Backend | None) -> None:
    """The same for 64 claimants, 50 times."""
    race_of_claimants(portal, claimants=AT_ONCE, rounds=whole(backend, 50, 3))


# -- a sign-in that upgrades, against its owner's change


def race_of_upgrade_against_change(portal: Portal, rounds: int) -> None:
    """
    Let a sign-in upgrade the hash while its owner changes the password, so often.

    In every other race the upgrade is written when the change has been, which is the order that does harm where it is
    not compared; in the others chance decides.
    """
    settled(portal)
    old, new = OTHER_PASSWORD, GOOD_PASSWORD
    jitter = random.Random(1)  # noqa: S311  No secret is drawn from it.
    changed_first = threading.Event()
    is_late = True

    def before_an_upgrade(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply"):
            kinds = {event.kind for written in arguments[0] for event in written.events}
            if AuditKind.HASH_UPGRADED in kinds and is_late:
                changed_first.wait()
            elif AuditKind.HASH_UPGRADED in kinds:
                time.sleep(jitter.uniform(0, 0.005))

    def change() -> object:
        try:
            return both.sign_ins.change_password("rabbiatici", old, new)
        finally:
            changed_first.set()

    with crowded(portal, 8) as both:
        upgrading = attrs.evolve(both, store=watched(portal.store, before_an_upgrade))
        for _ in range(rounds):
            old, new, is_late = new, old, not is_late
            changed_first.clear()
            age_the_hash(portal, old)
            signed_in, changed = at_once(partial(upgrading.sign_ins.sign_in, "rabbiatici", old), change)
            assert isinstance(changed, PasswordChanged)
            assert isinstance(signed_in, SignedIn | SignInDenied)
            assert portal.account("c-1").credential.epoch == changed.account.credential.epoch
            assert works(both, new)
        assert not works(both, old)
    # An upgrade that loses its race is dropped (R4).
    assert portal.kinds("c-1").count("authn_hash_upgrade") <= (rounds + 1) // 2


def test_an_upgrade_never_undoes_its_owners_change(portal: Portal) -> None:
    """The owner's new password survives every race with a sign-in that writes the old one's hash anew (R3, R4)."""
    race_of_upgrade_against_change(portal, rounds=10)


@pytest.mark.whole
def test_an_upgrade_never_undoes_its_owners_change_in_a_thousand_races(portal: Portal, backend: Backend | None) -> None:
    """The same 1,000 times."""
    race_of_upgrade_against_change(portal, rounds=whole(backend, 1000, 50))


# -- a bulk, against its contacts' own changes


def race_of_bulk_against_changes(portal: Portal, contacts: int, changers: int) -> None:
    """
    Let so many contacts choose a password while all of them are being set.

    Before each write of the bulk, some change who are in that very chunk, and were read before: that the bulk loses is
    no matter of luck. The others change whenever they come to it.
    """
    ids = portal.add_school(contacts)
    own = {contact_id: f"an own password of {contact_id}" for contact_id in ids[:: contacts // changers][:changers]}
    assert (
        portal.resets.start(portal.resets.plan(own, OFFICE).confirm(OFFICE)).run().count(ResetOutcome.SET) == changers
    )
    plan = portal.resets.plan(ids, OFFICE).confirm(OFFICE)
    waiting = list(own)
    changing: list[Future[int]] = []

    def change(contact_id: ContactId) -> int:
        # With a default that is set anew the ticket is void, and the same default opens the door again.
        username, default = f"user.{contact_id}", default_password(portal.account(contact_id).contact)
        for attempt in range(1, 11):
            outcome: Any = many.sign_ins.sign_in(username, default)
            assert isinstance(outcome, PasswordChangeRequired)
            if isinstance(many.sign_ins.complete_change(outcome.ticket, own[contact_id]), PasswordChanged):
                return attempt
        raise AssertionError("the bulk sets each default once")

    def before_a_write(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply") and waiting:
            of_this_chunk = {written.new.contact_id for written in arguments[0]}
            due = [contact_id for contact_id in waiting if contact_id in of_this_chunk]
            further = [contact_id for contact_id in waiting if contact_id not in of_this_chunk][: len(due) // 2]
            futures = [executor.submit(change, contact_id) for contact_id in due + further]
            changing.extend(futures)
            waiting[:] = [contact_id for contact_id in waiting if contact_id not in {*due, *further}]
            # Half of the chunk's own have changed when the write begins, and half change meanwhile.
            wait(futures[: (len(due) + 1) // 2])

    racing = attrs.evolve(portal, store=watched(portal.store, before_a_write))
    with crowded(portal, AT_ONCE) as many, ThreadPoolExecutor(8) as executor:
        report = racing.resets.start(plan).run()
        changing += [executor.submit(change, contact_id) for contact_id in waiting]
        attempts = Counter(future.result() for future in changing)
        assert attempts.total() == changers
        assert all(works(many, password, f"user.{contact_id}") for contact_id, password in own.items())
    accounts = portal.store.find_many(ids)
    set_by_it = {event.contact_id for event in portal.store.events() if event.operation_id == report.key}
    assert [event.operation_id for event in portal.store.events()].count(report.key) == len(set_by_it)
    assert {result.contact_id for result in report if result.outcome == ResetOutcome.SET} == set_by_it
    skipped = {result.contact_id for result in report if result.outcome == ResetOutcome.SKIPPED}
    assert {result.reason for result in report if result.contact_id in skipped} == {DecisionReason.CHANGED_MEANWHILE}
    assert skipped | set_by_it == set(ids)
    assert set() < skipped <= own.keys()
    for contact_id, account in accounts.items():
        chose = contact_id in own
        assert account.credential.origin == (CredentialOrigin.CHOSEN if chose else CredentialOrigin.ISSUED)
        kinds = [event.kind for event in portal.store.events(contact_id)] if chose else []
        assert kinds.count(AuditKind.PASSWORD_CHANGED) == chose


def test_a_bulk_never_undoes_an_own_change(portal: Portal) -> None:
    """Every password chosen while a bulk is at work survives it, and the report says who was skipped (R11)."""
    race_of_bulk_against_changes(portal, contacts=60, changers=12)


@pytest.mark.whole
def test_a_bulk_of_5000_never_undoes_an_own_change(portal: Portal, backend: Backend | None) -> None:
    """The same for 5,000 contacts, of whom 500 choose meanwhile."""
    contacts = whole(backend, 5000, 500)
    race_of_bulk_against_changes(portal, contacts=contacts, changers=contacts // 10)


# -- somebody is renamed while a page is read


@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
@pytest.mark.parametrize("asked", [{"words": "name"}, {"never_signed_in": True}])
def test_nobody_is_passed_over_by_who_is_renamed_or_erased_meanwhile(
    backend: Backend | None, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    """After a page's places were read its last is renamed to the end, and another erased: all others are shown."""
    assert backend is not None
    with backend.open(uuid4().hex, connections=2) as store:
        people = [Account(contact=Contact(contact_id=ContactId(f"c-{n}"), last_name=f"Name {n}")) for n in range(9)]
        store.apply([Change(old=None, new=account) for account in people])
        found = store.find_many([account.contact_id for account in people])
        changes = [
            _renamed(found[ContactId("c-3")], "Zz Name"),
            Change(old=found[ContactId("c-1")], new=found[ContactId("c-1")].erase(erased_at=NOW)),
        ]
        results = _applied_before(monkeypatch, AccountReader, "_look_up", store, changes)
        query, seen = AccountQuery(now=NOW, limit=4, **asked), list[Account]()
        while True:
            page = store.search(query)
            seen += page.accounts
            if page.next is None:
                break
            query = attrs.evolve(query, after=page.next)
        assert results == [(ApplyResult.APPLIED, ApplyResult.APPLIED)]
        # SQLAlchemy reads a page in one transaction, and in it MariaDB shows what was there when it began.
        first = (0, 1, 2, 3) if backend.name == "sqlalchemy-mariadb" else (0, 2)
        # At the old place nobody is shown with a new name: a service turns the page after whom it showed last.
        assert [account.contact_id for account in seen] == [f"c-{n}" for n in (*first, 4, 5, 6, 7, 8, 3)]


@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
@pytest.mark.parametrize("status", [None, AccountStatus.NEVER_ISSUED])
def test_who_is_renamed_meanwhile_is_on_a_page_once(
    backend: Backend | None, monkeypatch: pytest.MonkeyPatch, status: AccountStatus | None
) -> None:
    """Between two of a page's statements a Rosa takes the last name Rosa, and is found among the names as well."""
    assert backend is not None
    with backend.open(uuid4().hex, connections=2) as store:
        contact = Contact(contact_id=ContactId("c-1"), first_name="Rosa", last_name="Abbiatici")
        store.apply([Change(old=None, new=Account(contact=contact))])
        found = store.find(contact.contact_id)
        assert found is not None
        owner, name = (Places, "_read_sorted") if status is None else (AccountReader, "_walk")
        results = _applied_before(monkeypatch, owner, name, store, [_renamed(found, "Rosa")])
        page = store.search(AccountQuery(now=NOW, words="rosa", status=status))
        assert results == [(ApplyResult.APPLIED,)]
        assert len(page.accounts) == 1


def _renamed(account: Account, last_name: str) -> Change:
    contact = attrs.evolve(account.contact, last_name=last_name)
    return Change(old=account, new=account.refresh(contact, username=account.username, at=NOW))


def _applied_before(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, store: AccountStore, changes: list[Change]
) -> list[Any]:
    """Have somebody else apply the changes just before a method is called next; return where the results will be."""
    method = getattr(owner, name)
    results: list[Any] = []

    def late(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as works_beside:
            results.append(works_beside.submit(store.apply, changes).result())
        return method(*arguments, **options)

    monkeypatch.setattr(owner, name, late)
    return results
