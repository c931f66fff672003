"""
Nothing of an account gets out through SQLAlchemy, whatever fails and however loud its log is (R14).

SQLAlchemy's errors quote statements and parameters, and an engine that echoes logs both. Our statements run past it, on
the driver's cursors. Here each method of a store meets each failure with telling values at hand, and everything is
searched: errors with all that hangs on them, the log, warnings, what was printed, and the locals of frames, which some
error reports send along.
"""

from __future__ import annotations

import logging
import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account, PasswordHash
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import PortalCredsError
from portalcreds.protocols import ApplyResult, AttemptCounter, Change
from portalcreds.stores.host_contacts import HostContacts
from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore
from portalcreds.testing._store_samples import NOW, an_event, issued

from .backends import BRIEF, Backend, new_backend
from .hosts import DATABASES, DRIVERS

_FIRST, _LAST, _EMAIL, _USERNAME = "Canaryfirst", "Canarylast", "canarymail@example.org", "CanaryUser"
_HASH, _DIGEST = "canary$hash", "ca4a21e5" * 8
_KEY = "canarykey"
_STORED = ("canaryfirst", "canarymail", "canary$hash", _DIGEST)
"""What must not get out, folded."""

_ASKED = ("canarylast", "canaryuser", _KEY)
"""The same of what is asked for: whoever calls a method with it has it among the locals anyway."""

_ROSA = Account(
    contact=Contact(contact_id=ContactId("1"), first_name=_FIRST, last_name=_LAST, email=_EMAIL), username=_USERNAME
)
_ISSUED = issued(_ROSA, password=PasswordHash(_HASH))
_OPENED = _ISSUED.open_ticket(_DIGEST, expires_at=NOW)
_OTHER = attrs.evolve(_ROSA, contact=attrs.evolve(_ROSA.contact, contact_id=ContactId("2")), username=_USERNAME + "2")

Method = Callable[[SQLAlchemyAccountStore], object]

METHODS: dict[str, Method] = {
    "find": lambda store: store.find(ContactId("1")),
    "find_by_username": lambda store: store.find_by_username(_USERNAME.casefold()),
    "find_many": lambda store: store.find_many([ContactId("1"), ContactId("2")]),
    "search by last name": lambda store: store.search(AccountQuery(now=NOW, words=_LAST)),
    "search by user name": lambda store: store.search(AccountQuery(now=NOW, words=_USERNAME)),
    "count": lambda store: store.count(AccountQuery(now=NOW, words=_LAST)),
    "find_epoch": lambda store: store.find_epoch("1"),
    "add": lambda store: store.apply([Change(old=None, new=_OTHER, events=(an_event("2"),))]),
    "add a taken user name": lambda store: store.apply([Change(old=None, new=_taken())]),
    "change": lambda store: store.apply([Change(old=_ROSA, new=_ISSUED, events=(an_event("1"),))]),
    "change again": lambda store: store.apply([Change(old=_ISSUED, new=_OPENED)]),
    "rename to a taken user name": lambda store: store.apply([Change(old=_OTHER, new=_OTHER.rename(_USERNAME))]),
    "record": lambda store: store.record([an_event("1")]),
    "events": lambda store: store.events("1"),
    "note_names": lambda store: store.note_names(),
    "create_tables": lambda store: store.create_tables(),
    "check": lambda store: store.check(),
}

COUNTING: dict[str, Callable[[AttemptCounter], object]] = {
    "hit": lambda counter: counter.hit(_KEY, None),
    "counts": lambda counter: counter.counts([_KEY]),
    "clear": lambda counter: counter.clear(_KEY),
    "purge": lambda counter: counter.purge(),
}


def _taken() -> Account:
    return attrs.evolve(_OTHER, contact=attrs.evolve(_OTHER.contact, contact_id=ContactId("3")), username=_USERNAME)


# -- what goes wrong


