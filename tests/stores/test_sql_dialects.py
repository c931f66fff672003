"""What databases say differently is said for each of them: parameters, clauses, and what their errors mean."""

from __future__ import annotations

from typing import Any

import pytest

from portalcreds.exceptions import ConfigurationError
from portalcreds.stores._drivers.cursors import CursorStatements
from portalcreds.stores._drivers.dialect import Dialect
from portalcreds.stores._drivers.dialects import get_dialect
from portalcreds.stores._drivers.mariadb import MariaDB
from portalcreds.stores._drivers.paramstyle import ParamStyle, mark_parameters
from portalcreds.stores._drivers.port import FailureKind
from portalcreds.stores._drivers.postgresql import PostgreSQL
from portalcreds.stores._drivers.sqlite import SQLite
from portalcreds.stores._sql.ddl import create_table_sql
from portalcreds.stores._sql.schema import lay_out
from portalcreds.stores.tables import DEFAULT_TABLES

_RETRYABLE, _UNAVAILABLE = FailureKind.RETRYABLE, FailureKind.UNAVAILABLE
_DUPLICATE, _NO_TABLE, _OTHER = FailureKind.DUPLICATE, FailureKind.NO_TABLE, FailureKind.OTHER


def _error(name: str, *args: object, **attributes: object) -> Exception:
    """Return an error as a driver would raise it: its class's name, arguments and attributes are what is looked at."""
    error: Exception = type(name, (Exception,), {})(*args)
    for attribute, value in attributes.items():
        setattr(error, attribute, value)
    return error


def _classify(dialect: Dialect, error: Exception) -> tuple[FailureKind, str]:
    failure = dialect.classify(error)
    return failure.kind, failure.code


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
    """R21: what another attempt may fix, what is out of reach, what is there already, what is a defect."""
    assert _classify(SQLite(), _error("OperationalError", sqlite_errorname=code)) == (kind, code)


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
        ("42P01", _NO_TABLE),
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
    assert _classify(PostgreSQL(), _error("Error", **{attribute: sqlstate})) == (kind, sqlstate)


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
        (1146, _NO_TABLE),
        (1406, _OTHER),
    ],
)
def test_errors_of_mariadb(number: int, kind: FailureKind) -> None:
    """R21: by the error's number."""
    assert _classify(MariaDB(), _error("OperationalError", number, "text")) == (kind, str(number))


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("UNIQUE constraint failed: portal_accounts.tenant", "SQLITE_CONSTRAINT", (_DUPLICATE, "SQLITE_CONSTRAINT")),
        ("CHECK constraint failed: portal_accounts_hash", "SQLITE_CONSTRAINT", (_OTHER, "SQLITE_CONSTRAINT")),
        ("no such table: portal_accounts", "SQLITE_ERROR", (_NO_TABLE, "no_such_table")),
    ],
)
def test_errors_of_sqlite_with_general_codes(text: str, code: str, told: tuple[FailureKind, str]) -> None:
    """R21: pysqlite3 and sqlcipher3 tell the general code only, and the rest is in the text."""
    assert _classify(SQLite(), _error("IntegrityError", text, sqlite_errorname=code)) == told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"S": "ERROR", "C": "23505", "M": "text"}, (_DUPLICATE, "23505")),
        ({"S": "FATAL", "C": "57P01", "M": "text"}, (_UNAVAILABLE, "57P01")),
        ({"S": "ERROR", "C": "55P03", "M": "text"}, (_RETRYABLE, "55P03")),
    ],
)
def test_errors_of_pg8000(fields: dict[str, str], told: tuple[FailureKind, str]) -> None:
    """R21: it hands on the fields of the server's message."""
    assert _classify(PostgreSQL(), _error("DatabaseError", fields)) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [(1062, (_DUPLICATE, "1062")), (1205, (_RETRYABLE, "1205")), (2013, (_UNAVAILABLE, "2013"))],
)
def test_errors_of_mariadbs_own_connector(number: int, told: tuple[FailureKind, str]) -> None:
    """R21: it has the number as an attribute, and the text as its only argument."""
    assert _classify(MariaDB(), _error("OperationalError", "text", errno=number)) == told


@pytest.mark.parametrize("base", ["OperationalError", "InterfaceError", "PoolError", "TooManyConnections"])
@pytest.mark.parametrize("dialect", [PostgreSQL(), MariaDB()])
def test_an_outage_has_many_names(dialect: Dialect, base: str) -> None:
    """R21: what psycopg and its pool have of their own for each way of not getting through is known by a base class."""
    error = type("OfSomeDriver", (type(base, (Exception,), {}),), {"errno": -1, "sqlstate": None})("text")
    assert _classify(dialect, error) == (_UNAVAILABLE, "OfSomeDriver")


@pytest.mark.parametrize("code", ["26000", "42P05"])
def test_a_lost_prepared_statement_is_tried_again(code: str) -> None:
    """R21: behind a pooler that lends another session for each transaction, nothing is prepared a second time."""

    class Connection:
        prepare_threshold: int | None = 5

    class Cursor:
        pgresult = None
        connection = Connection()

    dialect = PostgreSQL()
    dialect.look_at(Cursor())
    assert Cursor.connection.prepare_threshold == 5
    assert _classify(dialect, _error("Error", sqlstate=code)) == (_RETRYABLE, code)
    dialect.look_at(Cursor())
    assert Cursor.connection.prepare_threshold is None


