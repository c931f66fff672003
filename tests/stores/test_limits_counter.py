"""Counts over the limits package are exact over a real Redis, and let nobody in when it is gone (R9, R14, R21)."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import IO, Any, Final, NoReturn
from uuid import uuid4

import limits.aio.storage
import limits.storage.memory
import pytest
from limits.storage import (
    MemcachedStorage,
    MemoryStorage,
    RedisSentinelStorage,
    RedisStorage,
    Storage,
    storage_from_string,
)

from portal import GOOD_PASSWORD, open_portal, settled
from portalcreds.exceptions import ConfigurationError, MissingDependencyError, StoreUnavailableError
from portalcreds.sign_in.outcomes import SignedIn, Unavailable
from portalcreds.stores.limits import LimitsAttemptCounter
from portalcreds.testing import AttemptCounterContract, ManualClock

CANARY: Final = "canary-51c0"
URL: Final = os.environ.get("PORTALCREDS_REDIS", "redis://127.0.0.1:6379")
PAGE: Final = Path(__file__).resolve().parents[2] / "docs/how-to/count-attempts.md"
_MILLISECOND: Final = timedelta(milliseconds=1)


@pytest.fixture
def prefix() -> str:
    """Return what the keys of one test begin with."""
    return f"test-{uuid4().hex[:20]}"


@pytest.fixture
def redis(prefix: str) -> Iterator[RedisStorage]:
    """Redis, where the keys of this test are removed afterwards."""
    try:
        storage = storage_from_string(URL, socket_timeout=5, socket_connect_timeout=5)
        assert isinstance(storage, RedisStorage)
        storage.storage.ping()
    except Exception as error:  # noqa: BLE001  Clients share no class.
        _missing("Redis", error)
    yield storage
    names = list(storage.storage.scan_iter(f"*{prefix}*", count=1000))
    if names:
        storage.storage.delete(*names)
    storage.storage.close()


class RedisClock(ManualClock):
    """
    A clock for a counter that goes by Redis's own: to move it is to move the ends of the windows in Redis.

    It knows the end of each as this clock tells it, and keeps the keys alive for a minute at least until then, so that
    the time which the test itself takes decides nothing.
    """

    _now: datetime

    def __init__(self, client: Any, pattern: str) -> None:
        self._client = client
        self._pattern = pattern
        self._ends: dict[bytes, datetime] = {}
        self._left: dict[bytes, int] = {}
        super().__init__()

    @property
    def now(self) -> datetime:
        """The instant that it was set to."""
        return self._now

    @now.setter
    def now(self, now: datetime) -> None:
        for key in list(self._client.scan_iter(self._pattern)):
            left = self._client.pttl(key)
            assert left > 0, "a count without an end, which limits would never have made"
            # The end that was set here, but for the moment since? Else a window began with a hit.
            if not self._left.get(key, 0) - 30_000 < left <= self._left.get(key, 0):
                self._ends[key] = self._now + timedelta(seconds=-(-left // 1000))
            if self._ends[key] <= now:
                self._client.delete(key)
            else:
                self._left[key] = max((self._ends[key] - now) // _MILLISECOND, 60_000)
                self._client.pexpire(key, self._left[key])
        self._now = now


class TestRedisCounter(AttemptCounterContract):
    """The counter's contract over Redis."""

    keeps_ended = False

    @pytest.fixture
    def clock(self, redis: RedisStorage, prefix: str) -> RedisClock:
        """A clock that moves the windows in Redis."""
        return RedisClock(redis.storage, f"*{prefix}*")

    @pytest.fixture
    def counter(self, redis: RedisStorage, prefix: str) -> LimitsAttemptCounter:
        """A fresh counter."""
        return LimitsAttemptCounter(redis, tenant="", prefix=prefix)


class TestMemoryStorageCounter(AttemptCounterContract):
    """The same over limits' storage in memory, which alone would tell two threads the same count."""

    keeps_ended = False

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> ManualClock:
        """A clock that the storage goes by too."""
        clock = ManualClock()

        class Time:
            @staticmethod
            def time() -> float:
                return clock().timestamp()

        monkeypatch.setattr(limits.storage.memory, "time", Time)
        # Its timer looks which counts have ended, and removes them later, with no lock: one that began anew in between
        # is lost, once in some thousand runs. The page says so; here it stands still.
        monkeypatch.setattr(limits.storage.memory.MemoryStorage, "_MemoryStorage__expire_events", lambda _: None)
        return clock

    @pytest.fixture
    def counter(self, clock: ManualClock) -> LimitsAttemptCounter:
        """A fresh counter."""
        return LimitsAttemptCounter(storage_from_string("memory://"), tenant="")