@attrs.define
class Scene:
    """
    Where something goes wrong.

    Attributes:
        backend: The database.
        stack: What is undone afterwards.
        opened: The connections of the engine's pool.
        refusal: What the next connection is refused with, or None.
    """

    backend: Backend
    stack: ExitStack = attrs.field(factory=ExitStack)
    opened: list[Any] = attrs.field(factory=list)
    refusal: str | None = None

    def connect(self) -> Any:
        """Return a connection that waits for nobody."""
        if self.refusal is not None:
            raise RuntimeError(self.refusal)
        connection = self.backend.connect()
        connection.cursor().execute(_IMPATIENCE[self.backend.database])
        connection.commit()
        self.opened.append(connection)
        return connection

    def execute(self, *statements: str) -> None:
        """Execute and commit, on another connection."""
        with closing(self.backend.connect()) as connection:
            for statement in statements:
                connection.cursor().execute(statement)
            connection.commit()


def _nothing(scene: Scene) -> None:
    """Let everything work."""


def _no_tables(scene: Scene) -> None:
    """Have every statement refused: SQLAlchemy's error quotes it, and its parameters."""
    scene.execute(*(f"ALTER TABLE portal_{name} RENAME TO gone_{name}" for name in _TABLES))


def _telling_trigger(scene: Scene) -> None:
    """Have every write refused with an error that quotes the row."""
    said = "CONCAT_WS(' ', NEW.username, NEW.first_name, NEW.last_name, NEW.password_hash)"
    if scene.backend.database == "postgresql":
        scene.execute(
            f"CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', {said}; END $$",
            "CREATE TRIGGER tell BEFORE INSERT OR UPDATE ON portal_accounts FOR EACH ROW EXECUTE FUNCTION tell()",
        )
        return
    for event in ("INSERT", "UPDATE"):
        scene.execute(
            f"CREATE TRIGGER tell_{event} BEFORE {event} ON portal_accounts FOR EACH ROW BEGIN "
            f"DECLARE said VARCHAR(128) DEFAULT LEFT({said}, 128); "
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said; END",
        )


def _locked(scene: Scene) -> None:
    """Have somebody else hold every row for longer than anybody waits."""
    cursor = scene.stack.enter_context(closing(scene.backend.connect())).cursor()
    if scene.backend.database == "sqlite":
        cursor.execute("BEGIN EXCLUSIVE")
        return
    cursor.execute("BEGIN")
    for name in _TABLES:
        cursor.execute(f"SELECT * FROM portal_{name} FOR UPDATE")
        cursor.fetchall()


def _short_columns(scene: Scene) -> None:
    """Have columns that are too short for what is written."""
    alter = "ALTER {} TYPE VARCHAR(20)" if scene.backend.database == "postgresql" else "MODIFY {} VARCHAR(20)"
    scene.execute(*(f"ALTER TABLE portal_accounts {alter.format(name)}" for name in ("strategy", "ticket_digest")))


