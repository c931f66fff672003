"""
Give hashes that do not say all of what they are a stored form that does.

Other systems keep the digest and the salt in columns of their own, and what they are of in a setting. The stored form
is ``$pc$``, the name of the scheme, and the salt and the digest, or the whole hash as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..._arguments import text_in
from ...accounts import PasswordHash
from ...exceptions import InvalidValueError
from .._codecs import from_base64, from_hex, to_unpadded_base64
from ._digests import DIGEST_BYTES
from ._scheme import TAG
from ._table import ARGON2ID, BARE_ALGORITHMS, SYSTEMS

_MEMBERSHIP_ALGORITHMS: Final = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
"""The digests by .NET's name; each also with HMAC before it, for a hash that is keyed with its salt."""

_HASHED: Final = 1
"""``PasswordFormat`` of Membership for hashed; 0 is plain text and 2 encrypted with the site's machine key."""

_MEMBERSHIP_SALT: Final = range(16, 65)
"""Bytes of a salt of Membership, which always writes 16."""

_MAX_SALT: Final = 64
"""Bytes of a salt from a column of its own. The longest in use is a GUID in text: 36."""

_DIGESTS: Final = {
    algorithm + suffix: algorithm for algorithm in BARE_ALGORITHMS for suffix in ("", "-salt-before", "-salt-after")
} | {"symfony": "sha512"}
"""The algorithm of each scheme whose digest and salt are in columns of their own."""

_TAGGED_WHOLE: Final = ("flask-security", "bcrypt-of-md5", "bcrypt-of-sha1", "bcrypt-of-sha256")
"""Schemes whose hashes look like those of another."""

_KEYCLOAK: Final = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}


def digest_hash(scheme: str, digest: str, *, salt: str | bytes = b"") -> PasswordHash:
    """
    Return the stored form of a bare digest.

    Args:
        scheme: What it is: ``md5``, ``sha1``, ``sha256`` or ``sha512`` without a salt, the same with ``-salt-before``
            or ``-salt-after`` for where the salt went, or ``symfony`` for Symfony's 5,000 rounds of SHA-512. A salt of
            the whole site, such as Moodle's, is none of these: it is a pepper of the verifier's.
        digest: The digest in hexadecimal or in base64, as in the column.
        salt: The salt as in its column, or the bytes that were hashed. A str is taken as UTF-8.

    Raises:
        InvalidValueError: The scheme is none of those, the digest has another length, or the salt is missing, out of
            place or too long.
    """
    hint = "pass one of " + ", ".join(_DIGESTS)
    if text_in("scheme", scheme, hint) not in _DIGESTS:
        raise InvalidValueError("scheme", hint)
    size = DIGEST_BYTES[_DIGESTS[scheme]]
    text_in("digest", digest, "pass the digest as text, as in the column")
    content = from_hex(digest) if len(digest) == 2 * size else from_base64(digest)
    if content is None or len(content) != size:
        raise InvalidValueError("digest", f"pass the {2 * size} hexadecimal digits of the column, in one case")
    if not isinstance(salt, (str, bytes)):
        raise InvalidValueError("salt", "pass the salt as text or as bytes")
    salt_bytes = salt.encode("utf-8", "replace") if isinstance(salt, str) else salt
    if (scheme in BARE_ALGORITHMS) == bool(salt_bytes) or len(salt_bytes) > _MAX_SALT:
        raise InvalidValueError("salt", "pass 1 to 64 bytes with symfony or a -salt- in the name, else none")
    return _tagged(scheme, to_unpadded_base64(salt_bytes), to_unpadded_base64(content))


