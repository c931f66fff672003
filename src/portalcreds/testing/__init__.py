"""Try a store, a counter or a hasher of your own against the rules that ours keep, and test an application on it."""

from __future__ import annotations

from .account_store import AccountStoreContract
from .attempt_counter import AttemptCounterContract, ManualClock

__all__ = ["AccountStoreContract", "AttemptCounterContract", "ManualClock"]
