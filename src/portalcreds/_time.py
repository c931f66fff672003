"""Keep instants in UTC, and count them as whole microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .exceptions import InvalidValueError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant that stored times are counted from."""

CLOCK_TOLERANCE: Final = timedelta(hours=1)
"""How far ahead of this clock another server's may have been; what was issued or confirmed later than that is void."""


def micros(at: datetime) -> int:
    """Return an instant as whole microseconds since 1970 in UTC, exactly."""
    delta = at - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(instant: int) -> datetime:
    """Return the instant that is so many microseconds after 1970 began in UTC."""
    return EPOCH + timedelta(microseconds=instant)


def is_utc(at: object) -> bool:
    """Return whether *at* is an aware datetime in UTC."""
    return isinstance(at, datetime) and at.utcoffset() == timedelta(0)


def text_of_instant(at: datetime | None) -> str | None:
    """Return an instant as records have it: ISO 8601 in UTC, to the second."""
    return None if at is None else at.isoformat(timespec="seconds")


# Any: these serve attributes with and without None.
def in_utc(at: Any) -> Any:
    """Return an aware datetime in UTC, and anything else as it is, for `utc` or `utc_or_none` to refuse."""
    # Most are: a district's rows are full of them.
    if at is None or (type(at) is datetime and at.tzinfo is UTC):
        return at
    # Kept in a zone with summer time it would be right until summer.
    return at.astimezone(UTC) if isinstance(at, datetime) and at.utcoffset() is not None else at


def utc(instance: object, attribute: Any, at: Any) -> None:
    """Refuse what is no aware datetime in UTC, as a validator of attrs."""
    if not is_utc(at):
        raise InvalidValueError(attribute.name, "pass an aware datetime in UTC, such as datetime.now(timezone.utc)")


def utc_or_none(instance: object, attribute: Any, at: Any) -> None:
    """Refuse what is neither None nor an aware datetime in UTC, as a validator of attrs."""
    if at is not None and not (type(at) is datetime and at.tzinfo is UTC):
        utc(instance, attribute, at)
