"""The portal that services are tested on, how much of each check a run takes, and what a run says of its skips."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from portal import Portal

if os.environ.get("PORTALCREDS_FLYING_TIME"):
    # 45 s pass between two looks at the system's clock. What needs it to stand fails then, and not once in a thousand
    # runs, when a window of the limits ends within a test. Before other modules take the clock from there by name.
    protocols: Any = import_module("portalcreds.protocols")
    now, looks = protocols.utc_now, itertools.count(1)
    protocols.utc_now = lambda: now() + next(looks) * timedelta(seconds=45)

# The contract suites assert outside tests/, and a failed one must say what it compared.
pytest.register_assert_rewrite("portalcreds.testing", "browsing")

# Derandomised and without a database: what fails, fails for everybody and at once, and no run fails by chance.
# Without a deadline, because Argon2 is slow on purpose and machines differ.
settings.register_profile("sample", derandomize=True, deadline=None, database=None)
settings.register_profile("whole", settings.get_profile("sample"), max_examples=500)
# For proof/mutate.py, which runs the same tests some hundreds of times.
settings.register_profile("brief", settings.get_profile("sample"), max_examples=20)
settings.load_profile("sample")

_ASKED_FOR: Final = re.compile(r"(?<!not )\bwhole\b")


# -- the portal that the services are tried on


@pytest.fixture(params=("memory", "sqlite"))
def portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Portal]:
    """A portal over each store that needs no server."""
    yield from _opened(request.param, tmp_path)


@pytest.fixture
def memory_portal(tmp_path: Path) -> Iterator[Portal]:
    """A portal in memory, for what does not depend on the store."""
    yield from _opened("memory", tmp_path)


@pytest.fixture(params=("memory", "sqlite", "postgresql", "mariadb"))
def every_portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Portal]:
    """A portal over each store, those on database servers included."""
    yield from _opened(request.param, tmp_path)


def _opened(kind: str, folder: Path) -> Iterator[Portal]:
    # Here, so that the package is imported after its asserts were registered above.
    from portal import open_portal

    with open_portal(kind, folder) as opened:
        yield opened


# -- the sample and the whole


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the whole of every check."""
    parser.addoption(
        "--whole", action="store_true", help="run the tests marked whole too, and more examples of every property"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw more examples if the whole was asked for."""
    if _is_whole(config):
        settings.load_profile("whole")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect, rather than skip, what nobody asked for: a skip would say that something is missing."""
    if _is_whole(config):
        return
    left_out = [item for item in items if item.get_closest_marker("whole") is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.get_closest_marker("whole") is None]


def _is_whole(config: pytest.Config) -> bool:
    return bool(config.getoption("--whole")) or _ASKED_FOR.search(str(config.getoption("markexpr"))) is not None


# -- skips


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell each reason to skip in one line, with how many tests it skipped."""
    reports = terminalreporter.stats.get("skipped", [])
    # pytest has a skip as the file, the line, and the reason behind one word.
    counts = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    for reason, count in counts.most_common():
        terminalreporter.write_line(f"skipped {count}: {reason}")
