"""The gate in front of the hashing code (R10)."""

from __future__ import annotations

import re
from base64 import b64encode

import pytest
from argon2 import low_level
from argon2.exceptions import VerifyMismatchError
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.accounts import PasswordHash
from portalcreds.hashers import Argon2Hasher, _phc
from portalcreds.secret import Secret

SALT = "MDEyMzQ1Njc4OWFiY2RlZg"
TAG = "dxM42BlXPGcRaznheIro4EsOsM+d+7/i5tdGzz5GT8c"
GOOD = f"$argon2id$v=19$m=8,t=1,p=1${SALT}${TAG}"


def encoded(
    parameters: str = "m=8,t=1,p=1", *, kind: str = "argon2id", version: str = "v=19", salt: str = SALT, tag: str = TAG
) -> str:
    """Write a hash with one part that is another than in `GOOD`."""
    return f"${kind}${version}${parameters}${salt}${tag}"


def base64(count: int) -> str:
    """Write so many bytes as PHC strings do."""
    return b64encode(b"\x5a" * count).rstrip(b"=").decode()


BOMBS = {
    # Too much memory, time or lanes, each alone and together.
    "256 MiB and one": encoded("m=262145,t=1,p=1"),
    "1 GiB": encoded("m=1048576,t=1,p=1"),
    "4 GiB": encoded("m=4194304,t=1,p=1"),
    "seven digits": encoded("m=9999999,t=1,p=1"),
    "2**31": encoded("m=2147483648,t=1,p=1"),
    "2**32 - 1": encoded("m=4294967295,t=1,p=1"),
    "2**32": encoded("m=4294967296,t=1,p=1"),
    "2**64": encoded("m=18446744073709551616,t=1,p=1"),
    "twenty digits": encoded("m=99999999999999999999,t=1,p=1"),
    "four thousand digits": encoded("m=" + "9" * 4301 + ",t=1,p=1"),
    "33 passes": encoded("m=8,t=33,p=1"),
    "65536 passes": encoded("m=8,t=65536,p=1"),
    "2**32 - 1 passes": encoded("m=8,t=4294967295,p=1"),
    "17 lanes": encoded("m=1024,t=1,p=17"),
    "2**24 lanes": encoded("m=8,t=1,p=16777216"),
    "2**32 - 1 lanes": encoded("m=8,t=1,p=4294967295"),
    "more work than 256 MiB three times": encoded("m=262144,t=4,p=1"),
    "much work in little memory": encoded("m=65536,t=13,p=1"),
    # Too little for the C code.
    "no memory": encoded("m=0,t=1,p=1"),
    "7 blocks": encoded("m=7,t=1,p=1"),
    "fewer than 8 blocks a lane": encoded("m=31,t=1,p=4"),
    "no pass": encoded("m=8,t=0,p=1"),
    "no lane": encoded("m=8,t=1,p=0"),
    # Numbers that int() reads and the C code does not.
    "negative": encoded("m=-8,t=1,p=1"),
    "signed": encoded("m=+8,t=1,p=1"),
    "underscore": encoded("m=1_6,t=1,p=1"),
    "signed with underscore": encoded("m=+8_0,t=1,p=1"),
    "leading zero": encoded("m=08,t=1,p=1"),
    "leading blank": encoded("m= 8,t=1,p=1"),
    "trailing blank": encoded("m=8 ,t=1,p=1"),
    "Arabic-Indic digits": encoded("m=\u0661\u0666,t=1,p=1"),
    "full-width digits": encoded("m=\uff18,t=1,p=1"),
    "superscript digits": encoded("m=8,t=\xb2,p=1"),
    "hexadecimal": encoded("m=0x10,t=1,p=1"),
    "fraction": encoded("m=8.0,t=1,p=1"),
    "exponent": encoded("m=8e1,t=1,p=1"),
    "no digits": encoded("m=,t=1,p=1"),
    # Fields.
    "reordered": encoded("t=1,m=8,p=1"),
    "duplicate": encoded("m=8,m=8,t=1,p=1"),
    "missing": encoded("m=8,t=1"),
    "one more": encoded("m=8,t=1,p=1,x=1"),
    "associated data": encoded("m=8,t=1,p=1,data=AAAA"),
    "empty name of a key": encoded("m=8,t=1,p=1,keyid="),
    "padded name of a key": encoded("m=8,t=1,p=1,keyid=azE="),
    "name of a key with bits left over": encoded("m=8,t=1,p=1,keyid=azF"),
    "name of a key that is no base64": encoded("m=8,t=1,p=1,keyid=azEAA"),
    "name of a key of 9 bytes": encoded("m=8,t=1,p=1,keyid=" + base64(9)),
    "two names of keys": encoded("m=8,t=1,p=1,keyid=azE,keyid=azE"),
    "name of a key first": encoded("keyid=azE,m=8,t=1,p=1"),
    "name of a key in upper case": encoded("m=8,t=1,p=1,KEYID=azE"),
    "upper case": encoded("M=8,t=1,p=1"),
    "blank between": encoded("m=8, t=1,p=1"),
    # Schemes and versions.
    "argon2i": encoded(kind="argon2i"),
    "argon2d": encoded(kind="argon2d"),
    "argon2": encoded(kind="argon2"),
    "upper case scheme": encoded(kind="ARGON2ID"),
    "version 16": encoded(version="v=16"),
    "version 019": encoded(version="v=019"),
    "version 20": encoded(version="v=20"),
    "no version": GOOD.replace("v=19$", ""),
    # Salts and tags.
    "salt of 8 bytes": encoded(salt=base64(8)),
    "salt of 15 bytes": encoded(salt=base64(15)),
    "salt of 65 bytes": encoded(salt=base64(65)),
    "no salt": encoded(salt=""),
    "tag of 3 bytes": encoded(tag=base64(3)),
    "tag of 4 bytes": encoded(tag=base64(4)),
    "tag of 15 bytes": encoded(tag=base64(15)),
    "tag of 65 bytes": encoded(tag=base64(65)),
    "no tag": encoded(tag=""),
    "padded salt": encoded(salt=SALT + "=="),
    "padded tag": encoded(tag=TAG + "="),
    "salt with bits left over": encoded(salt=SALT[:-1] + "h"),
    "tag with bits left over": encoded(tag=TAG[:-1] + "d"),
    "tag one character over": encoded(tag=TAG + "AA"),
    "adapted base64": encoded(tag=TAG.replace("+", ".")),
    "URL-safe base64": encoded(tag=TAG.replace("+", "-").replace("/", "_")),
    "blank in the tag": encoded(tag=TAG[:20] + " " + TAG[21:]),
    "line feed in the tag": encoded(tag=TAG[:20] + "\n" + TAG[21:]),
    # Around it.
    "line feed after": GOOD + "\n",
    "line feed before": "\n" + GOOD,
    "NUL after": GOOD + "\0",
    "NUL within": GOOD.replace("$v", "\0$v"),
    "twice": GOOD + GOOD,
    "without the first dollar": GOOD[1:],
    "Django's prefix": "argon2" + GOOD,
    "surrogate": GOOD[:-1] + "\ud800",
    "megabyte of salt": encoded(salt="A" * 1_000_000),
    "megabyte of digits": encoded("m=" + "8" * 1_000_000 + ",t=1,p=1"),
    "257 characters": GOOD + "A" * (257 - len(GOOD)),
    "empty": "",
}


