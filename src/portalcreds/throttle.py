"""Limit guessing, on every path that verifies a password, over any counter."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

import attrs

from ._text import MAX_USERNAME_LENGTH
from .accounts import Account, CredentialOrigin
from .audit import AuditKind
from .exceptions import ConfigurationError
from .protocols import AttemptCounter, Clock, utc_now

MAX_CONSECUTIVE_FAILURES: Final = 100
"""Failures after which a credential is spent, until it is issued again or unlocked (SP 800-63B-4 §3.2.2)."""

_USERNAME_BITS: Final = 24
"""
Bits kept of the digest of a submitted user name. People type passwords there, so a counter's table must not tell what
was typed: of a dictionary of a billion, sixty share each of these (k-anonymity, as in range queries to breach lists).
It also bounds the rows that invented names can make. Names that share one share its limit, which does no harm.
"""

_DECOY: Final = "decoy"
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _positive(limit: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise ConfigurationError(attribute.name, "allow at least one attempt")


def _window(limit: object, attribute: attrs.Attribute[timedelta], value: timedelta) -> None:
    if not timedelta(seconds=1) <= value <= timedelta(days=31):
        raise ConfigurationError(attribute.name, "pass from one second to 31 days; a limit has to end")


@attrs.frozen
class Limit:
    """
    So many failures in so long.

    Attributes:
        attempts: Failures that are borne.
        window: For how long they are counted; windows start at whole multiples of it since 1970.
    """

    attempts: int = attrs.field(validator=_positive)
    window: timedelta = attrs.field(validator=_window)


def _cap(limits: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 1 <= value <= MAX_CONSECUTIVE_FAILURES:
        raise ConfigurationError(
            attribute.name, f"allow from 1 to {MAX_CONSECUTIVE_FAILURES} failures (SP 800-63B-4 §3.2.2)"
        )


@attrs.frozen(kw_only=True)
class ThrottleLimits:
    """
    How much guessing is borne; the defaults suit one school.

    Attributes:
        default_failures: Failures against one issued default, after which it is denied until re-issue or unlock.
        chosen_failures: Consecutive failures against one chosen password, after which the same; at most 100.
        per_username: Failures for one submitted user name, whether or not it exists. The second limit is the back-off.
        per_source: Failures from one source. Many families may share one, such as a school's own network.
        spray: Failures against live defaults in the whole tenant, after which live defaults are denied for the rest of
            the window: whoever tries one guess on each account never meets the limits of any one account.
    """

    default_failures: int = attrs.field(default=10, validator=_cap)
    chosen_failures: int = attrs.field(default=MAX_CONSECUTIVE_FAILURES, validator=_cap)
    per_username: tuple[Limit, ...] = (Limit(10, timedelta(minutes=5)), Limit(30, timedelta(hours=1)))
    per_source: tuple[Limit, ...] = (Limit(50, timedelta(minutes=5)), Limit(300, timedelta(hours=1)))
    spray: Limit = Limit(300, timedelta(minutes=10))


@attrs.frozen(kw_only=True)
class Guess:
    """
    One attempt on one account, counted before it is verified, so that no number of parallel guesses exceeds a cap.

    Attributes:
        refusal: Why it may not be verified, as a code for the record, or None if it may.
        failures_before: Failures on this credential before this attempt.
        reaches_cap: Whether this attempt, if it fails, is the one that spends the credential.
    """

    refusal: str | None
    failures_before: int
    reaches_cap: bool


@attrs.frozen
class Throttle:
    """
    The limits of R9: per credential, per submitted user name, per source and per tenant.

    Args:
        counter: Where attempts are counted; share one among all processes of a portal.
        limits: How much is borne.
        clock: Tells the time.
    """

    _counter: AttemptCounter = attrs.field(alias="counter", repr=False)
    limits: ThrottleLimits = attrs.field(kw_only=True, factory=ThrottleLimits)
    _clock: Clock = attrs.field(kw_only=True, default=utc_now, alias="clock", repr=False)

    def retry_after(self, username: str | None, source: str | None) -> timedelta | None:
        """
        Return how long the caller has to wait, or None if not at all.

        Depends on nothing but what the caller sent, and is asked before anything is looked up or hashed (R7).

        Args:
            username: The user name's key if it has one, else the user name as submitted; None where there is none.
            source: Where the request came from, or None.
        """
        now = self._clock()
        windows = self._windows(now, username, source)
        counts = self._counter.counts([key for _, key in windows])
        waits = [
            _remaining(now, limit.window)
            for (limit, _), count in zip(windows, counts, strict=True)
            if count >= limit.attempts
        ]
        return max(waits, default=None)

    def begin(self, account: Account | None, username: str, refusal: str | None) -> Guess:
        """
        Count an attempt on *account*, and say whether it may be verified; the expense is always the same (R7).

        The count is bound to the epoch, so that a re-issue clears it by itself. An attempt refused unverified is not
        counted against the account: whoever knows the password must not spend it by trying in vain.

        Args:
            account: Whom the user name is of, or None.
            username: The user name, as for `retry_after`.
            refusal: Why it may not be verified whatever the throttle says, as a code, or None if it may.
        """
        withdrawn_key = f"{_DECOY}:withdrawn" if account is None else _withdrawn_key(account)
        # What is withdrawn between these two lines counts as a failure here, and not the other way round.
        sprays, withdrawn = self._counter.counts([_spray_key(self._clock(), self.limits.spray), withdrawn_key])
        if refusal is None and sprays >= self.limits.spray.attempts and _is_live_default(account):
            refusal = "spray"
        if account is None or refusal is not None:
            self._counter.hit(f"{_DECOY}:{_username_digest(username)}", self.limits.spray.window)
            return Guess(refusal=refusal, failures_before=0, reaches_cap=False)
        attempts = self._counter.hit(_account_key(account), None) - withdrawn
        cap = self._cap(account)
        return Guess(
            refusal="spent" if attempts > cap else None, failures_before=attempts - 1, reaches_cap=attempts == cap
        )

    def withdraw(
        self, account: Account | None, guess: Guess, username: str, reason: str
    ) -> list[tuple[AuditKind, str]]:
        """
        Take back what `begin` counted of an attempt that could not be verified, and return what goes on the record.

        However long hashing fails, a key is missing or memory is short, nobody's credential is spent by it.

        Args:
            account: As for `begin`.
            guess: What that returned.
            username: As for `begin`.
            reason: Why it could not be verified, as a code.
        """
        if account is not None and guess.refusal is None:
            # A count of its own: one that is shared cannot be lowered by one atomically.
            self._counter.hit(_withdrawn_key(account), None)
        return [(AuditKind.SIGN_IN_FAILED, reason)] if self._is_on_record("unavailable", username) else []

    def record_failure(
        self, account: Account | None, guess: Guess, username: str, source: str | None
    ) -> list[tuple[AuditKind, str]]:
        """Count a denial, and return what goes on the record because of it: kinds and reasons."""
        now = self._clock()
        noted = self._count_windows(now, username, source)
        live = _is_live_default(account)
        spray = self.limits.spray
        # Other failures are counted too, beside the real count, so that all cost the same (R7).
        if live and guess.refusal is None:
            if self._counter.hit(_spray_key(now, spray), spray.window) == spray.attempts:
                noted.append((AuditKind.SPRAY_SUSPECTED, "tenant"))
        else:
            self._counter.hit(f"{_DECOY}:spray", spray.window)
        if guess.reaches_cap:
            noted.append((AuditKind.CREDENTIAL_SPENT, "default" if live else "chosen"))
        return noted

    def record_ticket_failure(self, contact_id: str, source: str | None) -> list[tuple[AuditKind, str]]:
        """
        Count a ticket that was no good, and return what goes on the record because of it.

        A ticket cannot be guessed, and a good one is never refused for others that were not; but beyond the first limit
        on a user name, here on whom the tickets name, the record says no more of them: a flood must not fill it.
        """
        noted = self._count_windows(self._clock(), None, source)
        if self._is_on_record("ticket", contact_id):
            noted.insert(0, (AuditKind.TICKET_REFUSED, "ticket_invalid"))
        return noted

    def record_success(self, account: Account, guess: Guess, username: str) -> None:
        """Forget the failures of an account whose owner proved who they are."""
        keys = self._username_keys(username)
        attempts, withdrawn, *counts = self._counter.counts([_account_key(account), _withdrawn_key(account), *keys])
        # If this guess is the last that the cap allows, all beyond it were refused, and only it reached the cap.
        spent_meanwhile = attempts - withdrawn >= self._cap(account) and not guess.reaches_cap
        if not spent_meanwhile:
            self._forget(account)
        for key, count in zip(keys, counts, strict=True):
            if count:
                self._counter.clear(key)

    def unlock(self, account: Account) -> None:
        """Forget the failures of an account, its user name's included; the source's and the tenant's stay."""
        self._forget(account)
        for key in self._username_keys(account.username_key):
            self._counter.clear(key)

    def is_spent(self, account: Account) -> bool:
        """Return whether the account's credential is denied until it is issued again or unlocked."""
        attempts, withdrawn = self._counter.counts([_account_key(account), _withdrawn_key(account)])
        return attempts - withdrawn >= self._cap(account)

    def _forget(self, account: Account) -> None:
        # In this order: cut off in between, an account has too many failures on it and not too few.
        self._counter.clear(_withdrawn_key(account))
        self._counter.clear(_account_key(account))

    def _is_on_record(self, kind: str, name: str) -> bool:
        """Return whether the record has room for one more of its kind about that name: a flood must not fill it."""
        limit = self.limits.per_username[0] if self.limits.per_username else self.limits.spray
        key = f"{kind}:{_username_digest(name)}:{_window_name(self._clock(), limit.window)}"
        return self._counter.hit(key, limit.window) <= limit.attempts

    def _cap(self, account: Account) -> int:
        issued = account.credential.origin == CredentialOrigin.ISSUED
        return self.limits.default_failures if issued else self.limits.chosen_failures

    def _username_keys(self, username: str | None) -> list[str]:
        return [key for _, key in self._windows(self._clock(), username, None)]

    def _count_windows(self, now: datetime, username: str | None, source: str | None) -> list[tuple[AuditKind, str]]:
        noted = []
        for limit, key in self._windows(now, username, source):
            # On the record once, when it is reached: recording each attempt beyond would let a flood fill the table.
            if self._counter.hit(key, limit.window) == limit.attempts:
                noted.append((AuditKind.RATE_LIMITED, key.partition(":")[0]))
        return noted

    def _windows(self, now: datetime, username: str | None, source: str | None) -> list[tuple[Limit, str]]:
        kinds = []
        if username is not None:
            kinds.append(("username", _username_digest(username), self.limits.per_username))
        if source is not None:
            kinds.append(("source", _digest(source), self.limits.per_source))
        return [
            (limit, f"{kind}:{digest}:{_window_name(now, limit.window)}")
            for kind, digest, limits in kinds
            for limit in limits
        ]


def _is_live_default(account: Account | None) -> bool:
    return account is not None and account.credential.origin == CredentialOrigin.ISSUED


def _account_key(account: Account) -> str:
    return f"account:{_digest(account.contact_id)}:{account.credential.epoch}"


def _withdrawn_key(account: Account) -> str:
    return f"withdrawn:{_digest(account.contact_id)}:{account.credential.epoch}"


def _spray_key(now: datetime, limit: Limit) -> str:
    return f"spray:{_window_name(now, limit.window)}"


def _username_digest(username: str) -> str:
    return _digest(username[: MAX_USERNAME_LENGTH + 1])[: _USERNAME_BITS // 4]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _window_name(now: datetime, window: timedelta) -> str:
    # The window's length is part of the name, so that limits of different lengths never share a count.
    return f"{int(window.total_seconds())}:{(now - _EPOCH) // window}"


def _remaining(now: datetime, window: timedelta) -> timedelta:
    return window - (now - _EPOCH) % window
