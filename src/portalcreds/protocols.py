"""
Implement what a host may put in place of what ships: everything on one page.

Protocols, not base classes: an existing repository is wrapped without inheriting, and a store written against another
(vendored) copy of this package fits. Parameters are positional-only, so implementers name them as they like. Expected
outcomes are values. Adding a method to a protocol breaks other people's code: new abilities become new protocols.

`portalcreds.testing` holds the contract that every store must pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self
from uuid import uuid4

import attrs

from .account_queries import AccountPage, AccountQuery
from .accounts import Account, PasswordHash
from .audit import AuditEvent
from .contacts import Contact, ContactId
from .exceptions import InvalidValueError
from .privileges import Operator, Privilege
from .secret import Secret

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .default_passwords import Derived


# -- stores


class ApplyResult(StrEnum):
    """What became of one change."""

    APPLIED = "applied"
    """The new account and its audit events are stored."""

    STALE = "stale"
    """The stored account is not the *old* one any more (or is already there); nothing of this change is stored."""

    USERNAME_TAKEN = "username_taken"
    """The new user name's key belongs to another account; nothing of this change is stored."""


def _new_change_id() -> str:
    return uuid4().hex


def _in_order(events: Iterable[AuditEvent]) -> tuple[AuditEvent, ...]:
    return tuple(events)


@attrs.frozen(kw_only=True)
class Change:
    """
    One account's step from one version to the next, with the audit events that belong to it.

    Attributes:
        old: The account as last read, or None to add one.
        new: What it becomes, made by one of the methods of `Account`.
        events: What goes on the record in the same atomic step (R17).
        change_id: Kept on the row, so that a commit whose acknowledgement was lost is settled by re-reading.

    Raises:
        InvalidValueError: *new* is another contact's, or not the version after *old*.
    """

    old: Account | None
    new: Account
    events: tuple[AuditEvent, ...] = attrs.field(default=(), converter=_in_order)
    change_id: str = attrs.field(factory=_new_change_id)

    def __attrs_post_init__(self) -> None:
        before = 0 if self.old is None else self.old.version
        if self.new.version != before + 1 or (self.old is not None and self.new.contact_id != self.old.contact_id):
            raise InvalidValueError("new", "make it from old with one method of Account, once", self.new.contact_id)


class AccountStore(Protocol):
    """
    **Protocol:** Where accounts are kept.

    A store hands out and takes frozen values. It returns names, user names and identifiers exactly as given,
    instants to the microsecond, and never an object that later changes. Services are shared by a portal's threads, and
    call it from several at once.

    Its methods do not raise for what is expected. If it cannot be reached it raises `StoreUnavailableError`, or
    whatever it likes for its own defects, but never an error whose text quotes column values.
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


class AuditSink(Protocol):
    """**Protocol:** Where goes on the record what happens without a change: denials, look-ups, reveals, refusals."""

    def record(self, events: Sequence[AuditEvent], /) -> None:
        """
        Append the events.

        Raises:
            StoreUnavailableError: They cannot be kept. What must be recorded and cannot be is refused.
        """
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
    """**Protocol:** One scheme at one cost, that writes hashes."""

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is well-formed, within bounds, and of this scheme (R10). Never raises for a hash."""
        ...

    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """Return the password's hash. *salt* is drawn if it is None, and never the same twice."""
        ...

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is the hash's. False, not an error, for a hash that `identify` refuses."""
        ...

    def needs_rehash(self, password_hash: PasswordHash, /) -> bool:
        """Return whether this hasher would write the hash in another way: other parameters, another scheme."""
        ...


class LegacyVerifier(Protocol):
    """**Protocol:** A scheme that is verified and never written; without a ``hash``, writing it is a type error."""

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


@attrs.frozen(kw_only=True)
class HashCheck:
    """
    What became of verifying a password.

    Attributes:
        matched: Whether the password is the hash's.
        needs_upgrade: Whether the hash should be written anew, in the chosen profile. False if it did not match.
        fault: Why the hash or the password was not even looked at, as a code for the record, or None.
    """

    matched: bool
    needs_upgrade: bool = False
    fault: str | None = None


class HashingPermit(Protocol):
    """
    **Protocol:** A place in the hashing queue, taken before anything is looked up.

    Passwords are handed over as typed: the cap on length (R8), the canonical form (R18) and the queue are the hasher's
    work, so that no caller can forget them. One step at a time; leaving the ``with`` block gives the place back as soon
    as the work under way has ended.
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
        """Return whether the password is the hash's, for somebody who proved already who they are. Costs one hash."""
        ...

    def hash_chosen(self, password: Secret, /) -> PasswordHash:
        """Return the hash of a password its owner chose."""
        ...


class CredentialHasher(Protocol):
    """**Protocol:** All that the services ask of hashing, in two costs: chosen and issued."""

    @property
    def denial_floor(self) -> timedelta:
        """How long a denial takes at least by the clock; zero where all denials cost the same work anyway (R7)."""
        ...

    def admit(self) -> HashingPermit | None:
        """Return a place in the queue, or None at once if it is full."""
        ...

    def hash_issued(
        self, passwords: Iterable[Secret], /, *, executor: Executor | None = None, may_leave_process: bool = False
    ) -> Iterator[PasswordHash]:
        """
        Yield the hashes of issued passwords in order, each with a salt of its own, on all cores (R13).

        Args:
            passwords: The plaintexts; taken from the iterable only a little ahead of what was yielded.
            executor: Where to hash instead of on this hasher's own threads.
            may_leave_process: Whether the plaintexts may be sent to an executor that is not of this process's threads.
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


# -- callables

Authorizer = Callable[[Operator, Privilege, Sequence[Account]], Sequence[bool]]
"""Says for each of the accounts whether the operator holds the privilege on it: one call for many (R16)."""

ChangeHook = Callable[[Account, AuditEvent], None]
"""
Told of a committed change: the account as it is now, and the event that says what happened to it.

At most once: a process that ends between the commit and the call tells nobody. The audit trail is where to catch up.
"""

Usernames = Mapping[str, str] | Callable[[Contact], str | None] | None
"""The user name of each contact: by contact id, or as a function of the contact; None for none."""

Clock = Callable[[], datetime]
"""Tells the time, aware and in UTC."""


def utc_now() -> datetime:
    """Return the time: the clock used where none is handed in."""
    return datetime.now(UTC)
