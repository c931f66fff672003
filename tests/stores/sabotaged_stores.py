"""Stores that each break one rule, as real ones have."""

# ruff: noqa: D102  Each class says what its method does wrong.
from __future__ import annotations

import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from threading import Lock
from typing import Self

import attrs

from portalcreds.account_queries import AccountPage, AccountQuery
from portalcreds.accounts import Account, AccountStatus
from portalcreds.audit import AuditEvent
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import StoreError, StoreUnavailableError
from portalcreds.protocols import ApplyResult, Change
from portalcreds.status_counts import StatusGroup, StatusQuery
from portalcreds.stores.memory import MemoryAccountStore


class LastWriteWins(MemoryAccountStore):
    """UPDATE ... WHERE contact_id = ?, without the version."""

    def _apply(self, change: Change) -> ApplyResult:
        stored = self._accounts.get(change.new.contact_id)
        return super()._apply(change if change.old is None or stored is None else _rebased(change, stored))


class FoldsCase(MemoryAccountStore):
    """A collation that ignores case, accents and trailing blanks."""

    def find_by_username(self, username_key: str, /) -> Account | None:
        folded = _folded(username_key)
        return next((account for key, account in self._by_key() if _folded(key) == folded), None)

    def _by_key(self) -> Iterable[tuple[str, Account]]:
        return [(key, self._accounts[owner]) for key, owner in self._owners.items()]


class FoldsIds(MemoryAccountStore):
    """The same on the primary key."""

    def find(self, contact_id: ContactId, /) -> Account | None:
        folded = _folded(contact_id)
        return next((account for key, account in self._accounts.items() if _folded(key) == folded), None)


class _Alters(MemoryAccountStore):
    """Stores something else than it was given."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        return super().apply([attrs.evolve(change, new=self._altered(change.new)) for change in changes])

    def _altered(self, account: Account) -> Account:
        return attrs.evolve(account, contact=self._contact(account.contact))

    def _contact(self, contact: Contact) -> Contact:
        return contact


class StripsNames(_Alters):
    """Tidies names up on the way in."""

    def _contact(self, contact: Contact) -> Contact:
        return attrs.evolve(contact, last_name=contact.last_name and contact.last_name.strip())


class NormalisesNames(_Alters):
    """A file system or a driver that composes characters."""

    def _contact(self, contact: Contact) -> Contact:
        return attrs.evolve(contact, last_name=contact.last_name and unicodedata.normalize("NFC", contact.last_name))


class Truncates(_Alters):
    """A short column and a database that is not strict."""

    def _contact(self, contact: Contact) -> Contact:
        return attrs.evolve(contact, last_name=contact.last_name and contact.last_name[:100])


class EmptyIsNone(_Alters):
    """Oracle's empty string."""

    def _contact(self, contact: Contact) -> Contact:
        return attrs.evolve(contact, first_name=contact.first_name or None)


class DropsMicroseconds(_Alters):
    """A DATETIME column without fractions."""

    def _altered(self, account: Account) -> Account:
        at = account.last_sign_in_at
        return attrs.evolve(account, last_sign_in_at=at and at.replace(microsecond=0))


class DropsTheTimeZone(_Alters):
    """Instants written in one zone and read as if in another."""

    def _altered(self, account: Account) -> Account:
        at = account.last_sign_in_at
        moved = at and (at - timedelta(hours=5) if at.year > 1 else at)
        return attrs.evolve(account, last_sign_in_at=moved)


class LosesTickets(_Alters):
    """A column that the mapping forgot."""

    def _altered(self, account: Account) -> Account:
        credential = attrs.evolve(account.credential, ticket_digest=None, ticket_expires_at=None)
        return attrs.evolve(account, credential=credential)


class OverwritesOnAdd(MemoryAccountStore):
    """INSERT OR REPLACE."""

    def _apply(self, change: Change) -> ApplyResult:
        if change.old is None and (stored := self._accounts.pop(change.new.contact_id, None)):
            self._owners.pop(stored.username_key or "", None)
        return super()._apply(change)


