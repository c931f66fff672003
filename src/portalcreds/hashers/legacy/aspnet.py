"""Verify ASP.NET's two generations of accounts: Membership, and Identity since 2013."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ...exceptions import ConfigurationError
from ._codecs import from_base64
from ._digests import iterations, pbkdf2, salt_before
from ._scheme import Scheme, Stored
from ._table_verifier import TableVerifier
from ._tagged import tagged_reader

MIN_SALT: Final = 16
"""Bytes of an Identity salt and subkey; Microsoft's own verifier refuses less, for what PBKDF2 writes can be cut."""

MAX_SALT: Final = 64
"""Bytes of an Identity salt and subkey."""

_V2: Final = b"\x00"
_V2_BYTES: Final = 49
_V2_ITERATIONS: Final = 1000
_V3: Final = b"\x01"
_PSEUDO_RANDOM_FUNCTIONS: Final = ("sha1", "sha256", "sha512")
_V3_HEADER: Final = 13


def _read_v2(encoded: str) -> Stored | None:
    content = from_base64(encoded)
    if content is None or len(content) != _V2_BYTES or not content.startswith(_V2):
        return None
    return Stored(salt=content[1 : 1 + MIN_SALT], digest=content[1 + MIN_SALT :], cost=(_V2_ITERATIONS,))


def _v3(prf: int, known: str) -> Scheme:
    algorithm = _PSEUDO_RANDOM_FUNCTIONS[prf]

    def read(encoded: str) -> Stored | None:
        content = from_base64(encoded)
        if content is None or len(content) < _V3_HEADER or not content.startswith(_V3):
            return None
        found_prf, count, salt_bytes = (int.from_bytes(content[at : at + 4], "big") for at in (1, 5, 9))
        digest_bytes = len(content) - _V3_HEADER - salt_bytes
        if found_prf != prf or not (MIN_SALT <= salt_bytes <= MAX_SALT and MIN_SALT <= digest_bytes <= MAX_SALT):
            return None
        if count not in iterations(algorithm, digest_bytes):
            return None
        end = _V3_HEADER + salt_bytes
        return Stored(salt=content[_V3_HEADER:end], digest=content[end:], cost=(count,))

    return Scheme(name=f"identity-v3-{algorithm}", read=read, compute=pbkdf2(algorithm), known=known, is_slow=True)


@attrs.frozen(kw_only=True)
class AspNetIdentity(TableVerifier):
    """
    Verify ASP.NET Identity's payloads, version 2 and 3, as they are in ``AspNetUsers.PasswordHash``.

    Attributes:
        encoding: How the system turned passwords into bytes; Identity uses UTF-8.
        subkey_bytes: Length of the subkeys of version 3. ``PasswordHasher`` writes 32 whatever its options say. The
            length is fixed, because a payload that was cut is valid too, and matched by the same password.

    Raises:
        ConfigurationError: The encoding is not one of those known, the length is out of bounds, or a backend fails its
            self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        Scheme(
            name="identity-v2",
            read=_read_v2,
            compute=pbkdf2("sha1"),
            known="AHNlbGYtdGVzdC1zYWx0MTbUg3z15oizj9k3MH8xWj/sMZ2rXvqBak2cxJ/pGMII0A==",
            is_slow=True,
        ),
        _v3(0, "AQAAAAAAAAABAAAAEHNlbGYtdGVzdC1zYWx0MTZGv/AMAMRBusaRPaCkMlKv5iCzTLTW0ZbJwxBlfE6HRQ=="),
        _v3(1, "AQAAAAEAAAABAAAAEHNlbGYtdGVzdC1zYWx0MTbLY72plruIrpmV9D4DsYBAIwUFDGAXx50e89wjTkvGVw=="),
        _v3(2, "AQAAAAIAAAABAAAAEHNlbGYtdGVzdC1zYWx0MTYIDMDx7ubS7Y4DWcWlQPgEJ+Cb+qfNGu7JyZEDyO65iA=="),
    )
    subkey_bytes: int = 32

    def __attrs_post_init__(self) -> None:
        if not MIN_SALT <= self.subkey_bytes <= MAX_SALT:
            raise ConfigurationError("subkey_bytes", "pass 16 to 64; ASP.NET Core writes 32")
        TableVerifier.__attrs_post_init__(self)

    @property
    def claims(self) -> tuple[str, ...]:
        """Names of what it takes; two with subkeys of different lengths stand in nobody's way."""
        return (f"identity-{self.subkey_bytes}",)

    def is_allowed(self, scheme: Scheme, stored: Stored, /) -> bool:
        """Return whether the subkey is as long as it was when it was written."""
        return scheme.name == "identity-v2" or len(stored.digest) == self.subkey_bytes


@attrs.frozen(kw_only=True)
class AspNetMembership(TableVerifier):
    """
    Verify ASP.NET Membership's SHA-1 and SHA-256 hashes, in the form that `membership_hash` makes of the columns.

    Fast: import them through `Wrapping`. A keyed hash (``HMACSHA256``, a ``machineKey`` of one's own) is refused
    nowhere and matches no password.

    Attributes:
        encoding: How the system turned passwords into bytes; Membership uses UTF-16.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        Scheme(
            name="membership-sha1",
            read=tagged_reader("membership-sha1", digest_bytes=20, least_salt=MIN_SALT),
            compute=salt_before("sha1"),
            known="$pc$membership-sha1$c2VsZi10ZXN0LXNhbHQxNg$QLYaNsgH/+EdYjrhiieTQYkByVo",
        ),
        Scheme(
            name="membership-sha256",
            read=tagged_reader("membership-sha256", digest_bytes=32, least_salt=MIN_SALT),
            compute=salt_before("sha256"),
            known="$pc$membership-sha256$c2VsZi10ZXN0LXNhbHQxNg$3EbhxTyew/+PZcII3fiwp/N6oPN//yPq+4Am1ca4CWc",
        ),
    )
    encoding: str = "utf-16-le"
