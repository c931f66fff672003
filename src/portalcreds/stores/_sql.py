"""Keep accounts in SQL: every statement and every race, once, over whatever `Port` reaches the database."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from ..account_queries import AccountPage, AccountQuery
from ..accounts import Account, is_code
from ..audit import AuditEvent
from ..contacts import ContactId
from ..exceptions import ConfigurationError
from ..protocols import ApplyResult, Change
from ._check import check_columns, check_fidelity
from ._dialects import Dialect
from ._port import DatabaseFailure, FailureKind, Port, Statements, run
from ._rows import (
    ACCOUNT_COLUMNS,
    EVENT_COLUMNS,
    WRITTEN_COLUMNS,
    account_of,
    account_row,
    event_of,
    event_row,
    is_storable,
)
from ._schema import MAX_TENANT_LENGTH, account_tables, attempt_tables, table_names
from ._search import matching, order_of

_IDS_AT_ONCE: Final = 500
"""Contact ids in one statement; SQLite before 3.32 takes 999 parameters."""

_ALL: Final = 2**62
"""A LIMIT that limits nothing."""

_Result = TypeVar("_Result")


class SQLAccountStore:
    """
    An `AccountStore` and `AuditSink` in SQL tables of our own.

    Args:
        port: Reaches the database.
        dialect: What is said differently there.
        tenant: Which portal's accounts; it is in every key, so that several portals share the tables.
        prefix: What the tables' names begin with.

    Raises:
        ConfigurationError: The tenant or the prefix cannot be used.
    """

    def __init__(self, port: Port, dialect: Dialect, *, tenant: str, prefix: str) -> None:
        self._accounts, self._events, self._attempts = table_names(prefix)
        self._tenant = checked_tenant(tenant)
        self._port = port
        self._dialect = dialect
        self._prefix = prefix
        of_contact = f"{self._accounts} WHERE tenant = :tenant AND contact_id = :contact_id"
        columns = ", ".join(ACCOUNT_COLUMNS)
        self._select = f"SELECT {columns} FROM {self._accounts} WHERE tenant = :tenant AND "
        self._select_epoch = f"SELECT contact_id, epoch FROM {of_contact}"
        self._select_change = f"SELECT change_id, version FROM {of_contact}"
        self._select_owner = f"SELECT 1 FROM {self._accounts} WHERE tenant = :tenant AND username_key = :username_key"
        self._select_event = f"SELECT 1 FROM {self._events} WHERE tenant = :tenant AND event_id = :event_id"
        settings = ", ".join(f"{name} = :{name}" for name in WRITTEN_COLUMNS if name != "contact_id")
        self._update = (
            f"UPDATE {self._accounts} SET {settings} "
            "WHERE tenant = :tenant AND contact_id = :contact_id AND version = :old_version"
        )
        self._insert = _insertion(self._accounts, WRITTEN_COLUMNS)
        self._record = _insertion(self._events, EVENT_COLUMNS)

    # -- reading

    def find(self, contact_id: ContactId, /) -> Account | None:
        """Return the contact's account, or None."""
        account = self._one("find", "contact_id = :value", contact_id)
        return account if account is not None and account.contact_id == contact_id else None

    def find_by_username(self, username_key: str, /) -> Account | None:
        """Return the account with this `username_key`, or None. Compared again here, code point by code point."""
        account = self._one("find_by_username", "username_key = :value", username_key)
        return account if account is not None and account.username_key == username_key else None

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        """Return the accounts of those of the contacts that have one, by contact id, 500 for each statement."""
        asked = [contact_id for contact_id in dict.fromkeys(contact_ids) if is_storable(contact_id)]
        batches = [asked[start : start + _IDS_AT_ONCE] for start in range(0, len(asked), _IDS_AT_ONCE)]

        def work(statements: Statements, _: bool) -> list[Account]:
            found = []
            for batch in batches:
                names = ", ".join(f":id{number}" for number in range(len(batch)))
                parameters: dict[str, object] = {f"id{number}": contact_id for number, contact_id in enumerate(batch)}
                found += self._read(statements, self._select + f"contact_id IN ({names})", parameters)
            return found

        found = {account.contact_id: account for account in self._reading("find_many", work)} if batches else {}
        return {contact_id: found[contact_id] for contact_id in asked if contact_id in found}

    def search(self, query: AccountQuery, /) -> AccountPage:
        """Return one page, in the order of `AccountQuery.sort_key`, from the place in an index where it begins."""
        condition, parameters = matching(query, self._dialect, from_position=True)
        sql = f"{self._select}{condition} ORDER BY {order_of(query)} LIMIT :limit"
        parameters["limit"] = query.limit + 1
        return query.page(self._reading("search", lambda statements, _: self._read(statements, sql, parameters)))

    def count(self, query: AccountQuery, /) -> int:
        """Return how many accounts match on all pages."""
        condition, parameters = matching(query, self._dialect, from_position=False)
        sql = f"SELECT COUNT(*) FROM {self._accounts} WHERE tenant = :tenant AND {condition}"
        rows = self._reading("count", lambda statements, _: self._rows(statements, sql, parameters))
        return int(rows[0][0])

    def find_epoch(self, contact_id: str, /) -> int | None:
        """Return the account's epoch, or None without one: one row by its key, two columns of it."""
        if not is_storable(contact_id):
            return None
        parameters: dict[str, object] = {"contact_id": contact_id}
        rows = self._reading("find_epoch", lambda statements, _: self._rows(statements, self._select_epoch, parameters))
        return int(rows[0][1]) if rows and rows[0][0] == contact_id else None

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

        def work(statements: Statements, may_be_stored: bool) -> tuple[ApplyResult, ...]:
            results = []
            events: list[dict[str, object]] = []
            for change in changes:
                result = self._write(statements, change)
                if result == ApplyResult.APPLIED:
                    events += [self._own(event_row(event)) for event in change.events]
                elif may_be_stored and self._was_stored(statements, change):
                    result = ApplyResult.APPLIED
                results.append(result)
            if events:
                statements.executemany(self._record, events)
            return tuple(results)

        return run("apply", work, self._port.transaction) if changes else ()

    def record(self, events: Sequence[AuditEvent], /) -> None:
        """Append the events, all or none. INSERT rights on their table suffice."""
        rows = [self._own(event_row(event)) for event in events]

        def work(statements: Statements, may_be_stored: bool) -> None:
            if not may_be_stored:
                statements.executemany(self._record, rows)
                return
            for row in rows:
                _unless_refused(statements, self._record, row)

        if rows:
            run("record", work, self._port.transaction)

    def events(self, contact_id: str | None = None, *, limit: int | None = None) -> tuple[AuditEvent, ...]:
        """
        Return what is on the record, oldest first.

        Args:
            contact_id: Only events about this contact; None for all.
            limit: Only the last so many; None for all.
        """
        about = "" if contact_id is None else " AND contact_id = :contact_id"
        sql = (
            f"SELECT {', '.join(EVENT_COLUMNS)} FROM {self._events} WHERE tenant = :tenant{about} "
            "ORDER BY seq DESC LIMIT :limit"
        )
        parameters: dict[str, object] = {"limit": _ALL if limit is None else limit}
        if contact_id is not None:
            parameters["contact_id"] = contact_id

        def work(statements: Statements, _: bool) -> tuple[AuditEvent, ...]:
            return tuple(event_of(row) for row in reversed(self._rows(statements, sql, parameters)))

        return self._reading("events", work)

    def create_tables(self) -> None:
        """Create the tables of accounts, audit events and attempts, if they are absent."""
        create("create_tables", self._port, account_tables(self._dialect, self._prefix))
        create("create_tables", self._port, attempt_tables(self._dialect, self._prefix))

    def check(self) -> None:
        """
        Find what would cost data before it does: columns that are missing, fold, cut or round. Leaves nothing behind.

        Raises:
            ConfigurationError: The tables are not fit to be used. The error says why.
            StoreUnavailableError: The database cannot be reached.
            StoreError: The tables cannot be read and written.
        """
        check_columns(self._port, self._accounts, ("tenant", *WRITTEN_COLUMNS, "state"))
        check_columns(self._port, self._events, ("seq", "tenant", *EVENT_COLUMNS))
        check_columns(self._port, self._attempts, ("tenant", "attempt_key", "n", "expires_at"))
        check_fidelity(self._port, insert=self._insert, select=self._select, tenant=self._tenant)

    # -- the parts of these

    def _own(self, parameters: dict[str, object]) -> dict[str, object]:
        parameters["tenant"] = self._tenant
        return parameters

    def _rows(self, statements: Statements, sql: str, parameters: dict[str, object]) -> Sequence[Sequence[Any]]:
        return statements.execute(sql, self._own(parameters))[0]

    def _read(self, statements: Statements, sql: str, parameters: dict[str, object]) -> list[Account]:
        return [account_of(row) for row in self._rows(statements, sql, parameters)]

    def _reading(self, operation: str, work: Callable[[Statements, bool], _Result]) -> _Result:
        return run(operation, work, self._port.reading)

    def _one(self, operation: str, condition: str, value: str) -> Account | None:
        if not is_storable(value):
            return None
        sql = self._select + condition
        parameters: dict[str, object] = {"value": value}
        found = self._reading(operation, lambda statements, _: self._read(statements, sql, parameters))
        return found[0] if found else None

    def _write(self, statements: Statements, change: Change) -> ApplyResult:
        row = self._own(account_row(change))
        if change.old is None:
            if _unless_refused(statements, self._insert, row) is not None:
                return ApplyResult.APPLIED
            there = self._rows(statements, self._select_change, {"contact_id": row["contact_id"]})
            return ApplyResult.STALE if there else self._taken(statements, row)
        row["old_version"] = change.old.version
        if change.old.username_key == row["username_key"]:
            changed: int | None = statements.execute(self._update, row)[1]
        else:
            changed = _unless_refused(statements, self._update, row)
        if changed is None:
            return self._taken(statements, row)
        if changed not in (0, 1):
            # A driver that does not count, or a key that holds several rows: nothing could be relied on.
            raise DatabaseFailure(FailureKind.OTHER, "rowcount")
        return ApplyResult.APPLIED if changed else ApplyResult.STALE

    def _taken(self, statements: Statements, row: Mapping[str, object]) -> ApplyResult:
        sql = self._select_owner
        if self._rows(statements, sql, {"username_key": row["username_key"]}):
            return ApplyResult.USERNAME_TAKEN
        # Whoever was in the way has gone or is not to be seen in this transaction yet: look at it afresh.
        raise DatabaseFailure(FailureKind.RETRYABLE, "duplicate")

    def _was_stored(self, statements: Statements, change: Change) -> bool:
        # The acknowledgement of an earlier COMMIT was lost. Its locks are gone by now, because this attempt's UPDATE
        # or INSERT would have waited for them; so what the row says is final.
        rows = self._rows(statements, self._select_change, {"contact_id": change.new.contact_id})
        if not rows or int(rows[0][1]) < change.new.version:
            return False
        if rows[0][0] == change.change_id:
            return True
        if int(rows[0][1]) == change.new.version:
            return False
        # The row moved on further; the events of a change are stored with it or not at all.
        for event in change.events:
            return bool(self._rows(statements, self._select_event, {"event_id": event.event_id}))
        raise DatabaseFailure(FailureKind.UNAVAILABLE, "unsettled")


