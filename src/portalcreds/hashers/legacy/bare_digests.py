"""Verify bare digests, with a salt or without, under the scheme that the importer says they are of."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ._digests import salt_after, salt_before
from ._scheme import Compute, Scheme
from ._table_verifier import TableVerifier
from ._tagged import tagged_reader

DIGEST_BYTES: Final = {"md5": 16, "sha1": 20, "sha256": 32}
"""The algorithms, and how long their digests are."""

_KNOWN: Final = {
    "md5": ("X03MO1qnZdYdgyfeuILPmQ", "952m4c+Q3wwXgPkxY9mm/g", "YyKOCvqdMUC7EJaF+dvAvw"),
    "sha1": ("W6ph5Mm5Pz8GgiULbPgzG37mj9g", "CNFhYjGoXgzCv8C/OqX4nfy25W4", "b2ZBrPC1ERb8oh3tiBFEcWlAgu4"),
    "sha256": (
        "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg",
        "BOLD0vepPzkKiT2vNflD8CvEqqPfKHNOgWPWF1LBic4",
        "Grn+6XgT+CAnH6DeUthiWkgXV5NQ4+hoblL+QNAKQPk",
    ),
}


def _scheme(name: str, digest_bytes: int, *, salt: str, compute: Compute, known: str) -> Scheme:
    bounds = {"least_salt": 1} if salt else {"most_salt": 0}
    return Scheme(
        name=name,
        read=tagged_reader(name, digest_bytes=digest_bytes, **bounds),
        compute=compute,
        known=f"$pc${name}${salt}${known}",
    )


def _schemes(algorithm: str) -> tuple[Scheme, ...]:
    size = DIGEST_BYTES[algorithm]
    plain, before, after = _KNOWN[algorithm]
    salt = "c2VsZi10ZXN0"
    return (
        _scheme(algorithm, size, salt="", compute=salt_before(algorithm), known=plain),
        _scheme(f"{algorithm}-salt-before", size, salt=salt, compute=salt_before(algorithm), known=before),
        _scheme(f"{algorithm}-salt-after", size, salt=salt, compute=salt_after(algorithm), known=after),
    )


@attrs.frozen(kw_only=True)
class BareDigests(TableVerifier):
    """
    Verify bare MD5, SHA-1 and SHA-256 digests, in the form that `digest_hash` makes of the columns.

    Fast: import them through `Wrapping`.

    Attributes:
        encoding: How the system turned passwords into bytes.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (*_schemes("md5"), *_schemes("sha1"), *_schemes("sha256"))
