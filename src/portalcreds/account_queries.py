"""Ask a store for one page of accounts; what a query means is said here once, for every store."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import attrs

from ._text import has_surrogate, search_key
from .accounts import Account, AccountStatus
from .exceptions import InvalidValueError

MAX_PAGE_SIZE: Final = 1000
"""Accounts on one page; a page is for a person to read."""

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class AccountOrder(StrEnum):
    """What a page is sorted by. Ties are broken by the contact's id; text sorts by code point."""

    USERNAME = "username"
    LAST_NAME = "last_name"
    EXPIRY = "expiry"


def _prefix(query: object, attribute: attrs.Attribute[str | None], value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise InvalidValueError(attribute.name, "pass the text that was typed, or None for no filter")


def _limit(query: object, attribute: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or not 1 <= value <= MAX_PAGE_SIZE:
        raise InvalidValueError(attribute.name, f"pass a whole number from 1 to {MAX_PAGE_SIZE}")


def _status(value: str | None) -> AccountStatus | None:
    if value is None:
        return None
    try:
        return AccountStatus(value)
    except ValueError:
        codes = ", ".join(AccountStatus)
        raise InvalidValueError("status", f"pass an AccountStatus, one of: {codes}") from None


@attrs.frozen(kw_only=True)
class AccountQuery:
    """
    Which accounts, and which page of them.

    Attributes:
        now: The instant that the statuses hold at.
        username_prefix: What user names begin with, folded as user names are; not together with
            *last_name_prefix*.
        last_name_prefix: What last names begin with, folded the same way.
        status: The status to be in, or None for any.
        after: `AccountPage.next` of the page before, or None for the first page.
        limit: How many accounts at most, from 1 to 1,000.

    Raises:
        InvalidValueError: A filter or the limit cannot be taken, or *after* is not from a page of the same query.
    """

    now: datetime
    username_prefix: str | None = attrs.field(default=None, repr=False, validator=_prefix)
    last_name_prefix: str | None = attrs.field(default=None, repr=False, validator=_prefix)
    status: AccountStatus | None = attrs.field(default=None, converter=_status)
    after: str | None = attrs.field(default=None, repr=False)
    limit: int = attrs.field(default=50, validator=_limit)

    def __attrs_post_init__(self) -> None:
        if self.username_prefix is not None and self.last_name_prefix is not None:
            raise InvalidValueError("last_name_prefix", "filter by user name or by last name, one query each")
        _ = self.position  # A token that cannot be read is refused here, and not by each store in its own way.

    @property
    def order(self) -> AccountOrder:
        """What the page is sorted by: the prefix that filters, else the expiry of defaults, else the last name."""
        if self.username_prefix is not None:
            return AccountOrder.USERNAME
        if self.last_name_prefix is None and self.status in (AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED):
            return AccountOrder.EXPIRY
        return AccountOrder.LAST_NAME

    @property
    def key_prefix(self) -> str:
        """The prefix in the form that stored keys have; empty for no filter."""
        return search_key(self.username_prefix or self.last_name_prefix or "")

    @property
    def position(self) -> tuple[str | int, str] | None:
        """The sort key and contact id that the page begins after, or None for the first page."""
        return None if self.after is None else _read_token(self.order, self.after)

    def sort_key(self, account: Account) -> tuple[str | int, str]:
        """Return where *account* stands in this query's order."""
        if self.order == AccountOrder.USERNAME:
            return account.username_key or "", account.contact_id
        if self.order == AccountOrder.EXPIRY:
            expires_at = account.credential.expires_at or _EPOCH
            return micros(expires_at), account.contact_id
        return search_key(account.contact.last_name or ""), account.contact_id

    def matches(self, account: Account) -> bool:
        """Return whether *account* belongs to the result, on whichever page: what a store's own filter must equal."""
        if account.erased_at is not None:
            return False
        if self.status is not None and account.status(self.now) != self.status:
            return False
        if self.username_prefix is not None:
            return (account.username_key or "").startswith(self.key_prefix) and account.username is not None
        if self.last_name_prefix is not None:
            return search_key(account.contact.last_name or "").startswith(self.key_prefix)
        return True

    def page(self, accounts: Sequence[Account]) -> AccountPage:
        """Return the page that *accounts* make: sorted, begun after `position`, one more than *limit* if there is."""
        more = len(accounts) > self.limit
        shown = tuple(accounts[: self.limit])
        return AccountPage(accounts=shown, next=self.after_account(shown[-1]) if more else None)

    def after_account(self, account: Account) -> str:
        """Return the *after* of the page that begins after *account*."""
        return _token(self.order, self.sort_key(account))


@attrs.frozen(kw_only=True)
class AccountPage:
    """
    One page of accounts.

    Attributes:
        accounts: The accounts, in order.
        next: What to pass as *after* for the next page, or None on the last. It holds the sort key of the last account,
            which is personal data: keep it out of logs and out of addresses that are logged.
    """

    accounts: tuple[Account, ...] = ()
    next: str | None = attrs.field(default=None, repr=False)

    def to_records(self, now: datetime) -> list[dict[str, str | None]]:
        """Return the rows of the grid as plain records with names and user names, as they are at the instant *now*."""
        return [
            {
                "contact_id": account.contact_id,
                "first_name": account.contact.first_name,
                "last_name": account.contact.last_name,
                "username": account.username,
                "status": account.status(now).value,
                "warning": "default_of_old_name" if account.has_default_of_old_name else None,
                "last_sign_in_at": _instant(account.last_sign_in_at),
            }
            for account in self.accounts
        ]


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def micros(at: datetime) -> int:
    """Return an instant as whole microseconds since 1970 in UTC, exactly."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _token(order: AccountOrder, position: tuple[str | int, str]) -> str:
    text = json.dumps([order.value, *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode("ascii")


def _read_token(order: AccountOrder, token: str) -> tuple[str | int, str]:
    try:
        parts = json.loads(base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True))
    except (AttributeError, ValueError, RecursionError):
        parts = None
    # A list: an object with three keys would be taken apart too.
    name, key, contact_id = parts if type(parts) is list and len(parts) == 3 else (None, None, None)
    expected = int if order == AccountOrder.EXPIRY else str
    texts = [part for part in (key, contact_id) if isinstance(part, str)]
    readable = not any("\0" in text or has_surrogate(text) for text in texts)
    if name != order.value or type(key) is not expected or type(contact_id) is not str or not readable:
        raise InvalidValueError("after", "pass AccountPage.next of a page with the same filters, unchanged")
    return key, contact_id
