"""What a program passes by mistake is refused with a hint at the public entry, and nothing is written (R23)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import attrs
import pytest

from portal import OFFICE, ROSA, Portal, issued, settled, ticket_of
from portalcreds.account_queries import AccountFilters
from portalcreds.administration import AccountChange
from portalcreds.administration.service import AccountService
from portalcreds.contacts import ContactId
from portalcreds.exceptions import ConfigurationError, InvalidValueError, PortalCredsError
from portalcreds.privileges import Privilege
from portalcreds.resets.job import ResetJob
from portalcreds.resets.plan import ResetPlan
from portalcreds.resets.service import ResetService
from portalcreds.sign_in.breaches import BreachChecker
from portalcreds.sign_in.password_policy import PasswordPolicy
from portalcreds.sign_in.service import SignInService
from portalcreds.throttle import Limit, Throttle, ThrottleLimits


class Frame:
    """Iterates like a table: over the names of its columns."""

    def __iter__(self) -> Iterator[str]:
        """Yield column names."""
        return iter(("contact_id", "first_name"))


JUNK: dict[str, Any] = {
    "None": None,
    "number": 5,
    "float": float("nan"),
    "text": "x",
    "bytes": b"x",
    "list": ["x"],
    "dict": {"x": "y"},
    "dict of numbers": {6: "six"},
    "dict of NaN": {"c-1": float("nan")},
    "list of None": [None],
    "list of dicts": [{"contact_id": "c-1"}],
    "table": Frame(),
    "class": Portal,
    "object": object(),
    "date": date(2026, 8, 24),
    "naive": datetime(2026, 8, 24),
    "timedelta": timedelta(days=-1),
    "bool": True,
}


FUNCTIONS = ("usernames", "cancel", "progress", "hashed")
"""Arguments for which a class may be passed: it can be called, and its errors are its own."""


def services(portal: Portal) -> dict[str, tuple[Any, dict[str, dict[str, Any]]]]:
    """Return what can be called, and arguments for each of its methods that are right."""
    account = {"contact_id": "c-1", "operator": OFFICE}
    plan = portal.resets.plan(["c-1"], OFFICE)
    job = portal.resets.start(portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE))
    hashing: dict[str, Any] = {"executor": None, "may_leave_process": False}
    contacts = {"contacts": [ROSA], "operator": OFFICE, "usernames": None, "restore_erased": False}
    imported: dict[str, Any] = {"rows": [("c-1", "x")], "operator": OFFICE, "replace": False, "force_change": None}
    selection = {
        "operator": OFFICE,
        "words": "abb",
        **dict.fromkeys(("status", "expires_before", "issued_before", "unchanged_since", "hashed")),
        **dict.fromkeys(("or_never_issued", "never_signed_in", "without_username"), False),
        "at_most": 5,
    }
    changing: dict[str, Any] = {
        "contact_ids": ["c-4"],
        "operator": OFFICE,
        "change": AccountChange.END_SESSIONS,
        "reason": None,
    }
    signs = {"username": "rabbiatici", "source": None, "device": None}
    return {
        "accounts": (
            portal.accounts,
            {
                "get": account,
                "find": account,
                "find_by_username": {"username": "rabbiatici", "operator": OFFICE},
                "search": {
                    "operator": OFFICE,
                    "words": "abb",
                    "status": None,
                    "expires_before": None,
                    "issued_before": None,
                    "unchanged_since": None,
                    "or_never_issued": False,
                    "never_signed_in": False,
                    "without_username": False,
                    "order": "name",
                    "hashed": None,
                    "after": None,
                    "limit": 5,
                },
                "count": selection,
                "select_all": selection,
                "find_locked": {"contact_ids": ["c-1"], "operator": OFFICE},
                "reveal_claim_codes": {"contact_ids": ["c-1"], "operator": OFFICE},
                "sync_contacts": contacts,
                "sync_from_host": {name: value for name, value in contacts.items() if name != "contacts"},
                "plan_sync": contacts,
                "apply_sync": {"plan": portal.accounts.plan_sync([ROSA], OFFICE)},
                "hash_census": {"operator": OFFICE},
                "status_census": {"operator": OFFICE, "since": None, "utc_offset": timedelta(0)},
                "find_on_default": {
                    "operator": OFFICE,
                    "strategies": (),
                    "chosen": False,
                    "per_second": None,
                    "after": None,
                },
                "plan_import": imported,
                "apply_import": {
                    "confirmed": portal.accounts.plan_import(**imported).confirm(OFFICE),
                    "progress": None,
                    "cancel": None,
                },
                "plan_change": changing,
                "apply_change": {
                    "confirmed": portal.accounts.plan_change(**changing).confirm(OFFICE),
                    "progress": None,
                    "cancel": None,
                },
                "select_absent": {
                    "sync": portal.accounts.plan_sync([ROSA], OFFICE),
                    "operator": OFFICE,
                    "at_most": 5,
                },
                "disable": account,
                "enable": account,
                "require_change": {**account, "reason": "compromised"},
                "erase": account,
                "unlock": account,
                "limits_on": account,
                "rename": {**account, "username": "rosa"},
                "end_sessions": account,
                "rekey": {"old_id": "c-3", "new_id": "c-4", "operator": OFFICE},
                "merge": {"old_id": "c-3", "new_id": "c-4", "operator": OFFICE, "credential_of": "c-4"},
            },
        ),
        "resets": (
            portal.resets,
            {
                "plan": {
                    "contact_ids": ["c-1"],
                    "operator": OFFICE,
                    "replace_chosen": None,
                    "expires_at": None,
                    "reveal": False,
                    "invite": False,
                    "max_affected": None,
                },
                "start": {"confirmed": plan.confirm(OFFICE), **hashing},
                "find_job": {"key": job.key},
                "resume": {"key": job.key, **hashing},
                "unfinished": {},
                "reset_password": {**account, "expires_at": None, "reveal": False},
                "invite": {**account, "expires_at": None},
            },
        ),
        "plan": (plan, {"confirm": {"operator": OFFICE, "fingerprint": plan.fingerprint, "key": None}}),
        "sign_ins": (
            portal.sign_ins,
            {
                "sign_in": {**signs, "password": "x"},
                "complete_change": {"ticket": "x", "new": "x", "claim_proof": None, "source": None, "device": None},
                "change_password": {**signs, "current": "x", "new": "x", "contact_id": None},
            },
        ),
    }


def public_methods(owner: type) -> set[str]:
    """Return the names of the public methods of a class."""
    return {
        name
        for name in dir(owner)
        if not name.startswith("_") and callable(getattr(owner, name)) and not isinstance(getattr(owner, name), type)
    }


def stored(portal: Portal) -> object:
    """Return all accounts as they are stored."""
    return portal.store.find_many([ContactId(f"c-{number}") for number in range(1, 5)])


def attempt(call: Callable[..., object], arguments: dict[str, Any]) -> PortalCredsError | None:
    """Call it; return the library's error, if there was one. Any other error comes out and fails the test."""
    try:
        outcome = call(**arguments)
    except PortalCredsError as error:
        return error
    if isinstance(outcome, ResetJob):
        outcome.run()
    return None


