"""Plan a step on many accounts and carry it out, for `AccountService`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from .._chunks import chunks
from .._ids import new_event_id
from .._ledger import AT_A_TIME, Accounts, Ledger, NotWritten, Write
from .._privilege_check import PrivilegeCheck
from ..accounts import Account, CredentialOrigin
from ..audit import AuditEvent, AuditKind
from ..contacts import ContactId
from ..exceptions import StoreError, TransactionAborted
from ..plans import ConfirmedPlan, PlanRecord, carry_out
from ..privileges import Operator, actor
from ..protocols import Change, Clock
from ..throttle import Throttle
from .changes import (
    ChangeDecision,
    ChangeItem,
    ChangeOutcome,
    ChangePlan,
    ChangeReason,
    ChangeReport,
    ChangeResult,
)
from .steps import STEPS, AccountChange

_MAX_ROUNDS: Final = 4
"""How often a contact is decided about, if the account changes between reading and writing each time."""

_Decided = Write[ChangeResult] | ChangeResult


@attrs.frozen(kw_only=True, eq=False, repr=False)
class AccountChanger:
    """
    Changes many accounts in one way.

    Args:
        ledger: The accounts.
        check: Who may change whose.
        clock: Tells the time.
        throttle: The limits that `AccountChange.UNLOCK` lifts.
    """

    ledger: Ledger
    check: PrivilegeCheck
    clock: Clock
    throttle: Throttle

    def plan(
        self,
        contact_ids: Iterable[ContactId],
        operator: Operator,
        change: AccountChange,
        *,
        reason: str | None,
        tenant: str,
    ) -> ChangePlan:
        """Return what would be done, one item for each contact; nothing is written."""
        items: list[ChangeItem] = []
        now = self.clock()
        for chunk in chunks(contact_ids, AT_A_TIME):
            found, unreadable = self.ledger.read(chunk)
            permitted = self._permitted(operator, change, found)
            for contact_id in chunk:
                account = found.get(contact_id)
                if account is None:
                    fault = ChangeReason.STORE_REFUSED if contact_id in unreadable else ChangeReason.NO_ACCOUNT
                    items.append(_cannot(contact_id, fault))
                elif contact_id not in permitted:
                    items.append(_cannot(contact_id, ChangeReason.NOT_PERMITTED))
                else:
                    decision, why = _state(account, change)
                    items.append(
                        ChangeItem(
                            contact_id=contact_id,
                            decision=decision,
                            reason=why,
                            status=account.status(now),
                            epoch=account.credential.epoch,
                        )
                    )
        return ChangePlan(
            items=tuple(items),
            operator=operator,
            change=change,
            reason=reason,
            tenant=tenant,
            clock=self.clock,
            record=PlanRecord(self.ledger.audit),
        )

    def apply(
        self,
        confirmed: ConfirmedPlan[ChangePlan],
        progress: Callable[[ChangeResult], object] | None,
        cancel: Callable[[], bool] | None,
    ) -> ChangeReport:
        """Decide about each contact again, change what is to be changed, and return one result for each."""
        count = confirmed.plan.count(ChangeDecision.WILL_CHANGE)
        results = carry_out(
            confirmed.plan.items,
            lambda chunk: self._settle(confirmed, chunk, count),
            _not_settled,
            at_a_time=AT_A_TIME,
            progress=progress,
            cancel=cancel,
        )
        return ChangeReport(key=confirmed.key, items=results)

    def _settle(
        self, confirmed: ConfirmedPlan[ChangePlan], items: Sequence[ChangeItem], count: int
    ) -> list[ChangeResult]:
        """Return one result for each of the items, in their order."""
        pending = {item.contact_id: item for item in items if item.decision == ChangeDecision.WILL_CHANGE}

        def decide(contact_ids: Sequence[ContactId], found: Accounts) -> dict[ContactId, _Decided]:
            permitted = self._permitted(confirmed.operator, confirmed.plan.change, found)
            return {
                each: self._decide(confirmed, pending[each], found.get(each), count, each in permitted)
                for each in contact_ids
            }

        settled: dict[ContactId, ChangeResult] = {}
        for contact_id, outcome in self.ledger.settle(pending, decide, rounds=_MAX_ROUNDS):
            settled[contact_id] = (
                ChangeResult(item=pending[contact_id], outcome=ChangeOutcome.FAILED, reason=ChangeReason(outcome.code))
                if isinstance(outcome, NotWritten)
                else outcome
            )
        return [settled.get(item.contact_id) or _not_settled(item) for item in items]

    def _decide(
        self,
        confirmed: ConfirmedPlan[ChangePlan],
        item: ChangeItem,
        account: Account | None,
        count: int,
        is_permitted: bool,
    ) -> _Decided:
        plan = confirmed.plan
        step = STEPS[plan.change]
        if account is None:
            return ChangeResult(item=item, outcome=ChangeOutcome.CANNOT, reason=ChangeReason.NO_ACCOUNT)
        if not is_permitted:
            return ChangeResult(item=item, outcome=ChangeOutcome.CANNOT, reason=ChangeReason.NOT_PERMITTED)
        if not confirmed.is_new_key and self.ledger.has_recorded(account.contact_id, step.kind, confirmed.key):
            return ChangeResult(item=item, outcome=ChangeOutcome.ALREADY_CHANGED)
        if account.credential.epoch != item.epoch:
            return ChangeResult(item=item, outcome=ChangeOutcome.SKIPPED, reason=ChangeReason.CHANGED_MEANWHILE)
        decision, why = _state(account, plan.change)
        if decision != ChangeDecision.WILL_CHANGE:
            return ChangeResult(item=item, outcome=_OUTCOMES[decision], reason=why)
        now = self.clock()
        event = AuditEvent(
            kind=step.kind,
            at=now,
            **actor(confirmed.operator),
            contact_id=account.contact_id,
            reason=plan.reason,
            operation_id=confirmed.key,
            count=count,
            confirmed_at=confirmed.confirmed_at,
        )
        done = ChangeResult(item=item, outcome=ChangeOutcome.CHANGED)
        if step.change is None:
            try:
                self.unlock(account, event)
            except TransactionAborted:
                raise
            except StoreError as error:
                # Those before it are unlocked, and on the record as such: their results stand.
                failed = ChangeReason(NotWritten(error).code)
                return ChangeResult(item=item, outcome=ChangeOutcome.FAILED, reason=failed)
            return done
        changed = step.change(account, now, plan.reason or "")
        return Write(Change(old=account, new=changed, events=(event,)), done)

    def unlock(self, account: Account, event: AuditEvent) -> None:
        """
        Forget the failures of an account. The event is on the record once that happened, and not before.

        What counts and what records need not share a transaction. So it is on the record as begun before, and an
        unlocking that cannot be recorded does not happen.
        """
        self.ledger.audit.record([attrs.evolve(event, kind=AuditKind.UNLOCKING_BEGUN, event_id=new_event_id())])
        self.throttle.unlock(account)
        self.ledger.audit.record([event])

    def _permitted(self, operator: Operator, change: AccountChange, found: Accounts) -> frozenset[ContactId]:
        return self.check.permitted_ids(operator, STEPS[change].privilege, found.values())


_OUTCOMES: Final = {ChangeDecision.SKIP: ChangeOutcome.SKIPPED, ChangeDecision.CANNOT: ChangeOutcome.CANNOT}


def _state(account: Account, change: AccountChange) -> tuple[ChangeDecision, ChangeReason | None]:
    """Decide by what the account is; a plan and what carries it out decide the same way."""
    if account.erased_at is not None and change != AccountChange.ERASE:
        return ChangeDecision.CANNOT, ChangeReason.ERASED
    if STEPS[change].is_done(account):
        return ChangeDecision.SKIP, ChangeReason.ALREADY_SO
    if change == AccountChange.ENABLE and account.is_parked:
        return ChangeDecision.CANNOT, ChangeReason.BEING_MOVED
    if change == AccountChange.REQUIRE_CHANGE and account.credential.origin == CredentialOrigin.NONE:
        return ChangeDecision.CANNOT, ChangeReason.NO_PASSWORD
    return ChangeDecision.WILL_CHANGE, None


def _cannot(contact_id: ContactId, reason: ChangeReason) -> ChangeItem:
    return ChangeItem(contact_id=contact_id, decision=ChangeDecision.CANNOT, reason=reason)


def _not_settled(item: ChangeItem) -> ChangeResult:
    outcome = _OUTCOMES.get(item.decision, ChangeOutcome.NOT_REACHED)
    return ChangeResult(item=item, outcome=outcome, reason=item.reason)
