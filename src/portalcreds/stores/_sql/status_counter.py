"""Say in one SELECT what `StatusQuery.group_of` says of every account's row."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from ..._time import EPOCH, micros
from ...accounts import AccountStatus
from ...status_counts import StatusGroup, StatusQuery
from .._drivers.dialect import Dialect
from .._drivers.port import Statements
from .view import View

_DAY: Final = 86_400_000_000
"""Microseconds of a day."""

_AHEAD: Final = 1_000_000
"""Days added before a division and taken away after it: databases cut towards zero, and days begin below it too."""


def count_statuses(
    statements: Statements, view: View, dialect: Dialect, query: StatusQuery
) -> Mapping[StatusGroup, int]:
    """Return how many accounts are in each group."""
    is_live = "state = 'issued' AND expires_at > :now"
    # What a clock ahead wrote counts as of now.
    issued_at, changed_at = (f"CASE WHEN {at} > :now THEN :now ELSE {at} END" for at in ("issued_at", "changed_at"))
    is_issued = "origin IN ('issued', 'chosen') AND issued_at >= :since"
    groups = {
        "status": f"CASE WHEN {is_live} THEN 'default_live' WHEN state = 'issued' THEN 'default_expired' "
        "ELSE state END",
        "age": f"CASE WHEN {is_live} THEN {dialect.divide(f':now - {issued_at}', _DAY)} END",
        "days_left": f"CASE WHEN {is_live} THEN {dialect.divide('expires_at - :now', _DAY)} END",
        "issued_on": f"CASE WHEN {is_issued} THEN {dialect.divide(f'{issued_at} + :ahead', _DAY)} END",
        "changed_on": f"CASE WHEN {is_issued} AND origin = 'chosen' AND changed_at >= issued_at "
        f"THEN {dialect.divide(f'{changed_at} + :ahead', _DAY)} END",
    }
    # Grouped outside of the SELECT that works them out: a database takes two equal expressions with parameters in them
    # for different ones.
    columns = ", ".join(f"{said} AS {name}" for name, said in groups.items())
    names = ", ".join(groups)
    rows = f"SELECT {columns} FROM {view.accounts} AND state <> 'erased'"
    sql = f"SELECT {names}, COUNT(*) FROM ({rows}) counted GROUP BY {names}"
    asked: dict[str, object] = {
        "now": micros(query.now),
        "since": micros(query.since),
        "ahead": query.utc_offset // timedelta(microseconds=1) + _AHEAD * _DAY,
    }
    return {_read_group(row): int(row[-1]) for row in view.query(statements, sql, asked)}


def _read_group(row: Any) -> StatusGroup:
    status, age, days_left, issued_on, changed_on, _ = row
    return StatusGroup(AccountStatus(status), _whole(age), _whole(days_left), _day(issued_on), _day(changed_on))


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _day(value: Any) -> date | None:
    return None if value is None else EPOCH.date() + timedelta(days=int(value) - _AHEAD)
