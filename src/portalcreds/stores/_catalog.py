"""Ask a database what it says a table is."""

# ruff: noqa: S608  No values are in these statements; names are parameters.
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from ._dialects import Dialect, MariaDB, PostgreSQL
from ._port import Statements
from ._schema import Table


@attrs.frozen(kw_only=True)
class Index:
    """
    An index, whether it was made by itself or for a constraint.

    Attributes:
        name: Its name.
        columns: The columns that it begins with; none of what follows an expression, a part of a column or a descending
            one, and none at all if it does not cover every row.
        is_primary: Whether it is the primary key's.
    """

    name: str
    columns: tuple[str, ...]
    is_primary: bool


@attrs.frozen(kw_only=True)
class Catalog:
    """
    What a database says of one table. Nothing of what is asked for by behaviour is taken from here.

    Attributes:
        types: What each column is, in the database's words.
        filled: The columns that the database fills in when nothing is given.
        numbered: Those that it numbers.
        indexes: The indexes.
        constraints: The names of the constraints, where a statement needs them.
        engine: What keeps the rows, if that cannot undo a change; otherwise None.
    """

    types: dict[str, str] = attrs.field(factory=dict)
    filled: frozenset[str] = frozenset()
    numbered: frozenset[str] = frozenset()
    indexes: tuple[Index, ...] = ()
    constraints: frozenset[str] = frozenset()
    engine: str | None = None


def catalog_of(statements: Statements, dialect: Dialect, table: Table) -> Catalog:
    """Return what the database says of the table; nothing if it has no such table."""
    if isinstance(dialect, PostgreSQL):
        return _catalog_of_postgresql(statements, table)
    if isinstance(dialect, MariaDB):
        return _catalog_of_mariadb(statements, table)
    return _catalog_of_sqlite(statements, table)


# -- SQLite

# Of a table, "pk" tells a column's place in the primary key. Only "INTEGER" alone is another name of the row's number.
_SQLITE_COLUMNS: Final = (
    "SELECT name, type, type = 'INTEGER' COLLATE NOCASE AND pk = 1 AND (SELECT MAX(pk) FROM "
    "pragma_table_info(:name, :schema)) = 1, dflt_value IS NOT NULL FROM pragma_table_xinfo(:name, :schema)"
)

_SQLITE_INDEXES: Final = (
    "SELECT listed.name, listed.origin = 'pk', column_.name, "
    'listed.partial = 0 AND column_."desc" = 0 '
    "FROM pragma_index_list(:name, :schema) listed, pragma_index_xinfo(listed.name, :schema) column_ "
    'WHERE column_."key" = 1 ORDER BY listed.seq, column_.seqno'
)


def _catalog_of_sqlite(statements: Statements, table: Table) -> Catalog:
    named: dict[str, object] = {"name": table.name, "schema": table.schema or "main"}
    columns = statements.execute(_SQLITE_COLUMNS, named)[0]
    return Catalog(
        types={name: type_ for name, type_, _, _ in columns},
        filled=frozenset(name for name, _, _, is_filled in columns if is_filled),
        numbered=frozenset(name for name, _, is_numbered, _ in columns if is_numbered),
        indexes=_indexes(statements.execute(_SQLITE_INDEXES, named)[0]),
    )


# -- PostgreSQL

_POSTGRESQL_COLUMNS: Final = (
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod) || COALESCE(' ' || c.collname, ''), "
    "a.attidentity <> '' OR COALESCE(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%', "
    "d.adbin IS NOT NULL AND a.attgenerated = '' FROM pg_attribute a "
    "LEFT JOIN pg_collation c ON c.oid = a.attcollation AND c.collname <> 'default' "
    "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE a.attrelid = to_regclass(CAST(:path AS text)) AND a.attnum > 0 AND NOT a.attisdropped"
)

