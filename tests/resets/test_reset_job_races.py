"""A job beside others that write the same accounts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs

from portal import GOOD_PASSWORD, OFFICE, Portal, issued, open_portal, ticket_of, watched
from portalcreds.accounts import CredentialOrigin
from portalcreds.contacts import ContactId
from portalcreds.default_passwords.strategies import RandomReadable, default_password
from portalcreds.resets.plan import DecisionReason
from portalcreds.resets.report import ResetOutcome
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import PasswordChanged, PasswordChangeRequired, SignedIn, SignInDenied
from resets.running import CHUNK, confirmed, issues_of, outcomes


def test_a_password_chosen_while_the_bulk_hashes_survives(portal: Portal) -> None:
    """R3, R11: between reading and writing each chunk, some contacts finish their own change; all keep it."""
    school = portal.add_school(4 * CHUNK)
    portal.resets.start(confirmed(portal, [*school])).run()
    chosen: list[ContactId] = []
    pool = ThreadPoolExecutor(4)

    def interfere(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and len(arguments[0]) == CHUNK:
            quick = [change.new.contact_id for change in arguments[0][::8]]
            chosen.extend(quick)
            list(pool.map(portal.choose, quick))

    raced = attrs.evolve(portal, store=watched(portal.store, interfere))
    with pool:
        report = raced.resets.start(confirmed(portal, [*school])).run()

    assert len(chosen) == 4 * CHUNK // 8
    assert outcomes(report) == {
        ("set", None): len(school) - len(chosen),
        ("skipped", "changed_meanwhile"): len(chosen),
    }
    skipped = [result.contact_id for result in report if result.outcome is ResetOutcome.SKIPPED]
    assert skipped == chosen
    for contact_id in school:
        account = portal.account(contact_id)
        origin = CredentialOrigin.CHOSEN if contact_id in chosen else CredentialOrigin.ISSUED
        assert account.credential.origin is origin
        assert account.credential.epoch == 2
    for contact_id in chosen:
        assert isinstance(portal.sign_ins.sign_in(f"user.{contact_id}", GOOD_PASSWORD), SignedIn)


def test_a_bulk_beside_people_who_choose(tmp_path: Path) -> None:
    """Whoever of some dozens finishes a change, before, during or after the bulk, has that password at the end."""
    with open_portal("sqlite", tmp_path) as portal:
        school = portal.add_school(3 * CHUNK)
        portal.resets.start(confirmed(portal, [*school])).run()
        ok = confirmed(portal, [*school])
        quick = school[::5]
        changed_at_epoch: dict[str, int] = {}

        def choose(contact_id: ContactId) -> None:
            outcome = portal.sign_ins.sign_in(
                f"user.{contact_id}", default_password(portal.account(contact_id).contact)
            )
            if isinstance(outcome, PasswordChangeRequired):
                changed = portal.sign_ins.complete_change(outcome.ticket, GOOD_PASSWORD)
                if isinstance(changed, PasswordChanged):
                    changed_at_epoch[contact_id] = changed.account.credential.epoch

        with ThreadPoolExecutor(4) as pool:
            changes = [pool.submit(choose, contact_id) for contact_id in quick]
            report = portal.resets.start(ok).run()
            for change in changes:
                change.result()

        skipped = {result.contact_id for result in report if result.reason is DecisionReason.CHANGED_MEANWHILE}
        assert skipped == {contact_id for contact_id, epoch in changed_at_epoch.items() if epoch == 2}
        assert report.count(ResetOutcome.SET) == len(school) - len(skipped)
        for contact_id in changed_at_epoch:
            assert isinstance(portal.sign_ins.sign_in(f"user.{contact_id}", GOOD_PASSWORD), SignedIn)
        assert changed_at_epoch


def test_a_race_within_the_epoch_is_written_over(portal: Portal) -> None:
    """R3, R11: a sign-in that only opened a ticket moved the version and not the epoch: read anew, and set."""
    default = issued(portal)
    ok = confirmed(portal, ["c-1"])
    tickets: list[Secret] = []

    def open_ticket(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and len(tickets) < 3:
            tickets.append(ticket_of(portal, "rabbiatici", default))

    report = attrs.evolve(portal, store=watched(portal.store, open_ticket)).resets.start(ok).run()

    assert len(tickets) == 3
    assert outcomes(report) == {("set", None): 1}
    assert portal.account("c-1").credential.ticket_digest is None
    assert issues_of(portal) == {"c-1": 2}


def test_an_account_that_keeps_changing_is_given_up(portal: Portal) -> None:
    """R3: a contact that loses every race is one failed row; the others of the chunk are set, and once only."""
    default = issued(portal)
    ok = confirmed(portal, ["c-2", "c-1", "c-3"])
    rounds = []

    def open_ticket(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            rounds.append(len(arguments[0]))
            ticket_of(portal, "rabbiatici", default)

    report = attrs.evolve(portal, store=watched(portal.store, open_ticket)).resets.start(ok).run()

    assert rounds == [3, 1, 1, 1]
    assert [(result.outcome, result.reason) for result in report] == [
        (ResetOutcome.SET, None),
        (ResetOutcome.FAILED, DecisionReason.KEPT_CHANGING),
        (ResetOutcome.SET, None),
    ]
    assert issues_of(portal) == {"c-1": 1, "c-2": 1, "c-3": 1}


def test_a_lost_race_for_a_drawn_password_yields_the_one_that_is_stored(portal: Portal) -> None:
    """R12, R15: the password on the result is the one whose hash was written, though each round drew anew."""
    drawing = portal.with_parts(strategy=RandomReadable())
    portal.resets.start(confirmed(portal, ["c-1"])).run()
    ok = confirmed(drawing, ["c-1"], reveal=True)
    lost: list[str] = []

    def refresh(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and len(lost) < 2:
            lost.append(name)
            contact = attrs.evolve(portal.account("c-1").contact, email=f"{len(lost)}@example.org")
            portal.accounts.sync_contacts([contact], OFFICE)

    (result,) = attrs.evolve(drawing, store=watched(portal.store, refresh)).resets.start(ok).run()

    assert len(lost) == 2
    assert result.secret is not None
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", result.secret), PasswordChangeRequired)


def test_a_password_drawn_before_a_lost_race_is_the_one_that_is_handed_over(portal: Portal) -> None:
    """R15: where the contact stayed the same, the first drawing is written and told, and not a later one."""
    default = issued(portal)
    drawing = portal.with_parts(strategy=RandomReadable())
    ok = confirmed(drawing, ["c-1"], reveal=True)
    tickets: list[Secret] = []

    def open_ticket(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not tickets:
            tickets.append(ticket_of(portal, "rabbiatici", default))

    (result,) = attrs.evolve(drawing, store=watched(portal.store, open_ticket)).resets.start(ok).run()

    assert tickets
    assert result.secret is not None
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", result.secret), PasswordChangeRequired)


def test_a_name_that_changes_while_its_default_is_hashed(portal: Portal) -> None:
    """R11: the loser of the race derives again: the new name's default is set, and the warning says so."""
    ok = confirmed(portal, ["c-1"])
    moved: list[str] = []

    def move(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not moved:
            moved.append(name)
            portal.accounts.sync_contacts([attrs.evolve(portal.account("c-1").contact, last_name="Vries")], OFFICE)

    (result,) = attrs.evolve(portal, store=watched(portal.store, move)).resets.start(ok).run()

    assert (result.outcome, result.warnings) == (ResetOutcome.SET, ("name_changed",))
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "VriesR"), PasswordChangeRequired)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), SignInDenied)
