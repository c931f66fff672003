"""Write letters for contacts whose default, or invitation, is verified to be the one that works."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import attrs

from .._arguments import contact_ids_in, has_methods, is_claim_proof, items_in, operator_in, parts_in
from .._chunks import chunks
from .._ids import digest
from .._ledger import AT_A_TIME
from .._service import StaffService
from .._text import same_text
from ..accounts import Account, CredentialOrigin
from ..audit import AuditEvent, AuditKind
from ..contacts import ContactId
from ..exceptions import UnderivableError
from ..privileges import Operator, Privilege
from ..protocols import ClaimProof, DefaultPasswordStrategy, HashMatcher
from ..secret import Secret
from .letter import Letter, LetterOutcome, LetterReason, Letters

_IDS: Final = "pass a list of ids, also for one: [contact_id]"
_RESULTS: Final = "pass the results of a job that reveals or invites, such as its report; also for one: [result]"


class Drawn(Protocol):
    """A result of a job: what `ResetReport` has a row of."""

    @property
    def contact_id(self) -> ContactId:
        """Whose."""
        ...

    @property
    def secret(self) -> Secret | None:
        """The password if it was revealed, or the ticket of an invitation."""
        ...


@attrs.frozen(eq=False, repr=False)
class LetterService(StaffService):
    """
    Writes what families must be told to sign in.

    Args:
        store: The accounts.
        hasher: Verifies what is printed: the one that verifies it at sign-in.
        authorizer: The host's rule of who may do what to whom (R16).
        strategy: How defaults are made.
        claim_proof: That of the sign-in service. If it can tell what it asks for, as `LetterCode` can, that is in the
            letter too.
        audit: Where reveals and refusals go on the record; the store itself if it is a sink.
        clock: Tells the time.
        allow_own_account: Whether operators may write a letter to themselves; not by default.

    Raises:
        ConfigurationError: A part is missing, or cannot do its work.
    """

    _hasher: HashMatcher = attrs.field(
        kw_only=True,
        alias="hasher",
        repr=False,
        validator=has_methods("match_each", hint="pass one that is a HashMatcher too, such as an UpgradingHasher"),
    )
    _strategy: DefaultPasswordStrategy = attrs.field(
        kw_only=True,
        alias="strategy",
        validator=has_methods("derive", hint="pass the strategy of the resets, such as LastNameFirstInitial()"),
    )
    _claim_proof: ClaimProof | None = attrs.field(
        kw_only=True, default=None, alias="claim_proof", repr=False, validator=is_claim_proof
    )

    def write(
        self,
        contact_ids: Iterable[str],
        operator: Operator,
        *,
        results: Iterable[Drawn] = (),
    ) -> Letters:
        """
        Return a letter for each of the contacts, or why there is none. No account is changed.

        A default that is made of the names is derived again; one that was drawn, or an invitation, is taken from the
        results of the job that drew it. A default is printed only if it verifies against the stored hash (R15), which
        costs a hash each, on all cores; an invitation only if it is the one that works.

        It takes the privilege ``reveal`` on each account, of an invited one ``invite``, and ``view_usernames``. Each
        password and letter code, and each refusal, is on the record before this returns. What cannot be recorded is
        not told.

        Args:
            contact_ids: Whose, in the order of the letters.
            operator: Who writes them.
            results: What a job that reveals or invites yielded, or its report. Needed where the strategy draws the
                passwords, and for invitations, whose contacts get the address of theirs.

        Raises:
            InvalidValueError: An argument is not several of what it should be.
            StoreError: The accounts could not be read, or the letters not recorded. Nothing is told.
            HashingUnavailableError: Nothing could be verified.
        """
        ids = contact_ids_in(ContactId(each) for each in items_in("contact_ids", contact_ids, _IDS))
        operator_in(operator)
        drawn = {
            each.contact_id: Secret(each.secret)
            for each in parts_in("results", results, ("contact_id", "secret"), _RESULTS)
            if each.secret is not None
        }
        written: list[Letter] = []
        for chunk in chunks(dict.fromkeys(ids), AT_A_TIME):
            written.extend(self._write_some(chunk, operator, drawn))
        return Letters(items=tuple(written))

    def _write_some(
        self,
        contact_ids: Sequence[ContactId],
        operator: Operator,
        drawn: Mapping[ContactId, Secret],
    ) -> Iterator[Letter]:
        stored, unreadable = self._ledger.read(contact_ids)
        permitted = self._permitted(list(stored.values()), operator)
        now = self._clock()
        found: dict[ContactId, Secret | LetterReason] = {}
        for account in permitted.values():
            contact_id = account.contact_id
            found[contact_id] = self._find(account, drawn.get(contact_id), now)
        self._verify(permitted, found)
        shown = [permitted[contact_id] for contact_id, each in found.items() if not isinstance(each, LetterReason)]
        codes = self._codes(shown)
        # Before anything is told (R15).
        self._record_letters(shown, operator, codes)
        for contact_id in contact_ids:
            told = found.get(contact_id)
            if told is None:
                absent = LetterReason.NOT_PERMITTED if contact_id in stored else LetterReason.NO_ACCOUNT
                reason = LetterReason.STORE_REFUSED if contact_id in unreadable else absent
                yield _refused(contact_id, None, reason)
            elif isinstance(told, LetterReason):
                yield _refused(contact_id, permitted[contact_id], told)
            else:
                yield _letter(permitted[contact_id], told, codes.get(contact_id))

    def _permitted(self, accounts: Sequence[Account], operator: Operator) -> dict[ContactId, Account]:
        """Return the accounts whose letter the operator may see, and record each refusal (R16)."""
        invited = [account for account in accounts if account.credential.is_invited]
        others = [account for account in accounts if not account.credential.is_invited]
        may = self._check.permitted_ids(operator, Privilege.INVITE, invited)
        may |= self._check.permitted_ids(operator, Privilege.REVEAL, others)
        named = [account for account in accounts if account.contact_id in may]
        may &= self._check.permitted_ids(operator, Privilege.VIEW_USERNAMES, named)
        return {account.contact_id: account for account in named if account.contact_id in may}

    def _find(self, account: Account, drawn: Secret | None, now: datetime) -> Secret | LetterReason:
        """Return what would be printed, or why nothing can be."""
        credential = account.credential
        origins = {
            CredentialOrigin.NONE: LetterReason.NO_PASSWORD,
            CredentialOrigin.CHOSEN: LetterReason.CHOSE_OWN,
            CredentialOrigin.IMPORTED: LetterReason.IMPORTED,
        }
        if account.erased_at is not None:
            return LetterReason.ERASED
        if not account.is_active:
            return LetterReason.DISABLED
        if account.username is None:
            return LetterReason.NO_USERNAME
        if credential.origin in origins:
            return origins[credential.origin]
        if credential.is_expired(now) or credential.is_from_ahead(now):
            return LetterReason.EXPIRED
        if credential.is_invited:
            return drawn if drawn is not None and _is_open(account, drawn) else LetterReason.INVITED
        return self._derive(account) if drawn is None else drawn

    def _derive(self, account: Account) -> Secret | LetterReason:
        if account.credential.strategy != self._strategy.id:
            return LetterReason.OTHER_STRATEGY
        if not self._strategy.is_derivable:
            return LetterReason.DRAWN
        try:
            return Secret(self._strategy.derive(account.contact).secret)
        except UnderivableError:
            return LetterReason.NOT_DERIVABLE
        except Exception:  # noqa: BLE001  A host's strategy may fail in any way; its text may quote a name (R14).
            return LetterReason.STRATEGY_FAILED

    def _verify(self, accounts: Mapping[ContactId, Account], found: dict[ContactId, Secret | LetterReason]) -> None:
        """Put a reason in the place of each password that is not the stored one."""
        tries = [
            (accounts[contact_id], each.password_hash, secret)
            for contact_id, secret in found.items()
            if not isinstance(secret, LetterReason)
            for each in [accounts[contact_id].credential]
            if each.password_hash is not None and not each.is_invited
        ]
        matches = self._hasher.match_each((password_hash, [secret]) for _, password_hash, secret in tries)
        for (account, _, _), match in zip(tries, matches, strict=True):
            if match.place is None:
                moved = account.has_default_of_old_name
                other = LetterReason.NAME_CHANGED if moved else LetterReason.OTHER_PASSWORD
                found[account.contact_id] = other if match.fault is None else LetterReason.NOT_VERIFIED

    def _codes(self, accounts: Sequence[Account]) -> dict[ContactId, Secret]:
        # By attribute: most claim proofs cannot tell what they ask for.
        code_of: Callable[[Account, str], Secret] | None = getattr(self._claim_proof, "code_of", None)
        if code_of is None:
            return {}
        asked = (account for account in accounts if account.credential.asks_for_proof)
        return {account.contact_id: code_of(account, self._tenant) for account in asked}

    def _record_letters(
        self, accounts: Sequence[Account], operator: Operator, codes: Mapping[ContactId, Secret]
    ) -> None:
        def told(kind: AuditKind, account: Account) -> AuditEvent:
            issue = account.credential.issue_id
            return self._event(kind, operator, account, reason="letter", operation_id=issue)

        events = [told(AuditKind.PASSWORD_REVEALED, each) for each in accounts if not each.credential.is_invited]
        events += [told(AuditKind.CLAIM_CODE_REVEALED, each) for each in accounts if each.contact_id in codes]
        if events:
            self._audit.record(events)
        if accounts:
            seen = [account.contact_id for account in accounts]
            self._record(AuditKind.USERNAME_VIEWED, operator, count=len(seen), reason="letter", shown=seen)


def _is_open(account: Account, ticket: Secret) -> bool:
    stored: Any = account.credential.ticket_digest
    return stored is not None and same_text(stored, digest(ticket.reveal()))


def _letter(account: Account, secret: Secret, code: Secret | None) -> Letter:
    is_invited = account.credential.is_invited
    return Letter(
        contact_id=account.contact_id,
        outcome=LetterOutcome.WRITTEN,
        first_name=account.contact.first_name,
        last_name=account.contact.last_name,
        username=account.username,
        password=None if is_invited else secret,
        ticket=secret if is_invited else None,
        code=code,
        expires_at=account.credential.expires_at,
    )


def _refused(contact_id: ContactId, account: Account | None, reason: LetterReason) -> Letter:
    return Letter(
        contact_id=contact_id,
        outcome=LetterOutcome.REFUSED,
        reason=reason,
        first_name=None if account is None else account.contact.first_name,
        last_name=None if account is None else account.contact.last_name,
    )
