"""Put the parts of a portal together, once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import attrs

from ._arguments import is_text, several_in
from ._closing import Closing
from ._privilege_check import audit_of
from .administration import AccountService
from .default_passwords import LastNameFirstInitial
from .exceptions import ConfigurationError
from .hashers import UpgradingHasher
from .protocols import (
    AccountStore,
    AttemptCounter,
    AuditSink,
    Authorizer,
    ChangeHook,
    ClaimProof,
    Clock,
    CredentialHasher,
    DefaultPasswordStrategy,
    HashDescriber,
    JobStore,
    utc_now,
)
from .resets import DEFAULT_LIFETIME, ResetService
from .sign_in import MAX_TICKET_LIFETIME, PasswordPolicy, SignInService
from .throttle import Throttle, ThrottleLimits

if TYPE_CHECKING:
    from .letters import LetterService
    from .stores.dbapi import DBAPIAccountStore


class PortalParts(TypedDict, total=False):
    """What a portal may be made of besides its store and its authorizer; see `Portal.over`."""

    hasher: CredentialHasher | None
    counter: AttemptCounter | None
    limits: ThrottleLimits | None
    shared_sources: Iterable[str]
    counter_key: bytes | None
    strategy: DefaultPasswordStrategy | None
    policy: PasswordPolicy | None
    claim_proof: ClaimProof | None
    context_words: Iterable[str]
    audit: AuditSink | None
    clock: Clock
    lifetime: timedelta
    ticket_lifetime: timedelta
    max_affected: int | None
    max_per_day: int | None
    jobs: JobStore | None
    allow_own_account: bool
    on_change: ChangeHook | None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Portal(Closing):
    """
    The services over one store, made of the same parts.

    Make one with `over` or `open_sqlite`, when the application starts. It can do nothing that the services cannot do
    when you make them yourself; it only hands each part to all of them that need it. Use it as a context manager, or
    call `close`: that closes what the portal made itself. What you handed in stays open.

    Attributes:
        accounts: Look up, search, sync, import, disable, unlock, rename, erase.
        resets: Set default passwords: plan, confirm, start. Invite contacts.
        sign_ins: Sign in, make the forced change, change a password.
        store: The accounts.
        counter: Where failed attempts are counted. Call its ``purge`` now and then, for example each night.
        hasher: Verifies and writes hashes.
        policy: What a chosen password must satisfy; the strategy's own defaults are always refused.
    """

    accounts: AccountService
    resets: ResetService
    sign_ins: SignInService
    store: AccountStore
    counter: AttemptCounter
    hasher: CredentialHasher
    policy: PasswordPolicy
    _letter_parts: Mapping[str, Any] = attrs.field(factory=dict, alias="letter_parts")
    _owned: ExitStack = attrs.field(factory=ExitStack, alias="owned")

    @property
    def letters(self) -> LetterService:
        """
        Write letters and slips that tell families how to sign in.

        Raises:
            ConfigurationError: The hasher is one of your own that cannot verify many, as a `HashMatcher` does.
        """
        # Here, so that a process that prints nothing does not import it.
        from .letters import LetterService

        matcher: Any = self.hasher  # The service refuses one that is not.
        return LetterService(self.store, hasher=matcher, **self._letter_parts)

    @classmethod
    def over(
        cls,
        store: AccountStore,
        *,
        authorizer: Authorizer,
        hasher: CredentialHasher | None = None,
        counter: AttemptCounter | None = None,
        limits: ThrottleLimits | None = None,
        shared_sources: Iterable[str] = (),
        counter_key: bytes | None = None,
        strategy: DefaultPasswordStrategy | None = None,
        policy: PasswordPolicy | None = None,
        claim_proof: ClaimProof | None = None,
        context_words: Iterable[str] = (),
        audit: AuditSink | None = None,
        clock: Clock = utc_now,
        lifetime: timedelta = DEFAULT_LIFETIME,
        ticket_lifetime: timedelta = MAX_TICKET_LIFETIME,
        max_affected: int | None = None,
        max_per_day: int | None = None,
        jobs: JobStore | None = None,
        allow_own_account: bool = False,
        on_change: ChangeHook | None = None,
    ) -> Self:
        """
        Return a portal over a store of yours.

        Args:
            store: The accounts.
            authorizer: Your rule of who may do what to whom: a callable, or `Grants` for a plain table (R16).
            hasher: Verifies and writes hashes. None for an `UpgradingHasher` of the portal's own; to make one takes a
                fraction of a second.
            counter: Where failed attempts are counted. None for the store's own. All processes of a portal must share
                one.
            limits: How many failed attempts are allowed. None for `ThrottleLimits`.
            shared_sources: Networks such as ``"192.0.2.0/24"``, addresses, or other texts that you pass as sources,
                which many families share, such as the school's own: see `Throttle`.
            counter_key: What the names of counts are digested with, so that nobody who reads them finds out whose they
                are: see `Throttle`. None for no key.
            strategy: How default passwords are made. None for last name and first initial.
            policy: What a chosen password must satisfy. None for the usual `PasswordPolicy`.
            claim_proof: What a family must give besides, before a default may be changed, or a password that is
                compromised: such as `portalcreds.sign_in.KnownValues`. None for nothing.
            context_words: Names of the school and the portal, which no password may consist of. They are added to the
                policy's.
            audit: Where denials, look-ups and refusals are recorded. None for the store itself.
            clock: Tells the time, aware and in UTC.
            lifetime: How long a default works.
            ticket_lifetime: How long the ticket for a forced change works; at most ten minutes.
            max_affected: The most contacts that one plan may select. None for no bound.
            max_per_day: The most passwords that one operator's resets of 24 hours may set. None for no ceiling.
            jobs: Where resets are kept while they are carried out. None for the store itself, as ours can.
            allow_own_account: Whether operators may change the account that is their own.
            on_change: Called once for each committed change that ends sessions, with the account and the event, so that
                you can notify the contact (ASVS 5.0 6.3.7).

        Raises:
            ConfigurationError: A part is missing, or the parts cannot work together.
        """
        strategy = LastNameFirstInitial() if strategy is None else strategy
        with ExitStack() as owned:
            if hasher is None:
                hasher = owned.enter_context(UpgradingHasher())
            counter = _counter_of(store, clock) if counter is None else counter
            throttle = Throttle(
                counter,
                limits=limits or ThrottleLimits(),
                shared_sources=shared_sources,
                key=counter_key,
                clock=clock,
            )
            audit = audit_of(store) if audit is None else audit
            # First, because it checks the strategy, which is handed on to the policy.
            resets = ResetService(
                store,
                hasher=hasher,
                authorizer=authorizer,
                strategy=strategy,
                throttle=throttle,
                clock=clock,
                lifetime=lifetime,
                max_affected=max_affected,
                max_per_day=max_per_day,
                jobs=jobs,
                claim_proof=claim_proof,
                allow_own_account=allow_own_account,
                on_change=on_change,
                audit=audit,
            )
            policy = _policy(policy, strategy, context_words)
            return cls(
                accounts=AccountService(
                    store,
                    authorizer=authorizer,
                    throttle=throttle,
                    # A hasher of the host's own may not say what hashes are; then nothing is imported.
                    hasher=_describer_of(hasher),
                    strategy=strategy,
                    claim_proof=claim_proof,
                    clock=clock,
                    allow_own_account=allow_own_account,
                    on_change=on_change,
                    audit=audit,
                ),
                resets=resets,
                sign_ins=SignInService(
                    store,
                    hasher=hasher,
                    throttle=throttle,
                    policy=policy,
                    claim_proof=claim_proof,
                    clock=clock,
                    ticket_lifetime=ticket_lifetime,
                    on_change=on_change,
                    audit=audit,
                ),
                store=store,
                counter=counter,
                hasher=hasher,
                policy=policy,
                letter_parts={
                    "authorizer": authorizer,
                    "strategy": strategy,
                    "claim_proof": claim_proof,
                    "clock": clock,
                    "allow_own_account": allow_own_account,
                    "audit": audit,
                },
                # Everything is in place: from here on `close` gives it back.
                owned=owned.pop_all(),
            )

    @classmethod
    def open_sqlite(
        cls,
        path: str | os.PathLike[str],
        *,
        authorizer: Authorizer,
        tenant: str = "",
        **parts: Unpack[PortalParts],
    ) -> Self:
        """
        Open an SQLite file as a portal; the file and its tables are created if they are absent.

        Args:
            path: The file, on a local disk; see `DBAPIAccountStore.open_sqlite`.
            authorizer: As for `over`.
            tenant: Which portal's accounts; several portals may share a file.
            parts: As for `over`.

        Raises:
            ConfigurationError: The path is not a file, the file has other tables, or a part is missing.
            StoreUnavailableError: The file cannot be opened or written.
            StoreError: It is not a database.
        """
        unknown = parts.keys() - PortalParts.__annotations__.keys()
        if unknown:
            # `over` would say so too, but name itself, and only after there is a file.
            raise TypeError(f"open_sqlite takes no {', '.join(sorted(unknown))}; see Portal.over")
        # Here, so that a portal over another store does not import this one.
        from .stores.dbapi import DBAPIAccountStore

        with ExitStack() as owned:
            store: DBAPIAccountStore = owned.enter_context(DBAPIAccountStore.open_sqlite(path, tenant=tenant))
            portal = cls.over(store, authorizer=authorizer, **parts)
            # Closed last: the hasher's threads may still be at work.
            stack = owned.pop_all()
            stack.push(portal._owned)
            return attrs.evolve(portal, owned=stack)

    def close(self) -> None:
        """Close what the portal made itself. It cannot be used any more."""
        self._owned.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {type(self.store).__name__}>"


def _counter_of(store: AccountStore, clock: Clock) -> AttemptCounter:
    # By attribute: the stores that ship have one; a store of the host's need not.
    make = getattr(store, "counter", None)
    if not callable(make):
        raise ConfigurationError("counter", "pass an AttemptCounter that all processes share; this store has none")
    counter: AttemptCounter = make(clock=clock)
    return counter


def _describer_of(hasher: object) -> HashDescriber | None:
    # By attribute: what a CredentialHasher need not be able to do.
    can = all(callable(getattr(hasher, name, None)) for name in ("describe", "wrap_all"))
    return hasher if can else None  # type: ignore[return-value]  # One by its methods.


def _policy(
    policy: PasswordPolicy | None, strategy: DefaultPasswordStrategy, context_words: Iterable[str]
) -> PasswordPolicy:
    policy = PasswordPolicy() if policy is None else policy
    if not callable(getattr(policy, "violations", None)) or not hasattr(policy, "context_words"):
        raise ConfigurationError("policy", "pass a PasswordPolicy")
    hint = "pass several texts, such as ('Grand Bend', 'parent portal')"
    words = several_in("context_words", context_words, hint, is_text, ConfigurationError)
    return attrs.evolve(
        policy,
        # A default must not be kept as the chosen password, whatever rule made it (R19).
        strategies=(*policy.strategies, strategy),
        context_words=(*policy.context_words, *words),
    )
