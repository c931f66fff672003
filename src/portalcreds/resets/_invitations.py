"""Draw invitations: what a job draws in place of default passwords."""

from __future__ import annotations

from typing import Final

from .._ids import new_ticket
from ..accounts import INVITATION
from ..contacts import Contact
from ..derived import Derived
from ..secret import Secret


class Invitations:
    """Stands for the strategy of a plan that invites: it draws a ticket for each contact, whatever the names."""

    id: Final = INVITATION
    is_derivable: Final = False

    def derive(self, contact: Contact, /) -> Derived:
        """Return a new ticket for the contact."""
        return Derived(secret=Secret(new_ticket(contact.contact_id)))
