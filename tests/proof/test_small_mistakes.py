"""Single mistakes in the limits, tickets and sign-ins that no other test would notice: `mutate` showed them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from guessing import limits
from portal import GOOD_PASSWORD, OFFICE, PAT, ROSA, MovingClock, Portal, invited, issued, settled, ticket_of, watched
from portalcreds.accounts import Account, PasswordHash
from portalcreds.audit import AuditKind
from portalcreds.contacts import MAX_CONTACT_TEXT
from portalcreds.default_passwords import RandomReadable
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.privileges import Operator
from portalcreds.secret import Secret
from portalcreds.sign_in import (
    MAX_TICKET_LIFETIME,
    TICKET_BYTES,
    ChangeTicket,
    PasswordChanged,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    SignInService,
    TicketInvalid,
)
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.stores.memory import MemoryAttemptCounter
from portalcreds.throttle import Limit, Throttle, ThrottleLimits

MINUTE = timedelta(minutes=1)
ACCOUNT = Account(contact=ROSA, username="rabbiatici")
HOME = "192.0.2.1"


def throttle(clock: MovingClock | None = None, counter: Any = None, **parts: Any) -> Throttle:
    """Return limits over a counter, by a clock that the test moves."""
    clock = clock or MovingClock()
    return Throttle(counter or MemoryAttemptCounter(clock=clock), limits=limits(**parts), clock=clock)


# -- what limits may be


@pytest.mark.parametrize("window", [300, None, timedelta(0), timedelta(days=31, microseconds=1)])
def test_a_window_is_a_timedelta_of_a_second_to_a_month(window: Any) -> None:
    """What is none is refused as what it is, and not by the comparison with one."""
    with pytest.raises(ConfigurationError):
        Limit(1, window)
    assert Limit(1, timedelta(seconds=1)).window <= Limit(1, timedelta(days=31)).window


def test_one_failure_may_be_the_most() -> None:
    """The smallest caps are allowed, and the largest that the standard knows."""
    assert ThrottleLimits(default_failures=1, chosen_failures=100).default_failures == 1
    for wrong in (0, 101):
        with pytest.raises(ConfigurationError):
            ThrottleLimits(chosen_failures=wrong)


@pytest.mark.parametrize("name", ["per_username", "per_source"])
def test_limits_are_a_tuple_of_limits(name: str) -> None:
    """A tuple of something else is refused at once, and not at the first failure."""
    wrong: list[Any] = [(Limit(1, MINUTE), 5), [Limit(1, MINUTE)], None]
    for value in wrong:
        with pytest.raises(ConfigurationError):
            ThrottleLimits(**{name: value})


def test_the_usual_limits_are_these() -> None:
    """The numbers by which the simulation of a school's first day was judged."""
    hour = timedelta(hours=1)
    assert ThrottleLimits() == ThrottleLimits(
        default_failures=10,
        chosen_failures=100,
        per_username=(Limit(10, 5 * MINUTE), Limit(30, hour)),
        per_place=Limit(5, hour),
        per_source=(Limit(50, 5 * MINUTE), Limit(300, hour)),
        claims=Limit(20, hour),
        spray=Limit(300, 10 * MINUTE),
    )


def test_a_counter_tells_whether_it_counts_for_one_process() -> None:
    """A service that warns of it asks the throttle."""
    assert throttle().is_of_one_process is True
    # One that another library brings says nothing of it.
    counts = MemoryAttemptCounter()
    silent = SimpleNamespace(hit=counts.hit, counts=counts.counts, clear=counts.clear)
    assert throttle(counter=silent).is_of_one_process is False


def test_a_throttle_tells_whose_counts_it_has(tmp_path: Path) -> None:
    """A portal refuses another tenant's; a counter that says nothing may be anybody's."""
    with DBAPIAccountStore.open_sqlite(tmp_path / "portal.db", tenant="north") as store:
        assert throttle(counter=store.counter()).tenant == "north"
    assert throttle().tenant is None


# -- who waits, and who does not


