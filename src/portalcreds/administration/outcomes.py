"""The outcomes of renaming an account."""

from __future__ import annotations

import attrs

from .._outcome import Outcome
from .._table import ShownRow
from .._value import Value
from ..accounts import AccountStatus
from ..contacts import ContactId


@attrs.frozen(kw_only=True, eq=False, repr=False)
class AccountSummary(ShownRow, Value):
    """
    An account as any operator may know it: without name, user name, e-mail address and hash (R16).

    Attributes:
        contact_id: Whose it is.
        status: What the grid shows.
        epoch: The credential's generation; sessions that are bound to an older one have ended.
    """

    contact_id: ContactId
    status: AccountStatus
    epoch: int

    def to_record(self) -> dict[str, str | int]:
        """Return it as a plain record, which has no name."""
        return {"contact_id": self.contact_id, "status": self.status.value, "epoch": self.epoch}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Renamed(Outcome):
    """
    The account has the new user name.

    Attributes:
        account: The account as it is now.
    """

    account: AccountSummary


@attrs.frozen(kw_only=True, eq=False, repr=False)
class UsernameTaken(Outcome):
    """Another account has that user name, or one that counts as the same. Nothing was written."""
