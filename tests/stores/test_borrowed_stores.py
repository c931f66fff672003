"""
Stores in a transaction of the host's keep the contracts, in one transaction that is never committed (R20).

One connection is one thread's. So the four rules in which threads share a store are kept one after the other here;
tests/stores/test_host_transactions.py races transactions of several hosts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from portalcreds.protocols import AccountStore, ApplyResult, AuditSink, Change
from portalcreds.testing import AccountStoreContract, AuditSinkContract
from portalcreds.testing._store_samples import NOW, a_contact, add, an_account, an_event, issued
from stores.backends import new_backend
from stores.hosts import DATABASES, KINDS, Host

_APPLIED, _STALE, _TAKEN = ApplyResult.APPLIED, ApplyResult.STALE, ApplyResult.USERNAME_TAKEN

_SAMPLE = ("plain-sqlite", "plain-postgresql", "connection-sqlite", "session-postgresql", "django-mariadb")
"""Each kind of host, and each database."""

_ALL = [f"{kind}-{database}" for kind in KINDS for database in DATABASES]


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=() if name in _SAMPLE else pytest.mark.whole) for name in _ALL],
)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host whose tables are empty."""
    kind, _, database = request.param.partition("-")
    with new_backend(database, tmp_path_factory.mktemp("host")) as backend:
        yield Host(kind, backend)


class TestBorrowedAccountStore(AccountStoreContract):
    @pytest.fixture
    def store(self, host: Host) -> Iterator[AccountStore]:
        """Return a store in a transaction, in which everything that a test does is done."""
        with host.transaction(commit=False) as work:
            yield work.store

    def test_of_racing_changes_one_wins(self, store: AccountStore) -> None:
        """Of several changes made from one version, the first is applied and the others are stale."""
        account = an_account("1")
        add(store, account)
        ways = [
            account.disable(),
            issued(account),
            account.rename("n"),
            account.refresh(a_contact("1"), username=None, at=NOW),
        ]
        assert _one_by_one(store, [Change(old=account, new=way) for way in ways]) == [_APPLIED, _STALE, _STALE, _STALE]
        assert store.find(account.contact_id) == ways[0]

    def test_of_racing_additions_one_wins(self, store: AccountStore) -> None:
        """Of several additions of one contact, the first is applied."""
        ways = [an_account("1", last_name=name) for name in "abcd"]
        assert _one_by_one(store, [Change(old=None, new=way) for way in ways]) == [_APPLIED, _STALE, _STALE, _STALE]
        assert store.find(ways[0].contact_id) == ways[0]

    def test_of_racing_usernames_one_wins(self, store: AccountStore) -> None:
        """Of several claims of one user name, the first is applied."""
        ways = [an_account(letter, "rosa") for letter in "abcd"]
        assert _one_by_one(store, [Change(old=None, new=way) for way in ways]) == [_APPLIED, _TAKEN, _TAKEN, _TAKEN]
        assert store.find_by_username("rosa") == ways[0]


class TestBorrowedAuditSink(AuditSinkContract):
    @pytest.fixture
    def sink(self, host: Host) -> Iterator[AuditSink]:
        """Return a sink in a transaction, in which everything that a test does is done."""
        with host.transaction(commit=False) as work:
            yield work.store

    def test_records_at_the_same_time_are_all_kept(self, sink: AuditSink) -> None:
        """Records that take turns are all kept, in order."""
        events = [an_event(str(number % 4), f"r{number}") for number in range(20)]
        for first in range(0, len(events), 2):
            sink.record(events[first : first + 2])
        assert list(self.recorded_events(sink)) == events


def _one_by_one(store: AccountStore, changes: Sequence[Change]) -> list[ApplyResult]:
    return [result for change in changes for result in store.apply([change])]
