"""Ask a store for one page of accounts. What a query means is defined here, for every store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypedDict

import attrs

from ._arguments import is_text, refused_unless
from ._search_words import name_key, search_words, typed_words
from ._spoken import Code
from ._table import Counted, how_many, told
from ._text import has_surrogate
from ._time import EPOCH, in_utc, micros, utc_or_none
from ._value import Value
from .accounts import Account, AccountStatus
from .exceptions import InvalidValueError

MAX_PAGE_SIZE: Final = 1000
"""Accounts on one page; a page is for a person to read."""


class AccountOrder(Code):
    """
    What a page is sorted by. Ties are broken by the contact's id.

    An order by an instant lists only the accounts that have one.
    """

    NAME = "name"
    """Last name, then first name, without case and accents: Łoś is under L."""

    EXPIRY = "expiry"
    """When defaults expire, the soonest first; accounts with a live or an expired default."""

    LAST_SIGN_IN = "last_sign_in"
    """When the owner last signed in, the longest ago first; accounts that were ever signed in to."""


_DEFAULTS: Final = (AccountStatus.DEFAULT_LIVE, AccountStatus.DEFAULT_EXPIRED)


_typed: Final = refused_unless(
    is_text, "pass the text that was typed; an empty one filters nothing", error=InvalidValueError
)
_limit: Final = refused_unless(
    lambda value: type(value) is int and 1 <= value <= MAX_PAGE_SIZE,
    f"pass a whole number from 1 to {MAX_PAGE_SIZE}",
    error=InvalidValueError,
)
# A text such as "no" would count as yes.
_flag: Final = refused_unless(lambda value: type(value) is bool, "pass True or False", error=InvalidValueError)


def _status(value: str | None) -> AccountStatus | None:
    if value is None:
        return None
    try:
        return AccountStatus(value)
    except ValueError:
        codes = ", ".join(AccountStatus)
        raise InvalidValueError("status", f"pass an AccountStatus, one of: {codes}") from None


def _order(value: str) -> AccountOrder:
    try:
        return AccountOrder(value)
    except ValueError:
        raise InvalidValueError("order", f"pass an AccountOrder, one of: {', '.join(AccountOrder)}") from None


class AccountFilters(TypedDict, total=False):
    """The filters of an `AccountQuery`, each of which may be left out, as keywords of a search."""

    words: str
    status: AccountStatus | None
    expires_before: datetime | None
    issued_before: datetime | None
    unchanged_since: datetime | None
    or_never_issued: bool
    never_signed_in: bool
    without_username: bool


@attrs.frozen(kw_only=True, eq=False, repr=False)
class AccountQuery(Value):
    """
    Which accounts, in which order, and which page of them. Filters are joined by *and*.

    Attributes:
        now: When; statuses are those at this instant.
        words: What was typed to find people. Each word must begin a word of the first name, the last name, the user
            name or the e-mail address, whatever the case, the accents and the width; apostrophes do not count, and
            hyphens and blanks split words.
        status: The status that accounts have, or None for any.
        expires_before: Only live and expired defaults that expire before this instant.
        issued_before: Only accounts whose last default was issued before this instant.
        unchanged_since: Only live and expired defaults that were issued at this instant or later: who has not changed
            the password yet.
        or_never_issued: Besides those, accounts that were never issued a default; False without *unchanged_since*.
        never_signed_in: Only accounts that their owners never signed in to.
        without_username: Only accounts that have no user name.
        order: What the page is sorted by.
        after: `AccountPage.next` of the page before, or None for the first page.
        limit: How many accounts at most, from 1 to 1,000.
        typed: The words that were typed, folded like those that accounts are found by.

    Raises:
        InvalidValueError: A filter, the order or the limit cannot be taken, or *after* is not from a page of the same
            order.
    """

    now: datetime
    words: str = attrs.field(default="", repr=False, validator=_typed)
    status: AccountStatus | None = attrs.field(default=None, converter=_status)
    expires_before: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    issued_before: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    unchanged_since: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    or_never_issued: bool = attrs.field(default=False, validator=_flag)
    never_signed_in: bool = attrs.field(default=False, validator=_flag)
    without_username: bool = attrs.field(default=False, validator=_flag)
    order: AccountOrder = attrs.field(default=AccountOrder.NAME, converter=_order)
    after: str | None = attrs.field(default=None, repr=False)
    limit: int = attrs.field(default=50, validator=_limit)
    typed: tuple[str, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "typed", typed_words(self.words))
        if self.order == AccountOrder.EXPIRY and self.status not in (None, *_DEFAULTS):
            raise InvalidValueError("order", "sort by expiry only defaults, which have one")
        if self.or_never_issued and self.unchanged_since is None:
            raise InvalidValueError("or_never_issued", "pass unchanged_since too, or status='never_issued' alone")
        _ = self.position  # Refuse an unreadable token here, and not in each store in its own way.

    @property
    def wants_defaults(self) -> bool:
        """Whether only accounts with a live or an expired default match."""
        is_unchanged = self.unchanged_since is not None and not self.or_never_issued
        is_about_expiry = self.expires_before is not None or self.order == AccountOrder.EXPIRY
        return is_about_expiry or is_unchanged or self.status in _DEFAULTS

    @property
    def position(self) -> tuple[str | int, str] | None:
        """The sort key and contact id after which the page begins, or None for the first page."""
        return None if self.after is None else _read_token(self.order, self.after)

    def sort_key(self, account: Account) -> tuple[str | int, str]:
        """Return the account's place in this query's order."""
        if self.order == AccountOrder.NAME:
            return name_key(account.contact.last_name, account.contact.first_name), account.contact_id
        is_by_expiry = self.order == AccountOrder.EXPIRY
        at = account.credential.expires_at if is_by_expiry else account.last_sign_in_at
        return micros(at or EPOCH), account.contact_id

    def matches(self, account: Account) -> bool:
        """Return whether *account* is in the result, on any page. A store's own filter must agree."""
        if account.erased_at is not None:
            return False
        status = account.status(self.now)
        credential = account.credential
        if self.status is not None and status != self.status:
            return False
        if self.wants_defaults and status not in _DEFAULTS:
            return False
        if self.expires_before is not None and not _is_before(credential.expires_at, self.expires_before):
            return False
        if self.issued_before is not None and not _is_before(credential.issued_at, self.issued_before):
            return False
        if self.unchanged_since is not None and not self._is_unchanged(account, status, self.unchanged_since):
            return False
        if account.last_sign_in_at is None and self.order == AccountOrder.LAST_SIGN_IN:
            return False
        if self.never_signed_in and account.last_sign_in_at is not None:
            return False
        if self.without_username and account.username is not None:
            return False
        return not self.typed or self._has_words(account)

    def _is_unchanged(self, account: Account, status: AccountStatus, since: datetime) -> bool:
        if status == AccountStatus.NEVER_ISSUED:
            return self.or_never_issued
        issued_at = account.credential.issued_at
        return status in _DEFAULTS and issued_at is not None and issued_at >= since

    def _has_words(self, account: Account) -> bool:
        words = words_of(account)
        return all(any(word.startswith(typed) for word in words) for typed in self.typed)

    def page(self, accounts: Sequence[Account]) -> AccountPage:
        """
        Return *accounts* as a page.

        Args:
            accounts: Sorted, starting after `position`; one more than *limit* if there are more.
        """
        more = len(accounts) > self.limit
        shown = tuple(accounts[: self.limit])
        return AccountPage(now=self.now, accounts=shown, next=self.after_account(shown[-1]) if more else None)

    def after_account(self, account: Account) -> str:
        """Return the *after* of the page that begins after *account*."""
        return self.after_position(self.sort_key(account))

    def after_position(self, position: tuple[str | int, str]) -> str:
        """Return the *after* of the page that begins after a sort key and contact id, as `position` has them."""
        import base64
        import json

        text = json.dumps([self.order.value, *position], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode("ascii")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class AccountPage(Counted, Value):
    """
    One page of accounts.

    Attributes:
        now: The instant that the statuses are of.
        accounts: The accounts, in order.
        next: What to pass as *after* for the next page, or None on the last page. It may contain a name: keep it out
            of logs, and out of URLs that are logged.
        is_cut: Whether so many accounts are hidden from the operator that the reading stopped before one was found to
            show. The page is empty then and the last; narrow the search, or open the store with a scope. A store never
            says so, only `AccountService.search`.
    """

    now: datetime
    accounts: tuple[Account, ...] = ()
    next: str | None = attrs.field(default=None, repr=False)
    is_cut: bool = False

    @property
    def _summary(self) -> str:
        counts = dict.fromkeys((status.value for status in AccountStatus), 0)
        for account in self.accounts:
            counts[account.status(self.now).value] += 1
        rest = "; cut, narrow the search" if self.is_cut else "; more on the next page" if self.next else ""
        return f"{how_many(len(self.accounts), 'account')} ({told(counts)}{rest})"

    def to_records(self) -> list[dict[str, str | None]]:
        """Return plain records with names and user names, for a grid or a DataFrame, with the statuses at *now*."""
        return [account.to_record(self.now) for account in self.accounts]


def words_of(account: Account) -> tuple[str, ...]:
    """Return the words by which an account is found; none of one that was erased."""
    if account.erased_at is not None:
        return ()
    contact = account.contact
    return search_words((contact.last_name, contact.first_name, account.username, contact.email))


def _is_before(at: datetime | None, limit: datetime) -> bool:
    return at is not None and at < limit


def _read_token(order: AccountOrder, token: str) -> tuple[str | int, str]:
    import base64
    import json

    try:
        parts = json.loads(base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True))
    except (AttributeError, ValueError, RecursionError):
        parts = None
    # A list: an object with three keys would be taken apart too.
    name, key, contact_id = parts if type(parts) is list and len(parts) == 3 else (None, None, None)
    expected = str if order == AccountOrder.NAME else int
    texts = [part for part in (key, contact_id) if isinstance(part, str)]
    readable = not any("\0" in text or has_surrogate(text) for text in texts)
    if name != order.value or type(key) is not expected or type(contact_id) is not str or not readable:
        raise InvalidValueError("after", "pass AccountPage.next of a page in the same order, unchanged")
    return key, contact_id
