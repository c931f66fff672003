"""A school at random: operators, families, thieves and clocks, and after each step the store beside the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import timedelta
from typing import Any, Final

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import portalcreds
from guessing import limits
from portal import OFFICE, MovingClock, PortalStore
from portalcreds._ids import digest
from portalcreds.accounts import INVITATION, Account
from portalcreds.administration import AccountChange, UsernameTaken
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import default_password
from portalcreds.exceptions import AccountNotFoundError, PortalCredsError, PrivilegeDeniedError, WrongStateError
from portalcreds.hashers import Argon2Hasher, UpgradingHasher
from portalcreds.plans import ConfirmedPlan
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import ApplyResult, AttemptCounter, Change
from portalcreds.resets import ResetResult
from portalcreds.secret import Secret
from portalcreds.sign_in import PasswordChanged, PasswordChangeRequired, SignedIn
from portalcreds.testing.hashers import CHEAPEST_CHOSEN
from proof.account_model import CHOSEN_CAP, DEFAULT_CAP, LIFETIME, TICKET_LIFETIME, UNKNOWN, ModelAccount, Refused

IDS: Final = ("c-1", "c-2", "c-3")
USERNAMES: Final = ("rosa", "pat", "anna")
PHRASES: Final = ("a long walk on the beach", "seven quiet green bicycles", "an unlikely umbrella 77 stand")
GUEST: Operator = Operator(operator_id="guest")

OLD_COST: Final = Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, memory_kib=24))
"""Writes the hashes that are imported, so that a sign-in upgrades them."""

CLOCKS: Final = (
    *(timedelta(microseconds=1), timedelta(minutes=4), TICKET_LIFETIME, timedelta(hours=2), LIFETIME),
    *(-timedelta(microseconds=1), -timedelta(minutes=11), -timedelta(hours=2), -timedelta(days=20)),
)
"""How far the clock is set, ahead and back: within and beyond each lifetime there is."""

NOT_OF_A_STEP: Final = {AuditKind.USERNAME_VIEWED, AuditKind.CONTACTS_SHOWN}
"""What is on the record for having been looked at."""

ids = st.sampled_from(IDS)
some_ids = st.lists(ids, min_size=1, max_size=3, unique=True)
usernames = st.sampled_from(USERNAMES)
names = st.sampled_from(("Abbiatici", "O'Brien"))
phrases = st.sampled_from(PHRASES)
reasons = st.sampled_from(("policy", "compromised"))
guesses = st.sampled_from(("right", "right", "right", "wrong", "earlier", "default", "in the other case", "a ticket"))
new_passwords = st.sampled_from((*PHRASES, *PHRASES, "short", "AbbiaticiR"))


OpenStore = AbstractContextManager[tuple[PortalStore, Callable[..., AttemptCounter]]]
"""Lends a store without accounts, and what makes its counter for a clock."""


class AccountMachine(RuleBasedStateMachine):
    """
    Every rule does one thing to the portal and the same to the model, and compares the two outcomes.

    Args:
        opened: Over what; it is left when the run ends.
        hasher: The portal's.
    """

    def __init__(self, opened: OpenStore, hasher: UpgradingHasher) -> None:
        super().__init__()
        self._opened = ExitStack()
        self.store, counter = self._opened.enter_context(opened)
        self.clock = MovingClock()
        self.told: list[tuple[str, int]] = []
        self.portal = portalcreds.Portal.over(
            self.store,
            authorizer=Grants(privileges={"office": list(Privilege)}),
            hasher=hasher,
            counter=counter(clock=self.clock),
            limits=limits(default_failures=DEFAULT_CAP, chosen_failures=CHOSEN_CAP),
            clock=self.clock,
            lifetime=LIFETIME,
            ticket_lifetime=TICKET_LIFETIME,
            on_change=self._hear,
        )
        self.model: dict[str, ModelAccount] = {}
        self.tickets: list[str] = ["c-1.never-drawn"]
        self.plans: list[tuple[Any, dict[str, int]]] = []
        self.expected: list[str] = []
        self.expected_told: list[tuple[str, int]] = []
        self.seen_events = 0

    def teardown(self) -> None:
        """Close the store."""
        self._opened.close()

    def _hear(self, account: Account, event: AuditEvent) -> None:
        self.told.append((account.contact_id, account.credential.epoch))

    # -- how a rule is written

    def note(self, kind: AuditKind, contact_id: str) -> None:
        """Expect an event on the record."""
        self.expected.append(f"{kind.value} {contact_id}")

    def does(self, kind: AuditKind, account: ModelAccount, step: Callable[..., object], *args: Any) -> None:
        """Take a step of the model: it is on the record, and the host hears of it if an epoch began."""
        epoch = account.epoch
        step(*args)
        self.note(kind, account.contact_id)
        if account.epoch != epoch:
            self.expected_told.append((account.contact_id, account.epoch))

    def agree(self, real: Callable[[], Any], modelled: Callable[[], Any]) -> Any:
        """Do both, and return the real outcome; if the model refuses, the portal must in the same way."""
        refusal: str | None = None
        try:
            modelled()
        except Refused as error:
            refusal = str(error)
        refused: PortalCredsError | None = None
        outcome = None
        try:
            outcome = real()
        except PortalCredsError as error:
            refused = error
        assert (None if refused is None else type(refused).__name__) == refusal
        self.tells_nothing(outcome, refused, str(refused))
        return outcome

    def tells_nothing(self, *outcomes: object) -> None:
        """Check that nothing which was returned shows a password, a ticket or a user name's owner (R14)."""
        shown = " ".join(map(repr, outcomes))
        secrets = {*PHRASES, *self.tickets[1:]} | {each.password or "\0" for each in self.model.values()}
        assert not [secret for secret in secrets if secret in shown]

    def found(self, contact_id: str) -> ModelAccount:
        """Return the account, which the service must miss if there is none."""
        if contact_id not in self.model:
            raise Refused(AccountNotFoundError.__name__)
        return self.model[contact_id]

    def owner(self, username: str | None) -> ModelAccount | None:
        """Return whose user name it is."""
        return next((each for each in self.model.values() if username is not None and each.username == username), None)

    def is_free(self, username: str | None, for_whom: str) -> bool:
        """Return whether somebody may have that user name."""
        owner = self.owner(username)
        return owner is None or owner.contact_id == for_whom

    def typed(self, account: ModelAccount | None, guess: str) -> str:
        """Return what somebody types as a password."""
        known = account is not None and account.password not in (None, UNKNOWN)
        if account is not None and guess == "right" and known:
            return str(account.password)
        if account is not None and guess == "earlier" and account.earlier:
            return account.earlier[-1]
        if account is not None and guess == "default" and account.name:
            return default_of(account)
        if account is not None and guess == "in the other case" and known:
            return str(account.password).swapcase() or "?"
        if guess == "a ticket":
            return self.tickets[-1]
        return "not the password at all"

    # -- the roster

    @initialize()
    def move_in(self) -> None:
        """Begin with two families."""
        for contact_id, username in zip(IDS[:2], USERNAMES, strict=False):
            self.sync(contact_id, "Abbiatici", username, restores=False)
            self.reset_one(contact_id)

    @rule(
        contact_id=ids,
        name=st.sampled_from(("Abbiatici", "O'Brien")),
        username=st.none() | usernames,
        restores=st.booleans(),
    )
    def sync(self, contact_id: str, name: str, username: str | None, restores: bool) -> None:
        """The SIS sends one contact."""
        contact = Contact(contact_id=ContactId(contact_id), first_name="Rosa", last_name=name)
        given = None if username is None else {contact_id: username}
        free = username if self.is_free(username, contact_id) else None
        account = self.model.get(contact_id)
        if account is None:
            self.model[contact_id] = ModelAccount(contact_id=contact_id, name=name, username=free)
            self.note(AuditKind.ACCOUNT_ADDED, contact_id)
        elif account.is_erased:
            if restores:
                self.does(AuditKind.ACCOUNT_RESTORED, account, account.restore, name, free)
        elif account.name != name or (account.username is None and free is not None):
            account.name = name
            kept = free if account.username is None else account.username
            self.does(AuditKind.ACCOUNT_REFRESHED, account, account.rename, kept)
        self.tells_nothing(
            self.portal.accounts.sync_contacts([contact], OFFICE, usernames=given, restore_erased=restores)
        )

    # -- defaults and invitations

    def may_issue(self, account: ModelAccount, *, replaces: bool) -> bool:
        """Return whether a reset sets this account's default."""
        own = account.origin in ("chosen", "imported")
        return account.is_active and account.username is not None and (replaces or not own)

    def issue(self, account: ModelAccount) -> None:
        """Set the default in the model."""
        self.does(AuditKind.PASSWORD_ISSUED, account, account.issue, default_of(account), self.clock.now)

    @rule(contact_id=ids)
    def reset_one(self, contact_id: str) -> None:
        """The office sets one password."""

        def modelled() -> None:
            account = self.found(contact_id)
            if self.may_issue(account, replaces=True):
                self.issue(account)

        result = self.agree(lambda: self.portal.resets.reset_password(contact_id, OFFICE), modelled)
        if result is not None and result.outcome == "set":
            stored = self.stored(contact_id)
            assert stored.credential.must_change
            assert stored.credential.expires_at is not None

    @rule(contact_ids=some_ids, invite=st.booleans())
    def plan_many(self, contact_ids: list[str], invite: bool) -> None:
        """The office selects some, for defaults or invitations, and goes for coffee."""
        plan = self.portal.resets.plan(contact_ids, OFFICE, replace_chosen=False, invite=invite)
        self.tells_nothing(plan, *plan)
        will = [each for each in contact_ids if each in self.model and self.may_issue(self.model[each], replaces=False)]
        assert [item.contact_id for item in plan if item.decision == "will_set"] == will
        self.plans.append((plan, {each: self.model[each].epoch for each in will}))

    @precondition(lambda self: self.plans)
    @rule(index=st.integers(0, 2))
    def reset_many(self, index: int) -> None:
        """The office presses OK, perhaps once more: who changed since the plan is left alone (R11)."""
        plan, epochs = self.plans[-1 - index % len(self.plans)]
        wanted = []
        for contact_id, epoch in epochs.items():
            account = self.model[contact_id]
            if account.epoch == epoch and self.may_issue(account, replaces=False):
                if plan.strategy == INVITATION:
                    self.does(AuditKind.INVITED, account, account.invite, self.clock.now)
                else:
                    self.issue(account)
                wanted.append(contact_id)
        report = self.portal.resets.start(plan.confirm(OFFICE)).run()
        for result in report:
            if plan.strategy == INVITATION:
                self.keep_invitation(result)
        self.tells_nothing(report, *report)
        assert [result.contact_id for result in report if result.outcome == "set"] == wanted

    @rule(contact_id=ids)
    def invite(self, contact_id: str) -> None:
        """The office sends an invitation."""

        def modelled() -> None:
            account = self.found(contact_id)
            if self.may_issue(account, replaces=True):
                self.does(AuditKind.INVITED, account, account.invite, self.clock.now)

        result = self.agree(lambda: self.portal.resets.invite(contact_id, OFFICE), modelled)
        if result is not None:
            self.keep_invitation(result)

    def keep_invitation(self, result: ResetResult) -> None:
        """Note the ticket that a result has, which it has if the contact was invited."""
        assert (result.secret is not None) is (result.outcome == "set")
        if result.secret is not None:
            self.keep_ticket(result.contact_id, result.secret, self.clock.now + LIFETIME)
        self.tells_nothing(result, result.to_record())

    def keep_ticket(self, contact_id: str, ticket: Secret, ends: Any) -> None:
        """Note the ticket that opens from now on."""
        account = self.model[contact_id]
        account.ticket, account.ticket_ends = ticket.reveal(), ends
        self.tickets.append(ticket.reveal())

    # -- families and thieves

    def verify(self, account: ModelAccount | None, password: str) -> str:
        """Return what a password comes to, before what it allows is done; counts and records as the throttle must."""
        if account is None or not account.is_active or account.origin == "none" or account.is_spent:
            self.note(AuditKind.SIGN_IN_FAILED, "-" if account is None else account.contact_id)
            return "SignInDenied"
        if password != account.password:
            account.failures += 1
            self.note(AuditKind.SIGN_IN_FAILED, account.contact_id)
            if account.is_spent:
                self.note(AuditKind.CREDENTIAL_SPENT, account.contact_id)
            return "SignInDenied"
        account.failures = 0
        if not account.must_change:
            return "SignedIn"
        if not account.works_at(self.clock.now):
            self.note(AuditKind.SIGN_IN_FAILED, account.contact_id)
            return "DefaultExpired"
        if account.is_compromised:
            self.note(AuditKind.SIGN_IN_FAILED, account.contact_id)
            return "PasswordCompromised"
        account.version += 1
        self.note(AuditKind.TICKET_OPENED, account.contact_id)
        return "PasswordChangeRequired"

    @rule(username=usernames | st.sampled_from(("nobody", "c-1", "rosa\0")), guess=guesses)
    def sign_in_anywhere(self, username: str, guess: str) -> None:
        """Somebody signs in under a name that may be nobody's."""
        self.sign_in(self.owner(username), username, guess)

    @rule(contact_id=ids, guess=guesses)
    def sign_in_at_home(self, contact_id: str, guess: str) -> None:
        """Somebody signs in under a name that is somebody's."""
        account = self.model.get(contact_id)
        if account is not None and account.username is not None:
            # In whatever case: it is the same user name.
            self.sign_in(account, account.username.upper(), guess)

    @rule(contact_id=ids, times=st.integers(1, CHOSEN_CAP + 1), unlocks=st.booleans())
    def guess(self, contact_id: str, times: int, unlocks: bool) -> None:
        """Somebody guesses, the office may unlock the account, and then its owner comes."""
        for _ in range(times):
            self.sign_in_at_home(contact_id, "wrong")
        if unlocks:
            self.change_one(contact_id, AccountChange.UNLOCK, "policy")
        self.sign_in_at_home(contact_id, "right")

    @rule(contact_id=ids)
    def try_the_live_ticket(self, contact_id: str) -> None:
        """The owner hands in the ticket that was given last."""
        account = self.model.get(contact_id)
        if account is not None and account.ticket is not None:
            self.hand_in(account.ticket, PHRASES[0])

    def sign_in(self, account: ModelAccount | None, username: str, guess: str) -> None:
        """Sign in, and compare."""
        password = self.typed(account, guess)
        had_failures = account is not None and account.failures > 0
        expected = self.verify(account, password)
        outcome = self.portal.sign_ins.sign_in(username, password)
        self.tells_nothing(outcome)
        assert type(outcome).__name__ == expected
        if isinstance(outcome, SignedIn):
            assert account is not None
            succeeded = AuditKind.SIGN_IN_SUCCEEDED_AFTER_FAILURES if had_failures else AuditKind.SIGN_IN_SUCCEEDED
            self.note(succeeded, account.contact_id)
            account.version += 1
            if account.has_old_hash:
                self.note(AuditKind.HASH_UPGRADED, account.contact_id)
                account.version, account.has_old_hash = account.version + 1, False
            account.last_sign_in_at = self.clock.now
            # What the store has now, and not only what the model thinks (R2).
            stored = self.stored(account.contact_id)
            assert outcome.account == stored
            assert stored.is_active
            assert not stored.credential.must_change
        self.keep_what_was_opened(account, outcome)

    @rule(index=st.integers(0, 4), new=new_passwords, forges=st.none() | ids)
    def complete_change(self, index: int, new: str, forges: str | None) -> None:
        """Somebody hands in a ticket: the live one, an old one, or one that is bent to fit another account."""
        ticket = self.tickets[-1 - index % len(self.tickets)]
        if forges is not None:
            ticket = f"{forges}.{ticket.rpartition('.')[2]}"
        self.hand_in(ticket, new)

    def hand_in(self, ticket: str, new: str) -> None:
        """Hand a ticket in, and compare."""
        account = self.model.get(ticket.rpartition(".")[0])
        if account is None or not account.opens(ticket, self.clock.now):
            expected = "TicketInvalid"
            self.note(AuditKind.TICKET_REFUSED, "-" if account is None else account.contact_id)
        else:
            expected = self.choose(account, new)
        outcome = self.portal.sign_ins.complete_change(ticket, new)
        self.tells_nothing(outcome)
        assert type(outcome).__name__ == expected
        if isinstance(outcome, PasswordChanged):
            stored = self.stored(ticket.rpartition(".")[0])
            assert outcome.account == stored
            assert not stored.credential.must_change

    @rule(username=usernames, guess=guesses, new=new_passwords)
    def change_password(self, username: str, guess: str, new: str) -> None:
        """Somebody who is signed in, or says so, changes the password."""
        account = self.owner(username)
        current = self.typed(account, guess)
        expected = self.verify(account, current)
        if expected == "SignedIn":
            assert account is not None
            expected = self.choose(account, new)
        outcome = self.portal.sign_ins.change_password(username, current, new)
        self.tells_nothing(outcome)
        assert type(outcome).__name__ == expected
        self.keep_what_was_opened(account, outcome)

    def choose(self, account: ModelAccount, new: str) -> str:
        """Choose a password in the model, and return the outcome."""
        if new == account.password or new not in PHRASES:
            self.note(AuditKind.PASSWORD_CHANGE_FAILED, account.contact_id)
            return "PasswordRefused"
        self.does(AuditKind.PASSWORD_CHANGED, account, account.replace, new, "chosen", self.clock.now)
        return "PasswordChanged"

    def keep_what_was_opened(self, account: ModelAccount | None, outcome: object) -> None:
        """Note the ticket of a right password."""
        if isinstance(outcome, PasswordChangeRequired):
            assert account is not None
            assert outcome.reason == (account.reason or "issued")
            self.keep_ticket(account.contact_id, outcome.ticket, self.clock.now + TICKET_LIFETIME)

    # -- what operators do to one account, or to several

    @rule(contact_id=ids, change=st.sampled_from(AccountChange), reason=reasons)
    def change_one(self, contact_id: str, change: AccountChange, reason: str) -> None:
        """An operator presses a button."""
        service: Any = self.portal.accounts
        reasons = {"reason": reason} if change is AccountChange.REQUIRE_CHANGE else {}
        self.agree(
            lambda: getattr(service, change.value)(contact_id, OFFICE, **reasons),
            lambda: self.model_change(self.found(contact_id), change, reason),
        )

    @rule(contact_ids=some_ids, change=st.sampled_from(AccountChange), reason=reasons)
    def change_many(self, contact_ids: list[str], change: AccountChange, reason: str) -> None:
        """An operator ticks several and presses it: those for whom it is nothing, or not possible, are left alone."""
        wanted = []
        for contact_id in contact_ids:
            account = self.model.get(contact_id)
            if account is None or (account.is_erased and change is not AccountChange.ERASE):
                continue
            before = len(self.expected)
            with suppress(Refused):
                self.model_change(account, change, reason)
            wanted += [contact_id] if len(self.expected) > before else []
        chosen = [ContactId(each) for each in contact_ids]
        given = reason if change is AccountChange.REQUIRE_CHANGE else None
        plan = self.portal.accounts.plan_change(chosen, OFFICE, change=change, reason=given)
        report = self.portal.accounts.apply_change(plan.confirm(OFFICE))
        self.tells_nothing(plan, report, *plan, *report)
        assert [result.item.contact_id for result in report if result.outcome == "changed"] == wanted

    def model_change(self, account: ModelAccount, change: AccountChange, reason: str) -> None:
        """Take an operator's step in the model."""
        if change is AccountChange.UNLOCK:
            account.failures = 0
            self.note(AuditKind.UNLOCKING_BEGUN, account.contact_id)
            self.note(AuditKind.CREDENTIAL_UNLOCKED, account.contact_id)
        elif change is AccountChange.DISABLE and account.is_active:
            self.does(AuditKind.ACCOUNT_DISABLED, account, account.disable)
        elif change is AccountChange.ENABLE and not account.is_active:
            self.does(AuditKind.ACCOUNT_ENABLED, account, account.enable)
        elif change is AccountChange.REQUIRE_CHANGE:
            self.does(AuditKind.CHANGE_REQUIRED, account, account.require_change, reason)
        elif change is AccountChange.END_SESSIONS:
            self.does(AuditKind.SESSIONS_ENDED, account, account.start_epoch)
        elif change is AccountChange.ERASE and not account.is_erased:
            self.does(AuditKind.ACCOUNT_ERASED, account, account.erase)

    @rule(contact_id=ids, username=st.none() | usernames)
    def rename(self, contact_id: str, username: str | None) -> None:
        """An operator gives another user name."""
        is_free = self.is_free(username, contact_id)

        def modelled() -> None:
            account = self.found(contact_id)
            if account.is_erased or not is_free:
                self.note(AuditKind.RENAME_REFUSED, contact_id)
            if account.is_erased or (is_free and account.username != username):
                self.does(AuditKind.ACCOUNT_RENAMED, account, account.rename, username)

        outcome = self.agree(lambda: self.portal.accounts.rename(contact_id, OFFICE, username=username), modelled)
        if outcome is not None:
            assert isinstance(outcome, UsernameTaken) is not is_free

    @rule(contact_ids=some_ids, password=phrases, reason=st.none() | reasons, replaces=st.booleans())
    def import_hashes(self, contact_ids: list[str], password: str, reason: str | None, replaces: bool) -> None:
        """Hashes of another system are imported."""
        wanted = []
        for contact_id in contact_ids:
            account = self.model.get(contact_id)
            if account is not None and account.is_active and (replaces or account.origin == "none"):
                wanted.append(contact_id)
                step = account.import_hash
                self.does(AuditKind.CREDENTIAL_IMPORTED, account, step, password, reason, self.clock.now)
        rows = [(each, OLD_COST.hash(Secret(password))) for each in contact_ids]
        plan = self.portal.accounts.plan_import(rows, OFFICE, replace=replaces, force_change=reason)
        confirmed: ConfirmedPlan[Any] = plan.confirm(OFFICE)
        report = self.portal.accounts.apply_import(confirmed)
        self.tells_nothing(plan, report, *plan, *report)
        assert [result.item.contact_id for result in report if result.outcome == "imported"] == wanted

    @rule(contact_id=ids)
    def age_the_hash(self, contact_id: str) -> None:
        """The hash of a password of one's own is one of some years ago, which the next sign-in upgrades (R4)."""
        account = self.model.get(contact_id)
        if account is not None and account.origin in ("chosen", "imported"):
            old = self.stored(contact_id)
            older = old.upgrade(OLD_COST.hash(Secret(str(account.password))))
            assert list(self.store.apply([Change(old=old, new=older)])) == [ApplyResult.APPLIED]
            account.version, account.has_old_hash = older.version, True

    @rule(old=ids, new=ids, keeps=st.sampled_from(("rekey", "old", "new")))
    def move(self, old: str, new: str, keeps: str) -> None:
        """The SIS renumbers somebody, or finds that two are one."""
        if old == new:
            return
        kind = AuditKind.ACCOUNT_REKEYED if keeps == "rekey" else AuditKind.ACCOUNT_MERGED

        def modelled() -> None:
            left = self.found(old)
            taker = self.model.get(new)
            if taker is None and (keeps != "rekey"):
                raise Refused(AccountNotFoundError.__name__)
            if keeps == "new":
                self.drop(left, new)
            elif left.is_erased:
                if taker is None:
                    raise Refused(WrongStateError.__name__)
            elif taker is not None and (taker.is_erased or (keeps == "rekey" and taker.origin != "none")):
                raise Refused(WrongStateError.__name__)
            else:
                self.take_over(left, taker, new, kind)

        if keeps == "rekey":
            self.agree(lambda: self.portal.accounts.rekey(old, new, OFFICE), modelled)
        else:
            kept = old if keeps == "old" else new
            self.agree(lambda: self.portal.accounts.merge(old, new, OFFICE, credential_of=kept), modelled)

    def drop(self, left: ModelAccount, kept: str) -> None:
        """Erase one of two in the model."""
        if not left.is_erased:
            self.does(AuditKind.ACCOUNT_ERASED, left, left.erase)
            self.note(AuditKind.ACCOUNT_MERGED, kept)

    def take_over(self, left: ModelAccount, taker: ModelAccount | None, new: str, kind: AuditKind) -> None:
        """Move an account in the model: parked, taken over, erased."""
        is_new = taker is None
        taker = taker or ModelAccount(contact_id=new, name=left.name, username=None)
        if left.username is not None:
            self.note(kind, left.contact_id)
            self.expected_told.append((left.contact_id, left.epoch + 1))
        taker.take_over(left)
        taker.version = 1 if is_new else taker.version
        self.model[new] = taker
        self.note(kind, new)
        self.note(AuditKind.ACCOUNT_ERASED, left.contact_id)
        self.expected_told.append((left.contact_id, left.epoch))
        if not is_new:
            self.expected_told.append((new, taker.epoch))

    # -- who may not, and when it is

    @rule(contact_id=ids, what=st.sampled_from(("reset", "invite", "rename", *AccountChange)))
    def overstep(self, contact_id: str, what: str) -> None:
        """Somebody without the privilege tries the same buttons; nothing happens but that it is on the record (R16)."""
        services: Any = self.portal.accounts
        buttons: dict[str, Callable[[], object]] = {
            "reset": lambda: self.portal.resets.reset_password(contact_id, GUEST),
            "invite": lambda: self.portal.resets.invite(contact_id, GUEST),
            "rename": lambda: self.portal.accounts.rename(contact_id, GUEST, username=None),
            "require_change": lambda: self.portal.accounts.require_change(contact_id, GUEST, reason="policy"),
        }

        def modelled() -> None:
            self.found(contact_id)
            self.note(AuditKind.PRIVILEGE_DENIED, contact_id)
            raise Refused(PrivilegeDeniedError.__name__)

        self.agree(buttons.get(what) or (lambda: getattr(services, str(what))(contact_id, GUEST)), modelled)

    @rule(by=st.sampled_from(CLOCKS))
    def set_the_clock(self, by: timedelta) -> None:
        """Time goes on, or somebody sets the clock back."""
        self.clock.now += by

    # -- what holds after every step

    def stored(self, contact_id: str) -> Account:
        """Return what the store has."""
        account = self.store.find(ContactId(contact_id))
        assert account is not None
        return account

    @invariant()
    def store_and_model_are_the_same(self) -> None:
        """Nothing was lost, nothing came by itself, and an issued password always demands a change (R1, R6)."""
        for contact_id in IDS:
            stored, model = self.store.find(ContactId(contact_id)), self.model.get(contact_id)
            if stored is None or model is None:
                assert (stored is None) is (model is None)
                continue
            credential = stored.credential
            assert (stored.username, stored.is_active, stored.erased_at is not None) == (
                model.username,
                model.is_active,
                model.is_erased,
            )
            assert (credential.origin, credential.must_change, credential.change_required_by) == (
                model.origin,
                model.must_change,
                model.reason,
            )
            assert credential.expires_at == model.expires_at
            assert stored.last_sign_in_at == model.last_sign_in_at
            assert credential.ticket_digest == (None if model.ticket is None else digest(model.ticket))
            assert (credential.epoch, stored.version) == (model.epoch, model.version)
            self.tells_nothing(stored)

    @invariant()
    def the_record_tells_each_step_once(self) -> None:
        """Each change, denial and refusal is on the record once, and nothing else is (R17)."""
        events = self.store.events()
        new, self.seen_events = events[self.seen_events :], len(events)
        told = [f"{each.kind.value} {each.contact_id or '-'}" for each in new if each.kind not in NOT_OF_A_STEP]
        expected, self.expected = self.expected, []
        assert Counter(told) == Counter(expected)

    @invariant()
    def the_host_hears_of_each_epoch_once(self) -> None:
        """The hook is told of every change that ends sessions, once (ASVS 6.3.7)."""
        told, self.told = self.told, []
        expected, self.expected_told = self.expected_told, []
        assert sorted(told) == sorted(expected)

    @invariant()
    def who_is_kept_out_is_told(self) -> None:
        """Exactly the credentials that failures spent are shown as spent, until their epoch ends or an unlock (R9)."""
        shown = self.portal.accounts.find_locked(list(self.model), OFFICE)
        assert set(shown) == {each.contact_id for each in self.model.values() if each.failures and each.is_spent}


def default_of(account: ModelAccount) -> str:
    """Return the default by the name that the account has now."""
    contact = Contact(contact_id=ContactId(account.contact_id), first_name="Rosa", last_name=account.name)
    return default_password(contact).reveal()
