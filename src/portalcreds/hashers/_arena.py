"""
Hash in memory that is kept from one hash to the next, instead of memory that each hash maps and unmaps.

A third of what a large hash costs is page faults. The C code takes its memory from a callback if there is one, wipes it
before it gives it back, and returns the same tag. Python's signal handlers are lost if they run inside such a callback,
so arenas are used only on threads other than the main one, where no handler runs.

The pool lends an arena to the thread that does the work; `raw_tag` uses what its thread was lent.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from argon2 import low_level
from argon2.exceptions import HashingError

WORTHWHILE_BYTES: Final = 4 * 1024 * 1024
"""
From this size on a hash gets an arena. At 64 MiB that saves a quarter of the CPU. At 19 MiB it saves nothing, because
the C library keeps that much memory by itself; but what an arena keeps is counted, and is given back.
"""

IDLE_SECONDS: Final = 10.0
"""How long an unused arena is kept: a burst of sign-ins shares it, and making a new one costs 0.05 s."""

_ALL_IN_ONE_THREAD: Final = 1

_OK: Final = 0


class Arena:
    """
    Memory for one hash at a time.

    Args:
        size: In bytes.

    Raises:
        Exception: Of any kind, where there is no such memory, or no callback can be made (hardened kernels).
    """

    def __init__(self, size: int) -> None:
        import mmap

        # Private, or parent and child would go on hashing in the same memory after a fork.
        self.memory: Final = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        # Large pages save another tenth; not every system knows the advice, and not every kernel follows it.
        with suppress(AttributeError, OSError):
            self.memory.madvise(mmap.MADV_HUGEPAGE)
        self.size: Final = size
        ffi = low_level.ffi
        self._buffer: Final = ffi.from_buffer("uint8_t[]", self.memory)
        start = ffi.cast("uint8_t *", self._buffer)

        def allocate(place: Any, amount: int) -> int:
            # If nothing is written, the place stays NULL, which the C code reads as out of memory.
            if amount <= size:
                place[0] = start
            return _OK

        self.callbacks: Final = (
            ffi.callback("int(uint8_t **, size_t)", allocate),
            ffi.callback("void(uint8_t *, size_t)", lambda _place, _amount: None),
        )

    def close(self) -> None:
        """Give the memory back to the system."""
        low_level.ffi.release(self._buffer)
        self.memory.close()


class _Loan(threading.local):
    """What the pool lent to the work on this thread."""

    arena: Arena | None = None


LOAN: Final = _Loan()


@contextmanager
def lend(arena: Arena | None) -> Iterator[None]:
    """Lend the arena to what this thread hashes meanwhile."""
    before, LOAN.arena = LOAN.arena, arena
    try:
        yield
    finally:
        LOAN.arena = before


def works_in_arena(hasher: object, memory_bytes: int) -> bool:
    """Return whether the hasher's hashes, of this size, are worth an arena."""
    # By identity: a hasher of another vendored copy looks for an arena where this copy lends none.
    return getattr(hasher, "loan", None) is LOAN and memory_bytes >= WORTHWHILE_BYTES


def raw_tag(
    content: bytes, salt: bytes, *, memory_kib: int, time_cost: int, lanes: int, tag_bytes: int, key: bytes = b""
) -> bytes:
    """
    Return the Argon2id tag, computed in the arena that this thread was lent if it is large enough.

    Raises:
        HashingError: Memory ran out, or the backend failed.
    """
    arena = LOAN.arena
    if arena is not None and arena.size < memory_kib * 1024:
        arena = None
    if arena is None and not key:
        return low_level.hash_secret_raw(
            content, salt, time_cost, memory_kib, lanes, tag_bytes, low_level.Type.ID, low_level.ARGON2_VERSION
        )
    ffi = low_level.ffi
    tag, salted = ffi.new("uint8_t[]", tag_bytes), ffi.new("uint8_t[]", salt)
    secrets = [ffi.new("uint8_t[]", secret) for secret in (content, key)]
    allocate, free = (ffi.NULL, ffi.NULL) if arena is None else arena.callbacks
    context = ffi.new(
        "argon2_context *",
        {
            "out": tag,
            "outlen": tag_bytes,
            "pwd": secrets[0],
            "pwdlen": len(content),
            "salt": salted,
            "saltlen": len(salt),
            "secret": secrets[1],
            "secretlen": len(key),
            "t_cost": time_cost,
            "m_cost": memory_kib,
            "lanes": lanes,
            "threads": lanes if arena is None else _ALL_IN_ONE_THREAD,
            "version": low_level.ARGON2_VERSION,
            "allocate_cbk": allocate,
            "free_cbk": free,
        },
    )
    try:
        status = low_level.core(context, low_level.Type.ID.value)
    finally:
        for secret in secrets:
            ffi.memmove(secret, bytes(len(secret)), len(secret))
    if status != _OK:
        raise HashingError(low_level.error_to_str(status))
    return bytes(ffi.buffer(tag))