_POSTGRESQL_INDEXES: Final = (
    "SELECT c.relname, x.indisprimary, a.attname, m.amname = 'btree' AND x.indpred IS NULL AND x.indisvalid "
    "AND (x.indoption[k.place - 1] & 1) = 0 AND x.indcollation[k.place - 1] = a.attcollation FROM pg_index x "
    "JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am m ON m.oid = c.relam "
    "CROSS JOIN LATERAL generate_series(1, x.indnkeyatts) k (place) "
    "LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[k.place - 1] "
    "WHERE x.indrelid = to_regclass(CAST(:path AS text)) ORDER BY c.relname, k.place"
)

_POSTGRESQL_CONSTRAINTS: Final = "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(CAST(:path AS text))"


def _catalog_of_postgresql(statements: Statements, table: Table) -> Catalog:
    named: dict[str, object] = {"path": table.path}
    columns = statements.execute(_POSTGRESQL_COLUMNS, named)[0]
    return Catalog(
        types={name: type_ for name, type_, _, _ in columns},
        filled=frozenset(name for name, _, _, is_filled in columns if is_filled),
        numbered=frozenset(name for name, _, is_numbered, _ in columns if is_numbered),
        indexes=_indexes(statements.execute(_POSTGRESQL_INDEXES, named)[0]),
        constraints=frozenset(name for (name,) in statements.execute(_POSTGRESQL_CONSTRAINTS, named)[0]),
    )


# -- MariaDB

_OF_MARIADB: Final = "TABLE_SCHEMA = COALESCE(:schema, DATABASE()) AND TABLE_NAME = :name"

_MARIADB_COLUMNS: Final = (
    "SELECT COLUMN_NAME, CONCAT(COLUMN_TYPE, COALESCE(CONCAT(' ', COLLATION_NAME), '')), "
    "EXTRA LIKE '%auto_increment%', COLUMN_DEFAULT IS NOT NULL AND COLUMN_DEFAULT <> 'NULL' "
    f"FROM information_schema.COLUMNS WHERE {_OF_MARIADB}"
)

_MARIADB_INDEXES: Final = (
    "SELECT INDEX_NAME, INDEX_NAME = 'PRIMARY', COLUMN_NAME, "
    "INDEX_TYPE = 'BTREE' AND SUB_PART IS NULL AND COLLATION = 'A' "
    f"FROM information_schema.STATISTICS WHERE {_OF_MARIADB} ORDER BY INDEX_NAME, SEQ_IN_INDEX"
)

_MARIADB_CONSTRAINTS: Final = f"SELECT CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS WHERE {_OF_MARIADB}"

_MARIADB_ENGINE: Final = (
    "SELECT e.ENGINE FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE "
    f"WHERE {_OF_MARIADB} AND COALESCE(e.SAVEPOINTS, 'NO') <> 'YES'"
)


def _catalog_of_mariadb(statements: Statements, table: Table) -> Catalog:
    named: dict[str, object] = {"name": table.name, "schema": table.schema}
    columns = statements.execute(_MARIADB_COLUMNS, named)[0]
    engines = statements.execute(_MARIADB_ENGINE, named)[0]
    return Catalog(
        types={name: type_ for name, type_, _, _ in columns},
        filled=frozenset(name for name, _, _, is_filled in columns if is_filled),
        numbered=frozenset(name for name, _, is_numbered, _ in columns if is_numbered),
        indexes=_indexes(statements.execute(_MARIADB_INDEXES, named)[0]),
        constraints=frozenset(name for (name,) in statements.execute(_MARIADB_CONSTRAINTS, named)[0]),
        engine=engines[0][0] if engines else None,
    )


def _indexes(rows: Iterable[Sequence[Any]]) -> tuple[Index, ...]:
    """Return the indexes from one row for each column: index, whether primary, column, whether it can be relied on."""
    found: dict[str, tuple[bool, list[str | None]]] = {}
    for name, is_primary, column, serves in rows:
        found.setdefault(name, (bool(is_primary), []))[1].append(column if serves else None)
    return tuple(
        Index(name=name, columns=_until_none(columns), is_primary=is_primary)
        for name, (is_primary, columns) in found.items()
    )


def _until_none(columns: list[str | None]) -> tuple[str, ...]:
    kept = []
    for column in columns:
        if column is None:
            break
        kept.append(column)
    return tuple(kept)
