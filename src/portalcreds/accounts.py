"""An account, what its credential allows, and every step that may change it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Final, final

import attrs

from ._spoken import Code
from ._table import ShownRow
from ._text import MAX_CODE_LENGTH, MAX_USERNAME_LENGTH, TextFaultError, is_code, same_text, username_key
from ._time import CLOCK_TOLERANCE, in_utc, text_of_instant, utc_or_none
from ._value import Value
from .contacts import Contact, ContactId
from .exceptions import InvalidValueError, WrongStateError

MAX_OPERATOR_ID_LENGTH: Final = 255
"""Characters of an operator's id."""


@final
class PasswordHash:
    """
    A stored password hash: its own type, so that no plaintext can be stored in its place by mistake.

    Untrusted input, because it may come from a store, a backup or an import: hashers check it before they use it
    (R10), and nothing is checked here. Masked in ``repr``, ``str`` and ``format``.

    Args:
        encoded: The hash with its scheme and parameters, such as a PHC string.

    Raises:
        TypeError: *encoded* is not a str.
    """

    __slots__ = ("_encoded",)

    def __init__(self, encoded: str) -> None:
        if type(encoded) is not str:
            raise TypeError(f"a PasswordHash holds a str, not {type(encoded).__name__}")
        self._encoded = encoded

    @property
    def encoded(self) -> str:
        """The hash with its scheme and parameters."""
        return self._encoded

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PasswordHash):
            return NotImplemented
        return same_text(self.encoded, other.encoded)

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __repr__(self) -> str:
        return "PasswordHash('********')"

    def __format__(self, format_spec: str) -> str:
        return repr(self)


_PARKED: Final = "moving:"
_PARKED_DISABLED: Final = "moving-disabled:"
"""What a parked account's user name begins with: what it was is kept behind it, also over a crash."""

WITHHELD: Final = PasswordHash("withheld")
"""Stands for the hash in a credential that was pickled or copied; no store takes it back."""


INVITATION: Final = "invitation"
"""
Stands for the strategy in the credential of somebody who was invited. Its password is drawn and told to nobody: a state
that every store can hold, and in which no password signs in.
"""

COMPROMISED: Final = "compromised"
"""What a reason begins with, in whatever case, if others may know the password: then it alone allows no change."""


class CredentialOrigin(Code):
    """Where a credential's password came from."""

    NONE = "none"
    """There is no password; nobody can sign in."""

    ISSUED = "issued"
    """A default that an operator set. It allows one thing: to choose a new password."""

    CHOSEN = "chosen"
    """Chosen by its owner."""

    IMPORTED = "imported"
    """A hash brought from another system."""


class AccountStatus(Code):
    """What an operator sees of an account at a glance. Derived, never stored."""

    NEVER_ISSUED = "never_issued"
    DEFAULT_LIVE = "default_live"
    DEFAULT_EXPIRED = "default_expired"
    SELF_CHOSEN = "self_chosen"
    CHANGE_REQUIRED = "change_required"
    IMPORTED = "imported"
    DISABLED = "disabled"


def _origin(origin: CredentialOrigin | str) -> CredentialOrigin:
    try:
        return CredentialOrigin(origin)
    except ValueError:
        raise InvalidValueError("origin", f"pass a CredentialOrigin, one of: {', '.join(CredentialOrigin)}") from None


def _hash(credential: object, attribute: attrs.Attribute[PasswordHash | None], value: object) -> None:
    # By attribute and not by class: a store of another vendored copy hands in that copy's own.
    if value is not None and not hasattr(value, "encoded"):
        raise InvalidValueError(attribute.name, "pass what a hasher returned, a PasswordHash")


