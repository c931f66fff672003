"""What threads saw of accounts that they changed at the same time is what some order, one by one, would have shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from portal import FAMILY, OFFICE, USERNAMES, MovingClock, Portal, cheap_hasher, issued
from portalcreds.stores.memory import MemoryAccountStore
from proof.account_history import Recorder, Seen, State, allowed, record
from proof.linearizability import Call, find_order
from races import crowded
from stores.backends import STORES, Backend, backend_or_memory
from stores.sabotaged_stores import LastWriteWins

THREADS = 6


@pytest.fixture(scope="module", params=STORES)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend | None]:
    """Each backend, and None for the store in memory; each history is a tenant of its own."""
    with backend_or_memory(request.param, tmp_path_factory.mktemp("backend")) as backend:
        yield backend


@contextmanager
def a_portal(backend: Backend | None, memory: type[MemoryAccountStore] = MemoryAccountStore) -> Iterator[Portal]:
    """Lend a portal over that store, with the family in it and room for all threads."""
    clock = MovingClock()
    with cheap_hasher() as hasher:
        if backend is None:
            store = memory()
            portal = Portal(store, store.counter(clock=clock), clock, hasher)
            portal.accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES)
            with crowded(portal, 4 * THREADS) as many:
                yield many
            return
        with backend.open(uuid4().hex, connections=THREADS) as owned:
            portal = Portal(owned, owned.counter(clock=clock), clock, hasher)
            portal.accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES)
            with crowded(portal, 4 * THREADS) as many:
                yield many


@contextmanager
def switching_often() -> Iterator[None]:
    """Let threads take turns wherever they are."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def unexplained(portal: Portal, calls: int, seed: int) -> list[Recorder]:
    """Return those of two accounts whose history no order explains."""
    recorders = []
    states = {}
    for contact_id in ("c-1", "c-2"):
        issued(portal, contact_id)
        recorder = Recorder(portal, contact_id, USERNAMES[contact_id])
        recorders.append(recorder)
        states[contact_id] = recorder.state
    with switching_often():
        record(recorders, THREADS, calls, seed)
    return [each for each in recorders if find_order(each.calls, states[each.contact_id], allowed) is None]


def test_histories_have_an_explanation(backend: Backend | None) -> None:
    """A sample: six threads with eight calls each, on two accounts, over each store."""
    with a_portal(backend) as portal:
        assert not unexplained(portal, 8, seed=1)


@pytest.mark.whole
def test_many_histories_have_an_explanation(backend: Backend | None) -> None:
    """Twenty histories of six threads with thirty calls each, over each store (F11)."""
    for seed in range(20):
        with a_portal(backend) as portal:
            assert not unexplained(portal, 30, seed), seed


def test_a_store_that_loses_updates_is_found_out() -> None:
    """The check can fail: where the last write wins, some history has no explanation."""
    for seed in range(10):
        with a_portal(None, LastWriteWins) as portal:
            if unexplained(portal, 30, seed):
                return
    pytest.fail("ten histories of a store that loses updates were explained")


# -- the search itself, on histories that are written out

DEFAULT = "AbbiaticiR"
START = State(DEFAULT, "issued", False, True, None, epoch=1, version=1)
LET_IN = Seen("SignedIn", epoch=2, version=3)


Written = tuple[float, float, str, tuple[object, ...], Seen]
"""A call as it is written down."""

OPENED = (1.0, 2.0, "sign_in", (DEFAULT,), Seen("PasswordChangeRequired", ticket="t"))
CHOSEN = (3.0, 4.0, "complete_change", ("t", "new"), Seen("PasswordChanged", epoch=2, version=3))


@pytest.mark.parametrize(
    ("calls", "is_explained"),
    [
        pytest.param([OPENED, CHOSEN], True, id="one after the other"),
        pytest.param([OPENED, (2.5, 5.0, "sign_in", ("new",), Seen("SignedIn", 2, 4)), CHOSEN], True, id="at once"),
        pytest.param([OPENED, (2.5, 2.7, "sign_in", ("new",), Seen("SignedIn", 2, 4)), CHOSEN], False, id="too early"),
        pytest.param([OPENED, CHOSEN, (5.0, 6.0, "sign_in", (DEFAULT,), Seen("SignInDenied"))], True, id="old is dead"),
        pytest.param(
            [OPENED, CHOSEN, (5.0, 6.0, "complete_change", ("t", "x"), Seen("PasswordChanged", 3, 4))],
            False,
            id="a ticket twice",
        ),
        pytest.param(
            [OPENED, CHOSEN, (5.0, 6.0, "disable", (), Seen("done", 3)), (7.0, 8.0, "sign_in", ("new",), LET_IN)],
            False,
            id="in after disabling",
        ),
        pytest.param([(1.0, 2.0, "sign_in", (DEFAULT,), Seen("SignedIn", 1, 2))], False, id="in with a default"),
        pytest.param([OPENED, (3.0, 4.0, "require_change", (), Seen("done", 1))], False, id="an epoch that stays"),
    ],
)
def test_a_history_is_explained_or_not(calls: list[Written], is_explained: bool) -> None:
    """What could have happened in no order is told from what could."""
    assert (find_order([Call(*call) for call in calls], START, allowed) is not None) is is_explained
