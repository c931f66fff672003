"""
Work on jobs in processes of their own, some of which are killed.

``python -m resets.job_worker work ADDRESS KEY JOURNAL LEASE`` goes on with a job, with leases of so many seconds. The
journal gets a line for each result. With ``held`` behind it, it stands still after the first until its input ends.

``python -m resets.job_worker kill ADDRESS POINTS`` starts a job for each of the points, and has a worker killed there;
another one does the rest. 1 is before its first statement, 2 after it, 3 before its second one and so on; ``save`` is
before the first one that keeps results, when accounts are set already. It prints how many were killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from portal import OFFICE, MovingClock, Portal, cheap_hasher
from portalcreds.audit import AuditKind
from portalcreds.contacts import ContactId
from portalcreds.protocols import utc_now
from portalcreds.resets import ResetOutcome
from portalcreds.stores._drivers.cursors import CursorStatements
from stores.backends import Backend

SHORT = timedelta(seconds=1)
"""A lease as short as it may be."""

SCHOOL = 266
"""Contacts of a job: four chunks and a little."""


class WallClock(MovingClock):
    """Tells the real time, or one that is ahead of it."""

    def __init__(self, ahead: timedelta = timedelta(0)) -> None:
        """Begin now."""
        super().__init__()
        self.ahead = ahead

    def __call__(self) -> datetime:
        """Return it."""
        return utc_now() + self.ahead


@contextmanager
def at_work(backend: Backend, ahead: timedelta = timedelta(0)) -> Iterator[Portal]:
    """Open a portal over the backend, as another process has it."""
    clock = WallClock(ahead)
    with backend.open() as store, cheap_hasher() as hasher:
        yield Portal(store, store.counter(clock=clock), clock, hasher)


def issues(backend: Backend, key: str, kind: AuditKind = AuditKind.PASSWORD_ISSUED) -> dict[str, int]:
    """Return how many events of issuing, or of another kind, a job has recorded, by contact."""
    sql = (
        "SELECT contact_id, COUNT(*) FROM portal_audit_events "
        f"WHERE operation_id = '{key}' AND kind = '{kind.value}' GROUP BY contact_id"
    )
    with closing(backend.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        return {str(contact_id): int(count) for contact_id, count in cursor.fetchall()}


def work(backend: Backend, key: str, journal: int, lease: timedelta, *, is_held: bool) -> None:
    """Go on with a job, and write a line for each result."""
    with at_work(backend) as portal:
        for result in attrs.evolve(portal.resets, lease=lease).resume(key):
            # One call of the system's, which a kill comes before or after.
            os.write(journal, f"{result.contact_id} {result.outcome.value}\n".encode())
            if is_held:
                # Or else it might be done before anybody gets to kill it. Once the input has ended, this waits no more.
                sys.stdin.buffer.read()


# -- killing


def kill(backend: Backend, points: list[str]) -> int:
    """Have workers killed, see what they left, and return how many were killed."""
    with at_work(backend) as portal:
        # This process hashes nothing: a fork would not take the threads along.
        school = portal.add_school(SCHOOL)
    killed = 0
    for epoch, point in enumerate(points, 1):
        with at_work(backend) as portal:
            key = portal.resets.start(portal.resets.plan(school, OFFICE).confirm(OFFICE)).key
        was_killed = _forked(backend, key, timedelta(0), point)
        killed += was_killed
        with at_work(backend) as portal:
            _look(backend, portal, key, school, epoch, is_done=not was_killed)
        # By the clock of this one, whatever the other had is free.
        assert not _forked(backend, key, 2 * SHORT, "0")
        with at_work(backend) as portal:
            _look(backend, portal, key, school, epoch, is_done=True)
    return killed


def _look(backend: Backend, portal: Portal, key: str, school: list[ContactId], epoch: int, *, is_done: bool) -> None:
    accounts = portal.store.find_many(school)
    reached = {contact_id for contact_id, account in accounts.items() if account.credential.epoch == epoch}
    # Set or not, and on record once or not at all.
    assert {account.credential.epoch for account in accounts.values()} <= {epoch - 1, epoch}
    assert {account.credential.issue_id for account in accounts.values() if account.contact_id in reached} <= {key}
    assert issues(backend, key) == dict.fromkeys(reached, 1)
    if is_done:
        assert reached == set(school)
        job = portal.resets.resume(key)
        assert job.progress().is_finished
        assert [result.contact_id for result in job.report()] == school
        assert job.report().count(ResetOutcome.SET) == len(school)


def _forked(backend: Backend, key: str, ahead: timedelta, point: str) -> bool:
    """Have a worker go on with a job, killed at a point; return whether it was, and did not end before it."""
    worker = os.fork()
    if worker == 0:
        # It leaves by _exit, so that it runs nothing of the parent's.
        try:
            _die_at(point)
            with at_work(backend, ahead) as portal:
                for _ in attrs.evolve(portal.resets, lease=SHORT).resume(key):
                    pass
            os._exit(0)
        except Exception:  # noqa: BLE001  Whatever it is, the parent's test shows it.
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)
    _, status = os.waitpid(worker, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL)
    return code != 0


def _die_at(point: str) -> None:
    passed = 0

    def pass_by(sql: str) -> None:
        nonlocal passed
        passed += 1
        if str(passed) == point or (point == "save" and "SET results = " in sql):
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("execute", "execute_each", "execute_rows"):
        _watch(name, pass_by)


def _watch(name: str, pass_by: Callable[[str], None]) -> None:
    run: Any = getattr(CursorStatements, name)

    def watched(statements: CursorStatements, sql: str, *arguments: Any) -> Any:
        pass_by(sql)
        result = run(statements, sql, *arguments)
        pass_by("")
        return result

    setattr(CursorStatements, name, watched)


def main(what: str, address: str, *arguments: str) -> None:
    """Do as the first argument says."""
    backend = Backend.at(address)
    if what == "work":
        key, path, seconds, *held = arguments
        journal = os.open(Path(path), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        work(backend, key, journal, timedelta(seconds=int(seconds)), is_held=held == ["held"])
    else:
        (points,) = arguments
        sys.stdout.write(f"{kill(backend, points.split(','))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