def _code(credential: object, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value is not None and not is_code(value):
        raise InvalidValueError(
            attribute.name, f"pass 1 to {MAX_CODE_LENGTH} printable ASCII characters without blanks around them"
        )


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Credential(Value):
    """
    The state of an account's password.

    "Issued" without a forced change cannot be written, because `must_change` is derived (R1). Change a credential only
    through the methods of `Account`, which keep its parts consistent.

    Where it is pickled or copied, also within an account, a page or an outcome, it goes without its hash (R14).

    Attributes:
        password_hash: The hash, or None if the origin is ``none``.
        origin: Where the password came from.
        change_required_by: Why a change was required, as a code such as ``compromised``; None if it was not.
        strategy: The id of the strategy that made the issued default, or `INVITATION`; None for anything else.
        issue_id: What issued or imported last, or None: the key of its confirmed plan. Kept after the contact chose a
            password, so that what is resumed does not set it again.
        issued_by: The operator who issued or imported last, or None.
        issued_at: When that was, or None.
        changed_at: When the owner last chose a password, or None.
        expires_at: When the issued default stops working; None for anything else.
        epoch: The credential's generation. Sessions, tickets, plan items and failure counters are bound to it (R6).
        ticket_digest: The digest of the open change ticket or invitation, in hexadecimal, or None.
        ticket_expires_at: When that ticket stops working, or None.
    """

    password_hash: PasswordHash | None = attrs.field(default=None, repr=False, validator=_hash)
    origin: CredentialOrigin = attrs.field(default=CredentialOrigin.NONE, converter=_origin)
    change_required_by: str | None = attrs.field(default=None, validator=_code)
    strategy: str | None = attrs.field(default=None, validator=_code)
    issue_id: str | None = attrs.field(default=None, validator=_code)
    issued_by: str | None = None
    issued_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    changed_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    expires_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    epoch: int = 0
    ticket_digest: str | None = attrs.field(default=None, repr=False)
    ticket_expires_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)

    def __attrs_post_init__(self) -> None:
        if type(self.epoch) is not int or self.epoch < 0:
            raise InvalidValueError("epoch", "pass a whole number of at least 0")
        issued = self.origin == CredentialOrigin.ISSUED
        has_password = self.origin != CredentialOrigin.NONE
        if has_password is not (self.password_hash is not None):
            raise InvalidValueError("password_hash", "every origin but 'none' has a hash, and 'none' has no hash")
        if issued is not (self.expires_at is not None) or issued is not (self.strategy is not None):
            raise InvalidValueError("expires_at", "an issued password, and no other, has an expiry and a strategy")
        if issued and (self.issue_id is None or self.issued_by is None or self.issued_at is None):
            raise InvalidValueError("issue_id", "an issued password has an issue_id, issued_by and issued_at")
        if not has_password and self.change_required_by is not None:
            raise InvalidValueError("change_required_by", "an account without a password cannot require a change")
        if (self.ticket_digest is None) is not (self.ticket_expires_at is None):
            raise InvalidValueError("ticket_expires_at", "a ticket has a digest and an expiry")
        if self.ticket_digest is not None and not self.must_change:
            raise InvalidValueError("ticket_digest", "only a credential that must be changed has a ticket")

    def __reduce__(self) -> tuple[object, ...]:
        # The one place where a hash could leave the process with what holds it, such as a session of the host's.
        fields = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        kept = None if self.password_hash is None else WITHHELD
        return partial(type(self), **fields | {"password_hash": kept}), ()

    @property
    def must_change(self) -> bool:
        """Whether the only thing this credential allows is to choose a new password."""
        return self.origin == CredentialOrigin.ISSUED or self.change_required_by is not None

    @property
    def is_invited(self) -> bool:
        """Whether an invitation is the only way in: there is a password, and nobody was told it."""
        # No other origin has a strategy.
        return self.strategy == INVITATION

    @property
    def is_compromised(self) -> bool:
        """Whether somebody else may know the password, so that it alone must not allow a change."""
        return self.change_required_by is not None and self.change_required_by.lower().startswith(COMPROMISED)

    @property
    def asks_for_proof(self) -> bool:
        """Whether a claim proof is asked for before a change: others can guess the password, or know it."""
        # An invitation is itself what the school gave the family.
        return not self.is_invited and (self.origin == CredentialOrigin.ISSUED or self.is_compromised)

    def is_expired(self, now: datetime) -> bool:
        """Return whether the issued default no longer works: from *expires_at* on, including that instant."""
        return self.expires_at is not None and now >= self.expires_at

    def is_from_ahead(self, now: datetime) -> bool:
        """
        Return whether the default was issued more than an hour after *now*: by a clock that has been set back since.

        It allows nothing then, because its expiry is as far ahead. `Account.status` goes by the expiry alone.
        """
        issued_at = self.issued_at if self.origin == CredentialOrigin.ISSUED else None
        return issued_at is not None and issued_at - now > CLOCK_TOLERANCE


