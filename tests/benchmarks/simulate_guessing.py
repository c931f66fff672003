"""
Judge the limits on guessing by a school's first day: ``python tests/benchmarks/simulate_guessing.py``.

The real services over stores in memory, with the limits that a portal has by default, in virtual time: one thread, one
event after the other, the same each time for one seed. Only hashing is replaced, by a queue that answers so many
checks a second. 1,800 families come with the right default within two hours or half an hour; from the night before,
600 more have passwords of their own and sign in at some time of five hours. 15 % mistype once or twice before. Whoever
is told to come later does; whoever is denied with the right password tries again a minute later, five times in all;
everybody gives up two hours after they came. Attacks begin with the day and go on for four hours. Of four families
three come with a browser that keeps the portal's cookie. Where the addresses are declared, the portal was told that
families share them.

A cell such as 3.2/0.5 is about families with defaults and families with passwords of their own. Families whose account
somebody else claimed are not in it: their password is right no more. The columns:

- *refused %*: families with a right password, or a good ticket, that were denied or told to come later at least once
- *later %*: families that were told to come later at least once, whatever they typed
- *not done %*: families that were not done within two hours
- *guesses*: what the attacker had verified, which means compared with the hash of an account
- */account*, */source*: the most of them for one account, and from one source: an IPv4 address or an IPv6 /64
- *spent*: credentials that failures spent
- *claimed*: accounts for which the attacker chose a password
- *noticed*, *slowed*: of these, how many before the first alarm, and before the attacker was first refused
- *alarms*: the suspicions on the record
- *rows*: the most that the counter held
- *named*: minutes until the named parent got in who came after an hour, with a default and with a chosen password

A mark of ! stands behind what misses a target: refused at most 1 %, not done at most 0.5 %, noticed within 20 claims
and slowed within 50, no alarm without an attack, and the named parent in within two hours.
"""

# ruff: noqa: S311  Nothing secret is drawn.
from __future__ import annotations

import argparse
import hashlib
import ipaddress
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from functools import cache
from heapq import heappop, heappush
from itertools import chain, count, cycle, product, repeat, takewhile
from typing import Final, Self, TypeVar

import attrs

from portalcreds.accounts import PasswordHash
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import default_password
from portalcreds.portal import Portal
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import AccountStore, ApplyResult, Change, HashCheck
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import (
    CompleteChangeOutcome,
    PasswordChanged,
    PasswordChangeRequired,
    SignedIn,
    SignInDenied,
    SignInOutcome,
    TicketInvalid,
    TryLater,
)
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter

START: Final = datetime(2026, 8, 24, 7, 30, tzinfo=UTC)
MINUTE: Final = 60.0
HOUR: Final = 3600.0
WITHIN: Final = {"2 h": 2 * HOUR, "30 min": 30 * MINUTE}
"""In which time the families with defaults come."""

BEHIND: Final = {"3 addresses": 3, "1 address": 1, "their own": None, "3 declared": 3, "1 declared": 1}
"""How many addresses the families share; None for one each, as in mobile networks."""

DECLARED: Final = ("192.0.2.0/24",)
"""What the portal is told that families share, where it is told."""

SCHOOL: Final = "192.0.2.1"
"""The school's own address, or the first of three."""

DAY: Final = 5 * HOUR
"""In which time the families with passwords of their own come."""

ATTACK: Final = 4 * HOUR
PATIENCE: Final = 2 * HOUR
TRIES: Final = 5
"""How often somebody with a right password is denied before giving up."""

CAPACITY: Final = 57.0
"""Checks a second on two cores, for the cost of issued passwords."""

PLACES: Final = 32
"""Of the queue, as a `portalcreds.hashers.HashingPool` has on two cores."""

OFFICE: Final = Operator(operator_id="office")
CHOSEN: Final = "a long walk on the beach"
STOLEN: Final = "seven quiet green bicycles"
WRONG: Final = "not the password"

ONE: Final = "203.0.113.1"
SIX: Final = tuple(f"203.0.113.{n}" for n in range(1, 7))

T = TypeVar("T")
Steps = Iterator[float]
"""What somebody does: it yields how many seconds pass until the next step."""


