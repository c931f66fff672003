"""
Implement what a host may put in place of what ships: everything on one page.

Protocols, not base classes: an existing repository is wrapped without inheriting, and a store written against another
(vendored) copy of this package fits. Parameters are positional-only, so implementers name them as they like. Expected
outcomes are values. Adding a method to a protocol breaks other people's code: new abilities become new protocols.

`portalcreds.testing` holds the contract that every store must pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

import attrs

from ._arguments import events_in, part_in
from ._ids import new_id
from ._spoken import Code
from ._value import Value
from .account_queries import AccountPage, AccountQuery
from .accounts import WITHHELD, Account, PasswordHash
from .audit import AuditEvent, AuditKind
from .contacts import Contact, ContactId
from .exceptions import InvalidValueError
from .privileges import Operator, Privilege
from .secret import Secret

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .derived import Derived
    from .jobs import JobAddition, JobChunk, JobProgress, StoredJob
    from .status_counts import StatusGroup, StatusQuery


# -- stores


class ApplyResult(Code):
    """What became of one change."""

    APPLIED = "applied"
    """The new account and its audit events are stored."""

    STALE = "stale"
    """The stored account is not the *old* one any more (or is already there); nothing of this change is stored."""

    USERNAME_TAKEN = "username_taken"
    """The new user name's key belongs to another account; nothing of this change is stored."""


def _in_order(events: Iterable[AuditEvent]) -> tuple[AuditEvent, ...]:
    return tuple(events_in(events))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Change(Value):
    """
    One account's step from one version to the next, with the audit events that belong to it.

    Attributes:
        old: The account as last read, or None to add one.
        new: What it becomes, made by one of the methods of `Account`.
        events: What goes on the record in the same atomic step (R17).
        change_id: Kept on the row, so that a commit whose acknowledgement was lost is settled by re-reading.

    Raises:
        InvalidValueError: *new* is another contact's, not the version after *old*, or without its hash.
    """

    old: Account | None
    new: Account
    events: tuple[AuditEvent, ...] = attrs.field(default=(), converter=_in_order)
    change_id: str = attrs.field(factory=new_id)

    def __attrs_post_init__(self) -> None:
        for name, account in (("old", self.old), ("new", self.new)):
            if account is not None or name == "new":
                part_in(name, account, ("contact_id", "credential", "version"), "pass an Account as a store has it")
        before = 0 if self.old is None else self.old.version
        if self.new.version != before + 1 or (self.old is not None and self.new.contact_id != self.old.contact_id):
            raise InvalidValueError("new", "make it from old with one method of Account, once", self.new.contact_id)
        kept = self.new.credential.password_hash
        if kept == WITHHELD:
            hint = "read the account from the store; what is pickled or copied is without its hash"
            raise InvalidValueError("new", hint, self.new.contact_id)

    def __reduce__(self) -> tuple[object, ...]:
        # Through the check above: without it, a change that comes back from elsewhere would store no hash.
        return partial(Change, old=self.old, new=self.new, events=self.events, change_id=self.change_id), ()


