"""Who may do what, over a plain table (R16)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.accounts import MAX_OPERATOR_ID_LENGTH, Account
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import InvalidValueError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import Authorizer

ACCOUNTS = [Account(contact=Contact(contact_id=ContactId(f"c-{n}"))) for n in range(3)]
CLERK = Operator(operator_id="clerk")


@pytest.mark.parametrize("operator_id", ["", "x" * 256, "a\nb", "a\x1b", "a\u2028b", "a\u200b", 5, None, b"clerk"])
def test_an_operator_that_a_record_cannot_name_is_refused(operator_id: Any) -> None:
    """An operator's id stands in the audit: 1 to 255 printable characters."""
    with pytest.raises(InvalidValueError) as caught:
        Operator(operator_id=operator_id)
    assert caught.value.field == "operator_id"


@pytest.mark.parametrize("operator_id", ["a", "É. Clerk", "x" * MAX_OPERATOR_ID_LENGTH, "job:nightly"])
def test_any_printable_id_names_an_operator(operator_id: str) -> None:
    """Hosts have ids of their own, spaces and accents included; most operators are no contacts."""
    operator = Operator(operator_id=operator_id)
    assert (operator.operator_id, operator.contact_id) == (operator_id, None)


@given(st.sets(st.sampled_from(Privilege)), st.sampled_from(Privilege))
def test_an_operator_holds_exactly_what_the_table_says(held: set[Privilege], asked: Privilege) -> None:
    """No privilege comes with another: each is granted apart (R16)."""
    authorizer: Authorizer = Grants(privileges={"clerk": held})
    assert authorizer(CLERK, asked, ACCOUNTS) == [asked in held] * 3
    assert authorizer(Operator(operator_id="stranger"), asked, ACCOUNTS) == [False] * 3


def test_no_account_gets_no_answer() -> None:
    """The answers are as many as the accounts, none included."""
    assert list(Grants(privileges={"clerk": Privilege})(CLERK, Privilege.SYNC, [])) == []


def test_an_account_that_outranks_is_refused_among_others() -> None:
    """One call answers for each account by itself, in order."""
    grants = Grants(privileges={"clerk": [Privilege.SET_ONE]}, outranks=lambda account: account.contact_id == "c-1")
    assert grants(CLERK, Privilege.SET_ONE, ACCOUNTS) == [True, False, True]


def test_the_table_cannot_be_changed_from_outside() -> None:
    """What was granted when the table was handed in is what is granted later."""
    held = {Privilege.SET_ONE}
    table = {"clerk": held}
    grants = Grants(privileges=table)
    held.add(Privilege.ERASE)
    table["stranger"] = {Privilege.ERASE}
    assert grants(CLERK, Privilege.ERASE, ACCOUNTS[:1]) == [False]
    assert grants(Operator(operator_id="stranger"), Privilege.ERASE, ACCOUNTS[:1]) == [False]


def test_a_privilege_of_another_copy_of_the_package_counts() -> None:
    """Two vendored copies meet: privileges are compared by value and not by class."""
    grants = Grants(privileges={"clerk": ["set_one"]})  # type: ignore[list-item]  # Text, as a settings file has it.
    assert grants(CLERK, Privilege.SET_ONE, ACCOUNTS[:1]) == [True]
    assert grants(CLERK, "set_one", ACCOUNTS[:1]) == [True]  # type: ignore[arg-type]  # Text, as a settings file has it.


@pytest.mark.parametrize("held", ["set_one", ["sett_one"], 7, [None]])
def test_a_table_of_what_is_no_privilege_is_refused(held: object) -> None:
    """R16: a misspelt privilege is told when the table is made, and not found out when somebody is denied."""
    with pytest.raises(InvalidValueError) as refused:
        Grants(privileges={"office": held})  # type: ignore[dict-item]  # Wrong on purpose.
    assert refused.value.field == "privileges"


@pytest.mark.parametrize("contact_id", [1, "", b"1"])
def test_an_operators_own_contact_is_text(contact_id: Any) -> None:
    """R16: a number would equal no contact's id, and the operator's own account would be anybody's."""
    with pytest.raises(InvalidValueError) as refused:
        Operator(operator_id="office", contact_id=contact_id)
    assert refused.value.field == "contact_id"
