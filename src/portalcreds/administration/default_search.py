"""Find the accounts whose password is a default that can be worked out from the contact's names."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import attrs

from .._privilege_check import PrivilegeCheck
from .._spoken import Code
from .._value import Value
from ..account_queries import AccountQuery
from ..accounts import Account, CredentialOrigin, PasswordHash
from ..audit import AuditKind
from ..contacts import ContactId
from ..exceptions import UnderivableError
from ..privileges import Operator, Privilege
from ..protocols import AccountStore, DefaultPasswordStrategy, HashDescriber, HashMatcher
from ..secret import Secret
from ._grid import Grid

_PAGE: Final = 200
"""Accounts read at a time, and told again at most when a search goes on after a stop."""


class UntriedReason(Code):
    """Why nobody knows whether a default is the password."""

    HASH_UNKNOWN = "hash_unknown"
    """No verifier takes the hash: give the hasher one that does."""

    HASH_TOO_LONG = "hash_too_long"
    """The hash is longer than any that is known."""

    HASH_REFUSED = "hash_refused"
    """The hash is malformed, or asks for more memory or time than is allowed."""

    MISSING_KEY = "missing_key"
    """The hash names a key that is not on the ring: put it back."""

    VERIFIER_FAILED = "verifier_failed"
    """The verifier raised an error of its own."""

    NOT_DERIVABLE = "not_derivable"
    """No strategy makes a default of the contact's names."""

    STRATEGY_FAILED = "strategy_failed"
    """A strategy raised an error of its own, and no other one made the password."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class DefaultFinding(Value):
    """
    An account whose password is a default, or of which that cannot be told. It has no names and no password.

    Attributes:
        contact_id: Whose account.
        strategy: The id of the strategy that makes the password; None if that cannot be told.
        reason: Why it cannot be told; None if the password is a default.
    """

    contact_id: ContactId
    strategy: str | None = None
    reason: UntriedReason | None = None

    @property
    def is_on_default(self) -> bool:
        """Whether the password is a default."""
        return self.strategy is not None


class _Trial(NamedTuple):
    """One account's hash, what is tried on it, and why something was not."""

    account: Account
    password_hash: PasswordHash
    passwords: Sequence[Secret]
    strategies: Sequence[str]
    reason: UntriedReason | None


