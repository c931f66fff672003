"""What a database does at the worst moment costs neither data nor silence (R14, R21)."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account, Credential, CredentialOrigin, PasswordHash
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import ConfigurationError, CorruptRowError, StoreError, StoreUnavailableError
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores._drivers.connections import ConnectionPort
from portalcreds.stores._drivers.paramstyle import ParamStyle
from portalcreds.stores._drivers.sqlite import SQLite
from portalcreds.stores._sql.account_store import SQLAccountStore
from portalcreds.stores.dbapi import MAX_IDLE, DBAPIAccountStore, DBAPIAttemptCounter
from portalcreds.stores.tables import Tables
from portalcreds.testing._store_samples import NOW, add, an_account, an_event, issued, step

from .backends import BRIEF
from .faulty_driver import CANARY, FaultyDriver

"""An outage is not waited for, so that what stays so is told at once."""

_LOST = "SQLITE_IOERR_WRITE"
_APPLIED, _STALE, _TAKEN = ApplyResult.APPLIED, ApplyResult.STALE, ApplyResult.USERNAME_TAKEN


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[FaultyDriver]:
    """Return a driver of a fresh file that fails on demand."""
    DBAPIAccountStore.open_sqlite(tmp_path / "portal.db").close()
    driver = FaultyDriver(tmp_path / "portal.db")
    yield driver
    driver.end()


@pytest.fixture
def store(driver: FaultyDriver) -> Iterator[DBAPIAccountStore]:
    """Return the accounts through that driver."""
    with DBAPIAccountStore(driver, timeouts=BRIEF) as store:
        yield store


@pytest.fixture
def other(driver: FaultyDriver) -> Iterator[DBAPIAccountStore]:
    """Return the same accounts through a driver that does not fail."""
    with DBAPIAccountStore.open_sqlite(driver.file) as store:
        yield store


def _change_of(account: Account) -> Change:
    return Change(old=account, new=issued(account), events=(an_event("1"), an_event("1", "more")))


def _added(store: DBAPIAccountStore) -> Account:
    account = an_account("1", "rosa")
    add(store, account)
    return account


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_acknowledgement_is_settled_by_the_change_id(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver, done: bool
) -> None:
    """Whether or not the lost COMMIT was done, the change is applied once and recorded once."""
    change = _change_of(_added(store))
    driver.fail_once("COMMIT", _LOST, done=done)
    assert list(store.apply([change])) == [_APPLIED]
    assert other.find(ContactId("1")) == change.new
    assert other.events() == change.events


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_acknowledgement_of_additions_is_settled(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver, done: bool
) -> None:
    """The same for accounts that are added, and for the neighbour that is stale in any case."""
    _added(store)
    changes = [Change(old=None, new=an_account(str(n)), events=(an_event(str(n)),)) for n in range(3)]
    driver.fail_once("COMMIT", _LOST, done=done)
    assert list(store.apply(changes)) == [_APPLIED, _STALE, _APPLIED]
    assert other.events() == (*changes[0].events, *changes[2].events)


def _after_commit(driver: FaultyDriver, meanwhile: Callable[[], object], *, done: bool) -> None:
    driver.fail_once("COMMIT", _LOST, done=done)
    lost = driver.after if done else driver.before

    def fault(sql: str) -> None:
        try:
            lost(sql)
        except Exception:
            driver.after = lambda sql: None
            driver.before = lambda sql: begun(sql)
            raise

    def begun(sql: str) -> None:
        if sql.startswith("BEGIN"):
            driver.before = lambda sql: None
            meanwhile()

    if done:
        driver.after = fault
    else:
        driver.before = fault


def test_a_stored_change_that_others_went_on_from_is_applied(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver
) -> None:
    """The row moved on after the lost COMMIT, but the change's events tell that it was stored."""
    change = _change_of(_added(store))
    _after_commit(driver, lambda: step(other, change.new, change.new.disable()), done=True)
    assert list(store.apply([change])) == [_APPLIED]
    assert other.find(ContactId("1")) == change.new.disable()
    assert other.events() == change.events


