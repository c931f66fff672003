"""Limits tell a guesser from the families beside: by place, by source, and by who gets in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from guessing import guess, limits
from portal import GOOD_PASSWORD, OTHER_PASSWORD, Portal, issued, settled, watched
from portalcreds.contacts import ContactId
from portalcreds.default_passwords import default_password
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn, SignInDenied, TryLater
from portalcreds.throttle import Limit, Throttle

FIVE = timedelta(minutes=5)
HOUR = timedelta(hours=1)


def sign_in(portal: Portal, password: str = GOOD_PASSWORD, **where: Any) -> str:
    """Try to sign Rosa in, and return the outcome's name."""
    return type(portal.sign_ins.sign_in("rabbiatici", password, **where)).__name__


def school(portal: Portal, families: int) -> list[ContactId]:
    """Add so many families with defaults."""
    ids = portal.add_school(families)
    for contact_id in ids:
        issued(portal, contact_id)
    return ids


def claim(portal: Portal, contact_id: ContactId, source: str) -> str:
    """Try the right default of a contact, and return the outcome's name."""
    default = default_password(portal.account(contact_id).contact)
    return type(portal.sign_ins.sign_in(f"user.{contact_id}", default, source=source)).__name__


# -- sources


@pytest.mark.parametrize(
    ("one", "same", "another"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("2001:db8:0:1::1", "2001:DB8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::1"),
        ("fe80::1%eth0", "fe80::2%eth1", "fe81::1"),
        ("the library", "the library", "The library"),
        ("192.0.2.1, 192.0.2.9", "192.0.2.1, 192.0.2.9", "192.0.2.1"),
    ],
)
def test_one_network_is_one_source(memory_portal: Portal, one: str, same: str, another: str) -> None:
    """An IPv4 address however written, the 64 bits of an IPv6 network, and a text of the host's are a source each."""
    portal = memory_portal.with_parts(limits=limits(per_source=(Limit(2, FIVE),)))
    guess(portal, 1, "a", source=one)
    guess(portal, 1, "b", source=same)
    assert isinstance(portal.sign_ins.sign_in("c", "x", source=one), TryLater)
    assert isinstance(portal.sign_ins.sign_in("c", "x", source=same), TryLater)
    assert portal.sign_ins.sign_in("c", "x", source=another) == SignInDenied()


@pytest.mark.parametrize("source", ["192.0.2.77", "::ffff:192.0.2.77", "2001:db8::5", "the school"])
def test_nobody_waits_for_others_at_a_source_that_families_share(memory_portal: Portal, source: str) -> None:
    """What the host names as shared is told on the record, and stops nobody; a user name has its limits there too."""
    portal = memory_portal.with_parts(
        limits=limits(per_source=(Limit(2, FIVE),), per_place=Limit(3, HOUR)),
        shared_sources=("192.0.2.0/24", "2001:db8::/32", "the school"),
    )
    assert guess(portal, 3, "a", source=source) == {"SignInDenied()"}
    assert "excess_rate_limit_exceeded source" in portal.kinds()
    assert portal.sign_ins.sign_in("b", "x", source=source) == SignInDenied()
    assert isinstance(portal.sign_ins.sign_in("a", "x", source=source), TryLater)


def test_a_source_is_shared_where_twenty_settled_families_signed_in(memory_portal: Portal) -> None:
    """A carrier's address, which no school can name, is known by the families at it; half a day old, not by claims."""
    portal = memory_portal.with_parts(limits=limits(per_source=(Limit(2, FIVE),)))
    families = school(portal, 20)
    for contact_id in families:
        portal.choose(contact_id)

    def all_sign_in() -> None:
        for contact_id in families:
            assert isinstance(portal.sign_ins.sign_in(f"user.{contact_id}", GOOD_PASSWORD, source=source), SignedIn)

    for source, hours, is_shared in (("young", 0, False), ("carrier", 12, True)):
        portal.clock.move(hours=hours)
        all_sign_in()
        guess(portal, 2, "a", source=source)
        assert isinstance(portal.sign_ins.sign_in("b", "x", source=source), SignInDenied if is_shared else TryLater)


# -- failures and those who get in


