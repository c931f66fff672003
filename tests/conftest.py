"""Choose between the sample of every check, the same each time, and the whole of it."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import settings

# The contract suites assert outside tests/, and a failed one must say what it compared.
pytest.register_assert_rewrite("portalcreds.testing")

# Derandomised and without a database: what fails, fails for everybody and at once, and no run fails by chance.
# Without a deadline, because Argon2 is slow on purpose and machines differ.
settings.register_profile("sample", derandomize=True, deadline=None, database=None)
settings.register_profile("whole", settings.get_profile("sample"), max_examples=500)
settings.load_profile("sample")

_ASKED_FOR: Final = re.compile(r"(?<!not )\bwhole\b")


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
