"""Ask a store how many accounts are in which status, and since when. What is counted where is defined here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import attrs

from ._arguments import refused_unless
from ._time import in_utc, utc
from ._value import Value
from .accounts import Account, AccountStatus, CredentialOrigin
from .exceptions import InvalidValueError

MAX_SPAN: Final = timedelta(days=366)
"""How far back the days may go: a school year."""

_DAY: Final = timedelta(days=1)


class StatusGroup(NamedTuple):
    """
    Accounts that are counted together.

    Attributes:
        status: Their status.
        age: How many whole days ago their live default was issued; None in any other status.
        days_left: In how many whole days it expires, 0 for today's last hours; None likewise.
        issued_on: The day on which their last default was issued, if that was asked for and they have it still or chose
            a password since; else None.
        changed_on: The day on which they chose one since; else None.
    """

    status: AccountStatus
    age: int | None = None
    days_left: int | None = None
    issued_on: date | None = None
    changed_on: date | None = None


_offset: Final = refused_unless(
    lambda value: isinstance(value, timedelta) and -_DAY < value < _DAY,
    "pass a timedelta of less than a day, such as timedelta(hours=-8)",
    error=InvalidValueError,
)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StatusQuery(Value):
    """
    What is counted, and at which instant.

    Attributes:
        now: When; statuses, ages and expiries are those at this instant.
        since: From when on the days are told on which defaults were issued and changed; at most 366 days ago.
        utc_offset: How far the school's clock is ahead of UTC, so that its days begin at its own midnight.

    Raises:
        InvalidValueError: An instant is not aware, *since* is too long ago, or *utc_offset* is a day or more.
    """

    now: datetime = attrs.field(converter=in_utc, validator=utc)
    since: datetime = attrs.field(converter=in_utc, validator=utc)
    utc_offset: timedelta = attrs.field(default=timedelta(0), validator=_offset)

    def __attrs_post_init__(self) -> None:
        if self.now - self.since > MAX_SPAN:
            raise InvalidValueError("since", f"pass an instant within the last {MAX_SPAN.days} days")

    def day_of(self, at: datetime) -> date:
        """Return the school's day at an instant, and today for what a clock ahead of this one wrote."""
        return (min(at, self.now) + self.utc_offset).date()

    def group_of(self, account: Account) -> StatusGroup | None:
        """Return where an account is counted, or None if it was erased. A store's own count must agree."""
        if account.erased_at is not None:
            return None
        status, credential = account.status(self.now), account.credential
        age, days_left, issued_on, changed_on = None, None, None, None
        issued_at, changed_at, expires_at = credential.issued_at, credential.changed_at, credential.expires_at
        if status == AccountStatus.DEFAULT_LIVE and issued_at is not None and expires_at is not None:
            age = max(timedelta(0), self.now - issued_at) // _DAY
            days_left = (expires_at - self.now) // _DAY
        is_chosen = credential.origin == CredentialOrigin.CHOSEN
        is_issued = is_chosen or credential.origin == CredentialOrigin.ISSUED
        if is_issued and issued_at is not None and issued_at >= self.since:
            issued_on = self.day_of(issued_at)
            if is_chosen and changed_at is not None and changed_at >= issued_at:
                changed_on = self.day_of(changed_at)
        return StatusGroup(status, age, days_left, issued_on, changed_on)

    def count(self, accounts: Iterable[Account]) -> Mapping[StatusGroup, int]:
        """Return how many of the accounts are in each group: what `CensusStore.count_statuses` returns of all."""
        return Counter(filter(None, map(self.group_of, accounts)))
