"""What a sync with the SIS does, and the much that it never does."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from administration.syncing import ADD, BO, MIA, REFRESH, cannot, rows, sync
from portal import FAMILY, GOOD_PASSWORD, NOBODY, OFFICE, PAT, ROSA, START, USERNAMES, Portal, issued, settled
from portalcreds.accounts import Account
from portalcreds.administration.service import AccountService
from portalcreds.administration.sync import SyncAction, SyncReason
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import ApplyResult, Change
from portalcreds.rosters import ContactColumns, read_contacts_csv
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.throttle import Throttle
from strategies import accounts, names, usernames


def everything(portal: Portal) -> tuple[Any, ...]:
    """Return all that is stored of the family and of newcomers."""
    return portal.store.find_many([ContactId(each) for each in (*USERNAMES, "n-1", "n-2")]), portal.store.events()


UNCHANGED = (SyncAction.UNCHANGED, None)
TAKEN = (SyncAction.ADD, SyncReason.USERNAME_TAKEN)

# -- what it does


def test_a_plan_writes_nothing(portal: Portal) -> None:
    """A sync can be looked at first; neither an account nor the record moves, whatever it would do."""
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
    """With their user name or without one, exactly as the SIS has them, without a password, on the record."""
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
    """What the SIS has now is what is kept; where that is empty, the row says so."""
    sync(portal, attrs.evolve(ROSA, email="rosa@example.org"), usernames=USERNAMES)
    for field in ("first_name", "last_name", "email"):
        changed: dict[str, Any] = {field: value}
        contact = attrs.evolve(portal.account("c-1").contact, **changed)
        emptied = (SyncAction.REFRESH, SyncReason.EMPTIED)
        assert sync(portal, contact, usernames=USERNAMES) == [REFRESH if value else emptied]
        assert portal.account("c-1").contact == contact


def test_a_file_without_a_column_keeps_what_is_there(portal: Portal) -> None:
    """An export without addresses, or without first names, wipes none; it still refreshes what it has."""
    sync(portal, attrs.evolve(ROSA, email="rosa@example.com"))
    reading = read_contacts_csv(io.StringIO("id,last\nc-1,Moved\n"), columns=ContactColumns(first_name=""))
    plan = portal.accounts.plan_sync(reading.contacts, OFFICE)

    assert rows(plan) == [REFRESH]
    portal.accounts.apply_sync(plan)
    assert portal.account("c-1").contact == attrs.evolve(ROSA, last_name="Moved", email="rosa@example.com")
    assert sync(portal, *reading.contacts) == [UNCHANGED]


def test_an_empty_cell_empties_and_is_told_before(portal: Portal) -> None:
    """What the SIS has no more is removed, with a reason in the plan, the report and the record."""
    sync(portal, attrs.evolve(ROSA, email="rosa@example.com"))
    reading = read_contacts_csv(io.StringIO("id,first,last,email\nc-1,Rosa,Abbiatici,\n"))
    plan = portal.accounts.plan_sync(reading.contacts, OFFICE)

    assert rows(plan) == [(SyncAction.REFRESH, SyncReason.EMPTIED)]
    assert rows(portal.accounts.apply_sync(plan)) == [(SyncAction.REFRESH, SyncReason.EMPTIED)]
    assert portal.account("c-1").contact.email is None
    assert portal.store.events(ContactId("c-1"))[-1].reason == "emptied"


def test_a_newcomer_of_a_file_without_a_column_has_nothing_there(portal: Portal) -> None:
    """Nothing is kept where there was nothing, and the account's own contact has no unknown field."""
    mia = Contact(contact_id=MIA.contact_id, first_name="Mia", last_name="Li", unknown=("email",))
    assert sync(portal, mia, usernames={"n-1": "mia"}) == [ADD]
    assert portal.account("n-1").contact == attrs.evolve(MIA, email=None)
    assert portal.account("n-1").contact.unknown == ()


def test_user_names_come_from_a_mapping_or_a_function(portal: Portal) -> None:
    """By contact id, as a function of the contact, or none at all."""
    assert sync(portal, MIA, usernames=lambda contact: f"{contact.first_name}.{contact.contact_id}") == [ADD]
    assert portal.account("n-1").username == "Mia.n-1"
    assert sync(portal, BO, usernames=lambda contact: None) == [(SyncAction.ADD, SyncReason.NO_USERNAME)]
    assert sync(portal, BO, usernames={"n-2": "bo"}) == [REFRESH]
    assert portal.account("n-2").username == "bo"


def test_a_user_name_that_an_account_has_is_never_touched(portal: Portal) -> None:
    """What a contact signs in with changes through `rename` only; that the SIS has another one is said."""
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
    """Half a file from the SIS, or none, takes nobody's account away."""
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
    """A name change does nothing to an account that chose its own password."""
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
    """R6: whatever the state and whatever the SIS says, credential, activity, sign-in and user name stay."""
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
    """A SIS that still lists somebody does not undo an erasure by itself."""
    settled(portal)
    portal.accounts.erase("c-1", OFFICE)
    before = portal.account("c-1")

    assert sync(portal, ROSA, usernames=USERNAMES) == [cannot(SyncReason.ERASED)]
    assert portal.account("c-1") == before


