"""Ask the authorizer in one place, and put every refusal on the record (R16)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from ._arguments import operator_in
from .accounts import Account
from .audit import AuditEvent, AuditKind
from .contacts import ContactId
from .exceptions import ConfigurationError, PrivilegeDeniedError
from .privileges import Operator, Privilege, actor
from .protocols import AuditSink, Authorizer, Clock

_ONE_EACH: Final = "return a sequence with one bool for each account, in their order"


class PrivilegeCheck:
    """
    The check that an operator passes before anything is done to an account.

    Args:
        authorizer: The host's rule.
        audit: Where refusals are recorded.
        clock: Tells the time.
        allow_own_account: Whether operators may change the account that is their own.
    """

    def __init__(
        self, *, authorizer: Authorizer, audit: AuditSink, clock: Clock, allow_own_account: bool = False
    ) -> None:
        self.authorizer = authorizer
        self.audit = audit
        self.clock = clock
        self.allow_own_account = allow_own_account

    def permitted(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account]) -> list[bool]:
        """Return for each account whether the operator may. Anything but True, numpy's too, is a refusal."""
        operator = operator_in(operator)
        if not accounts:
            return []
        answers = self._ask(operator, privilege, accounts)
        # Looking, and a sync, never touch a credential.
        is_harmless = privilege in (Privilege.VIEW_USERNAMES, Privilege.SYNC)
        return [
            _is_true(answer)
            and (
                is_harmless
                or self.allow_own_account
                or operator.contact_id is None
                or operator.contact_id != account.contact_id
            )
            for answer, account in zip(answers, accounts, strict=True)
        ]

    def sees_all(self, operator: Operator) -> bool:
        """Return whether the operator may see every account, by what the authorizer says without looking at each."""
        # By attribute: a plain function says nothing about it, and then each account is asked about.
        ask = getattr(self.authorizer, "holds_on_all", None)
        return callable(ask) and _is_true(ask(operator_in(operator), Privilege.VIEW_USERNAMES))

    def _ask(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account]) -> list[object]:
        answers: object = self.authorizer(operator, privilege, accounts)
        if not isinstance(answers, Iterable) or isinstance(answers, (str, bytes, Mapping)):
            raise ConfigurationError("authorizer", _ONE_EACH)
        # No more than one too many: a generator may never end.
        listed: list[object] = list(islice(answers, len(accounts) + 1))
        if len(listed) != len(accounts):
            raise ConfigurationError("authorizer", _ONE_EACH)
        return listed

    def permitted_on_record(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account]) -> list[bool]:
        """Return the same as `permitted`, and record each refusal."""
        answers = self.permitted(operator, privilege, accounts)
        denied = [account.contact_id for account, answer in zip(accounts, answers, strict=True) if not answer]
        if denied:
            now = self.clock()
            self.audit.record(
                [
                    AuditEvent(
                        kind=AuditKind.PRIVILEGE_DENIED,
                        at=now,
                        **actor(operator),
                        contact_id=contact_id,
                        reason=privilege.value,
                    )
                    for contact_id in denied
                ]
            )
        return answers

    def permitted_ids(
        self, operator: Operator, privilege: Privilege, accounts: Iterable[Account]
    ) -> frozenset[ContactId]:
        """Return the contacts of those accounts with which the operator may, and record each refusal."""
        listed = list(accounts)
        answers = self.permitted_on_record(operator, privilege, listed)
        return frozenset(account.contact_id for account, may in zip(listed, answers, strict=True) if may)

    def require(self, operator: Operator, privilege: Privilege, account: Account) -> None:
        """
        Return if the operator may.

        Raises:
            PrivilegeDeniedError: They may not. The refusal is on the record.
        """
        if not all(self.permitted_on_record(operator, privilege, [account])):
            raise PrivilegeDeniedError(operator.operator_id, privilege.value, (account.contact_id,))


def _is_true(answer: object) -> bool:
    # numpy's bool is none of Python's, and what a rule over a table answers with. By name: numpy is not imported here.
    kind = type(answer)
    return answer is True or (kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_") and bool(answer))


def audit_of(store: object) -> AuditSink:
    """
    Return the store as the audit sink, where no other was passed. The stores that ship are sinks too.

    Raises:
        ConfigurationError: The store cannot record events.
    """
    if not callable(getattr(store, "record", None)):
        raise ConfigurationError("audit", "pass an AuditSink; this store does not record events itself")
    return store  # type: ignore[return-value]  # An AuditSink by its shape, as was just seen.
