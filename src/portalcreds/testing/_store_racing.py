"""The rules for several threads at once: one writer wins, and whoever reads beside them sees no half of a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import ClassVar, Final, TypeVar

import attrs

from ..account_queries import AccountQuery
from ..accounts import Account
from ..audit import AuditEvent
from ..contacts import ContactId
from ..protocols import AccountStore, ApplyResult, Change
from ._store_samples import NOW, a_contact, add, an_account, an_event, issued, stored
from ._threads import at_once, read_while_writing

_APPLIED, _STALE, _TAKEN = ApplyResult.APPLIED, ApplyResult.STALE, ApplyResult.USERNAME_TAKEN

_ROUNDS = 10
"""Number of races. A store that reads, compares and writes separately soon fails one."""


_ID: Final = ContactId("1")
"""The account that changes while it is read."""

_T = TypeVar("_T")


class RacingRules:
    """What a store owes to threads that share it."""

    has_threads: ClassVar[bool] = True
    keeps_names: ClassVar[bool] = True

    recorded_events: Callable[[AccountStore], Sequence[AuditEvent]]

    def test_of_racing_changes_one_wins(self, store: AccountStore) -> None:
        """Of several changes of one version, exactly one is applied and the others are stale."""
        for number in range(_ROUNDS):
            account = an_account(str(number))
            add(store, account)
            ways = [
                issued(account),
                account.disable(),
                account.rename(f"n{number}"),
                account.refresh(a_contact(str(number)), username=None, at=NOW),
            ]
            results = self._race(store, [[Change(old=account, new=way)] for way in ways])
            assert sorted(results) == [[_APPLIED], [_STALE], [_STALE], [_STALE]]
            assert store.find(account.contact_id) == ways[results.index([_APPLIED])]

    def test_of_racing_additions_one_wins(self, store: AccountStore) -> None:
        """Several syncs at the same time add one account."""
        for number in range(_ROUNDS):
            ways = [an_account(str(number), last_name=name) for name in "abcd"]
            results = self._race(store, [[Change(old=None, new=way)] for way in ways])
            assert sorted(results) == [[_APPLIED], [_STALE], [_STALE], [_STALE]]
            assert store.find(ways[0].contact_id) == ways[results.index([_APPLIED])]

    def test_of_racing_usernames_one_wins(self, store: AccountStore) -> None:
        """A user name has one owner, even if several claim it at the same time."""
        for number in range(_ROUNDS):
            ways = [an_account(f"{number}-{letter}", f"name{number}") for letter in "abcd"]
            results = self._race(store, [[Change(old=None, new=way)] for way in ways])
            assert sorted(results) == [[_APPLIED], [_TAKEN], [_TAKEN], [_TAKEN]]
            assert store.find_by_username(f"name{number}") == ways[results.index([_APPLIED])]

    def test_calls_that_meet_head_on_are_both_served(self, store: AccountStore) -> None:
        """Two calls with the same contacts in opposite order do not lock each other out, so that no job breaks off."""
        for number in range(_ROUNDS):
            accounts = [an_account(f"{number}-{letter}", f"{number}{letter}") for letter in "abcd"]
            add(store, *accounts)
            ways = [Change(old=account, new=issued(account)) for account in accounts]
            others = [Change(old=account, new=account.disable()) for account in reversed(accounts)]
            results, reverse = self._race(store, [ways, others])
            for account, result, other in zip(accounts, results, reversed(reverse), strict=True):
                assert sorted([result, other]) == [_APPLIED, _STALE]
                assert stored(store, account) == (issued(account) if result == _APPLIED else account.disable())

    def test_usernames_that_meet_head_on_have_one_owner(self, store: AccountStore) -> None:
        """Two syncs that give the same user names away in opposite order both end, and each name has one owner."""
        for number in range(_ROUNDS):
            names = [f"{number}{letter}" for letter in "abcd"]
            ways, others = (
                [Change(old=None, new=an_account(f"{sync}-{name}", name)) for name in order]
                for sync, order in (("x", names), ("y", names[::-1]))
            )
            results, reverse = self._race(store, [ways, others])
            for name, result, other in zip(names, results, reversed(reverse), strict=True):
                assert sorted([result, other]) == [_APPLIED, _TAKEN]
                owner = store.find_by_username(name)
                assert owner is not None
                assert owner.contact_id == f"{'x' if result == _APPLIED else 'y'}-{name}"

    def test_find_reads_no_half_of_a_change(self, store: AccountStore) -> None:
        """Whoever signs in beside a reset meets all of it or nothing: no new password without its forced change."""
        self._assert_whole(store, lambda: [store.find(_ID)])

    def test_find_by_username_reads_no_half_of_a_change(self, store: AccountStore) -> None:
        """A user name finds its owner or nobody: never an account that has another user name by now."""
        found = self._assert_whole(store, lambda: [at for at in [store.find_by_username("name1")] if at is not None])
        assert {account.username_key for account in found} <= {"name1"}

    def test_find_many_reads_no_half_of_a_change(self, store: AccountStore) -> None:
        """What a reset of many is planned from is each account as it was at one instant."""
        self._assert_whole(store, lambda: [store.find_many([_ID]).get(_ID)])

    def test_search_reads_no_half_of_a_change(self, store: AccountStore) -> None:
        """The grid shows no account that never was, such as a live default with the expiry of the one before."""
        query = AccountQuery(now=NOW, words="name")
        self._assert_whole(store, lambda: list(store.search(query).accounts))

    def test_no_change_is_seen_without_its_events(self, store: AccountStore) -> None:
        """Events are not stored in a second step: a process that ends before it would leave a reset by nobody."""
        for version, told in self._read(store, lambda: (_found_version(store), len(self.recorded_events(store)))):
            assert version <= 1 + told, "a change without its event"

    def test_no_event_is_seen_without_its_change(self, store: AccountStore) -> None:
        """Events are not stored in a first step: a process that ends after it would leave a reset that never was."""
        for told, version in self._read(store, lambda: (len(self.recorded_events(store)), _found_version(store))):
            assert version >= 1 + told, "an event without its change"

    def _assert_whole(self, store: AccountStore, read: Callable[[], Sequence[Account | None]]) -> list[Account]:
        """Assert that all that is read while an account changes is one of its versions, and return what was read."""
        read_accounts = [account for accounts in self._read(store, read) for account in accounts]
        found = [account for account in read_accounts if account is not None]
        assert len(found) == len(read_accounts), "the account was not there while it changed"
        for account in found:
            assert account == _version(account.version, renames=self.keeps_names)
        return found

    def _read(self, store: AccountStore, read: Callable[[], _T]) -> list[_T]:
        """Return what is read while one account goes through its versions, each with one event."""
        version = partial(_version, renames=self.keeps_names)
        add(store, version(1))

        def prepare(number: int) -> Callable[[], None]:
            change = Change(old=version(number), new=version(number + 1), events=(an_event(_ID),))
            return partial(_apply_one, store, change)

        return read_while_writing(prepare, read, threads=self.has_threads)

    def _race(self, store: AccountStore, calls: Sequence[Sequence[Change]]) -> list[list[ApplyResult]]:
        return at_once([partial(_apply, store, call) for call in calls], threads=self.has_threads)


def _apply(store: AccountStore, changes: Sequence[Change]) -> list[ApplyResult]:
    return list(store.apply(changes))


def _apply_one(store: AccountStore, change: Change) -> None:
    assert list(store.apply([change])) == [_APPLIED]


def _found_version(store: AccountStore) -> int:
    found = store.find(_ID)
    assert found is not None
    return found.version


def _version(number: int, *, renames: bool) -> Account:
    """Return one version of the account that changes; every field that a change may change is another in the next."""
    contact = a_contact(_ID, last_name=f"Name {number}" if renames else "Abbiatici")
    account = issued(Account(contact=contact, username=f"name{number % 2}"), expires_at=NOW + timedelta(minutes=number))
    credential = attrs.evolve(account.credential, epoch=number, issue_id=f"issue-{number}", issued_by=f"staff-{number}")
    return attrs.evolve(
        account, version=number, credential=credential, last_sign_in_at=NOW + timedelta(microseconds=number)
    )
