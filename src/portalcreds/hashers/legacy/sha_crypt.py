"""Verify sha-crypt, which Unix systems, mail servers and Moodle since 4.3 write."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import attrs

from ._codecs import from_ascii
from ._digests import longest_stretched
from ._scheme import Part, Scheme, Stored, reader
from ._sha_crypt import sha256_crypt, sha512_crypt
from ._table_verifier import TableVerifier

MAX_ROUNDS: Final = 656_000
"""
Rounds. crypt(3) takes up to 999,999,999, which would be ten minutes; what is written is 5,000 by default, 10,000 by
Moodle, and 535,000 and 656,000 by passlib. 0.4 s at the ceiling; how long the password may then be is bounded too.
"""

_DEFAULT_ROUNDS: Final = 5000
"""Rounds of a hash that does not say (Drepper, "Unix crypt using SHA-256 and SHA-512", 0.6)."""

_ROUNDS: Final = range(1000, MAX_ROUNDS + 1)
"""crypt(3) writes 1,000 where it is asked for fewer, so that no stored hash says less."""


# A salt is printable ASCII, without the dollar, the colon of passwd files, or the equals sign: "rounds=..." is no salt.
def _scheme(tag: str, crypt: Callable[[bytes, bytes, int], str], characters: int, known: str) -> Scheme:
    def compute(content: bytes, stored: Stored) -> bytes:
        return crypt(content, stored.salt, stored.cost[0]).encode("ascii")

    return Scheme(
        name=f"sha-crypt-{tag}",
        read=reader(
            rf"\${tag}\$(?:rounds=(?P<rounds>[1-9][0-9]{{3,5}})\$)?(?P<salt>[!-#%-9;<>-~]{{1,16}})"
            rf"\$(?P<digest>[./0-9A-Za-z]{{{characters}}})",
            salt=Part(from_ascii, 1, 16),
            digest=Part(from_ascii, characters, characters),
            cost=_ROUNDS.__contains__,
            default=(_DEFAULT_ROUNDS,),
        ),
        compute=compute,
        known=known,
        is_slow=True,
        longest=longest_stretched,
    )


@attrs.frozen(kw_only=True)
class ShaCrypt(TableVerifier):
    """
    Verify ``$5$`` and ``$6$``.

    A pepper that Moodle appends (``$CFG->passwordpeppers``) is not known here: wrap the verifier in one of your own.

    Attributes:
        encoding: How the system turned passwords into bytes.

    Raises:
        ConfigurationError: The encoding is not one of those known, or a backend fails its self-test.
    """

    schemes: ClassVar[tuple[Scheme, ...]] = (
        _scheme("5", sha256_crypt, 43, "$5$rounds=1000$selftest$.rsKWgEzgkCDTLfhbWOgq543mGQEm8ZXSIYE1ET3638"),
        _scheme(
            "6",
            sha512_crypt,
            86,
            "$6$rounds=1000$selftest"
            "$z6SpJYXWVaNde/Fx0gph7oCOYJFtOp4I4EvD8LSVX/NeZqToegKb27dqLKo2wMLf7RXAjzXH28HmrpB/svryn1",
        ),
    )
