"""Keep accounts in a database of Django's, on the connection that a request has; needs the extra ``django``."""

from __future__ import annotations

from typing import Final

from .._text import is_code
from ..exceptions import ConfigurationError, MissingDependencyError
from ._drivers.dialects import get_dialect
from ._drivers.django_port import DjangoPort
from ._sql.account_store import SQLAccountStore
from ._sql.ddl import create_table_sql
from ._sql.schema import lay_out
from .host_contacts import HostContacts
from .tables import DEFAULT_TABLES, Tables
from .timeouts import DEFAULT_TIMEOUTS, Timeouts

try:
    from django.db import connections
except ImportError:
    raise MissingDependencyError("django") from None

_DIALECTS: Final = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mariadb"}
"""What Django calls a database, and what it is called here."""


class DjangoAccountStore(SQLAccountStore):
    """
    An `AccountStore` and `AuditSink` on the connection that Django has for the current thread.

    Inside an ``atomic`` block, so also in a ``TestCase`` and with ``ATOMIC_REQUESTS``, it takes part in that: a
    rollback undoes what was written, and a lost conflict comes out as `TransactionAborted`, for the host to run its
    block again. Outside of one, each change is committed when the call returns.

    Counts of attempts, and what goes on the record without a change, such as refusals, stand although the block around
    them is rolled back: on a connection of their own. Only SQLite, with its one writer, keeps them within the block.

    Set many passwords outside of an ``atomic`` block, where each few are committed at once.

    Args:
        alias: Which of Django's databases.
        tenant: Which portal's accounts, as at most 64 printable ASCII characters.
        tables: Where our tables are, if not under the usual names.
        contacts: The host's own contacts, from which names are read.
        scope: A SELECT of the contact ids that the store is opened for.
        timeouts: How long it waits in transactions of its own, if not as usual.

    Raises:
        ConfigurationError: An argument cannot be used, or *contacts* lack a column.
    """

    def __init__(
        self,
        alias: str = "default",
        *,
        tenant: str = "",
        tables: Tables = DEFAULT_TABLES,
        contacts: HostContacts | None = None,
        scope: str | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        if not is_code(alias) or alias not in connections:
            raise ConfigurationError("alias", "pass a key of DATABASES")
        vendor = connections[alias].vendor
        if vendor not in _DIALECTS:
            raise ConfigurationError("alias", f"pass that of a database of one of: {', '.join(_DIALECTS)}")
        spoken = get_dialect(_DIALECTS[vendor], timeouts)
        super().__init__(
            DjangoPort(alias, spoken),
            spoken,
            tables,
            tenant=tenant,
            contacts=contacts,
            scope=scope,
            lasting=DjangoPort(alias, spoken, is_apart=True),
        )

    @property
    def is_borrowed(self) -> bool:
        """False: outside of an ``atomic`` block, each change is committed at once."""
        return False


def create_statements(vendor: str, tables: Tables = DEFAULT_TABLES) -> list[str]:
    """Return the statements that create the tables, for a migration of a database that Django calls so."""
    spoken = get_dialect(_DIALECTS.get(vendor, vendor))
    return [sql for table in lay_out(tables) for sql in create_table_sql(table, spoken)]


def drop_statements(tables: Tables = DEFAULT_TABLES) -> list[str]:
    """Return the statements that drop the tables, accounts and all."""
    return [f"DROP TABLE {table.path}" for table in reversed(lay_out(tables))]
