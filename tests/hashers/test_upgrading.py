"""The hasher that the services use: one cost for every refusal, upgrades, and a district at once."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import Any, cast

import attrs
import pytest
from argon2 import low_level

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.hashers import (
    CHOSEN,
    ISSUED,
    Argon2Hasher,
    HashingPool,
    HashingUnavailableError,
    KeyRing,
    UpgradingHasher,
    upgrading,
)
from portalcreds.hashers.legacy import AspNetIdentity, BareDigests, Django, LdapSalted, Moodle, Werkzeug, Wrapping
from portalcreds.protocols import CredentialHasher, HashCheck, LegacyVerifier
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher

PASSWORD = "Correct Horse Ñ"
DECOMPOSED = unicodedata.normalize("NFD", PASSWORD)
OTHER = Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, memory_kib=32))


class Reversed:
    """A legacy scheme that is written by hand: ``reversed$`` and the password backwards. It counts what it does."""

    is_slow = False

    def __init__(self) -> None:
        self.verifies = 0

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether it is of this scheme."""
        return password_hash.encoded.startswith("reversed$")

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Count, and return whether it matches."""
        self.verifies += 1
        return password_hash.encoded == "reversed$" + password.reveal()[::-1]


class Broken(Reversed):
    """A legacy scheme whose verifier quotes the password in what it raises."""

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Fail as an encoder does."""
        raise UnicodeError(f"cannot encode {password.reveal()}")


@attrs.define
class Bench:
    """A hasher with counters on all it can do."""

    chosen: CountingHasher = attrs.field(factory=lambda: CountingHasher(Argon2Hasher(CHEAPEST_CHOSEN)))
    issued: CountingHasher = attrs.field(factory=lambda: CountingHasher(Argon2Hasher(CHEAPEST_ISSUED)))
    legacy: Reversed = attrs.field(factory=Reversed)
    pool: HashingPool = attrs.field(factory=lambda: HashingPool(workers=4, queue_limit=128))
    hasher: UpgradingHasher = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.hasher = UpgradingHasher(chosen=self.chosen, issued=self.issued, legacy=[self.legacy], pool=self.pool)
        self.reset()

    def reset(self) -> None:
        """Count from 0 again."""
        self.chosen.reset()
        self.issued.reset()
        self.legacy.verifies = 0

    @property
    def work(self) -> tuple[int, int, int]:
        """What was done since, by chosen, issued and legacy."""
        return self.chosen.work, self.issued.work, self.legacy.verifies

    def check(self, password: str, password_hash: PasswordHash | None) -> HashCheck:
        """Check in a place of its own."""
        permit = self.hasher.admit()
        assert permit is not None
        with permit:
            return permit.check(Secret(password), password_hash)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Hash fast, and count."""
    bench = Bench()
    with bench.pool:
        yield bench


@pytest.fixture
def hasher() -> Iterator[UpgradingHasher]:
    """Hash fast, in a pool of its own."""
    with UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), legacy=[Reversed()]
    ) as hasher:
        yield hasher


def chosen_hash(password: str = PASSWORD) -> PasswordHash:
    """Write a hash at the chosen cost."""
    return Argon2Hasher(CHEAPEST_CHOSEN).hash(Secret(password))


def issued_hash(password: str = PASSWORD) -> PasswordHash:
    """Write a hash at the issued cost."""
    return Argon2Hasher(CHEAPEST_ISSUED).hash(Secret(password))


def other_hash(password: str = PASSWORD) -> PasswordHash:
    """Write a hash at neither cost."""
    return OTHER.hash(Secret(password))


def legacy_hash(password: str = PASSWORD) -> PasswordHash:
    """Write a hash of the old scheme."""
    return PasswordHash("reversed$" + password[::-1])


BOMB = PasswordHash(chosen_hash().encoded.replace("m=16", "m=4194304"))

# -- refusals


# What is stored, what is typed, and the fault that goes on record.
REFUSALS: dict[str, tuple[PasswordHash | None, str, str | None]] = {
    "no hash": (None, "wrong", None),
    "empty hash": (PasswordHash(""), "wrong", "hash_unknown"),
    "unknown scheme": (PasswordHash("{CRYPT}x"), "wrong", "hash_unknown"),
    "not even text": (PasswordHash("\ud800\0"), "wrong", "hash_unknown"),
    "malformed": (PasswordHash("$argon2id$v=19$m=16"), "wrong", "hash_refused"),
    "argon2i": (PasswordHash(chosen_hash().encoded.replace("argon2id", "argon2i")), "wrong", "hash_refused"),
    "bomb": (BOMB, "wrong", "hash_refused"),
    "chosen, wrong": (chosen_hash(), "wrong", None),
    "issued, wrong": (issued_hash(), "wrong", None),
    "chosen, not composed": (chosen_hash(DECOMPOSED), DECOMPOSED, None),
    "issued, not composed": (issued_hash(DECOMPOSED), DECOMPOSED, None),
    "chosen, empty": (chosen_hash(), "", "password_empty"),
    "chosen, too long": (chosen_hash(), "a" * 257, "password_too_long"),
    "chosen, far too long": (chosen_hash(), "a" * 5_000_000, "password_too_long"),
    "chosen, combining marks": (chosen_hash(), "a" + "\u0301\u0316" * 50_000, "password_too_long"),
    "chosen, control character": (chosen_hash(), PASSWORD + "\0", "password_control_character"),
    "chosen, surrogate": (chosen_hash(), PASSWORD + "\ud800", "password_surrogate"),
    "issued, surrogate": (issued_hash(), PASSWORD + "\ud800", "password_surrogate"),
    "legacy, surrogate": (legacy_hash(PASSWORD + "\ud800"), PASSWORD + "\ud800", "password_surrogate"),
    "other, empty": (other_hash(""), "", "password_empty"),
    "no hash, surrogate": (None, "\ud800", "password_surrogate"),
    "bomb, too long": (BOMB, "a" * 2000, "password_too_long"),
}


@pytest.mark.parametrize(("password_hash", "password", "fault"), REFUSALS.values(), ids=REFUSALS.keys())
def test_every_refusal_costs_one_chosen_and_one_issued_hash(
    bench: Bench,
    password_hash: PasswordHash | None,
    password: str,
    fault: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R7, R8, B4, D2: exactly one of each, real or dummy, whatever is wrong; only the record tells why."""
    costs = []
    real = low_level.verify_secret

    def spy(encoded: bytes, content: bytes, *args: Any) -> bool:
        assert 0 < len(content) <= 1024
        costs.append(encoded.decode().split("$")[3])
        return real(encoded, content, *args)

    monkeypatch.setattr(low_level, "verify_secret", spy)

    assert bench.check(password, password_hash) == HashCheck(matched=False, fault=fault)
    assert bench.work == (1, 1, 0)
    # The backend too, so that no hasher turns a password down before it has done the work.
    assert sorted(costs) == ["m=16,t=1,p=1", "m=8,t=1,p=1"]