def _username(account: object, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidValueError("username", "pass text, or None for an account without a user name")
    try:
        username_key(value)
    except TextFaultError as error:
        hints = {
            "empty": "pass at least one visible character, or None for an account without a user name",
            "too_long": f"pass at most {MAX_USERNAME_LENGTH} characters, also after folding",
            "control_character": "pass text without control characters",
            "surrogate": "read it with the encoding it was written in; it is not valid text",
        }
        raise InvalidValueError("username", hints[error.fault]) from None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Account(ShownRow, Value):
    """
    A contact's sign-in.

    It is frozen. Each method below is one step that is allowed, and returns the account's next version. Steps that end
    sessions, tickets and plans grow the epoch; an upgrade, a ticket, a sign-in and a sync do not (R6).

    Attributes:
        contact: Whose it is.
        username: The name signed in with, shown as given, or None if there is none yet. Hidden from ``repr``.
        credential: The password's state.
        is_active: Whether it may be used at all.
        name_changed_at: When the SIS last changed the contact's first or last name, or None.
        last_sign_in_at: When its owner last signed in, or None.
        erased_at: When its personal data was erased, or None.
        version: The row's compare-and-set counter, from 1, and nothing else (R3).
    """

    contact: Contact
    username: str | None = attrs.field(default=None, repr=False, validator=_username)
    credential: Credential = attrs.field(factory=Credential)
    is_active: bool = True
    name_changed_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    last_sign_in_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    erased_at: datetime | None = attrs.field(default=None, converter=in_utc, validator=utc_or_none)
    version: int = 1

    def __attrs_post_init__(self) -> None:
        # By attributes: another vendored copy's are such too.
        if not hasattr(self.contact, "contact_id"):
            raise InvalidValueError("contact", "pass a Contact")
        if not hasattr(self.credential, "must_change"):
            raise InvalidValueError("credential", "pass a Credential", self.contact_id)
        if type(self.is_active) is not bool:
            raise InvalidValueError("is_active", "pass True or False", self.contact_id)
        if type(self.version) is not int or self.version < 1:
            raise InvalidValueError("version", "pass a whole number of at least 1", self.contact_id)

    @property
    def contact_id(self) -> ContactId:
        """The contact's id, which is the account's key."""
        return self.contact.contact_id

    @property
    def username_key(self) -> str | None:
        """What the user name is unique and matched by, or None without one (R18)."""
        return None if self.username is None else username_key(self.username)

    @property
    def is_parked(self) -> bool:
        """Whether the account waits for another contact id to take it over (`AccountService.rekey`)."""
        return self._is_parked_as(_PARKED) or self._is_parked_as(_PARKED_DISABLED)

    @property
    def own_username(self) -> str | None:
        """The user name, of a parked account the one that it had."""
        if self.username is None or not self.is_parked:
            return self.username
        return self.username.partition(":")[2] or None

    def _is_parked_as(self, prefix: str) -> bool:
        return not self.is_active and self.username is not None and self.username.startswith(prefix)

    def status(self, now: datetime) -> AccountStatus:
        """Return what an operator should see at the instant *now*."""
        credential = self.credential
        if not self.is_active:
            return AccountStatus.DISABLED
        if credential.origin == CredentialOrigin.NONE:
            return AccountStatus.NEVER_ISSUED
        if credential.origin == CredentialOrigin.ISSUED:
            return AccountStatus.DEFAULT_EXPIRED if credential.is_expired(now) else AccountStatus.DEFAULT_LIVE
        if credential.change_required_by is not None:
            return AccountStatus.CHANGE_REQUIRED
        if credential.origin == CredentialOrigin.CHOSEN:
            return AccountStatus.SELF_CHOSEN
        return AccountStatus.IMPORTED

    @property
    def has_default_of_old_name(self) -> bool:
        """Whether the issued default was made from names that changed since. It keeps working (R5)."""
        issued_at = self.credential.issued_at
        is_default = self.credential.origin == CredentialOrigin.ISSUED and not self.credential.is_invited
        if not is_default or issued_at is None or self.name_changed_at is None:
            return False
        return self.name_changed_at > issued_at

    def to_record(self, now: datetime | None = None) -> dict[str, str | None]:
        """
        Return the account as a plain record, names and user name included, the hash never.

        Args:
            now: The instant that the status is of; the present if None.
        """
        if now is None:
            from .protocols import utc_now  # Here, because that module imports this one.

            now = utc_now()
        return {
            "contact_id": self.contact_id,
            "first_name": self.contact.first_name,
            "last_name": self.contact.last_name,
            "username": self.username,
            "status": self.status(now).value,
            "warning": "default_of_old_name" if self.has_default_of_old_name else None,
            "issued_at": text_of_instant(self.credential.issued_at),
            "expires_at": text_of_instant(self.credential.expires_at),
            "last_sign_in_at": text_of_instant(self.last_sign_in_at),
        }

    # -- changes that start a new epoch

    def issue(
        self,
        password_hash: PasswordHash,
        *,
        strategy: str,
        issue_id: str,
        issued_by: str,
        issued_at: datetime,
        expires_at: datetime,
        ticket_digest: str | None = None,
    ) -> Account:
        """
        Return this account with a default: **the forced change is set here**, together with the hash (R1).

        Or with an invitation as the only way in. That demands a change like a default. But the hash is of a drawn
        secret that nobody was told, so that no sign-in can replace the ticket.

        Args:
            password_hash: The hash of the default, or of what nobody was told.
            strategy: The id of what made the default, or `INVITATION`.
            issue_id: The key of the confirmed plan.
            issued_by: The operator.
            issued_at: When.
            expires_at: When the default or the invitation stops working.
            ticket_digest: The digest of the invitation, in hexadecimal; None for a default.

        Raises:
            WrongStateError: The account is disabled, which issuing never lifts (R5).
            InvalidValueError: *strategy* is `INVITATION` without a ticket, or another one with a ticket.
        """
        if (strategy == INVITATION) is (ticket_digest is None):
            # Its tickets live for days, and need no claim proof.
            raise InvalidValueError("ticket_digest", "an invitation, and no default, has one")
        if not self.is_active:
            raise WrongStateError(self.contact_id, "issue", "the account is disabled; enable it first")
        return self._next(
            credential=Credential(
                password_hash=password_hash,
                origin=CredentialOrigin.ISSUED,
                strategy=strategy,
                issue_id=issue_id,
                issued_by=issued_by,
                issued_at=issued_at,
                changed_at=self.credential.changed_at,
                expires_at=expires_at,
                epoch=self.credential.epoch + 1,
                ticket_digest=ticket_digest,
                ticket_expires_at=None if ticket_digest is None else expires_at,
            )
        )

    def import_hash(
        self,
        password_hash: PasswordHash,
        *,
        import_id: str,
        imported_by: str,
        imported_at: datetime,
        change_required_by: str | None = None,
    ) -> Account:
        """
        Return this account with a hash that another system wrote, in place of what it has.

        A password that was ``compromised`` stays so: nobody can tell whether this is another hash of the same one.

        Args:
            password_hash: As `portalcreds.protocols.HashDescriber` says that it can be verified.
            import_id: The key of the confirmed plan.
            imported_by: The operator.
            imported_at: When.
            change_required_by: Why its owner must choose a new password at the next sign-in, as a code; None if not.

        Raises:
            WrongStateError: The account is disabled, which importing never lifts.
            InvalidValueError: *change_required_by* is not such a code.
        """
        if not self.is_active:
            raise WrongStateError(self.contact_id, "import a hash", "the account is disabled; enable it first")
        credential = Credential(
            password_hash=password_hash,
            origin=CredentialOrigin.IMPORTED,
            change_required_by=change_required_by,
            issue_id=import_id,
            issued_by=imported_by,
            issued_at=imported_at,
            changed_at=self.credential.changed_at,
            epoch=self.credential.epoch + 1,
        )
        if self.credential.is_compromised and not credential.is_compromised:
            # A list that is read once more must not hand the door back to a thief.
            credential = attrs.evolve(credential, change_required_by=self.credential.change_required_by)
        return self._next(credential=credential)

    def choose(self, password_hash: PasswordHash, *, changed_at: datetime) -> Account:
        """
        Return this account with a password that its owner chose. The default, its expiry and any ticket are removed.

        Raises:
            WrongStateError: The account is disabled or has no password to change.
        """
        if not self.is_active:
            raise WrongStateError(self.contact_id, "change the password", "the account is disabled; enable it first")
        if self.credential.origin == CredentialOrigin.NONE:
            raise WrongStateError(self.contact_id, "change the password", "it has no password yet; issue one first")
        return self._new_epoch(
            password_hash=password_hash,
            origin=CredentialOrigin.CHOSEN,
            change_required_by=None,
            strategy=None,
            expires_at=None,
            changed_at=changed_at,
        )

    def require_change(self, reason: str) -> Account:
        """
        Return this account with a change required at the next sign-in.

        A later reason replaces an earlier one, but for one that says ``compromised``: only a new password ends that.

        Args:
            reason: Why, as a code of at most 64 printable ASCII characters, such as ``policy``. After one that begins
                with ``compromised`` the password alone no longer allows the change.

        Raises:
            WrongStateError: The account has no password to change.
            InvalidValueError: *reason* is not such a code.
        """
        if self.credential.origin == CredentialOrigin.NONE:
            raise WrongStateError(self.contact_id, "require a change", "it has no password yet; issue one first")
        if not is_code(reason):
            # None would remove the requirement.
            raise InvalidValueError("reason", f"pass a code of 1 to {MAX_CODE_LENGTH} printable ASCII characters")
        changed = self._new_epoch(change_required_by=reason)
        if self.credential.is_compromised and not changed.credential.is_compromised:
            # A rule for everybody, say, must not hand the door back to a thief.
            return self._new_epoch()
        return changed

    def disable(self) -> Account:
        """Return this account disabled: nobody can sign in, and its sessions and tickets end."""
        return attrs.evolve(self._new_epoch(), is_active=False)

    def end_sessions(self) -> Account:
        """Return this account in a new epoch, which ends its sessions and tickets. The password stays."""
        return self._new_epoch()

    def park(self) -> Account:
        """
        Return this account out of use, its user name free for another contact id that takes it over.

        Raises:
            WrongStateError: The account was erased.
            InvalidValueError: The user name is too long to be kept within another; rename the account first.
        """
        self._refuse_if_erased("park")
        kept = f"{_PARKED if self.is_active else _PARKED_DISABLED}{self.username or ''}"
        return attrs.evolve(self._new_epoch(), is_active=False, username=kept)

    def take_over(self, left: Account, *, at: datetime) -> Account:
        """
        Return this account with the user name, the password and the activity of another, which is parked.

        Args:
            left: The other. One without a user name need not be parked.
            at: The time, for a live default that was made of other names than this contact has.

        Raises:
            WrongStateError: One of the two was erased.
        """
        self._refuse_if_erased("take over")
        left._refuse_if_erased("move")
        names = (self.contact.first_name, self.contact.last_name)
        same = names == (left.contact.first_name, left.contact.last_name)
        return self._next(
            username=left.own_username,
            credential=attrs.evolve(
                left.credential,
                epoch=max(self.credential.epoch, left.credential.epoch) + 1,
                ticket_digest=None,
                ticket_expires_at=None,
            ),
            is_active=left.is_active or left._is_parked_as(_PARKED),
            name_changed_at=left.name_changed_at if same else at,
            last_sign_in_at=left.last_sign_in_at,
        )

    def erase(self, *, erased_at: datetime) -> Account:
        """
        Return this account without personal data: its contact id, its epoch and when it was erased.

        The row stays, so that no old session or ticket works if the contact ever comes back.
        """
        return self._next(
            contact=Contact(contact_id=self.contact_id),
            username=None,
            credential=Credential(epoch=self.credential.epoch + 1),
            is_active=False,
            name_changed_at=None,
            last_sign_in_at=None,
            erased_at=erased_at,
        )

    # -- changes within the epoch

    def upgrade(self, password_hash: PasswordHash) -> Account:
        """
        Return this account with a better hash of the same password, and nothing else changed (R4).

        Raises:
            WrongStateError: The password is an issued one, which is never upgraded, or there is none.
        """
        if self.credential.origin in (CredentialOrigin.NONE, CredentialOrigin.ISSUED):
            raise WrongStateError(
                self.contact_id, "upgrade the hash", "only chosen and imported passwords are upgraded"
            )
        return self._next(credential=attrs.evolve(self.credential, password_hash=password_hash))

    def open_ticket(self, digest: str, *, expires_at: datetime) -> Account:
        """
        Return this account with *digest* as its only open change ticket; an older one no longer works (R2).

        Raises:
            InvalidValueError: No change is required, so there is nothing for a ticket to allow.
            WrongStateError: There is an invitation, which no ticket replaces: it may be the only way in.
        """
        if self.credential.is_invited:
            raise WrongStateError(self.contact_id, "open a ticket", "it has an invitation; invite or issue anew")
        credential = attrs.evolve(self.credential, ticket_digest=digest, ticket_expires_at=expires_at)
        return self._next(credential=credential)

    def sign_in(self, *, at: datetime) -> Account:
        """
        Return this account as signed in at *at*.

        Raises:
            WrongStateError: The account is disabled, has no password, or must change it first. This is the last check
                before a `SignedIn` can exist (R2).
        """
        if not self.is_active or self.credential.must_change or self.credential.origin == CredentialOrigin.NONE:
            raise WrongStateError(self.contact_id, "sign in", "only an active account with its own password signs in")
        return self._next(last_sign_in_at=at)

    def enable(self) -> Account:
        """
        Return this account enabled, with the credential it had when it was disabled.

        Raises:
            WrongStateError: The account was erased; restore it with a sync. Or it is parked.
        """
        self._refuse_if_erased("enable")
        if self.is_parked:
            raise WrongStateError(
                self.contact_id, "enable", "it is being moved; call rekey or merge again, or rename it"
            )
        return self._next(is_active=True)

    def restore(self, contact: Contact, username: str | None) -> Account:
        """
        Return an erased account as active again, without a password, at the epoch it had.

        Raises:
            WrongStateError: The account is not erased.
        """
        if self.erased_at is None:
            raise WrongStateError(self.contact_id, "restore", "it is not erased")
        return self._next(contact=contact, username=username, is_active=True, erased_at=None)

    def rename(self, username: str | None) -> Account:
        """
        Return this account under another user name.

        Raises:
            WrongStateError: The account was erased; restore it with a sync.
        """
        self._refuse_if_erased("rename")
        return self._next(username=username)

    def refresh(self, contact: Contact, *, username: str | None, at: datetime) -> Account:
        """
        Return this account with what the SIS has now. The password stays, and a live default keeps working (R5).

        Raises:
            WrongStateError: The account was erased; use `restore`.
        """
        self._refuse_if_erased("refresh")
        same = (contact.first_name, contact.last_name) == (self.contact.first_name, self.contact.last_name)
        return self._next(contact=contact, username=username, name_changed_at=self.name_changed_at if same else at)

    def _refuse_if_erased(self, step: str) -> None:
        if self.erased_at is not None:
            raise WrongStateError(self.contact_id, step, "it was erased; restore it with a sync")

    # Any, because attrs.evolve cannot be typed through a helper; it refuses unknown names when it runs.
    def _new_epoch(self, **changes: Any) -> Account:
        credential = attrs.evolve(
            self.credential,
            epoch=self.credential.epoch + 1,
            ticket_digest=None,
            ticket_expires_at=None,
            **changes,
        )
        return self._next(credential=credential)

    def _next(self, **changes: Any) -> Account:
        return attrs.evolve(self, version=self.version + 1, **changes)
