"""The store over Django's connections keeps the contracts, outside of an ``atomic`` block and from several threads."""

from __future__ import annotations

from collections.abc import Iterator
from threading import current_thread, main_thread
from typing import Any
from uuid import uuid4

import pytest

from portal import CallHook, watched
from portalcreds.protocols import AccountStore, AttemptCounter, AuditSink, JobStore
from portalcreds.testing import (
    AccountStoreContract,
    AttemptCounterContract,
    AuditSinkContract,
    JobStoreContract,
    ManualClock,
)
from stores.backends import Backend, new_backend
from stores.hosts import django_alias, need


# The slowest to connect to, once for each call of a thread; tests/django_app/ has it in every run.
@pytest.fixture(scope="module", params=["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.whole)])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Return a database with our tables."""
    with new_backend(request.param, tmp_path_factory.mktemp("django")) as backend:
        yield backend


@pytest.fixture
def django_store(backend: Backend) -> Iterator[tuple[Any, CallHook]]:
    """Return a store over an alias of Django's, and what is to be told of each call that a thread makes."""
    need("django")
    with django_alias(backend) as alias:
        # Here, because it is an extra.
        from portalcreds.stores.django import DjangoAccountStore

        def end_request(when: str, name: str, arguments: tuple[Any, ...]) -> None:
            # Django closes a thread's connections when its request ends.
            if when == "after" and current_thread() is not main_thread():
                need("django.db").connections.close_all()

        store = DjangoAccountStore(alias, tenant=uuid4().hex)
        yield watched(store, end_request), end_request


class TestDjangoStore(AccountStoreContract):
    """Accounts."""

    @pytest.fixture
    def store(self, django_store: tuple[Any, CallHook]) -> AccountStore:
        """Return the store."""
        store: AccountStore = django_store[0]
        return store


class TestDjangoSink(AuditSinkContract):
    """Events."""

    @pytest.fixture
    def sink(self, django_store: tuple[Any, CallHook]) -> AuditSink:
        """Return the store."""
        sink: AuditSink = django_store[0]
        return sink


class TestDjangoJobs(JobStoreContract):
    """Jobs."""

    @pytest.fixture
    def jobs(self, django_store: tuple[Any, CallHook]) -> JobStore:
        """Return the store."""
        jobs: JobStore = django_store[0]
        return jobs


class TestDjangoCounter(AttemptCounterContract):
    """Counts."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        """Return a clock that the contract moves."""
        return ManualClock()

    @pytest.fixture
    def counter(self, django_store: tuple[Any, CallHook], clock: ManualClock) -> AttemptCounter:
        """Return the store's counter."""
        store, hook = django_store
        counter: AttemptCounter = store.counter(clock=clock)
        return watched(counter, hook)
