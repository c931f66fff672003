"""What the page on jobs shows is so: a page that starts a job and follows it, and three ways to have it carried out."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from uuid import uuid4

import pytest

import portalcreds
from portal import GOOD_PASSWORD, OFFICE, USERNAMES, Portal, issued, settled
from portalcreds import Contact, Grants, Operator, Privilege, SignedIn
from portalcreds.contacts import ContactId
from portalcreds.default_passwords import RandomReadable
from portalcreds.protocols import utc_now
from recipes import new_module
from stores.hosts import need

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/how-to/jobs.md"
REDIS: Final = os.environ.get("PORTALCREDS_REDIS", "redis://127.0.0.1:6379/0")

# Flask's test client makes a text of bytes, which only an interpreter started with -bb refuses.
pytestmark = pytest.mark.filterwarnings("ignore::BytesWarning")


def page(marker: str) -> ModuleType:
    """Return the module that a block of the page is."""
    text = PAGE.read_text("utf-8")
    block = re.search(rf"^<!-- {marker} -->\n```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    module = new_module(f"page_{marker}")
    code = "\n" * text[: block.start(1)].count("\n") + block[1]
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), vars(module))  # noqa: S102  That is what is tested.
    return module


@pytest.fixture
def front_door(portal: Portal) -> portalcreds.Portal:
    """Return the portal as an application has it."""
    return portalcreds.Portal.over(
        portal.store,
        authorizer=portal.authorizer,
        hasher=portal.hasher,
        counter=portal.counter,
        clock=portal.clock,
    )


def start(portal: Portal, *contact_ids: str, **options: Any) -> str:
    """Store a job, and return its key."""
    return portal.resets.start(portal.resets.plan(contact_ids, OFFICE, **options).confirm(OFFICE)).key


def await_end(portal: Portal, key: str) -> None:
    """Wait until a job is finished."""
    job = portal.resets.find_job(key)
    assert job is not None
    until = time.monotonic() + 30
    while not job.progress().is_finished:
        assert time.monotonic() < until
        time.sleep(0.01)


# -- the web page


class Browser:
    """Presses buttons on the pages."""

    def __init__(self, portal: portalcreds.Portal, begin: Any) -> None:
        """Open them."""
        need("flask")
        app = page("flask").create_app(portal, begin, lambda: Operator(operator_id="office"))
        self.client = app.test_client()

    def post(self, path: str, **fields: Any) -> Any:
        """Send a form."""
        return self.client.post(path, data=fields)

    def get(self, path: str) -> Any:
        """Return what a page says."""
        response = self.client.get(path)
        return response.json if response.status_code == 200 else response.status_code

    def press_ok(self, ids: list[str], form: dict[str, Any]) -> Any:
        """Send the form with the plan."""
        return self.post("/resets", ids=ids, fingerprint=form["fingerprint"], key=form["key"])


def test_a_page_starts_a_job_and_follows_it(portal: Portal, front_door: portalcreds.Portal) -> None:
    """OK answers at once; the thread does the rest; whoever presses OK again lands on the same page."""
    begun: list[str] = []
    in_thread = page("thread").begin_in_thread(front_door)

    def begin(key: str) -> None:
        begun.append(key)
        in_thread(key)

    browser = Browser(front_door, begin)
    ids = ["c-1", "c-2"]
    form = browser.post("/resets/plan", ids=ids).json
    assert form["message"].startswith("Set the passwords of 2 of 2 contacts")
    first = browser.press_ok(ids, form)
    assert first.status_code == 303
    await_end(portal, form["key"])
    second = browser.press_ok(ids, form)
    assert second.headers["Location"] == first.headers["Location"]
    assert browser.get(first.headers["Location"]) == {
        "done": 2,
        "total": 2,
        "seconds_left": 0,
        "is_finished": True,
        "is_cancelled": False,
    }
    report = browser.get(f"/resets/{form['key']}/report")
    assert [(row["username"], row["outcome"]) for row in report] == [("rabbiatici", "set"), ("PObrien", "set")]
    assert begun == [form["key"]]
    assert portal.account("c-1").credential.epoch == 1


def test_a_page_shows_a_plan_again_that_changed(portal: Portal, front_door: portalcreds.Portal) -> None:
    """What the operator did not see is not set; nobody finds a job that is not there."""
    browser = Browser(front_door, lambda key: None)
    form = browser.post("/resets/plan", ids=["c-1", "c-2"]).json
    issued(portal, "c-1")
    answer = browser.press_ok(["c-1", "c-2"], form)
    assert answer.status_code == 409
    assert answer.json["key"] == form["key"]
    assert browser.get(f"/resets/{form['key']}") == 404
    assert browser.press_ok(["c-1", "c-2"], answer.json).status_code == 303
    assert browser.get(f"/resets/{form['key']}")["done"] == 0


def test_a_page_cancels(portal: Portal, front_door: portalcreds.Portal) -> None:
    """From another request, before anybody has begun."""
    browser = Browser(front_door, lambda key: None)
    form = browser.post("/resets/plan", ids=["c-1"]).json
    browser.press_ok(["c-1"], form)
    assert browser.post(f"/resets/{form['key']}/cancel").status_code == 303
    assert browser.get(f"/resets/{form['key']}")["is_cancelled"] is True
    page("cron").run_jobs(front_door)
    assert portal.account("c-1").credential.epoch == 0


# -- who carries it out


def test_a_thread_goes_on_after_a_job_that_stopped(
    portal: Portal, front_door: portalcreds.Portal, caplog: pytest.LogCaptureFixture
) -> None:
    """One that is not there is told in the log, and the next one is carried out."""
    begin = page("thread").begin_in_thread(front_door)
    begin("nothing")
    key = start(portal, "c-1")
    begin(key)
    await_end(portal, key)
    assert "a job stopped" in caplog.text


def test_a_cron_line_does_what_is_there(portal: Portal, front_door: portalcreds.Portal) -> None:
    """Also what a request stored that ended then; and a second run has nothing to do."""
    first, second = start(portal, "c-1"), start(portal, "c-2")
    revealing = start(portal, "c-3", reveal=True)
    for _ in range(2):
        page("cron").run_jobs(front_door)
    assert portal.resets.resume(first).progress().is_finished
    assert portal.resets.resume(second).progress().is_finished
    assert portal.resets.resume(revealing).progress().done == 0
    assert [portal.account(each).credential.epoch for each in ("c-1", "c-2", "c-3")] == [1, 1, 0]


@pytest.fixture
def redis_queue() -> Iterator[tuple[Any, str]]:
    """Return a connection to Redis, and the name of a queue that is gone afterwards."""
    redis, rq = need("redis"), need("rq")
    connection = redis.Redis.from_url(REDIS, socket_connect_timeout=5)
    try:
        connection.ping()
    except redis.exceptions.ConnectionError:
        if os.environ.get("PORTALCREDS_REQUIRE_BACKENDS"):
            raise
        pytest.skip("Redis is not here (PORTALCREDS_REDIS says where it is)")
    name = f"test-{uuid4().hex}"
    yield connection, name
    queue = rq.Queue(name, connection=connection)
    for registry in (queue.finished_job_registry, queue.failed_job_registry):
        for job_id in registry.get_job_ids():
            registry.remove(job_id, delete_job=True)
    queue.delete(delete_jobs=True)
    connection.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rq")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:croniter")
def test_a_task_queue_carries_it_out(
    redis_queue: tuple[Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ's worker takes the key from Redis; that it takes it twice does no harm."""
    connection, name = redis_queue
    monkeypatch.chdir(tmp_path)
    tasks = page("rq")
    monkeypatch.setitem(sys.modules, tasks.__name__, tasks)
    tasks.run_job.__module__ = tasks.__name__
    mreyes = Operator(operator_id="mreyes")
    school = [
        Contact(contact_id=ContactId(contact_id), first_name="Rosa", last_name="Abbiatici")
        for contact_id in ("c-1", "c-2")
    ]
    syncing = Grants(privileges={"mreyes": {Privilege.SYNC}})
    with portalcreds.Portal.open_sqlite("portal.db", authorizer=syncing) as before:
        before.accounts.sync_contacts(school, mreyes, usernames=USERNAMES)
    with tasks.open_portal() as portal:
        key = portal.resets.start(portal.resets.plan(["c-1", "c-2"], mreyes).confirm(mreyes)).key
        begin = tasks.begin_in_queue(connection, name)
        for _ in range(2):
            begin(key)
        rq = need("rq")
        assert rq.SimpleWorker([name], connection=connection).work(burst=True, logging_level="ERROR")
        assert rq.Queue(name, connection=connection).failed_job_registry.count == 0
        assert portal.resets.resume(key).progress().is_finished
        found = portal.store.find_many([ContactId("c-1"), ContactId("c-2")])
        assert [account.credential.epoch for account in found.values()] == [1, 1]


