"""
Catch what a program can get wrong.

What a person at a form can cause is a value that a service returns; only what a program can cause is raised (R23).
Every error is a `PortalCredsError` and the closest built-in besides, survives pickling and copying, says the mend, and
carries identifiers and field names only: never a password, a hash, a name, an e-mail address or a user name (R14).
"""

from __future__ import annotations

import attrs


class PortalCredsError(Exception):
    """Base class of every error that this library raises on purpose."""


@attrs.define(slots=False)
class InvalidValueError(PortalCredsError, ValueError):
    """
    A value handed in cannot be taken; nothing was written.

    Attributes:
        field: The name of the argument or attribute at fault. Never its value.
        mend: What to do about it, as a sentence for a developer.
        contact_id: The contact that it is about, if it is about one.
    """

    field: str
    mend: str
    contact_id: str | None = None

    def __str__(self) -> str:
        about = "" if self.contact_id is None else f" (contact {self.contact_id!r})"
        return f"{self.field}{about}: {self.mend}"


@attrs.define(slots=False)
class UnderivableError(PortalCredsError, ValueError):
    """
    No default password can be derived for a contact, and none is guessed.

    Attributes:
        contact_id: The contact without a derivable default.
        field: The part at fault, such as ``first_name``.
        reason: Why, as a code: ``missing``, ``blank``, ``control_character``, ``leading_mark`` (a mark or an
            invisible character where the initial should be), ``surrogate`` or ``too_long``.
    """

    contact_id: str
    field: str
    reason: str

    def __str__(self) -> str:
        return (
            f"contact {self.contact_id!r} has no default password: {self.field} is {self.reason}; "
            "correct the name in the SIS or use a strategy that draws a password"
        )


@attrs.define(slots=False)
class AccountNotFoundError(PortalCredsError, LookupError):
    """
    A ``get…`` found no account.

    Attributes:
        contact_id: The contact asked for.
    """

    contact_id: str

    def __str__(self) -> str:
        return f"contact {self.contact_id!r} has no account; add it with AccountService.sync_contacts"


@attrs.define(slots=False)
class WrongStateError(PortalCredsError, ValueError):
    """
    An account is in a state in which the step asked for does not exist.

    Attributes:
        contact_id: The account's contact.
        step: What was asked for, such as ``issue``.
        mend: What to do first.
    """

    contact_id: str
    step: str
    mend: str

    def __str__(self) -> str:
        return f"cannot {self.step} for contact {self.contact_id!r}: {self.mend}"


@attrs.define(slots=False)
class StaleAccountError(PortalCredsError, RuntimeError):
    """
    An account kept changing under a service until it gave up; nothing was written.

    Attributes:
        contact_id: The account's contact.
    """

    contact_id: str

    def __str__(self) -> str:
        return f"the account of contact {self.contact_id!r} kept changing meanwhile; try again"


@attrs.define(slots=False)
class PrivilegeDeniedError(PortalCredsError, PermissionError):
    """
    An operator lacks a privilege on an account; the refusal is on the record (R16).

    Attributes:
        operator_id: Who asked.
        privilege: The privilege that is missing, such as ``set_one``.
        contact_ids: The contacts that it is missing for.
    """

    operator_id: str
    privilege: str
    contact_ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"operator {self.operator_id!r} lacks the privilege {self.privilege!r} "
            f"on {len(self.contact_ids)} account(s); ask the authorizer's owner to grant it"
        )


@attrs.define(slots=False)
class ConfigurationError(PortalCredsError, ValueError):
    """
    Parts were put together in a way that cannot work.

    Attributes:
        argument: The constructor argument at fault.
        mend: What to pass instead.
    """

    argument: str
    mend: str

    def __str__(self) -> str:
        return f"{self.argument}: {self.mend}"


@attrs.define(slots=False)
class StoreError(PortalCredsError, RuntimeError):
    """
    A store could not do its work.

    Attributes:
        operation: What it was doing, such as ``apply``.
        code: The driver's or the database's code for the cause. Never its text, which may quote values.
    """

    operation: str
    code: str = "unknown"

    def __str__(self) -> str:
        return f"the store failed in {self.operation!r} (cause: {self.code}); see the database's own log"


@attrs.define(slots=False)
class StoreUnavailableError(StoreError):
    """The store cannot be reached, or stayed busy; whether a write happened is settled by its change id."""

    def __str__(self) -> str:
        return f"the store is unavailable in {self.operation!r} (cause: {self.code}); try again later"


@attrs.define(slots=False)
class TransactionAborted(StoreError):  # noqa: N818  The design's fixed word; the database's own term.
    """The host's transaction lost a conflict: roll it back and run it again (R20)."""

    def __str__(self) -> str:
        return f"the transaction was aborted in {self.operation!r} (cause: {self.code}); roll back and retry it"


@attrs.define(slots=False)
class HashingUnavailableError(PortalCredsError, RuntimeError):
    """
    A password could not be hashed, through no fault of the password's; nobody was denied or let in.

    Attributes:
        code: The cause: ``out_of_memory``, ``no_thread``, ``closed``, ``given_back``, ``interrupted``, ``missing_key``,
            or the class name of what a hasher raised.
    """

    code: str

    def __str__(self) -> str:
        mends = {
            "out_of_memory": "give the process more memory, or the pool less",
            "no_thread": "let the process have more threads, or start hashing before the interpreter ends",
            "closed": "use the hasher before closing it",
            "given_back": "hash inside the permit's with block",
            "missing_key": "put the key that the hash names back on the KeyRing",
        }
        mend = mends.get(self.code, "see what the hasher or the executor needs")
        return f"hashing failed (cause: {self.code}); {mend}"


@attrs.define(slots=False)
class MissingDependencyError(PortalCredsError, ImportError):
    """
    A module needs an extra that is not installed.

    Attributes:
        extra: The extra's name.
    """

    extra: str

    def __str__(self) -> str:
        return f"this module needs the extra {self.extra!r}; install the package with [{self.extra}] after its name"
