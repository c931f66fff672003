"""Know an account, what its credential allows, and every way in which it may change."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, final

import attrs

from ._text import MAX_USERNAME_LENGTH, TextFaultError, username_key
from .contacts import Contact, ContactId
from .exceptions import InvalidValueError, WrongStateError

MAX_CODE_LENGTH: Final = 64
"""Characters of a reason, a strategy id, an issue id and the like; what every store can hold."""

MAX_OPERATOR_ID_LENGTH: Final = 255
"""Characters of an operator's id."""


@final
class PasswordHash:
    """
    A stored password hash: its own type, so that no plaintext can be stored in its place by mistake.

    It is untrusted: a store, a backup or an import may have put anything there, so nothing is checked here and
    everything where it is verified (R10). Masked in ``repr``, ``str`` and ``format``.

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
        return hmac.compare_digest(
            self.encoded.encode("utf-8", "surrogatepass"), other.encoded.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __repr__(self) -> str:
        return "PasswordHash('********')"

    def __format__(self, format_spec: str) -> str:
        return repr(self)


class CredentialOrigin(StrEnum):
    """Where a credential's password came from."""

    NONE = "none"
    """There is no password; nobody can sign in."""

    ISSUED = "issued"
    """A default that an operator had set. It opens one door: choose your own."""

    CHOSEN = "chosen"
    """Chosen by its owner."""

    IMPORTED = "imported"
    """A hash brought from another system."""


class AccountStatus(StrEnum):
    """What an operator sees of an account at a glance; derived, never stored."""

    NEVER_ISSUED = "never_issued"
    DEFAULT_LIVE = "default_live"
    DEFAULT_EXPIRED = "default_expired"
    SELF_CHOSEN = "self_chosen"
    CHANGE_REQUIRED = "change_required"
    IMPORTED = "imported"
    DISABLED = "disabled"


def _in_utc(at: datetime | None) -> datetime | None:
    # A clock in a zone with summer time would be right until summer; a naive one is refused by the validator.
    return at if at is None or at.utcoffset() is None else at.astimezone(UTC)


def _aware(credential: object, attribute: attrs.Attribute[datetime | None], value: datetime | None) -> None:
    if value is not None and value.utcoffset() != timedelta(0):
        raise InvalidValueError(attribute.name, "pass an aware datetime in UTC, such as datetime.now(timezone.utc)")


def _hash(credential: object, attribute: attrs.Attribute[PasswordHash | None], value: object) -> None:
    # By attribute and not by class: a store of another vendored copy hands in that copy's own.
    if value is not None and (isinstance(value, str) or not hasattr(value, "encoded")):
        raise InvalidValueError(attribute.name, "pass what a hasher returned, a PasswordHash")


