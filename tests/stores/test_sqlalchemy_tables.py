"""Our tables as part of the host's own metadata, and of its migrations (R20)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy import event

from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores.sqlalchemy import (
    SQLAlchemyAccountStore,
    SQLAlchemyAttemptCounter,
    portal_tables,
)
from portalcreds.stores.tables import Tables
from portalcreds.testing._store_samples import add, an_account, an_event, issued, step

from .backends import Backend, new_backend
from .hosts import DATABASES, engine_of

ROSA = an_account("1", "rosa")


@pytest.fixture(params=DATABASES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return a database that the test may spoil."""
    with new_backend(f"sqlalchemy-{request.param}", tmp_path) as backend:
        yield backend


def _store(engine: sqlalchemy.Engine) -> SQLAlchemyAccountStore:
    return SQLAlchemyAccountStore(engine, tenant=uuid4().hex)


def _made_by_metadata(engine: sqlalchemy.Engine, schema: str | None = None, **convention: str) -> None:
    metadata = sqlalchemy.MetaData(naming_convention=convention or None)
    described = portal_tables(metadata, Tables(schema=schema))
    assert list(described) == list(metadata.tables.values())
    metadata.create_all(engine)


@pytest.mark.parametrize(
    "convention",
    [
        {},
        {"ck": "ck_%(table_name)s_%(constraint_name)s", "uq": "uq_%(constraint_name)s", "ix": "ix_%(column_0_label)s"},
    ],
    ids=["without a naming convention", "with a naming convention"],
)
@pytest.mark.parametrize("database", DATABASES)
def test_the_hosts_metadata_makes_the_same_tables(database: str, convention: dict[str, str], tmp_path: Path) -> None:
    """R20: to the catalog, what `metadata.create_all` makes is what `create_tables` makes, by every name."""
    with new_backend(f"sqlalchemy-{database}", tmp_path) as backend:
        engine = engine_of(backend)
        expected = _catalog(engine)
        assert len(expected) >= 70
        with engine.begin() as connection:
            for table in portal_tables(sqlalchemy.MetaData()):
                connection.exec_driver_sql(f"DROP TABLE {table.name}")
        assert _catalog(engine) == set()
        _made_by_metadata(engine, **convention)
        found = _catalog(engine)
        assert (sorted(found - expected), sorted(expected - found)) == ([], [])
        store = SQLAlchemyAccountStore(engine)
        store.check()
        store.create_tables()
        assert _catalog(engine) == expected
        add(store, ROSA)
        engine.dispose()


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_the_tables_of_a_schema(backend: Backend) -> None:
    """R20: with *schema* the tables are in that schema, or database of MariaDB's, whoever makes them."""
    engine = engine_of(backend)
    elsewhere = [f"portalcreds_{uuid4().hex[:12]}" for _ in range(2)]
    try:
        with engine.begin() as connection:
            for schema in elsewhere:
                connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        ours, theirs = (SQLAlchemyAccountStore(engine, tables=Tables(schema=schema)) for schema in elsewhere)
        ours.create_tables()
        _made_by_metadata(engine, schema=elsewhere[1])
        for store in (ours, theirs):
            store.check()
            add(store, ROSA)
            assert list(store.apply([Change(old=None, new=an_account("2", "ROSA"))])) == [ApplyResult.USERNAME_TAKEN]
            assert step(store, ROSA, issued(ROSA)) == issued(ROSA)
            store.record([an_event("1")])
            assert [store.counter().hit("key", None) for _ in range(2)] == [1, 2]
            assert store.counter().purge() == 0
        counter = SQLAlchemyAttemptCounter(engine, tables=Tables(schema=elsewhere[0]))
        assert counter.counts(["key"])[0] == 2
        # The tables with the same names that the connection would find by itself are others.
        assert SQLAlchemyAccountStore(engine).find(ROSA.contact_id) is None
        assert _catalog(engine, elsewhere[0]) == _catalog(engine, elsewhere[1])
    finally:
        with engine.begin() as connection:
            for schema in elsewhere:
                cascade = " CASCADE" if backend.database == "postgresql" else ""
                connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema}{cascade}")
        engine.dispose()


def test_nothing_is_created_by_describing(backend: Backend) -> None:
    """R20: a description is for the host to create from, or its migration; it does nothing by itself."""
    engine = engine_of(backend)
    before = _catalog(engine)
    metadata = sqlalchemy.MetaData()
    portal_tables(metadata, Tables(prefix="another_"))
    SQLAlchemyAccountStore(engine, tables=Tables(prefix="another_")).counter()
    assert _catalog(engine) == before
    assert {"another_accounts", "another_words", "another_schema_version"} < set(metadata.tables)
    engine.dispose()


