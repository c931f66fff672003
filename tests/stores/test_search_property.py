"""Whatever people are called and whatever is typed, each store finds whom `AccountQuery` says, in its order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portalcreds.account_queries import AccountOrder, AccountQuery
from portalcreds.accounts import Account, AccountStatus
from portalcreds.contacts import Contact, ContactId
from portalcreds.protocols import AccountStore, Change
from portalcreds.status_counts import MAX_SPAN, StatusQuery
from portalcreds.stores._sql import account_reader, word_finder
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.testing._store_samples import NOW, add, chosen, issued
from strategies import accounts, instants

from .backends import BACKENDS, new_backend

_NUMBERS: Final = count()

_FILTERS: Final[list[dict[str, Any]]] = [
    {},
    {},
    {"without_username": True},
    {"never_signed_in": True},
    {"issued_before": NOW},
    {"unchanged_since": NOW},
    {"unchanged_since": NOW, "or_never_issued": True},
]

_TEXT: Final = st.text(st.sampled_from("aAÁbBø ß'’-.@_%ıİłþ張\u0301\uff21\u200b\U0010ffff"), max_size=7)
_LETTERS: Final = st.text(st.sampled_from("abc "), max_size=5)


@pytest.fixture(params=["memory", *BACKENDS], scope="module")
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccountStore]:
    """Yield each store that ships."""
    if request.param == "memory":
        yield MemoryAccountStore()
        return
    folder: Path = tmp_path_factory.mktemp("property")
    with new_backend(request.param, folder) as backend, backend.open() as store:
        yield store


@st.composite
def schools(draw: st.DrawFn) -> list[Account]:
    """Draw some accounts of a few states, which nobody else has."""
    number, accounts = next(_NUMBERS), []
    for place in range(draw(st.integers(1, 9))):
        first, last, email = (draw(st.none() | _TEXT | _LETTERS) for _ in range(3))
        contact = Contact(contact_id=ContactId(f"{number}-{place}"), first_name=first, last_name=last, email=email)
        account = Account(contact=contact, username=draw(st.none() | st.just(f"b.{number}-{place}")))
        shapes = [account, chosen(account), issued(account), issued(account, expires_at=NOW), account.disable()]
        at = draw(st.none() | st.just(NOW) | st.just(NOW - timedelta(days=1)))
        accounts.append(attrs.evolve(draw(st.sampled_from(shapes)), last_sign_in_at=at, version=1))
    return accounts


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what may be asked for."""
    order = draw(st.sampled_from(AccountOrder))
    statuses = [None, AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED]
    if order is not AccountOrder.EXPIRY:
        statuses += [AccountStatus.NEVER_ISSUED, AccountStatus.DISABLED, AccountStatus.SELF_CHOSEN]
    return {
        "words": draw(_TEXT | _LETTERS),
        "status": draw(st.sampled_from(statuses)),
        "order": order,
        "limit": draw(st.integers(1, 4)),
        **draw(st.sampled_from(_FILTERS)),
    }


@pytest.mark.parametrize("few", [False, True], ids=["as it is", "as if there were millions"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(school=schools(), asked=st.lists(queries(), min_size=1, max_size=5))
def test_every_store_finds_what_the_query_says(
    store: AccountStore, few: bool, school: list[Account], asked: list[dict[str, Any]]
) -> None:
    """Page after page and in number, also on the ways that a store takes when very many people have a word."""
    add(store, *school)
    with pytest.MonkeyPatch.context() as patched:
        if few:
            for name in ("FEW", "_SORTED", "_WALKED"):
                patched.setattr(word_finder, name, 2)
            patched.setattr(account_reader, "FEW", 2)
        for arguments in asked:
            query = AccountQuery(now=NOW, **arguments)
            expected = sorted(filter(query.matches, school), key=query.sort_key)
            assert store.count(query) == len(expected)
            found: list[Account] = []
            while True:
                page = store.search(query)
                found += page.accounts
                assert len(found) <= len(school)
                if page.next is None:
                    break
                assert len(page.accounts) == query.limit
                query = attrs.evolve(query, after=page.next)
            assert found == expected
    store.apply([Change(old=account, new=account.erase(erased_at=NOW)) for account in school])


@pytest.mark.parametrize("status", [None, AccountStatus.NEVER_ISSUED])
def test_who_stands_between_two_who_are_found_takes_no_place_on_a_page(
    store: AccountStore, status: AccountStatus | None
) -> None:
    """Pages are full, though others stand between whoever has it as a first name and whoever has it as a last name."""
    number = next(_NUMBERS)
    names = [("Rosa", "Abel"), ("Rosa", "Abt"), ("Ann", "Moser"), ("Ann", "Nuti"), ("Ann", "Rosa"), ("Ann", "Zeh")]
    school = [
        Account(contact=Contact(contact_id=ContactId(f"{number}-{place}"), first_name=first, last_name=last), version=1)
        for place, (first, last) in enumerate(names)
    ]
    add(store, *school)
    query = AccountQuery(now=NOW, words="rosa", status=status, limit=1)
    pages = [store.search(query)]
    while pages[-1].next is not None:
        pages.append(store.search(attrs.evolve(query, after=pages[-1].next)))
    assert [[account.contact_id for account in page.accounts] for page in pages] == [
        [f"{number}-{place}"] for place in (0, 1, 4)
    ]
    store.apply([Change(old=account, new=account.erase(erased_at=NOW)) for account in school])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.lists(accounts(), max_size=12, unique_by=lambda account: account.contact_id),
    now=instants,
    ago=st.timedeltas(timedelta(0), MAX_SPAN),
    utc_offset=st.timedeltas(timedelta(hours=-23), timedelta(hours=23)),
)
def test_every_store_counts_what_each_account_says(
    store: AccountStore, drawn: list[Account], now: datetime, ago: timedelta, utc_offset: timedelta
) -> None:
    """Whatever is in an account's row, and at whatever instant, the counts agree with `Account.status`."""
    number = next(_NUMBERS)
    added = [
        attrs.evolve(
            account,
            contact=attrs.evolve(account.contact, contact_id=ContactId(f"{number}-{place}")),
            username=None,
            version=1,
        )
        for place, account in enumerate(drawn)
    ]
    add(store, *added)
    query = StatusQuery(now=now, since=now - ago, utc_offset=utc_offset)
    counts = store.count_statuses(query)  # type: ignore[attr-defined]  # Each store that ships can.
    assert dict(counts) == dict(query.count(added))
    for status in AccountStatus:
        counted = sum(accounts for group, accounts in counts.items() if group.status == status)
        assert counted == sum(account.status(now) == status for account in added)
    store.apply([Change(old=account, new=account.erase(erased_at=NOW)) for account in added])
