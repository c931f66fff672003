"""Work a sync out and carry it out, for `AccountService`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid4

import attrs

from ._chunks import chunks
from ._one_by_one import apply_each, find_each
from ._privilege_check import PrivilegeCheck
from ._text import TextFaultError, username_key
from .accounts import Account
from .audit import AuditEvent, AuditKind
from .contact_sync import SyncAction, SyncItem, SyncPlan, SyncReason, SyncReport
from .contacts import Contact
from .exceptions import StoreError, StoreUnavailableError, TransactionAborted
from .privileges import Operator, Privilege
from .protocols import AccountStore, ApplyResult, Change, Clock, Usernames

_CHUNK: Final = 500
"""Accounts read and written at a time; one short transaction each."""

_MAX_ROUNDS: Final = 4
"""How often a contact is decided anew because the account changed between reading and writing."""

_KINDS: Final = {
    SyncAction.ADD: AuditKind.ACCOUNT_ADDED,
    SyncAction.REFRESH: AuditKind.ACCOUNT_REFRESHED,
    SyncAction.RESTORE: AuditKind.ACCOUNT_RESTORED,
}


@attrs.frozen(kw_only=True)
class ContactSyncer:
    """
    Adds accounts and refreshes names; the whole of what a sync may do.

    Args:
        store: The accounts.
        check: Who may sync whom.
        clock: Tells the time.
    """

    store: AccountStore
    check: PrivilegeCheck
    clock: Clock

    def plan(
        self, contacts: Iterable[Contact], operator: Operator, usernames: Usernames, restore_erased: bool
    ) -> SyncPlan:
        """Return what would be done, one row for each contact; nothing is written."""
        items: list[SyncItem] = []
        seen: set[str] = set()
        claimed: dict[str, str] = {}
        for chunk in chunks(contacts, _CHUNK):
            first = _not_seen(chunk, seen)
            steps = self._decide(first, operator, usernames, restore_erased, claimed)
            planned = {contact.contact_id: step.item for contact, step in zip(first, steps, strict=True)}
            for contact in chunk:
                item = planned.pop(contact.contact_id, None)
                items.append(item or _cannot(contact, None, SyncReason.LISTED_TWICE))
        return SyncPlan(items=tuple(items), operator=operator, restore_erased=restore_erased)

    def apply(self, plan: SyncPlan) -> SyncReport:
        """Decide each contact anew, write what is to be written, and return one row for each."""
        operation_id = uuid4().hex
        results: list[SyncItem] = []
        for chunk in chunks(plan.items, _CHUNK):
            done = self._apply_chunk(plan, [item for item in chunk if item.action in _KINDS], operation_id)
            results.extend(done.get(item.contact_id, item) if item.action in _KINDS else item for item in chunk)
        return SyncReport(items=tuple(results), operation_id=operation_id)

    def _apply_chunk(self, plan: SyncPlan, items: Sequence[SyncItem], operation_id: str) -> dict[str, SyncItem]:
        results: dict[str, SyncItem] = {}
        pending = list(items)
        for _ in range(_MAX_ROUNDS):
            if not pending:
                break
            try:
                pending = self._apply_round(plan, pending, operation_id, results)
            except TransactionAborted:
                raise
            except StoreError as error:
                for item in pending:
                    results[item.contact_id] = _cannot(item.contact, item.username, _failure(error))
                return results
        for item in pending:
            results[item.contact_id] = _cannot(item.contact, item.username, SyncReason.CHANGED_MEANWHILE)
        return results

    def _apply_round(
        self, plan: SyncPlan, pending: Sequence[SyncItem], operation_id: str, results: dict[str, SyncItem]
    ) -> list[SyncItem]:
        """Write what is pending once, note what came of it, and return what lost a race."""
        usernames: dict[str, str] = {item.contact_id: item.username for item in pending if item.username is not None}
        steps = self._decide([item.contact for item in pending], plan.operator, usernames, plan.restore_erased, None)
        changes = [self._change(step, step.new, plan.operator, operation_id) for step in steps if step.new is not None]
        written = dict(zip((change.new.contact_id for change in changes), apply_each(self.store, changes), strict=True))
        stale: list[SyncItem] = []
        for item, step in zip(pending, steps, strict=True):
            result = written.get(item.contact_id)
            if isinstance(result, StoreError):
                results[item.contact_id] = _cannot(item.contact, item.username, _failure(result))
            elif result == ApplyResult.STALE:
                stale.append(item)
            elif result == ApplyResult.USERNAME_TAKEN:
                results[item.contact_id] = _cannot(item.contact, item.username, SyncReason.USERNAME_TAKEN)
            else:
                results[item.contact_id] = step.item
        return stale

    def _change(self, step: _Step, new: Account, operator: Operator, operation_id: str) -> Change:
        event = AuditEvent(
            kind=_KINDS[step.item.action],
            at=self.clock(),
            operator_id=operator.operator_id,
            contact_id=new.contact_id,
            operation_id=operation_id,
            reason=None if step.item.reason is None else step.item.reason.value,
        )
        return Change(old=step.old, new=new, events=(event,))

    def _decide(
        self,
        contacts: Sequence[Contact],
        operator: Operator,
        usernames: Usernames,
        restore_erased: bool,
        claimed: dict[str, str] | None,
    ) -> list[_Step]:
        """Return what to do about each of the contacts, which are all different, as the store is now."""
        stored, unreadable = find_each(self.store, [contact.contact_id for contact in contacts])
        now = self.clock()
        steps = [
            _step(contact, stored.get(contact.contact_id), _proposed(usernames, contact), restore_erased, now)
            for contact in contacts
        ]
        may = self.check.permitted_on_record(operator, Privilege.SYNC, [step.subject for step in steps])
        decided = []
        for step, permitted in zip(steps, may, strict=True):
            if step.item.contact_id in unreadable:
                decided.append(_refused(step, SyncReason.STORE_REFUSED))
            elif not permitted:
                decided.append(_refused(step, SyncReason.NOT_PERMITTED))
            elif claimed is not None and self._is_taken(step, claimed):
                decided.append(_refused(step, SyncReason.USERNAME_TAKEN))
            else:
                decided.append(step)
        return decided

    def _is_taken(self, step: _Step, claimed: dict[str, str]) -> bool:
        """Return whether the user name that a step sets is another account's, or an earlier row's of the plan."""
        if step.new is None or (step.old is not None and step.old.username == step.new.username):
            return False
        key = step.new.username_key
        if key is None:
            return False
        owner = self.store.find_by_username(key)
        taken = owner is not None and owner.contact_id != step.new.contact_id
        return taken or claimed.setdefault(key, step.new.contact_id) != step.new.contact_id


@attrs.frozen(kw_only=True)
class _Step:
    """One contact's row, and the account before and after; *new* is None if nothing is written."""

    item: SyncItem
    old: Account | None
    new: Account | None

    @property
    def subject(self) -> Account:
        """Whom the authorizer is asked about: the account there is, or the one there would be."""
        return self.old or self.new or Account(contact=self.item.contact)


