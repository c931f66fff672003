"""Write changes of accounts, each only onto the state that it was made from, with its audit events (R1, R3)."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from ..._chunks import chunks
from ...accounts import Account
from ...audit import AuditEvent
from ...protocols import ApplyResult, Change
from .._drivers.dialect import Dialect
from .._drivers.port import DatabaseFailure, FailureKind, Statements
from .._drivers.row_writer import RowWriter
from .._drivers.savepoints import execute_unless_duplicate
from .in_list import AT_ONCE, list_parameters
from .rows import (
    ACCOUNT_COLUMNS,
    EVENT_COLUMNS,
    WORD_COLUMNS,
    WRITTEN_COLUMNS,
    Row,
    account_rows,
    changed_columns,
    event_row,
    read_account,
    shows_as,
    word_rows,
)
from .schema import Layout, Table
from .view import View


class ChangeWriter:
    """
    Writes in a transaction of the caller's, many changes with each statement.

    Args:
        view: Which rows the store sees.
        layout: The tables.
        dialect: What is said differently by this database.
        is_borrowed: Whether the transaction is the host's; a plain SELECT may then show an older state.
        notes_names: Whether names are the host's, and a row has those that were noted last.
        keeps_email: Whether e-mail addresses are kept; not those of a host that has none to be searched by.
    """

    def __init__(
        self, view: View, layout: Layout, dialect: Dialect, *, is_borrowed: bool, notes_names: bool, keeps_email: bool
    ) -> None:
        self._view = view
        self._dialect = dialect
        self._notes_names = notes_names
        self._keeps_email = keeps_email

        def writer(table: Table, columns: Sequence[str], key: Sequence[str], seen: str) -> RowWriter:
            return dialect.row_writer(
                table.path,
                table.holding_text(("tenant", *columns)),
                key=key,
                within=seen.removeprefix(table.path),
                parameters=view.bind({}),
            )

        self._accounts = writer(layout.accounts, WRITTEN_COLUMNS, ("contact_id",), view.accounts)
        self._words = writer(layout.words, WORD_COLUMNS, WORD_COLUMNS, view.words)
        self._events = writer(layout.events, EVENT_COLUMNS, ("event_id",), view.events)
        # Not only in scope: a user name has one owner in the whole tenant. And the scope's own select would settle what
        # MariaDB shows from then on.
        self._of_tenant = f"{layout.accounts.path} WHERE tenant = :tenant"
        # In a transaction of our own, the next attempt sees what this one cannot see yet.
        self._lock_rivals = dialect.lock if is_borrowed else ""
        self._record = _insert_sql(layout.events.path, EVENT_COLUMNS)
        self._select_event = f"SELECT 1 FROM {layout.events.path} WHERE tenant = :tenant AND event_id = :event_id"

    def write(self, statements: Statements, changes: Sequence[Change], *, may_be_stored: bool) -> list[ApplyResult]:
        """
        Store each change if -- and only if -- its *old* account is still what is stored, with its events.

        Args:
            statements: The transaction's.
            changes: What to store.
            may_be_stored: Whether an earlier attempt at the same may have been committed.
        """
        if may_be_stored:
            # The earlier attempt may still be committing. Wait for its rows before any plain SELECT: in MariaDB the
            # first one decides what all later ones see.
            contact_ids = sorted({change.new.contact_id for change in changes})
            self._look_up(statements, "contact_id", self._of_tenant, contact_ids, lock=self._dialect.lock)
        if not self._keeps_email:
            changes = [attrs.evolve(change, new=_without_email(change.new)) for change in changes]
        noted = self._read_noted(statements, changes) if self._notes_names else {}
        steps = [_Step(change) for change in changes]
        sets = _find_sets(steps)
        for some in sets:
            self._write_set(statements, some)
            if may_be_stored:
                self._find_stored(statements, [step for step in some if not step.is_written])
        self._write_words(statements, [step.change for some in sets for step in some if step.is_written], noted)
        events = [event for step in steps if step.is_written for event in step.change.events]
        self._events.insert(statements, [event_row(self._view.tenant, event) for event in events])
        return [step.result for step in steps]

    def record(self, statements: Statements, events: Sequence[AuditEvent], *, may_be_stored: bool) -> None:
        """Append the events. If an earlier attempt may have stored them, leave those that are there as they are."""
        rows = [event_row(self._view.tenant, event) for event in events]
        if not may_be_stored:
            self._events.insert(statements, rows)
            return
        for row in rows:
            execute_unless_duplicate(statements, self._record, dict(zip(("tenant", *EVENT_COLUMNS), row, strict=True)))

    def _write_set(self, statements: Statements, steps: Sequence[_Step]) -> None:
        """Write what has nothing to do with each other, and note the results."""
        if self._view.is_scoped:
            additions = [step.contact_id for step in steps if step.change.old is None]
            shown = self._view.find_shown(statements, additions)
            steps = [step for step in steps if step.change.old is not None or step.contact_id in shown]
        while steps:
            clashing = self._try(statements, steps)
            # A clash may have kept the others from being written, too.
            left = self._without_rivals(statements, clashing) if clashing else []
            if len(left) == len(steps):
                # The row in the way is gone, or this transaction cannot see it yet: begin again.
                raise DatabaseFailure(FailureKind.RETRYABLE, "duplicate")
            steps = left

    def _try(self, statements: Statements, steps: Sequence[_Step]) -> list[_Step]:
        """Write what can be written, and return what clashed or may have been kept from it by what did."""
        additions = [step for step in steps if step.change.old is None]
        others = [step for step in steps if step.change.old is not None]
        added = account_rows([step.change for step in additions])
        told = self._accounts.insert_new(statements, [(self._view.tenant, *row) for row in added])
        # Where names are the host's, a row has those that were noted last, and not those of the old account.
        changes = [step.change for step in others]
        columns = WRITTEN_COLUMNS if self._notes_names else changed_columns(changes)
        may_clash = any(step.claimed is not None for step in others)
        told += self._accounts.update(statements, columns, account_rows(changes, columns), may_clash=may_clash)
        clashing = []
        for step, is_written in zip(additions + others, told, strict=True):
            if is_written:
                step.is_written, step.result = True, ApplyResult.APPLIED
            elif is_written is None:
                clashing.append(step)
        return clashing

    def _without_rivals(self, statements: Statements, steps: Sequence[_Step]) -> list[_Step]:
        """Note the results of those that somebody is in the way of, and return the others."""
        lock = self._lock_rivals
        ids = [step.contact_id for step in steps]
        rows = self._look_up(statements, "contact_id, version", self._view.accounts, ids, lock=lock)
        versions: dict[str, int] = dict(rows)
        current = [step for step in steps if versions.get(step.contact_id) == step.old_version]
        keys = [step.claimed for step in current if step.claimed is not None]
        rows = self._look_up(statements, "username_key", self._of_tenant, keys, key="username_key", lock=lock)
        taken = {key for (key,) in rows}
        left = []
        for step in current:
            # Of a single one, whoever was found: where a collation folds, another key is the same.
            if step.claimed in taken or (taken and len(current) == 1):
                step.result = ApplyResult.USERNAME_TAKEN
            else:
                left.append(step)
        return left

    def _find_stored(self, statements: Statements, steps: Sequence[_Step]) -> None:
        """
        Note which of the steps were stored by an earlier attempt, whose acknowledgement was lost.

        `write` has waited for their rows, so these are final now.
        """
        columns = "contact_id, change_id, version"
        ids = [step.contact_id for step in steps]
        rows = {row[0]: row[1:] for row in self._look_up(statements, columns, self._view.accounts, ids)}
        for step in steps:
            change_id, version = rows.get(step.contact_id, ("", 0))
            if change_id == step.change.change_id or (
                version > step.change.new.version and self._has_events(statements, step.change)
            ):
                step.result = ApplyResult.APPLIED

    def _has_events(self, statements: Statements, change: Change) -> bool:
        """Return whether the events of a change are there: they are stored with it or not at all."""
        for event in change.events:
            return bool(self._view.query(statements, self._select_event, {"event_id": event.event_id}))
        raise DatabaseFailure(FailureKind.UNAVAILABLE, "unsettled")

    def remove_words(self, statements: Statements) -> None:
        """Remove the words of all accounts of the tenant."""
        statements.execute(f"DELETE FROM {self._view.words}", self._view.bind({}))

    def rewrite_words(self, statements: Statements, after: str) -> list[str]:
        """Write the words and the name keys of some accounts after a contact id, and return the contact ids."""
        columns = ", ".join((*ACCOUNT_COLUMNS, "name_key"))
        # With a lock: whoever renames somebody at the same time does so before this or after it.
        sql = f"SELECT {columns} FROM {self._view.accounts} AND contact_id > :after ORDER BY contact_id LIMIT :limit"
        parameters: dict[str, object] = {"after": after, "limit": AT_ONCE}
        found = self._view.query(statements, sql + self._dialect.lock, parameters)
        name_keys = {row[0]: row[-1] for row in found}
        rows = sorted(row for stored in found for row in word_rows(self._view.tenant, read_account(stored[:-1])))
        self._words.delete(statements, rows)
        self._words.insert(statements, rows)
        sorted_by = [(contact_id, key) for _, _, word, key, contact_id, _ in rows if word == ""]
        others = [(contact_id, key) for contact_id, key in sorted_by if key != name_keys[contact_id]]
        self._accounts.update(statements, ("contact_id", "name_key"), others, may_clash=False)
        return list(name_keys)

    def _write_words(self, statements: Statements, changes: Sequence[Change], noted: Mapping[str, Account]) -> None:
        """Write the words by which accounts are found, where they are others than before."""
        before: dict[str, Account | None] = {}
        after: dict[str, Account] = {}
        for change in changes:
            # The host's names may have changed since the words were written; these are of the names noted last.
            before.setdefault(change.new.contact_id, noted.get(change.new.contact_id, change.old))
            after[change.new.contact_id] = change.new
        removed: list[Row] = []
        added: list[Row] = []
        for contact_id, new in after.items():
            old = before[contact_id]
            if old is None:
                added += word_rows(self._view.tenant, new)
            elif shows_as(old) != shows_as(new):
                old_rows, new_rows = word_rows(self._view.tenant, old), word_rows(self._view.tenant, new)
                removed += [row for row in old_rows if row not in new_rows]
                added += [row for row in new_rows if row not in old_rows]
        # In the order of the key, in which the rows stand.
        self._words.delete(statements, sorted(removed))
        self._words.insert(statements, sorted(added))

    def _read_noted(self, statements: Statements, changes: Sequence[Change]) -> dict[str, Account]:
        """Return the accounts as they are stored, and keep them so until the transaction ends."""
        contact_ids = sorted({change.new.contact_id for change in changes if change.old is not None})
        columns = ", ".join(ACCOUNT_COLUMNS)
        rows = self._look_up(statements, columns, self._view.accounts, contact_ids, lock=self._dialect.lock)
        return {account.contact_id: account for account in map(read_account, rows)}

    def _look_up(
        self,
        statements: Statements,
        columns: str,
        rows: str,
        values: Iterable[str],
        *,
        key: str = "contact_id",
        lock: str = "",
    ) -> list[Any]:
        """Return the rows with one of many keys; some may come twice."""
        found: list[Any] = []
        for some in chunks(values, AT_ONCE):
            listed, parameters = list_parameters(some)
            sql = self._dialect.look_up_sql(columns, rows, key, listed, lock)
            found += self._view.query(statements, sql, parameters)
        return found


class _Step:
    """A change on its way: the keys of user names that move, and its result."""

    __slots__ = ("change", "claimed", "contact_id", "freed", "is_written", "old_version", "result")

    def __init__(self, change: Change) -> None:
        self.change = change
        self.contact_id = change.new.contact_id
        self.result = ApplyResult.STALE
        self.is_written = False
        self.old_version = None if change.old is None else change.old.version
        self.freed = self.claimed = None
        if change.old is None or change.old.username != change.new.username:
            self.freed = None if change.old is None else change.old.username_key
            self.claimed = change.new.username_key
        if self.claimed == self.freed:
            self.claimed = self.freed = None


def _find_sets(steps: Iterable[_Step]) -> list[list[_Step]]:
    """
    Return the steps in sets, to be written one after the other.

    What is of the same contact as an earlier step, or of a user name that changes hands, is in a later set. In each, by
    contact, so that two calls never hold what the other waits for; only a call in which user names change hands may
    meet a deadlock, and then begins again.
    """
    sets: list[list[_Step]] = []
    after: dict[tuple[str, str], int] = {}
    for step in steps:
        names = [("username", name) for name in (step.freed, step.claimed) if name is not None]
        keys = [("contact", step.contact_id), *names]
        number = max(after.get(key, 0) for key in keys)
        after.update(dict.fromkeys(keys, number + 1))
        if number == len(sets):
            sets.append([])
        sets[number].append(step)
    for some in sets:
        some.sort(key=lambda step: step.contact_id)
    return sets


def _without_email(account: Account) -> Account:
    return attrs.evolve(account, contact=attrs.evolve(account.contact, email=None))


def _insert_sql(table: str, columns: Sequence[str]) -> str:
    names = ("tenant", *columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
