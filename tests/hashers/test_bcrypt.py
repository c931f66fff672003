"""bcrypt as others wrote it: its 72 bytes, its NULs, its tags, and the extra that it needs."""

from __future__ import annotations

import base64
import hmac
import sys
from datetime import timedelta

import bcrypt
import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, MissingDependencyError, PortalCredsError
from portalcreds.hashers import Argon2Hasher, UpgradingHasher
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

VERIFIER = SystemVerifier("bcrypt")
FLOOR = timedelta(microseconds=1)


def _written(password: str, tag: bytes = b"2b") -> PasswordHash:
    content = password.encode()[:72]
    return PasswordHash(bcrypt.hashpw(content, bcrypt.gensalt(4)).replace(b"$2b$", b"$" + tag + b"$").decode())


@pytest.mark.parametrize("tag", [b"2a", b"2b", b"2y"])
def test_each_tag_is_the_same_scheme(tag: bytes) -> None:
    """PHP writes $2y$, older systems $2a$: the computation is one."""
    assert VERIFIER.verify(Secret("Pässwörd"), _written("Pässwörd", tag))
    assert not VERIFIER.verify(Secret("Pässwöre"), _written("Pässwörd", tag))


def test_the_tag_of_the_bug_is_refused() -> None:
    """$2x$ marks hashes of a bug, under which other passwords match than the one that was hashed."""
    assert not VERIFIER.identify(_written("password", b"2x"))
    assert not VERIFIER.verify(Secret("password"), _written("password", b"2x"))


@pytest.mark.parametrize("character", ["a", "ß", "中", "😀"])
@pytest.mark.parametrize("length", [1, 17, 18, 19, 71, 72, 73, 128, 256])
def test_only_72_bytes_count(length: int, character: str) -> None:
    """Bytes up to the 72nd count, what follows does not, and nothing raises as bcrypt 5 does."""
    password = character * length
    written = _written(password)
    assert VERIFIER.verify(Secret(password), written)
    assert VERIFIER.verify(Secret(password[:-1] + "~"), written) is (len(password[:-1].encode()) >= 72)


def test_a_long_password_is_rehashed_at_once() -> None:
    """The match by 72 bytes is due for an upgrade, after which 72 bytes and junk do not match."""
    password = Secret("p" * 72 + "the rest")
    chosen, issued = Argon2Hasher(CHEAPEST_CHOSEN), Argon2Hasher(CHEAPEST_ISSUED)
    hasher = UpgradingHasher(chosen=chosen, issued=issued, legacy=[VERIFIER], denial_floor=FLOOR)
    with hasher, hasher.admit() as permit:  # type: ignore[union-attr]  # The queue is empty.
        assert permit.check(password, _written(password.reveal())).needs_upgrade
        upgraded = permit.hash_chosen(password)
        assert permit.check(password, upgraded).matched
        assert not permit.check(Secret("p" * 72 + "junk"), upgraded).matched


def test_nul_does_not_end_a_password() -> None:
    """Implementations in C stop at a NUL, so none is let through."""
    for other in ("abc\0", "abc\0def", "\0abc", "\0"):
        assert not VERIFIER.verify(Secret(other), _written("abc"))
        assert not VERIFIER.verify(Secret(other), _written(""))
    assert not VERIFIER.verify(Secret(""), _written(""))


def test_utf_16_is_refused() -> None:
    """Every second byte would be a NUL, and one letter the whole password."""
    for system in ("bcrypt", "django-bcrypt", "wordpress", "moodle", "crypt"):
        with pytest.raises(ConfigurationError, match="NULs"):
            SystemVerifier(system, encodings=["utf-8", "utf-16-le"])


def test_django_sha256_is_not_cut() -> None:
    """Django's bcrypt_sha256 hashes a digest, so that all of a long password counts."""
    verifier = SystemVerifier("django-bcrypt")
    known = verifier.schemes[1].known
    assert verifier.verify(Secret("password"), PasswordHash(known))
    assert not verifier.verify(Secret("password"), PasswordHash(known.replace("bcrypt_sha256$", "bcrypt$")))
    assert not VERIFIER.identify(PasswordHash(known))
    assert not verifier.identify(PasswordHash(known.removeprefix("bcrypt_sha256$")))


@pytest.mark.parametrize(
    ("cost", "identified"), [("03", False), ("04", True), ("12", True), ("13", True), ("14", False)]
)
def test_costs_within_bounds_are_identified(cost: str, identified: bool) -> None:
    """R10: up to 13, half a second, is what an installed base has; 31 would be a day."""
    encoded = _written("password").encoded.replace("$04$", f"${cost}$")
    assert VERIFIER.identify(PasswordHash(encoded)) is identified


@pytest.mark.parametrize("system", ["wordpress", "drupal", "phpbb", "moodle", "spring", "dovecot", "bcrypt-of-md5"])
def test_without_the_extra_a_verifier_that_needs_it_says_so(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """R22, R23: what is missing is named when the verifier is made, and not when somebody signs in."""
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    with pytest.raises(MissingDependencyError) as caught:
        SystemVerifier(system)
    assert caught.value.extra == "bcrypt"
    assert caught.value.__suppress_context__
    SystemVerifier(
        "django", "phpass", "ldap", "ldap-crypt", "werkzeug", "passlib", "aspnet-identity", "keycloak", "crypt"
    )


def test_wordpress_hides_how_long_a_password_is() -> None:
    """WordPress 6.8 hashes an HMAC, so that all of a long password counts; its tag is no part of bcrypt's."""
    verifier, password = SystemVerifier("wordpress"), "p" * 72 + "the rest"
    key = base64.b64encode(hmac.new(b"wp-sha384", password.encode(), "sha384").digest())
    encoded = bcrypt.hashpw(key, bcrypt.gensalt(4)).decode()
    assert verifier.verify(Secret(password), PasswordHash("$wp" + encoded))
    assert not verifier.verify(Secret("p" * 72 + "junk"), PasswordHash("$wp" + encoded))
    assert not verifier.verify(Secret(password), PasswordHash(encoded))
    assert not SystemVerifier("bcrypt").identify(PasswordHash("$wp" + encoded))


def test_a_pepper_is_part_of_what_was_hashed() -> None:
    """Devise puts its pepper after each password: without it, or with another one, nothing matches."""
    written = _written("password" + "pepper")
    assert SystemVerifier("bcrypt", peppers=["pepper"]).verify(Secret("password"), written)
    assert SystemVerifier("bcrypt", peppers=["new", "pepper", ""]).verify(Secret("password"), written)
    assert not SystemVerifier("bcrypt", peppers=["new", ""]).verify(Secret("password"), written)
    assert not SystemVerifier("bcrypt", peppers=["pepper"]).verify(Secret("password"), _written("password"))
    assert not SystemVerifier("bcrypt").verify(Secret("password"), written)


def test_the_error_is_caught_as_what_it_is() -> None:
    """R23: it is an ImportError and one of the library's, and says what to install."""
    error = MissingDependencyError("bcrypt")
    assert isinstance(error, ImportError)
    assert isinstance(error, PortalCredsError)
    assert "install bcrypt" in str(error)
