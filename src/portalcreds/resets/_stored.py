"""Write a confirmed plan as the texts that are stored of a job, and read them; no name is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import attrs

from .._ids import digest
from .._text import is_code
from ..accounts import Account, AccountStatus
from ..contacts import Contact, ContactId
from ..exceptions import CorruptRowError
from ..jobs import MAX_JOB_TEXT, JobChunk, StoredJob
from ..plans import ConfirmedPlan
from ..privileges import Operator, actor
from .plan import Decision, DecisionReason, ResetPlan, ResetPlanItem
from .report import ResetOutcome, ResetResult

CHUNK_SIZE: Final = 64
"""Contacts read, hashed and committed at a time: what a kill can interrupt, a second or so of hashing."""

_MAX_WARNINGS: Final = 12
"""Warnings kept of a contact: more than our strategies and rules have. A host's strategy might have any number."""

_MARK_LENGTH: Final = 4
"""
Hexadecimal digits that are kept of a digest of a name. One change in 65,536 goes unnoticed, and only a warning is
missing then; and of all the names there are, thousands have the same, so that nobody can tell whose it was.
"""

_MAX_SOURCE: Final = 64
"""Characters that are kept of where OK was pressed: an address with a zone."""

_T = TypeVar("_T")


class JobTerms:
    """
    What was confirmed besides the contacts.

    Attributes:
        operator: Who pressed OK.
        strategy: The id of the strategy, or `INVITATION`.
        lifetime: How long a default works.
        expires_at: When the defaults stop working instead, or None.
        reveal: Whether the results carry the passwords.
        replace_chosen: Whether passwords that contacts chose are replaced.
        scope: Which contacts the store sees that it was started over; empty for all.
    """

    def __init__(
        self,
        *,
        operator: Operator,
        strategy: str,
        lifetime: timedelta,
        expires_at: datetime | None,
        reveal: bool,
        replace_chosen: bool,
        scope: str,
    ) -> None:
        self.operator = operator
        self.strategy = strategy
        self.lifetime = lifetime
        self.expires_at = expires_at
        self.reveal = reveal
        self.replace_chosen = replace_chosen
        self.scope = scope


class StoredItem:
    """
    One contact of a stored job.

    Attributes:
        item: The row of the plan without its names.
        names_mark: Tells whether the names are those that were shown; None if none were.
        username_mark: The same for the user name; None if it must not be shown.
    """

    def __init__(self, item: ResetPlanItem, *, names_mark: str | None, username_mark: str | None) -> None:
        self.item = item
        self.names_mark = names_mark
        self.username_mark = username_mark

    @property
    def contact_id(self) -> ContactId:
        """Whose."""
        return self.item.contact_id

    def shown(self, account: Account | None) -> ResetPlanItem:
        """Return the row with what may be shown of the account as it is now."""
        if account is None:
            return self.item
        contact = account.contact if self.names_mark is not None else None
        return attrs.evolve(
            self.item,
            first_name=None if contact is None else contact.first_name,
            last_name=None if contact is None else contact.last_name,
            username=None if self.username_mark is None else account.username,
        )


def new_job(confirmed: ConfirmedPlan[ResetPlan], *, scope: str, started_at: datetime) -> StoredJob:
    """Return what is stored of a confirmed plan besides its contacts."""
    plan, operator = confirmed.plan, confirmed.operator
    who = [operator.operator_id, operator.contact_id]
    terms = [
        plan.strategy,
        plan.lifetime // _MICROSECOND,
        None if plan.expires_at is None else plan.expires_at.isoformat(),
        plan.reveal,
        plan.replace_chosen,
        scope,
    ]
    return StoredJob(
        key=confirmed.key,
        operator_id=operator.operator_id,
        # Where OK was pressed is no part of what it was: pressed again elsewhere, it is the same job.
        terms=_written([[*who, _source_of(operator)], *terms]),
        digest=digest(_written([[who, *terms], [item.contact_id for item in plan.items]])),
        total=len(plan.items),
        planned=plan.count(Decision.WILL_SET),
        confirmed_at=confirmed.confirmed_at,
        started_at=started_at,
        closed_at=None if plan.items else started_at,
    )


def write_chunks(key: str, items: Iterable[ResetPlanItem]) -> Iterator[JobChunk]:
    """Yield the rows of a plan, a few dozen at a time, for the job with that key."""
    number, size, text = 0, 0, ""
    for item in items:
        row = _written(_item_fields(key, item))
        if size == CHUNK_SIZE or len(text) + len(row) + 3 > MAX_JOB_TEXT:
            yield JobChunk(number=number, size=size, items=f"[{text}]")
            number, size, text = number + 1, 0, ""
        text += f",{row}" if text else row
        size += 1
    if size:
        yield JobChunk(number=number, size=size, items=f"[{text}]")


