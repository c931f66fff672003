"""Looking accounts up, one or a page of them: who may, what is shown, and what goes on the record."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from administration.steps import PARENT, ids, last_event, of
from portal import NOBODY, OFFICE, Portal, issued, open_portal, settled, watched
from portalcreds.account_queries import MAX_PAGE_SIZE, AccountOrder, AccountPage, AccountQuery
from portalcreds.accounts import Account, AccountStatus
from portalcreds.administration import _grid
from portalcreds.administration.service import AccountService
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
    StoreUnavailableError,
)
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import Change
from portalcreds.stores.memory import MemoryAccountStore

# -- looking up


def test_a_look_up_by_contact_is_on_the_record(portal: Portal) -> None:
    """Who looked at whose user name, and when."""
    account = portal.accounts.get("c-1", OFFICE)

    assert account == portal.accounts.find("c-1", OFFICE) == portal.account("c-1")
    assert account.username == "rabbiatici"
    assert portal.kinds("c-1")[-2:] == ["sensitive_read.username"] * 2
    assert last_event(portal) == (AuditKind.USERNAME_VIEWED, "office", None)


@pytest.mark.parametrize("username", ["PObrien", "pobrien", " POBRIEN ", "ｐobrien"])
def test_a_look_up_by_user_name_takes_it_as_written(portal: Portal, username: str) -> None:
    """R18: in whatever case and width; the account shows it as given."""
    account = portal.accounts.find_by_username(username, OFFICE)

    assert account is not None
    assert (account.contact_id, account.username) == ("c-2", "PObrien")
    assert portal.kinds("c-2")[-1] == "sensitive_read.username"


@pytest.mark.parametrize("username", ["nobody", "", " ", "p\tobrien", "pobrien\0", "p\ud800", "x" * 100_000, "pobrie"])
def test_a_user_name_that_is_nobody_s_finds_nobody(portal: Portal, username: str) -> None:
    """R8, R23: also what could be nobody's is a value; nothing is on the record, for nothing was seen."""
    before = portal.store.events()
    assert portal.accounts.find_by_username(username, OFFICE) is None
    assert portal.store.events() == before


def test_a_store_that_matches_too_much_shows_nobody(memory_portal: Portal) -> None:
    """R18: what a folding collation matched is compared again, and is nobody's."""

    class Folding:
        def __getattr__(self, name: str) -> Any:
            return getattr(memory_portal.store, name)

        def find_by_username(self, username_key: str, /) -> Account | None:
            return memory_portal.store.find_by_username("rabbiatici")

    folding: Any = Folding()
    before = memory_portal.store.events()
    assert attrs.evolve(memory_portal, store=folding).accounts.find_by_username("räbbiatici", OFFICE) is None
    assert memory_portal.store.events() == before


def test_a_contact_without_account_is_found_by_nobody(portal: Portal) -> None:
    """``find`` returns nothing, ``get`` raises, and the error says the hint."""
    before = portal.store.events()
    assert portal.accounts.find("c-9", OFFICE) is None
    with pytest.raises(AccountNotFoundError, match="sync_contacts") as caught:
        portal.accounts.get("c-9", OFFICE)
    assert caught.value.contact_id == "c-9"
    assert portal.store.events() == before


@pytest.mark.parametrize(
    "look",
    [
        lambda service, operator: service.get("c-1", operator),
        lambda service, operator: service.find("c-1", operator),
    ],
    ids=["get", "find"],
)
def test_who_may_not_look_sees_nothing(portal: Portal, look: Callable[[AccountService, Operator], Account]) -> None:
    """R16: every other privilege together does not show a user name; the refusal is on the record and says nothing."""
    others = Grants(privileges={"nobody": [p for p in Privilege if p is not Privilege.VIEW_USERNAMES]})

    with pytest.raises(PrivilegeDeniedError) as caught:
        look(portal.with_parts(authorizer=others).accounts, NOBODY)

    assert last_event(portal) == (AuditKind.PRIVILEGE_DENIED, "nobody", "view_usernames")
    for text in ("rabbiatici", "Rosa", "Abbiatici"):
        assert text not in f"{caught.value!r}{caught.value}"


