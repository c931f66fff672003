"""Show what a sync with the SIS would do, and what it did."""

from __future__ import annotations

import attrs

from .._spoken import Code
from .._table import Table
from .._value import Value
from ..contacts import Contact, ContactId
from ..privileges import Operator


class SyncAction(Code):
    """What a sync does, or did, with one contact."""

    ADD = "add"
    REFRESH = "refresh"
    RESTORE = "restore"
    UNCHANGED = "unchanged"
    CANNOT = "cannot"


class SyncReason(Code):
    """Why a sync does nothing with a contact, or what somebody should look at."""

    NO_USERNAME = "no_username"
    """The account has no user name; no default can be set before it has one."""

    USERNAME_TAKEN = "username_taken"
    """
    Another account has it, or another contact of the same sync gets it. This one is there without a user name.

    `AccountService.rename` settles it, or a later sync, as soon as a name that is proposed is free.
    """

    USERNAME_INVALID = "username_invalid"
    """The user name is not text, is empty, too long or has invalid characters; nothing was written for this contact."""

    USERNAME_DIFFERS = "username_differs"
    """The account has another one and keeps it; only `AccountService.rename` changes a user name."""

    EMPTIED = "emptied"
    """The SIS has an empty name or e-mail address where the account has one, which is removed."""

    LISTED_TWICE = "listed_twice"
    """An earlier row has the same contact id; this row was ignored."""

    ERASED = "erased"
    """The contact's data was erased; sync with ``restore_erased=True`` to bring the contact back."""

    NOT_PERMITTED = "not_permitted"
    KEPT_CHANGING = "kept_changing"
    """Somebody else kept changing the account while the sync ran; run it again."""

    STORE_REFUSED = "store_refused"
    """The database refused this row, such as by a trigger; its own log says why."""

    STORE_UNAVAILABLE = "store_unavailable"
    """The store could not be reached; run it again."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class SyncItem(Value):
    """
    One contact's row.

    Attributes:
        contact: The contact as the SIS has them.
        username: The user name the SIS proposes, or None.
        action: What is done.
        reason: Why nothing is done, or what to look at; None if there is nothing to say.
    """

    contact: Contact
    username: str | None = attrs.field(default=None, repr=False)
    action: SyncAction
    reason: SyncReason | None = None

    @property
    def contact_id(self) -> ContactId:
        """The contact's id."""
        return self.contact.contact_id

    @property
    def kind(self) -> SyncAction:
        """What rows are counted by: the action."""
        return self.action

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record, names included."""
        return {
            "contact_id": self.contact_id,
            "first_name": self.contact.first_name,
            "last_name": self.contact.last_name,
            "username": self.username,
            "action": self.action.value,
            "reason": None if self.reason is None else self.reason.value,
        }


@attrs.frozen(kw_only=True, repr=False, eq=False)
class SyncPlan(Table[SyncItem, SyncAction]):
    """
    What a sync would do; nothing is written yet.

    Attributes:
        items: One row for each contact passed, in the same order.
        operator: Who asked.
        restore_erased: Whether to bring back contacts whose data was erased.
    """

    items: tuple[SyncItem, ...]
    operator: Operator
    restore_erased: bool


@attrs.frozen(kw_only=True, repr=False, eq=False)
class SyncReport(Table[SyncItem, SyncAction]):
    """
    What a sync did.

    Attributes:
        items: One row for each contact of the plan, in the same order.
        operation_id: The id of this sync on each of its audit events.
    """

    items: tuple[SyncItem, ...]
    operation_id: str
