"""Create our tables in a migration, from the one definition that stores have of them."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.migrations.operations.base import Operation

from ..stores.django import create_statements, drop_statements
from ..stores.tables import DEFAULT_TABLES, Tables
from .configuration import read_options


class CreateTables(Operation):
    """Create the tables where the setting says that they are; undone, drop them, accounts and all."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: the tables have no models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create them, if they are absent."""
        self._execute(app_label, schema_editor, create_statements(schema_editor.connection.vendor, _tables()))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop them."""
        self._execute(app_label, schema_editor, drop_statements(_tables()))

    def describe(self) -> str:
        """Return what it does, in a line."""
        return "Create the tables of the parent portal"

    def _execute(self, app_label: str, schema_editor: Any, statements: list[str]) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            for sql in statements:
                schema_editor.execute(sql, None)  # None: a % in it is a %.


def _tables() -> Tables:
    tables: Tables = read_options().get("tables", DEFAULT_TABLES)
    return tables
