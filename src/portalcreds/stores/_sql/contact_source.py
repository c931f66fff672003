"""Read contacts from the host's own table, view or select."""

# ruff: noqa: S608  The host's names are quoted, its select is its own, and every value is a parameter.
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import attrs

from ...accounts import Account
from ...contacts import Contact, ContactId
from ...exceptions import ConfigurationError, CorruptRowError, StoreError, StoreUnavailableError, TransactionAborted
from .._drivers.dialect import Dialect
from .._drivers.paramstyle import prefix_parameters
from .._drivers.port import DatabaseFailure, Port, Statements
from ..host_contacts import HostContacts, HostSelect
from .in_list import AT_ONCE, list_parameters
from .retries import run

_SELECT: Final = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)

_DIGITS: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
"""An integer as a database writes it, so that "007" is not taken for 7."""


def prefix_select(select: str | HostSelect, prefix: str) -> HostSelect:
    """Return a select with *prefix* before the name of each parameter, so that it can stand in a statement of ours."""
    if isinstance(select, str):
        select = HostSelect(select)
    if not isinstance(getattr(select, "sql", None), str) or not isinstance(select.parameters, Mapping):
        raise ConfigurationError("scope", "pass a SELECT as text, or a HostSelect of its text and parameters")
    parameters = {f"{prefix}{name}": value for name, value in select.parameters.items()}
    return HostSelect(prefix_parameters(select.sql, prefix), parameters)


class ContactSource:
    """
    The host's contacts, only ever read.

    Read by a statement of its own, not by a join in SQL: so ids are compared here, code point by code point, whatever
    the collation or the type of the host's column, and a contact that is listed twice is found.

    Args:
        contacts: Where they are.
        dialect: What is said differently by this database.

    Attributes:
        has_email: Whether they have addresses that are wanted.

    Raises:
        ConfigurationError: They are no `HostContacts`, or their source is of a kind that only SQLAlchemy can read.
    """

    def __init__(self, contacts: HostContacts, dialect: Dialect) -> None:
        if not isinstance(contacts, HostContacts):
            raise ConfigurationError("contacts", 'pass HostContacts("table", contact_id="column", ...)')
        if not isinstance(contacts.source, str | HostSelect):
            raise ConfigurationError("contacts", "name a table or a view, or pass a SELECT as text or as a HostSelect")
        select = prefix_select(contacts.source, "contacts_")
        self._has_integer_ids = contacts.contact_id_type == "integer"
        self._dialect = dialect
        self._parameters = select.parameters
        if _SELECT.match(select.sql):
            listed = f"({select.sql})"
        else:
            listed = ".".join(dialect.quote(part) for part in select.sql.split("."))
        self._from = f"{listed} host_contacts"
        self._id = self._column(contacts.contact_id)
        names = [contacts.contact_id, contacts.first_name, contacts.last_name]
        self._names = names if contacts.email is None else [*names, contacts.email]
        self.has_email: bool = contacts.email is not None
        self._select = f"SELECT {', '.join(map(self._column, self._names))} FROM {self._from} WHERE {self._id} IN "

    def read(self, statements: Statements, contact_ids: Sequence[str]) -> dict[str, Contact]:
        """
        Return those of the contacts that the host has, by contact id.

        Raises:
            CorruptRowError: The host has one of them twice, or one that no contact can be.
        """
        asked = [key for key in map(self._key, contact_ids) if key is not None]
        wanted = set(contact_ids)
        found: dict[str, Contact] = {}
        for start in range(0, len(asked), AT_ONCE):
            listed, keys = list_parameters(asked[start : start + AT_ONCE])
            rows, _ = statements.execute(self._select + listed, {**self._parameters, **keys})
            for row in rows:
                if str(row[0]) not in wanted:
                    continue  # A folding collation found it.
                contact = _contact(row)
                if found.setdefault(contact.contact_id, contact) != contact:
                    raise CorruptRowError("read", f"several contacts with contact_id {contact.contact_id!a}")
        return found

    def list_ids(self, statements: Statements) -> list[str]:
        """Return the ids of all contacts that the host has, each once."""
        rows, _ = statements.execute(f"SELECT {self._id} FROM {self._from}", self._parameters)
        return list(dict.fromkeys(str(contact_id) for (contact_id,) in rows if contact_id is not None))

    def check(self, port: Port) -> None:
        """
        Find what is wrong with the columns, and say it all in one error.

        Raises:
            ConfigurationError: The source or some of its columns cannot be read, or the ids are of another type.
            StoreUnavailableError: The database cannot be reached.
        """
        if not self._is_readable(port, self._names):
            missing = [name for name in self._names if not self._is_readable(port, [name])]
            if len(missing) == len(self._names):
                raise ConfigurationError("contacts", "name a table, a view or a select that this connection can read")
            raise ConfigurationError("contacts", f"the host's contacts have no column {', '.join(missing)}")
        sql = f"SELECT {self._id} FROM {self._from} LIMIT :limit"
        parameters = {**self._parameters, "limit": 1}
        rows = run("check", lambda statements, _: statements.execute(sql, parameters)[0], port.reading)
        for (contact_id,) in rows:
            self._check_type(contact_id)

    def _check_type(self, contact_id: object) -> None:
        kind = {int: "integer", str: "text"}.get(type(contact_id))
        if kind is None or (isinstance(contact_id, str) and contact_id != contact_id.strip()):
            raise ConfigurationError(
                "contacts", "the contact ids are no plain text and no integers; pass a select that casts or trims them"
            )
        if self._has_integer_ids is not (kind == "integer"):
            raise ConfigurationError("contact_id_type", f'the contact ids are of another type; pass "{kind}"')

    def _is_readable(self, port: Port, names: Sequence[str]) -> bool:
        sql = f"SELECT {', '.join(map(self._column, names))} FROM {self._from} WHERE 1 = 0"
        return _rows(port, sql, self._parameters) is not None

    def _column(self, name: str) -> str:
        # With its table: SQLite takes a quoted name that it does not know for a text, and everybody would be called
        # "last_name".
        return f"host_contacts.{self._dialect.quote(name)}"

    def _key(self, contact_id: str) -> str | int | None:
        if not self._has_integer_ids:
            return contact_id
        return int(contact_id) if _DIGITS.fullmatch(contact_id) else None