def _ended(scene: Scene) -> None:
    """End every connection, and refuse new ones."""
    scene.refusal = "no such host"
    with closing(scene.backend.connect()) as admin:
        for connection in scene.opened:
            if scene.backend.database == "postgresql":
                admin.cursor().execute(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")
            else:
                admin.cursor().execute(f"KILL {connection.thread_id()}")


_TABLES = ("accounts", "audit_events", "attempts")
_SERVERS = ("postgresql", "mariadb")

FAULTS: dict[Callable[[Scene], None], tuple[str, ...]] = {
    _nothing: DATABASES,
    _no_tables: DATABASES,
    _telling_trigger: _SERVERS,
    _locked: DATABASES,
    _short_columns: _SERVERS,
    _ended: _SERVERS,
}
"""What goes wrong, and where it can be made to."""

_IMPATIENCE = {
    "sqlite": "PRAGMA busy_timeout = 0",
    "postgresql": "SET lock_timeout = '5ms'",
    "mariadb": "SET innodb_lock_wait_timeout = 0",
}


# -- where it would show


@attrs.define
class Told:
    """All that anybody could read of what happened, by where it was."""

    places: dict[str, str] = attrs.field(factory=dict)

    def add(self, place: str, text: object) -> None:
        """Keep a text."""
        self.places[f"{place} #{len(self.places)}"] = str(text)

    def error(self, error: BaseException) -> None:
        """Keep all that hangs on an error."""
        seen: list[BaseException] = []
        pending: list[BaseException | None] = [error]
        while pending:
            at = pending.pop()
            if at is None or at in seen:
                continue
            seen.append(at)
            pending += [at.__cause__, at.__context__]
            self.add("error", f"{at!s} {at!r} {at.args!r} {vars(at)!r}")
        self.add("report", "".join(traceback.format_exception(error)))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if Path(frame.f_code.co_filename) != Path(__file__):
                for name, value in frame.f_locals.items():
                    self.add(f"local {frame.f_code.co_qualname}.{name}", repr(value))

    @property
    def leaks(self) -> list[str]:
        """Where something telling can be read."""
        return sorted(
            {
                f"{place.partition(' #')[0]}: {telling}"
                for place, text in self.places.items()
                for telling in (_STORED if place.startswith("local ") else (*_STORED, *_ASKED))
                if telling in text.casefold()
            }
        )


class _Log(logging.Handler):
    def __init__(self, told: Told) -> None:
        super().__init__(logging.DEBUG)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told.add("log", logging.Formatter().format(record))
        self._told.add("log arguments", repr(record.args))


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """Listen everywhere: to all of the log, to warnings, and to what is printed."""
    told = Told()
    handler, root = _Log(told), logging.getLogger()
    # To those that echo too: without a handler of their own SQLAlchemy gives them one that prints, for good.
    loggers = (root, *(logging.getLogger(f"sqlalchemy.{name}") for name in ("engine.Engine", "pool.impl.QueuePool")))
    level = root.level
    for logger in loggers:
        logger.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield told
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        root.setLevel(level)
    for warning in warned:
        told.add("warning", warning.message)
    for printed in capfd.readouterr():
        told.add("printed", printed)
    assert told.leaks == []


@contextmanager
def _bound(scene: Scene, kind: str, *, contacts: bool, echo: bool | str) -> Iterator[SQLAlchemyAccountStore]:
    """Yield a store over an engine that tells all it can, or over a session on such an engine."""
    options: dict[str, Any] = {"echo": echo, "echo_pool": echo, "hide_parameters": False, "poolclass": QueuePool}
    engine = sqlalchemy.create_engine(f"{DRIVERS[scene.backend.database]}://", creator=scene.connect, **options)
    arguments: dict[str, Any] = {"contacts": HostContacts("people", contact_id="id")} if contacts else {}
    try:
        if kind == "engine":
            store = SQLAlchemyAccountStore(engine, timeouts=BRIEF, **arguments)
            store.find(ContactId("1"))
            yield store
        else:
            with Session(engine) as session:
                yield SQLAlchemyAccountStore(session, **arguments)
    finally:
        engine.dispose()


def _filled(backend: Backend) -> None:
    engine = sqlalchemy.create_engine(f"{DRIVERS[backend.database]}://", creator=backend.connect, poolclass=QueuePool)
    store = SQLAlchemyAccountStore(engine)
    assert list(store.apply([Change(old=None, new=_ROSA, events=(an_event("1"),))])) == [ApplyResult.APPLIED]
    store.counter().hit(_KEY, None)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE people (id VARCHAR(99), first_name VARCHAR(99), last_name VARCHAR(99), email VARCHAR(99))"
        )
        # Another name, so that there is something to be noted.
        connection.exec_driver_sql(f"INSERT INTO people VALUES ('1', '{_FIRST}ine', '{_LAST}', '{_EMAIL}')")
    engine.dispose()


_FAULTY = [
    pytest.param(database, fault, id=f"{fault.__name__[1:]} on {database}")
    for fault, databases in FAULTS.items()
    for database in databases
]


@pytest.mark.parametrize("kind", ["engine", pytest.param("session", marks=pytest.mark.whole)])
@pytest.mark.parametrize(("database", "fault"), _FAULTY)
def test_nothing_gets_out(database: str, fault: Callable[[Scene], None], kind: str, tmp_path: Path, told: Told) -> None:
    """R14: neither by an error, nor by the log of an engine or a pool that echoes, nor by what hangs on either."""
    _try_everything(told, tmp_path, database, fault, kind, contacts=True, echo="debug")


