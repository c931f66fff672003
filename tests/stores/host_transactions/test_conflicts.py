"""A conflict is told, and running the transaction again succeeds (R3, R20)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import Any

import attrs
import pytest

from portal import OFFICE, USERNAMES
from portalcreds.accounts import Account
from portalcreds.administration import Renamed, UsernameTaken
from portalcreds.administration.sync import SyncAction
from portalcreds.contacts import ContactId
from portalcreds.exceptions import (
    StoreError,
    TransactionAborted,
)
from portalcreds.hashers import UpgradingHasher
from portalcreds.jobs import AddOutcome
from portalcreds.protocols import ApplyResult, Change
from portalcreds.resets.plan import DecisionReason
from portalcreds.resets.report import ResetOutcome
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore
from portalcreds.testing._store_samples import HASH, NOW, add, an_account, an_event, issued, step
from portalcreds.testing.job_store import a_chunk, a_job
from races import at_once
from stores.backends import ISOLATION_LEVELS, SNAPSHOT
from stores.hosts import Host, Work

from .work import (
    PAT,
    ROSA,
    accounts_over,
    assert_tells_nothing,
    begin,
    hold_the_lock,
    make_impatient,
    note,
    rename_elsewhere,
    repeat_an_event,
    resets_over,
    run_until_committed,
    see,
)


@pytest.mark.parametrize(
    ("backend", "level", "code"),
    [
        ("sqlite", "SERIALIZABLE", "SQLITE_BUSY_SNAPSHOT"),
        ("postgresql", "REPEATABLE READ", "40001"),
        ("postgresql", "SERIALIZABLE", "40001"),
        ("mariadb", SNAPSHOT, "1020"),
    ],
    indirect=["backend"],
)
def test_a_serialization_failure_is_told_and_mended_by_running_again(family: Host, level: str, code: str) -> None:
    """What another committed since this transaction looked is a conflict that only its owner can settle."""
    host = attrs.evolve(family, backend=family.backend.at_level(level))

    def disable(work: Work, meanwhile: Callable[[], object]) -> ApplyResult:
        begin(host, work)
        account = work.store.find(ROSA)
        meanwhile()
        (result,) = work.store.apply([Change(old=account, new=account.disable(), events=(an_event("1"),))])
        return ApplyResult(result)

    with pytest.raises(TransactionAborted) as caught, host.transaction(commit=True) as work:
        disable(work, lambda: rename_elsewhere(family))
    assert caught.value.code == code
    assert_tells_nothing(caught.value)
    with host.transaction(commit=True) as work:
        assert disable(work, lambda: None) == ApplyResult.APPLIED
    (rosa,) = (account for account in see(family).accounts if account.contact_id == ROSA)
    assert (rosa.username, rosa.is_active) == ("elsewhere", False)


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_a_deadlock_is_told_and_mended_by_running_again(family: Host) -> None:
    """Of two transactions that wait for each other, one goes on, and the other succeeds when it is run again."""
    host = attrs.evolve(family, backend=make_impatient(family.backend))
    both_hold = Barrier(2, timeout=30)

    def rename_both(first: ContactId, second: ContactId, wait: Callable[[], object]) -> None:
        with host.transaction(commit=True) as work:
            for contact_id, then in ((first, wait), (second, lambda: None)):
                account = work.store.find(contact_id)
                new = account.rename(f"{account.username}.")
                assert list(work.store.apply([Change(old=account, new=new)])) == [ApplyResult.APPLIED]
                then()

    def attempt(first: ContactId, second: ContactId) -> TransactionAborted | None:
        try:
            rename_both(first, second, both_hold.wait)
        except TransactionAborted as error:
            return error
        return None

    ways = ((ROSA, PAT), (PAT, ROSA))
    outcomes = at_once(*(lambda way=way: attempt(*way) for way in ways))
    ((loser, error),) = ((way, error) for way, error in zip(ways, outcomes, strict=True) if error is not None)
    assert error.code == {"postgresql": "40P01", "mariadb": "1213"}[host.database]
    assert_tells_nothing(error)
    rename_both(*loser, lambda: None)
    names = {account.contact_id: account.username for account in see(family).accounts}
    assert (names[ROSA], names[PAT]) == (f"{USERNAMES[ROSA]}..", f"{USERNAMES[PAT]}..")


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_changes_of_different_people_wait_for_nobody(family: Host) -> None:
    """Rows are locked by their keys, also where a table is so small that a planner would rather read all of it."""
    people = [an_account(f"a{number}", f"name{number}") for number in range(4)]
    with family.seen() as store:
        add(store, *people)
    impatience = {"postgresql": "SET LOCAL lock_timeout = '500ms'", "mariadb": "SET innodb_lock_wait_timeout = 1"}

    def rename(some: Sequence[Account], meanwhile: Callable[[], object]) -> None:
        with family.transaction(commit=True) as work:
            work.execute(impatience[family.database])
            changes = [Change(old=each, new=each.rename(f"{each.username}.")) for each in some]
            assert list(work.store.apply(changes)) == [ApplyResult.APPLIED] * 2
            meanwhile()

    with ThreadPoolExecutor(1) as another:
        rename(people[:2], lambda: another.submit(rename, people[2:], lambda: None).result())


def test_a_lock_that_stays_held_is_told_and_mended_by_running_again(family: Host) -> None:
    """Nothing is left of the work that waited in vain, and what the host wrote before it is the host's to keep."""
    before = see(family)
    codes = {"sqlite": "SQLITE_BUSY", "postgresql": "55P03", "mariadb": "1205"}
    impatience = {
        "sqlite": "PRAGMA busy_timeout = 50",
        "postgresql": "SET LOCAL lock_timeout = '50ms'",
        "mariadb": f"SET innodb_lock_wait_timeout = {int(family.kind == 'plain')}",  # 0 is 1 without the waiting.
    }
    with family.transaction(commit=True) as work:
        account = work.store.find(ROSA)
        work.execute(impatience[family.database])
        if family.database != "sqlite":
            note(family, work, "before")
        change = Change(old=account, new=account.disable(), events=(an_event("1"),))
        with hold_the_lock(family, ROSA), pytest.raises(TransactionAborted) as caught:
            work.store.apply([change])
        assert caught.value.code == codes[family.database]
        assert_tells_nothing(caught.value)
    assert see(family) == attrs.evolve(before, notes=() if family.database == "sqlite" else ("before",))
    with family.transaction(commit=True) as work:
        assert list(work.store.apply([change])) == [ApplyResult.APPLIED]


