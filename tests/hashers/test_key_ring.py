"""The pepper: keys that hashes name, and what becomes of sign-ins while keys change."""

from __future__ import annotations

import copy
import pickle
import string
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from argon2 import low_level

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, HashingUnavailableError
from portalcreds.hashers import CHOSEN, ISSUED, Argon2Hasher, KeyRing
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN

PEPPER = b"a pepper of thirty-two bytes ok!"
RING = KeyRing(
    current="k2", keys={"k1": b"0123456789abcdef", "k2": PEPPER, "2026-08": bytes(range(32)), "8 bytes!": bytes(16)}
)

# Computed with another implementation, OpenSSL 4.0.3, through cryptography 50.0.2's Argon2id(secret=...).derive().
VECTORS = {
    "cheap": (
        "password",
        "$argon2id$v=19$m=8,t=1,p=1,keyid=azE$MDEyMzQ1Njc4OWFiY2RlZg$2482J/y0Ce/lfaOdqxFXxmhCRA6QCBq/AVbhhFt+Lzo",
    ),
    "four lanes": (
        "Núñez Ångström",
        "$argon2id$v=19$m=64,t=3,p=4,keyid=MjAyNi0wOA$AAECAwQFBgcICQoLDA0ODxAREhMUFRYX$"
        "VmgSNMJ3UgOGY4i+dOqdVBLuVDPFFT9isLpAao2398A",
    ),
    "no password, tag of 16": (
        "",
        "$argon2id$v=19$m=32,t=2,p=2,keyid=OCBieXRlcyE$/////////////////////w$G+d7j5ekPJ3hq/uaWgFdxQ",
    ),
    "the chosen profile": (
        "AbbiaticiR",
        "$argon2id$v=19$m=65536,t=3,p=4,keyid=azI$c2l4dGVlbiBieXRlIHNsdA$3ckRcoRBZzHDClnQUjz7+RWkvC0oviTy8Ci0Ew9bQbs",
    ),
    "the issued profile": (
        "AbbiaticiR",
        "$argon2id$v=19$m=19456,t=2,p=1,keyid=azI$c2l4dGVlbiBieXRlIHNsdA$RPyUjWy7h76k2BkTa8ua/ySn2Au2RtfTL7VNY6W8yvM",
    ),
}


def hasher(current: str = "k2", names: tuple[str, ...] = ("k1", "k2")) -> Argon2Hasher:
    """Hash fast, with those keys."""
    keys = {"k1": b"0123456789abcdef", "k2": PEPPER}
    return Argon2Hasher(CHEAPEST_CHOSEN, key_ring=KeyRing(current=current, keys={name: keys[name] for name in names}))


@pytest.mark.parametrize(("password", "encoded"), VECTORS.values(), ids=VECTORS.keys())
def test_a_known_answer_with_a_key_verifies_and_no_other_password_does(password: str, encoded: str) -> None:
    """The key is Argon2's own secret input, and another implementation's hashes verify."""
    ours, stored = Argon2Hasher(CHEAPEST_CHOSEN, key_ring=RING), PasswordHash(encoded)

    assert ours.identify(stored)
    assert ours.verify(Secret(password), stored)
    assert not ours.verify(Secret(password + "x"), stored)


@pytest.mark.parametrize(("parameters", "name"), [(CHOSEN, "the chosen profile"), (ISSUED, "the issued profile")])
def test_a_profile_writes_the_known_answer_with_the_current_key(parameters: Any, name: str) -> None:
    """What is written is the PHC string with ``keyid=`` behind the other parameters."""
    password, encoded = VECTORS[name]
    stored = Argon2Hasher(parameters, key_ring=RING).hash(Secret(password), salt=b"sixteen byte slt")

    assert stored == PasswordHash(encoded)


