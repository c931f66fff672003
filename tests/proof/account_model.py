"""What an account may be, in plain Python: the rules of signing in once more, without hashes, stores and races."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from portal import START

DEFAULT_CAP: Final = 3
"""Failures that a default allows here; then it is spent."""

CHOSEN_CAP: Final = 5
"""The same for any other password."""

LIFETIME: Final = timedelta(days=14)
"""How long a default, or an invitation, works."""

TICKET_LIFETIME: Final = timedelta(minutes=10)
"""How long a ticket works."""

AHEAD: Final = timedelta(hours=1)
"""How far ahead of the clock something may have been issued and still count."""

UNKNOWN: Final = "\0"
"""Stands for a password that nobody was told."""


_TAKEN_OVER: Final = (
    *("password", "origin", "reason", "is_invited", "has_old_hash"),
    *("issued_at", "expires_at", "last_sign_in_at"),
)
"""What an account takes from another, apart from the user name and whether it is active."""


class Refused(Exception):  # noqa: N818  Not an error of the model's: it is what the service must refuse with.
    """The service must refuse with the exception of that name, and write nothing."""


@attrs.define(kw_only=True)
class ModelAccount:
    """One account. Its methods are the steps that are allowed; each returns nothing and may refuse."""

    contact_id: str
    name: str
    username: str | None
    password: str | None = None
    origin: str = "none"
    reason: str | None = None
    is_invited: bool = False
    has_old_hash: bool = False
    issued_at: datetime = START
    expires_at: datetime | None = None
    ticket: str | None = None
    ticket_ends: datetime = START
    epoch: int = 0
    version: int = 1
    failures: int = 0
    is_active: bool = True
    is_erased: bool = False
    last_sign_in_at: datetime | None = None
    earlier: list[str] = attrs.field(factory=list)

    @property
    def must_change(self) -> bool:
        """Whether the only thing allowed is to choose a password."""
        return self.origin == "issued" or self.reason is not None

    @property
    def is_compromised(self) -> bool:
        """Whether others may know the password."""
        return self.reason == "compromised"

    @property
    def cap(self) -> int:
        """Failures that spend the credential."""
        return DEFAULT_CAP if self.origin == "issued" else CHOSEN_CAP

    @property
    def is_spent(self) -> bool:
        """Whether even the right password is denied."""
        return self.failures >= self.cap

    def works_at(self, now: datetime) -> bool:
        """Return whether the default, if it is one, has neither expired nor come from ahead."""
        if self.origin != "issued" or self.expires_at is None:
            return True
        return now < self.expires_at and self.issued_at - now <= AHEAD

    def opens(self, ticket: str, now: datetime) -> bool:
        """Return whether this ticket lets a password be chosen."""
        if ticket != self.ticket or not self.is_active or not self.must_change or not self.works_at(now):
            return False
        return now < self.ticket_ends and (self.is_invited or self.ticket_ends - now <= TICKET_LIFETIME)

    # -- steps that start an epoch

    def start_epoch(self) -> None:
        """End sessions, tickets, plans and failures."""
        self.epoch += 1
        self.version += 1
        self.ticket = None
        self.failures = 0

    def replace(self, password: str, origin: str, now: datetime) -> None:
        """Take another password, whatever was before."""
        if self.password not in (None, UNKNOWN):
            self.earlier.append(str(self.password))
        self.start_epoch()
        self.password, self.origin, self.issued_at = password, origin, now
        self.reason = self.expires_at = None
        self.is_invited = self.has_old_hash = False

    def issue(self, default: str, now: datetime) -> None:
        """Take a default."""
        self.replace(default, "issued", now)
        self.expires_at = now + LIFETIME

    def invite(self, now: datetime) -> None:
        """Be invited; the ticket comes after."""
        self.issue(UNKNOWN, now)
        self.is_invited = True

    def import_hash(self, password: str, reason: str | None, now: datetime) -> None:
        """Take a hash of another system's."""
        stays = self.is_compromised
        self.replace(password, "imported", now)
        self.reason, self.has_old_hash = "compromised" if stays else reason, True

    def require_change(self, reason: str) -> None:
        """Demand a change; nothing but a new password ends a compromise."""
        if self.origin == "none":
            raise Refused("WrongStateError")
        self.start_epoch()
        self.reason = "compromised" if self.is_compromised else reason

    def disable(self) -> None:
        """Let nobody in."""
        self.start_epoch()
        self.is_active = False

    def erase(self) -> None:
        """Forget the person."""
        self.start_epoch()
        self.username = self.password = self.reason = self.expires_at = self.last_sign_in_at = None
        self.origin, self.name = "none", ""
        self.is_active, self.is_erased, self.is_invited = False, True, False

    # -- steps within the epoch

    def enable(self) -> None:
        """Let the owner in again."""
        if self.is_erased:
            raise Refused("WrongStateError")
        self.version += 1
        self.is_active = True

    def rename(self, username: str | None) -> None:
        """Go by another user name."""
        if self.is_erased:
            raise Refused("WrongStateError")
        self.version += 1
        self.username = username

    def restore(self, name: str, username: str | None) -> None:
        """Come back, without a password."""
        self.version += 1
        self.name, self.username, self.is_active, self.is_erased = name, username, True, False

    # -- two accounts

    def take_over(self, other: ModelAccount) -> None:
        """Take what another account has, as a mover does: the other is parked, and erased after it."""
        username, is_active = other.username, other.is_active
        kept = attrs.asdict(other)
        if username is not None:
            other.start_epoch()
        epoch = max(self.epoch, other.epoch)
        for field in _TAKEN_OVER:
            setattr(self, field, kept[field])
        self.earlier += other.earlier
        self.epoch = epoch
        self.start_epoch()
        self.username, self.is_active = username, is_active
        other.erase()
