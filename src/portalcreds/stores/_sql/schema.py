"""The tables, said once: what creates, describes or checks them reads them here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple

import attrs

from ..._search_words import MAX_NAME_KEY_LENGTH, MAX_WORD_LENGTH
from ..._text import MAX_CODE_LENGTH
from ...accounts import MAX_OPERATOR_ID_LENGTH
from ...audit import MAX_AUDIT_TEXT
from ...contacts import MAX_CONTACT_TEXT
from ...exceptions import ConfigurationError
from ...jobs import MAX_JOB_TERMS, MAX_JOB_TEXT
from .._tenant import MAX_TENANT_LENGTH
from ..tables import Tables
from .rows import MAX_ALL_WORDS

SCHEMA_VERSION: Final = 1
"""
The number of the tables as they are laid out here, and of what is in them.

Whatever makes tables of an earlier release unfit raises it: another column, or other words for the same name.
"""

MAX_HASH_LENGTH: Final = 1024
"""Characters of a stored hash: several times the longest that any known scheme writes."""

IDENTIFIER_LENGTH: Final = 64
"""Characters of a change id, an event id or a digest, in hexadecimal."""

ATTEMPT_KEY_LENGTH: Final = 100
"""Characters of a counter's key, as `AttemptCounter` promises."""

_STATE: Final = (
    "CASE WHEN erased_at IS NOT NULL THEN 'erased' WHEN is_active = 0 THEN 'disabled' "
    "WHEN origin = 'none' THEN 'never_issued' WHEN origin = 'issued' THEN 'issued' "
    "WHEN change_required_by IS NOT NULL THEN 'change_required' "
    "WHEN origin = 'chosen' THEN 'self_chosen' ELSE 'imported' END"
)
"""`Account.status` without the clock. The database computes it, so that no row can disagree with itself."""


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    """Text of a greatest length in code points, compared by code point, blanks included."""

    INTEGER = "integer"
    """A whole number of 64 bits; instants are microseconds since 1970 in UTC."""

    SEQUENCE = "sequence"
    """The primary key: numbers in the order in which rows were added."""


@attrs.frozen(eq=False, repr=False)
class Column:
    """
    One column.

    Attributes:
        name: Its name.
        kind: What it holds.
        length: Code points of text; None for numbers.
        required: Whether it must not be NULL.
        computed: What the database computes it from, or None.
    """

    name: str
    kind: Kind
    length: int | None = None
    required: bool = attrs.field(default=False, kw_only=True)
    computed: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Table:
    """
    One table.

    Attributes:
        name: Its name without a schema.
        schema: The schema it is in, or None for the connection's own.
        columns: Its columns, in order.
        primary_key: The columns of its primary key; empty if a column of the kind SEQUENCE is that.
        unique: The constraints that keep columns unique where none is NULL, by name.
        checks: What must hold of every row, by name, in SQL that every database reads alike.
        indexes: The columns of each index, by name.
        is_its_key: Whether the rows are kept in the order of the primary key, where that is a choice.
        first_row: The row that it has from the start, or None.
    """

    name: str
    schema: str | None
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    unique: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    checks: dict[str, str] = attrs.field(factory=dict)
    indexes: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    is_its_key: bool = False
    first_row: dict[str, str | int] | None = None

    @property
    def path(self) -> str:
        """What the table is called in a statement."""
        return self.name if self.schema is None else f"{self.schema}.{self.name}"

    def holding_text(self, names: Iterable[str]) -> dict[str, bool]:
        """Return for each of the columns whether it holds text."""
        lengths = {column.name: column.length for column in self.columns}
        return {name: lengths[name] is not None for name in names}


class Layout(NamedTuple):
    """
    The tables of one portal's database.

    Attributes:
        accounts: Accounts; one row for each.
        words: The words by which accounts are found.
        events: The audit trail; only ever added to.
        attempts: Counts of attempts.
        jobs: Jobs; one row for each.
        job_chunks: What the jobs are about, a few dozen contacts in a row.
        version: The number of the schema.
    """

    accounts: Table
    words: Table
    events: Table
    attempts: Table
    jobs: Table
    job_chunks: Table
    version: Table


