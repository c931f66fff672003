"""A flood of invented user names makes no more rows than its windows can hold, and loses no count (R9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any, Final

import attrs
import pytest

from portalcreds.exceptions import StoreError, StoreUnavailableError
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.protocols import AttemptCounter
from portalcreds.sign_in.outcomes import SignInDenied, TryLater
from portalcreds.sign_in.service import SignInService
from portalcreds.stores._drivers.port import Port, Statements
from portalcreds.stores._sql.attempt_counter import _BATCH, _SWEEP_EVERY
from portalcreds.stores.dbapi import DBAPIAccountStore, DBAPIAttemptCounter
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.testing import ManualClock
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import Throttle, ThrottleLimits
from servers import SERVERS, own_database

from .faulty_driver import CANARY, DriverError, FaultyDriver

SQL: Final = ("sqlite", *SERVERS)
STEP: Final = timedelta(seconds=1)
"""Time between two invented names."""


@attrs.frozen
class Table:
    """A counters' table of one test's own, the clock they go by, and how many rows it has."""

    counter: Callable[[], DBAPIAttemptCounter]
    clock: ManualClock
    rows: Callable[[], int]


@pytest.fixture(params=SQL)
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    """Each database, with an empty table."""
    with _empty_table(request.param, tmp_path) as table:
        yield table


@pytest.mark.parametrize("server", [pytest.param(name, id=f"{name}-sample") for name in SQL])
def test_invented_names_leave_what_their_windows_hold(server: str, tmp_path: Path) -> None:
    """One name each second, counted for 200 seconds: never more than 200 rows and those of one interval."""
    with _empty_table(server, tmp_path) as table:
        _flood([table.counter()], table, names=900, alive=200)


@pytest.mark.whole
@pytest.mark.parametrize(("server", "names"), [("sqlite", 20_000), ("postgresql", 20_000), ("mariadb", 5_000)])
def test_a_long_flood_leaves_what_its_windows_hold(server: str, names: int, tmp_path: Path) -> None:
    """The same for hours, from two processes at once: each adds one interval to the bound."""
    with _empty_table(server, tmp_path) as table:
        _flood([table.counter(), table.counter()], table, names=names, alive=1_000)


def test_invented_names_leave_what_their_windows_hold_in_memory() -> None:
    """20,000 names in memory leave exactly those whose windows are open: each hit removes what has ended."""
    clock = ManualClock()
    counter = MemoryAttemptCounter(clock=clock)
    for number in range(20_000):
        counter.hit(f"{number}", 300 * STEP)
        assert len(counter._counts) <= 300
        clock.now += STEP
    assert counter.counts([f"{number}" for number in range(19_701, 20_000)]) == (1,) * 299
    assert len(counter._ends) <= 300


def test_what_a_quiet_night_left_behind_goes_too(table: Table) -> None:
    """Rows that all ended are removed twice as fast as new ones are added, so that they never grow in number."""
    _rows_that_ended(table, 3 * _SWEEP_EVERY)
    counter = _swept_already(table.counter())
    fresh = [f"new:{number}" for number in range(2 * _SWEEP_EVERY)]
    rows = []
    for number, key in enumerate(fresh, start=1):
        counter.hit(key, timedelta(days=1))
        if number % _SWEEP_EVERY == 0:
            rows.append(table.rows())
    assert rows == [2 * _SWEEP_EVERY, 2 * _SWEEP_EVERY]
    assert _counts(counter, fresh) == [1] * len(fresh)


def test_short_lived_processes_clean_up_too(table: Table) -> None:
    """A process that ends after a few hits, as under CGI, has looked once: with its first."""
    for number in range(40):
        table.counter().hit(f"{number}", 5 * STEP)
        table.clock.now += STEP
        assert table.rows() <= 5
    assert table.rows() == 5


def test_counts_of_others_stay(table: Table) -> None:
    """What is alive, what stays until it is cleared, and what is another tenant's, is not removed."""
    counter = table.counter()
    counter.hit("kept", None)
    counter.hit("long", timedelta(days=1))
    counter.hit("ended", STEP)
    other = table.counter()
    other.tenant = "other"
    _swept_already(other).hit("ended", STEP)
    table.clock.now += STEP
    table.counter().hit("short", STEP)
    assert _counts(counter, ["kept", "long", "ended", "short"]) == [1, 1, 0, 1]
    assert table.rows() == 4
    assert other.purge() == 1
    assert table.rows() == 3