def test_mistakes_of_those_who_get_in_do_not_fill_a_source(portal: Portal) -> None:
    """Families that mistype and then get in take nothing from the others at their address; a guesser does (R9)."""
    portal = portal.with_parts(limits=limits(per_source=(Limit(3, FIVE), Limit(5, HOUR))))
    settled(portal)
    for _ in range(6):
        guess(portal, 2, source="school")
        assert sign_in(portal, source="school") == "SignedIn"
    guess(portal, 2, "nobody", source="school")
    assert sign_in(portal, source="school") == "SignedIn"
    guess(portal, 1, "nobody", source="school")
    assert isinstance(portal.sign_ins.sign_in("pobrien", "x", source="school"), TryLater)
    assert portal.kinds().count("excess_rate_limit_exceeded source") == 1


def test_each_failure_is_forgiven_once_however_many_successes_see_it(every_portal: Portal) -> None:
    """R9: an account of one's own, signed in to by many at once, buys a source no more guesses than it had failures."""
    throttle = every_portal.with_parts(limits=limits()).throttle
    settled(every_portal)
    account = every_portal.account("c-1")
    for _ in range(4):
        throttle.record_failure(account, throttle.admit("rabbiatici", "school"))
    caller = throttle.admit("rabbiatici", "school")
    all_have_read = threading.Barrier(8)

    def wait_for_all(phase: str, name: str, _: tuple[Any, ...]) -> None:
        if (phase, name) == ("after", "counts"):
            all_have_read.wait()

    at_once = Throttle(watched(every_portal.counter, wait_for_all), limits=throttle.limits, clock=every_portal.clock)

    def succeed(_: int) -> None:
        at_once.record_success(account, caller)

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(succeed, range(8)))
    after = throttle.admit("rabbiatici", "school")
    at_source = [window.most - window.limit.attempts for window in after.windows if "source" in window.key]
    assert at_source == [4]


def test_a_success_shows_nothing_to_those_elsewhere(portal: Portal) -> None:
    """After nine failures one more is left, whether the owner signed in meanwhile or there is no such account (R7)."""
    portal = portal.with_parts(limits=limits(per_username=(Limit(10, HOUR),)))
    settled(portal)
    told = []
    for username in ("rabbiatici", "nobody"):
        guess(portal, 9, username, source="203.0.113.1")
        if username == "rabbiatici":
            assert sign_in(portal, source="home") == "SignedIn"
        told.append([repr(portal.sign_ins.sign_in(username, "x", source=f"203.0.113.{n}")) for n in (2, 3)])
    assert told[0] == told[1]
    assert told[0][1].startswith("TryLater")


@pytest.mark.parametrize("is_known_by", ["source", "device"])
def test_a_place_that_was_right_before_goes_on(portal: Portal, is_known_by: str) -> None:
    """Somebody who guesses one parent's password all day keeps that parent out nowhere but in new places (R9)."""
    portal = portal.with_parts(limits=limits(per_username=(Limit(10, HOUR),), chosen_failures=100))
    settled(portal)
    first = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home", device="")
    assert isinstance(first, SignedIn)
    for number in range(30):
        guess(portal, 1, source=f"elsewhere {number}")
    assert sign_in(portal, source="the office", device="") == "TryLater"
    where = {"source": "home"} if is_known_by == "source" else {"source": "the office", "device": first.device}
    assert sign_in(portal, **where) == "SignedIn"
    assert sign_in(portal, "x", **where) == "SignInDenied"
    portal.clock.move(days=31)
    for number in range(30):
        guess(portal, 1, source=f"elsewhere {number}")
    assert sign_in(portal, **where) == "TryLater"


def test_a_device_is_known_for_its_user_name_alone(portal: Portal) -> None:
    """A token that was stolen or invented, or is of another account, counts like none."""
    portal = portal.with_parts(limits=limits(per_username=(Limit(2, HOUR),)))
    settled(portal)
    settled(portal, "c-2")
    pats = portal.sign_ins.sign_in("pobrien", GOOD_PASSWORD, device="")
    assert isinstance(pats, SignedIn)
    guess(portal, 2, source="elsewhere")
    for device in (pats.device, "invented", Secret("x" * 10_000), ""):
        assert sign_in(portal, device=device) == "TryLater"


def test_a_device_is_drawn_for_hosts_that_keep_one_and_once(portal: Portal) -> None:
    """128 bits where the host says that it keeps them, the same ones as long as they are known, and never shown."""
    settled(portal)
    devices = []
    for device in ("", "unknown", None):
        outcome = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, device=device)
        assert isinstance(outcome, SignedIn)
        devices.append(outcome.device)
    first, second, none = devices
    assert first is not None
    assert second is not None
    assert none is None
    assert len(first.reveal()) == 32
    assert first != second
    again = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, device=first.reveal())
    assert again == SignedIn(account=portal.account("c-1"), device=first)
    assert first.reveal() not in repr(again)


