"""Say once what the services have in common: the parts they borrow, and what is made of these."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import attrs

from ._arguments import NEEDS_CLOCK, has_methods, is_callable, is_flag
from ._ledger import Ledger
from ._privilege_check import PrivilegeCheck, audit_of
from ._value import show
from .accounts import Account
from .audit import AuditEvent, AuditKind, with_shown
from .contacts import ContactId
from .exceptions import ConfigurationError, PortalCredsWarning
from .plans import MAX_WAIT, ConfirmedPlan, Plan, check_confirmed
from .privileges import Operator, actor
from .protocols import AccountStore, AuditSink, Authorizer, ChangeHook, Clock, utc_now

_PlanT = TypeVar("_PlanT", bound=Plan[Any, Any])


@attrs.frozen(eq=False, repr=False)
class Service:
    """A service over a store; see the services themselves for what the parts mean."""

    _store: AccountStore = attrs.field(
        alias="store",
        repr=False,
        validator=has_methods("find", "find_many", "apply", hint="pass an AccountStore, such as DBAPIAccountStore"),
    )
    _audit: AuditSink = attrs.field(
        kw_only=True,
        default=attrs.Factory(lambda self: audit_of(self._store), takes_self=True),
        alias="audit",
        repr=False,
        validator=has_methods("record", hint="pass an AuditSink, or leave it out if the store records events itself"),
    )
    _clock: Clock = attrs.field(
        kw_only=True,
        default=utc_now,
        alias="clock",
        repr=False,
        validator=is_callable(hint=NEEDS_CLOCK),
    )
    _on_change: ChangeHook | None = attrs.field(
        kw_only=True,
        default=None,
        alias="on_change",
        repr=False,
        validator=is_callable(hint="pass a function of the account and the event, or None", or_none=True),
    )

    def __repr__(self) -> str:
        return show(self)

    @property
    def _tenant(self) -> str:
        # By attribute: a store of the host's may have no tenants.
        return str(getattr(self._store, "tenant", ""))

    @property
    def _ledger(self) -> Ledger:
        return Ledger(store=self._store, audit=self._audit, clock=self._clock, on_change=self._on_change)


def counts_for_store(service: Service, attribute: attrs.Attribute[Any], throttle: object) -> None:
    """
    Refuse a throttle that counts for another tenant than the store's, and warn of one that counts for one process only.

    Raises:
        ConfigurationError: It counts for another tenant: who guesses there would keep people out here (R9).
    """
    # By attribute: a throttle, a counter and a store of the host's may say nothing of the kind.
    mine, counted = (getattr(part, "tenant", None) for part in (service._store, throttle))
    if mine is not None and counted is not None and mine != counted:
        raise ConfigurationError("counter", "count for the store's tenant, as store.counter() does")
    of_one = [getattr(part, "is_of_one_process", False) is True for part in (service._store, throttle)]
    if of_one == [False, True]:
        warnings.warn(
            "counter: it counts for this process alone, so that a guesser has as many guesses in each, and unlocking "
            "here lifts nothing there; pass store.counter(), or another one that all processes share",
            PortalCredsWarning,
            stacklevel=4,
        )


@attrs.frozen(eq=False, repr=False)
class StaffService(Service):
    """A service that staff use: each of its steps asks the authorizer (R16)."""

    _authorizer: Authorizer = attrs.field(
        kw_only=True,
        alias="authorizer",
        repr=False,
        validator=is_callable(hint="pass your rule of who may do what, such as Grants(privileges={...})"),
    )
    _allow_own_account: bool = attrs.field(kw_only=True, default=False, alias="allow_own_account", validator=is_flag)

    @property
    def _check(self) -> PrivilegeCheck:
        return PrivilegeCheck(
            authorizer=self._authorizer,
            audit=self._audit,
            clock=self._clock,
            allow_own_account=self._allow_own_account,
        )

    def _check_plan(
        self,
        confirmed: ConfirmedPlan[_PlanT],
        plan: type[_PlanT],
        row: type,
        is_sound: Callable[[ConfirmedPlan[_PlanT]], bool],
    ) -> None:
        """
        Refuse what is no confirmed plan, and one that was made over another tenant.

        Raises:
            ConfigurationError: See `ResetService.start`.
        """
        check_confirmed(confirmed, plan, row, self._clock(), is_sound)
        if confirmed.plan.tenant != self._tenant:
            raise ConfigurationError("store", "start the plan over the tenant that it was made over")

    def _check_confirmed(
        self,
        confirmed: ConfirmedPlan[_PlanT],
        plan: type[_PlanT],
        row: type,
        is_sound: Callable[[ConfirmedPlan[_PlanT]], bool] = lambda _: True,
    ) -> None:
        """
        Refuse a confirmed plan that must not be carried out here and now, and that is not stored as a job.

        Raises:
            ConfigurationError: See `AccountService.apply_change`.
        """
        self._check_plan(confirmed, plan, row, is_sound)
        if not confirmed.is_new_key and not callable(getattr(self._store, "events", None)):
            raise ConfigurationError("key", "leave it out of confirm(): this store cannot tell what an earlier job did")
        refuse_old(confirmed, self._clock())

    def _record(
        self,
        kind: AuditKind,
        operator: Operator,
        account: Account | None = None,
        *,
        count: int | None = None,
        reason: str | None = None,
        operation_id: str | None = None,
        shown: Iterable[ContactId] | None = None,
    ) -> None:
        event = self._event(kind, operator, account, count=count, reason=reason, operation_id=operation_id)
        self._audit.record([event] if shown is None else with_shown(event, shown))

    def _event(
        self,
        kind: AuditKind,
        operator: Operator,
        account: Account | None = None,
        *,
        count: int | None = None,
        reason: str | None = None,
        operation_id: str | None = None,
    ) -> AuditEvent:
        return AuditEvent(
            kind=kind,
            at=self._clock(),
            **actor(operator),
            contact_id=None if account is None else account.contact_id,
            count=count,
            reason=reason,
            operation_id=operation_id,
        )


def refuse_old(confirmed: ConfirmedPlan[Any], now: datetime) -> None:
    """
    Refuse a plan that was confirmed too long ago to be started.

    Raises:
        ConfigurationError: It was confirmed more than 24 hours ago.
    """
    if now - confirmed.confirmed_at > MAX_WAIT:
        hours = MAX_WAIT // timedelta(hours=1)
        raise ConfigurationError("confirmed", f"make a new plan; this one was confirmed over {hours} hours ago")