def _code(credential: object, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value is not None and not is_code(value):
        raise InvalidValueError(
            attribute.name, f"pass 1 to {MAX_CODE_LENGTH} printable ASCII characters without blanks around them"
        )


def is_code(value: object) -> bool:
    """Return whether *value* can be stored as a reason, a strategy id or an issue id."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_CODE_LENGTH
        and value.isascii()
        and value.isprintable()
        and value == value.strip()
    )


@attrs.frozen(kw_only=True)
class Credential:
    """
    The state of an account's password.

    It cannot say "issued" and "no change needed" at once: `must_change` is derived (R1). It is changed only through the
    methods of `Account`, which keep its parts together.

    Attributes:
        password_hash: The hash, or None if the origin is ``none``.
        origin: Where the password came from.
        change_required_by: Why a change is demanded besides, as a code such as ``compromised``; None if it is not.
        strategy: The id of the strategy that made the issued default; None for anything else.
        issue_id: The job that issued last, or None. Kept after the contact chose, so that a resumed job knows.
        issued_by: The operator who issued last, or None.
        issued_at: When that was, or None.
        changed_at: When the owner last chose a password, or None.
        expires_at: When the issued default stops working; None for anything else.
        epoch: The credential's generation. Sessions, tickets, plan items and failure counters are bound to it (R6).
        ticket_digest: The digest of the open change ticket, in hexadecimal, or None.
        ticket_expires_at: When that ticket stops working, or None.
    """

    password_hash: PasswordHash | None = attrs.field(default=None, repr=False, validator=_hash)
    origin: CredentialOrigin = attrs.field(default=CredentialOrigin.NONE, converter=CredentialOrigin)
    change_required_by: str | None = attrs.field(default=None, validator=_code)
    strategy: str | None = attrs.field(default=None, validator=_code)
    issue_id: str | None = attrs.field(default=None, validator=_code)
    issued_by: str | None = None
    issued_at: datetime | None = attrs.field(default=None, converter=_in_utc, validator=_aware)
    changed_at: datetime | None = attrs.field(default=None, converter=_in_utc, validator=_aware)
    expires_at: datetime | None = attrs.field(default=None, converter=_in_utc, validator=_aware)
    epoch: int = 0
    ticket_digest: str | None = attrs.field(default=None, repr=False)
    ticket_expires_at: datetime | None = attrs.field(default=None, converter=_in_utc, validator=_aware)

    def __attrs_post_init__(self) -> None:
        issued = self.origin == CredentialOrigin.ISSUED
        has_password = self.origin != CredentialOrigin.NONE
        if has_password is not (self.password_hash is not None):
            raise InvalidValueError("password_hash", "every origin but 'none' has a hash, and 'none' has no hash")
        if issued is not (self.expires_at is not None) or issued is not (self.strategy is not None):
            raise InvalidValueError("expires_at", "an issued password, and no other, has an expiry and a strategy")
        if issued and (self.issue_id is None or self.issued_by is None or self.issued_at is None):
            raise InvalidValueError("issue_id", "an issued password has an issue_id, issued_by and issued_at")
        if not has_password and self.change_required_by is not None:
            raise InvalidValueError("change_required_by", "without a password there is none to be changed")
        if (self.ticket_digest is None) is not (self.ticket_expires_at is None):
            raise InvalidValueError("ticket_expires_at", "a ticket has a digest and an expiry")
        if self.ticket_digest is not None and not self.must_change:
            raise InvalidValueError("ticket_digest", "only a credential that must be changed has a ticket")

    @property
    def must_change(self) -> bool:
        """Whether choosing a new password is the only thing this credential allows."""
        return self.origin == CredentialOrigin.ISSUED or self.change_required_by is not None

    def is_expired(self, now: datetime) -> bool:
        """Whether the issued default stopped working: from *expires_at* on, that instant included."""
        return self.expires_at is not None and now >= self.expires_at


def _username(account: object, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidValueError("username", "pass text, or None for an account without a user name")
    try:
        username_key(value)
    except TextFaultError as error:
        mends = {
            "empty": "pass at least one visible character, or None for an account without a user name",
            "too_long": f"pass at most {MAX_USERNAME_LENGTH} characters, also after folding",
            "control_character": "pass text without control characters",
            "surrogate": "read it with the encoding it was written in; it is not valid text",
        }
        raise InvalidValueError("username", mends[error.fault]) from None


@attrs.frozen(kw_only=True)
class Account:
    """
    A contact's sign-in: frozen, and changed only through the methods below, each of which returns its next version.

    Each method is one row of the table of what may happen to a credential. Those that end sessions, tickets and plans
    grow the epoch; an upgrade, a ticket, a sign-in and a sync do not (R6).

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
    name_changed_at: datetime | None = attrs.field(default=None, converter=_in_utc, validator=_aware)
    last_sign_in_at: datetime | None = attrs.field(default=None, converter=_in_utc, validator=_aware)
    erased_at: datetime | None = attrs.field(default=None, converter=_in_utc, validator=_aware)
    version: int = 1

    @property
    def contact_id(self) -> ContactId:
        """The contact's id, which is the account's key."""
        return self.contact.contact_id

    @property
    def username_key(self) -> str | None:
        """What the user name is unique and matched by, or None without one (R18)."""
        return None if self.username is None else username_key(self.username)

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
        """Whether an issued default is there that the contact's present names do not make (R5): it goes on working."""
        issued_at = self.credential.issued_at
        if self.credential.origin != CredentialOrigin.ISSUED or issued_at is None or self.name_changed_at is None:
            return False
        return self.name_changed_at > issued_at

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
    ) -> Account:
        """
        Return this account with a default set: **here the forced change is set**, together with the hash (R1).

        Raises:
            WrongStateError: The account is disabled, which issuing never lifts (R5).
        """
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
            )
        )

    def choose(self, password_hash: PasswordHash, *, changed_at: datetime) -> Account:
        """
        Return this account with a password its owner chose: the default, its expiry and every ticket are gone.

        Raises:
            WrongStateError: The account is disabled or has no password to change.
        """
        if not self.is_active:
            raise WrongStateError(self.contact_id, "change the password", "the account is disabled; enable it first")
        if self.credential.origin == CredentialOrigin.NONE:
            raise WrongStateError(self.contact_id, "change the password", "none was ever issued; issue one first")
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
        Return this account with a change demanded at the next sign-in, whatever the password.

        Args:
            reason: Why, as a code of at most 64 printable ASCII characters, such as ``compromised``.

        Raises:
            WrongStateError: There is no password to be changed.
            InvalidValueError: *reason* is not such a code.
        """
        if self.credential.origin == CredentialOrigin.NONE:
            raise WrongStateError(self.contact_id, "require a change", "none was ever issued; issue one first")
        if not is_code(reason):
            # None would take the demand away.
            raise InvalidValueError("reason", f"pass a code of 1 to {MAX_CODE_LENGTH} printable ASCII characters")
        return self._new_epoch(change_required_by=reason)

    def disable(self) -> Account:
        """Return this account disabled: nobody signs in, and what was open is closed."""
        return attrs.evolve(self._new_epoch(), is_active=False)

    def erase(self, *, erased_at: datetime) -> Account:
        """
        Return what remains of an erased account: its key, its epoch and that it is erased.

        The row stays, so that a contact who comes back starts beyond every session and ticket there ever was.
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
        Return this account with the same password under a better hash, and nothing else touched (R4).

        Raises:
            WrongStateError: The password is issued (such a hash is never upgraded) or there is none.
        """
        if self.credential.origin in (CredentialOrigin.NONE, CredentialOrigin.ISSUED):
            raise WrongStateError(self.contact_id, "upgrade the hash", "only chosen and imported ones are upgraded")
        return self._next(credential=attrs.evolve(self.credential, password_hash=password_hash))

    def open_ticket(self, digest: str, *, expires_at: datetime) -> Account:
        """
        Return this account with *digest* as its one open change ticket, which replaces an older one (R2).

        Raises:
            InvalidValueError: No change is required, so there is nothing that a ticket could allow.
        """
        credential = attrs.evolve(self.credential, ticket_digest=digest, ticket_expires_at=expires_at)
        return self._next(credential=credential)

    def sign_in(self, *, at: datetime) -> Account:
        """
        Return this account as signed in at *at*.

        Raises:
            WrongStateError: The account is disabled, has no password, or must change it first: the last check before
                a `SignedIn` could exist (R2).
        """
        if not self.is_active or self.credential.must_change or self.credential.origin == CredentialOrigin.NONE:
            raise WrongStateError(self.contact_id, "sign in", "only an active account with its own password signs in")
        return self._next(last_sign_in_at=at)

    def enable(self) -> Account:
        """
        Return this account enabled, with the credential it had when it was disabled.

        Raises:
            WrongStateError: The account was erased; a sync brings such a contact back.
        """
        self._refuse_if_erased("enable")
        return self._next(is_active=True)

    def restore(self, contact: Contact, username: str | None) -> Account:
        """
        Return an erased account given back to its contact: active, without a password, in the epoch it had reached.

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
            WrongStateError: The account was erased; a sync brings such a contact back.
        """
        self._refuse_if_erased("rename")
        return self._next(username=username)

    def refresh(self, contact: Contact, *, username: str | None, at: datetime) -> Account:
        """
        Return this account with what the SIS has now; the password stays, a live default goes on working (R5).

        Raises:
            WrongStateError: The account was erased; `restore` is the way back.
        """
        self._refuse_if_erased("refresh")
        same = (contact.first_name, contact.last_name) == (self.contact.first_name, self.contact.last_name)
        return self._next(contact=contact, username=username, name_changed_at=self.name_changed_at if same else at)

    def _refuse_if_erased(self, step: str) -> None:
        if self.erased_at is not None:
            raise WrongStateError(self.contact_id, step, "it was erased; restore it through a sync")

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
