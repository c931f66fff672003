"""Whatever fails at whatever statement, nobody gets in unproven and nothing is half written (R1, R14, R21)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count, product
from typing import Any

import attrs
import pytest

from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, MovingClock, Portal, cheap_hasher
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account
from portalcreds.administration.outcomes import AccountSummary
from portalcreds.administration.sync import SyncReason, SyncReport
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import default_password
from portalcreds.exceptions import StoreUnavailableError
from portalcreds.hashers import Argon2Hasher
from portalcreds.protocols import Change
from portalcreds.resets.report import ResetOutcome
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import (
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
    Unavailable,
)
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.testing.hashers import CHEAPEST_CHOSEN
from races import LENIENT
from stores.backends import BACKENDS, BRIEF, OwnedStore, new_backend
from stores.faults import CANARY, FAULTS, FaultyBackend

"""An outage is not waited for, so that what stays so is told at once."""

STEPS = frozenset(
    {
        AuditKind.SIGN_IN_SUCCEEDED,
        AuditKind.SIGN_IN_SUCCEEDED_AFTER_FAILURES,
        AuditKind.CHANGE_REQUIRED,
        AuditKind.TICKET_OPENED,
        AuditKind.PASSWORD_ISSUED,
        AuditKind.PASSWORD_CHANGED,
        AuditKind.HASH_UPGRADED,
        AuditKind.ACCOUNT_ADDED,
        AuditKind.ACCOUNT_REFRESHED,
        AuditKind.ACCOUNT_RENAMED,
        AuditKind.ACCOUNT_ENABLED,
        AuditKind.ACCOUNT_DISABLED,
        AuditKind.ACCOUNT_ERASED,
    }
)
"""What is recorded with a change of the account: one event for each version."""

NEW_EPOCH = frozenset(
    {
        AuditKind.CHANGE_REQUIRED,
        AuditKind.PASSWORD_ISSUED,
        AuditKind.PASSWORD_CHANGED,
        AuditKind.ACCOUNT_DISABLED,
        AuditKind.ACCOUNT_ERASED,
    }
)
"""Those that grow the epoch (R6)."""

Attempt = Callable[[Portal], object]
Prepare = Callable[[Portal, ContactId], Attempt]


@attrs.frozen
class Case:
    """
    A service's method.

    Attributes:
        prepare: Brings a new contact's account into the state that the method wants, and returns the call.
        right: Whether an outcome is what the method returns when nothing fails.
        survived: Whether an outcome is what it may return when something does; errors are the other way to say so.
        repeats: Whether the call can be made again after it succeeded, with the same outcome.
    """

    prepare: Prepare
    right: Callable[[Any], bool]
    survived: Callable[[Any], bool] = lambda outcome: False
    repeats: bool = True


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda outcome: isinstance(outcome, kinds)


_UNAVAILABLE = _is(Unavailable)


def username(who: ContactId) -> str:
    """Return the user name of a contact here."""
    return f"user.{who}"


def issue(portal: Portal, who: ContactId) -> str:
    """Have a default set, and return it."""
    assert portal.resets.reset_password(who, OFFICE).outcome == ResetOutcome.SET
    return default_password(portal.account(who).contact).reveal()


def ticket(portal: Portal, who: ContactId) -> Secret:
    """Return the ticket of a default."""
    outcome = portal.sign_ins.sign_in(username(who), issue(portal, who))
    assert isinstance(outcome, PasswordChangeRequired)
    return outcome.ticket


def settle(portal: Portal, who: ContactId) -> None:
    """Let the contact choose a password, and its hash be one of some years ago."""
    assert isinstance(portal.sign_ins.complete_change(ticket(portal, who), GOOD_PASSWORD), PasswordChanged)
    older = Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, memory_kib=24)).hash(Secret(GOOD_PASSWORD))
    old = portal.account(who)
    event = attrs.evolve(portal.store.events(who)[-1], kind=AuditKind.HASH_UPGRADED, event_id=f"aged-{who}")
    portal.store.apply([Change(old=old, new=old.upgrade(older), events=(event,))])


def _sign_in(portal: Portal, who: ContactId) -> Attempt:
    settle(portal, who)
    return lambda failing: failing.sign_ins.sign_in(username(who), GOOD_PASSWORD, source="s")


def _sign_in_wrong(portal: Portal, who: ContactId) -> Attempt:
    settle(portal, who)
    return lambda failing: failing.sign_ins.sign_in(username(who), "wrong", source="s")


def _sign_in_default(portal: Portal, who: ContactId) -> Attempt:
    default = issue(portal, who)
    return lambda failing: failing.sign_ins.sign_in(username(who), default, source="s")


def _sign_in_expired(portal: Portal, who: ContactId) -> Attempt:
    default = issue(portal, who)
    portal.clock.move(days=20)
    return lambda failing: failing.sign_ins.sign_in(username(who), default, source="s")


def _sign_in_nobody(portal: Portal, who: ContactId) -> Attempt:
    return lambda failing: failing.sign_ins.sign_in("nobody", GOOD_PASSWORD, source="s")


def _complete_change(portal: Portal, who: ContactId) -> Attempt:
    handed_out = ticket(portal, who)
    return lambda failing: failing.sign_ins.complete_change(handed_out, OTHER_PASSWORD, source="s")


def _complete_change_refused(portal: Portal, who: ContactId) -> Attempt:
    handed_out = ticket(portal, who)
    return lambda failing: failing.sign_ins.complete_change(handed_out, "short", source="s")


def _complete_change_invalid(portal: Portal, who: ContactId) -> Attempt:
    ticket(portal, who)
    return lambda failing: failing.sign_ins.complete_change(f"{who}.x", OTHER_PASSWORD, source="s")


def _change_password(portal: Portal, who: ContactId) -> Attempt:
    settle(portal, who)
    return lambda failing: failing.sign_ins.change_password(username(who), GOOD_PASSWORD, OTHER_PASSWORD, source="s")


def _change_password_wrong(portal: Portal, who: ContactId) -> Attempt:
    settle(portal, who)
    return lambda failing: failing.sign_ins.change_password(username(who), "wrong", OTHER_PASSWORD, source="s")


def _of_account(step: Callable[[Portal, ContactId], object], *, issued: bool = True) -> Prepare:
    def prepare(portal: Portal, who: ContactId) -> Attempt:
        if issued:
            issue(portal, who)
        return lambda failing: step(failing, who)

    return prepare


def _enable(portal: Portal, who: ContactId) -> Attempt:
    portal.accounts.disable(who, OFFICE)
    return lambda failing: failing.accounts.enable(who, OFFICE)


def _unlock(portal: Portal, who: ContactId) -> Attempt:
    settle(portal, who)
    for _ in range(3):
        portal.sign_ins.sign_in(username(who), "wrong")
    return lambda failing: failing.accounts.unlock(who, OFFICE)


def _sync(last_name: str, *, added: bool) -> Prepare:
    def prepare(portal: Portal, who: ContactId) -> Attempt:
        listed = ContactId(f"{who}-added") if added else who
        contact = Contact(contact_id=listed, first_name="Kim", last_name=last_name)
        return lambda failing: failing.accounts.sync_contacts([contact], OFFICE, usernames={listed: username(listed)})

    return prepare


def _synced(report: SyncReport) -> bool:
    return all(item.reason is None for item in report)


def _not_synced(report: SyncReport) -> bool:
    return all(item.reason == SyncReason.STORE_UNAVAILABLE for item in report)


def _apply(portal: Portal, who: ContactId) -> Attempt:
    others = [ContactId(f"{who}-{n}") for n in range(3)]
    contacts = [Contact(contact_id=other, first_name="Kim", last_name="Other") for other in others]
    portal.accounts.sync_contacts(contacts, OFFICE, usernames=lambda contact: username(contact.contact_id))
    confirmed = portal.resets.plan([who, *others], OFFICE).confirm(OFFICE)

    def attempt(failing: Portal) -> object:
        # What an attempt that failed had claimed is free by now.
        failing.clock.move(seconds=31)
        report = failing.resets.start(confirmed).run()
        assert [result.contact_id for result in report] == [who, *others]
        return [result.outcome for result in report]

    return attempt


_DONE = {ResetOutcome.SET}

CASES: dict[str, Case] = {
    "sign_in": Case(_sign_in, _is(SignedIn), _UNAVAILABLE),
    "sign_in, wrong": Case(_sign_in_wrong, _is(SignInDenied), _UNAVAILABLE),
    "sign_in, default": Case(_sign_in_default, _is(PasswordChangeRequired), _UNAVAILABLE),
    "sign_in, expired": Case(_sign_in_expired, _is(DefaultExpired), _UNAVAILABLE),
    "sign_in, nobody": Case(_sign_in_nobody, _is(SignInDenied), _UNAVAILABLE),
    "complete_change": Case(_complete_change, _is(PasswordChanged), _UNAVAILABLE, repeats=False),
    "complete_change, refused": Case(_complete_change_refused, _is(PasswordRefused), _UNAVAILABLE),
    "complete_change, invalid": Case(_complete_change_invalid, _is(TicketInvalid), _UNAVAILABLE),
    "change_password": Case(_change_password, _is(PasswordChanged), _UNAVAILABLE, repeats=False),
    "change_password, wrong": Case(_change_password_wrong, _is(SignInDenied), _UNAVAILABLE),
    "get": Case(_of_account(lambda portal, who: portal.accounts.get(who, OFFICE)), _is(Account)),
    "find": Case(_of_account(lambda portal, who: portal.accounts.find(who, OFFICE)), _is(Account)),
    "find_by_username": Case(
        _of_account(lambda portal, who: portal.accounts.find_by_username(username(who), OFFICE)), _is(Account)
    ),
    "search": Case(
        _of_account(lambda portal, who: portal.store.search(AccountQuery(now=portal.clock(), words="user."))),
        lambda page: bool(page.accounts),
    ),
    "sync_contacts, new": Case(_sync("New", added=True), _synced, _not_synced),
    "sync_contacts, renamed": Case(_sync("Newname", added=False), _synced, _not_synced),
    "disable": Case(_of_account(lambda portal, who: portal.accounts.disable(who, OFFICE)), _is(AccountSummary)),
    "enable": Case(_enable, _is(AccountSummary)),
    "require_change": Case(
        _of_account(lambda portal, who: portal.accounts.require_change(who, OFFICE, reason="compromised")),
        _is(AccountSummary),
        repeats=False,
    ),
    "rename": Case(
        _of_account(lambda portal, who: portal.accounts.rename(who, OFFICE, username=f"other.{who}")),
        lambda outcome: type(outcome).__name__ == "Renamed",
        repeats=False,
    ),
    "unlock": Case(_unlock, _is(AccountSummary)),
    "limits_on": Case(_of_account(lambda portal, who: portal.accounts.limits_on(who, OFFICE)), _is(tuple)),
    "erase": Case(
        _of_account(lambda portal, who: portal.accounts.erase(who, OFFICE)), _is(AccountSummary), repeats=False
    ),
    "plan": Case(_of_account(lambda portal, who: portal.resets.plan([who], OFFICE)), lambda plan: len(plan) == 1),
    "reset_password": Case(
        _of_account(lambda portal, who: portal.resets.reset_password(who, OFFICE), issued=False),
        lambda result: result.outcome == ResetOutcome.SET,
        lambda result: result.outcome == ResetOutcome.FAILED,
    ),
    "apply": Case(
        _apply,
        lambda outcomes: set(outcomes) <= _DONE,
        lambda outcomes: set(outcomes) <= {*_DONE, ResetOutcome.FAILED, ResetOutcome.NOT_REACHED},
    ),
}


@attrs.frozen
class Bench:
    """A portal that works, one over the same database that fails, and numbers for new contacts."""

    sound: Portal
    failing: Portal
    faults: FaultyBackend
    numbers: Iterator[int]

    def newcomer(self) -> ContactId:
        """Return a new contact's id; the contact has an account."""
        who = ContactId(f"c-{next(self.numbers)}")
        contact = Contact(contact_id=who, first_name="Rosa", last_name="Abbiatici")
        self.sound.accounts.sync_contacts([contact], OFFICE, usernames={who: username(who)})
        return who


