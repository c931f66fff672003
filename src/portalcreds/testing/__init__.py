"""Try a store, sink, counter or hasher of your own against the rules that ours keep, and test an application on it."""

from __future__ import annotations

from .account_store import AccountStoreContract
from .attempt_counter import AttemptCounterContract, ManualClock
from .audit_sink import AuditSinkContract
from .hasher_contracts import LegacyVerifierContract, PasswordHasherContract
from .hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher

__all__ = [
    "CHEAPEST_CHOSEN",
    "CHEAPEST_ISSUED",
    "AccountStoreContract",
    "AttemptCounterContract",
    "AuditSinkContract",
    "CountingHasher",
    "LegacyVerifierContract",
    "ManualClock",
    "PasswordHasherContract",
]
