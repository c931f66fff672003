"""The rules for two stores over one place, as two processes of a portal have them: what one writes, the other sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

from ..account_queries import AccountQuery
from ..accounts import AccountStatus
from ..audit import AuditEvent
from ..protocols import AccountStore, ApplyResult, Change
from ._optional_fixtures import Fixtures, fixture_or_skip
from ._store_samples import NOW, add, an_account, an_event, chosen, issued, step
from ._threads import at_once

_APPLIED, _STALE, _TAKEN = ApplyResult.APPLIED, ApplyResult.STALE, ApplyResult.USERNAME_TAKEN

_ROUNDS: Final = 10


class SharingRules:
    """What a store owes to the other processes; each rule needs the fixture ``another_store``."""

    recorded_events: Callable[[AccountStore], Sequence[AuditEvent]]

    def test_another_store_sees_each_change(self, store: AccountStore, request: Fixtures) -> None:
        """No account is kept in a process: after a reset in one, the old password would still open another."""
        another = _another(request)
        account = chosen(an_account("1", "rosa"))
        add(store, account)
        asked: Sequence[Callable[[AccountStore], object]] = (
            lambda of: of.find(account.contact_id),
            lambda of: of.find_by_username("rosa"),
            lambda of: of.find_many([account.contact_id])[account.contact_id],
        )
        steps = (account, issued(account), issued(account).disable())
        for old, new in pairwise(steps):
            assert [ask(another) for ask in asked] == [old] * len(asked)
            assert [ask(store) for ask in asked] == [old] * len(asked)
            step(store, old, new)
            assert [ask(another) for ask in asked] == [new] * len(asked)
            assert [ask(store) for ask in asked] == [new] * len(asked)

    def test_another_store_sees_each_epoch(self, store: AccountStore, request: Fixtures) -> None:
        """No epoch is kept in a process: the sessions that a reset or a disabling ends would go on in another."""
        another = _another(request)
        account = chosen(an_account("1"))
        add(store, account)
        assert another.find_epoch(account.contact_id) == account.credential.epoch
        disabled = step(store, account, account.disable())
        assert another.find_epoch(account.contact_id) == disabled.credential.epoch
        step(another, disabled, disabled.erase(erased_at=NOW))
        assert store.find_epoch(account.contact_id) == disabled.credential.epoch + 1

    def test_another_store_finds_whom_it_did_not_find(self, store: AccountStore, request: Fixtures) -> None:
        """That nobody was there is not kept in a process: whoever was added in another could not sign in here."""
        another = _another(request)
        account = an_account("1", "rosa")
        assert another.find(account.contact_id) is None
        assert another.find_by_username("rosa") is None
        assert dict(another.find_many([account.contact_id])) == {}
        assert another.find_epoch(account.contact_id) is None
        add(store, account)
        assert another.find(account.contact_id) == account
        assert another.find_by_username("rosa") == account
        assert dict(another.find_many([account.contact_id])) == {account.contact_id: account}
        assert another.find_epoch(account.contact_id) == account.credential.epoch

    def test_another_store_sees_who_has_a_username(self, store: AccountStore, request: Fixtures) -> None:
        """No owner of a user name is kept in a process: its next owner would be signed in as the last one."""
        another = _another(request)
        account = an_account("1", "rosa")
        add(store, account)
        assert another.find_by_username("rosa") == account
        step(store, account, account.rename("rose"))
        assert another.find_by_username("rosa") is None
        heir = an_account("2", "rosa")
        add(store, heir)
        assert another.find_by_username("rosa") == heir
        assert list(another.apply([Change(old=None, new=an_account("3", "rosa"))])) == [_TAKEN]

    def test_another_store_sees_pages_and_counts(self, store: AccountStore, request: Fixtures) -> None:
        """No page is kept in a process: staff would set a default for somebody who has chosen a password since."""
        another = _another(request)
        account = an_account("1", "rosa")
        queries = [AccountQuery(now=NOW), *(AccountQuery(now=NOW, status=status) for status in AccountStatus)]
        for old, new in ((None, account), (account, issued(account)), (issued(account), issued(account).disable())):
            for query in queries:
                assert list(another.search(query).accounts) == [at for at in (old,) if at and query.matches(at)]
                assert another.count(query) == (old is not None and query.matches(old))
            add(store, new) if old is None else step(store, old, new)
            for query in queries:
                assert list(another.search(query).accounts) == [at for at in (new,) if query.matches(at)]
                assert another.count(query) == query.matches(new)

    def test_another_store_sees_the_events(self, store: AccountStore, request: Fixtures) -> None:
        """No event waits in a process to be stored later: if that ends, a reset is on nobody's record."""
        another = _another(request)
        event = an_event("1")
        store.apply([Change(old=None, new=an_account("1"), events=(event,))])
        assert list(self.recorded_events(another)) == [event]

    def test_what_another_store_changed_is_stale(self, store: AccountStore, request: Fixtures) -> None:
        """The version is compared with what is stored, and not with what this process read or wrote last (R3)."""
        another = _another(request)
        account = an_account("1", "rosa")
        add(store, account)
        assert another.find(account.contact_id) == account
        assert store.find(account.contact_id) == account
        disabled = step(another, account, account.disable())
        assert list(store.apply([Change(old=account, new=issued(account))])) == [_STALE]
        assert list(store.apply([Change(old=None, new=account)])) == [_STALE]
        assert store.find(account.contact_id) == disabled
        assert step(store, disabled, disabled.enable()) == another.find(account.contact_id)

    def test_of_changes_in_two_stores_one_wins(self, store: AccountStore, request: Fixtures) -> None:
        """A lock in the process is not enough: of a reset and a sign-in in two processes, one is stale."""
        another = _another(request)
        for number in range(_ROUNDS):
            account = an_account(str(number))
            add(store, account)
            ways = [issued(account), account.disable()]
            results = _race([store, another], [Change(old=account, new=way) for way in ways])
            assert sorted(results) == [_APPLIED, _STALE]
            assert store.find(account.contact_id) == ways[results.index(_APPLIED)]

    def test_of_usernames_in_two_stores_one_wins(self, store: AccountStore, request: Fixtures) -> None:
        """A user name that two processes give away at once has one owner."""
        another = _another(request)
        for number in range(_ROUNDS):
            ways = [an_account(f"{number}-{letter}", f"name{number}") for letter in "ab"]
            results = _race([store, another], [Change(old=None, new=way) for way in ways])
            assert sorted(results) == [_APPLIED, _TAKEN]
            assert store.find_by_username(f"name{number}") == ways[results.index(_APPLIED)]


def _another(request: Fixtures) -> AccountStore:
    another: AccountStore = fixture_or_skip(request, "another_store", "what two processes over one place see")
    return another


def _race(stores: Sequence[AccountStore], changes: Sequence[Change]) -> list[ApplyResult]:
    return at_once([partial(_apply_one, at, change) for at, change in zip(stores, changes, strict=True)])


def _apply_one(store: AccountStore, change: Change) -> ApplyResult:
    (result,) = store.apply([change])
    return result