def membership_hash(*, password: str, salt: str, algorithm: str, password_format: int = _HASHED) -> PasswordHash:
    """
    Return the stored form of a row of ``aspnet_Membership``.

    Args:
        password: The column ``Password``.
        salt: The column ``PasswordSalt``.
        algorithm: ``hashAlgorithmType`` in the site's ``web.config``: ``SHA1``, ``SHA256``, ``SHA512``, ``HMACSHA1``,
            ``HMACSHA256`` or ``HMACSHA512``. Where it is not set, it is ``SHA1`` before .NET 4.0, and what the
            machine's configuration says since: mostly ``HMACSHA256``. The length of a digest does not tell.
        password_format: The column ``PasswordFormat``.

    Raises:
        InvalidValueError: The algorithm is none of those, the password is not hashed, or a column is not as Membership
            writes it.
    """
    # Not compared with bytes, which python -bb forbids; a number of another package's will do.
    number: object = password_format
    if isinstance(number, bytes) or number != _HASHED:
        raise InvalidValueError("password_format", "import hashed rows (1) only; issue the others a default password")
    columns = {"password": password, "salt": salt, "algorithm": algorithm}
    for name, value in columns.items():
        text_in(name, value, "pass the column's text")
    digest_name = _MEMBERSHIP_ALGORITHMS.get(algorithm.removeprefix("HMAC"))
    if digest_name is None:
        names = ", ".join((*_MEMBERSHIP_ALGORITHMS, *(f"HMAC{name}" for name in _MEMBERSHIP_ALGORITHMS)))
        raise InvalidValueError("algorithm", f"pass hashAlgorithmType of web.config, one of {names}")
    digest, salt_bytes = from_base64(password), from_base64(salt)
    if digest is None or len(digest) != DIGEST_BYTES[digest_name]:
        raise InvalidValueError("password", f"pass the base64 of a digest of {algorithm}, as in the column")
    if salt_bytes is None or len(salt_bytes) not in _MEMBERSHIP_SALT:
        raise InvalidValueError("salt", "pass the base64 of 16 to 64 bytes, as in the column")
    return _tagged(f"membership-{algorithm.lower()}", to_unpadded_base64(salt_bytes), to_unpadded_base64(digest))


def keycloak_hash(credential: Mapping[str, Any], /) -> PasswordHash:
    """
    Return the stored form of a credential of Keycloak's export.

    Argon2id becomes a hash like the portal's own, which needs no verifier.

    Args:
        credential: One of a user's ``credentials`` whose ``type`` is ``password``, with ``credentialData`` and
            ``secretData`` as they are: texts that hold JSON.

    Raises:
        InvalidValueError: A part is missing or not as Keycloak writes it, the algorithm is not one of Keycloak's own,
            or the hash asks for more than the ceiling.
    """
    from json import loads

    encoded = None
    try:
        data, secret = loads(credential["credentialData"]), loads(credential["secretData"])
        name, count = data["algorithm"], data["hashIterations"]
        salt, value = from_base64(secret["salt"]), from_base64(secret["value"])
        if salt is not None and value is not None and isinstance(count, int):
            parts = (to_unpadded_base64(salt), to_unpadded_base64(value))
            if name == "argon2":
                asked = {key: values[0] for key, values in data["additionalParameters"].items()}
                if asked["version"] == "1.3":
                    cost = f"m={asked['memory']},t={count},p={asked['parallelism']}"
                    encoded = "$".join(("", f"argon2{asked['type']}", "v=19", cost, *parts))
            else:
                encoded = _tagged(f"keycloak-{_KEYCLOAK[name]}-{len(value)}", str(count), *parts).encoded
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):
        # Not raised from it: the error would hold what it could not read.
        encoded = None
    if encoded is None or not any(scheme.read(encoded) for scheme in (ARGON2ID, *SYSTEMS["keycloak"].schemes)):
        raise InvalidValueError("credential", "pass a password credential of Keycloak's export, PBKDF2 or Argon2id")
    return PasswordHash(encoded)


def tagged_hash(scheme: str, encoded: str) -> PasswordHash:
    """
    Return the stored form of a hash that looks like one of another scheme.

    Args:
        scheme: ``flask-security`` for a hash under ``SECURITY_PASSWORD_SALT``; ``bcrypt-of-md5``, ``bcrypt-of-sha1`` or
            ``bcrypt-of-sha256`` for bcrypt of a password's hexadecimal digest.
        encoded: The hash as in the column.

    Raises:
        InvalidValueError: The scheme is none of those, or the hash is not one of its hashes, or asks for more than the
            ceiling.
    """
    hint = "pass one of " + ", ".join(_TAGGED_WHOLE)
    if text_in("scheme", scheme, hint) not in _TAGGED_WHOLE:
        raise InvalidValueError("scheme", hint)
    tagged = f"{TAG}{scheme}{text_in('encoded', encoded, 'pass the hash as text, as in the column')}"
    if not any(row.read(tagged) for row in SYSTEMS[scheme].schemes):
        raise InvalidValueError("encoded", f"pass a hash of {scheme}, as in the column")
    return PasswordHash(tagged)


def _tagged(scheme: str, *parts: str) -> PasswordHash:
    return PasswordHash("$".join((TAG + scheme, *parts)))
