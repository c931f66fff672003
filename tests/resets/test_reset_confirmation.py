"""What a plan shows, its message, and what pressing OK takes."""

from __future__ import annotations

import pickle
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import GOOD_PASSWORD, OFFICE, PAT, ROSA, START, Portal, issued
from portalcreds._table import records_as_html
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import NameTemplate
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.plans import ConfirmedPlan, PlanChanged
from portalcreds.privileges import Operator
from portalcreds.resets.plan import Decision, DecisionReason, ResetPlan, ResetPlanItem
from portalcreds.sign_in.outcomes import PasswordChangeRequired
from resets.planning import EVERYBODY, choose, issue, row, snapshot

SECRETS = ("AbbiaticiR", "O'BrienP", "van der Berga", GOOD_PASSWORD, "argon2")

# -- what is shown, and what is not


def test_names_are_shown_on_purpose_only(portal: Portal) -> None:
    """R14, R24: no name and no user name in any repr; in records and in a notebook, what the operator may see."""
    choose(portal)
    plan = portal.resets.plan(["c-1", "c-2"], OFFICE, replace_chosen=True)
    stale = plan.confirm(OFFICE, fingerprint="other")
    reprs = f"{plan!r}{plan}{plan.items!r}{plan.confirm(OFFICE)!r}{plan.confirmation!r}{stale!r}"

    for text in ("Rosa", "Abbiatici", "rabbiatici", "Brien"):
        assert text not in reprs
    assert repr(plan) == "<ResetPlan of 2 contacts (will_set: 2)>"
    assert plan.to_records()[0] == {
        "contact_id": "c-1",
        "first_name": "Rosa",
        "last_name": "Abbiatici",
        "username": "rabbiatici",
        "status": "self_chosen",
        "decision": "will_set",
        "reason": None,
        "warnings": "replaces_chosen",
    }
    for text in ("Rosa", "Abbiatici", "rabbiatici", "O&#x27;Brien"):
        assert text in plan._repr_html_()


def test_no_password_is_anywhere_in_a_plan(portal: Portal) -> None:
    """R14: a plan and its message hold no plaintext and no hash, though they say what will be set."""
    choose(portal)
    plan = portal.resets.plan(EVERYBODY, OFFICE, replace_chosen=True, reveal=True)
    one = portal.resets.plan(["c-1"], OFFICE, reveal=True)

    told = [plan._repr_html_(), one._repr_html_()]
    for each in (plan, one):
        told += [repr(attrs.asdict(each)), repr(each.to_records()), each.confirmation.text, each.fingerprint]
        told += [repr(attrs.asdict(each.confirmation)), repr(attrs.asdict(each.confirm(OFFICE)))]
        told.append(pickle.dumps(each.confirm(OFFICE)).decode("latin-1"))
    for secret in SECRETS:
        assert not [text for text in told if secret in text]


def test_a_name_is_no_markup(portal: Portal) -> None:
    """R24: what a contact is called is shown, and not run, in a notebook."""
    evil = Contact(contact_id=ContactId("<b>1"), first_name='"><img src=x>', last_name="<script>alert(1)</script>")
    portal.accounts.sync_contacts([evil], OFFICE, usernames={"<b>1": "<i>u&amp;"})

    shown = portal.resets.plan(["<b>1"], OFFICE)._repr_html_()

    for tag in ("<script", "<img", "<b>", "<i>"):
        assert tag not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "&lt;i&gt;u&amp;amp;" in shown


def test_a_notebook_shows_the_first_rows_and_says_how_many_more(portal: Portal) -> None:
    """R24: a district's plan does not fill the page."""
    shown = portal.resets.plan(portal.add_school(23), OFFICE)._repr_html_()

    assert shown.count("<tr>") == 21
    assert "Parent0019" in shown
    assert "Parent0020" not in shown
    assert "3 more" in shown
    assert "more" not in records_as_html([{"a": None}] * 20)


# -- the message


def test_the_message_for_one(portal: Portal) -> None:
    """Whom, until when, and that a password of their own goes: what OK is pressed on, as data too."""
    choose(portal)
    message = portal.resets.plan(["c-1"], OFFICE).confirmation

    assert message.code == "confirm_set_one"
    assert message.parameters == {
        "selected": 1,
        "set": 1,
        "skipped": 0,
        "cannot": 0,
        "replaces_chosen": 1,
        "replaces_live_default": 0,
        "reveal": 0,
        "strategy": "last-name-first-initial",
        "lifetime_seconds": 14 * 86_400,
        "contact_id": "c-1",
        "name": "Rosa Abbiatici",
        "username": "rabbiatici",
    }
    for words in ("Rosa Abbiatici (user name rabbiatici)", "14 days", "chose will stop working", "changed"):
        assert words in message.text