# At neither cost: the scheme's own work comes on top, twice if what was typed is not canonical.
SLOW_REFUSALS: dict[str, tuple[PasswordHash, str, tuple[int, int, int]]] = {
    "other parameters": (other_hash(), "wrong", (2, 1, 0)),
    "other parameters, not composed": (other_hash(), DECOMPOSED + "!", (3, 1, 0)),
    "legacy": (legacy_hash(), "wrong", (1, 1, 1)),
    "legacy, not composed": (legacy_hash(), DECOMPOSED + "!", (1, 1, 2)),
}


@pytest.mark.parametrize(("password_hash", "password", "work"), SLOW_REFUSALS.values(), ids=SLOW_REFUSALS.keys())
def test_a_refusal_by_another_scheme_costs_both_hashes_besides(
    bench: Bench, password_hash: PasswordHash, password: str, work: tuple[int, int, int]
) -> None:
    """R7: a fast old scheme is hidden behind one chosen and one issued dummy."""
    assert bench.check(password, password_hash) == HashCheck(matched=False)
    assert bench.work == work


def test_a_decoy_that_matches_is_no_match(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """R7: whatever the dummy work says, nobody signs in on it."""
    monkeypatch.setattr(CountingHasher, "verify", lambda *_args: True)

    assert bench.check("wrong", None) == HashCheck(matched=False)


def test_the_dummy_work_is_done_at_the_real_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """R7, D4: the backend sees hashes of both profiles, well-formed, and runs them to the end."""
    seen = []
    plain, core = low_level.verify_secret, low_level.core

    def spy(encoded: bytes, *args: Any) -> bool:
        seen.append(encoded.decode().split("$")[3])
        return plain(encoded, *args)

    def core_spy(context: Any, kind: int) -> int:
        seen.append(f"m={context.m_cost},t={context.t_cost},p={context.lanes}")
        return core(context, kind)

    chosen, issued = Argon2Hasher(CHOSEN), Argon2Hasher(ISSUED)
    with UpgradingHasher(chosen=chosen, issued=issued) as hasher, admitted(hasher) as permit:
        monkeypatch.setattr(low_level, "verify_secret", spy)
        monkeypatch.setattr(low_level, "core", core_spy)
        assert permit.check(Secret("wrong"), None) == HashCheck(matched=False)

    assert sorted(seen) == ["m=19456,t=2,p=1", "m=65536,t=3,p=4"]


# -- matches


MATCHES: dict[str, tuple[PasswordHash, str, bool, tuple[int, int, int]]] = {
    "chosen": (chosen_hash(), PASSWORD, False, (1, 0, 0)),
    "chosen, typed decomposed": (chosen_hash(), DECOMPOSED, False, (1, 0, 0)),
    "chosen, no-break space": (chosen_hash(), PASSWORD.replace(" ", "\u00a0"), False, (1, 0, 0)),
    "issued": (issued_hash(), PASSWORD, True, (0, 1, 0)),
    "other parameters": (other_hash(), PASSWORD, True, (1, 0, 0)),
    "other parameters, hashed raw": (other_hash(DECOMPOSED), DECOMPOSED, True, (2, 0, 0)),
    "legacy": (legacy_hash(), PASSWORD, True, (0, 0, 1)),
    "legacy, typed decomposed": (legacy_hash(), DECOMPOSED, True, (0, 0, 1)),
    "legacy, hashed raw": (legacy_hash(DECOMPOSED), DECOMPOSED, True, (0, 0, 2)),
}


@pytest.mark.parametrize(("password_hash", "password", "upgrade", "work"), MATCHES.values(), ids=MATCHES.keys())
def test_a_match_stops_early_and_says_what_to_upgrade(
    bench: Bench, password_hash: PasswordHash, password: str, upgrade: bool, work: tuple[int, int, int]
) -> None:
    """R4, R7, A10, C5: one success costs what the stored hash costs; all but the chosen profile are to be upgraded."""
    assert bench.check(password, password_hash) == HashCheck(matched=True, needs_upgrade=upgrade)
    assert bench.work == work


@pytest.mark.parametrize(("password_hash", "password", "_upgrade", "work"), MATCHES.values(), ids=MATCHES.keys())
def test_matches_says_the_same_without_the_dummies(
    bench: Bench, password_hash: PasswordHash, password: str, _upgrade: bool, work: tuple[int, int, int]
) -> None:
    """R18: for somebody known already, every route is taken, at its own cost alone."""
    with admitted(bench.hasher) as permit:
        assert permit.matches(Secret(password), password_hash)
    assert bench.work == work


@pytest.mark.parametrize(("password_hash", "password", "_fault"), REFUSALS.values(), ids=REFUSALS.keys())
def test_matches_is_false_where_check_refuses(
    bench: Bench, password_hash: PasswordHash | None, password: str, _fault: str | None
) -> None:
    """R10, R18: malformed hashes and passwords without a form are no match, and no error."""
    with admitted(bench.hasher) as permit:
        assert password_hash is None or permit.matches(Secret(password), password_hash) is False
    assert sum(bench.work) <= 1


@pytest.mark.parametrize("password", [PASSWORD, DECOMPOSED])
def test_a_chosen_password_is_hashed_in_its_canonical_form(bench: Bench, password: str) -> None:
    """R18: set on one keyboard, it verifies on the other; at the chosen cost."""
    with admitted(bench.hasher) as permit:
        stored = permit.hash_chosen(Secret(password))

        assert permit.check(Secret(PASSWORD), stored) == HashCheck(matched=True)
        assert permit.check(Secret(DECOMPOSED), stored) == HashCheck(matched=True)
    assert Argon2Hasher(CHEAPEST_CHOSEN).verify(Secret(PASSWORD), stored)
    assert not Argon2Hasher(CHEAPEST_CHOSEN).needs_rehash(stored)


FORMLESS = {"empty": "", "too_long": "canary" * 43, "control_character": "canary\n", "surrogate": "canary\udfff"}


@pytest.mark.parametrize(("fault", "password"), FORMLESS.items())
def test_a_password_without_a_form_is_not_hashed(hasher: UpgradingHasher, fault: str, password: str) -> None:
    """R8, R14, R18: refused with the reason, and without the value."""
    with admitted(hasher) as permit, pytest.raises(InvalidValueError, match=fault) as chosen:
        permit.hash_chosen(Secret(password))
    with pytest.raises(InvalidValueError, match=fault) as issued:
        next(hasher.hash_issued([Secret(password)]))

    for caught in (chosen, issued):
        assert caught.value.field == "password"
        assert caught.value.__context__ is None
        assert "canary" not in "".join(traceback.format_exception(caught.value))


# -- errors and limits


def test_what_a_verifier_raises_does_not_leave(bench: Bench) -> None:
    """R14, R23: a broken verifier is an error, not a wrong password, and quotes nothing."""
    broken = UpgradingHasher(chosen=bench.chosen, issued=bench.issued, legacy=[Broken()], pool=bench.pool)
    with admitted(broken) as permit, pytest.raises(HashingUnavailableError) as caught:
        permit.check(Secret("canary"), legacy_hash("canary"))

    assert caught.value.code == "UnicodeError"
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "canary" not in "".join(line for line in told.format() if "test_upgrading" not in line)
    assert caught.value.__context__ is None


def test_the_first_legacy_verifier_that_knows_a_hash_is_taken(bench: Bench) -> None:
    """R10: in the order given."""
    first, second = Reversed(), Reversed()
    hasher = UpgradingHasher(chosen=bench.chosen, issued=bench.issued, legacy=[first, second], pool=bench.pool)
    with admitted(hasher) as permit:
        assert permit.check(Secret(PASSWORD), legacy_hash()).matched

    assert (first.verifies, second.verifies) == (1, 0)


def test_hashes_that_only_the_issued_hasher_knows_are_verified_by_it(bench: Bench) -> None:
    """R7: also at other parameters than its own, when the chosen hasher is of another scheme."""

    class Blind(CountingHasher):
        def identify(self, password_hash: PasswordHash, /) -> bool:
            return False

    chosen = Blind(Argon2Hasher(CHEAPEST_CHOSEN))
    hasher = UpgradingHasher(chosen=chosen, issued=bench.issued, pool=bench.pool)
    bench.reset()
    with admitted(hasher) as permit:
        assert permit.check(Secret(PASSWORD), other_hash()).matched

    assert bench.work == (0, 1, 0)


def test_a_hash_that_is_more_than_the_pool_holds_is_refused() -> None:
    """R10, B5: within the ceilings, but not within this pool's memory; no wait for what never comes."""
    chosen, issued = CountingHasher(Argon2Hasher(CHEAPEST_CHOSEN)), Argon2Hasher(CHEAPEST_ISSUED)
    stored = other_hash()
    pool = HashingPool(max_memory_bytes=32 * 1024 - 1, slot_memory_bytes=1)
    with pool, admitted(UpgradingHasher(chosen=chosen, issued=issued, pool=pool)) as permit:
        chosen.reset()
        assert permit.check(Secret(PASSWORD), stored) == HashCheck(matched=False, fault="hash_refused")

    assert chosen.work == 1


def test_a_pool_without_memory_for_one_hash_is_refused() -> None:
    """B5: rather at construction than at the first sign-in."""
    pool = HashingPool(max_memory_bytes=16 * 1024 - 1, slot_memory_bytes=1)

    with pytest.raises(ConfigurationError) as caught:
        UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool)

    assert caught.value.argument == "pool"


