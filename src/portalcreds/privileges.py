"""Who acts, and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

import attrs

from ._spoken import Code
from ._value import Value
from .accounts import MAX_OPERATOR_ID_LENGTH, Account
from .contacts import ContactId
from .exceptions import InvalidValueError


class Privilege(Code):
    """What an operator may do to an account. Each is granted apart from the others (R16)."""

    VIEW_USERNAMES = "view_usernames"
    SET_ONE = "set_one"
    SET_MANY = "set_many"
    REVEAL = "reveal"
    INVITE = "invite"
    REQUIRE_CHANGE = "require_change"
    UNLOCK = "unlock"
    DISABLE = "disable"
    RENAME = "rename"
    SYNC = "sync"
    ERASE = "erase"
    IMPORT = "import"
    MOVE = "move"
    END_SESSIONS = "end_sessions"
    FIND_DEFAULTS = "find_defaults"


def _operator_id(operator: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_OPERATOR_ID_LENGTH or not value.isprintable():
        raise InvalidValueError(
            attribute.name,
            f"pass 1 to {MAX_OPERATOR_ID_LENGTH} printable characters that name the operator for the record",
        )


def _contact_id(contact_id: Any) -> ContactId | None:  # Any: what a host without type checks hands in.
    # A number never equals a contact's id, so the operator could change their own account.
    if contact_id is not None and (not isinstance(contact_id, str) or not contact_id):
        raise InvalidValueError("contact_id", "pass the operator's own contact id as text, or None without one")
    return None if contact_id is None else ContactId(contact_id)


def _source(operator: object, attribute: attrs.Attribute[str | None], value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise InvalidValueError(attribute.name, "pass text, such as str(address), or None")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Operator(Value):
    """
    Staff, or a system, acting.

    Attributes:
        operator_id: What the audit trail calls them: an identifier, not a person's name.
        contact_id: Their own contact, if they are a contact too. By default they may not change their own account.
        source: From where they act, such as the address of the request, for the record; None if you cannot tell. From
            elsewhere they are the same operator.
    """

    operator_id: str = attrs.field(validator=_operator_id)
    contact_id: ContactId | None = attrs.field(default=None, converter=_contact_id)
    source: str | None = attrs.field(default=None, eq=False, validator=_source)


class Actor(TypedDict):
    """What an event says of an operator."""

    operator_id: str
    source: str | None


def actor(operator: Operator) -> Actor:
    """Return what an event says of the operator."""
    # By attribute: an operator is known by the other two.
    source = getattr(operator, "source", None)
    return {"operator_id": operator.operator_id, "source": source if isinstance(source, str) else None}


def _never(account: Account) -> bool:
    return False


def _table(table: Mapping[str, Iterable[Privilege]]) -> Mapping[str, frozenset[Privilege]]:
    try:
        return {
            operator_id: frozenset(Privilege(privilege) for privilege in held) for operator_id, held in table.items()
        }
    except (AttributeError, TypeError, ValueError):
        hint = "pass a table such as {'office': {Privilege.SET_ONE}}: for each operator id, several Privilege"
        raise InvalidValueError("privileges", hint) from None


@attrs.frozen(kw_only=True, eq=False)
class Grants:
    """
    An authorizer over a table: which operator has which privileges.

    Enough for a notebook or a small school. A host with its own roles passes its own callable.

    Args:
        privileges: The privileges of each operator, by operator id.
        outranks: Tells whether an account belongs to somebody whom no operator in the table may change, such as a
            principal who is also a parent. By default nobody.
    """

    privileges: Mapping[str, frozenset[Privilege]] = attrs.field(converter=_table)
    outranks: Callable[[Account], bool] = _never

    def __call__(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> Sequence[bool]:
        """Return for each account whether the operator has the privilege on it."""
        held = privilege in self.privileges.get(operator.operator_id, ())
        return [held and not self.outranks(account) for account in accounts]

    def holds_on_all(self, operator: Operator, privilege: Privilege, /) -> bool:
        """Return whether the operator has the privilege on every account that there can be."""
        # A subclass whose answer depends on the account says so by its own call, and inherits no yes to all.
        is_plain = type(self).__call__ is Grants.__call__ and self.outranks is _never
        return is_plain and privilege in self.privileges.get(operator.operator_id, ())