class AddsWhatItShouldChange(MemoryAccountStore):
    """An upsert where an update was asked for."""

    def _apply(self, change: Change) -> ApplyResult:
        if change.new.contact_id not in self._accounts:
            self._accounts[change.new.contact_id] = change.new
            return ApplyResult.APPLIED
        return super()._apply(change)


class SharesUsernames(MemoryAccountStore):
    """No unique constraint."""

    def _apply(self, change: Change) -> ApplyResult:
        self._owners.pop(change.new.username_key or "", None)
        return super()._apply(change)


class AllOrNothing(MemoryAccountStore):
    """One transaction for all changes, undone when one of them fails."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        before = dict(self._accounts), dict(self._owners), list(self._events)
        results = super().apply(changes)
        if set(results) - {ApplyResult.APPLIED}:
            self._accounts, self._owners, self._events = before
        return results


class SortsChanges(MemoryAccountStore):
    """Rows locked in one order, which is also the order in which user names are given away and events recorded."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        places = sorted(range(len(changes)), key=lambda place: changes[place].new.contact_id)
        results = dict(zip(places, super().apply([changes[place] for place in places]), strict=True))
        return [results[place] for place in range(len(changes))]


class RecordsBeforehand(MemoryAccountStore):
    """Events in a transaction of their own."""

    def _apply(self, change: Change) -> ApplyResult:
        self._events.extend(change.events)
        return super()._apply(attrs.evolve(change, events=()))


class RecordsTwice(MemoryAccountStore):
    """A retry that does not undo."""

    def _apply(self, change: Change) -> ApplyResult:
        return super()._apply(attrs.evolve(change, events=change.events * 2))


class RecordsNothing(MemoryAccountStore):
    """The audit that was to be done later."""

    def _apply(self, change: Change) -> ApplyResult:
        return super()._apply(attrs.evolve(change, events=()))


class SaysApplied(MemoryAccountStore):
    """A driver whose row counts cannot be believed."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        super().apply(changes)
        return [ApplyResult.APPLIED for _ in changes]


class SwallowsTaken(MemoryAccountStore):
    """INSERT OR IGNORE, and except IntegrityError: pass."""

    def _apply(self, change: Change) -> ApplyResult:
        result = super()._apply(change)
        return ApplyResult.APPLIED if result is ApplyResult.USERNAME_TAKEN else result


class ReturnsLiveObjects(MemoryAccountStore):
    """An identity map: whoever holds an account sees it change."""

    def _apply(self, change: Change) -> ApplyResult:
        live = self._accounts.get(change.new.contact_id)
        result = super()._apply(change)
        if live is not None and result is ApplyResult.APPLIED:
            for field in attrs.fields(Account):
                object.__setattr__(live, field.name, getattr(change.new, field.name))
        return result


class ReadsComparesAndWrites(MemoryAccountStore):
    """Checks the version in one step and writes in another."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        return tuple(self._apply(change) for change in changes)

    def _apply(self, change: Change) -> ApplyResult:
        stored = self._accounts.get(change.new.contact_id)
        if (None if stored is None else stored.version) != (None if change.old is None else change.old.version):
            return ApplyResult.STALE
        time.sleep(0.002)
        with self._lock:
            return super()._apply(change if stored is None else _rebased(change, self._accounts[stored.contact_id]))


class TakesFewIds(MemoryAccountStore):
    """A limit on the parameters of a statement, met by leaving some out."""

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        return super().find_many(contact_ids[-999:])


class SearchesWithLike(MemoryAccountStore):
    """A percent sign in a search field finds everybody."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        return super().search(attrs.evolve(query, words="") if query.words == "%" else query)


class SearchesNamesOnly(MemoryAccountStore):
    """Knows nothing of user names and addresses."""

    def _snapshot(self) -> list[Account]:
        shown = super()._snapshot()
        return [attrs.evolve(a, username=None, contact=attrs.evolve(a.contact, email=None)) for a in shown]


class FindsAnyWord(MemoryAccountStore):
    """OR where AND is meant."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        pages = [super(FindsAnyWord, self).search(attrs.evolve(query, words=word)) for word in query.typed or ("",)]
        return max(pages, key=lambda page: len(page.accounts))


