"""Show what an import of old hashes would do, and what it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NoReturn, final

import attrs

from .._spoken import Code
from .._value import Value
from ..accounts import PasswordHash
from ..contacts import ContactId
from ..plans import Plan, PlanRecord, Report
from ..privileges import Operator
from ..protocols import Clock, HashDescriber, HashDescription


class ImportDecision(Code):
    """What a plan does with one row."""

    WILL_IMPORT = "will_import"
    SKIP = "skip"
    CANNOT = "cannot"


class ImportReason(Code):
    """Why a hash is not imported."""

    CHOSE_OWN = "chose_own"
    """Skipped: the contact chose a password here already; pass ``replace=True``."""

    HAS_DEFAULT = "has_default"
    """Skipped: a default was issued here; pass ``replace=True``."""

    ALREADY_IMPORTED = "already_imported"
    """Skipped: an import set a hash before, such as this one's first run; pass ``replace=True`` to set another."""

    DISABLED = "disabled"
    """Skipped: importing never lifts that; enable the account first."""

    CHANGED_MEANWHILE = "changed_meanwhile"
    """Skipped: the credential, or whether the hash is wrapped, changed after the plan was made; look again."""

    LISTED_TWICE = "listed_twice"
    """Skipped: an earlier row imports a hash for the same contact."""

    NO_ACCOUNT = "no_account"
    """Cannot: nobody here has this contact id, or this user name; sync first."""

    USERNAME_DIFFERS = "username_differs"
    """Cannot: the account with this contact id has not this user name; correct the row, or leave one of them out."""

    ERASED = "erased"
    """Cannot: the contact's data was erased; sync with ``restore_erased=True`` to bring the contact back."""

    NOT_PERMITTED = "not_permitted"
    """Cannot: the operator lacks a privilege on this account, or it is their own."""

    OWNER_MISSING = "owner_missing"
    """Cannot: the row has neither a contact id nor a user name that could be one; pass ids as text."""

    HASH_MISSING = "hash_missing"
    """Cannot: the old column is empty here; issue a default."""

    HASH_NOT_TEXT = "hash_not_text"
    """Cannot: the old column has bytes or a number; decode bytes as ASCII first."""

    HASH_UNUSABLE = "hash_unusable"
    """Cannot: the old system's own mark for nobody signs in with this, such as Django's ``!``; issue a default."""

    HASH_UNKNOWN = "hash_unknown"
    """Cannot: no verifier in the hasher's ``legacy`` takes it; declare one of its scheme, or it is over its ceiling."""

    HASH_TOO_LONG = "hash_too_long"
    """Cannot: no scheme writes hashes so long."""

    HASH_REFUSED = "hash_refused"
    """Cannot: it is malformed, or asks for more than the portal allows; issue a default."""

    MISSING_KEY = "missing_key"
    """Cannot: it names a key of a pepper that is not on the ring; put it there."""

    HASHING_UNAVAILABLE = "hashing_unavailable"
    """Failed: there was no memory to wrap with; import again."""

    KEPT_CHANGING = "kept_changing"
    """Failed: others kept changing the account; import again."""

    STORE_UNAVAILABLE = "store_unavailable"
    """Failed: the store could not be reached; import again."""

    STORE_REFUSED = "store_refused"
    """Failed: the database refused this row, such as by a trigger, or it is not a valid account; see its own log."""


class HashImportWarning(Code):
    """What to look at before pressing OK."""

    REPLACES_CHOSEN = "replaces_chosen"
    REPLACES_DEFAULT = "replaces_default"
    REPLACES_IMPORTED = "replaces_imported"

    NO_USERNAME = "no_username"
    """Nobody can sign in to the account yet."""

    FAST_DIGEST = "fast_digest"
    """Declare a `Wrapping` of its verifier, so that nothing weak is stored."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ImportItem(Value):
    """
    One row.

    Attributes:
        row: Its number among the rows passed, from 1.
        contact_id: Whose account, or what the row has as the contact's id; None if it has a user name that nobody has,
            or that the operator may not see.
        username: The user name that the row has, or None.
        decision: What will be done.
        reason: Why it is not imported; None if it will be.
        warnings: What to look at before pressing OK.
        hash: What the hash says of itself; None where there is none.
        epoch: The credential's generation when the plan was made; None without an account.
    """

    row: int
    contact_id: ContactId | None = None
    username: str | None = attrs.field(default=None, repr=False)
    decision: ImportDecision
    reason: ImportReason | None = None
    warnings: tuple[HashImportWarning, ...] = ()
    hash: HashDescription | None = None
    epoch: int | None = None

    @property
    def kind(self) -> ImportDecision:
        """What rows are counted by: the decision."""
        return self.decision

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record, user name included, the hash never."""
        return {
            **_owner(self),
            "decision": self.decision.value,
            "reason": None if self.reason is None else self.reason.value,
            "warnings": ", ".join(self.warnings),
        }