def _step(contact: Contact, old: Account | None, proposed: object, restore_erased: bool, now: datetime) -> _Step:
    username, key = _readable(proposed)
    if proposed is not None and username is None:
        return _Step(item=_cannot(contact, None, SyncReason.USERNAME_INVALID), old=old, new=None)
    missing = SyncReason.NO_USERNAME if username is None else None
    if old is None:
        new = Account(contact=contact, username=username)
        return _Step(item=_item(contact, username, SyncAction.ADD, missing), old=None, new=new)
    if old.erased_at is not None:
        if not restore_erased:
            return _Step(item=_cannot(contact, username, SyncReason.ERASED), old=old, new=None)
        restored = old.restore(contact, username)
        return _Step(item=_item(contact, username, SyncAction.RESTORE, missing), old=old, new=restored)
    differs = username is not None and old.username is not None and key != old.username_key
    reason = SyncReason.USERNAME_DIFFERS if differs else missing if old.username is None else None
    kept = username if old.username is None else old.username
    if old.contact == contact and old.username == kept:
        return _Step(item=_item(contact, username, SyncAction.UNCHANGED, reason), old=old, new=None)
    refreshed = old.refresh(contact, username=kept, at=now)
    return _Step(item=_item(contact, username, SyncAction.REFRESH, reason), old=old, new=refreshed)


def _failure(error: StoreError) -> SyncReason:
    unavailable = isinstance(error, StoreUnavailableError)
    return SyncReason.STORE_UNAVAILABLE if unavailable else SyncReason.STORE_REFUSED


def _not_seen(contacts: Iterable[Contact], seen: set[str]) -> list[Contact]:
    first = []
    for contact in contacts:
        if contact.contact_id not in seen:
            seen.add(contact.contact_id)
            first.append(contact)
    return first


def _readable(proposed: object) -> tuple[str | None, str | None]:
    """Return a user name and its key, or twice None: a number or a NaN of a sheet is one row's fault only."""
    if not isinstance(proposed, str):
        return None, None
    try:
        return proposed, username_key(proposed)
    except TextFaultError:
        return None, None


def _proposed(usernames: Usernames, contact: Contact) -> object:
    if usernames is None:
        return None
    return usernames(contact) if callable(usernames) else usernames.get(contact.contact_id)


def _item(contact: Contact, username: str | None, action: SyncAction, reason: SyncReason | None) -> SyncItem:
    return SyncItem(contact=contact, username=username, action=action, reason=reason)


def _cannot(contact: Contact, username: str | None, reason: SyncReason) -> SyncItem:
    return _item(contact, username, SyncAction.CANNOT, reason)


def _refused(step: _Step, reason: SyncReason) -> _Step:
    return _Step(item=_cannot(step.item.contact, step.item.username, reason), old=step.old, new=None)
