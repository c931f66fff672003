"""The stores in memory keep the contracts."""

from __future__ import annotations

import pytest

from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.testing import (
    AccountStoreContract,
    AttemptCounterContract,
    AuditSinkContract,
    JobStoreContract,
    ManualClock,
)


class TestMemoryAccountStore(AccountStoreContract):
    @pytest.fixture
    def store(self) -> MemoryAccountStore:
        """Return a fresh store."""
        return MemoryAccountStore()


class TestMemoryAuditSink(AuditSinkContract):
    @pytest.fixture
    def sink(self) -> MemoryAccountStore:
        """Return a fresh sink."""
        return MemoryAccountStore()


class TestMemoryJobs(JobStoreContract):
    @pytest.fixture
    def jobs(self) -> MemoryAccountStore:
        """Return a fresh store."""
        return MemoryAccountStore()


class TestMemoryAttemptCounter(AttemptCounterContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        """Return the clock that the counter goes by."""
        return ManualClock()

    @pytest.fixture
    def counter(self, clock: ManualClock) -> MemoryAttemptCounter:
        """Return a fresh counter."""
        return MemoryAttemptCounter(clock=clock)


def test_it_stands_in_for_a_store_that_is_opened_and_closed() -> None:
    """R24: what an application does with its store, its tests can do with this one."""
    with MemoryAccountStore() as store:
        counter = store.counter()
        assert counter.hit("key", None) == 1
    store.close()
    assert list(counter.counts(["key"])) == [1]