def test_a_pool_of_its_own_is_closed_and_a_borrowed_one_is_not(bench: Bench) -> None:
    """R24: what was handed in is borrowed."""
    own = UpgradingHasher(chosen=bench.chosen, issued=bench.issued)
    with own, bench.hasher:
        pass

    with pytest.raises(HashingUnavailableError):
        own.admit()
    assert bench.hasher.admit() is not None


def test_a_full_queue_gives_none() -> None:
    """B6: at once, while the place is out, and a place again when it is back."""
    with HashingPool(workers=1, queue_limit=1) as pool:
        hasher = UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), pool=pool)
        with admitted(hasher) as permit:
            assert hasher.admit() is None
            assert permit.check(Secret("wrong"), None) == HashCheck(matched=False)
            assert hasher.admit() is None
        assert hasher.admit() is not None


def test_the_default_profiles_are_the_two_of_the_design() -> None:
    """R7: out of the box, chosen passwords cost RFC 9106's second choice and issued ones OWASP's floor."""
    with UpgradingHasher() as hasher, admitted(hasher) as permit:
        chosen = permit.hash_chosen(Secret(PASSWORD))
        issued = next(hasher.hash_issued([Secret(PASSWORD)]))

    assert "$m=65536,t=3,p=4$" in chosen.encoded
    assert "$m=19456,t=2,p=1$" in issued.encoded