def test_the_message_for_one_without_a_password_of_their_own(portal: Portal) -> None:
    """Nothing is said to stop working that does not."""
    assert "stop working" not in portal.resets.plan(["c-1"], OFFICE).confirmation.text


def test_the_message_for_many(portal: Portal) -> None:
    """How many of how many, how many own passwords go, how many are left out and why; no names."""
    choose(portal)
    portal.accounts.disable("c-3", OFFICE)
    message = portal.resets.plan(EVERYBODY, OFFICE, replace_chosen=True).confirmation

    assert message.code == "confirm_set_many"
    assert {name: message.parameters[name] for name in ("set", "skipped", "cannot", "replaces_chosen")} == {
        "set": 2,
        "skipped": 1,
        "cannot": 1,
        "replaces_chosen": 1,
    }
    assert "2 of 4 contacts" in message.text
    assert "1 of them chose" in message.text
    assert "Skipped: 1. Cannot be set: 1." in message.text
    assert "Rosa" not in f"{message.text}{message.parameters}"


def test_the_message_for_those_who_are_issued_again(portal: Portal) -> None:
    """Each number is told in words and as data: the operator sees that live defaults are among them before OK."""
    issued(portal, "c-2")
    choose(portal)
    message = portal.resets.plan(EVERYBODY, OFFICE).confirmation
    told = {"selected": 4, "set": 2, "skipped": 1, "cannot": 1, "replaces_live_default": 1, "replaces_chosen": 0}
    assert {name: message.parameters[name] for name in told} == told
    for words in (
        "2 of 4 contacts",
        "1 of them has a default or an invitation that works",
        "Skipped: 1. Cannot be set: 1.",
    ):
        assert words in message.text


def test_the_message_says_that_passwords_will_be_shown(portal: Portal) -> None:
    """R15: whoever presses OK knows that the screen will show what nobody else may see."""
    one, many = (portal.resets.plan(ids, OFFICE, reveal=True).confirmation for ids in (["c-1"], ["c-1", "c-2"]))
    assert "It will be shown once, now." in one.text
    assert "The passwords will be shown once, now." in many.text
    assert one.parameters["reveal"] == 1
    assert portal.resets.plan([], OFFICE).confirmation.text == "Nobody is selected."


def test_the_message_for_many_says_nothing_of_what_is_not(portal: Portal) -> None:
    """With nobody left out and nothing replaced the message is short."""
    text = portal.resets.plan(["c-1", "c-2"], OFFICE).confirmation.text
    assert "Skipped" not in text
    assert "chose" not in text


@pytest.mark.parametrize("contact_ids", [["c-4"], ["c-4", "c-9"], ["c-9"]])
def test_the_message_if_nothing_can_be_set(portal: Portal, contact_ids: list[str]) -> None:
    """A portal can tell that there is nothing to press OK on, whether for one or for many."""
    message = portal.resets.plan(contact_ids, OFFICE).confirmation

    assert message.code == "nothing_to_set"
    assert f"Cannot be set: {len(contact_ids)}." in message.text
    assert message.parameters["set"] == 0


def test_the_message_with_an_absolute_expiry(portal: Portal) -> None:
    """R5: where the operator gave an instant, the message says the instant and not the lifetime."""
    expires_at = START + timedelta(days=3)
    message = portal.resets.plan(["c-1"], OFFICE, expires_at=expires_at).confirmation

    assert "until 2026-08-27 07:30+00:00" in message.text
    assert "days" not in message.text
    assert message.parameters["expires_at"] == expires_at.isoformat()


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        (timedelta(days=14), "for 14 days"),
        (timedelta(days=2), "for 2 days"),
        (timedelta(days=1), "for 24 hours"),
        (timedelta(hours=36), "for 36 hours"),
        (timedelta(hours=1), "for 60 minutes"),
        (timedelta(minutes=1), "for 1 minute and"),
    ],
    ids=str,
)
def test_the_message_says_a_lifetime_that_is_so(portal: Portal, lifetime: timedelta, words: str) -> None:
    """No default "works for 0 days"."""
    text = portal.with_parts(lifetime=lifetime).resets.plan(["c-1"], OFFICE).confirmation.text

    assert words in text
    assert "for 0" not in text


# -- the fingerprint and OK


