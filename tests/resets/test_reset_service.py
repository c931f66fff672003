"""What applying a confirmed plan sets, and for whom, whatever happened since OK."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from portal import GOOD_PASSWORD, OFFICE, Portal, issued, settled, ticket_of
from portalcreds.accounts import AccountStatus
from portalcreds.contacts import Contact
from portalcreds.default_passwords.strategies import Derived, NameTemplate
from portalcreds.exceptions import ConfigurationError
from portalcreds.resets.plan import DecisionReason
from portalcreds.resets.report import ResetOutcome
from portalcreds.resets.service import DEFAULT_LIFETIME, MAX_LIFETIME, ResetService
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn, SignInDenied, TicketInvalid
from resets.applying import ROSA_ID, SET, confirmed, disable, outcomes

CHANGED = (ResetOutcome.SKIPPED, DecisionReason.CHANGED_MEANWHILE)

# -- what may be applied


@pytest.mark.parametrize("what", ["plan", "items", "nothing"])
def test_only_a_confirmed_plan_is_applied(portal: Portal, what: str) -> None:
    """Pressing OK cannot be left out, also where no type checker looks."""
    plan = portal.resets.plan(["c-1"], OFFICE)
    handed: Any = {"plan": plan, "items": plan.items, "nothing": None}[what]

    with pytest.raises(ConfigurationError) as caught:
        portal.resets.start(handed)
    assert caught.value.argument == "confirmed"


def test_a_plan_is_applied_with_the_strategy_it_was_made_with(portal: Portal) -> None:
    """R11: what was confirmed is what is set, and not another rule's password."""
    ok = confirmed(portal, ["c-1"])
    with pytest.raises(ConfigurationError) as caught:
        portal.with_parts(strategy=NameTemplate(template="{last_name}")).resets.start(ok)
    assert caught.value.argument == "strategy"


class OddStrategy:
    """A strategy that lacks something."""

    is_derivable: Any = True

    def __init__(self, strategy_id: Any, is_derivable: Any = True) -> None:
        """Take anything."""
        self.id = strategy_id
        self.is_derivable = is_derivable

    def derive(self, contact: Contact, /) -> Derived:
        """Never asked."""
        raise NotImplementedError


@pytest.mark.parametrize(
    ("parts", "argument"),
    [
        ({"strategy": OddStrategy("x" * 65)}, "strategy"),
        ({"strategy": OddStrategy("")}, "strategy"),
        ({"strategy": OddStrategy(None)}, "strategy"),
        ({"strategy": OddStrategy("mine", "yes")}, "strategy"),
        ({"strategy": object()}, "strategy"),
        ({"lifetime": timedelta(0)}, "lifetime"),
        ({"lifetime": -timedelta(days=1)}, "lifetime"),
        ({"lifetime": MAX_LIFETIME + timedelta(microseconds=1)}, "lifetime"),
    ],
)
def test_parts_that_cannot_work_are_refused_at_once(
    memory_portal: Portal, parts: dict[str, Any], argument: str
) -> None:
    """R23: a service that could not write what it sets is not made."""
    with pytest.raises(ConfigurationError) as caught:
        ResetService(memory_portal.store, hasher=memory_portal.hasher, authorizer=memory_portal.authorizer, **parts)
    assert caught.value.argument.strip("_") == argument


def test_a_hasher_that_does_not_write_issued_hashes_is_refused(memory_portal: Portal) -> None:
    """R23: a single hasher is easily passed for the pair of them."""
    with pytest.raises(ConfigurationError, match="UpgradingHasher"):
        ResetService(memory_portal.store, hasher=object(), authorizer=memory_portal.authorizer)  # type: ignore[arg-type]  # The mistake.


def test_the_longest_lifetime_is_taken(memory_portal: Portal) -> None:
    """R5: the bound itself is inside."""
    assert memory_portal.with_parts(lifetime=MAX_LIFETIME).resets.plan([], OFFICE).lifetime == MAX_LIFETIME
    assert memory_portal.resets.plan([], OFFICE).lifetime == DEFAULT_LIFETIME == timedelta(days=14)


# -- from which states


def expire(portal: Portal) -> None:
    """Let Rosa's default expire."""
    issued(portal)
    portal.clock.move(days=15)


