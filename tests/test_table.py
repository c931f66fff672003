"""What a notebook shows: counts and problems first, capped, escaped, without a secret, and as records for a table."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any, Final

import pytest

from portal import OFFICE, Portal
from portalcreds import Contact, Grants, Privilege, contacts_from_records, default_passwords_for
from portalcreds._table import ROWS_SHOWN, Rows, Shown
from portalcreds.administration import AccountChange
from portalcreds.plans import PlanChanged
from portalcreds.rosters import RosterReason, RosterWarning
from stores.hosts import need

EVIL: Final = "<script>alert(1)</script>"
"""A last name."""

SECRET: Final = f"{EVIL}K"
"""The default password of those who have it."""

MANY: Final = 30
PACKAGES: Final = ("administration", "default_passwords", "letters", "resets", "rosters")
SHOWN: Final = (
    "Account",
    "AccountPage",
    "AccountSummary",
    "ChangePlan",
    "ChangeReport",
    "Confirmation",
    "ConfirmedPlan",
    "Contact",
    "DefaultPasswords",
    "HashCensus",
    "HashCount",
    "ImportPlan",
    "ImportReport",
    "JobProgress",
    "Letters",
    "PlanChanged",
    "ResetJob",
    "ResetPlan",
    "ResetReport",
    "RosterReading",
    "RosterRefusal",
    "RosterWarning",
    "Rows",
    "StatusCensus",
    "SyncPlan",
    "SyncReport",
)
NAMELESS: Final = {
    "AccountSummary",
    "ChangePlan",
    "ChangeReport",
    "HashCensus",
    "HashCount",
    "ImportPlan",
    "ImportReport",
    "JobProgress",
    "ResetJob",
    "RosterRefusal",
    "RosterWarning",
    "StatusCensus",
}
"""Those that have no name to show, or in whose table there is none."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """One of each, of a school in which a name is markup, and the last of the contacts has a problem."""
    from portal import open_portal

    with open_portal("memory", tmp_path_factory.mktemp("shown")) as portal:
        yield _made(portal)


def _made(portal: Portal) -> dict[str, Any]:
    rows = [{"id": f"s-{n:02}", "first_name": "Kim", "last_name": EVIL} for n in range(MANY)]
    bad: dict[str, Any] = {"id": None, "first_name": "Kim", "last_name": EVIL}
    reading = contacts_from_records([*rows, bad, {"id": "s-99", "first_name": None, "last_name": "Mono"}])
    ids = [contact.contact_id for contact in reading.contacts]
    accounts, resets = portal.accounts, portal.resets
    sync = accounts.plan_sync(reading.contacts, OFFICE, usernames=lambda contact: f"user.{contact.contact_id}")
    synced = accounts.apply_sync(sync)
    plan = resets.plan(ids, OFFICE)
    one = resets.plan(ids[:1], OFFICE)
    confirmed = plan.confirm(OFFICE)
    job = resets.start(confirmed)
    report = job.run()
    letters = portal.letters.write(ids, OFFICE)
    changed = resets.plan(ids, OFFICE).confirm(OFFICE, fingerprint=plan.fingerprint)
    assert isinstance(changed, PlanChanged)
    change = accounts.plan_change(ids, OFFICE, change=AccountChange.END_SESSIONS)
    moving = accounts.plan_import([(each, portal.chosen_hash("x")) for each in ids], OFFICE, replace=True)
    census = accounts.hash_census(OFFICE)
    made = (
        accounts.get("s-00", OFFICE),
        accounts.search(OFFICE, words="Kim"),
        accounts.disable("s-99", OFFICE),
        change,
        accounts.apply_change(change.confirm(OFFICE)),
        one.confirmation,
        confirmed,
        reading.contacts[0],
        default_passwords_for(reading.contacts),
        census,
        census.items[0],
        moving,
        accounts.apply_import(moving.confirm(OFFICE)),
        job.progress(),
        letters,
        changed,
        job,
        plan,
        report,
        reading,
        reading.contacts,
        reading.refusals[0],
        RosterWarning(line=1, field="last_name", reason=RosterReason.DAMAGED_TEXT),
        accounts.status_census(OFFICE),
        sync,
        synced,
    )
    return {type(each).__name__: each for each in made}


def test_each_shown_type_is_tried_here() -> None:
    """A type that a notebook shows is in the list below, so that it is tested like the others."""
    for package in [import_module(f"portalcreds.{name}") for name in PACKAGES]:
        for name in vars(package)["__all__"]:
            getattr(package, name)  # Most are imported when they are asked for.
    bases = {"Shown", "Counted", "ShownRow", "Table", "Plan", "Report", "_Told"}
    # By name, because attrs makes a class with slots anew.
    assert {each.__name__ for each in _below(Shown)} - bases == set(SHOWN)


def _below(kind: type) -> set[type]:
    return {kind}.union(*map(_below, kind.__subclasses__()))


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_notebook_shows(shown: dict[str, Any], name: str) -> None:
    """R14, R24: escaped, capped and said so, in the page's own colours, and never a password or a hash."""
    page = shown[name]._repr_html_()
    assert "<script" not in page
    assert ("&lt;script&gt;" in page) is (name not in NAMELESS)
    assert page.count("<tr>") <= 1 + ROWS_SHOWN + 2  # the reading has a table of what it refused as well
    records = shown[name].to_records()
    # A job shows how far it is, and says where its results are.
    assert ("more; to_records() has them all" in page) is (len(records) > ROWS_SHOWN and name != "ResetJob")
    assert re.search("color|background|font|class=", page) is None
    told = f"{page}{records}{shown[name]!r}"
    for secret in (SECRET, SECRET.replace("<", "&lt;").replace(">", "&gt;"), "$argon2", "password_hash"):
        assert secret not in told


