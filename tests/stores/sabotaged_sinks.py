"""Audit sinks that each break one rule, as real ones have."""

# ruff: noqa: D102  Each class says what its method does wrong.
from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Self

import attrs

from portalcreds.audit import AuditEvent
from portalcreds.exceptions import StoreError
from portalcreds.stores.memory import MemoryAccountStore


class DropsEventsWithoutContact(MemoryAccountStore):
    """An inner join with the accounts."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        super().record([event for event in events if event.contact_id is not None])


class LosesCounts(MemoryAccountStore):
    """A column that the mapping forgot."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        super().record([attrs.evolve(event, count=None) for event in events])


class ReversesBatches(MemoryAccountStore):
    """A stack that is emptied from its top."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        super().record(events[::-1])


class Overwrites(MemoryAccountStore):
    """A file opened for writing, not for appending."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        self._events.clear()
        super().record(events)


class CutsTexts(MemoryAccountStore):
    """A column of 100 characters and a database that is not strict."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        super().record([attrs.evolve(event, source=event.source and event.source[:100]) for event in events])


class FailsOnNothing(MemoryAccountStore):
    """INSERT without VALUES."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        super().record([events[0], *events[1:]])


class SwallowsErrors(MemoryAccountStore):
    """except Exception: logger.exception(...)."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        with suppress(Exception):
            super().record(events)


class DropsWhatDoesNotFit(MemoryAccountStore):
    """INSERT IGNORE."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        super().record([event for event in events if (event.count or 0) < 2**63 and len(event.event_id) < 1000])


class StopsForGood(MemoryAccountStore):
    """A transaction that failed and that nobody rolled back."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        if self._failed or any((event.count or 0) >= 2**63 for event in events):
            self._failed = True
            raise StoreError("record", "aborted")
        super().record(events)

    _failed = False


class QuotesEvents(MemoryAccountStore):
    """A driver's error, with the row that it could not insert."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        for event in events:
            if (event.count or 0) >= 2**63:
                raise StoreError("record", f"out of range: {event}")
        super().record(events)


class DropsLookalikes(MemoryAccountStore):
    """A unique key over everything but the event's id, and ON CONFLICT DO NOTHING."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        seen = {str(attrs.evolve(event, event_id="")) for event in self._events}
        super().record([event for event in events if str(attrs.evolve(event, event_id="")) not in seen])


class Shares(MemoryAccountStore):
    """Two sinks over one place, and nothing the matter with them."""

    def another(self) -> Self:
        """Return another sink over the same place."""
        other = type(self)()
        other._lock, other._events = self._lock, self._events
        return other


class Buffers(Shares):
    """Events wait in the process until there are enough of them."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[AuditEvent] = []

    def record(self, events: Sequence[AuditEvent], /) -> None:
        self._waiting.extend(events)

    def events(self, contact_id: str | None = None, *, limit: int | None = None) -> tuple[AuditEvent, ...]:
        return (*self._events, *self._waiting)