def test_a_look_up_that_cannot_be_recorded_shows_nothing(portal: Portal) -> None:
    """R17: what must be recorded and cannot be is refused."""

    class Full:
        def record(self, events: Sequence[AuditEvent], /) -> None:
            raise StoreUnavailableError("record", "disk_full")

    service = of(portal, audit=Full())
    for look in (
        lambda: service.find("c-1", OFFICE),
        lambda: service.find_by_username("rabbiatici", OFFICE),
        lambda: service.search(OFFICE),
    ):
        with pytest.raises(StoreUnavailableError):
            look()


def test_an_operator_may_look_at_their_own(portal: Portal) -> None:
    """R16: looking changes nothing, so whoever may see user names may see their own."""
    assert portal.accounts.get("c-1", PARENT).contact_id == "c-1"


def test_a_store_that_does_not_record_needs_a_sink(portal: Portal) -> None:
    """R17: a service without a place for its record is not made."""
    silent: Any = object()
    with pytest.raises(ConfigurationError):
        attrs.evolve(portal, store=silent).accounts  # noqa: B018  Making it is what fails.


# -- the grid


def test_the_grid_shows_all_by_last_name(portal: Portal) -> None:
    """Without a filter by name, who has none first, and one line for the page."""
    portal.accounts.sync_contacts([Contact(contact_id=ContactId("c-0"))], OFFICE)
    before = len(portal.store.events())

    page = portal.accounts.search(OFFICE)

    assert ids(page) == ["c-0", "c-1", "c-2", "c-4", "c-3"]
    assert page.next is None
    event, whom = portal.store.events()[before:]
    assert whom.kind is AuditKind.CONTACTS_SHOWN
    assert (event.kind, event.operator_id, event.count, event.reason, event.contact_id) == (
        AuditKind.USERNAME_VIEWED,
        "office",
        5,
        "search",
        None,
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"words": "R"}, ["c-1"]),
        ({"words": "po"}, ["c-2"]),
        ({"words": "ＰＯ"}, ["c-2"]),
        ({"words": ""}, ["c-1", "c-2", "c-4", "c-3"]),
        ({"words": "%"}, []),
        ({"words": "_"}, []),
        ({"words": "x" * 300}, []),
        ({"words": "VAN DER"}, ["c-3"]),
        ({"words": "o'b"}, ["c-2"]),
        ({"words": "obrien"}, ["c-2"]),
        ({"words": "' OR 1=1 --"}, []),
        ({"status": AccountStatus.NEVER_ISSUED}, ["c-1", "c-2", "c-4", "c-3"]),
        ({"status": AccountStatus.DEFAULT_LIVE}, []),
        ({"status": AccountStatus.NEVER_ISSUED, "words": "su"}, ["c-4"]),
    ],
)
def test_the_grid_filters(portal: Portal, filters: dict[str, Any], expected: list[str]) -> None:
    """By the beginnings of words, folded, and by status; no letter is a wildcard."""
    assert ids(portal.accounts.search(OFFICE, **filters)) == expected


def test_the_grid_filters_by_the_status_of_now(portal: Portal) -> None:
    """Live and expired defaults come in order of expiry, and who is erased does not come at all."""
    for contact_id in ("c-2", "c-1"):
        issued(portal, contact_id)
        portal.clock.move(days=1)
    settled(portal, "c-3")
    portal.accounts.erase("c-4", OFFICE)

    def with_status(status: AccountStatus) -> list[str]:
        is_default = status in (AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED)
        order = AccountOrder.EXPIRY if is_default else AccountOrder.NAME
        return ids(portal.accounts.search(OFFICE, status=status, order=order))

    assert with_status(AccountStatus.DEFAULT_LIVE) == ["c-2", "c-1"]
    portal.clock.move(days=12)
    assert with_status(AccountStatus.DEFAULT_EXPIRED) == ["c-2"]
    assert with_status(AccountStatus.DEFAULT_LIVE) == ["c-1"]
    assert with_status(AccountStatus.SELF_CHOSEN) == ["c-3"]
    assert with_status(AccountStatus.DISABLED) == []
    assert "c-4" not in ids(portal.accounts.search(OFFICE))


