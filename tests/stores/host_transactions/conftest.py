"""Each kind of host on each database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from portal import FAMILY, USERNAMES, cheap_hasher
from portalcreds.accounts import Account
from portalcreds.hashers import UpgradingHasher
from portalcreds.testing._store_samples import add, an_event, issued, step
from stores.backends import Backend, new_backend
from stores.hosts import DATABASES, KINDS, Host

from .work import (
    ROSA,
)


@pytest.fixture(scope="module", params=DATABASES)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Return a database with our tables and one of the host's."""
    with new_backend(request.param, tmp_path_factory.mktemp("host")) as backend:
        with closing(backend.connect()) as connection:
            connection.cursor().execute("CREATE TABLE notes (tenant VARCHAR(64) NOT NULL, note VARCHAR(64) NOT NULL)")
            connection.commit()
        yield backend


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.whole if kind == "connection" else ()) for kind in KINDS])
def host(request: pytest.FixtureRequest, backend: Backend) -> Host:
    """Return a host with a tenant of its own. A connection is reached as a session is, so that the sample has one."""
    return Host(request.param, backend, f"t{uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def hasher() -> Iterator[UpgradingHasher]:
    """Return the real hasher at a cost that only a test may use."""
    with cheap_hasher() as hasher:
        yield hasher


@pytest.fixture
def family(host: Host) -> Host:
    """Return the host with the family's accounts, each with a default, and with an event."""
    with host.seen() as store:
        accounts = [Account(contact=contact, username=USERNAMES[contact.contact_id]) for contact in FAMILY]
        add(store, *accounts)
        for account in accounts:
            step(store, account, issued(account))
        store.record([an_event(ROSA)])
    return host
