"""Describe our tables to SQLAlchemy; needs the extra ``sqlalchemy``."""

from __future__ import annotations

from typing import Any

from ..exceptions import MissingDependencyError
from ._schema import Column, Kind, Table

try:
    import sqlalchemy
except ImportError:
    raise MissingDependencyError("sqlalchemy") from None

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Computed,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    text,
)
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import SchemaItem, conv
from sqlalchemy.types import TypeEngine


def table_of(table: Table, metadata: MetaData, *, nulls_are_equal: bool) -> sqlalchemy.Table:
    """
    Return the table as part of *metadata*, with its constraints and indexes.

    Args:
        table: The table.
        metadata: What it becomes a part of.
        nulls_are_equal: Whether the database takes two NULLs for the same, as SQL Server and Oracle do.
    """
    # Names as they are: the host's metadata may have a convention that makes others of them, too long for PostgreSQL.
    items: list[SchemaItem] = [_column(column, is_key=column.name in table.primary_key) for column in table.columns]
    for name, columns in table.unique.items():
        if nulls_are_equal:
            # Otherwise only one account could be without a user name.
            present = " AND ".join(f"{column} IS NOT NULL" for column in columns)
            first, *others = columns
            key = _KeyIfPresent(first, others)
            items.append(Index(conv(name), key, *others, unique=True, mssql_where=text(present)))
        else:
            items.append(sqlalchemy.UniqueConstraint(*columns, name=conv(name)))
    items += [CheckConstraint(text(condition), name=conv(name)) for name, condition in table.checks.items()]
    items += [Index(conv(name), *columns) for name, columns in table.indexes.items()]
    return sqlalchemy.Table(
        table.name,
        metadata,
        *items,
        schema=table.schema,
        sqlite_autoincrement=any(column.kind == Kind.SEQUENCE for column in table.columns),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )


class _KeyIfPresent(ColumnElement[Any]):
    """The first column of a unique index, in which rows that have NULL in another are to be left out."""

    inherit_cache = True

    def __init__(self, column: str, others: list[str]) -> None:
        self.column = column
        self.others = others


@compiles(_KeyIfPresent)
def _key(element: _KeyIfPresent, compiler: Any, **_options: Any) -> str:
    return element.column  # Which rows, SQL Server is told by a condition of the index.


@compiles(_KeyIfPresent, "oracle")
def _key_of_oracle(element: _KeyIfPresent, compiler: Any, **_options: Any) -> str:
    # It leaves out of an index the rows that have NULL in all of its columns, and takes all others for equal.
    present = " AND ".join(f"{column} IS NOT NULL" for column in element.others)
    return f"CASE WHEN {present} THEN {element.column} END"


class _StateColumn(Computed):
    """A computed column that is stored wherever the database can store one."""

    inherit_cache = True


@compiles(_StateColumn, "oracle")
def _state_of_oracle(element: Computed, compiler: Any, **_options: Any) -> str:
    # Oracle computes it when it is read, and can index it all the same.
    return f"GENERATED ALWAYS AS ({compiler.sql_compiler.process(element.sqltext)}) VIRTUAL"


def _column(column: Column, *, is_key: bool) -> sqlalchemy.Column[Any]:
    if column.kind == Kind.SEQUENCE:
        sequence = BigInteger().with_variant(Integer(), "sqlite")
        return sqlalchemy.Column(column.name, sequence, Identity(), primary_key=True, autoincrement=True)
    type_ = BigInteger().with_variant(Integer(), "sqlite") if column.length is None else _text(column.length)
    if column.computed is not None:
        return sqlalchemy.Column(column.name, type_, _StateColumn(text(column.computed), persisted=True))
    return sqlalchemy.Column(
        column.name, type_, primary_key=is_key, autoincrement=False, nullable=not (is_key or column.required)
    )


def _text(length: int) -> TypeEngine[str]:
    # Only types that come with SQLAlchemy: a migration made from them runs without this library.
    return (
        String(length)
        .with_variant(Text(collation="BINARY"), "sqlite")
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin"), "mysql", "mariadb")
        .with_variant(mssql.NVARCHAR(length, collation="Latin1_General_100_BIN2"), "mssql")
    )
