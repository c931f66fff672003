"""The recipes for FastAPI do what the page says, and the event loop is nobody's while a password is verified."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from portal import FAMILY, GOOD_PASSWORD, OFFICE, USERNAMES, Portal, issued, settled, watched
from portalcreds.administration import Renamed, UsernameTaken
from portalcreds.stores.memory import MemoryAttemptCounter
from recipes import front_door, names_of
from stores.async_engines import ASYNC_DRIVERS, async_engine
from stores.backends import Backend, new_backend
from stores.hosts import need

PATIENCE: Final = 20.0
"""Seconds after which something is held for good."""

BEATS: Final = 5
WAVE: Final = 60
"""Sign-ins at once: more than the 40 threads that there are for plain functions."""

Send = Callable[..., Coroutine[Any, Any, tuple[int, str]]]


def _asgi(app: Any) -> Send:
    """Return what sends requests to an application, in the loop that it is awaited in, and keeps cookies."""
    cookies: list[bytes] = []

    async def send(method: str, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        sent: list[dict[str, Any]] = []
        body = [{"type": "http.request", "body": json.dumps(data).encode(), "more_body": False}]
        headers = [(b"content-type", b"application/json"), *((b"cookie", cookie) for cookie in cookies)]
        scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
        scope |= {"client": ("192.0.2.7", 50000), "scheme": "https", "server": ("school", 443), "root_path": ""}

        async def receive() -> dict[str, Any]:
            return body.pop() if body else {"type": "http.disconnect"}

        async def keep(message: dict[str, Any]) -> None:
            sent.append(message)

        await app(scope, receive, keep)
        new = [value.partition(b";")[0] for name, value in sent[0]["headers"] if name == b"set-cookie"]
        cookies[:] = new or cookies
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()

    return send


def _app(portal: Portal, **parts: Any) -> Any:
    need("fastapi"), need("itsdangerous")
    return names_of("fastapi.md", "fastapi")["create_app"](front_door(portal, **parts), "not a secret")


# -- signing in


def test_a_first_day(portal: Portal) -> None:
    """A default gives a ticket and no session, a password of one's own a session, and a reset ends it."""
    send = _asgi(_app(portal))

    async def day() -> None:
        default = issued(portal)
        assert (await send("GET", "/me"))[0] == 401
        assert (await send("POST", "/sign-in", {"username": "rabbiatici", "password": "a guess"}))[0] == 403
        status, said = await send("POST", "/sign-in", {"username": "rabbiatici", "password": default})
        assert status == 200
        ticket = json.loads(said)["ticket"]
        assert (await send("GET", "/me"))[0] == 401
        assert (await send("POST", "/choose", {"ticket": ticket, "new": default}))[0] == 400
        assert (await send("POST", "/choose", {"ticket": ticket, "new": GOOD_PASSWORD}))[0] == 200
        assert (await send("GET", "/me"))[0] == 401
        assert (await send("POST", "/sign-in", {"username": "rabbiatici", "password": GOOD_PASSWORD}))[0] == 200
        assert await send("GET", "/me") == (200, '"c-1"')
        issued(portal)
        assert (await send("GET", "/me"))[0] == 401

    asyncio.run(day())


def test_it_says_when_to_try_again(memory_portal: Portal) -> None:
    """Too many guesses are 429 with the seconds to wait."""
    send = _asgi(_app(memory_portal))

    async def guess() -> list[int]:
        typed = {"username": "rabbiatici", "password": "a guess"}
        return [(await send("POST", "/sign-in", typed))[0] for _ in range(11)]

    assert asyncio.run(guess())[-1] == 429


# -- the event loop


class _Held:
    """Holds each sign-in where it looks the account up, until it is let go on; or fails it, if nobody does so."""

    def __init__(self, portal: Portal) -> None:
        self.go_on = threading.Event()
        self.store = watched(portal.store, self._wait)
        self.held = 0
        self.was_stuck = False

    def _wait(self, when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "find_by_username"):
            self.held += 1
            self.was_stuck |= not self.go_on.wait(1.0 if self.was_stuck else PATIENCE / 4)


@pytest.mark.parametrize("is_awaited", [True, False], ids=["as on the page", "in a coroutine"])
def test_a_sign_in_never_holds_the_event_loop(memory_portal: Portal, is_awaited: bool) -> None:
    """A heartbeat beats while somebody signs in; in a coroutine, without a thread, the same sign-in holds the loop."""
    settled(memory_portal)
    held = _Held(memory_portal)
    app = _app(memory_portal, store=held.store)
    door = front_door(memory_portal, store=held.store)

    @app.post("/plainly")  # type: ignore[untyped-decorator]  # Of a package that may be absent.
    async def plainly() -> str:
        return type(door.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="192.0.2.7")).__name__

    async def beat() -> None:
        while not held.held:
            await asyncio.sleep(0.001)
        for _ in range(BEATS):
            await asyncio.sleep(0.001)
        held.go_on.set()

    async def both() -> int:
        typed = {"username": "rabbiatici", "password": GOOD_PASSWORD}
        path = "/sign-in" if is_awaited else "/plainly"
        async with asyncio.TaskGroup() as group:
            group.create_task(beat())
            answer = group.create_task(_asgi(app)("POST", path, typed))
        return answer.result()[0]

    assert asyncio.run(both()) == 200
    assert held.was_stuck is not is_awaited


