"""Fixtures of the tests of hashing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portalcreds.hashers import (
    Argon2Hasher,
    UpgradingHasher,
)
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

from .benches import Bench, Reversed


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Hash fast, and count."""
    bench = Bench()
    with bench.pool:
        yield bench


@pytest.fixture
def hasher() -> Iterator[UpgradingHasher]:
    """Hash fast, in a pool of its own."""
    with UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), legacy=[Reversed()]
    ) as hasher:
        yield hasher
