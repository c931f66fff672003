"""Memory that is kept from one hash to the next: the same tags, nothing left behind, and the plain call without it."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import attrs
import pytest
from argon2 import low_level
from argon2.exceptions import HashingError
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.hashers import CHOSEN, ISSUED, Argon2Hasher, HashingPool, KeyRing, UpgradingHasher, _arena
from portalcreds.hashers._arena import LOAN, Arena, MemoryBudget, arenas_work, lend, raw_tag
from portalcreds.hashers.upgrading import Permit
from portalcreds.protocols import HashCheck
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_ISSUED

KIB = 1024
CANARY = b"canary in a coal mine"
SALT = b"sixteen byte slt"
STAND_IN = Argon2Hasher(CHEAPEST_ISSUED)
LARGE = Argon2Hasher(attrs.evolve(CHEAPEST_ISSUED, memory_kib=4 * KIB))
"""Just large enough for an arena."""


@pytest.fixture
def arena() -> Iterator[Arena]:
    """Half a MiB."""
    arena = Arena(512 * KIB)
    yield arena
    arena.close()


def on_a_thread(work: Callable[[], None]) -> None:
    """Run it where signal handlers do not run."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@given(
    st.binary(max_size=300),
    st.binary(min_size=16, max_size=64),
    st.integers(1, 3),
    st.integers(1, 16),
    st.integers(8, 30),
    st.sampled_from([16, 32, 64]),
)
def test_an_arena_gives_the_plain_tag(
    content: bytes, salt: bytes, time_cost: int, lanes: int, blocks: int, tag_bytes: int
) -> None:
    """For every cost and length, with one thread in reused memory as with as many threads as lanes in fresh."""
    small = Arena(512 * KIB)
    memory_kib = blocks * lanes

    plain = low_level.hash_secret_raw(content, salt, time_cost, memory_kib, lanes, tag_bytes, low_level.Type.ID)
    tags = []
    for where in (small, small, None):
        with lend(where):
            tags.append(
                raw_tag(content, salt, memory_kib=memory_kib, time_cost=time_cost, lanes=lanes, tag_bytes=tag_bytes)
            )
    small.close()

    assert tags == [plain] * 3


# RFC 9106 §5.3.
RFC_TAG = bytes.fromhex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")


