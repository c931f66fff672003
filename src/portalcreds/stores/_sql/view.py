"""Which rows of the tables a store sees: those of its tenant, and of these the contacts of its scope."""

# ruff: noqa: S608  Tables have a checked prefix, a scope is the host's own select, and every value is a parameter.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._chunks import chunks
from ..._ids import digest
from .._drivers.dialect import Dialect
from .._drivers.port import Port, Statements
from .._tenant import check_tenant
from ..host_contacts import HostSelect
from .contact_source import check_scope, prefix_select
from .in_list import AT_ONCE, list_parameters
from .schema import Layout


class View:
    """
    The rows that a store sees.

    Args:
        layout: The tables.
        dialect: What is said differently by this database.
        tenant: Which portal's; it is in every key.
        scope: Selects the contact ids that the store sees, or None for all.

    Attributes:
        tenant: The tenant.
        scope_digest: Tells the scope from others; empty without one.
        is_scoped: Whether it sees less than the tenant has.
        within: The condition that a contact id is in the scope; empty without one.
        accounts: What follows FROM to read accounts, up to a condition that more may be added to with AND.
        walked: The same where an index is walked along that begins with the tenant and the key to sort by.
        words: The same for the words that accounts are found by; those of all scopes.
        events: The same for audit events; those about nobody are in every scope.

    Raises:
        ConfigurationError: The tenant cannot be used.
    """

    def __init__(self, layout: Layout, dialect: Dialect, *, tenant: str, scope: str | HostSelect | None = None) -> None:
        self._dialect = dialect
        self._scope = None if scope is None else prefix_select(scope, "scope_")
        self.tenant = check_tenant(tenant)
        self._always: dict[str, object] = {"tenant": self.tenant}
        self.within = ""
        scoped = events = ""
        if self._scope is not None:
            self._always |= self._scope.parameters
            self.within = f"{dialect.compare_exactly('contact_id')} IN ({self._scope.sql})"
            scoped = f" AND {self.within}"
            events = f" AND (contact_id IS NULL OR {self.within})"
        self.is_scoped = self._scope is not None
        self.scope_digest = "" if self._scope is None else digest(repr((self._scope.sql, self._scope.parameters)))
        self.words = f"{layout.words.path} WHERE tenant = :tenant"
        self.accounts = f"{layout.accounts.path} WHERE tenant = :tenant{scoped}"
        self.walked = f"{layout.accounts.path} WHERE {dialect.pin_column('tenant', 'tenant')}{scoped}"
        self.events = f"{layout.events.path} WHERE tenant = :tenant{events}"

    def bind(self, parameters: dict[str, object]) -> dict[str, object]:
        """Add what every statement is bound to, and return the parameters."""
        parameters |= self._always
        return parameters

    def query(self, statements: Statements, sql: str, parameters: dict[str, object]) -> Sequence[Sequence[Any]]:
        """Return what a SELECT finds."""
        return statements.execute(sql, self.bind(parameters))[0]

    def find_shown(self, statements: Statements, contact_ids: Sequence[str]) -> set[str]:
        """Return those of the contacts whose accounts would be seen, whether or not they have one."""
        if self._scope is None:
            return set(contact_ids)
        shown: set[str] = set()
        for some in chunks(contact_ids, AT_ONCE):
            listed, parameters = list_parameters(some)
            rows = self.query(statements, self._ask_scope(listed[1:-1].replace(", ", "), (")), parameters)
            shown.update(contact_id for (contact_id,) in rows)
        return shown

    def list_scope(self, statements: Statements) -> set[str] | None:
        """Return the contact ids in scope, or None for all."""
        scope = self._scope
        if scope is None:
            return None
        return {row[0] for row in statements.execute(f"SELECT * FROM ({scope.sql}) scope_ids", scope.parameters)[0]}

    def check(self, port: Port) -> None:
        """
        Find what is wrong with the scope.

        Raises:
            ConfigurationError: It cannot be run, or selects something else than ids as text.
            StoreUnavailableError: The database cannot be reached.
        """
        if self._scope is not None:
            check_scope(self._scope, self._ask_scope(":contact_id"), port, self._dialect)

    def _ask_scope(self, asked: str) -> str:
        rows = f"WITH asked (contact_id) AS (VALUES ({asked})) SELECT contact_id FROM asked"
        return f"SELECT contact_id FROM ({rows}) asked WHERE {self.within}"