def test_the_storage_in_memory_is_asked_one_at_a_time() -> None:
    """R9: it adds under a lock and reads the sum after it, so that two threads at once could both be told 2."""
    others: list[Thread] = []
    waited: list[bool] = []

    class Slow(MemoryStorage):
        def incr(self, key: str, expiry: float, amount: int = 1) -> int:
            if not others:
                others.append(Thread(target=counter.hit, args=("guessed", None)))
                others[0].start()
                others[0].join(0.1)
                waited.append(others[0].is_alive())
            return super().incr(key, expiry, amount=amount)

    counter = LimitsAttemptCounter(Slow(), tenant="")
    assert counter.hit("guessed", None) == 1
    others[0].join()
    assert waited == [True]
    assert counter.counts(["guessed"]) == (2,)


HITS: Final = 200
HITTER: Final = """
import sys
from limits.storage import storage_from_string
from portalcreds.stores.limits import LimitsAttemptCounter
counter = LimitsAttemptCounter(storage_from_string(sys.argv[1]), tenant="", prefix=sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print(*[counter.hit("guessed", None) for _ in range(int(sys.argv[3]))])
"""


def test_several_processes_share_one_exact_count(redis: RedisStorage, prefix: str) -> None:
    """R9: hits of four processes at once are all counted, and no two of them are told the same number."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HITTER, URL, prefix, str(HITS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    told = [int(number) for process in processes for number in process.communicate()[0].split()]
    assert sorted(told) == list(range(1, 4 * HITS + 1))
    assert LimitsAttemptCounter(redis, tenant="", prefix=prefix).counts(["guessed"]) == (4 * HITS,)


def test_tenants_and_prefixes_are_apart(redis: RedisStorage, prefix: str) -> None:
    """R16: no tenant's name, however it is made, reaches into the counts of another."""
    parts = [("", "a:b:k"), ("a", "b:k"), ("a:b", "k"), ("a%3Ab", "k"), ("A", "b:k"), ("{a}", "b:k"), ("a b", "k")]
    counters = [LimitsAttemptCounter(redis, tenant=tenant, prefix=prefix) for tenant, _ in parts]
    counters.append(LimitsAttemptCounter(redis, tenant="", prefix=f"{prefix}.2"))
    keys = [*(key for _, key in parts), "a:b:k"]
    for number, (counter, key) in enumerate(zip(counters, keys, strict=True), start=1):
        for _ in range(number):
            counter.hit(key, None)
    counted = [counter.counts([key])[0] for counter, key in zip(counters, keys, strict=True)]
    assert counted == list(range(1, len(keys) + 1))
    counters[0].clear("a:b:k")
    assert [counter.counts([key])[0] for counter, key in zip(counters, keys, strict=True)] == [0, *counted[1:]]


def test_counts_are_asked_in_one_journey(prefix: str) -> None:
    """A sign-in asks for four counts, and each question to Redis is a journey over a network."""
    with own_redis() as (url, _):
        storage = storage_from_string(url)
        assert isinstance(storage, RedisStorage)
        counter = LimitsAttemptCounter(storage, tenant="", prefix=prefix)
        for _ in range(3):
            counter.hit("b", None)
        storage.storage.config_resetstat()
        assert counter.counts(["a", "b", "c", "b"]) == (0, 3, 0, 3)
        asked = storage.storage.info("commandstats")
        assert asked["cmdstat_mget"]["calls"] == 1
        assert "cmdstat_get" not in asked


def test_counts_are_asked_of_the_primary(prefix: str) -> None:
    """R9: beside a Sentinel the storage reads from replicas, which lag; a count that lags is a guess given away."""
    with own_redis() as (primary, _), own_redis() as (lagging, _):
        sentinels = RedisSentinelStorage("redis+sentinel://127.0.0.1:1/portal")
        sentinels.storage, sentinels.storage_slave = (_client(url) for url in (primary, lagging))
        sentinels.initialize_storage("")
        counter = LimitsAttemptCounter(sentinels, tenant="", prefix=prefix)
        assert counter.hit("guessed", None) == 1
        assert sentinels.get(f"{prefix}::guessed") == 0
        assert counter.counts(["guessed"]) == (1,)


