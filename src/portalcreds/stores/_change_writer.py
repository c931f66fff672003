"""Write changes of accounts, each only onto the state that it was made from, with its audit events (R1, R3)."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..audit import AuditEvent
from ..protocols import ApplyResult, Change
from ._dialects import Dialect
from ._port import DatabaseFailure, FailureKind, Statements
from ._rows import EVENT_COLUMNS, WRITTEN_COLUMNS, account_row, event_row
from ._savepoints import unless_duplicate
from ._schema import Layout
from ._view import View


class ChangeWriter:
    """
    Writes in a transaction that it is given.

    Args:
        view: Which rows are there.
        layout: The tables.
        dialect: What is said differently by this database.
        is_borrowed: Whether the transaction is the host's, and an older state than the last may be seen in it.
        notes_email: Whether e-mail addresses are ours to keep, and not the host's.
    """

    def __init__(self, view: View, layout: Layout, dialect: Dialect, *, is_borrowed: bool, notes_email: bool) -> None:
        self._view = view
        self._notes_email = notes_email
        accounts, events = layout.accounts.path, layout.events.path
        mine = view.accounts.removeprefix(accounts)
        settings = ", ".join(f"{name} = :{name}" for name in WRITTEN_COLUMNS if name != "contact_id")
        self._update = f"UPDATE {accounts} SET {settings}{mine} AND contact_id = :contact_id AND version = :old_version"
        self._insert = _insertion(accounts, WRITTEN_COLUMNS)
        self._record = _insertion(events, EVENT_COLUMNS)
        self._select_change = f"SELECT change_id, version FROM {view.accounts} AND contact_id = :contact_id"
        # In a transaction of our own, what is not to be seen yet is looked at in the next one.
        lock = dialect.lock if is_borrowed else ""
        self._select_rival = self._select_change + lock
        # Not only in scope: a user name has one owner in the whole tenant.
        self._select_owner = f"SELECT 1 FROM {accounts} WHERE tenant = :tenant AND username_key = :username_key{lock}"
        # Not in scope, whose own select would settle what MariaDB shows from then on.
        self._await = f"SELECT 1 FROM {accounts} WHERE tenant = :tenant AND contact_id = :contact_id{dialect.lock}"
        self._select_event = f"SELECT 1 FROM {events} WHERE tenant = :tenant AND event_id = :event_id"

    def write(self, statements: Statements, changes: Sequence[Change], *, may_be_stored: bool) -> list[ApplyResult]:
        """
        Store each change if -- and only if -- its *old* account is still what is stored, with its events.

        Args:
            statements: The transaction's.
            changes: What to store.
            may_be_stored: Whether an earlier attempt at the same may have been committed.
        """
        results = [ApplyResult.STALE] * len(changes)
        applied = set()
        places = _places_in_lock_order(changes)
        if may_be_stored:
            # The earlier attempt may be committing still. Its rows are waited for before anything is looked at: MariaDB
            # settles at the first plain SELECT what all that follow see.
            for place in places:
                self._view.rows(statements, self._await, {"contact_id": changes[place].new.contact_id})
        for place in places:
            change = changes[place]
            results[place] = self._write(statements, change)
            if results[place] == ApplyResult.APPLIED:
                applied.add(place)
            elif may_be_stored and self._was_stored(statements, change):
                results[place] = ApplyResult.APPLIED  # Its events are there as well.
        events = [event for place in sorted(applied) for event in changes[place].events]
        if events:
            statements.executemany(self._record, map(self._event_row, events))
        return results

    def record(self, statements: Statements, events: Sequence[AuditEvent], *, may_be_stored: bool) -> None:
        """Append the events; those that are there already are left as they are if an earlier attempt may have been."""
        rows = map(self._event_row, events)
        if not may_be_stored:
            statements.executemany(self._record, rows)
            return
        for row in rows:
            unless_duplicate(statements, self._record, row)

    def _event_row(self, event: AuditEvent) -> dict[str, object]:
        return self._view.bound(event_row(event))

    def _write(self, statements: Statements, change: Change) -> ApplyResult:
        row = self._view.bound(account_row(change))
        if not self._notes_email:
            row["email"] = None  # The host's, and of no use here.
        if change.old is None:
            if not self._view.shows(statements, row["contact_id"]):
                return ApplyResult.STALE
            if unless_duplicate(statements, self._insert, row) is not None:
                return ApplyResult.APPLIED
            there = self._view.rows(statements, self._select_rival, {"contact_id": row["contact_id"]})
            return ApplyResult.STALE if there else self._taken(statements, row)
        row["old_version"] = change.old.version
        if change.old.username_key == row["username_key"]:
            changed: int | None = statements.execute(self._update, row)[1]
        else:
            changed = unless_duplicate(statements, self._update, row)
        if changed is None:
            return self._taken(statements, row)
        if changed not in (0, 1):
            # A driver that does not count, or a key that holds several rows: nothing could be relied on.
            raise DatabaseFailure(FailureKind.OTHER, "rowcount")
        return ApplyResult.APPLIED if changed else ApplyResult.STALE

    def _taken(self, statements: Statements, row: Mapping[str, object]) -> ApplyResult:
        if self._view.rows(statements, self._select_owner, {"username_key": row["username_key"]}):
            return ApplyResult.USERNAME_TAKEN
        # Whoever was in the way has gone or is not to be seen in this transaction yet: look at it afresh.
        raise DatabaseFailure(FailureKind.RETRYABLE, "duplicate")

    def _was_stored(self, statements: Statements, change: Change) -> bool:
        # The acknowledgement of an earlier COMMIT was lost. Its locks are gone by now, because `write` waited for them;
        # so what the row says is final.
        rows = self._view.rows(statements, self._select_change, {"contact_id": change.new.contact_id})
        if not rows or int(rows[0][1]) < change.new.version:
            return False
        if rows[0][0] == change.change_id:
            return True
        if int(rows[0][1]) == change.new.version:
            return False
        # The row moved on further; the events of a change are stored with it or not at all.
        for event in change.events:
            return bool(self._view.rows(statements, self._select_event, {"event_id": event.event_id}))
        raise DatabaseFailure(FailureKind.UNAVAILABLE, "unsettled")


def _places_in_lock_order(changes: Sequence[Change]) -> Sequence[int]:
    """
    Return in which order to write the changes: by contact, so that two calls never hold what the other waits for.

    Where a user name changes hands within the call, it is the caller's order that says who has it in the end; such
    calls may meet a deadlock, and are then begun anew.
    """
    moved: list[str | None] = []
    for change in changes:
        old_key = None if change.old is None else change.old.username_key
        if change.new.username_key != old_key:
            moved += (old_key, change.new.username_key)
    keys = [key for key in moved if key is not None]
    if len(keys) != len(set(keys)):
        return range(len(changes))
    return sorted(range(len(changes)), key=lambda place: changes[place].new.contact_id)


def _insertion(table: str, columns: Sequence[str]) -> str:
    names = ("tenant", *columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
