"""Say in SQL what `AccountQuery.matches` and `AccountQuery.sort_key` say, as ranges of an index."""

from __future__ import annotations

from typing import Final

from ..account_queries import AccountOrder, AccountQuery, micros
from ..accounts import AccountStatus
from ._dialects import Dialect

_KEY_COLUMNS: Final = {
    AccountOrder.USERNAME: "username_key",
    AccountOrder.LAST_NAME: "last_name_key",
    AccountOrder.EXPIRY: "expires_at",
}

_STATES: Final = {AccountStatus.DEFAULT_LIVE: "issued", AccountStatus.DEFAULT_EXPIRED: "issued"}
"""What the column `state` has for a status, where that is not the status's own name: it does not know the time."""

_MAX_INTEGER: Final = 2**63 - 1
"""What a database's integers go to; a forged position may hold more."""

_LAST_CODE_POINT: Final = "\U0010ffff"


def order_of(query: AccountQuery) -> str:
    """Return the columns to sort by."""
    column = _KEY_COLUMNS[query.order]
    # A user name has one owner, so there are no ties; and its index, which keeps that so, has no ids to break them by.
    columns = column if query.order == AccountOrder.USERNAME else f"{column}, contact_id"
    # In one state that sorts nothing, but it names the index: MariaDB would take the one of all states (see `pinned`).
    return columns if query.status is None else f"state, {columns}"


def matching(query: AccountQuery, dialect: Dialect, *, from_position: bool) -> tuple[str, dict[str, object]]:
    """
    Return the condition that `AccountQuery.matches` states, and its parameters.

    Args:
        query: What is asked for.
        dialect: What is said differently.
        from_position: Whether only what the page begins with or what comes after it is wanted.
    """
    column = _KEY_COLUMNS[query.order]
    conditions: list[str] = []
    parameters: dict[str, object] = {}
    if query.status is not None:
        conditions.append(dialect.pinned("state", "state"))
        parameters["state"] = _STATES.get(query.status, query.status.value)
    elif query.order == AccountOrder.USERNAME:
        conditions.append("erased_at IS NULL")  # By last name there are none: the key of an erased account is NULL.
    expiry_low, expiry_high = _expiry_range(query)
    key_low: str | int | None
    key_high: str | int | None
    if query.order == AccountOrder.EXPIRY:
        key_low, key_high = expiry_low, expiry_high
    else:
        key_low, key_high = query.key_prefix, _successor(query.key_prefix)
        # The expiry is then not what is sorted by, and tells live from expired among what the index finds.
        if expiry_low is not None:
            conditions.append("expires_at >= :expiry_low")
            parameters["expiry_low"] = expiry_low
        if expiry_high is not None:
            conditions.append("expires_at < :expiry_high")
            parameters["expiry_high"] = expiry_high
    position = query.position if from_position else None
    # Only one lower bound: given two, a planner may seek by the wrong one and read all that lies between.
    if position is not None and _is_within(position[0], key_low):
        if query.order == AccountOrder.USERNAME:
            conditions.append(f"{column} >= :position AND ({column} > :position OR contact_id > :tie)")
        else:
            conditions.append(dialect.after((column, "contact_id"), ("position", "tie")))
        parameters |= {"position": _bounded(position[0]), "tie": position[1]}
    elif key_low is not None:
        conditions.append(f"{column} >= :key_low")
        parameters["key_low"] = key_low
    if key_high is not None:
        conditions.append(f"{column} < :key_high")
        parameters["key_high"] = key_high
    return " AND ".join(conditions), parameters


def _expiry_range(query: AccountQuery) -> tuple[str | int | None, str | int | None]:
    # An expiry at this very instant is expired; so live ones begin a microsecond later.
    if query.status == AccountStatus.DEFAULT_LIVE:
        return micros(query.now) + 1, None
    if query.status == AccountStatus.DEFAULT_EXPIRED:
        return None, micros(query.now) + 1
    return None, None


def _successor(prefix: str) -> str | None:
    # The least text behind all that begin with the prefix, or None if there is none. LIKE is not used: it folds case
    # in one database and takes blanks off in another, and a typed percent sign means something to it.
    prefix = prefix.rstrip(_LAST_CODE_POINT)
    if not prefix:
        return None
    following = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if following == 0xD800 else following)


def _is_within(key: str | int, low: str | int | None) -> bool:
    # Keys of one order have one type.
    return low is None or (key >= low if isinstance(key, int) and isinstance(low, int) else str(key) >= str(low))


def _bounded(key: str | int) -> str | int:
    return max(-_MAX_INTEGER, min(_MAX_INTEGER, key)) if isinstance(key, int) else key
