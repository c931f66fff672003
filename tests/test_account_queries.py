"""What one page of accounts is, for every store alike."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds._search_words import name_key
from portalcreds._time import micros
from portalcreds.account_queries import MAX_PAGE_SIZE, AccountOrder, AccountPage, AccountQuery
from portalcreds.accounts import Account, AccountStatus, PasswordHash
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import InvalidValueError
from strategies import NOW, accounts, instants, names


def person(contact_id: str, last_name: str | None = None, username: str | None = None) -> Account:
    """Return an account that was never issued a password."""
    return Account(contact=Contact(contact_id=ContactId(contact_id), last_name=last_name), username=username)


def default(contact_id: str, expires_at: datetime) -> Account:
    """Return an account with a default that expires then."""
    return person(contact_id).issue(
        PasswordHash("$x$"), strategy="s", issue_id="j", issued_by="o", issued_at=NOW, expires_at=expires_at
    )


QUERIES = [
    AccountQuery(now=NOW),
    AccountQuery(now=NOW, words="ro"),
    AccountQuery(now=NOW, words="Ab r"),
    AccountQuery(now=NOW, never_signed_in=True),
    AccountQuery(now=NOW, without_username=True, order="last_sign_in"),
    AccountQuery(now=NOW, status=AccountStatus.DEFAULT_LIVE, order="expiry"),
    AccountQuery(now=NOW, status=AccountStatus.SELF_CHOSEN, limit=MAX_PAGE_SIZE),
]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": MAX_PAGE_SIZE + 1}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 5.0}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"words": 5}, "words"),
        ({"words": b"a"}, "words"),
        ({"words": None}, "words"),
        ({"never_signed_in": None}, "never_signed_in"),
        ({"without_username": "no"}, "without_username"),
        ({"expires_before": datetime(2026, 1, 1)}, "expires_before"),
        ({"issued_before": "canary"}, "issued_before"),
        ({"order": "canary"}, "order"),
        ({"order": AccountOrder.EXPIRY, "status": AccountStatus.DISABLED}, "order"),
        ({"status": "asleep"}, "status"),
        ({"status": 5}, "status"),
        ({"after": ""}, "after"),
        ({"after": "canary"}, "after"),
        ({"after": 5}, "after"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(arguments: dict[str, Any], field: str) -> None:
    """A wrong filter is said to the program that made it, and not answered with everything or nothing."""
    with pytest.raises(InvalidValueError) as caught:
        AccountQuery(now=NOW, **arguments)
    assert caught.value.field == field
    assert "canary" not in f"{caught.value!s}{caught.value!r}"


def test_a_query_prints_neither_what_was_typed_nor_where_it_stands() -> None:
    """People type names into search fields, and a token holds one (R14)."""
    first = AccountQuery(now=NOW, words="canary")
    token = first.page([person("1", "Canary"), person("2", "Canary")] * 26).next
    assert token is not None
    assert "canary" not in repr(attrs.evolve(first, after=token)).lower()
    assert token not in repr(attrs.evolve(first, after=token))
    assert token not in repr(AccountPage(now=NOW, next=token))


# -- tokens


@given(st.sampled_from(QUERIES), accounts())
def test_a_token_leads_back_to_where_the_page_ended(query: AccountQuery, last: Account) -> None:
    """The position read from a token is the sort key of the account it was made of, exactly."""
    page = attrs.evolve(query, limit=1).page([last, last])
    assert page.accounts == (last,)
    assert page.next is not None
    assert page.next.isascii()
    assert attrs.evolve(query, after=page.next).position == query.sort_key(last)


@given(names(), st.text(st.characters(categories=None), min_size=1, max_size=5))
def test_a_token_holds_any_name_and_any_id(last_name: str, suffix: str) -> None:
    """Names of every script, and ids with quotes and backslashes, survive the trip through a web page."""
    query = AccountQuery(now=NOW, limit=1)
    try:
        last = person(f'"\\{suffix}', last_name)
    except InvalidValueError:
        return
    token = query.page([last, last]).next
    assert attrs.evolve(query, after=token).position == (name_key(last_name, None), last.contact_id)


def token_of(value: object) -> str:
    """Return what somebody who knows the form would send."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "é",
        "====",
        "not base64!",
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        token_of(None),
        token_of(5),
        token_of("abc"),
        token_of([]),
        token_of(["name", "a"]),
        token_of(["name", "a", "c", "d"]),
        token_of(["username", "a", "c"]),
        token_of(["expiry", 1, "c"]),
        token_of(["name", 1, "c"]),
        token_of(["name", None, "c"]),
        token_of(["name", ["a"], "c"]),
        token_of(["name", "a", 5]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        token_of(["name", "a", "c"]) + "\n",
        token_of(["name", "a", "c"]).rstrip("=") + "!",
    ],
)
def test_a_token_that_is_not_of_the_same_query_is_refused(token: str) -> None:
    """Tokens come back from browsers: whatever was done to one is a refusal, never a crash or another order."""
    with pytest.raises(InvalidValueError) as caught:
        AccountQuery(now=NOW, after=token)
    assert caught.value.field == "after"


