"""Connect through each driver that is supported; the three usual ones are in `servers`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from servers import own_database

_MARIADB_HOST = os.environ.get("PORTALCREDS_MARIADB", "127.0.0.1")


def _psycopg2(schema: str) -> Any:
    server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
    return import_module("psycopg2").connect(server, options=f"-c search_path={schema}")


def _pg8000(schema: str) -> Any:
    server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
    named = dict(setting.split("=", 1) for setting in server.split())
    connection = import_module("pg8000.dbapi").connect(
        host=named["host"],
        port=int(named.get("port", 5432)),
        user=named["user"],
        password=named.get("password"),
        database=named["dbname"],
    )
    connection.cursor().execute(f"SET search_path = {schema}")
    connection.commit()
    return connection


def _mariadb(package: str, database: str, **options: Any) -> Any:
    return import_module(package).connect(host=_MARIADB_HOST, user="root", database=database, **options)


def _sqlite(package: str, file: str) -> Any:
    return import_module(package).connect(file, timeout=5, check_same_thread=False)


def _sqlcipher(file: str) -> Any:
    connection = _sqlite("sqlcipher3", file)
    connection.execute("PRAGMA key = 'a key'")
    return connection


DRIVERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "psycopg2": ("postgresql", _psycopg2),
    "pg8000": ("postgresql", _pg8000),
    "mariadb": ("mariadb", partial(_mariadb, "mariadb")),
    "MySQLdb": ("mariadb", partial(_mariadb, "MySQLdb", charset="utf8mb4")),
    "mysql.connector": (
        "mariadb",
        partial(_mariadb, "mysql.connector", charset="utf8mb4", collation="utf8mb4_general_ci"),
    ),
    "pysqlite3": ("sqlite", partial(_sqlite, "pysqlite3")),
    "sqlcipher3": ("sqlite", _sqlcipher),
}
"""By the package's name: the database, and what connects to a place in it."""


@contextmanager
def driven(name: str, folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the database's name, and what connects to an empty one through that driver."""
    database, connect = DRIVERS[name]
    try:
        import_module(name)
    except ImportError:
        if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
            raise
        pytest.skip(f"{name} is not here")
    if database == "sqlite":
        yield database, partial(connect, str(folder / "portal.db"))
        return
    with own_database(database) as there:
        yield database, partial(connect, there.name)
