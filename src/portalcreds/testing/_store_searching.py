"""The rules for the grid: a page is what `AccountQuery` says, in its order, and no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import attrs

from ..account_queries import AccountQuery
from ..accounts import Account, AccountStatus, Credential, CredentialOrigin
from ..protocols import AccountStore
from ._store_samples import HASH, NOW, add, an_account, chosen, issued, step

_MICROSECOND = timedelta(microseconds=1)

_PREFIXES = ("", "a", "A", "ab", "abbiatici", " ab ", "o'", "%", "_", "\\", "'", "é", "e\u0301", "ß", "s", "\U0001f600")
"""What may be typed into the search field; some of it means something to LIKE."""

_NAMES = (
    "Abbiatici", "abbiatici", "ABBIATICI", "Abbiatici ", "Abel", "Aé", "Az", "O'Brien", "O’Brien", "%", "_a", "a%b",
    "\\", "Straße", "Strasse", "\U0001f600", "\U0001f601", "\uffff", "e\u0301", "Z", "\U0010ffffz", "a\U0010ffff",
    "a\U0010ffffz", "", None,
)  # fmt: skip


class SearchingRules:
    """What `search` and `count` owe."""

    def test_an_empty_store_has_an_empty_page(self, store: AccountStore) -> None:
        """Nothing found is a page without accounts and without a next one."""
        page = store.search(AccountQuery(now=NOW))
        assert (tuple(page.accounts), page.next) == ((), None)
        assert store.count(AccountQuery(now=NOW)) == 0

    def test_without_filters_all_are_found_by_last_name(self, store: AccountStore) -> None:
        """The whole school, sorted by folded last name and then by id."""
        accounts = _school(store)
        query = AccountQuery(now=NOW, limit=1000)
        _assert_same(query, _found(store, query), _expected(query, accounts))

    def test_each_status_finds_those_in_it(self, store: AccountStore) -> None:
        """A status filter equals `Account.status`, for every status."""
        accounts = _school(store)
        for status in AccountStatus:
            query = AccountQuery(now=NOW, status=status, limit=1000)
            assert _expected(query, accounts), status
            _assert_same(query, _found(store, query), _expected(query, accounts))

    def test_each_last_name_prefix_finds_what_begins_with_it(self, store: AccountStore) -> None:
        """Folded as names are; percent signs, underscores and quotes are letters like any other."""
        accounts = _school(store)
        for prefix in _PREFIXES:
            query = AccountQuery(now=NOW, last_name_prefix=prefix, limit=1000)
            _assert_same(query, _found(store, query), _expected(query, accounts))

    def test_each_username_prefix_finds_what_begins_with_it(self, store: AccountStore) -> None:
        """Accounts without a user name are not found, not even by an empty prefix."""
        accounts = _school(store)
        for prefix in _PREFIXES:
            query = AccountQuery(now=NOW, username_prefix=prefix, limit=1000)
            _assert_same(query, _found(store, query), _expected(query, accounts))

    def test_a_prefix_and_a_status_together(self, store: AccountStore) -> None:
        """Both must hold."""
        accounts = _school(store)
        for status in AccountStatus:
            for by_name in ({"last_name_prefix": "a"}, {"username_prefix": "a"}):
                query = AccountQuery(now=NOW, status=status, limit=1000, **by_name)
                _assert_same(query, _found(store, query), _expected(query, accounts))

    def test_a_prefix_that_is_a_whole_name(self, store: AccountStore) -> None:
        """Each name is found by itself, the longest code point included."""
        accounts = _school(store)
        for name in filter(None, _NAMES):
            query = AccountQuery(now=NOW, last_name_prefix=name, limit=1000)
            _assert_same(query, _found(store, query), _expected(query, accounts))

    def test_a_prefix_beside_the_surrogates(self, store: AccountStore) -> None:
        """The end of a prefix's range is a code point that text may hold."""
        accounts = [
            an_account(str(number), last_name=name) for number, name in enumerate(("\ud7ff", "\ud7ffz", "\ue000"))
        ]
        add(store, *accounts)
        query = AccountQuery(now=NOW, last_name_prefix="\ud7ff")
        _assert_same(query, _found(store, query), accounts[:2])

    def test_a_default_expires_at_its_instant(self, store: AccountStore) -> None:
        """At *expires_at* it is expired and a microsecond before it is live (R5)."""
        account = an_account("1")
        add(store, account)
        step(store, account, issued(account, expires_at=NOW))
        for now, status in (
            (NOW - _MICROSECOND, AccountStatus.DEFAULT_LIVE),
            (NOW, AccountStatus.DEFAULT_EXPIRED),
            (NOW + _MICROSECOND, AccountStatus.DEFAULT_EXPIRED),
        ):
            for asked in (AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED):
                query = AccountQuery(now=now, status=asked)
                assert len(store.search(query).accounts) == (asked is status)
                assert store.count(query) == (asked is status)

    def test_count_is_of_all_pages(self, store: AccountStore) -> None:
        """The count is of what matches, wherever the page begins and however long it is."""
        accounts = _school(store)
        first = store.search(AccountQuery(now=NOW, limit=3))
        assert first.next is not None
        for query in (
            AccountQuery(now=NOW, limit=1),
            AccountQuery(now=NOW, limit=3, after=first.next),
            *(AccountQuery(now=NOW, status=status) for status in AccountStatus),
            *(AccountQuery(now=NOW, last_name_prefix=prefix) for prefix in _PREFIXES),
            *(AccountQuery(now=NOW, username_prefix=prefix) for prefix in _PREFIXES),
        ):
            assert store.count(query) == len(_expected(query, accounts))

    def test_pages_have_no_repeats_and_no_gaps(self, store: AccountStore) -> None:
        """One page after the other gives everything once, at every page size, in every order."""
        accounts = _school(store)
        for limit in (1, 2, 7):
            for query in (
                AccountQuery(now=NOW, limit=limit),
                AccountQuery(now=NOW, limit=limit, last_name_prefix="a"),
                AccountQuery(now=NOW, limit=limit, username_prefix=""),
                AccountQuery(now=NOW, limit=limit, status=AccountStatus.DEFAULT_LIVE),
                AccountQuery(now=NOW, limit=limit, status=AccountStatus.DEFAULT_EXPIRED),
                AccountQuery(now=NOW, limit=limit, status=AccountStatus.DISABLED),
            ):
                _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))

    def test_pages_under_equal_keys(self, store: AccountStore) -> None:
        """Accounts with one last name, or one expiry, are told apart by their ids."""
        accounts = [an_account(f"c{number:02}", last_name="Smith") for number in (5, 3, 11, 0, 7, 2)]
        add(store, *accounts)
        query = AccountQuery(now=NOW, limit=2)
        _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))
        accounts = [step(store, account, issued(account)) for account in accounts]
        query = AccountQuery(now=NOW, limit=2, status=AccountStatus.DEFAULT_LIVE)
        _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))

    def test_expiries_sort_to_the_microsecond(self, store: AccountStore) -> None:
        """Defaults are in the order of their expiry, also before 1970 and in years in which a float would round it."""
        instants = (NOW, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
        accounts = [
            attrs.evolve(
                issued(an_account(f"c{number}-{later}"), expires_at=at + (5 - later) * _MICROSECOND), version=1
            )
            for number, at in enumerate(instants)
            for later in range(3)
        ]
        add(store, *accounts)
        for status in (AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED):
            query = AccountQuery(now=NOW, limit=2, status=status)
            _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))

    def test_the_last_page_has_no_next(self, store: AccountStore) -> None:
        """A page that ends with the last account says so, also when it is full."""
        add(store, *(an_account(str(number)) for number in range(4)))
        assert store.search(AccountQuery(now=NOW, limit=3)).next is not None
        assert store.search(AccountQuery(now=NOW, limit=4)).next is None
        assert store.search(AccountQuery(now=NOW, limit=5)).next is None

    def test_the_next_page_stands_when_the_last_account_has_gone(self, store: AccountStore) -> None:
        """A page begins after a place, not after an account that must still be there."""
        accounts = [an_account(str(number), last_name=name) for number, name in enumerate("abcd")]
        add(store, *accounts)
        first = store.search(AccountQuery(now=NOW, limit=2))
        step(store, accounts[1], accounts[1].erase(erased_at=NOW))
        rest = store.search(AccountQuery(now=NOW, limit=2, after=first.next))
        assert list(rest.accounts) == accounts[2:]

    def test_text_sorts_by_code_point(self, store: AccountStore) -> None:
        """No language's order: what comes behind Z comes behind it, and no accent is skipped."""
        names = ("zz", "é", "e", "\uffff", "\U0001f600", "ä", "z z", "-", "o’b", "o'b")
        add(store, *(an_account(str(number), last_name=name) for number, name in enumerate(names)))
        page = store.search(AccountQuery(now=NOW))
        assert [account.contact.last_name for account in page.accounts] == sorted(names)

    def test_erased_accounts_are_not_found(self, store: AccountStore) -> None:
        """What was erased is on no page and in no count, in whatever state it was."""
        accounts = [an_account("1", "rosa"), chosen(an_account("2", "rose")), an_account("3", "ruth")]
        add(store, *accounts)
        for account in accounts:
            step(store, account, account.erase(erased_at=NOW))
        for query in (
            AccountQuery(now=NOW),
            AccountQuery(now=NOW, username_prefix=""),
            AccountQuery(now=NOW, last_name_prefix=""),
            *(AccountQuery(now=NOW, status=status) for status in AccountStatus),
        ):
            assert list(store.search(query).accounts) == []
            assert store.count(query) == 0

    def test_an_erased_account_with_a_username_is_not_found(self, store: AccountStore) -> None:
        """Being erased decides, whatever else the row holds."""
        add(store, attrs.evolve(an_account("1", "rosa"), erased_at=NOW))
        assert list(store.search(AccountQuery(now=NOW, username_prefix="r")).accounts) == []
        assert list(store.search(AccountQuery(now=NOW, last_name_prefix="a")).accounts) == []

    def test_search_sees_what_was_just_written(self, store: AccountStore) -> None:
        """A rename, a new last name and a new status are found under the new and not under the old."""
        account = an_account("1", "rosa", last_name="Alt")
        add(store, account)
        renamed = step(store, account, account.rename("neu"))
        contact = attrs.evolve(renamed.contact, last_name="Neu")
        moved = step(store, renamed, renamed.refresh(contact, username=renamed.username, at=NOW))
        last = step(store, moved, issued(moved))
        assert list(store.search(AccountQuery(now=NOW, username_prefix="r")).accounts) == []
        assert list(store.search(AccountQuery(now=NOW, username_prefix="n")).accounts) == [last]
        assert list(store.search(AccountQuery(now=NOW, last_name_prefix="a")).accounts) == []
        assert list(store.search(AccountQuery(now=NOW, last_name_prefix="n")).accounts) == [last]
        assert list(store.search(AccountQuery(now=NOW, status=AccountStatus.NEVER_ISSUED)).accounts) == []


