"""What a family is told, or why it is told nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from .._spoken import Code
from .._table import Table
from .._value import Value
from ..contacts import ContactId
from ..secret import Secret

if TYPE_CHECKING:
    from .style import LetterStyle


class LetterOutcome(Code):
    """Whether there is a letter for a contact."""

    WRITTEN = "written"
    REFUSED = "refused"


class LetterReason(Code):
    """Why there is no letter for a contact."""

    NO_ACCOUNT = "no_account"
    STORE_REFUSED = "store_refused"
    """The row in the database is damaged."""

    NOT_PERMITTED = "not_permitted"
    """The operator may not see this password, or this user name; the refusal is on the record."""

    ERASED = "erased"
    DISABLED = "disabled"
    NO_USERNAME = "no_username"
    NO_PASSWORD = "no_password"
    CHOSE_OWN = "chose_own"
    IMPORTED = "imported"
    INVITED = "invited"
    """There is an invitation, and the results that were passed have not that one."""

    EXPIRED = "expired"
    DRAWN = "drawn"
    """Only the run that drew the password knows it: pass the results of that run."""

    OTHER_STRATEGY = "other_strategy"
    """It was made by another rule than the one that makes defaults now."""

    NOT_DERIVABLE = "not_derivable"
    STRATEGY_FAILED = "strategy_failed"
    NAME_CHANGED = "name_changed"
    """The default that works was made of an earlier name."""

    OTHER_PASSWORD = "other_password"
    """What would be printed is not the password that is stored."""

    NOT_VERIFIED = "not_verified"
    """The stored hash could not be verified, such as because its key is missing."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Letter(Value):
    """
    One contact's letter, or why there is none.

    Attributes:
        contact_id: Whose.
        outcome: Whether there is one.
        reason: Why not; None if there is.
        first_name: The first name in the SIS; None also if the operator may not.
        last_name: The last name, likewise.
        username: What to sign in with; None if there is no letter.
        password: The default; None in the letter of an invitation.
        ticket: The ticket of the invitation; None in the letter of a default.
        code: What the form will ask for beside the default, where the portal's claim proof can tell it.
        expires_at: When the default or the invitation stops working.
    """

    contact_id: ContactId
    outcome: LetterOutcome
    reason: LetterReason | None = None
    first_name: str | None = attrs.field(default=None, repr=False)
    last_name: str | None = attrs.field(default=None, repr=False)
    username: str | None = attrs.field(default=None, repr=False)
    password: Secret | None = None
    ticket: Secret | None = None
    code: Secret | None = None
    expires_at: datetime | None = None

    @property
    def name(self) -> str:
        """First and last name, or the contact's id where there is neither."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.contact_id

    @property
    def kind(self) -> LetterOutcome:
        """What rows are counted by: the outcome."""
        return self.outcome

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record, names included, what is secret never."""
        return {
            "contact_id": self.contact_id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "username": self.username,
            "outcome": self.outcome.value,
            "reason": None if self.reason is None else self.reason.value,
            "expires_at": None if self.expires_at is None else self.expires_at.isoformat(),
        }


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Letters(Table[Letter, LetterOutcome]):
    """
    The letters of several contacts: one row for each, in the order asked for.

    They hold passwords. Print or send them, and drop them: nobody else keeps them, and they can be written anew.

    Attributes:
        items: The rows, those without a letter too.
    """

    items: tuple[Letter, ...]

    def to_html(self, style: LetterStyle) -> Secret:
        """
        Return all letters as one HTML document, to print from a browser or to turn into a PDF.

        It needs nothing else: styles and QR codes are in it. On the screen, and not on paper, it begins with how many
        letters there are, and whom there is none for.

        Args:
            style: What stands in them besides, and how they look.

        Raises:
            InvalidValueError: There are invitations, and the style has no *invitation_address*.
            MissingDependencyError: The style asks for QR codes, and the extra ``letters`` is not installed.
        """
        from ._page import make_page

        return Secret(make_page(self.items, style))

    def to_csv(self, style: LetterStyle) -> Secret:
        """
        Return the letters as CSV, such as for a mail merge; contacts without a letter are left out.

        A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break would be run by a spreadsheet as a
        formula (CWE-1236). It gets an apostrophe in front, and the column ``defused`` of its row names the columns
        that have one: take it off before you print them.

        Args:
            style: As for `to_html`; the addresses and the date are taken from it.

        Raises:
            InvalidValueError: There are invitations, and the style has no *invitation_address*.
        """
        from ._csv import make_csv

        return Secret(make_csv(self.items, style))
