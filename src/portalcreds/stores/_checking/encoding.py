"""Find out whether a database, and the connection to it, can carry every character."""

from __future__ import annotations

from typing import Final

from .._drivers.dialect import Dialect
from .._drivers.mariadb import MariaDB
from .._drivers.port import Statements
from .._drivers.postgresql import PostgreSQL
from ..table_faults import TableFault, TableFaultKind

_UTF8: Final = frozenset(("UTF8", "UTF-8", "UTF8MB4"))

_POSTGRESQL: Final = {
    "the database": (
        "SELECT current_setting('server_encoding')",
        "make another one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
    ),
    "the connection": ("SELECT current_setting('client_encoding')", "let the driver connect with client_encoding=utf8"),
}
_MARIADB: Final = {
    "the connection": ("SELECT @@character_set_client", "let the driver connect with charset=utf8mb4"),
}
_SQLITE: Final = {
    "the database": ("PRAGMA encoding", "make another file, with PRAGMA encoding = 'UTF-8' before its first table"),
}


def find_encoding_fault(statements: Statements, dialect: Dialect) -> TableFault | None:
    """Return what is wrong with the encoding, of which each column would otherwise be a fault of its own; or None."""
    asked = _POSTGRESQL if isinstance(dialect, PostgreSQL) else _MARIADB if isinstance(dialect, MariaDB) else _SQLITE
    for subject, (question, hint) in asked.items():
        ((answer,),) = statements.execute(question, {})[0]
        # Without an encoding, psycopg leaves text as it came.
        encoding = answer.decode("ascii", "replace") if isinstance(answer, bytes) else str(answer)
        if encoding.upper() not in _UTF8:
            return TableFault(
                table=subject,
                part=None,
                kind=TableFaultKind.ENCODING,
                detail=f"is encoded in {encoding}, and not in UTF-8",
                hint=hint,
            )
    return None