@pytest.mark.parametrize("name", ["accounts", "resets", "plan", "sign_ins"])
def test_every_public_method_takes_any_mistake(memory_portal: Portal, name: str) -> None:
    """R23: each argument in turn is something else; an error of the library's names the hint and writes nothing."""
    portal = memory_portal
    settled(portal, "c-2")
    owner, methods = services(portal)[name]
    for method, right in methods.items():
        for argument in right:
            for kind, junk in JUNK.items():
                if kind == "class" and argument in FUNCTIONS:
                    continue
                before = stored(portal), portal.store.events()
                error = attempt(getattr(owner, method), right | {argument: junk})
                told = f"{name}.{method}({argument}=<{kind}>)"
                if isinstance(error, (InvalidValueError, ConfigurationError)):
                    assert error.hint, told
                    assert (stored(portal), portal.store.events()) == before, told
                elif error is not None:
                    assert stored(portal) == before[0], told


@pytest.mark.parametrize(
    ("name", "owner"),
    [("accounts", AccountService), ("resets", ResetService), ("plan", ResetPlan), ("sign_ins", SignInService)],
)
def test_no_public_method_and_no_argument_is_left_out(memory_portal: Portal, name: str, owner: type) -> None:
    """The test above tries each method, and each argument of it, also those that come later."""
    tried = services(memory_portal)[name][1]
    assert public_methods(owner) - {"to_records"} - (set() if "count" in tried else {"count"}) == set(tried)
    for method, right in tried.items():
        taken = set(inspect.signature(getattr(owner, method)).parameters) - {"self"}
        if "filters" in taken:
            taken = (taken - {"filters"}) | set(AccountFilters.__annotations__)
        assert taken == set(right)


