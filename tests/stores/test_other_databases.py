"""
What a host with SQL Server or Oracle would get: compiled, parsed and read. No such server was at hand to try it on.

The tables come from `accounts_table` and its siblings; the statements are those of the store and the counter, caught on
their way to a database that is not there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy.dialects import mssql, oracle
from sqlalchemy.dialects.oracle.base import RESERVED_WORDS
from sqlalchemy.schema import CreateIndex, CreateTable

from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import AccountStatus
from portalcreds.contacts import ContactId
from portalcreds.exceptions import ConfigurationError
from portalcreds.protocols import ApplyResult, Change, utc_now
from portalcreds.stores._contact_source import ContactSource, Select
from portalcreds.stores._dialects import Dialect, dialect_named
from portalcreds.stores._paramstyle import styled
from portalcreds.stores._port import DatabaseFailure, FailureKind
from portalcreds.stores._schema import Kind, Table, layout_of
from portalcreds.stores._sql import SQLAccountStore
from portalcreds.stores._sql_counter import SQLAttemptCounter
from portalcreds.stores._unproven_dialects import Oracle, SQLServer
from portalcreds.stores.host_contacts import Columns
from portalcreds.stores.sqlalchemy import accounts_table, attempts_table, audit_events_table
from portalcreds.testing._store_samples import NOW, an_account, an_event, issued

from .hosts import need

_SPOKEN: dict[str, Any] = {"tsql": mssql.dialect, "oracle": oracle.dialect}
"""What SQLAlchemy compiles for, by what sqlglot calls it."""

_LAYOUT = layout_of("portal_")


def _definitions(language: str) -> dict[str, str]:
    """Return the statements that create the tables and their indexes, by name, each on one line."""
    dialect = _SPOKEN[language]()
    metadata = sqlalchemy.MetaData()
    tables = [accounts_table(metadata, nulls_are_equal=True), audit_events_table(metadata), attempts_table(metadata)]
    made = {table.name: CreateTable(table).compile(dialect=dialect) for table in tables}
    made |= {
        str(index.name): CreateIndex(index).compile(dialect=dialect) for table in tables for index in table.indexes
    }
    return {name: re.sub(r"\s+", " ", str(sql)).strip() for name, sql in made.items()}


def _columns(definition: str) -> dict[str, str]:
    """Return the columns of a CREATE TABLE on one line."""
    body = definition.partition(" ( ")[2].removesuffix(" )")
    parts = [part for part in re.split(r", (?=\w+ [A-Z])", body) if part.split()[0] not in ("PRIMARY", "CONSTRAINT")]
    return dict(part.split(" ", 1) for part in parts)


def _parsed(sql: str, language: str) -> Any:
    """Return the tree of one statement that the language has."""
    glot = need("sqlglot")
    # What stores no value sqlglot does not know; tested by reading.
    (tree,) = glot.parse(sql.replace(") VIRTUAL", ")"), read=language)
    assert not isinstance(tree, glot.exp.Command), sql
    return tree


# -- the tables


@pytest.mark.parametrize("language", _SPOKEN)
def test_the_tables_are_in_the_language(language: str) -> None:
    """R20: every statement that creates a table or an index parses, and no name in it has to be quoted."""
    definitions = _definitions(language)
    assert len(definitions) == 3 + sum(len(table.indexes) for table in _LAYOUT.tables) + 1
    for sql in definitions.values():
        assert _parsed(sql, language).key == "create"
    preparer = _SPOKEN[language]().identifier_preparer
    for table in _LAYOUT.tables:
        names = [table.name, *(column.name for column in table.columns), *table.checks, *table.indexes, *table.unique]
        assert [preparer.quote(name) for name in names] == names


@pytest.mark.parametrize("language", _SPOKEN)
def test_no_check_compares_conditions(language: str) -> None:
    """R20: to both a comparison is no value that could be compared again, or stand alone as one."""
    exp = need("sqlglot").exp
    checks = list(_parsed(_definitions(language)["portal_accounts"], language).find_all(exp.CheckColumnConstraint))
    assert len(checks) == len(_LAYOUT.accounts.checks)
    for check in checks:
        for comparison in check.find_all(exp.EQ, exp.NEQ, exp.GTE, exp.Is):
            for side in (comparison.this, comparison.expression):
                assert isinstance(side.unnest(), exp.Column | exp.Literal | exp.Null), check.sql()
        assert not list(check.find_all(exp.Boolean))


def test_texts_of_sql_server() -> None:
    """G1: every text is Unicode and compared by its code, whatever the database folds; the state computes itself."""
    definitions = _definitions("tsql")
    for table in _LAYOUT.tables:
        columns = _columns(definitions[table.name])
        assert list(columns) == [column.name for column in table.columns]
        for column in table.columns:
            if column.kind == Kind.TEXT and column.computed is None:
                expected = f"NVARCHAR({column.length}) COLLATE Latin1_General_100_BIN2"
                assert columns[column.name].startswith(expected), column.name
    accounts = _columns(definitions["portal_accounts"])
    assert accounts["state"].startswith("AS (CASE WHEN")
    assert accounts["state"].endswith("PERSISTED")
    assert _columns(definitions["portal_audit_events"])["seq"] == "BIGINT NOT NULL IDENTITY"


def test_texts_of_oracle() -> None:
    """G1: lengths are in characters and not in bytes; the state is computed when it is read."""
    definitions = _definitions("oracle")
    for table in _LAYOUT.tables:
        columns = _columns(definitions[table.name])
        assert list(columns) == [column.name for column in table.columns]
        for column in table.columns:
            if column.kind == Kind.TEXT:
                assert columns[column.name].startswith(f"VARCHAR2({column.length} CHAR)"), column.name
    state = _columns(definitions["portal_accounts"])["state"]
    assert state.startswith("VARCHAR2(64 CHAR) GENERATED ALWAYS AS (CASE WHEN")
    assert state.endswith("VIRTUAL")
    assert _columns(definitions["portal_audit_events"])["seq"] == "NUMBER(19) GENERATED BY DEFAULT AS IDENTITY"


@pytest.mark.parametrize(
    ("language", "index"),
    [
        ("tsql", "(tenant, username_key) WHERE tenant IS NOT NULL AND username_key IS NOT NULL"),
        ("oracle", "(CASE WHEN username_key IS NOT NULL THEN tenant END, username_key)"),
    ],
)
def test_any_number_of_accounts_without_a_user_name(language: str, index: str) -> None:
    """R18: both take two NULLs beside the same tenant for equal, so that a constraint would allow one such account."""
    definitions = _definitions(language)
    assert definitions["portal_accounts_username"] == (
        f"CREATE UNIQUE INDEX portal_accounts_username ON portal_accounts {index}"
    )
    assert "UNIQUE" not in definitions["portal_accounts"]


def test_keys_are_not_too_long() -> None:
    """R20: SQL Server takes 900 bytes in a primary key and 1,700 in another, two or four for each character."""

    def size(table: Table, names: Sequence[str]) -> int:
        columns = {column.name: column for column in table.columns}
        return sum(2 * (columns[name].length or 4) for name in names)

    for table in _LAYOUT.tables:
        assert size(table, table.primary_key) <= 900
        for names in (*table.indexes.values(), *table.unique.values()):
            assert size(table, names) <= 1700


# -- the statements


class _Nowhere:
    """
    A `Port` to a database that is not there: what is said is kept, in its language, and answered with what is set.

    Attributes:
        said: The statements and the names of their parameters.
        rows: What each query finds.
        taken: Whether an INSERT of an account meets a key that is there.
    """

    is_borrowed = False

    def __init__(self, dialect: SQLServer | Oracle) -> None:
        self.dialect = dialect
        self.said: dict[str, set[str]] = {}
        self.rows: list[tuple[Any, ...]] = []
        self.taken = False

    @contextmanager
    def reading(self) -> Iterator[_Nowhere]:
        yield self

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[_Nowhere]:
        self.execute(self.dialect.begin, {})
        yield self
        self.execute("COMMIT", {})

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> tuple[Sequence[Sequence[Any]], int]:
        """Keep the statement, and answer."""
        statement = styled(self.dialect.said(sql), self.dialect.paramstyle)
        self.said[statement.sql] = set(parameters)
        if self.taken and sql.startswith("INSERT INTO portal_accounts"):
            raise DatabaseFailure(FailureKind.DUPLICATE, "taken")
        rows = [(0,)] if sql.startswith("SELECT COUNT") else self.rows
        if sql.startswith("DELETE"):
            self.rows = []
        return rows, 1

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, object]], /) -> None:
        """Keep the statement."""
        for each in parameters:
            self.execute(sql, each)


_DIALECTS: dict[str, Callable[[], SQLServer | Oracle]] = {"tsql": SQLServer, "oracle": Oracle}


def _everything(language: str) -> _Nowhere:
    """Return what was said by every method of a store with the host's contacts and a scope, and of a counter."""
    nowhere = _Nowhere(_DIALECTS[language]())
    dialect: Dialect = nowhere.dialect
    scope = Select(sql="SELECT number FROM pupils WHERE school = :school", parameters={"school": "North"})
    source = ContactSource("sis.guardians", Columns(contact_id="number"), dialect)
    for arguments in ({}, {"contacts": source, "scope": scope}):
        nowhere.rows = []
        store = SQLAccountStore(nowhere, dialect, _LAYOUT, tenant="t", **arguments)  # type: ignore[arg-type]
        _every_method(nowhere, store)
    counter = SQLAttemptCounter(nowhere, dialect, _LAYOUT.attempts, tenant="t", clock=utc_now)
    nowhere.rows = [(1,)]
    counter.hit("key", timedelta(hours=1))
    nowhere.rows = [("key", 1)]
    counter.counts(["key", "other"])
    counter.clear("key")
    nowhere.rows = [("key",)]
    counter.purge()
    return nowhere