@contextmanager
def _opened(faults: FaultyBackend) -> Iterator[OwnedStore]:
    if not faults.backend.name.startswith("sqlalchemy-"):
        with DBAPIAccountStore(faults.connect, dialect=faults.backend.database, timeouts=BRIEF) as store:
            yield store
        return
    from sqlalchemy import create_engine
    from sqlalchemy.pool import QueuePool

    from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore

    drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
    engine = create_engine(f"{drivers[faults.backend.database]}://", creator=faults.connect, poolclass=QueuePool)
    try:
        yield SQLAlchemyAccountStore(engine, timeouts=BRIEF)
    finally:
        engine.dispose()


@pytest.fixture(params=BACKENDS, scope="module")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Each backend, with both portals over it."""
    clock = MovingClock()
    with (
        new_backend(request.param, tmp_path_factory.mktemp("faults")) as backend,
        backend.open() as sound,
        cheap_hasher() as hasher,
    ):
        faults = FaultyBackend(backend)
        opened: AbstractContextManager[OwnedStore] = _opened(faults)
        with opened as failing:
            portals = [
                Portal(store, store.counter(clock=clock), clock, hasher, {"limits": LENIENT})
                for store in (sound, failing)
            ]
            yield Bench(portals[0], portals[1], faults, count())


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin anew at once: nobody else is there to be waited for."""
    monkeypatch.setattr("portalcreds.stores._sql.retries._PAUSE", 0.0)


