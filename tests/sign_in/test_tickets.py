"""A change ticket opens one account, once, for ten minutes, and for nothing but choosing a password."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import (
    FAMILY,
    GOOD_PASSWORD,
    OFFICE,
    OTHER_PASSWORD,
    USERNAMES,
    Portal,
    issued,
    settled,
    ticket_of,
)
from portalcreds._text import is_default_ignorable
from portalcreds.accounts import Account, Credential, PasswordHash
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import ConfigurationError
from portalcreds.protocols import Change
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import (
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    SignedIn,
    SignInDenied,
    TicketInvalid,
)
from portalcreds.sign_in.service import SignInService
from portalcreds.sign_in.tickets import MAX_TICKET_LIFETIME, TICKET_BYTES, ChangeTicket
from portalcreds.throttle import Limit, ThrottleLimits
from strategies import NOW

MICROSECOND = timedelta(microseconds=1)
ROSA = ContactId("c-1")
contact_ids = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")).filter(
        lambda char: not is_default_ignorable(char)
    ),
    min_size=1,
    max_size=255,
)


def account_with(ticket: ChangeTicket) -> Account:
    """Return an account on which *ticket* is open, until an hour after NOW."""
    return Account(
        contact=Contact(contact_id=ContactId(ticket.contact_id)),
        credential=Credential(
            password_hash=PasswordHash("$x$"),
            origin="chosen",
            change_required_by="policy",
            ticket_digest=ticket.digest,
            ticket_expires_at=NOW + timedelta(minutes=9),
        ),
    )


# -- the ticket itself


@given(contact_ids)
def test_a_ticket_is_read_back_whatever_the_contact_is_called(contact_id: str) -> None:
    """A ticket finds its way back from a form, with dots and any script in the contact's id (R2)."""
    drawn = ChangeTicket.draw(contact_id)
    read = ChangeTicket.read(Secret(drawn.secret.reveal()))
    assert read == drawn
    assert read.opens(account_with(drawn), NOW)


def test_tickets_are_drawn_and_kept_as_digests() -> None:
    """At least 128 random bits, never the same twice, and the kept digest is not the ticket (R2, ASVS 11.5.1)."""
    drawn = [ChangeTicket.draw("c-1") for _ in range(1000)]
    secrets = {ticket.secret.reveal().removeprefix("c-1.") for ticket in drawn}
    assert len(secrets) == 1000
    assert TICKET_BYTES * 8 >= 128
    assert {len(secret) for secret in secrets} == {43}
    ticket = drawn[0]
    assert ticket.digest == hashlib.sha256(ticket.secret.reveal().encode()).hexdigest()
    assert ticket.digest not in repr(ticket)
    assert ticket.secret.reveal() not in repr(ticket)


@given(st.text() | st.text(st.sampled_from("c-1.\ud800\x00 "), max_size=80))
def test_what_was_not_drawn_opens_nothing(text: str) -> None:
    """Whatever comes back from a form in place of a ticket is refused as a value and not with an error (R23)."""
    read = ChangeTicket.read(Secret(text))
    drawn = ChangeTicket.draw("c-1")
    assert read is None or not read.opens(account_with(drawn), NOW)


@pytest.mark.parametrize("text", ["", ".", "..", "c-1", "c-1.", ".secret", "x" * 1000 + ".secret", "c" + "." * 100_000])
def test_what_has_not_the_form_of_a_ticket_is_not_one(text: str) -> None:
    """Both parts have to be there, and no more than a ticket can hold is looked at (R8)."""
    assert ChangeTicket.read(Secret(text)) is None


def test_a_ticket_of_the_longest_contact_id_is_not_too_long() -> None:
    """The cap on length is above what is drawn for the longest identifier that is let in."""
    drawn = ChangeTicket.draw("é" * 255)
    assert ChangeTicket.read(drawn.secret) == drawn


@pytest.mark.parametrize(
    "closed",
    [
        pytest.param(lambda account: attrs.evolve(account, is_active=False), id="disabled"),
        pytest.param(lambda account: account.disable(), id="disabled by its method"),
        pytest.param(lambda account: account.disable().enable(), id="enabled again"),
        pytest.param(lambda account: account.require_change("again"), id="change required anew"),
        pytest.param(lambda account: account.choose(PasswordHash("$y$"), changed_at=NOW), id="changed"),
        pytest.param(lambda account: account.erase(erased_at=NOW), id="erased"),
        pytest.param(lambda account: account.open_ticket("ab" * 32, expires_at=NOW + timedelta(minutes=9)), id="newer"),
        pytest.param(lambda account: attrs.evolve(account, contact=Contact(contact_id="c-2")), id="another contact's"),
        pytest.param(
            lambda account: attrs.evolve(
                account, credential=Credential(password_hash=PasswordHash("x"), origin="chosen")
            ),
            id="none open",
        ),
    ],
)
def test_a_ticket_opens_nothing_once_anything_it_is_bound_to_is_gone(closed: Callable[[Account], Account]) -> None:
    """A ticket is bound to account and epoch, and the newest replaces the older (R2, R6)."""
    ticket = ChangeTicket.draw("c-1")
    account = account_with(ticket)
    assert ticket.opens(account, NOW)
    assert not ticket.opens(closed(account), NOW)


