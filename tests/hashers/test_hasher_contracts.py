"""The contracts of hashers and verifiers: ours keep them, and each broken one fails the rule it breaks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.hashers import Argon2Hasher
from portalcreds.hashers.legacy import CallableVerifier, Wrapping
from portalcreds.protocols import LegacyVerifier, PasswordHasher
from portalcreds.secret import Secret
from portalcreds.testing.hasher_contracts import LegacyVerifierContract, PasswordHasherContract
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CountingHasher

from .known_hashes import SHAPES, VERIFIERS, of_shape, verifier_of

CHEAP = Argon2Hasher(CHEAPEST_CHOSEN)
VECTORS = [("Pässwörd", "salt", 1), ("AbbiaticiR", "pepper", 2), ("x" * 80, "sugar", 3)]


class TestArgon2Hasher(PasswordHasherContract):
    @pytest.fixture(params=[CHEAP, CountingHasher(CHEAP)], ids=["plain", "counting"])
    def hasher(self, request: pytest.FixtureRequest) -> PasswordHasher:
        """Return the hasher under test."""
        hasher: PasswordHasher = request.param
        return hasher


KINDS = (
    "bare md5",
    "django pbkdf2_sha256",
    "django scrypt",
    "identity v3",
    "ldap {SSHA}",
    "sha512-crypt",
    "wordpress $wp$2y$",
)
"""One format of each kind of grammar and computation. Every row of the table is tried by the tests of vectors."""


class TestLegacyVerifiers(LegacyVerifierContract):
    @pytest.fixture(
        params=[pytest.param(shape, marks=[] if shape in KINDS else [pytest.mark.whole]) for shape in SHAPES]
    )
    def shape(self, request: pytest.FixtureRequest) -> str:
        """Return the name of a format."""
        shape: str = request.param
        return shape

    @pytest.fixture
    def verifier(self, shape: str) -> LegacyVerifier:
        """Return the verifier under test."""
        return of_shape(shape)[0].verifier

    @pytest.fixture
    def vectors(self, shape: str, verifier: LegacyVerifier) -> list[tuple[str, str]]:
        """Return what the other system wrote."""
        found = [vector for vector in of_shape(shape) if vector.verifier == verifier]
        return [(vector.password, vector.encoded) for vector in found[:3]]


class TestWrapping(LegacyVerifierContract):
    @pytest.fixture(params=["digests", "ldap", "aspnet-membership", "django", "mysql", "crypt"])
    def verifier(self, request: pytest.FixtureRequest) -> Wrapping:
        """Return the verifier under test."""
        return Wrapping(verifier_of(request.param), CHEAP)

    @pytest.fixture
    def vectors(self, verifier: Wrapping) -> list[tuple[str, str]]:
        """Return what the other system wrote."""
        fast = [
            (vector.password, PasswordHash(vector.encoded))
            for shape in SHAPES
            for vector in of_shape(shape)[:2]
            if vector.verifier == verifier.verifier
        ]
        return [
            (password, verifier.wrap(encoded).encoded)
            for password, encoded in fast
            if verifier.verifier.find(encoded)[0].is_weak  # type: ignore[index]  # It is a vector of the verifier's.
        ]


def _site_hash(password: str, salt: str, cost: int) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), cost).hex()
    return f"site:{cost}:{salt}:{digest}"


class SiteVerifier:
    """A sound verifier of a site's own, to be broken below."""

    is_slow = True

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is taken for one of its own."""
        parts = password_hash.encoded.split(":")
        return (
            password_hash.encoded.isascii()
            and len(parts) == 4
            and parts[0] == "site"
            and parts[1] in ("1", "2", "3")
            and len(parts[3]) == 64
            and set(parts[3]) <= set("0123456789abcdef")
        )

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        if not self.identify(password_hash) or not self.accepts(password.reveal()):
            return False
        _, cost, salt, _ = password_hash.encoded.split(":")
        return self.compare(_site_hash(password.reveal(), salt, int(cost)), password_hash.encoded)

    def accepts(self, password: str) -> bool:
        """Return whether the password can be one."""
        return (
            1 <= len(password) <= 256
            and "\0" not in password
            and password == password.encode("utf-8", "replace").decode()
        )

    def compare(self, ours: str, stored: str) -> bool:
        """Return whether the two are taken for equal."""
        return hmac.compare_digest(ours, stored)


class TestSiteVerifier(LegacyVerifierContract):
    @pytest.fixture
    def verifier(self) -> LegacyVerifier:
        """Return the verifier under test."""
        return SiteVerifier()

    @pytest.fixture
    def vectors(self) -> list[tuple[str, str]]:
        """Return what the other system wrote."""
        return [(password, _site_hash(password, salt, cost)) for password, salt, cost in VECTORS]


class TestCallableVerifier(TestSiteVerifier):
    @pytest.fixture
    def verifier(self) -> LegacyVerifier:
        """Return the verifier under test."""
        site = SiteVerifier()
        return CallableVerifier(
            identifies=lambda encoded: site.identify(PasswordHash(encoded)),
            verifies=lambda password, encoded: site.verify(Secret(password), PasswordHash(encoded)),
            known=("password", _site_hash("password", "salt", 1)),
        )


# -- broken verifiers


class AcceptsPrefixes(SiteVerifier):
    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is taken for one of its own."""
        return password_hash.encoded.startswith("site:1:salt:")

    def compare(self, ours: str, stored: str) -> bool:
        """Return whether the two are taken for equal."""
        return ours.startswith(stored)


