"""
What the page on databases shows is so: its examples run in real frameworks, and its migration makes the tables.

The code is the page's own. Blocks that need no server run with those of the other pages.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from portal import FAMILY, OFFICE, USERNAMES, cheap_hasher
from portalcreds.accounts import Account, CredentialOrigin
from portalcreds.audit import AuditKind
from portalcreds.contacts import ContactId
from portalcreds.hashers import UpgradingHasher
from portalcreds.privileges import Operator, Privilege
from portalcreds.resets.report import ResetOutcome
from portalcreds.testing._store_samples import HASH, add, an_account, an_event, issued, step
from stores.backends import Backend, new_backend
from stores.hosts import DATABASES, DRIVERS, Host, django_alias, engine_of, need, rows_of, sqlalchemy_store

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/how-to/use-your-database.md"

ROSA: Final = ContactId("c-1")


def shown(marker: str) -> str:
    """Return the block that follows a marker, on the lines where it stands on the page."""
    text = PAGE.read_text("utf-8")
    block = re.search(rf"^<!-- {marker} -->\n```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None, f"the page has no block after <!-- {marker} -->"
    return "\n" * text[: block.start(1)].count("\n") + block[1]


def run(marker: str) -> dict[str, Any]:
    """Return the names that a block makes."""
    namespace: dict[str, Any] = {"__name__": "page"}
    exec(compile(shown(marker), str(PAGE), "exec"), namespace)  # noqa: S102  That is what is tested.
    return namespace


@pytest.fixture(params=DATABASES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return a database with our tables, an account, and a table of the host's."""
    with new_backend(request.param, tmp_path) as backend:
        with closing(backend.connect()) as connection:
            connection.cursor().execute("CREATE TABLE letters (contact_id VARCHAR(64) NOT NULL)")
            connection.commit()
        with Host("any", backend).seen() as store:
            add(store, Account(contact=FAMILY[0], username=USERNAMES[ROSA]))
        yield backend


@pytest.fixture
def hasher() -> Iterator[UpgradingHasher]:
    """Return the real hasher at a cost that only a test may use."""
    with cheap_hasher() as hasher:
        yield hasher


class Meddler:
    """Permits everything, or nothing; and while it is first asked, somebody else changes the account."""

    def __init__(self, backend: Backend, *, permits: bool = True, meddles: bool = False) -> None:
        """Take what it is to do."""
        self._backend = backend
        self._permits = permits
        self._meddles = meddles

    def __call__(self, operator: Operator, privilege: Privilege, accounts: Any) -> list[bool]:
        """Answer an authorizer's question."""
        if self._meddles:
            self._meddles = False
            with Host("any", self._backend).seen() as store:
                account = store.find(ROSA)
                assert account is not None
                step(store, account, account.rename("elsewhere"))
        return [self._permits for _ in accounts]


def _is_set(backend: Backend) -> bool:
    """Return whether the password, its event and the letter are there: all of them, or none."""
    with closing(backend.connect()) as connection:
        letters = len(rows_of(connection.cursor(), "SELECT contact_id FROM letters"))
    with Host("any", backend).seen() as store:
        account = store.find(ROSA)
        events = [event for event in store.events() if event.kind == AuditKind.PASSWORD_ISSUED]
    assert account is not None
    is_set = account.credential.origin == CredentialOrigin.ISSUED
    assert letters == len(events) == is_set
    return is_set


# -- the frameworks


Application = Callable[..., tuple[Any, dict[str, Any]]]
"""Returns an application and the names of its page."""


class TestFlask:
    @pytest.fixture
    def application(self, backend: Backend, hasher: UpgradingHasher) -> Iterator[Application]:
        """Return a function that makes the page's application, with an authorizer and with options of its engine."""
        need("flask_sqlalchemy")
        engines = []

        def application(authorizer: Meddler, **options: object) -> tuple[Any, dict[str, Any]]:
            page = run("flask")
            page["create_app"].__globals__["authorizer"] = authorizer
            options = {"creator": backend.connect, "poolclass": need("sqlalchemy").pool.QueuePool} | options
            # With a path: of an SQLite without one, Flask-SQLAlchemy makes a database in memory, which all share.
            path = f"/{backend.place}" if backend.database == "sqlite" else ""
            address = f"{DRIVERS[backend.database]}://{path}"
            app = page["create_app"]({"SQLALCHEMY_DATABASE_URI": address, "SQLALCHEMY_ENGINE_OPTIONS": options}, hasher)
            with app.app_context():
                engines.append(page["db"].engine)
            return app, page

        yield application
        for engine in engines:
            engine.dispose()

    def test_a_password_and_a_letter(self, backend: Backend, application: Application) -> None:
        """Both are committed, and the hook's mail is sent after that."""
        app, page = application(Meddler(backend))
        assert _post(app).text == "set"
        assert page["outbox"] == [(ROSA, AuditKind.PASSWORD_ISSUED.value)]
        assert _is_set(backend)

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_a_conflict_is_settled_by_running_again(self, backend: Backend, application: Application) -> None:
        """The second time it succeeds, and one mail is sent."""
        app, page = application(Meddler(backend, meddles=True), isolation_level="REPEATABLE READ")
        assert _post(app).text == "set"
        assert len(page["outbox"]) == 1
        assert _is_set(backend)

    @pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
    def test_what_was_rolled_back_sends_nothing(self, backend: Backend, application: Application) -> None:
        """The mail of an attempt that was undone is not sent by the next one."""
        app, page = application(Meddler(backend))
        account = Account(contact=FAMILY[0])
        with app.app_context():
            session = page["db"].session
            for end in (session.rollback, session.commit):
                session.execute(page["text"]("SELECT 1"))
                page["notify"](account, an_event(ROSA))
                end()
        assert len(page["outbox"]) == 1

    def test_a_refusal_is_on_the_record(self, backend: Backend, application: Application) -> None:
        """The error ends the request and its transaction, and the refusal is there."""
        app, page = application(Meddler(backend, permits=False))
        assert (_post(app).status_code, page["outbox"]) == (500, [])
        assert not _is_set(backend)
        with Host("any", backend).seen() as store:
            assert AuditKind.PRIVILEGE_DENIED in [event.kind for event in store.events()]


