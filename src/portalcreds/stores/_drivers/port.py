"""The port: what reaches a database, and how it says that something failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, Protocol


class FailureKind(StrEnum):
    """What a driver's error means for the work it interrupted."""

    RETRYABLE = "retryable"
    """The database undid the work because of others: a serialization failure, a deadlock, a lock that stayed held."""

    UNAVAILABLE = "unavailable"
    """The database is out of reach. If it was lost at COMMIT, nobody knows yet whether the work is stored."""

    DUPLICATE = "duplicate"
    """There is such a key already."""

    NO_TABLE = "no_table"
    """A table is not there."""

    OTHER = "other"
    """A defect: no right, a value that cannot be bound or breaks a CHECK."""


class DatabaseFailure(Exception):  # noqa: N818  Never leaves this folder; what does is a StoreError.
    """
    A driver's error without its text and parameters, which may quote what must not be quoted (R14).

    Attributes:
        kind: What it means.
        code: The SQLSTATE, the error's number or the name of its class.
        committing: Whether COMMIT had been sent.
        is_final: Whether trying again is for the owner of the transaction, which is not the store (R20).
        retry_until: Of a database that is out of reach, until when to go on trying, by the monotonic clock.
    """

    def __init__(self, kind: FailureKind, code: str, *, committing: bool = False, is_final: bool = False) -> None:
        super().__init__(kind.value, code)
        self.kind = kind
        self.code = code
        self.committing = committing
        self.is_final = is_final
        self.retry_until: float = 0.0


class Statements(Protocol):
    """**Protocol:** The statements of one transaction, with ``:name`` parameters. Raises only `DatabaseFailure`."""

    @property
    def driver(self) -> str:
        """The name of the driver's module."""
        ...

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> tuple[Sequence[Sequence[Any]], int]:
        """Return the rows, and the number of rows found or changed."""
        ...

    def execute_rows(
        self, sql: str, between: str, parameters: Mapping[str, object], rows: Sequence[Sequence[object]], /
    ) -> tuple[Sequence[Sequence[Any]], int]:
        """
        Execute with rows of values in the place of ``:rows``.

        Args:
            sql: The statement.
            between: What stands between two rows, such as ``), (`` where it says ``VALUES (:rows)``.
            parameters: What it is bound to besides.
            rows: At least one; all of one length.
        """
        ...

    def execute_each(self, sql: str, names: Sequence[str], rows: Sequence[Sequence[object]], /) -> list[int | None]:
        """
        Execute once for each row of values, prepared once, where a refused statement leaves the others as they are.

        Args:
            sql: The statement.
            names: Which parameter each value of a row is for.
            rows: The values.

        Returns:
            For each row the number of rows changed, or None if there was such a key already.
        """
        ...


class Port(Protocol):
    """**Protocol:** Reaches a database."""

    @property
    def is_borrowed(self) -> bool:
        """Whether the transaction is the host's, who ends it (R20)."""
        ...

    @property
    def at_once(self) -> int:
        """How many changes one transaction writes best."""
        ...

    def reading(self) -> AbstractContextManager[Statements]:
        """Lend statements that only read, each of which may see a newer state than the one before."""
        ...

    def transaction(self, *, durable: bool = True, changes: int = 1) -> AbstractContextManager[Statements]:
        """
        Lend statements that are committed together when the block ends, or undone together when it raises.

        Args:
            durable: Whether the commit must survive a power failure; False where losing the last moment does no harm.
            changes: About how many accounts are written.
        """
        ...
