"""Looking accounts up, and disabling, unlocking, renaming and erasing them: who may, what is written, what is told."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import (
    FAMILY,
    GOOD_PASSWORD,
    NOBODY,
    OFFICE,
    ROSA,
    START,
    USERNAMES,
    Portal,
    issued,
    settled,
    ticket_of,
    watched,
)
from portalcreds.account_queries import MAX_PAGE_SIZE, AccountPage, AccountQuery
from portalcreds.account_service import AccountService
from portalcreds.accounts import Account, AccountStatus, CredentialOrigin
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    InvalidValueError,
    PrivilegeDeniedError,
    StaleAccountError,
    StoreUnavailableError,
    WrongStateError,
)
from portalcreds.outcomes import PasswordChangeRequired, Renamed, SignedIn, SignInDenied, TicketInvalid, UsernameTaken
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import Change
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.throttle import Throttle

ROSA_ID = ROSA.contact_id
PARENT = Operator(operator_id="office", contact_id=ROSA_ID)

Step = Callable[[AccountService, Operator], Account | Renamed | UsernameTaken]
STEPS: dict[Privilege, Step] = {
    Privilege.DISABLE: lambda service, operator: service.disable("c-1", operator),
    Privilege.RENAME: lambda service, operator: service.rename("c-1", operator, username="rosa.a"),
    Privilege.ERASE: lambda service, operator: service.erase("c-1", operator),
    Privilege.UNLOCK: lambda service, operator: service.unlock("c-1", operator),
    Privilege.REQUIRE_CHANGE: lambda service, operator: service.require_change("c-1", operator, reason="compromised"),
}
"""One step for each privilege."""

WRITING: dict[str, Step] = {
    **{privilege.value: step for privilege, step in STEPS.items() if privilege is not Privilege.UNLOCK},
    "enable": lambda service, operator: service.enable("c-1", operator),
}
"""The steps that write, by name."""


def ids(page: AccountPage) -> list[str]:
    """Return the contacts on a page."""
    return [account.contact_id for account in page.accounts]


def last_event(portal: Portal, contact_id: str | None = "c-1") -> tuple[Any, ...]:
    """Return the last line about a contact: what, by whom, why."""
    event = portal.store.events(None if contact_id is None else ContactId(contact_id))[-1]
    return event.kind, event.operator_id, event.reason


def of(portal: Portal, **parts: Any) -> AccountService:
    """Return a service with parts that `Portal` has no keyword for."""
    throttle = Throttle(portal.counter, clock=portal.clock)
    defaults: dict[str, Any] = {"authorizer": portal.authorizer, "throttle": throttle, "clock": portal.clock}
    return AccountService(portal.store, **defaults | parts)


# -- looking up


def test_a_look_up_by_contact_is_on_the_record(portal: Portal) -> None:
    """Features 15: who looked at whose user name, and when."""
    account = portal.accounts.get("c-1", OFFICE)

    assert account == portal.accounts.find("c-1", OFFICE) == portal.account("c-1")
    assert account.username == "rabbiatici"
    assert portal.kinds("c-1")[-2:] == ["sensitive_read.username"] * 2
    assert last_event(portal) == (AuditKind.USERNAME_VIEWED, "office", None)


@pytest.mark.parametrize("username", ["PObrien", "pobrien", " POBRIEN ", "ｐobrien"])
def test_a_look_up_by_user_name_takes_it_as_written(portal: Portal, username: str) -> None:
    """R18, features 15: in whatever case and width; the account shows it as given."""
    account = portal.accounts.find_by_username(username, OFFICE)

    assert account is not None
    assert (account.contact_id, account.username) == ("c-2", "PObrien")
    assert portal.kinds("c-2")[-1] == "sensitive_read.username"


@pytest.mark.parametrize("username", ["nobody", "", " ", "p\tobrien", "pobrien\0", "p\ud800", "x" * 100_000, "pobrie"])
def test_a_user_name_that_is_nobody_s_finds_nobody(portal: Portal, username: str) -> None:
    """R8, R23: also what could be nobody's is a value; nothing is on the record, for nothing was seen."""
    before = portal.store.events()
    assert portal.accounts.find_by_username(username, OFFICE) is None
    assert portal.store.events() == before


def test_a_store_that_matches_too_much_shows_nobody(memory_portal: Portal) -> None:
    """R18: what a folding collation matched is compared again, and is nobody's."""

    class Folding:
        def __getattr__(self, name: str) -> Any:
            return getattr(memory_portal.store, name)

        def find_by_username(self, username_key: str, /) -> Account | None:
            return memory_portal.store.find_by_username("rabbiatici")

    folding: Any = Folding()
    before = memory_portal.store.events()
    assert attrs.evolve(memory_portal, store=folding).accounts.find_by_username("räbbiatici", OFFICE) is None
    assert memory_portal.store.events() == before


