"""Hash passwords at two costs, in a bounded pool, and verify what other systems wrote."""

from __future__ import annotations

from .._lazy import found_in

TYPE_CHECKING = False

if TYPE_CHECKING:
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

_HOMES = {
    "..exceptions": ("HashingUnavailableError",),
    ".argon2": (
        "CHOSEN",
        "ISSUED",
        "Argon2Hasher",
        "Argon2Parameters",
    ),
    ".key_ring": ("KeyRing",),
    ".pool": ("HashingPool",),
    ".upgrading": ("UpgradingHasher",),
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = found_in(__name__, _HOMES)
