"""Columns become stored hashes that name their scheme, or are refused where the import can be corrected."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import InvalidValueError
from portalcreds.hashers import Argon2Hasher
from portalcreds.hashers._codecs import from_adapted_base64, from_ascii, from_base64, from_hex
from portalcreds.hashers.legacy import SystemVerifier, digest_hash, keycloak_hash, membership_hash, tagged_hash
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN

MD5 = "5f4dcc3b5aa765d61d8327deb882cf99"
SALT = b64encode(b"0123456789abcdef").decode()


def test_a_digest_names_its_scheme() -> None:
    """Nothing is sniffed later: the stored form has the scheme, the salt and the digest apart."""
    assert digest_hash("md5", MD5).encoded == "$pc$md5$$X03MO1qnZdYdgyfeuILPmQ"
    assert digest_hash("md5-salt-after", MD5, salt=b"\xff\0").encoded == "$pc$md5-salt-after$/wA$X03MO1qnZdYdgyfeuILPmQ"
    assert digest_hash("md5", "X03MO1qnZdYdgyfeuILPmQ==") == digest_hash("md5", MD5)


def test_upper_case_hexadecimal_is_the_same_digest() -> None:
    """.NET and some databases write hexadecimal in upper case."""
    assert digest_hash("md5", MD5.upper()) == digest_hash("md5", MD5)
    assert SystemVerifier("digests").verify(Secret("password"), digest_hash("md5", MD5.upper()))


@pytest.mark.parametrize(
    ("scheme", "digest", "salt", "field"),
    [
        ("md4", MD5, "", "scheme"),
        ("", MD5, "", "scheme"),
        ("md5-salt-before-salt-after", MD5, "x", "scheme"),
        ("md5-salt", MD5, "x", "scheme"),
        ("md5-", MD5, "", "scheme"),
        ("symfony-salt-after", MD5, "x", "scheme"),
        ("bcrypt", MD5, "", "scheme"),
        ("md5", MD5[:-1], "", "digest"),
        ("md5", MD5[:-2], "", "digest"),
        ("md5", "", "", "digest"),
        ("md5", MD5[:-1] + "F", "", "digest"),
        ("md5", "g" * 32, "", "digest"),
        ("md5", "\u0661" * 32, "", "digest"),
        ("sha1", MD5, "", "digest"),
        ("sha256", MD5, "", "digest"),
        ("md5", MD5, "x", "salt"),
        ("symfony", "0" * 128, "", "salt"),
        ("md5-salt-before", MD5, "", "salt"),
        ("md5-salt-after", MD5, "x" * 65, "salt"),
    ],
)
def test_a_digest_out_of_form_is_refused(scheme: str, digest: str, salt: str, field: str) -> None:
    """R23: the refusal names the field and the hint, and quotes neither the digest nor the salt."""
    with pytest.raises(InvalidValueError) as caught:
        digest_hash(scheme, digest, salt=salt)
    assert caught.value.field == field
    assert MD5[:8] not in str(caught.value)


def test_a_membership_row_is_taken_whole() -> None:
    """Both columns are base64, and what was hashed is in the site's configuration."""
    encoded = membership_hash(
        password="uiP1YrZlVcHESbfsRt/wljwNeYU=", salt="fGJ2wn/5WlzqQoDeCA2kXA==", algorithm="SHA1", password_format=1
    )
    assert encoded.encoded.startswith("$pc$membership-sha1$")
    assert SystemVerifier("aspnet-membership").verify(Secret("sss"), encoded)


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
def test_a_keyed_hash_is_no_plain_one(algorithm: str) -> None:
    """A keyed digest is as long as a plain one; taken for that it would match nobody, so the importer says which."""
    size = {"SHA1": 20, "SHA256": 32, "SHA512": 64}[algorithm]
    digest = b64encode(bytes(size)).decode()
    plain, keyed = (
        membership_hash(password=digest, salt=SALT, algorithm=prefix + algorithm).encoded for prefix in ("", "HMAC")
    )
    assert keyed == plain.replace("membership-", "membership-hmac")
    assert keyed.startswith(f"$pc$membership-hmac{algorithm.lower()}$")


