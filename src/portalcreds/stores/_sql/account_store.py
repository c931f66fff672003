"""Keep accounts in SQL, over any `Port`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from threading import local
from typing import TYPE_CHECKING, Final, TypeVar

from ..._arguments import (
    changes_in,
    contact_id_in,
    contact_ids_in,
    events_asked_in,
    events_in,
    instant_in,
    kinds_in,
    query_in,
    status_query_in,
    username_key_in,
    username_keys_in,
)
from ..._chunks import chunks
from ..._ids import new_id
from ..._time import micros
from ...account_queries import AccountPage, AccountQuery
from ...accounts import Account
from ...audit import AuditEvent, AuditKind, purged
from ...contacts import Contact, ContactId
from ...exceptions import ConfigurationError
from ...protocols import ApplyResult, Change, Clock, utc_now
from ..tables import Tables
from .attempt_counter import SQLAttemptCounter
from .in_list import AT_ONCE, list_parameters
from .job_store import SQLJobStore
from .retries import run
from .rows import EVENT_COLUMNS, is_storable, read_event

if TYPE_CHECKING:
    from ...status_counts import StatusGroup, StatusQuery
    from .._drivers.dialect import Dialect
    from .._drivers.port import Port, Statements
    from ..host_contacts import HostContacts, HostSelect
    from ..table_faults import TableFault

_ALL: Final = 2**62
"""A LIMIT that limits nothing."""

_Result = TypeVar("_Result")


class SQLAccountStore(SQLJobStore):
    """
    An `AccountStore`, `AuditSink`, `JobStore` and `CensusStore` in SQL tables of our own.

    Args:
        port: Reaches the database.
        dialect: What is said differently there.
        tables: Where our tables are.
        tenant: Which portal's accounts; it is in every key, so that several portals share the tables.
        contacts: Where names are read instead of from our table, or None.
        scope: Selects the contact ids that the store sees, or None for all.
        lasting: Reaches the same database for counts, and for the record of what happens without a change, where these
            must stand although a transaction of the host's is rolled back; None for *port*.

    Raises:
        ConfigurationError: The tenant cannot be used, or the contacts or the scope cannot be read.
        StoreUnavailableError: There are contacts or a scope to be tried, and the database cannot be reached.
    """

    def __init__(
        self,
        port: Port,
        dialect: Dialect,
        tables: Tables,
        *,
        tenant: str,
        contacts: HostContacts | None = None,
        scope: str | HostSelect | None = None,
        lasting: Port | None = None,
    ) -> None:
        # What works on the tables is imported with the first store, and not by those who only name its class.
        from .account_reader import AccountReader
        from .change_writer import ChangeWriter
        from .contact_source import ContactSource
        from .schema import lay_out
        from .view import View

        layout = lay_out(tables)
        source = None if contacts is None else ContactSource(contacts, dialect)
        self._port = port
        self._lasting = port if lasting is None else lasting
        self._dialect = dialect
        self._layout = layout
        self._source = source
        self._view = View(layout, dialect, tenant=tenant, scope=scope)
        self._reader = AccountReader(self._view, dialect, source)
        self._writer = ChangeWriter(
            self._view,
            layout,
            dialect,
            is_borrowed=port.is_borrowed,
            notes_names=source is not None,
            keeps_email=source is None or source.has_email,
        )
        super().__init__(port, dialect, layout, tenant=self._view.tenant)
        self._lost = local()
        if source is not None:
            source.check(port)
        self._view.check(port)

    @property
    def tenant(self) -> str:
        """Which portal's accounts these are."""
        return self._view.tenant

    @property
    def scope_digest(self) -> str:
        """What tells the scope from others; empty without one. A job is found only in the scope it was started in."""
        return self._view.scope_digest

    @property
    def is_borrowed(self) -> bool:
        """Whether the transactions are the host's: the store commits nothing and tries nothing again (R20)."""
        return self._port.is_borrowed

    @property
    def has_host_contacts(self) -> bool:
        """Whether names are read from contacts of the host's."""
        return self._source is not None

    def counter(self, *, clock: Clock = utc_now) -> SQLAttemptCounter:
        """
        Return an `AttemptCounter` in the same database, on the same connections.

        Args:
            clock: Tells when windows end.

        Raises:
            ConfigurationError: The store works in the host's transactions: each count must be committed at once (R9).
        """
        return SQLAttemptCounter(
            self._lasting, self._dialect, self._layout.attempts, tenant=self._view.tenant, clock=clock
        )

    @property
    def at_once(self) -> int:
        """How many changes of a sync to `apply` at once, at most, while whoever else writes waits."""
        return self._port.at_once

    # -- reading

    def find(self, contact_id: ContactId, /) -> Account | None:
        """Return the contact's account, or None."""
        contact_id = contact_id_in(contact_id)
        return self._read("find", lambda statements: self._reader.find_by_id(statements, contact_id, lock=self._lock))

    def find_by_username(self, username_key: str, /) -> Account | None:
        """Return the account with this `username_key`, or None."""
        username_key = username_key_in(username_key)
        return self._read(
            "find_by_username",
            lambda statements: self._reader.find_by_username(statements, username_key, lock=self._lock),
        )

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        """Return the accounts of those of the contacts that have one, by contact id, 500 for each statement."""
        contact_ids = contact_ids_in(contact_ids)
        asked = [contact_id for contact_id in dict.fromkeys(contact_ids) if is_storable(contact_id)]
        if not asked:
            return {}
        accounts = self._read(
            "find_many", lambda statements: self._reader.find_by_ids(statements, asked, lock=self._lock)
        )
        found = {account.contact_id: account for account in accounts}
        return {contact_id: found[contact_id] for contact_id in asked if contact_id in found}

    def find_owners(self, username_keys: Sequence[str], /) -> Mapping[str, ContactId]:
        """Return whose these `username_key` s are, 500 for each statement; nobody's are left out."""
        asked = [key for key in dict.fromkeys(username_keys_in(username_keys)) if is_storable(key)]
        if not asked:
            return {}
        return self._read("find_owners", lambda statements: self._reader.find_owners(statements, asked))

    def search(self, query: AccountQuery, /) -> AccountPage:
        """Return one page, in the order of `AccountQuery.sort_key`."""
        query = query_in(query)
        return self._read("search", lambda statements: self._reader.read_page(statements, query))

    def count(self, query: AccountQuery, /) -> int:
        """Return how many accounts match on all pages."""
        query = query_in(query)
        return self._read("count", lambda statements: self._reader.count(statements, query))

    def count_statuses(self, query: StatusQuery, /) -> Mapping[StatusGroup, int]:
        """Return how many accounts are in each group, in one query."""
        from .status_counter import count_statuses

        query = status_query_in(query)
        return self._read(
            "count_statuses", lambda statements: count_statuses(statements, self._view, self._dialect, query)
        )

    def find_epoch(self, contact_id: str, /) -> int | None:
        """Return the account's epoch, or None without one."""
        contact_id = contact_id_in(contact_id)
        return self._read("find_epoch", lambda statements: self._reader.read_epoch(statements, contact_id))

    # -- writing

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        """
        Store each change if -- and only if -- its *old* account is still what is stored, with its events.

        All of them are one transaction, which locks what it writes: pass `at_once` at most.

        Raises:
            StoreUnavailableError: The database cannot be reached, or stayed busy. If it was lost at COMMIT and did not
                come back, the changes may be stored, all or none; otherwise nothing is.
            StoreError: Anything else. Nothing is stored.
        """
        changes = changes_in(changes)

        def work(statements: Statements, may_be_stored: bool) -> list[ApplyResult]:
            return self._writer.write(statements, changes, may_be_stored=may_be_stored)

        self._lost.keys = frozenset()
        lend = partial(self._port.transaction, changes=len(changes))
        results = run("apply", work, lend) if changes else []
        # A writer with a stale version reads again. In the host's transaction a plain SELECT might still show the old
        # state, so that read locks (R3). Only for these keys: the next transaction of the thread may not lock or wait.
        lost = [change for change, result in zip(changes, results, strict=True) if result == ApplyResult.STALE]
        accounts = [change.old or change.new for change in lost]
        self._lost.keys = frozenset(key for account in accounts for key in (account.contact_id, account.username_key))
        return tuple(results)

    def record(self, events: Sequence[AuditEvent], /) -> None:
        """Append the events, all or none. INSERT rights on their table suffice."""
        events = events_in(events)

        def work(statements: Statements, may_be_stored: bool) -> None:
            self._writer.record(statements, events, may_be_stored=may_be_stored)

        if events:
            run("record", work, self._lasting.transaction)

    def events(self, contact_id: str | None = None, *, limit: int | None = None) -> tuple[AuditEvent, ...]:
        """
        Return the recorded events, oldest first.

        Args:
            contact_id: Only events about this contact; None for all.
            limit: Only the last so many; None for all.
        """
        events_asked_in(contact_id, limit)
        about = "" if contact_id is None else " AND contact_id = :contact_id"
        select = f"SELECT {', '.join(EVENT_COLUMNS)} FROM {self._view.events}"  # noqa: S608  No values.
        sql = f"{select}{about} ORDER BY seq DESC LIMIT :limit"
        parameters: dict[str, object] = {"limit": _ALL if limit is None else limit}
        if contact_id is not None:
            parameters["contact_id"] = contact_id

        def work(statements: Statements) -> tuple[AuditEvent, ...]:
            return tuple(read_event(row) for row in reversed(self._view.query(statements, sql, parameters)))

        return self._read("events", work)

    def purge_events(self, before: datetime, /, *, kinds: Iterable[AuditKind] = ()) -> int:
        """
        Remove the events of before an instant, and return how many; that they were removed is on the record.

        In batches that each hold their locks for some milliseconds. It takes the right to delete, which nothing else
        that is done with the record needs: purge as another user of the database.

        Args:
            before: The instant. Keep what is younger than a plan that may still be carried out again under its key.
            kinds: Only events of these kinds; all if there are none.

        Raises:
            ConfigurationError: The store has a scope: events about nobody belong to all scopes.
            StoreUnavailableError: The database cannot be reached; purge again.
        """
        if self._view.is_scoped:
            raise ConfigurationError("store", "purge over a store without a scope")
        at, wanted = micros(instant_in("before", before)), sorted(kind.value for kind in kinds_in(kinds))
        listed, parameters = list_parameters(wanted) if wanted else ("", {})
        of_kinds = f" AND kind IN {listed}" if wanted else ""
        select = (
            f"SELECT seq FROM {self._view.events} AND seq > :after AND at < :before{of_kinds} "  # noqa: S608  No values.
            "ORDER BY seq LIMIT :limit"
        )

        def work(statements: Statements, _: bool) -> tuple[int, int | None]:
            asked = parameters | {"after": after, "before": at, "limit": AT_ONCE}
            rows = self._view.query(statements, select, asked)
            if not rows:
                return 0, None
            old, these = list_parameters([seq for (seq,) in rows])
            sql = f"DELETE FROM {self._view.events} AND seq IN {old}"  # noqa: S608  No values.
            return statements.execute(sql, self._view.bind(these))[1], rows[-1][0]

        removed, after = 0, -1
        while (batch := run("purge_events", work, self._lasting.transaction))[1] is not None:
            removed, after = removed + batch[0], batch[1]
        self.record(purged(removed))
        return removed

    def host_contacts(self) -> Iterator[Contact]:
        """
        Yield the contacts that the host has in scope, in any order, for a sync; nobody without contacts of the host's.

        Raises:
            StoreUnavailableError: The database cannot be reached.
            CorruptRowError: The host has a contact twice, or one that no contact can be.
        """
        source = self._source
        if source is None:
            return
        listed = self._read("host_contacts", source.list_ids)
        scope = self._read("host_contacts", self._view.list_scope)
        for some in chunks((each for each in listed if scope is None or each in scope), AT_ONCE):
            reading = partial(source.read, contact_ids=some)
            yield from self._read("host_contacts", reading).values()

    def note_names(self) -> int:
        """
        Note the names and addresses that the host has now, and return how many contacts have others than before.

        People are found and sorted by the names noted last. Call this after each import into the host's contacts, or
        once a day. Names are shown, and defaults derived, as the host has them at that moment in any case. Without
        contacts of the host's there is nothing to note.

        Raises:
            StoreUnavailableError: The database cannot be reached. What was noted before is kept.
        """
        noted = 0
        after = ""
        operation_id = new_id()
        while found := self._read_following(after):
            changes = [
                _change_of_names(account, named.contact, operation_id)
                for account, named in found
                if account.contact != named.contact
            ]
            noted += sum(result == ApplyResult.APPLIED for result in self.apply(changes))
            after = found[-1][0].contact_id
        return noted

    def rebuild_words(self) -> int:
        """
        Write anew the words by which people are found, and the keys by which they are sorted; return of how many.

        They are made from names by the tables of Unicode that Python has, so after a new Python, or after somebody else
        wrote into the tables, they may be others than are searched for. While this runs, some people are not found by
        name. It may be run again at any time.

        Raises:
            ConfigurationError: The store has a scope, or works in the host's transactions.
            StoreUnavailableError: The database cannot be reached; run it again.
        """
        if self._view.is_scoped or self.is_borrowed:
            raise ConfigurationError(
                "store", "pass one over an engine or a connection factory, without a scope: all words are written anew"
            )
        run("rebuild_words", lambda statements, _: self._writer.remove_words(statements), self._port.transaction)

        def work(statements: Statements, _: bool) -> list[str]:
            return self._writer.rewrite_words(statements, after)

        written, after = 0, ""
        while contact_ids := run("rebuild_words", work, self._port.transaction):
            written, after = written + len(contact_ids), contact_ids[-1]
        return written

    # -- the tables

    def create_tables(self) -> None:
        """
        Create those of our tables that are absent, and say which version they are.

        Raises:
            ConfigurationError: The store works in the host's transactions, and creating a table would commit them.
            StoreUnavailableError: The database cannot be reached.
            StoreError: This user may not create tables.
        """
        from .ddl import create_tables

        create_tables(self._port, self._dialect, *self._layout)

    def check(self) -> None:
        """
        Make sure that the tables are fit to hold accounts, before they cost data. Leaves nothing behind.

        Raises:
            ConfigurationError: They are not. The error names each fault and says how to fix it.
            StoreUnavailableError: The database cannot be reached.
            StoreError: The tables may not be read or written by this user.
        """
        faults = self.find_faults()
        if faults:
            from ..table_faults import write_report

            raise ConfigurationError("tables", f"fix what is wrong with them:\n{write_report(faults)}")

    def find_faults(self) -> tuple[TableFault, ...]:
        """
        Return all that is wrong with the tables, each with how to fix it; nothing if they are sound.

        The tables are tried: rows about nobody are written and undone, so it does not matter what made the tables or
        what their constraints are called. Leaves nothing behind, except that MariaDB may skip the number of an event.
        Needs the rights to read and to insert.

        Raises:
            StoreUnavailableError: The database cannot be reached.
            StoreError: The tables may not be read or written by this user.
        """
        # Only those who check pay for the checker.
        from .._checking.driver_trial import find_driver_faults
        from .._checking.examination import find_faults

        def work(statements: Statements, _: bool) -> tuple[TableFault, ...]:
            faults = find_faults(statements, self._dialect, self._layout)
            return faults or find_driver_faults(statements, self._port, self._dialect, self._layout)

        # Nothing of it is kept, so a power failure could take nothing away.
        return run("check", work, lambda: self._port.transaction(durable=False))

    # -- helpers

    def _lock(self, *keys: str) -> str:
        lost: frozenset[str | None] = getattr(self._lost, "keys", frozenset())
        return self._dialect.lock if self._port.is_borrowed and not lost.isdisjoint(keys) else ""

    def _read_following(self, after: str) -> list[tuple[Account, Account]]:
        if self._source is None:
            return []
        return self._read("note_names", lambda statements: self._reader.read_following(statements, after))

    def _read(self, operation: str, work: Callable[[Statements], _Result]) -> _Result:
        return run(operation, lambda statements, _: work(statements), self._port.reading)


def _change_of_names(account: Account, contact: Contact, operation_id: str) -> Change:
    now = utc_now()
    event = AuditEvent(
        kind=AuditKind.ACCOUNT_REFRESHED, at=now, contact_id=account.contact_id, operation_id=operation_id
    )
    new = account.refresh(contact, username=account.username, at=now)
    return Change(old=account, new=new, events=(event,))
