"""Say which rows of the tables a store sees: those of its tenant, and in them the contacts of its scope."""

# ruff: noqa: S608  Tables have a checked prefix, a scope is the host's own select, and every value is a parameter.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._contact_source import Select, check_scope
from ._dialects import Dialect
from ._port import Port, Statements
from ._schema import Layout
from ._tenant import checked_tenant


class View:
    """
    The rows that a store sees.

    Args:
        layout: The tables.
        dialect: What is said differently by this database.
        tenant: Which portal's; it is in every key.
        scope: Selects the contact ids beyond which nothing is there, or None.

    Attributes:
        tenant: The tenant.
        accounts: What follows FROM to read accounts, up to a condition that more may be added to with AND.
        events: The same for audit events; those about nobody are in every scope.

    Raises:
        ConfigurationError: The tenant cannot be used.
    """

    def __init__(self, layout: Layout, dialect: Dialect, *, tenant: str, scope: Select | None = None) -> None:
        self._dialect = dialect
        self._scope = None if scope is None else scope.within("scope_")
        self.tenant = checked_tenant(tenant)
        self._always: dict[str, object] = {"tenant": self.tenant}
        self._is_in_scope: str | None = None
        accounts = events = "tenant = :tenant"
        if self._scope is not None:
            self._always |= self._scope.parameters
            within = f"{dialect.exact('contact_id')} IN ({self._scope.sql})"
            accounts += f" AND {within}"
            events += f" AND (contact_id IS NULL OR {within})"
            self._is_in_scope = f"SELECT 1 FROM (SELECT :contact_id AS contact_id) asked WHERE {within}"
        self.accounts = f"{layout.accounts.path} WHERE {accounts}"
        self.events = f"{layout.events.path} WHERE {events}"

    def bound(self, parameters: dict[str, object]) -> dict[str, object]:
        """Add what every statement is bound to, and return the parameters."""
        parameters |= self._always
        return parameters

    def rows(self, statements: Statements, sql: str, parameters: dict[str, object]) -> Sequence[Sequence[Any]]:
        """Return what a SELECT finds."""
        return statements.execute(sql, self.bound(parameters))[0]

    def shows(self, statements: Statements, contact_id: object) -> bool:
        """Return whether an account of that contact would be seen."""
        sql = self._is_in_scope
        return sql is None or bool(self.rows(statements, sql, {"contact_id": contact_id}))

    def check(self, port: Port) -> None:
        """
        Find what is wrong with the scope.

        Raises:
            ConfigurationError: It cannot be run, or selects something else than ids as text.
            StoreUnavailableError: The database cannot be reached.
        """
        if self._scope is not None and self._is_in_scope is not None:
            check_scope(self._scope, self._is_in_scope, port, self._dialect)
