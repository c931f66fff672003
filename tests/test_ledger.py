"""The one loop in which accounts are read, decided about and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import FAMILY, OFFICE, START, USERNAMES, Portal, open_portal, watched
from portalcreds._ledger import Accounts, Decide, Ledger, NotWritten, Write
from portalcreds.accounts import Account
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import ContactId
from portalcreds.exceptions import (
    CorruptRowError,
    InvalidValueError,
    StaleAccountError,
    StoreError,
    StoreUnavailableError,
    TablesMissingError,
    TransactionAborted,
)
from portalcreds.protocols import Change


def event(who: ContactId, operation_id: str | None = None) -> AuditEvent:
    """Return a new event for a change."""
    return AuditEvent(kind=AuditKind.ACCOUNT_DISABLED, at=START, contact_id=who, operation_id=operation_id)


def ledger(portal: Portal, hook: Any = None, on_change: Any = None) -> Ledger:
    """Return a ledger over the portal's store, with *hook* told of each call to it."""
    store = portal.store if hook is None else watched(portal.store, hook)
    return Ledger(store=store, audit=portal.store, clock=portal.clock, on_change=on_change)


def disable_as(operation_id: str | None) -> Decide[str]:
    """Return what decides to disable each of the accounts there are, in this operation."""

    def decide(contact_ids: Sequence[ContactId], found: Accounts) -> Mapping[ContactId, Write[str] | str]:
        return {
            who: Write(Change(old=found[who], new=found[who].disable(), events=(event(who, operation_id),)), "disabled")
            if who in found
            else "absent"
            for who in contact_ids
        }

    return decide


disable = disable_as(None)


def adding(portal: Portal) -> Decide[str]:
    """Return what decides to add each of the contacts."""

    def decide(contact_ids: Sequence[ContactId], found: Accounts) -> Mapping[ContactId, Write[str] | str]:
        contacts = [attrs.evolve(portal.account("c-1").contact, contact_id=who) for who in contact_ids]
        return {each.contact_id: Write(Change(old=None, new=Account(contact=each)), "added") for each in contacts}

    return decide


def ids(*names: str) -> list[ContactId]:
    """Return these as contact ids."""
    return [ContactId(name) for name in names]


def settled(
    one: Ledger, contact_ids: Sequence[ContactId], rounds: int = 3, decide: Decide[str] = disable
) -> dict[str, str]:
    """Return each contact's outcome, or the code of why there is none."""
    outcomes: dict[str, Any] = dict(one.settle(contact_ids, decide, rounds=rounds))
    return {who: told.code if isinstance(told, NotWritten) else told for who, told in outcomes.items()}


def test_each_contact_has_one_outcome(portal: Portal) -> None:
    """R12: what is written, what is decided without writing, and who has no account, each once."""
    assert settled(ledger(portal), ids("c-1", "c-9", "c-2")) == {"c-1": "disabled", "c-2": "disabled", "c-9": "absent"}
    assert not portal.account("c-1").is_active


