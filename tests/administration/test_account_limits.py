"""Which limits keep an owner out, what lifts them, and that no step shows what takes a privilege to see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from portal import GOOD_PASSWORD, NOBODY, OFFICE, START, Portal, issued, settled, ticket_of
from portalcreds.exceptions import PrivilegeDeniedError
from portalcreds.privileges import Grants, Privilege
from portalcreds.sign_in.outcomes import (
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignInDenied,
    TryLater,
)
from portalcreds.throttle import ReachedLimit


def test_the_office_sees_which_limits_keep_an_owner_out(portal: Portal) -> None:
    """R9: which limit holds and until when is told to whoever may unlock the account, and to nobody else."""
    issued(portal)
    assert portal.accounts.limits_on("c-1", OFFICE) == ()
    for _ in range(10):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    assert portal.accounts.limits_on("c-1", OFFICE) == (
        ReachedLimit(reason="username", until=START + timedelta(minutes=5)),
        ReachedLimit(reason="spent", until=None),
    )
    portal.clock.move(minutes=5)
    assert [limit.reason for limit in portal.accounts.limits_on("c-1", OFFICE)] == ["spent"]
    with pytest.raises(PrivilegeDeniedError):
        portal.accounts.limits_on("c-1", NOBODY)
    portal.accounts.unlock("c-1", OFFICE)
    assert portal.accounts.limits_on("c-1", OFFICE) == ()


@pytest.mark.parametrize("help_them", ["reset", "unlock", "wait"])
def test_the_office_sees_that_too_many_new_passwords_were_refused(portal: Portal, help_them: str) -> None:
    """R9: a contact whose every new password was refused is told to try later, and is helped like any other."""
    issued(portal)
    ticket = ticket_of(portal)
    for _ in range(10):
        assert isinstance(portal.sign_ins.complete_change(ticket, "short"), PasswordRefused)
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TryLater(retry_after=timedelta(minutes=5))
    assert portal.kinds("c-1").count("excess_rate_limit_exceeded change") == 1
    until = START + timedelta(minutes=5)
    assert portal.accounts.limits_on("c-1", OFFICE) == (ReachedLimit(reason="change", until=until),)
    if help_them == "reset":
        issued(portal)
        ticket = ticket_of(portal)
    elif help_them == "unlock":
        portal.accounts.unlock("c-1", OFFICE)
    else:
        portal.clock.move(minutes=5)
    assert portal.accounts.limits_on("c-1", OFFICE) == ()
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


@pytest.mark.parametrize("help_them", ["reset", "unlock"])
@pytest.mark.parametrize("guesses", [11, 30])
def test_an_owner_gets_in_at_once_after_the_office_helped(portal: Portal, help_them: str, guesses: int) -> None:
    """R9: the commonest call to the office ends with the parent signed in, whatever limit the guesses had met."""
    default = issued(portal)
    for number in range(guesses):
        # Half of them the owner's own.
        portal.sign_ins.sign_in("RAbbiatici ", "wrong", source="home" if number % 2 else f"elsewhere {number}")
        portal.clock.move(seconds=20)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default, source="home"), (TryLater, SignInDenied))
    if help_them == "reset":
        issued(portal)
    else:
        portal.accounts.unlock("c-1", OFFICE)
    assert portal.accounts.limits_on("c-1", OFFICE) == ()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default, source="home"), PasswordChangeRequired)


@pytest.mark.parametrize(
    "name",
    [
        "disable",
        "enable",
        "require_change",
        "erase",
        "unlock",
        "rename",
        "end_sessions",
        "rekey",
        "merge",
    ],
)
def test_no_step_shows_what_takes_a_privilege_to_see(portal: Portal, name: str) -> None:
    """R16: an operator without view_usernames gets no user name, name, address or hash out of any step."""
    account = settled(portal)
    assert account.credential.password_hash is not None
    seeing_nothing = Grants(privileges={"office": set(Privilege) - {Privilege.VIEW_USERNAMES}})
    blind = portal.with_parts(authorizer=seeing_nothing).accounts
    steps: dict[str, Callable[[], object]] = {
        "disable": lambda: blind.disable("c-1", OFFICE),
        "enable": lambda: blind.enable("c-1", OFFICE),
        "require_change": lambda: blind.require_change("c-1", OFFICE, reason="compromised"),
        "erase": lambda: blind.erase("c-1", OFFICE),
        "unlock": lambda: blind.unlock("c-1", OFFICE),
        "rename": lambda: blind.rename("c-1", OFFICE, username="rosa.a"),
        "end_sessions": lambda: blind.end_sessions("c-1", OFFICE),
        "rekey": lambda: blind.rekey("c-1", "n-9", OFFICE),
        "merge": lambda: blind.merge("c-1", "c-2", OFFICE, credential_of="c-1"),
    }
    told: Any = steps[name]()
    shown = f"{attrs.asdict(told)}{told!r}"
    for text in ("rabbiatici", "rosa", "Rosa", "Abbiatici", account.credential.password_hash.encoded):
        assert text not in shown
        assert not any(text in event.line() for event in portal.store.events())
