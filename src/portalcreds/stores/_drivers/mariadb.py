"""MariaDB through PyMySQL, or another driver that tells error numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any, Final

from .dialect import Dialect, classify_other, set_autocommit
from .listed_rows import ListedRows
from .port import DatabaseFailure, FailureKind, Statements

_UNAVAILABLE: Final = frozenset(
    (
        *(0, 1152, 1158, 1159, 1160, 1161, 1184, 1927),  # Connection closed, aborted, cut off between packets, killed.
        *(1042, 1043, 1047, 1053, 1129),  # Host not resolved, bad handshake, node not ready, shutting down, blocked.
        *(1040, 1135, 1203, 1226),  # Too many connections, no thread for one, a user's share of them spent.
        *(1021, 1037, 1041, 1114),  # Disk full, memory short, table full.
        *(1290, 1836),  # A server that only reads.
        *(1317, 1969),  # Interrupted, or stopped by a statement's time limit.
        1180,  # COMMIT failed.
    )
)
"""Error numbers (MariaDB documentation, error codes)."""


LONGEST_VARCHAR: Final = 16_383
"""Code points of utf8mb4 in the longest VARCHAR that a row can have; longer text is kept beside the row."""


class MariaDB(Dialect):
    """MariaDB: every DDL statement commits; most collations fold."""

    creation_commits = True
    row_writer = ListedRows
    identity = "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"
    table_options = " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

    def declare_text(self, length: int) -> str:
        """Return the type of text in the one collation that folds nothing: even utf8mb4_bin drops blanks at the end."""
        type_ = f"VARCHAR({length})" if length <= LONGEST_VARCHAR else "TEXT"
        return f"{type_} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

    def compare_exactly(self, column: str) -> str:
        """Return the column with its collation: said of one side it holds for both, unsaid neither may be compared."""
        return f"{column} COLLATE utf8mb4_nopad_bin"

    def quote(self, name: str) -> str:
        """Return the name in backquotes."""
        doubled = name.replace("`", "``")
        return f"`{doubled}`"

    def update_existing(self, keys: str, assignments: str) -> str:
        """Return the clause; MariaDB finds the keys by itself."""
        return f"ON DUPLICATE KEY UPDATE {assignments}"

    def sort_after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        """Return the condition without pairs: MariaDB compares pairs, but does not look them up in an index."""
        (first, second), (key, tie) = columns, parameters
        return f"({first} > :{key} OR ({first} = :{key} AND {second} > :{tie}))"

    def divide(self, dividend: str, divisor: int) -> str:
        """Return the division that leaves no fraction."""
        return f"({dividend}) DIV {divisor}"

    def pin_column(self, column: str, parameter: str) -> str:
        """Return the condition as a range of one value."""
        # Told that a column equals a value, it forgets that it sorts by it, and then either walks another index or
        # enters the right one where the value begins and reads up to the page: 0.1 s at a million accounts.
        # Told a range of one value it keeps the order, and only the index of that order serves it, entered at the page.
        return f"{column} >= :{parameter} AND {column} <= :{parameter}"

    def leave_transactions(self, connection: Any) -> Callable[[], None]:
        """Have the driver begin no transactions."""
        return set_autocommit(connection, True)

    def settle(self, statements: Statements, connection: Any) -> bool:
        """Have the server refuse what is too long instead of cutting it, and limit how long a statement waits."""
        statements.execute(f"SET SESSION sql_mode = 'TRADITIONAL,NO_BACKSLASH_ESCAPES', {self._limits()}", {})
        return True

    @contextmanager
    def hurried(self, statements: Statements) -> Iterator[Callable[[str], str]]:
        """Set the time-out for the statement alone."""
        yield "SET STATEMENT innodb_lock_wait_timeout = 0 FOR {}".format

    def limit_sql(self, sql: str) -> str:
        """Return the statement with limits for it alone."""
        # SAVEPOINT, COMMIT and what is about the session wait for nobody.
        is_limited = sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP"))
        return f"SET STATEMENT {self._limits()} FOR {sql}" if is_limited else sql

    def _limits(self) -> str:
        # For rows, for tables that are being altered or are locked, and for a statement as a whole.
        lock = ceil(self.timeouts.lock.total_seconds())
        statement = self.timeouts.statement.total_seconds()
        return f"innodb_lock_wait_timeout = {lock}, lock_wait_timeout = {lock}, max_statement_time = {statement}"

    def join(self, statements: Statements, cursor: Any) -> None:
        """Ask whether there is a transaction: outside one, MariaDB ignores a savepoint without an error."""
        ((in_transaction,),) = statements.execute("SELECT @@autocommit = 0 OR @@in_transaction", {})[0]
        if not in_transaction:
            raise DatabaseFailure(FailureKind.OTHER, "no_transaction")

    def classify(self, error: BaseException) -> DatabaseFailure:
        """Return what the error's number means."""
        while _number(error) is None and error.__cause__ is not None:
            error = error.__cause__  # SQLAlchemy raises its own from the driver's.
        number = _number(error)
        if number is None:
            return classify_other(error, None)
        code = str(number)
        if number == 1062:  # Duplicate entry.
            return DatabaseFailure(FailureKind.DUPLICATE, code)
        if number in (1020, 1205, 1213):  # Record changed, lock wait timeout, deadlock.
            return DatabaseFailure(FailureKind.RETRYABLE, code)
        if number == 1146:  # No such table.
            return DatabaseFailure(FailureKind.NO_TABLE, code)
        if number in _UNAVAILABLE or 2000 <= number < 3000:  # 2000s: the client's own.
            return DatabaseFailure(FailureKind.UNAVAILABLE, code)
        return classify_other(error, code)


def _number(error: BaseException) -> int | None:
    """Return the error's number: the first argument, or an attribute as MariaDB's own connector has it."""
    for found in (error.args[0] if error.args else None, getattr(error, "errno", None)):
        # Below zero are a client's own that say nothing, such as of a pool that has no connection to spare.
        if isinstance(found, int) and found >= 0 and not isinstance(error, OSError):
            return found
    return None
