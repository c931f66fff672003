"""
The store that the page on writing one shows passes the contract, and does what the page says besides.

The code is the page's own: its Python blocks, imported as one module on the lines where they stand.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from types import ModuleType
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from portal import GOOD_PASSWORD, OFFICE, ROSA, cheap_hasher
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import Account
from portalcreds.administration.service import AccountService
from portalcreds.audit import AuditEvent
from portalcreds.contacts import ContactId
from portalcreds.default_passwords.strategies import default_password
from portalcreds.exceptions import CorruptRowError, StoreError, StoreUnavailableError
from portalcreds.privileges import Grants, Privilege
from portalcreds.protocols import ApplyResult, Change
from portalcreds.resets.service import ResetService
from portalcreds.sign_in.outcomes import PasswordChanged, PasswordChangeRequired, SignedIn
from portalcreds.sign_in.service import SignInService
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.testing import AccountStoreContract, AuditSinkContract
from portalcreds.testing._store_samples import HASH, NOW, add, an_account, an_event, chosen, issued, step
from portalcreds.throttle import Throttle
from recipes import new_module

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/how-to/write-a-store.md"


def _imported(page: Path) -> ModuleType:
    lines = []
    in_block = False
    for line in page.read_text("utf-8").splitlines():
        in_block = line == "```python" or (in_block and not line.startswith("```"))
        lines.append(line if in_block and line != "```python" else "")
    module = new_module("write_a_store")
    exec(compile("\n".join(lines), str(page), "exec"), vars(module))  # noqa: S102  That is what is tested.
    return module


shown: Any = _imported(PAGE)
shown.SERVER = os.environ.get("PORTALCREDS_REDIS", shown.SERVER)

# Here pytest finds them: the page's own classes, with all of the contracts' rules.
TestRedisStore = shown.TestRedisStore
TestRedisSink = shown.TestRedisSink

# What each method is asked while something is amiss.
ASKED: Final[dict[str, Callable[[Any], object]]] = {
    "find": lambda store: store.find(ContactId("1")),
    "find_by_username": lambda store: store.find_by_username("rosa"),
    "find_many": lambda store: store.find_many([ContactId("1")]),
    "find_epoch": lambda store: store.find_epoch("1"),
    "search": lambda store: store.search(AccountQuery(now=NOW)),
    "count": lambda store: store.count(AccountQuery(now=NOW)),
    "apply": lambda store: store.apply([Change(old=None, new=chosen(an_account("1", "rosa")))]),
    "record": lambda store: store.record([an_event("1")]),
    "events": lambda store: store.events(),
}

ONCE: Final = Retry(NoBackoff(), 0)
"""A client that sends nothing twice."""


@pytest.fixture(scope="module", autouse=True)
def _server() -> None:
    # A laptop without the server skips by name; where servers are mandatory, as in CI, that is a failure.
    with redis.Redis.from_url(shown.SERVER, retry=ONCE) as client:
        try:
            client.ping()
        except redis.RedisError as error:
            if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
                raise
            pytest.skip(f"redis is not here: {type(error).__name__}")


@pytest.fixture
def keys() -> Iterator[Keys]:
    """Keys of the test's own, removed afterwards."""
    with redis.Redis.from_url(shown.SERVER) as client:
        keys = Keys(client)
        yield keys
        for key in client.scan_iter(f"{keys.prefix}*"):
            client.delete(key)


class Keys:
    """One prefix on the server, and ways to get at it."""

    def __init__(self, client: redis.Redis) -> None:
        """Draw a prefix."""
        self.client = client
        self.prefix = f"test:{uuid4().hex}:"

    def store(self, client: redis.Redis | None = None, kind: Any = shown.RedisAccountStore) -> Any:
        """Return a store over them, of the page's or of a subclass of it."""
        return kind(client or self.client, prefix=self.prefix)

    def stores(self, several: ExitStack, number: int, kind: Any = shown.RedisAccountStore) -> list[Any]:
        """Return stores with a client each."""
        clients = [several.enter_context(redis.Redis.from_url(shown.SERVER)) for _ in range(number)]
        return [self.store(client, kind) for client in clients]


