"""Nothing weak stays at rest: fast digests are imported under a slow hash."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import HashingUnavailableError, InvalidValueError
from portalcreds.hashers import Argon2Hasher, Argon2Parameters, HashingPool, UpgradingHasher
from portalcreds.hashers.legacy import SystemVerifier, Wrapping, digest_hash
from portalcreds.protocols import PasswordHasher
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher

from .known_hashes import SAMPLE, SCHEMES, SOME_OR_ALL, Vector

CHEAP = Argon2Hasher(CHEAPEST_CHOSEN)
IN_ARENA = Argon2Hasher(Argon2Parameters(memory_kib=8 * 1024, time_cost=1, lanes=1, insecure_for_tests=True))
"""Large enough for an arena."""

FLOOR = timedelta(microseconds=1)
PHC = "$argon2id$v=19$m=16,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$dxM42BlXPGcRaznheIro4EsOsM+d+7/i5tdGzz5GT8c"


DIGESTS = SystemVerifier("digests")


@SOME_OR_ALL
def test_a_wrapped_hash_takes_the_same_password(vectors: list[Vector]) -> None:
    """A wrapped hash is matched by the password of the legacy hash, and not by its twin."""
    for vector in (vector for vector in vectors if vector.scheme.is_weak):
        wrapping = Wrapping(vector.verifier, CHEAP)
        wrapped = wrapping.wrap(PasswordHash(vector.encoded))
        assert wrapping.identify(wrapped), vector.shape
        assert wrapping.verify(Secret(vector.password), wrapped), vector.shape
        assert not wrapping.verify(Secret(vector.wrong), wrapped), vector.shape


def test_every_weak_scheme_is_wrapped() -> None:
    """All schemes that are cheap to guess are among those tried above, and none has a cost that would be lost."""
    seen = {}
    for vector in SAMPLE:
        found = vector.verifier.find(PasswordHash(vector.encoded))
        assert found is not None
        if found[0].is_weak:
            seen[found[0].name] = found[1].cost
    assert seen.keys() == {name for name, scheme in SCHEMES.items() if scheme.is_weak}
    assert all(scheme.is_slow for scheme in SCHEMES.values() if not scheme.is_weak)
    assert set(seen.values()) == {()}


@SOME_OR_ALL
def test_the_digest_is_not_in_what_is_stored(vectors: list[Vector]) -> None:
    """The legacy digest cannot be read from the wrapped hash, in whatever spelling."""
    for vector in (vector for vector in vectors if vector.scheme.is_weak):
        found = vector.verifier.find(PasswordHash(vector.encoded))
        assert found is not None
        digest = found[1].digest
        wrapped = Wrapping(vector.verifier, CHEAP).wrap(PasswordHash(vector.encoded)).encoded
        assert digest.hex() not in wrapped.lower()
        for part in wrapped.split("$"):
            if len(part) > 8 and part.replace("+", "").replace("/", "").isalnum():
                assert digest not in b64decode(part + "=" * (-len(part) % 4) if len(part) % 4 != 1 else "")


@SOME_OR_ALL
def test_the_legacy_hash_is_no_password(vectors: list[Vector]) -> None:
    """Whoever has the old system's table cannot sign in with what is in it."""
    for vector in (vector for vector in vectors if vector.scheme.is_weak):
        wrapping = Wrapping(vector.verifier, CHEAP)
        wrapped = wrapping.wrap(PasswordHash(vector.encoded))
        found = vector.verifier.find(PasswordHash(vector.encoded))
        assert found is not None
        scheme, stored = found
        for text in (vector.encoded, stored.digest.hex(), f"{scheme.name}:{stored.digest.hex()}", wrapped.encoded):
            assert not wrapping.verify(Secret(text), wrapped)


def test_what_is_not_weak_is_verified_as_it_is() -> None:
    """One wrapping takes a whole table: what needs no wrapping is stored and verified as it was."""
    for vector in (vector for vector in SAMPLE if not vector.scheme.is_weak):
        wrapping, encoded = Wrapping(vector.verifier, CHEAP), PasswordHash(vector.encoded)
        assert wrapping.wrap(encoded) == encoded
        assert wrapping.identify(encoded), vector.shape
        assert wrapping.describe(encoded).memory_bytes == vector.verifier.describe(encoded).memory_bytes
        assert wrapping.verify(Secret(vector.password), encoded), vector.shape
        assert not wrapping.verify(Secret(vector.wrong), encoded), vector.shape


@SOME_OR_ALL
def test_what_is_weak_is_verified_only_when_wrapped(vectors: list[Vector]) -> None:
    """A digest that was left as it was opens no account, and no verifier beside the wrapping may take it."""
    for vector in (vector for vector in vectors if vector.scheme.is_weak):
        wrapping, encoded = Wrapping(vector.verifier, CHEAP), PasswordHash(vector.encoded)
        assert not wrapping.identify(encoded), vector.shape
        assert not wrapping.verify(Secret(vector.password), encoded), vector.shape
        assert wrapping.describe(encoded).memory_bytes == 0
        assert all(vector.verifier.identify(known) and not wrapping.identify(known) for known in wrapping.only_wrapped)
        assert {f"wrapped-{scheme.name}" for scheme in vector.verifier.schemes if scheme.is_weak} <= set(
            wrapping.claims
        )


