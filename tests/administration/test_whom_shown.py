"""Whom a page, a selection or a plan showed can be asked of the record (R16, R17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from portal import OFFICE, Portal
from portalcreds.accounts import Account
from portalcreds.audit import AuditEvent, AuditKind, showing
from portalcreds.privileges import Operator, Privilege

LOOKS: dict[str, Callable[[Portal], object]] = {
    "search": lambda portal: portal.accounts.search(OFFICE),
    "selection": lambda portal: portal.accounts.select_all(OFFICE),
    "plan": lambda portal: portal.resets.plan(["c-1", "c-2", "c-3", "c-4"], OFFICE),
    "import": lambda portal: portal.accounts.plan_import(
        [{"username": name, "password_hash": "$2b$12$x"} for name in ("rabbiatici", "avdberg", "suharto", "PObrien")],
        OFFICE,
    ),
}


@pytest.mark.parametrize("look", LOOKS)
def test_who_was_shown_is_found_and_who_was_hidden_is_not(portal: Portal, look: str) -> None:
    """Of four contacts the operator may see three."""

    def not_pat(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id != "c-2" for account in accounts]

    LOOKS[look](portal.with_parts(authorizer=not_pat))

    def told(contact_id: str) -> list[AuditEvent]:
        return list(showing(contact_id, portal.store.events()))

    (rosa,) = told("c-1")
    assert (rosa.kind, rosa.operator_id, rosa.count) == (AuditKind.CONTACTS_SHOWN, "office", 3)
    assert told("c-3") == told("c-4") == [rosa]
    assert told("c-2") == told("c-9") == []
    (looked,) = [event for event in portal.store.events() if event.kind is AuditKind.USERNAME_VIEWED]
    assert (looked.reason, looked.operation_id) == (look, rosa.operation_id)


def test_a_district_takes_a_row_for_dozens(portal: Portal) -> None:
    """The record of looking at many is far smaller than they are."""
    portal.add_school(500)
    before = len(portal.store.events())
    assert len(portal.accounts.select_all(OFFICE)) == 504
    assert len(portal.store.events()) - before == 1 + 8
