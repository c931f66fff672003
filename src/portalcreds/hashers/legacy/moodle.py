"""Verify what Moodle wrote before 2.5: MD5, with a salt that the whole site shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import attrs

from ...exceptions import ConfigurationError
from ...secret import Secret
from ._digests import password_bytes, salt_before
from ._scheme import Scheme
from ._table_verifier import TableVerifier
from ._tagged import tagged_reader

MAX_SITE_SALTS: Final = 21
"""Moodle knew one salt and up to twenty that the site had before."""


def _in_order(site_salts: Sequence[str]) -> tuple[str, ...]:
    return tuple(site_salts)


@attrs.frozen(kw_only=True)
class Moodle(TableVerifier):
    """
    Verify Moodle's MD5 digests, in the form that `digest_hash` makes of them under the scheme ``moodle-md5``.

    Like Moodle it tries each salt and none, and each with quotes and backslashes escaped and not; in a number of
    digests that goes by the password typed alone. Fast: import them through `Wrapping`. From 2.5 on Moodle wrote
    bcrypt, and sha-crypt from 4.3.

    Attributes:
        site_salts: ``$CFG->passwordsaltmain``, and ``passwordsaltalt1`` to ``20`` if the site had any. Masked in
            ``repr``.
        encoding: How the system turned passwords into bytes.

    Raises:
        ConfigurationError: There are too many salts, one is no ASCII, the encoding is not one of those known, or a
            backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        Scheme(
            name="moodle-md5",
            read=tagged_reader("moodle-md5", digest_bytes=16, most_salt=0),
            compute=salt_before("md5"),
            known="$pc$moodle-md5$$X03MO1qnZdYdgyfeuILPmQ",
        ),
    )
    site_salts: tuple[str, ...] = attrs.field(default=(), converter=_in_order, repr=False)

    def __attrs_post_init__(self) -> None:
        if len(self.site_salts) > MAX_SITE_SALTS or not all(salt.isascii() for salt in self.site_salts):
            raise ConfigurationError("site_salts", "pass at most 21 salts of ASCII characters, as in config.php")
        TableVerifier.__attrs_post_init__(self)

    def contents(self, password: Secret, /) -> tuple[bytes, ...]:
        """Return the bytes that Moodle may have hashed: of each spelling, with each salt and without. In plaintext."""
        content = password_bytes(password.reveal(), self.encoding)
        if content is None:
            return ()
        spellings = dict.fromkeys((content, _with_slashes(content)))
        salts = dict.fromkeys((*(salt.encode("ascii") for salt in self.site_salts), b""))
        return tuple(spelling + salt for spelling in spellings for salt in salts)


def _with_slashes(content: bytes) -> bytes:
    # PHP's addslashes(), which "magic quotes" applied to whatever came in.
    for character in (b"\\", b"'", b'"'):
        content = content.replace(character, b"\\" + character)
    return content
