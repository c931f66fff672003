"""Say who acts and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs

from .accounts import MAX_OPERATOR_ID_LENGTH, Account
from .contacts import ContactId
from .exceptions import InvalidValueError


class Privilege(StrEnum):
    """What an operator may do to an account. Each is granted apart from the others (R16)."""

    VIEW_USERNAMES = "view_usernames"
    SET_ONE = "set_one"
    SET_MANY = "set_many"
    REVEAL = "reveal"
    REQUIRE_CHANGE = "require_change"
    UNLOCK = "unlock"
    DISABLE = "disable"
    RENAME = "rename"
    SYNC = "sync"
    ERASE = "erase"


def _operator_id(operator: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_OPERATOR_ID_LENGTH or not value.isprintable():
        raise InvalidValueError(
            attribute.name,
            f"pass 1 to {MAX_OPERATOR_ID_LENGTH} printable characters that name the operator for the record",
        )


def _contact_id(contact_id: Any) -> ContactId | None:  # Any: what a host without type checks hands in.
    # A number would never equal a contact's id, and one's own account would be somebody else's.
    if contact_id is not None and (not isinstance(contact_id, str) or not contact_id):
        raise InvalidValueError("contact_id", "pass the operator's own contact id as text, or None without one")
    return None if contact_id is None else ContactId(contact_id)


@attrs.frozen(kw_only=True)
class Operator:
    """
    Staff, or a system, acting.

    Attributes:
        operator_id: How the record names them. An identifier, not a person's name.
        contact_id: Their own contact, if they are one too; setting one's own account is refused by default.
    """

    operator_id: str = attrs.field(validator=_operator_id)
    contact_id: ContactId | None = attrs.field(default=None, converter=_contact_id)


def _never(account: Account) -> bool:
    return False


def _table(table: Mapping[str, Iterable[Privilege]]) -> Mapping[str, frozenset[Privilege]]:
    try:
        # A str is an iterable of letters, none of which is a privilege.
        return {
            operator_id: frozenset(Privilege(privilege) for privilege in held) for operator_id, held in table.items()
        }
    except (TypeError, ValueError):
        mend = "pass several Privilege for each operator, such as {Privilege.SET_ONE}"
        raise InvalidValueError("privileges", mend) from None


@attrs.frozen(kw_only=True)
class Grants:
    """
    An authorizer over a plain table: which operator holds which privileges.

    It is enough for a notebook or a small school; a host with roles of its own passes a callable of its own.

    Args:
        privileges: For each operator id, the privileges held.
        outranks: Whether an account belongs to somebody whom no operator in the table may touch, such as a principal
            who is also a parent. Nobody by default.
    """

    privileges: Mapping[str, frozenset[Privilege]] = attrs.field(converter=_table)
    outranks: Callable[[Account], bool] = _never

    def __call__(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> Sequence[bool]:
        """Return, for each account, whether the operator holds the privilege on it."""
        held = privilege in self.privileges.get(operator.operator_id, ())
        return [held and not self.outranks(account) for account in accounts]
