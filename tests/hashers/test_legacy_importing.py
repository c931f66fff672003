"""Columns become stored hashes that name their scheme, or are refused where the import can be mended."""

from __future__ import annotations

from base64 import b64encode

import pytest

from portalcreds.exceptions import InvalidValueError
from portalcreds.hashers.legacy import AspNetMembership, BareDigests, digest_hash, membership_hash
from portalcreds.hashers.legacy._codecs import from_adapted_base64, from_ascii, from_base64, from_hex
from portalcreds.secret import Secret

MD5 = "5f4dcc3b5aa765d61d8327deb882cf99"
SALT = b64encode(b"0123456789abcdef").decode()


def test_a_digest_names_its_scheme() -> None:
    """Nothing is sniffed later: the stored form has the scheme, the salt and the digest apart."""
    assert digest_hash("md5", MD5).encoded == "$pc$md5$$X03MO1qnZdYdgyfeuILPmQ"
    assert digest_hash("md5-salt-after", MD5, salt=b"\xff\0").encoded == "$pc$md5-salt-after$/wA$X03MO1qnZdYdgyfeuILPmQ"
    assert digest_hash("moodle-md5", MD5).encoded == "$pc$moodle-md5$$X03MO1qnZdYdgyfeuILPmQ"


def test_upper_case_hexadecimal_is_the_same_digest() -> None:
    """.NET and some databases write hexadecimal in upper case."""
    assert digest_hash("md5", MD5.upper()) == digest_hash("md5", MD5)
    assert BareDigests().verify(Secret("password"), digest_hash("md5", MD5.upper()))


@pytest.mark.parametrize(
    ("scheme", "digest", "salt", "field"),
    [
        ("md4", MD5, "", "scheme"),
        ("", MD5, "", "scheme"),
        ("md5-salt-before-salt-after", MD5, "x", "scheme"),
        ("moodle-md5-salt-after", MD5, "x", "scheme"),
        ("md5", MD5[:-1], "", "digest"),
        ("md5", MD5[:-2], "", "digest"),
        ("md5", "", "", "digest"),
        ("md5", MD5[:-1] + "F", "", "digest"),
        ("md5", "g" * 32, "", "digest"),
        ("md5", "\u0661" * 32, "", "digest"),
        ("sha1", MD5, "", "digest"),
        ("sha256", MD5, "", "digest"),
        ("md5", MD5, "x", "salt"),
        ("moodle-md5", MD5, "x", "salt"),
        ("md5-salt-before", MD5, "", "salt"),
        ("md5-salt-after", MD5, "x" * 65, "salt"),
    ],
)
def test_a_digest_out_of_form_is_refused(scheme: str, digest: str, salt: str, field: str) -> None:
    """R23: the refusal names the field and the mend, and quotes neither the digest nor the salt."""
    with pytest.raises(InvalidValueError) as caught:
        digest_hash(scheme, digest, salt=salt)
    assert caught.value.field == field
    assert MD5[:8] not in str(caught.value)


def test_a_membership_row_is_taken_whole() -> None:
    """Both columns are base64, and the digest's length says which algorithm it was."""
    encoded = membership_hash(
        password="uiP1YrZlVcHESbfsRt/wljwNeYU=", salt="fGJ2wn/5WlzqQoDeCA2kXA==", password_format=1
    )
    assert encoded.encoded.startswith("$pc$membership-sha1$")
    assert AspNetMembership().verify(Secret("sss"), encoded)
    sha256 = membership_hash(password=b64encode(bytes(32)).decode(), salt=SALT)
    assert sha256.encoded.startswith("$pc$membership-sha256$")


@pytest.mark.parametrize(
    ("password", "salt", "password_format", "field"),
    [
        ("password", SALT, 0, "password_format"),
        ("encrypted", SALT, 2, "password_format"),
        ("", SALT, 1, "password"),
        ("!", SALT, 1, "password"),
        (b64encode(bytes(16)).decode(), SALT, 1, "password"),
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
        membership_hash(password=password, salt=salt, password_format=password_format)
    assert caught.value.field == field


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
