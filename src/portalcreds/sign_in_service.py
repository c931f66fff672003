"""Sign contacts in, and make those on a default choose a password first: here the forced change is enforced."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile
from typing import Final, TypeVar

import attrs

from ._committed import notify
from ._privilege_check import audit_of
from ._text import MAX_USERNAME_LENGTH, TextFaultError, username_key
from .accounts import Account, CredentialOrigin, PasswordHash
from .audit import AuditEvent, AuditKind
from .contacts import ContactId
from .exceptions import (
    ConfigurationError,
    HashingUnavailableError,
    StoreError,
    StoreUnavailableError,
    TransactionAborted,
)
from .outcomes import (
    ChangePasswordOutcome,
    CompleteChangeOutcome,
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    SignInOutcome,
    TicketInvalid,
    TryLater,
    Unavailable,
)
from .password_policy import PasswordPolicy, Violation
from .protocols import (
    AccountStore,
    ApplyResult,
    AuditSink,
    Change,
    ChangeHook,
    Clock,
    CredentialHasher,
    HashCheck,
    HashingPermit,
    utc_now,
)
from .secret import Secret
from .throttle import Guess, Throttle
from .tickets import MAX_TICKET_LIFETIME, ChangeTicket

_QUEUE_FULL: Final = timedelta(seconds=1)
"""How long to wait when the hashing queue is full; a hash takes a fraction of it."""

_MAX_WRITES: Final = 64
"""Compare-and-set attempts of one step. Each loss means that another step on the same account won."""

_MAX_DECISIONS: Final = 3
"""How often a sign-in starts anew because the credential itself was replaced while it was verified."""


def _lifetime(service: object, attribute: attrs.Attribute[timedelta], value: timedelta) -> None:
    if not timedelta(0) < value <= MAX_TICKET_LIFETIME:
        raise ConfigurationError(attribute.name, f"pass more than zero and at most {MAX_TICKET_LIFETIME}")


_T = TypeVar("_T")


def _admits(service: object, attribute: attrs.Attribute[CredentialHasher], value: object) -> None:
    if not callable(getattr(value, "admit", None)):
        raise ConfigurationError("hasher", "pass a CredentialHasher, such as UpgradingHasher(chosen=your_hasher)")


@attrs.frozen
class SignInService:
    """
    What a sign-in form, and the form to choose a password, call.

    Every outcome that a person at a form can cause is a value (R23). Passwords and user names are taken as typed.

    Args:
        store: The accounts.
        hasher: Verifies and writes hashes, such as `portalcreds.hashers.UpgradingHasher`.
        throttle: The limits on guessing; the same for every path that verifies a password (R9).
        policy: What a chosen password must satisfy.
        audit: Where denials go on the record; the store itself if it is a sink.
        clock: Tells the time.
        ticket_lifetime: How long a change ticket works; at most ten minutes.
        on_change: Told once of each committed change of a password, with the account and the event, so that the host
            can notify the contact (ASVS 5.0 6.3.7). Its failure goes on the record and changes nothing.
        monotonic: Tells how many seconds have passed, for the hasher's floor under the time that denials take.
        sleep: Waits so many seconds, for the same.

    Raises:
        ConfigurationError: The parts cannot work together.
    """

    _store: AccountStore = attrs.field(alias="store", repr=False)
    _hasher: CredentialHasher = attrs.field(kw_only=True, alias="hasher", repr=False, validator=_admits)
    _throttle: Throttle = attrs.field(kw_only=True, alias="throttle", repr=False)
    _policy: PasswordPolicy = attrs.field(kw_only=True, factory=PasswordPolicy, alias="policy", repr=False)
    _audit: AuditSink = attrs.field(
        kw_only=True,
        default=attrs.Factory(lambda self: audit_of(self._store), takes_self=True),
        alias="audit",
        repr=False,
    )
    _clock: Clock = attrs.field(kw_only=True, default=utc_now, alias="clock", repr=False)
    _ticket_lifetime: timedelta = attrs.field(
        kw_only=True, default=MAX_TICKET_LIFETIME, alias="ticket_lifetime", validator=_lifetime
    )
    _on_change: ChangeHook | None = attrs.field(kw_only=True, default=None, alias="on_change", repr=False)
    _monotonic: Callable[[], float] = attrs.field(kw_only=True, default=time.monotonic, alias="monotonic", repr=False)
    _sleep: Callable[[float], object] = attrs.field(kw_only=True, default=time.sleep, alias="sleep", repr=False)

    def sign_in(self, username: str, password: str | Secret, *, source: str | None = None) -> SignInOutcome:
        """
        Verify a password, and say what it allows.

        Args:
            username: As typed.
            password: As typed.
            source: Where the request came from, such as an address; None if the host cannot tell.

        Returns:
            `SignedIn` only for an active account with a password of its own (R2). `PasswordChangeRequired` for the
            right password where a change is due, `DefaultExpired` for the right one that is too old. `SignInDenied`
            for everything else, whatever the reason.

        Raises:
            TransactionAborted: The store is in a transaction of the host's, which has to be run again.
            StoreError: The store is defective, such as one whose tables are missing.
        """
        password = _as_typed(password)
        try:
            return self._prove(_Attempt.of(username, password, source), self._let_in)
        except (StoreUnavailableError, HashingUnavailableError):
            return Unavailable()

    def complete_change(
        self, ticket: str | Secret, new: str | Secret, *, source: str | None = None
    ) -> CompleteChangeOutcome:
        """
        Exchange a change ticket for a password of the contact's own.

        The default, and every ticket, stop working in the same step (R5). A password that is refused leaves the ticket
        working.

        Args:
            ticket: `PasswordChangeRequired.ticket`, or its text as it came back from the form.
            new: The new password, as typed.
            source: Where the request came from, or None.

        Raises:
            TransactionAborted: The store is in a transaction of the host's, which has to be run again.
            StoreError: The store is defective, such as one whose tables are missing.
        """
        ticket, new = _as_typed(ticket), _as_typed(new)
        try:
            return self._told(self._complete_change(ticket, new, source))
        except (StoreUnavailableError, HashingUnavailableError):
            return Unavailable()

    def change_password(
        self, username: str, current: str | Secret, new: str | Secret, *, source: str | None = None
    ) -> ChangePasswordOutcome:
        """
        Change a contact's own password, for which the current one is needed (ASVS 5.0 6.2.3).

        Where a change is due anyway the outcome is what `sign_in` would say: the ticket is the one way.

        Args:
            username: As typed.
            current: The current password, as typed.
            new: The new one, as typed.
            source: Where the request came from, or None.

        Raises:
            TransactionAborted: The store is in a transaction of the host's, which has to be run again.
            StoreError: The store is defective, such as one whose tables are missing.
        """
        current, new = _as_typed(current), _as_typed(new)

        def change(proof: _Proof) -> _Chosen | PasswordRefused | PasswordChangeRequired | DefaultExpired | None:
            if proof.account.credential.must_change:
                return self._demand_change(proof)
            return self._choose(proof.account, proof.permit, new, source)

        try:
            return self._told(self._prove(_Attempt.of(username, current, source), change))
        except (StoreUnavailableError, HashingUnavailableError):
            return Unavailable()

    # -- the one path on which a password is verified

    def _prove(
        self, attempt: _Attempt, then: Callable[[_Proof], _T | None]
    ) -> _T | SignInDenied | TryLater | Unavailable:
        """Return what *then* makes of a right password; it returns None if the credential was replaced meanwhile."""
        permit = self._permit(attempt.name, attempt.source)
        if isinstance(permit, TryLater):
            return permit
        began = self._monotonic()
        with permit:
            outcome = self._decide(attempt, permit, then)
        if isinstance(outcome, SignInDenied):
            # The permit is given back already: who waits takes nobody's place in the queue.
            left = self._hasher.denial_floor.total_seconds() - (self._monotonic() - began)
            if left > 0:
                self._sleep(left)
        return outcome

    def _decide(
        self, attempt: _Attempt, permit: HashingPermit, then: Callable[[_Proof], _T | None]
    ) -> _T | SignInDenied | Unavailable:
        for _ in range(_MAX_DECISIONS):
            proof = self._verify(attempt, permit)
            if proof is None:
                return SignInDenied()
            outcome = then(proof)
            if outcome is not None:
                return outcome
        return Unavailable()

    def _permit(self, name: str | None, source: str | None) -> HashingPermit | TryLater:
        # Before anything is looked up or hashed, and from nothing but what the caller sent (R7).
        wait = self._throttle.retry_after(name, source)
        if wait is not None:
            return TryLater(retry_after=wait)
        permit = self._hasher.admit()
        return TryLater(retry_after=_QUEUE_FULL) if permit is None else permit

    def _verify(self, attempt: _Attempt, permit: HashingPermit) -> _Proof | None:
        account = self._store.find_by_username(attempt.key)
        if account is not None and account.username_key != attempt.key:
            # The database matched what is not equal: a collation that folds (R18).
            account = None
        guess = self._throttle.begin(account, attempt.name, _refusal(account))
        stored = None if account is None or guess.refusal is not None else account.credential.password_hash
        try:
            # Every reason to deny goes through this one call, which costs the same for all of them (R7).
            check = permit.check(attempt.password, stored)
        except HashingUnavailableError as error:
            # On the record with its code, or nobody would learn why families cannot get in.
            noted = self._throttle.withdraw(account, guess, attempt.name, error.code)
            self._record(account, attempt.source, noted)
            raise
        if account is None or guess.refusal is not None or not check.matched:
            self._deny(attempt, account, guess, guess.refusal or check.fault or "wrong_password")
            return None
        self._throttle.record_success(account, guess, attempt.name)
        return _Proof(attempt=attempt, account=account, guess=guess, check=check, permit=permit)

    def _deny(self, attempt: _Attempt, account: Account | None, guess: Guess, reason: str) -> None:
        noted = self._throttle.record_failure(account, guess, attempt.name, attempt.source)
        self._record(account, attempt.source, [(AuditKind.SIGN_IN_FAILED, reason), *noted])

    # -- what a right password allows

    def _let_in(self, proof: _Proof) -> SignInOutcome | None:
        if proof.account.credential.must_change:
            return self._demand_change(proof)
        failed = proof.guess.failures_before > 0
        kind = AuditKind.SIGN_IN_SUCCEEDED_AFTER_FAILURES if failed else AuditKind.SIGN_IN_SUCCEEDED
        account = self._step(proof, kind, None, lambda account: account.sign_in(at=self._clock()))
        return None if account is None else SignedIn(account=self._upgrade(proof, account))

    def _demand_change(self, proof: _Proof) -> PasswordChangeRequired | DefaultExpired | None:
        credential = proof.account.credential
        if credential.is_expired(self._clock()):
            self._record(proof.account, proof.attempt.source, [(AuditKind.SIGN_IN_FAILED, "default_expired")])
            return DefaultExpired()
        reason = credential.change_required_by or CredentialOrigin.ISSUED.value
        ticket = ChangeTicket.draw(proof.account.contact_id)

        def open_ticket(account: Account) -> Account:
            return account.open_ticket(ticket.digest, expires_at=self._clock() + self._ticket_lifetime)

        account = self._step(proof, AuditKind.TICKET_OPENED, reason, open_ticket)
        return None if account is None else PasswordChangeRequired(ticket=ticket.secret, reason=reason)

    def _step(
        self, proof: _Proof, kind: AuditKind, reason: str | None, step: Callable[[Account], Account]
    ) -> Account | None:
        """Write one step within the epoch; None if the credential was replaced, so that the proof is void (R3)."""
        account = proof.account
        for _ in range(_MAX_WRITES):
            event = self._event(kind, account, reason, proof.attempt.source)
            stepped = step(account)
            if self._applied(account, stepped, event):
                return stepped
            fresh = self._store.find(account.contact_id)
            if fresh is None or not fresh.is_active or fresh.credential.epoch != account.credential.epoch:
                return None
            account = fresh
        return None

    def _upgrade(self, proof: _Proof, account: Account) -> Account:
        """Write the same password's better hash if one is due; whatever comes in between, the sign-in stands (R4)."""
        if not proof.check.needs_upgrade:
            return account
        event = self._event(AuditKind.HASH_UPGRADED, account, None, proof.attempt.source)
        try:
            upgraded = account.upgrade(proof.permit.hash_chosen(proof.attempt.password))
            return upgraded if self._applied(account, upgraded, event) else account
        except TransactionAborted:
            # The host's transaction is gone, and with it the sign-in that was written in it.
            raise
        except (StoreError, HashingUnavailableError):
            return account

    # -- a password of the contact's own

    def _complete_change(
        self, ticket: Secret, new: Secret, source: str | None
    ) -> _Chosen | PasswordRefused | TicketInvalid | TryLater | Unavailable:
        permit = self._permit(None, source)
        if isinstance(permit, TryLater):
            return permit
        with permit:
            handed_in = ChangeTicket.read(ticket)
            for _ in range(_MAX_DECISIONS):
                account = None if handed_in is None else self._store.find(ContactId(handed_in.contact_id))
                if handed_in is None or account is None or not handed_in.opens(account, self._clock()):
                    # Not what an invented ticket names: a flood of them would be as many counts (R9).
                    named = "" if account is None else account.contact_id
                    self._record(account, source, self._throttle.record_ticket_failure(named, source))
                    return TicketInvalid()
                outcome = self._choose(account, permit, new, source)
                if outcome is not None:
                    return outcome
        return Unavailable()

    def _choose(
        self, account: Account, permit: HashingPermit, new: Secret, source: str | None
    ) -> _Chosen | PasswordRefused | None:
        """Write a chosen password; None if the account moved on, so that the caller decides again (R3)."""
        violations = self._policy.violations(new, account)
        stored = account.credential.password_hash
        if not violations and stored is not None and _is_kept(new, stored, account, permit):
            violations = (_SAME_AS_CURRENT,)
        if violations:
            self._record(account, source, [(AuditKind.PASSWORD_CHANGE_FAILED, violations[0].code)])
            return PasswordRefused(violations=violations)
        now = self._clock()
        changed = account.choose(permit.hash_chosen(new), changed_at=now)
        event = self._event(AuditKind.PASSWORD_CHANGED, account, account.credential.origin.value, source)
        return _Chosen(account=changed, event=event) if self._applied(account, changed, event) else None

    def _told(self, outcome: _Chosen | _T) -> PasswordChanged | _T:
        """Tell the host of a password that was chosen, after the place in the hashing queue was given back."""
        if not isinstance(outcome, _Chosen):
            return outcome
        notify(self._on_change, self._audit, self._clock, outcome.account, outcome.event)
        return PasswordChanged(account=outcome.account)

    # -- the store and the record

    def _applied(self, old: Account, new: Account, event: AuditEvent) -> bool:
        (result,) = self._store.apply([Change(old=old, new=new, events=(event,))])
        return result == ApplyResult.APPLIED

    def _event(self, kind: AuditKind, account: Account | None, reason: str | None, source: str | None) -> AuditEvent:
        contact_id = None if account is None else account.contact_id
        return AuditEvent(kind=kind, at=self._clock(), contact_id=contact_id, reason=reason, source=source)

    def _record(self, account: Account | None, source: str | None, noted: list[tuple[AuditKind, str]]) -> None:
        self._audit.record([self._event(kind, account, reason, source) for kind, reason in noted])