@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.whole)])
def test_of_racing_hosts_one_wins(host: Host, rounds: int) -> None:
    """Transactions on connections of their own change one account: one is applied, and the others learn of it."""
    with host.seen() as store:
        for number in range(rounds):
            account = an_account(str(number))
            add(store, account)
            ways = [account.disable(), issued(account), account.rename(f"n{number}"), account.erase(erased_at=NOW)]
            changes = [Change(old=account, new=way, events=(an_event(str(number)),)) for way in ways]
            results = at_once(*(lambda change=change: run_until_committed(host, change) for change in changes))
            assert sorted(results) == ["applied", "stale", "stale", "stale"]
            assert store.find(account.contact_id) == ways[results.index("applied")]
            assert len(store.events(account.contact_id)) == 1


@pytest.mark.parametrize(
    ("backend", "level"),
    [
        (database, level)
        for database, levels in ISOLATION_LEVELS.items()
        for level in levels
        # There, whoever looked has locked what they saw, and nobody adds anything meanwhile.
        if (database, level) != ("mariadb", "SERIALIZABLE")
    ],
    indirect=["backend"],
)
def test_a_ceiling_holds_for_hosts_that_looked_before(family: Host, level: str) -> None:
    """R12: in a transaction that goes on seeing what it saw first, what others were set since is counted, or told."""
    host = attrs.evolve(family, backend=family.backend.at_level(level))

    outcomes: list[AddOutcome | None] = []
    with host.seen() as store:
        jobs: Any = store
        with host.transaction(commit=True) as work:
            begin(host, work)
            assert work.store.find_job("other") is None
            assert jobs.add_job(a_job("other"), [a_chunk(0)], 1).outcome == AddOutcome.ADDED
            try:
                outcomes.append(work.store.add_job(a_job("mine"), [a_chunk(0)], 1).outcome)
            except TransactionAborted:
                outcomes.append(None)
        assert outcomes in ([AddOutcome.OVER_CEILING], [None])
        assert [job.key for job in jobs.unfinished_jobs()] == ["other"]


