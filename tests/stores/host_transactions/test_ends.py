"""The host ends its transaction, and what it undoes is undone with its audit events (R20)."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from uuid import uuid4

import attrs
import pytest

from portal import USERNAMES
from portalcreds.audit import AuditKind
from portalcreds.contacts import ContactId
from portalcreds.exceptions import (
    ConfigurationError,
    StoreError,
    TransactionAborted,
)
from portalcreds.hashers import UpgradingHasher
from portalcreds.protocols import Change
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore
from portalcreds.testing._store_samples import add, an_account, an_event
from stores.backends import Backend
from stores.hosts import Host, django_alias, engine_of, need, sqlalchemy_store

from .work import (
    PAT,
    ROSA,
    Interrupted,
    Seen,
    add_and_reset,
    assert_tells_nothing,
    inner_transaction,
    note,
    number_of,
    repeat_an_event,
    see,
    watch_ends,
)


def test_a_rollback_undoes_all_of_it(host: Host, hasher: UpgradingHasher) -> None:
    """What the services wrote and put on the record goes with what the host wrote, and was never to be seen outside."""
    with host.transaction(commit=False) as work:
        note(host, work, "before")
        add_and_reset(work, hasher)
        note(host, work, "after")
        assert see(host) == Seen()
    assert see(host) == Seen()


def test_a_commit_keeps_all_of_it(host: Host, hasher: UpgradingHasher) -> None:
    """What the services wrote is there together with its record and with what the host wrote."""
    with host.transaction(commit=True) as work:
        note(host, work, "before")
        add_and_reset(work, hasher)
        inside = work.store.events()
        assert see(host) == Seen()
    seen = see(host)
    assert (seen.notes, seen.events) == (("before",), inside)
    assert {account.contact_id: account.credential.origin.value for account in seen.accounts} == {
        ROSA: "issued",
        PAT: "none",
    }
    assert [event.contact_id for event in inside if event.kind == AuditKind.PASSWORD_ISSUED] == [ROSA]


def test_an_error_of_the_hosts_undoes_all_of_it(host: Host, hasher: UpgradingHasher) -> None:
    """An exception that leaves the host's block takes everything along."""

    def fail() -> None:
        with host.transaction(commit=True) as work:
            add_and_reset(work, hasher)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert see(host) == Seen()


def test_the_first_statement_may_be_ours(host: Host) -> None:
    """Nothing of the host's comes before: the release of our savepoint is no commit, though it was the outermost."""
    with host.transaction(commit=False) as work:
        add(work.store, an_account("1"))
        if host.database == "sqlite":
            assert work.raw.in_transaction
        assert see(host) == Seen()
    assert see(host) == Seen()
    with host.transaction(commit=True) as work:
        work.store.record([an_event("1")])
    assert len(see(host).events) == 1


def test_it_is_one_and_the_same_transaction(family: Host) -> None:
    """R20: the server counts no other transaction, whatever comes of our work: applied, stale, taken, failed."""
    with family.transaction(commit=False) as work:
        note(family, work, "before")
        began = number_of(family, work)
        account = work.store.find(ROSA)
        changes = [
            Change(old=account, new=account.disable()),
            Change(old=account, new=account.disable()),
            Change(old=None, new=an_account("9", USERNAMES[PAT])),
            Change(old=None, new=an_account("9", "free")),
        ]
        with watch_ends(work) as ends:
            assert list(work.store.apply(changes)) == ["applied", "stale", "username_taken", "applied"]
            work.store.record([an_event("1")])
            with suppress(StoreError):
                work.store.apply([repeat_an_event(work.store)])
        assert ends == []
        assert number_of(family, work) == began


@pytest.mark.parametrize("kind", ["connection", "session"])
def test_sqlalchemy_sees_no_end(kind: str, backend: Backend) -> None:
    """R20: of the engine's events there is none that commits or rolls back before the host does."""
    event = need("sqlalchemy").event
    host = Host(kind, backend, uuid4().hex)
    ends: list[str] = []
    engine = need("sqlalchemy").Engine
    told = {name: lambda *_, name=name: ends.append(name) for name in ("commit", "rollback")}
    for name, listener in told.items():
        event.listen(engine, name, listener)
    try:
        with host.transaction(commit=True) as work:
            add(work.store, an_account("1", "rosa"))
            work.store.apply([Change(old=None, new=an_account("2", "rosa"))])
            assert ends == []
    finally:
        for name, listener in told.items():
            event.remove(engine, name, listener)
    assert ends[0] == "commit"


@pytest.mark.parametrize("outer", [True, False], ids=["kept", "undone"])
def test_an_inner_rollback_undoes_the_inner_part(host: Host, outer: bool) -> None:
    """A savepoint of the host's takes our work inside it, and leaves what was before and comes after."""
    with host.transaction(commit=outer) as work:
        work.store.apply([Change(old=None, new=an_account("1"), events=(an_event("1"),))])
        with inner_transaction(host, work, commit=False):
            work.store.apply([Change(old=None, new=an_account("2"), events=(an_event("2"),))])
        with inner_transaction(host, work, commit=True):
            work.store.apply([Change(old=None, new=an_account("3"), events=(an_event("3"),))])
    seen = see(host)
    assert [account.contact_id for account in seen.accounts] == (["1", "3"] if outer else [])
    assert [event.contact_id for event in seen.events] == (["1", "3"] if outer else [])


