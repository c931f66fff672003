"""Argon2id at two costs, and what the backend may do wrong."""

from __future__ import annotations

import pickle
import random
import string
import traceback
from typing import Any

import attrs
import pytest
from argon2 import exceptions, low_level
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.hashers import CHOSEN, ISSUED, Argon2Hasher, Argon2Parameters, HashingUnavailableError
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

VECTORS = {
    # OpenSSL's evpkdf_argon2.txt: RFC 9106 §5.3 without its secret and its associated data, which PHC strings lack.
    "RFC 9106 input": (
        "\x01" * 32,
        "$argon2id$v=19$m=32,t=3,p=4$AgICAgICAgICAgICAgICAg$A6q5ZcEgAcnX0NLeMxksBJS2hLsUgZbXPB3xrK9tDC4",
    ),
    "RFC 9106 input, no password": (
        "",
        "$argon2id$v=19$m=32,t=3,p=4$AgICAgICAgICAgICAgICAg$CjTxq95nCGyC54Xq8XxoOCJZomT05huRzSdjy3WsGJo",
    ),
    # libsodium's pwhash_argon2id.c, tv3.
    "libsodium, no password": (
        "",
        "$argon2id$v=19$m=4882,t=2,p=1$bA81arsiXysd3WbTRzmEOw$Nm8QBM+7RH1DXo9rvp5cwKEOOOfD2g6JuxlXihoNcpE",
    ),
    "libsodium, three lanes": (
        "K3S=KyH#)36_?]LxeR8QNKw6X=gFbxai$C%29V*",
        "$argon2id$v=19$m=4096,t=1,p=3$PkEgcHJldHR5IGxvbmcgc2FsdA$HUqx5Z1b/ZypnUrvvJ5UC2Q+T6Q1WwASK/Kr9dRbGA0",
    ),
    "libsodium, 19 passes": (
        "^T5H$JYt39n%K*j:W]!1s?vg!:jGi]Ax?..l7[p0v:1jHTpla9;]bUN;?bWyCbtqg ",
        "$argon2id$v=19$m=4096,t=19,p=1$PkEgMTYtYnl0ZXMgc2FsdA$ltB/ue1kPtBMBGfsysMpPigE6hiNEKZ9vs8vLNVDQGA",
    ),
    # Computed with another implementation, OpenSSL 4.0.3, through cryptography 50.0.2's Argon2id(...).derive().
    "ASCII": (
        "password",
        "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$dxM42BlXPGcRaznheIro4EsOsM+d+7/i5tdGzz5GT8c",
    ),
    "empty": (
        "",
        "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$1EDrpniG35PWQ9y4ppsCr2jBbShM1vaGWVU+JFv578A",
    ),
    "tag of 16": (
        "a",
        "$argon2id$v=19$m=16,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$qadaD8iHKu74E3O0zG63fQ",
    ),
    "salt of 24": (
        "Núñez Ångström",
        "$argon2id$v=19$m=64,t=3,p=4$ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7$wA0hfLzFp5pQUH4/1mw5TIouYPmZJL53+GHYw+G2E7E",
    ),
    "tag of 64": (
        "пароль密码🔑",
        "$argon2id$v=19$m=128,t=1,p=8$"
        "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc$"
        "7VNXVJR5GXFDDCC2FXrglOW1zCekLG3P6PVVHFPV46hlQkjp0I4iII5ya+y6bEDhhaqusuPjQcL/ozhDsNpuxQ",
    ),
    "NUL, salt of 64": (
        "with\0nul",
        "$argon2id$v=19$m=256,t=16,p=1$"
        "/////////////////////////////////////////////////////////////////////////////////////w$"
        "oMWyWCXo8rBfA3TfNJC0B5zquMzvQPyiassxxpVh58a63yCHhsfRB1TqN2gc+RwdluCm4x/eKWukNJbvKMYjhA",
    ),
    "256 characters": (
        "x" * 256,
        "$argon2id$v=19$m=1024,t=2,p=16$AAAAAAAAAAAAAAAAAAAAAA$PfxzljeOOWHHi1kQuyOGrAs0XKBw7srs",
    ),
    "the chosen profile": (
        "AbbiaticiR",
        "$argon2id$v=19$m=65536,t=3,p=4$c2l4dGVlbiBieXRlIHNsdA$rzcchZTQjCOD7uMPoolWScCu+9DtVKvrvS/6d7MBfns",
    ),
    "the issued profile": (
        "AbbiaticiR",
        "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlIHNsdA$144hguQEDjmlwWzxjeKqY9Ap9WS409rNyyL98u0rw9w",
    ),
}