@final
class KeptHashes:
    """
    The hashes of a plan: not shown, not pickled and not copied. A plan is made again from its rows.

    Args:
        by_row: The hashes by row, in the order of the rows.
        described_by: Who said what they are.
    """

    __slots__ = ("_by_row", "described_by")

    def __init__(self, by_row: Mapping[int, PasswordHash], described_by: object = None) -> None:
        self._by_row = by_row
        self.described_by: object = described_by

    def get(self, row: int) -> PasswordHash:
        """Return the hash of a row."""
        return self._by_row[row]

    def all(self) -> Iterator[str]:
        """Yield them in the order of the rows."""
        return (password_hash.encoded for password_hash in self._by_row.values())

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a plan of an import is not pickled or copied; make it again from the rows")


@attrs.frozen(kw_only=True, repr=False, eq=False)
class ImportPlan(Plan[ImportItem, ImportDecision]):
    """
    What an import would do; nothing is written (R11). It holds the hashes, and shows none.

    Attributes:
        items: One for each row, in their order.
        operator: Who asked.
        replace: Whether passwords that accounts have here already are replaced.
        force_change: Why each owner must choose a new password at the next sign-in, or None.
        tenant: The tenant of the store that the plan was made over; empty for a store without one, and then nothing
            tells whether it is carried out over the same database.
    """

    items: tuple[ImportItem, ...]
    operator: Operator
    replace: bool = False
    force_change: str | None = None
    tenant: str = ""
    _clock: Clock = attrs.field(alias="clock", eq=False)
    _record: PlanRecord = attrs.field(factory=PlanRecord, alias="record", eq=False, repr=False)
    _hashes: KeptHashes = attrs.field(alias="hashes", eq=False)

    @property
    def terms(self) -> Sequence[object]:
        """What the operator confirms besides the rows."""
        return self.replace, self.force_change

    @property
    def unseen(self) -> Iterable[str]:
        """The hashes that are written."""
        return self._hashes.all()

    def hash_of(self, item: ImportItem) -> PasswordHash:
        """Return the hash of one of its rows that will be imported."""
        return self._hashes.get(item.row)

    def is_described_by(self, describer: HashDescriber) -> bool:
        """Return whether this one said what the hashes are, so that it need not be asked again."""
        return self._hashes.described_by is describer


class ImportOutcome(Code):
    """What happened to one row."""

    IMPORTED = "imported"
    ALREADY_IMPORTED = "already_imported"
    """An earlier run under the same key imported it; nothing was written again."""

    SKIPPED = "skipped"
    CANNOT = "cannot"
    """It cannot be imported: the plan said so, or the state of the account did when its turn came."""

    FAILED = "failed"
    """Something went wrong; look at the reason, and import again under the same key."""

    NOT_REACHED = "not_reached"
    """The import was cancelled before this row; import again under the same key."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ImportResult(Value):
    """
    One row's result.

    Attributes:
        item: The row of the plan.
        outcome: What happened.
        reason: Why it was not imported; None if it was.
    """

    item: ImportItem
    outcome: ImportOutcome
    reason: ImportReason | None = None

    @property
    def kind(self) -> ImportOutcome:
        """What rows are counted by: the outcome."""
        return self.outcome

    def to_record(self) -> dict[str, str | None]:
        """Return the row as a plain record, user name included, the hash never."""
        return {
            **_owner(self.item),
            "outcome": self.outcome.value,
            "reason": None if self.reason is None else self.reason.value,
            "warnings": ", ".join(self.item.warnings),
        }


@attrs.frozen(kw_only=True, repr=False, eq=False)
class ImportReport(Report[ImportResult, ImportOutcome]):
    """
    What an import did.

    Attributes:
        key: The import's key, on each of its audit events.
        items: One result for each row of the plan, in their order.
    """

    key: str
    items: tuple[ImportResult, ...]


def _owner(item: ImportItem) -> dict[str, str | None]:
    said = item.hash or HashDescription()
    return {
        "row": str(item.row),
        "contact_id": item.contact_id,
        "username": item.username,
        "scheme": said.scheme,
        "cost": said.cost,
        "key_id": said.key_id,
        "wrapped": "yes" if said.is_wrapped or said.can_be_wrapped else "no",
    }
