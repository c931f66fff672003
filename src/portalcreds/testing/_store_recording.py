"""The rules for recording events: in the same step as their change, or not at all (R17)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs

from ..audit import AuditEvent, AuditKind
from ..protocols import AccountStore, ApplyResult, Change
from ._store_samples import NOW, add, an_account, an_event, events_of, issued, step


class RecordingRules:
    """What `apply` must do with events."""

    def recorded_events(self, store: AccountStore) -> Sequence[AuditEvent]:
        """
        Return all recorded events, oldest first.

        Override this if your store has no method ``events()`` that returns them.
        """
        return events_of(store)

    def test_a_fresh_store_has_nothing_on_record(self, store: AccountStore) -> None:
        """A fresh store has no events, so that each test sees only its own."""
        assert list(self.recorded_events(store)) == []

    def test_events_are_stored_with_their_change(self, store: AccountStore) -> None:
        """The events of an applied change are recorded once each, in order."""
        events = (an_event("1", "first"), an_event("1", "second"))
        store.apply([Change(old=None, new=an_account("1"), events=events)])
        assert tuple(self.recorded_events(store)) == events

    def test_a_change_without_events_records_none(self, store: AccountStore) -> None:
        """The store adds no events of its own."""
        add(store, an_account("1"))
        assert list(self.recorded_events(store)) == []

    def test_events_follow_the_order_of_the_changes(self, store: AccountStore) -> None:
        """Events are in the order of the changes, whatever order the rows were written in."""
        changes = [Change(old=None, new=an_account(id_), events=(an_event(id_),)) for id_ in ("2", "3", "1")]
        assert list(store.apply(changes)) == [ApplyResult.APPLIED] * 3
        assert list(self.recorded_events(store)) == [event for change in changes for event in change.events]

    def test_events_of_two_changes_of_one_contact_in_one_call(self, store: AccountStore) -> None:
        """Each step keeps its events, or nobody can tell who reset the account before it was disabled."""
        account = an_account("1")
        first = issued(account)
        second = first.disable()
        events = [an_event("1", reason) for reason in ("added", "issued", "issued too", "disabled")]
        changes = [
            Change(old=None, new=account, events=events[:1]),
            Change(old=account, new=first, events=events[1:3]),
            Change(old=first, new=second, events=events[3:]),
        ]
        assert list(store.apply(changes)) == [ApplyResult.APPLIED] * 3
        assert list(self.recorded_events(store)) == events

    def test_events_of_the_same_change_twice_are_stored_once(self, store: AccountStore) -> None:
        """The second of two equal changes in a call is stale, and what did not happen is not on the record."""
        event = an_event("1")
        change = Change(old=None, new=an_account("1"), events=(event,))
        store.apply([change, change])
        assert list(self.recorded_events(store)) == [event]

    def test_events_that_look_alike_are_all_stored(self, store: AccountStore) -> None:
        """Two events that differ in nothing but their ids are two: the same was done twice in one instant."""
        event = an_event("1")
        events = (event, attrs.evolve(event, event_id=an_event("1").event_id))
        store.apply([Change(old=None, new=an_account("1"), events=events)])
        assert tuple(self.recorded_events(store)) == events

    def test_events_of_a_stale_change_are_not_stored(self, store: AccountStore) -> None:
        """Events of a change that did not happen are not recorded."""
        account = an_account("1")
        add(store, account)
        step(store, account, issued(account))
        results = store.apply(
            [
                Change(old=account, new=account.disable(), events=(an_event("1"),)),
                Change(old=None, new=account, events=(an_event("1"),)),
            ]
        )
        assert list(results) == [ApplyResult.STALE, ApplyResult.STALE]
        assert list(self.recorded_events(store)) == []

    def test_events_of_a_taken_username_are_not_stored(self, store: AccountStore) -> None:
        """If a user name is taken, neither the addition nor the rename is recorded."""
        other = an_account("2", "rose")
        add(store, an_account("1", "rosa"), other)
        results = store.apply(
            [
                Change(old=None, new=an_account("3", "rosa"), events=(an_event("3"),)),
                Change(old=other, new=other.rename("rosa"), events=(an_event("2"),)),
            ]
        )
        assert list(results) == [ApplyResult.USERNAME_TAKEN, ApplyResult.USERNAME_TAKEN]
        assert list(self.recorded_events(store)) == []

    def test_only_the_applied_of_many_are_on_record(self, store: AccountStore) -> None:
        """In a call with mixed results, only the events of applied changes are recorded."""
        add(store, an_account("1", "a"))
        changes = [
            Change(old=None, new=an_account(contact_id, username), events=(an_event(contact_id),))
            for contact_id, username in (("0", "z"), ("1", "b"), ("2", "a"), ("3", "c"))
        ]
        results = store.apply(changes)
        applied = [change for change, result in zip(changes, results, strict=True) if result == ApplyResult.APPLIED]
        assert [change.new.contact_id for change in applied] == ["0", "3"]
        assert list(self.recorded_events(store)) == [event for change in applied for event in change.events]

    def test_a_change_that_comes_again_is_not_recorded_again(self, store: AccountStore) -> None:
        """Repeating a call does not record its events again."""
        event = an_event("1")
        change = Change(old=None, new=an_account("1"), events=(event,))
        store.apply([change])
        store.apply([change])
        assert list(self.recorded_events(store)) == [event]

    def test_events_come_back_as_they_were(self, store: AccountStore) -> None:
        """Every field of an event is kept, including microseconds and unusual text."""
        full = AuditEvent(
            kind=AuditKind.PASSWORD_ISSUED,
            at=NOW,
            operator_id="staff = 'é' \U0001f600\r\n" + "x" * 200,
            contact_id="1",
            reason="reason",
            operation_id="issue-1",
            count=3,
            confirmed_at=NOW - timedelta(microseconds=1),
            source="2001:db8::1 ",
        )
        bare = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW)
        store.apply([Change(old=None, new=an_account("1"), events=(full, bare))])
        assert list(self.recorded_events(store)) == [full, bare]

    def test_every_kind_of_event_can_be_recorded(self, store: AccountStore) -> None:
        """The store accepts every kind of event."""
        events = tuple(AuditEvent(kind=kind, at=NOW) for kind in AuditKind)
        store.apply([Change(old=None, new=an_account("1"), events=events)])
        assert tuple(self.recorded_events(store)) == events

    def test_old_events_can_be_purged(self, store: AccountStore) -> None:
        """What is older than an instant is removed, only of the kinds that are named; and that is on the record."""
        purge: Any = getattr(store, "purge_events", None)
        if not callable(purge):
            # Here, because an application that only imports the package has no pytest.
            import pytest

            pytest.skip("not tried without purge_events: a store need not be an AuditTrail")
        old, young = NOW - timedelta(days=400), NOW - timedelta(days=100)
        kinds = (AuditKind.SIGN_IN_FAILED, AuditKind.SIGN_IN_SUCCEEDED, AuditKind.PASSWORD_ISSUED)
        events = [AuditEvent(kind=kind, at=at) for at in (young, old) for kind in kinds for _ in range(300)]
        store.apply([Change(old=None, new=an_account("1"), events=events)])

        def left() -> list[AuditEvent]:
            return [event for event in self.recorded_events(store) if event.kind in kinds]

        assert purge(old) == 0
        assert left() == events
        assert purge(old + timedelta(microseconds=1), kinds=[AuditKind.SIGN_IN_FAILED]) == 300
        assert left() == [event for event in events if event.at == young or event.kind is not kinds[0]]
        assert purge(young) == 600
        assert left() == [event for event in events if event.at == young]
        told = [event for event in self.recorded_events(store) if event.kind == AuditKind.EVENTS_PURGED]
        assert [event.count for event in told] == [300, 600]

    def test_many_changes_with_their_events(self, store: AccountStore) -> None:
        """All events of many changes in one call are recorded."""
        changes = [
            Change(old=None, new=an_account(f"c{n}", f"u{n}"), events=(an_event(f"c{n}"), an_event(f"c{n}")))
            for n in range(300)
        ]
        assert set(store.apply(changes)) == {ApplyResult.APPLIED}
        assert list(self.recorded_events(store)) == [event for change in changes for event in change.events]
