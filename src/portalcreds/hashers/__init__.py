"""Hash passwords at two costs, in a bounded pool, and verify what other systems wrote."""

from __future__ import annotations

from .._lazy import found_in, names_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from ..exceptions import HashingUnavailableError as HashingUnavailableError
    from .argon2 import CHOSEN as CHOSEN
    from .argon2 import ISSUED as ISSUED
    from .argon2 import Argon2Hasher as Argon2Hasher
    from .argon2 import Argon2Parameters as Argon2Parameters
    from .key_ring import KeyRing as KeyRing
    from .pool import HashingPool as HashingPool
    from .upgrading import UpgradingHasher as UpgradingHasher

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
    __all__ = names_in(_HOMES)