class AcceptsWhatFollows(SiteVerifier):
    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        parts = password_hash.encoded.split(":")[:4]
        return super().verify(password, PasswordHash(":".join(parts).rstrip()))


class LetsHmacPad(SiteVerifier):
    def accepts(self, password: str) -> bool:
        """Return whether the password can be one."""
        return 1 <= len(password) <= 256 and "\ud800" not in password and "\udfff" not in password


class RaisesForSurrogates(SiteVerifier):
    def accepts(self, password: str) -> bool:
        """Return whether the password can be one."""
        return 1 <= len(password) <= 256 and "\0" not in password


class TakesTheHash(SiteVerifier):
    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        return password.reveal() == password_hash.encoded or super().verify(password, password_hash)


class FallsBackToPlainText(SiteVerifier):
    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        if not self.identify(password_hash):
            return password.reveal() == password_hash.encoded
        return super().verify(password, password_hash)


class Truncates(SiteVerifier):
    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        if self.identify(password_hash) and self.accepts(password.reveal()):
            return super().verify(Secret(password.reveal().rstrip("~ ")), password_hash)
        return False


class RaisesForOddHashes(SiteVerifier):
    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is taken for one of its own."""
        password_hash.encoded.encode("ascii")
        return super().identify(password_hash)


class SaysYes(SiteVerifier):
    def compare(self, ours: str, stored: str) -> bool:
        """Return whether the two are taken for equal."""
        return True


class SaysNo(SiteVerifier):
    def compare(self, ours: str, stored: str) -> bool:
        """Return whether the two are taken for equal."""
        return False


class DoesNotSay(SiteVerifier):
    is_slow = None  # type: ignore[assignment]  # That is what is broken.


class ClaimsNumbers(SiteVerifier):
    claims = (1, 2)


class CanWrite(SiteVerifier):
    def hash(self, password: Secret) -> PasswordHash:
        """Return a hash."""
        return PasswordHash(_site_hash(password.reveal(), "salt", 1))


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (AcceptsPrefixes, "test_no_prefix_is_taken"),
        (AcceptsWhatFollows, "test_nothing_may_follow"),
        (LetsHmacPad, "test_nul_does_not_end_a_password"),
        (RaisesForSurrogates, "test_odd_passwords_raise_nothing"),
        (TakesTheHash, "test_a_hash_is_no_password"),
        (FallsBackToPlainText, "test_what_is_no_hash_is_refused"),
        (Truncates, "test_another_password_does_not_match"),
        (RaisesForOddHashes, "test_odd_hashes_raise_nothing"),
        (SaysYes, "test_another_password_does_not_match"),
        (SaysNo, "test_each_vector_is_verified"),
        (DoesNotSay, "test_it_says_whether_it_is_slow"),
        (ClaimsNumbers, "test_what_it_says_besides_can_be_used"),
        (CanWrite, "test_it_cannot_write"),
    ],
)
def test_a_broken_verifier_fails_the_rule_it_breaks(broken: type[SiteVerifier], rule: str) -> None:
    """The fault is caught, and by the test whose name says what is wrong."""
    vectors: Sequence[tuple[str, str]] = [("Pässwörd", _site_hash("Pässwörd", "salt", 1))]
    with pytest.raises((AssertionError, UnicodeEncodeError)):
        getattr(LegacyVerifierContract(), rule)(broken(), vectors)
    getattr(LegacyVerifierContract(), rule)(SiteVerifier(), vectors)


def test_no_vectors_are_not_enough() -> None:
    """The contract cannot be passed with nothing."""
    with pytest.raises(AssertionError):
        LegacyVerifierContract().test_there_is_a_vector(SiteVerifier(), [])


# -- broken hashers


class Delegating:
    """Does what the real hasher does; subclasses break one thing."""

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is taken for one of its own."""
        return CHEAP.identify(password_hash)

    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """Return a hash."""
        return CHEAP.hash(password, salt=salt)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        return CHEAP.verify(password, password_hash)

    def needs_rehash(self, password_hash: PasswordHash, /) -> bool:
        """Return whether to hash anew."""
        return CHEAP.needs_rehash(password_hash)