def test_accounts_that_were_just_read_are_not_read_again(portal: Portal) -> None:
    """R21: a sign-in that has the account spares a statement, and a lost race reads it."""
    calls: list[str] = []

    def hear(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if when == "before":
            calls.append(name)

    known = {ContactId("c-1"): portal.account("c-1")}
    portal.accounts.rename("c-1", OFFICE, username="rosa")
    outcomes: dict[str, Any] = dict(ledger(portal, hear).settle(ids("c-1"), disable, rounds=2, known=known))
    assert outcomes == {"c-1": "disabled"}
    assert calls == ["apply", "find_many", "apply"]


def test_only_a_bulk_of_changes_is_written_as_a_whole(memory_portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first fill may keep others from writing for a second; what the office does by day is done 500 at a time."""
    sizes: list[int] = []

    def hear(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            sizes.append(len(arguments[0]))

    monkeypatch.setattr(type(memory_portal.store), "at_once", 900, raising=False)
    new = [ContactId(f"n{number}") for number in range(2500)]

    one = ledger(memory_portal, hear)
    assert {outcome for _, outcome in one.settle(new, adding(memory_portal), rounds=1, is_bulk=True)} == {"added"}
    assert {outcome for _, outcome in one.settle(new, disable, rounds=1)} == {"disabled"}
    assert sizes == [500, 900, 900, 200, 500, 500, 500, 500, 500]


@pytest.mark.parametrize("error", [TablesMissingError("apply", "42P01"), TransactionAborted("apply", "40001")])
@pytest.mark.parametrize("method", ["find_many", "apply"])
def test_what_no_row_is_at_fault_for_comes_out(portal: Portal, error: StoreError, method: str) -> None:
    """R20: without tables, or in a host's transaction that is gone, no outcome would be true of any contact."""

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", method):
            raise error

    with pytest.raises(type(error)):
        settled(ledger(portal, fail), ids("c-1", "c-2"))


def test_a_row_that_is_refused_costs_its_five_hundred(memory_portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of thousands that a trigger refuses has 500 written one by one, and not all of them."""
    sizes: list[int] = []

    def refuse(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            sizes.append(len(arguments[0]))
            if any(change.new.contact_id == "n1700" for change in arguments[0]):
                raise StoreError("apply", "P0001")

    monkeypatch.setattr(type(memory_portal.store), "at_once", 2000, raising=False)
    one = ledger(memory_portal, refuse)
    new = [ContactId(f"n{number}") for number in range(3000)]
    told = one.settle(new, adding(memory_portal), rounds=1, is_bulk=True)
    assert [who for who, outcome in told if isinstance(outcome, NotWritten)] == ["n1700"]
    assert sizes == [500, 1000, 1500, 500, *[1] * 500, 500, 500]


def test_changes_that_take_long_are_written_fewer_at_once(
    memory_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow disk nobody who signs in meanwhile waits for thousands of rows."""
    sizes: list[int] = []
    # The third and the fourth take neither long nor short; the last has few to write, though they are quick.
    took = iter([0.1, 0.1, 1, 2, 2.5, 5, 5, 0.1])
    clock = iter([second for begin, end in enumerate(took) for second in (10 * begin, 10 * begin + end)])

    def hear(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            sizes.append(len(arguments[0]))

    monkeypatch.setattr(type(memory_portal.store), "at_once", 16_000, raising=False)
    monkeypatch.setattr("portalcreds._ledger.time.monotonic", lambda: next(clock))
    new = [ContactId(f"n{number}") for number in range(9500)]
    told = ledger(memory_portal, hear).settle(new, adding(memory_portal), rounds=1, is_bulk=True)
    assert {outcome for _, outcome in told} == {"added"}
    assert sizes == [500, 1000, 2000, 2000, 2000, 1000, 500, 500]


def test_few_quick_changes_are_no_reason_to_write_more_at_once(
    memory_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where most are unchanged, how quick the few others are tells nothing of how long thousands would take."""
    read: list[int] = []

    def hear(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "find_many"):
            read.append(len(arguments[0]))

    monkeypatch.setattr(type(memory_portal.store), "at_once", 16_000, raising=False)
    one = ledger(memory_portal, hear)
    many = [*ids("c-1"), *(ContactId(f"n{number}") for number in range(1400))]
    begun = one.settle(many, disable, rounds=1, is_bulk=True)
    for _ in range(501):
        next(begun)
    assert read == [500, 500]


def test_after_an_outage_in_the_middle_nothing_more_is_tried(portal: Portal) -> None:
    """R12, R21: of changes written one by one, those before are done, and all from there on are told why not."""
    asked: list[list[str]] = []

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            asked.append([change.new.contact_id for change in arguments[0]])
            if len(asked[-1]) > 1:
                raise StoreError(name, "P0001")
            if asked[-1] == ["c-2"]:
                raise StoreUnavailableError(name)

    outcomes = settled(ledger(portal, fail), ids("c-1", "c-2", "c-3", "c-4"), rounds=1)
    assert outcomes == {"c-1": "disabled", **dict.fromkeys(("c-2", "c-3", "c-4"), "store_unavailable")}
    assert asked[1:] == [["c-1"], ["c-2"]]
    assert not portal.account("c-1").is_active
    assert portal.account("c-3").is_active


def test_an_account_that_cannot_be_read_is_not_decided_about(portal: Portal) -> None:
    """R12: it is there, so deciding without it would add it anew or call it absent."""
    decided: list[str] = []

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "find_many") and "c-2" in arguments[0]:
            raise CorruptRowError(name, "corrupt")

    def decide(contact_ids: Sequence[ContactId], found: Accounts) -> Mapping[ContactId, Write[str] | str]:
        decided.extend(contact_ids)
        return disable(contact_ids, found)

    outcomes: list[Any] = list(ledger(portal, fail).settle(ids("c-1", "c-2", "c-3"), decide, rounds=1))
    assert decided == ["c-1", "c-3"]
    assert [who for who, outcome in outcomes if isinstance(outcome, NotWritten)] == ["c-2"]
    assert sorted(who for who, _ in outcomes) == ["c-1", "c-2", "c-3"]


def test_only_the_operation_itself_has_recorded_what_it_did(portal: Portal) -> None:
    """R12: the same kind of change under another key, or another kind under this one, was somebody else's."""
    one = ledger(portal)
    settled(one, ids("c-1"), decide=disable_as("monday"))
    who = ContactId("c-1")
    assert one.has_recorded(who, AuditKind.ACCOUNT_DISABLED, "monday")
    assert not one.has_recorded(who, AuditKind.ACCOUNT_DISABLED, "tuesday")
    assert not one.has_recorded(who, AuditKind.ACCOUNT_ENABLED, "monday")


def test_a_hook_that_failed_is_recorded_with_its_operation(portal: Portal) -> None:
    """R6: who reads the record finds which job's notification did not go out, and for whom."""

    def hook(account: Account, _: AuditEvent) -> None:
        raise OSError(account.contact.last_name)

    settled(ledger(portal, on_change=hook), ids("c-1"), decide=disable_as("monday"))
    (failed,) = [each for each in portal.store.events(ContactId("c-1")) if each.kind == AuditKind.NOTIFICATION_FAILED]
    assert (failed.contact_id, failed.reason, failed.operation_id) == ("c-1", "OSError", "monday")


def test_without_a_hook_nothing_fails(portal: Portal) -> None:
    """R6: where the host wants to be told of nothing, the record says of no notification that it did not go out."""
    settled(ledger(portal), ids("c-1"))
    assert [each.kind for each in portal.store.events(ContactId("c-1"))][-1:] == [AuditKind.ACCOUNT_DISABLED]


def test_a_new_account_has_no_session_to_end(memory_portal: Portal) -> None:
    """R6: the hook is not told of an account that is added."""
    told: list[str] = []
    one = ledger(memory_portal, on_change=lambda account, _: told.append(account.contact_id))
    assert settled(one, ids("n1"), decide=adding(memory_portal)) == {"n1": "added"}
    assert told == []


def test_the_hook_is_told_what_happened_and_not_what_else_is_recorded(portal: Portal) -> None:
    """R6: a reset that shows a password has a second event; the hook, and the record that it failed, name the first."""
    told: list[AuditKind] = []

    def hook(_: Account, happened: AuditEvent) -> None:
        told.append(happened.kind)
        raise OSError

    def decide(contact_ids: Sequence[ContactId], found: Accounts) -> Mapping[ContactId, Write[str] | str]:
        writes: dict[ContactId, Write[str] | str] = {}
        for who in contact_ids:
            shown = attrs.evolve(event(who, "tuesday"), kind=AuditKind.PASSWORD_REVEALED)
            change = Change(old=found[who], new=found[who].disable(), events=(event(who, "monday"), shown))
            writes[who] = Write(change, "disabled")
        return writes

    settled(ledger(portal, on_change=hook), ids("c-1"), decide=decide)
    assert told == [AuditKind.ACCOUNT_DISABLED]
    (failed,) = [each for each in portal.store.events(ContactId("c-1")) if each.kind == AuditKind.NOTIFICATION_FAILED]
    assert failed.operation_id == "monday"


@pytest.mark.parametrize("error", [TransactionAborted("record", "40001"), StoreError("record", "42501"), OSError()])
def test_a_record_of_a_failed_hook_that_fails_as_well(portal: Portal, error: Exception) -> None:
    """R20: it takes nothing back, unless the host's transaction is gone, and the change with it."""

    def hook(account: Account, _: AuditEvent) -> None:
        raise OSError(account.contact_id)

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "record"):
            raise error

    one = Ledger(store=portal.store, audit=watched(portal.store, fail), clock=portal.clock, on_change=hook)
    if isinstance(error, TransactionAborted):
        with pytest.raises(TransactionAborted):
            settled(one, ids("c-1"))
    else:
        assert settled(one, ids("c-1")) == {"c-1": "disabled"}


@pytest.mark.parametrize("at_once", [0, -1, None, "500", 2.5, True])
def test_a_store_that_says_no_number_is_refused(
    memory_portal: Portal, monkeypatch: pytest.MonkeyPatch, at_once: object
) -> None:
    """R23: what it tells of itself is checked when the service is made."""
    monkeypatch.setattr(type(memory_portal.store), "at_once", at_once, raising=False)
    with pytest.raises(InvalidValueError, match="at_once"):
        ledger(memory_portal)


def test_a_contact_that_loses_every_race_is_told(portal: Portal) -> None:
    """R3: the error that a single step raises names the contact."""

    def move(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            old = portal.account("c-1")
            portal.store.apply([Change(old=old, new=old.rename(f"rosa{old.version}"))])

    ((_, outcome),) = ledger(portal, move).settle(ids("c-1"), disable, rounds=3)
    assert isinstance(outcome, NotWritten)
    assert outcome.code == "kept_changing"
    assert isinstance(outcome.error, StaleAccountError)
    assert outcome.error.contact_id == "c-1"


def test_the_hook_is_told_last_and_only_of_ended_sessions(portal: Portal) -> None:
    """R6: whatever the hook does, each outcome is told before it, and a change within the epoch is not its business."""
    told: list[str] = []

    def hook(account: Account, _: AuditEvent) -> None:
        told.append(account.contact_id)
        raise KeyboardInterrupt

    noted: dict[str, Any] = dict(ledger(portal, on_change=hook).settle(ids("c-3"), _rename, rounds=1))
    with pytest.raises(KeyboardInterrupt):
        noted.update(ledger(portal, on_change=hook).settle(ids("c-1", "c-2"), disable, rounds=1))
    assert told == ["c-1"]
    assert noted == {"c-3": "renamed", "c-1": "disabled", "c-2": "disabled"}


def test_a_store_that_went_away_is_asked_once(portal: Portal) -> None:
    """R21: each further question would wait as long; the contacts say why, also those of later pieces."""
    asked: list[int] = []

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        asked.append(len(arguments[0]))
        raise StoreUnavailableError(name)

    many = ids(*(f"m-{n}" for n in range(1_200)))
    assert set(settled(ledger(portal, fail), many).values()) == {"store_unavailable"}
    assert asked == [500]


def test_a_store_that_can_read_no_row_is_defective(portal: Portal) -> None:
    """R21: where the tables are missing, a plan of 500 is not 500 rows that cannot, asked for one by one."""
    asked: list[int] = []

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        asked.append(len(arguments[0]))
        raise StoreError(name, "42P01")

    many = ids(*(f"m-{n}" for n in range(500)))
    for count, tried in ((500, [500, *[1] * 8]), (7, [7, *[1] * 7]), (2, [2, 1, 1]), (1, [1])):
        asked.clear()
        with pytest.raises(StoreError, match="42P01"):
            ledger(portal, fail).read(many[:count])
        assert asked == tried
    assert set(settled(ledger(portal, fail), many).values()) == {"store_refused"}


def test_rows_that_cannot_be_read_leave_their_neighbours_alone(portal: Portal) -> None:
    """R12: however many they are, once one row was read the store is not to blame."""
    school = portal.add_school(20)

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "find_many" and set(arguments[0]) & {*school[1:]}:
            raise CorruptRowError(name, "corrupt")

    found, unreadable = ledger(portal, fail).read(school)
    assert list(found) == school[:1]
    assert list(unreadable) == school[1:]


@pytest.mark.parametrize("many", [["c-1"], ["c-1", "c-2", "c-3"]])
def test_a_closed_store_is_no_fault_of_the_contacts(tmp_path: Path, many: list[str]) -> None:
    """R21: a plan or a sync over a store that was closed raises its error, however few contacts it is about."""
    with open_portal("sqlite", tmp_path) as portal:
        steps: list[Callable[[], object]] = [
            lambda: portal.resets.plan(many, OFFICE),
            lambda: portal.accounts.plan_sync(FAMILY[: len(many)], OFFICE, usernames=USERNAMES),
        ]
        portal.store.close()  # type: ignore[attr-defined]  # The store of SQLite has it.
        for step in steps:
            with pytest.raises(StoreError, match="closed"):
                step()


@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_a_corrupt_row_is_never_the_store_s_fault(portal: Portal, count: int) -> None:
    """R12: a store that says which row it is can read others, however few were asked for and wherever they stand."""
    school = portal.add_school(count)

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "find_many":
            raise CorruptRowError(name, "corrupt")

    found, unreadable = ledger(portal, fail).read(school)
    assert found == {}
    assert list(unreadable) == school


def test_a_single_row_that_is_refused_is_asked_for_once(portal: Portal) -> None:
    """R21: one row by itself was tried by itself already."""
    calls: list[str] = []

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        calls.append(name)
        raise StoreError(name, "23514")

    assert settled(ledger(portal, fail), ids("c-1")) == {"c-1": "store_refused"}
    assert calls == ["find_many"]


def test_a_user_name_that_is_taken_is_told_without_an_error(portal: Portal) -> None:
    """R23: another account has it; that is an outcome, and nothing is written."""

    def claim(contact_ids: Sequence[ContactId], found: Accounts) -> dict[ContactId, Write[str] | str]:
        return {who: Write(Change(old=found[who], new=found[who].rename("pobrien")), "renamed") for who in contact_ids}

    ((_, outcome),) = ledger(portal).settle(ids("c-1"), claim, rounds=3)
    assert isinstance(outcome, NotWritten)
    assert (outcome.code, outcome.error) == ("username_taken", None)
    assert portal.account("c-1").username == "rabbiatici"


def _rename(contact_ids: Sequence[ContactId], found: Accounts) -> dict[ContactId, Write[str] | str]:
    return {
        who: Write(Change(old=found[who], new=found[who].rename("anna"), events=(event(who),)), "renamed")
        for who in contact_ids
    }