@pytest.mark.parametrize("dialect", [SQLite(), PostgreSQL(), MariaDB()])
def test_errors_without_a_code(dialect: Dialect) -> None:
    """R14: the class's name stands for them; what the operating system says about a connection is out of reach."""
    assert _classify(dialect, ConnectionRefusedError(111, "text"))[0] is _UNAVAILABLE
    assert _classify(dialect, _error("ProgrammingError", "text")) == (_OTHER, "ProgrammingError")
    assert _classify(dialect, _error("DataError")) == (_OTHER, "DataError")


@pytest.mark.parametrize("name", ["OperationalError", "InterfaceError"])
def test_a_lost_connection_of_psycopg_has_no_code(name: str) -> None:
    """R21: the server that is gone sends no SQLSTATE."""
    assert _classify(PostgreSQL(), _error(name, "text", sqlstate=None)) == (_UNAVAILABLE, name)


@pytest.mark.parametrize(
    ("paramstyle", "marked"),
    [
        ("named", "SELECT a % 2 FROM b WHERE c = :c_1 AND d > :d AND e::text <> ':c_1' AND f = :c_1"),
        ("pyformat", "SELECT a %% 2 FROM b WHERE c = %(c_1)s AND d > %(d)s AND e::text <> ':c_1' AND f = %(c_1)s"),
        ("format", "SELECT a %% 2 FROM b WHERE c = %s AND d > %s AND e::text <> ':c_1' AND f = %s"),
        ("qmark", "SELECT a % 2 FROM b WHERE c = ? AND d > ? AND e::text <> ':c_1' AND f = ?"),
        ("numeric", "SELECT a % 2 FROM b WHERE c = :1 AND d > :2 AND e::text <> ':c_1' AND f = :3"),
        ("numeric_dollar", "SELECT a % 2 FROM b WHERE c = $1 AND d > $2 AND e::text <> ':c_1' AND f = $3"),
    ],
)
def test_parameters_in_the_drivers_style(paramstyle: str, marked: str) -> None:
    """Statements are written once; only how a parameter is marked and passed differs (PEP 249)."""
    statement = mark_parameters(
        "SELECT a % 2 FROM b WHERE c = :c_1 AND d > :d AND e::text <> ':c_1' AND f = :c_1", paramstyle
    )
    assert statement.sql == marked
    parameters = {"d": 2, "c_1": 1}
    by_name = paramstyle in ("named", "pyformat")
    assert statement.bind(parameters) == (parameters if by_name else (1, 2, 1))


def test_text_is_compared_code_point_by_code_point() -> None:
    """Every text column of every table is pinned to a collation that folds nothing and drops no blanks."""
    for dialect, kind, pin in (
        (SQLite(), "TEXT", "TEXT COLLATE BINARY"),
        (PostgreSQL(), "VARCHAR", 'COLLATE "C"'),
        (MariaDB(), "VARCHAR", "COLLATE utf8mb4_nopad_bin"),
    ):
        statements = [sql for table in lay_out(DEFAULT_TABLES) for sql in create_table_sql(table, dialect)]
        columns = [line for sql in statements for line in sql.splitlines() if f" {kind}" in line]
        assert len(columns) > 25
        assert all(pin in line for line in columns)


def test_dialects_by_name() -> None:
    """Each is told by a name, so that nothing has to be imported to choose one."""
    assert isinstance(get_dialect("sqlite"), SQLite)
    assert isinstance(get_dialect("postgresql"), PostgreSQL)
    assert isinstance(get_dialect("mariadb"), MariaDB)


def test_clauses_that_differ() -> None:
    """Upserts and pairs are written as each database takes them and can use an index for."""
    assert SQLite().update_existing("a, b", "n = 1") == "ON CONFLICT (a, b) DO UPDATE SET n = 1"
    assert MariaDB().update_existing("a, b", "n = 1") == "ON DUPLICATE KEY UPDATE n = 1"
    assert PostgreSQL().sort_after(("k", "i"), ("p", "t")) == "(k, i) > (:p, :t)"
    assert MariaDB().sort_after(("k", "i"), ("p", "t")) == "(k > :p OR (k = :p AND i > :t))"


def test_connections_leave_transactions_to_us() -> None:
    """R20: the drivers' implicit transactions are switched off, each in its way; MariaDB is made strict."""

    class Connection:
        autocommit: Any = None
        description = None
        rowcount = 0
        executed = ""

        def cursor(self) -> Connection:
            return self

        def get_autocommit(self) -> bool:
            return False

        def execute(self, sql: str, parameters: object) -> None:
            self.executed = sql

    connection = Connection()
    PostgreSQL().leave_transactions(connection)
    assert connection.autocommit is True
    switched: list[bool] = []
    connection.autocommit = switched.append
    MariaDB().leave_transactions(connection)()
    assert switched == [True, False]
    MariaDB().settle(CursorStatements(connection.cursor, MariaDB(), ParamStyle("pyformat")), connection)
    assert "TRADITIONAL" in connection.executed
    assert {dialect.set_durability_sql(durable=False) for dialect in (PostgreSQL(), MariaDB())} == {None}


@pytest.mark.parametrize("name", ["mssql", "sqlserver", "oracle", "mysql", ""])
def test_another_database_is_refused_by_name(name: str) -> None:
    """R23: a database that the tests do not run on is refused, with the names of those that are supported."""
    with pytest.raises(ConfigurationError, match="sqlite, postgresql, mariadb"):
        get_dialect(name)