class SharesASalt(Delegating):
    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """Return a hash."""
        return CHEAP.hash(password, salt=bytes(16) if salt is None else salt)


class IgnoresTheSalt(Delegating):
    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """Return a hash."""
        return CHEAP.hash(password)


class CutsAt72(Delegating):
    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """Return a hash."""
        return CHEAP.hash(Secret(password.reveal()[:72]), salt=salt)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        return CHEAP.verify(Secret(password.reveal()[:72]), password_hash)


class EndsAtNul(Delegating):
    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        return CHEAP.verify(Secret(password.reveal().split("\0")[0]), password_hash)


class FoldsCase(Delegating):
    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """Return a hash."""
        return CHEAP.hash(Secret(password.reveal().lower()), salt=salt)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        return CHEAP.verify(Secret(password.reveal().lower()), password_hash)


class AlwaysRehashes(Delegating):
    def needs_rehash(self, password_hash: PasswordHash, /) -> bool:
        """Return whether to hash anew."""
        return True


class IdentifiesAnything(Delegating):
    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is taken for one of its own."""
        return True


class Raises(Delegating):
    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether the hash is taken for one of its own."""
        return bool(password_hash.encoded.encode("ascii")) and CHEAP.identify(password_hash)


class SaysNothingIsEqual(Delegating):
    def costs_the_same(self, password_hash: PasswordHash, /) -> bool:
        """Return whether a hash costs the same."""
        return False


class StripsHashes(Delegating):
    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Return whether the password is taken."""
        return CHEAP.verify(password, PasswordHash(password_hash.encoded.strip()))


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (SharesASalt, "test_each_hash_has_a_salt_of_its_own"),
        (IgnoresTheSalt, "test_a_salt_handed_in_is_used"),
        (CutsAt72, "test_the_whole_password_counts"),
        (EndsAtNul, "test_nul_does_not_end_a_password"),
        (FoldsCase, "test_another_password_does_not_match"),
        (AlwaysRehashes, "test_it_identifies_what_it_writes"),
        (IdentifiesAnything, "test_what_it_did_not_write_is_refused"),
        (Raises, "test_odd_hashes_raise_nothing"),
        (StripsHashes, "test_no_part_of_a_hash_is_taken"),
        (SaysNothingIsEqual, "test_what_it_says_besides_can_be_used"),
    ],
)
def test_a_broken_hasher_fails_the_rule_it_breaks(broken: type[Delegating], rule: str) -> None:
    """The same for hashers, cut passwords and shared salts among them."""
    with pytest.raises((AssertionError, UnicodeEncodeError)):
        getattr(PasswordHasherContract(), rule)(broken())
    getattr(PasswordHasherContract(), rule)(Delegating())


@pytest.mark.parametrize("contract", [PasswordHasherContract, LegacyVerifierContract])
def test_each_rule_says_what_it_is(contract: type) -> None:
    """Whoever fails a rule reads in one sentence what is asked."""
    rules = [getattr(contract, name) for name in dir(contract) if name.startswith("test_")]
    assert len(rules) >= 12
    assert all(rule.__doc__ and rule.__doc__.endswith(".") for rule in rules)


def test_every_verifier_is_tried() -> None:
    """The table of formats above holds every verifier that ships."""
    assert {of_shape(shape)[0].verifier for shape in SHAPES} <= set(VERIFIERS)
    assert set(KINDS) <= set(SHAPES)