def test_it_is_what_the_services_ask_for(hasher: UpgradingHasher) -> None:
    """The shape of the protocol, for the type checker and, by its parameters, here."""
    asked: CredentialHasher = hasher

    assert inspect.signature(asked.hash_issued).parameters.keys() == {"passwords", "executor", "may_leave_process"}


def test_64_callers_get_each_their_own_answer(bench: Bench) -> None:
    """B5: many real threads at once, right and wrong and legacy, and no answer goes to another caller."""
    hashes = [chosen_hash, issued_hash, other_hash, legacy_hash]
    stored = [hashes[number % 4](f"password {number}") for number in range(64)]

    def call(number: int) -> bool:
        right = number % 3 == 0
        return bench.check(f"password {number}" if right else "wrong", stored[number]).matched is right

    with ThreadPoolExecutor(64) as callers:
        assert all(callers.map(call, range(64)))
    places = []
    while (permit := bench.hasher.admit()) is not None:
        places.append(permit)
    assert len(places) == bench.pool.queue_limit


def test_other_hashers_and_memory_are_taken_as_they_are(bench: Bench) -> None:
    """R22: a host's hasher without ``memory_bytes`` works, bounded by the threads alone."""
    assert not hasattr(bench.chosen, "memory_bytes")
    assert bench.check(PASSWORD, chosen_hash()).matched