def lay_out(tables: Tables) -> Layout:
    """
    Return what our tables hold.

    Raises:
        ConfigurationError: *tables* are no `Tables`.
    """
    if not isinstance(tables, Tables):
        raise ConfigurationError("tables", 'pass Tables(prefix="...", schema="...")')
    table = partial(_table, tables)
    return Layout(
        accounts=table(
            "accounts",
            _text("contact_id", MAX_CONTACT_TEXT, required=True),
            _text("first_name", MAX_CONTACT_TEXT),
            _text("last_name", MAX_CONTACT_TEXT),
            _text("email", MAX_CONTACT_TEXT),
            _text("name_key", MAX_NAME_KEY_LENGTH),
            _text("username", MAX_CONTACT_TEXT),
            _text("username_key", MAX_CONTACT_TEXT),
            _text("password_hash", MAX_HASH_LENGTH),
            _text("origin", MAX_CODE_LENGTH, required=True),
            _text("change_required_by", MAX_CODE_LENGTH),
            _text("strategy", MAX_CODE_LENGTH),
            _text("issue_id", MAX_CODE_LENGTH),
            _text("issued_by", MAX_OPERATOR_ID_LENGTH),
            _integer("issued_at"),
            _integer("changed_at"),
            _integer("expires_at"),
            _integer("epoch", required=True),
            _text("ticket_digest", IDENTIFIER_LENGTH),
            _integer("ticket_expires_at"),
            _integer("is_active", required=True),
            _integer("name_changed_at"),
            _integer("last_sign_in_at"),
            _integer("erased_at"),
            _integer("version", required=True),
            _text("change_id", IDENTIFIER_LENGTH, required=True),
            Column("state", Kind.TEXT, MAX_CODE_LENGTH, computed=_STATE),
            key=("contact_id",),
            # With NULLs allowed: any number of accounts without a user name.
            unique={"username": ("username_key",)},
            checks={
                "origin": "origin IN ('none', 'issued', 'chosen', 'imported')",
                "hash": _either("origin = 'none'", "password_hash IS NULL", "origin <> 'none'"),
                "expiry": _either("origin <> 'issued'", "expires_at IS NULL", "origin = 'issued'"),
                "strategy": _either("origin <> 'issued'", "strategy IS NULL", "origin = 'issued'"),
                "issue": "origin <> 'issued' "
                "OR (issue_id IS NOT NULL AND issued_by IS NOT NULL AND issued_at IS NOT NULL)",
                "change": "origin <> 'none' OR change_required_by IS NULL",
                "ticket": _either("ticket_digest IS NULL", "ticket_expires_at IS NULL", "ticket_digest IS NOT NULL"),
                "ticket_use": "ticket_digest IS NULL OR origin = 'issued' OR change_required_by IS NOT NULL",
                "username_key": _either("username IS NULL", "username_key IS NULL", "username IS NOT NULL"),
                "erased": _either("erased_at IS NOT NULL", "name_key IS NULL", "erased_at IS NULL"),
                "active": "is_active IN (0, 1)",
                "version": "version >= 1",
            },
            indexes={
                # The day of issue at the end tells who has waited for long without a look at the row.
                "by_name": ("name_key", "contact_id", "issued_at"),
                # One for each status; the expiry at the end tells live from expired without a look at the row.
                "by_state": ("state", "name_key", "contact_id", "expires_at"),
                "by_expiry": ("state", "expires_at", "contact_id"),
                "by_last_sign_in": ("last_sign_in_at", "contact_id"),
            },
        ),
        words=table(
            "words",
            # How many characters the word and the name's key begin with alike.
            _integer("shared", required=True),
            _text("word", MAX_WORD_LENGTH, required=True),
            _text("name_key", MAX_NAME_KEY_LENGTH, required=True),
            _text("contact_id", MAX_CONTACT_TEXT, required=True),
            _text("words", MAX_ALL_WORDS, required=True),
            # The whole row is the key: then the rows of one word stand together in the order of names, and are read
            # from the key alone. A database whose table is its primary key keeps them once.
            key=("shared", "word", "name_key", "contact_id", "words"),
            is_its_key=True,
        ),
        events=table(
            "audit_events",
            Column("seq", Kind.SEQUENCE, required=True),
            _text("event_id", IDENTIFIER_LENGTH, required=True),
            _text("kind", MAX_CODE_LENGTH, required=True),
            _integer("at", required=True),
            _text("operator_id", MAX_AUDIT_TEXT),
            _text("contact_id", MAX_AUDIT_TEXT),
            _text("reason", MAX_AUDIT_TEXT),
            _text("operation_id", MAX_AUDIT_TEXT),
            _integer("affected"),
            _integer("confirmed_at"),
            _text("source", MAX_AUDIT_TEXT),
            # Recording again what may be recorded already is settled by this.
            unique={"once": ("event_id",)},
            indexes={"by_contact": ("contact_id", "seq")},
        ),
        attempts=table(
            "attempts",
            _text("attempt_key", ATTEMPT_KEY_LENGTH, required=True),
            _integer("n", required=True),
            _integer("expires_at"),
            key=("attempt_key",),
            indexes={"by_expiry": ("expires_at",)},
        ),
        jobs=table(
            "jobs",
            _text("job_key", MAX_CODE_LENGTH, required=True),
            _text("operator_id", MAX_OPERATOR_ID_LENGTH, required=True),
            _text("terms", MAX_JOB_TERMS, required=True),
            _text("digest", IDENTIFIER_LENGTH, required=True),
            _integer("total", required=True),
            _integer("planned", required=True),
            _integer("done", required=True),
            _integer("confirmed_at", required=True),
            _integer("started_at", required=True),
            _integer("closed_at"),
            key=("job_key",),
            indexes={"by_closing": ("closed_at", "started_at"), "by_operator": ("operator_id", "started_at")},
        ),
        job_chunks=table(
            "job_chunks",
            _text("job_key", MAX_CODE_LENGTH, required=True),
            _integer("number", required=True),
            _integer("size", required=True),
            _text("items", MAX_JOB_TEXT, required=True),
            _text("results", MAX_JOB_TEXT),
            _text("worker", IDENTIFIER_LENGTH),
            _integer("leased_until"),
            _integer("finished_at"),
            key=("job_key", "number"),
            # Those that are still to be done, in order; and those that were finished lately.
            indexes={"by_finish": ("job_key", "finished_at", "number")},
        ),
        # Of all tenants together: the tenant is empty.
        version=table(
            "schema_version",
            _integer("version", required=True),
            key=(),
            first_row={"tenant": "", "version": SCHEMA_VERSION},
        ),
    )