def test_the_rows_of_another_tenant_are_not_in_the_way(table: Table) -> None:
    """More ended counts than a batch, of a tenant whom nobody visits any more, keep no other's from being removed."""
    _rows_that_ended(table, _BATCH, tenant="abandoned")
    counter = _swept_already(table.counter())
    counter.hit("ended", STEP)
    table.clock.now += STEP
    assert counter.purge() == 1
    assert table.rows() == _BATCH


def test_a_count_in_memory_that_was_cleared_and_begun_anew_stays() -> None:
    """When the window of the cleared count would have ended, the new one's has not."""
    clock = ManualClock()
    counter = MemoryAttemptCounter(clock=clock)
    counter.hit("guessed", STEP)
    counter.clear("guessed")
    counter.hit("guessed", None)
    clock.now += STEP
    counter.hit("another", STEP)
    assert counter.counts(["guessed"]) == (1,)


@pytest.mark.parametrize("remove", ["hit", "purge"])
def test_a_count_begun_anew_while_ended_ones_are_removed_stays(table: Table, remove: str) -> None:
    """Between finding a count that ended and removing it, somebody hits it: that hit is not lost (R9)."""
    counter, guesser = table.counter(), _swept_already(table.counter())
    guesser.hit("guessed", STEP)
    guesser.hit("ended", STEP)
    table.clock.now += STEP
    counter._port = _Interrupted(counter._port, lambda: guesser.hit("guessed", STEP))
    removed = counter.purge() if remove == "purge" else counter.hit("another", STEP)
    assert removed == 1
    assert _counts(guesser, ["guessed", "ended"]) == [1, 0]
    assert guesser.hit("guessed", STEP) == 2


def test_purge_removes_many_in_batches(table: Table) -> None:
    """A purge of many counts holds the locks of one batch at a time, and says how many there were in all."""
    counter = _swept_already(table.counter())
    _rows_that_ended(table, 2 * _BATCH + 77)
    counter.hit("alive", timedelta(days=1))
    watched = counter._port = _Interrupted(counter._port, lambda: None)
    assert counter.purge() == 2 * _BATCH + 77
    assert watched.looks == [2 * _BATCH + 78, _BATCH + 78, 78, 1]
    assert table.rows() == 1


def test_purge_goes_on_where_a_hit_took_what_it_found(table: Table) -> None:
    """A batch that is gone already, because a hit cleaned up at the same time, is not the end of the purge."""
    _rows_that_ended(table, 3 * _BATCH)
    counter, guesser = table.counter(), table.counter()
    counter._port = _Interrupted(counter._port, lambda: guesser.hit("guessed", None))
    assert counter.purge() == 2 * _BATCH
    assert table.rows() == 1


def test_purge_ends_though_nothing_can_be_removed(table: Table) -> None:
    """Rows that the database shows and does not delete, as a policy on rows may have it, do not keep it for ever."""
    counter = table.counter()
    _rows_that_ended(table, _BATCH + 1)
    counter._remove = counter._remove.replace("expires_at", "0 = 1 AND expires_at")
    assert counter.purge() == 0


@pytest.mark.parametrize("beginning", ["SELECT attempt_key FROM", "DELETE", "COMMIT"])
@pytest.mark.parametrize("code", ["SQLITE_BUSY", "SQLITE_IOERR_WRITE", "SQLITE_ERROR"])
@pytest.mark.parametrize("done", [True, False])
def test_a_sweep_that_fails_fails_no_hit(tmp_path: Path, beginning: str, code: str, *, done: bool) -> None:
    """The hit is counted before: whatever happens to the cleaning, it says its number, and cleaning goes on later."""
    with _empty_table("sqlite", tmp_path) as table:
        driver = FaultyDriver(tmp_path / "counts.db")
        counter = DBAPIAttemptCounter(driver, clock=table.clock)
        counter._hits = count(_SWEEP_EVERY - 1)
        assert counter.hit("ended", STEP) == 1
        table.clock.now += STEP
        swept = len(driver.statements)

        def fault(sql: str) -> None:
            # The COMMIT of the hit itself comes before.
            if sql.startswith(beginning) and any(
                one.startswith("SELECT attempt_key FROM") for one in driver.statements[swept:]
            ):
                driver.after = driver.before = lambda _: None
                raise DriverError(code)

        if done:
            driver.after = fault
        else:
            driver.before = fault
        assert counter.hit("guessed", None) == 1
        assert driver.closed == 1
        counter._hits = count(2 * _SWEEP_EVERY)
        assert counter.hit("guessed", None) == 2
        assert table.rows() == 1
        counter.close()


