"""Every error can be caught two ways, survives the trip between processes, and tells no secret (R14, R23)."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable

import pytest

from portalcreds import exceptions
from portalcreds.exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    CorruptRowError,
    DailyCeilingError,
    HashingUnavailableError,
    InvalidValueError,
    JobNotFoundError,
    MissingDependencyError,
    PortalCredsError,
    PrivilegeDeniedError,
    StaleAccountError,
    StoreError,
    StoreUnavailableError,
    TablesMissingError,
    TransactionAborted,
    UnderivableError,
    UnreadableRosterError,
    WrongStateError,
)

ERRORS: list[tuple[PortalCredsError, type[Exception], list[str]]] = [
    (InvalidValueError("limit", "pass a whole number"), ValueError, ["limit", "pass a whole number"]),
    (InvalidValueError("email", "shorten it", "c-1"), ValueError, ["email", "shorten it", "'c-1'"]),
    (UnderivableError("c-1", "first_name", "blank"), ValueError, ["'c-1'", "first_name", "blank", "correct the name"]),
    (UnreadableRosterError("source", "split it", "too_many_rows", {"most": 9}), ValueError, ["source", "split it"]),
    (AccountNotFoundError("c-1"), LookupError, ["'c-1'", "sync_contacts"]),
    (JobNotFoundError("autumn"), LookupError, ["'autumn'", "start one"]),
    (DailyCeilingError("op", 500, 499), PermissionError, ["'op'", "500", "499", "max_per_day"]),
    (WrongStateError("c-1", "issue", "enable it first"), ValueError, ["'c-1'", "issue", "enable it first"]),
    (StaleAccountError("c-1"), RuntimeError, ["'c-1'", "try again"]),
    (PrivilegeDeniedError("op", "set_one", ("c-1", "c-2")), PermissionError, ["'op'", "set_one", "2 account", "grant"]),
    (PrivilegeDeniedError("op", "sync"), PermissionError, ["'op'", "sync", "0 account"]),
    (ConfigurationError("executor", "pass threads"), ValueError, ["executor", "pass threads"]),
    (HashingUnavailableError("out_of_memory"), RuntimeError, ["out_of_memory", "memory"]),
    (MissingDependencyError("bcrypt"), ImportError, ["bcrypt", "install"]),
    (StoreError("apply", "23505"), RuntimeError, ["apply", "23505", "log"]),
    (TablesMissingError("find", "42P01"), RuntimeError, ["find", "42P01", "create_tables()"]),
    (CorruptRowError("find", "corrupt row"), RuntimeError, ["find", "corrupt row", "restore"]),
    (StoreError("apply"), RuntimeError, ["apply", "unknown"]),
    (StoreUnavailableError("find", "08006"), RuntimeError, ["find", "08006", "try again later"]),
    (TransactionAborted("apply", "40001"), RuntimeError, ["apply", "40001", "roll back"]),
]

CLASSES = [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, PortalCredsError)]


def state_of(error: PortalCredsError) -> object:
    """Return all that an error is, since exceptions are equal only to themselves."""
    return type(error), error.args, vars(error), str(error), repr(error)


def test_the_table_below_has_every_error() -> None:
    """A new error is tested like the others, or this says so."""
    assert {type(error) for error, _, _ in ERRORS} == set(CLASSES) - {PortalCredsError}


@pytest.mark.parametrize(("error", "base", "told"), ERRORS)
def test_an_error_has_both_bases_and_says_the_hint(
    error: PortalCredsError, base: type[Exception], told: list[str]
) -> None:
    """A program catches the library's errors together, or with the built-in it expects; a person reads what to do."""
    assert isinstance(error, PortalCredsError)
    assert isinstance(error, base)
    for part in told:
        assert part in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_no_error_is_a_key_error(kind: type[PortalCredsError]) -> None:
    """A KeyError prints the repr of its message, and is swallowed by code that asks a mapping."""
    assert not issubclass(kind, KeyError)
    assert kind.__doc__


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(("error", "base", "told"), ERRORS)
def test_an_error_survives_pickling(
    error: PortalCredsError, base: type[Exception], told: list[str], protocol: int
) -> None:
    """An error raised in a worker process reaches the caller whole."""
    again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301  Its own pickle.
    assert state_of(again) == state_of(error)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize(("error", "base", "told"), ERRORS)
def test_an_error_survives_copying(
    error: PortalCredsError,
    base: type[Exception],
    told: list[str],
    copier: Callable[[PortalCredsError], PortalCredsError],
) -> None:
    """Test runners and task queues copy errors before they report them."""
    again = copier(error)
    assert again is not error
    assert state_of(again) == state_of(error)


@pytest.mark.parametrize(("error", "base", "told"), ERRORS)
def test_an_error_can_be_raised_with_a_cause_and_a_note(
    error: PortalCredsError, base: type[Exception], told: list[str]
) -> None:
    """An error is an ordinary exception: it takes a traceback, a cause and notes, and is caught by its base."""
    fresh = copy.copy(error)
    fresh.add_note("item 3 of 10")
    cause = OSError(5)
    with pytest.raises(base) as caught:
        raise fresh from cause
    assert caught.value is fresh
    assert fresh.__cause__ is cause
    assert fresh.__notes__ == ["item 3 of 10"]


def test_the_unavailable_and_the_aborted_are_store_errors() -> None:
    """A host that catches store errors catches all of them, and tells the retryable ones apart."""
    assert issubclass(StoreUnavailableError, StoreError)
    assert issubclass(TransactionAborted, StoreError)
    assert not issubclass(TransactionAborted, StoreUnavailableError)
    assert str(StoreError("a", "b")) != str(StoreUnavailableError("a", "b")) != str(TransactionAborted("a", "b"))


@pytest.mark.parametrize("text", ["c\n1", "c\x1b[31m", "c\u2028"])
def test_an_id_in_a_message_cannot_break_the_line(text: str) -> None:
    """Identifiers come from elsewhere too: they are quoted, so that a log keeps one line an error."""
    for error in (
        InvalidValueError("email", "shorten it", text),
        UnderivableError(text, "last_name", "blank"),
        AccountNotFoundError(text),
        WrongStateError(text, "issue", "enable it first"),
        StaleAccountError(text),
        PrivilegeDeniedError(text, "sync"),
    ):
        assert str(error).isprintable()


def test_a_missing_package_is_named_as_the_registry_has_it() -> None:
    """The advice holds in a vendored copy too, whose own name nobody can install."""
    assert str(MissingDependencyError("testing")).endswith("install pytest")
    assert "[" not in str(MissingDependencyError("sqlalchemy"))


def test_a_closed_store_is_told_from_a_failing_database() -> None:
    """Closing is the host's own doing: the hint does not send anybody to the database's log."""
    assert str(StoreError("apply", "closed")).endswith("use the store before it is closed")
    assert str(StoreError("apply", "40001")).endswith("see the database's own log")