def test_a_cluster_counts_too(prefix: str) -> None:
    """Keys lie on several nodes there, and one question for all of them would be refused."""
    # The nodes of a cluster speak to each other 10,000 ports above.
    port = next(port for port in iter(_free_port, 0) if port < 55_000)
    with own_redis("--cluster-enabled", "yes", port=port) as (url, log):
        _client(url).execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        _await(log, "Cluster state changed: ok")
        storage = storage_from_string(url.replace("redis://", "redis+cluster://"))
        counter = LimitsAttemptCounter(storage, tenant="{north}", prefix=prefix)
        keys = [f"key:{number}" for number in range(20)]
        for number, key in enumerate(keys):
            for _ in range(number):
                counter.hit(key, None)
        assert counter.counts(keys) == tuple(range(20))
        counter.clear("key:7")
        assert counter.counts(["key:8", "key:7"]) == (8, 0)


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        (timedelta(seconds=300), 300),
        (timedelta(seconds=1), 1),
        (timedelta(seconds=1, microseconds=1), 2),
        (timedelta(microseconds=1), 1),
        (timedelta(0), 1),
        (timedelta(seconds=-5), 1),
        (timedelta(days=31), 31 * 86_400),
        (None, 36_500 * 86_400),
        (timedelta.max, 36_500 * 86_400),
    ],
)
def test_windows_are_whole_seconds(window: timedelta | None, seconds: int) -> None:
    """R9: rounded up and never 0, which would forget each guess at once; None is a hundred years."""
    storage = HostStorage()
    assert LimitsAttemptCounter(storage, tenant="").hit("guessed", window) == 1
    assert storage.asked == [("portal::guessed", seconds)]


def test_redis_takes_the_longest_window(redis: RedisStorage, prefix: str) -> None:
    """An end that Redis refused would be an error after the count was raised, for ever."""
    counter = LimitsAttemptCounter(redis, tenant="", prefix=prefix)
    assert counter.hit("guessed", None) == 1
    assert 36_499 * 86_400 < redis.storage.ttl(f"LIMITS:{prefix}::guessed") <= 36_500 * 86_400


def test_any_storage_of_the_host_serves() -> None:
    """R24: what is handed in is borrowed, asked one count at a time, and neither reset nor closed."""
    storage = HostStorage()
    counter = LimitsAttemptCounter(storage, tenant="north side", prefix="p")
    assert [counter.hit("a", None), counter.hit("a", None), counter.hit("b", None)] == [1, 2, 1]
    assert counter.counts(["b", "a", "c"]) == (1, 2, 0)
    counter.clear("a")
    assert counter.purge() == 0
    assert storage.kept == {"p:north%20side:b": 1}


# -- what cannot be used


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"storage": "redis://127.0.0.1"}, "storage"),
        ({"storage": limits.aio.storage.RedisStorage.__new__(limits.aio.storage.RedisStorage)}, "storage"),
        ({"storage": MemcachedStorage.__new__(MemcachedStorage)}, "storage"),
        ({"tenant": None}, "tenant"),
        ({"tenant": "n" * 65}, "tenant"),
        ({"tenant": "nörth"}, "tenant"),
        ({"tenant": "\n"}, "tenant"),
        ({"prefix": ""}, "prefix"),
        ({"prefix": "a:b"}, "prefix"),
        ({"prefix": "{a}"}, "prefix"),
        ({"prefix": "p" * 31}, "prefix"),
    ],
)
def test_what_cannot_work_is_refused_at_construction(arguments: dict[str, Any], argument: str) -> None:
    """R23: memcached, which drops counts, and a storage for asyncio, whose answers nobody awaits, among it."""
    with pytest.raises(ConfigurationError) as caught:
        LimitsAttemptCounter(**{"storage": HostStorage(), "tenant": "", **arguments})
    assert caught.value.argument == argument