def test_in_a_spray_a_quarter_of_the_failures_for_a_name_is_allowed() -> None:
    """Neither a fifth nor a third: with twenty allowed, the fifth is the last."""
    there = throttle(per_username=(Limit(20, timedelta(hours=1)),), spray=Limit(1, timedelta(hours=1)))
    waits = []
    for number in range(6):
        caller = there.admit("rabbiatici", None)
        waits.append(caller.retry_after is not None)
        there.record_failure(ACCOUNT, there.admit(f"another-{number}", None))
        there.record_failure(ACCOUNT, caller)
    assert waits == [False] * 5 + [True]


def test_names_of_full_length_are_counted_apart() -> None:
    """Two user names that differ in their last character alone are two."""
    there = throttle()
    longest = "a" * 254
    assert there.admit(f"{longest}b", None).username != there.admit(f"{longest}c", None).username


def test_a_name_that_is_too_long_is_not_the_longest_one() -> None:
    """It is counted without what is beyond, and is nobody's all the same."""
    there = throttle()
    assert there.admit("a" * 256, None).username != there.admit("a" * 255, None).username


def test_a_family_queues_by_itself_where_it_was_right_before() -> None:
    """R9: who fills the queue from the same address does not stand before it."""
    there = throttle()
    there.record_success(ACCOUNT, there.admit("rabbiatici", HOME))
    assert there.admit("rabbiatici", HOME).in_queue != there.admit("pobrien", HOME).in_queue


def test_a_source_is_shared_from_twenty_settled_families_on() -> None:
    """Nineteen are too few, and so are those who chose a password eleven and a half hours ago."""
    there, now = throttle(), MovingClock().now
    settled, fresh = (
        on_default().choose(PasswordHash("$x$"), changed_at=now - timedelta(hours=hours)) for hours in (12, 11.5)
    )
    told = []
    for number in range(20):
        told.append(there.admit("somebody", HOME).is_shared)
        there.record_success(fresh, there.admit(f"fresh-{number}", HOME))
        there.record_success(settled, there.admit(f"settled-{number}", HOME))
    assert told == [False] * 20
    assert there.admit("somebody", HOME).is_shared


def test_claims_beyond_the_limit_come_every_thirty_seconds() -> None:
    """R9: twice as many as the limit go on, and the next one waits until the half minute is over."""
    clock = MovingClock()
    there = throttle(clock, claims=Limit(1, timedelta(hours=1)))
    waits = []
    for number in range(3):
        caller = there.admit(f"family-{number}", HOME)
        waits.append(caller.retry_after)
        there.record_success(on_default(), caller)
    assert waits == [None, None, timedelta(seconds=30)]


def test_in_a_spray_a_source_waits_for_what_failed_in_its_first_window() -> None:
    """Not for what failed there an hour ago, nor until the hour is over, nor where as many families got in."""
    per_source = (Limit(50, 5 * MINUTE), Limit(300, timedelta(hours=1)))
    clock = MovingClock()
    clock.move(minutes=4)
    there = throttle(clock, per_source=per_source, spray=Limit(1, timedelta(hours=1)))
    for _ in range(5):
        there.record_failure(on_default(), there.admit("rabbiatici", HOME))
    assert there.admit("somebody", HOME).retry_after == MINUTE
    for number in range(5):
        there.record_success(on_default(), there.admit(f"family-{number}", HOME)._replace(retry_after=None))
    assert there.admit("somebody", HOME).retry_after is None
    there.record_failure(on_default(), there.admit("rabbiatici", HOME))
    assert there.admit("somebody", HOME).retry_after is not None
    clock.move(minutes=1)
    assert there.admit("somebody", HOME).retry_after is None
    for _ in range(5):
        there.record_failure(on_default(), there.admit("pobrien", HOME))
    assert there.admit("somebody", HOME).retry_after == 5 * MINUTE


def test_failures_that_were_taken_back_are_those_of_the_first_window() -> None:
    """What was taken back an hour ago does not set off what fails now."""
    clock = MovingClock()
    per_source = (Limit(50, 5 * MINUTE), Limit(300, timedelta(hours=1)))
    there, default = throttle(clock, per_source=per_source, spray=Limit(1, timedelta(hours=1))), on_default()
    for _ in range(5):
        there.record_failure(default, there.admit("rabbiatici", HOME))
    there.record_success(default, there.admit("rabbiatici", HOME))
    clock.move(minutes=5)
    for _ in range(5):
        there.record_failure(default, there.admit("pobrien", HOME))
    assert there.admit("somebody", HOME).retry_after is not None


