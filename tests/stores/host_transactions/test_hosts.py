"""What hosts pass in, what a borrowed store refuses, and Flask (R20)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from portal import FAMILY, NOBODY, OFFICE, USERNAMES
from portalcreds.accounts import Account, CredentialOrigin
from portalcreds.administration.service import AccountService
from portalcreds.audit import AuditKind
from portalcreds.exceptions import (
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
    StoreError,
)
from portalcreds.hashers import UpgradingHasher
from portalcreds.protocols import Change
from portalcreds.resets.service import ResetService
from portalcreds.stores.dbapi import BorrowedDBAPIAccountStore
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.stores.tables import Tables
from portalcreds.testing._store_samples import add, an_account, an_event, step
from portalcreds.throttle import Throttle
from stores.backends import Backend
from stores.hosts import DATABASES, DRIVERS, KINDS, Host, django_alias, engine_of, need, sqlalchemy_store

from .work import (
    AUTHORIZER,
    PAT,
    ROSA,
    Seen,
    assert_tells_nothing,
    note,
    resets_over,
    see,
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_is_gone(kind: str, backend: Backend) -> None:
    """R14: reading and writing fail as a store fails, without the driver's error, also where no cursor can be had."""
    with ExitStack() as opened:
        work = opened.enter_context(Host(kind, backend).transaction(commit=False))
        assert work.store.find(ROSA) is None
        work.raw.close()
        asked: tuple[Callable[[], object], ...] = (
            lambda: work.store.find(ROSA),
            lambda: work.store.apply([Change(old=None, new=an_account("1"))]),
            lambda: work.store.record([an_event("1")]),
        )
        for ask in asked:
            with pytest.raises(StoreError) as caught:
                ask()
            assert_tells_nothing(caught.value)
        # Hosts meet the same at the end of their transaction, each with an error of its own.
        with suppress(Exception):
            opened.close()


@pytest.mark.parametrize(("backend", "host"), [(database, "django") for database in DATABASES], indirect=True)
def test_djangos_connection_is_one_threads(host: Host) -> None:
    """A cursor of another thread's connection is refused by Django; one that is asked for each time is had."""
    connections = need("django.db").connections
    with django_alias(host.backend) as alias:
        cursor = connections[alias].cursor

        def find(cursor: Callable[[], Any]) -> object:
            store = BorrowedDBAPIAccountStore(cursor, dialect=host.database, paramstyle="pyformat")
            try:
                return store.find(ROSA)
            except StoreError as error:
                return error.code
            finally:
                connections[alias].close()

        with ThreadPoolExecutor(1) as other:
            assert other.submit(find, cursor).result() == "DatabaseError"
            assert other.submit(find, lambda: connections[alias].cursor()).result() is None


def test_rows_are_no_mappings(backend: Backend) -> None:
    """A row that is taken apart into the names of its columns would pass for a transaction where there is none."""
    with closing(backend.connect()) as connection:
        if backend.database == "sqlite":
            connection.row_factory = lambda cursor, row: {"row": row}
            cursor = connection.cursor
        elif backend.database == "postgresql":
            connection.row_factory = need("psycopg.rows").dict_row
            cursor = connection.cursor
        else:
            connection.autocommit(True)

            def cursor() -> Any:
                return connection.cursor(need("pymysql.cursors").DictCursor)

        tenant = uuid4().hex
        store = BorrowedDBAPIAccountStore(cursor, dialect=backend.database, tenant=tenant)
        with pytest.raises(ConfigurationError, match="plain tuples"):
            store.apply([Change(old=None, new=an_account("1", "a")), Change(old=None, new=an_account("2", "a"))])
        connection.rollback()
        assert see(Host("plain", backend, tenant)) == Seen()