def main() -> None:
    """Simulate what was asked for, and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_legend(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--families", type=int, default=1800, help="with defaults; the others are in proportion")
    parser.add_argument("--capacity", type=float, default=CAPACITY, help="checks a second; 0 hashes in no time")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    began = time.perf_counter()
    for name in options.scenario:
        say(f"\n{name}: {SCENARIOS[name][0]}\n")
        say_row(COLUMNS, markdown=options.markdown)
        if options.markdown:
            say_row(["---"] * 2 + ["---:"] * (len(COLUMNS) - 2), markdown=True)
        for within, behind in product(WITHIN, BEHIND):
            school = simulate(
                name, within, behind, seed=options.seed, families=options.families, capacity=options.capacity
            )
            say_row((within, behind, *cells(school)), markdown=options.markdown)
    say(f"\n{time.perf_counter() - began:.0f} s, seed {options.seed}, {options.families} families with defaults")


def simulate(
    scenario: str,
    within: str,
    behind: str,
    *,
    seed: int = 1,
    families: int = 1800,
    capacity: float = CAPACITY,
    attack: float = ATTACK,
) -> School:
    """Let one day pass, with an attack of so many seconds, and return the school as it is then."""
    school = School(
        families=families,
        within=WITHIN[within],
        shared=BEHIND[behind],
        declared=DECLARED if behind.endswith("declared") else (),
        seed=seed,
        hasher=VirtualHasher(capacity),
        attack=attack,
    )
    attackers = SCENARIOS[scenario][1](school)
    school.live([*(family(school, person) for person in school.people), attackers])
    return school


# -- the school


@attrs.define(eq=False)
class Visitor:
    """Whoever signs in as somebody."""

    username: str
    address: str = ""
    device: Secret | str | None = None


@attrs.define(eq=False, kw_only=True)
class Person(Visitor):
    """Somebody honest, and how it went."""

    password: str
    is_new: bool
    is_named: bool
    draw: random.Random
    arrives: float
    mistypes: int
    was_refused: bool = False
    was_told_later: bool = False
    took: float | None = None

    @property
    def minutes(self) -> float | None:
        """How long it took, or None for more than two hours."""
        return None if self.took is None or self.took > PATIENCE else self.took / MINUTE


class School:
    """
    A portal, the people who come to it, and the time.

    Args:
        families: How many come with a default.
        within: In how many seconds.
        shared: How many addresses they share, or None.
        declared: The networks that the portal is told families share.
        seed: Of everything that is drawn.
        hasher: Whose clock tells the time.
        attack: How many seconds an attack goes on.
    """

    def __init__(
        self,
        *,
        families: int,
        within: float,
        shared: int | None,
        declared: Sequence[str],
        seed: int,
        hasher: VirtualHasher,
        attack: float,
    ) -> None:
        self.hasher = hasher
        self.clock = hasher.clock
        self.counter = WatchedCounter(clock=self.clock)
        self.store = WatchedStore(first_morning(families))
        self.portal = open_portal(self.store, hasher, self.counter, declared)
        self.draw = random.Random(f"{seed} attack")
        self.attacker = Attacker(self)
        self.attack = attack
        self._seed = seed
        self.roster: dict[str, list[Contact]] = rosters(families)
        default, chosen = self.roster["named"]
        self.people = [
            *(self._person(contact, within=within, is_new=True) for contact in self.roster["new"]),
            *(self._person(contact, within=DAY, is_new=False) for contact in self.roster["old"]),
            self._person(default, within=0, is_new=True, is_named=True),
            self._person(chosen, within=0, is_new=False, is_named=True),
        ]
        for number, person in enumerate(self.people):
            person.address = f"198.18.{number >> 8}.{number & 255}" if shared is None else _school(number % shared)
            # Of four families one comes with a browser that keeps no cookies, or with another one.
            person.device = None if number % 4 == 3 else ""
        self._pass_a_night()

    def sign_in(self, who: Visitor, password: str) -> SignInOutcome:
        """Sign in: the one place where anybody does."""
        self.hasher.begin()
        outcome = self.portal.sign_ins.sign_in(who.username, password, source=who.address, device=who.device)
        if isinstance(outcome, SignedIn):
            who.device = outcome.device
        return outcome

    def choose(self, who: Visitor, ticket: Secret | str, password: str) -> CompleteChangeOutcome:
        """Exchange a ticket for a password of one's own: the one place where anybody does."""
        self.hasher.begin()
        return self.portal.sign_ins.complete_change(ticket, password, source=who.address)

    def until(self, at: float) -> float:
        """Return the seconds until then."""
        return max(0.0, at - self.clock.seconds)

    def live(self, everybody: Iterable[Steps]) -> None:
        """Let time pass until nobody has anything more to do."""
        turn = count()
        agenda = [(0.0, next(turn), steps) for steps in everybody]
        while agenda:
            at, _, steps = heappop(agenda)
            self.clock.move_to(at)
            wait = next(steps, None)
            if wait is not None:
                heappush(agenda, (at + wait, next(turn), steps))

    def _pass_a_night(self) -> None:
        # So that what a portal remembers of those who were right before is there.
        for person in self.people:
            if not person.is_new:
                self.clock.move_to(self.clock.seconds + 10)
                _expect(SignedIn, self.sign_in(person, person.password))
        self.clock.move_to(0.0)

    def _person(self, contact: Contact, *, within: float, is_new: bool, is_named: bool = False) -> Person:
        # Of their own: whatever others do, one family does the same in each scenario.
        draw = random.Random(f"{self._seed} {contact.contact_id}")
        return Person(
            username=contact.contact_id,
            password=default_of(contact) if is_new else CHOSEN,
            is_new=is_new,
            is_named=is_named,
            draw=draw,
            arrives=HOUR if is_named else draw.uniform(0, within),
            mistypes=draw.choice((1, 2)) if draw.random() < 0.15 and not is_named else 0,
        )


