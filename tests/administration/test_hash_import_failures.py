"""What an import of old hashes does beside others, after a stop, and where something fails (R3, R12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest

from administration.importing import (
    DJANGO,
    IMPORTED,
    MD5,
    OTHER,
    able_to_verify,
    import_hashes,
    outcomes,
    stored_hash,
)
from portal import GOOD_PASSWORD, OFFICE, Portal, issued, settled, watched
from portalcreds.accounts import Account, PasswordHash
from portalcreds.administration import ImportDecision, ImportOutcome, ImportReason
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import ContactId
from portalcreds.exceptions import (
    ConfigurationError,
    HashingUnavailableError,
    StoreError,
    StoreUnavailableError,
)
from portalcreds.protocols import Change
from portalcreds.sign_in.outcomes import SignedIn


@pytest.fixture
def moved(portal: Portal) -> Iterator[Portal]:
    """A portal over each store that can verify what was imported."""
    with able_to_verify(portal) as able:
        yield able


@pytest.fixture
def memory(memory_portal: Portal) -> Iterator[Portal]:
    """The same in memory."""
    with able_to_verify(memory_portal) as able:
        yield able


def imports_of(portal: Portal) -> list[str | None]:
    """Return whose imports are on the record, in order."""
    return [event.contact_id for event in portal.store.events() if event.kind is AuditKind.CREDENTIAL_IMPORTED]


def test_who_chose_a_password_since_the_plan_keeps_it(moved: Portal) -> None:
    """R3, R11: the account is read again, and a moved epoch says that the operator has not seen this."""
    issued(moved)
    confirmed = moved.accounts.plan_import([("c-1", DJANGO)], OFFICE, replace=True).confirm(OFFICE)
    moved.choose("c-1")
    report = moved.accounts.apply_import(confirmed)
    assert outcomes(report) == [(ImportOutcome.SKIPPED, ImportReason.CHANGED_MEANWHILE)]
    assert isinstance(moved.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_a_race_between_reading_and_writing_is_decided_again(moved: Portal) -> None:
    """R3: a name that is refreshed meanwhile costs nothing, a password that is chosen meanwhile stays."""
    raced: list[str] = []

    def race(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply") and not raced:
            raced.append(name)
            moved.accounts.rename("c-1", OFFICE, username="rosa.a")
            settled(moved, "c-2")

    portal = attrs.evolve(moved, store=watched(moved.store, race))
    confirmed = moved.accounts.plan_import([("c-1", DJANGO), ("c-2", DJANGO)], OFFICE).confirm(OFFICE)
    assert outcomes(portal.accounts.apply_import(confirmed)) == [
        IMPORTED,
        (ImportOutcome.SKIPPED, ImportReason.CHANGED_MEANWHILE),
    ]
    assert moved.account("c-1").username == "rosa.a"
    assert imports_of(moved) == ["c-1"]


def test_a_lost_race_costs_no_second_wrap(memory: Portal) -> None:
    """R3: what is wrapped stays wrapped while the account is read again, because each wrap is a slow hash."""
    raced: list[str] = []

    def race(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply") and not raced:
            raced.append(name)
            memory.accounts.rename("c-1", OFFICE, username="rosa.a")

    confirmed = memory.accounts.plan_import([("c-1", MD5)], OFFICE).confirm(OFFICE)
    counted: list[PasswordHash] = []

    class Counting(_Failing):
        def wrap_all(self, hashes: Any, /) -> Iterator[PasswordHash]:
            given = list(hashes)
            counted.extend(given)
            yield from self._hasher.wrap_all(given)

    hasher: Any = Counting(memory.hasher, None)
    portal = attrs.evolve(memory, store=watched(memory.store, race), hasher=hasher)
    assert outcomes(portal.accounts.apply_import(confirmed)) == [IMPORTED]
    assert raced
    assert counted == [MD5]


def test_hash_and_event_are_written_together_or_not_at_all(moved: Portal) -> None:
    """R1, R17: there is no moment at which an imported hash is not on the record."""
    seen: list[tuple[bool, bool]] = []

    def look(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "apply":
            seen.append((moved.account("c-1").credential.password_hash is not None, bool(imports_of(moved))))

    portal = attrs.evolve(moved, store=watched(moved.store, look))
    import_hashes(portal, [("c-1", DJANGO)])
    assert seen == [(False, False), (True, True)]


def test_a_hook_is_told_of_each_import(memory: Portal) -> None:
    """R6: sessions end with the epoch, and the kind of the event tells the host what it was."""
    told: list[tuple[str, str]] = []

    def hook(account: Account, event: AuditEvent) -> None:
        told.append((account.contact_id, event.kind.value))

    import_hashes(memory.with_parts(on_change=hook), [("c-1", DJANGO), ("c-2", MD5)])
    assert told == [("c-1", "credential_imported"), ("c-2", "credential_imported")]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_stopped_import_goes_on_under_its_key(moved: Portal, wrapped: bool) -> None:
    """R12: what was imported is left as it is, whatever came after it, and nobody is lost."""
    school = moved.add_school(1_100 if not wrapped else 150)
    rows = [(each, MD5 if wrapped else DJANGO) for each in school]
    plan = moved.accounts.plan_import(rows, OFFICE, replace=True)
    calls: list[int] = []

    def stop() -> bool:
        calls.append(1)
        return len(calls) > 1

    seen: list[str] = []
    first = moved.accounts.apply_import(
        plan.confirm(OFFICE, key="move-1"),
        cancel=stop,
        progress=lambda result: seen.append(result.item.contact_id or ""),
    )
    done = 64 if wrapped else 500
    assert first.count(ImportOutcome.IMPORTED) == done == len(seen)
    assert first.count(ImportOutcome.NOT_REACHED) == len(school) - done
    assert not first.is_complete

    # The first chose a password of their own since, the second was issued a default.
    change = moved.account(school[0])
    moved.store.apply([Change(old=change, new=change.choose(PasswordHash("$x$"), changed_at=moved.clock()))])
    moved.resets.reset_password(school[1], OFFICE)
    kept = moved.account(school[0]), moved.account(school[1])

    again = import_hashes(moved, rows, replace=True, key="move-1")
    assert again.count(ImportOutcome.ALREADY_IMPORTED) == done
    assert again.count(ImportOutcome.IMPORTED) == len(school) - done
    assert again.is_complete
    assert (moved.account(school[0]), moved.account(school[1])) == kept
    assert sorted(imports_of(moved), key=str) == sorted(school)


def test_the_same_ok_twice_imports_once(moved: Portal) -> None:
    """R12: a double click writes nothing twice."""
    confirmed = moved.accounts.plan_import([("c-1", DJANGO)], OFFICE).confirm(OFFICE)
    assert outcomes(moved.accounts.apply_import(confirmed)) == [IMPORTED]
    assert outcomes(moved.accounts.apply_import(confirmed)) == [(ImportOutcome.ALREADY_IMPORTED, None)]
    assert imports_of(moved) == ["c-1"]


def test_without_the_key_a_second_run_leaves_alone_what_was_imported(moved: Portal) -> None:
    """R11: the plain way to go on needs nothing but the rows."""
    import_hashes(moved, [("c-1", DJANGO)])
    report = import_hashes(moved, [("c-1", OTHER), ("c-2", DJANGO)])
    assert outcomes(report) == [(ImportOutcome.SKIPPED, ImportReason.ALREADY_IMPORTED), IMPORTED]
    assert stored_hash(moved) == PasswordHash(DJANGO)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_store_that_goes_away_leaves_the_rest_to_a_second_run(memory: Portal, at: int) -> None:
    """R12, R21: what is committed is reported as such, the rest failed, and a second run finishes it."""
    school = memory.add_school(1_200)
    rows = [(each, DJANGO) for each in school]
    writes: list[str] = []

    def away(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply"):
            writes.append(name)
            if len(writes) >= at:
                raise StoreUnavailableError(name, "57P01")

    failing = attrs.evolve(memory, store=watched(memory.store, away))
    plan = memory.accounts.plan_import(rows, OFFICE)
    report = failing.accounts.apply_import(plan.confirm(OFFICE, key="move"))
    assert report.count(ImportOutcome.IMPORTED) == 500 * (at - 1) == len(imports_of(memory))
    assert {result.reason for result in report if result.outcome is ImportOutcome.FAILED} == {
        ImportReason.STORE_UNAVAILABLE
    }
    assert not report.is_complete
    import_hashes(memory, rows, key="move")
    assert len(imports_of(memory)) == len(school)


def test_a_row_that_the_database_refuses_stops_no_other(memory: Portal) -> None:
    """R12: a trigger of the host's on one row is that row's result."""

    def refuse(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "apply") and any(each.new.contact_id == "c-2" for each in arguments[0]):
            raise StoreError(name, "trigger")

    failing = attrs.evolve(memory, store=watched(memory.store, refuse))
    confirmed = memory.accounts.plan_import([(f"c-{n}", DJANGO) for n in (1, 2, 3)], OFFICE).confirm(OFFICE)
    assert outcomes(failing.accounts.apply_import(confirmed)) == [
        IMPORTED,
        (ImportOutcome.FAILED, ImportReason.STORE_REFUSED),
        IMPORTED,
    ]


def test_a_row_that_cannot_be_read_is_told(memory: Portal) -> None:
    """R11: an account that somebody damaged is its own row's fault, also in a plan."""

    def damaged(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("before", "find_many") and "c-2" in arguments[0]:
            raise StoreError(name, "row")

    failing = attrs.evolve(memory, store=watched(memory.store, damaged))
    plan = failing.accounts.plan_import([("c-1", DJANGO), ("c-2", DJANGO)], OFFICE)
    assert [item.reason for item in plan] == [None, ImportReason.STORE_REFUSED]


class _Failing:
    """A hasher that cannot wrap one hash."""

    def __init__(self, hasher: Any, bad: PasswordHash | None) -> None:
        self._hasher = hasher
        self._bad = bad

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hasher, name)

    def wrap_all(self, hashes: Any, /) -> Iterator[PasswordHash]:
        """Wrap them, up to the bad one."""
        for each in hashes:
            if self._bad is None or each == self._bad:
                raise HashingUnavailableError("out_of_memory")
            yield from self._hasher.wrap_all([each])