def test_an_unknown_hash_is_not_wrapped() -> None:
    """R23: a row that is not of the system is told of on import, not when somebody signs in."""
    with pytest.raises(InvalidValueError, match="password_hash"):
        Wrapping(DIGESTS, CHEAP).wrap(PasswordHash("5f4dcc3b5aa765d61d8327deb882cf99"))
    for odd in (None, "canary", PasswordHash("")):
        with pytest.raises(InvalidValueError, match="identifies"):
            Wrapping(DIGESTS, CHEAP).wrap(cast("Any", odd))


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        PHC,
        f"$pc$wrapped-md5${PHC}$",
        f"$pc$wrapped-md4${PHC}",
        f"$pc$wrapped-django-pbkdf2_sha256${PHC}",
        f"$pc$wrapped-django-scrypt$c2VsZi10ZXN0{PHC}",
        f"$pc$wrapped-md5-salt-after$YQ=={PHC}",
        f"$pc$wrapped-md5-salt-after$YR{PHC}",
        f"$pc$wrapped-md5-salt-after${'A' * 87}{PHC}",
        f"$pc$wrapped-md5-salt-after${'A' * 1_000_000}{PHC}",
        f"$pc$wrapped-md5${PHC.replace('m=16', 'm=4194304')}",
        "$pc$wrapped-md5$$argon2id",
        f"$pc$wrapped-MD5${PHC}",
        f"$pc$wrapped-md5$\u00e9{PHC}",
        f"$pc$wrapped-md5${PHC}\n",
    ],
)
def test_a_malformed_wrapped_hash_costs_nothing(encoded: str) -> None:
    """R10: what is malformed or out of bounds never reaches the slow hash."""
    counting = CountingHasher(CHEAP)
    for verifier in (DIGESTS, SystemVerifier("django")):
        wrapping = Wrapping(verifier, counting)
        assert not wrapping.identify(PasswordHash(encoded))
        assert not wrapping.verify(Secret("password"), PasswordHash(encoded))
        assert wrapping.describe(PasswordHash(encoded)).memory_bytes == 0
    assert counting.work == 0


def test_another_scheme_does_not_take_a_wrapped_hash() -> None:
    """A digest under one scheme's name is not the digest under another's, though both are MD5."""
    digest = hashlib.md5(b"password", usedforsecurity=False).hexdigest()
    wrapping = Wrapping(DIGESTS, CHEAP)
    wrapped = wrapping.wrap(digest_hash("md5", digest)).encoded
    for name in ("md5-salt-before", "md5-salt-after", "sha1"):
        assert not wrapping.verify(Secret("password"), PasswordHash(wrapped.replace("wrapped-md5", f"wrapped-{name}")))
    assert not Wrapping(SystemVerifier("mysql"), CHEAP).verify(
        Secret("password"), PasswordHash(wrapped.replace("wrapped-md5", "wrapped-mysql"))
    )


def test_wrapping_is_slow_and_says_what_it_takes() -> None:
    """R7: the service keeps a floor for it, and the pool its memory."""
    wrapping = Wrapping(SystemVerifier("ldap"), CHEAP)
    wrapped = wrapping.wrap(PasswordHash(SystemVerifier("ldap").schemes[0].known))
    assert wrapping.is_slow is True
    assert wrapping.describe(wrapped).memory_bytes == CHEAPEST_CHOSEN.memory_bytes
    assert (
        Wrapping(SystemVerifier("ldap"), CountingHasher(CHEAP)).describe(wrapped).memory_bytes
        == CHEAPEST_CHOSEN.memory_bytes
    )


def test_the_pool_is_told_what_the_stored_hash_takes() -> None:
    """R13: a table that was wrapped at a higher cost takes that cost's memory, whatever the hasher writes by now."""
    dearer = Argon2Parameters(memory_kib=64 * 1024, time_cost=1, lanes=1)
    wrapped = Wrapping(DIGESTS, Argon2Hasher(dearer)).wrap(digest_hash("md5", "0" * 32))
    cheaper = Wrapping(DIGESTS, CHEAP)
    assert cheaper.describe(wrapped).memory_bytes == dearer.memory_bytes
    profiles = {"chosen": CHEAP, "issued": Argon2Hasher(CHEAPEST_ISSUED)}
    with (
        HashingPool(max_memory_bytes=32 * 1024 * 1024, slot_memory_bytes=1024 * 1024) as pool,
        UpgradingHasher(**profiles, legacy=[cheaper], pool=pool, denial_floor=FLOOR) as hasher,
    ):
        permit = hasher.admit()
        assert permit is not None
        with permit:
            assert permit.check(Secret("password"), wrapped).fault == "hash_refused"