INTERRUPT = """
import os, signal, threading
from portalcreds.accounts import PasswordHash
from portalcreds.hashers import Argon2Hasher, HashingPool, UpgradingHasher
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

entered, opened, handled = threading.Event(), threading.Event(), threading.Event()

class Slow:
    is_slow = False

    def identify(self, password_hash):
        return True

    def verify(self, password, password_hash):
        entered.set()
        return opened.wait(30)

def handle(*_):
    if not handled.is_set():
        handled.set()
        raise KeyboardInterrupt

def interrupt():
    entered.wait(30)
    # A signal just before the main thread falls asleep does not wake it: press again.
    while not handled.is_set():
        os.kill(os.getpid(), signal.SIGINT)
        handled.wait(0.1)

signal.signal(signal.SIGINT, handle)
pool = HashingPool(workers=1, queue_limit=1)
hasher = UpgradingHasher(
    chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), legacy=[Slow()], pool=pool
)
# An interrupt while an executor starts a thread makes it forget that thread, and start one more.
pool.submit(str).result()
threading.Thread(target=interrupt).start()
try:
    with hasher.admit() as permit:
        permit.check(Secret("password"), PasswordHash("slow"))
except KeyboardInterrupt:
    print("interrupted", opened.is_set())
print(hasher.admit())
opened.set()
pool.submit(str).result()
print(hasher.admit() is not None)
"""


def test_an_interrupt_reaches_the_caller_while_the_work_goes_on() -> None:
    """B6: Ctrl-C ends the wait and not the work, and the place comes back with the work."""
    done = subprocess.run([sys.executable, "-c", INTERRUPT], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["interrupted False", "None", "True"]


# -- a pepper


KEYS = {"k1": b"the first canary", "k2": b"the other canary"}


def peppered(current: str = "k2", *names: str, may_leave_process: bool = False) -> UpgradingHasher:
    """Hash fast with those of the keys, or with both, in a pool of its own."""
    keys = {name: key for name, key in KEYS.items() if not names or name in names}
    ring = KeyRing(current=current, keys=keys, may_leave_process=may_leave_process)
    return UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring),
        issued=Argon2Hasher(CHEAPEST_ISSUED, key_ring=ring),
        legacy=[Reversed()],
    )


@pytest.fixture
def stored_before() -> dict[str, PasswordHash | None]:
    """What may be stored when a second key was made the current one."""
    with peppered("k1", "k1") as before, peppered() as after, admitted(before) as old, admitted(after) as new:
        return {
            "nothing": None,
            "unknown": PasswordHash("{CRYPT}"),
            "chosen": new.hash_chosen(Secret(PASSWORD)),
            "issued": next(after.hash_issued([Secret(PASSWORD)])),
            "chosen, older key": old.hash_chosen(Secret(PASSWORD)),
            "issued, older key": next(before.hash_issued([Secret(PASSWORD)])),
            "chosen, no key": chosen_hash(),
            "issued, no key": issued_hash(),
        }


