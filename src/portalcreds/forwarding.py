"""Send what goes on the record to a log as well, such as logging, structlog or OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from .audit import AuditEvent
from .protocols import AuditSink


class ForwardingSink:
    """
    An `AuditSink` that hands each event on once it is on the record, those of changes included.

    Pass it as ``audit=`` to `Portal.over` or to each service. What is handed on is a copy: an event comes at most once,
    and a log that fails undoes nothing and stops nobody. The record is where to catch up.

    Args:
        sink: Where events are recorded, such as the store.
        forward: Called with each event, in the thread that caused it, such as
            ``lambda event: logger.info(event.kind, extra=event.to_record())``.
    """

    def __init__(self, sink: AuditSink, forward: Callable[[AuditEvent], object]) -> None:
        self._sink = sink
        self._forward = forward

    def record(self, events: Sequence[AuditEvent], /) -> None:
        """Record the events, and hand them on if that did not fail."""
        events = list(events)
        self._sink.record(events)
        self.forward(events)

    def forward(self, events: Sequence[AuditEvent], /) -> None:
        """Hand on events that a store has recorded together with their change."""
        for event in events:
            # A host's log may fail in any way. The change is committed, and its event is on the record.
            with suppress(Exception):
                self._forward(event)
