"""
Reach the database servers on this machine, each time in a schema or database of its own.

Where a server or its driver is missing, tests that need it are skipped by name; with PORTALCREDS_REQUIRE_BACKENDS set,
as in CI, that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

SERVERS = ("postgresql", "mariadb")

Connect = Callable[[], Any]


@contextmanager
def own_database(server: str) -> Iterator[Connect]:
    """Yield a function that connects to an empty database on *server*, which is dropped afterwards."""
    try:
        opened = {"postgresql": _postgresql, "mariadb": _mariadb}[server]()
        connect = next(opened)
    except Exception as error:
        if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
            raise
        pytest.skip(f"{server} is not here: {type(error).__name__}")
    try:
        yield connect
    finally:
        next(opened, None)


def _postgresql() -> Iterator[Connect]:
    import psycopg

    schema = f"portalcreds_{uuid4().hex}"
    server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
    with psycopg.connect(server, autocommit=True, connect_timeout=5) as admin:
        admin.execute(f"CREATE SCHEMA {schema}")
        yield lambda: psycopg.connect(f"{server} options='-c search_path={schema}'")
        admin.execute(f"DROP SCHEMA {schema} CASCADE")


def _mariadb() -> Iterator[Connect]:
    import pymysql

    database = f"portalcreds_{uuid4().hex}"
    server: dict[str, Any] = {"host": os.environ.get("PORTALCREDS_MARIADB", "127.0.0.1"), "user": "root"}
    admin = pymysql.connect(**server, autocommit=True, connect_timeout=5)
    try:
        admin.cursor().execute(f"CREATE DATABASE {database}")
        yield lambda: pymysql.connect(**server, database=database, charset="utf8mb4")
        admin.cursor().execute(f"DROP DATABASE {database}")
    finally:
        admin.close()
