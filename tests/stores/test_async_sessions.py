"""
A store in a session of asyncio's keeps the contract, in a transaction of the host's (R20).

What a rule asks of the store is asked in ``AsyncSession.run_sync``, each time anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portalcreds.exceptions import ConfigurationError
from portalcreds.testing import AccountStoreContract
from stores.async_engines import ASYNC_DRIVERS, async_engine
from stores.backends import Backend, new_backend
from stores.hosts import need, sqlalchemy_store


class AskedInSession:
    """A store whose methods run in a session of asyncio's."""

    def __init__(self, session: Any, runner: asyncio.Runner) -> None:
        self._session = session
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: Any, **keywords: Any) -> Any:
            def work(session: Any) -> Any:
                return getattr(sqlalchemy_store(session), name)(*arguments, **keywords)

            return self._runner.run(self._session.run_sync(work))

        return ask


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """PostgreSQL, with our tables."""
    with new_backend("postgresql", tmp_path_factory.mktemp("host")) as backend:
        yield backend


class TestAsyncSession(AccountStoreContract):
    """The whole contract, over each driver."""

    has_threads = False

    @pytest.fixture(params=ASYNC_DRIVERS)
    def store(self, request: pytest.FixtureRequest, backend: Backend) -> Iterator[Any]:
        """Return a store in a transaction that is never committed."""
        engine = async_engine(request.param, backend.place)
        with asyncio.Runner() as runner:
            session = need("sqlalchemy.ext.asyncio").AsyncSession(engine)
            try:
                yield AskedInSession(session, runner)
            finally:
                runner.run(session.close())
                runner.run(engine.dispose())


@pytest.mark.parametrize("driver", ASYNC_DRIVERS)
def test_what_belongs_to_asyncio_is_refused(backend: Backend, driver: str) -> None:
    """R20: an engine, a session or a connection of asyncio's is refused, and the way that works is named."""

    async def refuse() -> None:
        engine = async_engine(driver, backend.place)
        asyncio_of = need("sqlalchemy.ext.asyncio")
        async with asyncio_of.AsyncSession(engine) as session, engine.connect() as connection:
            scoped = asyncio_of.async_scoped_session(asyncio_of.async_sessionmaker(engine), lambda: 1)
            for bind in (engine, engine.sync_engine, session, connection, scoped):
                with pytest.raises(ConfigurationError, match="run_sync"):
                    sqlalchemy_store(bind)
        await engine.dispose()

    asyncio.run(refuse())


def test_another_driver_is_refused(tmp_path: Path) -> None:
    """R20: aiosqlite does not say whether a transaction has begun, so each statement might be committed by itself."""
    need("aiosqlite")
    asyncio_of = need("sqlalchemy.ext.asyncio")

    async def refuse() -> None:
        engine = asyncio_of.create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'portal.db'}")
        async with asyncio_of.AsyncSession(engine) as session:
            with pytest.raises(ConfigurationError, match="aiosqlite"):
                await session.run_sync(sqlalchemy_store)
        await engine.dispose()

    asyncio.run(refuse())