@pytest.mark.whole
@pytest.mark.parametrize(("contacts", "echo"), [(False, True), (False, "debug"), (True, True)])
@pytest.mark.parametrize("kind", ["engine", "session"])
@pytest.mark.parametrize(("database", "fault"), _FAULTY)
def test_nothing_gets_out_in_whatever_way(
    database: str,
    fault: Callable[[Scene], None],
    kind: str,
    contacts: bool,
    echo: bool | str,
    tmp_path: Path,
    told: Told,
) -> None:
    """R14: the same with our table alone, and with a log that is less loud."""
    _try_everything(told, tmp_path, database, fault, kind, contacts=contacts, echo=echo)


def _try_everything(
    told: Told,
    folder: Path,
    database: str,
    fault: Callable[[Scene], None],
    kind: str,
    *,
    contacts: bool,
    echo: bool | str,
) -> None:
    with new_backend(database, folder) as backend:
        _filled(backend)
        scene = Scene(backend)
        with scene.stack, _bound(scene, kind, contacts=contacts, echo=echo) as store:
            if fault is _ended:  # For the others a session's transaction would stand in the way.
                store.find(ContactId("1"))
            fault(scene)
            refused = [name for name, method in METHODS.items() if _is_refused(told, partial(method, store))]
            if kind == "engine":
                counter = store.counter()
                refused += [name for name, count in COUNTING.items() if _is_refused(told, partial(count, counter))]
            told.add("repr", f"{store!r} {vars(store)!r}")
    logged = [text for place, text in told.places.items() if place.startswith("log #")]
    assert any("BEGIN" in text for text in logged)
    assert not any("portal_accounts" in text for text in logged)
    # Where creating a table ends a transaction, a session's is not for it.
    refused = [name for name in refused if name != "create_tables"]
    assert (refused == []) is (fault is _nothing), refused


def _is_refused(told: Told, call: Callable[[], object]) -> bool:
    try:
        result = call()
    except PortalCredsError as error:
        told.error(error)
        return True
    told.add("result", repr(result))
    return False


@pytest.mark.parametrize("database", _SERVERS)
def test_what_a_connection_cannot_encode(database: str, tmp_path: Path, told: Told) -> None:
    """R14: what drivers then raise is no error of theirs, and has the whole statement on it, hash and all."""
    with new_backend(database, tmp_path) as backend:

        def connect() -> Any:
            connection = backend.connect()
            if database == "postgresql":
                connection.execute("SET client_encoding = 'latin1'")
                connection.commit()
            else:
                connection.set_character_set("latin1")
            return connection

        engine = sqlalchemy.create_engine(f"{DRIVERS[database]}://", creator=connect, echo="debug")
        store = SQLAlchemyAccountStore(engine)
        unusual = attrs.evolve(_ROSA, contact=attrs.evolve(_ROSA.contact, first_name=f"{_FIRST} 李"))
        new = issued(unusual, password=PasswordHash(_HASH))
        assert list(store.apply([Change(old=None, new=_ROSA)])) == [ApplyResult.APPLIED]
        assert _is_refused(told, lambda: store.apply([Change(old=_ROSA, new=new, events=(an_event("1"),))]))
        assert _is_refused(told, lambda: store.find_by_username(f"{_USERNAME}李"))
        assert store.find(ContactId("1")) == _ROSA
        engine.dispose()


def test_what_the_driver_cannot_decode(tmp_path: Path, told: Told) -> None:
    """R14: sqlite3 quotes it, and while rows are fetched SQLAlchemy does not come between."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")
    store = SQLAlchemyAccountStore(engine)
    store.create_tables()
    assert (
        list(store.apply([Change(old=None, new=account) for account in (_ROSA, _OTHER)])) == [ApplyResult.APPLIED] * 2
    )
    with engine.begin() as connection:
        broken = f"CAST('{_FIRST}' || X'C3' AS TEXT)"
        connection.exec_driver_sql(f"UPDATE portal_accounts SET first_name = {broken} WHERE contact_id = '2'")
    # The first row is there once the statement is executed; the second one is not.
    assert _is_refused(told, lambda: store.search(AccountQuery(now=NOW)))
    engine.dispose()
