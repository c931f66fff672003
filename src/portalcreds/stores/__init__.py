"""Choose where accounts are kept. `sqlalchemy` and `limits` need an extra each: import them from their own modules."""

from __future__ import annotations

from .._lazy import found_in, names_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .dbapi import BorrowedDBAPIAccountStore as BorrowedDBAPIAccountStore
    from .dbapi import DBAPIAccountStore as DBAPIAccountStore
    from .dbapi import DBAPIAttemptCounter as DBAPIAttemptCounter
    from .host_contacts import HostContacts as HostContacts
    from .host_contacts import HostSelect as HostSelect
    from .memory import MemoryAccountStore as MemoryAccountStore
    from .memory import MemoryAttemptCounter as MemoryAttemptCounter
    from .table_faults import TableFault as TableFault
    from .table_faults import TableFaultKind as TableFaultKind
    from .tables import Tables as Tables
    from .timeouts import Timeouts as Timeouts

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
    __all__ = names_in(_HOMES)
