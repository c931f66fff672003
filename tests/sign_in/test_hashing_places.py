"""A place in the hashing queue is held for hashing alone: whoever waits for a database keeps nobody out (R7, R21)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from portal import (
    GOOD_PASSWORD,
    OFFICE,
    OTHER_PASSWORD,
    Portal,
    is_spent,
    issued,
    open_portal,
    settled,
    ticket_of,
    watched,
)
from portalcreds.audit import AuditKind
from portalcreds.exceptions import HashingUnavailableError, StoreUnavailableError
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.sign_in.outcomes import (
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
    TryLater,
    Unavailable,
)
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from portalcreds.throttle import Throttle
from races import age_the_hash

FULL = TryLater(retry_after=timedelta(seconds=1))


@contextmanager
def one_place() -> Iterator[UpgradingHasher]:
    """Lend a hasher whose queue has one place."""
    with (
        HashingPool(queue_limit=1, workers=1, patience=timedelta(0)) as pool,
        UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool
        ) as hasher,
    ):
        yield hasher


def is_free(hasher: UpgradingHasher) -> bool:
    """Return whether the one place is free."""
    place = hasher.admit()
    if place is not None:
        with place:
            pass
    return place is not None


@pytest.fixture
def places(portal: Portal) -> Iterator[tuple[Portal, list[tuple[str, bool]]]]:
    """A portal of one place, and for each call of its store and counter whether that place was free."""
    seen: list[tuple[str, bool]] = []
    with one_place() as hasher:

        def look(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
            if phase == "before":
                seen.append((name, is_free(hasher)))

        portal.store = watched(portal.store, look)
        portal.counter = watched(portal.counter, look)
        yield portal.with_parts(sign_in_hasher=hasher), seen


def test_no_place_is_held_at_any_call_of_a_store_or_counter(places: tuple[Portal, list[tuple[str, bool]]]) -> None:
    """R21: on every path of a sign-in and a change, the place is free while the store is asked."""
    portal, seen = places
    outcomes: list[object] = []
    issued(portal)
    seen.clear()
    forms = portal.sign_ins
    outcomes += [forms.sign_in(name, "wrong", source="192.0.2.7") for name in ("rabbiatici", "nobody", "PObrien")]
    ticket = ticket_of(portal)
    outcomes += [forms.complete_change(ticket, new) for new in ("short", "AbbiaticiR 2026", GOOD_PASSWORD, "again")]
    age_the_hash(portal)
    outcomes += [forms.sign_in("rabbiatici", GOOD_PASSWORD)]
    outcomes += [
        forms.change_password("rabbiatici", *typed)
        for typed in (
            ("wrong", OTHER_PASSWORD),
            (GOOD_PASSWORD, "short"),
            (GOOD_PASSWORD, GOOD_PASSWORD),
            (GOOD_PASSWORD, OTHER_PASSWORD),
        )
    ]
    assert [type(outcome) for outcome in outcomes] == [
        *[SignInDenied] * 3,
        *[PasswordRefused] * 2,
        PasswordChanged,
        TicketInvalid,
        SignedIn,
        SignInDenied,
        *[PasswordRefused] * 2,
        PasswordChanged,
    ]
    assert "authn_hash_upgrade" in portal.kinds("c-1")
    assert {"find", "find_by_username", "apply", "record", "hit", "counts"} <= {name for name, _ in seen}
    assert [name for name, free in seen if not free] == []


def test_each_source_has_its_own_turn(memory_portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """R21: a sign-in and a change wait for hashing among those of their source, so a flood elsewhere is not before."""
    portal = memory_portal
    asked: list[str | None] = []
    admit = HashingPool.admit

    def listen(pool: HashingPool, caller: str | None = None, /) -> Any:
        asked.append(caller)
        return admit(pool, caller)

    monkeypatch.setattr(HashingPool, "admit", listen)
    turns: list[set[str | None]] = []
    for source in ("192.0.2.7", "198.51.100.7"):
        issued(portal)
        ticket = ticket_of(portal)
        for ask in (
            partial(portal.sign_ins.sign_in, "rabbiatici", "wrong", source=source),
            partial(portal.sign_ins.complete_change, ticket, GOOD_PASSWORD, source=source),
        ):
            asked.clear()
            ask()
            turns.append(set(asked))
    assert [len(each) for each in turns] == [1, 1, 1, 1]
    assert len(set().union(*turns)) == len(turns), "one may stand for a sign-in, another for a change"


@pytest.mark.parametrize("database", ["postgresql", "mariadb"])
def test_a_locked_row_keeps_out_nobody_else(database: str, tmp_path: Path) -> None:
    """R21: while one family's sign-in waits for a row that somebody locked, another family signs in."""
    with open_portal(database, tmp_path) as portal, one_place() as hasher:
        settled(portal)
        settled(portal, "c-2")
        waiting = threading.Event()
        connect: Callable[[], Any] = portal.store._connections._connect  # type: ignore[attr-defined]  # The store's.
        blocker = connect()
        blocker.cursor().execute("UPDATE portal_accounts SET email = NULL WHERE tenant = '' AND contact_id = 'c-1'")

        def tell(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
            if (phase, name) == ("before", "apply"):
                waiting.set()

        portal.store = watched(portal.store, tell)
        forms = portal.with_parts(sign_in_hasher=hasher).sign_ins
        with ThreadPoolExecutor(1) as executor:
            kept_waiting = executor.submit(forms.sign_in, "rabbiatici", GOOD_PASSWORD)
            try:
                assert waiting.wait(30)
                other = forms.sign_in("PObrien", GOOD_PASSWORD)
                assert not kept_waiting.done(), "the row is locked"
            finally:
                blocker.rollback()
                blocker.close()
            assert isinstance(other, SignedIn)
            assert isinstance(kept_waiting.result(), SignedIn)


@pytest.mark.parametrize("username", ["rabbiatici", "PObrien", "avdberg", "suharto", "nobody"])
def test_places_that_are_gone_after_the_look_up_tell_nothing(memory_portal: Portal, username: str) -> None:
    """R7, R9: who finds the queue full after all learns and spends nothing, and each account costs the same calls."""
    portal = memory_portal
    settled(portal)
    issued(portal, "c-2")
    issued(portal, "c-3")
    portal.accounts.disable("c-3", OFFICE)
    calls: list[str] = []
    with one_place() as hasher:

        def fill(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
            if phase == "before":
                calls.append(name)
            elif name == "find_by_username":
                taken.append(hasher.admit())

        taken: list[Any] = []
        busy = portal.with_parts(sign_in_hasher=hasher)
        busy.store, busy.counter = watched(portal.store, fill), watched(portal.counter, fill)
        recorded = portal.kinds()
        for _ in range(12):
            assert busy.sign_ins.sign_in(username, "wrong") == FULL
            taken.pop().__exit__(None, None, None)
            portal.clock.move(minutes=1)
    found = ["counts", "find_by_username", "counts"]
    # Near the quarter of an hour, which it is when the test begins, an attempt is counted in two windows.
    near, later = ([*found, *["hit"] * windows, "counts", *["hit"] * windows] for windows in (2, 1))
    # Once in five minutes it goes on the record, whoever asked.
    noted, silent = ["counts", "hit", "hit", "record"], ["counts"]
    expected = [near, near, *[later] * 10]
    assert calls == [
        call for minute, looked in enumerate(expected) for call in (*looked, *(noted if minute % 5 == 0 else silent))
    ]
    assert portal.kinds() == [*recorded, *["excess_rate_limit_exceeded queue_full"] * 3]
    assert not is_spent(Throttle(portal.counter, clock=portal.clock), portal.account("c-1"))
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    assert isinstance(portal.sign_ins.sign_in("PObrien", "O'BrienP"), PasswordChangeRequired)


@pytest.mark.parametrize("trouble", ["no place", "no memory", "an outage"])
def test_a_change_that_comes_to_nothing_uses_up_no_try(memory_portal: Portal, trouble: str) -> None:
    """R7, R9: who is told to come back, because of a full queue or an outage, may try as often as before."""
    portal = memory_portal
    issued(portal)
    ticket = ticket_of(portal)
    raised = {"no memory": HashingUnavailableError("out_of_memory"), "an outage": StoreUnavailableError("apply", "x")}
    taken: list[Any] = []
    is_troubled = False

    def fail(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if is_troubled and (phase, name) == ("after", "find") and trouble == "no place":
            # The look-up took so long that the queue filled up.
            taken.append(hasher.admit())
        elif is_troubled and phase == "before" and (name, trouble) in (("hash", "no memory"), ("apply", "an outage")):
            raise raised[trouble]

    portal.store = watched(portal.store, fail)
    chosen, issued_ = watched(Argon2Hasher(CHEAPEST_CHOSEN), fail), Argon2Hasher(CHEAPEST_ISSUED)
    with (
        HashingPool(queue_limit=1, workers=1, patience=timedelta(0)) as pool,
        UpgradingHasher(chosen=chosen, issued=issued_, pool=pool) as hasher,
    ):
        forms = portal.with_parts(sign_in_hasher=hasher).sign_ins
        is_troubled = True
        for _ in range(35):
            assert forms.complete_change(ticket, GOOD_PASSWORD) == (FULL if trouble == "no place" else Unavailable())
            while taken:
                taken.pop().__exit__(None, None, None)
        is_troubled = False
        for _ in range(9):
            assert isinstance(forms.complete_change(ticket, "short"), PasswordRefused)
        assert isinstance(forms.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


def test_parallel_changes_are_bounded_work(memory_portal: Portal) -> None:
    """R9: tries under way count, and those beyond wait for a moment: it is not known yet whether they are refused."""
    portal = memory_portal
    issued(portal)
    account, throttle = portal.account("c-1"), portal.throttle
    tries = [throttle.begin_change(account) for _ in range(14)]
    assert [one.retry_after for one in tries] == [None] * 10 + [timedelta(seconds=1)] * 4
    noted = []
    for one in tries[:10]:
        noted += throttle.record_refused_change(account)
        one.close()
    assert noted == [(AuditKind.RATE_LIMITED, "change")]
    assert throttle.begin_change(account).retry_after == timedelta(minutes=5)


@pytest.mark.parametrize("new", ["short", GOOD_PASSWORD])
@pytest.mark.parametrize("by", ["ticket", "current password"])
def test_refused_changes_are_bounded_work(memory_portal: Portal, by: str, new: str) -> None:
    """R9: whoever may change a password cannot have others compared without end, and keeps no other family waiting."""
    portal = memory_portal
    changes: list[Callable[[], object]] = []
    for who, username in (("c-1", "rabbiatici"), ("c-2", "PObrien")):
        settled(portal, who)
        if by == "ticket":
            portal.accounts.require_change(who, OFFICE, reason="policy")
            ticket = ticket_of(portal, username, GOOD_PASSWORD)
            changes.append(partial(portal.sign_ins.complete_change, ticket, new, source="192.0.2.7"))
        else:
            changes.append(partial(portal.sign_ins.change_password, username, GOOD_PASSWORD, new, source="192.0.2.7"))
    outcomes = [changes[0]() for _ in range(25)]
    assert [type(outcome) for outcome in outcomes] == [PasswordRefused] * 10 + [TryLater] * 15
    assert sum(kind.startswith("authn_password_change_fail") for kind in portal.kinds("c-1")) == 10
    assert isinstance(changes[1](), PasswordRefused)
    portal.clock.move(minutes=5)
    assert isinstance(changes[0](), PasswordRefused)


def test_an_upgrade_that_finds_no_place_is_left_for_the_next_time(memory_portal: Portal) -> None:
    """R4: a full queue costs the better hash and not the sign-in."""
    portal = memory_portal
    settled(portal)
    age_the_hash(portal)
    aged = portal.account("c-1").credential.password_hash
    with one_place() as hasher:

        def fill(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
            if (phase, name) == ("before", "apply"):
                taken.append(hasher.admit())

        taken: list[Any] = []
        busy = portal.with_parts(sign_in_hasher=hasher)
        busy.store = watched(portal.store, fill)
        assert isinstance(busy.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
        taken.pop().__exit__(None, None, None)
    assert portal.account("c-1").credential.password_hash == aged
