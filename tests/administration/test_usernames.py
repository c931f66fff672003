"""The user names that are made for newcomers, and who gets which of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count, islice, permutations

import attrs
import pytest

from administration.syncing import BO, MIA, rows, sync
from portal import OFFICE, ROSA, Portal
from portalcreds.administration import usernames_from_email, usernames_from_id, usernames_from_name
from portalcreds.administration.sync import SyncAction, SyncReason
from portalcreds.contacts import Contact, ContactId


def person(contact_id: str, first: str | None, last: str | None) -> Contact:
    """Return a contact without an address."""
    return Contact(contact_id=ContactId(contact_id), first_name=first, last_name=last)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Rosa", "Abbiatici", "rabbiatici"),
        ("Łucja", "de la Núñez-D’Arc", "ldelanunezdarc"),
        (" émile", "O'Brien", "eobrien"),
        ("Suharto", None, "suharto"),
        (None, "Suharto", "suharto"),
        ("Öz", "Weiß", "oweiss"),
        ("慶", "李", "慶李"),
    ],
)
def test_a_user_name_is_initial_and_last_name_without_accents_and_signs(
    first: str | None, last: str | None, name: str
) -> None:
    """What a keyboard without accents can type, wherever the script allows it; numbers follow."""
    made = usernames_from_name(person("n-1", first, last))
    assert made is not None
    assert tuple(islice(made, 3)) == (name, f"{name}2", f"{name}3")


def test_nobody_is_named_by_nothing() -> None:
    """Without a name or an address there is no user name, and the sync says so."""
    assert usernames_from_name(person("n-1", None, " - ")) is None
    assert usernames_from_email(BO) is None
    assert (usernames_from_email(MIA), usernames_from_id(MIA)) == ("mia@example.org", "n-1")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_numbers_do_not_depend_on_the_order_of_the_roster(memory_portal: Portal, order: tuple[int, ...]) -> None:
    """Of those who share a name the lower contact id has the lower number, in a plan and in what it writes."""
    portal = memory_portal
    people = [person(f"n-{n}", "Mia", "Li") for n in range(3)]
    told = sync(portal, *[people[n] for n in order], usernames=usernames_from_name)
    assert told == [(SyncAction.ADD, None)] * 3
    assert [portal.account(f"n-{n}").username for n in range(3)] == ["mli", "mli2", "mli3"]


def test_no_account_that_has_a_user_name_gets_another(portal: Portal) -> None:
    """A newcomer with a lower id takes a free number, and a new last name changes no user name and is no fault."""
    sync(portal, person("n-5", "Mia", "Li"), usernames=usernames_from_name)
    people = [person("n-1", "Max", "Li"), person("n-5", "Mia", "Moved"), ROSA]
    assert sync(portal, *people, usernames=usernames_from_name) == [
        (SyncAction.ADD, None),
        (SyncAction.REFRESH, None),
        (SyncAction.UNCHANGED, None),
    ]
    assert [portal.account(each).username for each in ("n-1", "n-5", "c-1")] == ["mli2", "mli", "rabbiatici"]


def test_a_rule_is_asked_for_no_more_names_than_are_tried(memory_portal: Portal) -> None:
    """Rules may draw from one list for all, which loses no name, or have a fault further on, which costs nobody."""
    shared = iter(f"parent{n}" for n in range(4))
    people = [person(f"n-{n}", "Mia", "Li") for n in range(4)]
    sync(memory_portal, *people, usernames=lambda _: chain(["mli"], shared))
    assert [memory_portal.account(f"n-{n}").username for n in range(4)] == ["mli", "parent0", "parent1", "parent2"]

    def faulty(_: Contact) -> Iterator[str]:
        yield "mli"
        yield "mli.two"
        raise LookupError("no third")

    sync(memory_portal, person("n-9", "Mia", "Li"), usernames=faulty)
    assert memory_portal.account("n-9").username == "mli.two"


def test_a_name_that_the_roster_has_goes_before_one_that_is_made(portal: Portal) -> None:
    """What the SIS assigned is not given to a namesake, though their id is lower."""
    people = [person("n-1", "Mia", "Li"), person("n-2", "Bo", "Ng")]
    sync(portal, *people, usernames=lambda each: "mli" if each.contact_id == "n-2" else usernames_from_name(each))
    assert [portal.account(each).username for each in ("n-1", "n-2")] == ["mli2", "mli"]


def test_the_second_of_a_shared_address_is_named_by_the_office(portal: Portal) -> None:
    """Two guardians with one address both have an account; the one without a user name is found and renamed."""
    shared = attrs.evolve(BO, email="MIA@example.org")
    assert sync(portal, shared, MIA, usernames=usernames_from_email) == [
        (SyncAction.ADD, SyncReason.USERNAME_TAKEN),
        (SyncAction.ADD, None),
    ]
    page = portal.accounts.search(OFFICE, without_username=True)
    assert [account.contact_id for account in page.accounts] == ["n-2"]
    portal.accounts.rename("n-2", OFFICE, username="bo.li")
    assert portal.account("n-2").username == "bo.li"


def test_more_namesakes_than_numbers_are_named_by_the_office(memory_portal: Portal) -> None:
    """The list of names ends; the accounts of the rest are there without one."""
    people = [person(f"n-{n:03}", "Mia", "Li") for n in range(101)]
    report = memory_portal.accounts.sync_contacts(people, OFFICE, usernames=usernames_from_name)
    assert rows(report)[98:] == [(SyncAction.ADD, None)] + [(SyncAction.ADD, SyncReason.USERNAME_TAKEN)] * 2


def test_a_function_s_names_that_are_none_are_passed_over(portal: Portal) -> None:
    """Of several the first that can be one is taken; none at all is a fault of the row, no name is none."""
    assert sync(portal, MIA, usernames=lambda contact: iter(("", "mia"))) == [(SyncAction.ADD, None)]
    assert sync(portal, BO, usernames=lambda contact: iter(("", " "))) == [
        (SyncAction.CANNOT, SyncReason.USERNAME_INVALID)
    ]
    # One that never ends is not read for ever.
    endless = sync(portal, ROSA, BO, usernames=lambda contact: ("mia" for _ in count()))
    assert endless == [(SyncAction.UNCHANGED, None), (SyncAction.ADD, SyncReason.USERNAME_TAKEN)]
    portal.accounts.erase("n-2", OFFICE)
    assert sync(portal, BO, restore_erased=True, usernames=lambda contact: iter(())) == [
        (SyncAction.RESTORE, SyncReason.NO_USERNAME)
    ]


@pytest.mark.parametrize(
    ("username", "gives_away"),
    [("abbiaticir", True), ("ABBIATICIR", True), ("abbiaticir@example.org", True), ("rabbiatici", False)],
)
def test_a_plan_warns_of_a_user_name_with_the_default_in_it(portal: Portal, username: str, gives_away: bool) -> None:
    """Whoever sees such a user name knows the password; the operator reads that before pressing OK."""
    portal.accounts.rename("c-1", OFFICE, username=username)
    (item,) = portal.resets.plan(["c-1"], OFFICE)
    assert ("username_gives_default_away" in item.warnings) is gives_away