@pytest.mark.parametrize("filters", [{}, {"words": "user."}, {"words": "parent"}, {"never_signed_in": True}], ids=str)
def test_pages_show_everybody_once(portal: Portal, filters: dict[str, Any]) -> None:
    """Following ``next`` shows each account once, in order, also with a page that ends at the last."""
    portal.add_school(30)
    everybody = ids(portal.accounts.search(OFFICE, **filters, limit=MAX_PAGE_SIZE))

    for limit in (1, 7, 15, len(everybody), len(everybody) + 1):
        seen: list[str] = []
        after = None
        while True:
            page = portal.accounts.search(OFFICE, **filters, after=after, limit=limit)
            assert len(page.accounts) <= limit
            seen += ids(page)
            after = page.next
            if after is None:
                break
            assert len(page.accounts) == limit
        assert seen == everybody


@pytest.mark.parametrize(
    "filters",
    [
        {"limit": 0},
        {"limit": MAX_PAGE_SIZE + 1},
        {"words": 7},
        {"words": None},
        {"never_signed_in": "no"},
        {"without_username": 1},
        {"expires_before": "2026-01-01"},
        {"issued_before": datetime(2026, 1, 1)},
        {"order": "age"},
        {"order": "expiry", "status": "disabled"},
        {"status": "asleep"},
        {"after": "no token"},
        {"after": ""},
    ],
    ids=str,
)
def test_filters_that_cannot_be_taken_are_refused(portal: Portal, filters: dict[str, Any]) -> None:
    """R23: by the same error on every store, before anything is looked at."""
    before = portal.store.events()
    with pytest.raises(InvalidValueError):
        portal.accounts.search(OFFICE, **filters)
    assert portal.store.events() == before


def test_who_may_see_nobody_gets_an_empty_grid(portal: Portal) -> None:
    """R16: no account, no way on whose token would hold a user name, and one line on the record."""
    portal.add_school(3)
    searches: list[dict[str, Any]] = [{}, {"words": ""}, {"limit": 1}]
    for filters in searches:
        before = len(portal.store.events())

        page = portal.accounts.search(NOBODY, **filters)

        assert page == AccountPage(now=portal.clock())
        (event,) = portal.store.events()[before:]
        assert (event.kind, event.operator_id, event.reason, event.count, event.contact_id) == (
            AuditKind.PRIVILEGE_DENIED,
            "nobody",
            "view_usernames",
            7,
            None,
        )


def test_an_empty_grid_is_no_look_up(portal: Portal) -> None:
    """R17: where nothing was seen or hidden nothing is on the record."""
    before = portal.store.events()
    assert portal.accounts.search(OFFICE, words="zz") == AccountPage(now=portal.clock())
    assert portal.accounts.search(NOBODY, words="zz") == AccountPage(now=portal.clock())
    assert portal.store.events() == before


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_the_hidden_neither_show_nor_shorten_the_pages(portal: Portal, limit: int) -> None:
    """R16: an operator of one school pages through that school's accounts; no token holds another's user name."""
    portal.add_school(25)

    def every_third(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id[-1] in "258" for account in accounts]

    service = portal.with_parts(authorizer=every_third).accounts
    expected = [f"s-{n:04}" for n in range(25) if str(n)[-1] in "258"]
    seen: list[str] = []
    after = None
    while True:
        page = service.search(OFFICE, words="user.", after=after, limit=limit)
        seen += ids(page)
        if page.next is None:
            break
        assert len(page.accounts) == limit
        # The way on begins after somebody who was shown.
        after = page.next
        assert f'"{seen[-1]}"' in base64.urlsafe_b64decode(after).decode()
    assert seen == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize("words", ["", "user.", "user.s-0003"])