def test_a_right_default_that_has_expired_makes_no_place_known() -> None:
    """It lets nobody in, so it is no arrival either."""
    clock = MovingClock()
    there, default = throttle(clock), on_default()
    clock.move(days=1)
    there.record_success(default, there.admit("rabbiatici", HOME))
    assert not there.admit("rabbiatici", HOME).is_known


def test_who_is_under_way_is_counted_though_the_counters_clock_is_ahead() -> None:
    """Counts outlast the window in which they are read, by as much again."""
    clock, its_own = MovingClock(), MovingClock()
    there = throttle(clock, MemoryAttemptCounter(clock=its_own), default_failures=1)
    with there.begin(on_default(), there.admit("rabbiatici", None), None) as first:
        its_own.move(minutes=16)
        second = there.begin(on_default(), there.admit("rabbiatici", None), None)
        assert (first.refusal, second.refusal) == (None, "too_many_at_once")


def test_new_passwords_that_are_tried_at_once_wait_a_moment_for_each_other() -> None:
    """With one more that was refused they would be too many, and a second later they are a failure or none."""
    there = throttle(per_username=(Limit(3, timedelta(hours=1)),))
    there.record_refused_change(ACCOUNT)
    tries = [there.begin_change(ACCOUNT) for _ in range(3)]
    assert [each.retry_after for each in tries] == [None, None, timedelta(seconds=1)]


def test_a_family_behind_a_shared_source_queues_by_itself() -> None:
    """Its turns at hashing are not those of the whole school."""
    shared = Throttle(MemoryAttemptCounter(), shared_sources=[HOME])
    callers = [shared.admit(name, HOME) for name in ("rabbiatici", "pobrien")]
    assert len({caller.in_queue for caller in callers}) == 2
    unshared = [throttle().admit(name, HOME) for name in ("rabbiatici", "pobrien")]
    assert len({caller.in_queue for caller in unshared}) == 1


def test_without_limits_on_sources_a_source_is_no_error() -> None:
    """A host that limits sources elsewhere passes them all the same."""
    there = throttle(per_source=())
    caller = there.admit("rabbiatici", HOME)
    assert caller.retry_after is None
    assert there.record_success(ACCOUNT, caller) == []


def test_a_refusal_of_before_stays_one() -> None:
    """A disabled account is not verified because it has no failures."""
    there = throttle()
    with there.begin(ACCOUNT, there.admit("rabbiatici", None), "disabled") as guess:
        assert guess.refusal == "disabled"


def test_one_family_that_comes_twice_at_once_is_one_claim() -> None:
    """Two requests that were both admitted before either was verified do not make a mass claim."""
    there, default = throttle(claims=Limit(2, timedelta(hours=1))), on_default()
    callers = [there.admit("rabbiatici", HOME), there.admit("rabbiatici", HOME)]
    assert [there.record_success(default, caller) for caller in callers] == [[], []]


def test_a_password_that_was_never_chosen_here_makes_a_family() -> None:
    """An imported one, whose owner has no date of a change, counts towards a shared source, and is no error."""
    there = throttle()
    for number in range(20):
        imported = Account(contact=ROSA, username="rabbiatici").import_hash(
            PasswordHash("$x$"), import_id="i", imported_by="office", imported_at=MovingClock().now
        )
        there.record_success(imported, there.admit(f"family-{number}", HOME))
    assert there.admit("somebody", HOME).is_shared


def on_default() -> Account:
    """Return Rosa's account on a default."""
    now = MovingClock().now
    return ACCOUNT.issue(
        PasswordHash("$x$"),
        strategy="s",
        issue_id="i",
        issued_by="office",
        issued_at=now,
        expires_at=now + timedelta(days=1),
    )


# -- claim proofs, and what goes on the record


def test_a_proof_that_was_refused_keeps_nobody_out() -> None:
    """It is not under way: when the one before it has ended, the next may go on."""
    there = throttle(default_failures=1)
    first = there.begin_proof(ACCOUNT)
    assert (first.refusal, there.begin_proof(ACCOUNT).refusal) == (None, "too_many_at_once")
    first.close()
    assert there.begin_proof(ACCOUNT).refusal is None


