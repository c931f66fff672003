"""Nothing weak stays at rest: fast digests are imported under a slow hash."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from traceback import format_exception

import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, HashingUnavailableError, InvalidValueError
from portalcreds.hashers import Argon2Hasher, Argon2Parameters, HashingPool, UpgradingHasher
from portalcreds.hashers.legacy import BareDigests, Django, LdapSalted, Moodle, Wrapping, digest_hash
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher

from .known_hashes import VECTORS, Vector

CHEAP = Argon2Hasher(CHEAPEST_CHOSEN)
IN_ARENA = Argon2Hasher(Argon2Parameters(memory_kib=8 * 1024, time_cost=1, lanes=1, insecure_for_tests=True))
"""Large enough for an arena."""

FLOOR = timedelta(microseconds=1)
PHC = "$argon2id$v=19$m=16,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$dxM42BlXPGcRaznheIro4EsOsM+d+7/i5tdGzz5GT8c"


def _is_fast(vector: Vector) -> bool:
    found = vector.verifier.find(PasswordHash(vector.encoded))
    return found is not None and not found[0].is_slow


FAST = [vector for vector in VECTORS if _is_fast(vector)]
SLOW = [vector for vector in VECTORS if not _is_fast(vector)]


@pytest.mark.parametrize("shape", sorted({vector.shape for vector in FAST}))
def test_a_wrapped_hash_takes_the_same_password(shape: str) -> None:
    """A wrapped hash is matched by the password of the legacy hash, and not by its twin."""
    for vector in (vector for vector in FAST if vector.shape == shape):
        wrapping = Wrapping(vector.verifier, CHEAP)
        wrapped = wrapping.wrap(PasswordHash(vector.encoded))
        assert wrapping.identify(wrapped)
        assert wrapping.verify(Secret(vector.password), wrapped)
        assert not wrapping.verify(Secret(vector.wrong), wrapped)


def test_every_fast_scheme_is_wrapped() -> None:
    """All formats whose digests are cheap to guess are among those tried above."""
    assert {vector.shape.split()[0] for vector in FAST} == {"bare", "django", "ldap", "membership", "moodle"}


def test_the_digest_is_not_in_what_is_stored() -> None:
    """The legacy digest cannot be read from the wrapped hash, in whatever spelling."""
    for vector in FAST:
        found = vector.verifier.find(PasswordHash(vector.encoded))
        assert found is not None
        digest = found[1].digest
        wrapped = Wrapping(vector.verifier, CHEAP).wrap(PasswordHash(vector.encoded)).encoded
        assert digest.hex() not in wrapped.lower()
        for part in wrapped.split("$"):
            if len(part) > 8 and part.replace("+", "").replace("/", "").isalnum():
                assert digest not in b64decode(part + "=" * (-len(part) % 4) if len(part) % 4 != 1 else "")


def test_the_legacy_hash_is_no_password() -> None:
    """A9: whoever has the old system's table cannot sign in with what is in it."""
    for vector in FAST:
        wrapping = Wrapping(vector.verifier, CHEAP)
        wrapped = wrapping.wrap(PasswordHash(vector.encoded))
        found = vector.verifier.find(PasswordHash(vector.encoded))
        assert found is not None
        scheme, stored = found
        for text in (vector.encoded, stored.digest.hex(), f"{scheme.name}:{stored.digest.hex()}", wrapped.encoded):
            assert not wrapping.verify(Secret(text), wrapped)


def test_a_slow_hash_is_not_wrapped() -> None:
    """What is slow already is imported as it is, and the refusal says so without the hash."""
    for vector in SLOW[::20]:
        with pytest.raises(InvalidValueError, match="slow without being wrapped") as caught:
            Wrapping(vector.verifier, CHEAP).wrap(PasswordHash(vector.encoded))
        assert vector.encoded not in str(caught.value)


def test_an_unknown_hash_is_not_wrapped() -> None:
    """R23: a row that is not of the system is told of on import, not when somebody signs in."""
    with pytest.raises(InvalidValueError, match="password_hash"):
        Wrapping(BareDigests(), CHEAP).wrap(PasswordHash("5f4dcc3b5aa765d61d8327deb882cf99"))


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
    for verifier in (BareDigests(), Django()):
        wrapping = Wrapping(verifier, counting)
        assert not wrapping.identify(PasswordHash(encoded))
        assert not wrapping.verify(Secret("password"), PasswordHash(encoded))
        assert wrapping.memory_bytes_for(PasswordHash(encoded)) == 0
    assert counting.work == 0


def test_another_scheme_does_not_take_a_wrapped_hash() -> None:
    """A digest under one scheme's name is not the digest under another's, though both are MD5."""
    digest = hashlib.md5(b"password", usedforsecurity=False).hexdigest()
    wrapping = Wrapping(BareDigests(), CHEAP)
    wrapped = wrapping.wrap(digest_hash("md5", digest)).encoded
    for name in ("md5-salt-before", "md5-salt-after", "sha1"):
        assert not wrapping.verify(Secret("password"), PasswordHash(wrapped.replace("wrapped-md5", f"wrapped-{name}")))
    assert not Wrapping(Moodle(), CHEAP).verify(
        Secret("password"), PasswordHash(wrapped.replace("wrapped-md5", "wrapped-moodle-md5"))
    )


