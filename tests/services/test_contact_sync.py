"""What a sync with the SIS does, and the much that it never does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import FAMILY, GOOD_PASSWORD, NOBODY, OFFICE, PAT, ROSA, START, USERNAMES, Portal, issued, settled, watched
from portalcreds.account_service import AccountService
from portalcreds.accounts import Account
from portalcreds.audit import AuditKind
from portalcreds.contact_sync import SyncAction, SyncItem, SyncPlan, SyncReason, SyncReport
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import StoreError, StoreUnavailableError, TransactionAborted
from portalcreds.outcomes import PasswordChangeRequired, SignedIn
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.throttle import Throttle
from strategies import accounts, names, usernames

MIA = Contact(contact_id=ContactId("n-1"), first_name="Mia", last_name="Li", email="mia@example.org")
BO = Contact(contact_id=ContactId("n-2"), first_name="Bo", last_name="Li")

UNAVAILABLE = StoreUnavailableError("apply", "57P01")


def rows(report: SyncPlan | SyncReport) -> list[tuple[SyncAction, SyncReason | None]]:
    """Return what is done, and why, in order."""
    return [(item.action, item.reason) for item in report]


def sync(portal: Portal, *contacts: Contact, **options: Any) -> list[tuple[SyncAction, SyncReason | None]]:
    """Plan and apply, check that the report says what the plan said, and return it."""
    plan = portal.accounts.plan_sync(contacts, OFFICE, **options)
    report = portal.accounts.apply_sync(plan)
    assert rows(report) == rows(plan)
    assert [item.contact_id for item in report] == [contact.contact_id for contact in contacts]
    return rows(report)


def everything(portal: Portal) -> tuple[Any, ...]:
    """Return all that is stored of the family and of newcomers."""
    return portal.store.find_many([ContactId(each) for each in (*USERNAMES, "n-1", "n-2")]), portal.store.events()


ADD = (SyncAction.ADD, None)
UNCHANGED = (SyncAction.UNCHANGED, None)
REFRESH = (SyncAction.REFRESH, None)


def cannot(reason: SyncReason) -> tuple[SyncAction, SyncReason]:
    """Return a row that nothing is done about."""
    return SyncAction.CANNOT, reason


# -- what it does


def test_a_plan_writes_nothing(portal: Portal) -> None:
    """Design 6: a sync can be looked at first; neither an account nor the record moves, whatever it would do."""
    portal.accounts.erase("c-3", OFFICE)
    before = everything(portal)

    plan = portal.accounts.plan_sync(
        [MIA, attrs.evolve(ROSA, last_name="Moved"), PAT, FAMILY[2], MIA],
        OFFICE,
        usernames={"n-1": "mia"},
        restore_erased=True,
    )

    assert [item.action.value for item in plan] == ["add", "refresh", "unchanged", "restore", "cannot"]
    assert everything(portal) == before


def test_newcomers_are_added(portal: Portal) -> None:
    """Design 6: with their user name or without one, exactly as the SIS has them, without a password, on the record."""
    assert sync(portal, MIA, BO, usernames={"n-1": "Mia.Li "}) == [ADD, (SyncAction.ADD, SyncReason.NO_USERNAME)]

    assert portal.account("n-1") == Account(contact=MIA, username="Mia.Li ")
    assert portal.account("n-2") == Account(contact=BO)
    event = portal.store.events(ContactId("n-2"))[-1]
    assert (event.kind, event.operator_id, event.reason, event.at) == (
        AuditKind.ACCOUNT_ADDED,
        "office",
        "no_username",
        START,
    )


def test_a_sync_s_events_have_its_id_in_common(portal: Portal) -> None:
    """R17: the record tells which lines belong to one sync, and the report says which that are."""
    report = portal.accounts.sync_contacts([MIA, BO, PAT], OFFICE)
    other = portal.accounts.sync_contacts([attrs.evolve(PAT, email="pat@example.org")], OFFICE)

    told = [event for event in portal.store.events() if event.operation_id == report.operation_id]
    assert [event.contact_id for event in told] == ["n-1", "n-2"]
    assert other.operation_id != report.operation_id


def test_a_second_sync_changes_nothing(portal: Portal) -> None:
    """R17: a nightly sync of an unchanged SIS leaves no version and no line behind."""
    sync(portal, MIA, BO, usernames={"n-1": "mia", "n-2": "bo"})
    before = everything(portal)

    assert sync(portal, MIA, BO, *FAMILY, usernames=USERNAMES | {"n-1": "mia", "n-2": "bo"}) == [UNCHANGED] * 6
    assert everything(portal) == before


@pytest.mark.parametrize("value", ["Other ", None])
def test_names_and_addresses_are_refreshed(portal: Portal, value: str | None) -> None:
    """Design 6: what the SIS says now is what is kept, also where it says nothing any more."""
    for contact in (
        attrs.evolve(ROSA, first_name=value),
        attrs.evolve(ROSA, last_name=value),
        attrs.evolve(ROSA, email=value),
    ):
        assert sync(portal, contact, usernames=USERNAMES) == [REFRESH]
        assert portal.account("c-1").contact == contact


def test_user_names_come_from_a_mapping_or_a_function(portal: Portal) -> None:
    """Design 6: by contact id, as a function of the contact, or none at all."""
    assert sync(portal, MIA, usernames=lambda contact: f"{contact.first_name}.{contact.contact_id}") == [ADD]
    assert portal.account("n-1").username == "Mia.n-1"
    assert sync(portal, BO, usernames=lambda contact: None) == [(SyncAction.ADD, SyncReason.NO_USERNAME)]
    assert sync(portal, BO, usernames={"n-2": "bo"}) == [REFRESH]
    assert portal.account("n-2").username == "bo"


def test_a_user_name_that_an_account_has_is_never_touched(portal: Portal) -> None:
    """Design 6: what a contact signs in with changes through `rename` only; that the SIS has another one is said."""
    assert sync(portal, ROSA, usernames={"c-1": "someone.else"}) == [
        (SyncAction.UNCHANGED, SyncReason.USERNAME_DIFFERS)
    ]
    moved = attrs.evolve(ROSA, last_name="Moved")
    assert sync(portal, moved, usernames={"c-1": "someone.else"}) == [(SyncAction.REFRESH, SyncReason.USERNAME_DIFFERS)]
    assert sync(portal, ROSA) == [REFRESH]
    # The same key is the same user name, however it is written.
    assert sync(portal, ROSA, usernames={"c-1": " RABBIATICI"}) == [UNCHANGED]
    assert portal.account("c-1").username == "rabbiatici"


def test_the_absent_are_neither_disabled_nor_deleted(portal: Portal) -> None:
    """Design 6: half a file from the SIS, or none, takes nobody's account away."""
    before = everything(portal)
    assert sync(portal) == []
    assert sync(portal, PAT) == [UNCHANGED]
    assert everything(portal) == before


