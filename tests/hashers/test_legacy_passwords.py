"""Which passwords a legacy hash takes: its own, whole, in the bytes that the other system hashed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers.legacy import SystemVerifier, digest_hash
from portalcreds.hashers.legacy.systems import ENCODINGS
from portalcreds.secret import Secret

from .known_hashes import SAMPLE, SHAPES, SOME_OR_ALL, VECTORS, VERIFIERS, Vector

DIGESTS = SystemVerifier("digests")
MARKS = ("", "None", "!x", "!", "*", "x", "{CRYPT}", "{SSHA}", "$unknown$", "$pc$", "NULL", "0")


@SOME_OR_ALL
def test_a_hash_is_not_its_password(vectors: list[Vector]) -> None:
    """The stored text, each part of it, and what marks an account without a password open nothing."""
    for vector in vectors:
        separators = [separator for separator in "$:}" if separator in vector.encoded]
        parts = {part for separator in separators for part in vector.encoded.split(separator)}
        for text in {vector.encoded, vector.encoded.upper(), *parts, *MARKS} - {vector.password}:
            assert not vector.takes(text), vector.shape
            assert text == vector.encoded or not vector.takes(vector.password, text), vector.shape


def test_marks_are_neither_hashes_nor_passwords() -> None:
    """No mark is a hash to anybody, not even for a password that is equal to it."""
    tried = [
        verifier.verify(Secret(password), PasswordHash(mark))
        for verifier in VERIFIERS
        for mark in MARKS
        for password in (mark, "password", "")
    ]
    assert len(tried) >= 300
    assert not any(tried)


@SOME_OR_ALL
def test_nul_never_ends_or_pads_a_password(vectors: list[Vector]) -> None:
    """Under HMAC a NUL at the end changes nothing, and in C all after it is lost; here it is refused."""
    for vector in vectors:
        for other in (vector.password + "\0", vector.password + "\0x", "\0" + vector.password, "\0"):
            assert not vector.takes(other), vector.shape


@pytest.mark.parametrize("length", [0, 1, 14, 15, 71, 72, 73, 128, 255, 256, 257, 1024])
def test_lengths_up_to_the_cap_are_whole(length: int) -> None:
    """Up to 256 code points each counts, of whatever width; more, and none, are refused (R8)."""
    for character in ("a", "ß", "中", "😀"):
        password = character * length
        digest = hashlib.sha256(b"salt" + password.encode()).hexdigest()
        encoded = digest_hash("sha256-salt-before", digest, salt="salt")
        assert DIGESTS.verify(Secret(password), encoded) is (1 <= length <= 256), character
        assert not DIGESTS.verify(Secret(password[:-1] + "b"), encoded), character


def test_an_overlong_password_is_refused() -> None:
    """R8: no digest is computed over more than 256 code points, nor anything encoded that cannot be."""
    for vector in SAMPLE:
        for text in ("x" * 257, "x" * 1_000_000, "\ud800", "x\udfff"):
            assert not vector.takes(text), vector.shape
            assert vector.verifier.contents(Secret(text), vector.scheme) == (), vector.shape


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_is_the_other_systems(encoding: str) -> None:
    """Ñ is hashed in the bytes that the other system had for it, and only in those."""
    encoded = digest_hash("md5", hashlib.md5("ñ".encode(encoding), usedforsecurity=False).hexdigest())
    taking = {name for name in ENCODINGS if SystemVerifier("digests", encodings=[name]).verify(Secret("ñ"), encoded)}
    assert encoding in taking
    assert taking == ({"latin-1", "cp1252"} if encoding in ("latin-1", "cp1252") else {encoding})


def test_what_an_encoding_cannot_write_matches_nothing() -> None:
    """A password with a letter that the other system had no bytes for cannot be the one it hashed."""
    lost = digest_hash("md5", hashlib.md5(b"?", usedforsecurity=False).hexdigest())
    for encoding, text in (("latin-1", "€"), ("cp1252", "😀"), ("utf-8", "\ud800"), ("utf-16-le", "\ud800")):
        assert not SystemVerifier("digests", encodings=[encoding]).verify(Secret(text), lost)


def test_a_site_that_went_to_utf_8_has_two_encodings() -> None:
    """Hashes from before and after are in one column, and the typed password is tried in the bytes of both."""
    verifier = SystemVerifier("digests", encodings=["utf-8", "cp1252"])
    for encoding in ("utf-8", "cp1252"):
        encoded = digest_hash("md5", hashlib.md5("señora".encode(encoding), usedforsecurity=False).hexdigest())
        assert verifier.verify(Secret("señora"), encoded)
        assert not verifier.verify(Secret("senora"), encoded)
    # An emoji has no bytes in the older one, and may still be in a later password.
    later = digest_hash("md5", hashlib.md5("😀".encode(), usedforsecurity=False).hexdigest())
    assert verifier.verify(Secret("😀"), later)
    assert verifier.contents(Secret("abc"), verifier.schemes[0]) == (b"abc",)


@pytest.mark.parametrize(
    ("arguments", "options", "argument"),
    [
        ([], {}, "systems"),
        (["wordpress", "joomla"], {}, "systems"),
        (["Django"], {}, "systems"),
        (["django"], {"encodings": ["utf8"]}, "encodings"),
        (["django"], {"encodings": ["utf-8", ""]}, "encodings"),
        (["django"], {"encodings": "cp437"}, "encodings"),
        (["moodle"], {"peppers": []}, "peppers"),
        (["moodle"], {"peppers": ["ü"]}, "peppers"),
        (["moodle"], {"peppers": [str(number) for number in range(23)]}, "peppers"),
        (["moodle"], {"peppers": None}, "peppers"),
        (["moodle"], {"peppers": [5]}, "peppers"),
        (["moodle"], {"peppers": b"x"}, "peppers"),
        (["moodle"], {"peppers": ["\0"]}, "peppers"),
        (["moodle"], {"peppers": ["x" * 1025]}, "peppers"),
        (["moodle"], {"encodings": None}, "encodings"),
        ([["django"]], {}, "systems"),
        (["flask-security"], {}, "peppers"),
        (["flask-security"], {"peppers": ["salt", ""]}, "peppers"),
    ],
)
def test_what_a_verifier_cannot_be_told_is_refused(
    arguments: list[str], options: dict[str, Any], argument: str
) -> None:
    """R23: at construction, and not when somebody signs in; a pepper that is missing would deny everybody."""
    with pytest.raises(ConfigurationError) as caught:
        SystemVerifier(*arguments, **options)
    assert caught.value.argument == argument
    assert caught.value.hint


def test_moodle_tries_what_moodle_tried() -> None:
    """Moodle's sites changed salts and had "magic quotes": each spelling with each salt, and none twice."""
    verifier = SystemVerifier("moodle", peppers=("new", "old", "new", ""))
    md5 = verifier.schemes[0]
    assert verifier.contents(Secret("a'b"), md5) == (b"a'bnew", b"a'bold", b"a'b", b"a\\'bnew", b"a\\'bold", b"a\\'b")
    assert verifier.contents(Secret("ab"), md5) == (b"abnew", b"abold", b"ab")
    assert SystemVerifier("moodle").contents(Secret("ab"), md5) == (b"ab",)
    assert "new" not in repr(verifier)
    many = SystemVerifier("moodle", peppers=[*(str(number) for number in range(21)), ""])
    assert len(many.contents(Secret("a"), md5)) == 22


