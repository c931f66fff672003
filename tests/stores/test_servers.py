"""The DB-API store over real servers passes the contract that every store passes."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from portalcreds.stores.dbapi import DBAPIAccountStore, DBAPIAttemptCounter
from portalcreds.testing import AccountStoreContract, AttemptCounterContract, ManualClock
from servers import SERVERS, Connect, own_database


@pytest.fixture(params=SERVERS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Connect]]:
    """Each server, with the tables in a database of their own."""
    with own_database(request.param) as connect:
        with DBAPIAccountStore(connect, dialect=request.param) as store:
            store.create_tables()
            store.check()
        yield request.param, connect


class TestServerStore(AccountStoreContract):
    """The store's contract; each test has a tenant of its own."""

    @pytest.fixture
    def store(self, server: tuple[str, Connect]) -> Iterator[DBAPIAccountStore]:
        """A store that is empty to its tenant."""
        dialect, connect = server
        with DBAPIAccountStore(connect, dialect=dialect, tenant=uuid4().hex) as store:
            yield store


class TestServerCounter(AttemptCounterContract):
    """The counter's contract."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        """A clock that the test moves."""
        return ManualClock()

    @pytest.fixture
    def counter(self, server: tuple[str, Connect], clock: ManualClock) -> Iterator[DBAPIAttemptCounter]:
        """A counter that is empty to its tenant."""
        dialect, connect = server
        with DBAPIAttemptCounter(connect, dialect=dialect, tenant=uuid4().hex, clock=clock) as counter:
            yield counter