def arenas_work() -> bool:
    """Return whether a small arena gives the plain call's tag and keeps nothing. Not on the main thread."""

    def tag() -> bytes:
        return raw_tag(b"password", b"0123456789abcdef", memory_kib=256, time_cost=3, lanes=4, tag_bytes=32)

    try:
        arena = Arena(256 * 1024)
        with lend(arena):
            reused = tag()
        left = arena.memory[:]
        arena.close()
        with lend(None):
            plain = tag()
    except Exception:  # noqa: BLE001  Whatever a kernel, a platform or another release objects to: arenas are optional.
        return False
    return reused == plain and not any(left)


class MemoryBudget:
    """
    Hand out bytes in the order asked for, so that a large hash does not starve behind small ones.

    Idle arenas count, and are released first when somebody asks for more than is free.

    Args:
        total: How many bytes there are.
    """

    def __init__(self, total: int) -> None:
        self._free = total
        self._idle: deque[tuple[float, Arena]] = deque()
        self._is_closed = False
        self._arenas_work: bool | None = None
        self._timer: threading.Timer | None = None
        self._door = threading.Lock()
        self._freed = threading.Condition(threading.Lock())

    @contextmanager
    def hold(self, amount: int, *, in_arena: bool) -> Iterator[Arena | None]:
        """Wait for so many bytes and hold them; if possible in an arena, which is lent to this thread meanwhile."""
        if in_arena:
            in_arena = self._try_arenas()
        arena = self._take(amount, in_arena)
        try:
            if in_arena and arena is None:
                arena = _new_arena(amount)
            with lend(arena):
                yield arena
        finally:
            self._give_back(amount, arena)

    def close(self) -> None:
        """Release what is idle, and keep no arena from now on."""
        with self._freed:
            self._is_closed = True
            self._release_until(float("inf"))
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join()

    def _try_arenas(self) -> bool:
        # Here, with the first large hash, because this is a thread of the pool. Two at once try twice.
        if self._arenas_work is None:
            self._arenas_work = arenas_work()
        return self._arenas_work

    def _take(self, amount: int, in_arena: bool) -> Arena | None:
        """Return an idle arena of that size or more, or None after taking the bytes from what is free."""
        with self._door, self._freed:
            while True:
                if in_arena and (kept := self._take_idle(amount)) is not None:
                    return kept
                while self._free < amount and self._idle:
                    self._release_oldest()
                if self._free >= amount:
                    self._free -= amount
                    return None
                self._freed.wait()

    def _take_idle(self, size: int) -> Arena | None:
        # The smallest that fits: both hashes of a denial share one, and large ones stay for those who need them. Of the
        # same size the newest, so that the extra ones of a burst grow old.
        fitting = [entry for entry in reversed(self._idle) if entry[1].size >= size]
        if not fitting:
            return None
        kept = min(fitting, key=lambda entry: entry[1].size)
        self._idle.remove(kept)
        return kept[1]

    def _give_back(self, amount: int, arena: Arena | None) -> None:
        with self._freed:
            if arena is None:
                self._free += amount
            else:
                self._idle.append((time.monotonic(), arena))
                self._watch()
            self._freed.notify()

    def _watch(self) -> None:
        """Start the timer that releases what is idle, or release it now if there can be no timer."""
        if self._timer is not None or not self._idle:
            return
        try:
            if not self._is_closed:
                timer = threading.Timer(self._idle[0][0] + IDLE_SECONDS - time.monotonic(), self._release_old)
                timer.daemon = True
                timer.start()
                self._timer = timer
                return
        except RuntimeError:
            # No more threads: the process is at its limit, or the interpreter is about to end.
            pass
        self._release_until(float("inf"))

    def _release_old(self) -> None:
        with self._freed:
            self._timer = None
            self._release_until(time.monotonic() - IDLE_SECONDS)
            self._watch()
            self._freed.notify()

    def _release_until(self, instant: float) -> None:
        while self._idle and self._idle[0][0] <= instant:
            self._release_oldest()

    def _release_oldest(self) -> None:
        _, arena = self._idle.popleft()
        arena.close()
        self._free += arena.size


def _new_arena(size: int) -> Arena | None:
    try:
        return Arena(size)
    except Exception:  # noqa: BLE001  The plain call then does the work, or says itself that memory ran out.
        return None