class KeepsOldWords(MemoryAccountStore):
    """Finds people by the words that they were added with."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        first = getattr(self, "_first", {})
        found = [now for now in self._snapshot() if query.matches(first.get(now.contact_id, now))]
        return query.page(sorted(found, key=query.sort_key))

    def _apply(self, change: Change) -> ApplyResult:
        if not hasattr(self, "_first"):
            self._first: dict[ContactId, Account] = {}
        self._first.setdefault(change.new.contact_id, change.new)
        return super()._apply(change)


class SortsByCodePoint(MemoryAccountStore):
    """ORDER BY last_name."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        page = super().search(query)
        return attrs.evolve(page, accounts=tuple(sorted(page.accounts, key=lambda a: a.contact.last_name or "")))


class CountsWithoutFilters(MemoryAccountStore):
    """Counts whom the words find, whatever else was asked for."""

    def count(self, query: AccountQuery, /) -> int:
        return super().count(AccountQuery(now=query.now, words=query.words))


class PagesByKeyAlone(MemoryAccountStore):
    """WHERE last_name > ?, without the tie-breaker."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        position = query.position
        page = super().search(query)
        if position is None:
            return page
        accounts = [account for account in page.accounts if query.sort_key(account)[0] != position[0]]
        return attrs.evolve(page, accounts=tuple(accounts))


class SortsBySecond(MemoryAccountStore):
    """Sorts defaults by the second of their expiry."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        found = [account for _, account in self._accounts.items() if query.matches(account)]
        found = [account for account in found if query.position is None or query.sort_key(account) > query.position]
        return query.page(sorted(found, key=_by_second))


class ExpiresLate(MemoryAccountStore):
    """expires_at < :now instead of <=."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        return super().search(attrs.evolve(query, now=query.now - timedelta(microseconds=1)))


class ShowsErased(MemoryAccountStore):
    """Forgets in the count what it remembers on the page."""

    def count(self, query: AccountQuery, /) -> int:
        return len(self._accounts)


class RaisesForOddText(MemoryAccountStore):
    """A driver's UnicodeEncodeError at the sign-in page."""

    def find(self, contact_id: ContactId, /) -> Account | None:
        contact_id.encode()
        return super().find(contact_id)


class EpochIsVersion(MemoryAccountStore):
    """Ends every session when a hash is upgraded."""

    def find_epoch(self, contact_id: str, /) -> int | None:
        account = self.find(ContactId(contact_id))
        return None if account is None else account.version


class HidesDisabled(MemoryAccountStore):
    """WHERE is_active, where nobody asked for it."""

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        return {key: account for key, account in super().find_many(contact_ids).items() if account.is_active}


class HidesErased(MemoryAccountStore):
    """WHERE erased_at IS NULL, the same."""

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        return {key: account for key, account in super().find_many(contact_ids).items() if account.erased_at is None}


class BeginsAtThePlace(MemoryAccountStore):
    """>= where > was meant."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        keyed = sorted((query.sort_key(account), account.contact_id) for account in self._snapshot())
        found = [self._accounts[owner] for key, owner in keyed if query.matches(self._accounts[owner])]
        position = query.position
        return query.page([account for account in found if position is None or query.sort_key(account) >= position])


class LosesNameChanges(_Alters):
    """A column that came later and was forgotten."""

    def _altered(self, account: Account) -> Account:
        return attrs.evolve(account, name_changed_at=None)


# -- what a trial with a store of somebody else's did not catch


def _journey() -> None:
    """Take the time in which a question or an answer is on its way to or from a server."""
    time.sleep(0.0002)


class FindsTheFirst500(MemoryAccountStore):
    """One statement for as many ids as it takes, and the others forgotten."""

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        return super().find_many(contact_ids[:500])


class FindsTheFirst500Owners(MemoryAccountStore):
    """The same with user names."""

    def find_owners(self, username_keys: Sequence[str], /) -> Mapping[str, ContactId]:
        return super().find_owners(username_keys[:500])


class FindsAtMost100(MemoryAccountStore):
    """A client that returns 100 items at a time, of which only the first time is read."""

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        return dict(list(super().find_many(contact_ids).items())[:100])


class AppliesTheFirst400(MemoryAccountStore):
    """A batch of limited size, and what is beyond it taken for done."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        return [*super().apply(changes[:400]), *[ApplyResult.APPLIED for _ in changes[400:]]]


