"""Plan an import of hashes and apply it, for `AccountService`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import attrs

from .._chunks import chunks
from .._ledger import AT_A_TIME, Accounts, Ledger, NotWritten, Write
from .._privilege_check import PrivilegeCheck
from .._text import TextFaultError, username_key
from ..accounts import Account, CredentialOrigin, PasswordHash
from ..audit import AuditEvent, AuditKind
from ..contacts import ContactId
from ..exceptions import HashingUnavailableError, InvalidValueError
from ..plans import ConfirmedPlan, PlanRecord, carry_out
from ..privileges import Operator, Privilege, actor
from ..protocols import Change, Clock, HashDescriber, HashDescription
from ._import_rows import ReadRow
from .imports import (
    HashImportWarning,
    ImportDecision,
    ImportItem,
    ImportOutcome,
    ImportPlan,
    ImportReason,
    ImportReport,
    ImportResult,
    KeptHashes,
)

_MAX_ROUNDS: Final = 4
"""How often a contact is decided about, if the account changes between reading and writing each time."""

_WRAPPED_AT_A_TIME: Final = 64
"""Rows of which the hashes are wrapped and committed at a time: what a kill can interrupt, seconds of hashing."""

_UNUSABLE: Final = frozenset({"*", "x", "*LK*", "*NP*", "NP", "LK"})
"""What Unix has in place of a hash where nobody signs in with a password."""

_HELD: Final = {
    CredentialOrigin.CHOSEN: (ImportReason.CHOSE_OWN, HashImportWarning.REPLACES_CHOSEN),
    CredentialOrigin.ISSUED: (ImportReason.HAS_DEFAULT, HashImportWarning.REPLACES_DEFAULT),
    CredentialOrigin.IMPORTED: (ImportReason.ALREADY_IMPORTED, HashImportWarning.REPLACES_IMPORTED),
}
"""For each origin, why its password is left alone, and the warning where it is not."""

_OUTCOMES: Final = {ImportDecision.SKIP: ImportOutcome.SKIPPED, ImportDecision.CANNOT: ImportOutcome.CANNOT}

_Prepared = PasswordHash | ImportResult
"""What is stored for a row, or its result if that is nothing."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class HashImporter:
    """
    Imports hashes.

    Args:
        ledger: The accounts.
        check: Who may import whose.
        hasher: Tells what a hash is, and wraps; it verifies them at sign-in.
        clock: Tells the time.
        record: Puts on the record whose user names were seen.
    """

    ledger: Ledger
    check: PrivilegeCheck
    hasher: HashDescriber
    clock: Clock
    record: Callable[..., None]

    def plan(
        self, rows: Iterable[ReadRow], operator: Operator, *, replace: bool, force_change: str | None, tenant: str
    ) -> ImportPlan:
        """Return what would be done, one item for each row; nothing is written."""
        items: list[ImportItem] = []
        hashes: dict[int, PasswordHash] = {}
        taken: set[ContactId] = set()
        seen: set[ContactId] = set()
        for chunk in chunks(rows, AT_A_TIME):
            for row, item in zip(chunk, self._plan_chunk(chunk, operator, replace, seen), strict=True):
                owner, password_hash = item.contact_id, row.password_hash
                if item.decision != ImportDecision.WILL_IMPORT or owner is None or password_hash is None:
                    items.append(item)
                elif owner in taken:
                    items.append(
                        attrs.evolve(item, decision=ImportDecision.SKIP, reason=ImportReason.LISTED_TWICE, warnings=())
                    )
                else:
                    taken.add(owner)
                    hashes[row.row] = password_hash
                    items.append(item)
        self._record_seen(operator, seen)
        return ImportPlan(
            items=tuple(items),
            operator=operator,
            replace=replace,
            force_change=force_change,
            tenant=tenant,
            clock=self.clock,
            record=PlanRecord(self.ledger.audit),
            hashes=KeptHashes(hashes, self.hasher),
        )

    def apply(
        self,
        confirmed: ConfirmedPlan[ImportPlan],
        progress: Callable[[ImportResult], object] | None,
        cancel: Callable[[], bool] | None,
    ) -> ImportReport:
        """Decide about each contact again, write what is to be written, and return one result for each row."""
        items = self._shown_to_confirmer(confirmed)
        planned = [item for item in items if item.decision == ImportDecision.WILL_IMPORT]
        wraps = any(item.hash is not None and item.hash.can_be_wrapped for item in planned)
        results = carry_out(
            items,
            lambda chunk: self._settle(confirmed, chunk, len(planned)),
            _not_settled,
            at_a_time=_WRAPPED_AT_A_TIME if wraps else AT_A_TIME,
            progress=progress,
            cancel=cancel,
        )
        return ImportReport(key=confirmed.key, items=results)

    # -- plan

    def _plan_chunk(
        self, rows: Sequence[ReadRow], operator: Operator, replace: bool, seen: set[ContactId]
    ) -> list[ImportItem]:
        """Return the rows' items, and put into *seen* those whose user names they tell."""
        keys = {each.row: _key(each.username) for each in rows if each.contact_id is None and each.username is not None}
        named = self.ledger.store.find_owners([key for key in keys.values() if key is not None]) if keys else {}
        owners = {each.row: each.contact_id or named.get(keys.get(each.row) or "") for each in rows}
        listed = {owner for owner in owners.values() if owner is not None}
        found, unreadable = self.ledger.read(list(listed)) if listed else ({}, {})
        for number, key in keys.items():
            account = found.get(owners[number] or ContactId(""))
            # Compared again, because a database may match what is not equal (R18).
            if account is not None and account.username_key != key:
                owners[number] = None
        permitted = self.check.permitted_ids(operator, Privilege.IMPORT, found.values())
        by_name = {owners[row.row] for row in rows if row.username is not None}
        to_show = [found[each] for each in found if each in permitted and each in by_name]
        shown = self.check.permitted_ids(operator, Privilege.VIEW_USERNAMES, to_show)
        seen |= shown
        items = []
        for row in rows:
            owner = owners[row.row]
            if owner is not None and owner in (permitted if row.username is None else shown):
                items.append(self._item(row, found[owner], None, replace))
                continue
            reason = ImportReason.NO_ACCOUNT
            if row.fault == ImportReason.OWNER_MISSING:
                reason = row.fault
            elif owner is not None and owner in unreadable:
                reason = ImportReason.STORE_REFUSED
            elif owner is not None and owner in found and row.contact_id is not None:
                # By user name it is the same as nobody: a refusal would tell that somebody has it. The record tells.
                reason = ImportReason.NOT_PERMITTED
            items.append(self._item(row, None, reason, replace))
        return items

    def _item(self, row: ReadRow, account: Account | None, reason: ImportReason | None, replace: bool) -> ImportItem:
        """Return the row's item; for nobody's account it says the reason."""
        said = None if row.password_hash is None else self.hasher.describe(row.password_hash)
        decision = ImportDecision.CANNOT
        warnings: tuple[HashImportWarning, ...] = ()
        if account is not None:
            decision, reason = _state(account, replace)
            fault = row.fault or _fault(row.password_hash, said)
            if row.username is not None and not _has_username(account, row.username):
                decision, reason = ImportDecision.CANNOT, ImportReason.USERNAME_DIFFERS
            elif decision == ImportDecision.WILL_IMPORT and fault is not None:
                decision, reason = ImportDecision.CANNOT, fault
            elif decision == ImportDecision.WILL_IMPORT:
                warnings = _warnings(account, said)
        return ImportItem(
            row=row.row,
            contact_id=row.contact_id if account is None else account.contact_id,
            username=row.username,
            decision=decision,
            reason=reason,
            warnings=warnings,
            hash=said,
            epoch=None if account is None else account.credential.epoch,
        )

    def _record_seen(self, operator: Operator, seen: Collection[ContactId]) -> None:
        if seen:
            self.record(AuditKind.USERNAME_VIEWED, operator, count=len(seen), reason="import", shown=sorted(seen))

    # -- apply

    def _shown_to_confirmer(self, confirmed: ConfirmedPlan[ImportPlan]) -> Sequence[ImportItem]:
        """Return the rows; one that tells whose user name it is, only if who confirmed the plan may see it (R16)."""
        items, operator = confirmed.plan.items, confirmed.operator
        if operator == confirmed.plan.operator:
            return items
        asked = {item.contact_id for item in items if item.contact_id is not None and _tells_username(item)}
        shown: set[ContactId] = set()
        for chunk in chunks(asked, AT_A_TIME):
            found, _ = self.ledger.read(chunk)
            shown |= self.check.permitted_ids(operator, Privilege.VIEW_USERNAMES, found.values())
        self._record_seen(operator, shown)
        return [_hidden(item) if _tells_username(item) and item.contact_id not in shown else item for item in items]

    def _settle(
        self, confirmed: ConfirmedPlan[ImportPlan], items: Sequence[ImportItem], count: int
    ) -> list[ImportResult]:
        """Return one result for each of the items, in their order."""
        pending = {
            item.contact_id: item
            for item in items
            if item.contact_id is not None and item.decision == ImportDecision.WILL_IMPORT
        }
        ready: dict[int, _Prepared] = {}

        def decide(
            contact_ids: Sequence[ContactId], found: Accounts
        ) -> dict[ContactId, Write[ImportResult] | ImportResult]:
            return self._decide(confirmed, [pending[each] for each in contact_ids], found, count, ready)

        settled: dict[int, ImportResult] = {}
        for contact_id, outcome in self.ledger.settle(pending, decide, rounds=_MAX_ROUNDS):
            item = pending[contact_id]
            settled[item.row] = (
                _left_out(item, ImportOutcome.FAILED, ImportReason(outcome.code))
                if isinstance(outcome, NotWritten)
                else outcome
            )
        return [settled.get(item.row) or _not_settled(item) for item in items]

    def _decide(
        self,
        confirmed: ConfirmedPlan[ImportPlan],
        items: Sequence[ImportItem],
        found: Accounts,
        count: int,
        ready: dict[int, _Prepared],
    ) -> dict[ContactId, Write[ImportResult] | ImportResult]:
        decided: dict[ContactId, Write[ImportResult] | ImportResult] = {}
        permitted = self.check.permitted_ids(confirmed.operator, Privilege.IMPORT, found.values())
        to_write: list[tuple[ImportItem, Account]] = []
        for item in items:
            account = None if item.contact_id is None else found.get(item.contact_id)
            if account is None:
                result = _left_out(item, ImportOutcome.CANNOT, ImportReason.NO_ACCOUNT)
            elif account.contact_id not in permitted:
                result = _left_out(item, ImportOutcome.CANNOT, ImportReason.NOT_PERMITTED)
            elif (told := self._without_writing(confirmed, item, account)) is not None:
                result = told
            else:
                to_write.append((item, account))
                continue
            decided[ContactId(result.item.contact_id or "")] = result
        self._prepare(confirmed.plan, [item for item, _ in to_write], ready)
        for item, account in to_write:
            prepared = ready[item.row]
            decided[account.contact_id] = (
                prepared
                if isinstance(prepared, ImportResult)
                else self._write(confirmed, item, account, count, prepared)
            )
        return decided

    def _without_writing(
        self, confirmed: ConfirmedPlan[ImportPlan], item: ImportItem, account: Account
    ) -> ImportResult | None:
        credential = account.credential
        done = credential.issue_id == confirmed.key or (
            credential.epoch > 0
            and not confirmed.is_new_key
            and self.ledger.has_recorded(account.contact_id, AuditKind.CREDENTIAL_IMPORTED, confirmed.key)
        )
        if done:
            # By an earlier run under this key, whatever came after it (R12).
            return ImportResult(item=item, outcome=ImportOutcome.ALREADY_IMPORTED)
        if credential.epoch != item.epoch:
            return _left_out(item, ImportOutcome.SKIPPED, ImportReason.CHANGED_MEANWHILE)
        decision, reason = _state(account, confirmed.plan.replace)
        if decision != ImportDecision.WILL_IMPORT:
            return _left_out(item, _OUTCOMES[decision], reason)
        return None

    def _prepare(self, plan: ImportPlan, items: Sequence[ImportItem], ready: dict[int, _Prepared]) -> None:
        """Put into *ready* what is stored of each row: wrapped if it can be."""
        to_wrap: dict[int, PasswordHash] = {}
        # After a lost race nothing is wrapped twice.
        for item in (each for each in items if each.row not in ready):
            password_hash = plan.hash_of(item)
            # What nobody can verify is not stored, and the plan may have been made with another hasher.
            said = item.hash if plan.is_described_by(self.hasher) else None
            said = said or self.hasher.describe(password_hash)
            fault = _fault(password_hash, said)
            if fault is not None:
                ready[item.row] = _left_out(item, ImportOutcome.CANNOT, fault)
            elif item.hash is None or item.hash.can_be_wrapped != said.can_be_wrapped:
                ready[item.row] = _left_out(item, ImportOutcome.SKIPPED, ImportReason.CHANGED_MEANWHILE)
            elif said.can_be_wrapped:
                to_wrap[item.row] = password_hash
                ready[item.row] = _left_out(item, ImportOutcome.FAILED, ImportReason.HASHING_UNAVAILABLE)
            else:
                ready[item.row] = password_hash
        ready.update(self._wrapped(to_wrap))

    def _wrapped(self, hashes: Mapping[int, PasswordHash]) -> dict[int, PasswordHash]:
        """Return those that could be wrapped."""
        try:
            return dict(zip(hashes, self.hasher.wrap_all(hashes.values()), strict=True))
        except (HashingUnavailableError, InvalidValueError):
            if len(hashes) == 1:
                return {}
        # One row's fault keeps no other out.
        return {row: one for each in hashes for row, one in self._wrapped({each: hashes[each]}).items()}

    def _write(
        self,
        confirmed: ConfirmedPlan[ImportPlan],
        item: ImportItem,
        account: Account,
        count: int,
        password_hash: PasswordHash,
    ) -> Write[ImportResult]:
        now = self.clock()
        imported = account.import_hash(
            password_hash,
            import_id=confirmed.key,
            imported_by=confirmed.operator.operator_id,
            imported_at=now,
            change_required_by=confirmed.plan.force_change,
        )
        event = AuditEvent(
            kind=AuditKind.CREDENTIAL_IMPORTED,
            at=now,
            **actor(confirmed.operator),
            contact_id=account.contact_id,
            reason=None if item.hash is None else item.hash.scheme,
            operation_id=confirmed.key,
            count=count,
            confirmed_at=confirmed.confirmed_at,
        )
        change = Change(old=account, new=imported, events=(event,))
        return Write(change, ImportResult(item=item, outcome=ImportOutcome.IMPORTED))