class DefaultSearch:
    """
    A search under way: iterate over it for the findings, which come as they are made. Nothing is changed.

    Leaving the loop stops it; how many were tried goes on the record when it ends or is dropped. To go on later, in any
    process, pass `after` to another `AccountService.find_on_default`.

    Attributes:
        after: Where to go on: it tells again what was found among the last 200 accounts, and leaves out none. None at
            the beginning, and when all is done. It may contain a name of one that was tried: keep it out of logs.
        tried: Accounts that defaults were tried on so far.
        found: How many of them are on a default.
        hidden: Accounts that were left out, because the operator may not.
        is_finished: Whether all accounts were reached.
    """

    def __init__(
        self,
        *,
        store: AccountStore,
        grid: Grid,
        check: PrivilegeCheck,
        hasher: HashDescriber,
        matcher: HashMatcher,
        record: Callable[..., None],
        operator: Operator,
        query: AccountQuery,
        strategies: Sequence[DefaultPasswordStrategy],
        origins: frozenset[CredentialOrigin],
        per_second: float | None,
    ) -> None:
        self._store = store
        self._grid = grid
        self._check = check
        self._hasher = hasher
        self._matcher = matcher
        self._record = record
        self._operator = operator
        self._query = attrs.evolve(query, limit=_PAGE)
        self._strategies = strategies
        self._origins = origins
        self._pause = 0.0 if per_second is None else 1 / per_second
        self._next_at = 0.0
        self._findings: Iterator[DefaultFinding] | None = None
        self.after = query.after
        self.tried: int = 0
        self.found: int = 0
        self.hidden: int = 0
        self.is_finished: bool = False

    def __iter__(self) -> Iterator[DefaultFinding]:
        # One iterator, however often it is asked for: nothing is tried twice.
        if self._findings is None:
            self._findings = self._search()
        return self._findings

    def __repr__(self) -> str:
        state = "finished" if self.is_finished else "under way"
        return f"<{type(self).__name__} {state}: {self.found} of {self.tried} on a default, {self.hidden} hidden>"

    def _search(self) -> Iterator[DefaultFinding]:
        # Before anything is tried: what cannot be recorded is refused. Two or three lines, however many accounts.
        self._record(AuditKind.DEFAULTS_TRIED, self._operator, reason="begun")
        try:
            reading = self._query
            while not self.is_finished:
                page = self._store.search(reading)
                last = yield from self._try_page(page.accounts)
                self.is_finished = page.next is None
                if self.is_finished:
                    self.after = None
                elif last is not None:
                    # Not after the page's last: the token may hold a name, and that account may be a hidden one.
                    self.after = self._grid.after(reading, page, last)
                reading = attrs.evolve(reading, after=page.next)
        finally:
            self._record(AuditKind.DEFAULTS_TRIED, self._operator, count=self.tried, reason="tried")
            self._record(AuditKind.DEFAULTS_TRIED, self._operator, count=self.found, reason="found")
            if self.hidden:
                reason = Privilege.FIND_DEFAULTS.value
                self._record(AuditKind.PRIVILEGE_DENIED, self._operator, count=self.hidden, reason=reason)

    def _try_page(self, accounts: Iterable[Account]) -> Generator[DefaultFinding, None, Account | None]:
        """Yield what is found, and return the last account that defaults may be tried on, or None."""
        meant = [account for account in accounts if account.credential.origin in self._origins]
        may = self._check.permitted(self._operator, Privilege.FIND_DEFAULTS, meant)
        self.hidden += may.count(False)
        trials = [
            self._prepare(account, account.credential.password_hash)
            for account, allowed in zip(meant, may, strict=True)
            if allowed and account.credential.password_hash is not None
        ]
        tried = (trial for trial in trials if trial.passwords)
        matches = self._matcher.match_each(self._paced((each.password_hash, each.passwords) for each in tried))
        for trial in trials:
            strategy, reason = None, trial.reason
            if trial.passwords:
                match = next(matches)
                self.tried += 1
                if match.place is not None:
                    strategy, reason = trial.strategies[match.place], None
                    self.found += 1
                elif match.fault is not None:
                    reason = _reason(match.fault)
            if strategy is not None or reason is not None:
                yield DefaultFinding(contact_id=trial.account.contact_id, strategy=strategy, reason=reason)
        return trials[-1].account if trials else None

    def _prepare(self, account: Account, password_hash: PasswordHash) -> _Trial:
        fault = self._hasher.describe(password_hash).fault
        if fault is not None:
            return _Trial(account, password_hash, (), (), _reason(fault))
        passwords: list[Secret] = []
        strategies: list[str] = []
        has_failed = False
        for strategy in self._strategies:
            try:
                secret = strategy.derive(account.contact).secret
            except UnderivableError:
                continue
            except Exception:  # noqa: BLE001  A host's strategy may fail in any way; its text may quote a name (R14).
                has_failed = True
                continue
            if secret not in passwords:
                passwords.append(secret)
                strategies.append(strategy.id)
        reason = UntriedReason.STRATEGY_FAILED if has_failed else None if passwords else UntriedReason.NOT_DERIVABLE
        return _Trial(account, password_hash, passwords, strategies, reason)

    def _paced(
        self, tries: Iterable[tuple[PasswordHash, Sequence[Secret]]]
    ) -> Iterator[tuple[PasswordHash, Sequence[Secret]]]:
        for each in tries:
            if self._pause:
                now = time.monotonic()
                if now < self._next_at:
                    time.sleep(self._next_at - now)
                # From now on, and not from when it should have been: what was late is not made up for in a burst.
                self._next_at = max(now, self._next_at) + self._pause
            yield each


def _reason(fault: str) -> UntriedReason:
    try:
        return UntriedReason(fault)
    except ValueError:
        return UntriedReason.VERIFIER_FAILED
