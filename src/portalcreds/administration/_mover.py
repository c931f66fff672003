"""Give an account to another contact id, and make one account of two, for `AccountService`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import attrs

from .._ids import new_id as new_operation_id
from .._ledger import Ledger, Write
from .._privilege_check import PrivilegeCheck
from .._text import same_text
from ..accounts import Account, Credential, CredentialOrigin
from ..audit import AuditEvent, AuditKind
from ..contacts import ContactId
from ..exceptions import AccountNotFoundError, WrongStateError
from ..privileges import Operator, Privilege, actor
from ..protocols import Change, Clock

_MAX_ROUNDS: Final = 16
"""How often one step is tried; each failure means that another step on the same account came first."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class AccountMover:
    """
    Moves accounts, in three steps, because a store writes one account at a time.

    1. The account under the old id is *parked*: disabled, in a new epoch, its user name freed and kept within another.
    2. The account under the new id takes over the user name, the credential and whether it was active.
    3. The account under the old id is erased.

    At no time can two sign in. After a crash nobody can, and nothing is lost: the same call again goes on with the step
    that is missing, as the accounts themselves tell.

    Args:
        ledger: The accounts.
        check: Who may move whose.
        clock: Tells the time.
    """

    ledger: Ledger
    check: PrivilegeCheck
    clock: Clock

    def move(
        self, old_id: ContactId, new_id: ContactId, operator: Operator, kind: AuditKind, *, replaces: bool
    ) -> Account:
        """Move the account, and return it as it is under the new id; *replaces* a password that is there."""
        event = partial(self._event, operator, new_operation_id())

        def park(account: Account | None) -> Write[Account] | Account:
            left = self._left(account, old_id, operator)
            if left.erased_at is not None or left.is_parked or left.username is None:
                return left
            parked = left.park()
            return Write(Change(old=left, new=parked, events=(event(kind, old_id, new_id),)), parked)

        def take_over(account: Account | None) -> Write[Account] | Account:
            old = account or Account(contact=attrs.evolve(left.contact, contact_id=new_id))
            self._check_taker(old, left, operator, replaces=replaces)
            if account is not None and _has_taken(account, left):
                return account
            taken = old.take_over(left, at=self.clock())
            taken = taken if account is not None else attrs.evolve(taken, version=1)
            return Write(Change(old=account, new=taken, events=(event(kind, new_id, old_id),)), taken)

        def erase(account: Account | None) -> Write[Account] | Account:
            left = self._left(account, old_id, operator)
            if left.erased_at is not None:
                return left
            erased = left.erase(erased_at=self.clock())
            return Write(
                Change(old=left, new=erased, events=(event(AuditKind.ACCOUNT_ERASED, old_id, new_id),)), erased
            )

        # Before anything is written: what would be refused after the first step is refused now.
        found, _ = self.ledger.read([old_id, new_id])
        left = self._left(found.get(old_id), old_id, operator)
        taker = found.get(new_id)
        if replaces and taker is None:
            raise AccountNotFoundError(new_id)
        if left.erased_at is not None:
            if taker is None:
                raise WrongStateError(old_id, "move", "it was erased, and there is nothing to be moved")
            self.check.require(operator, Privilege.MOVE, taker)
            return taker
        would_be = taker or Account(contact=attrs.evolve(left.contact, contact_id=new_id))
        self._check_taker(would_be, left, operator, replaces=replaces)
        left = self._settle(old_id, park)
        moved = self._settle(new_id, take_over)
        self._settle(old_id, erase)
        return moved

    def drop(self, old_id: ContactId, kept_id: ContactId, operator: Operator) -> Account:
        """Erase the account under the old id, and return the other, which is as it was; both have it on the record."""
        found, _ = self.ledger.read([old_id, kept_id])
        kept = found.get(kept_id)
        if kept is None:
            raise AccountNotFoundError(kept_id)
        self.check.require(operator, Privilege.MOVE, kept)
        event = partial(self._event, operator, new_operation_id())

        def erase(account: Account | None) -> Write[Account] | Account:
            left = self._left(account, old_id, operator)
            if left.erased_at is not None:
                return left
            events = (
                event(AuditKind.ACCOUNT_ERASED, old_id, kept_id),
                event(AuditKind.ACCOUNT_MERGED, kept_id, old_id),
            )
            erased = left.erase(erased_at=self.clock())
            return Write(Change(old=left, new=erased, events=events), erased)

        self._settle(old_id, erase)
        return kept

    def _event(
        self, operator: Operator, operation_id: str, kind: AuditKind, contact_id: ContactId, other: ContactId
    ) -> AuditEvent:
        return AuditEvent(
            kind=kind,
            at=self.clock(),
            **actor(operator),
            contact_id=contact_id,
            reason=other,
            operation_id=operation_id,
        )

    def _left(self, account: Account | None, contact_id: ContactId, operator: Operator) -> Account:
        if account is None:
            raise AccountNotFoundError(contact_id)
        self.check.require(operator, Privilege.MOVE, account)
        return account

    def _check_taker(self, taker: Account, left: Account, operator: Operator, *, replaces: bool) -> None:
        self.check.require(operator, Privilege.MOVE, taker)
        if taker.erased_at is not None:
            raise WrongStateError(taker.contact_id, "move", "it was erased; restore it with a sync first")
        has_own = taker.credential.origin != CredentialOrigin.NONE
        if has_own and not replaces and not _has_taken(taker, left):
            raise WrongStateError(taker.contact_id, "move", "it has a password of its own; merge the two")

    def _settle(self, contact_id: ContactId, step: Callable[[Account | None], Write[Account] | Account]) -> Account:
        settled = self.ledger.settle_one(contact_id, step, rounds=_MAX_ROUNDS)
        if settled is None:
            hint = "somebody has its user name meanwhile; rename the account under the old id, and move it again"
            raise WrongStateError(contact_id, "move", hint)
        return settled


def _has_taken(taker: Account, left: Account) -> bool:
    """Return whether the account has what the one under the old id had: an earlier call ended before the last step."""
    if left.is_parked and taker.username is not None and taker.username == left.own_username:
        return True
    # Salts differ, so that no other password has this hash.
    mine, other = taker.credential, left.credential
    has_both = mine.password_hash is not None and other.password_hash is not None
    return has_both and same_text(_encoded(mine), _encoded(other))


def _encoded(credential: Credential) -> str:
    return "" if credential.password_hash is None else credential.password_hash.encoded
