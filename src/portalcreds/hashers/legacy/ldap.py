"""Verify the salted hashes of LDAP directories."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ._codecs import from_base64
from ._digests import salt_after
from ._scheme import Scheme, Stored
from ._table_verifier import TableVerifier

MIN_SALT: Final = 4
"""Bytes. OpenLDAP's older releases and Netscape's draft write four; without any it would be another scheme."""

MAX_SALT: Final = 32
"""Bytes. 389 Directory Server writes 8, OpenLDAP 8, passlib up to 16."""


def _scheme(tag: str, algorithm: str, digest_bytes: int, known: str) -> Scheme:
    def read(encoded: str) -> Stored | None:
        content = from_base64(encoded.removeprefix(tag)) if encoded.startswith(tag) else None
        if content is None or not MIN_SALT <= len(content) - digest_bytes <= MAX_SALT:
            return None
        return Stored(salt=content[digest_bytes:], digest=content[:digest_bytes])

    name = "ldap-" + tag.strip("{}").lower()
    return Scheme(name=name, read=read, compute=salt_after(algorithm), known=tag + known)


@attrs.frozen(kw_only=True)
class LdapSalted(TableVerifier):
    """
    Verify ``{SSHA}``, ``{SSHA256}`` and ``{SSHA512}``. Fast: import them through `Wrapping`.

    Attributes:
        encoding: How the system turned passwords into bytes.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _scheme("{SSHA}", "sha1", 20, "qlqIIK5v3B2ltLXPPB7roDXvG19zZWxmdGVzdA=="),
        _scheme("{SSHA256}", "sha256", 32, "fnG6fkGC9LtZR6Vika6vxjbR7mYA970tg+0uMAHwgDJzZWxmdGVzdA=="),
        _scheme(
            "{SSHA512}",
            "sha512",
            64,
            "KacwYTbHW1nGPUrnCJK3Q545fL7J2JgzlC+t8mdfzracyw3DPH0LNoodrczv1fN7G6MPXkjBk/Awo5jpDXTdlnNlbGZ0ZXN0",
        ),
    )
