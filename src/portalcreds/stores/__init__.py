"""Choose where accounts are kept. `sqlalchemy` and `limits` need an extra each: import them from their own modules."""

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
