"""Write the statements that create a table, in a database's own words, and run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...exceptions import ConfigurationError
from .._drivers.dialect import Dialect
from .._drivers.port import Port, Statements
from .retries import run
from .schema import Column, Kind, Table


def create_tables(port: Port, dialect: Dialect, *tables: Table) -> None:
    """
    Create those of the tables that are absent, each in one transaction where the database can.

    Raises:
        ConfigurationError: The transaction is the host's, and creating a table would commit it.
        StoreUnavailableError: The database cannot be reached.
        StoreError: This user may not create tables.
    """
    if port.is_borrowed and dialect.creation_commits:
        raise ConfigurationError(
            "store", "pass one over an engine or a connection factory: creating a table ends a transaction here"
        )
    for table in tables:
        statements = create_table_sql(table, dialect)

        def work(transaction: Statements, _: bool, statements: list[str] = statements) -> None:
            for sql in statements:
                transaction.execute(sql, {})

        run("create_tables", work, port.transaction)


def create_table_sql(table: Table, dialect: Dialect) -> list[str]:
    """Return the statements that create the table, its indexes and its first row, if they are absent."""
    parts = [define_column(column, dialect) for column in table.columns]
    if table.primary_key:
        parts.append(f"PRIMARY KEY ({', '.join(table.primary_key)})")
    parts += [f"CONSTRAINT {name} UNIQUE ({', '.join(columns)})" for name, columns in table.unique.items()]
    parts += [f"CONSTRAINT {name} CHECK ({condition})" for name, condition in table.checks.items()]
    body = ",\n  ".join(parts)
    options = dialect.table_options + (dialect.keyed_table_options if table.is_its_key else "")
    return [
        f"CREATE TABLE IF NOT EXISTS {table.path} (\n  {body}\n){options}",
        *(create_index_sql(table, name, columns, dialect) for name, columns in table.indexes.items()),
        *([] if table.first_row is None else [insert_first_row_sql(table, table.first_row)]),
    ]


def create_index_sql(table: Table, name: str, columns: Sequence[str], dialect: Dialect, *, unique: bool = False) -> str:
    """Return the statement that creates an index of that name, if none has it."""
    path = f"{name} ON {table.name}" if table.schema is None else dialect.place_index(table.schema, table.name, name)
    return f"CREATE {'UNIQUE ' if unique else ''}INDEX IF NOT EXISTS {path} ({', '.join(columns)})"


def insert_first_row_sql(table: Table, row: Mapping[str, str | int]) -> str:
    """Return the statement that adds the table's first row, if there is none for its tenant."""
    values = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in row.values())
    there = f"SELECT 1 FROM {table.path} WHERE tenant = '{row['tenant']}'"  # noqa: S608  Our own constants.
    return f"INSERT INTO {table.path} ({', '.join(row)}) SELECT {values} WHERE NOT EXISTS ({there})"


def define_column(column: Column, dialect: Dialect) -> str:
    """Return the column's definition, as in CREATE TABLE."""
    if column.kind == Kind.SEQUENCE:
        return f"{column.name} {dialect.identity}"
    type_ = dialect.integer if column.length is None else dialect.declare_text(column.length)
    if column.computed is not None:
        return f"{column.name} {type_} GENERATED ALWAYS AS ({column.computed}) STORED"
    return f"{column.name} {type_}{' NOT NULL' if column.required else ''}"
