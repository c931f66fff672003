"""What verifiers raise, what the pool bounds, and what a hasher is refused for."""

from __future__ import annotations

import inspect
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, cast

import pytest
from passlib.context import CryptContext

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers import (
    Argon2Hasher,
    HashingPool,
    HashingUnavailableError,
    UpgradingHasher,
)
from portalcreds.hashers.details import claims_of, costs_the_same, describe, key_ring_of, memory_of, only_wrapped
from portalcreds.hashers.legacy import CallableVerifier, CryptContextVerifier, SystemVerifier, Wrapping
from portalcreds.protocols import (
    CredentialHasher,
    HashCheck,
    HashDescription,
    HasherDetails,
    LegacyVerifier,
    VerifierDetails,
)
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher

from .benches import (
    OTHER,
    PASSWORD,
    Bench,
    Broken,
    Reversed,
    admitted,
    chosen_hash,
    issued_hash,
    legacy_hash,
    other_hash,
)


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
    """R10: within the ceilings, but not within this pool's memory; no wait for what never comes."""
    chosen, issued = CountingHasher(Argon2Hasher(CHEAPEST_CHOSEN)), Argon2Hasher(CHEAPEST_ISSUED)
    stored = other_hash()
    pool = HashingPool(max_memory_bytes=32 * 1024 - 1, slot_memory_bytes=1)
    with pool, admitted(UpgradingHasher(chosen=chosen, issued=issued, pool=pool)) as permit:
        chosen.reset()
        assert permit.check(Secret(PASSWORD), stored) == HashCheck(matched=False, fault="hash_refused")

    assert chosen.work == 1


def test_a_pool_without_memory_for_one_hash_is_refused() -> None:
    """Rather at construction than at the first sign-in."""
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
    """At once, while the place is out, and a place again when it is back."""
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
    """Many real threads at once, right and wrong and legacy, and no answer goes to another caller."""
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
    assert len(places) == 2 * bench.pool.workers


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
    """Ctrl-C ends the wait and not the work, and the place comes back with the work."""
    done = subprocess.run([sys.executable, "-c", INTERRUPT], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["interrupted False", "None", "True"]


def test_a_legacy_hash_that_takes_more_than_the_pool_has_is_refused(bench: Bench) -> None:
    """R10: the memory of a legacy scheme counts too; what cannot fit is not begun."""

    class Hungry(Reversed):
        def describe(self, password_hash: PasswordHash) -> HashDescription:
            return HashDescription(memory_bytes=bench.pool.max_memory_bytes + 1)

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
        [SystemVerifier("digests"), SystemVerifier("digests", encodings=["cp1252"])],
        [
            SystemVerifier("moodle", peppers=["one"]),
            SystemVerifier("ldap"),
            SystemVerifier("moodle", peppers=["two"]),
        ],
        [
            Wrapping(SystemVerifier("digests"), OTHER),
            Wrapping(SystemVerifier("digests", encodings=["cp1252"]), OTHER),
        ],
        [SystemVerifier("wordpress"), SystemVerifier("phpbb")],
        [Wrapping(SystemVerifier("moodle"), OTHER), SystemVerifier("bcrypt")],
    ],
    ids=["encodings", "site salts", "wrapped", "one scheme of two", "not weak"],
)
def test_a_verifier_that_would_never_be_asked_is_refused(legacy: list[LegacyVerifier]) -> None:
    """R23: the first that identifies a hash is taken, so that the accounts of the second would be denied silently."""
    with pytest.raises(ConfigurationError) as caught:
        UpgradingHasher(legacy=legacy, denial_floor=timedelta(seconds=1))
    assert caught.value.argument == "legacy"


def test_verifiers_that_share_no_hashes_stand_together() -> None:
    """Wrapped digests, another system's bare ones, and what does not say what it takes, are all asked."""
    UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN),
        issued=Argon2Hasher(CHEAPEST_ISSUED),
        legacy=[
            SystemVerifier("ldap"), Wrapping(SystemVerifier("digests", "mysql"), OTHER), SystemVerifier("wordpress"),
            SystemVerifier("django", "werkzeug"), Reversed(), Reversed(),
        ],
        denial_floor=timedelta(seconds=1),
    ).close()  # fmt: skip


@pytest.mark.parametrize(
    "beside",
    [
        SystemVerifier("ldap"),
        SystemVerifier("apache"),
        CryptContextVerifier(CryptContext(["ldap_salted_sha1"])),
        CallableVerifier(
            identifies=lambda encoded: encoded.startswith("{SSHA}"),
            verifies=lambda password, encoded: password == "password",
            known=("password", "{SSHA}"),
        ),
    ],
    ids=["the same", "one scheme of it", "a context", "two functions"],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_beside_a_wrapping_no_verifier_takes_what_was_to_be_wrapped(beside: LegacyVerifier, is_first: bool) -> None:
    """A stolen digest that was stored as it was would open the account, which wrapping is there to prevent."""
    wrapping = Wrapping(SystemVerifier("ldap"), OTHER)
    legacy = [beside, wrapping] if is_first else [wrapping, beside]
    with pytest.raises(ConfigurationError) as caught:
        UpgradingHasher(legacy=legacy, denial_floor=timedelta(seconds=1))
    assert caught.value.argument == "legacy"
    assert f"leave {type(beside).__name__} out" in caught.value.hint


class WithoutVerify:
    """A hasher of a host's that forgot a method."""

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Take none."""
        return False

    hash = needs_rehash = identify


@pytest.mark.parametrize("part", [WithoutVerify(), Argon2Hasher, "argon2id", object()], ids=repr)
@pytest.mark.parametrize("argument", ["chosen", "issued", "legacy"])
def test_what_is_no_hasher_is_refused_at_construction(argument: str, part: Any) -> None:
    """R23: a part without the methods of its protocol, or a class instead of an object, is named with what it needs."""
    with pytest.raises(ConfigurationError, match="verify") as caught:
        UpgradingHasher(**cast("Any", {argument: [part] if argument == "legacy" else part}))
    assert caught.value.argument == argument


def test_what_a_hasher_says_besides_is_read_by_its_name_alone(bench: Bench) -> None:
    """R22: a wrapper that passes everything on is as good as what it wraps, and what says nothing has the defaults."""

    class Proxy:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    argon2, silent = Argon2Hasher(CHEAPEST_CHOSEN), cast("Any", Proxy(OTHER))
    details: HasherDetails = argon2
    assert memory_of(cast("Any", Proxy(argon2))) == details.memory_bytes == 16 * 1024
    assert costs_the_same(silent, other_hash())
    assert memory_of(cast("Any", WithoutVerify())) == 0
    assert key_ring_of(cast("Any", WithoutVerify())) is None
    assert not costs_the_same(cast("Any", Blank()), other_hash())
    named: VerifierDetails = Wrapping(SystemVerifier("django"), OTHER)
    assert claims_of(cast("Any", Proxy(named))) == set(named.claims)
    assert describe(Reversed(), legacy_hash()).memory_bytes == 0
    assert describe(Reversed(), PasswordHash("?")).fault == "hash_unknown"
    assert claims_of(Reversed()) == set()
    assert only_wrapped(cast("Any", Proxy(named))) == named.only_wrapped
    assert only_wrapped(Reversed()) == ()


class Blank:
    """A hasher that says nothing besides, and would write everything anew."""

    def needs_rehash(self, password_hash: PasswordHash, /) -> bool:
        """Say so."""
        return True
