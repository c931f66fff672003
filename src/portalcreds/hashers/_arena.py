"""
Hash in memory that is kept from one hash to the next, in place of memory that each hash maps and unmaps.

A third of what a large hash costs is page faults. The C code takes its memory from a callback if there is one, wipes it
before it hands it back, and gives the same tag. Python's signal handlers that run inside such a callback are swallowed:
an arena is used on threads other than the main one only, where none run.
"""

from __future__ import annotations

import mmap
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
From here on a hash is worth an arena. At 64 MiB it saves a quarter of the CPU. At 19 MiB there are no page faults to
save, because the system's allocator keeps so much by itself; but what an arena keeps is counted, and given back.
"""

IDLE_SECONDS: Final = 10.0
"""How long an arena is kept without work: a burst of sign-ins shares it, and to make it anew costs 0.05 s."""

_ALL_IN_ONE_THREAD: Final = 1

_OK: Final = 0


class Arena:
    """
    Memory for one hash at a time.

    Args:
        size: In bytes.

    Raises:
        Exception: Anything at all, where there is no such memory, or no callback can be made (hardened kernels).
    """

    def __init__(self, size: int) -> None:
        # Private, or parent and child would go on hashing in the same memory after a fork.
        self.memory: Final = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        # They save another tenth; not every system knows the advice, and not every kernel takes it.
        with suppress(AttributeError, OSError):
            self.memory.madvise(mmap.MADV_HUGEPAGE)
        self.size: Final = size
        ffi = low_level.ffi
        self._buffer: Final = ffi.from_buffer("uint8_t[]", self.memory)
        start = ffi.cast("uint8_t *", self._buffer)

        def allocate(place: Any, amount: int) -> int:
            # Left alone, the place is NULL, which the C code takes for memory that ran out.
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


def raw_tag(
    content: bytes,
    salt: bytes,
    *,
    memory_kib: int,
    time_cost: int,
    lanes: int,
    tag_bytes: int,
    key: bytes = b"",
    arena: Arena | None = None,
) -> bytes:
    """
    Return the Argon2id tag, with a key besides, in an arena, or both.

    Raises:
        HashingError: Memory ran out, or the backend failed.
    """
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


def worthwhile(memory_bytes: int) -> bool:
    """Return whether hashes of this size are to be computed in arenas, here and now."""
    return memory_bytes >= WORTHWHILE_BYTES and arenas_work()


def arenas_work() -> bool:
    """Return whether a small arena gives the plain call's tag and keeps nothing, tried on a thread that then ends."""
    verdict = []
    # Where a signal handler cannot run, which the callbacks would swallow; nothing is left for a fork to lose.
    trial = threading.Thread(target=lambda: verdict.append(_gives_the_plain_tag()))
    trial.start()
    trial.join()
    return verdict == [True]


def _gives_the_plain_tag() -> bool:
    content, salt, memory_kib, lanes = b"password", b"0123456789abcdef", 256, 4
    try:
        arena = Arena(memory_kib * 1024)
        tag = raw_tag(content, salt, memory_kib=memory_kib, time_cost=3, lanes=lanes, tag_bytes=32, arena=arena)
        left = arena.memory[:]
        arena.close()
        plain = low_level.hash_secret_raw(content, salt, 3, memory_kib, lanes, 32, low_level.Type.ID)
    except Exception:  # noqa: BLE001  Whatever a kernel, a platform or another release has against it: it is optional.
        return False
    return tag == plain and not any(left)


class MemoryBudget:
    """
    Bytes, handed out in the order asked for, so that a large hash does not starve behind small ones.

    What idle arenas keep counts, and goes first when somebody asks for more than is free.

    Args:
        total: How many bytes there are.
    """

    def __init__(self, total: int) -> None:
        self._free = total
        self._idle: deque[tuple[float, Arena]] = deque()
        self._is_closed = False
        self._timer: threading.Timer | None = None
        self._door = threading.Lock()
        self._freed = threading.Condition(threading.Lock())

    @contextmanager
    def hold(self, amount: int, *, in_arena: bool) -> Iterator[Arena | None]:
        """Hold so many bytes once they are free; in an arena of that size or more if it is asked for and can be had."""
        arena = self._take(amount, in_arena)
        try:
            if in_arena and arena is None:
                arena = _new_arena(amount)
            yield arena
        finally:
            self._give_back(amount, arena)

    def close(self) -> None:
        """Release what is idle, and keep no arena any more."""
        with self._freed:
            self._is_closed = True
            self._release_until(float("inf"))
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join()

    def _take(self, amount: int, in_arena: bool) -> Arena | None:
        """Return an idle arena that holds the bytes, or None when they are taken from what is free."""
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
        # The smallest that will do: both hashes of a denial share one, and large ones stay for who needs them. Of the
        # same size the newest, so that what a burst needed beyond the usual grows old.
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
        """See to it that what is idle is released in time, or now if nobody could."""
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
            # No more threads: the process is at its limit, or the interpreter about to end.
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
    except Exception:  # noqa: BLE001  The plain call then does, or says itself that memory ran out.
        return None