def test_a_refusal_costs_the_same_with_a_pepper(
    stored_before: dict[str, PasswordHash | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R7: one chosen and one issued hash, real or dummy, whatever key the stored one names; dummies have one too."""
    work: list[tuple[int, int]] = []
    plain, core = low_level.verify_secret, low_level.core

    def plain_spy(encoded: bytes, *args: Any) -> bool:
        work.append((int(encoded.split(b"$")[3].split(b",")[0][2:]), 0))
        return plain(encoded, *args)

    def core_spy(context: Any, kind: int) -> int:
        work.append((context.m_cost, context.secretlen))
        return core(context, kind)

    told = {}
    with peppered() as hasher, admitted(hasher) as permit:
        monkeypatch.setattr(low_level, "verify_secret", plain_spy)
        monkeypatch.setattr(low_level, "core", core_spy)
        for name, stored in stored_before.items():
            work.clear()
            assert not permit.check(Secret("wrong"), stored).matched
            told[name] = sorted(work)

    assert told == {
        name: [(8, 0 if name == "issued, no key" else 16), (16, 0 if name == "chosen, no key" else 16)]
        for name in stored_before
    }


def test_rotation_upgrades_at_sign_in(stored_before: dict[str, PasswordHash | None]) -> None:
    """R4: a match with an older key, or none, is to be written anew; one in the chosen profile with this one is not."""
    with peppered() as hasher, admitted(hasher) as permit:
        told = {
            name: permit.check(Secret(PASSWORD), stored)
            for name, stored in stored_before.items()
            if name not in {"nothing", "unknown"}
        }
        rewritten = permit.hash_chosen(Secret(PASSWORD))
        assert permit.check(Secret(PASSWORD), rewritten) == HashCheck(matched=True)

    assert told == {name: HashCheck(matched=True, needs_upgrade=name != "chosen") for name in told}
    assert "keyid=azI$" in rewritten.encoded


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_a_missing_key_is_an_error_and_no_outcome(password: str, stored_before: dict[str, PasswordHash | None]) -> None:
    """NIST's pepper: with the right password as with a wrong one, nobody is denied falsely and nobody let in."""
    stored = stored_before["chosen"]
    assert stored is not None
    with peppered("k1", "k1") as hasher, admitted(hasher) as permit:
        for question in (permit.check, permit.matches):
            with pytest.raises(HashingUnavailableError) as caught:
                question(Secret(password), stored)
            assert caught.value.code == "missing_key"


def test_keys_do_not_leave_the_process_unasked() -> None:
    """R13: leave for the plaintexts is none for the keys; refused before anything is taken, and the error says how."""
    spy, executor = elsewhere()
    with peppered() as hasher, pytest.raises(ConfigurationError, match="KeyRing") as caught:
        hasher.hash_issued(numbered(1), executor=executor, may_leave_process=True)

    assert caught.value.argument == "executor"
    assert spy.calls == []


def test_threads_of_the_host_need_no_leave_for_keys() -> None:
    """R13: they are of this process."""
    with peppered() as hasher, ThreadPoolExecutor(1) as executor:
        assert "keyid=azI$" in next(hasher.hash_issued(numbered(1), executor=executor)).encoded


def test_keys_that_may_leave_go_along_to_another_process() -> None:
    """R13: with both permissions, the hashes are those of this process, and name the key."""
    with (
        peppered(may_leave_process=True) as hasher,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor,
        admitted(hasher) as permit,
    ):
        (stored,) = hasher.hash_issued(numbered(1), executor=executor, may_leave_process=True)
        with pytest.raises(ConfigurationError, match="plaintexts"):
            hasher.hash_issued(numbered(1), executor=executor)

        assert "keyid=azI$" in stored.encoded
        assert permit.check(Secret("password 0"), stored).matched


# -- many at once


class Elsewhere:
    """An executor with nothing but ``submit``, that keeps what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.futures: list[Future[Any]] = []
        self.runs = True

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Run it at once, or never."""
        self.calls.append((function, *args))
        future: Future[Any] = Future()
        self.futures.append(future)
        if self.runs:
            future.set_result(function(*args))
        return future


def elsewhere() -> tuple[Elsewhere, Executor]:
    """Return the same twice: as what it is, and as what it has to pass for."""
    executor = Elsewhere()
    return executor, cast("Executor", executor)


def numbered(count: int) -> list[Secret]:
    """Return passwords that tell their place."""
    return [Secret(f"password {number}") for number in range(count)]


def assert_in_order(hashes: list[PasswordHash], count: int) -> None:
    """Check that each hash is that of the password of its place, at the issued cost."""
    issued = Argon2Hasher(CHEAPEST_ISSUED)
    assert len(hashes) == count
    assert all(issued.verify(secret, stored) for secret, stored in zip(numbered(count), hashes, strict=True))
    assert not any(issued.needs_rehash(stored) for stored in hashes)


def test_hashes_come_in_order_from_the_pool(hasher: UpgradingHasher) -> None:
    """R13: the n-th hash is the n-th password's, however the threads finish."""
    assert_in_order(list(hasher.hash_issued(numbered(100))), 100)
    assert list(hasher.hash_issued([])) == []


def test_hashes_come_in_order_from_threads_of_the_host(hasher: UpgradingHasher) -> None:
    """R13: threads are of this process, so nobody has to give permission; and they live on."""
    with ThreadPoolExecutor(3) as executor:
        assert_in_order(list(hasher.hash_issued(numbered(150), executor=executor)), 150)
        assert executor.submit(str).result() == ""


def test_hashes_come_in_order_from_other_processes(hasher: UpgradingHasher) -> None:
    """R13: with permission, on an executor that pickles; secrets stay behind, and it lives on."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        hashes = list(hasher.hash_issued(numbered(20), executor=executor, may_leave_process=True))

        assert_in_order(hashes, 20)
        assert executor.submit(str).result() == ""


def test_hashes_come_in_order_from_anything_with_submit(hasher: UpgradingHasher) -> None:
    """R13: nothing else of an executor is used."""
    _, executor = elsewhere()

    assert_in_order(list(hasher.hash_issued(numbered(150), executor=executor, may_leave_process=True)), 150)


def test_plaintext_does_not_leave_the_process_unasked(hasher: UpgradingHasher) -> None:
    """R13: refused at once, before anything is taken or sent, and the error says the mend."""
    spy, executor = elsewhere()
    passwords = iter(numbered(1))

    with pytest.raises(ConfigurationError, match="True") as caught:
        hasher.hash_issued(passwords, executor=executor)

    assert caught.value.argument == "may_leave_process"
    assert spy.calls == []
    assert next(passwords).reveal() == "password 0"


def test_a_multiprocessing_pool_is_no_executor(hasher: UpgradingHasher) -> None:
    """R23: it is passed by mistake, so the error names it and what to pass."""
    with get_context("spawn").Pool(1) as pool, pytest.raises(ConfigurationError, match="multiprocessing") as caught:
        hasher.hash_issued(numbered(1), executor=cast("Executor", pool), may_leave_process=True)

    assert caught.value.argument == "executor"


def test_equal_passwords_get_hashes_of_their_own(hasher: UpgradingHasher) -> None:
    """R13, A12: 5,000 equal defaults, 5,000 salts and 5,000 hashes."""
    hashes = list(hasher.hash_issued(Secret("AbbiaticiR") for _ in range(5000)))

    assert len({stored.encoded for stored in hashes}) == 5000
    assert len({stored.encoded.split("$")[4] for stored in hashes}) == 5000


def test_an_executor_that_remembers_calls_cannot_make_equal_hashes(hasher: UpgradingHasher) -> None:
    """R13: Dask takes equal calls for one, so the salt is drawn here and is a part of the call."""
    spy, executor = elsewhere()
    equal = [Secret("AbbiaticiR")] * 50

    hashes = list(hasher.hash_issued(equal, executor=executor, may_leave_process=True))

    assert len({stored.encoded for stored in hashes}) == 50
    assert len({call[3] for call in spy.calls}) == 50
    assert all(call[0](*call[1:]) == (stored.encoded, "") for call, stored in zip(spy.calls, hashes, strict=True))


@pytest.mark.parametrize(("ahead", "is_own"), [(8, True), (64, False)])
def test_passwords_are_taken_only_a_little_ahead(bench: Bench, ahead: int, is_own: bool) -> None:
    """R13: neither a district in memory nor a queue in front of those who sign in."""
    taken = 0

    def passwords() -> Iterator[Secret]:
        nonlocal taken
        for secret in numbered(200):
            taken += 1
            yield secret

    executor = None if is_own else elsewhere()[1]
    hashes = bench.hasher.hash_issued(passwords(), executor=executor, may_leave_process=True)
    assert taken == 0
    for count, _ in enumerate(hashes):
        assert taken <= count + ahead

    assert taken == 200


@pytest.mark.parametrize("how", ["close", "error"])
def test_what_has_not_begun_is_cancelled(hasher: UpgradingHasher, how: str) -> None:
    """R13: a host that stops, or a list that fails, leaves no work behind; the executor is not shut down."""
    spy, executor = elsewhere()

    def passwords() -> Iterator[Secret]:
        yield from numbered(64)
        spy.runs = False
        yield from numbered(10)
        raise LookupError

    hashes = hasher.hash_issued(passwords(), executor=executor, may_leave_process=True)
    if how == "close":
        for _ in range(5):
            next(hashes)
        cast("Any", hashes).close()
    else:
        with pytest.raises(LookupError):
            list(hashes)

    waiting = [future for future in spy.futures if not future.done() or future.cancelled()]
    assert len(waiting) == (4 if how == "close" else 10)
    assert all(future.cancelled() for future in waiting)


def test_cancelled_work_of_the_pool_is_not_done(bench: Bench) -> None:
    """R13: the same on the pool's own threads, which then are free for those who sign in."""
    opened = threading.Event()
    blockers = [bench.pool.submit(lambda: opened.wait(20)) for _ in range(bench.pool.workers)]

    def passwords() -> Iterator[Secret]:
        yield from numbered(5)
        raise LookupError

    with pytest.raises(LookupError):
        next(bench.hasher.hash_issued(passwords()))
    opened.set()
    for blocker in blockers:
        blocker.result()
    assert bench.check("wrong", None) == HashCheck(matched=False)

    assert bench.work == (1, 1, 0)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (HashingUnavailableError("out_of_memory"), "out_of_memory"),
        (MemoryError("canary"), "out_of_memory"),
        (UnicodeError("canary"), "UnicodeError"),
    ],
)
@pytest.mark.parametrize("is_own", [True, False])
def test_a_failing_hasher_is_told_without_what_it_said(
    bench: Bench, raised: Exception, code: str, is_own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R14: in the pool and elsewhere, where a task returns its failure: of one that raises, Dask logs the arguments."""

    def fail(*_args: object, **_kwargs: object) -> PasswordHash:
        raise raised

    monkeypatch.setattr(bench.issued, "hash", fail)
    executor = None if is_own else elsewhere()[1]

    with pytest.raises(HashingUnavailableError) as caught:
        list(bench.hasher.hash_issued([Secret("canary")], executor=executor, may_leave_process=True))

    assert caught.value.code == code
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "canary" not in "".join(traceback.format_exception(caught.value)).replace('Secret("canary")', "")


def test_an_executor_that_takes_no_more_work_is_told_as_a_failure(hasher: UpgradingHasher) -> None:
    """R14, R23: shut down by the host, it is hashing that is unavailable, without what the executor said."""
    with ThreadPoolExecutor(1) as executor:
        pass

    with pytest.raises(HashingUnavailableError) as caught:
        next(hasher.hash_issued([Secret("canary")], executor=executor))

    assert caught.value.code == "RuntimeError"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_worker_that_died_is_told_as_a_failure(hasher: UpgradingHasher) -> None:
    """R14, R23: what a future raises of its own may quote the call, so only its class is told."""
    spy, executor = elsewhere()
    spy.runs = False

    def die() -> Iterator[Secret]:
        yield from numbered(3)
        spy.futures[0].set_exception(OSError("canary"))

    hashes = hasher.hash_issued(die(), executor=executor, may_leave_process=True)
    with pytest.raises(HashingUnavailableError) as caught:
        next(hashes)

    assert caught.value.code == "OSError"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert all(future.cancelled() for future in spy.futures[1:])


def admitted(hasher: UpgradingHasher) -> upgrading.Permit:
    """Return a place that there must be."""
    permit = hasher.admit()
    assert permit is not None
    return permit


def test_a_legacy_hash_that_takes_more_than_the_pool_has_is_refused(bench: Bench) -> None:
    """R10, B5: the memory of a legacy scheme counts too; what cannot fit is not begun."""

    class Hungry(Reversed):
        def memory_bytes_for(self, password_hash: PasswordHash) -> int:
            return bench.pool.max_memory_bytes + 1

    hungry = Hungry()
    with (
        UpgradingHasher(chosen=bench.chosen, issued=bench.issued, legacy=[hungry], pool=bench.pool) as hasher,
        admitted(hasher) as permit,
    ):
        check = permit.check(Secret("password"), legacy_hash("password"))
    assert (check.matched, check.fault, hungry.verifies) == (False, "hash_refused", 0)


@pytest.mark.parametrize("floor", [0, 1, 1.5, "1", timedelta(0), timedelta(seconds=-1)])
def test_a_floor_that_is_none_is_refused(floor: Any) -> None:
    """R7: a number of seconds, or no time at all, shows itself when the portal starts and not at the first denial."""
    with pytest.raises(ConfigurationError) as caught:
        UpgradingHasher(chosen=Argon2Hasher(CHEAPEST_CHOSEN), issued=Argon2Hasher(CHEAPEST_ISSUED), denial_floor=floor)
    assert caught.value.argument == "denial_floor"


def test_a_generator_of_verifiers_is_taken_whole() -> None:
    """R7: asking which of them are slow uses none of them up."""
    slow = Reversed()
    slow.is_slow = True
    with pytest.raises(ConfigurationError, match="denial_floor"):
        UpgradingHasher(legacy=(verifier for verifier in [Reversed(), slow]))
    with UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN),
        issued=Argon2Hasher(CHEAPEST_ISSUED),
        legacy=(verifier for verifier in [Reversed()]),
    ) as hasher:
        permit = hasher.admit()
        assert permit is not None
        with permit:
            assert permit.check(Secret(PASSWORD), PasswordHash("reversed$" + PASSWORD[::-1])).matched


@pytest.mark.parametrize(
    "legacy",
    [
        [BareDigests(), BareDigests(encoding="cp1252")],
        [Moodle(site_salts=["one"]), LdapSalted(), Moodle(site_salts=["two"])],
        [Wrapping(BareDigests(), OTHER), Wrapping(BareDigests(encoding="cp1252"), OTHER)],
        [AspNetIdentity(), AspNetIdentity(encoding="utf-16-le")],
    ],
    ids=["encodings", "site salts", "wrapped", "payloads"],
)
def test_a_verifier_that_would_never_be_asked_is_refused(legacy: list[LegacyVerifier]) -> None:
    """R23: the first that identifies a hash is taken, so that the accounts of the second would be denied silently."""
    with pytest.raises(ConfigurationError) as caught:
        UpgradingHasher(legacy=legacy, denial_floor=timedelta(seconds=1))
    assert caught.value.argument == "legacy"


def test_verifiers_that_share_no_hashes_stand_together() -> None:
    """A digest and the same wrapped, payloads of two lengths, and what does not say what it takes, are all asked."""
    UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN),
        issued=Argon2Hasher(CHEAPEST_ISSUED),
        legacy=[
            BareDigests(), Wrapping(BareDigests(), OTHER), AspNetIdentity(), AspNetIdentity(subkey_bytes=16),
            Django(), Werkzeug(), Reversed(), Reversed(),
        ],
        denial_floor=timedelta(seconds=1),
    ).close()  # fmt: skip
