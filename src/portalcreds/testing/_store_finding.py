"""The rules for finding accounts."""

from __future__ import annotations

from collections.abc import Callable

from ..accounts import Account
from ..contacts import ContactId
from ..protocols import AccountStore
from ._store_samples import NOW, OTHER_HASH, add, an_account, chosen, issued, step

_CONFUSABLE_KEYS = (
    "smith",
    "smíth",
    "smıth",
    "smith.",
    "smi th",
    "smi  th",
    "smith\ufff9",
    "smith\ufffa",
    "s\U0001f600",
    "s\U0001f601",
    "strasse",
    "strase",
    "кот",
    "koт",
    "o'brien",
    "o’brien",
)
"""Keys that some collations treat as equal: accents, dotless i, zero width, emoji, scripts."""

_NOT_THE_KEY = (
    "SMITH",
    "Smith",
    "smith ",
    " smith",
    "smith\u00a0",
    "smith\t",
    "smíth",
    "smi\u0301th",
    "ＳＭＩＴＨ",
    "smıth",
)
"""Keys that are not ``smith``, whatever a collation says."""

_UNSTORABLE = ("a\0", "\0", "\ud800", "a\udfffb")
"""Text that no store can hold, as a forged ticket may contain it."""


class FindingRules:
    """What `find`, `find_by_username`, `find_many` and `find_epoch` must do."""

    def test_find_is_by_the_whole_id(self, store: AccountStore) -> None:
        """Only the exact id finds an account: case, blanks and leading zeros count."""
        add(store, an_account("a1"))
        others = [ContactId(other) for other in ("A1", "a1 ", " a1", "a", "a11", "á1", "a01", "")]
        assert [store.find(other) for other in others] == [None] * len(others)
        assert dict(store.find_many(others)) == {}

    def test_ids_and_usernames_that_look_alike_are_different(self, store: AccountStore) -> None:
        """Similar ids have accounts of their own, and similar user names find their own."""
        accounts = [an_account(key, key, last_name=str(number)) for number, key in enumerate(_CONFUSABLE_KEYS)]
        add(store, *accounts)
        assert [store.find(account.contact_id) for account in accounts] == accounts
        assert [store.find_by_username(key) for key in _CONFUSABLE_KEYS] == accounts

    def test_what_cannot_be_stored_is_not_found(self, store: AccountStore) -> None:
        """A NUL or a lone surrogate finds nothing and raises nothing."""
        add(store, an_account("a", "a"))
        for text in _UNSTORABLE:
            assert store.find(ContactId(text)) is None
            assert store.find_by_username(text) is None
            assert store.find_epoch(ContactId(text)) is None
            assert dict(store.find_many([ContactId(text)])) == {}

    def test_find_by_username_takes_the_key(self, store: AccountStore) -> None:
        """The folded key finds the account; the user name comes back as it was given."""
        account = an_account("1", "AbbiaticiR")
        add(store, account)
        found = store.find_by_username("abbiaticir")
        assert found == account
        assert found is not None
        assert found.username == "AbbiaticiR"

    def test_find_by_username_does_not_fold(self, store: AccountStore) -> None:
        """Keys are compared code point by code point: case, accents, blanks and width count (R18)."""
        add(store, an_account("1", "smith"))
        assert [key for key in _NOT_THE_KEY if store.find_by_username(key) is not None] == []

    def test_accounts_without_username_are_not_found_by_one(self, store: AccountStore) -> None:
        """An account without a user name is not found by an empty one."""
        add(store, an_account("1"), an_account("2"))
        assert store.find_by_username("") is None

    def test_find_many_returns_those_that_are_there(self, store: AccountStore) -> None:
        """Only contacts without an account are left out; disabled and erased accounts are returned."""
        accounts = [an_account(str(number), f"u{number}") for number in range(4)]
        add(store, *accounts)
        accounts[1] = step(store, accounts[1], accounts[1].disable())
        accounts[2] = step(store, accounts[2], accounts[2].erase(erased_at=NOW))
        asked = [account.contact_id for account in accounts[:3]]
        found = store.find_many([asked[0], ContactId("nobody"), *asked[1:]])
        assert dict(found) == {account.contact_id: account for account in accounts[:3]}

    def test_disabled_accounts_are_found(self, store: AccountStore) -> None:
        """A disabled account is there for staff to enable, with the epoch that ends the sessions it had."""
        account = chosen(an_account("1", "rosa"))
        add(store, account)
        disabled = step(store, account, account.disable())
        assert store.find(account.contact_id) == disabled
        assert store.find_by_username("rosa") == disabled
        assert store.find_epoch(account.contact_id) == disabled.credential.epoch

    def test_erased_accounts_are_found_by_id(self, store: AccountStore) -> None:
        """A sync must see that a contact was erased, and a session of theirs that its epoch is over."""
        account = chosen(an_account("1", "rosa"))
        add(store, account)
        erased = step(store, account, account.erase(erased_at=NOW))
        assert store.find(account.contact_id) == erased
        assert store.find_epoch(account.contact_id) == erased.credential.epoch

    def test_who_was_absent_is_found_once_added(self, store: AccountStore) -> None:
        """That nobody was there is not kept: a parent who tried to sign in too early gets in after the sync."""
        assert_found_once_added(store, writer=store)

    def test_find_many_of_none_is_empty(self, store: AccountStore) -> None:
        """An empty list of ids is not an error."""
        add(store, an_account("1"))
        assert dict(store.find_many([])) == {}

    def test_find_many_takes_an_id_twice(self, store: AccountStore) -> None:
        """An id that is listed twice is found once."""
        account = an_account("1")
        add(store, account)
        assert dict(store.find_many([account.contact_id] * 3)) == {account.contact_id: account}

    def test_find_many_takes_more_ids_than_a_statement_does(self, store: AccountStore) -> None:
        """The caller may ask for any number of ids at once."""
        accounts = [an_account(f"c{number}") for number in range(40)]
        add(store, *accounts)
        asked = [ContactId(f"c{number}") for number in range(2500)]
        assert dict(store.find_many(asked)) == {account.contact_id: account for account in accounts}

    def test_find_many_finds_hundreds(self, store: AccountStore) -> None:
        """All that were selected are found, wherever they stand among the ids: the others would get no default."""
        accounts = [an_account(f"c{number}") for number in range(600)]
        for first in range(0, len(accounts), 100):
            add(store, *accounts[first : first + 100])
        asked = [ContactId(f"{letter}{number}") for number in reversed(range(600)) for letter in "cx"]
        found = store.find_many(asked)
        # Ids first, and not the accounts at once: what pytest says about hundreds of unequal ones takes it ten seconds.
        assert sorted(found) == sorted(account.contact_id for account in accounts)
        assert all(found[account.contact_id] == account for account in accounts)

    def test_find_epoch_is_not_the_version(self, store: AccountStore) -> None:
        """An upgrade changes the version but not the epoch, so no session ends (R6)."""
        account = chosen(an_account("1"))
        add(store, account)
        step(store, account, account.upgrade(OTHER_HASH))
        assert store.find_epoch(account.contact_id) == account.credential.epoch

    def test_what_was_returned_does_not_change(self, store: AccountStore) -> None:
        """Accounts that were returned do not change when the stored ones do."""
        account = an_account("1", "rosa")
        add(store, account)
        ways: list[Callable[[], Account | None]] = [
            lambda: store.find(account.contact_id),
            lambda: store.find_by_username("rosa"),
            lambda: store.find_many([account.contact_id])[account.contact_id],
        ]
        before = [way() for way in ways]
        step(store, account, issued(account))
        assert before == [account] * 3
        assert [way() for way in ways] == [issued(account)] * 3


def assert_found_once_added(store: AccountStore, *, writer: AccountStore) -> None:
    """Assert that a store finds nobody, in any way, until the writer has added an account."""
    account = an_account("1", "rosa")
    assert store.find(account.contact_id) is None
    assert store.find_by_username("rosa") is None
    assert dict(store.find_many([account.contact_id])) == {}
    assert store.find_epoch(account.contact_id) is None
    add(writer, account)
    assert store.find(account.contact_id) == account
    assert store.find_by_username("rosa") == account
    assert dict(store.find_many([account.contact_id])) == {account.contact_id: account}
    assert store.find_epoch(account.contact_id) == 0