def strike(bench: Bench, case: Case, fault: str, *, share: float, done: bool, lasts: bool) -> None:
    """
    Let one statement of the method fail, and look at what it says and what is stored.

    Args:
        bench: The portals.
        case: The method.
        fault: What fails.
        share: At which of the method's statements, as a part of their number.
        done: Whether the statement has done its work.
        lasts: Whether everything after it fails too.
    """
    who = bench.newcomer()
    call = case.prepare(bench.sound, who)
    # How many statements there are is read off another contact, for whom nothing fails.
    other = bench.newcomer()
    counted = case.prepare(bench.sound, other)
    bench.faults.seen = 0
    assert case.right(counted(bench.failing))
    statements = bench.faults.seen
    assert statements > 0

    before = bench.sound.account(who)
    bench.faults.arm(fault, int(share * statements), done=done, lasts=lasts)
    try:
        outcome = call(bench.failing)
    except StoreUnavailableError as error:
        outcome = error
        _holds_nothing(error)
    finally:
        bench.faults.disarm()
    is_right = not isinstance(outcome, StoreUnavailableError) and case.right(outcome)
    if not is_right:
        assert bench.faults.struck
        assert isinstance(outcome, StoreUnavailableError) or case.survived(outcome), outcome

    after = _is_whole(bench.sound, who)
    if isinstance(outcome, SignedIn):
        assert after.last_sign_in_at == bench.sound.clock()
    if is_right and not case.repeats:
        # What was told is stored.
        assert after.version > before.version
    # The fault has passed; what was not done can be done.
    if case.repeats or (after.credential.epoch == before.credential.epoch and after.username == before.username):
        assert case.right(call(bench.failing))
        _is_whole(bench.sound, who)


