"""Settle a few dozen contacts of a job at a time, for `ResetJob`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import attrs

from .._ids import digest, new_event_id, new_ticket
from .._ledger import Accounts, Ledger, NotWritten, Write
from ..accounts import Account, CredentialOrigin, PasswordHash
from ..audit import AuditEvent, AuditKind
from ..contacts import Contact, ContactId
from ..derived import Derived
from ..exceptions import HashingUnavailableError, StoreError, TransactionAborted
from ..jobs import StoredJob
from ..privileges import Operator, actor
from ..protocols import Change, Clock, CredentialHasher
from ..secret import Secret
from ..throttle import Throttle
from ._decider import ResetDecider, ResetTerms
from ._stored import JobTerms, StoredItem, names_mark, username_mark
from .plan import Decision, DecisionReason, ResetPlanItem, ResetWarning
from .report import ResetOutcome, ResetResult, not_planned

if TYPE_CHECKING:
    from concurrent.futures import Executor

_MAX_ROUNDS: Final = 4
"""How often a contact is decided about, if the account changes while its default is hashed each time."""


class ResetRun:
    """
    One run of a job.

    Args:
        job: The job.
        terms: What was confirmed besides the contacts.
        operator: Who pressed OK, for the authorizer.
        executor: Where to hash, or None.
        may_leave_process: Whether plaintexts may be sent there.
    """

    def __init__(
        self,
        *,
        job: StoredJob,
        terms: JobTerms,
        operator: Operator,
        executor: Executor | None,
        may_leave_process: bool,
    ) -> None:
        self.job = job
        self.terms = terms
        self.operator = operator
        self.executor = executor
        self.may_leave_process = may_leave_process

    @property
    def deciding(self) -> ResetTerms:
        """What decisions depend on."""
        return ResetTerms(
            replace_chosen=self.terms.replace_chosen,
            reveal=self.terms.reveal,
            count=self.job.total,
            operator=self.operator,
        )


class ResetRunner:
    """
    Sets passwords, or invites, as a job says.

    Args:
        ledger: The accounts.
        hasher: Writes hashes.
        decider: The rule of who gets a default or an invitation, and which.
        throttle: Where the limits on guessing are lifted for those who get a default, or None.
        clock: Tells the time.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        hasher: CredentialHasher,
        decider: ResetDecider,
        throttle: Throttle | None,
        clock: Clock,
    ) -> None:
        self.ledger = ledger
        self.hasher = hasher
        self.decider = decider
        self.throttle = throttle
        self.clock = clock

    def settle(self, run: ResetRun, items: Sequence[StoredItem], settled: dict[ContactId, ResetResult]) -> None:
        """
        Put one result for each item into *settled*, each as soon as it is final.

        What is committed stays there, whatever is raised after it.
        """
        pending = {each.contact_id: each for each in items}
        seen: dict[ContactId, Account] = {}
        hashed: dict[ContactId, _Hashed] = {}

        def decide(contact_ids: Sequence[ContactId], found: Accounts) -> dict[ContactId, _Decided]:
            seen.update(found)
            planned = [pending[each] for each in contact_ids if pending[each].item.decision == Decision.WILL_SET]
            return self._decide(run, planned, found, hashed)

        def fail(stored: StoredItem, reason: DecisionReason) -> ResetResult:
            return _result(stored.shown(seen.get(stored.contact_id)), ResetOutcome.FAILED, reason)

        try:
            # Those that the plan left out are read too: their names are shown.
            for contact_id, outcome in self.ledger.settle(pending, decide, rounds=_MAX_ROUNDS):
                stored = pending[contact_id]
                if not isinstance(outcome, NotWritten):
                    settled[contact_id] = outcome
                elif stored.item.decision == Decision.WILL_SET:
                    settled[contact_id] = fail(stored, DecisionReason(outcome.code))
        except HashingUnavailableError:
            for stored in items:
                settled.setdefault(stored.contact_id, fail(stored, DecisionReason.HASHING_UNAVAILABLE))
        for stored in items:
            if stored.item.decision != Decision.WILL_SET:
                settled[stored.contact_id] = not_planned(stored.shown(seen.get(stored.contact_id)))

    def _decide(
        self, run: ResetRun, items: Sequence[StoredItem], found: Accounts, hashed: dict[ContactId, _Hashed]
    ) -> dict[ContactId, _Decided]:
        """Return each item's result, or the issue that is to be written, with its default hashed."""
        decided: dict[ContactId, _Decided] = {}
        open_items: list[StoredItem] = []
        for stored in items:
            over = self._result_without_decision(run, stored, found.get(stored.contact_id))
            if over is None:
                open_items.append(stored)
            else:
                decided[stored.contact_id] = over
        verdicts = self.decider.verdicts({each.contact_id: found[each.contact_id] for each in open_items}, run.deciding)
        to_set: list[tuple[StoredItem, Account, Derived]] = []
        for stored in open_items:
            verdict, account = verdicts[stored.contact_id], found[stored.contact_id]
            if verdict.derived is None:
                outcome = ResetOutcome.SKIPPED if verdict.decision == Decision.SKIP else ResetOutcome.CANNOT
                decided[stored.contact_id] = _result(stored.shown(account), outcome, verdict.reason)
            else:
                to_set.append((stored, account, verdict.derived))
        self._hash(run, to_set, hashed)
        notes = self._lift_limits([account for _, account, _ in to_set])
        for stored, account, _ in to_set:
            default = hashed[stored.contact_id]
            moved = stored.names_mark != names_mark(run.job.key, account.contact)
            # None: the operator may not see it.
            renamed = stored.username_mark not in (None, username_mark(run.job.key, account.username))
            warnings = stored.item.warnings
            if moved:
                warnings = (*verdicts[stored.contact_id].warnings, ResetWarning.NAME_CHANGED)
            result = ResetResult(
                item=stored.shown(account),
                outcome=ResetOutcome.SET,
                warnings=warnings + ((ResetWarning.USERNAME_CHANGED,) if renamed else ()) + notes,
                secret=default.derived.secret if run.terms.reveal else None,
            )
            change = self._change(run, account, default)
            decided[stored.contact_id] = Write(change, result.dated(change.new, run.job.key))
        return decided

    def _lift_limits(self, accounts: Sequence[Account]) -> tuple[str, ...]:
        """Lift the limits on the user names, so that the owners get in at once; return the warning if that failed."""
        if self.throttle is None or not accounts:
            return ()
        # Before the write: a counter in the same SQLite file could not write beside the host's open transaction.
        try:
            self.throttle.lift(accounts)
        except TransactionAborted:
            raise
        except StoreError:
            # They end by themselves, or when somebody unlocks the account.
            return (ResetWarning.LIMITS_NOT_LIFTED,)
        return ()

    def _result_without_decision(
        self, run: ResetRun, stored: StoredItem, account: Account | None
    ) -> ResetResult | None:
        """Return the result of a contact whose password this run must not set in any case, or None."""
        if account is None:
            return _result(stored.item, ResetOutcome.CANNOT, DecisionReason.NO_ACCOUNT)
        item, credential = stored.shown(account), account.credential
        if credential.issue_id == run.job.key:
            # This job issued it before: it was killed and resumed, or its acknowledgement was lost (R12).
            # What was drawn and not used yet was perhaps never seen.
            unseen = not self.decider.strategy.is_derivable and credential.origin == CredentialOrigin.ISSUED
            outcome = ResetOutcome.UNDELIVERED if unseen else ResetOutcome.SET
            return _result(item, outcome, None).dated(account, run.job.key)
        # An epoch only grows: whoever was set by this job, or by anybody since the plan, is not set again (R12).
        if credential.epoch != item.epoch:
            return _result(item, ResetOutcome.SKIPPED, DecisionReason.CHANGED_MEANWHILE)
        if run.terms.expires_at is not None and run.terms.expires_at <= self.clock():
            return _result(item, ResetOutcome.CANNOT, DecisionReason.EXPIRY_PASSED)
        return None

    def _hash(
        self, run: ResetRun, to_set: Sequence[tuple[StoredItem, Account, Derived]], hashed: dict[ContactId, _Hashed]
    ) -> None:
        """Hash the defaults that are not hashed yet; after a lost race only those whose contact changed."""
        new = [
            (stored.contact_id, account.contact, derived)
            for stored, account, derived in to_set
            if (known := hashed.get(stored.contact_id)) is None or known.contact != account.contact
        ]
        # Beside an invitation stands the hash of what nobody was told: it is where a default would be, so that every
        # store can hold it.
        hashes = self.hasher.hash_issued(
            [Secret(new_ticket("")) if self.decider.invites else derived.secret for _, _, derived in new],
            executor=run.executor,
            may_leave_process=run.may_leave_process,
        )
        for (contact_id, contact, derived), password_hash in zip(new, hashes, strict=True):
            hashed[contact_id] = _Hashed(contact=contact, derived=derived, password_hash=password_hash)

    def _change(self, run: ResetRun, account: Account, hashed: _Hashed) -> Change:
        job, terms, now = run.job, run.terms, self.clock()
        issued = account.issue(
            hashed.password_hash,
            strategy=self.decider.strategy.id,
            issue_id=job.key,
            issued_by=job.operator_id,
            issued_at=now,
            expires_at=terms.expires_at or now + terms.lifetime,
            ticket_digest=digest(hashed.derived.secret.reveal()) if self.decider.invites else None,
        )
        event = AuditEvent(
            kind=AuditKind.INVITED if self.decider.invites else AuditKind.PASSWORD_ISSUED,
            at=now,
            **actor(terms.operator),
            contact_id=account.contact_id,
            reason=None if self.decider.invites else self.decider.strategy.id,
            operation_id=job.key,
            count=job.planned,
            confirmed_at=job.confirmed_at,
        )
        if self.decider.invites or not terms.reveal:
            return Change(old=account, new=issued, events=(event,))
        # In the same change: what is revealed is on the record, or not set at all (R15).
        revealed = attrs.evolve(event, kind=AuditKind.PASSWORD_REVEALED, event_id=new_event_id())
        return Change(old=account, new=issued, events=(event, revealed))


class _Hashed:
    """A default or an invitation, and the hash, kept while its write loses races."""

    def __init__(self, *, contact: Contact, derived: Derived, password_hash: PasswordHash) -> None:
        self.contact = contact
        self.derived = derived
        self.password_hash = password_hash


_Decided = Write[ResetResult] | ResetResult


def _result(item: ResetPlanItem, outcome: ResetOutcome, reason: DecisionReason | None) -> ResetResult:
    return ResetResult(item=item, outcome=outcome, reason=reason, warnings=item.warnings)
