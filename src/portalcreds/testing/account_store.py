"""Find out whether a store of accounts can be relied on: inherit from one class and say how your store is made."""

from __future__ import annotations

from ._store_applying import ApplyingRules
from ._store_finding import FindingRules
from ._store_keeping import KeepingRules
from ._store_recording import RecordingRules
from ._store_searching import SearchingRules


class AccountStoreContract(FindingRules, ApplyingRules, KeepingRules, RecordingRules, SearchingRules):
    """
    The rules that every `AccountStore` must keep, as tests for pytest.

    Inherit from it under a name that begins with ``Test`` (pytest passes over any other without a word), and override
    the fixture ``store`` so that it gives a fresh and empty store for each test::

        class TestMyStore(AccountStoreContract):
            @pytest.fixture
            def store(self, tmp_path):
                with MyStore.open(tmp_path / "accounts") as store:
                    yield store

            def recorded_events(self, store):
                return store.read_audit_back()

    `recorded_events` returns all `AuditEvent` that the store has on record, oldest first; without it, the store's own
    ``events()`` is called. The tests use plain ``assert``: to see what differed, call
    ``pytest.register_assert_rewrite("portalcreds.testing")`` in your ``conftest.py`` before anything imports it; a copy
    of this folder goes by its own name.

    The races are between threads that share one store, so they do not show what happens between processes; and no rule
    takes the store's server away. ``docs/how-to/write-a-store.md`` shows how to try both.
    """
