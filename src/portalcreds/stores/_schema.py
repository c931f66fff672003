"""Create the three tables, with the states that must not be ruled out by the database itself."""

from __future__ import annotations

import re
from typing import Final

from ..accounts import MAX_CODE_LENGTH, MAX_OPERATOR_ID_LENGTH
from ..audit import MAX_AUDIT_TEXT
from ..contacts import MAX_CONTACT_TEXT
from ..exceptions import ConfigurationError
from ._dialects import Dialect

MAX_TENANT_LENGTH: Final = 64
"""Characters of a tenant's name; it is in every key."""

MAX_HASH_LENGTH: Final = 1024
"""Characters of a stored hash: several times the longest that any known scheme writes."""

_PREFIX: Final = re.compile(r"(?:[a-z_][a-z0-9_]{0,29})?", re.ASCII)
# PostgreSQL cuts identifiers after 63 bytes; the longest name here has 25 besides the prefix.

_IDENTIFIER_LENGTH: Final = 64
"""Characters of a change id, an event id or a digest, in hexadecimal."""

_ATTEMPT_KEY_LENGTH: Final = 100
"""Characters of a counter's key, as `AttemptCounter` promises."""

_STATE: Final = (
    "CASE WHEN erased_at IS NOT NULL THEN 'erased' WHEN is_active = 0 THEN 'disabled' "
    "WHEN origin = 'none' THEN 'never_issued' WHEN origin = 'issued' THEN 'issued' "
    "WHEN change_required_by IS NOT NULL THEN 'change_required' "
    "WHEN origin = 'chosen' THEN 'self_chosen' ELSE 'imported' END"
)
"""`Account.status` without the clock. The database computes it, so that no row can disagree with itself."""

_CHECKS: Final = (
    "origin IN ('none', 'issued', 'chosen', 'imported')",
    "(origin = 'none') = (password_hash IS NULL)",
    "(origin = 'issued') = (expires_at IS NOT NULL)",
    "(origin = 'issued') = (strategy IS NOT NULL)",
    "origin <> 'issued' OR (issue_id IS NOT NULL AND issued_by IS NOT NULL AND issued_at IS NOT NULL)",
    "origin <> 'none' OR change_required_by IS NULL",
    "(ticket_digest IS NULL) = (ticket_expires_at IS NULL)",
    "ticket_digest IS NULL OR origin = 'issued' OR change_required_by IS NOT NULL",
    "(username IS NULL) = (username_key IS NULL)",
    "(last_name_key IS NULL) = (erased_at IS NOT NULL)",
    "is_active IN (0, 1)",
    "version >= 1",
)


def table_names(prefix: str) -> tuple[str, str, str]:
    """
    Return the names of the accounts, audit event and attempt tables.

    Raises:
        ConfigurationError: The prefix is not made of small letters, digits and underscores.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ConfigurationError("prefix", "pass up to 30 small ASCII letters, digits and underscores, no digit first")
    return f"{prefix}accounts", f"{prefix}audit_events", f"{prefix}attempts"


def account_tables(dialect: Dialect, prefix: str) -> list[str]:
    """Return the statements that create the tables of accounts and their audit events, if absent."""
    accounts, events, _ = table_names(prefix)
    text, integer = dialect.text, dialect.integer
    contact, code = text(MAX_CONTACT_TEXT), text(MAX_CODE_LENGTH)
    columns = [
        f"tenant {text(MAX_TENANT_LENGTH)} NOT NULL",
        f"contact_id {contact} NOT NULL",
        f"first_name {contact}",
        f"last_name {contact}",
        f"email {contact}",
        f"last_name_key {contact}",
        f"username {contact}",
        f"username_key {contact}",
        f"password_hash {text(MAX_HASH_LENGTH)}",
        f"origin {code} NOT NULL",
        f"change_required_by {code}",
        f"strategy {code}",
        f"issue_id {code}",
        f"issued_by {text(MAX_OPERATOR_ID_LENGTH)}",
        f"issued_at {integer}",
        f"changed_at {integer}",
        f"expires_at {integer}",
        f"epoch {integer} NOT NULL",
        f"ticket_digest {text(_IDENTIFIER_LENGTH)}",
        f"ticket_expires_at {integer}",
        f"is_active {integer} NOT NULL",
        f"name_changed_at {integer}",
        f"last_sign_in_at {integer}",
        f"erased_at {integer}",
        f"version {integer} NOT NULL",
        f"change_id {text(_IDENTIFIER_LENGTH)} NOT NULL",
        f"state {code} GENERATED ALWAYS AS ({_STATE}) STORED",
        "PRIMARY KEY (tenant, contact_id)",
        # Unique with NULLs allowed: any number of accounts without a user name.
        f"CONSTRAINT {accounts}_username UNIQUE (tenant, username_key)",
        *(f"CHECK ({check})" for check in _CHECKS),
    ]
    event_columns = [
        f"seq {dialect.identity}",
        f"tenant {text(MAX_TENANT_LENGTH)} NOT NULL",
        f"event_id {text(_IDENTIFIER_LENGTH)} NOT NULL",
        f"kind {code} NOT NULL",
        f"at {integer} NOT NULL",
        *(f"{name} {text(MAX_AUDIT_TEXT)}" for name in ("operator_id", "contact_id", "reason", "operation_id")),
        f"affected {integer}",
        f"confirmed_at {integer}",
        f"source {text(MAX_AUDIT_TEXT)}",
        # Recording again what may be recorded already is settled by this.
        f"CONSTRAINT {events}_once UNIQUE (tenant, event_id)",
    ]
    return [
        _table(dialect, accounts, columns),
        _index(accounts, "last_name", "last_name_key, contact_id"),
        # One for each status; the expiry at the end tells live from expired without a look at the row.
        _index(accounts, "state", "state, last_name_key, contact_id, expires_at"),
        _index(accounts, "expiry", "state, expires_at, contact_id"),
        _table(dialect, events, event_columns),
        _index(events, "contact", "contact_id, seq"),
    ]


def attempt_tables(dialect: Dialect, prefix: str) -> list[str]:
    """Return the statements that create the table of attempts, if absent."""
    _, _, attempts = table_names(prefix)
    columns = [
        f"tenant {dialect.text(MAX_TENANT_LENGTH)} NOT NULL",
        f"attempt_key {dialect.text(_ATTEMPT_KEY_LENGTH)} NOT NULL",
        f"n {dialect.integer} NOT NULL",
        f"expires_at {dialect.integer}",
        "PRIMARY KEY (tenant, attempt_key)",
    ]
    return [_table(dialect, attempts, columns), _index(attempts, "expiry", "expires_at")]


def _table(dialect: Dialect, name: str, columns: list[str]) -> str:
    body = ",\n  ".join(columns)
    return f"CREATE TABLE IF NOT EXISTS {name} (\n  {body}\n){dialect.table_options}"


def _index(table: str, name: str, columns: str) -> str:
    return f"CREATE INDEX IF NOT EXISTS {table}_by_{name} ON {table} (tenant, {columns})"
