"""Choose where accounts are kept. `sqlalchemy` and `limits` need an extra each: import them from their own modules."""

from __future__ import annotations

from .._lazy import found_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore, DBAPIAttemptCounter
    from .host_contacts import HostContacts, HostSelect
    from .memory import MemoryAccountStore, MemoryAttemptCounter
    from .table_faults import TableFault, TableFaultKind
    from .tables import Tables
    from .timeouts import Timeouts

__all__ = [
    "BorrowedDBAPIAccountStore",
    "DBAPIAccountStore",
    "DBAPIAttemptCounter",
    "HostContacts",
    "HostSelect",
    "MemoryAccountStore",
    "MemoryAttemptCounter",
    "TableFault",
    "TableFaultKind",
    "Tables",
    "Timeouts",
]

_HOMES = {
    ".dbapi": (
        "BorrowedDBAPIAccountStore",
        "DBAPIAccountStore",
        "DBAPIAttemptCounter",
    ),
    ".host_contacts": (
        "HostContacts",
        "HostSelect",
    ),
    ".memory": (
        "MemoryAccountStore",
        "MemoryAttemptCounter",
    ),
    ".table_faults": (
        "TableFault",
        "TableFaultKind",
    ),
    ".tables": ("Tables",),
    ".timeouts": ("Timeouts",),
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = found_in(__name__, _HOMES)