def _catalog(engine: sqlalchemy.Engine, schema: str | None = None) -> set[str]:
    """Return what the database knows of the tables: a line for each column, constraint and index."""
    with engine.connect() as connection:
        read = {"sqlite": _catalog_of_sqlite, "postgresql": _catalog_of_postgresql}.get(
            engine.name, _catalog_of_mariadb
        )
        return {re.sub(r"\s+", " ", line) for line in read(connection, schema)}


def _catalog_of_sqlite(connection: sqlalchemy.Connection, _: str | None) -> Iterator[str]:
    stored = "SELECT type, name, sql FROM sqlite_master WHERE name LIKE 'portal_%' AND sql IS NOT NULL"
    for kind, name, sql in connection.exec_driver_sql(stored).all():
        if kind == "index":
            yield sql
            continue
        # A key of whole numbers is never NULL, whether or not it says so.
        body = sql.replace("NOT NULL PRIMARY KEY", "PRIMARY KEY").replace('"', "")
        lines = "\n".join(body.rsplit(")", 1)).splitlines()
        yield from (f"{name}: {line.strip().rstrip(',')}" for line in lines if line.strip())
        for row in connection.exec_driver_sql(f"PRAGMA table_xinfo({name})").all():
            column = row._asdict()
            yield f"{name}: {column['name']} {column['type']} {column['pk']} {column['hidden']}"


_COLUMNS_OF_POSTGRESQL = """
SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, character_maximum_length, collation_name,
    is_nullable, column_default, identity_generation, is_generated, generation_expression)
FROM information_schema.columns WHERE table_schema = {schema}
"""
_CONSTRAINTS_OF_POSTGRESQL = """
SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
WHERE connamespace = {schema}::regnamespace
"""
_INDEXES_OF_POSTGRESQL = """
SELECT replace(indexdef, concat('ON ', schemaname, '.'), 'ON ') FROM pg_indexes WHERE schemaname = {schema}
"""


def _catalog_of_postgresql(connection: sqlalchemy.Connection, schema: str | None) -> Iterator[str]:
    place = "current_schema()::text" if schema is None else f"'{schema}'"
    for query in (_COLUMNS_OF_POSTGRESQL, _CONSTRAINTS_OF_POSTGRESQL, _INDEXES_OF_POSTGRESQL):
        for line in connection.exec_driver_sql(query.format(schema=place)).scalars():
            yield line.replace(f"{schema}.", "")


def _catalog_of_mariadb(connection: sqlalchemy.Connection, schema: str | None) -> Iterator[str]:
    place = f"{schema}." if schema is not None else ""
    for (name,) in connection.exec_driver_sql("SHOW TABLES" + (f" IN {schema}" if schema else "")).all():
        created = connection.exec_driver_sql(f"SHOW CREATE TABLE {place}{name}").one()[1]
        created = re.sub(r" AUTO_INCREMENT=\d+", "", created)
        yield from (f"{name}: {line.strip().rstrip(',')}" for line in created.splitlines())


@pytest.mark.parametrize("asks", [False, True], ids=["alone", "with a hook that asks"])
def test_a_stricter_level_of_the_hosts_stops_nothing(asks: bool, tmp_path: Path) -> None:
    """R21: after a serialization failure the next transactions ask for less, unless a hook of the host's has spoken."""
    with new_backend("sqlalchemy-postgresql", tmp_path) as backend, ThreadPoolExecutor(1) as executor:
        engine = engine_of(backend.at_level("REPEATABLE READ"))
        if asks:
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("SELECT 1"))
        store = SQLAlchemyAccountStore(engine, tenant=uuid4().hex)
        add(store, ROSA)
        with closing(backend.connect()) as rival, closing(backend.connect()) as watcher:
            watcher.autocommit = True  # Else it would go on seeing who was connected at its first look.
            rival.execute("UPDATE portal_accounts SET version = 9 WHERE contact_id = %s", [ROSA.contact_id])
            applying = executor.submit(store.apply, [Change(old=ROSA, new=ROSA.disable())])
            sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
            while watcher.execute(sql, [rival.info.backend_pid]).fetchone() == (0,):
                assert not applying.done()
            rival.commit()
        assert list(applying.result()) == [ApplyResult.STALE]
        # The failure that taught it was met with a new attempt; what comes later is none the worse for it.
        assert [store.counter().hit("key", None) for _ in range(3)] == [1, 2, 3]
        add(store, an_account("2", "rose"))
        levels = []
        event.listen(engine, "commit", lambda connection: levels.append(connection.get_isolation_level()))
        step(store, an_account("2", "rose"), an_account("2", "rose").disable())
        assert levels == ["REPEATABLE READ" if asks else "READ COMMITTED"]
        engine.dispose()
