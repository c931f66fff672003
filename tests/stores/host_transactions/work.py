"""What the tests of the host's transactions are made of."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, overload

import attrs

from portal import FAMILY, OFFICE, USERNAMES
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account
from portalcreds.administration.service import AccountService
from portalcreds.audit import AuditEvent
from portalcreds.contacts import ContactId
from portalcreds.exceptions import (
    TransactionAborted,
)
from portalcreds.hashers import UpgradingHasher
from portalcreds.privileges import Grants, Privilege
from portalcreds.protocols import ApplyResult, Change
from portalcreds.resets.report import ResetOutcome
from portalcreds.resets.service import ResetService
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.testing._store_samples import HASH, NOW, step
from portalcreds.throttle import Throttle
from stores.backends import Backend
from stores.hosts import Host, Work, need, rows_of

ROSA, PAT = ContactId("c-1"), ContactId("c-2")

AUTHORIZER = Grants(privileges={OFFICE.operator_id: set(Privilege)})


@attrs.frozen
class Seen:
    """What others see of a tenant: the host's own rows, and ours."""

    notes: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    events: tuple[AuditEvent, ...] = ()


class Interrupted(Sequence[Change]):
    """Changes, after which somebody presses Ctrl-C."""

    def __init__(self, changes: Sequence[Change]) -> None:
        """Take the changes."""
        self._changes = changes

    def __len__(self) -> int:
        return len(self._changes) + 1

    @overload
    def __getitem__(self, place: int) -> Change: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Change]: ...
    def __getitem__(self, place: int | slice) -> Change | Sequence[Change]:
        if place == len(self._changes):
            raise KeyboardInterrupt
        return self._changes[place]


def see(host: Host) -> Seen:
    """Return what others see of the host's tenant."""
    with closing(host.backend.connect()) as connection:
        notes = rows_of(connection.cursor(), f"SELECT note FROM notes WHERE tenant = '{host.tenant}'")
    with host.seen() as store:
        page = store.search(AccountQuery(now=NOW, limit=100))
        return Seen(tuple(note for (note,) in notes), page.accounts, store.events())


def note(host: Host, work: Work, note: str) -> None:
    """Write a row of the host's."""
    work.execute(f"INSERT INTO notes VALUES ('{host.tenant}', '{note}')")


def accounts_over(store: Any) -> AccountService:
    """Return the service over a store."""
    return AccountService(store, authorizer=AUTHORIZER, throttle=Throttle(MemoryAttemptCounter()))


def resets_over(store: Any, hasher: UpgradingHasher) -> ResetService:
    """Return the service over a store, for one contact at a time."""
    return ResetService(store, hasher=hasher, authorizer=AUTHORIZER, max_affected=1)


def add_and_reset(work: Work, hasher: UpgradingHasher) -> None:
    """Add two accounts and set a default."""
    synced = accounts_over(work.store).sync_contacts(FAMILY[:2], OFFICE, usernames=USERNAMES)
    assert [row.action.value for row in synced] == ["add", "add"]
    assert resets_over(work.store, hasher).reset_password(ROSA, OFFICE).outcome == ResetOutcome.SET


def repeat_an_event(store: Any) -> Change:
    """Return a change whose event is on the record already, which the database refuses."""
    account = store.find(ROSA)
    return Change(old=account, new=account.disable(), events=(store.events()[0],))


def rename_elsewhere(host: Host) -> None:
    """Let somebody else change an account, without a change of its epoch."""
    with host.seen() as store:
        account = store.find(ROSA)
        assert account is not None
        step(store, account, account.rename("elsewhere"))


def run_until_committed(host: Host, change: Change) -> ApplyResult:
    """Run a transaction again until it is committed, as a host has to."""
    while True:
        try:
            with host.transaction(commit=True) as work:
                (result,) = work.store.apply([change])
        except TransactionAborted:
            continue
        return ApplyResult(result)


def begin(host: Host, work: Work) -> None:
    """Begin where the driver would only do so at the first change: in a file, outside Django."""
    if host.database == "sqlite" and not work.raw.in_transaction:
        work.execute("BEGIN")


@contextmanager
def inner_transaction(host: Host, work: Work, *, commit: bool) -> Iterator[None]:
    """Lend a transaction within the transaction, by the host's own means."""
    if host.kind == "django":
        transaction = need("django.db.transaction")
        with transaction.atomic(using=host.database):
            yield
            transaction.set_rollback(not commit, using=host.database)
    elif host.kind == "plain":
        work.execute("SAVEPOINT theirs")
        yield
        if not commit:
            work.execute("ROLLBACK TO SAVEPOINT theirs")
        work.execute("RELEASE SAVEPOINT theirs")
    else:
        nested = work.bind.begin_nested()
        yield
        (nested.commit if commit else nested.rollback)()


def number_of(host: Host, work: Work) -> object:
    """Return what the server calls this transaction; a file has no such number."""
    asked = {
        "postgresql": "SELECT pg_current_xact_id()",
        "mariadb": "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = CONNECTION_ID()",
    }
    return work.execute(asked[host.database]) if host.database in asked else None


@contextmanager
def watch_ends(work: Work) -> Iterator[list[str]]:
    """Yield the statements that end a transaction, as a file sees them."""
    ends: list[str] = []
    if not isinstance(work.raw, sqlite3.Connection):
        yield ends
        return

    def listen(sql: str) -> None:
        if sql.split()[0].upper() in ("BEGIN", "COMMIT", "END") or sql.upper().strip() == "ROLLBACK":
            ends.append(sql)

    work.raw.set_trace_callback(listen)
    yield ends
    work.raw.set_trace_callback(None)


def make_impatient(backend: Backend) -> Backend:
    """Return the database with a shorter wait for a deadlock."""
    # A deadlock costs a second otherwise. MariaDB sees it at once.
    settings = {"postgresql": ("SET deadlock_timeout = '50ms'",)}
    return attrs.evolve(backend, settings=(*backend.settings, *settings.get(backend.database, ())))


@contextmanager
def hold_the_lock(host: Host, contact_id: ContactId) -> Iterator[None]:
    """Be a transaction that has changed an account and does not end."""
    with closing(host.backend.connect()) as connection:
        connection.cursor().execute(
            f"UPDATE portal_accounts SET change_id = 'x' WHERE tenant = '{host.tenant}' AND contact_id = '{contact_id}'"
        )
        yield
        connection.rollback()


def assert_tells_nothing(error: BaseException) -> None:
    """R14: neither the driver's error nor a word of its text comes along."""
    assert error.__cause__ is None
    assert error.__context__ is None
    told = "".join(traceback.format_exception_only(error)) + repr(error)
    for word in (HASH.encoded, "rabbiatici", "Abbiatici", "portal_accounts", "serialize", "could not", "locked"):
        assert word not in told
