"""Check what a program passes to a public method, and give a hint instead of a raw error from deep inside (R23)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from os import fspath
from typing import Any, Final, TypeVar

from ._text import MAX_CODE_LENGTH, has_surrogate, is_code
from .audit import AuditKind
from .contacts import Contact, ContactId
from .exceptions import ConfigurationError, InvalidValueError, PortalCredsError
from .privileges import Operator

_T = TypeVar("_T")
_S = TypeVar("_S", bound=str)


def contact_id_in(contact_id: object) -> ContactId:
    """Return the argument as a contact's id."""
    if not isinstance(contact_id, str):
        raise InvalidValueError("contact_id", "pass the contact's identifier as text, such as str(row.id)")
    return ContactId(contact_id)


def contact_ids_in(contact_ids: Iterable[ContactId]) -> list[ContactId]:
    """Return the argument as several contacts' ids."""
    return texts_in("contact_ids", contact_ids, "pass several identifiers as text, also for one: [contact_id]")


def operator_in(operator: Any) -> Operator:
    """Return the argument as an operator; it is known by its attributes: another vendored copy's is one too."""
    own = getattr(operator, "contact_id", 0)
    if not isinstance(getattr(operator, "operator_id", None), str) or not (own is None or isinstance(own, str)):
        raise InvalidValueError("operator", 'pass an Operator, such as Operator(operator_id="mreyes")')
    return operator  # type: ignore[no-any-return]  # One by its attributes.


def text_in(name: str, value: object, hint: str) -> str:
    """Return the argument as text."""
    if not isinstance(value, str):
        raise InvalidValueError(name, hint)
    return value


def number_in(name: str, value: object, *, least: int) -> None:
    """Refuse what is no whole number of at least so many."""
    if type(value) is not int or value < least:
        raise InvalidValueError(name, f"pass a whole number of at least {least}")


def username_key_in(username_key: object) -> str:
    """Return the argument as the key of a user name."""
    return text_in("username_key", username_key, "pass the user name's key as text, such as account.username_key")


def username_keys_in(username_keys: Iterable[str]) -> list[str]:
    """Return the argument as the keys of several user names."""
    return texts_in("username_keys", username_keys, "pass several keys as text, also for one: [account.username_key]")


def events_asked_in(contact_id: object, limit: object) -> None:
    """Refuse what cannot say which events are asked for."""
    if contact_id is not None:
        contact_id_in(contact_id)
    if limit is not None:
        number_in("limit", limit, least=0)


def kinds_in(kinds: object) -> frozenset[AuditKind]:
    """Return the argument as several kinds of events."""
    hint = "pass several AuditKind, such as [AuditKind.SIGN_IN_SUCCEEDED]"
    with suppress(TypeError, ValueError):
        if not isinstance(kinds, str):
            return frozenset(map(AuditKind, kinds))  # type: ignore[call-overload]  # What is none is refused below.
    raise InvalidValueError("kinds", hint)


def job_in(job: _T) -> _T:
    """Return the argument as a job."""
    return part_in("job", job, ("key", "terms", "started_at"), "pass a StoredJob")


def job_chunks_in(chunks: Iterable[_T]) -> list[_T]:
    """Return the argument as the chunks of a job."""
    return parts_in("chunks", chunks, ("number", "size", "items"), "pass several JobChunk values, as [chunk]")


def chunk_in(number: object, worker: object, results: object = "", is_finished: object = False) -> None:
    """Refuse what cannot say which chunk of a job, whose it is and what became of it."""
    number_in("number", number, least=0)
    text_in("worker", worker, "pass the worker's name as text")
    text_in("results", results, "pass the results as text")
    flag_in("is_finished", is_finished)


def page_in(after: object, limit: object) -> None:
    """Refuse what cannot say which chunks of a job are asked for."""
    number_in("after", after, least=-1)
    number_in("limit", limit, least=1)


def ceiling_in(ceiling: int | None) -> int | None:
    """Return the argument as a number that may not be exceeded."""
    if ceiling is not None and (type(ceiling) is not int or ceiling < 0):
        raise InvalidValueError("ceiling", "pass a whole number of at least 0, or None for no ceiling")
    return ceiling