def test_a_known_device_goes_on_where_others_fail(portal: Portal) -> None:
    """A guesser at the family's own address stops its other devices, and not the one that signed in before (R9)."""
    portal = portal.with_parts(limits=limits(per_source=(Limit(3, FIVE),)))
    settled(portal)
    first = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home", device="")
    assert isinstance(first, SignedIn)
    guess(portal, 3, "nobody", source="home")
    assert sign_in(portal, source="home", device="") == "TryLater"
    assert sign_in(portal, source="home", device=first.device) == "SignedIn"
    assert (
        type(
            portal.sign_ins.change_password(
                "rabbiatici", GOOD_PASSWORD, OTHER_PASSWORD, source="home", device=first.device
            )
        ).__name__
        == "PasswordChanged"
    )


def test_one_place_spends_no_default(portal: Portal) -> None:
    """One address may fail five times an hour on one user name; the family gets in from another (R9)."""
    default = issued(portal)
    assert guess(portal, 5, source="203.0.113.1") == {"SignInDenied()"}
    assert sign_in(portal, default, source="203.0.113.1") == "TryLater"
    assert sign_in(portal, default, source="home") == "PasswordChangeRequired"


# -- the whole tenant


def sprayed(portal: Portal, kind: str = "default") -> Portal:
    """Return the portal after three guesses, from as many sources, at live defaults or at chosen passwords."""
    (issued if kind == "default" else settled)(portal, "c-2")
    portal = portal.with_parts(limits=limits(spray=Limit(3, timedelta(minutes=10)), per_source=(Limit(50, FIVE),)))
    for number in range(3):
        guess(portal, 1, "PObrien", source=f"203.0.113.{number}")
    return portal


@pytest.mark.parametrize("kind", ["default", "chosen"])
def test_a_spray_is_told_once_and_stops_those_who_mostly_fail(portal: Portal, kind: str) -> None:
    """While a spray is on, a source with five failures and no more successes waits; families go on (R9)."""
    settled(portal)
    issued(portal, "c-3")
    portal = sprayed(portal, kind)
    assert portal.kinds().count(f"spray_suspected {kind}") == 1
    for number in range(5):
        assert guess(portal, 1, f"name {number}", source="203.0.113.9") == {"SignInDenied()"}
    assert isinstance(portal.sign_ins.sign_in("avdberg", "van der Berga", source="203.0.113.9"), TryLater)
    assert isinstance(portal.sign_ins.sign_in("avdberg", "van der Berga", source="home"), PasswordChangeRequired)
    assert sign_in(portal, source="203.0.113.8") == "SignedIn"
    guess(portal, 3, "PObrien", source="203.0.113.10")
    assert portal.kinds().count(f"spray_suspected {kind}") == 1
    portal.clock.move(minutes=10)
    assert isinstance(portal.sign_ins.sign_in("avdberg", "van der Berga", source="203.0.113.9"), PasswordChangeRequired)


def test_a_source_where_more_get_in_than_fail_goes_on_during_a_spray(portal: Portal) -> None:
    """Families behind one address are not taken for a guesser: more of them get in than failures are left (R9)."""
    portal = sprayed(portal)
    for contact_id in school(portal, 6):
        assert claim(portal, contact_id, "the library") == "PasswordChangeRequired"
    for number in range(5):
        guess(portal, 1, f"name {number}", source="the library")
    issued(portal)
    assert sign_in(portal, "AbbiaticiR", source="the library") == "PasswordChangeRequired"


def test_a_spray_spends_no_default_soon(memory_portal: Portal) -> None:
    """While a spray is on, a user name has a quarter of its failures for others: a flood spends no default (R9)."""
    portal = sprayed(memory_portal)
    portal = portal.with_parts(limits=limits(spray=Limit(3, timedelta(minutes=10)), per_username=(Limit(10, FIVE),)))
    default = issued(portal)
    outcomes = [sign_in(portal, "x", source=f"198.51.100.{number}") for number in range(10)]
    assert outcomes == ["SignInDenied"] * 2 + ["TryLater"] * 8
    portal.clock.move(minutes=5)
    # A family's own mistakes are not others'.
    assert [sign_in(portal, "x", source="home") for _ in range(2)] == ["SignInDenied"] * 2
    assert sign_in(portal, default, source="home") == "PasswordChangeRequired"