CHEAP = ["ASCII", "empty", "tag of 16", "salt of 24", "tag of 64", "RFC 9106 input"]

# C reference, src/test.c: salts of 8 bytes are below what RFC 9106 recommends, and a tag of 4 is matched by chance.
REFUSED_VECTORS = [
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
    "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
    "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
]


@pytest.fixture
def hasher() -> Argon2Hasher:
    """Hash fast."""
    return Argon2Hasher(CHEAPEST_CHOSEN)


@pytest.mark.parametrize(("password", "encoded"), VECTORS.values(), ids=VECTORS.keys())
def test_a_known_answer_verifies_and_no_other_password_does(hasher: Argon2Hasher, password: str, encoded: str) -> None:
    """Hashes of other implementations are ours to verify, at their own cost."""
    stored = PasswordHash(encoded)

    assert hasher.identify(stored)
    assert hasher.verify(Secret(password), stored)
    assert not hasher.verify(Secret(password + "x"), stored)


@pytest.mark.parametrize("encoded", REFUSED_VECTORS)
def test_a_genuine_hash_below_the_bounds_is_refused(hasher: Argon2Hasher, encoded: str) -> None:
    """R10: short salts, argon2i and the old version fail closed even with the right password."""
    stored = PasswordHash(encoded)

    assert (hasher.identify(stored), hasher.verify(Secret("password"), stored)) == (False, False)


@pytest.mark.parametrize(("parameters", "name"), [(CHOSEN, "the chosen profile"), (ISSUED, "the issued profile")])
def test_a_profile_writes_the_known_answer(parameters: Argon2Parameters, name: str) -> None:
    """The profiles are what they say, and with a salt handed in hashing is a pure function."""
    password, encoded = VECTORS[name]

    assert Argon2Hasher(parameters).hash(Secret(password), salt=b"sixteen byte slt") == PasswordHash(encoded)


@pytest.mark.parametrize("name", [*CHEAP, "NUL, salt of 64"])
def test_no_proper_prefix_is_accepted(hasher: Argon2Hasher, name: str) -> None:
    """A hash that a short column cut off verifies nothing, or a shorter tag would be enough."""
    password, encoded = VECTORS[name]
    secret = Secret(password)

    accepted = [end for end in range(len(encoded)) if hasher.verify(secret, PasswordHash(encoded[:end]))]

    assert accepted == []


@pytest.mark.parametrize("mutations", [1000, pytest.param(50_000, marks=pytest.mark.whole)])
def test_no_mutation_of_one_character_is_accepted(hasher: Argon2Hasher, mutations: int) -> None:
    """Of so many single-character changes, none verifies and none raises."""
    draw = random.Random(9106)  # noqa: S311  A sample to repeat, not a secret.
    alphabet = string.ascii_letters + string.digits + string.punctuation + " \0\n\u0663\ud800é"
    accepted = []
    for _ in range(mutations):
        password, encoded = VECTORS[draw.choice(CHEAP)]
        at = draw.randrange(len(encoded))
        mutated = draw.choice(
            [
                encoded[:at] + draw.choice(alphabet) + encoded[at + 1 :],
                encoded[:at] + draw.choice(alphabet) + encoded[at:],
                encoded[:at] + encoded[at + 1 :],
            ]
        )
        if mutated != encoded and hasher.verify(Secret(password), PasswordHash(mutated)):
            accepted.append(mutated)

    assert accepted == []


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_what_is_hashed_verifies(password: str) -> None:
    """R8: the hasher itself neither cuts nor changes a password."""
    hasher = Argon2Hasher(CHEAPEST_CHOSEN)

    stored = hasher.hash(Secret(password))

    assert hasher.verify(Secret(password), stored)
    assert not hasher.verify(Secret(password + "x"), stored)
    assert not hasher.needs_rehash(stored)


@pytest.mark.parametrize("password", ["\0", "\0tail", "head\0", "head\0tail"])
def test_nul_does_not_end_a_password(hasher: Argon2Hasher, password: str) -> None:
    """What stands behind a NUL counts."""
    stored = hasher.hash(Secret(password))

    assert hasher.verify(Secret(password), stored)
    assert not hasher.verify(Secret(password.split("\0")[0]), stored)
    assert not hasher.verify(Secret(password + "x"), stored)


def test_a_stored_hash_is_not_a_password(hasher: Argon2Hasher) -> None:
    """Whoever reads a hash can sign in with neither it nor a part of it, and no marker is a hash."""
    stored = hasher.hash(Secret("correct horse"))
    parts = [stored.encoded, stored.encoded.split("$")[-1], "", "!", "*", "!x", "{CRYPT}", "None"]

    assert not any(hasher.verify(Secret(part), stored) for part in parts)
    assert not any(hasher.verify(Secret(part), PasswordHash(part)) for part in parts)