def job_key_in(key: object) -> str:
    """Return the argument as the key of a job."""
    return text_in("key", key, "pass the job's key as text")


def instant_in(name: str, at: object) -> datetime:
    """Return the argument as an instant in UTC."""
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise InvalidValueError(name, "pass an aware datetime, such as datetime.now(timezone.utc)")
    return at.astimezone(UTC)


def attempt_key_in(key: object) -> str:
    """Return the argument as the key of a count."""
    return text_in("key", key, "pass a key as text")


def attempt_keys_in(keys: Iterable[str]) -> list[str]:
    """Return the argument as several keys of counts."""
    return texts_in("keys", keys, "pass several keys as text, also for one: [key]")


def window_in(window: object) -> None:
    """Refuse what is neither a length of time nor None."""
    if window is not None and not isinstance(window, timedelta):
        raise InvalidValueError("window", "pass a timedelta, or None for a count that does not end")


def flag_in(name: str, value: object) -> None:
    """Refuse what is not a bool: a text such as "no" would count as yes."""
    if type(value) is not bool:
        raise InvalidValueError(name, "pass True or False")


def function_in(name: str, value: object) -> None:
    """Refuse what is neither a function nor None."""
    if value is not None and not callable(value):
        raise InvalidValueError(name, "pass a function, or None")


def items_in(
    name: str, values: Iterable[_T], hint: str, error: type[PortalCredsError] = InvalidValueError
) -> Iterator[_T]:
    """Return an iterator over several values; a text is one value and not several."""
    try:
        if isinstance(values, (str, bytes)):
            raise TypeError
        return iter(values)
    except TypeError:
        raise error(name, hint) from None


def several_in(
    name: str,
    values: Iterable[_T],
    hint: str,
    is_one: Callable[[_T], object],
    error: type[PortalCredsError] = InvalidValueError,
) -> tuple[_T, ...]:
    """Return the argument as several values, *is_one* of each of which is true."""
    several = tuple(items_in(name, values, hint, error))
    if not all(map(is_one, several)):
        raise error(name, hint)
    return several


def is_text(value: object) -> bool:
    """Return whether a value is text."""
    return isinstance(value, str)


def texts_in(name: str, values: Iterable[_S], hint: str) -> list[_S]:
    """Return the argument as several texts."""
    return list(several_in(name, values, hint, is_text))


def is_missing(value: Any) -> bool:  # Any: a cell of a table may hold anything.
    """Return whether a cell is empty: None, or a NaN of whatever kind."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:
        # pandas.NA: its comparisons are neither true nor false.
        return True
    except (ValueError, ArithmeticError):
        return False


def part_in(name: str, value: _T, attributes: Sequence[str], hint: str) -> _T:
    """Return the argument if it has these attributes: by them another vendored copy's value is known too."""
    is_one = not isinstance(value, type)
    for attribute in attributes:  # A generator for each of a district's accounts takes twice as long.
        is_one = is_one and hasattr(value, attribute)
    if not is_one:
        raise InvalidValueError(name, hint)
    return value


def parts_in(name: str, values: Iterable[_T], attributes: Sequence[str], hint: str) -> list[_T]:
    """Return the argument as several values that each have these attributes."""
    return [part_in(name, value, attributes, hint) for value in items_in(name, values, hint)]


def query_in(query: _T) -> _T:
    """Return the argument as a query."""
    return part_in("query", query, ("sort_key", "position"), "pass an AccountQuery")


def status_query_in(query: _T) -> _T:
    """Return the argument as a query for counts by status."""
    return part_in("query", query, ("group_of", "day_of", "now"), "pass a StatusQuery")


def changes_in(changes: Iterable[_T]) -> list[_T]:
    """Return the argument as several changes."""
    return parts_in("changes", changes, ("old", "new", "change_id"), "pass several Change values, as [change]")


def events_in(events: Iterable[_T]) -> list[_T]:
    """Return the argument as several events."""
    return parts_in("events", events, ("kind", "at", "event_id"), "pass several AuditEvent values, as [event]")


