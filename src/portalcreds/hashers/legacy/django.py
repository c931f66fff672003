"""Verify what Django's password hashers wrote."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from .._phc import MAX_BYTES, MIN_BYTES
from ._codecs import from_ascii, from_base64, from_hex, from_unpadded_base64
from ._digests import (
    argon2_memory,
    argon2_within_bounds,
    argon2id,
    iterations,
    pbkdf2,
    salt_before,
    scrypt,
    scrypt_memory,
    scrypt_within_bounds,
)
from ._scheme import Part, Scheme, reader
from ._table_verifier import TableVerifier

_SALT: Final = r"(?P<salt>[!-#%-~]{1,64})"
"""Any printable ASCII but the dollar. Django has written 5, 12 and 22 letters and digits; its settings allow more."""

_SALT_PART: Final = Part(from_ascii, 1, 64)


def _pbkdf2(tag: str, algorithm: str, digest_bytes: int, known: str) -> Scheme:
    return Scheme(
        name=f"django-{tag}",
        read=reader(
            rf"{tag}\$(?P<iterations>[1-9][0-9]{{0,6}})\${_SALT}\$(?P<digest>[A-Za-z0-9+/]{{26,43}}=)",
            salt=_SALT_PART,
            digest=Part(from_base64, digest_bytes, digest_bytes),
            cost=iterations(algorithm, digest_bytes).__contains__,
        ),
        compute=pbkdf2(algorithm),
        known=known,
        is_slow=True,
    )


def _salted(tag: str, digest_bytes: int, known: str) -> Scheme:
    return Scheme(
        name=f"django-{tag}",
        read=reader(
            rf"{tag}\${_SALT}\$(?P<digest>[0-9a-f]{{{2 * digest_bytes}}})",
            salt=_SALT_PART,
            digest=Part(from_hex, digest_bytes, digest_bytes),
        ),
        compute=salt_before(tag),
        known=known,
    )


_SCRYPT: Final = Scheme(
    name="django-scrypt",
    read=reader(
        rf"scrypt\$(?P<n>[1-9][0-9]{{0,6}})\${_SALT}\$(?P<r>[1-9][0-9]{{0,2}})\$(?P<p>[1-9][0-9]?)"
        r"\$(?P<digest>[A-Za-z0-9+/]{86}==)",
        salt=_SALT_PART,
        digest=Part(from_base64, 64, 64),
        cost=scrypt_within_bounds,
    ),
    compute=scrypt,
    known="scrypt$2$self-test$8$1"
    "$ilYZP6awAyj7Y54NIcPxmK7VOiqidawn6RdCIfwsdwMx3iLJsITn1vCJ8xIO0u+1u/YsvTIo+WziRKCixCC0Sg==",
    is_slow=True,
    memory_bytes=scrypt_memory,
)

_ARGON2: Final = Scheme(
    name="django-argon2",
    read=reader(
        r"argon2\$argon2id\$v=19\$m=(?P<m>[1-9][0-9]{0,6}),t=(?P<t>[1-9][0-9]{0,2}),p=(?P<p>[1-9][0-9]{0,2})"
        r"\$(?P<salt>[A-Za-z0-9+/]{22,86})\$(?P<digest>[A-Za-z0-9+/]{22,86})",
        salt=Part(from_unpadded_base64, MIN_BYTES, MAX_BYTES),
        digest=Part(from_unpadded_base64, MIN_BYTES, MAX_BYTES),
        cost=argon2_within_bounds,
    ),
    compute=argon2id,
    known="argon2$argon2id$v=19$m=8,t=1,p=1$c2VsZi10ZXN0LW9mLWFyZ29u$N+dSz1WHl7rqnXFt3VJLFSYZa9EU49Qo8as4xYcKyGs",
    is_slow=True,
    memory_bytes=argon2_memory,
)


@attrs.frozen(kw_only=True)
class Django(TableVerifier):
    """
    Verify Django's ``pbkdf2_sha256``, ``pbkdf2_sha1``, ``scrypt``, ``argon2`` (Argon2id), ``md5`` and ``sha1``.

    The last two are fast: import them through `Wrapping`. ``bcrypt`` and ``bcrypt_sha256`` need an extra, and are
    verified by ``DjangoBcrypt``.

    Attributes:
        encoding: How the system turned passwords into bytes; Django has always used UTF-8.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _pbkdf2(
            "pbkdf2_sha256", "sha256", 32, "pbkdf2_sha256$1$self-test$BVVWDuw4071T5BwlcD3kfHRsxrxbLBkiihVUKOgEMac="
        ),
        _pbkdf2("pbkdf2_sha1", "sha1", 20, "pbkdf2_sha1$1$self-test$Lj7ffYacHPcJ2evP1PK2B9STw8Q="),
        _SCRYPT,
        _ARGON2,
        _salted("md5", 16, "md5$self-test$f79da6e1cf90df0c1780f93163d9a6fe"),
        _salted("sha1", 20, "sha1$self-test$08d1616231a85e0cc2bfc0bf3aa5f89dfcb6e56e"),
    )