@pytest.mark.parametrize("name", ["cheap", "four lanes"])
def test_no_prefix_of_a_hash_with_a_key_is_accepted(name: str) -> None:
    """What a short column cut off verifies nothing; a cut name of a key may be the name of no key, as an error."""
    password, encoded = VECTORS[name]
    ours = Argon2Hasher(CHEAPEST_CHOSEN, key_ring=RING)

    assert not any(ours.verify(Secret(password), PasswordHash(encoded[:end])) for end in range(len(encoded)))


def test_no_mutation_of_a_hash_with_a_key_is_accepted() -> None:
    """Each character replaced by each other one neither verifies nor raises but for a key that is not there."""
    password, encoded = VECTORS["cheap"]
    ours = Argon2Hasher(CHEAPEST_CHOSEN, key_ring=RING)
    codes, accepted = set(), []
    for at in range(len(encoded)):
        for other in string.ascii_letters + "019+/$,=\0\u0663":
            mutated = encoded[:at] + other + encoded[at + 1 :]
            try:
                if mutated != encoded and ours.verify(Secret(password), PasswordHash(mutated)):
                    accepted.append(mutated)
            except HashingUnavailableError as error:
                codes.add(error.code)

    assert accepted == []
    assert codes == {"missing_key"}


def test_the_key_counts() -> None:
    """A stolen hash is worth nothing without the key: neither another key nor none gives its tag."""
    with_k1 = hasher("k1").hash(Secret("password"))
    renamed = PasswordHash(with_k1.encoded.replace("keyid=azE", "keyid=azI"))
    unnamed = PasswordHash(with_k1.encoded.replace(",keyid=azE", ""))

    assert hasher().verify(Secret("password"), with_k1)
    assert not hasher().verify(Secret("password"), renamed)
    assert not hasher().verify(Secret("password"), unnamed)
    assert not Argon2Hasher(CHEAPEST_CHOSEN).verify(Secret("password"), unnamed)


def test_hashes_without_a_key_still_verify_and_are_to_be_written_anew() -> None:
    """A pepper is introduced at sign-ins, without anybody noticing."""
    plain = Argon2Hasher(CHEAPEST_CHOSEN)
    stored = plain.hash(Secret("password"))

    assert hasher().verify(Secret("password"), stored)
    assert hasher().needs_rehash(stored)
    assert not plain.needs_rehash(stored)


def test_rotation_is_a_reason_to_write_anew_and_none_to_cost_more() -> None:
    """R4, R7: the older key verifies and needs a rehash, at the same cost; the current one does not."""
    old, current = hasher("k1").hash(Secret("password")), hasher("k2").hash(Secret("password"))

    assert [hasher().verify(Secret("password"), stored) for stored in (old, current)] == [True, True]
    assert [hasher().needs_rehash(stored) for stored in (old, current)] == [True, False]
    assert [hasher().costs_the_same(stored) for stored in (old, current)] == [True, True]
    assert not hasher().costs_the_same(PasswordHash(VECTORS["cheap"][1]))
    assert not hasher().costs_the_same(PasswordHash("{CRYPT}"))
    assert Argon2Hasher(CHEAPEST_CHOSEN).needs_rehash(current)


@pytest.mark.parametrize("ours", [hasher("k1", ("k1",)), Argon2Hasher(CHEAPEST_CHOSEN)], ids=["other key", "no ring"])
@pytest.mark.parametrize("password", ["password", "wrong", "surrogate\ud800"])
def test_a_missing_key_is_neither_a_wrong_password_nor_a_right_one(ours: Argon2Hasher, password: str) -> None:
    """NIST's pepper: whatever was typed, the hash is well-formed and nothing is known about the password."""
    stored = hasher("k2").hash(Secret("password"))

    assert ours.identify(stored)
    assert ours.needs_rehash(stored)
    with pytest.raises(HashingUnavailableError) as caught:
        ours.verify(Secret(password), stored)
    assert caught.value.code == "missing_key"


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"current": "k3", "keys": {"k1": PEPPER}}, "current"),
        ({"current": "", "keys": {}}, "current"),
        ({"current": "", "keys": {"": PEPPER}}, "keys"),
        ({"current": "123456789", "keys": {"123456789": PEPPER}}, "keys"),
        ({"current": "é", "keys": {"é": PEPPER}}, "keys"),
        ({"current": "k\n", "keys": {"k\n": PEPPER}}, "keys"),
        ({"current": "k1", "keys": {"k1": b"canary's fifteen"[:15]}}, "keys"),
        ({"current": "k1", "keys": {"k1": Secret("canary's fifteen"[:15])}}, "keys"),
        ({"current": "k1", "keys": {"k1": PEPPER, "k2": b""}}, "keys"),
    ],
)
def test_a_ring_that_cannot_be_written_with_is_refused(arguments: dict[str, Any], argument: str) -> None:
    """SP 800-63B-4: no key below 112 bit, and none that no hash could name; the error quotes none."""
    with pytest.raises(ConfigurationError) as caught:
        KeyRing(**arguments)

    assert caught.value.argument == argument
    assert "canary" not in str(caught.value)


