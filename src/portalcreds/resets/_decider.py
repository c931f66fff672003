"""Decide for each account whether its password is set, or it is invited; a plan and its job decide the same way."""

from __future__ import annotations

from collections.abc import Mapping

from .._privilege_check import PrivilegeCheck
from .._text import TextFaultError, canonical_password, username_key
from ..accounts import INVITATION, Account, AccountStatus, CredentialOrigin
from ..contacts import ContactId
from ..derived import Derived
from ..exceptions import UnderivableError
from ..privileges import Operator, Privilege
from ..protocols import Clock, DefaultPasswordStrategy
from .plan import Decision, DecisionReason, ResetWarning


class ResetTerms:
    """What a decision depends on, apart from the account."""

    def __init__(self, *, replace_chosen: bool, reveal: bool, count: int, operator: Operator) -> None:
        self.replace_chosen = replace_chosen
        self.reveal = reveal
        self.count = count
        self.operator = operator


class Verdict:
    """What is decided about one account; *derived* is not None if its password, or an invitation, is to be set."""

    def __init__(
        self,
        *,
        decision: Decision,
        reason: DecisionReason | None = None,
        warnings: tuple[str, ...] = (),
        derived: Derived | None = None,
    ) -> None:
        self.decision = decision
        self.reason = reason
        self.warnings = warnings
        self.derived = derived


class ResetDecider:
    """
    The rule of who gets a default, or an invitation.

    Args:
        strategy: What makes the defaults, or draws the invitations.
        check: Who may set whose.
        clock: Tells the time.
    """

    def __init__(self, *, strategy: DefaultPasswordStrategy, check: PrivilegeCheck, clock: Clock) -> None:
        self.strategy = strategy
        self.check = check
        self.clock = clock

    @property
    def invites(self) -> bool:
        """Whether contacts are invited and get no default."""
        return self.strategy.id == INVITATION

    def privilege(self, count: int) -> Privilege:
        """Return the privilege that it takes for so many contacts (R16)."""
        if self.invites:
            return Privilege.INVITE
        return Privilege.SET_ONE if count == 1 else Privilege.SET_MANY

    def verdicts(self, stored: Mapping[ContactId, Account], terms: ResetTerms) -> dict[ContactId, Verdict]:
        """Decide about each account as it is now; the authorizer is called once for all of them."""
        accounts = list(stored.values())
        may_set = self.check.permitted_on_record(terms.operator, self.privilege(terms.count), accounts)
        may_see = [True] * len(accounts)
        # Whoever may invite is told the tickets: nobody else is.
        if terms.reveal and not self.invites:
            may_see = self.check.permitted_on_record(terms.operator, Privilege.REVEAL, accounts)
        verdicts = {}
        for account, sets, sees in zip(accounts, may_set, may_see, strict=True):
            if not sets:
                verdict = _cannot(DecisionReason.NOT_PERMITTED)
            elif not sees:
                verdict = _cannot(DecisionReason.REVEAL_NOT_PERMITTED)
            else:
                verdict = self._decide(account, terms)
            verdicts[account.contact_id] = verdict
        return verdicts

    def _decide(self, account: Account, terms: ResetTerms) -> Verdict:
        if account.erased_at is not None:
            return _cannot(DecisionReason.ERASED)
        if not account.is_active:
            return Verdict(decision=Decision.SKIP, reason=DecisionReason.DISABLED)
        own = account.credential.origin in (CredentialOrigin.CHOSEN, CredentialOrigin.IMPORTED)
        if own and not terms.replace_chosen:
            return Verdict(decision=Decision.SKIP, reason=DecisionReason.CHOSE_OWN)
        if account.username is None:
            return _cannot(DecisionReason.NO_USERNAME)
        try:
            derived = self.strategy.derive(account.contact)
            if not self.invites:
                # A strategy of the host's may make what nobody could sign in with.
                canonical_password(derived.secret.reveal())
        except (UnderivableError, TextFaultError):
            return _cannot(DecisionReason.NOT_DERIVABLE)
        except Exception:  # noqa: BLE001  A host's strategy may fail in any way; its text may quote a name (R14).
            return _cannot(DecisionReason.STRATEGY_FAILED)
        warnings = list(derived.warnings)
        if self.strategy.is_derivable and _gives_away(account.username, derived):
            warnings.append(ResetWarning.USERNAME_GIVES_DEFAULT_AWAY)
        if own:
            warnings.append(ResetWarning.REPLACES_CHOSEN)
        elif account.status(self.clock()) == AccountStatus.DEFAULT_LIVE:
            warnings.append(ResetWarning.REPLACES_LIVE_DEFAULT)
            if account.has_default_of_old_name:
                warnings.append(ResetWarning.DEFAULT_OF_OLD_NAME)
        return Verdict(decision=Decision.WILL_SET, warnings=tuple(warnings), derived=derived)


def _gives_away(username: str, derived: Derived) -> bool:
    """Return whether the default is in the user name, so that nobody has to know the rule to guess it."""
    try:
        return username_key(derived.secret.reveal()) in username_key(username)
    except TextFaultError:
        return False


def _cannot(reason: DecisionReason) -> Verdict:
    return Verdict(decision=Decision.CANNOT, reason=reason)
