"""The rules for what a store cannot do: it says so, leaves nothing half done, and quotes nobody's data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import attrs

from ..account_queries import AccountQuery
from ..accounts import Account, PasswordHash
from ..audit import AuditEvent
from ..contacts import Contact, ContactId
from ..exceptions import StoreError, StoreUnavailableError
from ..protocols import AccountStore, ApplyResult, Change
from ._optional_fixtures import Fixtures, fixture_or_skip
from ._store_samples import NOW, add, an_account, an_event, issued

_PERSONAL: Final = ("Quotable", "Surnamed", "quotable@example.org", "quotable.user", "$quotable$hash")
"""A first name, a last name, an address, a user name and a hash, none of which any text but the account's has."""

_TOO_LONG: Final = "x" * 100_000

_UNKEPT: Final[Sequence[Mapping[str, Any]]] = (
    {"epoch": 2**63},
    {"issued_by": _TOO_LONG},
    {"issued_by": "a\0b"},
    {"issued_by": "a\ud800b"},
    {"password_hash": PasswordHash(f"{_PERSONAL[-1]}{_TOO_LONG}")},
    {"ticket_digest": f"{_PERSONAL[-1]}{_TOO_LONG}", "ticket_expires_at": NOW},
)
"""What Python holds and a database may not: a number of more than 64 bits, endless text, NUL, half a surrogate pair."""

_UNKEPT_EVENTS: Final[Sequence[Mapping[str, Any]]] = (
    {"count": 2**63},
    {"event_id": _TOO_LONG},
    {"event_id": "a\0b"},
    {"event_id": "a\ud800b"},
)


class FailingRules:
    """What a store owes when it cannot do what was asked."""

    recorded_events: Callable[[AccountStore], Sequence[AuditEvent]]

    def test_after_a_store_error_nothing_is_stored(self, store: AccountStore) -> None:
        """The services then hand the changes in one by one: staff would be told that a default is not set which is."""
        for number, odd in enumerate(_accounts_that_may_not_fit()):
            changes = _around(store, number, Change(old=None, new=odd, events=(an_event(odd.contact_id),)))
            try:
                store.apply(changes)
            except StoreUnavailableError:
                continue  # This one says that nobody knows what is stored.
            except StoreError:
                assert [change.new.contact_id for change in changes if self._is_stored(store, change)] == []
                told = {event.event_id for event in self.recorded_events(store)}
                assert [event for change in changes for event in change.events if event.event_id in told] == []
            except Exception:  # noqa: BLE001, S112  A defect of the store's own; it promises nothing.
                continue

    def test_what_is_told_applied_is_stored(self, store: AccountStore) -> None:
        """A value that a store cannot keep is an error, and neither cut nor passed over in silence."""
        for number, odd in enumerate(_accounts_that_may_not_fit()):
            changes = _around(store, number, Change(old=None, new=odd, events=(an_event(odd.contact_id),)))
            try:
                results = store.apply(changes)
            except Exception:  # noqa: BLE001, S112  Told, in whatever way.
                continue
            told = {event.event_id for event in self.recorded_events(store)}
            for change, result in zip(changes, results, strict=True):
                assert result == ApplyResult.APPLIED
                assert store.find(change.new.contact_id) == change.new
                assert {event.event_id for event in change.events} <= told

    def test_a_change_is_stored_with_its_events_or_not_at_all(self, store: AccountStore) -> None:
        """A change whose event cannot be kept is not kept, or a default is set that is on nobody's record (R1)."""
        for number, fields in enumerate(_UNKEPT_EVENTS):
            event = attrs.evolve(an_event(f"odd-{number}"), **fields)
            change = Change(old=None, new=an_account(f"odd-{number}"), events=(an_event(f"odd-{number}"), event))
            changes = _around(store, number, change)
            with suppress(Exception):  # What is stored after it is asked below, whatever it was.
                store.apply(changes)
            told = {event.event_id for event in self.recorded_events(store)}
            for change in changes:
                kept = [event.event_id in told for event in change.events]
                assert kept == [self._is_stored(store, change)] * len(kept)

    def test_errors_quote_no_values(self, store: AccountStore) -> None:
        """No error has a name, an address, a user name or a hash in it: many people read the logs it goes to (R14)."""
        for number, odd in enumerate(_accounts_that_may_not_fit()):
            account = attrs.evolve(
                odd,
                contact=attrs.evolve(_somebody(f"odd-{number}"), email=_PERSONAL[2]),
                username=f"{_PERSONAL[3]}{number}",
            )
            try:
                store.apply(_around(store, number, Change(old=None, new=account)))
            except Exception as error:  # noqa: BLE001  Whatever it is.
                assert_quotes_nothing(error, _PERSONAL)

    def test_a_store_that_is_not_reached_says_so(self, request: Fixtures) -> None:
        """Without its database a store says that it is unavailable, or owners would be denied as if they guessed."""
        store: AccountStore = fixture_or_skip(request, "unreachable_store", "what is raised without a database")
        account = attrs.evolve(an_account("1", _PERSONAL[3]), contact=_somebody("1"))
        asked: Sequence[Callable[[], object]] = (
            lambda: store.find(account.contact_id),
            lambda: store.find_by_username(_PERSONAL[3]),
            lambda: store.find_many([account.contact_id]),
            lambda: store.find_owners([_PERSONAL[3]]),
            lambda: store.find_epoch(account.contact_id),
            lambda: store.search(AccountQuery(now=NOW, words=_PERSONAL[3])),
            lambda: store.count(AccountQuery(now=NOW, words=_PERSONAL[1])),
            lambda: store.apply([Change(old=None, new=account)]),
        )
        for ask in asked:
            assert_says_unavailable(ask, _PERSONAL)

    def _is_stored(self, store: AccountStore, change: Change) -> bool:
        found = store.find(change.new.contact_id)
        return found is not None and found.version == change.new.version


def assert_quotes_nothing(error: BaseException, values: Sequence[str]) -> None:
    """Assert that none of the values is in the error, nor in those that a log would show with it."""
    shown: BaseException | None = error
    while shown is not None:
        text = " ".join([str(shown), repr(shown), *map(str, shown.args), *getattr(shown, "__notes__", ())])
        quoted = [number for number, value in enumerate(values) if value in text]
        assert quoted == [], f"{type(shown).__name__} quotes what it could not store"
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)


def assert_says_unavailable(ask: Callable[[], object], values: Sequence[str]) -> None:
    """Assert that asking raises `StoreUnavailableError`, which quotes none of the values."""
    try:
        ask()
    except StoreUnavailableError as error:
        assert_quotes_nothing(error, values)
    else:
        raise AssertionError("nothing was raised where nothing could be reached")


def _somebody(contact_id: str) -> Contact:
    return Contact(contact_id=ContactId(contact_id), first_name=_PERSONAL[0], last_name=_PERSONAL[1])


def _accounts_that_may_not_fit() -> Iterator[Account]:
    for number, fields in enumerate(_UNKEPT):
        account = issued(an_account(f"odd-{number}", f"odd{number}"))
        yield attrs.evolve(account, version=1, credential=attrs.evolve(account.credential, **fields))


def _around(store: AccountStore, number: int, odd: Change) -> list[Change]:
    """Return the change between two that are plain: one of an account that is there, and an addition."""
    before, behind = an_account(f"{number}-before"), an_account(f"{number}-behind")
    add(store, before)
    return [
        Change(old=before, new=issued(before), events=(an_event(before.contact_id),)),
        odd,
        Change(old=None, new=behind, events=(an_event(behind.contact_id),)),
    ]