@pytest.mark.parametrize("algorithm", ["", "MD5", "HMAC", "sha1", "HMACMD5", "RIPEMD160", "SHA1HMAC", "HMACHMACSHA1"])
def test_an_algorithm_that_is_not_known_is_refused(algorithm: str) -> None:
    """R23: rather on import than as a wrong password of everybody."""
    with pytest.raises(InvalidValueError, match="HMACSHA256") as caught:
        membership_hash(password=b64encode(bytes(20)).decode(), salt=SALT, algorithm=algorithm)
    assert caught.value.field == "algorithm"


@pytest.mark.parametrize(
    ("password", "salt", "password_format", "field"),
    [
        ("password", SALT, 0, "password_format"),
        ("encrypted", SALT, 2, "password_format"),
        ("", SALT, 1, "password"),
        ("!", SALT, 1, "password"),
        (b64encode(bytes(16)).decode(), SALT, 1, "password"),
        (b64encode(bytes(32)).decode(), SALT, 1, "password"),
        (b64encode(bytes(20)).decode().rstrip("="), SALT, 1, "password"),
        (b64encode(bytes(20)).decode(), "", 1, "salt"),
        (b64encode(bytes(20)).decode(), "?", 1, "salt"),
        (b64encode(bytes(20)).decode(), b64encode(bytes(15)).decode(), 1, "salt"),
        (b64encode(bytes(20)).decode(), b64encode(bytes(65)).decode(), 1, "salt"),
    ],
)
def test_a_membership_row_out_of_form_is_refused(password: str, salt: str, password_format: int, field: str) -> None:
    """Plain text, encrypted passwords and damaged columns are not imported as hashes."""
    with pytest.raises(InvalidValueError) as caught:
        membership_hash(password=password, salt=salt, algorithm="SHA1", password_format=password_format)
    assert caught.value.field == field


def exported(**changes: object) -> dict[str, object]:
    """Return a credential of Keycloak's export, with some of what is in it changed, or left out as None."""
    algorithm, salt = "argon2", b64encode(b"0123456789abcdef").decode()
    cost = {"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
    parts: dict[str, object] = {
        "algorithm": algorithm, "hashIterations": 5, "additionalParameters": cost, "salt": salt,
        "value": b64encode(bytes(32)).decode(),
    }  # fmt: skip
    parts = {name: value for name, value in (parts | changes).items() if value is not None}
    secret = {name: parts.pop(name) for name in ("salt", "value") if name in parts}
    return {"type": "password", "credentialData": json.dumps(parts), "secretData": json.dumps(secret)}


def test_keycloaks_argon2_becomes_a_hash_like_the_portals_own() -> None:
    """What Keycloak 24 and later write by default needs no verifier; these are from two public exports."""
    for salt, value, password in (
        ("Cf9AYCE5pAbb4CKEF0GUTA==", "BruFLfFkjH/8erZ26NnrbkOrWiZuQyDRCHD9o0R6Scg=", "password"),
        ("RJ0aLMQ2qKbZuROs7qQhcA==", "BuViHNDGmCq80fvpty/QoggTI8NSt0CuNDGgeoa5f5A=", "iceberg"),
    ):
        encoded = keycloak_hash(exported(salt=salt, value=value))
        assert encoded.encoded.startswith("$argon2id$v=19$m=7168,t=5,p=1$")
        assert Argon2Hasher(CHEAPEST_CHOSEN).verify(Secret(password), encoded)
        assert not Argon2Hasher(CHEAPEST_CHOSEN).verify(Secret(password + "x"), encoded)


COST = {"memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
NESTED = '{"a":' * 100_000


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"credentialData": None, "secretData": None},
        {"credentialData": "{}", "secretData": "{}"},
        {"credentialData": "[]", "secretData": "canary"},
        {"credentialData": NESTED, "secretData": NESTED},
        {"credentialData": '{"hashIterations":' + "9" * 5000 + "}", "secretData": "{}"},
        exported(algorithm="bcrypt"),
        exported(algorithm=None),
        exported(algorithm=["argon2"]),
        exported(salt=None),
        exported(salt="canary"),
        exported(salt=5),
        exported(value=b64encode(bytes(8)).decode()),
        exported(hashIterations="5"),
        exported(hashIterations=True),
        exported(hashIterations=-5),
        exported(hashIterations=10**9),
        exported(additionalParameters=None),
        exported(additionalParameters={}),
        exported(additionalParameters=COST | {"type": ["d"]}),
        exported(additionalParameters=COST | {"type": ["i"]}),
        exported(additionalParameters=COST | {"version": ["1.0"]}),
        exported(additionalParameters=COST | {"memory": ["4194304"]}),
        exported(additionalParameters=COST | {"memory": ["7168,keyid=AAAA"]}),
        exported(additionalParameters=COST | {"memory": []}),
        exported(algorithm="pbkdf2-sha256", hashIterations=2_000_001),
        exported(algorithm="pbkdf2-sha512", hashIterations=27500),
        exported(algorithm="pbkdf2-sha256", hashIterations=27500, value=b64encode(bytes(20)).decode()),
        exported(algorithm="pbkdf2-sha256", hashIterations=27500, salt=b64encode(bytes(7)).decode()),
    ],
    ids=str,
)
def test_a_credential_out_of_form_is_refused(credential: dict[str, Any]) -> None:
    """R10, R23: an export is untrusted too, and the refusal quotes nothing of it, nor holds what could not be read."""
    with pytest.raises(InvalidValueError) as caught:
        keycloak_hash(credential)
    assert caught.value.field == "credential"
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)


