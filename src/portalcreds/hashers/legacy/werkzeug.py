"""Verify what Werkzeug's ``generate_password_hash`` wrote, which is what Flask portals have."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ._codecs import from_ascii, from_hex
from ._digests import iterations, pbkdf2, scrypt, scrypt_memory, scrypt_within_bounds
from ._scheme import Part, Scheme, reader
from ._table_verifier import TableVerifier

_SALT: Final = r"(?P<salt>[!-#%-~]{1,64})"
"""Any printable ASCII but the dollar. Werkzeug draws 8 or 16 letters and digits, or as many as it is told to."""

_SALT_PART: Final = Part(from_ascii, 1, 64)


def _pbkdf2(algorithm: str, digest_bytes: int, known: str) -> Scheme:
    return Scheme(
        name=f"werkzeug-pbkdf2-{algorithm}",
        read=reader(
            rf"pbkdf2:{algorithm}:(?P<iterations>[1-9][0-9]{{0,6}})\${_SALT}"
            rf"\$(?P<digest>[0-9a-f]{{{2 * digest_bytes}}})",
            salt=_SALT_PART,
            digest=Part(from_hex, digest_bytes, digest_bytes),
            cost=iterations(algorithm, digest_bytes).__contains__,
        ),
        compute=pbkdf2(algorithm),
        known=known,
        is_slow=True,
    )


_SCRYPT: Final = Scheme(
    name="werkzeug-scrypt",
    read=reader(
        rf"scrypt:(?P<n>[1-9][0-9]{{0,6}}):(?P<r>[1-9][0-9]{{0,2}}):(?P<p>[1-9][0-9]?)\${_SALT}"
        r"\$(?P<digest>[0-9a-f]{128})",
        salt=_SALT_PART,
        digest=Part(from_hex, 64, 64),
        cost=scrypt_within_bounds,
    ),
    compute=scrypt,
    known="scrypt:256:8:1$selftest$7096f0d08d06108a6a377b66674aeb620e7f5206a12fde071adf2e457733f4ce36d9f035cd3695b3938fb7a54c8ae1e2eb3cff9cfdc9cf7caa3a2ebc9c40f36d",
    is_slow=True,
    memory_bytes=scrypt_memory,
)


@attrs.frozen(kw_only=True)
class Werkzeug(TableVerifier):
    """
    Verify Werkzeug's ``scrypt`` and ``pbkdf2`` with SHA-1, SHA-256 or SHA-512, and the iterations written out.

    Attributes:
        encoding: How the system turned passwords into bytes; Werkzeug has always used UTF-8.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _SCRYPT,
        _pbkdf2("sha1", 20, "pbkdf2:sha1:1$selftest$84b95ede81cf8f4a4c50cd8d3cca9797de3bb561"),
        _pbkdf2(
            "sha256", 32, "pbkdf2:sha256:1$selftest$b64fbf7db554648570588297fff76cb22d33926bb2f1afe38832e2bcd968636e"
        ),
        _pbkdf2(
            "sha512",
            64,
            "pbkdf2:sha512:1$selftest$c537043412934271b7d9dc47348845dcc409738257e5707f87cf2770f777e2d1c2d1fbb7a0bc1a2e2e516877ed84b1d799d308f444047bcb9855edab807798d1",
        ),
    )
