"""Hosts with a table of contacts, in whatever types, names and collations hosts have, and the ways to reach it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from enum import StrEnum
from typing import Any
from uuid import uuid4

import attrs
import pytest

if not os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
    pytest.importorskip("sqlalchemy")

import sqlalchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from portal import Portal, cheap_hasher
from portalcreds.accounts import Account
from portalcreds.contacts import Contact, ContactId
from portalcreds.protocols import utc_now
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.host_contacts import HostContacts
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.stores.sqlalchemy import SQLAlchemyAccountStore

from ..backends import Backend
from ..hosts import engine_of

WAYS = ("dbapi", "sqlalchemy")

Names = Mapping[str, Any]
"""What the columns of the host's contacts are called, as `HostContacts` takes it."""

TEXT_TYPES = {
    "sqlite": "TEXT",
    "postgresql": "TEXT",
    "mariadb": "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
}
"""A column of a host's that tells texts apart by code point."""


@attrs.define
class School:
    """
    A host with a table of contacts, and the way in which a store reaches it.

    Attributes:
        backend: The database.
        way: One of `WAYS`.
        engine: Reaches the same database.
        admin: The host's own connection.
        table: What the host's table is called.
        tenant: Whose accounts.
        open: What is closed at the end.
    """

    backend: Backend
    way: str
    engine: sqlalchemy.Engine
    admin: Any
    table: str = attrs.field(factory=lambda: f"family_{uuid4().hex[:12]}")
    tenant: str = attrs.field(factory=lambda: uuid4().hex)
    open: ExitStack = attrs.field(factory=ExitStack)

    def execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Execute and commit a statement of the host's, with ``?`` for parameters, and return the rows."""
        cursor = self.admin.cursor()
        cursor.execute(self._marked(sql), parameters)
        rows = [] if cursor.description is None else [tuple(row) for row in cursor.fetchall()]
        self.admin.commit()
        return rows

    def _marked(self, sql: str) -> str:
        return sql if self.backend.database == "sqlite" else sql.replace("%", "%%").replace("?", "%s")

    def create(self, columns: str | None = None) -> None:
        """Create the host's table, with the columns that `HostContacts` expects unless others are said."""
        text = TEXT_TYPES[self.backend.database]
        plain = ", ".join(f"{name} {text}" for name in ("contact_id", "first_name", "last_name", "email"))
        self.execute(f"CREATE TABLE {self.table} ({columns or plain})")

    def insert(self, *rows: Sequence[object]) -> None:
        """Add rows to the host's table."""
        marks = ", ".join("?" * len(rows[0]))
        self.admin.cursor().executemany(self._marked(f"INSERT INTO {self.table} VALUES ({marks})"), rows)
        self.admin.commit()

    def write(self, contacts: Sequence[Contact]) -> None:
        """Put contacts into the host's table, in place of those with the same ids."""
        if contacts:
            ids = [(contact.contact_id,) for contact in contacts]
            deletion = self._marked(f"DELETE FROM {self.table} WHERE contact_id = ?")
            self.admin.cursor().executemany(deletion, ids)
            self.insert(
                *((contact.contact_id, contact.first_name, contact.last_name, contact.email) for contact in contacts)
            )

    def rename(self, contact_id: str, last_name: str) -> None:
        """Change a last name, as the host does."""
        self.execute(f"UPDATE {self.table} SET last_name = ? WHERE contact_id = ?", last_name, contact_id)

    def store(self, **arguments: Any) -> Any:  # Any: the two have no common type but the protocol's.
        """Open a store; texts alone are arguments that both ways take."""
        arguments = {"tenant": self.tenant} | arguments
        columns = arguments.pop("columns", None) or {}
        if "contacts" in arguments:
            arguments["contacts"] = HostContacts(arguments["contacts"], **columns)
        if self.way == "sqlalchemy":
            return SQLAlchemyAccountStore(self.engine, **arguments)
        store = DBAPIAccountStore(self.connect, dialect=self.backend.database, **arguments)
        return self.open.enter_context(store)

    def connect(self) -> Any:
        """Return a connection that is closed at the end, if it is not by then."""
        connection = self.backend.connect()
        self.open.callback(close, connection)
        return connection

    def joined(self, **arguments: Any) -> Any:
        """Open a store that is joined to the host's table."""
        return self.store(**{"contacts": self.table, "columns": {"email": "email"}} | arguments)

    def noted(self) -> list[tuple[Any, ...]]:
        """Return the names and addresses that our own table has."""
        return self.execute(
            "SELECT contact_id, first_name, last_name, email FROM portal_accounts WHERE tenant = ? ORDER BY contact_id",
            self.tenant,
        )


