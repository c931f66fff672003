"""Verify bcrypt, as PHP, Rails, Moodle 2.5 to 4.2 and Django wrote it; needs the extra ``bcrypt``."""

from __future__ import annotations

import hashlib
from typing import ClassVar, Final

import attrs

from ..exceptions import ConfigurationError, MissingDependencyError
from .legacy._codecs import from_ascii
from .legacy._scheme import Part, Scheme, Stored, reader
from .legacy._table_verifier import TableVerifier

try:
    import bcrypt
except ImportError:
    raise MissingDependencyError("bcrypt") from None

MAX_COST: Final = 13
"""
The power of two of the rounds. bcrypt takes up to 31, which would be a day; PHP and Rails write 10 and 12, Django 12,
Yii 13. Half a second of one core.
"""

MAX_BYTES: Final = 72
"""Bytes of a password that bcrypt has ever looked at; what follows them is not part of the password."""

# The last characters of the salt and of the digest hold two bits and four: other characters in their places would be
# second spellings of the same hash. $2x$ is not let in: it marks hashes of a sign-extension bug, which others match.
_GRAMMAR: Final = (
    r"\$2[aby]\$(?P<cost>[01][0-9])\$(?P<salt>[./A-Za-z0-9]{21}[.Oeu])(?P<digest>[./A-Za-z0-9]{30}[.CGKOSWaeimquy26])"
)


def _in_bounds(cost: int) -> bool:
    return 4 <= cost <= MAX_COST


def _bcrypt(content: bytes, stored: Stored) -> bytes:
    # Cut here: bcrypt 5 raises for more, at verifying too, and the systems that wrote the hash cut as well.
    setting = b"$2b$%02d$" % stored.cost[0] + stored.salt
    return bcrypt.hashpw(content[:MAX_BYTES], setting)[len(setting) :]


def _bcrypt_of_sha256(content: bytes, stored: Stored) -> bytes:
    return _bcrypt(hashlib.sha256(content).hexdigest().encode("ascii"), stored)


def _scheme(name: str, tag: str, known: str, *, sha256_first: bool = False) -> Scheme:
    return Scheme(
        name=name,
        read=reader(tag + _GRAMMAR, salt=Part(from_ascii, 22, 22), digest=Part(from_ascii, 31, 31), cost=_in_bounds),
        compute=_bcrypt_of_sha256 if sha256_first else _bcrypt,
        known=known,
        is_slow=True,
    )


@attrs.frozen(kw_only=True)
class Bcrypt(TableVerifier):
    """
    Verify ``$2a$``, ``$2b$`` and ``$2y$``.

    A password of more than 72 bytes matches by its first 72, as it did where the hash was written. So would another
    one with the same beginning, until the first sign-in has put the portal's own hash in place.

    Attributes:
        encoding: How the system turned passwords into bytes. Not ``utf-16-le``, whose NULs end a password.

    Raises:
        ConfigurationError: The encoding is not one of those known, or bcrypt fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _scheme("bcrypt", "", "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"),
    )

    def __attrs_post_init__(self) -> None:
        if self.encoding == "utf-16-le":
            raise ConfigurationError("encoding", "pass utf-8, latin-1 or cp1252: NULs would end the password")
        TableVerifier.__attrs_post_init__(self)


@attrs.frozen(kw_only=True)
class DjangoBcrypt(Bcrypt):
    """
    Verify Django's ``bcrypt`` and ``bcrypt_sha256``, of which only the first is cut after 72 bytes.

    Attributes:
        encoding: How the system turned passwords into bytes; Django has always used UTF-8.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _scheme("django-bcrypt", r"bcrypt\$", "bcrypt$$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"),
        _scheme(
            "django-bcrypt_sha256",
            r"bcrypt_sha256\$",
            "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuavYyybW8SwBYgHrVfEOHIljvgCGgHr2",
            sha256_first=True,
        ),
    )
