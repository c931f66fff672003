"""Hold an invitation: a one-time ticket that the host sends or prints in place of a password."""

from __future__ import annotations

from datetime import datetime

import attrs

from .._value import Value
from ..contacts import ContactId
from ..secret import Secret


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Invitation(Value):
    """
    What `ResetService.invite` returns. Only a digest of the ticket is stored, so it cannot be shown again.

    Attributes:
        contact_id: Who is invited.
        ticket: What `SignInService.complete_change` takes, in the form ``contact_id.secret``. Quote it in a link.
        expires_at: When it stops working.
    """

    contact_id: ContactId
    ticket: Secret
    expires_at: datetime