def test_a_cluster_hashes(portal: Portal, front_door: portalcreds.Portal) -> None:
    """Given its address and the host's word, a cluster of Dask's does the hashing of a job that is there."""
    distributed = need("distributed")
    key = start(portal, "c-1", "c-2")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        page("dask").run_on_cluster(front_door, key, cluster.scheduler_address)
    assert portal.resets.resume(key).progress().is_finished


# -- what else the page says


def test_old_jobs_are_removed(portal: Portal) -> None:
    """By a call each night, with what the clock of the machine says."""
    store: Any = portal.store
    portal.clock.now = utc_now() - timedelta(days=366)
    old = start(portal, "c-1")
    portal.clock.now = utc_now() - timedelta(days=364)
    young = start(portal, "c-2")
    page("purge").clean_up(store)
    assert portal.resets.find_job(old) is None
    assert portal.resets.find_job(young) is not None


def test_a_contact_who_chose_a_password_meanwhile_keeps_it(portal: Portal, front_door: portalcreds.Portal) -> None:
    """Between OK and the cron line somebody signed in and chose a password of their own."""
    settled(portal, "c-1", GOOD_PASSWORD)
    key = start(portal, "c-1", "c-2")
    page("cron").run_jobs(front_door)
    assert [result.outcome.value for result in portal.resets.resume(key).report()] == ["skipped", "set"]
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_drawn_passwords_are_left_to_whoever_hands_them_over(portal: Portal) -> None:
    """`unfinished` leaves them out, and the key gets them."""
    drawing = portal.with_parts(strategy=RandomReadable())
    key = start(drawing, "c-1", reveal=True)
    assert drawing.resets.unfinished() == ()
    (result,) = drawing.resets.resume(key)
    assert result.secret is not None