def check_scope(scope: HostSelect, use: str, port: Port, dialect: Dialect) -> None:
    """
    Find what is wrong with a select of contact ids.

    It is run by itself. Otherwise a column that it names and that is not there would be taken for one of ours, and
    ``contact_id IN (SELECT contact_id ...)`` would be true of everybody.

    Args:
        scope: The select.
        use: A statement that it is part of, with a parameter ``contact_id``.
        port: Reaches the database.
        dialect: What is said differently there.

    Raises:
        ConfigurationError: It cannot be run, or selects something else than ids as text.
        StoreUnavailableError: The database cannot be reached.
    """
    alone = f"SELECT * FROM ({scope.sql}) scope_ids LIMIT :limit"
    rows = _rows(port, alone, {**scope.parameters, "limit": 1})
    used = _rows(port, use, {**scope.parameters, "contact_id": ""})
    if rows is None or used is None or any(not isinstance(value, str | None) for row in rows for value in row):
        raise ConfigurationError(
            "scope", "pass a select that this connection can run by itself, of one column: contact ids, as text"
        )


def take_host_names(account: Account, contact: Contact | None, *, at: datetime) -> Account:
    """
    Return the account with the names that the host has now, or with those noted last if the host has no such contact.

    Args:
        account: As it is stored.
        contact: The host's contact.
        at: When a change of the name was seen, if it is seen now (R5).
    """
    if contact is None or account.erased_at is not None:
        return account
    if has_same_names(account.contact, contact):
        return attrs.evolve(account, contact=contact)
    return attrs.evolve(account, contact=contact, name_changed_at=at)


def has_same_names(one: Contact, other: Contact) -> bool:
    """Return whether the defaults of both contacts are the same."""
    return (one.first_name, one.last_name) == (other.first_name, other.last_name)


def _rows(port: Port, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]] | None:
    """Return what a select finds, or None if it cannot be run."""

    def work(statements: Statements, _: bool) -> Sequence[Sequence[Any]]:
        if not port.is_borrowed:
            return statements.execute(sql, parameters)[0]
        # After an error PostgreSQL would refuse the rest of the host's transaction. Where there is no transaction,
        # there is no savepoint either, and nothing to spoil.
        with suppress(DatabaseFailure):
            statements.execute("SAVEPOINT looking", {})
        try:
            return statements.execute(sql, parameters)[0]
        finally:
            with suppress(DatabaseFailure):
                statements.execute("ROLLBACK TO SAVEPOINT looking", {})
                statements.execute("RELEASE SAVEPOINT looking", {})

    try:
        return run("check", work, port.reading)
    except (StoreUnavailableError, TransactionAborted):
        raise
    except StoreError:
        return None


def _contact(row: Sequence[Any]) -> Contact:
    contact_id, first_name, last_name = row[:3]
    try:
        return Contact(
            contact_id=ContactId(str(contact_id) if isinstance(contact_id, int) else contact_id),
            first_name=first_name,
            last_name=last_name,
            email=row[3] if len(row) > 3 else None,
        )
    except (ValueError, TypeError):
        pass
    raise CorruptRowError("read", f"corrupt row of the host's contacts, contact_id {str(contact_id)[:64]!a}")