def test_a_change_lost_to_another_of_the_same_version_is_stale(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver
) -> None:
    """The COMMIT was not done and somebody else came first; nothing of the change is on record."""
    account = _added(store)
    _after_commit(driver, lambda: step(other, account, account.disable()), done=False)
    assert list(store.apply([_change_of(account)])) == [_STALE]
    assert other.events() == ()


def test_without_events_the_same_version_is_stale_too(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver
) -> None:
    """Another's change in the row, at the version that was to be written, needs no events to tell."""
    account = _added(store)
    _after_commit(driver, lambda: step(other, account, account.disable()), done=False)
    assert list(store.apply([attrs.evolve(_change_of(account), events=())])) == [_STALE]


def test_a_refused_row_is_undone_alone(store: DBAPIAccountStore, driver: FaultyDriver) -> None:
    """R3: the rows before and after it are written once, and what was in its way is looked up once for all."""
    _added(store)
    driver.statements.clear()
    changes = [Change(old=None, new=an_account(*new)) for new in (("2", "ruth"), ("3", "rosa"), ("1", "b"), ("4", "c"))]
    assert list(store.apply(changes)) == [_APPLIED, _TAKEN, _STALE, _APPLIED]
    kinds = [" ".join(sql.split()[:3]) for sql in driver.statements if "portal_accounts" in sql]
    looked_up = ["SELECT contact_id, version", "SELECT username_key FROM"]
    assert kinds == ["INSERT INTO portal_accounts"] * 4 + looked_up


def test_a_change_lost_to_two_others_is_stale(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver
) -> None:
    """The row moved on further without the change; its events are not there."""
    account = _added(store)

    def meanwhile() -> None:
        step(other, step(other, account, account.disable()), account.disable().enable())

    _after_commit(driver, meanwhile, done=False)
    assert list(store.apply([_change_of(account)])) == [_STALE]


def test_what_cannot_be_settled_is_not_guessed(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver
) -> None:
    """Moved on further and no events to look for: the caller is told that nobody knows."""
    change = attrs.evolve(_change_of(_added(store)), events=())
    _after_commit(driver, lambda: step(other, change.new, change.new.disable()), done=True)
    with pytest.raises(StoreUnavailableError) as caught:
        store.apply([change])
    assert caught.value.code == "unsettled"


def test_an_erased_row_settles_nothing_but_staleness(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver
) -> None:
    """A change of a contact who is not there was not stored by an earlier attempt either."""
    account = an_account("1")
    driver.fail_once("COMMIT", _LOST, done=True)
    assert list(store.apply([Change(old=account, new=issued(account))])) == [_STALE]
    assert other.find(ContactId("1")) is None


@pytest.mark.parametrize("code", ["SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", _LOST, "SQLITE_CANTOPEN"])
@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE", "INSERT INTO portal_audit", "COMMIT"])
def test_a_fault_that_passes_is_not_noticed(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver, code: str, statement: str
) -> None:
    """R21: three failures are tried again, wherever they happen, without double events."""
    change = _change_of(_added(store))
    driver.fail_once(statement, code, done=False, times=3)
    assert list(store.apply([change])) == [_APPLIED]
    assert other.find(ContactId("1")) == change.new
    assert other.events() == change.events


@pytest.mark.parametrize("code", ["SQLITE_BUSY", _LOST, "SQLITE_FULL"])
@pytest.mark.parametrize("statement", ["PRAGMA", "BEGIN", "UPDATE", "INSERT INTO portal_audit", "COMMIT"])
def test_a_fault_that_stays_is_unavailable(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver, code: str, statement: str
) -> None:
    """R21: after four attempts the store is unavailable, and nothing of the change is stored."""
    account = _added(store)
    driver.fail_once(statement, code, done=False, times=99)
    with pytest.raises(StoreUnavailableError) as caught:
        store.apply([_change_of(account)])
    assert (caught.value.operation, caught.value.code) == ("apply", code)
    assert other.find(ContactId("1")) == account
    assert other.events() == ()
    assert driver.connections == 1 + 3


