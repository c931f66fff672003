"""The rules for writing accounts: compare and set, one atomic step for each change (R1, R3)."""

from __future__ import annotations

import attrs

from ..contacts import ContactId
from ..protocols import AccountStore, ApplyResult, Change
from ._store_samples import HASH, NOW, OTHER_HASH, a_contact, add, an_account, chosen, issued, step, stored

_APPLIED, _STALE, _TAKEN = ApplyResult.APPLIED, ApplyResult.STALE, ApplyResult.USERNAME_TAKEN

_MANY = 600
"""Changes in one call: more than the 500 that the services hand in at most."""


class ApplyingRules:
    """What `apply` must do with accounts."""

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
        """Adding never overwrites: a contact who comes back keeps the password and the epoch."""
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
        """A change made from a version that is not stored yet is stale too."""
        account = an_account("1", "rosa")
        add(store, account)
        ahead = issued(account)
        assert list(store.apply([Change(old=ahead, new=ahead.disable())])) == [_STALE]
        assert store.find(account.contact_id) == account

    def test_a_change_of_nobody_is_stale(self, store: AccountStore) -> None:
        """A change of an account that is not stored does not add it."""
        account = an_account("1", "rosa")
        assert list(store.apply([Change(old=account, new=issued(account))])) == [_STALE]
        assert store.find(account.contact_id) is None
        assert store.find_by_username("rosa") is None

    def test_the_same_change_applies_once(self, store: AccountStore) -> None:
        """A change that was applied is stale the second time."""
        account = an_account("1")
        add(store, account)
        change = Change(old=account, new=issued(account))
        assert list(store.apply([change])) == [_APPLIED]
        assert list(store.apply([change])) == [_STALE]

    def test_results_are_in_the_order_of_the_changes(self, store: AccountStore) -> None:
        """Each change has its own result, at its own position."""
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

    def test_results_are_not_in_the_order_of_the_ids(self, store: AccountStore) -> None:
        """Each contact is told their own result: else staff hand out a default that was never set."""
        ids = ("5", "10", "1", "9", "b", "B", "3", "a")
        accounts = [an_account(contact_id) for contact_id in ids]
        add(store, *accounts[::2])
        results = [_STALE, _APPLIED] * 4
        assert list(store.apply([Change(old=None, new=account) for account in accounts])) == results
        moved = [step(store, account, account.disable()) for account in accounts[2::3]]
        results = [
            _STALE if account.contact_id in {at.contact_id for at in moved} else _APPLIED for account in accounts
        ]
        assert list(store.apply([Change(old=account, new=issued(account)) for account in accounts])) == results

    def test_many_changes_in_one_call(self, store: AccountStore) -> None:
        """A sync hands in hundreds at once: no family at the end of the list is left without an account or default."""
        accounts = [an_account(f"c{number * 7 % _MANY}", f"u{number}") for number in range(_MANY)]
        assert list(store.apply([Change(old=None, new=account) for account in accounts])) == [_APPLIED] * _MANY
        taken = [attrs.evolve(account, version=2, username="u0") for account in accounts[1::100]]
        changes = [Change(old=account, new=issued(account)) for account in accounts]
        changes[1::100] = [Change(old=old, new=new) for old, new in zip(accounts[1::100], taken, strict=True)]
        results = list(store.apply(changes))
        assert results == [_TAKEN if number % 100 == 1 else _APPLIED for number in range(_MANY)]
        expected = {
            change.new.contact_id: change.new if result == _APPLIED else change.old
            for change, result in zip(changes, results, strict=True)
        }
        assert dict(store.find_many(list(expected))) == expected

    def test_neighbours_of_a_stale_change_are_applied(self, store: AccountStore) -> None:
        """A stale change does not affect the changes before and after it."""
        accounts = [an_account(str(number)) for number in range(3)]
        add(store, *accounts)
        moved = step(store, accounts[1], accounts[1].disable())
        store.apply([Change(old=account, new=issued(account)) for account in accounts])
        assert [stored(store, account) for account in accounts] == [issued(accounts[0]), moved, issued(accounts[2])]

    def test_neighbours_of_a_taken_username_are_applied(self, store: AccountStore) -> None:
        """A taken user name does not affect the changes before and after it."""
        add(store, an_account("0", "taken"))
        new = [an_account("1", "a"), an_account("2", "taken"), an_account("3", "c")]
        assert list(store.apply([Change(old=None, new=account) for account in new])) == [_APPLIED, _TAKEN, _APPLIED]
        assert [store.find(account.contact_id) for account in new] == [new[0], None, new[2]]

    def test_the_same_change_twice_in_one_call(self, store: AccountStore) -> None:
        """The second is stale: it would put a password back that somebody may have changed in between."""
        account = an_account("1")
        addition = Change(old=None, new=account)
        change = Change(old=account, new=issued(account))
        assert list(store.apply([addition, addition, change, change])) == [_APPLIED, _STALE, _APPLIED, _STALE]
        assert store.find(account.contact_id) == issued(account)

    def test_two_steps_of_one_account_in_one_call(self, store: AccountStore) -> None:
        """Changes take effect in order, so the second may build on the first."""
        account = an_account("1")
        add(store, account)
        first = issued(account)
        second = first.disable()
        results = store.apply([Change(old=account, new=first), Change(old=first, new=second)])
        assert list(results) == [_APPLIED, _APPLIED]
        assert store.find(account.contact_id) == second

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

    def test_neighbours_of_a_taken_rename_are_applied(self, store: AccountStore) -> None:
        """One rename that meets a constraint undoes no other change: whoever was told "applied" has the new default."""
        add(store, an_account("0", "taken"))
        accounts = [an_account(str(number), f"n{number}") for number in range(1, 5)]
        add(store, *accounts)
        news = [issued(accounts[0]), accounts[1].rename("TAKEN"), accounts[2].rename("free"), accounts[3].disable()]
        changes = [Change(old=old, new=new) for old, new in zip(accounts, news, strict=True)]
        assert list(store.apply(changes)) == [_APPLIED, _TAKEN, _APPLIED, _APPLIED]
        assert [stored(store, account) for account in accounts] == [news[0], accounts[1], news[2], news[3]]

    def test_a_disabled_account_keeps_its_username(self, store: AccountStore) -> None:
        """Nobody else gets the user name of somebody who is disabled: once enabled, two would sign in under it."""
        account = an_account("1", "rosa")
        add(store, account)
        disabled = step(store, account, account.disable())
        assert list(store.apply([Change(old=None, new=an_account("2", "Rosa"))])) == [_TAKEN]
        assert store.find_by_username("rosa") == disabled

    def test_a_username_is_taken_by_its_key(self, store: AccountStore) -> None:
        """Another spelling of a taken user name is taken too (R18)."""
        add(store, an_account("1", "Straße"))
        for number, spelling in enumerate(("strasse", "STRASSE", " straße ", "ｓｔｒａｓｓｅ")):
            assert list(store.apply([Change(old=None, new=an_account(f"n{number}", spelling))])) == [_TAKEN]

    def test_two_additions_with_one_username_in_one_call(self, store: AccountStore) -> None:
        """The first change gets the user name, whatever the order of the ids."""
        first, second = an_account("2", "rosa"), an_account("1", "ROSA")
        assert list(store.apply([Change(old=None, new=first), Change(old=None, new=second)])) == [_APPLIED, _TAKEN]
        assert store.find_by_username("rosa") == first

    def test_stale_is_said_before_taken(self, store: AccountStore) -> None:
        """A stale change is STALE, even if its user name is also taken: its maker must re-read anyway."""
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
        """A user name that one change gives up is free for the next."""
        account, other = an_account("2", "rosa"), an_account("1", "rosa")
        add(store, account)
        results = store.apply([Change(old=account, new=account.rename(None)), Change(old=None, new=other)])
        assert list(results) == [_APPLIED, _APPLIED]
        assert store.find_by_username("rosa") == other

    def test_erasing_frees_the_username_and_keeps_the_row(self, store: AccountStore) -> None:
        """An erased contact's user name is free; the epoch stays, so that no old session or ticket works again."""
        account = chosen(an_account("1", "rosa"))
        add(store, account)
        erased = step(store, account, account.erase(erased_at=NOW))
        assert erased == account.erase(erased_at=NOW)
        assert store.find_by_username("rosa") is None
        assert store.find_epoch(account.contact_id) == account.credential.epoch + 1
        add(store, an_account("2", "rosa"))

    def test_add_over_an_erased_account_is_stale(self, store: AccountStore) -> None:
        """Adding does not begin the epoch again at 0: a cookie from before the erasure would open the new account."""
        account = chosen(an_account("1", "rosa"))
        add(store, account)
        erased = step(store, account, account.erase(erased_at=NOW))
        assert list(store.apply([Change(old=None, new=an_account("1", "rosa"))])) == [_STALE]
        assert store.find(account.contact_id) == erased
        assert store.find_epoch(account.contact_id) == erased.credential.epoch
        assert store.find_by_username("rosa") is None

    def test_an_erased_account_can_come_back(self, store: AccountStore) -> None:
        """A restored account is the same row with the next version."""
        account = an_account("1", "rosa")
        add(store, account)
        erased = step(store, account, account.erase(erased_at=NOW))
        restored = erased.restore(a_contact("1"), "rosa")
        assert step(store, erased, restored) == restored
        assert store.find_by_username("rosa") == restored

    def test_another_spelling_of_ones_own_username(self, store: AccountStore) -> None:
        """An account may change the spelling of its own user name."""
        account = an_account("1", "rosa")
        add(store, account)
        assert step(store, account, account.rename("ROSA")).username == "ROSA"

    def test_many_accounts_without_username(self, store: AccountStore) -> None:
        """Accounts without a user name do not conflict."""
        accounts = [an_account(str(number)) for number in range(5)]
        add(store, *accounts)
        assert [store.find(account.contact_id) for account in accounts] == accounts

    def test_changes_from_any_sequence(self, store: AccountStore) -> None:
        """A tuple works as well as a list."""
        assert list(store.apply((Change(old=None, new=an_account("1")),))) == [_APPLIED]

    def test_the_table_of_what_may_happen_to_a_credential(self, store: AccountStore) -> None:
        """Every change that `Account` allows is stored exactly."""
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