class AccountStore(Protocol):
    """
    **Protocol:** Where accounts are kept.

    A store hands out and takes frozen values. It returns names, user names and identifiers exactly as given,
    instants to the microsecond, and never an object that later changes. Services are shared by a portal's threads, and
    call it from several at once.

    Its methods do not raise for what is expected. If it cannot be reached it raises `StoreUnavailableError`, for a row
    that holds no account `CorruptRowError`, and for its own defects another `StoreError`: never an error whose text
    quotes column values.
    """

    def find(self, contact_id: ContactId, /) -> Account | None:
        """Return the contact's account, or None."""
        ...

    def find_by_username(self, username_key: str, /) -> Account | None:
        """
        Return the account with this `username_key` (not user name), or None.

        Compare code point by code point: no collation that folds case, accents or trailing blanks.
        """
        ...

    def find_many(self, contact_ids: Sequence[ContactId], /) -> Mapping[ContactId, Account]:
        """Return the accounts of those of the contacts that have one, by contact id, in a bounded number of queries."""
        ...

    def find_owners(self, username_keys: Sequence[str], /) -> Mapping[str, ContactId]:
        """
        Return whose these `username_key` s are, in a bounded number of queries; nobody's are left out.

        Compare as `find_by_username` does.
        """
        ...

    def search(self, query: AccountQuery, /) -> AccountPage:
        """Return one page: what `AccountQuery.matches` says, in the order of `AccountQuery.sort_key`."""
        ...

    def count(self, query: AccountQuery, /) -> int:
        """Return how many accounts match on all pages. Apart from `search`: counting is slow where paging is not."""
        ...

    def find_epoch(self, contact_id: str, /) -> int | None:
        """Return the account's epoch, or None without one: the cheap question a host asks for each request."""
        ...

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        """
        Store each change if -- and only if -- its *old* account is still what is stored.

        The one way to write. For each change, comparing `Account.version`, writing the account and writing the events
        are one atomic step (R1, R3, R17): a sign-in that upgrades a hash must never undo a reset that happened while it
        was hashing. Changes do not touch each other: one that is stale or meets a constraint leaves its neighbours be.

        Returns:
            What became of each change, in order.

        Raises:
            StoreUnavailableError: Nobody knows which of the changes are stored.
            StoreError: Nothing of this call is stored; the services then hand the changes in one by one.
        """
        ...


class BulkStore(Protocol):
    """**Protocol:** What an `AccountStore` tells besides, if it writes more than 500 changes at once best."""

    @property
    def at_once(self) -> int:
        """
        How many changes of a sync to `AccountStore.apply` at once, at most; no fewer than 500.

        A sync begins with 500, and goes on to more as long as others need not wait for longer than a second or two.
        Other changes are applied 500 at a time.
        """
        ...