ONLY_POSTGRESQL = pytest.mark.parametrize("backend", ["postgresql"], indirect=True, scope="module")
ONLY_MARIADB = pytest.mark.parametrize("backend", ["mariadb"], indirect=True, scope="module")


@contextmanager
def open_school(backend: Backend, way: str) -> Iterator[School]:
    """Yield a host that reaches the database in that way, without a table yet."""
    engine = engine_of(backend)
    with closing(backend.connect()) as admin:
        school = School(backend, way, engine, admin)
        with school.open:
            yield school
        engine.dispose()


def close(connection: Any) -> None:
    """Close a connection that may be closed already."""
    with suppress(Exception):  # PyMySQL's takes it amiss to be closed twice.
        connection.close()


def account_of(contact_id: str, last_name: str = "Noted", username: str | None = None) -> Account:
    """Return an account with the names that our own table notes."""
    contact = Contact(contact_id=ContactId(contact_id), first_name="Rosa", last_name=last_name)
    return Account(contact=contact, username=username or f"user-{contact_id}")


def names_of(account: Account | None) -> tuple[str | None, str | None, str | None]:
    """Return the names and the address that an account shows."""
    assert account is not None
    return account.contact.first_name, account.contact.last_name, account.contact.email


class Base(DeclarativeBase):
    """The host's own classes."""


class House(Base):
    __tablename__ = "houses"
    id: Mapped[int] = mapped_column(primary_key=True)


class Person(Base):
    __tablename__ = "Persons"
    key: Mapped[int] = mapped_column("PersonID", primary_key=True)
    kind: Mapped[str] = mapped_column(sqlalchemy.String(9))
    given: Mapped[str] = mapped_column("Given Name", sqlalchemy.String(40))
    house_id: Mapped[int | None] = mapped_column(sqlalchemy.ForeignKey("houses.id"))
    house: Mapped[House | None] = relationship()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}  # noqa: RUF012  SQLAlchemy's way to say it.

    @property
    def nickname(self) -> str:
        """Said by Python alone."""
        return self.given


class Guardian(Person):
    __tablename__ = "Guardians"
    number: Mapped[str] = mapped_column(sqlalchemy.String(20), unique=True)
    family: Mapped[str] = mapped_column(sqlalchemy.String(40))
    school: Mapped[str] = mapped_column("SchoolID", sqlalchemy.String(40))
    person_id: Mapped[int] = mapped_column(sqlalchemy.ForeignKey("Persons.PersonID"), primary_key=True)
    __mapper_args__ = {"polymorphic_identity": "guardian"}  # noqa: RUF012  SQLAlchemy's way to say it.


GUARDIAN = {"contact_id": "number", "first_name": "given", "last_name": "family"}


def reflect_view(school: School) -> sqlalchemy.Table:
    """Return the host's table or view as SQLAlchemy reads it from the database."""
    return sqlalchemy.Table(school.table, sqlalchemy.MetaData(), autoload_with=school.engine)


def qualify(school: School) -> str:
    """Return the name of the host's table with its schema."""
    return f"main.{school.table}" if school.backend.database == "sqlite" else f"{school.backend.place}.{school.table}"


class Kind(StrEnum):
    """A host's enumeration, which SQLAlchemy stores by its names."""

    NORTH = "the north"
    SOUTH = "the south"


@contextmanager
def open_portal(store: Any) -> Iterator[Portal]:
    """Yield the services over a store."""
    # The very clock by which the store says when it saw a name change.
    clock: Any = utc_now
    with cheap_hasher() as hasher:
        yield Portal(store, MemoryAttemptCounter(clock=clock), clock, hasher)