def test_a_contact_without_account_is_found_by_nobody(portal: Portal) -> None:
    """Design 2: ``find`` returns nothing, ``get`` raises, and the error says the mend."""
    before = portal.store.events()
    assert portal.accounts.find("c-9", OFFICE) is None
    with pytest.raises(AccountNotFoundError, match="sync_contacts") as caught:
        portal.accounts.get("c-9", OFFICE)
    assert caught.value.contact_id == "c-9"
    assert portal.store.events() == before


@pytest.mark.parametrize(
    "look",
    [
        lambda service, operator: service.get("c-1", operator),
        lambda service, operator: service.find("c-1", operator),
    ],
    ids=["get", "find"],
)
def test_who_may_not_look_sees_nothing(portal: Portal, look: Callable[[AccountService, Operator], Account]) -> None:
    """R16: every other privilege together does not show a user name; the refusal is on the record and says nothing."""
    others = Grants(privileges={"nobody": [p for p in Privilege if p is not Privilege.VIEW_USERNAMES]})

    with pytest.raises(PrivilegeDeniedError) as caught:
        look(portal.with_parts(authorizer=others).accounts, NOBODY)

    assert last_event(portal) == (AuditKind.PRIVILEGE_DENIED, "nobody", "view_usernames")
    for text in ("rabbiatici", "Rosa", "Abbiatici"):
        assert text not in f"{caught.value!r}{caught.value}"


def test_a_look_up_that_cannot_be_recorded_shows_nothing(portal: Portal) -> None:
    """R17: what must be recorded and cannot be is refused."""

    class Full:
        def record(self, events: Sequence[AuditEvent], /) -> None:
            raise StoreUnavailableError("record", "disk_full")

    service = of(portal, audit=Full())
    for look in (
        lambda: service.find("c-1", OFFICE),
        lambda: service.find_by_username("rabbiatici", OFFICE),
        lambda: service.search(OFFICE),
    ):
        with pytest.raises(StoreUnavailableError):
            look()


def test_an_operator_may_look_at_their_own(portal: Portal) -> None:
    """R16: looking changes nothing, so whoever may see user names may see their own."""
    assert portal.accounts.get("c-1", PARENT).contact_id == "c-1"


def test_a_store_that_does_not_record_needs_a_sink(portal: Portal) -> None:
    """R17: a service without a place for its record is not made."""
    silent: Any = object()
    with pytest.raises(ConfigurationError):
        attrs.evolve(portal, store=silent).accounts  # noqa: B018  Making it is what fails.


# -- the grid


def test_the_grid_shows_all_by_last_name(portal: Portal) -> None:
    """Features 13 and 15: without a filter by last name, who has none of it first, and one line for the page."""
    portal.accounts.sync_contacts([Contact(contact_id=ContactId("c-0"))], OFFICE)
    before = len(portal.store.events())

    page = portal.accounts.search(OFFICE)

    assert ids(page) == ["c-0", "c-1", "c-2", "c-4", "c-3"]
    assert page.next is None
    (event,) = portal.store.events()[before:]
    assert (event.kind, event.operator_id, event.count, event.reason, event.contact_id) == (
        AuditKind.USERNAME_VIEWED,
        "office",
        5,
        "search",
        None,
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"username_prefix": "R"}, ["c-1"]),
        ({"username_prefix": "po"}, ["c-2"]),
        ({"username_prefix": "ＰＯ"}, ["c-2"]),
        ({"username_prefix": ""}, ["c-3", "c-2", "c-1", "c-4"]),
        ({"username_prefix": "%"}, []),
        ({"username_prefix": "_"}, []),
        ({"username_prefix": "x" * 300}, []),
        ({"last_name_prefix": "VAN DER"}, ["c-3"]),
        ({"last_name_prefix": "o'b"}, ["c-2"]),
        ({"last_name_prefix": ""}, ["c-1", "c-2", "c-4", "c-3"]),
        ({"last_name_prefix": "' OR 1=1 --"}, []),
        ({"status": AccountStatus.NEVER_ISSUED}, ["c-1", "c-2", "c-4", "c-3"]),
        ({"status": AccountStatus.DEFAULT_LIVE}, []),
        ({"status": AccountStatus.NEVER_ISSUED, "last_name_prefix": "su"}, ["c-4"]),
    ],
)
def test_the_grid_filters(portal: Portal, filters: dict[str, Any], expected: list[str]) -> None:
    """Features 15: by part of the user name or of the last name, folded, and by status; no letter is a wildcard."""
    assert ids(portal.accounts.search(OFFICE, **filters)) == expected