def test_wrapping_is_slow_and_says_what_it_takes() -> None:
    """R7: the service keeps a floor for it, and the pool its memory."""
    wrapping = Wrapping(LdapSalted(), CHEAP)
    wrapped = wrapping.wrap(PasswordHash(LdapSalted.schemes[0].known))
    assert wrapping.is_slow is True
    assert wrapping.memory_bytes_for(wrapped) == CHEAPEST_CHOSEN.memory_bytes
    assert Wrapping(LdapSalted(), CountingHasher(CHEAP)).memory_bytes_for(wrapped) == CHEAPEST_CHOSEN.memory_bytes


def test_the_pool_is_told_what_the_stored_hash_takes() -> None:
    """R13: a table that was wrapped at a higher cost takes that cost's memory, whatever the hasher writes by now."""
    dearer = Argon2Parameters(memory_kib=64 * 1024, time_cost=1, lanes=1)
    wrapped = Wrapping(BareDigests(), Argon2Hasher(dearer)).wrap(digest_hash("md5", "0" * 32))
    cheaper = Wrapping(BareDigests(), CHEAP)
    assert cheaper.memory_bytes_for(wrapped) == dearer.memory_bytes
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
    wrapping = Wrapping(BareDigests(), CHEAP)
    wrapped = wrapping.wrap(digest_hash("md5", "0" * 32))

    def exhausted(*args: object, **keywords: object) -> bool:
        raise MemoryError

    monkeypatch.setattr("argon2.low_level.verify_secret", exhausted)
    with pytest.raises(HashingUnavailableError):
        wrapping.verify(Secret("password"), wrapped)


def test_moodle_costs_a_hash_for_each_salt() -> None:
    """The number of slow hashes goes by the salts and by what was typed, whether it matches or not."""
    counting = CountingHasher(CHEAP)
    wrapping = Wrapping(Moodle(site_salts=("salt",)), counting)
    encoded = digest_hash("moodle-md5", hashlib.md5(b"passwordsalt", usedforsecurity=False).hexdigest())
    wrapped = wrapping.wrap(encoded)
    for text, hashes in (("password", 2), ("passwore", 2), ("pass'word", 4)):
        counting.reset()
        assert wrapping.verify(Secret(text), wrapped) is (text == "password")
        assert counting.verifies == hashes


def test_the_first_sign_in_unwraps() -> None:
    """A10: a match is due for the portal's own hash, a wrong password is not."""
    wrapping = Wrapping(BareDigests(), CHEAP)
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


@pytest.mark.parametrize("shape", sorted({vector.shape for vector in VECTORS}))
def test_every_legacy_hash_is_due_for_an_upgrade(shape: str) -> None:
    """A10: one success is due for an upgrade, a wrong password never is."""
    vector = next(vector for vector in VECTORS if vector.shape == shape)
    hasher = UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN),
        issued=Argon2Hasher(CHEAPEST_ISSUED),
        legacy=[vector.verifier],
        denial_floor=FLOOR,
    )
    with hasher, hasher.admit() as permit:  # type: ignore[union-attr]  # The queue is empty.
        assert permit.check(Secret(vector.password), PasswordHash(vector.encoded)).needs_upgrade is True
        assert permit.check(Secret(vector.wrong), PasswordHash(vector.encoded)).needs_upgrade is False


def test_a_whole_table_is_wrapped_in_order() -> None:
    """A10: every hash of a table is wrapped, in its place, and opened by its own password alone."""
    passwords = [f"password {number}" for number in range(60)]
    table = [digest_hash("md5", hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()) for text in passwords]
    with HashingPool(workers=2) as pool:
        for hasher in (CHEAP, CountingHasher(CHEAP), IN_ARENA):
            wrapping = Wrapping(BareDigests(), hasher)
            wrapped = list(wrapping.wrap_all(iter(table), pool=pool))
            assert len({one.encoded for one in wrapped}) == len(table)
            assert all(
                wrapping.verify(Secret(text), one) and not wrapping.verify(Secret(text + "x"), one)
                for text, one in zip(passwords, wrapped, strict=True)
            )


def test_a_table_is_wrapped_a_little_ahead_and_up_to_the_first_fault() -> None:
    """R23: a row that cannot be wrapped is told of in its place, without the hash, and no table is read at once."""
    taken = []

    def table() -> Iterator[PasswordHash]:
        for number in range(100):
            taken.append(number)
            yield PasswordHash("canary") if number == 10 else digest_hash("md5", "0" * 32)

    with HashingPool(workers=2) as pool:
        wrapped = Wrapping(BareDigests(), CHEAP).wrap_all(table(), pool=pool)
        first = [next(wrapped) for _ in range(10)]
        with pytest.raises(InvalidValueError, match="password_hash") as caught:
            next(wrapped)
    assert len(first) == 10
    assert max(taken) <= 10 + 4
    assert "canary" not in "".join(format_exception(caught.value))


def test_a_table_is_wrapped_within_the_pools_memory() -> None:
    """R13: a hash that the pool can never hold is refused at once instead of waited for."""
    with HashingPool(max_memory_bytes=1024 * 1024, slot_memory_bytes=1024) as pool:
        with pytest.raises(ConfigurationError) as caught:
            Wrapping(BareDigests(), IN_ARENA).wrap_all([], pool=pool)
        assert caught.value.argument == "pool"
