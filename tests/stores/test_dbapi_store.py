"""The stores over PEP 249 keep the contracts, on an SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from portalcreds.protocols import AttemptCounter
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.testing import AccountStoreContract, AttemptCounterContract, AuditSinkContract, ManualClock


class TestSQLiteAccountStore(AccountStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return the store of a fresh file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as store:
            yield store


class TestSQLiteAuditSink(AuditSinkContract):
    @pytest.fixture
    def sink(self, tmp_path: Path) -> Iterator[DBAPIAccountStore]:
        """Return the sink of a fresh file."""
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as sink:
            yield sink


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
