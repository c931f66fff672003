"""Whoever comes at once, and in whatever order: one winner each, every count exact, nothing recorded twice."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest

from portalcreds.accounts import Account, PasswordHash
from portalcreds.contacts import ContactId
from portalcreds.jobs import AddOutcome
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.testing import JobStoreContract
from portalcreds.testing._store_samples import NOW, add, an_account, an_event, stored
from portalcreds.testing.job_store import a_chunk, a_job
from races import at_once
from stores.backends import BACKENDS, ISOLATION_LEVELS, Backend, OwnedStore, new_backend


def is_a_drivers(name: str) -> bool:
    """Return whether a backend goes to its database straight over the driver."""
    return Backend(name, "").database == name


def is_out_of_the_box(name: str, level: str) -> bool:
    """Return whether the backend's database has that isolation level unless it is told of another."""
    return level == ISOLATION_LEVELS[Backend(name, "").database][0]


APPLIED, STALE, TAKEN = ApplyResult.APPLIED, ApplyResult.STALE, ApplyResult.USERNAME_TAKEN


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Each backend; each test is a tenant of its own in it."""
    with new_backend(request.param, tmp_path_factory.mktemp("backend")) as backend:
        yield backend


AT_EVERY_LEVEL = [(name, level) for name in BACKENDS for level in ISOLATION_LEVELS[Backend(name, "").database]]
OUT_OF_THE_BOX = [(name, level) for name, level in AT_EVERY_LEVEL if is_out_of_the_box(name, level)]
SAMPLE = [(name, level) for name, level in AT_EVERY_LEVEL if is_a_drivers(name) or is_out_of_the_box(name, level)]


def at_levels(situations: list[tuple[str, str]]) -> pytest.MarkDecorator:
    """Try a test on each of the backends, at the isolation level that goes with it."""
    named = [pytest.param(name, level, id=f"{name}-{level.lower().replace(' ', '-')}") for name, level in situations]
    return pytest.mark.parametrize(("backend", "level"), named, indirect=["backend"], scope="module")


# -- one version, many writers


def race_for_one_version(backend: Backend, writers: int, rounds: int) -> None:
    """Let so many writers change the same version of one account, so often."""
    tenant = uuid4().hex
    with backend.open(tenant, connections=writers) as store:
        for number in range(rounds):
            account = an_account(f"c{number}")
            add(store, account)
            changes = [issue(account, writer) for writer in range(writers)]
            results = [result for (result,) in at_once(*(partial(store.apply, [change]) for change in changes))]
            assert Counter(results) == {APPLIED: 1, STALE: writers - 1}
            winner = changes[results.index(APPLIED)]
            assert stored(store, account) == winner.new
            assert store.events(account.contact_id) == winner.events
            assert change_ids(backend, tenant)[account.contact_id] == winner.change_id


@at_levels(SAMPLE)
def test_of_many_writers_one_wins(backend: Backend, level: str) -> None:
    """Of many changes of one version one is stored, with its events alone, and the others are stale (R3)."""
    race_for_one_version(backend.at_level(level), writers=8, rounds=3)


@pytest.mark.whole
@at_levels(AT_EVERY_LEVEL)
def test_of_64_writers_one_wins(backend: Backend, level: str) -> None:
    """The same for 64 writers 200 times, and for fewer where one thing differs."""
    race_for_one_version(
        backend.at_level(level), writers=whole(backend, level, 64, 24), rounds=whole(backend, level, 200, 10)
    )


# -- one count, many guesses


def race_of_guesses(backend: Backend, guessers: int, guesses: int) -> None:
    """Let so many guess at once, so often each."""
    with backend.open(uuid4().hex, connections=guessers) as store:
        counter = store.counter()

        def guess() -> list[int]:
            return [counter.hit("account:a:1", None) for _ in range(guesses)]

        told = at_once(*[guess] * guessers)
        assert sorted(count for counts in told for count in counts) == list(range(1, guessers * guesses + 1))
        assert all(counts == sorted(counts) for counts in told)
        assert list(counter.counts(["account:a:1"])) == [guessers * guesses]


@at_levels(SAMPLE)
def test_parallel_guesses_are_counted_exactly(backend: Backend, level: str) -> None:
    """Each of many parallel guesses is told a count of its own, and none is lost (R9)."""
    race_of_guesses(backend.at_level(level), guessers=8, guesses=10)


@pytest.mark.whole
@at_levels(AT_EVERY_LEVEL)
def test_parallel_guesses_of_64_are_counted_exactly(backend: Backend, level: str) -> None:
    """The same for 64 who guess 100 times each, and for fewer where one thing differs."""
    race_of_guesses(
        backend.at_level(level), guessers=whole(backend, level, 64, 24), guesses=whole(backend, level, 100, 20)
    )


# -- one ceiling, many jobs


def race_for_room(backend: Backend, starters: int, rounds: int) -> None:
    """Let so many jobs of two operators, who have room for three each, be added at once, so often."""
    tenant = uuid4().hex
    with backend.open(tenant, connections=starters) as one, backend.open(tenant, connections=starters) as other:
        for number in range(rounds):
            jobs = [
                (store, a_job(f"{number}-{n}", planned=2, operator_id=f"{number}-{n % 2}"))
                for n, store in zip(range(starters), cycle((one, one, other, other)), strict=False)
            ]
            told = at_once(*(partial(store.add_job, job, [a_chunk(0)], 7) for store, job in jobs))
            assert Counter(addition.outcome for addition in told) == {
                AddOutcome.ADDED: 6,
                AddOutcome.OVER_CEILING: starters - 6,
            }
            assert {addition.planned for addition in told} == {0, 6}
            added = {job.key for (_, job), addition in zip(jobs, told, strict=True) if addition.planned == 0}
            assert {job.key for job in one.unfinished_jobs() if job.key.startswith(f"{number}-")} == added


@at_levels(SAMPLE)
def test_jobs_that_are_added_at_once_stay_within_the_ceiling(backend: Backend, level: str) -> None:
    """Each operator's jobs are added up one by one: as many as there is room for, and no fewer (R12)."""
    race_for_room(backend.at_level(level), starters=12, rounds=3)


