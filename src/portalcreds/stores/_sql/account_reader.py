"""Read accounts from their rows, with the names that the host has now."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...account_queries import AccountOrder, AccountPage, AccountQuery
from ...accounts import Account
from ...contacts import ContactId
from ...protocols import utc_now
from .._drivers.dialect import Dialect
from .._drivers.port import Statements
from .contact_source import ContactSource, take_host_names
from .in_list import AT_ONCE, list_parameters
from .rows import ACCOUNT_COLUMNS, is_storable, read_account
from .search import KEY_COLUMNS, begin_at, filter_accounts, is_of_one_state, order_by, passes_nobody
from .view import View
from .word_finder import FEW, Place, Places, WordFinder, follow, typed_of

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
        found = self._find_one(statements, "contact_id", contact_id, lock)
        return found if found is not None and found.contact_id == contact_id else None

    def find_by_username(self, statements: Statements, username_key: str, *, lock: Lock) -> Account | None:
        """Return the account with this key, or None. Compared again here, code point by code point."""
        found = self._find_one(statements, "username_key", username_key, lock)
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
        if passes_nobody(query) and not self._view.is_scoped:
            walked = self._walk(statements, query, columns=ACCOUNT_COLUMNS)
            places = [(key, contact_id) for key, contact_id, *_ in walked]
            by_place = {(row[0], row[1]): row[2:] for row in walked}
        else:
            places = self._find_places(statements, query)
            columns = (*ACCOUNT_COLUMNS, KEY_COLUMNS[query.order])
            rows = self._look_up(statements, [contact_id for _, contact_id in places[: query.limit]], columns=columns)
            by_place = {(row[-1], row[0]): row[:-1] for row in rows}
        page = places[: query.limit]
        # Compared again: an account may be another since its place was read. Whoever has another place by now is left
        # out here and found there. Else somebody could be on a page twice, and who turns the page after an account that
        # has moved to the end would miss all before it.
        noted = [read_account(by_place[place]) for place in page if place in by_place]
        shown = self._named(statements, [account for account in noted if query.matches(account)])
        # The next page begins where the index had this one's end, even if that contact has another place since.
        after = query.after_position(page[-1]) if len(places) > query.limit else None
        return AccountPage(now=query.now, accounts=tuple(shown), next=after)

    def count(self, statements: Statements, query: AccountQuery) -> int:
        """Return how many accounts match on all pages."""
        condition, parameters = filter_accounts(query)
        begin, of_begin = begin_at(query, self._dialect, from_position=False)
        condition = " AND ".join(filter(None, (condition, begin)))
        parameters |= of_begin
        if query.typed or query.without_username:
            found = self._finder.find(statements, query)
            listed, of_words = found.select_all()
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

    def _find_places(self, statements: Statements, query: AccountQuery) -> list[Place]:
        """Return the places of a page and one more."""
        places = self._find(statements, query) if query.typed or query.without_username else None
        if places is None:
            places = [(key, contact_id) for key, contact_id in self._walk(statements, query, typed_of(query))]
        return places

    def _walk(
        self,
        statements: Statements,
        query: AccountQuery,
        words: Sequence[str] = (),
        *,
        beginning: str = "",
        columns: Sequence[str] = (),
    ) -> Sequence[Sequence[Any]]:
        """
        Return keys and contact ids of a page and one more along an index, from where the page begins.

        Args:
            statements: The transaction's.
            query: What is asked for.
            words: Words that each account must have.
            beginning: What the names begin with that are walked along.
            columns: What else to read. The index has none of it, but most filters: without them no row is read of an
                account that is passed over.
        """
        condition, parameters = filter_accounts(query, self._dialect)
        begin, of_begin = begin_at(query, self._dialect, from_position=True, beginning=beginning)
        has_words, of_words = self._finder.match_row(words)
        parameters |= of_begin | of_words | {"limit": query.limit + 1}
        if beginning:
            begin += " AND name_key < :name_end"
            parameters["name_end"] = follow(beginning)
        conditions = " AND ".join(filter(None, (condition, begin, has_words)))
        selected = ", ".join((KEY_COLUMNS[query.order], "contact_id", *columns))
        # Not both are pinned: then MariaDB before 11 may look the position up in two indexes, and sort what it finds.
        rows = self._view.accounts if is_of_one_state(query) else self._view.walked
        sql = f"SELECT {selected} FROM {rows} AND {conditions} ORDER BY {order_by(query)} LIMIT :limit"
        return self._view.query(statements, sql, parameters)

    def _find(self, statements: Statements, query: AccountQuery) -> list[Place] | None:
        """Return the places of those who have the words, or None if it is better to walk along an index."""
        wanted = query.limit + 1
        condition, parameters = filter_accounts(query)
        if query.order == AccountOrder.NAME and not condition and not self._view.is_scoped:
            return self._finder.find(statements, query).read(query.position, wanted)
        found = self._finder.find(statements, query, is_filtered=True)
        if not found.are_few:
            return None
        if query.order != AccountOrder.NAME:
            return self._sort(statements, query, found)
        # Those who are sorted by the word stand together also in the index that has the other filter.
        named = self._walk(statements, query, found.others, beginning=found.word)
        others = found.read_unsorted(query.position, wanted, condition, parameters)
        return sorted({*others, *((key, contact_id) for key, contact_id in named)})[:wanted]

    def _sort(self, statements: Statements, query: AccountQuery, found: Places) -> list[Place] | None:
        """Return the first places of those who were found in another order, or None if they are many."""
        contact_ids = [contact_id for _, contact_id in found.read(None, FEW + 1)]
        if len(contact_ids) > FEW:
            return None
        condition, parameters = filter_accounts(query)
        begin, of_begin = begin_at(query, self._dialect, from_position=True)
        conditions = " AND ".join(filter(None, (condition, begin)))
        rows = self._look_up(statements, contact_ids, conditions, parameters | of_begin)
        key = ACCOUNT_COLUMNS.index(KEY_COLUMNS[query.order])
        return sorted((row[key], row[0]) for row in rows)[: query.limit + 1]

    def _look_up(
        self,
        statements: Statements,
        contact_ids: Sequence[str],
        condition: str = "",
        parameters: dict[str, object] | None = None,
        *,
        columns: Sequence[str] = ACCOUNT_COLUMNS,
        lock: str = "",
    ) -> list[Sequence[Any]]:
        """Return these columns of the rows of some contacts, in any order."""
        rows: dict[str, Sequence[Any]] = {}
        read = ", ".join(columns)
        for start in range(0, len(contact_ids), AT_ONCE):
            listed, of_ids = list_parameters(contact_ids[start : start + AT_ONCE])
            looked_up = f"{read}, state, name_key" if condition else read
            sql = self._dialect.look_up_sql(looked_up, self._view.accounts, "contact_id", listed, lock)
            if condition:
                # Behind a LIMIT: or else a planner may take an index of the condition's and not that of the ids.
                sql = f"SELECT {read} FROM ({sql} LIMIT :all_of_them) found WHERE {condition}"
                of_ids |= {"all_of_them": 2 * AT_ONCE}
            # The list is filled up with its last one, which may be found as often.
            rows |= {row[0]: row for row in self._view.query(statements, sql, {**(parameters or {}), **of_ids})}
        return list(rows.values())

    def _find_one(self, statements: Statements, column: str, value: str, lock: Lock) -> Account | None:
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
