"""Which tests and how many examples a run takes, a sample or the whole, and what it says of those it skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

TESTS = """
import pytest
from hypothesis import settings

def test_sample():
    print("profile", settings().max_examples, settings().derandomize)

@pytest.mark.whole
def test_whole():
    pass
"""


SKIPS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_server(number):
    pytest.skip("no server")

@pytest.mark.skipif(True, reason="too old")
def test_version():
    pass
"""


def _run(folder: Path, tests: str, *options: str) -> str:
    shutil.copy(CONFTEST, folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = whole\n", encoding="utf-8")
    (folder / "test_both.py").write_text(tests, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rP", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout


@pytest.mark.parametrize(
    ("options", "closing", "profile"),
    [
        pytest.param([], "1 passed, 1 deselected", "profile 100 True", id="sample"),
        pytest.param(["--whole"], "2 passed", "profile 500 True", id="whole"),
        pytest.param(["-m", "not whole"], "1 passed, 1 deselected", "profile 100 True", id="not whole"),
        pytest.param(["-m", "whole"], "1 passed, 1 deselected", "", id="whole alone"),
    ],
)
def test_a_run_takes_what_was_asked_for(tmp_path: Path, options: list[str], closing: str, profile: str) -> None:
    """What is left out of a run is deselected and never skipped, and a sample is the same each time."""
    printed = _run(tmp_path, TESTS, *options)
    assert closing in printed.splitlines()[-1]
    assert "skipped" not in printed
    assert profile in printed


def test_each_reason_to_skip_is_told_in_one_line(tmp_path: Path) -> None:
    """Whoever runs the tests without a server reads what was left out, and not a line for each test."""
    told = [line for line in _run(tmp_path, SKIPS).splitlines() if "skipped" in line]
    assert told[:-1] == ["skipped 3: no server", "skipped 1: too old"]
    assert told[-1].startswith("4 skipped in ")