def test_the_disabled_are_not_enabled(portal: Portal) -> None:
    """R5: a sync refreshes a disabled account's names and leaves it disabled."""
    portal.accounts.disable("c-1", OFFICE)
    assert sync(portal, attrs.evolve(ROSA, last_name="Moved")) == [REFRESH]
    assert not portal.account("c-1").is_active


def test_a_live_default_goes_on_working_after_a_name_change(portal: Portal) -> None:
    """R5, R6: the old default opens its door until it expires, the new name's does not, and the epoch stays."""
    issued(portal)
    before = portal.account("c-1").credential
    assert sync(portal, attrs.evolve(ROSA, last_name="Moved")) == [REFRESH]

    assert portal.account("c-1").credential == before
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)
    assert not isinstance(portal.sign_ins.sign_in("rabbiatici", "MovedR"), PasswordChangeRequired)


def test_a_chosen_password_goes_on_working_after_a_name_change(portal: Portal) -> None:
    """E9: a name change does nothing to an account that chose its own password."""
    settled(portal)
    assert sync(portal, attrs.evolve(ROSA, last_name="Moved")) == [REFRESH]
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


texts = st.none() | names().map(lambda text: text.replace("\0", ""))


@given(
    account=accounts(),
    first_name=texts,
    last_name=texts,
    email=texts,
    username=st.none() | usernames | st.sampled_from(["", "a\0", "x" * 300]),
    restore=st.booleans(),
)
def test_a_sync_never_touches_a_credential(
    account: Account,
    first_name: str | None,
    last_name: str | None,
    email: str | None,
    username: str | None,
    restore: bool,
) -> None:
    """R6, E9: whatever the state and whatever the SIS says, credential, activity, sign-in and user name stay."""
    store = MemoryAccountStore()
    before = attrs.evolve(account, version=1)
    assert list(store.apply([Change(old=None, new=before)])) == [ApplyResult.APPLIED]
    service = AccountService(
        store,
        authorizer=Grants(privileges={"office": [Privilege.SYNC]}),
        throttle=Throttle(MemoryAttemptCounter()),
        clock=lambda: START,
    )
    contact = Contact(contact_id=account.contact_id, first_name=first_name, last_name=last_name, email=email)

    (item,) = service.sync_contacts([contact], OFFICE, usernames=lambda _: username, restore_erased=restore)

    after = store.find(account.contact_id)
    assert after is not None
    if item.action is SyncAction.CANNOT:
        assert (after, item.reason) == (before, SyncReason.USERNAME_INVALID)
        return
    assert after.contact == contact
    assert after.username == (before.username or username)
    unchanged = attrs.evolve(
        after, contact=before.contact, username=before.username, name_changed_at=before.name_changed_at, version=1
    )
    assert unchanged == before
    assert after.version == (1 if item.action is SyncAction.UNCHANGED else 2)