def test_one_wrong_proof_is_forgotten_after_the_right_one() -> None:
    """A family that got in leaves no row behind."""
    there = throttle()
    caller = there.admit_proof(ACCOUNT, None)
    there.record_proof_failure(ACCOUNT, caller)
    there.record_proof(ACCOUNT, caller)
    assert there.begin_proof(ACCOUNT).failures_before == 0


def test_a_proof_that_did_not_count_spends_nothing() -> None:
    """Where one wrong proof is the most, one that was refused unseen is not said to have spent anybody's credential."""
    there = throttle(default_failures=1)
    told = [there.record_proof_failure(account, there.admit_proof(ACCOUNT, None)) for account in (None, ACCOUNT)]
    assert [AuditKind.CREDENTIAL_SPENT in dict(noted) for noted in told] == [False, True]


def test_proofs_of_accounts_without_a_user_name_are_counted_apart() -> None:
    """Each has a name of its own there."""
    there = throttle()
    nameless = [Account(contact=contact) for contact in (ROSA, PAT)]
    assert len({there.admit_proof(account, None).username for account in nameless}) == 2


def test_a_right_proof_does_not_undo_what_spent_it() -> None:
    """R9: as many wrong ones as are allowed stand, also where the right one was under way meanwhile."""
    there = throttle(default_failures=2)
    caller = there.admit_proof(ACCOUNT, None)
    for _ in range(2):
        there.record_proof_failure(ACCOUNT, caller)
    there.record_proof(ACCOUNT, caller)
    assert there.begin_proof(ACCOUNT).refusal == "spent"


def test_failures_that_were_taken_back_hold_up_nobody_in_a_spray() -> None:
    """While somebody sprays, a family that mistyped and got in leaves its neighbours at the source as they were."""
    there, default = throttle(spray=Limit(4, 10 * MINUTE), per_source=(Limit(100, 10 * MINUTE),)), on_default()
    caller = there.admit("rabbiatici", HOME)
    for _ in range(5):
        there.record_failure(default, caller)
    assert there.admit("neighbour", HOME).retry_after is not None
    there.record_success(default, caller)
    assert there.admit("neighbour", HOME).retry_after is None


def test_a_delay_is_told_again_in_the_next_window_of_a_name() -> None:
    """Once in five minutes, and not in ten."""
    clock = MovingClock()
    names = (Limit(10, 5 * MINUTE), Limit(30, timedelta(hours=1)))
    there = throttle(clock, per_username=names, spray=Limit(300, 10 * MINUTE))
    told = []
    for _ in range(3):
        told.append(bool(there.note_delay(HOME, "try_later")))
        clock.move(minutes=3)
    assert told == [True, False, True]


def test_two_delays_at_the_same_moment_are_told_once() -> None:
    """Both read that none was told, and the counts that they get tell them apart."""
    counter = MemoryAttemptCounter()
    late: Any = watched(counter, lambda *_: None)
    late.counts = lambda keys: (0,) * len(keys)  # As read before the other one's hit.
    told = [there.note_delay(HOME, "try_later") for there in (throttle(counter=counter), throttle(counter=late))]
    assert list(map(bool, told)) == [True, False]


def test_delays_beyond_the_limit_of_all_leave_no_rows() -> None:
    """A flood from new sources adds neither events nor counts."""
    hits: list[str] = []
    counter = watched(MemoryAttemptCounter(), lambda when, name, _: hits.append(name) if when == "before" else None)
    there = throttle(counter=counter, spray=Limit(2, timedelta(hours=1)))
    told = [bool(there.note_delay(f"192.0.2.{number}", "try_later")) for number in range(9)]
    assert (told.count(True), hits.count("hit")) == (2, 4)


# -- tickets


def test_a_ticket_lives_ten_minutes_at_most() -> None:
    """The default is the most there may be, and a moment more is refused."""
    assert timedelta(minutes=10) == MAX_TICKET_LIFETIME
    lifetime = attrs.fields_dict(SignInService)["_ticket_lifetime"]
    assert lifetime.default == MAX_TICKET_LIFETIME


