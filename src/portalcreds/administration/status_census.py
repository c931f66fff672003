"""Count accounts by status, and day by day: how far a district is from its defaults to passwords of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple, TypeVar

import attrs

from .._table import Counted, how_many, told
from .._value import Value
from ..accounts import AccountStatus
from ..status_counts import StatusGroup, StatusQuery

_T = TypeVar("_T")


class CensusDay(NamedTuple):
    """
    How far it was at the end of a day.

    Attributes:
        day: The day.
        issued: Accounts whose last default was issued by then, since the census's first day.
        changed: How many of them had chosen a password of their own by then.
    """

    day: date
    issued: int
    changed: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StatusCensus(Counted, Value):
    """
    How many of the accounts that an operator may see are in which status.

    Attributes:
        query: The instant that the statuses are of, and the first of the days.
        counts: The accounts of each group.
        hidden: Accounts that the operator may not see, and that are not counted.
    """

    query: StatusQuery
    counts: Mapping[StatusGroup, int] = attrs.field(repr=False, hash=False)
    hidden: int = 0

    @property
    def accounts(self) -> int:
        """How many accounts are counted."""
        return sum(self.counts.values())

    @property
    def by_status(self) -> dict[AccountStatus, int]:
        """The accounts of each status, of which there may be none."""
        sums = self._sums(lambda group: AccountStatus(group.status))
        return {status: sums[status] for status in AccountStatus}

    @property
    def live_by_age(self) -> dict[int, int]:
        """The live defaults by the whole days since they were issued, the newest first."""
        return dict(sorted(self._sums(lambda group: group.age).items()))

    @property
    def live_by_days_left(self) -> dict[int, int]:
        """The live defaults by the whole days until they expire, the soonest first."""
        return dict(sorted(self._sums(lambda group: group.days_left).items()))

    @property
    def days(self) -> Sequence[CensusDay]:
        """
        Each day since the first, today included, with the sums up to it.

        A default that was issued again counts from the last time on. So do imported hashes whose owners chose a
        password of their own since.
        """
        issued, changed = self._sums(lambda group: group.issued_on), self._sums(lambda group: group.changed_on)
        first, today = self.query.day_of(self.query.since), self.query.day_of(self.query.now)
        days: list[CensusDay] = []
        sums = 0, 0
        for day in (first + timedelta(days=n) for n in range((today - first).days + 1)):
            sums = sums[0] + issued[day], sums[1] + changed[day]
            days.append(CensusDay(day, *sums))
        return tuple(days)

    @property
    def chart(self) -> dict[str, list[str] | list[int]]:
        """The days as columns ``day`` (ISO 8601), ``issued`` and ``changed``, such as for a DataFrame or as JSON."""
        days = self.days
        return {
            "day": [each.day.isoformat() for each in days],
            "issued": [each.issued for each in days],
            "changed": [each.changed for each in days],
        }

    def to_records(self) -> list[dict[str, str | int | None]]:
        """Return the counts as plain records, live defaults by age and by the days that are left."""
        sums = self._sums(lambda group: (AccountStatus(group.status), group.age, group.days_left))
        order = list(AccountStatus)
        rows = sorted(sums.items(), key=lambda row: (order.index(row[0][0]), row[0][1] or 0, row[0][2] or 0))
        return [
            {
                "status": status.value,
                "age_days": age,
                "days_left": days_left,
                "accounts": accounts,
            }
            for (status, age, days_left), accounts in rows
        ]

    @property
    def _summary(self) -> str:
        statuses = told({status.value: count for status, count in self.by_status.items()})
        return f"{how_many(self.accounts, 'account')} ({statuses}; {self.hidden} hidden)"

    def _sums(self, of: Callable[[StatusGroup], _T | None]) -> Counter[_T]:
        """Return how many accounts have what the groups say, of which some say nothing."""
        sums: Counter[_T] = Counter()
        for group, accounts in self.counts.items():
            said = of(group)
            if said is not None:
                sums[said] += accounts
        return sums
