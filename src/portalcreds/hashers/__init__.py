"""Hash passwords at two costs, in a bounded pool, and verify what other systems wrote."""

from __future__ import annotations

from ..exceptions import HashingUnavailableError
from .argon2 import CHOSEN, ISSUED, Argon2Hasher, Argon2Parameters
from .key_ring import KeyRing
from .pool import HashingPool
from .upgrading import UpgradingHasher

__all__ = [
    "CHOSEN",
    "ISSUED",
    "Argon2Hasher",
    "Argon2Parameters",
    "HashingPool",
    "HashingUnavailableError",
    "KeyRing",
    "UpgradingHasher",
]
