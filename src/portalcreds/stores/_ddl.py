"""Write the statements that create a table, in a database's own words."""

from __future__ import annotations

from ._dialects import Dialect
from ._schema import Column, Kind, Table


def creation_of(table: Table, dialect: Dialect) -> list[str]:
    """Return the statements that create the table and its indexes, if they are absent."""
    parts = [definition_of(column, dialect) for column in table.columns]
    if table.primary_key:
        parts.append(f"PRIMARY KEY ({', '.join(table.primary_key)})")
    parts += [f"CONSTRAINT {name} UNIQUE ({', '.join(columns)})" for name, columns in table.unique.items()]
    parts += [f"CONSTRAINT {name} CHECK ({condition})" for name, condition in table.checks.items()]
    body = ",\n  ".join(parts)
    return [
        f"CREATE TABLE IF NOT EXISTS {table.path} (\n  {body}\n){dialect.table_options}",
        *(index_of(table, name, dialect) for name in table.indexes),
    ]


def index_of(table: Table, name: str, dialect: Dialect) -> str:
    """Return the statement that creates the index of that name, if it is absent."""
    path = f"{name} ON {table.name}" if table.schema is None else dialect.index_on(table.schema, table.name, name)
    return f"CREATE INDEX IF NOT EXISTS {path} ({', '.join(table.indexes[name])})"


def definition_of(column: Column, dialect: Dialect) -> str:
    """Return the column's definition, as in CREATE TABLE."""
    if column.kind == Kind.SEQUENCE:
        return f"{column.name} {dialect.identity}"
    type_ = dialect.integer if column.length is None else dialect.text(column.length)
    if column.computed is not None:
        return f"{column.name} {type_} GENERATED ALWAYS AS ({column.computed}) STORED"
    return f"{column.name} {type_}{' NOT NULL' if column.required else ''}"