def test_a_wave_of_sign_ins_leaves_threads_for_others(memory_portal: Portal) -> None:
    """More sign-ins than there are threads wait, and another request is answered meanwhile."""
    held = _Held(memory_portal)
    app = _app(memory_portal, store=held.store)

    async def wave() -> tuple[int, int]:
        send = _asgi(app)
        async with asyncio.TaskGroup() as group:
            for number in range(WAVE):
                group.create_task(send("POST", "/sign-in", {"username": f"nobody{number}", "password": "a guess"}))
            while held.held < 15:
                await asyncio.sleep(0.001)
            status, _ = await asyncio.wait_for(send("GET", "/me"), PATIENCE / 4)
            waiting = held.held
            held.go_on.set()
        return status, waiting

    status, waiting = asyncio.run(wave())
    assert status == 401
    assert 15 <= waiting <= 20


# -- the progress of a job


@contextmanager
def _served(app: Any) -> Iterator[int]:
    """Serve an application with uvicorn, on a port of its own."""
    uvicorn = need("uvicorn")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def test_the_progress_of_a_job_streams(portal: Portal) -> None:
    """Over a real server, each event says how far the job is, and the stream ends when it is finished."""
    fastapi = need("fastapi")
    app = fastapi.FastAPI()
    door = front_door(portal)
    names_of("fastapi.md", "progress")["add_progress"](app, door, lambda: OFFICE)
    ids = portal.add_school(130)
    job = door.resets.start(door.resets.plan(ids, OFFICE).confirm(OFFICE, key="streamed"))
    seen: list[dict[str, Any]] = []
    with _served(app) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", "/resets/streamed/progress")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        for line in answer:
            if line.startswith(b"data: "):
                seen.append(json.loads(line.removeprefix(b"data: ")))
                # Only once somebody looks is it carried out.
                next(iter(job)) if len(seen) == 1 else job.run()
        connection.request("GET", "/resets/another/progress")
        assert connection.getresponse().status == 404
        connection.close()
    assert (seen[0]["done"], seen[0]["total"]) == (0, 130)
    assert seen[-1]["done"] == 130
    assert [each["done"] for each in seen] == sorted(each["done"] for each in seen)


# -- in the transaction of the request


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """PostgreSQL, with our tables and the family in them."""
    with new_backend("postgresql", tmp_path_factory.mktemp("host")) as backend:
        yield backend


@pytest.mark.parametrize("driver", ASYNC_DRIVERS)
def test_in_the_session_of_the_request(backend: Backend, memory_portal: Portal, driver: str) -> None:
    """The account and the host's row are written together or not at all, and the loop goes on while the rows wait."""
    asyncio_of, text = need("sqlalchemy.ext.asyncio"), need("sqlalchemy").text
    rename = names_of("fastapi.md", "async-session")["rename"]
    parts = {
        "authorizer": memory_portal.authorizer,
        "hasher": memory_portal.hasher,
        "counter": MemoryAttemptCounter(),
        "clock": memory_portal.clock,
    }
    with backend.open() as store:
        front_door(memory_portal, store=store).accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES)
    beats: list[int] = []

    async def beat() -> None:
        while True:
            await asyncio.sleep(0.001)
            beats.append(1)

    async def requests() -> None:
        engine = async_engine(driver, backend.place)
        async with asyncio_of.AsyncSession(engine) as session:
            await session.execute(text("CREATE TABLE IF NOT EXISTS notes (note VARCHAR(64))"))
            await session.commit()
        heart = asyncio.create_task(beat())
        for username, is_committed in (("undone", False), (f"rosa.{driver}", True)):
            async with asyncio_of.AsyncSession(engine) as session:
                await session.execute(text("INSERT INTO notes VALUES (:note)"), {"note": username})
                assert isinstance(await rename(session, "c-1", username, OFFICE, **parts), Renamed)
                assert isinstance(await rename(session, "c-1", "pobrien", OFFICE, **parts), UsernameTaken)
                await (session.commit() if is_committed else session.rollback())
        heart.cancel()
        async with asyncio_of.AsyncSession(engine) as session:
            notes = (await session.execute(text("SELECT note FROM notes"))).scalars().all()
            assert "undone" not in notes
            assert f"rosa.{driver}" in notes
        await engine.dispose()

    asyncio.run(requests())
    assert beats
    with backend.open() as store:
        found = store.find(FAMILY[0].contact_id)
        assert found is not None
        assert found.username == f"rosa.{driver}"