@pytest.mark.parametrize("name", SHOWN)
def test_repr_has_no_names(shown: dict[str, Any], name: str) -> None:
    """R24: what is printed or logged has counts and ids, and neither names nor user names."""
    assert EVIL not in repr(shown[name])
    assert "Kim" not in repr(shown[name])
    assert "user.s-" not in repr(shown[name])


@pytest.mark.parametrize("name", SHOWN)
def test_records_fit_a_data_frame(shown: dict[str, Any], name: str) -> None:
    """``pandas.DataFrame(x.to_records())`` has a row for each, and the same columns in all of them."""
    records = shown[name].to_records()
    assert len({tuple(record) for record in records}) == 1
    frame = need("pandas").DataFrame(records)
    assert frame.shape == (len(records), len(records[0]))


@pytest.mark.parametrize("name", ["Account", "AccountPage", "ResetReport"])
def test_records_have_the_dates(shown: dict[str, Any], name: str) -> None:
    """When a default was issued and when it expires is in the records, in UTC."""
    record = shown[name].to_records()[0]
    assert record["issued_at"] == "2026-08-24T07:30:00+00:00"
    assert record["expires_at"] == "2026-09-07T07:30:00+00:00"


@pytest.mark.parametrize("name", ["DefaultPasswords", "PlanChanged", "ResetPlan", "ResetReport", "ConfirmedPlan"])
def test_the_problem_comes_first(shown: dict[str, Any], name: str) -> None:
    """The last of the contacts, for whom nothing can be derived, is in the first row, above those that are capped."""
    (first, *_) = re.findall("<tbody><tr>(.*?)</tr>", shown[name]._repr_html_())
    assert "<td>Mono</td>" in first


