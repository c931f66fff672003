"""bcrypt as others wrote it: its 72 bytes, its NULs, its tags, and the extra that it needs."""

from __future__ import annotations

import importlib.util
import sys
from datetime import timedelta

import bcrypt
import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, MissingDependencyError, PortalCredsError
from portalcreds.hashers import Argon2Hasher, UpgradingHasher
from portalcreds.hashers.bcrypt import Bcrypt, DjangoBcrypt
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

VERIFIER = Bcrypt()
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
    """A5, A7: bytes up to the 72nd count, what follows does not, and nothing raises as bcrypt 5 does."""
    password = character * length
    written = _written(password)
    assert VERIFIER.verify(Secret(password), written)
    assert VERIFIER.verify(Secret(password[:-1] + "~"), written) is (len(password[:-1].encode()) >= 72)


def test_a_long_password_is_rehashed_at_once() -> None:
    """A7: the match by 72 bytes is due for an upgrade, after which 72 bytes and junk do not match."""
    password = Secret("p" * 72 + "the rest")
    chosen, issued = Argon2Hasher(CHEAPEST_CHOSEN), Argon2Hasher(CHEAPEST_ISSUED)
    hasher = UpgradingHasher(chosen=chosen, issued=issued, legacy=[VERIFIER], denial_floor=FLOOR)
    with hasher, hasher.admit() as permit:  # type: ignore[union-attr]  # The queue is empty.
        assert permit.check(password, _written(password.reveal())).needs_upgrade
        upgraded = permit.hash_chosen(password)
        assert permit.check(password, upgraded).matched
        assert not permit.check(Secret("p" * 72 + "junk"), upgraded).matched


def test_nul_does_not_end_a_password() -> None:
    """A6: implementations in C stop at a NUL, so none is let through."""
    for other in ("abc\0", "abc\0def", "\0abc", "\0"):
        assert not VERIFIER.verify(Secret(other), _written("abc"))
        assert not VERIFIER.verify(Secret(other), _written(""))
    assert not VERIFIER.verify(Secret(""), _written(""))


def test_utf_16_is_refused() -> None:
    """Every second byte would be a NUL, and one letter the whole password."""
    for verifier in (Bcrypt, DjangoBcrypt):
        with pytest.raises(ConfigurationError, match="encoding"):
            verifier(encoding="utf-16-le")
        with pytest.raises(ConfigurationError, match="encoding"):
            verifier(encoding="ebcdic")


def test_django_sha256_is_not_cut() -> None:
    """Django's bcrypt_sha256 hashes a digest, so that all of a long password counts."""
    known = DjangoBcrypt.schemes[1].known
    verifier = DjangoBcrypt()
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


def test_without_the_extra_the_module_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """R22, R23: only this module needs the extra, and its error names it."""
    found = importlib.util.find_spec(Bcrypt.__module__)
    assert found is not None
    assert found.loader is not None
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    with pytest.raises(MissingDependencyError) as caught:
        found.loader.exec_module(importlib.util.module_from_spec(found))
    assert caught.value.extra == "bcrypt"
    assert caught.value.__suppress_context__


def test_the_error_is_caught_as_what_it_is() -> None:
    """R23: it is an ImportError and one of the library's, and says what to install."""
    error = MissingDependencyError("bcrypt")
    assert isinstance(error, ImportError)
    assert isinstance(error, PortalCredsError)
    assert "[bcrypt]" in str(error)
