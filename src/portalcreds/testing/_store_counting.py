"""The rules for counting by status: the numbers are those of `StatusQuery.group_of`, account by account."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import attrs

from ..accounts import Account, AccountStatus, Credential, CredentialOrigin
from ..protocols import AccountStore
from ..status_counts import MAX_SPAN, StatusQuery
from ._store_samples import HASH, NOW, add, an_account, issued, step

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


class CountingRules:
    """What `count_statuses` must do, where a store has it."""

    def test_statuses_are_counted_as_each_account_says(self, store: AccountStore) -> None:
        """Every status, age, expiry and day has the number of accounts that are in it, at whatever instant."""
        count_statuses = _counting(store)
        accounts = _class_of_accounts()
        add(store, *accounts)
        for now in (NOW, NOW - _MICROSECOND, NOW + 3 * _DAY):
            for since in (now, now - _DAY, now - MAX_SPAN):
                for hours in (0, -8, 14):
                    query = StatusQuery(now=now, since=since, utc_offset=timedelta(hours=hours))
                    counts = count_statuses(query)
                    assert dict(counts) == dict(query.count(accounts))
                    statuses = [account.status(now) for account in accounts]
                    for status in AccountStatus:
                        counted = sum(number for group, number in counts.items() if group.status == status)
                        assert counted == statuses.count(status), status

    def test_nobody_is_counted_in_an_empty_store(self, store: AccountStore) -> None:
        """Without accounts there are no groups, rather than groups of nobody."""
        assert dict(_counting(store)(StatusQuery(now=NOW, since=NOW))) == {}

    def test_what_was_erased_is_not_counted(self, store: AccountStore) -> None:
        """An erased account is in no number, as it is on no page."""
        account = an_account("1")
        add(store, account)
        step(store, account, account.erase(erased_at=NOW))
        assert dict(_counting(store)(StatusQuery(now=NOW, since=NOW))) == {}

    def test_a_count_sees_what_was_just_written(self, store: AccountStore) -> None:
        """The numbers are not kept: whoever looks after a reset sees it."""
        count_statuses, query = _counting(store), StatusQuery(now=NOW, since=NOW - _DAY)
        account = an_account("1")
        add(store, account)
        assert dict(count_statuses(query)) == dict(query.count([account]))
        new = step(store, account, issued(account))
        assert dict(count_statuses(query)) == dict(query.count([new]))


def _counting(store: AccountStore) -> Any:
    count = getattr(store, "count_statuses", None)
    if count is None:
        # Here, because an application that only imports the package has no pytest.
        import pytest

        pytest.skip("not tried without count_statuses: a store need not be a CensusStore")
    return count


def _class_of_accounts() -> list[Account]:
    """Return accounts of every status, whose instants lie around midnight, now and a year ago."""
    draw = Random(7)  # noqa: S311  Nothing secret is drawn.
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    around: list[datetime] = [
        at + days * _DAY + about * _MICROSECOND
        for at in (NOW, midnight)
        for days in (-366, -15, -1, 0, 1, 40)
        for about in (-1, 0, 1)
    ]
    accounts: list[Account] = []
    for number in range(150):
        at, changed_at, expires_at = (draw.choice(around) for _ in range(3))
        shape = number % 5
        if shape == 0:
            credential = Credential()
        elif shape < 3:
            credential = issued(an_account("x"), expires_at=expires_at).credential
            credential = attrs.evolve(credential, issued_at=at, changed_at=changed_at)
        else:
            origin = CredentialOrigin.CHOSEN if draw.random() < 0.7 else CredentialOrigin.IMPORTED
            credential = Credential(
                password_hash=HASH,
                origin=origin,
                change_required_by="compromised" if draw.random() < 0.2 else None,
                issued_at=at if draw.random() < 0.9 else None,
                changed_at=changed_at if origin == CredentialOrigin.CHOSEN else None,
            )
        accounts.append(
            attrs.evolve(an_account(str(number)), credential=credential, is_active=draw.random() < 0.9, version=1)
        )
    return accounts