def _state(account: Account, replace: bool) -> tuple[ImportDecision, ImportReason | None]:
    """Decide by what the account is and has; a plan and its import decide the same way."""
    if account.erased_at is not None:
        return ImportDecision.CANNOT, ImportReason.ERASED
    if not account.is_active:
        return ImportDecision.SKIP, ImportReason.DISABLED
    held = _HELD.get(account.credential.origin)
    if held is not None and not replace:
        return ImportDecision.SKIP, held[0]
    return ImportDecision.WILL_IMPORT, None


def _has_username(account: Account, username: str) -> bool:
    key = _key(username)
    return key is not None and key == account.username_key


def _key(username: str) -> str | None:
    try:
        return username_key(username)
    except TextFaultError:
        return None


def _fault(password_hash: PasswordHash | None, said: HashDescription | None) -> ImportReason | None:
    if password_hash is None or said is None:
        return ImportReason.HASH_MISSING
    if said.fault is None or said.can_be_wrapped:
        return None
    encoded = password_hash.encoded
    if said.fault == ImportReason.HASH_UNKNOWN and (encoded.startswith("!") or encoded in _UNUSABLE):
        return ImportReason.HASH_UNUSABLE
    try:
        return ImportReason(said.fault)
    except ValueError:  # A describer of the host's has its own words.
        return ImportReason.HASH_REFUSED