def test_a_key_may_be_a_secret() -> None:
    """What a host reads from its configuration as text is the same key as its UTF-8 bytes."""
    from_text = KeyRing(current="k2", keys={"k2": Secret(PEPPER.decode())})

    assert from_text.find(b"k2") == PEPPER
    assert KeyRing(current="k2", keys={"k2": Secret("\ud800" * 6)}).find(b"k2") is not None


def test_a_ring_shows_and_lends_no_key() -> None:
    """R14: masked in repr, also in a hasher's and in what attrs makes of it, and neither pickled nor copied."""
    ours = hasher()
    shown = [repr(RING), str(RING), f"{RING}", repr(ours), str(attrs.asdict(ours, recurse=False))]

    assert not any("pepper" in text for text in shown)
    assert not hasattr(RING, "__dict__")
    lenders: list[Callable[[KeyRing], object]] = [pickle.dumps, copy.copy, copy.deepcopy]
    lenders += [KeyRing.__reduce__, KeyRing.__getstate__]
    for lend in lenders:
        with pytest.raises(TypeError, match="may_leave_process"):
            lend(RING)
    with pytest.raises(TypeError, match="may_leave_process"):
        pickle.dumps(ours)


def test_a_ring_that_may_leave_the_process_can_be_pickled() -> None:
    """R13: with the host's word, a worker in another process writes with the same key."""
    lent = KeyRing(current="k2", keys={"k1": bytes(16), "k2": PEPPER}, may_leave_process=True)
    ours = Argon2Hasher(CHEAPEST_CHOSEN, key_ring=lent)

    theirs = pickle.loads(pickle.dumps(ours))  # noqa: S301  Pickled on the line itself.

    assert theirs.verify(Secret("password"), ours.hash(Secret("password")))
    assert not theirs.needs_rehash(ours.hash(Secret("password")))
    assert theirs.key_ring.may_leave_process


@pytest.mark.parametrize("status", [-22, -35], ids=["no memory", "another error"])
def test_a_failing_core_is_no_wrong_password(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: with a key too, out of memory is an error of its own."""
    ours = hasher()
    stored = ours.hash(Secret("canary"))
    monkeypatch.setattr(low_level, "core", lambda *_args: status)
    codes = []

    for attempt in (lambda: ours.hash(Secret("canary")), lambda: ours.verify(Secret("canary"), stored)):
        with pytest.raises(HashingUnavailableError) as caught:
            attempt()
        codes.append(caught.value.code)
        assert caught.value.__context__ is None

    assert codes == (["out_of_memory"] if status == -22 else ["HashingError"]) * 2


def test_a_core_that_ignores_the_key_is_found_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain call's self-test says nothing about the call that takes a key."""
    real = low_level.core

    def keyless(context: Any, kind: int) -> int:
        context.secretlen = 0
        return real(context, kind)

    monkeypatch.setattr(low_level, "core", keyless)

    assert Argon2Hasher(CHEAPEST_CHOSEN).key_ring is None
    with pytest.raises(ConfigurationError):
        hasher()
