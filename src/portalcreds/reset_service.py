"""Set default passwords, for one contact or a district: plan, confirm, apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from ._chunks import chunks
from ._one_by_one import find_each
from ._privilege_check import PrivilegeCheck, audit_of
from ._reset_decider import ResetDecider, ResetTerms, set_privilege
from ._reset_runner import ResetRun, ResetRunner
from .accounts import is_code
from .audit import AuditEvent, AuditKind
from .contacts import ContactId
from .default_passwords import LastNameFirstInitial
from .exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
)
from .privileges import Operator, Privilege
from .protocols import (
    AccountStore,
    AuditSink,
    Authorizer,
    ChangeHook,
    Clock,
    CredentialHasher,
    DefaultPasswordStrategy,
    utc_now,
)
from .reset_job import ResetJob, ResetResult
from .reset_plan import ConfirmedPlan, Decision, DecisionReason, ResetPlan, ResetPlanItem

if TYPE_CHECKING:
    from concurrent.futures import Executor

DEFAULT_LIFETIME: Final = timedelta(days=14)
"""How long an issued default works, unless the service or a plan says otherwise (R5; ASVS 5.0 6.4.1 asks for short)."""

MAX_LIFETIME: Final = timedelta(days=366)
"""The longest that a default may work; one that outlives a school year is a password for good."""

_PLAN_CHUNK: Final = 500
"""Accounts read at a time for a plan."""


def _lifetime(service: object, attribute: attrs.Attribute[timedelta], value: timedelta) -> None:
    if not timedelta(0) < value <= MAX_LIFETIME:
        raise ConfigurationError("lifetime", f"pass more than zero and at most {MAX_LIFETIME.days} days")


def _max_affected(service: ResetService, attribute: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and value < 1:
        raise ConfigurationError("max_affected", "pass at least 1, or None for no bound")
    # By attribute, and absent from a store that knows no other transactions than its own.
    if value != 1 and getattr(service._store, "is_borrowed", False) is True:
        raise ConfigurationError(
            "store",
            "pass one over an engine or a connection factory, which can commit a few at a time (R12); "
            "or max_affected=1, to set one password in the transaction of the host",
        )


def _hashes_issued(service: object, attribute: attrs.Attribute[CredentialHasher], value: object) -> None:
    if not callable(getattr(value, "hash_issued", None)):
        raise ConfigurationError("hasher", "pass a CredentialHasher, such as UpgradingHasher(chosen=your_hasher)")


def _strategy(service: object, attribute: attrs.Attribute[DefaultPasswordStrategy], value: object) -> None:
    if not is_code(getattr(value, "id", None)) or type(getattr(value, "is_derivable", None)) is not bool:
        raise ConfigurationError("strategy", "pass a strategy with an id of 1 to 64 printable ASCII characters")


@attrs.frozen
class ResetService:
    """
    What the buttons *Set Password* and *Set Passwords* call.

    Args:
        store: The accounts.
        hasher: Writes hashes, such as `portalcreds.hashers.UpgradingHasher`.
        authorizer: The host's rule of who may do what to whom (R16).
        strategy: What makes the defaults: last name and first initial, unless another one is handed in. Hand a
            derivable one to `PasswordPolicy` as well, so that what it derives cannot be kept as a chosen password.
        audit: Where refusals go on the record; the store itself if it is a sink.
        clock: Tells the time.
        lifetime: How long a default works.
        max_affected: The most contacts that a plan may select; None for no bound. A store in the host's transaction
            (R20) is taken with 1 only.
        allow_own_account: Whether operators may set the password of their own account; not by default.
        on_change: Told once of each committed change, with the account and the event, so that the host can notify the
            contact (ASVS 5.0 6.3.7). Its failure goes on the record and changes nothing.
    """

    _store: AccountStore = attrs.field(alias="store", repr=False)
    _hasher: CredentialHasher = attrs.field(kw_only=True, alias="hasher", repr=False, validator=_hashes_issued)
    _authorizer: Authorizer = attrs.field(kw_only=True, alias="authorizer", repr=False)
    _strategy: DefaultPasswordStrategy = attrs.field(
        kw_only=True, factory=LastNameFirstInitial, alias="strategy", validator=_strategy
    )
    _audit: AuditSink = attrs.field(
        kw_only=True,
        default=attrs.Factory(lambda self: audit_of(self._store), takes_self=True),
        alias="audit",
        repr=False,
    )
    _clock: Clock = attrs.field(kw_only=True, default=utc_now, alias="clock", repr=False)
    _lifetime: timedelta = attrs.field(kw_only=True, default=DEFAULT_LIFETIME, alias="lifetime", validator=_lifetime)
    _max_affected: int | None = attrs.field(kw_only=True, default=None, alias="max_affected", validator=_max_affected)
    _allow_own_account: bool = attrs.field(kw_only=True, default=False, alias="allow_own_account")
    _on_change: ChangeHook | None = attrs.field(kw_only=True, default=None, alias="on_change", repr=False)

    def plan(
        self,
        contact_ids: Iterable[str],
        operator: Operator,
        *,
        replace_chosen: bool | None = None,
        expires_at: datetime | None = None,
        reveal: bool = False,
        max_affected: int | None = None,
    ) -> ResetPlan:
        """
        Say what setting the passwords of these contacts would do; no account is written (R11).

        What it shows is a look-up like another: refusals, and how many user names were seen, go on the record.

        Args:
            contact_ids: Whose, in the order to report in. A frozen list, never "all that match".
            operator: Who asks.
            replace_chosen: Whether passwords that contacts chose (or brought along) are replaced too. None means yes
                for a single contact, who was picked because the password was forgotten, and no for many.
            expires_at: When the defaults stop working, instead of a lifetime after they are set.
            reveal: Whether the results carry the passwords, for which a privilege of its own is asked (R15). Needed
                where the strategy draws them, as nobody could know them otherwise.
            max_affected: The most contacts that may be selected, where that is fewer than the service allows.

        Raises:
            InvalidValueError: A contact is listed twice, there are more than *max_affected*, *expires_at* is not an
                aware datetime of the next 366 days, or a drawing strategy would set passwords that nobody can know.
        """
        selected = self._selected(contact_ids, max_affected)
        if expires_at is not None and (
            expires_at.utcoffset() != timedelta(0) or not timedelta(0) < expires_at - self._clock() <= MAX_LIFETIME
        ):
            raise InvalidValueError(
                "expires_at", f"pass an aware datetime in UTC, still to come and within {MAX_LIFETIME.days} days"
            )
        if not (reveal or self._strategy.is_derivable):
            raise InvalidValueError("reveal", "pass reveal=True: nobody could know passwords that are drawn otherwise")
        one = len(selected) == 1
        replace = one if replace_chosen is None else replace_chosen
        terms = ResetTerms(replace_chosen=replace, reveal=reveal, privilege=set_privilege(one), operator=operator)
        items: list[ResetPlanItem] = []
        for chunk in chunks(selected, _PLAN_CHUNK):
            items.extend(self._plan_chunk(chunk, terms))
        self._record_view(sum(item.username is not None for item in items), operator)
        return ResetPlan(
            items=tuple(items),
            operator=operator,
            strategy=self._strategy.id,
            lifetime=self._lifetime,
            expires_at=expires_at,
            reveal=reveal,
            clock=self._clock,
        )

    def apply(
        self,
        confirmed: ConfirmedPlan,
        *,
        cancel: Callable[[], bool] | None = None,
        executor: Executor | None = None,
        may_leave_process: bool = False,
    ) -> ResetJob:
        """
        Return the job that carries a confirmed plan out; it works while it is iterated over, or all at once in ``run``.

        Each contact is read and decided anew, and skipped if the credential's epoch moved since the plan. A few dozen
        are committed at a time, and a failure does not stop the rest. Applying the same confirmed plan again sets
        nothing twice: the key is on each credential it issued (R12).

        Args:
            confirmed: What `ResetPlan.confirm` returned.
            cancel: Asked before each few dozen; True stops the job there.
            executor: Where to hash instead of on the hasher's own threads; borrowed, never shut down.
            may_leave_process: Whether plaintexts may be sent to an executor outside this process (R13).

        Raises:
            ConfigurationError: The plan was made with another strategy, or is not confirmed. While it works: the
                executor cannot be used.
        """
        if not isinstance(confirmed, ConfirmedPlan):
            raise ConfigurationError("confirmed", "pass what ResetPlan.confirm returned; nothing else can be applied")
        is_sound = timedelta(0) < confirmed.plan.lifetime <= MAX_LIFETIME and is_code(confirmed.key)
        if not is_sound or confirmed.confirmed_at.utcoffset() != timedelta(0):
            raise ConfigurationError("confirmed", "pass what ResetPlan.confirm returned, unchanged")
        if confirmed.plan.strategy != self._strategy.id:
            raise ConfigurationError("strategy", "apply the plan with the strategy that it was made with")
        if self._max_affected is not None and len(confirmed.plan) > self._max_affected:
            raise ConfigurationError("max_affected", f"apply plans of at most {self._max_affected} contacts here")
        run = ResetRun(
            confirmed=confirmed,
            executor=executor,
            may_leave_process=may_leave_process,
            planned=confirmed.plan.count(Decision.WILL_SET),
        )
        runner = ResetRunner(
            store=self._store,
            hasher=self._hasher,
            decider=self._decider,
            audit=self._audit,
            clock=self._clock,
            on_change=self._on_change,
        )
        return ResetJob(confirmed, lambda chunk, settled: runner.settle(run, chunk, settled), cancel)

    def reset_password(
        self, contact_id: str, operator: Operator, *, expires_at: datetime | None = None, reveal: bool = False
    ) -> ResetResult:
        """
        Set one contact's default, for where the operator has pressed OK already: plan, confirm and apply in one.

        Returns:
            The result. Look at its outcome: a contact without a derivable default is a result, not an error.

        Raises:
            AccountNotFoundError: The contact has no account.
            PrivilegeDeniedError: The operator may not.
            InvalidValueError: As `plan`.
        """
        plan = self.plan([contact_id], operator, expires_at=expires_at, reveal=reveal)
        (item,) = plan
        if item.reason == DecisionReason.NO_ACCOUNT:
            raise AccountNotFoundError(contact_id)
        if item.reason == DecisionReason.NOT_PERMITTED:
            raise PrivilegeDeniedError(operator.operator_id, Privilege.SET_ONE.value, (contact_id,))
        if item.reason == DecisionReason.REVEAL_NOT_PERMITTED:
            raise PrivilegeDeniedError(operator.operator_id, Privilege.REVEAL.value, (contact_id,))
        (result,) = self.apply(plan.confirm(operator)).run()
        return result

    # -- plan

    def _selected(self, contact_ids: Iterable[str], max_affected: int | None) -> list[ContactId]:
        if isinstance(contact_ids, str):
            raise InvalidValueError("contact_ids", "pass a list of ids, also for one: [contact_id]")
        selected = [ContactId(contact_id) for contact_id in contact_ids]
        if any(not isinstance(contact_id, str) for contact_id in selected):
            raise InvalidValueError("contact_ids", "pass ids as text, such as str(row.id)")
        if len(set(selected)) != len(selected):
            raise InvalidValueError("contact_ids", "list each contact once")
        bounds = [bound for bound in (max_affected, self._max_affected) if bound is not None]
        if bounds and len(selected) > min(bounds):
            raise InvalidValueError("contact_ids", f"select at most {min(bounds)} contacts, or raise max_affected")
        return selected

    def _record_view(self, usernames: int, operator: Operator) -> None:
        if usernames:
            event = AuditEvent(
                kind=AuditKind.USERNAME_VIEWED,
                at=self._clock(),
                operator_id=operator.operator_id,
                reason="plan",
                count=usernames,
            )
            self._audit.record([event])

    def _plan_chunk(self, contact_ids: Sequence[ContactId], terms: ResetTerms) -> Iterator[ResetPlanItem]:
        stored, unreadable = find_each(self._store, contact_ids)
        verdicts = self._decider.verdicts(stored, terms)
        visible = self._check.permitted(terms.operator, Privilege.VIEW_USERNAMES, list(stored.values()))
        shown = {account.contact_id for account, may in zip(stored.values(), visible, strict=True) if may}
        now = self._clock()
        for contact_id in contact_ids:
            account = stored.get(contact_id)
            if account is None:
                missing = DecisionReason.NO_ACCOUNT
                reason = DecisionReason.STORE_REFUSED if contact_id in unreadable else missing
                yield ResetPlanItem(contact_id=contact_id, decision=Decision.CANNOT, reason=reason)
                continue
            verdict = verdicts[contact_id]
            named = verdict.reason != DecisionReason.NOT_PERMITTED
            yield ResetPlanItem(
                contact_id=contact_id,
                decision=verdict.decision,
                reason=verdict.reason,
                warnings=verdict.warnings,
                first_name=account.contact.first_name if named else None,
                last_name=account.contact.last_name if named else None,
                username=account.username if contact_id in shown else None,
                status=account.status(now) if named else None,
                epoch=account.credential.epoch if named else None,
            )

    @property
    def _check(self) -> PrivilegeCheck:
        return PrivilegeCheck(
            authorizer=self._authorizer,
            audit=self._audit,
            clock=self._clock,
            allow_own_account=self._allow_own_account,
        )

    @property
    def _decider(self) -> ResetDecider:
        return ResetDecider(strategy=self._strategy, check=self._check, clock=self._clock)
