"""Read what a hash of passlib's asks for, before a context computes it: a context itself bounds nothing (R10)."""

from __future__ import annotations

import sys
from typing import Any, Final, NamedTuple

from ._digests import BCRYPT_BYTES, scrypt_memory, scrypt_within_bounds
from ._scheme import Stored
from ._stretching import MAX_STRETCHED_BYTES
from ._table import SYSTEMS

_ROWS: Final = {row.name: row for system in SYSTEMS.values() for row in system.schemes}
"""Our own rows, whose ceilings hold for the same hashes here."""

REFUSED: Final = ("argon2", "cisco_type7", "ldap_plaintext", "plaintext")
"""
A context bounds neither memory nor passes of Argon2, and hashes within bounds need no legacy verifier. The others hide
no password: whoever reads the stored form can read it.
"""

_SIGNIFICANT: Final = {"bcrypt": BCRYPT_BYTES, "django_bcrypt": BCRYPT_BYTES}
"""Bytes of a password that the scheme looks at."""

_PASSWORD_IN_EACH_ROUND: Final = ("phpass", "sha256_crypt", "sha512_crypt")
"""Schemes whose work grows with the password as well."""


class Demand(NamedTuple):
    """
    What verifying a hash takes.

    Attributes:
        memory_bytes: Memory; 0 for what is not worth counting.
        longest: How many bytes the password may have.
        significant: How many bytes of it the scheme looks at, or None for all.
    """

    memory_bytes: int = 0
    longest: int = sys.maxsize
    significant: int | None = None


def unwrapped(handler: Any) -> Any:
    """Return what does the work: some handlers put a prefix before another's hashes, such as LDAP's {CRYPT}."""
    while hasattr(handler, "wrapped"):
        handler = handler.wrapped
    return handler


def demand_of(context: Any, encoded: str) -> Demand | None:
    """
    Return what a hash takes, or None if the context does not know it or it asks for too much.

    It may ask for what the context would write itself, or for what our verifier of the same scheme allows, whichever is
    more.

    Raises:
        Exception: Whatever the context's handlers raise for a malformed hash.
    """
    scheme = context.identify(encoded)
    if not scheme:
        return None
    handler = context.handler(scheme)
    while hasattr(handler, "wrapped"):
        encoded = (handler.orig_prefix or "") + encoded.removeprefix(handler.prefix)
        handler = handler.wrapped
    if handler.name in REFUSED:
        return None
    # Of every scheme that can, because a context knows hashes by their beginnings: what is malformed is found here, and
    # not when somebody signs in.
    stored: Any = handler.from_string(encoded) if hasattr(handler, "from_string") else None
    if getattr(stored, "checksum", "") is None:
        return None  # It was cut: what is left says how to hash, and has no digest.
    if "rounds" not in handler.setting_kwds:
        return Demand()
    if handler.name == "scrypt":
        cost = (1 << stored.rounds, stored.block_size, stored.parallelism)
        asked = Stored(salt=b"", digest=b"", cost=cost)
        return Demand(memory_bytes=scrypt_memory(asked)) if scrypt_within_bounds(*cost) else None
    is_ours = any(row.read(encoded) is not None for row in _ROWS.values())
    if not is_ours and stored.rounds > (handler.default_rounds or 0):
        return None
    if handler.name in _PASSWORD_IN_EACH_ROUND:
        rounds = 1 << stored.rounds if handler.rounds_cost == "log2" else stored.rounds
        return Demand(longest=MAX_STRETCHED_BYTES // rounds)
    return Demand(significant=_SIGNIFICANT.get(handler.name))