class RefusesOver400(MemoryAccountStore):
    """A batch of limited size, and an error beyond it."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        if len(changes) > 400:
            raise StoreError("apply", "too_many")
        return super().apply(changes)


class ShowsAtMost200(MemoryAccountStore):
    """A server's own limit on the size of a page."""

    def search(self, query: AccountQuery, /) -> AccountPage:
        return super().search(attrs.evolve(query, limit=min(query.limit, 200)))


class AddsOverErased(MemoryAccountStore):
    """ON CONFLICT DO UPDATE ... WHERE erased_at IS NOT NULL."""

    def _apply(self, change: Change) -> ApplyResult:
        stored = self._accounts.get(change.new.contact_id)
        if change.old is None and stored is not None and stored.erased_at is not None:
            del self._accounts[stored.contact_id]
        return super()._apply(change)


class SkipsEqualChanges(MemoryAccountStore):
    """Keeps change ids to settle lost replies, and so takes the same change twice for one that was sent twice."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        results = {change.change_id: super(SkipsEqualChanges, self).apply([change])[0] for change in _once(changes)}
        return [results[change.change_id] for change in changes]


class UndoesOnTakenRename(MemoryAccountStore):
    """An insert has a savepoint and an update has none."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        before = dict(self._accounts), dict(self._owners), list(self._events)
        results = super().apply(changes)
        if any(
            change.old is not None and result is ApplyResult.USERNAME_TAKEN
            for change, result in zip(changes, results, strict=True)
        ):
            self._accounts, self._owners, self._events = before
        return results


class DisabledHasNoEpoch(MemoryAccountStore):
    """SELECT epoch ... WHERE is_active."""

    def find_epoch(self, contact_id: str, /) -> int | None:
        account = self.find(ContactId(contact_id))
        return account.credential.epoch if account is not None and account.is_active else None


class DisabledIsNotFound(MemoryAccountStore):
    """The same in the place where a sign-in looks."""

    def find_by_username(self, username_key: str, /) -> Account | None:
        account = super().find_by_username(username_key)
        return account if account is not None and account.is_active else None


class ErasedIsNotFound(MemoryAccountStore):
    """Soft deletion, as an object mapper does it everywhere."""

    def find(self, contact_id: ContactId, /) -> Account | None:
        account = super().find(contact_id)
        return account if account is not None and account.erased_at is None else None


class DisabledFreesTheUsername(MemoryAccountStore):
    """A unique index ... WHERE is_active."""

    def _apply(self, change: Change) -> ApplyResult:
        owner = self._accounts.get(self._owners.get(change.new.username_key or "", ContactId("")))
        if owner is not None and not owner.is_active and owner.contact_id != change.new.contact_id:
            del self._owners[str(owner.username_key)]
        return super()._apply(change)


class KeepsOneEventPerContact(MemoryAccountStore):
    """Events collected in a mapping by contact, of which the last one stays."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        last = {change.new.contact_id: change for change in changes}
        return super().apply(
            [change if last[change.new.contact_id] is change else attrs.evolve(change, events=()) for change in changes]
        )


class DropsLookalikeEvents(MemoryAccountStore):
    """A unique key over everything but the event's id, and ON CONFLICT DO NOTHING."""

    def _apply(self, change: Change) -> ApplyResult:
        unique = {str(attrs.evolve(event, event_id="")): event for event in change.events}
        return super()._apply(attrs.evolve(change, events=unique.values()))


