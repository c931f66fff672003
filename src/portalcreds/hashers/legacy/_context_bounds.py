"""Read what a hash of passlib's asks for, before a context computes it: of itself a context bounds nothing (R10)."""

from __future__ import annotations

import sys
from typing import Any, Final

import attrs

from ._digests import MAX_ITERATIONS, MAX_STRETCHED_BYTES, scrypt_memory, scrypt_within_bounds
from ._scheme import Stored
from .phpass import MAX_EXPONENT
from .sha_crypt import MAX_ROUNDS

_MAX_BCRYPT_COST: Final = 13
"""As for `Bcrypt`, whose module cannot be imported without the extra."""

_CEILINGS: Final = {
    "bcrypt": _MAX_BCRYPT_COST,
    "bcrypt_sha256": _MAX_BCRYPT_COST,
    "django_bcrypt_sha256": _MAX_BCRYPT_COST,
    "django_pbkdf2_sha1": MAX_ITERATIONS["sha1"],
    "django_pbkdf2_sha256": MAX_ITERATIONS["sha256"],
    "pbkdf2_sha1": MAX_ITERATIONS["sha1"],
    "pbkdf2_sha256": MAX_ITERATIONS["sha256"],
    "pbkdf2_sha512": MAX_ITERATIONS["sha512"],
    "phpass": MAX_EXPONENT,
    "sha256_crypt": MAX_ROUNDS,
    "sha512_crypt": MAX_ROUNDS,
}
"""Rounds by passlib's name of the scheme, counted as passlib counts them: what the verifiers of our own let through."""

_REFUSED: Final = ("argon2", "cisco_type7", "ldap_plaintext", "plaintext")
"""
Of Argon2 a context bounds neither memory nor passes; what is within bounds needs no legacy verifier. The others hide no
password: whoever reads the stored form can read it, too.
"""

_PASSWORD_IN_EACH_ROUND: Final = ("phpass", "sha256_crypt", "sha512_crypt")
"""Schemes whose work grows with the password as well."""


@attrs.frozen(kw_only=True)
class Demand:
    """
    What verifying a hash takes.

    Attributes:
        memory_bytes: Memory; 0 for what is not worth counting.
        longest: How many bytes the password may have.
    """

    memory_bytes: int = 0
    longest: int = sys.maxsize


def demand_of(context: Any, encoded: str) -> Demand | None:
    """
    Return what a hash takes, or None if the context does not know it or it asks for too much.

    It may ask for what the context would write itself, or for what our verifier of the same scheme lets through,
    whichever is more.

    Raises:
        Exception: Whatever the context's handlers raise for a malformed hash.
    """
    scheme = context.identify(encoded)
    if not scheme:
        return None
    handler = context.handler(scheme)
    # A handler that puts a prefix before another's hashes, such as LDAP's {CRYPT}.
    while hasattr(handler, "wrapped"):
        encoded = (handler.orig_prefix or "") + encoded.removeprefix(handler.prefix)
        handler = handler.wrapped
    if handler.name in _REFUSED:
        return None
    if "rounds" not in handler.setting_kwds:
        return Demand()
    stored = handler.from_string(encoded)
    if handler.name == "scrypt":
        cost = (1 << stored.rounds, stored.block_size, stored.parallelism)
        asked = Stored(salt=b"", digest=b"", cost=cost)
        return Demand(memory_bytes=scrypt_memory(asked)) if scrypt_within_bounds(*cost) else None
    if stored.rounds > max(_CEILINGS.get(handler.name, 0), handler.default_rounds or 0):
        return None
    if handler.name in _PASSWORD_IN_EACH_ROUND:
        rounds = 1 << stored.rounds if handler.rounds_cost == "log2" else stored.rounds
        return Demand(longest=MAX_STRETCHED_BYTES // rounds)
    return Demand()