def _every_method(nowhere: _Nowhere, store: SQLAccountStore) -> None:
    nowhere.rows = []
    account = an_account("1", "rosa")
    store.find(ContactId("1"))
    store.find_by_username("rosa")
    store.find_many([ContactId("1"), ContactId("2"), ContactId("3")])
    store.find_epoch("1")
    for status in (None, *AccountStatus):
        any_name = AccountQuery(now=NOW, status=status)
        for query in (
            any_name,
            attrs.evolve(any_name, last_name_prefix="a"),
            attrs.evolve(any_name, username_prefix="a"),
        ):
            store.search(query)
            store.count(query)
            # A later page.
            store.search(attrs.evolve(query, after=query.after_account(issued(an_account("1", "b")))))
    store.events("1", limit=3)
    store.events()
    store.note_names()
    store.record([an_event("1")])
    store.apply([Change(old=account, new=issued(account), events=(an_event("1"),))])
    store.apply([Change(old=account, new=account.rename("rose"))])
    nowhere.rows = [(1, 1)]
    store.apply([Change(old=None, new=account)])
    nowhere.taken = True
    assert list(store.apply([Change(old=None, new=account)])) == [ApplyResult.STALE]
    nowhere.taken = False


_SAID_BY_HAND = {
    "tsql": {
        "BEGIN TRANSACTION",
        "COMMIT",
        "SAVE TRANSACTION one_change",
        "ROLLBACK TRANSACTION one_change",
        "SET XACT_ABORT OFF",
    },
    "oracle": {
        "SET TRANSACTION READ WRITE",
        "COMMIT",
        "SAVEPOINT one_change",
        "ROLLBACK TO SAVEPOINT one_change",
        "BEGIN NULL; END;",
    },
}
"""What sqlglot knows no tree of."""


