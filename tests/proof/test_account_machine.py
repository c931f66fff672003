"""Whatever is done to accounts in whatever order, over whatever store, they are what a page of plain rules says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from portal import PortalStore, cheap_hasher
from portalcreds.hashers import UpgradingHasher
from portalcreds.protocols import AttemptCounter
from portalcreds.stores.memory import MemoryAccountStore
from proof.account_machine import AccountMachine
from stores.backends import STORES, Backend, backend_or_memory

SAMPLES = {"memory": (25, 40), "sqlite": (4, 20), "sqlalchemy-sqlite": (2, 20)}
"""How many runs of how many steps; of the others one of fifteen."""


@pytest.fixture(scope="module")
def hasher() -> Iterator[UpgradingHasher]:
    """The real hasher at costs for tests."""
    with cheap_hasher() as hasher:
        yield hasher


@pytest.fixture(scope="module", params=STORES)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend | None]:
    """Each backend, and None for the store in memory; each run of the machine is a tenant of its own."""
    with backend_or_memory(request.param, tmp_path_factory.mktemp("backend")) as backend:
        yield backend


@contextmanager
def opened(backend: Backend | None) -> Iterator[tuple[PortalStore, Callable[..., AttemptCounter]]]:
    """Lend a store without accounts, and what makes its counter."""
    if backend is None:
        store = MemoryAccountStore()
        yield store, store.counter
    else:
        with backend.open(uuid4().hex) as owned:
            yield owned, owned.counter


def run(backend: Backend | None, hasher: UpgradingHasher, examples: int, steps: int) -> None:
    """Run the machine so often, for so many steps each."""
    run_state_machine_as_test(
        lambda: AccountMachine(opened(backend), hasher),  # type: ignore[arg-type]  # A function makes one as well.
        settings=settings(max_examples=examples, stateful_step_count=steps),
    )


def test_accounts_are_what_the_model_says(backend: Backend | None, hasher: UpgradingHasher) -> None:
    """A sample of stories, over each store (R1, R2, R5, R6)."""
    run(backend, hasher, *SAMPLES.get("memory" if backend is None else backend.name, (1, 15)))


@pytest.mark.whole
def test_accounts_are_what_the_model_says_for_long(backend: Backend | None, hasher: UpgradingHasher) -> None:
    """Many stories: 2,000 in memory and 40 over each database, of 50 steps each."""
    run(backend, hasher, 2_000 if backend is None else 40, 50)