def names_mark(key: str, contact: Contact | ResetPlanItem) -> str:
    """Return what tells the names from others, in the job with that key."""
    return _mark(key, contact.first_name, contact.last_name)


def username_mark(key: str, username: str | None) -> str:
    """Return what tells the user name from others, in the job with that key."""
    return _mark(key, username)


def read_terms(job: StoredJob) -> JobTerms:
    """
    Return the terms of a job.

    Raises:
        CorruptRowError: They are none.
    """

    def read() -> JobTerms:
        (operator_id, contact_id, *source), strategy, lifetime, expires_at, reveal, replace_chosen, scope = _parsed(
            job.terms
        )
        return JobTerms(
            operator=Operator(operator_id=operator_id, contact_id=contact_id, source=source[0] if source else None),
            strategy=strategy,
            lifetime=lifetime * _MICROSECOND,
            expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
            reveal=reveal is True,
            replace_chosen=replace_chosen is True,
            scope=scope,
        )

    return _tried(read)


def read_chunk(chunk: JobChunk) -> list[tuple[StoredItem, ResetResult | None]]:
    """
    Return the contacts of a chunk, each with its result so far, without names.

    Raises:
        CorruptRowError: It holds something else.
    """

    def read() -> list[tuple[StoredItem, ResetResult | None]]:
        items = [_read_item(*fields) for fields in _parsed(chunk.items)]
        results = [None] * chunk.size if chunk.results is None else _parsed(chunk.results)
        if len(items) != chunk.size:
            raise ValueError
        return [
            (stored, None if fields is None else _read_result(stored.item, *fields))
            for stored, fields in zip(items, results, strict=True)
        ]

    return _tried(read)


def write_results(results: Iterable[ResetResult | None]) -> str:
    """Return the text of results, in the order of the chunk's contacts."""
    return _written([None if result is None else _result_fields(result) for result in results])


# -- helpers

_MICROSECOND: Final = timedelta(microseconds=1)


def _source_of(operator: Operator) -> str | None:
    source = actor(operator)["source"]
    # Escaped, because the terms have to fit into their column: JSON would take up to twelve characters for each.
    return None if source is None else ascii(source[:_MAX_SOURCE])[1:-1][:_MAX_SOURCE]


def _item_fields(key: str, item: ResetPlanItem) -> list[object]:
    return [
        item.contact_id,
        item.decision.value,
        None if item.reason is None else item.reason.value,
        _codes(item.warnings),
        item.epoch,
        None if item.status is None else item.status.value,
        # No epoch: the operator was not shown anything of the account.
        None if item.epoch is None else names_mark(key, item),
        None if item.username is None else username_mark(key, item.username),
    ]


def _read_item(
    contact_id: str,
    decision: str,
    reason: str | None,
    warnings: Sequence[str],
    epoch: int | None,
    status: str | None,
    names: str | None,
    username: str | None,
) -> StoredItem:
    item = ResetPlanItem(
        contact_id=ContactId(contact_id),
        decision=Decision(decision),
        reason=None if reason is None else DecisionReason(reason),
        warnings=tuple(warnings),
        status=None if status is None else AccountStatus(status),
        epoch=epoch,
    )
    return StoredItem(item, names_mark=names, username_mark=username)


def _result_fields(result: ResetResult) -> list[object]:
    return [result.outcome.value, None if result.reason is None else result.reason.value, _codes(result.warnings)]


def _read_result(item: ResetPlanItem, outcome: str, reason: str | None, warnings: Sequence[str]) -> ResetResult:
    return ResetResult(
        item=item,
        outcome=ResetOutcome(outcome),
        reason=None if reason is None else DecisionReason(reason),
        warnings=tuple(warnings),
    )


def _codes(warnings: Iterable[str]) -> list[str]:
    # A host's strategy may warn in words, and these might be names.
    return [str(warning) for warning in warnings if is_code(warning)][:_MAX_WARNINGS]


def _mark(key: str, *texts: str | None) -> str:
    return digest(_written([key, *texts]))[:_MARK_LENGTH]


def _parsed(text: str) -> Any:  # Any: what JSON holds.
    # Here, and below: importing the package does not need it.
    import json

    return json.loads(text)


def _written(value: object) -> str:
    import json

    return json.dumps(value, separators=(",", ":"))


def _tried(read: Callable[[], _T]) -> _T:
    try:
        return read()
    except (ValueError, TypeError, LookupError):
        pass
    # Outside the except clause: the error's __context__ may quote what the row holds (R14).
    raise CorruptRowError("find_job", "corrupt row of a job")