def _post(app: Any) -> Any:
    return app.test_client().post(f"/contacts/{ROSA}/password")


class TestDjango:
    @pytest.fixture
    def page(self, backend: Backend) -> Iterator[dict[str, Any]]:
        """Return the page's names, with Django's default connection to the database."""
        with django_alias(backend, "default"):
            yield run("django")

    def test_a_password_and_a_letter(self, backend: Backend, page: dict[str, Any], hasher: UpgradingHasher) -> None:
        """Both are committed, and the hook's mail is sent after that."""
        result = page["set_password"](page["reset_service"](hasher), ROSA, OFFICE)
        assert result.outcome == ResetOutcome.SET
        assert page["outbox"] == [(ROSA, AuditKind.PASSWORD_ISSUED.value)]
        assert _is_set(backend)

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_a_conflict_is_settled_by_running_again(
        self, backend: Backend, page: dict[str, Any], hasher: UpgradingHasher
    ) -> None:
        """What was rolled back sends no mail, and what was committed sends one."""
        with page["connection"].cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        page["reset_service"].__globals__["authorizer"] = Meddler(backend, meddles=True)
        result = page["set_password"](page["reset_service"](hasher), ROSA, OFFICE)
        assert result.outcome == ResetOutcome.SET
        assert len(page["outbox"]) == 1
        assert _is_set(backend)

    def test_an_outer_rollback_sends_nothing(
        self, backend: Backend, page: dict[str, Any], hasher: UpgradingHasher
    ) -> None:
        """`atomic` within `atomic` commits nothing by itself."""
        with page["transaction"].atomic():
            page["set_password"](page["reset_service"](hasher), ROSA, OFFICE)
            page["transaction"].set_rollback(True)
        assert page["outbox"] == []
        assert not _is_set(backend)

    def test_what_it_keeps_while_debugging(self, page: dict[str, Any], hasher: UpgradingHasher) -> None:
        """The page warns of it: each statement with its values, hashes included."""
        page["connection"].force_debug_cursor = True
        page["set_password"](page["reset_service"](hasher), ROSA, OFFICE)
        assert "$argon2id$" in str(page["connection"].queries)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_cursor_that_is_shared(backend: Backend, hasher: UpgradingHasher) -> None:
    """One cursor for all statements is enough; what the ORM has is written before, and read anew after."""
    told: list[str] = []
    with closing(backend.connect()) as connection:

        class Environment:
            uid = 2
            cr = connection.cursor()

            def flush_all(self) -> None:
                told.append("flush")
                self.cr.execute("INSERT INTO letters VALUES ('c-1')")

            def invalidate_all(self) -> None:
                told.append("invalidate")

        for end in (connection.rollback, connection.commit):
            assert run("cursor")["set_password"](Environment(), ROSA, hasher).outcome == ResetOutcome.SET
            assert not _is_set(backend)
            end()
        assert _is_set(backend)
    assert told == ["flush", "invalidate"] * 2


def test_what_an_engine_logs(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    """R14: no statement of ours, nothing bound to one and no row, in the host's transaction as in one of our own."""
    caplog.set_level(logging.DEBUG, "sqlalchemy.engine.Engine")
    engine = engine_of(backend)
    try:
        with engine.connect() as connection:
            for bind in (engine, connection):
                store = sqlalchemy_store(bind)
                account = store.find(ROSA)
                step(store, account, issued(account))
    finally:
        engine.dispose()
    assert "BEGIN" in caplog.text
    for word in ("portal_accounts", HASH.encoded, "rabbiatici", "Abbiatici"):
        assert word not in caplog.text


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_savepoint_that_begins_the_transaction(backend: Backend) -> None:
    """The page warns of it: in a file, by the driver's own ways, releasing that savepoint is a commit."""
    engine = engine_of(backend)
    try:
        with need("sqlalchemy.orm").Session(engine) as session:
            with session.begin_nested():
                add(sqlalchemy_store(session), an_account("1"))
            session.rollback()
    finally:
        engine.dispose()
    with Host("any", backend).seen() as store:
        assert store.find(ContactId("1")) is not None
