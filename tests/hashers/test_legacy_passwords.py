"""Which passwords a legacy hash takes: its own, whole, in the bytes that the other system hashed."""

from __future__ import annotations

import hashlib

import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers.legacy import AspNetIdentity, BareDigests, Django, Moodle, digest_hash
from portalcreds.hashers.legacy._table_verifier import ENCODINGS
from portalcreds.secret import Secret

from .known_hashes import SHAPES, VECTORS, VERIFIERS, of_shape

MARKS = ("", "None", "!x", "!", "*", "x", "{CRYPT}", "{SSHA}", "$unknown$", "$pc$", "NULL", "0")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_hash_is_not_its_password(shape: str) -> None:
    """A9: the stored text, each part of it, and what marks an account without a password open nothing."""
    tried = 0
    for vector in of_shape(shape):
        separators = [separator for separator in "$:}" if separator in vector.encoded]
        parts = {part for separator in separators for part in vector.encoded.split(separator)}
        for text in {vector.encoded, vector.encoded.upper(), *parts, *MARKS}:
            assert not vector.takes(text)
            assert text == vector.encoded or not vector.takes(vector.password, text)
            tried += 2
    assert tried * len(SHAPES) >= 300


def test_marks_are_neither_hashes_nor_passwords() -> None:
    """A9: no mark is a hash to anybody, not even for a password that is equal to it."""
    tried = [
        verifier.verify(Secret(password), PasswordHash(mark))
        for verifier in VERIFIERS
        for mark in MARKS
        for password in (mark, "password", "")
    ]
    assert len(tried) >= 300
    assert not any(tried)


@pytest.mark.parametrize("shape", SHAPES)
def test_nul_never_ends_or_pads_a_password(shape: str) -> None:
    """A6: under HMAC a NUL at the end changes nothing, and in C all after it is lost; here it is refused."""
    for vector in of_shape(shape):
        for other in (vector.password + "\0", vector.password + "\0x", "\0" + vector.password, "\0"):
            assert not vector.takes(other)


@pytest.mark.parametrize("length", [0, 1, 14, 15, 71, 72, 73, 128, 255, 256, 257, 1024])
@pytest.mark.parametrize("character", ["a", "ß", "中", "😀"])
def test_lengths_up_to_the_cap_are_whole(length: int, character: str) -> None:
    """A5: up to 256 code points each counts, of whatever width; more, and none, are refused (R8)."""
    password = character * length
    digest = hashlib.sha256(b"salt" + password.encode()).hexdigest()
    encoded = digest_hash("sha256-salt-before", digest, salt="salt")
    verifier = BareDigests()
    assert verifier.verify(Secret(password), encoded) is (1 <= length <= 256)
    assert not verifier.verify(Secret(password[:-1] + "b"), encoded)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_overlong_password_is_refused(shape: str) -> None:
    """R8: no digest is computed over more than 256 code points, nor anything encoded that cannot be."""
    vector = of_shape(shape)[0]
    for text in ("x" * 257, "x" * 1_000_000, "\ud800", "x\udfff"):
        assert not vector.takes(text)
        assert vector.verifier.contents(Secret(text)) == ()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_is_the_other_systems(encoding: str) -> None:
    """C6: ñ is hashed in the bytes that the other system had for it, and only in those."""
    encoded = digest_hash("md5", hashlib.md5("ñ".encode(encoding), usedforsecurity=False).hexdigest())
    taking = {name for name in ENCODINGS if BareDigests(encoding=name).verify(Secret("ñ"), encoded)}
    assert encoding in taking
    assert taking == ({"latin-1", "cp1252"} if encoding in ("latin-1", "cp1252") else {encoding})


def test_what_an_encoding_cannot_write_matches_nothing() -> None:
    """C6: a password with a letter that the other system had no bytes for cannot be the one it hashed."""
    lost = digest_hash("md5", hashlib.md5(b"?", usedforsecurity=False).hexdigest())
    for encoding, text in (("latin-1", "€"), ("cp1252", "😀"), ("utf-8", "\ud800"), ("utf-16-le", "\ud800")):
        assert not BareDigests(encoding=encoding).verify(Secret(text), lost)


def test_an_unknown_encoding_is_refused() -> None:
    """R23: a misspelt encoding is told at construction, and not when somebody signs in."""
    with pytest.raises(ConfigurationError, match=r"encoding: pass one of utf-8"):
        Django(encoding="utf8")


@pytest.mark.parametrize("count", [15, 65, 0, -1])
def test_an_odd_subkey_length_is_refused(count: int) -> None:
    """Microsoft's floor for subkeys cannot be configured away."""
    with pytest.raises(ConfigurationError, match="subkey_bytes"):
        AspNetIdentity(subkey_bytes=count)


def test_moodle_tries_what_moodle_tried() -> None:
    """Moodle's sites changed salts and had "magic quotes": each spelling with each salt, and none twice."""
    verifier = Moodle(site_salts=("new", "old", "new"))
    assert verifier.contents(Secret("a'b")) == (b"a'bnew", b"a'bold", b"a'b", b"a\\'bnew", b"a\\'bold", b"a\\'b")
    assert verifier.contents(Secret("ab")) == (b"abnew", b"abold", b"ab")
    assert Moodle().contents(Secret("ab")) == (b"ab",)
    assert "new" not in repr(verifier)


def test_moodle_salts_are_bounded() -> None:
    """Each salt is a digest for each password, so there are no more than Moodle had."""
    assert len(Moodle(site_salts=[str(number) for number in range(21)]).contents(Secret("a"))) == 22
    for salts in ([str(number) for number in range(22)], ["ü"]):
        with pytest.raises(ConfigurationError, match="site_salts"):
            Moodle(site_salts=salts)


def test_all_contents_are_computed_whatever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of digests goes by what was typed, not by which of a site's salts matched."""
    calls = 0
    new = hashlib.new

    def counted(name: str, content: bytes, *, usedforsecurity: bool) -> object:
        nonlocal calls
        calls += 1
        return new(name, content, usedforsecurity=usedforsecurity)

    verifier = Moodle(site_salts=("new", "old"))
    monkeypatch.setattr(hashlib, "new", counted)
    counts = []
    for text in (b"abnew", b"abold", b"ab", b"other"):
        encoded = digest_hash("moodle-md5", hashlib.md5(text, usedforsecurity=False).hexdigest())
        calls = 0
        assert verifier.verify(Secret("ab"), encoded) is (text != b"other")
        counts.append(calls)
    assert counts == [3, 3, 3, 3]


def test_no_vector_is_of_a_password_beyond_reach() -> None:
    """The vectors try letters beyond ASCII, and more than 72 bytes, in every format that takes them."""
    for shape in SHAPES:
        passwords = {vector.password for vector in VECTORS if vector.shape == shape}
        assert len(passwords) >= 4