@pytest.mark.parametrize("key", [1.5, True, "1", None])
def test_a_token_by_expiry_holds_a_whole_number(key: object) -> None:
    """A page by expiry begins at an instant in whole microseconds and at nothing else."""
    with pytest.raises(InvalidValueError):
        AccountQuery(now=NOW, order="expiry", after=token_of(["expiry", key, "c"]))


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_no_text_at_all_breaks_the_reader(token: str) -> None:
    """Any text is a position or a typed refusal."""
    try:
        position = AccountQuery(now=NOW, after=token).position
    except InvalidValueError:
        return
    assert position is not None
    assert [type(part) for part in position] == [str, str]


# -- what belongs to a page


@given(st.lists(accounts(), max_size=12), st.integers(1, 5), st.sampled_from(QUERIES))
def test_walking_the_pages_meets_every_match_once_and_in_order(
    stored: list[Account], limit: int, query: AccountQuery
) -> None:
    """A store that filters, sorts and cuts as the query says shows each account once, whatever the page size."""
    unique = {account.contact_id: account for account in stored}
    query = attrs.evolve(query, limit=limit)
    matching = sorted(filter(query.matches, unique.values()), key=query.sort_key)
    met: list[Account] = []
    page_query = query
    for _ in range(len(matching) + 1):
        position = page_query.position
        rest = [account for account in matching if position is None or query.sort_key(account) > position]
        page = page_query.page(rest[: limit + 1])
        met += page.accounts
        if page.next is None:
            break
        assert len(page.accounts) == limit
        page_query = attrs.evolve(query, after=page.next)
    assert met == matching


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, ["1", "2", "3", "4"]),
        ({"words": ""}, ["1", "2", "3", "4"]),
        ({"words": "  "}, ["1", "2", "3", "4"]),
        ({"words": " - "}, []),
        ({"words": "ABB"}, ["1"]),
        ({"words": " mü"}, ["2"]),
        ({"words": "mu\u0308"}, ["2"]),
        ({"words": "mu"}, ["2"]),
        ({"words": "o'"}, ["3"]),
        ({"words": "brien"}, ["3"]),
        ({"words": "ROSA"}, ["1", "4"]),
        ({"words": "rosa.m"}, ["4"]),
        ({"words": "m rosa"}, ["4"]),
        ({"words": "%"}, []),
        ({"words": "_"}, []),
        ({"without_username": True}, ["3"]),
        ({"never_signed_in": True}, ["1", "2", "3", "4"]),
        ({"order": AccountOrder.LAST_SIGN_IN}, []),
        ({"order": AccountOrder.EXPIRY}, []),
        ({"status": AccountStatus.NEVER_ISSUED}, ["1", "2", "3", "4"]),
        ({"status": AccountStatus.SELF_CHOSEN}, []),
        ({"words": "rosa", "status": AccountStatus.DISABLED}, []),
    ],
)
def test_filters_fold_what_was_typed_as_they_fold_what_is_stored(arguments: dict[str, Any], found: list[str]) -> None:
    """Case, width, accents and decomposition do not matter, and wildcards of SQL are plain characters."""
    stored = [
        person("1", "Abbiatici", "Rosa"),
        person("2", "Müller", "jürgen"),
        person("3", "O'Brien"),
        person("4", None, "rosa.m"),
    ]
    query = AccountQuery(now=NOW, **arguments)
    assert [account.contact_id for account in stored if query.matches(account)] == found


def test_an_erased_account_is_on_no_page() -> None:
    """What remains of an erased account is for the record and not for the grid."""
    erased = person("1", "Abbiatici", "rosa").erase(erased_at=NOW)
    for query in (*QUERIES, AccountQuery(now=NOW, status=AccountStatus.DISABLED)):
        assert not query.matches(erased)


def test_defaults_are_found_by_what_they_are_at_the_instant_asked_for() -> None:
    """The same account is live before its expiry and expired from it on."""
    account = default("1", NOW)
    for at, status in (
        (NOW - timedelta(microseconds=1), AccountStatus.DEFAULT_LIVE),
        (NOW, AccountStatus.DEFAULT_EXPIRED),
    ):
        assert AccountQuery(now=at, status=status).matches(account)
        other = {AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED} - {status}
        assert not AccountQuery(now=at, status=other.pop()).matches(account)


def test_defaults_come_in_order_of_expiry_and_ties_in_order_of_id() -> None:
    """Those that expire first are shown first, to the microsecond."""
    query = AccountQuery(now=NOW, order=AccountOrder.EXPIRY)
    later = NOW + timedelta(microseconds=1)
    stored = [default("9", later), default("2", later), default("5", NOW)]
    assert [account.contact_id for account in sorted(stored, key=query.sort_key)] == ["5", "2", "9"]


def test_the_last_page_says_that_it_is_the_last() -> None:
    """One more than the limit means there is more; the limit exactly does not."""
    query = AccountQuery(now=NOW, limit=2)
    stored = [person("1"), person("2"), person("3")]
    assert query.page([]) == AccountPage(now=query.now)
    assert query.page(stored[:2]) == AccountPage(now=query.now, accounts=tuple(stored[:2]))
    more = query.page(stored)
    assert more.accounts == tuple(stored[:2])
    assert attrs.evolve(query, after=more.next).position == ("\t", "2")


# -- instants


@given(instants)
def test_an_instant_comes_back_from_its_microseconds(at: datetime) -> None:
    """No float rounds a time on the way into a database and back."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert epoch + timedelta(microseconds=micros(at)) == at


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 253_402_300_799_999_999),
    ],
)
def test_microseconds_are_exact_at_the_ends(at: datetime, expected: int) -> None:
    """Before 1970 and in 9999, where a float has no microseconds left."""
    assert micros(at) == expected