def demand(portal: Portal) -> None:
    """Demand a change of a password that Rosa chose."""
    settled(portal)
    portal.accounts.require_change("c-1", OFFICE, reason="compromised")


def demand_of_default(portal: Portal) -> None:
    """Demand a change of Rosa's default besides."""
    issued(portal)
    portal.accounts.require_change("c-1", OFFICE, reason="campaign")


def half_way(portal: Portal) -> None:
    """Leave Rosa's forced change after its first half."""
    ticket_of(portal, "rabbiatici", issued(portal))


def spend(portal: Portal) -> None:
    """Guess until Rosa's default is denied even to herself."""
    default = issued(portal)
    for _ in range(10):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    portal.clock.move(hours=2)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)


def enable_again(portal: Portal) -> None:
    """Disable and enable Rosa's account."""
    disable(portal)
    portal.accounts.enable("c-1", OFFICE)


def bring_back(portal: Portal) -> None:
    """Erase Rosa, and bring her back."""
    contact = portal.account("c-1").contact
    portal.accounts.erase("c-1", OFFICE)
    portal.accounts.sync_contacts([contact], OFFICE, usernames={"c-1": "rabbiatici"}, restore_erased=True)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda portal: None,
        issued,
        expire,
        half_way,
        spend,
        settled,
        demand,
        demand_of_default,
        enable_again,
        bring_back,
    ],
    ids=[
        "never issued",
        "live",
        "expired",
        "half-way",
        "spent",
        "chosen",
        "demanded",
        "demanded of a default",
        "enabled",
        "restored",
    ],
)
def test_a_default_is_set_from_every_state(portal: Portal, prepare: Callable[[Portal], object]) -> None:
    """R1, R5, R6: whatever the state, the default then works, is live, must be changed, in a new epoch."""
    prepare(portal)
    epoch = portal.account("c-1").credential.epoch

    assert portal.resets.reset_password("c-1", OFFICE).outcome is ResetOutcome.SET

    account = portal.account("c-1")
    assert account.status(portal.clock()) is AccountStatus.DEFAULT_LIVE
    assert account.credential.must_change
    assert account.credential.epoch == epoch + 1
    assert account.credential.expires_at == portal.clock() + DEFAULT_LIFETIME
    assert account.credential.change_required_by is None
    assert account.credential.ticket_digest is None
    portal.choose("c-1", "another walk to the lighthouse")


@pytest.mark.parametrize(
    ("prepare", "outcome", "reason"),
    [
        (disable, ResetOutcome.SKIPPED, DecisionReason.DISABLED),
        (lambda p: p.accounts.erase("c-1", OFFICE), ResetOutcome.CANNOT, DecisionReason.ERASED),
    ],
    ids=["disabled", "erased"],
)
def test_disabled_stays_disabled(
    portal: Portal, prepare: Callable[[Portal], object], outcome: ResetOutcome, reason: DecisionReason
) -> None:
    """R5: setting a password lifts nothing, alone, in a bulk, and told to replace."""
    settled(portal)
    prepare(portal)
    before = portal.account("c-1")

    assert portal.resets.reset_password("c-1", OFFICE).reason is reason
    report = portal.resets.start(confirmed(portal, ["c-1", "c-2"], replace_chosen=True)).run()

    assert outcomes(report) == [(outcome, reason), SET]
    assert portal.account("c-1") == before


def test_an_earlier_ticket_does_not_outlive_a_reset(portal: Portal) -> None:
    """R2, R6: whoever held a ticket when the default was set again has to come back with the default."""
    ticket = ticket_of(portal, "rabbiatici", issued(portal))
    issued(portal)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), TicketInvalid)


