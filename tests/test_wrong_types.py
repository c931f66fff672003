"""What values, strategies, rosters, hashers, stores, counters and the portal say to values of wrong types (R23)."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from portalcreds import Portal
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account, Credential, CredentialOrigin, PasswordHash
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import (
    LastNameFirstInitial,
    NameTemplate,
    Passphrase,
    RandomReadable,
    default_password,
    default_passwords_for,
)
from portalcreds.exceptions import ConfigurationError, InvalidValueError, PortalCredsError
from portalcreds.hashers import Argon2Hasher, Argon2Parameters, HashingPool, KeyRing, UpgradingHasher
from portalcreds.hashers.legacy import (
    CallableVerifier,
    CryptContextVerifier,
    SystemVerifier,
    Wrapping,
    digest_hash,
    keycloak_hash,
    membership_hash,
    tagged_hash,
)
from portalcreds.jobs import JobChunk, StoredJob
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import Change, utc_now
from portalcreds.rosters import (
    ContactColumns,
    RosterReading,
    RosterRelations,
    contacts_from_edfi,
    contacts_from_records,
    read_contacts_csv,
    read_oneroster,
    relate,
)
from portalcreds.secret import Secret
from portalcreds.sign_in import PasswordPolicy
from portalcreds.status_counts import StatusQuery
from portalcreds.stores import (
    BorrowedDBAPIAccountStore,
    DBAPIAccountStore,
    DBAPIAttemptCounter,
    HostContacts,
    MemoryAccountStore,
    MemoryAttemptCounter,
    Tables,
    Timeouts,
)
from portalcreds.testing.hashers import CHEAPEST_CHOSEN
from portalcreds.throttle import Limit

ROSA = Contact(contact_id=ContactId("1"), first_name="Rosa", last_name="Abbiatici")
NOW = datetime(2026, 3, 1, tzinfo=UTC)

WRONG: list[Any] = [None, True, 5, -1.5, float("nan"), "x", b"x", "", [], {}, (), [None], {"a": 1}, object(), int, NOW]
WRONG += ["a\0b", "\ud800", 2**80, float("inf"), timedelta(0), {1, 2}, lambda *_: 1, ["x"], ["\0"], [5]]

TEXTS = ("operator_id", "contact_id", "reason", "operation_id", "confirmed_at", "source")
NAMES = ("contact_id", "first_name", "last_name")
CHEAP = Argon2Hasher(CHEAPEST_CHOSEN)

JOB = StoredJob(key="k", operator_id="op", terms="[]", digest="d", total=1, planned=1, confirmed_at=NOW, started_at=NOW)

CONTACTS = Path(__file__).parents[1] / "docs/examples/contacts.csv"
CALLS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (Contact, {"contact_id": "1", "first_name": "Rosa", "last_name": "A", "email": None, "unknown": ()}),
    (KeyRing, {"keys": {"a": bytes(32)}, "current": "a", "may_leave_process": False}),
    (Operator, {"operator_id": "op", "contact_id": None, "source": None}),
    (Grants, {"privileges": {"op": [Privilege.SYNC]}, "outranks": lambda account: False}),
    (
        AccountQuery,
        {
            "now": NOW,
            "words": "a",
            **dict.fromkeys(("status", "expires_before", "issued_before", "unchanged_since", "after")),
            **dict.fromkeys(("or_never_issued", "never_signed_in", "without_username"), False),
            "order": "name",
            "limit": 5,
        },
    ),
    (StatusQuery, {"now": NOW, "since": NOW, "utc_offset": timedelta(0)}),
    (AuditEvent, {"kind": AuditKind.ACCOUNT_ADDED, "at": NOW, **dict.fromkeys(TEXTS), "count": None, "event_id": "x"}),
    (
        Account,
        {
            "contact": ROSA,
            "username": None,
            "credential": Credential(),
            "is_active": True,
            **dict.fromkeys(("name_changed_at", "last_sign_in_at", "erased_at")),
            "version": 1,
        },
    ),
    (
        Credential,
        {
            "origin": CredentialOrigin.ISSUED,
            "password_hash": PasswordHash("x"),
            "change_required_by": "compromised",
            **dict.fromkeys(("strategy", "issue_id", "issued_by", "ticket_digest"), "x"),
            **dict.fromkeys(("issued_at", "changed_at", "expires_at", "ticket_expires_at"), NOW),
            "epoch": 1,
        },
    ),
    (Change, {"old": None, "new": Account(contact=ROSA), "events": (), "change_id": "x"}),
    (Account(contact=ROSA).status, {"now": NOW}),
    (Limit, {"attempts": 1, "window": timedelta(days=1)}),
    (Tables, {"prefix": "portal_", "schema": None}),
    (Timeouts, dict.fromkeys(("lock", "statement", "outage"), timedelta(seconds=1))),
    (
        HostContacts,
        {"source": "t", **{name: name for name in NAMES}, "email": None, "contact_id_type": "text"},
    ),
    (
        HashingPool,
        {
            "max_memory_bytes": 2**28,
            "slot_memory_bytes": 2**26,
            "workers": None,
            "queue_limit": None,
            "patience": timedelta(0),
        },
    ),
    (Argon2Parameters, {"memory_kib": 65536, "time_cost": 3, "lanes": 4, "insecure_for_tests": False}),
    (Argon2Hasher, {"parameters": CHEAPEST_CHOSEN, "key_ring": None}),
    (
        UpgradingHasher,
        {**dict.fromkeys(("chosen", "issued"), CHEAP), "legacy": (), "pool": None, "denial_floor": None},
    ),
    (SystemVerifier, {"systems": "django", "encodings": (), "peppers": ("",)}),
    (Wrapping, {"verifier": SystemVerifier("digests"), "hasher": CHEAP}),
    (
        CallableVerifier,
        {
            "identifies": lambda encoded: encoded == "hash",
            "verifies": lambda password, _: password == "known",
            "known": ("known", "hash"),
            "is_slow": True,
        },
    ),
    (CryptContextVerifier, {"context": None}),
    (digest_hash, {"scheme": "md5", "digest": "0" * 32, "salt": b""}),
    (
        membership_hash,
        {
            "password": "QLYaNsgH/+EdYjrhiieTQYkByVo=",
            "salt": "c2VsZi10ZXN0LXNhbHQxNg==",
            "algorithm": "SHA1",
            "password_format": 1,
        },
    ),
    (keycloak_hash, {"credential": {}}),
    (tagged_hash, {"scheme": "flask-security", "encoded": "x"}),
    (PasswordPolicy().violations, {"password": Secret("x"), "account": Account(contact=ROSA)}),
    (
        Account(contact=ROSA).import_hash,
        {
            "password_hash": PasswordHash("x"),
            "import_id": "i",
            "imported_by": "op",
            "imported_at": NOW,
            "change_required_by": None,
        },
    ),
    (default_password, {"contact": ROSA}),
    (LastNameFirstInitial().derive, {"contact": ROSA}),
    (NameTemplate(template="{last_name}").derive, {"contact": ROSA}),
    (default_passwords_for, {"contacts": [ROSA], "strategy": None}),
    (NameTemplate, {"template": "{last_name}"}),
    (RandomReadable, {"length": 16, "group": 4}),
    (Passphrase, {"words": ("ab", "cd"), "count": 40, "separator": "-"}),
    (ContactColumns, dict.fromkeys((*NAMES, "email", "username"))),
    (contacts_from_records, {"records": [{"id": "1", "first": "A", "last": "B"}], "columns": None, "keep": None}),
    (
        read_contacts_csv,
        {"source": CONTACTS, **dict.fromkeys(("columns", "keep", "delimiter", "encoding"))},
    ),
    (read_oneroster, {"source": "no-such-file.zip", "on": None, "encoding": None, "max_rows": 9}),
    (contacts_from_edfi, {"contacts": [], "associations": [], "sections": [], "keep": None, "on": None}),
    (relate, {"reading": RosterReading(), "students": [("S-1", "1")], "classes": [("7B", "S-1")]}),
    (RosterReading(relations=RosterRelations()).contacts_of_student, {"student_id": "S-1"}),
]


@pytest.mark.parametrize(
    ("call", "arguments", "name"),
    [
        pytest.param(call, arguments, name, id=f"{getattr(call, '__qualname__', call)}-{name}")
        for call, arguments in CALLS
        for name in arguments
    ],
)
def test_a_value_of_a_wrong_type_is_refused_with_a_hint(
    call: Callable[..., Any], arguments: dict[str, Any], name: str
) -> None:
    """Each argument in turn is anything at all: it is taken, or refused by an error of the library's own."""
    try_anything(call, arguments, name)


