"""See what a sync with the SIS would do, and what it did."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import attrs

from ._html import records_as_html
from .contacts import Contact, ContactId
from .privileges import Operator


class SyncAction(StrEnum):
    """What a sync does, or did, about one contact."""

    ADD = "add"
    REFRESH = "refresh"
    RESTORE = "restore"
    UNCHANGED = "unchanged"
    CANNOT = "cannot"


class SyncReason(StrEnum):
    """Why a sync does nothing about a contact, or what should be looked at besides."""

    NO_USERNAME = "no_username"
    """The account is kept without a user name; no default can be set before it has one."""

    USERNAME_TAKEN = "username_taken"
    """Another account has it; nothing was written for this contact."""

    USERNAME_INVALID = "username_invalid"
    """It is no text, has no canonical form or is too long; nothing was written for this contact."""

    USERNAME_DIFFERS = "username_differs"
    """The account has another one, which stays: only `AccountService.rename` changes what a contact signs in with."""

    LISTED_TWICE = "listed_twice"
    """An earlier row has the same contact id; this row was ignored."""

    ERASED = "erased"
    """The contact's data was erased; it comes back only if the sync is told to."""

    NOT_PERMITTED = "not_permitted"
    CHANGED_MEANWHILE = "changed_meanwhile"
    """The account kept changing while the sync ran; run it again."""

    STORE_REFUSED = "store_refused"
    """The database refused this row, such as by a trigger; its own log says why."""

    STORE_UNAVAILABLE = "store_unavailable"
    """The store could not be reached; run it again."""


@attrs.frozen(kw_only=True)
class SyncItem:
    """
    One contact's row.

    Attributes:
        contact: The contact as the SIS has them.
        username: The user name the SIS proposes, or None.
        action: What is done.
        reason: Why not, or what to look at; None if nothing.
    """

    contact: Contact
    username: str | None = attrs.field(default=None, repr=False)
    action: SyncAction
    reason: SyncReason | None = None

    @property
    def contact_id(self) -> ContactId:
        """The contact's id."""
        return self.contact.contact_id


class _Rows:
    """Items that can be counted and listed."""

    __slots__ = ()

    items: tuple[SyncItem, ...]

    def __iter__(self) -> Iterator[SyncItem]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def count(self, action: SyncAction) -> int:
        """Return how many contacts the action is about."""
        return sum(item.action == action for item in self.items)

    def to_records(self) -> list[dict[str, str | None]]:
        """Return the rows as plain records with names, for a table or a DataFrame."""
        return [
            {
                "contact_id": item.contact_id,
                "first_name": item.contact.first_name,
                "last_name": item.contact.last_name,
                "username": item.username,
                "action": item.action.value,
                "reason": None if item.reason is None else item.reason.value,
            }
            for item in self.items
        ]

    def _repr_html_(self) -> str:
        """Return the first rows as a table for a notebook, with the names that the operator synced."""
        return records_as_html(self.to_records())

    def __repr__(self) -> str:
        counts = ", ".join(f"{action.value}: {self.count(action)}" for action in SyncAction if self.count(action))
        return f"<{type(self).__name__} of {len(self)} contacts ({counts or 'nothing'})>"


@attrs.frozen(kw_only=True, repr=False)
class SyncPlan(_Rows):
    """
    What a sync would do; nothing is written yet.

    Attributes:
        items: One row for each contact handed in, in their order.
        operator: Who asked.
        restore_erased: Whether contacts whose data was erased are brought back.
    """

    items: tuple[SyncItem, ...]
    operator: Operator
    restore_erased: bool


@attrs.frozen(kw_only=True, repr=False)
class SyncReport(_Rows):
    """
    What a sync did.

    Attributes:
        items: One row for each contact of the plan, in their order.
        operation_id: What the sync's events have in common on the record.
    """

    items: tuple[SyncItem, ...]
    operation_id: str