_MAX_PADDING: Final = 6
"""Characters put before or behind a default that it is still known by; a year and a mark or two."""

_SAME_AS_CURRENT: Final = Violation(
    code="same_as_current", parameters={}, text="Choose a password that is not the one you have now."
)


@attrs.frozen(kw_only=True)
class _Attempt:
    """What was submitted: *key* finds the account ("" finds none), *name* is what the throttle counts."""

    key: str = attrs.field(repr=False)
    name: str = attrs.field(repr=False)
    password: Secret
    source: str | None

    @classmethod
    def of(cls, username: object, password: Secret, source: str | None) -> _Attempt:
        """Return the attempt for a user name as typed, whatever was typed."""
        text = username if isinstance(username, str) else ""
        try:
            key = name = username_key(text)
        except TextFaultError:
            key, name = "", text[: MAX_USERNAME_LENGTH + 1]
        return cls(key=key, name=name, password=password, source=source)


@attrs.frozen(kw_only=True)
class _Proof:
    """A right password: for whom, and the place in the queue to go on with."""

    attempt: _Attempt
    account: Account
    guess: Guess
    check: HashCheck
    permit: HashingPermit


@attrs.frozen(kw_only=True)
class _Chosen:
    """A password that was written, and what the host is to be told of it."""

    account: Account
    event: AuditEvent