@pytest.mark.parametrize("method", ["search", "count", "select_all"])
def test_a_filter_that_there_is_not_is_refused_like_any_keyword(memory_portal: Portal, method: str) -> None:
    """R23: a misspelt filter would otherwise filter nothing, and a limit of a page not limit a selection."""
    ask = getattr(memory_portal.accounts, method)
    for wrong in ("word", "now", *(() if method == "search" else ("limit",))):
        with pytest.raises(TypeError, match="AccountFilters"):
            ask(OFFICE, **{wrong: 1})


def constructors(portal: Portal) -> dict[str, tuple[Callable[..., object], dict[str, Any]]]:
    """Return what can be made, with arguments that are right."""
    common = {"store": portal.store, "audit": portal.store, "clock": portal.clock, "on_change": None}
    common["claim_proof"] = None
    staff = {**common, "authorizer": portal.authorizer, "allow_own_account": False}
    return {
        "AccountService": (
            AccountService,
            {**staff, "throttle": portal.throttle, "hasher": portal.hasher, "strategy": portal.resets._strategy},
        ),
        "ResetService": (
            ResetService,
            {
                **staff,
                "hasher": portal.hasher,
                "strategy": portal.resets._strategy,
                "lifetime": timedelta(days=14),
                "max_affected": None,
                "max_per_day": None,
                "lease": timedelta(seconds=30),
                "jobs": portal.store,
                "throttle": portal.throttle,
            },
        ),
        "SignInService": (
            SignInService,
            {
                **common,
                "hasher": portal.hasher,
                "throttle": portal.throttle,
                "policy": PasswordPolicy(),
                "ticket_lifetime": timedelta(minutes=5),
                "monotonic": lambda: 0.0,
                "sleep": lambda seconds: None,
            },
        ),
        "Throttle": (
            Throttle,
            {
                "counter": portal.counter,
                "limits": ThrottleLimits(),
                "shared_sources": ("192.0.2.0/24", "school"),
                "key": bytes(32),
                "clock": portal.clock,
            },
        ),
        "ThrottleLimits": (
            ThrottleLimits,
            {
                "default_failures": 1,
                "chosen_failures": 1,
                "per_username": (),
                "per_source": (),
                "spray": Limit(1, DAY),
                "per_place": Limit(1, DAY),
                "claims": Limit(1, DAY),
            },
        ),
        "Limit": (Limit, {"attempts": 1, "window": DAY}),
        "PasswordPolicy": (
            PasswordPolicy,
            {
                "second_factor": False,
                "min_length": None,
                "shorter_than_recommended": None,
                "max_length": 100,
                "context_words": (),
                "common_passwords": (),
                "strategies": (),
                "checks": (),
            },
        ),
        "BreachChecker": (BreachChecker, {"read_range": lambda prefix: "", "unreachable": "allow", "least": 1}),
    }


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "name",
    [
        "AccountService",
        "ResetService",
        "SignInService",
        "Throttle",
        "ThrottleLimits",
        "Limit",
        "PasswordPolicy",
        "BreachChecker",
    ],
)
def test_every_part_is_checked_when_a_service_is_made(memory_portal: Portal, name: str) -> None:
    """R23: a part that cannot do its work is refused where it is passed, and not at the first sign-in."""
    make, right = constructors(memory_portal)[name]
    assert set(inspect.signature(make).parameters) == set(right)
    make(**right)
    for argument in right:
        refused = [kind for kind, junk in JUNK.items() if attempt(make, right | {argument: junk}) is not None]
        assert {"object", "float"} <= set(refused), f"{name}({argument}=…) takes anything"


