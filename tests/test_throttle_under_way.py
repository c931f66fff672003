"""Attempts that are under way together share what the cap allows, whichever ends first."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import attrs
import pytest

from guessing import limits, somebody
from portal import Portal, is_spent, issued, watched
from portalcreds.accounts import Account
from portalcreds.audit import AuditKind
from portalcreds.protocols import AttemptCounter
from portalcreds.throttle import Guess, Throttle


def begun(throttle: Throttle, account: Account, times: int) -> list[Guess]:
    """Begin so many attempts that are under way together."""
    return [throttle.begin(account, somebody(throttle), None) for _ in range(times)]


def fail(throttle: Throttle, account: Account, guesses: list[Guess]) -> list[tuple[AuditKind, str]]:
    """Let these fail that may be verified, end them all, and return what goes on the record."""
    noted = []
    for one in guesses:
        noted += throttle.record_failure(account if one.refusal is None else None, somebody(throttle))
        one.close()
    return noted


def test_a_success_does_not_unlock_what_was_spent_meanwhile(portal: Portal) -> None:
    """R9: a right password that was verified for so long that ten others failed meanwhile does not undo that."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    (stalled,) = begun(throttle, account, 1)
    portal.clock.move(hours=1)
    assert fail(throttle, account, begun(throttle, account, 10)) == [(AuditKind.CREDENTIAL_SPENT, "default")]
    throttle.record_success(account, somebody(throttle))
    stalled.close()
    assert is_spent(throttle, account)
    assert throttle.begin(account, somebody(throttle), None).refusal == "spent"


def test_a_success_at_the_cap_does_not_lock_its_owner_out(portal: Portal) -> None:
    """Guesses refused unseen while the last one, the right one, was verified are no failures of the owner."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    *wrong, right, one_more, another = begun(throttle, account, 12)
    assert [guess.refusal for guess in (right, one_more, another)] == [None, "too_many_at_once", "too_many_at_once"]
    fail(throttle, account, [*wrong, one_more, another])
    throttle.record_success(account, somebody(throttle))
    right.close()
    assert not is_spent(throttle, account)
    assert [guess.refusal for guess in begun(throttle, account, 10)] == [None] * 10


def test_attempts_under_way_at_a_success_still_count(portal: Portal) -> None:
    """R9: however many guesses are under way when the owner signs in, no more than the cap are looked at after it."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    right, *waiting = begun(throttle, account, 10)
    throttle.record_success(account, somebody(throttle))
    right.close()
    more = begun(throttle, account, 10)
    assert [guess.refusal for guess in more].count(None) == 1
    noted = fail(throttle, account, [*waiting, *more])
    assert noted == [(AuditKind.CREDENTIAL_SPENT, "default")]
    assert {guess.refusal for guess in begun(throttle, account, 5)} == {"spent"}


