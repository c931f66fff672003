"""What the hasher of a portal says of a stored hash, and how it wraps many (R10)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from passlib.context import CryptContext

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.hashers import Argon2Hasher, Argon2Parameters, HashingPool, KeyRing, UpgradingHasher
from portalcreds.hashers.legacy import (
    CallableVerifier,
    CryptContextVerifier,
    SystemVerifier,
    Wrapping,
    digest_hash,
)
from portalcreds.protocols import HashDescriber, HashDescription
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher

from .known_hashes import SAMPLE

FLOOR = timedelta(microseconds=1)
MD5 = digest_hash("md5", "5f4dcc3b5aa765d61d8327deb882cf99")
FIRST, SECOND = b"0123456789abcdef", b"fedcba9876543210"


def hasher_of(*legacy: Any, **parts: Any) -> UpgradingHasher:
    """Return a cheap hasher with these legacy verifiers."""
    parts = {"chosen": Argon2Hasher(CHEAPEST_CHOSEN), "issued": Argon2Hasher(CHEAPEST_ISSUED)} | parts
    return UpgradingHasher(legacy=legacy, denial_floor=FLOOR, **parts)


def test_every_known_hash_says_its_scheme_and_nothing_of_its_secret() -> None:
    """One hash of each format: which verifier, which scheme, whether fast, and no salt or digest in what is said."""
    with hasher_of() as stranger:
        for vector in SAMPLE:
            encoded, scheme = PasswordHash(vector.encoded), vector.scheme
            with hasher_of(vector.verifier) as hasher:
                said = hasher.describe(encoded)
                name = f"SystemVerifier({vector.verifier.systems[0]})"
                assert hasher.verifiers == (name,)
            assert (said.fault, said.scheme, said.verifier) == (None, scheme.name, name)
            assert said.is_fast is scheme.is_weak
            longest = max(vector.encoded.replace("}", "$").split("$"), key=len)
            assert longest not in repr(said)
            fault = "hash_refused" if vector.encoded.startswith("$argon2") else "hash_unknown"
            assert stranger.describe(encoded) == HashDescription(fault=fault), vector.shape


def test_the_portal_s_own_hashes_say_cost_and_key() -> None:
    """Of either profile and of any cost; a key that is not on the ring is a fault, as it is at sign-in."""
    ring = KeyRing(current="k2", keys={"k1": FIRST, "k2": SECOND})
    own = hasher_of(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring), issued=Argon2Hasher(CHEAPEST_ISSUED, key_ring=ring)
    )
    lost = Argon2Hasher(CHEAPEST_CHOSEN, key_ring=KeyRing(current="k9", keys={"k9": FIRST}))
    old = Argon2Hasher(Argon2Parameters(memory_kib=24, time_cost=2, lanes=1, insecure_for_tests=True))
    with own as hasher:
        said = [
            hasher.describe(each.hash(Secret("x")))
            for each in (Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring), Argon2Hasher(CHEAPEST_ISSUED), old, lost)
        ]
        assert hasher.old_key_ids == ("k1",)
        assert hasher.describe(PasswordHash("$argon2i$x")).fault == "hash_refused"
    assert [(each.scheme, each.cost, each.key_id, each.verifier, each.fault) for each in said] == [
        ("argon2id", "m=16,t=1,p=1", "k2", None, None),
        ("argon2id", "m=8,t=1,p=1", None, None, None),
        ("argon2id", "m=24,t=2,p=1", None, None, None),
        ("argon2id", "m=16,t=1,p=1", "k9", None, "missing_key"),
    ]
    with hasher_of() as plain:
        assert (plain.old_key_ids, plain.verifiers) == ((), ())


def test_a_wrapped_hash_says_both_schemes_and_a_digest_that_it_can_be_wrapped() -> None:
    """What is stored unwrapped opens no account, and both are told."""
    wrapping = Wrapping(SystemVerifier("digests"), Argon2Hasher(CHEAPEST_CHOSEN))
    with hasher_of(wrapping) as hasher:
        wrapped = hasher.describe(wrapping.wrap(MD5))
        raw = hasher.describe(MD5)
        assert hasher.verifiers == ("Wrapping(SystemVerifier(digests))",)
    assert wrapped == HashDescription(
        scheme="wrapped-md5", cost="m=16,t=1,p=1", verifier="Wrapping(SystemVerifier(digests))", is_wrapped=True
    )
    assert raw == HashDescription(scheme="md5", is_fast=True, can_be_wrapped=True, fault="hash_unknown")


def test_what_a_wrapping_takes_as_it_is_says_so() -> None:
    """What is not weak is neither wrapped nor to be wrapped, and the wrapping verifies it."""
    verifier = SystemVerifier("django", "ldap")
    strong = PasswordHash(verifier.schemes[0].known)
    with hasher_of(Wrapping(verifier, Argon2Hasher(CHEAPEST_CHOSEN))) as hasher:
        assert hasher.describe(strong) == HashDescription(
            scheme="django-pbkdf2_sha256", cost="1", verifier="Wrapping(SystemVerifier(django, ldap))"
        )


def test_a_wrapped_hash_names_the_key_of_its_slow_hash() -> None:
    """Taking a key away that wrapped hashes name would lock their owners out as well."""
    ring = KeyRing(current="k1", keys={"k1": FIRST})
    wrapping = Wrapping(SystemVerifier("digests"), Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring))
    unkeyed = Wrapping(SystemVerifier("digests"), Argon2Hasher(CHEAPEST_CHOSEN))
    wrapped = wrapping.wrap(MD5)
    assert wrapping.describe(wrapped).key_id == "k1"
    assert unkeyed.describe(wrapped).fault == "missing_key"


def test_hosts_own_verifiers_and_hashers_are_called_by_their_class_or_scheme() -> None:
    """What says nothing of itself still can be counted, and a context tells the name of its scheme."""
    own = CallableVerifier(
        identifies=lambda encoded: encoded.startswith("own$"),
        verifies=lambda password, encoded: encoded == f"own${password}",
        known=("a", "own$a"),
    )
    context = CryptContextVerifier(CryptContext(schemes=["sha512_crypt"]))
    stored = PasswordHash(CryptContext(schemes=["sha512_crypt"]).using(sha512_crypt__rounds=1000).hash("x"))
    with hasher_of(own, context, chosen=CountingHasher(Argon2Hasher(CHEAPEST_CHOSEN))) as hasher:
        assert hasher.describe(PasswordHash("own$b")) == HashDescription(
            scheme="CallableVerifier", verifier="CallableVerifier"
        )
        said = hasher.describe(stored)
        assert (said.scheme, said.verifier) == ("passlib-sha512_crypt", "CryptContextVerifier")
        assert hasher.describe(Argon2Hasher(CHEAPEST_CHOSEN).hash(Secret("x"))).scheme == "CountingHasher"
    assert context.describe(PasswordHash("x")).fault == "hash_unknown"


@pytest.mark.parametrize(
    "encoded", ["", "!", "\ud800", "\0", "x" * 512, "$pc$wrapped-md5$$x", "$argon2id$" + "x" * 300]
)
def test_what_is_no_hash_has_a_fault(encoded: str) -> None:
    """Describing never raises, whatever a column holds."""
    with hasher_of(
        SystemVerifier("django"), Wrapping(SystemVerifier("digests"), Argon2Hasher(CHEAPEST_CHOSEN))
    ) as hasher:
        assert hasher.describe(PasswordHash(encoded)).fault in ("hash_unknown", "hash_refused")
        assert hasher.describe(PasswordHash("x" * 513)).fault == "hash_too_long"


def test_many_are_wrapped_in_order_by_whichever_takes_them() -> None:
    """R13: on the pool's threads, each with a salt of its own, and every one verifies."""
    bare = Wrapping(SystemVerifier("digests"), Argon2Hasher(CHEAPEST_CHOSEN))
    directory = Wrapping(SystemVerifier("ldap"), Argon2Hasher(CHEAPEST_ISSUED))
    ssha = PasswordHash("{SSHA}qlqIIK5v3B2ltLXPPB7roDXvG19zZWxmdGVzdA==")
    with hasher_of(bare, directory) as hasher:
        describer: HashDescriber = hasher
        wrapped = list(describer.wrap_all([MD5, ssha] * 10))
    assert [each.encoded.split("$")[2] for each in wrapped] == ["wrapped-md5", "wrapped-ldap-ssha"] * 10
    assert len({each.encoded for each in wrapped}) == 20
    assert all((bare, directory)[n % 2].verify(Secret("password"), each) for n, each in enumerate(wrapped))


