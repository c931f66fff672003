"""Plan a sync and apply it, for `AccountService`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Final, TypeGuard

import attrs

from .._chunks import chunks
from .._ids import new_id
from .._ledger import AT_A_TIME, Accounts, Ledger, NotWritten, Write
from .._privilege_check import PrivilegeCheck
from .._text import TextFaultError, username_key
from ..accounts import Account
from ..audit import AuditEvent, AuditKind
from ..contacts import Contact, ContactId
from ..privileges import Operator, Privilege, actor
from ..protocols import AccountStore, Change, Clock, Usernames
from .sync import SyncAction, SyncItem, SyncPlan, SyncReason, SyncReport

_MAX_ROUNDS: Final = 4
"""How often a contact is decided about, if the account changes between reading and writing each time."""

_MAX_NAMES: Final = 1_000
"""User names that a contact's row may try."""

_KINDS: Final = {
    SyncAction.ADD: AuditKind.ACCOUNT_ADDED,
    SyncAction.REFRESH: AuditKind.ACCOUNT_REFRESHED,
    SyncAction.RESTORE: AuditKind.ACCOUNT_RESTORED,
}


class ContactSyncer:
    """
    Adds accounts and refreshes names. A sync does nothing else.

    Args:
        ledger: The accounts.
        check: Who may sync whom.
        clock: Tells the time.
    """

    def __init__(self, *, ledger: Ledger, check: PrivilegeCheck, clock: Clock) -> None:
        self.ledger = ledger
        self.check = check
        self.clock = clock

    def plan(
        self, contacts: Iterable[Contact], operator: Operator, usernames: Usernames, restore_erased: bool
    ) -> SyncPlan:
        """Return what would be done, one row for each contact; nothing is written."""
        items: list[SyncItem] = []
        seen: set[str] = set()
        claims: dict[ContactId, _Claim] = {}
        for chunk in chunks(contacts, AT_A_TIME):
            first = _not_seen(chunk, seen)
            found, unreadable = self.ledger.read([contact.contact_id for contact in first])
            readable = [contact for contact in first if contact.contact_id not in unreadable]
            proposals = {contact.contact_id: _Proposal.of(usernames, contact) for contact in readable}
            steps = self._decide(readable, found, operator, proposals, restore_erased)
            planned = {step.item.contact_id: step for step in steps}
            refused = set(unreadable)
            for contact in chunk:
                step = planned.pop(contact.contact_id, None)
                if step is not None:
                    if step.sets_username:
                        claims[contact.contact_id] = _Claim(len(items), proposals[contact.contact_id], step)
                    items.append(step.item)
                elif contact.contact_id in refused:
                    refused.remove(contact.contact_id)
                    items.append(_cannot(contact, None, SyncReason.STORE_REFUSED))
                else:
                    items.append(_cannot(contact, None, SyncReason.LISTED_TWICE))
        self._settle_claims(claims, items)
        return SyncPlan(items=tuple(items), operator=operator, restore_erased=restore_erased)

    def apply(self, plan: SyncPlan) -> SyncReport:
        """Decide about each contact again, write what is to be written, and return one row for each."""
        operation_id = new_id()
        planned = {item.contact_id: item for item in plan.items if item.action in _KINDS}
        taken = {each for each, item in planned.items() if item.reason == SyncReason.USERNAME_TAKEN}

        def decide(contact_ids: Sequence[ContactId], found: Accounts) -> dict[ContactId, Write[SyncItem] | SyncItem]:
            rows = [planned[contact_id] for contact_id in contact_ids]
            proposals = {row.contact_id: _Proposal.planned(row, row.contact_id in taken) for row in rows}
            contacts = [row.contact for row in rows]
            steps = self._decide(contacts, found, plan.operator, proposals, plan.restore_erased)
            return {step.item.contact_id: self._write(step, plan.operator, operation_id) for step in steps}

        results: dict[ContactId, SyncItem] = {}
        lost: list[ContactId] = []
        for contact_id, outcome in self.ledger.settle(planned, decide, rounds=_MAX_ROUNDS, is_bulk=True):
            if isinstance(outcome, NotWritten) and outcome.code == SyncReason.USERNAME_TAKEN:
                lost.append(contact_id)
            else:
                results[contact_id] = _final(planned[contact_id], outcome)
        # Somebody got the name since the plan. The account is worth more than its name, so they go on without it.
        taken.update(lost)
        for contact_id, outcome in self.ledger.settle(lost, decide, rounds=_MAX_ROUNDS):
            results[contact_id] = _final(planned[contact_id], outcome)
        # A contact that is listed twice has a result in the place where it was planned.
        items = tuple(results[item.contact_id] if item.action in _KINDS else item for item in plan.items)
        return SyncReport(items=items, operation_id=operation_id)

    def _write(self, step: _Step, operator: Operator, operation_id: str) -> Write[SyncItem] | SyncItem:
        if step.new is None:
            return step.item
        event = AuditEvent(
            kind=_KINDS[step.item.action],
            at=self.clock(),
            **actor(operator),
            contact_id=step.new.contact_id,
            operation_id=operation_id,
            reason=None if step.item.reason is None else step.item.reason.value,
        )
        return Write(Change(old=step.old, new=step.new, events=(event,)), step.item)

    def _decide(
        self,
        contacts: Sequence[Contact],
        found: Accounts,
        operator: Operator,
        proposals: Mapping[ContactId, _Proposal],
        restore_erased: bool,
    ) -> list[_Step]:
        """Return what to do with each of the contacts, which are all different, given the accounts there are."""
        now = self.clock()
        steps = [
            _step(contact, found.get(contact.contact_id), proposals[contact.contact_id], restore_erased, now)
            for contact in contacts
        ]
        may = self.check.permitted_on_record(operator, Privilege.SYNC, [step.subject for step in steps])
        return [
            step if permitted else _refused(step, SyncReason.NOT_PERMITTED)
            for step, permitted in zip(steps, may, strict=True)
        ]

    def _settle_claims(self, claims: Mapping[ContactId, _Claim], items: list[SyncItem]) -> None:
        """Give each of those who get a user name the first that is free, or none, in their rows."""
        names = _Names(self.ledger.store)
        # By id: who gets which name does not depend on the order of the roster. First those whose name the SIS has.
        ordered = sorted(claims.items(), key=lambda each: (each[1].proposal.is_rule, each[0]))
        for chunk in chunks(ordered, AT_A_TIME):
            given = names.give([(contact_id, claim.names) for contact_id, claim in chunk])
            for (_, claim), free in zip(chunk, given, strict=True):
                item = items[claim.index]
                if free is None:
                    reason = item.reason or SyncReason.USERNAME_TAKEN
                    items[claim.index] = attrs.evolve(item, action=claim.action_without, reason=reason)
                elif free != item.username:
                    items[claim.index] = attrs.evolve(item, username=free)


