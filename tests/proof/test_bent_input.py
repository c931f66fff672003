"""
Whatever comes in bent gets a typed refusal or a right answer: no other error, no endless work, and never an echo.

What only hashers see, changed one character at a time, is in hashers/test_legacy_vectors.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, Portal, issued, open_portal, settled, ticket_of
from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import InvalidValueError
from portalcreds.hashers import Argon2Hasher, KeyRing, UpgradingHasher
from portalcreds.hashers._phc import MAX_LANES, MAX_MEMORY_KIB, MAX_TIME_COST
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.hashers.legacy._table import SYSTEMS
from portalcreds.rosters import RosterReading, contacts_from_records, read_contacts_csv
from portalcreds.secret import Secret
from portalcreds.sign_in import KnownValues, LetterCode, SignInDenied, TicketInvalid
from portalcreds.sign_in.claim_proofs import _folded
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED
from proof.fuzzing import bent, odd_characters

CANARY: Final = "Zqxwvcanary"
"""Stands in all that is read, and in nothing that is told."""

_WORD: Final = 8
"""Characters that a refusal may have by chance."""


@pytest.fixture(scope="module", params=("memory", "sqlite"))
def portal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One portal for all that is bent: Rosa is on a default, Pat has a password of their own."""
    with open_portal(request.param, tmp_path_factory.mktemp("portal")) as opened:
        issued(opened)
        settled(opened, "c-2", OTHER_PASSWORD)
        yield opened


@pytest.fixture(scope="module")
def hasher() -> Iterator[UpgradingHasher]:
    """A hasher that verifies what every system wrote that it knows, with cheap hashes of its own."""
    legacy = [SystemVerifier(*(name for name, system in SYSTEMS.items() if not system.needs_pepper))]
    chosen, issued = Argon2Hasher(CHEAPEST_CHOSEN), Argon2Hasher(CHEAPEST_ISSUED)
    with UpgradingHasher(chosen=chosen, issued=issued, legacy=legacy, denial_floor=timedelta(seconds=1)) as hasher:
        yield hasher


def tells_nothing(told: object, secret: str = CANARY) -> None:
    """Check that what is told does not quote what was read."""
    assert secret.casefold() not in f"{told!r} {told}".casefold()


# -- hashes


VALID_HASHES: Final = (
    "$argon2id$v=19$m=16,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    "pbkdf2_sha256$1000$selftest$X03MO1qnZdYdgyfeuILPmQX03MO1qnZdYdgyfeuILPmQ=",
    "$2b$04$abcdefghijklmnopqrstuuCZbXxJhIZ7bkTFIXD3cG4cC7Ck1Mo9q",
    "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9gyMzQ1Njc4OTA=",
    "$6$rounds=1000$selftest$" + "a" * 86,
    "$P$5selftestxgtkzY30SsZw83J6Oy4UN0",
    "scrypt:16384:8:1$salt$" + "0" * 128,
)


@given(encoded=bent(st.sampled_from(VALID_HASHES), repeats=200))
def test_a_bent_hash_is_described_within_the_ceilings(hasher: UpgradingHasher, encoded: str) -> None:
    """R10: what a hash says is read without an error, and one that could be verified asks for no more than may be."""
    said = hasher.describe(PasswordHash(encoded))
    if said.scheme == "argon2id" and said.fault is None:
        asked = dict(part.split("=") for part in said.cost.split(","))
        assert int(asked["m"]) <= MAX_MEMORY_KIB
        assert int(asked["t"]) <= MAX_TIME_COST
        assert int(asked["p"]) <= MAX_LANES
    assert len(encoded) <= 512 or said.fault is not None


@given(row=bent(st.sampled_from([f"{CANARY}{each}" for each in VALID_HASHES]), repeats=50), owner=odd_characters)
def test_a_bent_import_is_planned_or_refused_in_silence(portal: Portal, row: str, owner: str) -> None:
    """R14: neither the plan nor the refusal quotes a hash or an owner that cannot be."""
    try:
        plan = portal.accounts.plan_import([(f"{CANARY}{owner}", row), ("c-1", row)], OFFICE)
    except InvalidValueError as error:
        tells_nothing(error)
    else:
        tells_nothing(plan)
        assert [item.decision for item in plan] == ["cannot", "skip"] or plan.items[1].reason is not None


# -- rosters


ROSTERS: Final = (
    f"contact_id,first_name,last_name,email\n7,{CANARY},Woods,{CANARY}@example.org\n8,Ann,{CANARY},\n",
    f'id;first name;last name;username\r\n7;"{CANARY}";"O""Brien";{CANARY}\r\n',
    f"sep=\t\nid\tfirst\tlast\n7\t{CANARY}\tLee\n7\tMia\t{CANARY}\n",
)


