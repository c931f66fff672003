"""Make the rows that a table is tried with: those that it must take and give back, and those that it must refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..._ids import new_id
from ..._value import Value
from .._sql.schema import Column, Kind, Layout, Table

Row = dict[str, Any]  # Any: text, numbers and NULL, as a driver takes them.

_HIGH: Final = 253_402_300_799_999_999
"""The last microsecond of the year 9999, which neither 32 bits nor a floating point number can hold."""

_LOW: Final = -62_135_596_799_999_999
"""The second microsecond of the year 1."""

_FREE: Final = frozenset(
    {
        *("contact_id", "first_name", "last_name", "email", "name_key", "username", "username_key", "issued_by"),
        *("word", "words", "operator_id", "reason", "operation_id", "source"),
    }
)
"""Columns of any text. The others hold printable ASCII, and may be of a character set that has nothing else."""

_ASCII: Final = "i ss fi 2 k a"
_ANY: Final = "i ss fi 2 é 😀 k a"

_CONFUSED_ASCII: Final[Mapping[str, tuple[str, ...]]] = {
    "case": ("I ss fi 2 k a",),
    "blanks at the end": (f"{_ASCII} ",),
}

_CONFUSED_ANY: Final[Mapping[str, tuple[str, ...]]] = {
    "case": ("I ss fi 2 é 😀 k a", "i ss fi 2 É 😀 k a"),
    "accents": ("í ss fi 2 é 😀 k a", "i ss fi 2 e 😀 k a"),
    "blanks at the end": (f"{_ANY} ",),
    "the dotless i": ("ı ss fi 2 é 😀 k a",),
    "the sharp s": ("i ß fi 2 é 😀 k a",),
    "normal forms": ("i ss fi 2 e\u0301 😀 k a",),
    "compatibility forms": (
        "i ss \ufb01 2 é 😀 k a",
        "i ss fi ² é 😀 k a",
        "i ss fi 2 é 😀 \u212a a",
        "i ss fi 2 é 😀 k \uff41",
    ),
    "invisible characters": ("i ss fi 2 é 😀 k\u200d a",),
    "emoji": ("i ss fi 2 é 😁 k a",),
}
"""Texts that databases have been seen to take for the one before, by what they fold."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ProbeRows(Value):
    """
    The rows that one table is tried with.

    They belong to a tenant of their own, so that a range of tenants finds them, whatever became of their other keys.

    Attributes:
        filled: Rows that have a value in each column between them, all of them short.
        states: Rows by what the database must compute of them.
        broken: Rows that one CHECK must refuse, and nothing else, by the name of the CHECK.
        sorted_by: The columns that pages are sorted by or begin at. Texts in the others are only ever looked up.
    """

    filled: tuple[Row, ...]
    states: Mapping[str, Row] = attrs.field(factory=dict)
    broken: Mapping[str, tuple[Row, ...]] = attrs.field(factory=dict)
    sorted_by: frozenset[str] = frozenset()


def make_probe_rows(layout: Layout, table: Table, tenant: str) -> ProbeRows:
    """Return the rows that the table is tried with, as those of *tenant*."""
    if table == layout.accounts:
        return _make_account_rows(table, tenant)
    if table == layout.events:
        event: Row = dict.fromkeys((column.name for column in table.columns), "x")
        # Of its own too, so that two checks at a time do not wait for each other.
        numbers: Row = {"seq": -2 - int(tenant[:7], 16), "at": 1, "affected": 1, "confirmed_at": 1}
        return ProbeRows(filled=(event | numbers | {"tenant": tenant},))
    plain: Row = {column.name: 1 if column.length is None else "x" for column in table.columns}
    sorted_by = frozenset({"word", "name_key", "contact_id"} if table == layout.words else ())
    return ProbeRows(filled=(plain | {"tenant": tenant},), sorted_by=sorted_by)


def make_tenant() -> str:
    """Return a tenant that nobody has. Whatever the collation, it and what begins with it are before `end_tenants`."""
    return f"{new_id()[:15]}a"


def end_tenants(tenant: str) -> str:
    """Return the end of the range that `make_tenant` begins."""
    return f"{tenant[:-1]}b"


def pick_hardest(column: Column, row: Row) -> list[Any]:  # Any: text or numbers.
    """Return what is hardest to keep of all that the column must hold where the row has something, or nothing."""
    value = row[column.name]
    if column.kind == Kind.SEQUENCE:
        # Below zero: from a number above, the database would go on counting, even after that was undone.
        return [_LOW + value]
    if column.name == "origin":
        return ["imported"] if value == "chosen" else []
    if value is None or column.name == "is_active":
        return []
    if column.length is None:
        return [_HIGH, _LOW] if column.name == "at" or column.name.endswith("_at") else [_HIGH]
    if column.name in _FREE:
        return ["😀" * (column.length - 1) + " "]
    return [row["tenant"] + "x" * (column.length - len(row["tenant"]))]


def pick_confusable(column: Column, tenant: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a text, and others with what they have to be confused with it by."""
    text, confused = (_ANY, _CONFUSED_ANY) if column.name in _FREE else (_ASCII, _CONFUSED_ASCII)
    return f"{tenant} {text}", [(what, f"{tenant} {other}") for what, others in confused.items() for other in others]


def _make_account_rows(table: Table, tenant: str) -> ProbeRows:
    plain: Row = dict.fromkeys(column.name for column in table.columns if column.computed is None)
    plain |= {"tenant": tenant, "contact_id": "x", "name_key": "x", "change_id": "x"}
    plain |= {"origin": "none", "epoch": 1, "is_active": 1, "version": 1}
    chosen = plain | {"origin": "chosen", "password_hash": "x"}
    issue: Row = {"strategy": "x", "issue_id": "x", "issued_by": "x", "issued_at": 1, "expires_at": 1}
    issued = plain | {"origin": "issued", "password_hash": "x", **issue}
    erased = plain | {"erased_at": 1, "name_key": None}
    ticket: Row = {"ticket_digest": "x", "ticket_expires_at": 1}
    required = chosen | {"change_required_by": "x"}
    filled = {name: 1 if name.endswith("_at") else "x" for name, value in issued.items() if value is None}
    return ProbeRows(
        filled=(issued | filled | {"erased_at": None}, chosen | {"erased_at": 1, "name_key": None}),
        states={
            "erased": erased,
            "disabled": plain | {"is_active": 0},
            "never_issued": plain,
            "issued": issued,
            "change_required": required,
            "self_chosen": chosen,
            "imported": chosen | {"origin": "imported"},
        },
        broken={
            f"{table.name}_{what}": rows
            for what, rows in {
                "origin": (chosen | {"origin": "x"},),
                "hash": (plain | {"password_hash": "x"}, chosen | {"password_hash": None}),
                "expiry": (chosen | {"expires_at": 1}, issued | {"expires_at": None}),
                "strategy": (chosen | {"strategy": "x"}, issued | {"strategy": None}),
                "issue": tuple(issued | {name: None} for name in ("issue_id", "issued_by", "issued_at")),
                "change": (plain | {"change_required_by": "x"},),
                "ticket": (required | {"ticket_digest": "x"}, required | {"ticket_expires_at": 1}),
                "ticket_use": (chosen | ticket,),
                "username_key": (plain | {"username": "x"}, plain | {"username_key": "x"}),
                "erased": (erased | {"name_key": "x"}, plain | {"name_key": None}),
                "active": (plain | {"is_active": 2},),
                "version": (plain | {"version": 0},),
            }.items()
        },
        sorted_by=frozenset({"contact_id", "name_key", "username_key"}),
    )