@pytest.mark.whole
def test_no_salt_is_drawn_twice(hasher: Argon2Hasher) -> None:
    """Of 100,000 hashes of one password no two share a salt."""
    assert len({hasher.hash(Secret("same")).encoded.split("$")[4] for _ in range(100_000)}) == 100_000


def test_salts_are_drawn_anew_for_each_hash(hasher: Argon2Hasher) -> None:
    """Of 2,000 hashes of one password no two share a salt, each of 16 bytes."""
    salts = [hasher.hash(Secret("same")).encoded.split("$")[4] for _ in range(2000)]

    assert len(set(salts)) == 2000
    assert {len(salt) for salt in salts} == {22}


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_salt_out_of_bounds_is_refused(hasher: Argon2Hasher, length: int) -> None:
    """R10: nothing is written that would not pass the gate when it is read."""
    with pytest.raises(InvalidValueError) as caught:
        hasher.hash(Secret("password"), salt=bytes(length))

    assert caught.value.field == "salt"


@pytest.mark.parametrize("length", [16, 17, 64])
def test_a_salt_handed_in_is_taken(hasher: Argon2Hasher, length: int) -> None:
    """R13: the caller may draw the salt, and a longer one is no reason to hash anew."""
    stored = hasher.hash(Secret("password"), salt=bytes(length))

    assert hasher.verify(Secret("password"), stored)
    assert not hasher.needs_rehash(stored)


@pytest.mark.parametrize(
    "change",
    [{"memory_kib": 24}, {"memory_kib": 8}, {"time_cost": 2}, {"lanes": 2}],
    ids=["more memory", "less memory", "more passes", "more lanes"],
)
def test_other_parameters_need_a_rehash_up_and_down(hasher: Argon2Hasher, change: dict[str, Any]) -> None:
    """A change of cost is noticed in both directions."""
    other = Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, **change))
    stored = other.hash(Secret("password"))

    assert hasher.needs_rehash(stored)
    assert not other.needs_rehash(stored)
    assert hasher.verify(Secret("password"), stored)


def test_a_shorter_tag_needs_a_rehash(hasher: Argon2Hasher) -> None:
    """So does a tag of another length."""
    assert Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, time_cost=2, lanes=2)).needs_rehash(
        PasswordHash(VECTORS["tag of 16"][1])
    )


def test_a_foreign_hash_needs_a_rehash(hasher: Argon2Hasher) -> None:
    """What is not read at all would be written in another way."""
    assert hasher.needs_rehash(PasswordHash("md5$salt$digest"))


def test_a_lone_surrogate_is_refused_without_an_encode_error(hasher: Argon2Hasher) -> None:
    """R14: UnicodeEncodeError carries the plaintext, so it is neither raised nor in the context."""
    secret = Secret("canary\ud800")

    assert hasher.verify(secret, hasher.hash(Secret("canary"))) is False
    with pytest.raises(InvalidValueError) as caught:
        hasher.hash(secret)

    assert caught.value.field == "password"
    assert "canary" not in told(caught.value)


@pytest.mark.parametrize(
    ("memory_mib", "time_cost", "lanes"),
    [(46, 1, 1), (19, 2, 1), (12, 3, 1), (9, 4, 1), (7, 5, 1), (7, 8, 1), (64, 3, 4), (256, 3, 16)],
)
def test_a_cost_at_or_above_the_floor_is_taken(memory_mib: int, time_cost: int, lanes: int) -> None:
    """ASVS 11.4.2: each of OWASP's rows, and more."""
    parameters = Argon2Parameters(memory_kib=memory_mib * 1024, time_cost=time_cost, lanes=lanes)

    assert parameters.memory_bytes == Argon2Hasher(parameters).memory_bytes == memory_mib * 1024 * 1024


@pytest.mark.parametrize(
    ("memory_kib", "time_cost"),
    [(46 * 1024 - 1, 1), (19 * 1024 - 1, 2), (12 * 1024 - 1, 3), (9 * 1024 - 1, 4), (7 * 1024 - 1, 5), (6 * 1024, 32)],
)
def test_a_cost_below_the_floor_is_refused_unless_for_tests(memory_kib: int, time_cost: int) -> None:
    """ASVS 11.4.2: one KiB less than each of OWASP's rows, unless somebody says in so many words that it is a test."""
    with pytest.raises(ConfigurationError) as caught:
        Argon2Parameters(memory_kib=memory_kib, time_cost=time_cost, lanes=1)

    assert caught.value.argument == "memory_kib"
    cheap = Argon2Parameters(memory_kib=memory_kib, time_cost=time_cost, lanes=1, insecure_for_tests=True)
    assert cheap.memory_bytes == memory_kib * 1024