class _Proposal:
    """
    The user names that a contact may get, the best first.

    *is_rule* tells that they were made for newcomers: to an account that has a name they say nothing. *is_taken* tells
    that none of them is free.
    """

    def __init__(
        self,
        first: str | None = None,
        *,
        others: Iterable[str] = (),
        is_invalid: bool = False,
        is_rule: bool = False,
        is_taken: bool = False,
    ) -> None:
        self.first = first
        self.others = others
        self.is_invalid = is_invalid
        self.is_rule = is_rule
        self.is_taken = is_taken

    @classmethod
    def of(cls, usernames: Usernames, contact: Contact) -> _Proposal:
        """Return what the caller's mapping or function proposes."""
        proposed: object = None
        if usernames is not None:
            proposed = usernames(contact) if callable(usernames) else usernames.get(contact.contact_id)
        if proposed is None:
            return cls()
        if not isinstance(proposed, Iterator):
            return cls(proposed) if _is_readable(proposed) else cls(is_invalid=True)
        # One after the other, as they are needed, and not for ever.
        listed = islice(proposed, _MAX_NAMES)
        has_some = False
        for name in listed:
            has_some = True
            if _is_readable(name):
                return cls(name, others=filter(_is_readable, listed), is_rule=True)
        return cls(is_invalid=has_some, is_rule=True)

    @classmethod
    def planned(cls, item: SyncItem, is_taken: bool) -> _Proposal:
        """Return what a plan proposes."""
        return cls(item.username, is_taken=is_taken)


class _Step:
    """One contact's row, and the account before and after; *new* is None if nothing is written."""

    def __init__(self, *, item: SyncItem, old: Account | None, new: Account | None) -> None:
        self.item = item
        self.old = old
        self.new = new

    @property
    def subject(self) -> Account:
        """Whom the authorizer is asked about: the account there is, or the one there would be."""
        return self.old or self.new or Account(contact=self.item.contact)

    @property
    def sets_username(self) -> bool:
        """Whether the account gets a user name."""
        before = None if self.old is None else self.old.username
        return self.new is not None and self.new.username != before


class _Choice:
    """The user names that a row takes, the best first, with their keys; drawn from their source as they are needed."""

    __slots__ = ("_drawn", "_names")

    def __init__(self, names: Iterable[str]) -> None:
        self._drawn: list[tuple[str, str]] = []
        self._names = iter(names)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        yield from self._drawn
        for name in self._names:
            self._drawn.append((name, username_key(name)))
            yield self._drawn[-1]


