"""A job hashes on any executor of the host's; plaintext and pepper leave the process only if the host says so (R13)."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import attrs
import pytest

from portal import OFFICE, Portal
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers import Argon2Hasher, KeyRing, UpgradingHasher
from portalcreds.resets import ResetOutcome
from portalcreds.sign_in import PasswordChangeRequired
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from resets.running import CHUNK, confirmed, outcomes
from stores.hosts import need


@contextmanager
def _loky() -> Iterator[Executor]:
    loky = need("loky")
    executor = loky.ProcessPoolExecutor(2)
    try:
        yield executor
    finally:
        executor.shutdown(kill_workers=True)


@contextmanager
def _dask() -> Iterator[Executor]:
    distributed = need("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0")
    with cluster, distributed.Client(cluster) as client:
        assert len(client.scheduler_info()["workers"]) == 2
        with client.get_executor() as executor:
            yield executor


@contextmanager
def _spawned() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


EXECUTORS: dict[str, Callable[[], AbstractContextManager[Executor]]] = {
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": _spawned,
    "loky": _loky,
    "dask": _dask,
}


@pytest.fixture(scope="module")
def started() -> Iterator[Callable[[str], Executor]]:
    """Return a function that starts an executor, or returns the one that it started before."""
    executors: dict[str, Executor] = {}
    with ExitStack() as stack:

        def start(name: str) -> Executor:
            if name not in executors:
                executors[name] = stack.enter_context(EXECUTORS[name]())
            return executors[name]

        yield start


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest, started: Callable[[str], Executor]) -> Executor:
    """Return each executor, with two workers."""
    return started(request.param)


@pytest.fixture(params=[name for name in EXECUTORS if name != "threads"])
def elsewhere(request: pytest.FixtureRequest, started: Callable[[str], Executor]) -> Executor:
    """Return each executor that sends work to other processes."""
    return started(request.param)


def test_a_job_hashes_where_the_host_says(portal: Portal, executor: Executor) -> None:
    """Equal defaults get hashes of their own, each opens its door, and the executor is the host's to go on with."""
    family = [Contact(contact_id=ContactId(f"f-{n}"), first_name="Mia", last_name="Li") for n in range(CHUNK + 8)]
    portal.accounts.sync_contacts(family, OFFICE, usernames=lambda contact: contact.contact_id)
    ok = confirmed(portal, [contact.contact_id for contact in family])
    portal.resets.start(ok)

    report = portal.resets.resume(ok.key, executor=executor, may_leave_process=True).run()

    assert outcomes(report) == {("set", None): CHUNK + 8}
    hashes = {portal.account(contact.contact_id).credential.password_hash for contact in family}
    assert len({stored.encoded for stored in hashes if stored is not None}) == CHUNK + 8
    assert isinstance(portal.sign_ins.sign_in("f-70", "LiM"), PasswordChangeRequired)
    assert executor.submit(str, 1).result() == "1"


def test_no_plaintext_leaves_the_process_unasked(memory_portal: Portal, elsewhere: Executor) -> None:
    """Without the word of the host nothing is sent and nothing set; the job can be gone on with once it is given."""
    portal = memory_portal
    ok = confirmed(portal, ["c-1", "c-2"])
    job = portal.resets.start(ok, executor=elsewhere)
    with pytest.raises(ConfigurationError, match="may_leave_process"):
        job.run()
    assert portal.account("c-1").credential.epoch == 0
    report = portal.resets.resume(ok.key, executor=elsewhere, may_leave_process=True).run()
    assert outcomes(report) == {("set", None): 2}


@pytest.mark.parametrize("may_leave", [False, True])
def test_no_pepper_leaves_the_process_unasked(memory_portal: Portal, elsewhere: Executor, may_leave: bool) -> None:
    """The key of a pepper is sent along only if its ring says so, whatever is said of plaintexts."""
    ring = KeyRing(keys={"k1": os.urandom(32)}, current="k1", may_leave_process=may_leave)
    chosen, issued = (Argon2Hasher(parameters, key_ring=ring) for parameters in (CHEAPEST_CHOSEN, CHEAPEST_ISSUED))
    with UpgradingHasher(chosen=chosen, issued=issued) as hasher:
        portal = attrs.evolve(memory_portal, hasher=hasher)
        job = portal.resets.start(confirmed(portal, ["c-1"]), executor=elsewhere, may_leave_process=True)
        if not may_leave:
            with pytest.raises(ConfigurationError, match="KeyRing"):
                job.run()
            assert portal.account("c-1").credential.epoch == 0
            return
        assert [result.outcome for result in job] == [ResetOutcome.SET]
        stored: Any = portal.account("c-1").credential.password_hash
        assert "keyid=" in stored.encoded
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)