@pytest.mark.parametrize("language", _DIALECTS)
def test_the_statements_are_in_the_language(language: str) -> None:
    """R20: every statement of the store and the counter parses, without a word of another database's."""
    exp = need("sqlglot").exp
    said = _everything(language).said
    assert _SAID_BY_HAND[language] <= set(said)
    trees = {sql: _parsed(sql, language) for sql in said if sql not in _SAID_BY_HAND[language]}
    assert {tree.key for tree in trees.values()} == {"select", "insert", "update", "delete", "merge"}
    for sql, tree in trees.items():
        assert not re.search(r"\b(LIMIT|CONFLICT|RELEASE|FOR UPDATE|TRUE|FALSE)\b", sql), sql
        # Tuples are the rows of an INSERT, and nothing that these two could compare.
        assert not list(tree.find_all(exp.Boolean, *(() if tree.key in ("insert", "merge") else (exp.Tuple,)))), sql
    pages = [sql for sql in trees if "ORDER BY" in sql]
    assert len(pages) > 20
    for sql in pages:
        assert sql.startswith("SELECT TOP (?) ") if language == "tsql" else sql.endswith("FETCH FIRST :limit ROWS ONLY")


@pytest.mark.parametrize(
    ("language", "merge"),
    [
        (
            "tsql",
            "MERGE INTO portal_attempts WITH (HOLDLOCK) AS kept USING (SELECT ? AS tenant, ? AS attempt_key) AS given "
            "ON kept.tenant = given.tenant AND kept.attempt_key = given.attempt_key "
            "WHEN MATCHED THEN UPDATE SET n = CASE WHEN kept.expires_at <= ? THEN 1 ELSE kept.n + 1 END, "
            "expires_at = CASE WHEN kept.expires_at <= ? THEN ? ELSE kept.expires_at END "
            "WHEN NOT MATCHED THEN INSERT (tenant, attempt_key, n, expires_at) VALUES (?, ?, 1, ?);",
        ),
        (
            "oracle",
            "MERGE INTO portal_attempts kept USING (SELECT :tenant AS tenant, :key AS attempt_key FROM DUAL) given "
            "ON (kept.tenant = given.tenant AND kept.attempt_key = given.attempt_key) "
            "WHEN MATCHED THEN UPDATE SET n = CASE WHEN kept.expires_at <= :now THEN 1 ELSE kept.n + 1 END, "
            "expires_at = CASE WHEN kept.expires_at <= :now THEN :expires_at ELSE kept.expires_at END "
            "WHEN NOT MATCHED THEN INSERT (tenant, attempt_key, n, expires_at) "
            "VALUES (:tenant, :key, 1, :expires_at)",
        ),
    ],
)
def test_a_hit_is_one_statement(language: str, merge: str) -> None:
    """R9: read together with a clause for the case that the row is there, as both of them write it."""
    assert merge in _everything(language).said


