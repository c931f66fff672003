"""Decide about each account whether its password is set, the same way when planning and when applying."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ._privilege_check import PrivilegeCheck
from ._text import TextFaultError, canonical_password
from .accounts import Account, AccountStatus, CredentialOrigin
from .contacts import ContactId
from .default_passwords import Derived
from .exceptions import UnderivableError
from .privileges import Operator, Privilege
from .protocols import Clock, DefaultPasswordStrategy
from .reset_plan import Decision, DecisionReason


@attrs.frozen(kw_only=True)
class ResetTerms:
    """What a decision depends on besides the account."""

    replace_chosen: bool
    reveal: bool
    privilege: Privilege
    operator: Operator


@attrs.frozen(kw_only=True)
class Verdict:
    """What is decided about one account; *derived* is there if and only if its password is to be set."""

    decision: Decision
    reason: DecisionReason | None = None
    warnings: tuple[str, ...] = ()
    derived: Derived | None = None


@attrs.frozen(kw_only=True)
class ResetDecider:
    """
    The rule of who gets a default.

    Args:
        strategy: What makes the defaults.
        check: Who may set whose.
        clock: Tells the time.
    """

    strategy: DefaultPasswordStrategy
    check: PrivilegeCheck
    clock: Clock

    def verdicts(self, stored: Mapping[ContactId, Account], terms: ResetTerms) -> dict[ContactId, Verdict]:
        """Decide about each account, as it is now; the authorizer is asked once for all of them."""
        accounts = list(stored.values())
        may_set = self.check.permitted_on_record(terms.operator, terms.privilege, accounts)
        may_see = [True] * len(accounts)
        if terms.reveal:
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
        if not account.is_active:
            return Verdict(decision=Decision.SKIP, reason=DecisionReason.DISABLED)
        own = account.credential.origin in (CredentialOrigin.CHOSEN, CredentialOrigin.IMPORTED)
        if own and not terms.replace_chosen:
            return Verdict(decision=Decision.SKIP, reason=DecisionReason.CHOSE_OWN)
        if account.username is None:
            return _cannot(DecisionReason.NO_USERNAME)
        try:
            derived = self.strategy.derive(account.contact)
            # A strategy of the host's may make what nobody could sign in with.
            canonical_password(derived.secret.reveal())
        except (UnderivableError, TextFaultError):
            return _cannot(DecisionReason.NOT_DERIVABLE)
        warnings = list(derived.warnings)
        if own:
            warnings.append("replaces_chosen")
        elif account.status(self.clock()) == AccountStatus.DEFAULT_LIVE:
            warnings.append("replaces_live_default")
            if account.has_default_of_old_name:
                warnings.append("default_of_old_name")
        return Verdict(decision=Decision.WILL_SET, warnings=tuple(warnings), derived=derived)


def set_privilege(one: bool) -> Privilege:
    """Return the privilege that setting one, or many, takes (R16)."""
    return Privilege.SET_ONE if one else Privilege.SET_MANY


def _cannot(reason: DecisionReason) -> Verdict:
    return Verdict(decision=Decision.CANNOT, reason=reason)
