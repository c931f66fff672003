"""A browser for the tests that look at pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browsing import PICTURES, Site, served, started_chromium


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve the pages over SQLite."""
    with served(str(tmp_path / "portal.db"), made_up=180) as site:
        yield site


@pytest.fixture
def chromium() -> Iterator[Any]:
    """Start a browser of this test's own."""
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return where pictures go: into the documentation if PORTALCREDS_PICTURES is set, else they are dropped."""
    folder = PICTURES if os.environ.get("PORTALCREDS_PICTURES") else tmp_path / "pictures"
    folder.mkdir(exist_ok=True)
    return folder