def test_a_small_limit_still_lets_the_first_one_try_during_a_spray(memory_portal: Portal) -> None:
    """A quarter of three failures is none, and nobody may be held up for failures that nobody made (R9)."""
    portal = sprayed(memory_portal)
    portal = portal.with_parts(limits=limits(spray=Limit(3, timedelta(minutes=10)), per_username=(Limit(3, FIVE),)))
    assert sign_in(portal, issued(portal), source="home") == "PasswordChangeRequired"


def test_guesses_at_expired_defaults_and_at_nobody_are_no_spray(portal: Portal) -> None:
    """Nobody can raise the alarm by typing invented names, or guessing where nothing can be had any more (R9)."""
    portal = portal.with_parts(limits=limits(spray=Limit(3, timedelta(minutes=10))))
    issued(portal)
    portal.clock.move(days=14)
    guess(portal, 5)
    guess(portal, 5, "nobody")
    assert not [kind for kind in portal.kinds() if kind.startswith("spray")]


def test_claims_from_one_source_are_noticed_and_slowed(portal: Portal) -> None:
    """Right defaults of many from one source: told once at twenty, and one each half minute after forty (R9)."""
    families = iter(school(portal, 50))
    settled(portal)
    assert sign_in(portal, source="203.0.113.1") == "SignedIn"
    for number in range(40):
        assert portal.kinds().count("mass_claim_suspected source") == (number >= 20)
        assert claim(portal, next(families), "203.0.113.1") == "PasswordChangeRequired"
    for _ in range(2):
        assert claim(portal, next(families), "203.0.113.1") == "TryLater"
        assert sign_in(portal, source="203.0.113.1") == "SignedIn"
        assert claim(portal, next(families), "203.0.113.2") == "PasswordChangeRequired"
        portal.clock.move(seconds=30)
        assert claim(portal, next(families), "203.0.113.1") == "PasswordChangeRequired"
    assert portal.kinds().count("mass_claim_suspected source") == 1
    portal.clock.move(hours=1)
    assert claim(portal, next(families), "203.0.113.1") == "PasswordChangeRequired"
    assert claim(portal, next(families), "203.0.113.1") == "PasswordChangeRequired"


def test_claims_from_a_shared_source_are_told_alone(memory_portal: Portal) -> None:
    """A school that opens its doors on the first day sees on its record that many came, and nobody waits (R9)."""
    portal = memory_portal.with_parts(shared_sources=["192.0.2.0/24"])
    for contact_id in school(portal, 50):
        assert claim(portal, contact_id, "192.0.2.1") == "PasswordChangeRequired"
    assert portal.kinds().count("mass_claim_suspected shared") == 1


def test_whoever_types_the_same_default_again_is_no_further_claim(memory_portal: Portal) -> None:
    """A family that comes back to the form is counted once."""
    portal = memory_portal
    default = issued(portal)
    for _ in range(50):
        assert sign_in(portal, default, source="home") == "PasswordChangeRequired"
    assert not [kind for kind in portal.kinds() if kind.startswith("mass_claim")]
    # Nor if all of them came before the first was done.
    caller = portal.throttle.admit("rabbiatici", "school")
    noted = [portal.throttle.record_success(portal.account("c-1"), caller) for _ in range(50)]
    assert noted == [[]] * 50


def test_how_long_to_wait_costs_the_same_for_everybody(memory_portal: Portal) -> None:
    """What is asked of the counter depends on what the caller sent alone, and not on what was counted before (R7)."""
    portal = memory_portal
    settled(portal)
    known = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="home", device="")
    assert isinstance(known, SignedIn)
    guess(portal, 5, "pobrien", source="home")
    asked: list[tuple[str, int]] = []
    counter = watched(portal.counter, lambda _, name, arguments: asked.append((name, len(arguments[0]))))
    throttle = Throttle(counter, clock=portal.clock)
    costs = []
    for username, device in (
        ("rabbiatici", known.device),
        ("rabbiatici", Secret("")),
        ("pobrien", Secret("")),
        ("nobody", Secret("")),
    ):
        asked.clear()
        throttle.admit(username, "home", device)
        costs.append(list(asked))
    assert costs == [costs[0]] * 4
