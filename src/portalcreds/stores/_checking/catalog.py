"""Ask a database what it says a table is."""

# ruff: noqa: S608  No values are in these statements; names are parameters.
from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any, Final

import attrs

from .._drivers.dialect import Dialect
from .._drivers.mariadb import MariaDB
from .._drivers.port import Statements
from .._drivers.postgresql import PostgreSQL
from .._sql.schema import Table


@attrs.frozen(kw_only=True, eq=False)
class Catalog:
    """
    What a database says of one table. What can be tried is tried, and not read here.

    Attributes:
        types: What each column is, in the database's words.
        numbered: The columns that the database numbers.
        indexes: By its name, the columns that each index begins with, whether it was made by itself or for a
            constraint: none of what follows an expression, a part of a column or a descending one, and none at all if
            it does not cover every row.
        names: The names of indexes and constraints, which are taken.
        engine: What keeps the rows, if that cannot undo a change; otherwise None.
    """

    types: dict[str, str] = attrs.field(factory=dict)
    numbered: frozenset[str] = frozenset()
    indexes: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    names: frozenset[str] = frozenset()
    engine: str | None = None


@attrs.frozen(kw_only=True, eq=False)
class _Questions:
    """
    What one database is asked about the table ``:name`` of ``:schema``, which are ``:path`` together.

    Attributes:
        columns: Its name, its type and whether it is numbered; one row for each column.
        indexes: Name, column and whether that can be relied on; one row for each column of an index.
        constraints: One row for the name of each.
        engine: One row for what keeps the rows, if that cannot undo a change.
    """

    columns: str
    indexes: str
    constraints: str | None = None
    engine: str | None = None


def read_catalog(statements: Statements, dialect: Dialect, table: Table) -> Catalog:
    """Return what the database says of the table; nothing if it has no such table."""
    questions = _questions_for(dialect)

    def ask(question: str | None) -> Sequence[Sequence[Any]]:
        named = {"name": table.name, "schema": table.schema, "path": table.path}
        return () if question is None else statements.execute(question, named)[0]

    columns = ask(questions.columns)
    indexes = _gather_indexes(ask(questions.indexes))
    engines = ask(questions.engine)
    return Catalog(
        types={name: type_ for name, type_, _ in columns},
        numbered=frozenset(name for name, _, is_numbered in columns if is_numbered),
        indexes=indexes,
        names=frozenset([*indexes, *(name for (name,) in ask(questions.constraints))]),
        engine=engines[0][0] if engines else None,
    )


def _questions_for(dialect: Dialect) -> _Questions:
    if isinstance(dialect, PostgreSQL):
        return _POSTGRESQL
    return _MARIADB if isinstance(dialect, MariaDB) else _SQLITE


# Of a table, "pk" tells a column's place in the primary key. Only "INTEGER" alone is another name of the row's number.
_SQLITE: Final = _Questions(
    columns=(
        "SELECT name, type, type = 'INTEGER' COLLATE NOCASE AND pk = 1 AND (SELECT MAX(pk) FROM "
        "pragma_table_info(:name, COALESCE(:schema, 'main'))) = 1 "
        "FROM pragma_table_xinfo(:name, COALESCE(:schema, 'main'))"
    ),
    indexes=(
        "SELECT listed.name, column_.name, "
        'listed.partial = 0 AND column_."desc" = 0 '
        "FROM pragma_index_list(:name, COALESCE(:schema, 'main')) listed, "
        "pragma_index_xinfo(listed.name, COALESCE(:schema, 'main')) column_ "
        'WHERE column_."key" = 1 ORDER BY listed.seq, column_.seqno'
    ),
)

_POSTGRESQL: Final = _Questions(
    columns=(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) || COALESCE(' ' || c.collname, ''), "
        "a.attidentity <> '' OR COALESCE(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%' FROM pg_attribute a "
        "LEFT JOIN pg_collation c ON c.oid = a.attcollation AND c.collname <> 'default' "
        "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
        "WHERE a.attrelid = to_regclass(CAST(:path AS text)) AND a.attnum > 0 AND NOT a.attisdropped"
    ),
    indexes=(
        "SELECT c.relname, a.attname, m.amname = 'btree' AND x.indpred IS NULL AND x.indisvalid "
        "AND (x.indoption[k.place - 1] & 1) = 0 AND x.indcollation[k.place - 1] = a.attcollation FROM pg_index x "
        "JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am m ON m.oid = c.relam "
        "CROSS JOIN LATERAL generate_series(1, x.indnkeyatts) k (place) "
        "LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[k.place - 1] "
        "WHERE x.indrelid = to_regclass(CAST(:path AS text)) ORDER BY c.relname, k.place"
    ),
    constraints="SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(CAST(:path AS text))",
)

_OF_MARIADB: Final = "TABLE_SCHEMA = COALESCE(:schema, DATABASE()) AND TABLE_NAME = :name"

_MARIADB: Final = _Questions(
    columns=(
        "SELECT COLUMN_NAME, CONCAT(COLUMN_TYPE, COALESCE(CONCAT(' ', COLLATION_NAME), '')), "
        f"EXTRA LIKE '%auto_increment%' FROM information_schema.COLUMNS WHERE {_OF_MARIADB}"
    ),
    indexes=(
        "SELECT INDEX_NAME, COLUMN_NAME, "
        "INDEX_TYPE = 'BTREE' AND SUB_PART IS NULL AND COLLATION = 'A' "
        f"FROM information_schema.STATISTICS WHERE {_OF_MARIADB} ORDER BY INDEX_NAME, SEQ_IN_INDEX"
    ),
    constraints=f"SELECT CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS WHERE {_OF_MARIADB}",
    engine=(
        "SELECT e.ENGINE FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE "
        f"WHERE {_OF_MARIADB} AND COALESCE(e.SAVEPOINTS, 'NO') <> 'YES'"
    ),
)


def _gather_indexes(rows: Iterable[Sequence[Any]]) -> dict[str, tuple[str, ...]]:
    """Return the columns of each index, up to the first that cannot be relied on."""
    found: dict[str, list[str | None]] = {}
    for name, column, serves in rows:
        found.setdefault(name, []).append(column if serves else None)
    return {name: tuple(takewhile(lambda column: column is not None, columns)) for name, columns in found.items()}  # type: ignore[arg-type]  # No None.
