"""
The errors that a program can cause.

What a person at a form can cause is a value that a service returns; only what a program can cause is raised (R23).
Every error is a `PortalCredsError` and also the closest built-in error, can be pickled and copied, and says how to fix
it. It has identifiers and field names only: never a password, hash, name, e-mail address or user name (R14).
"""

from __future__ import annotations

from ._spoken import Spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .texts import Message


class PortalCredsError(Exception):
    """The base class of all errors of this library."""


class PortalCredsWarning(UserWarning):
    """Something works and protects less than it should; the text says what to do. Silence it if it is meant so."""


class InvalidValueError(PortalCredsError, ValueError):
    """
    A value that was passed is not allowed; nothing was written.

    Attributes:
        field: The name of the argument or attribute. Never its value.
        hint: How to fix it, for a developer.
        contact_id: The contact that the value belongs to, or None.
    """

    def __init__(self, field: str, hint: str, contact_id: str | None = None) -> None:
        super().__init__(field, hint, contact_id)
        self.field = field
        self.hint = hint
        self.contact_id = contact_id

    def __str__(self) -> str:
        about = "" if self.contact_id is None else f" (contact {self.contact_id!r})"
        return f"{self.field}{about}: {self.hint}"


class UnreadableRosterError(Spoken, InvalidValueError):
    """
    A roster as a whole cannot be read: what was uploaded is at fault, or what was said of it does not fit.

    Attributes:
        field: The argument that the developer can do something about.
        hint: How, for a developer; `text` is for whoever brought the file.
        reason: Why, as a code: one of the keys ``UnreadableRosterError.…`` of the catalogue.
        parameters: The values for the text, such as a line, a file of a zip, or columns. Never anything of a row.
    """

    def __init__(self, field: str, hint: str, reason: str, parameters: Mapping[str, str | int] | None = None) -> None:
        super().__init__(field, hint)
        self.reason = reason
        self.parameters: Mapping[str, str | int] = dict(parameters or {})
        self.args: tuple[object, ...] = (field, hint, reason, self.parameters)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says to whoever brought the file."""
        from .texts import Message

        return (Message(f"{type(self).__name__}.{self.reason}", self.parameters, None, self.hint),)


class UnderivableError(Spoken, PortalCredsError, ValueError):
    """
    No default password can be derived for a contact.

    Attributes:
        contact_id: The contact without a derivable default.
        field: The name that does not allow it, such as ``first_name``.
        reason: Why, as a code: ``missing``, ``blank``, ``control_character``, ``leading_mark`` (a mark or an
            invisible character where the initial should be), ``surrogate`` or ``too_long``.
    """

    def __init__(self, contact_id: str, field: str, reason: str) -> None:
        super().__init__(contact_id, field, reason)
        self.contact_id = contact_id
        self.field = field
        self.reason = reason

    @property
    def hint(self) -> str:
        """What is wrong with the name and what to do about it, as a sentence without the name."""
        faults = {
            "missing": "is missing",
            "blank": "is blank",
            "control_character": "has a control character",
            "leading_mark": "begins with a mark or an invisible character instead of a letter",
            "surrogate": "is not valid text",
            "too_long": "is too long",
        }
        fault = faults.get(self.reason, f"is refused ({self.reason})")
        return f"{self.field} {fault}; correct the name in the SIS or use a strategy that draws a password"

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says to an operator."""
        from .texts import Message

        return (Message(f"{type(self).__name__}.{self.field}", {}, None, self.hint),)

    def __str__(self) -> str:
        return f"contact {self.contact_id!r} has no default password: {self.hint}"


class AccountNotFoundError(PortalCredsError, LookupError):
    """
    A ``get…`` found no account.

    Attributes:
        contact_id: The contact asked for.
    """

    def __init__(self, contact_id: str) -> None:
        super().__init__(contact_id)
        self.contact_id = contact_id

    def __str__(self) -> str:
        return f"contact {self.contact_id!r} has no account; add it with AccountService.sync_contacts"


class JobNotFoundError(PortalCredsError, LookupError):
    """
    There is no job under a key: it was never started here, or was purged.

    Attributes:
        key: The key.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"there is no job {self.key!r}; start one, or look in the store and tenant that it was started in"


class DailyCeilingError(Spoken, PortalCredsError, PermissionError):
    """
    An operator's jobs of the last 24 hours would set more passwords than the service allows; nothing was started.

    Attributes:
        operator_id: Who pressed OK.
        ceiling: How many are allowed.
        planned: How many the jobs of the last 24 hours were to set, without the refused one.
    """

    def __init__(self, operator_id: str, ceiling: int, planned: int) -> None:
        super().__init__(operator_id, ceiling, planned)
        self.operator_id = operator_id
        self.ceiling = ceiling
        self.planned = planned

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says to the operator."""
        from .texts import Message

        counts = {"ceiling": self.ceiling, "planned": self.planned}
        return (Message(type(self).__name__, counts, self.ceiling),)

    def __str__(self) -> str:
        return (
            f"operator {self.operator_id!r} may set {self.ceiling} passwords in 24 hours and has planned "
            f"{self.planned}; select fewer, wait, or raise max_per_day"
        )


