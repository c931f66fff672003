"""The recipes that send the record to a log do so, with what each of these logs makes of it."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Final

import pytest

from portal import FAMILY, OFFICE, USERNAMES
from portalcreds import Grants, MemoryAccountStore, Portal, Privilege
from portalcreds.forwarding import ForwardingSink
from stores.hosts import need

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/how-to/audit-trail.md"


def _run(recipe: str) -> dict[str, Any]:
    """Run a recipe of the page, and return its names."""
    found = re.search(rf"<!-- {recipe} -->\n```py(?:thon)?\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert found is not None
    names: dict[str, Any] = {"store": MemoryAccountStore(), "ForwardingSink": ForwardingSink}
    code = re.sub(r"^portal = .*?^\)$", "", found[1], flags=re.M | re.S)
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102  That is what is tested.
    return names


def _work(names: dict[str, Any]) -> list[dict[str, str | int]]:
    """Do something with accounts and something without, and return what is on the record of it."""
    store, office = names["store"], Grants(privileges={"office": Privilege})
    with Portal.over(store, authorizer=office, audit=names["sink"]) as portal:
        portal.accounts.sync_contacts(FAMILY[:1], OFFICE, usernames=USERNAMES)
        portal.sign_ins.sign_in("rabbiatici", "wrong", source="192.0.2.7")
    events = [event.to_record() for event in store.events()]
    assert [event["kind"] for event in events] == ["user_created", "authn_login_fail"]
    return events


def test_the_recipe_for_logging(caplog: pytest.LogCaptureFixture) -> None:
    """Each event is a record of the standard library's, with its fields as attributes."""
    with caplog.at_level(logging.INFO, "school.audit"):
        events = _work(_run("logging"))
    logged = [record.__dict__ for record in caplog.records if record.name == "school.audit"]
    assert [{name: each[name] for name in event} for each, event in zip(logged, events, strict=True)] == events
    assert [each["msg"] for each in logged] == [event["kind"] for event in events]


def test_the_recipe_for_structlog() -> None:
    """Each event is an entry, with its fields as keys."""
    need("structlog")
    from structlog.testing import capture_logs

    with capture_logs() as logged:
        events = _work(_run("structlog"))
    assert [{name: each[name] for name in event} for each, event in zip(logged, events, strict=True)] == events


def test_the_recipe_for_opentelemetry() -> None:
    """Each event is a log record, with its fields as attributes."""
    need("opentelemetry.sdk")
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

    untyped: Any = InMemoryLogRecordExporter
    names, exporter = _run("opentelemetry"), untyped()
    names["provider"].add_log_record_processor(SimpleLogRecordProcessor(exporter))
    events = _work(names)
    logged = [each.log_record for each in exporter.get_finished_logs()]
    assert [dict(each.attributes or {}) for each in logged] == events
    assert [each.event_name for each in logged] == [event["kind"] for event in events]
    names["provider"].shutdown()
