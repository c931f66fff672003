"""Each database, and tables of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from portalcreds.stores._sql.schema import Layout

from .places import DATABASES, Place, new_layout, open_place


@pytest.fixture(params=DATABASES, scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Each database."""
    with open_place(request.param, tmp_path_factory.mktemp("check")) as place:
        yield place


@pytest.fixture
def layout() -> Layout:
    """Tables whose names nobody else has."""
    return new_layout()


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[Place]:
    """A database on MariaDB."""
    with open_place("mariadb", tmp_path) as place:
        yield place
