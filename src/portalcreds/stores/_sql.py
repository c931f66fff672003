"""Keep accounts in SQL, over whatever `Port` reaches the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import local
from typing import Final, TypeVar
from uuid import uuid4

from ..account_queries import AccountPage, AccountQuery
from ..accounts import Account
from ..audit import AuditEvent, AuditKind
from ..contacts import Contact, ContactId
from ..exceptions import ConfigurationError
from ..protocols import ApplyResult, Change, utc_now
from ._account_reader import AccountReader
from ._change_writer import ChangeWriter
from ._check import faults_of
from ._contact_source import ContactSource, Select, has_same_names
from ._ddl import creation_of
from ._dialects import Dialect
from ._port import Port, Statements, run
from ._rows import EVENT_COLUMNS, event_of, is_storable
from ._schema import Layout
from ._view import View
from .table_faults import TableFault, report_of

_ALL: Final = 2**62
"""A LIMIT that limits nothing."""

_Result = TypeVar("_Result")


class SQLAccountStore:
    """
    An `AccountStore` and `AuditSink` in SQL tables of our own.

    Args:
        port: Reaches the database.
        dialect: What is said differently there.
        layout: The tables.
        tenant: Which portal's accounts; it is in every key, so that several portals share the tables.
        contacts: Where names are read instead of from our table, or None.
        scope: Selects the contact ids beyond which nothing is there, or None.

    Raises:
        ConfigurationError: The tenant cannot be used, or the contacts cannot be read.
        StoreUnavailableError: There are contacts to be looked at, and the database cannot be reached.
    """

    def __init__(
        self,
        port: Port,
        dialect: Dialect,
        layout: Layout,
        *,
        tenant: str,
        contacts: ContactSource | None = None,
        scope: Select | None = None,
    ) -> None:
        self._port = port
        self._dialect = dialect
        self._layout = layout
        self._has_contacts = contacts is not None
        self._view = View(layout, dialect, tenant=tenant, scope=scope)
        self._reader = AccountReader(self._view, dialect, contacts)
        self._writer = ChangeWriter(
            self._view, layout, dialect, is_borrowed=port.is_borrowed, notes_email=contacts is None
        )
        self._lost = local()
        if contacts is not None:
            contacts.check(port)
        self._view.check(port)

    @property
    def is_borrowed(self) -> bool:
        """Whether the transactions are the host's: nothing is committed here, and nothing tried again (R20)."""
        return self._port.is_borrowed

    # -- reading

    def find(self, contact_id: ContactId, /) -> Account | None:
        """Return the contact's account, or None."""
        return self._reading("find", lambda statements: self._reader.by_id(statements, contact_id, lock=self._lock))

    def find_by_username(self, username_key: str, /) -> Account | None:
        """Return the account with this `username_key`, or None."""
        return self._reading(
            "find_by_username", lambda statements: self._reader.by_username(statements, username_key, lock=self._lock)
        )

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        """Return the accounts of those of the contacts that have one, by contact id, 500 for each statement."""
        asked = [contact_id for contact_id in dict.fromkeys(contact_ids) if is_storable(contact_id)]
        if not asked:
            return {}
        accounts = self._reading(
            "find_many", lambda statements: self._reader.by_ids(statements, asked, lock=self._lock)
        )
        found = {account.contact_id: account for account in accounts}
        return {contact_id: found[contact_id] for contact_id in asked if contact_id in found}

    def search(self, query: AccountQuery, /) -> AccountPage:
        """Return one page, in the order of `AccountQuery.sort_key`."""
        return self._reading("search", lambda statements: self._reader.page(statements, query))

    def count(self, query: AccountQuery, /) -> int:
        """Return how many accounts match on all pages."""
        return self._reading("count", lambda statements: self._reader.count(statements, query))

    def find_epoch(self, contact_id: str, /) -> int | None:
        """Return the account's epoch, or None without one."""
        return self._reading("find_epoch", lambda statements: self._reader.epoch(statements, contact_id))

    # -- writing

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        """
        Store each change if -- and only if -- its *old* account is still what is stored, with its events.

        One transaction for all of them, so pass some hundreds at most: it locks what it writes.

        Raises:
            StoreUnavailableError: The database cannot be reached, or stayed busy. If it was lost at COMMIT and did not
                come back, the changes may be stored, all or none; otherwise nothing is.
            StoreError: Anything else. Nothing is stored.
        """

        def work(statements: Statements, may_be_stored: bool) -> list[ApplyResult]:
            return self._writer.write(statements, changes, may_be_stored=may_be_stored)

        self._lost.keys = frozenset()
        results = run("apply", work, self._port.transaction) if changes else []
        # Who lost reads again, and in the host's transaction a plain SELECT might go on showing the old state (R3).
        # Only them: the thread's next transaction may be one that cannot lock, or should not wait.
        lost = [change for change, result in zip(changes, results, strict=True) if result == ApplyResult.STALE]
        accounts = [change.old or change.new for change in lost]
        self._lost.keys = frozenset(key for account in accounts for key in (account.contact_id, account.username_key))
        return tuple(results)

    def record(self, events: Sequence[AuditEvent], /) -> None:
        """Append the events, all or none. INSERT rights on their table suffice."""

        def work(statements: Statements, may_be_stored: bool) -> None:
            self._writer.record(statements, events, may_be_stored=may_be_stored)

        if events:
            run("record", work, self._port.transaction)

    def events(self, contact_id: str | None = None, *, limit: int | None = None) -> tuple[AuditEvent, ...]:
        """
        Return what is on the record, oldest first.

        Args:
            contact_id: Only events about this contact; None for all.
            limit: Only the last so many; None for all.
        """
        about = "" if contact_id is None else " AND contact_id = :contact_id"
        select = f"SELECT {', '.join(EVENT_COLUMNS)} FROM {self._view.events}"  # noqa: S608  No values.
        sql = self._dialect.limited(f"{select}{about} ORDER BY seq DESC")
        parameters: dict[str, object] = {"limit": _ALL if limit is None else limit}
        if contact_id is not None:
            parameters["contact_id"] = contact_id

        def work(statements: Statements) -> tuple[AuditEvent, ...]:
            return tuple(event_of(row) for row in reversed(self._view.rows(statements, sql, parameters)))

        return self._reading("events", work)

    def note_names(self) -> int:
        """
        Note the names that the host has now, for the grid's order and its filter by last name; return how many changed.

        To be called after each import into the host's contacts, or once a day. Names are shown, and defaults derived,
        as the host has them at that moment anyway. Without contacts of the host's there is nothing to note.

        Raises:
            StoreUnavailableError: The database cannot be reached. What was noted before is kept.
        """
        noted = 0
        after = ""
        operation_id = uuid4().hex
        while found := self._following(after):
            changes = [
                _noting(account, named.contact, operation_id)
                for account, named in found
                if not has_same_names(account.contact, named.contact)
            ]
            noted += sum(result == ApplyResult.APPLIED for result in self.apply(changes))
            after = found[-1][0].contact_id
        return noted

    # -- the tables

    def create_tables(self) -> None:
        """
        Create the tables of accounts, audit events and attempts, if they are absent.

        Raises:
            ConfigurationError: The store works in the host's transactions, and creating a table would commit them.
            StoreUnavailableError: The database cannot be reached.
            StoreError: This user may not create tables.
        """
        if self.is_borrowed and self._dialect.creation_commits:
            raise ConfigurationError(
                "store", "pass one over an engine or a connection factory: here, creating a table ends a transaction"
            )
        for table in self._layout.tables:
            create("create_tables", self._port, creation_of(table, self._dialect))

    def check(self) -> None:
        """
        Make sure that the tables are fit to hold accounts, before they cost data. Leaves nothing behind.

        Raises:
            ConfigurationError: They are not. The error names each fault and the statements that mend it.
            StoreUnavailableError: The database cannot be reached.
            StoreError: The tables may not be read or written by this user.
        """
        faults = self.find_faults()
        if faults:
            raise ConfigurationError("prefix", f"mend the tables that it names:\n{report_of(faults)}")

    def find_faults(self) -> tuple[TableFault, ...]:
        """
        Return all that is wrong with the tables, each with the statements that mend it; nothing if they are sound.

        The tables are tried: rows about nobody are written and undone, so that it does not matter what made the
        tables or what their constraints are called. Leaves nothing behind, but that MariaDB may leave out a number of
        an event. Needs the rights to read and to insert.

        Raises:
            StoreUnavailableError: The database cannot be reached.
            StoreError: The tables may not be read or written by this user.
        """

        def work(statements: Statements, _: bool) -> tuple[TableFault, ...]:
            return faults_of(statements, self._dialect, self._layout)

        # There is nothing in it that a power failure could take away.
        return run("check", work, lambda: self._port.transaction(durable=False))

    # -- the parts of these

    def _lock(self, *keys: str) -> str:
        lost: frozenset[str | None] = getattr(self._lost, "keys", frozenset())
        return self._dialect.lock if self.is_borrowed and not lost.isdisjoint(keys) else ""

    def _following(self, after: str) -> list[tuple[Account, Account]]:
        if not self._has_contacts:
            return []
        return self._reading("note_names", lambda statements: self._reader.following(statements, after))

    def _reading(self, operation: str, work: Callable[[Statements], _Result]) -> _Result:
        return run(operation, lambda statements, _: work(statements), self._port.reading)


def create(operation: str, port: Port, statements: Sequence[str]) -> None:
    """Execute what creates tables, in one transaction where the database can."""

    def work(transaction: Statements, _: bool) -> None:
        for sql in statements:
            transaction.execute(sql, {})

    run(operation, work, port.transaction)


def _noting(account: Account, contact: Contact, operation_id: str) -> Change:
    now = utc_now()
    event = AuditEvent(
        kind=AuditKind.ACCOUNT_REFRESHED, at=now, contact_id=account.contact_id, operation_id=operation_id
    )
    new = account.refresh(contact, username=account.username, at=now)
    return Change(old=account, new=new, events=(event,))
