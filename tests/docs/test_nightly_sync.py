"""The script for the night syncs, stops where the roster looks wrong, and a scheduler can have it done."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from portalcreds import AuditKind, Portal
from portalcreds.stores.dbapi import DBAPIAccountStore
from recipes import HOW_TO, names_of
from stores.hosts import need

SCRIPT: Final = Path(__file__).resolve().parents[2] / "docs/examples/nightly_sync.py"
ROWS: Final = [f"P-{n},Kim,Parent{n:02},kim{n}" for n in range(40)]


def _night(folder: Path, rows: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    roster = folder / "contacts.csv"
    roster.write_text("\n".join(["contact_id,first_name,last_name,username", *rows]), "utf-8")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(roster), "--database", str(folder / "portal.db")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    return int(ended.value.code or 0)


def _kinds(folder: Path) -> list[AuditKind]:
    with DBAPIAccountStore.open_sqlite(folder / "portal.db") as store:
        return [event.kind for event in store.events()]


def test_nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The first adds all, the next changes nothing and says nothing, and a newcomer is added."""
    assert _night(tmp_path, ROWS, monkeypatch) == 0
    assert _kinds(tmp_path).count(AuditKind.ACCOUNT_ADDED) == 40
    assert _night(tmp_path, ROWS, monkeypatch) == 0
    assert _night(tmp_path, [*ROWS, "P-99,Rosa,Abbiatici,"], monkeypatch) == 0
    assert _kinds(tmp_path).count(AuditKind.ACCOUNT_ADDED) == 41
    assert capsys.readouterr().out == ""


def test_a_name_that_is_taken_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What somebody should look at is printed, by id, without a name."""
    assert _night(tmp_path, [*ROWS, "P-98,Rosa,Abbiatici,kim1"], monkeypatch) == 0
    said = capsys.readouterr().out
    assert said.startswith("P-98: add, ")
    assert "Abbiatici" not in said
    assert "kim1" not in said


@pytest.mark.parametrize("rows", [ROWS[:20], [*ROWS, *[",Kim,Parent,"] * 5]], ids=["half is gone", "many refused"])
def test_a_roster_that_looks_wrong_changes_nothing(
    rows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script stops before it writes, says so, and ends with 1."""
    _night(tmp_path, ROWS, monkeypatch)
    capsys.readouterr()
    assert _night(tmp_path, [*rows, "P-99,Rosa,Abbiatici,"], monkeypatch) == 1
    assert "stopped:" in capsys.readouterr().out
    assert _kinds(tmp_path).count(AuditKind.ACCOUNT_ADDED) == 40


def test_no_file_is_one_line(tmp_path: Path) -> None:
    """A file that is not there, or is no roster, ends the script with a line and no stack of errors."""
    command = [sys.executable, str(SCRIPT), str(tmp_path / "absent.csv"), "--database", str(tmp_path / "portal.db")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1


def test_the_line_for_cron(tmp_path: Path) -> None:
    """The command of the cron table runs, with this interpreter and in this folder."""
    page = (HOW_TO / "nightly-sync.md").read_text("utf-8")
    found = re.search(r"^<!-- cron -->\n```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    minute, hour, *days, command = found[1].strip().split(maxsplit=5)
    assert (minute.isdecimal(), hour.isdecimal(), days) == (True, True, ["*", "*", "*"])
    (tmp_path / "contacts.csv").write_text("contact_id,first_name,last_name\n1,Rosa,Abbiatici\n", "utf-8")
    here = {"/run/lock/portal-sync": "lock", "/opt/portal/bin/python": sys.executable, "nightly_sync.py": str(SCRIPT)}
    words = [here.get(word, word) for word in shlex.split(command)]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert AuditKind.ACCOUNT_ADDED in _kinds(tmp_path)


def test_with_apscheduler(tmp_path: Path) -> None:
    """The job is due at the next half past two of the school's clock, and its work is done by the scheduler."""
    need("apscheduler")
    example, done = runpy.run_path(str(SCRIPT)), threading.Event()
    (tmp_path / "contacts.csv").write_text("contact_id,first_name,last_name\n1,Rosa,Abbiatici\n", "utf-8")

    def work() -> None:
        with Portal.open_sqlite(tmp_path / "portal.db", authorizer=example["MAY"]) as portal:
            example["sync"](portal, example["read_contacts_csv"](tmp_path / "contacts.csv"))
        done.set()

    scheduler: Any = names_of("nightly-sync.md", "apscheduler")["sync_each_night"](work, "America/Los_Angeles")
    try:
        (job,) = scheduler.get_jobs()
        assert job.next_run_time.strftime("%H:%M %Z") in ("02:30 PST", "02:30 PDT")
        job.modify(next_run_time=datetime.now(UTC))
        assert done.wait(20)
    finally:
        scheduler.shutdown()
    assert AuditKind.ACCOUNT_ADDED in _kinds(tmp_path)