def test_the_grid_filters_by_the_status_of_now(portal: Portal) -> None:
    """Features 13: live and expired defaults come in order of expiry, and who is erased does not come at all."""
    for contact_id in ("c-2", "c-1"):
        issued(portal, contact_id)
        portal.clock.move(days=1)
    settled(portal, "c-3")
    portal.accounts.erase("c-4", OFFICE)

    def with_status(status: AccountStatus) -> list[str]:
        return ids(portal.accounts.search(OFFICE, status=status))

    assert with_status(AccountStatus.DEFAULT_LIVE) == ["c-2", "c-1"]
    portal.clock.move(days=12)
    assert with_status(AccountStatus.DEFAULT_EXPIRED) == ["c-2"]
    assert with_status(AccountStatus.DEFAULT_LIVE) == ["c-1"]
    assert with_status(AccountStatus.SELF_CHOSEN) == ["c-3"]
    assert with_status(AccountStatus.DISABLED) == []
    assert "c-4" not in ids(portal.accounts.search(OFFICE))


@pytest.mark.parametrize("filters", [{}, {"username_prefix": "user."}, {"last_name_prefix": "parent"}], ids=str)
def test_pages_show_everybody_once(portal: Portal, filters: dict[str, Any]) -> None:
    """Features 15: following ``next`` shows each account once, in order, also with a page that ends at the last."""
    portal.add_school(30)
    everybody = ids(portal.accounts.search(OFFICE, **filters, limit=MAX_PAGE_SIZE))

    for limit in (1, 7, 15, len(everybody), len(everybody) + 1):
        seen: list[str] = []
        after = None
        while True:
            page = portal.accounts.search(OFFICE, **filters, after=after, limit=limit)
            assert len(page.accounts) <= limit
            seen += ids(page)
            after = page.next
            if after is None:
                break
            assert len(page.accounts) == limit
        assert seen == everybody


@pytest.mark.parametrize(
    "filters",
    [
        {"limit": 0},
        {"limit": MAX_PAGE_SIZE + 1},
        {"username_prefix": "a", "last_name_prefix": "b"},
        {"username_prefix": 7},
        {"status": "asleep"},
        {"after": "no token"},
        {"after": ""},
    ],
    ids=str,
)
def test_filters_that_cannot_be_taken_are_refused(portal: Portal, filters: dict[str, Any]) -> None:
    """R23: by the same error on every store, before anything is looked at."""
    before = portal.store.events()
    with pytest.raises(InvalidValueError):
        portal.accounts.search(OFFICE, **filters)
    assert portal.store.events() == before


def test_who_may_see_nobody_gets_an_empty_grid(portal: Portal) -> None:
    """R16: no account, no way on whose token would hold a user name, and one line on the record."""
    portal.add_school(3)
    searches: list[dict[str, Any]] = [{}, {"username_prefix": ""}, {"limit": 1}]
    for filters in searches:
        before = len(portal.store.events())

        page = portal.accounts.search(NOBODY, **filters)

        assert page == AccountPage()
        (event,) = portal.store.events()[before:]
        assert (event.kind, event.operator_id, event.reason, event.count, event.contact_id) == (
            AuditKind.PRIVILEGE_DENIED,
            "nobody",
            "view_usernames",
            7,
            None,
        )


def test_an_empty_grid_is_no_look_up(portal: Portal) -> None:
    """R17: where nothing was seen or hidden nothing is on the record."""
    before = portal.store.events()
    assert portal.accounts.search(OFFICE, username_prefix="zz") == AccountPage()
    assert portal.accounts.search(NOBODY, username_prefix="zz") == AccountPage()
    assert portal.store.events() == before


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_the_hidden_neither_show_nor_shorten_the_pages(portal: Portal, limit: int) -> None:
    """R16: an operator of one school pages through that school's accounts; no token holds another's user name."""
    portal.add_school(25)

    def every_third(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id[-1] in "258" for account in accounts]

    service = portal.with_parts(authorizer=every_third).accounts
    expected = [f"s-{n:04}" for n in range(25) if str(n)[-1] in "258"]
    seen: list[str] = []
    after = None
    while True:
        page = service.search(OFFICE, username_prefix="user.", after=after, limit=limit)
        seen += ids(page)
        if page.next is None:
            break
        assert len(page.accounts) == limit
        # The way on begins after somebody who was shown.
        after = page.next
        assert f'"{seen[-1]}"' in base64.urlsafe_b64decode(after).decode()
    assert seen == expected


def test_a_long_stretch_of_hidden_accounts_is_read_through(memory_portal: Portal) -> None:
    """R16: where the reading ends among the hidden, the way on still begins after somebody who was shown."""
    memory_portal.add_school(MAX_PAGE_SIZE + 30)
    visible = ("s-0005", "s-0500", f"s-{MAX_PAGE_SIZE + 20}")

    def few(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id in visible for account in accounts]

    service = memory_portal.with_parts(authorizer=few).accounts
    first = service.search(OFFICE, username_prefix="user.", limit=1)
    assert ids(first) == ["s-0005"]
    assert first.next is not None
    assert '"s-0005"' in base64.urlsafe_b64decode(first.next).decode()
    second = service.search(OFFICE, username_prefix="user.", limit=2, after=first.next)
    assert ids(second) == list(visible[1:])
    last = service.search(OFFICE, username_prefix="user.", limit=3)
    assert (ids(last), last.next) == (list(visible), None)