def test_a_kept_digest_that_is_no_text_a_digest_has_is_a_mismatch() -> None:
    """A damaged row denies, and does not raise an error whose object holds the row's value (R10)."""
    ticket = ChangeTicket.draw("c-1")
    account = account_with(ticket)
    for damaged in ("", "é", "\ud800", ticket.secret.reveal()):
        credential = attrs.evolve(account.credential, ticket_digest=damaged)
        assert not ticket.opens(attrs.evolve(account, credential=credential), NOW)


# -- the ticket in the service


def test_a_ticket_works_once_however_often_it_is_replayed(portal: Portal) -> None:
    """A hundred replays of a used ticket are a hundred times invalid, and change nothing (R2)."""
    issued(portal)
    ticket = ticket_of(portal)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)
    after = portal.store.find(ROSA)
    outcomes = {repr(portal.sign_ins.complete_change(ticket, OTHER_PASSWORD)) for _ in range(100)}
    assert outcomes == {"TicketInvalid()"}
    assert portal.store.find(ROSA) == after


def test_a_ticket_comes_back_from_a_form_as_text(portal: Portal) -> None:
    """A hidden field is a str, and works as well as the `Secret` that was handed out."""
    issued(portal)
    ticket = ticket_of(portal)
    assert isinstance(portal.sign_ins.complete_change(ticket.reveal(), GOOD_PASSWORD), PasswordChanged)


def test_the_newest_ticket_replaces_the_older(portal: Portal) -> None:
    """One ticket is open at a time, so that a second sign-in takes the first one's away (R2)."""
    issued(portal)
    older, newest = ticket_of(portal), ticket_of(portal)
    assert portal.sign_ins.complete_change(older, GOOD_PASSWORD) == TicketInvalid()
    assert isinstance(portal.sign_ins.complete_change(newest, GOOD_PASSWORD), PasswordChanged)


def test_a_refused_password_leaves_the_ticket_and_writes_nothing(portal: Portal) -> None:
    """Failed changes keep the ticket, however many, and the default goes on working (R5)."""
    issued(portal)
    ticket = ticket_of(portal)
    before = portal.store.find(ROSA)
    for refused in ("", "short", "AbbiaticiR", "x" * 5000, "tab\tin a long password", "\ud800" * 20):
        assert isinstance(portal.sign_ins.complete_change(ticket, refused), PasswordRefused)
    assert portal.store.find(ROSA) == before
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


Step = Callable[[Portal], object]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda portal: issued(portal), id="issued again"),
        pytest.param(lambda portal: portal.accounts.disable("c-1", OFFICE), id="disabled"),
        pytest.param(
            lambda portal: (portal.accounts.disable("c-1", OFFICE), portal.accounts.enable("c-1", OFFICE)),
            id="disabled and enabled",
        ),
        pytest.param(
            lambda portal: portal.accounts.require_change("c-1", OFFICE, reason="again"), id="change required"
        ),
        pytest.param(lambda portal: portal.accounts.erase("c-1", OFFICE), id="erased"),
        pytest.param(
            lambda portal: (
                portal.accounts.erase("c-1", OFFICE),
                portal.accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES, restore_erased=True),
            ),
            id="erased and restored",
        ),
        pytest.param(lambda portal: settled(portal), id="settled by somebody else"),
    ],
)
@pytest.mark.parametrize("was_chosen", [False, True], ids=["default", "chosen"])
def test_what_grows_the_epoch_voids_the_ticket(portal: Portal, step: Step, was_chosen: bool) -> None:
    """Tickets are bound to the epoch, on the way from a default and on a demanded change alike (R2, R6)."""
    if was_chosen:
        settled(portal)
        portal.accounts.require_change("c-1", OFFICE, reason="policy")
        ticket = ticket_of(portal, password=GOOD_PASSWORD)
    else:
        issued(portal)
        ticket = ticket_of(portal)
    epoch = portal.store.find_epoch(ROSA)
    step(portal)
    assert portal.store.find_epoch(ROSA) != epoch
    after = portal.store.find(ROSA)
    assert portal.sign_ins.complete_change(ticket, OTHER_PASSWORD) == TicketInvalid()
    assert portal.store.find(ROSA) == after


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda portal: portal.accounts.rename("c-1", OFFICE, username="another"), id="renamed"),
        pytest.param(
            lambda portal: portal.accounts.sync_contacts([attrs.evolve(FAMILY[0], last_name="Rossi")], OFFICE),
            id="synced",
        ),
        pytest.param(lambda portal: portal.accounts.unlock("c-1", OFFICE), id="unlocked"),
        pytest.param(lambda portal: portal.sign_ins.sign_in("rabbiatici", "wrong"), id="wrong guess"),
    ],
)
def test_what_leaves_the_epoch_leaves_the_ticket(portal: Portal, step: Step) -> None:
    """A sync or somebody else's wrong guess does not throw a contact out of the form (R6)."""
    issued(portal)
    ticket = ticket_of(portal)
    step(portal)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