def test_a_bomb_is_refused_before_any_hashing_code_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """R10: what is out of bounds or ill-formed costs no call of the backend."""
    hasher = Argon2Hasher()
    calls: list[object] = []
    monkeypatch.setattr(low_level, "core", lambda *args, **kwargs: calls.append(args))
    monkeypatch.setattr(low_level, "hash_secret_raw", lambda *args, **kwargs: calls.append(args))

    for name, bomb in BOMBS.items():
        stored = PasswordHash(bomb)
        verdicts = (hasher.identify(stored), hasher.verify(Secret("password"), stored), hasher.needs_rehash(stored))
        assert verdicts == (False, False, True), name
        assert calls == [], name


def test_there_are_enough_bombs() -> None:
    """At least 40 of them, each another string."""
    assert len(set(BOMBS.values())) == len(BOMBS) >= 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD, (8, 1, 1, 16, 32)),
        (encoded("m=262144,t=3,p=16"), (262144, 3, 16, 16, 32)),
        (encoded("m=24576,t=32,p=1"), (24576, 32, 1, 16, 32)),
        (encoded("m=128,t=1,p=16"), (128, 1, 16, 16, 32)),
        (encoded(salt=base64(64), tag=base64(64)), (8, 1, 1, 64, 64)),
        (encoded(salt=base64(17), tag=base64(16)), (8, 1, 1, 17, 16)),
    ],
)
def test_a_hash_up_to_the_ceilings_is_read(text: str, expected: tuple[int, ...]) -> None:
    """R10: each ceiling itself is within bounds."""
    stored = _phc.parse(text)

    assert stored is not None
    assert expected == (*stored.cost, len(stored.salt), len(stored.tag))


def test_the_longest_hash_within_bounds_is_shorter_than_the_cap() -> None:
    """R10: the cap on length never refuses what the other bounds let through."""
    longest = encoded("m=262144,t=3,p=16,keyid=" + base64(8), salt=base64(64), tag=base64(64))

    assert len(longest) < _phc.MAX_ENCODED_LENGTH
    assert _phc.parse(longest) is not None


@given(
    st.text()
    | st.from_regex(re.compile(r"\$argon2id\$v=19\$m=\d{1,8},t=\d{1,3},p=\d{1,3}\$[\w+/]{20,90}\$[\w+/]{20,90}"))
)
def test_no_text_makes_the_gate_raise(text: str) -> None:
    """R10: for every str there is an answer, and one that is let through is ASCII and as long as may be."""
    stored = _phc.parse(text)

    assert stored is None or (text.isascii() and len(text) <= _phc.MAX_ENCODED_LENGTH)


@given(st.binary(min_size=16, max_size=64), st.binary(min_size=16, max_size=64))
def test_what_the_gate_reads_the_backend_reads_in_the_same_way(salt: bytes, tag: bytes) -> None:
    """R10: what passes is decoded by the C code too, so that the two grammars do not differ."""
    text = encoded(salt=b64encode(salt).rstrip(b"=").decode(), tag=b64encode(tag).rstrip(b"=").decode())

    stored = _phc.parse(text)

    assert stored is not None
    assert (stored.salt, stored.tag) == (salt, tag)
    # A disagreement would be "Decoding failed", which is another error.
    with pytest.raises(VerifyMismatchError):
        low_level.verify_secret(text.encode(), b"password", low_level.Type.ID)
