"""Run one unit of SQL work in a transaction, and run it again when the database says so (R21)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, TypeVar

from ...exceptions import CorruptRowError, StoreError, StoreUnavailableError, TablesMissingError, TransactionAborted
from .._drivers.port import DatabaseFailure, FailureKind, Statements

MAX_ATTEMPTS: Final = 4
"""Times one unit of work is begun, the first and three more, unless a database that is out of reach is waited for."""

_PATIENCE: Final = 5.0
"""Seconds after which work is not begun again; the time-out of a lock may have spent them all."""

_PAUSE: Final = 0.02
"""Seconds of the longest first pause; it doubles, and each is drawn at random, so that losers do not meet again."""

_LONGEST_PAUSE: Final = 0.5
"""Seconds of the longest pause of all. Whoever waits for a restart is no later than this."""

_Result = TypeVar("_Result")


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
        TablesMissingError: A table is not there.
        CorruptRowError: A row holds what cannot be read.
        StoreError: Anything else that a program must look at.
    """
    give_up_at = time.monotonic() + _PATIENCE
    may_be_stored = False
    attempt = 0
    while True:
        attempt += 1
        error: type[StoreError] = StoreError
        is_final = False
        retry_until = 0.0
        try:
            with lend() as statements:
                return work(statements, may_be_stored)
        except CorruptRowError as corrupt:
            kind, code, error = FailureKind.OTHER, corrupt.code, CorruptRowError
        except DatabaseFailure as failure:
            kind, code, is_final = failure.kind, failure.code, failure.is_final
            retry_until = failure.retry_until
            # Whatever the failure is called: looking once more costs little, and doing it twice would be two events.
            may_be_stored = may_be_stored or failure.committing
        # Raised outside the except clauses: an error's __context__ would carry the driver's text along (R14).
        if kind == FailureKind.NO_TABLE:
            raise TablesMissingError(operation, code)
        if kind not in (FailureKind.RETRYABLE, FailureKind.UNAVAILABLE):
            raise error(operation, code)
        if is_final and kind == FailureKind.RETRYABLE:
            raise TransactionAborted(operation, code)
        now = time.monotonic()
        # Out of reach: as long as this outage lasts no longer than it may. Lost to others: a few times.
        goes_on = now < retry_until or (attempt < MAX_ATTEMPTS and now < give_up_at)
        if is_final or not goes_on:
            raise StoreUnavailableError(operation, code)
        # Here: only a transaction that comes again needs it.
        import random

        time.sleep(random.SystemRandom().uniform(0, min(_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)))