@pytest.mark.parametrize("call", [call for call, _ in CALLS], ids=lambda call: str(getattr(call, "__qualname__", call)))
def test_no_argument_of_a_value_is_left_out(call: Callable[..., Any]) -> None:
    """The test above tries each argument, also those that come later."""
    arguments = next(arguments for tried, arguments in CALLS if tried == call)
    assert set(arguments) == set(inspect.signature(call).parameters)


def methods_of(part: Any) -> dict[str, dict[str, Any]]:
    """Return the methods of a store or a counter that take arguments, with arguments that are right."""
    store: dict[str, dict[str, Any]] = {
        "find": {"contact_id": "1"},
        "find_by_username": {"username_key": "rosa"},
        "find_many": {"contact_ids": ["1"]},
        "find_owners": {"username_keys": ["rosa"]},
        "search": {"query": AccountQuery(now=NOW)},
        "count": {"query": AccountQuery(now=NOW)},
        "count_statuses": {"query": StatusQuery(now=NOW, since=NOW)},
        "find_epoch": {"contact_id": "1"},
        "apply": {"changes": []},
        "record": {"events": [AuditEvent(kind=AuditKind.ACCOUNT_ADDED, at=NOW)]},
        "events": {"contact_id": None, "limit": None},
        "counter": {"clock": utc_now},
        "add_job": {"job": JOB, "chunks": [JobChunk(number=0, size=1, items="[]")], "ceiling": None},
        "find_job": {"key": "k"},
        "open_chunks": {"key": "k", "after": -1, "now": NOW},
        "claim_chunk": {"key": "k", "number": 0, "worker": "w", "now": NOW, "until": NOW},
        "save_chunk": {"key": "k", "number": 0, "worker": "w", "results": "[]", "is_finished": False, "now": NOW},
        "read_chunks": {"key": "k", "after": -1, "limit": 1},
        "job_progress": {"key": "k", "now": NOW},
        "cancel_job": {"key": "k", "now": NOW},
        "purge_jobs": {"before": NOW},
        "purge_events": {"before": NOW, "kinds": ()},
    }
    counter: dict[str, dict[str, Any]] = {
        "hit": {"key": "k", "window": None},
        "counts": {"keys": ["k"]},
        "clear": {"key": "k"},
    }
    return store if hasattr(part, "find") else counter


