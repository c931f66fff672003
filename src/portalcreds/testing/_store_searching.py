"""The rules for searching: a page has what `AccountQuery` says, in its order, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import attrs

from ..account_queries import MAX_PAGE_SIZE, AccountOrder, AccountQuery
from ..accounts import Account, AccountStatus, Credential, CredentialOrigin
from ..contacts import Contact, ContactId
from ..protocols import AccountStore, ApplyResult, Change
from ._store_samples import HASH, NOW, add, an_account, chosen, issued, step

_MICROSECOND = timedelta(microseconds=1)

_TYPED = (
    "", "a", "A", "ab", "abbiatici", " ab ", "o'", "%", "_", "\\", "'", "é", "e\u0301", "ß", "s", "\U0001f600",
    "rosa abb", "abb rosa", "rosa@", "rosa xyz",
)  # fmt: skip
"""What somebody may type into the search field; some characters are special in LIKE."""

_NAMES = (
    "Abbiatici", "abbiatici", "ABBIATICI", "Abbiatici ", "Abel", "Aé", "Az", "O'Brien", "O’Brien", "%", "_a", "a%b",
    "\\", "Straße", "Strasse", "\U0001f600", "\U0001f601", "\uffff", "e\u0301", "Z", "\U0010ffffz", "a\U0010ffff",
    "a\U0010ffffz", "", None,
)  # fmt: skip

_PEOPLE = {
    "nunez": ("María", "Núñez", None, None),
    "ozturk": ("Ayşe", "Öztürk", None, None),
    "dangelo": ("Gio", "D’Angelo", None, None),
    "berg": ("Ada", "van der Berg", None, None),
    "lopez": ("Luz", "García López", None, None),
    "rosa": ("Rosa", "Abbiatici", "rabb.7", "rosa.a@example.org"),
    "los": ("Jan", "Łoś", None, None),
    "isik": ("Işıl", "IŞIK", None, None),
    "strasse": ("Uwe", "Straße", None, None),
    "wide": ("Ｋｅｎ", "Ｓａｔｏ", None, None),
    "smith": ("Jean-Luc", "Smith-Jones", None, None),
    "nfd": ("Zoe\u0308", "E\u0301va", None, None),
    "obrien": ("Pat", "O'Brien", "p_obrien", None),
    "nordic": ("Bjørn", "Þórðarson Æsir", None, None),
    "viet": ("Đức", "Nguyễn", None, None),
    "arabic": ("أحمد", "محمد", None, None),
    "chinese": ("偉", "張", None, None),
    "hindi": ("प्रिया", "शर्मा", None, None),
    "signs": ("100%", "a_b", "x%y", None),
}
"""People by their ids: first name, last name, user name and address."""

_FOUND = {
    "nunez": "nunez", "NÚÑEZ": "nunez", "nun\u0303ez": "nunez", "maria nu": "nunez", "mar nunez": "nunez",
    "oz": "ozturk", "özt": "ozturk", "AYSE": "ozturk",
    "d'a": "dangelo", "d’angelo": "dangelo", "da": "dangelo", "d`angelo": "dangelo", "angelo": "dangelo",
    "dangelo gio": "dangelo",
    "berg": "berg", "van der b": "berg", "der": "berg",
    "garcia": "lopez", "lop": "lopez", "lopez garcia": "lopez", "garcia-lopez": "lopez",
    "rosa abb": "rosa", "rosa@ex": "", "rosa.a@ex": "rosa", "a@example.org": "rosa", "rabb": "rosa", "7": "rosa",
    "example": "rosa", "org": "", "Abbiatici, Rosa": "rosa", "r. abb": "rosa", "abb berg": "",
    "los": "los", "łoś": "los", "LOS": "los",
    "isik": "isik", "ışık": "isik", "İŞİK": "isik", "IŞIL": "isik",
    "strasse": "strasse", "straß": "strasse", "STRASS": "strasse", "ＳＴＲ": "strasse",
    "ken sato": "wide", "ｓａｔｏ": "wide", "K sato": "wide",
    "smith": "smith", "jones": "smith", "smith-j": "smith", "smith j": "smith", "smithjones": "smith", "luc": "smith",
    "jeanluc": "smith", "smith–jones": "smith",
    "zoe": "nfd", "zoë": "nfd", "eva": "nfd", "éva": "nfd",
    "o'b": "obrien", "ob": "obrien", "o b": "obrien", "brien": "obrien", "p_o": "obrien", "p o": "obrien",
    "bjorn": "nordic", "thordarson": "nordic", "aesir": "nordic", "þórð": "nordic",
    "duc": "viet", "nguyen": "viet", "đức": "viet",
    "احمد": "arabic", "أحم": "arabic", "محمد": "arabic", "张": "", "張": "chinese", "偉 張": "chinese", "शर्मा": "hindi",
    "100%": "signs", "100": "signs", "%": "", "_": "", "a_b": "signs", "x%": "signs", "y": "signs",
}  # fmt: skip
"""Who is found by what was typed: one of the people, or nobody."""


_DEFAULTS = (AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED)

_FILTERS: Sequence[dict[str, Any]] = (
    {},
    {"expires_before": NOW + timedelta(days=1)},
    {"issued_before": NOW},
    {"issued_before": NOW + _MICROSECOND, "never_signed_in": True},
    {"without_username": True},
    {"unchanged_since": NOW},
    {"unchanged_since": NOW + _MICROSECOND},
    {"unchanged_since": NOW, "or_never_issued": True},
    {"unchanged_since": NOW + _MICROSECOND, "or_never_issued": True},
    {"unchanged_since": NOW, "or_never_issued": True, "expires_before": NOW + timedelta(days=1)},
)

_LETTERS = "aaAÁbbø ß'’-.@_%ıİ張\u0301\uff21\u200b\U0010ffff"


class SearchingRules:
    """What `search` and `count` must do."""

    def test_an_empty_store_has_an_empty_page(self, store: AccountStore) -> None:
        """An empty result is a page without accounts and without a next page."""
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

    def test_people_are_found_by_what_a_clerk_types(self, store: AccountStore) -> None:
        """Every word of names, user name and address is found by its beginning, without accents, case and signs."""
        people = [
            attrs.evolve(
                an_account(contact_id, username),
                contact=Contact(contact_id=ContactId(contact_id), first_name=first, last_name=last, email=email),
            )
            for contact_id, (first, last, username, email) in _PEOPLE.items()
        ]
        add(store, *people)
        for typed, contact_id in _FOUND.items():
            query = AccountQuery(now=NOW, words=typed)
            found = [account.contact_id for account in store.search(query).accounts]
            assert found == ([contact_id] if contact_id else []), typed
            assert store.count(query) == len(found), typed

    def test_each_typed_text_finds_what_the_query_says(self, store: AccountStore) -> None:
        """Percent signs, underscores and quotes have no special meaning, and an empty text finds all."""
        accounts = _school(store)
        for typed in _TYPED:
            query = AccountQuery(now=NOW, words=typed, limit=1000)
            _assert_same(query, _found(store, query), _expected(query, accounts))

    def test_words_and_filters_together(self, store: AccountStore) -> None:
        """Only accounts that match all of it are found, in each order."""
        accounts = _school(store)
        for status in (None, AccountStatus.DEFAULT_LIVE, AccountStatus.SELF_CHOSEN, AccountStatus.DISABLED):
            for words in ("", "rosa a"):
                for more in _FILTERS:
                    for order in AccountOrder:
                        if order == AccountOrder.EXPIRY and status not in (None, *_DEFAULTS):
                            continue
                        query = AccountQuery(now=NOW, status=status, words=words, order=order, limit=1000, **more)
                        _assert_same(query, _found(store, query), _expected(query, accounts))
                        assert store.count(query) == len(_expected(query, accounts))

    def test_a_whole_name_is_found(self, store: AccountStore) -> None:
        """A whole name is found, also if it ends with the largest code point."""
        accounts = _school(store)
        for name in filter(None, _NAMES):
            query = AccountQuery(now=NOW, words=name, limit=1000)
            _assert_same(query, _found(store, query), _expected(query, accounts))

    def test_a_word_beside_the_surrogates(self, store: AccountStore) -> None:
        """The end of a word's range is never a surrogate, which text cannot contain."""
        accounts = [
            an_account(str(number), last_name=name) for number, name in enumerate(("\ud7ff", "\ud7ffz", "\ue000"))
        ]
        add(store, *accounts)
        query = AccountQuery(now=NOW, words="\ud7ff")
        _assert_same(query, _found(store, query), accounts[:2])

    def test_any_search_finds_what_the_query_says(self, store: AccountStore) -> None:
        """Whatever people are called and whatever is typed, the page and the count are those of `AccountQuery`."""
        draw = Random(1)  # noqa: S311  Nothing secret is drawn.

        def text() -> str:
            return "".join(draw.choices(_LETTERS, k=draw.randrange(6)))

        for number in range(20):
            accounts = [
                Account(
                    contact=Contact(
                        contact_id=ContactId(f"{number}-{place}"), first_name=text(), last_name=text(), email=text()
                    ),
                    username=f"x{text()}{number}-{place}" if place else None,
                )
                for place in range(4)
            ]
            add(store, *accounts)
            for typed in (text(), text(), f"{text()} {text()}", *((a.contact.last_name or "")[:2] for a in accounts)):
                query = AccountQuery(now=NOW, words=typed, limit=2)
                _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))
                assert store.count(query) == len(_expected(query, accounts))
            for account in accounts:
                step(store, account, account.erase(erased_at=NOW))

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
        """The count covers all matches, wherever the page begins and however long it is."""
        accounts = _school(store)
        first = store.search(AccountQuery(now=NOW, limit=3))
        assert first.next is not None
        for query in (
            AccountQuery(now=NOW, limit=1),
            AccountQuery(now=NOW, limit=3, after=first.next),
            *(AccountQuery(now=NOW, status=status) for status in AccountStatus),
            *(AccountQuery(now=NOW, words=typed) for typed in _TYPED),
            *(AccountQuery(now=NOW, words=typed, status=AccountStatus.SELF_CHOSEN) for typed in _TYPED),
        ):
            assert store.count(query) == len(_expected(query, accounts))

    def test_pages_have_no_repeats_and_no_gaps(self, store: AccountStore) -> None:
        """Reading page by page gives each account once, for every page size and order."""
        accounts = _school(store)
        for limit in (1, 2, 7):
            for query in (
                AccountQuery(now=NOW, limit=limit),
                AccountQuery(now=NOW, limit=limit, words="a"),
                AccountQuery(now=NOW, limit=limit, words="rosa a", status=AccountStatus.SELF_CHOSEN),
                AccountQuery(now=NOW, limit=limit, without_username=True),
                AccountQuery(now=NOW, limit=limit, never_signed_in=True),
                AccountQuery(now=NOW, limit=limit, order=AccountOrder.LAST_SIGN_IN),
                AccountQuery(now=NOW, limit=limit, order=AccountOrder.LAST_SIGN_IN, words="a"),
                AccountQuery(now=NOW, limit=limit, order=AccountOrder.EXPIRY),
                AccountQuery(now=NOW, limit=limit, order=AccountOrder.EXPIRY, words="rosa"),
                AccountQuery(now=NOW, limit=limit, order=AccountOrder.EXPIRY, status=AccountStatus.DEFAULT_LIVE),
                AccountQuery(now=NOW, limit=limit, order=AccountOrder.EXPIRY, status=AccountStatus.DEFAULT_EXPIRED),
                AccountQuery(now=NOW, limit=limit, status=AccountStatus.DEFAULT_LIVE),
                AccountQuery(now=NOW, limit=limit, status=AccountStatus.DEFAULT_EXPIRED),
                AccountQuery(now=NOW, limit=limit, status=AccountStatus.DISABLED),
            ):
                _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))

    def test_pages_under_equal_keys(self, store: AccountStore) -> None:
        """Accounts with the same last name or the same expiry are ordered by id."""
        accounts = [an_account(f"c{number:02}", last_name="Smith") for number in (5, 3, 11, 0, 7, 2)]
        add(store, *accounts)
        query = AccountQuery(now=NOW, limit=2)
        _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))
        accounts = [step(store, account, issued(account)) for account in accounts]
        query = AccountQuery(now=NOW, limit=2, order=AccountOrder.EXPIRY)
        _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))

    def test_expiries_sort_to_the_microsecond(self, store: AccountStore) -> None:
        """Defaults are sorted by expiry, also before 1970 and in years where a float would round it."""
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
            query = AccountQuery(now=NOW, limit=2, status=status, order=AccountOrder.EXPIRY)
            _assert_same(query, _turned(store, query, accounts), _expected(query, accounts))

    def test_a_page_is_as_long_as_was_asked(self, store: AccountStore) -> None:
        """A page of the longest size is full: what a script reads as the whole school is the whole school."""
        accounts = [an_account(f"c{number}", f"u{number}") for number in range(MAX_PAGE_SIZE + 1)]
        for first in range(0, len(accounts), 100):
            add(store, *accounts[first : first + 100])
        for query in (
            AccountQuery(now=NOW, limit=MAX_PAGE_SIZE),
            AccountQuery(now=NOW, limit=MAX_PAGE_SIZE, words="u"),
            AccountQuery(now=NOW, limit=MAX_PAGE_SIZE, status=AccountStatus.NEVER_ISSUED),
        ):
            page = store.search(query)
            assert list(page.accounts) == _expected(query, accounts)[:MAX_PAGE_SIZE]
            assert page.next is not None
            rest = store.search(attrs.evolve(query, after=page.next))
            assert (list(rest.accounts), rest.next) == (_expected(query, accounts)[MAX_PAGE_SIZE:], None)
            assert store.count(query) == len(accounts)

    def test_the_last_page_has_no_next(self, store: AccountStore) -> None:
        """A page that ends with the last account has no next page, even if it is full."""
        add(store, *(an_account(str(number)) for number in range(4)))
        assert store.search(AccountQuery(now=NOW, limit=3)).next is not None
        assert store.search(AccountQuery(now=NOW, limit=4)).next is None
        assert store.search(AccountQuery(now=NOW, limit=5)).next is None

    def test_the_next_page_stands_when_the_last_account_has_gone(self, store: AccountStore) -> None:
        """The next page is found even if the last account of this page is gone."""
        accounts = [an_account(str(number), last_name=name) for number, name in enumerate("abcd")]
        add(store, *accounts)
        first = store.search(AccountQuery(now=NOW, limit=2))
        step(store, accounts[1], accounts[1].erase(erased_at=NOW))
        rest = store.search(AccountQuery(now=NOW, limit=2, after=first.next))
        assert list(rest.accounts) == accounts[2:]

    def test_names_sort_as_people_expect(self, store: AccountStore) -> None:
        """By last name and then by first name, without case, accents and signs; what has no letters sorts before."""
        in_order = (
            (None, "Zoe"), ("", "Zoë"), ("Àbel", None), ("abel", "Ana"), ("Abel-Ard", None), ("d’Abo", "Ed"),
            ("Dach", None), ("García", "Zoe"), ("Garcia Lopez", "Ana"), ("Lopez", None), ("Łoś", "Ana"), ("Los", "Bo"),
            ("Lot", None), ("Öz", None), ("Pa", None), ("Straße", "Al"), ("Strasse", "Bo"), ("Ｔ", None), ("Я", None),
            ("張", None),
        )  # fmt: skip
        accounts = [
            Account(contact=Contact(contact_id=ContactId(str(200 - number)), first_name=first, last_name=last))
            for number, (last, first) in enumerate(in_order)
        ]
        # The first two have equal keys, and are in the order of their ids.
        accounts[:2] = accounts[1::-1]
        add(store, *accounts)
        assert list(store.search(AccountQuery(now=NOW)).accounts) == accounts

    def test_erased_accounts_are_not_found(self, store: AccountStore) -> None:
        """An erased account is on no page and in no count, whatever its state was."""
        accounts = [an_account("1", "rosa"), chosen(an_account("2", "rose")), an_account("3", "ruth")]
        add(store, *accounts)
        for account in accounts:
            step(store, account, account.erase(erased_at=NOW))
        for query in (
            AccountQuery(now=NOW),
            AccountQuery(now=NOW, words="r"),
            AccountQuery(now=NOW, without_username=True),
            *(AccountQuery(now=NOW, status=status) for status in AccountStatus),
        ):
            assert list(store.search(query).accounts) == []
            assert store.count(query) == 0

    def test_an_erased_account_with_a_username_is_not_found(self, store: AccountStore) -> None:
        """An erased account is not found, even if its row still has a user name."""
        add(store, attrs.evolve(an_account("1", "rosa"), erased_at=NOW))
        assert list(store.search(AccountQuery(now=NOW, words="rosa")).accounts) == []
        assert list(store.search(AccountQuery(now=NOW, words="a")).accounts) == []

    def test_pages_and_counts_are_not_kept(self, store: AccountStore) -> None:
        """The grid shows what is so now: staff who saw "no default" must see the default that was just set."""
        queries = (
            AccountQuery(now=NOW),
            AccountQuery(now=NOW, words="rosa"),
            AccountQuery(now=NOW, words="a"),
            AccountQuery(now=NOW, status=AccountStatus.NEVER_ISSUED),
            AccountQuery(now=NOW, status=AccountStatus.DEFAULT_LIVE),
            AccountQuery(now=NOW, status=AccountStatus.DISABLED),
        )
        account = an_account("1", "rosa")
        steps = (None, account, issued(account), issued(account).disable(), issued(account).disable().rename("neu"))
        for old, new in pairwise(steps):
            for query in queries:
                _assert_same(query, _found(store, query), _expected(query, filter(None, [old])))
            assert new is not None
            step(store, old, new) if old else add(store, new)
            for query in queries:
                _assert_same(query, _found(store, query), _expected(query, [new]))
                assert store.count(query) == query.matches(new)

    def test_search_sees_what_was_just_written(self, store: AccountStore) -> None:
        """After a rename, a new last name or a new status, the new one finds the account, and what it kept does."""
        account = an_account("1", "uralt", last_name="Alt")
        add(store, account)
        renamed = step(store, account, account.rename("neu"))
        contact = attrs.evolve(renamed.contact, last_name="Neu")
        moved = step(store, renamed, renamed.refresh(contact, username=renamed.username, at=NOW))
        reset = step(store, moved, issued(moved))
        last = step(store, reset, reset.rename("NEU"))
        assert list(store.search(AccountQuery(now=NOW, words="uralt")).accounts) == []
        assert list(store.search(AccountQuery(now=NOW, words="neu")).accounts) == [last]
        assert list(store.search(AccountQuery(now=NOW, words="a")).accounts) == []
        assert list(store.search(AccountQuery(now=NOW, words="n")).accounts) == [last]
        assert list(store.search(AccountQuery(now=NOW, words=contact.first_name or "")).accounts) == [last]
        assert list(store.search(AccountQuery(now=NOW, status=AccountStatus.NEVER_ISSUED)).accounts) == []

    def test_after_two_changes_in_one_call_the_words_are_those_of_the_last(self, store: AccountStore) -> None:
        """Words are written with the account: none is left of a user name that was had for a moment."""
        account = an_account("1", "uralt")
        add(store, account)
        once = account.rename("kurz")
        twice = once.rename("neu")
        results = store.apply([Change(old=account, new=once), Change(old=once, new=twice)])
        assert list(results) == [ApplyResult.APPLIED] * 2
        for words, found in (("uralt", []), ("kurz", []), ("neu", [twice])):
            query = AccountQuery(now=NOW, words=words)
            assert list(store.search(query).accounts) == found
            assert store.count(query) == len(found)


def _school(store: AccountStore) -> list[Account]:
    """Add accounts of every status, with names that sort and fold differently, and return them."""
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
            last_sign_in_at=NOW - name_number % 4 * timedelta(days=1) if state % 2 else None,
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
    # The repr of an account hides names and that of a query hides the words, so both are shown first.
    asked = f"{query!r}, words {query.words!r}"
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
        # A store whose pages begin at the last account, not after it, would go on for ever.
        assert len(turned) <= len(accounts), "an account is on two pages"
        if page.next is None:
            return turned
        assert len(page.accounts) == query.limit
        query = attrs.evolve(query, after=page.next)