@pytest.mark.parametrize("statement", ["PRAGMA", "BEGIN", "UPDATE", "INSERT INTO portal_audit", "COMMIT"])
def test_a_defect_is_told_at_once(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver, statement: str
) -> None:
    """What trying again cannot fix is not tried again, and nothing of the change is stored."""
    account = _added(store)
    driver.fail_once(statement, "SQLITE_MISUSE", done=False)
    with pytest.raises(StoreError, match="SQLITE_MISUSE") as caught:
        store.apply([_change_of(account)])
    assert type(caught.value) is StoreError
    assert other.find(ContactId("1")) == account
    assert other.events() == ()


def test_each_method_says_that_the_store_is_unavailable(store: DBAPIAccountStore, driver: FaultyDriver) -> None:
    """R21: whatever is asked, an unreachable database is `StoreUnavailableError` with the method's name and a code."""
    driver.refuses = "SQLITE_CANTOPEN"
    counter = DBAPIAttemptCounter(driver, timeouts=BRIEF)
    query = AccountQuery(now=NOW)
    calls: dict[str, Callable[[], object]] = {
        "find": lambda: store.find(ContactId("1")),
        "find_by_username": lambda: store.find_by_username("rosa"),
        "find_many": lambda: store.find_many([ContactId("1")]),
        "find_owners": lambda: store.find_owners(["rosa"]),
        "find_epoch": lambda: store.find_epoch(ContactId("1")),
        "search": lambda: store.search(query),
        "count": lambda: store.count(query),
        "apply": lambda: store.apply([Change(old=None, new=an_account("1"))]),
        "record": lambda: store.record([an_event("1")]),
        "events": store.events,
        "check": store.check,
        "create_tables": store.create_tables,
        "hit": lambda: counter.hit("key", None),
        "clear": lambda: counter.clear("key"),
        "purge": counter.purge,
    }
    for operation, call in calls.items():
        with pytest.raises(StoreUnavailableError) as caught:
            call()
        assert (caught.value.operation, caught.value.code) == (operation, "SQLITE_CANTOPEN")


@pytest.mark.parametrize("code", ["SQLITE_BUSY", "SQLITE_MISUSE", "SQLITE_CONSTRAINT_CHECK"])
def test_errors_hold_nothing_of_the_drivers(store: DBAPIAccountStore, driver: FaultyDriver, code: str) -> None:
    """R14: neither text, cause, context nor the locals of our frames hold what the driver's error quotes."""
    account = attrs.evolve(
        an_account("1", CANARY, last_name=CANARY),
        credential=Credential(password_hash=PasswordHash(CANARY), origin=CredentialOrigin.IMPORTED),
    )
    driver.fail_once("INSERT", code, done=False, times=99)
    with pytest.raises(StoreError) as caught:
        store.apply([Change(old=None, new=account)])
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert CANARY not in repr(error) + str(error) + repr(error.args)
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    ours = [frame for frame in frames if "portalcreds" in frame.filename and "tests" not in frame.filename]
    assert ours
    assert all(CANARY not in str(frame.locals) for frame in ours)


def test_text_that_cannot_be_bound_is_an_error_without_it(store: DBAPIAccountStore) -> None:
    """R14: a UnicodeEncodeError carries the whole text, so it does not get out; the neighbours are not stored."""
    credential = Credential(password_hash=PasswordHash(f"{CANARY}\ud800"), origin=CredentialOrigin.IMPORTED)
    bad = attrs.evolve(an_account("2"), credential=credential)
    with pytest.raises(StoreError, match="UnicodeEncodeError") as caught:
        store.apply([Change(old=None, new=an_account("1")), Change(old=None, new=bad)])
    assert CANARY not in repr(caught.value)
    assert caught.value.__context__ is None
    assert store.find(ContactId("1")) is None