# -- the erased


def test_the_erased_stay_erased_unless_told(portal: Portal) -> None:
    """Design 6: a SIS that still lists somebody does not undo an erasure by itself."""
    settled(portal)
    portal.accounts.erase("c-1", OFFICE)
    before = portal.account("c-1")

    assert sync(portal, ROSA, usernames=USERNAMES) == [cannot(SyncReason.ERASED)]
    assert portal.account("c-1") == before


def test_the_erased_are_brought_back_without_a_password(portal: Portal) -> None:
    """R6: who comes back begins anew, beyond every session and ticket there ever was."""
    settled(portal)
    erased = portal.accounts.erase("c-1", OFFICE)

    assert sync(portal, ROSA, usernames=USERNAMES, restore_erased=True) == [(SyncAction.RESTORE, None)]

    account = portal.account("c-1")
    assert account == Account(
        contact=ROSA, username="rabbiatici", credential=erased.credential, version=erased.version + 1
    )
    assert account.credential.password_hash is None
    assert account.credential.epoch == 3
    assert portal.kinds("c-1")[-1] == "user_updated.restore"
    assert sync(portal, ROSA, usernames=USERNAMES, restore_erased=True) == [UNCHANGED]


def test_whose_user_name_was_given_away_is_not_brought_back(portal: Portal) -> None:
    """Design 6: the erased lose their user name; somebody else's is not taken for them."""
    portal.accounts.erase("c-1", OFFICE)
    portal.accounts.rename("c-2", OFFICE, username="rabbiatici")

    assert sync(portal, ROSA, usernames=USERNAMES, restore_erased=True) == [cannot(SyncReason.USERNAME_TAKEN)]
    assert portal.account("c-1").erased_at == START


# -- what cannot be done


@pytest.mark.parametrize(
    "username", ["", "  ", "tab\there", "nul\0", "half\ud800", "x" * 256, 7, 1.5, ["mia"]], ids=repr
)
def test_a_user_name_that_is_none_is_one_row_s_result(portal: Portal, username: Any) -> None:
    """Design 6: blanks, controls, numbers of a sheet: nothing is written for that contact, and others go on."""
    assert sync(portal, MIA, BO, usernames={"n-1": username, "n-2": "bo"}) == [
        cannot(SyncReason.USERNAME_INVALID),
        ADD,
    ]
    assert portal.store.find(ContactId("n-1")) is None
    assert sync(portal, ROSA, usernames={"c-1": username}) == [cannot(SyncReason.USERNAME_INVALID)]


