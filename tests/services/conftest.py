"""The portal that the services are tried on, over every store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import Portal, open_portal
from servers import SERVERS

STORES = ("memory", "sqlite")


@pytest.fixture(params=STORES)
def portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Portal]:
    """A portal over each store."""
    with open_portal(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def memory_portal(tmp_path: Path) -> Iterator[Portal]:
    """A portal in memory, for what does not depend on the store."""
    with open_portal("memory", tmp_path) as opened:
        yield opened


@pytest.fixture(params=(*STORES, *SERVERS))
def every_portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Portal]:
    """A portal over each store, those on database servers included."""
    with open_portal(request.param, tmp_path) as opened:
        yield opened