def checked_tenant(tenant: str) -> str:
    """
    Return the tenant's name.

    Raises:
        ConfigurationError: It cannot be part of a key.
    """
    if tenant != "" and not is_code(tenant):
        raise ConfigurationError("tenant", f"pass at most {MAX_TENANT_LENGTH} printable ASCII characters")
    return tenant


def create(operation: str, port: Port, statements: Sequence[str]) -> None:
    """Execute what creates tables, in one transaction where the database can."""

    def work(transaction: Statements, _: bool) -> None:
        for sql in statements:
            transaction.execute(sql, {})

    run(operation, work, port.transaction)


def _insertion(table: str, columns: Sequence[str]) -> str:
    names = ("tenant", *columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"


def _unless_refused(statements: Statements, sql: str, parameters: Mapping[str, object]) -> int | None:
    # A savepoint, so that a constraint undoes this statement and neither the neighbours nor, as PostgreSQL would have
    # it, the whole transaction.
    statements.execute("SAVEPOINT one_change", {})
    try:
        changed = statements.execute(sql, parameters)[1]
    except DatabaseFailure as failure:
        if failure.kind != FailureKind.DUPLICATE:
            raise
        statements.execute("ROLLBACK TO SAVEPOINT one_change", {})
        changed = None
    statements.execute("RELEASE SAVEPOINT one_change", {})
    return changed