def test_without_the_extra_the_module_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """R22, R23: only this module needs the extra, and its error names it."""
    found = importlib.util.find_spec(LimitsAttemptCounter.__module__)
    assert found is not None
    assert found.loader is not None
    monkeypatch.setitem(sys.modules, "limits.storage", None)
    with pytest.raises(MissingDependencyError) as caught:
        found.loader.exec_module(importlib.util.module_from_spec(found))
    assert caught.value.extra == "limits"
    assert caught.value.__suppress_context__


# -- when Redis is gone

CALLS: Final[Sequence[tuple[str, Callable[[LimitsAttemptCounter], object]]]] = (
    ("hit", lambda counter: counter.hit("guessed", None)),
    ("counts", lambda counter: counter.counts(["guessed"])),
    ("clear", lambda counter: counter.clear("guessed")),
)


def test_a_stopped_redis_lets_nobody_in_and_remembers(tmp_path: Path) -> None:
    """R9, R21: right passwords are Unavailable meanwhile; what was counted is there when Redis is back."""
    with open_portal("memory", tmp_path) as portal, tempfile.TemporaryDirectory() as folder:
        settled(portal)
        with own_redis("--appendonly", "yes", folder=folder) as (url, _):
            counter = LimitsAttemptCounter(storage_from_string(url), tenant="")
            portal.counter = counter
            assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="here"), SignedIn)
            assert [counter.hit("guessed", None) for _ in range(7)][-1] == 7
        for name in ("rabbiatici", "nobody"):
            assert portal.sign_ins.sign_in(name, GOOD_PASSWORD, source="here") == Unavailable()
        _is_unavailable(counter)
        with own_redis("--appendonly", "yes", folder=folder):
            assert counter.counts(["guessed"]) == (7,)
            assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="here"), SignedIn)


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_redis_that_was_never_there_is_unavailable(wrapped: bool) -> None:
    """R14: without the address, the key and the driver's text, whether or not limits wraps its errors."""
    url = f"redis://user:{CANARY}@127.0.0.1:{_free_port()}"
    _is_unavailable(LimitsAttemptCounter(storage_from_string(url, wrap_exceptions=wrapped), tenant=""))