@pytest.mark.whole
@at_levels(AT_EVERY_LEVEL)
def test_jobs_added_at_once_50_times_stay_within_the_ceiling(backend: Backend, level: str) -> None:
    """The same 50 times, and fewer where one thing differs."""
    race_for_room(backend.at_level(level), starters=16, rounds=whole(backend, level, 50, 10))


@at_levels(AT_EVERY_LEVEL)
def test_workers_of_one_job_are_in_nobodys_way(backend: Backend, level: str) -> None:
    """Each chunk is done and counted once, also when several are finished at the same moment (R12)."""
    for _ in range(3):
        with backend.at_level(level).open(uuid4().hex) as store:
            JobStoreContract().test_workers_share_a_job(store)


# -- one user name, many accounts


def race_for_one_username(backend: Backend, accounts: int, rounds: int) -> None:
    """Let so many accounts, half of them new, claim one user name, so often."""
    tenant = uuid4().hex
    with backend.open(tenant, connections=accounts) as store:
        for number in range(rounds):
            name = f"name{number}"
            there = [an_account(f"{number}-{n}") for n in range(accounts // 2)]
            new = [an_account(f"{number}-{n}", name) for n in range(accounts // 2, accounts)]
            add(store, *there)
            changes = [
                *(Change(old=each, new=each.rename(name), events=(an_event(each.contact_id),)) for each in there),
                *(Change(old=None, new=each, events=(an_event(each.contact_id),)) for each in new),
            ]
            results = [result for (result,) in at_once(*(partial(store.apply, [change]) for change in changes))]
            assert Counter(results) == {APPLIED: 1, TAKEN: accounts - 1}
            winner = changes[results.index(APPLIED)]
            assert store.find_by_username(name) == winner.new
            for change, result in zip(changes, results, strict=True):
                applied = result == APPLIED
                assert store.find(change.new.contact_id) == (change.new if applied else change.old)
                assert store.events(change.new.contact_id) == (change.events if applied else ())


@at_levels(OUT_OF_THE_BOX)
def test_of_many_claimants_of_a_username_one_gets_it(backend: Backend, level: str) -> None:
    """A user name has one owner, whether a new account or one that was there; the others write nothing (R18)."""
    race_for_one_username(backend.at_level(level), accounts=8, rounds=2)


@pytest.mark.whole
@at_levels(AT_EVERY_LEVEL)
def test_of_64_claimants_of_a_username_one_gets_it(backend: Backend, level: str) -> None:
    """The same for 64 claimants 20 times, and for fewer where one thing differs (R18)."""
    race_for_one_username(
        backend.at_level(level), accounts=whole(backend, level, 64, 24), rounds=whole(backend, level, 20, 3)
    )


# -- the same accounts, many bulks


def race_of_bulks(backend: Backend, writers: int, accounts: int, rounds: int) -> None:
    """Let so many writers change all of the accounts in one call each, every other writer in the opposite order."""
    tenant = uuid4().hex
    with backend.open(tenant, connections=writers) as store:
        there = [an_account(f"c{n:03}") for n in range(accounts)]
        add(store, *there)
        ids = [account.contact_id for account in there]

        def write(writer: int) -> list[tuple[Change, ApplyResult]]:
            done: list[tuple[Change, ApplyResult]] = []
            order = ids if writer % 2 else ids[::-1]
            for number in range(rounds):
                found = store.find_many(order)
                step = rename if number % 2 else issue
                changes = [step(found[contact_id], writer) for contact_id in order]
                done += zip(changes, store.apply(changes), strict=True)
            return done

        written = [one for done in at_once(*(partial(write, writer) for writer in range(writers))) for one in done]
        assert {result for _, result in written} <= {APPLIED, STALE}
        applied = [change for change, result in written if result == APPLIED]
        assert_stored_once(store, applied, change_ids(backend, tenant))
        # Whoever committed first had read what it wrote over, so nothing was left out.
        assert all(store.find_epoch(contact_id) for contact_id in ids)


@at_levels(OUT_OF_THE_BOX)
def test_bulks_in_opposite_orders_wait_for_each_other(backend: Backend, level: str) -> None:
    """Two offices that reset the same class from both ends are both answered, and each change is stored once."""
    race_of_bulks(backend.at_level(level), writers=4, accounts=12, rounds=4)


@pytest.mark.whole
@at_levels(AT_EVERY_LEVEL)
def test_bulks_of_16_offices_wait_for_each_other(backend: Backend, level: str) -> None:
    """The same for 16 offices and 100 accounts 20 times, and for fewer where one thing differs."""
    race_of_bulks(
        backend.at_level(level),
        writers=whole(backend, level, 16, 8),
        accounts=whole(backend, level, 100, 40),
        rounds=whole(backend, level, 20, 6),
    )


def assert_stored_once(store: OwnedStore, applied: list[Change], last_changes: dict[str, str]) -> None:
    """Assert that what is there is what was said to be applied, each once, one after the other."""
    steps: dict[ContactId, list[Change]] = defaultdict(list)
    for change in sorted(applied, key=lambda change: change.new.version):
        steps[change.new.contact_id].append(change)
    for contact_id, taken in steps.items():
        # From version to version, without a gap and without one that was promised twice.
        assert [change.new.version for change in taken] == list(range(2, len(taken) + 2))
        assert store.find(contact_id) == taken[-1].new
        assert last_changes[contact_id] == taken[-1].change_id
        assert store.events(contact_id) == tuple(event for change in taken for event in change.events)
    assert len(store.events()) == len(applied)


@at_levels([(name, level) for name, level in OUT_OF_THE_BOX if Backend(name, "").database != "sqlite"])
def test_what_a_deadlock_undid_is_written_anew_once(backend: Backend, level: str) -> None:
    """What a server undoes because two wait for each other is stored, and recorded once, when the other goes (R21)."""
    tenant = uuid4().hex
    there = [an_account(f"c{n}") for n in range(9)]
    with (
        backend.at_level(level).open(tenant) as store,
        closing(backend.connect()) as rival,
        closing(backend.connect()) as watcher,
        ThreadPoolExecutor(1) as executor,
    ):
        add(store, *there)
        # The rival's are many: MariaDB undoes who has done less.
        hold(rival, tenant, there[1:])
        if backend.database == "postgresql":
            # It undoes who looks for a deadlock first, which on a slow machine need not be who waited longer.
            rival.cursor().execute("SET deadlock_timeout = '1min'")
        changes = [issue(account, 1) for account in there[:2]]
        applying = executor.submit(store.apply, changes)
        while not (is_held(watcher, tenant, there[0]) and is_waited_for(backend, rival, watcher)):
            assert not applying.done()
            time.sleep(0.01)
        hold(rival, tenant, there[:1])
        rival.rollback()
        assert list(applying.result()) == [APPLIED, APPLIED]
        assert_stored_once(store, changes, change_ids(backend, tenant))


def hold(connection: Any, tenant: str, accounts: list[Account]) -> None:
    """Change the accounts' rows without committing it."""
    cursor = connection.cursor()
    for account in accounts:
        # One by one: of a list, MariaDB may lock what is beside it too.
        key = f"tenant = '{tenant}' AND contact_id = '{account.contact_id}'"
        cursor.execute(f"UPDATE portal_accounts SET email = 'rival' WHERE {key}")


def is_held(watcher: Any, tenant: str, account: Account) -> bool:
    """Return whether a session other than the watcher's holds the account's row."""
    key = f"tenant = '{tenant}' AND contact_id = '{account.contact_id}'"
    cursor = watcher.cursor()
    cursor.execute(f"SELECT 1 FROM portal_accounts WHERE {key} FOR UPDATE SKIP LOCKED")
    held = not cursor.fetchall()
    watcher.rollback()
    return held


def is_waited_for(backend: Backend, holder: Any, watcher: Any) -> bool:
    """Return whether a session waits for the holder's, as far as that matters to which of them is undone."""
    if backend.database != "postgresql":
        return True
    cursor = watcher.cursor()
    sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    cursor.execute(sql, (holder.info.backend_pid,))
    (waiting,) = cursor.fetchone()
    watcher.rollback()
    return bool(waiting)


# -- one connection that is lost, and whose COMMIT is not


class SlowlyCommitted:
    """A connection that is lost at its first COMMIT, which the server ends some time later."""

    def __init__(self, connection: Any, executor: ThreadPoolExecutor, when: list[float]) -> None:
        self._connection = connection
        self._executor = executor
        self._when = when
        self._is_lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __setattr__(self, name: str, value: object) -> None:
        # Such as autocommit.
        super().__setattr__(name, value) if name.startswith("_") else setattr(self._connection, name, value)

    def cursor(self) -> Any:
        """Return a cursor that meets it."""
        cursor = self._connection.cursor()
        execute = cursor.execute

        def meet(sql: str, *parameters: Any) -> Any:
            if sql != "COMMIT" or not self._when:
                return execute(sql, *parameters)
            self._is_lost = True
            self._executor.submit(self._end, self._when.pop())
            raise ConnectionResetError

        return Cursor(cursor, meet)

    def close(self) -> None:
        """Close it, unless the server is at it still."""
        if not self._is_lost:
            self._connection.close()

    def _end(self, after: float) -> None:
        time.sleep(after)
        self._connection.commit()
        self._connection.close()


class Cursor:
    """A cursor that executes in another way."""

    def __init__(self, cursor: Any, execute: Any) -> None:
        self._cursor = cursor
        self.execute = execute

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()


@pytest.mark.parametrize("scope", [None, "SELECT '1' UNION SELECT contact_id FROM portal_accounts"])
@at_levels([(name, level) for name, level in SAMPLE if is_a_drivers(name) and name != "sqlite"])
def test_a_commit_that_ends_later_than_its_connection(backend: Backend, level: str, scope: str | None) -> None:
    """What the next attempt looks at is what the lost one has left when it ends, and not what was there before."""
    # A scope is looked at before anything is written: that must not settle what is seen after.
    tenant = uuid4().hex
    when: list[float] = []
    levelled = backend.at_level(level)
    with (
        levelled.open(tenant) as sound,
        ThreadPoolExecutor(1) as executor,
        DBAPIAccountStore(
            lambda: SlowlyCommitted(levelled.connect(), executor, when),
            dialect=backend.database,
            tenant=tenant,
            scope=scope,
        ) as store,
    ):
        there = an_account("2", "rose")
        add(sound, an_account("0", "rosa"), there)
        # The first change looks at who has the user name, and so at a state in which the second is not there yet.
        changes = [
            Change(old=None, new=an_account("1", "rosa"), events=(an_event("1"),)),
            Change(old=there, new=there.disable(), events=(an_event("2"),)),
        ]
        when.append(0.3)
        assert list(store.apply(changes)) == [TAKEN, APPLIED]
        assert stored(sound, there) == there.disable()
        assert sound.events() == changes[1].events


# -- the parts of these


def whole(backend: Backend, level: str, full: int, some: int) -> int:
    """Return the full number over a driver at its database's usual level, and some for what differs in one thing."""
    return full if is_a_drivers(backend.name) and is_out_of_the_box(backend.name, level) else some


def issue(account: Account, writer: int) -> Change:
    """Return the change that issues a default of the writer's own."""
    issued = account.issue(
        PasswordHash(f"hash-of-{writer}"),
        strategy="s",
        issue_id=f"issue-{writer}",
        issued_by=f"office-{writer}",
        issued_at=NOW,
        expires_at=NOW,
    )
    return Change(old=account, new=issued, events=(an_event(account.contact_id, f"issue-by-{writer}"),))


def rename(account: Account, writer: int) -> Change:
    """Return the change that gives the account a user name that nobody else claims."""
    new = account.rename(f"{account.contact_id}-{writer}-{account.version}")
    return Change(old=account, new=new, events=(an_event(account.contact_id, f"rename-by-{writer}"),))


def change_ids(backend: Backend, tenant: str) -> dict[str, str]:
    """Return the id of the last change of each account, from the rows themselves."""
    with closing(backend.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT contact_id, change_id FROM portal_accounts WHERE tenant = '{tenant}'")
        return dict(cursor.fetchall())
