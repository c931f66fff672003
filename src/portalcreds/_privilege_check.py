"""Ask the authorizer in one place, and put every refusal on the record (R16)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from .accounts import Account
from .audit import AuditEvent, AuditKind
from .exceptions import ConfigurationError, InvalidValueError, PrivilegeDeniedError
from .privileges import Operator, Privilege
from .protocols import AuditSink, Authorizer, Clock


@attrs.frozen(kw_only=True)
class PrivilegeCheck:
    """
    What stands between an operator and an account.

    Args:
        authorizer: The host's rule.
        audit: Where refusals are recorded.
        clock: Tells the time.
        allow_own_account: Whether operators may change the account that is their own.
    """

    authorizer: Authorizer
    audit: AuditSink
    clock: Clock
    allow_own_account: bool = False

    def permitted(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account]) -> list[bool]:
        """Return, for each account, whether the operator may; what the host did not clearly allow is refused."""
        # By attribute: an Operator of another vendored copy is one too.
        if not hasattr(operator, "operator_id") or not hasattr(operator, "contact_id"):
            raise InvalidValueError("operator", 'pass an Operator, such as Operator(operator_id="mreyes")')
        if not accounts:
            return []
        answers = list(self.authorizer(operator, privilege, accounts))
        if len(answers) != len(accounts):
            raise ConfigurationError("authorizer", "return one bool for each account, in their order")
        # Looking, and a sync, never touch a credential.
        is_harmless = privilege in (Privilege.VIEW_USERNAMES, Privilege.SYNC)
        return [
            answer is True
            and (
                is_harmless
                or self.allow_own_account
                or operator.contact_id is None
                or operator.contact_id != account.contact_id
            )
            for answer, account in zip(answers, accounts, strict=True)
        ]

    def permitted_on_record(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account]) -> list[bool]:
        """Do the same, and record each refusal."""
        answers = self.permitted(operator, privilege, accounts)
        denied = [account.contact_id for account, answer in zip(accounts, answers, strict=True) if not answer]
        if denied:
            now = self.clock()
            self.audit.record(
                [
                    AuditEvent(
                        kind=AuditKind.PRIVILEGE_DENIED,
                        at=now,
                        operator_id=operator.operator_id,
                        contact_id=contact_id,
                        reason=privilege.value,
                    )
                    for contact_id in denied
                ]
            )
        return answers

    def require(self, operator: Operator, privilege: Privilege, account: Account) -> None:
        """
        Return if the operator may.

        Raises:
            PrivilegeDeniedError: They may not; that is on the record now.
        """
        if not all(self.permitted_on_record(operator, privilege, [account])):
            raise PrivilegeDeniedError(operator.operator_id, privilege.value, (account.contact_id,))


def audit_of(store: object) -> AuditSink:
    """
    Return the store as the sink to record in, as the stores that ship are; for where no other sink was handed in.

    Raises:
        ConfigurationError: It is none.
    """
    if not callable(getattr(store, "record", None)):
        raise ConfigurationError("audit", "pass an AuditSink; this store does not record events itself")
    return store  # type: ignore[return-value]  # An AuditSink by its shape, as was just seen.