def test_a_hash_that_looks_like_another_is_tagged() -> None:
    """Flask-Security's Argon2id looks like the portal's own, which would deny everybody; tagged it does not."""
    known = SystemVerifier("flask-security", peppers=["x"]).schemes[0].known
    assert tagged_hash("flask-security", known.removeprefix("$pc$flask-security")).encoded == known
    assert not Argon2Hasher(CHEAPEST_CHOSEN).identify(PasswordHash(known))
    assert Argon2Hasher(CHEAPEST_CHOSEN).identify(PasswordHash(known.removeprefix("$pc$flask-security")))


@pytest.mark.parametrize(
    ("scheme", "encoded", "field"),
    [
        ("flask", "$2b$12$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", "scheme"),
        ("wordpress", "$wp$2y$10$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", "scheme"),
        ("bcrypt-of-md5", "$2b$14$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", "encoded"),
        ("bcrypt-of-md5", "$P$5selftestxgtkzY30SsZw83J6Oy4UN0", "encoded"),
        ("flask-security", "a password", "encoded"),
        ("flask-security", "", "encoded"),
    ],
)
def test_a_hash_of_another_scheme_is_not_tagged(scheme: str, encoded: str, field: str) -> None:
    """R23: on import and not at the sign-in, and without the hash in the refusal."""
    with pytest.raises(InvalidValueError) as caught:
        tagged_hash(scheme, encoded)
    assert caught.value.field == field
    assert "Jzdm" not in str(caught.value)


def test_bytes_have_one_spelling() -> None:
    """R10: what is not in canonical form is not decoded, so that a hash cannot be stored in two ways."""
    assert from_hex("0aFf") is None
    assert from_hex("0aff") == from_hex("0AFF") == b"\x0a\xff"
    assert from_base64("YQ==") == b"a"
    assert [from_base64(text) for text in ("YR==", "YQ=", "YQ", "Y Q==", "\xe9A==", "YQ==\n", "YQ==YQ==")] == [None] * 7
    assert from_adapted_base64("..") is None
    assert from_adapted_base64(".w") == b"\xfb"
    assert from_adapted_base64("+w") is None
    assert from_adapted_base64("YQ==") is None
    assert from_ascii("\xe9") is None