def test_a_fingerprint_is_the_same_for_the_same_plan(portal: Portal) -> None:
    """A plan made anew in another request, at another time, of the same world has the same."""
    choose(portal)
    first = portal.resets.plan(EVERYBODY, OFFICE).fingerprint
    portal.clock.move(hours=1)

    assert portal.with_parts().resets.plan(tuple(EVERYBODY), OFFICE).fingerprint == first
    assert len(first) == 64
    assert int(first, 16) >= 0


def test_a_fingerprint_tells_what_the_operator_did_not_see(portal: Portal) -> None:
    """Ids, order, epochs, decisions, reasons, strategy, expiry and reveal each make another fingerprint."""
    portal.resets.reset_password("c-3", OFFICE)
    resets = portal.resets
    later = START + timedelta(days=1)
    seen = {
        resets.plan(["c-1", "c-2"], OFFICE).fingerprint,
        resets.plan(["c-2", "c-1"], OFFICE).fingerprint,
        resets.plan(["c-1"], OFFICE).fingerprint,
        resets.plan(["c-1", "c-2", "c-9"], OFFICE).fingerprint,
        resets.plan(["c-1", "c-2"], OFFICE, reveal=True).fingerprint,
        resets.plan(["c-1", "c-2"], OFFICE, expires_at=later).fingerprint,
        resets.plan(["c-1", "c-2"], OFFICE, expires_at=later + timedelta(seconds=1)).fingerprint,
        portal.with_parts(lifetime=timedelta(days=7)).resets.plan(["c-1", "c-2"], OFFICE).fingerprint,
        portal.with_parts(strategy=NameTemplate(template="{last_name}1"))
        .resets.plan(["c-1", "c-2"], OFFICE)
        .fingerprint,
    }
    assert len(seen) == 9
    portal.resets.reset_password("c-1", OFFICE)
    seen.add(resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    portal.accounts.rename("c-2", OFFICE, username=None)
    seen.add(resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    portal.accounts.disable("c-2", OFFICE)
    seen.add(resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    assert len(seen) == 12


def test_ok_for_one_person_is_not_ok_for_another(portal: Portal) -> None:
    """R11: whatever the rows showed is what was confirmed: the names, the user name, the status and the warnings."""
    issued(portal, "c-2")
    seen = [portal.resets.plan(["c-1", "c-2"], OFFICE).fingerprint]
    portal.accounts.sync_contacts([attrs.evolve(ROSA, first_name="Emil", last_name="Other")], OFFICE)
    seen.append(portal.resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    portal.accounts.rename("c-1", OFFICE, username="emil")
    seen.append(portal.resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    portal.accounts.sync_contacts([attrs.evolve(PAT, last_name=" Brien")], OFFICE)
    seen.append(portal.resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    portal.clock.move(days=20)
    seen.append(portal.resets.plan(["c-1", "c-2"], OFFICE).fingerprint)
    assert len(set(seen)) == 5


plans = st.builds(
    ResetPlan,
    items=st.lists(
        st.builds(
            ResetPlanItem,
            contact_id=st.text(st.sampled_from('ab",[]\n\\ é'), max_size=4).map(ContactId),
            decision=st.sampled_from(Decision),
            reason=st.none() | st.sampled_from(DecisionReason),
            epoch=st.none() | st.integers(0, 3),
            first_name=st.none() | st.sampled_from(("a", "b", "a, b", "")),
            last_name=st.none() | st.sampled_from(("a", "b", "")),
            warnings=st.sampled_from(((), ("a",), ("a", "b"))),
        ),
        max_size=4,
    ).map(tuple),
    operator=st.just(OFFICE),
    strategy=st.sampled_from(("a", 'a", 1')),
    lifetime=st.sampled_from((timedelta(1), timedelta(2))),
    expires_at=st.none() | st.just(datetime(2027, 1, 1, tzinfo=UTC)),
    reveal=st.booleans(),
    clock=st.just(lambda: START),
)


@given(plans, plans)
def test_two_plans_share_a_fingerprint_only_if_they_say_the_same(one: ResetPlan, other: ResetPlan) -> None:
    """Whatever ids hold, no two rows run into each other to look like another selection."""
    assert (one.fingerprint == other.fingerprint) == (one == other)


def test_ok_on_what_was_seen_is_taken(portal: Portal) -> None:
    """Who pressed OK, when, and on what, with a key of its own."""
    seen = portal.resets.plan(["c-1"], OFFICE)
    portal.clock.move(minutes=3)
    fresh = portal.resets.plan(["c-1"], OFFICE)
    boss = Operator(operator_id="boss")

    confirmed = fresh.confirm(boss, fingerprint=seen.fingerprint)

    assert isinstance(confirmed, ConfirmedPlan)
    assert (confirmed.plan, confirmed.operator) == (fresh, boss)
    assert confirmed.confirmed_at == START + timedelta(minutes=3)
    assert len({confirmed.key, fresh.confirm(boss).key, fresh.confirm(boss).key}) == 3
    assert fresh.confirm(boss, key="job-7").key == "job-7"


def test_ok_on_what_is_no_longer_so_shows_the_plan_again(portal: Portal) -> None:
    """The contact chose a password between showing and OK; the operator looks again, and nothing is set."""
    issue(portal)
    seen = portal.resets.plan(["c-1", "c-2"], OFFICE)
    portal.choose("c-1")
    before = snapshot(portal)[0]

    fresh = portal.resets.plan(["c-1", "c-2"], OFFICE)
    answer = fresh.confirm(OFFICE, fingerprint=seen.fingerprint)

    assert answer == PlanChanged(plan=fresh)
    assert fresh.items[0].reason is DecisionReason.CHOSE_OWN
    assert snapshot(portal)[0] == before
    assert portal.kinds()[-1] == "plan_changed ResetPlan"
    kept = pickle.loads(pickle.dumps(fresh))  # noqa: S301  Its own bytes.
    assert kept.confirm(OFFICE, fingerprint=seen.fingerprint) == answer
    assert portal.kinds().count("plan_changed ResetPlan") == 1


@given(st.text(st.sampled_from("aé \n\r\t\x1b\x7f\x85\u2028\u2029\u202e"), min_size=1))
def test_a_name_breaks_no_line_of_the_message(name: str) -> None:
    """CWE-117: what is confirmed is one line, whatever the SIS has as a name."""
    item = ResetPlanItem(
        contact_id=ContactId("c-1"), decision=Decision.WILL_SET, first_name=name, last_name=name, username=name
    )
    plan = ResetPlan(
        items=(item,), operator=OFFICE, strategy="s", lifetime=timedelta(days=1), clock=lambda: datetime.now(UTC)
    )
    text = plan.confirmation.text
    assert not {unicodedata.category(char) for char in text} & {"Cc", "Cs", "Zl", "Zp"}
    assert "\u202e" not in text


@pytest.mark.parametrize("sent", ["", "0" * 64, None], ids=["empty", "other", "form field missing"])
def test_a_fingerprint_that_is_not_the_plan_s_confirms_nothing(portal: Portal, sent: Any) -> None:
    """A form that lost its hidden field does not press OK on whatever is there now."""
    assert isinstance(portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE, fingerprint=sent), PlanChanged)


@pytest.mark.parametrize("key", ["", " ", "a b\n", "é", "x" * 65, " a", 7])
def test_a_key_can_stand_in_a_row(portal: Portal, key: Any) -> None:
    """R12: a key that no store could keep is refused at OK, and not when the first password is written."""
    with pytest.raises(InvalidValueError) as caught:
        portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE, key=key)
    assert caught.value.field == "key"


def test_a_default_of_an_old_name_is_told_before_ok(portal: Portal) -> None:
    """R5: a sync that changed the name left the live default working, and the plan and the grid say so."""
    issue(portal)
    portal.clock.move(days=1)
    married = Contact(contact_id=ContactId("c-1"), first_name="Rosa", last_name="Rossi")
    portal.accounts.sync_contacts([married], OFFICE)

    assert row(portal).warnings == ("replaces_live_default", "default_of_old_name")
    (shown,) = portal.accounts.search(OFFICE, words="rabb").to_records()
    assert shown["warning"] == "default_of_old_name"
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)


@pytest.mark.parametrize(
    "forged",
    [
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, lifetime=timedelta(days=36_500))),
        lambda ok: attrs.evolve(ok, key="a key of\nmany lines"),
        lambda ok: attrs.evolve(ok, confirmed_at=datetime(2026, 8, 24)),
    ],
    ids=["for a century", "no key", "at no instant"],
)
def test_a_confirmed_plan_that_was_altered_is_refused(portal: Portal, forged: Any) -> None:
    """R5, R12: what no confirmation makes is refused before anything is read or written."""
    ok = portal.resets.plan(["c-1"], OFFICE).confirm(OFFICE)
    with pytest.raises(ConfigurationError) as refused:
        portal.resets.start(forged(ok))
    assert refused.value.argument == "confirmed"
