"""Behind PgBouncer, which lends another session for each transaction, nothing fails or is left behind (R21)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest

from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.testing._store_samples import add, an_account, issued, step
from races import at_once
from servers import Database, own_database
from stores.hosts import need

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("psycopg")
    pytest.importorskip("psycopg2")

psycopg: Any = import_module("psycopg")
psycopg2: Any = import_module("psycopg2")

SESSIONS = 2
"""Sessions of the server's behind the pooler; fewer than there are clients, so that they change all the time."""


@pytest.fixture(scope="module")
def pooler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, str]]:
    """Return a schema with our tables, and the address of a pooler in transaction mode in front of it."""
    program = shutil.which("pgbouncer")
    if program is None:
        assert not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"), "pgbouncer is not here"
        pytest.skip("pgbouncer is not here")
    with own_database("postgresql") as database, closing(database()) as connection:
        connection.autocommit = True
        with DBAPIAccountStore(database, dialect="postgresql") as store:
            store.create_tables()
        server = connection.info
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folder = tmp_path_factory.mktemp("pgbouncer")
        (folder / "users").write_text(f'"{server.user}" "{server.password}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\nportal = host={server.host} port={server.port} dbname={server.dbname} user={server.user} "
            f"connect_query='SET search_path = {database.name}'\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"auth_file = {folder / 'users'}\npool_mode = transaction\ndefault_pool_size = {SESSIONS}\n"
        )
        folder.chmod(0o755)
        (folder / "pgbouncer.ini").chmod(0o644)
        as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [program, *as_user, str(folder / "pgbouncer.ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield database, f"host=127.0.0.1 port={port} dbname=portal user={server.user}"
        finally:
            process.terminate()
            process.wait()


def _connect(driver: Any, address: str) -> Any:
    for _ in range(50):
        with suppress(driver.OperationalError):
            return driver.connect(address)
        time.sleep(0.1)
    return driver.connect(address)


@pytest.fixture(params=["psycopg", "psycopg2"])
def connect(request: pytest.FixtureRequest, pooler: tuple[Database, str]) -> Callable[[], Any]:
    """Return what connects through the pooler."""
    return partial(_connect, {"psycopg": psycopg, "psycopg2": psycopg2}[request.param], pooler[1])


def test_nothing_is_raised_and_nothing_left_behind(connect: Callable[[], Any]) -> None:
    """Half of all calls raised 42P05 or 26000; and a time-out set on a session would be that of the next client."""
    with DBAPIAccountStore(connect, dialect="postgresql", tenant=uuid4().hex) as store:

        def work(number: int) -> None:
            account = an_account(str(number), f"user{number}")
            add(store, account)
            for _ in range(8):
                assert store.find(account.contact_id) == account
            assert step(store, account, issued(account)) == issued(account)
            assert store.counter().hit(str(number), None) == 1

        at_once(*(partial(work, number) for number in range(6)))
        assert len(store.events()) == 0
    for _ in range(SESSIONS * 2):
        with closing(connect()) as other:
            cursor = other.cursor()
            cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
            assert cursor.fetchone() == ("0", "0")


def test_an_engine_learns_it(pooler: tuple[Database, str]) -> None:
    """An engine's connections are the host's; after the first statement that was lost, none is prepared any more."""
    sqlalchemy = need("sqlalchemy")
    from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore

    _, address = pooler
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=partial(_connect, psycopg, address))
    store = SQLAlchemyAccountStore(engine, tenant=uuid4().hex)
    account = an_account("1", "rosa")
    add(store, account)

    def work() -> None:
        for _ in range(20):
            assert store.find(account.contact_id) == account

    at_once(*[work] * 5)
    engine.dispose()
