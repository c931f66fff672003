"""Verify the PBKDF2 hashes of passlib and libpass, which Odoo and Frappe have, without either of the two."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ._codecs import from_adapted_base64
from ._digests import iterations, pbkdf2
from ._scheme import Part, Scheme, reader
from ._table_verifier import TableVerifier

MIN_SALT: Final = 8
"""Bytes. passlib draws 16; RFC 8018 §4.1 asks for 8 at least."""


def _pbkdf2(tag: str, algorithm: str, digest_bytes: int, known: str) -> Scheme:
    return Scheme(
        name=f"passlib-{tag}",
        read=reader(
            rf"\${tag}\$(?P<iterations>[1-9][0-9]{{0,6}})\$(?P<salt>[A-Za-z0-9./]{{1,86}})"
            r"\$(?P<digest>[A-Za-z0-9./]{27,86})",
            salt=Part(from_adapted_base64, MIN_SALT, 64),
            digest=Part(from_adapted_base64, digest_bytes, digest_bytes),
            cost=iterations(algorithm, digest_bytes).__contains__,
        ),
        compute=pbkdf2(algorithm),
        known=known,
        is_slow=True,
    )


@attrs.frozen(kw_only=True)
class PasslibPbkdf2(TableVerifier):
    """
    Verify ``$pbkdf2$``, ``$pbkdf2-sha256$`` and ``$pbkdf2-sha512$``.

    What else a passlib context knows is verified by `CryptContextVerifier`, with the host's own passlib.

    Attributes:
        encoding: How the system turned passwords into bytes; passlib uses UTF-8.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _pbkdf2("pbkdf2", "sha1", 20, "$pbkdf2$1$c2VsZi10ZXN0$Lj7ffYacHPcJ2evP1PK2B9STw8Q"),
        _pbkdf2(
            "pbkdf2-sha256", "sha256", 32, "$pbkdf2-sha256$1$c2VsZi10ZXN0$BVVWDuw4071T5BwlcD3kfHRsxrxbLBkiihVUKOgEMac"
        ),
        _pbkdf2(
            "pbkdf2-sha512",
            "sha512",
            64,
            "$pbkdf2-sha512$1$c2VsZi10ZXN0"
            "$LXTAmjCaSz1CB5h/GbjR7GfAv2vOJB.4cpY0PY2vYmc0BOPej/DdaUhl2AvwIRVLv7fkrVfhAMkUl1p256mhYw",
        ),
    )