class RecordsTheSameChangeTwice(MemoryAccountStore):
    """Writes the events of every change that was stored by its end, whoever stored it."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        results = super().apply([attrs.evolve(change, events=()) for change in changes])
        for change in changes:
            if self._accounts.get(change.new.contact_id) == change.new:
                self._events.extend(change.events)
        return results


class TornReads(MemoryAccountStore):
    """The credential in a table of its own, read by a second statement."""

    def find(self, contact_id: ContactId, /) -> Account | None:
        account = super().find(contact_id)
        _journey()
        later = super().find(contact_id)
        return attrs.evolve(account, credential=later.credential) if account and later else account


class FindsTheOwnerFirst(MemoryAccountStore):
    """Asks who has the user name, and then for that contact's account."""

    def find_by_username(self, username_key: str, /) -> Account | None:
        owner = super().find_by_username(username_key)
        _journey()
        return owner and self.find(owner.contact_id)


class WritesFieldByField(MemoryAccountStore):
    """HSET for each field, without MULTI."""

    def _apply(self, change: Change) -> ApplyResult:
        half = change.old and attrs.evolve(change.new, credential=change.old.credential)
        result = super()._apply(attrs.evolve(change, new=half) if half else change)
        if half and result is ApplyResult.APPLIED:
            self._lock.release()
            _journey()
            self._accounts[change.new.contact_id] = change.new
            self._lock.acquire()
        return result


class RecordsInASecondStep(MemoryAccountStore):
    """The events after the commit."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        results = super().apply([attrs.evolve(change, events=()) for change in changes])
        for change, result in zip(changes, results, strict=True):
            if result is ApplyResult.APPLIED:
                _journey()
                self.record(change.events)
        return results


class RecordsInAFirstStep(MemoryAccountStore):
    """The events before the commit, and away again where it fails."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        results: list[ApplyResult] = []
        for change in changes:
            self.record(change.events)
            _journey()
            results += super().apply([attrs.evolve(change, events=())])
            if results[-1] is not ApplyResult.APPLIED and change.events:
                del self._events[-len(change.events) :]
        return results


class LosesUnkeptEvents(MemoryAccountStore):
    """A column for the count that is too small, found out after the account was stored."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        results = super().apply([attrs.evolve(change, events=()) for change in changes])
        with self._lock:
            for event in [event for change in changes for event in change.events]:
                if (event.count or 0) >= 2**63:
                    raise StoreError("apply", "out_of_range")
                self._events.append(event)
        return results


class _Narrow(MemoryAccountStore):
    """Whole numbers of 64 bits, and text of 1,000 characters."""

    def _apply(self, change: Change) -> ApplyResult:
        credential = change.new.credential
        if credential.epoch >= 2**63 or len(credential.issued_by or "") > 1000:
            raise StoreError("apply", "out_of_range")
        return super()._apply(change)


class FailsHalfWay(_Narrow):
    """One change after the other, each committed, until one fails."""


class _AllOrNothingOf(_Narrow):
    """Undoes the whole call where one change cannot be stored."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        before = dict(self._accounts), dict(self._owners), list(self._events)
        try:
            return super().apply(changes)
        except StoreError as error:
            self._accounts, self._owners, self._events = before
            self._failed(changes, error)
            raise

    def _failed(self, changes: Sequence[Change], error: StoreError) -> None: ...


class QuotesValues(_AllOrNothingOf):
    """A driver's error, with the row that it could not insert."""

    def _failed(self, changes: Sequence[Change], error: StoreError) -> None:
        rows = [[change.new.username, change.new.contact.last_name] for change in changes]
        raise StoreError("apply", f"value out of range in {rows}")


class QuotesInTheCause(_AllOrNothingOf):
    """An error that tells nothing, raised from the driver's, which tells everything."""

    def _failed(self, changes: Sequence[Change], error: StoreError) -> None:
        emails = [change.new.contact.email for change in changes]
        raise StoreError("apply", "out_of_range") from ValueError(f"value out of range: {emails}")


class CutsWhatIsTooLong(_Alters):
    """A database that is not strict, and a field that the other rules fill to what it takes."""

    def _altered(self, account: Account) -> Account:
        issued_by = account.credential.issued_by
        return attrs.evolve(
            account, credential=attrs.evolve(account.credential, issued_by=issued_by and issued_by[:255])
        )


