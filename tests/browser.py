"""Start the browser that pages are looked at with: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from stores.hosts import need

_OPTIONS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser of its own; where there is none, the test is skipped, or fails in CI."""
    playwright = need("playwright.sync_api")
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
            pytest.fail("chromium is not here; install Debian's package")
        pytest.skip("chromium is not here")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()
