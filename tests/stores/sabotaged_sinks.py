"""Audit sinks that each break one rule, as real ones have."""

# ruff: noqa: D102  Each class says what its method does wrong.
from __future__ import annotations

from collections.abc import Sequence

import attrs

from portalcreds.audit import AuditEvent
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


class RefusesOddText(MemoryAccountStore):
    """A driver's UnicodeEncodeError over what a client sent."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        for event in events:
            (event.source or "").encode()
        super().record(events)


class FailsOnNothing(MemoryAccountStore):
    """INSERT without VALUES."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        super().record([events[0], *events[1:]])