@pytest.mark.parametrize("kind", ["connection", "session"])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_engine_that_says_begin_itself(kind: str, backend: Backend) -> None:
    """SQLAlchemy's own recipe for SQLite begins by an event: then the transaction is the host's from the first word."""
    sqlalchemy = need("sqlalchemy")
    engine = engine_of(backend)
    sqlalchemy.event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    sqlalchemy.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    host = Host(kind, backend, uuid4().hex)
    try:
        for commit in (False, True):
            with engine.connect() if kind == "connection" else need("sqlalchemy.orm").Session(engine) as bind:
                add(sqlalchemy_store(bind, tenant=host.tenant), an_account("1"))
                assert see(host) == Seen()
                (bind.commit if commit else bind.rollback)()
            assert len(see(host).accounts) == commit
    finally:
        engine.dispose()


def test_a_session_over_several_databases(backend: Backend, tmp_path: Path) -> None:
    """The database that was said is the one of each statement, and not only of the first."""
    engine = engine_of(backend)
    other = need("sqlalchemy").create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    try:
        with need("sqlalchemy.orm").Session(other) as session:
            store = sqlalchemy_store(session, tenant=uuid4().hex, bind_arguments={"bind": engine})
            account = an_account("1")
            add(store, account)
            assert step(store, account, account.disable()) == account.disable()
    finally:
        engine.dispose()
        other.dispose()


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_a_refusal_outlives_the_rollback_that_it_leads_to(family: Host) -> None:
    """R16: recorded by a sink of its own, it is there though the host gave up over it; in its transaction it is not."""
    with family.seen() as own:
        for audit in (None, own):
            recorded = len(own.events())

            def refused(audit: Any = audit) -> None:
                with family.transaction(commit=True) as work:
                    accounts = AccountService(
                        work.store,
                        authorizer=AUTHORIZER,
                        throttle=Throttle(MemoryAttemptCounter()),
                        audit=audit or work.store,
                    )
                    accounts.disable(ROSA, NOBODY)

            with pytest.raises(PrivilegeDeniedError):
                refused()
            assert [event.operator_id for event in own.events()[recorded:]] == ([] if audit is None else ["nobody"])


# -- what a borrowed store refuses


@pytest.mark.parametrize("kind", ["connection", "session"])
def test_no_counter_in_the_hosts_transaction(kind: str, backend: Backend) -> None:
    """R9: a count that a rollback takes back is a guess that nobody counted, so it is refused before there is one."""
    need("sqlalchemy")
    # Here, because it is an extra.
    from portalcreds.stores.sqlalchemy import SQLAlchemyAttemptCounter

    with Host(kind, backend).transaction(commit=False) as work:
        with pytest.raises(ConfigurationError, match="engine or a connection factory"):
            work.store.counter()
        with pytest.raises(ConfigurationError, match="engine or a connection factory"):
            SQLAlchemyAttemptCounter(work.bind)


@pytest.mark.parametrize("max_affected", [None, 2])
def test_no_setting_of_many_passwords(host: Host, hasher: UpgradingHasher, max_affected: int | None) -> None:
    """R12: what commits a few at a time cannot do so in the host's transaction, and says so at construction."""
    with host.transaction(commit=False) as work:
        with pytest.raises(ConfigurationError, match="max_affected=1"):
            ResetService(work.store, hasher=hasher, authorizer=AUTHORIZER, max_affected=max_affected)
        one_by_one = resets_over(work.store, hasher)
        with pytest.raises(InvalidValueError, match="at most 1"):
            one_by_one.plan([ROSA, PAT], OFFICE)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_is_no_session(backend: Backend) -> None:
    """A factory of sessions is in no transaction, and something else is none at all: both are refused."""
    engine = engine_of(backend)
    binds = [need("sqlalchemy.orm").sessionmaker(engine), backend]
    try:
        for bind in binds:
            with pytest.raises(ConfigurationError, match="pass an Engine; or a Connection, a Session"):
                sqlalchemy_store(bind)
    finally:
        engine.dispose()
    with closing(backend.connect()) as connection:
        cursor: Any = connection.cursor()
        with pytest.raises(ConfigurationError, match="function that returns a cursor"):
            BorrowedDBAPIAccountStore(cursor, dialect="sqlite")