@pytest.mark.parametrize(
    ("memory_kib", "time_cost", "lanes"),
    [
        (256 * 1024 + 1, 1, 1),
        (64 * 1024, 33, 1),
        (64 * 1024, 3, 17),
        (256 * 1024, 5, 1),
        (31, 1, 4),
        (64 * 1024, 0, 1),
        (0, 1, 0),
    ],
)
def test_a_cost_that_the_gate_would_refuse_cannot_be_made(memory_kib: int, time_cost: int, lanes: int) -> None:
    """R10: not even for tests, because nobody could sign in with what it writes."""
    with pytest.raises(ConfigurationError):
        Argon2Parameters(memory_kib=memory_kib, time_cost=time_cost, lanes=lanes, insecure_for_tests=True)


def test_the_cheap_costs_can_be_told_apart() -> None:
    """A test that counts work by cost needs two costs."""
    assert CHEAPEST_CHOSEN != CHEAPEST_ISSUED
    assert CHOSEN != ISSUED
    assert attrs.evolve(CHOSEN, insecure_for_tests=True) == CHOSEN


def test_a_hasher_is_a_value_that_can_be_pickled(hasher: Argon2Hasher) -> None:
    """R13: an executor of other processes gets it as an argument."""
    assert pickle.loads(pickle.dumps(hasher)) == hasher  # noqa: S301  Pickled on the line itself.


def hashing_failed(*_args: object, **_kwargs: object) -> bytes:
    """Stand in for a backend that cannot hash."""
    raise exceptions.HashingError("Threading failure")


def constant(*_args: object) -> bytes:
    """Stand in for a backend that hashes everything to the right tag of the self-test."""
    return bytes.fromhex("771338d819573c67116b39e1788ae8e04b0eb0cf9dfbbfe2e6d746cf3e464fc7")


@pytest.mark.parametrize(
    "broken",
    [constant, lambda *_args: bytes(32), lambda *_args: b"", lambda *_args: None, lambda: b"", hashing_failed],
    ids=["the right tag always", "another tag", "no tag", "nothing", "another interface", "hashing fails"],
)
def test_a_broken_backend_is_found_at_construction(broken: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that would let everybody in, or nobody, lets nobody in, because there is no hasher."""
    monkeypatch.setattr(low_level, "hash_secret_raw", broken)

    with pytest.raises(ConfigurationError) as caught:
        Argon2Hasher(CHEAPEST_CHOSEN)

    assert caught.value.argument == "argon2"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (exceptions.HashingError("Memory allocation error"), "out_of_memory"),
        (exceptions.HashingError("Threading failure"), "HashingError"),
        (MemoryError(), "out_of_memory"),
    ],
)
def test_a_failing_backend_is_no_wrong_password(
    hasher: Argon2Hasher, raised: Exception, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R14, R23: out of memory is an error of its own, not counted as a guess, without plaintext in its frames."""
    stored = hasher.hash(Secret("canary"))

    def fail(*_args: object, **_kwargs: object) -> bytes:
        raise raised

    monkeypatch.setattr(low_level, "hash_secret_raw", fail)
    with pytest.raises(HashingUnavailableError) as verifying:
        hasher.verify(Secret("canary"), stored)
    with pytest.raises(HashingUnavailableError) as hashing:
        hasher.hash(Secret("canary"))

    for caught in (verifying, hashing):
        assert caught.value.code == code
        assert "canary" not in told(caught.value)


def test_the_error_says_what_to_do_and_can_be_pickled() -> None:
    """R23: it survives pickling with its code, and says the hint."""
    error = pickle.loads(pickle.dumps(HashingUnavailableError("out_of_memory")))  # noqa: S301  Pickled right here.

    assert error.code == "out_of_memory"
    assert "out_of_memory" in str(error)
    assert "memory" in str(error).partition(";")[2]


def told(error: BaseException) -> str:
    """Return all that a crash reporter would send: texts, causes, contexts and the locals of the package's frames."""
    parts = []
    link: BaseException | None = error
    while link is not None:
        parts += [str(link), repr(link), repr(link.args)]
        for frame, _line in traceback.walk_tb(link.__traceback__):
            if "portalcreds" in frame.f_code.co_filename.replace("tests", ""):
                parts += [repr(value) for value in frame.f_locals.values()]
        link = link.__cause__ or link.__context__
    return "\n".join(parts)
