"""Describe our tables to SQLAlchemy; needs the extra ``sqlalchemy``."""

from __future__ import annotations

from typing import Any

from ...exceptions import ConfigurationError, MissingDependencyError
from .._drivers.mariadb import LONGEST_VARCHAR
from .ddl import insert_first_row_sql
from .schema import Column, Kind, Table

try:
    import sqlalchemy
except ImportError:
    raise MissingDependencyError("sqlalchemy") from None

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    event,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import SchemaItem, conv
from sqlalchemy.types import TypeEngine


def describe_table(table: Table, metadata: MetaData) -> sqlalchemy.Table:
    """Return the table as part of *metadata*, with its constraints and indexes."""
    if not isinstance(metadata, MetaData):
        raise ConfigurationError("metadata", "pass the host's MetaData, such as Base.metadata")
    # Names as they are: the host's metadata may have a convention that makes others of them, too long for PostgreSQL.
    items: list[SchemaItem] = [_column(column, is_key=column.name in table.primary_key) for column in table.columns]
    items += [sqlalchemy.UniqueConstraint(*columns, name=conv(name)) for name, columns in table.unique.items()]
    items += [CheckConstraint(text(condition), name=conv(name)) for name, condition in table.checks.items()]
    items += [Index(conv(name), *columns) for name, columns in table.indexes.items()]
    described = sqlalchemy.Table(
        table.name,
        metadata,
        *items,
        schema=table.schema,
        sqlite_with_rowid=not table.is_its_key,
        sqlite_autoincrement=any(column.kind == Kind.SEQUENCE for column in table.columns),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )
    if table.first_row is not None:
        first_row = text(insert_first_row_sql(table, table.first_row))
        event.listen(described, "after_create", lambda _, connection, **__: connection.execute(first_row))
    return described


def _column(column: Column, *, is_key: bool) -> sqlalchemy.Column[Any]:
    if column.kind == Kind.SEQUENCE:
        sequence = BigInteger().with_variant(Integer(), "sqlite")
        return sqlalchemy.Column(column.name, sequence, Identity(), primary_key=True, autoincrement=True)
    type_ = BigInteger().with_variant(Integer(), "sqlite") if column.length is None else _text(column.length)
    if column.computed is not None:
        return sqlalchemy.Column(column.name, type_, Computed(text(column.computed), persisted=True))
    return sqlalchemy.Column(
        column.name, type_, primary_key=is_key, autoincrement=False, nullable=not (is_key or column.required)
    )


def _text(length: int) -> TypeEngine[str]:
    # Only types that come with SQLAlchemy: a migration made from them runs without this library.
    mariadb: TypeEngine[str] = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin")
    if length > LONGEST_VARCHAR:
        mariadb = mysql.TEXT(charset="utf8mb4", collation="utf8mb4_nopad_bin")
    return (
        String(length)
        .with_variant(Text(collation="BINARY"), "sqlite")
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(mariadb, "mysql", "mariadb")
    )
