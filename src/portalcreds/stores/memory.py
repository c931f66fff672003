"""Keep accounts, audit events, jobs and counts of attempts in this process's memory, for tests and notebooks."""

from __future__ import annotations

import copy
import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING

from .._arguments import (
    attempt_key_in,
    attempt_keys_in,
    changes_in,
    contact_id_in,
    contact_ids_in,
    events_asked_in,
    events_in,
    instant_in,
    kinds_in,
    query_in,
    status_query_in,
    username_key_in,
    username_keys_in,
    window_in,
)
from .._closing import Closing
from .._memory_jobs import MemoryJobStore
from ..account_queries import AccountPage, AccountQuery
from ..accounts import Account
from ..audit import AuditEvent, AuditKind, purged
from ..contacts import ContactId
from ..protocols import ApplyResult, Change, Clock, utc_now
from ._one_process import OneProcess

if TYPE_CHECKING:
    from ..status_counts import StatusGroup, StatusQuery


class MemoryAccountStore(Closing, MemoryJobStore):
    """
    An `AccountStore`, `AuditSink`, `JobStore` and `CensusStore` in memory: everything is gone when the process ends.

    Safe to use from several threads. It is the shortest statement of what the SQL stores do.
    """

    is_of_one_process = True
    """What is kept here is seen by this process alone."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._accounts: dict[ContactId, Account] = {}
        self._owners: dict[str, ContactId] = {}
        self._events: list[AuditEvent] = []
        self._counter = MemoryAttemptCounter()

    def close(self) -> None:
        """Do nothing: the accounts stay. It is there for the stores that have something to close."""

    def counter(self, *, clock: Clock = utc_now) -> MemoryAttemptCounter:
        """Return a counter; all of one store's share their counts, as those of the stores in a database do."""
        counter = copy.copy(self._counter)
        counter._clock = clock
        return counter

    def find(self, contact_id: ContactId, /) -> Account | None:
        """Return the contact's account, or None."""
        contact_id = contact_id_in(contact_id)
        with self._lock:
            return self._accounts.get(contact_id)

    def find_by_username(self, username_key: str, /) -> Account | None:
        """Return the account with this `username_key`, or None."""
        username_key = username_key_in(username_key)
        with self._lock:
            owner = self._owners.get(username_key)
            return None if owner is None else self._accounts[owner]

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        """Return the accounts of those of the contacts that have one, by contact id."""
        contact_ids = contact_ids_in(contact_ids)
        with self._lock:
            return {
                contact_id: self._accounts[contact_id] for contact_id in contact_ids if contact_id in self._accounts
            }

    def find_owners(self, username_keys: Sequence[str], /) -> Mapping[str, ContactId]:
        """Return whose these `username_key` s are; nobody's are left out."""
        username_keys = username_keys_in(username_keys)
        with self._lock:
            return {key: self._owners[key] for key in username_keys if key in self._owners}

    def search(self, query: AccountQuery, /) -> AccountPage:
        """Return one page, in the order of `AccountQuery.sort_key`."""
        query = query_in(query)
        position = query.position
        keyed = [(query.sort_key(account), account) for account in self._snapshot() if query.matches(account)]
        after = keyed if position is None else [pair for pair in keyed if pair[0] > position]
        first = heapq.nsmallest(query.limit + 1, after, key=itemgetter(0))
        return query.page([account for _, account in first])

    def count(self, query: AccountQuery, /) -> int:
        """Return how many accounts match on all pages."""
        query = query_in(query)
        return sum(map(query.matches, self._snapshot()))

    def count_statuses(self, query: StatusQuery, /) -> Mapping[StatusGroup, int]:
        """Return how many accounts are in each group."""
        return status_query_in(query).count(self._snapshot())

    def find_epoch(self, contact_id: str, /) -> int | None:
        """Return the account's epoch, or None without one."""
        account = self.find(ContactId(contact_id))
        return None if account is None else account.credential.epoch

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        """Store each change if -- and only if -- its *old* account is still what is stored, with its events."""
        changes = changes_in(changes)
        with self._lock:
            return tuple([self._apply(change) for change in changes])

    def record(self, events: Sequence[AuditEvent], /) -> None:
        """Append the events."""
        events = events_in(events)
        with self._lock:
            self._events.extend(events)

    def events(self, contact_id: str | None = None, *, limit: int | None = None) -> tuple[AuditEvent, ...]:
        """
        Return the recorded events, oldest first.

        Args:
            contact_id: Only events about this contact; None for all.
            limit: Only the last so many; None for all.
        """
        events_asked_in(contact_id, limit)
        with self._lock:
            found = [event for event in self._events if contact_id is None or event.contact_id == contact_id]
        return tuple(found if limit is None else found[max(0, len(found) - limit) :])

    def purge_events(self, before: datetime, /, *, kinds: Iterable[AuditKind] = ()) -> int:
        """Remove the events of before an instant, only those of some kinds if there are any; return how many."""
        before, wanted = instant_in("before", before), kinds_in(kinds)
        with self._lock:
            kept = [event for event in self._events if event.at >= before or (wanted and event.kind not in wanted)]
            removed = len(self._events) - len(kept)
            self._events = kept + purged(removed)
        return removed

    def _snapshot(self) -> list[Account]:
        with self._lock:
            return list(self._accounts.values())

    def _apply(self, change: Change) -> ApplyResult:
        new = change.new
        stored = self._accounts.get(new.contact_id)
        stored_version = None if stored is None else stored.version
        if stored_version != (None if change.old is None else change.old.version):
            return ApplyResult.STALE
        key = new.username_key
        if key is not None and self._owners.get(key, new.contact_id) != new.contact_id:
            return ApplyResult.USERNAME_TAKEN
        if stored is not None and stored.username_key is not None:
            del self._owners[stored.username_key]
        if key is not None:
            self._owners[key] = new.contact_id
        self._accounts[new.contact_id] = new
        self._events.extend(change.events)
        return ApplyResult.APPLIED