def test_parameters_have_names_that_oracle_takes() -> None:
    """R20: a reserved word as the name of a parameter is an error there (ORA-01745)."""
    names = set().union(*_everything("oracle").said.values())
    assert len(names) > 40
    assert [name for name in names if name.upper() in RESERVED_WORDS or name in RESERVED_WORDS] == []


def test_a_scope_in_other_words() -> None:
    """R16: an id is compared by its code in SQL Server, and asked for from the table of one row in Oracle."""
    within = "IN (SELECT number FROM pupils WHERE school = {})"
    collated = f"contact_id COLLATE Latin1_General_100_BIN2 {within.format('?')}"
    assert f"SELECT 1 FROM (SELECT ? AS contact_id) asked WHERE {collated}" in _everything("tsql").said
    asked = f"(SELECT :contact_id AS contact_id FROM DUAL) asked WHERE contact_id {within.format(':scope_school')}"
    assert f"SELECT 1 FROM {asked}" in _everything("oracle").said


def _pyodbc(state: str, number: int) -> Exception:
    text = f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]canary (7) ({number}) (SQLExecDirectW)"
    error: Exception = type("ProgrammingError", (Exception,), {})(state, text)
    return error


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (_pyodbc("23000", 2627), FailureKind.DUPLICATE, "2627"),
        (_pyodbc("23000", 2601), FailureKind.DUPLICATE, "2601"),
        (_pyodbc("23000", 547), FailureKind.OTHER, "547"),
        (_pyodbc("40001", 1205), FailureKind.RETRYABLE, "1205"),
        (_pyodbc("42000", 3960), FailureKind.RETRYABLE, "3960"),
        (_pyodbc("08S01", 10054), FailureKind.UNAVAILABLE, "10054"),
        (_pyodbc("HYT00", 0), FailureKind.UNAVAILABLE, "HYT00"),
        (_pyodbc("42S02", 208), FailureKind.OTHER, "208"),
        (ConnectionRefusedError(111, "canary"), FailureKind.UNAVAILABLE, "ConnectionRefusedError"),
        (ValueError(), FailureKind.OTHER, "ValueError"),
    ],
)
def test_errors_of_sql_server(error: Exception, kind: FailureKind, code: str) -> None:
    """R14, R21: by the number that its driver has in the error's text, and nothing else of the text."""
    assert SQLServer().failure(error) == (kind, code)


