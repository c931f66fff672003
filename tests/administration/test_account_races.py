"""Changes of an account that meet others, and what the host is told of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from administration.steps import ROSA_ID, WRITING
from portal import FAMILY, NOBODY, OFFICE, ROSA, START, USERNAMES, Portal, issued, settled, watched
from portalcreds.accounts import Account
from portalcreds.administration import Renamed
from portalcreds.administration.outcomes import AccountSummary
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.exceptions import InvalidValueError, PrivilegeDeniedError, StaleAccountError, StoreUnavailableError
from portalcreds.privileges import Grants, Privilege

# -- races


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("losses", [1, 5])
def test_a_lost_race_is_decided_anew(portal: Portal, name: str, losses: int) -> None:
    """R3: others write in between; the step is made from what is there then, once, and nothing of theirs is lost."""
    default = issued(portal)
    if name == "enable":
        portal.accounts.disable("c-1", OFFICE)
    lost: list[str] = []

    def touch(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if (when, call) == ("before", "apply") and len(lost) < losses:
            lost.append(call)
            moved = attrs.evolve(ROSA, email=f"{len(lost)}@example.org")
            portal.accounts.sync_contacts([moved], OFFICE)

    before = portal.account("c-1")
    told = WRITING[name](attrs.evolve(portal, store=watched(portal.store, touch)).accounts, OFFICE)

    account = portal.account("c-1")
    assert portal.summary("c-1") == (told.account if isinstance(told, Renamed) else told)
    assert account.version == before.version + losses + 1
    assert account.contact.email == (None if name == "erase" else f"{losses}@example.org")
    assert default == "AbbiaticiR"


@pytest.mark.parametrize("name", WRITING)
def test_an_account_that_keeps_changing_is_given_up(portal: Portal, name: str) -> None:
    """R3, R23: after a bounded number of lost races the step is an error, and was not made."""
    issued(portal)
    if name == "enable":
        portal.accounts.disable("c-1", OFFICE)
    lost: list[str] = []

    def touch(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if (when, call) == ("before", "apply"):
            lost.append(call)
            portal.accounts.sync_contacts([attrs.evolve(ROSA, email=f"{len(lost)}@example.org")], OFFICE)

    with pytest.raises(StaleAccountError) as caught:
        WRITING[name](attrs.evolve(portal, store=watched(portal.store, touch)).accounts, OFFICE)

    assert caught.value.contact_id == "c-1"
    assert 2 <= len(lost) <= 100
    assert portal.account("c-1").contact.email == f"{len(lost)}@example.org"
    assert portal.account("c-1").username == "rabbiatici"


def test_a_race_lost_to_the_same_step_is_settled(portal: Portal) -> None:
    """R3: two clerks disable the same account: once on the record, and both are told that it is."""
    raced: list[AccountSummary] = []

    def disable(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if (when, call) == ("before", "apply") and not raced:
            raced.append(portal.accounts.disable("c-1", OFFICE))

    assert attrs.evolve(portal, store=watched(portal.store, disable)).accounts.disable("c-1", OFFICE) == raced[0]
    assert portal.kinds("c-1").count("user_archived") == 1


def test_a_privilege_lost_during_a_race_is_lost(portal: Portal) -> None:
    """R3, R16: who may is asked anew with each attempt, about the account as it is then."""
    raced: list[str] = []

    def touch(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if (when, call) == ("before", "apply") and not raced:
            raced.append(call)
            portal.accounts.sync_contacts([attrs.evolve(ROSA, last_name="Principal")], OFFICE)

    ranks = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact.last_name == "Principal")
    raced_portal = attrs.evolve(portal, store=watched(portal.store, touch)).with_parts(authorizer=ranks)
    with pytest.raises(PrivilegeDeniedError):
        raced_portal.accounts.disable("c-1", OFFICE)
    assert portal.account("c-1").is_active


def test_a_step_whose_user_name_is_suddenly_another_s_is_stale(memory_portal: Portal) -> None:
    """R23: a store that finds a user name taken by a step that sets none has lost its mind; nothing is claimed done."""

    class Confused:
        def __getattr__(self, name: str) -> Any:
            return getattr(memory_portal.store, name)

        def apply(self, changes: Sequence[Any], /) -> list[str]:
            return ["username_taken"]

    confused: Any = Confused()
    with pytest.raises(StaleAccountError):
        attrs.evolve(memory_portal, store=confused).accounts.disable("c-1", OFFICE)


def test_a_store_that_is_away_comes_out(portal: Portal) -> None:
    """R21, R23: one account's step has nobody else to go on with; the error carries no personal data."""

    def away(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if call == "apply":
            raise StoreUnavailableError("apply", "57P01")

    with pytest.raises(StoreUnavailableError) as caught:
        attrs.evolve(portal, store=watched(portal.store, away)).accounts.disable("c-1", OFFICE)
    assert "rabbiatici" not in f"{caught.value!r}{caught.value}"


# -- telling the host


def test_the_host_is_told_of_what_ends_sessions_and_of_nothing_else(portal: Portal) -> None:
    """Disabling, demanding a change and erasing, once each, with the account as it is then."""
    settled(portal)
    told: list[tuple[AuditKind, Account]] = []
    service = portal.with_parts(on_change=lambda account, event: told.append((event.kind, account))).accounts

    steps: list[Account] = []
    service.require_change("c-1", OFFICE, reason="compromised")
    steps.append(portal.account("c-1"))
    service.rename("c-1", OFFICE, username="rosa.a")
    service.unlock("c-1", OFFICE)
    service.sync_contacts([attrs.evolve(ROSA, last_name="Moved")], OFFICE)
    service.get("c-1", OFFICE)
    service.disable("c-1", OFFICE)
    steps.append(portal.account("c-1"))
    service.disable("c-1", OFFICE)
    service.enable("c-1", OFFICE)
    service.erase("c-1", OFFICE)
    steps.append(portal.account("c-1"))

    kinds = (AuditKind.CHANGE_REQUIRED, AuditKind.ACCOUNT_DISABLED, AuditKind.ACCOUNT_ERASED)
    assert told == list(zip(kinds, steps, strict=True))


def test_a_hook_that_fails_does_not_undo_a_step(portal: Portal) -> None:
    """The account is disabled already; that nobody could be told is on the record."""

    def broken(account: Account, event: AuditEvent) -> None:
        raise TimeoutError("rosa@example.org")

    assert portal.with_parts(on_change=broken).accounts.disable("c-1", OFFICE).epoch == 1
    assert portal.kinds("c-1")[-2:] == ["user_archived", "notification_failed TimeoutError"]


@pytest.mark.parametrize("name", WRITING)
def test_the_time_of_a_step_is_told_by_the_clock_handed_in(portal: Portal, name: str) -> None:
    """R24: no event is dated by another clock than the host's."""
    settled(portal)
    if name == "enable":
        portal.accounts.disable("c-1", OFFICE)
    portal.clock.move(days=3)
    WRITING[name](portal.accounts, OFFICE)
    assert portal.store.events(ROSA_ID)[-1].at == START + timedelta(days=3)


def test_a_repr_of_a_service_says_nothing_of_its_parts(portal: Portal) -> None:
    """R14: a store's connection and a host's callables are not printed into a log."""
    portal.accounts.get("c-1", OFFICE)
    told = repr(portal.accounts)
    assert "Store" not in told
    assert all(text not in told for text in (*USERNAMES.values(), *[str(c.last_name) for c in FAMILY]))


def test_an_operator_who_is_none_is_told_so(portal: Portal) -> None:
    """R23: a bare name handed in as the operator is refused with the hint, before anybody is asked."""
    with pytest.raises(InvalidValueError) as refused:
        portal.accounts.get("c-1", "office")  # type: ignore[arg-type]  # Wrong on purpose.
    assert refused.value.field == "operator"


def test_a_page_makes_records_with_names_and_statuses(portal: Portal) -> None:
    """R24: the grid's rows for a template or a DataFrame, and no secrets in them."""
    settled(portal)
    (row,) = portal.accounts.search(OFFICE, words="rabb").to_records()
    assert row["username"] == "rabbiatici"
    assert row["status"] == "self_chosen"
    assert row["last_sign_in_at"] is None or row["last_sign_in_at"].startswith("2026-08-24")
    (other,) = portal.accounts.search(OFFICE, words="pob").to_records()
    assert other["last_sign_in_at"] is None


def test_a_user_name_does_not_tell_who_has_it(portal: Portal) -> None:
    """R16: to whoever may not look, a user name that exists and one that does not are the same."""
    assert portal.accounts.find_by_username("rabbiatici", NOBODY) is None
    assert portal.accounts.find_by_username("invented", NOBODY) is None
    assert portal.kinds("c-1")[-1] == "authz_fail view_usernames"
