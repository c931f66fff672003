"""Carry a confirmed plan out, a few dozen contacts at a time, for `ResetService`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import attrs

from ._committed import notify
from ._one_by_one import apply_each, find_each
from ._reset_decider import ResetDecider, ResetTerms, set_privilege
from .accounts import Account, CredentialOrigin, PasswordHash
from .audit import AuditEvent, AuditKind
from .contacts import Contact, ContactId
from .default_passwords import Derived
from .exceptions import HashingUnavailableError, StoreError, StoreUnavailableError, TransactionAborted
from .protocols import AccountStore, ApplyResult, AuditSink, Change, ChangeHook, Clock, CredentialHasher
from .reset_job import ResetOutcome, ResetResult, not_planned
from .reset_plan import ConfirmedPlan, Decision, DecisionReason, ResetPlanItem

if TYPE_CHECKING:
    from concurrent.futures import Executor

_MAX_ROUNDS: Final = 4
"""How often a contact is decided anew because the account changed while its default was hashed."""


@attrs.frozen(kw_only=True)
class ResetRunner:
    """
    Reads, decides, hashes and writes.

    Args:
        store: The accounts.
        hasher: Writes hashes.
        decider: The rule of who gets a default, and which.
        audit: Where failed notifications go on the record.
        clock: Tells the time.
        on_change: Told of each committed change.
    """

    store: AccountStore
    hasher: CredentialHasher
    decider: ResetDecider
    audit: AuditSink
    clock: Clock
    on_change: ChangeHook | None

    def settle(self, run: ResetRun, chunk: Sequence[ResetPlanItem], settled: dict[ContactId, ResetResult]) -> None:
        """
        Put one result for each item of the chunk into *settled*, as soon as it stands.

        What is committed stays there, whatever is raised after it.
        """
        for item in chunk:
            if item.decision != Decision.WILL_SET:
                settled[item.contact_id] = not_planned(item)
        pending = [item for item in chunk if item.contact_id not in settled]
        hashed: dict[ContactId, _Hashed] = {}
        try:
            for _ in range(_MAX_ROUNDS):
                if not pending:
                    break
                pending = self._apply_round(run, pending, hashed, settled)
            reason = DecisionReason.KEPT_CHANGING
        except TransactionAborted:
            raise
        except StoreError as error:
            reason = _failure(error)
        except HashingUnavailableError:
            reason = DecisionReason.HASHING_UNAVAILABLE
        for item in pending:
            settled.setdefault(item.contact_id, _result(item, ResetOutcome.FAILED, reason))

    def _apply_round(
        self,
        run: ResetRun,
        pending: Sequence[ResetPlanItem],
        hashed: dict[ContactId, _Hashed],
        results: dict[ContactId, ResetResult],
    ) -> list[ResetPlanItem]:
        """Read, decide, hash and write what is pending; note what came of it, and return what lost a race."""
        plan = run.confirmed.plan
        stored, unreadable = find_each(self.store, [item.contact_id for item in pending])
        refused = [item for item in pending if item.contact_id in unreadable]
        for item in refused:
            results[item.contact_id] = _result(item, ResetOutcome.FAILED, DecisionReason.STORE_REFUSED)
        pending = [item for item in pending if item.contact_id not in unreadable]
        terms = ResetTerms(
            # What the operator saw and confirmed; a password chosen since has moved the epoch.
            replace_chosen=True,
            reveal=plan.reveal,
            privilege=set_privilege(len(plan) == 1),
            operator=run.confirmed.operator,
        )
        to_set: list[tuple[ResetPlanItem, Account, Derived]] = []
        verdicts = self.decider.verdicts(
            _unsettled(run, pending, stored, self.decider.strategy.is_derivable, self.clock(), results), terms
        )
        for item in pending:
            verdict = verdicts.get(item.contact_id)
            if verdict is None:
                continue
            if verdict.derived is None:
                outcome = ResetOutcome.SKIPPED if verdict.decision == Decision.SKIP else ResetOutcome.CANNOT
                results[item.contact_id] = _result(item, outcome, verdict.reason)
            else:
                to_set.append((item, stored[item.contact_id], verdict.derived))
        self._hash(run, to_set, hashed)
        changes = [self._change(run, account, hashed[item.contact_id]) for item, account, _ in to_set]
        stale: list[ResetPlanItem] = []
        told: list[Change] = []
        for (item, account, _), change, written in zip(to_set, changes, apply_each(self.store, changes), strict=True):
            if isinstance(written, StoreError):
                results[item.contact_id] = _result(item, ResetOutcome.FAILED, _failure(written))
                continue
            if written != ApplyResult.APPLIED:
                stale.append(item)
                continue
            derived = hashed[item.contact_id].derived
            moved = (account.contact.first_name, account.contact.last_name) != (item.first_name, item.last_name)
            warnings = (*verdicts[item.contact_id].warnings, "name_changed") if moved else item.warnings
            secret = derived.secret if plan.reveal else None
            results[item.contact_id] = ResetResult(
                item=item, outcome=ResetOutcome.SET, warnings=warnings, secret=secret
            )
            told.append(change)
        # Last, so that a hook that is interrupted leaves no result untold.
        for change in told:
            notify(self.on_change, self.audit, self.clock, change.new, change.events[0])
        return stale

    def _hash(
        self, run: ResetRun, to_set: Sequence[tuple[ResetPlanItem, Account, Derived]], hashed: dict[ContactId, _Hashed]
    ) -> None:
        """Hash the defaults that are not hashed yet; a lost race costs another hash only where the default moved."""
        new = [
            (item.contact_id, account.contact, derived)
            for item, account, derived in to_set
            if (known := hashed.get(item.contact_id)) is None or known.contact != account.contact
        ]
        hashes = self.hasher.hash_issued(
            [derived.secret for _, _, derived in new],
            executor=run.executor,
            may_leave_process=run.may_leave_process,
        )
        for (contact_id, contact, derived), password_hash in zip(new, hashes, strict=True):
            hashed[contact_id] = _Hashed(contact=contact, derived=derived, password_hash=password_hash)

    def _change(self, run: ResetRun, account: Account, hashed: _Hashed) -> Change:
        confirmed, now = run.confirmed, self.clock()
        issued = account.issue(
            hashed.password_hash,
            strategy=self.decider.strategy.id,
            issue_id=confirmed.key,
            issued_by=confirmed.operator.operator_id,
            issued_at=now,
            expires_at=confirmed.plan.expires_at or now + confirmed.plan.lifetime,
        )
        event = AuditEvent(
            kind=AuditKind.PASSWORD_ISSUED,
            at=now,
            operator_id=confirmed.operator.operator_id,
            contact_id=account.contact_id,
            reason=self.decider.strategy.id,
            operation_id=confirmed.key,
            count=run.planned,
            confirmed_at=confirmed.confirmed_at,
        )
        # In the same change: what is revealed is on the record, or not set at all (R15).
        revealed = attrs.evolve(event, kind=AuditKind.PASSWORD_REVEALED, event_id=uuid4().hex)
        return Change(old=account, new=issued, events=(event, revealed) if confirmed.plan.reveal else (event,))


@attrs.frozen(kw_only=True)
class ResetRun:
    """One application of a confirmed plan."""

    confirmed: ConfirmedPlan
    executor: Executor | None
    may_leave_process: bool
    planned: int


@attrs.frozen(kw_only=True)
class _Hashed:
    """A default and its hash, kept while its write loses races."""

    contact: Contact
    derived: Derived
    password_hash: PasswordHash


def _unsettled(
    run: ResetRun,
    pending: Sequence[ResetPlanItem],
    stored: Mapping[ContactId, Account],
    is_derivable: bool,
    now: datetime,
    results: dict[ContactId, ResetResult],
) -> dict[ContactId, Account]:
    """Return the accounts still to be decided about, and note the result of the others."""
    expires_at = run.confirmed.plan.expires_at
    expired = expires_at is not None and expires_at <= now
    accounts = {}
    for item in pending:
        account = stored.get(item.contact_id)
        if account is None:
            result = _result(item, ResetOutcome.CANNOT, DecisionReason.NO_ACCOUNT)
        elif account.credential.issue_id == run.confirmed.key:
            # This very job issued it before: it was killed and resumed, or its acknowledgement was lost (R12).
            # What was drawn and is still the password was perhaps never seen; what was used was.
            unseen = not is_derivable and account.credential.origin == CredentialOrigin.ISSUED
            result = _result(item, ResetOutcome.UNDELIVERED if unseen else ResetOutcome.ALREADY_SET, None)
        elif account.credential.epoch != item.epoch:
            result = _result(item, ResetOutcome.SKIPPED, DecisionReason.CHANGED_MEANWHILE)
        elif expired:
            result = _result(item, ResetOutcome.CANNOT, DecisionReason.EXPIRY_PASSED)
        else:
            accounts[item.contact_id] = account
            continue
        results[item.contact_id] = result
    return accounts


def _failure(error: StoreError) -> DecisionReason:
    if isinstance(error, StoreUnavailableError):
        return DecisionReason.STORE_UNAVAILABLE
    return DecisionReason.STORE_REFUSED


def _result(item: ResetPlanItem, outcome: ResetOutcome, reason: DecisionReason | None) -> ResetResult:
    return ResetResult(item=item, outcome=outcome, reason=reason, warnings=item.warnings)
