"""Find out whether an audit sink can be relied on: inherit from one class and say how your sink is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Final

from ..audit import MAX_AUDIT_TEXT, AuditEvent, AuditKind
from ..protocols import AuditSink
from ._store_samples import NOW, an_event, events_of

_TEXTS: Final = (
    "Núñez",
    "Nu\u0301n\u0303ez",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "李 محمد",
    " outer blanks ",
    "tab\tand\r\nline\u2028",
    "100% _ \\ ; -- /* ' \" ` ? :name %s $1 {0}",
    "NULL",
    "007",
    "",
)
"""What formats, shells and databases would make something else of."""

_INSTANTS: Final = (
    NOW,
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
"""The ends of the calendar, and single microseconds on both sides of 1970."""

_UNSTORABLE: Final = ("a\0b", "a\ud800b", "\udfff" * MAX_AUDIT_TEXT)
"""Text that no database can hold, as a client may send it."""

_THREADS: Final = 4
_RECORDS: Final = 5
"""Calls of each thread."""


class AuditSinkContract:
    """
    The rules that every `AuditSink` must keep, as tests for pytest (R17).

    Inherit from it under a name that begins with ``Test`` (pytest passes over any other without a word), and override
    the fixture ``sink`` so that it gives a fresh sink for each test, with nothing on record::

        class TestMySink(AuditSinkContract):
            @pytest.fixture
            def sink(self, tmp_path):
                return MySink(tmp_path / "audit.jsonl")

            def recorded_events(self, sink):
                return sink.read_back()

    `recorded_events` returns all `AuditEvent` that the sink has on record, oldest first; without it, the sink's own
    ``events()`` is called. A sink that cannot keep events is not tried: it must raise `StoreUnavailableError`.
    """

    def recorded_events(self, sink: AuditSink) -> Sequence[AuditEvent]:
        """
        Return all events that the sink has on record, oldest first.

        Override it if the sink has no method ``events()`` that does.
        """
        return events_of(sink)

    def test_a_fresh_sink_has_nothing_on_record(self, sink: AuditSink) -> None:
        """The record begins empty, so that the other rules see their own events only."""
        assert list(self.recorded_events(sink)) == []

    def test_one_event_is_kept(self, sink: AuditSink) -> None:
        """What was recorded is on the record, once."""
        event = an_event("1")
        sink.record([event])
        assert list(self.recorded_events(sink)) == [event]

    def test_a_batch_is_kept_in_order(self, sink: AuditSink) -> None:
        """A call's events are on the record in the order they were given, also at one and the same instant."""
        events = [an_event(str(number % 3), f"reason-{number}") for number in range(300)]
        sink.record(events)
        assert list(self.recorded_events(sink)) == events

    def test_events_are_added_to_those_on_record(self, sink: AuditSink) -> None:
        """A call adds behind what is there and takes nothing away."""
        events = [an_event(str(number)) for number in range(5)]
        for batch in (events[:1], events[1:3], events[3:]):
            sink.record(batch)
        assert list(self.recorded_events(sink)) == events

    def test_the_order_is_that_of_recording(self, sink: AuditSink) -> None:
        """An event with an earlier instant, from a clock that was set back, still comes behind."""
        events = [AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW - timedelta(hours=hours)) for hours in range(3)]
        for event in events:
            sink.record([event])
        assert list(self.recorded_events(sink)) == events

    def test_recording_nothing_does_nothing(self, sink: AuditSink) -> None:
        """No events are no error, and nothing on the record."""
        sink.record([])
        sink.record(())
        assert list(self.recorded_events(sink)) == []
        event = an_event("1")
        sink.record([event])
        sink.record([])
        assert list(self.recorded_events(sink)) == [event]

    def test_events_from_any_sequence(self, sink: AuditSink) -> None:
        """A tuple will do as well as a list."""
        events = (an_event("1"), an_event("2"))
        sink.record(events)
        assert tuple(self.recorded_events(sink)) == events

    def test_every_field_is_kept(self, sink: AuditSink) -> None:
        """Nothing of an event is lost, and no two of its fields are swapped."""
        event = AuditEvent(
            kind=AuditKind.PASSWORD_ISSUED,
            at=NOW,
            operator_id="staff-1",
            contact_id="contact-1",
            reason="reason-1",
            operation_id="issue-1",
            count=3,
            confirmed_at=NOW - timedelta(microseconds=1),
            source="2001:db8::1",
        )
        sink.record([event])
        (found,) = self.recorded_events(sink)
        # By name, and not over attrs.fields: the event may be of another vendored copy.
        for name in (
            "kind", "at", "operator_id", "contact_id", "reason", "operation_id", "count", "confirmed_at", "source",
            "event_id",
        ):  # fmt: skip
            assert getattr(found, name) == getattr(event, name), name

    def test_what_was_not_said_stays_so(self, sink: AuditSink) -> None:
        """None comes back as None, and an empty text as an empty text."""
        bare = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW)
        empty = AuditEvent(
            kind=AuditKind.SIGN_IN_FAILED, at=NOW, operator_id="", contact_id="", reason="", operation_id="", source=""
        )
        sink.record([bare, empty])
        assert list(self.recorded_events(sink)) == [bare, empty]

    def test_events_about_nobody_are_kept(self, sink: AuditSink) -> None:
        """A sign-in with an unknown user name and a look-up of a whole page have no contact and are on the record."""
        events = [
            AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, reason="unknown"),
            an_event("1"),
            AuditEvent(kind=AuditKind.USERNAME_VIEWED, at=NOW, operator_id="staff-1", count=50),
        ]
        sink.record(events)
        assert list(self.recorded_events(sink)) == events

    def test_counts_are_kept(self, sink: AuditSink) -> None:
        """How many it was about is kept: none is not unsaid, and a district's worth is not cut."""
        counts = [None, 0, 1, 50, 2**31]
        sink.record([AuditEvent(kind=AuditKind.PASSWORD_REVEALED, at=NOW, count=count) for count in counts])
        assert [event.count for event in self.recorded_events(sink)] == counts

    def test_every_kind_is_kept(self, sink: AuditSink) -> None:
        """No kind is too long for the sink or unknown to it."""
        events = [AuditEvent(kind=kind, at=NOW) for kind in AuditKind]
        sink.record(events)
        assert list(self.recorded_events(sink)) == events

    def test_instants_are_kept_to_the_microsecond(self, sink: AuditSink) -> None:
        """No instant is rounded or moved by a time zone."""
        sink.record([AuditEvent(kind=AuditKind.PASSWORD_CHANGED, at=at, confirmed_at=at) for at in _INSTANTS])
        found = self.recorded_events(sink)
        assert [(event.at, event.confirmed_at) for event in found] == [(at, at) for at in _INSTANTS]
        assert all(event.at.utcoffset() == timedelta(0) for event in found)

    def test_texts_are_kept_exactly(self, sink: AuditSink) -> None:
        """No text is trimmed, folded, normalised or quoted."""
        events = [_with_texts(text) for text in _TEXTS]
        sink.record(events)
        assert list(self.recorded_events(sink)) == events

    def test_the_longest_texts_are_not_cut(self, sink: AuditSink) -> None:
        """255 code points of one and of four bytes fit into every text of an event."""
        events = [_with_texts(char * MAX_AUDIT_TEXT) for char in ("x", "é", "\U0001f600")]
        sink.record(events)
        assert list(self.recorded_events(sink)) == events

    def test_odd_text_does_not_prevent_a_record(self, sink: AuditSink) -> None:
        """A client that sends what cannot be stored is on the record all the same, in whatever spelling."""
        events = [_with_texts(text) for text in _UNSTORABLE]
        sink.record(events)
        assert [event.event_id for event in self.recorded_events(sink)] == [event.event_id for event in events]

    def test_records_at_the_same_time_are_all_kept(self, sink: AuditSink) -> None:
        """No event is lost, doubled or taken apart from its batch's order when several record at once."""
        start = Barrier(_THREADS)
        batches = [[an_event(str(number), f"r{n}") for n in range(2 * _RECORDS)] for number in range(_THREADS)]

        def some(batch: list[AuditEvent]) -> None:
            start.wait()
            for first in range(0, len(batch), 2):
                sink.record(batch[first : first + 2])

        # Here, because importing it is slow, and who only imports a contract runs no race.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_THREADS) as pool:
            recording = [pool.submit(some, batch) for batch in batches]
        for error in filter(None, [future.exception() for future in recording]):
            raise AssertionError(f"{type(error).__name__} where several record at once") from error
        found = list(self.recorded_events(sink))
        assert len(found) == sum(map(len, batches))
        for number, batch in enumerate(batches):
            assert [event for event in found if event.contact_id == str(number)] == batch


def _with_texts(text: str) -> AuditEvent:
    return AuditEvent(
        kind=AuditKind.SIGN_IN_FAILED,
        at=NOW,
        operator_id=text,
        contact_id=text,
        reason=text,
        operation_id=text,
        source=text,
    )
