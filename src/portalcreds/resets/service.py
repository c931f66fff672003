"""Set default passwords, or invite, for one contact or a district: plan, confirm, start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from .._arguments import (
    NEEDS_HASHER,
    contact_id_in,
    flag_in,
    has_methods,
    is_claim_proof,
    is_whole,
    items_in,
    job_key_in,
    operator_in,
)
from .._chunks import chunks
from .._ledger import AT_A_TIME
from .._memory_jobs import MemoryJobStore
from .._service import StaffService, counts_for_store, refuse_old
from .._text import is_code, same_text
from ..accounts import INVITATION
from ..audit import AuditKind
from ..contacts import MAX_CONTACT_TEXT, ContactId
from ..default_passwords import LastNameFirstInitial
from ..exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    CorruptRowError,
    DailyCeilingError,
    InvalidValueError,
    JobNotFoundError,
    PrivilegeDeniedError,
)
from ..plans import ConfirmedPlan, PlanRecord
from ..privileges import Operator, Privilege
from ..protocols import ClaimProof, CredentialHasher, DefaultPasswordStrategy, JobStore
from ..throttle import Throttle

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..jobs import StoredJob

    # Imported when a method needs it, so that a process that only signs people in does without.
    from ._decider import ResetDecider, ResetTerms
    from ._stored import JobTerms
    from .job import ResetJob
    from .plan import ResetPlan, ResetPlanItem
    from .report import ResetResult

DEFAULT_LIFETIME: Final = timedelta(days=14)
"""How long an issued default works, unless the service or a plan says otherwise (R5; ASVS 5.0 6.4.1 asks for short)."""

MAX_LIFETIME: Final = timedelta(days=366)
"""How long a default may work at most: a school year."""

DEFAULT_LEASE: Final = timedelta(seconds=30)
"""How long a worker has a few dozen contacts to itself: what hashing them takes, many times over."""

_JOB_METHODS: Final = (
    *("add_job", "find_job", "open_chunks", "claim_chunk", "save_chunk", "read_chunks"),
    *("job_progress", "cancel_job", "unfinished_jobs"),
)


def _lifetime(service: object, attribute: attrs.Attribute[timedelta], value: object) -> None:
    if not isinstance(value, timedelta) or not timedelta(0) < value <= MAX_LIFETIME:
        raise ConfigurationError(
            "lifetime", f"pass a timedelta of more than zero and at most {MAX_LIFETIME.days} days, such as 14 days"
        )


def _lease(service: object, attribute: attrs.Attribute[timedelta], value: object) -> None:
    if not isinstance(value, timedelta) or not timedelta(seconds=1) <= value <= timedelta(hours=1):
        raise ConfigurationError("lease", "pass a timedelta from a second to an hour")


def _max_affected(service: ResetService, attribute: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise ConfigurationError("max_affected", "pass a whole number of at least 1, or None for no bound")
    # By attribute, and absent from a store that knows no other transactions than its own.
    if value != 1 and getattr(service._store, "is_borrowed", False) is True:
        raise ConfigurationError(
            "store",
            "pass one over an engine or a connection factory, which can commit a few at a time (R12); "
            "or max_affected=1, to set one password in the transaction of the host",
        )


def _strategy(service: object, attribute: attrs.Attribute[DefaultPasswordStrategy], value: object) -> None:
    if isinstance(value, type):
        raise ConfigurationError("strategy", f"pass an instance, such as {value.__name__}()")
    if not is_code(getattr(value, "id", None)) or type(getattr(value, "is_derivable", None)) is not bool:
        raise ConfigurationError("strategy", "pass a strategy with an id of 1 to 64 printable ASCII characters")
    if getattr(value, "id", None) == INVITATION:
        raise ConfigurationError("strategy", "give the strategy another id; invitations have this one")


@attrs.frozen(eq=False, repr=False)
class ResetService(StaffService):
    """
    What the buttons *Set Password*, *Set Passwords* and *Invite* call.

    Args:
        store: The accounts.
        hasher: Writes hashes, such as `portalcreds.hashers.UpgradingHasher`.
        authorizer: The host's rule of who may do what to whom (R16).
        strategy: How defaults are made; last name and first initial if you pass none. Pass a derivable one to
            `PasswordPolicy` as well, so that nobody can choose what it derives.
        audit: Where refusals go on the record; the store itself if it is a sink.
        clock: Tells the time.
        lifetime: How long a default works.
        max_affected: The most contacts that a plan may select; None for no bound. A store in the host's transaction
            (R20) needs 1.
        max_per_day: The most passwords and invitations of the jobs which one operator starts within 24 hours, taken
            together, whatever plans they are of, cancelled or not; None for no ceiling. The jobs must be kept where all
            processes see them.
        jobs: Where jobs are kept; the store itself if it can, as ours do, else this process's memory.
        lease: How long a worker has a few dozen contacts to itself. What a killed or frozen one had is free after that.
        claim_proof: That of the sign-in service, so that a plan warns of contacts who have none; None where there is
            none.
        allow_own_account: Whether operators may set the password of their own account; not by default.
        throttle: The limits on guessing, the same as the sign-in service has. Those on a user name are lifted when the
            contact's password is set, so that the owner gets in at once. None leaves them to end by themselves.
        on_change: Called once for each committed change, with the account and the event, so that the host can notify
            the contact (ASVS 5.0 6.3.7). A failure of it goes on the record and undoes nothing.

    Raises:
        ConfigurationError: A part is missing, or cannot do its work.
    """

    _hasher: CredentialHasher = attrs.field(
        kw_only=True,
        alias="hasher",
        repr=False,
        validator=has_methods("hash_issued", hint=NEEDS_HASHER),
    )
    _strategy: DefaultPasswordStrategy = attrs.field(
        kw_only=True, factory=LastNameFirstInitial, alias="strategy", validator=_strategy
    )
    _lifetime: timedelta = attrs.field(kw_only=True, default=DEFAULT_LIFETIME, alias="lifetime", validator=_lifetime)
    _max_affected: int | None = attrs.field(kw_only=True, default=None, alias="max_affected", validator=_max_affected)
    _max_per_day: int | None = attrs.field(
        kw_only=True, default=None, alias="max_per_day", validator=is_whole(least=1, or_none=True)
    )
    _lease: timedelta = attrs.field(kw_only=True, default=DEFAULT_LEASE, alias="lease", validator=_lease)
    _own_jobs: JobStore | None = attrs.field(
        kw_only=True,
        default=None,
        alias="jobs",
        repr=False,
        validator=has_methods(*_JOB_METHODS, hint="pass a JobStore, or None for the store itself", or_none=True),
    )
    _throttle: Throttle | None = attrs.field(
        kw_only=True,
        default=None,
        alias="throttle",
        repr=False,
        validator=[
            has_methods("lift", hint="pass the Throttle of the sign-in service, or None", or_none=True),
            counts_for_store,
        ],
    )
    _claim_proof: ClaimProof | None = attrs.field(
        kw_only=True, default=None, alias="claim_proof", repr=False, validator=is_claim_proof
    )

    def __attrs_post_init__(self) -> None:
        if self._max_per_day is not None and self._own_jobs is None and not _keeps_jobs(self._store):
            raise ConfigurationError(
                "jobs", "pass a JobStore that all processes share: max_per_day adds up what is kept there"
            )

    _jobs: JobStore = attrs.field(
        init=False,
        repr=False,
        default=attrs.Factory(lambda self: self._own_jobs or _jobs_of(self._store), takes_self=True),
    )

    def plan(
        self,
        contact_ids: Iterable[str],
        operator: Operator,
        *,
        replace_chosen: bool | None = None,
        expires_at: datetime | None = None,
        reveal: bool = False,
        invite: bool = False,
        max_affected: int | None = None,
    ) -> ResetPlan:
        """
        Return what setting the passwords of these contacts, or inviting them, would do; no account is written (R11).

        A plan shows user names: refusals, and how many names were seen, go on the record.

        An invitation is a one-time ticket that you send or print yourself, in place of any password: until it is used,
        nothing else lets anybody in. `SignInService.complete_change` takes it, and asks for no claim proof. A newer
        invitation, a reset, and whatever else starts a new epoch, such as disabling the account, end it.

        Args:
            contact_ids: Whose, in the order of the rows. A list of ids, never "all that match".
            operator: Who asks.
            replace_chosen: Whether to replace passwords that contacts chose (or that were imported). None means yes
                for a single contact, who probably forgot it, and no for many.
            expires_at: When the defaults or invitations stop working, instead of a lifetime after they are set.
            reveal: Whether the results hold the passwords; this takes a privilege of its own (R15). Needed where the
                strategy draws them: nobody could know them otherwise.
            invite: Whether to invite instead. The strategy is not used then, and the results hold the tickets, as only
                their digests are stored. Whoever holds a ticket owns the account; so this takes a privilege of its own,
                and no other one.
            max_affected: The most contacts that may be selected, where that is fewer than the service allows.

        Raises:
            InvalidValueError: A contact is listed twice, there are more than *max_affected*, *expires_at* is not an
                aware datetime of the next 366 days, or the strategy draws passwords and *reveal* is False.
        """
        from ._decider import ResetTerms
        from .plan import ResetPlan

        operator_in(operator)
        if replace_chosen is not None:
            flag_in("replace_chosen", replace_chosen)
        flag_in("reveal", reveal)
        flag_in("invite", invite)
        selected = self._selected(contact_ids, max_affected)
        self._check_expiry(expires_at)
        decider = self._decider(INVITATION if invite else self._strategy.id)
        reveal = reveal or invite
        if not (reveal or decider.strategy.is_derivable):
            raise InvalidValueError("reveal", "pass reveal=True: nobody could know passwords that are drawn otherwise")
        terms = ResetTerms(
            replace_chosen=len(selected) == 1 if replace_chosen is None else replace_chosen,
            reveal=reveal,
            count=len(selected),
            operator=operator,
        )
        items: list[ResetPlanItem] = []
        for chunk in chunks(selected, AT_A_TIME):
            items.extend(self._plan_chunk(chunk, decider, terms))
        seen = [item.contact_id for item in items if item.username is not None]
        if seen:
            self._record(AuditKind.USERNAME_VIEWED, operator, count=len(seen), reason="plan", shown=seen)
        return ResetPlan(
            items=tuple(items),
            operator=operator,
            strategy=decider.strategy.id,
            lifetime=self._lifetime,
            expires_at=expires_at,
            reveal=reveal,
            replace_chosen=terms.replace_chosen,
            tenant=self._tenant,
            clock=self._clock,
            record=PlanRecord(self._audit),
        )

    def start(
        self,
        confirmed: ConfirmedPlan[ResetPlan],
        *,
        executor: Executor | None = None,
        may_leave_process: bool = False,
    ) -> ResetJob:
        """
        Store the job that carries out a confirmed plan, and return it. Nothing is set before somebody runs it.

        That may be here, by `ResetJob.run`, or in any other process, by `resume`. The job reads each contact and
        decides again; it skips a contact whose credential changed since the plan. It commits a few dozen at a time, and
        a failure does not stop the rest.

        A second OK with the same key returns the same job, running or done. Its report shows the user names that the
        operator who confirmed the plan may see; if another one made the plan, the authorizer is asked again, here.

        Args:
            confirmed: What `ResetPlan.confirm` returned.
            executor: Where to hash instead of on the hasher's own threads. It is never shut down.
            may_leave_process: Whether plaintexts may be sent to an executor outside this process (R13).

        Raises:
            ConfigurationError: The plan is not confirmed, was changed, was confirmed more than 24 hours ago and never
                started, or was made with another strategy or over another tenant. While the job runs: the executor
                cannot be used.
            InvalidValueError: The key is that of another job: of another operator, other contacts or other terms.
            DailyCeilingError: The operator's jobs of the last 24 hours would set more than *max_per_day*.
            StoreError: The job could not be stored.
        """
        from ..jobs import AddOutcome
        from ._stored import new_job, read_terms, write_chunks
        from .plan import ResetPlan, ResetPlanItem

        self._check_plan(confirmed, ResetPlan, ResetPlanItem, _is_sound)
        self._check_terms(confirmed.plan.strategy, len(confirmed.plan))
        _check_executor(executor, may_leave_process)
        now = self._clock()
        job = new_job(confirmed, scope=self._scope, started_at=now)
        found = self._jobs.find_job(job.key)
        if found is None:
            refuse_old(confirmed, now)
            stored = list(write_chunks(job.key, self._shown_to_confirmer(confirmed)))
            addition = self._jobs.add_job(job, stored, self._max_per_day)
            if self._max_per_day is not None and addition.outcome == AddOutcome.OVER_CEILING:
                self._record_refusal(job, confirmed.operator)
                raise DailyCeilingError(job.operator_id, self._max_per_day, addition.planned)
            if addition.outcome == AddOutcome.KEY_TAKEN:
                found = self._jobs.find_job(job.key)
        if found is not None:
            if not same_text(found.digest, job.digest):
                raise InvalidValueError("key", "draw another one: under this key is a job that was another OK")
            job = found
        return self._job(job, read_terms(job), confirmed.operator, executor, may_leave_process)

    def find_job(self, key: str) -> ResetJob | None:
        """
        Return the job under a key, in whatever process it was started, or None: to tell how far it is, or to cancel it.

        Raises:
            StoreError: The jobs could not be read.
        """
        found = self._find(key)
        return None if found is None else self._job(*found, found[1].operator)

    def resume(self, key: str, *, executor: Executor | None = None, may_leave_process: bool = False) -> ResetJob:
        """
        Return the job under a key, to go on with it, in any process and beside others that work on it.

        Nobody is set twice, whatever happened since: each contact is set only at the epoch that the plan showed. The
        authorizer is asked about an `Operator` with the id and the contact id of the one who pressed OK.

        Args:
            key: The job's.
            executor: As for `start`.
            may_leave_process: As for `start`.

        Raises:
            JobNotFoundError: There is no such job.
            ConfigurationError: It was started with another strategy, or has more contacts than *max_affected*.
            StoreError: The jobs could not be read.
        """
        _check_executor(executor, may_leave_process)
        found = self._find(key)
        if found is None:
            raise JobNotFoundError(key)
        job, terms = found
        self._check_terms(terms.strategy, job.total)
        return self._job(job, terms, terms.operator, executor, may_leave_process)

    def unfinished(self) -> Sequence[str]:
        """
        Return the keys of the jobs that any process may `resume`, the oldest first: for a line in a cron table.

        Those of another strategy are left out, and those that reveal passwords or invite: they are for whoever hands
        these over.
        So are those whose row was damaged, which `find_job` tells: nobody could go on with them.

        Raises:
            StoreError: The jobs could not be read.
        """
        from ._stored import read_terms

        keys: list[str] = []
        for job in self._jobs.unfinished_jobs():
            with suppress(CorruptRowError):
                terms = read_terms(job)
                if terms.strategy == self._strategy.id and terms.scope == self._scope and not terms.reveal:
                    keys.append(job.key)
        return tuple(keys)

    def reset_password(
        self, contact_id: str, operator: Operator, *, expires_at: datetime | None = None, reveal: bool = False
    ) -> ResetResult:
        """
        Set one contact's default, where the operator has pressed OK already: plan, confirm and run in one call.

        Returns:
            The result. Look at its outcome: a contact without a derivable default is a result, not an error.

        Raises:
            AccountNotFoundError: The contact has no account.
            PrivilegeDeniedError: The operator may not.
            InvalidValueError: As `plan`.
        """
        contact_id = contact_id_in(contact_id)
        return self._do_one(self.plan([contact_id], operator, expires_at=expires_at, reveal=reveal))

    def invite(self, contact_id: str, operator: Operator, *, expires_at: datetime | None = None) -> ResetResult:
        """
        Invite one contact, where the operator has pressed OK already: plan, confirm and run in one call.

        Returns:
            The result, with the ticket as its *secret*. Look at its outcome: a contact who cannot be invited, or whose
            account changed at the same moment, is a result, not an error.

        Raises:
            AccountNotFoundError: The contact has no account.
            PrivilegeDeniedError: The operator may not.
            InvalidValueError: As `plan`.
        """
        return self._do_one(self.plan([contact_id_in(contact_id)], operator, invite=True, expires_at=expires_at))

    def _do_one(self, plan: ResetPlan) -> ResetResult:
        from .plan import DecisionReason

        (item,) = plan
        if item.reason == DecisionReason.NO_ACCOUNT:
            raise AccountNotFoundError(item.contact_id)
        privilege = Privilege.REVEAL
        if item.reason == DecisionReason.NOT_PERMITTED:
            privilege = self._decider(plan.strategy).privilege(len(plan))
        if item.reason in (DecisionReason.NOT_PERMITTED, DecisionReason.REVEAL_NOT_PERMITTED):
            raise PrivilegeDeniedError(plan.operator.operator_id, privilege.value, (item.contact_id,))
        (result,) = self.start(plan.confirm(plan.operator))
        return result

    # -- start

    def _check_expiry(self, expires_at: datetime | None) -> None:
        if expires_at is not None and not _is_near(expires_at, self._clock()):
            raise InvalidValueError(
                "expires_at", f"pass an aware datetime in UTC, still to come and within {MAX_LIFETIME.days} days"
            )

    def _check_terms(self, strategy: str, total: int) -> None:
        if strategy not in (self._strategy.id, INVITATION):
            raise ConfigurationError("strategy", "start or resume a job with the strategy that its plan was made with")
        if self._max_affected is not None and total > self._max_affected:
            raise ConfigurationError("max_affected", f"start plans of at most {self._max_affected} contacts here")

    def _record_refusal(self, job: StoredJob, operator: Operator) -> None:
        refused = self._event(
            AuditKind.OPERATION_CANCELLED,
            operator,
            count=job.planned,
            reason="daily_ceiling",
            operation_id=job.key,
        )
        self._audit.record([attrs.evolve(refused, confirmed_at=job.confirmed_at)])

    def _find(self, key: str) -> tuple[StoredJob, JobTerms] | None:
        from ._stored import read_terms

        job = self._jobs.find_job(job_key_in(key))
        if job is None:
            return None
        terms = read_terms(job)
        # Outside of a store's scope there is nothing.
        return (job, terms) if terms.scope == self._scope else None

    def _job(
        self,
        job: StoredJob,
        terms: JobTerms,
        operator: Operator,
        executor: Executor | None = None,
        may_leave_process: bool = False,
    ) -> ResetJob:
        from ._runner import ResetRun, ResetRunner
        from .job import ResetJob

        run = ResetRun(job=job, terms=terms, operator=operator, executor=executor, may_leave_process=may_leave_process)
        runner = ResetRunner(
            ledger=self._ledger,
            hasher=self._hasher,
            decider=self._decider(terms.strategy),
            throttle=self._throttle,
            clock=self._clock,
        )
        return ResetJob(run, jobs=self._jobs, runner=runner, ledger=self._ledger, clock=self._clock, lease=self._lease)

    @property
    def _scope(self) -> str:
        # By attribute: a store of the host's may have none.
        return str(getattr(self._store, "scope_digest", ""))

    # -- plan

    def _selected(self, contact_ids: Iterable[str], max_affected: int | None) -> list[ContactId]:
        several = items_in("contact_ids", contact_ids, "pass a list of ids, also for one: [contact_id]")
        selected = [ContactId(contact_id) for contact_id in several]
        if any(not isinstance(contact_id, str) for contact_id in selected):
            raise InvalidValueError("contact_ids", "pass ids as text, such as str(row.id)")
        if any(len(contact_id) > MAX_CONTACT_TEXT for contact_id in selected):
            raise InvalidValueError(
                "contact_ids", f"pass ids of at most {MAX_CONTACT_TEXT} characters; nobody has more"
            )
        if len(set(selected)) != len(selected):
            raise InvalidValueError("contact_ids", "list each contact once")
        if max_affected is not None and type(max_affected) is not int:
            raise InvalidValueError("max_affected", "pass a whole number, or None")
        bounds = [bound for bound in (max_affected, self._max_affected) if bound is not None]
        if bounds and len(selected) > min(bounds):
            raise InvalidValueError("contact_ids", f"select at most {min(bounds)} contacts, or raise max_affected")
        return selected

    def _plan_chunk(
        self, contact_ids: Sequence[ContactId], decider: ResetDecider, terms: ResetTerms
    ) -> Iterator[ResetPlanItem]:
        from .plan import Decision, DecisionReason, ResetPlanItem, ResetWarning

        stored, unreadable = self._ledger.read(contact_ids)
        verdicts = decider.verdicts(stored, terms)
        set_ = [stored[each] for each, verdict in verdicts.items() if verdict.decision == Decision.WILL_SET]
        # An invitation asks for no proof.
        proof = None if decider.invites else self._claim_proof
        missing = frozenset(proof.find_missing(set_)) if proof is not None and set_ else ()
        visible = self._check.permitted(terms.operator, Privilege.VIEW_USERNAMES, list(stored.values()))
        shown = {account.contact_id for account, may in zip(stored.values(), visible, strict=True) if may}
        now = self._clock()
        for contact_id in contact_ids:
            account = stored.get(contact_id)
            if account is None:
                absent = DecisionReason.NO_ACCOUNT
                reason = DecisionReason.STORE_REFUSED if contact_id in unreadable else absent
                yield ResetPlanItem(contact_id=contact_id, decision=Decision.CANNOT, reason=reason)
                continue
            verdict = verdicts[contact_id]
            named = verdict.reason != DecisionReason.NOT_PERMITTED
            yield ResetPlanItem(
                contact_id=contact_id,
                decision=verdict.decision,
                reason=verdict.reason,
                warnings=(*verdict.warnings, ResetWarning.NO_CLAIM_PROOF)
                if contact_id in missing
                else verdict.warnings,
                first_name=account.contact.first_name if named else None,
                last_name=account.contact.last_name if named else None,
                username=account.username if contact_id in shown else None,
                status=account.status(now) if named else None,
                epoch=account.credential.epoch if named else None,
            )

    def _shown_to_confirmer(self, confirmed: ConfirmedPlan[ResetPlan]) -> Sequence[ResetPlanItem]:
        """Return the rows of the plan with the user names that the operator who confirmed it may see (R16)."""
        plan, operator = confirmed.plan, confirmed.operator
        if operator == plan.operator:
            return plan.items
        shown: dict[ContactId, str | None] = {}
        for chunk in chunks((item.contact_id for item in plan.items), AT_A_TIME):
            accounts = list(self._ledger.read(chunk)[0].values())
            visible = self._check.permitted(operator, Privilege.VIEW_USERNAMES, accounts)
            shown |= {
                account.contact_id: account.username for account, may in zip(accounts, visible, strict=True) if may
            }
        seen = [contact_id for contact_id, username in shown.items() if username is not None]
        if seen:
            self._record(AuditKind.USERNAME_VIEWED, operator, count=len(seen), reason="job", shown=seen)
        return tuple(attrs.evolve(item, username=shown.get(item.contact_id)) for item in plan.items)

    def _decider(self, strategy: str) -> ResetDecider:
        from ._decider import ResetDecider
        from ._invitations import Invitations

        made_by = Invitations() if strategy == INVITATION else self._strategy
        return ResetDecider(strategy=made_by, check=self._check, clock=self._clock)


def _jobs_of(store: object) -> JobStore:
    # By attribute: a store of the host's need not keep jobs. They are then gone when the process ends.
    return store if _keeps_jobs(store) else MemoryJobStore()  # type: ignore[return-value]  # One by its methods.


def _keeps_jobs(store: object) -> bool:
    return all(callable(getattr(store, name, None)) for name in _JOB_METHODS)


def _check_executor(executor: object, may_leave_process: object) -> None:
    flag_in("may_leave_process", may_leave_process)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ConfigurationError("executor", "pass a concurrent.futures.Executor, or None")


def _is_near(expires_at: object, now: datetime) -> bool:
    return (
        isinstance(expires_at, datetime)
        and expires_at.utcoffset() == timedelta(0)
        and timedelta(0) < expires_at - now <= MAX_LIFETIME
    )


def _is_sound(confirmed: ConfirmedPlan[ResetPlan]) -> bool:
    plan: Any = confirmed.plan  # Any: its parts may be of any type.
    return (
        isinstance(plan.lifetime, timedelta)
        and timedelta(0) < plan.lifetime <= MAX_LIFETIME
        and (plan.expires_at is None or _is_near(plan.expires_at, confirmed.confirmed_at))
    )
