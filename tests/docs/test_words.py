"""Pages, docstrings and tests use the words of the glossary, and not those that we dropped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted(
    path
    for pattern in ("README.md", "docs/**/*.md", "docs/**/*.py", "src/**/*.py", "src/**/*.md", "tests/**/*.py")
    for path in ROOT.glob(pattern)
    if path != Path(__file__)
)

# What was said, and what is said now.
DROPPED = {
    r"mend(s|ed|ing)?": "hint, fix",
    r"borne": "allowed",
    r"(is|are|was|were) not believed": "is untrusted input",
    r"(comes?|came|coming) too late": "a writer with a stale version re-reads and decides again",
    r"who comes (too late|after|first|later)": "the later one, the next one",
    r"of how many it became|it became of": "how many had this outcome",
    r"be had back": "be read again, be recovered",
    r"is of no use": "cannot be used",
    r"log(s|ged|ging)? in": "sign in (verb), sign-in (noun)",
    r"set_privilege|index_of": "a function is a verb: privilege_for, create_index_sql",
}


@pytest.mark.parametrize("dropped", DROPPED)
def test_dropped_words_are_gone(dropped: str) -> None:
    """No text uses a word that we replaced by a plainer one."""
    words = dropped.replace(" ", r"\s+")
    word = re.compile(rf"(?<![\w.]){words}(?!\w)", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path in TEXTS
        for text in [path.read_text("utf-8")]
        for match in word.finditer(text)
    ]
    assert found == [], f"write: {DROPPED[dropped]}"