def test_the_hidden_are_as_if_they_were_not_there(
    memory_portal: Portal, tmp_path: Path, words: str, limit: int
) -> None:
    """R16: no page, no way on and no line of the record tells that somebody matches whom the operator may not see."""
    school = memory_portal.add_school(7)
    hidden = {"c-1", "c-3", school[1], *school[4:]}
    with open_portal("memory", tmp_path) as without:
        without.add_school(7)
        for contact_id in hidden:
            without.accounts.erase(contact_id, OFFICE)

        def pages(portal: Portal) -> tuple[list[AccountPage], list[tuple[Any, ...]]]:
            def seen(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
                return [account.contact_id not in hidden for account in accounts]

            accounts = portal.with_parts(authorizer=seen).accounts
            before = len(portal.store.events())
            read = [accounts.search(OFFICE, words=words, limit=limit)]
            while read[-1].next is not None:
                read.append(accounts.search(OFFICE, words=words, limit=limit, after=read[-1].next))
            events = portal.store.events()[before:]
            return read, [(event.kind, event.count) for event in events if event.kind is AuditKind.USERNAME_VIEWED]

        assert pages(memory_portal) == pages(without)


def test_a_page_takes_one_search(tmp_path: Path) -> None:
    """Whether there is a way on is found out by the same search, because one for words costs most of a page."""
    with open_portal("sqlite", tmp_path) as portal:
        portal.add_school(9)
        reads: list[str] = []
        counted = watched(portal.store, lambda when, name, _: reads.append(name) if when == "before" else None)
        page = attrs.evolve(portal, store=counted).accounts.search(OFFICE, words="user.", limit=4)
        assert (len(page.accounts), reads.count("search")) == (4, 1)
        assert page.next == portal.store.search(AccountQuery(now=portal.clock(), words="user.", limit=4)).next


def test_a_page_passes_over_so_many_hidden_accounts_and_no_more(
    memory_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R16: the work for a page is bounded; whom the operator may see before the bound is shown, and a cut is told."""
    monkeypatch.setattr(_grid, "MAX_HIDDEN", 500)
    memory_portal.add_school(2 * MAX_PAGE_SIZE + 30)
    visible = ("s-0005", "s-0700")
    reads: list[str] = []

    def few(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id in visible for account in accounts]

    counted = watched(memory_portal.store, lambda when, name, _: reads.append(name) if when == "before" else None)
    service = attrs.evolve(memory_portal, store=counted).with_parts(authorizer=few).accounts
    first = service.search(OFFICE, words="user.", limit=5)
    assert (ids(first), first.is_cut) == (list(visible), False)
    assert first.next is not None
    last = service.search(OFFICE, words="user.", limit=5, after=first.next)
    assert (ids(last), last.next, last.is_cut) == ([], None, True)
    assert reads.count("search") <= 5
    assert not service.search(OFFICE, words="user.s-0008").is_cut


def test_a_long_stretch_of_hidden_accounts_is_read_through(memory_portal: Portal) -> None:
    """R16: where the reading ends among the hidden, the way on still begins after somebody who was shown."""
    memory_portal.add_school(MAX_PAGE_SIZE + 30)
    visible = ("s-0005", "s-0500", f"s-{MAX_PAGE_SIZE + 20}")

    def few(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id in visible for account in accounts]

    service = memory_portal.with_parts(authorizer=few).accounts
    first = service.search(OFFICE, words="user.", limit=1)
    assert ids(first) == ["s-0005"]
    assert first.next is not None
    assert '"s-0005"' in base64.urlsafe_b64decode(first.next).decode()
    second = service.search(OFFICE, words="user.", limit=2, after=first.next)
    assert ids(second) == list(visible[1:])
    last = service.search(OFFICE, words="user.", limit=3)
    assert (ids(last), last.next) == (list(visible), None)


def test_no_token_holds_who_came_between_two_looks(memory_portal: Portal) -> None:
    """R16: the token tells nothing of a hidden account either, if accounts go while the page is made."""
    memory_portal.add_school(6)

    class Busy(MemoryAccountStore):
        """A store that somebody else writes to between any two pages."""

        def search(self, query: AccountQuery, /) -> AccountPage:
            page = memory_portal.store.search(query)
            leaving = page.accounts[0]
            memory_portal.store.apply([Change(old=leaving, new=leaving.erase(erased_at=memory_portal.clock()))])
            return page

    def even(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id[-1] in "024" for account in accounts]

    service = AccountService(Busy(), authorizer=even, audit=memory_portal.store, throttle=memory_portal.throttle)
    page = service.search(OFFICE, words="user.", limit=2)
    assert ids(page) == ["s-0000", "s-0002"]
    assert page.next is not None
    assert '"s-0002"' in base64.urlsafe_b64decode(page.next).decode()