def _warnings(account: Account, said: HashDescription | None) -> tuple[HashImportWarning, ...]:
    warnings = []
    held = _HELD.get(account.credential.origin)
    if held is not None:
        warnings.append(held[1])
    if account.username is None:
        warnings.append(HashImportWarning.NO_USERNAME)
    if said is not None and said.is_fast and not said.can_be_wrapped:
        warnings.append(HashImportWarning.FAST_DIGEST)
    return tuple(warnings)


def _tells_username(item: ImportItem) -> bool:
    """Return whether the row says of an account whether it has a user name."""
    return item.username is not None and item.epoch is not None


def _hidden(item: ImportItem) -> ImportItem:
    """Return the row as one of nobody's account, which it is to who may not see whose user name it has."""
    return attrs.evolve(
        item,
        contact_id=None,
        decision=ImportDecision.CANNOT,
        reason=ImportReason.NOT_PERMITTED,
        warnings=(),
        epoch=None,
    )


def _left_out(item: ImportItem, outcome: ImportOutcome, reason: ImportReason | None) -> ImportResult:
    return ImportResult(item=item, outcome=outcome, reason=reason)


def _not_settled(item: ImportItem) -> ImportResult:
    return _left_out(item, _OUTCOMES.get(item.decision, ImportOutcome.NOT_REACHED), item.reason)
