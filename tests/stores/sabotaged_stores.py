"""Stores that each break one rule, as real ones have."""

# ruff: noqa: D102  Each class says what its method does wrong.
from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import attrs

from portalcreds.account_queries import AccountPage, AccountQuery
from portalcreds.accounts import Account
from portalcreds.contacts import Contact, ContactId
from portalcreds.protocols import ApplyResult, Change
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
        return super().search(attrs.evolve(query, last_name_prefix="") if query.last_name_prefix == "%" else query)


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


def _by_second(account: Account) -> tuple[float, str]:
    expires_at = account.credential.expires_at
    return 0.0 if expires_at is None else expires_at.timestamp() // 1, account.contact_id


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c)).rstrip()


def _rebased(change: Change, stored: Account) -> Change:
    new = attrs.evolve(change.new, version=stored.version + 1)
    return Change(old=stored, new=new, events=change.events, change_id=change.change_id)