class MemoryAttemptCounter:
    """
    An `AttemptCounter` in memory: it counts for one process only, and forgets when that ends.

    Two of them share nothing: make one, and pass it to every `Throttle`. It warns when it was made before a fork, as
    by a server that loads the application once for several workers.

    Each hit removes up to two counts whose windows ended, so there are never more than were alive at the busiest time.

    Args:
        clock: Tells when windows end.
    """

    is_of_one_process = True
    """What is kept here is seen by this process alone."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._process = OneProcess()
        self._lock = Lock()
        self._counts: dict[str, tuple[int, datetime | None]] = {}
        # When to look at which count, soonest first.
        self._ends: list[tuple[datetime, str]] = []

    def hit(self, key: str, window: timedelta | None, /) -> int:
        """Add one and return the new count; the first hit decides when it is forgotten."""
        key = attempt_key_in(key)
        window_in(window)
        self._process.check()
        now = self._clock()
        with self._lock:
            live = self._live(key, now)
            if live is None:
                live = 0, None if window is None else now + window
                if window is not None:
                    heapq.heappush(self._ends, (now + window, key))
            n, ends_at = live
            self._counts[key] = n + 1, ends_at
            self._sweep(now)
            return n + 1

    def counts(self, keys: Sequence[str], /) -> tuple[int, ...]:
        """Return the count of each key, 0 where there is none or it was forgotten."""
        keys = attempt_keys_in(keys)
        now = self._clock()
        with self._lock:
            live = [self._live(key, now) for key in keys]
        return tuple(0 if one is None else one[0] for one in live)

    def clear(self, key: str, /) -> None:
        """Forget the count."""
        key = attempt_key_in(key)
        with self._lock:
            self._counts.pop(key, None)

    def purge(self) -> int:
        """Remove the counts whose windows ended, and return how many."""
        now = self._clock()
        with self._lock:
            ended = [key for key in self._counts if self._live(key, now) is None]
            for key in ended:
                del self._counts[key]
            return len(ended)

    def _sweep(self, now: datetime) -> None:
        # One more than a hit adds, so that what was left behind by quiet hours goes too.
        for _ in range(2):
            if self._ends and self._ends[0][0] <= now:
                _, key = heapq.heappop(self._ends)
                # It may have been cleared and counted anew since.
                if self._live(key, now) is None:
                    self._counts.pop(key, None)

    def _live(self, key: str, now: datetime) -> tuple[int, datetime | None] | None:
        n, ends_at = self._counts.get(key, (0, now))
        return None if ends_at is not None and ends_at <= now else (n, ends_at)