def test_a_purge_that_fails_says_so(tmp_path: Path) -> None:
    """R14, R21: the daily job learns of what the hits pass over, without the driver's text."""
    with _empty_table("sqlite", tmp_path) as table:
        _rows_that_ended(table, 3)
        driver = FaultyDriver(tmp_path / "counts.db")
        counter = DBAPIAttemptCounter(driver, clock=table.clock)
        driver.fail_once("DELETE", "SQLITE_BUSY", done=False)
        assert counter.purge() == 3
        _rows_that_ended(table, 3)
        for code, error in [("SQLITE_BUSY", StoreUnavailableError), ("SQLITE_ERROR", StoreError)]:
            driver.fail_once("DELETE", code, done=False, times=99)
            with pytest.raises(error) as caught:
                counter.purge()
            assert CANARY not in repr(caught.value)
            assert caught.value.__context__ is None
        counter.close()


def test_guessing_goes_on_while_others_clean_up(table: Table) -> None:
    """R9, R21: beside four who remove ended counts without a pause, no hit fails, is lost or is told twice."""
    keys = [f"guessed:{number}" for number in range(5)]
    told: dict[str, list[int]] = {key: [] for key in keys}
    failures: list[BaseException] = []
    start, done = Barrier(8), Event()

    def guess(key_numbers: Sequence[int]) -> None:
        counter = table.counter()
        start.wait()
        for number in range(40):
            # A new window each time, so that there is always something to remove, and in the way of it.
            counter.hit(f"ending:{number % 7}", timedelta(0))
            for key_number in key_numbers:
                told[keys[key_number]].append(counter.hit(keys[key_number], None))

    def clean() -> None:
        counter = table.counter()
        start.wait()
        while not done.is_set():
            counter.purge()

    def noting(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001  Shown by the test.
                failures.append(error)
                start.abort()

        return run

    guessers = [Thread(target=noting(lambda: guess(range(5)))) for _ in range(4)]
    cleaners = [Thread(target=noting(clean)) for _ in range(4)]
    for thread in [*guessers, *cleaners]:
        thread.start()
    for thread in guessers:
        thread.join()
    done.set()
    for thread in cleaners:
        thread.join()
    assert failures == []
    assert [sorted(numbers) for numbers in told.values()] == [list(range(1, 161))] * 5


# -- the bound that hashing sets


def test_a_flood_makes_no_more_rows_than_are_hashed_in_the_longest_windows() -> None:
    """Each denial adds six rows at most, each alive for its limit's window: their sum times the rate is the bound."""
    clock = ManualClock()
    counter = MemoryAttemptCounter(clock=clock)
    limits = ThrottleLimits()
    throttle = Throttle(counter, limits=limits, clock=clock)
    of_one = (*limits.per_username, limits.per_place, *limits.per_source, limits.spray)
    windows = [limit.window for limit in of_one]
    bound = sum(window // STEP for window in windows)
    shared = 2  # What all denials share: the spray's decoy, in the window that is open and in the one before.
    most = 0
    for number in range(20_000):
        caller = throttle.admit(f"invented-{number}", f"2001:db8:{number:x}::1")
        assert caller.retry_after is None
        with throttle.begin(None, caller, "no_account"):
            throttle.record_failure(None, caller)
        most = max(most, len(counter._counts))
        clock.now += STEP
    assert bound == 12_000
    assert bound * 9 // 10 < most <= bound + shared


def test_who_is_told_to_try_later_adds_a_row_for_the_record_at_most() -> None:
    """R7, R8: a request that is refused before it is hashed counts nowhere else, whatever name it invents."""
    clock = ManualClock()
    counter = MemoryAttemptCounter(clock=clock)
    pool = HashingPool(max_memory_bytes=64 * 1024 * 1024, queue_limit=1, patience=timedelta(0))
    with (
        pool,
        UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool
        ) as hasher,
    ):
        service = SignInService(
            MemoryAccountStore(), hasher=hasher, throttle=Throttle(counter, clock=clock), clock=clock
        )
        outcomes = [service.sign_in(f"invented-{number}", "guess", source="one") for number in range(50)]
        assert outcomes == [SignInDenied()] * 50
        rows = len(counter._counts)
        for number in range(50, 100):
            assert isinstance(service.sign_in(f"invented-{number}", "guess", source="one"), TryLater)
        taken = []
        while (permit := hasher.admit()) is not None:
            taken.append(permit)
        assert isinstance(service.sign_in("invented", "guess", source="another"), TryLater)
        for permit in taken:
            with permit:
                pass
        # One for each source and reason, and one for all.
        assert len(counter._counts) == rows + 3


# -- the parts of these


def _flood(counters: Sequence[AttemptCounter], table: Table, *, names: int, alive: int) -> None:
    window = alive * STEP
    bound = alive + _SWEEP_EVERY * len(counters)
    interval = _SWEEP_EVERY * len(counters)
    counters[0].hit("kept", None)
    peak = 0
    for number in range(names):
        assert counters[number % len(counters)].hit(f"name:{number}", window) == 1
        # Just before the next sweeps there are most.
        if number % interval in (interval - 3, interval - 2, interval - 1):
            peak = max(peak, table.rows())
        table.clock.now += STEP
    assert alive < peak <= bound + 1
    recent = [f"name:{number}" for number in range(names - alive, names)]
    # The oldest of these ended with the last step.
    assert _counts(counters[0], ["kept", *recent]) == [1, 0, *([1] * (alive - 1))]


def _swept_already(counter: DBAPIAttemptCounter) -> DBAPIAttemptCounter:
    """Return the counter as it is after its first hit: the longest way from its next look."""
    counter._hits = count(1)
    return counter


def _counts(counter: AttemptCounter, keys: list[str]) -> list[int]:
    return [n for start in range(0, len(keys), 100) for n in counter.counts(keys[start : start + 100])]


def _rows_that_ended(table: Table, rows: int, *, tenant: str = "") -> None:
    counter = table.counter()
    with counter._transaction() as statements:
        statements.execute_each(
            "INSERT INTO portal_attempts (tenant, attempt_key, n, expires_at) VALUES (:tenant, :key, 1, :number)",
            ("tenant", "key", "number"),
            [(tenant, f"old:{number}", number) for number in range(rows)],
        )


@contextmanager
def _empty_table(server: str, folder: Path) -> Iterator[Table]:
    clock = ManualClock()
    opened: list[DBAPIAttemptCounter] = []
    if server == "sqlite":
        lent: AbstractContextManager[Callable[[], Any]] = _sqlite(folder / "counts.db")
    else:
        lent = own_database(server)
    with lent as connect:

        def counter() -> DBAPIAttemptCounter:
            opened.append(DBAPIAttemptCounter(connect, dialect=server, clock=clock))
            return opened[-1]

        asking = counter()
        asking.create_tables()

        def rows() -> int:
            with asking._port.reading() as statements:
                return int(statements.execute("SELECT COUNT(*) FROM portal_attempts", {})[0][0][0])

        try:
            yield Table(counter, clock, rows)
        finally:
            for one in opened:
                one.close()


@contextmanager
def _sqlite(file: Path) -> Iterator[Callable[[], Any]]:
    DBAPIAccountStore.open_sqlite(file).close()
    yield lambda: sqlite3.connect(file, isolation_level=None, check_same_thread=False)


@attrs.frozen
class _Interrupted:
    """A port that lets something happen after the first look at the table, before what was found is removed."""

    port: Port
    meanwhile: Callable[[], object]
    looks: list[int] = attrs.field(factory=list)
    """Rows at each."""
    is_borrowed: bool = False
    at_once: int = 1

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        with self.port.reading() as statements:
            yield statements
            ((rows,),) = statements.execute("SELECT COUNT(*) FROM portal_attempts", {})[0]
        self.looks.append(rows)
        if len(self.looks) == 1:
            self.meanwhile()

    def transaction(self, *, durable: bool = True, changes: int = 1) -> AbstractContextManager[Statements]:
        return self.port.transaction(durable=durable, changes=changes)
