"""Look accounts up, keep them in step with the SIS, and disable, unlock, rename or erase them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs

from ._committed import notify
from ._contact_syncer import ContactSyncer
from ._privilege_check import PrivilegeCheck, audit_of
from ._text import TextFaultError, username_key
from .account_queries import MAX_PAGE_SIZE, AccountPage, AccountQuery
from .accounts import Account, AccountStatus
from .audit import AuditEvent, AuditKind
from .contact_sync import SyncPlan, SyncReport
from .contacts import Contact, ContactId
from .exceptions import AccountNotFoundError, PrivilegeDeniedError, StaleAccountError
from .outcomes import Renamed, UsernameTaken
from .privileges import Operator, Privilege
from .protocols import (
    AccountStore,
    ApplyResult,
    AuditSink,
    Authorizer,
    Change,
    ChangeHook,
    Clock,
    Usernames,
    utc_now,
)
from .throttle import Throttle

_MAX_WRITES: Final = 16
"""Compare-and-set attempts of one step; each loss means that another step on the same account won."""


@attrs.frozen
class AccountService:
    """
    What staff do with accounts, apart from setting passwords.

    Args:
        store: The accounts.
        authorizer: The host's rule of who may do what to whom (R16).
        throttle: The limits on guessing, for `unlock`.
        audit: Where look-ups and refusals go on the record; the store itself if it is a sink.
        clock: Tells the time.
        allow_own_account: Whether operators may change the account that is their own; not by default.
        on_change: Told once of each committed change that ends sessions, with the account and the event.
    """

    _store: AccountStore = attrs.field(alias="store", repr=False)
    _authorizer: Authorizer = attrs.field(kw_only=True, alias="authorizer", repr=False)
    _throttle: Throttle = attrs.field(kw_only=True, alias="throttle", repr=False)
    _audit: AuditSink = attrs.field(
        kw_only=True,
        default=attrs.Factory(lambda self: audit_of(self._store), takes_self=True),
        alias="audit",
        repr=False,
    )
    _clock: Clock = attrs.field(kw_only=True, default=utc_now, alias="clock", repr=False)
    _allow_own_account: bool = attrs.field(kw_only=True, default=False, alias="allow_own_account")
    _on_change: ChangeHook | None = attrs.field(kw_only=True, default=None, alias="on_change", repr=False)

    # -- looking up; each look-up is on the record

    def get(self, contact_id: str, operator: Operator) -> Account:
        """
        Return the contact's account, user name included.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not see it.
        """
        account = self.find(contact_id, operator)
        if account is None:
            raise AccountNotFoundError(contact_id)
        return account

    def find(self, contact_id: str, operator: Operator) -> Account | None:
        """
        Return the contact's account, or None.

        Raises:
            PrivilegeDeniedError: The operator may not see it.
        """
        return self._shown(self._store.find(ContactId(contact_id)), operator)

    def find_by_username(self, username: str, operator: Operator) -> Account | None:
        """
        Return the account that signs in with *username*, in whatever case and width it is written, or None.

        None also for an account that the operator may not see, which is on the record: a refusal would tell that
        somebody has that user name.
        """
        try:
            key = username_key(username)
        except TextFaultError:
            return None
        account = self._store.find_by_username(key)
        # Compared again, because a database may match what is not equal (R18).
        if account is None or account.username_key != key:
            return None
        try:
            return self._shown(account, operator)
        except PrivilegeDeniedError:
            return None

    def search(
        self,
        operator: Operator,
        *,
        username_prefix: str | None = None,
        last_name_prefix: str | None = None,
        status: AccountStatus | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> AccountPage:
        """
        Return one page of the grid; accounts that the operator may not see are left out of it.

        Args:
            operator: Who looks.
            username_prefix: What user names begin with. By user name or by last name, one at a time.
            last_name_prefix: What last names begin with: the way to a forgotten user name.
            status: The status to be in.
            after: `AccountPage.next` of the page before.
            limit: How many accounts at most.

        Raises:
            InvalidValueError: A filter cannot be taken.
        """
        query = AccountQuery(
            now=self._clock(),
            username_prefix=username_prefix,
            last_name_prefix=last_name_prefix,
            status=status,
            after=after,
            limit=limit,
        )
        return self._visible(query, operator)

    # -- keeping in step with the SIS

    def sync_contacts(
        self,
        contacts: Iterable[Contact],
        operator: Operator,
        *,
        usernames: Usernames = None,
        restore_erased: bool = False,
    ) -> SyncReport:
        """Plan a sync and apply it; see `plan_sync`."""
        return self.apply_sync(self.plan_sync(contacts, operator, usernames=usernames, restore_erased=restore_erased))

    def plan_sync(
        self,
        contacts: Iterable[Contact],
        operator: Operator,
        *,
        usernames: Usernames = None,
        restore_erased: bool = False,
    ) -> SyncPlan:
        """
        Say what a sync would do: add accounts and refresh names and addresses, and nothing else.

        It never touches a credential, nor a user name that an account has, and neither disables nor deletes who is
        absent.

        Args:
            contacts: The contacts as the SIS has them.
            operator: Who, or what, syncs.
            usernames: The user name of each contact: by contact id, or as a function of the contact; None for none.
            restore_erased: Whether contacts whose data was erased are brought back.
        """
        return self._syncer.plan(contacts, operator, usernames, restore_erased)

    def apply_sync(self, plan: SyncPlan) -> SyncReport:
        """Carry a sync out; each contact by itself, so that one that cannot be written leaves the others be."""
        return self._syncer.apply(plan)

    # -- one account, one step

    def disable(self, contact_id: str, operator: Operator) -> Account:
        """
        Return the account after disabling it: nobody signs in, and sessions and tickets end.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: It kept changing meanwhile.
        """
        return self._step(
            contact_id,
            operator,
            Privilege.DISABLE,
            AuditKind.ACCOUNT_DISABLED,
            Account.disable,
            lambda a: not a.is_active,
        )

    def enable(self, contact_id: str, operator: Operator) -> Account:
        """
        Return the account after enabling it, with the credential it had.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not; the privilege is that of disabling.
            StaleAccountError: It kept changing meanwhile.
            WrongStateError: It was erased.
        """
        return self._step(
            contact_id, operator, Privilege.DISABLE, AuditKind.ACCOUNT_ENABLED, Account.enable, lambda a: a.is_active
        )

    def require_change(self, contact_id: str, operator: Operator, *, reason: str) -> Account:
        """
        Return the account after demanding a new password at the next sign-in; sessions end.

        Args:
            contact_id: Whose account.
            operator: Who demands it.
            reason: Why, as a code such as ``compromised``, which the contact's form is told.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: It kept changing meanwhile.
            WrongStateError: There is no password to be changed.
            InvalidValueError: *reason* is not a code.
        """
        return self._step(
            contact_id,
            operator,
            Privilege.REQUIRE_CHANGE,
            AuditKind.CHANGE_REQUIRED,
            lambda account: account.require_change(reason),
            reason=reason,
        )

    def erase(self, contact_id: str, operator: Operator) -> Account:
        """
        Return what remains after erasing a contact's personal data: the id, the epoch, and the record of what was done.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: It kept changing meanwhile.
        """
        return self._step(
            contact_id,
            operator,
            Privilege.ERASE,
            AuditKind.ACCOUNT_ERASED,
            lambda account: account.erase(erased_at=self._clock()),
            lambda account: account.erased_at is not None,
        )

    def unlock(self, contact_id: str, operator: Operator) -> Account:
        """
        Return the account after forgetting the failures counted against it; the credential stays.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
        """
        account = self._permitted(contact_id, operator, Privilege.UNLOCK)
        # On the record first: an unlocking that cannot be recorded does not happen.
        self._record(AuditKind.CREDENTIAL_UNLOCKED, operator, account)
        self._throttle.unlock(account)
        return account

    def is_locked(self, contact_id: str, operator: Operator) -> bool:
        """
        Return whether failures have spent the credential, so that only unlocking or setting the password helps.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not unlock it either.
        """
        return self._throttle.is_spent(self._permitted(contact_id, operator, Privilege.UNLOCK))

    def rename(self, contact_id: str, operator: Operator, *, username: str | None) -> Renamed | UsernameTaken:
        """
        Give an account another user name, or none.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: It kept changing meanwhile.
            InvalidValueError: *username* cannot be one.
            WrongStateError: It was erased.
        """
        renamed = self._written(
            contact_id,
            operator,
            Privilege.RENAME,
            AuditKind.ACCOUNT_RENAMED,
            lambda account: account.rename(username),
            lambda account: account.username == username,
        )
        return UsernameTaken() if renamed is None else Renamed(account=renamed)

    @property
    def _check(self) -> PrivilegeCheck:
        return PrivilegeCheck(
            authorizer=self._authorizer,
            audit=self._audit,
            clock=self._clock,
            allow_own_account=self._allow_own_account,
        )

    @property
    def _syncer(self) -> ContactSyncer:
        return ContactSyncer(store=self._store, check=self._check, clock=self._clock)

    def _shown(self, account: Account | None, operator: Operator) -> Account | None:
        if account is None:
            return None
        self._check.require(operator, Privilege.VIEW_USERNAMES, account)
        self._record(AuditKind.USERNAME_VIEWED, operator, account)
        return account

    def _visible(self, query: AccountQuery, operator: Operator) -> AccountPage:
        """Return a page of what the operator may see; nothing of the rest, also not in the token of the next page."""
        visible: list[Account] = []
        hidden = 0
        reading = query
        while True:
            page = self._store.search(reading)
            seen = self._check.permitted(operator, Privilege.VIEW_USERNAMES, page.accounts)
            visible.extend(account for account, may in zip(page.accounts, seen, strict=True) if may)
            hidden += seen.count(False)
            if len(visible) >= query.limit or page.next is None:
                break
            reading = attrs.evolve(query, after=page.next, limit=MAX_PAGE_SIZE)
        shown = tuple(visible[: query.limit])
        if shown:
            self._record(AuditKind.USERNAME_VIEWED, operator, count=len(shown), reason="search")
        elif hidden:
            reason = Privilege.VIEW_USERNAMES.value
            self._record(AuditKind.PRIVILEGE_DENIED, operator, count=hidden, reason=reason)
        more = bool(shown) and (len(visible) > query.limit or page.next is not None)
        return AccountPage(accounts=shown, next=self._after(reading, page, shown[-1]) if more else None)

    def _after(self, query: AccountQuery, page: AccountPage, last: Account) -> str | None:
        """Return the token of the page that begins after one of *page*, which is what *query* found."""
        count = page.accounts.index(last) + 1
        if count < len(page.accounts):
            # The store knows where it has the account; that may be under a name that the host has changed (R20).
            page = self._store.search(attrs.evolve(query, limit=count))
            if not page.accounts or page.accounts[-1].contact_id != last.contact_id:
                # Accounts came or went in between, and the token may hold the name of one that is hidden.
                return query.after_account(last)
        return page.next

    def _permitted(self, contact_id: str, operator: Operator, privilege: Privilege) -> Account:
        account = self._store.find(ContactId(contact_id))
        if account is None:
            raise AccountNotFoundError(contact_id)
        self._check.require(operator, privilege, account)
        return account

    def _step(
        self,
        contact_id: str,
        operator: Operator,
        privilege: Privilege,
        kind: AuditKind,
        step: Callable[[Account], Account],
        is_done: Callable[[Account], bool] = lambda account: False,
        *,
        reason: str | None = None,
    ) -> Account:
        account = self._written(contact_id, operator, privilege, kind, step, is_done, reason=reason)
        if account is None:
            # Only a step that sets a user name can find it taken.
            raise StaleAccountError(contact_id)
        return account

    def _written(
        self,
        contact_id: str,
        operator: Operator,
        privilege: Privilege,
        kind: AuditKind,
        step: Callable[[Account], Account],
        is_done: Callable[[Account], bool],
        *,
        reason: str | None = None,
    ) -> Account | None:
        """Write one step and return the account; None if the step's user name is taken."""
        for _ in range(_MAX_WRITES):
            # Read, asked and decided anew after each lost race (R3).
            account = self._permitted(contact_id, operator, privilege)
            if is_done(account):
                return account
            stepped = step(account)
            event = AuditEvent(
                kind=kind,
                at=self._clock(),
                operator_id=operator.operator_id,
                contact_id=contact_id,
                reason=reason,
            )
            (result,) = self._store.apply([Change(old=account, new=stepped, events=(event,))])
            if result == ApplyResult.USERNAME_TAKEN:
                return None
            if result == ApplyResult.APPLIED:
                if stepped.credential.epoch != account.credential.epoch:
                    notify(self._on_change, self._audit, self._clock, stepped, event)
                return stepped
        raise StaleAccountError(contact_id)

    def _record(
        self,
        kind: AuditKind,
        operator: Operator,
        account: Account | None = None,
        *,
        count: int | None = None,
        reason: str | None = None,
    ) -> None:
        event = AuditEvent(
            kind=kind,
            at=self._clock(),
            operator_id=operator.operator_id,
            contact_id=None if account is None else account.contact_id,
            count=count,
            reason=reason,
        )
        self._audit.record([event])
