"""Make stored hashes of the columns of systems whose hashes do not name themselves."""

from __future__ import annotations

from typing import Final

from ...accounts import PasswordHash
from ...exceptions import InvalidValueError
from ._codecs import from_base64, from_hex
from ._tagged import MAX_SALT, tagged
from .aspnet import MIN_SALT
from .bare_digests import DIGEST_BYTES

_HASHED: Final = 1
"""``PasswordFormat`` of Membership for hashed; 0 is plain text and 2 encrypted with the site's machine key."""

_MEMBERSHIP: Final = {20: "membership-sha1", 32: "membership-sha256"}
"""The schemes by the length of the digest, in bytes."""

_SALTED: Final = ("-salt-before", "-salt-after")


def digest_hash(scheme: str, digest: str, *, salt: str | bytes = b"") -> PasswordHash:
    """
    Return the stored form of a bare digest.

    Args:
        scheme: What it is: ``md5``, ``sha1`` or ``sha256`` without a salt, the same with ``-salt-before`` or
            ``-salt-after`` for where the salt went, or ``moodle-md5``, whose salt is the verifier's.
        digest: The digest in hexadecimal, as in the column.
        salt: The salt as in its column, or the bytes that were hashed. A str is taken as UTF-8.

    Raises:
        InvalidValueError: The scheme is none of those, the digest is not of its length, or the salt is missing, out of
            place or too long.
    """
    algorithm = "md5" if scheme == "moodle-md5" else scheme
    for suffix in _SALTED:
        algorithm = algorithm.removesuffix(suffix)
    if algorithm not in DIGEST_BYTES or scheme.endswith(tuple(a + b for a in _SALTED for b in _SALTED)):
        raise InvalidValueError("scheme", "pass md5, sha1 or sha256, with -salt-before or -salt-after, or moodle-md5")
    content = from_hex(digest)
    if content is None or len(content) != DIGEST_BYTES[algorithm]:
        raise InvalidValueError(
            "digest", f"pass the {2 * DIGEST_BYTES[algorithm]} hexadecimal digits of the column, in one case"
        )
    salt_bytes = salt.encode("utf-8", "replace") if isinstance(salt, str) else salt
    if scheme.endswith(_SALTED) != bool(salt_bytes) or len(salt_bytes) > MAX_SALT:
        raise InvalidValueError("salt", "pass 1 to 64 bytes with a scheme that has -salt- in its name, else none")
    return tagged(scheme, salt=salt_bytes, digest=content)


def membership_hash(*, password: str, salt: str, password_format: int = _HASHED) -> PasswordHash:
    """
    Return the stored form of a row of ``aspnet_Membership``.

    Args:
        password: The column ``Password``.
        salt: The column ``PasswordSalt``.
        password_format: The column ``PasswordFormat``.

    Raises:
        InvalidValueError: The password is not hashed, or a column is not as Membership writes it.
    """
    if password_format != _HASHED:
        raise InvalidValueError("password_format", "import hashed rows (1) only; issue the others a default password")
    digest, salt_bytes = from_base64(password), from_base64(salt)
    if digest is None or len(digest) not in _MEMBERSHIP:
        raise InvalidValueError("password", "pass the base64 of a SHA-1 or SHA-256 digest, as in the column")
    if salt_bytes is None or not MIN_SALT <= len(salt_bytes) <= MAX_SALT:
        raise InvalidValueError("salt", "pass the base64 of 16 to 64 bytes, as in the column")
    return tagged(_MEMBERSHIP[len(digest)], salt=salt_bytes, digest=digest)
