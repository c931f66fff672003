"""Verify phpass and what Drupal made of it: WordPress before 6.8, phpBB 3, Drupal 7 to 10."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ._codecs import crypt64_value, from_ascii, to_crypt64
from ._digests import longest_stretched, plain_digest
from ._scheme import Compute, Part, Scheme, Stored, reader
from ._table_verifier import TableVerifier

MAX_EXPONENT: Final = 19
"""
The power of two of the rounds. phpass takes up to 30, which would be a quarter of an hour; WordPress writes 13, phpBB
11, passlib 19. 0.4 s at the ceiling; how long the password may then be is bounded too.
"""

MAX_DRUPAL_EXPONENT: Final = 18
"""The same for Drupal, which writes 15 and 16."""

_LEAST_EXPONENT: Final = 7
"""phpass's and Drupal's least."""

_SALT_CHARACTERS: Final = 8


def _scheme(
    name: str, tag: str, algorithm: str, characters: int, known: str, *, most: int, md5_first: bool = False
) -> Scheme:
    grammar = reader(
        rf"{tag}(?P<salt>[./0-9A-Za-z]{{{_SALT_CHARACTERS + 1}}})(?P<digest>[./0-9A-Za-z]{{{characters}}})",
        salt=Part(from_ascii, _SALT_CHARACTERS + 1, _SALT_CHARACTERS + 1),
        digest=Part(from_ascii, characters, characters),
    )

    def read(encoded: str) -> Stored | None:
        found = grammar(encoded)
        if found is None:
            return None
        exponent = crypt64_value(chr(found.salt[0]))
        if not _LEAST_EXPONENT <= exponent <= most:
            return None
        return Stored(salt=found.salt[1:], digest=found.digest, cost=(1 << exponent,))

    return Scheme(
        name=name,
        read=read,
        compute=_stretched(algorithm, characters, md5_first=md5_first),
        known=known,
        is_slow=True,
        longest=longest_stretched,
    )


def _stretched(algorithm: str, characters: int, *, md5_first: bool) -> Compute:
    def compute(content: bytes, stored: Stored) -> bytes:
        if md5_first:
            content = plain_digest("md5", content).hex().encode("ascii")
        digest = plain_digest(algorithm, stored.salt + content)
        for _ in range(stored.cost[0]):
            digest = plain_digest(algorithm, digest + content)
        # Drupal cuts its hashes to 55 characters.
        return to_crypt64(digest)[:characters].encode("ascii")

    return compute


@attrs.frozen(kw_only=True)
class Phpass(TableVerifier):
    """
    Verify phpass's portable hashes: ``$P$``, and ``$H$`` as phpBB has it.

    Attributes:
        encoding: How the system turned passwords into bytes.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _scheme("phpass", r"\$[PH]\$", "md5", 22, "$P$5selftestxgtkzY30SsZw83J6Oy4UN0", most=MAX_EXPONENT),
    )


@attrs.frozen(kw_only=True)
class Drupal(TableVerifier):
    """
    Verify Drupal's ``$S$``, and ``U$S$`` of accounts that came from Drupal 6 and never signed in since.

    Attributes:
        encoding: How the system turned passwords into bytes.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _scheme(
            "drupal",
            r"\$S\$",
            "sha512",
            43,
            "$S$5selftestguFzxyBldyx/vqlgr4AwI4.1AnsB0xQDMuSYXkjjBLb",
            most=MAX_DRUPAL_EXPONENT,
        ),
        _scheme(
            "drupal-6",
            r"U\$S\$",
            "sha512",
            43,
            "U$S$5selftest.XCaEVs2.ZiMDxRK6LKf2nlEFnphTvSxUPgJt.LvnRw",
            most=MAX_DRUPAL_EXPONENT,
            md5_first=True,
        ),
    )
