"""The steps of the account service, and what tests read of an account afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal import ROSA, Portal
from portalcreds.account_queries import AccountPage
from portalcreds.administration import AccountSummary, Renamed, UsernameTaken
from portalcreds.administration.service import AccountService
from portalcreds.contacts import ContactId
from portalcreds.privileges import Operator, Privilege
from portalcreds.throttle import Throttle

ROSA_ID = ROSA.contact_id
PARENT = Operator(operator_id="office", contact_id=ROSA_ID)

Step = Callable[[AccountService, Operator], AccountSummary | Renamed | UsernameTaken]
STEPS: dict[Privilege, Step] = {
    Privilege.DISABLE: lambda service, operator: service.disable("c-1", operator),
    Privilege.RENAME: lambda service, operator: service.rename("c-1", operator, username="rosa.a"),
    Privilege.ERASE: lambda service, operator: service.erase("c-1", operator),
    Privilege.UNLOCK: lambda service, operator: service.unlock("c-1", operator),
    Privilege.REQUIRE_CHANGE: lambda service, operator: service.require_change("c-1", operator, reason="compromised"),
    Privilege.END_SESSIONS: lambda service, operator: service.end_sessions("c-1", operator),
}
"""One step for each privilege."""

WRITING: dict[str, Step] = {
    **{privilege.value: step for privilege, step in STEPS.items() if privilege is not Privilege.UNLOCK},
    "enable": lambda service, operator: service.enable("c-1", operator),
}
"""The steps that write, by name."""


def ids(page: AccountPage) -> list[str]:
    """Return the contacts on a page."""
    return [account.contact_id for account in page.accounts]


def last_event(portal: Portal, contact_id: str | None = "c-1") -> tuple[Any, ...]:
    """Return the last line about a contact: what, by whom, why."""
    event = portal.store.events(None if contact_id is None else ContactId(contact_id))[-1]
    return event.kind, event.operator_id, event.reason


def of(portal: Portal, **parts: Any) -> AccountService:
    """Return a service with parts that `Portal` has no keyword for."""
    throttle = Throttle(portal.counter, clock=portal.clock)
    defaults: dict[str, Any] = {"authorizer": portal.authorizer, "throttle": throttle, "clock": portal.clock}
    return AccountService(portal.store, **defaults | parts)
