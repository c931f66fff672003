"""A backend that lies shows itself when a verifier is made."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import bcrypt
import pytest
from argon2 import low_level

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, HashingUnavailableError
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.hashers.legacy._scheme import Compute, Scheme, Stored, passes_self_test, reader
from portalcreds.hashers.legacy._stretching import sha256_crypt, sha512_crypt
from portalcreds.hashers.legacy._table import SYSTEMS
from portalcreds.secret import Secret

BACKENDS: list[tuple[object, str, tuple[str, ...]]] = [
    (
        hashlib,
        "new",
        ("digests", "ldap", "moodle", "aspnet-membership", "phpass", "drupal", "django", "mysql", "symfony"),
    ),
    (
        hashlib,
        "new",
        ("bcrypt-of-md5", "bcrypt-of-sha1", "bcrypt-of-sha256", "django-bcrypt", "apache", "crypt", "ldap-crypt"),
    ),
    (hmac, "new", ("aspnet-membership", "wordpress", "flask-security")),
    (hashlib, "pbkdf2_hmac", ("django", "werkzeug", "passlib", "aspnet-identity", "keycloak")),
    (hashlib, "scrypt", ("django", "werkzeug")),
    (hashlib, "sha256", ("crypt",)),
    (hashlib, "sha512", ("crypt", "moodle")),
    (low_level, "hash_secret_raw", ("django", "argon2i", "phpbb", "spring", "dovecot")),
    (bcrypt, "hashpw", ("bcrypt", "django-bcrypt", "wordpress", "drupal", "phpbb", "moodle", "spring", "apache")),
    (hmac, "compare_digest", tuple(SYSTEMS)),
]


def made(system: str) -> SystemVerifier:
    """Make a verifier, and so run its self-test."""
    return SystemVerifier(system, peppers=["pepper"])


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
@pytest.mark.parametrize(("module", "name", "systems"), BACKENDS)
def test_a_backend_that_lies_fails_the_self_test(
    module: object, name: str, systems: tuple[str, ...], lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend that raises, answers nothing, or always the same, is told of at construction."""
    for system in systems:
        lies = {"raises": _raising, "nothing": _nothing, "constant": _constant(getattr(module, name))}
        made(system)
        with monkeypatch.context() as patched:
            patched.setattr(module, name, lies[lie])
            with pytest.raises(ConfigurationError, match="reinstall") as caught:
                made(system)
        assert caught.value.__context__ is None, system
        assert "password" not in str(caught.value)


@pytest.mark.parametrize("answer", [True, False])
def test_a_comparison_that_always_says_the_same_fails(answer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither always-yes nor always-no gets past the known answers."""
    monkeypatch.setattr(hmac, "compare_digest", lambda ours, stored: answer)
    for system in SYSTEMS:
        with pytest.raises(ConfigurationError):
            made(system)


def test_a_row_that_does_not_read_its_known_hash_fails() -> None:
    """A table whose known answer is out of its own bounds is broken too."""
    scheme = Scheme(name="odd", read=lambda encoded: None, compute=lambda content, stored: content, known="x")
    assert passes_self_test(scheme) is False


@pytest.mark.parametrize("function", [sha256_crypt, sha512_crypt])
def test_sha_crypt_of_every_residue_differs(function: Compute) -> None:
    """What is mixed in repeats every 42 rounds; no number of rounds is taken for another."""
    asked = [Stored(salt=b"salt", digest=b"", cost=(rounds,)) for rounds in range(1000, 1090)]
    assert len({function(b"password", stored) for stored in asked}) == 90


def test_out_of_memory_is_nobodys_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: where memory runs out nothing is known about the password, and the error holds none of it."""
    verifier = SystemVerifier("werkzeug")

    def exhausted(*args: object, **keywords: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(hashlib, "scrypt", exhausted)
    with pytest.raises(HashingUnavailableError) as caught:
        verifier.verify(Secret("password"), PasswordHash(verifier.schemes[0].known))
    assert caught.value.code == "out_of_memory"
    assert caught.value.__context__ is None


def test_a_backend_that_fails_is_nobodys_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """R14, R23: of what OpenSSL raises the class is told, and neither text nor frames, which hold the password."""
    verifier = SystemVerifier("werkzeug")

    def broken(content: bytes, **keywords: object) -> bytes:
        raise ValueError(content)

    monkeypatch.setattr(hashlib, "scrypt", broken)
    with pytest.raises(HashingUnavailableError) as caught:
        verifier.verify(Secret("password"), PasswordHash(verifier.schemes[0].known))
    assert caught.value.code == "ValueError"
    assert caught.value.__context__ is None


def test_a_part_out_of_bounds_is_no_part() -> None:
    """R10: lengths are checked of bytes, not of characters, and what is not in canonical form is refused."""
    read = reader("<base64= 2-3>:<base64= 1>")
    for text, salt in (("YWI=", b"ab"), ("YWJj", b"abc"), ("YQ==", None), ("YWJjZA==", None), ("YWJ=", None)):
        stored = read(f"{text}:YQ==")
        assert (None if stored is None else stored.salt) == salt