def test_hashing_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: out of memory is nobody's wrong password."""
    wrapping = Wrapping(DIGESTS, CHEAP)
    wrapped = wrapping.wrap(digest_hash("md5", "0" * 32))

    def exhausted(*args: object, **keywords: object) -> bool:
        raise MemoryError

    monkeypatch.setattr("argon2.low_level.hash_secret_raw", exhausted)
    with pytest.raises(HashingUnavailableError):
        wrapping.verify(Secret("password"), wrapped)


def test_moodle_costs_a_hash_for_each_salt() -> None:
    """The number of slow hashes goes by the salts and by what was typed, whether it matches or not."""
    counting = CountingHasher(CHEAP)
    wrapping = Wrapping(SystemVerifier("moodle", peppers=("salt", "")), counting)
    encoded = digest_hash("md5", hashlib.md5(b"passwordsalt", usedforsecurity=False).hexdigest())
    wrapped = wrapping.wrap(encoded)
    for text, hashes in (("password", 2), ("passwore", 2), ("pass'word", 4)):
        counting.reset()
        assert wrapping.verify(Secret(text), wrapped) is (text == "password")
        assert counting.verifies == hashes


def test_the_first_sign_in_unwraps() -> None:
    """A match is due for the portal's own hash, a wrong password is not."""
    wrapping = Wrapping(DIGESTS, CHEAP)
    wrapped = wrapping.wrap(digest_hash("md5", hashlib.md5(b"password", usedforsecurity=False).hexdigest()))
    hasher = UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN),
        issued=Argon2Hasher(CHEAPEST_ISSUED),
        legacy=[wrapping],
        denial_floor=FLOOR,
    )
    with hasher, hasher.admit() as permit:  # type: ignore[union-attr]  # The queue is empty.
        right = permit.check(Secret("password"), wrapped)
        wrong = permit.check(Secret("passwore"), wrapped)
        assert (right.matched, right.needs_upgrade) == (True, True)
        assert (wrong.matched, wrong.needs_upgrade, wrong.fault) == (False, False, None)
        upgraded = permit.hash_chosen(Secret("password"))
        assert permit.check(Secret("password"), upgraded).needs_upgrade is False


def test_every_legacy_hash_is_due_for_an_upgrade() -> None:
    """One success is due for an upgrade, a wrong password never is."""
    costs: dict[str, PasswordHasher] = {"chosen": CHEAP, "issued": Argon2Hasher(CHEAPEST_ISSUED)}
    for vector in SAMPLE:
        hasher = UpgradingHasher(**costs, legacy=[vector.verifier], denial_floor=FLOOR)  # type: ignore[arg-type]  # By keyword.
        with hasher, hasher.admit() as permit:  # type: ignore[union-attr]  # The queue is empty.
            right = permit.check(Secret(vector.password), PasswordHash(vector.encoded))
            wrong = permit.check(Secret(vector.wrong), PasswordHash(vector.encoded))
        assert (right.needs_upgrade, wrong.needs_upgrade) == (True, False), vector.shape


def md5_hash(password: str) -> PasswordHash:
    """Return the stored form of a password's MD5."""
    return digest_hash("md5", hashlib.md5(password.encode(), usedforsecurity=False).hexdigest())


def bulk_hasher(wrapping: Wrapping, **options: Any) -> UpgradingHasher:
    """Return the hasher of a portal that wraps, at the least cost."""
    issued = Argon2Hasher(CHEAPEST_ISSUED)
    return UpgradingHasher(chosen=CHEAP, issued=issued, legacy=[wrapping], denial_floor=FLOOR, **options)


@pytest.mark.parametrize("hasher", [CHEAP, CountingHasher(CHEAP), IN_ARENA], ids=["plain", "counted", "in an arena"])
def test_a_whole_table_is_wrapped_in_order(hasher: PasswordHasher) -> None:
    """R13: on all cores, and each hash is opened by its own password alone; whatever hasher wraps them."""
    passwords = [f"password {number}" for number in range(20)]
    wrapping = Wrapping(DIGESTS, hasher)
    with bulk_hasher(wrapping) as bulk:
        wrapped = list(bulk.wrap_all(md5_hash(password) for password in passwords))
    assert len(wrapped) == len(passwords)
    for password, password_hash in zip(passwords, wrapped, strict=True):
        assert wrapping.verify(Secret(password), password_hash)
        assert not wrapping.verify(Secret(password + "x"), password_hash)


def test_a_table_is_wrapped_only_a_little_ahead() -> None:
    """R13: no table is read at once, and a table that fails leaves no work behind."""
    taken = []

    def table() -> Iterator[PasswordHash]:
        for number in range(100):
            taken.append(number)
            if number == 10:
                raise LookupError
            yield md5_hash("x")

    with HashingPool(workers=2) as pool, bulk_hasher(Wrapping(DIGESTS, CHEAP), pool=pool) as bulk:
        wrapped = bulk.wrap_all(table())
        for count in range(1, 6):
            next(wrapped)
            assert len(taken) <= count + 4
        with pytest.raises(LookupError):
            list(wrapped)
