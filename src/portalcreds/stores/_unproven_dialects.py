"""
Say our statements to SQL Server and to Oracle.

Compiled, parsed and read, and never run: no such server was at hand, and no store takes one of these dialects. Their
tables come from ``accounts_table`` and its siblings. What reading found, and no other words would mend:

- SQL Server takes blanks at the end for nothing in every collation, and counts and sorts texts by units of UTF-16.
- Oracle takes an empty text for NULL. So a tenant must have a name, a CHECK refuses contacts without a last name, an
  empty name comes back as None, and a page of all last names, which are those behind the empty one, finds nobody.
"""

# ruff: noqa: S608  Only statements of ours are turned, in which every value is a parameter.
from __future__ import annotations

import re
from typing import Any, Final

from ._dialects import _original, _other, _Standard
from ._port import DatabaseFailure, FailureKind, Statements

_SAVEPOINT: Final = re.compile(r"(SAVEPOINT|ROLLBACK TO SAVEPOINT|RELEASE SAVEPOINT) (\w+)", re.ASCII)

_UPSERT: Final = re.compile(
    r"INSERT INTO ([\w.]+) \(([^)]*)\) VALUES \(([^)]*)\) ON CONFLICT \(([^)]*)\) DO UPDATE SET (.*)", re.ASCII
)

_SQL_SERVER_UNAVAILABLE: Final = frozenset(
    (
        *(20, 64, 233, 596, 6005, 10053, 10054, 10060, 17142),  # Connection lost, session ended, shutting down, paused.
        *(701, 1105, 9002, 10928, 10929),  # Memory, file or log full, out of resources.
        *(3906, 4060, 40197, 40501, 40613),  # Only reads, database not open, moved, busy, not there now.
    )
)
"""Error numbers (SQL Server documentation, database engine events and errors)."""

_ORACLE_UNAVAILABLE: Final = frozenset(
    (
        *(18, 20, 28, 257, 1012, 1013, 1033, 1034, 1035, 1089, 1090, 1092),  # Too many, ended, starting, shutting down.
        *(1653, 1654, 2396, 3113, 3114, 3135, 16000, 16456),  # No room, idle too long, connection lost, only reads.
    )
)
"""Numbers of ORA errors (Oracle documentation, database error messages); those of the network are 12150 to 12699."""


class _Unproven(_Standard):
    """What both databases have in common: the words of `_Standard` are turned into theirs when all is written."""

    lock = ""
    """At their usual level, READ COMMITTED, each SELECT sees what is committed."""

    def after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        # Neither compares pairs by more and less.
        (first, second), (key, tie) = columns, parameters
        return f"({first} > :{key} OR ({first} = :{key} AND {second} > :{tie}))"

    def said(self, sql: str) -> str:
        """Return a statement of ours in this database's own words."""
        marked = _SAVEPOINT.fullmatch(sql)
        if marked is not None:
            return self._savepoint(*marked.groups())
        upsert = _UPSERT.fullmatch(sql)
        return sql if upsert is None else self._merge(*upsert.groups())

    def _savepoint(self, step: str, name: str) -> str:
        raise NotImplementedError

    def _merge(self, table: str, columns: str, values: str, keys: str, assignments: str) -> str:
        raise NotImplementedError


def _given(columns: str, values: str, keys: str) -> tuple[str, str]:
    """Return the select list of a MERGE's key, and the condition that a row has it."""
    value = dict(zip(columns.split(", "), values.split(", "), strict=True))
    selected = ", ".join(f"{value[key]} AS {key}" for key in keys.split(", "))
    return selected, " AND ".join(f"kept.{key} = given.{key}" for key in keys.split(", "))


