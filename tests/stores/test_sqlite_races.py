"""What is SQLite's alone where many use one file: its turns, its waiting, and connections that a fork brings along."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from portalcreds.contacts import ContactId
from portalcreds.exceptions import StoreError, StoreUnavailableError
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.timeouts import Timeouts
from portalcreds.testing._store_samples import add, an_account, an_event, issued
from races import at_once


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a fresh file."""
    return tmp_path / "portal.db"


@pytest.fixture
def store(file: Path) -> Iterator[DBAPIAccountStore]:
    """Return the store of that file."""
    with DBAPIAccountStore.open_sqlite(file) as store:
        yield store


def test_of_many_stores_one_wins(file: Path) -> None:
    """Of changes of one version one is applied also where stores share nothing but the file, as processes do."""
    stores = [DBAPIAccountStore.open_sqlite(file) for _ in range(8)]
    account = an_account("1", "rosa")
    add(stores[0], account)
    changes = [Change(old=account, new=issued(account), events=(an_event("1", f"by-{n}"),)) for n in range(8)]
    works = [partial(store.apply, [change]) for store, change in zip(stores, changes, strict=True)]
    results = [result for (result,) in at_once(*works)]
    assert sorted(results) == [ApplyResult.APPLIED] + [ApplyResult.STALE] * 7
    assert stores[0].events() == changes[results.index(ApplyResult.APPLIED)].events
    for store in stores:
        store.close()


def test_many_open_a_new_file_at_once(file: Path) -> None:
    """The first start of several workers: each creates the tables if it is the first, and none fails."""
    stores = at_once(*[partial(DBAPIAccountStore.open_sqlite, file)] * 8)
    add(stores[0], an_account("1"))
    assert [store.find(ContactId("1")) for store in stores] == [an_account("1")] * 8
    for store in stores:
        store.close()


def test_readers_do_not_wait_for_a_writer(file: Path, store: DBAPIAccountStore) -> None:
    """A page is read while another's transaction is open."""
    add(store, an_account("1"))
    with DBAPIAccountStore.open_sqlite(file) as other, other._connections.transaction() as statements:
        statements.execute("UPDATE portal_accounts SET epoch = 9", {})
        assert store.find_epoch(ContactId("1")) == 0
    assert store.find_epoch(ContactId("1")) == 9


def test_a_writer_that_waits_too_long_is_unavailable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R21: another process's endless transaction is an unavailable store, and so is one of this process."""
    monkeypatch.setattr("portalcreds.stores._sql.retries._PATIENCE", 0.0)
    brief = Timeouts(lock=timedelta(milliseconds=10))
    with (
        DBAPIAccountStore.open_sqlite(file, timeouts=brief) as holder,
        DBAPIAccountStore.open_sqlite(file, timeouts=brief) as store,
        holder._connections.transaction(),
    ):
        with pytest.raises(StoreUnavailableError, match="SQLITE_BUSY"):
            add(store, an_account("1"))
        with pytest.raises(StoreUnavailableError, match="busy"):
            add(holder, an_account("1"))


def test_a_fork_has_connections_of_its_own(store: DBAPIAccountStore) -> None:
    """A worker that was forked from a warm parent writes, and the parent writes on."""
    add(store, an_account("parent"))
    lent = store._connections._idle.connections[-1]
    child = os.fork()
    if child == 0:  # The child leaves by _exit, so that it runs neither the rest of the tests nor their clean-up.
        code = 1
        try:
            add(store, an_account("child"))
            inherited = store._connections._inherited
            kept = [connection for idle in inherited for connection in idle.connections]
            code = 0 if lent in kept and lent not in store._connections._idle.connections else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    add(store, an_account("again"))
    assert store._connections._inherited == []
    assert {account for account in ("parent", "child", "again") if store.find(ContactId(account))} == {
        "parent",
        "child",
        "again",
    }


def test_connections_of_another_process_are_kept_and_not_used(store: DBAPIAccountStore) -> None:
    """What a fork brought along is neither used nor closed, and a closed store stays closed in the child."""
    add(store, an_account("1"))
    idle = store._connections._idle
    (lent,) = idle.connections
    idle.pid = -1
    assert store.find(ContactId("1")) == an_account("1")
    assert store._connections._inherited == [idle]
    assert idle.connections == [lent]
    assert lent.connection.execute("SELECT 1").fetchone() == (1,)
    store.close()
    store._connections._idle.pid = -1
    with pytest.raises(StoreError, match="closed"):
        store.find(ContactId("1"))
    lent.connection.close()
