"""What one database and its drivers say differently. The defaults here are standard SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from ..timeouts import DEFAULT_TIMEOUTS, Timeouts
from .port import DatabaseFailure, FailureKind, Statements
from .row_writer import RowWriter

_UNREACHABLE: Final = frozenset(
    (
        *("OperationalError", "InterfaceError"),  # PEP 249: not the programmer's doing, and the driver's own.
        *("PoolError", "PoolTimeout", "PoolClosed", "TooManyRequests", "TooManyConnections"),  # What lends connections.
    )
)
"""Classes of errors which, without a code of the database's, say that it was not reached."""


class Dialect:
    """
    One database behind one style of drivers.

    Args:
        timeouts: How long a transaction of our own waits.

    Attributes:
        paramstyle: How its usual driver marks parameters, in the words of PEP 249.
        begin: The statement that begins a transaction which will write.
        relaxation: The statement that gives a transaction begun by a driver the level of *begin*, or None.
        at_once: How many changes one transaction of our own writes best. More have others wait for longer.
        serial_writes: Whether the writers of one process queue here, because the database would let them poll.
        creation_commits: Whether CREATE TABLE commits the transaction around it.
        identity: The type and key clause of a column that numbers rows in the order they were added.
        adds_constraints: Whether a table that is there can be given a CHECK and a stored computed column.
        integer: The type of a whole number of 64 bits.
        table_options: What follows the column list of CREATE TABLE.
        keyed_table_options: What follows besides for a table whose rows are kept in the order of its primary key.
        row_writer: Writes many rows at once.
        lock: What follows a SELECT that must see the last committed state and keep it until its transaction ends.
    """

    paramstyle: ClassVar[str] = "pyformat"
    begin: ClassVar[str] = "BEGIN"
    relaxation: ClassVar[str | None] = None
    at_once: ClassVar[int] = 500
    serial_writes: ClassVar[bool] = False
    creation_commits: ClassVar[bool] = False
    adds_constraints: ClassVar[bool] = True
    identity: ClassVar[str]
    integer: ClassVar[str] = "BIGINT"
    table_options: ClassVar[str] = ""
    keyed_table_options: ClassVar[str] = ""
    lock: ClassVar[str] = " FOR UPDATE"
    row_writer: ClassVar[type[RowWriter]] = RowWriter

    def __init__(self, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        self.timeouts = timeouts

    def declare_text(self, length: int) -> str:
        """Return the type of text of *length* code points, compared and sorted by code point, blanks included."""
        raise NotImplementedError

    def compare_exactly(self, column: str) -> str:
        """Return the column so that it is compared code point by code point with a column of the host's."""
        return column

    def quote(self, name: str) -> str:
        """Return the name of a table or column of the host's, whatever characters it has."""
        doubled = name.replace('"', '""')
        return f'"{doubled}"'

    def look_up_sql(self, columns: str, rows: str, key: str, listed: str, lock: str) -> str:
        """
        Return the SELECT of the rows with one of many keys, each looked up in the index of keys.

        Args:
            columns: What to select.
            rows: What follows FROM, up to a condition that more may be added to with AND.
            key: The column of keys.
            listed: The list of an IN; where a key is listed twice, its row may come twice.
            lock: What follows the SELECT.
        """
        return f"SELECT {columns} FROM {rows} AND {key} IN {listed}{lock}"  # noqa: S608  No values.

    def holds_of_one(self, condition: str, rows: str, first: str, second: str, other: str) -> str:
        """
        Return the condition that another condition holds of the one row with two values, by the index that has them.

        Args:
            condition: What must hold.
            rows: What follows FROM, up to a condition that more may be added to with AND.
            first: The first column.
            second: The second, which alone would tell the row; the index begins with the first.
            other: What stands before the columns where the values are taken from.
        """
        # A range of one value keeps a database from looking for the second alone, and CASE from looking for what else
        # is asked.
        row = f"{first} = {other}{first} AND {second} >= {other}{second} AND {second} <= {other}{second}"
        return f"(SELECT MAX(CASE WHEN {condition} THEN 1 ELSE 0 END) FROM {rows} AND {row}) = 1"  # noqa: S608  No values.

    def update_existing(self, keys: str, assignments: str) -> str:
        """Return the clause after an INSERT that makes the *assignments* if the row of *keys* is already there."""
        return f"ON CONFLICT ({keys}) DO UPDATE SET {assignments}"

    def sort_after(self, columns: tuple[str, str], parameters: tuple[str, str]) -> str:
        """Return the condition that a pair of columns sorts after a pair of parameters, so that an index serves it."""
        return f"({', '.join(columns)}) > (:{parameters[0]}, :{parameters[1]})"

    def place_index(self, schema: str, table: str, index: str) -> str:
        """Return an index and its table as CREATE INDEX takes them, where both are in a named schema."""
        return f"{index} ON {schema}.{table}"

    def contains(self, column: str, parameter: str) -> str:
        """Return the condition that a column's text has a parameter's in it, code point by code point."""
        return f"INSTR({column}, :{parameter}) > 0"

    def divide(self, dividend: str, divisor: int) -> str:
        """Return how often a whole number goes into one that is not below zero."""
        return f"({dividend}) / {divisor}"

    def pin_column(self, column: str, parameter: str) -> str:
        """Return the condition that the first column to sort by equals a parameter, so that an index serves both."""
        return f"{column} = :{parameter}"

    @contextmanager
    def room_for(self, statements: Statements, changes: int) -> Iterator[None]:
        """Make room for what a transaction with so many changes writes, on a connection that is ours until it ends."""
        yield

    def set_durability_sql(self, *, durable: bool) -> str | None:
        """Return the statement that sets how much a commit survives, or None if that is up to the database's owner."""
        return None

    def leave_transactions(self, connection: Any) -> Callable[[], None]:  # Any: those of PEP 249 have no common type.
        """Have a driver's connection leave transactions to our own BEGIN and COMMIT; return what undoes that."""
        raise NotImplementedError

    def settle(self, statements: Statements, connection: Any) -> bool:
        """
        Make a new connection that is ours for good fit for our statements.

        Returns:
            Whether its session limits by itself how long a statement waits.
        """
        raise NotImplementedError

    def look_at(self, cursor: Any) -> None:
        """
        Make sure that a cursor answers a statement when it is executed.

        Raises:
            ConfigurationError: Its connection is in a mode in which it does not.
        """

    @contextmanager
    def hurried(self, statements: Statements) -> Iterator[Callable[[str], str]]:
        """Lend what makes a statement fail at once where it would wait; a connection of which one fails is dropped."""
        raise NotImplementedError

    def limit_transaction_sql(self) -> str | None:
        """Return the statement that limits how long what follows in the transaction waits, or None."""
        return None

    def limit_sql(self, sql: str) -> str:
        """Return the statement so that it waits for a limited time, where a transaction cannot be told to."""
        return sql

    def join(self, statements: Statements, cursor: Any) -> None:
        """
        Make sure that what is written next belongs to a transaction that the cursor's owner will end.

        Raises:
            DatabaseFailure: There is none, and each statement would be committed by itself.
        """
        raise NotImplementedError

    def classify(self, error: BaseException) -> DatabaseFailure:
        """Return what a driver's error means, with its code and without its text."""
        raise NotImplementedError


def classify_other(error: BaseException, code: str | None) -> DatabaseFailure:
    """Return the failure for an error without a code of the database's, or with one that says nothing special."""
    # A refused or reset connection may come out of a driver as what the operating system said. By its base classes:
    # psycopg and its pool have their own for each way of not getting a connection.
    names = {kind.__name__ for kind in type(error).__mro__}
    is_away = isinstance(error, OSError) or (code is None and not _UNREACHABLE.isdisjoint(names))
    return DatabaseFailure(FailureKind.UNAVAILABLE if is_away else FailureKind.OTHER, code or type(error).__name__)


def set_autocommit(connection: Any, on: bool) -> Callable[[], None]:
    """Have a connection commit each statement, or none; return what undoes that."""
    switch = connection.autocommit
    if callable(switch):
        was = connection.get_autocommit()
        switch(on)
        return lambda: switch(was)
    was = switch
    connection.autocommit = on

    def undo() -> None:
        connection.autocommit = was

    return undo


def find_driver_error(error: BaseException, *attributes: str) -> BaseException:
    """Return the error that has one of the attributes: Django and SQLAlchemy raise their own from the driver's."""
    while error.__cause__ is not None and not any(hasattr(error, attribute) for attribute in attributes):
        error = error.__cause__
    return error