def test_a_hash_that_cannot_be_wrapped_stops_no_other(memory: Portal) -> None:
    """R12: it is reported, nothing is stored for it, and the rest are wrapped."""
    school = memory.add_school(5)
    rows: Sequence[tuple[ContactId, PasswordHash]] = [
        (each, PasswordHash(MD5.encoded if n != 2 else "$pc$md5$$AAAAAAAAAAAAAAAAAAAAAA"))
        for n, each in enumerate(school)
    ]
    failing: Any = attrs.evolve(memory, hasher=_Failing(memory.hasher, rows[2][1]))  # type: ignore[arg-type]  # All that an import asks of it.
    failed = (ImportOutcome.FAILED, ImportReason.HASHING_UNAVAILABLE)
    assert outcomes(import_hashes(failing, rows)) == [IMPORTED, IMPORTED, failed, IMPORTED, IMPORTED]
    assert memory.account(school[2]).credential.password_hash is None

    nothing: Any = attrs.evolve(memory, hasher=_Failing(memory.hasher, None))  # type: ignore[arg-type]  # All that an import asks of it.
    assert outcomes(import_hashes(nothing, rows))[2] == failed
    assert outcomes(import_hashes(memory, rows))[2] == IMPORTED


def test_a_key_needs_a_record_that_can_be_read(memory: Portal) -> None:
    """R12: whoever passes a key says that an earlier run may have used it, and only the record can tell."""

    class Silent:
        def __getattr__(self, name: str) -> Any:
            if name == "events":
                raise AttributeError(name)
            return getattr(memory.store, name)

    silent: Any = attrs.evolve(memory, store=Silent())
    plan = silent.accounts.plan_import([("c-1", DJANGO)], OFFICE)
    assert plan.items[0].decision is ImportDecision.WILL_IMPORT
    with pytest.raises(ConfigurationError) as refused:
        silent.accounts.apply_import(plan.confirm(OFFICE, key="move"))
    assert refused.value.argument == "key"
    assert outcomes(silent.accounts.apply_import(plan.confirm(OFFICE))) == [IMPORTED]