@pytest.mark.parametrize("lifetime", [MICROSECOND, timedelta(minutes=3), MAX_TICKET_LIFETIME])
def test_a_ticket_ends_at_the_instant_it_says(portal: Portal, lifetime: timedelta) -> None:
    """A microsecond before its end a ticket works, at its end and for ten years after it does not."""
    sign_ins = SignInService(
        portal.store, hasher=portal.hasher, throttle=portal.throttle, clock=portal.clock, ticket_lifetime=lifetime
    )
    issued(portal)
    start = portal.clock()
    demanded = sign_ins.sign_in("rabbiatici", "AbbiaticiR")
    assert isinstance(demanded, PasswordChangeRequired)
    for late in (lifetime, lifetime + MICROSECOND, timedelta(days=3650)):
        portal.clock.now = start + late
        assert sign_ins.complete_change(demanded.ticket, GOOD_PASSWORD) == TicketInvalid()
    portal.clock.now = start + lifetime - MICROSECOND
    assert isinstance(sign_ins.complete_change(demanded.ticket, GOOD_PASSWORD), PasswordChanged)
    portal.clock.now = start - timedelta(hours=1)
    assert sign_ins.complete_change(demanded.ticket, OTHER_PASSWORD) == TicketInvalid()


@pytest.mark.parametrize("lifetime", [timedelta(0), -MICROSECOND, MAX_TICKET_LIFETIME + MICROSECOND])
def test_no_ticket_lives_longer_than_ten_minutes(memory_portal: Portal, lifetime: timedelta) -> None:
    """The limit of R2 cannot be configured away."""
    with pytest.raises(ConfigurationError, match="ticket_lifetime"):
        SignInService(
            memory_portal.store, hasher=memory_portal.hasher, throttle=memory_portal.throttle, ticket_lifetime=lifetime
        )


@pytest.mark.parametrize(("ahead", "works"), [({"minutes": 60}, True), ({"minutes": 61}, False), ({"days": 9}, False)])
def test_a_default_of_a_clock_that_was_ahead_ends_with_the_correction(
    portal: Portal, ahead: dict[str, float], works: bool
) -> None:
    """R5: set while the clock was a year ahead, it would otherwise work for a year; an hour is forgiven."""
    portal.clock.move(**ahead)
    issued(portal)
    ticket = ticket_of(portal)
    portal.clock.now -= timedelta(**ahead)
    expected = PasswordChangeRequired if works else DefaultExpired
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), expected)
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()
    assert ("authn_login_fail default_from_ahead" in portal.kinds("c-1")) is not works
    issued(portal)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)


def test_a_ticket_of_a_default_of_a_clock_that_was_ahead(portal: Portal) -> None:
    """R2: one drawn with a right clock ends where the clock that set the default is found to have been ahead."""
    issued(portal)
    ticket = ticket_of(portal)
    old = portal.account("c-1")
    credential = attrs.evolve(old.credential, issued_at=portal.clock() + timedelta(days=2))
    portal.store.apply([Change(old=old, new=attrs.evolve(old, credential=credential, version=old.version + 1))])
    assert portal.sign_ins.complete_change(ticket, GOOD_PASSWORD) == TicketInvalid()


def test_a_ticket_of_a_clock_that_was_ahead_ends_with_the_correction(portal: Portal) -> None:
    """R2: drawn while the clock was 300 days ahead, it would otherwise work for 300 days."""
    default = issued(portal)
    portal.clock.move(days=1)
    ticket = ticket_of(portal, "rabbiatici", default)
    portal.clock.move(days=-1)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), TicketInvalid)
    again = ticket_of(portal, "rabbiatici", default)
    assert isinstance(portal.sign_ins.complete_change(again, GOOD_PASSWORD), PasswordChanged)