class AuditSink(Protocol):
    """**Protocol:** Where goes on the record what happens without a change: denials, look-ups, reveals, refusals."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        """
        Append the events.

        Raises:
            StoreUnavailableError: They cannot be kept. What must be recorded and cannot be is refused.
        """
        ...


class AuditForwarder(Protocol):
    """**Protocol:** What a sink may do besides: hear of the events that a store recorded with their change."""

    def forward(self, events: Sequence[AuditEvent], /) -> None:
        """Take note of events that are on the record already. Never raises."""
        ...


class AuditTrail(Protocol):
    """**Protocol:** What a sink may do besides: read its record, and remove what has been kept long enough."""

    def events(self, contact_id: str | None = None, *, limit: int | None = None) -> Sequence[AuditEvent]:
        """Return the recorded events, oldest first: only those about this contact, and only the last so many."""
        ...

    def purge_events(self, before: datetime, /, *, kinds: Iterable[AuditKind] = ()) -> int:
        """
        Remove the events of before an instant, and return how many; that they were removed is on the record.

        Args:
            before: The instant.
            kinds: Only events of these kinds; all if there are none.
        """
        ...


class JobStore(Protocol):
    """
    **Protocol:** Where jobs are kept, for all processes that work on them.

    Safety does not rest on it: an account is set only while its epoch is the one in the plan, so that two workers with
    one chunk waste time and set nobody twice. Times are those of the workers' clocks, which may differ a little.

    Texts are ASCII and come back as they were; a store does not look into them. A store raises as `AccountStore` does.
    Services call it from several threads at once.
    """

    def add_job(self, job: StoredJob, chunks: Sequence[JobChunk], ceiling: int | None, /) -> JobAddition:
        """
        Store a job with its chunks, all or nothing, unless its key is there or its operator would be over the ceiling.

        The jobs are added up and the new one is stored in one atomic step: of several that are added at once, as many
        are stored as stay within it, and none can be run that was not counted.

        Args:
            job: The job.
            chunks: What it is about.
            ceiling: The most that jobs of its operator may be *planned* to set, this one and those that were started
                less than `CEILING_SPAN` before it, cancelled or not; None for no ceiling.
        """
        ...

    def find_job(self, key: str, /) -> StoredJob | None:
        """Return the job, or None."""
        ...

    def open_chunks(self, key: str, after: int, now: datetime, /) -> Sequence[int]:
        """
        Return the numbers of the first few chunks above *after* that can be claimed, in order.

        These are neither finished nor in the hands of a worker whose lease has not ended. A closed job has none.
        """
        ...

    def claim_chunk(self, key: str, number: int, worker: str, now: datetime, until: datetime, /) -> JobChunk | None:
        """
        Give a chunk of an open job to a worker until an instant, and return it with the results so far.

        Compare and set, in one atomic step: of several workers, one gets it.

        Returns:
            The chunk, also to the worker that has it already; or None if it is finished or another worker's.
        """
        ...

    def save_chunk(self, key: str, number: int, worker: str, results: str, is_finished: bool, now: datetime, /) -> bool:
        """
        Keep a chunk's results and give the chunk back, also if the lease has ended or the job is closed.

        Args:
            key: The job's.
            number: The chunk's.
            worker: Who has claimed it.
            results: What became of its contacts so far.
            is_finished: Whether nobody needs to claim it again. If all chunks are finished then, the job is closed.
            now: The time.

        Returns:
            Whether the worker had the chunk. False if it is finished or was claimed by another one; nothing is kept.
        """
        ...

    def read_chunks(self, key: str, after: int, limit: int, /) -> Sequence[JobChunk]:
        """Return the first *limit* chunks above *after* with their results so far, in order."""
        ...

    def job_progress(self, key: str, now: datetime, /) -> JobProgress | None:
        """Return how far the job is, as `JobProgress.of` tells, in one query; or None without such a job."""
        ...

    def cancel_job(self, key: str, now: datetime, /) -> bool:
        """Close the job, so that no chunk can be claimed any more; return whether it was open."""
        ...

    def unfinished_jobs(self) -> Sequence[StoredJob]:
        """Return the jobs that are not closed, the oldest first."""
        ...

    def purge_jobs(self, before: datetime, /) -> int:
        """Remove the jobs that were started before an instant, finished or not, and return how many."""
        ...


class CensusStore(Protocol):
    """**Protocol:** What a store may do besides: count accounts by status, so that nobody has to look at each."""

    def count_statuses(self, query: StatusQuery, /) -> Mapping[StatusGroup, int]:
        """Return how many accounts are in each group that `StatusQuery.group_of` names, in one query."""
        ...


class AttemptCounter(Protocol):
    """
    **Protocol:** Counts attempts, shared by all processes that serve one portal.

    One that cannot count raises `StoreUnavailableError`, so that nobody is let in; never an error whose text tells
    where it is kept.

    Keys are opaque text of at most 100 ASCII characters; what they were made from cannot be read from them. Services
    call it from several threads at once.
    """

    def hit(self, key: str, window: timedelta | None, /) -> int:
        """
        Add one and return the new count, atomically (``n = n + 1``, never read, add and write: R9).

        Args:
            key: What is counted.
            window: How long after the first hit the count is forgotten, or None to keep it until `clear`.
        """
        ...

    def counts(self, keys: Sequence[str], /) -> Sequence[int]:
        """
        Return the count of each key in order, 0 where there is none or it was forgotten, in one query.

        For many at once, because a sign-in asks for a few, and each question may be a journey over a network.
        """
        ...

    def clear(self, key: str, /) -> None:
        """Forget the count."""
        ...

    def purge(self) -> int:
        """Remove the counts whose windows ended, and return how many; 0 where they go by themselves."""
        ...


# -- hashing


class PasswordHasher(Protocol):
    """**Protocol:** One scheme at one cost that writes hashes. What it may say besides is in `HasherDetails`."""

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is well-formed, within bounds, and of this scheme (R10). Never raises for a hash."""
        ...

    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """Return the password's hash. If *salt* is None, draw one that was never used before."""
        ...

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is the hash's. False, not an error, for a hash that `identify` refuses."""
        ...

    def needs_rehash(self, password_hash: PasswordHash, /) -> bool:
        """Return whether this hasher would write the hash in another way: other parameters, another scheme."""
        ...