@given(text=bent(st.sampled_from(ROSTERS)), encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252")))
def test_a_bent_roster_is_read_or_refused_in_silence(text: str, encoding: str) -> None:
    """A file that is broken anywhere gives rows, refusals of rows, or one typed refusal; none quotes a cell."""
    data = text.encode(encoding, "replace")
    for given_encoding in (None, encoding):
        try:
            reading = read_contacts_csv(io.BytesIO(data), encoding=given_encoding)
        except InvalidValueError as error:
            tells_nothing(error)
        else:
            check_reading(reading)


def check_reading(reading: RosterReading) -> None:
    """Check that each contact has an id of its own, and that nothing is told of what was read."""
    ids = [contact.contact_id for contact in reading.contacts]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    assert reading.usernames.keys() <= set(ids)
    for told in (reading, *reading.refusals, *reading.warnings, *(each.text for each in reading.refusals)):
        tells_nothing(told)


cells = (
    bent(st.just(CANARY), repeats=300)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.binary(max_size=5)
    | st.just(Decimal("1e999999"))
    | st.lists(st.just(CANARY), max_size=2)
)


@given(st.lists(st.dictionaries(st.sampled_from(("id", "first", "last", "email", "user")), cells), max_size=4))
def test_records_of_any_values_are_read_or_refused_in_silence(records: list[dict[str, Any]]) -> None:
    """Whatever a data frame may hold in a cell, the others are read."""
    whole = [{"id": "1", "first": "Ann", "last": "Woods"}, *records]
    try:
        reading = contacts_from_records(whole)
    except InvalidValueError as error:
        tells_nothing(error)
    else:
        check_reading(reading)
        assert reading.contacts[0].contact_id == "1"


# -- what is typed or sent back at a form


@given(sent=bent(st.just("c-1." + "A" * 43)), new=bent(st.just(GOOD_PASSWORD), repeats=100))
def test_a_bent_ticket_opens_nothing(portal: Portal, sent: str, new: str) -> None:
    """R2: only the ticket itself does, whatever it is mixed with."""
    live = ticket_of(portal).reveal()
    for ticket in (sent, live + sent, sent + live, live[:-1], live.upper(), live.replace(".", "..")):
        assert ticket == live or isinstance(portal.sign_ins.complete_change(ticket, new), TicketInvalid)


@given(username=bent(st.sampled_from(("rabbiatici", "pobrien"))), password=bent(st.just(OTHER_PASSWORD), repeats=100))
def test_a_bent_sign_in_is_denied(portal: Portal, username: str, password: str) -> None:
    """R8, R23: whatever is typed is an outcome; one who is let in typed what counts as the same."""
    outcome = portal.with_parts(limits=None).sign_ins.sign_in(username, password)
    if not isinstance(outcome, SignInDenied):
        assert type(outcome).__name__ in ("SignedIn", "TryLater")
    tells_nothing(outcome)


@given(words=bent(st.just("Abbiatici rosa@example.org")), after=bent(st.just("WyJuYW1lIiwiYWJiaWF0aWNpIiwiYy0xIl0=")))
def test_a_bent_search_is_a_page_or_refused_in_silence(portal: Portal, words: str, after: str) -> None:
    """Words find whom they find; a token that is not from a page is refused, and not quoted."""
    assert len(portal.accounts.search(OFFICE, words=words).accounts) <= 4
    try:
        portal.accounts.search(OFFICE, after=after)
    except InvalidValueError as error:
        if len(after) > _WORD:
            tells_nothing(error, after)


@given(typed=bent(st.just("")), mixed=bent(st.just(CANARY), repeats=100))
def test_a_bent_claim_code_is_wrong(portal: Portal, typed: str, mixed: str) -> None:
    """A code is right with other blanks, hyphens and case, and otherwise wrong, whatever is typed."""
    account = portal.account("c-1")
    letters = LetterCode(KeyRing(current="k1", keys={"k1": bytes(range(32))}))
    code = letters.code_of(account, "").reveal()
    assert letters.verify(account, Secret(f" {code.upper()} "), "")
    for given_code in (typed, mixed, code[:-1], code + "b", code[:5] + mixed, mixed + code):
        is_the_code = _folded(Secret(given_code)) == code.replace("-", "")
        assert letters.verify(account, Secret(given_code), "") is is_the_code
    known = KnownValues(lambda asked: {contact_id: ["4711"] for contact_id in asked}, kind="number")
    assert not known.verify(account, Secret(mixed), "")


def test_the_check_for_echoes_can_fail() -> None:
    """A refusal that quotes a cell would be seen."""
    with pytest.raises(AssertionError):
        tells_nothing(InvalidValueError("last_name", f"{CANARY} is no name"))
