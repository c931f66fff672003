"""Several processes work on one job; some are killed or frozen; each account is set once, and on record once (R12)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from portal import OFFICE, Portal
from portalcreds.audit import AuditKind
from portalcreds.contacts import ContactId
from portalcreds.resets import DEFAULT_LEASE, ResetOutcome
from resets.job_worker import SHORT, at_work, issues
from stores.backends import Backend, new_backend
from stores.hosts import DATABASES

TESTS = Path(__file__).parents[1]
CONTACTS = 64 * 12


@pytest.fixture(params=DATABASES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return each database."""
    with new_backend(request.param, tmp_path) as backend:
        yield backend


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "resets.job_worker", *arguments]


def _environment() -> dict[str, str]:
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


# -- killed


def kill_workers(backend: Backend, points: Iterable[int | str]) -> int:
    """Have workers killed at these points, and return how many were."""
    ran = subprocess.run(
        _command("kill", backend.address, ",".join(map(str, points))),
        env=_environment(),
        check=True,
        timeout=600,
        stdout=subprocess.PIPE,
    )
    return int(ran.stdout)


def test_a_killed_worker_leaves_nothing_half_done(backend: Backend) -> None:
    """Before a statement and after one, within a transaction and between two: the next worker does the rest."""
    assert kill_workers(backend, ["save", 4, 17, 30, 47]) == 5


@pytest.mark.whole
def test_workers_killed_at_100_points_leave_nothing_half_done(backend: Backend) -> None:
    """The same before and after each statement, which are a hundred points and more on each database."""
    assert kill_workers(backend, range(1, 101)) == 100


# -- several at once


class Workers:
    """Processes that work on one job."""

    def __init__(self, backend: Backend, folder: Path, *, invite: bool) -> None:
        """Start a job in this process, which leaves it to others."""
        self.backend = backend
        self.kind = AuditKind.INVITED if invite else AuditKind.PASSWORD_ISSUED
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        with at_work(backend) as portal:
            self.school = portal.add_school(CONTACTS)
            plan = portal.resets.plan(self.school, OFFICE, invite=invite)
            self.key = portal.resets.start(plan.confirm(OFFICE)).key

    def start(self, count: int, *, lease: timedelta = DEFAULT_LEASE, is_held: bool = False) -> None:
        """Start so many; those that are held stand still in the middle of their first chunk, until `let_go`."""
        seconds = str(lease // timedelta(seconds=1))
        for _ in range(count):
            path = self.folder / f"journal-{len(self.processes)}"
            command = _command("work", self.backend.address, self.key, str(path), seconds, *["held"] * is_held)
            stdin = subprocess.PIPE if is_held else subprocess.DEVNULL
            self.processes.append(subprocess.Popen(command, env=_environment(), stdin=stdin))

    def journal(self, number: int) -> list[str]:
        """Return whom a worker has told of as set."""
        path = self.folder / f"journal-{number}"
        told = [line.split(" ") for line in path.read_text().splitlines()] if path.exists() else []
        assert {outcome for _, outcome in told} <= {"set", "undelivered" if self.kind is AuditKind.INVITED else "set"}
        return [contact_id for contact_id, outcome in told if outcome == "set"]

    def await_work(self, number: int) -> None:
        """Wait until a worker has told of somebody."""
        until = time.monotonic() + 60
        while not self.journal(number):
            assert time.monotonic() < until
            time.sleep(0.01)

    def let_go(self, number: int) -> None:
        """Have a worker that is held go on, if it lives."""
        stdin = self.processes[number].stdin
        if stdin is not None:
            stdin.close()

    def signal(self, number: int, what: signal.Signals) -> None:
        """Send a worker a signal."""
        self.processes[number].send_signal(what)

    def end(self) -> list[int]:
        """Wait for all, and return what they ended with."""
        return [process.wait(120) for process in self.processes]


@contextmanager
def workers_on(backend: Backend, folder: Path, *, invite: bool = False) -> Iterator[Workers]:
    """Lend workers on a job, and look at what they did; none is left behind."""
    workers = Workers(backend, folder, invite=invite)
    try:
        yield workers
    finally:
        for number, process in enumerate(workers.processes):
            workers.let_go(number)
            if process.poll() is None:
                process.kill()
                process.wait()
    with at_work(backend) as portal:
        _look(portal, workers)


def _look(portal: Portal, workers: Workers) -> None:
    job = portal.resets.resume(workers.key)
    assert job.progress().is_finished
    report = job.report()
    assert [result.contact_id for result in report] == workers.school
    told = Counter(contact_id for number in range(len(workers.processes)) for contact_id in workers.journal(number))
    lost = {result.contact_id for result in report if result.outcome is ResetOutcome.UNDELIVERED}
    assert report.count(ResetOutcome.SET) + len(lost) == len(workers.school)
    if workers.kind is AuditKind.INVITED:
        # Whose ticket nobody was told is reported, and no ticket is told twice.
        assert set(workers.school) - set(told) <= lost
        assert set(told.values()) == {1}
    else:
        assert not lost
    accounts = portal.store.find_many(workers.school).values()
    assert {(account.credential.epoch, account.credential.issue_id) for account in accounts} == {(1, workers.key)}
    assert issues(workers.backend, workers.key, workers.kind) == dict.fromkeys(workers.school, 1)
    # Each worker tells in the order selected, except of what another one left.
    for number in range(len(workers.processes)):
        assert set(map(ContactId, workers.journal(number))) <= set(workers.school)


@pytest.mark.parametrize(
    "count", [pytest.param(1, marks=pytest.mark.whole), 2, pytest.param(4, marks=pytest.mark.whole)]
)
@pytest.mark.parametrize("invite", [False, True])
def test_processes_share_a_job(backend: Backend, tmp_path: Path, count: int, invite: bool) -> None:
    """Each result is told by one of them, and all end when all is done: defaults and invitations alike."""
    with workers_on(backend, tmp_path, invite=invite) as workers:
        workers.start(count)
        assert workers.end() == [0] * count
        told = [contact_id for number in range(count) for contact_id in workers.journal(number)]
        assert sorted(told) == sorted(workers.school)
        assert all(workers.journal(number) == sorted(workers.journal(number)) for number in range(count))


@pytest.mark.parametrize("invite", [False, True])
def test_one_is_killed_and_one_is_frozen_beyond_its_lease(backend: Backend, tmp_path: Path, invite: bool) -> None:
    """What these two had is done by the others; the frozen one wakes up, writes nothing over, and ends well."""
    with workers_on(backend, tmp_path, invite=invite) as workers:
        workers.start(2, lease=SHORT, is_held=True)
        workers.await_work(0)
        workers.signal(0, signal.SIGKILL)
        workers.await_work(1)
        workers.signal(1, signal.SIGSTOP)
        workers.start(2, lease=SHORT)
        time.sleep(1.5 * SHORT.total_seconds())
        workers.signal(1, signal.SIGCONT)
        workers.let_go(1)
        assert workers.end() == [-signal.SIGKILL, 0, 0, 0]