@pytest.mark.parametrize(
    ("system", "typed", "hashed"),
    [
        ("wordpress", "a'b\"c\\d", "a\\'b\\\"c\\\\d"),
        ("phpbb", "a&b\"c<d>e'f", "a&amp;b&quot;c&lt;d&gt;e'f"),
    ],
)
def test_a_password_is_tried_as_the_system_spelled_it(system: str, typed: str, hashed: str) -> None:
    """PHP's applications change what is typed before they hash it; both forms are tried, and no third."""
    verifier = SystemVerifier(system)
    contents = verifier.contents(Secret(typed), verifier.schemes[-1])
    assert contents == (typed.encode(), hashed.encode())


def test_flask_security_hashes_the_decomposed_form() -> None:
    """Its forms bring a password to NFKD, so that a letter with an accent is two characters when it is hashed."""
    verifier = SystemVerifier("flask-security", peppers=["salt"])
    keys = [base64.b64encode(hmac.new(b"salt", text.encode(), "sha512").digest()) for text in ("\xe9", "e\u0301")]
    assert list(verifier.contents(Secret("\xe9"), verifier.schemes[0])) == keys


def test_all_contents_are_computed_whatever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of digests goes by what was typed, not by which of a site's salts matched."""
    calls = 0
    new = hashlib.new

    def counted(name: str, content: bytes, *, usedforsecurity: bool) -> object:
        nonlocal calls
        calls += 1
        return new(name, content, usedforsecurity=usedforsecurity)

    verifier = SystemVerifier("moodle", peppers=("new", "old", ""))
    monkeypatch.setattr(hashlib, "new", counted)
    counts = []
    for text in (b"abnew", b"abold", b"ab", b"other"):
        encoded = digest_hash("md5", hashlib.md5(text, usedforsecurity=False).hexdigest())
        calls = 0
        assert verifier.verify(Secret("ab"), encoded) is (text != b"other")
        counts.append(calls)
    assert counts == [3, 3, 3, 3]


def test_no_vector_is_of_a_password_beyond_reach() -> None:
    """The vectors try letters beyond ASCII, and more than 72 bytes, in every format that takes them."""
    for shape in SHAPES:
        passwords = {vector.password for vector in VECTORS if vector.shape == shape}
        assert len(passwords) >= 4
