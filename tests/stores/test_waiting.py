"""How long a store waits for its database is bounded, whoever keeps it waiting (R21)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portalcreds.exceptions import ConfigurationError, StoreUnavailableError
from portalcreds.stores._drivers.outage import Outage
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.timeouts import Timeouts
from portalcreds.testing._store_samples import add, an_account, issued, step
from stores.backends import BRIEF, Backend, new_backend
from stores.hosts import engine_of

ROSA = an_account("1", "rosa")

LOCKED = {
    "postgresql": ("LOCK TABLE portal_accounts, portal_attempts IN ACCESS EXCLUSIVE MODE", "55P03"),
    "mariadb": ("LOCK TABLES portal_accounts WRITE, portal_attempts WRITE", "1205"),
}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each database, with empty tables."""
    with new_backend(request.param, tmp_path) as backend:
        yield backend


@pytest.fixture(params=["connections", "pool", "engine"])
def store(request: pytest.FixtureRequest, backend: Backend) -> Iterator[Any]:
    """A store with short time-outs, over connections of its own, a pool's and an engine's."""
    if request.param == "engine":
        engine = engine_of(backend)
        from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore

        yield SQLAlchemyAccountStore(engine, timeouts=BRIEF)
        engine.dispose()
        return
    lent: dict[str, Any] = {"give_back": lambda connection: connection.close()} if request.param == "pool" else {}
    with DBAPIAccountStore(backend.connect, dialect=backend.database, timeouts=BRIEF, **lent) as store:
        yield store


def _limited(backend: Backend, store: Any) -> None:
    if backend.database == "sqlite" and not hasattr(store, "_connections"):
        pytest.skip("an engine for SQLite waits as long as its own timeout says")
    if backend.database == "sqlite" and store._connections._max_idle == 0:
        pytest.skip("a pool's connection to SQLite waits as long as its own timeout says")


def test_a_row_that_a_lost_client_keeps_locked(backend: Backend, store: Any) -> None:
    """A client that vanished within its transaction stops a write for the time-out of a lock, not without limit."""
    _limited(backend, store)
    add(store, ROSA)
    with closing(backend.connect()) as vanished:
        vanished.cursor().execute("UPDATE portal_accounts SET email = NULL WHERE contact_id = '1'")
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            step(store, ROSA, issued(ROSA))
        # MariaDB counts whole seconds; four attempts, and a busy machine.
        assert time.monotonic() - began < 12
        vanished.rollback()
    assert step(store, ROSA, issued(ROSA)) == issued(ROSA)


def test_a_table_that_somebody_keeps_locked(backend: Backend, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that hangs stops reads and counts for as long as that, too."""
    monkeypatch.setattr("portalcreds.stores._sql.retries.MAX_ATTEMPTS", 1)
    if backend.database not in LOCKED:
        pytest.skip("readers of SQLite wait for nobody")
    add(store, ROSA)
    lock, code = LOCKED[backend.database]
    counter = store.counter()
    asks: list[Callable[[], object]] = [
        lambda: store.find(ROSA.contact_id),
        lambda: counter.hit("key", None),
        lambda: store.find_many([ROSA.contact_id]),
    ]
    with closing(backend.connect()) as migration:
        migration.cursor().execute(lock)
        for ask in asks:
            with pytest.raises(StoreUnavailableError, match=code):
                ask()
        if backend.database == "mariadb":
            migration.cursor().execute("UNLOCK TABLES")
        migration.rollback()
    assert store.find(ROSA.contact_id) == ROSA


@pytest.mark.parametrize("argument", ["lock", "statement", "outage"])
@pytest.mark.parametrize("value", [timedelta(0), timedelta(seconds=-1), timedelta(days=1), 5, None])
def test_time_outs_that_cannot_be_used(argument: str, value: Any) -> None:
    """R23: none at all would be a wait without limit."""
    with pytest.raises(ConfigurationError, match=argument):
        Timeouts(**{argument: value})


def test_a_restart_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """R21: the first caller to notice an outage waits for its end; callers of a database that stays dead do not."""
    now = [100.0]
    monkeypatch.setattr("portalcreds.stores._drivers.outage.time.monotonic", lambda: now[0])
    outage = Outage(timedelta(seconds=5))
    assert outage.note() == 105.0
    now[0] = 104.0
    assert outage.note() == 105.0
    now[0] = 300.0
    assert outage.note() == 105.0
    outage.end()
    assert outage.note() == 305.0


def test_a_restart_of_two_seconds_is_not_noticed(tmp_path: Path) -> None:
    """R21: connections are refused meanwhile; the call that came first returns what it was asked for."""
    with new_backend("sqlite", tmp_path) as backend:
        back_at = [0.0]

        def connect() -> Any:
            if time.monotonic() < back_at[0]:
                raise ConnectionRefusedError(111, "refused")
            return backend.connect()

        with DBAPIAccountStore(connect) as store:
            add(store, ROSA)
            store._connections._idle.drop()
            back_at[0] = time.monotonic() + 2
            assert store.find(ROSA.contact_id) == ROSA
            assert time.monotonic() >= back_at[0]


def test_a_dead_database_costs_its_patience_once(tmp_path: Path) -> None:
    """R21: after that, sign-ins are told at once that the database is away."""

    def connect() -> Any:
        raise ConnectionRefusedError(111, "refused")

    with DBAPIAccountStore(connect, timeouts=Timeouts(outage=timedelta(seconds=1))) as store:
        taken = []
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                store.find(ROSA.contact_id)
            taken.append(time.monotonic() - began)
    assert taken[0] >= 0.9
    assert max(taken[1:]) < 0.9
