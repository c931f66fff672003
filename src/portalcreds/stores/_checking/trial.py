"""Write rows about nobody into a table, see what became of them, and undo it."""

# ruff: noqa: S608  Tables have a checked prefix; every value is a parameter.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .._drivers.port import DatabaseFailure, FailureKind, Statements
from .._sql.schema import Column, Table
from .probe_rows import Row, end_tenants

_OF_A_TABLE: Final = (FailureKind.DUPLICATE, FailureKind.NO_TABLE, FailureKind.OTHER)
"""Failures that say something about a table."""

_FORBIDDEN: Final = frozenset({"42501", "1044", "1142", "1143"})
"""Codes of a right that is missing, which says nothing about the table."""


class Trial:
    """
    One table that is tried, in a savepoint of the caller's.

    Args:
        statements: Of a transaction.
        savepoint: The name of the savepoint. What was written before the trial goes back to it too.
        table: The table.
        tenant: Whose rows they are; see `make_tenant`.
    """

    def __init__(self, statements: Statements, savepoint: str, table: Table, tenant: str) -> None:
        self._statements = statements
        self._undo = f"ROLLBACK TO SAVEPOINT {savepoint}"
        self._path = table.path
        self._range: dict[str, object] = {"low": tenant, "high": end_tenants(tenant)}
        self.columns = tuple(column for column in table.columns if column.computed is None)

    def is_readable(self, columns: Sequence[str]) -> bool:
        """Return whether the table, and the columns of it, can be read."""
        try:
            self._statements.execute(f"SELECT {', '.join(columns) or '1'} FROM {self._path} WHERE 1 = 0", {})
        except DatabaseFailure as failure:
            self._look_at(failure)
            return False
        return True

    def find_refusal(self, *rows: Row) -> DatabaseFailure | None:
        """Return why the database refuses the rows together, or None if it takes them. They are undone."""
        try:
            self._write(rows)
        except DatabaseFailure as failure:
            self._look_at(failure)
            return failure
        self.undo()
        return None

    def read_back(self, rows: Sequence[Row], columns: Sequence[str]) -> list[Row] | None:
        """Return what the database makes of the rows, or None if it refuses them. They are undone."""
        # By a range of tenants: whatever else was cut or rounded, it is between them.
        names = ", ".join(columns)
        found = self._ask_after(rows, names, {})
        return None if found is None else [dict(zip(columns, row, strict=True)) for row in found]

    def compare(self, column: Column, row: Row, others: Sequence[str]) -> list[tuple[bool, bool]] | None:
        """Return of each other text whether the column takes it for the row's, and whether the row's sorts before."""
        parameters: dict[str, object] = {f"other{number}": other for number, other in enumerate(others)}
        asked = ", ".join(
            f"CASE WHEN {column.name} {operator} :{name} THEN 1 ELSE 0 END"
            for name in parameters
            for operator in ("=", "<")
        )
        found = self._ask_after([row], asked, parameters)
        if found is None:
            return None
        ((*answers,),) = found
        return [(bool(same), bool(before)) for same, before in zip(answers[::2], answers[1::2], strict=True)]

    def read(self, column: str, tenant: object) -> list[object]:
        """Return what the column has in a tenant's rows, as they are stored."""
        sql = f"SELECT {column} FROM {self._path} WHERE tenant = :tenant"
        return [value for (value,) in self._statements.execute(sql, {"tenant": tenant})[0]]

    def undo(self) -> None:
        """Undo what was written; after an error, make the transaction good for more."""
        self._statements.execute(self._undo, {})

    def _ask_after(
        self, rows: Sequence[Row], asked: str, parameters: dict[str, object]
    ) -> Sequence[Sequence[Any]] | None:
        """Write the rows, select something of them and undo them; None if the database refuses them."""
        sql = f"SELECT {asked} FROM {self._path} WHERE tenant >= :low AND tenant < :high"
        try:
            self._write(rows)
            found = self._statements.execute(sql, parameters | self._range)[0]
        except DatabaseFailure as failure:
            self._look_at(failure)
            return None
        self.undo()
        return found

    def _write(self, rows: Sequence[Row]) -> None:
        names = [column.name for column in self.columns]
        sql = f"INSERT INTO {self._path} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        for row in rows:
            self._statements.execute(sql, {name: row[name] for name in names})

    def _look_at(self, failure: DatabaseFailure) -> None:
        if failure.kind not in _OF_A_TABLE or failure.code in _FORBIDDEN:
            raise failure
        self.undo()