def test_a_full_redis_refuses_to_count(prefix: str) -> None:
    """R9: with noeviction, whoever fills the memory makes Redis forget nothing; what it cannot count is no try."""
    with own_redis("--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as (url, _):
        counter = LimitsAttemptCounter(storage_from_string(url), tenant="", prefix=prefix)
        assert counter.hit("guessed", None) == 1
        _fill(url)
        with pytest.raises(StoreUnavailableError) as caught:
            _flood(counter)
        assert caught.value.code == "OutOfMemoryError"
        assert counter.counts(["guessed"]) == (1,)


def test_a_redis_that_evicts_gives_guesses_away(prefix: str) -> None:
    """Why the policy matters: with any other, whoever fills the memory makes Redis forget the guesses."""
    with own_redis("--maxmemory", "3mb", "--maxmemory-policy", "volatile-ttl") as (url, _):
        counter = LimitsAttemptCounter(storage_from_string(url), tenant="", prefix=prefix)
        assert counter.hit("guessed", timedelta(minutes=5)) == 1
        _fill(url)
        assert counter.counts(["guessed"]) == (0,)


@pytest.mark.parametrize("call", [call for _, call in CALLS], ids=[name for name, _ in CALLS])
def test_no_error_of_a_storage_comes_out(call: Callable[[LimitsAttemptCounter], object]) -> None:
    """R14: etcd's error quotes the key, and a storage of the host's may raise anything."""
    storage = HostStorage(fails=True)
    with pytest.raises(StoreUnavailableError) as caught:
        call(LimitsAttemptCounter(storage, tenant=""))
    assert caught.value.code == "RuntimeError"
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_storage_that_counted_nothing_is_unavailable() -> None:
    """R9: MongoDB's storage answers 0 where it wrote nothing; that would be a guess that nobody counted."""
    storage = HostStorage(answers_zero=True)
    with pytest.raises(StoreUnavailableError) as caught:
        LimitsAttemptCounter(storage, tenant="").hit("guessed", None)
    assert caught.value.code == "not_counted"


# -- the page


def test_the_page_counts_in_redis(redis: RedisStorage, prefix: str) -> None:
    """The block that the page shows and its own test cannot run does what the page says, against a real Redis."""
    text = PAGE.read_text("utf-8")
    block = text[text.index("```py\n") + 6 :]
    block = block[: block.index("```")]
    assert '"redis://127.0.0.1:6379/0"' in block
    assert 'tenant="north"' in block
    namespace: dict[str, Any] = {"__name__": "page"}
    exec(block.replace("redis://127.0.0.1:6379/0", URL).replace('"north"', f'"{prefix}"'), namespace)  # noqa: S102  The page's own block.
    assert namespace["counter"].hit("guessed", None) == 1
    assert redis.storage.get(f"LIMITS:portal:{prefix}:guessed") == b"1"


# -- the parts of these


class HostStorage(Storage):
    """A storage that a host wrote, with nothing but what limits asks of one."""

    STORAGE_SCHEME = None

    def __init__(self, *, fails: bool = False, answers_zero: bool = False) -> None:
        super().__init__()
        self.kept: dict[str, int] = {}
        self.asked: list[tuple[str, int]] = []
        self._fails = fails
        self._answers_zero = answers_zero

    @property
    def base_exceptions(self) -> type[Exception]:
        """What limits would wrap."""
        return KeyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count."""
        self._fail(key)
        self.asked.append((key, expiry))
        self.kept[key] = self.kept.get(key, 0) + amount
        return 0 if self._answers_zero else self.kept[key]

    def get(self, key: str) -> int:
        """Return the count."""
        self._fail(key)
        return self.kept.get(key, 0)

    def clear(self, key: str) -> None:
        """Forget it."""
        self._fail(key)
        self.kept.pop(key, None)

    def get_expiry(self, key: str) -> float:
        """Not asked."""
        raise NotImplementedError

    def check(self) -> bool:
        """Not asked."""
        raise NotImplementedError

    def reset(self) -> int | None:
        """Not asked."""
        raise NotImplementedError

    def _fail(self, key: str) -> None:
        if self._fails:
            try:
                raise KeyError(CANARY)
            except KeyError as error:
                raise RuntimeError(CANARY, key) from error


@contextmanager
def own_redis(*options: str, port: int = 0, folder: str | None = None) -> Iterator[tuple[str, IO[str]]]:
    """Yield the address of a Redis of one test's own, and its log; on a socket in its folder, or on *port*."""
    # Not in the test's folder: the path of a socket has a hundred characters at most.
    with tempfile.TemporaryDirectory() as own:
        kept = own if folder is None else folder
        command = ["redis-server", "--port", str(port), "--unixsocket", f"{kept}/redis", "--save", "", "--dir", kept]
        try:
            server = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        except FileNotFoundError as error:
            _missing("redis-server", error)
        assert server.stdout is not None
        try:
            _await(server.stdout, "eady to accept connections")
            yield f"redis://127.0.0.1:{port}" if port else f"redis+unix://{kept}/redis", server.stdout
        finally:
            server.terminate()
            server.communicate()


def _await(log: IO[str], words: str) -> None:
    for line in log:
        if words in line:
            return
    raise AssertionError(f"the server ended without saying {words!r}")


def _missing(what: str, error: Exception) -> NoReturn:
    if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
        raise error
    pytest.skip(f"{what} is not here: {type(error).__name__}")


def _client(url: str) -> Any:
    storage = storage_from_string(url)
    assert isinstance(storage, RedisStorage)
    return storage.storage


def _fill(url: str) -> None:
    """Fill the memory with somebody else's keys, which end later than any of the test's."""
    client = _client(url)
    for batch in range(40):
        several = client.pipeline(transaction=False)
        for number in range(500):
            several.set(f"other:{batch}:{number}", "x" * 200, ex=86_400)
        several.execute(raise_on_error=False)


def _flood(counter: LimitsAttemptCounter) -> None:
    for number in range(20_000):
        counter.hit(f"invented:{number}", timedelta(minutes=5))


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _is_unavailable(counter: LimitsAttemptCounter) -> None:
    for operation, call in CALLS:
        with pytest.raises(StoreUnavailableError) as caught:
            call(counter)
        assert caught.value.operation == operation
        assert caught.value.code == "ConnectionError"
        assert CANARY not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__context__ is None
