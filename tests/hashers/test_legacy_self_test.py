"""A backend that lies shows itself when a verifier is made (A11)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import bcrypt
import pytest
from argon2 import low_level

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, HashingUnavailableError
from portalcreds.hashers import bcrypt as our_bcrypt
from portalcreds.hashers import legacy
from portalcreds.hashers.legacy import _sha_crypt
from portalcreds.hashers.legacy._scheme import Part, Scheme, passes_self_test
from portalcreds.hashers.legacy._table_verifier import TableVerifier
from portalcreds.secret import Secret

from .known_hashes import VERIFIERS

BACKENDS: list[tuple[object, str, type[TableVerifier]]] = [
    (hashlib, "new", legacy.BareDigests),
    (hashlib, "new", legacy.LdapSalted),
    (hashlib, "new", legacy.Moodle),
    (hashlib, "new", legacy.AspNetMembership),
    (hashlib, "new", legacy.Phpass),
    (hashlib, "new", legacy.Drupal),
    (hashlib, "new", legacy.Django),
    (hashlib, "pbkdf2_hmac", legacy.Django),
    (hashlib, "pbkdf2_hmac", legacy.Werkzeug),
    (hashlib, "pbkdf2_hmac", legacy.PasslibPbkdf2),
    (hashlib, "pbkdf2_hmac", legacy.AspNetIdentity),
    (hashlib, "scrypt", legacy.Django),
    (hashlib, "scrypt", legacy.Werkzeug),
    (hashlib, "sha256", legacy.ShaCrypt),
    (hashlib, "sha512", legacy.ShaCrypt),
    (hashlib, "sha256", our_bcrypt.DjangoBcrypt),
    (low_level, "hash_secret_raw", legacy.Django),
    (bcrypt, "hashpw", our_bcrypt.Bcrypt),
    (bcrypt, "hashpw", our_bcrypt.DjangoBcrypt),
    *((hmac, "compare_digest", type(verifier)) for verifier in VERIFIERS),
]


def _raising(*args: object, **keywords: object) -> object:
    raise RuntimeError(str(args))


def _nothing(*args: object, **keywords: object) -> object:
    return None


def _constant(function: Callable[..., object]) -> Callable[..., object]:
    kept: list[object] = []

    def constant(*args: object, **keywords: object) -> object:
        if not kept:
            kept.append(function(*args, **keywords))
        return kept[0]

    return constant


@pytest.mark.parametrize("lie", ["raises", "nothing", "constant"])
@pytest.mark.parametrize(("module", "name", "verifier"), BACKENDS)
def test_a_backend_that_lies_fails_the_self_test(
    module: object, name: str, verifier: type[TableVerifier], lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A11: a backend that raises, answers nothing, or always the same, is told of at construction."""
    lies = {"raises": _raising, "nothing": _nothing, "constant": _constant(getattr(module, name))}
    verifier()
    monkeypatch.setattr(module, name, lies[lie])
    with pytest.raises(ConfigurationError, match="reinstall") as caught:
        verifier()
    assert caught.value.__context__ is None
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("verifier", {type(verifier) for verifier in VERIFIERS}, ids=lambda kind: str(kind.__name__))
def test_a_comparison_that_always_says_the_same_fails(
    verifier: type[TableVerifier], answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A11: neither always-yes nor always-no gets past the known answers."""
    monkeypatch.setattr(hmac, "compare_digest", lambda ours, stored: answer)
    with pytest.raises(ConfigurationError):
        verifier()


def test_a_row_that_does_not_read_its_known_hash_fails() -> None:
    """A11: a table whose known answer is out of its own bounds is broken too."""
    scheme = Scheme(name="odd", read=lambda encoded: None, compute=lambda content, stored: content, known="x")
    assert passes_self_test(scheme) is False


@pytest.mark.parametrize("function", [_sha_crypt.sha256_crypt, _sha_crypt.sha512_crypt])
def test_sha_crypt_of_every_residue_differs(function: Callable[[bytes, bytes, int], str]) -> None:
    """What is mixed in repeats every 42 rounds; no number of rounds is taken for another."""
    assert len({function(b"password", b"salt", rounds) for rounds in range(1000, 1090)}) == 90


def test_out_of_memory_is_nobodys_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: where memory runs out nothing is known about the password, and the error holds none of it."""
    verifier = legacy.Werkzeug()

    def exhausted(*args: object, **keywords: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(hashlib, "scrypt", exhausted)
    with pytest.raises(HashingUnavailableError) as caught:
        verifier.verify(Secret("password"), PasswordHash(verifier.schemes[0].known))
    assert caught.value.code == "out_of_memory"
    assert caught.value.__context__ is None


def test_a_backend_that_fails_is_nobodys_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """R14, R23: of what OpenSSL raises the class is told, and neither text nor frames, which hold the password."""
    verifier = legacy.Werkzeug()

    def broken(content: bytes, **keywords: object) -> bytes:
        raise ValueError(content)

    monkeypatch.setattr(hashlib, "scrypt", broken)
    with pytest.raises(HashingUnavailableError) as caught:
        verifier.verify(Secret("password"), PasswordHash(verifier.schemes[0].known))
    assert caught.value.code == "ValueError"
    assert caught.value.__context__ is None


def test_a_part_out_of_bounds_is_no_part() -> None:
    """R10: lengths are checked of bytes, not of characters."""
    part = Part(lambda text: text.encode(), 2, 3)
    assert [part.read(text) for text in ("a", "ab", "abc", "abcd", "ßß")] == [None, b"ab", b"abc", None, None]