def test_what_cannot_be_wrapped_is_refused() -> None:
    """R23: a slow hash, or one of a scheme that nobody wraps, is the caller's mistake."""
    with hasher_of(Wrapping(SystemVerifier("digests"), Argon2Hasher(CHEAPEST_CHOSEN))) as hasher:
        for each in (PasswordHash("x"), Argon2Hasher(CHEAPEST_CHOSEN).hash(Secret("x"))):
            with pytest.raises(InvalidValueError, match="can be wrapped"):
                list(hasher.wrap_all([each]))


def test_a_pool_too_small_for_a_wrapping_is_refused() -> None:
    """R21: a wrap that never gets its memory would wait for ever."""
    large = Wrapping(
        SystemVerifier("digests"), Argon2Hasher(Argon2Parameters(memory_kib=48 * 1024, time_cost=1, lanes=1))
    )
    with (
        HashingPool(max_memory_bytes=1 << 20, slot_memory_bytes=1 << 20) as pool,
        pytest.raises(ConfigurationError) as refused,
    ):
        hasher_of(large, pool=pool)
    assert refused.value.argument == "pool"
    # One of the host's has no hasher to ask.
    own = SimpleNamespace(
        is_slow=True, identify=lambda each: False, verify=lambda *each: False, wrap=lambda each: PasswordHash("w")
    )
    with hasher_of(own) as hasher:
        assert hasher.describe(MD5).fault == "hash_unknown"


def test_a_ring_lists_its_names() -> None:
    """In the order in which they were passed, and without the keys."""
    assert KeyRing(current="b", keys={"a": FIRST, "b": SECOND}).names == ("a", "b")
