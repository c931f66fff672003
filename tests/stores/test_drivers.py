"""Each driver that is supported keeps the rules of writing, on a real server; one that cannot is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.testing import AttemptCounterContract, ManualClock
from portalcreds.testing._store_applying import ApplyingRules
from stores.drivers import DRIVERS, driven


@pytest.fixture(params=DRIVERS, scope="module")
def driver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each driver, with the tables in a database of their own."""
    with driven(request.param, tmp_path_factory.mktemp("driver")) as (dialect, connect):
        with DBAPIAccountStore(connect, dialect=dialect) as store:
            store.create_tables()
            store.check()
        yield dialect, connect


class TestDriverWrites(ApplyingRules):
    """The rules of writing; each test has a tenant of its own."""

    @pytest.fixture
    def store(self, driver: tuple[str, Callable[[], Any]]) -> Iterator[DBAPIAccountStore]:
        """A store that is empty to its tenant."""
        dialect, connect = driver
        with DBAPIAccountStore(connect, dialect=dialect, tenant=uuid4().hex) as store:
            yield store


class TestDriverCounts(AttemptCounterContract):
    """The rules of counting."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        """A clock that the test moves."""
        return ManualClock()

    @pytest.fixture
    def counter(self, driver: tuple[str, Callable[[], Any]], clock: ManualClock) -> Iterator[Any]:
        """A counter that is empty to its tenant."""
        dialect, connect = driver
        with DBAPIAccountStore(connect, dialect=dialect, tenant=uuid4().hex) as store:
            yield store.counter(clock=clock)