# -- an error in the middle of our work


def test_nothing_is_left_of_work_that_failed(family: Host) -> None:
    """R1: no hash without its event, also where the host swallows the error, goes on and commits."""
    before = see(family)
    with family.transaction(commit=True) as work:
        note(family, work, "before")
        account = work.store.find(PAT)
        fine = Change(old=account, new=account.disable(), events=(an_event("2"),))
        with pytest.raises(StoreError) as caught:
            # Events come last: by then both accounts are written.
            work.store.apply([fine, repeat_an_event(work.store)])
        assert not isinstance(caught.value, TransactionAborted)
        assert_tells_nothing(caught.value)
        note(family, work, "after")
    assert see(family) == attrs.evolve(before, notes=("before", "after"))


def test_nothing_is_left_of_work_that_was_interrupted(family: Host) -> None:
    """Ctrl-C between two changes leaves neither, whatever the host does then."""
    before = see(family)
    with family.transaction(commit=True) as work:
        account = work.store.find(ROSA)
        with pytest.raises(KeyboardInterrupt):
            work.store.apply(Interrupted([Change(old=account, new=account.disable(), events=(an_event("1"),))]))
        note(family, work, "after")
    assert see(family) == attrs.evolve(before, notes=("after",))


# -- where there is no transaction


@pytest.mark.parametrize("way", ["plain", "connection", "session", "django"])
def test_without_a_transaction_nothing_is_written(way: str, backend: Backend) -> None:
    """Where each statement would be committed by itself, a hash could stay without its event; so none is written."""
    tenant = uuid4().hex
    with _committing_by_itself(way, backend, tenant) as store:
        assert store.find(ROSA) is None
        writes: tuple[Callable[[], object], ...] = (
            lambda: store.apply([Change(old=None, new=an_account("1"), events=(an_event("1"),))]),
            lambda: store.record([an_event("1")]),
        )
        for write in writes:
            with pytest.raises(StoreError) as caught:
                write()
            assert caught.value.code == "no_transaction"
            assert_tells_nothing(caught.value)
        assert store.find(ContactId("1")) is None
        assert store.events() == ()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sqlite3 has it from Python 3.12 on")
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_other_way_to_have_no_transactions_in_a_file(backend: Backend) -> None:
    """There the connection's commit does nothing, so that what we began would never be ended."""
    by_itself: dict[str, Any] = {"autocommit": True}
    with closing(sqlite3.connect(backend.place, **by_itself)) as connection:
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="sqlite", tenant=uuid4().hex)
        with pytest.raises(StoreError, match="no_transaction"):
            store.apply([Change(old=None, new=an_account("1"))])
        assert not connection.in_transaction


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_cursor_that_hides_its_connection(backend: Backend) -> None:
    """R20: whether SQLite's transaction has begun only the connection tells, so a wrapper without it is refused."""

    class Wrapped:
        """What a tool that counts statements makes of a cursor."""

        def __init__(self, cursor: sqlite3.Cursor) -> None:
            self.execute, self.fetchall = cursor.execute, cursor.fetchall

    with closing(sqlite3.connect(backend.place)) as connection:
        store = BorrowedDBAPIAccountStore(lambda: Wrapped(connection.cursor()), dialect="sqlite", tenant=uuid4().hex)
        with pytest.raises(ConfigurationError, match="cursor"):
            store.apply([Change(old=None, new=an_account("1"))])
        assert not connection.in_transaction


@contextmanager
def _committing_by_itself(way: str, backend: Backend, tenant: str) -> Iterator[Any]:
    if way == "plain":
        with closing(backend.connect()) as connection:
            by_itself: dict[str, Callable[[], object]] = {
                "sqlite": lambda: setattr(connection, "isolation_level", None),
                "postgresql": lambda: connection.set_autocommit(True),
                "mariadb": lambda: connection.autocommit(True),
            }
            by_itself[backend.database]()
            yield BorrowedDBAPIAccountStore(connection.cursor, dialect=backend.database, tenant=tenant)
    elif way == "django":
        with django_alias(backend) as alias:
            connection = need("django.db").connections[alias]
            yield BorrowedDBAPIAccountStore(
                connection.cursor, dialect=backend.database, paramstyle="pyformat", tenant=tenant
            )
    else:
        engine = engine_of(backend).execution_options(isolation_level="AUTOCOMMIT")
        try:
            opened = engine.connect() if way == "connection" else need("sqlalchemy.orm").Session(engine)
            with opened as bind:
                yield sqlalchemy_store(bind, tenant=tenant)
        finally:
            engine.dispose()
