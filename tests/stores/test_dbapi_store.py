"""The stores over PEP 249 keep the contracts, on an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portalcreds.protocols import AttemptCounter
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.testing import (
    AccountStoreContract,
    AttemptCounterContract,
    AuditSinkContract,
    JobStoreContract,
    ManualClock,
)
from stores.backends import BRIEF


class TestSQLiteAccountStore(AccountStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return the store of a fresh file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as store:
            yield store

    @pytest.fixture
    def another_store(self, store: DBAPIAccountStore, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return another store of the same file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as another:
            yield another

    @pytest.fixture
    def unreachable_store(self, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return a store whose folder is not there."""
        with DBAPIAccountStore(_connect_to_nothing(tmp_path), dialect="sqlite", timeouts=BRIEF) as store:
            yield store


class TestSQLiteAuditSink(AuditSinkContract):
    @pytest.fixture
    def sink(self, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return the sink of a fresh file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as sink:
            yield sink

    @pytest.fixture
    def another_sink(self, sink: DBAPIAccountStore, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return another sink of the same file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as another:
            yield another

    @pytest.fixture
    def unreachable_sink(self, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return a sink whose folder is not there."""
        with DBAPIAccountStore(_connect_to_nothing(tmp_path), dialect="sqlite", timeouts=BRIEF) as sink:
            yield sink


class TestSQLiteJobs(JobStoreContract):
    @pytest.fixture
    def jobs(self, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return the store of a fresh file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as jobs:
            yield jobs

    @pytest.fixture
    def another_jobs(self, jobs: DBAPIAccountStore, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return another store of the same file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as another:
            yield another

    @pytest.fixture
    def unreachable_jobs(self, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return a store whose folder is not there."""
        with DBAPIAccountStore(_connect_to_nothing(tmp_path), dialect="sqlite", timeouts=BRIEF) as jobs:
            yield jobs


class TestSQLiteAttemptCounter(AttemptCounterContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        """Return the clock that the counter goes by."""
        return ManualClock()

    @pytest.fixture
    def counter(self, tmp_path: Path, clock: ManualClock) -> Iterator[AttemptCounter]:
        """Return the counter of a fresh file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as store:
            yield store.counter(clock=clock)

    @pytest.fixture
    def another_counter(self, counter: AttemptCounter, tmp_path: Path, clock: ManualClock) -> Iterator[AttemptCounter]:
        """Return another counter of the same file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as store:
            yield store.counter(clock=clock)

    @pytest.fixture
    def unreachable_counter(self, tmp_path: Path) -> Iterator[AttemptCounter]:
        """Return a counter whose folder is not there."""
        with DBAPIAccountStore(_connect_to_nothing(tmp_path), dialect="sqlite", timeouts=BRIEF) as store:
            yield store.counter()


def _connect_to_nothing(folder: Path) -> Callable[[], sqlite3.Connection]:
    return lambda: sqlite3.connect(folder / "absent" / "portal.db", check_same_thread=False)