class SQLServer(_Unproven):
    """SQL Server through pyodbc."""

    begin = "BEGIN TRANSACTION"
    paramstyle = "qmark"
    identity = "BIGINT IDENTITY PRIMARY KEY"

    def text(self, length: int) -> str:
        """Return the type of text of *length* units of UTF-16, compared and sorted by them."""
        return f"NVARCHAR({length}) COLLATE Latin1_General_100_BIN2"

    def limited(self, sql: str) -> str:
        """Return a SELECT of no more than ``:limit`` rows."""
        return f"SELECT TOP (:limit){sql.removeprefix('SELECT')}"

    def exact(self, column: str) -> str:
        """Return the column so that letters of another case or accent are others."""
        return f"{column} COLLATE Latin1_General_100_BIN2"

    def _savepoint(self, step: str, name: str) -> str:
        # There is nothing to release. XACT_ABORT would have any error end the whole transaction.
        steps = {"SAVEPOINT": f"SAVE TRANSACTION {name}", "ROLLBACK TO SAVEPOINT": f"ROLLBACK TRANSACTION {name}"}
        return steps.get(step, "SET XACT_ABORT OFF")

    def _merge(self, table: str, columns: str, values: str, keys: str, assignments: str) -> str:
        selected, condition = _given(columns, values, keys)
        # HOLDLOCK: two who find no row would otherwise both insert one.
        return (
            f"MERGE INTO {table} WITH (HOLDLOCK) AS kept USING (SELECT {selected}) AS given ON {condition} "
            f"WHEN MATCHED THEN UPDATE SET {assignments.replace(f'{table}.', 'kept.')} "
            f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values});"
        )

    def prepare(self, connection: Any) -> None:
        """Make a new connection leave transactions to our own BEGIN and COMMIT."""
        connection.autocommit = True

    def join(self, statements: Statements, connection: Any) -> None:
        """Make sure that a transaction is open."""
        ((count,),) = statements.execute("SELECT @@TRANCOUNT", {})[0]
        if not count and getattr(connection, "autocommit", True):
            raise DatabaseFailure(FailureKind.OTHER, "no_transaction")

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        """Return what an error of pyodbc means, and its number."""
        state, text = (*(str(arg) for arg in error.args[:2]), "", "")[:2]
        # The driver has the number at the end of its text only, in brackets before the function's name.
        number = next((int(found) for found in re.findall(r"\((\d+)\)", text)[-1:]), 0)
        if number in (2601, 2627):  # Such a row in a unique index, such a key.
            return FailureKind.DUPLICATE, str(number)
        if number in (1205, 1222, 3960, 3961):  # Deadlock, lock timeout, changed since the snapshot.
            return FailureKind.RETRYABLE, str(number)
        if number in _SQL_SERVER_UNAVAILABLE or state.startswith(("08", "HYT0")):  # Connection lost, time is up.
            return FailureKind.UNAVAILABLE, str(number or state)
        return _other(error, str(number) if number else type(error).__name__)


class Oracle(_Unproven):
    """Oracle through python-oracledb."""

    begin = "SET TRANSACTION READ WRITE"
    paramstyle = "named"
    identity = "NUMBER(19) GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    integer = "NUMBER(19)"
    creation_commits = True

    def text(self, length: int) -> str:
        """Return the type of text of *length* code points, compared as the session says (BINARY by default)."""
        return f"VARCHAR2({length} CHAR)"

    def limited(self, sql: str) -> str:
        """Return a SELECT of no more than ``:limit`` rows."""
        return f"{sql} FETCH FIRST :limit ROWS ONLY"

    def said(self, sql: str) -> str:
        """Return a statement of ours in this database's own words."""
        # Before version 23 it selects from nothing only by this name.
        return super().said(re.sub(r"\(SELECT (:\w+ AS \w+)\)", r"(SELECT \1 FROM DUAL)", sql))

    def _savepoint(self, step: str, name: str) -> str:
        return "BEGIN NULL; END;" if step.startswith("RELEASE") else f"{step} {name}"

    def _merge(self, table: str, columns: str, values: str, keys: str, assignments: str) -> str:
        selected, condition = _given(columns, values, keys)
        return (
            f"MERGE INTO {table} kept USING (SELECT {selected} FROM DUAL) given ON ({condition}) "
            f"WHEN MATCHED THEN UPDATE SET {assignments.replace(f'{table}.', 'kept.')} "
            f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})"
        )

    def prepare(self, connection: Any) -> None:
        """Nothing: the first statement begins a transaction."""

    def join(self, statements: Statements, connection: Any) -> None:
        """Make sure that the connection commits nothing by itself."""
        if getattr(connection, "autocommit", False):
            raise DatabaseFailure(FailureKind.OTHER, "no_transaction")

    def failure(self, error: Exception) -> tuple[FailureKind, str]:
        """Return what an error of python-oracledb means, and its code."""
        cause = _original(error, "args")
        said = cause.args[0] if cause.args else None
        number, code = getattr(said, "code", 0), getattr(said, "full_code", None) or type(cause).__name__
        if number == 1:  # Unique constraint.
            return FailureKind.DUPLICATE, code
        if number in (54, 60, 8177, 30006):  # Somebody holds the row, deadlock, cannot serialize, waited too long.
            return FailureKind.RETRYABLE, code
        # DPY-4011 and DPY-6005: the driver's own, for a connection that is gone or cannot be made.
        if number in _ORACLE_UNAVAILABLE or 12150 <= number <= 12699 or code in ("DPY-4011", "DPY-6005"):
            return FailureKind.UNAVAILABLE, code
        return _other(cause, code)
