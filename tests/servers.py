"""
Reach the database servers on this machine, each time in a schema or database of its own.

Where a server or its driver is missing, tests that need it are skipped with a reason that says what they need; with
PORTALCREDS_REQUIRE_BACKENDS set, as in CI, that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import attrs
import pytest

SERVERS = ("postgresql", "mariadb")

Connect = Callable[[], Any]


@attrs.frozen
class Database:
    """
    One schema (PostgreSQL) or database (MariaDB); calling it opens a connection to it.

    Attributes:
        server: One of `SERVERS`.
        name: The schema's or database's. With the server's it is all that another process needs to get there.
        settings: Statements that each new connection begins with, such as one that sets its isolation level.
    """

    server: str
    name: str
    settings: tuple[str, ...] = ()

    def __call__(self) -> Any:
        """Return a new connection of the server's usual driver."""
        connection = _CONNECT[self.server](self.name)
        if self.settings:
            with connection.cursor() as cursor:
                for setting in self.settings:
                    cursor.execute(setting)
            connection.commit()
        return connection


@contextmanager
def own_database(server: str) -> Iterator[Database]:
    """Yield an empty database on *server*, which is dropped afterwards."""
    database = Database(server, f"portalcreds_{uuid4().hex}")
    try:
        created = {"postgresql": _create_on_postgresql, "mariadb": _create_on_mariadb}[server](database.name)
        next(created)
    except Exception:
        if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
            raise
        pytest.skip(_HINTS[server])
    try:
        yield database
    finally:
        next(created, None)


def _connect_to_postgresql(schema: str | None, **options: Any) -> Any:
    import psycopg

    server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
    if schema is not None:
        options["options"] = f"-c search_path={schema}"
    return psycopg.connect(server, connect_timeout=30, **options)


def _connect_to_mariadb(database: str | None, **options: Any) -> Any:
    import pymysql

    host = os.environ.get("PORTALCREDS_MARIADB", "127.0.0.1")
    return pymysql.connect(host=host, user="root", database=database, charset="utf8mb4", connect_timeout=30, **options)


def _create_on_postgresql(schema: str) -> Iterator[None]:
    with _connect_to_postgresql(None, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {schema}")
        yield
        admin.execute(f"DROP SCHEMA {schema} CASCADE")


def _create_on_mariadb(database: str) -> Iterator[None]:
    admin = _connect_to_mariadb(None, autocommit=True)
    try:
        admin.cursor().execute(f"CREATE DATABASE {database}")
        yield
        admin.cursor().execute(f"DROP DATABASE {database}")
    finally:
        admin.close()


_HINTS = {
    "postgresql": "PostgreSQL is not here (it takes psycopg; PORTALCREDS_POSTGRESQL says where the server is)",
    "mariadb": "MariaDB is not here (it takes PyMySQL; PORTALCREDS_MARIADB says where the server is)",
}

_CONNECT: dict[str, Callable[[str], Any]] = {"postgresql": _connect_to_postgresql, "mariadb": _connect_to_mariadb}