def _oracledb(code: int, full_code: str) -> Exception:
    said = SimpleNamespace(code=code, full_code=full_code, message="canary")
    error: Exception = type("DatabaseError", (Exception,), {})(said)
    return error


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (_oracledb(1, "ORA-00001"), FailureKind.DUPLICATE, "ORA-00001"),
        (_oracledb(60, "ORA-00060"), FailureKind.RETRYABLE, "ORA-00060"),
        (_oracledb(8177, "ORA-08177"), FailureKind.RETRYABLE, "ORA-08177"),
        (_oracledb(3113, "ORA-03113"), FailureKind.UNAVAILABLE, "ORA-03113"),
        (_oracledb(12541, "ORA-12541"), FailureKind.UNAVAILABLE, "ORA-12541"),
        (_oracledb(0, "DPY-4011"), FailureKind.UNAVAILABLE, "DPY-4011"),
        (_oracledb(942, "ORA-00942"), FailureKind.OTHER, "ORA-00942"),
        (_oracledb(2290, "ORA-02290"), FailureKind.OTHER, "ORA-02290"),
        (ConnectionRefusedError(111, "canary"), FailureKind.UNAVAILABLE, "ConnectionRefusedError"),
        (ValueError(), FailureKind.OTHER, "ValueError"),
    ],
)
def test_errors_of_oracle(error: Exception, kind: FailureKind, code: str) -> None:
    """R14, R21: by the code that its driver has beside the error's text."""
    assert Oracle().failure(error) == (kind, code)


@pytest.mark.parametrize("name", ["mssql", "sqlserver", "tsql", "oracle"])
def test_no_store_takes_what_was_never_run(name: str) -> None:
    """R23: until somebody has run it on a server, it is refused by name."""
    with pytest.raises(ConfigurationError, match="sqlite, postgresql, mariadb"):
        dialect_named(name)


def test_a_transaction_that_is_not_there_is_refused() -> None:
    """R20: neither of them, when every statement is committed by itself, lets a borrowed store write."""
    by_itself, begun = SimpleNamespace(autocommit=True), SimpleNamespace(autocommit=False)
    nowhere = _Nowhere(SQLServer())
    nowhere.rows = [(0,)]
    for dialect in (Oracle(), SQLServer()):
        dialect.join(nowhere, begun)
        with pytest.raises(DatabaseFailure, match="no_transaction"):
            dialect.join(nowhere, by_itself)
        dialect.prepare(begun)
    assert begun.autocommit is True