class _Names:
    """Which user names are nobody's, in the store and among those that were given away here."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._given: set[str] = set()

    def give(self, choices: Sequence[tuple[ContactId, _Choice]]) -> list[str | None]:
        """Return for each the first name that is nobody else's, or None; it is theirs from here on."""
        owners: dict[str, ContactId | None] = {}
        while True:
            given: dict[str, None] = {}
            found: list[str | None] = []
            for contact_id, names in choices:
                # What nobody was asked about yet may be theirs.
                free = (
                    (name, key)
                    for name, key in names
                    if key not in self._given and key not in given and owners.get(key) in (None, contact_id)
                )
                name, key = next(free, (None, None))
                found.append(name)
                if key is not None:
                    given[key] = None
            unknown = [key for key in given if key not in owners]
            if not unknown:
                self._given.update(given)
                return found
            # Asked for all at once. Who loses a name by the answer looks at their next one.
            there = self._store.find_owners(unknown)
            owners |= {key: there.get(key) for key in unknown}


class _Claim:
    """A row that wants a user name: its place, the names it takes, and what is done if none is free."""

    __slots__ = ("action_without", "index", "names", "proposal")

    def __init__(self, index: int, proposal: _Proposal, step: _Step) -> None:
        self.index = index
        self.proposal = proposal
        self.names = _Choice(chain([step.item.username or ""], proposal.others))
        same = step.old is not None and step.new is not None and step.old.contact == step.new.contact
        self.action_without = (
            SyncAction.UNCHANGED if same and step.item.action == SyncAction.REFRESH else step.item.action
        )


def _step(contact: Contact, old: Account | None, proposal: _Proposal, restore_erased: bool, now: datetime) -> _Step:
    if proposal.is_invalid:
        return _Step(item=_cannot(contact, None, SyncReason.USERNAME_INVALID), old=old, new=None)
    proposed = proposal.first
    username = None if proposal.is_taken else proposed
    missing = SyncReason.USERNAME_TAKEN if proposal.is_taken else SyncReason.NO_USERNAME if username is None else None
    if old is None:
        new = Account(contact=contact.completed(None), username=username)
        return _Step(item=_item(contact, proposed, SyncAction.ADD, missing), old=None, new=new)
    if old.erased_at is not None:
        if not restore_erased:
            return _Step(item=_cannot(contact, proposed, SyncReason.ERASED), old=old, new=None)
        restored = old.restore(contact.completed(old.contact), username)
        return _Step(item=_item(contact, proposed, SyncAction.RESTORE, missing), old=old, new=restored)
    if old.username is None:
        kept, reason = username, missing
    else:
        if proposal.is_rule:
            proposed = None
        is_same = proposed is None or proposed == old.username
        differs = not is_same and username_key(proposed or "") != old.username_key
        kept, reason = old.username, SyncReason.USERNAME_DIFFERS if differs else None
    # What the source says nothing about stays as it is; what it has as empty becomes empty, and is told.
    told = contact.completed(old.contact)
    is_unchanged = old.contact == told
    if not is_unchanged and _is_emptied(old.contact, told):
        reason = SyncReason.EMPTIED
    if is_unchanged and old.username == kept:
        return _Step(item=_item(contact, proposed, SyncAction.UNCHANGED, reason), old=old, new=None)
    refreshed = old.refresh(told, username=kept, at=now)
    return _Step(item=_item(contact, proposed, SyncAction.REFRESH, reason), old=old, new=refreshed)


def _is_emptied(old: Contact, new: Contact) -> bool:
    pairs = (old.first_name, new.first_name), (old.last_name, new.last_name), (old.email, new.email)
    return any(before and not after for before, after in pairs)


def _not_seen(contacts: Iterable[Contact], seen: set[str]) -> list[Contact]:
    first = []
    for contact in contacts:
        if contact.contact_id not in seen:
            seen.add(contact.contact_id)
            first.append(contact)
    return first


def _is_readable(proposed: object) -> TypeGuard[str]:
    """Return whether it can be a user name: a number or a NaN of a sheet is one row's fault only."""
    if not isinstance(proposed, str):
        return False
    try:
        username_key(proposed)
    except TextFaultError:
        return False
    return True


def _final(item: SyncItem, outcome: SyncItem | NotWritten) -> SyncItem:
    if isinstance(outcome, NotWritten):
        return _cannot(item.contact, item.username, SyncReason(outcome.code))
    return outcome


def _item(contact: Contact, username: str | None, action: SyncAction, reason: SyncReason | None) -> SyncItem:
    return SyncItem(contact=contact, username=username, action=action, reason=reason)


def _cannot(contact: Contact, username: str | None, reason: SyncReason) -> SyncItem:
    return _item(contact, username, SyncAction.CANNOT, reason)


def _refused(step: _Step, reason: SyncReason) -> _Step:
    return _Step(item=_cannot(step.item.contact, step.item.username, reason), old=step.old, new=None)
