"""Sign contacts in, and make those on a default choose a password first: here the forced change is enforced."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import takewhile
from typing import Final, NamedTuple, TypeVar

import attrs

from .._arguments import NEEDS_HASHER, contact_id_in, has_methods, is_callable, is_claim_proof, lasts
from .._ids import digest
from .._ledger import Accounts, Ledger, NotWritten, Write
from .._service import Service, counts_for_store
from .._text import MAX_USERNAME_LENGTH, TextFaultError, username_key
from ..accounts import INVITATION, Account, Credential, CredentialOrigin
from ..audit import AuditEvent, AuditKind
from ..contacts import ContactId
from ..exceptions import (
    HashingUnavailableError,
    InvalidValueError,
    PortalCredsWarning,
    StoreError,
    StoreUnavailableError,
    TransactionAborted,
)
from ..protocols import Change, ClaimProof, CredentialHasher, HashCheck, HashingPermit
from ..secret import Secret
from ..throttle import Caller, Guess, Throttle
from .outcomes import (
    ChangePasswordOutcome,
    ClaimProofRefused,
    CompleteChangeOutcome,
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordCompromised,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    SignInOutcome,
    TicketInvalid,
    TryLater,
    Unavailable,
)
from .password_policy import PasswordPolicy, Violation
from .tickets import MAX_TICKET_LIFETIME, ChangeTicket

_QUEUE_FULL: Final = timedelta(seconds=1)
"""How long to wait when the hashing queue is full; a hash takes a fraction of it."""

_MAX_WRITES: Final = 64
"""How often one step is tried; each failure means that another step on the same account came first."""

_MAX_DECISIONS: Final = 3
"""How often a sign-in starts again because the credential was replaced while it was verified."""


_T = TypeVar("_T")


@attrs.frozen(eq=False)
class SignInService(Service):
    """
    What a sign-in form, and the form to choose a password, call.

    Every outcome that a person at a form can cause is a value (R23). Passwords and user names are taken as typed.

    Args:
        store: The accounts.
        hasher: Verifies and writes hashes, such as `portalcreds.hashers.UpgradingHasher`.
        throttle: The limits on guessing. Use one for every path that verifies a password (R9).
        policy: What a chosen password must satisfy.
        claim_proof: What must be given besides, before a default is changed, or a password that is compromised; None
            for nothing. An invitation needs none. All processes of a portal must pass the same.
        audit: Where denials go on the record; the store itself if it is a sink.
        clock: Tells the time.
        ticket_lifetime: How long a change ticket works; at most ten minutes.
        on_change: Called once for each committed change of a password, with the account and the event, so that the host
            can notify the contact (ASVS 5.0 6.3.7). A failure of it goes on the record and undoes nothing.
        monotonic: A clock in seconds, for the least time that a denial takes.
        sleep: Waits so many seconds, for the same.

    Raises:
        ConfigurationError: The parts cannot work together.
    """

    _hasher: CredentialHasher = attrs.field(
        kw_only=True, alias="hasher", repr=False, validator=has_methods("admit", hint=NEEDS_HASHER)
    )
    _throttle: Throttle = attrs.field(
        kw_only=True,
        alias="throttle",
        repr=False,
        validator=[
            has_methods("begin", "admit", hint="pass a Throttle over the counter that all processes share"),
            counts_for_store,
        ],
    )
    _policy: PasswordPolicy = attrs.field(
        kw_only=True,
        factory=PasswordPolicy,
        alias="policy",
        repr=False,
        validator=has_methods("violations", hint="pass a PasswordPolicy"),
    )
    _claim_proof: ClaimProof | None = attrs.field(
        kw_only=True, default=None, alias="claim_proof", repr=False, validator=is_claim_proof
    )
    _ticket_lifetime: timedelta = attrs.field(
        kw_only=True,
        default=MAX_TICKET_LIFETIME,
        alias="ticket_lifetime",
        validator=lasts(
            timedelta(microseconds=1),
            MAX_TICKET_LIFETIME,
            hint=f"pass a timedelta of more than zero, at most {MAX_TICKET_LIFETIME}",
        ),
    )
    _monotonic: Callable[[], float] = attrs.field(
        kw_only=True,
        default=time.monotonic,
        alias="monotonic",
        repr=False,
        validator=is_callable(hint="pass a function like time.monotonic"),
    )
    _sleep: Callable[[float], object] = attrs.field(
        kw_only=True,
        default=time.sleep,
        alias="sleep",
        repr=False,
        validator=is_callable(hint="pass a function like time.sleep"),
    )

    def sign_in(
        self,
        username: str,
        password: str | Secret,
        *,
        source: str | None = None,
        device: str | Secret | None = None,
    ) -> SignInOutcome:
        """
        Verify a password, and return what it allows.

        Args:
            username: As typed.
            password: As typed.
            source: Where the request came from, such as an IP address; None if you cannot tell. Without it there is no
                limit on whoever tries one user name after the other, and a `PortalCredsWarning` says so.
            device: `SignedIn.device` of an earlier sign-in, as you kept it in a cookie of this browser; empty text if
                there is none yet. None if you keep no such cookie: then none is drawn.

        Returns:
            `SignedIn` only for an active account with a password of its own (R2). `PasswordChangeRequired` for the
            right password where a change is due, `PasswordCompromised` where that password alone must not allow it, and
            `DefaultExpired` for a right default that has expired. `SignInDenied` for everything else, whatever the
            reason.

        Raises:
            TransactionAborted: The store is in a transaction of the host's, which has to be run again.
            StoreError: The store is defective, such as one whose tables are missing.
        """
        password = _as_typed(password)
        source = _source_in(source)
        attempt = _Attempt.of(username, password, source, _device_in(device))
        return self._answer(source, lambda: self._prove(attempt, self._let_in))

    def complete_change(
        self,
        ticket: str | Secret,
        new: str | Secret,
        *,
        claim_proof: str | Secret | None = None,
        source: str | None = None,
        device: str | Secret | None = None,
    ) -> CompleteChangeOutcome:
        """
        Exchange a change ticket or an invitation for a password of the contact's own.

        The default and every ticket stop working in the same step (R5). If the password is refused, the ticket still
        works. After as many refusals as `ThrottleLimits.per_username` allows, the outcome is `TryLater`.

        A claim proof is verified first: without the right one nobody learns what the policy says. A wrong one counts
        like a wrong password, and as many as `ThrottleLimits.default_failures` spend the credential.

        Args:
            ticket: `PasswordChangeRequired.ticket`, or its text as the form sent it back; or an invitation.
            new: The new password, as typed.
            claim_proof: What `PasswordChangeRequired.claim_proof` asked for, as typed; None where it is None.
            source: Where the request came from, or None.
            device: As for `sign_in`.

        Raises:
            TransactionAborted: The store is in a transaction of the host's, which has to be run again.
            StoreError: The store is defective, such as one whose tables are missing.
        """
        # Under the same names: the frames of an error show none of them (R14).
        ticket, new, claim_proof = _as_typed(ticket), _as_typed(new), _as_typed(claim_proof)
        _check_source(source)
        given = _Given(proof=claim_proof, source=source, device=_device_in(device))
        return self._answer(source, lambda: self._told(self._complete_change(ticket, new, given)))

    def change_password(
        self,
        username: str | None,
        current: str | Secret,
        new: str | Secret,
        *,
        contact_id: str | None = None,
        source: str | None = None,
        device: str | Secret | None = None,
    ) -> ChangePasswordOutcome:
        """
        Change a contact's own password; this takes the current one (ASVS 5.0 6.2.3).

        Where a change is due anyway, the outcome is that of `sign_in`: only the ticket allows it. Wrong passwords count
        as for `sign_in`, whichever way the contact is named.

        Args:
            username: As typed; None with a contact id.
            current: The current password, as typed.
            new: The new one, as typed.
            contact_id: Whose password, in place of the user name: as your session has it, and never as a form sent it.
            source: Where the request came from, or None.
            device: As for `sign_in`.

        Raises:
            InvalidValueError: Both a user name and a contact id are passed, or the contact id is none.
            TransactionAborted: The store is in a transaction of the host's, which has to be run again.
            StoreError: The store is defective, such as one whose tables are missing.
        """
        current, new = _as_typed(current), _as_typed(new)
        source = _source_in(source)
        token = _device_in(device)
        if contact_id is not None:
            contact_id = contact_id_in(contact_id)
            if username is not None:
                raise InvalidValueError("contact_id", "pass it or the user name, not both")

        def change(proof: _Proof) -> Change | PasswordRefused | _Demand | None:
            if proof.account.credential.must_change:
                return self._demand_change(proof)
            return self._choose(proof.account, new, source)

        def prove() -> Change | PasswordRefused | _Demand | SignInDenied | Unavailable:
            attempt = _Attempt.of(username, current, source, token)
            if contact_id is not None:
                attempt = self._attempt_of_contact(ContactId(contact_id), current, source, token)
            return self._prove(attempt, change)

        return self._answer(source, lambda: self._told(prove()))

    def _attempt_of_contact(
        self, contact_id: ContactId, password: Secret, source: str | None, device: Secret | None
    ) -> _Attempt:
        """Return the attempt for a contact, counted under the user name: one limit on guessing, not two (R9)."""
        account = self._store.find(contact_id)
        attempt = _Attempt.of(None if account is None else account.username, password, source, device)
        attempt.contact_id = contact_id
        # Under a name of its own without a user name: none has a control character.
        attempt.name = attempt.name or f"\0{contact_id}"
        return attempt

    def _answer(self, source: str | None, steps: Callable[[], _T]) -> _T | TryLater | Unavailable:
        try:
            return steps()
        except _Later as later:
            # The answer is no, whether or not it can be recorded.
            with suppress(StoreUnavailableError):
                self._record(None, source, self._throttle.note_delay(source, later.reason))
            return TryLater(retry_after=later.retry_after)
        except (StoreUnavailableError, HashingUnavailableError):
            return Unavailable()

    # -- who may go on

    def _admit(self, attempt: _Attempt) -> Caller:
        """Return the caller if the attempt may go on: before anything is looked up, from what was sent alone (R7)."""
        caller = self._throttle.admit(attempt.name, attempt.source, attempt.device)
        if caller.retry_after is not None:
            raise _Later(caller.retry_after)
        self._see_a_place(caller.in_queue)
        return caller

    def _see_a_place(self, caller: str) -> None:
        with self._place(caller):
            # Only to see that there is one. It is taken again for each piece of hashing, and for that alone: whoever
            # waits for the database keeps nobody from hashing (R21).
            pass

    def _place(self, caller: str) -> HashingPermit:
        permit = self._hasher.admit(caller)
        if permit is None:
            raise _Later(_QUEUE_FULL, "queue_full")
        return permit

    # -- the one path on which a password is verified

    def _prove(self, attempt: _Attempt, then: Callable[[_Proof], _T | None]) -> _T | SignInDenied | Unavailable:
        """Return what *then* returns for a right password. None means that the credential was replaced meanwhile."""
        caller = self._admit(attempt)
        began = self._monotonic()
        outcome = self._decide(attempt, caller, then)
        if isinstance(outcome, SignInDenied):
            left = self._hasher.denial_floor.total_seconds() - (self._monotonic() - began)
            if left > 0:
                self._sleep(left)
        return outcome

    def _decide(
        self, attempt: _Attempt, caller: Caller, then: Callable[[_Proof], _T | None]
    ) -> _T | SignInDenied | Unavailable:
        for _ in range(_MAX_DECISIONS):
            proof = self._verify(attempt, caller)
            if proof is None:
                return SignInDenied()
            outcome = then(proof)
            if outcome is not None:
                return outcome
        return Unavailable()

    def _verify(self, attempt: _Attempt, caller: Caller) -> _Proof | None:
        if attempt.contact_id is not None:
            account = self._store.find(attempt.contact_id)
        else:
            account = self._store.find_by_username(attempt.key)
        if attempt.contact_id is None and account is not None and account.username_key != attempt.key:
            # The database matched what is not equal: a collation that folds (R18).
            account = None
        with self._throttle.begin(account, caller, _refusal(account)) as guess:
            stored = None if account is None or guess.refusal is not None else account.credential.password_hash
            try:
                # Every reason to deny goes through this one call, which costs the same for all of them (R7).
                with self._place(caller.in_queue) as permit:
                    check = permit.check(attempt.password, stored)
            except HashingUnavailableError as error:
                # On the record with its code, or nobody would learn why families cannot get in.
                self._record(account, attempt.source, self._throttle.note_unverified(caller, error.code))
                raise
            if account is not None and stored is not None and check.matched:
                self._record(account, attempt.source, self._throttle.record_success(account, caller))
                return _Proof(attempt=attempt, caller=caller, account=account, guess=guess, check=check)
            unverified = guess.refusal or check.fault
            failed = account if unverified is None else None
            noted = self._throttle.record_failure(failed, caller)
        self._record(account, attempt.source, [(AuditKind.SIGN_IN_FAILED, unverified or "wrong_password"), *noted])
        return None

    # -- what a right password allows

    def _let_in(self, proof: _Proof) -> SignInOutcome | None:
        if proof.account.credential.must_change:
            return self._demand_change(proof)
        failed = proof.guess.failures_before > 0
        kind = AuditKind.SIGN_IN_SUCCEEDED_AFTER_FAILURES if failed else AuditKind.SIGN_IN_SUCCEEDED
        account = self._step(proof, kind, None, lambda account: account.sign_in(at=self._clock()))
        if account is None:
            return None
        return SignedIn(account=self._upgrade(proof, account), device=self._throttle.remember(proof.caller))

    def _demand_change(self, proof: _Proof) -> _Demand | None:
        credential = proof.account.credential
        now = self._clock()
        if credential.is_expired(now) or credential.is_from_ahead(now):
            fault = "default_expired" if credential.is_expired(now) else "default_from_ahead"
            self._record(proof.account, proof.attempt.source, [(AuditKind.SIGN_IN_FAILED, fault)])
            return DefaultExpired()
        asked_for = self._proof_for(credential)
        if credential.is_compromised and asked_for is None:
            self._record(proof.account, proof.attempt.source, [(AuditKind.SIGN_IN_FAILED, "compromised")])
            return PasswordCompromised()
        reason = credential.change_required_by or CredentialOrigin.ISSUED.value
        ticket = ChangeTicket.draw(proof.account.contact_id)

        def open_ticket(account: Account) -> Account:
            return account.open_ticket(ticket.digest, expires_at=self._clock() + self._ticket_lifetime)

        account = self._step(proof, AuditKind.TICKET_OPENED, reason, open_ticket)
        if account is None:
            return None
        kind = None if asked_for is None else asked_for.kind
        return PasswordChangeRequired(ticket=ticket.secret, reason=reason, claim_proof=kind)

    def _proof_for(self, credential: Credential) -> ClaimProof | None:
        """Return what must be given besides before this credential is changed with a ticket; None for nothing."""
        return self._claim_proof if credential.asks_for_proof else None

    def _step(
        self, proof: _Proof, kind: AuditKind, reason: str | None, step: Callable[[Account], Account]
    ) -> Account | None:
        """Write one step within the epoch; None if the credential was replaced since the password was verified (R3)."""
        proven = proof.account

        def decide(account: Account | None) -> Change | None:
            if account is None or not account.is_active or account.credential.epoch != proven.credential.epoch:
                return None
            event = self._event(kind, account, reason, proof.attempt.source)
            return Change(old=account, new=step(account), events=(event,))

        change = self._written(proven, decide, rounds=_MAX_WRITES)
        return None if change is None else change.new

    def _upgrade(self, proof: _Proof, account: Account) -> Account:
        """Write a better hash of the same password if one is due. Whatever goes wrong, the sign-in stands (R4)."""
        if not proof.check.needs_upgrade:
            return account
        event = self._event(AuditKind.HASH_UPGRADED, account, None, proof.attempt.source)
        try:
            with self._place(proof.caller.in_queue) as permit:
                better = permit.hash_chosen(proof.attempt.password)
            upgraded = account.upgrade(better)
            change = Change(old=account, new=upgraded, events=(event,))
            return account if self._written(account, lambda _: change) is None else upgraded
        except TransactionAborted:
            # The host's transaction is gone, and with it the sign-in that was written in it.
            raise
        except (StoreError, HashingUnavailableError, _Later):
            return account

    # -- a password of the contact's own

    def _complete_change(
        self, ticket: Secret, new: Secret, given: _Given
    ) -> Change | PasswordRefused | ClaimProofRefused | TicketInvalid | Unavailable:
        self._see_a_place(digest(given.source or ""))
        handed_in = ChangeTicket.read(ticket)
        for _ in range(_MAX_DECISIONS):
            account = None if handed_in is None else self._store.find(ContactId(handed_in.contact_id))
            if handed_in is None or account is None or not handed_in.opens(account, self._clock()):
                # Not what an invented ticket names: a flood of them would be as many counts (R9).
                named = "" if account is None else account.contact_id
                self._record(account, given.source, self._throttle.record_ticket_failure(named))
                return TicketInvalid()
            if not self._is_claimed(account, given):
                return ClaimProofRefused()
            outcome = self._choose(account, new, given.source)
            if outcome is not None:
                return outcome
        return Unavailable()

    def _is_claimed(self, account: Account, given: _Given) -> bool:
        """Return whether this is the claim proof for the account, or none is needed."""
        proof = self._proof_for(account.credential)
        if proof is None:
            # As for `_demand_change`, whatever the process that opened the ticket had.
            return account.credential.is_invited or not account.credential.is_compromised
        if not given.proof.reveal().strip():
            # A form that was sent too early is no guess.
            return False
        caller = self._throttle.admit_proof(account, given.source, given.device)
        if caller.retry_after is not None:
            raise _Later(caller.retry_after)
        with self._throttle.begin_proof(account) as guess:
            # Also where the answer does not count any more, so that it takes the same time. Nothing but True is a yes.
            is_right = proof.verify(account, given.proof, self._tenant) is True
            if is_right and guess.refusal is None:
                self._throttle.record_proof(account, caller)
                return True
            noted = self._throttle.record_proof_failure(account if guess.refusal is None else None, caller)
        fault = guess.refusal or "wrong_proof"
        self._record(account, given.source, [(AuditKind.CLAIM_PROOF_REFUSED, fault), *noted])
        return False

    def _choose(self, account: Account, new: Secret, source: str | None) -> Change | PasswordRefused | None:
        """Write a chosen password; None if the account changed meanwhile, so that the caller decides again (R3)."""
        with self._throttle.begin_change(account) as this_try:
            if this_try.retry_after is not None:
                raise _Later(this_try.retry_after)
            violations = self._policy.violations(new, account)
            if not violations:
                with self._place(digest(source or "")) as permit:
                    chosen = None if _is_kept(new, account.credential, permit) else permit.hash_chosen(new)
                if chosen is not None:
                    changed = account.choose(chosen, changed_at=self._clock())
                    origin = INVITATION if account.credential.is_invited else account.credential.origin.value
                    event = self._event(AuditKind.PASSWORD_CHANGED, account, origin, source)
                    change = Change(old=account, new=changed, events=(event,))
                    return self._written(account, lambda _: change)
                violations = (Violation(code="same_as_current"),)
            noted = self._throttle.record_refused_change(account)
        self._record(account, source, [(AuditKind.PASSWORD_CHANGE_FAILED, violations[0].code), *noted])
        return PasswordRefused(violations=violations)

    def _told(self, outcome: Change | _T) -> PasswordChanged | _T:
        """Tell the host of a password that was chosen."""
        if not isinstance(outcome, Change):
            return outcome
        self._ledger.tell(outcome)
        return PasswordChanged(account=outcome.new)

    # -- the store and the record

    def _written(
        self, account: Account, decide: Callable[[Account | None], Change | None], *, rounds: int = 1
    ) -> Change | None:
        """Write what is decided about an account that was just read; None if nothing is, or others came first."""
        who = account.contact_id

        def decide_one(
            _: Sequence[ContactId], found: Accounts
        ) -> dict[ContactId, Write[Change | None] | Change | None]:
            change = decide(found.get(who))
            return {who: None if change is None else Write(change, change)}

        # Without the hook: `_told` calls it, when the outcome is final.
        ledger = Ledger(store=self._store, audit=self._audit, clock=self._clock, on_change=None)
        ((_, outcome),) = ledger.settle([who], decide_one, rounds=rounds, known={who: account})
        if isinstance(outcome, NotWritten):
            if isinstance(outcome.error, StoreError):
                raise outcome.error
            return None
        return outcome

    def _event(self, kind: AuditKind, account: Account | None, reason: str | None, source: str | None) -> AuditEvent:
        contact_id = None if account is None else account.contact_id
        return AuditEvent(kind=kind, at=self._clock(), contact_id=contact_id, reason=reason, source=source)

    def _record(self, account: Account | None, source: str | None, noted: list[tuple[AuditKind, str]]) -> None:
        if noted:
            self._audit.record([self._event(kind, account, reason, source) for kind, reason in noted])


_Demand = PasswordChangeRequired | PasswordCompromised | DefaultExpired

_MAX_PADDING: Final = 6
"""Characters before or after a default that do not make it another password: a year and a mark or two."""


class _Later(Exception):  # noqa: N818  Not an error: it ends the steps of a request that has to come again.
    """The request has to wait: for a limit, or because the hashing queue is full."""

    def __init__(self, retry_after: timedelta, reason: str = "try_later") -> None:
        super().__init__()
        self.retry_after = retry_after
        self.reason = reason


class _Attempt:
    """What was typed: *key*, or else *contact_id*, finds the account, *name* is what the throttle counts."""

    def __init__(self, *, key: str, name: str, password: Secret, source: str | None, device: Secret | None) -> None:
        self.key = key
        self.name = name
        self.password = password
        self.source = source
        self.device = device
        self.contact_id: ContactId | None = None

    @classmethod
    def of(cls, username: object, password: Secret, source: str | None, device: Secret | None) -> _Attempt:
        """Return the attempt for a user name as typed, even if it cannot be one."""
        text = username if isinstance(username, str) else ""
        try:
            key = name = username_key(text)
        except TextFaultError:
            key, name = "", text[: MAX_USERNAME_LENGTH + 1]
        return cls(key=key, name=name, password=password, source=source, device=device)


class _Given(NamedTuple):
    """What came with a ticket, besides the new password."""

    proof: Secret
    source: str | None
    device: Secret | None


class _Proof(NamedTuple):
    """A right password, and whose."""

    attempt: _Attempt
    caller: Caller
    account: Account
    guess: Guess
    check: HashCheck


def _is_kept(new: Secret, credential: Credential, permit: HashingPermit) -> bool:
    """
    Return whether the new password is the current one (R19).

    An issued password also counts as kept in lower case, and with a few digits, marks or blanks before or after it: the
    policy cannot know a drawn one. Each form costs one issued-cost hash; a password without these has one or two forms.
    """
    stored = credential.password_hash
    forms = _forms_of(new) if credential.origin == CredentialOrigin.ISSUED else (new,)
    return stored is not None and any(permit.matches(form, stored) for form in forms)


def _forms_of(password: Secret) -> tuple[Secret, ...]:
    """Return the forms as secrets: while they are compared, no frame that an error could show holds the plaintext."""
    text = password.reveal()
    forms = [text, *_without_padding(text)]
    return tuple(map(Secret, dict.fromkeys([*forms, *(form.lower() for form in forms)])))


def _without_padding(text: str) -> list[str]:
    """Return the text without its first, or last, one to six characters, as long as these are not letters."""
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


def _check_source(source: object) -> None:
    if source is not None and not isinstance(source, str):
        raise InvalidValueError("source", "pass text, such as str(address), or None")


def _source_in(source: str | None) -> str | None:
    """Return the source of a request that guesses; empty text is none, or all would share one."""
    _check_source(source)
    if not source:
        warnings.warn(
            "source: a sign-in came without one, so that nothing limits whoever tries one user name after the other; "
            "pass the client's address",
            PortalCredsWarning,
            stacklevel=3,
        )
    return source or None


def _device_in(device: str | Secret | None) -> Secret | None:
    try:
        return None if device is None else Secret(device)
    except TypeError:
        raise InvalidValueError("device", "pass SignedIn.device, its text as your cookie has it, or None") from None


def _as_typed(password: str | Secret | None) -> Secret:
    try:
        return Secret("" if password is None else password)
    except TypeError:
        # A form field that is missing, or a JSON number: denied like any other wrong password (R7).
        return Secret("")
