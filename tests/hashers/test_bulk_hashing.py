"""Many hashes at once: in order, on the pool or elsewhere, and only a little ahead."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any, cast

import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers import (
    HashingUnavailableError,
    UpgradingHasher,
)
from portalcreds.protocols import HashCheck
from portalcreds.secret import Secret

from .benches import Bench, assert_in_order, elsewhere, numbered


def test_hashes_come_in_order_from_the_pool(hasher: UpgradingHasher) -> None:
    """R13: the n-th hash is the n-th password's, however the threads finish."""
    assert_in_order(list(hasher.hash_issued(numbered(100))), 100)
    assert list(hasher.hash_issued([])) == []


def test_hashes_come_in_order_from_threads_of_the_host(hasher: UpgradingHasher) -> None:
    """R13: threads are of this process, so nobody has to give permission; and they live on."""
    with ThreadPoolExecutor(3) as executor:
        assert_in_order(list(hasher.hash_issued(numbered(150), executor=executor)), 150)
        assert executor.submit(str).result() == ""


def test_hashes_come_in_order_from_other_processes(hasher: UpgradingHasher) -> None:
    """R13: with permission, on an executor that pickles; secrets stay behind, and it lives on."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        hashes = list(hasher.hash_issued(numbered(20), executor=executor, may_leave_process=True))

        assert_in_order(hashes, 20)
        assert executor.submit(str).result() == ""


def test_hashes_come_in_order_from_anything_with_submit(hasher: UpgradingHasher) -> None:
    """R13: nothing else of an executor is used."""
    _, executor = elsewhere()

    assert_in_order(list(hasher.hash_issued(numbered(150), executor=executor, may_leave_process=True)), 150)


def test_plaintext_does_not_leave_the_process_unasked(hasher: UpgradingHasher) -> None:
    """R13: refused at once, before anything is taken or sent, and the error says the hint."""
    spy, executor = elsewhere()
    passwords = iter(numbered(1))

    with pytest.raises(ConfigurationError, match="True") as caught:
        hasher.hash_issued(passwords, executor=executor)

    assert caught.value.argument == "may_leave_process"
    assert spy.calls == []
    assert next(passwords).reveal() == "password 0"


def test_a_multiprocessing_pool_is_no_executor(hasher: UpgradingHasher) -> None:
    """R23: it is passed by mistake, so the error names it and what to pass."""
    with get_context("spawn").Pool(1) as pool, pytest.raises(ConfigurationError, match="multiprocessing") as caught:
        hasher.hash_issued(numbered(1), executor=cast("Executor", pool), may_leave_process=True)

    assert caught.value.argument == "executor"


def test_equal_passwords_get_hashes_of_their_own(hasher: UpgradingHasher) -> None:
    """R13: 5,000 equal defaults, 5,000 salts and 5,000 hashes."""
    hashes = list(hasher.hash_issued(Secret("AbbiaticiR") for _ in range(5000)))

    assert len({stored.encoded for stored in hashes}) == 5000
    assert len({stored.encoded.split("$")[4] for stored in hashes}) == 5000


def test_an_executor_that_remembers_calls_cannot_make_equal_hashes(hasher: UpgradingHasher) -> None:
    """R13: Dask takes equal calls for one, so the salt is drawn here and is a part of the call."""
    spy, executor = elsewhere()
    equal = [Secret("AbbiaticiR")] * 50

    hashes = list(hasher.hash_issued(equal, executor=executor, may_leave_process=True))

    assert len({stored.encoded for stored in hashes}) == 50
    assert len({call[3] for call in spy.calls}) == 50
    assert all(call[0](*call[1:]) == (stored.encoded, "") for call, stored in zip(spy.calls, hashes, strict=True))


@pytest.mark.parametrize(("ahead", "is_own"), [(8, True), (64, False)])
def test_passwords_are_taken_only_a_little_ahead(bench: Bench, ahead: int, is_own: bool) -> None:
    """R13: neither a district in memory nor a queue in front of those who sign in."""
    taken = 0

    def passwords() -> Iterator[Secret]:
        nonlocal taken
        for secret in numbered(200):
            taken += 1
            yield secret

    executor = None if is_own else elsewhere()[1]
    hashes = bench.hasher.hash_issued(passwords(), executor=executor, may_leave_process=True)
    assert taken == 0
    for count, _ in enumerate(hashes):
        assert taken <= count + ahead

    assert taken == 200


@pytest.mark.parametrize("how", ["close", "error"])
def test_what_has_not_begun_is_cancelled(hasher: UpgradingHasher, how: str) -> None:
    """R13: a host that stops, or a list that fails, leaves no work behind; the executor is not shut down."""
    spy, executor = elsewhere()

    def passwords() -> Iterator[Secret]:
        yield from numbered(64)
        spy.runs = False
        yield from numbered(10)
        raise LookupError

    hashes = hasher.hash_issued(passwords(), executor=executor, may_leave_process=True)
    if how == "close":
        for _ in range(5):
            next(hashes)
        cast("Any", hashes).close()
    else:
        with pytest.raises(LookupError):
            list(hashes)

    waiting = [future for future in spy.futures if not future.done() or future.cancelled()]
    assert len(waiting) == (4 if how == "close" else 10)
    assert all(future.cancelled() for future in waiting)


def test_cancelled_work_of_the_pool_is_not_done(bench: Bench) -> None:
    """R13: the same on the pool's own threads, which then are free for those who sign in."""
    opened = threading.Event()
    blockers = [bench.pool.submit(lambda: opened.wait(20)) for _ in range(bench.pool.workers)]

    def passwords() -> Iterator[Secret]:
        yield from numbered(5)
        raise LookupError

    with pytest.raises(LookupError):
        next(bench.hasher.hash_issued(passwords()))
    opened.set()
    for blocker in blockers:
        blocker.result()
    assert bench.check("wrong", None) == HashCheck(matched=False)

    assert bench.work == (1, 1, 0)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (HashingUnavailableError("out_of_memory"), "out_of_memory"),
        (MemoryError("canary"), "out_of_memory"),
        (UnicodeError("canary"), "UnicodeError"),
    ],
)
@pytest.mark.parametrize("is_own", [True, False])
def test_a_failing_hasher_is_told_without_what_it_said(
    bench: Bench, raised: Exception, code: str, is_own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R14: in the pool and elsewhere, where a task returns its failure: of one that raises, Dask logs the arguments."""

    def fail(*_args: object, **_kwargs: object) -> PasswordHash:
        raise raised

    monkeypatch.setattr(bench.issued, "hash", fail)
    executor = None if is_own else elsewhere()[1]

    with pytest.raises(HashingUnavailableError) as caught:
        list(bench.hasher.hash_issued([Secret("canary")], executor=executor, may_leave_process=True))

    assert caught.value.code == code
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "canary" not in "".join(traceback.format_exception(caught.value)).replace('Secret("canary")', "")


def test_an_executor_that_takes_no_more_work_is_told_as_a_failure(hasher: UpgradingHasher) -> None:
    """R14, R23: shut down by the host, it is hashing that is unavailable, without what the executor said."""
    with ThreadPoolExecutor(1) as executor:
        pass

    with pytest.raises(HashingUnavailableError) as caught:
        next(hasher.hash_issued([Secret("canary")], executor=executor))

    assert caught.value.code == "RuntimeError"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_worker_that_died_is_told_as_a_failure(hasher: UpgradingHasher) -> None:
    """R14, R23: what a future raises of its own may quote the call, so only its class is told."""
    spy, executor = elsewhere()
    spy.runs = False

    def die() -> Iterator[Secret]:
        yield from numbered(3)
        spy.futures[0].set_exception(OSError("canary"))

    hashes = hasher.hash_issued(die(), executor=executor, may_leave_process=True)
    with pytest.raises(HashingUnavailableError) as caught:
        next(hashes)

    assert caught.value.code == "OSError"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert all(future.cancelled() for future in spy.futures[1:])