WITHOUT_ARGUMENTS = {
    "check",
    "close",
    "create_tables",
    "find_faults",
    "host_contacts",
    "note_names",
    "rebuild_words",
    "purge",
    "unfinished_jobs",
    "open_sqlite",
}


@pytest.fixture(params=["memory", "sqlite", "borrowed", "sqlalchemy", "limits"])
def parts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Any]]:
    """Each store that needs no server, and each counter."""
    if request.param == "memory":
        yield [MemoryAccountStore(), MemoryAttemptCounter()]
    elif request.param == "limits":
        pytest.importorskip("limits", reason="needs the package limits")
        from limits.storage import MemoryStorage

        from portalcreds.stores.limits import LimitsAttemptCounter

        yield [LimitsAttemptCounter(MemoryStorage(), tenant="")]
    elif request.param == "sqlalchemy":
        sqlalchemy = pytest.importorskip("sqlalchemy", reason="needs the package sqlalchemy")
        from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore

        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'portal.db'}")
        store = SQLAlchemyAccountStore(engine)
        store.create_tables()
        yield [store, store.counter()]
        engine.dispose()
    else:
        with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db") as owner:
            if request.param == "sqlite":
                yield [owner, owner.counter()]
            else:
                with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
                    yield [BorrowedDBAPIAccountStore(connection.cursor, dialect="sqlite")]