def test_counts_come_first(shown: dict[str, Any]) -> None:
    """What a table is of is said above it."""
    assert (
        shown["ResetPlan"]
        ._repr_html_()
        .startswith("<p>31 contacts (will_set: 30, cannot: 1; not_derivable: 1)</p><div")
    )
    assert shown["AccountPage"]._repr_html_().startswith("<p>30 accounts (default_live: 30)</p><div")
    assert (
        shown["RosterReading"]
        ._repr_html_()
        .startswith("<p>31 contacts, 1 refusal, 0 warnings, 0 user names, 0 left out</p>")
    )


def test_one_contact_and_reasons_are_told(memory_portal: Portal) -> None:
    """Counts are in the singular for one, and the reasons stand behind them, the commonest first."""
    named = {"s-1": "anna.o", "s-2": "anna.o"}
    contacts = [Contact(contact_id=f"s-{number}", first_name="Anna", last_name="Olsen") for number in range(5)]
    one = memory_portal.accounts.plan_sync(contacts[:1], OFFICE)
    assert repr(one) == "<SyncPlan of 1 contact (add: 1; no_username: 1)>"
    many = memory_portal.accounts.plan_sync(contacts, OFFICE, usernames=named)
    assert many.reasons == {"no_username": 3, "username_taken": 1}
    assert list(many.reasons) == ["no_username", "username_taken"]
    assert repr(many) == "<SyncPlan of 5 contacts (add: 5; no_username: 3, username_taken: 1)>"


def test_refusals_are_shown_before_contacts(shown: dict[str, Any]) -> None:
    """A row of the roster that was not taken is the first thing to see; alone it is a table too."""
    page = shown["RosterReading"]._repr_html_()
    assert page.index("missing_id") < page.index("s-00")
    (refused,) = shown["RosterReading"].refusals.to_records()
    assert (refused["line"], refused["field"], refused["reason"]) == (31, "contact_id", "missing_id")
    assert refused["hint"] == RosterReason.MISSING_ID.text
    assert isinstance(shown["RosterReading"].refusals, Rows)


def test_a_row_alone_is_a_table_of_one(shown: dict[str, Any]) -> None:
    """A contact, an account and a summary are shown like a page with one of them."""
    for name in ("Contact", "Account", "AccountSummary"):
        assert shown[name]._repr_html_().count("<tr>") == 2
        assert len(shown[name].to_records()) == 1


def test_who_may_not_see_user_names_is_shown_none(memory_portal: Portal) -> None:
    """R16, R24: an operator who may only set passwords finds no user name in the plan, in its table or its records."""
    portal = memory_portal.with_parts(
        authorizer=Grants(privileges={"office": [Privilege.SET_MANY, Privilege.SET_ONE, Privilege.DISABLE]})
    )
    plan = portal.resets.plan(["c-1", "c-2"], OFFICE)
    report = portal.resets.start(plan.confirm(OFFICE)).run()
    given: tuple[Shown, ...] = plan, plan.confirmation, report
    told = [each._repr_html_() + str(each.to_records()) for each in given]
    told.append(portal.accounts.disable("c-1", OFFICE)._repr_html_())
    assert not [each for each in told if "rabbiatici" in each.lower() or "pobrien" in each.lower()]


def test_a_job_that_cannot_be_asked_shows_its_repr(memory_portal: Portal) -> None:
    """A notebook that shows a job which was purged shows its ``repr``, and no stack of errors."""
    job = memory_portal.resets.start(memory_portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE))
    job.run()
    memory_portal.clock.move(days=400)
    memory_portal.store.purge_jobs(memory_portal.clock())  # type: ignore[attr-defined]  # The store keeps jobs too.
    assert job._repr_html_() == f"<p>{html.escape(repr(job))}</p>"


def test_the_status_is_that_of_an_instant(shown: dict[str, Any]) -> None:
    """A page has the statuses of when it was read; an account alone those of an instant, or of the present."""
    account, page = shown["Account"], shown["AccountPage"]
    assert page.to_records()[0]["status"] == "default_live"
    assert account.to_record(page.now)["status"] == "default_live"
    assert account.to_record(page.now + timedelta(days=15))["status"] == "default_expired"
