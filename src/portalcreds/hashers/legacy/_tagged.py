"""Write hashes that do not name their scheme in one form that does, and read them back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ...accounts import PasswordHash
from ._codecs import from_unpadded_base64, to_unpadded_base64
from ._scheme import Part, Stored, reader

TAG: Final = "$pc$"
"""What each of them begins with; the name of the scheme, the salt and the digest follow, with a dollar between."""

MAX_SALT: Final = 64
"""Bytes of a salt that came in a column of its own. The longest in the field is a GUID in text: 36."""

WRAPPED: Final = re.compile(r"\$pc\$wrapped-([a-z0-9-]{1,40})\$([A-Za-z0-9+/]{0,86})(\$.{1,400})", re.ASCII)
"""A digest under another hash: the scheme's name, its salt, and the whole of the other hash."""


def tagged(scheme: str, *, salt: bytes, digest: bytes) -> PasswordHash:
    """Return the stored form of a hash that does not name its scheme."""
    return PasswordHash(f"{TAG}{scheme}${to_unpadded_base64(salt)}${to_unpadded_base64(digest)}")


def tagged_reader(
    scheme: str, *, digest_bytes: int, least_salt: int = 0, most_salt: int = MAX_SALT
) -> Callable[[str], Stored | None]:
    """Return a `Scheme.read` for what `tagged` writes."""
    return reader(
        re.escape(f"{TAG}{scheme}$") + r"(?P<salt>[A-Za-z0-9+/]{0,86})\$(?P<digest>[A-Za-z0-9+/]{22,86})",
        salt=Part(from_unpadded_base64, least_salt, most_salt),
        digest=Part(from_unpadded_base64, digest_bytes, digest_bytes),
    )