def _table(
    tables: Tables,
    name: str,
    *columns: Column,
    key: tuple[str, ...] | None = None,
    unique: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    checks: Mapping[str, str] = MappingProxyType({}),
    indexes: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    is_its_key: bool = False,
    first_row: dict[str, str | int] | None = None,
) -> Table:
    """Return a table whose rows, keys and indexes begin with the tenant, and their names with its own."""
    name = f"{tables.prefix}{name}"
    tenant = _text("tenant", MAX_TENANT_LENGTH, required=True)
    return Table(
        name=name,
        schema=tables.schema,
        columns=(tenant, *columns),
        primary_key=() if key is None else ("tenant", *key),
        unique={f"{name}_{what}": ("tenant", *of) for what, of in unique.items()},
        checks={f"{name}_{what}": condition for what, condition in checks.items()},
        indexes={f"{name}_{what}": ("tenant", *of) for what, of in indexes.items()},
        is_its_key=is_its_key,
        first_row=first_row,
    )


def _text(name: str, length: int, *, required: bool = False) -> Column:
    return Column(name, Kind.TEXT, length, required=required)


def _integer(name: str, *, required: bool = False) -> Column:
    return Column(name, Kind.INTEGER, required=required)


def _either(one: str, absent: str, other: str) -> str:
    # Not "(a) = (b IS NULL)": to some databases a comparison is no value that could be compared.
    present = absent.replace("IS NULL", "IS NOT NULL")
    return f"({one} AND {absent}) OR ({other} AND {present})"
