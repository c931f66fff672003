"""The rules for writing accounts: compare and set, one atomic step for each change (R1, R3)."""

from __future__ import annotations

from threading import Barrier

import attrs

from ..contacts import ContactId
from ..protocols import AccountStore, ApplyResult, Change
from ._store_samples import HASH, NOW, OTHER_HASH, a_contact, add, an_account, chosen, issued, step, stored

_APPLIED, _STALE, _TAKEN = ApplyResult.APPLIED, ApplyResult.STALE, ApplyResult.USERNAME_TAKEN

_ROUNDS = 10
"""Races; a store that reads, compares and writes loses one of these soon."""


class ApplyingRules:
    """What `apply` owes to the accounts."""

    def test_applying_nothing_does_nothing(self, store: AccountStore) -> None:
        """No changes, no results."""
        assert list(store.apply([])) == []

    def test_a_new_version_replaces_the_old(self, store: AccountStore) -> None:
        """A change made from what is stored is applied."""
        account = an_account("1", "rosa")
        add(store, account)
        assert list(store.apply([Change(old=account, new=issued(account))])) == [_APPLIED]
        assert store.find(account.contact_id) == issued(account)

    def test_add_over_an_account_is_stale(self, store: AccountStore) -> None:
        """Adding never overwrites: the contact who comes back keeps the password and the epoch."""
        account = an_account("1", "rosa")
        add(store, account)
        settled = step(store, account, issued(account))
        assert list(store.apply([Change(old=None, new=an_account("1", "other"))])) == [_STALE]
        assert store.find(account.contact_id) == settled
        assert store.find_by_username("other") is None

    def test_a_stale_old_never_overwrites(self, store: AccountStore) -> None:
        """An upgrade that hashed while the password was reset must not bring the old password back (R3)."""
        read_at_sign_in = chosen(an_account("1", "rosa"))
        add(store, read_at_sign_in)
        reset = step(store, read_at_sign_in, issued(read_at_sign_in))
        upgrade = read_at_sign_in.upgrade(OTHER_HASH)
        assert list(store.apply([Change(old=read_at_sign_in, new=upgrade)])) == [_STALE]
        assert store.find(reset.contact_id) == reset

    def test_a_change_of_a_version_to_come_is_stale(self, store: AccountStore) -> None:
        """Only the stored version counts: neither an earlier one nor one that is not there yet."""
        account = an_account("1", "rosa")
        add(store, account)
        ahead = issued(account)
        assert list(store.apply([Change(old=ahead, new=ahead.disable())])) == [_STALE]
        assert store.find(account.contact_id) == account

    def test_a_change_of_nobody_is_stale(self, store: AccountStore) -> None:
        """Changing an account that is not there does not add it."""
        account = an_account("1", "rosa")
        assert list(store.apply([Change(old=account, new=issued(account))])) == [_STALE]
        assert store.find(account.contact_id) is None
        assert store.find_by_username("rosa") is None

    def test_the_same_change_applies_once(self, store: AccountStore) -> None:
        """What was applied is stale when it comes again."""
        account = an_account("1")
        add(store, account)
        change = Change(old=account, new=issued(account))
        assert list(store.apply([change])) == [_APPLIED]
        assert list(store.apply([change])) == [_STALE]

    def test_results_are_in_the_order_of_the_changes(self, store: AccountStore) -> None:
        """Each change has its own result, in its place."""
        first, second = an_account("1", "a"), an_account("2", "b")
        add(store, first, second)
        results = store.apply(
            [
                Change(old=None, new=first),
                Change(old=second, new=issued(second)),
                Change(old=None, new=an_account("3", "a")),
                Change(old=None, new=an_account("4", "d")),
            ]
        )
        assert list(results) == [_STALE, _APPLIED, _TAKEN, _APPLIED]

    def test_neighbours_of_a_stale_change_are_applied(self, store: AccountStore) -> None:
        """One stale change leaves those before and after it be."""
        accounts = [an_account(str(number)) for number in range(3)]
        add(store, *accounts)
        moved = step(store, accounts[1], accounts[1].disable())
        store.apply([Change(old=account, new=issued(account)) for account in accounts])
        assert [stored(store, account) for account in accounts] == [issued(accounts[0]), moved, issued(accounts[2])]

    def test_neighbours_of_a_taken_username_are_applied(self, store: AccountStore) -> None:
        """One constraint leaves the changes before and after it be."""
        add(store, an_account("0", "taken"))
        new = [an_account("1", "a"), an_account("2", "taken"), an_account("3", "c")]
        assert list(store.apply([Change(old=None, new=account) for account in new])) == [_APPLIED, _TAKEN, _APPLIED]
        assert [store.find(account.contact_id) for account in new] == [new[0], None, new[2]]

    def test_two_steps_of_one_account_in_one_call(self, store: AccountStore) -> None:
        """Changes take effect one after the other, so the second may go on from the first."""
        account = an_account("1")
        add(store, account)
        first = issued(account)
        second = first.disable()
        results = store.apply([Change(old=account, new=first), Change(old=first, new=second)])
        assert list(results) == [_APPLIED, _APPLIED]
        assert store.find(account.contact_id) == second

    def test_of_racing_changes_one_wins(self, store: AccountStore) -> None:
        """Whatever the interleaving, one change of a version is applied and the others are stale."""
        for number in range(_ROUNDS):
            account = an_account(str(number))
            add(store, account)
            ways = [
                issued(account),
                account.disable(),
                account.rename(f"n{number}"),
                account.refresh(a_contact(str(number)), username=None, at=NOW),
            ]
            results = _race(store, [Change(old=account, new=way) for way in ways])
            assert sorted(results) == [_APPLIED, _STALE, _STALE, _STALE]
            assert store.find(account.contact_id) == ways[results.index(_APPLIED)]

    def test_of_racing_additions_one_wins(self, store: AccountStore) -> None:
        """Two syncs at once add one account."""
        for number in range(_ROUNDS):
            ways = [an_account(str(number), last_name=name) for name in "abcd"]
            results = _race(store, [Change(old=None, new=way) for way in ways])
            assert sorted(results) == [_APPLIED, _STALE, _STALE, _STALE]
            assert store.find(ways[0].contact_id) == ways[results.index(_APPLIED)]

    def test_of_racing_usernames_one_wins(self, store: AccountStore) -> None:
        """A user name has one owner, however many claim it at once."""
        for number in range(_ROUNDS):
            ways = [an_account(f"{number}-{letter}", f"name{number}") for letter in "abcd"]
            results = _race(store, [Change(old=None, new=way) for way in ways])
            assert sorted(results) == [_APPLIED, _TAKEN, _TAKEN, _TAKEN]
            assert store.find_by_username(f"name{number}") == ways[results.index(_APPLIED)]

    def test_add_with_a_taken_username(self, store: AccountStore) -> None:
        """A user name that another account has adds nothing."""
        owner = an_account("1", "rosa")
        add(store, owner)
        assert list(store.apply([Change(old=None, new=an_account("2", "rosa"))])) == [_TAKEN]
        assert store.find(ContactId("2")) is None
        assert store.find_by_username("rosa") == owner

    def test_rename_to_a_taken_username(self, store: AccountStore) -> None:
        """A rename to another account's user name changes nothing."""
        owner, other = an_account("1", "rosa"), an_account("2", "rose")
        add(store, owner, other)
        assert list(store.apply([Change(old=other, new=other.rename("Rosa"))])) == [_TAKEN]
        assert store.find(other.contact_id) == other
        assert store.find_by_username("rose") == other

    def test_a_username_is_taken_by_its_key(self, store: AccountStore) -> None:
        """Another spelling of a taken user name is taken too (R18)."""
        add(store, an_account("1", "Straße"))
        for number, spelling in enumerate(("strasse", "STRASSE", " straße ", "ｓｔｒａｓｓｅ")):
            assert list(store.apply([Change(old=None, new=an_account(f"n{number}", spelling))])) == [_TAKEN]

    def test_two_additions_with_one_username_in_one_call(self, store: AccountStore) -> None:
        """The first takes the user name, the second is told, whichever sorts before the other."""
        first, second = an_account("2", "rosa"), an_account("1", "ROSA")
        assert list(store.apply([Change(old=None, new=first), Change(old=None, new=second)])) == [_APPLIED, _TAKEN]
        assert store.find_by_username("rosa") == first

    def test_stale_is_said_before_taken(self, store: AccountStore) -> None:
        """A change from an old version is stale whatever user name it would take: its maker must re-read anyway."""
        owner, other = an_account("1", "rosa"), an_account("2", "rose")
        add(store, owner, other)
        step(store, other, other.disable())
        results = store.apply(
            [Change(old=other, new=other.rename("rosa")), Change(old=None, new=an_account("2", "rosa"))]
        )
        assert list(results) == [_STALE, _STALE]

    def test_a_rename_frees_the_username(self, store: AccountStore) -> None:
        """The old user name finds nobody and may be given to somebody else."""
        account = an_account("1", "rosa")
        add(store, account)
        step(store, account, account.rename("rose"))
        assert store.find_by_username("rosa") is None
        add(store, an_account("2", "rosa"))

    def test_a_username_freed_in_the_same_call_is_free(self, store: AccountStore) -> None:
        """A name given up by one change may be taken by the next."""
        account, other = an_account("2", "rosa"), an_account("1", "rosa")
        add(store, account)
        results = store.apply([Change(old=account, new=account.rename(None)), Change(old=None, new=other)])
        assert list(results) == [_APPLIED, _APPLIED]
        assert store.find_by_username("rosa") == other

    def test_erasing_frees_the_username_and_keeps_the_row(self, store: AccountStore) -> None:
        """An erased contact's name is free, and the epoch stays, so that nothing old ever works again."""
        account = chosen(an_account("1", "rosa"))
        add(store, account)
        erased = step(store, account, account.erase(erased_at=NOW))
        assert erased == account.erase(erased_at=NOW)
        assert store.find_by_username("rosa") is None
        assert store.find_epoch(account.contact_id) == account.credential.epoch + 1
        add(store, an_account("2", "rosa"))

    def test_an_erased_account_can_come_back(self, store: AccountStore) -> None:
        """A restored account is the same row, one version on."""
        account = an_account("1", "rosa")
        add(store, account)
        erased = step(store, account, account.erase(erased_at=NOW))
        restored = erased.restore(a_contact("1"), "rosa")
        assert step(store, erased, restored) == restored
        assert store.find_by_username("rosa") == restored

    def test_another_spelling_of_ones_own_username(self, store: AccountStore) -> None:
        """An account does not stand in its own way."""
        account = an_account("1", "rosa")
        add(store, account)
        assert step(store, account, account.rename("ROSA")).username == "ROSA"

    def test_many_accounts_without_username(self, store: AccountStore) -> None:
        """No user name is no conflict."""
        accounts = [an_account(str(number)) for number in range(5)]
        add(store, *accounts)
        assert [store.find(account.contact_id) for account in accounts] == accounts

    def test_changes_from_any_sequence(self, store: AccountStore) -> None:
        """A tuple will do as well as a list."""
        assert list(store.apply((Change(old=None, new=an_account("1")),))) == [_APPLIED]

    def test_the_table_of_what_may_happen_to_a_credential(self, store: AccountStore) -> None:
        """Every step that an account can take is stored as it is."""
        account = an_account("1", "rosa")
        add(store, account)
        for take in (
            issued,
            lambda at: at.refresh(attrs.evolve(at.contact, last_name="Alt"), username=at.username, at=NOW),
            lambda at: at.open_ticket("0a" * 32, expires_at=NOW),
            lambda at: at.choose(OTHER_HASH, changed_at=NOW),
            lambda at: at.upgrade(HASH),
            lambda at: at.sign_in(at=NOW),
            lambda at: at.require_change("compromised"),
            lambda at: at.open_ticket("0b" * 32, expires_at=NOW),
            lambda at: at.disable(),
            lambda at: at.enable(),
            lambda at: at.refresh(attrs.evolve(at.contact, last_name="Neu"), username=at.username, at=NOW),
            lambda at: at.erase(erased_at=NOW),
        ):
            following = take(account)
            assert step(store, account, following) == following
            account = following


def _race(store: AccountStore, changes: list[Change]) -> list[ApplyResult]:
    start = Barrier(len(changes))

    def one(change: Change) -> ApplyResult:
        start.wait()
        (result,) = store.apply([change])
        return result

    # Here, because importing it is slow, and who only imports a contract runs no race.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(changes)) as pool:
        racing = [pool.submit(one, change) for change in changes]
    for error in filter(None, [future.exception() for future in racing]):
        # Raised here: an error that ends a thread is told in a place where nobody looks.
        raise AssertionError(f"{type(error).__name__} in a race; losing one is a result and no error") from error
    return [future.result() for future in racing]