@pytest.mark.parametrize("username", ["rabbiatici", "RABBIATICI", " rabbiatici ", "ｒabbiatici"])
def test_a_user_name_that_another_account_has_is_not_taken(portal: Portal, username: str) -> None:
    """R18: matched by its key, however it is written; nothing is written for that contact, and others go on."""
    assert sync(portal, MIA, BO, usernames={"n-1": username, "n-2": "bo"}) == [cannot(SyncReason.USERNAME_TAKEN), ADD]
    assert portal.store.find(ContactId("n-1")) is None
    assert portal.account("c-1").contact == ROSA


def test_a_user_name_that_two_rows_want_goes_to_the_first(portal: Portal) -> None:
    """Design 6: the plan says beforehand what the store would refuse, also over the border of a reading."""
    contacts = [Contact(contact_id=ContactId(f"m-{n}"), last_name="M") for n in range(600)]
    wanted = {contact.contact_id: f"user{n % 550}" for n, contact in enumerate(contacts)}

    assert sync(portal, *contacts, usernames=wanted) == [ADD] * 550 + [cannot(SyncReason.USERNAME_TAKEN)] * 50


def test_a_row_that_cannot_be_added_claims_no_user_name(portal: Portal) -> None:
    """Design 6: an account that keeps another user name leaves the proposed one to who comes after."""
    assert sync(portal, ROSA, MIA, usernames={"c-1": "mia", "n-1": "mia"}) == [
        (SyncAction.UNCHANGED, SyncReason.USERNAME_DIFFERS),
        ADD,
    ]


def test_a_contact_listed_twice_is_taken_once(portal: Portal) -> None:
    """Design 6: the first row counts, the other says so, within one reading and over its border."""
    contacts = [Contact(contact_id=ContactId(f"m-{n}"), last_name="M") for n in range(520)]
    other = attrs.evolve(contacts[0], last_name="Other")

    told = sync(portal, contacts[0], other, *contacts[1:], other)

    assert told[0] == (SyncAction.ADD, SyncReason.NO_USERNAME)
    assert told[1] == told[-1] == cannot(SyncReason.LISTED_TWICE)
    assert portal.account("m-0").contact == contacts[0]


