"""Read accounts, decide about each, write what was decided, and decide again where somebody else wrote first (R3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from ._arguments import number_in
from ._chunks import chunks
from .accounts import Account
from .audit import AuditEvent, AuditKind
from .contacts import ContactId
from .exceptions import (
    CorruptRowError,
    PortalCredsError,
    StaleAccountError,
    StoreError,
    StoreUnavailableError,
    TablesMissingError,
    TransactionAborted,
)
from .protocols import AccountStore, ApplyResult, AuditSink, Change, ChangeHook, Clock

AT_A_TIME: Final = 500
"""Accounts read and written at a time, in one short transaction each."""

_LONG: Final = 1.0
"""Seconds that others may wait for a bulk of changes; they give up after five, if their host says nothing else."""

_ROWS_TRIED: Final = 8
"""Rows that may fail one after another, from the first one on, before the store is at fault and not the rows."""

_T = TypeVar("_T")

Accounts = Mapping[ContactId, Account]


class Write(NamedTuple, Generic[_T]):
    """A change to be written, and the outcome once it is written."""

    change: Change
    outcome: _T


class NotWritten(NamedTuple):
    """
    Nothing was written for a contact.

    Attributes:
        error: What to raise where the contact was the only one, or None if the user name is taken.
    """

    error: PortalCredsError | None

    @property
    def code(self) -> str:
        """Why: ``username_taken``, ``kept_changing``, ``store_unavailable`` or ``store_refused``."""
        if self.error is None:
            return ApplyResult.USERNAME_TAKEN.value
        if isinstance(self.error, StaleAccountError):
            return "kept_changing"
        return "store_unavailable" if isinstance(self.error, StoreUnavailableError) else "store_refused"


Decide = Callable[[Sequence[ContactId], Accounts], Mapping[ContactId, Write[_T] | _T]]
"""Returns for each of the contacts what to write, or an outcome without writing, given the accounts there are."""


_OF_ALL_ROWS: Final = (StoreUnavailableError, TablesMissingError, TransactionAborted)
"""Errors that are no fault of one row: asking for each by itself would only take longer."""


class _Pace:
    """How many changes are written at once: twice as many each time, as long as nobody waits long for them."""

    def __init__(self, most: int) -> None:
        self.size = AT_A_TIME
        self._most = most

    @contextmanager
    def timed(self, count: int) -> Iterator[None]:
        """Write so many, and learn from how long it takes."""
        began = time.monotonic()
        yield
        seconds = time.monotonic() - began
        if seconds > 2 * _LONG:
            self.size = max(self.size // 2, AT_A_TIME)
        elif seconds < _LONG and count >= self.size:
            self.size = min(2 * self.size, self._most)


class Ledger:
    """
    The one place where accounts are changed.

    Args:
        store: The accounts.
        audit: Where a failed notification goes on the record.
        clock: Tells the time.
        on_change: Called for each committed change that ends sessions.
    """

    def __init__(self, *, store: AccountStore, audit: AuditSink, clock: Clock, on_change: ChangeHook | None) -> None:
        self.store = store
        self._at_once: int = getattr(store, "at_once", AT_A_TIME)
        number_in("at_once", self._at_once, least=AT_A_TIME)
        self.audit = audit
        self.clock = clock
        self.on_change = on_change

    def settle(
        self,
        contact_ids: Iterable[ContactId],
        decide: Decide[_T],
        *,
        rounds: int,
        known: Accounts | None = None,
        is_bulk: bool = False,
    ) -> Iterator[tuple[ContactId, _T | NotWritten]]:
        """
        Yield each contact's outcome as soon as it is final; an error that is raised later does not undo it.

        A writer with a stale version re-reads and decides again. A row that the database cannot give or take leaves
        its neighbours alone. After the first outage the store is not asked again.

        Args:
            contact_ids: Whose accounts; each contact once.
            decide: Decides about some of them. It may be called again for the same contact.
            rounds: How often each contact is decided about at most.
            known: The accounts, if they were read just now: at most 500.
            is_bulk: Whether as many are written at once as a `BulkStore` does best, although others wait for that.

        Raises:
            TablesMissingError: The store has no tables.
            TransactionAborted: The store is in a transaction of the host's, which has to be run again.
        """
        outage: StoreUnavailableError | None = None
        pace = _Pace(self._at_once if is_bulk else AT_A_TIME)
        remaining = iter(contact_ids)
        while pending := list(islice(remaining, pace.size)):
            failure: StoreError | None = outage
            try:
                for _ in range(rounds if outage is None else 0):
                    if pending:
                        pending = yield from self._round(pending, decide, known, pace)
                    known = None
            except (TablesMissingError, TransactionAborted):
                raise
            except StoreError as error:
                failure = error
                outage = error if isinstance(error, StoreUnavailableError) else None
            for contact_id in pending:
                yield contact_id, NotWritten(failure or StaleAccountError(contact_id))

    def settle_one(
        self, contact_id: ContactId, decide: Callable[[Account | None], Write[_T] | _T], *, rounds: int
    ) -> _T | None:
        """
        Return the outcome for one contact, or None if the user name is taken that was to be written.

        Raises:
            PortalCredsError: What *decide* raises, or why nothing was written.
        """

        def decide_one(_: Sequence[ContactId], found: Accounts) -> dict[ContactId, Write[_T] | _T]:
            return {contact_id: decide(found.get(contact_id))}

        ((_, outcome),) = self.settle([contact_id], decide_one, rounds=rounds)
        if not isinstance(outcome, NotWritten):
            return outcome
        if outcome.error is not None:
            raise outcome.error
        return None

    def read(self, contact_ids: Sequence[ContactId]) -> tuple[Accounts, Mapping[ContactId, StoreError]]:
        """
        Return the accounts there are, and the errors of the contacts whose rows cannot be read.

        Raises:
            StoreUnavailableError: The store could not be reached.
            TransactionAborted: The store is in a transaction of the host's, which has to be run again.
            StoreError: The store is closed or defective: no row can be read, and none says that it is corrupt.
        """
        if len(contact_ids) > 1:
            try:
                return self.store.find_many(contact_ids), {}
            except _OF_ALL_ROWS:
                raise
            except StoreError:
                # Somebody else may have written one row, with what no account can hold.
                pass
        found: dict[ContactId, Account] = {}
        unreadable: dict[ContactId, StoreError] = {}
        unexplained = 0
        for tried, contact_id in enumerate(contact_ids, 1):
            try:
                found.update(self.store.find_many([contact_id]))
            except _OF_ALL_ROWS:
                raise
            except CorruptRowError as error:
                unreadable[contact_id] = error
            except StoreError as error:
                unreadable[contact_id] = error
                unexplained += 1
                if unexplained == tried == min(_ROWS_TRIED, len(contact_ids)):
                    raise
        return found, unreadable

    def has_recorded(self, contact_id: ContactId, kind: AuditKind, operation_id: str) -> bool:
        """Return whether the record tells that an operation did this to the contact's account."""
        # The protocols for writing the record say nothing about reading it. The services ask for it.
        events: Callable[[ContactId], Iterable[AuditEvent]] = self.store.events  # type: ignore[attr-defined]  # By attribute.
        return any(event.kind == kind and event.operation_id == operation_id for event in events(contact_id))

    def tell(self, change: Change) -> None:
        """Tell the host of a committed change that ended sessions. A failure of the hook goes on the record."""
        old, new = change.old, change.new
        if self.on_change is None or old is None or old.credential.epoch == new.credential.epoch:
            return
        try:
            self.on_change(new, change.events[0])
        except Exception as error:  # noqa: BLE001  A host's mail server may fail in any way.
            failed = AuditEvent(
                kind=AuditKind.NOTIFICATION_FAILED,
                at=self.clock(),
                contact_id=new.contact_id,
                # The class only: the text of the host's error may quote an address or a name (R14).
                reason=type(error).__name__,
                operation_id=change.events[0].operation_id,
            )
            try:
                self.audit.record([failed])
            except TransactionAborted:
                raise
            except Exception:  # noqa: BLE001, S110  The sink is the host's too, and the change is committed.
                pass

    def _round(
        self, contact_ids: Sequence[ContactId], decide: Decide[_T], known: Accounts | None, pace: _Pace
    ) -> Generator[tuple[ContactId, _T | NotWritten], None, list[ContactId]]:
        """Read and decide piece by piece, and write once; return the contacts whose version was stale."""
        decided: dict[ContactId, Write[_T] | _T] = {}
        unreadable: dict[ContactId, StoreError] = {}
        for piece in chunks(contact_ids, AT_A_TIME):
            found, corrupt = self.read(piece) if known is None else (known, {})
            unreadable |= corrupt
            readable = [contact_id for contact_id in piece if contact_id not in corrupt]
            decided |= decide(readable, found) if readable else {}
        writes = {contact_id: step for contact_id, step in decided.items() if isinstance(step, Write)}
        with pace.timed(len(writes)):
            results = self._apply([step.change for step in writes.values()]) if writes else []
        for contact_id, error in unreadable.items():
            yield contact_id, NotWritten(error)
        for contact_id, outcome in decided.items():
            if not isinstance(outcome, Write):
                yield contact_id, outcome
        stale: list[ContactId] = []
        committed: list[Change] = []
        for (contact_id, step), result in zip(writes.items(), results, strict=True):
            if result == ApplyResult.APPLIED:
                yield contact_id, step.outcome
                committed.append(step.change)
            elif result == ApplyResult.STALE:
                stale.append(contact_id)
            else:
                yield contact_id, NotWritten(result if isinstance(result, StoreError) else None)
        # Last, so that every outcome is yielded even if a hook is interrupted.
        # By attribute: a sink need not be an AuditForwarder.
        forward = getattr(self.audit, "forward", None)
        for change in committed:
            if callable(forward):
                forward(change.events)
            self.tell(change)
        return stale

    def _apply(self, changes: Sequence[Change]) -> Sequence[ApplyResult | StoreError]:
        """Return for each change the store's result, or the error if the store refused this change alone."""
        try:
            return self.store.apply(changes)
        except _OF_ALL_ROWS:
            raise
        except StoreError as error:
            if len(changes) == 1:
                return [error]
        # A trigger or a CHECK of the host's refuses one row, and with it the whole statement or transaction.
        results: list[ApplyResult | StoreError] = []
        for piece in chunks(changes, AT_A_TIME if len(changes) > AT_A_TIME else 1):
            try:
                results.extend(self._apply(piece))
            except StoreUnavailableError as error:
                # Each of the rest would wait as long.
                results.extend([error] * (len(changes) - len(results)))
                break
        return results