def test_what_comes_to_nothing_gives_no_guesses_away_and_takes_none(portal: Portal) -> None:
    """R9: attempts that end unverified while others fail let through what the cap says, no more and no less."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    waiting = begun(throttle, account, 5)
    assert fail(throttle, account, begun(throttle, account, 30)) == []
    for one in waiting:
        one.close()
    assert not is_spent(throttle, account)
    last = begun(throttle, account, 30)
    assert [one.refusal for one in last].count(None) == 5
    assert fail(throttle, account, last) == [(AuditKind.CREDENTIAL_SPENT, "default")]
    assert is_spent(throttle, account)


@pytest.mark.parametrize("help_them", ["wait", "unlock"])
def test_attempts_of_a_process_that_died_end_by_themselves(portal: Portal, help_them: str) -> None:
    """R9: attempts that never end spend nothing: they count for half an hour at most, or until the office helps."""
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    begun(throttle, account, 10)
    assert throttle.begin(account, somebody(throttle), None).refusal == "too_many_at_once"
    assert not is_spent(throttle, account)
    if help_them == "unlock":
        throttle.unlock(account)
    else:
        portal.clock.move(minutes=30)
    assert throttle.begin(account, somebody(throttle), None).refusal is None


@pytest.mark.parametrize("seconds", range(-240, 241, 30))
def test_attempts_see_each_other_wherever_a_window_ends(memory_portal: Portal, seconds: int) -> None:
    """R9: attempts of processes whose clocks are four minutes apart share a cap, at every time of the day."""
    portal = memory_portal
    throttle = portal.with_parts(limits=limits(default_failures=2)).throttle
    issued(portal)
    account = portal.account("c-1")
    portal.clock.move(seconds=seconds)
    begun(throttle, account, 2)
    for by in (-239, 239):
        portal.clock.move(seconds=by)
        assert throttle.begin(account, somebody(throttle), None).refusal == "too_many_at_once"
        portal.clock.move(seconds=-by)


class OneByOne:
    """A counter that reads keys one after the other, and before each step of which others may do something."""

    def __init__(self, counter: AttemptCounter, before: dict[int, Callable[[], object]], *, is_backwards: bool) -> None:
        self._counter = counter
        self._before = before
        self._direction = -1 if is_backwards else 1
        self.steps = 0

    def _step(self) -> None:
        self._before.get(self.steps, bool)()
        self.steps += 1

    def hit(self, key: str, window: timedelta | None, /) -> int:
        """Add one."""
        self._step()
        return self._counter.hit(key, window)

    def counts(self, keys: Sequence[str], /) -> list[int]:
        """Return the counts, each as it is when its turn comes."""
        found = {}
        for key in keys[:: self._direction]:
            self._step()
            (found[key],) = self._counter.counts([key])
        return [found[key] for key in keys]

    def clear(self, key: str, /) -> None:
        """Forget a count."""
        self._counter.clear(key)

    def purge(self) -> int:
        """Remove nothing."""
        return 0


@pytest.mark.parametrize("is_backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("others", ["fail", "come and go"])
def test_nothing_that_others_do_meanwhile_gets_beyond_the_cap(
    memory_portal: Portal, others: str, is_backwards: bool
) -> None:
    """R9: before whichever steps of an attempt others begin, fail or end, the two that the cap allows stay two."""
    portal = memory_portal
    throttle = portal.with_parts(limits=limits(default_failures=2)).throttle
    visitor = somebody(throttle)

    def verified(first: int, then: int) -> tuple[int, int]:
        issued(portal)
        account = portal.account("c-1")
        two: list[Guess] = []

        def go_on() -> None:
            if others == "fail":
                fail(throttle, account, two)
            else:
                for _ in range(5):
                    # As they do who saw nobody under way when they came, and too many when they began.
                    _, progress = throttle._counted(portal.clock(), account, visitor)
                    throttle._begin(progress, throttle._counter.counts(progress.ended))
                    Guess(throttle._counter, progress).close()

        def come(*, and_go_on: bool) -> None:
            two.extend(begun(throttle, account, 2))
            if and_go_on:
                go_on()

        steps: dict[int, Callable[[], object]] = {then: go_on}
        steps[first] = partial(come, and_go_on=first == then)
        counter = OneByOne(portal.counter, steps, is_backwards=is_backwards)
        late = attrs.evolve(throttle, counter=counter).begin(account, visitor, None)
        return [late.refusal, *(guess.refusal for guess in two)].count(None), counter.steps

    (_, steps) = verified(100, 100)
    assert steps >= 8
    most = {(first, then): verified(first, then)[0] for first in range(steps) for then in range(first, steps)}
    assert max(most.values()) == 2, most


def test_who_is_refused_keeps_nobody_out(memory_portal: Portal) -> None:
    """R9: a crowd that comes while the cap is under way is not counted with it: when one ends, another may begin."""
    portal = memory_portal
    throttle = portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(portal)
    account = portal.account("c-1")
    one, *_ = begun(throttle, account, 10)
    hits: list[str] = []
    counter = watched(portal.counter, lambda _phase, name, arguments: hits.append(f"{name} {arguments[0]}"))
    crowd = begun(attrs.evolve(throttle, counter=counter), account, 30)
    assert {guess.refusal for guess in crowd} == {"too_many_at_once"}
    assert not [hit for hit in hits if hit.startswith("hit") and "account:" in hit]
    one.close()
    assert [guess.refusal for guess in begun(throttle, account, 2)] == [None, "too_many_at_once"]


@pytest.mark.parametrize("with_successes", [False, True], ids=["guesses", "guesses and successes"])
def test_no_race_gets_beyond_the_cap(every_portal: Portal, with_successes: bool) -> None:
    """R9: attempts that fail, come to nothing or succeed in any order make no more failures in a row than the cap."""
    throttle = every_portal.with_parts(limits=limits(default_failures=10)).throttle
    issued(every_portal)
    account = every_portal.account("c-1")
    failures: list[int] = []

    def note(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (phase, name) == ("after", "hit") and arguments[0].startswith("account:"):
            failures.append(every_portal.counter.counts([arguments[0]])[0])

    def guess_on(seed: int) -> int:
        chance, failed = random.Random(seed), 0  # noqa: S311  The same mixture in each run.
        barrier.wait()
        for _ in range(40):
            with throttle.begin(account, somebody(throttle), None) as one:
                came_to = chance.choice(["nothing", "nothing", "failure", "success" if with_successes else "failure"])
                if one.refusal is None and came_to == "failure":
                    failed += 1
                    throttle.record_failure(account, somebody(throttle))
                elif one.refusal is None and came_to == "success":
                    throttle.record_success(account, somebody(throttle))
        return failed

    throttle = attrs.evolve(throttle, counter=watched(every_portal.counter, note))
    barrier = threading.Barrier(8)
    with ThreadPoolExecutor(8) as executor:
        failed = sum(executor.map(guess_on, range(8)))
    while not is_spent(throttle, account):
        failed += 1
        fail(throttle, account, [throttle.begin(account, somebody(throttle), None)])
    assert max(failures) == 10
    assert failed > 10 if with_successes else failed == 10


def failures_after_a_race(portal: Portal, rounds: int) -> Counter[int]:
    """Race a failure with a success, so often; return how many failures it took after each to spend the credential."""
    throttle = portal.with_parts(limits=limits(default_failures=3)).throttle
    issued(portal)
    account = portal.account("c-1")

    def fail_once() -> list[tuple[AuditKind, str]]:
        return fail(throttle, account, begun(throttle, account, 1))

    def succeed(right: Guess, barrier: threading.Barrier) -> None:
        barrier.wait()
        throttle.record_success(account, somebody(throttle))
        right.close()

    took: Counter[int] = Counter()
    with ThreadPoolExecutor(1) as owner:
        for _ in range(rounds):
            fail_once()
            # All that the cap allows: one failed, and these two are under way.
            right, wrong = begun(throttle, account, 2)
            barrier = threading.Barrier(2)
            succeeding = owner.submit(succeed, right, barrier)
            barrier.wait()
            assert fail(throttle, account, [wrong]) == []
            succeeding.result()
            assert not is_spent(throttle, account)
            failures = 1
            while not fail_once():
                failures += 1
            assert is_spent(throttle, account)
            took[failures] += 1
            throttle.unlock(account)
    return took


def test_a_success_beside_a_failure_neither_unlocks_nor_locks(every_portal: Portal) -> None:
    """R9: whichever comes first, the failure counts after it or not at all, and never more than once."""
    assert set(failures_after_a_race(every_portal, 3)) <= {2, 3}


@pytest.mark.whole
def test_a_success_beside_a_failure_neither_unlocks_nor_locks_in_500_races(every_portal: Portal) -> None:
    """R9: likewise, so often that each comes first now and then."""
    assert set(failures_after_a_race(every_portal, 500)) <= {2, 3}