def path_in(name: str, path: object, error: type[PortalCredsError]) -> str:
    """Return the argument as a path that a system can take."""
    with suppress(TypeError):
        text = fspath(path)  # type: ignore[call-overload]  # What is none is refused below.
        if isinstance(text, str) and "\0" not in text and not has_surrogate(text):
            return text
    raise error(name, "pass a path as text or a pathlib.Path, without NUL characters")


def contacts_in(contacts: Iterable[Contact]) -> Iterator[Contact]:
    """Yield the contacts; raise for the first value that is not one."""
    hint = "pass Contact values, such as contacts_from_records(rows) or read_contacts_csv(path) return"
    for contact in items_in("contacts", contacts, hint):
        if isinstance(contact, Contact):
            yield contact
            continue
        # By attribute, because a Contact of another vendored copy is one too.
        texts = [getattr(contact, name, 0) for name in ("first_name", "last_name", "email")]
        if not isinstance(getattr(contact, "contact_id", None), str) or not all(
            text is None or isinstance(text, str) for text in texts
        ):
            raise InvalidValueError("contacts", hint)
        yield contact


# -- the parts that a constructor is passed

NEEDS_HASHER: Final = "pass a CredentialHasher, such as UpgradingHasher(chosen=your_hasher)"
NEEDS_CLOCK: Final = "pass a function that returns the time, aware and in UTC, such as utc_now"

Validator = Callable[[object, Any, Any], None]  # Any: for fields of every type.


def refused_unless(
    is_sound: Callable[[Any], object],
    hint: str,
    *,
    or_none: bool = False,
    error: type[PortalCredsError] = ConfigurationError,
) -> Validator:
    """Return a validator of values of which *is_sound* is true, and of None where that is allowed."""

    def check(owner: object, attribute: Any, value: Any) -> None:
        if not (is_sound(value) or (or_none and value is None)):
            raise error(attribute.alias, hint)

    return check


def has(*names: str) -> Callable[[object], bool]:
    """Return what tells whether a part, which is known by its methods, has these: another vendored copy's fits too."""
    return lambda part: not isinstance(part, type) and all(callable(getattr(part, name, None)) for name in names)


def has_methods(*names: str, hint: str, or_none: bool = False) -> Validator:
    """Return a validator of a borrowed part."""
    return refused_unless(has(*names), hint, or_none=or_none)


def is_callable(*, hint: str, or_none: bool = False) -> Validator:
    """Return a validator of a function of the host's."""
    return refused_unless(callable, hint, or_none=or_none)


def is_whole(*, least: int, most: int | None = None, hint: str = "", or_none: bool = False) -> Validator:
    """Return a validator of a number."""

    def is_sound(value: object) -> bool:
        return type(value) is int and value >= least and (most is None or value <= most)

    return refused_unless(is_sound, hint or f"pass a whole number of at least {least}", or_none=or_none)


def lasts(shortest: timedelta, longest: timedelta, *, hint: str) -> Validator:
    """Return a validator of a length of time within these bounds, which are allowed."""
    return refused_unless(lambda value: isinstance(value, timedelta) and shortest <= value <= longest, hint)


def one_of(*values: object, hint: str) -> Validator:
    """Return a validator of one of these values."""
    # Not by `in`: of another type, a comparison may warn, or raise.
    return refused_unless(lambda value: any(isinstance(value, type(each)) and value == each for each in values), hint)


def whole(argument: str, value: object, *, least: int) -> None:
    """Refuse a part that is no whole number of at least so many."""
    if type(value) is not int or value < least:
        raise ConfigurationError(argument, f"pass a whole number of at least {least}")


def is_claim_proof(owner: object, attribute: Any, proof: Any) -> None:
    """Refuse a part that is neither a claim proof nor None."""
    hint = 'pass a ClaimProof, such as KnownValues(find_values, kind="student_number"), or None'
    has_methods("verify", "find_missing", hint=hint, or_none=True)(owner, attribute, proof)
    if proof is not None and not is_code(getattr(proof, "kind", None)):
        raise ConfigurationError(
            attribute.alias, f"give it a kind of 1 to {MAX_CODE_LENGTH} printable ASCII characters"
        )


is_flag: Final = refused_unless(lambda value: type(value) is bool, "pass True or False")
"""Refuses a field that is not a bool."""