def test_a_ticket_of_the_longest_contact_is_read_and_nothing_longer() -> None:
    """What cannot be a ticket is not even digested (R8)."""
    longest = f"{'c' * MAX_CONTACT_TEXT}.{'s' * 2 * TICKET_BYTES}"
    assert ChangeTicket.read(Secret(longest)) is not None
    assert ChangeTicket.read(Secret(f"{longest}s")) is None


def test_a_ticket_ends_with_the_default_it_came_from(memory_portal: Portal) -> None:
    """R5: one that was opened in the last minutes of a default does not outlive it."""
    portal = memory_portal.with_parts(lifetime=timedelta(hours=1))
    issued(portal)
    portal.clock.move(minutes=56)
    ticket = ticket_of(portal)
    portal.clock.move(minutes=5)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), TicketInvalid)


def test_an_invitation_works_days_after_it_was_sent(memory_portal: Portal) -> None:
    """It is no ticket of a sign-in, which must not end later than in ten minutes."""
    ticket = invited(memory_portal)
    memory_portal.clock.move(days=13)
    assert isinstance(memory_portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


# -- sign-ins


@pytest.mark.parametrize("around", ["1{}", "123456{}", "{}123456"])
def test_a_drawn_default_is_kept_with_one_to_six_signs_around_it(memory_portal: Portal, around: str) -> None:
    """R19: one before it is enough to be the same, and so are six on either side."""
    portal = memory_portal.with_parts(strategy=RandomReadable())
    secret = portal.resets.reset_password("c-1", OFFICE, reveal=True).secret
    assert secret is not None
    ticket = ticket_of(portal, password=secret.reveal())
    outcome = portal.sign_ins.complete_change(ticket, around.format(secret.reveal()))
    assert isinstance(outcome, PasswordRefused)
    assert [violation.code for violation in outcome.violations] == ["same_as_current"]


@pytest.mark.parametrize("around", ["8402951{}", "{}8402951"])
def test_with_more_signs_around_it_a_drawn_default_is_another_password(memory_portal: Portal, around: str) -> None:
    """R19: each form that counts as kept costs a hash, so there are six of them on either side and no seventh."""
    portal = memory_portal.with_parts(strategy=RandomReadable(length=20))
    secret = portal.resets.reset_password("c-1", OFFICE, reveal=True).secret
    assert secret is not None
    ticket = ticket_of(portal, password=secret.reveal())
    assert isinstance(portal.sign_ins.complete_change(ticket, around.format(secret.reveal())), PasswordChanged)


@pytest.mark.parametrize("length", [254, 255])
def test_a_name_that_is_too_long_is_counted_as_nobodys(memory_portal: Portal, length: int) -> None:
    """R9: what is cut off of it does not make it the name of somebody, who would have to wait for it."""
    portal = memory_portal.with_parts(limits=limits(per_username=(Limit(1, timedelta(hours=1)),)))
    settled(portal)
    portal.accounts.rename("c-1", OFFICE, username="a" * length)
    assert isinstance(portal.sign_ins.sign_in("a" * 256, "wrong"), SignInDenied)
    assert isinstance(portal.sign_ins.sign_in("a" * length, GOOD_PASSWORD), SignedIn)


def test_a_device_is_text(memory_portal: Portal) -> None:
    """R23: anything else is a mistake of the program, which would never know a device again."""
    device: Any = 5
    with pytest.raises(InvalidValueError) as refused:
        memory_portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, device=device)
    assert refused.value.field == "device"


def test_an_empty_source_is_none(memory_portal: Portal) -> None:
    """Whoever cannot tell passes empty text: then nobody waits for what somebody else did."""
    portal = memory_portal.with_parts(limits=limits(per_source=(Limit(1, timedelta(hours=1)),)))
    for name in ("rabbiatici", "pobrien", "avdberg"):
        assert isinstance(portal.sign_ins.sign_in(name, "wrong", source=""), SignInDenied)


def test_an_operators_id_has_as_many_characters_as_a_column() -> None:
    """The tables have room for 255, as for every text of an event."""
    assert Operator(operator_id="o" * 255).operator_id
    with pytest.raises(InvalidValueError):
        Operator(operator_id="o" * 256)