def _school(store: AccountStore) -> list[Account]:
    """Add accounts of every status under names that sort and fold in every way, and return them."""
    at = NOW
    credentials = [
        Credential(),
        issued(an_account("x"), expires_at=at + _MICROSECOND).credential,
        issued(an_account("x"), expires_at=at).credential,
        issued(an_account("x"), expires_at=at - timedelta(days=1)).credential,
        Credential(password_hash=HASH, origin=CredentialOrigin.CHOSEN),
        Credential(password_hash=HASH, origin=CredentialOrigin.IMPORTED),
        Credential(password_hash=HASH, origin=CredentialOrigin.CHOSEN, change_required_by="compromised"),
        Credential(password_hash=HASH, origin=CredentialOrigin.IMPORTED, change_required_by="compromised"),
    ]
    accounts = [
        attrs.evolve(
            an_account(f"{name_number * 7 % 25}-{state}", last_name=name),
            username=f"{name}{state}" if name and (name_number + state) % 3 else None,
            credential=credentials[(name_number + state) % len(credentials)],
            is_active=(name_number + state) % 5 != 0,
        )
        for name_number, name in enumerate(_NAMES)
        for state in range(5)
    ]
    unique = {account.username_key or account.contact_id: account for account in accounts}
    accounts = list(unique.values())
    add(store, *accounts)
    return accounts


def _expected(query: AccountQuery, accounts: Iterable[Account]) -> list[Account]:
    return sorted(filter(query.matches, accounts), key=query.sort_key)


def _assert_same(query: AccountQuery, found: list[Account], expected: list[Account]) -> None:
    # An account's repr hides the names that decide, and a query's the prefix, so both are told first.
    asked = (
        f"status {query.status}, username_prefix {query.username_prefix!r}, last_name_prefix {query.last_name_prefix!r}"
    )
    assert [query.sort_key(account) for account in found] == [query.sort_key(account) for account in expected], asked
    assert found == expected, asked


def _found(store: AccountStore, query: AccountQuery) -> list[Account]:
    page = store.search(query)
    assert page.next is None
    return list(page.accounts)


def _turned(store: AccountStore, query: AccountQuery, accounts: Sequence[Account]) -> list[Account]:
    turned: list[Account] = []
    while True:
        page = store.search(query)
        assert len(page.accounts) <= query.limit
        turned += page.accounts
        # A store whose pages begin at the place and not after it would be turned over for ever.
        assert len(turned) <= len(accounts), "an account is on two pages"
        if page.next is None:
            return turned
        assert len(page.accounts) == query.limit
        query = attrs.evolve(query, after=page.next)