def test_what_is_not_permitted_is_not_synced(portal: Portal) -> None:
    """R16: asked about the account there is or would be, refused row by row, with one line for each refusal."""

    def only_pat(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        assert privilege is Privilege.SYNC
        return [account.contact_id == "c-2" for account in accounts]

    limited = portal.with_parts(authorizer=only_pat)
    moved = [attrs.evolve(contact, email="new@example.org") for contact in (ROSA, PAT)]
    before = len(portal.store.events())

    assert sync(limited, MIA, *moved) == [
        cannot(SyncReason.NOT_PERMITTED),
        cannot(SyncReason.NOT_PERMITTED),
        REFRESH,
    ]
    events = portal.store.events()[before:]
    assert [(event.kind, event.contact_id) for event in events] == [
        (AuditKind.PRIVILEGE_DENIED, "n-1"),
        (AuditKind.PRIVILEGE_DENIED, "c-1"),
        (AuditKind.ACCOUNT_REFRESHED, "c-2"),
    ]
    assert portal.store.find(ContactId("n-1")) is None


def test_a_privilege_that_is_gone_at_apply_is_gone(portal: Portal) -> None:
    """R16: the plan's permission is asked for again when it is carried out."""
    plan = portal.accounts.plan_sync([MIA], OFFICE)
    report = portal.with_parts(authorizer=Grants(privileges={})).accounts.apply_sync(plan)
    assert rows(report) == [cannot(SyncReason.NOT_PERMITTED)]
    assert sync(portal.with_parts(authorizer=Grants(privileges={})), MIA) == [cannot(SyncReason.NOT_PERMITTED)]
    assert portal.accounts.sync_contacts([MIA], NOBODY).count(SyncAction.CANNOT) == 1


def test_an_operator_s_own_row_is_synced(portal: Portal) -> None:
    """R16: a sync touches no credential, so whoever runs it may be on the list."""
    parent = Operator(operator_id="office", contact_id=ROSA.contact_id)
    moved = attrs.evolve(ROSA, email="new@example.org")
    assert rows(portal.accounts.sync_contacts([moved], parent)) == [REFRESH]


# -- many


def test_a_district_is_read_and_written_in_pieces(portal: Portal) -> None:
    """Design 6: over two borders each contact has one row in order and one account, and each piece is one question."""
    contacts = [Contact(contact_id=ContactId(f"m-{n}"), last_name=f"M{n}") for n in range(1_200)]
    calls: Counter[tuple[str, int]] = Counter()
    asked: list[int] = []

    def counting(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        asked.append(len(accounts))
        return [True] * len(accounts)

    def count(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if when == "before" and name in ("find_many", "apply"):
            calls[name, len(arguments[0])] += 1

    watching = attrs.evolve(portal, store=watched(portal.store, count)).with_parts(authorizer=counting)
    report = watching.accounts.sync_contacts(iter(contacts), OFFICE, usernames=lambda contact: contact.contact_id)

    assert rows(report) == [ADD] * 1_200
    assert [item.contact for item in report] == contacts
    assert len(portal.store.find_many([contact.contact_id for contact in contacts])) == 1_200
    assert asked == [500, 500, 200] * 2
    assert calls == {("find_many", 500): 4, ("find_many", 200): 2, ("apply", 500): 2, ("apply", 200): 1}


# -- races and failures


def test_two_syncs_at_once_add_each_contact_once(portal: Portal) -> None:
    """R3: who was added by somebody else in between is found there, and refreshed or left as they are."""
    raced: list[str] = []

    def add_first(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not raced:
            raced.append(name)
            portal.accounts.sync_contacts([MIA, attrs.evolve(BO, email="old@example.org")], OFFICE)

    report = attrs.evolve(portal, store=watched(portal.store, add_first)).accounts.sync_contacts([MIA, BO], OFFICE)

    assert [item.action.value for item in report] == ["unchanged", "refresh"]
    assert portal.account("n-2").contact == BO
    assert portal.kinds("n-1") == ["user_created no_username"]


def test_a_user_name_taken_in_between_is_one_row_s_result(portal: Portal) -> None:
    """R18: the store has the last word on user names, whatever the plan said."""
    plan = portal.accounts.plan_sync([MIA, BO], OFFICE, usernames={"n-1": "mia", "n-2": "bo"})
    portal.accounts.rename("c-1", OFFICE, username="MIA")
    assert rows(portal.accounts.apply_sync(plan)) == [cannot(SyncReason.USERNAME_TAKEN), ADD]


def test_a_sign_in_in_between_is_not_undone(portal: Portal) -> None:
    """R3, R6: a name is refreshed on the account as it is now, its new ticket included."""
    default = issued(portal)
    raced: list[str] = []

    def sign_in(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply") and not raced:
            raced.append(name)
            portal.sign_ins.sign_in("rabbiatici", default)

    moved = attrs.evolve(ROSA, email="new@example.org")
    report = attrs.evolve(portal, store=watched(portal.store, sign_in)).accounts.sync_contacts([moved], OFFICE)

    assert rows(report) == [REFRESH]
    assert portal.account("c-1").credential.ticket_digest is not None
    assert portal.account("c-1").contact == moved


def test_an_account_that_keeps_changing_is_given_up(portal: Portal) -> None:
    """R3: one row says so, and the others are written."""
    rounds: list[int] = []

    def move(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", "apply"):
            rounds.append(len(arguments[0]))
            portal.accounts.rename("c-1", OFFICE, username=f"rosa{len(rounds)}")

    moved = attrs.evolve(ROSA, email="new@example.org")
    report = attrs.evolve(portal, store=watched(portal.store, move)).accounts.sync_contacts([moved, MIA], OFFICE)

    assert rows(report) == [cannot(SyncReason.CHANGED_MEANWHILE), (SyncAction.ADD, SyncReason.NO_USERNAME)]
    assert rounds == [2, 1, 1, 1]


@pytest.mark.parametrize("method", ["find_many", "apply"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [(UNAVAILABLE, SyncReason.STORE_UNAVAILABLE), (StoreError("x", "42501"), SyncReason.STORE_REFUSED)],
    ids=["away", "refusing"],
)
def test_a_store_that_fails_for_a_while_costs_a_piece(
    portal: Portal, method: str, error: Exception, reason: SyncReason
) -> None:
    """R21: the rows of that piece say why, the others are written, and another sync does the rest."""
    contacts = [Contact(contact_id=ContactId(f"m-{n}"), last_name="M") for n in range(501)]
    plan = portal.accounts.plan_sync(contacts, OFFICE)

    def is_first(each: Any) -> bool:
        return (each if isinstance(each, str) else each.new.contact_id) == "m-0"

    def fail(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if (when, name) == ("before", method) and any(is_first(each) for each in arguments[0]):
            raise error

    report = attrs.evolve(portal, store=watched(portal.store, fail)).accounts.apply_sync(plan)

    told = rows(report)
    one_by_one = reason is SyncReason.STORE_REFUSED
    assert told[0] == cannot(reason)
    assert told[1:500] == ([(SyncAction.ADD, SyncReason.NO_USERNAME)] if one_by_one else [cannot(reason)]) * 499
    assert told[500] == (SyncAction.ADD, SyncReason.NO_USERNAME)
    again = portal.accounts.sync_contacts(contacts, OFFICE)
    assert again.count(SyncAction.CANNOT) == 0


def test_a_transaction_of_the_host_s_that_is_gone_comes_out(portal: Portal) -> None:
    """R20: the host has to roll back and run the sync again."""

    def abort(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "apply":
            raise TransactionAborted("apply", "40001")

    with pytest.raises(TransactionAborted):
        attrs.evolve(portal, store=watched(portal.store, abort)).accounts.sync_contacts([MIA], OFFICE)


# -- what is shown


def test_rows_are_counted_and_listed(portal: Portal) -> None:
    """R24: records have names for a table; reprs have counts and none."""
    plan = portal.accounts.plan_sync([MIA, PAT, MIA], OFFICE, usernames={"n-1": "mia.li"})

    assert len(plan) == 3
    assert plan.count(SyncAction.ADD) == 1
    assert plan.to_records()[0] == {
        "contact_id": "n-1",
        "first_name": "Mia",
        "last_name": "Li",
        "username": "mia.li",
        "action": "add",
        "reason": None,
    }
    assert plan.to_records()[2]["reason"] == "listed_twice"
    assert repr(plan) == "<SyncPlan of 3 contacts (add: 1, unchanged: 1, cannot: 1)>"
    assert repr(portal.accounts.sync_contacts([], OFFICE)) == "<SyncReport of 0 contacts (nothing)>"


@pytest.mark.parametrize("of", [SyncPlan, SyncReport, SyncItem])
def test_no_repr_says_a_name(portal: Portal, of: type) -> None:
    """R14, R24: neither plan, report nor row prints a name, an address or a user name."""
    made: dict[type, Callable[[], object]] = {
        SyncPlan: lambda: portal.accounts.plan_sync([MIA], OFFICE, usernames={"n-1": "mia.li"}),
        SyncReport: lambda: portal.accounts.sync_contacts([MIA], OFFICE, usernames={"n-1": "mia.li"}),
        SyncItem: lambda: portal.accounts.plan_sync([MIA], OFFICE, usernames={"n-1": "mia.li"}).items,
    }
    told = repr(made[of]())
    for text in ("Mia", "Li'", "mia.li", "example.org"):
        assert text not in told


def test_the_record_of_a_sync_holds_no_personal_data(portal: Portal) -> None:
    """R14, R17: adding and refreshing are on record by id."""
    portal.accounts.sync_contacts([MIA], OFFICE, usernames={"n-1": "mia.li"})
    portal.accounts.sync_contacts([attrs.evolve(MIA, last_name="Moved")], OFFICE)
    lines = "\n".join(event.line() for event in portal.store.events(MIA.contact_id))
    for text in ("Mia", "Li", "mia.li", "example.org", "Moved"):
        assert text not in lines


def test_a_notebook_shows_a_sync(portal: Portal) -> None:
    """R24: plan and report are tables with the names that the operator synced."""
    plan = portal.accounts.plan_sync([MIA], OFFICE)
    assert str(MIA.last_name) in plan._repr_html_()
    assert str(MIA.last_name) not in repr(plan)
