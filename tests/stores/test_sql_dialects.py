"""What databases say differently is said for each of them: parameters, clauses, and what their errors mean (F10)."""

from __future__ import annotations

from typing import Any, Self

import pytest

from portalcreds.stores._ddl import creation_of
from portalcreds.stores._dialects import Dialect, MariaDB, PostgreSQL, SQLite, dialect_named
from portalcreds.stores._paramstyle import styled
from portalcreds.stores._port import FailureKind
from portalcreds.stores._schema import layout_of

_RETRYABLE, _UNAVAILABLE = FailureKind.RETRYABLE, FailureKind.UNAVAILABLE
_DUPLICATE, _OTHER = FailureKind.DUPLICATE, FailureKind.OTHER


def _error(name: str, *args: object, **attributes: object) -> Exception:
    """Return an error as a driver would raise it: its class's name, arguments and attributes are what is looked at."""
    error: Exception = type(name, (Exception,), {})(*args)
    for attribute, value in attributes.items():
        setattr(error, attribute, value)
    return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SQLITE_CONSTRAINT_UNIQUE", _DUPLICATE),
        ("SQLITE_CONSTRAINT_PRIMARYKEY", _DUPLICATE),
        ("SQLITE_CONSTRAINT_CHECK", _OTHER),
        ("SQLITE_BUSY", _RETRYABLE),
        ("SQLITE_BUSY_RECOVERY", _RETRYABLE),
        ("SQLITE_LOCKED_SHAREDCACHE", _RETRYABLE),
        ("SQLITE_IOERR_FSYNC", _UNAVAILABLE),
        ("SQLITE_FULL", _UNAVAILABLE),
        ("SQLITE_READONLY", _UNAVAILABLE),
        ("SQLITE_INTERRUPT", _UNAVAILABLE),
        ("SQLITE_CORRUPT", _OTHER),
        ("SQLITE_ERROR", _OTHER),
    ],
)
def test_errors_of_sqlite(code: str, kind: FailureKind) -> None:
    """R21: what another attempt may mend, what is out of reach, what is there already, what is a defect."""
    assert SQLite().failure(_error("OperationalError", sqlite_errorname=code)) == (kind, code)


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("23505", _DUPLICATE),
        ("23514", _OTHER),
        ("40001", _RETRYABLE),
        ("40P01", _RETRYABLE),
        ("55P03", _RETRYABLE),
        ("08006", _UNAVAILABLE),
        ("57P01", _UNAVAILABLE),
        ("53300", _UNAVAILABLE),
        ("25006", _UNAVAILABLE),
        ("42P01", _OTHER),
        ("40003", _UNAVAILABLE),
        ("57014", _UNAVAILABLE),
        ("25P03", _UNAVAILABLE),
        ("25P04", _UNAVAILABLE),
        ("57P03", _UNAVAILABLE),
        ("58030", _UNAVAILABLE),
        ("25P02", _OTHER),
        ("58P01", _OTHER),
    ],
)
@pytest.mark.parametrize("attribute", ["sqlstate", "pgcode"])
def test_errors_of_postgresql(sqlstate: str, kind: FailureKind, attribute: str) -> None:
    """R21: by SQLSTATE, as psycopg and psycopg2 carry it."""
    assert PostgreSQL().failure(_error("Error", **{attribute: sqlstate})) == (kind, sqlstate)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1062, _DUPLICATE),
        (4025, _OTHER),
        (1020, _RETRYABLE),
        (1205, _RETRYABLE),
        (1213, _RETRYABLE),
        (2003, _UNAVAILABLE),
        (2006, _UNAVAILABLE),
        (2013, _UNAVAILABLE),
        (1040, _UNAVAILABLE),
        (1927, _UNAVAILABLE),
        (0, _UNAVAILABLE),
        *((number, _UNAVAILABLE) for number in (1021, 1037, 1041, 1042, 1043, 1047, 1114, 1129, 1135, 1152, 1180)),
        *((number, _UNAVAILABLE) for number in (1184, 1203, 1226, 1317, 1969)),
        (1146, _OTHER),
        (1406, _OTHER),
    ],
)
def test_errors_of_mariadb(number: int, kind: FailureKind) -> None:
    """R21: by the error's number."""
    assert MariaDB().failure(_error("OperationalError", number, "text")) == (kind, str(number))


