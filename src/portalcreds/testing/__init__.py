"""Test your own store, sink, counter or hasher against the rules that ours keep, and test your application."""

from __future__ import annotations

from .account_store import AccountStoreContract
from .attempt_counter import AttemptCounterContract, ManualClock
from .audit_sink import AuditSinkContract
from .hasher_contracts import LegacyVerifierContract, PasswordHasherContract
from .hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher
from .job_store import JobStoreContract

__all__ = [
    "CHEAPEST_CHOSEN",
    "CHEAPEST_ISSUED",
    "AccountStoreContract",
    "AttemptCounterContract",
    "AuditSinkContract",
    "CountingHasher",
    "JobStoreContract",
    "LegacyVerifierContract",
    "ManualClock",
    "PasswordHasherContract",
]
