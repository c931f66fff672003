"""Which tests and how many examples a run takes: a sample by default, the whole when asked."""

from __future__ import annotations

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


def _run(folder: Path, *options: str) -> str:
    shutil.copy(CONFTEST, folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = whole\n", encoding="utf-8")
    (folder / "test_both.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rP", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout


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
    printed = _run(tmp_path, *options)
    assert closing in printed.splitlines()[-1]
    assert "skipped" not in printed
    assert profile in printed