class HasherDetails(Protocol):
    """
    **Protocol:** What a `PasswordHasher` may say besides.

    Each part is optional and read by its name alone. Without it, the default below holds.
    """

    @property
    def memory_bytes(self) -> int:
        """Memory of one hash, which counts within the pool's bound. Default: 0, bounded by the threads alone."""
        ...

    @property
    def key_ring(self) -> object | None:
        """
        The keys of a pepper, such as a `KeyRing`, or None. Default: None.

        Both profiles must have equal ones. The keys are sent to other processes only if its ``may_leave_process`` is
        true.
        """
        ...

    def costs_the_same(self, password_hash: PasswordHash, /) -> bool:
        """
        Return whether verifying this hash costs what hashing costs, so that a denial needs no further work (R7).

        Default: whether `PasswordHasher.needs_rehash` is false. A hash with an older key, say, needs a rehash and costs
        the same.
        """
        ...

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """Return what a hash that it identifies says. Default: the class of the hasher as the scheme."""
        ...


class LegacyVerifier(Protocol):
    """
    **Protocol:** A scheme that is verified and never written; without a ``hash``, writing it is a type error.

    What it may say besides is in `VerifierDetails`.
    """

    @property
    def is_slow(self) -> bool:
        """Whether a clock can tell its work from other work, so that denials need a floor (R7)."""
        ...

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is well-formed, within bounds, and of this scheme (R10). Never raises for a hash."""
        ...

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is the hash's. False, not an error, for a hash that `identify` refuses."""
        ...


class VerifierDetails(Protocol):
    """
    **Protocol:** What a `LegacyVerifier` may say besides.

    Each part is optional and read by its name alone. Without it, the default below holds.
    """

    @property
    def claims(self) -> Iterable[str]:
        """
        Names of the schemes that it takes. Default: none.

        Two verifiers that claim the same name are refused, because the second one would never be asked.
        """
        ...

    @property
    def only_wrapped(self) -> Iterable[PasswordHash]:
        """
        A hash of each weak scheme that it takes only when it is wrapped. Default: none.

        A verifier beside it that identifies one of them is refused: it would let a stolen weak hash in.
        """
        ...

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """
        Return what a hash says that it identifies, or that it could wrap; for any other, the fault ``hash_unknown``.

        It is asked in place of `LegacyVerifier.identify`, so that a hash is read once. Default: what that says, and its
        class as the scheme. One that says `HashDescription.can_be_wrapped` has a method ``wrap``, as `Wrapping` does.
        """
        ...


@attrs.frozen(kw_only=True, eq=False, repr=False)
class HashDescription(Value):
    """
    What a stored hash says of itself: never its salt or its digest.

    Attributes:
        scheme: The scheme's name, such as ``argon2id`` or ``django-pbkdf2_sha256``; None if nobody knows it.
        cost: The numbers in it, such as ``m=65536,t=3,p=4`` or the iterations; empty if it does not say.
        key_id: The key of a pepper that it names, or None.
        verifier: The legacy verifier that verifies it, by its class; None for the hasher's own, and for none.
        is_fast: Whether it is a weak hash as it is, of which a graphics card tries millions or billions a second.
        is_wrapped: Whether it is a weak hash inside a slow one.
        can_be_wrapped: Whether `HashDescriber.wrap_all` takes it. Stored as it is, it opens no account.
        memory_bytes: How much memory verifying it takes, which counts within the pool's bound; 0 for what is not worth
            counting. Descriptions are compared without it.
        fault: Why no password can be verified against it, as a code: ``hash_unknown``, ``hash_too_long``,
            ``hash_refused`` (it asks for too much, or is malformed) or ``missing_key``; None if one can.
    """

    scheme: str | None = None
    cost: str = ""
    key_id: str | None = None
    verifier: str | None = None
    is_fast: bool = False
    is_wrapped: bool = False
    can_be_wrapped: bool = False
    memory_bytes: int = attrs.field(default=0, eq=False, repr=False)
    fault: str | None = None