def open_portal(
    store: AccountStore, hasher: VirtualHasher, counter: MemoryAttemptCounter, declared: Sequence[str] = ()
) -> Portal:
    """Put a portal together: the one place where one is made."""
    authorizer = Grants(privileges={OFFICE.operator_id: list(Privilege)})
    return Portal.over(
        store,
        authorizer=authorizer,
        hasher=hasher,
        counter=counter,
        shared_sources=declared,
        clock=hasher.clock,
    )


@cache
def rosters(families: int) -> dict[str, list[Contact]]:
    """Return who is known to the school, by what becomes of them."""
    sizes = {
        "new": families,
        "old": max(1, families // 3),
        # Have live defaults, and do not come today.
        "stranger": max(1, families // 9),
        "expired": max(1, 2 * families // 9),
        "named": 2,
    }
    return {
        kind: [
            Contact(contact_id=ContactId(f"{kind}-{n:04}"), first_name="Kim", last_name=f"Parent{n:04}")
            for n in range(size)
        ]
        for kind, size in sizes.items()
    }


@cache
def first_morning(families: int) -> MemoryAccountStore:
    """Return a store with the accounts as they are before the first day."""
    store = MemoryAccountStore()
    hasher = VirtualHasher(0)
    portal = open_portal(store, hasher, MemoryAttemptCounter(clock=hasher.clock))
    roster = rosters(families)
    default, chosen = roster["named"]
    hasher.clock.move_to(-20 * 24 * HOUR)
    everybody = chain.from_iterable(roster.values())
    portal.accounts.sync_contacts(everybody, OFFICE, usernames=lambda contact: contact.contact_id)
    for contact in roster["expired"]:
        portal.resets.reset_password(contact.contact_id, OFFICE)
    hasher.clock.move_to(-24 * HOUR)
    for contact in (*roster["new"], *roster["old"], *roster["stranger"], default, chosen):
        portal.resets.reset_password(contact.contact_id, OFFICE)
    for contact in (*roster["old"], chosen):
        demanded = _expect(PasswordChangeRequired, portal.sign_ins.sign_in(contact.contact_id, default_of(contact)))
        _expect(PasswordChanged, portal.sign_ins.complete_change(demanded.ticket, CHOSEN))
    return store


def _expect(kind: type[T], outcome: object) -> T:
    if not isinstance(outcome, kind):
        raise LookupError(f"somebody honest came to {outcome!r}")
    return outcome


def default_of(contact: Contact) -> str:
    """Return the contact's default."""
    return default_password(contact).reveal()


def _school(number: int) -> str:
    return f"{SCHOOL[:-1]}{number + 1}"


# -- what a family does


def family(school: School, person: Person) -> Steps:
    """Come, sign in, and choose a password if that is asked for."""
    yield person.arrives
    denied = 0
    mistypes = person.mistypes
    while denied < TRIES and school.clock.seconds - person.arrives <= PATIENCE:
        is_right = not mistypes
        outcome = school.sign_in(person, person.password if is_right else f"{person.password}x")
        yield school.hasher.wait
        match outcome:
            case SignedIn():
                person.took = school.clock.seconds - person.arrives
                return
            case PasswordChangeRequired(ticket=ticket):
                yield from _choose(school, person, ticket)
                if person.took is not None:
                    return
            case TryLater(retry_after=wait):
                yield _come_later(school, person, wait, is_right=is_right)
            case SignInDenied() if not is_right:
                mistypes -= 1
                yield person.draw.uniform(5, 30)
            case SignInDenied():
                denied += 1
                _refuse(school, person)
                yield person.draw.uniform(MINUTE, 90)
            case _:
                _expect(PasswordChanged, outcome)


def _choose(school: School, person: Person, ticket: Secret) -> Steps:
    yield person.draw.uniform(30, 3 * MINUTE)
    while True:
        outcome = school.choose(person, ticket, CHOSEN)
        yield school.hasher.wait
        match outcome:
            case PasswordChanged():
                person.took = school.clock.seconds - person.arrives
                return
            case TryLater(retry_after=wait):
                yield _come_later(school, person, wait, is_right=True)
            case TicketInvalid():
                return
            case _:
                _expect(PasswordChanged, outcome)


def _come_later(school: School, person: Person, wait: timedelta, *, is_right: bool) -> float:
    person.was_told_later = True
    if is_right:
        _refuse(school, person)
    return wait.total_seconds() + person.draw.uniform(0, MINUTE)


def _refuse(school: School, person: Person) -> None:
    if person.username not in school.attacker.claimed:
        person.was_refused = True


# -- what an attacker does


class Attacker:
    """Whoever guesses, from however many addresses, and what came of it."""

    def __init__(self, school: School) -> None:
        self.has_come = False
        self.verified = 0
        self.by_account: Counter[str] = Counter()
        self.by_source: Counter[str] = Counter()
        self.claimed: set[str] = set()
        self.before_noticed: int | None = None
        self.before_slowed: int | None = None
        self._school = school

    def guess(self, username: str, source: str, password: str = WRONG) -> SignInOutcome:
        """Guess once."""
        outcome = self._school.sign_in(Visitor(username, source), password)
        if self._school.hasher.compared:
            self.verified += 1
            self.by_account[username] += 1
            self.by_source[source.partition("::")[0]] += 1
        self._look_round(outcome)
        return outcome

    def send_ticket(self, source: str, ticket: Secret | str, username: str = "") -> CompleteChangeOutcome:
        """Hand in a change ticket, stolen or invented."""
        outcome = self._school.choose(Visitor(username, source), ticket, STOLEN)
        if isinstance(outcome, PasswordChanged):
            self.claimed.add(username)
        self._look_round(outcome)
        return outcome

    def _look_round(self, outcome: object) -> None:
        self.has_come = True
        if isinstance(outcome, TryLater) and self.before_slowed is None:
            self.before_slowed = len(self.claimed)
        if self._school.store.alarms and self.before_noticed is None:
            self.before_noticed = len(self.claimed)


def guesses(school: School, times: Iterable[float], sources: Iterable[str], names: Iterable[str]) -> Steps:
    """Guess once at each of the times, whatever came of it before."""
    for at, source, name in zip(takewhile(lambda at: at < school.attack, times), sources, names, strict=False):
        yield school.until(at)
        school.attacker.guess(name, source)


def garbage(school: School, times: Iterable[float]) -> Steps:
    """Hand in a ticket that nobody drew at each of the times, from the school's own address."""
    for at in takewhile(lambda at: at < school.attack, times):
        yield school.until(at)
        school.attacker.send_ticket(SCHOOL, "stranger-0000.not-a-ticket")


def claims(school: School, source: str) -> Steps:
    """Try the right default of everybody, one a second, and choose a password for each who has not come yet."""
    owners = [*school.roster["new"], *school.roster["stranger"]]
    school.draw.shuffle(owners)
    for owner in owners:
        yield 1.0
        while school.clock.seconds < school.attack:
            outcome: object = school.attacker.guess(owner.contact_id, source, default_of(owner))
            if isinstance(outcome, PasswordChangeRequired):
                outcome = school.attacker.send_ticket(source, outcome.ticket, owner.contact_id)
            if not isinstance(outcome, TryLater):
                break
            yield outcome.retry_after.total_seconds()


def every(seconds: float, *, start: float = 0, end: float = ATTACK) -> Iterator[float]:
    """Yield times that far apart."""
    # Not by adding: that comes to one too many.
    return takewhile(lambda at: at < end, (start + n * seconds for n in count()))


def bursts(size: int, *, apart: float) -> Iterator[float]:
    """Yield so many times at the start of each period, five a second."""
    return (start + n / 5 for start in every(apart) for n in range(size))


def everybody(school: School, families: Sequence[Contact] | None = None) -> Iterator[str]:
    """Yield user names round and round, by default those of the families that had a default this morning."""
    names = [contact.contact_id for contact in families or (*school.roster["new"], *school.roster["stranger"])]
    school.draw.shuffle(names)
    return cycle(names)


def not_done(school: School) -> Iterator[str]:
    """Yield those of `everybody` who still have a default, as if the attacker knew: the worst that can happen."""
    for name in everybody(school):
        account = school.store.find_by_username(name)
        if account is not None and account.credential.must_change:
            yield name


def addresses(school: School, number: int | None = None) -> Iterator[str]:
    """Yield addresses of different networks: so many round and round, or always another."""
    drawn = (str(ipaddress.IPv4Address(school.draw.randrange(0x0B000000, 0x50000000))) for _ in repeat(None))
    return drawn if number is None else cycle([next(drawn) for _ in range(number)])


def one_network() -> Iterator[str]:
    """Yield the addresses of one IPv6 /64."""
    return (f"2001:db8:0:1::{n:x}" for n in count(1))


def named(school: School) -> Iterator[str]:
    """Yield ten times the user name of the one named parent and ten times that of the other, round and round."""
    return cycle([contact.contact_id for contact in school.roster["named"] for _ in range(10)])


SCENARIOS: Final[dict[str, tuple[str, Callable[[School], Steps]]]] = {
    "none": ("nobody guesses", lambda _: iter(())),
    "bursts": (
        "300 guesses at live defaults at the start of each ten minutes, from 6 addresses",
        lambda school: guesses(school, bursts(300, apart=10 * MINUTE), cycle(SIX), not_done(school)),
    ),
    "one-from-6": (
        "a guess a second at everybody, from 6 addresses",
        lambda school: guesses(school, every(1), cycle(SIX), everybody(school)),
    ),
    "one-from-200": (
        "a guess a second at everybody, from 200 new addresses",
        lambda school: guesses(school, every(1), addresses(school, 200), everybody(school)),
    ),
    "two-from-6": (
        "two guesses a second at everybody, from 6 addresses",
        lambda school: guesses(school, every(0.5), cycle(SIX), everybody(school)),
    ),
    "two-from-200": (
        "two guesses a second at everybody, from 200 new addresses",
        lambda school: guesses(school, every(0.5), addresses(school, 200), everybody(school)),
    ),
    "claims": (
        "one source tries the right default of each of the 2,000 who had one in the morning",
        lambda school: claims(school, ONE),
    ),
    "chosen": (
        "120 guesses at each of 200 chosen passwords, each from another address",
        lambda school: guesses(school, every(0.6), addresses(school), everybody(school, school.roster["old"][::3])),
    ),
    "named-from-1": (
        "10 guesses at one named parent every five minutes, from one address",
        lambda school: guesses(school, bursts(20, apart=5 * MINUTE), repeat(ONE), named(school)),
    ),
    "named-from-many": (
        "10 guesses at one named parent every five minutes, each from another address",
        lambda school: guesses(school, bursts(20, apart=5 * MINUTE), addresses(school), named(school)),
    ),
    "ipv6": (
        "1,000 failures within an hour, from one IPv6 /64",
        lambda school: guesses(school, every(3.6, end=HOUR), one_network(), everybody(school)),
    ),
    "tickets-50": (
        "50 garbage tickets at once after ten minutes, from the school's own address",
        lambda school: garbage(school, repeat(10 * MINUTE, 50)),
    ),
    "tickets-5000": (
        "5,000 garbage tickets within the first hour, from the school's own address",
        lambda school: garbage(school, every(HOUR / 5000, end=HOUR)),
    ),
    "expired": (
        "300 guesses at expired defaults at the start of each ten minutes, from 6 addresses",
        lambda school: guesses(
            school, bursts(300, apart=10 * MINUTE), cycle(SIX), everybody(school, school.roster["expired"])
        ),
    ),
    "inside-guesses": (
        "a guess a second, from the school's own address",
        lambda school: guesses(school, every(1), repeat(SCHOOL), everybody(school)),
    ),
    "inside-claims": (
        "the same as claims, from the school's own address",
        lambda school: claims(school, SCHOOL),
    ),
    "flood": (
        "80 guesses a second for five minutes, each from another address",
        lambda school: guesses(
            school, every(1 / 80, start=10 * MINUTE, end=15 * MINUTE), addresses(school), everybody(school)
        ),
    ),
}


def _legend() -> str:
    return "\n".join(["Scenarios:", *(f"  {name:18}{label}" for name, (label, _) in SCENARIOS.items())])


# -- what the portal stands on


class VirtualClock:
    """Tells the time that the events say; it begins the night before."""

    def __init__(self) -> None:
        self.move_to(-12 * HOUR)

    def __call__(self) -> datetime:
        """Return it."""
        return self._now

    def move_to(self, seconds: float) -> None:
        """Be so many seconds after the day's start."""
        self.seconds = seconds
        self._now = START + timedelta(seconds=seconds)


class VirtualHasher:
    """
    A hasher, and a permit of it, that hashes in no time and says when a queue would have answered.

    Args:
        capacity: Checks a second; 0 for any number.

    Attributes:
        clock: Tells the time.
        compared: Whether the caller's password was compared with an account's hash.
        wait: How many seconds the caller waits for the answer.
    """

    def __init__(self, capacity: float) -> None:
        self.clock = VirtualClock()
        self.begin()
        self._takes = 1 / capacity if capacity else 0.0
        self._free_at = self.clock.seconds

    def begin(self) -> None:
        """Expect another caller."""
        self.compared = False
        self.wait = 0.0

    @property
    def denial_floor(self) -> timedelta:
        """None."""
        return timedelta(0)

    def admit(self, _caller: str | None = None, /) -> Self | None:
        """Let in whoever finds a place."""
        return None if self._free_at - self.clock.seconds > (PLACES - 1) * self._takes > 0 else self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self, password: Secret, password_hash: PasswordHash | None, /) -> HashCheck:
        """Compare, if there is anything to compare with."""
        self._work()
        self.compared = self.compared or password_hash is not None
        return HashCheck(matched=_hash(password) == password_hash)

    def matches(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Compare."""
        self._work()
        return _hash(password) == password_hash

    def hash_chosen(self, password: Secret, /) -> PasswordHash:
        """Hash."""
        self._work()
        return _hash(password)

    def hash_issued(
        self, passwords: Iterable[Secret], /, *, executor: Executor | None = None, may_leave_process: bool = False
    ) -> Iterator[PasswordHash]:
        """Hash them."""
        return map(_hash, passwords)

    def _work(self) -> None:
        self._free_at = max(self._free_at, self.clock.seconds) + self._takes
        self.wait = self._free_at - self.clock.seconds


def _hash(password: Secret) -> PasswordHash:
    return PasswordHash(hashlib.blake2b(password.reveal().encode(), digest_size=16).hexdigest())


class WatchedStore(MemoryAccountStore):
    """
    A store that knows what is on its record.

    Args:
        other: Whose accounts it begins with.

    Attributes:
        alarms: How often each suspicion.
        spent: How many credentials failures spent.
    """

    def __init__(self, other: MemoryAccountStore) -> None:
        super().__init__()
        self._accounts.update(other._accounts)
        self._owners.update(other._owners)
        self.alarms: Counter[AuditKind] = Counter()
        self.spent = 0

    def record(self, events: Sequence[AuditEvent], /) -> None:
        """Append the events."""
        super().record(events)
        self._look_at(events)

    def apply(self, changes: Sequence[Change], /) -> Sequence[ApplyResult]:
        """Store the changes."""
        results = super().apply(changes)
        for change, result in zip(changes, results, strict=True):
            if result == ApplyResult.APPLIED:
                self._look_at(change.events)
        return results

    def _look_at(self, events: Sequence[AuditEvent]) -> None:
        for event in events:
            if event.kind.value.endswith("_suspected"):
                self.alarms[event.kind] += 1
            elif event.kind == AuditKind.CREDENTIAL_SPENT:
                self.spent += 1


class WatchedCounter(MemoryAttemptCounter):
    """
    A counter that knows how many counts it held.

    Attributes:
        most_rows: At the busiest time.
    """

    most_rows = 0

    def hit(self, key: str, window: timedelta | None, /) -> int:
        """Add one."""
        total = super().hit(key, window)
        self.most_rows = max(self.most_rows, len(self._counts))
        return total


# -- the table

COLUMNS: Final = {
    "within": 8,
    "behind": 13,
    "refused %": 12,
    "later %": 12,
    "not done %": 12,
    "guesses": 9,
    "/account": 10,
    "/source": 9,
    "spent": 7,
    "claimed": 9,
    "noticed": 9,
    "slowed": 8,
    "alarms": 24,
    "rows": 8,
    "named": 12,
}
"""Their names and widths."""


def cells(school: School) -> tuple[str, ...]:
    """Return what came of a day, with a mark behind what misses a target."""
    attacker, store = school.attacker, school.store
    own = [each for each in school.people if each.username not in attacker.claimed and not each.is_named]
    kinds = [[each for each in own if each.is_new], [each for each in own if not each.is_new]]

    def percent(is_counted: Callable[[Person], bool], *, at_most: float = 100) -> str:
        shares = [100 * sum(map(is_counted, kind)) / max(1, len(kind)) for kind in kinds]
        return _marked("/".join(f"{share:.1f}" for share in shares), max(shares) > at_most)

    def after(claims: int | None, *, at_most: int) -> str:
        so_many = len(attacker.claimed) if claims is None else claims
        text = "never" if claims is None else str(claims)
        return _marked(text, so_many > at_most) if attacker.claimed else ""

    alarms = " ".join(f"{kind.value.removesuffix('_suspected')} {times}" for kind, times in store.alarms.items())
    named = [each.minutes for each in school.people if each.is_named]
    return (
        percent(lambda person: person.was_refused, at_most=1),
        percent(lambda person: person.was_told_later),
        percent(lambda person: person.minutes is None, at_most=0.5),
        str(attacker.verified),
        str(max(attacker.by_account.values(), default=0)),
        str(max(attacker.by_source.values(), default=0)),
        str(store.spent),
        str(len(attacker.claimed)),
        after(attacker.before_noticed, at_most=20),
        after(attacker.before_slowed, at_most=50),
        _marked(alarms or "0", bool(alarms) and not attacker.has_come),
        str(school.counter.most_rows),
        _marked("/".join("never" if each is None else f"{each:.0f}" for each in named), None in named),
    )


def say_row(row: Iterable[str], *, markdown: bool) -> None:
    """Print a line of cells."""
    if markdown:
        say("| " + " | ".join(row) + " |")
    else:
        say("".join(f"{cell:{width}}" for cell, width in zip(row, COLUMNS.values(), strict=True)).rstrip())


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _marked(text: str, misses: bool) -> str:
    return f"{text}!" if misses else text


if __name__ == "__main__":
    main()
