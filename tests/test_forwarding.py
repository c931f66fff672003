"""What goes on the record goes to a log as well, and a log that fails stops nobody (R17)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from portal import OFFICE, Portal, issued, settled
from portalcreds.audit import AuditEvent
from portalcreds.exceptions import StoreUnavailableError
from portalcreds.forwarding import ForwardingSink
from portalcreds.sign_in.outcomes import SignInDenied


def test_every_event_is_handed_on_once_and_in_order(portal: Portal) -> None:
    """Those of changes, of sign-ins, of jobs and of look-ups: the log has what the record has."""
    before = len(portal.store.events())
    heard: list[AuditEvent] = []
    told = portal.with_parts(audit=ForwardingSink(portal.store, heard.append))
    issued(told)
    settled(told, "c-2")
    told.sign_ins.sign_in("rabbiatici", "wrong")
    told.accounts.search(OFFICE)
    told.accounts.rename("c-1", OFFICE, username="pobrien")
    told.accounts.unlock("c-1", OFFICE)
    told.resets.reset_password("c-3", OFFICE)
    told.accounts.disable("c-3", OFFICE)
    told.accounts.merge("c-3", "c-2", OFFICE, credential_of="c-2")
    assert len(heard) > 12
    assert heard == list(portal.store.events()[before:])


def test_a_log_that_fails_undoes_nothing(portal: Portal) -> None:
    """R17: the record is whole, whatever becomes of the copy."""

    def fail(event: AuditEvent) -> None:
        raise RuntimeError("the log's disk is full")

    told = portal.with_parts(audit=ForwardingSink(portal.store, fail))
    settled(told)
    assert isinstance(told.sign_ins.sign_in("rabbiatici", "wrong"), SignInDenied)
    assert portal.kinds("c-1")[-1] == "authn_login_fail wrong_password"


def test_what_is_not_on_the_record_is_not_handed_on(portal: Portal) -> None:
    """A log that tells more than the record would be taken for it."""
    heard: list[AuditEvent] = []

    class Full:
        def record(self, events: Sequence[AuditEvent], /) -> None:
            raise StoreUnavailableError("record", "disk_full")

    told = portal.with_parts(audit=ForwardingSink(Full(), heard.append))
    with pytest.raises(StoreUnavailableError):
        told.accounts.get("c-1", OFFICE)
    told.accounts.rename("c-1", OFFICE, username="pobriene")
    assert [event.kind.value for event in heard] == ["user_updated.rename"]