def test_no_token_holds_who_came_between_two_looks(memory_portal: Portal) -> None:
    """R16: the token tells nothing of a hidden account either, if accounts go while the page is made."""
    memory_portal.add_school(6)

    class Busy(MemoryAccountStore):
        """A store that somebody else writes to between any two pages."""

        def search(self, query: AccountQuery, /) -> AccountPage:
            page = memory_portal.store.search(query)
            leaving = page.accounts[0]
            memory_portal.store.apply([Change(old=leaving, new=leaving.erase(erased_at=memory_portal.clock()))])
            return page

    def even(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> list[bool]:
        return [account.contact_id[-1] in "024" for account in accounts]

    service = AccountService(Busy(), authorizer=even, audit=memory_portal.store, throttle=memory_portal.throttle)
    page = service.search(OFFICE, username_prefix="user.", limit=2)
    assert ids(page) == ["s-0000", "s-0002"]
    assert page.next is not None
    assert '"s-0002"' in base64.urlsafe_b64decode(page.next).decode()


# -- who may


@pytest.mark.parametrize("privilege", STEPS)
def test_each_step_takes_its_own_privilege(portal: Portal, privilege: Privilege) -> None:
    """R16: all other privileges together do not allow it; refused, on the record, with nothing written."""
    settled(portal)
    others = Grants(privileges={"office": [other for other in Privilege if other is not privilege]})
    before = portal.account("c-1")

    with pytest.raises(PrivilegeDeniedError) as caught:
        STEPS[privilege](portal.with_parts(authorizer=others).accounts, OFFICE)

    assert (caught.value.privilege, caught.value.contact_ids) == (privilege, ("c-1",))
    assert portal.account("c-1") == before
    assert last_event(portal) == (AuditKind.PRIVILEGE_DENIED, "office", privilege.value)

    alone = Grants(privileges={"office": [privilege]})
    assert STEPS[privilege](portal.with_parts(authorizer=alone).accounts, OFFICE) is not None


def test_enabling_takes_the_privilege_of_disabling(portal: Portal) -> None:
    """R16: whoever locks out lets in again."""
    portal.accounts.disable("c-1", OFFICE)
    others = Grants(privileges={"office": [other for other in Privilege if other is not Privilege.DISABLE]})
    with pytest.raises(PrivilegeDeniedError):
        portal.with_parts(authorizer=others).accounts.enable("c-1", OFFICE)
    alone = Grants(privileges={"office": [Privilege.DISABLE]})
    assert portal.with_parts(authorizer=alone).accounts.enable("c-1", OFFICE).is_active


@pytest.mark.parametrize("privilege", STEPS)
def test_nobody_does_it_to_their_own_account(portal: Portal, privilege: Privilege) -> None:
    """R16: refused by default, whatever is held; allowed where the host said so."""
    settled(portal)
    with pytest.raises(PrivilegeDeniedError):
        STEPS[privilege](portal.accounts, PARENT)
    assert STEPS[privilege](of(portal, allow_own_account=True), PARENT) is not None


@pytest.mark.parametrize(
    "step",
    [
        lambda service: service.disable("c-9", OFFICE),
        lambda service: service.enable("c-9", OFFICE),
        lambda service: service.erase("c-9", OFFICE),
        lambda service: service.unlock("c-9", OFFICE),
        lambda service: service.rename("c-9", OFFICE, username="x"),
        lambda service: service.require_change("c-9", OFFICE, reason="x"),
    ],
    ids=["disable", "enable", "erase", "unlock", "rename", "require_change"],
)
def test_a_contact_without_account_is_an_error(portal: Portal, step: Callable[[AccountService], object]) -> None:
    """R23: there is nothing to be done to; nothing is on the record."""
    before = portal.store.events()
    with pytest.raises(AccountNotFoundError):
        step(portal.accounts)
    assert portal.store.events() == before


# -- disable and enable


def test_a_disabled_account_lets_nobody_in(portal: Portal) -> None:
    """R6, R7: from that instant the password, and an open ticket, are worth nothing, and sessions end by the epoch."""
    default = issued(portal)
    ticket = ticket_of(portal, "rabbiatici", default)
    epoch = portal.account("c-1").credential.epoch

    account = portal.accounts.disable("c-1", OFFICE)

    assert account == portal.account("c-1")
    assert account.status(START) is AccountStatus.DISABLED
    assert account.credential.epoch == epoch + 1
    assert last_event(portal) == (AuditKind.ACCOUNT_DISABLED, "office", None)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)
    assert isinstance(portal.sign_ins.complete_change(ticket, GOOD_PASSWORD), TicketInvalid)