class WrongStateError(PortalCredsError, ValueError):
    """
    An account is in a state that does not allow the step.

    Attributes:
        contact_id: The account's contact.
        step: What was asked for, such as ``issue``.
        hint: What to do first.
    """

    def __init__(self, contact_id: str, step: str, hint: str) -> None:
        super().__init__(contact_id, step, hint)
        self.contact_id = contact_id
        self.step = step
        self.hint = hint

    def __str__(self) -> str:
        return f"cannot {self.step} for contact {self.contact_id!r}: {self.hint}"


class StaleAccountError(PortalCredsError, RuntimeError):
    """
    An account changed again and again while a service tried to write it; nothing was written.

    Attributes:
        contact_id: The account's contact.
    """

    def __init__(self, contact_id: str) -> None:
        super().__init__(contact_id)
        self.contact_id = contact_id

    def __str__(self) -> str:
        return f"the account of contact {self.contact_id!r} kept changing; try again"


class PrivilegeDeniedError(Spoken, PortalCredsError, PermissionError):
    """
    An operator lacks a privilege on an account. The refusal is in the audit trail (R16).

    Attributes:
        operator_id: Who asked.
        privilege: The missing privilege, such as ``set_one``.
        contact_ids: The contacts whose accounts it is missing on.
    """

    def __init__(self, operator_id: str, privilege: str, contact_ids: tuple[str, ...] = ()) -> None:
        super().__init__(operator_id, privilege, contact_ids)
        self.operator_id = operator_id
        self.privilege = privilege
        self.contact_ids = contact_ids

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says to the operator."""
        from .texts import Message

        return (Message(type(self).__name__, {"privilege": Message(f"Privilege.{self.privilege}")}),)

    def __str__(self) -> str:
        return (
            f"operator {self.operator_id!r} lacks the privilege {self.privilege!r} "
            f"on {len(self.contact_ids)} account(s); ask the authorizer's owner to grant it"
        )


class ConfigurationError(PortalCredsError, ValueError):
    """
    The parts of a portal are put together in a way that cannot work.

    Attributes:
        argument: The constructor argument.
        hint: What to pass instead.
    """

    def __init__(self, argument: str, hint: str) -> None:
        super().__init__(argument, hint)
        self.argument = argument
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.argument}: {self.hint}"


class StoreError(PortalCredsError, RuntimeError):
    """
    A store failed.

    Attributes:
        operation: What it was doing, such as ``apply``.
        code: The cause, as a code of the driver or the database. Never its text, which may quote values.
    """

    def __init__(self, operation: str, code: str = "unknown") -> None:
        super().__init__(operation, code)
        self.operation = operation
        self.code = code

    def __str__(self) -> str:
        hint = "use the store before it is closed" if self.code == "closed" else "see the database's own log"
        return f"the store failed in {self.operation!r} (cause: {self.code}); {hint}"


class TablesMissingError(StoreError):
    """The store's tables are not there, or not where it looks for them."""

    def __str__(self) -> str:
        return (
            f"the store has no tables in {self.operation!r} (cause: {self.code}); call create_tables() once "
            "or run your migration, or say where they are with Tables(prefix=…, schema=…)"
        )


class CorruptRowError(StoreError):
    """A row holds what no account, contact or event can hold; it is at fault, and not the store."""

    def __str__(self) -> str:
        return f"the store cannot read a row in {self.operation!r} (cause: {self.code}); correct or restore that row"


class StoreUnavailableError(StoreError):
    """The store cannot be reached, or stayed busy. A write may have happened or not; its change id tells."""

    def __str__(self) -> str:
        return f"the store is unavailable in {self.operation!r} (cause: {self.code}); try again later"


class TransactionAborted(StoreError):  # noqa: N818  The design's fixed word; the database's own term.
    """The host's transaction lost a conflict. Roll it back and run it again (R20)."""

    def __str__(self) -> str:
        return f"the transaction was aborted in {self.operation!r} (cause: {self.code}); roll back and retry it"


class HashingUnavailableError(PortalCredsError, RuntimeError):
    """
    A password could not be hashed or verified, whatever it is; nobody was denied or let in.

    Attributes:
        code: The cause: ``out_of_memory``, ``no_thread``, ``closed``, ``given_back``, ``interrupted``, ``missing_key``,
            or the class name of what a hasher raised.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        hints = {
            "out_of_memory": "give the process more memory, or the pool less",
            "no_thread": "give the process more threads, or hash on the caller's with HashingPool(workers=0)",
            "closed": "use the hasher before closing it",
            "given_back": "hash inside the permit's with block",
            "missing_key": "put the key that the hash names back on the KeyRing",
        }
        hint = hints.get(self.code, "see what the hasher or the executor needs")
        return f"hashing failed (cause: {self.code}); {hint}"


class MissingDependencyError(PortalCredsError, ImportError):
    """
    A module needs a package that is not installed.

    Attributes:
        extra: The extra's name.
    """

    def __init__(self, extra: str) -> None:
        super().__init__(extra)
        self.extra = extra

    def __str__(self) -> str:
        # Not the name of this package, which a vendored copy is not installed under.
        package = {"letters": "segno", "testing": "pytest"}.get(self.extra, self.extra)
        return f"this module needs the package {package!r}, which is not installed; install {package}"
