"""Run one unit of SQL work over whatever reaches a database, and try it again when the database says so (R21)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

from ..exceptions import StoreError, StoreUnavailableError, TransactionAborted

MAX_ATTEMPTS: Final = 4
"""Times one unit of work is begun: the first and three more."""

PATIENCE: Final = 5.0
"""Seconds after which it is not begun again; a database's own lock timeout may have spent them all."""

_PAUSE: Final = 0.02
"""Seconds of the longest first pause; it doubles, and each is drawn at random, so that losers do not meet again."""

_Result = TypeVar("_Result")


class FailureKind(StrEnum):
    """What a driver's error means for the work it interrupted."""

    RETRYABLE = "retryable"
    """The database undid the work because of others: a serialization failure, a deadlock, a lock that stayed held."""

    UNAVAILABLE = "unavailable"
    """The database is out of reach. If it was lost at COMMIT, nobody knows yet whether the work is stored."""

    DUPLICATE = "duplicate"
    """There is such a key already."""

    OTHER = "other"
    """A defect: no table, no right, a value that cannot be bound or breaks a CHECK."""


class DatabaseFailure(Exception):  # noqa: N818  Never leaves this folder; what does is a StoreError.
    """
    A driver's error without its text and parameters, which may quote what must not be quoted (R14).

    Attributes:
        kind: What it means.
        code: The SQLSTATE, the error's number or the name of its class.
        committing: Whether COMMIT had been sent.
        is_final: Whether trying again is for the owner of the transaction, which is not the store (R20).
    """

    def __init__(self, kind: FailureKind, code: str, *, committing: bool = False, is_final: bool = False) -> None:
        super().__init__(kind.value, code)
        self.kind = kind
        self.code = code
        self.committing = committing
        self.is_final = is_final


class CorruptRowError(Exception):
    """A row holds what no account can hold. Carries the name of what is at fault and the contact, no other value."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Statements(Protocol):
    """**Protocol:** The statements of one transaction, with ``:name`` parameters. Raises only `DatabaseFailure`."""

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> tuple[Sequence[Sequence[Any]], int]:
        """Return the rows, and the number of rows found or changed."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, object]], /) -> None:
        """Execute for each of the parameters."""
        ...


class Port(Protocol):
    """**Protocol:** Reaches a database."""

    @property
    def is_borrowed(self) -> bool:
        """Whether the transaction is the host's, who ends it (R20)."""
        ...

    def reading(self) -> AbstractContextManager[Statements]:
        """Lend statements that only read, each of which may see a newer state than the one before."""
        ...

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Statements]:
        """
        Lend statements that are committed together when the block ends, or undone together when it raises.

        Args:
            durable: Whether the commit must survive a power failure; False where losing the last moment does no harm.
        """
        ...


def run(
    operation: str, work: Callable[[Statements, bool], _Result], lend: Callable[[], AbstractContextManager[Statements]]
) -> _Result:
    """
    Return what *work* returns, once its transaction is committed.

    Args:
        operation: The store's method, for errors.
        work: Called anew for each attempt, with the statements and whether an earlier attempt may have been committed.
        lend: `Port.reading` or `Port.transaction`.

    Raises:
        StoreUnavailableError: The database cannot be reached, or stayed busy.
        TransactionAborted: The host's transaction lost a conflict, and the work with it.
        StoreError: Anything else that a program must look at.
    """
    give_up_at = time.monotonic() + PATIENCE
    may_be_stored = False
    attempt = 0
    while True:
        attempt += 1
        is_final = False
        try:
            with lend() as statements:
                return work(statements, may_be_stored)
        except CorruptRowError as corrupt:
            kind, code = FailureKind.OTHER, corrupt.code
        except DatabaseFailure as failure:
            kind, code, is_final = failure.kind, failure.code, failure.is_final
            # Whatever the failure is called: looking once more costs little, and doing it twice would be two events.
            may_be_stored = may_be_stored or failure.committing
        # Raised outside the except clauses: an error's __context__ would carry the driver's text along (R14).
        if kind not in (FailureKind.RETRYABLE, FailureKind.UNAVAILABLE):
            raise StoreError(operation, code)
        if is_final and kind == FailureKind.RETRYABLE:
            raise TransactionAborted(operation, code)
        if is_final or attempt == MAX_ATTEMPTS or time.monotonic() >= give_up_at:
            raise StoreUnavailableError(operation, code)
        time.sleep(random.SystemRandom().uniform(0, _PAUSE * 2 ** (attempt - 1)))