def test_an_enabled_account_has_the_credential_it_had(portal: Portal) -> None:
    """Design 6: enabling gives back what was there, and neither the sessions nor another password."""
    settled(portal)
    disabled = portal.accounts.disable("c-1", OFFICE)

    enabled = portal.accounts.enable("c-1", OFFICE)

    assert enabled == attrs.evolve(disabled, is_active=True, version=disabled.version + 1) == portal.account("c-1")
    assert last_event(portal) == (AuditKind.ACCOUNT_ENABLED, "office", None)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


def test_disabling_does_not_lift_a_forced_change(portal: Portal) -> None:
    """R2: what had to be changed before still has to be."""
    default = issued(portal)
    portal.accounts.disable("c-1", OFFICE)
    portal.accounts.enable("c-1", OFFICE)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), PasswordChangeRequired)


@pytest.mark.parametrize(
    ("prepare", "step"),
    [
        ("disable", WRITING["disable"]),
        (None, WRITING["enable"]),
        ("erase", WRITING["erase"]),
        ("erase", WRITING["disable"]),
        ("rename", WRITING["rename"]),
        (None, lambda service, operator: service.rename("c-1", operator, username="rabbiatici")),
    ],
    ids=["disable", "enable", "erase", "disable erased", "rename", "same name"],
)
def test_what_is_so_already_is_not_written_again(portal: Portal, prepare: str | None, step: Step) -> None:
    """R17: a second click moves no version, ends no session and adds no line."""
    settled(portal)
    if prepare is not None:
        WRITING[prepare](portal.accounts, OFFICE)
    before = portal.account("c-1"), portal.store.events()

    told = step(portal.accounts, OFFICE)

    assert (portal.account("c-1"), portal.store.events()) == before
    assert (told.account if isinstance(told, Renamed) else told) == before[0]


# -- require a change


def test_a_demanded_change_holds_whoever_signs_in(portal: Portal) -> None:
    """R2, R6: the right password opens the one door, the reason reaches the form, and sessions end."""
    before = settled(portal)

    account = portal.accounts.require_change("c-1", OFFICE, reason="compromised")

    assert account.credential.epoch == before.credential.epoch + 1
    assert last_event(portal) == (AuditKind.CHANGE_REQUIRED, "office", "compromised")
    outcome = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(outcome, PasswordChangeRequired)
    assert outcome.reason == "compromised"


def test_a_change_can_be_demanded_anew(portal: Portal) -> None:
    """R6: another demand ends what began since the first; the later reason counts."""
    settled(portal)
    first = portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    second = portal.accounts.require_change("c-1", OFFICE, reason="again")
    assert (second.credential.epoch, second.credential.change_required_by) == (first.credential.epoch + 1, "again")


@pytest.mark.parametrize("reason", [None, "", " ", "two\nlines", "é", "x" * 65, 7])
def test_a_demand_needs_a_reason_and_never_loses_one(portal: Portal, reason: Any) -> None:
    """R2: what is no code is refused; above all, a missing form field does not take a demand away."""
    settled(portal)
    demanded = portal.accounts.require_change("c-1", OFFICE, reason="compromised")

    with pytest.raises(InvalidValueError) as caught:
        portal.accounts.require_change("c-1", OFFICE, reason=reason)

    assert caught.value.field in ("reason", "change_required_by")
    assert portal.account("c-1") == demanded


def test_without_a_password_there_is_none_to_change(portal: Portal) -> None:
    """R23: never issued, and erased, are states in which the step does not exist."""
    with pytest.raises(WrongStateError):
        portal.accounts.require_change("c-1", OFFICE, reason="compromised")
    portal.accounts.erase("c-1", OFFICE)
    with pytest.raises(WrongStateError):
        portal.accounts.require_change("c-1", OFFICE, reason="compromised")


# -- rename


def test_a_new_user_name_is_what_signs_in(portal: Portal) -> None:
    """Design 6: password, epoch and forced change stay; the old user name is free for somebody else."""
    before = settled(portal)

    renamed = portal.accounts.rename("c-1", OFFICE, username="Rosa.A")

    assert renamed == Renamed(account=portal.account("c-1"))
    assert portal.account("c-1") == attrs.evolve(before, username="Rosa.A", version=before.version + 1)
    assert last_event(portal) == (AuditKind.ACCOUNT_RENAMED, "office", None)
    assert isinstance(portal.sign_ins.sign_in("rosa.a", GOOD_PASSWORD), SignedIn)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignInDenied)
    assert isinstance(portal.accounts.rename("c-2", OFFICE, username="rabbiatici"), Renamed)