@pytest.mark.parametrize("reused", [False, True], ids=["plain memory", "an arena"])
def test_the_vector_of_the_standard(reused: bool, arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9106's own Argon2id tag, of its secret and its associated data, from the call that we make."""
    associated = low_level.ffi.new("uint8_t[]", bytes([4]) * 12)
    real = low_level.core

    def with_associated_data(context: Any, kind: int) -> int:
        # No PHC string has any, so the call knows none.
        context.ad, context.adlen = associated, 12
        return real(context, kind)

    monkeypatch.setattr(low_level, "core", with_associated_data)
    password, salt, key = bytes([1]) * 32, bytes([2]) * 16, bytes([3]) * 8
    with lend(arena if reused else None):
        tags = [raw_tag(password, salt, memory_kib=32, time_cost=3, lanes=4, tag_bytes=32, key=key) for _ in range(2)]

    assert tags == [RFC_TAG] * 2


class KeptBuffers:
    """Stands in for the foreign function interface, and keeps the buffers that are made of bytes."""

    def __init__(self, ffi: Any) -> None:
        self._ffi = ffi
        self.buffers: list[tuple[bytes, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ffi, name)

    def new(self, kind: str, content: Any) -> Any:
        """Make it, and keep it."""
        made = self._ffi.new(kind, content)
        if isinstance(content, bytes):
            self.buffers.append((content, made))
        return made

    def contents(self, content: bytes) -> list[bytes]:
        """Return what is now in the buffers that were made of *content*."""
        return [bytes(self._ffi.buffer(made)) for source, made in self.buffers if source == content]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_of_a_password_stays_behind(arena: Arena, fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """R14: neither in the arena, which the C code wipes, nor in the copies of password and key that we make."""
    key = b"another canary, a key"
    kept = KeptBuffers(low_level.ffi)
    monkeypatch.setattr(low_level, "ffi", kept)
    seen = []
    real = low_level.core

    def spy(context: Any, kind: int) -> int:
        seen.append((kept.contents(CANARY), kept.contents(key)))
        return -22 if fails else real(context, kind)

    monkeypatch.setattr(low_level, "core", spy)

    def work() -> None:
        try:
            with lend(arena):
                raw_tag(CANARY, SALT, memory_kib=512, time_cost=2, lanes=4, tag_bytes=32, key=key)
        except HashingError:
            assert fails

    on_a_thread(work)

    assert seen == [([CANARY + b"\0"], [key + b"\0"])]
    assert not any(b"".join(kept.contents(CANARY) + kept.contents(key)))
    assert arena.memory[:] == bytes(arena.size)


def test_a_hash_larger_than_the_arena_is_hashed_without_it(arena: Arena) -> None:
    """R10: an arena that is too small is left alone."""
    tags = []
    for where in (arena, None):
        with lend(where):
            tags.append(raw_tag(CANARY, SALT, memory_kib=516, time_cost=1, lanes=1, tag_bytes=32))

    assert tags[0] == tags[1]
    assert arena.memory[:] == bytes(arena.size)


def test_the_c_code_never_gets_fewer_bytes_than_it_asks_for(arena: Arena) -> None:
    """R10: whatever an arena says of itself, asking for more than it has is out of memory, and no write beyond it."""
    arena.size = 1024 * KIB  # type: ignore[misc]  # It lies.
    with lend(arena), pytest.raises(HashingError, match="Memory allocation error"):
        raw_tag(CANARY, SALT, memory_kib=516, time_cost=1, lanes=1, tag_bytes=32)


def test_a_loan_is_of_one_thread_and_ends() -> None:
    """R13: an arena is used by nobody but the thread that it was lent to, and no longer than it was lent."""
    seen: list[Arena | None] = []
    budget = MemoryBudget(2 * KIB)
    with budget.hold(KIB, in_arena=True) as first:
        on_a_thread(lambda: seen.append(LOAN.arena))
        seen.append(LOAN.arena)
    seen.append(LOAN.arena)
    budget.close()

    assert first is not None
    assert seen == [None, first, None]


def test_an_arena_is_of_one_process(arena: Arena) -> None:
    """What a child does in its copy of the memory is not seen by the parent."""
    child = os.fork()
    if child == 0:
        arena.memory[:4] = b"mine"
        os._exit(0)
    os.waitpid(child, 0)

    assert arena.memory[:4] == bytes(4)


@pytest.mark.parametrize("obstacle", ["not known", "not taken"])
def test_huge_pages_are_no_condition(obstacle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not know the advice, or the kernel does not take it, there is an arena all the same."""
    if obstacle == "not known":
        monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    else:
        monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 2**20)

    assert arenas_work()


# -- the plain call serves


class WithoutCallbacks(KeptBuffers):
    """A hardened kernel: memory for callbacks may be written or run, but not both."""

    def __init__(self, ffi: Any, error: type[Exception]) -> None:
        super().__init__(ffi)
        self._error = error

    def callback(self, *_args: object) -> None:
        """Fail as CFFI does there."""
        raise self._error("Cannot allocate write+execute memory for ffi.callback()")


def no_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse callbacks as libffi's allocator does."""
    monkeypatch.setattr(low_level, "ffi", WithoutCallbacks(low_level.ffi, MemoryError))


def no_closures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse callbacks as libffi's preparation does."""
    monkeypatch.setattr(low_level, "ffi", WithoutCallbacks(low_level.ffi, SystemError))


def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system refuse the mapping."""

    def refuse(*_args: object, **_kwargs: object) -> mmap.mmap:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)


def no_private_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a platform without them."""
    monkeypatch.delattr(mmap, "MAP_ANONYMOUS")


def another_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the core another idea of the hash than the plain call has."""
    real = low_level.core

    def wrong(context: Any, kind: int) -> int:
        context.t_cost += 1
        return real(context, kind)

    monkeypatch.setattr(low_level, "core", wrong)


def another_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a release without the core, whose documentation reserves the right."""
    monkeypatch.delattr(low_level, "core")


def unwiped_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave something in the arena after the last pass, as a core without wiping would."""
    real = Arena.__init__

    def dirty(arena: Arena, size: int) -> None:
        real(arena, size)
        allocate, _ = arena.callbacks
        start = low_level.ffi.cast("uint8_t *", arena._buffer)

        def free(_place: Any, _amount: int) -> None:
            start[size - 1] = 1

        # Final for readers; this stands in for C code that behaves in another way.
        arena.callbacks = (allocate, low_level.ffi.callback("void(uint8_t *, size_t)", free))  # type: ignore[misc]  # Final for readers.

    monkeypatch.setattr(Arena, "__init__", dirty)


OBSTACLES = [
    no_callbacks,
    no_closures,
    no_memory,
    no_private_maps,
    another_tag,
    another_context,
    unwiped_memory,
]


def test_arenas_work_here() -> None:
    """Without an obstacle there is an arena: or all that follows would show nothing."""
    assert arenas_work()


def admitted(hasher: UpgradingHasher) -> Permit:
    """Return a place that there must be."""
    permit = hasher.admit()
    assert permit is not None
    return permit


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_an_obstacle_is_found_by_the_first_large_hash(
    obstacle: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R23: arenas are optional; whatever is against them, the plain call serves, with the same hashes."""
    obstacle(monkeypatch)
    assert not arenas_work()
    plain: list[int] = []
    real = low_level.hash_secret_raw

    def spy(content: bytes, salt: bytes, time_cost: int, memory_kib: int, *args: Any) -> bytes:
        plain.append(memory_kib)
        return real(content, salt, time_cost, memory_kib, *args)

    monkeypatch.setattr(low_level, "hash_secret_raw", spy)
    with UpgradingHasher(chosen=LARGE, issued=STAND_IN) as hasher, admitted(hasher) as permit:
        plain.clear()
        stored = permit.hash_chosen(Secret("password"))
        assert permit.check(Secret("password"), stored) == HashCheck(matched=True)
        assert hasher._pool._state.budget._arenas_work is False
    assert [memory_kib for memory_kib in plain if memory_kib > 256] == [4 * KIB, 4 * KIB]
    assert LARGE.verify(Secret("password"), stored)


@pytest.mark.parametrize("obstacle", [no_callbacks, no_closures, no_memory])
def test_an_obstacle_that_comes_later_is_no_failure(
    obstacle: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R23: when memory or permission goes away after the trial, the plain call serves too."""
    with UpgradingHasher(chosen=LARGE, issued=STAND_IN) as hasher, admitted(hasher) as permit:
        hasher._pool._state.budget._arenas_work = True
        obstacle(monkeypatch)
        stored = permit.hash_chosen(Secret("password"))
    assert LARGE.verify(Secret("password"), stored)


def test_arenas_are_made_where_no_signal_handler_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that runs inside a callback is swallowed: neither the trial nor an arena is on the main thread."""
    threads = []
    real = Arena.__init__

    def spy(arena: Arena, size: int) -> None:
        threads.append(threading.current_thread())
        real(arena, size)

    monkeypatch.setattr(Arena, "__init__", spy)
    with HashingPool(workers=1) as pool:
        hasher = UpgradingHasher(chosen=LARGE, issued=STAND_IN, pool=pool)
        assert threads == []
        with admitted(hasher) as permit:
            permit.check(Secret("password"), None)

    assert len(threads) == 2
    assert threading.main_thread() not in threads


# -- who gets one


@pytest.mark.parametrize("key_ring", [None, KeyRing(current="k", keys={"k": bytes(16)})], ids=["plain", "pepper"])
def test_all_that_is_large_is_done_in_one_arena(key_ring: KeyRing | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing, verifying, the decoy and a bulk share one slot's arena, and what comes of it is what a host gets."""
    arenas: list[Any] = []
    real = low_level.core

    def spy(context: Any, kind: int) -> int:
        # The first large hash tries whether arenas work, over 256 KiB.
        if context.m_cost > 256:
            arenas.append((context.m_cost, context.threads, context.allocate_cbk))
        return real(context, kind)

    plain = Argon2Hasher(LARGE.parameters, key_ring=key_ring)
    pool = HashingPool(workers=1)
    with pool:
        hasher = UpgradingHasher(chosen=plain, issued=plain, pool=pool)
        monkeypatch.setattr(low_level, "core", spy)
        permit = hasher.admit()
        assert permit is not None
        with permit:
            stored = permit.hash_chosen(Secret("password"))
            assert permit.check(Secret("password"), stored) == HashCheck(matched=True)
            assert permit.check(Secret("wrong"), None) == HashCheck(matched=False)
            hashes = list(hasher.hash_issued([Secret("password")] * 3))
    monkeypatch.undo()

    assert len(arenas) == 7
    assert len({str(entry[2]) for entry in arenas}) == 1
    assert {entry[:2] for entry in arenas} == {(4 * KIB, 1)}
    assert all(plain.verify(Secret("password"), written) for written in [stored, *hashes])
    assert not any(plain.needs_rehash(written) for written in [stored, *hashes])


class Louder(Argon2Hasher):
    """A host's own, made from ours."""

    def verify(self, password: Secret, password_hash: Any, /) -> bool:
        """Match whatever case was typed."""
        return super().verify(Secret(password.reveal().lower()), password_hash)


def test_a_class_made_from_ours_is_called_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a host changed in a class of its own is not gone around, and it hashes in arenas too."""
    sizes: list[int] = []
    real = Arena.__init__

    def spy(arena: Arena, size: int) -> None:
        sizes.append(size)
        real(arena, size)

    monkeypatch.setattr(Arena, "__init__", spy)
    with (
        UpgradingHasher(chosen=Louder(LARGE.parameters), issued=STAND_IN) as hasher,
        admitted(hasher) as permit,
    ):
        stored = permit.hash_chosen(Secret("password"))
        assert permit.check(Secret("PASSWORD"), stored).matched
    assert sizes == [256 * KIB, 4 * KIB * KIB]


def test_a_hasher_that_knows_no_arena_is_lent_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """R13: memory that is lent and not used would be taken twice; another vendored copy's hasher is such a one."""
    monkeypatch.setattr(Louder, "loan", object())
    asked: list[bool] = []
    real = MemoryBudget.hold

    def spy(budget: MemoryBudget, amount: int, *, in_arena: bool) -> AbstractContextManager[Arena | None]:
        asked.append(in_arena)
        return real(budget, amount, in_arena=in_arena)

    monkeypatch.setattr(MemoryBudget, "hold", spy)
    with UpgradingHasher(chosen=Louder(LARGE.parameters), issued=STAND_IN) as hasher, admitted(hasher) as permit:
        permit.check(Secret("wrong"), None)
    assert asked == [False, False]


def test_both_profiles_are_worth_an_arena() -> None:
    """What the allocator keeps of a plain call's memory is in no budget, so both costs go through arenas."""
    assert _arena.WORTHWHILE_BYTES <= ISSUED.memory_bytes < CHOSEN.memory_bytes


def test_both_hashes_of_a_denial_share_one_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    """R7: whichever of the two costs comes first, the second takes no memory besides that of the larger."""
    sizes: list[int] = []
    costs: list[int] = []
    real_init, real_core = Arena.__init__, low_level.core

    def making(arena: Arena, size: int) -> None:
        sizes.append(size)
        real_init(arena, size)

    def hashing(context: Any, kind: int) -> int:
        costs.append(context.m_cost)
        return real_core(context, kind)

    issued = Argon2Hasher(attrs.evolve(ISSUED, memory_kib=4 * KIB, insecure_for_tests=True))
    chosen = Argon2Hasher(attrs.evolve(ISSUED, memory_kib=8 * KIB, insecure_for_tests=True))
    with HashingPool(workers=1) as pool:
        hasher = UpgradingHasher(chosen=chosen, issued=issued, pool=pool)
        stored = issued.hash(Secret("password"))
        monkeypatch.setattr(Arena, "__init__", making)
        monkeypatch.setattr(low_level, "core", hashing)
        permit = hasher.admit()
        assert permit is not None
        with permit:
            assert not permit.check(Secret("wrong"), None).matched
            assert not permit.check(Secret("wrong"), stored).matched

    # The first large hash tries whether arenas work, over 256 KiB.
    assert sizes == [256 * KIB, 8 * KIB * KIB]
    assert costs == [256, 8 * KIB, 4 * KIB, 4 * KIB, 8 * KIB]