@pytest.mark.parametrize("kind", ["plain", "session"])
def test_tables_are_created_only_where_that_is_no_commit(kind: str, backend: Backend) -> None:
    """R20: in MariaDB, CREATE TABLE commits what the host has begun; elsewhere the host's rollback takes it back."""
    host = Host(kind, backend, uuid4().hex)
    with host.transaction(commit=False) as work:
        note(host, work, "before")
        if host.kind == "plain":
            store: Any = BorrowedDBAPIAccountStore(
                work.bind.cursor, dialect=host.database, tables=Tables(prefix=f"{kind}_")
            )
        else:
            store = sqlalchemy_store(work.bind, tables=Tables(prefix=f"{kind}_"))
        if host.database == "mariadb":
            with pytest.raises(ConfigurationError, match="ends a transaction"):
                store.create_tables()
        else:
            store.create_tables()
            add(store, an_account("1"))
    assert see(host) == Seen()
    with closing(backend.connect()) as connection:
        store = BorrowedDBAPIAccountStore(connection.cursor, dialect=host.database, tables=Tables(prefix=f"{kind}_"))
        with pytest.raises(StoreError):
            store.find(ROSA)


# -- Flask


@pytest.mark.parametrize("end", ["commit", "rollback", "forget", "fail"])
def test_a_request_of_flask(backend: Backend, hasher: UpgradingHasher, end: str) -> None:
    """A route that resets a password keeps it, its event and a row of its own by a commit, and else none of them."""
    host = Host("flask", backend, uuid4().hex)
    account = Account(contact=FAMILY[0], username=USERNAMES[ROSA])
    with host.seen() as store:
        add(store, account)
    app, dispose = _flask(host, hasher)
    try:
        told = app.test_client().post(f"/reset/{ROSA}/{end}")
    finally:
        dispose()
    assert told.status_code == (500 if end == "fail" else 200)
    seen = see(host)
    if end == "commit":
        assert told.text == "set"
        assert [found.credential.origin for found in seen.accounts] == [CredentialOrigin.ISSUED]
        assert AuditKind.PASSWORD_ISSUED in [event.kind for event in seen.events]
        assert seen.notes == ("reset",)
    else:
        assert seen == Seen(accounts=(account,))


def _flask(host: Host, hasher: UpgradingHasher) -> tuple[Any, Callable[[], None]]:
    """Return an application, and what ends it."""
    flask, sqlalchemy = need("flask"), need("sqlalchemy")
    app = flask.Flask("school")
    app.config["SQLALCHEMY_ENGINES"] = {}
    # With a path: of an SQLite without one, Flask-SQLAlchemy makes a database in memory on one connection for all.
    path = f"/{host.backend.place}" if host.database == "sqlite" else ""
    app.config["SQLALCHEMY_DATABASE_URI"] = f"{DRIVERS[host.database]}://{path}"
    options = {"creator": host.backend.connect, "poolclass": sqlalchemy.pool.QueuePool}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db = need("flask_sqlalchemy").SQLAlchemy(app)
    with app.app_context():
        # Once, at start: each request's session is asked for when it is needed.
        resets = resets_over(sqlalchemy_store(db.session, tenant=host.tenant), hasher)
        engine = db.engine

    def reset(contact_id: str, end: str) -> str:
        db.session.execute(sqlalchemy.text(f"INSERT INTO notes VALUES ('{host.tenant}', 'reset')"))
        outcome = resets.reset_password(contact_id, OFFICE).outcome.value
        if end == "fail":
            flask.abort(500)
        if end != "forget":
            (db.session.commit if end == "commit" else db.session.rollback)()
        return str(outcome)

    app.add_url_rule("/reset/<contact_id>/<end>", view_func=reset, methods=["POST"])
    return app, engine.dispose