def test_a_user_name_may_change_in_case_only(portal: Portal) -> None:
    """R18: an account's own key is not taken by itself."""
    assert isinstance(portal.accounts.rename("c-1", OFFICE, username="RAbbiatici"), Renamed)
    assert portal.account("c-1").username == "RAbbiatici"


@pytest.mark.parametrize("username", ["PObrien", "pobrien", " ｐobrien "])
def test_a_taken_user_name_is_a_value(portal: Portal, username: str) -> None:
    """R18, R23: matched by its key; nothing is written, and nothing on the record says that it was tried."""
    before = portal.account("c-1"), portal.store.events()
    assert portal.accounts.rename("c-1", OFFICE, username=username) == UsernameTaken()
    assert (portal.account("c-1"), portal.store.events()) == before


def test_a_user_name_can_be_taken_away(portal: Portal) -> None:
    """Design 6: an account without a user name is kept, and nobody signs in with nothing."""
    settled(portal)
    assert portal.accounts.rename("c-1", OFFICE, username=None) == Renamed(account=portal.account("c-1"))
    for username in ("", " ", "None", "rabbiatici"):
        assert isinstance(portal.sign_ins.sign_in(username, GOOD_PASSWORD), SignInDenied)


@pytest.mark.parametrize("username", ["", " ", "a\tb", "nul\0", "x" * 256, 7])
def test_a_user_name_that_cannot_be_one_is_refused(portal: Portal, username: Any) -> None:
    """R18, R23: the error names the field and the mend, and not what was typed."""
    before = portal.account("c-1"), portal.store.events()
    with pytest.raises(InvalidValueError) as caught:
        portal.accounts.rename("c-1", OFFICE, username=username)
    assert caught.value.field == "username"
    assert (portal.account("c-1"), portal.store.events()) == before


# -- erase


def test_an_erased_account_holds_no_personal_data(portal: Portal, tmp_path: Path) -> None:
    """Design 6, R14: no name, address, user name or hash is left, in the row, in what searches it, or on the record."""
    before = settled(portal)
    assert before.credential.password_hash is not None
    portal.accounts.rename("c-1", OFFICE, username="rosa.abbia")
    moved = Contact(contact_id=ROSA_ID, first_name="Rosanna", last_name="Abbiati", email="rosanna@example.org")
    portal.accounts.sync_contacts([moved], OFFICE)
    portal.clock.move(hours=1)

    erased = portal.accounts.erase("c-1", OFFICE)

    assert erased == portal.account("c-1")
    assert erased.contact == Contact(contact_id=ROSA_ID)
    assert (erased.username, erased.last_sign_in_at, erased.is_active) == (None, None, False)
    assert erased.erased_at == portal.clock()
    assert erased.credential.origin is CredentialOrigin.NONE
    assert erased.credential.epoch == before.credential.epoch + 1
    assert last_event(portal) == (AuditKind.ACCOUNT_ERASED, "office", None)
    assert portal.store.find_by_username("rosa.abbia") is None
    assert ids(portal.accounts.search(OFFICE, last_name_prefix="abb")) == []

    told = "\n".join(event.line() for event in portal.store.events())
    if (tmp_path / "portal.db").exists():
        with closing(sqlite3.connect(tmp_path / "portal.db")) as connection:
            told += "\n".join(connection.iterdump())
    for text in ("Rosa", "Abbia", "rosa", "abbia", before.credential.password_hash.encoded):
        assert text not in told
    # The record of what was done stays.
    assert "authn_password_issue last-name-first-initial" in portal.kinds("c-1")


def test_the_erased_can_be_neither_enabled_nor_renamed(portal: Portal) -> None:
    """Design 6: no step brings personal data back by the side door; a sync does, if it is told to."""
    erased = portal.accounts.erase("c-1", OFFICE)
    with pytest.raises(WrongStateError):
        portal.accounts.enable("c-1", OFFICE)
    with pytest.raises(WrongStateError):
        portal.accounts.rename("c-1", OFFICE, username="rabbiatici")
    assert portal.account("c-1") == erased


# -- unlock


def test_an_unlocked_account_lets_its_owner_in(portal: Portal) -> None:
    """R9: the failures are forgotten, the credential stays, and so does the version."""
    default = issued(portal)
    for _ in range(10):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    portal.clock.move(hours=2)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)
    before = portal.account("c-1")

    assert portal.accounts.unlock("c-1", OFFICE) == before

    assert portal.account("c-1") == before
    assert last_event(portal) == (AuditKind.CREDENTIAL_UNLOCKED, "office", None)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), PasswordChangeRequired)


