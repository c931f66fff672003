"""Read pages of accounts without those that an operator may not see (R16)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import attrs

from .._privilege_check import PrivilegeCheck
from ..account_queries import MAX_PAGE_SIZE, AccountPage, AccountQuery
from ..accounts import Account
from ..audit import AuditKind
from ..privileges import Operator, Privilege
from ..protocols import AccountStore

MAX_HIDDEN: Final = 20_000
"""Accounts that are passed over for one page because they are hidden: about half a second of reading."""

Keep = Callable[[Account], bool]
"""Tells of an account whether it is meant, by what no store knows."""


class Grid:
    """
    The accounts of a store as an operator may see them.

    Args:
        store: The accounts.
        check: Asks who may see what.
        record: Puts on the record what was seen or hidden.
    """

    def __init__(self, *, store: AccountStore, check: PrivilegeCheck, record: Callable[..., None]) -> None:
        self._store = store
        self._check = check
        self._record = record

    def read_page(self, query: AccountQuery, operator: Operator, keep: Keep) -> AccountPage:
        """
        Return a page of what the operator may see. Nothing else gets out, not even that there is more of it.

        So it reads on until one more account is found that would be shown, or until too many are hidden.
        """
        shown: list[Account] = []
        ends: tuple[AccountQuery, AccountPage] | None = None
        hidden = 0
        # One more than are shown, which most often tells whether there is a way on.
        reading = attrs.evolve(query, limit=min(query.limit + 1, MAX_PAGE_SIZE))
        while True:
            page = self._store.search(reading)
            seen = self._check.permitted(operator, Privilege.VIEW_USERNAMES, page.accounts)
            hidden += seen.count(False)
            found = (account for account, may in zip(page.accounts, seen, strict=True) if may and keep(account))
            for account in islice(found, query.limit - len(shown)):
                shown.append(account)
                ends = reading, page
            has_more = next(found, None) is not None
            is_cut = hidden >= MAX_HIDDEN and page.next is not None
            if has_more or is_cut or page.next is None:
                break
            reading = attrs.evolve(query, after=page.next, limit=MAX_PAGE_SIZE)
        if ends is not None:
            ids = [account.contact_id for account in shown]
            self._record(AuditKind.USERNAME_VIEWED, operator, count=len(ids), reason="search", shown=ids)
            after = self.after(*ends, shown[-1]) if has_more or is_cut else None
            return AccountPage(now=query.now, accounts=tuple(shown), next=after)
        self._record_hidden(operator, hidden)
        return AccountPage(now=query.now, is_cut=is_cut)

    def after(self, query: AccountQuery, page: AccountPage, last: Account) -> str | None:
        """Return the token of the page that begins after one of *page*, which is what *query* found."""
        count = page.accounts.index(last) + 1
        if count == len(page.accounts):
            return page.next
        # By attribute: a store of the host's says nothing about it.
        if getattr(self._store, "has_host_contacts", True):
            # Only the store knows where it has the account: that may be under a name that the host has changed (R20).
            page = self._store.search(attrs.evolve(query, limit=count))
            if page.accounts and page.accounts[-1].contact_id == last.contact_id:
                return page.next
            # Accounts came or went in between, and the token may hold the name of one that is hidden.
        return query.after_account(last)

    def read_all(self, query: AccountQuery, operator: Operator, keep: Keep, at_most: int) -> list[Account]:
        """Return what the operator may see of all pages, up to a number of accounts."""
        found: list[Account] = []
        hidden = 0
        for accounts, left_out in self._turn(query, operator):
            found.extend(filter(keep, accounts))
            hidden += left_out
            if len(found) >= at_most:
                break
        if not found:
            self._record_hidden(operator, hidden)
        return found[:at_most]

    def read_each(self, query: AccountQuery, operator: Operator, take: Callable[[Account], object]) -> int:
        """Call *take* with each account on all pages that the operator may see, and return how many are hidden."""
        taken = hidden = 0
        for accounts, left_out in self._turn(query, operator):
            for account in accounts:
                take(account)
            taken += len(accounts)
            hidden += left_out
        if not taken:
            self._record_hidden(operator, hidden)
        return hidden

    def _turn(self, query: AccountQuery, operator: Operator) -> Iterator[tuple[list[Account], int]]:
        """Yield of each page what the operator may see, and how many accounts they may not."""
        after = query.after
        while True:
            page = self._store.search(attrs.evolve(query, limit=MAX_PAGE_SIZE, after=after))
            seen = self._check.permitted(operator, Privilege.VIEW_USERNAMES, page.accounts)
            yield [account for account, may in zip(page.accounts, seen, strict=True) if may], seen.count(False)
            after = page.next
            if after is None:
                return

    def _record_hidden(self, operator: Operator, hidden: int) -> None:
        if hidden:
            self._record(AuditKind.PRIVILEGE_DENIED, operator, count=hidden, reason=Privilege.VIEW_USERNAMES.value)
