"""Engines of SQLAlchemy for asyncio, over the drivers for it that are supported."""

from __future__ import annotations

import os
from typing import Any

from stores.hosts import need

ASYNC_DRIVERS = ("asyncpg", "psycopg")


def async_engine(driver: str, schema: str, **options: Any) -> Any:
    """Return an engine over a schema of the PostgreSQL server."""
    need(driver)
    parts = need("psycopg.conninfo").conninfo_to_dict(
        os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
    )
    path: dict[str, Any] = {"options": f"-c search_path={schema}"}
    if driver == "asyncpg":
        path = {"server_settings": {"search_path": schema}}
    url = need("sqlalchemy").URL.create(
        f"postgresql+{driver}",
        username=parts.get("user"),
        password=parts.get("password"),
        host=parts.get("host"),
        port=None if parts.get("port") is None else int(parts["port"]),
        database=parts.get("dbname"),
    )
    return need("sqlalchemy.ext.asyncio").create_async_engine(url, connect_args=path, **options)
