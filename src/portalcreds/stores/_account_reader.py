"""Read accounts from their rows, with the names that the host has now."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from ..account_queries import AccountPage, AccountQuery
from ..accounts import Account
from ..contacts import ContactId
from ..protocols import utc_now
from ._contact_source import ContactSource, with_host_names
from ._dialects import Dialect
from ._in_list import AT_ONCE, in_list
from ._port import Statements
from ._rows import ACCOUNT_COLUMNS, account_of, is_storable
from ._search import matching, order_of
from ._view import View

Lock = Callable[..., str]
"""Given the keys that a SELECT is about, returns what follows it: a lock, or nothing."""


class AccountReader:
    """
    Reads accounts in a transaction that it is given.

    Args:
        view: Which rows are there.
        dialect: What is said differently by this database.
        contacts: Where names are read instead of from our table, or None.
    """

    def __init__(self, view: View, dialect: Dialect, contacts: ContactSource | None) -> None:
        self._view = view
        self._dialect = dialect
        self._contacts = contacts
        self._select = f"SELECT {', '.join(ACCOUNT_COLUMNS)} FROM {view.accounts} AND "
        self._count = f"SELECT COUNT(*) FROM {view.accounts} AND "
        self._select_epoch = f"SELECT contact_id, epoch FROM {view.accounts} AND contact_id = :contact_id"

    def by_id(self, statements: Statements, contact_id: str, *, lock: Lock) -> Account | None:
        """Return the contact's account, or None."""
        if not is_storable(contact_id):
            return None
        found = self._named(
            statements, self._read(statements, f"contact_id = :value{lock(contact_id)}", {"value": contact_id})
        )
        return found[0] if found and found[0].contact_id == contact_id else None

    def by_username(self, statements: Statements, username_key: str, *, lock: Lock) -> Account | None:
        """Return the account with this key, or None. Compared again here, code point by code point."""
        if not is_storable(username_key):
            return None
        found = self._named(
            statements, self._read(statements, f"username_key = :value{lock(username_key)}", {"value": username_key})
        )
        return found[0] if found and found[0].username_key == username_key else None

    def by_ids(self, statements: Statements, contact_ids: Sequence[ContactId], *, lock: Lock) -> list[Account]:
        """Return the accounts of those of the contacts that have one, in any order."""
        found: list[Account] = []
        for start in range(0, len(contact_ids), AT_ONCE):
            batch = contact_ids[start : start + AT_ONCE]
            listed, parameters = in_list(batch)
            found += self._named(
                statements, self._read(statements, f"contact_id IN {listed}{lock(*batch)}", parameters)
            )
        return found

    def page(self, statements: Statements, query: AccountQuery) -> AccountPage:
        """Return one page, in the order of `AccountQuery.sort_key`, from the place in an index where it begins."""
        condition, parameters = matching(query, self._dialect, from_position=True)
        parameters["limit"] = query.limit + 1
        sql = self._dialect.limited(f"{self._select}{condition} ORDER BY {order_of(query)}")
        rows = self._view.rows(statements, sql, parameters)
        # The next page begins where the index has this one's end, whatever the host calls that contact by now.
        page = query.page([account_of(row) for row in rows])
        return attrs.evolve(page, accounts=tuple(self._named(statements, page.accounts)))

    def count(self, statements: Statements, query: AccountQuery) -> int:
        """Return how many accounts match on all pages."""
        condition, parameters = matching(query, self._dialect, from_position=False)
        return int(self._view.rows(statements, self._count + condition, parameters)[0][0])

    def epoch(self, statements: Statements, contact_id: str) -> int | None:
        """Return the account's epoch, or None without one: one row by its key, two columns of it."""
        if not is_storable(contact_id):
            return None
        rows = self._view.rows(statements, self._select_epoch, {"contact_id": contact_id})
        return int(rows[0][1]) if rows and rows[0][0] == contact_id else None

    def following(self, statements: Statements, contact_id: str) -> list[tuple[Account, Account]]:
        """Return the next accounts by contact id, each as it is noted and with the names that the host has."""
        sql = self._dialect.limited(f"{self._select}contact_id > :after AND erased_at IS NULL ORDER BY contact_id")
        rows = self._view.rows(statements, sql, {"after": contact_id, "limit": AT_ONCE})
        noted = [account_of(row) for row in rows]
        return list(zip(noted, self._named(statements, noted), strict=True))

    def _read(self, statements: Statements, condition: str, parameters: dict[str, object]) -> list[Account]:
        return [account_of(row) for row in self._view.rows(statements, self._select + condition, parameters)]

    def _named(self, statements: Statements, accounts: Sequence[Account]) -> list[Account]:
        if self._contacts is None:
            return list(accounts)
        contacts = self._contacts.read(statements, [account.contact_id for account in accounts])
        now = utc_now()
        return [with_host_names(account, contacts.get(account.contact_id), at=now) for account in accounts]