@pytest.mark.parametrize("field", ["items", "operator"])
@pytest.mark.parametrize("kind", ["None", "number", "text", "list of None", "object"])
def test_a_plan_whose_parts_were_replaced_is_refused(memory_portal: Portal, field: str, kind: str) -> None:
    """R23: a plan that a program put together wrongly is refused before anything is written."""
    portal = memory_portal
    sync = portal.accounts.plan_sync([attrs.evolve(ROSA, last_name="Moved")], OFFICE)
    confirmed = portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE)
    before = stored(portal)
    change = {field: JUNK[kind]}
    forged = attrs.evolve(
        confirmed, **change if field == "operator" else {"plan": attrs.evolve(confirmed.plan, **change)}
    )
    moving = portal.accounts.plan_import([("c-1", "x")], OFFICE).confirm(OFFICE)
    forged_import = attrs.evolve(
        moving, **change if field == "operator" else {"plan": attrs.evolve(moving.plan, **change)}
    )
    for error in (
        attempt(portal.accounts.apply_sync, {"plan": attrs.evolve(sync, **change)}),
        attempt(portal.resets.start, {"confirmed": forged}),
        attempt(portal.accounts.apply_import, {"confirmed": forged_import}),
    ):
        assert isinstance(error, (InvalidValueError, ConfigurationError))
    assert stored(portal) == before


@pytest.mark.parametrize("answer", [None, True, 1, "yes", {"c-1": True}, object()])
def test_an_authorizer_that_answers_with_no_list_is_refused(memory_portal: Portal, answer: object) -> None:
    """R16: one answer for all is no answer for each; nothing is done, and the error says what to return."""
    portal = memory_portal.with_parts(authorizer=lambda operator, privilege, accounts: answer)
    before = stored(portal)
    with pytest.raises(ConfigurationError, match="one bool for each account"):
        portal.accounts.disable("c-1", OFFICE)
    assert stored(portal) == before


def test_an_authorizer_that_never_ends_is_refused(memory_portal: Portal) -> None:
    """R16: of a generator no more than one answer too many is read."""

    def endless(operator: object, privilege: Privilege, accounts: object) -> Iterator[bool]:
        while True:
            yield True

    with pytest.raises(ConfigurationError, match="one bool for each account"):
        memory_portal.with_parts(authorizer=endless).accounts.disable("c-1", OFFICE)


def test_a_form_s_mistakes_are_outcomes(memory_portal: Portal) -> None:
    """R23: what a person at a form can send in is never an error, whatever its type."""
    default = issued(memory_portal)
    for junk in JUNK.values():
        outcomes = [
            memory_portal.sign_ins.sign_in(junk, junk),
            memory_portal.sign_ins.complete_change(junk, junk),
            memory_portal.sign_ins.change_password(junk, junk, junk),
        ]
        assert {type(outcome).__name__ for outcome in outcomes} <= {"SignInDenied", "TicketInvalid", "TryLater"}
    memory_portal.clock.move(hours=2)
    ticket_of(memory_portal, "rabbiatici", default)
