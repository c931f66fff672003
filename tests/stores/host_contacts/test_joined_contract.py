"""A store that is joined to the host's contacts passes the contract that every store passes (R20)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import attrs
import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")


from portalcreds.protocols import ApplyResult, Change
from portalcreds.testing import AccountStoreContract
from portalcreds.testing._store_samples import NOW, add

from ..backends import Backend, new_backend
from ..hosts import DATABASES
from .schools import (
    WAYS,
    School,
    account_of,
    open_school,
)


class _Informed:
    """A store beside an SIS that writes what was applied into its own table, as an SIS knows it before we do."""

    def __init__(self, school: School) -> None:
        self._store = school.joined()
        self._school = school
        self._writing = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def apply(self, changes: Sequence[Change]) -> Sequence[ApplyResult]:
        """Apply, and write the names into the host's table."""
        results: Sequence[ApplyResult] = self._store.apply(changes)
        applied = [
            change.new.contact
            for change, result in zip(changes, results, strict=True)
            if result == ApplyResult.APPLIED and change.new.erased_at is None
        ]
        with self._writing:
            self._school.write(applied)
        return results


_SAMPLE = ("sqlalchemy", "postgresql")
"""Of which every run tries the whole contract."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(pair, id="-".join(pair), marks=[] if pair == _SAMPLE else [pytest.mark.whole])
        for pair in product(WAYS, DATABASES)
    ],
)
def joined(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Backend]]:
    """A way, and a database of its own."""
    way, database = request.param
    with new_backend(database, tmp_path_factory.mktemp("joined")) as backend:
        yield way, backend


class TestJoinedStore(AccountStoreContract):
    """The store's contract, with every name read from the host's table."""

    keeps_names = False

    @pytest.fixture
    def store(self, joined: tuple[str, Backend]) -> Iterator[_Informed]:
        """A store that is empty to its tenant, beside a table that is empty."""
        way, backend = joined
        with open_school(backend, way) as school:
            school.create()
            yield _Informed(school)

    def test_every_field_of_an_account_comes_back(self, store: Any) -> None:
        """The same, but for the address: of an erased account, whose names are not the host's, our table has none."""
        account = attrs.evolve(
            account_of("1"), is_active=False, last_sign_in_at=NOW, erased_at=NOW, name_changed_at=NOW
        )
        add(store, account)
        assert store.find(account.contact_id) == account