def _is_kept(new: Secret, stored: PasswordHash, account: Account, permit: HashingPermit) -> bool:
    """
    Return whether the new password is the one there is (R19).

    Of an issued one, which the policy cannot know if it was drawn, also in lower case and with a few digits, marks or
    blanks put before or behind it. Each form costs an issued-cost hash; a password with none of these has one or two.
    """
    forms = [new.reveal()]
    if account.credential.origin == CredentialOrigin.ISSUED:
        forms += _without_padding(forms[0])
        forms += [form.lower() for form in forms]
    return any(permit.matches(Secret(form), stored) for form in dict.fromkeys(forms))


def _without_padding(text: str) -> list[str]:
    """Return the text without its first, or its last, one to six characters, as far as these are no letters."""
    # One by one, because what was drawn may itself begin or end with digits.
    before = takewhile(lambda count: not text[count - 1].isalpha(), range(1, min(_MAX_PADDING, len(text) - 1) + 1))
    behind = takewhile(lambda count: not text[-count].isalpha(), range(1, min(_MAX_PADDING, len(text) - 1) + 1))
    return [*(text[count:] for count in before), *(text[:-count] for count in behind)]


def _refusal(account: Account | None) -> str | None:
    if account is None:
        return "no_account"
    if not account.is_active:
        return "disabled"
    if account.credential.origin == CredentialOrigin.NONE:
        return "never_issued"
    return None


def _as_typed(password: str | Secret) -> Secret:
    try:
        return Secret(password)
    except TypeError:
        # A form field that is missing, or a JSON number: denied like any other wrong password (R7).
        return Secret("")