def test_a_driver_that_does_not_count_rows_is_refused(store: DBAPIAccountStore, driver: FaultyDriver) -> None:
    """R3: without a row count nobody knows who won, so the change is undone and the defect told."""
    account = _added(store)
    driver.rowcount = -1
    with pytest.raises(StoreError, match="rowcount"):
        store.apply([Change(old=account, new=issued(account))])
    driver.rowcount = None
    assert store.find(ContactId("1")) == account


def test_a_lost_acknowledgement_of_events_records_them_once(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver
) -> None:
    """R17: recording again what may be on record already adds nothing to it, done or not."""
    for done in (True, False):
        driver.before = driver.after = lambda sql: None
        events = [an_event("1", "a"), an_event("1", "b")]
        driver.fail_once("COMMIT", _LOST, done=done)
        store.record(events)
        assert list(other.events(limit=2)) == events
    assert len(other.events()) == 4


def test_a_username_whose_owner_left_meanwhile_is_tried_again(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R21: a constraint without anybody in the way is looked at afresh in a new transaction, not reported as taken."""
    begin, begun = store._port.transaction, []

    def transaction(**how: Any) -> Any:
        begun.append(how)
        return begin(**how)

    monkeypatch.setattr(store._port, "transaction", transaction)
    driver.fail_once("INSERT INTO portal_accounts", "SQLITE_CONSTRAINT_UNIQUE", done=False)
    assert list(store.apply([Change(old=None, new=an_account("1", "rosa"))])) == [_APPLIED]
    assert len(begun) == 2
    assert other.find_by_username("rosa") is not None


def test_a_failed_connection_is_not_used_again(store: DBAPIAccountStore, driver: FaultyDriver) -> None:
    """R21: after an error a new connection is opened; without one the old is used on."""
    for _ in range(5):
        store.find(ContactId("1"))
    assert driver.connections == 1
    driver.fail_once("SELECT", _LOST, done=False)
    store.find(ContactId("1"))
    store.find(ContactId("1"))
    assert driver.connections == 2


def _all_idle(store: DBAPIAccountStore) -> None:
    with ExitStack() as lent:
        for _ in range(MAX_IDLE):
            lent.enter_context(store._connections.reading())


@pytest.mark.parametrize("ask", [lambda store: store.find(ContactId("1")), lambda store: add(store, an_account("2"))])
def test_a_restarted_server_is_not_noticed(
    store: DBAPIAccountStore, driver: FaultyDriver, ask: Callable[[DBAPIAccountStore], object]
) -> None:
    """R21: when one connection turns out dead, those that wait are not tried one by one until no attempt is left."""
    _all_idle(store)
    assert driver.connections == MAX_IDLE
    driver.dead = MAX_IDLE
    ask(store)
    assert driver.connections == MAX_IDLE + 1
    assert driver.closed == MAX_IDLE


@pytest.mark.parametrize("code", ["SQLITE_BUSY", "SQLITE_MISUSE"])
def test_other_faults_cost_one_connection(store: DBAPIAccountStore, driver: FaultyDriver, code: str) -> None:
    """R21: a deadlock or a defect says nothing about the connections that wait."""
    _all_idle(store)
    driver.fail_once("SELECT", code, done=False)
    with suppress(StoreError):
        store.find(ContactId("1"))
    assert driver.connections == MAX_IDLE
    assert driver.closed == 1


def test_a_refused_connection_leaves_those_that_wait(store: DBAPIAccountStore, driver: FaultyDriver) -> None:
    """R21: a server that takes no more connections has not lost those that it has."""
    with store._connections.reading():
        _all_idle(store)
        with ExitStack() as lent:
            for _ in range(MAX_IDLE):
                lent.enter_context(store._connections.reading())
            driver.refuses = "SQLITE_CANTOPEN"
            with pytest.raises(StoreUnavailableError):
                store.find(ContactId("1"))
    assert store.find(ContactId("1")) is None
    assert driver.closed == 1


def test_an_interrupt_undoes_the_change(
    store: DBAPIAccountStore, other: DBAPIAccountStore, driver: FaultyDriver
) -> None:
    """Ctrl-C between the statements leaves nothing half-written and no lock behind."""
    account = _added(store)

    def interrupt(sql: str) -> None:
        if sql.startswith("INSERT INTO portal_audit"):
            raise KeyboardInterrupt

    driver.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        store.apply([_change_of(account)])
    assert other.find(ContactId("1")) == account
    assert list(other.apply([_change_of(account)])) == [_APPLIED]


def test_a_corrupt_row_names_the_contact_and_nothing_else(store: DBAPIAccountStore, driver: FaultyDriver) -> None:
    """R10: a row that no account can hold fails closed; the error has the id and none of the values."""
    contact = Contact(contact_id=ContactId("c-17"), last_name=CANARY)
    add(store, Account(contact=contact))
    connection = driver()
    cursor = connection.cursor()
    cursor.execute("PRAGMA ignore_check_constraints = ON", {})
    for column, value in (
        *(("origin", "unknown"), ("origin", "issued"), ("epoch", "many"), ("epoch", -4711), ("issued_at", 2**62)),
        *(("password_hash", "not told"), ("change_required_by", "admin"), ("ticket_digest", "not told")),
    ):
        cursor.execute(
            "UPDATE portal_accounts SET origin = 'none', epoch = 0, issued_at = NULL, password_hash = NULL, "
            "change_required_by = NULL, ticket_digest = NULL",
            {},
        )
        cursor.execute(f"UPDATE portal_accounts SET {column} = :value", {"value": value})
        with pytest.raises(CorruptRowError) as caught:
            store.find(ContactId("c-17"))
        assert "c-17" in str(caught.value)
        assert CANARY not in str(caught.value)
        assert str(value) not in str(caught.value)
        assert caught.value.__context__ is None


def test_a_corrupt_event_is_an_error(store: DBAPIAccountStore, driver: FaultyDriver) -> None:
    """R10: the same for the record."""
    store.record([an_event("1")])
    driver().cursor().execute("UPDATE portal_audit_events SET kind = 'unknown'", {})
    with pytest.raises(CorruptRowError, match="corrupt row"):
        store.events()


def test_a_check_that_meets_a_busy_database_is_tried_again(store: DBAPIAccountStore, driver: FaultyDriver) -> None:
    """R21: busy is not unfit."""
    driver.fail_once("INSERT INTO portal_accounts", "SQLITE_BUSY", done=False)
    store.check()
    assert store.find_by_username("smith") is None


def test_a_database_that_queues_its_writers_itself(driver: FaultyDriver) -> None:
    """R20: where writers need not queue here and durability is for the database's owner, nothing is said of either."""

    class Plain(SQLite):
        serial_writes = False

        def set_durability_sql(self, *, durable: bool) -> str | None:
            return None

    dialect = Plain()
    with closing(ConnectionPort(driver, dialect, ParamStyle("named"), max_idle=1)) as port:
        store = SQLAccountStore(port, dialect, Tables(), tenant="")
        add(store, an_account("1"))
        assert store.find(ContactId("1")) == an_account("1")
    assert driver.statements[:2] == ["PRAGMA busy_timeout", "BEGIN IMMEDIATE"]


def test_an_error_of_ours_while_connecting_gets_out(driver: FaultyDriver) -> None:
    """R23: a host's factory may say in our words what is wrong."""

    def connect() -> object:
        raise ConfigurationError("connect", "say where the database is")

    with pytest.raises(ConfigurationError, match="where the database is"):
        DBAPIAccountStore(connect).find(ContactId("1"))
