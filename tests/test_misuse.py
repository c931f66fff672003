"""What works and protects less than it should is refused, or told where only the host can know (R9, R23)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

import portalcreds
from portal import GOOD_PASSWORD, OTHER_PASSWORD, MovingClock, Portal, cheap_hasher, settled
from portalcreds.administration import AccountService
from portalcreds.exceptions import ConfigurationError, PortalCredsWarning
from portalcreds.privileges import Grants
from portalcreds.resets import ResetService
from portalcreds.sign_in import SignedIn, SignInService
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.throttle import Throttle
from sign_in.writing import TIGHT

NOBODY_MAY = Grants(privileges={})


@pytest.mark.parametrize("source", [None, ""])
def test_a_sign_in_without_a_source_is_told(memory_portal: Portal, source: str | None) -> None:
    """R9: no limit on whoever tries name after name is told at the caller's line, and with a source nothing is."""
    settled(memory_portal)
    sign_ins = memory_portal.sign_ins
    for call in (
        lambda: sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source=source),
        lambda: sign_ins.change_password("rabbiatici", GOOD_PASSWORD, "short", source=source),
    ):
        with pytest.warns(PortalCredsWarning, match="source: .* pass the client's address") as told:
            call()
        assert [warning.filename for warning in told] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="192.0.2.7")
        sign_ins.change_password("rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD, source="192.0.2.7")


def test_an_empty_source_is_none(memory_portal: Portal) -> None:
    """R9: where a server sends empty text for each address, families are not taken for one source that fails."""
    settled(memory_portal)
    portal = memory_portal.with_parts(limits=attrs.evolve(TIGHT, per_source=(attrs.evolve(TIGHT.spray, attempts=2),)))
    for n in range(5):
        portal.sign_ins.sign_in(f"nobody {n}", "guess", source="")
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source=""), SignedIn)


def _memory() -> Any:
    return MemoryAttemptCounter()


def _limits() -> Any:
    pytest.importorskip("limits", reason="needs the package limits")
    from limits.storage import MemoryStorage

    from portalcreds.stores.limits import LimitsAttemptCounter

    return LimitsAttemptCounter(MemoryStorage(), tenant="south")


@pytest.mark.parametrize("make", [_memory, _limits])
def test_a_count_in_memory_that_was_forked_is_told_once(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R9: with a copy of the counts in each of four workers a guesser has four times as many guesses."""
    counter = make()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        counter.hit("guessed", None)
        with monkeypatch.context() as forked:
            forked.setattr("os.getpid", lambda: -1)
            with pytest.warns(PortalCredsWarning, match="counter: .* count in a database or in Redis"):
                counter.hit("guessed", None)
            assert counter.hit("guessed", None) == 3


def test_counters_of_one_store_in_memory_share_their_counts() -> None:
    """R9: two throttles over the same store are one limit, in memory as in a database, whatever their clocks."""
    store, clock = MemoryAccountStore(), MovingClock()
    assert store.counter().hit("guessed", None) == 1
    assert store.counter(clock=clock).hit("guessed", None) == 2
    assert store.counter().counts(["guessed"]) == (2,)
    assert MemoryAccountStore().counter().counts(["guessed"]) == (0,)


def _services(store: Any, counter: Any) -> list[Callable[[], object]]:
    hasher = cheap_hasher()
    throttle = Throttle(counter)
    return [
        lambda: portalcreds.Portal.over(store, authorizer=NOBODY_MAY, hasher=hasher, counter=counter),
        lambda: AccountService(store, authorizer=NOBODY_MAY, throttle=throttle),
        lambda: ResetService(store, authorizer=NOBODY_MAY, hasher=hasher, throttle=throttle),
        lambda: SignInService(store, hasher=hasher, throttle=throttle),
    ]


def test_a_counter_of_another_tenant_is_refused(tmp_path: Path) -> None:
    """R9, R16: guesses at another portal's families would keep out those of the same user names here."""
    path = tmp_path / "portal.db"
    with (
        DBAPIAccountStore.open_sqlite(path, tenant="north") as north,
        DBAPIAccountStore.open_sqlite(path, tenant="south") as south,
    ):
        for make in (*_services(north, south.counter()), *_services(north, _limits())):
            with pytest.raises(ConfigurationError) as caught:
                make()
            assert caught.value.argument == "counter"
            assert "store.counter()" in caught.value.hint
        for make in (*_services(south, south.counter()), *_services(MemoryAccountStore(), south.counter())):
            make()


def test_a_counter_of_one_process_beside_a_store_of_many_is_told(tmp_path: Path) -> None:
    """R9: each worker would count by itself, and unlocking in one lift nothing in another."""
    with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db", tenant="south") as store:
        for counter in (_memory(), _limits()):
            for make in _services(store, counter):
                with pytest.warns(PortalCredsWarning, match="counter: .* pass store.counter()"):
                    make()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            in_memory = MemoryAccountStore()
            for make in (*_services(store, store.counter()), *_services(in_memory, _memory())):
                make()


def test_a_counter_in_redis_is_told_whose_counts_it_keeps() -> None:
    """R9, R16: left out, two portals that share a Redis would share their counts; the hint says what to pass."""
    limits = pytest.importorskip("limits.storage", reason="needs the package limits")
    counter = pytest.importorskip("portalcreds.stores.limits").LimitsAttemptCounter
    with pytest.raises(ConfigurationError, match=r"tenant: pass the store's, such as tenant=store\.tenant"):
        counter(limits.MemoryStorage())
    assert counter(limits.MemoryStorage(), tenant="").tenant == ""