def _is_whole(portal: Portal, who: ContactId) -> Account:
    account = portal.account(who)
    kinds = [event.kind for event in portal.store.events(who)]
    # Each version has its event and no other has one twice; the epoch is as many as there were reasons for it.
    assert account.version == sum(kind in STEPS for kind in kinds)
    assert account.credential.epoch == sum(kind in NEW_EPOCH for kind in kinds)
    if account.erased_at is None and account.credential.password_hash is not None:
        last = [kind for kind in kinds if kind in (AuditKind.PASSWORD_ISSUED, AuditKind.PASSWORD_CHANGED)][-1]
        assert (account.credential.origin == "issued") == (last == AuditKind.PASSWORD_ISSUED)
    return account


def _holds_nothing(error: BaseException) -> None:
    chain: BaseException | None = error
    while chain is not None:
        assert CANARY not in f"{chain} {chain!r} {chain.args!r}"
        for told in ("Abbiatici", "argon2", GOOD_PASSWORD, OTHER_PASSWORD):
            assert told not in f"{chain} {chain!r} {chain.args!r}"
        chain = chain.__cause__ or chain.__context__


_WAYS = tuple(product((False, True), (False, True)))
"""Whether the statement was done, and whether the fault lasts."""

_SAMPLE = 3
"""Faults for each method and backend in the plain run; which ones differs from method to method."""


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_survived_or_told(bench: Bench, name: str) -> None:
    """Some faults at some statements of each method, so that the methods together meet all of them."""
    number = list(CASES).index(name) + 7 * BACKENDS.index(bench.faults.backend.name)
    for step in range(_SAMPLE):
        turn = number * _SAMPLE + step
        done, lasts = _WAYS[turn % len(_WAYS)]
        share = (turn * 0.381966) % 1
        strike(bench, CASES[name], FAULTS[turn % len(FAULTS)], share=share, done=done, lasts=lasts)


@pytest.mark.whole
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_survived_or_told(bench: Bench, name: str, fault: str) -> None:
    """Every fault, before and after, for a moment and for good, at places that differ from case to case."""
    turn = list(CASES).index(name) * len(FAULTS) + FAULTS.index(fault)
    for step, (done, lasts) in enumerate(_WAYS):
        share = ((turn + step) * 0.381966) % 1
        strike(bench, CASES[name], fault, share=share, done=done, lasts=lasts)
