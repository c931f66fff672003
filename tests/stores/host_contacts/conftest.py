"""Each database with our tables, and hosts that reach it in each way."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

from sqlalchemy.orm import Session

from ..backends import Backend, new_backend
from ..hosts import DATABASES
from .schools import (
    WAYS,
    Base,
    Guardian,
    School,
    open_school,
)


@pytest.fixture(params=DATABASES, scope="module")
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Return each database, with our tables."""
    with new_backend(request.param, tmp_path_factory.mktemp("school")) as backend:
        yield backend


@pytest.fixture(params=WAYS)
def school(request: pytest.FixtureRequest, backend: Backend) -> Iterator[School]:
    """Return a host without a table yet."""
    with open_school(backend, request.param) as school:
        yield school


@pytest.fixture
def alchemist(backend: Backend) -> Iterator[School]:
    """Return the same through SQLAlchemy only."""
    with open_school(backend, "sqlalchemy") as school:
        yield school


@pytest.fixture
def guardians(alchemist: School) -> Iterator[School]:
    """Return a host with classes, one of which has its names in two tables."""
    Base.metadata.create_all(alchemist.engine)
    with Session(alchemist.engine) as session:
        for number, (name, school) in enumerate((("Abel", "North"), ("Berg", "North"), ("Cole", "South 50%"))):
            session.add(Guardian(key=number + 100, given="Kim", number=f"g{number}", family=name, school=school))
        session.commit()
    yield alchemist
    Base.metadata.drop_all(alchemist.engine)