# -- what happened between OK and apply


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (lambda p: p.choose("c-1"), CHANGED),
        (disable, CHANGED),
        (enable_again, CHANGED),
        (lambda p: p.accounts.erase("c-1", OFFICE), CHANGED),
        (bring_back, CHANGED),
        (issued, CHANGED),
        (lambda p: p.accounts.require_change("c-1", OFFICE, reason="compromised"), CHANGED),
        (lambda p: p.accounts.rename("c-1", OFFICE, username=None), (ResetOutcome.CANNOT, DecisionReason.NO_USERNAME)),
        (
            lambda p: p.accounts.sync_contacts([Contact(contact_id=ROSA_ID, last_name="Abbiatici")], OFFICE),
            (ResetOutcome.CANNOT, DecisionReason.NOT_DERIVABLE),
        ),
        (lambda p: ticket_of(p), SET),
        (lambda p: p.sign_ins.sign_in("rabbiatici", "wrong"), SET),
        (lambda p: p.accounts.rename("c-1", OFFICE, username="rosa.a"), SET),
        (lambda p: p.clock.move(hours=24), SET),
    ],
    ids=[
        "chose",
        "disabled",
        "enabled again",
        "erased",
        "restored",
        "issued",
        "demanded",
        "lost user name",
        "lost first name",
        "opened a ticket",
        "failed to sign in",
        "renamed",
        "time passed",
    ],
)
def test_what_moved_the_epoch_since_ok_is_left_be(
    portal: Portal,
    meanwhile: Callable[[Portal], object],
    expected: tuple[ResetOutcome, DecisionReason | None],
) -> None:
    """R11: each contact is read and decided anew; what happened since wins, and what did not matter does not."""
    issued(portal)
    ok = confirmed(portal, ["c-1", "c-2"])
    meanwhile(portal)
    before = portal.account("c-1")

    report = portal.resets.start(ok).run()

    assert outcomes(report) == [expected, SET]
    assert (portal.account("c-1") == before) is (expected != SET)


def test_the_contact_s_own_password_survives_the_bulk(portal: Portal) -> None:
    """Chosen between OK and apply, it is what signs in afterwards, and the default is not."""
    issued(portal)
    ok = confirmed(portal, ["c-1", "c-2"])
    portal.choose("c-1")
    portal.resets.start(ok).run()

    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), SignInDenied)


def test_a_contact_that_is_gone_is_a_result(memory_portal: Portal) -> None:
    """R11: a host's store may lose a row between OK and apply."""
    ok = confirmed(memory_portal, ["c-1", "c-2"])
    del memory_portal.store._accounts[ROSA_ID]  # type: ignore[attr-defined]  # No service removes a row.

    report = memory_portal.resets.start(ok).run()
    assert outcomes(report) == [(ResetOutcome.CANNOT, DecisionReason.NO_ACCOUNT), SET]


def test_a_new_name_makes_the_new_name_s_default_and_says_so(portal: Portal) -> None:
    """R5, R11: the default is derived from the name as it is now, with a warning, and the new name's own warnings."""
    issued(portal)
    ok = confirmed(portal, ["c-1", "c-2"])
    married = Contact(contact_id=ROSA_ID, first_name="Rosa", last_name=" de Vries")
    portal.accounts.sync_contacts([married], OFFICE)

    report = portal.resets.start(ok).run()

    assert outcomes(report) == [SET, SET]
    assert report.items[0].warnings == (
        "outer_blanks_removed",
        "contains_space",
        "replaces_live_default",
        "name_changed",
    )
    assert report.items[1].warnings == ()
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), SignInDenied)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "de VriesR"), PasswordChangeRequired)


def test_a_new_address_is_no_new_name(portal: Portal) -> None:
    """R11: what does not make the default is not warned about."""
    ok = confirmed(portal, ["c-1"])
    portal.accounts.sync_contacts([attrs.evolve(portal.account("c-1").contact, email="r@example.org")], OFFICE)
    assert portal.resets.start(ok).run().items[0].warnings == ()


def test_a_default_after_a_name_change_alters_no_chosen_password(portal: Portal) -> None:
    """Running the formula again after a name change never reactivates an account that chose its own password."""
    settled(portal)
    married = Contact(contact_id=ROSA_ID, first_name="Rosa", last_name="de Vries")
    portal.accounts.sync_contacts([married], OFFICE)
    before = portal.account("c-1").credential

    report = portal.resets.start(confirmed(portal, ["c-1", "c-2"])).run()

    assert outcomes(report) == [(ResetOutcome.SKIPPED, DecisionReason.CHOSE_OWN), SET]
    assert portal.account("c-1").credential == before
    for default in ("AbbiaticiR", "de VriesR"):
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)
