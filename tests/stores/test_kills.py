"""Whenever a writer is killed, all that it wrote is whole: hash, epoch, version, change and record agree."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from portalcreds.testing._store_samples import add, an_account
from stores.backends import BACKENDS, Backend, OwnedStore, new_backend
from stores.writer import ABOUT_TO, IDS, NEW_EPOCH, STORED, recorded, settle

TESTS = Path(__file__).parents[1]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each backend."""
    with new_backend(request.param, tmp_path) as backend:
        yield backend


def kill_writers(backend: Backend, folder: Path, kills: int) -> None:
    """Have so many writers killed, and look at what they left."""
    with backend.open() as store:
        add(store, *map(an_account, IDS))
    run_writers(backend, folder, kills)
    with backend.open() as store:
        # The next to come can write, and what the last one left is final then.
        settle(store)
        assert_all_is_whole(backend, store)
        assert_journals_hold(store, [(folder / str(number)).read_text(encoding="ascii") for number in range(kills)])


def run_writers(backend: Backend, folder: Path, kills: int) -> None:
    """Have so many writers killed, each with a journal in the folder."""
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    subprocess.run(
        [sys.executable, "-m", "stores.writer", backend.address, str(folder), str(kills), "1"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        check=True,
        timeout=600,
    )


def assert_all_is_whole(backend: Backend, store: OwnedStore) -> None:
    """Assert that each account is what its record says that it was made, step by step."""
    with closing(backend.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT contact_id, change_id FROM portal_accounts")
        change_ids = dict(cursor.fetchall())
    for contact_id, account in store.find_many(IDS).items():
        events = store.events(contact_id)
        steps = [(event.reason or "").split(" ") for event in events]
        # A step without its event would leave a gap, an event without its step come twice.
        assert [int(step[1]) for step in steps] == list(range(2, account.version + 1))
        epochs = [0, *(int(step[2]) for step in steps)]
        grown = [after - before for before, after in pairwise(epochs)]
        assert grown == [int(step[0] in NEW_EPOCH) for step in steps]
        assert recorded(steps[-1][0], account) == events[-1].reason
        assert change_ids[contact_id] == events[-1].operation_id


def assert_journals_hold(store: OwnedStore, journals: list[str]) -> None:
    """Assert that what a writer was told is stored is so, and that what was handed in together was stored so."""
    there = {event.operation_id for event in store.events()}
    interrupted = []
    for journal in journals:
        lines = [line.split(" ") for line in journal.splitlines()]
        for mark, *change_ids in lines:
            stored = [change_id in there for change_id in change_ids]
            assert all(stored) if mark == STORED else len(set(stored)) == 1
        interrupted += [line for line in lines[-1:] if line[0] == ABOUT_TO]
    # Otherwise nobody was killed while writing, and nothing was tried here.
    assert interrupted


def test_a_killed_writer_leaves_nothing_half_done(backend: Backend, tmp_path: Path) -> None:
    """After kill -9 in the middle of writing, hash, epoch, version, change and record agree for every account."""
    kill_writers(backend, tmp_path, 5)


@pytest.mark.whole
def test_200_killed_writers_leave_nothing_half_done(backend: Backend, tmp_path: Path) -> None:
    """The same for 200 writers."""
    # What is behind the same database is tried in full over its driver.
    kill_writers(backend, tmp_path, 50 if backend.name.startswith("sqlalchemy-") else 200)