@pytest.mark.parametrize("dialect", [SQLite(), PostgreSQL(), MariaDB()])
def test_errors_without_a_code(dialect: Dialect) -> None:
    """R14: the class's name stands for them; what the operating system says about a connection is out of reach."""
    assert dialect.failure(ConnectionRefusedError(111, "text"))[0] is _UNAVAILABLE
    assert dialect.failure(_error("ProgrammingError", "text")) == (_OTHER, "ProgrammingError")
    assert dialect.failure(_error("DataError")) == (_OTHER, "DataError")


@pytest.mark.parametrize("name", ["OperationalError", "InterfaceError"])
def test_a_lost_connection_of_psycopg_has_no_code(name: str) -> None:
    """R21: the server that is gone sends no SQLSTATE."""
    assert PostgreSQL().failure(_error(name, "text", sqlstate=None)) == (_UNAVAILABLE, name)


@pytest.mark.parametrize(
    ("paramstyle", "marked"),
    [
        ("named", "SELECT a % 2 FROM b WHERE c = :c_1 AND d > :d AND e::text <> ':c_1' AND f = :c_1"),
        ("pyformat", "SELECT a %% 2 FROM b WHERE c = %(c_1)s AND d > %(d)s AND e::text <> ':c_1' AND f = %(c_1)s"),
        ("format", "SELECT a %% 2 FROM b WHERE c = %s AND d > %s AND e::text <> ':c_1' AND f = %s"),
        ("qmark", "SELECT a % 2 FROM b WHERE c = ? AND d > ? AND e::text <> ':c_1' AND f = ?"),
        ("numeric", "SELECT a % 2 FROM b WHERE c = :1 AND d > :2 AND e::text <> ':c_1' AND f = :3"),
    ],
)
def test_parameters_in_the_drivers_style(paramstyle: str, marked: str) -> None:
    """Statements are written once; only how a parameter is marked and passed differs (PEP 249)."""
    statement = styled("SELECT a % 2 FROM b WHERE c = :c_1 AND d > :d AND e::text <> ':c_1' AND f = :c_1", paramstyle)
    assert statement.sql == marked
    parameters = {"d": 2, "c_1": 1}
    by_name = paramstyle in ("named", "pyformat")
    assert statement.bound(parameters) == (parameters if by_name else (1, 2, 1))


def test_text_is_compared_code_point_by_code_point() -> None:
    """G1: every text column of every table is pinned to a collation that folds nothing and drops no blanks."""
    for dialect, kind, pin in (
        (SQLite(), "TEXT", "TEXT COLLATE BINARY"),
        (PostgreSQL(), "VARCHAR", 'COLLATE "C"'),
        (MariaDB(), "VARCHAR", "COLLATE utf8mb4_nopad_bin"),
    ):
        statements = [sql for table in layout_of("portal_").tables for sql in creation_of(table, dialect)]
        columns = [line for sql in statements for line in sql.splitlines() if f" {kind}" in line]
        assert len(columns) > 25
        assert all(pin in line for line in columns)


def test_dialects_by_name() -> None:
    """Each is told by a name, so that nothing has to be imported to choose one."""
    assert isinstance(dialect_named("sqlite"), SQLite)
    assert isinstance(dialect_named("postgresql"), PostgreSQL)
    assert isinstance(dialect_named("mariadb"), MariaDB)


def test_clauses_that_differ() -> None:
    """Upserts and pairs are written as each database takes them and can use an index for."""
    assert SQLite().upsert("a, b", "n = 1") == "ON CONFLICT (a, b) DO UPDATE SET n = 1"
    assert MariaDB().upsert("a, b", "n = 1") == "ON DUPLICATE KEY UPDATE n = 1"
    assert PostgreSQL().after(("k", "i"), ("p", "t")) == "(k, i) > (:p, :t)"
    assert MariaDB().after(("k", "i"), ("p", "t")) == "(k > :p OR (k = :p AND i > :t))"


def test_connections_leave_transactions_to_us() -> None:
    """R20: the drivers' implicit transactions are switched off, each in its way; MariaDB is made strict."""

    class Connection:
        autocommit: Any = None
        executed = ""

        def cursor(self) -> Connection:
            return self

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def execute(self, sql: str) -> None:
            self.executed = sql

    connection = Connection()
    PostgreSQL().prepare(connection)
    assert connection.autocommit is True
    switched: list[bool] = []
    connection.autocommit = switched.append
    MariaDB().prepare(connection)
    assert switched == [True]
    assert "TRADITIONAL" in connection.executed
    assert {dialect.durability(durable=False) for dialect in (PostgreSQL(), MariaDB())} == {None}
