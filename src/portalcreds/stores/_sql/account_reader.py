"""Read accounts from their rows, with the names that the host has now."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from ...account_queries import AccountOrder, AccountPage, AccountQuery
from ...accounts import Account
from ...contacts import ContactId
from ...protocols import utc_now
from .._drivers.dialect import Dialect
from .._drivers.port import Statements
from .contact_source import ContactSource, take_host_names
from .in_list import AT_ONCE, list_parameters
from .rows import ACCOUNT_COLUMNS, is_storable, read_account
from .search import KEY_COLUMNS, begin_at, filter_accounts, order_by
from .view import View
from .word_finder import LOOKED_UP, Places, WordFinder

_RARE: Final = 2_000
"""Accounts in a state that are all looked at for the words that were typed."""

Lock = Callable[..., str]
"""Takes the keys that a SELECT is about, and returns what follows it: a lock, or nothing."""


class AccountReader:
    """
    Reads accounts in a transaction of the caller's.

    Args:
        view: Which rows the store sees.
        dialect: What is said differently by this database.
        contacts: Where names are read instead of from our table, or None.
    """

    def __init__(self, view: View, dialect: Dialect, contacts: ContactSource | None) -> None:
        self._view = view
        self._dialect = dialect
        self._contacts = contacts
        self._finder = WordFinder(view, dialect)
        self._select = f"SELECT {', '.join(ACCOUNT_COLUMNS)} FROM {view.accounts} AND "
        self._count = f"SELECT COUNT(*) FROM {view.accounts} AND "
        self._select_epoch = f"SELECT contact_id, epoch FROM {view.accounts} AND contact_id = :contact_id"

    def find_by_id(self, statements: Statements, contact_id: str, *, lock: Lock) -> Account | None:
        """Return the contact's account, or None."""
        found = self._find(statements, "contact_id", contact_id, lock)
        return found if found is not None and found.contact_id == contact_id else None

    def find_by_username(self, statements: Statements, username_key: str, *, lock: Lock) -> Account | None:
        """Return the account with this key, or None. Compared again here, code point by code point."""
        found = self._find(statements, "username_key", username_key, lock)
        return found if found is not None and found.username_key == username_key else None

    def find_by_ids(self, statements: Statements, contact_ids: Sequence[ContactId], *, lock: Lock) -> list[Account]:
        """Return the accounts of those of the contacts that have one, in any order."""
        found: list[Account] = []
        for start in range(0, len(contact_ids), AT_ONCE):
            batch = contact_ids[start : start + AT_ONCE]
            rows = self._look_up(statements, batch, lock=lock(*batch))
            found += self._named(statements, [read_account(row) for row in rows])
        return found

    def find_owners(self, statements: Statements, username_keys: Sequence[str]) -> dict[str, ContactId]:
        """Return whose these keys are. Compared again here, code point by code point."""
        owners: dict[str, ContactId] = {}
        for start in range(0, len(username_keys), AT_ONCE):
            asked = username_keys[start : start + AT_ONCE]
            listed, parameters = list_parameters(asked)
            sql = self._dialect.look_up_sql("username_key, contact_id", self._view.accounts, "username_key", listed, "")
            owners.update((key, contact_id) for key, contact_id in self._view.query(statements, sql, parameters))
        return {key: owners[key] for key in username_keys if key in owners}

    def read_page(self, statements: Statements, query: AccountQuery) -> AccountPage:
        """Return one page, in the order of `AccountQuery.sort_key`."""
        rows = None
        if query.typed or query.without_username:
            rows = self._find_rows(statements, query)
        if rows is None:
            rows = self._walk(statements, query)
        # Compared again: a row may have changed since its words were read.
        noted = [account for account in map(read_account, rows) if query.matches(account)]
        # The next page begins where the index has this one's end, even if the host has renamed that contact since.
        page = query.page(noted)
        return attrs.evolve(page, accounts=tuple(self._named(statements, page.accounts)))

    def count(self, statements: Statements, query: AccountQuery) -> int:
        """Return how many accounts match on all pages."""
        condition, parameters = filter_accounts(query, self._dialect)
        begin, of_begin = begin_at(query, self._dialect, from_position=False)
        condition = " AND ".join(filter(None, (condition, begin)))
        parameters |= of_begin
        if query.typed or query.without_username:
            found = self._finder.find(statements, query)
            listed, of_words = found.list_all()
            condition += f" AND contact_id IN ({listed})"
            parameters |= of_words
        return int(self._view.query(statements, self._count + condition, parameters)[0][0])

    def read_epoch(self, statements: Statements, contact_id: str) -> int | None:
        """Return the account's epoch, or None without an account."""
        if not is_storable(contact_id):
            return None
        rows = self._view.query(statements, self._select_epoch, {"contact_id": contact_id})
        return int(rows[0][1]) if rows and rows[0][0] == contact_id else None

    def read_following(self, statements: Statements, contact_id: str) -> list[tuple[Account, Account]]:
        """Return the accounts after a contact id: each as noted, and with the names that the host has."""
        sql = f"{self._select}contact_id > :after AND erased_at IS NULL ORDER BY contact_id LIMIT :limit"
        rows = self._view.query(statements, sql, {"after": contact_id, "limit": AT_ONCE})
        noted = [read_account(row) for row in rows]
        return list(zip(noted, self._named(statements, noted), strict=True))

    def _walk(self, statements: Statements, query: AccountQuery) -> Sequence[Sequence[Any]]:
        """Return the rows of a page and one more, from the place in an index where the page begins."""
        condition, parameters = filter_accounts(query, self._dialect)
        begin, of_begin = begin_at(query, self._dialect, from_position=True)
        has_words, of_words = self._finder.match_row(query)
        parameters |= of_begin | of_words | {"limit": query.limit + 1}
        conditions = " AND ".join(filter(None, (condition, begin, has_words)))
        sql = f"{self._select}{conditions} ORDER BY {order_by(query)} LIMIT :limit"
        return self._view.query(statements, sql, parameters)

    def _find_rows(self, statements: Statements, query: AccountQuery) -> Sequence[Sequence[Any]] | None:
        """Return the same of those who have the words that were typed, or None if it is better to walk along them."""
        condition, parameters = filter_accounts(query, self._dialect)
        if query.status is not None and self._is_rare(statements, parameters["state"]):
            return None
        found = self._finder.find(statements, query)
        if query.order == AccountOrder.NAME:
            return self._read_in_order(statements, query, found, condition, parameters)
        if not found.are_few:
            return None
        begin, of_begin = begin_at(query, self._dialect, from_position=True)
        conditions = " AND ".join(filter(None, (condition, begin)))
        contact_ids = [contact_id for _, contact_id in found.read(None, LOOKED_UP)]
        rows = self._look_up(statements, contact_ids, conditions, parameters | of_begin)
        key = ACCOUNT_COLUMNS.index(KEY_COLUMNS[query.order])
        return sorted(rows, key=lambda row: (row[key], row[0]))[: query.limit + 1]

    def _read_in_order(
        self,
        statements: Statements,
        query: AccountQuery,
        found: Places,
        condition: str,
        parameters: dict[str, object],
    ) -> Sequence[Sequence[Any]] | None:
        wanted = query.limit + 1
        is_filtered = bool(condition) or self._view.is_scoped
        rows: list[Sequence[Any]] = []
        position = query.position
        # Of most filters some hundreds are enough; without one, all are found unless somebody has just gone.
        for size in (AT_ONCE if is_filtered else wanted, LOOKED_UP):
            places = found.read(position, size)
            for start in range(0, len(places), AT_ONCE):
                contact_ids = [contact_id for _, contact_id in places[start : start + AT_ONCE]]
                by_id = {row[0]: row for row in self._look_up(statements, contact_ids, condition, parameters)}
                rows += [by_id[contact_id] for contact_id in contact_ids if contact_id in by_id]
                if len(rows) >= wanted:
                    return rows[:wanted]
            if len(places) < size:
                return rows
            position = places[-1]
        return None

    def _is_rare(self, statements: Statements, state: object) -> bool:
        """Return whether so few accounts are in a state that it is best to look at each of them."""
        sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {self._view.accounts} AND state = :state LIMIT :most) counted"
        ((count,),) = self._view.query(statements, sql, {"state": state, "most": _RARE + 1})
        return int(count) <= _RARE

    def _look_up(
        self,
        statements: Statements,
        contact_ids: Sequence[str],
        condition: str = "",
        parameters: dict[str, object] | None = None,
        *,
        lock: str = "",
    ) -> list[Sequence[Any]]:
        """Return the rows of some contacts, in any order."""
        rows: dict[str, Sequence[Any]] = {}
        columns = ", ".join(ACCOUNT_COLUMNS)
        for start in range(0, len(contact_ids), AT_ONCE):
            listed, of_ids = list_parameters(contact_ids[start : start + AT_ONCE])
            looked_up = f"{columns}, state, name_key" if condition else columns
            sql = self._dialect.look_up_sql(looked_up, self._view.accounts, "contact_id", listed, lock)
            if condition:
                # Behind a LIMIT: or else a planner may take an index of the condition's and not that of the ids.
                sql = f"SELECT {columns} FROM ({sql} LIMIT :all_of_them) found WHERE {condition}"
                of_ids |= {"all_of_them": 2 * AT_ONCE}
            # The list is filled up with its last one, which may be found as often.
            rows |= {row[0]: row for row in self._view.query(statements, sql, {**(parameters or {}), **of_ids})}
        return list(rows.values())

    def _find(self, statements: Statements, column: str, value: str, lock: Lock) -> Account | None:
        if not is_storable(value):
            return None
        rows = self._view.query(statements, f"{self._select}{column} = :value{lock(value)}", {"value": value})
        return next(iter(self._named(statements, [read_account(row) for row in rows])), None)

    def _named(self, statements: Statements, accounts: Sequence[Account]) -> list[Account]:
        if self._contacts is None:
            return list(accounts)
        contacts = self._contacts.read(statements, [account.contact_id for account in accounts])
        now = utc_now()
        return [take_host_names(account, contacts.get(account.contact_id), at=now) for account in accounts]
