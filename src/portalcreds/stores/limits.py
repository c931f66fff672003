"""Count attempts in Redis, over any storage of the limits package; needs the extra ``limits``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from .._arguments import attempt_key_in, attempt_keys_in, window_in
from ..exceptions import ConfigurationError, MissingDependencyError, StoreUnavailableError
from ._one_process import OneProcess
from ._tenant import check_tenant

try:
    from limits.errors import StorageError
    from limits.storage import MemcachedStorage, MemoryStorage, RedisClusterStorage, RedisStorage, Storage
except ImportError:
    raise MissingDependencyError("limits") from None

if TYPE_CHECKING:
    from limits.aio.storage import Storage as AsyncStorage

PREFIX: Final = "portal"
"""What the keys of counts begin with, behind the storage's own ``LIMITS:``."""

_PREFIX: Final = re.compile(r"[A-Za-z0-9_.-]{1,30}", re.ASCII)

_SECOND: Final = timedelta(seconds=1)

_FOREVER: Final = 100 * 365 * 24 * 60 * 60
"""
Seconds of a window that does not end: a hundred years. Every storage wants an end; this one is far beyond that of any
account, and far below what Redis can hold.
"""

_Result = TypeVar("_Result")


class LimitsAttemptCounter:
    """
    An `AttemptCounter` over a storage of the limits package, for portal servers that share a Redis and no database.

    A hit is one call of the storage's ``incr``. Over Redis and Valkey that is a script on the server, so that it is
    atomic and exact, goes by the server's clock, and sets the window's end with the first hit only. Whole seconds are
    counted: a window of a fraction more is rounded up. None becomes a hundred years. A count may be one too high after
    a connection was lost, because the client sends the hit again.

    **It is as good as the storage's memory.** A count that the storage loses is a guess given away (R9): let Redis
    evict nothing (``maxmemory-policy noeviction``; no other policy will do, because every count has an end), and let it
    write each count down (``appendonly yes``). With ``appendfsync everysec`` a crash loses the last second; a replica
    that takes over lacks what had not reached it. Nobody else may call the storage's ``reset``, which deletes the
    counts too.

    ``memory://`` counts for one process only, and its own clean-up can lose a hit at the instant at which a window
    ends: try things out with it, or take `portalcreds.stores.memory.MemoryAttemptCounter`. Memcached is refused,
    because it drops what it has no room for and says nothing.

    Args:
        storage: What ``limits.storage.storage_from_string("redis://…")`` returns; one for asyncio is refused. It is
            borrowed: give it time limits (``socket_timeout`` and ``socket_connect_timeout``, in seconds), or a silent
            network holds up each sign-in.
        tenant: Which portal's counts, as at most 64 printable ASCII characters; it is in every key. Two portals that
            share a storage and have the same tenant, or none, would share their counts: so it has to be said, as that
            of the portal's store is. Pass ``""`` if no other portal has this storage.
        prefix: What the keys begin with, as up to 30 ASCII letters, digits and ``_.-``.

    Raises:
        ConfigurationError: An argument cannot be used. Nothing is asked of the storage yet.
    """

    def __init__(self, storage: Storage | AsyncStorage, *, tenant: str | None = None, prefix: str = PREFIX) -> None:
        if not isinstance(storage, Storage):
            # A URI, or a storage for asyncio, whose answers nobody would await.
            raise ConfigurationError("storage", 'pass limits.storage.storage_from_string("redis://..."), not async+')
        if isinstance(storage, MemcachedStorage):
            raise ConfigurationError("storage", "pass Redis: memcached drops counts when it is short of room")
        if tenant is None:
            raise ConfigurationError("tenant", "pass the store's, such as tenant=store.tenant, which may be empty")
        begins: object = prefix
        if not isinstance(begins, str) or not _PREFIX.fullmatch(begins):
            raise ConfigurationError("prefix", "pass up to 30 ASCII letters, digits and any of _.-")
        self._storage = storage
        # Quoted, so that no tenant's name can reach into another's keys, or have a cluster keep them on one node.
        self.tenant: str = check_tenant(tenant)
        self._names = f"{prefix}:{quote(self.tenant, safe='')}:"
        self.is_of_one_process: bool = isinstance(storage, MemoryStorage)
        self._process = OneProcess() if self.is_of_one_process else None
        # The storage in memory adds under a lock and reads the sum after it, when others may have added already.
        self._turn: AbstractContextManager[object] = Lock() if isinstance(storage, MemoryStorage) else nullcontext()

    def hit(self, key: str, window: timedelta | None, /) -> int:
        """Add one and return the new count; the first hit decides when it is forgotten."""
        key = attempt_key_in(key)
        window_in(window)
        if self._process is not None:
            self._process.check()
        name, seconds = self._names + key, _whole_seconds(window)
        n = self._ask("hit", lambda: int(self._storage.incr(name, seconds)))
        if n < 1:
            # Some storages answer so when they could not count.
            raise StoreUnavailableError("hit", "not_counted")
        return n

    def counts(self, keys: Sequence[str], /) -> tuple[int, ...]:
        """Return the count of each key, 0 where there is none or it was forgotten; from Redis in one journey."""
        keys = attempt_keys_in(keys)
        names = [self._names + key for key in keys]
        return self._ask("counts", lambda: _read(self._storage, names)) if names else ()

    def clear(self, key: str, /) -> None:
        """Forget the count."""
        key = attempt_key_in(key)
        name = self._names + key
        self._ask("clear", lambda: self._storage.clear(name))

    def purge(self) -> int:
        """Return 0: these storages drop each count by themselves when its window ends."""
        return 0

    def _ask(self, operation: str, work: Callable[[], _Result]) -> _Result:
        try:
            with self._turn:
                return work()
        except Exception as error:  # noqa: BLE001  Storages' errors share no class, and some quote the key (R14).
            code = type(error.storage_error if isinstance(error, StorageError) else error).__name__
        # Raised outside the except clause: an error's __context__ would carry the storage's text along (R14).
        raise StoreUnavailableError(operation, code)


def _whole_seconds(window: timedelta | None) -> int:
    # Rounded up and never 0, which Redis takes for "delete it now": each guess would be the first.
    return _FOREVER if window is None else min(max(1, -(window // -_SECOND)), _FOREVER)


def _read(storage: Storage, names: Sequence[str]) -> tuple[int, ...]:
    if not isinstance(storage, RedisStorage):
        return tuple(storage.get(name) for name in names)
    # The client of the primary: beside a Sentinel, the storage's own get asks a replica, which may lag behind.
    client: Any = storage.storage
    # A cluster answers one question for each of the nodes that have some of the keys.
    ask = client.mget_nonatomic if isinstance(storage, RedisClusterStorage) else client.mget
    return tuple(int(value or 0) for value in ask([storage.prefixed_key(name) for name in names]))