class SortsResults(MemoryAccountStore):
    """Rows locked in one order, and their results returned in it."""

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        results = super().apply(changes)
        places = sorted(range(len(changes)), key=lambda place: changes[place].new.contact_id)
        return [results[place] for place in places]


class LocksInTheOrderGiven(MemoryAccountStore):
    """A lock for each row, taken as the changes come, and a database that ends one of two that wait for each other."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: defaultdict[str, Lock] = defaultdict(Lock)

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        with ExitStack() as held:
            for row in dict.fromkeys(change.new.username_key or change.new.contact_id for change in changes):
                if not self._rows[row].acquire(timeout=0.05):
                    raise StoreUnavailableError("apply", "deadlock")
                held.callback(self._rows[row].release)
                time.sleep(0.001)
            return super().apply(changes)


class RemembersAbsence(MemoryAccountStore):
    """A cache whose entries are renewed by writing, and None is one of them."""

    def __init__(self) -> None:
        super().__init__()
        self._absent: set[str] = set()

    def find_by_username(self, username_key: str, /) -> Account | None:
        found = None if username_key in self._absent else super().find_by_username(username_key)
        if found is None:
            self._absent.add(username_key)
        return found


class ExpiresADayLate(MemoryAccountStore):
    """Dates where there should be instants."""

    def count_statuses(self, query: StatusQuery, /) -> Mapping[StatusGroup, int]:
        return super().count_statuses(attrs.evolve(query, now=query.now - timedelta(days=1), since=query.since))


class HasDaysInUTC(MemoryAccountStore):
    """CAST(... AS DATE)."""

    def count_statuses(self, query: StatusQuery, /) -> Mapping[StatusGroup, int]:
        return super().count_statuses(attrs.evolve(query, utc_offset=timedelta(0)))


class CountsNobody(MemoryAccountStore):
    """A row of zero for each status that there could be."""

    def count_statuses(self, query: StatusQuery, /) -> Mapping[StatusGroup, int]:
        return {**{StatusGroup(status): 0 for status in AccountStatus}, **super().count_statuses(query)}


class CountsErased(MemoryAccountStore):
    """The state of an erased account is that of its columns."""

    def count_statuses(self, query: StatusQuery, /) -> Mapping[StatusGroup, int]:
        return query.count(attrs.evolve(account, erased_at=None) for account in self._snapshot())


class CachesCensuses(MemoryAccountStore):
    """Counting is slow, and so it is done once."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[StatusQuery, Mapping[StatusGroup, int]] = {}

    def count_statuses(self, query: StatusQuery, /) -> Mapping[StatusGroup, int]:
        return self._counts.setdefault(query, super().count_statuses(query))


class CachesPages(MemoryAccountStore):
    """A page is kept for as long as somebody turns pages."""

    def __init__(self) -> None:
        super().__init__()
        self._pages: dict[AccountQuery, AccountPage] = {}

    def search(self, query: AccountQuery, /) -> AccountPage:
        return self._pages.setdefault(query, super().search(query))


class QuotesWhatItCannotReach(MemoryAccountStore):
    """Unavailable, and with the statement that could not be sent."""

    def find(self, contact_id: ContactId, /) -> Account | None:
        raise StoreUnavailableError("find", "connection refused")

    def find_by_username(self, username_key: str, /) -> Account | None:
        raise StoreUnavailableError("find", f"connection refused: HGET owners {username_key}")


# -- two stores over one place


class _Shared(MemoryAccountStore):
    """Stores over one place, each with what it keeps for itself."""

    def another(self) -> Self:
        """Return another store over the same place."""
        other = type(self)()
        other._lock, other._accounts, other._owners = self._lock, self._accounts, self._owners
        other._events = self._events
        return other


class Shares(_Shared):
    """Nothing is the matter with this one."""


class CachesAccounts(_Shared):
    """A cache in each process, renewed by what that process writes."""

    def __init__(self) -> None:
        super().__init__()
        self._cache: dict[ContactId, Account | None] = {}

    def find(self, contact_id: ContactId, /) -> Account | None:
        if contact_id not in self._cache:
            self._cache[contact_id] = super().find(contact_id)
        return self._cache[contact_id]

    def find_epoch(self, contact_id: str, /) -> int | None:
        account = super().find(ContactId(contact_id))
        return None if account is None else account.credential.epoch

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        results = super().apply(changes)
        for change in changes:
            self._cache.pop(change.new.contact_id, None)
        return results


