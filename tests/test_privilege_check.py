"""What stands between an operator and an account, whatever the host's authorizer answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from portal import NOBODY, OFFICE, START
from portalcreds._privilege_check import PrivilegeCheck, audit_of
from portalcreds.accounts import MAX_OPERATOR_ID_LENGTH, Account
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import ConfigurationError, InvalidValueError, PrivilegeDeniedError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.stores.memory import MemoryAccountStore

ACCOUNTS = [Account(contact=Contact(contact_id=ContactId(f"c-{n}"))) for n in range(3)]
HARMLESS = (Privilege.VIEW_USERNAMES, Privilege.SYNC)
CHANGING = [privilege for privilege in Privilege if privilege not in HARMLESS]


class Answers:
    """An authorizer that gives these answers and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        """Give these answers."""
        self.answers = answers
        self.asked: list[tuple[str, Privilege, list[str]]] = []

    def __call__(self, operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> Any:
        """Remember, and answer."""
        self.asked.append((operator.operator_id, privilege, [account.contact_id for account in accounts]))
        return list(self.answers)


def check(authorizer: Any, sink: MemoryAccountStore | None = None, *, allow_own: bool = False) -> PrivilegeCheck:
    """Return a check that records in *sink*."""
    return PrivilegeCheck(
        authorizer=authorizer,
        audit=MemoryAccountStore() if sink is None else sink,
        clock=lambda: START,
        allow_own_account=allow_own,
    )


def test_many_accounts_are_one_question() -> None:
    """R16: the authorizer is asked once for many, about each of them, in their order."""
    authorizer = Answers(True, False, True)

    assert check(authorizer).permitted(OFFICE, Privilege.SET_MANY, ACCOUNTS) == [True, False, True]
    assert authorizer.asked == [("office", Privilege.SET_MANY, ["c-0", "c-1", "c-2"])]


class _NumpyBool:
    def __init__(self, value: bool) -> None:
        self._value = value

    def __bool__(self) -> bool:
        return self._value


@pytest.mark.parametrize("name", ["bool", "bool_"])
def test_numpy_s_bools_are_answers(name: str) -> None:
    """R16: a rule over a table answers with these, named as in numpy 1 or 2; another type's truth is a refusal."""
    kind = type(name, (_NumpyBool,), {"__module__": "numpy"})
    answers = Answers(kind(True), kind(False), _NumpyBool(True))
    assert check(answers).permitted(OFFICE, Privilege.SET_MANY, ACCOUNTS) == [True, False, False]


def test_nothing_is_asked_about_nobody() -> None:
    """A host's query about no rows is spared, and an authorizer that cannot take an empty list never gets one."""
    authorizer = Answers()

    assert check(authorizer).permitted_on_record(OFFICE, Privilege.SET_MANY, []) == []
    assert authorizer.asked == []


@pytest.mark.parametrize("answer", [1, "yes", "True", [True], object(), None, 0, "", False, 1.0])
def test_only_true_is_a_yes(answer: object) -> None:
    """R16: what the host did not clearly allow is refused; a row, a name or a 1 is no yes."""
    assert check(Answers(answer, True, answer)).permitted(OFFICE, Privilege.DISABLE, ACCOUNTS) == [False, True, False]


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_answers_that_do_not_fit_the_accounts_are_a_mistake(count: int) -> None:
    """R16: too few or too many answers are about who knows whom; nothing goes on, whatever they say."""
    sink = MemoryAccountStore()

    with pytest.raises(ConfigurationError, match="authorizer"):
        check(Answers(*[True] * count), sink).permitted_on_record(OFFICE, Privilege.SET_MANY, ACCOUNTS)
    assert sink.events() == ()


def test_an_authorizer_may_be_a_generator() -> None:
    """A generator's answers are read in full: it is not itself truthy for everybody."""

    def every_second(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> Iterator[bool]:
        for at, _ in enumerate(accounts):
            yield at % 2 == 0

    assert check(every_second).permitted(OFFICE, Privilege.SET_MANY, ACCOUNTS) == [True, False, True]


def test_what_an_authorizer_raises_comes_out() -> None:
    """R16: a role table that cannot be read permits nothing and hides nothing."""

    def broken(operator: Operator, privilege: Privilege, accounts: Sequence[Account], /) -> Sequence[bool]:
        raise ConnectionError("roles")

    with pytest.raises(ConnectionError):
        check(broken).permitted(OFFICE, Privilege.SET_ONE, ACCOUNTS)


def test_each_refusal_is_on_the_record_and_nothing_else_is() -> None:
    """R16, R17: one line for each account refused: who, for whom, what, when."""
    sink = MemoryAccountStore()

    answers = check(Answers(False, True, False), sink).permitted_on_record(NOBODY, Privilege.REVEAL, ACCOUNTS)

    assert answers == [False, True, False]
    assert [(e.kind, e.operator_id, e.contact_id, e.reason, e.at) for e in sink.events()] == [
        (AuditKind.PRIVILEGE_DENIED, "nobody", contact_id, "reveal", START) for contact_id in ("c-0", "c-2")
    ]


def test_what_is_permitted_leaves_no_line() -> None:
    """An empty list of events is not recorded: a sink over a network is spared."""

    class Refusing(MemoryAccountStore):
        def record(self, events: Sequence[AuditEvent], /) -> None:
            raise AssertionError("recorded")

    answers = check(Answers(True, True, True), Refusing()).permitted_on_record(OFFICE, Privilege.SYNC, ACCOUNTS)
    assert answers == [True, True, True]


def test_a_requirement_is_met_or_raised() -> None:
    """R16, R23: the refusal of one account is typed, on the record, and says what is missing and for whom."""
    sink = MemoryAccountStore()
    check(Answers(True), sink).require(OFFICE, Privilege.ERASE, ACCOUNTS[0])
    assert sink.events() == ()

    with pytest.raises(PrivilegeDeniedError) as caught:
        check(Answers(False), sink).require(NOBODY, Privilege.ERASE, ACCOUNTS[0])

    assert (caught.value.operator_id, caught.value.privilege, caught.value.contact_ids) == ("nobody", "erase", ("c-0",))
    assert [event.kind for event in sink.events()] == [AuditKind.PRIVILEGE_DENIED]


@pytest.mark.parametrize("privilege", CHANGING)
def test_nobody_changes_the_account_that_is_their_own(privilege: Privilege) -> None:
    """R16: an operator who is a parent too needs a colleague, or a host that said otherwise."""
    parent = Operator(operator_id="office", contact_id=ContactId("c-1"))
    everybody = Answers(True, True, True)

    assert check(everybody).permitted(parent, privilege, ACCOUNTS) == [True, False, True]
    assert check(everybody, allow_own=True).permitted(parent, privilege, ACCOUNTS) == [True, True, True]
    assert check(everybody).permitted(OFFICE, privilege, ACCOUNTS) == [True, True, True]


@pytest.mark.parametrize("privilege", HARMLESS)
def test_looking_and_syncing_do_not_change_one_s_own_credential(privilege: Privilege) -> None:
    """R16: an operator may see, and sync, what is their own, if the authorizer says so."""
    parent = Operator(operator_id="office", contact_id=ContactId("c-1"))

    assert check(Answers(True, True, False)).permitted(parent, privilege, ACCOUNTS) == [True, True, False]
    assert check(Answers(True, False, True)).permitted(parent, privilege, ACCOUNTS) == [True, False, True]


def test_allowing_one_s_own_account_allows_nothing_else() -> None:
    """R16: the exception lifts one refusal; what the authorizer refuses stays refused."""
    parent = Operator(operator_id="office", contact_id=ContactId("c-1"))

    assert check(Answers(False, False, True), allow_own=True).permitted(parent, Privilege.SET_ONE, ACCOUNTS) == [
        False,
        False,
        True,
    ]


def test_a_table_of_grants_grants_each_privilege_by_itself() -> None:
    """R16: holding one privilege says nothing about another, and who is not in the table holds none."""
    grants = Grants(privileges={"office": iter([Privilege.SET_ONE]), "it": Privilege})

    for privilege in Privilege:
        # Twice, for a table made from iterators must not run dry.
        for _ in range(2):
            assert list(grants(OFFICE, privilege, ACCOUNTS)) == [privilege is Privilege.SET_ONE] * 3
        assert list(grants(Operator(operator_id="it"), privilege, ACCOUNTS)) == [True] * 3
        assert list(grants(NOBODY, privilege, ACCOUNTS)) == [False] * 3


def test_nobody_in_a_table_of_grants_touches_who_outranks_them() -> None:
    """R16: a higher-ranked account is refused, account by account, whatever is held."""
    grants = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact_id == "c-1")

    for privilege in Privilege:
        assert list(grants(OFFICE, privilege, ACCOUNTS)) == [True, False, True]


@pytest.mark.parametrize(
    "operator_id", ["", "x" * (MAX_OPERATOR_ID_LENGTH + 1), "two\nlines", "nul\0", None, 7, b"office"]
)
def test_an_operator_has_a_name_for_the_record(operator_id: Any) -> None:
    """R17: who acted is on one line of each event, so it is printable text, and not too long for a store."""
    with pytest.raises(InvalidValueError) as caught:
        Operator(operator_id=operator_id)
    assert caught.value.field == "operator_id"


def test_the_longest_name_of_an_operator_is_taken() -> None:
    """R17: the bound itself is inside."""
    assert len(Operator(operator_id="é" * MAX_OPERATOR_ID_LENGTH).operator_id) == MAX_OPERATOR_ID_LENGTH


def test_a_store_that_records_is_the_sink() -> None:
    """R17: without a sink of its own a service records where the accounts are."""
    store = MemoryAccountStore()
    assert audit_of(store) is store


def test_a_store_that_does_not_record_needs_a_sink_beside_it() -> None:
    """R17: no service starts without a place for its record."""
    with pytest.raises(ConfigurationError, match="AuditSink"):
        audit_of(object())