def test_stores_and_counters_take_any_mistake(parts: list[Any]) -> None:
    """R23: what a host's own code passes to a store is refused with a hint, and what is no event is not recorded."""
    for part in parts:
        methods = methods_of(part)
        public = {name for name in dir(part) if not name.startswith("_") and callable(getattr(part, name))}
        assert public - WITHOUT_ARGUMENTS == set(methods)
        for method, arguments in methods.items():
            call = getattr(part, method)
            assert set(arguments) == set(inspect.signature(call).parameters)
            for name in arguments:
                try_anything(call, arguments, name)
            for name in ("events", "changes", "query", "contact_id", "key", "keys"):
                if name in arguments and method != "events":
                    with pytest.raises(InvalidValueError, match=name):
                        call(*(arguments | {name: [None]}).values())


def test_the_portal_and_the_stores_are_made_of_right_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: each part in turn is anything at all, and none of them comes out as an error from deep inside."""
    monkeypatch.chdir(tmp_path)  # Any text may be a path.
    portal = Portal.open_sqlite(tmp_path / "portal.db", authorizer=Grants(privileges={}), hasher=UpgradingHasher())
    file = tmp_path / "portal.db"
    connect = partial(sqlite3.connect, file)
    over: dict[str, Any] = {
        name: None if parameter.default is parameter.empty else parameter.default
        for name, parameter in inspect.signature(Portal.over).parameters.items()
    }
    over |= {"authorizer": Grants(privileges={}), "hasher": portal.hasher}
    common: dict[str, Any] = {"dialect": "sqlite", "tenant": "", "tables": Tables(), "paramstyle": None}
    narrowed: dict[str, Any] = {"contacts": None, "scope": None}
    owned: dict[str, Any] = {"connect": connect, "max_idle": 8, "give_back": None, "timeouts": Timeouts()}
    with portal:
        made: list[tuple[Callable[..., Any], dict[str, Any]]] = [
            (Portal.over, over | {"store": portal.store, "counter": portal.counter}),
            (Portal.open_sqlite, {name: over[name] for name in over if name != "store"} | {"path": file, "tenant": ""}),
            (DBAPIAccountStore, {**common, **narrowed, **owned}),
            (DBAPIAttemptCounter, {**common, **owned, "clock": utc_now}),
            (BorrowedDBAPIAccountStore, {**common, **narrowed, "cursor": lambda: None}),
            (
                DBAPIAccountStore.open_sqlite,
                {"path": file, "tenant": "", "tables": Tables(), "timeouts": Timeouts()},
            ),
            (MemoryAttemptCounter, {"clock": utc_now}),
        ]
        for make, arguments in made:
            parameters = set(inspect.signature(make).parameters) - {"parts"}
            assert parameters <= set(arguments)
            for name in arguments:
                try_anything(make, arguments, name)


@pytest.mark.parametrize("path", ["a\0b", "\ud800", b"x", 5])
def test_what_can_be_no_path_is_refused(path: Any) -> None:
    """R23: a path with a NUL or half a character is refused where it is passed, before anything is opened."""
    with pytest.raises(InvalidValueError, match="source"):
        read_contacts_csv(path)
    with pytest.raises(ConfigurationError, match="path"):
        DBAPIAccountStore.open_sqlite(path)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """R23: a file in a folder that nobody made is a fault of the path, and not a database that is away."""
    with pytest.raises(ConfigurationError, match="make the folder first"):
        DBAPIAccountStore.open_sqlite(tmp_path / "no folder" / "portal.db")


def test_an_account_without_a_contact_is_none() -> None:
    """R23: what no store could keep is refused where it is made."""
    for wrong in ({"contact": None}, {"contact": ROSA, "credential": None}, {"contact": ROSA, "version": "1"}):
        with pytest.raises(InvalidValueError):
            Account(**wrong)


def try_anything(call: Callable[..., Any], arguments: dict[str, Any], name: str) -> None:
    """Call it with anything at all for one argument; an error that is not the library's own comes out."""
    for wrong in WRONG:
        given = arguments | {name: wrong}
        positional = [
            given.pop(parameter.name)
            for parameter in inspect.signature(call).parameters.values()
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL)
        ]
        # A FileNotFoundError, because any text may be a path.
        with suppress(PortalCredsError, FileNotFoundError):
            made = call(*positional, **given)
            close = getattr(made, "close", None)
            if callable(close):
                close()
