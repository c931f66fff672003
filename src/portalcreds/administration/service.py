"""Look accounts up, keep them in step with the SIS, and disable, unlock, rename or erase them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack

import attrs

from .._arguments import (
    contact_id_in,
    contact_ids_in,
    contacts_in,
    flag_in,
    function_in,
    has,
    has_methods,
    is_claim_proof,
    items_in,
    number_in,
    operator_in,
    several_in,
)
from .._chunks import chunks
from .._ledger import AT_A_TIME, Write
from .._service import StaffService, counts_for_store
from .._text import MAX_CODE_LENGTH, TextFaultError, is_code, username_key
from ..account_queries import MAX_PAGE_SIZE, AccountFilters, AccountOrder, AccountPage, AccountQuery
from ..accounts import Account, CredentialOrigin
from ..audit import AuditEvent, AuditKind
from ..contacts import Contact, ContactId
from ..exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
    StaleAccountError,
    WrongStateError,
)
from ..plans import ConfirmedPlan, Report
from ..privileges import Operator, Privilege, actor
from ..protocols import Change, ClaimProof, DefaultPasswordStrategy, HashDescriber, HashDescription, Usernames
from ..secret import Secret
from ..throttle import ReachedLimit, Throttle
from .steps import STEPS, AccountChange, Step

if TYPE_CHECKING:
    # What a method needs besides is imported when it is called: most programs call a few of them, and all of it would
    # be a fifth of what importing the package costs.
    from ..status_counts import StatusGroup
    from ._changer import AccountChanger
    from ._grid import Grid, Keep
    from ._importer import HashImporter
    from ._mover import AccountMover
    from ._syncer import ContactSyncer
    from .changes import ChangePlan, ChangeReport, ChangeResult
    from .default_search import DefaultSearch
    from .hash_census import HashCensus
    from .imports import ImportPlan, ImportReport, ImportResult
    from .outcomes import AccountSummary, Renamed, UsernameTaken
    from .status_census import StatusCensus
    from .sync import SyncPlan, SyncReport

_NEEDS_DESCRIBER: Final = "pass the hasher of the sign-in service, such as an UpgradingHasher"

_TWELVE_WEEKS: Final = timedelta(weeks=12)
"""What a census tells day by day: a term, about."""

_WITH_CHOSEN: Final = (CredentialOrigin.IMPORTED, CredentialOrigin.CHOSEN)

_MAX_RATE: Final = 1_000_000
"""Accounts a second: more than any machine hashes, and none that is not a number."""

_ReportT = TypeVar("_ReportT", bound=Report[Any, Any])

_IDS: Final = "pass several contact ids, such as those of a page"

_MAX_WRITES: Final = 16
"""How often one step is tried; each failure means that another step on the same account came first."""


@attrs.frozen(eq=False, repr=False)
class AccountService(StaffService):
    """
    What staff do with accounts, apart from setting passwords.

    Args:
        store: The accounts.
        authorizer: The host's rule of who may do what to whom (R16).
        throttle: The limits on guessing, for `unlock`.
        hasher: The hasher of the sign-in service, for imports and the census of hashes; None for neither.
        claim_proof: That of the sign-in service, to tell its codes; None where there is none.
        audit: Where look-ups and refusals go on the record; the store itself if it is a sink.
        clock: Tells the time.
        strategy: The strategy of the reset service, for `find_on_default`; None for none but those passed there.
        allow_own_account: Whether operators may change the account that is their own; not by default.
        on_change: Called once for each committed change that ends sessions, with the account and the event. A failure
            of it goes on the record and undoes nothing.

    Raises:
        ConfigurationError: A part is missing, or cannot do its work.
    """

    _throttle: Throttle = attrs.field(
        kw_only=True,
        alias="throttle",
        repr=False,
        validator=[
            has_methods("begin", "unlock", hint="pass a Throttle, the same as the sign-in service has"),
            counts_for_store,
        ],
    )
    _hasher: HashDescriber | None = attrs.field(
        kw_only=True,
        default=None,
        alias="hasher",
        repr=False,
        validator=has_methods("describe", "wrap_all", hint=_NEEDS_DESCRIBER, or_none=True),
    )
    _strategy: DefaultPasswordStrategy | None = attrs.field(
        kw_only=True,
        default=None,
        alias="strategy",
        repr=False,
        validator=has_methods("derive", hint="pass a strategy, such as LastNameFirstInitial(), or None", or_none=True),
    )

    _claim_proof: ClaimProof | None = attrs.field(
        kw_only=True, default=None, alias="claim_proof", repr=False, validator=is_claim_proof
    )

    # -- look up; each look-up is on the record

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
        operator_in(operator)
        return self._shown(self._store.find(contact_id_in(contact_id)), operator)

    def find_by_username(self, username: str, operator: Operator) -> Account | None:
        """
        Return the account with this user name, in whatever case and width it is written, or None.

        None also for an account that the operator may not see: a refusal would tell that somebody has the user name.
        The record tells it.
        """
        operator_in(operator)
        if not isinstance(username, str):
            raise InvalidValueError("username", "pass the user name as text")
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
        order: AccountOrder = AccountOrder.NAME,
        hashed: Callable[[HashDescription], bool] | None = None,
        after: str | None = None,
        limit: int = 50,
        **filters: Unpack[AccountFilters],
    ) -> AccountPage:
        """
        Return one page of accounts, without those that the operator may not see.

        Nothing tells that there are any: the last page is the one after which no account follows that the operator may
        see. To find out, a page passes over 20,000 hidden accounts at most. Where they lie that thick, a page may be
        shorter than *limit* before the last, and an empty one may be cut (`AccountPage.is_cut`).

        Args:
            operator: Who looks.
            order: What to sort by.
            hashed: Tells by what a hash says of itself whether an account is meant, such as
                ``lambda each: each.key_id == "2025"``; None for all accounts. It looks at one account after the
                other, so that a rare kind may take as long as `hash_census`.
            after: `AccountPage.next` of the page before.
            limit: How many accounts at most.
            filters: Which accounts (`AccountFilters`); all if there are none.

        Raises:
            InvalidValueError: A filter is not valid.
            ConfigurationError: *hashed* is passed, and the service was made without the hasher.
        """
        query = self._query(operator, filters, order=order, after=after, limit=limit)
        return self._grid.read_page(query, operator, self._keep(hashed))

    def count(
        self,
        operator: Operator,
        *,
        hashed: Callable[[HashDescription], bool] | None = None,
        at_most: int = 10_000,
        **filters: Unpack[AccountFilters],
    ) -> int:
        """
        Return how many accounts `search` would show on all its pages.

        Each is looked at, to count none that the operator may not see. So it counts up to a bound and no further.

        Args:
            operator: Who looks.
            hashed: As for `search`.
            at_most: Where to stop; this number means "so many or more".
            filters: Which accounts (`AccountFilters`).

        Raises:
            InvalidValueError: A filter is not valid.
            ConfigurationError: *hashed* is passed, and the service was made without the hasher.
        """
        query = self._query(operator, filters)
        number_in("at_most", at_most, least=1)
        return len(self._grid.read_all(query, operator, self._keep(hashed), at_most))

    def select_all(
        self,
        operator: Operator,
        *,
        hashed: Callable[[HashDescription], bool] | None = None,
        at_most: int = 10_000,
        **filters: Unpack[AccountFilters],
    ) -> tuple[ContactId, ...]:
        """
        Return the contacts of all accounts that match and that the operator may see, to make a plan for them.

        The selection is frozen: who matches later is not in it. It is on the record, with how many there are.

        Args:
            operator: Who selects.
            hashed: As for `search`.
            at_most: How many there may be.
            filters: Which accounts (`AccountFilters`).

        Raises:
            InvalidValueError: A filter is not valid, or more accounts match than *at_most*.
            ConfigurationError: *hashed* is passed, and the service was made without the hasher.
        """
        hint = "more accounts match; narrow the filters, or allow more"
        return self._selected(self._query(operator, filters), operator, self._keep(hashed), at_most, hint)

    # -- claim proofs

    def reveal_claim_codes(self, contact_ids: Iterable[str], operator: Operator) -> Mapping[ContactId, Secret]:
        """
        Return what these contacts will be asked for beside their defaults, to be printed in letters.

        For a claim proof that can tell it, as `portalcreds.sign_in.LetterCode` can. It takes the privilege to reveal,
        and each code is on the record before it is told (R15). Left out are contacts who are asked for none: without an
        account or a default, invited, disabled, or such that the operator may not.

        Raises:
            InvalidValueError: *contact_ids* are not several ids.
            ConfigurationError: The portal has no such claim proof.
        """
        ids = contact_ids_in(ContactId(each) for each in items_in("contact_ids", contact_ids, _IDS))
        operator_in(operator)
        # By attribute: most claim proofs cannot.
        code_of: Callable[[Account, str], Secret] | None = getattr(self._claim_proof, "code_of", None)
        if code_of is None:
            raise ConfigurationError("claim_proof", "pass one that tells codes, such as LetterCode(keys)")
        codes: dict[ContactId, Secret] = {}
        for chunk in chunks(ids, AT_A_TIME):
            found, _ = self._ledger.read(chunk)
            asked = [each for each in found.values() if each.is_active and each.credential.asks_for_proof]
            may = self._check.permitted_ids(operator, Privilege.REVEAL, asked)
            shown = [account for account in asked if account.contact_id in may]
            kind = AuditKind.CLAIM_CODE_REVEALED
            told = [self._event(kind, operator, each, operation_id=each.credential.issue_id) for each in shown]
            if told:
                self._audit.record(told)
            codes |= {account.contact_id: code_of(account, self._tenant) for account in shown}
        return codes

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

    def sync_from_host(
        self, operator: Operator, *, usernames: Usernames = None, restore_erased: bool = False
    ) -> SyncReport:
        """
        Sync with the contacts of the host's own that the store reads; see `plan_sync`.

        Whoever has no account gets one, and the names by which people are found are those that the host has now. Call
        it after each import into the host's contacts, or once a night.

        Raises:
            ConfigurationError: The store reads no contacts of the host's.
            CorruptRowError: The host has a contact twice, or one that no contact can be. Nothing was added.
        """
        operator_in(operator)
        # By attribute: only a store over the host's contacts has them.
        read = getattr(self._store, "host_contacts", None)
        note = getattr(self._store, "note_names", None)
        if read is None or note is None or not getattr(self._store, "has_host_contacts", False):
            raise ConfigurationError(
                "store", 'pass one with contacts=HostContacts("table", ...), or sync_contacts with the contacts'
            )
        from .sync import SyncReason

        plan = self.plan_sync(read(), operator, usernames=usernames, restore_erased=restore_erased)
        # The store notes everybody's in its scope at once, so it takes the privilege for all of them.
        if not any(item.reason == SyncReason.NOT_PERMITTED for item in plan.items):
            note()
        return self.apply_sync(plan)

    def plan_sync(
        self,
        contacts: Iterable[Contact],
        operator: Operator,
        *,
        usernames: Usernames = None,
        restore_erased: bool = False,
    ) -> SyncPlan:
        """
        Return what a sync would do: add accounts and refresh names and addresses.

        A sync never changes a credential, nor the user name of an account that has one. It never disables or deletes
        a contact that is absent.

        Args:
            contacts: The contacts as the SIS has them. The account keeps what it has in the fields that a contact's
                source says nothing about (`Contact.unknown`), such as the address for a file without that column.
            operator: Who, or what, syncs.
            usernames: The user name of each contact: a mapping by contact id, or a function of the contact, such as
                `usernames_from_name`; None for no user names. An account whose user name is taken goes without one.
            restore_erased: Whether to bring back contacts whose data was erased.

        Raises:
            InvalidValueError: *contacts* are not all contacts, or *usernames* is not a mapping by contact id.
        """
        operator_in(operator)
        flag_in("restore_erased", restore_erased)
        _check_usernames(usernames)
        return self._syncer.plan(contacts_in(contacts), operator, usernames, restore_erased)

    def apply_sync(self, plan: SyncPlan) -> SyncReport:
        """Carry out a sync. A contact that cannot be written does not stop the others."""
        from .sync import SyncItem, SyncPlan

        given: Any = plan  # Any: what a program without type checks passes.
        if not isinstance(given, SyncPlan) or not all(
            isinstance(item, SyncItem) for item in items_in("plan", given.items, "pass what plan_sync returned")
        ):
            raise InvalidValueError("plan", "pass what plan_sync returned")
        operator_in(plan.operator)
        return self._syncer.apply(plan)

    # -- moving an existing site in

    def plan_import(
        self, rows: Iterable[Any], operator: Operator, *, replace: bool = False, force_change: str | None = None
    ) -> ImportPlan:
        """
        Return what importing the hashes of another system would do; nothing is written (R11).

        The portal's hasher says what each hash is, and whether it could verify a password against it. What it cannot
        verify is not imported. A fast digest is wrapped if one of the hasher's verifiers is a `Wrapping` that takes it.

        A row with a user name tells whose it is. So it takes the privilege to see user names, beside that to import,
        and how many were told goes on the record, like each refusal.

        Args:
            rows: Pairs of contact id and hash; or mappings, rows with ``keys()`` or records with ``password_hash`` and
                with ``contact_id``, ``username`` or both. The hash is text as it is in the old column, or a
                `PasswordHash`.
            operator: Who, or what, imports.
            replace: Whether to replace the passwords that accounts have here already.
            force_change: Why each owner must choose a new password at the next sign-in, as a code such as ``moved``;
                None if they need not.

        Raises:
            InvalidValueError: A row is none, or *force_change* is not a code.
            ConfigurationError: The service was made without the hasher.
        """
        from ._import_rows import read_rows

        operator_in(operator)
        flag_in("replace", replace)
        if force_change is not None and not is_code(force_change):
            raise InvalidValueError("force_change", f"pass a code of 1 to {MAX_CODE_LENGTH} characters, or None")
        # Under the same name: the frames of an error show no hash (R14).
        rows = read_rows(rows)
        return self._importer.plan(rows, operator, replace=replace, force_change=force_change, tenant=self._tenant)

    def apply_import(
        self,
        confirmed: ConfirmedPlan[ImportPlan],
        *,
        progress: Callable[[ImportResult], object] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> ImportReport:
        """
        Import the hashes of a confirmed plan. A row that cannot be written does not stop the others.

        Each account is read again, and left alone if its credential changed since the plan. A few hundred are committed
        at a time; a few dozen where hashes are wrapped. To go on after a stop, plan the same rows again, confirm with
        the same key, and apply: what was imported is left as it is (R12).

        Args:
            confirmed: What `ImportPlan.confirm` returned.
            progress: Called with each result, once it is final, also of a row that nothing is done with.
            cancel: Called before each few; True stops the import there.

        Raises:
            ConfigurationError: As `ResetService.start`; or the service was made without the hasher.
        """
        from .imports import ImportItem, ImportPlan

        function_in("progress", progress)
        function_in("cancel", cancel)
        self._check_confirmed(confirmed, ImportPlan, ImportItem)
        return self._told_if_stopped(self._importer.apply(confirmed, progress, cancel), confirmed)

    def hash_census(self, operator: Operator) -> HashCensus:
        """
        Count the accounts by scheme, cost, key and origin of their hashes, and how many have not signed in since.

        It tells which legacy verifier and which key of the pepper may be taken away. It reads all accounts that the
        store sees, a thousand at a time. Whoever gets another last name meanwhile may be counted twice or not at all,
        so do not take away what a census during a sync says is unused.

        Args:
            operator: Who asks. Accounts that the operator may not see are only counted as hidden.

        Raises:
            ConfigurationError: The service was made without the hasher.
        """
        from .hash_census import HashTally

        operator_in(operator)
        tally = HashTally(self._describer)
        hidden = self._grid.read_each(AccountQuery(now=self._clock()), operator, tally.add)
        return tally.census(hidden)

    def status_census(
        self, operator: Operator, *, since: datetime | None = None, utc_offset: timedelta = timedelta(0)
    ) -> StatusCensus:
        """
        Count the accounts by status: who has changed the default, who has not, and how that went day by day.

        One query, if the store can count (`CensusStore`) and the authorizer says that the operator may see all accounts
        (`AuthorizerDetails`, such as `Grants`). Otherwise each account is read and asked about, as for `hash_census`.

        Args:
            operator: Who asks. Accounts that the operator may not see are only counted as hidden.
            since: From when on to tell day by day how many were issued a default and how many changed it; None for
                twelve weeks ago. At most 366 days ago.
            utc_offset: How far the school's clock is ahead of UTC, so that its days begin at its own midnight.

        Raises:
            InvalidValueError: *since* is not an aware datetime of the last 366 days, or *utc_offset* is no timedelta of
                less than a day.
        """
        from ..status_counts import StatusQuery
        from .status_census import StatusCensus

        operator_in(operator)
        now = self._clock()
        query = StatusQuery(now=now, since=now - _TWELVE_WEEKS if since is None else since, utc_offset=utc_offset)
        # By attribute: a store of the host's need not count.
        count = getattr(self._store, "count_statuses", None)
        if callable(count) and self._check.sees_all(operator):
            return StatusCensus(query=query, counts=count(query))
        counts: Counter[StatusGroup | None] = Counter()
        hidden = self._grid.read_each(
            AccountQuery(now=now), operator, lambda account: counts.update([query.group_of(account)])
        )
        return StatusCensus(query=query, counts={group: n for group, n in counts.items() if group}, hidden=hidden)

    def find_on_default(
        self,
        operator: Operator,
        *,
        strategies: Iterable[DefaultPasswordStrategy] = (),
        chosen: bool = False,
        per_second: float | None = None,
        after: str | None = None,
    ) -> DefaultSearch:
        """
        Find whose imported password is a default that anybody can work out who knows the name.

        Iterate over what is returned. The findings tell ids and no passwords. A hash that cannot be verified is told
        with its reason. No account is changed, and nothing counts as a failed sign-in. It takes the privilege
        ``find_defaults``: with such a list somebody could take over every account on it, so have `plan_change` require
        a change from them. That it was searched, of how many and how many were found is on the record.

        Defaults are made of the names that the contacts have now.

        Args:
            operator: Who searches. Accounts of which they lack the privilege are left out, and counted as hidden.
            strategies: House rules of earlier times, which are tried besides the service's own strategy.
            chosen: Whether to try the passwords too that owners chose.
            per_second: How many accounts are tried in a second at most; None for as many as all cores can.
            after: `DefaultSearch.after` of a search that was stopped.

        Raises:
            InvalidValueError: A strategy draws passwords, which nobody could work out; there is none to try; or another
                argument cannot be taken.
            ConfigurationError: The service was made without the hasher, or with one that cannot try many.
            HashingUnavailableError: While iterating: hashing failed. Go on with *after*.
        """
        from .default_search import DefaultSearch

        operator_in(operator)
        flag_in("chosen", chosen)
        own = () if self._strategy is None or not self._strategy.is_derivable else (self._strategy,)
        tried = (*own, *_derivable(strategies))
        if not tried:
            raise InvalidValueError("strategies", "pass at least one that makes passwords of names")
        rate: Any = per_second
        if rate is not None and not (type(rate) in (int, float) and 0 < rate < _MAX_RATE):
            raise InvalidValueError("per_second", "pass a number of accounts of more than zero, or None")
        matcher: Any = self._describer
        if not callable(getattr(matcher, "match_each", None)):
            raise ConfigurationError("hasher", "pass one that is a HashMatcher too, such as an UpgradingHasher")
        return DefaultSearch(
            store=self._store,
            grid=self._grid,
            check=self._check,
            hasher=self._describer,
            matcher=matcher,
            record=self._record,
            operator=operator,
            query=AccountQuery(now=self._clock(), after=after),
            strategies=tried,
            origins=frozenset(_WITH_CHOSEN if chosen else _WITH_CHOSEN[:1]),
            per_second=per_second,
        )

    # -- one account, one step

    def disable(self, contact_id: str, operator: Operator) -> AccountSummary:
        """
        Disable an account: nobody signs in, and sessions and tickets end.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: Others kept changing it meanwhile.
        """
        return self._take(STEPS[AccountChange.DISABLE], contact_id, operator)

    def enable(self, contact_id: str, operator: Operator) -> AccountSummary:
        """
        Enable an account, with the credential it had.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not; the privilege is that of disabling.
            StaleAccountError: Others kept changing it meanwhile.
            WrongStateError: It was erased, or is being moved (`rekey`).
        """
        return self._take(STEPS[AccountChange.ENABLE], contact_id, operator)

    def require_change(self, contact_id: str, operator: Operator, *, reason: str) -> AccountSummary:
        """
        Demand a new password at the next sign-in; sessions end.

        If others may know the password, let the reason begin with ``compromised``. Then the password alone allows no
        change: the portal asks for its claim proof besides. Without one nobody gets a ticket (`PasswordCompromised`),
        and the contact needs an invitation (`ResetService.invite`) or a default.

        Args:
            contact_id: Whose account.
            operator: Who demands it.
            reason: Why, as a code such as ``policy`` or ``compromised``; the sign-in form gets it.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: Others kept changing it meanwhile.
            WrongStateError: There is no password to be changed.
            InvalidValueError: *reason* is not a code.
        """
        return self._take(STEPS[AccountChange.REQUIRE_CHANGE], contact_id, operator, reason)

    def end_sessions(self, contact_id: str, operator: Operator) -> AccountSummary:
        """
        End a contact's sessions and open change tickets, and change nothing else. The password goes on working.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: Others kept changing it meanwhile.
        """
        return self._take(STEPS[AccountChange.END_SESSIONS], contact_id, operator)

    def erase(self, contact_id: str, operator: Operator) -> AccountSummary:
        """
        Erase a contact's personal data. The id, the epoch and the audit events stay.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: Others kept changing it meanwhile.
        """
        return self._take(STEPS[AccountChange.ERASE], contact_id, operator)

    def unlock(self, contact_id: str, operator: Operator) -> AccountSummary:
        """
        Forget the failures counted against an account and its user name, so that the owner gets in at once.

        The credential stays as it is.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
        """
        account = self._permitted(contact_id, operator, Privilege.UNLOCK)
        self._changer.unlock(account, self._event(AuditKind.CREDENTIAL_UNLOCKED, operator, account))
        return self._summary(account)

    def limits_on(self, contact_id: str, operator: Operator) -> tuple[ReachedLimit, ...]:
        """
        Return the limits on guessing that keep the owner out at the moment, and until when; empty if there are none.

        A limit on the source of a sign-in is not among them: the service does not know where the owner is.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not unlock it either.
        """
        return self._throttle.reached(self._permitted(contact_id, operator, Privilege.UNLOCK))

    def find_locked(
        self, contact_ids: Iterable[str], operator: Operator
    ) -> Mapping[ContactId, tuple[ReachedLimit, ...]]:
        """
        Return those of the contacts whose owners are kept out at the moment, with the limits, as `limits_on` for each.

        For the accounts of a page: a store does not know the counts, so no search can filter by them. Contacts without
        an account, and those whose account the operator may not unlock, are left out.

        Raises:
            InvalidValueError: *contact_ids* are not several ids, or more than a page has.
        """
        operator_in(operator)
        asked = [contact_id_in(each) for each in islice(items_in("contact_ids", contact_ids, _IDS), MAX_PAGE_SIZE + 1)]
        if len(asked) > MAX_PAGE_SIZE:
            raise InvalidValueError("contact_ids", f"pass those of one page, at most {MAX_PAGE_SIZE}")
        accounts = list(self._store.find_many(asked).values())
        may = self._check.permitted(operator, Privilege.UNLOCK, accounts)
        shown = [account for account, is_shown in zip(accounts, may, strict=True) if is_shown]
        reached = zip(shown, self._throttle.reached_by_each(shown), strict=True)
        return {account.contact_id: limits for account, limits in reached if limits}

    def rename(self, contact_id: str, operator: Operator, *, username: str | None) -> Renamed | UsernameTaken:
        """
        Give an account another user name, or none.

        Raises:
            AccountNotFoundError: The contact has none.
            PrivilegeDeniedError: The operator may not.
            StaleAccountError: Others kept changing it meanwhile.
            InvalidValueError: *username* cannot be one.
            WrongStateError: It was erased.
        """
        from .outcomes import Renamed, UsernameTaken

        step = Step(
            Privilege.RENAME,
            AuditKind.ACCOUNT_RENAMED,
            lambda account, at, reason: account.rename(username),
            # Renamed here too, because that refuses what is no text before it is compared with one.
            lambda account: account.rename(username).username == account.username,
        )
        try:
            renamed = self._written(step, contact_id, operator)
        except (InvalidValueError, WrongStateError) as error:
            # What only a program gets wrong, such as a number for a name, is nobody's rename.
            if isinstance(error, WrongStateError):
                self._record_refused_rename(contact_id, operator, "erased")
            elif error.field == "username" and isinstance(username, str):
                self._record_refused_rename(contact_id, operator, "username_invalid")
            raise
        if renamed is None:
            self._record_refused_rename(contact_id, operator, "username_taken")
            return UsernameTaken()
        return Renamed(account=renamed)

    # -- many accounts at once

    def plan_change(
        self,
        contact_ids: Iterable[ContactId],
        operator: Operator,
        *,
        change: AccountChange,
        reason: str | None = None,
    ) -> ChangePlan:
        """
        Return what a step on many accounts would do, such as to disable them; nothing is written (R11).

        Args:
            contact_ids: Whose accounts; the list is frozen here.
            operator: Who asks.
            change: What is done to each.
            reason: For `AccountChange.REQUIRE_CHANGE`, why, as a code such as ``compromised`` (see `require_change`);
                None for any other.

        Raises:
            InvalidValueError: *contact_ids* are not several ids, or one is listed twice; *change* is none; or *reason*
                does not belong to it.
        """
        ids = contact_ids_in(contact_ids)
        operator_in(operator)
        if len(set(ids)) < len(ids):
            raise InvalidValueError("contact_ids", "pass each contact id once")
        try:
            wanted = AccountChange(change)
        except ValueError:
            hint = f"pass an AccountChange, one of: {', '.join(AccountChange)}"
            raise InvalidValueError("change", hint) from None
        demands = wanted == AccountChange.REQUIRE_CHANGE
        if (demands and not is_code(reason)) or (not demands and reason is not None):
            raise InvalidValueError("reason", "pass a code where a new password is demanded, and nothing otherwise")
        return self._changer.plan(ids, operator, wanted, reason=reason, tenant=self._tenant)

    def apply_change(
        self,
        confirmed: ConfirmedPlan[ChangePlan],
        *,
        progress: Callable[[ChangeResult], object] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> ChangeReport:
        """
        Carry out a confirmed plan. An account that cannot be written does not stop the others.

        Each account is read again, and left alone if its credential changed since the plan. To go on after a stop, plan
        the same contacts again, confirm with the same key, and apply (R12).

        Args:
            confirmed: What `ChangePlan.confirm` returned.
            progress: Called with each result, once it is final, also of a row that nothing is done with.
            cancel: Called before each few hundred; True stops there.

        Raises:
            ConfigurationError: As `ResetService.start`.
        """
        from .changes import ChangeItem, ChangePlan

        function_in("progress", progress)
        function_in("cancel", cancel)
        self._check_confirmed(
            confirmed, ChangePlan, ChangeItem, lambda given: isinstance(given.plan.change, AccountChange)
        )
        return self._told_if_stopped(self._changer.apply(confirmed, progress, cancel), confirmed)

    def _told_if_stopped(self, report: _ReportT, confirmed: ConfirmedPlan[Any]) -> _ReportT:
        """Put on the record that somebody stopped what was confirmed, and how many were not reached."""
        left = sum(row.kind.value == "not_reached" for row in report)
        if left:
            self._record(AuditKind.OPERATION_CANCELLED, confirmed.operator, count=left, operation_id=report.key)
        return report

    def select_absent(
        self, sync: SyncPlan | SyncReport, operator: Operator, *, at_most: int = 10_000
    ) -> tuple[ContactId, ...]:
        """
        Return who has an account and was not in the roster of a sync, to make a plan for them, such as to disable them.

        Whoever was erased is left out. Look at the number before you go on: half a file makes half a school absent.

        Args:
            sync: What `plan_sync` or `apply_sync` returned for the whole roster.
            operator: Who asks. Accounts that the operator may not see are left out.
            at_most: How many there may be.

        Raises:
            InvalidValueError: *sync* is no sync, or more accounts are absent than *at_most*.
        """
        from .sync import SyncPlan, SyncReport

        operator_in(operator)
        given: Any = sync  # Any: what a program without type checks passes.
        hint = "pass what plan_sync or apply_sync returned"
        if not isinstance(given, (SyncPlan, SyncReport)):
            raise InvalidValueError("sync", hint)
        present = {item.contact_id for item in given.items}
        hint = "more accounts are absent; is the roster whole? If so, allow more"

        def is_absent(account: Account) -> bool:
            return account.erased_at is None and account.contact_id not in present

        return self._selected(AccountQuery(now=self._clock()), operator, is_absent, at_most, hint)

    @property
    def _changer(self) -> AccountChanger:
        from ._changer import AccountChanger

        return AccountChanger(ledger=self._ledger, check=self._check, clock=self._clock, throttle=self._throttle)

    # -- people who are renumbered, or are two records of one person

    def rekey(self, old_id: str, new_id: str, operator: Operator) -> AccountSummary:
        """
        Give an account to another contact id, with user name and password: the SIS has renumbered the contact.

        Sessions under the old id end, and at no time do two accounts sign in. The account under the old id is erased;
        one that a sync added under the new id takes over, if it has no password. If interrupted, call it again.

        Args:
            old_id: The id that the contact had.
            new_id: The id that the contact has now.
            operator: Who does it. It takes the privilege to move both accounts.

        Returns:
            The account under the new id.

        Raises:
            AccountNotFoundError: Nobody has the old id.
            PrivilegeDeniedError: The operator may not.
            WrongStateError: The new id has a password of its own, so that it is for `merge`; it was erased; or the user
                name was given away after an earlier call was interrupted.
            StaleAccountError: Others kept changing an account meanwhile.
        """
        old, new = _two_ids(old_id, new_id)
        operator_in(operator)
        return self._summary(self._mover.move(old, new, operator, AuditKind.ACCOUNT_REKEYED, replaces=False))

    def merge(self, old_id: str, new_id: str, operator: Operator, *, credential_of: str) -> AccountSummary:
        """
        Make one account of two that are the same person's. The account under the old id is erased.

        Args:
            old_id: The contact id that is given up.
            new_id: The contact id that stays.
            operator: Who does it. It takes the privilege to move both accounts.
            credential_of: Whose user name and password stay: one of the two ids. Those of the other stop working.

        Returns:
            The account under the new id.

        Raises:
            InvalidValueError: *credential_of* is none of the two.
            AccountNotFoundError: One of the two has none.
            PrivilegeDeniedError: The operator may not.
            WrongStateError: As for `rekey`.
            StaleAccountError: Others kept changing an account meanwhile.
        """
        old, new = _two_ids(old_id, new_id)
        operator_in(operator)
        if contact_id_in(credential_of) not in (old, new):
            raise InvalidValueError("credential_of", "pass one of the two contact ids")
        if credential_of == new:
            return self._summary(self._mover.drop(old, new, operator))
        return self._summary(self._mover.move(old, new, operator, AuditKind.ACCOUNT_MERGED, replaces=True))

    @property
    def _mover(self) -> AccountMover:
        from ._mover import AccountMover

        return AccountMover(ledger=self._ledger, check=self._check, clock=self._clock)

    @property
    def _importer(self) -> HashImporter:
        from ._importer import HashImporter

        return HashImporter(
            ledger=self._ledger, check=self._check, hasher=self._describer, clock=self._clock, record=self._record
        )

    @property
    def _describer(self) -> HashDescriber:
        if self._hasher is None:
            raise ConfigurationError("hasher", _NEEDS_DESCRIBER)
        return self._hasher

    @property
    def _syncer(self) -> ContactSyncer:
        from ._syncer import ContactSyncer

        return ContactSyncer(ledger=self._ledger, check=self._check, clock=self._clock)

    def _shown(self, account: Account | None, operator: Operator) -> Account | None:
        if account is None:
            return None
        self._check.require(operator, Privilege.VIEW_USERNAMES, account)
        self._record(AuditKind.USERNAME_VIEWED, operator, account)
        return account

    def _query(
        self, operator: Operator, filters: Mapping[str, Any], **page: Any
    ) -> AccountQuery:  # Any: AccountQuery checks each.
        operator_in(operator)
        unknown = filters.keys() - AccountFilters.__annotations__.keys()
        if unknown:
            raise TypeError(f"no filter is called {', '.join(sorted(unknown))}; see AccountFilters")
        return AccountQuery(now=self._clock(), **filters, **page)

    def _selected(
        self, query: AccountQuery, operator: Operator, keep: Keep, at_most: int, hint: str
    ) -> tuple[ContactId, ...]:
        number_in("at_most", at_most, least=1)
        found = self._grid.read_all(query, operator, keep, at_most + 1)
        if len(found) > at_most:
            raise InvalidValueError("at_most", hint)
        ids = tuple(account.contact_id for account in found)
        if ids:
            self._record(AuditKind.USERNAME_VIEWED, operator, count=len(ids), reason="selection", shown=ids)
        return ids

    @property
    def _grid(self) -> Grid:
        from ._grid import Grid

        return Grid(store=self._store, check=self._check, record=self._record)

    def _keep(self, hashed: Callable[[HashDescription], bool] | None) -> Keep:
        function_in("hashed", hashed)
        if hashed is None:
            return lambda account: True
        describer = self._describer

        def keep(account: Account) -> bool:
            password_hash = account.credential.password_hash
            return password_hash is not None and hashed(describer.describe(password_hash))

        return keep

    def _summary(self, account: Account) -> AccountSummary:
        from .outcomes import AccountSummary

        status = account.status(self._clock())
        return AccountSummary(contact_id=account.contact_id, status=status, epoch=account.credential.epoch)

    def _record_refused_rename(self, contact_id: str, operator: Operator, reason: str) -> None:
        event = self._event(AuditKind.RENAME_REFUSED, operator, reason=reason)
        self._audit.record([attrs.evolve(event, contact_id=contact_id)])

    def _permitted(self, contact_id: str, operator: Operator, privilege: Privilege) -> Account:
        operator_in(operator)
        return self._required(self._store.find(contact_id_in(contact_id)), contact_id, operator, privilege)

    def _required(self, account: Account | None, contact_id: str, operator: Operator, privilege: Privilege) -> Account:
        if account is None:
            raise AccountNotFoundError(contact_id)
        self._check.require(operator, privilege, account)
        return account

    def _take(self, step: Step, contact_id: str, operator: Operator, reason: str | None = None) -> AccountSummary:
        account = self._written(step, contact_id, operator, reason)
        if account is None:
            # Only a step that sets a user name can find it taken.
            raise StaleAccountError(contact_id)
        return account

    def _written(
        self, step: Step, contact_id: str, operator: Operator, reason: str | None = None
    ) -> AccountSummary | None:
        """Write one step and return the account; None if the step's user name is taken."""
        wanted = contact_id_in(contact_id)
        operator_in(operator)

        def decide(account: Account | None) -> Write[AccountSummary] | AccountSummary:
            account = self._required(account, contact_id, operator, step.privilege)
            if step.change is None or step.is_done(account):
                return self._summary(account)
            now = self._clock()
            stepped = step.change(account, now, reason or "")
            event = AuditEvent(
                kind=step.kind,
                at=now,
                **actor(operator),
                contact_id=contact_id,
                reason=reason,
            )
            return Write(Change(old=account, new=stepped, events=(event,)), self._summary(stepped))

        return self._ledger.settle_one(wanted, decide, rounds=_MAX_WRITES)


def _two_ids(old_id: object, new_id: object) -> tuple[ContactId, ContactId]:
    # Through a Contact: an id that can be none is refused before anything is written.
    old, new = contact_id_in(old_id), Contact(contact_id=contact_id_in(new_id)).contact_id
    if old == new:
        raise InvalidValueError("new_id", "pass another contact id than the old one")
    return old, new


def _derivable(strategies: Iterable[DefaultPasswordStrategy]) -> Sequence[DefaultPasswordStrategy]:
    hint = "pass several strategies that make passwords of names, also for one: [NameTemplate(...)]"

    def is_one(strategy: object) -> bool:
        is_known = is_code(getattr(strategy, "id", None)) and getattr(strategy, "is_derivable", None) is True
        return is_known and has("derive")(strategy)

    return several_in("strategies", strategies, hint, is_one)


def _check_usernames(usernames: Any) -> None:  # Any: what a program without type checks passes.
    if usernames is None or callable(usernames):
        return
    # A number as a key would find nobody, and everybody would be left without a user name.
    if not isinstance(usernames, Mapping) or not all(isinstance(contact_id, str) for contact_id in usernames):
        raise InvalidValueError("usernames", "pass a mapping by contact id as text, a function of the contact, or None")
