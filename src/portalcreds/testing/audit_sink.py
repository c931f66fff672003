"""Test your own audit sink: inherit from one class and make your sink in a fixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final

import attrs

from ..audit import MAX_AUDIT_TEXT, AuditEvent, AuditKind
from ..protocols import AuditSink
from ._optional_fixtures import Fixtures, fixture_or_skip
from ._store_failing import assert_quotes_nothing, assert_says_unavailable
from ._store_samples import NOW, an_event, events_of
from ._threads import at_once

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
"""Text that formats, shells and databases may alter."""

_INSTANTS: Final = (
    NOW,
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
"""The ends of the calendar, and single microseconds on both sides of 1970."""

_QUOTABLE: Final = ("a reason to quote",)

_UNKEPT: Final[Sequence[Mapping[str, Any]]] = (
    {"count": 2**63, "reason": _QUOTABLE[0]},
    {"count": -(2**63) - 1, "reason": _QUOTABLE[0]},
    {"event_id": "x" * 100_000, "reason": _QUOTABLE[0]},
)
"""What Python holds and a database may not: numbers of more than 64 bits, and endless text."""

_THREADS: Final = 4
_RECORDS: Final = 5
"""Calls of each thread."""


class AuditSinkContract:
    """
    The rules that every `AuditSink` must keep, as tests for pytest (R17).

    Inherit from it in a class whose name begins with ``Test`` (pytest skips other names silently), and override the
    fixture ``sink``. It must return a new, empty sink for each test::

        class TestMySink(AuditSinkContract):
            @pytest.fixture
            def sink(self, tmp_path):
                return MySink(tmp_path / "audit.jsonl")

            def recorded_events(self, sink):
                return sink.read_back()

    `recorded_events` returns all `AuditEvent` that the sink has recorded, oldest first. Without it, the sink's own
    ``events()`` is called.

    Two more fixtures are optional. Without one, the tests that need it are skipped with a line that names it:
    ``another_sink`` is a second sink over the same storage, as another process has it; ``unreachable_sink`` is one
    whose server is not there.

    Attributes:
        has_threads: Whether threads may share the sink. Set it to False for one that works in the host's transaction;
            the calls of each race are then made one after the other.
    """

    has_threads: ClassVar[bool] = True

    def recorded_events(self, sink: AuditSink) -> Sequence[AuditEvent]:
        """
        Return all recorded events, oldest first.

        Override this if your sink has no method ``events()`` that returns them.
        """
        return events_of(sink)

    def test_a_fresh_sink_has_nothing_on_record(self, sink: AuditSink) -> None:
        """A fresh sink has no events, so that each test sees only its own."""
        assert list(self.recorded_events(sink)) == []

    def test_one_event_is_kept(self, sink: AuditSink) -> None:
        """A recorded event is kept once."""
        event = an_event("1")
        sink.record([event])
        assert list(self.recorded_events(sink)) == [event]

    def test_a_batch_is_kept_in_order(self, sink: AuditSink) -> None:
        """The events of a call keep their order, also if they have the same time."""
        events = [an_event(str(number % 3), f"reason-{number}") for number in range(300)]
        sink.record(events)
        assert list(self.recorded_events(sink)) == events

    def test_events_are_added_to_those_on_record(self, sink: AuditSink) -> None:
        """A call adds its events after the others and removes none."""
        events = [an_event(str(number)) for number in range(5)]
        for batch in (events[:1], events[1:3], events[3:]):
            sink.record(batch)
        assert list(self.recorded_events(sink)) == events

    def test_the_order_is_that_of_recording(self, sink: AuditSink) -> None:
        """Events stay in the order of recording, also if a clock was set back."""
        events = [AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW - timedelta(hours=hours)) for hours in range(3)]
        for event in events:
            sink.record([event])
        assert list(self.recorded_events(sink)) == events

    def test_recording_nothing_does_nothing(self, sink: AuditSink) -> None:
        """An empty call is not an error and records nothing."""
        sink.record([])
        sink.record(())
        assert list(self.recorded_events(sink)) == []
        event = an_event("1")
        sink.record([event])
        sink.record([])
        assert list(self.recorded_events(sink)) == [event]

    def test_events_from_any_sequence(self, sink: AuditSink) -> None:
        """A tuple works as well as a list."""
        events = (an_event("1"), an_event("2"))
        sink.record(events)
        assert tuple(self.recorded_events(sink)) == events

    def test_every_field_is_kept(self, sink: AuditSink) -> None:
        """Every field of an event is kept, and no two are swapped."""
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
        # By name, not with attrs.fields: the event may come from another vendored copy.
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
        """Events without a contact are kept, such as a sign-in with an unknown user name."""
        events = [
            AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, reason="unknown"),
            an_event("1"),
            AuditEvent(kind=AuditKind.USERNAME_VIEWED, at=NOW, operator_id="staff-1", count=50),
        ]
        sink.record(events)
        assert list(self.recorded_events(sink)) == events

    def test_counts_are_kept(self, sink: AuditSink) -> None:
        """Counts are kept: 0 is not None, and large numbers are not cut."""
        counts = [None, 0, 1, 50, 2**31]
        sink.record([AuditEvent(kind=AuditKind.PASSWORD_REVEALED, at=NOW, count=count) for count in counts])
        assert [event.count for event in self.recorded_events(sink)] == counts

    def test_every_kind_is_kept(self, sink: AuditSink) -> None:
        """The sink accepts every kind of event."""
        events = [AuditEvent(kind=kind, at=NOW) for kind in AuditKind]
        sink.record(events)
        assert list(self.recorded_events(sink)) == events

    def test_instants_are_kept_to_the_microsecond(self, sink: AuditSink) -> None:
        """No time is rounded or shifted by a time zone."""
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

    def test_records_at_the_same_time_are_all_kept(self, sink: AuditSink) -> None:
        """No event is lost, doubled or taken apart from its batch's order when several record at once."""
        batches = [[an_event(str(number), f"r{n}") for n in range(2 * _RECORDS)] for number in range(_THREADS)]
        at_once([partial(_record_in_pairs, sink, batch) for batch in batches], threads=self.has_threads)
        found = list(self.recorded_events(sink))
        assert len(found) == sum(map(len, batches))
        for number, batch in enumerate(batches):
            assert [event for event in found if event.contact_id == str(number)] == batch

    def test_events_that_look_alike_are_all_kept(self, sink: AuditSink) -> None:
        """Two events that differ in nothing but their ids are two: how often somebody guessed is not made less."""
        event = an_event("1")
        events = [event, *(attrs.evolve(event, event_id=an_event("1").event_id) for _ in range(2))]
        sink.record(events[:2])
        sink.record(events[2:])
        assert list(self.recorded_events(sink)) == events

    def test_what_is_not_kept_is_told(self, sink: AuditSink) -> None:
        """An event that cannot be kept is an error: what must be on the record, such as a reveal, is then refused."""
        for number, fields in enumerate(_UNKEPT):
            events = [an_event(f"{number}-before"), attrs.evolve(an_event(f"{number}-odd"), **fields)]
            try:
                sink.record(events)
            except Exception as error:  # noqa: BLE001  Whatever it is: it was told.
                assert_quotes_nothing(error, _QUOTABLE)
            else:
                recorded = self.recorded_events(sink)
                assert [
                    event for event in recorded if event.contact_id in {f"{number}-before", f"{number}-odd"}
                ] == events
        after = an_event("after")
        sink.record([after])
        assert self.recorded_events(sink)[-1] == after

    def test_no_error_is_swallowed(self, sink: AuditSink) -> None:
        """Whatever goes wrong while recording gets out: a sink that only logs it lets names be shown unrecorded."""
        swallowed = True
        try:
            sink.record(_Unreadable())
        except Exception:  # noqa: BLE001  Whatever it is: it was told.
            swallowed = False
        assert not swallowed, "events that could not be read were taken for recorded"

    def test_another_sink_sees_the_events(self, sink: AuditSink, request: Fixtures) -> None:
        """No event waits in a process to be kept later: if that ends, what was done is on nobody's record."""
        another: AuditSink = fixture_or_skip(request, "another_sink", "what two processes over one place see")
        events = [an_event("1"), an_event("2"), an_event("3")]
        sink.record(events[:1])
        assert list(self.recorded_events(another)) == events[:1]
        another.record(events[1:2])
        sink.record(events[2:])
        assert list(self.recorded_events(sink)) == list(self.recorded_events(another)) == events

    def test_a_sink_that_is_not_reached_says_so(self, request: Fixtures) -> None:
        """A sink that is not there says so, or passwords are revealed with nothing on the record."""
        sink: AuditSink = fixture_or_skip(request, "unreachable_sink", "what is raised without a server")
        assert_says_unavailable(lambda: sink.record([an_event("1", _QUOTABLE[0])]), _QUOTABLE)


class _Unreadable(Sequence[AuditEvent]):
    """Two events of which only the first can be read."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, place: Any) -> Any:  # Any: a place or a slice, and what is there.
        if place != 0:
            raise OSError
        return an_event("1")


def _record_in_pairs(sink: AuditSink, batch: Sequence[AuditEvent]) -> None:
    for first in range(0, len(batch), 2):
        sink.record(batch[first : first + 2])


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
