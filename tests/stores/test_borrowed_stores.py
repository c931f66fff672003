"""
Stores in a transaction of the host's keep the contracts, in one transaction that is never committed (R20).

One connection is one thread's. So what the rules do at the same time elsewhere is done one after the other here;
tests/stores/host_transactions/ races transactions of several hosts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portalcreds.protocols import AccountStore, AuditSink, JobStore
from portalcreds.testing import AccountStoreContract, AuditSinkContract, JobStoreContract
from portalcreds.testing._store_applying import ApplyingRules
from portalcreds.testing._store_racing import RacingRules
from portalcreds.testing._store_recording import RecordingRules
from stores.backends import new_backend
from stores.hosts import DATABASES, KINDS, Host

_SAMPLE = ("connection-sqlite", "session-postgresql", "django-mariadb")
"""Of the ways besides a plain cursor, those that every run tries: each kind of host, and each database."""

_OTHERS = [f"{kind}-{database}" for kind in KINDS for database in DATABASES if kind != "plain"]


@pytest.fixture(scope="module", params=[f"plain-{database}" for database in DATABASES])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host whose tables are empty, and whose cursors are the driver's."""
    yield from _host(request.param, tmp_path_factory)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=() if name in _SAMPLE else pytest.mark.whole) for name in _OTHERS],
)
def other_host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host whose cursors come from SQLAlchemy or Django."""
    yield from _host(request.param, tmp_path_factory)


def _host(name: str, folder: pytest.TempPathFactory) -> Iterator[Host]:
    kind, _, database = name.partition("-")
    with new_backend(database, folder.mktemp("host")) as backend:
        yield Host(kind, backend)


class TestBorrowedAccountStore(AccountStoreContract):
    """The whole contract, over the driver's cursors on each database."""

    has_threads = False

    @pytest.fixture
    def store(self, host: Host) -> Iterator[AccountStore]:
        """Return a store in a transaction, in which everything that a test does is done."""
        with host.transaction(commit=False) as work:
            yield work.store


class TestOtherBorrowedStores(ApplyingRules, RecordingRules, RacingRules):
    """
    The rules of writing, over cursors that somebody wraps.

    The statements are the same as over the driver's cursors; what differs is how a transaction is joined and marked.
    """

    has_threads = False

    @pytest.fixture
    def store(self, other_host: Host) -> Iterator[AccountStore]:
        """Return a store in a transaction, in which everything that a test does is done."""
        with other_host.transaction(commit=False) as work:
            yield work.store


class TestBorrowedAuditSink(AuditSinkContract):
    has_threads = False

    @pytest.fixture
    def sink(self, host: Host) -> Iterator[AuditSink]:
        """Return a sink in a transaction, in which everything that a test does is done."""
        with host.transaction(commit=False) as work:
            yield work.store


class TestBorrowedJobs(JobStoreContract):
    has_threads = False

    @pytest.fixture
    def jobs(self, host: Host) -> Iterator[JobStore]:
        """Return a store in a transaction, in which everything that a test does is done."""
        with host.transaction(commit=False) as work:
            yield work.store