# -- what others committed meanwhile


mariadb = pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
"""Elsewhere a change of what one does not see is an error, or what others committed is seen."""


@pytest.fixture
def stale(family: Host) -> Iterator[tuple[Host, Work]]:
    """Return a transaction that goes on seeing what it saw first."""
    host = attrs.evolve(family, backend=family.backend.at_level("REPEATABLE READ"))
    with host.transaction(commit=True) as work:
        assert work.store.find(ROSA).username == USERNAMES[ROSA]
        yield host, work


@mariadb
def test_a_step_is_decided_on_what_is_committed(stale: tuple[Host, Work]) -> None:
    """R3: who lost reads again, and sees what won, also in a transaction that began before."""
    host, work = stale
    rename_elsewhere(host)
    accounts_over(work.store).disable(ROSA, OFFICE)
    disabled = work.store.find(ROSA)
    assert disabled is not None
    assert (disabled.username, disabled.is_active) == ("elsewhere", False)


@mariadb
def test_a_reset_is_decided_on_what_is_committed(stale: tuple[Host, Work], hasher: UpgradingHasher) -> None:
    """A default that another request took over meanwhile is not set again over the contact's own password."""
    host, work = stale
    with host.seen() as store:
        account = store.find(ROSA)
        assert account is not None
        step(store, account, account.choose(HASH, changed_at=NOW))
    result = resets_over(work.store, hasher).reset_password(ROSA, OFFICE)
    assert (result.outcome, result.reason) == (ResetOutcome.SKIPPED, DecisionReason.CHANGED_MEANWHILE)


@mariadb
def test_a_rename_is_decided_on_what_is_committed(stale: tuple[Host, Work]) -> None:
    """A user name that somebody took meanwhile is taken."""
    host, work = stale
    with host.seen() as store:
        add(store, an_account("9", "newcomer"))
    assert isinstance(accounts_over(work.store).rename(ROSA, OFFICE, username="newcomer"), UsernameTaken)
    assert isinstance(accounts_over(work.store).rename(ROSA, OFFICE, username="free"), Renamed)


@mariadb
def test_a_sync_is_decided_on_what_is_committed(stale: tuple[Host, Work]) -> None:
    """A contact whom another sync added meanwhile is refreshed, and not added twice."""
    host, work = stale
    newcomer = an_account("9").contact
    with host.seen() as store:
        add(store, Account(contact=attrs.evolve(newcomer, last_name="Before")))
    (row,) = accounts_over(work.store).sync_contacts([newcomer], OFFICE)
    assert row.action == SyncAction.REFRESH


@pytest.mark.parametrize(("backend", "host"), [("postgresql", "plain")], indirect=True)
def test_who_lost_locks_no_more_than_what_was_lost(family: Host) -> None:
    """A store that lives as long as the thread looks others up without a lock, also where none can be had."""
    with closing(family.backend.connect()) as connection:
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect="postgresql", tenant=family.tenant)

        def begin_to_read() -> None:
            connection.rollback()
            connection.execute("SET TRANSACTION READ ONLY")

        assert isinstance(accounts_over(store).rename(ROSA, OFFICE, username=USERNAMES[PAT]), UsernameTaken)
        begin_to_read()
        assert store.find(ROSA) is not None
        connection.rollback()
        assert list(store.apply([Change(old=None, new=an_account(ROSA))])) == [ApplyResult.STALE]
        begin_to_read()
        assert store.find(PAT) is not None
        assert store.find_by_username(USERNAMES[PAT].casefold()) is not None
        assert len(store.find_many([PAT, ContactId("c-3")])) == 2
        connection.rollback()
        with pytest.raises(StoreError):
            store.apply([repeat_an_event(store)])
        begin_to_read()
        assert store.find(ROSA) is not None
