"""Say what can be done to an account, apart from setting its password, and what each step takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from .._spoken import Code
from ..accounts import Account
from ..audit import AuditKind
from ..privileges import Privilege


class AccountChange(Code):
    """What can be done to one account, or to many at once, apart from setting passwords."""

    DISABLE = "disable"
    ENABLE = "enable"
    UNLOCK = "unlock"
    REQUIRE_CHANGE = "require_change"
    END_SESSIONS = "end_sessions"
    ERASE = "erase"


def _never(account: Account) -> bool:
    return False


class Step(NamedTuple):
    """
    What a step on an account is.

    Attributes:
        privilege: What it takes.
        kind: What it is called on the record.
        change: Returns the account after it, given the time and the reason; None if the account stays as it is.
        is_done: Tells of an account whether there is nothing left to do.
    """

    privilege: Privilege
    kind: AuditKind
    change: Callable[[Account, datetime, str], Account] | None
    is_done: Callable[[Account], bool] = _never


STEPS: Final[Mapping[AccountChange, Step]] = {
    AccountChange.DISABLE: Step(
        Privilege.DISABLE,
        AuditKind.ACCOUNT_DISABLED,
        lambda account, at, reason: account.disable(),
        lambda account: not account.is_active,
    ),
    AccountChange.ENABLE: Step(
        Privilege.DISABLE,
        AuditKind.ACCOUNT_ENABLED,
        lambda account, at, reason: account.enable(),
        lambda account: account.is_active,
    ),
    AccountChange.UNLOCK: Step(Privilege.UNLOCK, AuditKind.CREDENTIAL_UNLOCKED, None),
    AccountChange.REQUIRE_CHANGE: Step(
        Privilege.REQUIRE_CHANGE,
        AuditKind.CHANGE_REQUIRED,
        lambda account, at, reason: account.require_change(reason),
    ),
    AccountChange.END_SESSIONS: Step(
        Privilege.END_SESSIONS,
        AuditKind.SESSIONS_ENDED,
        lambda account, at, reason: account.end_sessions(),
    ),
    AccountChange.ERASE: Step(
        Privilege.ERASE,
        AuditKind.ACCOUNT_ERASED,
        lambda account, at, reason: account.erase(erased_at=at),
        lambda account: account.erased_at is not None,
    ),
}
"""What each change is."""