def test_the_services_run_over_it(keys: Keys) -> None:
    """What the page shows is a whole store: an account is added, reset and taken over by its owner."""
    store, throttle = keys.store(), Throttle(MemoryAttemptCounter())
    authorizer = Grants(privileges={OFFICE.operator_id: set(Privilege)})
    with cheap_hasher() as hasher:
        AccountService(store, authorizer=authorizer, throttle=throttle).sync_contacts(
            [ROSA], OFFICE, usernames={ROSA.contact_id: "rabbiatici"}
        )
        ResetService(store, hasher=hasher, authorizer=authorizer).reset_password(ROSA.contact_id, OFFICE)
        sign_ins = SignInService(store, hasher=hasher, throttle=throttle)
        required = sign_ins.sign_in("RAbbiatici", default_password(ROSA))
        assert isinstance(required, PasswordChangeRequired)
        assert isinstance(sign_ins.complete_change(required.ticket, GOOD_PASSWORD), PasswordChanged)
        assert isinstance(sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_a_lost_reply_to_a_change_is_settled(keys: Keys) -> None:
    """The script that the client sends again says applied of its own change, and its events are on the record once."""
    account = an_account("1", "rosa")
    add(keys.store(), an_account("0"))  # So that the server knows the script.
    with _losing_the_reply_to(b"EVALSHA") as client:
        change = Change(old=None, new=account, events=(an_event("1"),))
        assert list(keys.store(client).apply([change])) == [ApplyResult.APPLIED]
        assert keys.store().find(account.contact_id) == account
        assert keys.store().events() == change.events


def test_a_lost_reply_is_told_where_nothing_is_sent_again(keys: Keys) -> None:
    """A client without retries leaves it open whether the change is stored, and says so with nothing of it."""
    account = chosen(an_account("1", "rosa"))
    add(keys.store(), an_account("0"))
    with _losing_the_reply_to(b"EVALSHA", retry=ONCE) as client:
        with pytest.raises(StoreUnavailableError) as caught:
            keys.store(client).apply([Change(old=None, new=account)])
        _assert_tells_nothing(caught.value)
    assert keys.store().find(account.contact_id) == account


def test_a_lost_reply_to_a_record_doubles_nothing(keys: Keys) -> None:
    """Events that the client sent twice are on the record once."""
    with _losing_the_reply_to(b"RPUSH") as client:
        keys.store(client).record([an_event("1"), an_event("2")])
    assert [event.contact_id for event in keys.store().events()] == ["1", "2"]
    assert keys.client.llen(f"{keys.prefix}events") == 4  # It was, indeed, sent twice.


@pytest.mark.parametrize("method", ASKED)
def test_a_server_that_is_not_there_is_unavailable(method: str) -> None:
    """R21: every method says that the store cannot be reached, and nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with redis.Redis(port=port, retry=ONCE) as client, pytest.raises(StoreUnavailableError) as caught:
        ASKED[method](shown.RedisAccountStore(client))
    assert (caught.value.operation, caught.value.code) == (method, "ConnectionError")
    _assert_tells_nothing(caught.value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: json.dumps(row)[:-9],
        lambda row: json.dumps(5),
        lambda row: json.dumps({}),
        lambda row: json.dumps(row | {"account": 5}),
        lambda row: json.dumps(row | {"account": row["account"] | {"credential": {}}}),
        lambda row: json.dumps(row | {"account": row["account"] | {"last_sign_in_at": "yesterday"}}),
        lambda row: json.dumps(row | {"account": row["account"] | {"contact": {"contact_id": "2"}}}),
        lambda row: json.dumps(row).replace('"origin": "chosen"', '"origin": "issued"'),
    ],
)
def test_a_spoilt_row_is_an_error_and_no_account(keys: Keys, spoil: Callable[[dict[str, Any]], str]) -> None:
    """A stored row is untrusted: what no account can be is not handed out, and the error quotes nothing of it (R14)."""
    store = keys.store()
    add(store, chosen(an_account("1", "rosa")))
    row = json.loads(keys.client.hget(f"{keys.prefix}accounts", "1") or b"")
    keys.client.hset(f"{keys.prefix}accounts", "1", spoil(row))
    for method in ("find", "find_by_username", "find_many", "find_epoch", "search"):
        with pytest.raises(StoreError) as caught:
            ASKED[method](store)
        assert type(caught.value) is CorruptRowError
        assert caught.value.operation == method
        _assert_tells_nothing(caught.value)


@pytest.mark.parametrize("spoilt", ["", "{", "5", "{}", '{"version": 1}', '{"version": 1, "places": 1}'])
def test_a_change_of_a_spoilt_row_is_stale(keys: Keys, spoilt: str) -> None:
    """A row that holds no account is not the old account: its neighbours are written, it is not, nor is its event."""
    store, account, other = keys.store(), an_account("1", "rosa"), an_account("2", "rose")
    add(store, account)
    keys.client.hset(f"{keys.prefix}accounts", "1", spoilt)
    changes = [
        Change(old=account, new=account.rename("ruth"), events=(an_event("1"),)),
        Change(old=None, new=other, events=(an_event("2"),)),
    ]
    assert list(store.apply(changes)) == [ApplyResult.STALE, ApplyResult.APPLIED]
    assert [event.contact_id for event in store.events()] == ["2"]


def test_a_username_that_changed_hands_meanwhile_finds_nobody(keys: Keys) -> None:
    """Between the two questions the name may become another's: its former owner is not found by it."""
    account = an_account("1", "rosa")
    add(keys.store(), account)

    def rename(store: Any) -> None:
        step(store, account, account.rename("rose"))

    store = keys.store(kind=_interrupted(rename))
    assert store.find_by_username("rosa") is None
    assert store.find_by_username("rose") == account.rename("rose")


def test_a_page_leaves_out_what_moved_meanwhile(keys: Keys) -> None:
    """An account renamed between index and row would give the next page a place far behind, and hide all before it."""
    accounts = [an_account(str(number), last_name=letter) for number, letter in enumerate("abcd")]
    add(keys.store(), *accounts)

    def rename(store: Any) -> None:
        moved = attrs.evolve(accounts[1].contact, last_name="z")
        step(store, accounts[1], accounts[1].refresh(moved, username=None, at=NOW))

    query = AccountQuery(now=NOW, words="rosa", limit=2)
    page = keys.store(kind=_interrupted(rename)).search(query)
    assert list(page.accounts) == [accounts[0], accounts[2]]
    assert page.next == query.after_account(accounts[2])


def test_a_client_that_decodes_will_do(keys: Keys) -> None:
    """The host's client may hand out text or bytes."""
    # Protocol 2, because greeting a server in 3 compares text with bytes, which -bb forbids.
    with redis.Redis.from_url(shown.SERVER, decode_responses=True, protocol=2) as client:
        store = keys.store(client)
        account = an_account("1", "rosa")
        add(store, account)
        account = step(store, account, issued(account))
        assert store.find_by_username("rosa") == account
        assert store.search(AccountQuery(now=NOW)).accounts == (account,)
        store.record([an_event("1")])
        assert len(store.events()) == 1


def test_the_race_on_the_page(keys: Keys) -> None:
    """Stores that share nothing but the server: one change of a version wins, and what it wrote is there."""
    with ExitStack() as several:
        shown.race(keys.stores(several, 8), 20)


def test_the_race_finds_a_lock_that_only_one_process_sees(keys: Keys) -> None:
    """As the page says: comparing and writing under the store's own lock passes the contract and fails the race."""
    AccountStoreContract().test_of_racing_changes_one_wins(keys.store(kind=_LocksItself))
    with ExitStack() as several, pytest.raises(AssertionError):
        shown.race(keys.stores(several, 8, _LocksItself), 200)


def test_the_failing_rule_is_quoted_as_it_fails(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page shows of a failing rule is what the rule says of the store that the page describes."""
    monkeypatch.setattr(shown, "WRITE", _without(shown.WRITE, r"if before\.version ~= .*"))
    rule = AccountStoreContract.test_a_stale_old_never_overwrites
    with pytest.raises(AssertionError) as caught:
        rule(AccountStoreContract(), keys.store())
    text = PAGE.read_text("utf-8")
    quoted = text[text.index("<!-- failing-rule -->") :].split("```")[1].splitlines()[1:]
    said = quoted.pop().removeprefix("E").strip()
    assert said in [line.strip() for line in str(caught.value).splitlines()]
    source = inspect.getsource(rule)
    assert [line for line in quoted if line != "        ..." and line.removeprefix(">").strip() not in source] == []


def test_an_error_in_a_race_is_named_and_kept(keys: Keys) -> None:
    """Who tries a store of their own sees the error that a thread met, and not only that one was met."""
    unfinished = keys.store(kind=_Unfinished)
    with pytest.raises(AssertionError, match="NotImplementedError") as applying:
        AccountStoreContract().test_of_racing_usernames_one_wins(unfinished)
    with pytest.raises(AssertionError, match="NotImplementedError") as recording:
        AuditSinkContract().test_records_at_the_same_time_are_all_kept(unfinished)
    assert all(isinstance(caught.value.__cause__, NotImplementedError) for caught in (applying, recording))


class _Unfinished(shown.RedisAccountStore):  # type: ignore[misc]  # Any: the page's.
    """Writes nothing yet."""

    def _apply(self, change: Change) -> ApplyResult:
        raise NotImplementedError

    def record(self, events: Sequence[AuditEvent], /) -> None:
        raise NotImplementedError


class _LocksItself(shown.RedisAccountStore):  # type: ignore[misc]  # Any: the page's.
    """Reads, compares and writes, under a lock that is the object's own."""

    def __init__(self, client: redis.Redis, *, prefix: str) -> None:
        super().__init__(client, prefix=prefix)
        self._lock = Lock()
        self._write = client.register_script(_without(shown.WRITE, r"if before\.version ~= .*"))

    def _apply(self, change: Change) -> ApplyResult:
        with self._lock:
            stored = self.find(change.new.contact_id)
            if (None if stored is None else stored.version) != (None if change.old is None else change.old.version):
                return ApplyResult.STALE
            result: ApplyResult = super()._apply(change)
            return result


def _interrupted(by: Callable[[Any], None]) -> type[Any]:
    class Interrupted(shown.RedisAccountStore):  # type: ignore[misc]  # Any: the page's.
        """Lets somebody in between the first question and the second, once."""

        def _read(self, contact_ids: list[ContactId]) -> dict[ContactId, Account]:
            if contact_ids and not hasattr(self, "let_in"):
                self.let_in = True
                by(self)
            found: dict[ContactId, Account] = super()._read(contact_ids)
            return found

    return Interrupted


def _without(script: str, line: str) -> str:
    shorter, found = re.subn(rf"^{line}\n", "", script, flags=re.MULTILINE)
    assert found == 1
    return shorter


def _assert_tells_nothing(error: StoreError) -> None:
    assert error.__context__ is None
    assert error.__cause__ is None
    for text in (str(error), repr(error)):
        assert not any(value in text.casefold() for value in ("rosa", "abbiatici", HASH.encoded[:9], "127.0.0.1"))


@contextmanager
def _losing_the_reply_to(command: bytes, **options: Any) -> Iterator[redis.Redis]:
    """Yield a client behind what passes on everything but one reply: that to the first such command."""
    address = redis.Redis.from_url(shown.SERVER).get_connection_kwargs()
    to_lose = [command]

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection((address["host"], address["port"])) as server:
            while asked := client.recv(1 << 20):
                loses = bool(to_lose) and to_lose[0] in asked
                server.sendall(asked)
                reply = server.recv(1 << 20)
                if loses:
                    to_lose.clear()
                    return
                client.sendall(reply)

    def accept() -> None:
        with suppress(OSError):  # The end of the test closes the socket.
            while True:
                connection, _ = listening.accept()
                threads.append(Thread(target=serve, args=(connection,)))
                threads[-1].start()

    threads: list[Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = Thread(target=accept)
        accepting.start()
        options |= {name: address[name] for name in ("db", "username", "password") if name in address}
        try:
            with redis.Redis(port=listening.getsockname()[1], **options) as client:
                yield client
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()
    assert to_lose == []
