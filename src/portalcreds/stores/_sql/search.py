"""Say in SQL what `AccountQuery.matches` and `AccountQuery.sort_key` say of an account's row, as ranges of an index."""

from __future__ import annotations

from typing import Any, Final

from ..._time import micros
from ...account_queries import AccountOrder, AccountQuery
from ...accounts import AccountStatus
from .._drivers.dialect import Dialect

KEY_COLUMNS: Final = {
    AccountOrder.NAME: "name_key",
    AccountOrder.EXPIRY: "expires_at",
    AccountOrder.LAST_SIGN_IN: "last_sign_in_at",
}
"""What a page is sorted by."""

_MAX_INTEGER: Final = 2**63 - 1
"""What a database's integers go to."""


def is_of_one_state(query: AccountQuery) -> bool:
    """Return whether the index that is walked along begins with a state, in which all that match are."""
    return _state_of(query) is not None and query.order != AccountOrder.LAST_SIGN_IN


def order_by(query: AccountQuery) -> str:
    """Return the columns to sort by. The first, the state or the tenant, is of one value: see `Dialect.pin_column`."""
    return f"{'state' if is_of_one_state(query) else 'tenant'}, {KEY_COLUMNS[query.order]}, contact_id"


def filter_accounts(query: AccountQuery, dialect: Dialect | None = None) -> tuple[str, dict[str, object]]:
    """
    Return the condition that `AccountQuery.matches` states, but for words, and its parameters.

    Besides, an order says what has a place in it: without a key there is none.

    Args:
        query: What is asked for.
        dialect: What is said differently, where an index is walked along; None where rows are looked up.
    """
    conditions: list[str] = []
    parameters: dict[str, object] = {}
    state = _state_of(query)
    if state is not None:
        if dialect is None or not is_of_one_state(query):
            conditions.append("state = :state")
        else:
            conditions.append(dialect.pin_column("state", "state"))
        parameters["state"] = state
    low, high = _expiry_range(query)
    if low is not None and query.order != AccountOrder.EXPIRY:
        conditions.append("expires_at >= :expiry_low")
        parameters["expiry_low"] = low
    if high is not None:
        conditions.append("expires_at < :expiry_high")
        parameters["expiry_high"] = high
    if query.issued_before is not None:
        conditions.append("issued_at < :issued_before")
        parameters["issued_before"] = micros(query.issued_before)
    if query.unchanged_since is not None:
        parameters["unchanged_since"] = micros(query.unchanged_since)
        issued = "issued_at >= :unchanged_since"
        if query.or_never_issued and state is None:
            issued = f"(state = 'never_issued' OR (state = 'issued' AND {issued}))"
        if state in (None, "issued"):
            conditions.append(issued)
        elif not (query.or_never_issued and state == "never_issued"):
            conditions.append("1 = 0")
    if query.never_signed_in:
        # Not IS NULL: SQLite would take the index by last sign-in, and sort all that it finds.
        conditions.append("NOT (last_sign_in_at IS NOT NULL)")
    return " AND ".join(conditions), parameters


def passes_nobody(query: AccountQuery) -> bool:
    """Return whether everybody who stands along the index of the query's order is in the result."""
    asked = (query.issued_before, query.unchanged_since, query.never_signed_in, query.typed, query.without_username)
    if any(asked):
        return False
    if query.order == AccountOrder.EXPIRY:
        return True
    return not query.wants_defaults and (query.order == AccountOrder.NAME or query.status is None)


def begin_at(
    query: AccountQuery, dialect: Dialect, *, from_position: bool, beginning: str = ""
) -> tuple[str, dict[str, object]]:
    """
    Return the condition that a row has a place in the query's order from where the page begins, and its parameters.

    Args:
        query: What is asked for.
        dialect: What is said differently.
        from_position: Whether to begin at the query's position, and not at the first row.
        beginning: What the names begin with that are asked for in their order.
    """
    column = KEY_COLUMNS[query.order]
    # Of an erased account the name's key is NULL, and so is an instant that never was.
    least: str | int = beginning if query.order == AccountOrder.NAME else -_MAX_INTEGER
    if query.order == AccountOrder.EXPIRY:
        least = _expiry_range(query)[0] or least
    # Only one lower bound: given two, a planner may seek by the wrong one and read all that lies between.
    if from_position and query.position is not None:
        key: Any  # Any: keys of one order have one type, text or numbers.
        key, tie = query.position
        if key >= least:
            # A forged position may hold more than a database's integers.
            known = key if isinstance(key, str) else min(_MAX_INTEGER, key)
            return dialect.sort_after((column, "contact_id"), ("position", "tie")), {"position": known, "tie": tie}
    return f"{column} >= :least", {"least": least}


def _state_of(query: AccountQuery) -> str | None:
    """Return what the column `state`, which does not know the time, has for all that match, or None if for no one."""
    if query.wants_defaults:
        # A query for the expiry of accounts in another status finds nobody, and so does this.
        is_default = query.status in (None, AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED)
        return "issued" if is_default else "none"
    return None if query.status is None else query.status.value


def _expiry_range(query: AccountQuery) -> tuple[int | None, int | None]:
    # An expiry at this very instant is expired; so live ones begin a microsecond later.
    low, high = None, None
    if query.status == AccountStatus.DEFAULT_LIVE:
        low = micros(query.now) + 1
    elif query.status == AccountStatus.DEFAULT_EXPIRED:
        high = micros(query.now) + 1
    if query.expires_before is not None:
        before = micros(query.expires_before)
        high = before if high is None else min(high, before)
    return low, high