def test_a_ticket_opens_no_other_account(portal: Portal) -> None:
    """Neither another contact's ticket nor its secret under one's own id is good for anything (R2)."""
    issued(portal, "c-1")
    issued(portal, "c-2")
    rosas, pats = ticket_of(portal).reveal(), ticket_of(portal, "PObrien", "O'BrienP").reveal()
    before = portal.store.find(ContactId("c-2"))
    for forged in ("c-2." + rosas.partition(".")[2], "c-1." + pats.partition(".")[2], "c-3." + rosas.partition(".")[2]):
        assert portal.sign_ins.complete_change(forged, GOOD_PASSWORD) == TicketInvalid()
    assert portal.store.find(ContactId("c-2")) == before
    assert isinstance(portal.sign_ins.complete_change(pats, GOOD_PASSWORD), PasswordChanged)


def test_no_character_of_a_ticket_is_left_unread(memory_portal: Portal) -> None:
    """A ticket with any one character changed, cut or added is none."""
    issued(memory_portal)
    ticket = ticket_of(memory_portal).reveal()
    mangled = {
        *(ticket[:i] + ("A" if ticket[i] != "A" else "B") + ticket[i + 1 :] for i in range(len(ticket))),
        *(ticket[:i] for i in range(len(ticket))),
        ticket + "=",
        " " + ticket,
        ticket + " ",
        ticket.swapcase(),
        ticket + "\x00",
    }
    outcomes = {repr(memory_portal.sign_ins.complete_change(text, GOOD_PASSWORD)) for text in mangled}
    assert outcomes == {"TicketInvalid()"}
    assert isinstance(memory_portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


@pytest.mark.parametrize("odd", ["", "\ud800.x", "a\x00b.x", "x" * 100_000, None, 7, b"c-1.x", ["c-1.x"], object()])
def test_whatever_a_form_sends_in_place_of_a_ticket_is_invalid(portal: Portal, odd: object) -> None:
    """A missing field, a number or a surrogate is a ticket that is no good, never an error (R23)."""
    assert portal.sign_ins.complete_change(odd, GOOD_PASSWORD) == TicketInvalid()  # type: ignore[arg-type]  # Wrong on purpose.
    assert portal.kinds()[-1] == "authn_token_refused ticket_invalid"


@pytest.mark.parametrize("contact_id", ["a.b.c", ".leading", "trailing.", "Ω≈ç", "👩🏽", "x" * 255, "'; DROP TABLE--"])
def test_any_contact_id_gets_through_the_forced_change(portal: Portal, contact_id: str) -> None:
    """Identifiers are the SIS's own, and their dots and scripts are not the ticket's grammar."""
    contact = Contact(contact_id=ContactId(contact_id), first_name="Ada", last_name="Lovelace")
    portal.accounts.sync_contacts([contact], OFFICE, usernames={contact_id: "ada"})
    ticket = ticket_of(portal, "ada", issued(portal, contact_id))
    assert ticket.reveal().startswith(f"{contact_id}.")
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), PasswordChanged)


def test_a_ticket_is_no_password_and_no_session(portal: Portal) -> None:
    """A ticket opens one door: as a password, a user name or a kept digest it opens none (R2)."""
    issued(portal)
    ticket = ticket_of(portal).reveal()
    digest = portal.account("c-1").credential.ticket_digest
    assert digest is not None
    assert ticket.partition(".")[2] not in digest
    for guess in (ticket, ticket.partition(".")[2], digest):
        assert portal.sign_ins.sign_in("rabbiatici", guess) == SignInDenied()
        assert portal.sign_ins.change_password("rabbiatici", guess, GOOD_PASSWORD) == SignInDenied()
    for guess in (digest, f"c-1.{digest}"):
        assert portal.sign_ins.complete_change(guess, GOOD_PASSWORD) == TicketInvalid()


def test_bad_tickets_hold_nobody_up(portal: Portal) -> None:
    """A ticket cannot be guessed, so a flood of bad ones stops neither a good one nor a sign-in from there (R9)."""
    limited = portal.with_parts(limits=ThrottleLimits(per_source=(Limit(5, timedelta(minutes=5)),)))
    issued(limited)
    ticket = ticket_of(limited)
    for _ in range(60):
        assert limited.sign_ins.complete_change("c-1.no", GOOD_PASSWORD, source="school") == TicketInvalid()
    assert isinstance(limited.sign_ins.complete_change(ticket, GOOD_PASSWORD, source="school"), PasswordChanged)
    assert isinstance(limited.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD, source="school"), SignedIn)