class CachesEpochs(_Shared):
    """The same for the question that each request asks."""

    def __init__(self) -> None:
        super().__init__()
        self._epochs: dict[str, int | None] = {}

    def find_epoch(self, contact_id: str, /) -> int | None:
        if contact_id not in self._epochs:
            self._epochs[contact_id] = super().find_epoch(contact_id)
        return self._epochs[contact_id]

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        self._epochs.clear()
        return super().apply(changes)


class CachesOwners(_Shared):
    """Which contact has a user name, kept because it hardly ever changes."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, ContactId] = {}

    def find_by_username(self, username_key: str, /) -> Account | None:
        account = super().find_by_username(username_key)
        if account is not None:
            self._kept.setdefault(username_key, account.contact_id)
        return self._accounts[self._kept[username_key]] if username_key in self._kept else None

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        self._kept.clear()
        return super().apply(changes)


class CachesCounts(_Shared):
    """Totals are slow, so each process keeps them until it writes."""

    def __init__(self) -> None:
        super().__init__()
        self._totals: dict[AccountQuery, int] = {}

    def count(self, query: AccountQuery, /) -> int:
        return self._totals.setdefault(query, super().count(query))

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        self._totals.clear()
        return super().apply(changes)


class ComparesWithWhatItRead(CachesAccounts):
    """Compares the version with the one in the cache, and writes without."""

    def _apply(self, change: Change) -> ApplyResult:
        stored = self._accounts.get(change.new.contact_id)
        cached = self._cache.get(change.new.contact_id, stored)
        if (
            stored is not None
            and change.old is not None
            and cached is not None
            and cached.version == change.old.version
        ):
            return super()._apply(_rebased(change, stored))
        return super()._apply(change)

    def find(self, contact_id: ContactId, /) -> Account | None:
        self._cache[contact_id] = found = MemoryAccountStore.find(self, contact_id)
        return found


class BuffersEvents(_Shared):
    """Events wait in the process for a better time."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[AuditEvent] = []

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        results = super().apply([attrs.evolve(change, events=()) for change in changes])
        for change, result in zip(changes, results, strict=True):
            self._waiting.extend(change.events if result is ApplyResult.APPLIED else ())
        return results

    def events(self, contact_id: str | None = None, *, limit: int | None = None) -> tuple[AuditEvent, ...]:
        return (*super().events(), *self._waiting)


class LocksInTheProcess(_Shared):
    """Compares and writes in two steps, under a lock that no other process knows."""

    def __init__(self) -> None:
        super().__init__()
        self._own = Lock()

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        with self._own:
            return [self._in_two_steps(change) for change in changes]

    def _in_two_steps(self, change: Change) -> ApplyResult:
        seen = self._accounts.get(change.new.contact_id)
        owner = self._owners.get(change.new.username_key or "", change.new.contact_id)
        if (seen and seen.version) != (change.old and change.old.version):
            return ApplyResult.STALE
        if owner != change.new.contact_id:
            return ApplyResult.USERNAME_TAKEN
        time.sleep(0.002)
        with self._lock:
            self._owners.pop(change.new.username_key or "", None)
            stored = self._accounts.get(change.new.contact_id)
            return super()._apply(_rebased(change, stored) if stored else change)


def _once(changes: Sequence[Change]) -> Iterable[Change]:
    return {change.change_id: change for change in changes}.values()


def _by_second(account: Account) -> tuple[float, str]:
    expires_at = account.credential.expires_at
    return 0.0 if expires_at is None else expires_at.timestamp() // 1, account.contact_id


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c)).rstrip()


def _rebased(change: Change, stored: Account) -> Change:
    new = attrs.evolve(change.new, version=stored.version + 1)
    return Change(old=stored, new=new, events=change.events, change_id=change.change_id)
