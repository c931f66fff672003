"""Test your own account store: inherit from one class and make your store in a fixture."""

from __future__ import annotations

from ._store_applying import ApplyingRules
from ._store_counting import CountingRules
from ._store_failing import FailingRules
from ._store_finding import FindingRules
from ._store_keeping import KeepingRules
from ._store_racing import RacingRules
from ._store_recording import RecordingRules
from ._store_searching import SearchingRules
from ._store_sharing import SharingRules


class AccountStoreContract(
    RecordingRules,
    FindingRules,
    ApplyingRules,
    KeepingRules,
    SearchingRules,
    CountingRules,
    RacingRules,
    FailingRules,
    SharingRules,
):
    """
    The rules that every `AccountStore` must keep, as tests for pytest.

    Inherit from it in a class whose name begins with ``Test`` (pytest skips other names silently), and override the
    fixture ``store``. It must return a new, empty store for each test::

        class TestMyStore(AccountStoreContract):
            @pytest.fixture
            def store(self, tmp_path):
                with MyStore.open(tmp_path / "accounts") as store:
                    yield store

            def recorded_events(self, store):
                return store.read_audit_back()

    `recorded_events` returns all `AuditEvent` that the store has recorded, oldest first. Without it, the store's own
    ``events()`` is called. The tests use plain ``assert``. To see what differed, call
    ``pytest.register_assert_rewrite("portalcreds.testing")`` in your ``conftest.py`` before anything imports it; for a
    vendored copy use its own name.

    The rules of `CensusStore` are skipped for a store that has no ``count_statuses``, and that of `AuditTrail` for one
    that has no ``purge_events``.

    Two more fixtures are optional. Without one, the tests that need it are skipped with a line that names it:

    - ``another_store`` is a second store over the same storage, as another process has it. It shows what a store caches
      or locks in its own process only.
    - ``unreachable_store`` is a store whose server is not there.

    Attributes:
        has_threads: Whether threads may share the store. Set it to False for one that works in the host's transaction;
            the calls of each race are then made one after the other.
        keeps_names: Whether names are stored with the account. Set it to False if they are read from the host's own
            table, where they change without a new version.
    """