def test_the_erased_are_brought_back_without_a_password(portal: Portal) -> None:
    """R6: who comes back begins anew, beyond every session and ticket there ever was."""
    settled(portal)
    portal.accounts.erase("c-1", OFFICE)
    erased = portal.account("c-1")

    assert sync(portal, ROSA, usernames=USERNAMES, restore_erased=True) == [(SyncAction.RESTORE, None)]

    account = portal.account("c-1")
    assert account == Account(
        contact=ROSA, username="rabbiatici", credential=erased.credential, version=erased.version + 1
    )
    assert account.credential.password_hash is None
    assert account.credential.epoch == 3
    assert portal.kinds("c-1")[-1] == "user_updated.restore"
    assert sync(portal, ROSA, usernames=USERNAMES, restore_erased=True) == [UNCHANGED]


def test_whose_user_name_was_given_away_is_brought_back_without_it(portal: Portal) -> None:
    """The erased lose their user name; somebody else's is not taken for them."""
    portal.accounts.erase("c-1", OFFICE)
    portal.accounts.rename("c-2", OFFICE, username="rabbiatici")

    assert sync(portal, ROSA, usernames=USERNAMES, restore_erased=True) == [
        (SyncAction.RESTORE, SyncReason.USERNAME_TAKEN)
    ]
    assert portal.account("c-1").erased_at is None
    assert portal.account("c-1").username is None


# -- what cannot be done


@pytest.mark.parametrize(
    "username", ["", "  ", "tab\there", "nul\0", "half\ud800", "x" * 256, 7, 1.5, ["mia"]], ids=repr
)
def test_a_user_name_that_is_none_is_one_row_s_result(portal: Portal, username: Any) -> None:
    """Blanks, controls, numbers of a sheet: nothing is written for that contact, and others go on."""
    assert sync(portal, MIA, BO, usernames={"n-1": username, "n-2": "bo"}) == [
        cannot(SyncReason.USERNAME_INVALID),
        ADD,
    ]
    assert portal.store.find(ContactId("n-1")) is None
    assert sync(portal, ROSA, usernames={"c-1": username}) == [cannot(SyncReason.USERNAME_INVALID)]


@pytest.mark.parametrize("username", ["rabbiatici", "RABBIATICI", " rabbiatici ", "ｒabbiatici"])
def test_a_user_name_that_another_account_has_is_not_taken(portal: Portal, username: str) -> None:
    """R18: matched by its key, however it is written; the contact has an account, without a user name and flagged."""
    assert sync(portal, MIA, BO, usernames={"n-1": username, "n-2": "bo"}) == [TAKEN, ADD]
    assert portal.account("n-1") == Account(contact=MIA)
    assert portal.kinds("n-1") == ["user_created username_taken"]
    assert portal.account("c-1").username == "rabbiatici"


def test_a_taken_user_name_is_settled_by_renaming_or_once_it_is_free(portal: Portal) -> None:
    """Each sync says it again and writes nothing; the first one after the name became free sets it."""
    wanted = {"n-1": "rabbiatici"}
    sync(portal, MIA, usernames=wanted)
    before = everything(portal)
    assert sync(portal, MIA, usernames=wanted) == [(SyncAction.UNCHANGED, SyncReason.USERNAME_TAKEN)]
    assert everything(portal) == before
    moved = attrs.evolve(MIA, last_name="Moved")
    assert sync(portal, moved, usernames=wanted) == [(SyncAction.REFRESH, SyncReason.USERNAME_TAKEN)]
    portal.accounts.rename("c-1", OFFICE, username="rosa")
    assert sync(portal, moved, usernames=wanted) == [REFRESH]
    assert portal.account("n-1").username == "rabbiatici"
    assert sync(portal, BO, usernames={"n-2": "rosa"}) == [TAKEN]
    portal.accounts.rename("n-2", OFFICE, username="bo")
    assert sync(portal, BO, usernames={"n-2": "rosa"}) == [(SyncAction.UNCHANGED, SyncReason.USERNAME_DIFFERS)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_user_name_that_two_rows_want_goes_to_the_lower_id(portal: Portal, order: int) -> None:
    """The plan says beforehand what the store would refuse, also over the border of a reading, in any order."""
    contacts = [Contact(contact_id=ContactId(f"m-{n:03}"), last_name="M") for n in range(600)]
    wanted = {contact.contact_id: f"user{n % 550}" for n, contact in enumerate(contacts)}

    told = sync(portal, *contacts[::order], usernames=wanted)

    assert told[::order] == [ADD] * 550 + [TAKEN] * 50
    assert portal.account("m-599").username is None


def test_a_row_that_cannot_be_added_claims_no_user_name(portal: Portal) -> None:
    """An account that keeps another user name leaves the proposed one to a later contact."""
    assert sync(portal, ROSA, MIA, usernames={"c-1": "mia", "n-1": "mia"}) == [
        (SyncAction.UNCHANGED, SyncReason.USERNAME_DIFFERS),
        ADD,
    ]


def test_a_contact_listed_twice_is_taken_once(portal: Portal) -> None:
    """The first row counts, the other says so, within one reading and over its border."""
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