def test_an_unlocking_that_cannot_be_recorded_does_not_happen(portal: Portal) -> None:
    """R17: on the record first."""
    default = issued(portal)
    for _ in range(10):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    portal.clock.move(hours=2)

    class Full:
        def record(self, events: Sequence[AuditEvent], /) -> None:
            raise StoreUnavailableError("record", "disk_full")

    with pytest.raises(StoreUnavailableError):
        of(portal, audit=Full()).unlock("c-1", OFFICE)
    assert isinstance(portal.sign_ins.sign_in("rabbiatici", default), SignInDenied)


def test_an_account_without_a_user_name_can_be_unlocked(portal: Portal) -> None:
    """R9: there is no user name's count to forget then."""
    portal.accounts.rename("c-1", OFFICE, username=None)
    assert portal.accounts.unlock("c-1", OFFICE).username is None


# -- races


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("losses", [1, 5])
def test_a_lost_race_is_decided_anew(portal: Portal, name: str, losses: int) -> None:
    """R3: others write in between; the step is made from what is there then, once, and nothing of theirs is lost."""
    default = issued(portal)
    if name == "enable":
        portal.accounts.disable("c-1", OFFICE)
    lost: list[str] = []

    def touch(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if (when, call) == ("before", "apply") and len(lost) < losses:
            lost.append(call)
            moved = attrs.evolve(ROSA, email=f"{len(lost)}@example.org")
            portal.accounts.sync_contacts([moved], OFFICE)

    before = portal.account("c-1")
    told = WRITING[name](attrs.evolve(portal, store=watched(portal.store, touch)).accounts, OFFICE)

    account = portal.account("c-1")
    assert account == (told.account if isinstance(told, Renamed) else told)
    assert account.version == before.version + losses + 1
    assert account.contact.email == (None if name == "erase" else f"{losses}@example.org")
    assert default == "AbbiaticiR"


@pytest.mark.parametrize("name", WRITING)
def test_an_account_that_keeps_changing_is_given_up(portal: Portal, name: str) -> None:
    """R3, R23: after a bounded number of lost races the step is an error, and was not made."""
    issued(portal)
    if name == "enable":
        portal.accounts.disable("c-1", OFFICE)
    lost: list[str] = []

    def touch(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if (when, call) == ("before", "apply"):
            lost.append(call)
            portal.accounts.sync_contacts([attrs.evolve(ROSA, email=f"{len(lost)}@example.org")], OFFICE)

    with pytest.raises(StaleAccountError) as caught:
        WRITING[name](attrs.evolve(portal, store=watched(portal.store, touch)).accounts, OFFICE)

    assert caught.value.contact_id == "c-1"
    assert 2 <= len(lost) <= 100
    assert portal.account("c-1").contact.email == f"{len(lost)}@example.org"
    assert portal.account("c-1").username == "rabbiatici"


def test_a_race_lost_to_the_same_step_is_settled(portal: Portal) -> None:
    """R3: two clerks disable the same account: once on the record, and both are told that it is."""
    raced: list[Account] = []

    def disable(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if (when, call) == ("before", "apply") and not raced:
            raced.append(portal.accounts.disable("c-1", OFFICE))

    assert attrs.evolve(portal, store=watched(portal.store, disable)).accounts.disable("c-1", OFFICE) == raced[0]
    assert portal.kinds("c-1").count("user_archived") == 1


def test_a_privilege_lost_during_a_race_is_lost(portal: Portal) -> None:
    """R3, R16: who may is asked anew with each attempt, about the account as it is then."""
    raced: list[str] = []

    def touch(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if (when, call) == ("before", "apply") and not raced:
            raced.append(call)
            portal.accounts.sync_contacts([attrs.evolve(ROSA, last_name="Principal")], OFFICE)

    ranks = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact.last_name == "Principal")
    raced_portal = attrs.evolve(portal, store=watched(portal.store, touch)).with_parts(authorizer=ranks)
    with pytest.raises(PrivilegeDeniedError):
        raced_portal.accounts.disable("c-1", OFFICE)
    assert portal.account("c-1").is_active


def test_a_step_whose_user_name_is_suddenly_another_s_is_stale(memory_portal: Portal) -> None:
    """R23: a store that finds a user name taken by a step that sets none has lost its mind; nothing is claimed done."""

    class Confused:
        def __getattr__(self, name: str) -> Any:
            return getattr(memory_portal.store, name)

        def apply(self, changes: Sequence[Any], /) -> list[str]:
            return ["username_taken"]

    confused: Any = Confused()
    with pytest.raises(StaleAccountError):
        attrs.evolve(memory_portal, store=confused).accounts.disable("c-1", OFFICE)


def test_a_store_that_is_away_comes_out(portal: Portal) -> None:
    """R21, R23: one account's step has nobody else to go on with; the error carries no personal data."""

    def away(when: str, call: str, arguments: tuple[Any, ...]) -> None:
        if call == "apply":
            raise StoreUnavailableError("apply", "57P01")

    with pytest.raises(StoreUnavailableError) as caught:
        attrs.evolve(portal, store=watched(portal.store, away)).accounts.disable("c-1", OFFICE)
    assert "rabbiatici" not in f"{caught.value!r}{caught.value}"


# -- telling the host


def test_the_host_is_told_of_what_ends_sessions_and_of_nothing_else(portal: Portal) -> None:
    """Features 17: disabling, demanding a change and erasing, once each, with the account as it is then."""
    settled(portal)
    told: list[tuple[AuditKind, Account]] = []
    service = portal.with_parts(on_change=lambda account, event: told.append((event.kind, account))).accounts

    steps: list[Account] = []
    steps.append(service.require_change("c-1", OFFICE, reason="compromised"))
    service.rename("c-1", OFFICE, username="rosa.a")
    service.unlock("c-1", OFFICE)
    service.sync_contacts([attrs.evolve(ROSA, last_name="Moved")], OFFICE)
    service.get("c-1", OFFICE)
    steps.append(service.disable("c-1", OFFICE))
    service.disable("c-1", OFFICE)
    service.enable("c-1", OFFICE)
    steps.append(service.erase("c-1", OFFICE))

    kinds = (AuditKind.CHANGE_REQUIRED, AuditKind.ACCOUNT_DISABLED, AuditKind.ACCOUNT_ERASED)
    assert told == list(zip(kinds, steps, strict=True))


def test_a_hook_that_fails_does_not_undo_a_step(portal: Portal) -> None:
    """Features 17: the account is disabled already; that nobody could be told is on the record."""

    def broken(account: Account, event: AuditEvent) -> None:
        raise TimeoutError("rosa@example.org")

    assert not portal.with_parts(on_change=broken).accounts.disable("c-1", OFFICE).is_active
    assert portal.kinds("c-1")[-2:] == ["user_archived", "notification_failed TimeoutError"]


@pytest.mark.parametrize("name", WRITING)
def test_the_time_of_a_step_is_told_by_the_clock_handed_in(portal: Portal, name: str) -> None:
    """R24: no event is dated by another clock than the host's."""
    settled(portal)
    if name == "enable":
        portal.accounts.disable("c-1", OFFICE)
    portal.clock.move(days=3)
    WRITING[name](portal.accounts, OFFICE)
    assert portal.store.events(ROSA_ID)[-1].at == START + timedelta(days=3)


def test_a_repr_of_a_service_says_nothing_of_its_parts(portal: Portal) -> None:
    """R14: a store's connection and a host's callables are not printed into a log."""
    portal.accounts.get("c-1", OFFICE)
    told = repr(portal.accounts)
    assert "Store" not in told
    assert all(text not in told for text in (*USERNAMES.values(), *[str(c.last_name) for c in FAMILY]))


def test_the_office_sees_who_is_locked(portal: Portal) -> None:
    """R9: a spent credential is told to whoever may unlock it, and to nobody else."""
    issued(portal)
    assert not portal.accounts.is_locked("c-1", OFFICE)
    for _ in range(10):
        portal.sign_ins.sign_in("rabbiatici", "wrong")
    assert portal.accounts.is_locked("c-1", OFFICE)
    with pytest.raises(PrivilegeDeniedError):
        portal.accounts.is_locked("c-1", NOBODY)
    portal.accounts.unlock("c-1", OFFICE)
    assert not portal.accounts.is_locked("c-1", OFFICE)


def test_an_operator_who_is_none_is_told_so(portal: Portal) -> None:
    """R23: a bare name handed in as the operator is refused with the mend, before anybody is asked."""
    with pytest.raises(InvalidValueError) as refused:
        portal.accounts.get("c-1", "office")  # type: ignore[arg-type]
    assert refused.value.field == "operator"


def test_a_page_makes_records_with_names_and_statuses(portal: Portal) -> None:
    """R24: the grid's rows for a template or a DataFrame, and no secrets in them."""
    settled(portal)
    (row,) = portal.accounts.search(OFFICE, username_prefix="rabb").to_records(portal.clock())
    assert row["username"] == "rabbiatici"
    assert row["status"] == "self_chosen"
    assert row["last_sign_in_at"] is None or row["last_sign_in_at"].startswith("2026-08-24")
    (other,) = portal.accounts.search(OFFICE, username_prefix="pob").to_records(portal.clock())
    assert other["last_sign_in_at"] is None


def test_a_user_name_does_not_tell_who_has_it(portal: Portal) -> None:
    """R16: to whoever may not look, a user name that exists and one that does not are the same."""
    assert portal.accounts.find_by_username("rabbiatici", NOBODY) is None
    assert portal.accounts.find_by_username("invented", NOBODY) is None
    assert portal.kinds("c-1")[-1] == "authz_fail view_usernames"