class HashCheck(NamedTuple):
    """
    The result of verifying a password.

    Attributes:
        matched: Whether the password is the hash's.
        needs_upgrade: Whether the hash should be written anew, in the chosen profile. False if it did not match.
        fault: Why the hash or the password was not even looked at, as a code for the record, or None.
    """

    matched: bool
    needs_upgrade: bool = False
    fault: str | None = None


class HashMatch(NamedTuple):
    """
    Which of several passwords is a hash's.

    Attributes:
        place: The place of the password that is, or None if none is known to be.
        fault: Why some password could not be tried, as a code; None if all were.
    """

    place: int | None = None
    fault: str | None = None


class HashingPermit(Protocol):
    """
    **Protocol:** A place in the hashing queue, held for the hashing alone and not while a store is waited for (R21).

    Passwords are passed as typed. The hasher checks their length (R8), brings them to their canonical form (R18) and
    keeps to the queue, so that no caller can forget it. One step at a time. Leaving the ``with`` block gives the place
    back once the work under way has ended.
    """

    def __enter__(self) -> Self:
        """Return itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Give the place back, once the work under way has ended."""
        ...

    def check(self, password: Secret, password_hash: PasswordHash | None, /) -> HashCheck:
        """
        Verify at the same cost whatever is wrong.

        A password that does not match, a hash that is refused and None all cost one chosen-cost and one issued-cost
        hash, real or dummy (R7). A match stops early.
        """
        ...

    def matches(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is the hash's, for somebody who is signed in already. Costs one hash."""
        ...

    def hash_chosen(self, password: Secret, /) -> PasswordHash:
        """Return the hash of a password that its owner chose."""
        ...


class CredentialHasher(Protocol):
    """**Protocol:** All that the services need of hashing, at two costs: chosen and issued."""

    @property
    def denial_floor(self) -> timedelta:
        """How long a denial takes at least by the clock; zero where all denials cost the same work anyway (R7)."""
        ...

    def admit(self, caller: str | None = None, /) -> HashingPermit | None:
        """
        Return a place in the queue, or None if it is full.

        Args:
            caller: Who asks, as a digest, if they would wait a little in turn; None for an answer at once.
        """
        ...

    def hash_issued(
        self, passwords: Iterable[Secret], /, *, executor: Executor | None = None, may_leave_process: bool = False
    ) -> Iterator[PasswordHash]:
        """
        Yield the hashes of issued passwords in order, each with a salt of its own, on all cores (R13).

        Args:
            passwords: The plaintexts; taken from the iterable only a little ahead of what was yielded.
            executor: Where to hash instead of on this hasher's own threads.
            may_leave_process: Whether the plaintexts may be sent to an executor outside this process.
        """
        ...


class HashDescriber(Protocol):
    """**Protocol:** What an import of hashes and a census of them need of the hasher that verifies them at sign-in."""

    @property
    def verifiers(self) -> Sequence[str]:
        """The legacy verifiers by class, as `HashDescription.verifier` has them."""
        ...

    @property
    def old_key_ids(self) -> Sequence[str]:
        """The keys of the pepper by name, as `HashDescription.key_id` has them, without the current one."""
        ...

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """Return what a stored hash says, and whether a password can be verified against it. Never raises."""
        ...

    def wrap_all(self, hashes: Iterable[PasswordHash], /) -> Iterator[PasswordHash]:
        """Yield each hash inside a slow one, in order, on all cores; only of such as `describe` says can be wrapped."""
        ...


class HashMatcher(Protocol):
    """**Protocol:** What a search for accounts on a default needs of the hasher that verifies them at sign-in."""

    def match_each(self, tries: Iterable[tuple[PasswordHash, Sequence[Secret]]], /) -> Iterator[HashMatch]:
        """
        Yield for each hash which of its passwords is the one, in order, on all cores.

        No place in the queue of sign-ins is taken. Taken from the iterable only a little ahead of what was yielded.
        """
        ...


# -- default passwords


class DefaultPasswordStrategy(Protocol):
    """**Protocol:** How a default password comes about."""

    @property
    def id(self) -> str:
        """A name for the record that includes the parameters; at most 64 printable ASCII characters."""
        ...

    @property
    def is_derivable(self) -> bool:
        """Whether whoever knows what a school knows of a contact can work the password out."""
        ...

    def derive(self, contact: Contact, /) -> Derived:
        """
        Return a default password for the contact.

        Raises:
            UnderivableError: The contact has none. It is never guessed.
        """
        ...


# -- claim proofs


class ClaimProof(Protocol):
    """
    **Protocol:** What a family has from the school, and is asked for beside a password before it may be changed.

    The services limit how often it is asked, and call it from several threads at once.
    """

    @property
    def kind(self) -> str:
        """What the form has to ask for, as a code such as ``student_number``."""
        ...

    def verify(self, account: Account, given: Secret, tenant: str, /) -> bool:
        """
        Return True if -- and only if -- this is what the account's contact was given.

        False, and after the same time, for a contact who was given nothing. What it raises comes out of the service,
        and nothing is changed then; `StoreUnavailableError` makes it `Unavailable`.

        Args:
            account: Whose password is to be changed.
            given: As typed, of any length.
            tenant: Which portal's account it is; empty where a store has no tenants.
        """
        ...

    def find_missing(self, accounts: Sequence[Account], /) -> Collection[ContactId]:
        """Return those of the contacts who were given nothing, so that none could be right; a plan warns of them."""
        ...


class ClaimCodes(Protocol):
    """**Protocol:** A `ClaimProof` may do this besides: tell what it asks for, to be printed in a letter."""

    def code_of(self, account: Account, tenant: str, /) -> Secret:
        """Return what `ClaimProof.verify` takes for this account at the moment."""
        ...


# -- callables

Authorizer = Callable[[Operator, Privilege, Sequence[Account]], Sequence[bool]]
"""Says for each of the accounts whether the operator holds the privilege on it: one call for many (R16)."""


class AuthorizerDetails(Protocol):
    """**Protocol:** What an `Authorizer` that is an object may say besides. It is read by its name alone."""

    def holds_on_all(self, operator: Operator, privilege: Privilege, /) -> bool:
        """
        Return whether the operator holds the privilege on every account that the store can have.

        Where it is True to see user names, `AccountService.status_census` is one query; otherwise, and without this
        method, it looks at each account.
        """
        ...


ChangeHook = Callable[[Account, AuditEvent], None]
"""
Told of a committed change: the account as it is now, and the event that says what happened to it.

At most once: a process that ends between the commit and the call tells nobody. The audit trail is where to catch up.
"""

Usernames = Mapping[ContactId, str] | Mapping[str, str] | Callable[[Contact], str | Iterator[str] | None] | None
"""
The user name of each contact: by contact id, or as a function of the contact; None for none.

A function may return an iterator over several, the best first: who has no user name gets the first that is free.

Two mappings, because to type checkers a mapping by `ContactId` is none by str.
"""

Clock = Callable[[], datetime]
"""Tells the time, aware and in UTC."""


def utc_now() -> datetime:
    """Return the time: the clock used where none is handed in."""
    return datetime.now(UTC)
